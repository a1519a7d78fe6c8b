#!/usr/bin/env python3
"""What follows when something spreads: held, asked on another device, frozen, contained; and the lessons the bot adds."""
import sys

import harness  # noqa: F401 - finds tests/lib
from harness import check
from rawcomponent import Component, components_text
from rawxmpp import Client, body_of
from wardroom_test import Instance, Tap

NET = "net.example.test"
LESSON_WORM, LESSON_LINK, LESSON_STRANGER = "somebody else is using your account", "look where it leads", "You do not know this person"


class World:
    def __init__(self, server):
        self.s, self.n = server, 0
        self.bot = f"guard@{server.domain}"

    def names(self, n):
        self.n += n
        return [f"u{i}" for i in range(self.n - n, self.n)]

    def client(self, name, resource=None):
        c = Client(self.s, name, resource=resource).login()
        c.send("<presence/>")
        c.settle()
        return c.clear()

    def heard(self, c, *parts, timeout=5):
        return body_of(c.expect(lambda e: e.get("from", "").startswith("guard@") and all(p in (body_of(e) or "") for p in parts), name="message",
                                what=f"the bot saying {parts}", timeout=timeout))

    def held(self, name):
        return self.s.json("held", "list", "--account", self.s.jid(name))["held"]

    def spread(self, c, people, site):
        """Three copies go out, the fourth is held."""
        for p in people:
            c.message(self.s.jid(p), f"is this you?? https://{site}.example/view?id={p}")
        c.settle()


def ladder(tap, w):
    def other_device():
        a, *people = w.names(5)
        sent, other = w.client(a, "laptop"), w.client(a, "phone")
        w.spread(sent, people, "one")
        said = w.heard(other, "was held", "on another of your devices", "cancel")
        check(LESSON_WORM in said, said)
        last = w.client(people[3])
        sent.message(w.bot, "confirm")
        w.heard(sent, "cannot vouch", "helpdesk@")
        check(len(w.held(a)) == 1, "let go by the device that sent it")
        other.message(w.bot, "confirm")
        last.expect(lambda e: "one.example" in (body_of(e) or ""), name="message", what="the message that was meant")
        check(w.held(a) == [], "still held")
        for c in (sent, other, last):
            c.goodbye()
    tap.run("asked on another device: the one that sent it cannot vouch, the other can", other_device)

    def latecomer():
        a, *people = w.names(5)
        sent = w.client(a, "laptop")
        w.spread(sent, people, "two")
        said = w.heard(sent, "was held", "another device that you have used here before", "help desk")
        check("confirm" in said, said)
        late = w.client(a, "new")
        late.message(w.bot, "confirm")
        w.heard(late, "cannot vouch", "signed in after")
        check(len(w.held(a)) == 1, "let go by a device that came after it")
        w.s.cli("held", "release", w.held(a)[0]["id"])
        w.heard(late, "has been let go")
        sent.goodbye(), late.goodbye()
    tap.run("a device that signs in after the message cannot vouch either; an officer can", latecomer)

    def command():
        a, *people = w.names(5)
        sent, other = w.client(a, "laptop"), w.client(a, "phone")
        w.spread(sent, people, "three")
        w.heard(other, "was held")
        form = ("<command xmlns='http://jabber.org/protocol/commands' node='urn:wardroom:gate#held'{}>{}</command>")

        for c, good in ((sent, False), (other, True)):
            r = c.iq("set", form.format(" action='execute'", ""), to=w.s.domain)
            sid = r.find("{http://jabber.org/protocol/commands}command").get("sessionid")
            c.iq("set", form.format(f" sessionid='{sid}' action='complete'", "<x xmlns='jabber:x:data' type='submit'><field var='answer'><value>confirm</value>"
                                    "</field></x>"), to=w.s.domain)
            if good:
                w.heard(c, "has been let go")
            else:
                w.heard(c, "cannot vouch")
        sent.goodbye(), other.goodbye()
    tap.run("the same by the ad-hoc command", command)

    def cancel():
        a, *people = w.names(5)
        sent = w.client(a, "laptop")
        w.spread(sent, people, "four")
        w.heard(sent, "was held")
        sent.message(w.bot, "cancel")
        w.heard(sent, "will not be delivered")
        check(w.held(a) == [], "still held")
        sent.goodbye()
    tap.run("to cancel is allowed on every device", cancel)

    def frozen():
        a, *people = w.names(20)
        sent, other = w.client(a, "laptop"), w.client(a, "phone")
        w.spread(sent, people, "five")
        said = w.heard(other, "has been frozen", "helpdesk@")
        check(LESSON_WORM in said, said)
        other.message(w.bot, "confirm")
        w.heard(other, "frozen; please write to")
        check(w.held(a), "a frozen account let go what it sent")
        sent.goodbye(), other.goodbye()
    tap.run("who goes on is frozen, and has no word any more", frozen)

    def one_policy():
        a, *people = w.names(5)
        path = w.s.top + "/any.yaml"
        with open(path, "w") as f:
            f.write("worms: {confirm: any_device}\n")
        w.s.json("policy", "apply", path)
        sent = w.client(a, "laptop")
        w.spread(sent, people, "six")
        check("another" not in w.heard(sent, "was held", "answer \"confirm\" if you meant"), "asks for another device")
        sent.message(w.bot, "confirm")
        w.heard(sent, "has been let go")
        w.s.json("policy", "rollback")
        sent.goodbye()
    tap.run("policy may let the same device answer", one_policy)


def lessons(tap, w):
    def link():
        a, b = w.names(2)
        ca, cb = w.client(a), w.client(b)
        ca.message(cb.bare, "our wiki: http://firm@wiki.example/page")
        said = w.heard(cb, "Careful with the message", LESSON_LINK)
        check(said.count(LESSON_LINK) == 1, said)
        ca.goodbye(), cb.goodbye()
    tap.run("a warning about a link teaches how to look at links", link)

    def stranger():
        (a,) = w.names(1)
        ca = w.client(a)
        net = Component(w.s, NET).login()
        net.send(f"<message from='lisa.meyer@{NET}/x' to='{ca.bare}' type='chat'><body>Hello, I am new in purchasing</body></message>")
        w.heard(ca, "Request 1", LESSON_STRANGER)
        net.send(f"<message from='lisa.meyer@{NET}/x' to='{ca.bare}' type='chat'><body>are you there?</body></message>")
        check(LESSON_STRANGER not in w.heard(ca, "Request 1", "again"), "the lesson again")
        ca.goodbye()
    tap.run("the first word of a stranger comes with the lesson about strangers", stranger)

    def off():
        a, b = w.names(2)
        path = w.s.top + "/quiet.yaml"
        with open(path, "w") as f:
            f.write("lessons: {on: off}\n")
        w.s.json("policy", "apply", path)
        ca, cb = w.client(a), w.client(b)
        ca.message(cb.bare, "our wiki: http://firm@wiki.example/page")
        check(LESSON_LINK not in w.heard(cb, "Careful with the message"), "a lesson that policy does not want")
        ca.goodbye(), cb.goodbye()
    tap.run("without lessons the bot says what happened, and no more", off)


def main():
    tap = Tap("what follows when something spreads")
    with Instance(users=[f"u{i}" for i in range(60)], component=True, extra=components_text({"domain": NET})) as server:
        w = World(server)
        ladder(tap, w)
        lessons(tap, w)
        tap.run("the server is well at the end", server.assert_healthy)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
