#!/usr/bin/python3
"""Reports from a stock client (XEP-0377, slixmpp's own plugin): with the third one the message is taken back from everybody, also from those who
have not reported it, and their clients say so (slixmpp's plugin for XEP-0424); the model has learnt from it."""
import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from wardroom_test import SLOW, Instance, Tap, check, skip_all  # noqa: E402

try:
    from slixmpp_two import Person
except ImportError:
    skip_all("python3-slixmpp is not installed")

LURE = "Congratulations winner! Transfer your registration fee today and receive the lottery jackpot payment immediately"


def client(server, user):
    c = Person(server, user, "desk")
    for p in ("xep_0191", "xep_0377", "xep_0424", "xep_0359"):
        c.register_plugin(p)
    c.taken_back = []
    c.add_event_handler("message_retract", lambda m: c.taken_back.append((m["from"].bare, m["apply_to"]["id"], m["body"])))
    return c


async def wait(test, what, seconds=10):
    for _ in range(int(seconds * SLOW * 20)):
        v = test()
        if v:
            return v
        await asyncio.sleep(0.05)
    raise AssertionError(what)


async def report(c, about):
    """As `Block and report` of a client does it: whom, and that it is spam; no ids."""
    iq = c.make_iq_set()
    iq["block"]["items"] = {about}
    item = iq["block"].xml.find("{urn:xmpp:blocking}item")
    from slixmpp.plugins.xep_0377 import stanza
    rep = stanza.Report()
    rep["spam"] = True
    item.append(rep.xml)
    await iq.send(timeout=10 * SLOW)


async def story(tap, server):
    names = ["ann", "bob", "carl", "dora", "eve"]
    people = {n: client(server, n) for n in names}
    for c in people.values():
        await c.login()
    spammer, readers = people["eve"], [people[n] for n in names[:4]]

    async def step(name, coro):
        try:
            await asyncio.wait_for(coro(), 60 * SLOW)
            tap.ok(name)
        except Exception as e:	# noqa: BLE001
            tap.ok(name, False, f"{type(e).__name__}: {e}")

    async def three():
        for c in readers:
            m = spammer.make_message(c.boundjid.bare, LURE, mtype="chat")
            m["id"] = f"lure-{c.boundjid.local}"
            m.send()
        for c in readers:
            await wait(lambda: any(s[0] == "message" and LURE in s[2] for s in c.seen), f"{c.boundjid} has not got it")
        for c in readers[:2]:
            await report(c, spammer.boundjid.bare)
        await asyncio.sleep(0.5)
        check(not any(c.taken_back for c in readers), "two reports are not enough")
        await report(readers[2], spammer.boundjid.bare)
        for c in readers:
            await wait(lambda: c.taken_back, f"{c.boundjid} was not told")
            frm, id, body = c.taken_back[0]
            check(frm == spammer.boundjid.bare and id == f"lure-{c.boundjid.local}" and "removed" in body, f"{c.taken_back}")
    await step("three reports take a text back from everybody; clients say which message", three)

    async def archives():
        for c in readers + [spammer]:
            found = [m async for m in c["xep_0313"].iterate(reverse=False)]
            bodies = [m["mam_result"]["forwarded"]["stanza"]["body"] for m in found]
            check(not any(LURE in b for b in bodies), f"{c.boundjid} still finds it")
            check(any("removed" in b for b in bodies), f"{c.boundjid}: nothing of the retraction")
    await step("no archive has it any more", archives)

    async def tree():
        rows = await asyncio.to_thread(lambda: server.json("purge", "list")["purges"])
        check(len(rows) == 1 and rows[0]["why"] == "reported by several people" and rows[0]["purged"] == 4, f"{rows}")
        show = await asyncio.to_thread(lambda: server.json("outbreak", "show", rows[0]["fingerprint"]))
        check(set(show["exposures"]) == {c.boundjid.bare for c in readers} and show["patient_zero"] == spammer.boundjid.bare, f"{show}")
        reports = await asyncio.to_thread(lambda: server.json("report", "list")["reports"])
        check(len(reports) == 3 and all(r["reason"] == "spam" for r in reports), f"{reports}")
    await step("the officer sees whom it had reached", tree)

    async def again():
        """From somebody else, to somebody who has not had it: it is under containment."""
        dora = people["dora"]
        before = len(people["ann"].seen)
        m = dora.make_message(people["ann"].boundjid.bare, LURE, mtype="chat")
        m.send()
        await wait(lambda: any("held" in s[2] and s[1].startswith("guard@") for s in dora.seen if s[0] == "message"), "its sender does not hear that it is held")
        check(not any(LURE in s[2] for s in people["ann"].seen[before:]), "it was delivered once more")
    await step("who sends it again is held", again)

    async def learnt():
        status = await asyncio.to_thread(lambda: server.json("status"))
        check(status["count_learnt"] >= 3, f"the model has learnt {status['count_learnt']} times")
    await step("the model has learnt from each report", learnt)
    for c in people.values():
        await c.leave()


def main():
    tap = Tap("reports with slixmpp")
    with Instance(users=["ann", "bob", "carl", "dora", "eve"]) as server:
        asyncio.get_event_loop_policy().get_event_loop().run_until_complete(story(tap, server))
        server.assert_healthy()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
