#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command line as a person or a script meets it: exit codes, places in messages, JSON keys, wrong input. usage: test_cli.py BINARY [TEST]

Runs without root; what needs it is tested end to end (tests/e2e).
"""
import atexit
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import tap
from tap import Skip, expect, test

ROOT = os.path.dirname(os.path.dirname(HERE))
RULE = """- rule: Shadow read
  desc: d
  condition: evt.type in (open, openat) and fd.name = /etc/shadow
  output: shadow read by %proc.name
  priority: WARNING
  drill: read-shadow
  tests:
    - name: it fires
      event: file_open
      fires: true
      fields: {evt.type: openat, fd.name: /etc/shadow}
    - name: it does not
      event: file_open
      fires: false
      fields: {evt.type: openat, fd.name: /etc/hosts}
"""


class Context:
    def __init__(self, binary):
        self.binary = binary
        self.dir = tempfile.mkdtemp(prefix="sallyport-cli-")
        atexit.register(shutil.rmtree, self.dir, True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def file(self, name, text):
        with open(self.path(name), "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return self.path(name)

    def run(self, *args, code=None, **kw):
        r = subprocess.run([self.binary, *args], capture_output=True, text=True, errors="replace", timeout=60, cwd=self.dir, **kw)
        if code is not None:
            expect(r.returncode == code, f"{args}: exit code {r.returncode}, not {code}: {r.stdout}{r.stderr}")
        expect("AddressSanitizer" not in r.stderr and "runtime error" not in r.stderr, r.stderr)
        return r


@test
def every_command_has_help_and_wrong_use_is_exit_code_2(c):
    out = c.run("--help", code=0).stdout
    commands = re.findall(r"^  ([\w-]+) ", out, re.M)
    expect(set(commands) >= {"version", "doctor", "run", "rules", "verify", "drill"}, out)
    for name in commands:
        expect(f"usage: sallyport {name}" in c.run(name, "--help", code=0).stdout, name)
        r = c.run(name, "--no-such-option", code=2)
        expect(r.stdout == "" and r.stderr, f"{name}: {r.stdout!r}")
    for args in ([], ["nonsense"], ["rules"], ["rules", "nonsense"], ["rules", "check"], ["rules", "compile", "x.yaml"],
                 ["rules", "list", "nonsense"], ["bundle"], ["bundle", "nonsense"], ["bundle", "build"], ["bundle", "build", "x.yaml"],
                 ["bundle", "build", "-o", "x"], ["bundle", "build", "x.yaml", "-o", "y", "--limit", "rules"],
                 ["bundle", "build", "x.yaml", "-o", "y", "--limit", "rules=0"], ["bundle", "build", "x.yaml", "-o", "y", "--limit", "rule=1"],
                 ["bundle", "build", "x.yaml", "-o", "y", "--security-floor", "-1"], ["bundle", "build", "x.yaml", "-o", "y", "--engine-max", "0"],
                 ["bundle", "inspect"], ["bundle", "check", "a", "b"], ["run", "--bundle", "a", "--rules", "b"], ["run", "--bundle", "a", "--bundle", "b"],
                 ["run", "--rules", "a", "--bundle", "b"], ["verify"], ["verify", "a", "b"], ["verify", "a", "--kernel", "nine"],
                 ["verify", "a", "--format", "xml"], ["run", "rules.yaml"], ["run", "--duration", "0"],
                 ["run", "--duration", "soon"], ["run", "--ring-kib", "1000"], ["version", "x"]):
        r = c.run(*args, code=2)
        expect(r.stderr, f"{args}: nothing is said")
    r = c.run("worker", code=2)
    expect("not a command for people" in r.stderr, r.stderr)


@test
def version_and_lists_are_stable_json(c):
    v = json.loads(c.run("version", "--json", code=0).stdout)
    expect(set(v) == {"bpf_object", "schema", "version"} and re.fullmatch(r"[0-9a-f]{12}", v["schema"]), v)
    with open(os.path.join(os.path.dirname(c.binary), "sensor", "bpf", "sensor.bpf.o"), "rb") as f:
        expect(v["bpf_object"] == hashlib.blake2b(f.read(), digest_size=32).hexdigest(), v)
    expect(v["bpf_object"][:12] in c.run("version", code=0).stdout, "the text lacks the object's digest")
    fields = json.loads(c.run("rules", "list", "fields", "--json", code=0).stdout)
    expect({"doc", "event_type", "name", "presence", "reason", "source", "support", "type"} == set(fields[0]), fields[0])
    support = {f["name"]: f["support"] for f in fields}
    expect(support["proc.name"] == support["fd.net"] == "supported" and support["evt.latency"] == "refused", support)
    expect(all((f["reason"] is None) == (f["support"] == "supported") for f in fields), "a refusal without a reason")
    expect({"proc.name", "fd.name", "ipc.chain"} <= {f["name"] for f in fields}, "fields are missing")
    events = json.loads(c.run("rules", "list", "events", "--json", code=0).stdout)
    expect("file_open" in [e["name"] for e in events], events)
    path = c.file("r.yaml", RULE)
    rules = json.loads(c.run("rules", "list", "rules", path, "--json", code=0).stdout)
    expect(rules[0]["name"] == "Shadow read" and rules[0]["drill"] == "read-shadow" and rules[0]["tests"] == 2 and
           rules[0]["event_types"] == ["file_open"] and rules[0]["priority"] == "Warning", rules)


@test
def a_good_rule_is_checked_tested_compiled_and_verified(c):
    path = c.file("r.yaml", RULE)
    expect(c.run("rules", "check", path, code=0).stdout == "Shadow read: file_open\nok: 1 rule, 1 program, proven\n", "check")
    j = json.loads(c.run("rules", "check", path, "--json", code=0).stdout)
    expect(j["ok"] and j["bindings"] == [{"enabled": True, "event_types": ["file_open"], "rule": "Shadow read"}], j)
    expect("2 tests passed, 0 failed" in c.run("rules", "test", path, code=0).stdout, "test")
    c.run("rules", "compile", path, "-o", c.path("r.o"), code=0)
    r = c.run("verify", c.path("r.o"), code=0)
    expect("1 program proven, 0 refused" in r.stdout, r.stdout)
    j = json.loads(c.run("verify", c.path("r.o"), "--format", "json", code=0).stdout)
    p = j["programs"][0]
    expect(p["ok"] and p["steps"] > 0 and p["instructions"] > 0 and j["kernel"] == "sallyport", j)
    expect(c.run("verify", c.path("r.o"), "--trace", code=0).stderr.count("\n") >= p["steps"], "the trace is too short")
    c.run("verify", c.path("r.o"), "--prog", p["name"], code=0)
    c.run("verify", c.path("r.o"), "--prog", "no_such", code=1)
    j = json.loads(c.run("rules", "test", path, "--json", code=0).stdout)
    expect(j["untested_rules"] == 0 and [t["ok"] for t in j["tests"]] == [True, True], j)
    again = c.path("again.o")
    c.run("rules", "compile", path, "-o", again, code=0)
    expect(open(again, "rb").read() == open(c.path("r.o"), "rb").read(), "compiling twice gives different bytes")


@test
def strict_falco_puts_lists_into_quoted_text(c):
    """With the list's two items in the quotes, the test's value is no longer the whole text."""
    rule = RULE.replace("fd.name = /etc/shadow", 'fd.name in ("names", /etc/shadow)')
    path = c.file("strict.yaml", "- list: names\n  items: [/x, /y]\n" + rule.replace('"names"', '" names "'))
    for command in (["check"], ["test"], ["compile", "-o", c.path("s.o")], ["list", "rules"]):
        at = command.index("list") + 2 if "list" in command else 1
        c.run("rules", *command[:at], path, *command[at:], "--strict-falco", code=0)
    loose, strict = c.path("loose.o"), c.path("s.o")
    c.run("rules", "compile", path, "-o", loose, code=0)
    expect(open(loose, "rb").read() != open(strict, "rb").read(), "--strict-falco changes nothing")


@test
def a_test_that_does_not_hold_fails_with_its_place(c):
    path = c.file("bad.yaml", RULE.replace("fires: false", "fires: true"))
    r = c.run("rules", "test", path, code=1)
    expect(re.search(r"bad\.yaml:1[0-9]: FAIL Shadow read: it does not: it should fire and does not", r.stdout), r.stdout)
    j = json.loads(c.run("rules", "test", path, "--json", code=1).stdout)
    expect([t["ok"] for t in j["tests"]] == [True, False] and j["tests"][1]["why"], j)


@test
def an_error_in_a_rule_has_a_place_an_id_and_a_hint(c):
    path = c.file("typo.yaml", RULE.replace("fd.name =", "fd.nam ="))
    r = c.run("rules", "check", path, code=1)
    expect(re.search(r"typo\.yaml:3:\d+: error\[R\d+\]:.*fd\.nam", r.stderr), r.stderr)
    expect("^" in r.stderr and "hint:" in r.stderr, r.stderr)
    expect("\033" not in r.stderr, "colours without a terminal")
    j = json.loads(c.run("rules", "check", path, "--json", code=1).stdout)
    d = j["diagnostics"][0]
    expect(not j["ok"] and d["line"] == 3 and d["column"] > 1 and d["id"].startswith("R") and d["severity"] == "error", j)
    expect(d["code"] == "LOAD_ERR_COMPILE_CONDITION", d)


@test
def input_of_every_wrong_kind_is_refused_in_words(c):
    os.makedirs(c.path("empty"), exist_ok=True)
    fifo = c.path("fifo")
    if not os.path.exists(fifo):
        os.mkfifo(fifo)
    huge = c.file("huge.yaml", "")
    os.truncate(huge, 100 << 20)
    c.file("r.yaml", RULE)
    c.run("rules", "compile", c.path("r.yaml"), "-o", c.path("r.o"), code=0)
    rows = [
        (c.path("missing.yaml"), "No such file"),
        (c.path("empty"), "holds no .yaml"),
        (fifo, "neither a file nor a directory"),
        ("/dev/zero", "neither a file nor a directory"),
        (huge, "100 MiB"),
        (c.path("r.o"), "an ELF object"),
        (c.file("binary.yaml", bytes(range(256)) * 16), "error"),
        (c.file("words.yaml", "just some words\n"), "error"),
        (c.file("deep.yaml", "[" * 100000), "error"),
        (c.file("bomb.yaml", "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(8))), "error"),
    ]
    for path, says in rows:
        for args in (["rules", "check", path], ["rules", "test", path], ["rules", "compile", path, "-o", c.path("x.o")]):
            r = c.run(*args, code=1)
            expect(says in r.stderr and r.stdout == "", f"{args}: {r.stdout}{r.stderr}")
    for path, says in ((c.path("missing.o"), "No such file"), (c.path("empty"), "directory"), (c.path("r.yaml"), "error"),
                       (c.file("cut.o", open(c.path("r.o"), "rb").read()[:300]), "error"), (c.file("zero.o", b""), "error"), (huge, "100 MiB")):
        r = c.run("verify", path, code=1)
        expect(says in r.stderr, f"verify {path}: {r.stdout}{r.stderr}")


@test
def content_for_other_fields_is_refused_with_both_digests(c):
    schema = c.run("rules", "list", "schema", code=0).stdout
    other = c.file("other.schema", schema.replace("field fd.name string", "field fd.other string"))
    path = c.file("r.yaml", RULE)
    r = c.run("rules", "check", path, "--schema", other, code=1)
    expect("fd.name" in r.stderr, r.stderr)
    newer = c.file("newer.schema", schema.replace("field ipc.chain string always\n", "field ipc.chain string always\nfield ipc.extra string maybe\n"))
    rule = c.file("n.yaml", RULE.replace("evt.type in (open, openat) and fd.name = /etc/shadow", "evt.type = ipc_pipe and ipc.extra = x")
                  .split("  tests:")[0])
    c.run("rules", "check", rule, "--schema", newer, code=0)
    c.run("rules", "compile", rule, "--schema", newer, "-o", c.path("n.o"), code=0)
    c.run("verify", c.path("n.o"), "--schema", newer, code=0)
    r = c.run("verify", c.path("n.o"), code=1)
    expect(re.search(r"error\[S\d+\]", r.stderr) and "ipc.extra" in r.stderr, r.stderr)
    r = c.run("rules", "check", path, "--schema", c.file("junk.schema", "field\n"), code=1)
    expect("junk.schema" in r.stderr, r.stderr)


@test
def the_settings_file_is_checked_before_anything_starts(c):
    rule = c.file("r.yaml", RULE)
    r = c.run("run", "--config", c.file("c.yaml", "rules: [a]\nouputs: {}\n"), code=1)
    expect(re.search(r"c\.yaml:2:1: error\[C002\].*\n.*ouputs.*\n.*\^.*\n.*did you mean 'outputs'\?", r.stderr), r.stderr)
    r = c.run("run", "--config", c.path("missing.yaml"), "--rules", rule, code=1)
    expect("No such file" in r.stderr, r.stderr)
    r = c.run("run", "--config", "/dev/zero", "--rules", rule, code=1)
    expect("larger than 64 KiB" in r.stderr, r.stderr)


SIGMA = """title: Sample from a shared directory
id: 11111111-2222-4333-8444-555555555555
author: Somebody
level: high
logsource: {product: linux, category: process_creation}
detection:
  s: {Image|startswith: /dev/shm/}
  condition: s
"""


@test
def sigma_rules_are_imported_and_what_is_not_is_told(c):
    os.makedirs(c.path("sigma/deep"))
    c.file("sigma/deep/good.yml", SIGMA)
    c.file("sigma/deep/notes.txt", "no rule")
    c.file("sigma/log.yml", SIGMA.replace("category: process_creation", "service: sshd"))
    os.symlink(c.path("sigma"), c.path("sigma/deep/loop"))
    r = c.run("rules", "import", "sigma", "sigma", code=0)
    expect("1 imported (0 in part), 1 refused, 0 malformed" in r.stderr, r.stderr)
    expect('sigma/log.yml:5:12: warning[M202]: rule "Sample from a shared directory" not imported: ' in r.stderr, r.stderr)
    expect("Author: Somebody" in r.stdout, r.stdout)
    c.file("imported.yaml", r.stdout)
    c.run("rules", "check", "imported.yaml", code=0)
    report = json.loads(c.run("rules", "import", "sigma", "sigma", "-o", "again.yaml", "--json", code=0).stdout)
    expect([o["fate"] for o in report["rules"]] == ["imported", "refused"], report)
    expect(sorted(report) == ["imported", "malformed", "partial", "refused", "rules"], report)
    expect(sorted(report["rules"][0]) == ["fate", "file", "id", "line", "name", "reason", "title"], report)
    expect(open(c.path("again.yaml")).read() == r.stdout, "the same bytes")


@test
def a_malformed_sigma_rule_is_exit_code_1_and_the_good_ones_are_written(c):
    c.file("two.yml", SIGMA + "---\n" + SIGMA.replace("condition: s", "condition: s and"))
    r = c.run("rules", "import", "sigma", "two.yml", code=1)
    expect("two.yml:17:14: error[M103]: " in r.stderr, r.stderr)
    expect(r.stdout.count("- rule: ") == 1, r.stdout)
    c.file("none.yml", SIGMA.replace("linux", "windows"))
    r = c.run("rules", "import", "sigma", "none.yml", "-o", "none.yaml", code=1)
    expect(not os.path.exists(c.path("none.yaml")), "nothing was imported")
    c.run("rules", "import", "sigma", "absent.yml", code=1)
    for wrong in (["sigma"], ["yara", "two.yml"], [], ["sigma", "two.yml", "--json"]):
        c.run("rules", "import", *wrong, code=2)


@test
def a_full_standard_output_is_an_error(c):
    r = subprocess.run([c.binary, "rules", "list", "fields"], stdout=open("/dev/full", "w"), stderr=subprocess.PIPE, text=True)
    expect(r.returncode == 3 and "standard output" in r.stderr, f"{r.returncode} {r.stderr}")


@test
def doctor_reports_each_rule_and_agrees_with_its_exit_code(c):
    rule = c.file("r.yaml", RULE)
    r = c.run("doctor", "--rules", rule, "--json")
    j = json.loads(r.stdout)
    expect(set(j) == {"blind", "can_run", "kernel", "probes", "rules"}, sorted(j))
    expect(r.returncode == (0 if j["can_run"] else 3), f"{r.returncode} {j['can_run']}")
    expect("io_uring" in j["blind"][0], j["blind"])
    expect(j["rules"][0]["name"] == "Shadow read" and j["rules"][0]["coverage"] in ("partial", "impossible"), j["rules"])
    for p in j["probes"]:
        expect(set(p) == {"detail", "grade", "id", "mend", "required", "what"} and p["grade"] in ("yes", "no", "unknown"), p)
    text = c.run("doctor", "--rules", rule).stdout
    expect("io_uring" in text and "Shadow read" in text and "\033" not in text, text)


@test
def without_root_run_and_drill_say_what_to_do(c):
    rule = c.file("r.yaml", RULE)
    os.chmod(c.dir, 0o755)
    way = []
    if os.geteuid() == 0:
        way = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        if subprocess.run(way + ["true"], capture_output=True).returncode:
            raise Skip("setpriv cannot change the user here")
        if subprocess.run(way + [c.binary, "version"], capture_output=True).returncode:
            raise Skip("the build directory is closed to other users")
    for args in (["run", "--rules", rule], ["drill", "--rules", rule]):
        r = subprocess.run(way + [c.binary, *args], capture_output=True, text=True, timeout=30)
        expect(r.returncode == 3 and "root" in r.stderr and "sudo" in r.stderr, f"{args}: {r.returncode} {r.stderr}")
    r = subprocess.run(way + [c.binary, "rules", "check", rule], capture_output=True, text=True, timeout=30)
    expect(r.returncode == 0, r.stderr)


if __name__ == "__main__":
    sys.exit(tap.main(Context(os.path.abspath(sys.argv[1])), sys.argv[2] if len(sys.argv) > 2 else None))
