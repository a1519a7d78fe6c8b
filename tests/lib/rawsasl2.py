"""A client that signs in by XEP-0388, with what goes in the same turn: 0386, 0484, 0198."""
import base64
import hashlib
import hmac
import os

from rawxmpp import SASL, SM, STREAM, Client, SaslFailure, b64, q, scram_keys, scram_name, text_of
from wardroom_test import Failed, check

SASL2, BIND2, FAST, CAM, CSI = "urn:xmpp:sasl:2", "urn:xmpp:bind:0", "urn:xmpp:fast:0", "urn:xmpp:cam:0", "urn:xmpp:csi:0"
CB = "urn:xmpp:sasl-cb:0"
PHONE = "d4565fa7-4d72-4749-b3d3-740edbf87770"


class Two(Client):
    """A client that signs in by SASL2."""

    def opened(self, frm=None, context=None):
        """Over TLS, features read; frm: the header's 'from' ('': none)."""
        self.connect(True, context)
        return self.begin(frm)

    def begin(self, frm=None):
        frm = self.server.jid(self.user) if frm is None else frm
        self.restart(self.header_text(**({"from": frm} if frm else {})))
        if self.auth_feature() is not None:		# as XEP-0474 hashes it
            kinds = sorted(k.get("type") for k in self.features.iter(q(CB, "channel-binding")))
            self.offered_first = "\x1e".join(sorted(self.offered())) + ("\x1f" + "\x1e".join(kinds) if kinds else "")
        return self

    def auth_feature(self):
        return self.features.find(q(SASL2, "authentication"))

    def offered(self):
        return [m.text for m in self.auth_feature().findall(q(SASL2, "mechanism"))]

    def authenticate(self, mech, response=None, inner="", agent=None):
        ua = ""
        if agent:
            ua = f"<user-agent id='{agent}'><software>Testing</software><device>A phone</device></user-agent>"
        ir = "" if response is None else f"<initial-response>{b64(response)}</initial-response>"
        self.send(f"<authenticate xmlns='{SASL2}' mechanism='{mech}'>{ir}{ua}{inner}</authenticate>")

    def answer(self, want, timeout=10):
        el = self.expect(lambda e: e.tag.startswith("{%s}" % SASL2) or e.tag == q(STREAM, "error"), what=f"SASL2 {want}", timeout=timeout)
        name = el.tag.split("}")[1]
        if name == "error":
            self.inbox.append(el)
        if name == "failure":
            conds = [c.tag for c in el if c.tag.startswith("{%s}" % SASL)]
            check(len(conds) == 1, f"not one condition: {text_of(el)}")
            raise SaslFailure(conds[0].split("}")[1])
        check(name == want, f"expected SASL2 {want}, got {text_of(el)}")
        return el

    def sasl2(self, mech="SCRAM-SHA-256", inner="", agent=None, binding=None, user=None, tamper=None, last="success"):
        """The whole exchange; the <success/> (or <continue/>) it ended with."""
        self.agent = agent
        algo = {"1": "sha1", "256": "sha256", "512": "sha512"}[mech.replace("-PLUS", "").rsplit("-", 1)[1]]
        if mech.endswith("-PLUS") and not binding:
            binding = "tls-exporter"
        tamper = tamper or (lambda step, text: text)
        gs2, data = self.binding(binding)
        nonce = base64.b64encode(os.urandom(18)).decode()
        bare = f"n={scram_name(user or self.user)},r={nonce}"
        self.authenticate(mech, tamper("first", gs2.decode() + bare), inner, agent)
        server_first = base64.b64decode(self.answer("challenge").text).decode()
        f = dict(p.split("=", 1) for p in server_first.split(","))
        self.server_first = f
        salted = scram_keys(algo, self.password, base64.b64decode(f["s"]), int(f["i"]))
        final = f"c={b64(gs2 + data)},r={f['r']}"
        message = f"{bare},{server_first},{final}".encode()
        ck = hmac.new(salted, b"Client Key", algo).digest()
        proof = bytes(a ^ b for a, b in zip(ck, hmac.new(hashlib.new(algo, ck).digest(), message, algo).digest()))
        self.send(f"<response xmlns='{SASL2}'>{b64(tamper('final', final + ',p=' + b64(proof)))}</response>")
        end = self.answer(last)
        v = hmac.new(hmac.new(salted, b"Server Key", algo).digest(), message, algo).digest()
        check(end.findtext(q(SASL2, "additional-data")) == b64("v=" + b64(v)), "the server's signature is wrong or missing")
        return self.signed_in(end) if last == "success" else end

    def signed_in(self, success):
        """Takes identity and features from <success/> and what follows it."""
        self.success = success
        self.jid = success.findtext(q(SASL2, "authorization-identifier"))
        self.bare = self.jid.split("/")[0]
        self.features = self.expect(name=q(STREAM, "features"), what="features after success")
        e = success.find(f"{q(BIND2, 'bound')}/{q(SM, 'enabled')}")
        if e is not None:
            self.sm_on = self.sm_sending = True
            self.sm_in = self.sm_sent = self.sm_acked = 0
            self.sm_id = e.get("id")
        r = success.find(q(SM, "resumed"))
        if r is not None:
            self.sm_on = self.sm_sending = True
        return success

    def refused(self, mech, response, inner="", agent=None):
        """The condition of the failure."""
        self.authenticate(mech, response, inner, agent)
        try:
            el = self.answer("success")
        except SaslFailure as e:
            return e.condition
        raise Failed(f"accepted: {text_of(el)}")


def bind(tag="Testing", inner=""):
    return f"<bind xmlns='{BIND2}'><tag>{tag}</tag>{inner}</bind>"


class Users:
    def __init__(self, server, n=120):
        self.server, self.free = server, [f"u{i}" for i in range(n)]

    def two(self, user=None, **kw):
        return Two(self.server, user or self.free.pop(), **kw)


TOKEN_KEYS = {"EXPR": "tls-exporter", "ENDP": "tls-server-end-point"}


def token_response(c, user, token, mech, count=None, tamper=None):
    """The message of an HT mechanism; the answer we must get."""
    data = c.binding(TOKEN_KEYS[mech[-4:]])[1] if mech[-4:] in TOKEN_KEYS else b""
    if tamper:
        data = tamper(data)
    mac = hmac.new(token.encode(), b"Initiator" + data, "sha256").digest()
    return user.encode() + b"\0" + mac, hmac.new(token.encode(), b"Responder" + data, "sha256").digest()


def by_token(c, token, mech="HT-SHA-256-EXPR", inner="", agent=PHONE, attrs="", user=None, tamper=None):
    """Signs in by a token: the <success/>."""
    said, answer = token_response(c, user or c.user, token, mech, tamper=tamper)
    c.authenticate(mech, said, f"<fast xmlns='{FAST}'{attrs}/>" + inner, agent)
    e = c.answer("success")
    check(e.findtext(q(SASL2, "additional-data")) == b64(answer), "the server's proof is wrong or missing")
    return c.signed_in(e)


def token_of(success):
    t = success.find(q(FAST, "token"))
    return None if t is None else t.get("token")


def request(mech="HT-SHA-256-EXPR"):
    return f"<request-token xmlns='{FAST}' mechanism='{mech}'/>"


def no_way(c, token, want="not-authorized", **kw):
    try:
        by_token(c, token, **kw)
    except SaslFailure as e:
        check(e.condition == want, f"{e.condition}, expected {want}")
        c.close()
        return
    raise Failed("the token was taken")
