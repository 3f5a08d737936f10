#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The figures of ./dev agreement are what a hand counts, and a verdict that is not there counts nowhere. Prints TAP."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from reasons import Reasons, pattern  # noqa: E402
from recorded import Btf, Case, imm, said, slots  # noqa: E402
from report import Figures, Pair, Verdict, differences, vectors  # noqa: E402

ROWS = [["Q301", "OUT_OF_BOUNDS", "memory", "invalid access to", "title"], ["Q302", "PACKET", "memory", "outside of the packet", "t"],
        ["Q501", "LEAK", "resource", "reference leak", "t"]]
REASONS = Reasons(ROWS)


def pair(ours, diag, says, message="", kernel="6.1", case="1", steps=(0, 0), line=""):
    return Pair(case, "a name", kernel, Verdict([case, kernel, ours, diag, "3", str(steps[0]), "0", "0", "5", line]), says, message, steps[1])


PAIRS = [
    pair("accept", "", "accept", steps=(7, 7)),
    pair("accept", "", "accept", steps=(7, 8)),
    pair("accept", "", "reject", "R1 invalid access to x"),
    pair("reject", "Q301", "accept"),
    pair("reject", "Q301", "reject", "R2 offset is outside of the packet"),
    pair("reject", "Q302", "reject", "R2 reference leak"),
    pair("reject", "Q301", "reject", "never heard of", line="never heard of"),
    pair("unsupported", "Q980", "reject", "R1 invalid access to x"),
    pair("bug", "Q999", "accept"),
    pair("accept", "", "env", "no such map"),
]


def figures():
    f = Figures(PAIRS, REASONS)
    assert len(f.judged) == 9 and f.kinds[""] == 5, f.kinds
    assert (f.kinds["false accept"], f.kinds["false reject"], f.kinds["unsupported"], f.kinds["bug"]) == (1, 1, 1, 1), f.kinds
    assert abs(f.agreement() - 500 / 9) < 1e-9 and f.rejects == 5 and abs(f.false_accepts() - 20) < 1e-9
    assert (len(f.classed), f.same_class, len(f.unclassed), f.same_line) == (2, 1, 1, 1), (len(f.classed), f.same_class)
    assert (f.stepped, f.same_steps) == (2, 1)


def vector_counts():
    kernels = ["5.10", "6.1"]
    by_case = {
        "right": [pair("accept", "", "accept"), pair("reject", "Q301", "reject")],
        "half": [pair("accept", "", "accept"), pair("accept", "", "reject")],
        "unchanged": [pair("accept", "", "accept"), pair("accept", "", "accept")],
        "one is missing": [pair("accept", "", "accept"), pair("accept", "", "env")],
    }
    assert vectors(by_case, kernels) == (2, 1)


def lists():
    text = differences(PAIRS, "either", 4)
    assert text.count("== ") == 4 and "false accept" in text and "kernel: RN invalid access to x" in text, text
    assert "== bug" not in differences(PAIRS, "either", 4, {"false accept"})


def classes():
    assert REASONS.of_kernel("R2 offset is outside of the packet") == {"memory"}
    assert REASONS.of_kernel("unreachable insn 5") == {"structure"} and REASONS.of_kernel("what") == set()
    assert REASONS.of_ours("Q501") == "resource" and REASONS.of_ours("E104") == "structure"
    assert pattern("R10 invalid at insn 12 off=-8 #35") == "RN invalid at insn N off=N #N"


def a_case():
    """Two maps by slot, one of them unknown, a map with types by its name."""
    ld = "1811000007000000" + "00" * 8
    row = {"id": 1, "name": "plain", "prog_type": 1, "attach_type": 0, "flags": 0, "attach_func": "", "has_btf": 0, "maps": {"7": [1, 8, 16, 4, 0]},
           "insns": ld + ld.replace("07000000", "09000000") + "9500000000000000"}
    fields = Case(row).line.split("\t")
    code = bytes.fromhex(fields[-1])
    assert [imm(code, at) for at in slots(code)] == [0, -1, 0] and fields[5] == "1,8,16,4,0,0,0", fields
    typed = Case({**row, "name": "bpf_timer", "maps": {}, "insns": ld.replace("07000000", "ffffffff")})
    fields = typed.line.split("\t")
    assert fields[5].startswith("2,4,16,1,0,1,") and fields[8].startswith("9feb01"), fields
    table = {"v6.1": "reject", "message_6.1": "fd -1 is not pointing to valid bpf_map", "v5.10": "reject", "v7.2": "accept"}
    assert [said(table, k, typed)[0] for k in ("6.1", "5.10", "7.2")] == ["env", "env", "accept"]


def types():
    b = Btf()
    number = b.integer()
    f = b.function("main", number, ("ctx", b.pointer(0)), static=True)
    assert f == 4 and b.bytes()[:4] == b"\x9f\xeb\x01\x00" and b"main\0" in b.bytes()


if __name__ == "__main__":
    tests = (figures, vector_counts, lists, classes, a_case, types)
    print(f"1..{len(tests)}")
    failed = 0
    for n, t in enumerate(tests, 1):
        try:
            t()
            print(f"ok {n} - {t.__name__}")
        except AssertionError as e:
            failed += 1
            print(f"not ok {n} - {t.__name__}: {e}")
    sys.exit(bool(failed))
