"""What the drivers in this folder share: npm's packages, and a program of node that speaks in lines of JSON."""
import asyncio
import json
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from wardroom_test import SLOW, Failed, die_with_parent, skip_all  # noqa: E402


def want(*packages):
    """Skips when node or one of the packages is missing (./check asks npm for them)."""
    if not shutil.which("node"):
        skip_all("node is not installed")
    for p in packages:
        if not os.path.isdir(os.path.join(HERE, "node_modules", p)):
            skip_all(f"npm package {p} is not there: run npm ci --ignore-scripts in tests/browser")


class Node:
    async def start(self, *args, **env):
        self.seen, self.news = [], asyncio.Event()
        self.err = open(os.devnull, "wb") if not os.environ.get("WARDROOM_NODE_LOG") else None
        self.proc = await asyncio.create_subprocess_exec("node", *args, cwd=HERE, stdin=-1, stdout=-1, stderr=self.err, env={**os.environ, **env},
                                                         preexec_fn=die_with_parent, limit=1 << 22)
        self.task = asyncio.get_running_loop().create_task(self.read())
        return self

    async def read(self):
        while line := await self.proc.stdout.readline():
            try:
                self.seen.append(json.loads(line))
            except ValueError:
                self.seen.append({"event": "noise", "text": line.decode(errors="replace")[:200]})
            self.news.set()

    def tell(self, **order):
        self.proc.stdin.write(json.dumps(order).encode() + b"\n")

    async def wants(self, event, patience=15, **what):
        """Removes and returns the first event of that kind with those values."""
        end = asyncio.get_running_loop().time() + patience * SLOW
        while True:
            for i, e in enumerate(self.seen):
                if e["event"] == event and all(e.get(k) == v for k, v in what.items()):
                    return self.seen.pop(i)
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), end - asyncio.get_running_loop().time())
            except asyncio.TimeoutError:
                raise Failed(f"no {event} {what}; seen {self.seen[-6:]}") from None

    async def end(self):
        if self.proc.returncode is None:
            self.proc.kill()
            await self.proc.wait()
        self.task.cancel()
