"""Cases B-IV to B-VIII that are a stanza and an answer: (number, name, stage, bytes, expected).

Notation and placeholders: cases_stream.py. Left out: 45, 46 (no EXTERNAL yet), 49 (admin commands by ad-hoc: none
yet), 53 (no such policy yet), 77 (59 tests conflict handling), 86 over s2s, 95 (rooms), 99 (retraction), 100.
"""
JID1023 = "a" * 1023


def to(jid, inner="<body>HOSTILE</body>"):
    return f"<message to='{jid}' type='chat' id='x1'>{inner}</message>"


def refused_local(name):
    return f"<message to='{name}@" + "{d}' type='chat' id='x1'><body>HOSTILE</body></message>"


CASES = [
    (60, "from another user", "in", "<message from='{v}' to='{w}' type='chat'><body>HOSTILE</body></message>", "SE:invalid-from"),
    (60, "from the watcher", "in", "<message from='{w}' to='{w}' type='chat'><body>HOSTILE</body></message>", "SE:invalid-from"),
    (60, "from another resource", "in", "<message from='{a}/other' to='{w}' type='chat'><body>HOSTILE</body></message>", "SE:invalid-from"),
    (60, "from another domain", "in", "<message from='x@other.example' to='{w}'><body>HOSTILE</body></message>", "SE:invalid-from"),
    (60, "from the server", "in", "<iq from='{d}' to='{w}' type='set' id='x'><query xmlns='jabber:iq:roster'>"
     "<item jid='HOSTILE@x.example'/></query></iq>", "SE:invalid-from"),
    (60, "malformed from", "in", "<message from='@@' to='{w}'><body>HOSTILE</body></message>", "SE:invalid-from"),
    (61, "iq without id", "at", "<iq type='get' to='{d}'><ping xmlns='urn:xmpp:ping'/></iq>", "ER:bad-request/modify"),
    (61, "iq without type", "at", "<iq id='x1' to='{d}'><ping xmlns='urn:xmpp:ping'/></iq>", "ER:bad-request/modify"),
    (61, "iq of unknown type", "at", "<iq id='x1' type='foo' to='{w}'><HOSTILE xmlns='urn:xmpp:ping'/></iq>", "ER:bad-request/modify"),
    (61, "get without a child", "at", "<iq id='x1' type='get' to='{d}'/>", "ER:bad-request/modify"),
    (61, "set with two children", "at", "<iq id='x1' type='set' to='{w}'><HOSTILE xmlns='a'/><b xmlns='a'/></iq>", "ER:bad-request/modify"),
    (61, "get with two children to the server", "at",
     "<iq id='x1' type='get' to='{d}'><ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/></iq>", "ER:bad-request/modify"),
    (62, "unsolicited result to the server", "at", "<iq id='x1' type='result' to='{d}'/>", "DROP"),
    (62, "unsolicited error to the server", "at", "<iq id='x1' type='error' to='{d}'><error type='cancel'><gone "
     "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>", "DROP"),
    (62, "unsolicited result to the own account", "at", "<iq id='x1' type='result'/>", "DROP"),
    (62, "error message to a missing resource", "at", "<message id='x1' type='error' to='{v}/none'><body>HOSTILE</body></message>", "DROP"),
    (62, "error message to a missing user", "at", "<message id='x1' type='error' to='nobody@{d}'><body>HOSTILE</body></message>", "DROP"),
    (62, "text in an error for a contact", "at", "<message id='x1' type='error' to='{W}'><error type='cancel'><item-not-found "
     "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>see http://HOSTILE.test/x</text></error></message>", "DROP"),
    (61, "bodies in more languages than there are", "at",
     "<message id='x1' to='{w}'>" + "".join(f"<body xml:lang='a{i}'>HOSTILE</body>" for i in range(2000)) + "</message>", "ER:bad-request/modify"),
    (62, "error iq to a missing user", "at", "<iq id='x1' type='error' to='nobody@{d}/r'/>", "DROP"),
    (63, "unknown namespace to the server", "at", "<iq id='x1' type='get' to='{d}'><query xmlns='HOSTILE'/></iq>", "ER:service-unavailable/cancel"),
    (63, "unknown namespace to the own account", "at", "<iq id='x1' type='get'><query xmlns='HOSTILE'/></iq>", "ER:service-unavailable/cancel"),
    (63, "unknown namespace to another account", "at", "<iq id='x1' type='get' to='{v}'><query xmlns='HOSTILE'/></iq>", "ER:service-unavailable/cancel"),
    (63, "to a full address without a session", "at", "<iq id='x1' type='get' to='{v}/none'><query xmlns='HOSTILE'/></iq>", "ER:service-unavailable/cancel"),
    (65, "groupchat to a bare user address", "at", "<message to='{w}' type='groupchat' id='x1'><body>HOSTILE</body></message>",
     "ER:service-unavailable/cancel"),
    *[(66, f"to {j}", "at", f"<message to='{j}' type='chat' id='x1'><body>HOSTILE</body></message>", "ER:jid-malformed/modify")
      for j in ("@{d}", "u@", "u@{d}/", "a@b@{d}", "u@/r", "@", "/r")],
    (66, "iq to a malformed address", "at", "<iq to='@{d}' type='get' id='x1'><ping xmlns='urn:xmpp:ping'/></iq>", "ER:jid-malformed/modify"),
    (66, "presence to a malformed address", "at", "<presence to='a@b@c' type='subscribe' id='x1'/>", "ER:jid-malformed/modify"),
    (70, "localpart of 1,024 octets", "at", refused_local("a" * 1024), "ER:jid-malformed/modify"),
    (70, "resource of 1,024 octets", "at", "<message to='{v}/" + "a" * 1024 + "' type='chat' id='x1'/>", "ER:jid-malformed/modify"),
    (70, "localpart that grows beyond in case folding", "at", refused_local("\u1e9e" * 341 + "a"), "ER:jid-malformed/modify|ER:service-unavailable/cancel"),
    *[(71, f"localpart with {n}", "at", refused_local(f"al{c}ice"), "ER:jid-malformed/modify")
      for n, c in (("quotation mark", "&quot;"), ("ampersand", "&amp;"), ("apostrophe", "&apos;"), ("colon", ":"), ("<", "&lt;"), (">", ">"),
                   ("space", " "), ("no-break space", "\u00a0"), ("zero-width space", "\u200b"), ("U+180E", "\u180e"),
                   ("private use", "\ue000"), ("unassigned", "\u0378"), ("control", "\u0085"))],
    (72, "mixed direction", "at", refused_local("abc\u05d0"), "ER:jid-malformed/modify"),
    (72, "right to left, then left to right", "at", refused_local("\u05d0a"), "ER:jid-malformed/modify"),
    (72, "two kinds of Arabic digits", "at", refused_local("\u0627\u0661\u06f1"), "ER:jid-malformed/modify"),
    (72, "zero-width joiner out of context", "at", refused_local("a\u200db"), "ER:jid-malformed/modify"),
    (72, "zero-width non-joiner out of context", "at", refused_local("a\u200cb"), "ER:jid-malformed/modify"),
    (74, "A-label that is none", "at", "<message to='u@xn--\u00e4.example' type='chat' id='x1'/>", "ER:jid-malformed/modify"),
    (74, "domain of 300 octets", "at", "<message to='u@" + ".".join(["a" * 60] * 5) + "' type='chat' id='x1'/>", "ER:jid-malformed/modify"),
    (74, "empty label", "at", "<message to='u@a..example' type='chat' id='x1'/>", "ER:jid-malformed/modify"),
    (74, "IDNA-disallowed character", "at", "<message to='u@a\u2603\u0378.example' type='chat' id='x1'/>", "ER:jid-malformed/modify"),
    (75, "empty after normalisation", "at", refused_local("\u00ad"), "ER:jid-malformed/modify"),
    (78, "presence of unknown type", "at", "<presence type='foo' id='x1'/>", "ER:bad-request/modify"),
    *[(78, f"priority {p}", "at", f"<presence id='x1'><priority>{p}</priority></presence>", "ER:bad-request/modify")
      for p in ("128", "-129", "abc", "1e2", "99999999999999999999")],
    (79, "probe of somebody not subscribed to", "at", "<presence type='probe' to='{s}'/>", "QUIET"),
    (79, "probe of a missing user", "at", "<presence type='probe' to='nobody@{d}'/>", "QUIET"),
    (80, "subscribed without a request", "at", "<presence type='subscribed' to='{s}'/>", "DROP"),
    (80, "unsubscribed without a subscription", "at", "<presence type='unsubscribed' to='{s}'/>", "DROP"),
    (82, "roster set with two items", "at",
     "<iq type='set' id='x1'><query xmlns='jabber:iq:roster'><item jid='a@x.example'/><item jid='b@x.example'/></query></iq>", "ER:bad-request/modify"),
    (82, "roster set without an item", "at", "<iq type='set' id='x1'><query xmlns='jabber:iq:roster'/></iq>", "ER:bad-request/modify"),
    (82, "duplicate groups", "at", "<iq type='set' id='x1'><query xmlns='jabber:iq:roster'><item jid='a@x.example'><group>g</group>"
     "<group>g</group></item></query></iq>", "ER:bad-request/modify"),
    (82, "empty group", "at", "<iq type='set' id='x1'><query xmlns='jabber:iq:roster'><item jid='a@x.example'><group/></item></query></iq>",
     "ER:not-acceptable/modify"),
    (82, "name of 1,024 octets", "at", "<iq type='set' id='x1'><query xmlns='jabber:iq:roster'><item jid='a@x.example' name='" + "n" * 1024 +
     "'/></query></iq>", "ER:not-acceptable/modify"),
    (82, "own address", "at", "<iq type='set' id='x1'><query xmlns='jabber:iq:roster'><item jid='{a}'/></query></iq>", "ER:not-allowed/cancel"),
    (82, "malformed address", "at", "<iq type='set' id='x1'><query xmlns='jabber:iq:roster'><item jid='@@'/></query></iq>",
     "ER:jid-malformed/modify|ER:bad-request/modify"),
    (82, "removal of what is not there", "at",
     "<iq type='set' id='x1'><query xmlns='jabber:iq:roster'><item jid='none@x.example' subscription='remove'/></query></iq>", "ER:item-not-found/cancel"),
    (83, "roster get of another user", "at", "<iq type='get' id='x1' to='{w}'><query xmlns='jabber:iq:roster'/></iq>",
     "ER:forbidden/auth|ER:service-unavailable/cancel"),
    (83, "roster set of another user", "at",
     "<iq type='set' id='x1' to='{w}'><query xmlns='jabber:iq:roster'><item jid='HOSTILE@x.example'/></query></iq>",
     "ER:forbidden/auth|ER:service-unavailable/cancel"),
    (86, "roster push to the watcher's full address", "at",
     "<iq type='set' id='x1' to='{W}'><query xmlns='jabber:iq:roster'><item jid='HOSTILE@x.example' subscription='both'/></query></iq>",
     "ER:service-unavailable/cancel"),
    (86, "block push to the watcher's full address", "at",
     "<iq type='set' id='x1' to='{W}'><block xmlns='urn:xmpp:blocking'><item jid='HOSTILE@x.example'/></block></iq>",
     "ER:service-unavailable/cancel|ER:forbidden/auth"),
    (93, "forwarded nested 70 deep", "in", "<message to='{w}'>" + "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' "
     "from='HOSTILE@x.example'>" * 40 + "</message></forwarded>" * 40 + "</message>", "SE:policy-violation"),
    (96, "archive of another user", "at", "<iq type='set' id='x1' to='{w}'><query xmlns='urn:xmpp:mam:2'/></iq>",
     "ER:forbidden/auth|ER:item-not-found/cancel|ER:service-unavailable/cancel"),
    (96, "archive of a missing user", "at", "<iq type='set' id='x1' to='nobody@{d}'><query xmlns='urn:xmpp:mam:2'/></iq>",
     "ER:forbidden/auth|ER:item-not-found/cancel|ER:service-unavailable/cancel"),
    *[(97, f"RSM {n}", "at", "<iq type='set' id='x1'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'>" + x +
       "</set></query></iq>", e)
      for n, x, e in (("max=-1", "<max>-1</max>", "ER:bad-request/modify|RESULT"), ("max=10^9", "<max>1000000000</max>", "RESULT"),
                      ("max=abc", "<max>abc</max>", "ER:bad-request/modify"),
                      ("unknown after", "<max>5</max><after>no-such-id</after>", "ER:item-not-found/cancel"),
                      ("unknown before", "<max>5</max><before>no-such-id</before>", "ER:item-not-found/cancel"),
                      ("SQL", "<max>5</max><after>1' OR '1'='1'; DROP TABLE archive;--</after>", "ER:item-not-found/cancel"),
                      ("huge id", "<max>5</max><after>" + "9" * 4000 + "</after>", "ER:item-not-found/cancel"),
                      ("both", "<max>5</max><before>no-such-id</before><after>no-such-id</after>",
                       "ER:item-not-found/cancel|ER:bad-request/modify"))],
    *[(98, f"{v}={t}", "at", "<iq type='set' id='x1'><query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'>"
       "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field><field var='" + v + "'><value>" + t +
       "</value></field></x></query></iq>", e)
      for v, t, e in (("start", "2026-13-01T00:00:00Z", "ER:bad-request/modify"), ("start", "2026-01-01T25:61:00Z", "ER:bad-request/modify"),
                      ("start", "0000-00-00T00:00:00Z", "ER:bad-request/modify"), ("start", "yesterday", "ER:bad-request/modify"),
                      ("end", "9999-12-31T23:59:59Z", "RESULT|ER:bad-request/modify"), ("start", "2026-01-01T02:00:00+02:00", "RESULT"),
                      ("end", "2016-12-31T23:59:60Z", "RESULT|ER:bad-request/modify"),
                      ("with", "@@", "ER:jid-malformed/modify|ER:bad-request/modify"))],
    (98, "start after end", "at", "<iq type='set' id='x1'><query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'>"
     "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field><field var='start'><value>2026-02-01T00:00:00Z</value></field>"
     "<field var='end'><value>2026-01-01T00:00:00Z</value></field></x></query></iq>", "ER:bad-request/modify|RESULT"),
    (101, "<a/> without stream management", "in", "<a xmlns='urn:xmpp:sm:3' h='1'/>", "OPEN|SE:unsupported-stanza-type|SE:not-authorized|SE:bad-format|SMF"),
    (101, "<a h/> larger than sent", "sm", "<a xmlns='urn:xmpp:sm:3' h='5000'/>", "SE:undefined-condition+handled-count-too-high"),
    (101, "<a h='-1'/>", "sm", "<a xmlns='urn:xmpp:sm:3' h='-1'/>", "SE:bad-format"),
    (101, "<a h='4294967296'/>", "sm", "<a xmlns='urn:xmpp:sm:3' h='4294967296'/>", "SE:bad-format|SE:undefined-condition+handled-count-too-high"),
    (101, "<a h='abc'/>", "sm", "<a xmlns='urn:xmpp:sm:3' h='abc'/>", "SE:bad-format"),
    (101, "<a/> without h", "sm", "<a xmlns='urn:xmpp:sm:3'/>", "SE:bad-format"),
    (101, "enable twice", "sm", "<enable xmlns='urn:xmpp:sm:3'/>", "SMF|SE:policy-violation|SE:bad-format|SE:unsupported-stanza-type"),
    (101, "unknown element of stream management", "sm", "<foo xmlns='urn:xmpp:sm:3'/>", "SE:unsupported-stanza-type|SE:bad-format"),
    (102, "resume before login", "tls+", "<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>", "SMF|SE:not-authorized"),
    (102, "enable before login", "tls+", "<enable xmlns='urn:xmpp:sm:3'/>", "SMF|SE:not-authorized"),
    (102, "resume of a guessed id", "auth", "<resume xmlns='urn:xmpp:sm:3' previd='AAAAAAAAAAAAAAAAAAAAAAAA' h='0'/>", "SMF:item-not-found"),
    (102, "resume of a wrong count", "auth", "<resume xmlns='urn:xmpp:sm:3' previd='x' h='-7'/>", "SMF|SE:bad-format"),
    (57, "message before binding", "auth", "<message to='{w}'><body>HOSTILE</body></message>", "SE:not-authorized"),
    (57, "iq before binding", "auth", "<iq type='get' id='x1' to='{w}'><query xmlns='HOSTILE'/></iq>", "SE:not-authorized"),
    (57, "presence before binding", "auth", "<presence to='{w}'/>", "SE:not-authorized"),
    (56, "resource binding before login", "tls+", "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "SE:not-authorized"),
    (56, "binding twice", "at", "<iq type='set' id='x1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "ER:not-allowed/cancel"),
    (56, "resource of 1,024 octets", "auth", "<iq type='set' id='x1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>" + "r" * 1024 +
     "</resource></bind></iq>", "ER:bad-request/modify"),
    (56, "malformed resource", "auth", "<iq type='set' id='x1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>a\u0378</resource></bind></iq>",
     "ER:bad-request/modify"),
    (58, "registration before login", "tls+", "<iq type='set' id='1'><query xmlns='jabber:iq:register'><username>HOSTILE</username>"
     "<password>x</password></query></iq>", "SE:not-authorized|ER:not-allowed/cancel|ER:service-unavailable/cancel"),
    (58, "registration when signed in", "at", "<iq type='set' id='x1' to='{d}'><query xmlns='jabber:iq:register'><username>HOSTILE</username>"
     "<password>x</password></query></iq>", "ER:not-allowed/cancel|ER:service-unavailable/cancel|ER:forbidden/auth"),
    (58, "password change of another", "at", "<iq type='set' id='x1' to='{d}'><query xmlns='jabber:iq:register'><username>watcher</username>"
     "<password>x</password></query></iq>", "ER:not-allowed/cancel|ER:service-unavailable/cancel|ER:forbidden/auth"),
]
