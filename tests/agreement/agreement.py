#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How often the verdicts of kverify are the kernels' (docs/agreement.md).

Without an option: from recorded verdicts, for each kernel that gave some. --live, --selftests and --generate ask the running
kernel (root), --vm others. Exit code 0; 1: under a bar (--bars); 2: wrong use; 77: nothing to compare with.
"""
import argparse
import glob
import os
import subprocess
import sys
import time

import recorded
import running
from reasons import Reasons
from report import HEAD, Figures, Pair, Verdict, differences, pattern, row, vectors

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIP = 77
BARS = {"same": 99.0, "false accepts": 0.5, "reason class": 90.0}
BARS_OF_OBJECTS = {**BARS, "same": 97.0}
BARS_OF_GENERATED = {**BARS, "same": 99.9}


def shared(given):
    """The folder of recordings: the option, or the environment, or beside the tree; None: it is not there."""
    named = given or os.environ.get("SALLYPORT_SHARED")
    for place in [named] if named else [os.path.join(ROOT, "..", "shared"), os.path.join(ROOT, "..", "..", "shared")]:
        if os.path.isdir(os.path.join(place, "verifier")):
            return os.path.join(place, "verifier")
    return None


def skip(why):
    print(f"agreement: skipped: {why}")
    sys.exit(SKIP)


def kjudge(build, *args, lines=None, check=True):
    exe = os.path.join(build, "tests", "agreement", "kjudge")
    r = subprocess.run([exe, *args], input=lines, stdout=subprocess.PIPE, text=True, errors="replace", check=False)
    if check and r.returncode:
        sys.exit(f"agreement: kjudge {' '.join(args[:4])}: exit code {r.returncode}")
    return r.stdout


def table(text):
    return [line.split("\t") for line in text.splitlines()]


def judge(build, cases, kernels, *more):
    """judge -> case -> Verdict."""
    args = [a for k in kernels for a in ("--kernel", k)]
    out = {}
    for fields in table(kjudge(build, "lines", *args, *more, lines="".join(c.line + "\n" for c in cases))):
        v = Verdict(fields)
        out.setdefault(v.judge, {})[v.case] = v
    return out


def under_bars(name, f, bars=None):
    bars = bars or BARS
    if f.agreement() < bars["same"]:
        return f"{name}: {f.agreement():.2f} % of the verdicts are the same, the bar is {bars['same']} %"
    if f.false_accepts() > bars["false accepts"]:
        return f"{name}: false accepts are {f.false_accepts():.2f} % of the rejects, the bar is {bars['false accepts']} %"
    if f.classed and f.same_reasons() < bars["reason class"]:
        return f"{name}: {f.same_reasons():.2f} % of the reasons are of the same class, the bar is {bars['reason class']} %"
    return ""


def pairs_of_recording(cases, kernels, ours):
    by_case = {}
    for case in cases:
        mine = [Pair(str(case.id), case.name, k, ours[k][str(case.id)], *case.says[k]) for k in kernels]
        for i, p in enumerate(mine):  # where a kernel's message was not kept, that of the nearest which says the same
            if p.message is None and p.says == "reject":
                near = sorted((abs(i - n), q.message) for n, q in enumerate(mine) if q.says == "reject" and q.message)
                p.near = near[0][1] if near else ""
        by_case[str(case.id)] = mine
    return by_case


def quick(args, cases, kernels, reasons):
    begin = time.monotonic()
    ours = judge(args.build, cases.values(), kernels)
    by_case = pairs_of_recording(cases.values(), kernels, ours)
    pairs = [p for v in by_case.values() for p in v]
    bad = []
    print(HEAD)
    for k in kernels:
        f = Figures([p for p in pairs if p.kernel == k], reasons)
        print(row(k, f))
        bad.append(under_bars(k, f))
    if len(kernels) > 1:
        n, right = vectors(by_case, kernels)
        print(f"verdict changes between the kernels: {n} programs, right for all {len(kernels)} kernels: {right} ({100 * right / max(n, 1):.1f} %)")
    print(f"in {time.monotonic() - begin:.1f} s")
    return pairs, [b for b in bad if b]


def live(args, cases, reasons):
    """The running kernel beside the profile of its release."""
    begin = time.monotonic()
    got = judge(args.build, cases.values(), [], "--host", "--live")
    profile = next(k for k in got if k != "live")
    pairs = []
    for case in cases.values():
        v = got["live"][str(case.id)]
        pairs.append(Pair(str(case.id), case.name, "live", got[profile][str(case.id)], v.verdict, v.line, v.steps))
    f = Figures(pairs, reasons)
    print(f"the running kernel {os.uname().release}, kverify as {profile}")
    print(HEAD)
    print(row("live", f))
    kernel_ms = sum(got["live"][p.case].us for p in f.judged) / 1000
    print(f"the kernel itself: {kernel_ms:.1f} ms to load them; in {time.monotonic() - begin:.1f} s")
    return pairs, [b for b in [under_bars("live", f)] if b]


def types_of(version):
    """The types of a kernel that --vm or --selftests fetched; None: there are none."""
    found = glob.glob(os.path.join(ROOT, "build", "kernels", f"linux-image-{version}[.+~]*", "vmlinux.btf"))
    return sorted(found)[-1] if found else None


def refined(args, cases, kernels, reasons):
    """Older profiles on the verdicts of kernels: plain, refined by that kernel's types, and its own profile."""
    pairs, bad = [], []
    print(HEAD)
    for k in kernels:
        types = args.types or types_of(k)
        if not types or k == args.refine:
            print(f"{k}: {'its own profile' if types else 'no types of it: --types FILE, or --vm ' + k + ' fetches them'}")
            continue
        of = {}
        for name, profile, more in (("plain", args.refine, []), ("refined", args.refine, ["--refine"]), ("own", k, [])):
            got = judge(args.build, cases.values(), [profile], "--btf", types, *more)[profile]
            pairs = [Pair(str(c.id), c.name, k, got[str(c.id)], *c.says[k]) for c in cases.values()]
            of[name] = Figures(pairs, reasons)
            print(row(f"{k} {name}", of[name]))
        if of["refined"].agreement() < of["plain"].agreement() or of["refined"].agreement() < BARS["same"]:
            bad.append(f"{args.refine} refined by the types of {k}: {of['refined'].agreement():.2f} %, plain {of['plain'].agreement():.2f} %")
    if not pairs:
        skip("types of other kernels are needed")
    return pairs, bad


def show(args, cases, kernels):
    case = cases.get(args.show)
    if not case:
        sys.exit(f"agreement: there is no program {args.show}")
    r = case.row
    print(f"{case.id} \"{case.name}\"  type {r['prog_type']} attach {r['attach_type']} {r['attach_func']} flags {r['flags']}")
    for i, m in enumerate(case.line.split("\t")[5].split(";")):
        if m != "-":
            print("  m%d: kind %s key %s value %s entries %s flags %s btf %s %s" % (i, *m.split(",")))
    wanted = [a for k in kernels for a in ("--kernel", k)]
    more = (["--live"] if args.live else []) + (["--trace"] if args.trace else [])
    text = kjudge(args.build, "show", *wanted, *more, lines=case.line + "\n", check=False)
    for line in text.splitlines():
        if line.startswith(f"{case.id}\t"):
            v = Verdict(line.split("\t"))
            says, message = case.says.get(v.judge, ("", ""))
            print(f"{v.judge:6} ours: {v.text()}  ({v.steps} steps, {v.states} states, {v.us} us)" if v.judge != "live" else f"live   {v.text()} ({v.steps} steps)")
            if says:
                print(f"       kernel: {says}{': ' + message if message else ''}")
        else:
            print(line)


def show_file(args, kernels):
    """A program that --generate wrote down."""
    with open(args.show, encoding="utf-8") as f:
        line = f.read()
    more = [a for k in kernels for a in ("--kernel", k)] if args.kernel else ["--host"]
    print(kjudge(args.build, "show", *more, *(["--live"] if not os.geteuid() else []), *(["--trace"] if args.trace else []), lines=line, check=False))


def show_object(args, kernels):
    """FILE.o:PROGRAM, by its path or of those that --selftests built."""
    path, program = args.show.rsplit(":", 1)
    places = [path] + [os.path.join(running.selftests.FOLDER, d, path) for d in ("selftests", "tools")]
    path = next((p for p in places if os.path.isfile(p)), path)
    more = [a for k in kernels for a in ("--kernel", k)] if args.kernel else ["--host"]
    more += [a for c in [running.config()] if c for a in ("--config", c)]
    print(kjudge(args.build, "objects", "--program", program, *more, *(["--live"] if not os.geteuid() else []), *(["--trace"] if args.trace else []), path,
                 check=False))


def generated(args, cases, reasons):
    n, rejects = running.generate(args, os.path.join(args.build, "tests", "agreement", "kjudge"), "".join(c.line + "\n" for c in cases.values()), reasons)
    bad = []
    if 100 * n["same"] < BARS_OF_GENERATED["same"] * n["judged"]:
        bad.append(f"{100 * n['same'] / max(n['judged'], 1):.3f} % of the verdicts are the same, the bar is {BARS_OF_GENERATED['same']} %")
    if 100 * n["false accepts"] > BARS_OF_GENERATED["false accepts"] * rejects:
        bad.append(f"{n['false accepts']} false accepts are over {BARS_OF_GENERATED['false accepts']} % of {rejects} rejects")
    return [], bad


def objects(args, reasons):
    exe = os.path.join(args.build, "tests", "agreement", "kjudge")

    def run(*argv):
        return subprocess.run([exe, *argv], stdout=subprocess.PIPE, text=True, errors="replace", check=False)
    pairs, figures = running.selftest_objects(args, run, reasons)
    return pairs, [b for name, f in figures for b in [under_bars(name, f, BARS_OF_OBJECTS)] if b]


def in_vm(args, cases, reasons):
    pairs, figures = running.lines_in_vm(args, cases, judge, reasons)
    return pairs, [b for name, f in figures for b in [under_bars(name, f)] if b]


def unclassed(pairs, reasons):
    """Lines of kernels that no row of the diagnostics knows."""
    seen = {}
    for p in pairs:
        if p.says == "reject" and p.message and not any(part in p.message for part, _ in reasons.logs):
            seen.setdefault(pattern(p.message), set()).add(p.case)
    for text, cases in sorted(seen.items(), key=lambda x: -len(x[1])):
        print(f"{len(cases):5}  {text}    ({', '.join(sorted(cases)[:4])})")


def options():
    p = argparse.ArgumentParser(prog="./dev agreement", description=__doc__.split("\n\n", maxsplit=1)[0], formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("build", help=argparse.SUPPRESS)
    p.add_argument("--quick", action="store_true", help="from recorded verdicts (what it does anyway)")
    p.add_argument("--kernel", action="append", metavar="V", help="of this kernel only; repeat for more")
    p.add_argument("--diff", action="store_true", help="list the disagreements, in groups")
    p.add_argument("--by", choices=("ours", "kernel", "either"), default="either", help="group by our line, the kernel's, or what tells more")
    p.add_argument("--only", action="append", choices=("false accept", "false reject", "unsupported", "bug", "fa", "fr"), help="of this kind only")
    p.add_argument("--grep", metavar="TEXT", help="--diff: programs whose name or messages hold this")
    p.add_argument("--all", action="store_true", help="--diff: every program of a group, not the first 4")
    p.add_argument("--show", metavar="ID", help="one program: its instructions and what everyone says;\nID of a recorded one, FILE of a generated one, OBJECT.o:PROGRAM")
    p.add_argument("--trace", action="store_true", help="--show: state by state")
    p.add_argument("--reasons", action="store_true", help="lines of kernels that no diagnostic's `log` knows")
    p.add_argument("--live", action="store_true", help="beside the running kernel instead (root); with --show also")
    p.add_argument("--selftests", action="store_true", help="programs of Linux 6.1's selftests and of libbpf-tools, fetched and built (root)")
    p.add_argument("--vm", action="append", metavar="V", help="beside this kernel (6.1) of Debian's, booted in qemu, instead of the running one; with --selftests too")
    p.add_argument("--suite", action="append", metavar="NAME", help="--vm: kernels of this suite of Debian (trixie, bullseye)")
    p.add_argument("--generate", type=int, metavar="N", help="N random programs beside the running kernel (root)")
    p.add_argument("--seed", type=int, default=1, help="--generate: where it begins (1)")
    p.add_argument("--jobs", type=int, default=2, help="--generate: processes (2)")
    p.add_argument("--refine", metavar="V", help="recorded: the profile of V, refined by the types of each later kernel, beside plain")
    p.add_argument("--types", metavar="FILE", help="--refine: the BTF of the kernel that --kernel names; else those in build/kernels")
    p.add_argument("--bars", action="store_true", help="fail under a bar")
    p.add_argument("--shared", metavar="DIR", help="where verifier/ with the recordings lies (SALLYPORT_SHARED; else ../shared)")
    return p


def filtered(pairs, text):
    return [p for p in pairs if not text or text in p.name or text in (p.message or "") or text in p.ours.line or text == p.ours.diag]


def compare(args, cases, kernels, reasons):
    """Disagreements and what is under a bar, of what was asked for."""
    if args.generate:
        return generated(args, cases, reasons)
    if args.selftests:
        return objects(args, reasons)
    if args.refine:
        return refined(args, cases, kernels, reasons)
    if args.vm:
        return in_vm(args, cases, reasons)
    return live(args, cases, reasons) if args.live else quick(args, cases, kernels, reasons)


def recordings(args):
    """The recorded programs, and the kernels among those that kverify knows."""
    folder = shared(args.shared)
    if not folder and not args.generate and not args.selftests:
        skip("no recorded verdicts: --shared DIR or SALLYPORT_SHARED names the folder that has verifier/struct61.jsonl.gz")
    cases, kernels = recorded.load(folder) if folder else ({}, [])
    known = [k[0] for k in table(kjudge(args.build, "kernels"))]
    mine = [k for k in kernels if k in known and (not args.kernel or k in args.kernel)]
    if kernels and not mine:
        sys.exit(f"agreement: no verdicts of {' '.join(args.kernel or [])}; there are some of {' '.join(kernels)}")
    return cases, mine


def main():
    args = options().parse_args()
    only = {{"fa": "false accept", "fr": "false reject"}.get(o, o) for o in args.only or ()}
    if (args.live or args.generate or (args.selftests and not args.vm)) and not args.show and os.geteuid():
        skip("the running kernel takes programs from root")
    cases, kernels = recordings(args)
    if args.show:
        if os.path.isfile(args.show):
            show_file(args, kernels)
        elif ".o:" in args.show:
            show_object(args, kernels)
        else:
            show(args, cases, kernels)
        return 0
    reasons = Reasons(table(kjudge(args.build, "diags")))
    try:
        pairs, bad = compare(args, cases, kernels, reasons)
    except running.selftests.guest.Missing as e:
        skip(str(e))
    if args.diff:
        print(differences(filtered(pairs, args.grep), args.by, 0 if args.all else 4, only))
    if args.reasons:
        unclassed(pairs, reasons)
    for b in bad if args.bars else ():
        print(f"agreement: {b}")
    return 1 if args.bars and bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        os.close(sys.stdout.fileno())
        sys.exit(0)
