#!/usr/bin/python3
"""Real clients send and fetch files (XEP-0363): slixmpp, go-sendxmpp, profanity. What is held fails visibly at each of them.

The server's domain is localhost, so that names of links lead to it; its certificate is trusted by the environment.
"""
import asyncio
import os
import re
import shutil
import ssl
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import base64  # noqa: E402

from clients import Failed, Person, Story, png, run  # noqa: E402
import slixmpp  # noqa: E402
from terminal import Terminal  # noqa: E402
from wardroom_test import PASSWORD, SLOW, check, one_line, skip_all  # noqa: E402

try:
    import aiohttp
except ImportError:
    skip_all("python3-aiohttp is not installed")

EICAR = base64.b64decode("WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo=")
LINK = re.compile(r"https://localhost:\d+/upload/[0-9a-f]{32}/\S+")
PROFRC = "[ui]\nsplash=false\n[notifications]\nmessage=off\n[connection]\nreconnect=0\n"


class Uploads(Story):
    async def start(self):
        await super().start()
        self.home = tempfile.mkdtemp(prefix="uploads-")
        os.environ["SSL_CERT_FILE"] = self.server.cafile()	# slixmpp's HTTP is aiohttp's, which asks OpenSSL
        self.ann = Person(self.server, "ann", "desk")
        self.ann.register_plugin("xep_0363")
        self.ann.register_plugin("xep_0066")
        await self.ann.login()
        self.ann.send_presence_subscription(self.server.jid("ben"))
        await self.friends()
        self.screen_of = None
        self.seen = 0			# of the peer's list
        # Its search for the service fails in asyncio since Python 3.11 (docs/conformance.md); the rest is its own.
        self.ann["xep_0363"].upload_service = slixmpp.JID("upload.localhost")
        self.ann["xep_0363"].max_file_size = 1 << 20

    async def end(self):
        await self.ann.leave()
        await super().end()

    def close(self):
        if self.screen_of:
            self.screen_of.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def screen(self):
        return self.screen_of.text() if self.screen_of else ""

    def file(self, name, data):
        path = os.path.join(self.home, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    async def fetch(self, url):
        context = ssl.create_default_context(cafile=self.server.cafile())
        async with aiohttp.ClientSession() as s, s.get(url, ssl=context) as r:
            return r.status, await r.read()

    async def arrives(self, data, patience=20):
        """Ben gets a message with a link, and loads what was sent."""
        def links():
            found = [LINK.search(w[2]) for w in self.peer.seen[self.seen:] if w[0] == "message"]
            return [x for x in found if x]
        await self.until(links, patience, f"no link of ours: {[w[:3] for w in self.peer.seen[self.seen:]]}")
        url = links()[0]
        self.seen = len(self.peer.seen)
        status, got = await self.fetch(url.group(0))
        check(status == 200 and got == data, f"GET {status}, {len(got)} bytes of {len(data)}")
        return url.group(0)

    async def tell(self):
        for step in (self.slixmpp_sends, self.slixmpp_refused, self.go_sends, self.go_refused, self.profanity_sends, self.profanity_refused):
            await self.step(step)

    async def slixmpp_sends(self):
        """slixmpp (xep_0363) uploads a picture and sends its link; it is loaded"""
        picture = png(10, 20, 200, 40)
        url = await self.ann["xep_0363"].upload_file(self.file("sky \u00fc.png", picture), content_type="image/png", timeout=10 * SLOW)
        m = self.ann.make_message(self.server.jid("ben"), str(url), mtype="chat")
        m["oob"]["url"] = str(url)
        m.send()
        await self.arrives(picture)

    async def slixmpp_refused(self):
        """slixmpp is told that a file is held"""
        try:
            await self.ann["xep_0363"].upload_file(self.file("v.txt", EICAR), content_type="text/plain", timeout=10 * SLOW)
        except Exception as e:	# noqa: BLE001 - its own HTTPError
            check(type(e).__name__ == "HTTPError", f"{type(e).__name__}: {e}")
            return
        raise Failed("it shows success")

    async def go(self, path):
        if not shutil.which("go-sendxmpp"):
            raise Failed("go-sendxmpp is not installed")
        s = self.server
        env = {"HOME": self.home, "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "SSL_CERT_FILE": s.cafile()}
        p = await asyncio.create_subprocess_exec(
            "go-sendxmpp", "-n", "-u", s.jid("ann"), "-p", PASSWORD, "-j", f"{s.host}:{s.port}", "-h", path, s.jid("ben"), env=env,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        out, err = await asyncio.wait_for(p.communicate(), 40 * SLOW)
        return p.returncode, one_line((out + err).decode(errors="replace"))

    async def go_sends(self):
        """go-sendxmpp --http-upload sends a file; it is loaded"""
        data = b"logs of the night\n" * 500
        code, said = await self.go(self.file("night.log", data))
        check(code == 0, f"exit {code}: {said}")
        await self.arrives(data)

    async def go_refused(self):
        """go-sendxmpp ends with an error when a file is held"""
        code, said = await self.go(self.file("v2.txt", EICAR))
        check(code != 0, f"exit {code}: {said}")

    async def profanity_sends(self):
        """profanity /sendfile sends a file, /url save loads one"""
        for p in ("profanity", "tmux"):
            if not shutil.which(p):
                raise Failed(f"{p} is not installed")
        s = self.server
        self.screen_of = screen = Terminal("profanity -l DEBUG", {"config/profanity/profrc": PROFRC})
        screen.write("report.txt", "the report of the year\n" * 30)
        screen.write("v3.txt", EICAR.decode())
        shutil.copy(s.cafile(), os.path.join(screen.home, "ca.pem"))
        screen.start()
        await screen.shows("Profanity", 10)
        screen.type(f"/connect {s.jid('ann')} server {s.host} port {s.port} tls trust")
        await screen.shows("password", 10)
        screen.type(PASSWORD)
        await screen.shows("logged in successfully")
        screen.type(f"/msg {s.jid('ben')} here it comes")
        await self.peer.wants("message", "here it comes")
        screen.type("/sendfile report.txt")
        url = await self.arrives(b"the report of the year\n" * 30)
        screen.type(f"/url save {url} got.txt")
        path = os.path.join(screen.home, "got.txt")
        await self.until(lambda: os.path.exists(path) and os.path.getsize(path) == 690, 20, "profanity loads it")

    async def profanity_refused(self):
        """profanity shows that a file is held"""
        self.screen_of.type("/sendfile v3.txt")
        await self.screen_of.shows("Uploading 'v3.txt' failed", 20)


if __name__ == "__main__":
    sys.exit(run("uploads of real clients", [], Uploads, domain="localhost", https=True, extra="auth: { plain: true }\n"))
