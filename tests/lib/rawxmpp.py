"""A raw XMPP client for tests: it says exactly what it is told and shows exactly what came back.

Sockets never block; TLS runs over memory buffers, so that a test can say what it wants between any two
bytes. Several clients are served by pump_all(). Elements are those of xml.etree, names as {namespace}local.
"""
import base64
import ctypes
import hashlib
import hmac
import os
import select
import socket
import ssl
import time
import xml.etree.ElementTree as ET
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from wardroom_test import PASSWORD, SLOW, Failed, check, one_line

CLIENT = "jabber:client"
STREAM = "http://etherx.jabber.org/streams"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
STREAMS = "urn:ietf:params:xml:ns:xmpp-streams"
SM = "urn:xmpp:sm:3"
ROSTER = "jabber:iq:roster"
DELAY = "urn:xmpp:delay"
CARBONS = "urn:xmpp:carbons:2"
MAM = "urn:xmpp:mam:2"
RSM = "http://jabber.org/protocol/rsm"
FORWARD = "urn:xmpp:forward:0"
SID = "urn:xmpp:sid:0"
DATA = "jabber:x:data"
PATIENCE = 5.0


def q(ns, name):
    return "{%s}%s" % (ns, name)


def text_of(el):
    """The element as one short line for failure messages."""
    return one_line(ET.tostring(el, encoding="unicode"), 400) if el is not None else "nothing"


def child(el, path_ns, *names):
    """child(el, ns, a, b): first grandchild of these names, or None."""
    for n in names:
        el = el.find(q(path_ns, n)) if el is not None else None
    return el


def body_of(el):
    return el.findtext(q(CLIENT, "body"))


def error_of(el):
    """('condition', 'type') of a stanza error, or None."""
    e = el.find(q(CLIENT, "error"))
    if e is None:
        return None
    for c in e:
        if c.tag.startswith("{%s}" % STANZAS) and not c.tag.endswith("}text"):
            return c.tag.split("}")[1], e.get("type")
    return None, e.get("type")


class Splitter:
    """Cuts a stream into its first-level elements as they arrive."""

    def __init__(self):
        self.p = expat.ParserCreate(namespace_separator="}")
        self.p.StartElementHandler, self.p.EndElementHandler = self.start, self.end
        self.p.CharacterDataHandler = self.data
        self.p.StartNamespaceDeclHandler = lambda *_: None
        self.p.buffer_text = True
        self.stack, self.done, self.header, self.closed = [], [], None, False

    @staticmethod
    def name(n):
        return "{" + n if "}" in n else n

    def start(self, tag, attrs):
        el = ET.Element(self.name(tag), {self.name(k): v for k, v in attrs.items()})
        if self.header is None:
            self.header = el
            return
        if self.stack:
            self.stack[-1].append(el)
        self.stack.append(el)

    def end(self, _tag):
        if not self.stack:
            self.closed = True
            return
        el = self.stack.pop()
        if not self.stack:
            self.done.append(el)

    def data(self, text):
        if not self.stack:
            return
        el = self.stack[-1]
        if len(el):
            el[-1].tail = (el[-1].tail or "") + text
        else:
            el.text = (el.text or "") + text

    def feed(self, data):
        self.p.Parse(data, False)


def tls_context(alpn=("xmpp-client",), **how):
    """how: minimum, maximum (ssl.TLSVersion), ciphers, cafile."""
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    if how.get("cafile"):
        c.load_verify_locations(how["cafile"])
        c.check_hostname, c.verify_mode = True, ssl.CERT_REQUIRED
    if how.get("ciphers"):
        c.set_ciphers(how["ciphers"])
    if how.get("minimum"):
        c.minimum_version = how["minimum"]
    if how.get("maximum"):
        c.maximum_version = how["maximum"]
    if alpn:
        c.set_alpn_protocols(list(alpn))
    return c


class Openssl:
    """What Python's ssl does not offer, called on the very OpenSSL it uses: the SSL * is the second field
    after the header of its object (CPython's Modules/_ssl.c); checked before use."""

    def __init__(self, obj):
        import _ssl
        self.lib = ctypes.CDLL(_ssl.__file__)
        raw = obj._sslobj
        self.ssl = ctypes.c_void_p.from_address(id(raw) + 24)
        self.lib.SSL_get_version.restype = ctypes.c_char_p
        check(self.lib.SSL_get_version(self.ssl).decode() == obj.version(), "the layout of Python's SSL object is unknown")

    def exporter(self):
        out = ctypes.create_string_buffer(32)
        label = b"EXPORTER-Channel-Binding"
        r = self.lib.SSL_export_keying_material(self.ssl, out, ctypes.c_size_t(32), label, ctypes.c_size_t(len(label)), b"",
                                                ctypes.c_size_t(0), ctypes.c_int(1))
        check(r == 1, "SSL_export_keying_material failed")
        return out.raw

    def key_update(self):
        return self.lib.SSL_key_update(self.ssl, ctypes.c_int(1))	# and ask the peer for one

    def renegotiate(self):
        return self.lib.SSL_renegotiate(self.ssl)

    def do_handshake(self):
        return self.lib.SSL_do_handshake(self.ssl)


SALTED = {}


def scram_keys(algo, password, salt, iterations):
    key = (algo, password, salt, iterations)
    if key not in SALTED:
        SALTED[key] = hashlib.pbkdf2_hmac(algo, password.encode(), salt, iterations)
    return SALTED[key]


def scram_name(user):
    return user.replace("=", "=3D").replace(",", "=2C")


def signature_hash(der):
    """The hash of tls-server-end-point (RFC 5929 4.1): that of the signature algorithm, at least SHA-256."""
    for oid, name in ((bytes.fromhex("2a8648ce3d040303"), "sha384"), (bytes.fromhex("2a864886f70d01010c"), "sha384"),
                      (bytes.fromhex("2a8648ce3d040304"), "sha512"), (bytes.fromhex("2a864886f70d01010d"), "sha512")):
        if oid in der:
            return name
    return "sha256"


class Client:
    """One connection. user None: no login intended."""

    def __init__(self, server, user=None, password=PASSWORD, resource=None, source=None):
        self.server, self.user, self.password, self.resource = server, user, password, resource
        self.sock = self.tls = self.rbio = self.wbio = None
        self.source = source
        self.inbox, self.raw, self.splitter = [], bytearray(), Splitter()
        self.eof = self.close_notify = self.reset = False
        self.wire_error = None
        self.out, self.ids = bytearray(), 0
        self.jid = self.features = None
        self.sm_on = self.sm_sending = False	# what arrives counts; what we send counts
        self.sm_in = self.sm_sent = self.sm_acked = 0
        self.sm_unacked, self.sm_id, self.sm_max, self.sm_auto = [], None, None, True
        self.mech_used = None

    # The connection.

    @staticmethod
    def now():
        return time.monotonic()

    def connect(self, direct=False, context=None, port=None):
        self.sock = socket.socket()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.source:
            self.sock.bind((self.source, 0))
        self.sock.settimeout(PATIENCE * SLOW)
        self.sock.connect((self.server.host, port or (self.server.tls_port if direct else self.server.port)))
        self.sock.setblocking(False)
        if direct:
            self.start_tls(context)
        return self

    def start_tls(self, context=None, handshake=True):
        self.rbio, self.wbio = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or tls_context()).wrap_bio(self.rbio, self.wbio, server_hostname=self.server.domain)
        if handshake:
            self.handshake()

    def handshake(self, patience=PATIENCE):
        end = time.monotonic() + patience * SLOW
        while True:
            try:
                self.tls.do_handshake()
                self._flush_tls()
                return
            except ssl.SSLWantReadError:
                self._flush_tls()
                if not self._wait(end - time.monotonic()):
                    raise Failed("TLS handshake: the server is silent") from None
                data = self._recv_raw()
                if data:
                    self.rbio.write(data)
                elif data == b"":
                    self.rbio.write_eof()
            except ssl.SSLError:
                self._flush_tls()
                raise

    def _flush_tls(self):
        if self.tls and self.wbio.pending:
            self.out += self.wbio.read()
        self._flush()

    def _flush(self):
        while self.out and not self.reset:
            try:
                n = self.sock.send(self.out)
            except (BlockingIOError, InterruptedError):
                return
            except (BrokenPipeError, ConnectionResetError, OSError):
                self.reset = True
                return
            del self.out[:n]

    def _recv_raw(self):
        try:
            return self.sock.recv(262144)
        except (BlockingIOError, InterruptedError):
            return None
        except (ConnectionResetError, OSError):
            self.reset = True
            return b""

    def _wait(self, seconds):
        p = select.poll()
        p.register(self.sock, select.POLLIN | (select.POLLOUT if self.out else 0))
        return bool(p.poll(max(0, seconds * 1000)))

    def send(self, data):
        """Bytes or text as they are; through TLS when that is on. Reads meanwhile when the server does not."""
        if isinstance(data, str):
            data = data.encode()
        if self.tls:
            for i in range(0, len(data), 16384):
                if self.eof or self.reset:
                    return
                try:
                    self.tls.write(data[i:i + 16384])
                except ssl.SSLError as e:
                    self.wire_error = str(e)
                    return
                self._flush_tls()
                self._drain_out()
        else:
            self.out += data
            self._drain_out()

    def _drain_out(self):
        """Until all is given to the kernel; what arrives meanwhile is taken in."""
        self._flush()
        end = time.monotonic() + 30 * SLOW
        while self.out and not self.eof and not self.reset:
            if time.monotonic() > end:
                raise Failed("the server does not read")
            self.pump(0.2)

    def take(self):
        """Reads what is there, without waiting. False at the end of the stream."""
        self._flush()
        while not self.eof:
            data = self._recv_raw()
            if data is None:
                return True
            if data == b"":
                self.eof = True
                if self.tls:
                    self.rbio.write_eof()
                    self._take_tls()
                break
            if self.tls:
                self.rbio.write(data)
                self._take_tls()
                self._flush_tls()
            else:
                self._got(data)
        return not self.eof

    def _take_tls(self):
        while True:
            try:
                data = self.tls.read(65536)
            except ssl.SSLWantReadError:
                return
            except ssl.SSLZeroReturnError:
                self.close_notify = True
                return
            except ssl.SSLError as e:
                self.wire_error = str(e)
                return
            if not data:
                # an orderly end: read() of MemoryBIO gives b"" after close_notify in some versions
                self.close_notify = self.close_notify or not self.eof
                return
            self._got(data)

    def _got(self, data):
        self.raw += data
        try:
            self.splitter.feed(data)
        except expat.ExpatError as e:
            raise Failed(f"the server's XML is wrong: {e}: ...{one_line(bytes(data[-300:]))}") from None
        done, self.splitter.done = self.splitter.done, []
        for el in done:
            if el.tag == q(SM, "enabled"):
                self.sm_on, self.sm_in = True, 0	# what comes after it counts (XEP-0198 4)
            elif el.tag == q(SM, "resumed"):
                self.sm_on = True
            elif self.sm_on:
                if el.tag == q(SM, "r"):
                    if self.sm_auto:
                        self.send(f"<a xmlns='{SM}' h='{self.sm_in % 2 ** 32}'/>")
                        continue
                elif el.tag == q(SM, "a"):
                    self.sm_handled(int(el.get("h")))
                    if self.sm_auto:
                        continue
                elif el.tag in (q(CLIENT, "message"), q(CLIENT, "presence"), q(CLIENT, "iq")):
                    self.sm_in += 1
            self.inbox.append(el)

    def pump(self, seconds=0.0):
        """Waits for bytes up to that long, takes them. False: nothing came or it has ended."""
        if self.eof:
            return False
        if not self._wait(seconds * SLOW):
            return False
        self.take()
        return True

    def close(self):
        """Cuts the connection."""
        if self.sock:
            self.sock.close()
        self.eof = True

    def cut(self):
        """As a lost network: a reset, nothing said."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close()

    def goodbye(self):
        """Ends the stream in order."""
        if not self.eof:
            self.send("</stream:stream>")
            self.wait_end()
        self.close()

    # Waiting for things.

    def expect(self, pred=None, timeout=PATIENCE, what=None, name=None, id=None, type=None, frm=None, body=None, has=None, keep=False):
        """Removes and returns the first element that fits; others stay in the inbox.

        name: local name, or {ns}name. has: {ns}name of a child. pred: a function of the element."""
        def fits(el):
            if name is not None and el.tag != (name if name[0] == "{" else q(CLIENT, name)):
                return False
            return ((id is None or el.get("id") == id) and (type is None or (el.get("type") or "") == type)
                    and (frm is None or el.get("from") == frm) and (body is None or body_of(el) == body)
                    and (has is None or el.find(has) is not None) and (pred is None or pred(el)))
        end = self.now() + timeout * SLOW
        looked = 0
        while True:
            while looked < len(self.inbox):
                if fits(self.inbox[looked]):
                    return self.inbox[looked] if keep else self.inbox.pop(looked)
                looked += 1
            left = end - self.now()
            if left <= 0 or self.eof:
                want = what or " ".join(f"{k}={v}" for k, v in (("name", name), ("id", id), ("type", type), ("from", frm),
                                                                  ("body", body), ("has", has)) if v is not None)
                got = "; ".join(text_of(e)[:160] for e in self.inbox[-5:])
                raise Failed(f"{self.user or 'client'}: expected {want or 'something'}; "
                             f"{'connection ended' if self.eof else 'nothing within %g s' % timeout}; inbox: {got or 'empty'}")
            n = len(self.inbox)
            self.pump(min(left, 1.0))
            if len(self.inbox) < n:
                looked = 0

    def settle(self):
        """Everything the server had to say to us before it answered this has arrived (order of a stream)."""
        i = self.next_id("settle")
        self.stanza(f"<iq type='get' id='{i}' to='{self.server.domain}'><ping xmlns='urn:xmpp:ping'/></iq>")
        self.expect(name="iq", id=i, what="answer to a ping")
        return self

    def none(self, pred, what, settle=True):
        """Nothing in the inbox fits (after a round trip)."""
        if settle:
            self.settle()
        for el in self.inbox:
            if pred(el):
                raise Failed(f"{self.user}: {what}: {text_of(el)}")

    def clear(self):
        self.inbox.clear()
        return self

    def wait_header(self, timeout=PATIENCE):
        end = self.now() + timeout * SLOW
        while self.splitter.header is None and not self.eof and self.now() < end:
            self.pump(0.5)
        return self.splitter.header

    def wait_end(self, timeout=PATIENCE):
        """Until the connection has ended. True when it has."""
        end = self.now() + timeout * SLOW
        while not self.eof and self.now() < end:
            self.pump(min(1.0, end - self.now()))
        return self.eof

    def stream_error(self, timeout=PATIENCE):
        """(condition, application condition) of the stream error, after which the stream must have been closed in
        order: closing tag, close_notify, end. Raises Failed otherwise."""
        self.wait_end(timeout)
        found = [e for e in self.inbox if e.tag == q(STREAM, "error")]
        if not found:
            raise Failed(f"no stream error; {'ended' if self.eof else 'still open'}; last: {one_line(bytes(self.raw[-250:]))}")
        check(len(found) == 1, "two stream errors")
        check(self.splitter.header is not None, "stream error without a stream header")
        check(self.inbox[-1] is found[0], f"something after the stream error: {text_of(self.inbox[-1])}")
        conds = [c.tag.split("}")[1] for c in found[0] if c.tag.startswith("{%s}" % STREAMS) and not c.tag.endswith("}text")]
        app = [c.tag.split("}")[1] for c in found[0] if not c.tag.startswith("{%s}" % STREAMS)]
        check(len(conds) == 1, f"not exactly one condition: {text_of(found[0])}")
        check(self.splitter.closed, f"{conds[0]}: no </stream:stream> after the error")
        check(self.eof, f"{conds[0]}: the connection stays open")
        if self.tls and not self.reset:
            check(self.close_notify, f"{conds[0]}: no TLS close_notify")
        return conds[0], (app[0] if app else None)

    # Negotiation.

    def header_text(self, to=None, **attrs):
        a = {"to": to or self.server.domain, "version": "1.0", "xmlns": CLIENT, "xmlns:stream": STREAM}
        a.update({k.replace("_", ":"): v for k, v in attrs.items()})
        return "<?xml version='1.0'?><stream:stream " + " ".join(f"{k}={quoteattr(v)}" for k, v in a.items() if v is not None) + ">"

    def restart(self, header=None):
        """A new stream on this connection; returns its features."""
        self.splitter = Splitter()
        self.send(header or self.header_text())
        self.features = self.expect(name=q(STREAM, "features"), what="stream features")
        return self.features

    def secure(self, direct=False, context=None):
        """Connected, encrypted, features of the unauthenticated stream read."""
        if direct:
            self.connect(True, context)
        else:
            self.connect()
            self.restart()
            check(self.features.find(q(TLS, "starttls")) is not None, "no starttls offered")
            self.send(f"<starttls xmlns='{TLS}'/>")
            self.expect(name=q(TLS, "proceed"))
            self.start_tls(context)
        self.restart()
        return self

    def mechanisms(self):
        return [m.text for m in self.features.iter(q(SASL, "mechanism"))]

    def binding(self, kind):
        """The GS2 header and its data."""
        if kind == "tls-exporter":
            return b"p=tls-exporter,,", Openssl(self.tls).exporter()
        if kind == "tls-server-end-point":
            der = self.tls.getpeercert(True)
            return b"p=tls-server-end-point,,", hashlib.new(signature_hash(der), der).digest()
        return (b"y,," if kind == "y" else b"n,,"), b""

    def scram(self, mech="SCRAM-SHA-1", binding=None, user=None, tamper=None, nonce=None):
        """The whole exchange; raises SaslFailure. tamper(step, text) may change our messages ('first', 'final')."""
        algo = {"1": "sha1", "256": "sha256", "512": "sha512"}[mech.replace("-PLUS", "").rsplit("-", 1)[1]]
        if mech.endswith("-PLUS") and not binding:
            binding = "tls-exporter" if self.tls.version() == "TLSv1.3" else "tls-server-end-point"
        tamper = tamper or (lambda step, text: text)
        gs2, data = self.binding(binding)
        nonce = nonce or base64.b64encode(os.urandom(18)).decode()
        bare = f"n={scram_name(user or self.user)},r={nonce}"
        first = tamper("first", gs2.decode() + bare)
        self.send(f"<auth xmlns='{SASL}' mechanism='{mech}'>{b64(first)}</auth>")
        server_first = self.sasl_answer("challenge")
        f = dict(p.split("=", 1) for p in server_first.split(","))
        check(f["r"].startswith(nonce) and len(f["r"]) > len(nonce), "server nonce does not extend ours")
        salted = scram_keys(algo, self.password, base64.b64decode(f["s"]), int(f["i"]))
        final = f"c={b64(gs2 + data)},r={f['r']}"
        message = f"{bare},{server_first},{final}".encode()
        ck = hmac.new(salted, b"Client Key", algo).digest()
        sig = hmac.new(hashlib.new(algo, ck).digest(), message, algo).digest()
        proof = bytes(a ^ b for a, b in zip(ck, sig))
        self.server_first = f
        self.send(f"<response xmlns='{SASL}'>{b64(tamper('final', final + ',p=' + b64(proof)))}</response>")
        end = self.sasl_answer("success")
        v = hmac.new(hmac.new(salted, b"Server Key", algo).digest(), message, algo).digest()
        check(end == "v=" + b64(v), "the server's signature is wrong")
        self.mech_used = mech

    def sasl_answer(self, want):
        el = self.expect(lambda e: e.tag.startswith("{%s}" % SASL) or e.tag == q(STREAM, "error"), what=f"SASL {want}", timeout=15)
        name = el.tag.split("}")[1]
        if name == "error":
            self.inbox.append(el)	# for stream_error()
        if name == "failure":
            raise SaslFailure([c.tag.split("}")[1] for c in el if not c.tag.endswith("}text")][0])
        check(name == want, f"expected SASL {want}, got {text_of(el)}")
        return base64.b64decode(el.text or "").decode()

    def login(self, direct=True, mech=None, binding=None, presence=False, context=None, bind=True):
        """Up to a bound session; the resource is the client's wish or the server's."""
        self.secure(direct, context)
        offered = self.mechanisms()
        if mech is None:
            mech = "SCRAM-SHA-1" if "SCRAM-SHA-1" in offered else next(m for m in offered if m.startswith("SCRAM") and "PLUS" not in m)
        self.scram(mech, binding)
        self.restart()
        if bind:
            self.bind()
            if presence:
                self.send("<presence/>")
                self.expect(name="presence", frm=self.jid, what="own presence")
        return self

    def bind(self):
        r = f"<resource>{escape(self.resource)}</resource>" if self.resource else ""
        el = self.iq("set", f"<bind xmlns='{BIND}'>{r}</bind>", to=None)
        check(el.get("type") == "result", f"bind: {text_of(el)}")
        self.jid = el.findtext(f"{q(BIND, 'bind')}/{q(BIND, 'jid')}")
        self.bare = self.jid.split("/")[0]
        return self.jid

    # Speaking.

    def next_id(self, prefix="t"):
        self.ids += 1
        return f"{prefix}{self.ids}"

    def iq(self, type, inner, to=None, timeout=PATIENCE, id=None):
        """Sends and waits for the answer (result or error)."""
        i = id or self.next_id("q")
        self.stanza(f"<iq type='{type}' id='{i}'{' to=' + quoteattr(to) if to else ''}>{inner}</iq>")
        return self.expect(lambda e: e.get("type") in ("result", "error"), name="iq", id=i, what=f"answer to iq {i} ({inner[:60]})",
                           timeout=timeout)

    def stanza(self, text):
        """A stanza that counts for stream management."""
        if self.sm_sending:
            self.sm_sent += 1
            self.sm_unacked.append((self.sm_sent, text))
        self.send(text)

    def message(self, to, body, type="chat", id=None, extra=""):
        i = id or self.next_id("m")
        self.stanza(f"<message to={quoteattr(to)} type='{type}' id='{i}'><body>{escape(body)}</body>{extra}</message>")
        return i

    # Stream management.

    def sm_enable(self, resume=True):
        self.send(f"<enable xmlns='{SM}'{' resume=%strue%s' % (chr(39), chr(39)) if resume else ''}/>")
        self.sm_sending, self.sm_sent, self.sm_acked = True, 0, 0
        el = self.expect(lambda e: e.tag in (q(SM, "enabled"), q(SM, "failed")), what="<enabled/>")
        check(el.tag == q(SM, "enabled"), f"enable: {text_of(el)}")
        self.sm_id, self.sm_max = el.get("id"), el.get("max")
        return el

    def sm_handled(self, h):
        """The server has handled that many of ours."""
        h += (self.sm_acked // 2 ** 32) * 2 ** 32
        check(self.sm_acked <= h <= self.sm_sent, f"{self.user}: <a h='{h}'/> outside {self.sm_acked} .. {self.sm_sent}")
        self.sm_acked = h
        self.sm_unacked = [(n, t) for n, t in self.sm_unacked if n > h]

    def sm_request(self):
        self.send(f"<r xmlns='{SM}'/>")

    def sm_all_acked(self, timeout=PATIENCE):
        self.sm_request()
        end = self.now() + timeout * SLOW
        while self.sm_acked < self.sm_sent and self.now() < end and not self.eof:
            self.pump(0.2)
        check(self.sm_acked == self.sm_sent, f"{self.user}: {self.sm_sent} sent, {self.sm_acked} acknowledged")

    def resume(self, old, again=True):
        """Takes over the stream of old; its unacknowledged stanzas are sent again. True when resumed."""
        for k in ("sm_in", "sm_sent", "sm_acked", "sm_unacked", "sm_id", "sm_max", "ids", "jid"):
            setattr(self, k, getattr(old, k))
        self.inbox = old.inbox
        self.bare = old.bare
        self.send(f"<resume xmlns='{SM}' previd={quoteattr(self.sm_id)} h='{self.sm_in % 2 ** 32}'/>")
        el = self.expect(lambda e: e.tag in (q(SM, "resumed"), q(SM, "failed")), what="<resumed/>", timeout=10)
        self.sm_answer = el
        if el.tag == q(SM, "failed"):
            return False
        self.sm_sending = True
        self.sm_handled(int(el.get("h")))
        if again:
            for _, t in list(self.sm_unacked):
                self.send(t)
        return True


class SaslFailure(Failed):
    def __init__(self, condition):
        super().__init__(f"SASL failure {condition}")
        self.condition = condition


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def pump_all(clients, seconds):
    """Serves several connections for that long or until something came. Returns those that got bytes."""
    p, by_fd = select.poll(), {}
    for c in clients:
        if not c.eof:
            by_fd[c.sock.fileno()] = c
            p.register(c.sock, select.POLLIN | (select.POLLOUT if c.out else 0))
    got = []
    for fd, _ in p.poll(max(0, seconds * 1000)):
        by_fd[fd].take()
        got.append(by_fd[fd])
    return got


def befriend(a, b):
    """Both subscriptions, both ways, through the whole handshake of RFC 6121 3.1."""
    for c in (a, b):
        c.iq("get", f"<query xmlns='{ROSTER}'/>")	# only interested resources are told (RFC 6121 3.1.6)
    for x, y in ((a, b), (b, a)):
        x.send(f"<presence type='subscribe' to='{y.bare}'/>")
        y.expect(name="presence", type="subscribe", frm=x.bare)
        y.send(f"<presence type='subscribed' to='{x.bare}'/>")
        x.expect(name="presence", type="subscribed", frm=y.bare)
    for c in (a, b):
        c.settle().clear()
