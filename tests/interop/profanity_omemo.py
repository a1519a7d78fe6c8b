#!/usr/bin/python3
"""Two people with profanity (Debian): encrypted chat (OMEMO, XEP-0384), a room, a bookmark of it, the line cut and resumed."""
import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from clients import Cutter, Failed, Story, png, run  # noqa: E402
from terminal import Terminal  # noqa: E402
from wardroom_test import PASSWORD, SLOW  # noqa: E402

PROFRC = "[ui]\nsplash=false\nwrap=true\n[notifications]\nmessage=off\n[connection]\nreconnect=2\n[omemo]\npolicy=manual\ntrustmode=blind\n"


class Omemo(Story):
    async def start(self):
        s = self.server
        self.net = await Cutter(s.host, s.port).start()
        self.ann, self.ben = (Terminal("profanity -l DEBUG", {"config/profanity/profrc": PROFRC}).start() for _ in range(2))

    async def end(self):
        pass

    def close(self):
        for t in (self.ann, self.ben):
            t.close()
        self.net.close()

    def screen(self):
        return "ann:\n" + self.ann.text() + "ben:\n" + self.ben.text()

    async def tell(self):
        if await self.step(self.log_in, 90) and await self.step(self.befriend):
            for s in (self.whisper, self.meet, self.bookmark, self.pictures, self.come_back):
                await self.step(s, 90)

    async def log_in(self):
        """two profanities log in"""
        for t, who, port in ((self.ann, "ann", self.net.port), (self.ben, "ben", self.server.port)):
            await t.shows("Profanity", 10)
            t.type(f"/connect {self.server.jid(who)} server {self.server.host} port {port} tls trust")
            await t.shows("password", 10)
            t.type(PASSWORD)
            await t.shows("logged in successfully")

    async def befriend(self):
        """they add each other"""
        a, b = self.server.jid("ann"), self.server.jid("ben")
        self.ann.type(f"/sub request {b}")
        await self.ben.shows(f"authorization request from {a}")
        self.ben.type(f"/sub allow {a}")
        self.ben.type(f"/sub request {a}")
        await self.ann.shows(f"authorization request from {b}")
        self.ann.type(f"/sub allow {b}")
        await self.ann.shows("is online")
        await self.ben.shows("is online")

    async def whisper(self):
        """they chat with OMEMO: keys from PEP, nothing readable for the server"""
        for t in (self.ann, self.ben):
            t.type("/omemo gen")
            await t.shows("materials generated", 30)
        await asyncio.sleep(2 * SLOW)			# device lists reach the other side
        self.ann.type(f"/omemo start {self.server.jid('ben')}")
        await asyncio.sleep(2 * SLOW)
        self.ann.type("a secret of ours ěš")
        await self.ben.shows("[2]", 15)
        self.ben.type("/win 2")
        await self.ben.shows("a secret of ours ěš", 15)
        line = next(x for x in self.ben.text().splitlines() if "a secret of ours" in x)
        if "~ ann@" not in line:			# profanity's mark of what came with OMEMO
            raise Failed(f"it was not encrypted: {line}")
        if "could not be decrypted" in self.ben.text():
            raise Failed(self.ben.text())

    async def meet(self):
        """they meet in a room"""
        self.ann.type(f"/join {self.room()} nick ann")
        await self.ann.shows("You have joined the room")
        self.ann.type("/room accept")
        await asyncio.sleep(1 * SLOW)
        self.ben.type(f"/join {self.room()} nick ben")
        await self.ben.shows("You have joined the room")
        self.ben.type("to all from ben")
        await self.ann.shows("to all from ben")
        self.ann.type("to all from ann")
        await self.ben.shows("to all from ann")

    async def bookmark(self):
        """the bookmark of the room is there after another login"""
        self.ann.type("/win 1")				# what it answers stands there
        self.ann.type(f"/bookmark add {self.room()} nick ann autojoin on")
        await self.ann.shows("Bookmark added")
        self.ann.type("/disconnect")
        await self.ann.shows("logged out successfully")
        self.ann.type(f"/connect {self.server.jid('ann')} server {self.server.host} port {self.net.port} tls trust")
        await self.ann.shows("password", 10)
        self.ann.type(PASSWORD)
        await self.ann.shows("Autojoined " + self.room(), 20)
        self.ben.type("/win 1")

    async def pictures(self):
        """one publishes a picture, the other fetches it (PEP)"""
        path = self.ann.home + "/me.png"
        with open(path, "wb") as f:
            f.write(png(20, 120, 220, 64))
        self.ann.type("/win 1")
        self.ann.type(f"/avatar set {path}")
        await self.ann.shows("Avatar updated", 15)
        self.ben.type("/win 1")
        self.ben.type(f"/avatar get {self.server.jid('ann')}")
        await self.ben.shows("Avatar saved as", 15)

    async def come_back(self):
        """profanity comes back by itself after its line was cut"""
        self.net.cut()
        await asyncio.sleep(5 * SLOW)
        self.ben.type(f"/msg {self.server.jid('ann')} are you back")
        await self.ann.shows("Connection re-established", 40)
        for n in range(2, 5):
            self.ann.type(f"/win {n}")
            await asyncio.sleep(1)
            if "are you back" in self.ann.text():
                return
        await self.ann.shows("are you back", 5)


if __name__ == "__main__":
    sys.exit(run("profanity OMEMO", ["profanity", "tmux"], Omemo))
