#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""guards.py EXE N: every test of EXE that is named after failure mode N (fNN_...) must fail.

EXE was built without the guards of that failure mode (src/base/guard.h); a test that still passes guards nothing. Each
runs in a process of its own: what a guard kept away may be a crash, or an endless loop.
"""
import os
import subprocess
import sys

SECONDS = 60


def fails(exe, name, env):
    try:
        return subprocess.run([exe, "=" + name], env=env, capture_output=True, timeout=SECONDS).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def main():
    exe, mode = sys.argv[1], int(sys.argv[2])
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", ASAN_OPTIONS="detect_leaks=0")
    names = subprocess.run([exe, "--list"], capture_output=True, text=True, timeout=SECONDS, check=True).stdout.split()
    names = [n for n in names if n.startswith(f"f{mode:02}_")]
    print(f"1..{max(len(names), 1)}")
    if not names:
        print(f"not ok 1 - there is a test of F{mode}")
    for i, name in enumerate(names, 1):
        print(f"{'ok' if fails(exe, name, env) else 'not ok'} {i} - {name} notices that its guard is gone", flush=True)


main()
