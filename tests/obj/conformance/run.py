#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py LOADER CC OUT: compile every case here with every clang that there is, load and run it, and compare.

The first comment of a case says what it is about, and after an empty line what is expected besides the value that
the same source returns when CC compiles it for this machine:

    load            the object is read, its programs are not run
    refuse E123 ..  the object is refused, with these words in the diagnostic
    from v3         the oldest instruction set that clang makes this with
    map|prog|license|version ...   a line that LOADER must print

Objects are kept in OUT under the digest of what they are made of. TAP on stdout.
"""
import concurrent.futures
import hashlib
import os
import re
import shutil
import subprocess
import sys

LOADER, CC, OUT = sys.argv[1:4]
HERE = os.path.dirname(os.path.abspath(__file__))
CLANGS = range(14, 30)
# What each clang is asked for: the newest here everything, the others what differs most.
ALL = [("v1", "-O2"), ("v2", "-O1"), ("v3", "-O2"), ("v3", "-O1"), ("v4", "-O2")]
SOME = [("v1", "-O2"), ("v3", "-O1")]


class Case:
    def __init__(self, path):
        self.name = os.path.basename(path)[:-2]
        self.path = path
        self.text = open(path, encoding="utf-8").read()
        comment = re.search(r"/\*(?! SPDX)(.*?)\*/", self.text, re.S).group(1)
        lines = [line.strip(" *") for line in comment.splitlines()]
        self.load = "load" in lines
        self.refuse = next((line[7:] for line in lines if line.startswith("refuse ")), None)
        self.cpu = next((line[5:] for line in lines if line.startswith("from ")), "v1")
        self.lines = [line for line in lines if re.match(r"(map|prog|license|version) ", line)]

    def runs(self):
        return not self.load and not self.refuse


def make(args, name, *sources):
    """The file that `args` make of the sources, compiled unless it is there; (path, None) or (None, what went wrong)."""
    digest = hashlib.sha256(repr(args).encode())
    for source in sources:
        digest.update(open(source, "rb").read())
    path = os.path.join(OUT, f"{digest.hexdigest()[:16]}-{name}")
    if not os.path.exists(path):
        tmp = f"{path}.{os.getpid()}"
        done = subprocess.run([*args, "-o", tmp], capture_output=True, text=True, check=False)
        if done.returncode:
            return None, done.stderr.strip()
        os.rename(tmp, path)
    return path, None


def find_clangs():
    """[(name, [(cpu, level)])] of those that make BPF code."""
    found = []
    for n in CLANGS:
        name = f"clang-{n}"
        if not shutil.which(name):
            continue
        said = subprocess.run([name, "-target", "bpf", "-mcpu=none", "-c", "-x", "c", "/dev/null", "-o", "/dev/null"],
                              capture_output=True, text=True, check=False).stderr
        cpus = set(re.findall(r"\bv[1-4]\b", said))
        if cpus:
            found.append((name, cpus))
    return [(name, [(cpu, level) for cpu, level in (ALL if i == len(found) - 1 else SOME) if cpu in cpus])
            for i, (name, cpus) in enumerate(found)]


def variants(case, wanted):
    """Whether an object is read or refused does not depend on the instruction set: once is enough."""
    fit = [(cpu, level) for cpu, level in wanted if cpu >= case.cpu]
    return fit if case.runs() else fit[-1:]


def build(case, clang, cpu, level):
    # What clang warns of in a case is often what the case is about.
    args = [clang, "-target", "bpf", f"-mcpu={cpu}", level, "-g", "-w", "-I", HERE, "-c", case.path]
    return make(args, f"{case.name}-{clang}-{cpu}{level}", case.path, os.path.join(HERE, "conf.h"))


def compile_host():
    source = os.path.join(HERE, "native.c")
    return make([*CC.split(), "-std=gnu17", "-O1", "-I", HERE, "-c", source], "host.o", source,
                os.path.join(HERE, "conf.h"))


def native(case, host):
    """What the case returns on this machine."""
    if host[1]:
        return host
    args = [*CC.split(), "-std=gnu17", "-O1", "-w", "-fwrapv", "-fno-strict-aliasing", "-I", HERE, case.path,
            host[0]]
    path, problem = make(args, f"{case.name}-native", case.path, host[0], os.path.join(HERE, "conf.h"))
    if problem:
        return None, problem
    done = subprocess.run([path], capture_output=True, text=True, check=False)
    return (done.stdout.strip(), None) if not done.returncode else (None, f"exit code {done.returncode}")


def judge(case, want, said):
    """None, or how the loader's lines differ from what is expected."""
    lines = said.splitlines()
    verdict = lines[-1] if lines and lines[-1].split(" ")[0] in ("value", "refused", "fault") else "loaded"
    if case.refuse:
        code, _, words = case.refuse.partition(" ")
        if verdict.startswith(f"refused {code} ") and words in verdict:
            return None
        return f"want refused {code} with '{words}', got {verdict}"
    for line in case.lines:
        if line not in lines:
            return f"want '{line}', got {said!r}"
    if case.load:
        return None if verdict == "loaded" else f"want it loaded, got {verdict}"
    return None if verdict == f"value {want}" else f"want value {want}, got {verdict}"


def main():
    os.makedirs(OUT, exist_ok=True)
    only = sys.argv[4:]
    cases = [Case(os.path.join(HERE, f)) for f in sorted(os.listdir(HERE))
             if f.endswith(".c") and f not in ("native.c", "load.c")]
    cases = [c for c in cases if not only or c.name in only]
    clangs = find_clangs()
    pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
    host = compile_host()
    wants = {c.name: pool.submit(native, c, host) for c in cases if c.runs()}
    jobs = [(c, clang, cpu, level, pool.submit(build, c, clang, cpu, level))
            for c in cases for clang, wanted in clangs for cpu, level in variants(c, wanted)]

    bad = {}
    ready = []
    for case, clang, cpu, level, future in jobs:
        path, problem = future.result()
        what = f"{clang} {cpu} {level}"
        if problem:
            bad.setdefault(case.name, []).append(f"{what}: does not compile: {problem}")
        else:
            ready.append((case, what, path))
    order = "".join(f"{'run' if case.runs() else 'load'} {path}\n" for case, _, path in ready)
    done = subprocess.run([LOADER], input=order, capture_output=True, text=True, check=False)
    blocks = done.stdout.split("\n\n")
    if done.returncode or len(blocks) != len(ready) + 1:
        print(f"1..1\nnot ok 1 - the loader read every object\n# exit code {done.returncode} after {len(blocks)} of "
              f"{len(ready)}: {done.stderr[-3000:]}")
        return 1
    for (case, what, path), said in zip(ready, blocks):
        want, problem = wants[case.name].result() if case.runs() else (None, None)
        problem = f"native: {problem}" if problem else judge(case, want, said.strip("\n"))
        if problem:
            bad.setdefault(case.name, []).append(f"{what}: {problem} ({path})")

    print(f"1..{len(cases)}")
    for i, case in enumerate(cases, 1):
        n = sum(1 for c, _, _ in ready if c is case)
        skip = "" if n or case.name in bad else f" # SKIP no clang here makes {case.cpu}"
        print(f"{'not ok' if case.name in bad else 'ok'} {i} - {case.name}, {n} objects{skip}")
        for line in bad.get(case.name, []):
            print("#   " + line.replace("\n", "\n#   "))
    names = [name for name, _ in clangs]
    missing = [f"clang-{n}" for n in range(14, 20) if f"clang-{n}" not in names]
    print(f"# {len(ready)} objects of {len(cases)} cases by {' '.join(names) or 'no clang'}; not on this machine: "
          f"{' '.join(missing) or 'none'}")
    return 0


sys.exit(main())
