"""source.py - what the checks of the sources share: the files, and their text without comments and strings."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def files(under="src", ends=(".c", ".h")):
    """Paths below the root, sorted."""
    for folder, folders, names in os.walk(os.path.join(ROOT, under)):
        folders.sort()
        for name in sorted(names):
            if name.endswith(ends):
                yield os.path.relpath(os.path.join(folder, name), ROOT)


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def bare(source):
    """The same lines without comments and without what stands in quotes."""
    def blank(m):
        t = m.group(0)
        return '""' if t[0] == '"' else "''" if t[0] == "'" else "\n" * t.count("\n")
    return TOKEN.sub(blank, source)


def finish(name, problems, checked):
    """Prints what was found in the form path:line: sentence; exit status 1 when there is any."""
    for p in problems:
        print(p)
    if not checked:
        problems = ["nothing was checked"]
    print(f"{name}: {checked} checked, {len(problems)} problems")
    sys.exit(1 if problems else 0)
