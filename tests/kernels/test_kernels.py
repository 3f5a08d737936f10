#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `./dev kernels` makes of what guests write, and what can be told of every kernel without booting one. usage: test_kernels.py BPF_OBJECT OBJDUMP [TEST]"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
import judge
import packages
import stacks
import tap
from tap import expect, test

DIGEST = "ab" * 32
HELD = [f"prog {p}" for p in sorted(judge.PROGRAMS)] + [f"link 2 {p}" for p in sorted(judge.LINKED)]


class Context:
    def __init__(self, bpf_object, objdump):
        self.bpf_object, self.objdump = bpf_object, objdump


def good():
    """name -> (lines, exit code) of a guest in which all is well."""
    rows = {"release": (["6.1.0-1-amd64"], 0), "build": (["#1 SMP Debian"], 0),
            "version": ([json.dumps({"bpf_object": DIGEST})], 0), "held-before": ([], 0), "doctor": ([json.dumps({"can_run": True})], 0)}
    for t in judge.TESTS:
        rows["test-" + t] = (["1..2", "ok 1 - one", "ok 2 - two", "# ok - all"], 0)
    rows["agent"] = (["@begin held-running", *HELD, "@end held-running 0", "sallyport: info: watching rules=24 hooks=0x1b content=0"], 0)
    rows["drill"] = (["sh: a message", json.dumps([{"alerted": True, "rule": "R", "problem": ""}])], 0)
    rows["held-after"] = ([], 0)
    rows["all"] = ([], 0)
    return rows


def judged(rows, console="", ended=True):
    text = "".join("\r\n".join([f"@begin {n}", *lines, f"@end {n} {code}", ""]) for n, (lines, code) in rows.items())
    return judge.Judge(text, console, ended, DIGEST).row


@test
def f26_a_kernel_passes_when_all_was_seen_and_is_known_by_its_build(c):
    row = judged(good())
    expect(row["ok"] and not row["problems"], row["problems"])
    expect((row["kernel"], row["build"], row["hooks"]) == ("6.1.0-1-amd64", "#1 SMP Debian", "0x1b"), row)
    expect(len(row["programs"]) == 5 and len(row["links"]) == 4 and row["tests"] == {"passed": 12, "failed": 0, "skipped": 0}, row)


@test
def f26_each_thing_that_lacks_or_fails_fails_the_kernel(c):
    def change(name, *lines, code=0):
        return lambda rows: rows.update({name: (list(lines), code)})

    def without(text):
        return lambda rows: rows.update(agent=([l for l in rows["agent"][0] if text not in l], 0))

    changes = {
        "doctor: the sensor cannot": change("doctor", '{"can_run": false}', code=3),
        "another BPF object": change("version", '{"bpf_object": "cd"}'),
        "test-kern: two fails": change("test-kern", "1..2", "ok 1 - one", "not ok 2 - two", code=1),
        "test-ring: 1 of 2": change("test-ring", "1..2", "ok 1 - one"),
        "test-kern: 0 of an unknown": change("test-kern"),
        "test-worker: exit code 139": change("test-worker", "1..1", "ok 1 - one", code=139),
        "test-kern: every test is skipped": change("test-kern", "1..1", "# SKIP it is not granted", "ok 1 - one"),
        "process_exec is not loaded": without("prog process_exec"),
        "syscall_exit is not attached": without("link 2 syscall_exit"),
        "agent: it never watched": without(" watching "),
        "agent: no alert": lambda rows: rows["agent"][0].append("problem: no alert"),
        "drill: 'R' did not alert": change("drill", '[{"alerted": false, "rule": "R", "problem": "none"}]', code=1),
        "drill: nothing was tried": change("drill", "[]"),
        "held-after: the kernel holds": change("held-after", "link 2 process_exec", code=1),
        "held-before: the kernel holds": change("held-before", "prog somebody"),
        "all: did not begin": lambda rows: rows.pop("all"),
    }
    for problem, make in changes.items():
        rows = good()
        make(rows)
        row = judged(rows)
        expect(not row["ok"] and any(p.startswith(problem) or problem in p for p in row["problems"]), f"{problem}: {row['problems']}")
    row = judged(good(), ended=False)
    expect(not row["ok"] and "the time was over" in row["problems"][0], row)
    row = judge.Judge("", "", True, DIGEST).row
    expect(not row["ok"] and row["kernel"] == "", row)


@test
def f26_a_kernel_that_was_harmed_fails(c):
    begun = f"[    4.1] {judge.BEGINS}\n"
    for line in ("Kernel panic - not syncing: Fatal exception", "Oops: 0000 [#1] PREEMPT SMP", "BUG: kernel NULL pointer dereference",
                 "BUG: soft lockup - CPU#0 stuck", "general protection fault, probably for address"):
        for text in (line + "\n" + begun, begun + line):
            expect(not judged(good(), console=text)["ok"], line)
    warning = "WARNING: CPU: 0 PID: 77 at kernel/bpf/verifier.c:1\n"
    expect(not judged(good(), console=begun + warning)["ok"], "a warning")
    expect(judged(good(), console=warning + begun)["ok"], "a warning of the boot")


@test
def f26_the_programs_take_no_more_stack_than_every_kernel_gives(c):
    o = stacks.Object(c.objdump, c.bpf_object)
    expect(judge.PROGRAMS <= set(o.frames), sorted(o.frames))
    for p in sorted(judge.PROGRAMS):
        size, path = o.deepest_path(p)
        expect(64 <= size <= stacks.LIMIT, f"{p}: {size} bytes of {stacks.LIMIT}: {' '.join(f'{n}:{o.frames[n]}' for n in path)}")
    expect(len(o.deepest_path("syscall_exit")[1]) >= 4, "calls are not followed")


@test
def the_ends_of_each_series_are_chosen_or_what_is_asked_for(c):
    names = sorted((f"linux-image-{v}" for v in ("6.1.0-9-amd64", "6.1.0-10-amd64", "6.1.0-47-amd64", "6.1.0-47-cloud-amd64", "6.12.9+deb12-amd64")),
                   key=packages.in_order)
    expect([n[12:] for n in names][:2] == ["6.1.0-9-amd64", "6.1.0-10-amd64"], names)
    expect(set(names) - set(packages.choose(names, [], False)) == {"linux-image-6.1.0-10-amd64"}, packages.choose(names, [], False))
    expect(packages.choose(names, [], True) == names, "all")
    expect(packages.choose(names, ["6.1.0-?-amd", "6.12"], False) == [names[0], names[-1]], packages.choose(names, ["6.1.0-?-amd", "6.12"], False))
    try:
        packages.choose(names, ["5.4"], False)
        expect(False, "a kernel that is not there")
    except LookupError:
        pass


if __name__ == "__main__":
    sys.exit(tap.main(Context(*sys.argv[1:3]), sys.argv[3] if len(sys.argv) > 3 else None))
