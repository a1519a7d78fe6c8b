#!/usr/bin/env python3
"""Files up and down over TLS, beside nginx (PUT by its DAV module, GET) with the same certificate, on the same core.

    bench_files.py [--files N] [--mib M] [--runs R] [--at-once K] [--json FILE]

The web role alone, against a worker made of Python that says yes to everything (tests/lib/fakeworker.py): what is measured are bytes,
not verdicts. Each transfer has a connection of its own; the server is on core 0, the client on core 1. Printed are MiB a second and MiB
per second of the server's CPU time; nginx does not seal and does not wait for the disk. A benchmark, not a test.
"""
import argparse
import concurrent.futures
import json
import os
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from fakeworker import WebRole  # noqa: E402
from rawxmpp import tls_context  # noqa: E402
from wardroom_test import die_with_parent, free_ports  # noqa: E402

MIB = 1024 * 1024
CONTEXT = tls_context(("http/1.1",))


def cpu_s(pids):
    total = 0
    for p in pids:
        for t in os.listdir(f"/proc/{p}/task"):
            with open(f"/proc/{p}/task/{t}/schedstat") as f:
                total += int(f.read().split()[0])
    return total / 1e9


def transfer(port, head, want, body=None):
    buf = bytearray(MIB)
    raw = socket.create_connection(("127.0.0.1", port), 30)
    s = CONTEXT.wrap_socket(raw, server_hostname="example.test")
    s.sendall(head)
    if body is not None:
        s.sendall(body)
    n, first = 0, None
    while True:
        r = s.recv_into(buf)
        if not r:
            break
        if first is None:
            first = bytes(buf[:min(r, 800)])
        n += r
        if body is not None or n - (first.find(b"\r\n\r\n") + 4) >= want:
            break
    s.close()
    return first


def one(port, what, path, body, type):
    head = f"Host: example.test\r\nConnection: close\r\n"
    if what == "put":
        head = f"PUT {path} HTTP/1.1\r\n{head}Content-Type: {type}\r\nContent-Length: {len(body)}\r\n\r\n"
        first = transfer(port, head.encode(), 0, body)
        assert first.split()[1] in (b"201", b"204"), first
    else:
        first = transfer(port, f"GET {path} HTTP/1.1\r\n{head}\r\n".encode(), len(body))
        assert first.split()[1] == b"200", first


def measure(port, pids, paths, body, at_once, type="application/octet-stream"):
    """{"put": (MiB/s, MiB per CPU second), "get": ...}"""
    r, mib = {}, len(body) / MIB * len(paths)
    for what in ("put", "get"):
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            c0, t0 = cpu_s(pids), time.monotonic()
            list(pool.map(lambda p: one(port, what, p, body, type), paths))
            t = time.monotonic() - t0
            time.sleep(0.05)
            c = cpu_s(pids) - c0
        r[what] = (mib / t, mib / c)
    r["both"] = tuple(2 / (1 / r["put"][i] + 1 / r["get"][i]) for i in (0, 1))
    return r


class Nginx:
    def __init__(self, top, cert, key):
        self.port, = free_ports(1)
        os.makedirs(top + "/www/upload")
        os.makedirs(top + "/tmp")
        with open(top + "/nginx.conf", "w") as f:
            f.write(f"""daemon off; worker_processes 1; pid {top}/pid; error_log {top}/error.log; user root;
events {{ worker_connections 1000; }}
http {{ access_log off; client_body_temp_path {top}/tmp; client_max_body_size 0; sendfile on; tcp_nopush on;
server {{ listen 127.0.0.1:{self.port} ssl; ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols TLSv1.3; ssl_session_tickets off;
root {top}/www; location /upload/ {{ dav_methods PUT; create_full_put_path on; }} }} }}""")
        self.proc = subprocess.Popen(["taskset", "-c", "0", "nginx", "-c", top + "/nginx.conf", "-p", top], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     preexec_fn=die_with_parent)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        self.pids = [int(p) for p in open(f"/proc/{self.proc.pid}/task/{self.proc.pid}/children").read().split()]

    def stop(self):
        self.proc.terminate()
        self.proc.wait()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--files", type=int, default=20)
    ap.add_argument("--mib", type=float, default=10)
    ap.add_argument("--runs", type=int, default=5)
    ap.add_argument("--at-once", type=int, default=4)
    ap.add_argument("--json")
    ap.add_argument("--only")
    a = ap.parse_args()
    os.sched_setaffinity(0, {1} if os.cpu_count() > 1 else {0})
    body = secrets.token_bytes(int(a.mib * MIB))
    top = tempfile.mkdtemp(prefix="wardroom-bench-")
    runs = {"wardroom": [], "nginx": []}
    w = WebRole(at=top + "/w") if not os.makedirs(top + "/w") else None
    n = None
    try:
        w.stop()
        w.start_role(pin=0)
        if shutil.which("nginx") and a.only != "wardroom":
            n = Nginx(top, w.dir + "/tls/cert.pem", w.dir + "/tls/key.pem")
        for k in range(a.runs):
            slots = [w.worker.slot(len(body)) for _ in range(a.files)]
            runs["wardroom"].append(measure(w.https_port, [w.pid()], [s.path for s in slots], body, a.at_once))
            for p in w.spool():
                os.unlink(p)
            if n:
                runs["nginx"].append(measure(n.port, n.pids, [f"/upload/{k}-{i}" for i in range(a.files)], body, a.at_once))
                shutil.rmtree(top + "/www/upload")
                os.makedirs(top + "/www/upload")
    finally:
        w.stop()
        if n:
            n.stop()
        shutil.rmtree(top)
    out = {}
    for who, rs in runs.items():
        for what in ("put", "get", "both") if rs else ():
            wall, cpu = (statistics.median(r[what][i] for r in rs) for i in (0, 1))
            out[f"{who}_{what}"] = {"mib_per_s": round(wall), "mib_per_cpu_s": round(cpu)}
            print(f"{who:9} {what:5} {wall:7.0f} MiB/s {cpu:7.0f} MiB per CPU-s   ({', '.join(f'{r[what][1]:.0f}' for r in rs)})", flush=True)
    if n:
        for what in ("put", "get", "both"):
            # Run by run: what else the machine does changes slowly.
            share = [statistics.median(100 * x[what][i] / y[what][i] for x, y in zip(runs["wardroom"], runs["nginx"])) for i in (0, 1)]
            out[f"share_{what}"] = {"mib_per_s": round(share[0]), "mib_per_cpu_s": round(share[1])}
            print(f"{what:5} {share[0]:.0f} % of nginx's speed, {share[1]:.0f} % per CPU second", flush=True)
    if a.json:
        with open(a.json, "w") as f:
            json.dump(out, f, indent=1)


if __name__ == "__main__":
    sys.exit(main())
