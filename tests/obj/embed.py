#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py NAME IN OUT: write the bytes of IN as the C array NAME to OUT."""
import sys

name, source, target = sys.argv[1:4]
data = open(source, "rb").read()
with open(target, "w", encoding="ascii") as out:
    out.write("#include <stddef.h>\n#include <stdint.h>\n")
    out.write(f"extern const uint8_t {name}[];\nextern const size_t {name}_bytes;\n")
    out.write(f"const size_t {name}_bytes = {len(data)};\nconst uint8_t {name}[] = {{\n")
    for i in range(0, len(data), 24):
        out.write(" ".join(f"{b}," for b in data[i:i + 24]) + "\n")
    out.write("};\n")
