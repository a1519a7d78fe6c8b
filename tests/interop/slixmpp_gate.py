#!/usr/bin/python3
"""First contact with real clients: somebody behind a gateway (slixmpp's component) writes to ann, who answers the bot from
slixmpp's client in all the ways: by reply, by command, by blocking and reporting as her client does it, by writing herself."""
import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from rawcomponent import SECRET, components_text  # noqa: E402
from wardroom_test import SLOW, Instance, Tap, check, skip_all  # noqa: E402

try:
    from slixmpp.componentxmpp import ComponentXMPP
    from slixmpp_two import Person
except ImportError:
    skip_all("python3-slixmpp is not installed")

NET = "net.example.test"
COMMANDS = "http://jabber.org/protocol/commands"


class Outside(ComponentXMPP):
    def __init__(self, server):
        super().__init__(NET, SECRET, server.host, server.component_port)
        self.up = asyncio.Event()
        self.add_event_handler("session_start", lambda _: self.up.set())

    async def online(self):
        self.connect()
        await asyncio.wait_for(self.up.wait(), 15 * SLOW)
        return self


class Ann:
    """slixmpp's client and what it has heard."""

    def __init__(self, server):
        self.bot, self.heard = f"guard@{server.domain}", []
        self.x = Person(server, "ann", "desk")
        for p in ("xep_0004", "xep_0050", "xep_0191"):
            self.x.register_plugin(p)
        self.x.add_event_handler("message", lambda m: self.heard.append((m["from"].bare, m["body"], m)))

    async def wants(self, frm, part, seconds=10):
        for _ in range(int(seconds * SLOW * 20)):
            for h in self.heard:
                if h[0] == frm and part in h[1]:
                    self.heard.remove(h)
                    return h
            await asyncio.sleep(0.05)
        raise AssertionError(f"nothing of {frm} with {part!r}: {[(h[0], h[1][:60]) for h in self.heard]}")

    async def answers(self, text, part):
        self.x.send_message(self.bot, text, mtype="chat")
        return await self.wants(self.bot, part)


async def story(tap, server):
    out, ann = await Outside(server).online(), Ann(server)
    await ann.x.login()

    async def step(name, coro):
        try:
            await asyncio.wait_for(coro(), 40 * SLOW)
            tap.ok(name)
        except Exception as e:	# noqa: BLE001
            tap.ok(name, False, f"{type(e).__name__}: {e}")

    def writes(who, text):
        out.send_message(ann.x.boundjid.bare, text, mfrom=f"{who}@{NET}/x", mtype="chat")

    async def reply():
        writes("bob", "see http://shop.example/1")
        t = (await ann.wants(ann.bot, "Request 1"))[1]
        check("shop.example" not in t, t)
        await ann.answers("accept 1", "is let in")
        m = (await ann.wants(f"bob@{NET}", "http://shop.example/1"))[2]
        check(m.xml.find("{urn:xmpp:delay}delay") is not None, "no time of its own")
        writes("bob", "thank you")
        await ann.wants(f"bob@{NET}", "thank you")
    await step("a plain reply lets him in", reply)

    async def command():
        writes("carl", "hello, it is Carl")
        await ann.wants(ann.bot, "Request 1")
        items = await ann.x["xep_0030"].get_items(jid=server.domain, node=COMMANDS)
        check("urn:wardroom:gate#requests" in {i[1] for i in items["disco_items"]["items"]}, "the command is not offered")
        iq = await ann.x["xep_0050"].send_command(server.domain, "urn:wardroom:gate#requests")
        form = iq["command"]["form"]
        fields = form.get_fields()
        check([o["value"] for o in fields["request"]["options"]] == ["1"] and
              {o["value"] for o in fields["answer"]["options"]} == {"accept", "block", "report"}, f"{form}")
        answer = ann.x["xep_0004"].make_form(ftype="submit")
        answer.add_field(var="request", value="1")
        answer.add_field(var="answer", value="accept")
        iq = await ann.x["xep_0050"].send_command(server.domain, "urn:wardroom:gate#requests", action="complete", payload=answer,
                                                  sessionid=iq["command"]["sessionid"])
        check(iq["command"]["status"] == "completed", iq["command"]["status"])
        await ann.wants(f"carl@{NET}", "hello, it is Carl")
        iq = await ann.x["xep_0050"].send_command(server.domain, "urn:wardroom:gate#requests")
        check(iq["command"]["status"] == "completed" and "Nobody waits" in str(iq), str(iq))
    await step("a command with a form does, too", command)

    async def block():
        writes("dora", "buy")
        await ann.wants(ann.bot, "Request 1")
        await ann.answers("block", "is blocked")
        listed = await ann.x["xep_0191"].get_blocked()
        check(f"dora@{NET}" in {str(j) for j in listed["blocklist"]["items"]}, str(listed))
        writes("dora", "buy more")
        await asyncio.sleep(0.5)
        check(not [h for h in ann.heard if "buy more" in h[1]], "she still hears her")
    await step("a reply blocks, and the client's block list shows it", block)

    async def report():
        writes("erik", "you have won a prize")
        await ann.wants(ann.bot, "Request 1")
        await ann.answers("report 1", "blocked and reported")
        filed = server.json("report", "list")["reports"]
        check([r["about"] for r in filed] == [f"erik@{NET}"] and filed[0]["evidence"] == 1, f"{filed}")
    await step("a reply reports, with the message as evidence", report)

    async def wrote():
        writes("finn", "are you there?")
        await ann.wants(ann.bot, "Request 1")
        ann.x.send_message(f"finn@{NET}", "yes", mtype="chat")
        await ann.wants(f"finn@{NET}", "are you there?")
    await step("writing herself lets in what he had sent", wrote)

    async def subscribed():
        out.send_presence_subscription(pto=ann.x.boundjid.bare, pfrom=f"gina@{NET}")
        await ann.wants(ann.bot, "contact request")
        check(ann.x.client_roster[f"gina@{NET}"]["subscription"] == "none", "her client has answered by itself")
        await ann.answers("accept", "is let in")
        for _ in range(100):
            if ann.x.client_roster[f"gina@{NET}"]["subscription"] in ("from", "both"):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"roster: {ann.x.client_roster[f'gina@{NET}']['subscription']}")
    await step("a request for presence reaches the client when it was accepted", subscribed)
    await ann.x.leave()
    out.disconnect(wait=0.5)


def main():
    tap = Tap("first contact with real clients")
    with Instance(users=["ann"], component=True, extra=components_text({"domain": NET, "name": "A net"})) as server:
        asyncio.get_event_loop_policy().get_event_loop().run_until_complete(story(tap, server))
        tap.run("the server is well at the end", server.assert_healthy)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
