#!/usr/bin/python3
"""Federation: our server against raw other servers that say exactly what the case needs (security-tests.md A3, B-X)."""
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from rawserver import DIALBACK, DIALBACK_FEATURE, SERVER, Authority, Peer, PeerListener, Target, Zone  # noqa: E402
from rawxmpp import SASL, STANZAS, STREAM, Client, SaslFailure, body_of, check, error_of, q, text_of  # noqa: E402
from wardroom_test import Failed, Instance, Tap, free_ports, until  # noqa: E402

OURS, THEIRS = "example.test", "peer.test"


class Federated(Instance):
    """An instance with federation on, whose certificate comes from the test's authority."""

    def __init__(self, ca, zone, s2s="", peers="", domain=OURS, users=("ann", "bob"), strangers="allow", **kw):
        self.s2s_port = free_ports(1)[0]
        self.s2s, self.peers, self.zone, self.ca = s2s, peers, zone, ca
        super().__init__(domain=domain, start=False, strangers=strangers, **kw)
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
    """One server of ours that believes certificates alone, one that also takes dialback (port of its own), and a place
    where the other domain is found."""

    def __init__(self):
        self.top = tempfile.mkdtemp(prefix="wardroom-s2s-")
        self.ca = Authority(os.path.join(self.top, "ca"))
        self.zone = Zone()
        self.cert = self.ca.issue(THEIRS)
        self.listener = PeerListener(THEIRS, OURS, self.cert)
        self.zone.host(THEIRS, self.listener.port)
        self.server = Federated(self.ca, self.zone, s2s=", deny: [denied.test, '*.bad.test']")
        self.target = Target(OURS, self.server.s2s_port)
        self.ann = Client(self.server, "ann", resource="desk").login(presence=True)
        self._second = None

    def peer(self, domain=THEIRS, cert=None, target=None):
        return Peer(domain, target or self.target, cert or self.cert)

    def second(self):
        """The server that takes dialback, and believes no private address: (server, target, a person on it)."""
        if not self._second:
            server = Federated(self.ca, self.zone, s2s=", dialback: tls", users=("ann",))
            self._second = server, Target(OURS, server.s2s_port), Client(server, "ann", resource="desk").login(presence=True)
        return self._second

    def settled(self):
        """Ann has got whatever was on its way to her."""
        self.ann.settle().clear()

    def close(self):
        self.ann.close()
        for s in (self.server, self._second and self._second[0]):
            if s:
                s.assert_healthy()
                s.close()
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


def both_ways_in():
    """XEP-0288: what we have to say goes back on the stream that came."""
    p = w.peer().trusted(bidi=True)
    w.ann.message(f"zoe@{THEIRS}", "back to you")
    m = p.stanza_in("message")
    check(m.findtext(q(SERVER, "body")) == "back to you", text_of(m))
    p.send(f"<message from='zoe@{THEIRS}' to='ann@{OURS}' id='b1'><body>and again</body></message>")
    w.ann.expect(name="message", body="and again")
    p.goodbye()


def both_ways_out():
    w.ann.message(f"zoe@{THEIRS}", "out")
    p = w.listener.opened(bidi=True)
    check(p.asked_bidi, "no <bidi/> though it was offered")
    p.stanza_in("message")
    p.send(f"<message from='zoe@{THEIRS}' to='ann@{OURS}' id='b2'><body>back</body></message>")
    w.ann.expect(name="message", body="back")
    p.goodbye()


def one_way_out():
    w.ann.message(f"zoe@{THEIRS}", "out")
    p = w.listener.opened()
    p.stanza_in("message")
    p.send(f"<message from='zoe@{THEIRS}' to='ann@{OURS}' id='b3'><body>HOSTILE</body></message>")
    check(p.stream_error()[0] == "not-authorized", "a stanza against the direction")
    w.ann.none(lambda e: body_of(e) == "HOSTILE", "a stanza against the direction")
    p = w.listener.opened()		# what was sent a moment before the break comes again
    p.stanza_in("message")
    p.goodbye()


def answers_reach_us():
    """An iq of ours is answered on the other stream, and matched."""
    i = w.ann.next_id("q")
    w.ann.send(f"<iq type='get' id='{i}' to='{THEIRS}'><ping xmlns='urn:xmpp:ping'/></iq>")
    p = w.listener.opened()
    el = p.stanza_in("iq")
    back = w.peer().trusted()
    back.send(f"<iq type='result' id='{el.get('id')}' from='{THEIRS}' to='{el.get('from')}'/>")
    w.ann.expect(name="iq", id=i, type="result")
    back.send(f"<iq type='get' id='v1' from='zoe@{THEIRS}/x' to='{OURS}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
    r = p.stanza_in("iq", id="v1")
    check(r.get("type") == "result" and r.get("to") == f"zoe@{THEIRS}/x", text_of(r))
    p.goodbye(), back.goodbye()


# --- certificates (120) -----------------------------------------------------------------------------------------------

PAST = dict(begin="20200101000000Z", end="20210101000000Z")
FUTURE = dict(begin="20400101000000Z", end="20410101000000Z")
BAD_CERTS = [("self-signed", dict(self_signed=True)), ("of another name", dict(san="DNS:other.test")), ("expired", PAST),
             ("not valid yet", FUTURE), ("common name only", dict(san="")), ("a name that ends alike", dict(san=f"DNS:evil{THEIRS}")),
             ("a wildcard too high", dict(san="DNS:*.test")), ("an address of somebody", dict(san=f"otherName:1.3.6.1.5.5.7.8.5;UTF8:zoe@{THEIRS}")),
             ("SRVName of another service", dict(san=f"otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_imap.{THEIRS}")),
             ("for mail", dict(eku="emailProtection"))]
GOOD_CERTS = [("dNSName", dict(san=f"DNS:x.test,DNS:{THEIRS}")), ("SRVName", dict(san=f"otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-server.{THEIRS}")),
              ("xmppAddr", dict(san=f"otherName:1.3.6.1.5.5.7.8.5;UTF8:{THEIRS}")), ("for servers only", dict(eku="serverAuth"))]


def issue(how):
    return w.ca.issue(how.pop("cn", THEIRS), **how)


def bad_in(how):
    p = w.peer(cert=issue(dict(how)))
    p.connect()
    p.restart()
    p.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    p.expect(name="{urn:ietf:params:xml:ns:xmpp-tls}proceed")
    p.start_tls()
    p.splitter = type(p.splitter)()
    p.send(p.header_text())
    check(p.stream_error()[0] == "not-authorized", "the certificate was taken")


def no_cert_in():
    p = Peer(THEIRS, w.target, None)
    p.connect(True)
    p.send(p.header_text())
    check(p.stream_error()[0] == "not-authorized", "no certificate was taken")


def good_in(how):
    p = w.peer(cert=issue(dict(how))).trusted()
    p.send(f"<message from='zoe@{THEIRS}/x' to='ann@{OURS}' id='g'><body>good</body></message>")
    w.ann.expect(name="message", body="good")
    p.goodbye()


def foreign_ca():
    other = Authority(os.path.join(w.top, "other"), "Other CA")
    p = w.peer(cert=other.issue(THEIRS))
    p.connect(True)
    p.send(p.header_text())
    check(p.stream_error()[0] == "not-authorized", "another authority was taken")


def bad_out(how, n=[0]):
    """We do not tell such a server anything; the sender hears why."""
    n[0] += 1
    domain = f"out{n[0]}.test"
    if how.get("san"):
        how = dict(how, san=how["san"].replace(THEIRS, domain))
    lis = PeerListener(domain, OURS, issue(dict(how, cn=domain)))
    w.zone.host(domain, lis.port)
    i = w.ann.message(f"zoe@{domain}", "HOSTILE secret")
    p = lis.secured(features=f"<mechanisms xmlns='{SASL}'><mechanism>EXTERNAL</mechanism></mechanisms><dialback xmlns='{DIALBACK_FEATURE}'/>")
    el = w.ann.expect(name="message", id=i, type="error")
    check(error_of(el) == ("remote-server-not-found", "cancel"), text_of(el))
    check(p.wait_end(), "the connection stays")
    check(b"HOSTILE" not in p.raw and not any(e.tag == q(SASL, "auth") or e.tag.startswith("{%s}" % DIALBACK) for e in p.inbox), "it was told something")
    lis.close()


# --- SASL, headers ------------------------------------------------------------------------------------------------------

def sasl_cases():
    p = w.peer().secure()
    check(p.mechanisms() == ["EXTERNAL"], f"{p.mechanisms()}")
    for authzid, want in (("other.test", "invalid-authzid"), (OURS, "invalid-authzid"), (f"zoe@{THEIRS}", "invalid-authzid")):
        try:
            p.external(authzid)
            raise Failed("taken")
        except SaslFailure as e:
            check(e.condition == want, e.condition)
    p.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>AGFubgBwYXNz</auth>")
    p.expect(lambda e: e.find(q(SASL, "invalid-mechanism")) is not None, name=q(SASL, "failure"))
    p.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>%%%</auth>")
    check(p.stream_error()[0] == "policy-violation", "it may try for ever")


def empty_authzid():
    p = w.peer().secure()
    p.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>=</auth>")
    p.expect(name=q(SASL, "success"))
    p.restart()
    p.goodbye()


def stanza_too_early(stage):
    p = w.peer()
    p.connect() if stage == "plain" else p.secure()
    if stage == "plain":
        p.restart()
    p.send(f"<message from='zoe@{THEIRS}' to='ann@{OURS}'><body>HOSTILE</body></message>")
    check(p.stream_error()[0] == "not-authorized", "a stanza before the proof")
    w.ann.none(lambda e: body_of(e) == "HOSTILE", "a stanza before the proof")


def header(text, want):
    p = w.peer()
    p.connect()
    p.send(text or p.header_text())
    check(p.stream_error()[0] == want, "the header")


def changes_its_name():
    p = w.peer().secure()
    p.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>=</auth>")
    p.expect(name=q(SASL, "success"))
    p.splitter = type(p.splitter)()
    p.send(p.header_text(frm="other.test"))
    check(p.stream_error()[0] == "invalid-from", "another name after the proof")


def injection():
    """What stands in plain behind <starttls/> was written by somebody in between (CVE-2011-0411)."""
    p = w.peer()
    p.connect()
    p.restart()
    p.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" + p.header_text())
    check(p.wait_end() and p.tls is None, "goes on")


def wrong_alpn():
    import ssl
    p = w.peer()
    p.connect()
    try:
        p.start_tls(p.context("xmpp-client"))
    except (ssl.SSLError, Failed):
        return
    raise Failed("ALPN xmpp-client on the port of servers")


# --- dialback (121-124, 126) ---------------------------------------------------------------------------------------------

def unsolicited(text):
    p = w.peer().secure()
    for _ in range(2):
        p.send(text)
    p.send(f"<message from='zoe@{THEIRS}' to='ann@{OURS}'><body>HOSTILE</body></message>")
    check(p.stream_error()[0] == "not-authorized", "the domain is authorised")
    p = w.peer().secure()
    for _ in range(3):
        p.send(text)
    check(p.stream_error()[0] == "policy-violation", "it may go on")
    w.ann.none(lambda e: body_of(e) == "HOSTILE", "a stanza after an unsolicited answer")


def dialback_refused():
    p = w.peer().secure()
    check(p.features.find(q(DIALBACK_FEATURE, "dialback")) is None, "dialback is offered")
    p.send(f"<db:result from='{THEIRS}' to='{OURS}'>key</db:result>")
    check(p.stream_error()[0] == "not-authorized", "dialback where the policy has none")


def dialback_plain():
    _, target, _ = w.second()
    p = w.peer(target=target)
    p.connect()
    p.restart()
    p.send(f"<db:result from='{THEIRS}' to='{OURS}'>key</db:result>")
    check(p.stream_error()[0] == "not-authorized", "dialback without TLS")


def asks(p, key):
    p.send(f"<db:result from='{THEIRS}' to='{OURS}'>{key}</db:result>")


def dialback_in():
    """No certificate; the domain's own server vouches."""
    _, target, ann = w.second()
    p = Peer(THEIRS, target, None).secure()
    check(not p.mechanisms(), "EXTERNAL without a certificate")
    asks(p, "the key")
    v = w.listener.secured()
    ask = v.expect(name=q(DIALBACK, "verify"))
    check(ask.text == "the key" and ask.get("id") == p.id and ask.get("from") == OURS and ask.get("to") == THEIRS, text_of(ask))
    # 122: for another stream, another pair: nothing happens; twice is still borne.
    v.send(f"<db:verify from='{THEIRS}' to='{OURS}' id='other' type='valid'/>")
    v.send(f"<db:verify from='other.test' to='{OURS}' id='{p.id}' type='valid'/>")
    p.pump(0.3)
    check(not any(e.tag == q(DIALBACK, "result") for e in p.inbox), "the answer to another question was taken")
    v.send(f"<db:verify from='{THEIRS}' to='{OURS}' id='{p.id}' type='valid'/>")
    r = p.expect(name=q(DIALBACK, "result"))
    check(r.get("type") == "valid" and r.get("from") == OURS and r.get("to") == THEIRS, text_of(r))
    p.send(f"<message from='zoe@{THEIRS}' to='ann@{OURS}' id='d1'><body>vouched for</body></message>")
    ann.expect(name="message", body="vouched for")
    # 126: a second domain on it takes a stream of its own.
    p.send(f"<message from='zoe@third.test' to='ann@{OURS}' id='d1'><body>HOSTILE</body></message>")
    check(p.stream_error()[0] == "invalid-from", "a second domain without proof")
    v.close()


def dialback_second_domain():
    _, target, _ = w.second()
    p = Peer(THEIRS, target, None).secure()
    p.send(f"<db:result from='third.test' to='{OURS}'>key</db:result>")
    r = p.expect(name=q(DIALBACK, "result"))
    check(r.get("type") == "error", text_of(r))
    p.close()


def dialback_invalid():
    _, target, _ = w.second()
    p = Peer(THEIRS, target, None).secure()
    asks(p, "forged")
    v = w.listener.secured()
    v.expect(name=q(DIALBACK, "verify"))
    v.send(f"<db:verify from='{THEIRS}' to='{OURS}' id='{p.id}' type='invalid'/>")
    r = p.expect(name=q(DIALBACK, "result"))
    check(r.get("type") == "invalid", text_of(r))
    check(p.wait_end(), "stays open")
    v.close()


def dialback_late():
    """An answer after the question has gone is an answer to nothing."""
    _, target, ann = w.second()
    p = Peer(THEIRS, target, None).secure()
    asks(p, "k")
    v = w.listener.secured()
    ask = v.expect(name=q(DIALBACK, "verify"))
    p.close()
    v.send(f"<db:verify from='{THEIRS}' to='{OURS}' id='{ask.get('id')}' type='valid'/>")
    p = Peer(THEIRS, target, None).secure()
    p.send(f"<message from='zoe@{THEIRS}' to='ann@{OURS}'><body>HOSTILE</body></message>")
    check(p.stream_error()[0] == "not-authorized", "the domain is authorised")
    ann.none(lambda e: body_of(e) == "HOSTILE", "a stanza after a late answer")
    v.close()


def dialback_verified():
    """With `verified` who vouches needs a valid certificate himself."""
    weak = PeerListener("weak.test", OURS, w.ca.issue("weak.test", self_signed=True))
    w.zone.host("weak.test", weak.port)
    with Federated(w.ca, w.zone, s2s=", dialback: verified", users=("ann",)) as s:
        target = Target(OURS, s.s2s_port)
        p = Peer("weak.test", target, None).secure()
        p.send(f"<db:result from='weak.test' to='{OURS}'>k</db:result>")
        v = weak.secured()
        check(v.wait_end() and not any(e.tag == q(DIALBACK, "verify") for e in v.inbox), "it was asked")
        r = p.expect(name=q(DIALBACK, "result"))
        check(r.get("type") == "error", text_of(r))
        p = Peer(THEIRS, target, None).secure()
        asks(p, "k")
        v = w.listener.secured()
        v.expect(name=q(DIALBACK, "verify"))
        v.send(f"<db:verify from='{THEIRS}' to='{OURS}' id='{p.id}' type='valid'/>")
        check(p.expect(name=q(DIALBACK, "result")).get("type") == "valid", "not taken")
        s.assert_healthy()
    weak.close()


def dialback_out():
    """A server that offers dialback alone gets our key, and we stand by it."""
    _, target, ann = w.second()
    ann.message(f"zoe@{THEIRS}", "by dialback")
    p = w.listener.secured(features=f"<dialback xmlns='{DIALBACK_FEATURE}'/>")
    r = p.expect(name=q(DIALBACK, "result"))
    check(r.get("from") == OURS and r.get("to") == THEIRS and len(r.text) == 64, text_of(r))
    v = Peer(THEIRS, target, None).secure()
    for key, id, want in ((r.text, p.id, "valid"), (r.text, p.id + "x", "invalid"), ("0" * 64, p.id, "invalid"), (r.text[:-1], p.id, "invalid")):
        v.send(f"<db:verify from='{THEIRS}' to='{OURS}' id='{id}'>{key}</db:verify>")
        a = v.expect(name=q(DIALBACK, "verify"))
        check(a.get("type") == want and a.get("id") == id, f"{want}: {text_of(a)}")
    v.send(f"<db:verify from='other.test' to='{OURS}' id='{p.id}'>{r.text}</db:verify>")
    check(v.expect(name=q(DIALBACK, "verify")).get("type") == "invalid", "a key for another server")
    v.close()
    p.send(f"<db:result from='{THEIRS}' to='{OURS}' type='valid'/>")
    check(p.stanza_in("message").findtext(q(SERVER, "body")) == "by dialback", "the message")
    p.goodbye()


def dialback_out_refused():
    _, _, ann = w.second()
    i = ann.message(f"zoe@{THEIRS}", "not believed")
    p = w.listener.secured(features=f"<dialback xmlns='{DIALBACK_FEATURE}'/>")
    p.expect(name=q(DIALBACK, "result"))
    p.send(f"<db:result from='{THEIRS}' to='{OURS}' type='invalid'/>")
    el = ann.expect(name="message", id=i, type="error")
    check(error_of(el)[0] == "remote-server-not-found", text_of(el))


# --- stanzas (125, 86, 90, 94, 79) ----------------------------------------------------------------------------------------

def stanza_error(stanza, want):
    p = w.peer().trusted()
    p.send(stanza)
    check(p.stream_error()[0] == want, "the stanza was taken")
    w.ann.none(lambda e: "HOSTILE" in text_of(e), "a stanza with wrong addresses")


BODY = "<body>HOSTILE</body>"
ADDRESSES = [
    ("another domain in 'from'", f"<message from='zoe@other.test' to='ann@{OURS}'>{BODY}</message>", "invalid-from"),
    ("our own domain in 'from'", f"<message from='bob@{OURS}' to='ann@{OURS}'>{BODY}</message>", "invalid-from"),
    ("a domain beneath theirs", f"<message from='zoe@sub.{THEIRS}' to='ann@{OURS}'>{BODY}</message>", "invalid-from"),
    ("no 'from'", f"<message to='ann@{OURS}'>{BODY}</message>", "improper-addressing"),
    ("no 'to'", f"<message from='zoe@{THEIRS}'>{BODY}</message>", "improper-addressing"),
    ("an empty 'to'", f"<message from='zoe@{THEIRS}' to=''>{BODY}</message>", "improper-addressing"),
    ("a malformed 'from'", f"<message from='@@{THEIRS}' to='ann@{OURS}'>{BODY}</message>", "improper-addressing"),
    ("'to' elsewhere", f"<message from='zoe@{THEIRS}' to='ann@other.test'>{BODY}</message>", "host-unknown"),
    ("'to' themselves", f"<message from='zoe@{THEIRS}' to='yan@{THEIRS}'>{BODY}</message>", "host-unknown"),
    ("no stanza", f"<nonsense xmlns='urn:x' from='zoe@{THEIRS}' to='ann@{OURS}'/>", "unsupported-stanza-type"),
]


def spoofs():
    p = w.peer().trusted(bidi=True)
    # 86: a roster push; 90: a carbon; 94: a stanza-id of our archive.
    p.send(f"<iq type='set' id='rp' from='zoe@{THEIRS}/x' to='{w.ann.jid}'><query xmlns='jabber:iq:roster'><item jid='HOSTILE@x.test'/></query></iq>")
    el = p.stanza_in("iq", id="rp")
    check(el.get("type") == "error" and el.find(f"{q(SERVER, 'error')}/{q(STANZAS, 'service-unavailable')}") is not None, text_of(el))
    p.send(f"<message from='zoe@{THEIRS}/x' to='{w.ann.jid}' id='sp'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
           f"<message xmlns='jabber:client' from='bob@{OURS}'>{BODY}</message></forwarded></received>"
           f"<stanza-id xmlns='urn:xmpp:sid:0' by='ann@{OURS}' id='HOSTILE'/><body>clean</body></message>")
    m = w.ann.expect(name="message", body="clean")
    check("HOSTILE" not in text_of(m), text_of(m))
    w.ann.none(lambda e: "HOSTILE" in text_of(e), "a spoof")
    p.goodbye()


def quiet_probe():
    """79: who may not see gets the same nothing for those who are there and those who are not."""
    p = w.peer().trusted(bidi=True)
    for who in ("ann", "nobody"):
        p.send(f"<presence type='probe' from='zoe@{THEIRS}' to='{who}@{OURS}'/>")
    p.send(f"<iq type='get' id='after' from='zoe@{THEIRS}/x' to='{OURS}'><ping xmlns='urn:xmpp:ping'/></iq>")
    p.stanza_in("iq", id="after")
    check(not [e for e in p.inbox if e.tag == q(SERVER, "presence")], "an answer to a probe of a stranger")
    for who in ("ann", "nobody"):
        p.send(f"<iq type='get' id='l{who}' from='zoe@{THEIRS}/x' to='{who}@{OURS}'><query xmlns='jabber:iq:last'/></iq>")
    a, b = p.stanza_in("iq", id="lann"), p.stanza_in("iq", id="lnobody")
    check([c.tag for c in a.find(q(SERVER, "error"))] == [c.tag for c in b.find(q(SERVER, "error"))], f"{text_of(a)} / {text_of(b)}")
    p.goodbye()


# --- who pretends to be us (127), who is denied ------------------------------------------------------------------------------

def poses(name, cert=None):
    p = w.peer(name, cert=cert or w.ca.issue(name))
    p.connect(True)
    p.send(p.header_text())
    check(p.stream_error()[0] == "not-authorized", f"{name} was taken")
    until(lambda: "s2s.poses_as_us" in w.server.log(), 3, "an alert in the log")


def denied_in(name):
    p = w.peer(name, cert=w.ca.issue(name))
    p.connect(True)
    p.send(p.header_text())
    check(p.stream_error()[0] == "policy-violation", f"{name} was taken")


def bounced(c, to, want, word="", timeout=10):
    i = c.message(to, "to nobody")
    el = c.expect(name="message", id=i, type="error", timeout=timeout)
    check(error_of(el)[0] == want and word in text_of(el), text_of(el))


def reload_denies():
    p = w.peer().trusted()
    w.server.s2s = ", deny: [denied.test, '*.bad.test', peer.test]"
    w.server.write_config()
    w.server.reload()
    check(p.stream_error()[0] == "policy-violation", "a link that is denied now")
    bounced(w.ann, f"zoe@{THEIRS}", "remote-server-not-found")
    w.server.s2s = ", deny: [denied.test, '*.bad.test']"
    w.server.write_config()
    w.server.reload()
    until(lambda: w.server.log().count("server.reloaded") >= 2, 5, "reloaded")
    check(w.server.json("status")["domain"] == OURS, "status after a reload")
    w.peer().trusted().goodbye()


# --- the DNS (128), bounces, limits (129) ---------------------------------------------------------------------------------------

def dns_cases():
    w.zone.add("_xmpp-server._tcp.none.test", "SRV", (0, 0, 5269, "."))
    bounced(w.ann, "a@none.test", "remote-server-not-found", "no such server")
    bounced(w.ann, "a@missing.nowhere", "remote-server-not-found", "no such server")
    w.zone.add("loop.test", "CNAME", "loop2.test").add("loop2.test", "CNAME", "loop.test")
    w.ann.message("a@loop.test", "round and round")		# comes back later, or never: it must not hold anybody up
    w.zone.add("_xmpp-server._tcp.self.test", "SRV", (0, 0, w.server.s2s_port, "xmpp.self.test")).add("xmpp.self.test", "A", "127.0.0.1")
    bounced(w.ann, "a@self.test", "remote-server-not-found")	# that is us: host-unknown, and no certificate
    w.zone.add("_xmpp-server._tcp.many.test", "SRV", *[(i, 0, 9, f"h{i}.many.test") for i in range(300)])
    w.zone.add("h0.many.test", "A", "127.0.0.1")
    w.ann.message("a@many.test", "one of many")
    w.settled()


def private_addresses():
    with Federated(w.ca, w.zone, s2s="", users=("ann",)) as s:
        s.write_config(s.config_text().replace("private_addresses: on", "private_addresses: off"))
        s.stop()
        s.start()
        ann = Client(s, "ann").login()
        bounced(ann, f"zoe@{THEIRS}", "remote-server-not-found", "private address")
        for n, a in (("meta.test", "169.254.169.254"), ("ten.test", "10.0.0.1"), ("mapped.test", None)):
            w.zone.add(n, "A", a) if a else w.zone.add(n, "AAAA", "::ffff:127.0.0.1")
            bounced(ann, f"zoe@{n}", "remote-server-not-found", "private address")
        ann.close()
        s.assert_healthy()


def direct_tls_out():
    lis = PeerListener("direct.test", OURS, w.ca.issue("direct.test"))
    w.zone.add("_xmpps-server._tcp.direct.test", "SRV", (1, 0, lis.port, "xmpp.direct.test")).add("xmpp.direct.test", "A", "127.0.0.1")
    w.zone.add("_xmpp-server._tcp.direct.test", "SRV", (9, 0, 9, "xmpp.direct.test"))
    w.ann.message("zoe@direct.test", "direct")
    p = lis.opened(direct=True)
    check(p.tls.selected_alpn_protocol() == "xmpp-server", "no ALPN")
    check(p.stanza_in("message").findtext(q(SERVER, "body")) == "direct", "the message")
    p.goodbye()
    lis.close()


def second_address():
    """The first address does not answer: the next one."""
    lis = PeerListener("two.test", OURS, w.ca.issue("two.test"))
    dead = free_ports(1)[0]
    w.zone.add("_xmpp-server._tcp.two.test", "SRV", (1, 0, dead, "xmpp.two.test"), (2, 0, lis.port, "xmpp.two.test"))
    w.zone.add("xmpp.two.test", "A", "127.0.0.1")
    w.ann.message("zoe@two.test", "the second")
    p = lis.opened()
    check(p.stanza_in("message").findtext(q(SERVER, "body")) == "the second", "the message")
    p.goodbye()
    lis.close()


def comes_back():
    """Nobody listens at first: it is tried again, in order."""
    lis = PeerListener("later.test", OURS, w.ca.issue("later.test"))
    port = lis.port
    lis.close()
    w.zone.host("later.test", port)
    for i in range(3):
        w.ann.message("zoe@later.test", f"later {i}")
    until(lambda: "s2s.failed peer=later.test" in w.server.log(), 5, "a first failure")
    lis = PeerListener("later.test", OURS, w.ca.issue("later.test"), port=port)
    p = lis.opened(timeout=15)
    for i in range(3):
        check(p.stanza_in("message").findtext(q(SERVER, "body")) == f"later {i}", "the order")
    p.goodbye()
    lis.close()


def later_listener(name):
    """A domain whose server is away: (port, a function that lets it come)."""
    lis = PeerListener(name, OURS, w.ca.issue(name))
    port, cert = lis.port, lis.cert
    lis.close()
    w.zone.host(name, port)
    return lambda: PeerListener(name, OURS, cert, port=port)


def bodies(p, n, timeout=15):
    return [p.stanza_in("message", timeout=timeout).findtext(q(SERVER, "body")) for _ in range(n)]


def outlives_a_kill():
    """What was acknowledged waits in the store: it goes out after kill -9, in order, once."""
    come = later_listener("kept.test")
    c = Client(w.server, "bob", resource="sm").login()
    c.sm_enable()
    for i in range(5):
        c.message("zoe@kept.test", f"kept {i}")
    c.sm_all_acked()
    w.server.kill9()
    c.close(), w.ann.close()
    w.server.start()
    w.ann = Client(w.server, "ann", resource="desk").login(presence=True)
    lis = come()
    p = lis.opened(timeout=30)
    got = bodies(p, 5)
    check(got == [f"kept {i}" for i in range(5)], f"{got}")
    w.ann.message("zoe@kept.test", "live")
    check(bodies(p, 1) == ["live"], "the next one")
    # Settled: the next start sends nothing again.
    until(lambda: not p.pump(0.5), 10, "quiet")
    import time
    time.sleep(3)
    w.server.kill9()
    w.server.start()
    w.ann.close()
    w.ann = Client(w.server, "ann", resource="desk").login(presence=True)
    w.ann.message("zoe@kept.test", "after")
    p = lis.opened(timeout=15)
    got = bodies(p, 1)
    check(got == ["after"], f"sent again: {got}")
    p.goodbye()
    lis.close()


def outlives_a_cut():
    """The connection breaks right behind the message: it is sent once more."""
    lis = PeerListener("cut.test", OURS, w.ca.issue("cut.test"))
    w.zone.host("cut.test", lis.port)
    w.ann.message("zoe@cut.test", "one")
    p = lis.opened()
    bodies(p, 1)
    i = w.ann.message("zoe@cut.test", "two")
    p.cut()
    p = lis.opened()
    got = [p.stanza_in("message") for _ in range(2)]
    check([m.findtext(q(SERVER, "body")) for m in got] == ["one", "two"] and got[1].get("id") == i, "not all came again")
    p.goodbye()
    lis.close()


def crowd():
    """129: whoever has proven nothing shares a budget; who has is not touched."""
    good = w.peer().trusted()
    held = []
    for _ in range(20):
        p = w.peer()
        p.connect()
        held.append(p)
    until(lambda: sum(1 for p in held if not p.pump(0.01) and p.eof) >= 3, 5, "connections beyond the budget closed")
    check(sum(1 for p in held if not p.eof) >= 10, "all were closed")
    good.send(f"<message from='zoe@{THEIRS}' to='ann@{OURS}' id='cr'><body>still here</body></message>")
    w.ann.expect(name="message", body="still here")
    for p in held:
        p.close()
    good.goodbye()


def queue_limit():
    """The queue for one peer has an end; what is in it goes back after a while, each with its id."""
    w.zone.host("dead.test", free_ports(1)[0])
    ids = [w.ann.message("zoe@dead.test", f"d{i}") for i in range(505)]
    errors = {}

    def some():
        w.ann.pump(0.05)
        for e in [e for e in w.ann.inbox if e.get("type") == "error" and e.get("id") in ids]:
            w.ann.inbox.remove(e)
            errors[e.get("id")] = error_of(e)
        return len(errors) >= 5
    until(some, 10, "errors for what did not fit")
    check(all(v == ("resource-constraint", "wait") for v in errors.values()), f"{set(errors.values())}")
    check(set(errors) == set(ids[500:]), "not the last ones were refused")

    def rest():
        some()
        return len(errors) == 505
    until(rest, 75, "bounces for the rest", 0.2)
    check(all(errors[i] == ("remote-server-timeout", "wait") for i in ids[:500]), f"{set(errors.values())}")


def status():
    p = w.peer().trusted(bidi=True)
    st = w.server.json("status")
    links = [x for x in st["s2s_links"] if x["peer"] == THEIRS and x["state"] == "open"]
    check(links and links[0]["way"] == "in" and links[0]["proof"] == "certificate" and links[0]["both_ways"], f"{st['s2s_links']}")
    check("s2s" not in st["not_opened"], "s2s is said to be closed")
    p.goodbye()


def records():
    """`wardroom dns` tells others the port that is open."""
    got = w.server.json("dns")["records"]
    check(f"_xmpp-server._tcp.{OURS}. 3600 IN SRV 5 0 {w.server.s2s_port} {OURS}." in got, f"{got}")
    check(any(r.startswith(f"_xmpps-server._tcp.rooms.{OURS}.") for r in got), f"{got}")


def run(tap):
    tap.run("a message comes in over STARTTLS with a certificate", message_in)
    tap.run("a message comes in over direct TLS, ALPN xmpp-server", message_in_direct_tls)
    tap.run("a message goes out with our certificate", message_out)
    tap.run("a message goes out over direct TLS", direct_tls_out)
    tap.run("requests are answered across two streams", answers_reach_us)
    tap.run("xep0288: we answer on the stream that came", both_ways_in)
    tap.run("xep0288: we take answers on the stream that we made", both_ways_out)
    tap.run("case 125: no stanza against the direction", one_way_out)
    for name, how in GOOD_CERTS:
        tap.run(f"case 120: certificate with {name} is taken", good_in, how)
    for name, how in BAD_CERTS:
        tap.run(f"case 120: certificate {name} is refused, incoming", bad_in, how)
    for name, how in BAD_CERTS[:6]:
        tap.run(f"case 120: certificate {name} is refused, outgoing", bad_out, how)
    tap.run("case 120: no certificate is refused", no_cert_in)
    tap.run("case 120: an authority that we do not know is refused", foreign_ca)
    tap.run("xep0178: EXTERNAL for another name, other mechanisms, endless tries", sasl_cases)
    tap.run("xep0178: EXTERNAL with an empty name", empty_authzid)
    for stage in ("plain", "secured"):
        tap.run(f"case 125: a stanza before the proof, {stage}", stanza_too_early, stage)
    tap.run("header to a domain that is not ours", header, f"<stream:stream xmlns='{SERVER}' xmlns:stream='{STREAM}' to='x.test' version='1.0'>", "host-unknown")
    tap.run("header of a client", header, f"<stream:stream xmlns='jabber:client' xmlns:stream='{STREAM}' to='{OURS}' version='1.0'>", "invalid-namespace")
    tap.run("header without a version", header, f"<stream:stream xmlns='{SERVER}' xmlns:stream='{STREAM}' to='{OURS}'>", "unsupported-version")
    tap.run("case 127: another name after the proof", changes_its_name)
    tap.run("STARTTLS: nothing of the plain part counts", injection)
    tap.run("ALPN of clients on the port of servers", wrong_alpn)
    tap.run("case 121: unsolicited result", unsolicited, f"<db:result from='{THEIRS}' to='{OURS}' type='valid'/>")
    tap.run("case 121: unsolicited verify", unsolicited, f"<db:verify from='{THEIRS}' to='{OURS}' id='x' type='valid'/>")
    tap.run("case 120: dialback is refused by default", dialback_refused)
    tap.run("case 120: dialback without TLS", dialback_plain)
    tap.run("case 122: dialback in; answers to other questions", dialback_in)
    tap.run("case 122: an answer that is too late", dialback_late)
    tap.run("case 120: who vouches needs a certificate himself", dialback_verified)
    tap.run("case 126: a second domain on one stream", dialback_second_domain)
    tap.run("xep0220: an invalid key", dialback_invalid)
    tap.run("case 123: dialback out; our keys are for one stream and one pair", dialback_out)
    tap.run("xep0220: not believed", dialback_out_refused)
    for name, stanza, want in ADDRESSES:
        tap.run(f"case 125: {name}", stanza_error, stanza, want)
    tap.run("case 86, 90, 94: pushes, carbons and ids of others", spoofs)
    tap.run("case 79: probes of strangers", quiet_probe)
    for name in (OURS, f"rooms.{OURS}", f"mail.{OURS}", "exarnple.test", "ехample.test"):
        tap.run(f"case 127: {name} from outside", poses, name) if name.isascii() else None
    for name in ("denied.test", "x.bad.test"):
        tap.run(f"denied: {name} comes", denied_in, name)
        tap.run(f"denied: {name} is written to", lambda n=name: bounced(w.ann, f"a@{n}", "remote-server-not-found"))
    tap.run("denied: by a reload", reload_denies)
    tap.run("case 128: what the DNS may say", dns_cases)
    tap.run("case 128: private addresses", private_addresses)
    tap.run("the next address when the first is silent", second_address)
    tap.run("a peer that comes back gets all, in order", comes_back)
    tap.run("a message for a server that is away outlives kill -9", outlives_a_kill)
    tap.run("a message that was cut off goes out again", outlives_a_cut)
    tap.run("case 129: a crowd at the door", crowd)
    tap.run("first contact: a stranger of another server waits, and hears nothing", first_contact)
    tap.run("status shows the links", status)
    tap.run("dns names the records", records)
    tap.run("a queue has an end, and what waits too long comes back", queue_limit)


def first_contact():
    """What a stranger of another server sends waits; who it is for, there or not, makes no difference to him."""
    server = Federated(w.ca, w.zone, strangers="request")
    try:
        ann, peer = Client(server, "ann", resource="desk").login(presence=True), Peer(THEIRS, Target(OURS, server.s2s_port), w.cert).trusted()
        for i, to in enumerate(("ann", "nobody", "bob")):
            peer.send(f"<message from='eve@{THEIRS}/x' to='{to}@{OURS}' type='chat' id='fc{i}'><body>see http://evil.example/{i}</body></message>")
        peer.send(f"<presence from='eve@{THEIRS}' to='ann@{OURS}' type='subscribe'/><presence from='eve@{THEIRS}/x' to='ann@{OURS}'/>")
        t = body_of(ann.expect(lambda e: "Request 1" in (body_of(e) or ""), name="message"))
        check("http://evil" not in t and "evil.example" not in t, t)
        ann.none(lambda e: e.get("from", "").startswith("eve@"), "something of a stranger")
        try:
            w.listener.accept(timeout=1)
        except Failed:
            pass		# nobody has anything to tell the other server
        else:
            raise Failed("our server connects to theirs: it has an answer for the stranger")
        ann.message(f"guard@{OURS}", "accept 1")
        ann.expect(name="message", id="fc0", frm=f"eve@{THEIRS}/x")
        ann.expect(name="presence", type="subscribe", frm=f"eve@{THEIRS}")
        ann.close()
    finally:
        server.assert_healthy()
        server.close()


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
