#!/usr/bin/python3
"""poezio (Debian; slixmpp) on a terminal: logs in, adds a contact, chats, makes a room, keeps a bookmark, resumes."""
import asyncio
import glob
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from clients import Cutter, Story, png, run  # noqa: E402
from terminal import Terminal  # noqa: E402
from wardroom_test import PASSWORD  # noqa: E402

NOBODY = 65534


class Poezio(Story):
    async def start(self):
        await super().start()
        s = self.server
        self.net = await Cutter(s.host, s.port).start()
        command = "poezio"
        if os.getuid() == 0:	# it refuses root
            command = f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups {command}"
        self.term = Terminal(command, folders=["data", "cache"])
        shutil.copy(s.cafile(), self.term.home + "/ca.pem")
        self.term.write("config/poezio/poezio.cfg", (
            f"[Poezio]\njid = {s.jid('ann')}/term\npassword = {PASSWORD}\ncustom_host = {s.host}\ncustom_port = {self.net.port}\n"
            f"ca_cert_path = {self.term.home}/ca.pem\nignore_certificate = true\nenable_user_activity = false\nuse_bookmarks_method = pep\n"
            "auto_reconnect = true\nconnection_check_interval = 3\n"))
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", str(NOBODY), self.term.home], check=True)
            os.chmod(self.term.home, 0o700)
        self.term.start()

    def screen(self):
        return self.term.text()

    def close(self):
        self.term.close()
        self.net.close()

    async def tell(self):
        if await self.step(self.logs_in) and await self.step(self.adds):
            for s in (self.chats, self.joins, self.bookmarks, self.avatars, self.comes_back):
                await self.step(s)

    async def logs_in(self):
        """poezio logs in"""
        await self.term.shows("Your JID is", 20)

    async def adds(self):
        """poezio adds a contact and sees its presence"""
        ben = self.server.jid("ben")
        self.term.type(f"/add {ben}")
        await self.peer.wants("presence", self.server.jid("ann"))
        self.term.type(f"/accept {ben}")
        await self.friends()
        await self.term.shows("is now authorized")
        await asyncio.sleep(0.5)

    async def chats(self):
        """poezio chats both ways"""
        self.term.type(f"/message {self.server.jid('ben')} good morning from poezio")
        got = await self.peer.wants("message", "good morning from poezio")
        self.peer.send_message(got[1], "good morning from slixmpp ěš", mtype="chat")
        await self.term.shows("good morning from slixmpp ěš")

    async def joins(self):
        """poezio joins a colleague's room, both talk"""
        await self.open_room()
        self.term.type(f"/join {self.room()}/ann")
        await self.term.shows("joined the room")
        self.term.type("to all from poezio")
        await self.peer.wants("room", "to all from poezio")
        self.say_in_room("to all from slixmpp")
        await self.term.shows("to all from slixmpp")

    async def bookmarks(self):
        """poezio keeps a bookmark of the room"""
        self.term.type(f"/bookmark {self.room()}/ann autojoin=true")
        await self.term.shows("Bookmarks saved")
        await self.bookmarked("ann", self.room())

    async def avatars(self):
        """poezio fetches the colleague's picture (PEP)"""
        sha = await self.show_picture(png(90, 0, 90))
        await self.until(lambda: glob.glob(f"{self.term.home}/cache/poezio/avatars/*/*{sha}*"), 15, "it was not fetched")

    async def comes_back(self):
        """poezio comes back after its network was cut"""
        self.net.cut()
        await self.peer.wants("presence", self.server.jid("ann"), 30)
        self.term.type("/win 0")
        self.term.type(f"/message {self.server.jid('ben')} back again")
        await self.peer.wants("message", "back again")


if __name__ == "__main__":
    sys.exit(run("poezio", ["poezio", "tmux", "setpriv"], Poezio))
