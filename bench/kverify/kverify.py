#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: ./dev bench kverify [--rounds N] [OBJECT...]

What a verdict costs beside what the running kernel's verifier takes for the same program by its own log (root). Both judge in one process, in turn, in each of
N rounds (5); a program counts with the best of its rounds. Without objects: those of the sensor, the selftests that `./dev agreement --selftests`
built, and the programs of recorded verdicts where they are at hand. Bars: faster on the median, and on each program of 100,000 instructions and more;
those within 64 MiB.
"""
import argparse
import glob
import os
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "agreement"))
import agreement
import recorded

LARGE, MEMORY_MIB = 100000, 64
NAME, JUDGE, VERDICT, STEPS, MICROSECONDS = 0, 1, 2, 5, 8


def rounds_of(build, n, objects, lines):
    """name -> judge -> (verdict, steps, best of the rounds)."""
    exe = os.path.join(build, "tests", "agreement", "kjudge")
    best = {}
    for i in range(n):
        texts = []
        if objects:
            texts.append([exe, "objects", "--host", "--live", "--memory", str(MEMORY_MIB), *objects])
        if lines:
            texts.append([exe, "lines", "--host", "--live"])
        for args in texts:
            out = subprocess.run(args, input=lines if args[1] == "lines" else "", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                 errors="replace", check=False).stdout
            for row in (l.split("\t") for l in out.splitlines()):
                if len(row) <= MICROSECONDS:
                    continue
                key = best.setdefault(row[NAME], {})
                judge = "kernel" if row[JUDGE] == "live" else "ours"
                us = int(row[MICROSECONDS])
                if judge not in key or us < key[judge][2]:
                    key[judge] = (row[VERDICT], int(row[STEPS]), us)
        print(f"round {i + 1} of {n}", file=sys.stderr)
    return {k: v for k, v in best.items() if len(v) == 2 and v["ours"][0] == v["kernel"][0] == "accept"}


def main():
    p = argparse.ArgumentParser(prog="./dev bench kverify")
    p.add_argument("build")
    p.add_argument("objects", nargs="*")
    p.add_argument("--rounds", type=int, default=5)
    args = p.parse_args()
    if os.geteuid():
        print("bench kverify: skipped: the running kernel takes programs from root")
        return 0
    objects, lines = args.objects, ""
    if not objects:
        objects = sorted(glob.glob(os.path.join(args.build, "src", "**", "*.bpf.o"), recursive=True)
                         + glob.glob(os.path.join(ROOT, "build", "agreement", "selftests", "*.o")))
        folder = agreement.shared(None)
        lines = "".join(c.line + "\n" for c in recorded.load(folder)[0].values()) if folder else ""
    best = rounds_of(args.build, args.rounds, objects, lines)
    if not best:
        print("bench kverify: no program was accepted by both")
        return 1
    ratios = [v["kernel"][2] / max(v["ours"][2], 1) for v in best.values()]
    ours, kernel = (statistics.median(v[j][2] for v in best.values()) for j in ("ours", "kernel"))
    print(f"{len(best)} programs accepted by both: median {ours:.0f} us, the kernel {kernel:.0f} us; median of the ratios {statistics.median(ratios):.2f}")
    missed = statistics.median(ratios) < 1
    print(f"{'program':<44} {'instructions':>12} {'ours ms':>9} {'kernel ms':>9} {'ratio':>6} {'M insns/s':>9}")
    for name, v in sorted(best.items(), key=lambda kv: -kv[1]["ours"][1]):
        if v["ours"][1] < LARGE:
            break
        ratio = v["kernel"][2] / max(v["ours"][2], 1)
        print(f"{name:<44.44} {v['ours'][1]:>12} {v['ours'][2] / 1000:>9.1f} {v['kernel'][2] / 1000:>9.1f} {ratio:>6.2f} "
              f"{v['ours'][1] / max(v['ours'][2], 1):>9.2f}")
        missed |= ratio < 1
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
