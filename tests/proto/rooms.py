#!/usr/bin/env python3
"""Rooms from outside (XEP-0045 and its kin): every case names the rule it checks."""
import sys
from xml.etree import ElementTree

import cases_room_rules
import cases_rooms
from harness import check, error_of
from rawxmpp import CLIENT, DATA, DELAY, MAM, SID, body_of
from rfc6121 import Users
from wardroom_test import Tap, new_server

MUC, USER = "http://jabber.org/protocol/muc", "http://jabber.org/protocol/muc#user"
ADMIN, OWNER = "http://jabber.org/protocol/muc#admin", "http://jabber.org/protocol/muc#owner"
INFO, ITEMS = "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items"
CONFIG, OID, PING = "http://jabber.org/protocol/muc#roomconfig", "urn:xmpp:occupant-id:0", "urn:xmpp:ping"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"


def text_of(el):
    return ElementTree.tostring(el, encoding="unicode")


def codes(p):
    return {s.get("code") for s in p.iter(f"{{{USER}}}status")}


def item(p):
    return next(p.iter(f"{{{USER}}}item"), None)


class Rooms:
    def __init__(self, users):
        self.users, self.n = users, 0
        self.domain = f"rooms.{users.server.domain}"

    def fresh(self):
        self.n += 1
        return f"r{self.n}@{self.domain}"

    def join(self, c, room, nick, inner="", wait=True):
        c.send(f"<presence to='{room}/{nick}'><x xmlns='{MUC}'>{inner}</x></presence>")
        if not wait:
            return None
        p = c.expect(lambda e: "110" in codes(e) or e.get("type") == "error", name="presence", what=f"self-presence of {nick}")
        check(p.get("type") != "error", f"{nick} may not join: {text_of(p)}")
        c.expect(lambda e: e.find(f"{{{CLIENT}}}subject") is not None, name="message", what="the subject")
        return p

    def refused(self, c, room, nick, condition, inner=""):
        c.send(f"<presence to='{room}/{nick}'><x xmlns='{MUC}'>{inner}</x></presence>")
        p = c.expect(lambda e: e.get("type") == "error" or "110" in codes(e), name="presence")
        check(error_of(p) and error_of(p)[0] == condition, f"wanted {condition}: {text_of(p)}")
        check(p.find(f"{{{MUC}}}x") is not None, f"the error does not say that it is a room's (7.2): {text_of(p)}")

    def configure(self, c, room, **fields):
        inner = "".join(f"<field var='{k if k.startswith('{') else 'muc#roomconfig_' + k}'><value>{v}</value></field>" for k, v in fields.items())
        el = c.iq("set", f"<query xmlns='{OWNER}'><x xmlns='{DATA}' type='submit'><field var='FORM_TYPE'><value>{CONFIG}</value></field>{inner}</x></query>", to=room)
        check(el.get("type") == "result", text_of(el))

    def open(self, c, nick="owner", **fields):
        room = self.fresh()
        p = self.join(c, room, nick)
        check("201" in codes(p), f"not told that the room is new: {text_of(p)}")
        self.configure(c, room, **fields)
        return room

    def admin(self, c, room, *items):
        return c.iq("set", f"<query xmlns='{ADMIN}'>{''.join(items)}</query>", to=room)


def entering(tap, users, rooms):
    def creates():
        a, b = users.client(), users.client()
        room = rooms.fresh()
        p = rooms.join(a, room, "ann")
        check(codes(p) >= {"110", "201"} and item(p).get("affiliation") == "owner" and item(p).get("role") == "moderator", text_of(p))
        rooms.refused(b, room, "ben", "item-not-found")
        rooms.configure(a, room)
        rooms.join(b, room, "ben")
    tap.run("xep0045-create: a new room is locked until its owner has configured it (10.1)", creates)

    def order():
        a, b, c = users.client(), users.client(), users.client()
        room = rooms.open(a, "ann")
        rooms.join(b, room, "ben")
        a.message(room, "one", type="groupchat")
        a.expect(name="message", body="one")
        b.expect(name="message", body="one")
        c.send(f"<presence to='{room}/cat'><x xmlns='{MUC}'/></presence>")
        seen = []
        for _ in range(5):
            e = c.expect(lambda e: (e.get("from") or "").startswith(room), what="presence, history, subject")
            seen.append(("P" + e.get("from").split("/")[1]) if e.tag.endswith("presence") else ("S" if e.find(f"{{{CLIENT}}}subject") is not None else "M" + (body_of(e) or "")))
        check(sorted(seen[:2]) == ["Pann", "Pben"] and seen[2:] == ["Pcat", "Mone", "S"], f"order {seen}")
    tap.run("xep0045-order: others' presence, own presence, history, subject (7.2)", order)

    def nick_conflict():
        a, b = users.client(), users.client()
        room = rooms.open(a, "Alice")
        rooms.refused(b, room, "Alice", "conflict")
        rooms.refused(b, room, "\u0410lice", "conflict")	# a Cyrillic letter that looks the same
    tap.run("xep0045-conflict: nobody takes another's nick, nor one that looks like it (7.2.8)", nick_conflict)

    def no_nick():
        a = users.client()
        a.send(f"<presence to='{rooms.fresh()}'><x xmlns='{MUC}'/></presence>")
        p = a.expect(name="presence", type="error")
        check(error_of(p)[0] == "jid-malformed", text_of(p))
    tap.run("xep0045-nonick: joining without a nick is jid-malformed (7.2.1)", no_nick)

    def password():
        a, b = users.client(), users.client()
        room = rooms.open(a, passwordprotectedroom=1, roomsecret="s3cret")
        rooms.refused(b, room, "ben", "not-authorized")
        rooms.refused(b, room, "ben", "not-authorized", "<password>wrong</password>")
        rooms.join(b, room, "ben", "<password>s3cret</password>")
    tap.run("xep0045-password: only who knows it comes in (7.2.6)", password)

    def members():
        a, b = users.client(), users.client()
        room = rooms.open(a, membersonly=1)
        rooms.refused(b, room, "ben", "registration-required")
        el = rooms.admin(a, room, f"<item affiliation='member' jid='{b.bare}'/>")
        check(el.get("type") == "result", text_of(el))
        rooms.join(b, room, "ben")
        el = rooms.admin(a, room, f"<item affiliation='none' jid='{b.bare}'/>")
        p = b.expect(name="presence", type="unavailable")
        check("321" in codes(p), text_of(p))
    tap.run("xep0045-membersonly: strangers stay out, who is no member any more goes with 321 (7.2.5, 9.4)", members)

    def multi():
        a, b = users.client(), users.client()
        a2 = users.client(a.user)
        room = rooms.open(a, "ann")
        rooms.join(a2, room, "ann")
        rooms.join(b, room, "ben")
        b.message(room, "both", type="groupchat")
        for c in (a, a2):
            c.expect(name="message", body="both")
        a2.send(f"<presence to='{room}/ann' type='unavailable'/>")
        a2.expect(name="presence", type="unavailable")
        b.none(lambda e: e.get("type") == "unavailable" and e.get("from") == f"{room}/ann", "ann still has a device here")
    tap.run("xep0045-multisession: two devices of one account under one nick", multi)

    def leaves():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann")
        rooms.join(b, room, "ben")
        b.cut()
        p = a.expect(name="presence", type="unavailable", frm=f"{room}/ben")
        check(item(p).get("role") == "none", text_of(p))
        a.send(f"<presence to='{room}/ann' type='unavailable'><status>bye</status></presence>")
        p = a.expect(name="presence", type="unavailable", frm=f"{room}/ann")
        check("110" in codes(p) and p.findtext(f"{{{CLIENT}}}status") == "bye", text_of(p))
        el = a.iq("get", f"<query xmlns='{INFO}'/>", to=room)
        check(error_of(el) and error_of(el)[0] == "item-not-found", "a temporary room outlives its occupants")
    tap.run("xep0045-leave: a lost connection leaves, an empty temporary room goes (7.14, 10.1)", leaves)

    def nick_change():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann")
        rooms.join(b, room, "ben")
        b.send(f"<presence to='{room}/benny'/>")
        p = a.expect(name="presence", type="unavailable", frm=f"{room}/ben")
        check("303" in codes(p) and item(p).get("nick") == "benny", text_of(p))
        a.expect(name="presence", frm=f"{room}/benny")
        p = b.expect(lambda e: e.get("from") == f"{room}/benny" and "110" in codes(e), name="presence")
        b.send(f"<presence to='{room}/ann'/>")
        p = b.expect(name="presence", type="error")
        check(error_of(p)[0] == "conflict", text_of(p))
    tap.run("xep0045-nickchange: 303 and the new nick; somebody else's is a conflict (7.6)", nick_change)

    def identities():
        a, b, c = users.client(), users.client(), users.client()
        room = rooms.open(a, "ann")
        rooms.join(b, room, "ben")
        p = a.expect(name="presence", frm=f"{room}/ben")
        check(item(p).get("jid") == b.jid, "a moderator does not see the address")
        rooms.join(c, room, "cat")
        p = b.expect(name="presence", frm=f"{room}/cat")
        check(item(p).get("jid") is None, "an ordinary occupant sees an address in a semi-anonymous room")
    tap.run("xep0045-anonymity: addresses are for moderators unless the room is open about them (7.2.3)", identities)


def talking(tap, users, rooms):
    def to_all():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann")
        rooms.join(b, room, "ben")
        b.message(room, "hi all", type="groupchat", id="m1")
        for c in (a, b):
            m = c.expect(name="message", body="hi all")
            check(m.get("from") == f"{room}/ben" and m.get("type") == "groupchat" and m.get("id") == "m1" and m.get("to") == c.jid, text_of(m))
            check([s for s in m.iter(f"{{{SID}}}stanza-id") if s.get("by") == room], f"no stanza-id of the room: {text_of(m)}")
            check(m.find(f"{{{OID}}}occupant-id") is not None, "no occupant-id")
    tap.run("xep0045-groupchat: everybody gets it, the sender too, under the room's id (7.4)", to_all)

    def outsider():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann")
        b.message(room, "let me in", type="groupchat", id="o1")
        m = b.expect(name="message", type="error", id="o1")
        check(error_of(m)[0] == "not-acceptable", text_of(m))
        b.message(f"{room}/ann", "psst", id="o2")
        m = b.expect(name="message", type="error", id="o2")
        check(error_of(m)[0] == "not-acceptable", text_of(m))
        a.none(lambda e: e.tag.endswith("message") and body_of(e) in ("let me in", "psst"), "an outsider's words")
    tap.run("xep0045-outsider: who is not in the room says nothing there (7.4, 7.5)", outsider)

    def private():
        a, b, c = users.client(), users.client(), users.client()
        room = rooms.open(a, "ann")
        rooms.join(b, room, "ben")
        rooms.join(c, room, "cat")
        b.message(f"{room}/ann", "for you", id="p1")
        m = a.expect(name="message", body="for you")
        check(m.get("from") == f"{room}/ben" and m.find(f"{{{USER}}}x") is not None and m.get("type") == "chat", text_of(m))
        c.none(lambda e: body_of(e) == "for you", "a private message")
        b.message(f"{room}/nobody", "x", id="p2")
        check(error_of(b.expect(name="message", type="error", id="p2"))[0] == "item-not-found", "nobody there")
        b.message(f"{room}/ann", "x", type="groupchat", id="p3")
        check(error_of(b.expect(name="message", type="error", id="p3"))[0] == "bad-request", "groupchat to one")
    tap.run("xep0045-private: to one occupant, by nick (7.5)", private)

    def private_worm():
        owner, infected = users.client(), users.client()
        room = rooms.open(owner, "owner")
        rooms.join(infected, room, "ill")
        seats = [users.client() for _ in range(6)]
        for i, c in enumerate(seats):
            rooms.join(c, room, f"seat{i}")
        for i in range(6):
            infected.message(f"{room}/seat{i}", f"is this you?? http://photo-share.test/view?id={i}", id=f"w{i}")
        infected.settle()
        got = sum(any("photo-share" in (body_of(e) or "") for e in c.settle().inbox) for c in seats)
        check(1 <= got <= 3, f"{got} of 6 got the worm")
    tap.run("xep0045-private: the worm brake counts the people a private message goes to, not the room", private_worm)

    def moderated():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann", moderatedroom=1)
        p = rooms.join(b, room, "ben")
        check(item(p).get("role") == "visitor", text_of(p))
        b.message(room, "may I", type="groupchat", id="v1")
        check(error_of(b.expect(name="message", type="error", id="v1"))[0] == "forbidden", "a visitor speaks")
        b.send(f"<message to='{room}'><x xmlns='{DATA}' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#request</value></field>"
               "<field var='muc#role'><value>participant</value></field></x></message>")
        form = a.expect(lambda e: e.find(f"{{{DATA}}}x") is not None, name="message")
        check("ben" in text_of(form), text_of(form))
        el = rooms.admin(a, room, "<item nick='ben' role='participant'/>")
        check(el.get("type") == "result", text_of(el))
        b.expect(lambda e: item(e) is not None and item(e).get("role") == "participant", name="presence")
        b.message(room, "thanks", type="groupchat")
        a.expect(name="message", body="thanks")
    tap.run("xep0045-moderated: visitors ask for voice and get it (7.13, 8.3, 8.6)", moderated)

    def subject():
        a, b, c = users.client(), users.client(), users.client()
        room = rooms.open(a, "ann")
        rooms.join(b, room, "ben")
        b.send(f"<message to='{room}' type='groupchat' id='s1'><subject>mine</subject></message>")
        check(error_of(b.expect(name="message", type="error", id="s1"))[0] == "forbidden", "anybody changes the subject")
        a.send(f"<message to='{room}' type='groupchat'><subject>plans</subject></message>")
        b.expect(lambda e: e.findtext(f"{{{CLIENT}}}subject") == "plans", name="message")
        c.send(f"<presence to='{room}/cat'><x xmlns='{MUC}'/></presence>")
        m = c.expect(lambda e: e.find(f"{{{CLIENT}}}subject") is not None, name="message")
        check(m.findtext(f"{{{CLIENT}}}subject") == "plans" and m.get("from") == f"{room}/ann", text_of(m))
    tap.run("xep0045-subject: moderators set it, newcomers are told last (8.1, 7.2.15)", subject)

    def history():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann")
        for n in range(5):
            a.message(room, f"line {n}", type="groupchat")
            a.expect(name="message", body=f"line {n}")
        b.send(f"<presence to='{room}/ben'><x xmlns='{MUC}'><history maxstanzas='2'/></x></presence>")
        got = []
        while True:
            m = b.expect(name="message")
            if m.find(f"{{{CLIENT}}}subject") is not None:
                break
            check(m.find(f"{{{DELAY}}}delay") is not None, "history without a stamp")
            got.append(body_of(m))
        check(got == ["line 3", "line 4"], f"{got}")
        b.send(f"<presence to='{room}/ben' type='unavailable'/>")
        b.expect(name="presence", type="unavailable")
        b.send(f"<presence to='{room}/ben'><x xmlns='{MUC}'><history maxstanzas='0'/></x></presence>")
        m = b.expect(name="message")
        check(m.find(f"{{{CLIENT}}}subject") is not None, "history though none was wanted")
    tap.run("xep0045-history: no more than is asked for, stamped (7.2.14)", history)


def governing(tap, users, rooms):
    def kick_and_ban():
        a, b, c = users.client(), users.client(), users.client()
        room = rooms.open(a, "ann")
        rooms.join(b, room, "ben")
        rooms.join(c, room, "cat")
        el = rooms.admin(b, room, "<item nick='cat' role='none'/>")
        check(error_of(el)[0] == "forbidden", text_of(el))
        el = rooms.admin(b, room, f"<item jid='{c.bare}' affiliation='outcast'/>")
        check(error_of(el)[0] == "forbidden", text_of(el))
        el = rooms.admin(b, room, f"<item jid='{b.bare}' affiliation='owner'/>")
        check(error_of(el)[0] == "forbidden", "self-promotion")
        el = rooms.admin(a, room, "<item nick='cat' role='none'><reason>noise</reason></item>")
        check(el.get("type") == "result", text_of(el))
        p = c.expect(name="presence", type="unavailable")
        check("307" in codes(p) and "noise" in text_of(p), text_of(p))
        rooms.join(c, room, "cat")
        el = rooms.admin(a, room, f"<item jid='{c.bare}' affiliation='outcast'/>")
        p = c.expect(name="presence", type="unavailable")
        check("301" in codes(p), text_of(p))
        rooms.refused(c, room, "cat", "forbidden")
        el = a.iq("get", f"<query xmlns='{ADMIN}'><item affiliation='outcast'/></query>", to=room)
        check(c.bare in text_of(el), text_of(el))
        el = b.iq("get", f"<query xmlns='{ADMIN}'><item affiliation='outcast'/></query>", to=room)
        check(error_of(el)[0] == "forbidden", text_of(el))
    tap.run("xep0045-kick-ban: by who may, with 307 and 301; the banned stay out (8.2, 9.1)", kick_and_ban)

    def last_owner():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann")
        el = rooms.admin(a, room, f"<item jid='{a.bare}' affiliation='admin'/>")
        check(error_of(el)[0] == "conflict", text_of(el))
        el = rooms.admin(a, room, f"<item jid='{b.bare}' affiliation='owner'/>", f"<item jid='{a.bare}' affiliation='member'/>")
        check(el.get("type") == "result", text_of(el))
    tap.run("xep0045-lastowner: a room keeps an owner (5.2.2, 10.5)", last_owner)

    def config_form():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann", roomname="Hall")
        el = a.iq("get", f"<query xmlns='{OWNER}'/>", to=room)
        fields = {f.get("var") for f in el.iter(f"{{{DATA}}}field")}
        want = {f"muc#roomconfig_{x}" for x in ("roomname", "roomdesc", "persistentroom", "publicroom", "membersonly", "moderatedroom", "whois", "changesubject",
                                                "allowinvites", "allowpm", "maxusers", "passwordprotectedroom", "roomsecret", "roomadmins", "roomowners")}
        check(not want - fields, f"missing {want - fields}")
        types = {f.get("var"): f.get("type") for f in el.iter(f"{{{DATA}}}field")}
        registered = {"roomname": "text-single", "roomdesc": "text-single", "lang": "text-single", "maxusers": "list-single", "roomsecret": "text-private",
                      "allowpm": "list-single", "whois": "list-single", "roomowners": "jid-multi", "roomadmins": "jid-multi"}
        wrong = {x: types[f"muc#roomconfig_{x}"] for x, t in registered.items() if types[f"muc#roomconfig_{x}"] != t}
        check(not wrong, f"not of the types that XEP-0045 registers for muc#roomconfig: {wrong}")
        for most in ("none", "50", "33"):	# of the list, and not
            rooms.configure(a, room, maxusers=most)
            form = a.iq("get", f"<query xmlns='{OWNER}'/>", to=room)
            f = next(f for f in form.iter(f"{{{DATA}}}field") if f.get("var") == "muc#roomconfig_maxusers")
            options = [o.findtext(f"{{{DATA}}}value") for o in f.iter(f"{{{DATA}}}option")]
            check(f.findtext(f"{{{DATA}}}value") == most and options.count(most) == 1, text_of(f))
        el = b.iq("get", f"<query xmlns='{OWNER}'/>", to=room)
        check(error_of(el)[0] == "forbidden", text_of(el))
        rooms.join(b, room, "ben")
        rooms.configure(a, room, whois="anyone")
        m = b.expect(lambda e: "104" in codes(e), name="message")
        check("172" in codes(m), text_of(m))
        el = b.iq("get", f"<query xmlns='{INFO}'/>", to=room)
        check("muc_nonanonymous" in text_of(el) and "Hall" in text_of(el), text_of(el))
    tap.run("xep0045-config: the owner's form, and what changes is told (10.2)", config_form)

    def hidden():
        a, b = users.client(), users.client()
        secret, shown = rooms.open(a, "ann", publicroom=0), rooms.open(a, "ann", publicroom=1)
        el = b.iq("get", f"<query xmlns='{ITEMS}'/>", to=rooms.domain)
        check(shown in text_of(el) and secret not in text_of(el), text_of(el))
        el = b.iq("get", f"<query xmlns='{ITEMS}'/>", to=users.server.domain)
        check(rooms.domain in text_of(el), text_of(el))
    tap.run("xep0045-hidden: hidden rooms are not listed (6.3)", hidden)

    def destroyed():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann")
        rooms.join(b, room, "ben")
        el = b.iq("set", f"<query xmlns='{OWNER}'><destroy/></query>", to=room)
        check(error_of(el)[0] == "forbidden", text_of(el))
        el = a.iq("set", f"<query xmlns='{OWNER}'><destroy jid='new@{rooms.domain}'><reason>moved</reason></destroy></query>", to=room)
        check(el.get("type") == "result", text_of(el))
        p = b.expect(name="presence", type="unavailable")
        check(f"new@{rooms.domain}" in text_of(p) and "moved" in text_of(p), text_of(p))
    tap.run("xep0045-destroy: by owners, everybody learns where it went (10.9)", destroyed)

    def invites():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann", membersonly=1)
        a.send(f"<message to='{room}'><x xmlns='{USER}'><invite to='{b.bare}'><reason>come</reason></invite></x></message>")
        m = b.expect(lambda e: e.find(f"{{{USER}}}x") is not None, name="message")
        inv = m.find(f"{{{USER}}}x/{{{USER}}}invite")
        check(m.get("from") == room and inv is not None and inv.get("from") == f"{room}/ann", text_of(m))
        b.send(f"<message to='{room}'><x xmlns='{USER}'><decline to='{a.bare}'><reason>busy</reason></decline></x></message>")
        m = a.expect(lambda e: e.find(f"{{{USER}}}x/{{{USER}}}decline") is not None, name="message")
        check(m.find(f"{{{USER}}}x/{{{USER}}}decline").get("from") == b.bare, text_of(m))
        rooms.join(b, room, "ben")
    tap.run("xep0045-invite: through the room, with membership; a decline comes back (7.8.2)", invites)


def more(tap, users, rooms):
    def self_ping():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann")
        el = a.iq("get", f"<ping xmlns='{PING}'/>", to=f"{room}/ann")
        check(el.get("type") == "result" and el.get("from") == f"{room}/ann", text_of(el))
        el = b.iq("get", f"<ping xmlns='{PING}'/>", to=f"{room}/ann")
        check(error_of(el)[0] == "not-acceptable", text_of(el))
        rooms.join(b, room, "ben")
        b.send(f"<iq type='get' id='op' to='{room}/ann'><ping xmlns='{PING}'/></iq>")
        iq = a.expect(name="iq", type="get")
        check(iq.get("from") == f"{room}/ben" and b.jid not in text_of(iq), text_of(iq))
        a.send(f"<iq type='result' id='{iq.get('id')}' to='{room}/ben'/>")
        el = b.expect(name="iq", id="op")
        check(el.get("type") == "result" and el.get("from") == f"{room}/ann", text_of(el))
    tap.run("xep0410-selfping: result while in the room, not-acceptable outside; others are asked", self_ping)

    def occupant_id():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann")
        p1 = rooms.join(b, room, "ben")
        b.send(f"<presence to='{room}/ben' type='unavailable'/>")
        b.expect(name="presence", type="unavailable")
        p2 = rooms.join(b, room, "other-nick")
        ids = [p.find(f"{{{OID}}}occupant-id").get("id") for p in (p1, p2)]
        check(ids[0] == ids[1] and ids[0], f"{ids}")
        other = rooms.open(a, "ann")
        p3 = rooms.join(b, other, "ben")
        check(p3.find(f"{{{OID}}}occupant-id").get("id") != ids[0], "the id tells who somebody is in another room")
    tap.run("xep0421-occupantid: stable for the account, different in every room", occupant_id)

    def archive():
        a, b, c = users.client(), users.client(), users.client()
        room = rooms.open(a, "ann", membersonly=1)
        for n in range(3):
            a.message(room, f"kept {n}", type="groupchat")
            a.expect(name="message", body=f"kept {n}")
        a.send(f"<iq type='set' id='mq' to='{room}'><query xmlns='{MAM}' queryid='q'/></iq>")
        got = []
        while True:
            e = a.expect(lambda e: e.get("id") == "mq" or e.find(f"{{{MAM}}}result") is not None)
            if e.get("id") == "mq":
                break
            check(e.get("from") == room, text_of(e))
            got.append((e.find(f"{{{MAM}}}result").get("id"), e.find(f".//{{{CLIENT}}}body").text, e.find(f".//{{{CLIENT}}}message").get("from")))
        check([g[1:] for g in got] == [(f"kept {n}", f"{room}/ann") for n in range(3)], f"{got}")
        el = c.iq("set", f"<query xmlns='{MAM}'/>", to=room)
        check(error_of(el)[0] == "forbidden", text_of(el))
        el = a.iq("set", f"<query xmlns='{MAM}'><x xmlns='{DATA}' type='submit'><field var='FORM_TYPE'><value>{MAM}</value></field>"
                         f"<field var='with'><value>{a.bare}</value></field></x></query>", to=room)
        check(error_of(el)[0] == "feature-not-implemented", "a room's archive tells who said something")
    tap.run("xep0313-muc: a room's archive, for those who may come in, without real addresses", archive)

    def moderation():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann")
        rooms.join(b, room, "ben")
        b.message(room, "rude", type="groupchat")
        m = a.expect(name="message", body="rude")
        sid = next(s for s in m.iter(f"{{{SID}}}stanza-id") if s.get("by") == room).get("id")
        req = f"<moderate xmlns='urn:xmpp:message-moderate:1' id='{sid}'><retract xmlns='urn:xmpp:message-retract:1'/><reason>manners</reason></moderate>"
        check(error_of(b.iq("set", req, to=room))[0] == "forbidden", "an ordinary occupant moderates")
        check(a.iq("set", req, to=room).get("type") == "result", "the moderator may not")
        r = b.expect(lambda e: e.find("{urn:xmpp:message-retract:1}retract") is not None, name="message")
        check(r.get("from") == room and r.find("{urn:xmpp:message-retract:1}retract").get("id") == sid and "manners" in text_of(r) and f"{room}/ann" in text_of(r), text_of(r))
        check(error_of(a.iq("set", req.replace(sid, "0" * 13), to=room))[0] == "item-not-found", "an id that is not there")
        a.clear()
        a.send(f"<iq type='set' id='mq' to='{room}'><query xmlns='{MAM}'/></iq>")
        a.expect(id="mq", keep=True)
        check(not [e for e in a.inbox if "rude" in text_of(e)], "still in the archive")
        c = users.client()
        c.send(f"<presence to='{room}/cat'><x xmlns='{MUC}'/></presence>")
        m = c.expect(lambda e: e.find(f"{{{CLIENT}}}subject") is not None or body_of(e) == "rude", name="message")
        check(body_of(m) != "rude", "still in the history")
    tap.run("xep0425-moderation: moderators take a message back for all; archive and history forget it", moderation)

    def lasting():
        a, b, c = users.client(), users.client(), users.client()
        room = rooms.open(a, "ann", persistentroom=1, roomname="Lasting", membersonly=1)
        rooms.admin(a, room, f"<item affiliation='member' jid='{b.bare}'/>")
        a.send(f"<message to='{room}' type='groupchat'><subject>to stay</subject></message>")
        a.expect(lambda e: e.findtext(f"{{{CLIENT}}}subject") == "to stay", name="message")
        a.message(room, "before the restart", type="groupchat")
        a.expect(name="message", body="before the restart")
        users.server.stop()
        users.server.start()
        b, c = users.client(b.user), users.client(c.user)
        rooms.refused(c, room, "cat", "registration-required")
        b.send(f"<presence to='{room}/ben'><x xmlns='{MUC}'/></presence>")
        b.expect(name="message", body="before the restart")
        m = b.expect(lambda e: e.find(f"{{{CLIENT}}}subject") is not None, name="message")
        check(m.findtext(f"{{{CLIENT}}}subject") == "to stay", text_of(m))
    tap.run("xep0045-persistent: configuration, members, subject and history outlive a restart (10.1)", lasting)


def unarchived(tap):
    def nothing_kept():
        with new_server(users=[f"u{i}" for i in range(4)], extra="archive: { default: never }\n") as server:
            users = Users(server, 4)
            rooms = Rooms(users)
            a, b = users.client(), users.client()
            room = rooms.open(a, "ann")
            p = rooms.join(b, room, "ben")
            check("170" not in codes(p), "said to be archived")
            a.message(room, "not to be kept", type="groupchat")
            m = b.expect(name="message", body="not to be kept")
            check(not [s for s in m.iter(f"{{{SID}}}stanza-id")], "an id of an archive")
            a.message(f"{room}/ben", "nor this", id="w")
            b.expect(name="message", body="nor this")
            for who, to in ((b, room), (b, None)):
                who.clear()
                fin = who.iq("set", f"<query xmlns='{MAM}'/>", to=to)
                check(not [e for e in who.inbox if "kept" in text_of(e) or "nor this" in text_of(e)] and "<" in text_of(fin), f"in the archive of {to}")
            server.assert_healthy()
    tap.run("xep0313-muc-never: where nothing is to be archived, rooms archive nothing", nothing_kept)


def main():
    tap = Tap("rooms")
    with new_server(users=[f"u{i}" for i in range(180)]) as server:
        users = Users(server, 180)
        rooms = Rooms(users)
        entering(tap, users, rooms)
        talking(tap, users, rooms)
        governing(tap, users, rooms)
        more(tap, users, rooms)
        cases_room_rules.all_cases(tap, users, rooms)
        cases_rooms.all_cases(tap, users, rooms)
        tap.run("the server is well at the end", server.assert_healthy)
    unarchived(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
