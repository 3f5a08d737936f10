#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tools for rules' authors as they meet them: analysis, explain, coverage, diff. usage: test_tools.py BINARY [TEST]"""
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
sys.path.insert(0, HERE)
import tap
from tap import Skip, expect
from test_cli import ROOT, Context

tap.TESTS.clear()  # test_cli has its own run
from tap import test

RULES = """- list: readers
  items: [cat, less]
- macro: opened
  condition: evt.type in (open, openat)
- rule: Shadow read
  desc: d
  condition: >
    opened and fd.name = /etc/shadow
    and not proc.name in (readers)
    and user.name = root
  output: shadow read by %proc.name
  priority: WARNING
  tests:
    - name: it fires
      event: file_open
      fires: true
      fields: {evt.type: openat, fd.name: /etc/shadow, proc.name: x, user.name: root}
    - name: another file
      event: file_open
      fires: false
      fields: {evt.type: openat, fd.name: /etc/hosts, proc.name: x, user.name: root}
- rule: Connects
  desc: d
  condition: evt.type = connect and fd.sport = 22
  output: connects to %fd.name
  priority: NOTICE
"""
EVENT = "{event: file_open, fields: {evt.type: openat, fd.name: %s, proc.name: x%s}}"
CAPTURE = os.path.join(ROOT, "..", "shared", "peers", "captures", "curl_google.scap")
CURL = """- rule: Curl connects
  desc: d
  condition: evt.type = connect and proc.name = curl
  output: curl connects to %fd.name
  priority: NOTICE
- rule: Etc read
  desc: d
  condition: evt.type in (open, openat) and fd.name startswith /etc/
  output: read %fd.name by %proc.name
  priority: INFO
- rule: Gone
  desc: d
  condition: evt.type = execve and proc.name = curl
  output: x
  priority: INFO
"""


def capture():
    if not os.path.exists(CAPTURE):
        raise Skip("no ../shared/peers/captures beside the source tree")
    return CAPTURE


@test
def findings_are_warnings_errors_or_off(c):
    path = c.file("r.yaml", RULES)
    r = c.run("rules", "check", path, code=0)
    expect("warning[L110]" in r.stderr and f"{path}:9:13" in r.stderr and "ok: 2 rules" in r.stdout, r.stderr + r.stdout)
    r = c.run("rules", "check", path, "--lint=error", code=1)
    expect("error[L110]" in r.stderr and "ok:" not in r.stdout, r.stderr + r.stdout)
    r = c.run("rules", "check", path, "--lint=off", code=0)
    expect("L110" not in r.stderr, r.stderr)
    c.run("rules", "check", path, "--lint=loud", code=2)
    j = json.loads(c.run("rules", "check", path, "--json", code=0).stdout)
    d = [d for d in j["diagnostics"] if d["id"] == "L110"][0]
    expect(j["ok"] and d["rule"] == "Shadow read" and d["file"] == path and (d["line"], d["column"]) == (9, 13) and
           d["severity"] == "warning" and "proc.exepath" in d["hint"], d)
    j = json.loads(c.run("rules", "check", path, "--json", "--lint=error", code=1).stdout)
    expect(not j["ok"] and j["diagnostics"][0]["severity"] == "error", j)
    c.file("r.yaml", RULES.replace("- rule: Shadow", "# sallyport: allow L110 because it is so\n- rule: Shadow"))
    c.run("rules", "check", path, "--lint=error", code=0)


@test
def explain_rule_tells_which_part_decided(c):
    path = c.file("r.yaml", RULES)
    args = ["explain", "rule", "Shadow read", "--rules", path]
    out = c.run(*args, "--event", EVENT % ("/etc/shadow", ", user.name: root"), code=0).stdout
    expect(out.startswith("Shadow read fires for file_open evt.type=openat") and "It does not fire" not in out, out)
    out = c.run(*args, "--event", EVENT % ("/etc/hosts", ""), code=0).stdout
    expect("does not fire" in out and f"{path}:8:16: fd.name = /etc/shadow is false: fd.name=/etc/hosts" in out, out)
    expect("(missing)    user.name = root" in out and "user.name is missing" in out and "opened: evt.type" in out, out)
    out = c.run(*args, "--event", EVENT % ("/etc/shadow", ""), code=0).stdout
    expect("user.name = root is false because user.name is missing" in out, out)
    out = c.run(*args, code=0).stdout
    for want in ("defined", ":5\n", "Warning", "file_open", "fd.name", "opened", "readers", "tests       2"):
        expect(want in out, f"{want!r} is not in {out}")
    expect("\033" not in out, out)
    out = c.run("explain", "rule", "shadow", "--rules", path, code=0).stdout
    expect(out.startswith("Shadow read\n"), out)
    r = c.run("explain", "rule", "nothing", "--rules", path, code=1)
    expect("no rule is called 'nothing'" in r.stderr, r.stderr)
    r = c.run("explain", "rule", "s", "--rules", path, code=1)
    expect("2 rules have 's' in their name" in r.stderr and "Connects" in r.stderr, r.stderr)


@test
def explain_as_json_is_the_same_tree(c):
    path = c.file("r.yaml", RULES)
    event = c.file("e.yaml", "event: file_open\nfields:\n  evt.type: openat\n  fd.name: /etc/hosts\n")
    j = json.loads(c.run("explain", "rule", "Shadow read", "--rules", path, "--event", event, "--json", code=0).stdout)
    parts = j["parts"]
    expect(j["fires"] is False and [parts[i]["text"] for i in j["decided_by"]] == ["fd.name = /etc/shadow"], j)
    by = {p["text"]: p for p in parts}
    expect(by["fd.name = /etc/shadow"]["fields"] == {"fd.name": "/etc/hosts"} and by["fd.name = /etc/shadow"]["evaluated"], by)
    expect(by["user.name = root"]["missing"] and not by["user.name = root"]["evaluated"] and not by["user.name = root"]["true"], by)
    expect(by["opened"]["kind"] == "macro" and parts[0]["depth"] == 0 and by["opened"]["depth"] == 1, parts)
    expect(j["event"] == {"fields": {"evt.type": "openat", "fd.name": "/etc/hosts"}, "type": "file_open"}, j["event"])
    j = json.loads(c.run("explain", "rule", "Shadow read", "--rules", path, "--json", code=0).stdout)
    expect(j["lists"] == ["readers"] and j["macros"] == ["opened"] and j["types"] == ["file_open"] and j["line"] == 5, j)


@test
def an_event_has_a_name_though_none_is_given(c):
    path = c.file("r.yaml", RULES)
    event = "{event: file_open, fields: {fd.name: /etc/shadow, proc.name: x, user.name: root}}"
    out = c.run("explain", "rule", "Shadow read", "--rules", path, "--event", event, code=0).stdout
    expect("fires for file_open evt.type=open\n" in out, out)
    path = c.file("t.yaml", RULES.replace("{evt.type: openat, fd.name: /etc/shadow", "{fd.name: /etc/shadow"))
    c.run("rules", "test", path, code=0)


@test
def explain_event_names_rules_that_fire_and_that_nearly_do(c):
    path = c.file("r.yaml", RULES)
    out = c.run("explain", "event", EVENT % ("/etc/shadow", ", user.name: root"), "--rules", path, code=0).stdout
    expect("1 rule fires, 0 nearly" in out and "Shadow read  (" in out and "Connects" not in out, out)
    out = c.run("explain", "event", EVENT % ("/etc/shadow", ", user.name: me"), "--rules", path, code=0).stdout
    expect("0 rules fire, 1 nearly" in out and "user.name = root is false: user.name=me" in out, out)
    out = c.run("explain", "event", EVENT % ("/etc/hosts", ", user.name: me"), "--rules", path, code=0).stdout
    expect("0 rules fire, 0 nearly" in out, out)
    j = json.loads(c.run("explain", "event", EVENT % ("/etc/shadow", ""), "--rules", path, "--json", code=0).stdout)
    expect(j["fire"] == [] and j["nearly"][0]["rule"] == "Shadow read" and j["nearly"][0]["failed"]["missing"], j)


@test
def events_that_are_none_are_refused_with_a_reason(c):
    path = c.file("r.yaml", RULES)
    for event, code, want in (("{event: x, fields: {}}", 1, "R601"), ("{event: file_open, fields: {fd.nme: 1}}", 1, "R602"),
                              (c.path("none"), 1, "cannot open"), (c.file("broken", "a: [\n"), 1, "R102"), ("@x", 2, "NUMBER"),
                              ("@x:0", 2, "NUMBER"), ("@" + c.path("none") + ":1", 1, "cannot open"),
                              ("@" + path + ":1", 1, "error")):
        r = c.run("explain", "event", event, "--rules", path, code=code)
        expect(want in r.stderr and r.stdout == "", f"{event}: {r.stderr}{r.stdout}")
    for args in (["explain"], ["explain", "x"], ["explain", "rule"], ["explain", "event"], ["explain", "event", "a", "b"],
                 ["explain", "event", "a", "--event", "b"], ["explain", "rule", "a", "--rules"]):
        c.run(*args, code=2)
    r = c.run("explain", "rule", "Shadow read", "--rules", c.file("bad.yaml", RULES.replace("fd.name", "fd.nam")), code=1)
    expect("R400" in r.stderr, r.stderr)


@test
def an_event_of_a_capture_can_be_explained(c):
    rules = CURL.replace("read %fd.name by", "event %evt.num %fd.name by")
    path = c.file("curl.yaml", rules)
    lines = [json.loads(line) for line in c.run("replay", capture(), "--rules", path, "--json", code=0).stdout.splitlines()]
    fields = [a["output_fields"] for a in lines if a["rule"] == "Etc read"]
    expect(len(fields) >= 8, fields)
    for f in fields:
        event = f"@{CAPTURE}:{f['evt.num']}"
        out = c.run("explain", "event", event, "--rules", path, code=0).stdout
        expect(f"evt.num={f['evt.num']}: 1 rule fires" in out and "Etc read" in out, out)
        out = c.run("explain", "rule", "Etc read", "--rules", path, "--event", event, code=0).stdout
        expect("fires for file_open" in out and f"fd.name={f['fd.name']}" in out, out)
    r = c.run("explain", "event", f"@{CAPTURE}:999999", "--rules", path, code=1)
    expect(re.search(r"has \d+ events", r.stderr), r.stderr)


@test
def coverage_names_what_no_test_decided_both_ways(c):
    path = c.file("r.yaml", RULES)
    out = c.run("rules", "test", path, "--coverage", code=0).stdout
    expect("Shadow read: 62 % (5 of 8 outcomes, 2 tests)" in out, out)
    expect(f"{path}:9:13: never true: proc.name in (readers)" in out, out)
    expect(f"{path}:10:9: never false: user.name = root" in out, out)
    expect(f"{path}:8:16" not in out, out)
    expect("Connects: 0 %" in out and "never reached: fd.sport = 22" in out and "evt.type = connect" not in out, out)
    expect("2 tests passed" in out and "coverage: " in out, out)
    j = json.loads(c.run("rules", "test", path, "--coverage", "--json", code=0).stdout)
    rule = j["coverage"]["rules"][0]
    expect(rule["rule"] == "Shadow read" and rule["tests"] == 2 and
           {g["text"]: (g["seen_true"], g["seen_false"]) for g in rule["gaps"]}["user.name = root"] == (True, False), rule)
    expect(len(j["tests"]) == 2 and j["untested_rules"] == 1, j)
    both = RULES.replace("    - name: another file", """    - name: a reader
      event: file_open
      fires: false
      fields: {evt.type: openat, fd.name: /etc/shadow, proc.name: cat, user.name: root}
    - name: not root
      event: file_open
      fires: false
      fields: {evt.type: open, fd.name: /etc/shadow, proc.name: x, user.name: me}
    - name: by a handle
      event: file_open
      fires: false
      fields: {evt.type: openat2, fd.name: /etc/shadow, proc.name: x, user.name: me}
    - name: another file""")
    out = c.run("rules", "test", c.file("both.yaml", both), "--coverage", code=0).stdout
    expect("Shadow read: 100 %" in out, out)


@test
def vectors_are_listed_with_their_verdict_and_what_they_are_about(c):
    path = c.file("r.yaml", RULES)
    out = c.run("rules", "vectors", path, code=0).stdout
    expect("Shadow read\n  fires  file_open  test:" in out and "\nConnects\n" in out, out)
    expect(re.search(r"\n  silent file_open  user.name: .* user.name=q7x\n", out), out)
    expect(re.search(r"\d+ vectors of 2 rules; of 5 fields that conditions use, by type of event, 5 are shown to decide\n$", out), out)
    j = json.loads(c.run("rules", "vectors", path, "--json", code=0).stdout)
    expect((j["fields"], j["fields_shown"]) == (5, 5), j)
    about = [v for v in j["vectors"] if v["subject"] == "fd.sport"]
    expect({v["fires"] for v in about} == {True, False} and {v["type"] for v in about} == {"net_connect"}, about)
    expect({v["fields"]["fd.sport"] for v in about if v["fires"]} == {"22"} and about[0]["rule"] == "Connects", about)
    expect({v["kind"] for v in j["vectors"]} == {"author", "fires", "silent"}, j)
    again = c.run("rules", "vectors", path, "--json", code=0).stdout
    expect(json.loads(again) == j, again)
    # each event, given to another command, gets the verdict that it is listed with
    for v in about + [v for v in j["vectors"] if v["subject"] == "proc.name"][:4]:
        event = json.dumps({"event": v["type"], "fields": v["fields"]})
        told = json.loads(c.run("explain", "event", event, "--rules", path, "--json", code=0).stdout)
        expect((v["rule"] in [f["rule"] for f in told["fire"]]) == v["fires"], (v, told))


@test
def rules_without_a_vector_that_fires_are_refused(c):
    never = c.file("never.yaml", RULES + """- rule: Never
  desc: d
  condition: evt.type = open and fd.name = /a and fd.name = /b
  output: o
  priority: INFO
""")
    r = c.run("rules", "vectors", never, code=1)
    expect("error[W101]" in r.stderr and f"{never}:27:9" in r.stderr and "W102" not in r.stderr and not r.stdout, r.stderr + r.stdout)
    idle = c.file("idle.yaml", CURL.replace("fd.name startswith /etc/", "(fd.name startswith /etc/ or fd.name = /etc/passwd)"))
    r = c.run("rules", "vectors", idle, code=0)
    expect("warning[W102]" in r.stderr and "'fd.name = /etc/passwd'" in r.stderr and "Etc read" in r.stdout, r.stderr)
    wrong = c.file("wrong.yaml", RULES.replace("fires: true", "fires: false"))
    r = c.run("rules", "vectors", wrong, code=1)
    expect("error[W103]" in r.stderr, r.stderr)
    c.run("rules", "vectors", code=2)
    c.run("rules", "vectors", "--no-such", never, code=2)
    c.run("rules", "vectors", os.path.join(c.dir, "none.yaml"), code=1)


@test
def diff_tells_alerts_rules_and_cost(c):
    old = c.file("old.yaml", CURL)
    new = c.file("new.yaml", CURL.replace("startswith /etc/", "startswith /etc/ssl").replace("curl connects to", "curl reaches")
                 .replace("rule: Gone", "rule: New one").replace("  output: read", "  output:   read"))
    base = ["rules", "diff", old, new, "--capture", capture()]
    out = c.run(*base, code=0).stdout
    expect(re.match(r"\d+ events: 1 alert appears, \d+ vanish, 4 change in text, 0 stay\n", out), out)
    for want in (r"- event \d+: Informational: Etc read\n    read /etc/nsswitch.conf by curl", r"\+ event 1: Informational: New one",
                 r"rules: 1 added, 1 removed, 2 changed, 0 the same", r"~ Curl connects: output\n", r"~ Etc read: condition\n", r"\+ New one",
                 r"- Gone", r"ns per event"):
        expect(re.search(want, out), f"{want!r} is not in {out}")
    c.run(*base, "--exit-code", code=1)
    c.run("rules", "diff", old, old, "--capture", CAPTURE, "--exit-code", code=0)
    j = json.loads(c.run(*base, "--json", code=0).stdout)
    rules = {r["rule"]: r for r in j["rules"]}
    etc = rules["Etc read"]["old"]["alerts"]
    expect(etc >= 8 and rules["Etc read"]["new"]["alerts"] == 0 and rules["Etc read"]["changed"] == ["condition"], rules)
    expect((j["appear"], j["vanish"], j["reworded"], j["same"]) == (1, etc + 1, 4, 0), j)
    expect(len(j["alerts"]) == 1 + etc + 1 + 2 * 4 and {a["side"] for a in j["alerts"]} == {"old", "new"}, j["alerts"])
    expect(rules["Gone"]["new"] is None and rules["New one"]["old"] is None, rules)
    expect(j["ns_per_event"]["old"] > 0 and rules["Etc read"]["old"]["ns_per_run"] > 0, j)
    two = json.loads(c.run(*base, "--capture", CAPTURE, "--json", code=0).stdout)
    expect(two["vanish"] == 2 * j["vanish"] and two["events"] == 2 * j["events"], two)


@test
def diff_agrees_with_replay(c):
    old = c.file("old.yaml", CURL)
    new = c.file("new.yaml", CURL.replace("proc.name = curl", "proc.name != curl"))
    for flags in ([], ["--all-matches"]):
        j = json.loads(c.run("rules", "diff", old, new, "--capture", capture(), "--json", *flags, code=0).stdout)
        for side, path in (("old", old), ("new", new)):
            alerts = [json.loads(line) for line in c.run("replay", CAPTURE, "--rules", path, "--json", *flags, code=0).stdout.splitlines()]
            for rule in j["rules"]:
                n = sum(a["rule"] == rule["rule"] for a in alerts)
                expect(rule[side]["alerts"] == n, f"{side} {rule}: replay has {n}")


@test
def diff_takes_directories_and_compiled_content_and_refuses_the_rest(c):
    old = c.file("old.yaml", CURL)
    c.run("rules", "compile", old, "-o", c.path("old.o"), code=0)
    os.makedirs(c.path("dir"), exist_ok=True)
    c.file("dir/a.yaml", CURL)
    j = json.loads(c.run("rules", "diff", c.path("dir"), old, "--capture", capture(), "--json", code=0).stdout)
    expect(j["conditions_compared"] and j["appear"] + j["vanish"] + j["reworded"] == 0 and j["same"] >= 11, j)
    same = j["same"]
    j = json.loads(c.run("rules", "diff", c.path("old.o"), old, "--capture", CAPTURE, "--json", code=0).stdout)
    expect(not j["conditions_compared"] and j["same"] == same and j["appear"] == 0, j)
    out = c.run("rules", "diff", c.path("old.o"), old, "--capture", CAPTURE, code=0).stdout
    expect("conditions were not compared" in out, out)
    c.run("rules", "diff", old, c.file("bad.yaml", "- rule: x\n"), "--capture", CAPTURE, code=1)
    c.run("rules", "diff", old, c.path("none"), "--capture", CAPTURE, code=1)
    cut = c.file("cut.scap", open(CAPTURE, "rb").read()[:5000])
    r = c.run("rules", "diff", old, old, "--capture", cut, code=1)
    expect("error" in r.stderr, r.stderr)
    for args in ([old], [old, old], [old, old, old, "--capture", CAPTURE], [old, old, "--capture", "-"], [old, old, "--capture"]):
        c.run("rules", "diff", *args, code=2)


if __name__ == "__main__":
    sys.exit(tap.main(Context(os.path.abspath(sys.argv[1])), sys.argv[2] if len(sys.argv) > 2 else None))
