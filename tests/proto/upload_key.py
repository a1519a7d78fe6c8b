#!/usr/bin/env python3
"""Uploads that are encrypted from end to end (XEP-0454): held until their sender gives the bot the key, which is used once and kept nowhere."""
import _ssl
import ctypes
import io
import os
import random
import sys
import threading
import xml.etree.ElementTree as ET
import zipfile

import harness  # noqa: F401 - finds tests/lib
from fakeclamd import FakeClamd
from harness import befriend, check, error_of
from rawxmpp import Client, body_of, text_of
from upload import EICAR, get, got, put, slot
from wardroom_test import Instance, Tap, until
from xeps import mam

dice = random.Random(20261124)
LIB = ctypes.CDLL(_ssl.__file__)	# the library that Python itself is linked with
LIB.EVP_CIPHER_CTX_new.restype = LIB.EVP_aes_256_gcm.restype = ctypes.c_void_p


def seal(plain, n_iv=12):
    """What a client uploads, and the fragment of its link."""
    key, iv = dice.randbytes(32), dice.randbytes(n_iv)
    c, n = ctypes.c_void_p(LIB.EVP_CIPHER_CTX_new()), ctypes.c_int()
    out, tag = ctypes.create_string_buffer(len(plain) + 16), ctypes.create_string_buffer(16)
    gcm = ctypes.c_void_p(LIB.EVP_aes_256_gcm())
    check(LIB.EVP_EncryptInit_ex(c, gcm, None, None, None) == 1 and LIB.EVP_CIPHER_CTX_ctrl(c, 0x9, n_iv, None) == 1 and
          LIB.EVP_EncryptInit_ex(c, None, None, key, iv) == 1 and LIB.EVP_EncryptUpdate(c, out, ctypes.byref(n), plain, len(plain)) == 1 and
          LIB.EVP_EncryptFinal_ex(c, None, ctypes.byref(n)) == 1 and LIB.EVP_CIPHER_CTX_ctrl(c, 0x10, 16, tag) == 1, "AES-GCM")
    LIB.EVP_CIPHER_CTX_free(c)
    return out.raw[:len(plain)] + tag.raw, (iv + key).hex()


def whole(el):
    return ET.tostring(el, encoding="unicode")


def packed(name, content):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as z:
        z.writestr(name, content)
        z.writestr("more.txt", " ".join(dice.choice(("the", "minutes", "of", "a", "long", "meeting")) for _ in range(3000)))
    return b.getvalue()


def bring(c, name, plain, n_iv=12):
    """Uploads it; returns its address and its link with the key."""
    body, fragment = seal(plain, n_iv)
    url, _ = slot(c, name, len(body), "application/octet-stream")
    c.clear()
    status, answer = put(c.server, url, body, "application/octet-stream")
    check(status == 201, f"PUT {status} {answer}")
    got(c, "answer me with the file's link")
    check(get(c.server, url)[0] == 403, "it can be loaded")
    return url, "aesgcm" + url[5:] + "#" + fragment


def everything(top):
    """All bytes in the files of an instance, and its logs."""
    for folder, _, names in os.walk(top):
        for n in names:
            path = os.path.join(folder, n)
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    yield path, f.read()


def released(tap):
    """A message that was sent while nobody had looked, and failed when the file was held."""
    with Instance(users=["anna", "bob"], https=True, start=False) as server:
        clamd = FakeClamd(os.path.join(server.top, "clamd"))
        server.extra = f"scanner:\n  clamd: {clamd.path}\n"
        server.write_config()
        server.start()
        policy(server)
        anna, bob = (Client(server, n, resource="r").login(presence=True) for n in ("anna", "bob"))
        befriend(anna, bob)

        def goes_on():
            body, fragment = seal(packed("plan.txt", "The plan for August."))
            url, _ = slot(anna, "august.zip", len(body), "application/octet-stream")
            t = threading.Thread(target=lambda: put(server, url, body, "application/octet-stream"))
            t.start()
            until(lambda: get(server, url)[0] == 503, 10, "the file is there")
            anna.message(bob.bare, f"the plan {url}", id="r1")
            anna.settle()
            anna.clear()
            clamd.start()
            got(anna, "answer me with the file's link", timeout=40)
            anna.expect(lambda e: e.get("id") == "r1" and e.get("type") == "error", what="an error", timeout=20)
            t.join(20)
            bob.settle()
            check(not [e for e in bob.inbox if "the plan" in whole(e)], "it has arrived")
            anna.message(f"guard@{server.domain}", f"aesgcm{url[5:]}#{fragment}")
            got(bob, "the plan", timeout=30)
            check(get(server, url)[0] == 200, "it cannot be loaded")
        tap.run("a message that had failed because of it goes on with it", goes_on)
        clamd.stop()


def policy(server):
    new = os.path.join(server.top, "new-policy.yaml")
    with open(new, "w", encoding="utf-8") as f:
        f.write("files:\n  encrypted_uploads: key\n")
    server.cli("policy", "apply", new)


def main():
    tap = Tap("uploads with a key")
    with Instance(users=["anna", "bob"], https=True) as server:
        policy(server)
        anna, phone, bob = (Client(server, n, resource=r).login(presence=True) for n, r in (("anna", "a"), ("anna", "p"), ("bob", "b")))
        befriend(anna, bob)
        phone.iq("set", "<enable xmlns='urn:xmpp:carbons:2'/>")
        bot = f"guard@{server.domain}"
        links = []

        def clean():
            for n_iv, name in ((12, "plan.zip.aesgcm"), (16, "notes")):
                url, link = bring(anna, name, packed("plan.txt", "The plan for May."), n_iv)
                links.append(link)
                anna.message(bob.bare, f"early {link}", id="k1")
                el = anna.expect(lambda e: e.get("id") == "k1" and e.get("type") == "error", what="an error")
                check(error_of(el) == ("policy-violation", "modify") and "held" in text_of(el), text_of(el))
                phone.clear()
                anna.message(bot, f"here it is: {link}")
                got(anna, "looked into with your key and let go", timeout=20)
                check(get(server, url)[0] == 200, "it cannot be loaded")
                phone.settle()
                check([e for e in phone.inbox if "its key was not kept" in whole(e)], "the other device was not told of the answer")
                check(not [e for e in phone.inbox if link.split("#")[1] in whole(e)], "the other device was sent the key")
                bob.clear()
                anna.message(bob.bare, f"now {url}")
                got(bob, "now ")
            one = [f for f in server.json("file", "list")["files"] if f["name"] == "notes"][0]
            story = server.json("file", "show", one["id"])["story"]
            check(any(s["by"] == "the sender's key" and s["what"].startswith("served: looked into") for s in story), f"story {story}")
            server.cli("file", "rescan", one["id"])
            check(get(server, url)[0] == 200, "a second look forgets it")
        tap.run("a harmless file goes when its sender gives the key, with either length of IV", clean)

        def harmful():
            url, link = bring(anna, "fine.zip", packed("fine.com", EICAR))
            links.append(link)
            anna.message(bot, link)
            el = got(anna, "It stays held", timeout=20)
            check("EICAR" in body_of(el), body_of(el))
            check(get(server, url)[0] == 403, "it can be loaded")
            one = [f for f in server.json("file", "list", "--state", "held")["files"] if f["name"] == "fine.zip"]
            check(one and "TEST_VIRUS" in one[0]["facts"], f"list {one}")
            anna.clear()
            anna.message(bot, link)
            got(anna, "no link to a file of yours")
        tap.run("what is found within stays held, for an officer", harmful)

        def wrong():
            url, link = bring(anna, "other.zip", packed("plan.txt", "The plan for June."))
            links.append(link)
            bad = link[:-1] + ("0" if link[-1] != "0" else "1")
            anna.message(bot, bad)
            got(anna, "does not fit", timeout=20)
            for text in (link[:-2], link.split("#")[0], link + "00"):
                anna.clear()
                anna.message(bot, text)
                got(anna, "no whole key")
            check(get(server, url)[0] == 403, "it can be loaded")
            bob.clear()
            bob.message(bot, link)
            got(bob, "no link to a file of yours")
            bob.clear()
            bob.message(bot, link.replace(link.split("/upload/")[1][:32], "0" * 32))
            got(bob, "no link to a file of yours")
            check(get(server, url)[0] == 403, "somebody else let it go")
            server.cli("file", "rescan")
            anna.clear()
            anna.message(bot, link)
            got(anna, "let go", timeout=20)
        tap.run("a wrong key, a cut link and somebody else's answer let nothing go", wrong)

        def forms():
            url, link = bring(anna, "form.zip", packed("plan.txt", "The plan for July."))
            links.append(link)
            fragment = link.split("#")[1]
            anna.send(f"<message to='{bot}' type='chat' id='x#{fragment}'><body>{link[:60]}<b xmlns='urn:x'/>{link[60:]}</body>"
                      f"<x xmlns='jabber:x:oob'><url>{link}</url></x><reference xmlns='urn:xmpp:reference:0' uri='{link}'/></message>")
            got(anna, "let go", timeout=20)
            check(get(server, url)[0] == 200, "it cannot be loaded")
        tap.run("the link may stand where clients put it", forms)

        def kept_nowhere():
            found, _ = mam(anna, f"<field var='with'><value>{bot}</value></field>", rsm="<max>100</max>")
            texts = [whole(m) for _, _, m in found]
            secrets = [link.split("#")[1] for link in links]
            check(len(secrets) == 5 and not [s for s in secrets for t in texts if s[-62:-2] in t], "a key is in the archive")
            check(any("its key was not kept" in t for t in texts), "the archive does not have the answers at all")
            server.stop()
            raw = [bytes.fromhex(s)[-32:] for s in secrets]
            for path, content in everything(server.top):
                for s, r in zip(secrets, raw):
                    check(r not in content and s[-62:-2].encode() not in content.lower(), f"a key is in {path}")
        tap.run("no key is in the archive, in a file or in a log", kept_nowhere)
    released(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
