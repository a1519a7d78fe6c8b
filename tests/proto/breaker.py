#!/usr/bin/env python3
"""The breaker of a link: an outbreak comes from another network, links and files stop there, text passes, and it ends by itself."""
import os
import sys

import harness  # noqa: F401 - finds tests/lib
from harness import check, text_of
from rawcomponent import Component, components_text
from rawxmpp import Client, body_of
from s2s import THEIRS, World
from wardroom_test import PASSWORD, Instance, Tap, until

NET, OTHER = "net.example.test", "other.example.test"
POLICY = """strangers: {outsiders: allow, gateways: allow}
files: {direct: on}
breaker: {at: 6, senders: 3, within: 10m, quiet: %s}
"""


def heard(c, *parts, timeout=8):
    return body_of(c.expect(lambda e: e.get("from", "").startswith("guard@") and all(p in (body_of(e) or "") for p in parts), name="message",
                            what=f"the bot saying {parts}", timeout=timeout))


def apply(server, text):
    path = os.path.join(server.top, "next.yaml")
    with open(path, "w") as f:
        f.write(text)
    server.json("policy", "apply", path)


def opened(server):
    return {b["link"]: b for b in server.json("breaker", "list")["breakers"]}


def client(server, name):
    c = Client(server, name).login()
    c.send("<presence/>")
    c.settle()
    return c.clear()


def outbreak(send, domain, people, site):
    """Five of them send the same new link to everybody."""
    for i in range(5):
        for p in people:
            send(f"<message from='infected{i}@{domain}/x' to='{p}' type='chat'><body>is this you?? https://{site}.example/view?id={i}</body></message>")


def gateway(tap, server):
    net, other = Component(server, NET).login(), Component(server, OTHER).login()
    people = [server.jid(f"u{i}") for i in range(8)]
    chief, u = client(server, "chief"), client(server, "u9")

    def opens():
        apply(server, POLICY % "1h")
        check(opened(server) == {}, "open at the start")
        outbreak(net.send, NET, people, "one")
        heard(chief, NET, "held until it is quiet", "breaker close")
        b = until(lambda: opened(server), 5, "the breaker")
        check(set(b) == {NET} and b[NET]["by"] == "itself", b)
        check(server.json("status")["breakers_open"] == 1, "status")
        check(any(e["kind"] == "account" and "breaker opened" in str(e) or "breaker opened" in str(e) for e in server.json("audit", "list")["entries"]), "not recorded")
    tap.run("an outbreak from a gateway opens its breaker: told, recorded, listed", opens)

    def text_flows():
        u.clear()
        net.send(f"<message from='honest@{NET}/x' to='{u.bare}' type='chat'><body>the meeting is at ten</body></message>")
        u.expect(body="the meeting is at ten")
        net.send(f"<message from='honest@{NET}/x' to='{u.bare}' type='chat'><body>the room: https://rooms.example/42</body></message>")
        heard(u, "honest@", "held")
        net.send(f"<message from='honest@{NET}/x' to='{u.bare}' type='chat'><body>doc</body><x xmlns='jabber:x:oob'><url>https://files.example/a.pdf</url></x></message>")
        heard(u, "honest@", "held")
        held = server.json("held", "list", "--account", u.bare)["held"]
        why = server.json("why", held[-1]["id"])
        check(any(f["name"] == "WORM_BREAKER" for f in why["findings"]), why)
        server.cli("held", "release", held[0]["id"])
        u.expect(body="the room: https://rooms.example/42")
    tap.run("text passes, links and files are held, an officer may let one go", text_flows)

    def other_links():
        u.clear()
        other.send(f"<message from='friend@{OTHER}/x' to='{u.bare}' type='chat'><body>the room: https://rooms.example/42</body></message>")
        u.expect(body="the room: https://rooms.example/42")
    tap.run("other links are not concerned", other_links)

    def outwards():
        u.clear()
        u.message(f"honest@{NET}", "ours: https://plan.example/7")
        heard(u, "was held")
        u.message(f"honest@{NET}", "just words")
        net.expect(lambda e: e.tag.endswith("message") and body_of(e) == "just words", what="words")
        u.message(server.jid("guard"), "confirm")
        heard(u, "not yours to let go")
        r = u.iq("set", "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s'><content creator='initiator' name='f'>"
                    "<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'/></content></jingle>", to=f"honest@{NET}/x")
        check(r.get("type") == "error" and "stopped at the moment" in text_of(r), text_of(r))
    tap.run("the same outwards; the sender cannot confirm it", outwards)

    def restart():
        nonlocal net, other, chief, u
        server.restart() if hasattr(server, "restart") else (server.stop(), server.start())
        check(set(opened(server)) == {NET}, "forgotten")
        net, other = Component(server, NET).login(), Component(server, OTHER).login()
        chief, u = client(server, "chief"), client(server, "u9")
        net.send(f"<message from='honest@{NET}/x' to='{u.bare}' type='chat'><body>again: https://rooms.example/43</body></message>")
        heard(u, "honest@", "held")
    tap.run("a restart keeps it open", restart)

    def closes():
        server.cli("breaker", "close", NET)
        u.clear()
        net.send(f"<message from='honest@{NET}/x' to='{u.bare}' type='chat'><body>again: https://rooms.example/44</body></message>")
        u.expect(body="again: https://rooms.example/44")
        check(opened(server) == {}, "still there")
        p = server.cli_run("breaker", "close", NET)
        check(p.returncode == 1 and "not open" in p.stderr, p.stderr)
    tap.run("an operator closes it", closes)

    def by_hand():
        server.cli("breaker", "open", OTHER, "--reason", "they have called")
        b = opened(server)[OTHER]
        check(b["by"] == "an operator" and b["reason"] == "they have called", b)
        u.clear()
        other.send(f"<message from='friend@{OTHER}/x' to='{u.bare}' type='chat'><body>the room: https://rooms.example/45</body></message>")
        heard(u, "friend@", "held")
        check(server.cli_run("breaker", "open", OTHER).returncode == 1, "opened twice")
        for bad in ("ann@other.test", server.domain, "a b"):
            check(server.cli_run("breaker", "open", bad).returncode == 1, bad)
        server.cli("breaker", "close", OTHER)
    tap.run("an operator opens one by hand", by_hand)

    def quiet():
        apply(server, POLICY % "2s")
        outbreak(net.send, NET, people, "two")
        until(lambda: opened(server), 5, "the breaker")
        until(lambda: not opened(server), 10, "quiet")
        until(lambda: "breaker closed" in str(server.json("audit", "list", "--max", "500")["entries"]), 5, "the record")
    tap.run("it closes by itself when it has been quiet", quiet)


def federation(tap):
    w = World()

    def peer():
        apply(w.server, POLICY % "1h")
        p = w.peer().trusted()
        people = [w.server.jid("ann"), w.server.jid("bob")]
        for i in range(6):
            for to in people:
                p.send(f"<message from='infected{i}@{THEIRS}/x' to='{to}' type='chat'><body>is this you?? https://three.example/view?id={i}</body></message>")
        until(lambda: THEIRS in opened(w.server), 8, "the breaker")
        w.ann.settle()
        w.ann.clear()
        p.send(f"<message from='honest@{THEIRS}/x' to='{people[0]}' type='chat'><body>look https://wiki.example/9</body></message>")
        heard(w.ann, "honest@", "held")
        p.send(f"<message from='honest@{THEIRS}/x' to='{people[0]}' type='chat'><body>words alone</body></message>")
        w.ann.expect(body="words alone")
        w.server.cli("breaker", "close", THEIRS)
        p.send(f"<message from='honest@{THEIRS}/x' to='{people[0]}' type='chat'><body>look https://wiki.example/10</body></message>")
        w.ann.expect(body="look https://wiki.example/10")
    tap.run("the same for another server", peer)
    w.server.close()


def main():
    tap = Tap("the breaker of a link")
    with Instance(users=[f"u{i}" for i in range(10)], component=True, extra=components_text({"domain": NET}, {"domain": OTHER})) as server:
        password = os.path.join(server.top, "password")
        with open(password, "w") as f:
            os.chmod(password, 0o600)
            f.write(PASSWORD)
        server.cli("user", "add", server.jid("chief"), "--role", "officer", "--password-file", password)
        gateway(tap, server)
        tap.run("the server is well at the end", server.assert_healthy)
    federation(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
