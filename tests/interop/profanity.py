#!/usr/bin/python3
"""A real client on a terminal: profanity (Debian) in tmux logs in, adds a contact, chats both ways with a slixmpp peer.

HOME and the XDG folders are its own; the self-signed certificate is trusted by profanity's own option.
"""
import asyncio
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from slixmpp_two import Person  # noqa: E402 - skips when slixmpp is missing
from terminal import Terminal  # noqa: E402
from wardroom_test import PASSWORD, SLOW, Failed, Tap, new_server, one_line, skip_all  # noqa: E402


PROFRC = "[ui]\nsplash=false\n[notifications]\nmessage=off\n[connection]\nreconnect=0\n"


async def story(tap, server, screen):
    peer = Person(server, "ben", "desk")

    async def step(name, coro):
        try:
            await asyncio.wait_for(coro(), 60 * SLOW)
            return tap.ok(name)
        except Exception as e:	# noqa: BLE001
            return tap.ok(name, False, f"{type(e).__name__}: {e}")

    async def log_in():
        await peer.login()
        await screen.shows("Profanity", 10)
        screen.type(f"/connect {server.jid('ann')} server {server.host} port {server.port} tls trust")
        await screen.shows("password", 10)
        screen.type(PASSWORD)
        await screen.shows("logged in successfully")
    if not await step("profanity logs in", log_in):
        return

    async def add():
        screen.type(f"/sub request {server.jid('ben')}")
        await screen.shows(f"authorization request from {server.jid('ben')}")
        screen.type(f"/sub allow {server.jid('ben')}")
        await peer.wants("presence", server.jid("ann"), 15)
        await screen.shows("(desk) is online")
        for _ in range(100):
            if peer.client_roster[server.jid("ann")]["subscription"] == "both":
                return
            await asyncio.sleep(0.1)
        raise Failed(f"subscription {peer.client_roster[server.jid('ann')]['subscription']}; {one_line(screen.text())}")
    await step("a contact is added, presence is seen", add)

    async def chat():
        screen.type(f"/msg {server.jid('ben')} good morning from the terminal")
        w = await peer.wants("message", "good morning from the terminal")
        peer.send_message(w[1], "good morning from slixmpp", mtype="chat")
        await screen.shows("good morning from slixmpp")
        for n in range(5):
            screen.type(f"line {n}")
            await peer.wants("message", f"line {n}")
            peer.send_message(w[1], f"reply {n} ěš", mtype="chat")
            await screen.shows(f"reply {n} ěš")
    await step("they chat both ways", chat)

    async def leave():
        screen.type("/disconnect")
        await screen.shows("logged out successfully")
    await step("profanity logs out", leave)
    await peer.leave()


def main():
    for p in ("profanity", "tmux"):
        if not shutil.which(p):
            skip_all(f"{p} is not installed")
    tap = Tap("profanity")
    with new_server(users=["ann", "ben"]) as server:
        screen = Terminal("profanity -l DEBUG", {"config/profanity/profrc": PROFRC}).start()
        try:
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
            loop.run_until_complete(story(tap, server, screen))
            if tap.bad:
                for line in screen.text().splitlines():
                    if line.strip():
                        print(f"# | {line.rstrip()}")
        finally:
            screen.close()
        tap.run("the server is well at the end", server.assert_healthy)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
