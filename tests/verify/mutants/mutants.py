#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mutants.py ROOT [--check | --build DIR [--only WORD]...]: do the verifier's tests notice when the verifier is wrong?

Each row of the *.txt files beside this script is one mistake in src/engine/verify:

    [name] file.c
    -a line, or several, that stand there once
    +what is there instead

Each alone is built into a copy of the tree, and the suites of SUITES are run on it. A row is found when a suite fails,
or takes longer than LIMIT_SECONDS. --check only looks whether each row still fits, once. Exit 1: a row does not fit,
does not compile, or too few are found (BAR_PERCENT).
"""
import os
import re
import shutil
import subprocess
import sys
import time

SUITES = ["verify-domain", "verify", "verify-soundness"]
LIMIT_SECONDS = 120
BAR_PERCENT = 95
FOLDER = "src/engine/verify"


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Row:
    def __init__(self, name, file):
        self.name, self.file, self.old, self.new = name, file, [], []

    def lines(self, which):
        return "\n".join(which) + "\n"

    def apply(self, text):
        """The text with the mistake; None: the lines do not stand there exactly once."""
        at = ("\n" + text).find("\n" + self.lines(self.old))
        if at < 0 or ("\n" + text).find("\n" + self.lines(self.old), at + 1) >= 0:
            return None
        return text[:at] + self.lines(self.new) + text[at + len(self.lines(self.old)):]


def parse(text, where):
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        head = re.fullmatch(r"\[([a-z0-9-]+)\] ([a-z_]+\.[ch])", line)
        if head:
            rows.append(Row(*head.groups()))
        elif line[:1] in ("-", "+") and rows:
            (rows[-1].old if line[0] == "-" else rows[-1].new).append(line[1:])
        elif line and not line.startswith("#"):
            sys.exit(f"{where}:{number}: neither a row nor a comment: {line}")
    return rows


def load_rows():
    here = os.path.dirname(os.path.abspath(__file__))
    rows = []
    for name in sorted(os.listdir(here)):
        if name.endswith(".txt"):
            rows += parse(read(os.path.join(here, name)), name)
    return rows


def misfits(root, rows):
    wrong, names, seen = [], set(), set()
    for r in rows:
        text = read(os.path.join(root, FOLDER, r.file))
        changed = r.apply(text) if r.old else None
        if changed is None:
            wrong.append(f"{r.name}: its lines do not stand exactly once in {FOLDER}/{r.file}")
        elif changed == text:
            wrong.append(f"{r.name}: it changes nothing")
        if r.name in names or (r.file, changed) in seen:
            wrong.append(f"{r.name}: there are two of it")
        names.add(r.name)
        seen.add((r.file, changed))
    return wrong


def check(root, rows):
    """Also that the check itself can fail: each row no longer fits when what it stands on is gone, or there twice."""
    wrong = misfits(root, rows)
    for r in rows:
        text = read(os.path.join(root, FOLDER, r.file))
        gone = text.replace(r.lines(r.old), "")
        if r.apply(gone) is not None or r.apply(text + r.lines(r.old)) is not None:
            wrong.append(f"{r.name}: would be taken to fit where it does not")
    return wrong


def sync(root, tree):
    """The files of the tree, as they are now; those that have not changed keep their times."""
    kept = set()
    for at, folders, names in os.walk(root):
        inside = os.path.relpath(at, root)
        folders[:] = [f for f in folders if f not in (".git", "build", "__pycache__")]
        os.makedirs(os.path.join(tree, inside), exist_ok=True)
        for name in names:
            path = os.path.normpath(os.path.join(inside, name))
            kept.add(path)
            src, dst = os.path.join(root, path), os.path.join(tree, path)
            if not os.path.exists(src):
                continue
            with open(src, "rb") as f:
                data = f.read()
            if os.path.exists(dst):
                with open(dst, "rb") as f:
                    if f.read() == data:
                        continue
            shutil.copy(src, dst)
    for at, folders, names in os.walk(tree):
        folders[:] = [f for f in folders if os.path.join(at, f) != os.path.join(tree, "build")]
        for name in names:
            if os.path.normpath(os.path.relpath(os.path.join(at, name), tree)) not in kept:
                os.remove(os.path.join(at, name))


def build(tree):
    """'' or what the build said."""
    targets = [f"tests/test-{s}" for s in SUITES]
    done = subprocess.run(["ninja", "-C", os.path.join(tree, "build"), *targets], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout if done.returncode else ""


def run_suite(tree, suite):
    """The tests that failed; empty: all is well."""
    exe = os.path.join(tree, "build/tests", f"test-{suite}")
    env = dict(os.environ, SALLYPORT_SOURCE=tree, CMOCKA_MESSAGE_OUTPUT="TAP")
    try:
        done = subprocess.run([exe], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace",
                              timeout=LIMIT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return ["(no end)"]
    failed = re.findall(r"^not ok \d+ - (\w+)", done.stdout, re.M)
    if not failed and done.returncode:
        failed = [f"(exit {done.returncode})"]
    return failed


def prepare(root, tree):
    sync(root, tree)
    if not os.path.exists(os.path.join(tree, "build/build.ninja")):
        subprocess.run(["meson", "setup", os.path.join(tree, "build"), tree, "-Dbuildtype=release", "-Dwerror=false"],
                       stdout=subprocess.DEVNULL, check=True)
    said = build(tree)
    if said:
        sys.exit(f"{said}\nmutants: the tree does not build without a mistake")
    for suite in SUITES:
        if run_suite(tree, suite):
            sys.exit(f"mutants: {suite} fails without a mistake")


def try_row(tree, row):
    """(compiles, {suite: tests that failed})"""
    path = os.path.join(tree, FOLDER, row.file)
    text = read(path)
    try:
        with open(path, "w", encoding="utf-8") as f:
            f.write(row.apply(text))
        if build(tree):
            return False, {}
        found = {s: run_suite(tree, s) for s in SUITES}
        return True, {s: t for s, t in found.items() if t}
    finally:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)


def run(root, tree, rows):
    wrong, found, first = [], 0, {}
    began = time.time()
    prepare(root, tree)
    print(f"# {len(rows)} mistakes; suites: {' '.join(SUITES)}", flush=True)
    for row in rows:
        compiles, by = try_row(tree, row)
        if not compiles:
            wrong.append(row.name)
            print(f"DOES NOT COMPILE  {row.name} ({row.file})", flush=True)
            continue
        found += bool(by)
        said = "; ".join(f"{s}: {', '.join(t)}" for s, t in by.items())
        for s in by:
            first[s] = first.get(s, 0) + 1
        print(f"{'found' if by else 'NOT FOUND':9} {row.name} ({row.file}) {said}", flush=True)
    percent = 100 * found / max(1, len(rows) - len(wrong))
    print(f"# {found} of {len(rows) - len(wrong)} found: {percent:.1f} %, in {time.time() - began:.0f} s; by suite: " +
          ", ".join(f"{s} {first.get(s, 0)}" for s in SUITES))
    return 1 if wrong or percent < BAR_PERCENT else 0


def main(args):
    root = os.path.abspath(args[0])
    rows = load_rows()
    if "--check" in args:
        wrong = check(root, rows)
        print("\n".join(wrong) if wrong else f"{len(rows)} mistakes fit")
        return 1 if wrong else 0
    words = [args[i + 1] for i, a in enumerate(args) if a == "--only"]
    wrong = misfits(root, rows)
    if wrong:
        sys.exit("\n".join(wrong))
    if words:
        rows = [r for r in rows if any(w in r.name for w in words)]
    return run(root, os.path.abspath(args[args.index("--build") + 1]), rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
