#!/usr/bin/env python3
"""Signing in by XEP-0388 with binding (0386) and resumption (0198) in one turn; 0474, 0480, and the old profile beside it."""
import base64
import hashlib
import os
import sys

from harness import SASL, SM, STREAM, Failed, check, q, text_of
from rawsasl2 import (BIND2, CB, CSI, FAST, PHONE, SASL2, Two, Users, bind, by_token, request, token_of, token_response)
from rawxmpp import CARBONS, MAM, SaslFailure, Client, b64, body_of, pump_all
from wardroom_test import Tap, new_server, until


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
    with new_server(users=[f"u{i}" for i in range(60)]) as server:
        users = Users(server, 60)
        users.free = users.free[10:]		# u0 to u9 are named in tests
        for part in (sasl2_tests, bind_tests, resume_tests, old_profile):
            part(tap, users)
        tap.run("the server is well", server.assert_healthy)
        tap.ok("it stops in order", server.stop() == 0)
        report = server.sanitizer_report()
        tap.ok("no sanitizer report at the end", not report, report or "")
    upgrades(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
