#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tsan.py SOURCE [MILLISECONDS]: maps under several threads (stress.c), plainly and under ThreadSanitizer.

It compiles the few files that maps are made of by itself, because no other test is built that way. Each kind of map
runs for so long in each build (300 ms unless said; SALLYPORT_STRESS_MS). Exit code 77: the compiler ($CC, else cc)
has no ThreadSanitizer.
"""
import glob
import os
import subprocess
import sys
import tempfile

FLAGS = ["-std=gnu17", "-g", "-Wall", "-D_GNU_SOURCE", "-pthread"]
# gcc says that fences are not modelled; what they order is all atomic words, which need none to be free of races.
TSAN = ["-O1", "-fsanitize=thread", "-Wno-tsan"]


def compiler():
    cc = [w for w in os.environ.get("CC", "cc").split() if w != "ccache"]
    return cc


def build(source, out, flags):
    files = sorted(glob.glob(os.path.join(source, "src/engine/maps/*.c")) + glob.glob(os.path.join(source, "src/base/*.c")))
    files.append(os.path.join(source, "tests/maps/stress.c"))
    command = compiler() + FLAGS + flags + ["-I", os.path.join(source, "src"), "-include", "base/banned.h", "-o", out]
    return subprocess.run(command + files + ["-lm"], capture_output=True, text=True)


def has_tsan(folder):
    probe = os.path.join(folder, "probe.c")
    with open(probe, "w", encoding="utf-8") as f:
        f.write("int main(void) { return 0; }\n")
    made = subprocess.run(compiler() + ["-fsanitize=thread", probe, "-o", probe + ".exe"], capture_output=True)
    return made.returncode == 0 and subprocess.run([probe + ".exe"], capture_output=True).returncode == 0


def run(what, program, ms):
    env = dict(os.environ, TSAN_OPTIONS="halt_on_error=1 exitcode=66")
    done = subprocess.run([program, ms], capture_output=True, text=True, env=env, timeout=120)
    print(f"{what}:\n{done.stdout}{done.stderr}")
    if done.returncode:
        sys.exit(f"{what}: exit code {done.returncode}")


def main():
    source = sys.argv[1]
    ms = sys.argv[2] if len(sys.argv) > 2 else os.environ.get("SALLYPORT_STRESS_MS", "300")
    with tempfile.TemporaryDirectory() as folder:
        tsan = has_tsan(folder)
        for what, flags in [("plain", ["-O2"])] + ([("ThreadSanitizer", TSAN)] if tsan else []):
            program = os.path.join(folder, "stress")
            made = build(source, program, flags)
            if made.returncode:
                sys.exit(f"{what}: it does not compile:\n{made.stderr}")
            run(what, program, ms)
    if not tsan:
        print("skipped: this compiler has no ThreadSanitizer")
        sys.exit(77)


if __name__ == "__main__":
    main()
