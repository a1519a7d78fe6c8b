#!/usr/bin/env python3
"""The cases of the security tests, part B, that concern what exists: tables and scripts against one running server.

Every case also asserts: the server is alive, nothing in a sanitizer's report, no hostile byte at another user.
WARDROOM_ONLY=18,SCRAM runs the cases whose names contain one of these.
"""
import sys

import cases_stanza
import cases_stream
import scripts_limits
import scripts_sasl
import scripts_stanza
import scripts_stream
from harness import World, run_scripts, run_table
from wardroom_test import Instance, Tap, new_server


def main():
    tap = Tap("security cases")
    with new_server(users=World.USERS) as server:
        world = World(server)
        run_table(tap, world, cases_stream.CASES)
        run_scripts(tap, world, scripts_stream.SCRIPTS)
        run_scripts(tap, world, scripts_sasl.SCRIPTS)
        run_table(tap, world, cases_stanza.CASES)
        run_scripts(tap, world, scripts_stanza.SCRIPTS)
        scripts_limits.unlimited(tap, server)
        world.close()
        if server.peer == "wardroom":
            status = server.stop()
            tap.ok("the server stops in order", status == 0, f"exit status {status}: {server.log_tail()}")
            report = server.sanitizer_report()
            tap.ok("no sanitizer report at the end", not report, report)
    if server.peer == "wardroom":
        with Instance(users=("attacker", "watcher"), extra="auth: { plain: true }\n") as plain:
            scripts_sasl.plain_cases(tap, plain)
        scripts_limits.limited(tap)
        scripts_limits.config_cases(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
