#!/usr/bin/python3
"""banned.py - functions that are not used here, and who alone may ask for time, chance and sockets."""
import re
import source

NEVER = {
    "gets": "no bound", "strcpy": "no bound", "strcat": "no bound", "sprintf": "no bound: snprintf or arena_printf",
    "vsprintf": "no bound", "scanf": "str_to_u64", "strtok": "str_find_char", "atoi": "str_to_u64",
    "atol": "str_to_u64", "alloca": "arena_alloc", "rand": "rand_bytes", "srand": "rand_bytes", "random": "rand_bytes",
    "system": "nothing runs a shell", "popen": "nothing runs a shell", "tmpnam": "race", "mktemp": "race", "setjmp": "goto fail",
    "localtime": "clock_stamp", "gmtime": "clock_stamp", "strncpy": "str", "strncat": "str",
}
# The simulation depends on it: the same code runs with virtual time, network and chance.
ONLY = {
    "clock_gettime": ("src/base/clock.c",), "gettimeofday": (), "time": (), "getrandom": ("src/base/rand.c",),
    "getentropy": ("src/base/rand.c",), "RAND_bytes": ("src/base/rand.c",),
    "socket": ("src/net/", "src/roles/", "src/cli/", "src/ipc/"), "connect": ("src/net/", "src/cli/", "src/ipc/"),
    "accept": ("src/net/",), "accept4": ("src/net/",), "bind": ("src/net/",), "listen": ("src/net/",),
    "fork": ("src/roles/", "src/ipc/"), "execve": (), "execv": ("src/roles/supervisor.c", "src/roles/scand_pool.c", "src/ipc/scan_spawn.c"), "execvp": (),
    "nanosleep": ("src/cli/", "src/roles/", "src/config/instance.c"), "sleep": (), "usleep": (), "exit": ("src/base/check.c", "src/roles/", "src/cli/"),
    "_exit": ("src/base/check.c", "src/roles/", "src/ipc/"),
}
CALL = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(list(NEVER) + list(ONLY)))

problems, checked = [], 0
for path in source.files():
    body = source.bare(source.text(path))
    checked += 1
    for m in CALL.finditer(body):
        line = body.count("\n", 0, m.start()) + 1
        name = m.group(1)
        if name in NEVER:
            problems.append(f"{path}:{line}: {name}() is not used here ({NEVER[name]})")
        elif not path.startswith(ONLY[name] or ("-",)):
            problems.append(f"{path}:{line}: {name}() belongs to {', '.join(ONLY[name]) or 'nobody'}")
source.finish("banned", problems, checked)
