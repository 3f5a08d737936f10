#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What GDB sees of native code: the functions and lines of a backtrace, and that it unwinds from every instruction.

usage: debugger.py BUILD_DIR LIBRARY. Skipped, in TAP, without gdb with Python, or without the host's native code.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

BUILD, LIBRARY = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
EXE, OBJECT = os.path.join(BUILD, "debugger"), os.path.join(BUILD, "debugger.bpf.o")

# Where the native code's run is over: back in the library, or where it says what was wrong.
OVER = ("sp_run", "main", "vm_explain")

STEP = """
import gdb

def names():
    f, out = gdb.newest_frame(), []
    while f and len(out) < 40:
        out.append(f.name() or "?")
        f = f.older()
    return out

gdb.execute("set pagination off")
gdb.execute("set breakpoint pending on")
gdb.execute("break %(where)s")
gdb.execute("run")
try:
    for i in range(%(steps)d):
        here = names()
        print("BT", "|".join(here))
        if here[0] in %(over)r:
            break
        gdb.execute("stepi", to_string=True)
except gdb.error as e:
    print("ERROR", e)
print("END")
"""


def gdb(args, program, setting, *more, exe=EXE):
    libraries = os.path.join(os.path.dirname(exe), "../../src/lib")  # before what the caller's environment says
    cmd = ["gdb", "-nx", "-batch", "-q"] + args + ["--args", exe, OBJECT, program, setting] + list(more)
    return subprocess.run(cmd, capture_output=True, text=True, timeout=200,
                          env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "DEBUGINFOD_URLS": "", "LD_LIBRARY_PATH": os.path.realpath(libraries)})


def line_of(text):
    source = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "debugger.bpf.c")).read().split("\n")
    return next(i for i, line in enumerate(source, 1) if text in line)


def backtrace(setting):
    r = gdb(["-ex", "set breakpoint pending on", "-ex", "break stop_here", "-ex", "run", "-ex", "bt"], "outer", setting, "gdb")
    want = [r"#\d+ .*\bstop_here \(", rf"#\d+ .*\binner \(\) at \S*debugger\.bpf\.c:{line_of('sum += stop_here')}\n",
            rf"#\d+ .*\bouter \(\) at \S*debugger\.bpf\.c:{line_of('first = inner(n)')}\n", r"#\d+ .*\bmain \("]
    at = 0
    for w in want:
        m = re.compile(w).search(r.stdout, at)
        if not m:
            return False, f"no {w}\n{r.stdout}{r.stderr}"
        at = m.end()
    if re.search(r"^#\d+ .*\?\? \(\)", r.stdout, re.M):
        return False, r.stdout
    return True, ""


def not_asked_for():
    r = gdb(["-ex", "break stop_here", "-ex", "run", "-ex", "bt"], "outer", "sandboxed")
    return "inner ()" not in r.stdout and "stop_here (" in r.stdout, r.stdout + r.stderr


def stripped():
    """The executable finds its library at $ORIGIN/../../src/lib."""
    with tempfile.TemporaryDirectory() as d:
        soname = re.search(r"SONAME\s+(\S+)", subprocess.run(["objdump", "-p", LIBRARY], capture_output=True, text=True).stdout)
        os.makedirs(os.path.join(d, "src/lib"))
        os.makedirs(os.path.join(d, "tests/lib"))
        to, exe = os.path.join(d, "src/lib", soname.group(1)), os.path.join(d, "tests/lib/debugger")
        subprocess.run(["strip", "-o", to, LIBRARY], check=True)
        shutil.copy(EXE, exe)
        r = gdb(["-ex", "break stop_here", "-ex", "run", "-ex", "bt", "-ex", "info sharedlibrary"], "outer", "sandboxed", "gdb", exe=exe)
        ok = os.path.basename(to) in r.stdout and d in r.stdout and re.search(r"\binner \(\) at \S*debugger\.bpf\.c:\d+\n", r.stdout)
        return bool(ok), r.stdout + r.stderr


def step(where, program, setting):
    """The functions of each backtrace, innermost first, from the first stop until the run is over."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as f:
        f.write(STEP % {"steps": 2500, "where": where, "over": OVER})
        f.flush()
        r = gdb(["-x", f.name], program, setting, "gdb")
    rows = [line[3:].split("|") for line in r.stdout.split("\n") if line.startswith("BT ")]
    why = "" if "END" in r.stdout and "ERROR" not in r.stdout else r.stdout[-1500:] + r.stderr
    if not why and (not rows or rows[-1][0] not in OVER):
        why = f"{len(rows)} steps, the last in {rows[-1:]}"
    return rows, why


def every_instruction(where, program, setting, called, native):
    """Each backtrace ends in main, by way of sp_run, and what is called is on top of what called it."""
    rows, why = step(where, program, setting)
    for names in rows:
        if names[-1] != "main" or "sp_run" not in names or "?" in names or max(map(names.count, native)) > 1:
            return False, f"unwinding is wrong: {names}"
        if called in names and program not in names:
            return False, f"{called} was called by {program}: {names}"
    seen = {names[0] for names in rows}
    missing = set(native) - seen
    return not why and not missing, f"{why}; never in {missing}, of {seen}"


def reason_to_skip():
    if not shutil.which("gdb"):
        return "no gdb"
    if not os.path.exists(OBJECT):
        return "clang for the bpf target was not there"
    r = subprocess.run(["gdb", "-nx", "-batch", "-ex", "python print(6 * 7)"], capture_output=True, text=True)
    if "42" not in r.stdout:
        return "gdb without Python"
    r = subprocess.run([EXE, OBJECT, "outer", "sandboxed"], capture_output=True, text=True)
    if "native code" in r.stdout:
        return r.stdout.strip()
    r = gdb(["-ex", "run", "-ex", "info inferiors"], "outer", "sandboxed")
    if "exited normally" not in r.stdout:
        return "gdb cannot run a process here"
    return None


def main():
    checks = [(f"a_backtrace_of_{s}_code_names_functions_and_lines", lambda s=s: backtrace(s))
              for s in ("verified", "sandboxed")]
    checks += [("nothing_is_told_unless_asked_for", not_asked_for), ("a_stripped_library_is_found_too", stripped)]
    for s in ("verified", "sandboxed", "guarded"):
        checks += [(f"{s}_code_is_unwound_from_each_instruction_of_it",
                    lambda s=s: every_instruction("outer", "outer", s, "inner", ["outer", "inner", "stop_here"]))]
    # What functions share is entered at any depth, and goes on at the C function that started the run.
    checks += [("the_end_of_a_run_that_faults_is_unwound_too",
                lambda: every_instruction("wild", "wild", "sandboxed", "deep", ["wild", "deep", "stop_here", "wild:native", "jit_resume"]))]
    why = reason_to_skip()
    if why:
        print(f"1..0 # SKIP {why}")
        return
    print(f"1..{len(checks)}")
    for i, (name, check) in enumerate(checks, 1):
        ok, text = check()
        print(f"{'ok' if ok else 'not ok'} {i} - {name}")
        if not ok:
            print("# " + text.replace("\n", "\n# "))


main()
