#!/usr/bin/python3
"""Real clients: slixmpp's own plugins for rooms (0045, 0249, 0313, 0421, 0425, 0444, 0308, 0184, 0333, 0085) against this server."""
import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from pictures import png  # noqa: E402
from wardroom_test import PASSWORD, SLOW, Failed, Tap, check, new_server, skip_all  # noqa: E402

try:
    import slixmpp
    from slixmpp.exceptions import IqError, PresenceError
except ImportError:
    skip_all("python3-slixmpp is not installed")

PLUGINS = ("xep_0004", "xep_0030", "xep_0045", "xep_0054", "xep_0059", "xep_0085", "xep_0184", "xep_0199", "xep_0203", "xep_0249", "xep_0297", "xep_0308",
           "xep_0313", "xep_0333", "xep_0359", "xep_0421", "xep_0424", "xep_0425", "xep_0428", "xep_0444")


class Person(slixmpp.ClientXMPP):
    def __init__(self, server, user, resource="r"):
        super().__init__(f"{server.jid(user)}/{resource}", PASSWORD)
        self.server_addr = (server.host, server.port)
        self.ca_certs = server.cafile()
        self.got, self.seen = asyncio.Queue(), []
        self.started = asyncio.Event()
        for x in PLUGINS:
            self.register_plugin(x)
        self.muc = self.plugin["xep_0045"]
        self.add_event_handler("session_start", self.on_start)
        for e in ("groupchat_message", "groupchat_subject", "groupchat_invite", "groupchat_decline", "groupchat_direct_invite", "groupchat_config_status",
                  "groupchat_presence", "message", "moderated_message", "message_error", "groupchat_message_error", "marker_displayed", "reactions", "message_correction"):
            self.add_event_handler(e, lambda s, e=e: self.note(e, s))

    def note(self, event, stanza):
        self.seen.append((event, str(stanza)[:300]))
        self.got.put_nowait((event, stanza))

    async def on_start(self, _):
        self.send_presence()
        await self.get_roster()
        self.started.set()

    async def login(self):
        self.connect(address=self.server_addr)
        await asyncio.wait_for(self.started.wait(), 15 * SLOW)
        return self

    async def wants(self, event, fits=lambda s: True, patience=8):
        async def loop():
            while True:
                e, s = await self.got.get()
                if e == event and fits(s):
                    return s
        try:
            return await asyncio.wait_for(loop(), patience * SLOW)
        except asyncio.TimeoutError:
            raise Failed(f"{self.boundjid}: no {event}; seen {self.seen[-4:]}") from None

    async def leave(self):
        self.disconnect(wait=0.5)
        try:
            await asyncio.wait_for(self.disconnected, 5)
        except asyncio.TimeoutError:
            self.abort()


def body(text):
    return lambda m: m["body"] == text


async def story(tap, server):
    ann, ben, cat = (Person(server, u) for u in ("ann", "ben", "cat"))
    room, world = f"hall@rooms.{server.domain}", {}

    async def step(name, coro):
        try:
            await asyncio.wait_for(coro(), 40 * SLOW)
            return tap.ok(name)
        except Exception as e:	# noqa: BLE001
            return tap.ok(name, False, f"{type(e).__name__}: {e}")

    async def log_in():
        for p in (ann, ben, cat):
            await p.login()

    async def make():
        pres, subject, _, _ = await ann.muc.join_muc_wait(room, "Ann", timeout=8)
        codes = pres["muc"]["status_codes"]
        check({110, 201} <= codes, f"codes {codes}")
        form = await ann.muc.get_room_config(room)
        form["type"] = "submit"
        form.set_values({"muc#roomconfig_roomname": "The hall", "muc#roomconfig_persistentroom": True, "muc#roomconfig_membersonly": False})
        await ann.muc.set_room_config(room, form)
        info = await ann.plugin["xep_0030"].get_info(jid=room)
        feats = info["disco_info"]["features"]
        want = {"muc_persistent", "muc_open", "muc_semianonymous", "muc_unmoderated", "muc_public", "muc_unsecured", "urn:xmpp:mam:2", "urn:xmpp:occupant-id:0",
                "http://jabber.org/protocol/muc#stable_id", "vcard-temp", "urn:xmpp:message-moderate:0", "urn:xmpp:message-moderate:1"}
        check(want <= feats, f"missing {want - feats}")
        check(any(i[0] == "conference" and i[3] == "The hall" for i in info["disco_info"]["identities"]), f"{info['disco_info']['identities']}")

    async def enter():
        ann.send_message(mto=room, mbody="first", mtype="groupchat")
        await ann.wants("groupchat_message", body("first"))
        pres, subject, occupants, history = await ben.muc.join_muc_wait(room, "Ben", maxstanzas=10, timeout=8)
        check([o["from"].resource for o in occupants if o["from"].resource != "Ben"] == ["Ann"], f"{occupants}")
        check([m["body"] for m in history] == ["first"], f"history {[str(m) for m in history]}")
        check(sorted(ben.muc.get_roster(room)) == ["Ann", "Ben"], f"{ben.muc.get_roster(room)}")
        await cat.muc.join_muc_wait(room, "Cat", maxstanzas=0, timeout=8)

    async def taken():
        cat.muc.leave_muc(room, "Cat")
        await asyncio.sleep(0.2)
        try:
            await cat.muc.join_muc_wait(room, "Ann", timeout=8)
        except PresenceError as e:
            check(e.condition == "conflict", e.condition)
        else:
            raise Failed("two with one nick")
        await cat.muc.join_muc_wait(room, "Cat", maxstanzas=0, timeout=8)

    async def talk():
        ben.send_message(mto=room, mbody="hello", mtype="groupchat")
        for p in (ann, ben, cat):
            m = await p.wants("groupchat_message", body("hello"))
            check(m["from"] == f"{room}/Ben" and m["stanza_id"]["by"] == room and m["occupant-id"]["id"], str(m))
            world["hello"], world["oid"] = m["stanza_id"]["id"], m["occupant-id"]["id"]

    async def extras():
        m = cat.make_message(mto=room, mtype="groupchat", mbody="helo")
        m["id"] = "fix1"
        m.send()
        fixed = cat.make_message(mto=room, mtype="groupchat", mbody="hello corrected")
        fixed["replace"]["id"] = "fix1"
        fixed.send()
        m = await ann.wants("groupchat_message", body("hello corrected"))
        check(m["replace"]["id"] == "fix1", str(m))
        r = cat.make_message(mto=room, mtype="groupchat")
        r["reactions"]["id"] = world["hello"]
        r["reactions"].set_values({"\U0001F44B"})
        r.enable("store")
        r.send()
        m = await ann.wants("reactions")
        check(m["reactions"]["id"] == world["hello"] and m["from"].resource == "Cat", str(m))
        s = cat.make_message(mto=room, mtype="groupchat")
        s["chat_state"] = "composing"
        s.send()
        d = cat.make_message(mto=room, mtype="groupchat")
        d["displayed"]["id"] = world["hello"]
        d.send()
        m = await ann.wants("marker_displayed")
        check(m["displayed"]["id"] == world["hello"], str(m))

    async def private():
        ben.send_message(mto=f"{room}/Ann", mbody="between us", mtype="chat")
        m = await ann.wants("message", body("between us"))
        check(m["from"] == f"{room}/Ben", str(m))

    async def topic():
        ann.muc.set_subject(room, "Plans")
        for p in (ann, ben, cat):
            await p.wants("groupchat_subject", lambda m: m["subject"] == "Plans")

    async def invite():
        cat.muc.leave_muc(room, "Cat")
        ann.muc.invite(room, cat.boundjid.bare, "join us")
        m = await cat.wants("groupchat_invite")
        check(m["muc"]["invite"]["reason"] == "join us" and m["from"] == room, str(m))
        ben.plugin["xep_0249"].send_invitation(cat.boundjid.bare, slixmpp.JID(room), reason="do come")
        m = await cat.wants("groupchat_direct_invite")
        check(m["groupchat_invite"]["jid"] == room, str(m))
        await cat.muc.join_muc_wait(room, "Cat", maxstanzas=0, timeout=8)

    async def powers():
        await ann.muc.set_affiliation(room, "member", jid=ben.boundjid.bare, reason="one of us")
        check([str(j) for j in await ann.muc.get_affiliation_list(room, "member")] == [ben.boundjid.bare], "member list")
        got = await ann.muc.get_roles_list(room, "participant")
        check(set(got) == {"Ben", "Cat"}, f"participants {got}")
        await ann.muc.set_role(room, "Cat", "visitor")
        cat.send_message(mto=room, mbody="mute", mtype="groupchat")
        await cat.wants("groupchat_message_error")
        await ann.muc.set_role(room, "Cat", "participant")
        try:
            await cat.muc.set_role(room, "Ben", "none")
        except IqError as e:
            check(e.condition == "forbidden", e.condition)
        else:
            raise Failed("an ordinary occupant kicks")
        await ann.muc.set_role(room, "Cat", "none", reason="out")
        await cat.wants("groupchat_presence", lambda p: p["type"] == "unavailable" and 307 in p["muc"]["status_codes"])
        await cat.muc.join_muc_wait(room, "Cat", maxstanzas=0, timeout=8)

    async def moderate():
        await ann.plugin["xep_0425"].moderate(slixmpp.JID(room), world["hello"], "not here")
        for p in (ben, cat):
            m = await p.wants("moderated_message")
            check(m["apply_to"]["id"] == world["hello"] and m["apply_to"]["moderated"]["reason"] == "not here", str(m))
        try:
            await cat.plugin["xep_0425"].moderate(slixmpp.JID(room), world["hello"])
        except IqError as e:
            check(e.condition == "forbidden", e.condition)
        else:
            raise Failed("an ordinary occupant moderates")

    async def archive():
        got = []
        async for r in ben.plugin["xep_0313"].iterate(jid=slixmpp.JID(room)):
            got.append(r["mam_result"]["forwarded"]["stanza"]["body"])
        check("first" in got and "hello corrected" in got and "hello" not in got, f"{got}")

    async def picture():
        v = ann.plugin["xep_0054"].make_vcard()
        v["PHOTO"]["TYPE"] = "image/png"
        v["PHOTO"]["BINVAL"] = png()
        await ann.plugin["xep_0054"].publish_vcard(v, jid=slixmpp.JID(room))
        r = await cat.plugin["xep_0054"].get_vcard(jid=slixmpp.JID(room))
        check(r["vcard_temp"]["PHOTO"]["BINVAL"] == png(), str(r))

    async def rename():
        cat.send_presence(pto=f"{room}/Katze")
        await ann.wants("groupchat_presence", lambda p: p["from"].resource == "Cat" and 303 in p["muc"]["status_codes"])
        await ann.wants("groupchat_presence", lambda p: p["from"].resource == "Katze")
        check(await cat.plugin["xep_0199"].send_ping(slixmpp.JID(f"{room}/Katze")) is not None, "self-ping")

    async def end():
        await ann.muc.destroy(room, reason="over", altroom=f"next@rooms.{server.domain}")
        p = await ben.wants("groupchat_presence", lambda p: p["type"] == "unavailable" and p["muc"]["destroy"]["reason"] == "over")
        check(p["muc"]["destroy"]["jid"] == f"next@rooms.{server.domain}", str(p))

    if await step("three people log in", log_in) and await step("make and configure a room; its disco#info (xep0045)", make):
        for name, coro in (("enter: occupants, history, subject in order", enter), ("somebody else's nick is a conflict", taken),
                           ("talk: stanza-id (0359) and occupant-id (0421)", talk), ("corrections, reactions, typing, markers pass (0308, 0444, 0085, 0333)", extras),
                           ("private messages", private), ("the subject", topic), ("invitations (0045, 0249)", invite),
                           ("roles, affiliations, lists, a kick", powers), ("moderation as slixmpp knows it (0425)", moderate),
                           ("the room's archive (0313)", archive), ("the room's picture (0486)", picture), ("another nick; self-ping (0410)", rename),
                           ("the end of the room, with where to go", end)):
            await step(name, coro)
    for p in (ann, ben, cat):
        await p.leave()


def main():
    tap = Tap("slixmpp in rooms")
    with new_server(users=["ann", "ben", "cat"]) as server:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(story(tap, server))
        tap.run("the server is well at the end", server.assert_healthy)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
