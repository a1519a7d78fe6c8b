#!/usr/bin/python3
"""Converse.js in headless Chromium: finds the WebSocket by host-meta, signs in, adds a contact, chats both ways with slixmpp on
TCP, a room and its bookmark, avatars, resumes after the WebSocket was cut, OMEMO with a second one."""
import asyncio
import base64
import hashlib
import re
import shutil
import sys

from nodes import Node, want
from wardroom_test import PASSWORD, check, free_ports, skip_all  # after nodes: the path

want("converse.js", "playwright-core")
from clients import Cutter, Story, png, run  # noqa: E402

if not shutil.which("chromium"):
    skip_all("chromium is not installed")
PAGE, CUT, PAGE2 = free_ports(3)


class FixedCutter(Cutter):
    async def start(self):
        import asyncio
        self.srv = await asyncio.start_server(self.serve, "127.0.0.1", CUT)
        return self


class Converse(Story):
    async def tell(self):
        s = self.server
        self.cutter = await FixedCutter(s.host, s.https_port).start()
        # The domain is on loopback; https without a port, where host-meta is asked for, is the server's own port.
        self.rules = rules = f"MAP {s.domain}:443 127.0.0.1:{s.https_port}, MAP {s.domain} 127.0.0.1"
        self.node = await Node().start("converse.mjs", str(PAGE), rules, s.jid("ann"), PASSWORD)
        # OMEMO before the first chat: once it has been told that a contact has no devices, Converse 14 does not look again.
        for step in (self.sign_in, self.add, self.whisper, self.chat, self.files, self.held_file, self.room_chat, self.bookmark, self.avatars, self.resume):
            if not await self.step(step, 90):
                break

    async def sign_in(self):
        """Converse.js finds the WebSocket by host-meta and signs in"""
        await self.node.wants("loaded", 60)
        e = await self.node.wants("connected", 60)
        check(e["jid"].startswith(self.server.jid("ann") + "/"), f"{e}")
        check(e["url"] == f"wss://{self.server.domain}:{CUT}/ws", f"connected to {e['url']}")
        await self.node.wants("roster", 30)

    async def add(self):
        """it adds a contact"""
        self.node.tell(do="add", to=self.server.jid("ben"))
        await self.friends()

    async def chat(self):
        """it chats both ways with a client on TCP, once by its text box"""
        for n in range(3):
            self.node.tell(do="message", to=self.server.jid("ben"), body=f"from the browser {n} <&> ěš")
            await self.peer.wants("message", f"from the browser {n} <&> ěš")
            self.peer.send_message(self.server.jid("ann"), f"from slixmpp {n} <&> ěš", mtype="chat")
            await self.node.wants("message", body=f"from slixmpp {n} <&> ěš")
        self.node.tell(do="type", body="typed by hand")
        await self.peer.wants("message", "typed by hand", 20)
        self.node.tell(do="shown")
        shown = (await self.node.wants("shown"))["text"]
        check("from slixmpp 2 <&> ěš" in shown and "typed by hand" in shown, f"on the page: {shown[-300:]}")

    async def room_chat(self):
        """both speak in a room"""
        await self.open_room()
        self.node.tell(do="join", to=self.room(), nick="ann")
        await self.node.wants("joined", 30)
        self.say_in_room("welcome")
        await self.node.wants("message", type="groupchat", body="welcome", patience=20)
        self.node.tell(do="room", to=self.room(), body="thanks")
        await self.peer.wants("room", "thanks", 20)

    async def resume(self):
        """it comes back after the WebSocket was cut; nothing is lost"""
        self.cutter.cut()
        await self.node.wants("will-reconnect", 20)
        for n in range(3):
            self.peer.send_message(self.server.jid("ann"), f"meanwhile {n}", mtype="chat")
        for n in range(3):
            await self.node.wants("message", body=f"meanwhile {n}", patience=40)
        await self.node.wants("reconnected", 20)
        self.node.tell(do="message", to=self.server.jid("ben"), body="back again")
        await self.peer.wants("message", "back again", 20)

    async def bookmark(self):
        """its bookmark of the room is there for another client of the same person"""
        self.node.tell(do="bookmark", to=self.room(), name="The hall", nick="ann")
        await self.node.wants("bookmarked")
        name = await self.bookmarked("ann", self.room())
        check(name == "The hall", f"{name}")

    async def avatars(self):
        """it publishes a picture (vCard), which is an avatar in PEP, and sees the colleague's"""
        mine, theirs = png(10, 200, 10), png(200, 200, 10)
        self.node.tell(do="avatar", of=self.server.jid("ann"), image=base64.b64encode(mine).decode())
        await self.node.wants("published")
        await self.sees_picture("ann", mine)
        await self.show_picture(theirs)
        self.node.tell(do="avatarOf", of=self.server.jid("ben"))
        await self.node.wants("avatar", hash=hashlib.sha1(theirs).hexdigest())

    async def files(self):
        """it sends a file by the button of the chat, and loads one"""
        data = b"written in the browser\n" * 40
        seen = len(self.peer.seen)
        self.node.tell(do="file", name="n\u00fctes.txt", type="text/plain", data=base64.b64encode(data).decode())

        def link():
            found = [m for w in self.peer.seen[seen:] if w[0] == "message" for m in re.findall(r"https://\S+/upload/[0-9a-f]{32}/\S+", w[2] or "")]
            return found and found[0]
        await self.until(link, 30, "the link of the file")
        self.node.tell(do="load", url=link())
        got = await self.node.wants("loaded file", 20)
        check(got["status"] == 200 and got["text"] == data.decode(), f"{got}")

    async def held_file(self):
        """it shows that a file is held"""
        eicar = "WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo="
        self.node.tell(do="file", name="bad.txt", type="text/plain", data=eicar)
        for _ in range(40):
            await asyncio.sleep(0.25)	# it shows it for ten seconds
            self.node.tell(do="fate", to=self.server.jid("ben"))
            fate = (await self.node.wants("fate"))["text"]
            if "not successfully upload" in fate:
                check("is held" in fate, f"without the sentence: {fate}")
                return
        check(False, f"it says nothing: {fate}")

    async def whisper(self):
        """two of them chat with OMEMO"""
        s = self.server
        self.second = await Node().start("converse.mjs", str(PAGE2), self.rules, s.jid("ben"), PASSWORD)
        await self.second.wants("connected", 60)
        for node in (self.node, self.second):
            await node.wants("omemo", 30)
        for node, to in ((self.node, "ben"), (self.second, "ann")):
            node.tell(do="encrypt", to=s.jid(to))
            await node.wants("encrypting", 30)
        self.node.tell(do="message", to=s.jid("ben"), body="a secret of ours ěš")
        e = await self.second.wants("message", text="a secret of ours ěš")
        check(e["encrypted"], f"{e}")
        self.second.tell(do="message", to=s.jid("ann"), body="I will not tell")
        e = await self.node.wants("message", text="I will not tell")
        check(e["encrypted"], f"{e}")
        await self.second.end()
        self.node.tell(do="plain", to=s.jid("ben"))
        await self.node.wants("plain")

    async def end(self):
        for node in ("node", "second"):
            if hasattr(self, node):
                await getattr(self, node).end()
        await super().end()


if __name__ == "__main__":
    sys.exit(run("Converse.js", ["node", "chromium"], Converse, https=True,
                 extra=f"web: {{ url: 'https://example.test:{CUT}', origins: ['http://localhost:{PAGE}', 'http://localhost:{PAGE2}'] }}\n"))
