#!/usr/bin/python3
"""layers.py - every #include in src/ against layers.txt; the table itself must hold no circle."""
import re
import source

INCLUDE = re.compile(r'^\s*#\s*include\s+"([a-z0-9_]+)/', re.M)


def table():
    may, problems = {}, []
    for n, line in enumerate(source.text("layers.txt").splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        layer, _, rest = line.partition(":")
        for other in rest.split():
            # Written from below to above, so a circle cannot be written down.
            if other not in may:
                problems.append(f"layers.txt:{n}: {layer} names {other}, which does not stand above it")
        may[layer.strip()] = set(rest.split()) | {layer.strip()}
    return may, problems


may, problems = table()
checked = 0
for path in source.files():
    layer = path.split("/")[1]
    if layer not in may:
        problems.append(f"{path}:1: the layer {layer} is not in layers.txt")
        continue
    body = source.text(path)
    checked += 1
    for m in INCLUDE.finditer(body):
        line = body.count("\n", 0, m.start(1)) + 1
        if m.group(1) not in may[layer]:
            problems.append(f"{path}:{line}: {layer} may not include {m.group(1)} (layers.txt)")
        if layer == "features" and m.group(1) == "features":
            problems.append(f"{path}:{line}: a feature may not include another one; they meet at a hook")
source.finish("layers", problems, checked)
