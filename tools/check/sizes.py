#!/usr/bin/python3
"""sizes.py - no file above 1000 lines, no line above 170 columns, no function above 100 lines; each file, or its header, says why it exists."""
import os
import re
import source

FILE, LINE, FUNCTION = 1000, 170, 100

problems, checked = [], 0
for path in source.files():
    body = source.text(path)
    lines = body.split("\n")
    checked += 1
    if len(lines) > FILE:
        problems.append(f"{path}:1: {len(lines)} lines; at most {FILE}")
    name = path.split("/")[-1]
    told = os.path.join(source.ROOT, path[:-2] + ".h")
    if not re.match(r"/\* " + re.escape(name) + r" - \S", body) and not (path.endswith(".c") and os.path.exists(told)):
        problems.append(f"{path}:1: does not begin with /* {name} - why it exists")
    for n, line in enumerate(lines, 1):
        if len(line.expandtabs(8)) > LINE:
            problems.append(f"{path}:{n}: {len(line.expandtabs(8))} columns; at most {LINE}")
    if not path.endswith(".c"):
        continue
    plain = source.bare(body)
    for m in re.finditer(r"^\{$", plain, re.M):
        end = plain.find("\n}", m.end())
        n = plain.count("\n", m.start(), end)
        if n > FUNCTION:
            problems.append(f"{path}:{plain.count(chr(10), 0, m.start()) + 1}: a function of {n} lines; at most {FUNCTION}")
source.finish("sizes", problems, checked)
