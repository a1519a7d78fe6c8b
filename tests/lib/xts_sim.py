"""Protocol scripts against the server on a simulated loop (tests/sim/xts_sim.c): a server for each script, virtual time."""
import os
import random
import shutil
import subprocess
import tempfile

from rawcomponent import SECRET
from rawxmpp import Client
from wardroom_test import PASSWORD, Failed, Server, die_with_parent, program
from xts_run import Skip
from xts_script import fast, section
from xts_session import Gate, Person

ASK_ALL = 5000		# virtual milliseconds that one waiting step takes at most
CONFIG = """domain: example.test
limits:
  messages_per_s: off
  bytes_per_s: off
  connections_per_address: off
  failed_logins_per_minute: off
"""


class Sim(Server):
    """The process."""
    host = peer = "simulated"

    def __init__(self, seed, users, config=fast(""), on_disk=False, contacts=(), roles=None):
        self.top = tempfile.mkdtemp(prefix="xts-sim-")
        path = self.config_path = os.path.join(self.top, "wardroom.yaml")
        self.configure(config)
        args = [program("xts_sim"), str(seed), path]
        if on_disk:
            os.mkdir(os.path.join(self.top, "data"), 0o700)
            args.append(os.path.join(self.top, "data"))
        self.err = open(os.path.join(self.top, "stderr.log"), "w+b")
        self.p = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.err, preexec_fn=die_with_parent)
        self.clients, self.now_ms, self.random = {}, 0, random.Random(seed)
        for u in users:
            if (roles or {}).get(u) == "new":
                continue
            self.ask(f"user {u} {(roles or {}).get(u, 'staff')} {PASSWORD}")
        for c in contacts:
            self.ask(f"contacts {c}")
        self.ask("start")

    def configure(self, config):
        with open(self.config_path, "w") as f:
            os.chmod(self.config_path, 0o600)
            f.write(CONFIG + config)

    def ask(self, line, data=b""):
        """One command; what arrives goes to its clients. True when something did."""
        try:
            self.p.stdin.write(line.encode() + b"\n" + data)
            self.p.stdin.flush()
        except BrokenPipeError:
            pass
        news = False
        while True:
            words = self.p.stdout.readline().split(b" ", 1)
            if words[0] == b"data":
                n, size = map(int, words[1].split())
                self.clients[n].arrived(self.p.stdout.read(size))
                news = True
            elif words[0] == b"end":
                self.clients[int(words[1])].ended()
                news = True
            elif words[0] == b"done":
                self.now_ms = int(words[1])
                return news
            else:
                self.p.wait(10)
                raise Failed(f"the simulation has ended ({self.p.returncode}): {words} {self.log()}")

    def log(self):
        self.err.seek(0)
        return self.err.read().decode("utf-8", "replace")[-1500:]

    def close(self):
        try:
            self.p.stdin.close()
        except BrokenPipeError:
            pass
        code = self.p.wait(20)
        self.p.stdout.close()
        text = self.log()
        self.err.close()
        shutil.rmtree(self.top, ignore_errors=True)
        if code:
            raise Failed(f"the simulation ended with {code}: {text}")


class Simulated:
    """The connection of a Client, in the simulation."""
    sim = number = None
    to_gateway = False

    def within(self, sim):
        self.sim = sim
        return self

    def now(self):
        return self.sim.now_ms / 1000

    def connect(self, direct=False, context=None, port=None):
        self.number = len(self.sim.clients)
        self.sim.clients[self.number] = self
        self.sim.ask(f"{'gateway' if self.to_gateway else 'open'} {self.number}")
        return self

    def secure(self, direct=True, context=None):
        self.connect()
        self.restart()
        return self

    def scram(self, mech="SCRAM-SHA-1", binding=None, user=None, tamper=None, nonce=None):
        super().scram(mech, binding, user, tamper, nonce or f"{self.sim.random.getrandbits(96):024x}")

    def send(self, data):
        if isinstance(data, str):
            data = data.encode()
        if not self.eof and self.number is not None:
            self.sim.ask(f"send {self.number} {len(data)}", data)

    def arrived(self, data):
        self._got(data)

    def ended(self):
        self.eof = True

    def take(self):
        return not self.eof

    def pump(self, seconds=0.0):
        return not self.eof and self.sim.ask(f"run {max(1, int(min(seconds * 1000, ASK_ALL)))}")

    def close(self):
        if not self.eof and self.number is not None:
            self.sim.ask(f"cut {self.number}")
        self.eof = True

    cut = close


class SimClient(Simulated, Client):
    def __init__(self, sim, user, resource):
        super().__init__(sim, user, resource=resource)
        self.within(sim)


class SimPerson(Simulated, Person):
    pass


class SimGate(Simulated, Gate):
    to_gateway = True


class SimWorld:
    slow = 1

    def __init__(self, seed):
        given = os.environ.get("WARDROOM_SEED")
        self.seed = seed if seed is not None else int(given) if given else random.SystemRandom().randrange(1, 2 ** 32)
        print(f"# seed {self.seed}: WARDROOM_SEED={self.seed} repeats it", flush=True)
        self.sim = None

    def names(self, script):
        d = "example.test"
        names = {u: f"{u}@{d}" for u in script.users}
        names.update({r: f"{r}@rooms.{d}" for r in script.rooms})
        names.update(domain=d, rooms=f"rooms.{d}", pubsub=f"pubsub.{d}")
        return names

    def begin(self, script):
        self.finish()
        if script.only and script.only != "sim":
            raise Skip(f"for {script.only} only: {script.because}")
        for s in script.steps:
            if s.verb in ("operator", "web", "accepts", "tls_is") or script.servers or "websocket" in (s.args.get("options") or ""):
                raise Skip(f"not in the simulation: {s.text}")
        on_disk = any(s.verb in ("restart", "restart_with") or "admin#restart" in s.block for s in script.steps)
        self.components = section(script, "example.test", SECRET)
        self.sim = Sim(self.seed, script.users, fast(script.config) + self.components, on_disk, roles=script.roles)
        self.sim.component_port = 0

    def client(self, account, resource, _websocket=False):
        return SimPerson(self.sim, account, resource=resource).within(self.sim)

    def gate(self, domain):
        return SimGate(self.sim, domain).within(self.sim)

    @staticmethod
    def needs_tls(_client):
        raise Skip("there is no TLS in the simulation")

    def comes_back(self):
        pass

    def restart(self, config=None):
        if config is not None:
            self.sim.configure(fast(config) + self.components)
        self.sim.ask("restart")

    def time(self, seconds):
        self.sim.ask(f"pass {seconds * 1000}")

    def finish(self):
        sim, self.sim = self.sim, None
        if sim:
            sim.close()

    def close(self):
        self.finish()
