#!/usr/bin/env python3
"""The company's policy from outside: walls between groups, encryption that is required or forbidden, versions, trial runs, and
what `wardroom why` says of each."""
import json
import os
import re
import subprocess
import sys
import time

from harness import check, error_of
from rawcomponent import Component, components_text
from rawxmpp import CLIENT, Client, befriend, body_of, text_of
from wardroom_test import Instance, Tap, program, until

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

    def built():
        place = f"wall3@rooms.{w.server.domain}"
        w.apply("strangers: allow\n")
        join(anna, place, "anna")
        join(tom, place, "tom")
        join(rita, place, "rita")
        tom.send(f"<message to='{place}' type='groupchat' id='s1'><body>our numbers</body></message>")
        rita.expect(lambda e: body_of(e) == "our numbers", name="message")
        w.apply(POLICY)
        out = rita.expect(lambda e: e.get("from") == f"{place}/rita" and e.get("type") == "unavailable", name="presence", what="her leave")
        codes = {s.get("code") for s in out.iter("{%s}status" % USER)}
        check("307" in codes and "policy keeps you apart" in "".join(out.itertext()), text_of(out))
        tom.send(f"<message to='{place}' type='groupchat' id='s2'><body>more numbers</body></message>")
        anna.expect(lambda e: body_of(e) == "more numbers", name="message")
        rita.none(lambda e: body_of(e) == "more numbers", "what is said behind the wall")
        e = rita.iq("set", "<query xmlns='urn:xmpp:mam:2' queryid='q'/>", to=place)
        check(e.get("type") == "error", f"she reads the archive: {text_of(e)}")
        rita.none(lambda e: "our numbers" in text_of(e), "what was said before")
    tap.run("wall: one that is built while both sides sit in a room puts the later one out, and shuts the archive", built)


def outsiders(tap, w, gateway):
    """Who is behind a wall is as good as not there."""
    server = w.server
    kinds = {
        "a message": "<message from='eve@gw.test/x' to='WHO' id='ID' type='chat'><body>hello</body></message>",
        "a headline": "<message from='eve@gw.test/x' to='WHO' id='ID' type='headline'><body>hello</body></message>",
        "a link": "<message from='eve@gw.test/x' to='WHO' id='ID' type='chat'><body>http://lure.test/x</body></message>",
        "a marker": "<message from='eve@gw.test/x' to='WHO' id='ID' type='chat'><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
        "a request": "<iq from='eve@gw.test/x' to='WHO' id='ID' type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
        "a card": "<iq from='eve@gw.test/x' to='WHO' id='ID' type='get'><vCard xmlns='vcard-temp'/></iq>",
        "a subscription": "<presence from='eve@gw.test' to='WHO' id='ID' type='subscribe'/>",
        "a probe": "<presence from='eve@gw.test' to='WHO' id='ID' type='probe'/>",
        "presence": "<presence from='eve@gw.test/x' to='WHO' id='ID'/>",
    }

    def answers(who, tag):
        gateway.clear()
        for i, form in enumerate(kinds.values()):
            gateway.send(form.replace("WHO", who).replace("ID", f"{tag}{i}"))
        for i, form in enumerate(kinds.values()):
            if form.startswith("<iq"):
                gateway.expect(name="iq", id=f"{tag}{i}", keep=True)
        gateway.settle()
        time.sleep(0.3)			# what is not to come has had its time
        gateway.settle()
        return sorted(text_of(e).replace(who, "WHO").replace(f'id="{tag}', 'id="') for e in gateway.inbox if (e.get("from") or "").startswith(who))

    def alike():
        w.apply("groups: {sealed: [tom@example.test], far: [gw.test]}\nwalls: [{between: [sealed, far]}]\nstrangers: outside\n")
        w.c["tom"].settle().clear()
        try:
            compare()
        finally:
            w.apply(POLICY)

    def compare():
        missing = answers(f"nobody@{server.domain}", "n")
        walled = answers(f"tom@{server.domain}", "w")
        check(missing == walled, f"a missing account says {missing}, one behind a wall {walled}")
        check(len(missing) >= 2, f"answers at all: {missing}")
        w.c["tom"].settle()
        check(not [e for e in w.c["tom"].inbox if "eve@" in text_of(e)], "something came through")
        check(not server.json("held", "list")["held"], "something is held for him")
    tap.run("wall: to an outsider somebody behind one is like somebody who is not there", alike)


def departments(tap, w):
    """A colleague of another department is a stranger, where policy says so."""
    tom, olga = w.c["tom"], w.c["olga"]

    def gate():
        w.apply("groups: {sales: [tom@example.test, ben@example.test], lab: [olga@example.test]}\nstrangers: departments\n")
        i = tom.message(olga.bare, "may I have the recipe?")
        w.bot_says("olga", "may I have the recipe?")
        olga.none(lambda e: e.get("id") == i, "the message itself")
        j = tom.message(w.c["ben"].bare, "see you at four")
        w.c["ben"].expect(name="message", id=j)
        olga.message(f"guard@{w.server.domain}", "accept")
        got = olga.expect(lambda e: body_of(e) == "may I have the recipe?" and e.get("from", "").startswith("tom@"), name="message")
        check(got is not None, "not let in")
        k = tom.message(olga.bare, "thank you")
        olga.expect(name="message", id=k)
        w.apply(POLICY)
    tap.run("departments: who has no group in common asks first, and is let in by 'accept'", gate)


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


def devices(tap, w):
    anna, ben = w.c["anna"], w.c["ben"]

    def publish(c, *ids):
        items = "".join(f"<device id='{i}'/>" for i in ids)
        e = c.iq("set", f"<pubsub xmlns='{PUBSUB}'><publish node='{DEVICES}'><item id='current'><list xmlns='{OMEMO}'>{items}</list></item></publish></pubsub>")
        check(e.get("type") == "result", text_of(e))

    def alarm():
        w.server.cli("user", "remove", w.server.jid("admin"))
        path = w.write("pw", "correct horse battery")
        w.server.cli("user", "add", w.server.jid("admin"), "--password-file", path, "--role", "officer")
        officer = w.c["admin"] = Client(w.server, "admin", resource="desk").login(presence=True)
        for c in (anna, ben):
            c.settle()
            c.clear()
        publish(anna, 111)
        publish(anna, 111)
        anna.settle()
        anna.none(lambda e: "new device" in (body_of(e) or ""), "an alarm at the first list")
        publish(anna, 111, 222)
        w.bot_says("anna", "A new device (key 222) can now read")
        w.bot_says("ben", "anna@example.test uses a new device")
        officer.expect(lambda e: "anna@example.test uses a new device for encrypted messages." in (body_of(e) or ""), name="message", what="the officer's alarm")
        publish(anna, 222)
        publish(anna, 111, 222)
        publish(anna, 333, 222)
        w.bot_says("anna", "(key 333)")
        ben.settle()
        ben.none(lambda e: "new device" in (body_of(e) or ""), "a second alarm at once")
        check(any(e["what"].get("event") == "new device key" for e in w.server.json("audit", "list", "--max", "5000")["entries"] if e["kind"] == "account"), "not recorded")
    tap.run("omemo: a new device key is told to the account, its contacts and the officers, and a known one is not", alarm)


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


def versions(tap, w):
    server, tom, ben = w.server, w.c["tom"], w.c["ben"]

    def why_lines():
        e = w.refused("tom", lambda c: c.message(w.c["rita"].bare, "psst"), "apart")
        n = number_in(text_in(e))
        why = server.json("why", n)
        lines = why["lines"]
        check(len(lines) == 2 and lines[0].startswith("The message from tom@example.test to rita@example.test of 20") and lines[0].endswith("was refused."), lines)
        check(lines[1].startswith("Why: the company keeps these two apart (walls, line") and f"Version {why['policy_version']} of the policy" in lines[1], lines)
        check(server.cli("why", n).splitlines()[:2] == lines, "not the first two lines for people")
    tap.run("why: two lines say what was done and why, with the version of that time", why_lines)

    def numbered():
        before = server.json("policy", "list")["versions"]
        r = w.apply(POLICY + "worms: {copies: 4}\n")
        check(r["version"] == before[-1]["version"] + 1 and not r["on_trial"], r)
        check("copies: 4" in server.cli("policy", "show") and "copies: 4" not in server.cli("policy", "show", "--version", str(r["version"] - 1)), "texts")
        back = server.json("policy", "rollback")
        check(back["version"] == r["version"] + 1 and "copies: 4" not in server.cli("policy", "show"), back)
        entries = [e["what"]["command"] for e in server.json("audit", "list", "--max", "5000")["entries"] if e["kind"] == "command"]
        check(entries.count("policy apply") >= 2 and "policy rollback" in entries, entries)
        server.cli("policy", "rollback", "--version", "4711", want=1)
    tap.run("versions: every text keeps its number, can be shown and put back, and stands in the record", numbered)

    def by_hand():
        path = os.path.join(server.dir, "policy.yaml")
        before = server.json("policy", "list")["versions"][-1]["version"]
        with open(path, "a") as f:
            f.write("worms: {copies: 5}\n")
        server.reload()
        last = until(lambda: (v := server.json("policy", "list")["versions"][-1])["version"] > before and v, 5, "the version")
        check(last["how"] == "read from the file" and "copies: 5" in server.cli("policy", "show", "--version", str(last["version"])), last)
    tap.run("versions: a file changed by hand gets a number when it is read", by_hand)

    def atomic():
        before, text = server.json("policy", "list"), server.cli("policy", "show")
        p = server.cli_run("policy", "apply", w.write("bad.yaml", POLICY + "lnks: {}\n"))
        check(p.returncode == 1 and re.search(r"bad.yaml:\d+:1: expected a section .* \(did you mean 'links'\?\)", p.stderr), p.stderr)
        server.cli("policy", "apply", w.write("good.yaml", POLICY), "--weights", w.write("bad_weights.yaml", "LINK_DENID: 3\n"), want=1)
        check(server.json("policy", "list") == before and server.cli("policy", "show") == text, "something was changed")
    tap.run("apply: what is wrong changes nothing, and says where", atomic)

    def trial():
        r = server.json("policy", "apply", w.write("trial.yaml", "links: {rules: [{from: tom@example.test, do: refuse}]}\n"), "--shadow")
        check(r["on_trial"] and "version" not in r, r)
        time.sleep(0.3)
        tom.message(ben.bare, "see https://trial.example/c")
        e = ben.expect(body="see https://trial.example/c")
        why = server.json("why", e.find("{urn:xmpp:sid:0}stanza-id").get("id"))
        check(why["would"] == {"decision": "reject", "by": "the policy on trial"}, why)
        check("Only on trial: the policy on trial would have refused it." in why["lines"][1], why["lines"])
        server.cli("policy", "end-trial")
        time.sleep(0.3)
        tom.message(ben.bare, "see https://trial.example/d")
        e = ben.expect(body="see https://trial.example/d")
        why = server.json("why", e.find("{urn:xmpp:sid:0}stanza-id").get("id"))
        check(why["would"]["by"] != "the policy on trial" if "would" in why else True, why)
        server.cli("policy", "end-trial", want=1)
    tap.run("trial: a whole policy is judged beside the one in force, and does nothing", trial)

    def replay():
        words = [w.c["anna"].message(tom.bare, f"replay {i} https://replay.example/{i}") for i in range(2)]
        check(len(words) == 2 and tom.expect(body="replay 0 https://replay.example/0") is not None, "not delivered")
        e = tom.expect(body="replay 1 https://replay.example/1")
        sid = e.find("{urn:xmpp:sid:0}stanza-id").get("id")
        before = server.cli("policy", "show")
        path = w.write("candidate.yaml", POLICY + "worms: {copies: 3}\nlimits: {}\n" + "decisions: {}\n")
        r = server.json("policy", "replay", path, "--since", "1d")
        check(r["messages"] > 5 and r["changed"] == 0 and r["complete"], r)
        path = w.write("candidate.yaml", POLICY.replace("  rules:\n    - {from: olga", "  rules:\n    - {from: anna@example.test, do: hold}\n    - {from: olga"))
        r = server.json("policy", "replay", path, "--since", "24h")
        hit = [c for c in r["changes"] if c["id"] == sid]
        check(len(hit) == 1 and (hit[0]["now"], hit[0]["then"]) == ("deliver", "hold") and "POLICY_LINK" in hit[0]["findings"], r)
        check(r["changed"] == r["stricter"] == len(r["changes"]) and "replay.example" not in str(r) and "anna" not in str(r), r)
        for text, name in (("groups: {one: [anna@example.test], two: [tom@example.test]}\nwalls: [{between: [one, two]}]\n", "POLICY_WALL"),
                           ("encryption: {rules: [{from: anna@example.test, omemo: required}]}\n", "POLICY_PLAIN")):
            path2 = w.write("candidate2.yaml", text)
            hit = [c for c in server.json("policy", "replay", path2, "--since", "24h")["changes"] if c["id"] == sid]
            check(len(hit) == 1 and hit[0]["then"] == "reject" and hit[0]["findings"] == [name], hit)
        check(server.json("policy", "replay", path, "--since", "2099-01-01")["messages"] == 0, "the future")
        check("would have been decided otherwise" in server.cli("policy", "replay", path, "--since", "2020-01-01"), "for people")
        server.cli("policy", "replay", path, "--since", "soon", want=2)
        server.cli("policy", "replay", path, want=2)
        check(server.cli("policy", "show") == before, "the policy in force was changed")
        check(any(e["what"]["command"] == "policy replay" for e in server.json("audit", "list", "--max", "5000")["entries"] if e["kind"] == "command"), "not recorded")
    tap.run("replay: what a candidate would have changed, by id and finding, without a text", replay)

    def notes():
        path = w.write("odd.yaml", "groups: {a: [tom@example.test, nobody@example.test], b: []}\nlinks:\n  rules:\n    - {from: strangers, do: hold}\n"
                       "    - {from: strangers, to: a, do: flag}\n    - {from: b, do: hold}\nwalls: [{between: [a, everybody]}]\n")
        notes = server.json("policy", "check", path)["notes"]
        check(any(n["line"] == 5 and "can never apply: the rule of line 4" in n["text"] for n in notes), notes)
        check(any(n["line"] == 6 and "nobody is in b" in n["text"] for n in notes), notes)
        check(any("nobody@example.test has no account here" in n["text"] for n in notes), notes)
        check(any("nobody may reach the members of a" in n["text"] for n in notes), notes)
        server.cli("policy", "check", path, "--strict", want=1)
    tap.run("check: rules that can never apply, members without account, people whom nobody may reach", notes)


def spim_model(tap, w):
    """A model of the site's own lies beside policy.yaml."""
    server, path = w.server, os.path.join(w.server.dir, "spim.model")
    line = json.dumps({"from": "x@far.test", "to": "tom@example.test", "body": "buy green bananas here", "ts": 1, "known": False, "via": "s2s"})

    def named():
        out = server.cli("inspect", "--policy", os.path.join(server.dir, "policy.yaml"), stdin=line)
        return "SPIM_CONTENT" in out

    def own():
        table = os.path.join(server.top, "own.tsv")
        with open(table, "w") as f:
            f.write("label\ttext\tsource\n")
            for i in range(300):
                f.write(f"spam\tbuy green bananas here number {i} today\tmade-up\nham\tthe report number {i} is on the shared drive\tmade-up\n")
        check(not named(), "the shipped model has something against bananas")
        subprocess.run([program("wardroom"), "train", "--in", table, "--out", path], check=True, capture_output=True)
        check(named(), "the own model was not asked")
        server.reload()
        time.sleep(0.5)
        server.assert_healthy()
    tap.run("spim.model: a model of one's own is asked in place of the one that is shipped", own)

    def broken():
        with open(path, "r+b") as f:
            f.truncate(1000)
        said = server.cli_run("inspect", "--policy", os.path.join(server.dir, "policy.yaml"), stdin=line)
        check(said.returncode != 0 and "no model of this version" in said.stderr, said.stderr)
        server.reload()
        until(lambda: "no model of this version" in str(server.log()), 5, "the log says why the policy was not taken")
        server.assert_healthy()
        os.remove(path)
        server.reload()
    tap.run("spim.model: one that is none is named, and the server goes on with what it has", broken)


def main():
    tap = Tap("policy")
    with Instance(USERS, extra=components_text({"domain": "gw.test"}), component=True) as server:
        w = World(server)
        w.apply(POLICY)
        gateway = Component(server, "gw.test").login()
        walls(tap, w)
        outsiders(tap, w, gateway)
        departments(tap, w)
        encryption(tap, w, gateway)
        devices(tap, w)
        links(tap, w)
        versions(tap, w)
        spim_model(tap, w)
        server.assert_healthy()
    sys.exit(tap.end())


if __name__ == "__main__":
    main()
