"""Patterns of protocol scripts: does a stanza fit, and if not, where does it come nearest?

A pattern is XML. What it names must be there, what it does not name may be. In attributes and text: {any} any text, {name}
takes what stands there the first time and must equal it afterwards, {/regex/} and {name=/regex/}, {none} (an attribute) must
be absent. As text of an element: {only} no other children, {ordered} children in this order, {empty} neither children nor
text. <xts:no>...</xts:no> holds children that must not be there, <xts:any/> is any element.
"""
import re
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

XTS = "urn:wardroom:xts"
CLIENT = "jabber:client"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
TOKEN = re.compile(r"\{(?:(?P<name>[a-z][a-z0-9_]*)=)?/(?P<re>.*?)/\}|\{(?P<word>[a-z][a-z0-9_]*)\}", re.S)
WORDS = ("only", "ordered", "empty")
WRAP = f"<xts:all xmlns='{CLIENT}' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' xmlns:xts='{XTS}'>"
NO, ANY = f"{{{XTS}}}no", f"{{{XTS}}}any"


def parse(text):
    """Stanzas of a block. Conditions within <error/> need no namespace."""
    all_of_it = list(ET.fromstring(WRAP + text + "</xts:all>"))
    for top in all_of_it:
        for e in top.iter(f"{{{CLIENT}}}error"):
            for c in e.iter():
                if c is not e and c.tag.startswith(f"{{{CLIENT}}}"):
                    c.tag = f"{{{STANZAS}}}" + c.tag.split("}")[1]
    return all_of_it


def fits(pattern, value, env):
    """The environment afterwards, or None."""
    out, at, fresh = "", 0, []
    for m in TOKEN.finditer(pattern):
        out += re.escape(pattern[at:m.start()])
        at = m.end()
        name = m["name"] or m["word"]
        if m["word"] == "any":
            out += ".+"
        elif name in env:
            out += re.escape(env[name])
        elif name in fresh:
            out += f"(?P={name})"
        elif name:
            fresh.append(name)
            out += f"(?P<{name}>{m['re'] or '.+'})"
        else:
            out += f"(?:{m['re']})"
    found = re.fullmatch(out + re.escape(pattern[at:]), value, re.S)
    if not found:
        return None
    return {**env, **{n: found[n] for n in fresh}} if fresh else env


class Why:
    """The mismatch that the most had fitted before."""

    def __init__(self):
        self.far, self.text, self.steps = -1, "", 0

    def no(self, text):
        if self.steps > self.far:
            self.far, self.text = self.steps, text

    def yes(self):
        self.steps += 1


def short(tag):
    return tag.split("}")[-1]


def own_text(el):
    return (el.text or "") + "".join(c.tail or "" for c in el)


def words_of(p):
    text = own_text(p)
    found = {w for w in WORDS if "{%s}" % w in text}
    for w in found:
        text = text.replace("{%s}" % w, "")
    return found, text.strip()


def matches(p, el, env, why, path=""):
    """Yields every environment in which it fits."""
    path = f"{path}/{short(el.tag)}"
    if p.tag not in (el.tag, ANY):
        why.no(f"{path}: expected <{short(p.tag)}> of {p.tag[1:].split('}')[0]}, came <{short(el.tag)}> of {el.tag[1:].split('}')[0]}")
        return
    why.yes()
    for k, want in p.attrib.items():
        got = el.get(k)
        if want == "{none}":
            if got is not None:
                why.no(f"{path}: attribute {short(k)} ought not to be there, is '{got}'")
                return
            continue
        env = fits(want, got, env) if got is not None else None
        if env is None:
            why.no(f"{path}: attribute {short(k)}: expected '{want}', " + (f"came '{got}'" if got is not None else "there is none"))
            return
        why.yes()
    words, text = words_of(p)
    got = own_text(el)
    if text:
        env = fits(text, got.strip() if len(el) else got, env)
        if env is None:
            why.no(f"{path}: text: expected '{text}', came '{got}'")
            return
        why.yes()
    if "empty" in words and (len(el) or got.strip()):
        why.no(f"{path}: ought to be empty")
        return
    yield from children(p, el, env, why, path, words)


def children(p, el, env, why, path, words):
    wanted = [c for c in p if c.tag != NO]
    forbidden = [n for c in p if c.tag == NO for n in c]
    for n in forbidden:
        for c in el:
            if next(matches(n, c, env, Why()), None) is not None:
                why.no(f"{path}: <{short(c.tag)}> ought not to be there")
                return
    if "only" in words and len(el) > len(wanted):
        for c in el:
            if all(c.tag != w.tag for w in wanted):
                why.no(f"{path}: <{short(c.tag)}> beside what is expected")
                return
        why.no(f"{path}: {len(el)} children, expected {len(wanted)}")
        return

    def assign(i, used, env):
        if i == len(wanted):
            yield env
            return
        w = wanted[i]
        start = max(used, default=-1) + 1 if "ordered" in words else 0
        alike = 0
        for k in range(start, len(el)):
            if k in used:
                continue
            if w.tag in (el[k].tag, ANY):
                alike += 1
                before = why.steps
                for e in matches(w, el[k], env, why, path):
                    yield from assign(i + 1, used | {k}, e)
                why.steps = before
        if not alike:
            why.no(f"{path}: no <{short(w.tag)}> of {w.tag[1:].split('}')[0]}")
    yield from assign(0, frozenset(), env)


def match(p, el, env):
    """(environment or None, why not)."""
    why = Why()
    e = next(matches(p, el, env, why), None)
    return e, why


def match_json(p, got, env, path="$"):
    """JSON: objects hold at least what the pattern names, each entry of its arrays is found; texts as above. (env or None, why)."""
    if isinstance(p, dict):
        if not isinstance(got, dict):
            return None, f"{path}: no object but {got!r}"
        for k, v in p.items():
            if k not in got:
                return None, f"{path}: no '{k}'"
            env, why = match_json(v, got[k], env, f"{path}.{k}")
            if env is None:
                return None, why
        return env, ""
    if isinstance(p, list):
        why = ""
        if not isinstance(got, list):
            return None, f"{path}: no array but {got!r}"
        for v in p:
            tries = [match_json(v, g, env, f"{path}[]") for g in got]
            env = next((e for e, _ in tries if e is not None), None)
            if env is None:
                return None, f"{path}: no such entry: {tries[-1][1] if tries else 'there is none'}"
        return env, why
    if isinstance(p, str) and isinstance(got, str):
        env = fits(p, got, env)
        return env, f"{path}: expected {p!r}, came {got!r}"
    return (env, "") if p == got and type(p) is type(got) else (None, f"{path}: expected {p!r}, came {got!r}")


def wire(el, outer=None):
    """An element as text that stands alone: it names its namespaces itself."""
    ns, _, name = el.tag[1:].partition("}") if el.tag.startswith("{") else ("", "", el.tag)
    attrs = "".join(f" {k.replace('{http://www.w3.org/XML/1998/namespace}', 'xml:')}={quoteattr(v)}" for k, v in el.attrib.items())
    inner = escape(el.text or "") + "".join(wire(c, ns) + escape(c.tail or "") for c in el)
    return f"<{name}" + (f" xmlns={quoteattr(ns)}" if ns != outer else "") + attrs + (f">{inner}</{name}>" if inner else "/>")


def pretty(el, indent="", default=CLIENT):
    """An element over several lines, namespaces where they change."""
    ns, _, name = el.tag[1:].partition("}") if el.tag.startswith("{") else ("", "", el.tag)
    out = f"{indent}<{name}" + (f" xmlns='{ns}'" if ns != default else "")
    for k, v in el.attrib.items():
        out += f" {k.replace('{http://www.w3.org/XML/1998/namespace}', 'xml:')}='{v}'"
    text = own_text(el)
    if not len(el):
        return [out + (f">{text}</{name}>" if text else "/>")]
    lines = [out + ">"]
    if text.strip():
        lines.append(f"{indent}  {text.strip()}")
    for c in el:
        lines += pretty(c, indent + "  ", ns)
    return lines + [f"{indent}</{name}>"]
