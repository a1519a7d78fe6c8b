"""Cases B-I and B-II that are a few bytes and an answer: (number, name, stage, bytes, expected).

Stages: `tcp` plain, nothing said; `tcp+` plain, features read; `tls` encrypted, nothing said; `tls+`
encrypted, features read; `in` signed in and bound, a connection of its own; `at` the standing session of the
attacker (for what must leave it open). Expected, as in the list of cases: SE:x stream error, ER:x/type stanza
error, SF:x SASL failure, DROP, OPEN (tolerated), CLOSE (closed without an answer); alternatives with |.
{w} watcher, {a} attacker, {v} victim (no session), {d} domain. HOSTILE must never reach the watcher.

Left out: 5 (WebSocket, BOSH, REST, XEP-0227: not there yet).
"""
XML = "<?xml version='1.0'?>"
OPEN = "<stream:stream to='{d}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
MSG = "<message to='{w}' type='chat' id='x1'><body>HOSTILE"
END = "</body></message>"


def laughs():
    ents = "<!ENTITY l0 'lol'>" + "".join("<!ENTITY l%d '%s'>" % (i, ("&l%d;" % (i - 1)) * 10) for i in range(1, 10))
    return XML + "<!DOCTYPE s [" + ents + "]>" + OPEN.replace("version='1.0'", "version='1.0' x='&l9;'")


def bad_utf8():
    bad = {"overlong C0 80": b"\xc0\x80", "overlong E0 80 AF": b"\xe0\x80\xaf", "surrogate": b"\xed\xa0\x80",
           "above U+10FFFF": b"\xf4\x90\x80\x80", "truncated": b"\xe2\x82", "lone continuation": b"\x80", "FE": b"\xfe"}
    for name, b in bad.items():
        yield 11, f"{name} in text", "in", MSG.encode() + b + END.encode(), "SE:not-well-formed"
        yield 11, f"{name} in an attribute", "in", b"<message to='{w}' id='HOSTILE" + b + b"'/>", "SE:not-well-formed"
        yield 11, f"{name} in an element name", "in", b"<message to='{w}'><a" + b + b" xmlns='HOSTILE'/></message>", "SE:not-well-formed"
    yield 11, "overlong before login", "tls+", b"<iq id='\xc0\x80'/>", "SE:not-well-formed"


CASES = [
    (1, "DOCTYPE before the root", "tls", XML + "<!DOCTYPE stream>" + OPEN, "SE:restricted-xml"),
    (1, "DOCTYPE before the root, without TLS", "tcp", XML + "<!DOCTYPE stream>" + OPEN, "SE:restricted-xml"),
    (1, "DOCTYPE with an internal subset", "tls", "<!DOCTYPE a [<!ELEMENT a ANY>]>" + OPEN, "SE:restricted-xml"),
    (1, "DOCTYPE between stanzas", "in", "<!DOCTYPE a>" + MSG + END, "SE:restricted-xml|SE:not-well-formed"),
    (2, "billion laughs", "tls", laughs(), "SE:restricted-xml"),
    (3, "external entity", "tls", XML + "<!DOCTYPE s [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>" + OPEN, "SE:restricted-xml"),
    (3, "parameter entity", "tls", XML + "<!DOCTYPE s [<!ENTITY % x SYSTEM 'http://127.0.0.1:1/'> %x;]>" + OPEN, "SE:restricted-xml"),
    (3, "external subset", "tls", XML + "<!DOCTYPE s SYSTEM 'file:///etc/passwd'>" + OPEN, "SE:restricted-xml"),
    (4, "undeclared entity before login", "tls+", "<iq type='get' id='1'><a xmlns='b'>&foo;</a></iq>", "SE:restricted-xml"),
    (4, "undeclared entity in a body", "in", MSG + "&foo;" + END, "SE:restricted-xml"),
    (4, "undeclared entity in an attribute", "in", "<message to='{w}' id='HOSTILE&foo;'/>", "SE:restricted-xml"),
    (6, "comment between stanzas", "in", "<!-- HOSTILE -->" + MSG + END, "SE:restricted-xml"),
    (6, "comment inside a stanza", "in", MSG + "<!-- x -->" + END, "SE:restricted-xml"),
    (6, "comment before login", "tls+", "<!-- x -->", "SE:restricted-xml"),
    (6, "comment before the root", "tls", XML + "<!-- x -->" + OPEN, "SE:restricted-xml"),
    (7, "processing instruction between stanzas", "in", "<?x HOSTILE?>" + MSG + END, "SE:restricted-xml"),
    (7, "processing instruction inside a stanza", "in", MSG + "<?x y?>" + END, "SE:restricted-xml"),
    (7, "processing instruction before login", "tls+", "<?x y?>", "SE:restricted-xml"),
    *[(9, f"character reference {r}", "in", MSG + r + END, "SE:not-well-formed")
      for r in ("&#0;", "&#x1;", "&#xD800;", "&#xFFFE;", "&#xFFFF;", "&#x110000;")],
    *[(10, f"raw {n}", "in", MSG.encode() + b + END.encode(), "SE:not-well-formed")
      for n, b in (("NUL", b"\0"), ("0x0B", b"\x0b"), ("U+FFFE", b"\xef\xbf\xbe"), ("U+FFFF", b"\xef\xbf\xbf"))],
    *bad_utf8(),
    (12, "declared ISO-8859-1", "tls", "<?xml version='1.0' encoding='ISO-8859-1'?>" + OPEN, "SE:unsupported-encoding"),
    (12, "declared UTF-16", "tls", "<?xml version='1.0' encoding='UTF-16'?>" + OPEN, "SE:unsupported-encoding"),
    (12, "UTF-16 bytes", "tls", (XML + OPEN).replace("{d}", "example.test").encode("utf-16"), "SE:unsupported-encoding|SE:not-well-formed"),
    (12, "declared utf-8, in lower case", "tls", "<?xml version='1.0' encoding='utf-8'?>" + OPEN, "OPEN"),
    (13, "XML 1.1", "tls", "<?xml version='1.1'?>" + OPEN, "SE:not-well-formed"),
    (13, "standalone", "tls", "<?xml version='1.0' standalone='yes'?>" + OPEN, "OPEN"),
    (13, "no declaration", "tls", OPEN, "OPEN"),
    (13, "whitespace before the declaration", "tls", " " + XML + OPEN, "SE:not-well-formed"),
    (13, "second declaration", "tls", XML + XML + OPEN, "SE:not-well-formed"),
    (13, "declaration between stanzas", "in", XML + MSG + END, "SE:not-well-formed|SE:restricted-xml"),
    (14, "mismatched close tag", "in", MSG + "</bode></message>", "SE:not-well-formed"),
    (14, "unopened close tag", "in", MSG.replace("HOSTILE", "plain") + END + "</message>", "SE:not-well-formed"),
    (14, "unquoted attribute", "in", "<message to={w} id='HOSTILE'/>", "SE:not-well-formed"),
    (14, "attribute without a value", "in", "<message to id='HOSTILE'/>", "SE:not-well-formed"),
    (14, "< in an attribute", "in", "<message to='{w}' id='HOSTILE<'/>", "SE:not-well-formed"),
    (14, "]]> in text", "in", MSG + "]]>" + END, "SE:not-well-formed"),
    (14, "no space between attributes", "in", "<message to='{w}'id='HOSTILE'/>", "SE:not-well-formed"),
    (15, "duplicate attribute", "in", "<message to='{w}' to='{v}' id='HOSTILE'/>", "SE:not-well-formed"),
    (15, "duplicate attribute by two prefixes", "in",
     "<message to='{w}'><x xmlns='HOSTILE' xmlns:p='u' xmlns:q='u' p:a='1' q:a='2'/></message>", "SE:not-well-formed"),
    (16, "unbound element prefix", "in", "<message to='{w}'><p:x HOSTILE='1'/></message>", "SE:not-well-formed"),
    (16, "unbound attribute prefix", "in", "<message to='{w}'><x xmlns='HOSTILE' p:a='1'/></message>", "SE:not-well-formed"),
    (16, "prefix bound to nothing", "in", "<message to='{w}'><x xmlns='HOSTILE' xmlns:p=''/></message>", "SE:not-well-formed"),
    (16, "xml rebound", "in", "<message to='{w}'><x xmlns:xml='HOSTILE'/></message>", "SE:not-well-formed"),
    (16, "xmlns rebound", "in", "<message to='{w}'><x xmlns:xmlns='HOSTILE'/></message>", "SE:not-well-formed"),
    (16, "stream prefix unbound", "tls", XML + "<stream:stream to='{d}' version='1.0' xmlns='jabber:client'>",
     "SE:bad-namespace-prefix|SE:not-well-formed|SE:invalid-namespace"),
    (17, "byte order mark between stanzas", "in", b"\xef\xbb\xbf" + (MSG + END).encode(), "SE:bad-format"),
    (17, "text between stanzas", "in", "HOSTILE" + MSG + END, "SE:bad-format"),
    (17, "text before login", "tls+", "hello", "SE:bad-format"),
    (17, "bytes after the end of the stream", "in", "</stream:stream>" + MSG + END, "CLOSE"),
    (18, "nesting just too deep", "in", MSG.replace("<body>", "") + "<a xmlns='u'>" * 70 + "</a>" * 70 + "</message>", "SE:policy-violation"),
    (18, "nesting 200,000 deep", "in", "<message to='{w}'>" + "<a xmlns='HOSTILE'>" + "<a>" * 200000, "SE:policy-violation"),
    (18, "nesting before login", "tls+", "<a>" * 3000, "SE:policy-violation|SE:unsupported-stanza-type|SE:not-authorized"),
    (19, "65 attributes", "in", "<message to='{w}'><x xmlns='HOSTILE' " + " ".join(f"a{i}='1'" for i in range(65)) + "/></message>",
     "SE:policy-violation"),
    (19, "10,000 attributes", "in", "<message to='{w}'><x xmlns='HOSTILE' " + " ".join(f"a{i}='1'" for i in range(10000)) + "/></message>",
     "SE:policy-violation"),
    (19, "10,000 attributes before login", "tls+", "<iq " + " ".join(f"a{i}='1'" for i in range(10000)) + "/>", "SE:policy-violation"),
    (20, "attribute name of 1 MiB", "in", "<message to='{w}' HOSTILE" + "a" * 2**20 + "='1'/>", "SE:policy-violation"),
    (20, "attribute value of 1 MiB", "in", "<message to='{w}' id='HOSTILE" + "a" * 2**20 + "'/>", "SE:policy-violation"),
    (20, "namespace of 1 MiB", "in", "<message to='{w}'><x xmlns='HOSTILE" + "a" * 2**20 + "'/></message>", "SE:policy-violation"),
    (20, "element name of 1 MiB", "in", "<message to='{w}'><HOSTILE" + "a" * 2**20 + "/></message>", "SE:policy-violation"),
    (20, "name with 100,000 colons", "in", "<message to='{w}'><HOSTILE" + ":a" * 100000 + "/></message>",
     "SE:policy-violation|SE:not-well-formed"),
    (20, "attribute value of 20 KiB before login", "tls+", "<iq id='" + "a" * 20000 + "'/>", "SE:policy-violation"),
    (20, "header of 1 MiB", "tls", XML + OPEN[:-1] + " x='" + "a" * 2**20 + "'>", "SE:policy-violation"),
    (21, "body of 10 MiB in one go", "in", MSG + "a" * (10 * 2**20) + END, "SE:policy-violation+stanza-too-big"),
    (21, "12,000 bytes before login", "tls+", "<iq type='get' id='1'><a xmlns='b'>" + "a" * 12000 + "</a></iq>",
     "SE:policy-violation+stanza-too-big"),
    (25, "stream namespace wrong", "tls", XML + OPEN.replace("http://etherx.jabber.org/streams", "http://wrong.example/"), "SE:invalid-namespace"),
    (25, "content namespace wrong", "tls", XML + OPEN.replace("jabber:client", "jabber:wrong"), "SE:invalid-namespace"),
    (25, "content namespace of servers", "tls", XML + OPEN.replace("jabber:client", "jabber:server"), "SE:invalid-namespace"),
    (26, "root is not stream", "tls", XML + OPEN.replace("<stream:stream", "<stream:flow"), "SE:bad-format|SE:bad-namespace-prefix"),
    (26, "stream without its prefix", "tls",
     XML + "<stream to='{d}' version='1.0' xmlns='http://etherx.jabber.org/streams'>",
     "SE:bad-namespace-prefix|SE:bad-format|SE:invalid-namespace"),
    (26, "root in no namespace", "tls", XML + "<foo/>", "SE:bad-format|SE:bad-namespace-prefix|SE:invalid-namespace"),
    (27, "unknown first-level element", "in", "<foo>HOSTILE</foo>", "SE:unsupported-stanza-type"),
    (27, "message in another namespace", "in", "<message xmlns='jabber:server' to='{w}'><body>HOSTILE</body></message>",
     "SE:unsupported-stanza-type|SE:invalid-namespace"),
    (27, "unknown first-level element before login", "tls+", "<foo/>", "SE:unsupported-stanza-type|SE:not-authorized"),
    (28, "header without to", "tls", XML + OPEN.replace("to='{d}'", ""), "SE:host-unknown|SE:improper-addressing"),
    (28, "header to an unknown host", "tls", XML + OPEN.replace("{d}", "nowhere.example"), "SE:host-unknown"),
    (28, "header to an unknown host, without TLS", "tcp", XML + OPEN.replace("{d}", "nowhere.example"), "SE:host-unknown"),
    (29, "header without version", "tls", XML + OPEN.replace("version='1.0'", ""), "SE:unsupported-version"),
    (29, "version abc", "tls", XML + OPEN.replace("version='1.0'", "version='abc'"), "SE:unsupported-version"),
    (29, "version 0.9", "tls", XML + OPEN.replace("version='1.0'", "version='0.9'"), "SE:unsupported-version"),
    (29, "version 1.9 is answered with 1.0", "tls", XML + OPEN.replace("version='1.0'", "version='1.9'"), "OPEN"),
    (32, "message before STARTTLS", "tcp+", MSG + END, "SE:not-authorized"),
    (32, "iq before STARTTLS", "tcp+", "<iq type='get' id='1' to='{d}'><ping xmlns='urn:xmpp:ping'/></iq>", "SE:not-authorized"),
    (32, "auth before STARTTLS", "tcp+", "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>",
     "SF:encryption-required|SE:not-authorized"),
    (32, "resource binding before STARTTLS", "tcp+", "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
     "SE:not-authorized"),
    (33, "starttls within direct TLS", "tls+", "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "TF"),
    (33, "starttls when signed in", "in", "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "TF|SE:unsupported-stanza-type"),
    *[(35, f"compress at {stage}", stage,
       "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>", "CF:unsupported-method")
      for stage in ("tcp+", "tls+", "in")],
    (36, "zlib data after a forged compress", "in",
     b"<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>\x78\x9c\xed\xc1\x01\x01\x00\x00\x00\x80",
     "SE:not-well-formed|SE:bad-format"),
]
