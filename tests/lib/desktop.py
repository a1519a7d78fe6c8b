"""Programs with windows: a display that nobody sees (Xvfb), a message bus and a home of their own, an account without rights;
and a program that takes orders and tells what happens in lines of JSON (what runs inside it says how)."""
import asyncio
import json
import os
import shutil
import subprocess
import tempfile

from wardroom_test import SLOW, Failed, die_with_parent, kill

NOBODY = 65534		# who runs them when we are root: they refuse to, or should


def missing():
    for p in ("Xvfb", "dbus-daemon"):
        if not shutil.which(p):
            return f"{p} is not installed"
    return None


class Desktop:
    """env: what a program needs to find its display, bus and home."""

    def __init__(self):
        self.top = tempfile.mkdtemp(prefix="desktop-")
        os.chmod(self.top, 0o755)
        self.procs = []
        r, w = os.pipe()
        self.x = self.spawn(["Xvfb", "-displayfd", str(w), "-screen", "0", "1280x900x24", "-nolisten", "tcp"], pass_fds=(w,), stdout=subprocess.DEVNULL)
        os.close(w)
        number = os.fdopen(r).readline().strip()
        if not number:
            raise Failed("Xvfb does not start")
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "DISPLAY": f":{number}", "LC_ALL": "C.UTF-8", "GDK_BACKEND": "x11",
                    "GIO_USE_NETWORK_MONITOR": "base", "GSETTINGS_BACKEND": "memory", "GTK_A11Y": "none", "NO_AT_BRIDGE": "1",
                    "GIO_USE_VFS": "local", "PYTHONUNBUFFERED": "1", "GSK_RENDERER": "cairo", "LIBGL_ALWAYS_SOFTWARE": "1",
                    **{k: v for k, v in os.environ.items() if k in ("WARDROOM_XML", "G_MESSAGES_DEBUG")}}

    def home(self, name):
        """A new one, and the environment for a program that lives there; its bus is started, too."""
        path = os.path.join(self.top, name)
        for d in ("", "config", "data", "cache", "run"):
            os.makedirs(os.path.join(path, d), mode=0o700)
        env = {**self.env, "HOME": path, "XDG_CONFIG_HOME": path + "/config", "XDG_DATA_HOME": path + "/data", "XDG_CACHE_HOME": path + "/cache",
               "XDG_RUNTIME_DIR": path + "/run"}
        self.own(path)
        bus = self.spawn(["dbus-daemon", "--session", "--nofork", "--print-address=1"], env=env, stdout=subprocess.PIPE, **self.who())
        env["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().decode().strip()
        return path, env

    @staticmethod
    def who():
        return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}

    def own(self, path):
        """The program, which may not be who we are, can use what lies there."""
        if os.geteuid() == 0:
            for d, _, files in os.walk(path):
                for f in [d] + [os.path.join(d, x) for x in files]:
                    os.chown(f, NOBODY, NOBODY)

    def spawn(self, cmd, **how):
        p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stderr=how.pop("stderr", subprocess.DEVNULL), preexec_fn=die_with_parent, **how)
        self.procs.append(p)
        return p

    def close(self):
        for p in reversed(self.procs):
            if p.poll() is None:
                kill(p.pid)
            p.wait()
        if os.environ.get("WARDROOM_KEEP"):
            print(f"# kept: {self.top}")
        else:
            shutil.rmtree(self.top, ignore_errors=True)


class Puppet:
    """A program that is told what to do and says what it sees."""

    async def start(self, *cmd, env, cwd=None):
        self.seen, self.news = [], asyncio.Event()
        log = os.environ.get("WARDROOM_PUPPET_LOG")
        with open(log or os.devnull, "ab") as err:
            self.proc = await asyncio.create_subprocess_exec(*cmd, stdin=-1, stdout=-1, stderr=err, env=env, cwd=cwd, preexec_fn=die_with_parent,
                                                             limit=1 << 22, **Desktop.who())
        self.task = asyncio.get_running_loop().create_task(self.read())
        return self

    async def read(self):
        while line := await self.proc.stdout.readline():
            try:
                self.seen.append(json.loads(line))
            except ValueError:
                continue		# what the program prints of its own
            self.news.set()
        self.seen.append({"event": "ended"})
        self.news.set()

    def tell(self, do, **order):
        self.proc.stdin.write(json.dumps({"do": do, **order}).encode() + b"\n")

    async def wants(self, event, patience=20, **what):
        """Removes and returns the first event of that kind with those values."""
        end = asyncio.get_running_loop().time() + patience * SLOW
        while True:
            for i, e in enumerate(self.seen):
                if e["event"] == event and all(e.get(k) == v for k, v in what.items()):
                    return self.seen.pop(i)
                if e["event"] == "wrong":
                    raise Failed(f"{self.seen.pop(i)['text']}")
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), end - asyncio.get_running_loop().time())
            except asyncio.TimeoutError:
                raise Failed(f"no {event} {what}; seen {self.seen[-6:]}") from None

    async def ask(self, do, patience=20, **order):
        """The answer of an order that has one."""
        self.tell(do, **order)
        return (await self.wants("answer", patience, do=do))["value"]

    async def end(self):
        if self.proc.returncode is None:
            self.proc.kill()
            await self.proc.wait()
        self.task.cancel()
