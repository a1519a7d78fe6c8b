#!/usr/bin/env python3
"""Every specification that docs/protocol.md lists has a protocol script, and every one that clients look for is listed or
refused for a reason (docs/decisions/0010-what-is-not-served.md)."""
import glob
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from wardroom_test import ROOT, Tap, check, program  # noqa: E402
from xts_script import Script  # noqa: E402

# What clients and servers of today look for; P0: without it people complain on the first day.
P0 = (4, 30, 45, 48, 49, 50, 54, 59, 60, 65, 77, 82, 84, 92, 114, 115, 124, 128, 133, 153, 156, 157, 160, 163, 178, 191, 198, 199, 202, 203, 206, 215, 220,
      222, 223, 237, 249, 280, 288, 297, 313, 334, 352, 357, 359, 363, 368, 384, 398, 402, 410, 411, 421, 440, 441)
P1 = (66, 100, 144, 158, 258, 317, 355, 356, 377, 379, 386, 388, 401, 424, 425, 445, 455, 474, 478, 480, 484, 486, 487, 489, 490, 494, 504, 515)
REFUSED = os.path.join(ROOT, "docs", "decisions", "0010-what-is-not-served.md")
REAL_MOST = 30		# scripts that the simulation does not run


def main():
    tap = Tap("scripts and specifications")
    table = subprocess.run([program("wardroom-specs"), "markdown"], capture_output=True, text=True, check=True).stdout
    xeps = {int(n) for n in re.findall(r"^\| (\d{4}) \| .* \| (?:complete|partial) \|", table, re.M)}
    rfcs = set(re.findall(r"^\| (\d{4}) \| [^|]+ \|$", table, re.M))
    scripts = [Script(f) for f in sorted(glob.glob(os.path.join(HERE, "*.xts")))]
    have = {s.name.split("-")[0] for s in scripts}

    def each():
        missing = [f"xep{n:04}" for n in sorted(xeps) if f"xep{n:04}" not in have] + [f"rfc{n}" for n in sorted(rfcs) if f"rfc{n}" not in have]
        check(len(xeps) > 80 and len(rfcs) > 5, f"the table was not read: {len(xeps)}, {len(rfcs)}")
        check(not missing, f"without a script in tests/xts: {', '.join(missing)}")
    tap.run("each specification of docs/protocol.md has a script", each)

    def wanted():
        with open(REFUSED) as f:
            refused = {int(n) for n in re.findall(r"^\| (\d{4}) ", f.read(), re.M)}
        lost = [f"{n:04}" for n in P0 + P1 if n not in xeps | refused]
        check(not lost, f"neither served nor refused for a reason: {', '.join(lost)}")
        check(not refused & xeps, f"refused and served: {refused & xeps}")
    tap.run("each specification that clients look for is served, or refused for a reason", wanted)

    def names():
        for s in scripts:
            kind, number = s.name[:3], s.name.split("-")[0][3:]
            check(f"{'XEP-' if kind == 'xep' else 'RFC '}{number}" in s.rule, f"{s.name}: its rule is of another document: {s.rule[:60]}")
    tap.run("the rule of a script is of the document that names it", names)

    def simulated():
        real = [s.name for s in scripts if s.only == "real"]
        check(len(real) <= REAL_MOST, f"{len(real)} scripts are for the real server only")
    tap.run("few scripts need the real server", simulated)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
