#!/usr/bin/env python3
"""Which networks may connect, for whom: a login from elsewhere fails as one to nobody; who is named by no line comes in."""
import os
import sys

import harness  # noqa: F401 - finds tests/lib
from harness import check
from rawxmpp import Client, SaslFailure
from wardroom_test import PASSWORD, Instance, Tap


def apply(server, text):
    path = os.path.join(server.top, "next.yaml")
    with open(path, "w") as f:
        f.write(text)
    server.json("policy", "apply", path)


def signs_in(server, name, source=None, password=PASSWORD):
    c = Client(server, name, password=password, source=source)
    try:
        c.login()
        c.goodbye()
        return True
    except SaslFailure as e:
        return str(e)


def main():
    tap = Tap("networks")
    with Instance(users=["ann", "bob", "cat"]) as server:
        def named():
            apply(server, "groups: {office: [ann@example.test]}\nnetworks:\n  allowed:\n    office: [127.0.0.2, 10.0.0.0/8]\n")
            check(signs_in(server, "ann", "127.0.0.2") is True, "not from where she may")
            check(signs_in(server, "bob", "127.0.0.1") is True, "who is not named")
            wrong, nobody = signs_in(server, "ann", "127.0.0.1"), signs_in(server, "nobody", "127.0.0.1")
            check(wrong is not True and wrong == nobody, f"{wrong} / {nobody}")
            check("login.network" in server.log(), "not in the log")
        tap.run("who is named signs in from there alone; elsewhere it is as if there were no such account", named)

        def nowhere():
            apply(server, "networks:\n  allowed:\n    ann@example.test: [127.0.0.0/8]\n  otherwise: nowhere\n")
            check(signs_in(server, "ann") is True, "ann")
            check(signs_in(server, "bob") is not True, "bob, whom no line names")
        tap.run("otherwise: nowhere keeps out who is not named", nowhere)

        def stays():
            apply(server, "networks: {}\n")
            c = Client(server, "cat").login(presence=True)
            apply(server, "networks:\n  allowed:\n    cat@example.test: [10.0.0.0/8]\n")
            c.settle()
            check(signs_in(server, "cat") is not True, "a new login")
            c.goodbye()
        tap.run("who is signed in when the rule comes stays; the next login counts", stays)
        tap.run("the server is well at the end", server.assert_healthy)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
