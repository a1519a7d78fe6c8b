#!/usr/bin/env python3
"""XMPP over WebSocket (RFC 7395) and what browsers learn beforehand (XEP-0156, XEP-0487); security-tests B-IX."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree as ET

from harness import check, error_of, q, text_of
from rawserver import Authority
from rawws import BINARY, CLOSE, FRAMING, PING, PONG, STREAM, TEXT, WsClient, frame, http
from rawxmpp import CLIENT, SM, Client, SaslFailure, befriend, body_of
from wardroom_test import BUILD, Tap, descendants, new_server, program, until

XRD = "http://docs.oasis-open.org/ns/xri/xrd-1.0"
WEBSOCKET = "urn:xmpp:alt-connections:websocket"


def get(server, path, method="GET", headers="", **kw):
    return http(server, f"{method} {path} HTTP/1.1\r\nHost: {server.domain}\r\n{headers}\r\n", **kw)


def role_pid(server, name):
    """The child that runs this program; the supervisor itself is none."""
    for pid in descendants(server.proc.pid):
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            if pid != server.proc.pid and os.path.basename(f.read().split(b"\0")[0]) == name:
                return pid
    return None


def web_pid(server):
    return role_pid(server, b"wardroom-web")


# --- discovery -------------------------------------------------------------------------------------------------

def meta_tests(tap, server):
    def xrd():
        status, h, body, _ = get(server, "/.well-known/host-meta")
        check(status == 200 and h["content-type"].startswith("application/xrd+xml"), f"{status} {h}")
        check(h.get("access-control-allow-origin") == "*", f"no CORS: {h}")
        links = [x.get("href") for x in ET.fromstring(body).findall(q(XRD, "Link")) if x.get("rel") == WEBSOCKET]
        check(links == [f"wss://{server.domain}:{server.https_port}/ws"], f"links: {links}")
    tap.run("xep0156-websocket: host-meta names the WebSocket, for pages of any site (3.1)", xrd)

    def jrd():
        status, h, body, _ = get(server, "/.well-known/host-meta.json")
        check(status == 200 and h["content-type"].startswith("application/json"), f"{status} {h}")
        check(h.get("access-control-allow-origin") == "*", f"no CORS: {h}")
        meta = json.loads(body)
        check(meta["links"] == [{"rel": WEBSOCKET, "href": f"wss://{server.domain}:{server.https_port}/ws"}], f"{meta}")
        check("xmpp" not in meta, "claims to replace the DNS without knowing its addresses")
    tap.run("xep0156-json: the same as JSON", jrd)

    def preflight():
        for path in ("/.well-known/host-meta", "/.well-known/host-meta.json"):
            status, h, body, _ = get(server, path, "OPTIONS", "Origin: https://chat.example\r\nAccess-Control-Request-Method: GET\r\n")
            check(status == 204 and not body, f"{status} {body}")
            check(h.get("access-control-allow-origin") == "*" and "GET" in h.get("access-control-allow-methods", ""), f"{h}")
    tap.run("xep0156-cors: a preflight is answered", preflight)

    def head():
        status, h, body, _ = get(server, "/.well-known/host-meta", "HEAD")
        check(status == 200 and int(h["content-length"]) > 0 and not body, f"{status} {h} {body}")
    tap.run("rfc9110-head: HEAD has no body", head)


def meta_addresses_tests(tap):
    with new_server(users=["ann"], https=True, extra="web: { url: 'https://chat.example', addresses: [192.0.2.7, '2001:db8::7'] }\n") as server:
        def full():
            meta = json.loads(get(server, "/.well-known/host-meta.json")[2])
            check(meta["xmpp"]["ttl"] > 0, f"{meta}")
            by = {x["rel"]: x for x in meta["links"]}
            check(by[WEBSOCKET]["href"] == "wss://chat.example/ws", f"{meta}")
            check(by["urn:xmpp:alt-connections:tls"]["port"] == server.tls_port, f"{meta}")
            for x in by.values():
                check(x["ips"] == ["192.0.2.7", "2001:db8::7"] and x["sni"] == server.domain, f"{x}")
                check(isinstance(x["priority"], int) and isinstance(x["weight"], int), f"{x}")
        tap.run("xep0487-links: with addresses known, every way in with all that is mandatory (2.1)", full)
        tap.run("xep0487: the server is well", server.assert_healthy)


# --- streams -----------------------------------------------------------------------------------------------------

def stream_tests(tap, server):
    d = server.domain

    def session():
        a, b = WsClient(server, "ann").login(presence=True), Client(server, "ben").login(presence=True)
        befriend(a, b)
        a.message(b.jid, "over the web")
        b.expect(name="message", body="over the web")
        b.message(a.jid, "<&> back")
        a.expect(name="message", body="<&> back")
        a.goodbye()
        check(a.splitter.closed and a.close_code == 1000, f"closed {a.splitter.closed}, code {a.close_code}")
        b.expect(name="presence", type="unavailable")
        b.goodbye()
    tap.run("rfc7395-session: sign in, chat with a client on TCP, goodbye (3.4, 3.6)", session)


    def namespaces():
        a = WsClient(server, "ann").login()
        a.iq("get", "<query xmlns='jabber:iq:roster'/>")
        a.sm_enable()
        for text in a.texts:
            root = text.split(">")[0]
            if root.startswith("<stream:"):
                check(f"xmlns:stream='{STREAM}'" in root, f"undeclared prefix: {root}")
            else:
                check(root.count(" xmlns='") == 1, f"not one default namespace: {root}")
        check(not any("<stream:stream" in t or "<?xml" in t for t in a.texts), "a header of RFC 6120")
        a.goodbye()
    tap.run("rfc7395-namespaces: each message declares its own (3.3.3)", namespaces)

    def resumed():
        a, b = WsClient(server, "ann").login(presence=True), Client(server, "ben").login(presence=True)
        a.sm_enable()
        a.cut()
        for n in range(5):
            b.message(a.bare, f"meanwhile {n}")
        b.settle()
        c = WsClient(server, "ann").login(bind=False)
        check(c.resume(a), "not resumed")
        for n in range(5):
            c.expect(name="message", body=f"meanwhile {n}")
        # and to TCP and back
        c.cut()
        e = Client(server, "ann").login(bind=False)
        check(e.resume(c), "not resumed on TCP")
        e.goodbye()
        b.goodbye()
    tap.run("rfc7395-resume: XEP-0198 over WebSocket, and across to TCP", resumed)

    def bound():
        a = WsClient(server, "ann").login(mech="SCRAM-SHA-256-PLUS")
        check(a.mech_used == "SCRAM-SHA-256-PLUS", "not bound")
        a.goodbye()
        b = WsClient(server, "ann").login(mech="SCRAM-SHA-1-PLUS", binding="tls-server-end-point")
        b.goodbye()
    tap.run("rfc9266-websocket: channel bindings are of the TLS that ends in the web role", bound)

    def fragments():
        a = WsClient(server, "ann").login()
        text = f"<iq xmlns='{CLIENT}' type='get' id='frag' to='{d}'><ping xmlns='urn:xmpp:ping'/></iq>".encode()
        for i, byte in enumerate(text):
            a.send_raw(frame(bytes([byte]), TEXT if i == 0 else 0, fin=i == len(text) - 1))
            if i % 20 == 0:
                a.send_raw(frame(b"between", PING))
        a.expect(name="iq", id="frag", what="answer to a ping in pieces")
        check((PONG, b"between") in a.control, "no pong")
        a.goodbye()
    tap.run("rfc6455-fragments: a message in many frames, pings between them (5.4)", fragments)

    def big():
        a = WsClient(server, "ann").login()
        a.send(f"<message xmlns='{CLIENT}' to='{d}'><body>{'x' * 262200}</body></message>")
        check(a.stream_error() == ("policy-violation", "stanza-too-big"), "wrong error")
        a = WsClient(server, "ann").login()
        a.message(server.jid("ben"), "y" * 200000)
        a.settle()
        a.goodbye()
        a = WsClient(server, "ann").login()
        for _ in range(600):
            a.send_raw(frame(b"<" + b"z" * 1023, TEXT if _ == 0 else 0, fin=False))
            if a.eof:
                break
        a.wait_end()
        check(a.close_code in (1009, 1000), f"close code {a.close_code}")
    tap.run("rfc7395-size: what is too big ends the stream; what is large passes", big)

    def slow_reader():
        a, b = WsClient(server, "ann").login(presence=True), Client(server, "ben").login(presence=True)
        for n in range(60):	# more than the web role and the sockets hold, less than ends a session
            b.message(a.jid, f"{n} " + "z" * 50000)
        b.settle()
        for n in range(60):
            got = body_of(a.expect(name="message", timeout=10))
            check(got == f"{n} " + "z" * 50000, f"message {n} is {got[:20]}..., {len(got)}")
        a.settle()
        a.goodbye()
        b.goodbye()
    tap.run("rfc7395-slow: who does not read for a while gets all of it, in order", slow_reader)

    def never_reads():
        a, b = WsClient(server, "dan").login(presence=True), Client(server, "ben").login(presence=True)
        for _ in range(250):
            b.message(a.jid, "z" * 50000)
        b.settle()
        until(lambda: server.json("status")["connections"] == 1, 10, "the session that never reads is ended")
        b.goodbye()
        a.close()
        a = WsClient(server, "dan").login()
        a.goodbye()
    tap.run("rfc7395-slow: who never reads is ended; the server holds no more than its maximum", never_reads)

    def wrong_password():
        try:
            WsClient(server, "ann", password="wrong").login()
            check(False, "signed in")
        except SaslFailure as e:
            check(e.condition == "not-authorized", e.condition)
    tap.run("rfc7395-login: a wrong password fails as elsewhere", wrong_password)

    def headers():
        a = WsClient(server).connect()
        a.send(f"<open xmlns='{FRAMING}' to='elsewhere.example' version='1.0'/>")
        check(a.stream_error()[0] == "host-unknown", "other domain")
        a = WsClient(server).connect()
        a.send(f"<open xmlns='{FRAMING}' to='{d}' version='0.9'/>")
        check(a.stream_error()[0] == "unsupported-version", "old version")
        a = WsClient(server).connect()
        a.restart()
        a.send(a.header_text())
        check(a.stream_error()[0] == "bad-format", "a second <open/>")
        a = WsClient(server).connect()
        a.restart()
        a.send(f"<message xmlns='{CLIENT}' to='{server.jid('ben')}'><body>HOSTILE</body></message>")
        check(a.stream_error()[0] == "not-authorized", "a stanza before login")
    tap.run("rfc7395-open: errors of the stream come after our <open/> (3.5)", headers)


# --- wrong messages (security-tests 115) ------------------------------------------------------------------------------

def message_tests(tap, server):
    d = server.domain
    ping = f"<iq xmlns='{CLIENT}' type='get' id='x' to='{d}'><ping xmlns='urn:xmpp:ping'/></iq>"
    to_ben = f"<message xmlns='{CLIENT}' to='{server.jid('ben')}' type='chat'><body>HOSTILE</body></message>"
    cases = [
        ("a stream header instead of <open/>", None, f"<stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAM}' to='{d}' version='1.0'>", "bad-format"),
        ("a stream header that is closed", None, f"<stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAM}' to='{d}' version='1.0'/>", "bad-format"),
        ("an XML declaration before <open/>", None, f"<?xml version='1.0'?><open xmlns='{FRAMING}' to='{d}' version='1.0'/>", "bad-format"),
        ("<open/> of another namespace", None, f"<open xmlns='urn:example' to='{d}' version='1.0'/>", "bad-format"),
        ("a stanza before <open/>", None, ping, "bad-format"),
        ("two stanzas in a message", "in", to_ben + to_ben, "bad-format"),
        ("a part of a stanza", "in", to_ben[:-10], "bad-format"),
        ("the end of a stream", "in", "</stream:stream>", "bad-format"),
        ("a stanza and the end of a stream", "in", to_ben + "</stream:stream>", "bad-format"),
        ("an XML declaration", "in", "<?xml version='1.0'?>" + ping, "bad-format"),
        ("white space as a sign of life", "in", " ", "bad-format"),
        ("an empty message", "in", "", "bad-format"),
        ("text", "in", "hello", "bad-format"),
        ("text behind a stanza", "in", to_ben + "x", "bad-format"),
        ("a document type", "in", "<!DOCTYPE x><x/>", "restricted-xml"),
        ("a comment", "in", "<!-- x -->", "restricted-xml"),
        ("an entity", "in", f"<message xmlns='{CLIENT}'><body>&foo;</body></message>", "restricted-xml"),
        ("not well-formed", "in", f"<message xmlns='{CLIENT}'><body></message>", "not-well-formed"),
        ("a stream error of the client's", "in", f"<stream:error xmlns:stream='{STREAM}'/>", "bad-format"),
    ]
    ben = Client(server, "ben").login(presence=True)
    for name, where, data, condition in cases:
        def one(where=where, data=data, condition=condition):
            c = WsClient(server, "cat").login() if where else WsClient(server).connect()
            c.clear()
            c.send(data)
            got = c.stream_error()
            check(got[0] == condition, f"{got[0]} instead of {condition}")
            ben.settle()
            check(b"HOSTILE" not in ben.raw, "it reached somebody")
            ben.clear()
        tap.run(f"rfc7395-message: {name}: {condition} (B115)", one)
    ben.goodbye()


# --- wrong frames and handshakes (114) -----------------------------------------------------------------------------------

def frame_tests(tap, server):
    ping = b"<iq xmlns='jabber:client' type='get' id='x'><ping xmlns='urn:xmpp:ping'/></iq>"
    cases = [
        ("no mask", frame(ping, mask=False), {1002}),
        ("reserved bit 1", frame(ping, rsv=4), {1002}),
        ("reserved bit 3", frame(ping, rsv=1), {1002}),
        ("a reserved kind", frame(ping, opcode=3), {1002}),
        ("a reserved control kind", frame(b"", opcode=11), {1002}),
        ("a length of 2^63", frame(b"", length=2 ** 63), {1002, 1009}),
        ("a length of 2^62", frame(ping, length=2 ** 62), {1009}),
        ("a control frame in pieces", frame(b"x", PING, fin=False), {1002}),
        ("a long control frame", frame(b"x" * 126, PING), {1002}),
        ("a continuation of nothing", frame(ping, opcode=0), {1002}),
        ("a new message within another", frame(b"<a", fin=False) + frame(ping), {1002}),
        ("text that is not UTF-8", frame(b"<a>\xff</a>"), {1007}),
        ("text that ends within a character", frame(b"<a>\xc3"), {1007}),
        ("a reason to close that is not UTF-8", frame(b"\x03\xe8\xff\xfe", CLOSE), {1007}),
        ("a close code that nobody may send", frame(b"\x03\xed", CLOSE), {1002}),
        ("a close frame of one byte", frame(b"\x03", CLOSE), {1002}),
        ("bytes instead of text", frame(ping, BINARY), {1003}),
    ]
    for name, data, codes in cases:
        def one(data=data, codes=codes):
            a = WsClient(server, "cat").login()
            a.clear()
            a.send_raw(data)
            check(a.wait_end(), "it stays open")
            check(a.close_code in codes, f"close code {a.close_code}, not {codes}")
            check(not a.inbox, f"answered: {text_of(a.inbox[0]) if a.inbox else ''}")
        tap.run(f"rfc6455-frame: {name}: {' or '.join(map(str, sorted(codes)))} (B114)", one)

    def handshake(name, status, **how):
        def one():
            edit = how.pop("edit", None)
            c = WsClient(server, **how).connect(upgrade=False)
            text = c.request_text()
            got = c.upgrade(edit(text) if edit else text)
            check(got == status, f"{got}: {c.head}")
            if status != 101:
                check(c.wait_end(), "it stays open")
                check("nosniff" in c.head, c.head)
        tap.run(f"rfc6455-handshake: {name}: {status} (B114)", one)

    def without(header):
        return lambda t: re.sub(rf"{header}:[^\r]*\r\n", "", t)

    def changed(header, value):
        return lambda t: re.sub(rf"{header}:[^\r]*\r\n", f"{header}: {value}\r\n", t)
    handshake("no subprotocol", 400, protocol=None)
    handshake("another subprotocol", 400, protocol="chat")
    handshake("xmpp among others", 101, protocol="chat, xmpp")
    handshake("a page of another host", 403, origin="https://evil.example")
    handshake("a page without an origin", 403, origin="null")
    handshake("a page of a host that begins alike", 403, origin=f"https://{server.domain}.evil.example")
    handshake("a page of the same host", 101, origin=f"https://{server.domain}")
    handshake("a page of the same host at another port", 101, origin=f"http://{server.domain}:8080")
    handshake("two origins", 403, origin=f"https://{server.domain}", headers="Origin: https://evil.example\r\n")
    handshake("no key", 400, edit=without("Sec-WebSocket-Key"))
    handshake("a short key", 400, edit=changed("Sec-WebSocket-Key", "AAAA"))
    handshake("an old version", 426, edit=changed("Sec-WebSocket-Version", "8"))
    handshake("no upgrade", 426, edit=without("Upgrade"))
    handshake("HTTP/1.0", 400, edit=lambda t: t.replace("HTTP/1.1", "HTTP/1.0"))
    handshake("a frame before the answer", 400, edit=lambda t: t + "GET / HTTP/1.1\r\n\r\n")


# --- HTTP (113) ------------------------------------------------------------------------------------------------------------

def http_tests(tap, server):
    host = f"Host: {server.domain}\r\n"
    ok = "GET /healthz HTTP/1.1\r\n" + host
    cases = [
        ("two lengths", "POST /healthz HTTP/1.1\r\n" + host + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400),
        ("a length and a coding", "POST /healthz HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("two codings", ok + "Transfer-Encoding: chunked, identity\r\n\r\n", 400),
        ("a coding in other letters", ok + "Transfer-Encoding: xchunked\r\n\r\n", 400),
        ("a chunk of 2^64 bytes", ok + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", 400),
        ("a length with a sign", ok + "Content-Length: +5\r\n\r\nhello", 400),
        ("a length of 2^64", ok + "Content-Length: 18446744073709551616\r\n\r\n", 400),
        ("a folded line", ok + "X-A: b\r\n c\r\n\r\n", 400),
        ("a space before the colon", ok + "X-A : b\r\n\r\n", 400),
        ("a line without a colon", ok + "X-A\r\n\r\n", 400),
        ("line feeds alone", "GET /healthz HTTP/1.1\n" + host.replace("\r", "") + "\n", 400),
        ("a carriage return alone", ok + "X-A: b\rc\r\n\r\n", 400),
        ("NUL in a header", ok + "X-A: b\0c\r\n\r\n", 400),
        ("a header line of 1 MB", ok + "X-A: " + "b" * 1048576 + "\r\n\r\n", 400),
        ("a thousand header lines", ok + "X-A: b\r\n" * 1000 + "\r\n", 400),
        ("HTTP/0.9", "GET /healthz\r\n\r\n", 400),
        ("HTTP/2.0", "GET /healthz HTTP/2.0\r\n" + host + "\r\n", 505),
        ("the absolute form", f"GET https://{server.domain}/healthz HTTP/1.1\r\n" + host + "\r\n", 400),
        ("no host", "GET /healthz HTTP/1.1\r\n\r\n", 400),
        ("two hosts", ok + "Host: evil.example\r\n\r\n", 400),
        ("a host with a path", "GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        ("two requests at once", (ok + "\r\n") * 2, 400),
        ("a request in HTTP/1.0", "GET /healthz HTTP/1.0\r\n\r\n", 200),
        ("a known path", ok + "\r\n", 200),
        ("another method", "DELETE /healthz HTTP/1.1\r\n" + host + "\r\n", 405),
        ("an unknown path", "GET / HTTP/1.1\r\n" + host + "\r\n", 404),
        ("a path upwards", "GET /../../etc/passwd HTTP/1.1\r\n" + host + "\r\n", 404),
        ("a path upwards, encoded", "GET /.well-known/%2e%2e/%2e%2e/healthz HTTP/1.1\r\n" + host + "\r\n", 404),
    ]
    for name, data, status in cases:
        def one(data=data, status=status):
            got, h, body, _ = http(server, data)
            check(got == status, f"{got} {body[:80]}")
            check(h.get("x-content-type-options") == "nosniff" and "default-src 'none'" in h.get("content-security-policy", "")
                  and "max-age" in h.get("strict-transport-security", "") and h.get("connection") == "close", f"{h}")
        tap.run(f"rfc9112-request: {name}: {status} (B113)", one)

    def slow():
        t0 = time.monotonic()
        status, _, _, took = http(server, "GET /healthz HTTP/1.1\r\nX-A: " + "b" * 200, patience=20, pace=0.25)
        check(status in (408, None) and 5 < time.monotonic() - t0 < 30, f"{status} after {took:.1f} s")
    tap.run("rfc9112-slow: a head that takes more than ten seconds is not waited for (B119)", slow)


# --- two processes -----------------------------------------------------------------------------------------------------------

def process_tests(tap, server):
    def linked():
        libs = subprocess.run(["ldd", program("wardroomd")], capture_output=True, text=True).stdout
        check("wslay" not in libs and "websockets" not in libs, "wardroomd is linked with the library for WebSockets")
        names = subprocess.run(["nm", program("wardroomd")], capture_output=True, text=True).stdout
        check(not re.search(r" [TtUDd] (wslay|lws|http|web)_", names), "wardroomd holds code of the web role")
        check("wslay" in subprocess.run(["ldd", program("wardroom-web")], capture_output=True, text=True).stdout, "the test sees nothing")
    tap.run("web role: nothing of it is linked into wardroomd", linked)

    def rights():
        pid = web_pid(server)
        check(pid, "no wardroom-web runs")
        with open(f"/proc/{pid}/status") as f:
            st = dict(line.rstrip("\n").split(":", 1) for line in f if ":" in line)
        check(st["Seccomp"].strip() == "2" and st["NoNewPrivs"].strip() == "1", f"{st['Seccomp']} {st['NoNewPrivs']}")
    tap.run("web role: system calls are filtered", rights)

    def crash():
        a = WsClient(server, "ann").login(presence=True)
        a.sm_enable()
        t = Client(server, "dan").login(presence=True)
        os.kill(web_pid(server), signal.SIGKILL)
        check(a.wait_end(), "the connection outlives its process")
        until(lambda: web_pid(server), 10, "the web role is started again")

        def again():
            try:
                return WsClient(server, "ann").login(bind=False)
            except (OSError, Exception):	# noqa: BLE001 - it may not listen yet
                return None
        c = until(again, 10, "signing in again", step=0.1)
        check(c.resume(a), "not resumed after the web role was killed")
        t.settle()
        t.goodbye()
        c.goodbye()
    tap.run("web role: killed, it comes back; sessions resume and clients on TCP notice nothing", crash)

    def worker_crash():
        a = WsClient(server, "ann").login(presence=True)
        a.sm_enable()
        a.message(server.jid("dan"), "is written down")
        a.sm_all_acked()
        before = web_pid(server)
        worker = role_pid(server, b"wardroomd")
        os.kill(worker, signal.SIGKILL)
        check(a.wait_end() and a.close_code == 1001, f"close code {a.close_code}")
        # It waits in the channel until there is a worker again.
        c = WsClient(server, "ann").login(bind=False)
        check(c.resume(a), "not resumed after the worker was killed")
        check(web_pid(server) == before, "the web role did not outlive the worker")
        c.goodbye()
    tap.run("web role: it outlives a killed worker; whoever comes meanwhile waits for the next one", worker_crash)

    def reloaded():
        def shown():
            c = WsClient(server).connect(upgrade=False)
            der = c.tls.getpeercert(True)
            c.close()
            return der
        old = WsClient(server, "ann").login()
        before = shown()
        cert, key = Authority(os.path.join(server.top, "ca")).issue(server.domain)
        for name, path in (("key.pem", key), ("cert.pem", cert)):
            shutil.copy(path, os.path.join(server.dir, "tls", name))
        os.chmod(os.path.join(server.dir, "tls", "key.pem"), 0o600)
        server.proc.send_signal(signal.SIGHUP)
        until(lambda: shown() != before, 5, "the new certificate")
        old.settle()
        old.goodbye()
        WsClient(server, "ann").login(mech="SCRAM-SHA-1-PLUS", binding="tls-server-end-point").goodbye()
    tap.run("web role: SIGHUP brings the new certificate; connections stay", reloaded)

    def stopped():
        a = WsClient(server, "ann").login()
        pid = web_pid(server)
        server.stop()
        check(a.stream_error()[0] == "system-shutdown", "no goodbye")
        check(not os.path.exists(f"/proc/{pid}"), "the web role stays")
        server.start()
    tap.run("web role: SIGTERM says goodbye through it, then ends it", stopped)

    def taken():
        with new_server(https=True, start=False) as other:
            other.https_port = server.https_port
            other.write_config()
            p = subprocess.run([program("wardroomd"), "--dir", other.dir], capture_output=True, text=True, timeout=30)
            check(p.returncode == 1 and "in use by another program" in p.stderr and "ready" not in p.stdout, f"{p.returncode} {p.stderr} {p.stdout}")
    tap.run("web role: a port that is taken stops the start, with a sentence", taken)


def limit_tests(tap):
    with new_server(users=["ann"], https=True, limits={"connections_per_address": 4}, extra="web: { ping: 1s }\n") as server:
        def crowd():
            held = [WsClient(server).connect(upgrade=False) for _ in range(4)]
            try:
                WsClient(server, "ann").connect()
                check(False, "one more connection than allowed")
            except (OSError, Exception) as e:	# noqa: BLE001 - refused in one way or the other
                check("one more" not in str(e), str(e))
            for h in held:
                h.close()
            ws = until(lambda: [WsClient(server).connect() for _ in range(4)], 5, "four WebSockets")
            last = WsClient(server).connect()
            check(last.wait_end(), "a fifth WebSocket that has not signed in")
            for h in ws:
                h.close()
            a = until(lambda: try_login(server), 5, "signing in", step=0.2)
            a.goodbye()
        tap.run("limits: connections of one address before login, in HTTP and beyond (B119)", crowd)

        def silent():
            a = try_login(server)
            until(lambda: a.pump(0.2) or any(op == PING for op, _ in a.control), 5, "a ping")
            until(lambda: (a.pump(0.2), any(op == PING for op, _ in a.control))[1], 5, "a ping")
            a.settle()
            time.sleep(3.5)	# we answer nothing
            a.take()
            check(a.wait_end(5), "a silent connection stays")
        tap.run("rfc6455-ping: who answers stays, who is silent is cut (RFC 7395 3.8)", silent)
        tap.run("limits: the server is well", server.assert_healthy)


def try_login(server):
    try:
        return WsClient(server, "ann").login()
    except Exception:	# noqa: BLE001 - places may still be taken
        return None


def main():
    tap = Tap("XMPP over WebSocket")
    with new_server(users=["ann", "ben", "cat", "dan"], https=True) as server:
        meta_tests(tap, server)
        stream_tests(tap, server)
        message_tests(tap, server)
        frame_tests(tap, server)
        http_tests(tap, server)
        tap.run("the server is well at the end", server.assert_healthy)
    with new_server(users=["ann", "dan"], https=True) as server:
        process_tests(tap, server)
    limit_tests(tap)
    meta_addresses_tests(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
