"""Rules of rooms that are easily half kept: lists in the form, invitations, bans of the absent, who takes back what. Run by rooms.py."""
import json

from harness import check, error_of
from rawxmpp import CLIENT, DATA, MAM, SID, body_of
from cases_rooms import ADMIN, INFO, MUC, OWNER, PING, USER, codes, item, refused, text_of

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
