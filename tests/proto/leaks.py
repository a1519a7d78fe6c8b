#!/usr/bin/env python3
"""What should not leave (policy.yaml, leaks): told, taken out or held, by where it goes; the sender's own password anywhere."""
import sys

import harness  # noqa: F401 - finds tests/lib
from harness import befriend, check
from rawcomponent import Component, components_text
from rawxmpp import Client, body_of
from wardroom_test import PASSWORD, Instance, Tap, until

GATE = "irc.example.test"
CARD = "4111 1111 1111 1111"
OWN = "k7fm-p2xq-9dtw"
TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
POLICY = """
strangers: allow
leaks:
  words: [Project Nautilus]
  patterns: {ticket: "TCK-[0-9]{6}"}
  %s
"""


def said_by_bot(c, words, patience=5):
    """The bot's sentence that holds all these words."""
    def fits(el):
        return el.tag.endswith("message") and (el.get("from") or "").startswith("guard@") and all(w in (body_of(el) or "") for w in words)
    return body_of(c.expect(fits, timeout=patience, what=f"the bot saying {words}"))


def delivered(a, b, text, patience=10):
    a.message(b.bare, text)
    el = b.expect(lambda e: e.tag.endswith("message") and (e.get("from") or "").startswith(a.bare) and body_of(e) is not None, timeout=patience,
                  what="a message")
    return body_of(el)


def held_of(server, jid):
    return [h for h in server.json("held", "list", "--account", jid)["held"] if h["state"] == "waiting"]


def main():
    tap = Tap("leaks")
    with Instance(users={"anna": OWN, "bob": PASSWORD}, extra=components_text({"domain": GATE}), component=True) as server:
        def apply(more=""):
            path = f"{server.dir}/new-policy.yaml"
            with open(path, "w") as f:
                f.write(POLICY % more)
            server.cli("policy", "apply", path)

        apply()
        anna = Client(server, "anna", password=OWN, resource="a").login(presence=True)
        bob = Client(server, "bob", resource="b").login(presence=True)
        befriend(anna, bob)
        gate = Component(server, GATE)
        gate.login()

        def secrets_inside():
            anna.clear()
            check(TOKEN in delivered(anna, bob, f"use {TOKEN} please"), "the token did not arrive inside the company")
            said = said_by_bot(anna, ["key to a service", "delivered as you wrote it"])
            check(TOKEN not in said, "the bot repeats the secret")
        tap.run("a key to a colleague is delivered and the sender is told", secrets_inside)

        def cards_inside():
            anna.clear()
            check(CARD in delivered(anna, bob, f"card {CARD}"), "a card number did not arrive inside the company")
            anna.settle()
            anna.none(lambda e: "guard@" in (e.get("from") or ""), "a word of the bot about a card number inside")
        tap.run("a card number to a colleague is nobody's business", cards_inside)

        def outside_held():
            for text in (f"my card {CARD}", f"token {TOKEN}", "about project nautilus", "see tck-123456"):
                before = len(held_of(server, anna.bare))
                anna.message(f"joe@{GATE}", text)
                until(lambda: len(held_of(server, anna.bare)) == before + 1, 5, f"'{text}' being held")
            gate.settle()
            gate.none(lambda e: e.tag.endswith("message"), "a message that should have been held")
        tap.run("what should not leave is held on its way to another network", outside_held)

        def not_his_to_confirm():
            anna.clear()
            anna.message(f"guard@{server.domain}", "confirm")
            said_by_bot(anna, ["not yours to let go"])
            gate.settle()
            gate.none(lambda e: e.tag.endswith("message"), "a leak that its sender let go himself")
        tap.run("the sender cannot let go what should not leave", not_his_to_confirm)

        def harmless_outside():
            anna.message(f"joe@{GATE}", "the ticket number is 4111 1111 1111 1112 and the project is fine")
            gate.expect(lambda e: e.tag.endswith("message") and body_of(e) and "fine" in body_of(e), what="a harmless message")
        tap.run("what only looks like it leaves", harmless_outside)

        def own_password():
            anna.clear()
            bob.clear()
            got = delivered(anna, bob, f"the wifi password is the same as mine: {OWN}!")
            check(OWN not in got and "[password removed]" in got, f"the receiver reads: {got}")
            said = said_by_bot(anna, ["own password", "taken out"])
            check(OWN not in said, "the bot repeats the password")
        tap.run("the sender's own password is taken out before delivery, and he is told", own_password)

        def archive_without():
            for c in (anna, bob):
                c.clear()
                c.send("<iq type='set' id='page'><query xmlns='urn:xmpp:mam:2' queryid='q'/></iq>")
                bodies = []
                while True:
                    el = c.expect(lambda e: e.get("id") == "page" or e.find(".//{urn:xmpp:mam:2}result") is not None
                                  or e.tag == "{urn:xmpp:mam:2}result", what="a page of the archive")
                    if el.get("id") == "page":
                        break
                    bodies += [b.text or "" for b in el.iter("{jabber:client}body")]
                check(any("[password removed]" in b for b in bodies), f"the archive lacks the message: {bodies}")
                check(not any(OWN in b for b in bodies), "the password is in the archive")
        tap.run("neither archive has the password", archive_without)

        def alone():
            anna.clear()
            bob.clear()
            got = delivered(anna, bob, OWN)
            check(got == "[password removed]", f"the receiver reads: {got}")
        tap.run("a password that is pasted alone is recognised", alone)

        def phrase():
            bob.clear()
            anna.clear()
            bob.message(anna.bare, f"password: {PASSWORD}!")
            got = body_of(anna.expect(lambda e: body_of(e) and (e.get("from") or "").startswith(bob.bare), timeout=10, what="the phrase"))
            check(got == "password: [password removed]!", f"the receiver reads: {got}")
        tap.run("a password of several words is recognised behind the word", phrase)

        def not_his():
            anna.clear()
            bob.clear()
            got = delivered(anna, bob, "my login is Tr0ub4dor-and-3 since today")
            check("Tr0ub4dor-and-3" in got, f"somebody else's password was taken for his own: {got}")
        tap.run("another password is not taken for his own", not_his)

        def bounded():
            for i in range(30):
                anna.message(bob.bare, f"password: wrong-{i}-guess")
            for i in range(30):
                bob.expect(lambda e: body_of(e) == f"password: wrong-{i}-guess", timeout=20, what=f"message {i}")
        tap.run("many candidates hold nobody up, and the order stays", bounded)

        def masked_outside():
            apply("outside: mask")
            anna.clear()
            anna.message(f"joe@{GATE}", f"my card {CARD}, ok?")
            el = gate.expect(lambda e: e.tag.endswith("message") and body_of(e), what="the masked message")
            check(body_of(el) == "my card [card number removed], ok?", f"it reads {body_of(el)}")
            said_by_bot(anna, ["payment card", "taken out"])
        tap.run("policy may have it taken out instead", masked_outside)

        def unmaskable():
            before = len(held_of(server, anna.bare))
            anna.send(f"<message to='joe@{GATE}' type='chat'><body>plain</body><html xmlns='http://jabber.org/protocol/xhtml-im'>"
                      f"<body xmlns='http://www.w3.org/1999/xhtml'><p>4111 1111 <b>1111</b> 1111</p></body></html></message>")
            until(lambda: len(held_of(server, anna.bare)) == before + 1, 5, "what cannot be taken out being held")
        tap.run("what cannot be taken out is held", unmaskable)

        def own_pattern_wrong():
            path = f"{server.dir}/bad.yaml"
            with open(path, "w") as f:
                f.write("leaks:\n  patterns: {bad: '('}\n")
            r = server.cli_run("policy", "check", path)
            check(r.returncode == 1 and "bad.yaml:2:" in r.stderr, f"{r.returncode}: {r.stderr}")
        tap.run("a pattern that is none is named with its place", own_pattern_wrong)

        def incoming():
            gate.send(f"<message from='joe@{GATE}' to='{anna.bare}' type='chat'><body>their card {CARD}</body></message>")
            anna.expect(lambda e: body_of(e) and CARD in body_of(e), what="what comes from outside")
        tap.run("what comes in from elsewhere is no leak of ours", incoming)
    tap.end()


if __name__ == "__main__":
    sys.exit(main())
