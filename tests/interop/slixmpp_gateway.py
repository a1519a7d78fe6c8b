#!/usr/bin/python3
"""A real gateway: slixmpp's ComponentXMPP (Debian's python3-slixmpp) serves a small network of one person; somebody with
slixmpp's client finds it, registers with it, gets a contact in the roster (XEP-0356), chats both ways; and it comes back."""
import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from rawcomponent import SECRET, components_text  # noqa: E402
from wardroom_test import SLOW, Failed, Instance, Tap, check, skip_all  # noqa: E402

try:
    import slixmpp
    from slixmpp.componentxmpp import ComponentXMPP
    from slixmpp_two import Person
except ImportError:
    skip_all("python3-slixmpp is not installed")

NET = "net.example.test"


class Gateway(ComponentXMPP):
    """bob@NET answers everything said to him."""

    def __init__(self, server):
        super().__init__(NET, SECRET, server.host, server.component_port)
        self.server_jid = server.domain
        self.up, self.granted, self.down = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.users, self.heard = set(), asyncio.Queue()
        for x in ("xep_0030", "xep_0077", "xep_0092", "xep_0199", "xep_0356"):
            self.register_plugin(x)
        self["xep_0030"].add_identity("gateway", "irc", "A small network")
        self["xep_0030"].add_feature("jabber:iq:register")
        self["xep_0077"].api.register(self.known, "user_get")
        self["xep_0077"].api.register(self.joined, "user_validate")
        self.add_event_handler("session_start", lambda _: self.up.set())
        self.add_event_handler("privileges_advertised", lambda _: self.granted.set())
        self.add_event_handler("disconnected", lambda _: self.down.set())
        self.add_event_handler("message", self.said)

    async def known(self, jid, node, ifrom, iq):
        return {"username": "you"} if ifrom.bare in self.users else None

    async def joined(self, jid, node, ifrom, registration):
        self.users.add(ifrom.bare)
        asyncio.ensure_future(self.introduce(ifrom))

    async def introduce(self, user):
        await self["xep_0356"].set_roster(user.bare, {f"bob@{NET}": {"name": "Bob", "subscription": "both", "groups": ["Small net"]}})
        self.send_presence(pto=user.bare, pfrom=f"bob@{NET}/net")

    def said(self, m):
        self.heard.put_nowait(m["body"])
        if m["type"] in ("chat", "normal"):
            self.send_message(m["from"].bare, f"you said: {m['body']}", mfrom=f"{m['to'].bare}/net", mtype="chat")

    async def online(self):
        self.connect()
        await asyncio.wait_for(self.up.wait(), 15 * SLOW)
        return self


async def story(tap, server):
    gw, ann = Gateway(server), Person(server, "ann", "desk")
    world = {"gw": gw}
    ann.register_plugin("xep_0077")
    ann.register_plugin("xep_0092")

    async def step(name, coro):
        try:
            await asyncio.wait_for(coro(), 40 * SLOW)
            return tap.ok(name)
        except Exception as e:	# noqa: BLE001
            return tap.ok(name, False, f"{type(e).__name__}: {e}")

    async def start():
        await gw.online()
        await asyncio.wait_for(gw.granted.wait(), 10 * SLOW)
        check(gw["xep_0356"].granted_privileges["roster"] == "both", f"granted {gw['xep_0356'].granted_privileges}")
        await ann.login()
    if not await step("the gateway connects and hears what it may", start):
        return

    async def find():
        items = await ann["xep_0030"].get_items(jid=server.domain)
        check(NET in {str(i[0]) for i in items["disco_items"]["items"]}, "not among the items of the domain")
        info = await ann["xep_0030"].get_info(jid=NET)
        check(("gateway", "irc") in {(i[0], i[1]) for i in info["disco_info"]["identities"]}, "its identity")
        check("jabber:iq:register" in info["disco_info"]["features"], "its features")
    await step("a client finds it (disco)", find)

    async def register():
        iq = ann.make_iq_set(ito=NET)
        iq["register"]["username"] = "ann"
        iq["register"]["password"] = "x"
        await iq.send(timeout=10)
        await ann.wants("presence", f"bob@{NET}")
        check(ann.client_roster[f"bob@{NET}"]["subscription"] == "both", f"roster: {ann.client_roster[f'bob@{NET}']}")
        check(ann.client_roster[f"bob@{NET}"]["groups"] == ["Small net"], "groups")
    await step("she registers; the gateway puts Bob into her roster and shows him there", register)

    async def chat():
        for i in range(10):
            ann.send_message(f"bob@{NET}", f"hello {i} ěščř <&>", mtype="chat")
            await ann.wants("message", f"you said: hello {i} ěščř <&>")
    await step("they chat both ways", chat)

    async def ask():
        v = await gw["xep_0092"].get_version(str(ann.boundjid), ifrom=NET)
        check(v["software_version"]["name"], "no version of the client")
        await gw["xep_0199"].ping(server.domain, ifrom=NET, timeout=10)
    await step("the gateway asks the client and the server", ask)

    async def privileged():
        m = gw.make_message(mto=f"{ann.boundjid}", mfrom=f"ben@{server.domain}", mbody="from Ben's phone in the small net", mtype="chat")
        m["id"] = "behalf"
        stanza = gw["xep_0356"]._make_privileged_message(m)
        stanza["to"] = server.domain		# the plugin takes the host it is connected to
        stanza.send()
        w = await ann.wants("message", "from Ben's phone in the small net")
        check(w[1] == f"ben@{server.domain}", f"from {w[1]}")
    await step("it says something in Ben's name, who lets it", privileged)

    async def away():
        gw.disconnect(wait=0.5)
        await asyncio.wait_for(gw.down.wait(), 10 * SLOW)
        try:
            await ann["xep_0030"].get_info(jid=NET, timeout=10)
            raise Failed("a gateway that is away answered")
        except slixmpp.exceptions.IqError as e:
            check(e.iq["error"]["condition"] == "service-unavailable", f"{e.iq['error']['condition']}")
        world["gw"] = await Gateway(server).online()
        ann.send_message(f"bob@{NET}", "welcome back", mtype="chat")
        await ann.wants("message", "you said: welcome back")
    await step("it goes and comes back", away)

    async def replaced():
        second = await Gateway(server).online()
        await asyncio.wait_for(world["gw"].down.wait(), 10 * SLOW)
        ann.send_message(f"bob@{NET}", "to the second", mtype="chat")
        await ann.wants("message", "you said: to the second")
        world["gw"].abort()
        second.disconnect(wait=0.5)
    await step("a second one takes over", replaced)
    await ann.leave()


def main():
    tap = Tap("a gateway made with slixmpp")
    groups = ({"domain": NET, "name": "Small net", "may": "[roster-get, roster-set, roster-push, message]"},)
    with Instance(users=["ann", "ben"], component=True, strangers="allow", extra=components_text(*groups)) as server:
        asyncio.get_event_loop_policy().get_event_loop().run_until_complete(story(tap, server))
        tap.run("the server is well at the end", server.assert_healthy)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
