"""A clamd of Python for tests (clamd(8)): zVERSION and zINSTREAM; what is in 'bad' is found, and it can be away."""
import os
import socket
import struct
import threading


class FakeClamd:
    def __init__(self, path, bad=b"EVIL-BYTES"):
        self.path, self.bad = path, bad
        self.version = 1
        self.sock = None
        self.seen = 0

    def start(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(self.path)
        os.chmod(self.path, 0o666)
        self.sock.listen(64)
        threading.Thread(target=self._serve, args=(self.sock,), daemon=True).start()
        return self

    def stop(self):
        if self.sock:
            self.sock.close()
            self.sock = None
        if os.path.exists(self.path):
            os.unlink(self.path)

    def _serve(self, sock):
        while True:
            try:
                c, _ = sock.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(c,), daemon=True).start()

    def _one(self, c):
        data = b""
        with c:
            c.settimeout(20)
            try:
                while b"\0" not in data:
                    more = c.recv(65536)
                    if not more:
                        return
                    data += more
                command, _, data = data.partition(b"\0")
                if command == b"zVERSION":
                    c.sendall(f"ClamAV 1.0.7/{27000 + self.version}/Tue Nov 24 09:00:00 2026\0".encode())
                elif command == b"zPING":
                    c.sendall(b"PONG\0")
                elif command == b"zINSTREAM":
                    body = self._body(c, data)
                    self.seen += 1
                    c.sendall(b"stream: Test.Evil FOUND\0" if self.bad in body else b"stream: OK\0")
            except OSError:
                return

    @staticmethod
    def _body(c, data):
        body = b""
        while True:
            while len(data) < 4:
                data += c.recv(65536) or b"\0\0\0\0"
            n = struct.unpack(">I", data[:4])[0]
            data = data[4:]
            if n == 0:
                return body
            while len(data) < n:
                more = c.recv(65536)
                if not more:
                    return body
                data += more
            body += data[:n]
            data = data[n:]
