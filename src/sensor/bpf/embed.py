#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py OBJECT OUT.c: write a C file that carries OBJECT's bytes as the symbols of bpf.h."""
import os
import sys

obj, out = sys.argv[1:]
lines = [
    '.pushsection .rodata, "a"', ".balign 8", ".global sensor_bpf_object", "sensor_bpf_object:",
    f'.incbin "{os.path.abspath(obj)}"', ".global sensor_bpf_object_end", "sensor_bpf_object_end:", ".byte 0", ".popsection",
]
with open(out, "w", encoding="utf-8") as f:
    f.write("__asm__(\n" + "".join('\t"%s\\n"\n' % l.replace("\\", "\\\\").replace('"', '\\"') for l in lines) + ");\n")
