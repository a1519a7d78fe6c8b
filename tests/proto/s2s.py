#!/usr/bin/python3
"""Federation: our server against raw other servers that say exactly what the case needs (security-tests.md A3, B-X)."""
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from rawserver import BIDI, DIALBACK, DIALBACK_FEATURE, SERVER, Authority, Peer, PeerListener, Target, Zone  # noqa: E402
from rawxmpp import SASL, STANZAS, STREAM, Client, SaslFailure, body_of, check, error_of, q, text_of  # noqa: E402
from wardroom_test import Failed, Instance, Tap, free_ports, until  # noqa: E402

OURS, THEIRS = "example.test", "peer.test"


class Federated(Instance):
    """An instance with federation on, whose certificate comes from the test's authority."""

    def __init__(self, ca, zone, s2s="", peers="", domain=OURS, users=("ann", "bob"), **kw):
        self.s2s_port = free_ports(1)[0]
        self.s2s, self.peers, self.zone, self.ca = s2s, peers, zone, ca
        super().__init__(domain=domain, start=False, **kw)
        cert, key = ca.issue(domain, f"DNS:{domain},DNS:rooms.{domain}")
        shutil.copy(cert, os.path.join(self.dir, "tls", "cert.pem"))
        shutil.copy(key, os.path.join(self.dir, "tls", "key.pem"))
        os.chmod(os.path.join(self.dir, "tls", "key.pem"), 0o600)
        self.add_users(users)
        self.start()

    def config_text(self):
        limits = "".join(f"  {k}: {v}\n" for k, v in self.limits.items())
        return (f"domain: {self.domain}\n"
                f"listen: {{ address: 127.0.0.1, c2s: {self.port}, c2s_tls: {self.tls_port}, s2s: {self.s2s_port}, component: 0, https: 0 }}\n"
                f"limits:\n{limits}"
                f"s2s: {{ ca: {self.ca.cert}, resolver: {self.zone.address}@{self.zone.port}, private_addresses: on{self.s2s} }}\n{self.peers}{self.extra}")


class World:
    def __init__(self):
        self.top = tempfile.mkdtemp(prefix="wardroom-s2s-")
        self.ca = Authority(os.path.join(self.top, "ca"))
        self.zone = Zone()
        self.cert = self.ca.issue(THEIRS)
        self.listener = PeerListener(THEIRS, OURS, self.cert)
        self.zone.host(THEIRS, self.listener.port)
        self.server = Federated(self.ca, self.zone)
        self.target = Target(OURS, self.server.s2s_port)
        self.ann = Client(self.server, "ann", resource="desk").login(presence=True)

    def peer(self, domain=THEIRS, cert=None):
        return Peer(domain, self.target, cert or self.cert)

    def close(self):
        self.ann.close()
        self.server.close()
        self.listener.close()
        self.zone.close()
        shutil.rmtree(self.top, ignore_errors=True)


w = None


# --- the plain road ---------------------------------------------------------------------------------------------

def message_in():
    p = w.peer().trusted()
    p.send(f"<message from='zoe@{THEIRS}/x' to='ann@{OURS}' type='chat' id='m1'><body>hello</body></message>")
    m = w.ann.expect(name="message", body="hello")
    check(m.get("from") == f"zoe@{THEIRS}/x" and m.get("to") == f"ann@{OURS}", text_of(m))
    p.goodbye()


def message_in_direct_tls():
    p = w.peer().trusted(direct=True)
    check(p.tls.selected_alpn_protocol() == "xmpp-server", f"ALPN {p.tls.selected_alpn_protocol()}")
    p.send(f"<message from='zoe@{THEIRS}/x' to='ann@{OURS}' type='chat' id='m2'><body>direct</body></message>")
    w.ann.expect(name="message", body="direct")
    p.goodbye()


def message_out():
    w.ann.message(f"zoe@{THEIRS}", "to you", id="o1")
    p = w.listener.opened()
    check(p.their_header.get("from") == OURS and p.their_header.get("to") == THEIRS, text_of(p.their_header))
    m = p.stanza_in("message")
    check(m.findtext(q(SERVER, "body")) == "to you" and m.get("from") == w.ann.jid, text_of(m))
    w.ann.message(f"zoe@{THEIRS}", "again", id="o2")
    m = p.stanza_in("message")
    check(m.findtext(q(SERVER, "body")) == "again", text_of(m))
    p.goodbye()


def run(tap):
    tap.run("a message comes in over STARTTLS with a certificate", message_in)
    tap.run("a message comes in over direct TLS, ALPN xmpp-server", message_in_direct_tls)
    tap.run("a message goes out with our certificate", message_out)


def main():
    global w
    tap = Tap("federation")
    w = World()
    try:
        run(tap)
        w.server.assert_healthy()
    finally:
        if os.environ.get("WARDROOM_LOG"):
            print(w.server.log()[-6000:])
        w.close()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
