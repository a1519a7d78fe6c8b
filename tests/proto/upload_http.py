#!/usr/bin/env python3
"""Files over HTTP (XEP-0363): the web role alone, against a worker made of Python (tests/lib/fakeworker.py).

Every rule about headers and lengths, security-tests 111 to 113 and 119, what lies in the spool, and what is left when something breaks.
"""
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from harness import check
from fakeworker import WebRole
from rawws import http
from rawxmpp import tls_context
from wardroom_test import SLOW, Tap

KIB, MIB = 1024, 1024 * 1024
PIECE = 64 * KIB


def wait(true, patience=10):
    """Whether it comes true in time."""
    end = time.monotonic() + patience * SLOW
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def request(server, method, path, headers="", body=b"", **kw):
    return http(server, f"{method} {path} HTTP/1.1\r\nHost: {server.domain}\r\n{headers}\r\n".encode() + body, **kw)


def put(server, slot, body, headers="", length=None, path=None, **kw):
    length = len(body) if length is None else length
    return request(server, "PUT", path or slot.path, f"Content-Length: {length}\r\nContent-Type: {slot.type}\r\n{headers}", body, **kw)


def get(server, slot, headers="", method="GET", **kw):
    return request(server, method, slot.path, headers, **kw)


def stored(server, body, **kw):
    """A file that is served."""
    slot = server.worker.slot(len(body), **kw)
    status, _, text, _ = put(server, slot, body)
    check(status == 201, f"PUT: {status} {text}")
    return slot


def no_parts(server):
    return wait(lambda: not [p for p in server.spool() if p.endswith(".part")], 10)


class Raw:
    """A connection that is driven byte by byte."""

    def __init__(self, server, rcvbuf=None, source=None):
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if rcvbuf:
            self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        if source:
            self.raw.bind((source, 0))
        self.raw.settimeout(60)
        self.raw.connect((server.host, server.https_port))
        self.s = tls_context(("http/1.1",)).wrap_socket(self.raw, server_hostname=server.domain)
        self.s.settimeout(30 * SLOW)

    def send(self, data):
        self.s.sendall(data.encode() if isinstance(data, str) else data)

    def read(self, until_bytes=None):
        data = b""
        while until_bytes is None or until_bytes not in data:
            try:
                more = self.s.recv(65536)
            except (ConnectionError, ssl.SSLError):
                break
            if not more:
                break
            data += more
        return data

    def close(self):
        self.s.close()

    def begin_put(self, server, slot, length=None, headers=""):
        self.send(f"PUT {slot.path} HTTP/1.1\r\nHost: {server.domain}\r\nContent-Length: {slot.size if length is None else length}\r\n{headers}\r\n")


# --- the road of a file ------------------------------------------------------------------------------------------------

def road_tests(tap, w):
    def there_and_back():
        for n in (1, 15, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 1000001):
            body = secrets.token_bytes(n)
            slot = stored(w, body)
            status, h, got, _ = get(w, slot)
            check(status == 200 and got == body, f"{n}: {status}, {len(got)} bytes")
            check(int(h["content-length"]) == n, f"{h}")
            wait(lambda: slot.sent == [n], 5)
            check(slot.sent == [n], f"the worker was told {slot.sent}")
    tap.run("xep0363-put-get: what comes up comes down, at every size around a piece", there_and_back)

    def headers():
        slot = stored(w, b"GIF89a" * 20, name="caf%C3%A9%20%22a%22.gif", type="image/gif")
        status, h, body, _ = get(w, slot)
        check(status == 200, f"{status}")
        for name, want in (("content-type", "image/gif"), ("x-content-type-options", "nosniff"), ("accept-ranges", "bytes"),
                           ("content-disposition", "attachment; filename*=UTF-8''caf%C3%A9%20%22a%22.gif"),
                           ("cross-origin-resource-policy", "cross-origin"), ("access-control-allow-origin", "*"),
                           ("etag", f'"{slot.id}-o"'), ("last-modified", "Mon, 21 Sep 2026 14:13:20 GMT")):
            check(h.get(name) == want, f"{name}: {h.get(name)}")
        check("sandbox" in h["content-security-policy"] and "default-src 'none'" in h["content-security-policy"], f"{h}")
        check("private" in h["cache-control"] and "max-age" in h["strict-transport-security"], f"{h}")
        check("server" not in h, "tells what it is")
        status, h2, body, _ = get(w, slot, method="HEAD")
        check(status == 200 and body == b"", f"HEAD: {status} {body}")
        same = {k: v for k, v in h.items() if k != "date"}
        check({k: v for k, v in h2.items() if k != "date"} == same, f"HEAD differs: {h2}")
    tap.run("b112-headers: attachment, nosniff, sandbox, strong ETag; HEAD says the same (RFC 9110 9.3.2)", headers)

    def treacherous_name():
        slot = stored(w, b"x", name="a%E2%80%AEgpj.exe")
        _, h, _, _ = get(w, slot)
        check(h["content-disposition"] == "attachment; filename*=UTF-8''a_gpj.exe", f"{h['content-disposition']}")
        slot = stored(w, b"x", name="CON")
        check(get(w, slot)[1]["content-disposition"].endswith("''CON"), "a reserved name is the reader's to judge")
    tap.run("b111-name: a name that turns its direction is shown without (RFC 6266)", treacherous_name)

    def preflight():
        status, h, body, _ = request(w, "OPTIONS", "/upload/" + "0" * 32 + "/x", "Origin: https://chat.example\r\nAccess-Control-Request-Method: PUT\r\n"
                                     "Access-Control-Request-Headers: content-type,authorization\r\n")
        check(status == 204 and not body, f"{status}")
        check(h["access-control-allow-origin"] == "*" and "access-control-allow-credentials" not in h, f"{h}")
        check(all(m in h["access-control-allow-methods"] for m in ("PUT", "GET", "HEAD", "OPTIONS")), f"{h}")
        check(all(m in h["access-control-allow-headers"] for m in ("Content-Type", "Authorization", "Cookie", "Expires")), f"{h}")
    tap.run("xep0363-cors: a browser's preflight is answered (RFC of the Fetch standard)", preflight)

    def expect():
        slot = w.worker.slot(5)
        c = Raw(w)
        c.begin_put(w, slot, headers="Expect: 100-continue\r\n")
        first = c.read(b"\r\n\r\n")
        check(first.startswith(b"HTTP/1.1 100 "), f"{first}")
        c.send("hello")
        check(c.read().startswith(b"HTTP/1.1 201 "), "not stored")
        c.close()
        unknown = w.worker.slot(5)
        del w.worker.slots[unknown.token]
        c = Raw(w)
        c.begin_put(w, unknown, headers="Expect: 100-continue\r\n")
        check(c.read(b"\r\n\r\n").startswith(b"HTTP/1.1 404 "), "a body is asked for that nobody wants")
        c.close()
        check(put(w, w.worker.slot(1), b"x", headers="Expect: coffee\r\n")[0] == 417, "expects anything")
    tap.run("rfc9110-expect: 100-continue is answered when the worker agrees (10.1.1)", expect)

    def verdicts():
        for word, status in (("served", 201), ("pending", 201), ("held\nIt has macros.", 422), ("refused\nIt is a program.", 422),
                             ("no\n507\nNo room.", 507), ("nonsense", 503)):
            slot = w.worker.slot(3)
            slot.verdict = word
            got, h, body, _ = put(w, slot, b"abc")
            check(got == status, f"{word!r}: {got}")
            if "\n" in word:
                check(body.decode().strip() == word.split("\n")[-1], f"{word!r}: {body}")
            check(h.get("access-control-allow-origin") == "*", "a page cannot read why")
            check((h.get("retry-after") is not None) == (status in (503, 507)), f"{word!r}: {h}")
    tap.run("xep0363-verdict: 201 alone means success; a sentence says why not", verdicts)


# --- what is asked for ----------------------------------------------------------------------------------------------------

def range_tests(tap, w):
    body = secrets.token_bytes(200000)
    slot = stored(w, body)
    tag = f'"{slot.id}-o"'

    def parts():
        for value, a, b in (("bytes=0-0", 0, 1), ("bytes=0-", 0, 200000), ("bytes=65530-65545", 65530, 65546), ("bytes=199999-", 199999, 200000),
                            ("bytes=-1", 199999, 200000), ("bytes=-300000", 0, 200000), ("bytes=131072-999999", 131072, 200000), ("BYTES=5-9", 5, 10),
                            ("bytes=65536-131071", 65536, 131072)):
            status, h, got, _ = get(w, slot, f"Range: {value}\r\n")
            check(status == 206 and got == body[a:b], f"{value}: {status}, {len(got)}")
            check(h["content-range"] == f"bytes {a}-{b - 1}/200000" and int(h["content-length"]) == b - a, f"{value}: {h}")
    tap.run("rfc9110-range: one part, wherever it lies (14.2)", parts)

    def none():
        for value in ("bytes=200000-", "bytes=999999-1000000", "bytes=-0"):
            status, h, _, _ = get(w, slot, f"Range: {value}\r\n")
            check(status == 416 and h["content-range"] == "bytes */200000", f"{value}: {status} {h}")
    tap.run("rfc9110-416: a part that is not there (15.5.17)", none)

    def ignored():
        for value in ("bytes=5-4", "bytes=a-b", "bytes=", "bytes=-", "bytes=0-1,5-6", "items=0-5", "bytes=0-18446744073709551616", "bytes=--5", "bytes=0x1-2"):
            status, _, got, _ = get(w, slot, f"Range: {value}\r\n")
            check(status == 200 and got == body, f"{value}: {status}, {len(got)}")
        check(get(w, slot, "Range: bytes=0-1\r\nRange: bytes=2-3\r\n")[0] == 200, "two fields")
        status, h, _, _ = get(w, slot, "Range: bytes=0-1\r\n", method="HEAD")
        check(status == 200 and h["content-length"] == "200000", "HEAD with Range")
    tap.run("rfc9110-range: what is not understood, several ranges, HEAD: the whole file", ignored)

    def if_range():
        for value, want in ((tag, 206), ('"other"', 200), (f"W/{tag}", 200), ("Mon, 21 Sep 2026 14:13:20 GMT", 206), ("Mon, 21 Sep 2026 14:13:21 GMT", 200),
                            ("yesterday", 200)):
            check(get(w, slot, f"Range: bytes=0-1\r\nIf-Range: {value}\r\n")[0] == want, f"{value}")
    tap.run("rfc9110-if-range: the part only of the version that is known (13.1.5)", if_range)

    def conditions():
        early, late = "Mon, 21 Sep 2026 14:13:19 GMT", "Mon, 21 Sep 2026 14:13:20 GMT"
        for headers, want in ((f"If-None-Match: {tag}", 304), (f'If-None-Match: "x", W/{tag}', 304), ("If-None-Match: *", 304), ('If-None-Match: "x"', 200),
                              (f"If-Modified-Since: {late}", 304), (f"If-Modified-Since: {early}", 200),
                              (f'If-None-Match: "x"\r\nIf-Modified-Since: {late}', 200), ("If-Modified-Since: Tue, 21 Sep 2026 14:13:20 GMT", 200),
                              (f"If-Match: {tag}", 200), ('If-Match: "x"', 412), (f"If-Match: W/{tag}", 412), ("If-Match: *", 200),
                              (f"If-Unmodified-Since: {early}", 412), (f"If-Unmodified-Since: {late}", 200)):
            status, h, got, _ = get(w, slot, headers + "\r\n")
            check(status == want, f"{headers}: {status}")
            check(status != 304 or (got == b"" and h["etag"] == tag and "content-length" not in h), f"{headers}: {h} {got[:20]}")
    tap.run("rfc9110-conditions: 304 and 412 (13.1, 13.2.2)", conditions)


# --- what is wrong ---------------------------------------------------------------------------------------------------------

def wrong_tests(tap, w):
    def lengths():
        for headers, want in (("", 411), ("Transfer-Encoding: chunked\r\n", 411), ("Content-Length: 0\r\n", 400), ("Content-Length: -1\r\n", 400),
                              ("Content-Length: 9223372036854775808\r\n", 400), ("Content-Length: 18446744073709551617\r\n", 400),
                              ("Content-Length: +5\r\n", 400), ("Content-Length: 5\r\nContent-Length: 5\r\n", 400), ("Content-Length: 5, 5\r\n", 400),
                              ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400), ("Transfer-Encoding: chunked, identity\r\n", 400),
                              ("Transfer-Encoding: xchunked\r\n", 400), ("Content-Length: 5\r\nContent-Range: bytes 0-4/5\r\n", 400),
                              ("Content-Length: 5\r\nContent-Encoding: gzip\r\n", 415), ("Content-Length: 9223372036854775807\r\n", 413),
                              ("Content-Length: 4\r\n", 413), ("Content-Length: 6\r\n", 413)):
            slot = w.worker.slot(5)
            status, _, _, _ = request(w, "PUT", slot.path, headers, b"0\r\n\r\n" if "chunked" in headers else b"hello")
            check(status == want and slot.state == "slot", f"{headers!r}: {status}, {slot.state}")
        check(no_parts(w), "something is left in the spool")
    tap.run("b111-b113-length: exact Content-Length or nothing", lengths)

    def too_long():
        slot = w.worker.slot(5)
        status, _, body, _ = put(w, slot, b"hello, world", length=5)
        check(status == 413 and slot.state == "slot", f"{status} {slot.state} {body}")
        check(no_parts(w), "something is left")
        check(put(w, slot, b"hello")[0] == 201, "the slot is used up")
        check(get(w, slot)[2] == b"hello", "another file")
    tap.run("b111-too-long: more than was said: 413, nothing kept, the slot can be used again", too_long)

    def smuggled():
        other = stored(w, b"secret")
        slot = w.worker.slot(5)
        second = f"GET {other.path} HTTP/1.1\r\nHost: {w.domain}\r\n\r\n".encode()
        c = Raw(w)
        c.begin_put(w, slot, headers="Connection: keep-alive\r\n")
        c.send("hello")
        time.sleep(0.3)
        try:
            c.send(second)
            got = c.read()
        except (ConnectionError, ssl.SSLError):
            got = b""
        c.close()
        check(got.count(b"HTTP/1.1") <= 1 and b"secret" not in got, f"{got}")
        check(other.sent == [], "the second request was served")
        status, _, got, _ = request(w, "GET", other.path, "", second)
        check(status == 400 and b"secret" not in got, f"pipelined: {status} {got}")
    tap.run("b113-smuggling: nothing behind a body is a request", smuggled)

    def too_short():
        slot = w.worker.slot(100000)
        c = Raw(w)
        c.begin_put(w, slot)
        c.send(b"x" * 99999)
        check(wait(lambda: [p for p in w.spool() if p.endswith(slot.id + ".part")], 5), "it does not arrive as .part")
        c.close()
        check(no_parts(w) and slot.state == "slot", "half a file is kept")
        check(wait(lambda: not slot.busy.locked(), 5), "the worker was not told")
        check(put(w, slot, b"y" * 100000)[0] == 201, "the slot is used up")
        check(get(w, slot)[2] == b"y" * 100000, "another file")
    tap.run("b111-too-short: the connection breaks off: nothing kept, from the start again", too_short)

    def paths():
        token = secrets.token_hex(16)
        name = "x" * 255
        for path in ("/upload/", "/upload/x", f"/upload/{token}", f"/upload/{token}/", f"/upload/{token[:-1]}/x", f"/upload/{token}0/x", f"/upload/{token.upper()}/x",
                     f"/upload/{token}/..", f"/upload/{token}/.", f"/upload/{token}/%2e%2e", f"/upload/{token}/a/b", f"/upload/{token}/a%2Fb",
                     f"/upload/{token}/..%2f..%2fetc%2fpasswd", f"/upload/{token}/a%5Cb", f"/upload/{token}/a%00b", f"/upload/{token}/a%0Ab", f"/upload/{token}/a%0d",
                     f"/upload/{token}/a%7f", f"/upload/{token}/a%", f"/upload/{token}/a%4", f"/upload/{token}/a%zz", f"/upload/{token}/%ff%fe",
                     f"/upload/{token}/%c0%ae", f"/upload/{token}/{name}y", f"/upload/{token}/" + "%41" * 256, f"/upload/../upload/{token}/x", f"/upload//{token}/x",
                     f"/upload/{'.' * 32}/x"):
            for method in ("GET", "PUT"):
                status = request(w, method, path, "Content-Length: 1\r\n" if method == "PUT" else "", b"x" if method == "PUT" else b"")[0]
                check(status == 404, f"{method} {path}: {status}")
            check(not [x for x in w.worker.heard if token in x], f"{path}: the worker was asked")
        check(request(w, "GET", f"/upload/{token}/a\x00b")[0] == 400 and request(w, "GET", f"/upload/{token}/a b")[0] == 400, "NUL or space in a path")
        slot = stored(w, b"long", name=name)
        check(get(w, slot)[2] == b"long", "255 bytes are no name")
        check(get(w, slot, method="HEAD")[0] == 200, "HEAD")
        check(request(w, "GET", "/upload/" + token + "/x")[0] == 404, "a guess")
        check(request(w, "GET", slot.path + "x")[0] == 404, "another name for the same token")
    tap.run("b111-paths: traversal, NUL, control characters, half escapes, names too long: 404 before anybody is asked", paths)

    def methods():
        slot = stored(w, b"here")
        for method in ("POST", "DELETE", "PATCH", "PROPFIND", "TRACE", "MKCOL", "put"):
            status, h, _, _ = request(w, method, slot.path)
            check(status == 405 and "PUT" in h["allow"], f"{method}: {status}")
        check(put(w, slot, b"once")[0] == 409, "a file can be replaced")
        check(get(w, slot)[2] == b"here", "it was replaced")
        status, _, _, _ = request(w, "GET", slot.path, "Content-Length: 3\r\n", b"abc")
        check(status == 400, f"GET with a body: {status}")
    tap.run("b112-methods: a slot takes one file, and nothing but PUT, GET, HEAD", methods)

    def plain():
        with socket.create_connection((w.host, w.https_port), 10) as s:
            s.sendall(f"GET /upload/{'0' * 32}/x HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            s.settimeout(15 * SLOW)
            data = b""
            try:
                while True:
                    more = s.recv(4096)
                    if not more:
                        break
                    data += more
            except ConnectionError:
                pass
            check(not data.startswith(b"HTTP"), f"{data}")
    tap.run("rfc9325-tls: nothing is served without TLS", plain)


# --- the spool --------------------------------------------------------------------------------------------------------------

def spool_tests(tap, w):
    marker = b"THE-QUARTERLY-FIGURES-" + secrets.token_hex(8).encode()

    def noise():
        slot = stored(w, marker * 9000, name=f"{marker.decode()}.txt")
        check(get(w, slot)[2] == marker * 9000, "not there")
        files = w.spool()
        check(any(p.endswith("/" + slot.id) for p in files), f"{files}")
        for p in files:
            with open(p, "rb") as f:
                data = f.read()
            check(marker not in data and marker not in p.encode(), f"{p} tells")
            check(slot.token.encode() not in data and slot.token not in p, f"{p} tells the link")
            check(bytes.fromhex(slot.key) not in data, "the key lies beside")
            check(os.stat(p).st_mode & 0o777 == 0o600, f"mode of {p}")
        one = open(next(p for p in files if p.endswith(slot.id)), "rb").read()
        check(len(set(one)) == 256 and max(one.count(bytes([b])) for b in range(256)) < len(one) / 128, "it has a pattern")
    tap.run("file-sealed: a stolen spool is noise, and tells no link", noise)

    def damaged():
        body = secrets.token_bytes(300000)
        slot = stored(w, body)
        path = next(p for p in w.spool() if p.endswith(slot.id))
        with open(path, "r+b") as f:
            f.seek(100000)
            b = f.read(1)
            f.seek(100000)
            f.write(bytes([b[0] ^ 1]))
        status, h, got, _ = get(w, slot)
        check(len(got) < 300000 and body.startswith(got), f"{status}, {len(got)} bytes")
        check(got == body[:len(got)] and len(got) <= PIECE, "a damaged piece was served")
        with open(path, "ab") as f:
            f.write(b"more")
        check(get(w, slot)[0] == 503, "a file of another length")
        os.truncate(path, 100)
        check(get(w, slot)[0] == 503, "a file that was cut")
        os.unlink(path)
        check(get(w, slot)[0] == 503, "a file that is gone")
    tap.run("file-damaged: what does not open is not served", damaged)

    def swept():
        slot = w.worker.slot(5 * MIB)
        c = Raw(w)
        c.begin_put(w, slot)
        c.send(b"x" * MIB)
        check(wait(lambda: [p for p in w.spool() if p.endswith(".part")], 5), "nothing arrives")
        kept = [p for p in w.spool() if not p.endswith(".part")]
        w.proc.send_signal(signal.SIGKILL)
        w.proc.wait()
        c.close()
        check([p for p in w.spool() if p.endswith(".part")], "the test tests nothing")
        w.start_role()
        check(w.spool() == kept, "the unfinished file is still there, or another is gone")
        check(wait(lambda: not slot.busy.locked(), 5) and put(w, slot, b"y" * 5 * MIB)[0] == 201, "not from the start again")
    tap.run("file-killed: killed in the middle, the role leaves nothing unfinished behind", swept)

    def worker_dies():
        for where in ("put", "stored"):
            slot = w.worker.slot(4)
            w.worker.kill_after = where
            status, h, _, _ = put(w, slot, b"abcd")
            w.worker.kill_after = None
            check(status == 503 and "retry-after" in h, f"{where}: {status}")
        slot = stored(w, b"abcd")
        w.worker.kill_after = "get"
        status = get(w, slot)[0]
        w.worker.kill_after = None
        check(status == 503, f"get: {status}")
        check(no_parts(w), "something is left")
    tap.run("file-worker-gone: never success without the worker's word", worker_dies)


# --- slow, many, too much -----------------------------------------------------------------------------------------------------

def slow_tests(tap, w):
    """All at once: they take their time."""
    found = {}

    def slow_put():
        slot = w.worker.slot(100000)
        c = Raw(w)
        c.begin_put(w, slot)
        t0 = time.monotonic()
        try:
            while time.monotonic() - t0 < 60:
                c.send(b"x")
                c.s.settimeout(0.5)
                try:
                    got = c.s.recv(1000)
                    break
                except (socket.timeout, ssl.SSLWantReadError):
                    continue
        except (ConnectionError, ssl.SSLError):
            got = b""
        found["put"] = (time.monotonic() - t0, got[:12])
        c.close()

    def slow_head():
        c = Raw(w)
        t0 = time.monotonic()
        try:
            for ch in f"PUT /upload/{'0' * 32}/x HTTP/1.1\r\nHost: a\r\nX: " + "y" * 300:
                c.send(ch)
                c.s.settimeout(0.3)
                try:
                    c.s.recv(1000)
                    break
                except (socket.timeout, ssl.SSLWantReadError):
                    continue
        except (ConnectionError, ssl.SSLError):
            pass
        found["head"] = time.monotonic() - t0
        c.close()

    def slow_get():
        slot = stored(w, b"z" * 20 * MIB)
        c = Raw(w, rcvbuf=4096)
        c.send(f"GET {slot.path} HTTP/1.1\r\nHost: {w.domain}\r\n\r\n")
        t0, n = time.monotonic(), 0
        try:
            while time.monotonic() - t0 < 80 and not slot.sent:
                n += len(c.s.recv(100))
                time.sleep(0.25)
        except (ConnectionError, ssl.SSLError, OSError):
            pass
        found["get"] = (time.monotonic() - t0, n, slot.sent)
        c.close()

    def steady():
        """40 KiB a second is slow, and fast enough."""
        slot = w.worker.slot(800 * KIB)
        c = Raw(w)
        c.begin_put(w, slot)
        for _ in range(80):
            c.send(b"s" * 10 * KIB)
            time.sleep(0.25)
        found["steady"] = c.read()[:12]
        c.close()

    def run():
        threads = [threading.Thread(target=t) for t in (slow_put, slow_head, slow_get, steady)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        took, got = found["put"]
        check(took < 35 * SLOW, f"a body of a byte every half second held a place for {took:.0f} s, {got}")
        check(found["head"] < 15 * SLOW, f"a head held a place for {found['head']:.0f} s")
        took, n, sent = found["get"]
        check(took < 80 * SLOW and sent == [None], f"a reader of 400 bytes a second: {took:.0f} s, {n} bytes, {sent}")
        check(found["steady"] == b"HTTP/1.1 201", f"a slow but steady upload: {found['steady']}")
        check(no_parts(w), "something is left")
    tap.run("b119-slowloris: head, body and reading have a least rate; a bad mobile network is above it", run)


def many_tests(tap, w):
    def many():
        n, size = 500, 100 * KIB
        slots = [w.worker.slot(size) for _ in range(n)]
        body = secrets.token_bytes(size)
        conns, got, polled, stop = [], {}, {"bad": 0, "n": 0}, threading.Event()

        def poll():
            """Nothing is served before the worker says so."""
            while not stop.is_set():
                s = secrets.choice(slots)
                before = s.state
                status = get(w, s)[0]
                polled["n"] += 1
                if status == 200 and before != "served" and s.state != "served":
                    polled["bad"] += 1
                elif status not in (200, 404):
                    polled["bad"] += 1

        def some(k):
            mine = []
            for s in slots[k::10]:
                c = Raw(w, source=f"127.0.0.{10 + k}")
                c.begin_put(w, s)
                c.send(body[:1000])
                mine.append((c, s))
            conns.append(len(mine))
            barrier.wait()			# all 500 are open now
            for c, s in mine:
                c.send(body[1000:])
            for c, s in mine:
                got[s.token] = c.read()[:12]
                c.close()
        barrier = threading.Barrier(10)
        threads = [threading.Thread(target=some, args=(k,)) for k in range(10)]
        watch = threading.Thread(target=poll)
        watch.start()
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        stop.set()
        watch.join()
        good = sum(1 for v in got.values() if v == b"HTTP/1.1 201")
        check(good == n, f"{good} of {n} were stored: {sorted(set(got.values()))}")
        check(polled["bad"] == 0 and polled["n"] > 0, f"{polled}")
        check(get(w, slots[123])[2] == body, "another file")
    tap.run("file-many: 500 uploads at once are all stored, and nothing is served before its time", many)

    def huge():
        slot = w.worker.slot(100 * MIB)
        check(put(w, slot, b"x" * 1000, length=2 * 1024 * MIB)[0] == 413, "2 GiB were begun")
        small, c = w.worker.slot(MIB + 1000), Raw(w)
        c.begin_put(w, small)
        t0, most = time.monotonic(), 0
        try:
            while time.monotonic() - t0 < 30 * SLOW:		# it has said one MiB and a little
                c.send(b"e" * MIB)
                most = max([most] + [os.path.getsize(p) for p in w.spool() if small.id in p])
        except (ConnectionError, ssl.SSLError, socket.timeout, FileNotFoundError):
            pass
        took = time.monotonic() - t0
        check(took < 10 * SLOW and small.state == "slot" and most < 2 * MIB, f"taken for {took:.0f} s, {most} bytes in the spool, {small.state}")
        c.close()
        check(no_parts(w), "something is left")
    tap.run("file-endless: a declared 2 GiB and an endless body against a limit", huge)


def memory_tests(tap):
    w = WebRole()

    def memory():
        """In the middle of a hundred transfers: half up, half down, of a role that has done nothing else."""
        def pss():
            with open(f"/proc/{w.pid()}/smaps_rollup") as f:
                return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        served = stored(w, secrets.token_bytes(8 * MIB))
        up = [w.worker.slot(8 * MIB) for _ in range(50)]
        before, conns = pss(), []
        for s in up:
            c = Raw(w)
            c.begin_put(w, s)
            c.send(b"m" * (MIB + 40000))
            conns.append(c)
        for _ in range(50):
            c = Raw(w, rcvbuf=16384)
            c.send(f"GET {served.path} HTTP/1.1\r\nHost: {w.domain}\r\n\r\n")
            c.s.recv(1000)
            conns.append(c)
        time.sleep(1)
        each = (pss() - before) / len(conns)
        print(f"# memory: {each:.0f} KiB a transfer", flush=True)
        check(each <= 256 or SLOW > 1, f"{each:.0f} KiB a transfer")
        for c in conns:
            c.close()
    try:
        tap.run("file-memory: a transfer has at most 256 KiB", memory)
    finally:
        w.close()


def stop_tests(tap):
    """SIGTERM in the middle of everything: sending, receiving, waiting for the worker."""
    w = WebRole()

    def stops():
        served, conns = stored(w, b"q" * 8 * MIB), []
        for _ in range(5):
            c = Raw(w)
            c.begin_put(w, w.worker.slot(3 * MIB))
            c.send(b"x" * MIB)
            conns.append(c)
            c = Raw(w, rcvbuf=8192)
            c.send(f"GET {served.path} HTTP/1.1\r\nHost: {w.domain}\r\n\r\n")
            c.s.recv(100)
            conns.append(c)
        slow = w.worker.slot(MIB)
        slow.wait = 5
        c = Raw(w)
        c.begin_put(w, slow)
        c.send(b"x" * MIB)
        conns.append(c)
        wait(lambda: slow.state == "pending", 5)
        w.worker.before_go = lambda s: time.sleep(3)
        c = Raw(w)
        c.begin_put(w, w.worker.slot(5))
        conns.append(c)
        t0 = time.monotonic()
        code = w.stop()
        took = time.monotonic() - t0
        check(code == 0 and took < 2 * SLOW, f"exit {code} after {took:.1f} s: {w.sanitizer_report() or w.log_tail()}")
        check(not [p for p in w.spool() if p.endswith(".part")], "something unfinished is left")
        for c in conns:
            c.close()
    try:
        tap.run("file-stop: it ends in the middle of transfers, and leaves nothing unfinished", stops)
    finally:
        w.close()


def crowd_tests(tap):
    with_limit = WebRole(limits={"connections_per_address": 8})
    w = with_limit
    try:
        def crowd():
            conns = []
            for _ in range(6):			# three quarters of eight
                c = Raw(w)
                c.begin_put(w, w.worker.slot(1000))
                conns.append(c)
            wait(lambda: w.worker.conversations == 6, 5)
            status, h, _, _ = put(w, w.worker.slot(1), b"x")
            check(status == 503 and "retry-after" in h, f"{status} {h}")
            c = Raw(w, source="127.0.0.99")
            c.begin_put(w, w.worker.slot(1))
            c.send("x")
            check(c.read().startswith(b"HTTP/1.1 201"), "others are kept out, too")
            c.close()
            check(request(w, "GET", "/healthz")[0] == 200, "no place for anything else")
            for c in conns:
                c.close()
            check(wait(lambda: put(w, w.worker.slot(1), b"x")[0] == 201, 5), "the places are not given back")
        tap.run("file-crowd: one address has so many transfers at a time, then 503 and Retry-After", crowd)
        tap.run("file-crowd: the role is well", w.assert_healthy)
    finally:
        w.close()


def full_tests(tap):
    top = tempfile.mkdtemp(prefix="wardroom-spool-")
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m,mode=0700", "tmpfs", top], capture_output=True).returncode:
        os.rmdir(top)
        tap.skip("file-disk-full", "mounting a small tmpfs is not permitted here")
        return
    try:
        w = WebRole(at=top)

        def full():
            big = w.worker.slot(60 * MIB)
            check(put(w, big, b"x" * 1000, length=60 * MIB)[0] == 507, "more than the disk has was begun")
            slot = w.worker.slot(8 * MIB)
            c = Raw(w)
            c.begin_put(w, slot)
            c.send(b"x" * MIB)
            check(wait(lambda: [p for p in w.spool() if p.endswith(".part")], 5), "nothing arrives")
            with open(os.path.join(top, "filler"), "wb", buffering=0) as f:
                try:
                    while True:
                        f.write(b"f" * 65536)
                except OSError:
                    pass
            try:
                c.send(b"x" * 7 * MIB)
                got = c.read()
            except (ConnectionError, ssl.SSLError):
                got = b"HTTP/1.1 507"		# said before all was sent
            check(got.startswith(b"HTTP/1.1 507"), f"{got[:40]}")
            c.close()
            check(no_parts(w) and slot.state == "slot", "half a file is left")
            check(put(w, w.worker.slot(4), b"abcd")[0] == 507, "a full disk takes files")
            os.unlink(os.path.join(top, "filler"))
            check(put(w, slot, b"y" * 8 * MIB)[0] == 201, "not again when there is room")
        tap.run("file-disk-full: 507, nothing left behind, and on when there is room", full)
        tap.run("file-disk-full: the role is well", w.assert_healthy)
        w.close()
    finally:
        subprocess.run(["umount", "-l", top], capture_output=True)
        os.rmdir(top)


def main():
    tap = Tap("files over HTTP")
    w = WebRole()
    try:
        for tests in (road_tests, range_tests, wrong_tests, spool_tests, many_tests, slow_tests):
            tests(tap, w)
        tap.run("upload_http: the role is well", w.assert_healthy)
    finally:
        code = w.stop()
        w.close()
    tap.run("upload_http: it ends as it should", lambda: check(code == 0, f"exit {code}: {w.sanitizer_report() or w.log_tail()}"))
    memory_tests(tap)
    stop_tests(tap)
    crowd_tests(tap)
    full_tests(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
