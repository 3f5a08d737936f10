# SPDX-License-Identifier: Apache-2.0
"""Figures and lists of two judges' verdicts on the same programs."""
from collections import Counter, defaultdict

from reasons import pattern

KINDS = ("false accept", "false reject", "unsupported", "bug")


class Verdict:
    """A row of kjudge."""

    def __init__(self, fields):
        (self.case, self.judge, self.verdict, self.diag, insn, steps, states, peak, us, self.line) = fields
        self.insn, self.steps, self.states, self.peak, self.us = int(insn), int(steps), int(states), int(peak), int(us)

    def text(self):
        if self.verdict in ("accept", "reject") and not self.diag:
            return self.verdict + (f": {self.line}" if self.line else "")
        at = f" at {self.insn}" if self.insn >= 0 else ""
        return f"{self.verdict} {self.diag}{at}: {self.line}"


class Pair:
    """One program and one kernel: what we say, what the kernel says. message: None where none was kept."""

    def __init__(self, case, name, kernel, ours, says, message, steps=0):
        self.case, self.name, self.kernel, self.ours = case, name, kernel, ours
        self.says, self.message, self.steps = says, message, steps

    def kind(self):
        """Which disagreement; "" when there is none."""
        if self.ours.verdict == self.says:
            return ""
        if self.ours.verdict in KINDS:
            return self.ours.verdict
        return "false " + self.ours.verdict


def percent(n, of):
    return f"{100 * n / of:6.2f} %" if of else "     - "


class Figures:
    """What a list of pairs comes to; pairs without a verdict of the kernel count nowhere."""

    def __init__(self, pairs, reasons):
        self.judged = [p for p in pairs if p.says in ("accept", "reject")]
        self.kinds = Counter(p.kind() for p in self.judged)
        self.rejects = sum(p.says == "reject" for p in self.judged)
        both = [p for p in self.judged if p.says == "reject" == p.ours.verdict and p.message]
        known = [(p, reasons.of_kernel(p.message)) for p in both]
        self.classed = [p for p, c in known if c]
        self.unclassed = [p for p, c in known if not c]
        self.same_class = sum(reasons.of_ours(p.ours.diag) in c for p, c in known if c)
        self.same_line = sum(pattern(p.ours.line) == pattern(p.message) for p in both)
        self.with_message = len(both)
        steps = [p for p in self.judged if p.steps and p.says == "accept" == p.ours.verdict]
        self.stepped, self.same_steps = len(steps), sum(p.ours.steps == p.steps for p in steps)
        self.us = sum(p.ours.us for p in self.judged)

    def agreement(self):
        return 100 * self.kinds[""] / len(self.judged) if self.judged else 0.0

    def false_accepts(self):
        return 100 * self.kinds["false accept"] / self.rejects if self.rejects else 0.0

    def same_reasons(self):
        return 100 * self.same_class / len(self.classed) if self.classed else 0.0


HEAD = (f"{'kernel':12} {'judged':>7} {'same':>9}  {'false accepts':>22}  {'false':>7} {'not':>8} {'':>4}  {'reason':>9} {'same':>9} {'same':>9}  {'our':>8}\n"
        f"{'':12} {'':>7} {'':>9}  {'(share of rejects)':>22}  {'rejects':>7} {'modelled':>8} {'bugs':>4}  {'class':>9} {'line':>9} {'steps':>9}  {'ms':>8}")


def row(name, f):
    k = f.kinds
    return (f"{name:12} {len(f.judged):7} {percent(k[''], len(f.judged)):>9}  {k['false accept']:10} ({percent(k['false accept'], f.rejects)}) "
            f" {k['false reject']:7} {k['unsupported']:8} {k['bug']:4}  {percent(f.same_class, len(f.classed)):>9} "
            f"{percent(f.same_line, f.with_message):>9} {percent(f.same_steps, f.stepped):>9}  {f.us / 1000:8.1f}")


def vectors(by_case, kernels):
    """Programs that all kernels judged and whose verdict changes: how many, and how many of them we get right throughout."""
    changing = [v for v in by_case.values() if len(v) == len(kernels) and all(p.says in ("accept", "reject") for p in v)
                and len({p.says for p in v}) > 1]
    return len(changing), sum(all(not p.kind() for p in v) for v in changing)


def differences(pairs, by, most, only=None):
    """Text: disagreements, by kind, then by pattern of our line or the kernel's, the largest group first."""
    groups = defaultdict(list)
    for p in pairs:
        kind = p.kind() if p.says in ("accept", "reject") else ""
        if not kind or (only and kind not in only):
            continue
        ours = by == "ours" or (by == "either" and kind != "false accept")
        key = f"{p.ours.diag}  {pattern(p.ours.line)}" if ours else f"kernel: {pattern(p.message or '(no message kept)')}"
        groups[kind, key].append(p)
    out = []
    for kind in KINDS:
        mine = sorted(((k[1], g) for k, g in groups.items() if k[0] == kind), key=lambda x: (-len({p.case for p in x[1]}), x[0]))
        if mine:
            out.append(f"\n== {kind}: {len({p.case for _, g in mine for p in g})} programs, {sum(len(g) for _, g in mine)} verdicts")
        for key, group in mine:
            out += one_group(key, group, most)
    return "\n".join(out)


def one_group(key, group, most):
    cases = defaultdict(list)
    for p in group:
        cases[p.case].append(p)
    out = [f"\n{len(cases):5}  {key}"]
    for case, pairs in list(cases.items())[:most or len(cases)]:
        message = next((p.message for p in reversed(pairs) if p.message), "")
        p = pairs[0]
        at = f"@{p.ours.insn} " if p.ours.insn >= 0 else ""
        out.append(f"       {case:>6} [{' '.join(p.kernel for p in pairs)}] {p.name}")
        if message or p.ours.line:
            out.append(f"              ours: {at}{p.ours.diag} {p.ours.line}" + (f"\n              kernel: {message}" if message else ""))
    if most and len(cases) > most:
        out.append(f"              and {len(cases) - most} more: {' '.join(list(cases)[most:most + 12])}")
    return out
