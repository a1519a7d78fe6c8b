#!/usr/bin/python3
"""embed.py FILE FUNCTION HEADER - a C file whose FUNCTION returns the bytes of FILE: data that the programs carry with them."""
import sys

path, function, header = sys.argv[1:4]
data = open(path, "rb").read()
print(f'/* Made by tools/embed.py from {path.rsplit("/", 1)[-1]}. */\n#include "{header}"\n\nstatic const unsigned char bytes[] = {{')
for at in range(0, len(data), 32):
    print(",".join(str(b) for b in data[at:at + 32]) + ",")
print(f"}};\n\nstruct str {function}(void)\n{{\n\treturn str_make((const char *)bytes, sizeof(bytes));\n}}")
