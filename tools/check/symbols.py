#!/usr/bin/python3
"""symbols.py BUILD - every symbol an object exports begins with its file's stem, and is no mutable global.

url.c exports url_*, so that a name says where it is defined. A layer's shared stem is allowed too: jid_parse in
jid.c, vault_account_get in vault_account.c, and core's vocabulary (see STEMS).
"""
import glob
import os
import re
import subprocess
import sys
import source

build = sys.argv[1]
# Files that hold a part of another file's interface: file -> the stems it may export.
STEMS = {}
for line in source.text("tools/check/stems.txt").splitlines():
    line = line.split("#")[0].strip()
    if line:
        name, _, stems = line.partition(":")
        STEMS[name.strip()] = stems.split()

# What changes and belongs to the whole process.
GLOBALS = {("base", "simulated"), ("base", "setup"), ("base", "tomb_mark"), ("base", "pool"), ("net", "index"), ("xmpp", "tools"),
           ("xmpp", "counting")}

problems, checked = [], 0
for path in source.files(ends=(".c",)):
    layer, name = path.split("/")[1], path.split("/")[-1]
    found = glob.glob(os.path.join(build, "src", layer, "*.p", "**", name + ".o"), recursive=True)
    if not found:
        continue
    checked += 1
    stems = [name[:-2]] + (["mod_" + name[:-2]] if layer in ("features", "pubsub", "rooms") else []) + STEMS.get(f"{layer}/{name}", [])
    out = subprocess.run(["nm", "--format=sysv", "--defined-only", found[0]], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        parts = [x.strip() for x in line.split("|")]
        if len(parts) < 7 or not parts[1] or parts[0] == "main" or parts[0].startswith(("__asan", "__odr", "__ubsan", "_GLOBAL_")):
            continue
        symbol, kind, section = parts[0], parts[2], parts[6]
        if kind in "DdBbCc" and not section.startswith(".data.rel.ro") and (layer, symbol.split(".")[0]) not in GLOBALS:
            problems.append(f"{path}:1: {symbol} is a global that changes")
        if kind.islower():
            continue
        if not any(symbol == s or symbol.startswith(s + "_") for s in stems):
            problems.append(f"{path}:1: exports {symbol}, which does not begin with {' or '.join(stems)}")
source.finish("symbols", problems, checked)
