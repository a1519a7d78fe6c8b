#!/usr/bin/env python3
"""The many smaller specifications, each case named after the one whose rule it checks."""
import sys

from harness import check, error_of, q, text_of
from rawxmpp import CLIENT, Client, SaslFailure, befriend
from rfc6121 import Users
from wardroom_test import PASSWORD, Tap, new_server

REGISTER = "jabber:iq:register"
NEW = "violet envelope marmalade 7"


def refused(el, condition, etype=None):
    got = error_of(el)
    check(got is not None and got[0] == condition and (etype is None or got[1] == etype), f"wanted {condition}: {text_of(el)}")


def can_sign_in(server, user, password):
    try:
        Client(server, user, password).login().goodbye()
    except SaslFailure as e:
        check(e.condition == "not-authorized", f"SASL failure {e.condition}")
        return False
    return True


def change(user, password):
    return f"<query xmlns='{REGISTER}'><username>{user}</username><password>{password}</password></query>"


def register_tests(tap, users):
    server, d = users.server, users.server.domain

    def password():
        a = users.client(resource="one")
        other = users.client(a.user, resource="two")
        el = a.iq("set", change(a.user, NEW), to=d)
        check(el.get("type") == "result", text_of(el))
        check(other.wait_end(), "a session that knew the old password stays")
        check(a.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=d).get("type") == "result", "the session that asked has ended")
        check(not can_sign_in(server, a.user, PASSWORD), "the old password still opens the account")
        check(can_sign_in(server, a.user, NEW), "the new password does not open the account")
        kinds = [e["what"].get("event") for e in server.json("audit", "list")["entries"] if e["kind"] == "account"]
        check("password changed by its owner" in kinds, f"the record says {kinds}")
    tap.run("xep0077-password: a new one puts out who knew the old one (3.3)", password)

    def twice():
        a = users.client()
        for n in range(2):
            el = a.iq("set", change(a.user, f"{NEW} {n}"))	# without 'to', as some clients do
            check(el.get("type") == "result", text_of(el))
        check(not can_sign_in(server, a.user, f"{NEW} 0") and can_sign_in(server, a.user, f"{NEW} 1"), "not the last one holds")
    tap.run("xep0077-password: the last one holds, with and without 'to'", twice)

    def bad():
        a, b = users.client(), users.client()
        refused(a.iq("set", change(b.user, NEW), to=d), "not-allowed", "cancel")
        refused(a.iq("set", change("nobody-here", NEW), to=d), "not-allowed", "cancel")
        refused(a.iq("set", f"<query xmlns='{REGISTER}'><password>{NEW}</password></query>", to=d), "bad-request", "modify")
        refused(a.iq("set", f"<query xmlns='{REGISTER}'><username>{a.user}</username></query>", to=d), "bad-request", "modify")
        for weak in ("short", "password123", a.user + "1234", "1234567890"):
            el = a.iq("set", change(a.user, weak), to=d)
            refused(el, "not-acceptable", "modify")
            check("".join(el.itertext()).strip(), "no word about what is wrong with it")
        for name in (a.user, b.user):
            check(can_sign_in(server, name, PASSWORD), f"the password of {name} is another")
    tap.run("xep0077-password: nobody else's, and none that is too easy", bad)

    def elsewhere():
        a, b = users.pair()
        for c in (a, users.client()):
            for kind, inner in (("get", f"<query xmlns='{REGISTER}'/>"), ("set", change(b.user, NEW)),
                                ("set", f"<query xmlns='{REGISTER}'><remove/></query>")):
                refused(c.iq(kind, inner, to=b.bare), "service-unavailable")
        check(can_sign_in(server, b.user, PASSWORD), "changed")
    tap.run("xep0077-password: not through the address of another account", elsewhere)

    def fields():
        a = users.client()
        el = a.iq("get", f"<query xmlns='{REGISTER}'/>", to=d)
        got = {c.tag.split("}")[1]: c.text for c in el.find(q(REGISTER, "query"))}
        check(got == {"registered": None, "username": a.user, "password": None}, str(got))
        refused(a.iq("set", f"<query xmlns='{REGISTER}'><remove/></query>", to=d), "not-allowed", "cancel")
        check(can_sign_in(server, a.user, PASSWORD), "the account is gone")
    tap.run("xep0077-cancel: refused where the company gives accounts (3.2)", fields)

    def frozen():
        a = users.client()
        server.cli("user", "freeze", a.bare)
        refused(a.iq("set", change(a.user, NEW), to=d), "not-allowed")
        server.cli("user", "thaw", a.bare)
        check(can_sign_in(server, a.user, PASSWORD), "changed")
    tap.run("xep0077-password: not of a frozen account", frozen)


def open_tests(tap):
    """Where everybody may open an account, everybody may end his own."""
    with new_server(users=["a", "b"], extra="registration: open\n") as server:
        def removed():
            a = Client(server, "a", resource="one").login(presence=True)
            b = Client(server, "b").login(presence=True)
            befriend(a, b)
            el = a.iq("set", f"<query xmlns='{REGISTER}'><remove/></query>")
            check(el.get("type") == "result", text_of(el))
            check(a.stream_error()[0] == "not-authorized", "no stream error")
            check(not can_sign_in(server, "a", PASSWORD), "the account is still there")
        tap.run("xep0077-cancel: one's own account, where they are open (3.2)", removed)
        tap.run("xep0077: the server is well", server.assert_healthy)


def main():
    tap = Tap("small extensions")
    with new_server(users=[f"u{i}" for i in range(60)]) as server:
        users = Users(server, 60)
        register_tests(tap, users)
        tap.run("the server is well at the end", server.assert_healthy)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
