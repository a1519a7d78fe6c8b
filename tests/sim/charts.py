#!/usr/bin/env python3
"""`wardroom simulate --csv --svg`: the table and the picture say what the run says."""
import csv
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from wardroom_test import Tap, check, program	# noqa: E402

COLUMNS = ["worm", "seed", "seconds", "newly_infected", "copies_held"]


def simulate(folder, *args):
    paths = os.path.join(folder, "out.csv"), os.path.join(folder, "out.svg")
    p = subprocess.run([program("wardroom"), "simulate", "--graph", "firm:60", "--click", "1", "--hours", "2", *args, "--csv", paths[0], "--svg", paths[1]],
                       capture_output=True, text=True, timeout=100)
    check(p.returncode == 0, p.stderr)
    return p.stdout, *paths


def table(folder):
    out, path, _ = simulate(folder, "--worm", "burst", "--seeds", "2")
    with open(path, newline="") as f:
        rows = list(csv.DictReader(f))
    check(rows and list(rows[0]) == COLUMNS, rows[:1])
    check({r["worm"] for r in rows} == {"burst"} and len({r["seed"] for r in rows}) == 2, "not two runs of the shape")
    for seed in {r["seed"] for r in rows}:
        run = [r for r in rows if r["seed"] == seed]
        for key in ("seconds", "newly_infected", "copies_held"):
            values = [float(r[key]) for r in run]
            check(values == sorted(values) and values[0] >= 0, f"{key} falls: {values}")
    most = max(int(r["newly_infected"]) for r in rows)
    said = int(re.search(r"^burst\s+(\d+)", out, re.M).group(1))
    check(most == said, f"the table has {most} infected, the summary {said}")


def picture(folder):
    _, _, path = simulate(folder, "--worm", "all", "--seeds", "1")
    root = ET.parse(path).getroot()
    check(root.tag == "{http://www.w3.org/2000/svg}svg" and root.get("viewBox"), root.tag)
    text = "".join(root.itertext())
    for shape in ("burst", "drip", "wave", "federation"):
        check(shape in text, f"{shape} is not named")
    lines = list(root.iter("{http://www.w3.org/2000/svg}polyline")) + list(root.iter("{http://www.w3.org/2000/svg}path"))
    check(len(lines) >= 4, f"{len(lines)} lines")
    width, height = (float(x) for x in root.get("viewBox").split()[2:])
    for t in root.iter("{http://www.w3.org/2000/svg}text"):
        check(0 <= float(t.get("x")) <= width and 0 <= float(t.get("y")) <= height, f"'{t.text}' is outside of the picture")


def same(folder):
    def both():
        _, a, b = simulate(folder, "--worm", "names", "--seed", "7", "--seeds", "1")
        return open(a).read(), open(b).read()
    check(both() == both(), "one seed gives two pictures")


def main():
    tap = Tap("charts of the simulator")
    with tempfile.TemporaryDirectory() as folder:
        tap.run("the table has a row for what changed, rises, and ends with what the summary says", table, folder)
        tap.run("the picture is SVG, names the shapes, and holds all of its words", picture, folder)
        tap.run("one seed is one picture", same, folder)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
