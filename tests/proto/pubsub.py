#!/usr/bin/env python3
"""Publish-subscribe: XEP-0060 and what stands on it. Two or three sessions over TLS; every case names the rule it holds to."""
import base64
import hashlib
import json
import os
import random
import re
import sys
import time
from xml.sax.saxutils import escape, quoteattr

from harness import check, error_of, q, text_of
from pictures import png
from rawxmpp import CLIENT, DATA, RSM, Client, Failed, befriend, child
from rfc6121 import Users
from rawcomponent import Component, components_text
from wardroom_test import Instance, Tap

PUBSUB = "http://jabber.org/protocol/pubsub"
OWNER, EVENT, ERRORS, OPTIONS = PUBSUB + "#owner", PUBSUB + "#event", PUBSUB + "#errors", PUBSUB + "#publish-options"
INFO, ITEMS = "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items"
CAPS = "http://jabber.org/protocol/caps"
TUNE, MOOD = "http://jabber.org/protocol/tune", "http://jabber.org/protocol/mood"


def form(type_, **fields):
    """A submitted form; access_model='open' stands for pubsub#access_model, and so on."""
    out = f"<x xmlns='{DATA}' type='submit'><field var='FORM_TYPE' type='hidden'><value>{type_}</value></field>"
    for k, v in fields.items():
        values = v if isinstance(v, (list, tuple)) else [v]
        out += f"<field var='pubsub#{k}'>" + "".join(f"<value>{escape(str(x))}</value>" for x in values) + "</field>"
    return out + "</x>"


def publish(c, node, payload, id="current", to=None, options=None, owner_iq=None):
    item = f"<item{' id=' + quoteattr(id) if id else ''}>{payload}</item>"
    opts = f"<publish-options>{form(OPTIONS, **options)}</publish-options>" if options else ""
    return c.iq("set", f"<pubsub xmlns='{PUBSUB}'><publish node={quoteattr(node)}>{item}</publish>{opts}</pubsub>", to=to)


def items(c, node, to=None, ids=(), attrs="", extra=""):
    inner = "".join(f"<item id={quoteattr(i)}/>" for i in ids)
    return c.iq("get", f"<pubsub xmlns='{PUBSUB}'><items node={quoteattr(node)}{attrs}>{inner}</items>{extra}</pubsub>", to=to)


def retract(c, node, id, to=None, notify=True):
    return c.iq("set", f"<pubsub xmlns='{PUBSUB}'><retract node={quoteattr(node)}{' notify=%s1%s' % (chr(39), chr(39)) if notify else ''}>"
                f"<item id={quoteattr(id)}/></retract></pubsub>", to=to)


def create(c, node, to=None, **config):
    conf = f"<configure>{form(PUBSUB + '#node_config', **config)}</configure>" if config else ""
    return c.iq("set", f"<pubsub xmlns='{PUBSUB}'><create node={quoteattr(node)}/>{conf}</pubsub>", to=to)


def configure(c, node, to=None, **config):
    return c.iq("set", f"<pubsub xmlns='{OWNER}'><configure node={quoteattr(node)}>{form(PUBSUB + '#node_config', **config)}</configure></pubsub>",
                to=to)


def configuration(c, node, to=None):
    el = ok(c.iq("get", f"<pubsub xmlns='{OWNER}'><configure node={quoteattr(node)}/></pubsub>", to=to))
    return {f.get("var"): [v.text or "" for v in f.findall(q(DATA, "value"))] for f in el.iter(q(DATA, "field"))}


def subscribe(c, node, to, jid=None):
    return c.iq("set", f"<pubsub xmlns='{PUBSUB}'><subscribe node={quoteattr(node)} jid={quoteattr(jid or c.bare)}/></pubsub>", to=to)


def affiliate(c, node, jid, is_, to=None):
    return c.iq("set", f"<pubsub xmlns='{OWNER}'><affiliations node={quoteattr(node)}><affiliation jid={quoteattr(jid)} "
                f"affiliation='{is_}'/></affiliations></pubsub>", to=to)


def ok(el):
    check(el.get("type") == "result", text_of(el))
    return el


def refused(el, *want):
    """The condition is one of these; the answer holds no item."""
    got = error_of(el)
    check(got is not None and got[0] in want, f"wanted {' or '.join(want)}: {text_of(el)}")
    return el


def specific(el, name):
    check(el.find(f"{q(CLIENT, 'error')}/{q(ERRORS, name)}") is not None, f"no <{name}/>: {text_of(el)}")


def ids_of(el):
    return [i.get("id") for i in el.iter(q(PUBSUB, "item"))]


def tune(title="T"):
    return f"<tune xmlns='{TUNE}'><title>{escape(title)}</title></tune>"


def ver_of(features, identities=("client/pc//t",), forms=()):
    s = "".join(i + "<" for i in sorted(identities)) + "".join(f + "<" for f in sorted(features)) + "".join(forms)
    return base64.b64encode(hashlib.sha1(s.encode()).digest()).decode()


class Aware(Client):
    """A client that says what it wants to be told of, and answers when asked what its hash stands for."""

    features, asked, lie = (), 0, None

    def _got(self, data):
        super()._got(data)
        for el in [e for e in self.inbox if e.tag == q(CLIENT, "iq") and e.get("type") == "get" and e.find(q(INFO, "query")) is not None]:
            self.inbox.remove(el)
            self.asked += 1
            node = el.find(q(INFO, "query")).get("node")
            inner = "<identity category='client' type='pc' name='t'/>" + "".join(f"<feature var={quoteattr(f)}/>" for f in self.lie or self.features)
            self.send(f"<iq type='result' id='{el.get('id')}' to='{el.get('from')}'><query xmlns='{INFO}'"
                      f"{' node=' + quoteattr(node) if node else ''}>{inner}</query></iq>")

    def wants(self, *nodes):
        self.features = tuple([INFO, *(n + "+notify" for n in nodes)])
        return self

    def online(self, ver=None):
        self.send(f"<presence><c xmlns='{CAPS}' hash='sha-1' node='https://t.example' ver='{ver or ver_of(self.features)}'/></presence>")
        return self.settle()


class People(Users):
    def aware(self, *nodes, name=None, resource=None, online=True):
        c = Aware(self.server, name or self.name(), resource=resource).login()
        c.wants(*nodes)
        if online:
            c.online()
            until_known(c)
        return c

    def friends(self, *nodes):
        """a is told of nothing, b of these nodes; each sees the other's presence."""
        a, b = self.client(), self.aware(*nodes, online=False)
        befriend(a, b)
        b.online()
        until_known(b)
        return a, b


def until_known(c):
    """The server has had time to ask."""
    for _ in range(3):
        c.settle()
    return c


def event(c, node, what="item", frm=None):
    """The next event of this node."""
    def fits(e):
        i = e.find(f"{q(EVENT, 'event')}/*")
        if i is None or i.get("node") != node or (frm and e.get("from") != frm):
            return False
        return (i.find(q(EVENT, what)) is not None) if what in ("item", "retract") else i.tag == q(EVENT, what)
    return c.expect(fits, name="message", what=f"an event with {what} of {node}")


def silent(c, node, what="an event"):
    c.none(lambda e: e.find(f"{q(EVENT, 'event')}/*[@node='{node}']") is not None, what)


def engine_tests(tap, users):
    def publish_get():
        a = users.client()
        el = ok(publish(a, "n1", tune("one"), id="i1"))
        check(child(el, PUBSUB, "pubsub", "publish", "item").get("id") == "i1", text_of(el))
        el = ok(items(a, "n1"))
        check(el.findtext(f".//{q(TUNE, 'title')}") == "one", text_of(el))
        ok(publish(a, "n1", tune("two"), id="i1"))
        el = ok(items(a, "n1", ids=["i1"]))
        check(ids_of(el) == ["i1"] and el.findtext(f".//{q(TUNE, 'title')}") == "two", text_of(el))
        refused(items(a, "n1", ids=["nothing"]), "item-not-found")
    tap.run("xep0163-publish: a node is made by publishing at it, an item replaced by its id", publish_get)

    def generated():
        a = users.client()
        el = ok(publish(a, "n", tune(), id=None))
        given = child(el, PUBSUB, "pubsub", "publish", "item").get("id")
        check(given and ids_of(items(a, "n")) == [given], f"id {given}")
    tap.run("xep0060-publish-id: the service names an item without an id (7.1.2)", generated)

    def order():
        a = users.client()
        for i in range(7):
            ok(publish(a, "many", tune(str(i)), id=f"i{i}", options={"max_items": 5, "persist_items": "true"}))
        check(ids_of(items(a, "many")) == ["i6", "i5", "i4", "i3", "i2"], f"{ids_of(items(a, 'many'))}")
        ok(publish(a, "many", tune("again"), id="i3"))
        check(ids_of(items(a, "many", attrs=" max_items='2'")) == ["i3", "i6"], f"{ids_of(items(a, 'many'))}")
        check(ids_of(items(a, "many", ids=["i4", "i2", "gone"])) == ["i4", "i2"], "by id")
    tap.run("xep0060-max-items: the oldest make room, the newest come first (6.5.7)", order)

    def rsm():
        a = users.client()
        for i in range(10):
            ok(publish(a, "rsm", tune(str(i)), id=f"i{i}", options={"max_items": "max"}))
        seen, after = [], ""
        for _ in range(4):
            el = ok(items(a, "rsm", extra=f"<set xmlns='{RSM}'><max>3</max>{after}</set>"))
            s = el.find(f".//{q(RSM, 'set')}")
            check(s.findtext(q(RSM, "count")) == "10", text_of(el))
            check(s.find(q(RSM, "first")).get("index") == str(len(seen)), text_of(s))
            seen += ids_of(el)
            after = f"<after>{s.findtext(q(RSM, 'last'))}</after>"
        check(seen == [f"i{9 - i}" for i in range(10)], f"{seen}")
        el = ok(items(a, "rsm", extra=f"<set xmlns='{RSM}'><max>2</max><before/></set>"))
        check(ids_of(el) == ["i1", "i0"], f"last page {ids_of(el)}")
        el = ok(items(a, "rsm", extra=f"<set xmlns='{RSM}'><max>2</max><before>i4</before></set>"))
        check(ids_of(el) == ["i6", "i5"], f"page before i4: {ids_of(el)}")
        refused(items(a, "rsm", extra=f"<set xmlns='{RSM}'><max>2</max><after>no-such</after></set>"), "item-not-found")
        for bad in ("-1", "x", "99999999999999999999999"):
            refused(items(a, "rsm", extra=f"<set xmlns='{RSM}'><max>{bad}</max></set>"), "bad-request")
    tap.run("xep0060-rsm: pages of items (6.5.4, XEP-0059)", rsm)

    def shapes():
        a = users.client()
        one = f"<pubsub xmlns='{PUBSUB}'>%s</pubsub>"
        for inner, cond, spec in (("<publish node='s'/>", "bad-request", "item-required"),
                                  ("<publish node='s'><item id='1'/></publish>", "bad-request", "payload-required"),
                                  (f"<publish node='s'><item id='1'>{tune()}{tune()}</item></publish>", "bad-request", "invalid-payload"),
                                  (f"<publish><item id='1'>{tune()}</item></publish>", "bad-request", "nodeid-required"),
                                  (f"<publish node='s'><item id='1'>{tune()}</item><item id='2'>{tune()}</item></publish>", "bad-request", "max-items-exceeded"),
                                  ("<options node='s' jid='x@y'/>", "feature-not-implemented", "unsupported"),
                                  ("<bogus node='s'/>", "bad-request", None), ("", "bad-request", None),
                                  (f"<publish node='{'n' * 2000}'><item id='1'>{tune()}</item></publish>", "not-acceptable", None),
                                  (f"<publish node='s'><item id='{'i' * 2000}'>{tune()}</item></publish>", "not-acceptable", None)):
            el = refused(a.iq("set", one % inner), cond)
            if spec:
                specific(el, spec)
        refused(items(a, "s"), "item-not-found")
    tap.run("xep0060-publish-bad: what is no item is refused and leaves nothing behind (7.1.3)", shapes)

    def gone():
        a = users.client()
        ok(publish(a, "r", tune(), id="x"))
        ok(retract(a, "r", "x"))
        check(ids_of(ok(items(a, "r"))) == [], "it is still there")
        refused(retract(a, "r", "x"), "item-not-found")
        el = refused(a.iq("set", f"<pubsub xmlns='{PUBSUB}'><retract node='r'/></pubsub>"), "bad-request")
        specific(el, "item-required")
        for i in range(3):
            ok(publish(a, "r", tune(), id=f"p{i}"))
        ok(a.iq("set", f"<pubsub xmlns='{OWNER}'><purge node='r'/></pubsub>"))
        check(ids_of(ok(items(a, "r"))) == [], "purged")
        ok(a.iq("set", f"<pubsub xmlns='{OWNER}'><delete node='r'/></pubsub>"))
        refused(items(a, "r"), "item-not-found")
        refused(a.iq("set", f"<pubsub xmlns='{OWNER}'><delete node='r'/></pubsub>"), "item-not-found")
    tap.run("xep0060-retract-purge-delete: items and nodes go (7.2, 8.4, 8.5)", gone)

    def create_config():
        a = users.client()
        ok(create(a, "c", access_model="whitelist", max_items="max", title="My <node>"))
        refused(create(a, "c"), "conflict")
        conf = configuration(a, "c")
        check(conf["pubsub#access_model"] == ["whitelist"] and conf["pubsub#max_items"] == ["max"] and conf["pubsub#title"] == ["My <node>"], f"{conf}")
        check(conf["FORM_TYPE"] == [PUBSUB + "#node_config"], f"{conf['FORM_TYPE']}")
        ok(configure(a, "c", access_model="open", notify_retract="0"))
        conf = configuration(a, "c")
        check(conf["pubsub#access_model"] == ["open"] and conf["pubsub#notify_retract"] == ["0"] and conf["pubsub#title"] == ["My <node>"], f"{conf}")
        for field, value in (("access_model", "everybody"), ("max_items", "-1"), ("persist_items", "maybe"), ("title", "x" * 5000)):
            refused(configure(a, "c", **{field: value}), "not-acceptable")
        refused(a.iq("set", f"<pubsub xmlns='{OWNER}'><configure node='c'/></pubsub>"), "bad-request")
        refused(a.iq("set", f"<pubsub xmlns='{OWNER}'><configure node='c'>{form('urn:other', access_model='open')}</configure></pubsub>"), "bad-request")
        ok(a.iq("set", f"<pubsub xmlns='{OWNER}'><configure node='c'><x xmlns='{DATA}' type='cancel'/></configure></pubsub>"))
        el = ok(a.iq("get", f"<pubsub xmlns='{OWNER}'><default/></pubsub>"))
        check("pubsub#access_model" in {f.get("var") for f in el.iter(q(DATA, "field"))}, text_of(el))
        el = ok(a.iq("set", f"<pubsub xmlns='{PUBSUB}'><create/></pubsub>"))
        check(len(child(el, PUBSUB, "pubsub", "create").get("node")) >= 8, "an instant node has a name")
    tap.run("xep0060-create-configure: options are set, shown and checked (8.1, 8.2)", create_config)

    def options():
        a = users.client()
        ok(publish(a, "o", tune(), options={"access_model": "open", "max_items": "max", "persist_items": "true"}))
        conf = configuration(a, "o")
        check(conf["pubsub#access_model"] == ["open"] and conf["pubsub#max_items"] == ["max"], f"{conf}")
        ok(publish(a, "o", tune(), options={"access_model": "open", "max_items": "max"}))
        for bad in ({"access_model": "whitelist"}, {"max_items": 3}, {"no_such_option": 1}):
            el = refused(publish(a, "o", tune("changed"), options=bad), "conflict")
            specific(el, "precondition-not-met")
        check(items(a, "o").findtext(f".//{q(TUNE, 'title')}") == "T", "a refused item was kept")
        el = refused(publish(a, "o2", tune(), options={"no_such_option": 1}), "conflict")
        specific(el, "precondition-not-met")
        refused(items(a, "o2"), "item-not-found")
    tap.run("xep0060-publish-options: made as asked, refused when it is otherwise (7.1.5)", options)

    def lasts():
        a = users.client()
        for i in range(3):
            ok(publish(a, "l", tune(str(i)), id=f"i{i}", options={"max_items": "max", "access_model": "whitelist"}))
        users.server.stop()
        users.server.start()
        b = users.client(a.user)
        check(ids_of(ok(items(b, "l"))) == ["i2", "i1", "i0"], "after a restart")
        check(configuration(b, "l")["pubsub#access_model"] == ["whitelist"], "the options after a restart")
    tap.run("xep0060-persistent: nodes and items outlive a restart", lasts)

    def killed():
        a = users.client()
        for i in range(5):
            ok(publish(a, "k", tune(str(i)), id=f"i{i}", options={"max_items": "max"}))
        ok(retract(a, "k", "i2"))
        ok(publish(a, BM, conference("Room"), id="r@conference.example"))
        users.server.kill9()
        users.server.start()
        b = users.client(a.user)
        check(ids_of(ok(items(b, "k"))) == ["i4", "i3", "i1", "i0"], "what was acknowledged is gone")
        check(old_rooms(private_get(b)) == old_rooms(items(b, OLD_BM)) == {("r@conference.example", "Room", True, None)}, "the old forms")
    tap.run("xep0060-kill9: what was acknowledged outlives SIGKILL, in every form of it", killed)

    def too_big():
        a = users.client()
        big = f"<b xmlns='urn:x'>{'&quot;' * 40000}</b>"
        el = publish(a, "big", big)
        if el.get("type") == "error":
            refused(el, "not-acceptable")
            specific(el, "payload-too-big")
            refused(items(a, "big"), "item-not-found")
        for i in range(8):
            ok(publish(a, "page", f"<b xmlns='urn:x'>{'x' * 200000}</b>", id=f"i{i}", options={"max_items": "max"}))
        el = ok(items(a, "page"))
        check(0 < len(ids_of(el)) < 8 and el.find(f".//{q(RSM, 'set')}") is not None, f"{len(ids_of(el))} large items in one answer")
    tap.run("xep0060-size: large items are bounded, and so is an answer", too_big)

    def many_nodes():
        a = users.client()
        made = 0
        for i in range(300):
            el = create(a, f"node{i}")
            if el.get("type") == "error":
                refused(el, "resource-constraint")
                specific(el, "max-nodes-exceeded")
                break
            made += 1
        check(200 <= made < 300, f"{made} nodes")
    tap.run("xep0060-quota: an account has so many nodes and no more (security-tests 109)", many_nodes)


    def quota():
        a = users.client()
        big = f"<b xmlns='urn:x'>{'x' * 250000}</b>"
        kept = 0
        for i in range(160):
            el = publish(a, "bomb", big, id=f"i{i}", options={"max_items": "max"})
            if el.get("type") == "error":
                refused(el, "resource-constraint")
                break
            kept += 1
        check(100 <= kept < 150, f"{kept} items of 250 kB")
        ok(a.iq("set", f"<pubsub xmlns='{OWNER}'><purge node='bomb'/></pubsub>"))
        ok(publish(a, "bomb", big, id="again"))
        b = users.client()
        ok(publish(a, "open", tune(), options={"access_model": "open"}))
        made = [subscribe(b, "open", a.bare, jid=f"{b.bare}/r{i}").get("type") for i in range(12)]
        check(made.count("result") == 8, f"{made.count('result')} subscriptions of one stranger")
        refused(subscribe(b, "open", a.bare, jid=f"{b.bare}/{'r' * 800}"), "not-acceptable")
    tap.run("xep0060-bomb: bytes and subscriptions are bounded, and given back (security-tests 109)", quota)


    def bent():
        a, b = users.friends(TUNE)
        svc = f"pubsub.{users.server.domain}"
        rnd = random.Random(int(os.environ.get("WARDROOM_SEED", "60")))
        names = ["publish", "retract", "items", "create", "configure", "default", "subscribe", "unsubscribe", "subscriptions", "affiliations", "options",
                 "delete", "purge", "publish-options", "item", "subscription", "affiliation", "x", "field", "value", "set", "max", "after", "before"]
        attrs = {"node": ["n", "", "urn:xmpp:bookmarks:1", "urn:xmpp:avatar:metadata", "storage:bookmarks", "\U0001f600", "a/b#c", "%s%n"], "id": ["1", "", "x" * 900],
                 "jid": [a.bare, b.bare, "@", "", a.jid], "type": ["submit", "form", "cancel", ""], "var": ["FORM_TYPE", "pubsub#access_model", "pubsub#max_items", ""],
                 "notify": ["1", "maybe"], "affiliation": ["owner", "none", "?"], "subscription": ["subscribed", "none", "pending"], "max_items": ["0", "-1", "max", "5"]}
        texts = ["", "open", "max", "-1", PUBSUB + "#node_config", OPTIONS, "1", "\u202e", "9" * 40]
        spaces = [PUBSUB, OWNER, DATA, RSM, BM, META, EVENT]

        def element(depth):
            out = f"<{(n := rnd.choice(names))}"
            if rnd.random() < 0.3:
                out += f" xmlns='{rnd.choice(spaces)}'"
            for k in rnd.sample(sorted(attrs), rnd.randrange(4)):
                out += f" {k}={quoteattr(rnd.choice(attrs[k]))}"
            inner = "".join(element(depth - 1) for _ in range(rnd.randrange(4))) if depth else escape(rnd.choice(texts))
            return f"{out}>{inner}</{n}>"
        want = 0
        for i in range(600):
            to = rnd.choice([None, a.bare, b.bare, svc, users.server.domain])
            x = "".join(element(3) for _ in range(rnd.randrange(1, 3)))
            a.send(f"<iq type='{rnd.choice(['get', 'set'])}' id='f{i}'{' to=' + quoteattr(to) if to else ''}>"
                   f"<pubsub xmlns='{rnd.choice([PUBSUB, OWNER])}'>{x}</pubsub></iq>")
            want += 1
        got = [a.expect(lambda e: (e.get("id") or "").startswith("f") and e.get("type") in ("result", "error"), name="iq", timeout=20) for _ in range(want)]
        check(len({e.get("id") for e in got}) == want, "an answer twice")
        check(not any((error_of(e) or ("",))[0] == "internal-server-error" for e in got), "an internal error")
        users.server.assert_healthy()
        ok(publish(a, "after", tune()))
    tap.run("xep0060-bent: six hundred bent requests get one answer each", bent)


def access_tests(tap, users):
    def models():
        a, friend = users.friends()
        stranger, ghost = users.client(), users.server.jid("nobody-here")
        for m in ("open", "presence", "roster", "whitelist"):
            ok(publish(a, m, tune(m), options={"access_model": m}))
        ok(items(friend, "open", to=a.bare))
        ok(items(friend, "presence", to=a.bare))
        ok(items(stranger, "open", to=a.bare))
        for m in ("roster", "whitelist", "nothing"):
            refused(items(friend, m, to=a.bare), "item-not-found")
        want = items(stranger, "open", to=ghost)
        for m in ("presence", "roster", "whitelist", "nothing"):
            el = items(stranger, m, to=a.bare)
            check(error_of(el) == error_of(want), f"{m}: {text_of(el)}, a missing account: {text_of(want)}")
        ok(affiliate(a, "whitelist", stranger.bare, "member"))
        ok(items(stranger, "whitelist", to=a.bare))
        ok(affiliate(a, "open", stranger.bare, "outcast"))
        refused(items(stranger, "open", to=a.bare), "forbidden", "service-unavailable")
        ok(affiliate(a, "whitelist", stranger.bare, "none"))
        refused(items(stranger, "whitelist", to=a.bare), "service-unavailable")
    tap.run("xep0060-access: each model lets in whom it names; for others there is nothing (4.5)", models)

    def groups():
        a, b = users.friends()
        ok(publish(a, "g", tune(), options={"access_model": "roster", "roster_groups_allowed": ["Crew", "Officers"]}))
        refused(items(b, "g", to=a.bare), "item-not-found")
        for name, good in (("Guests", False), ("Officers", True), ("officers", False), ("Crew", True)):
            ok(a.iq("set", f"<query xmlns='jabber:iq:roster'><item jid='{b.bare}'><group>{name}</group></item></query>"))
            el = items(b, "g", to=a.bare)
            check((el.get("type") == "result") == good, f"{name}: {text_of(el)}")
    tap.run("xep0060-access-roster: by the groups of the owner's roster", groups)

    def writes():
        a, friend = users.friends()
        stranger, ghost = users.client(), users.server.jid("nobody-here")
        for m in ("open", "presence", "whitelist"):
            ok(publish(a, m, tune("mine"), options={"access_model": m, "max_items": "max"}))
        o, p = f"<pubsub xmlns='{OWNER}'>%s</pubsub>", f"<pubsub xmlns='{PUBSUB}'>%s</pubsub>"
        for who in (friend, stranger):
            for m in ("open", "presence", "whitelist", "nothing"):
                want = error_of(publish(who, m, tune("HOSTILE"), to=ghost))
                tries = [("set", p % f"<publish node='{m}'><item id='current'>{tune('HOSTILE')}</item></publish>"),
                         ("set", p % f"<publish node='{m}'><item id='other'>{tune('HOSTILE')}</item></publish>"),
                         ("set", p % f"<retract node='{m}'><item id='current'/></retract>"),
                         ("set", p % f"<create node='{m}'/>"),
                         ("set", o % f"<delete node='{m}'/>"), ("set", o % f"<purge node='{m}'/>"),
                         ("get", o % f"<configure node='{m}'/>"),
                         ("set", o % f"<configure node='{m}'>{form(PUBSUB + '#node_config', access_model='open')}</configure>"),
                         ("get", o % f"<affiliations node='{m}'/>"), ("get", o % f"<subscriptions node='{m}'/>"),
                         ("set", o % f"<affiliations node='{m}'><affiliation jid='{who.bare}' affiliation='owner'/></affiliations>"),
                         ("set", o % f"<subscriptions node='{m}'><subscription jid='{who.bare}' subscription='subscribed'/></subscriptions>"),
                         ("set", p % f"<subscribe node='{m}' jid='{a.bare}'/>")]
                for t, x in tries:
                    el = who.iq(t, x, to=a.bare)
                    check(el.get("type") == "error", f"{who.user} at {m}: {x} gave {text_of(el)}")
                    check(b"mine" not in text_of(el).replace(x, "").encode() and a.bare + "/" not in text_of(el), f"tells too much: {text_of(el)}")
                    if who is stranger and m != "open":
                        check(error_of(el) == want, f"{m}: {x}: {text_of(el)}, a missing account: {want}")
        for m in ("open", "presence", "whitelist"):
            el = ok(items(a, m))
            check(ids_of(el) == ["current"] and el.findtext(f".//{q(TUNE, 'title')}") == "mine", text_of(el))
        refused(items(a, "nothing"), "item-not-found")
    tap.run("xep0060-foreign-writes: nobody writes, sets up or subscribes others at another's node (security-tests 109)", writes)

    def publishers():
        a, b = users.friends()
        ok(publish(a, "w", tune("a"), id="1", options={"max_items": "max", "access_model": "presence"}))
        refused(publish(b, "w", tune("b"), id="2", to=a.bare), "forbidden")
        ok(affiliate(a, "w", b.bare, "publisher"))
        ok(publish(b, "w", tune("b"), id="2", to=a.bare))
        el = ok(items(a, "w", ids=["2"]))
        check(child(el, PUBSUB, "pubsub", "items", "item").get("publisher") == b.bare, text_of(el))
        refused(publish(b, "w", tune("HOSTILE"), id="1", to=a.bare), "forbidden")
        refused(retract(b, "w", "1", to=a.bare), "forbidden")
        ok(retract(b, "w", "2", to=a.bare))
        refused(affiliate(a, "w", b.bare, "owner"), "not-acceptable")
        refused(affiliate(a, "w", b.bare, "king"), "bad-request")
        refused(affiliate(a, "w", "@@", "member"), "bad-request")
    tap.run("xep0060-affiliations: a publisher writes own items and those alone (4.1, 8.9)", publishers)


def notify_tests(tap, users):
    def contacts():
        a, b = users.friends(TUNE)
        a2 = users.aware(TUNE, name=a.user, resource="two")
        c = users.client()
        ok(publish(a, TUNE, tune("to friends")))
        ok(publish(a, MOOD, f"<mood xmlns='{MOOD}'/>"))
        el = event(b, TUNE, frm=a.bare)
        check(el.get("type") == "headline" and el.get("to") == b.jid and el.findtext(f".//{q(TUNE, 'title')}") == "to friends", text_of(el))
        event(a2, TUNE, frm=a.bare)
        for who, node in ((b, MOOD), (a2, MOOD), (a, TUNE), (c, TUNE)):
            silent(who, node, f"{who.user}: an event nobody asked for")
    tap.run("xep0163-notify: contacts and the own devices that say +notify, from the bare address (4.3)", contacts)

    def whitelist():
        a, b = users.friends(TUNE)
        a2 = users.aware(TUNE, name=a.user, resource="two")
        ok(publish(a, TUNE, tune("private"), options={"access_model": "whitelist"}))
        event(a2, TUNE)
        silent(b, TUNE)
        ok(a.iq("set", f"<pubsub xmlns='{OWNER}'><delete node='{TUNE}'/></pubsub>"))
        event(a2, TUNE, "delete")
        silent(b, TUNE)
    tap.run("xep0163-notify-access: only whom the access model lets read", whitelist)

    def last():
        a, b = users.friends(TUNE)
        ok(publish(a, TUNE, tune("the last"), id="L"))
        event(b, TUNE)
        b2 = users.aware(TUNE, name=b.user, resource="later")
        el = event(b2, TUNE, frm=a.bare)
        check(el.find(f".//{q(EVENT, 'item')}").get("id") == "L" and el.find("{urn:xmpp:delay}delay") is not None, text_of(el))
        b2.send(f"<presence><show>away</show><c xmlns='{CAPS}' hash='sha-1' node='https://t.example' ver='{ver_of(b2.features)}'/></presence>")
        silent(until_known(b2), TUNE, "the last item again with every presence")
        a.goodbye()
        b3 = users.aware(TUNE, name=b.user, resource="later-still")
        event(b3, TUNE, frm=a.bare)
        a2 = users.aware(TUNE, name=a.user, resource="again")
        event(a2, TUNE, frm=a.bare)
        stranger = users.aware(TUNE)
        silent(stranger, TUNE)
    tap.run("xep0163-last-item: with the first presence, also of who is away; once (4.3.4)", last)

    def let_in():
        a, b = users.client(), users.aware(TUNE)
        ok(publish(a, TUNE, tune("before"), id="L"))
        silent(b, TUNE)
        for c in (a, b):
            c.iq("get", "<query xmlns='jabber:iq:roster'/>")
        b.send(f"<presence type='subscribe' to='{a.bare}'/>")
        a.expect(name="presence", type="subscribe", frm=b.bare)
        a.send(f"<presence type='subscribed' to='{b.bare}'/>")
        check(event(b, TUNE, frm=a.bare).find(f".//{q(EVENT, 'item')}").get("id") == "L", "the item")
    tap.run("xep0163-new-contact: who is let in is sent what was published last (4.3.1)", let_in)

    def changes():
        a, b = users.friends(TUNE)
        ok(publish(a, TUNE, tune(), id="x"))
        event(b, TUNE)
        ok(retract(a, TUNE, "x"))
        check(event(b, TUNE, "retract").find(f".//{q(EVENT, 'retract')}").get("id") == "x", "id of the retracted")
        ok(a.iq("set", f"<pubsub xmlns='{OWNER}'><purge node='{TUNE}'/></pubsub>"))
        event(b, TUNE, "purge")
        ok(configure(a, TUNE, notify_config="1"))
        event(b, TUNE, "configuration")
        ok(a.iq("set", f"<pubsub xmlns='{OWNER}'><delete node='{TUNE}'/></pubsub>"))
        event(b, TUNE, "delete")
    tap.run("xep0060-notify-changes: of removed items, emptied and deleted nodes, options (7.2.2, 8)", changes)

    def blocked():
        a, b = users.friends(TUNE)
        ok(a.iq("set", f"<block xmlns='urn:xmpp:blocking'><item jid='{b.bare}'/></block>"))
        ok(publish(a, TUNE, tune("not for b")))
        silent(b, TUNE, "an event of who has blocked")
        b2 = users.aware(TUNE, name=b.user, resource="two")
        silent(b2, TUNE, "the last item of who has blocked")
        refused(items(b, TUNE, to=a.bare), "service-unavailable")
        ok(a.iq("set", "<unblock xmlns='urn:xmpp:blocking'/>"))
        ok(b.iq("set", f"<block xmlns='urn:xmpp:blocking'><item jid='{a.bare}'/></block>"))
        ok(publish(a, TUNE, tune("b wants nothing")))
        silent(b, TUNE, "an event of the blocked")
    tap.run("xep0191-pubsub: nothing passes between who has blocked and the blocked", blocked)

    def explicit():
        a, b = users.friends()
        stranger = users.client()
        ok(publish(a, "open", tune(), id="0", options={"access_model": "open"}))
        ok(publish(a, "closed", tune(), options={"access_model": "whitelist"}))
        el = ok(subscribe(stranger, "open", a.bare))
        s = child(el, PUBSUB, "pubsub", "subscription")
        check(s.get("subscription") == "subscribed" and s.get("jid") == stranger.bare, text_of(el))
        event(stranger, "open")
        refused(subscribe(stranger, "closed", a.bare), "service-unavailable")
        refused(subscribe(b, "closed", a.bare), "item-not-found")
        specific(refused(subscribe(stranger, "open", a.bare, jid=b.bare), "bad-request"), "invalid-jid")
        ok(publish(a, "open", tune("news"), id="1"))
        check(event(stranger, "open", frm=a.bare).findtext(f".//{q(TUNE, 'title')}") == "news", "the item")
        el = ok(stranger.iq("get", f"<pubsub xmlns='{PUBSUB}'><subscriptions node='open'/></pubsub>", to=a.bare))
        check([x.get("jid") for x in el.iter(q(PUBSUB, "subscription"))] == [stranger.bare], text_of(el))
        ok(configure(a, "open", access_model="whitelist"))
        ok(publish(a, "open", tune("secret"), id="2"))
        silent(stranger, "open", "an item of a node that is closed by now")
        ok(configure(a, "open", access_model="open"))
        ok(stranger.iq("set", f"<pubsub xmlns='{PUBSUB}'><unsubscribe node='open' jid='{stranger.bare}'/></pubsub>", to=a.bare))
        ok(publish(a, "open", tune("more"), id="3"))
        silent(stranger, "open")
        el = refused(stranger.iq("set", f"<pubsub xmlns='{PUBSUB}'><unsubscribe node='open' jid='{stranger.bare}'/></pubsub>", to=a.bare), "unexpected-request")
        specific(el, "not-subscribed")
    tap.run("xep0060-subscribe: explicitly, for oneself, as long as one may read (6.1, 6.2)", explicit)


    def rate():
        with Instance(users=["u0", "u1"], limits={"messages_per_s": "20"}) as slow:
            rate_at(People(slow, 2))

    def rate_at(own):
        a, b = own.friends(TUNE)
        t0 = time.monotonic()
        for i in range(1, 76):
            a.send(f"<iq type='set' id='p{i}'><pubsub xmlns='{PUBSUB}'><publish node='{TUNE}'><item id='x'>{tune(str(i))}</item></publish></pubsub></iq>")
        a.expect(name="iq", id="p75", timeout=30)
        took = time.monotonic() - t0
        check(took > 1, f"75 events for every contact in {took:.2f} s")
        for _ in range(75):
            el = event(b, TUNE)
        check(el.findtext(f".//{q(TUNE, 'title')}") == "75", "none was lost")
    tap.run("xep0163-rate: publishing counts as sending a message does (security-tests 133)", rate)


    def inspected():
        a, b = users.friends("urn:blog", BM)
        entry = "<entry xmlns='urn:blog'><title>see %s</title></entry>"
        svc = f"pubsub.{users.server.domain}"
        ok(create(a, "inspected", svc))
        for to, node in ((None, "urn:blog"), (svc, "inspected")):
            for text in ("https://examp1e.test/login", "<![CDATA[https://examp1e.test]]>/login", "<a xmlns='http://www.w3.org/1999/xhtml' href='https://examp1e.test/'>here</a>"):
                refused(publish(a, node, entry % text, id="bad", to=to), "policy-violation")
        silent(b, "urn:blog", "what was refused")
        refused(items(a, "urn:blog"), "item-not-found")
        ok(publish(a, "urn:blog", entry % "https://wiki.example/page", id="good"))
        event(b, "urn:blog")
        for i in range(8):		# the names of forms are links as well, and the same for everybody
            c, d = users.friends("urn:plain")
            ok(publish(c, "urn:plain", tune(), options={"access_model": "presence", "persist_items": "true"}))
            event(d, "urn:plain")
        ok(publish(a, BM, conference(extra="<extensions><x xmlns='urn:x'>https://examp1e.test/login</x></extensions>"), id="r@conference.example"))
    tap.run("xep0163-inspection: what is published to contacts is judged as a message to them is", inspected)

    def frozen():
        a, b = users.friends("urn:blog")
        users.server.cli("user", "freeze", a.bare)
        refused(publish(a, "urn:blog", "<entry xmlns='urn:blog'><title>hello</title></entry>", id="cold"), "policy-violation")
        silent(b, "urn:blog", "what a frozen account publishes")
        users.server.cli("user", "thaw", a.bare)
        ok(publish(a, "urn:blog", "<entry xmlns='urn:blog'><title>hello</title></entry>", id="warm"))
        event(b, "urn:blog")
    tap.run("xep0163-frozen: a frozen account publishes nothing", frozen)

    def handed_over():
        a, b = users.friends("urn:blog")
        oob = "<query xmlns='jabber:iq:oob'><url>%s</url></query>"
        refused(a.iq("set", oob % "https://examp1e.test/login", to=b.jid), "policy-violation")
        a.send(f"<iq type='set' id='oob' to='{b.jid}'>{oob % 'https://wiki.example/page'}</iq>")
        el = b.expect(name="iq", type="set", has="{jabber:iq:oob}query")
        check("examp1e" not in text_of(el), "the refused one came")
    tap.run("xep0066-iq: a link that is handed over by iq is judged", handed_over)

    def told_why():
        a, _ = users.friends("urn:blog")
        el = publish(a, "urn:blog", "<entry xmlns='urn:blog'><title>see https://examp1e.test/login</title></entry>")
        refused(el, "policy-violation")
        text = el.findtext(".//{urn:ietf:params:xml:ns:xmpp-stanzas}text") or ""
        number = re.search(r"\(number ([0-9a-v]{13})\)", text)
        check(number, f"no number to ask about: {text_of(el)}")
        a.settle()
        story = users.server.json("why", number.group(1))
        check(a.bare in json.dumps(story) and story["findings"], f"nothing to be told: {story}")
    tap.run("xep0163-why: what is refused is recorded under the number that its author is told", told_why)

    def cards():
        a, b = users.friends("urn:blog")
        evil = "https://examp1e.test/login"
        for inner in (f"<DESC>see {evil}</DESC>", f"<URL>{evil}</URL>", f"<FN>Ann, {evil}</FN>"):
            refused(a.iq("set", f"<vCard xmlns='vcard-temp'>{inner}</vCard>"), "policy-violation")
        refused(publish(a, "urn:xmpp:vcard4", f"<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><url><uri>{evil}</uri></url></vcard>"), "policy-violation")
        check("examp1e" not in text_of(b.iq("get", "<vCard xmlns='vcard-temp'/>", to=a.bare)), "it is there all the same")
        photo = f"<PHOTO><TYPE>image/png</TYPE><BINVAL>{base64.b64encode(png(b'https://' * 3000)).decode()}</BINVAL></PHOTO>"
        el = a.iq("set", f"<vCard xmlns='vcard-temp'><FN>Ann</FN><URL>https://wiki.example/ann</URL>{photo}</vCard>")
        check(el.get("type") == "result", f"an ordinary card is refused: {text_of(el)}")
        check("wiki.example" in text_of(b.iq("get", "<vCard xmlns='vcard-temp'/>", to=a.bare)), "not kept")
    tap.run("xep0054-inspection: a card is judged as what is published is; its pictures are bytes", cards)


def caps_tests(tap, users):
    def poisoned():
        a, liar = users.friends()
        node = "urn:poison"
        ver = ver_of([INFO, node + "+notify"])
        liar.lie = [INFO, TUNE + "+notify"]
        liar.online(ver)
        until_known(liar)
        b = users.aware(node, name=liar.user, resource="honest")
        ok(publish(a, node, tune()))
        event(b, node)
        check(b.asked == 1, "an answer that does not fit the hash was kept for others")
    tap.run("xep0115-poison: an answer that does not fit its hash counts for its session alone (security-tests 87)", poisoned)

    def cached():
        a, b = users.friends("urn:cached")
        check(b.asked == 1, f"asked {b.asked} times")
        b2 = users.aware("urn:cached", name=b.user, resource="two")
        check(b2.asked == 0, "asked again for a hash it knows")
        ok(publish(a, "urn:cached", tune()))
        event(b2, "urn:cached")
        b2.wants("urn:cached", "urn:more").online()
        until_known(b2)
        ok(publish(a, "urn:more", tune()))
        event(b2, "urn:more")
    tap.run("xep0115-cache: a hash is asked for once; a new one at once", cached)

    def restarted():
        a, b = users.friends("urn:lasting")
        name, features = b.user, b.features
        b.sm_enable()
        old = b.sm_id
        b.settle()
        b.cut()
        users.server.stop()
        users.server.start()
        a = users.client(a.user)
        ok(publish(a, "urn:lasting", tune("while b was away"), id="away"))
        c = Aware(users.server, name, resource="fresh").login()
        c.features = features
        c.online()
        check(event(c, "urn:lasting").find(f".//{q(EVENT, 'item')}").get("id") == "away" and c.asked == 0, f"asked {c.asked} times")
        b2 = Aware(users.server, name)
        b2.login(bind=False)
        b2.resume(b)
        check(event(b2, "urn:lasting").find(f".//{q(EVENT, 'item')}").get("id") == "away", "the event that waited")
        check(old, "no id of the stream")
    tap.run("xep0115-restart: what hashes stand for outlives a restart; events wait for who has not come back", restarted)

    def legacy():
        a, b = users.friends()
        b.wants("urn:old").send(f"<presence><c xmlns='{CAPS}' node='https://t.example' ver='1.0'/></presence>")
        until_known(b)
        ok(publish(a, "urn:old", tune()))
        event(b, "urn:old")
        other = users.aware(name=b.user, resource="none")
        silent(other, "urn:old")
    tap.run("xep0115-legacy: a name without a hash is asked for its session", legacy)


def disco_tests(tap, users):
    def account():
        a, b = users.friends()
        el = ok(a.iq("get", f"<query xmlns='{INFO}'/>", to=a.bare))
        check(("pubsub", "pep") in {(i.get("category"), i.get("type")) for i in el.iter(q(INFO, "identity"))}, text_of(el))
        got = {f.get("var") for f in el.iter(q(INFO, "feature"))}
        want = {PUBSUB + "#" + f for f in ("access-presence", "auto-create", "auto-subscribe", "config-node", "config-node-max", "create-and-configure",
                                           "create-nodes", "filtered-notifications", "persistent-items", "multi-items", "publish", "publish-options",
                                           "retrieve-items", "subscribe", "item-ids", "rsm", "retract-items")}
        check(want <= got, f"missing {want - got}")
    tap.run("xep0163-disco: identity and features of an account (6.1)", account)

    def nodes():
        a, b = users.friends()
        stranger, ghost = users.client(), users.server.jid("nobody-here")
        for m in ("open", "presence", "whitelist"):
            ok(publish(a, m, tune(m), id=f"id-{m}", options={"access_model": m, "max_items": "max"}))
        ok(configure(a, "open", title="A title"))

        def seen(c):
            el = c.iq("get", f"<query xmlns='{ITEMS}'/>", to=a.bare)
            return {i.get("node") for i in el.iter(q(ITEMS, "item"))} if el.get("type") == "result" else error_of(el)
        check(seen(a) == {"open", "presence", "whitelist"}, f"{seen(a)}")
        check(seen(b) == {"open", "presence"}, f"{seen(b)}")
        check(seen(stranger) == {"open"}, f"{seen(stranger)}")
        for t in (INFO, ITEMS):
            missing = error_of(stranger.iq("get", f"<query xmlns='{t}' node='open'/>", to=ghost))
            for m in ("presence", "whitelist", "nothing"):
                check(error_of(stranger.iq("get", f"<query xmlns='{t}' node='{m}'/>", to=a.bare)) == missing, f"{t} of {m}")
            refused(b.iq("get", f"<query xmlns='{t}' node='whitelist'/>", to=a.bare), "item-not-found")
        el = ok(stranger.iq("get", f"<query xmlns='{INFO}' node='open'/>", to=a.bare))
        check(("pubsub", "leaf") in {(i.get("category"), i.get("type")) for i in el.iter(q(INFO, "identity"))}, text_of(el))
        fields = {f.get("var"): f.findtext(q(DATA, "value")) for f in el.iter(q(DATA, "field"))}
        check(fields.get("FORM_TYPE") == PUBSUB + "#meta-data" and fields.get("pubsub#title") == "A title" and fields.get("pubsub#num_items") == "1", f"{fields}")
        el = ok(b.iq("get", f"<query xmlns='{ITEMS}' node='presence'/>", to=a.bare))
        check([i.get("name") for i in el.iter(q(ITEMS, "item"))] == ["id-presence"], text_of(el))
        check(error_of(stranger.iq("get", f"<query xmlns='{ITEMS}'/>", to=b.bare)) == error_of(stranger.iq("get", f"<query xmlns='{ITEMS}'/>", to=ghost)), "an account without nodes")
    tap.run("xep0060-disco: nodes, their items and meta-data, for whoever may read them (5.2 to 5.5)", nodes)


BM, OLD_BM, PRIVATE = "urn:xmpp:bookmarks:1", "storage:bookmarks", "jabber:iq:private"


def conference(name="Room", nick=None, autojoin=True, extra=""):
    return (f"<conference xmlns='{BM}' name={quoteattr(name)} autojoin='{'true' if autojoin else 'false'}'>"
            + (f"<nick>{escape(nick)}</nick>" if nick else "") + extra + "</conference>")


def storage(*rooms, urls=()):
    out = "".join(f"<conference jid={quoteattr(j)} name={quoteattr(n)} autojoin='{a}'><nick>{k}</nick></conference>" for j, n, a, k in rooms)
    return f"<storage xmlns='{OLD_BM}'>{out}{''.join(f'<url name={quoteattr(u)} url={quoteattr(u)}/>' for u in urls)}</storage>"


def private_get(c):
    return ok(c.iq("get", f"<query xmlns='{PRIVATE}'><storage xmlns='{OLD_BM}'/></query>"))


def private_set(c, xml):
    return c.iq("set", f"<query xmlns='{PRIVATE}'>{xml}</query>")


def old_rooms(el):
    return {(e.get("jid"), e.get("name"), e.get("autojoin") in ("true", "1"), e.findtext(q(OLD_BM, "nick"))) for e in el.iter(q(OLD_BM, "conference"))}


def bookmark_tests(tap, users):
    always = {"access_model": "whitelist", "persist_items": "true", "max_items": "max", "send_last_published_item": "never"}

    def native():
        a = users.client()
        a2 = users.aware(BM, name=a.user, resource="two")
        for i in range(3):
            ok(publish(a, BM, conference(f"Room {i}", "me"), id=f"r{i}@conference.example", options=always))
            event(a2, BM)
        check(len(ids_of(ok(items(a, BM)))) == 3, "three bookmarks are three items")
        ok(retract(a, BM, "r1@conference.example"))
        event(a2, BM, "retract")
        check(set(ids_of(items(a, BM))) == {"r0@conference.example", "r2@conference.example"}, "after one was removed")
        el = ok(a.iq("get", f"<query xmlns='{INFO}'/>", to=a.bare))
        got = {f.get("var") for f in el.iter(q(INFO, "feature"))}
        check({BM + "#compat", BM + "#compat-pep", "urn:xmpp:bookmarks-conversion:0"} <= got, "features")
    tap.run("xep0402-native: an item a room, told to the other devices", native)

    def defaults():
        a, b = users.friends(BM, "urn:xmpp:mds:displayed:0", OLD_BM)
        for node in (BM, "urn:xmpp:mds:displayed:0"):
            for i in range(3):
                ok(publish(a, node, conference("secret"), id=f"r{i}@conference.example"))
            check(configuration(a, node)["pubsub#access_model"] == ["whitelist"], f"{node} is not private by default")
            check(len(ids_of(items(a, node))) == 3, f"{node} keeps one item")
            refused(items(b, node, to=a.bare), "item-not-found")
            silent(b, node)
        silent(b, OLD_BM)
    tap.run("xep0402-private: bookmarks and what was read are nobody else's, also for a client that names no options", defaults)

    def to_old():
        a = users.client()
        a2 = users.aware(OLD_BM, name=a.user, resource="old")
        ok(publish(a, BM, conference("One & only", "me"), id="one@conference.example", options=always))
        want = {("one@conference.example", "One & only", True, "me")}
        check(old_rooms(event(a2, OLD_BM)) == want, "event of the old node")
        check(old_rooms(private_get(a)) == want, text_of(private_get(a)))
        check(old_rooms(items(a, OLD_BM)) == want, text_of(items(a, OLD_BM)))
        ok(publish(a, BM, conference("Two", autojoin=False), id="two@conference.example"))
        check(old_rooms(private_get(a)) == want | {("two@conference.example", "Two", False, None)}, text_of(private_get(a)))
        ok(retract(a, BM, "one@conference.example"))
        check(old_rooms(private_get(a)) == {("two@conference.example", "Two", False, None)}, text_of(private_get(a)))
        check(old_rooms(items(a, OLD_BM)) == {("two@conference.example", "Two", False, None)}, text_of(items(a, OLD_BM)))
        ok(a.iq("set", f"<pubsub xmlns='{OWNER}'><delete node='{BM}'/></pubsub>"))
        check(old_rooms(private_get(a)) == set(), text_of(private_get(a)))
    tap.run("xep0402-compat: new bookmarks show in private XML and in the old node", to_old)

    def from_private():
        a = users.client()
        a2 = users.aware(BM, name=a.user, resource="new")
        ok(publish(a, BM, conference("X", "me", extra="<extensions><state xmlns='urn:ext' minimized='true'/></extensions>"), id="x@conference.example", options=always))
        event(a2, BM)
        ok(private_set(a, storage(("x@conference.example", "X", "true", "me"), ("Y@Conference.example", "Y", "1", "nick"), ("@@", "bad", "1", "n"),
                                  urls=["https://wiki.example/"])))
        el = event(a2, BM)
        check(el.find(f".//{q(EVENT, 'item')}").get("id") == "y@conference.example", text_of(el))
        silent(a2, BM, "an event of a bookmark that has not changed")
        el = ok(items(a, BM))
        check(set(ids_of(el)) == {"x@conference.example", "y@conference.example"}, text_of(el))
        check(el.find(".//{urn:ext}state") is not None, "the extensions of the new form are lost")
        check(old_rooms(items(a, OLD_BM)) == old_rooms(private_get(a)), "the old forms differ")
        check(private_get(a).find(f".//{q(OLD_BM, 'url')}") is not None, "addresses of the web are lost")
        ok(publish(a, BM, conference("Z"), id="z@conference.example"))
        event(a2, BM)
        check(private_get(a).find(f".//{q(OLD_BM, 'url')}").get("url") == "https://wiki.example/", "addresses are lost with the next change")
        ok(private_set(a, storage(("y@conference.example", "Y2", "0", "nick"))))
        el = ok(items(a, BM))
        check(ids_of(el) == ["y@conference.example"] and el.find(f".//{q(BM, 'conference')}").get("name") == "Y2", text_of(el))
        event(a2, BM, "retract")
    tap.run("xep0411-private-xml: old bookmarks become new ones; unchanged ones are left alone", from_private)

    def from_old_node():
        a = users.client()
        a2 = users.aware(BM, OLD_BM, name=a.user, resource="new")
        ok(publish(a, OLD_BM, storage(("o@conference.example", "Old", "true", "me")), options={"access_model": "whitelist", "persist_items": "true"}))
        event(a2, OLD_BM)
        event(a2, BM)
        check(ids_of(items(a, BM)) == ["o@conference.example"], text_of(items(a, BM)))
        check(old_rooms(private_get(a)) == {("o@conference.example", "Old", True, "me")}, text_of(private_get(a)))
    tap.run("xep0048-node: the old node becomes new bookmarks and private XML", from_old_node)

    def open_node():
        a, b = users.friends(BM, OLD_BM)
        ok(create(a, OLD_BM, access_model="open"))
        ok(private_set(a, storage(("s@conference.example", "HOSTILE", "true", "me"))))
        check(ids_of(items(b, OLD_BM, to=a.bare)) == [], "private bookmarks in a node that others may read")
        silent(b, OLD_BM)
        silent(b, BM)
        check(ids_of(items(a, BM)) == ["s@conference.example"], "the new form")
    tap.run("xep0411-access: nothing private goes into a node that others may read", open_node)

    def private_others():
        a = users.client()
        ok(private_set(a, "<other xmlns='urn:other'><x/></other>"))
        el = ok(a.iq("get", f"<query xmlns='{PRIVATE}'><other xmlns='urn:other'/></query>"))
        check(el.find(".//{urn:other}x") is not None, text_of(el))
    tap.run("xep0049-others: other private XML is as it was", private_others)


def standing_tests(tap, users):
    def omemo():
        a, b = users.client(), users.client()
        ax = "eu.siacs.conversations.axolotl"
        dl, opts = ax + ".devicelist", {"access_model": "open", "persist_items": "true"}
        c, friend = users.friends(dl)
        el = refused(items(friend, dl, to=c.bare), "item-not-found")
        check(el.find(q(CLIENT, "error")).get("code") == "404", "profanity looks for the legacy code 404")
        ok(publish(a, dl, f"<list xmlns='{ax}'><device id='1'/></list>", options=opts))
        ok(publish(a, f"{ax}.bundles:1", f"<bundle xmlns='{ax}'/>", options=opts))
        ok(items(b, dl, to=a.bare))
        ok(items(b, f"{ax}.bundles:1", to=a.bare))
        new = "urn:xmpp:omemo:2"
        for i in range(3):
            ok(publish(a, new + ":bundles", f"<bundle xmlns='{new}'/>", id=str(i), options={"access_model": "open", "max_items": "max"}))
        ok(publish(a, new + ":devices", f"<devices xmlns='{new}'><device id='0'/></devices>", options={"access_model": "open"}))
        check(ids_of(ok(items(b, new + ":bundles", to=a.bare, ids=["1"]))) == ["1"], "one bundle of several")
        ok(items(b, new + ":devices", to=a.bare))
        ok(publish(c, dl, f"<list xmlns='{ax}'><device id='7'/></list>"))
        event(friend, dl, frm=c.bare)
        ok(items(b, dl, to=c.bare))
    tap.run("xep0384-nodes: device lists and bundles are readable for everybody, several bundles at one node", omemo)

    def mds():
        a = users.client()
        node = "urn:xmpp:mds:displayed:0"
        a2 = users.aware(node, name=a.user, resource="two")
        opts = {"persist_items": "true", "max_items": "max", "send_last_published_item": "never", "access_model": "whitelist"}
        sid = "<displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' by='x' id='%s'/></displayed>"
        ok(publish(a, node, sid % "1", id="juliet@example", options=opts))
        ok(publish(a, node, sid % "2", id="romeo@example", options=opts))
        ok(publish(a, node, sid % "3", id="juliet@example", options=opts))
        for _ in range(3):
            el = event(a2, node)
        check(el.find(".//{urn:xmpp:sid:0}stanza-id").get("id") == "3", text_of(el))
        check(ids_of(items(a, node)) == ["juliet@example", "romeo@example"], "one item a conversation")
        a3 = users.aware(node, name=a.user, resource="three")
        silent(a3, node, "the last item, which nobody is to be sent at login")
    tap.run("xep0490-displayed: an item a conversation, told to the own devices alone", mds)

    def storage_rules():
        a, b = users.friends("urn:private", "urn:public")
        priv, pub = {"persist_items": "true", "access_model": "whitelist"}, {"persist_items": "true", "access_model": "open", "max_items": "max"}
        for i in range(3):
            ok(publish(a, "urn:public", "<x xmlns='urn:public'/>", id=f"p{i}", options=pub))
            event(b, "urn:public")
        ok(publish(a, "urn:private", "<x xmlns='urn:private'/>", options=priv))
        silent(b, "urn:private")
        stranger = users.client()
        check(len(ids_of(ok(items(stranger, "urn:public", to=a.bare)))) == 3, "public")
        refused(items(stranger, "urn:private", to=a.bare), "service-unavailable")
        refused(publish(a, "urn:public", "<x xmlns='urn:public'/>", options=priv), "conflict")
    tap.run("xep0222-public: persistent for everybody; xep0223-private: for oneself", storage_rules)


def service_tests(tap, users):
    svc = f"pubsub.{users.server.domain}"

    def found():
        a = users.client()
        el = ok(a.iq("get", f"<query xmlns='{ITEMS}'/>", to=users.server.domain))
        check(svc in {i.get("jid") for i in el.iter(q(ITEMS, "item"))}, text_of(el))
        el = ok(a.iq("get", f"<query xmlns='{INFO}'/>", to=svc))
        check(("pubsub", "service") in {(i.get("category"), i.get("type")) for i in el.iter(q(INFO, "identity"))}, text_of(el))
        check({PUBSUB, PUBSUB + "#create-nodes", PUBSUB + "#publish", PUBSUB + "#subscribe"} <= {f.get("var") for f in el.iter(q(INFO, "feature"))}, "features")
        ok(a.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=svc))
        refused(a.iq("get", "<query xmlns='jabber:iq:version'/>", to=svc), "service-unavailable")
        refused(a.iq("get", f"<pubsub xmlns='{PUBSUB}'><items node='x'/></pubsub>", to="x@" + svc), "service-unavailable")
        a.message(svc, "hello", id="m")
        refused(a.expect(name="message", id="m", type="error"), "service-unavailable")
    tap.run("xep0060-service: found by disco#items of the domain; takes requests alone (5.1)", found)

    def life():
        a, b, c = users.client(), users.client(), users.client()
        node = "news"
        ok(create(a, node, svc, title="News", max_items="max"))
        refused(create(b, node, svc), "conflict")
        ok(subscribe(b, node, svc))
        ok(publish(a, node, tune("first"), id="1", to=svc))
        el = event(b, node, frm=svc)
        check(el.find(f".//{q(EVENT, 'item')}").get("publisher") == a.bare and el.get("to") == b.bare, text_of(el))
        silent(c, node)
        for x in (publish(b, node, tune("HOSTILE"), id="2", to=svc), publish(b, node, tune("HOSTILE"), id="1", to=svc), retract(b, node, "1", to=svc),
                  configure(b, node, svc, access_model="open"), affiliate(b, node, b.bare, "owner", svc),
                  b.iq("set", f"<pubsub xmlns='{OWNER}'><delete node='{node}'/></pubsub>", to=svc),
                  b.iq("get", f"<pubsub xmlns='{OWNER}'><subscriptions node='{node}'/></pubsub>", to=svc),
                  b.iq("get", f"<pubsub xmlns='{OWNER}'><affiliations node='{node}'/></pubsub>", to=svc),
                  b.iq("get", f"<pubsub xmlns='{OWNER}'><configure node='{node}'/></pubsub>", to=svc)):
            refused(x, "forbidden")
        check(ids_of(ok(items(c, node, to=svc))) == ["1"], "open to read")
        ok(subscribe(c, node, svc, jid=c.jid))
        el = event(c, node)
        check(el.get("to") == c.jid, "the last item on subscription, to the full address")
        check(el.find(f".//{q(EVENT, 'item')}").get("publisher") == a.bare, f"the last item is not of who subscribes: {text_of(el)}")
        ok(affiliate(a, node, c.bare, "publisher", svc))
        ok(publish(c, node, tune("second"), id="2", to=svc))
        for x in (b, c):
            event(x, node)
        el = ok(a.iq("get", f"<pubsub xmlns='{OWNER}'><subscriptions node='{node}'/></pubsub>", to=svc))
        check({x.get("jid") for x in el.iter(q(OWNER, "subscription"))} == {b.bare, c.jid}, text_of(el))
        ok(a.iq("set", f"<pubsub xmlns='{OWNER}'><subscriptions node='{node}'><subscription jid='{b.bare}' subscription='none'/></subscriptions></pubsub>", to=svc))
        refused(a.iq("set", f"<pubsub xmlns='{OWNER}'><subscriptions node='{node}'><subscription jid='{b.bare}' subscription='subscribed'/></subscriptions></pubsub>",
                     to=svc), "not-acceptable")
        ok(publish(a, node, tune("third"), id="3", to=svc))
        silent(b, node, "an event for who was unsubscribed")
        event(c, node)
        el = ok(c.iq("get", f"<pubsub xmlns='{PUBSUB}'><subscriptions/></pubsub>", to=svc))
        check([x.get("node") for x in el.iter(q(PUBSUB, "subscription"))] == [node], text_of(el))
        el = ok(c.iq("get", f"<pubsub xmlns='{PUBSUB}'><affiliations/></pubsub>", to=svc))
        check([(x.get("node"), x.get("affiliation")) for x in el.iter(q(PUBSUB, "affiliation"))] == [(node, "publisher")], text_of(el))
        refused(affiliate(a, node, a.bare, "none", svc), "not-acceptable")
        ok(a.iq("set", f"<pubsub xmlns='{OWNER}'><delete node='{node}'/></pubsub>", to=svc))
        event(c, node, "delete")
        refused(items(c, node, to=svc), "item-not-found")
    tap.run("xep0060-service-life: create, subscribe, publish, affiliations, delete; the last owner stays (6 to 8)", life)

    def hidden():
        a, b = users.client(), users.client()
        ok(create(a, "board", svc, access_model="whitelist"))
        ok(publish(a, "board", tune("secret"), id="1", to=svc))
        for x in (items(b, "board", to=svc), subscribe(b, "board", svc), publish(b, "board", tune(), to=svc), retract(b, "board", "1", to=svc),
                  b.iq("get", f"<query xmlns='{INFO}' node='board'/>", to=svc), b.iq("get", f"<query xmlns='{ITEMS}' node='board'/>", to=svc),
                  b.iq("set", f"<pubsub xmlns='{OWNER}'><purge node='board'/></pubsub>", to=svc)):
            refused(x, "item-not-found")
        el = ok(b.iq("get", f"<query xmlns='{ITEMS}'/>", to=svc))
        check("board" not in {i.get("node") for i in el.iter(q(ITEMS, "item"))}, "a hidden node is listed")
        ok(affiliate(a, "board", b.bare, "member", svc))
        check(ids_of(ok(items(b, "board", to=svc))) == ["1"], "a member reads")
        ok(subscribe(b, "board", svc))
        event(b, "board")
        ok(affiliate(a, "board", b.bare, "outcast", svc))
        ok(publish(a, "board", tune("more"), id="2", to=svc))
        silent(b, "board", "an event for an outcast")
        refused(items(b, "board", to=svc), "forbidden")
        for m in ("presence", "roster"):
            refused(configure(a, "board", svc, access_model=m), "not-acceptable")
        refused(publish(a, "made by publishing", tune(), to=svc), "item-not-found")
    tap.run("xep0060-service-hidden: a whitelist node does not exist for others", hidden)

    def lasts():
        a, b = users.client(), users.client()
        ok(create(a, "lasting", svc, max_items="max"))
        ok(subscribe(b, "lasting", svc))
        ok(publish(a, "lasting", tune(), id="1", to=svc))
        users.server.stop()
        users.server.start()
        a, b = users.client(a.user), users.client(b.user)
        check(ids_of(ok(items(b, "lasting", to=svc))) == ["1"], "items")
        ok(publish(a, "lasting", tune(), id="2", to=svc))
        event(b, "lasting")
    tap.run("xep0060-service-lasts: nodes, items, subscriptions outlive a restart", lasts)


FAR = "far.example.test"


def approval_tests(tap, users):
    svc = f"pubsub.{users.server.domain}"
    AUTH = PUBSUB + "#subscribe_authorization"

    def state(el):
        s = next(el.iter(q(PUBSUB, "subscription")), None)
        return s.get("subscription") if s is not None else None

    def mine(c, node):
        el = ok(c.iq("get", f"<pubsub xmlns='{PUBSUB}'><subscriptions node='{node}'/></pubsub>", to=svc))
        return [(s.get("jid"), s.get("subscription")) for s in el.iter(q(PUBSUB, "subscription"))]

    def asked(c):
        return c.expect(lambda e: e.find(q(DATA, "x")) is not None, name="message", frm=svc, what="the owner's form")

    def answer(c, node, jid, allow, id="an"):
        c.send(f"<message to='{svc}' id='{id}'>{form(AUTH, node=node, subscriber_jid=jid, allow=allow)}</message>")

    def told(c, node, want):
        m = c.expect(lambda e: next(e.iter(q(EVENT, "subscription")), None) is not None, name="message", frm=svc)
        s = next(m.iter(q(EVENT, "subscription")))
        check((s.get("node"), s.get("subscription")) == (node, want), text_of(m))

    def by_form():
        a, b, c = users.client(), users.client(), users.client()
        ok(create(a, "club", svc, access_model="authorize"))
        ok(publish(a, "club", tune("secret"), id="1", to=svc))
        check(state(ok(subscribe(b, "club", svc))) == "pending", "subscribed without being asked for")
        f = asked(a)
        fields = {x.get("var"): x.findtext(q(DATA, "value")) for x in f.iter(q(DATA, "field"))}
        check(fields == {"FORM_TYPE": AUTH, "pubsub#node": "club", "pubsub#subscriber_jid": b.bare, "pubsub#allow": "false"}, f"{fields}")
        refused(items(b, "club", to=svc), "item-not-found")
        check(state(ok(subscribe(b, "club", svc))) == "pending", "asked twice")
        a.settle()
        check(not [e for e in a.inbox if e.find(q(DATA, "x")) is not None], "the owner is asked twice for one thing")
        check(mine(b, "club") == [(b.bare, "pending")], f"{mine(b, 'club')}")
        ok(publish(a, "club", tune("secret"), id="2", to=svc))
        b.settle()
        check("secret" not in "".join(text_of(e) for e in b.inbox), "told of it before somebody said yes")
        # who is no owner answers nothing, and learns nothing
        for who in (b, c):
            answer(who, "club", b.bare, "true")
            check(error_of(who.expect(name="message", type="error", id="an"))[0] == "item-not-found", "an answer of somebody else")
        answer(c, "no-such-node", b.bare, "true")
        check(error_of(c.expect(name="message", type="error", id="an"))[0] == "item-not-found", "of no node")
        check(mine(b, "club") == [(b.bare, "pending")], "by somebody else's answer")
        answer(a, "club", b.bare, "true")
        told(b, "club", "subscribed")
        got = ids_of(ok(items(b, "club", to=svc)))
        check(sorted(got) == ["1", "2"], f"not let in: {got}")
        ok(publish(a, "club", tune("third"), id="3", to=svc))
        event(b, "club", frm=svc)
        answer(a, "club", b.bare, "true")
        check(error_of(a.expect(name="message", type="error", id="an"))[0] == "item-not-found", "nobody waits any more")
        check(state(ok(subscribe(c, "club", svc))) == "pending", "c")
        answer(a, "club", c.bare, "false")
        told(c, "club", "none")
        refused(items(c, "club", to=svc), "item-not-found")
        check(mine(c, "club") == [], f"{mine(c, 'club')}")
    tap.run("xep0060-authorize: an owner is asked by a form, once; nobody reads before his yes (8.6)", by_form)

    def by_request():
        a, b, c = users.client(), users.client(), users.client()
        ok(create(a, "noticeboard", svc, access_model="authorize"))
        for x in (b, c):
            check(state(ok(subscribe(x, "noticeboard", svc))) == "pending", "not waiting")
            asked(a)
        users.server.kill9()
        users.server.start()
        a, b, c = (users.client(x.user) for x in (a, b, c))
        el = ok(a.iq("get", f"<pubsub xmlns='{OWNER}'><subscriptions node='noticeboard'/></pubsub>", to=svc))
        check(sorted((s.get("jid"), s.get("subscription")) for s in el.iter(q(OWNER, "subscription"))) == sorted([(b.bare, "pending"), (c.bare, "pending")]), text_of(el))
        for x, want in ((b, "subscribed"), (c, "none")):
            ok(a.iq("set", f"<pubsub xmlns='{OWNER}'><subscriptions node='noticeboard'><subscription jid='{x.bare}' subscription='{want}'/></subscriptions></pubsub>", to=svc))
            told(x, "noticeboard", want)
        ok(items(b, "noticeboard", to=svc))
        refused(items(c, "noticeboard", to=svc), "item-not-found")
        check(state(ok(subscribe(c, "noticeboard", svc))) == "pending", "he may ask again")
        ok(c.iq("set", f"<pubsub xmlns='{PUBSUB}'><unsubscribe node='noticeboard' jid='{c.bare}'/></pubsub>", to=svc))
        check(mine(c, "noticeboard") == [], "what he has taken back")
        ok(affiliate(a, "noticeboard", c.bare, "outcast", svc))
        refused(subscribe(c, "noticeboard", svc), "item-not-found", "forbidden")
        ok(subscribe(b, "noticeboard", svc, jid=b.jid))
    tap.run("xep0060-authorize-request: or answers by a request, after SIGKILL too; outcasts do not ask (8.8)", by_request)

    def bounds():
        a, b = users.client(), users.client()
        refused(create(a, "mine", access_model="authorize"), "not-acceptable")
        specific(publish(a, "mine", tune(), options={"access_model": "authorize"}), "precondition-not-met")
        refused(items(a, "mine"), "item-not-found")
        ok(create(a, "few", svc, access_model="authorize"))
        for n in range(8):
            check(state(ok(subscribe(b, "few", svc, jid=f"{b.bare}/r{n}"))) == "pending", "not waiting")
        specific(subscribe(b, "few", svc, jid=f"{b.bare}/r9"), "too-many-subscriptions")
        refused(subscribe(b, "few", svc, jid=a.bare), "bad-request")
        for bad in ("<body>hello</body>", form(AUTH, node="few"), form("urn:other", node="few", subscriber_jid=b.bare, allow="true")):
            a.send(f"<message to='{svc}' id='bad'>{bad}</message>")
            check(a.expect(name="message", id="bad").get("type") == "error", f"{bad} is taken")
    tap.run("xep0060-authorize-bounds: at the service alone, and nobody fills the list of who waits", bounds)


def far_tests(tap, users):
    """Contacts on another server; a gateway stands for it here."""
    def far_friend(gate, a, name="juliet"):
        peer = f"{name}@{FAR}"
        gate.send(f"<presence type='subscribe' from='{peer}' to='{a.bare}'/>")
        a.expect(name="presence", type="subscribe", frm=peer)
        a.send(f"<presence type='subscribed' to='{peer}'/>")
        a.settle().clear()
        return peer

    def online(gate, a, full, *wants, ver=None):
        features = (INFO, *(w + "+notify" for w in wants))
        gate.send(f"<presence from='{full}' to='{a.bare}'><c xmlns='{CAPS}' hash='sha-1' node='https://far.example' ver='{ver or ver_of(features)}'/></presence>")
        return features

    def answer(gate, features, full):
        el = gate.expect(lambda e: e.get("type") == "get" and e.find(q(INFO, "query")) is not None and e.get("to") == full, name="iq", what="the question for caps")
        gate.answer(el, f"<query xmlns='{INFO}' node={quoteattr(el.find(q(INFO, 'query')).get('node'))}><identity category='client' type='pc' name='t'/>"
                    + "".join(f"<feature var={quoteattr(f)}/>" for f in features) + "</query>")
        return el

    def told():
        gate, a = Component(users.server, FAR).login(), users.client()
        peer = far_friend(gate, a)
        node, full = "urn:far", peer + "/balcony"
        ok(publish(a, node, tune("before"), id="0"))
        features = online(gate, a, full, node)
        check(answer(gate, features, full).get("from") == a.bare, "asked as the account")
        el = gate.expect(lambda e: e.find(f".//{q(EVENT, 'item')}") is not None, name="message", what="the last item")
        check(el.get("to") == full and el.get("from") == a.bare and el.find("{urn:xmpp:delay}delay") is not None, text_of(el))
        ok(publish(a, node, tune("after"), id="1"))
        el = gate.expect(lambda e: e.find(f".//{q(EVENT, 'item')}") is not None, name="message", what="the new item")
        check(el.get("to") == full and el.find(f".//{q(EVENT, 'item')}").get("id") == "1", text_of(el))
        ok(publish(a, "urn:unwanted", tune()))
        ok(publish(a, "urn:closed", tune(), options={"access_model": "whitelist"}))
        ok(a.iq("set", f"<block xmlns='urn:xmpp:blocking'><item jid='{peer}'/></block>"))
        ok(publish(a, node, tune("blocked"), id="2"))
        ok(a.iq("set", "<unblock xmlns='urn:xmpp:blocking'/>"))
        gate.send(f"<presence from='{full}' to='{a.bare}' type='unavailable'/>")
        gate.settle()
        ok(publish(a, node, tune("gone"), id="3"))
        gate.none(lambda e: e.find(q(EVENT, "event")) is not None, "an event that is not for it")
        online(gate, a, full, node)
        el = gate.expect(lambda e: e.find(f".//{q(EVENT, 'item')}") is not None, name="message", what="the last item once more")
        check(el.find(f".//{q(EVENT, 'item')}").get("id") == "3", text_of(el))
        a.send(f"<presence type='unsubscribed' to='{peer}'/>")
        a.settle()
        gate.settle().clear()
        ok(publish(a, node, tune("not any more"), id="4"))
        gate.none(lambda e: e.find(q(EVENT, "event")) is not None, "an event for who is no contact any more")
        gate.close()
    tap.run("xep0163-far: contacts on other servers are told, as long as they are contacts, there, and not blocked", told)

    def reads():
        gate, a = Component(users.server, FAR).login(), users.client()
        peer = far_friend(gate, a, "romeo")
        for m in ("open", "presence", "whitelist"):
            ok(publish(a, m, tune(m), options={"access_model": m}))
        get = f"<pubsub xmlns='{PUBSUB}'><items node='%s'/></pubsub>"
        for who, results in ((peer + "/x", {"open": None, "presence": None, "whitelist": "item-not-found"}),
                             (f"tybalt@{FAR}/x", {"open": None, "presence": "service-unavailable", "whitelist": "service-unavailable"})):
            for m, want in results.items():
                el = gate.iq("get", get % m, to=a.bare, frm=who)
                check((error_of(el) or (None,))[0] == want, f"{who} {m}: {text_of(el)}")
        svc = f"pubsub.{users.server.domain}"
        refused(gate.iq("set", f"<pubsub xmlns='{PUBSUB}'><create node='HOSTILE'/></pubsub>", to=svc, frm=peer + "/x"), "forbidden")
        ok(create(a, "for-all", svc))
        ok(gate.iq("set", f"<pubsub xmlns='{PUBSUB}'><subscribe node='for-all' jid='{peer}'/></pubsub>", to=svc, frm=peer + "/x"))
        ok(publish(a, "for-all", tune(), id="1", to=svc))
        el = gate.expect(lambda e: e.find(f".//{q(EVENT, 'item')}") is not None, name="message", what="an event of the service")
        check(el.get("to") == peer and el.get("from") == svc, text_of(el))
        gate.close()
    tap.run("xep0060-far: who is on another server reads what he may, subscribes, creates nothing", reads)

    def flood():
        gate, a = Component(users.server, FAR).login(), users.client()
        peer = far_friend(gate, a, "flood")
        for i in range(1500):
            online(gate, a, f"{peer}/r{i}", "urn:flood", ver=f"v{i}")
        gate.settle()
        b = users.aware("urn:after-the-flood")
        ok(publish(b, "urn:after-the-flood", tune()))
        event(b, "urn:after-the-flood")
        users.server.assert_healthy()
        gate.close()
    tap.run("xep0115-flood: a contact with a thousand clients that never answer takes nothing from others", flood)


DATA_NODE, META = "urn:xmpp:avatar:data", "urn:xmpp:avatar:metadata"
UPDATE, VCARD = "vcard-temp:x:update", "vcard-temp"


def picture(seed, size=2000):
    raw = png(seed.encode(), size)
    return raw, base64.b64encode(raw).decode(), hashlib.sha1(raw).hexdigest()


def avatar(c, raw, b64, sha, model="open", id=None):
    ok(publish(c, DATA_NODE, f"<data xmlns='{DATA_NODE}'>{b64}</data>", id=sha, options={"access_model": model}))
    return publish(c, META, f"<metadata xmlns='{META}'><info bytes='{len(raw)}' id='{id or sha}' type='image/png'/></metadata>", id=id or sha,
                   options={"access_model": model})


def vcard_photo(c, to=None):
    el = c.iq("get", f"<vCard xmlns='{VCARD}'/>", to=to)
    return "".join((el.findtext(f".//{q(VCARD, 'BINVAL')}") or "").split()) or None


def photo_hash(presence):
    x = presence.find(q(UPDATE, "x"))
    return None if x is None else x.findtext(q(UPDATE, "photo"))


def avatar_tests(tap, users):
    def to_vcard():
        a, b = users.friends(META)
        stranger = users.client()
        ok(a.iq("set", f"<vCard xmlns='{VCARD}'><FN>Anna</FN></vCard>"))
        raw, b64, sha = picture("one")
        ok(avatar(a, raw, b64, sha))
        check(event(b, META).find(f".//{q(META, 'info')}").get("id") == sha, "the event")
        for c in (b, stranger):
            check(vcard_photo(c, a.bare) == b64, f"{c.user} reads another photo")
        el = a.iq("get", f"<vCard xmlns='{VCARD}'/>")
        check(el.findtext(f".//{q(VCARD, 'FN')}") == "Anna" and el.findtext(f".//{q(VCARD, 'TYPE')}") == "image/png", text_of(el))
        p = b.expect(lambda e: photo_hash(e) == sha, name="presence", frm=a.jid, what="presence with the new hash")
        check(len(p.findall(q(UPDATE, "x"))) == 1, text_of(p))
        ok(publish(a, META, f"<metadata xmlns='{META}'/>", id="none"))
        b.expect(lambda e: photo_hash(e) == "", name="presence", frm=a.jid, what="presence without a picture")
        check(vcard_photo(b, a.bare) is None, "a disabled avatar is still in the vCard")
        check({f.get("var") for f in ok(a.iq("get", f"<query xmlns='{INFO}'/>", to=a.bare)).iter(q(INFO, "feature"))} >= {"urn:xmpp:pep-vcard-conversion:0"}, "feature")
    tap.run("xep0398-to-vcard: a published avatar is the vCard's photo, its hash in presence", to_vcard)

    def not_public():
        a, b = users.friends(META)
        raw, b64, sha = picture("two")
        ok(avatar(a, raw, b64, sha, model="presence"))
        check(vcard_photo(users.client(), a.bare) is None, "an avatar for contacts alone went into the vCard, which everybody reads")
        ok(b.iq("get", f"<pubsub xmlns='{PUBSUB}'><items node='{DATA_NODE}'><item id='{sha}'/></items></pubsub>", to=a.bare))
        c = users.client()
        ok(avatar(c, raw, b64, sha, id="0" * 40))
        check(vcard_photo(c) is None, "a picture under another's hash")
        ok(publish(c, META, f"<metadata xmlns='{META}'><info bytes='1' id='{sha}' type='image/png' url='https://x.example/a.png'/>"
                   f"<info bytes='{len(raw)}' id='{sha}' type='image/png'/></metadata>", id=sha))
        check(vcard_photo(c) == b64, "the info that points to no address counts")
    tap.run("xep0398-limits: only what is open to everybody, and fits its hash", not_public)

    def to_pep():
        a, b = users.friends(META)
        a2 = users.aware(META, name=a.user, resource="two")
        raw, b64, sha = picture("three")
        v = f"<vCard xmlns='{VCARD}'><FN>A</FN><PHOTO><TYPE>image/jpeg</TYPE><BINVAL>\n{b64[:76]}\n{b64[76:]}\n</BINVAL></PHOTO></vCard>"
        ok(a.iq("set", v))
        for c in (b, a2):
            info = event(c, META, frm=a.bare).find(f".//{q(META, 'info')}")
            check(info.get("id") == sha and info.get("type") == "image/jpeg" and info.get("bytes") == str(len(raw)), f"{info.attrib}")
        el = ok(items(b, DATA_NODE, to=a.bare, ids=[sha]))
        check(el.findtext(f".//{q(DATA_NODE, 'data')}") == b64, "the data")
        b.expect(lambda e: photo_hash(e) == sha, name="presence", frm=a.jid)
        ok(a.iq("set", v))
        silent(b, META, "an event of a picture that is the same")
        ok(a.iq("set", f"<vCard xmlns='{VCARD}'><FN>A</FN></vCard>"))
        check(event(b, META, frm=a.bare).find(f".//{q(META, 'info')}") is None, "a photo taken out of the vCard is still the avatar")
    tap.run("xep0398-to-pep: a vCard's photo is published as an avatar (XEP-0084)", to_pep)

    def stamps():
        a, b = users.friends()
        raw, b64, sha = picture("four")
        ok(avatar(a, raw, b64, sha))
        b.settle().clear()

        def says(inner):
            a.send(f"<presence><status>s</status>{inner}</presence>")
            return photo_hash(b.expect(name="presence", frm=a.jid, type=""))
        check(says("") == sha, "no x")
        check(says(f"<x xmlns='{UPDATE}'/>") == sha, "an empty x")
        check(says(f"<x xmlns='{UPDATE}'><photo>{'f' * 40}</photo></x>") == sha, "a hash of another picture")
        check(says(f"<x xmlns='{UPDATE}'><photo/></x>") == "", "who shows none")
        raw, b64, sha2 = picture("five")
        ok(avatar(a, raw, b64, sha2))
        b.none(lambda e: photo_hash(e) == sha2, "the picture of who shows none")
        a.send(f"<presence to='{b.jid}'/>")
        check(photo_hash(b.expect(name="presence", frm=a.jid, type="")) == sha2, "directed presence")
        a.goodbye()
        a2 = users.client(a.user)
        check(photo_hash(b.expect(name="presence", frm=a2.jid, type="")) == sha2, "after a new login")
        users.server.stop()
        users.server.start()
        b2, a3 = users.client(b.user), users.client(a.user)
        check(photo_hash(b2.expect(name="presence", frm=a3.jid, type="")) == sha2, "after a restart")
        plain, c = users.friends()
        plain.send("<presence/>")
        check(photo_hash(c.expect(name="presence", frm=plain.jid, type="")) is None, "who has no picture")
    tap.run("xep0153-presence: the server puts the hash in, as XEP-0398 says", stamps)

    def big():
        a = users.client()
        raw, b64, sha = picture("big", 120000)
        ok(avatar(a, raw, b64, sha))
        check(ids_of(ok(items(a, DATA_NODE, ids=[sha]))) == [sha], "data")
        check(vcard_photo(a) in (None, b64), "half a picture")
        refused(a.iq("set", f"<vCard xmlns='{VCARD}'><PHOTO><BINVAL>@@not base64@@</BINVAL></PHOTO></vCard>"), "policy-violation")
        check(ids_of(items(a, DATA_NODE, ids=[sha])) == [sha], "nonsense replaced a picture")
    tap.run("xep0084-size: large pictures and nonsense do no harm (security-tests 88)", big)

    def vcard4():
        a, b = users.friends()
        card = "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>Anna</text></fn></vcard>"
        ok(publish(a, "urn:xmpp:vcard4", card))
        for c in (b, users.client()):
            el = ok(items(c, "urn:xmpp:vcard4", to=a.bare))
            check(el.findtext(".//{urn:ietf:params:xml:ns:vcard-4.0}text") == "Anna", text_of(el))
    tap.run("xep0292-vcard4: the node is readable for everybody by default", vcard4)

    def others():
        a, b = users.friends()
        stranger = users.client()
        v = f"<vCard xmlns='{VCARD}'><FN>HOSTILE</FN></vCard>"
        refused(b.iq("set", v, to=a.bare), "forbidden")
        check(error_of(stranger.iq("set", v, to=a.bare)) == error_of(stranger.iq("set", v, to=users.server.jid("nobody-here"))), "set tells who has an account")
        check(error_of(stranger.iq("get", f"<vCard xmlns='{VCARD}'/>", to=a.bare)) ==
              error_of(stranger.iq("get", f"<vCard xmlns='{VCARD}'/>", to=users.server.jid("nobody-here"))), "get tells who has an account")
    tap.run("xep0054-others: nobody sets another's vCard, or learns who has an account", others)


def main():
    tap = Tap("publish-subscribe")
    with Instance(users=[f"u{i}" for i in range(230)], component=True, strangers="allow", extra=components_text({"domain": FAR})) as server:
        users = People(server, 230)
        engine_tests(tap, users)
        access_tests(tap, users)
        notify_tests(tap, users)
        caps_tests(tap, users)
        disco_tests(tap, users)
        bookmark_tests(tap, users)
        standing_tests(tap, users)
        avatar_tests(tap, users)
        service_tests(tap, users)
        approval_tests(tap, users)
        far_tests(tap, users)
        tap.run("the server is well at the end", server.assert_healthy)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
