#!/usr/bin/python3
"""xmpp.js (npm: @xmpp/client, where it is installed): XEP-0388 with 0386, 0484 and resumption in a real client."""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from nodes import want  # noqa: E402
from wardroom_test import PASSWORD, SLOW, Tap, check, new_server, one_line  # noqa: E402

ENV = {**os.environ, "NODE_TLS_REJECT_UNAUTHORIZED": "0", "NODE_NO_WARNINGS": "1"}


def node(*args):
    return subprocess.run(["node", *args], capture_output=True, text=True, timeout=60 * SLOW, env=ENV, cwd=HERE)


def session(server, service):
    p = node(os.path.join(HERE, "tokens.mjs"), service, server.domain, "ann", PASSWORD)
    check(p.returncode == 0 and p.stdout, f"xmpp.js: {one_line(p.stderr + p.stdout)}")
    saw = json.loads(p.stdout.splitlines()[-1])
    check(saw["first"].startswith(server.jid("ann") + "/xjs/"), f"bound as {saw['first']}")
    check(saw["bodies"] == ["to myself"], f"messages {saw['bodies']}")
    check(saw["token"], "no token")
    check(saw["resumed"] == saw["first"], f"resumed as {saw['resumed']}")
    check(saw["second"] == saw["first"], f"the same client is now {saw['second']}")
    check(saw["mechanisms"] == ["SCRAM-SHA-1", "HT-SHA-256-NONE", "HT-SHA-256-NONE"], f"signed in by {saw['mechanisms']}")
    server.assert_healthy()


def main():
    want("@xmpp/client")
    tap = Tap("xmpp.js")
    with new_server(users=["ann"]) as server:
        tap.run("xmpp.js signs in, resumes and comes back by its token, TLS from the first byte", session, server,
                f"xmpps://{server.host}:{server.tls_port}")
        tap.run("xmpp.js signs in, resumes and comes back by its token, after STARTTLS", session, server, f"xmpp://{server.host}:{server.port}")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
