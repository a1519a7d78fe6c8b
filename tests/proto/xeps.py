#!/usr/bin/env python3
"""The extensions a client finds here, from outside: what they promise and what they must not do."""
import sys
import time

from harness import SM, check, error_of, q, text_of
from rawxmpp import CARBONS, CLIENT, DATA, DELAY, FORWARD, MAM, RSM, SID, Client, body_of, child
from rfc6121 import STAMP, Users
from wardroom_test import Tap, new_server

INFO, ITEMS = "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items"
BLOCKING, HINTS, CSI = "urn:xmpp:blocking", "urn:xmpp:hints", "urn:xmpp:csi:0"


def features_of(el):
    return {f.get("var") for f in el.iter(q(INFO, "feature"))}


def disco_tests(tap, users):
    def server_info():
        a = users.client()
        el = a.iq("get", f"<query xmlns='{INFO}'/>", to=users.server.domain)
        ids = [(i.get("category"), i.get("type")) for i in el.iter(q(INFO, "identity"))]
        check(("server", "im") in ids, f"identities {ids}")
        want = {INFO, ITEMS, "urn:xmpp:ping", "jabber:iq:version", "urn:xmpp:time", BLOCKING, CARBONS}
        check(not want - features_of(el), f"missing: {want - features_of(el)}")
        el = a.iq("get", f"<query xmlns='{ITEMS}'/>", to=users.server.domain)
        check(el.get("type") == "result" and el.find(q(ITEMS, "query")) is not None, text_of(el))
        el = a.iq("get", f"<query xmlns='{INFO}' node='no-such-node'/>", to=users.server.domain)
        check(error_of(el) == ("item-not-found", "cancel"), f"unknown node: {text_of(el)}")
    tap.run("XEP-0030: the server's information and items", server_info)

    def account_info():
        a = users.client()
        el = a.iq("get", f"<query xmlns='{INFO}'/>", to=a.bare)
        ids = [(i.get("category"), i.get("type")) for i in el.iter(q(INFO, "identity"))]
        check(("account", "registered") in ids, f"identities {ids}")
        want = {MAM, SID}
        check(not want - features_of(el), f"missing: {want - features_of(el)}")
        b = users.client()
        for to in (a.bare, users.server.jid("nobody-here")):
            e = b.iq("get", f"<query xmlns='{INFO}'/>", to=to)
            check(error_of(e) is not None and error_of(e)[0] in ("service-unavailable", "subscription-required"), f"a stranger gets {text_of(e)}")
    tap.run("XEP-0030: an account's information, for its owner alone", account_info)

    def caps():
        import base64
        import hashlib
        a = users.client()
        c = a.features.find("{http://jabber.org/protocol/caps}c")
        check(c is not None, "no caps in the stream features")
        el = a.iq("get", f"<query xmlns='{INFO}' node='{c.get('node')}#{c.get('ver')}'/>", to=users.server.domain)
        ids = sorted(f"{i.get('category')}/{i.get('type')}/{i.get('{http://www.w3.org/XML/1998/namespace}lang') or ''}/{i.get('name') or ''}<"
                     for i in el.iter(q(INFO, "identity")))
        s = "".join(ids) + "".join(f + "<" for f in sorted(features_of(el)))
        forms = []
        for x in el.iter(q(DATA, "x")):
            fields = {f.get("var"): sorted(v.text or "" for v in f) for f in x.iter(q(DATA, "field"))}
            forms.append(fields.pop("FORM_TYPE")[0] + "<" + "".join(k + "<" + "".join(v + "<" for v in fields[k]) for k in sorted(fields)))
        s += "".join(sorted(forms))
        want = base64.b64encode(hashlib.new(c.get("hash").replace("-", ""), s.encode()).digest()).decode()
        check(c.get("ver") == want, f"ver {c.get('ver')}, computed {want} from {s}")
    tap.run("XEP-0115: the hash in the stream features fits", caps)

    def small_ones():
        a = users.client()
        d = users.server.domain
        el = a.iq("get", "<query xmlns='jabber:iq:version'/>", to=d)
        v = el.find("{jabber:iq:version}query")
        check(v is not None and v.findtext("{jabber:iq:version}name") and v.findtext("{jabber:iq:version}version"), text_of(el))
        for to in (d, a.bare, None):
            el = a.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=to)
            check(el.get("type") == "result", f"ping to {to}: {text_of(el)}")
        el = a.iq("get", "<time xmlns='urn:xmpp:time'/>", to=d)
        t = el.find("{urn:xmpp:time}time")
        check(t is not None and STAMP.match(t.findtext("{urn:xmpp:time}utc") or "") and t.findtext("{urn:xmpp:time}tzo"), text_of(el))
        t0 = time.time()
        shown = time.mktime(time.strptime(t.findtext("{urn:xmpp:time}utc")[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
        check(abs(shown - t0) < 5, f"its clock is {shown - t0:.0f} s off")
        check(a.iq("set", "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>").get("type") in ("result", "error"), "session")
    tap.run("XEP-0092, 0199, 0202", small_ones)


def blocking_tests(tap, users):
    def block():
        a, b = users.pair()
        a2 = users.client(a.user, resource="two")
        for c in (a, a2):
            el = c.iq("get", f"<blocklist xmlns='{BLOCKING}'/>")
            check(el.find(q(BLOCKING, "blocklist")) is not None, text_of(el))
        b.settle().clear()
        el = a.iq("set", f"<block xmlns='{BLOCKING}'><item jid='{b.bare}'/></block>")
        check(el.get("type") == "result", text_of(el))
        p = a2.expect(name="iq", type="set", has=q(BLOCKING, "block"))
        check(child(p, BLOCKING, "block", "item").get("jid") == b.bare, text_of(p))
        b.expect(name="presence", type="unavailable", frm=a.jid, what="unavailable presence of who blocks")
        err = [("message", f"<message to='{a.bare}' id='bl' type='chat'><body>x</body></message>"),
               ("iq", f"<iq type='get' to='{a.jid}' id='bl'><query xmlns='urn:x'/></iq>")]
        for kind, x in err:
            b.send(x)
            e = b.expect(name=kind, id="bl", type="error")
            check(error_of(e) == ("service-unavailable", "cancel"), text_of(e))
        a.none(lambda e: e.get("from", "").startswith(b.bare), "something of the blocked arrived")
        a.send(f"<message to='{b.bare}' id='out' type='chat'><body>x</body></message>")
        e = a.expect(name="message", id="out", type="error")
        check(error_of(e)[0] == "not-acceptable" and e.find(f"{q(CLIENT, 'error')}/{{urn:xmpp:blocking:errors}}blocked") is not None, text_of(e))
        a.send("<presence><status>hidden</status></presence>")
        a.settle()
        b.none(lambda e: e.get("from") == a.jid and e.get("type") is None, "presence to the blocked")
        el = a.iq("set", f"<unblock xmlns='{BLOCKING}'><item jid='{b.bare}'/></unblock>")
        check(el.get("type") == "result", text_of(el))
        a2.expect(name="iq", type="set", has=q(BLOCKING, "unblock"))
        b.expect(name="presence", frm=a.jid, type="", what="presence again")
        a.message(b.bare, "again", id="again")
        b.expect(name="message", id="again")
    tap.run("XEP-0191: block, push, errors, presence, unblock", block)

    def bad_block():
        a = users.client()
        el = a.iq("set", f"<block xmlns='{BLOCKING}'/>")
        check(error_of(el) == ("bad-request", "modify"), f"empty block: {text_of(el)}")
        el = a.iq("set", f"<block xmlns='{BLOCKING}'><item jid='@@'/></block>")
        check(error_of(el) is not None and error_of(el)[0] in ("jid-malformed", "bad-request"), text_of(el))
        for jid in ("x.example", "u@y.example", "u@z.example/r"):
            el = a.iq("set", f"<block xmlns='{BLOCKING}'><item jid='{jid}'/></block>")
            check(el.get("type") == "result", f"{jid}: {text_of(el)}")
        name = a.user
        a.goodbye()
        a = users.client(name)
        el = a.iq("get", f"<blocklist xmlns='{BLOCKING}'/>")
        check({i.get("jid") for i in el.iter(q(BLOCKING, "item"))} == {"x.example", "u@y.example", "u@z.example/r"}, text_of(el))
        a.iq("set", f"<unblock xmlns='{BLOCKING}'/>")
        el = a.iq("get", f"<blocklist xmlns='{BLOCKING}'/>")
        check(not list(el.iter(q(BLOCKING, "item"))), text_of(el))
    tap.run("XEP-0191: form, forms of addresses, lasting, unblock all", bad_block)


def sm_tests(tap, users):
    def counts():
        a, b = users.client(), users.client()
        check(a.features.find(q(SM, "sm")) is not None, "not offered")
        a.sm_enable()
        check(a.sm_id, "no resumption id")
        for i in range(10):
            a.message(b.jid, str(i))
        a.stanza("<presence/>")
        a.stanza(f"<iq type='get' id='x' to='{users.server.domain}'><ping xmlns='urn:xmpp:ping'/></iq>")
        a.sm_all_acked()
        a.sm_auto = False
        a.send(f"<r xmlns='{SM}'/>")
        r = a.expect(name=q(SM, "a"))
        check(r.get("h") == "12", f"h={r.get('h')} after 12 stanzas")
        b.sm_enable()
        b.sm_auto = False
        for i in range(3):
            a.message(b.jid, str(i))
        b.expect(name=q(SM, "r"), what="the server asks", timeout=10)
        b.send(f"<a xmlns='{SM}' h='{b.sm_in}'/>")
        b.settle()
    tap.run("XEP-0198: enable, both counts", counts)

    def resume():
        a, b = users.pair()
        a.sm_enable()
        b.sm_enable()
        a.settle()
        a.sm_auto = False
        b.message(a.jid, "before", id="r0")
        a.expect(name="message", id="r0")
        a.sm_in -= 1	# never said
        a.cut()
        for i in range(1, 4):
            b.message(a.jid, f"away {i}", id=f"r{i}")
        b.sm_all_acked()
        b.none(lambda e: e.get("type") == "unavailable" and e.get("from") == a.jid, "the waiting session went unavailable at once")
        n = Client(users.server, a.user).login(bind=False)
        check(n.resume(a), f"not resumed: {text_of(n.sm_answer)}")
        check(n.sm_answer.get("previd") == a.sm_id, text_of(n.sm_answer))
        ids = [n.expect(name="message").get("id") for _ in range(4)]
        check(ids == ["r0", "r1", "r2", "r3"], f"replayed {ids}")
        n.message(b.jid, "back", id="r-back")
        check(b.expect(name="message", id="r-back").get("from") == a.jid, "another address after resumption")
        b.message(a.bare, "to bare", id="r-bare")
        n.expect(name="message", id="r-bare")
    tap.run("XEP-0198: resumption replays what was not acknowledged", resume)

    def resume_sends():
        a, b = users.client(), users.client()
        a.sm_enable()
        a.message(b.jid, "one", id="s1")
        a.sm_all_acked()
        # said, but lost on the way: the server has not seen it
        a.sm_sent += 1
        a.sm_unacked.append((a.sm_sent, f"<message to='{b.jid}' type='chat' id='s2'><body>two</body></message>"))
        a.cut()
        n = Client(users.server, a.user).login(bind=False)
        check(n.resume(a), "not resumed")
        check(n.sm_answer.get("h") == "1", f"h={n.sm_answer.get('h')}")
        b.settle()
        check([b.expect(name="message").get("id") for _ in range(2)] == ["s1", "s2"], "order")
        n.sm_all_acked()
        b.none(lambda e: e.get("id") in ("s1", "s2"), "a message came twice")
    tap.run("XEP-0198: what the client sends again arrives once", resume_sends)

    def expires():
        a = users.client()
        el = None
        a.send(f"<enable xmlns='{SM}' resume='true' max='1'/>")
        el = a.expect(name=q(SM, "enabled"))
        a.sm_id = el.get("id")
        check(el.get("max") is None or int(el.get("max")) >= 0, text_of(el))
        b = users.client()
        b.message(a.bare, "later", id="ex")
        a.expect(name="message", id="ex")
        a.cut()
        c = users.client(a.user)	# binding anew is fine
        c.settle()
    tap.run("XEP-0198: enable with max", expires)

    def not_resumable():
        a, b = users.client(), users.client()
        a.sm_enable(resume=False)
        b.send(f"<presence to='{a.jid}'/>")
        a.message(b.jid, "x", id="nr")
        b.expect(name="message", id="nr")
        a.sm_all_acked()
        a.close()
    tap.run("XEP-0198: without resumption", not_resumable)

    def other_resource():
        """Unacknowledged messages of a session that ends are not lost: the archive and the next login have them."""
        a, b = users.client(), users.client()
        a.sm_enable()
        a.sm_auto = False
        b.message(a.bare, "unread", id="or")
        a.expect(name="message", id="or")
        a.send("</stream:stream>")
        a.wait_end()
        c = Client(users.server, a.user).login()
        c.send("<presence/>")
        c.settle()
    tap.run("XEP-0198: an orderly end", other_resource)


def carbon_tests(tap, users):
    def enable(c):
        el = c.iq("set", f"<enable xmlns='{CARBONS}'/>")
        check(el.get("type") == "result", text_of(el))

    def copy(c, kind, id):
        m = c.expect(lambda e: child(e, CARBONS, kind) is not None and child(e, CARBONS, kind).find(
                f"{q(FORWARD, 'forwarded')}/{q(CLIENT, 'message')}").get("id") == id, name="message", what=f"carbon '{kind}' of {id}")
        check(m.get("from") == c.bare, f"from {m.get('from')}")
        return child(m, CARBONS, kind).find(f"{q(FORWARD, 'forwarded')}/{q(CLIENT, 'message')}")

    def both_ways():
        a, b = users.client(), users.client()
        a2 = users.client(a.user, resource="two")
        a3 = users.client(a.user, resource="none")
        enable(a2)
        enable(a)
        a.message(b.jid, "hello", id="c1")
        inner = copy(a2, "sent", "c1")
        check(body_of(inner) == "hello" and inner.get("from") == a.jid and inner.get("to") == b.jid, text_of(inner))
        b.message(a.jid, "to one", id="c2")
        a.expect(name="message", id="c2")
        inner = copy(a2, "received", "c2")
        check(inner.get("from") == b.jid and inner.get("to") == a.jid, text_of(inner))
        a.none(lambda e: child(e, CARBONS, "received") is not None or child(e, CARBONS, "sent") is not None, "a copy to who got the original")
        a3.none(lambda e: child(e, CARBONS, "received") is not None or child(e, CARBONS, "sent") is not None, "a copy without enabling")
        b.message(a.bare, "to all", id="c3")
        a.expect(name="message", id="c3")
        a2.settle()
        plain = [e for e in a2.inbox if e.get("id") == "c3"]
        carbon = [e for e in a2.inbox if child(e, CARBONS, "received") is not None]
        check(len(plain) + len(carbon) == 1, f"a message to the bare address: {len(plain)} direct, {len(carbon)} copies")
        a2.iq("set", f"<disable xmlns='{CARBONS}'/>")
        a2.clear()
        a.message(b.jid, "quiet", id="c4")
        a.settle()
        a2.none(lambda e: child(e, CARBONS, "sent") is not None, "a copy after disabling")
    tap.run("XEP-0280: sent and received, none to the wrong", both_ways)

    def exceptions():
        a, b = users.client(), users.client()
        a2 = users.client(a.user, resource="two")
        enable(a2)
        b.send(f"<message to='{a.jid}' type='chat' id='p1'><body>x</body><private xmlns='{CARBONS}'/><no-copy xmlns='{HINTS}'/></message>")
        a.expect(name="message", id="p1")
        b.send(f"<message to='{a.jid}' type='headline' id='p2'><body>x</body></message>")
        a.expect(name="message", id="p2")
        b.send(f"<message to='{a.jid}' type='groupchat' id='p3'><body>x</body></message>")
        b.send(f"<message to='{a.jid}' type='chat' id='p4'><body>x</body><no-copy xmlns='{HINTS}'/></message>")
        a.expect(name="message", id="p4")
        a2.none(lambda e: child(e, CARBONS, "received") is not None, "a copy that should not be")
        b.send(f"<message to='{a.jid}' type='chat' id='p5'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
        copy(a2, "received", "p5")
        b.send(f"<message to='{a.jid}' type='chat' id='p6'><received xmlns='urn:xmpp:receipts' id='z'/></message>")
        copy(a2, "received", "p6")
        b.send(f"<message to='{a.jid}' type='normal' id='p7'><body>x</body></message>")
        copy(a2, "received", "p7")
    tap.run("XEP-0280: private, headline, groupchat, no-copy; chat states and receipts", exceptions)


def mam(c, form="", rsm="", to=None, qid="q1", node=""):
    """Runs a query; returns ([(archive id, delay stamp, message)], fin)."""
    x = f"<x xmlns='{DATA}' type='submit'><field var='FORM_TYPE' type='hidden'><value>{MAM}</value></field>{form}</x>" if form else ""
    s = f"<set xmlns='{RSM}'>{rsm}</set>" if rsm is not None and rsm != "" else ""
    el = c.iq("set", f"<query xmlns='{MAM}' queryid='{qid}'>{x}{s}</query>", to=to, timeout=20)
    check(el.get("type") == "result", f"query: {text_of(el)}")
    out = []
    for m in [e for e in c.inbox if child(e, MAM, "result") is not None]:
        c.inbox.remove(m)
        r = child(m, MAM, "result")
        check(r.get("queryid") == qid and m.get("from") in (None, c.bare), text_of(m))
        f = r.find(q(FORWARD, "forwarded"))
        out.append((r.get("id"), f.find(q(DELAY, "delay")).get("stamp"), f.find(q(CLIENT, "message"))))
    return out, el.find(q(MAM, "fin"))


def field(var, value):
    return f"<field var='{var}'><value>{value}</value></field>"


def mam_tests(tap, users):
    def basics():
        a, b, c = users.client(), users.client(), users.client()
        ids = []
        for i in range(12):
            to, frm = (b, a) if i % 3 == 0 else (c, a) if i % 3 == 1 else (a, b)
            frm.message(to.bare, f"text {i}", id=f"m{i}")
            frm.settle()
            ids.append(f"m{i}")
        a.settle()
        direct = {e.get("id"): e for e in a.inbox if e.tag == q(CLIENT, "message")}
        got, fin = mam(a)
        check([m.get("id") for _, _, m in got] == ids, f"archive: {[m.get('id') for _, _, m in got]}")
        check(fin.get("complete") == "true", text_of(fin))
        s = child(fin, RSM, "set")
        check(child(s, RSM, "first").text == got[0][0] and child(s, RSM, "last").text == got[-1][0], text_of(fin))
        check(s.findtext(q(RSM, "count")) in (None, "12"), text_of(fin))
        stamps = [t for _, t, _ in got]
        check(all(STAMP.match(t) for t in stamps) and stamps == sorted(stamps), f"stamps {stamps[:3]}")
        for mid, e in direct.items():
            sid = [x for x in e.iter(q(SID, "stanza-id")) if x.get("by") == a.bare]
            kept = next(aid for aid, _, m in got if m.get("id") == mid)
            check(len(sid) == 1 and sid[0].get("id") == kept, f"stanza-id differs from the archive id: {text_of(e)}")
        check(len({aid for aid, _, _ in got}) == 12, "archive ids repeat")
        only, fin = mam(a, field("with", b.bare))
        check([m.get("id") for _, _, m in only] == [i for n, i in enumerate(ids) if n % 3 != 1], f"with: {[m.get('id') for _, _, m in only]}")
        none, fin = mam(a, field("with", "nobody@x.example"))
        check(none == [] and fin.get("complete") == "true", text_of(fin))
        theirs, _ = mam(c)
        check([m.get("id") for _, _, m in theirs] == [i for n, i in enumerate(ids) if n % 3 == 1], "the other side's archive")
        return a, got
    tap.run("XEP-0313: query, with, ids, both sides", basics)

    def paging():
        a, b = users.client(), users.client()
        for i in range(25):
            a.message(b.bare, f"text {i}", id=f"m{i}")
        a.settle()
        all_, _ = mam(b, rsm="<max>100</max>")
        check(len(all_) == 25, f"{len(all_)} in the archive")
        ids = [x[0] for x in all_]
        page, fin = mam(b, rsm="<max>10</max>")
        check([x[0] for x in page] == ids[:10] and fin.get("complete") != "true", f"first page: {len(page)} {text_of(fin)}")
        page, fin = mam(b, rsm=f"<max>10</max><after>{ids[9]}</after>")
        check([x[0] for x in page] == ids[10:20], "second page")
        page, fin = mam(b, rsm=f"<max>10</max><after>{ids[19]}</after>")
        check([x[0] for x in page] == ids[20:] and fin.get("complete") == "true", f"last page {text_of(fin)}")
        page, fin = mam(b, rsm="<max>10</max><before/>")
        check([x[0] for x in page] == ids[15:] and fin.get("complete") != "true", "last page, backwards")
        check(fin.find(f".//{q(RSM, 'first')}").get("index") is None, f"an index backwards, where slixmpp takes it for the end: {text_of(fin)}")
        page, fin = mam(b, rsm=f"<max>10</max><before>{ids[15]}</before>")
        check([x[0] for x in page] == ids[5:15], "backwards")
        page, fin = mam(b, rsm=f"<max>10</max><before>{ids[5]}</before>")
        check([x[0] for x in page] == ids[:5] and fin.get("complete") == "true", f"first page, backwards {text_of(fin)}")
        page, fin = mam(b, rsm="<max>0</max>")
        check(page == [], "max 0")
        page, _ = mam(b, rsm=f"<max>10</max><after>{ids[-1]}</after>")
        check(page == [], "after the last")
        page, _ = mam(b, field("start", all_[5][1]) + field("end", all_[9][1]))
        check(page and all(all_[5][1] <= x[1] <= all_[9][1] for x in page) and {ids[6], ids[7], ids[8]} <= {x[0] for x in page}, "start and end")
        page, _ = mam(b, field("start", "2100-01-01T00:00:00Z"))
        check(page == [], "start in the future")
        page, _ = mam(b, field("end", "2001-01-01T00:00:00Z"))
        check(page == [], "end in the past")
    tap.run("XEP-0313 with 0059: pages both ways, start and end", paging)

    def form_and_prefs():
        a = users.client()
        el = a.iq("get", f"<query xmlns='{MAM}'/>")
        names = {f.get("var") for f in el.iter(q(DATA, "field"))}
        check({"FORM_TYPE", "with", "start", "end"} <= names, f"fields {names}")
        el = a.iq("set", f"<query xmlns='{MAM}'><x xmlns='{DATA}' type='submit'><field var='FORM_TYPE'><value>{MAM}</value></field>"
                  "<field var='{urn:none}nonsense'><value>1</value></field></x></query>")
        check(el.get("type") == "error" and error_of(el)[0] in ("feature-not-implemented", "bad-request"), f"unknown field: {text_of(el)}")
        el = a.iq("get", f"<prefs xmlns='{MAM}'/>")
        check(el.find(q(MAM, "prefs")) is not None or error_of(el)[0] in ("feature-not-implemented", "service-unavailable"), text_of(el))
    tap.run("XEP-0313: form fields, unknown field, preferences", form_and_prefs)

    def what_is_kept():
        a, b = users.client(), users.client()
        kept = {"k1": "<body>x</body>", "k2": "<received xmlns='urn:xmpp:receipts' id='z'/>",
                "k3": "<displayed xmlns='urn:xmpp:chat-markers:0' id='z'/>",
                "k4": f"<x xmlns='urn:y'/><store xmlns='{HINTS}'/>",
                "k5": "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted>" + f"<store xmlns='{HINTS}'/>",
                "k6": "<reactions xmlns='urn:xmpp:reactions:0' id='z'><reaction>x</reaction></reactions>"}
        dropped = {"d1": "<composing xmlns='http://jabber.org/protocol/chatstates'/>", "d2": f"<body>x</body><no-store xmlns='{HINTS}'/>",
                   "d3": f"<body>x</body><no-permanent-store xmlns='{HINTS}'/>"}
        for i, inner in list(kept.items()) + list(dropped.items()):
            a.send(f"<message to='{b.bare}' type='chat' id='{i}'>{inner}</message>")
        a.send(f"<message to='{b.bare}' type='headline' id='d4'><body>x</body></message>")
        a.send(f"<message to='{b.jid}' type='groupchat' id='d5'><body>x</body></message>")
        a.settle()
        for i in list(kept) + list(dropped):
            b.expect(name="message", id=i)
        for c in (a, b):
            ids = [m.get("id") for _, _, m in mam(c)[0]]
            check(not {"d1", "d2", "d3", "d5"} & set(ids), f"kept though it should not be: {ids}")
            check(set(kept) <= set(ids), f"not kept: {set(kept) - set(ids)}")
    tap.run("XEP-0313, 0334: what is kept and what not", what_is_kept)

    def no_store_offline():
        a, name = users.client(), users.name()
        jid = users.server.jid(name)
        a.send(f"<message to='{jid}' type='chat' id='n1'><body>x</body><no-store xmlns='{HINTS}'/></message>")
        a.send(f"<message to='{jid}' type='chat' id='n2'><body>x</body></message>")
        a.settle()
        c = Client(users.server, name).login()
        c.send("<presence/>")
        c.expect(name="message", id="n2", keep=True)
        c.settle()
        ids = [e.get("id") for e in c.inbox if e.tag == q(CLIENT, "message")]
        check(ids == ["n2"], f"offline: {ids}")
    tap.run("XEP-0160, 0334: no-store is not kept for later", no_store_offline)

    def same_id_offline():
        a, name = users.client(), users.name()
        a.message(users.server.jid(name), "later", id="so")
        a.settle()
        c = Client(users.server, name).login()
        c.send("<presence/>")
        m = c.expect(name="message", id="so")
        c.bare = c.jid.split("/")[0]
        kept, _ = mam(c)
        sid = [x.get("id") for x in m.iter(q(SID, "stanza-id"))]
        check(sid == [kept[0][0]], f"offline {sid}, archive {kept[0][0]}")
        check(len(kept) == 1, f"{len(kept)} in the archive")
    tap.run("XEP-0359: offline delivery carries the archive id", same_id_offline)


def other_tests(tap, users):
    def csi():
        a, b = users.pair()
        a.send(f"<inactive xmlns='{CSI}'/>")
        a.settle()
        for i in range(5):
            b.send(f"<presence><status>{i}</status></presence>")
        b.send(f"<message to='{a.jid}' type='chat' id='st'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
        b.settle()
        a.pump(0.2)
        early = [e for e in a.inbox if e.tag == q(CLIENT, "presence")]
        b.message(a.jid, "important", id="imp")
        a.expect(name="message", id="imp")
        a.send(f"<active xmlns='{CSI}'/>")
        p = a.expect(lambda e: e.findtext(q(CLIENT, "status")) == "4", name="presence", frm=b.jid) if not any(
            e.findtext(q(CLIENT, "status")) == "4" for e in early) else early[-1]
        check(p is not None, "the last presence is lost")
        if a.features.find(q(CSI, "csi")) is not None:
            check(len(early) < 5, f"{len(early)} presences while inactive")
    tap.run("XEP-0352: presence waits while inactive, a message does not, nothing is lost", csi)

    def vcard():
        a, b = users.pair()
        v = "<vCard xmlns='vcard-temp'><FN>Ä &amp; Ö</FN><N><FAMILY>x</FAMILY></N></vCard>"
        el = a.iq("get", "<vCard xmlns='vcard-temp'/>")
        check(el.get("type") == "result" or error_of(el)[0] == "item-not-found", text_of(el))
        check(a.iq("set", v).get("type") == "result", "set")
        name = a.user
        a.goodbye()
        a = users.client(name)
        for c, to in ((a, None), (a, a.bare), (b, a.bare)):
            el = c.iq("get", "<vCard xmlns='vcard-temp'/>", to=to)
            check(el.findtext("{vcard-temp}vCard/{vcard-temp}FN") == "Ä & Ö", text_of(el))
    tap.run("XEP-0054: set, get, of a contact, lasting", vcard)

    def no_delay_live():
        a, b = users.client(), users.client()
        a.message(b.jid, "now", id="nd")
        check(b.expect(name="message", id="nd").find(q(DELAY, "delay")) is None, "a live message is stamped as delayed")
        a.send(f"<message to='{b.jid}' type='chat' id='od'><body>x</body><delay xmlns='{DELAY}' from='{users.server.domain}' stamp='2001-01-01T00:00:00Z'/></message>")
        m = b.expect(name="message", id="od")
        check(not [d for d in m.iter(q(DELAY, "delay")) if d.get("from") == users.server.domain], "a client's delay in the server's name was passed on")
    tap.run("XEP-0203: no delay on live messages, none forged", no_delay_live)

    def guard():
        a = users.client()
        a.message(f"guard@{users.server.domain}", "help", id="g1")
        m = a.expect(lambda e: (e.get("from") or "").startswith(f"guard@{users.server.domain}") and body_of(e), name="message", timeout=5)
        check(m.get("type") != "error", text_of(m))
    if users.server.peer == "wardroom":
        tap.run("the bot answers help", guard)


def main():
    tap = Tap("extensions")
    with new_server(users=[f"u{i}" for i in range(80)]) as server:
        users = Users(server, 80)
        disco_tests(tap, users)
        blocking_tests(tap, users)
        sm_tests(tap, users)
        carbon_tests(tap, users)
        mam_tests(tap, users)
        other_tests(tap, users)
        tap.run("the server is well at the end", server.assert_healthy)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
