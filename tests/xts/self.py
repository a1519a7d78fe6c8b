#!/usr/bin/env python3
"""The runner of protocol scripts can fail: patterns that do not fit, JSON that is another, scripts that are wrong."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from wardroom_test import Tap, check  # noqa: E402
from xts_match import fits, match, match_json, parse, wire  # noqa: E402
from xts_script import Bad, Script, section  # noqa: E402

CAME = "<message from='a@x.test' id='m1'><body>one two</body><x xmlns='urn:x'><y n='1'/><y n='2'/></x></message>"
FITS = ("<message/>", "<message id='m1'/>", "<message id='{i}'><body>one {/t.o/}</body></message>", "<message type='{none}'/>",
        "<message><x xmlns='urn:x'><y n='2'/><y n='1'/></x></message>", "<message><x xmlns='urn:x'>{ordered}<y n='1'/><y n='2'/></x></message>",
        "<message><xts:no><z xmlns='urn:x'/></xts:no><xts:any/></message>", "<message from='{a=/[a-z]+/}@x.test'/>")
NOT = (("<iq/>", "expected <iq>"), ("<message id='m2'/>", "attribute id"), ("<message id='{none}'/>", "ought not to be there"),
       ("<message type='chat'/>", "there is none"), ("<message><body>one</body></message>", "text"), ("<message>{only}<body/></message>", "beside"),
       ("<message><x xmlns='urn:y'/></message>", "no <x> of urn:y"), ("<message><x xmlns='urn:x'>{ordered}<y n='2'/><y n='1'/></x></message>", ""),
       ("<message><x xmlns='urn:x'>{empty}</x></message>", "empty"), ("<message><xts:no><body/></xts:no></message>", "ought not"),
       ("<message id='{n}'><x xmlns='urn:x'><y n='{n}'/></x></message>", ""), ("<message><x xmlns='urn:x'><y/><y/><y/></x></message>", ""))
RULE = 'rule: XEP-0001 1 "It MUST."\n'
WRONG = (("x: t\n" + RULE + "users: romeo\n\nromeo dances\n", "no step looks like this"), ("x: t\nusers: romeo\n\n", "needs rule"),
         ("y: t\n" + RULE + "users: romeo\n\n", "the first line is"), ("x: t\n" + RULE + "users: romeo\n\njuliet connects\n", "not in users"),
         ("x: t\n" + RULE + "users: romeo\n\nromeo sends:\nromeo connects\n", "stanzas are expected"), ("x: t\n" + RULE + "\nromeo connects\n", "needs users"),
         ("x: t\n" + RULE + "users: romeo (king)\n\n", "roles are"), ("x: t\n" + RULE + "users: romeo\nonly: real\n\n", "only: is"),
         ("x: t\n" + RULE + "users: romeo\n\nromeo joins hall as R\n", "not in rooms"), ("x: t\n" + RULE + "users: romeo\ncomponents: Gate!\n\n", "components:"))


def one(text):
    return parse(text)[0]


def main():
    tap = Tap("the runner of protocol scripts")

    def fit():
        for p in FITS:
            env, why = match(one(p), one(CAME), {})
            check(env is not None, f"{p}: {why.text}")
        check(match(one(FITS[2]), one(CAME), {})[0] == {"i": "m1"}, "nothing was captured")
        check(match(one(FITS[2]), one(CAME), {"i": "other"})[0] is None, "another value than the captured one fits")
        check(fits("a{/b+/}", "abbb", {}) == {} and fits("a.c", "abc", {}) is None, "literal text is a pattern")
    tap.run("what fits, fits", fit)

    def unfit():
        for p, want in NOT:
            env, why = match(one(p), one(CAME), {})
            check(env is None, f"{p} fits")
            check(want in why.text, f"{p}: says {why.text!r}")
    tap.run("what does not fit is told apart, and says where", unfit)

    def other_json():
        got = {"links": [{"rel": "a", "n": 1}, {"rel": "b", "n": 2}], "x": {}}
        check(match_json({"links": [{"rel": "{r=/b/}", "n": 2}]}, got, {})[0] == {"r": "b"}, "JSON that fits")
        for p in ({"y": 1}, {"links": [{"rel": "b", "n": 1}]}, {"links": {"rel": "a"}}, {"x": []}, {"links": [{"n": "1"}]}, {"links": [{"n": True}]}):
            check(match_json(p, got, {})[0] is None, f"{p} fits")
    tap.run("JSON that is another", other_json)

    def alone():
        el = one("<message id='&quot;'><body>a &lt; b</body><x xmlns='urn:x'><y/></x></message>")
        check(match(el, one(wire(el)), {})[0] is not None and "xmlns=\"urn:x\"" in wire(el), wire(el))
    tap.run("an element alone says its namespaces", alone)

    def wrong():
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, "x.xts")
            for text, want in WRONG:
                with open(path, "w") as f:
                    f.write(text)
                try:
                    Script(path)
                except Bad as e:
                    check(want in str(e), f"{text!r}: {e}")
                else:
                    check(False, f"taken: {text!r}")
            with open(path, "w") as f:
                f.write("x: t\n" + RULE + "users: romeo, escalus (admin)\ncomponents:\n  gate { may: [ message ] }\n  other\nservers: verona\nonly: real (why)\n\n"
                        "gate opens\nverona/door accepts (bidi)\nthe web answers GET /x with 200:\n  a: b\n")
            s = Script(path)
            check(s.roles == {"romeo": "staff", "escalus": "admin"} and s.because == "why" and s.needs_web() and s.servers == ["verona"], vars(s))
            check("gate.x.test" in section(s, "x.test", "s") and "may: [ message ]" in section(s, "x.test", "s"), section(s, "x.test", "s"))
    tap.run("a script that is wrong is refused with file and line", wrong)
    def fails():
        for step, want in (("romeo receives:\n  <iq type='result' id='p1'><nothing/></iq>", "no <nothing>"), ("romeo receives nothing", "something came"),
                           ("romeo receives no:\n  <iq id='p1'/>", "ought not to come"), ("romeo's stream ends with reset", "no stream error"),
                           ("romeo receives:\n  <presence type='subscribe'/>", "did not come"), ("juliet receives:\n  <iq/>", "not in users")):
            with tempfile.TemporaryDirectory() as d:
                path = os.path.join(d, "x.xts")
                with open(path, "w") as f:
                    f.write("x: t\n" + RULE + "users: romeo\n\nromeo connects\nromeo sends:\n  <iq type='get' id='p1' to='$domain'><ping xmlns='urn:xmpp:ping'/></iq>\n"
                            + step + "\n")
                p = subprocess.run([sys.executable, os.path.join(HERE, "xts.py"), "--sim", path], capture_output=True, text=True)
                check(p.returncode != 0 and want in p.stdout + p.stderr, f"{step!r}: {p.returncode} {p.stdout[-300:]} {p.stderr[-300:]}")
    tap.run("a script whose step does not hold fails, and says why", fails)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
