#!/usr/bin/env python3
"""Links in what is sent: defanged, warned of, rewritten for a check at the click, held; feeds; shared block lists."""
import hashlib
import http.server
import os
import sys
import threading

from harness import check, q
from rawcomponent import Component, components_text
from rawxmpp import CLIENT, Client, befriend, body_of, child
from wardroom_test import Tap, new_server, until

PUBSUB = "http://jabber.org/protocol/pubsub"
OOB = "<x xmlns='jabber:x:oob'><url>%s</url></x>"
XHTML = ("<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>"
         "<a href='%s'>look</a></body></html>")


def apply(server, text):
    path = os.path.join(server.top, "new-policy.yaml")
    with open(path, "w") as f:
        f.write(text)
    server.cli("policy", "apply", path)


def by_id(c, i):
    return c.expect(name="message", id=i)


def rule(do, extra=""):
    return f"links:\n  rules: [{{from: everybody, to: everybody, do: {do}}}]\n  trusted: [meet.example]\n{extra}"


def defang_tests(tap, server, anna, bob):
    def defang():
        apply(server, rule("defang"))
        i = anna.message(bob.bare, "see http://shop.test/a.php and https://meet.example/room", extra=OOB % "http://shop.test/x" + XHTML % "http://shop.test/")
        got = by_id(bob, i)
        check(body_of(got) == "see hxxp://shop[.]test/a[.]php and https://meet.example/room", f"body: {body_of(got)}")
        check(got.find(q("jabber:x:oob", "x")) is None, "OOB is still there")
        check(got.find(q("http://jabber.org/protocol/xhtml-im", "html")) is None, "markup is still there")
        check(got.find(q("urn:xmpp:sid:0", "stanza-id")) is not None, "no stanza-id")
        warned = bob.expect(name="message", frm=f"guard@{server.domain}")
        check("Careful with the message" in body_of(warned), f"the bot says: {body_of(warned)}")
    tap.run("t5-defang: a rule takes the life out of links in text, markup and OOB; trusted ones stay", defang)

    def attributes():
        a = "attributes"
        anna.send(f"<message to='{bob.bare}' id='{a}'><body>come</body><x xmlns='jabber:x:conference' jid='r@rooms.{server.domain}'"
                  " reason='see http://shop.test/reason'/></message>")
        got = by_id(bob, a)
        check(body_of(got) == "come" and got.find(q("jabber:x:conference", "x")) is None, "the reason still leads somewhere")
        bob.expect(name="message", frm=f"guard@{server.domain}")
    tap.run("t5-defang: a link in what an attribute says is seen (XEP-0249)", attributes)

    def trusted_only():
        i = anna.message(bob.bare, "https://meet.example/x", extra=XHTML % "https://meet.example/x")
        got = by_id(bob, i)
        check(body_of(got) == "https://meet.example/x" and got.find(q("http://jabber.org/protocol/xhtml-im", "html")) is not None, "changed")
    tap.run("t5-defang: a message with trusted links alone is untouched", trusted_only)

    def archived():
        bob.clear()
        bob.iq("set", "<query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>5</max><before/></set></query>")
        texts = [body_of(m.find(".//" + q(CLIENT, "message"))) for m in bob.inbox if m.find(".//" + q(CLIENT, "message")) is not None]
        check(any("hxxp://shop[.]test" in (t or "") for t in texts), f"the archive has {texts}")
        check(not any("http://shop.test" in (t or "") for t in texts), f"a live link in the archive: {texts}")
    tap.run("t5-defang: the receiver's archive has what was delivered", archived)

    def encrypted():
        secret = "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>aHR0cDovL3h//3gudGVzdA==</payload></encrypted>"
        i = anna.message(bob.bare, "encrypted: http://shop.test/omemo", extra=secret)
        got = by_id(bob, i)
        payload = got.find(".//" + q("eu.siacs.conversations.axolotl", "payload"))
        check(payload is not None and payload.text == "aHR0cDovL3h//3gudGVzdA==", "the payload was touched")
    tap.run("t5-defang: what is encrypted is left as it is", encrypted)

    def is_signed():
        i = anna.message(bob.bare, "signed: http://shop.test/signed", extra="<x xmlns='jabber:x:signed'>iQA</x>")
        anna.expect(name="message", frm=f"guard@{server.domain}")
        bob.settle()
        check(not [m for m in bob.inbox if m.get("id") == i], "a signed message was delivered changed or unchanged")
        check(any("shop" not in str(h) for h in server.json("held", "list")["held"]), "it is not held")
    tap.run("t5-defang: what is signed cannot be changed, so it is held", is_signed)


def rule_tests(tap, server, anna, bob):
    def warn():
        apply(server, rule("warn"))
        i = anna.message(bob.bare, "see http://store.test/a")
        text = body_of(by_id(bob, i))
        check(text.startswith("see http://store.test/a\n\n[") and ("look where" in text or "has linked to that site before" in text), f"body: {text}")
    tap.run("t5-warn: a rule adds a sentence below the text", warn)

    def hold():
        apply(server, rule("hold"))
        i = anna.message(bob.bare, "see http://depot.test/a")
        told = anna.expect(lambda e: "held" in (body_of(e) or ""), name="message", frm=f"guard@{server.domain}")
        check("held" in body_of(told), f"{body_of(told)}")
        bob.settle()
        check(not [m for m in bob.inbox if m.get("id") == i], "delivered")
    tap.run("t5-hold: a rule holds messages with links", hold)

    def refuse():
        apply(server, rule("refuse"))
        i = anna.message(bob.bare, "the minutes of today: http://market.test/a")
        got = anna.expect(lambda e: e.get("type") == "error", name="message", id=i)
        check(child(got, CLIENT, "error") is not None, "no error")
    tap.run("t5-refuse: a rule refuses them", refuse)

    def milder():
        apply(server, "links:\n  own_domains: [firmament.test]\n  rules: [{from: everybody, to: everybody, do: flag}]\n")
        i = anna.message(bob.bare, "see http://firrnament.test/")
        bob.settle()
        check(not [m for m in bob.inbox if m.get("id") == i], "a look-alike of our own domain was delivered")
    tap.run("t5-rules: a rule makes nothing milder than the weights do", milder)


def presence_tests(tap, server, anna, bob):
    def befriended():
        befriend(anna, bob)
        apply(server, "links:\n  own_domains: [firmament.test]\n")
        anna.clear()
        bob.clear()

    def honest():
        befriended()
        anna.send("<presence><status>at http://shop.test/ until five</status></presence>")
        got = bob.expect(lambda e: e.find(q(CLIENT, "status")) is not None, name="presence", frm=anna.jid)
        check("http://shop.test/" in got.find(q(CLIENT, "status")).text, "changed")
    tap.run("t5-presence: an honest status reaches contacts as it is", honest)

    def bad():
        anna.clear()
        bob.clear()
        anna.send("<presence><show>away</show><status>sign in at http://firrnament.test/</status>"
                  "<nick xmlns='http://jabber.org/protocol/nick'>www.firrnament.test</nick></presence>")
        got = bob.expect(lambda e: e.find(q(CLIENT, "show")) is not None, name="presence", frm=anna.jid)
        check(got.find(q(CLIENT, "status")) is None and got.find(q("http://jabber.org/protocol/nick", "nick")) is None, "still there")
        told = body_of(anna.expect(lambda e: "not shown" in (body_of(e) or ""), name="message", frm=f"guard@{server.domain}"))
        number = told.split("number ")[1].split(")")[0]
        check("LINK_LOOKALIKE" in str(server.json("why", number)), f"why {number}")
    tap.run("t5-presence: a look-alike is taken out of a status; the presence goes on, and the reason is on record", bad)

    def room_name():
        anna.clear()
        anna.send(f"<presence to='den@rooms.{server.domain}/www.firrnament.test'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
        got = anna.expect(lambda e: e.get("type") == "error", name="presence")
        check(got.find(q(CLIENT, "error")) is not None, "no error")
    tap.run("t5-presence: nobody takes a malicious link as a name in a room", room_name)


def feed_tests(tap, server, anna, bob):
    source = os.path.join(server.top, "bad.txt")
    feeds = f"links:\n  feeds: ['local {source}', 'mirror http://127.0.0.1:%d/hosts']\n"

    def put(text):
        with open(source, "w") as f:
            f.write(text)

    class Mirror(http.server.BaseHTTPRequestHandler):
        text = b"0.0.0.0 mirrored.test\n"

        def do_GET(self):
            self.send_response(200 if self.path == "/hosts" else 404)
            self.end_headers()
            self.wfile.write(self.text)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Mirror) as mirror:
        threading.Thread(target=mirror.serve_forever, daemon=True).start()

        def read():
            put("# test\nhttp://listed.test/a.exe\nbadhost.test\n<html>\n" + "".join(f"h{i}.bulk.test\n" for i in range(100)))
            apply(server, feeds % mirror.server_address[1])
            made = {f["name"]: f for f in server.json("feed", "update")["feeds"]}
            check(made["local"]["entries"] == 102 and made["local"]["broken"] == 1, f"{made['local']}")
            check(made["local"]["broken_lines"][0]["line"] == 4, f"{made['local']}")
            check(made["mirror"]["entries"] == 1, f"{made['mirror']}")
            shown = {f["name"]: f["entries"] for f in server.json("feed", "list")["feeds"]}
            check(shown == {"local": 102, "mirror": 1}, f"{shown}")
        tap.run("t5-feeds: lists are read from files and mirrors, broken lines counted and named", read)

        def asked():
            got = server.json("feed", "check", "https://www.badhost.test/x", want=1)
            check(got["listed"] and got["list"] == "local", f"{got}")
            check(server.json("feed", "check", "http://listed.test/other")["listed"] is False, "listed")
        tap.run("t5-feeds: an operator can ask which list names a link", asked)

        def in_force():
            def listed():
                anna.message(bob.bare, "look http://mirrored.test/now")
                bob.settle()
                whys = [str(server.json("why", h["id"])) for h in server.json("held", "list")["held"]]
                return any("LINK_LISTED" in w and "mirrored[.]test (mirror)" in w for w in whys)
            until(listed, 20, "the server has taken up the lists", step=1)
        tap.run("t5-feeds: the running server takes a new list up by itself, and says which it was", in_force)

        def cut():
            put("one.bulk.test\n")
            server.cli("feed", "update", "local", want=1)
            put("")
            server.cli("feed", "update", "local", want=1)
            put("<html><body>\nnot found\n</body></html>\nx.test\n")
            server.cli("feed", "update", "local", want=1)
            check({f["name"]: f["entries"] for f in server.json("feed", "list")["feeds"]}["local"] == 102, "the good list is gone")
            put("one.bulk.test\n")
            server.cli("feed", "update", "local", "--force")
            check({f["name"]: f["entries"] for f in server.json("feed", "list")["feeds"]}["local"] == 1, "not forced")
        tap.run("t5-feeds: an empty, cut or broken list never replaces a good one", cut)

        def wrong():
            server.cli("feed", "update", "nobody", want=2)
            bad = os.path.join(server.top, "bad-policy.yaml")
            with open(bad, "w") as f:
                f.write("links:\n  feeds: ['../x /etc/hosts']\n")
            server.cli("policy", "check", bad, want=1)
        tap.run("t5-feeds: a list's name is no path", wrong)
        mirror.shutdown()


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def rtbl_tests(tap):
    lists, gate = "lists.example.test", "gate.example.test"
    items = (f"<pubsub xmlns='{PUBSUB}'><items node='bans'><item id='{sha256('spam@' + gate)}'/><item id='nonsense'/></items></pubsub>")
    with new_server(users=("anna",), component=True, extra=components_text({'domain': lists}, {'domain': gate})) as server:
        apply(server, f"strangers: allow\nreports:\n  lists: ['{lists} bans']\n")
        publisher = Component(server, lists).login()

        def answer():
            while True:
                iq = publisher.expect(lambda e: e.find(q(PUBSUB, "pubsub")) is not None, name="iq", timeout=25)
                if iq.find(".//" + q(PUBSUB, "subscribe")) is not None:
                    publisher.answer(iq)
                else:
                    publisher.answer(iq, items)
                    return
        anna = Client(server, "anna").login(presence=True)
        spammer = Component(server, gate).login()

        def send(name, i):
            spammer.send(f"<message from='{name}@{gate}' to='{anna.bare}' type='chat' id='{i}'><body>good morning</body></message>")

        def told(i):
            anna.expect(name="message", id=i)
            return body_of(anna.expect(lambda e: "Careful" in (body_of(e) or ""), name="message", frm=f"guard@{server.domain}"))

        def untrusted():
            answer()
            publisher.settle()
            send("honest", "h1")
            anna.expect(name="message", id="h1")
            send("spam", "s1")
            text = told("s1")
            check("block list" in text, text)
        tap.run("rtbl-flag: somebody on a list that is not trusted is delivered with a warning", untrusted)

        def event():
            publisher.send(f"<message from='{lists}' to='{server.domain}'><event xmlns='{PUBSUB}#event'><items node='bans'>"
                           f"<item id='{sha256('new@' + gate)}'/><retract id='{sha256('spam@' + gate)}'/></items></event></message>")
            publisher.settle()
            send("new", "s2")
            check("block list" in told("s2"), "no warning")
            anna.clear()
            send("spam", "s3")
            anna.expect(name="message", id="s3")
            anna.settle()
            check(not [m for m in anna.inbox if "Careful" in (body_of(m) or "")], "still listed")
        tap.run("rtbl-event: an event adds to and takes from the list", event)

        def forged():
            spammer.send(f"<message from='{gate}' to='{server.domain}'><event xmlns='{PUBSUB}#event'><items node='bans'>"
                         f"<item id='{sha256('honest@' + gate)}'/></items></event></message>")
            spammer.settle()
            anna.clear()
            send("honest", "h2")
            anna.expect(name="message", id="h2")
            anna.settle()
            check(not [m for m in anna.inbox if "Careful" in (body_of(m) or "")], "the event of a stranger was believed")
        tap.run("rtbl-forged: nobody but the service tells of its node", forged)

        def trusted():
            apply(server, f"strangers: allow\npeers: [{{domain: {lists}, trust: high}}]\nreports:\n  lists: ['{lists} bans']\n")
            send("new", "s4")
            anna.expect(lambda e: "held" in (body_of(e) or ""), name="message", frm=f"guard@{server.domain}")
            check(not [m for m in anna.inbox if m.get("id") == "s4"], "delivered")
        tap.run("rtbl-hold: a trusted publisher's word holds the message", trusted)
        server.assert_healthy()


def main():
    tap = Tap("links")
    with new_server(users=("anna", "bob"), https=True) as server:
        anna, bob = Client(server, "anna").login(presence=True), Client(server, "bob").login(presence=True)
        anna.settle()
        bob.settle()
        defang_tests(tap, server, anna, bob)
        rule_tests(tap, server, anna, bob)
        presence_tests(tap, server, anna, bob)
        feed_tests(tap, server, anna, bob)
        server.assert_healthy()
    rtbl_tests(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
