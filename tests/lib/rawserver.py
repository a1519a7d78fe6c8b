"""Other servers for tests: a certificate authority, a DNS server, and a raw server that says exactly what it is told.

Peer is one connection of another server, made by it (connect) or made to it (PeerListener.accept); Zone answers
questions of the DNS from a table.
"""
import base64
import os
import socket
import ssl
import struct
import subprocess
import threading
import time

from rawxmpp import SASL, STREAM, TLS, Client, Splitter, q
from wardroom_test import Failed, check

SERVER = "jabber:server"
DIALBACK = "jabber:server:dialback"
DIALBACK_FEATURE = "urn:xmpp:features:dialback"
BIDI = "urn:xmpp:bidi"
BIDI_FEATURE = "urn:xmpp:features:bidi"


def sh(*cmd, stdin=None):
    p = subprocess.run(cmd, capture_output=True, text=True, input=stdin)
    check(p.returncode == 0, f"{' '.join(cmd[:4])}: {p.stderr[-300:]}")
    return p.stdout


class Authority:
    """A certificate authority in a folder; leaf certificates for any names."""

    def __init__(self, folder, name="Test CA"):
        self.dir = folder
        os.makedirs(folder, exist_ok=True)
        self.cert, self.key = os.path.join(folder, "ca.pem"), os.path.join(folder, "ca.key")
        sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={name}",
           "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", self.key, "-out", self.cert)
        self.n = 0

    def issue(self, cn, san=None, days=10, begin=None, end=None, self_signed=False, eku="serverAuth,clientAuth"):
        """(certificate, key) files. san: as in openssl's subjectAltName; '' for none; None: DNS:cn."""
        self.n += 1
        base = os.path.join(self.dir, f"leaf{self.n}")
        san = f"DNS:{cn}" if san is None else san
        alt = ""
        if san.startswith("@"):	# a value with commas of its own
            san, alt = "@alt", "[alt]\n" + san[1:] + "\n"
        ext = f"basicConstraints=CA:FALSE\nextendedKeyUsage={eku}\n" + (f"subjectAltName={san}\n" if san else "")
        with open(base + ".ext", "w") as f:
            f.write("[v3]\n" + ext + alt)
        sh("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={cn}", "-keyout",
           base + ".key", "-out", base + ".csr")
        if end is not None:	# openssl x509 knows no past: 'ca' does
            db = base + ".db"
            open(db, "w").close()
            with open(base + ".cnf", "w") as f:
                f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={db}\nnew_certs_dir={self.dir}\nserial={base}.srl\ndefault_md=sha256\npolicy=p\n"
                        f"unique_subject=no\n[p]\ncommonName=supplied\n[v3]\n{ext}")
            with open(base + ".srl", "w") as f:
                f.write("%02x\n" % (0x10 + self.n))
            sh("openssl", "ca", "-batch", "-config", base + ".cnf", "-extensions", "v3", "-in", base + ".csr", "-cert", self.cert, "-keyfile", self.key,
               "-startdate", begin, "-enddate", end, "-out", base + ".pem", "-notext")
        elif self_signed:
            sh("openssl", "x509", "-req", "-in", base + ".csr", "-signkey", base + ".key", "-days", str(days), "-extfile", base + ".ext", "-extensions",
               "v3", "-out", base + ".pem")
        else:
            sh("openssl", "x509", "-req", "-in", base + ".csr", "-CA", self.cert, "-CAkey", self.key, "-set_serial", str(1000 + self.n), "-days", str(days),
               "-extfile", base + ".ext", "-extensions", "v3", "-out", base + ".pem")
        os.chmod(base + ".key", 0o600)
        return base + ".pem", base + ".key"


# --- the DNS ---------------------------------------------------------------------------------------------------

TYPES = {"A": 1, "CNAME": 5, "SOA": 6, "AAAA": 28, "SRV": 33}


def dns_name(name):
    out = b""
    for label in name.rstrip(".").split("."):
        if label:
            out += bytes([len(label)]) + label.encode()
    return out + b"\0"


class Zone:
    """A DNS server on loopback. table: {(name, type): [value]}; SRV values are (priority, weight, port, target).
    silent: names (ends) to which it says nothing; broken: names it answers with SERVFAIL."""

    def __init__(self, host="127.0.0.1", port=0):
        self.table, self.silent, self.broken, self.asked, self.address = {}, set(), set(), [], host
        for _ in range(50):	# one port free for both
            self.sock, self.tcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                self.sock.bind((host, port))
                self.port = self.sock.getsockname()[1]
                self.tcp.bind((host, self.port))
                break
            except OSError:
                self.sock.close()
                self.tcp.close()
        self.tcp.listen(16)
        threading.Thread(target=self.serve, daemon=True).start()
        threading.Thread(target=self.serve_tcp, daemon=True).start()

    def add(self, name, type, *values):
        self.table.setdefault((name.lower(), type), []).extend(values)
        return self

    def host(self, domain, port, address="127.0.0.1", tls_port=None):
        """A server: SRV records and an address."""
        self.add(f"_xmpp-server._tcp.{domain}", "SRV", (5, 0, port, f"xmpp.{domain}"))
        if tls_port:
            self.add(f"_xmpps-server._tcp.{domain}", "SRV", (1, 0, tls_port, f"xmpp.{domain}"))
        return self.add(f"xmpp.{domain}", "A", address)

    def rdata(self, type, v):
        if type == "A":
            return socket.inet_aton(v)
        if type == "AAAA":
            return socket.inet_pton(socket.AF_INET6, v)
        if type == "SRV":
            return struct.pack(">HHH", *v[:3]) + dns_name(v[3])
        return dns_name(v)

    def answer(self, data):
        qid, flags, n = struct.unpack(">HHH", data[:6])
        at, labels = 12, []
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode().lower())
            at += 1 + data[at]
        end = at + 5
        qtype = struct.unpack(">H", data[at + 1:at + 3])[0]
        name = ".".join(labels)
        tname = {v: k for k, v in TYPES.items()}.get(qtype, "?")
        self.asked.append((name, tname))
        if any(name.endswith(s) for s in self.silent):
            return None
        rcode, rr = 0, []
        if any(name.endswith(s) for s in self.broken):
            rcode = 2
        elif (name, "CNAME") in self.table and tname != "CNAME":
            rr = [(name, "CNAME", v) for v in self.table[name, "CNAME"]]
        else:
            rr = [(name, tname, v) for v in self.table.get((name, tname), [])]
            if not rr and not any(n == name or n.endswith("." + name) for n, _ in self.table):
                rcode = 3
        body = b""
        for rname, rtype, v in rr:
            rd = self.rdata(rtype, v)
            body += dns_name(rname) + struct.pack(">HHIH", TYPES[rtype], 1, 60, len(rd)) + rd
        auth = b""
        if not rr and rcode != 2:
            soa = dns_name("ns.test") + dns_name("root.test") + struct.pack(">IIIII", 1, 60, 60, 60, 1)
            auth = dns_name(".".join(labels[-1:])) + struct.pack(">HHIH", 6, 1, 1, len(soa)) + soa
        head = struct.pack(">HHHHHH", qid, 0x8580 | rcode, 1, len(rr), 1 if auth else 0, 0)
        return head + data[12:end] + body + auth

    def serve(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(4096)
                out = self.answer(data)
                if out and len(out) > 1200:
                    out = out[:2] + struct.pack(">H", 0x8780) + out[4:6] + b"\0" * 6 + data[12:]	# truncated: come by TCP
                    out = out[:4] + b"\0\1" + b"\0" * 6 + data[12:]
                if out:
                    self.sock.sendto(out, peer)
            except OSError:
                return
            except Exception:	# noqa: BLE001 - a strange question gets no answer
                pass

    def serve_tcp(self):
        while True:
            try:
                c, _ = self.tcp.accept()
                c.settimeout(2)
                n = struct.unpack(">H", c.recv(2))[0]
                data = c.recv(n)
                out = self.answer(data)
                if out:
                    c.sendall(struct.pack(">H", len(out)) + out)
                c.close()
            except OSError:
                if self.tcp.fileno() < 0:
                    return

    def close(self):
        self.sock.close()
        self.tcp.close()


# --- another server --------------------------------------------------------------------------------------------

class Target:
    """Where a Peer connects to: stands in for rawxmpp's server."""

    def __init__(self, domain, port, host="127.0.0.1"):
        self.domain, self.host, self.port, self.tls_port = domain, host, port, port


class Peer(Client):
    """One connection. domain: whose server it says it is; cert: (file, key) to show, or None."""

    def __init__(self, domain, target, cert=None):
        super().__init__(target, domain)
        self.domain, self.cert, self.server_side = domain, cert, False
        self.id = None

    def context(self, alpn="xmpp-server"):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if self.server_side else ssl.PROTOCOL_TLS_CLIENT)
        if not self.server_side:
            c.check_hostname = False
        c.verify_mode = ssl.CERT_NONE
        if self.server_side:
            # To be shown the other's certificate without judging it: any authority will do.
            c.verify_mode = ssl.CERT_NONE
        if self.cert:
            c.load_cert_chain(*self.cert)
        if alpn:
            c.set_alpn_protocols([alpn])
        return c

    def start_tls(self, context=None, handshake=True):
        self.rbio, self.wbio = ssl.MemoryBIO(), ssl.MemoryBIO()
        c = context or self.context()
        if self.server_side:
            self.tls = c.wrap_bio(self.rbio, self.wbio, server_side=True)
        else:
            self.tls = c.wrap_bio(self.rbio, self.wbio, server_hostname=self.server.domain)
        if handshake:
            self.handshake()

    def header_text(self, to=None, frm=None, **attrs):
        a = {"from": self.domain if frm is None else frm, "to": to or self.server.domain, "version": "1.0"}
        a.update(attrs)
        return (f"<?xml version='1.0'?><stream:stream xmlns='{SERVER}' xmlns:stream='{STREAM}' xmlns:db='{DIALBACK}'"
                + "".join(f" {k}='{v}'" for k, v in a.items() if v) + ">")

    def restart(self, header=None):
        f = super().restart(header)
        self.id = self.splitter.header.get("id")
        return f

    def goodbye(self):
        """What was sent a moment ago counts as lost when the other side leaves at once."""
        time.sleep(0.35)
        super().goodbye()

    def external(self, authzid=None):
        text = base64.b64encode((self.domain if authzid is None else authzid).encode()).decode() or "="
        self.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>{text}</auth>")
        self.sasl_answer("success")
        return self.restart()

    def trusted(self, direct=False, bidi=False):
        """Connected, secured, proven by the certificate."""
        self.secure(direct)
        if bidi:
            self.send(f"<bidi xmlns='{BIDI}'/>")
        self.external()
        return self

    def stanza_in(self, name, timeout=5, **kw):
        return self.expect(name=q(SERVER, name), timeout=timeout, **kw)

    def settle(self):
        """Peers have no server of their own to ask: a ping between servers."""
        i = self.next_id("settle")
        self.send(f"<iq type='get' id='{i}' from='{self.domain}' to='{self.server.domain}'><ping xmlns='urn:xmpp:ping'/></iq>")
        return self


class PeerListener:
    """Where the server under test finds the other domain: accepts its connections. how: what is offered."""

    def __init__(self, domain, ours, cert, host="127.0.0.1", port=0):
        self.domain, self.ours, self.cert = domain, ours, cert
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((host, port))
        self.sock.listen(16)
        self.port = self.sock.getsockname()[1]

    def accept(self, timeout=10):
        self.sock.settimeout(timeout)
        try:
            s, _ = self.sock.accept()
        except socket.timeout:
            raise Failed(f"{self.domain}: nobody connected within {timeout} s") from None
        p = Peer(self.domain, Target(self.ours, 0), self.cert)
        p.server_side = True
        p.sock = s
        s.setblocking(False)
        return p

    def greet(self, p, features):
        """Reads the header that came, answers with ours and these features."""
        end = time.monotonic() + 5
        while p.splitter.header is None and time.monotonic() < end and not p.eof:
            p.pump(0.2)
        check(p.splitter.header is not None, "no stream header from the server")
        p.their_header = p.splitter.header
        p.id = "id" + os.urandom(6).hex()
        p.send(p.header_text(id=p.id) + f"<stream:features>{features}</stream:features>")
        return p

    def secured(self, direct=False, features="", timeout=10):
        """Accepts one and goes through TLS; features: those after it."""
        p = self.accept(timeout)
        if direct:
            p.start_tls()
        else:
            self.greet(p, f"<starttls xmlns='{TLS}'><required/></starttls>")
            p.expect(name=q(TLS, "starttls"), what="<starttls/>")
            p.splitter = Splitter()
            p.send(f"<proceed xmlns='{TLS}'/>")
            p.start_tls()
        p.splitter = Splitter()
        p._take_tls()	# what came with the end of the handshake
        return self.greet(p, features)

    def opened(self, direct=False, bidi=False, timeout=10):
        """Accepts one and takes EXTERNAL."""
        mech = f"<mechanisms xmlns='{SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>"
        p = self.secured(direct, mech + (f"<bidi xmlns='{BIDI_FEATURE}'/>" if bidi else ""), timeout)
        p.auth = p.expect(name=q(SASL, "auth"), what="<auth/>")
        p.asked_bidi = any(e.tag == q(BIDI, "bidi") for e in p.inbox)
        p.splitter = Splitter()
        p.send(f"<success xmlns='{SASL}'/>")
        return self.greet(p, "")

    def close(self):
        self.sock.close()
