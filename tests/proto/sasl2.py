#!/usr/bin/env python3
"""Signing in by XEP-0388 and what goes with it in one turn: 0386, 0484, 0494, 0474, 0480, and resumption."""
import base64
import hashlib
import hmac
import os
import sys
import time
import uuid
from xml.sax.saxutils import escape

from harness import SASL, SM, STREAM, Failed, check, error_of, q, text_of
from rawxmpp import CARBONS, MAM, SaslFailure, Client, b64, body_of, pump_all, scram_keys, scram_name
from wardroom_test import PASSWORD, Tap, new_server, until

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


def sasl2_tests(tap, users):
    s = users.server

    def offer():
        c = users.two().opened()
        auth = c.auth_feature()
        check(auth is not None, f"not offered: {text_of(c.features)}")
        check(c.offered() == c.mechanisms(), f"SASL2 {c.offered()}, SASL1 {c.mechanisms()}")
        check(not any(m.startswith("HT-") for m in c.offered()), "a token's mechanism among the others")
        inline = auth.find(q(SASL2, "inline"))
        check(inline.find(q(SM, "sm")) is not None, "no inline resumption")
        have = {f.get("var") for f in inline.find(f"{q(BIND2, 'bind')}/{q(BIND2, 'inline')}")}
        check({CARBONS, CSI, SM} <= have, f"bind offers {have}")
        kinds = {k.get("type") for k in c.features.iter(q(CB, "channel-binding"))}
        check(kinds == {"tls-exporter", "tls-server-end-point"}, f"channel bindings {kinds}")
        c.close()
        plain = users.two()
        plain.connect()
        plain.begin()
        check(plain.auth_feature() is None, "offered before TLS")
        plain.send(f"<authenticate xmlns='{SASL2}' mechanism='SCRAM-SHA-1'/>")
        check(plain.stream_error()[0] == "not-authorized", "authenticate before TLS")
    tap.run("xep0388-offer: mechanisms, inline features, channel bindings; nothing before TLS", offer)

    def all_mechanisms():
        for mech in users.two().opened().offered():
            for kind in (("tls-exporter", "tls-server-end-point") if mech.endswith("-PLUS") else (None,)):
                c = users.two("u0").opened()
                e = c.sasl2(mech, binding=kind)
                check(c.jid == s.jid("u0"), f"{mech}: identity {c.jid}")
                check(e.find(q(BIND2, "bound")) is None, "bound without a wish")
                c.bind()
                c.settle()
                c.close()
    tap.run("xep0388-success: every mechanism and binding; no restart; bind of RFC 6120 afterwards", all_mechanisms)

    def no_initial():
        c = users.two().opened()
        c.authenticate("SCRAM-SHA-1")
        check(not c.answer("challenge").text, "an empty challenge asks for the first message")
        c.close()
        c = users.two().opened()
        c.send(f"<authenticate xmlns='{SASL2}' mechanism='SCRAM-SHA-1'><initial-response/></authenticate>")
        try:
            c.answer("challenge")
            raise Failed("an empty first message of SCRAM was taken")
        except SaslFailure as e:
            check(e.condition == "malformed-request", e.condition)
        c.close()
    tap.run("xep0388-initial: without an initial response, with an empty one", no_initial)

    def frm():
        for header, ok in (("", True), (None, True), ("{u}@example.test/x", True), ("someone@example.test", False), ("@@", False),
                           ("u0@other.test", False)):
            c = users.two("u1")
            c.opened(header.replace("{u}", "u1") if header else header)
            try:
                c.sasl2()
                check(ok, f"from={header!r} was accepted")
            except SaslFailure as e:
                check(not ok and e.condition == "invalid-authzid", f"from={header!r}: {e.condition}")
            c.close()
    tap.run("xep0388-from: another 'from' than who signs in", frm)

    def missing_alike():
        got = []
        for name, password in (("u2", "wrong"), ("nobody-at-all", "wrong")):
            c = users.two(name, password=password).opened()
            try:
                c.sasl2()
            except SaslFailure as e:
                got.append((e.condition, len(base64.b64decode(c.server_first["s"])), c.server_first["i"], sorted(c.server_first)))
            c.close()
        check(len(got) == 2 and got[0] == got[1] and got[0][0] == "not-authorized", f"{got}")
    tap.run("xep0388-missing: a missing account and a wrong password look the same", missing_alike)

    def bad():
        for mech in ("ANONYMOUS", "DIGEST-MD5", "scram-sha-1", "PLAIN", "HT-SHA-256-UNIQ", "X" * 5000, ""):
            c = users.two("u0").opened()
            r = c.refused(mech, "n,,n=u0,r=abcdefabcdef")
            check(r == "invalid-mechanism", f"{mech[:20]}: {r}")
            c.close()
        for mech in ("HT-SHA-256-NONE", "HT-SHA-256-EXPR"):
            c = users.two("u0").opened()
            check(c.refused(mech, "n,,n=u0,r=abcdefabcdef") == "malformed-request", mech)
            c.close()
        for raw in ("%%%%", "bix u", "====", "YQ", "YQ=\n=", "bixuPXUwLHI9YWJjZGVmZ2hpamts!"):
            c = users.two("u0").opened()
            c.send(f"<authenticate xmlns='{SASL2}' mechanism='SCRAM-SHA-1'><initial-response>{raw}</initial-response></authenticate>")
            try:
                c.answer("success")
                raise Failed(f"{raw!r} was taken")
            except SaslFailure as e:
                check(e.condition in ("incorrect-encoding", "malformed-request"), f"{raw!r}: {e.condition}")
            c.close()
        one = "n,,n=u0,r=abcdefabcdef"
        for inner in (f"<initial-response>{b64(one)}</initial-response>", bind() + bind(), f"<resume xmlns='{SM}'/><resume xmlns='{SM}'/>",
                      f"<user-agent id='{PHONE}'/><user-agent id='{PHONE}'/>"):
            c = users.two("u0").opened()
            r = c.refused("SCRAM-SHA-1", one, inner)
            check(r == "malformed-request", f"{inner[:40]}: {r}")
            c.close()
    tap.run("xep0388-bad: mechanisms, Base64, doubled elements (cases 40, 41)", bad)

    def order():
        say = {
            "response first": f"<response xmlns='{SASL2}'>YQ==</response>", "abort first": f"<abort xmlns='{SASL2}'/>",
            "task first": f"<next xmlns='{SASL2}' task='UPGR-SCRAM-SHA-1'/>", "success": f"<success xmlns='{SASL2}'/>",
        }
        for name, text in say.items():
            c = users.two("u0").opened()
            c.send(text)
            check(c.stream_error()[0] == "not-authorized", name)
        start = f"<authenticate xmlns='{SASL2}' mechanism='SCRAM-SHA-1'><initial-response>{b64('n,,n=u0,r=abcdefabcdef')}</initial-response></authenticate>"
        for text in (start, "<presence/>", f"<auth xmlns='{SASL}' mechanism='PLAIN'/>", f"<response xmlns='{SASL}'>YQ==</response>",
                     "<iq type='get' id='x'><ping xmlns='urn:xmpp:ping'/></iq>"):
            c = users.two("u0").opened()
            c.send(start)
            c.answer("challenge")
            c.send(text)
            check(c.stream_error()[0] == "not-authorized", f"{text[:40]} in the middle")
            c = users.two("u0").opened()
            c.send(start + text)
            check(c.stream_error()[0] == "not-authorized", f"{text[:40]} right behind")
        c = users.two("u0").opened()
        c.send(start)
        c.answer("challenge")
        c.send(f"<abort xmlns='{SASL2}'/>")
        try:
            c.answer("success")
        except SaslFailure as e:
            check(e.condition == "aborted", e.condition)
        c.sasl2()		# the stream is as it was
        c.send(start)
        check(c.stream_error()[0] == "not-authorized", "authenticate after success")
        c = users.two("u0").opened()
        c.sasl2(inner=bind())
        c.send(start)
        check(c.stream_error()[0] in ("not-authorized", "unsupported-stanza-type"), "authenticate when bound")
    tap.run("xep0388-order: what may not come when (case 43)", order)

    def tries():
        c = users.two("u3", password="wrong").opened()
        n = 0
        while n < 20:
            try:
                c.sasl2("SCRAM-SHA-1")
                raise Failed("got in")
            except SaslFailure:
                n += 1
            except Failed:
                break
            if c.pump(0.05) and any(e.tag == q(STREAM, "error") for e in c.inbox):
                break
        check(2 <= n <= 6, f"{n} tries")
        check(c.stream_error()[0] == "policy-violation", "no policy-violation")
    tap.run("xep0388-tries: wrong proofs in one stream (case 52)", tries)

    def binding_lies():
        for kind in ("tls-exporter", "tls-server-end-point"):
            c = users.two("u0").opened()
            real = c.binding
            c.binding = lambda k: (real(k)[0], os.urandom(32))
            try:
                c.sasl2("SCRAM-SHA-256-PLUS", binding=kind)
                raise Failed(f"{kind} with wrong data was accepted")
            except SaslFailure as e:
                check(e.condition == "not-authorized", e.condition)
            c.close()
        c = users.two("u0").opened()
        try:
            c.sasl2("SCRAM-SHA-256", binding="y")
            raise Failed("'y' was accepted though -PLUS is offered")
        except SaslFailure as e:
            check(e.condition == "not-authorized", e.condition)
    tap.run("xep0388-binding: wrong channel bindings, 'y' (cases 50, 51)", binding_lies)

    def downgrade():
        """XEP-0474 and 0515: what the client saw and what the server offered are the same, and the TLS versions, too."""
        for mech in ("SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512"):
            c = users.two("u0").opened()
            c.sasl2(mech)
            algo = {"1": "sha1", "256": "sha256", "512": "sha512"}[mech.replace("-PLUS", "").rsplit("-", 1)[1]]
            want = b64(hashlib.new(algo, c.offered_first.encode()).digest())
            check(c.server_first.get("h") == want, f"{mech}: h={c.server_first.get('h')}, want {want} of {c.offered_first!r}")
            want = {"TLSv1.3": "0304", "TLSv1.2": "0303"}[c.tls.version()]
            check(c.server_first.get("t") == want, f"{mech}: t={c.server_first.get('t')}")
            c.close()
        c = Client(s, "u0").secure(True)
        c.scram("SCRAM-SHA-1")
        check(set(c.server_first) == {"r", "s", "i"}, f"the old profile says {c.server_first}")	# old clients take no more
        c.close()
    tap.run("xep0474-hash: over mechanisms and bindings, as offered; 0515: the version of TLS", downgrade)

    def gone_early():
        for cut in range(4):
            for _ in range(5):
                c = users.two("u4").opened()
                inner = bind(inner=f"<enable xmlns='{SM}' resume='true'/>")
                c.authenticate("SCRAM-SHA-1", "n,,n=u4,r=abcdefabcdef", inner)
                if cut:
                    c.answer("challenge")
                if cut > 1:
                    c.send(f"<response xmlns='{SASL2}'>{b64('c=biws,r=x,p=AAAA')}</response>")
                c.cut()
        s.assert_healthy()
    tap.run("xep0388-gone: the connection goes in the middle", gone_early)


def bind_tests(tap, users):
    s = users.server

    def simple():
        c = users.two().opened()
        e = c.sasl2(inner=bind("Tag"))
        check(c.jid.startswith(f"{c.bare}/Tag/") and len(c.jid.split("/")[2]) >= 10, f"bound as {c.jid}")
        bound = e.find(q(BIND2, "bound"))
        meta = bound.find(q(MAM, "metadata"))
        check(meta is not None and len(meta) == 0, f"metadata of an empty archive: {text_of(bound)}")
        check(c.features.find("{urn:ietf:params:xml:ns:xmpp-bind}bind") is None, "bind is offered when bound")
        c.settle()
        d = users.two(c.user).opened()
        e = d.sasl2(inner=f"<bind xmlns='{BIND2}'/>")
        check(d.jid.startswith(d.bare + "/") and d.jid != c.jid, f"bound as {d.jid}")
        c.message(d.jid, "hello")
        d.expect(name="message", body="hello")
        c.close()
        d.close()
    tap.run("xep0386-bind: one turn to a bound session", simple)

    def tags():
        for tag, kept in (("A b", True), ("\u00e4", True), ("x" * 64, True), ("x" * 65, False), ("&#x0a;a", True), ("a&#x9;b", False), ("\u200b", False),
                          ("<b/>", False), ("", False)):
            c = users.two("u5").opened()
            c.sasl2(inner=bind(tag))
            got = c.jid.split("/", 1)[1]
            check(("/" in got) == kept, f"{tag[:20]!r}: {c.jid}")
            c.settle()
            c.close()
    tap.run("xep0386-tag: what cannot be part of a resource is left out", tags)

    def features():
        a, b = users.two().opened(), users.two().opened()
        a.sasl2(inner=bind("One", f"<enable xmlns='{CARBONS}'/><enable xmlns='{SM}' resume='true'/>"))
        a2 = users.two(a.user).opened()
        a2.sasl2(inner=bind("Two", f"<enable xmlns='{CARBONS}'/>"))
        a3 = users.two(a.user).opened()
        a3.sasl2(inner=bind("Three"))
        b.sasl2(inner=bind())
        check(a.sm_id, f"no <enabled/> with an id: {text_of(a.success)}")
        check(a.features.find(q(SM, "sm")) is None and a2.features.find(q(SM, "sm")) is not None, "sm in the features")
        a.message(b.jid, "seen by all")
        b.expect(name="message", body="seen by all")
        a2.expect(name="message", has=q(CARBONS, "sent"))
        a3.none(lambda e: e.find(q(CARBONS, "sent")) is not None, "carbons without a wish")
        b.message(a.jid, "to one")
        a.expect(name="message", body="to one")
        a2.expect(name="message", has=q(CARBONS, "received"))
        a.sm_all_acked()
        a.cut()
        r = users.two(a.user).opened()
        r.sasl2(inner=f"<bind xmlns='{BIND2}'/>")
        check(not r.resume(a), "a session that is bound cannot resume another")
        for c in (a2, a3, b, r):
            c.close()
    tap.run("xep0386-inline: carbons and stream management while binding", features)

    def inactive():
        a, b = users.two().opened(), users.two().opened()
        a.sasl2(inner=bind("Csi", f"<inactive xmlns='{CSI}'/>"))
        b.sasl2(inner=bind())
        b.send(f"<message to='{a.jid}' type='chat' id='t'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
        b.settle()
        a.none(lambda e: e.get("id") == "t", "typing reached an inactive client")
        a.send(f"<active xmlns='{CSI}'/>")
        a.settle()
        b.send(f"<message to='{a.jid}' type='chat' id='t2'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
        a.expect(name="message", id="t2")
        a.close()
        b.close()
    tap.run("xep0386-csi: a session begins inactive", inactive)

    def archive():
        a, b = users.two().opened(), users.two().opened()
        b.sasl2(inner=bind())
        for i in range(3):
            b.message(s.jid(a.user), f"while away {i}")
        b.settle()
        e = a.sasl2(inner=bind())
        meta = e.find(f"{q(BIND2, 'bound')}/{q(MAM, 'metadata')}")
        start, end = meta.find(q(MAM, "start")), meta.find(q(MAM, "end"))
        check(start is not None and end is not None and start.get("id") < end.get("id") and start.get("timestamp"), text_of(meta))
        b.message(s.jid(a.user), "after it was bound")
        b.settle()
        a.send("<presence/>")
        a.expect(name="presence", frm=a.jid)
        a.expect(name="message", body="after it was bound")
        a.none(lambda m: (body_of(m) or "").startswith("while away"), "offline messages that the archive holds")
        el = a.iq("set", f"<query xmlns='{MAM}'/>")
        check(el.get("type") == "result", text_of(el))
        found = [m for m in a.inbox if m.find(q(MAM, "result")) is not None]
        check(len(found) >= 3, f"{len(found)} in the archive")
        a.close()
        old = Client(s, a.user).login(presence=True)
        old.none(lambda m: body_of(m), "offline messages once more")
        old.close()
        b.close()
    tap.run("xep0386-archive: its ends are told, offline messages come by it", archive)

    def too_many():
        held, ended = [], None
        for i in range(40):
            c = users.two("u6").opened()
            held.append(c)
            try:
                c.sasl2("SCRAM-SHA-1", inner=bind(f"n{i}"))
            except Failed:
                ended = c.stream_error()[0]
                break
        check(ended == "resource-constraint", f"{len(held)} sessions; then {ended}")
        held[0].settle()
        for c in held:
            c.close()
    tap.run("xep0386-many: too many resources of one account (case 56)", too_many)


def resume_tests(tap, users):
    s = users.server
    enable = f"<enable xmlns='{SM}' resume='true'/>"

    def resume():
        a, b = users.two().opened(), users.two().opened()
        a.sasl2(inner=bind("Sm", enable))
        b.sasl2(inner=bind())
        a.settle()
        a.sm_all_acked()
        a.cut()
        b.message(a.jid, "kept for it")
        b.settle()
        r = users.two(a.user).opened()
        e = r.sasl2(inner=f"<resume xmlns='{SM}' previd='{a.sm_id}' h='{a.sm_in}'/>" + bind("Other"))
        check(e.find(q(SM, "resumed")) is not None and e.find(q(BIND2, "bound")) is None, text_of(e))
        check(r.jid == a.jid, f"resumed as {r.jid}, was {a.jid}")
        check(e.find(q(SM, "resumed")).get("previd") == a.sm_id, text_of(e))
        r.expect(name="message", body="kept for it")
        b.message(r.jid, "and on")
        r.expect(name="message", body="and on")
        r.close()
        b.close()
    tap.run("xep0198-inline: <resume/> within <authenticate/>; <bind/> is ignored", resume)

    def failed():
        a = users.two().opened()
        a.sasl2(inner=bind("Sm", enable))
        a.cut()
        other = users.two().opened()
        for attrs, cond in ((f"previd='{a.sm_id}' h='0'", "item-not-found"), ("previd='guessed' h='0'", "item-not-found"),
                            (f"previd='{a.sm_id}'", "bad-request"), (f"previd='{a.sm_id}' h='-1'", "bad-request")):
            c = users.two(other.user).opened()
            e = c.sasl2("SCRAM-SHA-1", inner=f"<resume xmlns='{SM}' {attrs}/>" + bind("New", enable))
            f = e.find(q(SM, "failed"))
            check(f is not None and len(f) and f[0].tag.endswith("}" + cond), f"{attrs}: {text_of(e)}")
            check(c.jid.startswith(s.jid(other.user) + "/New/") and c.sm_id, f"{attrs}: bound as {c.jid}")
            c.settle()
            c.goodbye()
        c = users.two(other.user).opened()
        e = c.sasl2(inner=f"<resume xmlns='{SM}' previd='{a.sm_id}' h='0'/>")
        check(e.find(q(SM, "failed")) is not None and c.jid == s.jid(other.user), text_of(e))
        c.bind()
        c.settle()
        c.close()
        r = users.two(a.user).opened()
        r.authenticate("SCRAM-SHA-1", None)		# the session is untouched
        r.close()
        r = users.two(a.user).opened()
        r.sasl2(inner=f"<resume xmlns='{SM}' previd='{a.sm_id}' h='0'/>")
        check(r.jid == a.jid, f"resumed as {r.jid}")
        r.close()
        other.close()
    tap.run("xep0198-inline-failed: somebody else's, guessed, malformed: then it is bound anew (case 102)", failed)

    def too_high():
        a = users.two().opened()
        a.sasl2(inner=bind("Sm", enable))
        a.cut()
        r = users.two(a.user).opened()
        try:
            r.sasl2(inner=f"<resume xmlns='{SM}' previd='{a.sm_id}' h='77'/>")
            raise Failed("resumed with a count we never sent")
        except SaslFailure:
            raise
        except Failed:
            pass
        check(r.stream_error() == ("undefined-condition", "handled-count-too-high"), "stream error")
    tap.run("xep0198-inline-high: a count that was never sent (case 101)", too_high)

    def race():
        a = users.two().opened()
        e = a.sasl2("SCRAM-SHA-1", inner=bind("Sm", enable) + request(), agent=PHONE)
        t = token_of(e)
        a.settle()
        a.sm_all_acked()
        a.cut()
        four = [users.two(a.user).opened() for _ in range(4)]
        for c in four:
            c.authenticate("HT-SHA-256-EXPR", token_response(c, c.user, t, "HT-SHA-256-EXPR")[0],
                           f"<fast xmlns='{FAST}'/><resume xmlns='{SM}' previd='{a.sm_id}' h='{a.sm_in}'/>", PHONE)
        for c in four:		# all are answered; who won first has lost it to the next
            c.expect(lambda e: e.tag in (q(SASL2, "success"), q(STREAM, "error")), keep=True, what="an answer", timeout=10)

        def ended(c):
            return any(e.tag == q(STREAM, "error") for e in c.inbox)
        until(lambda: pump_all(four, 0.1) is not None and sum(map(ended, four)) == 3, 5, "three of four give way")
        alive = [c for c in four if not ended(c)]
        check(len(alive) == 1, f"{len(alive)} of 4 have the session")
        alive[0].signed_in(alive[0].answer("success"))
        check(alive[0].jid == a.jid, f"resumed as {alive[0].jid}")
        alive[0].settle()
        for c in four:
            if c is not alive[0]:
                check(c.stream_error()[0] == "conflict", "the others")
            c.close()
    tap.run("xep0198-inline-race: two streams want one session (case 103)", race)


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


def fast_tests(tap, users):
    s = users.server

    def first(user=None, mech="HT-SHA-256-EXPR", agent=PHONE, inner=""):
        c = users.two(user).opened()
        e = c.sasl2("SCRAM-SHA-1", inner=request(mech) + inner, agent=agent)
        t = token_of(e)
        check(t and len(t) >= 26 and e.find(q(FAST, "token")).get("expiry", "").endswith("Z"), f"no token: {text_of(e)}")
        return c, t

    def again(user, token, **kw):
        c = users.two(user).opened()
        return c, by_token(c, token, **kw)

    def works():
        c = users.two().opened()
        fast = c.auth_feature().find(f"{q(SASL2, 'inline')}/{q(FAST, 'fast')}")
        have = [m.text for m in fast]
        check(have == ["HT-SHA-256-EXPR", "HT-SHA-256-ENDP", "HT-SHA-256-NONE"] and not fast.get("tls-0rtt"), f"offered {have}")
        c.close()
        for mech in have:
            a, t = first(mech=mech, inner=bind())
            a.settle()
            a.cut()
            for _ in range(3):
                b, e = again(a.user, t, mech=mech, inner=bind("Tok"))
                check(b.jid.startswith(a.bare + "/Tok/"), f"{mech}: {b.jid}")
                check(token_of(e) is None, "a token that is not old is replaced")
                b.settle()
                b.close()
    tap.run("xep0484-works: a token signs in again and again, each mechanism", works)

    def unbidden():
        c = users.two().opened()
        check(token_of(c.sasl2("SCRAM-SHA-1", agent=PHONE)) is None, "a token nobody asked for")
        c.close()
        c = users.two().opened()
        check(token_of(c.sasl2("SCRAM-SHA-1", inner=request())) is None, "a token for a client without an id")
        c.close()
        c = users.two().opened()
        check(token_of(c.sasl2("SCRAM-SHA-1", inner=request("HT-SHA-256-UNIQ"), agent=PHONE)) is None, "a token for a mechanism not offered")
        c.close()
    tap.run("xep0484-unbidden: no token without a wish, an id, an offered mechanism", unbidden)

    def bound_to():
        a, t = first()
        a.close()
        other = str(uuid.uuid4())
        b, t2 = first(a.user, agent=other)
        b.close()
        no_way(users.two(a.user).opened(), t, agent=other)		# another device's
        no_way(users.two(a.user).opened(), t2, agent=PHONE)
        no_way(users.two(a.user).opened(), t, agent=str(uuid.uuid4()))	# of nobody
        no_way(users.two(a.user).opened(), t, mech="HT-SHA-256-NONE")	# another mechanism
        no_way(users.two(a.user).opened(), t, mech="HT-SHA-256-ENDP")
        no_way(users.two(a.user).opened(), t, tamper=lambda d: os.urandom(32))	# another connection's binding
        no_way(users.two().opened(), t)					# another account
        no_way(users.two("nobody-at-all").opened(), t)
        no_way(users.two(a.user).opened(), t[:-1] + ("a" if t[-1] != "a" else "b"))
        no_way(users.two(a.user).opened(), "")
        no_way(users.two(a.user).opened(), "\0" * 32)
        again(a.user, t)[0].close()
        again(a.user, t, agent=PHONE.upper())[0].close()	# a UUID has no case
        again(a.user, t2, agent=other)[0].close()
    tap.run("xep0484-bound: another device, mechanism, connection, account", bound_to)

    def counts():
        a, t = first()
        a.close()
        again(a.user, t, attrs=" count='5'")[0].close()
        no_way(users.two(a.user).opened(), t, attrs=" count='5'")
        no_way(users.two(a.user).opened(), t, attrs=" count='4'")
        again(a.user, t, attrs=" count='6'")[0].close()
        again(a.user, t, attrs=" count='9223372036854775807'")[0].close()
        for bad in ("0", "-1", "x", "", "9223372036854775808", "1e3"):
            no_way(users.two(a.user).opened(), t, "malformed-request", attrs=f" count='{bad}'")
    tap.run("xep0484-count: a count is used once (case 54)", counts)

    def race():
        a, t = first()
        a.close()
        two = [users.two(a.user).opened() for _ in range(4)]
        for c in two:
            c.authenticate("HT-SHA-256-EXPR", token_response(c, c.user, t, "HT-SHA-256-EXPR")[0], f"<fast xmlns='{FAST}' count='3'/>", PHONE)
        won = 0
        for c in two:
            try:
                c.answer("success")
                won += 1
            except SaslFailure as e:
                check(e.condition == "not-authorized", e.condition)
            c.close()
        check(won == 1, f"{won} of 4 streams got in with one count")
    tap.run("xep0484-race: four streams, one count, one winner", race)

    def replay():
        a, t = first(mech="HT-SHA-256-EXPR")
        a.close()
        c = users.two(a.user).opened()
        said = token_response(c, c.user, t, "HT-SHA-256-EXPR")[0]
        c.authenticate("HT-SHA-256-EXPR", said, f"<fast xmlns='{FAST}'/>", PHONE)
        c.answer("success")
        c.close()
        c = users.two(a.user).opened()
        check(c.refused("HT-SHA-256-EXPR", said, f"<fast xmlns='{FAST}'/>", PHONE) == "not-authorized", "a recorded message was taken")
        c.close()
    tap.run("xep0484-replay: a recorded message on another connection (case 54)", replay)

    def requests():
        """A new token waits until it is used; then the old one is dead."""
        a, t = first()
        a.close()
        b, e = again(a.user, t, inner=request())
        t2 = token_of(e)
        check(t2 and t2 != t, "no second token")
        b.close()
        b, e = again(a.user, t)		# the answer may have been lost
        b.close()
        again(a.user, t2)[0].close()
        no_way(users.two(a.user).opened(), t)
        b, e = again(a.user, t2, inner=request("HT-SHA-256-NONE"))
        t3 = token_of(e)
        b.close()
        again(a.user, t3, mech="HT-SHA-256-NONE")[0].close()
        no_way(users.two(a.user).opened(), t2)
        # issued and never used: the next one takes its place
        b, e = again(a.user, t3, mech="HT-SHA-256-NONE", inner=request())
        t4 = token_of(e)
        b.close()
        b, e = again(a.user, t3, mech="HT-SHA-256-NONE", inner=request())
        t5 = token_of(e)
        b.close()
        no_way(users.two(a.user).opened(), t4)
        again(a.user, t5)[0].close()
    tap.run("xep0484-renewal: the old one lives until the new one is used", requests)

    def invalidate():
        for value in ("true", "1"):
            a, t = first()
            a.close()
            c, e = again(a.user, t, attrs=f" invalidate='{value}'", inner=bind())
            c.settle()
            check(token_of(e) is None, "a token after invalidation")
            c.close()
            no_way(users.two(a.user).opened(), t)
        a, t = first()
        a.close()
        c, e = again(a.user, t, attrs=" invalidate='true'", inner=request())
        t2 = token_of(e)
        c.close()
        no_way(users.two(a.user).opened(), t)
        again(a.user, t2)[0].close()
        a, t = first()
        a.close()
        no_way(users.two(a.user).opened(), t + "x", attrs=" invalidate='true'")
        again(a.user, t)[0].close()		# who cannot prove it cannot end it
    tap.run("xep0484-invalidate: ended by its client, at once", invalidate)

    def malformed():
        a, t = first()
        a.close()
        fast = f"<fast xmlns='{FAST}'/>"
        for name, response, inner, agent, want in (
                ("no <fast/>", None, "", PHONE, "malformed-request"), ("no id", None, fast, None, "malformed-request"),
                ("two <fast/>", None, fast + fast, PHONE, "malformed-request"), ("no NUL", b"x" * 60, fast, PHONE, "malformed-request"),
                ("short", b"u\0abc", fast, PHONE, "malformed-request"), ("no name", b"\0" + b"m" * 32, fast, PHONE, "malformed-request"),
                ("two NUL", b"a\0b\0" + b"m" * 32, fast, PHONE, "malformed-request"),
                ("not UTF-8", b"a\xff\0" + b"m" * 32, fast, PHONE, "malformed-request"),
                ("a bad name", b"a b\0" + b"m" * 32, fast, PHONE, "not-authorized"),
                ("long", b"a" * 2900 + b"\0" + b"m" * 32, fast, PHONE, "not-authorized"),
                ("too long", b"a" * 5000, fast, PHONE, "malformed-request"),
                ("no response", "", fast, PHONE, "malformed-request")):
            c = users.two(a.user).opened("")
            if response is None:
                response = token_response(c, a.user, t, "HT-SHA-256-EXPR")[0]
            r = c.refused("HT-SHA-256-EXPR", None if response == "" else response, inner, agent)
            check(r == want, f"{name}: {r}")
            c.close()
        c = users.two(a.user).opened()
        c.send(f"<authenticate xmlns='{SASL2}' mechanism='HT-SHA-256-EXPR'><initial-response>!!</initial-response>{fast}"
               f"<user-agent id='{PHONE}'/></authenticate>")
        try:
            c.answer("success")
        except SaslFailure as e:
            check(e.condition == "incorrect-encoding", e.condition)
        for agent in ("", "x", PHONE[:-1], PHONE + "0", PHONE.replace("-", "0"), "g" + PHONE[1:]):
            c = users.two(a.user).opened()
            c.send(f"<authenticate xmlns='{SASL2}' mechanism='SCRAM-SHA-1'><initial-response>{b64('n,,n=x,r=abcdefabcdef')}</initial-response>"
                   f"<user-agent id='{agent}'/></authenticate>")
            try:
                c.answer("challenge")
                raise Failed(f"user-agent id {agent!r} was taken")
            except SaslFailure as e:
                check(e.condition == "malformed-request", e.condition)
            c.close()
        for mech in ("HT-SHA-256-UNIQ", "HT-SHA-512-EXPR", "HT-", "SCRAM-SHA-1"):
            c = users.two(a.user).opened()
            r = c.refused(mech, b"u\0" + b"m" * 32, fast, PHONE)
            check(r == "invalid-mechanism", f"{mech}: {r}")
            c.close()
        c = users.two(a.user).opened("")
        start = f"<authenticate xmlns='{SASL2}' mechanism='HT-SHA-256-EXPR'><initial-response>{b64(b'u' + bytes(1) + b'm' * 32)}</initial-response>{fast}<user-agent id='{PHONE}'/></authenticate>"
        for behind in (f"<abort xmlns='{SASL2}'/>", f"<response xmlns='{SASL2}'>YQ==</response>", start, f"<auth xmlns='{SASL}' mechanism='PLAIN'/>"):
            c = users.two(a.user).opened("")
            c.send(start + behind)
            check(c.stream_error()[0] == "not-authorized", f"{behind[:40]} behind a token")
        again(a.user, t)[0].close()
    tap.run("xep0484-bad: malformed requests", malformed)

    def restart():
        a, t = first()
        a.close()
        b, t2 = first(mech="HT-SHA-256-NONE")
        b.close()
        s.stop()
        s.start()
        again(a.user, t, attrs=" count='2'")[0].close()
        s.kill9()
        s.start()
        no_way(users.two(a.user).opened(), t, attrs=" count='2'")
        again(a.user, t, attrs=" count='3'")[0].close()
        again(b.user, t2, mech="HT-SHA-256-NONE")[0].close()
    tap.run("xep0484-restart: tokens and counts outlive a restart and SIGKILL", restart)

    def password():
        a, t = first(inner=bind())
        path = os.path.join(s.top, "new-password")
        with open(path, "w") as f:
            os.chmod(path, 0o600)
            f.write("another horse battery staple")
        s.cli("user", "passwd", s.jid(a.user), "--password-file", path)
        check(a.wait_end(), "the session outlives the password")
        no_way(users.two(a.user).opened(), t)
        c = users.two(a.user, password="another horse battery staple").opened()
        t2 = token_of(c.sasl2("SCRAM-SHA-1", inner=request(), agent=PHONE))
        c.close()
        no_way(users.two(a.user).opened(), t)
        again(a.user, t2)[0].close()
        s.cli("user", "freeze", s.jid(a.user), "--reason", "test")
        again(a.user, t2)[0].close()		# a frozen account may still ask the help desk
        s.cli("user", "thaw", s.jid(a.user))
        s.cli("user", "remove", s.jid(a.user))
        no_way(users.two(a.user).opened(), t2)
        s.cli("user", "add", s.jid(a.user), "--password-file", path)
        no_way(users.two(a.user).opened(), t2)
        b, t = first(inner=bind("Stays"))
        el = b.iq("set", f"<query xmlns='jabber:iq:register'><username>{b.user}</username><password>yet another horse</password></query>")
        if el.get("type") == "result":		# where clients may change it (XEP-0077)
            b.settle()
            rows = s.json("device", "list", s.jid(b.user))["devices"]
            check(len(rows) == 1 and rows[0]["connected"] and rows[0]["id"].startswith("session-"), f"{rows}")
            no_way(users.two(b.user).opened(), t)
            s.cli("device", "revoke", s.jid(b.user), rows[0]["id"])
            check(b.stream_error()[0] == "not-authorized", "a session by its own id")
    tap.run("xep0484-password: a new password ends all tokens, a new account has none", password)

    def resumes():
        a, t = first(inner=bind("Sm", f"<enable xmlns='{SM}' resume='true'/>"))
        a.settle()
        a.sm_all_acked()
        a.cut()
        c, e = again(a.user, t, inner=f"<resume xmlns='{SM}' previd='{a.sm_id}' h='{a.sm_in}'/>" + bind())
        check(e.find(q(SM, "resumed")) is not None and c.jid == a.jid, text_of(e))
        c.close()
    tap.run("xep0484-resume: token and resumption in one turn", resumes)

    def one_seat():
        a, t = first(inner=bind("Same"))
        b, e = again(a.user, t, inner=bind("Same"))
        check(b.jid == a.jid, f"{b.jid}, was {a.jid}")
        check(a.stream_error()[0] == "conflict", "the old session of the same client")
        c, e = again(a.user, t, inner=bind("Renamed"))
        check(c.jid.split("/")[2] == a.jid.split("/")[2] and "Renamed" in c.jid, c.jid)
        check(b.stream_error()[0] == "conflict", "the old session of the same client")
        d, t2 = first(a.user, agent=str(uuid.uuid4()), inner=bind("Same"))
        check(d.jid.split("/")[2] != c.jid.split("/")[2], f"two clients at {d.jid}")
        check(PHONE[:8] not in c.jid, "the user-agent's id is shown")
        c.settle()
        c.close()
        d.close()
    tap.run("xep0386-stable: the same client, the same resource; its old session ends", one_seat)

    def log():
        a, t = first()
        a.close()
        again(a.user, t)[0].close()
        text = s.log()
        audit = s.cli("audit", "list", "--json", "--max", "1000")
        check("HT-SHA-256-EXPR" in audit, "no entry of a login by token")
        device = s.json("device", "list", s.jid(a.user))["devices"][0]["id"]
        until(lambda: any(device in str(e) and a.user in str(e) for e in s.json("audit", "list", "--max", "1000")["entries"]), 3,
              "the login's entry names the device")
        check(t not in s.log() and t not in s.cli("audit", "list", "--json", "--max", "1000") and PHONE not in text + audit, "a secret in the record")
    tap.run("xep0484-record: logins are recorded, secrets are not", log)


def device_tests(tap, users):
    s = users.server

    def rows(user, **kw):
        return {r["id"]: r for r in s.json("device", "list", s.jid(user), **kw)["devices"]}

    def phone(user=None, agent=PHONE, inner="", mech="HT-SHA-256-EXPR"):
        c = users.two(user).opened()
        t = token_of(c.sasl2("SCRAM-SHA-1", inner=request(mech) + inner, agent=agent))
        return c, t

    def clients(c):
        el = c.iq("get", f"<list xmlns='{CAM}'/>")
        check(el.get("type") == "result", text_of(el))
        return {x.get("id"): x for x in el.iter(q(CAM, "client"))}

    def listing():
        a, t = phone(inner=bind())
        b = users.two(a.user).opened()
        b.sasl2(inner=bind("Nameless"))
        got = rows(a.user)
        check(len(got) == 2, f"{got}")
        mine = [r for r in got.values() if r["device"] == "A phone"]
        check(len(mine) == 1 and mine[0]["software"] == "Testing" and mine[0]["connected"] and mine[0]["access"] == "password, token", f"{got}")
        other = [r for r in got.values() if r["device"] != "A phone"][0]
        check(other["id"].startswith("session-") and other["connected"] and other["access"] == "password", f"{other}")
        seen = clients(a)
        check(set(seen) == set(got), f"XEP-0494 {set(seen)}, operator {set(got)}")
        x = seen[mine[0]["id"]]
        check(x.get("connected") == "true" and x.find(f"{q(CAM, 'auth')}/{q(CAM, 'fast')}") is not None
              and x.find(f"{q(CAM, 'auth')}/{q(CAM, 'password')}") is not None and x.find(q(CAM, "permission")).get("status") == "unrestricted"
              and x.findtext(f"{q(CAM, 'user-agent')}/{q(CAM, 'software')}") == "Testing", text_of(x))
        check(PHONE not in s.cli("device", "list", s.jid(a.user)) and PHONE not in bytes(a.raw).decode(), "the user-agent's id is shown")
        check(t not in s.cli("device", "list", s.jid(a.user), "--json"), "a token is shown")
        a.goodbye()
        b.close()
        until(lambda: not rows(a.user)[mine[0]["id"]]["connected"], 3, "not connected any more")
        s.stop()
        got = rows(a.user)
        check(list(got) == [mine[0]["id"]] and not got[mine[0]["id"]]["connected"], f"without a server: {got}")
        s.start()
        check(s.cli_run("device", "list", s.jid("nobody")).returncode == 1, "a missing account has a list")
        check("no client" in s.cli("device", "list", s.jid(users.free[-1])), "words for an empty list")
    tap.run("device-list: what the operator and the owner see", listing)

    def revoked():
        sm = f"<enable xmlns='{SM}' resume='true'/>"
        a, t = phone(inner=bind("Sm", sm))
        other, t2 = phone(a.user, agent=str(uuid.uuid4()), inner=bind("Other"))
        check(len(rows(a.user)) == 2, f"{rows(a.user)}")
        other.goodbye()		# so that the one that is connected is ours
        until(lambda: sum(r["connected"] for r in rows(a.user).values()) == 1, 3, "one is connected")
        mine = [i for i, r in rows(a.user).items() if r["connected"]][0]
        r = s.json("device", "revoke", s.jid(a.user), mine)
        check(r["revoked"] == mine and r["sessions_ended"] == 1 and "passwd" in r["hint"], f"{r}")
        check(a.stream_error()[0] == "not-authorized", "the session's end")
        err = [e for e in a.inbox if e.tag == q(STREAM, "error")][0]
        check("revoked" in (err.findtext("{urn:ietf:params:xml:ns:xmpp-streams}text") or ""), text_of(err))
        no_way(users.two(a.user).opened(), t)
        c = users.two(a.user).opened()
        e = c.sasl2(inner=f"<resume xmlns='{SM}' previd='{a.sm_id}' h='0'/>")
        check(e.find(q(SM, "failed")) is not None, "the session of a revoked device was resumed")
        c.close()
        check(mine not in rows(a.user), "still listed")
        check(s.cli_run("device", "revoke", s.jid(a.user), mine).returncode == 1, "revoked twice")
        check(s.cli_run("device", "revoke", s.jid(a.user)).returncode == 2, "without an id")
        found = [e for e in s.json("audit", "list", "--max", "1000")["entries"] if "device revoke" in str(e) and mine in str(e)]
        check(found, "no entry in the record")
        d = users.two(a.user).opened()
        by_token(d, t2, agent=other.agent)
        d.close()

    tap.run("device-revoke: while connected: the session ends, the token is dead, others live", revoked)

    def hibernating():
        a, t = phone(inner=bind("Sm", f"<enable xmlns='{SM}' resume='true'/>"))
        a.settle()
        a.sm_all_acked()
        a.cut()
        s.stop()
        s.start()
        mine = list(rows(a.user))[0]
        until(lambda: rows(a.user)[mine]["connected"], 3, "the waiting session is known to be its")
        s.cli("device", "revoke", s.jid(a.user), mine)
        c = users.two(a.user).opened()
        e = c.sasl2(inner=f"<resume xmlns='{SM}' previd='{a.sm_id}' h='{a.sm_in}'/>")
        check(e.find(q(SM, "failed")) is not None, "a session that waited was resumed")
        c.close()
        b, t = phone()
        b.close()
        s.stop()
        s.cli("device", "revoke", s.jid(b.user), list(rows(b.user))[0])		# without a server
        s.start()
        no_way(users.two(b.user).opened(), t)
    tap.run("device-revoke: a session that waits for resumption, over a restart; without a server", hibernating)

    def by_owner():
        a, t = phone(inner=bind())
        b, t2 = phone(a.user, agent=str(uuid.uuid4()), inner=bind("Old"))
        foreign = users.two().opened()
        foreign.sasl2(inner=bind())
        el = foreign.iq("get", f"<list xmlns='{CAM}'/>", to=a.bare)
        check(error_of(el) is not None, f"a stranger sees {text_of(el)}")
        b.goodbye()
        until(lambda: sum(x.get("connected") == "true" for x in clients(a).values()) == 1, 3, "one is connected")
        b_id = [i for i, x in clients(a).items() if x.get("connected") == "false"][0]
        for who, to in ((foreign, None), (foreign, a.bare)):
            el = who.iq("set", f"<revoke xmlns='{CAM}' id='{b_id}'/>", to=to)
            check(error_of(el) is not None, "a stranger revokes")
        for bad, cond in (("nothing-here", "item-not-found"), ("", "bad-request"), ("x" * 300, "item-not-found"), (list(clients(foreign))[0], "item-not-found"),
                          ("session-99999", "item-not-found")):
            el = a.iq("set", f"<revoke xmlns='{CAM}' id='{bad}'/>")
            check(error_of(el)[0] == cond, f"{bad[:20]!r}: {text_of(el)}")
        c = users.two(a.user).opened()
        by_token(c, t2, agent=b.agent, inner=bind())
        el = a.iq("set", f"<revoke xmlns='{CAM}' id='{b_id}'/>")
        check(error_of(el) == ("service-unavailable", "cancel") and el.find(f".//{q(CAM, 'password-reset-required')}") is not None, text_of(el))
        check(c.stream_error()[0] == "not-authorized", "its session")
        no_way(users.two(a.user).opened(), t2, agent=b.agent)
        x = clients(a)[b_id]
        check(x.find(f"{q(CAM, 'auth')}/{q(CAM, 'fast')}") is None and x.find(f"{q(CAM, 'auth')}/{q(CAM, 'password')}") is not None, text_of(x))
        el = foreign.iq("set", f"<revoke xmlns='{CAM}' id='{list(clients(foreign))[0]}'/>")
        check(error_of(el)[0] == "service-unavailable", f"the own nameless session: {text_of(el)}")
        check(foreign.stream_error()[0] == "not-authorized", "it ends behind the answer")
        mine = [i for i, x in clients(a).items() if x.get("connected") == "true"][0]
        a.iq("set", f"<revoke xmlns='{CAM}' id='{mine}'/>")
        check(a.stream_error()[0] == "not-authorized", "its own session")
        no_way(users.two(a.user).opened(), t)
    tap.run("xep0494-revoke: the owner's list; nobody else's", by_owner)

    def many():
        user = users.free.pop()
        keep, t = phone(user, agent=PHONE)
        keep.close()
        for i in range(70):
            c, _ = phone(user, agent=str(uuid.uuid4()))
            c.close()
        check(len(rows(user)) == 64, f"{len(rows(user))} devices")
        no_way(users.two(user).opened(), t)
    tap.run("device-many: the one unseen for longest makes room", many)

    def racing():
        """A login by token and its revocation at once: nobody is in afterwards."""
        for _ in range(5):
            a, t = phone()
            a.close()
            mine = list(rows(a.user))[0]
            two = [users.two(a.user).opened() for _ in range(3)]
            for c in two:
                c.authenticate("HT-SHA-256-EXPR", token_response(c, c.user, t, "HT-SHA-256-EXPR")[0], f"<fast xmlns='{FAST}'/>" + bind(f"R{id(c)}"), PHONE)
            s.cli("device", "revoke", s.jid(a.user), mine)
            for c in two:
                check(c.wait_end(5) or any(e.tag == q(SASL2, "failure") for e in c.inbox), "still in after the revocation")
                c.close()
    tap.run("device-race: logins on their way when the device is revoked", racing)

    def pipelined():
        """<resume/> and something right behind it: the session waits, the stream is gone."""
        for behind in ("<presence/>", "</stream:stream>", f"<r xmlns='{SM}'/>"):
            a = Client(s, "u8", resource="pipe").login()
            a.sm_enable()
            for i in range(20):
                a.message(s.jid("u9"), f"m{i}")
            c = Client(s, "u8").login(bind=False)
            c.sm_sent, c.sm_auto = 21, False	# what it may acknowledge here; a's own count is to stand
            c.send(f"<resume xmlns='{SM}' previd='{a.sm_id}' h='0'/>{behind}")
            c.wait_end(2)
            c.close()
            a.close()
            s.assert_healthy()
            c = Client(s, "u8").login(bind=False)
            a.sm_sent = 21
            c.resume(a, again=False)
            c.close()
    tap.run("xep0198-behind: something right behind <resume/>", pipelined)


def old_profile(tap, users):
    def legacy():
        c = Client(users.server, "u7").login(mech="SCRAM-SHA-256-PLUS")
        c.settle()
        c.close()
        c = Client(users.server, "u7").secure(True)
        try:
            Client.scram(c, "SCRAM-SHA-1", user="nobody")
        except SaslFailure:
            pass
        c.__class__ = Two
        c.sasl2()			# a failure of one profile, success of the other
        c.close()
        path = os.path.join(users.server.top, "changed")
        with open(path, "w") as f:
            os.chmod(path, 0o600)
            f.write("a different horse battery")

        def change(step, text):
            if step == "final":
                users.server.cli("user", "passwd", users.server.jid(c.user), "--password-file", path)
            return text
        for two in (True, False):
            c = users.two().opened() if two else Client(users.server, users.free.pop()).secure(True)
            try:
                if two:
                    c.sasl2("SCRAM-SHA-1", tamper=change)
                else:
                    c.scram("SCRAM-SHA-1", tamper=change)
                raise Failed("the old password's proof counts after the change")
            except SaslFailure as e:
                check(e.condition == "temporary-auth-failure", e.condition)
            c.password = "a different horse battery"
            c.sasl2("SCRAM-SHA-1") if two else c.scram("SCRAM-SHA-1")
            c.close()
    tap.run("xep0388-beside: the profile of RFC 6120 stays beside it", legacy)


def short_lives(tap):
    """On an instance whose tokens age fast, that counts failures, and that insists on channel binding."""
    def ages(server):
        users = Users(server)
        c = users.two("u1").opened()
        t = token_of(c.sasl2(inner=request(), agent=PHONE))
        c.close()
        c = users.two("u1").opened()
        check(token_of(by_token(c, t)) is None, "replaced too early")
        c.close()
        time.sleep(2.2)
        c = users.two("u1").opened()
        t2 = token_of(by_token(c, t))
        check(t2 and t2 != t, "an old token is not replaced")
        c.close()
        c = users.two("u1").opened()
        t3 = token_of(by_token(c, t))		# the first answer may have been lost
        check(t3 and t3 != t2, "the second try gets none")
        c.close()
        no_way(users.two("u1").opened(), t2)
        c = users.two("u1").opened()
        by_token(c, t3)
        c.close()
        no_way(users.two("u1").opened(), t)
        time.sleep(8.2)
        no_way(users.two("u1").opened(), t3, "credentials-expired")
        no_way(users.two("u1").opened(), t3[:-1] + "!")
        no_way(users.two("u1").opened(), t3, "credentials-expired")	# the right one, too late, is no guess

    def guesses(server):
        users = Users(server)
        c = users.two("u2").opened()
        t = token_of(c.sasl2(inner=request("HT-SHA-256-NONE"), agent=PHONE))
        c.close()
        ends = {}
        for who in ("u2", "nobody-at-all"):
            got = []
            for _ in range(8):
                c = users.two(who).opened()
                try:
                    by_token(c, "x" * 32, mech="HT-SHA-256-NONE")
                except SaslFailure as e:
                    got.append(e.condition)
                c.close()
            ends[who] = got
        check(ends["u2"] == ends["nobody-at-all"], f"{ends}")
        check(ends["u2"][0] == "not-authorized" and ends["u2"][-1] == "temporary-auth-failure", f"{ends}")
        no_way(users.two("u2").opened(), t, "temporary-auth-failure", mech="HT-SHA-256-NONE")
        c = users.two("u2").opened()
        try:
            c.sasl2()
            raise Failed("the password's door is not shut with the token's")
        except SaslFailure as e:
            check(e.condition == "temporary-auth-failure", e.condition)
        c.close()

    with new_server(users=["u1"], extra="auth: { token_lifetime: 8s, token_rotation: 2s }\n") as server:
        tap.run("xep0484-age: replaced when old, dead when expired", ages, server)
        tap.run("the server with short lives is well", server.assert_healthy)
    with new_server(users=["u1", "u2"], limits={"failed_logins_per_minute": "5"}) as server:
        tap.run("xep0484-guess: wrong tokens are slowed down as wrong passwords are", guesses, server)

    def required(server):
        users = Users(server)
        c = users.two("u1").opened()
        have = [m.text for m in c.auth_feature().iter(q(FAST, "mechanism"))]
        check(have == ["HT-SHA-256-EXPR", "HT-SHA-256-ENDP"], f"offered {have}")
        check(all(m.endswith("-PLUS") for m in c.offered()), f"offered {c.offered()}")
        check(token_of(c.sasl2("SCRAM-SHA-256-PLUS", inner=request("HT-SHA-256-NONE"), agent=PHONE)) is None, "a token without binding")
        c.close()
    with new_server(users=["u1"], extra="auth: { channel_binding: require }\n") as server:
        tap.run("xep0484-required: no unbound mechanism where binding is required", required, server)

    def off(server):
        c = Users(server).two("u1").opened()
        check(not list(c.auth_feature().iter(q(FAST, "fast"))), "tokens are offered")
        check(token_of(c.sasl2(inner=request(), agent=PHONE)) is None, "a token")
        c.close()
        c = Users(server).two("u1").opened()
        no_way(c, "x" * 32, "invalid-mechanism")
    with new_server(users=["u1"], extra="auth: { token_lifetime: 'off' }\n") as server:
        tap.run("xep0484-off: switched off", off, server)


UPGRADE, SCRAM_UPGRADE = "urn:xmpp:sasl:upgrade:0", "urn:xmpp:scram-upgrade:0"


def upgrades(tap):
    """Passwords set with fewer rounds than the server wants now."""
    def wish(*tasks):
        return "".join(f"<upgrade xmlns='{UPGRADE}'>{t}</upgrade>" for t in tasks)

    def rounds(users, user, mech, **kw):
        c = users.two(user, **kw).opened()
        c.sasl2(mech)
        c.close()
        return int(c.server_first["i"])

    def task_of(el):
        return [t.text for t in el.iter(q(SASL2, "task"))]

    def perform(c, task):
        """One task up to the server's next word."""
        c.send(f"<next xmlns='{SASL2}' task='{task}'/>")
        el = c.answer("task-data")
        salt = el.find(q(SCRAM_UPGRADE, "salt"))
        algo = "sha" + task.rsplit("-", 1)[1]
        salted = hashlib.pbkdf2_hmac(algo, c.password.encode(), base64.b64decode(salt.text), int(salt.get("iterations")))
        c.send(f"<task-data xmlns='{SASL2}'><hash xmlns='{SCRAM_UPGRADE}'>{b64(salted)}</hash></task-data>")
        return int(salt.get("iterations"))

    with new_server(users=["u1", "u2", "u3"], extra="auth: { scram_iterations: 4096 }\n") as server:
        users = Users(server)
        path = os.path.join(server.top, "password")
        with open(path, "w") as f:
            os.chmod(path, 0o600)
            f.write("another horse battery staple")
        check(rounds(users, "u1", "SCRAM-SHA-256") == 4096, "rounds at first")
        c = users.two("u1").opened()
        t = token_of(c.sasl2(inner=request(), agent=PHONE))
        c.close()
        server.stop()
        server.extra = "auth: { scram_iterations: 6000 }\n"
        server.write_config()
        server.start()

        def works():
            c = users.two("u1").opened()
            have = [u.text for u in c.auth_feature().findall(q(UPGRADE, "upgrade"))]
            check(have == ["UPGR-SCRAM-SHA-256", "UPGR-SCRAM-SHA-512"], f"offered {have}")
            el = c.sasl2("SCRAM-SHA-1", inner=wish("UPGR-SCRAM-SHA-512", "UPGR-SCRAM-SHA-256", "UPGR-OTHER") + bind(), last="continue")
            check(task_of(el) == ["UPGR-SCRAM-SHA-256"], f"tasks {task_of(el)}")
            check(perform(c, "UPGR-SCRAM-SHA-256") == 6000, "rounds of the task")
            el = c.answer("continue")
            check(task_of(el) == ["UPGR-SCRAM-SHA-512"] and el.find(q(SASL2, "additional-data")) is None, text_of(el))
            perform(c, "UPGR-SCRAM-SHA-512")
            e = c.signed_in(c.answer("success"))
            check(e.find(q(SASL2, "additional-data")) is None and e.find(q(BIND2, "bound")) is not None, text_of(e))
            c.settle()
            c.close()
            for mech, n in (("SCRAM-SHA-1", 4096), ("SCRAM-SHA-256", 6000), ("SCRAM-SHA-512-PLUS", 6000)):
                got = rounds(users, "u1", mech)
                check(got == n, f"{mech}: {got}")
            c = users.two("u1").opened()
            c.sasl2("SCRAM-SHA-1", inner=wish("UPGR-SCRAM-SHA-256"))		# nothing to do any more
            c.close()
            c = users.two("u1", password="wrong").opened()
            try:
                c.sasl2("SCRAM-SHA-256", inner=wish("UPGR-SCRAM-SHA-512"))
                raise Failed("got in")
            except SaslFailure as e:
                check(e.condition == "not-authorized", e.condition)
            c = users.two("u1").opened()
            by_token(c, t)		# the same password: the devices stay
            c.close()
        tap.run("xep0480-upgrade: verifiers with the rounds of today, at login", works)

        def by_a_token():
            c = users.two("u2").opened()
            t2 = token_of(c.sasl2(inner=request(), agent=PHONE))
            c.close()
            c = users.two("u2").opened()
            by_token(c, t2, inner=wish("UPGR-SCRAM-SHA-256"))
            c.close()
            check(rounds(users, "u2", "SCRAM-SHA-256") == 4096, "a token changed the verifier")
        tap.run("xep0480-token: a token is no reason for a new verifier", by_a_token)

        def bad():
            good = b64(b"x" * 32)
            hash_ = "<task-data xmlns='%s'><hash xmlns='%s'>%%s</hash></task-data>" % (SASL2, SCRAM_UPGRADE)
            nxt = f"<next xmlns='{SASL2}' task='UPGR-SCRAM-SHA-256'/>"
            for name, say in (("another task", [f"<next xmlns='{SASL2}' task='UPGR-SCRAM-SHA-512'/>"]), ("no task", [f"<next xmlns='{SASL2}'/>"]),
                              ("data at once", [hash_ % good]), ("twice next", [nxt, nxt]), ("short", [nxt, hash_ % b64(b"x" * 31)]),
                              ("long", [nxt, hash_ % b64(b"x" * 64)]), ("longer", [nxt, hash_ % b64(b"x" * 3000)]), ("empty", [nxt, hash_ % ""]), ("not Base64", [nxt, hash_ % "!!"]),
                              ("no hash", [nxt, f"<task-data xmlns='{SASL2}'/>"]), ("response", [f"<response xmlns='{SASL2}'>YQ==</response>"])):
                c = users.two("u3").opened()
                c.sasl2("SCRAM-SHA-1", inner=wish("UPGR-SCRAM-SHA-256"), last="continue")
                for text in say:
                    c.send(text)
                try:
                    for _ in say:
                        c.answer("task-data")
                    raise Failed(f"{name}: was taken")
                except SaslFailure as e:
                    check(e.condition == "malformed-request", f"{name}: {e.condition}")
                c.sasl2("SCRAM-SHA-1")		# the stream is as before
                c.close()
            for name, text in (("authenticate", f"<authenticate xmlns='{SASL2}' mechanism='SCRAM-SHA-1'/>"), ("presence", "<presence/>"),
                               ("auth", f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-1'/>")):
                c = users.two("u3").opened()
                c.sasl2("SCRAM-SHA-1", inner=wish("UPGR-SCRAM-SHA-256"), last="continue")
                c.send(text)
                check(c.stream_error()[0] == "not-authorized", name)
            c = users.two("u3").opened()
            c.sasl2("SCRAM-SHA-1", inner=wish("UPGR-SCRAM-SHA-256") + bind(), last="continue")
            c.send(f"<abort xmlns='{SASL2}'/>")
            try:
                c.answer("success")
            except SaslFailure as e:
                check(e.condition == "aborted", e.condition)
            c.close()
            check(rounds(users, "u3", "SCRAM-SHA-256") == 4096, "something of it stayed")
        tap.run("xep0480-bad: tasks out of order, bent, aborted", bad)

        def overtaken():
            c = users.two("u3").opened()
            c.sasl2("SCRAM-SHA-1", inner=wish("UPGR-SCRAM-SHA-256") + bind() + request(), agent=PHONE, last="continue")
            server.cli("user", "passwd", server.jid("u3"), "--password-file", path)
            check(c.stream_error()[0] == "not-authorized", "a login with the old password goes on")
            check(rounds(users, "u3", "SCRAM-SHA-256", password="another horse battery staple") == 6000, "the new password")
        tap.run("xep0480-overtaken: the password changes while a task is open", overtaken)
        tap.run("the server with upgrades is well", server.assert_healthy)


def main():
    tap = Tap("sasl2")
    with new_server(users=[f"u{i}" for i in range(120)]) as server:
        users = Users(server)
        users.free = users.free[10:]		# u0 to u9 are named in tests
        for part in (sasl2_tests, bind_tests, resume_tests, fast_tests, device_tests, old_profile):
            part(tap, users)
        tap.run("the server is well", server.assert_healthy)
        tap.ok("it stops in order", server.stop() == 0)
        report = server.sanitizer_report()
        tap.ok("no sanitizer report at the end", not report, report or "")
    short_lives(tap)
    upgrades(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
