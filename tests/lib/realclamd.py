"""Debian's clamd with signatures of its own: no network, no database of ClamAV's, a folder that the test writes to."""
import os
import shutil
import signal
import socket
import subprocess

from wardroom_test import SLOW, check, die_with_parent, until

PROGRAM = shutil.which("clamd") or ("/usr/sbin/clamd" if os.path.exists("/usr/sbin/clamd") else None)


class RealClamd:
    def __init__(self, top):
        self.top = top
        self.path = os.path.join(top, "clamd.ctl")
        self.db = os.path.join(top, "clamd.db")
        self.conf = os.path.join(top, "clamd.conf")
        self.proc = None
        os.mkdir(self.db)
        self.sign("first", b"a sentence that only a bad file has")
        with open(self.conf, "w") as f:
            f.write(f"LocalSocket {self.path}\nDatabaseDirectory {self.db}\nForeground yes\nLogFile {top}/clamd.log\nStreamMaxLength 3M\n")
            if os.getuid() == 0:
                f.write("User root\n")

    def sign(self, name, needle):
        """One more signature, in a file of its own; as freshclam does it: whole, then renamed."""
        path = os.path.join(self.db, name)
        with open(path + ".tmp", "w") as f:
            f.write(f"Private.{name.capitalize()}:0:*:{needle.hex()}\n")
        os.rename(path + ".tmp", path + ".ndb")

    def start(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.proc = subprocess.Popen([PROGRAM, "-c", self.conf], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     preexec_fn=die_with_parent)
        until(lambda: self.says(b"zPING\0") == b"PONG\0", 30 * SLOW, "clamd answers")
        return self

    def says(self, question):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(2)
            try:
                s.connect(self.path)
                s.sendall(question)
                return s.recv(4096)
            except OSError:
                return None

    def reload(self):
        check(self.says(b"zRELOAD\0") == b"RELOADING\0", "clamd does not reload")

    def hang(self):
        self.proc.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.proc.send_signal(signal.SIGCONT)

    def kill(self):
        if self.proc:
            self.proc.kill()
            self.proc.wait()
            self.proc = None
