#!/usr/bin/env python3
"""CPU of the server for one page of 50 messages out of a large archive of one account (XEP-0313).

    bench_archive.py [MESSAGES]

A benchmark, not a test: it prints milliseconds a page, of 100 pages each.
"""
import os
import random
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from rawxmpp import Client  # noqa: E402
from wardroom_test import BUILD, PASSWORD, Instance  # noqa: E402

MAM, DATA, RSM = "urn:xmpp:mam:2", "jabber:x:data", "http://jabber.org/protocol/rsm"
PAGES = 100


def cpu_ms(pids):
    ticks = 0
    for p in pids:
        with open(f"/proc/{p}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


class Reader:
    def __init__(self, client):
        self.c, self.n = client, 0

    def page(self, fields, rsm):
        self.n += 1
        form = "".join(f"<field var='{k}'><value>{v}</value></field>" for k, v in {"FORM_TYPE": MAM, **fields}.items())
        self.c.send(f"<iq type='set' id='p{self.n}'><query xmlns='{MAM}'><x xmlns='{DATA}' type='submit'>{form}</x>"
                    f"<set xmlns='{RSM}'><max>50</max>{rsm}</set></query></iq>")
        self.c.expect(id=f"p{self.n}", timeout=60)
        got = sum(1 for e in self.c.inbox if e.tag.endswith("message"))
        self.c.inbox.clear()
        return got


def main():
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    server = Instance(users={"ann": PASSWORD}, domain="bench.example", start=False)
    try:
        subprocess.run([BUILD + "/tests/bench/fill_archive", server.dir, server.jid("ann"), str(total)], check=True)
        server.start()
        reader, now = Reader(Client(server, "ann").login()), time.time()

        def some_time():
            return {"start": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - random.random() * total * 60))}
        contact = {"with": "contact7@bench.example"}
        for what, fields, rsm in (("the last page", dict, "<before/>"), ("from some time on", some_time, ""),
                                  ("the last page with one of 50 contacts", lambda: contact, "<before/>"),
                                  ("with nobody", lambda: {"with": "rare@bench.example"}, "<before/>")):
            reader.page(fields(), rsm)
            before = cpu_ms(server.pids())
            got = sum(reader.page(fields(), rsm) for _ in range(PAGES))
            print(f"{what:45}{(cpu_ms(server.pids()) - before) / PAGES:8.2f} ms, {got / PAGES:.0f} messages a page, of {total:,}")
        server.stop()
    finally:
        server.close()


if __name__ == "__main__":
    main()
