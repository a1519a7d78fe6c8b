#!/usr/bin/env python3
"""A late verdict: what was delivered is taken out of archives and waiting queues, and back from the people it had reached."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from rawxmpp import Client  # noqa: E402
from wardroom_test import Instance, Tap, check  # noqa: E402

RETRACT = "urn:xmpp:message-retract:1"
SID = "urn:xmpp:sid:0"
LURE = "is this you in the picture http://photo-share.test/view?id=7"


def retraction_of(e, given):
    x = e.find(f"{{{RETRACT}}}retract")
    return x is not None and x.get("id") == given


def main():
    tap = Tap("purge")
    with Instance(users=["anna", "bob", "carol", "dave"]) as server:
        anna, bob = Client(server, "anna").login(presence=True), Client(server, "bob").login(presence=True)
        seen = {}

        def fingerprint():
            anna.message(server.jid("carol"), LURE, id="to-carol")		# she is away
            anna.message(bob.bare, LURE, id="to-bob")
            got = bob.expect(name="message", id="to-bob")
            seen["id"] = got.find(f"{{{SID}}}stanza-id").get("id")
            bob.settle().clear()
            story = json.loads(server.cli("why", seen["id"], "--json"))
            seen["fingerprint"] = story["fingerprint"]
            purged = json.loads(server.cli("purge", "--fingerprint", seen["fingerprint"], "--json"))
            check(purged["purged"] == 2, f"two copies were out: {purged}")
            check(set(purged["exposures"]) == {bob.bare, server.jid("carol")}, f"exposures: {purged['exposures']}")
            back = bob.expect(name="message", pred=lambda e: retraction_of(e, "to-bob"))
            check(back.get("from").split("/")[0] == anna.bare, "it is taken back in the name of who sent it")
            check("removed" in (back.findtext("{jabber:client}body") or ""), "a text for clients that do not know retractions")
        tap.run("who is there gets a retraction of the message, with its own id", fingerprint)

        def offline():
            carol = Client(server, "carol").login(presence=True)
            carol.expect(name="message", pred=lambda e: retraction_of(e, "to-carol"), keep=True, timeout=10)
            carol.settle()
            lures = [e for e in carol.inbox if "photo-share" in (e.findtext("{jabber:client}body") or "")]
            check(not lures, "what waited for her was delivered all the same")
            check([e for e in carol.inbox if retraction_of(e, "to-carol")], "she is told that something was removed")
            carol.close()
        tap.run("what waited for somebody who was away is gone", offline)

        def twice():
            bob.settle().clear()
            again = json.loads(server.cli("purge", "--fingerprint", seen["fingerprint"], "--json"))
            check(set(again["exposures"]) == {bob.bare, server.jid("carol")}, "the exposures stay on record")
            bob.settle()
            check(not [e for e in bob.inbox if e.find(f"{{{RETRACT}}}retract") is not None], "nobody is told twice")
        tap.run("a second purge does nothing more", twice)

        def one():
            dave = Client(server, "dave").login(presence=True)
            anna.message(dave.bare, "the minutes http://minutes.test/of/june.html", id="to-dave")
            got = dave.expect(name="message", id="to-dave")
            dave.settle().clear()
            server.cli("purge", "--stanza-id", got.find(f"{{{SID}}}stanza-id").get("id"))
            dave.expect(name="message", pred=lambda e: retraction_of(e, "to-dave"))
        tap.run("one message by its number", one)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
