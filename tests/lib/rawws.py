"""XMPP over WebSocket, raw: RFC 6455 frames as the test wants them, over TLS; and one HTTP request at a time.

WsClient is rawxmpp.Client with another framing: each send() is one message, what comes is parsed message by message.
"""
import base64
import hashlib
import os
import socket
import ssl
import struct
import time
from xml.parsers import expat

from rawxmpp import CLIENT, PATIENCE, SLOW, STREAM, Client, Splitter, q, tls_context
from wardroom_test import Failed, check, one_line

FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(payload, opcode=TEXT, fin=True, mask=True, rsv=0, length=None):
    """length: what the head says, whatever the payload is."""
    n = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    m = 0x80 if mask else 0
    if n < 126:
        head += bytes([m | n])
    elif n < 65536:
        head += bytes([m | 126]) + struct.pack(">H", n)
    else:
        head += bytes([m | 127]) + struct.pack(">Q", n)
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(b ^ key[i % 4] for i, b in enumerate(payload))


class Message(Splitter):
    """One message: its root is the element itself."""

    def start(self, tag, attrs):
        self.header = self.header if self.header is not None else True
        super().start(tag, attrs)


class WsClient(Client):
    def __init__(self, *a, origin=None, protocol="xmpp", path="/ws", headers="", **kw):
        super().__init__(*a, **kw)
        self.origin, self.protocol, self.path, self.headers = origin, protocol, path, headers
        self.buf, self.upgraded, self.status, self.head = bytearray(), False, None, None
        self.close_code, self.control, self.partial, self.texts = None, [], b"", []

    # The handshake.

    def request_text(self):
        self.key = base64.b64encode(os.urandom(16)).decode()
        text = (f"GET {self.path} HTTP/1.1\r\nHost: {self.server.domain}:{self.server.https_port}\r\nUpgrade: websocket\r\n"
                f"Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: {self.key}\r\nSec-WebSocket-Version: 13\r\n")
        if self.protocol is not None:
            text += f"Sec-WebSocket-Protocol: {self.protocol}\r\n"
        if self.origin is not None:
            text += f"Origin: {self.origin}\r\n"
        return text + self.headers + "\r\n"

    def connect(self, direct=True, context=None, port=None, upgrade=True):
        super().connect(True, context or tls_context(("http/1.1",)), self.server.https_port)
        if upgrade:
            self.upgrade()
            check(self.status == 101, f"handshake: {one_line(self.head)}")
        return self

    def upgrade(self, text=None):
        """Sends the request; self.status, self.head (and self.buf: the body of a refusal)."""
        super().send(text or self.request_text())
        end = time.monotonic() + PATIENCE * SLOW
        while self.status is None and not self.eof and time.monotonic() < end:
            self.pump(0.5)
        if self.status == 101:
            want = base64.b64encode(hashlib.sha1((self.key + GUID).encode()).digest()).decode()
            check(f"sec-websocket-accept: {want}".lower() in self.head.lower(), f"wrong accept: {self.head}")
            check("sec-websocket-protocol: xmpp" in self.head.lower(), f"no subprotocol: {self.head}")
        return self.status

    # Frames.

    def send(self, data):
        if isinstance(data, str):
            data = data.encode()
        self.send_raw(frame(data))

    def send_raw(self, data):
        super().send(data)

    def _got(self, data):
        self.buf += data
        if not self.upgraded:
            end = self.buf.find(b"\r\n\r\n")
            if end < 0:
                return
            self.head = bytes(self.buf[:end]).decode("latin-1")
            self.status = int(self.head.split()[1])
            del self.buf[:end + 4]
            self.upgraded = self.status == 101
        while self.upgraded and self._one():
            pass

    def _one(self):
        b = self.buf
        if len(b) < 2:
            return False
        check(not b[1] & 0x80, "a masked frame from the server")
        check(not b[0] & 0x70, "reserved bits from the server")
        n, at = b[1] & 0x7f, 2
        if n == 126 and len(b) >= 4:
            n, at = struct.unpack(">H", b[2:4])[0], 4
        elif n == 127 and len(b) >= 10:
            n, at = struct.unpack(">Q", b[2:10])[0], 10
        elif n >= 126:
            return False
        if len(b) < at + n:
            return False
        op, fin, payload = b[0] & 15, b[0] & 0x80, bytes(b[at:at + n])
        del b[:at + n]
        if op == CLOSE:
            self.close_code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
        elif op in (PING, PONG):
            self.control.append((op, payload))
            if op == PING:
                super().send(frame(payload, PONG))
        else:
            self.partial += payload
            if fin:
                whole, self.partial = self.partial, b""
                self._message(whole)
        return True

    def _message(self, data):
        """Exactly one element, with namespaces of its own (RFC 7395 3.3)."""
        check(data.startswith(b"<") and not data.startswith(b"<?"), f"a message that is no element: {one_line(data)}")
        self.texts.append(data.decode())
        s = Message()
        try:
            s.p.Parse(data, True)
        except expat.ExpatError as e:
            raise Failed(f"the server's XML is wrong: {e}: {one_line(data[:300])}") from None
        check(len(s.done) == 1, f"{len(s.done)} elements in a message: {one_line(data[:300])}")
        el = s.done[0]
        check(el.tag[0] == "{", f"an element in no namespace: {one_line(data[:200])}")
        if el.tag == q(FRAMING, "open"):
            self.splitter.header = el
        elif el.tag == q(FRAMING, "close"):
            self.splitter.closed = True
        else:
            self.splitter.done.append(el)
            super()._got(b"")
        self.raw += data

    # XMPP.

    def header_text(self, to=None, **attrs):
        more = "".join(f" {k.replace('_', ':')}='{v}'" for k, v in attrs.items())
        return f"<open xmlns='{FRAMING}' to='{to or self.server.domain}' version='1.0'{more}/>"

    def secure(self, direct=True, context=None):
        self.connect()
        self.restart()
        return self

    def stanza(self, text):
        """Tests write stanzas as inside a stream: here they say themselves what that would have said."""
        name = text[1:].split(">")[0].split(" ")[0].rstrip("/")
        if name in ("iq", "message", "presence"):
            text = f"<{name} xmlns='{CLIENT}'" + text[1 + len(name):]
        super().stanza(text)

    def goodbye(self):
        if not self.eof:
            self.send(f"<close xmlns='{FRAMING}'/>")
            self.wait_end()
        self.close()


def http(server, request, patience=PATIENCE, read=True, pace=0):
    """Sends bytes over TLS, returns (status, headers, body, seconds until the end) of what came; status None: nothing.
    pace: seconds between bytes."""
    if isinstance(request, str):
        request = request.encode()
    raw = socket.create_connection((server.host, server.https_port), 10)
    s = tls_context(("http/1.1",)).wrap_socket(raw, server_hostname=server.domain)
    t0, data = time.monotonic(), b""
    try:
        s.settimeout(patience * SLOW)
        try:
            if pace:
                for b in request:
                    s.sendall(bytes([b]))
                    time.sleep(pace)
            else:
                s.sendall(request)
            while read:
                more = s.recv(65536)
                if not more:
                    break
                data += more
        except socket.timeout:
            raise Failed(f"the connection stays open; got {one_line(data)}") from None
        except (ConnectionError, ssl.SSLError, OSError):
            pass
    finally:
        s.close()
    took = time.monotonic() - t0
    if not data:
        return None, {}, b"", took
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        k, _, v = line.partition(":")
        headers[k.strip().lower()] = v.strip()
    return int(lines[0].split()[1]), headers, body, took


__all__ = ["BINARY", "CLOSE", "FRAMING", "PING", "PONG", "STREAM", "TEXT", "WsClient", "frame", "http"]
