#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""guards.py EXE N: every test of EXE that is named after failure mode N (fN_...) must fail.

EXE was built without the guards of that failure mode (src/base/guard.h); a test that still passes guards nothing.
"""
import os
import re
import subprocess
import sys


def main():
    exe, mode = sys.argv[1], sys.argv[2]
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", ASAN_OPTIONS="detect_leaks=0")
    out = subprocess.run([exe, f"f{mode}_"], env=env, capture_output=True, text=True, timeout=120).stdout
    results = re.findall(rf"^(ok|not ok) \d+ - (f{mode}_\w+)", out, re.M)
    print(f"1..{max(len(results), 1)}")
    if not results:
        print(f"not ok 1 - there is a test of F{mode}")
    for i, (result, name) in enumerate(results, 1):
        print(f"{'not ok' if result == 'ok' else 'ok'} {i} - {name} notices that its guard is gone")


main()
