# SPDX-License-Identifier: Apache-2.0
"""Classes of reasons: from a line of a kernel's log to a class of kverify's diagnostics.

The rows of kverify_diags have a part of the kernel's line each (`log`); the longest that a line holds decides. MORE has
lines of older releases, whose wording is another.
"""
import re

MORE = (
    (r"back-edge|infinite loop|unreachable insn|jump out of range|last insn is not an exit|unknown opcode|reserved field|invalid bpf_ld_imm64|"
     r"fell-through|no exit|invalid BPF_LD_IMM64|not an exit or jmp|recursive call|call stack of|is invalid$|mode 2|unrecognized bpf_ld_imm64", "structure"),
    (r"not pointing to valid bpf_map|cannot be used with|doesn't match", "load"),
    (r"pointer arithmetic|math between|R\d+ (32-bit )?pointer|unbounded|pointer comparison|pointer operation|div by zero|invalid shift", "numbers"),
    (r"outside of the|invalid access|invalid mem access|invalid stack|misaligned|invalid bpf_context access|!read_ok|invalid (indirect )?(read|write)|"
     r"cannot (write|read)|write into|read from|variable (stack|ctx)|leaks addr|corrupted spill|access beyond|only read is supported", "memory"),
    (r"unknown func|invalid func|cannot pass map_type|type=\S+ expected=|helper call is not allowed|cannot call|expects|arg#\d", "call"),
    (r"[Uu]nreleased reference|reference leak|release|acquire|bpf_spin_(un)?lock|lock-ed region|while holding a lock|reference has not been", "resource"),
    (r"too large|too many|combined stack size|sequence of|too complex", "size"),
)
NUMBER = re.compile(r"(?<![A-Za-z_])-?(?:0x[0-9a-f]+|\d+)|(?<=\bR)\d+|(?<=#)\d+")


def pattern(line):
    """A line without its numbers: what groups go by."""
    return NUMBER.sub("N", line)[:110]


class Reasons:
    """rows: (id, name, class, log, title) of every diagnostic."""

    def __init__(self, rows):
        self.cls = {r[0]: r[2] for r in rows}
        self.name = {r[0]: r[1] for r in rows}
        self.logs = sorted(((r[3], r[2]) for r in rows if r[3]), key=lambda x: -len(x[0]))
        self.more = [(re.compile(p), c) for p, c in MORE]
        self.known = {}

    def of_kernel(self, line):
        """The classes that a kernel's line may be of; empty: no row knows it."""
        if line not in self.known:
            fits = [(len(part), c) for part, c in self.logs if part in line]
            longest = fits[0][0] if fits else 0
            classes = {c for n, c in fits if n == longest}
            if not classes:
                classes = {c for p, c in self.more if p.search(line)}
            self.known[line] = classes
        return self.known[line]

    def of_ours(self, diag):
        """The class of one of our ids. What does not decode (E...) is structure."""
        return self.cls.get(diag, "structure" if diag.startswith("E") else "")
