#!/usr/bin/env python3
"""Files sent through the server (XEP-0363): slots and their limits; nothing is loaded before it was looked at; messages wait for their files."""
import datetime
import re
import sys

import harness  # noqa: F401 - finds tests/lib
from harness import befriend, check, error_of
from rawxmpp import CLIENT, Client, q, text_of
from wardroom_test import Instance, Tap, until

UP = "urn:xmpp:http:upload:0"
PURPOSE = "urn:xmpp:http:upload:purpose:0"
INFO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"


def ask(c, name="a.txt", size=5, type=None, inner="", to=None):
    t = f" content-type='{type}'" if type else ""
    return c.iq("get", f"<request xmlns='{UP}' filename='{name}' size='{size}'{t}>{inner}</request>", to=to or f"upload.{c.server.domain}")


def slot(c, *args, **kw):
    el = ask(c, *args, **kw)
    check(el.get("type") == "result", f"no slot: {text_of(el)}")
    put, get = el.find(f".//{{{UP}}}put").get("url"), el.find(f".//{{{UP}}}get").get("url")
    return put, get


def is_error(el, condition, type):
    check(el.get("type") == "error" and error_of(el) == (condition, type), f"wanted {condition}/{type}: {text_of(el)}")
    return el


def slots(tap, server, anna, bob):
    domain = f"upload.{server.domain}"

    def discovery():
        el = anna.iq("get", f"<query xmlns='{ITEMS}'/>", to=server.domain)
        check(domain in [i.get("jid") for i in el.iter(f"{{{ITEMS}}}item")], "the service is not among the server's items")
        el = anna.iq("get", f"<query xmlns='{INFO}'/>", to=domain)
        ids = [(i.get("category"), i.get("type")) for i in el.iter(f"{{{INFO}}}identity")]
        vars = [f.get("var") for f in el.iter(f"{{{INFO}}}feature")]
        check(ids == [("store", "file")], f"identities {ids}")
        check(UP in vars and PURPOSE + "#ephemeral" in vars and PURPOSE + "#profile" not in vars, f"features {vars}")
        form = {f.get("var"): "".join(v.text or "" for v in f) for f in el.iter("{jabber:x:data}field")}
        check(form == {"FORM_TYPE": UP, "max-file-size": "1048576"}, f"form {form}")
    tap.run("the service is found, with the size of the largest file", discovery)

    def url():
        put, get = slot(anna, "tr\u00e8s &apos;cool&apos; 100%.jpg", 23456, "image/jpeg")
        check(put == get, f"two places: {put} {get}")
        m = re.fullmatch(rf"https://{server.domain}:\d+/upload/([0-9a-f]{{32}})/(.*)", put)
        check(m and m.group(2) == "tr%C3%A8s%20%27cool%27%20100%25.jpg", f"url {put}")
        again, _ = slot(anna, "tr\u00e8s &apos;cool&apos; 100%.jpg", 23456)
        check(again != put, "two slots at one place")
    tap.run("a slot is a random path under the file's own name", url)

    def limits():
        el = is_error(ask(anna, size=1048577), "not-acceptable", "modify")
        check("1048576" == "".join(el.find(f".//{{{UP}}}file-too-large/{{{UP}}}max-file-size").itertext()), text_of(el))
        for name in ("", ".", "..", "a/b", "a\\b", "/etc/passwd", " a", "a&#9;b", "x" * 256, "\u00fc" * 128, "a\u0085b"):
            is_error(ask(anna, name), "not-acceptable", "modify")
        for size in ("-1", "", "x", "1e3", "99999999999999999999999", "0x10", " 1"):
            is_error(ask(anna, size=size), "bad-request", "modify")
        is_error(ask(anna, size=0), "not-acceptable", "modify")
        slot(anna, "\u00fc" * 127 + "x", 1048576)
    tap.run("names and sizes that are none are refused, each with its error", limits)

    def purposes():
        slot(anna, inner=f"<message xmlns='{PURPOSE}'/>")
        then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        slot(anna, inner=f"<ephemeral xmlns='{PURPOSE}' expire-before='{then:%Y-%m-%dT%H:%M:%SZ}'/>")
        for bad in ("2001-01-01T00:00:00Z", "", "soon"):
            is_error(ask(anna, inner=f"<ephemeral xmlns='{PURPOSE}' expire-before='{bad}'/>"), "bad-request", "modify")
    tap.run("a file may be kept for a shorter time than the server's", purposes)

    def others():
        is_error(anna.iq("set", f"<request xmlns='{UP}' filename='a' size='1'/>", to=domain), "service-unavailable", "cancel")
        is_error(ask(anna, to=server.domain), "service-unavailable", "cancel")
        anna.clear()
        anna.message(domain, "hello", id="up1")
        is_error(anna.expect(lambda e: e.get("id") == "up1" and e.get("type") == "error", what="an error"), "service-unavailable", "cancel")
        anna.send(f"<presence to='{domain}'/>")
        anna.settle()
    tap.run("nothing but requests has any business there", others)

    def frozen():
        server.cli("user", "freeze", bob.bare, "--reason", "test")
        is_error(ask(bob), "policy-violation", "modify")
        server.cli("user", "thaw", bob.bare)
        slot(bob)
    tap.run("a frozen account gets none", frozen)


def quota(tap):
    with Instance(users=["anna", "bob"], https=True, extra="upload:\n  per_day: 1000\n") as server:
        anna = Client(server, "anna", resource="a").login()
        bob = Client(server, "bob", resource="a").login()

        def used_up():
            slot(anna, size=600)
            slot(anna, size=400)
            el = is_error(ask(anna, size=1), "resource-constraint", "wait")
            stamp = el.find(f".//{{{UP}}}retry").get("stamp")
            tomorrow = datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=1)
            check(stamp.startswith(f"{tomorrow}T00:00:00"), f"retry {stamp}")
            slot(bob, size=1000)
        tap.run("who has used up his day is told when the next one begins", used_up)

        def kept():
            server.kill9()
            server.start()
            again = Client(server, "anna", resource="a").login()
            is_error(ask(again, size=1), "resource-constraint", "wait")
        tap.run("a killed server has forgotten nothing of it", kept)


def main():
    tap = Tap("upload")
    with Instance(users=["anna", "bob", "c"], https=True, extra="upload:\n  max_bytes: 1MiB\n") as server:
        anna = Client(server, "anna", resource="a").login(presence=True)
        bob = Client(server, "bob", resource="b").login(presence=True)
        befriend(anna, bob)
        slots(tap, server, anna, bob)
        server.assert_healthy()
    quota(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
