#!/usr/bin/python3
"""Gajim (Debian) under Xvfb: logs in, adds a contact, chats, rooms, bookmarks, avatars, OMEMO between two of them, a cut line.

A certificate of a test is in nobody's list of authorities: it lies in Gajim's own store, as after a person's "accept".
"""
import asyncio
import base64
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import desktop  # noqa: E402
from clients import Cutter, Failed, Story, png, run  # noqa: E402
from wardroom_test import PASSWORD, check, skip_all  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


class Gajim(Story):
    async def start(self):
        await super().start()
        self.desk = desktop.Desktop()
        self.net = await Cutter(self.server.host, self.server.port).start()
        self.ann = await self.gajim("ann", self.net.port)
        self.cid = None

    async def gajim(self, who, port, resource="desk"):
        s = self.server
        home, env = self.desk.home(f"{who}-{resource}")
        store = home + "/data/gajim/cert_store"
        os.makedirs(store, exist_ok=True)
        shutil.copy(s.cafile(), store + "/test.pem")
        inside = shutil.copy(os.path.join(HERE, "gajim_inside.py"), home)
        self.desk.own(home)
        account = {"name": who, "hostname": s.domain, "password": PASSWORD, "resource": resource, "custom_host": s.host, "custom_port": port,
                   "custom_type": "START TLS"}
        return await desktop.Puppet().start("/usr/bin/python3", inside, home, json.dumps(account), env=env, cwd=home)

    def close(self):
        self.net.close()
        self.desk.close()

    async def end(self):
        for p in ("ann", "ben2"):
            if hasattr(self, p):
                await getattr(self, p).end()
        await super().end()

    async def tell(self):
        if await self.step(self.logs_in, 90) and await self.step(self.adds):
            for s in (self.chats, self.in_a_room, self.bookmarks, self.avatars, self.comes_back, self.whispers):
                await self.step(s, 90)

    async def asks(self, who, wanted, seconds, what, do, **order):
        """Until the answer is as wanted."""
        for _ in range(int(seconds * 4)):
            v = await who.ask(do, **order)
            if wanted(v):
                return v
            await asyncio.sleep(0.25)
        raise Failed(f"{what}: {v}")

    async def logs_in(self):
        """Gajim logs in"""
        await self.ann.wants("started", 60)
        await self.ann.wants("connected", 60)
        v = await self.asks(self.ann, lambda v: v["available"], 10, "state", "state")
        check(v["jid"] == self.server.jid("ann") + "/desk", f"{v}")
        await self.ann.wants("bookmarks", 20)

    async def adds(self):
        """Gajim adds a contact and sees its presence"""
        ben = self.server.jid("ben")
        self.ann.tell("add", to=ben)
        await self.friends()
        await self.peer.wants("presence", self.server.jid("ann"))
        await self.asks(self.ann, lambda v: v["show"] == "online" and v["subscription"] == "both", 10, "contact", "show", of=ben)

    async def chats(self):
        """Gajim chats both ways"""
        for n in range(3):
            self.ann.tell("say", to=self.server.jid("ben"), body=f"good morning {n} from Gajim <&> ěš")
            got = await self.peer.wants("message", f"good morning {n} from Gajim <&> ěš")
            self.peer.send_message(got[1], f"good morning {n} from slixmpp <&> ěš", mtype="chat")
            await self.ann.wants("message", body=f"good morning {n} from slixmpp <&> ěš")

    async def in_a_room(self):
        """Gajim makes a room, a colleague comes, both talk"""
        hall = self.room()
        self.ann.tell("create", to=hall, config={"muc#roomconfig_membersonly": False})
        await self.asks(self.ann, lambda v: v["joined"], 20, "room", "in_room", of=hall)
        await self.in_room()
        await self.asks(self.ann, lambda v: "ben" in v["nicks"], 10, "room", "in_room", of=hall)
        self.ann.tell("say", to=hall, body="to all from Gajim")
        await self.peer.wants("room", "to all from Gajim")
        self.peer.send_message(hall, "to all from slixmpp", mtype="groupchat")
        await self.ann.wants("room", body="to all from slixmpp")

    async def bookmarks(self):
        """Gajim's bookmark of the room is there after another login, and takes it there"""
        hall = self.room()
        self.ann.tell("bookmark", to=hall, name="The hall", nick="ann")
        await asyncio.sleep(1)
        self.ann.tell("offline")
        await self.ann.wants("disconnected")
        self.ann.seen.clear()
        self.ann.tell("online")
        await self.ann.wants("connected")
        await self.ann.wants("bookmarks")
        marks = await self.ann.ask("bookmarks")
        check({"jid": hall, "name": "The hall", "autojoin": True} in marks, f"{marks}")
        await self.asks(self.ann, lambda v: v["joined"], 20, "room", "in_room", of=hall)

    async def avatars(self):
        """Gajim publishes a picture and sees the colleague's (PEP)"""
        mine, theirs = png(200, 30, 30), png(30, 30, 200)
        self.ann.tell("avatar", png=base64.b64encode(mine).decode())
        await self.ann.wants("published")
        await self.sees_picture("ann", mine)
        sha = await self.show_picture(theirs)
        await self.asks(self.ann, lambda v: v == sha, 20, "avatar", "avatar_of", of=self.server.jid("ben"))

    async def comes_back(self):
        """Gajim resumes after its line was cut; nothing is lost"""
        self.ann.seen.clear()
        self.net.cut()
        self.peer.send_message(self.server.jid("ann"), "you were cut off", mtype="chat")
        await self.ann.wants("message", 60, body="you were cut off")
        self.ann.tell("say", to=self.server.jid("ben"), body="back again")
        await self.peer.wants("message", "back again")
        check(not any(e["event"] == "signed-in" for e in self.ann.seen), f"a new session: {self.ann.seen}")

    async def whispers(self):
        """two Gajims chat with OMEMO"""
        a, b = self.server.jid("ann"), self.server.jid("ben")
        self.ben2 = await self.gajim("ben", self.server.port, "second")
        await self.ben2.wants("started", 60)
        await self.ben2.wants("connected", 60)
        await asyncio.sleep(3)			# device lists and bundles are published and fetched
        for who, to in ((self.ann, b), (self.ben2, a)):
            await self.asks(who, bool, 20, f"keys of {to}", "omemo", to=to)
        self.ann.tell("say", to=b, body="a secret of ours ěš")
        e = await self.ben2.wants("message", body="a secret of ours ěš")
        check(e["encrypted"] == "OMEMO", f"{e}")
        self.ben2.tell("say", to=a, body="I will not tell")
        e = await self.ann.wants("message", body="I will not tell")
        check(e["encrypted"] == "OMEMO", f"{e}")


if __name__ == "__main__":
    if desktop.missing():
        skip_all(desktop.missing())
    sys.exit(run("Gajim", ["gajim"], Gajim))
