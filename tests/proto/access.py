#!/usr/bin/env python3
"""Another account's data can never be read, written, subscribed to or guessed: every namespace that takes data, tried by
everybody who has no business there. A row for each; a new namespace is a new row.

The data of the victim hold SECRET-n words. Whoever may not read must never see one, must not change anything, and must get for
an account that keeps its data private the very answer that an account gets which does not exist."""
import os
import sys

from harness import check, error_of, text_of
from rawcomponent import SECRET, Component
from rawxmpp import DATA, MAM, Client, befriend
from wardroom_test import PASSWORD, Tap, new_server

PUBSUB, OWNER = "http://jabber.org/protocol/pubsub", "http://jabber.org/protocol/pubsub#owner"
OPTIONS = "http://jabber.org/protocol/pubsub#publish-options"
INFO, ITEMS = "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items"
MUC, MUC_ADMIN, MUC_OWNER = "http://jabber.org/protocol/muc", "http://jabber.org/protocol/muc#admin", "http://jabber.org/protocol/muc#owner"
GATEWAY = "gw.test"
MARK = b"SECRET-"


def form(type_, **fields):
    return f"<x xmlns='{DATA}' type='submit'><field var='FORM_TYPE' type='hidden'><value>{type_}</value></field>" + "".join(
        f"<field var='{k}'><value>{v}</value></field>" for k, v in fields.items()) + "</x>"


def pubsub(inner, ns=PUBSUB):
    return f"<pubsub xmlns='{ns}'>{inner}</pubsub>"


def publish(node, text, access=None):
    options = form(OPTIONS, **{"pubsub#access_model": access, "pubsub#persist_items": "true"}) if access else ""
    return pubsub(f"<publish node='{node}'><item id='current'><note xmlns='urn:x:note'>{text}</note></item></publish>"
                  + (f"<publish-options>{options}</publish-options>" if options else ""))


NODES = {"urn:x:open": "open", "urn:x:presence": "presence", "urn:x:list": "whitelist", "urn:xmpp:bookmarks:1": "whitelist"}

# name, type, payload ({v}: the victim, {a}: who asks), who may read what is in it.
EVERYBODY, CONTACT, NOBODY = "everybody", "contact", "nobody"
ROWS = [
    ("roster get", "get", "<query xmlns='jabber:iq:roster'/>", NOBODY),
    ("roster set", "set", "<query xmlns='jabber:iq:roster'><item jid='evil@x.example' name='pwned'/></query>", NOBODY),
    ("roster remove", "set", "<query xmlns='jabber:iq:roster'><item jid='{c}' subscription='remove'/></query>", NOBODY),
    ("private get", "get", "<query xmlns='jabber:iq:private'><notes xmlns='urn:x:notes'/></query>", NOBODY),
    ("private set", "set", "<query xmlns='jabber:iq:private'><notes xmlns='urn:x:notes'>pwned</notes></query>", NOBODY),
    ("old bookmarks get", "get", "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>", NOBODY),
    ("old bookmarks set", "set", "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>", NOBODY),
    ("vcard set", "set", "<vCard xmlns='vcard-temp'><FN>pwned</FN></vCard>", NOBODY),
    ("block list get", "get", "<blocklist xmlns='urn:xmpp:blocking'/>", NOBODY),
    ("block", "set", "<block xmlns='urn:xmpp:blocking'><item jid='pwned.example'/></block>", NOBODY),
    ("unblock all", "set", "<unblock xmlns='urn:xmpp:blocking'/>", NOBODY),
    ("archive form", "get", f"<query xmlns='{MAM}'/>", NOBODY),
    ("archive", "set", f"<query xmlns='{MAM}'/>", NOBODY),
    ("archive with the asker", "set", f"<query xmlns='{MAM}'>{form(MAM, **{'with': '{a}'})}</query>", NOBODY),
    ("archive metadata", "get", f"<metadata xmlns='{MAM}'/>", NOBODY),
    ("archive preferences get", "get", f"<prefs xmlns='{MAM}'/>", NOBODY),
    ("archive preferences set", "set", f"<prefs xmlns='{MAM}' default='never'><always/><never/></prefs>", NOBODY),
    ("devices", "get", "<list xmlns='urn:xmpp:cam:0'/>", NOBODY),
    ("device revoke", "set", "<revoke xmlns='urn:xmpp:cam:0' id='session-1'/>", NOBODY),
    ("push enable", "set", "<enable xmlns='urn:xmpp:push:0' jid='{a}' node='n'/>", NOBODY),
    ("push disable", "set", "<disable xmlns='urn:xmpp:push:0' jid='push.example'/>", NOBODY),
    ("register get", "get", "<query xmlns='jabber:iq:register'/>", NOBODY),
    ("password", "set", "<query xmlns='jabber:iq:register'><username>victim</username><password>pwned pwned pwned 9</password></query>", NOBODY),
    ("account removal", "set", "<query xmlns='jabber:iq:register'><remove/></query>", NOBODY),
    ("last activity", "get", "<query xmlns='jabber:iq:last'/>", CONTACT),
    ("affiliation", "get", "<query xmlns='urn:xmpp:raa:0'/>", CONTACT),
    ("carbons", "set", "<enable xmlns='urn:xmpp:carbons:2'/>", NOBODY),
    ("external services", "get", "<services xmlns='urn:xmpp:extdisco:2'/>", NOBODY),
    ("commands", "get", f"<query xmlns='{ITEMS}' node='http://jabber.org/protocol/commands'/>", CONTACT),
    ("command", "set", "<command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-user'/>", NOBODY),
    ("information", "get", f"<query xmlns='{INFO}'/>", CONTACT),
    ("version", "get", "<query xmlns='jabber:iq:version'/>", NOBODY),
    ("nodes", "get", f"<query xmlns='{ITEMS}'/>", None),
    ("privileges", "set", "<query xmlns='urn:xmpp:privilege:2'/>", NOBODY),
    ("delegation", "get", "<query xmlns='urn:xmpp:delegation:2'/>", NOBODY),
    ("unknown", "get", "<query xmlns='urn:x:nobody-knows'/>", NOBODY),
    ("subscriptions", "get", pubsub("<subscriptions/>"), CONTACT),
    ("affiliations", "get", pubsub("<affiliations/>"), CONTACT),
]
for node, model in NODES.items():
    may = {"open": EVERYBODY, "presence": CONTACT, "whitelist": NOBODY}[model]
    ROWS += [
        (f"{model} node, items", "get", pubsub(f"<items node='{node}'/>"), may),
        (f"{model} node, one item", "get", pubsub(f"<items node='{node}'><item id='current'/></items>"), may),
        (f"{model} node, information", "get", f"<query xmlns='{INFO}' node='{node}'/>", may),
        (f"{model} node, subscribe", "set", pubsub(f"<subscribe node='{node}' jid='{{a}}'/>"), may),
        (f"{model} node, subscribe another", "set", pubsub(f"<subscribe node='{node}' jid='stranger2@example.test'/>"), NOBODY),
        (f"{model} node, publish", "set", publish(node, "pwned"), NOBODY),
        (f"{model} node, retract", "set", pubsub(f"<retract node='{node}'><item id='current'/></retract>"), NOBODY),
        (f"{model} node, configuration", "get", pubsub(f"<configure node='{node}'/>", OWNER), NOBODY),
        (f"{model} node, configure", "set", pubsub(f"<configure node='{node}'>{form(PUBSUB + '#node_config', **{'pubsub#access_model': 'open'})}</configure>",
                                                    OWNER), NOBODY),
        (f"{model} node, affiliations", "get", pubsub(f"<affiliations node='{node}'/>", OWNER), NOBODY),
        (f"{model} node, join its list", "set", pubsub(f"<affiliations node='{node}'><affiliation jid='{{a}}' affiliation='owner'/></affiliations>", OWNER),
         NOBODY),
        (f"{model} node, subscribers", "get", pubsub(f"<subscriptions node='{node}'/>", OWNER), NOBODY),
        (f"{model} node, purge", "set", pubsub(f"<purge node='{node}'/>", OWNER), NOBODY),
        (f"{model} node, delete", "set", pubsub(f"<delete node='{node}'/>", OWNER), NOBODY),
    ]
ROWS += [("another node, create", "set", pubsub("<create node='urn:x:evil'/>"), NOBODY),
         ("another node, publish", "set", publish("urn:x:evil", "pwned"), NOBODY)]

ROOM_ROWS = [
    ("archive", "set", f"<query xmlns='{MAM}'/>"),
    ("archive form", "get", f"<query xmlns='{MAM}'/>"),
    ("configuration", "get", f"<query xmlns='{MUC_OWNER}'/>"),
    ("configure", "set", f"<query xmlns='{MUC_OWNER}'>{form('http://jabber.org/protocol/muc#roomconfig', **{'muc#roomconfig_membersonly': '0'})}</query>"),
    ("destroy", "set", f"<query xmlns='{MUC_OWNER}'><destroy/></query>"),
    ("members", "get", f"<query xmlns='{MUC_ADMIN}'><item affiliation='member'/></query>"),
    ("owners", "get", f"<query xmlns='{MUC_ADMIN}'><item affiliation='owner'/></query>"),
    ("occupants", "get", f"<query xmlns='{MUC_ADMIN}'><item role='participant'/></query>"),
    ("become a member", "set", f"<query xmlns='{MUC_ADMIN}'><item affiliation='member' jid='{{a}}'/></query>"),
    ("become an owner", "set", f"<query xmlns='{MUC_ADMIN}'><item affiliation='owner' jid='{{a}}'/></query>"),
    ("ban", "set", f"<query xmlns='{MUC_ADMIN}'><item affiliation='outcast' jid='{{v}}'/></query>"),
    ("kick", "set", f"<query xmlns='{MUC_ADMIN}'><item role='none' nick='victim'/></query>"),
    ("picture", "set", "<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>AAAA</BINVAL></PHOTO></vCard>"),
    ("moderate", "set", "<moderate xmlns='urn:xmpp:message-moderate:1' id='x'><retract xmlns='urn:xmpp:message-retract:1'/></moderate>"),
    ("occupants' names", "get", f"<query xmlns='{ITEMS}'/>"),
]


class Victim:
    """An account with something in every place."""

    def __init__(self, server, contact):
        self.server = server
        v = self.c = Client(server, "victim", resource="SECRET-home").login(presence=True)
        befriend(v, contact)
        self.do("set", f"<query xmlns='jabber:iq:roster'><item jid='{contact.bare}' name='SECRET-friend'><group>SECRET-group</group></item></query>")
        self.do("set", "<query xmlns='jabber:iq:private'><notes xmlns='urn:x:notes'>SECRET-private</notes></query>")
        self.do("set", "<vCard xmlns='vcard-temp'><FN>Victim</FN></vCard>")
        self.do("set", "<block xmlns='urn:xmpp:blocking'><item jid='SECRET-enemy.example'/></block>")
        for node, model in NODES.items():
            self.do("set", publish(node, f"SECRET-{model}", model))
        v.message(v.bare, "SECRET-note to myself", id="note")
        self.room = f"board@rooms.{server.domain}"
        v.send(f"<presence to='{self.room}/victim'><x xmlns='{MUC}'/></presence>")
        v.expect(name="presence", frm=f"{self.room}/victim")
        self.do("set", f"<query xmlns='{MUC_OWNER}'>{form('http://jabber.org/protocol/muc#roomconfig', **{'muc#roomconfig_membersonly': '1', 'muc#roomconfig_persistentroom': '1', 'muc#roomconfig_publicroom': '0', 'muc#roomconfig_roomname': 'SECRET-room'})}</query>", self.room)
        v.send(f"<message to='{self.room}' type='groupchat' id='gc'><body>SECRET-talk</body></message>")
        v.expect(name="message", id="gc")
        v.settle().clear()
        self.before = self.state()

    def do(self, kind, inner, to=None):
        el = self.c.iq(kind, inner, to=to)
        check(el.get("type") == "result", f"the victim's own {inner[:90]}: {text_of(el)}")
        return el

    def state(self):
        """Everything that is the victim's, as the victim reads it."""
        def shown(kind, inner, to=None):
            el = self.c.iq(kind, inner, to=to)
            return [text_of(x) for x in el]
        out = [shown("get", x) for x in ("<query xmlns='jabber:iq:private'><notes xmlns='urn:x:notes'/></query>", "<vCard xmlns='vcard-temp'/>",
                                         "<blocklist xmlns='urn:xmpp:blocking'/>", f"<prefs xmlns='{MAM}'/>", f"<query xmlns='{ITEMS}'/>",
                                         "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>")]
        el = self.c.iq("get", "<query xmlns='jabber:iq:roster'/>")
        out.append(sorted((i.get("jid"), i.get("name"), i.get("subscription")) for i in el.iter("{jabber:iq:roster}item")))
        for node in NODES:
            out.append(shown("get", pubsub(f"<items node='{node}'/>"), self.c.bare))
            out.append(shown("get", pubsub(f"<configure node='{node}'/>", OWNER), self.c.bare))
            out.append(shown("get", pubsub(f"<affiliations node='{node}'/>", OWNER), self.c.bare))
        out.append(shown("get", f"<query xmlns='{MUC_OWNER}'/>", self.room))
        for a in ("member", "owner", "outcast"):
            out.append(shown("get", f"<query xmlns='{MUC_ADMIN}'><item affiliation='{a}'/></query>", self.room))
        self.c.clear()
        return out


def answer(el):
    return "result" if el.get("type") == "result" else error_of(el)


def seen(c):
    """A secret word in whatever has come since the last look."""
    at = c.raw.find(MARK)
    out = bytes(c.raw[max(0, at - 120):at + 60]) if at >= 0 else None
    c.raw.clear()
    return out


def account_tests(tap, server, victim, who, c, contact):
    bare = c.bare if isinstance(c, Component) is False else c.domain
    missing = server.jid("nobody-here")

    def fill(x, to):
        return x.replace("{v}", to).replace("{a}", bare).replace("{c}", contact.bare)

    for name, kind, inner, may in ROWS:
        allowed = may == EVERYBODY or (may in (CONTACT, None) and who == "colleague")

        def case(kind=kind, inner=inner, may=may, allowed=allowed):
            c.settle().clear()
            c.raw.clear()
            el = c.iq(kind, fill(inner, victim.c.bare), to=victim.c.bare)
            got = answer(el)
            if allowed:
                c.raw.clear()
                return
            c.settle()
            words = seen(c)
            check(words is None, f"it reads {words}")
            check(may is None or got != "result", f"it is done: {text_of(el)}")
            # Who shows something to everybody is seen by everybody.
            if who != "colleague" and may is not None and "urn:x:open" not in inner:
                other = answer(c.iq(kind, fill(inner, missing), to=missing))
                check(got == other, f"an account that is there answers {got}, one that is not {other}")
        tap.run(f"access: {who}: {name}", case)

    def unchanged():
        check(victim.state() == victim.before, f"something was changed: {[(a, b) for a, b in zip(victim.before, victim.state()) if a != b][:1]}")
    tap.run(f"access: {who}: nothing of the victim's has changed", unchanged)


def room_tests(tap, server, victim, who, c):
    bare = c.domain if isinstance(c, Component) else c.bare
    for name, kind, inner in ROOM_ROWS:
        def case(kind=kind, inner=inner):
            c.settle().clear()
            c.raw.clear()
            el = c.iq(kind, inner.replace("{a}", bare).replace("{v}", victim.c.bare), to=victim.room)
            check(el.get("type") == "error" or not len(el[0]), f"it is done: {text_of(el)}")
            c.settle()
            words = seen(c)
            check(words is None, f"it reads {words}")
        tap.run(f"access: {who}, outside the room: {name}", case)

    def unchanged():
        check(victim.state() == victim.before, f"something was changed: {[(a, b) for a, b in zip(victim.before, victim.state()) if a != b][:1]}")
    tap.run(f"access: {who}, outside the room: nothing has changed", unchanged)


def anonymous_tests(tap, server, victim):
    """Before signing in nothing is answered at all."""
    for name, kind, inner, _ in ROWS:
        def case(kind=kind, inner=inner):
            c = Client(server, "victim").secure(True)
            c.raw.clear()
            x = inner.replace("{v}", victim.c.bare).replace("{a}", "x@y.example").replace("{c}", "x@y.example")
            c.send(f"<iq type='{kind}' id='an' from='{victim.c.bare}' to='{victim.c.bare}'>{x}</iq>")
            check(c.stream_error()[0] in ("not-authorized", "policy-violation"), "no stream error")
            check(seen(c) is None, "something was told")
        tap.run(f"access: a stream that has not signed in: {name}", case)


def spoof_tests(tap, server, victim, component):
    def from_attribute():
        for kind, inner in (("get", "<query xmlns='jabber:iq:roster'/>"), ("set", f"<query xmlns='{MAM}'/>")):
            stranger = Client(server, "stranger2").login()
            stranger.raw.clear()
            stranger.send(f"<iq type='{kind}' id='sp' from='{victim.c.bare}' to='{victim.c.bare}'>{inner}</iq>")
            check(stranger.stream_error()[0] == "invalid-from", "no stream error")
            check(seen(stranger) is None, "told")
    tap.run("access: another one's 'from' in a stanza", from_attribute)

    def component_from():
        component.raw.clear()
        component.send(f"<iq type='get' id='cf' from='{victim.c.bare}' to='{victim.c.bare}'><query xmlns='jabber:iq:roster'/></iq>")
        component.wait_end(2)
        check(seen(component) is None, "told")
    tap.run("access: a component with an account's 'from'", component_from)

    def session_id():
        other = Client(server, "stranger2").login(bind=False)
        victim.c.sm_enable()
        other.send(f"<resume xmlns='urn:xmpp:sm:3' previd='{victim.c.sm_id}' h='0'/>")
        e = other.expect(lambda e: "failed" in e.tag or "resumed" in e.tag)
        check("failed" in e.tag and seen(other) is None, text_of(e))
    tap.run("access: another one's stream to resume", session_id)

    def sessions_of_others():
        s2 = Client(server, "stranger2").login(presence=True)
        s2.raw.clear()
        s2.send(f"<presence type='probe' to='{victim.c.bare}'/>")
        s2.send(f"<message to='{victim.c.jid}' id='full' type='chat'><body>x</body><request xmlns='urn:xmpp:receipts'/></message>")
        s2.settle()
        words = seen(s2)
        check(words is None or b"full" in words, f"{words}")
    tap.run("access: a probe by a stranger", sessions_of_others)


def main():
    tap = Tap("access")
    extra = f"components:\n  - domain: {GATEWAY}\n    secret: {SECRET}\n    trust: high\n"
    with new_server(users=["victim", "contact", "stranger", "stranger2"], extra=extra, component=True, strangers="allow") as server:
        with open(server.top + "/password", "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(PASSWORD)
        server.cli("user", "add", server.jid("chief"), "--role", "admin", "--password-file", server.top + "/password")
        contact = Client(server, "contact", resource="desk").login(presence=True)
        victim = Victim(server, contact)
        stranger = Client(server, "stranger", resource="desk").login(presence=True)
        chief = Client(server, "chief", resource="desk").login(presence=True)
        component = Component(server, GATEWAY).login()
        for who, c in (("stranger", stranger), ("colleague", contact), ("component", component), ("administrator", chief)):
            account_tests(tap, server, victim, who, c, contact)
            room_tests(tap, server, victim, who, c)
        anonymous_tests(tap, server, victim)
        spoof_tests(tap, server, victim, component)
        tap.run("access: the server is well at the end", server.assert_healthy)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
