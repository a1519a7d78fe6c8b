#!/usr/bin/python3
"""Dino (Debian) under Xvfb, by mouse and keyboard: logs in, adds a contact, chats, a room and its bookmark, an avatar, OMEMO
between two of them, a cut line.

Dino finds its server by DNS and believes the system's authorities alone: it runs where /etc/resolv.conf and the list of
authorities are the test's (a mount namespace, so root, or port 53 open to all). What it has received is read in its database.
"""
import asyncio
import os
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import desktop  # noqa: E402
from clients import Cutter, Failed, Story, png, run  # noqa: E402
from rawserver import Zone  # noqa: E402
from wardroom_test import PASSWORD, SLOW, check, die_with_parent, skip_all, until  # noqa: E402

INSIDE = """set -e
mount --bind "$1/resolv.conf" /etc/resolv.conf
mount --bind "$1/ca.pem" /etc/ssl/certs/ca-certificates.crt
user=$2; shift 2
[ "$user" = 0 ] || exec setpriv --reuid="$user" --regid="$user" --clear-groups -- "$@"
exec "$@"
"""
# Where things are in windows that no window manager has moved: all of them begin in the corner.
ADD, JID, ADD_OK, JOIN, ACCEPT, LOCK, OMEMO = (109, 509), (190, 130), (274, 28), (310, 27), (893, 78), (1162, 662), (1160, 776)
TEXT = 700, 662


class Dino:
    def __init__(self, server, who, zone, resource):
        self.server, self.who, self.resource, self.proc = server, who, resource, None
        self.desk = desktop.Desktop()
        self.home, self.env = self.desk.home(who)
        self.ns = self.desk.top + "/ns"
        os.mkdir(self.ns)
        with open(self.ns + "/resolv.conf", "w") as f:
            f.write(f"nameserver {zone.address}\n")
        shutil.copy(server.cafile(), self.ns + "/ca.pem")
        os.chmod(self.ns + "/ca.pem", 0o644)
        self.folder = self.home + "/data/dino"

    def run(self, *args):
        user = str(desktop.NOBODY) if os.geteuid() == 0 else "0"
        log = os.environ.get("WARDROOM_PUPPET_LOG")
        with open(log or os.devnull, "ab") as out:
            return subprocess.Popen(["unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c", INSIDE, "sh", self.ns, user, "dino-im", *args],
                                    env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=die_with_parent)

    def prepare(self):
        """It makes its database; then the account is put there, as its window does it."""
        self.proc = self.run()
        until(lambda: os.path.exists(self.folder + "/omemo.db") and self.tables() > 20, 40, "Dino's database", 0.2)
        self.stop()
        c = sqlite3.connect(self.folder + "/dino.db")
        c.execute("INSERT INTO account (bare_jid, resourcepart, password, alias, enabled, roster_version, mam_earliest_synced) VALUES (?,?,?,'',1,'',0)",
                  (self.server.jid(self.who), self.resource, PASSWORD))
        c.commit()
        c.close()
        self.desk.own(self.folder)

    def start(self):
        self.proc = self.run(*(["--print-xmpp=all"] if os.environ.get("WARDROOM_XML") else []))
        return self

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(10)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()

    def close(self):
        self.stop()
        self.desk.close()

    def rows(self, what, *args, db="dino"):
        c = sqlite3.connect(f"file:{self.folder}/{db}.db?mode=ro", uri=True, timeout=5)
        try:
            return c.execute(what, args).fetchall()
        finally:
            c.close()

    def tables(self):
        try:
            return self.rows("SELECT count(*) FROM sqlite_master WHERE type = 'table'")[0][0]
        except sqlite3.Error:
            return 0

    def x(self, *args):
        return subprocess.run(["xdotool", *args], env={**os.environ, **self.env}, capture_output=True, text=True, timeout=20).stdout

    async def click(self, at, pause=1.0):
        self.x("mousemove", str(at[0]), str(at[1]), "click", "1")
        await asyncio.sleep(pause * SLOW)

    async def keys(self, *names, pause=1.0):
        self.x("key", *names)
        await asyncio.sleep(pause * SLOW)

    async def type(self, text):
        self.x("type", "--delay", "20", text)
        await asyncio.sleep(0.3 * SLOW)

    async def window(self, title, there=True):
        for _ in range(int(40 * SLOW)):
            if bool(self.x("search", "--onlyvisible", "--name", f"^{title}$").strip()) == there:
                await asyncio.sleep(0.5 * SLOW)
                return
            await asyncio.sleep(0.25)
        raise Failed(f"the window {title!r} is {'not there' if there else 'still there'}")

    async def open(self, uri, window=None):
        p = self.run(uri)
        while p.poll() is None:
            await asyncio.sleep(0.1)
        if window:
            await self.window(window)
        await asyncio.sleep(1 * SLOW)

    async def say(self, text):
        await self.click(TEXT, 0.3)
        await self.type(text)
        await self.keys("Return", pause=0.2)

    async def sees(self, body, seconds=15):
        """(encryption, type) of the message in its database."""
        for _ in range(int(seconds * SLOW * 4)):
            got = self.rows("SELECT encryption, type FROM message WHERE body = ?", body)
            if got:
                return got[0]
            await asyncio.sleep(0.25)
        raise Failed(f"{self.who} did not see {body!r}; the last are {self.rows('SELECT body FROM message ORDER BY id DESC LIMIT 4')}")


class Reset(Cutter):
    """Ends connections with a reset, as a router does that has forgotten them. At an end of TLS without a goodbye Dino 0.4.2
    stumbles over its own error (it catches those of the socket, not those of TLS) and waits for ever."""

    def cut(self):
        for pair in self.pairs:
            for w in pair:
                s = w.get_extra_info("socket")
                if s and s.fileno() >= 0:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        super().cut()


class Story2(Story):
    async def start(self):
        await super().start()
        s = self.server
        self.net = await Reset(s.host, s.port).start()
        self.zone = Zone(ZONE, 53)
        self.zone.add(f"_xmpp-client._tcp.{s.domain}", "SRV", (5, 0, self.net.port, f"xmpp.{s.domain}")).add(f"xmpp.{s.domain}", "A", s.host)
        self.all = []
        self.ann = self.dino("ann")

    def dino(self, who, resource="dino"):
        d = Dino(self.server, who, self.zone, resource)
        self.all.append(d)
        d.prepare()
        return d.start()

    def close(self):
        if self.tap.bad and os.environ.get("WARDROOM_SHOT"):
            for n, d in enumerate(self.all):
                subprocess.run(["import", "-window", "root", f"{os.environ['WARDROOM_SHOT']}.{n}.png"], env={**os.environ, **d.env})
        for d in self.all:
            d.close()
        self.net.close()

    async def tell(self):
        if await self.step(self.logs_in) and await self.step(self.adds, 90):
            for s in (self.chats, self.joins, self.keeps, self.sees_avatar, self.comes_back, self.whispers):
                await self.step(s, 90)

    async def logs_in(self):
        """Dino finds the server by DNS, believes its certificate and logs in"""
        await self.ann.window("Dino")
        await self.until(lambda: f"_xmpp-client._tcp.{self.server.domain}" in [n for n, _ in self.zone.asked], 20, "it did not ask DNS")
        await self.until(lambda: self.ann.rows("SELECT count(*) FROM entity_feature")[0][0], 20, "it has learnt nothing of the server")

    async def adds(self):
        """Dino adds a contact, accepts the request that comes back"""
        d = self.ann
        await d.keys("ctrl+t", pause=0.1)
        await d.window("Start Conversation")
        await d.click(ADD, 0.1)
        await d.window("Add Contact")
        await d.click(JID, 0.3)
        await d.type(self.server.jid("ben"))
        await d.click(ADD_OK, 0.1)
        await d.window("Add Contact", False)
        await d.keys("Escape")
        await d.open(f"xmpp:{self.server.jid('ben')}?message")
        await d.click(ACCEPT)
        await self.friends()
        await self.peer.wants("presence", self.server.jid("ann"))

    async def chats(self):
        """Dino chats both ways"""
        for n in range(3):
            await self.ann.say(f"good morning {n} from Dino")
            got = await self.peer.wants("message", f"good morning {n} from Dino")
            self.peer.send_message(got[1], f"good morning {n} from slixmpp <&> ěš", mtype="chat")
            await self.ann.sees(f"good morning {n} from slixmpp <&> ěš")

    async def joins(self):
        """Dino joins a room, both talk"""
        await self.open_room()
        await self.ann.open(f"xmpp:{self.room()}?join", "Join Channel")
        await self.ann.click(JOIN, 0.1)
        await self.ann.window("Join Channel", False)
        await self.ann.say("to all from Dino")
        await self.peer.wants("room", "to all from Dino")
        self.say_in_room("to all from slixmpp")
        await self.ann.sees("to all from slixmpp")

    async def keeps(self):
        """a second Dino of the same person finds the room by its bookmark, and what was said in the archive"""
        other = self.dino("ann", "other")
        await other.sees("good morning 0 from slixmpp <&> ěš", 30)
        self.say_in_room("is the other one there")
        await other.sees("is the other one there")
        other.close()
        self.all.remove(other)

    async def sees_avatar(self):
        """Dino fetches the colleague's picture (PEP)"""
        sha = await self.show_picture(png(30, 30, 200))
        await self.until(lambda: os.path.exists(f"{self.ann.folder}/avatars/{sha}"), 15, "it was not fetched")

    async def comes_back(self):
        """Dino comes back after its line was cut; nothing is lost"""
        self.net.cut()
        self.peer.send_message(self.server.jid("ann"), "you were cut off", mtype="chat")
        await self.ann.sees("you were cut off", 50)
        await self.ann.open(f"xmpp:{self.server.jid('ben')}?message")
        await self.ann.say("back again")
        await self.peer.wants("message", "back again")

    async def whispers(self):
        """two Dinos chat with OMEMO"""
        a, b = self.server.jid("ann"), self.server.jid("ben")
        ben = self.dino("ben")
        await ben.sees("back again", 30)
        for d, to in ((self.ann, b), (ben, a)):
            await d.open(f"xmpp:{to}?message")
            await d.click(LOCK)
            await d.click(OMEMO)
        await asyncio.sleep(2 * SLOW)			# lists of devices and their keys are fetched
        await self.ann.say("a secret of ours")
        check((await ben.sees("a secret of ours", 30))[0] == 2, "it was not encrypted")
        await ben.say("I will not tell")
        check((await self.ann.sees("I will not tell", 30))[0] == 2, "it was not encrypted")


if __name__ == "__main__":
    ZONE = f"127.0.{os.getpid() % 200 + 20}.53"
    why = desktop.missing() or next((f"{p} is not installed" for p in ("xdotool", "unshare", "setpriv") if not shutil.which(p)), None)
    if not why and subprocess.run(["unshare", "-m" if os.geteuid() == 0 else "-rm", "true"], capture_output=True).returncode:
        why = "mount namespaces are not to be had"
    if why:
        skip_all(why)
    try:
        with socket.socket() as probe:
            probe.bind((ZONE, 53))
    except OSError:
        skip_all("port 53 cannot be had")
    sys.exit(run("Dino", ["dino-im"], Story2))
