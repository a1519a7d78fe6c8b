#!/usr/bin/env python3
"""XEP-0114 and what components may besides: the handshake, the road of their stanzas, the bounds of both."""
import base64
import hmac
import os
import sys
import time

import harness  # noqa: F401 - finds tests/lib
from harness import check, error_of, q, text_of
from rawcomponent import COMPONENT, SECRET, Component, components_text
from rawxmpp import STREAM, Client, Failed, body_of
from rfc6121 import STAMP, Users
from wardroom_test import Instance, Tap, until

INFO, ITEMS = "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items"
IRC, MAIL, LOW, HIGH = "irc.example.test", "mail.example.test", "low.example.test", "high.example.test"


def handshake_tests(tap, server):
    def good():
        c = Component(server, IRC)
        h = c.open()
        check(h.get("from") == IRC and len(h.get("id") or "") >= 16, f"header {h.attrib}")
        c.send(f"<handshake>{c.handshake_text(h.get('id'))}</handshake>")
        el = c.expect(name="handshake")
        check(not el.text and not len(el), "the answer to the handshake is not empty")
        other = Component(server, IRC)
        check(other.open().get("id") != h.get("id"), "two streams have one id")
        other.close()
        c.settle().goodbye()
        check(c.splitter.closed, "no closing tag")
    tap.run("xep0114-handshake: the right secret opens the stream (3)", good)

    def bad():
        for what, text in (("a wrong secret", None), ("an empty one", ""), ("the secret itself", SECRET), ("upper case", "upper"),
                           ("a longer one", "0" * 41)):
            c = Component(server, IRC)
            sid = c.open().get("id")
            proof = (c.handshake_text(sid, "wrong secret") if text is None else
                     c.handshake_text(sid).upper() if text == "upper" else text)
            c.send(f"<handshake>{proof}</handshake>")
            got = c.stream_error()
            check(got[0] == "not-authorized", f"{what}: {got}")
    tap.run("xep0114-handshake-wrong: not-authorized and closed (3)", bad)

    def replay():
        a, b = Component(server, IRC), Component(server, IRC)
        proof = a.handshake_text(a.open().get("id"))
        b.open()
        b.send(f"<handshake>{proof}</handshake>")
        check(b.stream_error()[0] == "not-authorized", "the proof of another stream was taken")
        a.close()
    tap.run("xep0114-handshake-replay: a proof is good for its own stream", replay)

    def unknown():
        for header, want in (({"to": "unknown.example.test"}, "host-unknown"), ({"to": server.domain}, "host-unknown"),
                             ({"to": "a@" + IRC}, "host-unknown"), ({"to": "@@"}, "host-unknown"),
                             ({"xmlns": "jabber:client"}, "invalid-namespace"), ({"xmlns": "urn:x"}, "invalid-namespace")):
            c = Component(server, IRC)
            c.connect(port=server.component_port)
            c.send(c.header_text(**header))
            got = c.stream_error()
            check(got[0] == want, f"{header}: {got}")
    tap.run("xep0114-header: unknown domains and namespaces are refused (3)", unknown)

    def before():
        for data in ("<message from='irc.example.test' to='u0@example.test'><body>x</body></message>", "<handshake xmlns='urn:x'/>",
                     f"<iq type='get' id='1' from='{IRC}' to='{server.domain}'><ping xmlns='urn:xmpp:ping'/></iq>"):
            c = Component(server, IRC)
            c.open()
            c.send(data)
            check(c.stream_error()[0] == "not-authorized", f"{data} before the handshake")
        c = Component(server, IRC)
        c.open()
        c.send("<handshake>" + "0" * 200000)
        got = c.stream_error()[0]
        check(got == "policy-violation", f"much before the handshake: {got}")
    tap.run("xep0114-before-handshake: nothing but the handshake, and little of it", before)

    def doctype():
        c = Component(server, IRC)
        c.connect(port=server.component_port)
        c.send("<!DOCTYPE x [<!ENTITY a 'aaaa'>]>" + c.header_text())
        check(c.stream_error()[0] == "restricted-xml", "a DOCTYPE was taken")
    tap.run("xep0114-xml: restricted as for clients", doctype)

    def crowd():
        crowd = [Component(server, IRC) for _ in range(40)]
        for c in crowd:
            c.connect(port=server.component_port)
        open_ = 0
        for c in crowd:
            c.send(c.header_text())
            c.pump(0.2)
            open_ += c.splitter.header is not None
        check(0 < open_ <= 16, f"{open_} connections wait for a handshake")
        for c in crowd:
            c.close()
        def again():
            c = Component(server, IRC)
            try:
                return c.login()
            except (Failed, OSError):
                return None
        until(again, 5, "a component comes in again").close()
    tap.run("xep0114-crowd: few may wait for their handshake", crowd)


def stream_tests(tap, server, users):
    def newest():
        a = Component(server, IRC).login()
        b = Component(server, IRC).login()
        check(a.stream_error()[0] == "conflict", "the older connection")
        u = users.client()
        b.send(f"<message from='x@{IRC}' to='{u.bare}' type='chat'><body>still here</body></message>")
        u.expect(name="message", body="still here")
        u.message(f"x@{IRC}", "to the new one", id="n")
        b.expect(name="message", body="to the new one")
        b.close()
    tap.run("xep0114-conflict: the newest connection wins", newest)

    def faults():
        for data, want in ((f"<message from='u1@{server.domain}' to='u0@{server.domain}'><body>HOSTILE</body></message>", "invalid-from"),
                           (f"<message from='x@{MAIL}' to='u0@{server.domain}'><body>HOSTILE</body></message>", "invalid-from"),
                           (f"<message from='x@sub.{IRC}' to='u0@{server.domain}'><body>HOSTILE</body></message>", "invalid-from"),
                           (f"<message from='@@' to='u0@{server.domain}'><body>HOSTILE</body></message>", "invalid-from"),
                           ("<bogus/>", "unsupported-stanza-type"),
                           (f"<message xmlns='jabber:server' from='x@{IRC}' to='u0@{server.domain}'/>", "unsupported-stanza-type"),
                           ("<a></b>", "not-well-formed"),
                           (f"<message from='x@{IRC}' to='u0@{server.domain}'><body>" + "x" * 300000 + "</body></message>", "policy-violation")):
            c = Component(server, IRC).login()
            c.send(data)
            got = c.stream_error()[0]
            check(got == want, f"{data[:80]}: {got}")
            server.assert_healthy()
    tap.run("xep0114-from: 'from' of another domain ends the stream (security-tests 60)", faults)

    def addresses():
        c, u = Component(server, IRC).login(), users.client()
        c.send(f"<message from='x@{IRC}' id='nt'><body>x</body></message><iq type='result' id='r1'/><presence from='{IRC}'/>")
        check(error_of(c.expect(name="message", id="nt", type="error"))[0] == "bad-request", "without 'to'")
        c.send(f"<message to='{u.bare}' type='chat' id='nf'><body>from the component itself</body></message>")
        check(u.expect(name="message", id="nf").get("from") == IRC, "without 'from'")
        c.settle().close()
    tap.run("xep0114-addresses: without 'to' nobody gets it, without 'from' it is from the component", addresses)

    def slow():
        c, u = Component(server, IRC).login(), users.client()
        big = "x" * 60000
        for i in range(400):
            u.send(f"<message to='x@{IRC}' type='chat' id='b{i}'><body>{big}</body></message>")
            if i % 20 == 0:
                u.take()
            if u.inbox:
                break
        e = u.expect(lambda e: e.get("type") == "error", name="message", timeout=20)
        check(error_of(e) in (("resource-constraint", "wait"), ("service-unavailable", "cancel")), text_of(e))
        u.settle()
        server.assert_healthy()
        c.close()
        c = Component(server, IRC).login()
        u.message(f"x@{IRC}", "after that")
        c.expect(name="message", body="after that")
        c.close()
    tap.run("xep0114-slow: what a component does not read has a maximum", slow)

    def closing():
        c = Component(server, IRC).login()
        c.send("</stream:stream>")
        check(c.wait_end() and c.splitter.closed, "the closing tag was not answered")
    tap.run("xep0114-close: the stream is closed in order", closing)


def road_tests(tap, server, users):
    def both_ways():
        c, u = Component(server, IRC).login(), users.client()
        u.message(f"room@{IRC}", "hello <&>", id="o1")
        m = c.expect(name="message", id="o1")
        check(m.get("from") == u.jid and m.get("to") == f"room@{IRC}" and body_of(m) == "hello <&>", text_of(m))
        check(b"jabber:client" not in bytes(c.raw), "the namespace of clients on a component's stream")
        c.send(f"<message from='room@{IRC}/nick' to='{u.bare}' type='chat' id='i1'><body>back</body></message>")
        m = u.expect(name="message", id="i1")
        check(m.get("from") == f"room@{IRC}/nick" and body_of(m) == "back", text_of(m))
        u.send(f"<iq type='get' id='v1' to='{IRC}'><query xmlns='jabber:iq:version'/></iq>")
        r = c.expect(name="iq", id="v1")
        c.answer(r, "<query xmlns='jabber:iq:version'><name>gw</name></query>")
        r = u.expect(name="iq", id="v1")
        check(r.get("type") == "result" and r.get("from") == IRC and len(r) == 1, text_of(r))
        c.close()
    tap.run("xep0114-stanzas: message and iq, both ways", both_ways)

    def to_server():
        c = Component(server, IRC).login()
        r = c.iq("get", f"<query xmlns='{INFO}'/>")
        check(r.get("type") == "result" and r.get("to") == IRC, text_of(r))
        r = c.iq("get", "<query xmlns='urn:nobody'/>")
        check(error_of(r) == ("service-unavailable", "cancel"), text_of(r))
        for to in (server.jid("nobody-here"), users.client().bare):
            r = c.iq("get", f"<query xmlns='{INFO}'/>", to=to)
            check(error_of(r) == ("service-unavailable", "cancel"), f"{to}: {text_of(r)}")
            r = c.iq("get", "<query xmlns='jabber:iq:roster'/>", to=to)
            check(error_of(r) in (("service-unavailable", "cancel"), ("forbidden", "auth")), f"{to}: {text_of(r)}")
        r = c.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to="x@elsewhere.example")
        check(error_of(r) == ("remote-server-not-found", "cancel"), text_of(r))
        r = c.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=f"x@{MAIL}")
        check(error_of(r) is not None, f"from one component through us to another: {text_of(r)}")
        r = c.iq("set", "<x xmlns='urn:x'/><y xmlns='urn:y'/>")
        check(error_of(r) == ("bad-request", "modify"), text_of(r))
        c.close()
    tap.run("xep0114-requests: what a component may ask of the server and of accounts", to_server)

    def away():
        u = users.client()
        for to in (f"x@{MAIL}", MAIL):
            u.message(to, "anybody?", id="aw")
            e = u.expect(name="message", id="aw", type="error")
            check(error_of(e) == ("service-unavailable", "cancel") and e.get("from") == to, text_of(e))
            r = u.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=to)
            check(error_of(r) == ("service-unavailable", "cancel"), text_of(r))
            u.send(f"<presence to='{to}'/>")
        u.none(lambda e: e.get("type") == "error", "an error for presence")
    tap.run("xep0114-away: what a component that is away would have got comes back", away)

    def disco():
        r = users.client().iq("get", f"<query xmlns='{ITEMS}'/>", to=server.domain)
        items = {i.get("jid"): i.get("name") for i in r.iter(q(ITEMS, "item"))}
        check(items.get(IRC) == "Chat elsewhere" and MAIL in items, f"items {items}")
    tap.run("xep0114-disco: components are items of the domain", disco)

    def offline():
        c, name = Component(server, IRC).login(), users.name()
        c.send(f"<message from='x@{IRC}' to='{server.jid(name)}' type='chat' id='off'><body>for later</body></message>")
        c.settle()
        u = users.client(name, presence=False)
        u.send("<presence/>")
        m = u.expect(name="message", body="for later")
        check(m.find("{urn:xmpp:delay}delay") is not None, text_of(m))
        r = u.iq("set", "<query xmlns='urn:xmpp:mam:2'/>")
        check(r.get("type") == "result", text_of(r))
        check(any("for later" in text_of(e) for e in u.inbox), "not in the archive")
        c.send(f"<message from='x@{IRC}' to='{server.jid('nobody-here')}' type='chat' id='nb'><body>x</body></message>")
        c.none(lambda e: e.get("id") == "nb", "an answer that tells who is not there")
        c.close()
    tap.run("xep0114-offline: kept and archived as any other", offline)

    def order():
        c, name = Component(server, IRC).login(), users.name()
        u = users.client(name)
        away = users.name()
        text = "".join(f"<message from='x@{IRC}' to='{server.jid(to)}' type='chat' id='o{i}'><body>{i}</body></message>"
                       for i in range(600) for to in (name, away))
        c.send(text)
        u.expect(name="message", body="599", keep=True, timeout=20)
        got = [int(body_of(e)) for e in u.inbox if (e.get("id") or "").startswith("o")]
        check(got == list(range(600)), f"{len(got)} arrived, not in order or not all")
        v = users.client(away, presence=False)
        v.send("<presence/>")
        v.expect(name="message", body="599", keep=True, timeout=20)
        got = [int(body_of(e)) for e in v.inbox if (e.get("id") or "").startswith("o")]
        check(got == list(range(600)), f"{len(got)} came later, not in order or not all")
        c.settle().close()
    tap.run("xep0114-order: a burst arrives whole and in order", order)

    def room():
        c, u = Component(server, IRC).login(), users.client()
        where, muc = f"mixed@rooms.{server.domain}", "<x xmlns='http://jabber.org/protocol/muc'/>"
        u.send(f"<presence to='{where}/u'>{muc}</presence>")
        u.expect(lambda e: 'code="110"' in text_of(e), name="presence", frm=f"{where}/u")
        u.iq("set", "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query>", to=where)
        c.send(f"<presence from='bob@{IRC}/x' to='{where}/bob'>{muc}</presence>")
        c.expect(lambda e: "110" in [s.get("code") for s in e.iter("{http://jabber.org/protocol/muc#user}status")], name="presence", frm=f"{where}/bob")
        u.expect(name="presence", frm=f"{where}/bob", type="")
        c.send(f"<message from='bob@{IRC}/x' to='{where}' type='groupchat' id='r1'><body>from the gateway</body></message>")
        m = u.expect(name="message", type="groupchat", body="from the gateway")
        check(m.get("from") == f"{where}/bob", text_of(m))
        c.expect(name="message", type="groupchat", body="from the gateway")
        u.send(f"<message to='{where}' type='groupchat' id='r2'><body>from here</body></message>")
        m = c.expect(name="message", type="groupchat", body="from here")
        check(m.get("to") == f"bob@{IRC}/x", text_of(m))
        c.send(f"<presence from='bob@{IRC}/x' to='{where}/bob' type='unavailable'/>")
        u.expect(name="presence", frm=f"{where}/bob", type="unavailable")
        c.close()
    tap.run("xep0114-room: somebody behind a gateway in one of our rooms", room)

    def forged():
        c, u = Component(server, IRC).login(), users.client()
        c.send(f"<message from='x@{IRC}' to='{u.bare}' type='chat' id='f1'><body>x</body>"
               f"<stanza-id xmlns='urn:xmpp:sid:0' by='{u.bare}' id='forged'/><delay xmlns='urn:xmpp:delay' from='{server.domain}' "
               "stamp='2001-01-01T00:00:00Z'/></message>")
        m = u.expect(name="message", id="f1")
        ids = [s.get("id") for s in m.iter("{urn:xmpp:sid:0}stanza-id")]
        check("forged" not in ids and len(ids) == 1, text_of(m))
        check(not [d for d in m.iter("{urn:xmpp:delay}delay") if d.get("from") == server.domain], text_of(m))
        for push in ("<query xmlns='jabber:iq:roster'><item jid='evil@x.example' subscription='both'/></query>",
                     "<block xmlns='urn:xmpp:blocking'><item jid='a@b.example'/></block>"):
            r = c.iq("set", push, to=u.jid)
            check(error_of(r) is not None, f"a push of a component was delivered: {text_of(r)}")
        u.none(lambda e: e.tag.endswith("}iq"), "a component's push")
        u.iq("set", f"<block xmlns='urn:xmpp:blocking'><item jid='{IRC}'/></block>")
        c.send(f"<message from='x@{IRC}' to='{u.bare}' type='chat' id='bl'><body>HOSTILE</body></message>")
        c.none(lambda e: e.get("id") == "bl", "an answer that tells somebody who is blocked more than others")
        u.none(lambda e: e.get("id") == "bl", "a blocked component's message")
        c.close()
    tap.run("xep0114-forged: a component says nothing in the server's or an archive's name", forged)



def inspection_tests(tap, server, users):
    def same_road():
        c, got = Component(server, LOW).login(), 0
        text = "Look what I found: http://worm.evil-link.test/free-gift?user=%d"
        people = [users.client() for _ in range(8)]
        for i, u in enumerate(people):
            c.send(f"<message from='x@{LOW}' to='{u.bare}' type='chat' id='w{i}'><body>{text % i}</body></message>")
        people[0].expect(lambda e: "worm.evil-link.test" in (body_of(e) or ""), keep=True)
        people[0].iq("set", "<query xmlns='urn:xmpp:mam:2'/>")	# what was sent before is through the store
        for u in people:
            u.settle()
            got += any("worm.evil-link.test" in (body_of(e) or "") for e in u.inbox)
        check(got <= 3, f"{got} copies of one link got through a gateway; the brake is at 3")
        held = server.json("held", "list")
        check("worm" in str(held) or len(str(held)) > 10, f"nothing held: {held}")
        c.close()
    tap.run("xep0114-inspection: the worm brake holds for a gateway's people", same_road)


def presence_tests(tap, server, users):
    def subscribe():
        c, u = Component(server, IRC).login(), users.client()
        peer = f"bob@{IRC}"
        u.send(f"<presence type='subscribe' to='{peer}'/>")
        p = c.expect(name="presence", type="subscribe")
        check(p.get("from") == u.bare and p.get("to") == peer, text_of(p))
        c.send(f"<presence type='subscribed' from='{peer}' to='{u.bare}'/>")
        u.expect(name="presence", type="subscribed", frm=peer)
        c.send(f"<presence from='{peer}/irc' to='{u.bare}'><show>away</show></presence>")
        p = u.expect(name="presence", frm=f"{peer}/irc", type="")
        c.send(f"<presence type='subscribe' from='{peer}' to='{u.bare}'/>")
        u.expect(name="presence", type="subscribe", frm=peer)
        u.send(f"<presence type='subscribed' to='{peer}'/>")
        c.expect(name="presence", type="subscribed")
        c.expect(name="presence", type="", frm=u.jid)
        u.send("<presence><show>dnd</show></presence>")
        p = c.expect(lambda e: e.find("{jabber:client}show") is not None, name="presence", frm=u.jid)
        check(p.get("to") == peer, text_of(p))
        u.goodbye()
        c.expect(name="presence", type="unavailable", frm=u.jid)
        u2 = users.client(u.user)
        c.expect(name="presence", type="", frm=u2.jid)
        p = c.expect(name="presence", type="probe")
        check(p.get("from") in (u2.bare, u2.jid) and p.get("to") == peer, text_of(p))
        c.close()
    tap.run("xep0114-presence: subscriptions and presence through a gateway", subscribe)

    def directed():
        c, u = Component(server, IRC).login(), users.client()
        u.send(f"<presence to='room@{IRC}/nick'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
        p = c.expect(name="presence", type="", frm=u.jid)
        check(p.get("to") == f"room@{IRC}/nick" and len(p) == 1, text_of(p))
        c.send(f"<presence from='room@{IRC}/nick' to='{u.jid}'><x xmlns='http://jabber.org/protocol/muc#user'>"
               "<status code='110'/></x></presence>")
        p = u.expect(name="presence", frm=f"room@{IRC}/nick")
        check(len(p) == 1, f"the room's element was lost: {text_of(p)}")
        c.send(f"<message from='room@{IRC}/nick' to='{u.jid}' type='groupchat' id='gc'><body>hi all</body></message>")
        u.expect(name="message", id="gc", type="groupchat")
        u.cut()
        c.expect(name="presence", type="unavailable", frm=u.jid)
        c.close()
    tap.run("xep0114-directed: rooms of a gateway: directed presence, and its end", directed)


def config_tests(tap):
    def refuse(extra, words, mode=None):
        s = Instance(extra=extra, component=True, strangers="allow", start=False)
        try:
            if mode:
                os.chmod(os.path.join(s.dir, "wardroom.yaml"), mode)
            try:
                s.start()
            except Failed as e:
                check(words in str(e), f"{extra!r}: {e}")
                return
            raise Failed(f"started with {extra!r}")
        finally:
            s.close()

    def wrong():
        group = f"domain: {IRC}, secret: {SECRET}"
        refuse(f"components: [{{ {group}, colour: red }}]\n", "components.colour")
        refuse(f"components: [{{ {group} }}]\n", "chmod 0600", 0o644)
        refuse("components: [{ domain: example.test, secret_file: x }]\n", "not this server's own")
        refuse("components: [{ domain: Ⅷ.example.test, secret_file: x }]\n", "x")
    tap.run("xep0114-config: what is wrong in wardroom.yaml stops the start", wrong)

    def secret_file():
        s = Instance(extra=components_text({"domain": IRC, "secret_file": "irc.secret"}), component=True, strangers="allow", start=False)
        try:
            with open(os.path.join(s.dir, "keys", "irc.secret"), "w") as f:
                os.chmod(f.name, 0o600)
                f.write(SECRET + "\n")
            s.start()
            c = Component(s, IRC).login().settle()
            s.write_config(s.config_text().replace(IRC, MAIL))
            s.reload()
            check(c.stream_error()[0] == "reset", "still open although it is not configured any more")
            Component(s, MAIL).login().goodbye()
            with open(os.path.join(s.dir, "keys", "irc.secret"), "w") as f:
                f.write("another secret of that gateway\n")
            c = Component(s, MAIL).login()
            s.reload()
            check(c.stream_error()[0] == "reset", "still open although its secret has changed")
            Component(s, MAIL, "another secret of that gateway").login().goodbye()
            s.assert_healthy()
        finally:
            s.close()
    tap.run("xep0114-reload: secrets in files; who is not configured any more goes", secret_file)

    def throttled():
        with Instance(extra=components_text({"domain": IRC}), component=True, strangers="allow", limits={"failed_logins_per_minute": "3"}) as s:
            for _ in range(4):
                c = Component(s, IRC)
                sid = c.open().get("id")
                c.send(f"<handshake>{c.handshake_text(sid, 'wrong')}</handshake>")
                c.stream_error()
            c = Component(s, IRC)
            sid = c.open().get("id")		# the right secret, too: a guesser learns nothing
            c.send(f"<handshake>{c.handshake_text(sid)}</handshake>")
            check(c.stream_error()[0] == "not-authorized", "guessing is not slowed down")
            check("gateway.throttled" in s.log(), "not logged")
    tap.run("xep0114-throttle: guessing the secret is slowed down", throttled)

    def stopping():
        with Instance(extra=components_text({"domain": IRC}), component=True, strangers="allow") as s:
            c = Component(s, IRC).login()
            check(s.stop() == 0, "did not stop in order")
            check(c.stream_error()[0] == "system-shutdown", "no goodbye")
    tap.run("xep0114-stop: components are told that the server stops", stopping)


PRIV, FORWARD, ROSTER, EVENT = "urn:xmpp:privilege:2", "urn:xmpp:forward:0", "jabber:iq:roster", "http://jabber.org/protocol/pubsub#event"
PEP, HALF = "pep.example.test", "half.example.test"


def perms(el):
    return {p.get("access"): dict(p.attrib) for p in el.iter(q(PRIV, "perm"))}


def on_behalf(c, frm, to, inner, id="pm", attrs=""):
    c.send(f"<message from='{c.domain}' to='{c.server.domain}' id='{id}'><privilege xmlns='{PRIV}'><forwarded xmlns='{FORWARD}'>"
           f"<message xmlns='jabber:client' from='{frm}' to='{to}' {attrs}>{inner}</message></forwarded></privilege></message>")


def privilege_tests(tap, server, users):
    def advertised():
        c = Component(server, PEP).login()
        m = c.expect(name="message", frm=server.domain)
        p = perms(m)
        check(p["roster"].get("type") == "both" and p["roster"].get("push") == "true", text_of(m))
        check(p["message"].get("type") == "outgoing" and p["presence"].get("type") == "managed_entity", text_of(m))
        ns = {n.get("ns"): n.get("type") for n in m.iter(q(PRIV, "namespace"))}
        check(ns == {"jabber:iq:private": "both", "jabber:iq:version": "get", "urn:xmpp:ping": "get"}, f"{ns}")
        h = Component(server, HALF).login()
        p = perms(h.expect(name="message", frm=server.domain))
        check(set(p) == {"roster"} and p["roster"].get("type") == "get" and p["roster"].get("push") == "false", f"{p}")
        i = Component(server, IRC).login()
        i.settle()
        i.none(lambda e: e.find(q(PRIV, "privilege")) is not None, "privileges for who has none")
        for x in (c, h, i):
            x.close()
    tap.run("xep0356-advertise: each component hears what it may (4.2, 5.2, 6.2, 7.2)", advertised)

    def roster():
        c, u = Component(server, PEP).login(), users.client()
        r = c.iq("set", f"<query xmlns='{ROSTER}'><item jid='bob@{PEP}' name='Bob' subscription='both'><group>Net</group></item></query>", to=u.bare)
        check(r.get("type") == "result", text_of(r))
        push = u.expect(name="iq", type="set", has=q(ROSTER, "query"))
        item = push.find(f"{q(ROSTER, 'query')}/{q(ROSTER, 'item')}")
        check((item.get("jid"), item.get("name"), item.get("subscription")) == (f"bob@{PEP}", "Bob", "both"), text_of(push))
        push = c.expect(name="iq", type="set", has=q(ROSTER, "query"))
        check(push.get("from") == u.bare and push.get("to") == PEP, text_of(push))
        c.answer(push)
        r = c.iq("get", f"<query xmlns='{ROSTER}'/>", to=u.bare)
        check([i.get("jid") for i in r.iter(q(ROSTER, "item"))] == [f"bob@{PEP}"] and r.get("from") == u.bare, text_of(r))
        r = c.iq("set", f"<query xmlns='{ROSTER}'><item jid='eve@elsewhere.example' subscription='both'/></query>", to=u.bare)
        r = c.iq("get", f"<query xmlns='{ROSTER}'/>", to=u.bare)
        subs = {i.get("jid"): i.get("subscription") for i in r.iter(q(ROSTER, "item"))}
        check(subs.get("eve@elsewhere.example") == "none", f"a component gave somebody else presence: {subs}")
        u.iq("set", f"<query xmlns='{ROSTER}'><item jid='own@elsewhere.example' name='x'/></query>")
        c.expect(lambda e: "own@elsewhere.example" in text_of(e), name="iq", type="set", what="a push of the account's own change")
        r = c.iq("set", f"<query xmlns='{ROSTER}'><item jid='bob@{PEP}' subscription='remove'/></query>", to=u.bare)
        check(r.get("type") == "result", text_of(r))
        u.expect(lambda e: "subscription=\"remove\"" in text_of(e), name="iq", type="set")
        c.close()
    tap.run("xep0356-roster: get, set and pushes (4)", roster)

    def roster_refused():
        u, h, i, c = users.client(), Component(server, HALF).login(), Component(server, IRC).login(), Component(server, PEP).login()
        item = f"<query xmlns='{ROSTER}'><item jid='x@{HALF}' subscription='both'/></query>"
        check(h.iq("get", f"<query xmlns='{ROSTER}'/>", to=u.bare).get("type") == "result", "get")
        r = h.iq("set", item, to=u.bare)
        check(error_of(r) == ("forbidden", "auth"), text_of(r))
        for kind, x in (("get", f"<query xmlns='{ROSTER}'/>"), ("set", item)):
            r = i.iq(kind, x, to=u.bare)
            check(error_of(r) is not None, f"{kind} without privilege: {text_of(r)}")
            r = c.iq(kind, x, to=u.bare, frm=f"somebody@{PEP}")
            check(error_of(r) is not None, f"{kind} of somebody behind the component: {text_of(r)}")
        check("subscription" not in text_of(u.iq("get", f"<query xmlns='{ROSTER}'/>")), "the roster was changed")
        for x in (h, i, c):
            x.close()
    tap.run("xep0356-roster-refused: not without the privilege, not for people behind it (4.3)", roster_refused)

    def message():
        c, a, b = Component(server, PEP).login(), users.client(), users.client()
        on_behalf(c, a.bare, b.jid, f"<event xmlns='{EVENT}'><items node='n'><item/></items></event>", attrs="type='headline' id='ev'")
        m = b.expect(name="message", id="ev")
        check(m.get("from") == a.bare and m.find(q(EVENT, "event")) is not None, text_of(m))
        on_behalf(c, a.bare, b.bare, "<body>in her name</body>", attrs="type='chat' id='b1'")
        m = b.expect(name="message", id="b1")
        check(m.get("from") == a.bare and body_of(m) == "in her name", text_of(m))
        a.iq("set", "<query xmlns='urn:xmpp:mam:2'/>")
        check(any("in her name" in text_of(e) for e in a.inbox), "not in the sender's archive")
        for frm in (a.jid, server.domain, f"x@{IRC}", f"guard@{server.domain}", "@@", f"x@{PEP}", ""):
            on_behalf(c, frm, b.bare, "<body>HOSTILE</body>", id="no")
            e = c.expect(name="message", id="no", type="error")
            check(error_of(e) == ("forbidden", "auth"), f"{frm}: {text_of(e)}")
        on_behalf(c, server.jid("nobody-here"), b.bare, "<body>HOSTILE</body>")
        for d in (HALF, IRC):
            x = Component(server, d).login()
            on_behalf(x, a.bare, b.bare, "<body>HOSTILE</body>", id="no")
            check(error_of(x.expect(name="message", id="no", type="error")) == ("forbidden", "auth"), f"{d} may not")
            x.close()
        a.send(f"<message to='{server.domain}' id='no'><privilege xmlns='{PRIV}'><forwarded xmlns='{FORWARD}'><message xmlns='jabber:client' "
               f"from='{b.bare}' to='{b.bare}'><body>HOSTILE</body></message></forwarded></privilege></message>")
        check(error_of(a.expect(name="message", id="no", type="error"))[0] == "forbidden", "a client may not")
        b.none(lambda e: "HOSTILE" in text_of(e), "a message in a name that was not lent")
        c.close()
    tap.run("xep0356-message: on behalf of accounts, archived; of nobody else (5)", message)

    def inspected():
        c, a, got = Component(server, PEP).login(), users.client(), 0
        people = [users.client() for _ in range(6)]
        for i, u in enumerate(people):
            on_behalf(c, a.bare, u.bare, f"<body>see http://second.evil-link.test/gift?u={i}</body>", attrs="type='chat'")
        people[0].expect(lambda e: "second.evil-link.test" in (body_of(e) or ""), keep=True)
        a.iq("set", "<query xmlns='urn:xmpp:mam:2'/>")		# what was sent before is through the store
        for u in people:
            u.settle()
            got += any("second.evil-link.test" in (body_of(e) or "") for e in u.inbox)
        check(0 < got <= 3, f"{got} copies of one link got through in an account's name; the brake is at 3")
        server.cli("user", "freeze", a.bare)
        on_behalf(c, a.bare, people[0].bare, "<body>HOSTILE</body>", attrs="type='chat'")
        c.settle()
        people[0].none(lambda e: "HOSTILE" in text_of(e), "a frozen account spoke through a component")
        c.close()
    tap.run("xep0356-inspected: what is said on behalf is inspected; a frozen account stays silent", inspected)

    def presence():
        c, u = Component(server, PEP).login(), users.client(presence=False)
        u.send("<presence><show>chat</show></presence>")
        p = c.expect(name="presence", frm=u.jid)
        check(p.get("to") == PEP and p.findtext("{jabber:client}show") == "chat", text_of(p))
        u.send("<presence><show>dnd</show></presence>")
        u.settle()
        c.settle()
        c.none(lambda e: e.get("from") == u.jid, "presence that is neither the first nor the last")
        u.send("<presence type='unavailable'/>")
        c.expect(name="presence", frm=u.jid, type="unavailable")
        u.send("<presence/>")
        c.expect(name="presence", frm=u.jid, type="")
        u.cut()
        c.expect(name="presence", frm=u.jid, type="unavailable")
        c.close()
    tap.run("xep0356-presence: of accounts here, the first and the last (6.1)", presence)

    def privileged_iq(c, to, inner, type="get", inner_type=None, frm="", ns="jabber:client"):
        return c.iq(type, f"<privileged_iq xmlns='{PRIV}'><iq xmlns='{ns}' type='{inner_type or type}' id='in1'{frm}>{inner}</iq></privileged_iq>", to=to)

    def request():
        c, u = Component(server, PEP).login(), users.client()
        x = "<query xmlns='jabber:iq:private'><s xmlns='urn:stored'>%s</s></query>"
        r = privileged_iq(c, u.bare, x % "by the component", "set")
        check(r.get("type") == "result" and r.get("from") == u.bare, text_of(r))
        inner = r.find(f"{q(PRIV, 'privilege')}/{q(FORWARD, 'forwarded')}/{q('jabber:client', 'iq')}")
        check(inner is not None and inner.get("type") == "result" and inner.get("id") == "in1", text_of(r))
        r = u.iq("get", x % "")
        check("by the component" in text_of(r), f"not done in the account's name: {text_of(r)}")
        r = privileged_iq(c, u.bare, x % "")
        check("by the component" in text_of(r), text_of(r))
        other = users.client()
        i = Component(server, IRC).login()
        c.send(f"<iq type='get' id='pv' from='{PEP}' to='{u.bare}'><privileged_iq xmlns='{PRIV}'><iq xmlns='jabber:client' type='get' id='v' "
               f"to='{IRC}'><query xmlns='jabber:iq:version'/></iq></privileged_iq></iq>")
        got = i.expect(name="iq", type="get", frm=u.bare)
        check(got.get("id") != "v", "the component chose the id of a request in another's name")
        i.answer(got, "<query xmlns='jabber:iq:version'><name>irc</name></query>")
        r = c.expect(name="iq", id="pv")
        check("irc" in text_of(r) and r.get("type") == "result", text_of(r))
        i.close()
        bad = [privileged_iq(c, u.bare, "<query xmlns='urn:other'/>"), privileged_iq(c, u.bare, "<query xmlns='jabber:iq:version'/>", "set"),
               privileged_iq(c, u.bare, x % "", "get", "set"), privileged_iq(c, u.bare, x % "", frm=f" from='{other.bare}'"),
               privileged_iq(c, u.bare, x % "", ns="jabber:server"), privileged_iq(c, u.bare, "")]
        for n, r in enumerate(bad):
            check(error_of(r) == ("forbidden", "auth"), f"{n}: {text_of(r)}")
        for d in (HALF, IRC):
            o = Component(server, d).login()
            r = privileged_iq(o, u.bare, x % "")
            check(error_of(r) == ("service-unavailable", "cancel"), f"{d}: {text_of(r)}")
            o.close()
        r = privileged_iq(c, server.jid("nobody-here"), x % "")
        check(error_of(r) == ("service-unavailable", "cancel"), text_of(r))
        r = other.iq("get", f"<privileged_iq xmlns='{PRIV}'><iq xmlns='jabber:client' type='get' id='1'>{x % ''}</iq></privileged_iq>", to=u.bare)
        check(error_of(r) == ("service-unavailable", "cancel"), f"a client: {text_of(r)}")
        c.close()
    tap.run("xep0356-iq: requests on behalf of accounts, of the granted namespaces alone (7)", request)


# (type, payload)
DATA_OF_ACCOUNTS = (
    ("get", "<query xmlns='jabber:iq:roster'/>"), ("set", "<query xmlns='jabber:iq:roster'><item jid='x@evil.example' name='HOSTILE'/></query>"),
    ("get", "<query xmlns='jabber:iq:private'><s xmlns='urn:s'/></query>"),
    ("set", "<query xmlns='jabber:iq:private'><s xmlns='urn:s'>HOSTILE</s></query>"),
    ("set", "<vCard xmlns='vcard-temp'><FN>HOSTILE</FN></vCard>"),
    ("get", "<blocklist xmlns='urn:xmpp:blocking'/>"), ("set", "<block xmlns='urn:xmpp:blocking'><item jid='a@b.example'/></block>"),
    ("set", "<unblock xmlns='urn:xmpp:blocking'/>"),
    ("set", "<query xmlns='urn:xmpp:mam:2'/>"), ("get", "<query xmlns='urn:xmpp:mam:2'/>"), ("get", "<metadata xmlns='urn:xmpp:mam:2'/>"),
    ("get", "<prefs xmlns='urn:xmpp:mam:2'/>"), ("set", "<prefs xmlns='urn:xmpp:mam:2' default='never'><always/><never/></prefs>"),
    ("get", f"<query xmlns='{INFO}'/>"), ("get", f"<query xmlns='{ITEMS}'/>"),
    ("get", "<query xmlns='jabber:iq:last'/>"),
    ("set", "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='storage:bookmarks'><item id='current'><x xmlns='urn:HOSTILE'/></item></publish></pubsub>"),
    ("set", "<pubsub xmlns='http://jabber.org/protocol/pubsub'><create node='HOSTILE'/></pubsub>"),
    ("get", "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='storage:bookmarks'/></pubsub>"),
    ("get", "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><configure node='storage:bookmarks'/></pubsub>"),
    ("set", "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><delete node='storage:bookmarks'/></pubsub>"),
    ("set", "<enable xmlns='urn:xmpp:push:0' jid='irc.example.test' node='HOSTILE'/>"), ("set", "<disable xmlns='urn:xmpp:push:0' jid='irc.example.test'/>"),
    ("set", "<enable xmlns='urn:xmpp:carbons:2'/>"), ("get", "<list xmlns='urn:xmpp:cam:0'/>"), ("set", "<revoke xmlns='urn:xmpp:cam:0' id='1'/>"),
    ("set", "<query xmlns='jabber:iq:register'><remove/></query>"), ("set", "<query xmlns='jabber:iq:register'><username>x</username><password>y</password></query>"),
)
TO_THE_SERVER = (
    ("set", "<query xmlns='jabber:iq:register'><username>u1</username><password>HOSTILE-hostile</password></query>"),
    ("set", "<query xmlns='jabber:iq:register'><remove/></query>"),
    ("set", "<command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-user' action='execute'/>"),
    ("set", "<command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-user' action='execute'/>"),
    ("set", "<command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-online-users-list' action='execute'/>"),
    ("set", "<query xmlns='jabber:iq:roster'><item jid='x@evil.example'/></query>"), ("set", "<query xmlns='urn:xmpp:mam:2'/>"),
    ("set", "<enable xmlns='urn:xmpp:push:0' jid='irc.example.test' node='n'/>"), ("get", "<services xmlns='urn:xmpp:extdisco:2'/>"),
    ("set", "<enable xmlns='urn:xmpp:carbons:2'/>"), ("get", "<blocklist xmlns='urn:xmpp:blocking'/>"),
)


def stranger_tests(tap, server, users):
    def accounts():
        c, u, wrong = Component(server, IRC).login(), users.client(), []
        nobody = server.jid("nobody-here")
        for kind, x in DATA_OF_ACCOUNTS:
            for frm in (IRC, f"somebody@{IRC}/r"):
                a, b = (error_of(c.iq(kind, x, to=to, frm=frm)) for to in (u.bare, nobody))
                if a is None or a != b:
                    wrong.append(f"{kind} {x[:70]} from {frm}: {a}, of a missing account {b}")
        check(not wrong, f"{len(wrong)}: " + "; ".join(wrong))
        u.settle()
        check("HOSTILE" not in str(bytes(u.raw)), "the account noticed something")
        c.close()
    tap.run("xep0114-data: a component gets at no account's data, and cannot tell which accounts there are", accounts)

    def the_server():
        c = Component(server, IRC).login()
        for kind, x in TO_THE_SERVER:
            r = c.iq(kind, x)
            check(error_of(r) is not None, f"{kind} {x[:90]}: {text_of(r)}")
        server.assert_healthy()
        Client(server, "u1").login().close()
        c.close()
    tap.run("xep0114-administration: a component administers nothing", the_server)


DELEG, OWN = "urn:xmpp:delegation:2", "urn:delegated:one"


def delegated(c, ns=OWN):
    """The next request that was passed on: (the wrapper, the request)."""
    w = c.expect(name="iq", type="set", has=q(DELEG, "delegation"))
    inner = w.find(f"{q(DELEG, 'delegation')}/{q(FORWARD, 'forwarded')}/{q('jabber:client', 'iq')}")
    check(inner is not None and w.get("from") == c.server.domain and w.get("to") == c.domain, text_of(w))
    return w, inner


def give_back(c, w, inner, payload="", **attrs):
    a = {"type": "result", "id": inner.get("id"), "to": inner.get("from"), "from": inner.get("to")}
    a.update(attrs)
    text = " ".join(f"{k}='{v}'" for k, v in a.items() if v is not None)
    c.answer(w, f"<delegation xmlns='{DELEG}'><forwarded xmlns='{FORWARD}'><iq xmlns='jabber:client' {text}>{payload}</iq></forwarded></delegation>")


def waiting_tests(tap):
    """A component that comes back: what was sent meanwhile, with restarts of ours in between."""
    with Instance(users=["ann"], component=True, strangers="allow", extra=components_text({"domain": IRC})) as server:
        def bodies(c, n):
            return [body_of(c.expect(name="message", frm=None)) for _ in range(n)]

        def back():
            c, u = Component(server, IRC).login(), Client(server, "ann").login()
            u.message(f"x@{IRC}", "while you are there")
            check(bodies(c, 1) == ["while you are there"], "the first")
            time.sleep(3.5)		# that one has arrived
            c.goodbye()
            for n in range(3):
                u.message(f"x@{IRC}", f"meanwhile {n}")
            r = u.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=IRC)
            check(error_of(r) == ("service-unavailable", "cancel"), f"a request waits for nobody: {text_of(r)}")
            u.none(lambda e: e.get("type") == "error", "an error for what waits")
            c = Component(server, IRC).login()
            u.message(f"x@{IRC}", "and now")
            got = bodies(c, 4)
            check(got == ["meanwhile 0", "meanwhile 1", "meanwhile 2", "and now"], f"{got}")
            c.goodbye()
            u.close()
        tap.run("xep0114-back: messages wait for a component that is expected back, in their order", back)

        def restart():
            c, u = Component(server, IRC).login(), Client(server, "ann").login()
            c.settle().inbox.clear()
            time.sleep(3.5)
            c.goodbye()
            for n in range(3):
                u.message(f"x@{IRC}", f"kept {n}")
            u.settle()
            server.kill9()
            server.start()
            u = Client(server, "ann").login()
            u.message(f"x@{IRC}", "after the restart")
            u.settle()
            c = Component(server, IRC).login()
            got = bodies(c, 4)
            check(got == ["kept 0", "kept 1", "kept 2", "after the restart"], f"{got}")
            time.sleep(3.5)
            server.stop()
            server.start()
            c = Component(server, IRC).login()
            u = Client(server, "ann").login()
            u.message(f"x@{IRC}", "nothing twice")
            got = bodies(c, 1)
            check(got == ["nothing twice"], f"{got}")
            c.close()
            u.close()
        tap.run("xep0114-kept: what waits outlives a crash, and comes once", restart)

        def full():
            c, u = Component(server, IRC).login(), Client(server, "ann").login()
            c.settle()
            time.sleep(3.5)
            c.goodbye()
            for n in range(520):
                u.message(f"x@{IRC}", f"n {n}", id=f"f{n}")
            e = u.expect(lambda e: e.get("type") == "error", name="message", timeout=20)
            check(error_of(e) == ("resource-constraint", "wait") and e.get("id") == "f500", text_of(e))
            u.settle()
            c = Component(server, IRC).login()
            got = bodies(c, 500)
            check(got == [f"n {n}" for n in range(500)], f"{got[:3]} {got[-3:]}")
            c.close()
            u.close()
        tap.run("xep0114-full: so many wait and no more; who sends more is told", full)
        tap.run("the server with waiting components is well", server.assert_healthy)


def behalf_of_all_tests(tap):
    """Every handler of the own account, asked by nobody's session."""
    import re
    spaces = sorted({re.search("xmlns='([^']*)'", x).group(1) for _, x in DATA_OF_ACCOUNTS} |
                    {"jabber:iq:register", "http://jabber.org/protocol/commands", "vcard-temp", "urn:xmpp:ping"})
    groups, names = [], []
    for i in range(0, len(spaces), 16):
        names.append(f"all{i}.example.test")
        part = "[" + ", ".join(f"'{ns}'" for ns in spaces[i:i + 16]) + "]"
        groups.append({"domain": names[-1], "iq_get": part, "iq_set": part})

    def run():
        with Instance(users=["alice", "bob"], component=True, strangers="allow", extra=components_text(*groups)) as s:
            for n, name in enumerate(names):
                c = Component(s, name).login()
                for kind, x in DATA_OF_ACCOUNTS + TO_THE_SERVER + (("get", "<vCard xmlns='vcard-temp'/>"), ("get", "<ping xmlns='urn:xmpp:ping'/>")):
                    for to in (s.jid("alice"), s.domain, s.jid("bob")):
                        if "register" in x or re.search("xmlns='([^']*)'", x).group(1) not in spaces[16 * n:16 * n + 16]:
                            continue
                        r = c.iq(kind, f"<privileged_iq xmlns='{PRIV}'><iq xmlns='jabber:client' type='{kind}' id='b' to='{to}'>{x}</iq></privileged_iq>",
                                 to=s.jid("alice"))
                        check(r.get("type") == "result", f"{x[:80]}: {text_of(r)}")
                        s.assert_healthy()
                c.close()
            Client(s, "alice").login().close()
    tap.run("xep0356-iq-all: every handler bears a request without a session", run)


def delegation_tests(tap, server, users):
    def nested(c):
        for kind in ("::", ":bare:"):
            for ns in (OWN, "vcard-temp"):
                i = c.expect(lambda e: e.find(q(INFO, "query")) is not None and e.find(q(INFO, "query")).get("node") == f"{DELEG}{kind}{ns}",
                             name="iq", type="get", what=f"disco#info of {kind}{ns}")
                c.answer(i, f"<query xmlns='{INFO}' node='{DELEG}{kind}{ns}'><feature var='{ns}'/><feature var='urn:nested{kind}x'/></query>")
        c.settle()

    def login():
        c = Component(server, MAIL).login()
        return c, c.expect(name="message", has=q(DELEG, "delegation"))

    def advertised():
        c, m = login()
        got = [d.get("namespace") for d in m.iter(q(DELEG, "delegated"))]
        check(got == [OWN, "vcard-temp"] and m.get("from") == server.domain, text_of(m))
        nested(c)
        u = users.client()
        for to, want, other in ((server.domain, "urn:nested::x", "urn:nested:bare:x"), (u.bare, "urn:nested:bare:x", "urn:nested::x")):
            r = u.iq("get", f"<query xmlns='{INFO}'/>", to=to)
            have = {f.get("var") for f in r.iter(q(INFO, "feature"))}
            check(want in have and OWN in have and other not in have, f"{to}: {have}")
        r = u.iq("get", f"<query xmlns='{INFO}'/>", to=server.domain)
        check(DELEG in {f.get("var") for f in r.iter(q(INFO, "feature"))}, text_of(r))
        i = Component(server, IRC).login()
        i.settle()
        i.none(lambda e: e.find(q(DELEG, "delegation")) is not None, "delegations for who has none")
        i.close()
        c.close()
    tap.run("xep0355-advertise: the component hears what it answers; its features are shown as ours (4.2, 7.2)", advertised)

    def passed_on():
        (c, _), u, v = login(), users.client(), users.client()
        for kind, to in (("get", server.domain), ("set", None), ("get", u.bare), ("get", v.bare)):
            u.send(f"<iq type='{kind}' id='d1'{f' to={chr(39)}{to}{chr(39)}' if to else ''}><x xmlns='{OWN}'><y>text</y></x></iq>")
            w, inner = delegated(c)
            check((inner.get("from"), inner.get("id"), inner.get("type")) == (u.jid, "d1", kind) and inner.get("to") == to and "text" in text_of(inner),
                  text_of(inner))
            give_back(c, w, inner, f"<x xmlns='{OWN}'>answer</x>")
            r = u.expect(name="iq", id="d1")
            check(r.get("type") == "result" and "answer" in text_of(r) and r.get("from") in (None, to or u.bare), text_of(r))
        u.send("<iq type='get' id='d2'><vCard xmlns='vcard-temp'/></iq>")
        w, inner = delegated(c)
        give_back(c, w, inner)
        r = u.expect(name="iq", id="d2")
        check(r.get("type") == "result" and len(r) == 0, "not in the place of our own feature")
        r = c.iq("get", f"<x xmlns='{OWN}'/>")
        check(error_of(r) == ("service-unavailable", "cancel"), f"its own request came back to it: {text_of(r)}")
        r = u.iq("get", f"<x xmlns='{OWN}'/>", to=server.jid("nobody-here"))
        check(error_of(r) == ("service-unavailable", "cancel"), text_of(r))
        u.send(f"<iq type='get' id='full' to='{v.jid}'><x xmlns='{OWN}'/></iq>")
        v.expect(name="iq", id="full", what="a request to a full address")
        c.settle()
        c.none(lambda e: e.find(q(DELEG, "delegation")) is not None, "a request that was not for us")
        c.close()
    tap.run("xep0355-forward: requests to the server and to bare addresses, and their answers (4.3)", passed_on)

    def wrong():
        (c, _), u, v = login(), users.client(), users.client()
        nasty = [{"id": "other"}, {"to": v.jid}, {"from": v.bare}, {"type": "error"}, {"type": "set"}, {"type": None}]
        for attrs in nasty:
            u.send(f"<iq type='get' id='w1' to='{u.bare}'><x xmlns='{OWN}'/></iq>")
            w, inner = delegated(c)
            give_back(c, w, inner, "<x xmlns='urn:HOSTILE'/>", **attrs)
            r = u.expect(name="iq", id="w1")
            check(error_of(r) == ("service-unavailable", "cancel"), f"{attrs}: {text_of(r)}")
        for answer, kind in (("", "result"), (f"<delegation xmlns='{DELEG}'/>", "result"),
                             ("<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", "error")):
            u.send(f"<iq type='get' id='w2' to='{u.bare}'><x xmlns='{OWN}'/></iq>")
            w, _ = delegated(c)
            c.answer(w, answer, type=kind)
            r = u.expect(name="iq", id="w2")
            check(error_of(r) == ("service-unavailable", "cancel"), f"{answer}: {text_of(r)}")
        v.none(lambda e: "HOSTILE" in text_of(e), "an answer for somebody else")
        c.close()
        u.settle()
        r = u.iq("get", f"<x xmlns='{OWN}'/>", to=server.domain)
        check(error_of(r) == ("service-unavailable", "cancel"), f"while it is away: {text_of(r)}")
        i = Component(server, IRC).login()
        r = i.iq("set", f"<delegation xmlns='{DELEG}'><forwarded xmlns='{FORWARD}'><iq xmlns='jabber:client' type='result' id='w1' to='{u.jid}'/>"
                 "</forwarded></delegation>")
        check(error_of(r) is not None, text_of(r))
        i.close()
    tap.run("xep0355-wrong: an answer that does not fit the request is none (4.3)", wrong)


EXTDISCO = "urn:xmpp:extdisco:2"
SERVICES = ("services:\n  - { type: stun, host: stun.example.test, port: 3478, transport: udp }\n"
            "  - { type: turn, host: turn.example.test, port: 3478, secret: the secret of turn, expires: 1h, name: Relay }\n"
            "  - { type: turns, host: turn.example.test, port: 5349, transport: tcp, secret: the secret of turn, expires: 1h }\n")


def service_tests(tap, server, users):
    def one(el, type):
        return [s for s in el.iter(q(EXTDISCO, "service")) if s.get("type") == type]

    def listed():
        u = users.client()
        r = u.iq("get", f"<services xmlns='{EXTDISCO}'/>", to=server.domain)
        check(len(one(r, "stun")) == len(one(r, "turn")) == len(one(r, "turns")) == 1, text_of(r))
        s = one(r, "stun")[0]
        check((s.get("host"), s.get("port"), s.get("transport"), s.get("username")) == ("stun.example.test", "3478", "udp", None), f"{s.attrib}")
        t = one(r, "turn")[0]
        end, _, chance = t.get("username").partition(":")
        want = base64.b64encode(hmac.new(b"the secret of turn", t.get("username").encode(), "sha1").digest()).decode()
        check(t.get("password") == want, f"the TURN server would refuse {t.attrib}")
        check(abs(int(end) - time.time() - 3600) < 30 and STAMP.match(t.get("expires")) and t.get("restricted") in ("1", "true"), f"{t.attrib}")
        check(u.user not in t.get("username") and len(chance) >= 8, "the name tells who it is")
        check(t.get("name") == "Relay" and one(r, "turns")[0].get("transport") == "tcp", text_of(r))
        r = u.iq("get", f"<services xmlns='{EXTDISCO}' type='turns'/>", to=server.domain)
        check(r[0].get("type") == "turns" and [s.get("type") for s in r[0]] == ["turns"], text_of(r))
        r = u.iq("get", f"<query xmlns='{INFO}'/>", to=server.domain)
        check(EXTDISCO in {f.get("var") for f in r.iter(q(INFO, "feature"))}, "not among the server's features")
    tap.run("xep0215-services: the list, with credentials for a time (3.1, 3.2)", listed)

    def credentials():
        u = users.client()
        r = u.iq("get", f"<credentials xmlns='{EXTDISCO}'><service host='turn.example.test' type='turn'/></credentials>", to=server.domain)
        check(len(one(r, "turn")) == 1 and one(r, "turn")[0].get("password"), text_of(r))
        for inner, want in (("<service host='x.example' type='turn'/>", "item-not-found"), ("", "bad-request"),
                            ("<service host='stun.example.test' type='stun'/>", "item-not-found"),
                            ("<service host='turn.example.test' type='turn' port='1'/>", "item-not-found"),
                            ("<service host='turn.example.test'/>", "bad-request")):
            r = u.iq("get", f"<credentials xmlns='{EXTDISCO}'>{inner}</credentials>", to=server.domain)
            check(error_of(r)[0] == want, f"{inner}: {text_of(r)}")
    tap.run("xep0215-credentials: of one service (3.3)", credentials)

    def strangers():
        c = Component(server, IRC).login()
        for x in (f"<services xmlns='{EXTDISCO}'/>",
                  f"<credentials xmlns='{EXTDISCO}'><service host='turn.example.test' type='turn'/></credentials>"):
            r = c.iq("get", x)
            check(error_of(r) == ("forbidden", "auth") and "password" not in text_of(r), text_of(r))
        c.close()
    tap.run("xep0215-strangers: to accounts of this server alone", strangers)


GROUPS = ({"domain": IRC, "name": "Chat elsewhere"}, {"domain": MAIL, "delegate": "['urn:delegated:one', vcard-temp]"},
          {"domain": LOW, "trust": "low"}, {"domain": HIGH, "trust": "high"},
          {"domain": PEP, "may": "[roster-get, roster-set, roster-push, message, presence]",
           "iq_get": "['jabber:iq:private', 'jabber:iq:version', 'urn:xmpp:ping']", "iq_set": "['jabber:iq:private']"},
          {"domain": HALF, "may": "[roster-get]"})


def main():
    tap = Tap("components")
    with Instance(users=[f"u{i}" for i in range(80)], component=True, strangers="allow", extra=components_text(*GROUPS) + SERVICES) as server:
        users = Users(server, 80)
        handshake_tests(tap, server)
        stream_tests(tap, server, users)
        road_tests(tap, server, users)
        inspection_tests(tap, server, users)
        service_tests(tap, server, users)
        delegation_tests(tap, server, users)
        privilege_tests(tap, server, users)
        presence_tests(tap, server, users)
        stranger_tests(tap, server, users)
        tap.run("the server is well at the end", server.assert_healthy)
    waiting_tests(tap)
    behalf_of_all_tests(tap)
    config_tests(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
