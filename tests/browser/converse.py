#!/usr/bin/python3
"""Converse.js in headless Chromium: finds the WebSocket by host-meta, signs in, adds a contact, chats both ways with slixmpp on
TCP, a room, resumes after the WebSocket was cut."""
import shutil
import sys

from nodes import Node, want
from wardroom_test import PASSWORD, check, free_ports, skip_all  # after nodes: the path

want("converse.js", "playwright-core")
from clients import Cutter, Story, run  # noqa: E402

if not shutil.which("chromium"):
    skip_all("chromium is not installed")
PAGE, CUT = free_ports(2)


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
        rules = f"MAP {s.domain}:443 127.0.0.1:{s.https_port}, MAP {s.domain} 127.0.0.1"
        self.node = await Node().start("converse.mjs", str(PAGE), rules, s.jid("ann"), PASSWORD)
        for step in (self.sign_in, self.add, self.chat, self.room_chat, self.resume):
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

    async def end(self):
        if hasattr(self, "node"):
            await self.node.end()
        await super().end()


if __name__ == "__main__":
    sys.exit(run("Converse.js", ["node", "chromium"], Converse, https=True,
                 extra=f"web: {{ url: 'https://example.test:{CUT}', origins: ['http://localhost:{PAGE}'] }}\n"))
