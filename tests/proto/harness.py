"""The judge of the security cases: a running server, an attacker, a watcher whom no hostile byte may reach."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from rawxmpp import (CLIENT, PATIENCE, SASL, SM, STREAM, TLS, Client, Failed, befriend, check, error_of, q, text_of)  # noqa: E402,F401
from wardroom_test import one_line  # noqa: E402

COMPRESS = "http://jabber.org/protocol/compress"


class World:
    """attacker and watcher are friends, stranger is nobody's contact; victim has no session."""

    USERS = ("attacker", "watcher", "stranger", "victim", "extra1", "extra2", "extra3", "extra4")

    def __init__(self, server):
        self.server = server
        self.watcher = Client(server, "watcher", resource="desk").login(presence=True)
        self.stranger = Client(server, "stranger", resource="desk").login(presence=True)
        self._attacker = Client(server, "attacker", resource="desk").login(presence=True)
        befriend(self._attacker, self.watcher)
        self.log_seen = 0
        self.marker = b"HOSTILE"

    def attacker(self):
        """The standing session; a new one when a case has ended it."""
        self._attacker.take()
        if self._attacker.eof:
            self._attacker = Client(self.server, "attacker", resource="desk").login(presence=True)
        self._attacker.settle().clear()
        return self._attacker

    def fill(self, data):
        """Placeholders of the tables."""
        w, d = self.watcher, self.server.domain
        for k, v in (("{w}", w.bare), ("{W}", w.jid), ("{a}", self.server.jid("attacker")), ("{v}", self.server.jid("victim")),
                     ("{s}", self.server.jid("stranger")), ("{d}", d)):
            data = data.replace(k.encode(), v.encode()) if isinstance(data, bytes) else data.replace(k, v)
        return data

    def at(self, stage):
        """A connection in that state."""
        s = self.server
        if stage == "at":
            return self.attacker()
        c = Client(s, "attacker")
        if stage == "tcp":
            return c.connect()
        if stage == "tcp+":
            c.connect()
            c.restart()
            return c
        if stage == "tls":
            return c.connect(True)
        if stage == "tls+":
            return c.secure(True)
        c.login(bind=stage != "auth")
        if stage == "sm":
            c.sm_enable()
        return c

    def after(self):
        """What holds after every case."""
        self.server.assert_healthy()
        check(not self.watcher.eof, "the watcher's session has ended")
        self.watcher.settle()
        at = self.watcher.raw.find(self.marker)
        seen = bytes(self.watcher.raw[max(0, at - 200):at + 100])
        self.watcher.raw.clear()
        self.watcher.clear()
        check(at < 0, f"hostile bytes reached the watcher: {one_line(seen)}")

    def forgive(self):
        """A case that is meant to reach the watcher has looked at it."""
        self.watcher.settle().clear()
        self.watcher.raw.clear()

    def judge(self, c, data, expected, timeout=PATIENCE):
        before = len(c.inbox)
        c.send(self.fill(data))
        c.hostile_id = "x1" if b"id='x1'" in (data if isinstance(data, bytes) else data[:400].encode()) else None
        problems = []
        for want in expected.split("|"):
            try:
                self.one(c, want, before, timeout if want == expected.split("|")[0] else 0.3)
                break
            except Failed as e:
                problems.append(f"{want}: {e}")
        else:
            raise Failed("; ".join(problems))

    def one(self, c, want, before, timeout):
        kind, _, what = want.partition(":")
        if kind == "SE":
            cond, _, app = what.partition("+")
            got = c.stream_error(timeout)
            check(got[0] == cond and (not app or got[1] == app), f"stream error {got[0]}{'+' + got[1] if got[1] else ''}")
        elif kind == "ER":
            cond, _, etype = what.partition("/")
            if c.jid:
                c.settle()
                timeout = min(timeout, 1.0)	# what the store answers may come after a ping's answer
            el = c.expect(lambda e: e.get("type") == "error", what=f"stanza error {what}", timeout=timeout, keep=True)
            check(error_of(el) == (cond, etype), f"error {error_of(el)}: {text_of(el)}")
            check(c.hostile_id is None or el.get("id") == c.hostile_id, f"error without the id: {text_of(el)}")
            if c.jid:
                c.settle()
        elif kind == "RESULT":
            c.expect(lambda e: e.get("type") == "result" and e.get("id") == "x1", what="a result", timeout=timeout)
            c.settle()
        elif kind == "SF":
            el = c.expect(name=q(SASL, "failure"), timeout=timeout, keep=True)
            conds = [x.tag.split("}")[1] for x in el if not x.tag.endswith("}text")]
            check(conds == [what], f"SASL failure {conds}")
        elif kind == "TF":
            c.expect(name=q(TLS, "failure"), timeout=timeout)
            check(c.wait_end(timeout), "stays open after the TLS failure")
        elif kind == "CF":
            el = c.expect(name=q(COMPRESS, "failure"), timeout=timeout)
            check(el.find(q(COMPRESS, what)) is not None, f"failure: {text_of(el)}")
        elif kind == "SMF":
            el = c.expect(name=q(SM, "failed"), timeout=timeout, keep=True)
            check(not what or any(x.tag.endswith("}" + what) for x in el), f"failed: {text_of(el)}")
        elif kind in ("DROP", "QUIET"):
            c.settle()
            got = [e for e in c.inbox[before:] if not (kind == "QUIET" and e.get("type") in ("unsubscribed", "unavailable"))]
            check(not got, f"answered: {text_of(got[0]) if got else ''}")
        elif kind == "OPEN":
            if c.jid:
                c.settle()
            elif c.features is None:
                f = c.expect(name=q(STREAM, "features"), timeout=timeout)
                check(f is not None and c.splitter.header.get("version") == "1.0", f"header: {text_of(c.splitter.header)}")
            check(not c.eof and not any(e.tag == q(STREAM, "error") for e in c.inbox), "was closed")
        elif kind == "CLOSE":
            check(c.wait_end(timeout), "stays open")
            check(not any(e.tag == q(STREAM, "error") for e in c.inbox), "stream error")
        else:
            raise ValueError(want)

    def close(self):
        for c in (self.watcher, self.stranger, self._attacker):
            c.close()


def run_table(tap, world, table):
    for row in table:
        number, name, stage, data, expected = row[:5]
        opts = row[5] if len(row) > 5 else {}

        def case(stage=stage, data=data, expected=expected, opts=opts):
            c = world.at(stage)
            try:
                world.judge(c, data, expected, **opts)
            finally:
                if stage != "at":
                    c.close()
            world.after()
        tap.run(f"case {number}: {name} ({stage}) -> {expected}", case)


def run_scripts(tap, world, scripts):
    for number, name, script in scripts:
        def case(script=script):
            script(world)
            world.after()
        tap.run(f"case {number}: {name}", case)
