#!/usr/bin/env python3
"""What reads strangers' files is linked into wardroom-scand alone: neither worker, web role nor command line carries those libraries, or code of
src/scan/; and wardroom-scand carries nothing of XMPP, the vault or the network."""
import os
import re
import subprocess
import sys

BUILD = os.environ.get("WARDROOM_BUILD", "build")
PROGRAMS = {"wardroomd": "src/roles/wardroomd", "wardroom-web": "src/roles/wardroom-web", "wardroom": "src/cli/wardroom"}
SCAND = "src/roles/wardroom-scand"
LIBRARIES = ("libyara", "libmagic", "libarchive", "libqpdf", "libtlsh", "libstdc++")
NOT_IN_SCAND = ("libsqlite3", "libuv", "libyaml", "libunbound", "libwslay", "libssl")


def libraries(path):
    """Of the program itself, and of what those need: ldd asks the loader."""
    return set(re.findall(r"^\s*(\S+?)\.so", subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout, re.M))


def symbols(path):
    return set(re.findall(r" [TtDdRrBb] (\w+)$", subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout, re.M))


def of_archive(path):
    """Global functions of a static library."""
    return set(re.findall(r" T (\w+)$", subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout, re.M))


def main():
    bad = []
    count = 0
    scan = {s for s in of_archive(os.path.join(BUILD, "src/scan/libscan.a")) if not s.startswith("_")}
    if len(scan) < 20:
        bad.append(f"src/scan/libscan.a shows {len(scan)} functions: this test does not see what it should")
    for name, path in PROGRAMS.items():
        path = os.path.join(BUILD, path)
        have = libraries(path)
        count += 2
        bad += [f"{name} carries {lib}" for lib in LIBRARIES if lib in have and not (lib == "libstdc++" and needed_by_others(path))]
        bad += [f"{name} carries {s}() of src/scan" for s in sorted(scan & symbols(path))]
    path = os.path.join(BUILD, SCAND)
    have, inside = libraries(path), symbols(path)
    count += 3
    bad += [f"wardroom-scand does not carry {lib}: this test does not see what it should" for lib in ("libyara",) if lib not in have]
    bad += [f"wardroom-scand carries {lib}" for lib in NOT_IN_SCAND if lib in have]
    for layer in ("xmpp", "store", "vault", "config", "auth", "policy", "outbreak", "core", "net", "web"):
        ours = {s for s in of_archive(os.path.join(BUILD, f"src/{layer}/lib{layer}.a")) if not s.startswith("_")}
        bad += [f"wardroom-scand carries {s}() of src/{layer}" for s in sorted(ours & inside)]
    for line in bad:
        print(f"not ok - {line}")
    print(f"1..{count + len(bad)}" if bad else f"1..{count}\n" + "\n".join(f"ok {i + 1}" for i in range(count)))
    return 1 if bad else 0


def needed_by_others(path):
    """ICU, Vectorscan and unbound are C++ inside: that is not ours to judge. Ours would ask for it by name."""
    text = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
    return "libstdc++" not in text


sys.exit(main())
