"""Cases B-III: SASL and accounts.

Left out: 45, 46 (no EXTERNAL yet), 49 (no commands over XMPP yet), 53 (no such policy yet), of 44 and 58 what
concerns disabled accounts and password change (neither exists yet).
"""
import base64
import os

from harness import SASL, Client, Failed, check
from rawxmpp import BIND, SaslFailure, b64, error_of, text_of
from wardroom_test import PASSWORD

PLUS_OFF = ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512")


def auth(c, mech, data):
    """One <auth/>; returns what came back: ('challenge'|'success'|'failure'|'error', condition or text)."""
    c.send(f"<auth xmlns='{SASL}' mechanism='{mech}'>{data}</auth>")
    return answer(c)


def respond(c, data):
    c.send(f"<response xmlns='{SASL}'>{data}</response>")
    return answer(c)


def answer(c):
    el = c.expect(lambda e: e.tag.startswith("{%s}" % SASL) or e.tag.endswith("}error"), what="an answer of SASL", timeout=15)
    kind = el.tag.split("}")[1]
    if kind in ("failure", "error"):
        return kind, [x.tag.split("}")[1] for x in el if not x.tag.endswith("}text")][0]
    return kind, el.text


def wants(got, *allowed):
    check(got[0] in ("failure", "error") and got[1] in allowed, f"answered {got}, wanted {' or '.join(allowed)}")


def case_40(w):
    for m in ("ANONYMOUS", "DIGEST-MD5", "CRAM-MD5", "EXTERNAL", "GSSAPI", "scram-sha-1", "PLAIN", "X" * 10, "SCRAM-SHA-1-PLUS-PLUS", ""):
        c = w.at("tls+")
        wants(auth(c, m, b64("n,,n=attacker,r=abcdef")), "invalid-mechanism", "malformed-request" if not m else "invalid-mechanism")
        c.close()
    c = w.at("tls+")
    c.send(f"<auth xmlns='{SASL}' mechanism='{'M' * 9000}'>AA==</auth>")
    wants(answer(c), "invalid-mechanism", "policy-violation")


def case_41(w):
    for data in ("!!!!", "biws bj1h", "biwsbj1h\nLHI9YQ==", "====", "biw", "biws=", "biwsbj1hLHI9YQ==AAAA", "biw=s===", "bi\u00e4s", "_-_-"):
        c = w.at("tls+")
        wants(auth(c, "SCRAM-SHA-1", data), "incorrect-encoding")
        c.close()
    c = w.at("tls+")
    got = auth(c, "SCRAM-SHA-1", "=")	# an empty initial response (RFC 6120 6.4.2): not a SCRAM message
    wants(got, "malformed-request", "incorrect-encoding")
    c.close()
    c = w.at("tls+")
    check(auth(c, "SCRAM-SHA-1", b64("n,,n=attacker,r=abcdefabcdefabcdef"))[0] == "challenge", "no challenge")
    wants(respond(c, "**"), "incorrect-encoding")


def case_42_first(w):
    nonce = "fyko+d2lbbFgONRv9qkxdawL"
    bad = {"no gs2 header": f"n=attacker,r={nonce}", "unknown gs2 flag": f"x,,n=attacker,r={nonce}", "no nonce": "n,,n=attacker",
           "empty nonce": "n,,n=attacker,r=", "no user": f"n,,r={nonce}", "empty user": f"n,,n=,r={nonce}",
           "out of order": f"n,,r={nonce},n=attacker", "duplicate user": f"n,,n=attacker,n=attacker,r={nonce}",
           "duplicate nonce": f"n,,n=attacker,r={nonce},r={nonce}", "extension m=": f"n,,m=ext,n=attacker,r={nonce}",
           "bad escape": f"n,,n=att=2Xacker,r={nonce}", "lone =": f"n,,n=att=acker,r={nonce}", "control in nonce": "n,,n=attacker,r=abc\x01def\x7fghi",
           "comma in nonce": "n,,n=attacker,r=,", "NUL": f"n,,n=att\0acker,r={nonce}", "empty": "", "only commas": ",,,,,,",
           "nonce of 5,000": "n,,n=attacker,r=" + "a" * 2900}
    for name, text in bad.items():
        c = w.at("tls+")
        got = auth(c, "SCRAM-SHA-256", b64(text) if text else "=")
        try:
            wants(got, "malformed-request", "not-authorized", "incorrect-encoding" if not text else "malformed-request")
        except Failed as e:
            raise Failed(f"{name}: {e}") from None
        c.close()
    c = w.at("tls+")
    got = auth(c, "SCRAM-SHA-256", b64(f"n,a=watcher,n=attacker,r={nonce}"))	# another authzid
    if got[0] == "challenge":
        raise Failed("authzid of another user was accepted")
    wants(got, "invalid-authzid", "not-authorized", "malformed-request")


def case_42_final(w):
    def final(c, change, mech="SCRAM-SHA-256"):
        try:
            c.scram(mech, tamper=lambda step, t: change(t) if step == "final" else t)
        except SaslFailure as e:
            return e.condition
        raise Failed("a changed final message was accepted")

    def part(t, k, v):
        return ",".join(k + "=" + v if p.startswith(k + "=") else p for p in t.split(","))
    changes = {"other nonce": lambda t: part(t, "r", "AAAAAAAAAAAAAAAAAAAAAAAA"),
               "nonce cut": lambda t: part(t, "r", t.split("r=")[1].split(",")[0][:-1]),
               "proof too short": lambda t: part(t, "p", b64(b"x" * 16)), "proof too long": lambda t: part(t, "p", b64(b"x" * 64)),
               "proof empty": lambda t: part(t, "p", ""), "proof not Base64": lambda t: part(t, "p", "!!!"),
               "proof wrong": lambda t: part(t, "p", b64(b"x" * 32)), "no proof": lambda t: t.rsplit(",p=", 1)[0],
               "two proofs": lambda t: t + ",p=AAAA", "no c": lambda t: t.split(",", 1)[1],
               "gs2 header changed": lambda t: part(t, "c", b64("y,,")), "binding data without a binding": lambda t: part(t, "c", b64("n,,x")),
               "c not Base64": lambda t: part(t, "c", "%%"), "extension m=": lambda t: "m=1," + t, "empty": lambda t: "",
               "order": lambda t: ",".join(reversed(t.split(","))), "iteration count": lambda t: t + ",i=1",
               "huge": lambda t: t + ",x=" + "a" * 2800}
    for name, change in changes.items():
        c = w.at("tls+")
        try:
            cond = final(c, change)
        except Failed as e:
            raise Failed(f"{name}: {e}") from None
        check(cond in ("malformed-request", "not-authorized", "incorrect-encoding"), f"{name}: {cond}")
        c.scram("SCRAM-SHA-256")	# state wiped: the same stream may try again and succeeds
        c.close()


def case_43(w):
    c = w.at("tls+")
    c.send(f"<response xmlns='{SASL}'>AAAA</response>")
    wants(answer(c), "malformed-request", "not-authorized")
    c.close()
    c = w.at("tls+")
    check(auth(c, "SCRAM-SHA-1", b64("n,,n=attacker,r=abcdefabcdefabcdef"))[0] == "challenge", "no challenge")
    wants(auth(c, "SCRAM-SHA-1", b64("n,,n=attacker,r=abcdefabcdefabcdef")), "malformed-request", "not-authorized")
    c.close()
    c = w.at("tls+")
    check(auth(c, "SCRAM-SHA-1", b64("n,,n=attacker,r=abcdefabcdefabcdef"))[0] == "challenge", "no challenge")
    c.send(f"<abort xmlns='{SASL}'/>")
    wants(answer(c), "aborted")
    c.scram("SCRAM-SHA-1")
    c.close()
    c = w.at("in")
    c.send(f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-1'>{b64('n,,n=victim,r=abcdefabcdef')}</auth>")
    check(c.stream_error()[0] in ("not-authorized", "unsupported-stanza-type", "policy-violation"), "auth within a session")


def case_44(w):
    seen = {}
    for mech in PLUS_OFF:
        for user in ("nobody-there", "attacker", "nobody-there", "other-nobody"):
            c = Client(w.server, user, password="wrong password").secure(True)
            try:
                c.scram(mech)
                raise Failed(f"{user} got in")
            except SaslFailure as e:
                check(e.condition == "not-authorized", f"{user}: {e.condition}")
            f = c.server_first
            key = (mech, user)
            check(key not in seen or seen[key] == (f["s"], f["i"]), f"{key}: the salt changes between tries")
            seen[key] = (f["s"], f["i"])
            c.close()
        check(len({len(base64.b64decode(seen[mech, u][0])) for u in ("nobody-there", "attacker", "other-nobody")}) == 1,
              f"{mech}: salts of differing length")
        check(len({seen[mech, u][1] for u in ("nobody-there", "attacker")}) == 1, f"{mech}: iteration counts differ")
        check(seen[mech, "nobody-there"][0] != seen[mech, "other-nobody"][0], f"{mech}: one salt for all missing users")


def case_48(w):
    c = Client(w.server, "attacker").secure(True)
    c.scram("SCRAM-SHA-1")
    c.splitter = type(c.splitter)()
    c.send(c.header_text(to="other.example"))
    check(c.stream_error()[0] in ("not-authorized", "host-unknown"), "another domain after login")
    c = Client(w.server, "attacker").secure(True)
    c.scram("SCRAM-SHA-1")
    c.splitter = type(c.splitter)()
    c.send(c.header_text(**{"from": w.server.jid("victim")}))
    try:
        c.expect(name="{http://etherx.jabber.org/streams}features", timeout=2)
    except Failed:
        return
    check(c.bind().startswith(w.server.jid("attacker") + "/"), f"bound as {c.jid}")


def mechanisms_all_work(w):
    c = w.at("tls+")
    offered = c.mechanisms()
    c.close()
    for m in PLUS_OFF:
        check(m in offered and m + "-PLUS" in offered, f"offered: {offered}")
    check("PLAIN" not in offered, "PLAIN offered by default")
    import ssl
    from rawxmpp import tls_context
    for m in offered:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for b in ((None,) if "PLUS" not in m else ("tls-exporter", "tls-server-end-point")):
                if b == "tls-exporter" and version == ssl.TLSVersion.TLSv1_2:
                    continue	# RFC 9266 4.2: with TLS 1.2 only under extended master secret; tested by the unit tests
                c = Client(w.server, "attacker").secure(True, tls_context(minimum=version, maximum=version))
                try:
                    c.scram(m, b)
                except Failed as e:
                    raise Failed(f"{m} {b} {version.name}: {e}") from None
                c.restart()
                check(c.bind().startswith(w.server.jid("attacker") + "/"), f"{m}: bound as {c.jid}")
                c.close()
    # with STARTTLS, too
    Client(w.server, "attacker").login(direct=False, mech="SCRAM-SHA-256-PLUS").close()


def case_50(w):
    c = w.at("tls+")
    try:
        c.scram("SCRAM-SHA-256", binding="y")
    except SaslFailure as e:
        check(e.condition in ("not-authorized", "malformed-request"), f"condition {e.condition}")
        return
    raise Failed("'y' was accepted though -PLUS is offered")


def case_51(w):
    nonce = "abcdefabcdefabcdef"
    for gs2 in ("p=tls-unique,,", "p=tls-foo,,", "p=,,", "n,,", "y,,"):
        c = w.at("tls+")
        wants(auth(c, "SCRAM-SHA-256-PLUS", b64(f"{gs2}n=attacker,r={nonce}")), "not-authorized", "malformed-request")
        c.close()
    c = w.at("tls+")
    wants(auth(c, "SCRAM-SHA-256", b64(f"p=tls-exporter,,n=attacker,r={nonce}")), "not-authorized", "malformed-request")
    c.close()
    for kind in ("tls-exporter", "tls-server-end-point"):
        c = w.at("tls+")
        real = c.binding
        c.binding = lambda k: (real(k)[0], os.urandom(32))
        try:
            c.scram("SCRAM-SHA-256-PLUS", kind)
            raise Failed(f"{kind} with wrong data was accepted")
        except SaslFailure as e:
            check(e.condition in ("not-authorized", "malformed-request"), f"{kind}: {e.condition}")
        c.close()


def case_52(w):
    c = Client(w.server, "victim", password="wrong").secure(True)
    tries = 0
    while tries < 20:
        try:
            c.scram("SCRAM-SHA-1")
            raise Failed("got in")
        except SaslFailure:
            tries += 1
        except Failed:
            break
        if c.pump(0.02) and any(e.tag.endswith("}error") for e in c.inbox):
            break
    check(2 <= tries <= 6, f"{tries} wrong proofs in one stream")
    check(c.stream_error()[0] == "policy-violation", "no policy-violation")


def case_54(w):
    c = w.at("tls+")
    said = {}
    c.scram("SCRAM-SHA-1", nonce="a" * 24, tamper=lambda step, t: said.setdefault(step, t))
    c.close()
    c = w.at("tls+")
    got = auth(c, "SCRAM-SHA-1", b64(said["first"]))
    check(got[0] == "challenge", f"answered {got}")
    wants(respond(c, b64(said["final"])), "not-authorized", "malformed-request")


def case_55(w):
    for user in (b"att\xffacker", b"a\xc0\x80b", "\u200battacker".encode()):
        c = w.at("tls+")
        wants(auth(c, "SCRAM-SHA-1", b64(b"n,,n=" + user + b",r=abcdefabcdefabcdef")), "malformed-request", "not-authorized")
        c.close()
    for name in ("a" * 2000, "a b", "/", "attacker@other.example"):
        c = Client(w.server, name, password="x").secure(True)
        try:
            c.scram("SCRAM-SHA-1")
            raise Failed(f"{name[:20]} got in")
        except SaslFailure as e:
            check(e.condition in ("malformed-request", "not-authorized"), f"{name[:20]}: {e.condition}")
        c.close()
    c = Client(w.server, "attacker", password="p\0q" * 3000).secure(True)
    try:
        c.scram("SCRAM-SHA-1")
        raise Failed("got in")
    except SaslFailure as e:
        check(e.condition == "not-authorized", e.condition)


def case_56(w):
    held, refused = [], None
    for i in range(80):
        c = Client(w.server, "extra1", resource=f"r{i}").login(bind=False)
        held.append(c)
        el = c.iq("set", f"<bind xmlns='{BIND}'><resource>r{i}</resource></bind>")
        if el.get("type") == "error":
            refused = el
            break
    check(refused is not None, "80 resources of one account were bound")
    check(error_of(refused)[0] == "resource-constraint", f"refused with {text_of(refused)}")
    for c in held:
        c.close()


def case_59(w):
    a = Client(w.server, "extra2", resource="same").login(presence=True)
    b = Client(w.server, "extra2", resource="same").login()
    if b.jid == a.jid:
        check(a.stream_error()[0] == "conflict", "the old session")
        a2 = None
    else:
        a.settle()
        a2 = a
    b.settle()
    # differing by normalisation only (case 77): U+212B and A with ring are the same resource
    c = Client(w.server, "extra2", resource="\u212bngstrom").login()
    d = Client(w.server, "extra2", resource="\u00c5ngstrom").login()
    check(c.jid != d.jid or c.wait_end(), "two live sessions of one address")
    for x in (a2, b, c, d):
        if x:
            x.close()


def case_73(w):
    for user in ("ATTACKER", "\uff41ttacker", "Attac\u212aer"):
        c = Client(w.server, user).secure(True)
        try:
            c.scram("SCRAM-SHA-1")
        except SaslFailure as e:
            check(e.condition in ("not-authorized", "malformed-request"), e.condition)
            continue	# names of SCRAM are compared as prepared by the client (RFC 5802 5.1): refusing is allowed
        c.restart()
        check(c.bind().startswith(w.server.jid("attacker") + "/"), f"bound as {c.jid}")
        c.close()


SCRIPTS = [
    ("-", "every offered mechanism works, bindings and TLS versions included", mechanisms_all_work),
    (40, "mechanisms that are not advertised", case_40),
    (41, "bad Base64", case_41),
    (42, "first messages of SCRAM", case_42_first),
    (42, "final messages of SCRAM", case_42_final),
    (43, "order of the dialogue", case_43),
    (44, "missing user and wrong password look the same", case_44),
    (48, "another 'to' or 'from' after login", case_48),
    (50, "'y' although channel binding is offered", case_50),
    (51, "channel binding: wrong kinds, wrong data", case_51),
    (52, "wrong proofs in one stream", case_52),
    (54, "replay of a recorded exchange", case_54),
    (55, "names and passwords out of form", case_55),
    (56, "too many resources", case_56),
    (59, "resource conflict, also by normalisation (77)", case_59),
    (73, "variants of one name at login", case_73),
]


def plain_cases(tap, server):
    """On an instance with auth.plain on."""
    def case_47():
        ok = Client(server, "attacker").secure(True)
        check("PLAIN" in ok.mechanisms(), f"offered: {ok.mechanisms()}")
        check(auth(ok, "PLAIN", b64("\0attacker\0" + PASSWORD))[0] == "success", "PLAIN does not work")
        ok.restart()
        check(ok.bind().startswith(server.jid("attacker") + "/"), f"bound as {ok.jid}")
        ok.close()
        for data, allowed in ((f"{server.jid('watcher')}\0attacker\0{PASSWORD}", ("invalid-authzid", "not-authorized")),
                              (f"watcher\0attacker\0{PASSWORD}", ("invalid-authzid", "not-authorized", "malformed-request")),
                              (f"\0attacker\0{PASSWORD}\0", ("malformed-request", "not-authorized")),
                              (f"\0attacker\0\0{PASSWORD}", ("malformed-request", "not-authorized")),
                              (f"\0att\0acker\0{PASSWORD}", ("malformed-request", "not-authorized")),
                              ("attacker", ("malformed-request",)), ("\0attacker", ("malformed-request",)),
                              ("\0\0" + PASSWORD, ("malformed-request", "not-authorized")), ("\0attacker\0", ("malformed-request", "not-authorized")),
                              (f"\u0430ttacker@{server.domain}\0attacker\0{PASSWORD}", ("invalid-authzid", "not-authorized", "malformed-request")),
                              ("\0attacker\0wrong", ("not-authorized",)), ("\0nobody\0wrong", ("not-authorized",)),
                              ("\0attacker\0" + "x" * 2900, ("not-authorized", "malformed-request"))):
            c = Client(server, "attacker").secure(True)
            got = auth(c, "PLAIN", b64(data))
            try:
                wants(got, *allowed)
            except Failed as e:
                raise Failed(f"{data[:40]!r}: {e}") from None
            c.close()
        c = Client(server, "attacker").secure(True)
        got = auth(c, "PLAIN", b64(f"{server.jid('attacker')}\0attacker\0{PASSWORD}"))
        check(got[0] == "success", f"own authzid: {got}")
        server.assert_healthy()
    tap.run("case 47: PLAIN where it is switched on", case_47)
