"""What the drivers of real clients share: an asyncio story told in steps, against a slixmpp peer and a server of its own."""
import asyncio
import hashlib
import os
import shutil
import struct
import sys
import zlib
from xml.etree import ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from slixmpp_two import Cutter, Person  # noqa: E402 - skips when slixmpp is missing
from wardroom_test import SLOW, Failed, Tap, new_server, skip_all  # noqa: E402


def png(r, g, b, side=1):
    """A picture in one colour."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress((b"\0" + bytes((r, g, b)) * side) * side)) + chunk(b"IEND", b""))


class Story:
    """steps: async functions of a story object; the docstring is the name of the case. After a failed one that others
    stand on (needed=True) the rest fail with it."""

    def __init__(self, tap, server):
        self.tap, self.server = tap, server
        self.peer = None

    async def start(self):
        self.peer = Person(self.server, "ben", "desk")
        for x in ("xep_0045", "xep_0060", "xep_0163", "xep_0084", "xep_0115"):
            self.peer.register_plugin(x)
        self.peer.add_event_handler("groupchat_message", lambda m: self.peer.note(("room", str(m["from"]), m["body"], m)))
        await self.peer.login()

    async def step(self, coro, patience=60):
        name = coro.__doc__
        if not self.tap.wants(name):
            return True
        try:
            await asyncio.wait_for(coro(), patience * SLOW)
            return self.tap.ok(name)
        except Exception as e:	# noqa: BLE001
            return self.tap.ok(name, False, f"{type(e).__name__}: {e}")

    async def until(self, test, seconds, what):
        for _ in range(int(seconds * SLOW * 10)):
            if test():
                return
            await asyncio.sleep(0.1)
        raise Failed(what)

    async def friends(self):
        """Ben and ann are contacts of each other."""
        me = self.peer.client_roster[self.server.jid("ann")]
        await self.until(lambda: me["subscription"] == "both", 15, f"subscription {me['subscription']}")

    def room(self, name="hall"):
        return f"{name}@rooms.{self.server.domain}"

    async def in_room(self, name="hall"):
        await self.peer.plugin["xep_0045"].join_muc_wait(self.room(name), "ben", timeout=15 * SLOW, maxstanzas=0)

    async def open_room(self, name="hall"):
        """Joins as its first occupant and takes the configuration as it is (XEP-0045 10.1.2)."""
        await self.in_room(name)
        iq = self.peer.make_iq_set(ito=self.room(name))
        q = ElementTree.SubElement(iq.xml, "{http://jabber.org/protocol/muc#owner}query")
        ElementTree.SubElement(q, "{jabber:x:data}x", type="submit")
        await iq.send(timeout=10 * SLOW)

    def say_in_room(self, text, name="hall"):
        self.peer.send_message(self.room(name), text, mtype="groupchat")

    async def show_picture(self, picture):
        """Ben publishes it as his avatar (XEP-0084), open to all, so it is in his vCard, too (XEP-0398); returns its hash."""
        sha = hashlib.sha1(picture).hexdigest()
        form = self.peer["xep_0004"].make_form(ftype="submit")
        form.add_field(var="FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/pubsub#publish-options")
        form.add_field(var="pubsub#access_model", value="open")
        await self.peer["xep_0084"].publish_avatar(picture, options=form)
        await self.peer["xep_0084"].publish_avatar_metadata({"id": sha, "type": "image/png", "bytes": str(len(picture)), "width": "1", "height": "1"},
                                                            options=form)
        return sha

    async def sees_picture(self, who, picture):
        """Ben can fetch that person's avatar."""
        got = await self.peer["xep_0084"].retrieve_avatar(self.server.jid(who), hashlib.sha1(picture).hexdigest(), timeout=10 * SLOW)
        if got["pubsub"]["items"]["item"]["avatar_data"]["value"] != picture:
            raise Failed("it is not the picture")

    async def bookmarked(self, who, room, seconds=10):
        """Another client of that person finds the room among the bookmarks (XEP-0402); its name there."""
        other = Person(self.server, who, "other")
        other.register_plugin("xep_0060")
        await other.login()
        try:
            for _ in range(int(seconds * SLOW * 4)):
                got = await other["xep_0060"].get_items(None, "urn:xmpp:bookmarks:1", timeout=10 * SLOW)
                marks = {i["id"]: i["payload"].get("name") for i in got["pubsub"]["items"]}
                if room in marks:
                    return marks[room]
                await asyncio.sleep(0.25)
            raise Failed(f"no bookmark of {room}: {marks}")
        finally:
            await other.leave()

    async def end(self):
        if self.peer:
            await self.peer.leave()


def run(title, programs, make, users=("ann", "ben"), **how):
    """make(tap, server) -> a Story with an async tell(); its screen(), when it has one, is printed after a failure."""
    for p in programs:
        if not shutil.which(p):
            skip_all(f"{p} is not installed")
    tap = Tap(title)
    with new_server(users=list(users), **how) as server:
        story = make(tap, server)
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)

        async def all_of_it():
            try:
                await story.start()
                await story.tell()
            finally:
                await story.end()
        try:
            loop.run_until_complete(all_of_it())
        except Exception as e:	# noqa: BLE001
            tap.ok("the story comes to its end", False, f"{type(e).__name__}: {e}")
        finally:
            if tap.bad and hasattr(story, "screen"):
                for line in story.screen().splitlines():
                    if line.strip():
                        print(f"# | {line.rstrip()}")
            if hasattr(story, "close"):
                story.close()
        tap.run("the server is well at the end", server.assert_healthy)
    return tap.end()


__all__ = ["Cutter", "Failed", "Person", "Story", "png", "run"]
