#!/usr/bin/env python3
"""Corners of the features that the other suites do not reach: the extended archive, answers of the server itself,
pre-approval, what an inactive client gets, offline messages in bulk, what cannot be blocked."""
import sys

from harness import check, error_of, q, text_of
from rawxmpp import CARBONS, CLIENT, DATA, MAM, ROSTER, RSM, SID, Client, befriend, child
from rfc6121 import Users, item_of
from wardroom_test import Tap, new_server, until
from xeps import BLOCKING, CSI, field, mam

PRIVATE = "jabber:iq:private"
STATE = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"


def presences(c, frm):
    return [e.get("type") for e in c.settle().inbox if e.tag == q(CLIENT, "presence") and (e.get("from") or "").startswith(frm)]


def archive_tests(tap, users):
    def filled(n):
        a, b = users.client(), users.client()
        for i in range(n):
            a.message(b.bare, f"text {i}", id=f"m{i}")
        a.settle()
        return a, b, mam(b, rsm="<max>100</max>")[0]

    def by_ids():
        a, b, all_ = filled(6)
        ids = [x[0] for x in all_]
        values = "".join(f"<value>{ids[i]}</value>" for i in (4, 1))
        got, fin = mam(b, f"<field var='ids'>{values}</field>")
        check([x[0] for x in got] == [ids[4], ids[1]] and fin.get("complete") == "true", f"{[x[0] for x in got]} {text_of(fin)}")
        theirs = mam(a, rsm="<max>100</max>")[0]
        other = users.client()
        for who, x in ((other, ids[0]), (b, "0000000000001"), (b, "' OR 1=1")):
            el = who.iq("set", f"<query xmlns='{MAM}'><x xmlns='{DATA}' type='submit'><field var='FORM_TYPE'><value>{MAM}</value></field>"
                        f"<field var='ids'><value>{x}</value></field></x></query>")
            check(error_of(el) == ("item-not-found", "cancel"), f"{x}: {text_of(el)}")
            check(not [e for e in who.settle().inbox if child(e, MAM, "result") is not None], "results all the same")
        check(len(theirs) == 6, "the sender's archive")
        page, _ = mam(b, field("after-id", ids[1]) + field("before-id", ids[4]))
        check([x[0] for x in page] == ids[2:4], f"after-id, before-id: {[x[0] for x in page]}")
    tap.run("XEP-0313: by ids, and none of another archive", by_ids)

    def flipped():
        a, b, all_ = filled(9)
        ids = [x[0] for x in all_]
        el = b.iq("set", f"<query xmlns='{MAM}' queryid='f'><flip-page/><set xmlns='{RSM}'><max>4</max><before/></set></query>")
        got = [child(e, MAM, "result").get("id") for e in b.inbox if child(e, MAM, "result") is not None]
        check(got == ids[:4:-1], f"{got} of {ids}")
        s = child(el.find(q(MAM, "fin")), RSM, "set")
        check(s.findtext(q(RSM, "first")) == ids[5] and s.findtext(q(RSM, "last")) == ids[8], text_of(el))
    tap.run("XEP-0313: a flipped page, first and last as ever", flipped)

    def metadata():
        new = users.client()
        el = new.iq("get", f"<metadata xmlns='{MAM}'/>")
        check(len(el.find(q(MAM, "metadata"))) == 0, text_of(el))
        a, b, all_ = filled(3)
        el = b.iq("get", f"<metadata xmlns='{MAM}'/>").find(q(MAM, "metadata"))
        for name, want in (("start", all_[0]), ("end", all_[-1])):
            e = el.find(q(MAM, name))
            check((e.get("id"), e.get("timestamp")) == want[:2], f"{name}: {text_of(el)}, archive {want[:2]}")
        el = b.iq("get", f"<metadata xmlns='{MAM}'/>", to=a.bare)
        check(error_of(el) == ("forbidden", "auth"), f"of another account: {text_of(el)}")
    tap.run("XEP-0313: metadata of the own archive", metadata)

    def prefs():
        a, b = users.client(), users.client()
        el = a.iq("get", f"<prefs xmlns='{MAM}'/>")
        check(el.find(q(MAM, "prefs")).get("default") == "always", text_of(el))
        el = a.iq("set", f"<prefs xmlns='{MAM}' default='never'><always/><never/></prefs>")
        check(el.find(q(MAM, "prefs")).get("default") == "always", text_of(el))
        el = a.iq("get", f"<prefs xmlns='{MAM}'/>", to=b.bare)
        check(error_of(el) == ("forbidden", "auth"), text_of(el))
    tap.run("XEP-0441: preferences are shown and the company's", prefs)

    def large_pages():
        a, b = users.client(), users.client()
        big = "x" * 120000
        for i in range(30):
            a.message(b.jid, big, id=f"big{i}")
            a.settle()
        b.settle().clear()
        seen, rsm = [], "<max>30</max>"
        for _ in range(30):
            page, fin = mam(b, rsm=rsm)
            seen += [m.get("id") for _, _, m in page]
            check(page, "an empty page that is not complete")
            check(len(page) < 30, f"{len(page)} large messages in one page")
            if fin.get("complete") == "true":
                break
            rsm = f"<max>30</max><after>{page[-1][0]}</after>"
        check(seen == [f"big{i}" for i in range(30)], f"{len(seen)}: {seen[:3]}")
        seen, rsm = [], "<max>30</max><before/>"
        for _ in range(30):
            page, fin = mam(b, rsm=rsm)
            seen = [m.get("id") for _, _, m in page] + seen
            if fin.get("complete") == "true":
                break
            rsm = f"<max>30</max><before>{page[0][0]}</before>"
        check(seen == [f"big{i}" for i in range(30)], f"backwards {len(seen)}: {seen[:3]}")
    tap.run("XEP-0313: pages of large messages are cut, and nothing is lost both ways", large_pages)


def presence_tests(tap, users):
    def again():
        a, b = users.pair()
        a.send(f"<presence type='unsubscribe' to='{b.bare}'/>")
        a.settle()
        check(item_of(a, b.bare) == ("from", None), f"{item_of(a, b.bare)}")
        check("unavailable" in presences(a, b.jid), "who unsubscribes goes on seeing the contact")
        a.send(f"<presence type='subscribe' to='{b.bare}'/>")
        b.expect(name="presence", type="subscribe", frm=a.bare)
        a.clear()
        b.send(f"<presence type='subscribed' to='{a.bare}'/>")
        a.expect(name="presence", type="subscribed")
        a.expect(name="presence", frm=b.jid, type="")
    tap.run("unsubscribe takes the presence, subscribing brings it back", again)

    def preapproval():
        a, b = users.client(), users.client()
        check(a.features.find("{urn:xmpp:features:pre-approval}sub") is not None, "not offered")
        a.iq("set", f"<query xmlns='{ROSTER}'><item jid='{b.bare}'/></query>")
        a.clear()
        a.send(f"<presence type='subscribed' to='{b.bare}'/>")
        p = a.expect(name="iq", type="set", has=q(ROSTER, "query"))
        i = p.find(f"{q(ROSTER, 'query')}/{q(ROSTER, 'item')}")
        check(i.get("approved") == "true" and i.get("subscription") == "none", text_of(p))
        b.none(lambda e: e.tag == q(CLIENT, "presence") and (e.get("from") or "").startswith(a.bare), "an approval in advance was passed on")
        b.send(f"<presence type='subscribe' to='{a.bare}'/>")
        b.expect(name="presence", type="subscribed", frm=a.bare)
        b.expect(name="presence", type="", frm=a.jid, what="presence of who approved in advance")
        check(item_of(b, a.bare) == ("to", None) and item_of(a, b.bare) == ("from", None), f"{item_of(b, a.bare)} {item_of(a, b.bare)}")
        a.none(lambda e: e.get("type") == "subscribe", "it was asked all the same")
        b.send(f"<presence type='unsubscribe' to='{a.bare}'/><presence type='subscribe' to='{a.bare}'/>")
        a.expect(name="presence", type="subscribe", frm=b.bare, what="a second request, not approved in advance")
    tap.run("RFC 6121 3.4: approved in advance, once", preapproval)

    def says_goodbye():
        a = users.client()
        a2, never = users.client(a.user), users.client(a.user, presence=False)
        for c in (a, a2, never):
            c.clear()
        a.send("<presence type='unavailable' id='bye'><status>gone</status></presence>")
        for c in (a, a2):
            p = c.expect(name="presence", type="unavailable", frm=a.jid)
            check("gone" in text_of(p), text_of(p))
        never.send("<presence type='unavailable'/>")
        for c in (never, a2):
            c.none(lambda e: e.tag.endswith("presence"), "the end of who was never there")
    tap.run("RFC 6121 4.5.2: unavailable presence goes to the own resources, the one that sent it too", says_goodbye)

    def missing_account():
        a = users.client()
        offline = users.name()
        seen = []
        for name in (offline, "nobody-has-this-name"):
            jid = f"{name}@{users.server.domain}"
            a.clear().send(f"<presence type='subscribe' to='{jid}'/>")
            a.settle()
            pushes = [(i.get("subscription"), i.get("ask")) for e in a.inbox for i in e.iter(q(ROSTER, "item")) if i.get("jid") == jid]
            others = [e.tag for e in a.inbox if e.tag != q(CLIENT, "iq")]
            seen.append((pushes, others, item_of(a, jid)))
        check(seen[0] == seen[1], f"an account that is there: {seen[0]}, one that is not: {seen[1]}")
        check(seen[0][0] == [("none", "subscribe")], f"{seen[0]}")
    tap.run("a subscription request tells nothing about the account", missing_account)

    def long_request():
        a, name = users.client(), users.name()
        a.send(f"<presence type='subscribe' to='{users.server.jid(name)}'><status>{'x' * 20000}</status></presence>")
        a.settle()
        b = Client(users.server, name).login()
        b.send("<presence/>")
        b.expect(name="presence", type="subscribe", frm=a.bare)
    tap.run("a long request is still shown at the next login", long_request)

    def too_much():
        a = users.client()
        groups = "".join(f"<group>{i}{'g' * 1000}</group>" for i in range(32))
        for i in range(70):
            el = a.iq("set", f"<query xmlns='{ROSTER}'><item jid='c{i}@x.example'>{groups}</item></query>")
            if el.get("type") == "error":
                break
        check(error_of(el) == ("resource-constraint", "wait"), f"after {i} contacts with 32 kB of groups: {text_of(el)[:200]}")
        name = a.user
        a.goodbye()
        a = users.client(name)
        got = len(list(a.iq("get", f"<query xmlns='{ROSTER}'/>").iter(q(ROSTER, "item"))))
        check(got == i, f"{i} were accepted, {got} are there")
    tap.run("a roster has a size, and what was accepted is there", too_much)

    def removed_while_asking():
        a, b = users.client(), users.client()
        b.iq("set", f"<query xmlns='{ROSTER}'><item jid='{a.bare}'/></query>")
        a.send(f"<presence type='subscribe' to='{b.bare}'/>")
        b.expect(name="presence", type="subscribe")
        b.iq("set", f"<query xmlns='{ROSTER}'><item jid='{a.bare}' subscription='remove'/></query>")
        a.expect(name="presence", type="unsubscribed", frm=b.bare)
        check(item_of(a, b.bare) == ("none", None), f"{item_of(a, b.bare)}")
        check(None not in presences(a, b.bare + "/") and "unavailable" not in presences(a, b.bare + "/"), "a resource was shown to who was refused")
    tap.run("removing who has asked refuses him, and shows him nothing", removed_while_asking)

    def directed_and_blocked():
        a, b = users.client(), users.client()
        a.send(f"<presence to='{b.jid}'/>")
        b.expect(name="presence", frm=a.jid, type="")
        a.iq("set", f"<block xmlns='{BLOCKING}'><item jid='{b.bare}'/></block>")
        b.expect(name="presence", frm=a.jid, type="unavailable")
    tap.run("XEP-0191: who was told of a resource alone sees it go", directed_and_blocked)

    def not_blockable():
        a = users.client()
        for jid in (a.bare, a.bare + "/x", users.server.domain, f"guard@{users.server.domain}", f"helpdesk@{users.server.domain}"):
            el = a.iq("set", f"<block xmlns='{BLOCKING}'><item jid='{jid}'/></block>")
            check(error_of(el) == ("not-allowed", "cancel"), f"{jid}: {text_of(el)}")
        a.settle()
    tap.run("XEP-0191: the own account, the server and its bots cannot be blocked", not_blockable)

    def one_resource_blocked():
        a, b = users.pair()
        b2 = users.client(b.user, resource="other")
        a.settle().clear()
        a.iq("set", f"<block xmlns='{BLOCKING}'><item jid='{b.jid}'/></block>")
        a.clear()
        b.send("<presence><status>1</status></presence>")
        b2.send("<presence><status>2</status></presence>")
        b.settle()
        b2.settle()
        got = presences(a, b.bare)
        check(got == [None], f"presence of the other resource alone is expected, got {len(got)}")
    tap.run("XEP-0191: a full address blocks that resource alone", one_resource_blocked)


def delivery_tests(tap, users):
    def bulk():
        a, name = users.client(), users.name()
        n, text = 40, "y" * 100000		# more than a session may have unsent
        for i in range(n):
            a.message(users.server.jid(name), f"{i} {text}", id=f"l{i}")
            a.settle()
        c = Client(users.server, name).login()
        c.send("<presence/>")
        for i in range(n):
            m = c.expect(name="message", timeout=15)
            check(m.get("id") == f"l{i}", f"{m.get('id')} where l{i} was due")
        c.settle()
        c.goodbye()
        c = Client(users.server, name).login()
        c.send("<presence/>")
        c.none(lambda e: e.tag == q(CLIENT, "message"), "offline messages twice")
    tap.run("XEP-0160: four megabytes of offline messages arrive, in order, once", bulk)

    def two_at_once():
        a, name = users.client(), users.name()
        for i in range(20):
            a.message(users.server.jid(name), str(i), id=f"t{i}")
        a.settle()
        cs = [Client(users.server, name, resource=r).login() for r in "xy"]
        for c in cs:
            c.send("<presence/>")
        n = []
        def arrived():
            for c in cs:
                c.pump(0.05)
            n[:] = [len([e for e in c.inbox if e.tag == q(CLIENT, "message")]) for c in cs]
            return sum(n) >= 20
        until(arrived, 10, "20 offline messages")
        for c in cs:
            c.settle()
        arrived()
        check(sum(n) == 20, f"{n} at two resources that came at once")
    tap.run("XEP-0160: to one of two resources that come at once", two_at_once)

    def no_id_without_row():
        a, name = users.client(), users.name()
        a.send(f"<message to='{users.server.jid(name)}' type='chat' id='np'><body>x</body><no-permanent-store xmlns='urn:xmpp:hints'/></message>")
        a.settle()
        c = Client(users.server, name).login()
        c.send("<presence/>")
        m = c.expect(name="message", id="np")
        check(m.find(q(SID, "stanza-id")) is None, f"an id of the archive, and it is not in there: {text_of(m)}")
    tap.run("XEP-0359: no stanza-id on what is not archived", no_id_without_row)

    def inactive():
        a, b = users.pair()
        a.send(f"<inactive xmlns='{CSI}'/>")
        a.settle().clear()
        for i in range(3):
            b.send(f"<presence><status>{i}</status></presence>")
        b.send(f"<message to='{a.jid}' type='chat' id='typing'>{STATE}</message>")
        b.settle()
        check(not a.settle().inbox or all(e.tag != q(CLIENT, "message") for e in a.inbox), "typing reached an inactive client")
        a.clear()
        b.send("<presence><status>last</status></presence>")
        b.message(a.jid, "important", id="imp")
        b.settle()
        a.settle()
        order = [e.get("id") or e.findtext(q(CLIENT, "status")) for e in a.inbox if e.tag in (q(CLIENT, "message"), q(CLIENT, "presence"))]
        check(order[-2:] == ["last", "imp"], f"{order}")
        a.send(f"<active xmlns='{CSI}'/>")
        b.send(f"<message to='{a.jid}' type='chat' id='typing2'>{STATE}</message>")
        a.expect(name="message", id="typing2")
    tap.run("XEP-0352: no typing while inactive; what was kept comes before what wakes", inactive)

    def inactive_order():
        a, b = users.pair()
        c = users.client()
        befriend(a, c)
        for managed in (False, True):
            if managed:
                a.sm_enable()
            a.settle().clear()
            a.send(f"<inactive xmlns='{CSI}'/>")
            a.settle()
            b.send("<presence><status>b1</status></presence>")
            b.settle()
            b.send(f"<message to='{a.jid}' type='chat' id='s1'>{STATE}</message>")
            b.settle()
            c.send("<presence><status>c1</status></presence>")
            c.settle()
            b.send(f"<message to='{a.bare}' type='chat' id='s2'>{STATE}</message>")
            b.settle()
            c.send("<presence><status>c2</status></presence>")
            c.settle()
            a.pump(0.3)
            check(not a.inbox, f"reached an inactive client: {[text_of(e) for e in a.inbox]}")
            a.send(f"<active xmlns='{CSI}'/>")
            a.settle()
            order = [e.findtext(q(CLIENT, "status")) or e.get("id") for e in a.inbox if e.tag != q(CLIENT, "iq")]
            check(order == ["b1", "s2", "c2"], f"sent when active again: {order}")
            a.clear()
    tap.run("xep0352-order: presence and typing wait, the last of each sender, and come in order", inactive_order)

    def inactive_carbons():
        a, b = users.pair()
        other = Client(users.server, a.user).login()
        for x in (a, other):
            x.iq("set", "<enable xmlns='urn:xmpp:carbons:2'/>")
        other.settle().clear()
        b.send(f"<message to='{a.jid}' type='chat' id='c1'>{STATE}</message>")
        other.expect(lambda e: e.find(".//{http://jabber.org/protocol/chatstates}composing") is not None, name="message")
        other.send(f"<inactive xmlns='{CSI}'/>")
        other.settle().clear()
        b.send(f"<message to='{a.jid}' type='chat' id='c2'><paused xmlns='http://jabber.org/protocol/chatstates'/></message>")
        b.settle()
        a.settle()
        other.pump(0.3)
        check(not other.inbox, f"reached an inactive client: {[text_of(e) for e in other.inbox]}")
        other.send(f"<active xmlns='{CSI}'/>")
        el = other.expect(name="message", what="the end of what was seen to begin")
        check(el.find(".//{urn:xmpp:carbons:2}received//{http://jabber.org/protocol/chatstates}paused") is not None, f"{text_of(el)}")
    tap.run("xep0352-carbons: nobody types for ever in the eyes of another device", inactive_carbons)

    def inactive_room():
        a, b = users.client(), users.client()
        where, muc = f"quiet@rooms.{users.server.domain}", "<x xmlns='http://jabber.org/protocol/muc'/>"
        status = "{http://jabber.org/protocol/muc#user}status"
        b.send(f"<presence to='{where}/b'>{muc}</presence>")
        b.expect(lambda e: "110" in [s.get("code") for s in e.iter(status)], name="presence")
        b.iq("set", "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query>", to=where)
        a.send(f"<inactive xmlns='{CSI}'/><presence to='{where}/a'>{muc}</presence>")
        a.expect(lambda e: "110" in [s.get("code") for s in e.iter(status)], name="presence", what="the end of its own entry", keep=True)
        order = [e.get("from") for e in a.inbox if e.tag == q(CLIENT, "presence")]
        check(order == [f"{where}/b", f"{where}/a"], f"{order}")
        a.settle().clear()
        b.send(f"<presence to='{where}/b'><show>away</show></presence>")
        b.settle()
        a.settle()
        check(not a.inbox, f"presence in a room reached an inactive client: {[text_of(e) for e in a.inbox]}")
        b.send(f"<message to='{where}' type='groupchat' id='w'><body>wake up</body></message>")
        a.expect(name="message", body="wake up", keep=True)
        check([e.tag for e in a.inbox] == [q(CLIENT, "presence"), q(CLIENT, "message")], "not what came before it first")
    tap.run("xep0352-room: an inactive client may enter a room; its presences wait", inactive_room)

    def inactive_managed():
        a, b = users.pair()
        a.sm_enable()
        a.send(f"<inactive xmlns='{CSI}'/>")
        a.settle()
        b.send("<presence><show>away</show></presence>")
        b.settle()
        a.cut()
        b.message(a.bare, "while away", id="w")
        b.settle()
        n = Client(users.server, a.user).login(bind=False)
        check(n.resume(a), "not resumed")
        n.expect(name="message", id="w")
        n.expect(lambda e: e.findtext(q(CLIENT, "show")) == "away", name="presence", frm=b.jid)
        b.send(f"<message to='{a.jid}' type='chat' id='typing'>{STATE}</message>")
        n.expect(name="message", id="typing", what="typing after resumption: active again")
    tap.run("XEP-0352 with 0198: a resumed stream is active and has everything", inactive_managed)

    def private_storage():
        a, b = users.client(), users.client()
        x = "<storage xmlns='storage:bookmarks'><conference jid='r@x.example' name='Ä &amp; Ö'/></storage>"
        check(a.iq("set", f"<query xmlns='{PRIVATE}'>{x}</query>").get("type") == "result", "set")
        el = a.iq("get", f"<query xmlns='{PRIVATE}'><storage xmlns='storage:bookmarks'/></query>")
        check(el.find(f"{q(PRIVATE, 'query')}/{q('storage:bookmarks', 'storage')}/{q('storage:bookmarks', 'conference')}").get("name") == "Ä & Ö", text_of(el))
        el = b.iq("get", f"<query xmlns='{PRIVATE}'><storage xmlns='storage:bookmarks'/></query>")
        check(len(el.find(f"{q(PRIVATE, 'query')}/{q('storage:bookmarks', 'storage')}")) == 0, "another account's storage")
        el = b.iq("get", f"<query xmlns='{PRIVATE}'><storage xmlns='storage:bookmarks'/></query>", to=a.bare)
        check(el.get("type") == "error", f"asked of another account: {text_of(el)}")
    tap.run("XEP-0049: one's own alone", private_storage)

    def carbon_to_two():
        a, b = users.client(), users.client()
        a2 = users.client(a.user, resource="two")
        a2.iq("set", f"<enable xmlns='{CARBONS}'/>")
        a.message(a2.jid, "to myself", id="s1")
        a2.expect(name="message", id="s1")
        a2.none(lambda e: child(e, CARBONS, "received") is not None or child(e, CARBONS, "sent") is not None, "a copy of what it got itself")
        a.sm_enable()
        b.message(a.jid, "x", id="c9")
        m = a2.expect(lambda e: child(e, CARBONS, "received") is not None, name="message")
        inner = child(m, CARBONS, "received").find(f".//{q(CLIENT, 'message')}")
        own = a.expect(name="message", id="c9")
        ids = [[s.get("id") for s in e.iter(q(SID, "stanza-id")) if s.get("by") == a.bare] for e in (inner, own)]
        check(ids[0] == ids[1] and len(ids[0]) == 1, f"archive ids of copy and original: {ids}")
    tap.run("XEP-0280: no copy of a message to oneself; the copy has the archive's id", carbon_to_two)


def killed_tests(tap):
    """Offline messages are on their way to a client when the server dies."""
    def resumes():
        with new_server(users=("sender", "sleeper")) as server:
            a = Client(server, "sender").login()
            for i in range(5):
                a.message(server.jid("sleeper"), f"text {i}", id=f"k{i}")
            a.settle()
            c = Client(server, "sleeper").login()
            c.sm_enable()
            c.sm_auto = False
            c.send("<presence/>")
            for i in range(5):
                c.expect(name="message", id=f"k{i}")
            c.settle()
            seen = c.sm_in
            c.sm_in = 0		# it had read nothing yet
            server.kill9()
            c.close()
            server.start()
            n = Client(server, "sleeper").login(bind=False)
            check(n.resume(c), f"not resumed ({seen} stanzas before)")
            got = [n.expect(name="message").get("id") for _ in range(5)]
            check(got == [f"k{i}" for i in range(5)], f"replayed {got}")
            n.close()
    tap.run("XEP-0160 with 0198: offline messages under way outlive a killed server", resumes)


def main():
    tap = Tap("corners of the features")
    with new_server(users=[f"u{i}" for i in range(60)]) as server:
        users = Users(server, 60)
        archive_tests(tap, users)
        presence_tests(tap, users)
        delivery_tests(tap, users)
        tap.run("the server is well at the end", server.assert_healthy)
    killed_tests(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
