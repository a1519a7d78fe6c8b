#!/usr/bin/env python3
"""RFC 6121 from outside: subscription states (Appendix A), roster, presence, and where a message goes (section 8)."""
import re
import sys

import harness  # noqa: F401 - finds tests/lib
from rawxmpp import CLIENT, DELAY, ROSTER, Client, befriend, body_of, check, error_of, q, text_of
from wardroom_test import Tap, new_server

STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")

# (subscription, ask, pending in) and how to get there: u is the user, c the contact.
STATES = {
    "None": ("none", None, False, []),
    "None + Pending Out": ("none", "subscribe", False, ["u subscribe"]),
    "None + Pending In": ("none", None, True, ["c subscribe"]),
    "None + Pending Out/In": ("none", "subscribe", True, ["u subscribe", "c subscribe"]),
    "To": ("to", None, False, ["u subscribe", "c subscribed"]),
    "To + Pending In": ("to", None, True, ["u subscribe", "c subscribed", "c subscribe"]),
    "From": ("from", None, False, ["c subscribe", "u subscribed"]),
    "From + Pending Out": ("from", "subscribe", False, ["c subscribe", "u subscribed", "u subscribe"]),
    "Both": ("both", None, False, ["u subscribe", "c subscribed", "c subscribe", "u subscribed"]),
}
N, NO, NI, NOI, T, TI, F, FO, B = STATES
# Appendix A.2 (we send, "u") and A.3 (we receive, "c sends"): only what changes.
CHANGES = {
    "u subscribe": {N: NO, NI: NOI, F: FO},
    "u unsubscribe": {NO: N, NOI: NI, T: N, TI: NI, FO: F, B: F},
    "u subscribed": {NI: F, NOI: FO, TI: B},
    "u unsubscribed": {NI: N, NOI: NO, TI: T, F: N, FO: NO, B: T},
    "c subscribe": {N: NI, NO: NOI, T: TI},
    "c unsubscribe": {NI: N, NOI: NO, TI: T, F: N, FO: NO, B: T},
    "c subscribed": {NO: T, NOI: TI, FO: B},
    "c unsubscribed": {NO: N, NOI: NI, T: N, TI: NI, FO: F, B: F},
}


class Users:
    """Hands out accounts that no other test has used."""

    def __init__(self, server, total):
        self.server, self.left = server, [f"u{i}" for i in range(total)]

    def name(self):
        return self.left.pop()

    def client(self, name=None, presence=True, resource=None, roster=True):
        c = Client(self.server, name or self.name(), resource=resource).login()
        if roster:
            c.iq("get", f"<query xmlns='{ROSTER}'/>")
        if presence:
            c.send("<presence/>")
            c.settle()
        return c.clear()

    def pair(self):
        a, b = self.client(), self.client()
        befriend(a, b)
        return a, b


def item_of(c, jid):
    el = c.iq("get", f"<query xmlns='{ROSTER}'/>")
    for i in el.iter(q(ROSTER, "item")):
        if i.get("jid") == jid:
            return i.get("subscription"), i.get("ask")
    return "none", None


def do(u, c, step):
    who, what = step.split()
    a, b = (u, c) if who == "u" else (c, u)
    a.send(f"<presence type='{what}' to='{b.bare}'/>")
    a.settle()
    b.settle()


def state_is(users, u, c, name):
    sub, ask, pending = STATES[name][:3]
    got = item_of(u, c.bare)
    check(got == (sub, ask), f"roster says {got}, {name} is {(sub, ask)}")
    second = Client(users.server, u.user, resource="second").login()
    second.iq("get", f"<query xmlns='{ROSTER}'/>")
    second.send("<presence/>")
    second.settle()
    asked = any(e.get("type") == "subscribe" and e.get("from") == c.bare for e in second.inbox)
    second.close()
    check(asked == pending, f"pending request {'shown' if asked else 'not shown'} in {name}")


def subscription_tests(tap, users):
    for event, changes in CHANGES.items():
        for state, (_, _, _, path) in STATES.items():
            def case(event=event, state=state, path=path, changes=changes):
                u, c = users.client(), users.client()
                for step in path:
                    do(u, c, step)
                got = item_of(u, c.bare)
                check(got == STATES[state][:2], f"did not reach {state}: {got}")
                do(u, c, event)
                state_is(users, u, c, changes.get(state, state))
                u.close()
                c.close()
            who = "we send" if event[0] == "u" else "contact sends"
            tap.run(f"{who} {event[2:]} in {state} -> {changes.get(state, 'no change')}", case)


def roster_tests(tap, users):
    def pushes():
        name = users.name()
        a, b, quiet = users.client(name, resource="a"), users.client(name, resource="b"), users.client(name, resource="q", roster=False)
        el = a.iq("set", f"<query xmlns='{ROSTER}'><item jid='romeo@x.example' name='R &amp; J'><group>Friends</group><group>Äöü</group></item></query>")
        check(el.get("type") == "result", text_of(el))
        for c in (a, b):
            p = c.expect(name="iq", type="set", has=q(ROSTER, "query"))
            i = p.find(f"{q(ROSTER, 'query')}/{q(ROSTER, 'item')}")
            check(p.get("from") in (None, c.bare), f"push from {p.get('from')}")
            check(i.get("name") == "R & J" and i.get("subscription") == "none" and sorted(g.text for g in i) == ["Friends", "Äöü"], text_of(p))
            c.send(f"<iq type='result' id='{p.get('id')}'/>")
        quiet.none(lambda e: e.find(q(ROSTER, "query")) is not None, "push to a resource that has not asked for the roster")
        a.iq("set", f"<query xmlns='{ROSTER}'><item jid='romeo@x.example'/></query>")
        b.expect(name="iq", type="set", has=q(ROSTER, "query"))
        el = a.iq("get", f"<query xmlns='{ROSTER}'/>")
        i = el.find(f"{q(ROSTER, 'query')}/{q(ROSTER, 'item')}")
        check(i.get("name") is None and len(i) == 0, f"name and groups are replaced, not merged: {text_of(el)}")
        a.iq("set", f"<query xmlns='{ROSTER}'><item jid='romeo@x.example' subscription='remove'/></query>")
        p = b.expect(name="iq", type="set", has=q(ROSTER, "query"))
        check(p.find(f"{q(ROSTER, 'query')}/{q(ROSTER, 'item')}").get("subscription") == "remove", text_of(p))
    tap.run("roster set is pushed to interested resources", pushes)

    def versions():
        name = users.name()
        a = users.client(name, resource="a")
        check(a.features.find("{urn:xmpp:features:rosterver}ver") is not None, "roster versioning is not offered")
        a.iq("set", f"<query xmlns='{ROSTER}'><item jid='first@x.example'/></query>")
        a.expect(name="iq", type="set", has=q(ROSTER, "query"))
        el = a.iq("get", f"<query xmlns='{ROSTER}' ver=''/>")
        ver = el.find(q(ROSTER, "query")).get("ver")
        check(ver is not None, f"no ver: {text_of(el)}")
        el = a.iq("get", f"<query xmlns='{ROSTER}' ver='{ver}'/>")
        check(el.get("type") == "result" and el.find(q(ROSTER, "query")) is None, f"unchanged, yet {text_of(el)}")
        a.clear()
        a.iq("set", f"<query xmlns='{ROSTER}'><item jid='x@x.example'/></query>")
        p = a.expect(name="iq", type="set", has=q(ROSTER, "query"))
        new = p.find(q(ROSTER, "query")).get("ver")
        check(new and new != ver, f"push with ver {new}, before {ver}")
        b = users.client(name, resource="b", roster=False)
        el = b.iq("get", f"<query xmlns='{ROSTER}' ver='{new}'/>")
        check(el.find(q(ROSTER, "query")) is None, f"unchanged since the push, yet {text_of(el)}")
        b.clear()
        el = b.iq("get", f"<query xmlns='{ROSTER}' ver='{ver}'/>")
        b.settle()
        full = el.find(q(ROSTER, "query"))
        pushed = [e for e in b.inbox if e.get("type") == "set" and e.find(q(ROSTER, "query")) is not None]
        check(full is not None and full.find(q(ROSTER, "item")) is not None or pushed, "an old version gets neither roster nor pushes")
        el = b.iq("get", f"<query xmlns='{ROSTER}'/>")
        check(len(list(el.iter(q(ROSTER, "item")))) == 2, text_of(el))
    tap.run("roster versions", versions)

    def persists():
        a, b = users.pair()
        name, other = a.user, b.bare
        a.iq("set", f"<query xmlns='{ROSTER}'><item jid='{other}' name='Bee'><group>G</group></item></query>")
        a.goodbye()
        a = users.client(name)
        check(item_of(a, other) == ("both", None), f"{item_of(a, other)}")
        a.goodbye()
        b.close()
    tap.run("a roster set keeps the subscription, and lasts", persists)

    def removal():
        a, b = users.pair()
        a.iq("set", f"<query xmlns='{ROSTER}'><item jid='{b.bare}' subscription='remove'/></query>")
        a.settle()
        b.expect(name="presence", type="unavailable", frm=a.jid, keep=True)
        b.settle()
        types = [e.get("type") for e in b.inbox if e.tag == q(CLIENT, "presence")]
        check("unsubscribe" in types and "unsubscribed" in types and "unavailable" in types, f"contact got {types}")
        check(item_of(b, a.bare)[0] == "none", f"the contact's item: {item_of(b, a.bare)}")
        check(any(e.get("from", "").startswith(b.bare) and e.get("type") == "unavailable" for e in a.inbox), "no unavailable presence of the removed")
    tap.run("removing a contact cancels both subscriptions", removal)


def presence_tests(tap, users):
    def broadcast():
        a, b = users.pair()
        a.send("<presence><show>away</show><status>x</status><priority>5</priority></presence>")
        p = b.expect(name="presence", frm=a.jid)
        check(p.findtext(q(CLIENT, "show")) == "away" and p.findtext(q(CLIENT, "priority")) == "5", text_of(p))
        a.expect(name="presence", frm=a.jid, what="own presence")
        a2 = Client(users.server, a.user, resource="two").login(presence=False)
        a2.send("<presence/>")
        a2.settle()
        seen = [e.get("from") for e in a2.inbox if e.tag == q(CLIENT, "presence") and e.get("type") is None]
        check(b.jid in seen and a.jid in seen, f"a new resource sees {seen}")
        b.expect(name="presence", frm=a2.jid)
        a.expect(name="presence", frm=a2.jid)
        a2.send("<presence type='unavailable'><status>bye</status></presence>")
        p = b.expect(name="presence", frm=a2.jid, type="unavailable")
        check(p.findtext(q(CLIENT, "status")) == "bye", text_of(p))
        a.cut()
        b.expect(name="presence", frm=a.jid, type="unavailable")
    tap.run("presence goes to subscribers and own resources, unavailable too", broadcast)

    def directed():
        a, b = users.client(), users.client()
        a.send(f"<presence to='{b.jid}'><status>only you</status></presence>")
        p = b.expect(name="presence", frm=a.jid)
        check(p.findtext(q(CLIENT, "status")) == "only you", text_of(p))
        a.send("<presence><show>dnd</show></presence>")
        a.settle()
        b.none(lambda e: e.get("from") == a.jid, "broadcast to somebody who got directed presence only")
        a.close()
        b.expect(name="presence", frm=a.jid, type="unavailable")
    tap.run("directed presence, and unavailable to whom it was directed", directed)

    def probes():
        a, b = users.pair()
        a.send(f"<presence type='probe' to='{b.bare}'/>")
        a.expect(name="presence", frm=b.jid)
        b.send("<presence type='unavailable'/>")
        a.expect(name="presence", frm=b.jid, type="unavailable")
        a.send(f"<presence type='probe' to='{b.bare}'/>")
        a.settle()
        check(not any(e.get("type") is None and e.tag == q(CLIENT, "presence") for e in a.inbox), "an unavailable contact shows presence")
    tap.run("probes by a subscriber", probes)

    def no_presence_no_messages():
        a, b = users.client(), users.client(presence=False)
        a.message(b.bare, "to nobody there", id="np")
        a.settle()
        b.none(lambda e: e.get("id") == "np", "a resource without presence got a message to the bare address")
        b.send("<presence/>")
        b.expect(name="message", id="np")
    tap.run("a resource without presence gets nothing for the bare address", no_presence_no_messages)

    def request_later():
        a = users.client()
        name = users.name()
        a.send(f"<presence type='subscribe' to='{users.server.jid(name)}'/>")
        p = a.expect(name="iq", type="set", has=q(ROSTER, "query"))
        i = p.find(f"{q(ROSTER, 'query')}/{q(ROSTER, 'item')}")
        check((i.get("subscription"), i.get("ask")) == ("none", "subscribe"), text_of(p))
        b = Client(users.server, name).login()
        b.iq("get", f"<query xmlns='{ROSTER}'/>")
        b.send("<presence/>")
        b.expect(name="presence", type="subscribe", frm=a.bare)
        b.send(f"<presence type='subscribed' to='{a.bare}'/>")
        a.expect(name="presence", type="subscribed", frm=b.bare)
        a.expect(name="presence", frm=b.jid)
        p = a.expect(lambda e: e.find(q(ROSTER, "query")) is not None, name="iq", type="set")
        i = p.find(f"{q(ROSTER, 'query')}/{q(ROSTER, 'item')}")
        check(i.get("subscription") == "to" and i.get("ask") is None, text_of(p))
    tap.run("a request waits for the contact's next login", request_later)


def got(c, id):
    c.settle()
    return any(e.get("id") == id and e.get("type") != "error" for e in c.inbox)


def message_tests(tap, users):
    def setup(*priorities):
        """A sender and a user with one resource a priority (None: no presence)."""
        name = users.name()
        s, rs = users.client(), []
        for i, p in enumerate(priorities):
            c = Client(users.server, name, resource=f"r{i}").login()
            if p is not None:
                c.send(f"<presence><priority>{p}</priority></presence>")
                c.settle().clear()
            rs.append(c)
        return s, rs, users.server.jid(name)

    def send(s, to, type, id):
        s.send(f"<message to='{to}' id='{id}'{'' if type is None else f' type={chr(39)}{type}{chr(39)}'}><body>text {id}</body></message>")
        s.settle()
        return next((error_of(e) for e in s.inbox if e.get("id") == id), None)

    def bare():
        s, (hi, lo, neg), jid = setup(5, 0, -1)
        for type in ("chat", "normal", None, "headline"):
            i = f"b-{type}"
            err = send(s, jid, type, i)
            check(err is None, f"{type}: {err}")
            check(got(hi, i) or got(lo, i), f"{type}: delivered to nobody")
            check(not got(neg, i), f"{type}: delivered to a negative priority")
            if type == "headline":
                check(got(hi, i) and got(lo, i), "headline: not to all")
        err = send(s, jid, "groupchat", "b-gc")
        check(err == ("service-unavailable", "cancel"), f"groupchat: {err}")
        s.send(f"<message to='{jid}' type='error' id='b-err'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
        s.settle()
        check(not any(x.get("id") == "b-err" for c in (hi, lo, neg, s) for x in c.settle().inbox), "an error to the bare address is not dropped")
    tap.run("to the bare address with resources", bare)

    def negative_only():
        s, (neg,), jid = setup(-1)
        err = send(s, jid, "chat", "n-chat")
        check(err is None and not got(neg, "n-chat"), f"chat: {err}")
        err = send(s, jid, "headline", "n-head")
        check(err is None and not got(neg, "n-head"), f"headline: {err}")
        neg.send("<presence/>")
        neg.expect(name="message", id="n-chat")
        neg.none(lambda e: e.get("id") == "n-head", "a headline was kept")
    tap.run("to the bare address with a negative priority alone", negative_only)

    def full():
        s, (hi, neg), jid = setup(5, -1)
        for c in (hi, neg):
            for type in ("chat", "normal", "headline", "groupchat", None):
                i = f"f-{type}"
                err = send(s, c.jid, type, i)
                check(err is None and got(c, i), f"{type} to {c.resource}: {err}")
                c.clear()
        err = send(s, jid + "/none", "chat", "fn-chat")
        check(err is None and got(hi, "fn-chat"), f"chat to a missing resource goes to the bare address: {err}")
        err = send(s, jid + "/none", "headline", "fn-head")
        check(err in (None, ("service-unavailable", "cancel")) and not got(hi, "fn-head"), f"headline to a missing resource: {err}")
        err = send(s, jid + "/none", "groupchat", "fn-gc")
        check(err == ("service-unavailable", "cancel"), f"groupchat to a missing resource: {err}")
        el = s.iq("get", "<query xmlns='urn:x'/>", to=jid + "/none")
        check(error_of(el) == ("service-unavailable", "cancel"), text_of(el))
        s.send(f"<presence to='{jid}/none'/>")
        s.settle()
        check(not [e for e in s.inbox if e.tag == q(CLIENT, "presence") and e.get("type") == "error"], "presence to a missing resource is answered")
    tap.run("to full addresses", full)

    def offline():
        s, name = users.client(), users.name()
        jid = users.server.jid(name)
        for i in range(5):
            check(send(s, jid, "chat" if i % 2 else "normal", f"off-{i}") is None, "an offline message is refused")
        send(s, jid, "headline", "off-head")
        send(s, jid + "/gone", "chat", "off-full")
        s.send(f"<message to='{jid}' type='chat' id='off-state'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
        s.settle()
        c = Client(users.server, name).login()
        c.settle()
        check(not [e for e in c.inbox if e.tag == q(CLIENT, "message")], "offline messages before presence")
        c.send("<presence/>")
        c.expect(name="message", id="off-full", keep=True)
        c.settle()
        ms = [e for e in c.inbox if e.tag == q(CLIENT, "message")]
        check([m.get("id") for m in ms] == [f"off-{i}" for i in range(5)] + ["off-full"], f"got {[m.get('id') for m in ms]}")
        for m in ms:
            d = m.find(q(DELAY, "delay"))
            check(d is not None and STAMP.match(d.get("stamp") or "") and d.get("from") in (users.server.domain, jid), text_of(m))
            check(m.get("from") == s.jid and body_of(m), text_of(m))
        c.goodbye()
        c = Client(users.server, name).login()
        c.send("<presence/>")
        c.settle().pump(0.2)
        check(not [e for e in c.inbox if e.tag == q(CLIENT, "message")], "offline messages are delivered twice")
    tap.run("offline messages: order, delay, once", offline)

    def offline_negative():
        s, name = users.client(), users.name()
        send(s, users.server.jid(name), "chat", "on-1")
        c = Client(users.server, name).login()
        c.send("<presence><priority>-1</priority></presence>")
        c.settle()
        check(not got(c, "on-1"), "offline messages to a negative priority")
        c.send("<presence><priority>1</priority></presence>")
        c.expect(name="message", id="on-1")
    tap.run("offline messages wait for a priority that is not negative", offline_negative)

    def stamped_from():
        a, b = users.client(), users.client()
        a.send(f"<message to='{b.jid}' from='{a.jid}' id='own'><body>x</body></message>")
        check(b.expect(name="message", id="own").get("from") == a.jid, "from is not the full address")
        a.send(f"<message to='{b.jid}' from='{a.bare}' id='bare'><body>x</body></message>")
        check(b.expect(name="message", id="bare").get("from") == a.jid, "from is not the full address")
        a.send("<message id='self'><body>to myself</body></message>")
        a.expect(name="message", id="self")
    tap.run("the server stamps the full address", stamped_from)

    def iq_between():
        a, b = users.client(), users.client()
        a.send(f"<iq type='get' id='x' to='{b.jid}'><query xmlns='urn:x'/></iq>")
        g = b.expect(name="iq", type="get", id="x")
        b.send(f"<iq type='result' id='x' to='{g.get('from')}'><query xmlns='urn:x'>answer</query></iq>")
        r = a.expect(name="iq", type="result", id="x")
        check(r.findtext("{urn:x}query") == "answer" and r.get("from") == b.jid, text_of(r))
    tap.run("iq between two clients", iq_between)

    def order():
        a, b = users.client(), users.client()
        n = 500
        for i in range(n):
            a.message(b.bare if i % 3 else b.jid, f"{i}", id=f"o{i}")
        a.settle()
        b.settle()
        ids = [e.get("id") for e in b.inbox if e.tag == q(CLIENT, "message")]
        check(ids == [f"o{i}" for i in range(n)], f"{len(ids)} arrived; first difference at {next((i for i, x in enumerate(ids) if x != f'o{i}'), len(ids))}")
    tap.run("500 messages keep their order", order)


def main():
    tap = Tap("RFC 6121")
    with new_server(users=[f"u{i}" for i in range(230)]) as server:
        users = Users(server, 230)
        message_tests(tap, users)
        presence_tests(tap, users)
        roster_tests(tap, users)
        subscription_tests(tap, users)
        tap.run("the server is well at the end", server.assert_healthy)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
