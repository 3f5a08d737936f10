#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The layer check and the size check can fail: small trees with one planted mistake each. Prints TAP."""
import os
import subprocess
import sys
import tempfile

TABLE = """<!-- layers -->
| module | may include |
|---|---|
| base | - |
| engine/isa | base |
| engine/vm | base engine/isa |
<!-- /layers -->
"""
GOOD = {
    "src/base/base.h": "#include <stdio.h>\n#include \"base/part.h\"\n",
    "src/base/part.h": "\n",
    "src/engine/isa/isa.h": "#include \"base/base.h\"\n",
    "src/engine/vm/vm.c": "#include \"engine/isa/isa.h\"\n#include \"engine/isa/isa.def\"\n",
}
CASES = [
    ("a clean tree passes", {}, TABLE, None),
    ("an include upwards", {"src/engine/isa/isa.h": "#include \"engine/vm/vm.h\"\n"}, TABLE, "may not include engine/vm"),
    ("an include around the door", {"src/engine/isa/isa.h": "#include \"base/part.h\"\n"}, TABLE, "goes around the door"),
    ("a folder that is not in the table", {"src/extra/x.c": "\n"}, TABLE, "not in the layer table"),
    ("an include of an unknown module", {"src/base/base.h": "#include \"nowhere/x.h\"\n"}, TABLE, "in no module"),
    ("a row without source", {}, TABLE.replace("| engine/vm |", "| engine/gone | base |\n| engine/vm |"), "no source files"),
    ("a table that points upwards", {}, TABLE.replace("| engine/isa | base |", "| engine/isa | base engine/vm |"), "not above it"),
]


SMALL = {"src/agent/supervisor.c": "int x;\n" * 2199, "src/agent/worker.c": "int x;\n" * 5000}
SIZES = [
    ("a small supervisor passes", {}, None),
    ("a new file counts by default", {"src/agent/other.c": "int y;\nint z;\n"}, "2201 lines"),
    ("blank lines and comments do not count", {"src/agent/other.c": "\n/* one\n * two */\n// three\n"}, None),
    ("what opens alert files counts", {"src/sensor/output/file.c": "int y;\nint z;\n"}, "2201 lines"),
    ("content in the supervisor", {"src/agent/supervisor.c": "#include \"content/rule/rule.h\"\n"}, "supervisor.c:1:"),
]


def run(checker, files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w") as f:
                f.write(text)
        return subprocess.run([sys.executable, checker, root], capture_output=True, text=True)


def main():
    sizes = os.path.join(os.path.dirname(os.path.abspath(__file__)), "supervisor_size.py")
    checker = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.py")
    failed = 0
    cases = [(name, checker, {**GOOD, **changed, "ARCHITECTURE.md": table}, want) for name, changed, table, want in CASES]
    cases += [(name, sizes, {**SMALL, **changed}, want) for name, changed, want in SIZES]
    print(f"1..{len(cases)}")
    for n, (name, script, files, want) in enumerate(cases, 1):
        r = run(script, files)
        good = r.returncode == 0 if want is None else r.returncode == 1 and want in r.stdout
        failed += not good
        print(f"{'ok' if good else 'not ok'} {n} - {name}")
        if not good:
            print("# " + (r.stdout + r.stderr).replace("\n", "\n# "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
