#!/usr/bin/env python3
"""The many smaller specifications, each case named after the one whose rule it checks."""
import os
import sys

from harness import check, error_of, q, text_of
from rawws import WsClient
from rawxmpp import CLIENT, DATA, MAM, Client, SaslFailure, befriend, body_of
from rfc6121 import STAMP, Users
from wardroom_test import PASSWORD, Failed, Tap, new_server, until

REGISTER = "jabber:iq:register"
NEW = "violet envelope marmalade 7"


def refused(el, condition, etype=None):
    got = error_of(el)
    check(got is not None and got[0] == condition and (etype is None or got[1] == etype), f"wanted {condition}: {text_of(el)}")


def can_sign_in(server, user, password):
    try:
        Client(server, user, password).login().goodbye()
    except SaslFailure as e:
        check(e.condition == "not-authorized", f"SASL failure {e.condition}")
        return False
    return True


def change(user, password):
    return f"<query xmlns='{REGISTER}'><username>{user}</username><password>{password}</password></query>"


def register_tests(tap, users):
    server, d = users.server, users.server.domain

    def password():
        a = users.client(resource="one")
        other = users.client(a.user, resource="two")
        el = a.iq("set", change(a.user, NEW), to=d)
        check(el.get("type") == "result", text_of(el))
        check(other.wait_end(), "a session that knew the old password stays")
        check(a.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=d).get("type") == "result", "the session that asked has ended")
        check(not can_sign_in(server, a.user, PASSWORD), "the old password still opens the account")
        check(can_sign_in(server, a.user, NEW), "the new password does not open the account")
        kinds = [e["what"].get("event") for e in server.json("audit", "list")["entries"] if e["kind"] == "account"]
        check("password changed by its owner" in kinds, f"the record says {kinds}")
    tap.run("xep0077-password: a new one puts out who knew the old one (3.3)", password)

    def twice():
        a = users.client()
        for n in range(2):
            el = a.iq("set", change(a.user, f"{NEW} {n}"))	# without 'to', as some clients do
            check(el.get("type") == "result", text_of(el))
        check(not can_sign_in(server, a.user, f"{NEW} 0") and can_sign_in(server, a.user, f"{NEW} 1"), "not the last one holds")
    tap.run("xep0077-password: the last one holds, with and without 'to'", twice)

    def bad():
        a, b = users.client(), users.client()
        refused(a.iq("set", change(b.user, NEW), to=d), "not-allowed", "cancel")
        refused(a.iq("set", change("nobody-here", NEW), to=d), "not-allowed", "cancel")
        refused(a.iq("set", f"<query xmlns='{REGISTER}'><password>{NEW}</password></query>", to=d), "bad-request", "modify")
        refused(a.iq("set", f"<query xmlns='{REGISTER}'><username>{a.user}</username></query>", to=d), "bad-request", "modify")
        for weak in ("short", "password123", a.user + "1234", "1234567890"):
            el = a.iq("set", change(a.user, weak), to=d)
            refused(el, "not-acceptable", "modify")
            check("".join(el.itertext()).strip(), "no word about what is wrong with it")
        for name in (a.user, b.user):
            check(can_sign_in(server, name, PASSWORD), f"the password of {name} is another")
    tap.run("xep0077-password: nobody else's, and none that is too easy", bad)

    def elsewhere():
        a, b = users.pair()
        for c in (a, users.client()):
            for kind, inner in (("get", f"<query xmlns='{REGISTER}'/>"), ("set", change(b.user, NEW)),
                                ("set", f"<query xmlns='{REGISTER}'><remove/></query>")):
                refused(c.iq(kind, inner, to=b.bare), "service-unavailable")
        check(can_sign_in(server, b.user, PASSWORD), "changed")
    tap.run("xep0077-password: not through the address of another account", elsewhere)

    def fields():
        a = users.client()
        el = a.iq("get", f"<query xmlns='{REGISTER}'/>", to=d)
        got = {c.tag.split("}")[1]: c.text for c in el.find(q(REGISTER, "query"))}
        check(got == {"registered": None, "username": a.user, "password": None}, str(got))
        refused(a.iq("set", f"<query xmlns='{REGISTER}'><remove/></query>", to=d), "not-allowed", "cancel")
        check(can_sign_in(server, a.user, PASSWORD), "the account is gone")
    tap.run("xep0077-cancel: refused where the company gives accounts (3.2)", fields)

    def frozen():
        a = users.client()
        server.cli("user", "freeze", a.bare)
        refused(a.iq("set", change(a.user, NEW), to=d), "not-allowed")
        server.cli("user", "thaw", a.bare)
        check(can_sign_in(server, a.user, PASSWORD), "changed")
    tap.run("xep0077-password: not of a frozen account", frozen)


COMMANDS, ADMIN = "http://jabber.org/protocol/commands", "http://jabber.org/protocol/admin"
INFO, ITEMS = "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items"


def form_of(el):
    """The first data form in it: a dict from names of fields to lists of values."""
    x = next(iter(el.iter(q(DATA, "x"))), None)
    if x is None:
        return None
    return {f.get("var"): [v.text or "" for v in f.findall(q(DATA, "value"))] for f in x.findall(q(DATA, "field"))}


def filled(**fields):
    out = "<x xmlns='jabber:x:data' type='submit'>"
    for k, v in fields.items():
        values = v if isinstance(v, (list, tuple)) else [v]
        out += f"<field var='{k.replace('_', '-') if k == 'password_verify' else k}'>" + "".join(f"<value>{x}</value>" for x in values) + "</field>"
    return out + "</x>"


def command(c, node, inner="", **attrs):
    a = "".join(f" {k}='{v}'" for k, v in attrs.items())
    return c.iq("set", f"<command xmlns='{COMMANDS}' node='{node}'{a}>{inner}</command>", to=c.server.domain)


def run(c, node, form="", **fields):
    """Asks for the form, sends it back filled in; the second answer."""
    el = command(c, node)
    got = el.find(q(COMMANDS, "command"))
    check(el.get("type") == "result" and got is not None, f"{node}: {text_of(el)}")
    check(got.get("status") == "executing" and got.get("sessionid"), f"{node}: {text_of(el)}")
    return command(c, node, form or filled(**fields), sessionid=got.get("sessionid"))


def done(el):
    got = el.find(q(COMMANDS, "command"))
    check(el.get("type") == "result" and got is not None and got.get("status") == "completed", text_of(el))
    return el


def command_tests(tap, users):
    server, d = users.server, users.server.domain
    chiefs = {}
    for role in ("admin", "officer", "helpdesk", "auditor"):
        server.cli("user", "add", server.jid("chief-" + role), "--role", role, "--password-file", server.secret)
        chiefs[role] = Client(server, "chief-" + role, resource="desk").login(presence=True)
    boss = chiefs["admin"]

    def names(c):
        el = c.iq("get", f"<query xmlns='{ITEMS}' node='{COMMANDS}'/>", to=d)
        check(el.get("type") == "result", text_of(el))
        return {i.get("node").split("#")[1] for i in el.iter(q(ITEMS, "item"))}

    def found():
        all_of_them = names(boss)
        for name in ("add-user", "delete-user", "disable-user", "reenable-user", "end-user-session", "change-user-password",
                     "get-user-roster", "get-user-lastlogin", "user-stats", "get-registered-users-num", "get-disabled-users-num",
                     "get-online-users-num", "get-active-users-num", "get-idle-users-num", "get-registered-users-list",
                     "get-disabled-users-list", "get-online-users-list", "announce"):
            check(name in all_of_them, f"an administrator does not find {name} in {sorted(all_of_them)}")
        el = boss.iq("get", f"<query xmlns='{INFO}' node='{ADMIN}#add-user'/>", to=d)
        ids = [(i.get("category"), i.get("type")) for i in el.iter(q(INFO, "identity"))]
        check(ids == [("automation", "command-node")], f"{ids}")
        el = boss.iq("get", f"<query xmlns='{INFO}' node='{COMMANDS}'/>", to=d)
        check([(i.get("category"), i.get("type")) for i in el.iter(q(INFO, "identity"))] == [("automation", "command-list")], text_of(el))
        check(COMMANDS in {f.get("var") for f in boss.iq("get", f"<query xmlns='{INFO}'/>", to=d).iter(q(INFO, "feature"))}, "no feature")
    tap.run("xep0050-discovery: items, identities, the feature (2)", found)

    def roles():
        a = users.client()
        everybodys = {"invite", "requests", "held"}
        check(names(a) == everybodys, f"staff finds {names(a)}")
        refused(a.iq("get", f"<query xmlns='{INFO}' node='{ADMIN}#add-user'/>", to=d), "item-not-found")
        everything = names(boss) - everybodys
        for role, may in (("officer", {"disable-user", "reenable-user", "end-user-session"}), ("helpdesk", {"change-user-password", "end-user-session"}),
                          ("auditor", set())):
            c, found = chiefs[role], names(chiefs[role])
            changing = found & {"add-user", "delete-user", "disable-user", "reenable-user", "end-user-session", "change-user-password",
                                "get-user-roster"}
            check(changing == may, f"{role} finds {changing}")
            for name in everything - found:
                refused(command(c, f"{ADMIN}#{name}"), "forbidden", "auth")
        for name in everything:
            refused(command(a, f"{ADMIN}#{name}"), "forbidden", "auth")
        refused(command(a, "no-such-command"), "item-not-found")
    tap.run("xep0133-roles: who may not, finds nothing and is refused", roles)

    def own_form():
        node = f"{ADMIN}#disable-user"
        a = users.client()
        sid = command(boss, node).find(q(COMMANDS, "command")).get("sessionid")
        for c in (a, chiefs["officer"], chiefs["helpdesk"]):
            el = command(c, node, filled(accountjids=a.bare), sessionid=sid)
            check(error_of(el) is not None, f"another one's form was taken: {text_of(el)}")
        other = Client(server, "chief-admin", resource="other").login()
        el = command(other, node, filled(accountjids=a.bare), sessionid=sid)
        refused(el, "bad-request", "modify")
        check(el.find(f"{q(CLIENT, 'error')}/{q(COMMANDS, 'bad-sessionid')}") is not None, text_of(el))
        check(server.json("user", "show", a.bare)["state"] == "active", "frozen all the same")
    tap.run("xep0050-session: a form belongs to who asked for it", own_form)

    def stages():
        node = f"{ADMIN}#disable-user"
        sid = command(boss, node).find(q(COMMANDS, "command")).get("sessionid")

        def bad(condition, el):
            check(el.find(f"{q(CLIENT, 'error')}/{q(COMMANDS, condition)}") is not None, f"wanted {condition}: {text_of(el)}")
        bad("malformed-action", command(boss, node, action="dance"))
        bad("bad-action", command(boss, node, action="prev", sessionid=sid))
        bad("bad-action", command(boss, node, action="complete"))
        bad("bad-payload", command(boss, node, sessionid=sid))
        bad("bad-payload", command(boss, node, filled(accountjids=""), sessionid=sid))
        bad("bad-sessionid", command(boss, node, sessionid="made-up"))
        bad("bad-sessionid", command(boss, f"{ADMIN}#reenable-user", filled(accountjids="x"), sessionid=sid))
        el = command(boss, node, action="cancel", sessionid=sid)
        check(el.find(q(COMMANDS, "command")).get("status") == "canceled", text_of(el))
        bad("bad-sessionid", command(boss, node, filled(accountjids="x"), sessionid=sid))
        sid = command(boss, node).find(q(COMMANDS, "command")).get("sessionid")
        el = command(boss, node, "<x xmlns='jabber:x:data' type='cancel'/>", sessionid=sid)
        check(el.find(q(COMMANDS, "command")).get("status") == "canceled", text_of(el))
    tap.run("xep0050-stages: actions, payloads, cancelling (3.4, 3.5)", stages)

    def many_forms():
        node = f"{ADMIN}#disable-user"
        first = command(boss, node).find(q(COMMANDS, "command")).get("sessionid")
        for _ in range(20):
            last = command(boss, node).find(q(COMMANDS, "command")).get("sessionid")
        el = command(boss, node, action="cancel", sessionid=first)
        check(el.find(f"{q(CLIENT, 'error')}/{q(COMMANDS, 'bad-sessionid')}") is not None, "the first of 21 forms is still there")
        check(command(boss, node, action="cancel", sessionid=last).get("type") == "result", "the last is not")
    tap.run("xep0050-session: a client has a few forms open, not any number", many_forms)

    def life():
        name = users.name() + "-new"
        jid = server.jid(name)
        refused(run(boss, f"{ADMIN}#add-user", accountjid=jid, password="short", password_verify="short"), "not-acceptable")
        refused(run(boss, f"{ADMIN}#add-user", accountjid=jid, password=NEW, password_verify=NEW + "x"), "not-acceptable")
        refused(run(boss, f"{ADMIN}#add-user", accountjid="x@elsewhere.example", password=NEW, password_verify=NEW), "bad-request")
        done(run(boss, f"{ADMIN}#add-user", accountjid=jid, password=NEW, password_verify=NEW))
        refused(run(boss, f"{ADMIN}#add-user", accountjid=jid, password=NEW, password_verify=NEW), "conflict")
        check(server.json("user", "show", jid)["role"] == "staff", "not staff")
        c = Client(server, name, NEW).login()
        done(run(boss, f"{ADMIN}#disable-user", accountjids=[jid]))
        check(server.json("user", "show", jid)["state"] == "frozen", "not frozen")
        c.send(f"<message to='{boss.bare}' id='fz' type='chat'><body>hello</body></message>")
        refused(c.expect(name="message", id="fz", type="error"), "policy-violation")
        done(run(chiefs["officer"], f"{ADMIN}#reenable-user", accountjids=[jid]))
        check(server.json("user", "show", jid)["state"] == "active", "not thawed")
        done(run(chiefs["helpdesk"], f"{ADMIN}#change-user-password", accountjid=jid, password=NEW + " 2"))
        check(c.wait_end(), "a session with the old password stays")
        check(not can_sign_in(server, name, NEW) and can_sign_in(server, name, NEW + " 2"), "the password")
        c = Client(server, name, NEW + " 2").login()
        done(run(chiefs["helpdesk"], f"{ADMIN}#end-user-session", accountjids=[jid]))
        check(c.wait_end(), "its session stays")
        done(run(boss, f"{ADMIN}#delete-user", accountjids=[jid]))
        check(server.cli("user", "show", jid, want=None) == "" and not can_sign_in(server, name, NEW + " 2"), "still there")
        said = [(e["what"].get("command"), e["what"].get("by")) for e in server.json("audit", "list")["entries"] if e["kind"] == "command"
                and e["what"].get("jid") == jid and e["what"].get("by")]
        want = [("user add", boss.bare), ("user freeze", boss.bare), ("user thaw", chiefs["officer"].bare), ("user passwd", chiefs["helpdesk"].bare),
                ("user remove", boss.bare)]
        check(said == want, f"the record says {said}")
    tap.run("xep0133-accounts: added, frozen, thawed, given a password, put out, removed; and recorded", life)

    def no_rise():
        for role, name, fields in (("officer", "disable-user", {"accountjids": boss.bare}), ("helpdesk", "end-user-session", {"accountjids": boss.bare}),
                                   ("helpdesk", "change-user-password", {"accountjid": boss.bare, "password": NEW}),
                                   ("officer", "reenable-user", {"accountjids": chiefs["officer"].bare})):
            refused(run(chiefs[role], f"{ADMIN}#{name}", **fields), "forbidden")
        check(can_sign_in(server, "chief-admin", PASSWORD), "the administrator's password is another")
        boss.settle()
    tap.run("xep0133-roles: nobody reaches an account with a role through a lesser one", no_rise)

    def looked_at():
        a, b = users.pair()
        el = done(run(boss, f"{ADMIN}#get-user-roster", accountjids=[a.bare]))
        check([i.get("jid") for i in el.iter("{jabber:iq:roster}item")] == [b.bare], text_of(el))
        got = form_of(done(run(boss, f"{ADMIN}#user-stats", accountjid=a.bare)))
        check(got["rostersize"] == ["1"] and got["onlineresources"] == [a.jid.split("/")[1]], str(got))
        refused(run(boss, f"{ADMIN}#get-user-roster", accountjids=[server.jid("nobody-here")]), "item-not-found")
        events = [(e["what"]["event"], e["what"]["account"], e["what"]["why"]) for e in server.json("audit", "list")["entries"] if e["kind"] == "account"]
        check(("roster read", a.bare, boss.bare) in events, f"not recorded: {events[-3:]}")
    tap.run("xep0133-accounts: a roster is shown, and that is recorded", looked_at)


def number_tests(tap, users):
    server, d = users.server, users.server.domain
    boss = Client(server, "chief-admin", resource="numbers").login(presence=True)

    def number(which):
        return int(form_of(done(command(boss, f"{ADMIN}#get-{which}-users-num")))[which + "usersnum"][0])

    def numbers():
        accounts = server.json("user", "list")["accounts"]
        check(number("registered") == len(accounts), f"{number('registered')} registered, {len(accounts)} in the list")
        before = number("online"), number("active"), number("idle"), number("disabled")
        a = users.client()
        check((number("online"), number("active")) == (before[0] + 1, before[1] + 1), "one more is online and active")
        a.send("<presence><show>xa</show></presence>")
        a.settle()
        check((number("active"), number("idle")) == (before[1], before[2] + 1), "one more is idle")
        server.cli("user", "freeze", a.bare)
        check(number("disabled") == before[3] + 1, "one more is frozen")
        for node, var, inside in (("get-registered-users-list", "registereduserjids", True), ("get-disabled-users-list", "disableduserjids", True),
                                  ("get-online-users-list", "onlineuserjids", True), ("get-active-users", "activeuserjids", False),
                                  ("get-idle-users", "idleuserjids", True)):
            got = form_of(done(run(boss, f"{ADMIN}#{node}", max_items="none")))[var]
            check((a.bare in got) == inside, f"{node}: {got}")
        got = form_of(done(run(boss, f"{ADMIN}#get-registered-users-list", max_items="25")))["registereduserjids"]
        check(len(got) == 25, f"{len(got)} of 25")
        server.cli("user", "thaw", a.bare)
    tap.run("xep0133-numbers: registered, frozen, online, active, idle; and who they are", numbers)

    def last_login():
        a = users.client()
        live = form_of(done(run(boss, f"{ADMIN}#get-user-lastlogin", accountjids=[a.bare, server.jid(users.name())])))["lastlogin"]
        check(STAMP.match(live[0]) and live[1] == "never", f"{live}")
        a.goodbye()
        until(lambda: form_of(done(run(boss, f"{ADMIN}#get-user-lastlogin", accountjids=[a.bare])))["lastlogin"] == live[:1], 5, "the same when it has left")
    tap.run("xep0133-lastlogin: of who is here, who left, who never came", last_login)

    def announcement():
        a, away = users.client(), users.client(presence=False)
        done(run(boss, f"{ADMIN}#announce", announcement=["The server restarts", "at noon."]))
        m = a.expect(name="message", frm=d)
        check(body_of(m) == "The server restarts\nat noon." and m.get("type") == "headline", text_of(m))
        away.none(lambda e: e.get("from") == d and e.tag == q(CLIENT, "message"), "told who is not available")
        c = users.client()
        refused(command(c, f"{ADMIN}#announce"), "forbidden")
    tap.run("xep0133-announce: everybody who is available", announcement)


LAST = "<query xmlns='jabber:iq:last'/>"


def last_tests(tap, users):
    server, d = users.server, users.server.domain

    def seconds(el):
        got = el.find("{jabber:iq:last}query")
        check(el.get("type") == "result" and got is not None, text_of(el))
        return int(got.get("seconds"))

    def contacts():
        a, b = users.pair()
        check(seconds(a.iq("get", LAST, to=b.bare)) == 0, "who is here is away")
        b.goodbye()
        until(lambda: a.iq("get", LAST, to=b.bare).get("type") == "result", 5, "when it left is written down")
        check(0 <= seconds(a.iq("get", LAST, to=b.bare)) < 30, "since when")
        check(0 <= seconds(a.iq("get", LAST, to=d)) < 3600, "how long the server runs")
    tap.run("xep0012-contacts: since when somebody is away", contacts)

    def strangers():
        a, b = users.client(), users.client()
        b2 = b.user
        got = [error_of(a.iq("get", LAST, to=to)) for to in (b.bare, server.jid("nobody-here"))]
        b.goodbye()
        got.append(error_of(a.iq("get", LAST, to=server.jid(b2))))
        check(got[0] is not None and got.count(got[0]) == 3, f"strangers are told {got}")
    tap.run("xep0012-strangers: learn nothing, not even whether there is an account", strangers)


BLOCKING, REPORTING, RETRACT = "urn:xmpp:blocking", "urn:xmpp:reporting:1", "urn:xmpp:message-retract:1"


def block(jid, report):
    return f"<block xmlns='{BLOCKING}'><item jid='{jid}'>{report}</item></block>"


def report_tests(tap, users):
    server, d = users.server, users.server.domain
    officer = Client(server, "chief-officer", resource="reports").login(presence=True)

    def reported():
        a, b = users.client(), users.client()
        a2 = users.client(a.user, resource="two")
        a2.iq("get", f"<blocklist xmlns='{BLOCKING}'/>")
        b.message(a.bare, "buy now", id="spam1")
        sid = a.expect(name="message", id="spam1").find("{urn:xmpp:sid:0}stanza-id")
        officer.settle().clear()
        el = a.iq("set", block(b.bare, f"<report xmlns='{REPORTING}' reason='urn:xmpp:reporting:spam'><stanza-id xmlns='urn:xmpp:sid:0' "
                               f"by='{a.bare}' id='{sid.get('id')}'/><text>Never came trouble like this.</text></report>"))
        check(el.get("type") == "result", text_of(el))
        p = a2.expect(name="iq", type="set", has=q(BLOCKING, "block"))
        check(not list(p.iter(q(REPORTING, "report"))), f"the push tells the reasons: {text_of(p)}")
        m = officer.expect(name="message", frm=f"helpdesk@{d}")
        check(b.bare in body_of(m) and "spam" in body_of(m) and "trouble" in body_of(m) and sid.get("id") in body_of(m), body_of(m))
        a.expect(name="message", frm=f"guard@{d}")
        b.settle()
        b.none(lambda e: "report" in text_of(e), "who is reported is told")
        got = [e["what"] for e in server.json("audit", "list")["entries"] if e["kind"] == "report"]
        want = {"by": a.bare, "about": b.bare, "reason": "spam", "messages": sid.get("id"), "text": "Never came trouble like this."}
        check(want in got, f"the record says {got}")
        b.send(f"<message to='{a.bare}' id='again' type='chat'><body>x</body></message>")
        refused(b.expect(name="message", id="again", type="error"), "service-unavailable")
    tap.run("xep0377-report: blocked, written down, told to officers and to nobody else", reported)

    def bad_reports():
        a, b = users.client(), users.client()
        refused(a.iq("set", block(b.bare, f"<report xmlns='{REPORTING}'/>")), "bad-request")
        refused(a.iq("set", block(b.bare, f"<report xmlns='{REPORTING}' reason='urn:xmpp:reporting:spam'><text>{'x' * 5000}</text></report>")), "not-acceptable")
        many = "".join(f"<item jid='x{i}@y.example'><report xmlns='{REPORTING}' reason='urn:xmpp:reporting:abuse'/></item>" for i in range(20))
        check(error_of(a.iq("set", f"<block xmlns='{BLOCKING}'>{many}</block>")) is not None, "20 reports at once are taken")
        el = a.iq("get", f"<blocklist xmlns='{BLOCKING}'/>")
        check(not list(el.iter(q(BLOCKING, "item"))), "something was blocked all the same")
        check(REPORTING in {f.get("var") for f in a.iq("get", f"<query xmlns='{INFO}'/>", to=d).iter(q(INFO, "feature"))}, "no feature")
    tap.run("xep0377-report: a reason, not too long, not too many; all or nothing", bad_reports)


def archive_of(c, with_=None):
    """What the archive shows: the forwarded messages by id of the message."""
    c.settle().clear()
    form = f"<x xmlns='{DATA}' type='submit'><field var='FORM_TYPE' type='hidden'><value>{MAM}</value></field>" + (
        f"<field var='with'><value>{with_}</value></field>" if with_ else "") + "</x>"
    el = c.iq("set", f"<query xmlns='{MAM}'>{form}<set xmlns='http://jabber.org/protocol/rsm'><max>200</max></set></query>")
    check(el.get("type") == "result", text_of(el))
    out = {}
    for e in list(c.inbox):
        for m in e.iter(q(CLIENT, "message")):
            if m is not e:
                out[m.get("id")] = m
    c.clear()
    return out


def retract_tests(tap, users):
    server, d = users.server, users.server.domain

    def retract(c, to, what, id):
        c.send(f"<message to='{to}' id='{id}' type='chat'><retract xmlns='{RETRACT}' id='{what}'/><fallback xmlns='urn:xmpp:fallback:0' "
               f"for='{RETRACT}'/><body>/me took something back</body><store xmlns='urn:xmpp:hints'/></message>")

    def tombstone():
        a, b = users.pair()
        a.message(b.bare, "Have not saints lips", id="wrong-1")
        a.message(b.bare, "something else", id="right-1")
        b.expect(name="message", id="right-1")
        retract(a, b.bare, "wrong-1", "taken-1")
        m = b.expect(name="message", id="taken-1")
        check(m.find(q(RETRACT, "retract")).get("id") == "wrong-1", text_of(m))
        for c in (a, b):
            got = archive_of(c)
            t = got["wrong-1"].find(q(RETRACT, "retracted"))
            check(t is not None and t.get("id") == "taken-1" and STAMP.match(t.get("stamp") or ""), text_of(got["wrong-1"]))
            check(body_of(got["wrong-1"]) is None and "saints" not in text_of(got["wrong-1"]), text_of(got["wrong-1"]))
            check(got["wrong-1"].get("from") == a.jid and got["wrong-1"].get("type") == "chat", text_of(got["wrong-1"]))
            check(body_of(got["right-1"]) == "something else" and got["taken-1"].find(q(RETRACT, "retract")) is not None, "the others")
        server.stop()
        server.start()
        a = users.client(a.user)
        check(archive_of(a)["wrong-1"].find(q(RETRACT, "retracted")) is not None, "not after a restart")
    tap.run("xep0424-tombstone: in both archives, for good, where the sender takes it back (4, 5)", tombstone)

    def others():
        a, b = users.pair()
        c = users.client()
        a.message(b.bare, "mine", id="m1")
        b.expect(name="message", id="m1")
        retract(b, a.bare, "m1", "r1")		# the receiver
        a.expect(name="message", id="r1")
        retract(c, b.bare, "m1", "r2")		# somebody else
        retract(c, a.bare, "m1", "r3")
        c.settle()
        a.message(c.bare, "m1 to another", id="m2")
        retract(a, c.bare, "m1", "r4")		# the sender, to somebody else
        retract(a, b.bare, "r1", "r5")		# not his own
        a.send(f"<message to='{b.bare}' type='chat'><retract xmlns='{RETRACT}' id='m1'/><store xmlns='urn:xmpp:hints'/></message>")	# no id of its own
        a.settle()
        for x in (a, b):
            got = archive_of(x, (b if x is a else a).bare)
            check(body_of(got["m1"]) == "mine" and not any(m.find(q(RETRACT, "retracted")) is not None for m in got.values()), text_of(got["m1"]))
    tap.run("xep0424-others: nobody but its sender, and to whom it went", others)

    def twice_and_late():
        a, b = users.pair()
        a.message(b.bare, "old one", id="o1")
        for i in range(60):
            a.message(b.bare, f"line {i}", id=f"l{i}")
        retract(a, b.bare, "o1", "t1")
        retract(a, b.bare, "o1", "t2")
        a.settle()
        got = archive_of(a)
        check(got["o1"].find(q(RETRACT, "retracted")).get("id") == "t1", text_of(got["o1"]))
        info = {f.get("var") for f in a.iq("get", f"<query xmlns='{INFO}'/>", to=a.bare).iter(q(INFO, "feature"))}
        check({RETRACT, RETRACT + "#tombstone"} <= info, "no feature")
    tap.run("xep0424-tombstone: beyond a page, the first retraction counts; the features", twice_and_late)


def prefs_tests(tap, users):
    def prefs():
        a = users.client()

        def held(el):
            p = el.find(q(MAM, "prefs"))
            check(el.get("type") == "result" and p is not None, text_of(el))
            return p.get("default"), [j.text for j in p.iter(q(MAM, "jid"))]
        check(held(a.iq("get", f"<prefs xmlns='{MAM}'/>")) == ("always", []), "get")
        wish = f"<prefs xmlns='{MAM}' default='never'><always/><never><jid>romeo@y.example</jid></never></prefs>"
        check(held(a.iq("set", wish)) == ("always", []), "it says that nothing is archived, and archives")
        a.message(a.bare, "kept all the same", id="kp")
        check("kp" in archive_of(a), "not archived")
        refused(a.iq("set", f"<prefs xmlns='{MAM}' default='sometimes'/>"), "bad-request")
        refused(a.iq("set", f"<prefs xmlns='{MAM}'/>"), "bad-request")
        refused(a.iq("set", f"<prefs xmlns='{MAM}' default='roster'><always><jid>@@</jid></always></prefs>"), "jid-malformed")
        b = users.client()
        for kind in ("get", "set"):
            refused(b.iq(kind, f"<prefs xmlns='{MAM}' default='never'/>", to=a.bare), "forbidden")
    tap.run("xep0441-prefs: a wish is answered with what the company decided, and that holds", prefs)


CONTACTS = """contacts: { abuse: [ "mailto:abuse@example.test", "xmpp:abuse@example.test" ], security: [ "https://example.test/security" ] }
data_policy: { terms: "https://example.test/terms", notice: "Messages are kept.", access: [ admins, government ] }
"""


def forms_of(el):
    return {(f := {x.get("var"): [v.text or "" for v in x.findall(q(DATA, "value"))] for x in form.findall(q(DATA, "field"))}).pop("FORM_TYPE")[0]: f
            for form in el.iter(q(DATA, "x"))}


def info_tests(tap, users):
    server, d = users.server, users.server.domain

    def defaults():
        a = users.client()
        forms = forms_of(a.iq("get", f"<query xmlns='{INFO}'/>", to=d))
        got = forms["http://jabber.org/network/serverinfo"]
        check(got["support-addresses"] == [f"xmpp:helpdesk@{d}"] and "abuse-addresses" not in got, f"{got}")
        got = forms["urn:xmpp:data-policy:0"]
        want = {"auth_data": ["hidden"], "data_retention": ["infinite"], "encryption_at_rest": ["true"], "full_erasure": ["false"],
                "access_policy": ["admins", "organization_member"]}
        check(all(got.get(k) == v for k, v in want.items()), f"{got}")
    tap.run("xep0157-contacts: the help desk when nobody is named; xep0504-policy: what follows from the options", defaults)

    def itself():
        a = users.client()
        uri = forms_of(a.iq("get", f"<query xmlns='{INFO}'/>", to=d))["http://jabber.org/network/serverinfo"]["serverinfo-pubsub-node"]
        check(uri == [f"xmpp:{d}?;node=serverinfo"], str(uri))
        el = a.iq("get", "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='serverinfo'/></pubsub>", to=d)
        got = [x.get("name") for x in el.iter("{urn:xmpp:serverinfo:0}domain")]
        check(got == [d] and not list(el.iter("{urn:xmpp:serverinfo:0}remote-domain")), text_of(el))
        el = a.iq("get", f"<query xmlns='{INFO}' node='serverinfo'/>", to=d)
        check([(i.get("category"), i.get("type")) for i in el.iter(q(INFO, "identity"))] == [("pubsub", "leaf")], text_of(el))
        refused(a.iq("get", "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='other'/></pubsub>", to=d), "item-not-found")
    tap.run("xep0485-itself: its own domain and nobody else's", itself)

    def limits():
        c = Client(server, users.name()).secure(True)
        before = c.features.findtext("{urn:xmpp:stream-limits:0}limits/{urn:xmpp:stream-limits:0}max-bytes")
        c.scram()
        c.restart()
        after = c.features.findtext("{urn:xmpp:stream-limits:0}limits/{urn:xmpp:stream-limits:0}max-bytes")
        check((before, after) == ("10000", "262144"), f"{before} before, {after} after")
    tap.run("xep0478-limits: before and after signing in, as they are enforced", limits)


def told_tests(tap):
    with new_server(users=["a"], extra=CONTACTS) as server:
        def told():
            a = Client(server, "a").login()
            forms = forms_of(a.iq("get", f"<query xmlns='{INFO}'/>", to=server.domain))
            got = forms["http://jabber.org/network/serverinfo"]
            check(got["abuse-addresses"] == ["mailto:abuse@example.test", "xmpp:abuse@example.test"], f"{got}")
            check(got["security-addresses"] == ["https://example.test/security"], f"{got}")
            got = forms["urn:xmpp:data-policy:0"]
            check(got["tos"] == ["https://example.test/terms"] and got["extra_info"] == ["Messages are kept."], f"{got}")
            check(got["access_policy"] == ["admins", "government"], f"{got}")
            c = a.features.find("{http://jabber.org/protocol/caps}c")
            el = a.iq("get", f"<query xmlns='{INFO}' node='{c.get('node')}#{c.get('ver')}'/>", to=server.domain)
            check(forms_of(el) == forms, "the hashed information has other forms")
        tap.run("xep0157-contacts, xep0504-policy: as wardroom.yaml says", told)


PARS, IBR = "urn:xmpp:pars:0", "urn:xmpp:ibr-token:0"
INVITE = "urn:xmpp:invite#"


def token_of(uri):
    return uri.split("preauth=")[1].split(";")[0]


def account(name, password=NEW):
    return f"<query xmlns='{REGISTER}'><username>{name}</username><password>{password}</password></query>"


def preauth(c, token):
    return c.iq("set", f"<preauth xmlns='{PARS}' token='{token}'/>", to=c.server.domain)


def invite_tests(tap):
    with new_server(users=["a", "b", "f"], extra="registration: invite\n") as server:
        d = server.domain
        path = os.path.join(server.top, "password")
        with open(path, "w") as f:
            os.chmod(path, 0o600)
            f.write(PASSWORD)
        server.cli("user", "add", server.jid("chief"), "--role", "admin", "--password-file", path)
        a = Client(server, "a", resource="desk").login(presence=True)
        a.iq("get", "<query xmlns='jabber:iq:roster'/>")
        chief = Client(server, "chief", resource="desk").login(presence=True)

        def uri(el):
            got = form_of(done(el))
            check(STAMP.match(got["expire"][0]), str(got))
            return got["uri"][0]

        def invited():
            link = uri(command(a, INVITE + "invite"))
            check(link.startswith(f"xmpp:{a.bare}?roster;preauth=") and link.endswith(";ibr=y"), link)
            c = Client(server).secure(True)
            check(c.features.find(q(IBR, "register")) is not None and c.features.find("{http://jabber.org/features/iq-register}register") is not None,
                  "no feature")
            refused(c.iq("set", account("newcomer"), to=d), "not-allowed")
            check(preauth(c, token_of(link)).get("type") == "result", "the token was refused")
            el = c.iq("get", f"<query xmlns='{REGISTER}'/>", to=d)
            check(el.find(f"{q(REGISTER, 'query')}/{q(REGISTER, 'username')}") is not None, text_of(el))
            refused(c.iq("set", account("newcomer", "short"), to=d), "not-acceptable")
            refused(c.iq("set", account("a"), to=d), "conflict")
            el = c.iq("set", account("newcomer"), to=d)
            check(el.get("type") == "result", text_of(el))
            refused(c.iq("set", account("second"), to=d), "not-acceptable")
            n = Client(server, "newcomer", NEW, resource="r").login()
            el = n.iq("get", "<query xmlns='jabber:iq:roster'/>")
            check([(i.get("jid"), i.get("subscription")) for i in el.iter("{jabber:iq:roster}item")] == [(a.bare, "both")], text_of(el))
            p = a.expect(name="iq", type="set", has="{jabber:iq:roster}query")
            check("newcomer" in text_of(p) and 'subscription="both"' in text_of(p), text_of(p))
            n.send("<presence/>")
            a.expect(name="presence", frm=n.jid)
            c = Client(server).secure(True)
            refused(preauth(c, token_of(link)), "item-not-found", "cancel")
            events = [(e["what"]["event"], e["what"]["account"], e["what"]["why"]) for e in server.json("audit", "list")["entries"] if e["kind"] == "account"]
            check(("registered in-band", server.jid("newcomer"), a.bare) in events, f"not recorded: {events[-3:]}")
        tap.run("xep0445-register: an account for who has a link, once; both are contacts", invited)

        def named():
            el = run(chief, INVITE + "create-account", username="reserved")
            link = uri(el)
            check(link.startswith(f"xmpp:reserved@{d}?register;preauth="), link)
            refused(run(chief, INVITE + "create-account", username="reserved"), "conflict")
            refused(run(chief, INVITE + "create-account", username="a"), "conflict")
            refused(run(chief, INVITE + "create-account", username="no good/name"), "not-acceptable")
            refused(command(a, INVITE + "create-account"), "forbidden")
            free = uri(run(chief, INVITE + "create-account", username=""))
            check(free.startswith(f"xmpp:{d}?register;preauth="), free)
            c = Client(server).secure(True)
            check(preauth(c, token_of(free)).get("type") == "result", "refused")
            refused(c.iq("set", account("reserved"), to=d), "conflict")
            c = Client(server).secure(True)
            check(preauth(c, token_of(link)).get("type") == "result", "refused")
            refused(c.iq("set", account("another"), to=d), "not-allowed")
            check(c.iq("set", account("reserved"), to=d).get("type") == "result" and can_sign_in(server, "reserved", NEW), "not opened")
        tap.run("xep0401-create-account: a name is kept for who has the link", named)

        def guessed():
            c = Client(server).secure(True)
            for token in ("", "x", "a" * 26):
                refused(preauth(c, token), "item-not-found")
            refused(c.iq("set", account("intruder"), to=d), "not-allowed")
            refused(c.iq("get", f"<query xmlns='{REGISTER}'/>", to=d), "not-allowed")
            link = uri(command(a, INVITE + "invite"))
            x, y = Client(server).secure(True), Client(server).secure(True)
            for k in (x, y):
                check(preauth(k, token_of(link)).get("type") == "result", "refused")
            check(x.iq("set", account("first"), to=d).get("type") == "result", "the first")
            refused(y.iq("set", account("late"), to=d), "item-not-found")
            check(not can_sign_in(server, "late", NEW), "one link, two accounts")
        tap.run("xep0445-register: no token, a made-up one, one used twice at once", guessed)

        def tokens_end():
            c = Client(server).secure(True)
            try:
                for n in range(12):
                    preauth(c, f"{n:026d}")
                raise AssertionError("tokens may be guessed for ever")
            except Exception:
                check(c.wait_end(5), "the stream goes on")
        tap.run("xep0445-register: who guesses is out", tokens_end)

        def many():
            for _ in range(30):
                last = command(a, INVITE + "invite")
            refused(last, "resource-constraint")
        def roster():
            b = Client(server, "b", resource="r").login(presence=True)
            f = Client(server, "f", resource="r").login(presence=True)
            for c in (b, f):
                c.iq("get", "<query xmlns='jabber:iq:roster'/>")
            link = uri(command(b, INVITE + "invite"))
            f.send(f"<presence type='subscribe' to='{b.bare}'><preauth xmlns='{PARS}' token='{token_of(link)}'/></presence>")
            f.expect(name="presence", type="subscribed", frm=b.bare)
            f.expect(name="presence", type="subscribe", frm=b.bare)
            f.send(f"<presence type='subscribed' to='{b.bare}'/>")
            b.expect(name="presence", type="subscribed", frm=f.bare)
            el = b.iq("get", "<query xmlns='jabber:iq:roster'/>")
            check([(i.get("jid"), i.get("subscription")) for i in el.iter("{jabber:iq:roster}item")] == [(f.bare, "both")], text_of(el))
            x = Client(server, "first", NEW).login(presence=True)
            x.send(f"<presence type='subscribe' to='{b.bare}'><preauth xmlns='{PARS}' token='{token_of(link)}'/></presence>")
            b.expect(name="presence", type="subscribe", frm=x.bare)
            x.settle()
            x.none(lambda e: e.get("type") == "subscribed", "a link lets two in")
        tap.run("xep0379-roster: the link lets one into the roster at once", roster)
        tap.run("xep0401-invite: not any number", many)
        tap.run("xep0401: the server is well", server.assert_healthy)


def closed_tests(tap, users):
    def closed():
        c = Client(users.server).secure(True)
        check(c.features.find("{http://jabber.org/features/iq-register}register") is None and c.features.find(q(IBR, "register")) is None, "offered")
        c.send(f"<iq type='set' id='r'>{account('intruder')}</iq>")
        check(c.stream_error()[0] == "not-authorized", "no stream error")
        a = users.client()
        link = form_of(done(command(a, INVITE + "invite")))["uri"][0]
        check("ibr=y" not in link and link.startswith(f"xmpp:{a.bare}?roster;preauth="), link)
        boss = Client(users.server, "chief-admin", resource="inv").login()
        refused(command(boss, INVITE + "create-account"), "forbidden")
    tap.run("xep0077-register: closed unless the operator says otherwise; links open no account then", closed)


def open_tests(tap):
    """Where everybody may open an account, everybody may end his own."""
    with new_server(users=["a", "b"], extra="registration: open\n") as server:
        def removed():
            a = Client(server, "a", resource="one").login(presence=True)
            b = Client(server, "b").login(presence=True)
            befriend(a, b)
            el = a.iq("set", f"<query xmlns='{REGISTER}'><remove/></query>")
            check(el.get("type") == "result", text_of(el))
            check(a.stream_error()[0] == "not-authorized", "no stream error")
            check(not can_sign_in(server, "a", PASSWORD), "the account is still there")
        tap.run("xep0077-cancel: one's own account, where they are open (3.2)", removed)

        def opened():
            c = Client(server).secure(True)
            el = c.iq("set", account("walkin"))
            check(el.get("type") == "result" and can_sign_in(server, "walkin", NEW), text_of(el))
            for bad in ("", "a@b", "guard", "helpdesk", "x/y", "&lt;"):
                c = Client(server).secure(True)
                check(error_of(c.iq("set", account(bad))) is not None, f"'{bad}' is a name")
            c = Client(server).secure(False)
            check(c.iq("set", account("walkin2")).get("type") == "result", "by STARTTLS")
            c = Client(server).connect()
            c.restart()
            c.send(f"<iq type='set' id='p'>{account('plain')}</iq>")
            check(c.stream_error()[0] == "not-authorized" and not can_sign_in(server, "plain", NEW), "without TLS")
        tap.run("xep0077-register: open to everybody, in TLS alone (3.1)", opened)
        tap.run("xep0077: the server is well", server.assert_healthy)


def throttle_tests(tap):
    with new_server(extra="registration: open\n", limits={"failed_logins_per_minute": "5"}) as server:
        def some():
            opened = 0
            for n in range(12):
                c = Client(server).secure(True)
                opened += c.iq("set", account(f"bulk{n}")).get("type") == "result"
            check(2 <= opened <= 6, f"{opened} of 12 accounts from one address at once")
        tap.run("xep0077-register: some accounts a minute from one address", some)


def power_tests(tap):
    with new_server(users=[], start=False, https=True) as server:
        path = os.path.join(server.top, "password")
        with open(path, "w") as f:
            os.chmod(path, 0o600)
            f.write(PASSWORD)
        server.cli("user", "add", server.jid("chief"), "--role", "admin", "--password-file", path)
        server.start()

        def again():
            c, web = Client(server, "chief").login(), WsClient(server, "chief").login()
            before = server.pids()
            done(run(c, f"{ADMIN}#restart", delay="0"))
            check(c.stream_error()[0] == "system-shutdown" and web.wait_end(), "the streams did not end")
            until(lambda: set(before) - set(server.pids()), 10, "the old worker has gone")

            def back():
                try:
                    return WsClient(server, "chief").login()
                except (Failed, OSError):
                    return None
            until(back, 15, "browsers come in again").close()
            Client(server, "chief").login().close()
            server.assert_healthy()
            check("worker.starts_anew" in server.log(), "the log says nothing of it")
        tap.run("xep0133-restart: the worker alone, and the web role with it", again)

        def shutdown():
            c = Client(server, "chief").login()
            for delay in ("-1", "3601", "soon"):
                refused(run(c, f"{ADMIN}#shutdown", delay=delay), "not-acceptable", "modify")
            done(run(c, f"{ADMIN}#shutdown", delay="0"))
            check(c.stream_error()[0] == "system-shutdown", "the stream did not end")
            until(lambda: server.proc.poll() is not None, 10, "the server has ended")
            check(server.proc.returncode == 0, f"it ended with {server.proc.returncode}")
            server.stop()
            server.start()
            events = [(e["what"]["event"], e["what"]["account"]) for e in server.json("audit", "list")["entries"] if e["kind"] == "account"]
            check(("shutdown ordered", server.jid("chief")) in events, f"not in the record: {events}")
        tap.run("xep0133-shutdown: ended by an administrator, and not started again by itself", shutdown)


def main():
    tap = Tap("small extensions")
    with new_server(users=[f"u{i}" for i in range(90)]) as server:
        server.secret = os.path.join(server.top, "password")
        with open(server.secret, "w") as f:
            os.chmod(server.secret, 0o600)
            f.write(PASSWORD)
        users = Users(server, 90)
        register_tests(tap, users)
        command_tests(tap, users)
        number_tests(tap, users)
        last_tests(tap, users)
        info_tests(tap, users)
        prefs_tests(tap, users)
        closed_tests(tap, users)
        report_tests(tap, users)
        retract_tests(tap, users)
        tap.run("the server is well at the end", server.assert_healthy)
    told_tests(tap)
    open_tests(tap)
    invite_tests(tap)
    throttle_tests(tap)
    power_tests(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
