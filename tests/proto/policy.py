#!/usr/bin/env python3
"""The company's policy from outside: walls between groups, encryption that is required or forbidden, versions, trial runs, and
what `wardroom why` says of each."""
import os
import re
import sys
import time

from harness import check, error_of
from rawcomponent import Component, components_text
from rawxmpp import CLIENT, Client, befriend, body_of, text_of
from wardroom_test import Instance, Tap, until

MUC, USER = "http://jabber.org/protocol/muc", "http://jabber.org/protocol/muc#user"
OMEMO, EME, STANZAS = "eu.siacs.conversations.axolotl", "urn:xmpp:eme:0", "urn:ietf:params:xml:ns:xmpp-stanzas"
PUBSUB, DEVICES = "http://jabber.org/protocol/pubsub", "eu.siacs.conversations.axolotl.devicelist"
ENCRYPTED = f"<encrypted xmlns='{OMEMO}'><header sid='1'><key rid='2'>AAAA</key><iv>AAAA</iv></header><payload>AAAA</payload></encrypted>"
USERS = ("tom", "rita", "carl", "anna", "ben", "olga", "admin")

POLICY = """
groups:
  trading: [tom@example.test, carl@example.test]
  research: [rita@example.test]
  compliance: [carl@example.test]
  board: [anna@example.test, ben@example.test]
strangers: allow
walls:
  - between: [trading, research]
    except: compliance
    reason: The law of 2004 wants it.
encryption:
  new_device: [devices, contacts, officers]
  rules:
    - {between: [board, board], omemo: required}
    - {from: colleagues, to: outsiders, omemo: forbidden, reason: Letters to other firms are kept.}
    - {from: olga@example.test, omemo: forbidden, shadow: on}
links:
  rules:
    - {from: olga@example.test, to: tom@example.test, do: hold}
    - {from: ben@example.test, do: refuse, shadow: on}
"""


def text_in(el):
    e = el.find(f"{{{CLIENT}}}error/{{{STANZAS}}}text")
    return e.text if e is not None else ""


def number_in(text):
    m = re.search(r"\(number ([0-9a-z]+)\)", text)
    check(m, f"no number in '{text}'")
    return m.group(1)


def sends(text):
    def send(c):
        id_ = c.next_id("x")
        c.stanza(text.replace("'ID'", f"'{id_}'"))
        return id_
    return send


class World:
    def __init__(self, server):
        self.server, self.n = server, 0
        self.c = {u: Client(server, u, resource="desk").login(presence=True) for u in USERS}
        befriend(self.c["tom"], self.c["carl"])
        befriend(self.c["rita"], self.c["carl"])
        befriend(self.c["anna"], self.c["ben"])

    def write(self, name, text):
        path = os.path.join(self.server.top, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def apply(self, text, *more):
        return self.server.json("policy", "apply", self.write("next.yaml", text), *more)

    def bot_says(self, who, part, patience=5.0):
        return self.c[who].expect(lambda e: e.get("from", "").startswith("guard@") and part in (body_of(e) or ""), name="message",
                                  what=f"the bot's '{part}'", timeout=patience)

    def refused(self, who, send, part):
        c = self.c[who]
        c.clear()
        id_ = send(c)
        e = c.expect(id=id_, type="error", what="the refusal")
        check(error_of(e)[0] == "policy-violation" and part in text_in(e), f"wanted '{part}': {text_of(e)}")
        return e


def walls(tap, w):
    tom, rita, carl, anna = (w.c[u] for u in ("tom", "rita", "carl", "anna"))

    def message():
        e = w.refused("tom", lambda c: c.message(rita.bare, "psst"), "keeps you and this address apart. The law of 2004 wants it.")
        w.refused("rita", lambda c: c.message(tom.jid, "psst"), "apart")
        rita.none(lambda e: body_of(e) == "psst", "the message behind the wall")
        why = w.server.json("why", number_in(text_in(e)))
        check(why["decision"] == "reject" and why["findings"][0]["name"] == "POLICY_WALL" and "walls, line" in why["findings"][0]["evidence"], why)
    tap.run("wall: no message passes either way, the error says why, and `why` knows the rule", message)

    def exception():
        carl.message(rita.bare, "audit")
        rita.expect(body="audit")
        anna.message(rita.bare, "hello")
        rita.expect(body="hello")
    tap.run("wall: an exception and everybody else pass", exception)

    def presence():
        rita.clear()
        tom.send(f"<presence to='{rita.bare}' type='subscribe' id='s1'/>")
        e = tom.expect(id="s1", type="error", what="the refusal")
        check("apart" in text_in(e), text_of(e))
        tom.send(f"<presence to='{rita.jid}' id='s2'><status>psst</status></presence>")
        tom.expect(id="s2", type="error", what="the refusal")
        rita.none(lambda e: e.tag.endswith("presence") and (e.get("from") or "").startswith("tom@"), "presence through the wall")
    tap.run("wall: no subscription and no presence passes", presence)

    def request():
        for inner in ("<vCard xmlns='vcard-temp'/>", "<query xmlns='jabber:iq:last'/>", f"<pubsub xmlns='{PUBSUB}'><items node='urn:xmpp:avatar:metadata'/></pubsub>",
                      f"<pubsub xmlns='{PUBSUB}'><subscribe node='{DEVICES}' jid='{tom.bare}'/></pubsub>"):
            e = tom.iq("get" if "subscribe" not in inner else "set", inner, to=rita.bare)
            check(error_of(e) and error_of(e)[0] == "policy-violation", f"{inner}: {text_of(e)}")
    tap.run("wall: no request passes, so nothing published can be read or subscribed to", request)

    def invitation():
        room = f"wall1@rooms.{w.server.domain}"
        join(tom, room, "tom")
        w.refused("tom", sends(f"<message to='{room}' id='ID'><x xmlns='{USER}'><invite to='{rita.bare}'/></x></message>"), "whom you invite apart")
        w.refused("tom", sends(f"<message to='{rita.bare}' id='ID'><x xmlns='jabber:x:conference' jid='{room}'/></message>"), "apart")
        rita.none(lambda e: room in text_of(e), "an invitation through the wall")
    tap.run("wall: no invitation passes, not through a room either", invitation)

    def room():
        place = f"wall2@rooms.{w.server.domain}"
        join(tom, place, "tom")
        join(carl, place, "carl")
        rita.send(f"<presence to='{place}/rita' id='j1'><x xmlns='{MUC}'/></presence>")
        e = rita.expect(lambda e: (e.get("from") or "").startswith(place) and e.tag.endswith("presence"), what="the answer")
        check(e.get("type") == "error" and "apart from somebody in this room" in text_in(e), text_of(e))
        join(anna, place, "anna")
    tap.run("wall: one room does not hold both sides", room)


def join(c, room, nick):
    c.send(f"<presence to='{room}/{nick}'><x xmlns='{MUC}'/></presence>")
    p = c.expect(lambda e: e.tag.endswith("presence") and (e.get("from") or "") == f"{room}/{nick}", what=f"self-presence of {nick}")
    check(p.get("type") != "error", text_of(p))
    if any(s.get("code") == "201" for s in p.iter(f"{{{USER}}}status")):
        c.iq("set", "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query>", to=room)


def encryption(tap, w, gateway):
    anna, ben, tom, olga = (w.c[u] for u in ("anna", "ben", "tom", "olga"))

    def required():
        ben.clear()
        e = w.refused("anna", lambda c: c.message(ben.bare, "in the clear"), "wants this conversation end-to-end encrypted")
        check(w.server.json("why", number_in(text_in(e)))["findings"][0]["name"] == "POLICY_PLAIN", "why")
        w.refused("anna", lambda c: c.message(ben.bare, "claims only", extra=f"<encryption xmlns='{EME}' namespace='{OMEMO}'/>"), "encrypted")
        ben.none(lambda e: body_of(e) in ("in the clear", "claims only"), "plain text")
    tap.run("omemo required: plain text is refused with what to do", required)

    def stripped():
        anna.message(ben.bare, "the secret in the clear", extra=ENCRYPTED + f"<encryption xmlns='{EME}' namespace='{OMEMO}'/>"
                     "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>the secret</body></html>")
        e = ben.expect(lambda e: e.find(f"{{{OMEMO}}}encrypted") is not None, what="the encrypted message")
        check("secret" not in text_of(e) and body_of(e), f"readable text went along: {text_of(e)}")
    tap.run("omemo required: nothing readable goes along with what is encrypted", stripped)

    def passes():
        anna.send(f"<message to='{ben.bare}' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
        ben.expect(lambda e: e.find("{http://jabber.org/protocol/chatstates}composing") is not None, what="the chat state")
        anna.message(tom.bare, "no board, no rule")
        tom.expect(body="no board, no rule")
    tap.run("omemo required: what carries no text, and others, are not concerned", passes)

    def forbidden():
        gateway.settle()
        gateway.clear()
        w.refused("tom", lambda c: c.message(f"bob@{gateway.domain}", "fallback", extra=ENCRYPTED), "does not allow end-to-end encryption in this conversation")
        w.refused("tom", lambda c: c.message(f"bob@{gateway.domain}", "?OTR:AAMC"), "Letters to other firms are kept.")
        tom.message(f"bob@{gateway.domain}", "readable")
        gateway.expect(body="readable")
    tap.run("omemo forbidden: encrypted text does not leave, readable text does", forbidden)

    def shadow():
        before = w.server.json("status")["count_would"]
        olga.message(tom.bare, "fallback text", extra=ENCRYPTED)
        e = tom.expect(body="fallback text")
        sid = e.find("{urn:xmpp:sid:0}stanza-id").get("id")
        check(w.server.json("status")["count_would"] == before + 1, "not counted")
        why = w.server.json("why", sid)
        check(why["decision"] == "deliver" and why["would"]["decision"] == "reject" and "encryption.rules, line" in why["would"]["by"], why)
    tap.run("shadow: a rule on trial changes nothing, is counted, and `why` tells what it would have done", shadow)


def links(tap, w):
    olga, tom, ben, rita = (w.c[u] for u in ("olga", "tom", "ben", "rita"))

    def held():
        olga.message(tom.bare, "see https://site.example/a")
        w.bot_says("olga", "was held")
        tom.none(lambda e: "site.example" in (body_of(e) or ""), "the held message")
        olga.message(rita.bare, "see https://site.example/a")
        rita.expect(body="see https://site.example/a")
    tap.run("links: a rule for a pair holds, for others it does not", held)

    def shadow():
        ben.message(tom.bare, "see https://other.example/b")
        e = tom.expect(body="see https://other.example/b")
        why = w.server.json("why", e.find("{urn:xmpp:sid:0}stanza-id").get("id"))
        check(why["would"]["decision"] == "reject" and why["would"]["by"].startswith("links.rules, line"), why)
    tap.run("links: a rule on trial is told by `why`", shadow)


def main():
    tap = Tap("policy")
    with Instance(USERS, extra=components_text({"domain": "gw.test"}), component=True) as server:
        w = World(server)
        w.apply(POLICY)
        gateway = Component(server, "gw.test").login()
        walls(tap, w)
        encryption(tap, w, gateway)
        links(tap, w)
        server.assert_healthy()
    sys.exit(tap.end())


if __name__ == "__main__":
    main()
