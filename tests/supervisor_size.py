#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What runs as root while there are children stays small: at most 2,200 lines of code, and none of it includes content.

Counted are lines of C files that are neither blank nor comment; declarations in headers do nothing by themselves. Modules that it calls and that have
tests and fuzzers of their own (base, kern, release/local) are not counted.

Every file of src/agent counts unless it belongs to another process or to another time: worker*, courier* and their walls
(confine*, seccomp) run as nobody; replay, diff and each are tools; config* and start* are over before the first child is started; report
comes after the last one ended. Files that are added count by default.
"""
import os
import re
import sys

MOST = 2200
NOT_COUNTED = re.compile(r"(worker|courier|steward|confine|seccomp|replay|diff|each|config|start|report)[\w]*\.[ch]$|agent\.h$")
ALSO_COUNTED = ["src/sensor/output/file.c"]  # opening and renaming alert files


def counted(root):
    agent = os.path.join(root, "src", "agent")
    names = sorted(n for n in os.listdir(agent) if n.endswith((".c", ".h")) and not NOT_COUNTED.match(n))
    return [os.path.join("src/agent", n) for n in names] + [f for f in ALSO_COUNTED if os.path.exists(os.path.join(root, f))]


def code_lines(path, text):
    if path.endswith(".h"):
        return 0
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S)
    return sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("//"))


def check(root):
    errors = []
    total = 0
    for path in counted(root):
        lines = open(os.path.join(root, path), encoding="utf-8").read().splitlines()
        total += code_lines(path, "\n".join(lines))
        for n, line in enumerate(lines, 1):
            if re.match(r'\s*#\s*include\s+"content/', line):
                errors.append(f"{path}:{n}: the supervisor parses no content, so it does not include it")
    if total > MOST:
        errors.append(f"the supervisor has {total} lines of code, at most {MOST}: move what need not run as root to another process")
    return total, errors


def main():
    total, errors = check(sys.argv[1])
    for e in errors:
        print(e)
    print(f"{total} lines of code of {MOST} run as root beside children")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
