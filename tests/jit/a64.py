#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Build the engine and the tests of native code for aarch64, and run them under qemu-user.

usage: a64.py SOURCE BUILD [TEST]. Objects stay in BUILD, and are made again when a source is newer. Skipped, in TAP, where a tool
is missing.
"""
import concurrent.futures
import glob
import os
import shutil
import subprocess
import sys

CC = "aarch64-linux-gnu-gcc"
QEMU = "qemu-aarch64-static"
MODULES = ["base", "engine/isa", "engine/prog", "engine/abi", "engine/maps", "engine/helpers", "engine/vm", "engine/jit"]
NOT = {"fault.c", "counted.c"}  # of other builds: an operator that crashes, an interpreter that counts
FLAGS = ["-std=gnu17", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers", "-D_GNU_SOURCE",
         '-DSALLYPORT_VERSION="test"']


def sources(root):
    for m in MODULES:
        for path in sorted(glob.glob(os.path.join(root, "src", m, "*.c"))):
            if os.path.basename(path) not in NOT:
                yield path
    yield os.path.join(root, "tests/jit/cross/cross_main.c")
    yield os.path.join(root, "tests/jit/bed.c")
    yield from sorted(glob.glob(os.path.join(root, "tests/jit/cases_*.c")))


def newest_header(root):
    found = [os.path.join(d, f) for top in ("src/base", "src/engine", "tests/jit", "tests/vm")
             for d, _, files in os.walk(os.path.join(root, top)) for f in files if f.endswith((".h", ".def"))]
    return max(os.path.getmtime(f) for f in found + [os.path.abspath(__file__), os.path.join(root, "tests/test.h")])


def compile_one(root, build, path, headers):
    out = os.path.join(build, os.path.relpath(path, root).replace("/", "_")[:-2] + ".o")
    if os.path.exists(out) and os.path.getmtime(out) > max(headers, os.path.getmtime(path)):
        return out
    ccache = ["ccache"] if shutil.which("ccache") else []
    subprocess.run(ccache + [CC] + FLAGS + ["-include", os.path.join(root, "src/base/banned.h"), "-I", os.path.join(root, "src"),
                    "-I", os.path.join(root, "tests"), "-I", os.path.join(root, "tests/jit/cross"), "-c", path, "-o", out], check=True)
    return out


def main():
    root, build = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    for tool in (CC, QEMU):
        if not shutil.which(tool):
            print(f"1..0 # SKIP no {tool}")
            return 0
    os.makedirs(build, exist_ok=True)
    headers = newest_header(root)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(lambda path: compile_one(root, build, path, headers), sources(root)))
    exe = os.path.join(build, "a64-tests")
    subprocess.run([CC, "-static", "-o", exe] + objects + ["-lm"], check=True)
    return subprocess.run([QEMU, exe] + sys.argv[3:]).returncode


if __name__ == "__main__":
    sys.exit(main())
