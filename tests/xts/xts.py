#!/usr/bin/env python3
"""xts.py [--real | --sim] [--list] [--match WORD] [--seed N] [FILE...]: protocol scripts, one case each (HACKING.md).

--real  against wardroomd over TLS (the default)
--sim   against the same server on a simulated loop: no network, no waiting, one seed
"""
import argparse
import glob
import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from rawcomponent import SECRET  # noqa: E402
from rawws import http  # noqa: E402
from wardroom_test import SLOW, Failed, Tap, until  # noqa: E402
from xts_run import Run, Skip  # noqa: E402
from xts_script import Bad, Script, fast, section  # noqa: E402
from xts_session import Gate, Person, Stage, WebPerson  # noqa: E402


class RealWorld:
    """One instance for all scripts that need the same of it; each script has accounts of its own."""
    slow = SLOW

    def __init__(self, scripts):
        self.numbers = {s.name: n for n, s in enumerate(scripts, 1)}
        self.scripts, self.instances, self.server, self.script, self.now = scripts, {}, None, None, {}

    def names(self, script):
        n, d = self.numbers[script.name], "example.test"
        names = {u: f"{u}-{n}@{d}" for u in script.users}
        names.update({r: f"{r}-{n}@rooms.{d}" for r in script.rooms})
        names.update(domain=d, rooms=f"rooms.{d}", pubsub=f"pubsub.{d}")
        return names

    @staticmethod
    def key(script):
        return fast(script.config), section(script, "example.test", SECRET), tuple(sorted(script.servers)), script.needs_web()

    def begin(self, script):
        if script.only and script.only != "real":
            raise Skip(f"for {script.only} only: {script.because}")
        self.script, key = script, self.key(script)
        if key not in self.instances:
            users, roles = [], {}
            for s in self.scripts:
                if self.key(s) == key:
                    users += [f"{u}-{self.numbers[s.name]}" for u in s.users]
                    roles.update({f"{u}-{self.numbers[s.name]}": s.roles[u] for u in s.users})
            self.instances[key] = Stage(users, roles, key[1], key[2], key[3], key[0])
        self.server = self.instances[key]
        if not self.server.alive():
            self.server.start()

    def client(self, account, resource, websocket=False):
        return (WebPerson if websocket else Person)(self.server, account, resource=resource)

    def gate(self, domain):
        return Gate(self.server, domain)

    def elsewhere(self, name, cert):
        return self.server.elsewhere(name, cert)

    def accept(self, name):
        return self.server.near.doors[name].accept()

    def needs_tls(self, _client):
        pass

    def web(self, method, path):
        status, head, body, _ = http(self.server, f"{method} {path} HTTP/1.1\r\nHost: {self.server.domain}\r\n\r\n")
        return status, head, body

    def comes_back(self):
        def answers():
            with socket.socket() as s:
                return s.connect_ex((self.server.host, self.server.tls_port)) == 0
        until(answers, 15, "the server listens again")

    def restart(self, config=None):
        self.server.stop()
        if config is not None:
            self.server.write_config(self.server.config_text().replace(self.server.extra, fast(config)))
            self.instances = {k: v for k, v in self.instances.items() if v is not self.server}
            self.now[self.script.name] = self.server		# nobody else's any more
        self.server.start()

    def time(self, seconds):
        if seconds > 2:
            raise Skip("takes its time: in simulation only")
        import time
        time.sleep(seconds)

    def operator(self, args):
        self.server.cli(*args.split())

    def finish(self):
        self.server.assert_healthy()

    def close(self):
        for i in [*self.instances.values(), *self.now.values()]:
            i.close()


def read(files, match):
    scripts = []
    for f in files or sorted(glob.glob(os.path.join(HERE, "*.xts"))):
        s = Script(os.path.relpath(f) if len(os.path.relpath(f)) < len(f) else f)
        if not match or match in s.name or match in s.title:
            scripts.append(s)
    return scripts


def one(tap, world, script):
    name = f"{script.name}: {script.title}"
    if not tap.wants(name):
        return
    try:
        world.begin(script)
        Run(script, world).run()
        world.finish()
    except Skip as e:
        tap.skip(name, str(e))
    except Failed as e:
        tap.ok(name, False, str(e).split("\n")[0] + " " + "".join(str(e).split("\n")[1:2]))
        for line in str(e).split("\n"):
            print(f"#   {line}")
        sys.stdout.flush()
    except Exception as e:	# noqa: BLE001 - the runner's own fault
        tap.ok(name, False, f"{type(e).__name__}: {e}")
        import traceback
        for line in traceback.format_exc().split("\n"):
            print(f"#   {line}")
    else:
        tap.ok(name)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--real", action="store_true")
    p.add_argument("--sim", action="store_true")
    p.add_argument("--list", action="store_true", help="name, title and rule of each script")
    p.add_argument("--match", metavar="WORD", help="scripts whose name or title holds it")
    p.add_argument("--seed", type=int, help="of the simulation; $WARDROOM_SEED likewise")
    p.add_argument("files", nargs="*")
    how = p.parse_args()
    try:
        scripts = read(how.files, how.match)
    except Bad as e:
        print(e, file=sys.stderr)
        return 2
    if how.list:
        for s in scripts:
            print(f"{s.name:34} {s.title}\n{'':34} {s.rule}")
        return 0
    tap = Tap(f"protocol scripts ({'simulated' if how.sim else 'real'})")
    if how.sim:
        from xts_sim import SimWorld
        world = SimWorld(how.seed)
    else:
        world = RealWorld([s for s in scripts if tap.wants(f"{s.name}: {s.title}")])
    try:
        for s in scripts:
            one(tap, world, s)
    finally:
        world.close()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
