#!/usr/bin/env python3
"""A late verdict reaches everybody: live, away, resuming, in rooms, behind components, on other servers; also when the server is killed in between."""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from rawcomponent import Component, components_text  # noqa: E402
from rawserver import SERVER, Authority, Peer, PeerListener, Target, Zone  # noqa: E402
from rawxmpp import CARBONS, MAM, SID, Client, body_of, q, text_of  # noqa: E402
from upload import get, upload  # noqa: E402
from s2s import OURS, THEIRS, Federated  # noqa: E402
from wardroom_test import Instance, Tap, check, program, until  # noqa: E402

RETRACT = "urn:xmpp:message-retract:1"
MODERATE = "urn:xmpp:message-moderate:1"
MUC = "http://jabber.org/protocol/muc"
MDS = "urn:xmpp:mds:displayed:0"
MARKERS = "urn:xmpp:chat-markers:0"
IRC = "irc.example.test"


def takes_back(e, given, ns="jabber:client"):
    """Is this the retraction of that message, itself or as a carbon?"""
    return e is not None and any(x.get("id") == given for x in e.iter(f"{{{RETRACT}}}retract"))


def id_of(e):
    return e.find(q(SID, "stanza-id")).get("id")


def archive(client, to=None):
    """Everything that the archive shows, as text."""
    got, after = [], None
    while True:
        inner = f"<set xmlns='http://jabber.org/protocol/rsm'><max>100</max>{f'<after>{after}</after>' if after else ''}</set>"
        client.clear()
        fin = client.iq("set", f"<query xmlns='{MAM}'>{inner}</query>", to=to, timeout=20)
        got += [text_whole(e) for e in client.inbox if e.find(q(MAM, "result")) is not None]
        fin = fin.find(q(MAM, "fin"))
        last = fin.find(".//{http://jabber.org/protocol/rsm}last")
        if fin.get("complete") == "true" or last is None:
            return got
        after = last.text


def text_whole(e):
    return ET.tostring(e, encoding="unicode")


class Case:
    """A sentence of its own that several people get, and its purge."""
    n = 0

    def __init__(self, server):
        Case.n += 1
        self.server = server
        words = ["".join(random.choice("aeioulmnrst") for _ in range(9)) for _ in range(10)]
        self.word, self.text = words[4], " ".join(words[:5] + ["quickly"] + words[5:])

    def purge(self, id):
        return json.loads(self.server.cli("purge", "--like", id, "--why", "a test", "--json"))

    def told(self):
        """Every purge is done and everybody is told."""
        def settled():
            rows = self.server.json("purge", "list")["purges"]
            check(all(r["told"] + r["unreachable"] <= r["to_tell"] for r in rows), f"more were told than there are: {rows}")
            return rows if all(r["state"] == "done" and r["told"] + r["unreachable"] == r["to_tell"] for r in rows) else None
        return until(settled, 20, "everybody is told")


def live(tap, server):
    anna, tablet = Client(server, "anna", resource="desk").login(presence=True), Client(server, "anna", resource="tablet").login(presence=True)
    bob, pad = Client(server, "bob", resource="desk").login(presence=True), Client(server, "bob", resource="pad").login(presence=True)
    for c in (tablet, pad):
        c.iq("set", f"<enable xmlns='{CARBONS}'/>")

    def devices():
        k = Case(server)
        anna.message(f"{bob.bare}/desk", k.text, id="d1")
        first = bob.expect(name="message", id="d1")
        pad.expect(name="message", has=q(CARBONS, "received"))
        tablet.expect(name="message", has=q(CARBONS, "sent"))
        r = k.purge(id_of(first))
        check(r["purged"] == 1, f"{r}")
        bob.expect(name="message", pred=lambda e: takes_back(e, "d1"))
        pad.expect(name="message", pred=lambda e: takes_back(e, "d1"))
        back = tablet.expect(name="message", pred=lambda e: takes_back(e, "d1"))
        check(back.find(q(CARBONS, "sent")) is not None, "the author's other device hears of it as of what he has sent")
        for c in (anna, bob):
            check(not any(k.word in t for t in archive(c)), f"{c.user}: the archive still has the text")
        tomb = [t for t in archive(bob) if "retracted" in t and "d1" in t]
        check(len(tomb) == 1 and anna.bare in tomb[0], f"a tombstone in its place: {tomb}")
    tap.run("all devices of the receiver and of the author are told, both archives have a tombstone", devices)

    def blocked():
        k = Case(server)
        anna.message(bob.bare, k.text, id="b1")
        got = bob.expect(name="message", id="b1")
        bob.iq("set", f"<block xmlns='urn:xmpp:blocking'><item jid='{anna.bare}'/></block>")
        bob.clear()
        k.purge(id_of(got))
        bob.expect(name="message", pred=lambda e: takes_back(e, "b1"))
        bob.iq("set", f"<unblock xmlns='urn:xmpp:blocking'><item jid='{anna.bare}'/></unblock>")
    tap.run("who has blocked the author meanwhile is told all the same", blocked)

    def alike():
        k = Case(server)
        anna.message(bob.bare, k.text, id="a1")
        got = bob.expect(name="message", id="a1")
        anna.message(bob.bare, k.text.replace("quickly", "now").upper(), id="a2")
        anna.message(bob.bare, "lunch on friday then", id="a3")
        bob.expect(name="message", id="a3")
        r = k.purge(id_of(got))
        check(r["purged"] == 2, f"the same in other words goes, too, and nothing else: {r}")
        check(set(r["exposures"]) == {bob.bare}, f"{r['exposures']}")
        show = server.json("outbreak", "show", r["fingerprint"])
        check(show["patient_zero"] == anna.bare and len(show["tree"]) == 1, f"its tree: {show}")
        check(any("lunch on friday" in t for t in archive(bob)), "a harmless message has gone")
    tap.run("what says nearly the same goes, with its tree; what does not stays", alike)

    def short():
        carol = Client(server, "carol", resource="desk").login(presence=True)
        anna.message(bob.bare, "ok thanks", id="s1")
        got = bob.expect(name="message", id="s1")
        carol.message(bob.bare, "ok thanks", id="s2")
        bob.expect(name="message", id="s2")
        r = Case(server).purge(id_of(got))
        check(r["purged"] == 1, f"what other people say in two words is not the same message: {r}")
        carol.close()
    tap.run("a short text of others is left alone", short)

    def resuming():
        k = Case(server)
        carol = Client(server, "carol", resource="phone").login(presence=True)
        carol.sm_enable()
        anna.message(carol.bare, "before it", id="r0")
        carol.expect(name="message", id="r0")
        carol.cut()
        anna.message(carol.bare, k.text, id="r1")
        anna.message(carol.bare, "behind it", id="r2")
        anna.settle()
        sent = [t for t in archive(anna) if k.word in t]
        r = k.purge(ids_in(sent[0]))
        check(r["purged"] == 1, f"{r}")
        again = Client(server, "carol", resource="phone").login(bind=False)
        check(again.resume(carol), "the stream cannot be resumed")
        again.expect(name="message", id="r2", keep=True)
        again.expect(name="message", pred=lambda e: takes_back(e, "r1"), keep=True)
        check(not any(k.word in text_whole(e) for e in again.inbox), "the stream that was resumed has brought it")
        again.sm_all_acked()
        again.message(anna.bare, "counts are right", id="r3")
        anna.expect(name="message", id="r3")
        again.sm_request()
        again.settle()
        again.close()
    tap.run("a stream that is resumed after it brings a tombstone in its place, under the same number", resuming)

    def killed_then_resumed():
        k = Case(server)
        carol = Client(server, "carol", resource="phone2").login(presence=True)
        carol.sm_enable()
        carol.settle()
        carol.cut()
        anna.message(carol.bare, k.text, id="k1")
        anna.settle()
        r = k.purge(ids_in([t for t in archive(anna) if k.word in t][0]))
        check(r["purged"] == 1, f"{r}")
        k.told()
        server.kill9()
        server.start()
        again = Client(server, "carol", resource="phone2").login(bind=False)
        check(again.resume(carol), "the stream cannot be resumed after a restart")
        again.expect(name="message", pred=lambda e: takes_back(e, "k1"), keep=True)
        check(not any(k.word in text_whole(e) for e in again.inbox), "the store has kept it in the queue")
        again.close()
    tap.run("nor does one that is resumed after the server was killed", killed_then_resumed)
    for c in (anna, tablet, bob, pad):
        c.close()


def ids_in(text):
    """The archive's id of a result."""
    return ET.fromstring(text).find(q(MAM, "result")).get("id")


def join(c, room, nick):
    c.send(f"<presence to='{room}/{nick}'><x xmlns='{MUC}'/></presence>")
    c.expect(lambda e: e.find(q("jabber:client", "subject")) is not None, name="message", what="the subject")


def rooms(tap, server):
    anna, bob, carol = (Client(server, u, resource="room").login(presence=True) for u in ("anna", "bob", "carol"))
    room = f"hall@rooms.{server.domain}"
    owner = "http://jabber.org/protocol/muc#owner"
    anna.send(f"<presence to='{room}/An'><x xmlns='{MUC}'/></presence>")
    anna.expect(lambda e: e.find(q("jabber:client", "subject")) is not None, name="message")
    anna.iq("set", f"<query xmlns='{owner}'><x xmlns='jabber:x:data' type='submit'/></query>", to=room)
    join(bob, room, "Bo")

    def post():
        k = Case(server)
        anna.message(room, k.text, type="groupchat", id="g1")
        got = bob.expect(name="message", id="g1")
        anna.message(room, "something else", type="groupchat", id="g2")
        bob.expect(name="message", id="g2")
        r = k.purge(id_of(got))
        check(r["purged"] == 1, f"{r}")
        for c in (anna, bob):
            back = c.expect(name="message", pred=lambda e: takes_back(e, id_of(got)))
            check(back.get("from") == room and next(back.iter(f"{{{MODERATE}}}moderated"), None) is not None, text_of(back))
        found = archive(bob, to=room)
        check(not any(k.word in t for t in found), "the room's archive still has it")
        check(any("retracted" in t and "g1" in t for t in found) and any(takes_back_text(t, id_of(got)) for t in found), f"tombstone and notice: {found}")
        carol.clear()
        join(carol, room, "Ca")
        check(not any(k.word in text_whole(e) for e in carol.inbox), "a newcomer is shown it")
    tap.run("a post is taken back by the room: occupants, newcomers, archive", post)

    def readers():
        k = Case(server)
        anna.message(room, f"{k.text} http://{k.word}.test/view", type="groupchat", id="g5")
        got = bob.expect(name="message", id="g5")
        print_ = json.loads(server.cli("why", id_of(got), "--json"))["fingerprint"]
        bob.message(server.jid("dave"), f"{k.text} http://{k.word}.test/view", id="g6")
        bob.settle()
        r = json.loads(server.cli("purge", "--fingerprint", print_, "--json"))
        check(r["purged"] == 2, f"{r}")
        e = r["exposures"]
        check(set(e) == {bob.bare, carol.bare, server.jid("dave")} and e[bob.bare]["room"] == room and "passed_on" in e[bob.bare], f"{e}")
        edges = {(t["from"], t["to"]) for t in r["tree"]}
        check(edges == {(anna.bare, room), (room, bob.bare), (room, carol.bare), (bob.bare, server.jid("dave"))}, f"the tree: {edges}")
        carol.expect(name="message", pred=lambda m: takes_back(m, id_of(got)))
    tap.run("the tree of what spreads through a room names who was in it", readers)

    def again():
        k = Case(server)
        anna.message(room, k.text, type="groupchat", id="g3")
        got = bob.expect(name="message", id="g3")
        k.purge(id_of(got))
        k.told()
        for c in (anna, bob, carol):
            c.close()
        server.stop()
        server.start()
        dave = Client(server, "dave", resource="room").login(presence=True)
        join(dave, room, "Da")
        dave.settle()
        check(not any(k.word in text_whole(e) for e in dave.inbox), "after a restart newcomers are shown it")
        dave.close()
    tap.run("after a restart the room's history has it no more", again)

    def whisper():
        k = Case(server)
        a, b = (Client(server, u, resource="w").login(presence=True) for u in ("anna", "bob"))
        join(a, room, "An")
        a.iq("set", f"<query xmlns='{owner}'><x xmlns='jabber:x:data' type='submit'/></query>", to=room)
        join(b, room, "Bo")
        a.send(f"<message to='{room}/Bo' type='chat' id='w1'><body>{k.text}</body><x xmlns='{MUC}#user'/></message>")
        got = b.expect(name="message", id="w1")
        k.purge(id_of(got))
        back = b.expect(name="message", pred=lambda e: takes_back(e, "w1"))
        check(back.get("from") == f"{room}/An", f"it comes from the one who wrote, as he is known there: {back.get('from')}")
        for c in (a, b):
            check(not any(k.word in t for t in archive(c)), f"{c.user} still has it")
            c.close()
    tap.run("a private message in a room is taken back without saying who wrote it", whisper)


def takes_back_text(text, given):
    return any(x.get("id") == given for x in ET.fromstring(text).iter(f"{{{RETRACT}}}retract"))


def exposures(tap, server):
    anna, bob, carol = (Client(server, u, resource="x").login(presence=True) for u in ("anna", "bob", "carol"))

    def read():
        k = Case(server)
        for c in (bob, carol):
            anna.message(c.bare, k.text, id=f"x-{c.user}", extra=f"<markable xmlns='{MARKERS}'/>")
        got = [c.expect(name="message", id=f"x-{c.user}") for c in (bob, carol)]
        bob.send(f"<message to='{anna.bare}' type='chat' id='m1'><displayed xmlns='{MARKERS}' id='x-bob'/></message>")
        anna.expect(name="message", id="m1")
        r = carol.iq("set", "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
                     f"<publish node='{MDS}'><item id='{anna.bare}'><displayed xmlns='{MDS}'><stanza-id xmlns='{SID}' by='{carol.bare}' id='{id_of(got[1])}'/>"
                     "</displayed></item></publish></pubsub>")
        check(r.get("type") == "result", text_of(r))
        dave = Client(server, "dave", resource="x").login(presence=True)
        bob.message(dave.bare, k.text, id="x-dave")
        dave.expect(name="message", id="x-dave")
        r = k.purge(id_of(got[0]))
        e = r["exposures"]
        check(set(e) == {bob.bare, carol.bare, dave.bare}, f"{e}")
        check("read" in e[bob.bare] and "passed_on" in e[bob.bare], f"bob has read it and sent it on: {e[bob.bare]}")
        check("read" in e[carol.bare] and "passed_on" not in e[carol.bare], f"carol has read it: {e[carol.bare]}")
        check("read" not in e[dave.bare], f"dave has not said so: {e[dave.bare]}")
        edges = {(t["from"], t["to"]) for t in r["tree"]}
        check(edges == {(anna.bare, bob.bare), (anna.bare, carol.bare), (bob.bare, dave.bare)}, f"the tree: {edges}")
        shown = server.cli("outbreak", "show", r["fingerprint"])
        check("read" in shown and "passed it on" in shown and dave.bare in shown, shown)
        dave.close()
    tap.run("who received it, who read it (0333, 0490), who passed it on", read)
    for c in (anna, bob, carol):
        c.close()


def component(tap, server):
    anna = Client(server, "anna", resource="c").login(presence=True)

    def away():
        k = Case(server)
        c = Component(server, IRC).login()
        anna.message(f"zoe@{IRC}", k.text, id="c1")
        c.expect(name="message", id="c1")
        time.sleep(2.5)		# what went out so long ago has arrived
        c.cut()
        anna.settle()
        anna.message(f"yan@{IRC}", k.text, id="c2")
        anna.message(f"yan@{IRC}", "harmless", id="c3")
        anna.settle()
        found = [t for t in archive(anna) if k.word in t]
        check(len(found) == 2, f"{found}")
        r = k.purge(ids_in(found[0]))
        check(r["purged"] == 2, f"{r}")
        k.told()
        c = Component(server, IRC).login()
        c.expect(name="message", id="c3", keep=True)
        back = c.expect(name="message", pred=lambda e: takes_back(e, "c1"), keep=True)
        check(back.get("from").split("/")[0] == anna.bare and back.get("to") == f"zoe@{IRC}", text_of(back))
        check(not any(k.word in text_whole(e) for e in c.inbox), "what waited for the component has reached it")
        check(not any(takes_back(e, "c2") for e in c.inbox), "what never left is taken back from nobody")
        c.close()
    tap.run("what waits for a component does not reach it; what it has is taken back", away)
    anna.close()


def killed(tap, server):
    names = [f"u{i}" for i in range(24)]
    server.add_users(names)

    def midway():
        k = Case(server)
        anna = Client(server, "anna", resource="kk").login(presence=True)
        for i in range(8):
            for n in names:
                anna.message(server.jid(n), f"{k.text}", id=f"k-{n}-{i}")
            anna.settle()
        found = [t for t in archive(anna) if k.word in t]
        check(len(found) == 8 * len(names), f"{len(found)} were sent")
        anna.close()
        first = ids_in(found[0])
        purge = subprocess.Popen([program("wardroom"), "--dir", server.dir, "purge", "--like", first, "--json"], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        times = 0
        until(lambda: [p for p in server.json("purge", "list")["purges"] if p["value"] == first], 10, "it has begun", step=0)
        server.kill9()
        purge.wait()
        server.start()
        for _ in range(3):	# and again, while it goes on
            time.sleep(0.05 * times)
            times += 1
            server.kill9()
            server.start()
        rows = k.told()
        row = [r for r in rows if r["value"] == first][0]
        check(row["purged"] == len(found), f"{row}")
        for n in names:
            c = Client(server, n, resource="z").login(presence=True)
            for i in range(8):
                c.expect(name="message", pred=lambda e: takes_back(e, f"k-{n}-{i}"), keep=True, timeout=10)
            check(not any(k.word in text_whole(e) for e in c.inbox), f"{n} has got it")
            check(not any(k.word in t for t in archive(c)), f"{n} still finds it")
            c.close()
        anna = Client(server, "anna", resource="kk").login(presence=True)
        check(not any(k.word in t for t in archive(anna)), "its author still finds it")
        anna.close()
    tap.run("killed in the middle, three times: everybody is told, nothing is left", midway)

    def without():
        k = Case(server)
        anna, bob = Client(server, "anna", resource="n").login(presence=True), Client(server, "bob", resource="n").login(presence=True)
        anna.message(bob.bare, k.text, id="n1")
        got = bob.expect(name="message", id="n1")
        for c in (anna, bob):
            c.close()
        server.stop()
        r = k.purge(id_of(got))
        check(r["purged"] == 1, f"{r}")
        server.start()
        bob = Client(server, "bob", resource="n").login(presence=True)
        bob.expect(name="message", pred=lambda e: takes_back(e, "n1"), keep=True)
        check(not any(k.word in t for t in archive(bob)), "it is still there")
        bob.close()
    tap.run("purged while no server runs: the next one tells", without)


def files(tap):
    with Instance(users=["anna", "bob", "carol"], https=True, extra="upload:\n  max_bytes: 1MiB\n") as server:
        anna, bob = (Client(server, u, resource="f").login(presence=True) for u in ("anna", "bob"))

        def revoked():
            k = Case(server)
            url, status, answer = upload(anna, "minutes.txt", b"the minutes of the meeting, nothing else\n")
            check(status == 201, f"PUT {status} {answer}")
            until(lambda: get(server, url)[0] == 200, 20, "it is served")
            other, status, answer = upload(anna, "other.txt", b"another file that nobody has said anything about\n")
            anna.message(bob.bare, f"{k.text} {url}", id="u1")
            got = bob.expect(name="message", id="u1", timeout=20)
            check(url in body_of(got), text_of(got))
            anna.message(bob.bare, f"{k.text} {url.replace('https://example', 'HTTPS://EXAMPLE')}", id="u2")
            bob.expect(name="message", id="u2", timeout=20)
            r = json.loads(server.cli("purge", "--link", url, "--json"))
            check(r["purged"] == 2 and r["files"] == 1, f"{r}")
            check(set(r["exposures"]) == {bob.bare}, f"{r['exposures']}")
            bob.expect(name="message", pred=lambda e: takes_back(e, "u1"))
            until(lambda: get(server, url)[0] in (403, 404, 410, 451), 5, "its link is dead")
            check(get(server, other)[0] == 200, "another file is not served any more")
        tap.run("by a link: the file of ours that it leads to is revoked, others are not", revoked)
        for c in (anna, bob):
            c.close()
        server.assert_healthy()


def federated(tap):
    top = tempfile.mkdtemp(prefix="wardroom-purge-")
    ca, zone = Authority(os.path.join(top, "ca")), Zone()
    cert = ca.issue(THEIRS)
    listener = PeerListener(THEIRS, OURS, cert)
    zone.host(THEIRS, listener.port)
    server = Federated(ca, zone)
    ann = Client(server, "ann", resource="f").login(presence=True)

    def out():
        k = Case(server)
        ann.message(f"zoe@{THEIRS}", k.text, id="f1")
        p = listener.opened()
        p.stanza_in("message")
        r = k.purge(ids_in([t for t in archive(ann) if k.word in t][0]))
        check(r["purged"] == 1, f"{r}")
        back = p.stanza_in("message")
        check(takes_back(back, "f1") and back.get("from").split("/")[0] == ann.bare and back.get("to") == f"zoe@{THEIRS}", text_of(back))
        p.close()
    tap.run("another server that has it is told by a retraction", out)

    def waits():
        k = Case(server)
        away = PeerListener("later.test", OURS, ca.issue("later.test"))
        zone.host("later.test", away.port)
        away.close()
        ann.message("zoe@later.test", k.text, id="f2")
        ann.message("zoe@later.test", "harmless", id="f3")
        ann.settle()
        r = k.purge(ids_in([t for t in archive(ann) if k.word in t][0]))
        check(r["purged"] == 1, f"{r}")
        k.told()
        server.kill9()	# nor does the store send it at the next start
        server.start()
        later = PeerListener("later.test", OURS, away.cert, port=away.port)
        p = later.opened(timeout=30)
        first = p.stanza_in("message", timeout=20)
        check(first.findtext(q(SERVER, "body")) == "harmless", f"what waited has left: {text_of(first)}")
        p.settle()
        check(not any(k.word in text_whole(e) for e in p.inbox), "what waited has left")
        p.close()
        later.close()
    tap.run("what waits for another server does not leave", waits)

    def inwards():
        k = Case(server)
        bob = Client(server, "bob", resource="f").login(presence=True)
        p = Peer(THEIRS, Target(OURS, server.s2s_port), cert).trusted()
        p.send(f"<message from='zoe@{THEIRS}/x' to='{bob.bare}' type='chat' id='f4'><body>{k.text}</body></message>")
        got = bob.expect(name="message", id="f4")
        k.purge(id_of(got))
        back = bob.expect(name="message", pred=lambda e: takes_back(e, "f4"))
        check(back.get("from") == f"zoe@{THEIRS}", f"in the name of who sent it: {back.get('from')}")
        check(not any(k.word in t for t in archive(bob)), "still in the archive")
        p.close()
        bob.close()
    tap.run("what came from another server is taken back from our own people", inwards)
    ann.close()
    server.assert_healthy()
    server.close()
    listener.close()
    zone.close()
    shutil.rmtree(top, ignore_errors=True)


def main():
    tap = Tap("purge to everybody")
    with Instance(users=["anna", "bob", "carol", "dave"], component=True, strangers="allow",
                  extra=components_text({"domain": IRC})) as server:
        live(tap, server)
        rooms(tap, server)
        exposures(tap, server)
        component(tap, server)
        killed(tap, server)
        server.assert_healthy()
    files(tap)
    federated(tap)
    return tap.end()



if __name__ == "__main__":
    sys.exit(main())
