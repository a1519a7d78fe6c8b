"""More of rooms: pictures, reserved nicks, refusals, what outlives a restart. Run by rooms.py."""
import base64
import hashlib
from xml.etree import ElementTree

from harness import check, error_of
from pictures import png
from rawcomponent import Component, components_text
from rawxmpp import CLIENT, DATA, Client, body_of
from rfc6121 import Users
from wardroom_test import Instance

MUC, USER = "http://jabber.org/protocol/muc", "http://jabber.org/protocol/muc#user"
ADMIN, OWNER = "http://jabber.org/protocol/muc#admin", "http://jabber.org/protocol/muc#owner"
INFO, PING = "http://jabber.org/protocol/disco#info", "urn:xmpp:ping"
REGISTER, MUCREG = "jabber:iq:register", "http://jabber.org/protocol/muc#register"


def text_of(el):
    return ElementTree.tostring(el, encoding="unicode")


def codes(p):
    return {s.get("code") for s in p.iter(f"{{{USER}}}status")}


def item(p):
    return next(p.iter(f"{{{USER}}}item"), None)


def refused(el, condition, what):
    check(el.get("type") == "error" and error_of(el)[0] == condition, f"{what}: {text_of(el)}")


def counted(c):
    """Every stanza of this client counts for stream management, whichever way it is sent."""
    raw = c.send

    def send(data):
        if c.sm_sending and isinstance(data, str) and data.startswith(("<presence", "<message", "<iq")):
            c.sm_sent += 1
            c.sm_unacked.append((c.sm_sent, data))
        raw(data)
    c.send = c.stanza = send
    return c


def pictures(tap, users, rooms):
    def avatar():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann", persistentroom=1)
        rooms.join(b, room, "ben")
        refused(b.iq("get", "<vCard xmlns='vcard-temp'/>", to=room), "item-not-found", "no picture yet")
        photo = png(b"a room", 1000)
        digest = hashlib.sha1(photo).hexdigest()
        card = f"<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>{base64.b64encode(photo).decode()}</BINVAL></PHOTO></vCard>"
        refused(b.iq("set", card, to=room), "forbidden", "an occupant sets the picture")
        check(a.iq("set", card, to=room).get("type") == "result", "the owner may not")
        m = b.expect(lambda e: "104" in codes(e), name="message")
        check(m.get("from") == room and m.get("type") == "groupchat", text_of(m))
        check(digest in text_of(b.iq("get", f"<query xmlns='{INFO}'/>", to=room)), "no hash in disco#info")
        check(base64.b64encode(photo).decode() in text_of(b.iq("get", "<vCard xmlns='vcard-temp'/>", to=room)), "another picture")
        refused(a.iq("set", card.replace("<BINVAL>", "<BINVAL>!"), to=room), "policy-violation", "no Base64")
        big = base64.b64encode(png(b"big", 140000)).decode()
        refused(a.iq("set", f"<vCard xmlns='vcard-temp'><PHOTO><BINVAL>{big}</BINVAL></PHOTO></vCard>", to=room), "policy-violation", "too large")
        check(a.iq("set", "<vCard xmlns='vcard-temp'/>", to=room).get("type") == "result", "taking it away")
        check("avatarhash" not in text_of(b.iq("get", f"<query xmlns='{INFO}'/>", to=room)), "the hash stays")
        refused(b.iq("get", "<vCard xmlns='vcard-temp'/>", to=room), "item-not-found", "the picture stays")
        refused(b.iq("get", "<vCard xmlns='vcard-temp'/>", to=rooms.fresh()), "item-not-found", "no room")
    tap.run("xep0486-avatar: owners set it, everybody reads it, its hash is in disco#info, 104 tells (3)", avatar)


def reserved(tap, users, rooms):
    def form(nick):
        return (f"<query xmlns='{REGISTER}'><x xmlns='{DATA}' type='submit'><field var='FORM_TYPE'><value>{MUCREG}</value></field>"
                f"<field var='muc#register_roomnick'><value>{nick}</value></field></x></query>")

    def register():
        a, b, c = users.client(), users.client(), users.client()
        room = rooms.open(a, "ann")
        el = b.iq("get", f"<query xmlns='{REGISTER}'/>", to=room)
        check("muc#register_roomnick" in text_of(el), text_of(el))
        check(b.iq("set", form("ben"), to=room).get("type") == "result", "not reserved")
        refused(c.iq("set", form("ben"), to=room), "conflict", "somebody else's nick")
        refused(c.iq("set", form("b\u0435n"), to=room), "conflict", "one that looks like it")
        refused(c.iq("set", form("ann"), to=room), "conflict", "an occupant's nick")
        refused(c.iq("set", f"<query xmlns='{REGISTER}'/>", to=room), "bad-request", "no form")
        refused(c.iq("get", f"<query xmlns='{REGISTER}'/>", to=rooms.fresh()), "item-not-found", "no room")
        el = b.iq("get", f"<query xmlns='{REGISTER}'/>", to=room)
        check(el.findtext(f"{{{REGISTER}}}query/{{{REGISTER}}}username") == "ben" and "registered" in text_of(el), text_of(el))
        rooms.refused(c, room, "ben", "conflict")
        el = b.iq("get", f"<query xmlns='{INFO}' node='x-roomuser-item'/>", to=room)
        check("name=\"ben\"" in text_of(el), text_of(el))
        p = rooms.join(b, room, "ben")
        check(item(p).get("affiliation") == "none", "a name made a member of somebody")
        check(b.iq("set", f"<query xmlns='{REGISTER}'><remove/></query>", to=room).get("type") == "result", "cannot be given back")
        b.send(f"<presence to='{room}/ben' type='unavailable'/>")
        b.expect(name="presence", type="unavailable")
        rooms.join(c, room, "ben")
    tap.run("xep0045-register: a nick is kept for who asked first, and gives nothing else (7.10)", register)

    def closed():
        a, b, c = users.client(), users.client(), users.client()
        room = rooms.open(a, "ann", membersonly=1)
        refused(b.iq("get", f"<query xmlns='{REGISTER}'/>", to=room), "not-allowed", "a stranger asks for membership")
        refused(b.iq("set", form("ben"), to=room), "not-allowed", "a stranger registers")
        rooms.admin(a, room, f"<item affiliation='outcast' jid='{c.bare}'/>")
        refused(c.iq("set", form("cat"), to=room), "not-allowed", "an outcast registers")
        rooms.refused(b, room, "ben", "registration-required")
    tap.run("xep0045-register-closed: registration is no way into a room of members (7.10)", closed)


def restart(tap, users, rooms):
    def seats(way):
        a, b, c = users.client(), users.client(), users.client()
        for x in (a, b):
            counted(x).sm_enable()
        room = rooms.open(a, "ann", moderatedroom=1)	# not persistent
        rooms.join(b, room, "ben")
        rooms.join(c, room, "cat")
        rooms.admin(a, room, "<item nick='ben' role='participant'/>")
        b.expect(lambda e: item(e) is not None and item(e).get("role") == "participant", name="presence", frm=f"{room}/ben")
        b.send(f"<presence to='{room}/benny'/>")
        b.expect(lambda e: "110" in codes(e) and e.get("from") == f"{room}/benny", name="presence")
        a.message(room, "before", type="groupchat")
        b.expect(name="message", body="before")
        for x in (a, b):
            x.sm_all_acked()
        c.settle()
        getattr(users.server, way)()
        for x in (a, b, c):
            x.close()
        users.server.start()
        back = []
        for x in (a, b):
            n = counted(Client(users.server, x.user).login(bind=False))
            check(n.resume(x), "not resumed")
            back.append(n.clear())
        a, b = back
        el = b.iq("get", f"<ping xmlns='{PING}'/>", to=f"{room}/benny")
        check(el.get("type") == "result", f"not in the room any more: {text_of(el)}")
        b.message(room, "after", type="groupchat")	# with the voice that was given
        for x in (a, b):
            m = x.expect(name="message", body="after")
            check(m.get("from") == f"{room}/benny", text_of(m))
        c = users.client(c.user)
        el = c.iq("get", f"<ping xmlns='{PING}'/>", to=f"{room}/cat")
        refused(el, "not-acceptable", "who did not resume")
        c.send(f"<presence to='{room}/cat'><x xmlns='{MUC}'/></presence>")
        got = [body_of(c.expect(name="message")) for _ in range(2)]
        check(got == ["before", "after"], f"history {got}")
    tap.run("xep0198-rooms-kill: who resumes after a killed server is in his rooms, as what he was", lambda: seats("kill9"))
    tap.run("xep0198-rooms-stop: the same after an orderly restart", lambda: seats("stop"))

    def another():
        a, b, c = users.client(), users.client(), users.client()
        counted(b).sm_enable()
        room = rooms.open(a, "ann", persistentroom=1)
        rooms.join(b, room, "ben")
        a.message(room, "of the old room", type="groupchat")
        b.expect(name="message", body="of the old room")
        check(a.iq("set", f"<query xmlns='{OWNER}'><destroy/></query>", to=room).get("type") == "result", "not destroyed")
        rooms.join(c, room, "cat")
        rooms.configure(c, room, persistentroom=1)
        c.settle()
        b.sm_all_acked()
        users.server.kill9()
        for x in (a, b, c):
            x.close()
        users.server.start()
        n = counted(Client(users.server, b.user).login(bind=False))
        check(n.resume(b), "not resumed")
        refused(n.clear().iq("get", f"<ping xmlns='{PING}'/>", to=f"{room}/ben"), "not-acceptable", "a seat of the old room")
        n.send(f"<presence to='{room}/ben'><x xmlns='{MUC}'/></presence>")
        m = n.expect(name="message")
        check(m.find(f"{{{CLIENT}}}subject") is not None and body_of(m) is None, f"the old room's history: {text_of(m)}")
    tap.run("xep0045-another: a new room of an old name knows nothing of it, after a restart too", another)


def refusals(tap, users, rooms):
    def ranks():
        o, a, m, x, y = (users.client() for _ in range(5))
        room = rooms.open(o, "own")
        rooms.admin(o, room, f"<item affiliation='admin' jid='{a.bare}'/>", f"<item affiliation='member' jid='{m.bare}'/>")
        for c, n in ((a, "adm"), (m, "mem"), (x, "xen"), (y, "yan")):
            rooms.join(c, room, n)
        no = [
            # XEP-0045 8.2: nobody kicks above himself.
            (a, "<item nick='own' role='none'/>", "not-allowed"), (m, "<item nick='xen' role='none'/>", "forbidden"),
            (x, "<item nick='own' role='none'/>", "forbidden"),
            # 8.4: voice of admins and owners is not taken.
            (a, "<item nick='own' role='visitor'/>", "not-allowed"), (x, "<item nick='yan' role='visitor'/>", "forbidden"),
            # 9.6, 9.7: moderators are made by admins, and admins stay moderators.
            (m, "<item nick='xen' role='moderator'/>", "forbidden"), (a, "<item nick='own' role='participant'/>", "not-allowed"),
            # 9.1: no admin bans an owner or admin, nobody himself.
            (a, f"<item jid='{o.bare}' affiliation='outcast'/>", "not-allowed"), (a, f"<item jid='{a.bare}' affiliation='outcast'/>", "conflict"),
            (o, f"<item jid='{o.bare}' affiliation='outcast'/>", "conflict"), (m, f"<item jid='{x.bare}' affiliation='outcast'/>", "forbidden"),
            # 9.3, 10.3, 10.6: membership by admins, admins and owners by owners.
            (x, f"<item jid='{x.bare}' affiliation='member'/>", "forbidden"), (a, f"<item jid='{x.bare}' affiliation='admin'/>", "forbidden"),
            (a, f"<item jid='{a.bare}' affiliation='owner'/>", "forbidden"), (a, f"<item jid='{o.bare}' affiliation='none'/>", "not-allowed"),
            # malformed
            (o, "<item nick='xen'/>", "bad-request"), (o, "<item nick='xen' role='king'/>", "bad-request"),
            (o, "<item nick='nobody' role='none'/>", "item-not-found"), (o, "<item jid='@' affiliation='member'/>", "jid-malformed"),
            (o, f"<item nick='xen' role='none' jid='{x.bare}' affiliation='none'/>", "bad-request"), (o, "", "bad-request"),
        ]
        for who, what, condition in no:
            el = rooms.admin(who, room, what)
            check(el.get("type") == "error" and error_of(el)[0] == condition, f"{what} by {who.user}: {text_of(el)}, wanted {condition}")
        for kind in ("owner", "admin", "member", "outcast"):
            refused(x.iq("get", f"<query xmlns='{ADMIN}'><item affiliation='{kind}'/></query>", to=room), "forbidden", f"list of {kind}s")
        for kind in ("moderator", "participant"):
            refused(x.iq("get", f"<query xmlns='{ADMIN}'><item role='{kind}'/></query>", to=room), "forbidden", f"list of {kind}s")
        for c in (o, a, m, x, y):
            el = c.iq("get", f"<ping xmlns='{PING}'/>", to=f"{room}/{'own adm mem xen yan'.split()[(o, a, m, x, y).index(c)]}")
            check(el.get("type") == "result", "a refused request has put somebody out")
    tap.run("xep0045-ranks: who may not kick, ban, promote or read lists gets the condition of the text (8, 9, 10)", ranks)

    def rights():
        o, a, x, y = (users.client() for _ in range(4))
        room = rooms.open(o, "own")
        rooms.join(a, room, "adm")
        rooms.join(x, room, "xen")
        rooms.join(y, room, "yan")

        def done(who, what, watcher, nick, **want):
            check(rooms.admin(who, room, what).get("type") == "result", what)
            p = watcher.expect(lambda e: item(e) is not None and all(item(e).get(k) == v for k, v in want.items()), name="presence", frm=f"{room}/{nick}",
                               what=f"{nick} as {want}")
            return p
        done(o, f"<item jid='{a.bare}' affiliation='admin'/>", x, "adm", affiliation="admin", role="moderator")
        done(a, "<item nick='xen' role='moderator'/>", y, "xen", role="moderator")
        done(x, "<item nick='yan' role='visitor'><reason>hush</reason></item>", a, "yan", role="visitor")
        done(x, "<item nick='yan' role='participant'/>", a, "yan", role="participant")
        done(a, "<item nick='xen' role='participant'/>", y, "xen", role="participant")
        done(a, f"<item jid='{x.bare}' affiliation='member'/>", y, "xen", affiliation="member")
        el = a.iq("get", f"<query xmlns='{ADMIN}'><item affiliation='member'/></query>", to=room)
        check(x.bare in text_of(el), text_of(el))
        done(a, f"<item jid='{x.bare}' affiliation='none'/>", y, "xen", affiliation="none", role="participant")
        done(o, f"<item jid='{a.bare}' affiliation='owner'/>", x, "adm", affiliation="owner")
        done(a, f"<item jid='{o.bare}' affiliation='none'/>", x, "own", affiliation="none", role="participant")
        p = done(a, "<item nick='xen' affiliation='outcast'><reason>enough</reason></item>", y, "xen", affiliation="outcast", role="none")
        check("301" in codes(p) and p.get("type") == "unavailable" and next(p.iter(f"{{{USER}}}actor")).get("nick") == "adm", text_of(p))
        refused(o.iq("get", f"<query xmlns='{OWNER}'/>", to=room), "forbidden", "who was an owner")
    tap.run("xep0045-rights: every right given and taken is seen by all (8.2-8.4, 9, 10.3-10.6)", rights)

    def entering():
        a, b, c = users.client(), users.client(), users.client()
        room = rooms.open(a, "ann", maxusers=1)
        rooms.refused(b, room, "ben", "service-unavailable")
        for nick in ("n" * 300, " ", "   ", " ben", "ben "):
            rooms.refused(b, room, nick, "not-acceptable")
        rooms.configure(a, room, maxusers=0)
        rooms.join(b, room, "ben")
        refused(c.iq("get", "<query xmlns='jabber:iq:version'/>", to=f"{room}/ben"), "not-acceptable", "an outsider asks an occupant")
        refused(a.iq("get", "<query xmlns='jabber:iq:version'/>", to=f"{room}/nobody"), "item-not-found", "nobody there")
        b.send(f"<iq type='get' id='v1' to='{room}/ann'><query xmlns='jabber:iq:version'/></iq>")
        q = a.expect(name="iq", type="get")
        check(q.get("from") == f"{room}/ben", text_of(q))
        a.send(f"<iq type='result' id='{q.get('id')}' to='{room}/ben'><query xmlns='jabber:iq:version'><name>x</name></query></iq>")
        r = b.expect(name="iq", id="v1")
        check(r.get("from") == f"{room}/ann" and a.jid not in text_of(r), text_of(r))
        refused(a.iq("get", f"<query xmlns='{INFO}'/>", to=rooms.fresh()), "item-not-found", "disco of no room")
        refused(b.iq("set", f"<query xmlns='{OWNER}'><x xmlns='{DATA}' type='submit'/></query>", to=room), "forbidden", "configuration by an occupant")
        refused(a.iq("set", f"<query xmlns='{OWNER}'><x xmlns='{DATA}' type='form'/></query>", to=room), "bad-request", "no submission")
        for field, value, condition in (("persistentroom", "maybe", "bad-request"), ("whois", "all", "not-acceptable"), ("maxusers", "-1", "not-acceptable"),
                                        ("passwordprotectedroom", "1", "not-acceptable"), ("roomname", "n" * 5000, "not-acceptable")):
            el = a.iq("set", f"<query xmlns='{OWNER}'><x xmlns='{DATA}' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"
                             f"<field var='muc#roomconfig_{field}'><value>{value}</value></field></x></query>", to=room)
            check(el.get("type") == "error" and error_of(el)[0] in (condition, "bad-request"), f"{field}={value[:10]}: {text_of(el)}")
    tap.run("xep0045-bad: full, too long, wrong forms, outsiders' requests: exact errors (7.2, 10.2, 17.4)", entering)

    def desynchronised():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann")
        b.send(f"<presence to='{room}/ben'><show>away</show></presence>")
        p = b.expect(name="presence", type="unavailable", frm=f"{room}/ben")
        check(codes(p) == {"110", "307", "333"} and item(p).get("role") == "none", text_of(p))
        fresh = rooms.fresh()
        b.send(f"<presence to='{fresh}/ben'/>")
        b.expect(name="presence", type="unavailable", frm=f"{fresh}/ben")
        refused(b.iq("get", f"<query xmlns='{INFO}'/>", to=fresh), "item-not-found", "a room out of an update")
    tap.run("xep0045-desynchronised: an update of somebody who is not in the room is answered with 110, 307, 333 (7.2.2)", desynchronised)

    def two_names():
        a, b = users.client(), users.client()
        a2 = users.client(a.user)
        room = rooms.open(a, "ann")
        rooms.join(a2, room, "anna")
        rooms.join(b, room, "ben")
        a2.send(f"<presence to='{room}/ann'/>")
        p = a2.expect(name="presence", type="error")
        check(error_of(p)[0] == "conflict", text_of(p))
        for c, nick in ((a, "ann"), (a2, "anna")):
            c.send(f"<presence to='{room}/{nick}' type='unavailable'/>")
            b.expect(name="presence", type="unavailable", frm=f"{room}/{nick}")
        b.send(f"<presence to='{room}/ben' type='unavailable'/>")
        b.expect(name="presence", type="unavailable")
        refused(b.iq("get", f"<query xmlns='{INFO}'/>", to=room), "item-not-found", "the room outlives who was in it")
    tap.run("xep0045-twonames: two names of one account do not become one by a change of nick (7.6)", two_names)

    def spoofed():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann")
        rooms.join(b, room, "ben")
        b.send(f"<message to='{room}' type='groupchat'><body>spoof</body><occupant-id xmlns='urn:xmpp:occupant-id:0' id='mine'/>"
               f"<stanza-id xmlns='urn:xmpp:sid:0' id='mine' by='{room}'/><x xmlns='{USER}'><status code='307'/></x>"
               f"<delay xmlns='urn:xmpp:delay' from='{room}' stamp='2001-01-01T00:00:00Z'/></message>")
        m = a.expect(name="message", body="spoof")
        check("mine" not in text_of(m) and "307" not in text_of(m) and "2001" not in text_of(m), text_of(m))
        b.send(f"<presence to='{room}/ben'><x xmlns='{USER}'><item affiliation='owner' role='moderator'/></x><occupant-id xmlns='urn:xmpp:occupant-id:0' id='mine'/>"
               "<hats xmlns='urn:xmpp:hats:0'><hat title='Boss' uri='urn:boss'/></hats></presence>")
        p = a.expect(name="presence", frm=f"{room}/ben")
        check("mine" not in text_of(p) and "owner" not in text_of(p) and "Boss" not in text_of(p), text_of(p))
    tap.run("xep0421-spoof: what the room says of an occupant nobody says himself (security-tests 95)", spoofed)

    def invitations():
        a, b, c = users.client(), users.client(), users.client()
        room = rooms.open(a, "ann", membersonly=1)
        rooms.admin(a, room, f"<item affiliation='member' jid='{b.bare}'/>")
        rooms.join(b, room, "ben")
        b.send(f"<message to='{room}' id='i1'><x xmlns='{USER}'><invite to='{c.bare}'/></x></message>")
        refused(b.expect(name="message", id="i1"), "forbidden", "a member invites where only admins may")
        c.send(f"<message to='{room}' id='i2'><x xmlns='{USER}'><invite to='{b.bare}'/></x></message>")
        refused(c.expect(name="message", id="i2"), "not-acceptable", "an outsider invites")
        c.send(f"<message to='{room}' id='i3'><x xmlns='{USER}'><decline to='{users.server.jid('u0')}'/></x></message>")
        refused(c.expect(name="message", id="i3"), "not-acceptable", "a decline to somebody who is not there")
        b.message(room, "not groupchat", type="chat", id="i4")
        refused(b.expect(name="message", id="i4"), "bad-request", "a chat message to the room")
        a.send(f"<message to='{c.bare}'><x xmlns='jabber:x:conference' jid='{room}' reason='come'/></message>")
        m = c.expect(lambda e: e.find("{jabber:x:conference}x") is not None, name="message")
        check(m.get("from") == a.jid, text_of(m))
    tap.run("xep0249-refusals: who may not invite; a direct invitation arrives as it was sent (7.8)", invitations)


def large(tap, users, rooms):
    def fits():
        cs = [users.client() for _ in range(6)]
        for c in cs[1:3]:
            counted(c).sm_enable()
        room = rooms.open(cs[0], "n0")
        for i, c in enumerate(cs[1:], 1):
            rooms.join(c, room, f"n{i}")
        body = "long " * 40000		# 200 kB
        cs[1].message(room, body, type="groupchat")
        for c in cs:
            m = c.expect(name="message", body=body)
            check(m.get("to") == c.jid, f"to {m.get('to')}")
    tap.run("xep0045-large: a long post reaches everybody, with his own address", fits)


def guessing(tap, users, rooms):
    def wrong():
        a, b, c = users.client(), users.client(), users.client()
        room = rooms.open(a, "ann", passwordprotectedroom=1, roomsecret="tulips")
        for n in range(5):
            rooms.refused(b, room, "ben", "not-authorized", f"<password>guess{n}</password>")
        rooms.refused(b, room, "ben", "resource-constraint", "<password>tulips</password>")
        rooms.join(c, room, "cat", "<password>tulips</password>")
    tap.run("xep0045-guess: five wrong passwords in a minute, then who guesses waits; others do not (security-tests 106)", wrong)


def foreigners(tap):
    """People of another domain (here: behind a gateway)."""
    irc = "irc.example.test"
    enter = f"<x xmlns='{MUC}'/>"
    with Instance(users=[f"u{i}" for i in range(10)], component=True, strangers="allow", extra=components_text({"domain": irc})) as server:
        users = Users(server, 10)
        domain = f"rooms.{server.domain}"

        def make(c, room, fields=""):
            c.send(f"<presence to='{room}/ann'>{enter}</presence>")
            c.expect(lambda e: "110" in codes(e), name="presence")
            el = c.iq("set", f"<query xmlns='{OWNER}'><x xmlns='{DATA}' type='submit'>{fields}</x></query>", to=room)
            check(el.get("type") == "result", text_of(el))

        def hats():
            g, a, b = Component(server, irc).login(), users.client(), users.client()
            room = f"hats@{domain}"
            make(a, room)
            b.send(f"<presence to='{room}/ben'>{enter}</presence>")
            p = a.expect(name="presence", frm=f"{room}/ben")
            check("hats:0" not in text_of(p), text_of(p))
            g.send(f"<presence from='bob@{irc}/x' to='{room}/bob'>{enter}<hats xmlns='urn:xmpp:hats:0'><hat title='Colleague' uri='urn:c'/></hats></presence>")
            p = b.expect(name="presence", frm=f"{room}/bob")
            check([h.get("title") for h in p.iter("{urn:xmpp:hats:0}hat")] == ["External"], text_of(p))
            g.close()
        tap.run("xep0317-external: everybody sees who is of another domain, whatever he says", hats)

        def no_rights():
            g, a = Component(server, irc).login(), users.client()
            g.send(f"<presence from='bob@{irc}/x' to='own@{domain}/bob'>{enter}</presence>")
            p = g.expect(name="presence", type="error")
            check(error_of(p)[0] == "item-not-found", text_of(p))
            room = f"open@{domain}"
            make(a, room)
            r = g.iq("set", f"<query xmlns='{REGISTER}'><x xmlns='{DATA}' type='submit'><field var='FORM_TYPE'><value>{MUCREG}</value></field>"
                     "<field var='muc#register_roomnick'><value>bob</value></field></x></query>", to=room, frm=f"bob@{irc}/x")
            refused(r, "not-allowed", "a stranger keeps a nick")
            g.close()
        tap.run("xep0045-foreign: another domain's people make no rooms here and keep no names", no_rights)

        def ghost():
            g, a = Component(server, irc).login(), users.client()
            room = f"ghost@{domain}"
            make(a, room)
            g.send(f"<presence from='bob@{irc}/x' to='{room}/bob'>{enter}</presence>")
            a.expect(name="presence", frm=f"{room}/bob")
            a.message(room, "anybody there", type="groupchat")
            m = g.expect(name="message", body="anybody there")
            g.send(f"<message from='bob@{irc}/x' to='{room}' type='error' id='{m.get('id')}'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
            p = a.expect(name="presence", type="unavailable", frm=f"{room}/bob")
            check("333" in codes(p), text_of(p))
            g.close()
        tap.run("xep0045-ghost: whose client is gone leaves by its bounce, with 333 (18.2)", ghost)

        def stays():
            g, a = Component(server, irc).login(), users.client()
            room = f"stays@{domain}"
            make(a, room, "<field var='muc#roomconfig_persistentroom'><value>1</value></field>")
            g.send(f"<presence from='bob@{irc}/x' to='{room}/bob'>{enter}</presence>")
            a.expect(name="presence", frm=f"{room}/bob")
            a.message(room, "this is in the store, and what came before it", type="groupchat")
            g.expect(name="message", body="this is in the store, and what came before it")
            server.kill9()
            g.close()
            server.start()
            g, a = Component(server, irc).login(), users.client(a.user)
            a.send(f"<presence to='{room}/ann'>{enter}</presence>")
            a.expect(name="presence", frm=f"{room}/bob")
            a.message(room, "still here", type="groupchat")
            g.expect(name="message", body="still here")
            g.close()
        tap.run("xep0045-foreign-restart: people of other domains are in the room after a restart", stays)


def all_cases(tap, users, rooms):
    pictures(tap, users, rooms)
    reserved(tap, users, rooms)
    refusals(tap, users, rooms)
    guessing(tap, users, rooms)
    large(tap, users, rooms)
    restart(tap, users, rooms)
    foreigners(tap)
