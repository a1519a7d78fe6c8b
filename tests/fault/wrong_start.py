#!/usr/bin/env python3
"""What keeps a server from starting: a clear sentence, a status that is not zero, nothing damaged."""
import os
import shutil
import socket
import sqlite3
import sys

from faults_util import databases, refused
from rawxmpp import Client, check
from wardroom_test import Instance, Tap, one_line


def main():
    tap = Tap("wrong starts")
    with Instance(users=("a", "b")) as i:
        Client(i, "a").login().close()
        check(i.stop() == 0, "exit status of SIGTERM")

        def works():
            i.start()
            Client(i, "a").login().close()
            check(i.stop() == 0, "exit status of SIGTERM")

        def port_taken():
            for port in (i.port, i.tls_port):
                with socket.socket() as s:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    s.bind(("127.0.0.1", port))
                    s.listen()
                    err = refused(i)
                    check(str(port) in err, f"does not name port {port}: {one_line(err)}")
            works()
        tap.run("a port is taken", port_taken)

        def readable_keys():
            keys = [os.path.join(i.dir, "keys", f) for f in os.listdir(os.path.join(i.dir, "keys"))] + [os.path.join(i.dir, "tls", "key.pem")]
            check(len(keys) > 1, "no keys")
            for f in keys:
                for mode in (0o640, 0o604):
                    os.chmod(f, mode)
                    err = refused(i)
                    check(os.path.basename(f) in err, f"does not name {os.path.basename(f)}: {one_line(err)}")
                    os.chmod(f, 0o600)
            works()
        tap.run("a key file is readable by others", readable_keys)

        def damaged_keys():
            for f in ("master.key",):
                path = os.path.join(i.dir, "keys", f)
                with open(path, "rb") as fh:
                    good = fh.read()
                for bad in (b"", good[:len(good) // 2], b"x" * len(good), bytes([good[0] ^ 1]) + good[1:]):
                    with open(path, "wb") as fh:
                        fh.write(bad)
                    refused(i)
                with open(path, "wb") as fh:
                    fh.write(good)
            works()
        tap.run("a key file is damaged", damaged_keys)

        def damaged_copy():
            """keys/audit.count is no key but evidence: it keeps nothing from starting, is never written over, and verify tells."""
            path = os.path.join(i.dir, "keys", "audit.count")
            with open(path, "rb") as fh:
                good = fh.read()
            for bad in (b"", good[:len(good) // 2], bytes([good[0] ^ 1]) + good[1:]):
                with open(path, "wb") as fh:
                    fh.write(bad)
                works()
                p = i.cli_run("audit", "verify")
                check(p.returncode == 1 and "audit.count" in p.stderr, f"audit verify: {p.returncode} {one_line(p.stderr)}")
                with open(path, "rb") as fh:
                    check(fh.read() == bad, "the evidence was written over")
        tap.run("the copy of the record's head is damaged", damaged_copy)

        def certificate():
            for name in ("cert.pem", "key.pem"):
                path = os.path.join(i.dir, "tls", name)
                os.rename(path, path + ".away")
                err = refused(i)
                check(name in err, f"does not name {name}: {one_line(err)}")
                with open(path, "w") as fh:
                    fh.write("-----BEGIN NONSENSE-----\n")
                os.chmod(path, 0o600)
                refused(i)
                os.rename(path + ".away", path)
            works()
        tap.run("certificate or key missing or damaged", certificate)

        def newer():
            found = list(databases(i.dir))
            check(found, "no database")
            for path in found:
                keep = path + ".keep"
                shutil.copy2(path, keep)
                with sqlite3.connect(path) as db:
                    v = db.execute("PRAGMA user_version").fetchone()[0]
                    db.execute(f"PRAGMA user_version = {v + 1000}")
                db.close()
                err = refused(i)
                check("newer" in err or "schema" in err or "version" in err, f"does not say why: {one_line(err)}")
                shutil.move(keep, path)
                for tail in ("-wal", "-shm"):
                    if os.path.exists(path + tail):
                        os.unlink(path + tail)
            works()
        tap.run("the database is of a newer version", newer)

        def not_a_database():
            for path in list(databases(i.dir)):
                keep = path + ".keep"
                shutil.copy2(path, keep)
                with open(path, "wb") as f:
                    f.write(b"this is not a database, it is a text of some length " * 100)
                refused(i)
                shutil.move(keep, path)
            works()
        tap.run("the database is none", not_a_database)

        def twice():
            i.start()
            err = refused(i)
            check(err, "")
            Client(i, "a").login().close()
            check(i.stop() == 0, "exit status")
        tap.run("a second server on the same folder", twice)

        def no_folder():
            real, i.dir = i.dir, i.top + "/nothing-here"
            try:
                refused(i)
                p = i.cli_run("user", "list")
                check(p.returncode != 0 and p.stderr.strip(), f"wardroom: {p.returncode} {one_line(p.stderr)}")
            finally:
                i.dir = real
        tap.run("no instance in the folder", no_folder)

        def init_again():
            p = i.cli_run("init", "--domain", "example.test")
            check(p.returncode != 0 and p.stderr.strip(), f"init overwrites: {p.returncode}")
            works()
        tap.run("init refuses to overwrite", init_again)

        def reload_bad():
            i.start()
            good = i.config_text()
            i.write_config(good + "nonsense: 1\n")
            i.reload()
            c = Client(i, "a").login()
            c.settle()
            i.write_config(good)
            i.reload()
            c.settle()
            i.assert_healthy()
            check("nonsense" in i.log(), f"the log does not tell: {i.log_tail()}")
            c.close()
            i.stop()
        tap.run("a reload of a wrong configuration keeps the old one", reload_bad)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
