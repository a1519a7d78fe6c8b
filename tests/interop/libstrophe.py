#!/usr/bin/python3
"""libstrophe's own example, bot.c (Debian's libstrophe-dev): a client in C that answers, over STARTTLS and direct TLS."""
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from clients import Failed, Story, run  # noqa: E402
from wardroom_test import PASSWORD, SLOW, one_line, skip_all  # noqa: E402

SOURCE = "/usr/share/doc/libstrophe-dev/examples/bot.c"


class Strophe(Story):
    async def start(self):
        await super().start()
        self.top = tempfile.mkdtemp(prefix="libstrophe-")
        shutil.copy(SOURCE, self.top + "/bot.c")
        p = subprocess.run(["cc", "-o", self.top + "/bot", self.top + "/bot.c", "-lstrophe"], capture_output=True, text=True)
        if p.returncode:
            raise Failed(f"bot.c does not build: {one_line(p.stderr)}")
        self.bot, self.log = None, open(self.top + "/log", "w+")

    def close(self):
        if self.bot and self.bot.poll() is None:
            self.bot.kill()
            self.bot.wait()
        self.log.close()
        shutil.rmtree(self.top, ignore_errors=True)

    def screen(self):
        with open(self.top + "/log") as f:
            return f.read()[-4000:]

    def launch(self, port, *flags):
        self.bot = subprocess.Popen([self.top + "/bot", "--jid", self.server.jid("ann"), "--pass", PASSWORD, "--trust-tls", *flags,
                                     self.server.host, str(port)], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    async def answered(self, text):
        for _ in range(int(15 * SLOW)):
            self.peer.send_message(self.server.jid("ann"), text, mtype="chat")
            try:
                await self.peer.wants("message", f"{text} to you too!", 1)
                return
            except Failed:
                if self.bot.poll() is not None:
                    raise Failed(f"it ended with {self.bot.returncode}") from None
        raise Failed("no answer")

    async def tell(self):
        await self.step(self.answers)
        await self.step(self.direct)

    async def answers(self):
        """libstrophe's bot logs in with SCRAM and answers (STARTTLS)"""
        self.launch(self.server.port)
        await self.answered("hello")
        if "SCRAM" not in self.screen():
            raise Failed("no SCRAM in its log")

    async def direct(self):
        """libstrophe's bot logs in over direct TLS and leaves when told"""
        if self.bot and self.bot.poll() is None:
            self.bot.kill()
            self.bot.wait()
        self.launch(self.server.tls_port, "--legacy-ssl")
        await self.answered("direct")
        self.peer.send_message(self.server.jid("ann"), "quit", mtype="chat")
        await asyncio.get_running_loop().run_in_executor(None, self.bot.wait, 15 * SLOW)


if __name__ == "__main__":
    if not os.path.exists(SOURCE):
        skip_all("libstrophe-dev is not installed")
    sys.exit(run("libstrophe", ["cc"], Strophe))
