#!/usr/bin/python3
"""xmpp.js in node, over WebSocket: signs in, adds a contact, chats both ways with slixmpp on TCP, a room, resumes after a cut."""
import sys

from nodes import Node, want
from wardroom_test import PASSWORD, check  # after nodes: the path

want("@xmpp/client")
from clients import Cutter, Story, run  # noqa: E402


class XmppJs(Story):
    async def tell(self):
        s = self.server
        self.cutter = await Cutter(s.host, s.https_port).start()
        # The test's certificate is its own and for its domain: node is told to take it.
        self.node = await Node().start("xmppjs.mjs", f"wss://127.0.0.1:{self.cutter.port}/ws", s.domain, "ann", PASSWORD,
                                       NODE_TLS_REJECT_UNAUTHORIZED="0", NODE_NO_WARNINGS="1")
        for step in (self.sign_in, self.add, self.chat, self.room_chat, self.resume, self.goodbye):
            if not await self.step(step):
                break

    async def sign_in(self):
        """xmpp.js signs in over WebSocket"""
        jid = (await self.node.wants("online"))["jid"]
        check(jid.startswith(f"{self.server.jid('ann')}/node"), f"bound as {jid}")

    async def add(self):
        """it adds a contact"""
        self.node.tell(do="add", to=self.server.jid("ben"))
        await self.friends()

    async def chat(self):
        """it chats both ways with a client on TCP"""
        for n in range(5):
            self.node.tell(do="message", to=self.server.jid("ben"), body=f"from node {n} <&> ěš")
            await self.peer.wants("message", f"from node {n} <&> ěš")
            self.peer.send_message(self.server.jid("ann"), f"from slixmpp {n} <&> ěš", mtype="chat")
            await self.node.wants("message", body=f"from slixmpp {n} <&> ěš")

    async def room_chat(self):
        """both speak in a room"""
        await self.open_room()
        self.node.tell(do="join", to=f"{self.room()}/ann")
        await self.node.wants("presence", **{"from": f"{self.room()}/ann"})
        self.say_in_room("welcome")
        await self.node.wants("message", type="groupchat", body="welcome")
        self.node.tell(do="message", to=self.room(), type="groupchat", body="thanks")
        await self.peer.wants("room", "thanks")

    async def resume(self):
        """it resumes after the WebSocket was cut; nothing is lost"""
        self.cutter.cut()
        await self.node.wants("disconnect")
        for n in range(3):
            self.peer.send_message(self.server.jid("ann"), f"meanwhile {n}", mtype="chat")
        for n in range(3):
            await self.node.wants("message", body=f"meanwhile {n}", patience=30)
        self.node.tell(do="message", to=self.server.jid("ben"), body="back again")
        await self.peer.wants("message", "back again")

    async def goodbye(self):
        """it says goodbye"""
        self.node.tell(do="stop")
        await self.node.wants("offline")

    async def end(self):
        if hasattr(self, "node"):
            await self.node.end()
        await super().end()


if __name__ == "__main__":
    sys.exit(run("xmpp.js", ["node"], XmppJs, https=True))
