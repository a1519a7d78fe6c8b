#!/usr/bin/env python3
"""A link is looked at wherever a client may show or open it: in a second body, in the text of markup, in an image,
a reference, out-of-band data and in elements nobody knows. Three copies go, the other two are held."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from rawxmpp import Client, body_of, check  # noqa: E402
from wardroom_test import Instance, Tap  # noqa: E402

HTML = "<body>hi</body><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>%s</body></html>"
PLACES = {
    "the body": "<body>look at this http://photo-share.test/%d</body>",
    "a second body": "<body>hi</body><body xml:lang='de'>look at this http://photo-share.test/%d</body>",
    "the subject": "<subject>http://photo-share.test/%d</subject><body>hi</body>",
    "text of markup, in pieces": HTML % "<p>look http://pho<b>to-sh</b>are.test<br/>%d</p>",
    "a link of markup": HTML % "<a href='http://photo-share.test/%d'>look</a>",
    "an image of markup": HTML % "<img src='http://photo-share.test/%d' alt='x'/>",
    "a reference": "<body>hi</body><reference xmlns='urn:xmpp:reference:0' type='data' uri='http://photo-share.test/%d'/>",
    "out-of-band data": "<body>hi</body><x xmlns='jabber:x:oob'><url>http://photo-share.test/%d</url></x>",
    "an unknown element": "<body>hi</body><card xmlns='x:y'><place>http://photo-share.test/%d</place></card>",
}
PEOPLE = ["bob", "carol", "dave", "eve", "frank"]


def place(server, i, payload):
    sender = Client(server, f"anna{i}").login(presence=True)
    receivers = [Client(server, f"{name}{i}").login(presence=True) for name in PEOPLE]
    for n, r in enumerate(receivers):
        sender.send(f"<message type='chat' to='{r.bare}' id='m{n}'>{payload % n}</message>")
    sender.settle()
    arrived = 0
    for r in receivers:
        r.settle()
        arrived += any(e.get("from", "").startswith("anna") and body_of(e) is not None for e in r.inbox)
        r.close()
    sender.close()
    check(arrived == 3, f"{arrived} of 5 arrived")


def main():
    tap = Tap("links in hidden places")
    for i, (name, payload) in enumerate(PLACES.items()):
        with Instance(users=[f"{who}{i}" for who in ["anna"] + PEOPLE]) as server:
            tap.run(f"a link in {name} counts", place, server, i, payload)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
