#!/usr/bin/env python3
"""docs/protocol.md and `wardroom doap` are what the sources say of themselves. WARDROOM_GOLDEN_WRITE=1 writes the document anew."""
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from wardroom_test import ROOT, Tap, check, program  # noqa: E402

DOC = os.path.join(ROOT, "docs", "protocol.md")
DOAP, XMPP, RDF = "{http://usefulinc.com/ns/doap#}", "{https://linkmauve.fr/ns/xmpp-doap#}", "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


def output(name, *args):
    return subprocess.run([program(name), *args], capture_output=True, text=True, check=True).stdout


def main():
    tap = Tap("specifications")
    table = output("wardroom-specs", "markdown")
    if os.environ.get("WARDROOM_GOLDEN_WRITE"):
        with open(DOC, "w") as f:
            f.write(table)

    def document():
        with open(DOC) as f:
            check(f.read() == table, "docs/protocol.md is not current: WARDROOM_GOLDEN_WRITE=1 meson test -C build golden/specs writes it")
        check("| ? |" not in table, "a specification without a name: src/core/titles.def")
    tap.run("docs/protocol.md is made from the sources", document)

    def doap():
        text = output("wardroom", "doap")
        check(text == output("wardroom-specs", "doap"), "the command line prints something else")
        root = ET.fromstring(text)
        got = {}
        for s in root.iter(XMPP + "SupportedXep"):
            number = s.find(XMPP + "xep").get(RDF + "resource").rsplit("xep-", 1)[1][:4]
            check(number not in got, f"{number} twice")
            got[number] = s.findtext(XMPP + "version"), s.findtext(XMPP + "status")
        rows = {r.split(" | ")[0][2:]: r.split(" | ") for r in table.splitlines() if r.startswith("| ") and len(r.split(" | ")) == 5}
        rows.pop("XEP", None)
        check({k: (v[2], v[3]) for k, v in rows.items()} == got, f"the document and DOAP differ: {set(rows) ^ set(got)}")
        check(all(status in ("complete", "partial") for _, status in got.values()) and len(got) > 50, f"{len(got)}")
        for must in ("0030", "0045", "0050", "0060", "0077", "0133", "0198", "0280", "0313", "0424"):
            check(must in got, f"{must} is missing")
    tap.run("`wardroom doap` prints the same as DOAP", doap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
