"""wardroom-web alone, with a worker made of Python on the other end of its channel (src/ipc/chan.h, CHAN_FILE).

The worker does what a test says: slots, verdicts, keys, delays, and dying in the middle. FakeWorker.heard holds every message.
"""
import array
import hashlib
import os
import secrets
import socket
import struct
import subprocess
import threading
import time
from urllib.parse import unquote

from wardroom_test import Failed, Instance, die_with_parent, program

CHAN_FILE, CHAN_VERSION = 2, 3
LAST = 0x80000000


class Slot:
    def __init__(self, size, name="file.bin", type="application/octet-stream", token=None):
        self.token = token or secrets.token_hex(16)
        self.id = hashlib.sha256(self.token.encode()).hexdigest()[:32]
        self.key = secrets.token_hex(32)
        self.size, self.name, self.type = size, name, type
        self.state = "slot"		# slot, taking, pending, served, held, refused
        self.verdict = "served"		# what becomes of it: the message after "stored"
        self.wait = 0			# seconds before the verdict
        self.which, self.modified = "original", 1790000000
        self.busy = threading.Lock()
        self.sent = []			# bytes of each download
        self.tries = 0

    @property
    def path(self):
        return f"/upload/{self.token}/{self.name}"


class FakeWorker:
    """The worker's end of the channel; the peer's end goes to wardroom-web."""

    def __init__(self):
        self.sock, self.web_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.slots, self.heard, self.addresses, self.conversations = {}, [], [], 0
        self.before_go = None		# called with the slot: may sleep, or return a whole message
        self.kill_after = None		# "put", "stored", "get": closes the conversation after hearing it
        self.lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def slot(self, *a, **kw):
        s = Slot(*a, **kw)
        self.slots[s.token] = s
        return s

    def close(self):
        self.sock.close()
        self.web_end.close()

    def _accept(self):
        while True:
            try:
                data, anc, _, _ = self.sock.recvmsg(4096, socket.CMSG_SPACE(4 * 4))
            except OSError:
                return
            if not data:
                return
            fds = array.array("i")
            for level, kind, body in anc:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    fds.frombytes(body[:len(body) - len(body) % 4])
            version, kind, address_n = data[0], data[1], data[2]
            if version != CHAN_VERSION or kind != CHAN_FILE or len(fds) != 1:
                for fd in fds:
                    os.close(fd)
                continue
            self.addresses.append(data[5:5 + address_n])
            s = socket.socket(fileno=fds[0])
            s.setblocking(True)
            threading.Thread(target=self._serve, args=(s,), daemon=True).start()

    def _read(self, s):
        whole = b""
        while True:
            head = self._exactly(s, 4)
            if head is None:
                return None
            n = struct.unpack(">I", head)[0]
            body = self._exactly(s, n & ~LAST) if n & ~LAST else b""
            if body is None:
                return None
            whole += body
            if n & LAST:
                with self.lock:
                    self.heard.append(whole.decode("utf-8", "replace"))
                return whole.decode("utf-8", "replace").split("\n")

    @staticmethod
    def _exactly(s, n):
        data = b""
        while len(data) < n:
            try:
                more = s.recv(n - len(data))
            except OSError:
                return None
            if not more:
                return None
            data += more
        return data

    @staticmethod
    def say(s, text):
        data = text.encode()
        try:
            s.sendall(struct.pack(">I", len(data) | LAST) + data)
        except OSError:
            pass

    def _serve(self, s):
        with self.lock:
            self.conversations += 1
        try:
            words = self._read(s)
            if words:
                (self._put if words[0] == "put" else self._get)(s, words)
        finally:
            s.close()
            with self.lock:
                self.conversations -= 1

    def _put(self, s, words):
        _, token, name, length, kind = words
        slot = self.slots.get(token)
        if self.kill_after == "put":
            return
        if not slot or slot.name != name:
            self.say(s, "no\n404\nThere is no such slot.")
            return
        if int(length) != slot.size:
            self.say(s, "no\n413\nThe slot is for another size.")
            return
        if kind and kind != slot.type:
            self.say(s, "no\n400\nThe slot is for another type.")
            return
        if slot.state != "slot":
            self.say(s, "no\n409\nThe slot was used.")
            return
        if not slot.busy.acquire(blocking=False):
            self.say(s, "no\n409\nIt is arriving already.")
            return
        try:
            slot.tries += 1
            word = self.before_go(slot) if self.before_go else None
            self.say(s, word or f"go\n{slot.id}\n{slot.key}")
            words = self._read(s)
            if words != ["stored"]:
                return
            slot.state = "pending"
        finally:
            slot.busy.release()
        if self.kill_after == "stored":
            return
        time.sleep(slot.wait)
        slot.state = slot.verdict.split("\n")[0]
        self.say(s, slot.verdict)
        self._read(s)

    def _get(self, s, words):
        _, token, name, method, _auth = words
        slot = self.slots.get(token)
        if self.kill_after == "get":
            return
        if not slot or slot.name != name or slot.state not in ("served", "cleaned"):
            self.say(s, "no\n404\nThere is no such file.")
            return
        key = "-" if method == "HEAD" else slot.key
        self.say(s, f"file\n{slot.id}\n{key}\n{slot.which}\n{slot.size}\n{slot.type}\n{slot.id}-{slot.which[0]}\n{unquote(slot.name)}"
                 f"\n{slot.modified}")
        words = self._read(s)
        slot.sent.append(int(words[1]) if words else None)


class WebRole(Instance):
    """An instance of which the web role alone runs, against a FakeWorker."""

    def __init__(self, **kw):
        super().__init__(https=True, start=False, **kw)
        self.worker = None
        self.start_role()

    def start_role(self, pin=None):
        self.worker = self.worker or FakeWorker()
        r, w = os.pipe()
        chan = self.worker.web_end.fileno()

        def settle():
            die_with_parent()
            a, b = os.dup(w), os.dup(chan)
            while a < 10 or b < 10:
                a, b = (a if a >= 10 else os.dup(a)), (b if b >= 10 else os.dup(b))
            os.dup2(a, 3)
            os.dup2(b, 4)

        cmd = [program("wardroom-web"), "--dir", self.dir]
        with open(self.log_path, "ab") as err:
            self.proc = subprocess.Popen(cmd if pin is None else ["taskset", "-c", str(pin), *cmd], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err,
                                         preexec_fn=settle, pass_fds=(3, 4))
        os.close(w)
        got = os.read(r, 1)
        os.close(r)
        if got != b"+":
            self.proc.wait()
            raise Failed(f"wardroom-web did not start: {self.log_tail()}")

    def pid(self):
        return self.proc.pid

    def spool(self):
        """Every file in the spool."""
        top = os.path.join(self.dir, "spool")
        return sorted(os.path.join(d, f) for d, _, files in os.walk(top) for f in files)

    def close(self):
        super().close()
        self.worker.close()
