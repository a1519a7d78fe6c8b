#!/usr/bin/env python3
"""Acknowledged means durable: the server is killed with SIGKILL at random moments under load, and nothing that it
had acknowledged is lost, doubled or out of order.

Clients with stream management send messages to one another, some to accounts that are never online. All processes
of the server are killed, it starts again, the clients resume their streams and send again what was not
acknowledged. In the end every archive and everything that arrived is judged (history.py).

WARDROOM_ROUNDS (default 50), WARDROOM_SEED.
"""
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from history import History, judge, self_test  # noqa: E402
from rawxmpp import CLIENT, FORWARD, MAM, RSM, SID, Client, body_of, check, child, pump_all, q, text_of  # noqa: E402
from wardroom_test import Failed, Tap, new_server  # noqa: E402

LIVE, AWAY = 12, 2


class Load:
    def __init__(self, server, rng, h):
        self.server, self.rng, self.h = server, rng, h
        self.names = [f"k{i}" for i in range(LIVE + AWAY)]
        self.live = self.names[:LIVE]
        self.numbers = dict.fromkeys(self.names, 0)
        self.clients = {}
        self.by_count = {n: {} for n in self.live}	# count of stream management -> id
        for n in self.names:
            h.received[n] = []
        for n in self.live:
            c = Client(server, n, resource="r").login(presence=True)
            c.sm_enable()
            self.clients[n] = c

    def say(self, name):
        c, h = self.clients[name], self.h
        away = self.rng.random() < 0.01	# few: the offline store has a limit
        to = self.rng.choice([n for n in (self.names[LIVE:] if away else self.live) if n != name])
        number = self.numbers[name]
        self.numbers[name] += 1
        id = f"m-{name}-{number}"
        h.sent[id] = (name, number, to)
        c.message(self.server.jid(to), h.body(id), id=id)
        self.by_count[name][c.sm_sent] = id
        if self.rng.random() < 0.2:
            c.sm_request()

    def collect(self, name):
        """Takes note of what has arrived and of what has been acknowledged."""
        c, h = self.clients[name], self.h
        for e in c.inbox:
            if e.tag == q(CLIENT, "message"):
                if e.get("type") == "error":
                    h.refused.add(e.get("id"))
                    continue
                sid = [s.get("id") for s in e.iter(q(SID, "stanza-id")) if s.get("by") == c.bare]
                h.received[name].append((e.get("id"), sid[0] if len(sid) == 1 else None))
        c.inbox.clear()
        counts = self.by_count[name]
        for n in [n for n in counts if n <= c.sm_acked]:
            h.acked.add(counts.pop(n))

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for _ in range(self.rng.randint(1, 12)):
                self.say(self.rng.choice(self.live))
            pump_all(self.clients.values(), 0)
            time.sleep(self.rng.choice((0, 0.002, 0.01)))

    def drain(self):
        """After the kill: what the kernel still holds has been said by the server."""
        for n, c in self.clients.items():
            c.wait_end(5)
            self.collect(n)

    def resume_all(self):
        order = list(self.live)
        self.rng.shuffle(order)
        for n in order:
            old = self.clients[n]
            c = Client(self.server, n).login(bind=False)
            check(c.resume(old), f"{n}: the stream could not be resumed: {text_of(c.sm_answer)}")
            self.clients[n] = c
            old.close()
            self.collect(n)

    def finish(self):
        for n, c in self.clients.items():
            c.sm_all_acked(20)
        for n, c in self.clients.items():
            c.settle()
            self.collect(n)
        for n in self.names[LIVE:]:
            c = Client(self.server, n, resource="r").login()
            c.send("<presence/>")
            while c.pump(1.0):	# what was kept for them comes when the store has read it
                pass
            self.clients[n] = c
            self.by_count[n] = {}
            self.collect(n)


def whole_archive(c):
    rows, after = [], ""
    while True:
        el = c.iq("set", f"<query xmlns='{MAM}' queryid='w'><set xmlns='{RSM}'><max>200</max>{after}</set></query>", timeout=20)
        check(el.get("type") == "result", text_of(el))
        page = [e for e in c.inbox if child(e, MAM, "result") is not None]
        for m in page:
            r = child(m, MAM, "result")
            inner = r.find(f"{q(FORWARD, 'forwarded')}/{q(CLIENT, 'message')}")
            rows.append((r.get("id"), inner.get("id"), body_of(inner)))
        c.inbox.clear()
        if el.find(q(MAM, "fin")).get("complete") == "true" or not page:
            return rows
        after = f"<after>{rows[-1][0]}</after>"


def main():
    tap = Tap("SIGKILL under load")
    for name, noticed in self_test():
        tap.ok(f"the judge: {name}", noticed, "not noticed")
    rounds = int(os.environ.get("WARDROOM_ROUNDS", "50"))
    seed = int(os.environ.get("WARDROOM_SEED", str(random.SystemRandom().randrange(10 ** 6))))
    print(f"# seed {seed}, {rounds} rounds", flush=True)
    h, rng = History(), random.Random(seed)
    with new_server(users=[f"k{i}" for i in range(LIVE + AWAY)]) as server:
        load = Load(server, rng, h)
        restarts = []

        def kill_rounds():
            for n in range(rounds):
                try:
                    load.run(rng.uniform(0.05, 0.6))
                    server.kill9()
                    load.drain()
                    t0 = time.monotonic()
                    server.start()
                    restarts.append(time.monotonic() - t0)
                    load.resume_all()
                except Failed as e:
                    raise Failed(f"round {n + 1}: {e}") from None
        tap.run(f"{rounds} kills, every stream is resumed", kill_rounds)
        tap.run("in the end everything is acknowledged", load.finish)

        def fetch():
            for n, c in load.clients.items():
                h.archive[n] = whole_archive(c)
        tap.run("every archive can be read", fetch)
        bad = judge(h)
        for v in bad[:10]:
            print(f"# {v}")
        tap.ok(f"nothing acknowledged is missing, doubled or out of order ({len(h.sent)} sent, {len(h.acked)} acknowledged, "
               f"{len(h.refused)} refused)", not bad, f"{len(bad)} violations, the first: {bad[0] if bad else ''}")
        tap.ok("enough was acknowledged to mean something", len(h.acked) > 20 * rounds, f"{len(h.acked)}")
        if restarts:
            print(f"# restarts: {1000 * sum(restarts) / len(restarts):.0f} ms on average, {1000 * max(restarts):.0f} at most")
        r = server.sanitizer_report()
        tap.ok("no sanitizer report", not r, r)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
