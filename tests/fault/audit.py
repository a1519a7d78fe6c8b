#!/usr/bin/env python3
"""The audit log cannot be altered unnoticed: `wardroom audit verify` finds a changed, removed (the last one, too),
reordered, repeated or rewritten entry and names its place; what operators and users did is in it."""
import shutil
import sqlite3
import sys

from faults_util import databases, tables
from rawxmpp import Client, check
from wardroom_test import Instance, Tap, one_line


def audit_table(folder):
    """The database and the table that hold the entries."""
    for path in databases(folder):
        for t in tables(path):
            if "audit" in t.lower() and "head" not in t.lower():
                return path, t
    raise AssertionError("no table of audit entries")


def columns(db, table):
    return [(r[1], (r[2] or "").upper(), r[5]) for r in db.execute(f"PRAGMA table_info({table})")]


def main():
    tap = Tap("audit")
    with Instance(users=("alice", "bob")) as i:
        def deeds():
            for _ in range(5):
                Client(i, "alice").login().close()
            bad = Client(i, "bob", password="wrong").secure(True)
            try:
                bad.scram("SCRAM-SHA-1")
            except Exception:	# noqa: BLE001
                pass
            i.cli("user", "freeze", i.jid("bob"))
            i.cli("user", "thaw", i.jid("bob"))
            rows = i.json("audit", "list")
            rows = rows if isinstance(rows, list) else next(v for v in rows.values() if isinstance(v, list))
            text = str(rows)
            check(len(rows) >= 8, f"{len(rows)} entries: {one_line(text)}")
            for word in ("alice", "freeze", "thaw", "login"):
                check(word in text, f"nothing of {word}: {one_line(text)}")
            i.cli("audit", "verify")
        tap.run("logins and commands are in it, and it verifies", deeds)
        check(i.stop() == 0, "exit status")
        tap.run("it verifies without a server", i.cli, "audit", "verify")
        keep = i.top + "/keep"
        shutil.copytree(i.dir, keep, symlinks=True)
        path, table = audit_table(i.dir)

        def with_damage(name, sql, place=None):
            """sql: statements, or a function of (db, rowids)."""
            def case():
                shutil.rmtree(i.dir)
                shutil.copytree(keep, i.dir, symlinks=True)
                db = sqlite3.connect(path)
                key = next((c for c, t, pk in columns(db, table) if pk), "rowid")
                ids = [r[0] for r in db.execute(f"SELECT {key} FROM {table} ORDER BY {key}")]
                check(len(ids) >= 8, f"{len(ids)} rows")
                sql(db, key, ids)
                db.commit()
                db.close()
                p = i.cli_run("audit", "verify")
                check(p.returncode == 1, f"exit {p.returncode}: {one_line(p.stdout + p.stderr)}")
                if place is not None:
                    want = str(place(ids))
                    check(want in p.stdout + p.stderr, f"does not name {want}: {one_line(p.stdout + p.stderr)}")
                j = i.cli_run("audit", "verify", "--json")
                check(j.returncode == 1 and j.stdout.lstrip()[:1] in "{[", f"--json: {j.returncode} {one_line(j.stdout + j.stderr)}")
            tap.run(name, case)

        def blobs(db):
            return [c for c, t, pk in columns(db, table) if not pk and db.execute(
                f"SELECT typeof({c}) FROM {table} LIMIT 1").fetchone()[0] == "blob"]

        def flip(n):
            def change(db, key, ids):
                for col in blobs(db)[n:n + 1] or blobs(db)[:1]:
                    v = bytearray(db.execute(f"SELECT {col} FROM {table} WHERE {key} = ?", (ids[4],)).fetchone()[0])
                    v[len(v) // 2] ^= 1
                    db.execute(f"UPDATE {table} SET {col} = ? WHERE {key} = ?", (bytes(v), ids[4]))
            return change

        def swap(db, key, ids):
            cols = [c for c, _, pk in columns(db, table) if not pk]
            lists = ", ".join(cols)
            x, y = (db.execute(f"SELECT {lists} FROM {table} WHERE {key} = ?", (ids[n],)).fetchone() for n in (3, 5))
            sets = ", ".join(f"{c} = ?" for c in cols)
            db.execute(f"UPDATE {table} SET {sets} WHERE {key} = ?", (*y, ids[3]))
            db.execute(f"UPDATE {table} SET {sets} WHERE {key} = ?", (*x, ids[5]))

        def close_gap(db, key, ids):
            db.execute(f"DELETE FROM {table} WHERE {key} = ?", (ids[4],))
            for n in ids[5:]:
                db.execute(f"UPDATE {table} SET {key} = ? WHERE {key} = ?", (n - 1, n))

        def repeat(db, key, ids):
            cols = ", ".join(c for c, _, pk in columns(db, table) if not pk)
            db.execute(f"INSERT INTO {table} ({key}, {cols}) SELECT ?, {cols} FROM {table} WHERE {key} = ?", (ids[-1] + 1, ids[-1]))

        def copy_payload(db, key, ids):
            for col in blobs(db):
                db.execute(f"UPDATE {table} SET {col} = (SELECT {col} FROM {table} WHERE {key} = ?) WHERE {key} = ?", (ids[2], ids[6]))

        def remove(*which):
            def change(db, key, ids):
                for n in which:
                    db.execute(f"DELETE FROM {table} WHERE {key} = ?", (ids[n],))
            return change

        def clock_back(db, key, ids):
            numbers = [c for c, t, pk in columns(db, table) if not pk and db.execute(
                f"SELECT typeof({c}) FROM {table} LIMIT 1").fetchone()[0] == "integer"]
            if not numbers:
                flip(0)(db, key, ids)
                return
            for c in numbers:
                db.execute(f"UPDATE {table} SET {c} = {c} - 86400000 WHERE {key} = ?", (ids[4],))

        with_damage("an entry is changed", flip(0), lambda ids: ids[4])
        with_damage("another field of an entry is changed", flip(1), lambda ids: ids[4])
        with_damage("an entry is removed", remove(4), lambda ids: ids[4])
        with_damage("the first entry is removed", remove(0))
        with_damage("the last entry is removed", remove(-1))
        with_damage("the last three entries are removed", remove(-1, -2, -3))
        with_damage("all are removed", lambda db, key, ids: db.execute(f"DELETE FROM {table}"))
        with_damage("an entry is removed and the rest moved up", close_gap)
        with_damage("two entries are exchanged", swap)
        with_damage("the last entry is repeated", repeat)
        with_damage("an entry is rewritten with another one's", copy_payload)
        with_damage("a number beside an entry is changed", clock_back)

        def untouched():
            shutil.rmtree(i.dir)
            shutil.copytree(keep, i.dir, symlinks=True)
            i.cli("audit", "verify")
            i.start()
            Client(i, "alice").login().close()
            i.cli("audit", "verify")
            i.stop()
        tap.run("untouched it still verifies, and goes on", untouched)

        def old_copy():
            before = i.json("audit", "verify")
            check(before, "audit verify --json says nothing")
        tap.run("--json tells how much was verified", old_copy)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
