#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run each example of docs/embedding and compare what it prints; and look at the library as a linker does.

usage: examples.py BUILD_DIR LIBRARY SOURCE_DIR
"""
import os
import re
import shutil
import subprocess
import sys

WANT = {
    "hello": (["hello.bpf.o"], "42\n"),
    "filter": (["filter.bpf.o"], re.compile(
        r"request 0: allowed\nrequest 1: refused\nrequest 2: allowed\nnot loaded: V\d+: .+\n")),
    "helpers": (["helpers.bpf.o"], "reorder: 1, noted: tea\n"),
    "maps": (["maps.bpf.o"], re.compile(
        r"(user 7: 4 visits\nuser 8: 2 visits\n|user 8: 2 visits\nuser 7: 4 visits\n)"
        r"user 7 again, page [34]\nuser 7 again, page [34]\n")),
    "untrusted": ([], re.compile(
        r"one that adds: 42\none that reads address 16: .+\none that never ends: .*fuel.*\none that recurses: .+\n"
        r"one that is no program: .+\n")),
    "threads": ([], "160000\n"),
    "swap": (["maps.bpf.o"], "user 7: 2 visits\n"),
    "kernels": (["kernels.bpf.o"], re.compile(
        r"5\.10: sums: Q102: .+\n5\.10: trusts_packets: Q3\d\d: .+\n5\.10: refuse_uploads: accepted, \d+ of 1000000 instructions\n"
        r"6\.1: sums: accepted, .+\n6\.1: trusts_packets: Q3\d\d: .+\n6\.1: refuse_uploads: accepted, .+\n")),
}


def example(build, name):
    args, want = WANT[name]
    paths = [os.path.join(build, a) for a in args]
    missing = [p for p in paths if not os.path.exists(p)]
    if missing:
        return None, "clang for the bpf target was not there"
    r = subprocess.run([os.path.join(build, "example-" + name)] + paths, capture_output=True, text=True, timeout=120)
    if r.returncode:
        return False, f"exit {r.returncode}: {r.stdout}{r.stderr}"
    ok = r.stdout == want if isinstance(want, str) else want.fullmatch(r.stdout)
    return bool(ok), r.stdout


# What GDB looks for, also in a library without .symtab.
DEBUGGERS = {"__jit_debug_descriptor", "__jit_debug_register_code"}


def exports(library):
    out = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    names = [line.split()[-1] for line in out.splitlines()]
    return [n.split("@")[0] for n in names if not n.startswith("SALLYPORT_")]


def declared(source):
    folder = os.path.join(source, "include", "sallyport")
    names = set()
    for f in sorted(os.listdir(folder)):
        if f == "bpf.h":
            continue
        text = re.sub(r"/\*.*?\*/", "", open(os.path.join(folder, f)).read(), flags=re.S)
        text = re.sub(r"typedef[^;]*;", "", text)
        names |= set(re.findall(r"\b(sp_[a-z0-9_]+)\(", text))
    return names


def only_what_is_declared(library, source):
    have, want = set(exports(library)) - DEBUGGERS, declared(source)
    if have - want:
        return False, "exported and in no header: " + " ".join(sorted(have - want))
    if want - have:
        return False, "in a header and not exported: " + " ".join(sorted(want - have))
    return True, ""


def only_libc(library):
    out = subprocess.run(["objdump", "-p", library], capture_output=True, text=True, check=True).stdout
    needed = re.findall(r"NEEDED\s+(\S+)", out)
    extra = [n for n in needed if not re.match(r"(libc|libm|ld-linux[-\w]*|libasan|libubsan|libpthread)\.so", n)]
    return not extra, "needs " + " ".join(needed)


def from_cxx(source):
    cxx = shutil.which("c++")
    if not cxx:
        return None, "no C++ compiler"
    r = subprocess.run([cxx, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++", "-I",
                        os.path.join(source, "include"), "-"], input="#include <sallyport/sallyport.h>\n",
                       capture_output=True, text=True)
    return r.returncode == 0, r.stderr


def main():
    build, library, source = sys.argv[1:4]
    checks = [("example_" + n, lambda n=n: example(build, n)) for n in WANT]
    checks += [("the_library_exports_what_its_headers_declare", lambda: only_what_is_declared(library, source)),
               ("the_library_needs_libc_only", lambda: only_libc(library)),
               ("the_headers_are_cxx_too", lambda: from_cxx(source))]
    print(f"1..{len(checks)}")
    for i, (name, check) in enumerate(checks, 1):
        ok, why = check()
        if ok is None:
            print(f"ok {i} - {name} # SKIP {why}")
            continue
        print(f"{'ok' if ok else 'not ok'} {i} - {name}")
        if not ok:
            print("# " + why.replace("\n", "\n# "))


main()
