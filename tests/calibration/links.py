#!/usr/bin/env python3
"""What the links inspector finds on real links, and how often it alarms falsely: judged by the real `wardroom inspect`.

Measured on the fifth of the registered domains that the model in src/inspect/lexical_model.c was not trained on
(links_train.c deals them the same way). --write puts the table into docs/detection.md.
"""
import collections
import gzip
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from wardroom_test import ROOT, SHARED, Tap, check, program, skip_all  # noqa: E402

DATA = os.path.join(SHARED, "data", "urls", "urls.dev.tsv.gz")
DOC = os.path.join(ROOT, "docs", "detection.md")
BEGIN, END = "<!-- links: begin -->", "<!-- links: end -->"
PARTS = 5
FLAG_AT = 60	# decisions.flag_at of a new instance
# label, kind, source -> at least so many per cent are to be found
LEAST = {("phish", "host", "discord-phishing-links"): 80, ("phish", "host", "dogino-discord"): 55,
         ("phish", "host", "polkadot-phishing"): 50, ("malware", "url", "urlhaus"): 12}
NOISY = ("hannousse2021",)	# many of its "harmless" pages imitate a sign-in


def part_of(domain):
    h = 2166136261
    for c in domain.encode():
        h = ((h ^ c) * 16777619) & 0xffffffff
    h ^= h >> 16
    h = (h * 0x7feb352d) & 0xffffffff
    return (h ^ (h >> 15)) % PARTS


def rows():
    with gzip.open(DATA, "rt", encoding="utf-8") as f:
        next(f)
        for line in f:
            label, kind, source, _, domain, url = line.rstrip("\n").split("\t")
            if part_of(domain) == 0:
                yield label, kind, source, url if "://" in url else f"http://{url}" + ("/" if kind == "host" else "")


def judge(all_rows):
    """Everyone writes to somebody else, days apart: nothing spreads, only the link speaks."""
    lines = "\n".join(json.dumps({"from": f"u{i}@example.org", "to": f"v{i}@example.org", "known": True, "ts": 1e9 + i * 200000, "body": r[3]})
                      for i, r in enumerate(all_rows))
    out = subprocess.run([program("wardroom"), "inspect"], input=lines, capture_output=True, text=True, timeout=300, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def measure():
    all_rows = list(rows())
    count = collections.defaultdict(lambda: [0, 0, collections.Counter()])
    for (label, kind, source, _), said in zip(all_rows, judge(all_rows), strict=True):
        c = count[(label, kind, source)]
        c[0] += 1
        found = [f for f in said["findings"] if f["inspector"] == "links"]	# what others see in it is measured elsewhere
        if sum(f["weight"] for f in found) >= FLAG_AT:
            c[1] += 1
            c[2].update({f["name"] for f in found})
    return count


def per_cent(n, of):
    return f"{100 * n / of:.2f}" if of else "-"


def table(count):
    lines = ["| links | kind | source | number | flagged or held, % | by |", "|---|---|---|---|---|---|"]
    for key in sorted(count, key=lambda k: (k[0] == "benign", k)):
        n, hit, why = count[key]
        names = ", ".join(f"{name} {c}" for name, c in sorted(why.items(), key=lambda x: (-x[1], x[0]))[:3])
        lines.append(f"| {key[0]} | {key[1]} | {key[2]} | {n} | {per_cent(hit, n)} | {names or '-'} |")
    return "\n".join(lines)


def harmless(count, kind=None):
    keys = [k for k in count if k[0] == "benign" and (kind is None or k[1] == kind) and k[2] not in NOISY]
    return sum(count[k][1] for k in keys), sum(count[k][0] for k in keys)


def section(count):
    bad, hosts = harmless(count, "host")
    worse, links = harmless(count, "url")
    return (f"{BEGIN}\n## Links\n\nMade by `tests/calibration/links.py --write`. Each row is a message with one link, from a contact, judged with the policy of a\n"
            "new instance. Only registered domains that the spelling model was not trained on. `host`: a bare host name; `url`: with a path.\n"
            "Most hosts of `urlhaus` are honest sites that were broken into: nothing in their names tells, that is what feeds are for. Of\n"
            "`hannousse2021` many \"harmless\" pages are sign-ins that were gone when somebody looked; it is left out of the sums below.\n\n"
            f"{table(count)}\n\nFalse alarms: {bad} of {hosts} harmless hosts ({per_cent(bad, hosts)} %), {worse} of {links} harmless links with a path "
            f"({per_cent(worse, links)} %).\n{END}\n")


def stored():
    with open(DOC, encoding="utf-8") as f:
        text = f.read()
    return text, text.find(BEGIN), text.find(END)


def write(new):
    if not os.path.exists(DOC):
        with open(DOC, "w", encoding="utf-8") as f:
            f.write("# How much is found, and how often it is a false alarm\n\nMeasured by the programs in tests/calibration on real data; each section is written by its own.\n\n")
    text, a, b = stored()
    text = text + "\n" + new if a < 0 else text[:a] + new + text[b + len(END) + 1:]
    with open(DOC, "w", encoding="utf-8") as f:
        f.write(text)


def main():
    if not os.path.exists(DATA):
        skip_all("the data of ../shared are not here")
    count = measure()
    if "--write" in sys.argv:
        write(section(count))
        print(table(count))
        return 0
    tap = Tap("calibration of links")
    for line in table(count).splitlines():
        print("#", line)

    def false_alarms():
        bad, n = harmless(count, "host")
        check(bad <= n * 0.001 + 1, f"{bad} of {n} harmless hosts")
        bad, n = harmless(count)
        check(bad <= n * 0.002 + 1, f"{bad} of {n} harmless links")
    tap.run("t5-links: at most one in a thousand harmless hosts is flagged", false_alarms)

    def chat():
        keys = [k for k in count if k[2].startswith("chat-")]
        bad, n = sum(count[k][1] for k in keys), sum(count[k][0] for k in keys)
        check(bad <= n * 0.003, f"{bad} of {n}")
    tap.run("t5-links: what people link to at work is not flagged", chat)
    for key, least in LEAST.items():
        def found(key=key, least=least):
            n, hit, _ = count[key]
            check(n and 100 * hit / n >= least, f"{per_cent(hit, n)} % of {n}")
        tap.run(f"t5-links: of {key[2]} ({key[1]}) at least {least} % are found", found)

    def told():
        text, a, b = stored()
        check(a >= 0 and text[a:b + len(END) + 1] == section(count), "docs/detection.md is not of this run: tests/calibration/links.py --write")
    tap.run("t5-links: docs/detection.md says what this run has measured", told)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
