#!/usr/bin/python3
"""Which client was seen doing what: a table from the results of the drivers.

    matrix.py [--write FILE] [LOG...]

Reads LOG, meson's testlog.json (build/meson-logs/testlog.json after ./check --full). --write puts the table between the two marks in FILE.
A cell names nothing but what a driver's case has shown in that run: yes, no (it failed), not run. Where a client has
no such thing the cell says so.
"""
import json
import re
import sys

COLUMNS = ["log in", "contact", "chat", "room", "bookmark", "avatar", "OMEMO", "after a cut"]
NONE = "(none)"			# the client has no such thing
PLUGIN = "(no package)"		# an extension of the client's that Debian does not have
LIBRARY = "(library)"		# the program of the test does not do it; the library leaves it to its user
# client, version: for each column a case's words in a driver, or why there is none.
ROWS = [
    ("Gajim 1.7.3", "interop/gajim", ["logs in", "adds a contact", "chats both ways", "makes a room", "bookmark of the room", "publishes a picture",
                                      "two Gajims chat with OMEMO", "resumes after"]),
    ("Dino 0.4.2", "interop/dino", ["logs in", "adds a contact", "chats both ways", "joins a room", "finds the room by its bookmark", "fetches the colleague's",
                                    "two Dinos chat with OMEMO", "comes back after"]),
    ("Converse.js 14.0", "browser/converse", ["signs in", "adds a contact", "chats both ways", "speak in a room", "bookmark of the room", "publishes a picture",
                                              "chat with OMEMO", "comes back after"]),
    ("profanity 0.13.1", ["interop/profanity_omemo", "interop/profanity"], ["log in", "add each other", "they chat both ways", "meet in a room", "bookmark of the room", "publishes a picture",
                                                     "chat with OMEMO", "comes back by itself"]),
    ("poezio 0.14", "interop/poezio", ["logs in", "adds a contact", "chats both ways", "joins a colleague's room", "keeps a bookmark", "fetches the colleague's",
                                       PLUGIN, "comes back after"]),
    ("mcabber 1.1.2", "interop/mcabber", ["logs in", "adds a contact", "chats both ways", "makes a room", "bookmark of the room", NONE, NONE, "comes back after"]),
    ("finch 2.14 (libpurple)", "interop/finch", ["logs in", "answers a request", "chats both ways", "is in its room", NONE, "fetches the colleague's",
                                                 "(plugin, not tried)", "comes back after"]),
    ("slixmpp 1.8", ["interop/slixmpp_two", "interop/slixmpp_pep", "interop/slixmpp_rooms"],
     ["both log in", "they add each other", "they chat both ways", "make and configure a room", "bookmarks are the same", "avatar is published", PLUGIN,
      "cut connection is resumed"]),
    ("xmpp.js 0.14", "browser/xmppjs", ["signs in", "adds a contact", "chats both ways", "speak in a room", LIBRARY, LIBRARY, LIBRARY, "resumes after"]),
    ("go-sendxmpp 0.5", "interop/go_sendxmpp", ["sends a message (STARTTLS)", NONE, "listens and prints", "posts to a room", NONE, NONE, NONE, NONE]),
    ("libstrophe 0.12", "interop/libstrophe", ["logs in with SCRAM", LIBRARY, "logs in with SCRAM", LIBRARY, LIBRARY, LIBRARY, LIBRARY, LIBRARY]),
    ("gloox 1.0.24", "interop/gloox", ["logs in with SCRAM", LIBRARY, "gloox chats", "hears and speaks in the room", LIBRARY, LIBRARY, LIBRARY, LIBRARY]),
]
MARKS = "<!-- matrix.py begins -->", "<!-- matrix.py ends -->"


def results(paths):
    """{driver: [(good, name of the case)]}"""
    out = {}
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as f:
            lines = f.readlines()
        for line in lines:
            t = json.loads(line)
            cases = re.findall(r"^(ok|not ok) \d+ - (.*)$", t.get("stdout") or "", re.M)
            out[t["name"].split(" / ")[-1]] = [(v == "ok" and "# SKIP" not in n, n) for v, n in cases]
    return out


def cell(seen, drivers, words):
    if words.startswith("("):
        return words.strip("()")
    for d in [drivers] if isinstance(drivers, str) else drivers:
        for good, name in seen.get(d, []):
            if words in name:
                return "yes" if good else "**no**"
    return "not run"


def table(seen):
    lines = ["| client | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, drivers, words in ROWS:
        lines.append(f"| {name} | " + " | ".join(cell(seen, drivers, w) for w in words) + " |")
    return "\n".join(lines)


def main():
    args = sys.argv[1:]
    path = args.pop(args.index("--write") + 1) if "--write" in args else None
    args = [a for a in args if a != "--write"]
    text = table(results(args or ["build/meson-logs/testlog.json"]))
    if not path:
        print(text)
        return
    with open(path, encoding="utf-8") as f:
        doc = f.read()
    head, rest = doc.split(MARKS[0], 1)
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"{head}{MARKS[0]}\n{text}\n{MARKS[1]}{rest.split(MARKS[1], 1)[1]}")


if __name__ == "__main__":
    main()
