"""Cases B-XI and B-XII: resource exhaustion on an instance with limits, log, audit, configuration.

Left out: 131 (a soak, in --full), 134 (rooms), 136 (tests/fault/disk_full.py), 137 (no such patterns yet),
139 (not offered), 148 (tests/fault/audit.py). 130 is scaled to hundreds of connections.
"""
import os
import subprocess
import time

from harness import Client, Failed, check, error_of, text_of
from rawxmpp import SaslFailure
from scripts_stanza import archived
from wardroom_test import PASSWORD, SLOW, Instance, one_line, until


def case_130(server):
    """Connections that are not signed in are few per address; who is signed in does not notice."""
    w = Client(server, "watcher").login(presence=True)
    held = []
    for i in range(300):
        c = Client(server)
        try:
            c.connect(i % 2 == 0)
            c.send(c.header_text()[:-1] + " x='" + "a" * 9000)
            held.append(c)
        except (Failed, OSError):
            c.close()
    time.sleep(0.3)
    for c in held:
        c.take()
    still = [c for c in held if not c.eof]
    t0 = time.monotonic()
    w.settle()
    took = time.monotonic() - t0
    for c in held:
        c.close()
    check(len(still) <= 64, f"{len(still)} unauthenticated connections of one address stay open")
    check(took < 1.0 * SLOW, f"a ping of an established user took {took:.2f} s")
    # and room comes back
    until(lambda: can_log_in(server), 10, "logins after the flood", 0.2)
    w.close()


def can_log_in(server):
    c = Client(server, "extra1")
    try:
        c.login()
        return True
    except (Failed, OSError):
        return False
    finally:
        c.close()


def case_132(server):
    """A client that never reads: its queue is bounded, the sender is not held up, nothing is lost."""
    sender = Client(server, "attacker", resource="s132").login()
    deaf = Client(server, "extra2", resource="deaf").login(presence=True)
    n, size = 1500, 8000
    t0 = time.monotonic()
    for i in range(n):
        sender.message(deaf.jid, f"{i} " + "x" * size, id=f"c132-{i}")
    sender.settle()
    check(time.monotonic() - t0 < 60 * SLOW, "the sender was held up")
    server.assert_healthy()
    deaf.close()
    again = Client(server, "extra2", resource="back").login(presence=True)
    again.settle().clear()
    check(archived(again, f"c132-{n - 1}") is not None, "the last message is not in the archive")
    again.close()
    sender.close()


def case_133(server):
    """With messages_per_s 20: a burst is slowed down, nothing is dropped, others are served at once."""
    a = Client(server, "attacker", resource="s133").login()
    b = Client(server, "extra3", resource="r133").login(presence=True)
    w = Client(server, "watcher", resource="w133").login(presence=True)
    n = 100
    t0 = time.monotonic()
    for i in range(n):
        a.message(b.jid, f"burst {i}", id=f"c133-{i}")
    worst, got = 0.0, []
    while len(got) < n and time.monotonic() - t0 < 30 * SLOW:
        t = time.monotonic()
        w.settle()
        worst = max(worst, time.monotonic() - t)
        b.pump(0.05)
        got = [e.get("id") for e in b.inbox if (e.get("id") or "").startswith("c133-")]
    took = time.monotonic() - t0
    errors = [text_of(e) for e in a.inbox if e.get("type") == "error"]
    check(got == [f"c133-{i}" for i in range(n)], f"{len(got)} of {n} arrived; errors: {errors[:1]}")
    check(took > 1.5, f"{n} messages in {took:.1f} s: not slowed down at 20 a second")
    check(worst < 0.5 * SLOW, f"another user waited {worst:.2f} s")
    for c in (a, b, w):
        c.close()


def case_135(server):
    """The offline store is bounded: the sender hears of it, the archive has all."""
    a = Client(server, "attacker", resource="s135").login()
    n, refused = 1300, None
    for i in range(0, n, 100):
        for j in range(i, i + 100):
            a.message(server.jid("victim"), f"offline {j}", id=f"c135-{j}")
        a.settle()
        for e in a.inbox:
            if e.get("type") == "error":
                refused = refused or error_of(e)
        a.clear()
        if refused:
            break
    v = Client(server, "victim", resource="v135").login(presence=True)
    while v.pump(1.0):
        pass
    got = [e for e in v.inbox if (e.get("id") or "").startswith("c135-")]
    check(refused is None or refused[0] in ("service-unavailable", "resource-constraint", "policy-violation"), f"refused with {refused}")
    check(len(got) <= 1000, f"{len(got)} offline messages")
    check(refused or len(got) < n, f"all {n} were kept")
    check(len(got) >= 500, f"only {len(got)} were kept")
    v.close()
    a.close()


def case_52_throttle(server):
    """failed_logins_per_minute: a guesser is slowed down, then the right password does not help at once."""
    refused = 0
    for _ in range(30):
        c = Client(server, "extra4", password="wrong").secure(True)
        try:
            c.scram("SCRAM-SHA-1")
            raise Failed("got in")
        except SaslFailure as e:
            if e.condition == "temporary-auth-failure":
                refused += 1
        except Failed:
            refused += 1
        c.close()
        if refused:
            break
    check(refused, "30 wrong passwords a minute are all tried")
    Client(server, "watcher").login().close()	# a colleague of the same address logs in


def case_138(server):
    """What a peer says cannot make a line of the log; no password, token or body is in it."""
    c = Client(server, "attacker", password=PASSWORD)
    evil = "FORGED\u2028LINE"
    for user in ("x\n2026 error FORGED", "a\x1b[31mFORGED", evil):
        d = Client(server, user, password="secret-in-the-log").secure(True)
        try:
            d.scram("SCRAM-SHA-1")
        except Failed:
            pass
        d.close()
    c.login(presence=True)
    c.send("<message to='{}' id='&#10;FORGED&#13;FORGED' type='chat'><body>BODY-IN-THE-LOG</body></message>".format(server.jid("watcher")))
    c.send("<iq type='get' id='1' to='@@&#10;FORGED'><a xmlns='&#10;FORGED'/></iq><foo xmlns='x&#10;FORGED'/>")
    c.wait_end()
    d = Client(server).connect(True)
    d.send(d.header_text(to="host\r\nFORGED"))
    d.wait_end(2)
    text = server.log()
    for line in text.splitlines():
        check(not line.lstrip().startswith("FORGED") and "\x1b" not in line and "\u2028" not in line, f"forged line: {one_line(line)}")
    for secret in (PASSWORD, "secret-in-the-log", "BODY-IN-THE-LOG"):
        check(secret not in text, f"{secret} is in the log")


def limited(tap):
    """An instance with its limits on."""
    users = ("attacker", "watcher", "victim", "extra1", "extra2", "extra3", "extra4")
    with Instance(users=users, limits={"messages_per_s": 20, "bytes_per_s": "off", "connections_per_address": 64,
                                       "failed_logins_per_minute": 10}) as server:
        for number, name, case in ((130, "hundreds of connections that do not log in", case_130),
                                   (133, "a burst beyond messages_per_s", case_133),
                                   (52, "guessing passwords over many streams", case_52_throttle),
                                   (138, "what reaches the log", case_138)):
            tap.run(f"case {number}: {name}", case, server)
            tap.run(f"case {number}: afterwards the server is well", server.assert_healthy)


def unlimited(tap, server):
    for number, name, case in ((132, "a client that never reads", case_132), (135, "the offline store is bounded", case_135)):
        tap.run(f"case {number}: {name}", case, server)
        tap.run(f"case {number}: afterwards the server is well", server.assert_healthy)


def config_cases(tap):
    """151: the server does not start, says file, line and column, and does not fall back to a default."""
    with Instance(users=("a",), start=False) as i:
        good = i.config_text()
        bad = {"unknown key": (good + "nonsense: 1\n", good.count("\n") + 1),
               "unknown key in a section": (good.replace("limits:\n", "limits:\n  nonsense: 3\n"), 4),
               "duplicate key": (good + "domain: other.test\n", good.count("\n") + 1),
               "wrong type": (good.replace("messages_per_s: off", "messages_per_s: many"), 4),
               "negative": (good.replace("messages_per_s: off", "messages_per_s: -5"), 4),
               "anchor and alias": (good.replace("domain: ", "domain: &a ") + "registration: *a\n", 1),
               "tag": (good.replace("domain: ", "domain: !!str "), 1),
               "port out of range": (good.replace(f"c2s: {i.port}", "c2s: 70000"), 2),
               "not YAML": (good + "a: [\n", None), "second document": (good + "---\ndomain: b.test\n", None),
               "a list": ("- 1\n- 2\n", 1), "empty": ("", None), "tab": (good + "\tx: 1\n", None), "no domain": (good.replace("domain: example.test\n", ""), None)}
        for name, (text, line) in bad.items():
            def case(text=text, line=line):
                i.write_config(text if text else "\n")
                check_refused(i, line)
            tap.run(f"case 151: configuration: {name}", case)
        i.write_config(good)

        def readable():
            keys = os.path.join(i.dir, "keys")
            files = [os.path.join(keys, f) for f in sorted(os.listdir(keys))]
            check(files, "no key files")
            for f in files + [os.path.join(i.dir, "tls", "key.pem")]:
                os.chmod(f, 0o644)
                p = check_refused(i, None)
                check(os.path.basename(f) in p, f"does not name {os.path.basename(f)}: {one_line(p)}")
                os.chmod(f, 0o600)
        tap.run("case 151: a key that others can read", readable)

        def missing():
            keys = os.path.join(i.dir, "keys")
            for f in ("master.key",):	# audit.count is evidence, see tests/fault/wrong_start.py
                path = os.path.join(keys, f)
                os.rename(path, i.top + "/away")
                p = check_refused(i, None)
                check(f in p, f"does not name {f}: {one_line(p)}")
                os.rename(i.top + "/away", path)
        tap.run("case 151: a key that is not there", missing)

        def still_good():
            i.start()
            Client(i, "a").login().close()
        tap.run("case 151: afterwards it starts", still_good)


def check_refused(i, line):
    """wardroomd does not start and says why; returns what it said."""
    p = i.spawn(out=subprocess.PIPE, err=subprocess.PIPE)
    try:
        out, err = p.communicate(timeout=10 * SLOW)
    except subprocess.TimeoutExpired:
        p.kill()
        p.communicate()
        raise Failed("started") from None
    err = err.decode("utf-8", "replace")
    check(p.returncode != 0 and b"ready" not in out, f"exit {p.returncode}: {one_line(err)}")
    check(p.returncode > 0, f"ended by signal {-p.returncode}: {one_line(err)}")
    check(err.strip(), "says nothing")
    if line:
        check(f"wardroom.yaml:{line}:" in err, f"does not name line {line}: {one_line(err)}")
    return err
