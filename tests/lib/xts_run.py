"""Runs one protocol script against a back end; says what failed so that nobody has to run it again to see."""
import base64
import json
import re
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

import xts_match
from rawxmpp import BIND, CARBONS, CLIENT, ROSTER, SM, STREAM, TLS, befriend, q
from rawserver import DIALBACK_FEATURE
from wardroom_test import PASSWORD, PATIENCE_XTS, Failed, one_line
from xts_session import by_old_profile, by_sasl2

LAST = 8		# stanzas of a session that a failure shows
NICKNAME = {"{%s}%s" % (CLIENT, n) for n in ("message", "iq", "presence")}


class Skip(Exception):
    """This back end cannot."""


class StepFailed(Exception):
    def __init__(self, why, expected=(), came=()):
        super().__init__(why)
        self.expected, self.came = expected, came


class Logged(list):
    """An inbox that remembers."""

    def __init__(self, log):
        super().__init__()
        self.log = log

    def append(self, el):
        self.log.append(("<", " ".join(x.strip() for x in xts_match.pretty(el))))
        super().append(el)


def kind(el, pattern=False):
    """What may stand for one another: a message for a message, an answer for the answer with its id, a request for one in
    its namespace. Something else of the same kind than what is expected is a failure; other kinds wait."""
    name = el.tag.split("}")[1]
    if el.tag == q(CLIENT, "iq"):
        if el.get("type") in ("get", "set"):
            return "request", el[0].tag[1:].split("}")[0] if len(el) else ""
        return "answer", el.get("id")
    if el.tag == q(CLIENT, "message"):
        return "message", "headline" if el.get("type") == "headline" else ""
    if el.tag == q(CLIENT, "presence"):
        return "presence", el.get("id") if pattern and el.get("type") == "error" else None
    return name, None


class Run:
    def __init__(self, script, world):
        self.script, self.world = script, world
        self.env, self.sessions, self.step = {}, {}, None
        self.names = world.names(script)
        for u in script.users:
            name = self.names[u].split("@")[0]
            self.names["name" + u] = name
            self.names["plain" + u] = base64.b64encode(f"\0{name}\0{PASSWORD}".encode()).decode()
        self.names["password"] = PASSWORD
        self.names.update({c: f"{c}.{self.names['domain']}" for c in script.components})
        self.names.update({c: f"{c}.test" for c in script.servers})

    # --- names ---

    def dollars(self, text):
        def name(m):
            if m[1] not in self.names:
                raise StepFailed(f"${m[1]} is nobody: users, rooms, $domain, $rooms, $pubsub")
            return self.names[m[1]]
        return re.sub(r"\$([a-z]+)", name, text)

    def fill(self, text):
        def name(m):
            if m[1] not in self.env:
                raise StepFailed(f"{{{m[1]}}} has not been captured")
            return escape(self.env[m[1]], {"'": "&apos;", '"': "&quot;"})
        return re.sub(r"\{([a-z][a-z0-9_]*)\}", name, self.dollars(text))

    def parse(self, text):
        try:
            return xts_match.parse(text)
        except ET.ParseError as e:
            raise StepFailed(f"not well-formed in the script: {e}") from None

    # --- sessions ---

    def session(self, who):
        if who not in self.sessions:
            raise StepFailed(f"{who} has not connected")
        return self.sessions[who]

    def new(self, who, options=(), accepted=False):
        user, _, resource = who.partition("/")
        if user in self.script.components:
            c = self.world.gate(self.names[user])
        elif user in self.script.servers:
            c = self.world.accept(user) if accepted else self.world.elsewhere(user, "no certificate" not in options)
        else:
            c = self.world.client(self.names[user].split("@")[0], resource or "home", "websocket" in options)
        old = self.sessions.get(who)
        c.log = old.log if old else []
        c.inbox = Logged(c.log)
        self.sessions[who] = c
        send = getattr(c, "say_all", c.send)

        def logged(data):
            c.log.append((">", data if isinstance(data, str) else data.decode("utf-8", "replace")))
            send(data)
        c.say = logged
        return c

    @staticmethod
    def options(text, *known):
        wishes = [o.strip() for o in (text or "").split(",") if o.strip()]
        if set(wishes) - set(known):
            raise StepFailed(f"options here are {', '.join(sorted(known))}")
        return wishes

    def is_person(self, who):
        return who.split("/")[0] in self.script.users

    def remember(self, who, what, value):
        self.env[who.replace("/", "_") + "_" + what] = value or ""

    def connects(self, who, options):
        if not self.is_person(who):
            self.others_connect(who, options)
            return
        wishes = self.options(options, "no presence", "no roster", "no bind", "sm", "sm by hand", "carbons", "websocket")
        c = self.new(who, wishes)
        c.login(bind="no bind" not in wishes)
        if "no bind" in wishes:
            c.clear()
            return
        if "sm" in wishes or "sm by hand" in wishes:
            c.sm_auto = "sm by hand" not in wishes
            c.sm_enable()
        if "carbons" in wishes:
            c.iq("set", f"<enable xmlns='{CARBONS}'/>")
        if "no roster" not in wishes:
            c.iq("get", f"<query xmlns='{ROSTER}'/>")
        if "no presence" not in wishes:
            c.stanza("<presence/>")
            c.expect(name="presence", frm=c.jid, what="own presence")
        c.settle().clear()

    def others_connect(self, who, options):
        """A component up to its handshake, another server up to where its certificate has been taken."""
        wishes = self.options(options, "bidi", "direct")
        c = self.new(who, wishes)
        if who.split("/")[0] in self.script.components:
            c.login().settle()
        else:
            c.trusted("direct" in wishes, "bidi" in wishes)
            self.remember(who, "id", c.id)
        c.clear()

    def opens(self, who, options):
        """A stream before login: its features (a component's: its header) wait to be looked at."""
        wishes = self.options(options, "plain", "starttls", "direct", "no certificate", "websocket")
        c = self.new(who, wishes)
        if who.split("/")[0] in self.script.components:
            header = c.open()
            c.inbox.insert(0, header)
            self.remember(who, "handshake", c.handshake())
        elif "plain" in wishes:
            self.world.needs_tls(c)
            c.connect()
            c.inbox.insert(0, c.restart())
        else:
            c.secure("direct" in wishes if who in self.script.servers else "starttls" not in wishes)
            c.inbox.insert(0, c.features)
        self.remember(who, "id", c.splitter.header.get("id"))

    def accepts(self, who, options):
        """The server comes to another one, which offers EXTERNAL (and bidi), or dialback alone."""
        wishes = self.options(options, "bidi", "dialback")
        if "dialback" in wishes:
            c = self.new(who, accepted=True).secured(f"<dialback xmlns='{DIALBACK_FEATURE}'/>")
        else:
            c = self.new(who, accepted=True).trusts("bidi" in wishes)
        self.remember(who, "id", c.id)

    def begins_anew(self, who):
        c = self.session(who)
        c.inbox.append(c.restart())

    def signs_in(self, who, mechanism, options):
        c = self.session(who)
        c.clear()
        by_old_profile(c, mechanism, next(iter(self.options(options, "tls-exporter", "tls-server-end-point")), None))

    def signs_in_by_sasl2(self, who, mechanism, options, block=""):
        c = self.session(who)
        c.begin_signing_in()
        c.clear()
        self.remember(who, "offered", c.offered_hash(mechanism))
        by_sasl2(c, mechanism, next(iter(self.options(options, "tls-exporter", "tls-server-end-point")), None), self.fill(block))

    def performs(self, who, task):
        self.session(who).perform(task)

    def tls_is(self, who, version, alpn):
        tls = self.session(who).tls
        if tls is None:
            raise StepFailed("there is no TLS", [f"{version} {alpn}"])
        got = f"{tls.version()} {tls.selected_alpn_protocol()}"
        if got != f"{version} {alpn}":
            raise StepFailed("another TLS", [f"{version} {alpn}"], [got])

    def disconnects(self, who):
        c = self.session(who)
        c.goodbye()

    def is_cut(self, who):
        c = self.session(who)
        c.cut()

    def resumes(self, who):
        old = self.session(who)
        c = self.new(who)
        c.login(bind=False)
        if not c.resume(old):
            raise StepFailed("not resumed", came=xts_match.pretty(c.sm_answer))

    def friends(self, who, other):
        befriend(self.session(who), self.session(other))

    def joins(self, who, room, nick):
        c, jid = self.session(who), self.names[room]
        c.stanza(f"<presence to='{jid}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
        user = q("http://jabber.org/protocol/muc#user", "x")
        me = c.expect(lambda e: e.tag == q(CLIENT, "presence") and e.get("from") == f"{jid}/{nick}"
                      and any(s.get("code") == "110" for s in e.iter(q("http://jabber.org/protocol/muc#user", "status"))),
                      what="own presence in the room", timeout=PATIENCE_XTS)
        if any(s.get("code") == "201" for s in me.find(user)):
            c.iq("set", "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query>", to=jid)
        else:
            c.expect(lambda e: e.find(q(CLIENT, "subject")) is not None and e.get("from", "").startswith(jid), what="the subject")
        for s in self.sessions.values():
            if s.jid and not s.eof:
                s.settle()
        c.clear()

    # --- stanzas ---

    def sends(self, who, block):
        c, text = self.session(who), self.fill(block)
        count = sum(1 for e in self.parse(text) if e.tag in NICKNAME)
        if c.sm_sending and count:
            c.sm_sent += count - 1
            c.log.append((">", text))
            c.stanza(text)
        else:
            c.say(text)

    def sends_raw(self, who, block):
        self.session(who).say(self.fill(block))

    def receives(self, who, block, how):
        c = self.session(who)
        pending = self.parse(self.dollars(block))
        now, nearest = c.now, None
        end = now() + PATIENCE_XTS * self.world.slow
        while True:
            i = 0
            while i < len(c.inbox) and pending:
                el = c.inbox[i]
                tries = pending[:1] if how == "in order" else pending
                whys = []
                for p in tries:
                    env, why = xts_match.match(p, el, self.env)
                    if env is not None:
                        self.env = env
                        pending.remove(p)
                        c.inbox.pop(i)
                        i = 0
                        break
                    whys.append((why.far, why.text, p))
                else:
                    best = max(whys, key=lambda w: w[0])
                    if nearest is None or best[0] >= nearest[0]:
                        nearest = (*best, el)
                    if self.strict(el, pending, how):
                        raise StepFailed(best[1], xts_match.pretty(best[2]), xts_match.pretty(el))
                    i += 1
            if not pending:
                return
            left = end - now()
            if left <= 0 or c.eof:
                what = "the connection has ended" if c.eof else "did not come"
                if nearest and kind(nearest[3])[0] == kind(pending[0], True)[0]:
                    raise StepFailed(f"{what}; nearest: {nearest[1]}", xts_match.pretty(pending[0]), xts_match.pretty(nearest[3]))
                raise StepFailed(what, xts_match.pretty(pending[0]))
            c.pump(min(left, 1.0))

    def strict(self, el, pending, how):
        """Is this a failure where these are expected?"""
        if how == "eventually":
            return False
        if how == "only":
            return True
        k = kind(el)
        if k[0] == "presence":
            return False
        for p in pending:
            want = kind(p, True)
            if want[0] == k[0] and (want[1] == k[1] or want[0] == "answer" and (want[1] is None or "{" in want[1])):
                return True
        return False

    def settle(self):
        """What anybody has sent is through the store and delivered: the store works in order."""
        alive = [c for c in self.sessions.values() if c.jid and not c.eof]
        for _ in range(2):
            for c in alive:
                c.iq("get", "<vCard xmlns='vcard-temp'/>")
        for c in alive:
            c.settle()
        for c in self.sessions.values():
            if not c.jid and not c.eof:		# not signed in: what it was told is here soon
                c.pump(0.2)

    def receives_nothing(self, who):
        c = self.session(who)
        self.settle()
        for el in c.inbox:
            if el.tag != q(CLIENT, "presence"):
                raise StepFailed("something came", ["nothing"], xts_match.pretty(el))

    def receives_no(self, who, block):
        c = self.session(who)
        self.settle()
        for p in self.parse(self.dollars(block)):
            for el in c.inbox:
                if xts_match.match(p, el, self.env)[0] is not None:
                    raise StepFailed("this ought not to come", ["no", *xts_match.pretty(p)], xts_match.pretty(el))

    def forgets(self, who):
        self.settle()
        self.session(who).clear()

    def ends_with(self, who, condition):
        got = self.session(who).stream_error()
        if got[0] != condition:
            raise StepFailed("another stream error", [condition], [got[0]])

    def ends(self, who):
        c = self.session(who)
        if not c.wait_end(PATIENCE_XTS):
            raise StepFailed("the connection stays open")

    # --- the web ---

    def web(self, method, path, status, block):
        """A block of headers, an empty line, the body as XML or JSON."""
        head, _, body = block.partition("\n\n")
        if head.lstrip()[:1] in "<{":
            head, body = "", block
        got_status, got_head, got_body = self.world.web(method, self.dollars(path))
        if str(got_status) != status:
            raise StepFailed("another status", [status], [str(got_status)])
        for line in filter(None, (x.strip() for x in head.split("\n"))):
            name, _, want = line.partition(":")
            env = xts_match.fits(self.dollars(want.strip()), got_head.get(name.lower(), ""), self.env)
            if env is None:
                raise StepFailed("another header", [line], [f"{name}: {got_head.get(name.lower())}"])
            self.env = env
        if body.strip():
            self.web_body(self.dollars(body.strip()), got_body)

    def web_body(self, want, got):
        if want.startswith("<"):
            pattern = self.parse(want)[0]
            env, why = xts_match.match(pattern, xts_match.ET.fromstring(got), self.env)
            why, expected = why.text, xts_match.pretty(pattern)
        else:
            env, why = xts_match.match_json(json.loads(want), json.loads(got), self.env)
            expected = want.split("\n")
        if env is None:
            raise StepFailed(why, expected, got.decode("utf-8", "replace").split("\n"))
        self.env = env

    # --- the world ---

    def comes_back(self):
        """It was told to start anew by itself."""
        self.all_ended()
        self.world.comes_back()

    def restart(self):
        self.world.restart()
        self.all_ended()

    def restart_with(self, block):
        self.world.restart(block + "\n")
        self.all_ended()

    def all_ended(self):
        for c in self.sessions.values():
            c.wait_end()
            c.close()

    def time(self, seconds):
        self.world.time(int(seconds))

    def operator(self, args):
        self.world.operator(self.dollars(args))

    # --- all of it ---

    def run(self):
        """Raises Failed with everything a reader needs, over several lines."""
        try:
            for self.step in self.script.steps:
                args = dict(self.step.args)
                if self.step.block:
                    args["block"] = self.step.block
                getattr(self, self.step.verb)(**args)
        except StepFailed as e:
            raise Failed(self.report(str(e), e.expected, e.came)) from None
        except Failed as e:
            raise Failed(self.report(str(e))) from None
        finally:
            for c in self.sessions.values():
                c.close()

    def report(self, why, expected=(), came=()):
        s, who = self.step, self.step.args.get("who")
        out = [f"{self.script.path}:{s.line}: {s.text}", f"why:  {one_line(why)}", f"rule: {self.script.rule}"]
        if expected:
            out += ["expected:", *("  " + x for x in expected)]
        if came:
            out += ["came:", *("  " + x for x in came)]
        c = self.sessions.get(who)
        if c is not None and c.log:
            out += [f"the last of {who} (> sent, < received):", *(f"  {d} {one_line(t, 500)}" for d, t in c.log[-LAST:])]
        for k in self.names:
            if who and k == who.split("/")[0]:
                out.append(f"${k} is {self.names[k]}")
        return "\n".join(out)


__all__ = ["BIND", "SM", "STREAM", "Run", "Skip"]
