#!/usr/bin/env python3
"""What chat feels while 50 uploads run: latencies of messages without and with them, in turns.

    bench_files_chat.py [--uploads 50] [--rate MSGS_PER_S] [--pace KIB_PER_S] [--turns N] [--pin] [--json FILE]

xmppload sends at a fixed rate (open loop, from the scheduled time), so what delays a message is seen. The uploads take no verdict: the web
role runs against a worker made of Python (tests/lib/fakeworker.py), beside the server and on the same disk, so what is measured is
what bytes cost; --pace 0: as fast as they can. --pin: the server on core 0, all clients on core 1. A benchmark, not a test.
"""
import argparse
import json
import os
import secrets
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from bench import PW, build_load, load  # noqa: E402
from bench_files import CONTEXT, MIB  # noqa: E402
from fakeworker import WebRole  # noqa: E402
from wardroom_test import Instance, die_with_parent  # noqa: E402
import socket  # noqa: E402

PIECE = 64 * 1024


def uploader(w, pace, stop, count):
    """Uploads of 10 MiB, one after the other; the spool is emptied behind them."""
    body = memoryview(secrets.token_bytes(10 * MIB))
    while not stop.is_set():
        slot = w.worker.slot(len(body))
        s = CONTEXT.wrap_socket(socket.create_connection(("127.0.0.1", w.https_port), 30), server_hostname=w.domain)
        s.sendall(f"PUT {slot.path} HTTP/1.1\r\nHost: {w.domain}\r\nContent-Type: {slot.type}\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        t0 = time.monotonic()
        for at in range(0, len(body), PIECE):
            if stop.is_set():
                break
            s.sendall(body[at:at + PIECE])
            count[0] += PIECE
            if pace:
                ahead = t0 + (at + PIECE) / (pace * 1024) - time.monotonic()
                if ahead > 0:
                    time.sleep(ahead)
        else:
            s.recv(1000)
        s.close()
        for p in w.spool():
            if p.endswith(slot.id):
                os.unlink(p)


def uploads(w, n, pace, ready):
    """A process of its own: its work is not to be mistaken for the server's."""
    die_with_parent()
    os.nice(10)
    stop, count = threading.Event(), [0]
    threads = [threading.Thread(target=uploader, args=(w, pace, stop, count)) for _ in range(n)]
    for t in threads:
        t.start()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    t0 = time.monotonic()
    os.write(ready, b"+")
    while not stop.wait(0.2):		# the signal may be taken by a thread that does not wake this one
        pass
    took, sent = time.monotonic() - t0, count[0]
    for t in threads:
        t.join()
    os.write(ready, f"{sent / MIB / took:.0f}".encode())
    os._exit(0)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--uploads", type=int, default=50)
    ap.add_argument("--rate", type=int, default=500)
    ap.add_argument("--pace", type=int, default=1024)
    ap.add_argument("--turns", type=int, default=5)
    ap.add_argument("--seconds", type=int, default=6)
    ap.add_argument("--pin", action="store_true")
    ap.add_argument("--json")
    a = ap.parse_args()
    top = tempfile.mkdtemp(prefix="wardroom-bench-")
    bench = build_load(top)
    i = Instance(users={f"u{n:06}": PW for n in range(1, 101)}, domain="bench.example", start=False)
    found = {False: [], True: []}
    speeds = []
    try:
        i.start(pin=0 if a.pin else None)
        for turn in range(a.turns):
            for busy in (False, True) if turn % 2 == 0 else (True, False):
                pid = w = None
                if busy:		# the worker made of Python lives in the process of the uploads
                    r, wr = os.pipe()
                    pid = os.fork()
                    if pid == 0:
                        w = WebRole()
                        w.stop()
                        w.start_role(pin=0 if a.pin else None)
                        uploads(w, a.uploads, a.pace, wr)
                    os.read(r, 1)
                    time.sleep(1)
                x = load(bench, "msg", i.tls_port, i.domain, i.pids(), "--clients", 50, "--body", 100, "--duration", a.seconds, "--rate", a.rate, "--mech", "sha1")
                found[busy].append(x)
                if busy:
                    os.kill(pid, signal.SIGTERM)
                    speeds.append(int(os.read(r, 10) or b"0"))
                    os.waitpid(pid, 0)
                    os.close(r)
                    os.close(wr)
                print(f"{'uploads' if busy else 'quiet  '} p50 {x['lat_p50_ms']:7.2f}  p95 {x['lat_p95_ms']:7.2f}  p99 {x['lat_p99_ms']:7.2f} ms"
                      + (f"   {speeds[-1]} MiB/s" if busy else ""), flush=True)
    finally:
        i.stop()
        shutil.rmtree(top)
    out = {"upload_mib_per_s": statistics.median(speeds)}
    for k in ("lat_p50_ms", "lat_p95_ms", "lat_p99_ms"):
        q, b = (statistics.median(x[k] for x in found[busy]) for busy in (False, True))
        out[k] = {"quiet": q, "uploads": b, "more_pct": round(100 * (b / q - 1))}
        print(f"{k}: {q:.2f} quiet, {b:.2f} with uploads: {100 * (b / q - 1):+.0f} %", flush=True)
    if a.json:
        with open(a.json, "w") as f:
            json.dump(out, f, indent=1)


if __name__ == "__main__":
    sys.exit(main())
