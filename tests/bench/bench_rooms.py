#!/usr/bin/env python3
"""Fan-out of a room: deliveries per server-CPU-second, with archive and inspection on.

    bench_rooms.py [OCCUPANTS [POSTS]]

Two figures: posts one after the other, each awaited (every delivery is a record and a write of its own), and posts in
one burst. This is a benchmark, not a test.
"""
import os
import select
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from rawxmpp import Client  # noqa: E402
from wardroom_test import new_server  # noqa: E402

MUC, OWNER, DATA = "http://jabber.org/protocol/muc", "http://jabber.org/protocol/muc#owner", "jabber:x:data"
TICK = os.sysconf("SC_CLK_TCK")


def cpu(pids):
    total = 0
    for p in pids:
        with open(f"/proc/{p}/stat") as f:
            v = f.read().rsplit(")", 1)[1].split()
        total += int(v[11]) + int(v[12])
    return total / TICK


class Counter:
    """Counts what the occupants get, without looking into it."""

    def __init__(self, clients):
        self.n = 0
        self.poll = select.epoll()
        self.by_fd = {}
        for c in clients:
            c._got = self.got
            self.by_fd[c.sock.fileno()] = c
            self.poll.register(c.sock.fileno(), select.EPOLLIN)

    def got(self, data):
        self.n += data.count(b"</message>")

    def until(self, n, seconds=60):
        end = time.monotonic() + seconds
        while self.n < n:
            if time.monotonic() > end:
                raise SystemExit(f"{self.n} of {n} deliveries")
            for fd, _ in self.poll.poll(1):
                self.by_fd[fd].take()


def main():
    occupants, posts = (int(a) for a in (sys.argv[1:] + ["100", "400"])[:2])
    with new_server(users=[f"u{i}" for i in range(occupants)]) as server:
        clients = [Client(server, f"u{i}").login() for i in range(occupants)]
        room = f"bench@rooms.{server.domain}"
        for i, c in enumerate(clients):
            c.send(f"<presence to='{room}/nick{i}'><x xmlns='{MUC}'/></presence>")
            c.expect(lambda e: e.find("{jabber:client}subject") is not None, name="message")
            if i == 0:
                c.iq("set", f"<query xmlns='{OWNER}'><x xmlns='{DATA}' type='submit'/></query>", to=room)
        for c in clients:
            c.settle()
        k, sent = Counter(clients), 0
        k.n = 0

        def post(i):
            clients[i % occupants].send(f"<message to='{room}' type='groupchat' id='p{i}'><body>Line {i} of the meeting, said by number {i % occupants}.</body></message>")
        for name, burst in (("one by one", 1), ("bursts of 20", 20)):
            t0, c0, n0 = time.monotonic(), cpu(server.pids()), k.n
            for i in range(posts):
                post(sent)
                sent += 1
                if i % burst == burst - 1:
                    k.until(n0 + (i + 1) * occupants)
            used, n = cpu(server.pids()) - c0, k.n - n0
            print(f"{name}: {n} deliveries to {occupants} occupants, {used:.2f} s of CPU: {n / used:,.0f} per server-CPU-second, {n / (time.monotonic() - t0):,.0f} a second")


if __name__ == "__main__":
    main()
