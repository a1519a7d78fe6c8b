"""Shared by the fault tests: finds tests/lib, damages files, reads tables."""
import os
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from wardroom_test import SLOW, Failed, check, one_line  # noqa: E402


def databases(folder):
    """Every SQLite file below the folder."""
    for top, _, files in os.walk(folder):
        for f in sorted(files):
            path = os.path.join(top, f)
            try:
                with open(path, "rb") as fh:
                    if fh.read(16) == b"SQLite format 3\0":
                        yield path
            except OSError:
                pass


def tables(path):
    with sqlite3.connect(path) as db:
        return [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]


def refused(instance, *args):
    """wardroomd must not start; returns what it says."""
    p = instance.spawn(*args, out=subprocess.PIPE, err=subprocess.PIPE)
    try:
        out, err = p.communicate(timeout=10 * SLOW)
    except subprocess.TimeoutExpired:
        p.kill()
        p.communicate()
        raise Failed("it started") from None
    err = err.decode("utf-8", "replace")
    check(b"ready" not in out, "it said ready")
    check(p.returncode > 0, f"exit {p.returncode}: {one_line(err)}")
    check(len(err.strip()) > 10, f"says nothing useful: {err!r}")
    for word in ("Assertion", "CHECK", "Sanitizer", "core dumped"):
        check(word not in err, f"not a sentence for an operator: {one_line(err)}")
    return err
