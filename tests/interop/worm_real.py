#!/usr/bin/env python3
"""A worm among real sessions: 30 colleagues, everybody in everybody's roster. One account sends a lure of ../shared/data/im-worms
to all contacts; who gets it "clicks" and sends it on at once. At most three copies of a sender arrive, at most three
accounts become infected, patient zero is named, the tree and the exposures are listed; a released message arrives
with its original time and id."""
import os
import random
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from rawxmpp import CLIENT, DELAY, SID, Client, body_of, check, pump_all, q, text_of  # noqa: E402
from wardroom_test import SHARED, Instance, Tap, one_line, skip_all, until  # noqa: E402

PEOPLE = 30
NAMES = ["alena", "bohumil", "cyril", "dana", "emil", "franta", "gita", "honza", "ivana", "jana"]


def lures():
    path = os.path.join(SHARED, "data", "im-worms", "lures.dev.tsv")
    if not os.path.exists(path):
        skip_all("../shared/data/im-worms is not here")
    with open(path, encoding="utf-8") as f:
        head = f.readline().rstrip("\n").split("\t")
        rows = [dict(zip(head, line.rstrip("\n").split("\t"))) for line in f]
    return [r["lure_text"] for r in rows if r["delivery"] == "link" and "{url}" in r["lure_text"]]


def fill(lure, url, name, n):
    text = lure.replace("{url}", url)
    return text.replace("{name}", name).replace("{n}", str(n))


def variant(kind, lure, rng, n):
    """The n-th copy of a lure."""
    name = rng.choice(NAMES) if kind == "names and digits" else "friend"
    if kind == "fixed" or kind == "one every 2 s":
        return fill(lure, "http://photo-share.example/view?id=7", "friend", 7)
    if kind == "names and digits":
        return f"{name}, {fill(lure, 'http://photo-share.example/view?id=%d' % rng.randrange(10 ** 6), name, rng.randrange(100))} {rng.randrange(1000)}"
    return fill(lure, f"http://photo-share.test/{rng.randrange(16 ** 6):06x}/{rng.choice(NAMES)}.html", "friend", 7)


class Outbreak:
    def __init__(self, server, kind, lure, seed, pause):
        self.server, self.kind, self.lure, self.pause = server, kind, lure, pause
        self.rng = random.Random(seed)
        self.people = {}
        self.infected, self.arrived, self.copies = [], {}, 0

    def log_in(self):
        for i in range(PEOPLE):
            c = Client(self.server, f"p{i}", resource="desk").login(presence=True)
            self.people[c.bare] = c
        jids = list(self.people)
        # mutual contacts: everybody asks everybody, everybody agrees
        for a in jids:
            self.people[a].send("".join(f"<presence type='subscribe' to='{b}'/>" for b in jids if b != a))
        for c in self.people.values():
            c.settle()
        for a in jids:
            self.people[a].send("".join(f"<presence type='subscribed' to='{b}'/>" for b in jids if b != a))
        for c in self.people.values():
            c.settle()
        for c in self.people.values():
            c.settle().clear()

    def is_lure(self, e):
        body = body_of(e) or ""
        return e.tag == q(CLIENT, "message") and "photo-share." in body and not (e.get("from") or "").startswith("guard@")

    def spread(self):
        """Everybody who gets a lure sends it to all contacts, once; until nothing moves."""
        jids = list(self.people)
        todo = [jids[0]]
        self.zero = jids[0]
        quiet = 0
        while todo or quiet < 3:
            if todo:
                quiet = 0
                sender = todo.pop(0)
                self.infected.append(sender)
                targets = [j for j in jids if j != sender]
                self.rng.shuffle(targets)
                if self.pause:
                    targets = targets[:8]
                for j in targets:
                    self.copies += 1
                    self.people[sender].message(j, variant(self.kind, self.lure, self.rng, self.copies), id=f"w-{self.copies}")
                    if self.pause:
                        time.sleep(self.pause)
                self.people[sender].settle()
            else:
                quiet += 1
            pump_all(self.people.values(), 0.05)
            for j, c in self.people.items():
                for e in [e for e in c.inbox if self.is_lure(e)]:
                    c.inbox.remove(e)
                    if e.get("type") == "error":
                        continue
                    frm = e.get("from").split("/")[0]
                    self.arrived.setdefault(frm, []).append((j, e.get("id"), e))
                    if j not in self.infected and j not in todo:
                        todo.append(j)

    def close(self):
        for c in self.people.values():
            c.close()


def words_of(value):
    return one_line(value, 300)


def list_in(value):
    """The list in a JSON answer, whatever the name of its key."""
    if isinstance(value, list):
        return value
    return next((v for v in value.values() if isinstance(v, list)), [])


def find(value, key_part):
    """All values in a JSON tree whose key contains that part."""
    out = []
    if isinstance(value, dict):
        for k, v in value.items():
            if key_part in k.lower():
                out.append(v)
            out += find(v, key_part)
    elif isinstance(value, list):
        for v in value:
            out += find(v, key_part)
    return out


def one(tap, kind, lure, seed, pause=0):
    with Instance(users=[f"p{i}" for i in range(PEOPLE)]) as server:
        o = Outbreak(server, kind, lure, seed, pause)

        def case():
            o.log_in()
            o.spread()
            server.assert_healthy()
            new = len(o.infected) - 1
            most = max((len(v) for v in o.arrived.values()), default=0)
            print(f"# {kind}: {o.copies} copies sent, {sum(map(len, o.arrived.values()))} arrived, at most {most} of one sender; {new} newly infected")
            check(most <= 3, f"{most} copies of one sender arrived: {[(k, len(v)) for k, v in o.arrived.items()]}")
            check(new <= 3, f"{new} accounts were newly infected")
        if tap.run(f"{kind}: at most 3 copies a sender, at most 3 newly infected", case) is None:
            return

        def told():
            c = o.people[o.zero]
            c.settle()
            notes = [body_of(e) for e in c.inbox if (e.get("from") or "").startswith("guard@")]
            check(notes and all(notes), f"the bot has not spoken to the sender: {[text_of(e) for e in c.inbox[:3]]}")
        tap.run(f"{kind}: the sender is told by the bot", told)

        def named():
            found = list_in(server.json("outbreak", "list"))
            check(len(found) >= 1, "no outbreak is listed")
            b = found[0]
            check(o.zero in str(b), f"patient zero ({o.zero}) is not named: {words_of(b)}")
            zero = find(b, "zero")
            check(not zero or o.zero in str(zero[0]), f"another patient zero: {zero}")
            ident = next((str(b[k]) for k in ("id", "outbreak", "fingerprint") if k in b), None)
            check(ident, f"no id: {words_of(b)}")
            tree = server.json("outbreak", "show", ident)
            text = str(tree)
            for infected in o.infected:
                check(infected in text, f"{infected} is not in the tree: {words_of(text)}")
            exposed = {j for rows in o.arrived.values() for j, _, _ in rows}
            missing = [j for j in exposed if j not in text]
            check(not missing, f"exposed, but not listed: {missing}: {words_of(text)}")
            plain = server.cli("outbreak", "show", ident)
            check(o.zero in plain, f"the text of outbreak show does not name patient zero: {words_of(plain)}")
        tap.run(f"{kind}: patient zero, the tree and the exposures are listed", named)

        def held():
            rows = list_in(server.json("held", "list"))
            arrived = sum(map(len, o.arrived.values()))
            check(len(rows) >= 1, "nothing is held")
            check(len(rows) + arrived <= o.copies, f"{len(rows)} held + {arrived} arrived of {o.copies} sent")
            row = rows[0]
            ident = next(str(row[k]) for k in ("id", "held", "item") if k in row)
            shown = server.json("held", "show", ident)
            check("photo-share" in str(shown) or "to" in str(shown), words_of(shown))
            to = next((v for v in find(shown, "to") + find(row, "to") if isinstance(v, str) and "@" in v), None)
            check(to, f"no recipient: {words_of(shown)}")
            to = to.split("/")[0]
            c = o.people.get(to)
            check(c is not None, f"recipient {to}")
            c.settle().clear()
            time.sleep(1.1)	# so that the original time differs from now
            before = time.time()
            server.cli("held", "release", ident)
            m = c.expect(lambda e: o.is_lure(e) and e.get("type") != "error", what="the released message", timeout=10)
            check(re.match(r"w-\d+$", m.get("id") or ""), f"its id: {m.get('id')}")
            d = m.find(q(DELAY, "delay"))
            check(d is not None, f"no original time: {text_of(m)}")
            stamp = time.mktime(time.strptime(d.get("stamp")[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
            check(stamp < before - 0.5, f"its time is {d.get('stamp')}, that of the release")
            check(m.find(q(SID, "stanza-id")) is not None, "no stanza-id")
            rest = [str(r.get("id")) for r in list_in(server.json("held", "list"))]
            check(ident not in rest or any("released" in str(r) for r in list_in(server.json("held", "list"))), "still held")
            if len(rest) > 1:
                other = next(r for r in rest if r != ident)
                server.cli("held", "reject", other)
            p = server.cli_run("held", "release", "no-such-item")
            check(p.returncode != 0 and p.stderr.strip(), f"releasing what is not there: {p.returncode}")
        tap.run(f"{kind}: held messages are listed; a released one arrives with its time and id", held)

        def why():
            mid = None
            for rows in o.arrived.values():
                for _, _, e in rows:
                    s = e.find(q(SID, "stanza-id"))
                    mid = s.get("id") if s is not None else None
            check(mid, "no stanza-id on what arrived")
            text = server.cli("why", mid)
            check(text.strip(), "nothing")
        tap.run(f"{kind}: why answers for a delivered message", why)

        def audit():
            server.cli("audit", "verify")
            text = str(server.json("audit", "list"))
            check("held" in text or "hold" in text, f"nothing of held messages in the audit log: {words_of(text[-500:])}")
        tap.run(f"{kind}: the audit log has it and verifies", audit)
        o.close()
        tap.run(f"{kind}: the server is well", server.assert_healthy)


def honest(tap):
    """Honest talk, a meeting link of the firm, an article passed from A to B to C: nothing is held."""
    with Instance(users=[f"p{i}" for i in range(12)]) as server:
        def case():
            people = [Client(server, f"p{i}").login(presence=True) for i in range(12)]
            n = 0
            for a in people:
                for b in people:
                    if a is not b:
                        a.message(b.bare, f"good morning {b.user}, lunch at noon?", id=f"h{n}")
                        n += 1
            article = "worth reading: https://news.example/2026/11/article-17"
            for x, y in ((0, 1), (1, 2), (2, 3)):
                people[x].message(people[y].bare, article, id=f"h{n}")
                n += 1
            for b in people[1:]:	# a link of the firm itself
                people[0].message(b.bare, f"the minutes: https://wiki.{server.domain}/minutes/7", id=f"h{n}")
                n += 1
            got = 0
            for c in people:
                c.settle()
            for c in people:
                c.settle()
                got += sum(1 for e in c.inbox if (e.get("id") or "").startswith("h") and e.get("type") != "error")
            check(got == n, f"{n} sent, {got} arrived")
            check(not list_in(server.json("held", "list")), f"held: {words_of(server.cli('held', 'list'))}")
            check(not list_in(server.json("outbreak", "list")), "an outbreak is seen")
            for c in people:
                c.close()
        tap.run("honest talk, a forwarded article and the firm's own links pass", case)


def frozen(tap):
    """A second trigger freezes the account; it can still write to the help desk."""
    with Instance(users=[f"p{i}" for i in range(30)] + ["desk"]) as server:
        def case():
            a = Client(server, "p0").login(presence=True)
            for wave, host in enumerate(("first-lure.example", "second-lure.test")):
                for n in range(1, 29):
                    a.message(server.jid(f"p{n}"), f"look at this http://{host}/p/{n}.exe", id=f"f{wave}-{n}")
                a.settle()

            def state():
                return "frozen" in server.cli("user", "show", server.jid("p0")).lower()
            until(state, 10, "the account is frozen")
            if a.eof:
                a = Client(server, "p0").login(presence=True)
            a.settle().clear()
            b = Client(server, "p1").login(presence=True)
            b.settle().clear()
            a.message(b.bare, "an ordinary word", id="fz")
            a.settle()
            b.none(lambda e: e.get("id") == "fz", "a frozen account's message arrived")
            a.clear()
            a.message(f"helpdesk@{server.domain}", "please help me", id="hd")
            a.settle()
            check(not [e for e in a.inbox if e.get("id") == "hd" and e.get("type") == "error"], "the help desk cannot be reached")
            server.cli("user", "thaw", server.jid("p0"))
            until(lambda: not state(), 5, "thawed")
            a.message(b.bare, "after the thaw", id="thaw")
            b.expect(name="message", id="thaw")
        tap.run("a second trigger freezes the account, the help desk stays open, thaw works", case)


def main():
    tap = Tap("worm among real sessions")
    all_lures = lures()
    rng = random.Random(int(os.environ.get("WARDROOM_SEED", "1")))
    for kind, pause in (("fixed", 0), ("names and digits", 0), ("URL path", 0), ("one every 2 s", 2.0)):
        one(tap, kind, rng.choice(all_lures), rng.randrange(10 ** 6), pause)
    honest(tap)
    frozen(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
