#!/usr/bin/python3
"""mcabber (Debian; loudmouth, GnuTLS) on a terminal: logs in, adds a contact, chats, joins a room, comes back after a cut.

Its library knows PLAIN and DIGEST-MD5 alone, so auth.plain must be on for it.
"""
import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from clients import Cutter, Story, run  # noqa: E402
from terminal import Terminal  # noqa: E402
from wardroom_test import PASSWORD  # noqa: E402


class Mcabber(Story):
    async def start(self):
        await super().start()
        s = self.server
        self.net = await Cutter(s.host, s.port).start()
        self.term = Terminal("mcabber", {".mcabber/mcabberrc": (
            f"set jid = {s.jid('ann')}\nset password = {PASSWORD}\nset server = {s.host}\nset port = {self.net.port}\nset tls = 1\n"
            f"set ssl_ca = {s.cafile()}\nset ssl_ignore_checks = 1\nset resource = term\nset disable_random_resource = 1\n"
            "set muc_disable_nick = 1\nset autoaway = 0\nset vi_mode = 0\n")}).start()

    def screen(self):
        return self.term.text()

    def close(self):
        self.term.close()
        self.net.close()

    async def tell(self):
        if await self.step(self.logs_in) and await self.step(self.adds):
            for s in (self.chats, self.joins, self.bookmarks, self.comes_back):
                await self.step(s)

    async def logs_in(self):
        """mcabber logs in (PLAIN inside TLS)"""
        await self.term.shows("Your status has been set")

    async def adds(self):
        """mcabber adds a contact and sees its presence"""
        ben = self.server.jid("ben")
        self.term.type(f"/add {ben}")
        await self.term.shows(ben)
        self.term.type(f"/roster search {ben}")
        self.term.type(f"/authorization allow {ben}")
        await self.friends()
        await self.peer.wants("presence", self.server.jid("ann"))

    async def chats(self):
        """mcabber chats both ways"""
        self.term.type(f"/say_to {self.server.jid('ben')} good morning from mcabber")
        got = await self.peer.wants("message", "good morning from mcabber")
        self.peer.send_message(got[1], "good morning from slixmpp ěš", mtype="chat")
        self.term.type(f"/roster search {self.server.jid('ben')}")
        self.term.keys("Enter")
        await self.term.shows("good morning from slixmpp ěš")

    async def joins(self):
        """mcabber makes a room, a colleague comes, both talk"""
        self.term.type(f"/room join {self.room()} ann")
        await self.term.shows("hall")
        self.term.type("/roster search hall")
        self.term.keys("Enter")
        await self.term.shows("You have joined as")
        self.term.type("/room unlock")
        await asyncio.sleep(1)
        await self.in_room()
        self.term.type("to all from mcabber")
        await self.peer.wants("room", "to all from mcabber")
        self.say_in_room("to all from slixmpp")
        await self.term.shows("to all from slixmpp")

    async def bookmarks(self):
        """mcabber's bookmark of the room (private XML) is there for a client that knows the new ones"""
        self.term.type("/room bookmark add +autojoin ann")
        await self.bookmarked("ann", self.room())
        while not self.peer.got.empty():
            self.peer.got.get_nowait()		# the presence of that other client

    async def comes_back(self):
        """mcabber comes back after its network was cut"""
        self.net.cut()
        await self.term.shows("Disconnected")
        self.term.type("/connect")
        await self.peer.wants("presence", self.server.jid("ann") + "/term", 20)
        self.term.type(f"/say_to {self.server.jid('ben')} back again")
        await self.peer.wants("message", "back again")


if __name__ == "__main__":
    sys.exit(run("mcabber", ["mcabber", "tmux"], Mcabber, extra="auth: { plain: true }\n"))
