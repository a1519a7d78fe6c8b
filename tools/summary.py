#!/usr/bin/python3
"""summary.py BUILD...: what `meson test` has written there, counted: names of what failed, then "N passed, N failed"."""
import json
import os
import sys

passed = failed = skipped = 0
for build in sys.argv[1:]:
    path = os.path.join(build, "meson-logs", "testlog.json")
    if not os.path.exists(path):
        print(f"{build}: no tests have run")
        failed += 1
        continue
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            t = json.loads(line)
            r = t["result"]
            if r in ("OK", "EXPECTEDFAIL"):
                passed += 1
            elif r == "SKIP":
                skipped += 1
                said = [x for x in t.get("stdout", "").splitlines() if "SKIP" in x][:1]
                print(f"skipped: {t['name']} {said[0] if said else ''}")
            else:
                failed += 1
                print(f"failed: {t['name']} ({r.lower()}, {t['duration']:.0f} s) in {build}")
if skipped:
    print(f"{skipped} skipped")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
