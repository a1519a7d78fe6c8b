"""More of rooms: pictures, reserved nicks, refusals, what outlives a restart. Run by rooms.py."""
import base64
import hashlib
from xml.etree import ElementTree

from harness import check, error_of
from rawxmpp import CLIENT, DATA, body_of

MUC, USER = "http://jabber.org/protocol/muc", "http://jabber.org/protocol/muc#user"
ADMIN, OWNER = "http://jabber.org/protocol/muc#admin", "http://jabber.org/protocol/muc#owner"
INFO = "http://jabber.org/protocol/disco#info"
REGISTER, MUCREG = "jabber:iq:register", "http://jabber.org/protocol/muc#register"


def text_of(el):
    return ElementTree.tostring(el, encoding="unicode")


def codes(p):
    return {s.get("code") for s in p.iter(f"{{{USER}}}status")}


def item(p):
    return next(p.iter(f"{{{USER}}}item"), None)


def refused(el, condition, what):
    check(el.get("type") == "error" and error_of(el)[0] == condition, f"{what}: {text_of(el)}")


def pictures(tap, users, rooms):
    def avatar():
        a, b = users.client(), users.client()
        room = rooms.open(a, "ann", persistentroom=1)
        rooms.join(b, room, "ben")
        refused(b.iq("get", "<vCard xmlns='vcard-temp'/>", to=room), "item-not-found", "no picture yet")
        photo = b"not really a picture" * 50
        digest = hashlib.sha1(photo).hexdigest()
        card = f"<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>{base64.b64encode(photo).decode()}</BINVAL></PHOTO></vCard>"
        refused(b.iq("set", card, to=room), "forbidden", "an occupant sets the picture")
        check(a.iq("set", card, to=room).get("type") == "result", "the owner may not")
        m = b.expect(lambda e: "104" in codes(e), name="message")
        check(m.get("from") == room and m.get("type") == "groupchat", text_of(m))
        check(digest in text_of(b.iq("get", f"<query xmlns='{INFO}'/>", to=room)), "no hash in disco#info")
        check(base64.b64encode(photo).decode() in text_of(b.iq("get", "<vCard xmlns='vcard-temp'/>", to=room)), "another picture")
        refused(a.iq("set", card.replace("<BINVAL>", "<BINVAL>!"), to=room), "bad-request", "no Base64")
        big = base64.b64encode(b"x" * 140000).decode()
        refused(a.iq("set", f"<vCard xmlns='vcard-temp'><PHOTO><BINVAL>{big}</BINVAL></PHOTO></vCard>", to=room), "not-acceptable", "too large")
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


def all_cases(tap, users, rooms):
    pictures(tap, users, rooms)
    reserved(tap, users, rooms)
