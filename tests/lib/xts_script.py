"""Reads protocol scripts (*.xts); HACKING.md shows one. Knows the grammar, runs nothing."""
import os
import re
import textwrap

HEADER = {"rule", "users", "rooms", "components", "servers", "only", "config"}
ROLES = {"new", "staff", "helpdesk", "officer", "auditor", "admin"}
WHO = r"(?P<who>[a-z]+(?:/[\w.-]+)?)"
OTHER = r"(?P<other>[a-z]+(?:/[\w.-]+)?)"
OPTIONS = r"(?: \((?P<options>[^)]*)\))?"
# verb, form, does a block follow?
FORMS = [(verb, re.compile("^" + form + "$"), block) for verb, form, block in (
    ("connects", WHO + r" connects" + OPTIONS, False),
    ("opens", WHO + r" opens" + OPTIONS, False),
    ("accepts", WHO + r" accepts" + OPTIONS, False),
    ("begins_anew", WHO + r" begins anew", False),
    ("signs_in", WHO + r" signs in by (?P<mechanism>SCRAM-[A-Z0-9-]+)" + OPTIONS, False),
    ("signs_in_by_sasl2", WHO + r" signs in by SASL2 (?P<mechanism>SCRAM-[A-Z0-9-]+)" + OPTIONS, False),
    ("signs_in_by_sasl2", WHO + r" signs in by SASL2 (?P<mechanism>SCRAM-[A-Z0-9-]+)" + OPTIONS + r" with:", True),
    ("performs", WHO + r" performs (?P<task>UPGR-SCRAM-SHA-\d+)", False),
    ("tls_is", WHO + r"'s TLS is (?P<version>TLSv1\.[23]) for (?P<alpn>xmpp-client|xmpp-server)", False),
    ("disconnects", WHO + r" disconnects", False),
    ("is_cut", WHO + r" is cut", False),
    ("resumes", WHO + r" resumes", False),
    ("friends", WHO + r" and " + OTHER + r" are friends", False),
    ("joins", WHO + r" joins (?P<room>[a-z]+) as (?P<nick>\S+)", False),
    ("sends", WHO + r" sends:", True),
    ("sends_raw", WHO + r" sends raw:", True),
    ("receives", WHO + r" receives(?: (?P<how>in order|eventually|only))?:", True),
    ("receives_nothing", WHO + r" receives nothing", False),
    ("receives_no", WHO + r" receives no:", True),
    ("forgets", WHO + r" forgets", False),
    ("ends_with", WHO + r"'s stream ends with (?P<condition>[a-z-]+)", False),
    ("ends", WHO + r"'s stream ends", False),
    ("web", r"the web answers (?P<method>GET|OPTIONS) (?P<path>/\S*) with (?P<status>\d+):", True),
    ("comes_back", r"the server comes back", False),
    ("restart", r"the server restarts", False),
    ("restart_with", r"the server restarts with:", True),
    ("time", r"(?P<seconds>\d+) s pass", False),
    ("operator", r"operator: wardroom (?P<args>.*)", False),
)]


def words(text):
    return [w.strip() for w in text.split(",") if w.strip()]


def fast(config):
    """The configuration with cheap logins, unless it says something about them."""
    return config if config.startswith("auth:") else config + "auth: { scram_iterations: 4096 }\n"


def section(script, domain, secret):
    """What wardroom.yaml says of a script's components."""
    lines = [f'  - {{ domain: {name}.{domain}, secret: "{secret}"{", " + more if more else ""} }}\n' for name, more in script.components.items()]
    return "components:\n" + "".join(lines) if lines else ""


class Bad(Exception):
    """The script itself is wrong: file, line, what was expected."""


class Step:
    def __init__(self, line, text, verb, args, block):
        self.line, self.text, self.verb, self.args, self.block = line, text, verb, args, block


class Script:
    """name, title, rule, users, roles, rooms, components, servers, only, because, config, steps."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.splitext(os.path.basename(path))[0]
        with open(path, encoding="utf-8") as f:
            self.lines = f.read().split("\n")
        self.users, self.rooms, self.only, self.config, self.rule, self.steps = [], [], None, "", "", []
        self.roles, self.components, self.servers, self.because = {}, {}, [], None
        self.read_steps(self.read_header())

    def bad(self, n, why):
        raise Bad(f"{self.path}:{n + 1}: {why}")

    def read_header(self):
        first, colon, self.title = self.lines[0].partition(":")
        if first != self.name or not colon or not self.title.strip():
            self.bad(0, f"the first line is '{self.name}: what it shows'")
        self.title = self.title.strip()
        head, n, key = {}, 1, None
        while n < len(self.lines) and self.lines[n].strip():
            line = self.lines[n]
            if line[0] in " \t" and key:
                head[key] += "\n" + line
            else:
                key, colon, v = line.partition(":")
                if key not in HEADER or not colon:
                    self.bad(n, f"a header line begins with one of {', '.join(sorted(HEADER))}")
                head[key] = v.strip()
            n += 1
        self.rule = " ".join(head.get("rule", "").split())
        if not re.search(r'(XEP-\d{4}|RFC \d{4}) [\d.]+( ".+"|, in short: .+)', self.rule):
            self.bad(0, "needs rule: XEP-NNNN (or RFC NNNN), the chapter, and a sentence of it in double quotes, or ', in short: ' and its sense")
        self.read_names(head)
        self.config = textwrap.dedent(head.get("config", "")).strip("\n")
        if self.config:
            self.config += "\n"
        return n

    def read_names(self, head):
        self.rooms = words(head.get("rooms", ""))
        self.servers = words(head.get("servers", ""))
        for u in words(head.get("users", "")):
            name, _, role = u.partition(" ")
            if role and role.strip("()") not in ROLES:
                self.bad(0, f"users: roles are {', '.join(sorted(ROLES))}")
            self.users.append(name)
            self.roles[name] = role.strip("()") or "staff"
        for line in head.get("components", "").strip().split("\n"):
            m = re.match(r"^([a-z]+)(?:\s*\{(.*)\})?$", line.strip())
            if line.strip() and not m:
                self.bad(0, "components: a line each, 'name' or 'name { key: value, ... }' as in wardroom.yaml")
            if m:
                self.components[m[1]] = (m[2] or "").strip()
        only = re.match(r"^(sim|real) \((.+)\)$", head["only"]) if "only" in head else None
        if "only" in head and not only:
            self.bad(0, "only: is 'sim (why)' or 'real (why)'")
        if only:
            self.only, self.because = only[1], only[2]
        if not (self.users or self.components or self.servers or only):
            self.bad(0, "needs users:")

    def needs_web(self):
        """Does it speak HTTP?"""
        return any(s.verb == "web" or "websocket" in (s.args.get("options") or "") for s in self.steps)

    def read_steps(self, n):
        while n < len(self.lines):
            line, at = self.lines[n], n
            n += 1
            if not line.strip() or line.startswith("#"):
                continue
            if line[0] in " \t":
                self.bad(at, "an indented line belongs to a step that ends with a colon")
            for verb, form, block in FORMS:
                m = form.match(line.strip())
                if m:
                    break
            else:
                self.bad(at, f"no step looks like this: {line.strip()}")
            lines = []
            while block and n < len(self.lines) and (not self.lines[n].strip() or self.lines[n][0] in " \t"):
                lines.append(self.lines[n])
                n += 1
            text = textwrap.dedent("\n".join(lines)).strip("\n")
            if block and not text:
                self.bad(at, "stanzas are expected below, indented")
            args = m.groupdict()
            for k in ("who", "other"):
                if args.get(k) and args[k].split("/")[0] not in {*self.users, *self.components, *self.servers}:
                    self.bad(at, f"{args[k]} is not in users: (components:, servers:)")
            if args.get("room") and args["room"] not in self.rooms:
                self.bad(at, f"{args['room']} is not in rooms:")
            self.steps.append(Step(at + 1, line.strip(), verb, args, text))
