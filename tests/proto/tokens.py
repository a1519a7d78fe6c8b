#!/usr/bin/env python3
"""Tokens instead of passwords (XEP-0484), and the list of an account's devices with its revocation (0494, `wardroom device`)."""
import os
import sys
import time
import uuid

from harness import SASL, SM, STREAM, Failed, check, error_of, q, text_of
from rawsasl2 import CAM, FAST, PHONE, SASL2, Users, bind, by_token, no_way, request, token_of, token_response
from rawxmpp import SaslFailure, Client, b64
from wardroom_test import Tap, new_server, until


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


def main():
    tap = Tap("tokens")
    with new_server(users=[f"u{i}" for i in range(80)]) as server:
        users = Users(server, 80)
        users.free = users.free[10:]		# u0 to u9 are named in tests
        for part in (fast_tests, device_tests):
            part(tap, users)
        tap.run("the server is well", server.assert_healthy)
        tap.ok("it stops in order", server.stop() == 0)
        report = server.sanitizer_report()
        tap.ok("no sanitizer report at the end", not report, report or "")
    short_lives(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
