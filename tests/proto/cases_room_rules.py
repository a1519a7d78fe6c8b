"""Rules of rooms that are easily half kept: lists in the form, invitations, bans of the absent, who takes back what. Run by rooms.py."""
import json
import os
import time

from harness import check, error_of
from rawxmpp import CLIENT, DATA, MAM, SID, Client, body_of
from wardroom_test import PASSWORD
from cases_rooms import ADMIN, INFO, MUC, OWNER, PING, USER, codes, counted, item, refused, text_of

RETRACT, OID, MODERATE = "urn:xmpp:message-retract:1", "urn:xmpp:occupant-id:0", "urn:xmpp:message-moderate:1"


def list_of(c, room, affiliation):
    el = c.iq("get", f"<query xmlns='{ADMIN}'><item affiliation='{affiliation}'/></query>", to=room)
    return {i.get("jid") for i in el.iter(f"{{{ADMIN}}}item")}


def configure(c, room, **lists):
    def field(var, values):
        return f"<field var='muc#roomconfig_{var}'>{''.join(f'<value>{v}</value>' for v in values)}</field>"
    return c.iq("set", f"<query xmlns='{OWNER}'><x xmlns='{DATA}' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"
                f"{''.join(field(k, v) for k, v in lists.items())}</x></query>", to=room)


def lists(tap, users, rooms):
    def left_out():
        o, a, b, c = (users.client() for _ in range(4))
        room = rooms.open(o, "own")
        rooms.join(a, room, "adm")
        check(configure(o, room, roomowners=[o.bare, b.bare], roomadmins=[a.bare, c.bare]).get("type") == "result", "not taken")
        check(list_of(o, room, "owner") == {o.bare, b.bare} and list_of(o, room, "admin") == {a.bare, c.bare}, "not given")
        a.clear()
        check(configure(o, room, roomadmins=[c.bare]).get("type") == "result", "not taken")
        check(list_of(o, room, "admin") == {c.bare}, f"who is left out is still an admin: {list_of(o, room, 'admin')}")
        check(list_of(o, room, "owner") == {o.bare, b.bare}, "owners changed without a list of theirs")
        p = a.expect(lambda e: item(e) is not None and "110" in codes(e) and item(e).get("affiliation") == "none", name="presence")
        check(item(p).get("role") == "participant", text_of(p))
        check(configure(o, room, roomowners=[o.bare], roomadmins=[b.bare, c.bare]).get("type") == "result", "not taken")
        check(list_of(o, room, "owner") == {o.bare} and list_of(o, room, "admin") == {b.bare, c.bare}, "an owner does not become an admin")
    tap.run("xep0045-lists: the form's lists of admins and owners are whole: who is left out is neither (10.5, 10.8)", left_out)

    def an_owner_stays():
        o, b = users.client(), users.client()
        room = rooms.open(o, "own")
        for owners in ([], [""]):
            refused(configure(o, room, roomowners=owners, roomname=["changed"]), "conflict", "a room without an owner")
        check("changed" not in text_of(o.iq("get", f"<query xmlns='{INFO}'/>", to=room)), "half of a refused form is taken")
        check(configure(o, room, roomowners=[b.bare]).get("type") == "result", "he may not hand it over")
        check(list_of(b, room, "owner") == {b.bare}, "not handed over")
        refused(o.iq("get", f"<query xmlns='{OWNER}'/>", to=room), "forbidden", "who was an owner")
        refused(configure(b, room, roomadmins=[f"x{n}@{users.server.domain}" for n in range(501)]), "not-acceptable", "a list without end")
        refused(configure(b, room, roomadmins=["@"]), "jid-malformed", "no address")
    tap.run("xep0045-lists-owner: never without an owner, and all of a form or nothing (5.2.2)", an_owner_stays)

    def members_go():
        o, a = users.client(), users.client()
        room = rooms.open(o, "own", membersonly=1)
        check(configure(o, room, roomadmins=[a.bare]).get("type") == "result", "not taken")
        rooms.join(a, room, "adm")
        check(configure(o, room, roomadmins=[]).get("type") == "result", "not taken")
        p = a.expect(name="presence", type="unavailable")
        check("321" in codes(p), text_of(p))
    tap.run("xep0045-lists-members: who is nothing any more leaves a room of members, with 321", members_go)


def invitations(tap, users, rooms):
    def hidden():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann")
        a.send(f"<message to='{room}' id='inv7'><x xmlns='{USER}'><invite to='{b.bare}'><reason>come</reason><continue thread='t1'/></invite></x></message>")
        m = b.expect(lambda e: e.find(f"{{{USER}}}x/{{{USER}}}invite") is not None, name="message")
        inv = m.find(f"{{{USER}}}x/{{{USER}}}invite")
        check(a.bare not in text_of(m) and inv.get("from") == f"{room}/ann", f"the address of who invites into a room that hides them: {text_of(m)}")
        check(m.get("id") == "inv7" and inv.findtext(f"{{{USER}}}reason") == "come" and inv.find(f"{{{USER}}}continue").get("thread") == "t1", text_of(m))
        b.send(f"<message to='{room}' id='dec7'><x xmlns='{USER}'><decline to='{room}/ann'><reason>busy</reason></decline></x></message>")
        m = a.expect(lambda e: e.find(f"{{{USER}}}x/{{{USER}}}decline") is not None, name="message")
        check(m.get("id") == "dec7" and m.find(f"{{{USER}}}x/{{{USER}}}decline").get("from") == b.bare and "busy" in text_of(m), text_of(m))
        for to in (f"{room}/nobody", room):
            b.send(f"<message to='{room}' id='dec8'><x xmlns='{USER}'><decline to='{to}'/></x></message>")
            refused(b.expect(name="message", id="dec8"), "not-acceptable", f"a decline to {to}")
    tap.run("xep0045-invite-hidden: by his name in the room where addresses are hidden; id, reason and thread are kept (7.8.2)", hidden)

    def shown():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann", whois="anyone")
        a.send(f"<message to='{room}'><x xmlns='{USER}'><invite to='{b.bare}'/></x></message>")
        m = b.expect(lambda e: e.find(f"{{{USER}}}x/{{{USER}}}invite") is not None, name="message")
        check(m.find(f"{{{USER}}}x/{{{USER}}}invite").get("from") == a.bare, text_of(m))
    tap.run("xep0045-invite-shown: by his bare address where everybody sees addresses", shown)

    def several():
        a, b, c = users.client(), users.client(), users.client()
        room = rooms.open(a, "ann", membersonly=1)
        a.send(f"<message to='{room}'><x xmlns='{USER}'><invite to='{b.bare}'/><invite to='{c.bare}'/></x></message>")
        for who, nick in ((b, "ben"), (c, "cat")):
            who.expect(lambda e: e.find(f"{{{USER}}}x/{{{USER}}}invite") is not None, name="message")
            rooms.join(who, room, nick)
        many = "".join(f"<invite to='p{n}@x.test'/>" for n in range(51))
        a.send(f"<message to='{room}' id='many'><x xmlns='{USER}'>{many}</x></message>")
        check(a.expect(name="message", id="many").get("type") == "error", "invitations without end")
        check(list_of(a, room, "member") == {b.bare, c.bare}, "members by a refused message")
    tap.run("xep0045-invite-several: one message invites several, and not any number", several)


def absent(tap, users, rooms):
    def banned():
        a, b, c = users.client(), users.client(), users.client()
        room = rooms.open(a, "ann")
        rooms.join(b, room, "ben")
        reg = (f"<query xmlns='jabber:iq:register'><x xmlns='{DATA}' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field>"
               "<field var='muc#register_roomnick'><value>cat</value></field></x></query>")
        check(c.iq("set", reg, to=room).get("type") == "result", "not registered")
        a.clear()
        b.clear()
        check(rooms.admin(a, room, f"<item jid='{c.bare}' affiliation='outcast'><reason>spam</reason></item>").get("type") == "result", "not banned")
        m = a.expect(lambda e: item(e) is not None, name="message")
        i = item(m)
        check("301" in codes(m) and i.get("jid") == c.bare and i.get("affiliation") == "outcast" and i.findtext(f"{{{USER}}}reason") == "spam"
              and i.find(f"{{{USER}}}actor").get("nick") == "ann", text_of(m))
        b.none(lambda e: c.bare in text_of(e), "the address of who is banned, for an ordinary occupant")
        el = a.iq("get", f"<query xmlns='{ADMIN}'><item affiliation='outcast'/></query>", to=room)
        check("spam" in text_of(el) and "cat" not in {i.get("nick") for i in el.iter(f"{{{ADMIN}}}item")}, text_of(el))
        d = users.client()
        rooms.join(d, room, "cat")	# his name is anybody's again
        check(rooms.admin(a, room, f"<item jid='{c.bare}' affiliation='member'/>").get("type") == "result", "not pardoned")
        el = a.iq("get", f"<query xmlns='{ADMIN}'><item affiliation='member'/></query>", to=room)
        check("spam" not in text_of(el), "the reason of a ban that is over")
    tap.run("xep0045-ban-absent: with 301, actor and reason for who sees addresses; his kept nick is free again (9.1)", banned)

    def device():
        a, b = users.client(), users.client()
        b2, c = users.client(b.user), users.client()
        room = rooms.open(a, "ann", maxusers=2)
        rooms.join(b, room, "ben")
        rooms.refused(c, room, "cat", "service-unavailable")
        rooms.refused(b2, room, "benny", "service-unavailable")
        rooms.join(b2, room, "ben")
    tap.run("xep0045-full-device: a full room admits one more device of who is inside, under his nick", device)


def taking_back(tap, users, rooms):
    def said(c, room, text, *others):
        c.message(room, text, type="groupchat", id=f"id-{text.replace(' ', '-')}")
        m = [x.expect(name="message", body=text) for x in (c, *others)][0]
        return next(s for s in m.iter(f"{{{SID}}}stanza-id") if s.get("by") == room).get("id")

    def retract(c, room, target, id):
        c.send(f"<message to='{room}' type='groupchat' id='{id}'><retract xmlns='{RETRACT}' id='{target}'/><body>I take it back</body></message>")

    def archive(c, room):
        c.clear()
        c.send(f"<iq type='set' id='mq' to='{room}'><query xmlns='{MAM}'/></iq>")
        c.expect(id="mq", keep=True)
        return [e.find(f"{{{MAM}}}result") for e in c.inbox if e.find(f"{{{MAM}}}result") is not None]

    def own():
        a, b, c = users.client(), users.client(), users.client()
        room = rooms.open(a, "ann")
        rooms.join(b, room, "ben")
        sid = said(b, room, "wrong room", a)
        retract(b, room, sid, "r1")
        for x in (a, b):
            x.expect(lambda e: e.find(f"{{{RETRACT}}}retract") is not None, name="message", frm=f"{room}/ben")
        got = {r.get("id"): r for r in archive(a, room)}
        check(sid in got and "wrong room" not in text_of(got[sid]), "still in the archive")
        stone = got[sid].find(f".//{{{RETRACT}}}retracted")
        check(stone is not None and stone.get("id") == "r1" and stone.get("stamp") and got[sid].find(f".//{{{OID}}}occupant-id") is not None, text_of(got[sid]))
        c.send(f"<presence to='{room}/cat'><x xmlns='{MUC}'/></presence>")
        c.expect(lambda e: e.find(f"{{{CLIENT}}}subject") is not None, name="message", keep=True)
        check("wrong room" not in "".join(text_of(e) for e in c.inbox), "shown to a newcomer")
        retract(b, room, sid, "r2")	# again: passed on, nothing is changed
        a.expect(lambda e: e.get("id") == "r2", name="message")
        check({r.get("id"): r for r in archive(a, room)}[sid].find(f".//{{{RETRACT}}}retracted").get("id") == "r1", "a tombstone of the tombstone")
    tap.run("xep0424-room: its author takes a message back; archive and history have a tombstone, or nothing", own)

    def anothers():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann")
        rooms.join(b, room, "ben")
        sid = said(a, room, "of the owner", b)
        retract(b, room, sid, "f1")
        refused(b.expect(name="message", id="f1"), "forbidden", "a message of somebody else is taken back")
        mine = said(b, room, "of the guest", a)
        retract(a, room, mine, "f2")	# a moderator has XEP-0425 for that, which says who did it
        refused(a.expect(name="message", id="f2"), "forbidden", "a message of somebody else is taken back by a moderator's retraction")
        other = rooms.open(b, "ben")
        elsewhere = said(b, other, "in another room")
        for target in (elsewhere, "no-id-of-ours", "0" * 13):
            retract(b, room, target, "f3")
            refused(b.expect(name="message", id="f3"), "item-not-found", f"an id of {target}")
        text = "".join(text_of(r) for r in archive(a, room))
        check("of the owner" in text and "of the guest" in text, "gone from the archive")
        a.none(lambda e: e.find(f"{{{RETRACT}}}retract") is not None, "a retraction that was refused")
        b.send(f"<presence to='{room}/ben' type='unavailable'/>")
        b.expect(name="presence", type="unavailable")
        rooms.join(b, room, "ann-in-other-clothes")
        retract(b, room, mine, "f4")	# under another name he is the same
        a.expect(lambda e: e.get("id") == "f4", name="message")
    tap.run("xep0424-room-others: nobody else's, by whatever id; the same account under another nick may (0421)", anothers)

    def moderated():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann")
        rooms.join(b, room, "ben")
        sid = said(b, room, "evil words", a)
        req = f"<moderate xmlns='{MODERATE}' id='{sid}'><retract xmlns='{RETRACT}'/><reason>manners</reason></moderate>"
        check(a.iq("set", req, to=room).get("type") == "result", "not moderated")
        got = {r.get("id"): r for r in archive(b, room)}
        check(sid in got, "no tombstone in the archive")
        stone = got[sid].find(f".//{{{RETRACT}}}retracted")
        check(stone is not None and "evil words" not in text_of(got[sid]), text_of(got[sid]))
        by = stone.find(f"{{{MODERATE}}}moderated")
        check(by is not None and by.get("by") == f"{room}/ann" and by.find(f"{{{OID}}}occupant-id") is not None and "manners" in text_of(stone), text_of(stone))
        log = users.server.json("audit", "list", "--max", "1000")
        found = [e for e in log["entries"] if sid in json.dumps(e)]
        check(found and a.bare in json.dumps(found) and f"{room}/ben" in json.dumps(found), f"the audit log does not tell who took it back: {found}")
    tap.run("xep0425-tombstone: what moderators take back is a tombstone for readers, and in the audit log", moderated)


HATS, CMD = "urn:xmpp:hats:0", "http://jabber.org/protocol/commands"


def hats_in(p):
    return [(h.get("title"), h.get("uri"), h.get("hue")) for h in p.iter(f"{{{HATS}}}hat")]


def hats(tap, users, rooms):
    def command(c, room, name, attrs="", **fields):
        inner = "".join(f"<field var='hats#{k}'><value>{v}</value></field>" for k, v in fields.items())
        form = f"<x xmlns='{DATA}' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:hats:commands</value></field>{inner}</x>" if fields else ""
        return c.iq("set", f"<command xmlns='{CMD}' node='urn:xmpp:hats:commands:{name}' action='execute'{attrs}>{form}</command>", to=room)

    def done(el):
        check(el.find(f"{{{CMD}}}command") is not None and el.find(f"{{{CMD}}}command").get("status") == "completed", text_of(el))
        return el

    def given():
        o, a, b = users.client(), users.client(), users.client()
        room = rooms.open(o, "own", persistentroom=1)
        rooms.join(a, room, "ann")
        items = o.iq("get", f"<query xmlns='http://jabber.org/protocol/disco#items' node='{CMD}'/>", to=room)
        check("urn:xmpp:hats:commands:assign" in text_of(items), text_of(items))
        el = command(o, room, "create")
        check(el.find(f"{{{CMD}}}command").get("status") == "executing" and "hats#title" in text_of(el) and "hats#hue" in text_of(el), text_of(el))
        session = el.find(f"{{{CMD}}}command").get("sessionid")
        done(command(o, room, "create", f" sessionid='{session}'", title="Minutes", uri="urn:x:minutes", hue="327.255249"))
        done(command(o, room, "create", title="Chair", uri="urn:x:chair"))
        a.expect(lambda e: "104" in codes(e), name="message")
        el = command(o, room, "assign")
        check("hats#jid" in text_of(el) and "urn:x:minutes" in text_of(el), text_of(el))
        done(command(o, room, "assign", jid=a.bare, uri="urn:x:minutes"))
        p = o.expect(lambda e: hats_in(e), name="presence", frm=f"{room}/ann")
        check(hats_in(p) == [("Minutes", "urn:x:minutes", "327.255249")], text_of(p))
        done(command(o, room, "create", title="Scribe", uri="urn:x:minutes"))	# the same, by another title
        p = o.expect(lambda e: hats_in(e), name="presence", frm=f"{room}/ann")
        check(hats_in(p) == [("Scribe", "urn:x:minutes", None)], text_of(p))
        for name, want in (("list", ("Scribe", "Chair")), ("list-assigned", (a.bare, "urn:x:minutes"))):
            el = done(command(o, room, name))
            check(all(w in text_of(el) for w in want), text_of(el))
        check("hats#hash" in text_of(a.iq("get", f"<query xmlns='{INFO}'/>", to=room)), "no hash in disco#info")
        users.server.kill9()
        users.server.start()
        o, a, b = users.client(o.user), users.client(a.user), users.client(b.user)
        rooms.join(b, room, "ben")
        rooms.join(a, room, "ann")
        p = b.expect(name="presence", frm=f"{room}/ann")
        check(hats_in(p) == [("Scribe", "urn:x:minutes", None)], f"lost by a restart: {text_of(p)}")
        done(command(o, room, "unassign", jid=a.bare, uri="urn:x:minutes"))
        p = b.expect(name="presence", frm=f"{room}/ann")
        check(not hats_in(p), text_of(p))
        done(command(o, room, "assign", jid=a.bare, uri="urn:x:chair"))
        b.expect(lambda e: hats_in(e), name="presence", frm=f"{room}/ann")
        done(command(o, room, "destroy", uri="urn:x:chair"))
        p = b.expect(name="presence", frm=f"{room}/ann")
        check(not hats_in(p), text_of(p))
        check("urn:x:chair" not in text_of(command(o, room, "list")), "still in the list")
    tap.run("xep0317-commands: owners make, give and take hats; everybody sees them, after SIGKILL too", given)

    def not_given():
        o, a, m = users.client(), users.client(), users.client()
        room = rooms.open(o, "own")
        rooms.join(a, room, "ann")
        rooms.admin(o, room, f"<item affiliation='admin' jid='{m.bare}'/>")
        for who in (a, m, users.client()):
            for name in ("create", "destroy", "assign", "unassign", "list", "list-assigned"):
                refused(command(who, room, name, title="Chief", uri="urn:x:chief", jid=who.bare), "forbidden", f"{name} by somebody who is no owner")
        a.send(f"<presence to='{room}/ann'><hats xmlns='{HATS}'><hat title='Chief' uri='urn:x:chief'/></hats></presence>")
        o.expect(name="presence", frm=f"{room}/ann")
        check(not hats_in(o.expect(name="presence", frm=f"{room}/ann")), "a hat of one's own making")
        bad = [("create", dict(title="x", uri=""), "bad-request"), ("create", dict(uri="urn:x"), "bad-request"), ("create", dict(title="t" * 300, uri="urn:x"), "bad-request"),
               ("create", dict(title="x", uri="u" * 2000), "bad-request"), ("create", dict(title="x", uri="urn:x", hue="red"), "bad-request"),
               ("create", dict(title="x", uri="urn:x", hue="361"), "bad-request"), ("create", dict(title="Not external", uri="urn:wardroom:hat:external"), "not-allowed"),
               ("assign", dict(jid=a.bare, uri="urn:x:none"), "item-not-found"), ("assign", dict(uri="urn:x:none"), "bad-request"),
               ("assign", dict(jid="@", uri="urn:x:none"), "jid-malformed"), ("destroy", dict(uri="urn:x:none"), "item-not-found"),
               ("unassign", dict(jid=a.bare, uri="urn:wardroom:hat:external"), "not-allowed"), ("juggle", {}, "item-not-found")]
        for name, fields, condition in bad:
            refused(command(o, room, name, **fields), condition, f"{name} {fields}"[:80])
        for n in range(32):
            done(command(o, room, "create", title=f"H{n}", uri=f"urn:x:{n}"))
        check(command(o, room, "create", title="One more", uri="urn:x:more").get("type") == "error", "hats without end")
        el = o.iq("set", f"<command xmlns='{CMD}' node='urn:xmpp:hats:commands:create' action='cancel' sessionid='s1'/>", to=room)
        check(el.find(f"{{{CMD}}}command").get("status") == "canceled", text_of(el))
    tap.run("xep0317-refusals: owners alone, nothing without end, and nobody is made external or not by it", not_given)


def accounts(tap, users, rooms):
    def grants():
        o, a, b = users.client(), users.client(), users.client()
        room = rooms.open(o, "own", persistentroom=1, membersonly=1)
        heir = rooms.open(o, "own", persistentroom=1)
        rooms.admin(o, room, f"<item affiliation='member' jid='{a.bare}'/>")
        rooms.admin(o, heir, f"<item affiliation='admin' jid='{b.bare}'/>", f"<item affiliation='member' jid='{a.bare}' nick='ann'/>")
        return o, a, b, room, heir

    def check_gone(o, a, b, room, heir):
        again = users.client(a.user)
        rooms.refused(again, room, "ann", "registration-required")
        check(list_of(b, heir, "member") == set(), f"still a member: {list_of(b, heir, 'member')}")
        rooms.join(b, heir, "ann")	# a nick that was kept for him

    def removed():
        o, a, b, room, heir = grants()
        users.server.cli("user", "remove", a.bare)
        users.server.add_users([a.user])
        check_gone(o, a, b, room, heir)
        users.server.cli("user", "remove", o.bare)
        check(list_of(b, heir, "owner") == {b.bare}, "the admin has not inherited the room")
        users.server.add_users([o.user])
        o2 = users.client(o.user)
        refused(o2.iq("get", f"<query xmlns='{OWNER}'/>", to=room), "forbidden", "the next of that name owns the room")
        users.server.kill9()
        users.server.start()
        b, o2 = users.client(b.user), users.client(o.user)
        check(list_of(b, heir, "owner") == {b.bare}, "not kept")
        refused(o2.iq("get", f"<query xmlns='{OWNER}'/>", to=room), "forbidden", "the next of that name owns the room after a restart")
        with open(users.server.top + "/password", "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(PASSWORD + "\n")
        users.server.cli("user", "add", users.server.jid(f"boss{rooms.n}"), "--role", "admin", "--password-file", users.server.top + "/password")
        boss = users.client(f"boss{rooms.n}")
        check(rooms.admin(boss, room, f"<item affiliation='owner' jid='{b.bare}'/>").get("type") == "result", "nobody can look after a room without an owner")
        check(list_of(b, room, "owner") == {b.bare}, "not given")
        refused(rooms.admin(boss, room, f"<item affiliation='none' jid='{b.bare}'/>"), "forbidden", "the administrator of the company in a room that has an owner")
    tap.run("xep0045-account-gone: an account that is removed is nothing in any room, nor who gets its name; admins inherit", removed)

    def stopped():
        o, a, b, room, heir = grants()
        for c in (o, a, b):
            c.close()
        users.server.stop()
        users.server.cli("user", "remove", a.bare)
        users.server.add_users([a.user])
        users.server.start()
        o, b = users.client(o.user), users.client(b.user)
        check_gone(o, a, b, room, heir)
        users.server.kill9()
        users.server.start()
        b = users.client(b.user)
        check(list_of(b, heir, "member") == set(), "back after a restart")
    tap.run("xep0045-account-gone-stopped: the same for one that was removed while no server ran", stopped)


def last_words(tap, users, rooms):
    def shows(way):
        a, b = users.client(), users.client()
        for c in (a, b):
            counted(c).sm_enable()
        room = rooms.open(a, "ann", persistentroom=1)
        rooms.join(b, room, "ben")
        b.send(f"<presence to='{room}/ben'><show>dnd</show><status>digging</status></presence>")
        a.expect(lambda e: "digging" in text_of(e), name="presence", frm=f"{room}/ben")
        b.sm_all_acked()
        if way == "kill9":
            time.sleep(6)
        getattr(users.server, way)()
        for x in (a, b):
            x.close()
        users.server.start()
        n = counted(Client(users.server, b.user).login(bind=False))
        check(n.resume(b), "not resumed")
        c = users.client()
        c.send(f"<presence to='{room}/cat'><x xmlns='{MUC}'/></presence>")
        p = c.expect(name="presence", frm=f"{room}/ben")
        check("dnd" in text_of(p) and "digging" in text_of(p), f"as he was when he came: {text_of(p)}")
        n.close()
    tap.run("xep0045-show-stop: who resumes after a restart is shown as he was last", lambda: shows("stop"))
    tap.run("xep0045-show-kill: the same after SIGKILL, a few seconds later", lambda: shows("kill9"))


def legacy(tap, users, rooms):
    def no_x():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann")
        b.send(f"<presence to='{room}/ben'/>")
        p = b.expect(name="presence", frm=f"{room}/ben")
        check(p.get("type") == "unavailable" and codes(p) == {"110", "307", "333"}, text_of(p))
        refused(b.iq("get", f"<ping xmlns='{PING}'/>", to=f"{room}/ben"), "not-acceptable", "he is in it all the same")
    tap.run("xep0045-groupchat-1.0: presence without <x/> of who is not in the room is no way in (7.2.2)", no_x)


def all_cases(tap, users, rooms):
    lists(tap, users, rooms)
    invitations(tap, users, rooms)
    absent(tap, users, rooms)
    taking_back(tap, users, rooms)
    legacy(tap, users, rooms)
    hats(tap, users, rooms)
    accounts(tap, users, rooms)
    last_words(tap, users, rooms)
