"""Cases B-IV to B-VIII that take more than one step."""
import time

from harness import SM, Client, Failed, check, error_of, q, text_of
from rawxmpp import CARBONS, CLIENT, FORWARD, MAM, ROSTER, SID, body_of, child
from wardroom_test import SLOW

BLOCKING = "urn:xmpp:blocking"


def case_61_no_echo(w):
    """An error is never answered with an error, a result never at all."""
    a = w.attacker()
    for x in ("<iq type='error' id='e1'/>", "<iq type='result' id='e2'><a xmlns='b'/><c xmlns='d'/></iq>", "<message type='error' to='{v}/gone'/>",
              "<message type='error' to='@@' id='e3'/>", "<presence type='error' to='{v}'/>", "<iq type='error' to='@@' id='e4'/>"):
        a.send(w.fill(x))
    a.settle()
    check(not a.inbox, f"answered: {text_of(a.inbox[0]) if a.inbox else ''}")


def case_64(w):
    """Colleagues may be told apart here; what must not differ is the answer to a missing and a never seen user."""
    a = w.attacker()
    got = []
    for user in ("nobody", "nobody2"):
        a.send(w.fill("<message to='" + user + "@{d}' type='chat' id='c64'><body>x</body></message>"))
        a.settle()
        got.append([error_of(e) for e in a.inbox])
        a.clear()
    check(got[0] == got[1], f"answers differ: {got}")
    check(got[0] in ([], [("service-unavailable", "cancel")]), f"answer: {got[0]}")


def case_65(w):
    a = w.attacker()
    a.send(w.fill("<message to='{w}' type='nonsense' id='c65'><body>x</body></message>"))
    m = w.watcher.expect(name="message", id="c65")
    check(m.get("type") in (None, "normal", "nonsense"), f"type {m.get('type')}")
    w.forgive()


def archived(c, id):
    """The archived copy of a message by its id, or None."""
    el = c.iq("set", f"<query xmlns='{MAM}' queryid='a'><set xmlns='http://jabber.org/protocol/rsm'><max>20</max><before/></set></query>")
    check(el.get("type") == "result", text_of(el))
    found = None
    for m in [e for e in c.inbox if child(e, MAM, "result") is not None]:
        c.inbox.remove(m)
        inner = child(m, MAM, "result").find(f"{q(FORWARD, 'forwarded')}/{q(CLIENT, 'message')}")
        if inner.get("id") == id:
            found = inner
    return found


def case_67(w):
    a = w.attacker()
    a.send(w.fill("<message to='{w}' type='chat' id='c67'><body xmlns='other'>opaque</body><x xmlns='urn:x'><body>inner</body></x>"
                  "<body>real</body></message>"))
    m = w.watcher.expect(name="message", id="c67")
    check(body_of(m) == "real", f"body {body_of(m)!r}")
    check(m.findtext("{other}body") == "opaque", f"the opaque extension is gone: {text_of(m)}")
    w.forgive()


def case_68(w):
    a = w.attacker()
    a.send(w.fill("<message to='{w}' type='chat' id='c68'><body>first</body><body>second</body></message>"))
    a.settle()
    errors = [e for e in a.inbox if e.get("id") == "c68"]
    if errors:
        check(error_of(errors[0])[0] == "bad-request", text_of(errors[0]))
    else:
        m = w.watcher.expect(name="message", id="c68")
        check(body_of(m) == "first", f"delivered: {text_of(m)}")
        kept = archived(w.watcher, "c68")
        check(kept is not None and [b.text for b in kept.findall(q(CLIENT, "body"))] == [b.text for b in m.findall(q(CLIENT, "body"))],
              f"archive and delivery differ: {text_of(kept)}")
    # differing languages are fine
    a.send(w.fill("<message to='{w}' type='chat' id='c68b'><body>one</body><body xml:lang='cs'>jedna</body></message>"))
    m = w.watcher.expect(name="message", id="c68b")
    check(len(m.findall(q(CLIENT, "body"))) == 2, text_of(m))
    a.send(w.fill("<message to='{w}' type='chat' id='c68c'>" + "<subject>s</subject>" * 100 + "<body>x</body></message>"))
    a.settle()
    w.forgive()


def case_69(w):
    a = w.attacker()
    for i, nasty in enumerate(("a@b&apos;/&gt;&lt;iq type=&quot;set&quot;/&gt;", "&lt;/message&gt;&lt;iq&gt;", "x&#10;y&#9;z", "&amp;amp;lt;", "]]&gt;")):
        mid = f"c69-{i}"
        a.send(w.fill("<message to='{w}' type='chat' id='" + mid + f"'><body>{nasty}</body><x xmlns='urn:x' v=\"{nasty}\" w='{nasty}'/></message>"))
        m = w.watcher.expect(name="message", id=mid)
        want = {0: "a@b'/><iq type=\"set\"/>", 1: "</message><iq>", 2: "x\ny\tz", 3: "&amp;lt;", 4: "]]>"}[i]
        x = m.find("{urn:x}x")
        check(body_of(m) == want and x.get("v") == want and x.get("w") == want, f"{nasty}: {text_of(m)}")
    a.send(w.fill("<message to='{d}/\"&lt;&apos;&amp;&gt;' type='chat' id='c69-to'><body>x</body></message>"))
    a.settle().clear()
    w.forgive()


def case_70_ok(w):
    a = w.attacker()
    a.send(w.fill("<message to='" + "a" * 1023 + "@{d}/" + "r" * 1023 + "' type='chat' id='c70'><body>x</body></message>"))
    a.settle()
    got = [error_of(e) for e in a.inbox]
    check(("jid-malformed", "modify") not in got, "1,023 octets are refused")
    c = Client(w.server, "extra3", resource="r" * 1023).login()
    check(c.jid.endswith("/" + "r" * 1023), "resource of 1,023 octets")
    c.close()


def case_73(w):
    a = w.attacker()
    for i, user in enumerate(("WATCHER", "Watcher", "\uff57atcher", "watc\u210eer")):
        mid = f"c73-{i}"
        a.send(w.fill("<message to='" + user + "@{d}' type='chat' id='" + mid + "'><body>same</body></message>"))
        a.settle()
        errs = [e for e in a.inbox if e.get("id") == mid]
        if errs and i == 3:
            a.clear()
            continue	# U+210E has no width mapping (RFC 8265 3.3): a name of its own, or disallowed
        w.watcher.expect(name="message", id=mid)
    a.send(w.fill("<message to='watcher@EXAMPLE.test' type='chat' id='c74'><body>same</body></message>"))
    w.watcher.expect(name="message", id="c74")
    a.send(w.fill("<message to='watcher@{d}.' type='chat' id='c74b'><body>same</body></message>"))
    a.settle()
    errs = [error_of(e) for e in a.inbox if e.get("id") == "c74b"]
    if errs:
        check(errs[0][0] == "jid-malformed", f"trailing dot: {errs}")
    else:
        w.watcher.expect(name="message", id="c74b")
    w.forgive()


def case_75(w):
    c = Client(w.server, "extra3", resource="\U0001f41f desk").login()
    check(c.jid.endswith("/\U0001f41f desk"), f"emoji in a resource: {c.jid}")
    c.close()


def case_80(w):
    a = w.attacker()
    n = 300
    a.send(w.fill("<presence type='subscribe' to='{v}'/>") * n)
    a.settle()
    v = Client(w.server, "victim", resource="c80").login()
    v.iq("get", f"<query xmlns='{ROSTER}'/>")
    v.send("<presence/>")
    v.settle()
    got = [e for e in v.inbox if e.get("type") == "subscribe"]
    check(len(got) == 1, f"{n} requests, {len(got)} are shown")
    v.send(f"<presence type='unsubscribed' to='{a.bare}'/>")
    v.settle()
    v.goodbye()
    a.settle().clear()
    a.iq("set", f"<query xmlns='{ROSTER}'><item jid='{w.server.jid('victim')}' subscription='remove'/></query>")
    a.clear()


def case_81(w):
    a = Client(w.server, "extra4", resource="c81").login(presence=True)
    n = 2000
    for i in range(0, n, 100):
        a.send("".join(f"<presence id='d{j}' to='{w.watcher.bare}/r{j}'/>" for j in range(i, i + 100)))
    a.settle()
    w.watcher.settle().clear()
    refused = [e for e in a.inbox if e.tag == q(CLIENT, "presence") and e.get("type") == "error"
               and error_of(e)[0] in ("policy-violation", "resource-constraint")]
    check(refused, f"{n} directed presences to as many addresses: none refused: {[text_of(e) for e in a.inbox[:2]]}")
    a.close()


def case_82_quota(w):
    a = Client(w.server, "extra4", resource="c82").login()
    refused, made = None, 0
    for i in range(0, 4000, 100):
        a.send("".join(f"<iq type='set' id='r{j}'><query xmlns='{ROSTER}'><item jid='c{j}@x.example'/></query></iq>" for j in range(i, i + 100)))
        a.settle()
        for e in a.inbox:
            if e.get("type") == "error":
                refused = refused or error_of(e)
        made += sum(1 for e in a.inbox if e.get("type") == "result")
        a.clear()
        if refused:
            break
    check(refused is not None and refused[0] in ("resource-constraint", "not-acceptable"), f"{made} contacts accepted; {refused}")
    a.close()


def case_84(w):
    a = w.attacker()
    for ver in ("", "0", "999999999", "no-such", "v" * 3000, "' OR 1=1 --"):
        el = a.iq("get", f"<query xmlns='{ROSTER}' ver=\"{ver}\"/>")
        check(el.get("type") == "result", f"ver {ver[:20]!r}: {text_of(el)}")
        items = [i.get("jid") for i in el.iter(q(ROSTER, "item"))]
        check(items in ([], [w.watcher.bare]), f"ver {ver[:20]!r}: items {items}")
    a.clear()


def case_85(w):
    a, b = w.attacker(), Client(w.server, "extra3", resource="c85").login(presence=True)
    el = b.iq("set", f"<block xmlns='{BLOCKING}'><item jid='{a.bare}'/></block>")
    check(el.get("type") == "result", text_of(el))
    try:
        a.send(f"<message to='{b.bare}' type='chat' id='c85m'><body>HOSTILE</body></message>"
               f"<message to='{b.jid}' type='chat' id='c85f'><body>HOSTILE</body></message>"
               f"<iq to='{b.jid}' type='get' id='c85i'><query xmlns='HOSTILE'/></iq><presence to='{b.jid}' id='c85p'/>")
        a.settle()
        got = {e.get("id"): error_of(e) for e in a.inbox if e.get("type") == "error"}
        for i in ("c85m", "c85f", "c85i"):
            check(got.get(i) == ("service-unavailable", "cancel"), f"{i}: {got.get(i)}")
        check("c85p" not in got, "presence to somebody who blocks is answered")
        check(not any("urn:xmpp:blocking:errors" in text_of(e) for e in a.inbox), "tells that it is blocked")
        b.settle()
        check(b"HOSTILE" not in b.raw, "a blocked stanza arrived")
        check(archived(b, "c85m") is None, "a blocked message is in the archive of who blocks")
    finally:
        b.iq("set", f"<unblock xmlns='{BLOCKING}'/>")
        b.close()


def case_87(w):
    a = w.attacker()
    a.send("<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://HOST.example' ver='" + "A" * 20000 + "'/></presence>")
    a.send("<presence><c xmlns='http://jabber.org/protocol/caps' hash='nonsense' node='http://HOST.example' ver='poison'/></presence>")
    a.send("<presence><c xmlns='http://jabber.org/protocol/caps' node='http://legacy.example' ver='1.0' ext='a b c'/></presence>")
    a.settle().clear()
    w.watcher.settle().clear()


def case_88(w):
    a = w.attacker()
    el = a.iq("set", "<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/svg+xml</TYPE><BINVAL>" + "A" * 200000 + "</BINVAL></PHOTO></vCard>")
    check(el.get("type") == "error" and error_of(el)[0] in ("resource-constraint", "not-acceptable", "policy-violation"), text_of(el))
    fn = "&lt;script&gt;alert(1)&lt;/script&gt;"
    el = a.iq("set", f"<vCard xmlns='vcard-temp'><FN>{fn}</FN></vCard>")
    check(el.get("type") == "result", text_of(el))
    el = a.iq("get", "<vCard xmlns='vcard-temp'/>")
    check(el.findtext("{vcard-temp}vCard/{vcard-temp}FN") == "<script>alert(1)</script>", text_of(el))
    el = a.iq("set", "<vCard xmlns='vcard-temp'><FN>x</FN></vCard>", to=w.watcher.bare)
    check(error_of(el) is not None, "another's vCard was set")
    a.clear()


def case_89(w):
    """Nobody without a subscription sees that somebody is there."""
    s = w.stranger
    s.settle().clear()
    a = w.attacker()
    for x in ("<presence type='probe' to='{s}'/>", "<presence type='subscribe' to='{s}'/>", "<presence type='probe' to='{s}'/>"):
        a.send(w.fill(x))
    a.settle()
    seen = [e for e in a.inbox if e.tag == q(CLIENT, "presence") and e.get("from", "").startswith(s.bare + "/")]
    check(not seen, f"presence leaked: {text_of(seen[0]) if seen else ''}")
    s.send(f"<presence type='unsubscribed' to='{a.bare}'/>")
    s.settle().clear()
    a.settle().clear()
    a.iq("set", f"<query xmlns='{ROSTER}'><item jid='{s.bare}' subscription='remove'/></query>")
    a.clear()


def forged(w, inner, ns, label):
    """A wrapper that only the own account may send: stripped or refused, whatever the address."""
    a = w.attacker()
    w.watcher.iq("set", f"<enable xmlns='{CARBONS}'/>")
    for to in (w.watcher.bare, w.watcher.jid):
        for type in ("chat", "normal", "headline"):
            a.send(f"<message to='{to}' type='{type}' id='forged'><body>plain</body>{inner}</message>")
    a.settle().clear()
    w.watcher.settle()
    for e in w.watcher.inbox:
        check(not [c for c in e if c.tag.startswith("{%s}" % ns)], f"{label} passed: {text_of(e)}")
    w.watcher.iq("set", f"<disable xmlns='{CARBONS}'/>")
    w.watcher.clear()


def case_90(w):
    inner = f"<forwarded xmlns='{FORWARD}'><message xmlns='{CLIENT}' from='boss@{w.server.domain}/x' to='{w.watcher.jid}'><body>HOSTILE</body></message></forwarded>"
    for name in ("received", "sent"):
        forged(w, f"<{name} xmlns='{CARBONS}'>{inner}</{name}>", CARBONS, name)


def case_91(w):
    inner = f"<forwarded xmlns='{FORWARD}'><message xmlns='{CLIENT}' from='boss@{w.server.domain}/x'><body>HOSTILE</body></message></forwarded>"
    forged(w, f"<result xmlns='{MAM}' id='1' queryid='a'>{inner}</result>", MAM, "result")
    forged(w, f"<fin xmlns='{MAM}' complete='true'/>", MAM, "fin")


def case_94(w):
    a = w.attacker()
    a.send(w.fill("<message to='{w}' type='chat' id='c94'><body>ids</body>"
                  f"<stanza-id xmlns='{SID}' by='" + w.watcher.bare + f"' id='FORGED1'/><stanza-id xmlns='{SID}' by='{w.server.domain}' id='FORGED2'/>"
                  f"<stanza-id xmlns='{SID}' by='" + w.watcher.bare + f"' id='FORGED3'/><stanza-id xmlns='{SID}' id='FORGED4'/>"
                  f"<origin-id xmlns='{SID}' id='origin'/></message>"))
    m = w.watcher.expect(name="message", id="c94")
    ids = [e for e in m if e.tag == q(SID, "stanza-id")]
    check(len([e for e in ids if e.get("by") == w.watcher.bare]) == 1 and not any("FORGED" in (e.get("id") or "") for e in ids), text_of(m))
    check(m.find(q(SID, "origin-id")) is not None, "origin-id is gone")
    kept = archived(w.watcher, "c94")
    check(kept is not None and not any("FORGED" in (e.get("id") or "") for e in kept), f"archive: {text_of(kept)}")
    w.forgive()


def case_102(w):
    other = Client(w.server, "extra1", resource="sm102").login()
    other.sm_enable()
    c = Client(w.server, "attacker").login(bind=False)
    c.send(f"<resume xmlns='{SM}' previd='{other.sm_id}' h='0'/>")
    el = c.expect(name=q(SM, "failed"))
    check(any(x.tag.endswith("}item-not-found") for x in el) and el.get("h") is None, f"another user's id: {text_of(el)}")
    other.settle()
    # used id: after an orderly end it is gone
    sid = other.sm_id
    other.goodbye()
    d = Client(w.server, "extra1").login(bind=False)
    d.send(f"<resume xmlns='{SM}' previd='{sid}' h='0'/>")
    el = d.expect(name=q(SM, "failed"))
    check(any(x.tag.endswith("}item-not-found") for x in el), f"ended stream: {text_of(el)}")
    check(d.bind(), "binding after a failed resumption")
    c.close()
    d.close()


def case_103(w):
    e = Client(w.server, "extra1", resource="sm103").login(presence=True)
    e.sm_enable()
    a = w.attacker()
    two = [Client(w.server, "extra1").login(bind=False) for _ in range(2)]
    for i in range(20):
        a.message(e.jid, f"n{i}", id=f"c103-{i}")
    a.settle().clear()
    for c in two:
        c.send(f"<resume xmlns='{SM}' previd='{e.sm_id}' h='0'/>")
    answers = []
    got = []
    for c in two:
        try:
            el = c.expect(lambda x: x.tag in (q(SM, "resumed"), q(SM, "failed")), timeout=3)
            answers.append(el.tag.split("}")[1])
        except Failed:
            answers.append("silent")
    end = time.monotonic() + 2 * SLOW
    while time.monotonic() < end and len(got) < 20:
        live = [c for c in two if not c.eof]
        for c in live:
            c.pump(0.1)
        got = [x.get("id") for c in live for x in c.inbox if (x.get("id") or "").startswith("c103-")]
    alive = [c for c in two if not c.eof and c.take()]
    holders = [c for c, r in zip(two, answers) if r == "resumed" and c in alive]
    check(len(holders) == 1, f"answers {answers}, {len(holders)} hold the stream")
    ids = [x.get("id") for x in holders[0].inbox if (x.get("id") or "").startswith("c103-")]
    check(ids == [f"c103-{i}" for i in range(20)], f"got {ids}")
    check(e.wait_end(), "the old socket stays open")
    for c in two:
        c.close()


def case_101_flood(w):
    c = w.at("sm")
    c.send(f"<r xmlns='{SM}'/>" * 20000)
    c.settle()
    n = sum(1 for e in c.inbox if e.tag == q(SM, "a"))
    check(n <= 20000, f"{n} answers")
    c.close()


SCRIPTS = [
    (62, "no error is answered with an error", case_61_no_echo),
    (64, "missing users get one answer", case_64),
    (65, "unknown type is treated as normal", case_65),
    (67, "body of another namespace", case_67),
    (68, "two bodies: one rule for delivery and archive", case_68),
    (69, "characters that could break out of an attribute", case_69),
    (70, "parts of 1,023 octets are fine", case_70_ok),
    (73, "variants of one address, and 74", case_73),
    (75, "emoji in a resource", case_75),
    (80, "flood of subscription requests", case_80),
    (81, "directed presence to thousands", case_81),
    (82, "quota of the roster", case_82_quota),
    (84, "forged versions of the roster", case_84),
    (85, "blocked contact", case_85),
    (87, "caps out of form", case_87),
    (88, "vCard too large, with markup, of another", case_88),
    (89, "presence is seen by subscribers alone", case_89),
    (90, "forged carbons", case_90),
    (91, "forged archive results", case_91),
    (94, "forged stanza-id", case_94),
    (101, "flood of <r/>", case_101_flood),
    (102, "resumption of another's or an ended stream", case_102),
    (103, "two resumptions at once", case_103),
]
