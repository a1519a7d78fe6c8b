#!/usr/bin/env python3
"""The command line without a server: its help word for word, exit statuses, sentences, and what it leaves behind.

WARDROOM_GOLDEN=write writes help.txt anew; the change then shows in review.
"""
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
from wardroom_test import Tap, check, one_line, program	# noqa: E402

HELP = os.path.join(HERE, "help.txt")
PASSWORD = re.compile(r"^password: ([a-z0-9]{4}(-[a-z0-9]{4}){3})$", re.M)


class Cli:
    def __init__(self, top):
        self.top, self.dir, self.exe = top, os.path.join(top, "instance"), program("wardroom")

    def run(self, *args, where=None, cwd=None):
        where = ["--dir", where or self.dir] if where != "" else []
        return subprocess.run([self.exe, *where, *args], capture_output=True, text=True, timeout=60, cwd=cwd or self.top,
                              stdin=subprocess.DEVNULL)

    def ok(self, *args, **kw):
        p = self.run(*args, **kw)
        check(p.returncode == 0, f"{args}: {p.returncode}: {one_line(p.stderr)}")
        check(p.stderr == "", f"{args}: says on standard error: {one_line(p.stderr)}")
        return p.stdout

    def json(self, *args):
        return json.loads(self.ok(*args, "--json"))

    def refused(self, status, part, *args, **kw):
        """One sentence on standard error, nothing on standard output."""
        p = self.run(*args, **kw)
        check(p.returncode == status, f"{args}: status {p.returncode}, wanted {status}: {one_line(p.stderr)}")
        check(p.stdout == "", f"{args}: prints {one_line(p.stdout)}")
        check(p.stderr.startswith("wardroom: ") and p.stderr.count("\n") == 1, f"{args}: not one sentence: {one_line(p.stderr)}")
        check(part in p.stderr, f"{args}: '{part}' is not in: {one_line(p.stderr)}")
        return p.stderr


def helps(c):
    text = c.ok("help", where="")
    names = [line[2:19].strip() for line in text.split("\n\n")[1].splitlines() if line.startswith("  ")]
    check(len(names) > 20, f"only {len(names)} commands")
    return text + "".join(f"--- {n}\n{c.ok(*n.split(), '--help', where='')}" for n in names)


def golden(c):
    now = helps(c)
    if os.environ.get("WARDROOM_GOLDEN") == "write":
        with open(HELP, "w") as f:
            f.write(now)
    with open(HELP) as f:
        was = f.read()
    for a, b in zip(was.splitlines(), now.splitlines()):
        check(a == b, f"help.txt has '{a}', the program says '{b}'")
    check(was == now, "help.txt is longer or shorter than what the program says")
    for line in now.splitlines():
        check(len(line) <= 140, f"a line of {len(line)} columns: {line}")


def wrong_use(c):
    for args, part in ((["nonsense"], "'nonsense'"), (["user"], "add list"), (["user", "nonsense"], "needs one of"), (["user", "add"], "use:"),
                       (["user", "show", "a@b", "c"], "use:"), (["user", "list", "--nonsense"], "use:"), (["held", "list", "--account"], "use:"),
                       (["init"], "--domain"), (["user", "list", "too", "many"], "use:")):
        c.refused(2, part, *args)


def no_instance(c):
    c.refused(1, "init --domain", "user", "list", where=os.path.join(c.top, "nothing"))
    c.refused(1, "init --domain", "status", where="")


def init(c):
    out = c.ok("init", "--domain", "example.test", "--listen", "127.0.0.1", "--c2s", "15999", "--https", "0", "--admin", "ann@example.test")
    check(PASSWORD.search(out), f"no password: {one_line(out)}")
    check("admin" in out, "no role")
    for folder in ("data", "keys", "tls", "run", "spool"):
        mode = stat.S_IMODE(os.stat(os.path.join(c.dir, folder)).st_mode)
        check(mode & 0o077 == 0, f"{folder} has mode {mode:o}")
    for name in ("keys/master.key", "tls/key.pem"):
        mode = stat.S_IMODE(os.stat(os.path.join(c.dir, name)).st_mode)
        check(mode == 0o600, f"{name} has mode {mode:o}")
    with open(os.path.join(c.dir, "wardroom.yaml")) as f:
        text = f.read()
    check("15999" in text and "127.0.0.1" in text, f"wardroom.yaml: {one_line(text)}")
    out = subprocess.run(["openssl", "x509", "-in", os.path.join(c.dir, "tls/cert.pem"), "-noout", "-ext", "subjectAltName"],
                         capture_output=True, text=True).stdout
    for name in ("DNS:example.test", "DNS:localhost", "DNS:rooms.example.test"):
        check(name in out, f"{name} is not in the certificate: {one_line(out)}")


def init_again(c):
    before = {}
    for folder, _, names in os.walk(c.dir):
        for n in names:
            with open(os.path.join(folder, n), "rb") as f:
                before[os.path.join(folder, n)] = f.read()
    c.refused(1, "nothing was changed", "init", "--domain", "other.test")
    for path, content in before.items():
        with open(path, "rb") as f:
            check(f.read() == content, f"{path} was changed")


def init_wrong(c):
    for args, status, part in ((["--domain", "a b"], 1, "a b"), (["--domain", "x.test", "--c2s", "70000"], 2, "70000"),
                               (["--domain", "x.test", "--c2s", "http"], 2, "http"), (["--domain", "x.test", "--listen", "nowhere"], 1, "nowhere"),
                               (["--domain", ""], 1, "")):
        where = os.path.join(c.top, "wrong")
        c.refused(status, part, "init", *args, where=where)
        shutil.rmtree(where, ignore_errors=True)


def accounts(c):
    check(PASSWORD.search(c.ok("user", "add", "bob@example.test")), "no password")
    c.refused(1, "there already", "user", "add", "bob@example.test")
    c.refused(1, "there already", "user", "add", "BOB@Example.Test")
    c.refused(1, "name@example.test", "user", "add", "bob")
    c.refused(1, "example.test", "user", "add", "bob@other.test")
    c.refused(1, "reserved", "user", "add", "guard@example.test")
    c.refused(1, "officer", "user", "add", "cid@example.test", "--role", "boss")
    check([a["jid"] for a in c.json("user", "list")["accounts"]] == ["ann@example.test", "bob@example.test"], "user list")
    c.ok("user", "freeze", "bob@example.test", "--reason", "lost laptop")
    shown = c.json("user", "show", "bob@example.test")
    check((shown["state"], shown["reason"], shown["role"]) == ("frozen", "lost laptop", "staff"), f"{shown}")
    c.refused(1, "frozen already", "user", "freeze", "bob@example.test")
    c.ok("user", "thaw", "bob@example.test")
    check(c.json("user", "show", "bob@example.test")["state"] == "active", "thaw")
    check(PASSWORD.search(c.ok("user", "passwd", "bob@example.test")), "no password")
    c.ok("user", "remove", "bob@example.test")
    c.refused(1, "no account bob@example.test", "user", "show", "bob@example.test")


def passwords(c):
    path = os.path.join(c.top, "pw")

    def given(text):
        with open(path, "w") as f:
            f.write(text)
    given("correct horse battery staple\n")
    out = c.ok("user", "add", "dan@example.test", "--password-file", path)
    check("password" not in out, f"prints a given password: {one_line(out)}")
    for bad in ("", "\n", "short", "dan1234567", "Password2026"):
        given(bad)
        c.refused(1, "", "user", "passwd", "dan@example.test", "--password-file", path)
    c.refused(1, "missing-file", "user", "add", "eve@example.test", "--password-file", os.path.join(c.top, "missing-file"))


def imports(c):
    path = os.path.join(c.top, "staff.tsv")
    with open(path, "w") as f:
        f.write("# staff\n\n" + "".join(f"user{i}@example.test\tlong enough {i}\n" for i in range(450)))
    check(c.json("user", "import", path) == {"added": 450, "existing": 0}, "first import")
    check(c.json("user", "import", path) == {"added": 0, "existing": 450}, "second import")
    with open(path, "w") as f:
        f.write("x1@example.test\tlong enough\nx2@example.test no tab\n")
    c.refused(1, "staff.tsv:2", "user", "import", path)
    c.refused(1, "no account x1", "user", "show", "x1@example.test")
    c.refused(1, "nowhere.tsv", "user", "import", os.path.join(c.top, "nowhere.tsv"))


def reading(c):
    s = c.json("status")
    check(s["running"] is False and s["held"] == 0 and s["domain"] == "example.test", f"{s}")
    check(c.ok("held", "list").strip() == "nothing is held", "held list")
    check(c.ok("outbreak", "list").strip() == "no outbreaks", "outbreak list")
    c.refused(1, "0000000000000", "why", "0000000000000")
    c.refused(1, "held list", "held", "show", "0000000000000")
    c.refused(1, "held list", "held", "release", "../../etc/passwd")
    c.refused(1, "outbreak list", "outbreak", "show", "0")
    c.refused(1, "--fingerprint", "purge")


def audit(c):
    entries = c.json("audit", "list", "--max", "100000")["entries"]
    check([e["seq"] for e in entries] == list(range(1, len(entries) + 1)), "numbers have gaps")
    commands = {e["what"]["command"] for e in entries if e["kind"] == "command"}
    for name in ("user add", "user import", "user freeze", "user thaw", "user passwd", "user remove"):
        check(name in commands, f"{name} is not in the record")
    check("correct horse" not in json.dumps(entries) and "long enough" not in json.dumps(entries), "a password is in the record")
    check(c.json("audit", "verify")["entries"] == len(entries), "audit verify")


def unreadable(c):
    with open(os.path.join(c.dir, "wardroom.yaml")) as f:
        good = f.read()
    with open(os.path.join(c.dir, "wardroom.yaml"), "w") as f:
        f.write(good + "nonsense: 1\n")
    err = c.refused(1, "nonsense", "user", "list")
    check(re.search(r"wardroom\.yaml:\d+:\d+: ", err), f"no place: {one_line(err)}")
    with open(os.path.join(c.dir, "wardroom.yaml"), "w") as f:
        f.write(good)
    key = os.path.join(c.dir, "keys", "master.key")
    os.chmod(key, 0o644)
    c.refused(1, "master.key", "user", "list")
    os.chmod(key, 0o600)
    c.ok("user", "list")


def terminal(c):
    """What a peer has chosen cannot write on the operator's terminal."""
    p = c.run("user", "show", "a\x1b[31m@example.test")
    check(p.returncode == 1 and "\x1b" not in p.stderr, f"an escape sequence reaches the terminal: {p.stderr!r}")


def main():
    tap = Tap("command line")
    top = tempfile.mkdtemp(prefix="wardroom-cli-")
    try:
        c = Cli(top)
        for name, test in (("help is what help.txt says", golden), ("wrong use is status 2 and a sentence", wrong_use),
                           ("a folder that is no instance", no_instance), ("init makes everything, closed to others", init),
                           ("init refuses to overwrite and changes nothing", init_again), ("init names what is wrong", init_wrong),
                           ("accounts", accounts), ("passwords from a file", passwords), ("import", imports),
                           ("commands that read", reading), ("the record of all this", audit),
                           ("a wrong configuration and an open key", unreadable), ("control characters", terminal)):
            tap.run(name, test, c)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
