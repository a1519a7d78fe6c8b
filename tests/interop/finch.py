#!/usr/bin/python3
"""finch (Debian; libpurple, as Pidgin) on a terminal: logs in, sees a contact, chats both ways, joins a room, comes back."""
import asyncio
import glob
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from clients import Cutter, Story, png, run  # noqa: E402
from terminal import Terminal  # noqa: E402
from wardroom_test import PASSWORD  # noqa: E402

ACCOUNT = """<?xml version='1.0' encoding='UTF-8' ?>
<account version='1.0'><account><protocol>prpl-jabber</protocol><name>{jid}/fin</name><password>{password}</password>
<settings><setting name='connection_security' type='string'>require_tls</setting><setting name='port' type='int'>{port}</setting>
<setting name='connect_server' type='string'>{host}</setting></settings>
<settings ui='gnt-purple'><setting name='auto-login' type='bool'>1</setting></settings></account></account>
"""
# The room comes by itself: a chat of the buddy list that is joined at login.
BLIST = """<?xml version='1.0' encoding='UTF-8' ?>
<purple version='1.0'><blist><group name='Chats'><chat proto='prpl-jabber' account='{jid}/fin'>
<component name='handle'>ann</component><component name='room'>hall</component><component name='server'>rooms.{domain}</component>
<setting name='gnt-autojoin' type='bool'>1</setting></chat></group></blist></purple>
"""


class Finch(Story):
    async def start(self):
        await super().start()
        s = self.server
        self.net = await Cutter(s.host, s.port).start()
        where = {"jid": s.jid("ann"), "password": PASSWORD, "port": self.net.port, "host": s.host, "domain": s.domain}
        self.term = Terminal("finch", {".purple/accounts.xml": ACCOUNT.format(**where), ".purple/blist.xml": BLIST.format(**where)},
                             [".purple/certificates/x509/tls_peers"])
        # As if it had been accepted in the dialog.
        shutil.copy(s.cafile(), f"{self.term.home}/.purple/certificates/x509/tls_peers/{s.host}")

    def screen(self):
        return self.term.text()

    def close(self):
        self.term.close()
        self.net.close()

    async def tell(self):
        if await self.step(self.logs_in) and await self.step(self.adds):
            for s in (self.chats, self.joins, self.avatars):
                await self.step(s)
            await self.step(self.comes_back, 120)

    async def logs_in(self):
        """finch logs in"""
        await self.open_room()			# so that finch finds the room configured
        self.peer.send_presence_subscription(self.server.jid("ann"))
        self.term.start()
        await self.term.shows("ben@")		# the request for authorisation

    async def adds(self):
        """finch answers a request and sees the contact"""
        self.term.keys("M-2")
        await asyncio.sleep(0.5)
        self.term.keys("Enter")			# Authorize
        await asyncio.sleep(1)
        await self.term.shows("Add Buddy")
        self.term.keys(*["Tab"] * 6, "Enter")	# past the fields to the button
        await self.friends()
        await self.peer.wants("presence", self.server.jid("ann"))

    async def chats(self):
        """finch chats both ways"""
        self.peer.send_message(self.server.jid("ann"), "good morning from slixmpp", mtype="chat")
        await self.term.shows(f"{self.server.jid('ben')} ({self.server.jid('ann')}")
        self.term.keys("M-3")			# after the list of contacts and the room
        await self.term.shows("good morning from slixmpp")
        self.term.type("good morning from finch")
        await self.peer.wants("message", "good morning from finch")

    async def joins(self):
        """finch is in its room and both talk"""
        self.term.keys("M-2")
        self.term.type("to all from finch")
        await self.peer.wants("room", "to all from finch")
        self.say_in_room("to all from slixmpp")
        await self.term.shows("to all from slixmpp")

    async def avatars(self):
        """finch fetches the colleague's picture"""
        await self.show_picture(png(0, 90, 90))
        await self.until(lambda: glob.glob(f"{self.term.home}/.purple/icons/*"), 15, "it was not fetched")

    async def comes_back(self):
        """finch comes back after its network was cut"""
        self.net.cut()
        await self.peer.wants("presence", self.server.jid("ann"), 100)	# it waits for a while of its own choice


if __name__ == "__main__":
    sys.exit(run("finch", ["finch", "tmux"], Finch))
