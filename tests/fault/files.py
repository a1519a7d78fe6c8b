#!/usr/bin/env python3
"""Uploads by the hundred, a full disk, killed roles: nothing is served that was not looked at, nothing is left half, chat goes on.

The whole server: slots over XMPP, the web role, the scanner. Somebody polls for the files all the while.
"""
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import faults_util  # noqa: F401 - finds tests/lib
from rawws import http
from rawxmpp import Client, befriend, check, q, tls_context
from wardroom_test import SLOW, Instance, Tap, descendants, until

UP = "urn:xmpp:http:upload:0"
KIB, MIB = 1024, 1024 * 1024
# EICAR's test file, in two halves: this file is no virus.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def slot(c, name, size, type="text/plain"):
    el = c.iq("get", f"<request xmlns='{UP}' filename='{name}' size='{size}' content-type='{type}'/>", to=f"upload.{c.server.domain}")
    url = el.find(f".//{{{UP}}}put")
    check(url is not None, "no slot")
    return "/upload/" + url.get("url").split("/upload/")[1]


def get(server, path):
    status, _, body, _ = http(server, f"GET {path} HTTP/1.1\r\nHost: {server.domain}\r\n\r\n")
    return status, body


class Put:
    """One that is sent as the test wants it."""

    def __init__(self, server, path, size):
        raw = socket.create_connection((server.host, server.https_port), 60 * SLOW)
        self.s = tls_context(("http/1.1",)).wrap_socket(raw, server_hostname=server.domain)
        self.s.sendall(f"PUT {path} HTTP/1.1\r\nHost: {server.domain}\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\n\r\n".encode())

    def send(self, data):
        self.s.sendall(data)

    def answer(self):
        """The status; None: the connection broke off."""
        data = b""
        try:
            while b"\r\n\r\n" not in data:
                more = self.s.recv(4096)
                if not more:
                    break
                data += more
        except OSError:
            pass
        self.s.close()
        return int(data.split()[1]) if data.startswith(b"HTTP/1.1 ") else None


def put(server, path, body):
    p = Put(server, path, len(body))
    try:
        p.send(body)
    except OSError:
        pass			# it has been answered already
    return p.answer()


def spool(server):
    return [os.path.join(d, f) for d, _, files in os.walk(os.path.join(server.dir, "spool")) for f in files]


def role(server, name):
    for pid in descendants(server.proc.pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if name in f.read().split(b"\0")[0]:
                    return pid
        except OSError:
            pass
    return None


def many(tap, server, anna, bob):
    n = 500

    def run():
        plain = b"Figures of the quarter, for those who may see them.\n" * 700
        files = []
        for k in range(n):
            bad = k % 10 == 0
            body = EICAR if bad else plain + str(k).encode()
            files.append([slot(anna, f"file{k}.txt", len(body)), body, bad, None])
        stop, leaks, polls = threading.Event(), [], [0]

        def poll():
            while not stop.is_set():
                f = secrets.choice(files)
                try:
                    status, body = get(server, f[0])
                except OSError:
                    continue
                polls[0] += 1
                if status == 200 and (f[2] or body != f[1]):
                    leaks.append((f[0], len(body)))

        def some(k):
            mine = [(Put(server, f[0], len(f[1])), f) for f in files[k::10]]
            barrier.wait()
            for p, f in mine:
                p.send(f[1])
            for p, f in mine:
                f[3] = p.answer()
        barrier = threading.Barrier(10)
        watch = [threading.Thread(target=poll) for _ in range(2)]
        threads = [threading.Thread(target=some, args=(k,)) for k in range(10)]
        for t in watch + threads:
            t.start()
        bob.message(anna.bare, "still there?", id="during")
        anna.expect(lambda e: e.get("id") == "during", what="a message during the uploads")
        for t in threads:
            t.join()
        answers = [f[3] for f in files]
        check(set(answers) <= {201, 422}, f"answers {sorted(set(map(str, answers)))}")
        check(not [f for f in files if not f[2] and f[3] != 201], "a clean file was refused")
        until(lambda: all(get(server, f[0])[0] == 200 for f in files[1::50]), 60, "clean files are served at last")
        stop.set()
        for t in watch:
            t.join()
        check(not leaks and polls[0] > 50, f"{polls[0]} polls, served too early or wrongly: {leaks[:3]}")
        check(not [f for f in files[::10] if get(server, f[0])[0] == 200], "the test virus is served")
        check(not [p for p in spool(server) if p.endswith(".part")], "something unfinished is left")
        print(f"# {n} uploads, {answers.count(201)} times 201, {answers.count(422)} times 422; {polls[0]} polls", flush=True)
    tap.run("500 uploads at once: all answered, the virus never served, chat goes on", run)


def killed(tap, server, anna):
    body = b"Half of this comes before somebody is killed.\n" * 30000

    def kill(name):
        path = slot(anna, "half.txt", len(body))
        p = Put(server, path, len(body))
        p.send(body[:MIB])
        until(lambda: [x for x in spool(server) if x.endswith(".part")], 10, "it arrives")
        os.kill(role(server, name), signal.SIGKILL)
        try:
            p.send(body[MIB:])
        except OSError:
            pass
        check(p.answer() != 201, "success without the server")
        until(lambda: role(server, name), 15, "the role is back")

        def again():
            try:
                return put(server, path, body) == 201
            except OSError:
                return False
        until(again, 30, "the same slot takes the file from the start", 0.5)
        until(lambda: get(server, path) == (200, body), 30, "it is served", 0.5)
        check(not [x for x in spool(server) if x.endswith(".part")], "half a file is left")
    tap.run("the web role is killed in the middle: the slot can be used again", kill, b"wardroom-web")


def full(tap):
    top = tempfile.mkdtemp(prefix="wardroom-full-")
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs", top], capture_output=True).returncode:
        os.rmdir(top)
        tap.skip("disk full", "mounting a small tmpfs is not permitted here")
        return
    try:
        with Instance(users=["anna", "bob"], https=True, at=top) as server:
            anna, bob = (Client(server, n, resource="r").login(presence=True) for n in ("anna", "bob"))
            befriend(anna, bob)

            def run():
                body = b"z" * 4 * MIB
                path = slot(anna, "big.txt", len(body))
                with open(os.path.join(top, "filler"), "wb", buffering=0) as f:
                    st = os.statvfs(top)
                    f.write(b"f" * (st.f_bavail * st.f_frsize - 3 * MIB))		# what files may not take
                check(put(server, path, body) == 507, "a file took the room of the database")
                check(not [x for x in spool(server) if x.endswith(".part")], "something is left")
                anna.message(bob.bare, "there is room for words", id="words")
                bob.expect(lambda e: e.get("id") == "words", what="a message while files have no room")
                os.unlink(os.path.join(top, "filler"))
                check(put(server, path, body) == 201, "not again when there is room")
                until(lambda: get(server, path) == (200, body), 30, "it is served", 0.5)
            tap.run("the disk is full for files: 507, chat goes on, the slot can be used again", run)
            tap.run("disk full: the server is well", server.assert_healthy)
    finally:
        subprocess.run(["umount", "-l", top], capture_output=True)
        os.rmdir(top)


def main():
    tap = Tap("files")
    with Instance(users=["anna", "bob"], https=True) as server:
        anna, bob = (Client(server, n, resource="r").login(presence=True) for n in ("anna", "bob"))
        befriend(anna, bob)
        many(tap, server, anna, bob)
        tap.run("the server is well", server.assert_healthy)
        killed(tap, server, anna)
    full(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
