#!/usr/bin/env python3
"""Shared roster groups, and the decoys among them: who shares a group sees one another without asking; a link to a decoy freezes its sender."""
import xml.etree.ElementTree as ET
import os
import sys

import harness  # noqa: F401 - finds tests/lib
from harness import check, error_of, q, text_of
from rawxmpp import Client, body_of
from wardroom_test import PASSWORD, Failed, Instance, Tap, until

ROSTER = "jabber:iq:roster"
POLICY = """groups:
  sales: [ann@example.test, bob@example.test, cat@example.test]
  lab: [cat@example.test, dan@example.test]
  partner: [partner.example]
roster: {shared: [sales, lab]}
decoys: {per_group: 2}
"""


class World:
    def __init__(self, server):
        self.s = server
        self.bot = f"guard@{self.s.domain}"

    def apply(self, text):
        path = os.path.join(self.s.top, "next.yaml")
        with open(path, "w") as f:
            f.write(text)
        return self.s.json("policy", "apply", path)

    def client(self, name, resource=None, presence=True, ver=None):
        c = Client(self.s, name, resource=resource).login()
        c.first = c.iq("get", f"<query xmlns='{ROSTER}'{f' ver={chr(39)}{ver}{chr(39)}' if ver is not None else ''}/>")
        if presence:
            c.send("<presence/>")
            c.settle()
        return c

    def decoys(self):
        return self.s.json("decoy", "list")["decoys"]

    def heard(self, c, *parts, timeout=5):
        return body_of(c.expect(lambda e: e.get("from", "").startswith("guard@") and all(p in (body_of(e) or "") for p in parts), name="message",
                                what=f"the bot saying {parts}", timeout=timeout))


def items(el):
    return {i.get("jid"): (i.get("subscription"), i.get("name"), sorted(g.text for g in i.iter(q(ROSTER, "group")))) for i in el.iter(q(ROSTER, "item"))}


def pushed(c, jid):
    return c.expect(lambda e: any(i.get("jid") == jid for i in e.iter(q(ROSTER, "item"))), name="iq", type="set", what=f"a push about {jid}")


def shared(tap, w):
    def live():
        ann, bob = w.client("ann"), w.client("bob")
        check(items(ann.first) == {}, text_of(ann.first))
        w.apply(POLICY)
        check(items(pushed(ann, bob.bare))[bob.bare] == ("both", "Bob", ["sales"]), "wrong item")
        ann.expect(name="presence", frm=bob.jid, what="bob's presence")
        bob.expect(name="presence", frm=ann.jid, what="ann's presence")
        got = items(ann.iq("get", f"<query xmlns='{ROSTER}'/>"))
        people = {j: v for j, v in got.items() if j in (bob.bare, "cat@example.test")}
        check(people == {bob.bare: ("both", "Bob", ["sales"]), "cat@example.test": ("both", "Cat", ["sales"])}, got)
        check(not any(j.startswith(("dan@", "eve@")) or "partner" in j for j in got), got)
        ann.goodbye(), bob.goodbye()
    tap.run("people of a shared group become contacts at once, with presence, and nobody else does", live)

    def both_groups():
        cat = w.client("cat")
        got = items(cat.first)
        check({"ann@example.test", "bob@example.test", "dan@example.test"} <= set(got) and got["dan@example.test"][2] == ["lab"], got)
        cat.goodbye()
    tap.run("who is in two groups sees both", both_groups)

    def fixed():
        ann, bob = w.client("ann"), w.client("bob")
        r = ann.iq("set", f"<query xmlns='{ROSTER}'><item jid='{bob.bare}' subscription='remove'/></query>")
        check(error_of(r)[0] == "not-allowed", text_of(r))
        ann.clear()
        ann.send(f"<presence type='unsubscribe' to='{bob.bare}'/><presence type='unsubscribed' to='{bob.bare}'/>")
        ann.settle()
        check(items(ann.iq("get", f"<query xmlns='{ROSTER}'/>"))[bob.bare][0] == "both", "the subscription ended")
        bob.send("<presence><show>away</show></presence>")
        ann.expect(lambda e: e.find(q("jabber:client", "show")) is not None, name="presence", frm=bob.jid)
        ann.iq("set", f"<query xmlns='{ROSTER}'><item jid='{bob.bare}' name='Bobby'><group>sales</group><group>mine</group></item></query>")
        check(items(pushed(ann, bob.bare))[bob.bare] == ("both", "Bobby", ["mine", "sales"]), "own name and group")
        ann.goodbye(), bob.goodbye()
    tap.run("a client cannot take a shared contact out, and may call it what it likes", fixed)

    def versions():
        ann = w.client("ann")
        ver = ann.first.find(q(ROSTER, "query")).get("ver")
        check(len(items(ann.first)) >= 2, text_of(ann.first))
        again = w.client("ann", resource="two", ver=ver)
        check(again.first.find(q(ROSTER, "query")) is None, "the same version is sent again")
        w.s.stop()
        w.s.start()
        def same():
            third = w.client("ann", resource="three", ver=ver)
            return third.first.find(q(ROSTER, "query")) is None
        until(same, 5, "the version after a restart")
        w.apply(POLICY.replace("bob@example.test, ", ""))
        fourth = w.client("ann", resource="four", ver=ver)
        got = items(fourth.first)
        check(got["bob@example.test"] == ("none", "Bobby", ["mine"]), got)
        w.apply(POLICY)
    tap.run("versions: known ones are not sent again, also after a restart; another policy is another version", versions)

    def leaves():
        ann, bob = w.client("ann"), w.client("bob")
        ann.clear()
        w.apply(POLICY.replace("sales: [ann@example.test, ", "sales: ["))
        push = items(pushed(bob, ann.bare))
        check(push[ann.bare][0] == "remove", push)
        bob.expect(name="presence", frm=ann.jid, type="unavailable")
        w.apply(POLICY)
        ann.goodbye(), bob.goodbye()
    tap.run("who leaves the group is taken out, and seen to go", leaves)

    def walls():
        w.apply(POLICY + "walls:\n  - {between: [ann@example.test, bob@example.test]}\n")
        ann = w.client("ann")
        check("bob@example.test" not in {j for j, i in items(ann.first).items() if i[0] == "both"} and "cat@example.test" in items(ann.first), text_of(ann.first))
        w.apply(POLICY)
        ann.goodbye()
    tap.run("a wall goes before a shared group", walls)

    def newcomer():
        ann = w.client("ann")
        w.apply(POLICY.replace("sales: [", "sales: [zoe@example.test, "))
        ann.clear()
        w.s.add_users(["zoe"])
        check(items(pushed(ann, "zoe@example.test"))["zoe@example.test"][0] == "both", "no push")
        w.s.cli("user", "remove", "zoe@example.test")
        check(items(pushed(ann, "zoe@example.test"))["zoe@example.test"][0] == "remove", "no push of the end")
        w.apply(POLICY)
        ann.goodbye()
    tap.run("a new account is a contact at once, and one that is removed is none", newcomer)


def decoys(tap, w):
    def look():
        d = until(lambda: len(v := w.decoys()) == 4 and v, 5, "the decoys")
        check(sorted(x["group"] for x in d) == ["lab", "lab", "sales", "sales"], d)
        mine = [x for x in d if x["group"] == "sales"]
        ann = w.client("ann", presence=False)
        got = items(ann.first)
        for x in mine:
            check(got[x["jid"]] == ("both", x["name"], ["sales"]), f"{x}: {got}")
            card = ann.iq("get", "<vCard xmlns='vcard-temp'/>", to=x["jid"])
            check(card.get("type") == "result" and x["name"] in text_of(card), text_of(card))
        check(not any(x["jid"] in got for x in d if x["group"] == "lab"), got)
        ann.send("<presence/>")
        for x in mine:
            p = ann.expect(lambda e: e.get("from", "").split("/")[0] == x["jid"], name="presence")
            check("/" in p.get("from") and p.get("type") is None, text_of(p))
        bob = w.client("bob")
        asked = ("<query xmlns='http://jabber.org/protocol/disco#info'/>", "<query xmlns='http://jabber.org/protocol/disco#items'/>", "<query xmlns='jabber:iq:last'/>",
                 "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:avatar:metadata'/></pubsub>", "<ping xmlns='urn:xmpp:ping'/>")

        def told(who, q):
            return ET.tostring(ann.iq("get", q, to=who)).decode().split(">", 1)[1]
        for q in asked:
            check(told(mine[0]["jid"], q) == told(bob.bare, q), f"{q}: {told(mine[0]['jid'], q)}")
        bob.goodbye()
        check([a["state"] for a in w.s.json("user", "list")["accounts"] if a["jid"] == mine[0]["jid"]] == ["decoy"], "not named in the list")
        ann.goodbye()
    tap.run("a decoy looks like a colleague: contact, name, card, presence", look)

    def login():
        for name in (w.decoys()[0]["jid"].split("@")[0], "nobody.here"):
            try:
                Client(w.s, name, password="x" * 12).login()
                raise Failed("signed in")
            except Failed as e:
                check("not-authorized" in str(e), str(e))
    tap.run("a login to a decoy fails as one to nobody", login)

    def reserved():
        jid = w.decoys()[0]["jid"]
        for args in (("user", "passwd", jid), ("user", "freeze", jid)):
            p = w.s.cli_run(*args, stdin=PASSWORD)
            check(p.returncode == 1 and "decoy" in p.stderr, p.stderr + p.stdout)
        p = w.s.cli_run("user", "add", jid)
        check(p.returncode == 1 and f"decoy rotate {jid}" in p.stderr, p.stderr)
        ann = w.client("ann")
        w.s.cli("decoy", "rotate", jid)
        ann.settle()
        until(lambda: jid not in [d["jid"] for d in w.decoys()] and len(w.decoys()) == 4, 5, "another decoy")
        w.s.cli("user", "add", jid)
        w.s.cli("user", "remove", jid)
        p = w.s.cli_run("decoy", "rotate", "ann@example.test")
        check(p.returncode == 1 and "no decoy" in p.stderr, p.stderr)
        ann.goodbye()
    tap.run("nobody gets a decoy's address, password or freeze; rotating frees it", reserved)

    def words():
        ann = w.client("ann")
        d = [x for x in w.decoys() if x["group"] == "sales"][0]
        ann.message(d["jid"], "are you at your desk?")
        said = w.heard(ann, "Nobody reads", d["jid"])
        check("done nothing wrong" in said, said)
        ann.message(d["jid"], "hello?")
        ann.none(lambda e: e.get("from", "").startswith("guard@"), "a second word")
        check(w.s.json("user", "show", "ann@example.test")["state"] == "active", "frozen for words")
        check(w.s.json("held", "list")["held"] == [], "held")
        ann.goodbye()
    tap.run("words to a decoy: the sender is told once that there is nobody, and nothing else happens", words)

    def sprung():
        bob, cat, eve = w.client("bob"), w.client("cat"), w.client("eve")
        d = [x for x in w.decoys() if x["group"] == "sales"][0]
        bob.message(d["jid"], "look at this https://holiday-pics.example/album/17")
        w.heard(bob, "frozen", "helpdesk@")
        until(lambda: w.s.json("user", "show", "bob@example.test")["state"] == "frozen", 5, "the freeze")
        check("decoy" in w.s.json("user", "show", "bob@example.test")["reason"], "the reason")
        eve.message(cat.bare, "you must see https://holiday-pics.example/album/4711")
        cat.none(lambda e: "holiday-pics" in (body_of(e) or "") and e.get("from", "").startswith("eve@"), "the contained link")
        o = w.s.json("outbreak", "list")["outbreaks"]
        check(len(o) == 1 and o[0]["contained"] and o[0]["patient_zero"] == "bob@example.test", o)
        held = w.s.json("held", "list", "--account", "bob@example.test")["held"]
        why = w.s.json("why", held[0]["id"])
        check(any(f["name"] == "WORM_DECOY" and f["evidence"] == d["jid"] for f in why["findings"]), why)
        bob.message(w.bot, "confirm")
        w.heard(bob, "helpdesk@")
        check(w.s.json("held", "list", "--account", "bob@example.test")["held"], "his word let it go")
        bob.goodbye(), cat.goodbye(), eve.goodbye()
    tap.run("a link to a decoy: frozen at the first message, held for everybody, and not the sender's to confirm", sprung)

    def changing():
        dan = w.client("dan")
        before = [x["jid"] for x in w.decoys() if x["group"] == "lab"]
        dan.clear()
        w.s.cli("decoy", "rotate")
        check(items(pushed(dan, before[0]))[before[0]][0] == "remove", "still there")
        after = until(lambda: len(v := [x["jid"] for x in w.decoys() if x["group"] == "lab"]) == 2 and v, 5, "others")
        check(not set(before) & set(after), (before, after))
        pushed(dan, after[0])
        dan.expect(lambda e: e.get("from", "").split("/")[0] in after and e.get("type") is None, name="presence")
        w.apply(POLICY.replace("per_group: 2", "per_group: off"))
        until(lambda: not w.decoys(), 5, "no decoys")
        dan.goodbye()
    tap.run("rotated: the old ones go, others come; switched off, none are left", changing)


def main():
    tap = Tap("decoys")
    with Instance(users=["ann", "bob", "cat", "dan", "eve", "fred", "gus"]) as server:
        w = World(server)
        shared(tap, w)
        decoys(tap, w)
        tap.run("the server is well at the end", server.assert_healthy)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
