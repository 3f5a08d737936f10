#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""complete.py ROOT MODE:TESTS:FILE,FILE...: no failure mode is without a test, without guards, or without its row.

Each of F1 to F26 has a test that is named after it, and a run in which its guards are taken out (the arguments: what
tests/modes/meson.build builds); each file with a guard of a mode is in such a run; docs/failure-modes.md has a row for
each mode, and what that names is there. Then all of it again with one part taken away: that must be noticed.
"""
import os
import re
import sys

MODES = range(1, 27)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def sources(root, folder, ends):
    for at, _, names in os.walk(os.path.join(root, folder)):
        for name in sorted(names):
            if name.endswith(ends):
                yield os.path.relpath(os.path.join(at, name), root)


def tests_of(root):
    """name of a test -> its file"""
    found = {}
    for path in sources(root, "tests", (".c", ".py")):
        text = read(os.path.join(root, path))
        for name in re.findall(r"^(?:TEST\(|ALONE\(|def )(f\d\d_\w+)", text, re.M):
            found[name] = path
    for kind in re.findall(r"^OBJECT_FORMAT\((\w+),", read(os.path.join(root, "tests/modes/test_blank.c")), re.M):
        found[f"f16_a_blank_{kind}_is_refused"] = "tests/modes/test_blank.c"
    return found


def guards_of(root):
    """(mode, file below src)"""
    found = set()
    for path in sources(root, "src", (".c", ".h")):
        if path != "src/base/guard.h":
            found |= {(int(n), path[4:]) for n in re.findall(r"\bGUARD\((\d+),", read(os.path.join(root, path)))}
    return found


def rows_of(text):
    rows = {}
    for line in text.splitlines():
        m = re.match(r"\| F(\d+) \|", line)
        if m:
            rows[int(m.group(1))] = line
    return rows


def missing(root, tests, guards, runs, rows):
    wrong = []
    covered = {(n, f) for n, _, files in runs for f in files}
    for n in MODES:
        if not any(t.startswith(f"f{n:02}_") for t in tests):
            wrong.append(f"F{n} has no test that is named after it")
        if not any(run[0] == n for run in runs):
            wrong.append(f"F{n} has no run without its guards")
        if n not in rows:
            wrong.append(f"F{n} has no row in docs/failure-modes.md")
    wrong += [f"{f} has a guard of F{n} that no run takes out" for n, f in sorted(guards - covered)]
    wrong += [f"a run takes guards of F{n} out of {f}, which has none" for n, f in sorted(covered - guards)]
    for n, line in sorted(rows.items()):
        named = re.findall(r"`([^`]+)`", line)
        wrong += [f"F{n}: there is no {p}" for p in named if "/" in p and not os.path.exists(os.path.join(root, p))]
        wrong += [f"F{n}: there is no test {t}" for t in named if re.match(r"f\d\d_", t) and t not in tests]
        if not any(t.startswith(f"f{n:02}_") for t in named):
            wrong.append(f"F{n}: its row names no test of it")
    return wrong


def main():
    root = sys.argv[1]
    runs = []
    for arg in sys.argv[2:]:
        n, name, files = arg.split(":")
        runs.append((int(n), name, files.split(",")))
    tests, guards = tests_of(root), guards_of(root)
    rows = rows_of(read(os.path.join(root, "docs/failure-modes.md")))
    wrong = missing(root, tests, guards, runs, rows)
    cases = [("every failure mode has a test, a run without its guards, and a row", not wrong)]
    for n in MODES:
        less = {t: f for t, f in tests.items() if not t.startswith(f"f{n:02}_")}
        seen = [missing(root, less, guards, runs, rows),
                missing(root, tests, guards, [r for r in runs if r[0] != n], rows),
                missing(root, tests, guards, runs, {k: r for k, r in rows.items() if k != n})]
        cases.append((f"it is noticed when F{n} has none", all(any(f"F{n} " in w for w in s) for s in seen)))
    print(f"1..{len(cases)}")
    for i, (name, good) in enumerate(cases, 1):
        print(f"{'ok' if good else 'not ok'} {i} - {name}")
    for w in wrong:
        print(f"# {w}")


main()
