#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tsan.py SOURCE: kverify in several threads (threads.c), under ThreadSanitizer.

It compiles by itself what is judged and what judges, because no other test is built that way. Exit code 77: the compiler
($CC, else cc) has no ThreadSanitizer.
"""
import glob
import os
import subprocess
import sys
import tempfile

FLAGS = ["-std=gnu17", "-g", "-O1", "-Wall", "-D_GNU_SOURCE", "-pthread", "-fsanitize=thread"]
MODULES = ["base", "engine/isa", "engine/prog", "engine/abi", "engine/asm", "engine/btf", "engine/kernel", "engine/kverify"]
TESTS = ["threads.c", "calls.c", "mem_rows.c"]


def compiler():
    return os.environ.get("CC", "cc").split()


def has_tsan(folder):
    probe = os.path.join(folder, "probe.c")
    with open(probe, "w", encoding="utf-8") as f:
        f.write("int main(void) { return 0; }\n")
    cc = [w for w in compiler() if w != "ccache"]
    made = subprocess.run(cc + ["-fsanitize=thread", probe, "-o", probe + ".exe"], capture_output=True)
    return made.returncode == 0 and subprocess.run([probe + ".exe"], capture_output=True).returncode == 0


def build(source, folder):
    files = [f for m in MODULES for f in sorted(glob.glob(os.path.join(source, "src", m, "*.c")))]
    files += [os.path.join(source, "tests/kverify", t) for t in TESTS]
    objects = []
    for i, name in enumerate(files):
        objects.append(os.path.join(folder, f"{i}.o"))
        command = compiler() + FLAGS + ["-I", os.path.join(source, "src"), "-I", os.path.join(source, "tests"), "-include",
                                        "base/banned.h", "-c", name, "-o", objects[-1]]
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode:
            sys.exit(f"{name} does not compile:\n{made.stderr}")
    program = os.path.join(folder, "threads")
    made = subprocess.run(compiler() + FLAGS + objects + ["-lm", "-o", program], capture_output=True, text=True)
    if made.returncode:
        sys.exit(f"it does not link:\n{made.stderr}")
    return program


def main():
    source = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        if not has_tsan(folder):
            print("skipped: this compiler has no ThreadSanitizer")
            sys.exit(77)
        env = dict(os.environ, TSAN_OPTIONS="halt_on_error=1 exitcode=66")
        done = subprocess.run([build(source, folder)], capture_output=True, text=True, env=env, timeout=240)
        print(done.stdout + done.stderr)
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
