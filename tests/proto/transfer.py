#!/usr/bin/env python3
"""Files on other roads than the upload: each is let through, stripped, held or refused as the policy says, between two, in a room and to a
gateway; addresses are taken out of offers; what is shown as a picture is one."""
import base64
import os
import sys
from xml.etree import ElementTree

from harness import check, error_of
from pictures import png
from policy import join, number_in, text_in
from rawcomponent import Component, components_text
from rawxmpp import Client, befriend, body_of
from s2s import THEIRS, World as Federation
from wardroom_test import Instance, Tap


def text_of(el):
    return ElementTree.tostring(el, encoding="unicode")


PNG = base64.b64encode(png(b"a picture")).decode()
ZIP = base64.b64encode(b"PK\3\4" + bytes(i * 7 % 251 for i in range(400))).decode()
FT = "<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><name>plan.pdf</name><size>10</size></file></description>"
CALL = "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'><payload-type id='0'/></description>"
JINGLE = "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s1'>"
ICE = ("<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'><candidate type='host' ip='10.1.2.3' port='1'/>"
       "<candidate type='relay' ip='192.0.2.9' port='1' rel-addr='10.1.2.3' rel-port='1'/></transport>")
PROXY = "<streamhost jid='proxy.example.org' host='192.0.2.9' port='1'/>"
ELSEWHERE = "https://elsewhere.example.org/f.png"
SFS = f"<file-sharing xmlns='urn:xmpp:sfs:0'><file xmlns='urn:xmpp:file:metadata:0'><name>a.png</name></file><sources><url-data xmlns='http://jabber.org/protocol/url-data' target='{ELSEWHERE}'/></sources></file-sharing>"
SIMS = f"<reference xmlns='urn:xmpp:reference:0' type='data'><media-sharing xmlns='urn:xmpp:sims:1'><sources><reference xmlns='urn:xmpp:reference:0' type='data' uri='{ELSEWHERE}'/></sources></media-sharing></reference>"

# road, kind, what is in it, what shows that it is there, does something remain without it
ROADS = [
    ("jingle", "iq", f"{JINGLE}<content creator='initiator' name='v'>{CALL}</content><content creator='initiator' name='f'>{FT}</content></jingle>", "plan.pdf", True),
    ("jingle", "iq", f"{JINGLE}<content creator='initiator' name='f'>{FT}</content></jingle>", "plan.pdf", False),
    ("jingle", "message", f"<propose xmlns='urn:xmpp:jingle-message:0' id='p1'>{FT}</propose>", "plan.pdf", False),
    ("stream_initiation", "iq", "<si xmlns='http://jabber.org/protocol/si' id='s1' profile='http://jabber.org/protocol/si/profile/file-transfer'>"
     "<file xmlns='http://jabber.org/protocol/si/profile/file-transfer' name='plan.pdf' size='10'/></si>", "plan.pdf", False),
    ("in_band", "iq", "<open xmlns='http://jabber.org/protocol/ibb' sid='ibb1' block-size='4096'/>", "ibb1", False),
    ("in_band", "iq", "<data xmlns='http://jabber.org/protocol/ibb' sid='ibb1' seq='0'>AAAA</data>", "ibb1", False),
    ("in_band", "message", "<body>BODY</body><data xmlns='http://jabber.org/protocol/ibb' sid='ibb1' seq='0'>AAAA</data>", "ibb1", True),
    ("in_band", "iq", f"{JINGLE}<content creator='initiator' name='v'>{CALL}</content><content creator='initiator' name='f'>{CALL}"
     "<transport xmlns='urn:xmpp:jingle:transports:ibb:1' sid='ibb1'/></content></jingle>", "ibb1", True),
    ("socks5", "iq", f"<query xmlns='http://jabber.org/protocol/bytestreams' sid='by1'>{PROXY}</query>", "by1", False),
    ("out_of_band", "message", f"<body>BODY</body><x xmlns='jabber:x:oob'><url>{ELSEWHERE}</url></x>", "jabber:x:oob", True),
    ("out_of_band", "iq", f"<query xmlns='jabber:iq:oob'><url>{ELSEWHERE}</url></query>", "jabber:iq:oob", False),
    ("sharing", "message", f"<body>BODY</body>{SFS}", "urn:xmpp:sfs:0", True),
    ("sharing", "message", f"<body>BODY</body>{SIMS}", "urn:xmpp:sims:1", True),
    ("thumbnails", "message", "<body>BODY</body><thumbnail xmlns='urn:xmpp:thumbs:1' uri='cid:1@bob.xmpp.org' media-type='image/png'/>", "urn:xmpp:thumbs:1", True),
    ("bits_of_binary", "message", f"<body>BODY</body><data xmlns='urn:xmpp:bob' cid='c1' type='image/png'>{PNG}</data>", "urn:xmpp:bob", True),
    ("bits_of_binary", "iq-get", "<data xmlns='urn:xmpp:bob' cid='c1'/>", "urn:xmpp:bob", False),
    ("data_uris", "message", "<body>BODY</body><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>look"
     f"<img src='data:image/png;base64,{PNG}' alt=''/></body></html>", PNG, True),
    ("data_uris", "message", f"<body>BODY data:image/png;base64,{PNG}</body>", PNG, True),
    ("base64", "message", f"<body>BODY {ZIP}</body>", ZIP, True),
    ("encrypted_uploads", "message", "<body>BODY aesgcm://elsewhere.example.org/f#00112233</body>", "aesgcm:", True),
]
KEYS = sorted({r[0] for r in ROADS})


def policy(act, more=""):
    # Of what is encrypted nothing can be taken out: it is held.
    return "strangers: allow\nlinks: {trusted: [elsewhere.example.org]}\nfiles:\n" + "".join(f"  {k}: {act}\n" for k in KEYS) + more + "decisions: {hold_at: 1000}\n"


class World:
    def __init__(self, server, gateway):
        self.server, self.gateway = server, gateway
        self.anna, self.ben = (Client(server, u, resource="desk").login(presence=True) for u in ("anna", "ben"))
        befriend(self.anna, self.ben)
        self.room = f"files@rooms.{server.domain}"
        join(self.anna, self.room, "anna")
        join(self.ben, self.room, "ben")

    def apply(self, text):
        path = os.path.join(self.server.top, "next.yaml")
        with open(path, "w") as f:
            f.write(text)
        return self.server.json("policy", "apply", path)


PLACES = ("one to one", "room", "gateway")


def send(w, place, kind, inner):
    """Returns the id and who should get it."""
    i = w.anna.next_id("f")
    inner = inner.replace("BODY", f"text of {i}")
    message = kind == "message"
    to, type = {"one to one": (w.ben.jid, "chat"), "room": (w.room if message else f"{w.room}/ben", "groupchat"),
                "gateway": (f"bob@{w.gateway.domain}", "chat")}[place]
    w.anna.stanza(f"<{'message' if message else 'iq'} to='{to}' id='{i}' type='{type if message else 'get' if kind == 'iq-get' else 'set'}'>{inner}</{'message' if message else 'iq'}>")
    return i, w.gateway if place == "gateway" else w.ben


def arrives(got, i, kind, marker, inner):
    def fits(e):
        if e.get("type") == "error":
            return False
        if kind == "message" and "BODY" in inner:
            return f"text of {i}" in (body_of(e) or "")
        if kind == "message":
            return marker in text_of(e)
        return e.tag.endswith("iq") and (e.get("id") == i or (e.get("from") or "").endswith("/anna"))	# a room gives it an id of its own
    return got.expect(fits, what=f"{kind} {i}")


def goes(w, act, row, place):
    key, kind, inner, marker, remains = row
    if place == "room" and kind == "message" and "BODY" not in inner:
        return
    for c in (w.anna, w.ben, w.gateway):
        c.settle()
        c.clear()
    i, got = send(w, place, kind, inner)
    if act == "clean" and key == "encrypted_uploads":
        act = "hold"
    if act == "allow" or (act == "clean" and remains):
        e = arrives(got, i, kind, marker, inner)
        there = marker in text_of(e)
        check(there == (act == "allow"), f"{marker} {'is missing' if act == 'allow' else 'is still there'}: {text_of(e)}")
        if act == "clean" and kind == "message":
            w.anna.expect(lambda e: "was taken out of your message" in (body_of(e) or ""), what="the bot's word to who sent it")
        return
    if act == "hold" and kind == "message":
        w.anna.expect(lambda e: (e.get("from") or "").startswith("guard@") and "held" in (body_of(e) or ""), what="the bot's question")
    else:
        e = w.anna.expect(id=i, type="error", what=f"the refusal of {key}")
        check(error_of(e)[0] == "policy-violation" and "upload" in text_in(e) or "encryption" in text_in(e), text_of(e))
        if kind == "message":
            why = w.server.json("why", number_in(text_in(e)))
            check(why["decision"] == "reject" and any(f["inspector"] == "files" for f in why["findings"]), why)
    got.settle()
    got.none(lambda e: (e.get("from") or "").startswith("anna@") and marker in text_of(e) or e.get("id") == i, f"{key} in spite of {act}")


def matrix(tap, w):
    for act in ("allow", "clean", "hold", "refuse"):
        w.apply(policy(act))
        for key in KEYS:
            def one(key=key, act=act):
                for row in ROADS:
                    for place in PLACES:
                        if row[0] == key:
                            goes(w, act, row, place)
            tap.run(f"{act}: {key}, between two, in a room, to a gateway", one)


def incoming(tap, w):
    def from_gateway():
        w.apply(policy("refuse"))
        w.gateway.clear()
        w.gateway.send(f"<iq type='set' id='g1' from='bob@{w.gateway.domain}/x' to='{w.ben.jid}'><open xmlns='http://jabber.org/protocol/ibb' sid='g' block-size='1'/></iq>")
        e = w.gateway.expect(id="g1", type="error", what="the refusal")
        check(error_of(e)[0] == "policy-violation", text_of(e))
        w.ben.none(lambda e: "ibb" in text_of(e), "bytes from a gateway")
    tap.run("a gateway's offers are refused as well", from_gateway)

    def answers():
        w.apply(policy("allow", "  avatars: allow\n"))
        for photo, fine in ((png(b"me"), True), (b"MZ\x90\0" + b"x" * 300, False), (png(b"me") + b"PK\3\4", False)):
            b64 = base64.b64encode(photo).decode()
            i = w.anna.next_id("v")
            w.gateway.clear()
            w.anna.stanza(f"<iq type='get' id='{i}' to='bob@{w.gateway.domain}'><vCard xmlns='vcard-temp'/></iq>")
            asked = w.gateway.expect(lambda e: "vcard-temp" in text_of(e), what="the question")
            w.gateway.send(f"<iq type='result' id='{asked.get('id')}' from='bob@{w.gateway.domain}' to='{asked.get('from')}'><vCard xmlns='vcard-temp'><FN>Bob</FN>"
                           f"<PHOTO><TYPE>image/png</TYPE><BINVAL>{b64}</BINVAL></PHOTO></vCard></iq>")
            e = w.anna.expect(id=i, what="the card")
            check("Bob" in text_of(e) and (b64 in text_of(e)) == fine, text_of(e))
    tap.run("pictures of others' cards are pictures, or are taken out", answers)

    def own():
        card = "<vCard xmlns='vcard-temp'><FN>Anna</FN><PHOTO><BINVAL>{}</BINVAL></PHOTO></vCard>"
        good, bad = base64.b64encode(png(b"anna")).decode(), base64.b64encode(b"MZ\x90\0" + b"x" * 300).decode()
        check(w.anna.iq("set", card.format(good)).get("type") == "result", "an ordinary picture")
        e = w.anna.iq("set", card.format(bad))
        check(error_of(e) and error_of(e)[0] == "policy-violation" and "PNG" in text_in(e), text_of(e))
        w.apply(policy("allow", "  avatars: clean\n"))
        check(w.anna.iq("set", card.format(good)).get("type") == "result", "the card without its picture")
        check("BINVAL" not in text_of(w.anna.iq("get", "<vCard xmlns='vcard-temp'/>")), "the picture was kept")
        w.apply(policy("allow", "  avatars: refuse\n"))
        check(error_of(w.anna.iq("set", card.format(good))), "a picture against the policy")
        w.apply(policy("allow"))
    tap.run("who sets a picture that is none is told; where policy wants no pictures there are none", own)

    def fakes():
        w.apply(policy("allow"))
        exe = base64.b64encode(b"MZ\x90\0" + b"x" * 300).decode()
        for inner in (f"<data xmlns='urn:xmpp:bob' cid='c1' type='image/png'>{exe}</data>", f"<thumbnail xmlns='urn:xmpp:thumbs:1' uri='data:image/png;base64,{exe}'/>"):
            i = w.anna.next_id("x")
            w.anna.stanza(f"<message to='{w.ben.jid}' type='chat' id='{i}'><body>fake {i}</body>{inner}</message>")
            e = w.ben.expect(lambda e: body_of(e) == f"fake {i}", what="the message")
            check(exe not in text_of(e), "a program in the place of a picture")
        w.anna.stanza(f"<message to='{w.ben.jid}' type='chat' id='x9'><body>page data:text/html;base64,{exe} end</body></message>")
        e = w.ben.expect(lambda e: "page" in (body_of(e) or ""), what="the message")
        check(body_of(e) == "page [a file in the text was removed] end", body_of(e))
    tap.run("what is shown as a picture and is none never arrives, even where pictures may", fakes)


def addresses(tap, w):
    def seen(inner):
        w.ben.clear()
        i = w.anna.next_id("a")
        w.anna.stanza(f"<iq to='{w.ben.jid}' id='{i}' type='set'>{inner}</iq>")
        return text_of(w.ben.expect(lambda e: e.get("id") == i, what="the offer"))

    def files():
        host = "<streamhost jid='anna@example.test/desk' host='10.1.2.3' port='1'/>"
        query = f"<query xmlns='http://jabber.org/protocol/bytestreams' sid='by2'>{host}{PROXY}</query>"
        s5b = ("<transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='t'><candidate cid='1' type='direct' host='10.1.2.3' port='1'/>"
               "<candidate cid='2' type='proxy' host='192.0.2.9' port='1'/></transport>")
        offer = f"{JINGLE}<content creator='initiator' name='f'>{FT}{s5b}</content></jingle>"
        for act in ("relay", "all"):
            w.apply(policy("allow", f"  addresses: {act}\n"))
            for inner in (query, offer):
                t = seen(inner)
                check("192.0.2.9" in t and ("10.1.2.3" in t) == (act == "all"), t)
    tap.run("addresses of the two are taken out of offers of files, and proxies remain", files)

    def calls():
        offer = f"{JINGLE}<content creator='initiator' name='v'>{CALL}{ICE}</content></jingle>"
        w.apply(policy("refuse"))
        check("10.1.2.3" in seen(offer), "calls are left alone by default")
        w.apply(policy("refuse") + "calls: {addresses: relay}\n")
        t = seen(offer)
        check("192.0.2.9" in t and "10.1.2.3" not in t, t)
    tap.run("addresses in offers of calls have a switch of their own", calls)


def rules(tap, w):
    def by_group():
        w.apply("strangers: allow\ngroups: {sales: [anna@example.test]}\nfiles:\n  rules:\n    - {from: sales, to: gateways, what: in_band, do: allow}\n"
                "    - {from: sales, what: out_of_band, do: refuse, reason: Ask the help desk., shadow: on}\n    - {to: gateways, what: base64, do: refuse, reason: Ask the help desk.}\n")
        opens = "<open xmlns='http://jabber.org/protocol/ibb' sid='ibb1' block-size='4096'/>"
        i, got = send(w, "gateway", "iq", opens)
        got.expect(lambda e: e.get("id") == i, what="what the rule allows")
        i, _ = send(w, "one to one", "iq", opens)
        check(error_of(w.anna.expect(id=i, type="error"))[0] == "policy-violation", "another pair")
        i, _ = send(w, "gateway", "message", f"<body>BODY {ZIP}</body>")
        check("Ask the help desk." in text_in(w.anna.expect(id=i, type="error")), "the reason is not told")
        i, got = send(w, "one to one", "message", f"<body>BODY</body><x xmlns='jabber:x:oob'><url>{ELSEWHERE}</url></x>")
        e = got.expect(lambda e: f"text of {i}" in (body_of(e) or ""), what="the message")
        why = w.server.json("why", e.find("{urn:xmpp:sid:0}stanza-id").get("id"))
        check(why["would"]["decision"] == "reject" and "files.rules, line 6" in why["would"]["by"], why)
    tap.run("rules open and close a road for a pair, with a reason, and can be on trial", by_group)

    def defaults():
        w.apply("strangers: allow\n")
        for key, kind, inner, *_ in ROADS:
            if key in ("jingle", "stream_initiation", "in_band", "socks5") and kind == "iq" and "apps:rtp" not in inner:
                i, _ = send(w, "one to one", kind, inner)
                check(error_of(w.anna.expect(id=i, type="error"))[0] == "policy-violation", key)
        w.apply("strangers: allow\nfiles: {direct: on}\n")
        i, got = send(w, "one to one", "iq", ROADS[4][2])
        got.expect(lambda e: e.get("id") == i, what="the offer")
    tap.run("from client to client nothing goes by default, and all of it with direct: on", defaults)


def federation(tap):
    """Another server, its certificate believed, knows of our policy nothing and gets no more than our own people do."""
    f = Federation()
    path = os.path.join(f.server.top, "next.yaml")
    zed, back = f"zed@{THEIRS}/x", []

    def apply(text):
        with open(path, "w") as out:
            out.write("strangers: allow\nlinks: {trusted: [elsewhere.example.org]}\n" + text)
        f.server.json("policy", "apply", path)
        f.settled()

    def iq(peer, i, inner):
        peer.send(f"<iq type='set' id='{i}' from='{zed}' to='{f.ann.jid}'>{inner}</iq>")

    def answer(i):
        """Answers go to the other server's own listener."""
        if not back:
            back.append(f.listener.opened())
        return back[0].stanza_in("iq", id=i)

    def message(peer, text, inner):
        peer.send(f"<message type='chat' from='{zed}' to='{f.ann.bare}'><body>{text}</body>{inner}</message>")
        return f.ann.expect(lambda e: text.split(" data:")[0] in (body_of(e) or ""), what=text)

    def offers():
        apply("")
        p = f.peer().trusted()
        for key, kind, inner, marker, _ in ROADS:
            if key in ("jingle", "stream_initiation", "in_band", "socks5") and kind == "iq" and "apps:rtp" not in inner:
                i = p.next_id("out")
                iq(p, i, inner)
                e = answer(i)
                check(e.get("type") == "error" and "policy-violation" in text_of(e) and "upload" in text_of(e), f"{key}: {text_of(e)}")
        f.ann.settle()
        f.ann.none(lambda e: zed in (e.get("from") or ""), "an offer from another server")
        apply("files: {jingle: allow}\n")
        iq(p, "fine", ROADS[1][2])
        check("plan.pdf" in text_of(f.ann.expect(id="fine", what="what policy allows")), "the offer is not whole")
    tap.run("from another server: offers of files are refused by default, its user reads why, and what policy allows passes", offers)

    def pictures():
        exe = base64.b64encode(b"MZ\x90\0" + b"x" * 300).decode()
        bob = "<data xmlns='urn:xmpp:bob' cid='c1' type='image/png'>{}</data>"
        oob = f"<x xmlns='jabber:x:oob'><url>{ELSEWHERE}</url></x>"
        p = f.peer().trusted()
        apply("")
        check(PNG in text_of(message(p, "a smile", bob.format(PNG))), "a real picture is taken out")
        check(exe not in text_of(message(p, "a fake smile", bob.format(exe))), "a program in the place of a picture")
        check(PNG not in text_of(message(p, f"inline data:image/png;base64,{PNG}", "")), "a picture inside of the text")
        check(ELSEWHERE in text_of(message(p, "the plan", oob)), "the address is taken out by default")
        apply("files: {out_of_band: clean, bits_of_binary: clean}\n")
        check(ELSEWHERE not in text_of(message(p, "the plan again", oob)), "the address remains")
        check(PNG not in text_of(message(p, "a smile again", bob.format(PNG))), "the picture remains")
    tap.run("from another server: pictures and addresses in messages are treated as those of our own people", pictures)
    for p in back:
        p.close()
    f.close()


def main():
    tap = Tap("files on other roads")
    with Instance(("anna", "ben"), extra=components_text({"domain": "gate.test"}), component=True) as server:
        w = World(server, Component(server, "gate.test").login())
        matrix(tap, w)
        incoming(tap, w)
        addresses(tap, w)
        rules(tap, w)
        server.assert_healthy()
    federation(tap)
    sys.exit(tap.end())


if __name__ == "__main__":
    main()
