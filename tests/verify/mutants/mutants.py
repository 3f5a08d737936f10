#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mutants.py ROOT --check | --build DIR [--jobs N] [--suite NAME]... [WORD]...: do the verifier's tests notice when the
verifier is wrong?

Each row of the *.txt files beside this script is one mistake in src/engine/verify:

    [name] file.c
    -a line, or several, that stand there once
    +what is there instead

Each alone is built into a copy of the tree (one per job, in DIR), and the suites are run on it, in the order of SUITES
until one fails: then the row is found. To take much longer than without a mistake is to fail. WORD: only rows whose names
have it. --check only looks whether each row still fits, once. Exit 1: a row does not fit, does not compile, or too few
are found (BAR_PERCENT).
"""
import argparse
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time

SUITES = ["verify-domain", "verify", "verify-soundness"]
LIMIT_SECONDS, LIMIT_FACTOR = 60, 20  # for a suite: this long at least, and this many times what it takes
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


class Tree:
    """One copy, built by one job."""

    def __init__(self, root, path, suites):
        self.path, self.suites, self.limits = path, suites, {}
        sync(root, path)
        if not os.path.exists(os.path.join(path, "build/build.ninja")):
            subprocess.run(["meson", "setup", os.path.join(path, "build"), path, "-Dbuildtype=release", "-Dwerror=false"],
                           stdout=subprocess.DEVNULL, check=True)
        said = self.build()
        if said:
            sys.exit(f"{said}\nmutants: the tree does not build without a mistake")
        for suite in suites:
            began = time.time()
            failed = self.run(suite)
            if failed:
                sys.exit(f"mutants: {suite} fails without a mistake: {', '.join(failed)}")
            self.limits[suite] = max(LIMIT_SECONDS, LIMIT_FACTOR * (time.time() - began))

    def build(self):
        """'' or what the build said."""
        targets = [f"tests/test-{s}" for s in self.suites]
        done = subprocess.run(["ninja", "-j1", "-C", os.path.join(self.path, "build"), *targets], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        return done.stdout if done.returncode else ""

    def run(self, suite):
        """The tests that failed; empty: all is well."""
        exe = os.path.join(self.path, "build/tests", f"test-{suite}")
        env = dict(os.environ, SALLYPORT_SOURCE=self.path, CMOCKA_MESSAGE_OUTPUT="TAP")
        try:
            done = subprocess.run([exe], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                  errors="replace", timeout=self.limits.get(suite), check=False)
        except subprocess.TimeoutExpired:
            return ["(no end)"]
        failed = re.findall(r"^not ok \d+ - (\w+)", done.stdout, re.M)
        if not failed and done.returncode:
            failed = [f"(exit {done.returncode})"]
        return failed

    def try_row(self, row):
        """What it was found by: (suite, tests that failed); None: by nothing; '': it does not compile."""
        path = os.path.join(self.path, FOLDER, row.file)
        text = read(path)
        try:
            with open(path, "w", encoding="utf-8") as f:
                f.write(row.apply(text))
            if self.build():
                return ""
            for suite in self.suites:
                failed = self.run(suite)
                if failed:
                    return suite, failed
            return None
        finally:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)


def say(row, by):
    if by == "":
        print(f"DOES NOT COMPILE {row.name} ({row.file})", flush=True)
    elif by is None:
        print(f"NOT FOUND {row.name} ({row.file})", flush=True)
    else:
        print(f"found {row.name} ({row.file}) {by[0]}: {', '.join(by[1])}", flush=True)


def work(tree, rows, results):
    while True:
        try:
            row = rows.get_nowait()
        except queue.Empty:
            return
        results[row.name] = tree.try_row(row)
        say(row, results[row.name])


def run(root, args, rows):
    began, results, waiting = time.time(), {}, queue.Queue()
    suites = [s for s in SUITES if not args.suite or s in args.suite]
    trees = [Tree(root, os.path.join(os.path.abspath(args.build), str(i)), suites) for i in range(args.jobs)]
    print(f"# {len(rows)} mistakes; suites: {' '.join(suites)}", flush=True)
    for row in rows:
        waiting.put(row)
    threads = [threading.Thread(target=work, args=(t, waiting, results)) for t in trees]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    bad = [r.name for r in rows if results.get(r.name, "") == ""]
    found = [by[0] for by in results.values() if by]
    percent = 100 * len(found) / max(1, len(rows) - len(bad))
    print(f"# {len(found)} of {len(rows) - len(bad)} found: {percent:.1f} %, in {time.time() - began:.0f} s; first by: " +
          ", ".join(f"{s} {found.count(s)}" for s in suites))
    return 1 if bad or percent < BAR_PERCENT else 0


def main():
    p = argparse.ArgumentParser(add_help=False)
    p.add_argument("root")
    p.add_argument("--check", action="store_true")
    p.add_argument("--build")
    p.add_argument("--jobs", type=int, default=1)
    p.add_argument("--suite", action="append", choices=SUITES)
    p.add_argument("words", nargs="*")
    args = p.parse_intermixed_args()
    root, rows = os.path.abspath(args.root), load_rows()
    wrong = check(root, rows)
    if wrong or args.check or not args.build:
        print("\n".join(wrong) if wrong else f"{len(rows)} mistakes fit")
        return 1 if wrong else 0
    if args.words:
        rows = [r for r in rows if any(w in r.name for w in args.words)]
    return run(root, args, rows)


if __name__ == "__main__":
    sys.exit(main())
