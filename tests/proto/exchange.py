#!/usr/bin/env python3
"""Threats that peers tell each other (core/exchange.h, core/blocklist.h): what is taken from whom, and what is told to whom."""
import hashlib
import os
import sys
import time

from harness import check, q
from rawcomponent import Component, components_text
from rawxmpp import Client, body_of
from wardroom_test import Tap, new_server, until

PUBSUB = "http://jabber.org/protocol/pubsub"
EXCHANGE = "urn:wardroom:exchange:0"
PEER, OTHER = "threats.partner.test", "nosy.test"
LURE = "is this you in the picture http://photo-share.test/view?id=%d"


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def apply(server, text):
    path = os.path.join(server.top, "new-policy.yaml")
    with open(path, "w") as f:
        f.write(text)
    server.cli("policy", "apply", path)


def policy(trust="high", share=""):
    return f"peers: [{{domain: {PEER}, trust: {trust}}}]\nreports:\n  lists: ['{PEER} threats']\n  share: [{share}]\n"


def item(text, kind, weight=100, expires=None, memory=None):
    more = (f" expires='{expires}'" if expires else "") + (f" memory='{memory}'" if memory else "")
    return f"<item id='{sha256(text)}'><threat xmlns='{EXCHANGE}' kind='{kind}' weight='{weight}'{more}/></item>"


class Publisher(Component):
    """A peer's list: answers who subscribes and reads, and tells of changes."""

    def serve(self, items):
        while True:
            iq = self.expect(lambda e: e.find(q(PUBSUB, "pubsub")) is not None, name="iq", timeout=25)
            if iq.find(".//" + q(PUBSUB, "subscribe")) is not None:
                self.answer(iq)
            else:
                self.answer(iq, f"<pubsub xmlns='{PUBSUB}'><items node='threats'>{items}</items></pubsub>")
                return self.settle()

    def tell(self, inner):
        self.send(f"<message from='{PEER}' to='{self.server.domain}'><event xmlns='{PUBSUB}#event'><items node='threats'>{inner}</items></event></message>")
        return self.settle()


def taking_tests(tap):
    with new_server(users=("anna", "bob"), component=True, extra=components_text({"domain": PEER})) as server:
        apply(server, policy())
        peer = Publisher(server, PEER).login()
        anna, bob = Client(server, "anna").login(presence=True), Client(server, "bob").login(presence=True)

        def careful(i):
            bob.expect(name="message", id=i)
            return body_of(bob.expect(lambda e: "Careful" in (body_of(e) or ""), name="message", frm=f"guard@{server.domain}"))

        def held(text):
            bob.clear()
            i = anna.message(bob.bare, text)
            bob.expect(lambda e: "was held" in (body_of(e) or ""), name="message", frm=f"guard@{server.domain}")
            check(not [m for m in bob.inbox if m.get("id") == i], "delivered")

        def passes(text):
            i = anna.message(bob.bare, text)
            bob.expect(name="message", id=i)

        def links():
            peer.serve(item("bad.test", "link") + item("half.test/page", "link", weight=20) + "<item id='nonsense'/>" +
                       item("odd.test", "rumour") + item("gone.test", "link", expires=stamp(-60)))
            held("see http://bad.test/anything")
            held("see http://www.bad.test/")
        tap.run("a trusted peer's word holds links to the site it names", links)

        def unsure():
            check("malicious" in careful(anna.message(bob.bare, "see http://half.test/page")), "not why")
            passes("see http://half.test/elsewhere")
        tap.run("what the peer is not sure of is delivered with a warning, and that page alone", unsure)

        def others():
            passes("see http://odd.test/ and http://gone.test/")
        tap.run("a kind that nobody knows and an entry that is over say nothing", others)

        def taken_back():
            peer.tell(item("late.test", "link") + f"<retract id='{sha256('bad.test')}'/>")
            held("see http://late.test/x")
            passes("see http://bad.test/again")
        tap.run("an event adds and takes back", taken_back)

        def end():
            peer.tell(item("brief.test", "link", expires=stamp(6)))
            held("see http://brief.test/")
            time.sleep(17)
            passes("now http://brief.test/ is fine")
        tap.run("an entry ends when its time is over", end)

        def distrusted():
            apply(server, policy(trust="normal"))
            careful(anna.message(bob.bare, "once more http://late.test/x"))
        tap.run("a peer whom policy no longer trusts cannot hold anything: his word weighs", distrusted)

        def dropped():
            apply(server, "strangers: allow\n")
            until(lambda: bool(anna.message(bob.bare, "http://late.test/y")) and quiet(), 25, "the list is forgotten", step=1)

        def quiet():
            bob.settle()
            said = [m for m in bob.inbox if "Careful" in (body_of(m) or "")]
            bob.clear()
            return not said
        tap.run("a list that policy no longer names says nothing", dropped)
        server.assert_healthy()


def spread(server, sender, receivers, n):
    """The same lure to one after the other until it is an outbreak."""
    for i, r in enumerate(receivers):
        sender.message(r, LURE % (n + i))
    sender.settle()
    return until(lambda: server.json("outbreak", "list")["outbreaks"], 10, "an outbreak")


def telling_tests(tap):
    names = ("anna", "bob", "c1", "c2", "c3", "c4", "c5", "c6")
    kept = {}
    with new_server(users=names, component=True, extra=components_text({"domain": PEER}, {"domain": OTHER})) as server:
        apply(server, policy(share=PEER))
        peer, other = Component(server, PEER).login(), Component(server, OTHER).login()
        anna = Client(server, "anna").login(presence=True)

        def read(who):
            return who.iq("get", f"<pubsub xmlns='{PUBSUB}'><items node='threats'/></pubsub>", to=f"pubsub.{server.domain}")

        def entries():
            got = read(peer)
            return [(i.get("id"), i.find(q(EXCHANGE, "threat"))) for i in got.iter(q(PUBSUB, "item"))] if got.get("type") == "result" else []

        def outbreak():
            until(lambda: read(peer).get("type") == "result", 25, "the peer may read")
            spread(server, anna, [server.jid(n) for n in names[1:]], 1)
            listed = until(entries, 10, "it is told")
            kept["threat"] = listed[0][1]
            check(kept["threat"].get("kind") == "text" and kept["threat"].get("expires"), f"told: {kept['threat'].attrib}")
            check("picture" not in kept["threat"].get("memory"), "text is told")
        tap.run("an outbreak is told to whom policy names", outbreak)

        def nosy():
            check(read(other).get("type") == "error", "anybody reads it")
            got = anna.iq("get", f"<pubsub xmlns='{PUBSUB}'><items node='threats'/></pubsub>", to=f"pubsub.{server.domain}")
            check(got.get("type") == "error", "staff read it")
        tap.run("nobody else may read the list", nosy)

        def by_hand():
            added = server.json("exchange", "add", "link", "https://bad.test/login", "--weight", "60", "--days", "2")
            check(added["hash"] == sha256("bad.test/login"), f"hash: {added}")
            server.cli("exchange", "add", "address", f"spammer@{OTHER}")
            until(lambda: sha256(f"spammer@{OTHER}") in [i for i, _ in entries()], 10, "it is told")
            listed = server.json("exchange", "list")["entries"]
            check({e["kind"] for e in listed} == {"text", "link", "address"}, f"listed: {listed}")
            check([e["weight"] for e in listed if e["kind"] == "link"] == ["60"], f"weight: {listed}")
            server.cli("exchange", "remove", added["hash"])
            until(lambda: added["hash"] not in [i for i, _ in entries()], 10, "it is taken back")
            wrong = server.cli_run("exchange", "add", "address", f"anna@{server.domain}")
            check(wrong.returncode == 1 and "your own people" in wrong.stderr, wrong.stderr)
            wrong = server.cli_run("exchange", "add", "link", "bad.test", "--weight", "101")
            check(wrong.returncode == 1 and "from 1 to 100" in wrong.stderr, wrong.stderr)
            wrong = server.cli_run("exchange", "add", "file", "abc")
            check(wrong.returncode == 1 and "SHA-256" in wrong.stderr, wrong.stderr)
        tap.run("an administrator adds, lists and takes back", by_hand)

        def lifted():
            server.cli("outbreak", "lift", server.json("outbreak", "list")["outbreaks"][0]["id"])
            until(lambda: "text" not in [t.get("kind") for _, t in entries()], 10, "it is taken back")
        tap.run("an outbreak that is lifted is taken back", lifted)

        def withdrawn():
            apply(server, policy())
            until(lambda: read(peer).get("type") == "error", 25, "the peer is shut out")
        tap.run("who is no longer named reads nothing any more", withdrawn)
        server.assert_healthy()
    return kept.get("threat")


def text_tests(tap, threat):
    with new_server(users=("anna", "bob"), component=True, extra=components_text({"domain": PEER})) as server:
        apply(server, policy())
        peer = Publisher(server, PEER).login()
        anna, bob = Client(server, "anna").login(presence=True), Client(server, "bob").login(presence=True)
        memory = threat.get("memory")

        def variant():
            peer.serve(item("fp", "text", weight=80, memory=memory))
            i = anna.message(bob.bare, LURE % 4711)
            bob.expect(lambda e: "was held" in (body_of(e) or ""), name="message", frm=f"guard@{server.domain}")
            check(not [m for m in bob.inbox if m.get("id") == i], "delivered")
        tap.run("the first copy of what spreads at a peer is held here, though its words differ", variant)

        def honest():
            i = anna.message(bob.bare, "the pictures of the summer party are on http://party.test/")
            bob.expect(name="message", id=i)
        tap.run("what is not alike passes", honest)

        def over():
            peer.tell(f"<retract id='{sha256('fp')}'/>")
            i = anna.message(bob.bare, LURE % 4712)
            bob.expect(name="message", id=i)
        tap.run("what the peer takes back passes again", over)

        def nonsense():
            peer.tell("".join(item(f"m{i}", "text", memory=m) for i, m in enumerate(("", "x", memory[:16], memory[:17], memory[:16] + " " + "9" * 390,
                                                                                    "0" * 16 + " 0 0 0 0 ", memory + "zz"))))
            i = anna.message(bob.bare, "good morning http://news.test/")
            bob.expect(name="message", id=i)
        tap.run("memories that are none hurt nobody", nonsense)

        def untrusted():
            apply(server, policy(trust="normal"))
            peer.tell(item("fp2", "text", memory=memory))
            i = anna.message(bob.bare, LURE % 4713)
            bob.expect(name="message", id=i)
        tap.run("nobody whom policy does not trust contains anything here", untrusted)
        server.assert_healthy()


def main():
    tap = Tap("exchange")
    taking_tests(tap)
    threat = telling_tests(tap)
    if threat is not None:
        text_tests(tap, threat)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
