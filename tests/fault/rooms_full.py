#!/usr/bin/env python3
"""The disk is full: what changes a room is refused, and nobody is told of it; there is room again, and it is done.

A room that answered, or told its occupants, before the change is on disk would lose it with the next power cut.
"""
import base64
import os
import subprocess
import sys
import tempfile
from xml.etree import ElementTree

import faults_util  # noqa: F401 - finds tests/lib
from disk_full import fill
from pictures import png
from rawxmpp import CLIENT, DATA, Client, check, error_of
from wardroom_test import Instance, Tap, skip_all, until

SIZE = 48
MUC, USER = "http://jabber.org/protocol/muc", "http://jabber.org/protocol/muc#user"
OWNER, REGISTER = "http://jabber.org/protocol/muc#owner", "jabber:iq:register"
CARD = f"<vCard xmlns='vcard-temp'><PHOTO><BINVAL>{base64.b64encode(png(b'', 11700)).decode()}</BINVAL></PHOTO></vCard>"


def text_of(el):
    return ElementTree.tostring(el, encoding="unicode")


def main():
    top = tempfile.mkdtemp(prefix="wardroom-rooms-")
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}m,mode=0700", "tmpfs", top], capture_output=True).returncode:
        os.rmdir(top)
        skip_all("mounting a small tmpfs is not permitted here")
    tap = Tap("rooms on a full disk")
    try:
        run(tap, top)
    finally:
        subprocess.run(["umount", "-l", top], capture_output=True)
        os.rmdir(top)
    return tap.end()


def register(nick):
    return (f"<query xmlns='{REGISTER}'><x xmlns='{DATA}' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field>"
            f"<field var='muc#register_roomnick'><value>{nick}</value></field></x></query>")


def invite(whom):
    return f"<x xmlns='{USER}'><invite to='{whom}'/></x>"


def run(tap, top):
    filler = os.path.join(top, "filler")
    i = Instance(users=("a", "b", "c"), at=top)
    a, b, c = (Client(i, u, resource="r").login(presence=True) for u in "abc")
    room = f"hall@rooms.{i.domain}"

    def join(who, nick):
        who.send(f"<presence to='{room}/{nick}'><x xmlns='{MUC}'/></presence>")
        who.expect(lambda e: e.find(f"{{{CLIENT}}}subject") is not None, name="message")

    def form(**fields):
        inner = "".join(f"<field var='muc#roomconfig_{k}'><value>{v}</value></field>" for k, v in fields.items())
        return f"<query xmlns='{OWNER}'><x xmlns='{DATA}' type='submit'>{inner}</x></query>"

    try:
        join(a, "ann")
        check(a.iq("set", form(persistentroom=1, membersonly=1, roomadmins=b.bare), to=room).get("type") == "result", "no room")
        join(b, "ben")
        a.settle()
        b.settle()
        fill(filler)
        state = {"n": 0}

        def is_full():
            for _ in range(20):
                state["n"] += 1
                a.message(b.bare, "x" * 5000, id=f"f{state['n']}")
            a.settle()
            found = [e for e in a.inbox if e.get("type") == "error"]
            a.clear()
            return len(found) == 20
        until(is_full, 20, "messages refused for want of room", 0.1)
        for x in (a, b, c):
            x.settle()
            x.clear()

        def refused(el, what):
            check(el.get("type") == "error" and error_of(el)[1] == "wait", f"{what}: {text_of(el)}")

        def quiet(what):
            for x in (b, c):
                x.settle()
                told = [text_of(e) for e in x.inbox if (e.get("from") or "").startswith(room)]
                check(not told, f"{what} is told of though it is not on disk: {told[:1]}")

        def topic():
            a.send(f"<message to='{room}' type='groupchat' id='t1'><subject>{'lost ' * 700}</subject></message>")
            refused(a.expect(name="message", id="t1"), "the topic")
            quiet("a topic")
        tap.run("a topic is refused, and nobody sees it", topic)

        def picture():
            refused(a.iq("set", CARD, to=room), "the picture")
            quiet("a picture")
            check("avatarhash" not in text_of(a.iq("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=room)), "its hash is shown")
        tap.run("a picture is refused, and its hash is not shown", picture)

        def nick():
            refused(b.iq("set", register("benjamin" * 20), to=room), "a nick")
        tap.run("a kept nick is refused", nick)

        def invited():
            a.send(f"<message to='{room}' id='i1'>{invite(c.bare)}</message>")
            refused(a.expect(name="message", id="i1"), "an invitation")
            quiet("an invitation")
            c.send(f"<presence to='{room}/cat'><x xmlns='{MUC}'/></presence>")
            p = c.expect(name="presence", type="error")
            check(error_of(p)[0] == "registration-required", f"a member by an invitation that was refused: {text_of(p)}")
        tap.run("an invitation that makes a member is refused, and makes none", invited)

        def destroyed():
            refused(a.iq("set", f"<query xmlns='{OWNER}'><destroy/></query>", to=room), "the end of the room")
            quiet("the room's end")
            el = b.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=f"{room}/ben")
            check(el.get("type") == "result", f"the room is gone though its end is not on disk: {text_of(el)}")
        tap.run("the end of a room is refused, and it goes on", destroyed)

        def again():
            os.unlink(filler)

            def accepted():
                a.send(f"<message to='{room}' type='groupchat' id='t2'><subject>kept</subject></message>")
                m = a.expect(lambda e: e.get("id") == "t2", name="message")
                return m.get("type") != "error"
            until(accepted, 20, "a topic accepted again", 0.5)
            b.expect(lambda e: e.findtext(f"{{{CLIENT}}}subject") == "kept", name="message")
            check(a.iq("set", CARD, to=room).get("type") == "result", "no picture")
            check(b.iq("set", register("benjamin"), to=room).get("type") == "result", "no nick")
            a.send(f"<message to='{room}'>{invite(c.bare)}</message>")
            c.expect(lambda e: e.find(f"{{{USER}}}x/{{{USER}}}invite") is not None, name="message")
        tap.run("there is room again: all is done", again)

        def lasting():
            i.kill9()
            for x in (a, b, c):
                x.close()
            i.start()
            d = Client(i, "c", resource="r").login(presence=True)
            d.send(f"<presence to='{room}/cat'><x xmlns='{MUC}'/></presence>")
            m = d.expect(lambda e: e.find(f"{{{CLIENT}}}subject") is not None, name="message")
            check(m.findtext(f"{{{CLIENT}}}subject") == "kept", text_of(m))
            el = d.iq("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=room)
            check("avatarhash" in text_of(el), f"the picture is lost: {text_of(el)}")
            el = Client(i, "b").login().iq("get", f"<query xmlns='{REGISTER}'/>", to=room)
            check("benjamin" in text_of(el), f"the nick is lost: {text_of(el)}")
        tap.run("what was answered is there after SIGKILL", lasting)

        def ended():
            d = Client(i, "a").login()
            check(d.iq("set", f"<query xmlns='{OWNER}'><destroy/></query>", to=room).get("type") == "result", "not destroyed")
            i.kill9()
            d.close()
            i.start()
            el = Client(i, "b").login().iq("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=room)
            check(error_of(el) and error_of(el)[0] == "item-not-found", f"a destroyed room is back: {text_of(el)}")
        tap.run("a room whose end was answered does not come back after SIGKILL", ended)
    finally:
        i.stop(5)


if __name__ == "__main__":
    sys.exit(main())
