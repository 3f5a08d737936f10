#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run every check of `./dev check` after the builds, and close with one line that counts them.

Each step prints what it does, how long it took, and the output of what failed. Every test result is TAP ("ok", "not ok",
"# SKIP reason"): they are counted over all steps, and skips are listed with their reasons.
"""
import json
import os
import re
import subprocess
import sys
import time

CANNOT = 3  # exit code: this host cannot
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Totals:
    def __init__(self):
        self.passed = self.failed = 0
        self.skips = []

    def add_tap(self, text, where):
        """Count TAP lines; a '# SKIP' message of a unit test precedes its own result line."""
        reason = None
        bad = []
        for line in text.splitlines():
            skip = re.search(r"#\s*skip:?\s*(.*)", line, re.I)
            result = re.match(r"(not )?ok\b[\s\d]*-?\s*(.*)", line)
            if skip and not result:
                reason = skip.group(1)
            elif result and (skip or reason) and not result.group(1):
                name = result.group(2).split("#")[0].strip()
                self.skips.append(f"{where}: {name}: {reason or skip.group(1).strip()}")
                reason = None
            elif result:
                if result.group(1):
                    self.failed += 1
                    bad.append(line)
                else:
                    self.passed += 1
        return bad


def step(name):
    print(f"check: {name} ... ", end="", flush=True)
    return time.monotonic()


def done(start, bad, output=""):
    print(f"{'FAILED' if bad else 'ok'} ({time.monotonic() - start:.1f} s)", flush=True)
    if bad and output:
        print(output[-20000:])


def meson_tests(totals, build):
    start = step(f"unit tests in {build}")
    run = subprocess.run(["meson", "test", "-C", build, "--no-rebuild"], cwd=ROOT, capture_output=True, text=True)
    log = os.path.join(ROOT, build, "meson-logs", "testlog.json")
    output = []
    try:
        rows = [json.loads(line) for line in open(log, encoding="utf-8")]
    except OSError:
        rows = []
    for row in rows:
        tap = row.get("stdout", "")
        failed_before = totals.failed
        if re.search(r"^1\.\.\d+", tap, re.M):
            bad = totals.add_tap(tap, row["name"])
            if row["result"] not in ("OK", "SKIP") and not bad:
                totals.failed += 1  # it crashed, or a sanitizer spoke
        elif row["result"] == "OK":
            totals.passed += 1
        elif row["result"] == "SKIP":
            totals.skips.append(f"{row['name']}: {tap.strip() or 'no reason given'}")
        else:
            totals.failed += 1
        if totals.failed > failed_before:
            output.append(f"--- {row['name']}: {row['result']}\n{tap}\n{row.get('stderr', '')}")
    if not rows:
        totals.failed += 1
        output.append(run.stdout + run.stderr)
    done(start, bool(output), "\n".join(output))


def command(totals, name, argv, tap=False, timeout=600):
    start = step(name)
    try:
        run = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=timeout, errors="replace")
        text, code = run.stdout + run.stderr, run.returncode
    except subprocess.TimeoutExpired as e:
        text, code = f"no end after {timeout} s: {(e.stdout or b'').decode(errors='replace')}", 1
    bad = totals.add_tap(text, name) if tap else []
    if not tap and code == CANNOT:
        totals.skips.append(f"{name}: {text.strip()}")
        code = 0
    elif not tap:
        totals.passed += code == 0
        totals.failed += code != 0
    elif code and not bad:
        totals.failed += 1
    done(start, code != 0 or bad, text)


def main():
    totals = Totals()
    sallyport = "build/release/src/sallyport"
    command(totals, "source format", ["./dev", "fmt", "--check"])
    meson_tests(totals, "build/san")
    command(totals, "default rules' own tests", [sallyport, "rules", "test", "rules"])
    os.environ["SALLYPORT_BARS"] = "1"
    command(totals, "bars of releases, simulated", [sys.executable, "tests/cli/test_simulate.py", sallyport], tap=True)
    for build in ("build/release", "build/san"):
        command(totals, f"end to end with {build}", [sys.executable, "tests/e2e/e2e.py", build], tap=True, timeout=420)
    command(totals, "the stable public rules, live", [sys.executable, "tests/e2e/stable.py", "build/release"], tap=True, timeout=300)
    command(totals, "content and hosts that fail", [sys.executable, "tests/e2e/faults.py", "build/faults", "--production", "build/release"], tap=True,
            timeout=300)
    command(totals, "the demo", [sys.executable, "tests/e2e/demo.py", "build/release"], timeout=120)
    command(totals, "a small fleet", [sys.executable, "tests/e2e/fleet.py", "build/release", "--hosts", "12", "over", "hostile", "stolen"], tap=True,
            timeout=180)
    for s in totals.skips:
        print(f"check: skipped {s}")
    print(f"{totals.passed} passed, {totals.failed} failed, {len(totals.skips)} skipped")
    return 1 if totals.failed else 0


if __name__ == "__main__":
    sys.exit(main())
