#!/usr/bin/env python3
"""Files are looked at, or not served: a real clamd that is killed, hung, restarted or replaced by a liar; wardroom-scand killed, stopped, starved; the worker
killed meanwhile. A reader asks for every file all the while and must never get one that was not judged.

Then late verdicts: with a new signature of clamd's, a new YARA rule, a new digest on a list, a file that was served is dead, and its message is taken back."""
import hashlib
import json
import os
import resource
import signal
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "proto"))
from harness import befriend  # noqa: E402
from rawxmpp import CLIENT, Client, body_of, q, text_of  # noqa: E402
from realclamd import PROGRAM, RealClamd  # noqa: E402
from upload import get, got, put, slot  # noqa: E402
from wardroom_test import PASSWORD, Instance, Tap, check, is_running, one_line, until  # noqa: E402

BAD = b"This is a sentence that only a bad file has, in the middle of it.\n"
serial = [0]


def text():
    """Harmless, and each its own."""
    serial[0] += 1
    return b"The minutes of meeting number %d.\n" % serial[0] * 30


def comm(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return ""


def scands(server):
    return [p for p in server.pids() if comm(p) == "wardroom-scand" and is_running(p)]


def worker(server):
    return [p for p in server.pids() if comm(p) == "wardroomd" and p != server.proc.pid][0]


def status(server):
    return server.json("status")


class Reader(threading.Thread):
    """Asks for every file again and again, and keeps what it was given."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.urls, self.served, self.asked, self.ends = server, [], {}, 0, False

    def run(self):
        while not self.ends:
            for url in list(self.urls):
                try:
                    code, _, body = get(self.server, url)
                except (OSError, ValueError, IndexError):
                    continue		# the server is being killed
                self.asked += 1
                if code == 200:
                    self.served.setdefault(url, set()).add(body)
            time.sleep(0.03)


class World:
    def __init__(self, tap, server, reader):
        self.tap, self.server, self.reader = tap, server, reader
        self.anna = Client(server, "anna", resource="r").login(presence=True)

    def bring(self, body, name="minutes.txt"):
        """Begins to upload; the answer comes later."""
        url, _ = slot(self.anna, name, len(body), "text/plain")
        self.reader.urls.append(url)
        answer = []

        def run():
            try:
                answer.append(put(self.server, url, body))
            except OSError as e:
                answer.append((0, str(e)))
        t = threading.Thread(target=run, daemon=True)
        t.start()
        until(lambda: answer or get(self.server, url)[0] == 503, 15, "the file is there")
        return url, answer

    def waits(self, url, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            code = get(self.server, url)[0]
            check(code != 200, "a file was served that nobody has looked at")
            check(code == 503, f"it does not wait: {code}")
            time.sleep(0.1)

    def becomes(self, url, code, seconds=30):
        until(lambda: get(self.server, url)[0] == code, seconds, f"{code} for the file (it is {get(self.server, url)[0]})", step=0.1)

    def goes(self, body=None, seconds=30):
        body = body or text()
        url, _ = self.bring(body)
        self.becomes(url, 200, seconds)
        check(get(self.server, url)[2] == body, "other bytes")
        return url


def without_server(tap, top):
    def judged():
        path = os.path.join(top, "bytes")
        with Instance(users=[], start=False) as i:
            for body, name, want in ((text(), "minutes.txt", "deliver"), (b"<script>go()</script>\n" * 9, "page.hta", "hold"), (b"MZ" + bytes(600), "a.pdf.exe", "hold")):
                with open(path, "wb") as f:
                    f.write(body)
                said = json.loads(i.cli("inspect", "--file", path, "--name", name))
                check(said["decision"] == want and (want == "deliver") == (not said["findings"]), f"{name}: {said}")
                check(all(f["inspector"] == "files" for f in said["findings"]), f"{said}")
    tap.run("the command line judges a file without a server", judged)


def judged_by_clamd(w, clamd):
    def clean():
        w.goes()
        w.goes(b"x" * (2 << 20))
    w.tap.run("what a real clamd finds nothing in is served", clean)

    def bad():
        url, answer = w.bring(BAD)
        w.becomes(url, 403)
        check(answer and answer[0][0] not in (200, 201) and "held" in answer[0][1], f"answer {answer}")
        check("Private.First" in w.server.log(), "the log does not say what was found")
    w.tap.run("what it finds something in is held", bad)

    def big():
        url, _ = w.bring(b"y" * (4 << 20))		# StreamMaxLength is 3M
        w.becomes(url, 403)
    w.tap.run("what is bigger than clamd looks at is held", big)

    def shown():
        st = status(w.server)
        check(st["scanner"] == "at work" and st["scanner_clamd"].startswith("ClamAV ") and st["scanner_processes"] == 2, one_line(st))
    w.tap.run("status shows the scanner", shown)


def clamd_in_trouble(w, clamd):
    def killed():
        clamd.kill()
        url, _ = w.bring(text())
        bad, _ = w.bring(BAD)
        w.waits(url, 2)
        until(lambda: status(w.server)["scanner"] == "files wait for clamd", 15, "status says so")
        w.waits(bad, 0.2)
        clamd.start()
        w.becomes(url, 200, 40)
        w.becomes(bad, 403, 40)
    w.tap.run("while clamd is dead files wait; when it is back they are judged", killed)

    def hung():
        clamd.hang()
        url, _ = w.bring(text())
        w.waits(url, 12)
        check("clamd.away" in w.server.log().rsplit("clamd.there", 1)[-1], "nobody has noticed")
        clamd.go_on()
        w.becomes(url, 200, 40)
    w.tap.run("while it hangs, too", hung)

    def liar():
        clamd.kill()
        if os.path.exists(clamd.path):
            os.unlink(clamd.path)
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(clamd.path)
        sock.listen(64)
        says = [b"HTTP/1.1 200 OK\r\n\r\nstream: OK\0"]
        knows_version = [False]

        def one(c):
            with c:
                c.settimeout(3)
                try:
                    word = c.recv(65536)
                    if word.startswith(b"zVERSION") and knows_version[0]:
                        c.sendall(b"ClamAV 1.0.0/1/never\0")
                        return
                    if word.startswith(b"zINSTREAM"):
                        while c.recv(65536)[-4:] != b"\0\0\0\0":
                            pass
                    c.sendall(says[0])
                except OSError:
                    pass

        def serve():
            while True:
                try:
                    c, _ = sock.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(c,), daemon=True).start()
        threading.Thread(target=serve, daemon=True).start()
        url, _ = w.bring(BAD)
        w.waits(url, 2)
        knows_version[0] = True
        bad, _ = w.bring(BAD)
        for says[0] in (b"stream: OK", b"stream: OK\0stream: OK\0", b"", b"OK\0", b"stream: ERROR OK ERROR\0", b"\0" * 5000):
            w.waits(url, 0.5)
        w.waits(bad, 0.1)
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()
        clamd.start()
        w.becomes(url, 403, 60)
        w.becomes(bad, 403, 60)
        w.goes(seconds=60)
    w.tap.run("a liar in its place makes nothing clean", liar)


def scand_in_trouble(w):
    server = w.server

    def waiting():
        before = scands(server)
        for p in before:
            os.kill(p, signal.SIGKILL)
        until(lambda: len(scands(server)) == 2 and not set(scands(server)) & set(before), 10, "two others")
        w.goes()
    w.tap.run("processes that are killed waiting are replaced", waiting)

    def stopped_and_killed():
        until(lambda: len(scands(server)) == 2, 10, "two processes")
        for p in scands(server):
            os.kill(p, signal.SIGSTOP)
        url, _ = w.bring(text())
        w.waits(url, 0.5)
        for p in scands(server):
            os.kill(p, signal.SIGKILL)
        return url

    def one_killed():
        """Whichever of the two has the file: the one that is killed, or its neighbour, is it in one of the rounds. Two deaths would hold it."""
        for which in (0, 1):
            until(lambda: len(scands(server)) == 2, 10, "two processes")
            both = sorted(scands(server))
            for p in both:
                os.kill(p, signal.SIGSTOP)
            url, _ = w.bring(text())
            w.waits(url, 0.5)
            os.kill(both[which], signal.SIGKILL)
            time.sleep(0.3)
            os.kill(both[1 - which], signal.SIGCONT)
            w.becomes(url, 200)
    w.tap.run("one that is killed over a file: another looks at it", one_killed)

    def again_and_again():
        url = stopped_and_killed()
        end = time.monotonic() + 30
        code = 503
        while code == 503 and time.monotonic() < end:
            for p in scands(server):
                try:
                    os.kill(p, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            code = get(server, url)[0]
        check(code in (403, 200), f"{code}")	# 200: it was looked at between two kills
        w.goes()
    w.tap.run("killed again and again, nothing is served unseen, and the next file goes", again_and_again)

    def timeout():
        until(lambda: len(scands(server)) == 2, 10, "two processes")
        for p in scands(server):
            os.kill(p, signal.SIGSTOP)
        url, _ = w.bring(text())
        w.waits(url, 2)
        w.becomes(url, 403, 30)
        check("scan.timeout" in server.log(), "no word of it")
        for p in scands(server):
            os.kill(p, signal.SIGCONT)
        w.goes()
    w.tap.run("one that takes too long is ended, and its file held", timeout)

    def starved():
        url = None
        until(lambda: len(scands(server)) == 2, 10, "two processes")
        ends = []

        def starve():
            while not ends:
                for p in scands(server):
                    try:
                        resource.prlimit(p, resource.RLIMIT_AS, (1 << 20, 1 << 20))
                    except (OSError, PermissionError, ValueError):
                        pass
                time.sleep(0.005)
        t = threading.Thread(target=starve, daemon=True)
        t.start()
        time.sleep(0.3)
        url, _ = w.bring(b"z" * (8 << 20))
        until(lambda: get(server, url)[0] != 503, 30, "a verdict")
        ends.append(1)
        t.join(5)
        check(get(server, url)[0] == 403, "a file was served by a process that had no memory to look at it")
        for p in scands(server):
            os.kill(p, signal.SIGKILL)
        w.goes()
    w.tap.run("without memory nothing is clean", starved)

    def worker_dies():
        until(lambda: len(scands(server)) == 2, 10, "two processes")
        for p in scands(server):
            os.kill(p, signal.SIGSTOP)
        before = scands(server)
        url, _ = w.bring(text())
        bad, _ = w.bring(BAD)
        old = worker(server)
        os.kill(old, signal.SIGKILL)
        until(lambda: not is_running(old) and [p for p in server.pids() if comm(p) == "wardroomd" and p not in (old, server.proc.pid)], 20, "another worker")
        until(lambda: len(scands(server)) == 2 and not set(scands(server)) & set(before), 20, "new processes with it")
        until(lambda: w.server.cli_run("status").returncode == 0, 20, "it serves")
        w.anna = Client(server, "anna", resource="r2").login(presence=True)
        w.becomes(url, 200, 40)
        w.becomes(bad, 403, 40)
    w.tap.run("a worker that is killed meanwhile: the next one looks at the files again", worker_dies)

    def supervisor_dies():
        server.kill9()
        family = []
        server.start()
        until(lambda: len(scands(server)) == 2, 10, "two processes")
        family = scands(server)
        pid = server.proc.pid
        os.kill(pid, signal.SIGKILL)
        server.proc.wait()
        until(lambda: not any(is_running(p) for p in family), 10, "they end with the supervisor")
        server.proc = None
        server.start()
        until(lambda: len(scands(server)) == 2, 10, "two processes")
        family = scands(server)
        check(server.stop() == 0, "exit status")
        until(lambda: not any(is_running(p) for p in family), 10, "they end with the server")
    w.tap.run("no process outlives the server", supervisor_dies)


def late(tap, top):
    """One instance for all three: each has a file of its own that is served first."""
    clamd = RealClamd(top).start()
    needles = {"clamd": b"first unknown to clamd: zebra", "yara": b"first unknown to rules: okapi", "digest": b"first on no list: quagga"}
    with Instance(users=["anna", "bob"], https=True, start=False) as server:
        server.extra = f"scanner: {{ clamd: {clamd.path}, signatures: {clamd.db} }}\n"
        server.write_config()
        secret = os.path.join(server.top, "password")
        with open(secret, "w") as f:
            f.write(PASSWORD)
        server.cli("user", "add", server.jid("olga"), "--role", "officer", "--password-file", secret)
        server.start()
        anna, bob, olga = (Client(server, n, resource="r").login(presence=True) for n in ("anna", "bob", "olga"))
        befriend(anna, bob)
        urls, bodies = {}, {}
        for what, needle in needles.items():
            body = b"Good as far as anybody knows.\n" * 5 + needle + b"\n"
            url, _ = slot(anna, f"{what}.txt", len(body), "text/plain")
            check(put(server, url, body)[0] == 201, "PUT")
            urls[what], bodies[what] = url, body
            anna.message(bob.bare, f"see {url}", id=f"late-{what}")
            got(bob, url)
            check(get(server, url)[0] == 200, "it is served first")

        def dies(what, seconds):
            until(lambda: get(server, urls[what])[0] not in (200,), seconds, f"{what}: the link is dead", step=0.1)
            code = get(server, urls[what])[0]
            check(code in (403, 404, 410), f"{code}")
            bob.expect(lambda e: e.tag == q(CLIENT, "message") and "urn:xmpp:message-retract:1" in text_of(e), what="a retraction", timeout=20)
            others = [k for k in needles if k != what and k not in gone]
            check(all(get(server, urls[k])[0] == 200 for k in others), "others went with it")
            gone.add(what)
            file = [f for f in server.json("file", "list")["files"] if f["name"] == f"{what}.txt"][0]
            check(file["state"] == "revoked", one_line(file))
            shown = server.json("file", "show", file["id"])
            check([p["who"] for p in shown["sent_to"]] == [bob.bare], f"who was sent it: {shown}")
            check(sum(p["times"] for p in shown["downloads"]) >= 1 and shown["downloads"][0]["last"], f"who has loaded it: {shown}")
        gone = set()

        def yara():
            os.makedirs(os.path.join(server.dir, "yara"), exist_ok=True)
            with open(os.path.join(server.dir, "yara", "new.yar"), "w") as f:
                f.write('rule Okapi { strings: $a = "rules: okapi" condition: $a }\n')
            dies("yara", 30)
            olga.expect(lambda e: "was taken back" in (body_of(e) or ""), what="an alert to the officer", timeout=20)
            got(bob, "dangerous", timeout=20)
        tap.run("a new YARA rule revokes what it finds", yara)

        def mistake():
            path = os.path.join(server.dir, "yara", "wrong.yar")
            with open(path, "w") as f:
                f.write("rule Wrong {\n strings:\n  $a = \"x\"\n condition: $b }\n")
            until(lambda: "wrong.yar:4" in status(server)["scanner_yara"], 20, "status names file and line")
            body = b"another okapi that rules: okapi finds\n"
            url, _ = slot(anna, "o.txt", len(body), "text/plain")
            put(server, url, body)
            check(get(server, url)[0] == 403, "the rules before are not in force any more")
            os.unlink(path)
        tap.run("a mistake in a rule is named, and takes no other rule away", mistake)

        def digest():
            os.makedirs(os.path.join(server.dir, "digests"), exist_ok=True)
            with open(os.path.join(server.dir, "digests", "list.csv"), "w") as f:
                f.write(f'# first_seen,sha256,name\n"2026-11-24","{hashlib.sha256(bodies["digest"]).hexdigest()}","quagga"\n')
            dies("digest", 30)
        tap.run("a digest on a list revokes its file", digest)

        def signature():
            clamd.sign("second", b"clamd: zebra")
            clamd.reload()
            dies("clamd", 60)
            check("Private.Second" in server.log(), "the log does not name it")
        tap.run("a new signature of clamd's revokes what it finds", signature)

        def ordered():
            before = status(server)["scanner_looked_at"]
            body = b"good today and good tomorrow\n"
            url, _ = slot(anna, "good.txt", len(body), "text/plain")
            check(put(server, url, body)[0] == 201, "PUT")
            check(status(server)["scanner_looked_at"] == before + 1, "it was looked at once")
            server.cli("file", "rescan")
            until(lambda: status(server)["scanner_looked_at"] >= before + 2, 20, "all are looked at again")
            until(lambda: status(server)["scanner_queued_low"] == 0 and status(server)["scanner_running"] == 0, 20, "and that ends")
            check(get(server, url)[0] == 200, "it is still served")
        tap.run("an operator has all files looked at again", ordered)

        def restart():
            server.stop()
            with open(os.path.join(server.dir, "yara", "new2.yar"), "w") as f:
                f.write('rule Gnu { strings: $a = "gnu in the dark" condition: $a }\n')
            server.start()
            a = Client(server, "anna", resource="r2").login(presence=True)
            body = b"nobody knows the gnu of the morning\n"
            url, _ = slot(a, "g.txt", len(body), "text/plain")
            check(put(server, url, body)[0] == 201 and get(server, url)[0] == 200, "served")
            server.stop()
            with open(os.path.join(server.dir, "yara", "new2.yar"), "w") as f:
                f.write('rule Gnu { strings: $a = "gnu of the morning" condition: $a }\n')
            server.start()
            until(lambda: get(server, url)[0] in (403, 410), 30, "looked at again after the start", step=0.1)
            server.assert_healthy()
        tap.run("rules that changed while no server ran count after its start", restart)
    clamd.kill()


def main():
    tap = Tap("scanner")
    if not PROGRAM:
        print("1..0 # SKIP clamd is not installed")
        return 0
    with Instance(users=["anna", "bob"], https=True, start=False) as server:
        clamd = RealClamd(server.top).start()
        server.extra = f"upload: {{ per_day: off }}\nscanner: {{ clamd: {clamd.path}, timeout: 8s }}\n"
        server.write_config()
        server.start()
        reader = Reader(server)
        reader.start()
        w = World(tap, server, reader)
        judged_by_clamd(w, clamd)
        clamd_in_trouble(w, clamd)
        scand_in_trouble(w)

        def never():
            reader.ends = True
            reader.join(10)
            check(reader.asked > 200, f"the reader has asked {reader.asked} times only")
            check(not any(BAD in b for bodies in reader.served.values() for b in bodies), "a bad file was served")
            check(all(len(bodies) == 1 for bodies in reader.served.values()), "a file was served in two shapes")
        tap.run("the reader, who asked all the while, has got nothing that was not judged", never)
        clamd.kill()
    with Instance(users=[], start=False) as place:
        without_server(tap, place.top)
        late(tap, place.top)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
