"""A program on a terminal of its own: private tmux socket, private home, typed to and read like a person would."""
import asyncio
import os
import shutil
import subprocess
import tempfile
import time

from wardroom_test import SLOW, Failed, one_line


class Terminal:
    def __init__(self, command, files=None, folders=()):
        """files: path below the home -> text. The command runs there."""
        self.home = tempfile.mkdtemp(prefix="terminal-")
        self.sock = os.path.join(self.home, "tmux")
        self.command = command
        self.env = {"HOME": self.home, "XDG_CONFIG_HOME": self.home + "/config", "XDG_DATA_HOME": self.home + "/data",
                    "XDG_CACHE_HOME": self.home + "/cache", "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "TERM": "xterm-256color",
                    "LC_ALL": "C.UTF-8", "TMUX_TMPDIR": self.home}
        for folder in folders:
            os.makedirs(os.path.join(self.home, folder), mode=0o700, exist_ok=True)
        for path, text in (files or {}).items():
            self.write(path, text)

    def write(self, path, text):
        path = os.path.join(self.home, path)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o600)

    def start(self):
        self.tmux("new-session", "-d", "-s", "p", "-c", self.home, "-x", "140", "-y", "45", self.command)
        return self

    def tmux(self, *args):
        return subprocess.run(["tmux", "-S", self.sock, "-f", "/dev/null", *args], env=self.env, capture_output=True, text=True, timeout=20)

    def keys(self, *names):
        """Keys by tmux's names: Enter, Escape, C-n ..."""
        self.tmux("send-keys", "-t", "p", *names)

    def type(self, text):
        if text.startswith("/"):	# where a slash opens the line of input, it must be open before the rest comes
            self.tmux("send-keys", "-t", "p", "-l", "/")
            time.sleep(0.2)
            text = text[1:]
        self.tmux("send-keys", "-t", "p", "-l", text)
        time.sleep(0.2)				# in one read with the text it would be taken for pasted
        self.keys("Enter")

    def text(self):
        return self.tmux("capture-pane", "-p", "-t", "p").stdout

    async def shows(self, word, patience=15):
        end = time.monotonic() + patience * SLOW
        while time.monotonic() < end:
            text = self.text()
            if word in text:
                return text
            await asyncio.sleep(0.1)
        raise Failed(f"the screen does not show {word!r}: {one_line(' | '.join(x for x in self.text().splitlines() if x.strip()), 900)}")

    def close(self):
        self.tmux("kill-session", "-t", "p")
        shutil.rmtree(self.home, ignore_errors=True)
