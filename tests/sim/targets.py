#!/usr/bin/env python3
"""What a worm reaches, in numbers that may not be exceeded: every shape on record, in a firm of 500 and among the people of the
CollegeMsg trace, with clickers at once of probability 0.3 and 1.0, beside honest messages.

At most 1 % newly infected by a burst and 2 % by any other shape, at most three copies out of one sender, no honest account frozen,
at most one honest message in 10,000 delayed, and none for a minute. Prints the table of docs/detection.md.

targets.py [SEEDS]; without ../shared/data (WARDROOM_SHARED) the firm alone, with texts of our own.
"""
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from wardroom_test import Tap, check, program  # noqa: E402

SHARED = os.environ.get("WARDROOM_SHARED") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared")
CLICKS = ("1.0", "0.3")
SPAM = "Freenode is closing down"	# a campaign among the recorded chat; the guard is right to hold it


def unpack(top, name, column, wanted):
    """One column of a packed table, as lines; None where the data is not here."""
    path = os.path.join(SHARED, "data", name)
    if not os.path.exists(path):
        return None
    out = os.path.join(top, os.path.basename(name).split(".")[0] + ".txt")
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", errors="replace") as f, open(out, "w", encoding="utf-8") as to:
        for row in csv.reader(f, delimiter="\t", quoting=csv.QUOTE_NONE):
            text = "\t".join(row) if column is None else row[column] if len(row) > column else ""
            if wanted in text and SPAM not in text:
                to.write(text + "\n")
    return out


class Worlds:
    def __init__(self, top, seeds):
        self.seeds = seeds
        self.trace = unpack(top, "traces/collegemsg.dev.tsv.gz", None, "")
        self.texts = unpack(top, "ham/ham-workchat.dev.tsv.gz", 3, "")
        self.lures = unpack(top, "im-worms/lures.dev.tsv", 6, "{url}")

    def run(self, where, click):
        args = [program("wardroom"), "simulate", "--worm", "all", "--click", click, "--seeds", str(self.seeds), "--json"]
        for name, path in (("--texts", self.texts), ("--lures", self.lures), ("--trace", self.trace if where == "college" else None)):
            args += [name, path] if path else []
        p = subprocess.run(args, capture_output=True, text=True, timeout=300)
        check(p.returncode == 0, f"{args}: {p.stderr}")
        return json.loads(p.stdout)


def most(worm, key):
    return max(r[key] for r in worm["runs"])


def total(worm, key):
    return sum(r[key] for r in worm["runs"])


def row(worm):
    delay = most(worm, "longest_delay_s")
    return (f"{worm['worm']:<18} {worm['most_infected']:>8} {worm['target']:>6} {most(worm, 'copies_of_a_sender'):>6} {most(worm, 'frozen'):>6} "
            f"{most(worm, 'contained_s'):>10.1f} | {total(worm, 'honest_messages'):>8} {total(worm, 'honest_held'):>5} {delay:>6.1f} {total(worm, 'honest_frozen'):>6}")


def judge(worlds, where, click):
    seen = worlds.run(where, click)
    print(f"# {where}: {seen['accounts']} accounts, clickers at once with probability {click}, {worlds.seeds} runs each: the most of all runs")
    print(f"# {'shape':<18} {'infected':>8} {'target':>6} {'copies':>6} {'frozen':>6} {'last out s':>10} | {'honest':>8} {'held':>5} {'wait s':>6} {'frozen':>6}")
    for worm in seen["worms"]:
        print("# " + row(worm))
    missed = [w["worm"] for w in seen["worms"] if w["missed"]]
    held, honest = sum(total(w, "honest_held") for w in seen["worms"]), sum(total(w, "honest_messages") for w in seen["worms"])
    print(f"# {seen['messages']} messages in {seen['cpu_s']:.1f} s of CPU: {seen['messages'] / max(seen['cpu_s'], 0.01):.0f} a second; "
          f"{held} of {honest} honest ones held")
    check(not missed, f"the target is missed by {', '.join(missed)}")


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    tap = Tap("worm targets")
    with tempfile.TemporaryDirectory() as top:
        worlds = Worlds(top, seeds)
        for where in ("firm", "college") if worlds.trace else ("firm",):
            for click in CLICKS:
                tap.run(f"{where}, clickers of probability {click}: every shape stays within its target", lambda w=where, c=click: judge(worlds, w, c))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
