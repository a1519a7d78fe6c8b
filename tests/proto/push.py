#!/usr/bin/env python3
"""XEP-0357: what an app server is told, when, and what it is never told. The app server is a component."""
import sys

import harness  # noqa: F401 - finds tests/lib
from harness import check, error_of, q, text_of
from rawcomponent import Component, components_text
from rawxmpp import Client
from rfc6121 import Users
from wardroom_test import Instance, Tap

INFO, PUSH, PUBSUB, DATA = "http://jabber.org/protocol/disco#info", "urn:xmpp:push:0", "http://jabber.org/protocol/pubsub", "jabber:x:data"
OPTIONS = "http://jabber.org/protocol/pubsub#publish-options"
APP = "push.example.test"
SECRET_TEXT = "the body is nobody's business"


def enable(c, node="n1", jid=APP, form=""):
    return c.iq("set", f"<enable xmlns='{PUSH}' jid='{jid}' node='{node}'>{form}</enable>")


def disable(c, node=None, jid=APP):
    node = f" node='{node}'" if node else ""
    return c.iq("set", f"<disable xmlns='{PUSH}' jid='{jid}'{node}/>")


def fields(form):
    return {f.get("var"): [v.text or "" for v in f] for f in form.iter(q(DATA, "field"))}


def publication(app, answer=True, node="n1", timeout=5):
    """The next publication: (request, summary, options)."""
    r = app.expect(lambda e: any(p.get("node") == node for p in e.iter(q(PUBSUB, "publish"))), name="iq", type="set",
                   what=f"a publication to {node}", timeout=timeout)
    n = r.find(f"{q(PUBSUB, 'pubsub')}/{q(PUBSUB, 'publish')}/{q(PUBSUB, 'item')}/{q(PUSH, 'notification')}")
    check(n is not None and n.find(q(DATA, "x")) is not None, f"no notification with a form: {text_of(r)}")
    summary = fields(n.find(q(DATA, "x")))
    check(summary.get("FORM_TYPE") == ["urn:xmpp:push:summary"], f"{summary}")
    options = r.find(f"{q(PUBSUB, 'pubsub')}/{q(PUBSUB, 'publish-options')}/{q(DATA, 'x')}")
    if answer:
        app.answer(r)
    return r, summary, fields(options) if options is not None else None


def quiet(app, what):
    app.settle()
    app.settle()
    app.none(lambda e: e.tag.endswith("}iq"), what, settle=False)


def tests(tap, server, users, app):
    def disco():
        a = users.client()
        for node in (None,):
            r = a.iq("get", f"<query xmlns='{INFO}'/>", to=a.bare)
            check(PUSH in {f.get("var") for f in r.iter(q(INFO, "feature"))}, text_of(r))
    tap.run("xep0357-disco: the account has the feature (4.1)", disco)

    def offline():
        a, b = users.client(), users.client()
        form = (f"<x xmlns='{DATA}' type='submit'><field var='FORM_TYPE'><value>{OPTIONS}</value></field>"
                "<field var='secret'><value>s3cr3t &amp; more</value></field></x>")
        check(enable(a, form=form).get("type") == "result", "enable")
        b.message(a.bare, "while it is here")
        a.expect(name="message", body="while it is here")
        quiet(app, "pushed although the client is connected")
        a.goodbye()
        b.message(a.bare, SECRET_TEXT)
        r, summary, options = publication(app)
        check(r.get("from") == server.domain and r.get("to") == APP, text_of(r))
        check(summary.get("message-count") == ["1"], f"{summary}")
        check("last-message-sender" not in summary, f"the sender is told without policy: {summary}")
        check(options == {"FORM_TYPE": [OPTIONS], "secret": ["s3cr3t & more"]}, f"{options}")
        b.message(a.bare, SECRET_TEXT)
        check(publication(app)[1].get("message-count") == ["2"], "the second message")
        check(SECRET_TEXT.encode() not in app.raw and b.user.encode() not in app.raw, "the app server was told too much")
        b.send(f"<message to='{a.bare}' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
        b.send(f"<message to='{a.bare}' type='headline'><body>x</body></message>")
        b.settle()
        quiet(app, "pushed for typing or a headline")
        b.send(f"<message to='{a.bare}' type='chat'><propose xmlns='urn:xmpp:jingle-message:0' id='c1'>"
               "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose></message>")
        publication(app)
        b.send(f"<message to='{a.bare}' type='chat'><encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted>"
               "<store xmlns='urn:xmpp:hints'/></message>")
        publication(app)
        a2 = users.client(a.user, resource="another")
        check(disable(a2).get("type") == "result", "disable")
        a2.goodbye()
        b.message(a.bare, "nobody is told")
        b.settle()
        quiet(app, "pushed after disable")
    tap.run("xep0357-offline: told of what is stored, with options, without the body (5, 7)", offline)

    def hibernating():
        a, b = users.client(resource="phone"), users.client()
        a.sm_enable()
        enable(a, "hib")
        a.cut()
        b.message(a.bare, "one")
        check(publication(app, node="hib")[1].get("message-count") == ["1"], "count")
        b.message(a.bare, "two")
        check(publication(app, node="hib")[1].get("message-count") == ["2"], "count")
        c = Client(server, a.user)
        c.login(bind=False)
        c.resume(a)
        c.expect(name="message", body="two")
        b.message(a.bare, "live again")
        c.expect(name="message", body="live again")
        quiet(app, "pushed although the stream was resumed")
        c.cut()
        b.message(a.bare, "three")
        check(publication(app, node="hib")[1].get("message-count") in (["1"], ["2"]), "the count goes on after the client was here")
    tap.run("xep0357-resumption: told while the stream waits for its client (XEP-0198)", hibernating)

    def on_their_way():
        a, b = users.client(resource="phone"), users.client()
        a.sm_enable()
        a.sm_auto = False
        enable(a, "way")
        a.settle()
        b.message(a.bare, "into a dead connection")
        b.settle()
        quiet(app, "pushed although connected")
        a.cut()
        check(publication(app, node="way")[1].get("message-count") == ["1"], "count")
    tap.run("xep0357-detached: told of what was on its way when the connection was lost", on_their_way)

    def other_device():
        a, b = users.client(resource="phone"), users.client()
        desk = users.client(a.user, resource="desk")
        enable(a, "dev")
        a.goodbye()
        desk.settle()
        b.message(a.bare, "for both")
        desk.expect(name="message", body="for both")
        publication(app, node="dev")
        desk.message(b.bare, "own message")
        b.settle()
        quiet(app, "pushed for an own message")
        desk.goodbye()
    tap.run("xep0357-devices: a connected device does not keep the others asleep", other_device)

    def room():
        a, b = users.client(resource="phone"), users.client()
        where = f"pushed@rooms.{server.domain}"
        muc = "<x xmlns='http://jabber.org/protocol/muc'/>"
        for c, nick in ((b, "b"), (a, "a")):
            c.send(f"<presence to='{where}/{nick}'>{muc}</presence>")
            c.expect(lambda e: "code=\"110\"" in text_of(e), name="presence", frm=f"{where}/{nick}")
            if c is b:
                c.iq("set", "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query>", to=where)
        a.sm_enable()
        enable(a, "room")
        b.send(f"<message to='{where}' type='groupchat' id='g1'><body>live</body></message>")
        a.expect(name="message", body="live")
        b.settle()
        quiet(app, "pushed although it is in the room")
        a.cut()
        b.send(f"<message to='{where}' type='groupchat' id='g2'><body>{SECRET_TEXT}</body></message>")
        publication(app, node="room")
        check(SECRET_TEXT.encode() not in app.raw, "the body was told")
    tap.run("xep0357-room: told of what is said in a room, while the session of its occupant waits", room)

    def one_at_a_time():
        a, b = users.client(), users.client()
        enable(a, "slow")
        a.goodbye()
        b.message(a.bare, "1")
        r, _, _ = publication(app, answer=False, node="slow")
        for i in range(20):
            b.message(a.bare, str(i))
        b.settle()
        quiet(app, "a second publication before the first was answered")
        app.answer(r)
        check(publication(app, node="slow")[1].get("message-count") == ["21"], "what came meanwhile, in one")
        quiet(app, "more than one publication for what came meanwhile")
    tap.run("xep0357-one-at-a-time: an app server is not flooded", one_at_a_time)

    def errors():
        a, b = users.client(), users.client()
        for node in ("gone", "busy"):
            enable(a, node)
        a.goodbye()
        b.message(a.bare, "1")
        r, _, _ = publication(app, answer=False, node="gone")
        app.answer(r, "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", type="error")
        for i in range(8):
            if i:
                b.message(a.bare, "again")
            r, _, _ = publication(app, answer=False, node="busy")
            app.answer(r, "<error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", type="error")
            app.settle()
        app.none(lambda e: "'gone'" in text_of(e), "pushed after item-not-found")
        b.message(a.bare, "last")
        b.settle()
        quiet(app, "pushed after many errors in a row")
    tap.run("xep0357-errors: a service that answers with errors is disabled (7.1)", errors)

    def limits():
        a = users.client()
        for i in range(16):
            check(enable(a, f"l{i}").get("type") == "result", f"service {i}")
        r = enable(a, "l16")
        check(error_of(r) == ("resource-constraint", "wait"), text_of(r))
        check(enable(a, "l3").get("type") == "result", "the same again")
        r = enable(a, "big", form=f"<x xmlns='{DATA}' type='submit'><field var='a'><value>{'x' * 5000}</value></field></x>")
        check(error_of(r) is not None, text_of(r))
        check(disable(a).get("type") == "result", "disable all")
        check(enable(a, "l16").get("type") == "result", "after disabling all")
        check(disable(a, "never-there").get("type") == "result", "of none")
        for x in (f"<enable xmlns='{PUSH}'/>", f"<disable xmlns='{PUSH}'/>"):
            check(error_of(a.iq("set", x)) == ("bad-request", "modify"), x)
        r = enable(a, jid="@@")
        check(error_of(r) == ("jid-malformed", "modify"), text_of(r))
        r = enable(a, "x" * 1025)
        check(error_of(r) is not None, text_of(r))
        b = users.client()
        r = b.iq("set", f"<enable xmlns='{PUSH}' jid='{APP}' node='evil'/>", to=a.bare)
        check(error_of(r) == ("service-unavailable", "cancel"), f"enabled for another account: {text_of(r)}")
        r = app.iq("set", f"<enable xmlns='{PUSH}' jid='{APP}' node='evil'/>", to=a.bare)
        check(error_of(r) == ("service-unavailable", "cancel"), f"a component enabled for an account: {text_of(r)}")
    tap.run("xep0357-limits: number and size of services; malformed; another's account", limits)


def restart_test(tap):
    with Instance(users=["alice", "bob"], component=True, strangers="allow", extra=components_text({"domain": APP}) + "push: { sender: on }\n") as s:
        def restart():
            a = Client(s, "alice", resource="phone").login(presence=True)
            check(enable(a).get("type") == "result", "enable")
            a.goodbye()
            s.stop()
            s.start()
            app = Component(s, APP).login()
            b = Client(s, "bob").login(presence=True)
            b.message(a.bare, SECRET_TEXT)
            _, summary, _ = publication(app)
            check(summary.get("last-message-sender") == [b.bare], f"policy allows the sender: {summary}")
            check(SECRET_TEXT.encode() not in app.raw, "the body was told")
            app.close()
            b.message(a.bare, "while the app server is away")
            b.settle()
            s.assert_healthy()
        tap.run("xep0357-restart: lasts; policy may allow the sender", restart)


def main():
    tap = Tap("push")
    with Instance(users=[f"u{i}" for i in range(30)], component=True, strangers="allow", extra=components_text({"domain": APP})) as server:
        users = Users(server, 30)
        app = Component(server, APP).login()
        tests(tap, server, users, app)
        tap.run("the server is well at the end", server.assert_healthy)
    restart_test(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
