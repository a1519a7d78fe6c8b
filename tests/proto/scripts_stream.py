"""Cases B-I and B-II that take more than one step."""
import os
import re
import ssl
import subprocess
import tempfile
import time

from harness import TLS, Client, Failed, check, q
from rawxmpp import Openssl, body_of, tls_context
from wardroom_test import SLOW


def case_8(w):
    a = w.attacker()
    a.send(w.fill("<message to='{w}' type='chat' id='c8'><body>x<![CDATA[<b>&amp;]]>y</body></message>"))
    m = w.watcher.expect(name="message", id="c8")
    check(body_of(m) == "x<b>&amp;y", f"body: {body_of(m)!r}")
    check(b"CDATA" not in w.watcher.raw, "CDATA was passed on")
    w.forgive()


def case_14_epipe(w):
    for how in ("cut", "close"):
        for data in (b"<message></iq>", b"<foo/>", b"<!DOCTYPE x>", b"\xff"):
            c = w.at("tls+")
            c.send(data)
            getattr(c, how)()
    for data in (b"<foo/>", b"<!-- -->"):
        c = w.at("in")
        c.send(data)
        c.cut()


def one_byte_records(c, data):
    for i in range(len(data)):
        if c.eof or c.reset:
            return i
        c.tls.write(data[i:i + 1])
        if i % 64 == 63:
            c._flush_tls()
            c.take()
    c._flush_tls()
    return len(data)


def case_21(w):
    for stage, limit in (("tls+", 10000), ("in", 262144)):
        c = w.at(stage)
        t0 = time.monotonic()
        head = w.fill("<iq type='set' id='x1' to='{w}'><HOSTILE xmlns='u'>").encode()
        n = one_byte_records(c, head + b"a" * (limit + 60000))
        got = c.stream_error(20)
        took = time.monotonic() - t0
        check(got == ("policy-violation", "stanza-too-big"), f"{stage}: stream error {got}")
        check(took < 30 * SLOW, f"{stage}: {n} bytes took {took:.1f} s")
        c.close()


def rss_kib(pids):
    total = 0
    for p in pids:
        with open(f"/proc/{p}/status") as f:
            m = re.search(r"VmRSS:\s+(\d+)", f.read())
            total += int(m.group(1)) if m else 0
    return total


def has_asan(w):
    with open(f"/proc/{w.server.proc.pid}/maps") as f:
        return "libasan" in f.read()


def case_22(w):
    asan = has_asan(w)
    n = 4000 if asan else 40000
    c = w.at("in")

    def burst(start, count):
        out = []
        for i in range(start, start + count):
            out.append(f"<iq type='result' id='i'><e{i} xmlns:p{i}='urn:{i}' a{i}='1'><p{i}:f{i}/></e{i}></iq>")
            if len(out) == 500:
                c.send("".join(out))
                out = []
        c.settle()
    burst(0, 2000)
    before = rss_kib(w.server.pids())
    burst(2000, n)
    grown = rss_kib(w.server.pids()) - before
    c.close()
    if not asan:	# its quarantine keeps what was freed
        check(grown < 2048, f"{n} stanzas with new names: {grown} KiB more")


def case_23(w):
    a = w.attacker()
    for i, cut in enumerate(("</mess", "</message", "<", "</")):
        mid = f"c23-{i}"
        whole = w.fill("<message to='{w}' type='chat' id='" + mid + "'><body>split</body></message>")
        at = whole.rindex("</message>") + len(cut) if cut != "<" else whole.rindex("</message>") + 1
        a.send(whole[:at])
        time.sleep(0.03)
        a.send(whole[at:])
        t0 = time.monotonic()
        w.watcher.expect(name="message", id=mid, timeout=2)
        check(time.monotonic() - t0 < 1 * SLOW, "delivered late")
    w.forgive()


def case_24(w):
    a = w.attacker()
    for _ in range(5):
        a.send(" ")
        a.pump(0.02)
    a.send(" " * 1000000)
    a.settle()


def case_30(w):
    for tail in ("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>", "<iq/>", " "):
        c = w.at("tcp+")
        c.send(f"<starttls xmlns='{TLS}'/>" + tail)
        if c.wait_end(1.0):
            continue
        # RFC 6120 5.4.3.3 allows nothing there: had it survived, the handshake must not
        try:
            c.expect(name=q(TLS, "proceed"))
            c.start_tls()
            f = c.restart()
        except (Failed, ssl.SSLError, OSError):
            continue
        check(tail == " " and f is not None, f"plaintext {tail[:12]!r} after starttls survived")


def case_31(w):
    for data in ("<iq/>", "\n", "<message to='x'/>"):
        c = w.at("tcp+")
        c.send(f"<starttls xmlns='{TLS}'/>")
        c.expect(name=q(TLS, "proceed"))
        c.send(data)
        try:
            c.start_tls()
        except (Failed, ssl.SSLError, OSError):
            continue
        finally:
            c.close()
        raise Failed(f"{data!r} before the ClientHello was let through")


def case_32(w):
    c = w.at("tcp+")
    check(not c.mechanisms(), f"mechanisms without TLS: {c.mechanisms()}")
    st = c.features.find(q(TLS, "starttls"))
    check(st is not None and st.find(q(TLS, "required")) is not None, "starttls is not required")
    c.close()


def case_33(w):
    c = w.at("tcp+")
    c.send(f"<starttls xmlns='{TLS}'/>")
    c.expect(name=q(TLS, "proceed"))
    c.start_tls()
    f = c.restart()
    check(f.find(q(TLS, "starttls")) is None, "starttls offered within TLS")
    c.send(f"<starttls xmlns='{TLS}'/>")
    c.expect(name=q(TLS, "failure"))
    check(c.wait_end(), "stays open")


def handshake_fails(w, **kw):
    direct = kw.pop("direct", True)
    c = Client(w.server, "attacker")
    try:
        if direct:
            c.connect(True, tls_context(**kw))
        else:
            c.secure(False, tls_context(**kw))
    except (ssl.SSLError, Failed, OSError) as e:
        return str(e)
    finally:
        c.close()
    raise Failed(f"handshake succeeded: {c.tls.version()} {c.tls.cipher()}")


def case_34(w):
    why = handshake_fails(w, alpn=("http/1.1",))
    check("no application protocol" in why.lower() or "NO_APPLICATION_PROTOCOL" in why.upper(), f"http/1.1: {why}")
    handshake_fails(w, alpn=("xmpp-server",))
    c = Client(w.server, "attacker").secure(True, tls_context(alpn=None))
    c.close()
    c = Client(w.server, "attacker").secure(True)
    check(c.tls.selected_alpn_protocol() == "xmpp-client", f"ALPN chosen: {c.tls.selected_alpn_protocol()}")
    c.close()


def case_37(w):
    v = ssl.TLSVersion
    low = "ALL:@SECLEVEL=0"
    for direct in (True, False):
        for version in (v.TLSv1, v.TLSv1_1):
            handshake_fails(w, direct=direct, minimum=version, maximum=version, ciphers=low)
        for ciphers in ("NULL:eNULL:@SECLEVEL=0", "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA:"
                        "ECDHE-RSA-AES256-SHA:AES128-SHA:@SECLEVEL=0"):
            handshake_fails(w, direct=direct, maximum=v.TLSv1_2, ciphers=ciphers)
    # SSL 3.0: OpenSSL does not speak it any more; its ClientHello by hand
    hello = bytes.fromhex("0300") + os.urandom(32) + b"\0" + bytes.fromhex("0004" "0035002f") + bytes.fromhex("0100")
    hs = b"\x01" + len(hello).to_bytes(3, "big") + hello
    c = Client(w.server).connect(port=w.server.tls_port)
    c.send(b"\x16\x03\x00" + len(hs).to_bytes(2, "big") + hs)
    c.splitter.feed = lambda data: None
    check(c.wait_end(), "SSL 3.0: stays open")
    check(not c.raw or c.raw[0] == 0x15, "SSL 3.0: answered by something else than an alert")
    for version in (v.TLSv1_2, v.TLSv1_3):
        c = Client(w.server, "attacker").login(context=tls_context(minimum=version, maximum=version))
        check("GCM" in c.tls.cipher()[0] or "CHACHA" in c.tls.cipher()[0], f"cipher {c.tls.cipher()}")
        c.close()


def case_38_renegotiation(w):
    c = Client(w.server, "attacker").login(context=tls_context(maximum=ssl.TLSVersion.TLSv1_2))
    o = Openssl(c.tls)
    o.renegotiate()
    o.do_handshake()
    c._flush_tls()
    c.pump(0.5)
    n = len(c.raw)
    done = False
    for _ in range(10):
        done = o.do_handshake() == 1
        c._flush_tls()
        c.pump(0.1)
        if c.eof or done:
            break
    check(not done or c.eof, f"renegotiated (after {n} bytes)")
    c.close()


def case_38_key_updates(w):
    c = Client(w.server, "attacker").login(context=tls_context(minimum=ssl.TLSVersion.TLSv1_3))
    o = Openssl(c.tls)
    sent = 0
    for _ in range(3000):
        if o.key_update() != 1:
            break
        try:
            c.tls.write(b" ")
        except ssl.SSLError:
            break
        c._flush_tls()
        sent += 1
        if sent % 20 == 0:
            c.take()
            if c.eof or c.reset:
                break
    check(c.wait_end(2) or c.reset, f"{sent} KeyUpdates in a row and still open")


def case_39(w):
    with tempfile.TemporaryDirectory() as d:
        subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{w.server.tls_port}", "-alpn", "xmpp-client", "-sess_out", f"{d}/s",
                        "-tls1_3", "-ign_eof"], input=w.at("tcp").header_text().encode() + b"</stream:stream>", capture_output=True, timeout=20)
        if not os.path.exists(f"{d}/s"):
            return	# no tickets: no early data
        out = subprocess.run(["openssl", "sess_id", "-in", f"{d}/s", "-noout", "-text"], capture_output=True, text=True).stdout
        m = re.search(r"Max Early Data: (\d+)", out)
        check(not m or m.group(1) == "0", f"early data is allowed: {m and m.group(1)} bytes")


def case_28_timing(w):
    texts = set()
    for host in ("nowhere.example", "hidden." + w.server.domain, "localhost.invalid"):
        c = Client(w.server).connect(True)
        c.send(c.header_text(to=host))
        c.stream_error()
        text = re.sub(rb"id='[^']*'", b"", bytes(c.raw))
        texts.add(text.replace(host.encode(), b"HOST"))
    check(len(texts) == 1, f"differing answers: {texts}")


SCRIPTS = [
    (8, "CDATA is legal, passed on as text", case_8),
    (14, "the peer is gone before the stream error is written", case_14_epipe),
    (21, "too big a stanza, one byte a TLS record", case_21),
    (22, "tens of thousands of new names on one connection", case_22),
    (23, "the last tag split over two reads", case_23),
    (24, "whitespace", case_24),
    (28, "unknown hosts get one identical answer", case_28_timing),
    (30, "plaintext after starttls in the same segment", case_30),
    (31, "bytes between proceed and the ClientHello", case_31),
    (32, "no mechanisms without TLS, which is required", case_32),
    (33, "starttls twice", case_33),
    (34, "ALPN", case_34),
    (37, "old protocols and weak suites", case_37),
    (38, "renegotiation under TLS 1.2", case_38_renegotiation),
    (38, "flood of KeyUpdates", case_38_key_updates),
    (39, "no early data", case_39),
]
