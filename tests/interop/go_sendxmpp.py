#!/usr/bin/python3
"""go-sendxmpp (Debian; a Go library of its own): what scripts and machines use. Sends, listens, posts to a room.

The library of that version knows PLAIN alone, so auth.plain must be on for it.
"""
import asyncio
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from clients import Failed, Story, run  # noqa: E402
from wardroom_test import PASSWORD, SLOW, one_line  # noqa: E402


class GoSendxmpp(Story):
    async def start(self):
        await super().start()
        self.home = tempfile.mkdtemp(prefix="go-sendxmpp-")

    def close(self):
        shutil.rmtree(self.home, ignore_errors=True)

    async def spawn(self, *args, direct=False):
        s = self.server
        env = {"HOME": self.home, "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "SSL_CERT_FILE": s.cafile()}
        where = ["-t", "-j", f"{s.host}:{s.tls_port}"] if direct else ["-j", f"{s.host}:{s.port}"]
        return await asyncio.create_subprocess_exec(
            "go-sendxmpp", "-n", "-u", s.jid("ann"), "-p", PASSWORD, *where, *args, env=env, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)

    async def send(self, text, *args, **how):
        p = await self.spawn(*args, **how)
        out, err = await asyncio.wait_for(p.communicate(text.encode()), 20 * SLOW)
        if p.returncode:
            raise Failed(f"exit {p.returncode}: {one_line((out + err).decode(errors='replace'))}")

    async def tell(self):
        for s in (self.sends, self.sends_direct, self.listens, self.posts):
            await self.step(s)

    async def sends(self):
        """go-sendxmpp sends a message (STARTTLS)"""
        await self.send("disk almost full ěš\n", self.server.jid("ben"))
        await self.peer.wants("message", "disk almost full ěš")

    async def sends_direct(self):
        """go-sendxmpp sends a message (direct TLS)"""
        await self.send("all is well\n", self.server.jid("ben"), direct=True)
        await self.peer.wants("message", "all is well")

    async def listens(self):
        """go-sendxmpp listens and prints what comes"""
        p = await self.spawn("-l", self.server.jid("ben"))
        try:
            for _ in range(100):
                self.peer.send_message(self.server.jid("ann"), "can you hear me", mtype="chat")
                try:
                    line = await asyncio.wait_for(p.stdout.readline(), 1 * SLOW)
                except asyncio.TimeoutError:
                    continue
                if b"can you hear me" in line:
                    return
                if not line:
                    raise Failed(f"it ended: {one_line((await p.stderr.read()).decode(errors='replace'))}")
            raise Failed("nothing was printed")
        finally:
            if p.returncode is None:
                p.kill()
                await p.wait()

    async def posts(self):
        """go-sendxmpp posts to a room"""
        await self.open_room()
        await self.send("backup done\n", "-c", "-a", "backup", self.room())
        await self.peer.wants("room", "backup done")


if __name__ == "__main__":
    sys.exit(run("go-sendxmpp", ["go-sendxmpp"], GoSendxmpp, extra="auth: { plain: true }\n"))
