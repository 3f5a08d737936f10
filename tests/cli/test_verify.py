#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`sallyport verify` for kernels as a person or a script meets it: exit codes, formats, the table of kernels, the policy,
what an id means, wrong arguments. usage: test_verify.py BINARY [TEST]"""
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MISTAKES = os.path.join(HERE, "..", "kverify", "mistakes")
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
sys.path.insert(0, HERE)
import tap
from tap import expect
from test_cli import ROOT, Context

tap.TESTS.clear()  # test_cli has its own run
from tap import test

TWO = """
#include "mistake.h"
SEC("xdp") int good(struct xdp_md *ctx) { return XDP_PASS; }
SEC("tc") int bad(struct __sk_buff *skb) { return *(u8 *)(long)skb->data; }
LICENSE("GPL");
"""


class VerifyContext(Context):
    """Objects are compiled once, in the test's folder."""

    def object(self, name, *flags):
        out = self.path(name + "-".join(flags) + ".o")
        if not os.path.exists(out):
            subprocess.run(["clang-19", "-g", "-O2", "-target", "bpf", "-mcpu=v3", *flags, "-c", f"{name}.c", "-o", out], cwd=MISTAKES, check=True)
        return out

    def two(self):
        out = self.path("two.o")
        src = self.file("two.c", TWO)
        subprocess.run(["clang-19", "-g", "-O2", "-target", "bpf", "-mcpu=v3", "-I", MISTAKES, "-c", src, "-o", out], check=True)
        return out

    def types(self):
        out = self.path("types.btf")
        if not os.path.exists(out):
            subprocess.run(["llvm-objcopy-19", f"--dump-section=.BTF={out}", self.object("types")], check=True)
        return out

    def verify(self, *args, code):
        return self.run("verify", "--btf", self.types(), *args, code=code)


@test
def accepted_is_0_rejected_is_1(c):
    r = c.verify(c.object("null_check_missing", "-DMENDED"), "--kernel", "6.12", code=0)
    expect(re.match(r"accepted  6\.12  count: \d+ instructions processed", r.stdout), r.stdout)
    r = c.verify(c.object("null_check_missing"), "--kernel", "6.12", code=1)
    expect("error[Q301]: R0 invalid mem access 'map_value_or_null'" in r.stdout and "0 accepted, 1 rejected" in r.stdout, r.stdout)


@test
def one_program_of_an_object(c):
    c.verify(c.two(), "--kernel", "6.12", "--prog", "good", code=0)
    r = c.verify(c.two(), "--kernel", "6.12", "--prog", "none", code=1)
    expect("has no program 'none'" in r.stderr, r.stderr)
    r = c.verify(c.two(), "--kernel", "6.12", code=1)
    expect("1 accepted, 1 rejected" in r.stdout, r.stdout)


@test
def a_file_that_is_no_object_is_an_error(c):
    for more in ([], ["--json"], ["--compat"], ["--format", "sarif"]):
        r = c.verify(c.file("junk.o", "not an object"), "--kernel", "6.12", *more, code=1)
        expect("error[E2" in r.stderr and not r.stdout, r.stdout + r.stderr)
    c.verify(c.path("nothing.o"), "--kernel", "6.12", code=1)
    r = c.run("verify", "--kernel", "6.12", "--btf", c.path("nothing.btf"), c.two(), code=1)
    expect("nothing.btf" in r.stderr, r.stderr)


@test
def wrong_arguments_are_2(c):
    obj = c.two()
    for args, said in (
        ([], "one object is needed"),
        ([obj, obj], "one object is needed"),
        ([obj, "--kernel", "six"], "--kernel 'six' is not known: take 5.4, "),
        ([obj, "--kernel", "4.1"], "--kernel '4.1' is older than the oldest profile (5.4)"),
        ([obj, "--kernel", ""], "kernel"),
        ([obj, "--format", "xml"], "--format takes text, json or sarif"),
        ([obj, "--log", "mine"], "--log takes kernel"),
        ([obj, "--kernel", "sallyport", "--compat"], "for kernels of Linux"),
        ([obj, "--kernel", "6.12", "--trace"], "--trace and --schema are for content"),
        (["--explain", "K000"], "no reason has the id 'K000'"),
        (["--explain", "Z301"], "no reason has the id 'Z301'"),
        ([obj, "--what"], "unrecognized option"),
    ):
        r = c.run("verify", *args, code=2)
        expect(said in r.stderr + r.stdout, f"{args}: {r.stderr}")


@test
def json_says_what_text_says(c):
    out = json.loads(c.verify(c.two(), "--kernel", "5.10,6.12", "--json", code=1).stdout)["results"]
    expect(sorted((r["kernel"], r["name"], r["verdict"]) for r in out) == sorted((k, n, v) for k in ("5.10", "6.12") for n, v in (("good", "accepted"), ("bad", "rejected"))), out)
    good = [r for r in out if r["name"] == "good"][0]
    expect(good["steps"] == 2 and 0 <= good["headroom"]["instructions_percent"] < 0.1 and "diagnostic" not in good, good)
    bad = [r for r in out if r["name"] == "bad"][0]["diagnostic"]
    expect(bad["id"] == "Q330" and bad["hint"] and bad["notes"][0], bad)


@test
def compat_is_a_table_of_programs_by_kernels(c):
    r = c.verify(c.object("helper_too_new"), "--compat", "--kernel", "5.10,6.12", code=1)
    lines = r.stdout.splitlines()
    expect(lines[0].split() == ["program", "5.10", "6.12"], lines)
    expect(lines[1].split() == ["rounds", "no", "Q102", "yes"], lines)
    expect(lines[2].strip().startswith("5.10: ") and "helper_too_new.c:18: " in lines[2], lines)
    out = json.loads(c.verify(c.object("helper_too_new"), "--compat", "--kernel", "5.10,6.12", "--json", code=1).stdout)["compat"]
    expect(out[0]["name"] == "rounds" and out[0]["verdicts"] == {"5.10": "rejected", "6.12": "accepted"}, out)
    everywhere = c.verify(c.two(), "--compat", code=1).stdout.splitlines()
    expect(everywhere[0].split()[1:] == ["5.4", "5.10", "5.15", "6.1", "6.6", "6.12", "6.18", "7.2"], everywhere)


@test
def source_says_where_time_goes(c):
    r = c.verify(c.object("loop_bound_unknown"), "--kernel", "6.12", "--source", code=1)
    first = [l for l in r.stdout.splitlines() if re.match(r" +\d+\.\d %", l)][0]
    expect("loop_bound_unknown.c:" in first and "#" in first, r.stdout)


@test
def policy_is_held_against_accepted_programs(c):
    obj = c.object("ringbuf_null_check_missing", "-DMENDED")
    for text, said in (
        ("forbid:\n  helpers: [ringbuf_reserve]\n", "helper ringbuf_reserve is forbidden: instruction "),
        ("forbid:\n  program_types: [kprobe]\n", "programs of type kprobe are forbidden"),
        ("forbid:\n  map_kinds: [ringbuf]\n", "map 'events' is of the forbidden kind ringbuf"),
        ("at_most:\n  map_bytes: 4000\n", "map 'events' may take"),
        ("at_most:\n  states: 1000000\n  instructions_percent: 1\n  stack_bytes: 512\n", None),
    ):
        r = c.verify(obj, "--kernel", "6.12", "--policy", c.file("p.yaml", text), code=1 if said else 0)
        expect(not said or (said in r.stdout and "1 against the policy" in r.stdout), r.stdout)


@test
def policy_errors_have_a_place(c):
    for text, said in (
        ("forbid:\n  helpers: [ringbuf_reserve, nope]\n", "p.yaml:2:30: no helper has this name"),
        ("forbid:\n  program_types: [nope]\n", "p.yaml:2:19: no program type has this name"),
        ("forbid:\n  map_kinds: [nope]\n", "p.yaml:2:15: no kind of map has this name"),
        ("forbid:\n  helper: [x]\n", "p.yaml:2:3: there is no such key"),
        ("forbade: {}\n", "a policy has the keys forbid and at_most"),
        ("at_most:\n  stack_bytes: many\n", "p.yaml:2:16: a number"),
        ("at_most:\n  instructions_percent: 101\n", "p.yaml:2:25: a number"),
        ("forbid:\n  helpers: ringbuf_reserve\n", "p.yaml:2:12: a list of names"),
        ("{", "not YAML"),
        ("", "the policy is empty"),
    ):
        r = c.verify(c.two(), "--kernel", "6.12", "--policy", c.file("p.yaml", text), code=1)
        expect(said in r.stderr, f"{text!r}: {r.stderr}")


def check_location(loc):
    uri = loc["physicalLocation"]["artifactLocation"]["uri"]
    expect(re.fullmatch(r"(file://)?[A-Za-z0-9/._~%-]+", uri), uri)
    region = loc["physicalLocation"].get("region")
    expect(region is None or (region["startLine"] >= 1 and region.get("startColumn", 1) >= 1), loc)


def check_sarif(out):
    """The rules of SARIF 2.1.0 that apply to what is used of it: required properties, enumerations, indexes."""
    expect(set(out) == {"$schema", "runs", "version"} and out["version"] == "2.1.0", out.keys())
    expect(out["$schema"].startswith("https://") and len(out["runs"]) == 1, out["$schema"])
    run = out["runs"][0]
    expect(set(run) == {"columnKind", "results", "tool"} and run["columnKind"] == "unicodeCodePoints", run.keys())
    driver = run["tool"]["driver"]
    expect(set(driver) == {"name", "rules", "version"} and driver["name"], driver.keys())
    rules = {r["id"] for r in driver["rules"]}
    expect(len(rules) == len(driver["rules"]) > 100, "ids of rules are unique")
    for r in driver["rules"]:
        expect(set(r) == {"help", "id", "name", "shortDescription"} and r["shortDescription"]["text"] and r["help"]["text"] and r["name"], r)
    for r in run["results"]:
        expect(set(r) == {"level", "locations", "message", "partialFingerprints", "properties", "relatedLocations", "ruleId"}, r.keys())
        expect(r["level"] in ("none", "note", "warning", "error") and r["message"]["text"] and (r["ruleId"] in rules or r["ruleId"] == "policy"), r)
        expect(all(isinstance(v, str) and v for v in r["partialFingerprints"].values()), r)
        expect(len(r["locations"]) == 1, r["locations"])
        for loc in r["locations"] + r["relatedLocations"]:
            check_location(loc)
        for loc in r["relatedLocations"]:
            expect(loc["message"]["text"], loc)
    return run["results"]


@test
def sarif_is_valid_and_points_into_the_source(c):
    out = check_sarif(json.loads(c.verify(c.two(), "--kernel", "6.1,6.12", "--format", "sarif", code=1).stdout))
    expect([(r["ruleId"], r["level"], r["properties"]["kernel"]) for r in out] == [("Q330", "error", "6.1"), ("Q330", "error", "6.12")], out)
    place = out[0]["locations"][0]["physicalLocation"]
    expect(place["artifactLocation"]["uri"].endswith("two.c") and place["region"]["startLine"] == 4, place)
    expect("Mend: before line 4" in out[0]["message"]["text"], out[0]["message"])
    expect(len({r["partialFingerprints"]["kernelProgramReason/v1"] for r in out}) == 2, out)
    check_sarif(json.loads(c.verify(c.object("null_check_missing", "-DMENDED"), "--kernel", "6.1", "--format", "sarif", code=0).stdout))
    policy = c.file("p.yaml", "forbid:\n  program_types: [xdp]\n")
    out = check_sarif(json.loads(c.verify(c.two(), "--kernel", "6.1", "--policy", policy, "--format", "sarif", code=1).stdout))
    expect("policy" in [r["ruleId"] for r in out], out)
    out = check_sarif(json.loads(c.verify(c.object("tail_call_wrong_map"), "--kernel", "6.12", "--format", "sarif", code=1).stdout))
    expect(out[0]["ruleId"] == "Q442", out)


@test
def log_has_the_kernels_shape(c):
    text = c.verify(c.object("reference_leaked"), "--kernel", "6.12", "--log", "kernel", code=1).stdout
    for line in (
        r"func#0 @0",
        r"0: R1=ctx\(\) R10=fp0",
        r"; int find\(struct __sk_buff \*skb\) @ reference_leaked\.c:6",
        r"0: \(bf\) r6 = r1 {20,}; R1=ctx\(\) R6=ctx\(\)",
        r"\d+: \(85\) call bpf_sk_lookup_tcp#84 +; R0=sock_or_null\(id=2,ref_obj_id=2\).* refs=2",
        r"\d+: \(15\) if r0 == 0x0 goto pc\+\d+ +; R0=sock\(ref_obj_id=2\) refs=2",
        r"\d+: \(61\) r\d = \*\(u32 \*\)\(r6 \+8\) +;.*",
        r"from \d+ to \d+: .*",
        r"\d+: \(95\) exit",
        r"Unreleased reference id=2 alloc_insn=\d+",
        r"processed \d+ insns \(limit 1000000\) max_states_per_insn \d+ total_states \d+ peak_states \d+ mark_read \d+",
    ):
        expect(re.search(rf"^{line}$", text, re.M), f"no line {line} in:\n{text}")


@test
def explain_has_a_page_for_each_id(c):
    r = c.run("verify", "--explain", "Q330", code=0)
    for part in ("Q330  PACKET_RANGE", "offset is outside of the packet", "Needed: ", "What to do: ", "Wrong:\n", "Right:\n"):
        expect(part in r.stdout, r.stdout)
    expect("V302" in c.run("verify", "--explain", "v302", code=0).stdout, "lower case will do")
    out = json.loads(c.run("verify", "--explain", "Q330", "--json", code=0).stdout)
    expect(out["id"] == "Q330" and out["wrong"] != out["right"], out)
    pages = re.split(r"^### ", c.run("verify", "--explain", "all", code=0).stdout, flags=re.M)[1:]
    tables = "".join(open(os.path.join(ROOT, "src", "engine", d, f)).read() for d in ("kverify", "verify") for f in os.listdir(os.path.join(ROOT, "src", "engine", d)) if re.match(r"diag.*\.def", f))
    expect(len(pages) == len(re.findall(r"^[KV]DIAG\(", tables, re.M)) > 250, len(pages))
    bare = [p.split("\n")[0] for p in pages if "/* wrong */" not in p or "What to do" not in p]
    expect(not bare, f"no example (src/cli/explain_examples.def), or no mend: {bare}")


@test
def a_release_without_a_profile_is_judged_as_the_one_before(c):
    text = c.run("verify", c.object("null_check_missing", "-DMENDED"), "--kernel", "5.14.0-503.el9", code=0).stdout
    expect(text.startswith("accepted  5.14, as 5.10  count: "), text)
    out = json.loads(c.run("verify", c.object("null_check_missing", "-DMENDED"), "--kernel", "5.14", "--json", code=0).stdout)
    expect(out["results"][0]["kernel"] == "5.14", out)


# A kernel of 5.14 that took over the signs of 5.16 and one behaviour of a later release.
VENDOR = """
enum bpf_func_id { BPF_FUNC_map_lookup_elem = 1, BPF_FUNC_check_mtu = 163, BPF_FUNC_timer_init = 169, BPF_FUNC_copy_from_user_task = 191, BPF_FUNC_own = 255 } helper;
enum bpf_map_type { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_TASK_STORAGE = 29, BPF_MAP_TYPE_BLOOM_FILTER = 30 } map;
enum bpf_prog_type { BPF_PROG_TYPE_XDP = 6, BPF_PROG_TYPE_SYSCALL = 31 } type;
enum bpf_reg_type { PTR_TO_MAP_KEY = 5 } reg;
struct bpf_verifier_env { int insn_idx; } env;
struct bpf_verifier_state { int active_spin_lock; } state;
struct bpf_reg_state { int off; } reg_state;
struct bpf_subprog_info { int changes_pkt_data; } subprog;
"""


@test
def a_kernels_own_types_say_what_it_has(c):
    obj, types = c.path("vendor.o"), c.path("vendor.btf")
    subprocess.run(["clang-19", "-g", "-target", "bpf", "-c", c.file("vendor.c", VENDOR), "-o", obj], check=True)
    subprocess.run(["llvm-objcopy-19", f"--dump-section=.BTF={types}", obj], check=True)
    out = json.loads(c.run("verify", "--kernels", "5.14", "--btf", types, "--json", code=0).stdout)["kernels"][0]
    expect(out["release"] == "5.14" and out["profile"] == "5.16" and not out["measured"], out)
    expect((out["helpers"], out["map_kinds"], out["program_types"]) == (4, 3, 2), out)
    text = c.run("verify", "--kernels", "5.14", "--btf", types, code=0).stdout
    for part in ("5.14, as 5.10; by its types up to 5.16", "GLOBAL_PACKET, since 6.12", "copy_from_user_task", "bloom_filter"):
        expect(part in text, f"no {part} in:\n{text}")
    both = c.run("verify", "--kernels", "5.14,6.1", "--btf", types, code=0).stdout
    expect("by its types" not in both, "one file for two kernels is that of neither:\n" + both)
    same = json.loads(c.run("verify", "--kernels", "5.14", "--json", code=0).stdout)["kernels"][0]
    expect(same["profile"] == "5.10" and same["helpers"] > 100, "types of this host refined another release")


@test
def kernels_lists_releases_and_what_differs(c):
    out = json.loads(c.run("verify", "--kernels", "--json", code=0).stdout)["kernels"]
    expect([k["release"] for k in out][0] == "5.4" and out[-1]["limits"]["frames"] == 16 and out[3]["measured"], out)
    d = json.loads(c.run("verify", "--kernels", "6.1..6.12", "--json", code=0).stdout)["differences"]
    expect(d["helpers"] == {"came": ["cgrp_storage_get", "cgrp_storage_delete"], "went": []}, d["helpers"])
    expect(d["map_kinds"]["came"] == ["cgrp_storage", "arena"] and d["program_types"]["came"] == ["netfilter"], d)
    fast = [b for b in d["behaviours"]["came"] if b["name"] == "FASTCALL"]
    expect(len(fast) == 1 and fast[0]["since"] == "6.12" and fast[0]["source"].startswith("kernel/bpf/verifier.c"), fast)
    expect("cgroup_rstat_flush" not in d["kfuncs"]["went"], d["kfuncs"])
    back = json.loads(c.run("verify", "--kernels", "6.12..6.1", "--json", code=0).stdout)["differences"]
    expect(back["behaviours"]["went"] == d["behaviours"]["came"], "there and back")
    text = c.run("verify", "--kernels", "6.1..6.12", code=0).stdout
    expect("kinds of maps that came: 2\n  cgrp_storage arena\n" in text, text)
    c.run("verify", "--kernels", "6.1..", code=2)
    c.run("verify", "--kernels", "six", code=2)


@test
def the_document_of_kernels_is_up_to_date(c):
    doc = open(os.path.join(ROOT, "docs", "kernels.md")).read()
    expect(doc == c.run("verify", "--explain", "kernels", code=0).stdout, "docs/kernels.md is not what the tables say: run ./dev docs")
    rows = len(re.findall(r"^BEHAVIOUR\(", "".join(open(os.path.join(ROOT, "src", "engine", "kernel", f)).read()
                                                  for f in os.listdir(os.path.join(ROOT, "src", "engine", "kernel")) if f.startswith("behaviours")), re.M))
    expect(len(re.findall(r"^\|[^|]*\|[^|]*\| [A-Z0-9_]+ \|[^|]*\|[^|]*\|$", doc, re.M)) == rows > 100, rows)


@test
def the_document_of_reasons_is_up_to_date(c):
    doc = open(os.path.join(ROOT, "docs", "diagnostics.md")).read()
    expect(doc == c.run("verify", "--explain", "all", code=0).stdout, "docs/diagnostics.md is not what the tables say: run ./dev docs")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(tap.main(VerifyContext(os.path.abspath(sys.argv[1])), sys.argv[2] if len(sys.argv) > 2 else None))
