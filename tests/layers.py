#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fail on an #include that the layer table in ARCHITECTURE.md does not allow.

The table stands between <!-- layers --> and <!-- /layers -->: | module | may include |. A module is a folder under src/.
An include of another module must name its door, <module>/<last part>.h; X-macro tables (.def) are doors too.
"""
import os
import re
import sys


def table(text):
    part = re.search(r"<!-- layers -->(.*?)<!-- /layers -->", text, re.S)
    if not part:
        sys.exit("ARCHITECTURE.md has no <!-- layers --> table")
    rows = {}
    for line in part.group(1).splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if len(cells) < 2 or cells[0] in ("module", "") or set(cells[0]) <= {"-", ":"}:
            continue
        allowed = cells[1].replace("`", "").split()
        rows[cells[0].strip("`")] = set(a for a in allowed if a != "-")
    return rows


def module_of(path, modules):
    best = None
    for m in modules:
        if (path == m or path.startswith(m + "/")) and (best is None or len(m) > len(best)):
            best = m
    return best


def check(root, rows):
    errors = []
    seen = set()
    for folder, _, files in os.walk(os.path.join(root, "src")):
        for name in files:
            if not name.endswith((".c", ".h", ".def")):
                continue
            full = os.path.join(folder, name)
            rel = os.path.relpath(full, os.path.join(root, "src"))
            me = module_of(os.path.dirname(rel), rows)
            if me is None:
                errors.append(f"src/{rel}: its folder is not in the layer table")
                continue
            seen.add(me)
            for number, line in enumerate(open(full, encoding="utf-8"), 1):
                inc = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
                if not inc:
                    continue
                target = inc.group(1)
                other = module_of(os.path.dirname(target), rows)
                if other is None:
                    if "/" in target:
                        errors.append(f"src/{rel}:{number}: \"{target}\" is in no module of the layer table")
                    continue
                if other == me:
                    continue
                if other not in rows[me]:
                    errors.append(f"src/{rel}:{number}: {me} may not include {other} (\"{target}\")")
                elif not target.endswith(".def") and target != f"{other}/{other.split('/')[-1]}.h":
                    errors.append(f"src/{rel}:{number}: \"{target}\" goes around the door {other}/{other.split('/')[-1]}.h")
    for m in rows:
        if m not in seen:
            errors.append(f"ARCHITECTURE.md: {m} is in the table, but has no source files")
    order = list(rows)
    for m, allowed in rows.items():
        for a in allowed:
            if a not in rows:
                errors.append(f"ARCHITECTURE.md: {m} may include {a}, which is not a module")
            elif order.index(a) >= order.index(m):
                errors.append(f"ARCHITECTURE.md: {m} may include {a}, which is not above it")
    return errors


def main():
    root = sys.argv[1]
    rows = table(open(os.path.join(root, "ARCHITECTURE.md"), encoding="utf-8").read())
    errors = check(root, rows)
    for e in errors:
        print(e)
    print(f"{len(rows)} modules, {len(errors)} forbidden includes")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
