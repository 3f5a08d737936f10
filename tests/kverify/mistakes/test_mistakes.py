#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `sallyport verify` says of typical mistakes, held against NAME.txt. usage: test_mistakes.py BINARY [--update] [NAME...]

Each NAME.c is compiled as most people do, and verified for the kernel that its head names. With -DMENDED it does what the
diagnostic says, and must be accepted (files that say "no mend" cannot be mended in the source). --update writes what is said
now: read the difference before you commit it.
"""
import difflib
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CLANG = "clang-19"
FLAGS = ["-g", "-O2", "-target", "bpf", "-mcpu=v3", "-Wall", "-Werror", "-Wno-unused-const-variable"]


def compile_c(name, folder, *more):
    out = os.path.join(folder, name + (".mended" if more else "") + ".o")
    subprocess.run([CLANG, *FLAGS, *more, f"-fdebug-prefix-map={HERE}=.", "-c", f"{name}.c", "-o", out], cwd=HERE, check=True)
    return out


def kernel_types(folder):
    """The types of types.c as raw BTF, as /sys/kernel/btf/vmlinux is."""
    obj = compile_c("types", folder)
    out = os.path.join(folder, "types.btf")
    subprocess.run(["llvm-objcopy-19", f"--dump-section=.BTF={out}", obj], check=True)
    return out


def verify(binary, kernel, types, obj):
    run = subprocess.run([binary, "verify", "--kernel", kernel, "--btf", types, obj], capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


def judge(binary, name, types, folder, update):
    """None: as expected; else what is wrong."""
    head = open(os.path.join(HERE, name + ".c")).read()
    kernel = re.search(r"kernel: ([0-9.]+)", head).group(1)
    code, said = verify(binary, kernel, types, compile_c(name, folder))
    golden = os.path.join(HERE, name + ".txt")
    if code != 1 or not said.startswith("rejected"):
        return f"not rejected:\n{said}"
    if update:
        open(golden, "w").write(said)
    want = open(golden).read() if os.path.exists(golden) else ""
    if said != want:
        return "".join(difflib.unified_diff(want.splitlines(True), said.splitlines(True), "expected", "said"))
    if "no mend" in head:
        return None
    if "MENDED" not in head:
        return "neither -DMENDED nor 'no mend' in the source"
    code, said = verify(binary, kernel, types, compile_c(name, folder, "-DMENDED"))
    return f"mended, and yet:\n{said}" if code else None


def main():
    binary = os.path.abspath(sys.argv[1])
    update = "--update" in sys.argv
    names = [a for a in sys.argv[2:] if a != "--update"]
    names = names or sorted(f[:-2] for f in os.listdir(HERE) if f.endswith(".c") and f != "types.c")
    stray = [f for f in os.listdir(HERE) if f.endswith(".txt") and not os.path.exists(os.path.join(HERE, f[:-4] + ".c"))]
    bad = 0
    print(f"1..{len(names) + 1}")
    print(f"{'not ok' if stray else 'ok'} 1 - every expectation has its program {' '.join(stray)}")
    with tempfile.TemporaryDirectory() as folder:
        types = kernel_types(folder)
        for i, name in enumerate(names, 2):
            wrong = judge(binary, name, types, folder, update)
            bad += wrong is not None
            print(f"{'not ok' if wrong else 'ok'} {i} - {name}", flush=True)
            for line in (wrong or "").splitlines():
                print(f"# {line}")
    return 1 if bad or stray else 0


if __name__ == "__main__":
    sys.exit(main())
