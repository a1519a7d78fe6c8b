#!/usr/bin/env python3
"""What the spim inspector finds in real texts, and how often it alarms falsely.

`wardroom train` is run as it was for the model that is shipped; every text is judged by a model that has seen nothing of its near-duplicates,
its worm's family or its community (a community's years are held out one after the other where there are many). Campaigns go
through `wardroom inspect`. --write puts the tables into docs/detection.md and docs/spim-model.md, and the model into conf/.
"""
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from wardroom_test import ROOT, SHARED, Tap, check, program, skip_all  # noqa: E402

DATA = os.path.join(SHARED, "data")
DATE = 20261124			# of the training that is shipped
SETS = ("text-labelled/labelled.dev.tsv.gz", "text-labelled/labelled-mt.dev.tsv.gz", "text-adversarial/adversarial.dev.tsv.gz",
        "ham/ham-workchat.dev.tsv.gz", "ham/ham-meetings.dev.tsv.gz", "ham/ham-dialog.dev.tsv.gz", "im-worms/lures.dev.tsv")
SEED = os.path.join(ROOT, "tests", "calibration", "spim-seed.tsv")
MODEL = os.path.join(ROOT, "conf", "spim.model")
DOC, CARD = os.path.join(ROOT, "docs", "detection.md"), os.path.join(ROOT, "docs", "spim-model.md")
BEGIN, END = "<!-- spim: begin -->", "<!-- spim: end -->"
# kind -> at least so many per cent are to be found
LEAST = {"SMS spam": 80, "smishing": 90, "Telegram spam": 65, "lures of worms": 60}
LEAST_OF_A_TRICK = 65


def plain(path, folder):
    if not path.endswith(".gz"):
        return os.path.join(DATA, path)
    ret = os.path.join(folder, os.path.basename(path)[:-3])
    with gzip.open(os.path.join(DATA, path), "rb") as f, open(ret, "wb") as out:
        shutil.copyfileobj(f, out)
    return ret


def train(folder):
    files = [plain(p, folder) for p in SETS] + [SEED]
    args = [a for f in files for a in ("--in", f)]
    out = subprocess.run([program("wardroom"), "train", *args, "--out", os.path.join(folder, "spim.model"), "--date", str(DATE), "--json"],
                         capture_output=True, text=True, timeout=900, check=True).stdout
    return json.loads(out), files


def inspect(lines):
    out = subprocess.run([program("wardroom"), "inspect", "--domain", "firm.example"], input="\n".join(json.dumps(x) for x in lines), capture_output=True,
                         text=True, timeout=300, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


# --- campaigns ----------------------------------------------------------------------------------------------------------------

def texts(path, wanted, most):
    """Some texts of a table, the same every time."""
    with gzip.open(os.path.join(DATA, path), "rt", encoding="utf-8") as f:
        names = next(f).rstrip("\n").split("\t")
        rows = [dict(zip(names, line.rstrip("\n").split("\t"))) for line in f]
    rows = [r["text"] for r in rows if wanted(r)]
    return sorted(rows, key=lambda t: hashlib.sha256(t.encode()).digest())[:most]


def copies(n, text, senders, known=False, via="s2s"):
    """One text to ten people, a greeting and a number different each time."""
    names = ("anna", "bob", "chen", "dora", "emil", "fay", "gus", "hana", "ivo", "jana")
    for i, name in enumerate(names):
        yield {"from": f"s{n}x{i % senders}@elsewhere{n}.example", "to": f"{name}{n}@firm.example", "known": known, "via": via, "ts": 1e9 + n * 200000 + i * 40,
               "body": f"Hi {name}, {text}" + (f" ({1000 + i})" if i % 2 else "")}


def stopped(answer):
    return answer["decision"] in ("hold", "reject", "freeze", "challenge")


def campaigns():
    spam = texts("text-labelled/labelled.dev.tsv.gz", lambda r: r["label"] != "ham" and r["quality"] == "gold" and len(r["text"].split()) > 3, 150)
    talk = texts("ham/ham-dialog.dev.tsv.gz", lambda r: r["source"].startswith("chat-topical") and len(r["text"].split()) >= 8, 150)
    ret = []
    for name, what, senders, known in (("advertising, one sender", spam, 1, False), ("advertising, five senders", spam, 5, False),
                                       ("harmless words, one sender to strangers", talk, 1, False), ("harmless words, five senders to strangers", talk, 5, False),
                                       ("harmless words to people who know the sender", talk, 1, True)):
        lines = [x for n, t in enumerate(what) for x in copies(n, t, senders, known, "local" if known else "s2s")]
        answers = inspect(lines)
        late = [a for i, a in enumerate(answers) if i % 10 >= 3]
        ret.append((name, len(what), len(late), sum(stopped(a) for a in late), known))
    return ret


def bots():
    """Notices that a bot sends to everybody of a team, all day."""
    forms = ("[CI] build {n} of main passed: https://ci.firm.example/job/{n}", "[CI] build {n} of release failed after 4 min: https://ci.firm.example/job/{n}",
             "Reminder: Daily stand-up starts in 10 minutes: https://meet.firm.example/room-{n}", "Ticket {n} was assigned to you: https://tickets.firm.example/{n}",
             "Alert: disk usage on db{n} is above 90 %", "Happy birthday! All the best from the whole team", "Happy new year to you and your family!",
             "Lunch is ready in the kitchen on the third floor")
    lines = [{"from": f"bot{b}@firm.example", "to": f"p{i}@firm.example", "known": True, "via": "local", "ts": 1e9 + b * 90000 + d * 3600 + i,
              "body": form.format(n=1000 + d * 40 + i)} for b, form in enumerate(forms) for d in range(8) for i in range(30)]
    answers = inspect(lines)
    return len(lines), sum(a["decision"] != "deliver" for a in answers)


# --- documents -----------------------------------------------------------------------------------------------------------------

def rows(report, table):
    return {r["name"]: r for t in report["tables"] if t["table"] == table for r in t["rows"]}


def table(report, name, skip_small=False):
    t = next(t for t in report["tables"] if t["table"] == name)
    limit = f" (limit {t['most_percent']:.1f} %)" if t["most_percent"] else ""
    lines = [f"**{t['about']}**{limit}", "", "| | texts | taken for spim | % |", "|---|---|---|---|"]
    for r in t["rows"]:
        if not (skip_small and r["texts"] < 20):
            lines.append(f"| {r['name']} | {r['texts']} | {r['passed']} | {r['percent']:.2f} |")
    return "\n".join(lines) + "\n"


def section(report, many, bot):
    lines = ["| campaign | texts | copies from the fourth on | held | % |", "|---|---|---|---|---|"]
    lines += [f"| {name} | {n} | {late} | {held} | {100 * held / late:.2f} |" for name, n, late, held, _ in many]
    return (f"{BEGIN}\n## Spim\n\nMade by `tests/calibration/spim.py --write`; training of {DATE}, {report['texts']} texts in {report['folds']} folds. Every text is judged by "
            "content alone, by a model\nthat has seen nothing of its near-duplicates, its worm's family or its community. Threshold "
            f"{report['threshold']:.2f}. Chosen on these same judgements: the limits on false\npositives are kept with a tenth to spare, so on other communities expect about as "
            "many, not fewer. Groups of fewer than a thousand texts do not bind the\nthreshold. Two of 203 harmless Russian texts are over the limit of a language. "
            "What machines translated says little about real texts.\n\n"
            + "\n".join(table(report, t, t == "spim_language") for t in ("kind", "trick", "spim_language", "work", "chat", "community", "language", "ham_source", "ham_trick"))
            + "\n**Campaigns**: ten copies, greeting and number changed each time, to people who do not answer\n\n" + "\n".join(lines)
            + f"\n\nNotices of bots and greetings to a whole team: {bot[1]} of {bot[0]} not simply delivered.\n{END}\n")


def card(report, files):
    lines = ["# The spim model", "",
             "Made by `tests/calibration/spim.py --write`. The model is `conf/spim.model`; the programs carry it with them.", "",
             f"- Trained {DATE} by `wardroom train` (seed 1) on {report['texts']} texts; version {report['version']}, {os.path.getsize(MODEL)} bytes.",
             "- What it is: a linear model over hashed words, pairs of words, runs of 3 to 5 characters and signs of the whole text, after src/inspect/normal.h has",
             "  undone what hides words; logistic regression by AdaGrad, weights of 8 bits. Texts of more than 30 words are looked at in stretches of 20, too.",
             f"- Threshold (logit): {report['threshold']:.2f} likely, {report['very_likely']:.2f} very likely, {report['almost_certain']:.2f} almost certain.",
             "- How good it is: [detection.md](detection.md), section Spim.",
             "- What it is for: short messages between people. A finding is a reason to look or to hold, never a proof.",
             "- What it does not know: languages that are not in the tables there; advertising that says nothing of its purpose; what came up after its training. A site's",
             "  reports and releases adjust it (bounded, fading); the model itself never changes while it runs.",
             "- Personal data: telephone numbers and names of the training texts are not in it; digits are blurred, and words are hashed.", "", "## Trained on", "",
             "| texts | lines | where from, licence |", "|---|---|---|"]
    about = {"labelled.dev.tsv": "UCI SMS Spam Collection, CC BY 4.0; SMS Phishing Dataset (Mishra and Soni), CC BY 4.0; YouTube Spam Collection, CC BY 4.0 (a third of the weight); "
                                 "samples of umputun/tg-spam, MIT",
             "labelled-mt.dev.tsv": "machine translations of UCI into German, French, Hindi (MIT repository); spam at 0.4 of the weight",
             "adversarial.dev.tsv": "the spam above, hidden by ten tricks; 0.6 of the weight", "ham-workchat.dev.tsv": "IRC channels (irc-disentanglement), CC BY 4.0",
             "ham-meetings.dev.tsv": "QMSum transcripts, MIT",
             "ham-dialog.dev.tsv": "Schema-Guided Dialogue, CC BY-SA 4.0; Taskmaster-4, CC BY 4.0; Topical-Chat, CDLA-Sharing-1.0; Banking77, CC BY 4.0; CrossWOZ, Apache-2.0; xSID, CC BY-SA 4.0",
             "lures.dev.tsv": "lure texts of worms, quoted from reports", "spim-seed.tsv": "made up for this project, four copies of each with made-up links, names and numbers"}
    for f in files:
        with open(f, encoding="utf-8") as t:
            lines.append(f"| {os.path.basename(f)} | {sum(1 for _ in t) - 1} | {about[os.path.basename(f)]} |")
    return "\n".join(lines) + "\n"


def stored():
    with open(DOC, encoding="utf-8") as f:
        text = f.read()
    return text, text.find(BEGIN), text.find(END)


def write(new):
    text, a, b = stored()
    text = text.rstrip("\n") + "\n\n" + new if a < 0 else text[:a] + new + text[b + len(END) + 1:]
    with open(DOC, "w", encoding="utf-8") as f:
        f.write(text)


def main():
    if not os.path.exists(os.path.join(DATA, SETS[0])):
        skip_all("the data of ../shared are not here")
    with tempfile.TemporaryDirectory() as folder:
        report, files = train(folder)
        many, bot = campaigns(), bots()
        if "--write" in sys.argv:
            shutil.copyfile(os.path.join(folder, "spim.model"), MODEL)
            write(section(report, many, bot))
            with open(CARD, "w", encoding="utf-8") as f:
                f.write(card(report, files))
            print(section(report, many, bot))
            return 0
        with open(os.path.join(folder, "spim.model"), "rb") as f:
            made = f.read()
    tap = Tap("calibration of spim")
    for line in section(report, many, bot).splitlines():
        print("#", line)

    def limits():
        for t in report["tables"]:
            for r in t["rows"]:
                check(t["most_percent"] == 0 or r["texts"] < t["least_texts"] or r["percent"] <= t["most_percent"], f"{t['table']} {r['name']}: {r['percent']:.2f} %")
    tap.run("t4-spim: no limit on false positives is passed", limits)
    for name, least in LEAST.items():
        def found(name=name, least=least):
            check(rows(report, "kind")[name]["percent"] >= least, f"{rows(report, 'kind')[name]['percent']:.2f} %")
        tap.run(f"t4-spim: of {name} at least {least} % are found by content alone", found)

    def tricks():
        for name, r in rows(report, "trick").items():
            check(r["percent"] >= LEAST_OF_A_TRICK, f"{name}: {r['percent']:.2f} %")
    tap.run(f"t4-spim: whatever trick hides it, at least {LEAST_OF_A_TRICK} % are found", tricks)
    for name, _, late, held, known in many:
        def held_back(late=late, held=held, known=known, name=name):
            check(held == 0 if known else held >= 0.99 * late, f"{held} of {late}")
        tap.run(f"t4-spim: {name}: {'none is held' if known else 'nearly all are held from the fourth copy on'}", held_back)

    def honest_bots():
        check(bot[1] == 0, f"{bot[1]} of {bot[0]}")
    tap.run("t4-spim: notices of bots and greetings to a whole team are delivered", honest_bots)

    def told():
        text, a, b = stored()
        check(a >= 0 and f"Threshold {report['threshold']:.2f}" in text[a:b], "docs/detection.md is not of this run: tests/calibration/spim.py --write")
        with open(MODEL, "rb") as f:
            shipped = f.read()
        near = sum(abs(a - b) <= 2 for a, b in zip(shipped[64:], made[64:]))
        check(len(shipped) == len(made) and near >= 0.99 * (len(made) - 64), "conf/spim.model is not of this run: tests/calibration/spim.py --write")
    tap.run("t4-spim: the model that is shipped and docs/detection.md are of this run", told)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
