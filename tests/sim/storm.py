#!/usr/bin/env python3
"""A presence storm on the simulated loop: many people with many contacts each come online within seconds. Nobody may lose
the connection, which is what a full queue would mean, and everybody must hear of everybody.

storm.py [USERS CONTACTS SECONDS]; WARDROOM_SEED repeats a run."""
import os
import random
import resource
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from rawxmpp import ROSTER  # noqa: E402
from wardroom_test import Tap, check  # noqa: E402
from xts_sim import Sim, SimClient  # noqa: E402

SLICE_MS = 50
MARGIN_MS = 500		# after the last one has come: a fraction of a second until all is delivered


class Counting(SimClient):
    """Once online it counts what it hears instead of reading it."""
    counts, rest, heard = False, b"", 0

    def arrived(self, data):
        if not self.counts:
            return super().arrived(data)
        self.rest += data
        self.heard += self.rest.count(b"<presence ")
        self.rest = self.rest[-9:]	# one byte less than what is counted
        return None


def main():
    users, contacts, seconds = (int(a) for a in sys.argv[1:]) if len(sys.argv) > 1 else (1000, 100, 10)
    seed = int(os.environ.get("WARDROOM_SEED") or random.SystemRandom().randrange(1, 2 ** 32))
    tap = Tap("presence storm")
    print(f"# seed {seed}: WARDROOM_SEED={seed} repeats it")
    names = [f"u{i}" for i in range(users)]
    half = contacts // 2
    sim = Sim(seed, names, contacts=[f"u{i} u {(i + users - half) % users} {contacts + 1} {users}" for i in range(users)])
    people = [Counting(sim, n, "storm") for n in names]

    def come():
        for c in people:
            c.login()
            c.counts = True
        order = people[:]
        random.Random(seed).shuffle(order)
        start, at = sim.now_ms, 0
        while sim.now_ms - start < seconds * 1000:
            due = (sim.now_ms - start + SLICE_MS) * users // (seconds * 1000)
            for c in order[at:due]:
                c.send(f"<iq type='get' id='r'><query xmlns='{ROSTER}'/></iq><presence/>")
            at = max(at, due)
            sim.ask(f"pass {SLICE_MS}")
        check(at >= users, f"only {at} have come")
        sim.ask(f"pass {MARGIN_MS}")
        lost = [c.user for c in people if c.eof]
        check(not lost, f"{len(lost)} lost the connection: {lost[:5]}")
        want = 1 + contacts		# oneself, and each contact once at least
        few = [(c.user, c.heard) for c in people if c.heard < want]
        check(not few, f"{len(few)} have not heard of all {want}, {MARGIN_MS} ms after the last came: {few[:5]}")
        print(f"# {sum(c.heard for c in people)} presences to {users} people; {(sim.now_ms - start) / 1000:g} s of virtual time")
    tap.run(f"{users} people with {contacts} contacts each come online within {seconds} s", come)
    tap.run("it ends in order", sim.close)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"# {spent.ru_utime + spent.ru_stime:.1f} s of CPU for the server and its simulated network")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
