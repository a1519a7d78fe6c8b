#!/usr/bin/env python3
"""Links that lead over a page of ours (policy.yaml, links, do: rewrite): what the page says, where it leads, who is written down."""
import re
import sys

import harness  # noqa: F401 - finds tests/lib
from harness import befriend, check
from rawws import http
from rawxmpp import Client, body_of
from wardroom_test import Instance, Tap, until

POLICY = "strangers: allow\nlinks:\n  rules:\n    - {from: everybody, do: rewrite}\n"
LINK = re.compile(r"https://\S+/link/([A-Za-z0-9_-]+)")


def get(server, path, method="GET"):
    return http(server, f"{method} {path} HTTP/1.1\r\nHost: {server.domain}\r\n\r\n".encode())


def main():
    tap = Tap("clicks")
    with Instance(users=["anna", "bob", "c1", "c2", "c3", "c4"], https=True) as server:
        with open(f"{server.dir}/new-policy.yaml", "w") as f:
            f.write(POLICY)
        server.cli("policy", "apply", f"{server.dir}/new-policy.yaml")
        anna = Client(server, "anna", resource="a").login(presence=True)
        bob = Client(server, "bob", resource="b").login(presence=True)
        befriend(anna, bob)

        def rewritten(text):
            bob.clear()
            anna.message(bob.bare, text)
            el = bob.expect(lambda e: e.tag.endswith("message") and (e.get("from") or "").startswith(anna.bare) and body_of(e), what="a message")
            return el, body_of(el)

        def token_of(text):
            m = LINK.search(rewritten(text)[1])
            check(m, "no link of ours in the message")
            return m.group(1)

        def body_is_changed():
            _, got = rewritten("look at http://photo-share.test/a?b=c#d please")
            check("photo-share.test/a" not in got, f"the link still leads there: {got}")
            check(LINK.search(got), f"no link of ours: {got}")
            check("(to photo-share[.]test)" in got and got.startswith("look at ") and got.endswith(" please"), f"it reads: {got}")
        tap.run("a link that is not trusted becomes one of ours, and says where it leads", body_is_changed)

        def page():
            status, h, body, _ = get(server, "/link/" + token_of("http://photo-share.test/a?b=<c>&d='\"e"))
            text = body.decode()
            check(status == 200, f"status {status}")
            check("photo-share.test" in text and "?go=1" in text, "the page lacks the place or the way on")
            check("<c>" not in text, "what the sender wrote is markup of the page")
            check("<script" not in text and "http://photo-share.test" not in re.sub(r"<p class=\"target\">.*?</p>", "", text), "the page leads there by itself")
            for k, v in (("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff"), ("cache-control", "no-store"), ("x-robots-tag", "noindex")):
                check(h.get(k) == v, f"{k}: {h.get(k)}")
            check("default-src 'none'" in h.get("content-security-policy", ""), "no policy of contents")
        tap.run("the page shows the place, has no script and loads nothing", page)

        def idn():
            text = get(server, "/link/" + token_of("http://gr\u00fc\u00dfe-photo.test/"))[2].decode()
            check("gr\u00fc\u00dfe-photo.test" in text and "xn--" in text, "both names of the host belong on the page")
        tap.run("a name with letters of other alphabets is shown with its real name", idn)

        def go():
            status, h, body, _ = get(server, "/link/" + token_of("https://photo-share.test:8443/x?y=1") + "?go=1")
            check(status == 303 and h.get("location") == "https://photo-share.test:8443/x?y=1", f"{status} {h.get('location')}")
            check(h.get("referrer-policy") == "no-referrer", "it tells where the reader came from")
        tap.run("who goes on is led there, and nothing is told of where he came from", go)

        def no_splitting():
            status, h, body, _ = get(server, "/link/" + token_of("http://photo-share.test/%0d%0aSet-Cookie:x=1/ä\"<>") + "?go=1")
            check(status == 303 and "set-cookie" not in h, f"{status}: {h}")
            check(all(0x20 < ord(c) < 0x7f for c in h["location"]), f"location {h['location']!r}")
        tap.run("what is written in a link does not become a header", no_splitting)

        def no_open_redirect():
            token = token_of("http://photo-share.test/x")
            bad = [token[:-1] + ("A" if token[-1] != "A" else "B"), token[:20] + ("A" if token[20] != "A" else "B") + token[21:], token[:-4], token + "AAAA",
                   "", "AAAA", "https://evil.test/", "A" * 4000, "A" * 5000, token + "=", token.lower()]
            for t in bad:
                for q in ("", "?go=1"):
                    status, h, _, _ = get(server, "/link/" + t + q)
                    check(status in (404, 400) and "location" not in h, f"{t[:30]}{q}: {status}")
            for q in ("?go=2", "?go=1&to=http://evil.test", "?to=http://evil.test"):
                status, h, _, _ = get(server, "/link/" + token + q)
                check(status == 404 and "location" not in h, f"{q}: {status}")
        tap.run("what was not signed here leads nowhere", no_open_redirect)

        def outbreak_of(link):
            """Bob gets it, and so do others, until it is one. Returns bob's token and the fingerprint."""
            el, got = rewritten(f"see {link}")
            fingerprint = server.json("why", el.find("{urn:xmpp:sid:0}stanza-id").get("id"))["fingerprint"]
            for who in ("c1", "c2", "c3", "c4", "c3"):
                anna.message(server.jid(who), f"see {link}")
            until(lambda: any(o["id"] == fingerprint for o in server.json("outbreak", "list")["outbreaks"]), 10, "the outbreak")
            return LINK.search(got).group(1), fingerprint

        def clicked():
            token, fingerprint = outbreak_of("http://click-me.test/one")

            def clicks():
                return [c["to"] for c in server.json("outbreak", "show", fingerprint)["copies"] if c["outcome"] == "clicked"]
            server.cli("outbreak", "lift", fingerprint)
            get(server, "/link/" + token)
            check(not clicks(), "to look at the page counts as a click")
            get(server, "/link/" + token + "?go=1")
            until(lambda: clicks() == [bob.bare], 5, "the click being written down")
            server.cli("outbreak", "contain", fingerprint)
            status, h, body, _ = get(server, "/link/" + token + "?go=1")
            check(status == 403 and "location" not in h and "outbreak" in body.decode(), f"{status}: what is under containment is opened")
            server.cli("user", "thaw", anna.bare, want=None)
        tap.run("who went on is written down beside the copies; what is under containment is not opened", clicked)

        def denied_later():
            token = token_of("http://later-bad.test/x")
            check(get(server, "/link/" + token + "?go=1")[0] == 303, "not led on while nothing is known")
            with open(f"{server.dir}/deny.txt", "a") as f:
                f.write("later-bad.test\n")
            server.reload()

            def stopped():
                return get(server, "/link/" + token)[0] == 403
            until(stopped, 10, "the link being denied")
            status, h, body, _ = get(server, "/link/" + token + "?go=1")
            check(status == 403 and "location" not in h and "?go=1" not in body.decode(), f"{status}: led on all the same")
        tap.run("what becomes known as bad is not opened any more", denied_later)

        def restart():
            token = token_of("http://photo-share.test/after")
            server.stop()
            server.start()
            check(get(server, "/link/" + token)[0] == 200, "the link is forgotten")
        tap.run("links outlive a restart", restart)

        def floods():
            for _ in range(80):
                check(get(server, "/link/" + "A" * 100)[0] == 404, "a question was not answered")
            check(get(server, "/healthz")[0] == 200, "the web role is busy with questions for ever")
        tap.run("many questions hold nobody up", floods)
    tap.end()


if __name__ == "__main__":
    sys.exit(main())
