#!/usr/bin/python3
"""A stock client (slixmpp, with its own plugins) and the roads of files beside the upload: what is refused is raised with words that a person can
read, what policy allows works. Then what an ordinary user meets of containment: a held message let go from another device, and decoys."""
import asyncio
import base64
import os
import sys
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from pictures import png  # noqa: E402
from wardroom_test import SLOW, Instance, Tap, check, skip_all  # noqa: E402

try:
    import slixmpp
    from slixmpp_two import Person
    from slixmpp.exceptions import IqError
except ImportError:
    skip_all("python3-slixmpp is not installed")

PLUGINS = ("xep_0004", "xep_0047", "xep_0050", "xep_0054", "xep_0065", "xep_0066", "xep_0084", "xep_0163", "xep_0231", "xep_0363")
PROGRAM = b"MZ\x90\0" + b"x" * 300
ELSEWHERE = "https://elsewhere.example.org/plan.pdf"
BASE = "links: {trusted: [elsewhere.example.org]}\n"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
HELD = "urn:wardroom:gate#held"


class User(Person):
    """Keeps all that it gets, as it came."""

    def __init__(self, server, user, resource):
        super().__init__(server, user, resource)
        for p in PLUGINS:
            self.register_plugin(p)
        self.bot, self.raw = f"guard@{server.domain}", []
        self.add_filter("in", self.keep)

    def keep(self, stanza):
        self.raw.append(stanza)
        return stanza

    def forget(self):
        self.raw.clear()

    async def gets(self, fits, what, seconds=8):
        for _ in range(int(seconds * SLOW * 20)):
            for s in self.raw:
                if fits(s):
                    return s
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.boundjid}: not {what}: {[str(s)[:120] for s in self.raw[-5:]]}")

    async def hears(self, *parts):
        s = await self.gets(lambda s: s.name == "message" and s["from"].bare == self.bot and all(p in s["body"] for p in parts), f"the bot saying {parts}")
        self.raw.remove(s)
        return s["body"]

    async def reads(self, part):
        return await self.gets(lambda s: s.name == "message" and part in s["body"], f"a message with {part!r}")

    async def settle(self):
        """Whatever was on its way has come."""
        await self["xep_0199"].ping(self.boundjid.domain, timeout=8 * SLOW)


async def refused(future, *parts, condition="policy-violation"):
    """The plugin raises, and what it raises has words for a person."""
    try:
        await asyncio.wait_for(future, 8 * SLOW)
    except IqError as e:
        # Not e.condition: slixmpp's list of conditions has no policy-violation (RFC 6120, 8.3.3.12), and it is then empty; the text is what people see.
        check(e.iq.xml.find(f".//{{{STANZAS}}}{condition}") is not None and all(p in e.text for p in parts), f"{e.iq}")
        return e.text
    raise AssertionError("it was not refused")


class World:
    def __init__(self, tap, server):
        self.tap, self.s = tap, server
        self.ann, self.phone = User(server, "ann", "desk"), User(server, "ann", "phone")
        self.ben = User(server, "ben", "desk")

    async def step(self, name, coro):
        if not self.tap.wants(name):
            return
        try:
            await asyncio.wait_for(coro(), 20 * SLOW)
            self.tap.ok(name)
        except Exception as e:	# noqa: BLE001
            self.tap.ok(name, False, f"{type(e).__name__}: {e.args}")

    async def json(self, *args):
        return await asyncio.to_thread(self.s.json, *args)

    async def apply(self, text):
        path = os.path.join(self.s.top, "next.yaml")
        with open(path, "w") as f:
            f.write(BASE + text)
        await self.json("policy", "apply", path)
        for c in (self.ann, self.ben):
            c.forget()

    async def begin(self):
        for c in (self.ann, self.phone, self.ben):
            await c.login()
        self.ann.send_presence_subscription(self.ben.boundjid.bare)
        await self.ann.wants("presence", self.ben.boundjid.bare)
        await self.ben.wants("presence", self.ann.boundjid.bare)


async def streams(w):
    ann, ben = w.ann, w.ben
    to = ben.boundjid.full

    async def ibb_refused():
        await w.apply("")
        await refused(ann["xep_0047"].open_stream(to, timeout=8 * SLOW), "upload")
        await ben.settle()
        check(not any("jabber.org/protocol/ibb" in str(s) for s in ben.raw), "the offer reached him")
    await w.step("a stream of bytes in stanzas (XEP-0047) is refused by default; slixmpp raises it with a text that names the upload", ibb_refused)

    async def ibb_allowed():
        await w.apply("files: {in_band: allow}\n")
        ben["xep_0047"].auto_accept = True
        begun = asyncio.get_running_loop().create_future()
        ben.add_event_handler("ibb_stream_start", begun.set_result, disposable=True)
        data = bytes(i * 31 % 251 for i in range(10000))
        out = await ann["xep_0047"].open_stream(to, timeout=8 * SLOW)
        got = asyncio.ensure_future((await asyncio.wait_for(begun, 5 * SLOW)).gather(timeout=10 * SLOW))
        await out.sendall(data, timeout=8 * SLOW)
        out.close(timeout=8 * SLOW)
        check(await got == data, "other bytes")
    await w.step("where policy allows it, slixmpp's stream brings ten thousand bytes unchanged", ibb_allowed)

    async def ibb_shut():
        await w.apply("files: {in_band: allow}\n")
        out = await ann["xep_0047"].open_stream(to, timeout=8 * SLOW)
        await w.apply("")
        await refused(out.send(b"more", timeout=8 * SLOW), "upload")
    await w.step("a stream that is open when policy changes brings no byte more", ibb_shut)

    async def socks():
        ann["xep_0065"]._proxies = {ann.boundjid.full: ("10.1.2.3", "7777"), "proxy.example.org": ("192.0.2.9", "1")}

        def offer():
            return ann["xep_0065"].request_stream(slixmpp.JID(to), sid="by1", timeout=8 * SLOW)
        await w.apply("")
        await refused(offer(), "upload")
        await ben.settle()
        check(not any("by1" in str(s) for s in ben.raw), "the offer reached him")
        await w.apply("files: {socks5: allow}\n")
        await refused(offer(), condition="not-acceptable")	# his client's own answer: he has not said yes
        s = str(await ben.gets(lambda s: "by1" in str(s), "the offer"))
        check("192.0.2.9" in s and "10.1.2.3" not in s, s)
    await w.step("a SOCKS5 stream (XEP-0065) is refused by default; allowed, it comes without the address of her computer, with the proxy's", socks)


async def addresses(w):
    ann, ben = w.ann, w.ben

    async def oob_iq():
        await w.apply("")
        urls = []
        ben["xep_0066"].register_url_handler(handler=lambda iq: urls.append(iq["oob_transfer"]["url"]))
        await ann["xep_0066"].send_oob(ben.boundjid.full, ELSEWHERE, desc="the plan", timeout=8 * SLOW)
        check(urls == [ELSEWHERE], f"{urls}")
        await w.apply("files: {out_of_band: refuse}\n")
        await refused(ann["xep_0066"].send_oob(ben.boundjid.full, ELSEWHERE, timeout=8 * SLOW), "upload")
        check(urls == [ELSEWHERE], f"{urls}")
    await w.step("the address of a file as a request (XEP-0066 iq) reaches the other's plugin, and is refused where policy says so", oob_iq)

    async def oob_x():
        def send(body):
            m = ann.make_message(ben.boundjid.bare, body, mtype="chat")
            m["oob"]["url"] = ELSEWHERE
            m.send()
        await w.apply("")
        send("first plan")
        check((await ben.reads("first plan"))["oob"]["url"] == ELSEWHERE, "the address is lost")
        await w.apply("files: {out_of_band: clean}\n")
        send("second plan")
        s = await ben.reads("second plan")
        check("jabber:x:oob" not in str(s), str(s))
        await ann.hears("taken out of your message")
    await w.step("the same in a message (XEP-0066 x): there by default, taken out by policy, and she is told", oob_x)

    async def slot():
        svc = slixmpp.JID(f"upload.{w.s.domain}")
        data = png(b"slot", 500)
        got = await ann["xep_0363"].request_slot(svc, "me.png", len(data), "image/png", timeout=8 * SLOW)
        put, get = (got["http_upload_slot"][k]["url"] for k in ("put", "get"))
        check(put.startswith("https://") and get.startswith("https://") and get.endswith("/me.png"), f"{put} {get}")
        await refused(ann["xep_0363"].request_slot(svc, "big.bin", 1 << 42, timeout=8 * SLOW), condition="not-acceptable")
    await w.step("slixmpp gets a slot of the upload (XEP-0363), and none for a file that is too big", slot)


async def pictures(w):
    ann, ben = w.ann, w.ben

    async def bob_message():
        await w.apply("")

        async def send(data, body):
            m = ann.make_message(ben.boundjid.bare, body, mtype="chat")
            m["bob"]["cid"], m["bob"]["type"], m["bob"]["data"] = "sha1+0@bob.xmpp.org", "image/png", data
            m.send()
            return await ben.reads(body)
        check((await send(png(b"smile"), "a smile"))["bob"]["data"] == png(b"smile"), "another picture")
        s = await send(PROGRAM, "a fake smile")
        check("urn:xmpp:bob" not in str(s), str(s))
        await ann.hears("taken out of your message")
    await w.step("a small picture in a message (XEP-0231) comes as it was; a program that says image/png is taken out of it", bob_message)

    async def bob_iq():
        async def fetch(data):
            cid = await ben["xep_0231"].set_bob(data, "image/png")
            return await ann["xep_0231"].get_bob(ben.boundjid.full, cid, cached=False, timeout=8 * SLOW)
        check((await fetch(png(b"wink")))["bob"]["data"] == png(b"wink"), "another picture")
        await refused(fetch(PROGRAM), "PNG")
        check(not any("TVqQ" in str(s) for s in ann.raw), "the bytes reached her client")
    await w.step("a picture that she asks his client for comes; a program in its place never does", bob_iq)

    async def avatar():
        await w.apply("")
        await ann["xep_0084"].publish_avatar(png(b"ann"), timeout=8 * SLOW)
        sha = ann["xep_0084"].generate_id(png(b"ann"))
        await ann["xep_0084"].publish_avatar_metadata(items=[{"id": sha, "type": "image/png", "bytes": len(png(b"ann"))}], timeout=8 * SLOW)
        await refused(ann["xep_0084"].publish_avatar(PROGRAM, timeout=8 * SLOW), "PNG")
        got = await ben["xep_0084"].retrieve_avatar(slixmpp.JID(ann.boundjid.bare), sha, timeout=8 * SLOW)
        check(got["pubsub"]["items"]["item"]["avatar_data"]["value"] == png(b"ann"), "other bytes")
        try:
            await ben["xep_0084"].retrieve_avatar(slixmpp.JID(ann.boundjid.bare), ann["xep_0084"].generate_id(PROGRAM), timeout=8 * SLOW)
        except IqError:
            return
        check(not any("TVqQ" in str(s) for s in ben.raw), "the program is published")
    await w.step("a PNG is published as avatar (XEP-0084); what is none is refused with the types that may be, and nobody finds it", avatar)

    async def data_uri():
        await w.apply("")
        uri = "data:image/png;base64," + base64.b64encode(png(b"inside")).decode()
        ann.send_message(ben.boundjid.bare, f"look here {uri} end", mtype="chat")
        s = await ben.reads("look here")
        check(s["body"] == "look here [a file in the text was removed] end", s["body"])
        await ann.hears("taken out of your message")
    await w.step("a data: URI in the text is replaced by words, and she is told", data_uri)


async def containment(w):
    ann, phone = w.ann, w.phone

    async def answer(c, word):
        iq = await c["xep_0050"].send_command(w.s.domain, HELD, timeout=8 * SLOW)
        form = c["xep_0004"].make_form(ftype="submit")
        form.add_field(var="answer", value=word)
        return await c["xep_0050"].send_command(w.s.domain, HELD, action="complete", payload=form, sessionid=iq["command"]["sessionid"], timeout=8 * SLOW)

    async def spread(site):
        """Three copies go out, the fourth is held."""
        for c in (ann, phone):
            c.forget()
        for i in range(4):
            ann.send_message(w.s.jid(f"p{site}{i}"), f"is this you?? https://{site}.example/view?id={i}", mtype="chat")
        await phone.hears("was held", "another of your devices")
        return lambda: w.json("held", "list", "--account", ann.boundjid.bare)

    async def confirm():
        await w.apply("")
        held = await spread("one")
        check(len((await held())["held"]) == 1, "not held")
        await answer(ann, "confirm")
        await ann.hears("cannot vouch")
        check(len((await held())["held"]) == 1, "let go by the device that sent it")
        await answer(phone, "confirm")
        await phone.hears("has been let go")
        check((await held())["held"] == [], "still held")
    await w.step("a message that spreads: the command at the device that sent it does not let it go, at the other one it does", confirm)

    async def cancel():
        held = await spread("two")
        await answer(phone, "cancel")
        await phone.hears("will not be delivered")
        check((await held())["held"] == [], "still held")
    await w.step("the command cancels it as well", cancel)


async def decoys(w):
    cat = User(w.s, "cat", "desk")

    async def look():
        await w.apply(f"groups: {{sales: [{w.s.jid('cat')}, {w.s.jid('ben')}]}}\nroster: {{shared: [sales]}}\ndecoys: {{per_group: 2}}\n")
        w.decoys = []
        for _ in range(100):
            w.decoys = (await w.json("decoy", "list"))["decoys"]
            if len(w.decoys) == 2:
                break
            await asyncio.sleep(0.1)
        check(len(w.decoys) == 2, f"decoys: {w.decoys}")
        await cat.login()
        for d in w.decoys:
            s = await cat.gets(lambda s: s.name == "presence" and s["from"].bare == d["jid"], "the presence of a decoy")
            check(s["type"] in ("available", "away", "xa", "dnd") and s["from"].resource, str(s))
            item = cat.client_roster[d["jid"]]
            check(item["subscription"] == "both" and item["name"] == d["name"] and item["groups"] == ["sales"], f"{item}")
            card = await cat["xep_0054"].get_vcard(slixmpp.JID(d["jid"]), timeout=8 * SLOW)
            check(d["name"] in (card.xml.findtext(".//{vcard-temp}FN") or ""), f"{d}: {card}")
        item = cat.client_roster[w.s.jid("ben")]
        check(item["subscription"] == "both" and item["groups"] == ["sales"], f"ben beside them: {item}")
    await w.step("decoys stand in slixmpp's roster as the colleague does: both, a name, the group, presence, a card", look)

    async def sprung():
        cat.forget()
        cat.send_message(w.decoys[0]["jid"], "look https://holiday-pics.example/album/17", mtype="chat")
        await cat.hears("frozen")
        check((await w.json("user", "show", w.s.jid("cat")))["state"] == "frozen", "not frozen")
        cat.send_message(w.ben.boundjid.bare, "and you, too: https://holiday-pics.example/album/18", mtype="chat")
        await cat.settle()
        await w.ben.settle()
        check(not any("holiday-pics" in str(s) for s in w.ben.raw), "it reached a colleague")
    await w.step("who sends a decoy a link is told that the account is frozen, and no colleague gets the link", sprung)
    await cat.leave()


async def story(tap, server):
    w = World(tap, server)
    await w.begin()
    for part in (streams, addresses, pictures, containment, decoys):
        await part(w)
    for c in (w.ann, w.phone, w.ben):
        await c.leave()


def main():
    tap = Tap("slixmpp on the other roads")
    users = ["ann", "ben", "cat"] + [f"p{site}{i}" for site in ("one", "two") for i in range(4)]
    with Instance(users=users, https=True, strangers="allow") as server:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(asyncio.wait_for(story(tap, server), 100 * SLOW))
        tap.run("the server is well at the end", server.assert_healthy)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
