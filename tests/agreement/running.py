# SPDX-License-Identifier: Apache-2.0
"""Comparisons that ask a kernel: objects of others, generated programs; the running one (root) or one in qemu."""
import gzip
import os
import subprocess
import time

import selftests
import vm
from reasons import pattern
from report import HEAD, Figures, Pair, Verdict, percent, row


def say(text):
    print(f"agreement: {text}", file=os.sys.stderr, flush=True)


def config(path="/proc/config.gz"):
    """The running kernel's configuration as a file for kjudge, or None."""
    if not os.path.exists(path):
        return None
    os.makedirs(selftests.FOLDER, exist_ok=True)
    out = os.path.join(selftests.FOLDER, "config")
    with gzip.open(path, "rt") as f, open(out, "w", encoding="utf-8") as o:
        o.write("".join(line for line in f if line.startswith("CONFIG_")))
    return out


def rows(text):
    return [Verdict(line.split("\t")) for line in text.splitlines() if line.count("\t") == 9]


def judged(kjudge, files, *args):
    """kjudge on objects; where one of them ends it, each on its own."""
    r = kjudge("objects", *args, *files)
    if not r.returncode:
        return rows(r.stdout)
    if len(files) == 1:
        say(f"kjudge ended with {r.returncode} on {files[0]}")
        return rows(r.stdout)
    half = len(files) // 2
    return judged(kjudge, files[:half], *args) + judged(kjudge, files[half:], *args)


def pairs_of(kernel, ours, theirs):
    """Our verdicts beside the kernel's; an object that we do not read counts for all of its programs."""
    whole = {v.case.split(":")[0]: v for v in ours if v.case.endswith(":*")}
    mine = {v.case: v for v in ours}
    out = []
    for v in theirs:
        o = mine.get(v.case) or whole.get(v.case.split(":")[0])
        if not o:
            o = Verdict([v.case, kernel, "unsupported", "", "-1", "0", "0", "0", "0", "our loader finds no such program"])
        if o.verdict == "env":
            o.verdict = "unsupported"
        out.append(Pair(v.case, v.case, kernel, o, v.verdict, v.line, v.steps))
    return out


def figures(title, pairs, reasons):
    f = Figures(pairs, reasons)
    print(row(title, f))
    return f


def objects_here(args, kjudge, sets, reasons):
    """The running kernel."""
    files = [f for _, s in sets for f in s]
    more = ["--config", config()] if config() else []
    all_rows = judged(kjudge, files, "--host", "--live", *more)
    ours, theirs = [v for v in all_rows if v.judge != "live"], [v for v in all_rows if v.judge == "live"]
    return compare("running", ours, theirs, sets, reasons)


def compare(kernel, ours, theirs, sets, reasons):
    pairs = pairs_of(kernel, ours, theirs)
    for name, files in sets:
        mine = {os.path.basename(f) for f in files}
        figures(f"{kernel} {name}"[:20], [p for p in pairs if p.case.split(":")[0] in mine], reasons)
    env = sum(p.says == "env" for p in pairs)
    print(f"{'':12} {env} of {len(pairs)} programs never reached this kernel's verifier")
    return pairs, figures(kernel, pairs, reasons)


def objects_in_vm(args, kjudge, sets, reasons):
    pairs, all_figures = [], []
    for version, machine in vm.machines(args.vm, args.suite or (), say):
        files = [f for _, s in sets for f in s]
        theirs = rows(machine.asked(args.build, "", files))
        more = ["--config", machine.config] if machine.config else []
        ours = judged(kjudge, files, "--kernel", version, "--btf", machine.types, *more)
        mine, f = compare(version, ours, theirs, sets, reasons)
        pairs += mine
        all_figures.append((version, f))
    return pairs, all_figures


def selftest_objects(args, kjudge, reasons):
    begin = time.monotonic()
    tests, tools = selftests.objects(say)
    sets = [("selftests", tests), ("libbpf-tools", tools)]
    print(HEAD)
    if args.vm:
        pairs, all_figures = objects_in_vm(args, kjudge, sets, reasons)
    else:
        pairs, f = objects_here(args, kjudge, sets, reasons)
        all_figures = [("running", f)]
    print(f"in {time.monotonic() - begin:.1f} s")
    return pairs, all_figures


def lines_in_vm(args, cases, judge, reasons):
    """The recorded programs in a kernel in qemu: what a recording of it would say today."""
    pairs, all_figures = [], []
    print(HEAD)
    text = "".join(c.line + "\n" for c in cases.values())
    for version, machine in vm.machines(args.vm, args.suite or (), say):
        theirs = {v.case: v for v in rows(machine.asked(args.build, text, []))}
        ours = judge(args.build, cases.values(), [version], "--btf", machine.types)[version]
        mine = [Pair(str(c.id), c.name, version, ours[str(c.id)], theirs[str(c.id)].verdict, theirs[str(c.id)].line, theirs[str(c.id)].steps)
                for c in cases.values()]
        all_figures.append((version, figures(version, mine, reasons)))
        pairs += mine
    return pairs, all_figures


def generate(args, exe, lines, reasons):
    """Random programs beside the running kernel, in two processes."""
    found = os.path.join(selftests.FOLDER, "found")
    os.makedirs(found, exist_ok=True)
    procs = []
    for i in range(args.jobs):
        argv = [exe, "generate", "--seed", str(args.seed * 16 + i), "--count", str(max(args.generate // args.jobs, 1)), "--out", found]
        argv += ["--kernel", args.kernel[0]] if args.kernel else []
        p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, errors="replace")
        procs.append(p)
    with_seeds = [(p, lines) for p in procs]
    outputs = communicate(with_seeds)
    return tell(outputs, found, reasons)


def communicate(procs):
    """Feed all of them before waiting for one."""
    for p, text in procs:
        try:
            p.stdin.write(text)
            p.stdin.close()
        except BrokenPipeError:
            pass
        p.stdin = None
    out = [p.communicate()[0] for p, _ in procs]
    if any(p.returncode for p, _ in procs):
        raise RuntimeError(f"kjudge generate ended with {[p.returncode for p, _ in procs]}")
    return out


NAMES = ("programs", "judged", "accepted", "same", "false accepts", "false rejects", "not modelled", "bugs", "accepted by both", "same steps", "ms")


def tell(outputs, found, reasons):
    table = [line.split("\t") for text in outputs for line in text.splitlines()]
    totals = [list(map(int, t[1:])) for t in table if t[0] == "total"]
    n = dict(zip(NAMES, [sum(c) for c in zip(*totals)]))
    n["ms"] = max(t[-1] for t in totals)
    rejects = n["judged"] - n["accepted"]
    both = [(t[1], int(t[2]), reasons.of_kernel(t[3])) for t in table if t[0] == "reason"]
    classed = sum(c for _, c, k in both if k)
    right = sum(c for d, c, k in both if reasons.of_ours(d) in k)
    print(f"{n['judged']} programs judged by both, {n['accepted']} accepted by the kernel; {n['judged'] * 1000 // max(n['ms'], 1)} a second")
    print(f"same verdict {percent(n['same'], n['judged'])}   false accepts {n['false accepts']} ({percent(n['false accepts'], rejects)} of the rejects)   "
          f"false rejects {n['false rejects']}   not modelled {n['not modelled']}   bugs {n['bugs']}")
    print(f"same number of steps where both accept {percent(n['same steps'], n['accepted by both'])}   same class of reason {percent(right, classed)}")
    groups = {}
    for kind, count, diag, file, ours, kernel in (t[1:] for t in table if t[0] == "found"):
        g = groups.setdefault((kind, diag, pattern(ours if kind in ("bug", "unsupported") else kernel)), [0, ours, kernel, []])
        g[0] += int(count)
        g[3] += [file] if file else []
    for (kind, diag, _), (count, ours, kernel, files) in sorted(groups.items(), key=lambda g: (g[0][0], -g[1][0])):
        print(f"{count:7} {kind:13} {diag:6} ours: {ours or 'accept'} | kernel: {kernel or 'accept'}")
        if files:
            print("        " + " ".join(os.path.relpath(os.path.join(found, f)) for f in files))
    return n, rejects
