#!/usr/bin/env python3
"""`wardroom file`: what an operator sees of uploads, and his word on one; rules between two about what is in a file."""
import os
import sys

from harness import check, error_of
from policy import text_in
from rawxmpp import Client, befriend, body_of
from transfer import text_of
from upload import TEXT, get, upload
from wardroom_test import Instance, Tap, until

SCRIPT = b"@echo off\r\nstart calc.exe\r\n" * 20


def file_id(server, name):
    return next(f["id"] for f in server.json("file", "list")["files"] if f["name"] == name)


def commands(tap, server, anna, ben):
    url = []

    def held():
        link, status, answer = upload(anna, "start.bat", SCRIPT)
        url.append(link)
        check(status not in (200, 201) and "held" in answer, f"PUT {status} {answer}")
        f = server.json("file", "list", "--state", "held")["files"]
        check(len(f) == 1 and f[0]["name"] == "start.bat" and f[0]["owner"] == "anna@example.test" and "SCRIPT" in f[0]["facts"], f)
        s = server.json("file", "show", f[0]["id"])
        check(s["state"] == "held" and s["rule"] == "files.scripts" and any(x["class"] == "scripts" for x in s["found"]) and len(s["sha256"]) == 64, s)
        check(s["story"] and s["downloads"] == [] and link.split("/upload/")[1].split("/")[0] not in str(s), s)
        text = server.cli("file", "show", f[0]["id"])
        check("seen in it" in text and "start.bat" in text and "story" in text, text)
    tap.run("a held file is listed, and shown with what was seen in it and why, without its link", held)

    def release():
        anna.clear()
        anna.message(ben.bare, f"see {url[0]}", id="before")
        check("held" in text_in(anna.expect(id="before", type="error")), "a link to a held file")
        id_ = file_id(server, "start.bat")
        r = server.json("file", "release", id_, "--reason", "asked Anna")
        check(r["state"] == "served", r)
        status, _, body = get(server, url[0])
        check(status == 200 and body == SCRIPT, f"GET {status}")
        ben.clear()
        anna.message(ben.bare, f"now {url[0]}")
        ben.expect(lambda e: "now " in (body_of(e) or ""), what="the message with the link")
        s = until(lambda: (s := server.json("file", "show", id_))["downloads"] and s["sent_to"] and s, 5, "who has it")
        check(s["sent_to"][0]["who"] == "ben@example.test" and s["downloads"][0]["address"].startswith("127."), s)
        check(any(e["by"] == "operator" and "asked Anna" in e["what"] for e in s["story"]), s["story"])
        audit = [e["what"] for e in server.json("audit", "list", "--max", "5000")["entries"] if e["kind"] == "command"]
        check(any(e["command"] == "file release" and e["id"] == id_ and e["reason"] == "asked Anna" for e in audit), audit)
        server.cli("file", "release", id_, want=1)
    tap.run("released it can be downloaded and sent, and who has it is on record", release)

    def rescan():
        id_ = file_id(server, "start.bat")
        check(server.json("file", "rescan", id_)["queued"] == 1, "one")
        until(lambda: any("look" in e["by"] for e in server.json("file", "show", id_)["story"][2:]), 10, "a second look")
        check(server.json("file", "show", id_)["state"] == "served", "what an officer has let go was taken back for what he knew of")
        check(server.json("file", "rescan")["queued"] == "all", "all")
        server.cli("file", "rescan", "ffffffffffffffffffffffffffffffff", want=1)
        server.cli("file", "show", "nonsense", want=1)
        server.cli("file", "list", "--state", "nonsense", want=1)
    tap.run("a file is looked at again", rescan)


def rules(tap, server, anna, ben, carl):
    path = os.path.join(server.top, "next.yaml")

    def apply(text):
        with open(path, "w") as f:
            f.write("groups: {sales: [anna@example.test], stores: [carl@example.test]}\nfiles:\n" + text)
        server.json("policy", "apply", path)

    def pairs():
        apply("  scripts: allow\n  rules:\n    - {to: stores, what: scripts, do: refuse, reason: The stores get no scripts.}\n    - {to: sales, what: scripts, do: hold, shadow: on}\n")
        url, status, answer = upload(anna, "tool.bat", SCRIPT + b"rem 2\r\n")
        check(status == 201, f"PUT {status} {answer}")
        anna.clear()
        anna.message(carl.bare, f"a tool {url}", id="p1")
        e = anna.expect(id="p1", type="error", what="the refusal")
        check(error_of(e)[0] == "policy-violation" and "tool.bat" in text_in(e) and "The stores get no scripts." in text_in(e), text_of(e))
        anna.message(ben.bare, f"a tool {url}")
        ben.expect(lambda e: "a tool" in (body_of(e) or ""), what="the message to who may have it")
        ben.message(anna.bare, f"back {url}")
        e = anna.expect(lambda e: "back " in (body_of(e) or ""), what="the message")
        why = server.json("why", e.find("{urn:xmpp:sid:0}stanza-id").get("id"))
        check(why["would"]["decision"] == "hold" and "files.rules" in why["would"]["by"], why)
    tap.run("what may be uploaded is still refused to some, with the reason, and a rule on trial is told", pairs)

    def sender():
        apply("  rules:\n    - {from: sales, what: scripts, do: allow}\n")
        check(upload(anna, "a.bat", SCRIPT + b"rem 3\r\n")[1] == 201, "who may")
        check(upload(ben, "b.bat", SCRIPT + b"rem 4\r\n")[1] != 201, "who may not")
    tap.run("at upload the sender's group decides", sender)

    def own_links():
        apply("  out_of_band: refuse\n  sharing: refuse\n")
        url, status, _ = upload(anna, "minutes.txt", TEXT)
        check(status == 201, "an ordinary file")
        for inner in (f"<x xmlns='jabber:x:oob'><url>{url}</url></x>",
                      f"<file-sharing xmlns='urn:xmpp:sfs:0'><sources><url-data xmlns='http://jabber.org/protocol/url-data' target='{url}'/></sources></file-sharing>"):
            i = anna.next_id("o")
            anna.stanza(f"<message to='{ben.bare}' type='chat' id='{i}'><body>own {i}</body>{inner}</message>")
            e = ben.expect(lambda e: body_of(e) == f"own {i}", what="the message")
            check(text_of(e).count(url) == 1, text_of(e))
    tap.run("links to the own upload pass where files elsewhere may not be named", own_links)


def main():
    tap = Tap("files for operators")
    with Instance(users=["anna", "ben", "carl"], https=True) as server:
        anna, ben, carl = (Client(server, n, resource="r").login(presence=True) for n in ("anna", "ben", "carl"))
        befriend(anna, ben)
        befriend(anna, carl)
        commands(tap, server, anna, ben)
        rules(tap, server, anna, ben, carl)
        server.assert_healthy()
    sys.exit(tap.end())


if __name__ == "__main__":
    main()
