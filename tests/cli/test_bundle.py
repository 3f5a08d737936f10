#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bundles on the command line: made, shown, checked, put where rules stand, and refused. usage: test_bundle.py BINARY [TEST]"""
import hashlib
import json
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import tap
from tap import expect
from test_cli import ROOT, RULE, Context

tap.TESTS.clear()  # test_cli has its own run
from tap import test

SECOND = """- list: shells
  items: [sh, bash]
- rule: Shell run
  desc: d
  condition: evt.type = execve and proc.name in (shells)
  output: shell run as %proc.cmdline
  priority: NOTICE
  tags: [shell]
"""


def build(c, out, *args, code=0, **kw):
    return c.run("bundle", "build", *args, "-o", out, code=code, **kw)


def small(c, name="small.bundle", *args):
    build(c, c.path(name), c.file("r.yaml", RULE), *args)
    return c.path(name)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def blake(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def join(parts):
    """A file of these sections, with right digests everywhere."""
    manifest = parts[0][:120] + b"".join(blake(p) for p in parts[1:]) + parts[0][216:]
    parts = [manifest, *parts[1:]]
    at, table, total = 248, b"", 248 + sum(map(len, parts))
    for i, p in enumerate(parts):
        table += struct.pack("<IIQQ", i + 1, 0, at, len(p)) + blake(p)
        at += len(p)
    return b"SPBUNDLE" + struct.pack("<IIQ", 1, 4, total) + table + b"".join(parts)


def split(data):
    spans = [struct.unpack_from("<QQ", data, 24 + 56 * i + 8) for i in range(4)]
    return [data[at:at + n] for at, n in spans]


@test
def a_bundle_is_built_shown_and_checked(c):
    path = c.path("whole.bundle")
    r = build(c, path, c.file("r.yaml", RULE), c.file("s.yaml", SECOND), "--name", "tests", "--version", "1.2", "--security-floor", "3",
              "--engine-max", "9", "--limit", "rules=2", "--limit", "cpu-ns=777")
    digest = r.stdout.strip()
    expect(digest == blake(read(path)).hex(), r.stdout)
    expect("2 rules, 2 programs" in r.stderr, r.stderr)
    expect(join(split(read(path))) == read(path), "the file is not what docs/formats/bundle.md says")
    j = json.loads(c.run("bundle", "inspect", path, "--json", code=0).stdout)
    expect(j["digest"] == digest and j["name"] == "tests" and j["version"] == "1.2" and j["security_floor"] == 3, j)
    expect(j["engine_min"] == 1 and j["engine_max"] == 9 and j["limits"]["rules"] == 2 and j["limits"]["cpu-ns"] == 777, j)
    expect([r["name"] for r in j["rules"]] == ["Shadow read", "Shell run"] and j["rules"][1]["priority"] == "Notice", j["rules"])
    expect([t["name"] for t in j["types"]] == ["file_open", "process_exec"] and j["programs"] == 2, j)
    expect(j["sources"] == [{"bytes": len(RULE), "name": "r.yaml"}, {"bytes": len(SECOND), "name": "s.yaml"}], j["sources"])
    text = c.run("bundle", "inspect", path, code=0).stdout
    for word in (digest, "tests", "1.2", "Shell run", "process_exec", "r.yaml", "cpu-ns", "777", j["content_digest"], j["types"][1]["own_digest"]):
        expect(word in text, f"inspect does not show {word}: {text}")
    expect(f"{digest}\nok: tests 1.2, 2 rules, 2 programs proven" in c.run("bundle", "check", path, code=0).stdout, "check")
    expect("the same when made again" in c.run("bundle", "check", path, "--rebuild", code=0).stdout, "rebuild")
    j = json.loads(c.run("bundle", "check", path, "--rebuild", "--json", code=0).stdout)
    expect(j["ok"] and j["rebuilt"] and j["digest"] == digest and j["programs"] == 2 and not j["diagnostics"], j)
    j = json.loads(build(c, path, c.path("r.yaml"), "--json").stdout)
    expect(j["digest"] == blake(read(path)).hex() and j["rules"] == 1 and j["sources"] == 1 and j["bytes"] == len(read(path)), j)


@test
def the_same_rules_give_the_same_bytes_from_anywhere(c):
    dirs = [os.path.join(c.dir, d) for d in ("here", "quite/another/place")]
    for d in dirs:
        os.makedirs(d)
        for name, text in (("a.yaml", RULE), ("b.yaml", SECOND)):
            with open(os.path.join(d, name), "w") as f:
                f.write(text)
    a, b = (os.path.join(dirs[0], n) for n in ("a.yaml", "b.yaml"))
    build(c, c.path("1"), a, b)
    want = read(c.path("1"))
    r = build(c, c.path("2"), b, a)
    expect(read(c.path("2")) == want, "the order of arguments changes bytes")
    expect("in the order of their names" in r.stderr, r.stderr)
    build(c, c.path("3"), dirs[1])
    expect(read(c.path("3")) == want, "another directory, given whole, changes bytes")
    c.dir, old = dirs[1], c.dir
    build(c, os.path.join(old, "4"), "b.yaml", "./a.yaml", env={**os.environ, "TZ": "Asia/Tokyo", "LANG": "C", "HOSTNAME": "other"})
    c.dir = old
    expect(read(c.path("4")) == want, "relative names change bytes")
    expect(c.dir.encode() not in want and b"quite" not in want, "a path is in the bundle")
    build(c, c.path("5"), a, b, "--version", "2")
    expect(read(c.path("5")) != want, "the version is not in the bundle")
    r = build(c, c.path("6"), a, os.path.join(dirs[1], "a.yaml"), code=1)
    expect(not os.path.exists(c.path("6")), "a refused bundle was written")


@test
def files_that_build_on_each_other_keep_the_order_that_is_asked_for(c):
    base, local = c.file("z_base.yaml", RULE.replace("fd.name: /etc/shadow}", "fd.name: /etc/shadow, proc.name: cat}")), c.file("a_local.yaml", "- rule: Shadow read\n  append: true\n  condition: and proc.name = cat\n")
    r = build(c, c.path("o"), base, local, code=1)
    expect("--in-order" in r.stderr and "a_local.yaml:1" in r.stderr, r.stderr)
    build(c, c.path("o"), base, local, "--in-order")
    expect([s["name"] for s in json.loads(c.run("bundle", "inspect", c.path("o"), "--json", code=0).stdout)["sources"]] == ["z_base.yaml", "a_local.yaml"], "order")
    c.run("bundle", "check", c.path("o"), "--rebuild", code=0)
    c.run("rules", "check", c.path("o"), code=0)


@test
def two_sources_of_one_name_are_refused(c):
    os.makedirs(c.path("one"))
    c.file("one/r.yaml", "- list: x\n  items: [a]\n")
    r = build(c, c.path("o"), c.file("r.yaml", RULE), c.path("one/r.yaml"), code=1)
    expect("B037" in r.stderr and "r.yaml" in r.stderr, r.stderr)


@test
def rules_that_are_wrong_give_no_bundle_and_leave_the_old_one(c):
    path = small(c)
    before = read(path)
    bad = c.file("bad.yaml", RULE.replace("fd.name", "fd.nome"))
    r = build(c, path, bad, code=1)
    expect(f"{bad}:3:" in r.stderr and read(path) == before, r.stderr)
    silent = "- rule: Never\n  desc: d\n  condition: evt.type in (open) and fd.name = /a and fd.name = /b\n  output: o\n  priority: INFO\n"
    r = build(c, path, c.file("silent.yaml", silent), code=1)
    expect("W101" in r.stderr and read(path) == before, r.stderr)
    r = build(c, path, c.file("none.yaml", "- list: x\n  items: [a]\n"), code=1)
    expect("no enabled rule" in r.stderr and read(path) == before, r.stderr)
    build(c, path, c.path("missing.yaml"), code=1)
    build(c, path, c.path("r.yaml"), "--name", "a b", code=1)
    build(c, c.path("no/such/dir/x"), c.path("r.yaml"), code=3)
    expect(read(path) == before and not [f for f in os.listdir(c.dir) if ".tmp" in f], os.listdir(c.dir))


@test
def f15_limits_hold_when_a_bundle_is_made_and_when_it_is_checked(c):
    rules, list_ = c.file("s.yaml", SECOND), c.file("r.yaml", RULE)
    for limit in ("rules", "programs"):
        build(c, c.path("l"), rules, list_, "--limit", f"{limit}=2")
        c.run("bundle", "check", c.path("l"), code=0)
        r = build(c, c.path("m"), rules, list_, "--limit", f"{limit}=1", code=1)
        expect("B045" in r.stderr and not os.path.exists(c.path("m")), r.stderr)
    parts = split(read(c.path("l")))
    for name, at, value, want in (("rules", 64, 1, "B045"), ("rules", 64, 4097, "B044"), ("fuel", 96, 1000001, "B044"),
                                  ("filter names", 80, 0, "B029"), ("arena", 88, 1 << 63, "B044")):
        lie = bytearray(parts[0])
        struct.pack_into("<Q", lie, at, value)
        r = c.run("bundle", "check", c.file("lie", join([bytes(lie), *parts[1:]])), code=1)
        expect(want in r.stderr, f"{name}: {r.stderr}")
    # What the filters name, and what predicates there are: one less than the content has is not enough.
    for limit in ("predicates", "filter-names", "instructions"):
        low, high = 0, 1 << 20
        while high - low > 1:
            mid = (low + high) // 2
            at = {"predicates": 72, "filter-names": 80, "instructions": 56}[limit]
            lie = bytearray(parts[0])
            struct.pack_into("<Q", lie, at, mid)
            r = c.run("bundle", "check", c.file("lie", join([bytes(lie), *parts[1:]])))
            if r.returncode == 0 or "B044" in r.stderr:
                high = mid
            else:
                expect("B045" in r.stderr, r.stderr)
                low = mid
        expect(0 < high < 1 << 16, f"{limit}: {high}")
        build(c, c.path("l"), rules, list_, "--limit", f"{limit}={high}")
        if high > 1:
            build(c, c.path("m"), rules, list_, "--limit", f"{limit}={high - 1}", code=1)


@test
def a_damaged_or_lying_bundle_is_refused_with_its_reason(c):
    data = read(small(c))
    for cut in (0, 7, 8, 23, 24, 247, 248, 300, len(data) - 1):
        for command in (["bundle", "inspect"], ["bundle", "check"], ["bundle", "check", "--rebuild"]):
            r = c.run(*command, c.file("cut", data[:cut]), code=1)
            expect("error[B0" in r.stderr and "cut" in r.stderr, r.stderr)
    r = c.run("bundle", "check", c.file("long", data + b"x"), code=1)
    expect("B004" in r.stderr, r.stderr)
    j = json.loads(c.run("bundle", "check", c.path("cut"), "--json", code=1).stdout)
    expect(not j["ok"] and j["diagnostics"][0]["id"] == "B003" and j["digest"] is None, j)
    c.run("bundle", "check", c.path("missing"), code=1)
    c.run("bundle", "check", c.path("r.yaml"), code=1)


@test
def a_bundle_whose_content_is_not_of_its_sources_is_found_by_rebuild(c):
    parts = split(read(small(c)))
    build(c, c.path("other.bundle"), c.file("o.yaml", RULE.replace("/etc/shadow", "/etc/passwd")))
    other = split(read(c.path("other.bundle")))
    r = c.run("bundle", "check", c.file("mixed", join([parts[0], other[1], parts[2], parts[3]])), code=1)
    expect("W301" in r.stderr, r.stderr)
    mixed = c.file("mixed", join([parts[0], other[1], other[2], parts[3]]))
    c.run("bundle", "check", mixed, code=0)
    r = c.run("bundle", "check", mixed, "--rebuild", code=1)
    expect("B056" in r.stderr and "section content" in r.stderr, r.stderr)
    j = json.loads(c.run("bundle", "check", mixed, "--rebuild", "--json", code=1).stdout)
    expect(not j["ok"] and j["diagnostics"][0]["id"] == "B056", j)
    lie = bytearray(parts[0])
    lie[8] = 9  # the floor: anybody may set it, so it stays
    c.run("bundle", "check", c.file("floor", join([bytes(lie), *parts[1:]])), "--rebuild", code=0)
    broken = join([*parts[:3], parts[3].replace(b"fd.name", b"fd.nome")])
    r = c.run("bundle", "check", c.file("broken", broken), "--rebuild", code=1)
    expect("r.yaml:3:" in r.stderr, r.stderr)


@test
def strict_falco_is_remembered(c):
    rule = "- list: names\n  items: [/x, /y]\n" + RULE.replace("fd.name = /etc/shadow", 'fd.name in (" names ", /etc/shadow)')
    c.file("f.yaml", rule)
    build(c, c.path("strict"), c.path("f.yaml"), "--strict-falco")
    build(c, c.path("plain"), c.path("f.yaml"))
    parts = split(read(c.path("strict")))
    expect(parts[1] != split(read(c.path("plain")))[1] and parts[3][12] == 1, "the option changes nothing")
    for name in ("strict", "plain"):
        c.run("bundle", "check", c.path(name), "--rebuild", code=0)
    lie = join([*parts[:3], parts[3][:12] + bytes(4) + parts[3][16:]])
    c.run("bundle", "check", c.file("lie", lie), "--rebuild", code=1)


@test
def a_bundle_stands_where_rules_stand(c):
    path = small(c)
    c.file("r.yaml", RULE)
    want = c.run("rules", "check", c.path("r.yaml"), code=0).stdout
    expect(c.run("rules", "check", path, code=0).stdout == want, "rules check")
    expect("2 tests passed" in c.run("rules", "test", path, code=0).stdout, "rules test")
    expect(json.loads(c.run("rules", "list", "rules", path, "--json", code=0).stdout)[0]["name"] == "Shadow read", "rules list")
    expect("1 program proven, 0 refused" in c.run("verify", path, code=0).stdout, "verify")
    expect(c.run("explain", "rule", "Shadow read", "--rules", path, code=0).stdout ==
           c.run("explain", "rule", "Shadow read", "--rules", c.path("r.yaml"), code=0).stdout.replace(c.path("r.yaml"), path + "/r.yaml"), "explain")
    c.run("rules", "compile", path, "-o", c.path("x.o"), code=0)
    expect(read(c.path("x.o")) == split(read(path))[1], "rules compile")
    damaged = c.file("damaged", read(path)[:-1])
    for command in (["rules", "check"], ["rules", "list", "rules"], ["verify"]):
        expect("B003" in c.run(*command, damaged, code=1).stderr, command)


@test
def a_capture_is_replayed_with_a_bundle(c):
    capture = os.path.join(ROOT, "fuzz", "corpus", "capture")
    capture = next((os.path.join(capture, f) for f in sorted(os.listdir(capture))
                    if c.run("replay", os.path.join(capture, f), "--rules", c.file("r.yaml", RULE)).returncode == 0), None)
    expect(capture, "there is no capture to replay")
    path = small(c)
    text, bundle = (c.run("replay", capture, "--rules", f, "--all-matches", code=0) for f in (c.path("r.yaml"), path))
    expect(text.stdout == bundle.stdout and text.stderr == bundle.stderr, bundle.stderr)
    r = c.run("replay", capture, "--rules", c.file("damaged", read(path)[:-1]), code=1)
    expect("B003" in r.stderr and "damaged" in r.stderr, r.stderr)
    c.run("rules", "diff", path, c.path("r.yaml"), "--capture", capture, "--exit-code", code=0)


if __name__ == "__main__":
    sys.exit(tap.main(Context(os.path.abspath(sys.argv[1])), sys.argv[2] if len(sys.argv) > 2 else None))
