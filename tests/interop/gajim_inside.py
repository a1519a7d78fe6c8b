"""What runs inside Gajim: makes its account, then does by Gajim's own functions what its windows would call.

    gajim_inside.py HOME ACCOUNT-AS-JSON

Orders come in, events go out as lines of JSON. Nothing of Gajim is replaced.
"""
import base64
import json
import os
import sys
import threading
import traceback

home, account = sys.argv[1], json.loads(sys.argv[2])
sys.argv = ["gajim"]

from gajim import gajim  # noqa: E402
from gajim.common import app, ged, settings  # noqa: E402

gajim._check_required_deps()
from gi.repository import GLib  # noqa: E402
from nbxmpp.modules.user_avatar import Avatar  # noqa: E402
from nbxmpp.protocol import JID  # noqa: E402

A = "acc"
out = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")


def say(event, **more):
    out.write(json.dumps({"event": event, **more}) + "\n")


def answer(order, value):
    say("answer", do=order["do"], value=value)


def client():
    return app.get_client(A)


def module(name):
    return client().get_module(name)


def contact(jid):
    return module("Contacts").get_contact(jid)


ready = settings.Settings.init


def init(self):
    ready(self)
    if A in self.get_accounts():
        return
    self.set("use_keyring", False)
    self.set("remote_control", False)
    self.add_account(A)
    for k, v in {"account_label": A, "savepass": True, "use_custom_host": True, "autoconnect": True, "active": True, **account}.items():
        self.set_account_setting(A, k, v)
    self.set_plugin_setting("omemo", "active", True)


settings.Settings.init = init


def do_add(o):
    module("Presence").subscribe(o["to"], auto_auth=True)


def do_allow(o):
    module("Presence").subscribed(o["to"])


def do_say(o):
    from gajim.common.structs import OutgoingMessage
    who = contact(o["to"])
    client().send_message(OutgoingMessage(account=A, contact=who, message=o["body"], type_="groupchat" if who.is_groupchat else "chat"))


def do_show(o):
    answer(o, {"show": str(contact(o["of"]).show.value), "subscription": contact(o["of"]).subscription})


def do_join(o):
    module("MUC").join(o["to"], nick=o["nick"])


def do_create(o):
    module("MUC").create(o["to"], {"muc#roomconfig_persistentroom": True, **o.get("config", {})})


def do_in_room(o):
    who = contact(o["of"])
    answer(o, {"joined": bool(who.is_groupchat and who.is_joined), "nicks": sorted(module("MUC").get_joined_users(o["of"]))
               if who.is_groupchat and who.is_joined else []})


def do_bookmark(o):
    module("Bookmarks").add_or_modify(JID.from_string(o["to"]), name=o["name"], autojoin=True, nick=o["nick"])


def do_bookmarks(o):
    answer(o, [{"jid": str(b.jid), "name": b.name, "autojoin": b.autojoin} for b in module("Bookmarks").bookmarks])


def published(task):
    """Held by a weak reference alone, so it stands here."""
    try:
        task.finish()
        say("published")
    except Exception as e:	# noqa: BLE001
        say("wrong", text=f"avatar: {e!r}")


def do_avatar(o):
    picture = Avatar()
    picture.add_image_source(base64.b64decode(o["png"]), "image/png", 1, 1)
    module("UserAvatar").set_avatar(picture, public=True, callback=published)


def do_avatar_of(o):
    answer(o, contact(o["of"]).avatar_sha)


def do_omemo(o):
    """As the button of the chat's window."""
    contact(o["to"]).settings.set("encryption", "OMEMO")
    omemo = module("OMEMO")
    answer(o, not omemo.are_keys_missing(o["to"]))


def do_state(o):
    answer(o, {"available": client().state.is_available, "jid": str(client().get_own_jid()), "features": sorted(
        n for n in ("MAM", "Carbons", "Blocking", "VCardTemp", "PEP", "PubSub") if getattr(module(n), "available", getattr(module(n), "supported", False)))})


def do_offline(o):
    client().change_status("offline", "")


def do_online(o):
    client().change_status("online", "")


def obey(line):
    order = json.loads(line)
    try:
        globals()["do_" + order["do"]](order)
    except Exception:	# noqa: BLE001
        say("wrong", text=traceback.format_exc()[-600:])
    return False


def listen():
    for line in sys.stdin:
        GLib.idle_add(obey, line)
    os._exit(0)


def message(e):
    enc = e.properties.encrypted
    say("message", frm=str(e.fjid), body=e.msgtxt, encrypted=enc.additional_data["name"] if enc else None)


def hook():
    if not getattr(app, "plugin_manager", None) or A not in app.settings.get_accounts():
        return True
    for name, handler in (
            ("message-received", message),
            ("gc-message-received", lambda e: say("room", frm=str(e.fjid), body=e.msgtxt)),
            ("mam-message-received", lambda e: say("archived", jid=str(e.jid), body=e.msgtxt)),
            ("account-connected", lambda e: say("connected", jid=str(client().get_own_jid()))),
            ("account-disconnected", lambda e: say("disconnected")),
            ("signed-in", lambda e: say("signed-in")),
            ("bookmarks-received", lambda e: say("bookmarks")),
            ("message-not-sent", lambda e: say("not-sent", error=str(e.error))),
            ("message-error", lambda e: say("error", error=str(e.error))),
            ("notification", lambda e: say("notification", type=e.type, title=e.title, text=e.text)),
            ("subscribe-presence-received", lambda e: say("asked", jid=e.jid))):
        app.ged.register_event_handler(name, ged.GUI2, handler)
    if os.environ.get("WARDROOM_XML"):
        for name in ("stanza-sent", "stanza-received"):
            app.ged.register_event_handler(name, ged.GUI2, lambda e: print(e.name, e.stanza, file=sys.stderr, flush=True))
    threading.Thread(target=listen, daemon=True).start()
    say("started", omemo=any(p.manifest.short_name == "omemo" for p in app.plugin_manager.active_plugins))
    return False


GLib.timeout_add(50, hook)
gajim.main()
