#!/usr/bin/python3
"""Real clients publish: tune, nick, avatar and bookmarks of slixmpp, its filter of events (XEP-0115), the service of its XEP-0060."""
import asyncio
import sys

from slixmpp_two import Person
from pictures import png
from wardroom_test import SLOW, Tap, check, new_server

import slixmpp  # noqa: E402 - slixmpp_two leaves when it is not there
from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0048 import Bookmarks

PLUGINS = ("xep_0004", "xep_0030", "xep_0045", "xep_0048", "xep_0049", "xep_0054", "xep_0060", "xep_0084", "xep_0107", "xep_0115", "xep_0118",
           "xep_0153", "xep_0163", "xep_0172", "xep_0222", "xep_0223")
EVENTS = ("user_tune_publish", "user_nick_publish", "avatar_metadata_publish", "vcard_avatar_update", "bookmarks_publish", "user_mood_publish",
          "pubsub_publish")


class Publisher(Person):
    def __init__(self, server, user, resource):
        super().__init__(server, user, resource)
        for p in PLUGINS:
            self.register_plugin(p)
        for e in EVENTS:
            self.add_event_handler(e, lambda m, e=e: self.note((e, str(m["from"]), "", m)))

    async def on_start(self, event):
        await self["xep_0115"].update_caps()
        await super().on_start(event)


async def story(tap, server):
    ann, ben, tab = Publisher(server, "ann", "phone"), Publisher(server, "ben", "desk"), Publisher(server, "ann", "tablet")
    ann_jid, svc = slixmpp.JID(server.jid("ann")), f"pubsub.{server.domain}"

    async def step(name, coro):
        if not tap.wants(name):
            return True
        try:
            await asyncio.wait_for(coro(), 40 * SLOW)
            return tap.ok(name)
        except Exception as e:	# noqa: BLE001
            return tap.ok(name, False, f"{type(e).__name__}: {e}")

    async def begin():
        await ann.login()
        await ben.login()
        await tab.login()
        ann.send_presence_subscription(server.jid("ben"), ptype="subscribe")
        await ann.wants("presence", server.jid("ben"))
        await ben.wants("presence", server.jid("ann"))
    if not await step("two people, three devices", begin):
        return

    async def tune():
        await ann["xep_0118"].publish_tune(artist="A", title="First <&>", timeout=10)
        for who in (ben, tab):
            w = await who.wants("user_tune_publish", str(ann_jid))
            check(w[3]["pubsub_event"]["items"]["item"]["tune"]["title"] == "First <&>", str(w[3]))
    await step("a tune reaches the contact and the other device", tune)

    async def nick():
        await ben["xep_0172"].publish_nick("Benny", timeout=10)
        w = await ann.wants("user_nick_publish", server.jid("ben"))
        check(w[3]["pubsub_event"]["items"]["item"]["nick"]["nick"] == "Benny", str(w[3]))
    await step("a nickname reaches the contact", nick)

    async def avatar():
        raw = png(b"ann", 2000)
        sha = ann["xep_0084"].generate_id(raw)
        await ann["xep_0084"].publish_avatar(raw, timeout=10)
        await ann["xep_0084"].publish_avatar_metadata(items=[{"id": sha, "type": "image/png", "bytes": len(raw)}], timeout=10)
        w = await ben.wants("avatar_metadata_publish", str(ann_jid))
        check(w[3]["pubsub_event"]["items"]["item"]["avatar_metadata"]["items"][0]["id"] == sha, str(w[3]))
        got = await ben["xep_0084"].retrieve_avatar(ann_jid, sha, timeout=10)
        check(got["pubsub"]["items"]["item"]["avatar_data"]["value"] == raw, "other bytes")
    await step("an avatar is published, announced and fetched", avatar)

    async def vcard():
        raw = png(b"ben", 300)
        await ben["xep_0153"].set_avatar(avatar=raw, mtype="image/png", timeout=10)
        w = await ann.wants("avatar_metadata_publish", server.jid("ben"))
        sha = w[3]["pubsub_event"]["items"]["item"]["avatar_metadata"]["items"][0]["id"]
        got = await ann["xep_0084"].retrieve_avatar(slixmpp.JID(server.jid("ben")), sha, timeout=10)
        check(got["pubsub"]["items"]["item"]["avatar_data"]["value"] == raw, "other bytes")
        card = await ann["xep_0054"].get_vcard(slixmpp.JID(server.jid("ben")), timeout=10)
        check(card["vcard_temp"]["PHOTO"]["BINVAL"] == raw, "the photo of the vCard")
    await step("a vCard's photo is an avatar for others", vcard)

    async def bookmarks():
        marks = Bookmarks()
        marks.add_conference("room@conference.example", "ann", autojoin=True, name="A room")
        await ann["xep_0048"].set_bookmarks(marks, method="xep_0049", timeout=10)
        w = await tab.wants("bookmarks_publish", str(ann_jid))
        check(w[3]["pubsub_event"]["items"]["item"]["bookmarks"]["conferences"][0]["jid"] == "room@conference.example", str(w[3]))
        got = await tab["xep_0048"].get_bookmarks(method="xep_0223", timeout=10)
        rooms = [(c["jid"], c["nick"], c["name"]) for c in got["pubsub"]["items"]["item"]["bookmarks"]["conferences"]]
        check(rooms == [("room@conference.example", "ann", "A room")], f"{rooms}")
        new = await tab["xep_0060"].get_items(ann_jid, "urn:xmpp:bookmarks:1", timeout=10)
        check([i["id"] for i in new["pubsub"]["items"]] == ["room@conference.example"], str(new))
        marks.add_conference("two@conference.example", "ann", autojoin=False, name="Two")
        await tab["xep_0048"].set_bookmarks(marks, method="xep_0223", timeout=10)
        got = await ann["xep_0048"].get_bookmarks(method="xep_0049", timeout=10)
        rooms = {c["jid"] for c in got["private"]["bookmarks"]["conferences"]}
        check(rooms == {"room@conference.example", "two@conference.example"}, f"{rooms}")
    await step("bookmarks are the same in private XML, the old node and the new one", bookmarks)

    async def service():
        p = ann["xep_0060"]
        form = ann["xep_0004"].make_form(ftype="submit")
        form.add_field(var="FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/pubsub#node_config")
        form.add_field(var="pubsub#max_items", value="10")
        form.add_field(var="pubsub#title", value="News")
        await p.create_node(svc, "news", config=form, timeout=10)
        await ben["xep_0060"].subscribe(svc, "news", timeout=10)
        payload = slixmpp.xmlstream.ET.fromstring("<entry xmlns='http://www.w3.org/2005/Atom'><title>one</title></entry>")
        await p.publish(svc, "news", id="1", payload=payload, timeout=10)
        await ben.wants("pubsub_publish", svc)
        got = await ben["xep_0060"].get_items(svc, "news", timeout=10)
        check([i["id"] for i in got["pubsub"]["items"]] == ["1"], str(got))
        conf = await p.get_node_config(svc, "news", timeout=10)
        form = conf["pubsub_owner"]["configure"]["form"]
        check(form["values"]["pubsub#title"] == "News", str(form))
        form["type"] = "submit"
        await p.set_node_config(svc, "news", form, timeout=10)
        nodes = await ben["xep_0060"].get_nodes(svc, timeout=10)
        check("news" in {i[1] for i in nodes["disco_items"]["items"]}, str(nodes))
        try:
            await ben["xep_0060"].delete_node(svc, "news", timeout=10)
            check(False, "somebody else's node was deleted")
        except IqError as e:
            check(e.condition == "forbidden", e.condition)
        await p.retract(svc, "news", "1", notify=True, timeout=10)
        await p.delete_node(svc, "news", timeout=10)
    await step("the service: create, subscribe, publish, configure, delete", service)
    for who in (ann, ben, tab):
        await who.leave()


def main():
    tap = Tap("slixmpp publishes")
    with new_server(users=["ann", "ben"]) as server:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(asyncio.wait_for(story(tap, server), 110 * SLOW))
        tap.run("the server is well at the end", server.assert_healthy)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
