#!/usr/bin/env python3
"""Speed and memory, measured with ../shared/bench/xmppload: the server on core 0, the load generator on core 1.

    bench.py [--quick] [--peers] [--json FILE]
    bench.py --sessions N [--json FILE]		only: memory of so many idle sessions

Prints messages a second and per server-CPU-second (archive and inspection on), logins per server-CPU-second, KiB per
idle session, time to start and memory at rest. --peers: the same for Prosody and ejabberd where they are installed.
Figures are medians of three runs. This is a benchmark, not a test: it fails only when a run is not "ok".
"""
import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from wardroom_test import SHARED, Failed, Instance, one_line, skip_all  # noqa: E402

PW = "benchpass"
TARGETS = {"msg_per_cpu_s": (">=", 15000), "idle_kib": ("<=", 20), "login_per_cpu_s": (">=", 1500), "start_ms": ("<=", 100), "idle_pss_mib": ("<=", 25)}
LABELS = {"msg_per_s": "messages/s", "msg_per_cpu_s": "messages per server-CPU-s", "msg_cpu_share": "server core busy, %", "login_per_s": "logins/s",
          "login_per_cpu_s": "logins per server-CPU-s", "idle_kib": "KiB per idle session (PSS)", "start_ms": "start, ms", "idle_pss_mib": "memory at rest, MiB (PSS)"}


def pss_kib(pids):
    total = 0
    for p in pids:
        with open(f"/proc/{p}/smaps_rollup") as f:
            total += int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M).group(1))
    return total


def build_load(top):
    src = os.path.join(SHARED, "bench")
    if not os.path.isdir(os.path.join(src, "xmppload")):
        skip_all("../shared/bench is not here")
    shutil.copytree(src, top + "/bench")
    p = subprocess.run(["make", "-C", top + "/bench/xmppload"], capture_output=True, text=True)
    if p.returncode:
        skip_all(f"xmppload does not build: {one_line(p.stderr)}")
    return top + "/bench"


def load(bench, mode, port, domain, pids, *args, patience=600):
    cmd = ["taskset", "-c", "1", bench + "/xmppload/xmppload", mode, "--json", "--port", str(port), "--domain", domain, "--password", PW,
           "--pid", ",".join(map(str, pids)), *map(str, args)]
    p = subprocess.run(cmd, capture_output=True, text=True, timeout=patience)
    try:
        r = json.loads(p.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise Failed(f"xmppload {mode}: exit {p.returncode}: {one_line(p.stderr + p.stdout)}") from None
    if r.get("ok") != "yes":
        print(f"# xmppload {mode} is not ok: {one_line(p.stdout, 1500)} {one_line(p.stderr)}", flush=True)
        load.bad += 1
    return r


load.bad = 0


def pick(r, *parts):
    """The figure whose name contains these parts."""
    for k, v in r.items():
        if all(x in k for x in parts) and isinstance(v, (int, float)):
            return v
    raise Failed(f"no figure {parts} in {r}")


def median(values):
    return statistics.median(values)


def measure(bench, server, accounts, reps, dur):
    """server: start() -> (port, pids, start in ms), stop()."""
    out, raw = {}, []
    starts, rest = [], []
    for _ in range(reps):
        port, pids, ms = server.start()
        starts.append(ms)
        time.sleep(2)
        rest.append(pss_kib(pids()) / 1024)
        server.stop()
    out["start_ms"], out["idle_pss_mib"] = median(starts), median(rest)
    port, pids, _ = server.start()
    runs = [load(bench, "msg", port, server.domain, pids(), "--clients", 100, "--body", 100, "--duration", dur, "--mech", "sha1") for _ in range(reps)]
    raw += runs
    out["msg_per_s"] = median([pick(r, "msgs_per_s") for r in runs])
    out["msg_per_cpu_s"] = median([pick(r, "msgs_per_srv_cpu_s") for r in runs])
    out["msg_cpu_share"] = 100 * out["msg_per_s"] / out["msg_per_cpu_s"]
    server.stop()
    port, pids, _ = server.start()
    runs = [load(bench, "login", port, server.domain, pids(), "--clients", 300, "--rounds", 2, "--concurrency", 16, "--mech", "sha1") for _ in range(reps)]
    raw += runs
    out["login_per_s"] = median([pick(r, "logins_per_s") for r in runs])
    out["login_per_cpu_s"] = median([pick(r, "logins_per_srv_cpu_s") for r in runs])
    server.stop()
    values = []
    for _ in range(1 if reps == 1 else 2):
        port, pids, _ = server.start()
        r = load(bench, "idle", port, server.domain, pids(), "--clients", accounts, "--concurrency", 16, "--hold", 5)
        raw.append(r)
        values.append(pick(r, "pss", "per_session"))
        server.stop()
    out["idle_kib"] = median(values)
    return out, raw


class Ours:
    domain, name = "bench.example", "Wardroom"

    def __init__(self, accounts, extra=""):
        self.i = Instance(users={f"u{n:06}": PW for n in range(1, accounts + 1)}, domain=self.domain, start=False, extra=extra)

    def start(self):
        self.i.start(pin=0)
        return self.i.tls_port, self.i.pids, self.i.start_ms

    def stop(self):
        self.i.stop()

    def close(self):
        self.i.close()


class Peer:
    domain = "bench.example"

    def __init__(self, bench, script, name, accounts, port, **env):
        self.ctl, self.name, self.port = [f"{bench}/peers/{script}.sh"], name, port
        self.env = dict(os.environ, CPUS="0", BENCH_STATE=bench + "/state", PASSWORD=PW, **env)
        self.run("start")
        self.run("accounts", str(accounts))
        self.run("stop")

    def run(self, *args):
        p = subprocess.run(self.ctl + list(args), env=self.env, capture_output=True, text=True, timeout=900)
        if p.returncode:
            raise Failed(f"{self.name} {args[0]}: {one_line(p.stderr + p.stdout)}")
        return p.stdout

    def start(self):
        ms = int(re.search(r"startup_ms (\d+)", self.run("start")).group(1))
        return self.port, lambda: [int(x) for x in self.run("pid").strip().split(",")], ms

    def stop(self):
        self.run("stop")

    def close(self):
        self.run("wipe")


def idle_crowd(bench, n, accounts=None):
    """n idle sessions with presence. One source address has some 28,000 ports; the verifiers are made with few rounds of PBKDF2, which
    an idle session does not know of. A process may have as many sockets as its hard limit says: less than that is asked for, if need be."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100
    if n > most:
        print(f"# {n} sessions wanted; the limit of open files here lets a process have {most}", flush=True)
        n = most
    s = Ours(n, "auth: { scram_iterations: 4096 }\n")
    try:
        port, pids, _ = s.start()
        before = pss_kib(pids())
        r = load(bench, "idle", port, s.domain, pids(), "--clients", n, "--concurrency", 32, "--hold", 10, "--src", 4, "--max-time", 900, patience=1200)
        print(f"{n} idle sessions: {pick(r, 'pss', 'per_session'):.1f} KiB (PSS) each, wanted <= {TARGETS['idle_kib'][1]}; the server at rest had {before} KiB")
        return r
    finally:
        s.close()


def table(results):
    names = list(results)
    print(f"{'':34}" + "".join(f"{n:>18}" for n in names) + f"{'wanted':>14}")
    for k, label in LABELS.items():
        row = "".join(f"{results[n][k]:>18,.1f}" if k in ("idle_kib", "idle_pss_mib") else f"{results[n][k]:>18,.0f}" for n in names)
        want = f"{TARGETS[k][0]} {TARGETS[k][1]:,}" if k in TARGETS else ""
        print(f"{label:34}{row}{want:>14}")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--quick", action="store_true", help="one run each, 300 sessions")
    ap.add_argument("--peers", action="store_true", help="also Prosody and ejabberd, where installed")
    ap.add_argument("--sessions", type=int, help="measure only the memory of so many idle sessions")
    ap.add_argument("--json", help="append all figures of the load generator to this file")
    a = ap.parse_args()
    if not shutil.which("taskset") or (os.cpu_count() or 1) < 2:
        skip_all("two cores are needed: one for the server, one for the load generator")
    t0 = time.monotonic()
    accounts, reps, dur = (300, 1, 3) if a.quick else (2000, 3, 8)
    top = tempfile.mkdtemp(prefix="wardroom-bench-")
    results = {}
    try:
        bench = build_load(top)
        if a.sessions:
            raw = idle_crowd(bench, a.sessions)
            if a.json:
                with open(a.json, "a") as f:
                    f.write(json.dumps({"server": "Wardroom", **raw}) + "\n")
            return 1 if load.bad else 0
        makers = [lambda: Ours(accounts)]
        if a.peers:
            if shutil.which("prosody"):
                makers.append(lambda: Peer(bench, "prosody", "Prosody", accounts, 15223, MAM="internal"))
            if shutil.which("ejabberdctl"):
                makers.append(lambda: Peer(bench, "ejabberd", "ejabberd", accounts, 16223, MAM="internal"))
        for make in makers:
            s = make()
            try:
                results[s.name], raw = measure(bench, s, accounts, reps, dur)
            finally:
                s.close()
            if a.json:
                with open(a.json, "a") as f:
                    for r in raw:
                        f.write(json.dumps({"server": s.name, **r}) + "\n")
    finally:
        shutil.rmtree(top, ignore_errors=True)
    table(results)
    print(f"bench: {time.monotonic() - t0:.0f} s")
    return 1 if load.bad else 0


if __name__ == "__main__":
    sys.exit(main())
