#!/usr/bin/env python3
"""Files sent through the server (XEP-0363): slots and their limits; nothing is loaded before it was looked at; messages wait for their files."""
import base64
import datetime
import os
import re
import socket
import sys
import threading
import time

import harness  # noqa: F401 - finds tests/lib
from fakeclamd import FakeClamd
from harness import befriend, check, error_of
from rawws import http, tls_context
from rawxmpp import CLIENT, Client, body_of, q, text_of
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


EICAR = base64.b64decode("WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo=")
TEXT = b"The minutes of the meeting.\n" * 20


def path_of(url):
    return "/upload/" + url.split("/upload/")[1]


def put(server, url, body, type="text/plain"):
    head = f"PUT {path_of(url)} HTTP/1.1\r\nHost: {server.domain}\r\nContent-Length: {len(body)}\r\nContent-Type: {type}\r\n\r\n"
    status, _, answer, _ = http(server, head.encode() + body, patience=30)
    return status, answer.decode()


def get(server, url, method="GET"):
    status, head, body, _ = http(server, f"{method} {path_of(url)} HTTP/1.1\r\nHost: {server.domain}\r\n\r\n")
    return status, head, body


def upload(c, name, body):
    url, _ = slot(c, name, len(body), "text/plain")
    return url, *put(c.server, url, body)


def got(c, text, **kw):
    return c.expect(lambda e: e.tag == q(CLIENT, "message") and text in (body_of(e) or ""), what=f"a message with {text}", **kw)


def nothing_of(c, text):
    c.settle()
    check(not [e for e in c.inbox if text in (body_of(e) or "")], f"{text} has arrived")


def served(tap, server, anna, bob):
    def up_and_down():
        url, status, answer = upload(anna, "minutes.txt", TEXT)
        check(status == 201, f"PUT {status} {answer}")
        status, head, body = get(server, url)
        check(status == 200 and body == TEXT, f"GET {status}")
        check(head.get("content-disposition", "").startswith("attachment") and "minutes.txt" in head["content-disposition"], f"{head}")
        check(get(server, url, "HEAD")[0] == 200, "HEAD")
        check(get(server, url.replace("minutes", "other"))[0] == 404, "another name leads to it")
        check(put(server, url, TEXT)[0] == 409, "a slot can be used twice")
        bob.clear()
        anna.message(bob.bare, f"see {url}")
        got(bob, url)
    tap.run("a file that was looked at goes up, down and along with a message", up_and_down)

    def wrong_sizes():
        url, _ = slot(anna, "a.txt", 10)
        check(put(server, url, b"x" * 11)[0] == 413 and put(server, url, b"x" * 9)[0] == 413, "another size was taken")
        check(put(server, url, b"y" * 10)[0] == 201, "the slot is spoilt by it")
    tap.run("a slot is for a file of one size", wrong_sizes)

    def unknown():
        anna.clear()
        for text in (f"https://{server.domain}:{server.https_port}/upload/{'0' * 32}/a.txt", f"HTTPS://{server.domain.upper()}:{server.https_port}/upload/{'0' * 32}/"):
            anna.message(bob.bare, text, id="un1")
            is_error(anna.expect(lambda e: e.get("id") == "un1" and e.get("type") == "error", what="an error"), "policy-violation", "modify")
            anna.clear()
        bob.clear()
        anna.message(bob.bare, "md5 d41d8cd98f00b204e9800998ecf8427e is no link")
        got(bob, "md5 d41d8cd98f00b204e9800998ecf8427e")
    tap.run("a link to a file that is not there is refused, other digits are not", unknown)


def held(tap, server, anna, bob):
    def virus():
        anna.clear()
        url, status, answer = upload(anna, "fine.txt", EICAR)
        check(status not in (200, 201) and "held" in answer and "fine.txt" in answer, f"PUT {status} {answer}")
        check(get(server, url)[0] == 403, "it can be loaded")
        got(anna, "is held")
        return url
    url = []
    tap.run("what is held fails at the sender, with a sentence, and cannot be loaded", lambda: url.append(virus()))

    def everywhere():
        check(url, "there is no such file")
        link, bodies = url[0], []
        token = link.split("/upload/")[1].split("/")[0]
        anna.clear()
        bob.clear()
        forms = [
            f"<body>see {link}</body>",
            f"<body>x</body><x xmlns='jabber:x:oob'><url>{link}</url></x>",
            f"<body>x</body><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><a href='{link}'>y</a></body></html>",
            f"<body>x</body><file-sharing xmlns='urn:xmpp:sfs:0'><sources><url-data xmlns='http://jabber.org/protocol/url-data' target='{link}'/></sources></file-sharing>",
            f"<body>x</body><reference xmlns='urn:xmpp:reference:0' type='data' uri='{link}'><media-sharing xmlns='urn:xmpp:sims:1'><sources>"
            f"<reference xmlns='urn:xmpp:reference:0' type='data' uri='{link}'/></sources></media-sharing></reference>",
            f"<body>x</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:sfs:0'><body>{link}</body></fallback>",
            f"<body>aesgcm://elsewhere.test/upload/{token}/a#00</body>",
            f"<body>https://127.0.0.1/./upload/%{ord(token[0]):02x}{token[1:]}/fine.txt</body>",
            f"<subject>{link}</subject><body>x</body>",
            f"<body>x</body><x xmlns='jabber:x:oob'><url>{link.replace(token, token[:9] + '&#9;' + token[9:])}</url></x>",
            f"<body>x</body><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>"
            f"<a href='https://127.0.0.1/up&#10;load/{token[:5]}&#13;&#10;{token[5:]}/fine.txt'>y</a></body></html>",
            f"<body>see {link.replace(token, token[:7] + '<b xmlns=' + repr('urn:x') + '/>' + token[7:])}</body>",
        ]
        for i, form in enumerate(forms):
            anna.send(f"<message to='{bob.bare}' type='chat' id='ev{i}'>{form}</message>")
            el = anna.expect(lambda e, i=i: e.get("id") == f"ev{i}" and e.get("type") == "error", what=f"an error for {form}")
            is_error(el, "policy-violation", "modify")
            check("held" in text_of(el), f"no sentence: {text_of(el)}")
        digits = " ".join(f"{i:032x}" for i in range(100))
        anna.message(bob.bare, f"{digits} https://127.0.0.1/upload/{token}/fine.txt", id="evm")
        is_error(anna.expect(lambda e: e.get("id") == "evm" and e.get("type") == "error", what="an error for many digits"), "policy-violation", "modify")
        bob.settle()
        check(not [e for e in bob.inbox if e.tag == q(CLIENT, "message")], f"it has arrived: {[text_of(e) for e in bob.inbox]}")
        anna.message(bob.bare, f"sums {digits}")
        got(bob, "sums ")
        avatar = ("<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:avatar:metadata'><item id='x'><metadata xmlns='urn:xmpp:avatar:metadata'>"
                  f"<info bytes='1' id='111f4b3c50d7b0df729d299bc6f8e9ef9066971f' type='image/png' url='{link}'/></metadata></item></publish></pubsub>")
        is_error(anna.iq("set", avatar), "policy-violation", "modify")
    tap.run("a message with its link is refused, wherever in it the link stands", everywhere)


def cleaned(tap, server, anna, bob):
    page = b"<!DOCTYPE html><html><head><title>x</title><script>alert(document.cookie)</script></head><body><p>The plan for May.</p></body></html>\n"

    def page_becomes_text():
        url, _ = slot(anna, "plan.html", len(page), "text/html")
        anna.clear()
        status, answer = put(server, url, page, "text/html")
        check(status == 201, f"PUT {status} {answer}")
        status, head, body = get(server, url)
        check(status == 200 and b"The plan for May." in body and b"alert" not in body and b"<" not in body, f"GET {status} {body}")
        check(head["content-type"].startswith("text/plain") and head["content-disposition"].endswith("plan.html.txt"), f"{head}")
        got(anna, "was cleaned before others can load it")
        bob.clear()
        anna.message(bob.bare, f"plan {url}")
        got(bob, "plan ")
        got(bob, "was cleaned before you got it")
    tap.run("the receiver gets the cleaned file under its new ending, and is told what is missing", page_becomes_text)


def waiting(tap):
    """clamd is configured and away: files stay pending."""
    with Instance(users=["anna", "bob", "carl"], https=True, start=False) as server:
        clamd = FakeClamd(os.path.join(server.top, "clamd"))
        server.extra = f"upload:\n  wait: 2s\nscanner:\n  clamd: {clamd.path}\n"
        server.write_config()
        server.start()
        anna, bob = (Client(server, n, resource="r").login(presence=True) for n in ("anna", "bob"))
        befriend(anna, bob)
        urls, answers, leaks = [], [], []
        stop = threading.Event()

        def poll():
            while not stop.is_set():
                for u in list(urls):
                    try:
                        status, _, body = get(server, u)
                    except OSError:		# the server is being killed
                        continue
                    if status == 200:
                        leaks.append((time.monotonic(), u, body))
                time.sleep(0.05)

        def bring(name, body):
            url, _ = slot(anna, name, len(body), "text/plain")
            urls.append(url)
            t = threading.Thread(target=lambda: answers.append((url, *put(server, url, body))))
            t.start()
            return url, t

        poller = threading.Thread(target=poll, daemon=True)
        good, t1 = bring("good.txt", TEXT)
        bad, t2 = bring("bad.txt", b"EVIL-BYTES" + TEXT)
        poller.start()

        def held_back():
            t1.join(30)
            t2.join(30)
            check(sorted(a[1] for a in answers) == [201, 201], f"answers {answers}")
            anna.sm_enable()
            for i, u in enumerate((good, bad)):
                anna.message(bob.bare, f"number {i} {u} d41d8cd98f00b204e9800998ecf8427e", id=f"w{i}")
            anna.message(bob.bare, "number 2 without", id="w2")
            got(bob, "number 2")
            anna.sm_request()
            until(lambda: (anna.pump(0.05), anna.sm_acked >= 3)[1], 10, "the acknowledgement")
            nothing_of(bob, "number 0")
            nothing_of(bob, "number 1")
            check(not leaks, f"unscanned bytes were served: {leaks}")
        tap.run("a message waits for its file, acknowledged at once; others go past it", held_back)

        def told():
            got(anna, "still waits", timeout=10)
            got(bob, "is on its way to you", timeout=10)
        tap.run("both sides are told when it takes long", told)

        def publish():
            avatar = ("<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:avatar:metadata'><item id='x'><metadata xmlns='urn:xmpp:avatar:metadata'>"
                      f"<info bytes='1' id='111f4b3c50d7b0df729d299bc6f8e9ef9066971f' type='image/png' url='{good}'/></metadata></item></publish></pubsub>")
            is_error(anna.iq("set", avatar), "resource-constraint", "wait")
        tap.run("what is published cannot wait: it is to be tried again", publish)

        def killed():
            server.kill9()
            server.start()
            a, b = (Client(server, n, resource="r2").login(presence=True) for n in ("anna", "bob"))
            time.sleep(0.5)
            nothing_of(b, "number 0")
            clamd.start()
            el = got(b, "number 0", timeout=40)
            check(el.find("{urn:xmpp:delay}delay") is not None, "without its first time")
            got(a, "was not delivered", timeout=20)
            nothing_of(b, "number 1")
            stop.set()
            poller.join(5)
            check(all(u == good and body == TEXT for _, u, body in leaks), "bad bytes were served")
            check(get(server, good)[0] == 200 and get(server, bad)[0] == 403, "the verdicts")
            b.settle()
            check(len([e for e in b.inbox if "number 0" in (body_of(e) or "")]) <= 1, "it came twice")
            server.assert_healthy()
        tap.run("a killed server looks at the files again, and the messages go on", killed)

        def in_room():
            a, b = (Client(server, n, resource="m").login(presence=True) for n in ("anna", "bob"))
            hall = f"hall@rooms.{server.domain}"
            for c in (a, b):
                c.send(f"<presence to='{hall}/{c.user}'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
                c.expect(lambda e: e.tag == q(CLIENT, "presence") and "code=\"110\"" in text_of(e), what="to be in the room")
                if c is a:
                    c.iq("set", "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query>", to=hall)
            clamd.stop()
            time.sleep(0.2)
            url, _ = slot(a, "room.txt", 5, "text/plain")
            t = threading.Thread(target=lambda: put(server, url, b"hello"))
            t.start()
            until(lambda: get(server, url)[0] == 503, 10, "the file is there")
            a.send(f"<message to='{hall}' type='groupchat' id='g1'><body>for all {url}</body></message>")
            a.send(f"<message to='{hall}' type='groupchat' id='g2'><body>meanwhile</body></message>")
            got(b, "meanwhile")
            nothing_of(b, "for all")
            clamd.start()
            el = got(b, "for all", timeout=40)
            check(el.get("from") == f"{hall}/anna" and el.get("type") == "groupchat", text_of(el))
            got(a, "for all")
            t.join(20)
        tap.run("what is posted in a room waits, too, and comes from its author", in_room)

        def failed():
            carl, b = (Client(server, n, resource="r3").login(presence=True) for n in ("carl", "bob"))
            befriend(carl, b)
            clamd.stop()
            time.sleep(0.2)
            url, _ = slot(carl, "worse.txt", 14, "text/plain")
            t = threading.Thread(target=lambda: put(server, url, b"EVIL-BYTES    "))
            t.start()
            until(lambda: get(server, url)[0] == 503, 10, "the file is there")
            carl.message(b.bare, f"number 3 {url}", id="w3")
            carl.settle()
            clamd.start()
            el = carl.expect(lambda e: e.get("type") == "error" and e.get("id") == "w3", what="an error", timeout=40)
            is_error(el, "policy-violation", "modify")
            check("held" in text_of(el), f"no sentence: {text_of(el)}")
            got(carl, "was not delivered")
            nothing_of(b, "number 3")
            t.join(20)
        tap.run("when a file is held at last, the client that sent its message shows that it failed", failed)
        def share():
            clamd.stop()
            time.sleep(0.2)
            carl, a = (Client(server, n, resource="r4").login(presence=True) for n in ("carl", "anna"))

            def one():
                url, _ = slot(carl, "small.txt", 1, "text/plain")
                t = threading.Thread(target=quietly, args=(url,), daemon=True)
                t.start()
                until(lambda: get(server, url)[0] == 503, 10, "the file is there")

            def quietly(url):
                try:
                    put(server, url, b"x")
                except OSError:		# the server ends
                    pass
            for _ in range(40):
                one()
            el = ask(carl, "small.txt", 1)
            is_error(el, "resource-constraint", "wait")
            check("Your other files" in text_of(el), text_of(el))
            slot(a, "hers.txt", 5)
            clamd.start()
            until(lambda: ask(carl, "small.txt", 1).get("type") == "result", 60, "a slot when they were looked at", step=0.5)
        tap.run("while the scanner is away one account does not take the place of all", share)
        stop.set()
        clamd.stop()


def decided(tap):
    """What an officer and a later look make of a file."""
    with Instance(users=["anna", "bob"], https=True, start=False) as server:
        clamd = FakeClamd(os.path.join(server.top, "clamd"), bad=b"EVIL-BYTES").start()
        server.extra = f"scanner:\n  clamd: {clamd.path}\n"
        server.write_config()
        server.start()
        anna, bob = (Client(server, n, resource="r").login(presence=True) for n in ("anna", "bob"))
        befriend(anna, bob)

        def released():
            url, status, answer = upload(anna, "odd.txt", b"EVIL-BYTES")
            check(status not in (200, 201), f"PUT {status} {answer}")
            files = server.json("file", "list")["files"]
            check([f["state"] for f in files] == ["held"], f"list {files}")
            server.cli("file", "release", files[0]["id"])
            got(anna, "has been let go")
            check(get(server, url)[0] == 200, "it cannot be loaded")
            bob.clear()
            anna.message(bob.bare, f"now {url}")
            got(bob, "now ")
        tap.run("what an officer lets go is served, and its sender is told", released)

        def late():
            url, status, answer = upload(anna, "later.txt", b"SLEEPER" + TEXT)
            check(status == 201, f"PUT {status} {answer}")
            bob.clear()
            anna.message(bob.bare, f"late {url}", id="late1")
            got(bob, "late ")
            check(get(server, url)[0] == 200, "it cannot be loaded")
            clamd.bad = b"SLEEPER"
            id = [f["id"] for f in server.json("file", "list")["files"] if f["name"] == "later.txt"][0]
            server.cli("file", "rescan", id)
            until(lambda: get(server, url)[0] == 410, 20, "the link is dead")
            got(bob, "has turned out to be dangerous", timeout=10)
            bob.expect(lambda e: e.find("{urn:xmpp:message-retract:1}retract") is not None, what="a retraction", timeout=10)
            story = server.json("file", "show", id)
            check(story["state"] == "revoked" and "127.0.0.1" in str(story), f"story {story}")
        tap.run("a later look that finds something kills the link, tells who has the file, takes the message back", late)

        def on_its_way():
            clamd.bad = b"NOTHING"
            body = b"DOZER" + os.urandom(16) * 2 + b"text of a long file\n" * 1000000
            url, status, answer = upload(anna, "long.txt", body)
            check(status == 201, f"PUT {status} {answer}")
            s = tls_context(("http/1.1",)).wrap_socket(socket.create_connection((server.host, server.https_port), 10), server_hostname=server.domain)
            s.settimeout(20)
            s.sendall(f"GET {path_of(url)} HTTP/1.1\r\nHost: {server.domain}\r\n\r\n".encode())
            n = len(s.recv(1000))
            clamd.bad = b"DOZER"
            id = [f["id"] for f in server.json("file", "list")["files"] if f["name"] == "long.txt"][0]
            server.cli("file", "rescan", id)
            until(lambda: get(server, url)[0] == 410, 20, "the link is dead")
            try:
                while more := s.recv(65536):
                    n += len(more)
            except OSError:
                pass
            s.close()
            check(0 < n < len(body), f"{n} of {len(body)} bytes went out")
        tap.run("a download that is under way ends when the file is taken back", on_its_way)
        clamd.stop()


def downloads(tap):
    for mode, texts in (("staff", (403, 200)), ("receivers", (403, 403))):
        with Instance(users=["anna", "bob"], https=True, extra=f"upload:\n  downloads: {mode}\n") as server:
            anna = Client(server, "anna", resource="r").login(presence=True)
            url, status, answer = upload(anna, "a.txt", TEXT)

            def limited(mode=mode):
                check(status == 201, f"PUT {status} {answer}")
                check(get(server, url)[0] == 200, "its own sender cannot load it")
                anna.goodbye()
                until(lambda: get(server, url)[0] == 403, 10, "who is not signed in is kept out")
                bob = Client(server, "bob", resource="r").login(presence=True)
                check(get(server, url)[0] == (200 if mode == "staff" else 403), "who is signed in but was not sent it")
                again = Client(server, "anna", resource="r").login(presence=True)
                befriend(again, bob)
                again.message(bob.bare, url)
                got(bob, url)
                again.goodbye()
                until(lambda: get(server, url)[0] == 200, 10, "who was sent it")
                bob.goodbye()
                until(lambda: get(server, url)[0] == 403, 10, "who is gone")
            tap.run(f"downloads: {mode}", limited)


def expiry(tap):
    with Instance(users=["anna"], https=True) as server:
        anna = Client(server, "anna", resource="r").login(presence=True)
        spool = os.path.join(server.dir, "spool")

        def files():
            return [f for d, _, fs in os.walk(spool) for f in fs]

        def gone():
            then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=4)
            url, _ = slot(anna, "a.txt", len(TEXT), inner=f"<ephemeral xmlns='{PURPOSE}' expire-before='{then:%Y-%m-%dT%H:%M:%SZ}'/>")
            keep, status, _ = upload(anna, "keep.txt", TEXT)
            check(put(server, url, TEXT)[0] == 201 and status == 201, "PUT")
            check(get(server, url)[0] == 200 and len(files()) == 2, f"before: {files()}")
            until(lambda: get(server, url)[0] == 410, 15, "the end of its time")
            server.stop()
            server.start()	# which sweeps
            until(lambda: len(files()) == 1, 15, "its bytes are deleted")
            check(get(server, url)[0] == 410 and get(server, keep)[0] == 200, "the wrong one went")
        tap.run("at the end of its time a file is gone, and its bytes are", gone)

        def account():
            server.cli("user", "remove", anna.bare)
            server.stop()
            server.start()
            until(lambda: not files(), 15, "its bytes are deleted")
        tap.run("files go with their account", account)


def main():
    tap = Tap("upload")
    with Instance(users=["anna", "bob", "c"], https=True, extra="upload:\n  max_bytes: 1MiB\n") as server:
        anna = Client(server, "anna", resource="a").login(presence=True)
        bob = Client(server, "bob", resource="b").login(presence=True)
        befriend(anna, bob)
        slots(tap, server, anna, bob)
        served(tap, server, anna, bob)
        held(tap, server, anna, bob)
        cleaned(tap, server, anna, bob)
        server.assert_healthy()
    quota(tap)
    waiting(tap)
    decided(tap)
    downloads(tap)
    expiry(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
