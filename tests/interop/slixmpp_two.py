#!/usr/bin/python3
"""Real clients: two people with slixmpp (Debian's python3-slixmpp) log in, add each other, chat both ways; carbons to a
second device, an offline message, an archive query, resumption after a cut connection."""
import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from wardroom_test import PASSWORD, SLOW, Failed, Tap, check, new_server, skip_all  # noqa: E402

try:
    import slixmpp
except ImportError:
    skip_all("python3-slixmpp is not installed")


class Cutter:
    """A TCP proxy that can cut what goes through it, as a lost network does."""

    def __init__(self, host, port):
        self.host, self.to, self.pairs = host, port, []

    async def start(self):
        self.srv = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.srv.sockets[0].getsockname()[1]
        return self

    async def serve(self, r, w):
        try:
            r2, w2 = await asyncio.open_connection(self.host, self.to)
        except OSError:
            w.close()
            return
        self.pairs.append((w, w2))

        async def pipe(a, b):
            try:
                while data := await a.read(65536):
                    b.write(data)
                    await b.drain()
            except (OSError, asyncio.CancelledError):
                pass
            finally:
                b.close()
        await asyncio.gather(pipe(r, w2), pipe(r2, w))

    def cut(self):
        for a, b in self.pairs:
            for x in (a, b):
                x.transport.abort()
        self.pairs = []

    def close(self):
        self.cut()
        self.srv.close()


class Person(slixmpp.ClientXMPP):
    def __init__(self, server, user, resource, port=None):
        super().__init__(f"{server.jid(user)}/{resource}", PASSWORD)
        self.server_addr = (server.host, port or server.port)
        self.ca_certs = server.cafile()
        self.got = asyncio.Queue()
        self.seen = []
        self.resumed = asyncio.Event()
        self.started = asyncio.Event()
        for x in ("xep_0030", "xep_0059", "xep_0198", "xep_0199", "xep_0203", "xep_0280", "xep_0297", "xep_0313", "xep_0352"):
            self.register_plugin(x)
        self.auto_authorize = self.auto_subscribe = True
        self.add_event_handler("session_start", self.on_start)
        self.add_event_handler("session_resumed", lambda e: self.resumed.set())
        self.add_event_handler("message", lambda m: self.note(("message", str(m["from"]), m["body"], m)))
        self.add_event_handler("carbon_received", lambda m: self.note(("carbon received", str(m["carbon_received"]["from"]), m["carbon_received"]["body"], m)))
        self.add_event_handler("carbon_sent", lambda m: self.note(("carbon sent", str(m["carbon_sent"]["to"]), m["carbon_sent"]["body"], m)))
        self.add_event_handler("presence_available", lambda p: self.note(("presence", str(p["from"]), p["type"], p)))
        self.add_event_handler("failed_auth", lambda e: self.note(("failed_auth", "", "", e)))

    def note(self, what):
        self.seen.append(what)
        self.got.put_nowait(what)

    async def on_start(self, _):
        self.send_presence()
        await self.get_roster()
        self.started.set()

    async def login(self):
        self.started.clear()
        self.connect(address=self.server_addr)
        try:
            await asyncio.wait_for(self.started.wait(), 15 * SLOW)
        except asyncio.TimeoutError:
            raise Failed(f"{self.boundjid}: no session; seen {[s[:3] for s in self.seen]}") from None
        return self

    async def wants(self, kind, text, patience=10):
        """Waits for an event of that kind with that text (or from that bare address)."""
        async def loop():
            while True:
                w = await self.got.get()
                if w[0] == kind and (text in (w[2], w[1]) or w[1].startswith(text + "/")):
                    return w
        try:
            return await asyncio.wait_for(loop(), patience * SLOW)
        except asyncio.TimeoutError:
            raise Failed(f"{self.boundjid}: no {kind} {text!r}; seen {[s[:3] for s in self.seen[-6:]]}") from None

    async def leave(self):
        self.disconnect(wait=0.5)
        try:
            await asyncio.wait_for(self.disconnected, 5)
        except asyncio.TimeoutError:
            self.abort()


async def story(tap, server):
    cutter = await Cutter(server.host, server.port).start()
    ann, ben = Person(server, "ann", "phone"), Person(server, "ben", "desk", cutter.port)
    world = {}

    async def step(name, coro):
        async def run():
            await asyncio.wait_for(coro(), 40 * SLOW)
        try:
            await run()
            return tap.ok(name)
        except Exception as e:	# noqa: BLE001
            return tap.ok(name, False, f"{type(e).__name__}: {e}")

    async def log_in():
        await ann.login()
        await ben.login()
    if not await step("both log in", log_in):
        return

    async def add():
        ann.send_presence_subscription(server.jid("ben"), ptype="subscribe")
        await ann.wants("presence", server.jid("ben"))
        await ben.wants("presence", server.jid("ann"))
        for who, other in ((ann, "ben"), (ben, "ann")):
            for _ in range(100):
                if who.client_roster[server.jid(other)]["subscription"] == "both":
                    break
                await asyncio.sleep(0.05)
            check(who.client_roster[server.jid(other)]["subscription"] == "both", f"{other}: {who.client_roster[server.jid(other)]['subscription']}")
    await step("they add each other", add)

    async def chat():
        for i in range(10):
            ann.send_message(server.jid("ben"), f"hello {i} ěščř", mtype="chat")
            await ben.wants("message", f"hello {i} ěščř")
            ben.send_message(server.jid("ann"), f"answer {i} <&>", mtype="chat")
            await ann.wants("message", f"answer {i} <&>")
    await step("they chat both ways", chat)

    async def carbons():
        tab = Person(server, "ann", "tablet")
        await tab.login()
        await tab["xep_0280"].enable()
        await ann["xep_0280"].enable()
        ann.send_message(server.jid("ben"), "from the phone", mtype="chat")
        await ben.wants("message", "from the phone")
        await tab.wants("carbon sent", "from the phone")
        ben.send_message(str(ann.boundjid), "to the phone", mtype="chat")
        await ann.wants("message", "to the phone")
        await tab.wants("carbon received", "to the phone")
        await tab.leave()
    await step("a second device gets carbons", carbons)

    async def offline():
        await ben.leave()
        ann.send_message(server.jid("ben"), "while you were out", mtype="chat")
        await ann["xep_0199"].ping(server.domain, timeout=5)
        world["ben"] = b = Person(server, "ben", "desk", cutter.port)
        await b.login()
        w = await b.wants("message", "while you were out")
        check(w[3].get_plugin("delay", check=True) is not None, "no delay")
    await step("an offline message waits, with its time", offline)

    async def archive():
        b = world["ben"]
        rows = []
        answer = await b["xep_0313"].retrieve(with_jid=slixmpp.JID(server.jid("ann")), rsm={"max": 10}, iterator=False, timeout=10)
        for m in answer["mam"]["results"]:
            rows.append(m["mam_result"]["forwarded"]["stanza"]["body"])
        check(len(rows) == 10 and rows[0] == "hello 0 ěščř", f"first page {rows}")
        rows = []
        async for page in b["xep_0313"].retrieve(with_jid=slixmpp.JID(server.jid("ann")), rsm={"max": 10}, iterator=True, timeout=10):
            for m in page["mam"]["results"]:
                rows.append(m["mam_result"]["forwarded"]["stanza"]["body"])
        check(rows[-1] == "while you were out" and len(rows) == 23, f"{len(rows)} rows, the last {rows[-1:]}")
    await step("the archive is paged through", archive)

    async def resumption():
        b = world["ben"]
        check(b["xep_0198"].sm_id, "no resumable stream")
        lost = asyncio.Event()
        b.add_event_handler("disconnected", lambda e: lost.set())
        cutter.cut()
        await asyncio.wait_for(lost.wait(), 5)
        ann.send_message(server.jid("ben"), "you were cut off", mtype="chat")
        await ann["xep_0199"].ping(server.domain, timeout=5)
        b.resumed.clear()
        b.connect(address=b.server_addr)
        await asyncio.wait_for(b.resumed.wait(), 10 * SLOW)
        await b.wants("message", "you were cut off")
        b.send_message(server.jid("ann"), "back again", mtype="chat")
        w = await ann.wants("message", "back again")
        check(w[1] == str(b.boundjid), f"from {w[1]}, bound {b.boundjid}")
    await step("a cut connection is resumed, nothing is lost", resumption)
    for p in (ann, world.get("ben")):
        if p:
            await p.leave()
    cutter.close()


def main():
    tap = Tap("slixmpp")
    with new_server(users=["ann", "ben"]) as server:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(asyncio.wait_for(story(tap, server), 200 * SLOW))
        tap.run("the server is well at the end", server.assert_healthy)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
