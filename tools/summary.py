#!/usr/bin/python3
"""summary.py BUILD...: what `meson test` has written there, counted.

A test program that tells its cases apart (TAP, cmocka) counts as so many. Prints the time of each suite, the names of
what failed and was skipped, then "N passed, N failed" alone on the last line.
"""
import collections
import json
import os
import re
import sys

CASES = (re.compile(r"^(ok|not ok) \d+(.*)$", re.M), re.compile(r"^\[\s+(OK|FAILED|SKIPPED)\s+\] (?!\d+ test)(.*)$", re.M))
passed = failed = skipped = 0
spent = collections.Counter()


def cases(text):
    """(good, skipped, name) of each case that the output names."""
    for verdict, name in CASES[0].findall(text) or CASES[1].findall(text):
        yield verdict in ("ok", "OK"), verdict == "SKIPPED" or "# SKIP" in name, name.strip(" -")


for build in sys.argv[1:]:
    path = os.path.join(build, "meson-logs", "testlog.json")
    if not os.path.exists(path):
        print(f"{build}: no tests have run")
        failed += 1
        continue
    with open(path, encoding="utf-8", errors="replace") as f:
        tests = [json.loads(line) for line in f]
    if not tests:
        print(f"{build}: no tests have run")
        failed += 1
    for t in tests:
        name, result = t["name"].split(" / ")[-1], t["result"]
        spent[f"{build} {name.split('/')[0]}"] += t["duration"]
        seen = list(cases(t.get("stdout") or ""))
        bad = [n for good, skip, n in seen if not good and not skip]
        skips = sum(1 for _, skip, _ in seen if skip)
        if result in ("OK", "EXPECTEDFAIL"):
            passed += max(1, len(seen) - skips)
            skipped += skips
        elif result == "SKIP":
            skipped += 1
            said = [x for x in (t.get("stdout") or "").splitlines() if "SKIP" in x][:1]
            print(f"skipped: {name} {said[0] if said else ''}")
        else:
            passed += sum(1 for good, skip, _ in seen if good and not skip)
            skipped += skips
            failed += max(1, len(bad))
            print(f"failed: {name} ({result.lower()}, {t['duration']:.0f} s) in {build}")
            for b in bad:
                print(f"    {b[:300]}")
for suite, seconds in sorted(spent.items()):
    print(f"{seconds:6.0f} s  {suite}")
if skipped:
    print(f"{skipped} skipped")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
