#!/usr/bin/env python3
"""The disk is full: senders get a `wait` error, nothing acknowledged is lost, service resumes by itself.

The instance lies on a small tmpfs, which a filler file fills while the server runs.
"""
import os
import subprocess
import sys
import tempfile
import time

import faults_util  # noqa: F401 - finds tests/lib
from kill9 import whole_archive
import rawsasl2
from rawxmpp import CLIENT, Client, SaslFailure, check, error_of, q, text_of
from wardroom_test import SLOW, Failed, Instance, Tap, skip_all, until

SIZE = 48


def fill(path):
    """Takes the rest of the space, to the last byte."""
    with open(path, "ab", buffering=0) as f:
        for chunk in (1 << 20, 1 << 16, 4096, 512, 1):
            try:
                while True:
                    f.write(b"x" * chunk)
            except OSError:
                pass


def main():
    top = tempfile.mkdtemp(prefix="wardroom-full-")
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}m,mode=0700", "tmpfs", top], capture_output=True).returncode:
        os.rmdir(top)
        skip_all("mounting a small tmpfs is not permitted here")
    tap = Tap("disk full")
    try:
        run(tap, top)
    finally:
        subprocess.run(["umount", "-l", top], capture_output=True)
        os.rmdir(top)
    return tap.end()


def run(tap, top):
    filler = os.path.join(top, "filler")
    i = Instance(users=("a", "b", "c"), at=top)
    sent, refused, state = {}, set(), {"n": 0}
    try:
        a, b = Client(i, "a", resource="r").login(presence=True), Client(i, "b", resource="r").login(presence=True)
        a.sm_enable()
        c = rawsasl2.Two(i, "c").opened()
        tokens = {"c": rawsasl2.token_of(c.sasl2("SCRAM-SHA-1", inner=rawsasl2.request(), agent=rawsasl2.PHONE))}
        c.close()

        def send(n, size=2000):
            for _ in range(n):
                id = f"d{state['n']}"
                state["n"] += 1
                a.message(b.bare, f"{id} " + "x" * size, id=id)
                sent[id] = a.sm_sent

        def errors():
            found = []
            for e in [e for e in a.inbox if e.get("type") == "error"]:
                a.inbox.remove(e)
                refused.add(e.get("id"))
                found.append(error_of(e))
            return found

        def before():
            send(50)
            a.sm_all_acked(10)
            check(not errors(), "errors while there is room")
        tap.run("there is room: all is accepted", before)

        def full():
            fill(filler)
            found = []
            end = time.monotonic() + 20 * SLOW
            while not found and time.monotonic() < end:
                send(20)
                a.pump(0.3)
                i.assert_healthy()
                check(not a.eof, f"the sender's stream ended: {text_of(a.inbox[-1]) if a.inbox else ''}")
                found = errors()
            check(found, "nobody is told that the disk is full")
            check(all(t == "wait" for _, t in found), f"errors {set(found)}")
            send(30)
            a.pump(1.0)
            found = errors()
            check(all(t == "wait" for _, t in found), f"errors {set(found)}")
        tap.run("it is full: senders get wait errors, nobody is thrown out", full)

        def others_live():
            b.settle()
            c = Client(i, "c")
            try:
                c.login()
                c.settle()
            except Failed:
                pass	# a login writes to the audit log: refusing it is the safe side
            c.close()
            i.assert_healthy()
        tap.run("it is full: the server answers", others_live)

        def signs_in():
            for mech, inner, agent in (("SCRAM-SHA-1", rawsasl2.bind() + rawsasl2.request(), rawsasl2.PHONE), ("SCRAM-SHA-1", rawsasl2.bind(), None)):
                c = rawsasl2.Two(i, "c").opened()
                try:
                    check(rawsasl2.token_of(c.sasl2(mech, inner=inner, agent=agent)) is None, "a token that is not on disk")
                    c.settle()
                except SaslFailure as e:
                    check(e.condition == "temporary-auth-failure", e.condition)
                c.close()
            c = rawsasl2.Two(i, "c").opened()
            rawsasl2.by_token(c, tokens["c"], inner=rawsasl2.bind())
            c.settle()
            c.close()
            c = rawsasl2.Two(i, "c").opened()
            rawsasl2.no_way(c, tokens["c"], "temporary-auth-failure", attrs=" count='9'")	# it could come again
            i.assert_healthy()
        tap.run("it is full: who has the password or a token signs in, no token is given", signs_in)

        def again():
            os.unlink(filler)

            def accepted():
                send(1)
                a.sm_all_acked(5)
                return not errors()
            until(accepted, 20, "accepting again", 0.5)
            n = state["n"]
            send(50)
            a.sm_all_acked(10)
            check(not errors(), f"errors after there is room again (from {n})")
            Client(i, "c").login().close()
            c = rawsasl2.Two(i, "c").opened()
            rawsasl2.by_token(c, tokens["c"], attrs=" count='9'")
            c.close()
        tap.run("there is room again: service resumes by itself", again)

        def arrived():
            b.settle()
            got = [e.get("id") for e in b.inbox if e.tag == q(CLIENT, "message") and e.get("type") != "error"]
            b2 = Client(i, "b", resource="later").login(presence=True)
            b2.settle()
            acked = {id for id, n in sent.items() if n <= a.sm_acked} - refused
            missing = acked - set(got)
            check(not missing, f"{len(missing)} accepted messages did not reach the live recipient: {sorted(missing)[:3]}")
            check(not set(got) & refused, f"refused and delivered all the same: {sorted(set(got) & refused)[:3]}")
        tap.run("what was accepted arrived, what was refused did not", arrived)

        def nothing_lost():
            acked = {id for id, n in sent.items() if n <= a.sm_acked} - refused
            b.settle()
            for c, who in ((b, "recipient"), (a, "sender")):
                rows = [id for _, id, _ in whole_archive(c)]
                missing = sorted(acked - set(rows))
                check(not missing, f"{len(missing)} acknowledged are missing from the archive of the {who}, the first: {missing[:3]}")
                check(len(rows) == len(set(rows)), f"doubled in the archive of the {who}")
                check(not refused & set(rows), f"refused and kept all the same: {sorted(refused & set(rows))[:3]}")
            print(f"# {len(sent)} sent, {len(acked)} accepted, {len(refused)} refused")
        tap.run("nothing acknowledged is lost, nothing refused is kept", nothing_lost)

        def restart():
            check(i.stop() == 0, "exit status of SIGTERM")
            i.start()
            Client(i, "a").login().close()
        tap.run("it stops and starts afterwards", restart)

        def full_start():
            i.stop()
            fill(filler)
            try:
                i.start()
                i.stop()	# starting with a full disk is allowed, refusing with a sentence, too
            except Failed as e:
                check("ended with" in str(e) and len(i.log().strip()) > 0, str(e))
            os.unlink(filler)
            i.start()
            Client(i, "a").login().close()
        tap.run("a start with a full disk damages nothing", full_start)
    finally:
        i.stop(5)


if __name__ == "__main__":
    sys.exit(main())
