#!/usr/bin/env python3
"""docs/policy.md documents every key of policy.yaml and every finding: the tables between its marks are those of `wardroom policy keys`.

WARDROOM_GOLDEN=write writes them anew."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
from wardroom_test import ROOT, Tap, check, program	# noqa: E402

PATH = os.path.join(ROOT, "docs", "policy.md")
BEGIN, END = "<!-- wardroom policy keys -->\n", "<!-- end -->\n"


def tables():
    with open(PATH, encoding="utf-8") as f:
        text = f.read()
    check(text.count(BEGIN) == 1 and text.count(END) == 1, "docs/policy.md lost its marks")
    now = subprocess.run([program("wardroom"), "policy", "keys"], capture_output=True, text=True, check=True).stdout
    check(now.count("\n") > 40, "hardly any keys")
    before, rest = text.split(BEGIN)
    was, after = rest.split(END)
    if os.environ.get("WARDROOM_GOLDEN") == "write":
        with open(PATH, "w", encoding="utf-8") as f:
            f.write(before + BEGIN + now + END + after)
        was = now
    for a, b in zip(was.splitlines(), now.splitlines()):
        check(a == b, f"docs/policy.md has '{a}', the program says '{b}'; WARDROOM_GOLDEN=write tests/golden/policy.py writes it anew")
    check(was == now, "docs/policy.md has more or fewer lines than the program")


tap = Tap("policy documentation")
tap.run("docs/policy.md documents every key and every finding as the program knows them", tables)
sys.exit(tap.end())
