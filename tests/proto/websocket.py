#!/usr/bin/env python3
"""XMPP over WebSocket (RFC 7395) and what browsers learn beforehand (XEP-0156, XEP-0487); security-tests B-IX."""
import json
import os
import re
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree as ET

from harness import check, error_of, q, text_of
from rawws import BINARY, CLOSE, FRAMING, PING, PONG, STREAM, TEXT, WsClient, frame, http
from rawxmpp import CLIENT, SM, Client, SaslFailure, befriend, body_of
from wardroom_test import BUILD, Tap, descendants, new_server, program, until

XRD = "http://docs.oasis-open.org/ns/xri/xrd-1.0"
WEBSOCKET = "urn:xmpp:alt-connections:websocket"


def get(server, path, method="GET", headers="", **kw):
    return http(server, f"{method} {path} HTTP/1.1\r\nHost: {server.domain}\r\n{headers}\r\n", **kw)


def web_pid(server):
    for pid in descendants(server.proc.pid):
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            if b"wardroom-web" in f.read().split(b"\0")[0]:
                return pid
    return None


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


def main():
    tap = Tap("XMPP over WebSocket")
    with new_server(users=["ann", "ben", "cat", "dan"], https=True) as server:
        meta_tests(tap, server)
        stream_tests(tap, server)
        tap.run("the server is well at the end", server.assert_healthy)
    meta_addresses_tests(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
