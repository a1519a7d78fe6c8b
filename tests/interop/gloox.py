#!/usr/bin/python3
"""A client made with gloox (gloox_bot.cpp, Debian's libgloox-dev): logs in, answers, talks in a room."""
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from clients import Failed, Story, run  # noqa: E402
from wardroom_test import PASSWORD, SLOW, one_line, skip_all  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


class Gloox(Story):
    async def start(self):
        await super().start()
        self.top = tempfile.mkdtemp(prefix="gloox-")
        self.bot = None
        p = subprocess.run(["c++", "-std=c++17", "-o", self.top + "/bot", HERE + "/gloox_bot.cpp", "-lgloox"], capture_output=True, text=True)
        if p.returncode:
            raise Failed(f"gloox_bot.cpp does not build: {one_line(p.stderr)}")

    def close(self):
        if self.bot and self.bot.poll() is None:
            self.bot.kill()
            self.bot.wait()
        shutil.rmtree(self.top, ignore_errors=True)

    def screen(self):
        with open(self.top + "/log") as f:
            return f.read()[-3000:]

    async def tell(self):
        if await self.step(self.logs_in):
            for s in (self.chats, self.talks, self.leaves):
                await self.step(s)

    async def logs_in(self):
        """gloox logs in with SCRAM and joins a colleague's room"""
        await self.open_room()
        s = self.server
        with open(self.top + "/log", "w") as log:
            self.bot = subprocess.Popen([self.top + "/bot", s.jid("ann") + "/gloox", PASSWORD, s.host, str(s.port), s.cafile(), self.room() + "/ann"],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        await self.until(lambda: "in the room" in self.screen(), 15, "it is not in the room")

    async def chats(self):
        """gloox chats"""
        self.peer.send_message(self.server.jid("ann"), "hello ěš", mtype="chat")
        await self.peer.wants("message", "gloox heard: hello ěš")

    async def talks(self):
        """gloox hears and speaks in the room"""
        self.say_in_room("to all")
        await self.peer.wants("room", "gloox heard: to all")

    async def leaves(self):
        """gloox says goodbye"""
        self.peer.send_message(self.server.jid("ann"), "quit", mtype="chat")
        await asyncio.get_running_loop().run_in_executor(None, self.bot.wait, 15 * SLOW)


if __name__ == "__main__":
    if not os.path.exists("/usr/include/gloox/client.h"):
        skip_all("libgloox-dev is not installed")
    sys.exit(run("gloox", ["c++"], Gloox))
