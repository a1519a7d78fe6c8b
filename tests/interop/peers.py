#!/usr/bin/python3
"""Federation with real servers, Prosody and ejabberd, on loopback with a test authority and a test DNS."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "proto"))
from peers import EjabberdPeer, ProsodyPeer  # noqa: E402
from rawserver import Authority, Zone  # noqa: E402
from rawxmpp import Client, befriend, body_of, check, error_of, q, text_of  # noqa: E402
from s2s import Federated  # noqa: E402
from wardroom_test import Tap, skip_all, until  # noqa: E402

OURS = "ours.example"
DISCO = "http://jabber.org/protocol/disco#info"
RESOLVER = "192.0.2.53"	# on the loopback of a network of our own: libunbound, as Prosody sets it up, asks nobody at 127.0.0.1
MUC = "http://jabber.org/protocol/muc"


class Pair:
    """Our server and one other, with a person on each."""

    def __init__(self, top, zone, kind, name, s2s="", peer_cert=None, **how):
        self.ca = Authority(os.path.join(top, f"ca-{name}"))
        self.zone = zone
        zone.table.clear()
        self.theirs = f"{name}.example"
        self.server = Federated(self.ca, self.zone, s2s=s2s, domain=OURS, users=("ann", "bob"), extra="log: { level: debug }\n")
        for d in (OURS, f"rooms.{OURS}"):
            self.zone.host(d, self.server.s2s_port)
        self.peer = kind(self.theirs, self.ca, self.zone, cert=peer_cert(self.ca, self.theirs) if peer_cert else None, **how)
        self.login()

    def login(self):
        self.ann = Client(self.server, "ann", resource="desk").login(presence=True)
        self.zoe = Client(self.peer, "zoe", resource="sofa").login(presence=True)

    def close(self):
        for x in (self.ann, self.zoe, self.server, self.peer):
            x.close()


def messages(p):
    p.ann.message(p.zoe.bare, "from ann")
    p.zoe.expect(name="message", body="from ann", timeout=15)
    p.zoe.message(p.ann.bare, "from zoe")
    m = p.ann.expect(name="message", body="from zoe", timeout=15)
    check(m.get("from") == p.zoe.jid, text_of(m))


def burst(p):
    for i in range(50):
        p.ann.message(p.zoe.jid, f"a{i}")
        p.zoe.message(p.ann.jid, f"z{i}")
    for i in range(50):
        p.zoe.expect(name="message", body=f"a{i}", timeout=15)
        p.ann.expect(name="message", body=f"z{i}", timeout=15)


def questions(p):
    for c, other in ((p.ann, p.peer.domain), (p.zoe, OURS)):
        el = c.iq("get", f"<query xmlns='{DISCO}'/>", to=other, timeout=15)
        check(el.get("type") == "result" and el.find(f"{q(DISCO, 'query')}/{q(DISCO, 'identity')}") is not None, text_of(el))
        el = c.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=other, timeout=15)
        check(el.get("type") == "result", text_of(el))
        el = c.iq("get", "<nonsense xmlns='urn:x'/>", to=other, timeout=15)
        check(el.get("type") == "error", text_of(el))


def friends(p):
    befriend(p.ann, p.zoe)
    p.ann.send("<presence><show>away</show></presence>")
    p.zoe.expect(lambda e: e.get("from") == p.ann.jid and e.findtext("{jabber:client}show") == "away", name="presence", timeout=15)
    p.zoe.send("<presence><show>dnd</show></presence>")
    p.ann.expect(lambda e: e.get("from") == p.zoe.jid and e.findtext("{jabber:client}show") == "dnd", name="presence", timeout=15)
    # Who comes later sees who is there, and everybody sees him go.
    b = Client(p.server, "ann", resource="phone").login(presence=True)
    b.expect(lambda e: e.findtext("{jabber:client}show") == "dnd", name="presence", frm=p.zoe.jid, timeout=15)
    p.zoe.expect(name="presence", frm=b.jid, timeout=15)
    b.goodbye()
    p.zoe.expect(name="presence", frm=b.jid, type="unavailable", timeout=15)
    z = Client(p.peer, "zoe", resource="phone").login(presence=True)
    z.expect(lambda e: e.findtext("{jabber:client}show") == "away", name="presence", frm=p.ann.jid, timeout=15)
    p.ann.expect(name="presence", frm=z.jid, timeout=15)
    z.goodbye()
    p.ann.expect(name="presence", frm=z.jid, type="unavailable", timeout=15)


def unfriends(p):
    p.ann.clear(), p.zoe.clear()
    p.ann.iq("set", f"<query xmlns='jabber:iq:roster'><item jid='{p.zoe.bare}' subscription='remove'/></query>", to=None)
    p.zoe.expect(name="presence", type="unsubscribed", timeout=15)
    p.zoe.expect(name="presence", type="unavailable", frm=p.ann.jid, timeout=15)
    p.ann.clear()
    p.zoe.send("<presence><status>unseen</status></presence>")
    messages(p)
    p.ann.none(lambda e: e.tag == q("jabber:client", "presence") and e.get("from") == p.zoe.jid and e.get("type") is None, "presence after unsubscribing")


def nobody(p):
    i = p.ann.message(f"nobody@{p.peer.domain}", "anybody?")
    el = p.ann.expect(name="message", id=i, type="error", timeout=15)
    check(error_of(el)[0] == "service-unavailable", text_of(el))
    # Outsiders do not learn who is here: for them it is as if somebody had got it. What comes after it shows that it has arrived.
    i = p.zoe.message(f"nobody@{OURS}", "anybody?")
    p.zoe.message(p.ann.bare, "after nobody")
    p.ann.expect(name="message", body="after nobody", timeout=15)
    p.ann.message(p.zoe.bare, "and back")
    p.zoe.expect(name="message", body="and back", timeout=15)
    p.zoe.none(lambda e: e.get("id") == i, "an answer for an account that is not there")


def join(c, room, nick):
    c.send(f"<presence to='{room}/{nick}'><x xmlns='{MUC}'/></presence>")
    el = c.expect(lambda e: e.get("from") == f"{room}/{nick}", name="presence", timeout=15)
    check(el.get("type") is None, text_of(el))


def their_room(p):
    room = f"cafe@rooms.{p.peer.domain}"
    join(p.zoe, room, "zoe")
    join(p.ann, room, "ann")
    p.zoe.expect(name="presence", frm=f"{room}/ann", timeout=15)
    p.ann.message(room, "hello room", type="groupchat")
    p.zoe.expect(name="message", frm=f"{room}/ann", body="hello room", timeout=15)
    p.zoe.message(room, "hello ann", type="groupchat")
    p.ann.expect(name="message", frm=f"{room}/zoe", body="hello ann", timeout=15)
    p.ann.send(f"<presence to='{room}/ann' type='unavailable'/>")
    p.zoe.expect(name="presence", frm=f"{room}/ann", type="unavailable", timeout=15)


def our_room(p):
    room = f"bar@rooms.{OURS}"
    join(p.ann, room, "ann")
    form = "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query>"
    p.ann.iq("set", form, to=room)
    join(p.zoe, room, "zoe")
    p.ann.expect(name="presence", frm=f"{room}/zoe", timeout=15)
    p.zoe.message(room, "hello room", type="groupchat")
    p.ann.expect(name="message", frm=f"{room}/zoe", body="hello room", timeout=15)
    p.ann.message(room, "hello zoe", type="groupchat")
    p.zoe.expect(name="message", frm=f"{room}/ann", body="hello zoe", timeout=15)
    p.zoe.send(f"<presence to='{room}/zoe' type='unavailable'/>")
    p.ann.expect(name="presence", frm=f"{room}/zoe", type="unavailable", timeout=15)


def they_restart(p):
    p.zoe.close()
    p.peer.kill9()
    p.ann.message(f"zoe@{p.peer.domain}", "while you were away")
    p.peer.start()
    p.zoe = Client(p.peer, "zoe", resource="sofa").login(presence=True)
    # Offline there, or live: either way it comes.
    p.zoe.expect(name="message", body="while you were away", timeout=30)
    messages(p)


def we_restart(p):
    p.server.stop()
    p.server.start()
    p.ann = Client(p.server, "ann", resource="desk").login(presence=True)
    messages(p)


CASES = [("messages both ways", messages), ("fifty each way, in order", burst), ("questions and answers", questions),
         ("nobody there", nobody), ("subscriptions and presence", friends), ("a contact removed", unfriends),
         ("a room of theirs", their_room), ("a room of ours", our_room),
         ("their server is killed and comes back", they_restart), ("our server restarts", we_restart)]


def refused(tap, top, zone, kind, what, peer_cert, word):
    """A server whose certificate does not hold gets nothing, and says nothing to us."""
    name = f"{kind.peer}-{what}"
    if not tap.wants(f"{kind.peer}: {what}"):
        return
    p = Pair(top, zone, kind, name, peer_cert=peer_cert)

    def out():
        i = p.ann.message(f"zoe@{p.theirs}", "secret")
        el = p.ann.expect(name="message", id=i, type="error", timeout=20)
        check(error_of(el)[0] == "remote-server-not-found", text_of(el))
        check(word in text_of(el), text_of(el))

    def into():
        p.zoe.message(f"ann@{OURS}", "let me in")
        until(lambda: f"s2s.refused peer={p.theirs} way=in" in p.server.log(), 20, "the refusal in the log")
        p.ann.none(lambda e: body_of(e) == "let me in", "a message of a server that has proven nothing")
    try:
        tap.run(f"{kind.peer}: {what} certificate, outgoing", out)
        tap.run(f"{kind.peer}: {what} certificate, incoming", into)
    finally:
        if os.environ.get("WARDROOM_LOG"):
            print(p.server.log()[-3000:])
        p.close()


def play(tap, top, zone, kind, how, s2s="", **more):
    label = f"{kind.peer} ({how})"
    cases = [(f"{label}: {name}", fn) for name, fn in CASES if tap.wants(f"{label}: {name}")]
    if not cases:
        return
    p = Pair(top, zone, kind, f"{kind.peer}-{how.replace(' ', '-').lower()}", s2s=s2s, **more)
    try:
        for name, fn in cases:
            tap.run(name, fn, p)
            for c in (p.ann, p.zoe):
                if not c.eof:
                    c.clear()
        p.server.assert_healthy()
    finally:
        if os.environ.get("WARDROOM_LOG"):
            print(p.server.log()[-8000:], p.peer.log(), p.zone.asked[-20:])
        p.close()


def in_own_network():
    """Runs this file again in a network namespace with nothing but loopback; returns when that is where we are."""
    if "WARDROOM_NETNS" not in os.environ:
        user = [] if os.geteuid() == 0 else ["-r"]
        if not shutil.which("unshare") or not shutil.which("ip") or subprocess.run(["unshare", "-n", "-m", *user, "true"], capture_output=True).returncode:
            skip_all("no network namespace can be made here")
        os.execvpe("unshare", ["unshare", "-n", "-m", *user, sys.executable, os.path.abspath(__file__)], dict(os.environ, WARDROOM_NETNS="1"))
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as f:
        f.write(f"nameserver {RESOLVER}\n")
    os.chmod(f.name, 0o644)
    for cmd in (["ip", "link", "set", "lo", "up"], ["ip", "addr", "add", f"{RESOLVER}/32", "dev", "lo"],
                ["mount", "--bind", f.name, "/etc/resolv.conf"]):
        subprocess.run(cmd, check=True)
    os.unlink(f.name)


def main():
    kinds = [k for k in (ProsodyPeer, EjabberdPeer) if not k.missing()]
    if not kinds:
        skip_all("; ".join(k.missing() for k in (ProsodyPeer, EjabberdPeer)))
    in_own_network()
    tap = Tap("federation with real servers")
    top = tempfile.mkdtemp(prefix="wardroom-peers-")
    zone = Zone(RESOLVER, 53)	# the port that Erlang asks
    try:
        for k in (ProsodyPeer, EjabberdPeer):
            if k.missing():
                tap.skip(f"{k.peer}", k.missing())
                continue
            play(tap, top, zone, k, "certificates")
            play(tap, top, zone, k, "direct TLS", direct=True)
            if k is ProsodyPeer:
                play(tap, top, zone, k, "both ways on one stream", bidi=True)
            refused(tap, top, zone, k, "self-signed", lambda ca, d: ca.issue(d, self_signed=True), "self-signed")
            refused(tap, top, zone, k, "expired", lambda ca, d: ca.issue(d, begin="20200101000000Z", end="20210101000000Z"), "expired")
            refused(tap, top, zone, k, "wrong", lambda ca, d: ca.issue("other.example"), "another name")
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
