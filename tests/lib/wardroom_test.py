"""Black-box tests: an instance of the server to test against, and the small protocol of results (TAP).

Nothing here knows how the server works inside; it follows the operator's interface: the programs, their
options, wardroom.yaml and the line `ready`. Everything runs on loopback, in a temporary folder, on ports
that were free a moment ago, and ends the processes it started, by their own id.

Environment: WARDROOM_BUILD (default: build/ of the project), WARDROOM_SHARED (default: ../shared),
WARDROOM_PEER=prosody (check the drivers themselves against another server), WARDROOM_KEEP=1 (keep the folder).
"""
import ctypes
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("WARDROOM_BUILD", os.path.join(ROOT, "build"))
SHARED = os.environ.get("WARDROOM_SHARED", os.path.join(os.path.dirname(ROOT), "shared"))
PASSWORD = "correct horse battery"
SKIP = 77
SANITIZER_MARKS = ("ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer", "SUMMARY: UndefinedBehavior",
                   "worker.crashed", "web.crashed", "web.broken")	# the supervisor starts it again; a test must see it all the same
SLOW = float(os.environ.get("WARDROOM_TEST_SLOWER", "1"))	# multiplies every patience
PATIENCE_XTS = 5.0	# seconds that a protocol script waits for a stanza


class Failed(Exception):
    """What was expected did not come; the text says what came instead."""


class Tap:
    """Prints `ok N - name` and `not ok N - name # why`; the plan comes last."""

    def __init__(self, title):
        self.title, self.n, self.bad, self.started = title, 0, 0, time.monotonic()
        self.only = os.environ.get("WARDROOM_ONLY")

    def wants(self, name):
        return not self.only or any(part in name for part in self.only.split(","))

    def ok(self, name, good=True, why=""):
        self.n += 1
        name = name.replace("#", "no.")
        if good:
            print(f"ok {self.n} - {name}", flush=True)
        else:
            self.bad += 1
            print(f"not ok {self.n} - {name} # {one_line(why)}", flush=True)
        return good

    def skip(self, name, why):
        self.n += 1
        print(f"ok {self.n} - {name} # SKIP {one_line(why)}", flush=True)

    def run(self, name, test, *args):
        """Runs test(*args): any exception is a failure."""
        if not self.wants(name):
            return None
        t0 = time.monotonic()
        try:
            test(*args)
        except Failed as e:
            good, why = False, str(e)
        except Exception as e:	# noqa: BLE001 - a driver's own fault must be seen, too
            tb = e.__traceback__
            while tb.tb_next:
                tb = tb.tb_next
            good, why = False, f"{type(e).__name__}: {e} ({os.path.basename(tb.tb_frame.f_code.co_filename)}:{tb.tb_lineno})"
        else:
            good, why = True, ""
        took = time.monotonic() - t0
        if took > 5:
            print(f"# {name}: {took:.1f} s", flush=True)
        return self.ok(name, good, why)

    def end(self):
        print(f"1..{self.n}")
        print(f"# {self.title}: {self.n - self.bad} passed, {self.bad} failed, "
              f"{time.monotonic() - self.started:.1f} s", flush=True)
        return 1 if self.bad else 0


def one_line(text, limit=600):
    text = " ".join(str(text).split())
    return text if len(text) <= limit else text[:limit] + " ..."


def skip_all(why):
    print(f"1..0 # SKIP {why}", flush=True)
    sys.exit(0 if "WARDROOM_UNDER_MESON" in os.environ else SKIP)	# Meson reads the plan, others the status


def check(good, why):
    if not good:
        raise Failed(why)


def until(test, seconds, what, step=0.02):
    """Asks test() until it is true; its last value is returned."""
    end = time.monotonic() + seconds * SLOW
    while True:
        v = test()
        if v:
            return v
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds:g} s")
        time.sleep(step)


def free_ports(n):
    held = []
    for _ in range(n):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 0))
        held.append(s)
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def program(name):
    """Path of a built program."""
    for pattern in (name, f"*/{name}", f"*/*/{name}", f"*/*/*/{name}"):
        for p in sorted(glob.glob(os.path.join(BUILD, pattern))):
            if os.path.isfile(p) and os.access(p, os.X_OK):
                return p
    skip_all(f"{name} is not built in {os.path.basename(BUILD)}/")


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)	# PR_SET_PDEATHSIG: nothing survives a test that dies


def descendants(pid):
    """The process and all below it that are alive."""
    found, todo = [], [pid]
    while todo:
        p = todo.pop()
        found.append(p)
        for f in glob.glob(f"/proc/{p}/task/*/children"):
            try:
                with open(f) as fh:
                    todo += [int(c) for c in fh.read().split()]
            except OSError:
                pass
    return found


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Server:
    """What a client needs to know; subclasses start and stop."""
    domain, host, port, tls_port, peer = "example.test", "127.0.0.1", 0, 0, "wardroom"

    def jid(self, user):
        return f"{user}@{self.domain}"


class Instance(Server):
    """A wardroomd with its own folder. `users`: names, all with PASSWORD (or a dict name -> password)."""

    def __init__(self, users=(), limits=None, extra="", domain="example.test", at=None, start=True, prefix="wardroom-",
                 component=False, https=False, strangers=None):
        self.domain = domain
        self.top = at or tempfile.mkdtemp(prefix=prefix)
        self.own_top = at is None
        self.dir = os.path.join(self.top, "instance")
        self.proc = None
        self.log_path = os.path.join(self.top, "stderr.log")
        self.out_path = os.path.join(self.top, "stdout.log")
        self.port, self.tls_port, self.component_port, self.https_port = free_ports(4)
        if not https:
            self.https_port = 0
        if not component:
            self.component_port = 0
        self.limits = {"messages_per_s": "off", "bytes_per_s": "off", "connections_per_address": "off",
                       "failed_logins_per_minute": "off"}
        self.limits.update(limits or {})
        self.extra = extra
        self.start_ms = None
        self.cli("init", "--domain", domain, "--listen", "127.0.0.1", "--c2s", str(self.port), "--c2s-tls",
                 str(self.tls_port), "--s2s", "0", "--component", "0", "--https", "0")
        self.write_config()
        if strangers:	# what policy.yaml does with people outside whom nobody knows: allow, request
            path = os.path.join(self.dir, "policy.yaml")
            with open(path) as f:
                text = f.read()
            for who in ("outsiders", "gateways"):
                check(f"{who}: request" in text, f"policy.yaml says nothing of {who}")
                text = text.replace(f"{who}: request", f"{who}: {strangers}")
            with open(path, "w") as f:
                f.write(text)
        if users:
            self.add_users(users)
        if start:
            self.start()

    def cafile(self):
        return os.path.join(self.dir, "tls", "cert.pem")

    def config_text(self):
        limits = "".join(f"  {k}: {v}\n" for k, v in self.limits.items())
        return (f"domain: {self.domain}\n"
                f"listen: {{ address: 127.0.0.1, c2s: {self.port}, c2s_tls: {self.tls_port}, s2s: 0, "
                f"component: {self.component_port}, https: {self.https_port} }}\n"
                f"limits:\n{limits}{self.extra}")

    def write_config(self, text=None):
        path = os.path.join(self.dir, "wardroom.yaml")
        mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o600
        text = text or self.config_text()
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o600 if " secret: " in text else mode)

    def add_users(self, users):
        pairs = users.items() if isinstance(users, dict) else [(u, PASSWORD) for u in users]
        path = os.path.join(self.top, "import.tsv")
        with open(path, "w") as f:
            os.chmod(path, 0o600)
            for name, password in pairs:
                f.write(f"{name if '@' in name else self.jid(name)}\t{password}\n")
        self.cli("user", "import", path, timeout=120 + len(pairs) // 20)	# a PBKDF2 for each, on all cores
        os.unlink(path)

    def cli(self, *args, want=0, timeout=120, stdin=None):
        """Runs `wardroom --dir DIR args...`; returns standard output. want: exit status, or None for any."""
        p = self.cli_run(*args, timeout=timeout, stdin=stdin)
        if want is not None and p.returncode != want:
            raise Failed(f"wardroom {' '.join(args)}: exit {p.returncode}, wanted {want}: {one_line(p.stderr + p.stdout)}")
        return p.stdout

    def cli_run(self, *args, timeout=120, stdin=None):
        return subprocess.run([program("wardroom"), "--dir", self.dir, *args], capture_output=True, text=True,
                              timeout=timeout * SLOW, input=stdin if stdin is not None else "")

    def json(self, *args, **kw):
        out = self.cli(*args, "--json", **kw)
        try:
            return json.loads(out)
        except ValueError:
            # JSON Lines are JSON, too
            try:
                return [json.loads(line) for line in out.splitlines() if line.strip()]
            except ValueError:
                raise Failed(f"wardroom {' '.join(args)} --json: not JSON: {one_line(out, 200)}") from None

    def spawn(self, *args, out=None, err=None, pin=None):
        cmd = [program("wardroomd"), "--dir", self.dir, *args]
        if pin is not None:
            cmd = ["taskset", "-c", str(pin), *cmd]
        return subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=out, stderr=err, preexec_fn=die_with_parent)

    def start(self, patience=15, pin=None):
        """Starts it and waits for `ready`."""
        check(self.proc is None, "already started")
        t0 = time.monotonic()
        with open(self.log_path, "ab") as err:
            self.proc = self.spawn(out=subprocess.PIPE, err=err, pin=pin)
        os.set_blocking(self.proc.stdout.fileno(), False)
        got = b""
        end = t0 + patience * SLOW
        while b"ready\n" not in got:
            try:
                more = os.read(self.proc.stdout.fileno(), 4096)
            except BlockingIOError:
                more = None
            if more:
                got += more
                continue
            if self.proc.poll() is not None:
                code, self.proc = self.proc.returncode, None
                raise Failed(f"wardroomd ended with {code} at start: {self.log_tail()}")
            if time.monotonic() > end:
                raise Failed(f"wardroomd did not print ready within {patience} s: {self.log_tail()}")
            time.sleep(0.001)
        self.start_ms = (time.monotonic() - t0) * 1000

    def log(self):
        try:
            with open(self.log_path, "rb") as f:
                return f.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def log_tail(self, n=500):
        return one_line(self.log()[-n:])

    def alive(self):
        return self.proc is not None and self.proc.poll() is None

    def pids(self):
        return descendants(self.proc.pid) if self.alive() else []

    def sanitizer_report(self):
        text = self.log()
        for mark in SANITIZER_MARKS:
            at = text.find(mark)
            if at >= 0:
                return one_line(text[at:at + 900], 900)
        return None

    def assert_healthy(self):
        check(self.alive(), f"the server has ended ({self.proc and self.proc.returncode}): {self.log_tail()}")
        r = self.sanitizer_report()
        check(not r, f"sanitizer: {r}")

    def stop(self, patience=20):
        """SIGTERM; returns the exit status. Killed when it does not obey."""
        if self.proc is None:
            return None
        p, self.proc = self.proc, None
        family = descendants(p.pid)
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
            try:
                p.wait(patience * SLOW)
            except subprocess.TimeoutExpired:
                pass
        status = p.poll()
        for pid in family:
            if pid != p.pid and is_running(pid) or pid == p.pid and status is None:
                kill(pid)
        p.wait()
        p.stdout.close()
        return status

    def kill9(self):
        """SIGKILL to all its processes at once."""
        p, self.proc = self.proc, None
        family = descendants(p.pid)
        for pid in family:
            kill(pid)
        p.wait()
        p.stdout.close()
        for pid in family:
            until(lambda: not is_running(pid), 5, "process gone after SIGKILL", 0.001)

    def reload(self):
        self.proc.send_signal(signal.SIGHUP)

    def close(self):
        self.stop(5)
        if self.own_top:
            if os.environ.get("WARDROOM_KEEP"):
                print(f"# kept: {self.top}")
            else:
                shutil.rmtree(self.top, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Prosody(Server):
    """Another server on loopback, to check the drivers themselves. Same use as Instance."""
    peer = "prosody"

    def __init__(self, users=(), limits=None, extra="", domain="example.test", start=True, **_):
        if not shutil.which("prosody"):
            skip_all("prosody is not installed")
        self.domain, self.proc = domain, None
        self.top = tempfile.mkdtemp(prefix="prosody-")
        self.port, self.tls_port = free_ports(2)
        host = os.path.join(self.top, "data", domain.replace(".", "%2e"), "accounts")
        os.makedirs(host)
        for u in users:
            pw = users[u] if isinstance(users, dict) else PASSWORD
            with open(os.path.join(host, f"{u}.dat"), "w") as f:
                f.write(f'return {{ ["password"] = "{pw}"; }};\n')
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                        "30", "-subj", f"/CN={domain}", "-addext", f"subjectAltName=DNS:{domain}", "-keyout",
                        f"{self.top}/key.pem", "-out", f"{self.top}/cert.pem"], check=True, capture_output=True)
        with open(f"{self.top}/prosody.cfg.lua", "w") as f:
            f.write(f'''run_as_root = true
pidfile = "{self.top}/prosody.pid"
data_path = "{self.top}/data"
network_backend = "epoll"
interfaces = {{ "127.0.0.1" }}
modules_enabled = {{ "disco"; "roster"; "saslauth"; "tls"; "blocklist"; "carbons"; "private"; "vcard_legacy"; "pep"; "ping";
 "time"; "version"; "csi_simple"; "posix"; "mam"; "smacks"; "bookmarks"; "vcard4" }}
modules_disabled = {{ "s2s"; "limits" }}
c2s_require_encryption = true
c2s_ports = {{ {self.port} }}
c2s_direct_tls_ports = {{ {self.tls_port} }}
s2s_ports = {{}}
authentication = "internal_plain"
storage = "internal"
default_archive_policy = true
log = {{ info = "{self.top}/prosody.log" }}
ssl = {{ certificate = "{self.top}/cert.pem"; key = "{self.top}/key.pem"; }}
c2s_direct_tls_ssl = {{ certificate = "{self.top}/cert.pem"; key = "{self.top}/key.pem"; }}
VirtualHost "{domain}"
Component "rooms.{domain}" "muc"
 modules_enabled = {{ "muc_mam"; "vcard_muc" }}
''')
        if start:
            self.start()

    def start(self):
        with open(f"{self.top}/out.log", "ab") as out:
            self.proc = subprocess.Popen(["prosody", "--config", f"{self.top}/prosody.cfg.lua", "-F"], stdout=out, stderr=out,
                                         stdin=subprocess.DEVNULL, cwd=f"{self.top}/data", preexec_fn=die_with_parent)

        def answers():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.tls_port)) == 0
        until(answers, 15, "prosody listens")

    def cafile(self):
        return f"{self.top}/cert.pem"

    def alive(self):
        return self.proc.poll() is None

    def log(self):
        with open(f"{self.top}/prosody.log") as f:
            return f.read()

    def sanitizer_report(self):
        return None

    def assert_healthy(self):
        check(self.alive(), "prosody has ended")

    def stop(self, *_):
        if self.proc:
            self.proc.terminate()
            self.proc.wait(10)
            self.proc = None

    def kill9(self):
        self.proc.kill()
        self.proc.wait()
        self.proc = None

    def close(self):
        self.stop()
        shutil.rmtree(self.top, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def new_server(**kw):
    """The server under test: Wardroom, or the peer that WARDROOM_PEER names."""
    return Prosody(**kw) if os.environ.get("WARDROOM_PEER") == "prosody" else Instance(**kw)
