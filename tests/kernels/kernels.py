#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: ./dev kernels [OPTIONS] [VERSION...]

The fixed programs and the whole sensor on every kernel that can be had and booted.

  VERSION         kernels whose package name has it, also as a pattern (6.1.0-4?-cloud); without one the oldest and the
                  newest of each series and flavour
  --all           all that apt offers
  --list          only say which
  --suite NAME    of another suite of this machine's own archive (bullseye, trixie, sid); may be given again
  --timeout S     seconds for one kernel (600)
  --json          one JSON object instead of the table

Kernel images come by apt-get download from this machine's own package sources and are booted by qemu, emulated: neither root nor KVM is
needed. Everything lies in build/kernels; results.json there keeps, for each BPF object and each kernel build, what was seen last. Exit
code 1 when a kernel fails, 3 when this machine cannot do it.
"""
import argparse
import json
import os
import subprocess
import sys
import time

import guest
import judge
import packages

FOLDER = os.path.join(guest.ROOT, "build", "kernels")
COLUMNS = "{:<34} {:<6} {:>8} {:>5} {:>9} {:>12} {:>6} {:>7}"


def say(text):
    print(text, file=sys.stderr, flush=True)


def f26_programs_load_and_go(apt, name, packed, bpf_object, timeout_s):
    """One kernel: fetched, booted, judged. Returns its row."""
    say(f"kernels: {name}: fetching")
    kernel, version = apt.fetch(name, FOLDER)
    console, results = (os.path.join(os.path.dirname(kernel), f) for f in ("console.log", "results.log"))
    image = guest.complete(packed, kernel)
    start = time.monotonic()
    ended = guest.boot(kernel, image, console, results, timeout_s,
                       lambda section: say(f"kernels: {name}: {time.monotonic() - start:4.0f} s {section}"))
    with open(console, errors="replace") as c, open(results, errors="replace") as r:
        row = judge.Judge(r.read(), c.read(), ended, bpf_object).row
    return {**row, "package": name, "package_version": version, "seconds": round(time.monotonic() - start)}


def failed_row(name, bpf_object, problem):
    return {"kernel": "", "build": "", "bpf_object": bpf_object, "programs": [], "links": [], "hooks": None, "ok": False, "problems": [problem],
            "tests": {"passed": 0, "failed": 0, "skipped": 0}, "drill": {"alerted": 0, "of": 0}, "package": name, "package_version": "", "seconds": 0}


def keep(rows, path):
    """Add rows to what is known: BPF object -> "uname -r uname -v" -> row. A row without a build stands for nothing."""
    try:
        with open(path, encoding="utf-8") as f:
            known = json.load(f)
    except FileNotFoundError:
        known = {}
    for r in rows:
        if r["build"]:
            known.setdefault(r["bpf_object"], {})[f"{r['kernel']} {r['build']}"] = r
    with open(path + ".part", "w", encoding="utf-8") as f:
        json.dump(known, f, indent=1, sort_keys=True)
        f.write("\n")
    os.replace(path + ".part", path)


def show(rows):
    print(COLUMNS.format("kernel", "", "programs", "links", "hooks", "tests", "drill", "seconds"))
    for r in rows:
        t, d = r["tests"], r["drill"]
        print(COLUMNS.format(r["kernel"] or r["package"], "ok" if r["ok"] else "FAILED", len(r["programs"]), len(r["links"]), r["hooks"] or "-",
                             f"{t['passed']}/{sum(t.values())}", f"{d['alerted']}/{d['of']}", r["seconds"]))
        for p in r["problems"]:
            print(f"    {p}")


def run(args):
    guest.need()
    os.makedirs(FOLDER, exist_ok=True)
    apt = packages.Apt(FOLDER, args.suite)
    try:
        names = packages.choose(apt.kernels(), args.version, args.all)
    except LookupError as e:
        say(f"kernels: apt offers no kernel '{e}': --list shows those it does (apt-get update?)")
        return 2
    if not names:
        raise guest.Missing("apt offers no kernel image: apt-get update")
    if args.list:
        print("\n".join(names))
        return 0
    packed = guest.build(args.build_dir)
    version = subprocess.run([os.path.join(args.build_dir, "src", "sallyport"), "version", "--json"], capture_output=True, check=True)
    bpf_object = json.loads(version.stdout)["bpf_object"]
    rows = []
    for name in names:
        try:
            rows.append(f26_programs_load_and_go(apt, name, packed, bpf_object, args.timeout))
        except RuntimeError as e:  # not to be had
            rows.append(failed_row(name, bpf_object, str(e)))
        say(f"kernels: {name}: {'ok' if rows[-1]['ok'] else 'FAILED: ' + rows[-1]['problems'][0]}")
        keep(rows[-1:], os.path.join(FOLDER, "results.json"))
    if args.json:
        print(json.dumps({"bpf_object": bpf_object, "kernels": rows, "ok": all(r["ok"] for r in rows)}, indent=1))
    else:
        show(rows)
    return 0 if all(r["ok"] for r in rows) else 1


def main():
    p = argparse.ArgumentParser(usage="./dev kernels [OPTIONS] [VERSION...]; --help says more", add_help=False)
    p.add_argument("build_dir")
    p.add_argument("version", nargs="*")
    for flag in ("--all", "--list", "--json", "--help"):
        p.add_argument(flag, action="store_true")
    p.add_argument("--suite", action="append", default=[])
    p.add_argument("--timeout", type=int, default=600)
    args = p.parse_intermixed_args()
    if args.help:
        print(__doc__.strip())
        return 0
    try:
        return run(args)
    except (guest.Missing, RuntimeError) as e:
        say(f"kernels: {e}")
        return 3


if __name__ == "__main__":
    sys.exit(main())
