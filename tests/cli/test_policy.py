#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`sallyport policy check` as an owner meets it. usage: test_policy.py BINARY [TEST]"""
import datetime
import json
import os
import re
import sys
import time
import zoneinfo

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
sys.path.insert(0, HERE)
import tap
from tap import Skip, expect
from test_cli import ROOT, Context

tap.TESTS.clear()  # test_cli has its own run
from tap import test

PIN = "00112233445566778899aabbccddeeff" * 2


def check(c, text, *options):
    path = c.path("policy.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return c.run("policy", "check", path, *options)


def meaning(c, text):
    r = check(c, text, "--json")
    expect(r.returncode == 0, f"{text!r}: {r.stderr}{r.stdout}")
    return json.loads(r.stdout)


@test
def says_what_a_policy_means(c):
    r = check(c, "channel: early\nlag: 1\nhold: 24h\nurgent_hold: 90m\nfirst_ring: 3\nrequire_evidence: true\nmax_cpu: 5%\nmax_stale: 7d\n")
    expect(r.returncode == 0 and not r.stderr, r.stderr)
    for line in ("channel     early", "not before 3", "1 release behind the newest", "1 d after its own ring came; urgent releases 1 h 30 min",
                 "judged again", "at most 5 %", "heard for 7 d; detection goes on", "now         open"):
        expect(line in r.stdout, f"no '{line}' in {r.stdout}")


@test
def a_paused_policy_says_so(c):
    r = check(c, "pause: true\n")
    expect(r.returncode == 0 and "paused: nothing new" in r.stdout, r.stdout)
    expect(meaning(c, "pause: true\n")["open"] is False, "open")


@test
def errors_have_place_id_and_hint_and_the_exit_code_is_1(c):
    r = check(c, "channel: stable\nwindow:\n  - Mon 09:00-16:00 UTC\nhold: soon\n")
    expect(r.returncode == 1 and not r.stdout, r.stdout)
    expect("policy.yaml:2:1: error[Y102]: there is no key 'window'" in r.stderr and "did you mean 'windows'?" in r.stderr, r.stderr)
    expect("policy.yaml:4:7: error[Y104]" in r.stderr, r.stderr)
    r = check(c, "lag: 7\n", "--json")
    j = json.loads(r.stdout)
    expect(r.returncode == 1 and j["ok"] is False and j["policy"]["pause"] is True, r.stdout)
    expect([(d["id"], d["line"], d["column"]) for d in j["diagnostics"]] == [("Y105", 1, 6)], r.stdout)


@test
def wrong_use_is_2_and_a_missing_file_1(c):
    expect(c.run("policy").returncode == 2, "no subcommand")
    expect(c.run("policy", "chekc", "x").returncode == 2, "unknown subcommand")
    expect(c.run("policy", "check").returncode == 2, "no file")
    expect(c.run("policy", "check", "a", "b").returncode == 2, "two files")
    r = c.run("policy", "check", c.path("none.yaml"))
    expect(r.returncode == 1 and "none.yaml" in r.stderr, r.stderr)


def open_at(t, zone, days, start, end):
    """By Python's own zones."""
    local = datetime.datetime.fromtimestamp(t, zoneinfo.ZoneInfo(zone))
    return local.weekday() in days and start <= (local.hour, local.minute) < end


@test
def next_openings_are_those_of_another_calendar(c):
    for zone in ("Europe/Berlin", "America/St_Johns", "Asia/Kolkata", "Pacific/Auckland"):
        before = int(time.time())
        j = meaning(c, f"windows:\n  - Tue,Thu 09:30-11:00 {zone}\n")
        expect(len(j["next_open"]) == 3, j)
        t, want = before, []
        while len(want) < 3 and t < before + 30 * 86400:
            if open_at(t, zone, (1, 3), (9, 30), (11, 0)):
                start = t
                while open_at(t, zone, (1, 3), (9, 30), (11, 0)):
                    t += 60 - t % 60
                want.append((start, t))
            t += 60 - t % 60
        got = [(o["from"], o["to"]) for o in j["next_open"]]
        expect(all(abs(g[0] - w[0]) < 60 and g[1] == w[1] for g, w in zip(got, want)), f"{zone}: {got}, not {want}")


@test
def a_freeze_ends_with_its_last_day(c):
    today = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Berlin")).date()
    last = today + datetime.timedelta(days=3)
    j = meaning(c, f"freezes: [{today}..{last} Europe/Berlin]\n")
    want = datetime.datetime.combine(last + datetime.timedelta(days=1), datetime.time(), zoneinfo.ZoneInfo("Europe/Berlin"))
    expect(j["open"] is False and j["next_open"][0] == {"from": int(want.timestamp()), "to": None}, j)


@test
def the_example_of_the_documentation_is_good_and_names_every_key(c):
    doc = open(os.path.join(ROOT, "docs", "policy.md"), encoding="utf-8").read()
    example = re.search(r"```yaml\n(.*?)```", doc, re.S).group(1)
    j = meaning(c, example)
    expect(j["policy"]["hold_s"] == 86400 and j["policy"]["windows"] == 2 and j["policy"]["freezes"] == 2, j)
    source = open(os.path.join(ROOT, "src", "release", "policy", "value.c"), encoding="utf-8").read()
    page = open(os.path.join(ROOT, "docs", "man", "sallyport-policy.1.scd"), encoding="utf-8").read()
    keys = re.findall(r'^\t\{ "(\w+)",', source, re.M)
    expect(len(keys) == 16, keys)
    for key in keys:
        expect(f"`{key}" in doc or f"\n{key}:" in example, f"docs/policy.md lacks {key}")
        expect(f"*{key}*" in page, f"sallyport-policy.1 lacks {key}")


if __name__ == "__main__":
    sys.exit(tap.main(Context(os.path.abspath(sys.argv[1])), sys.argv[2] if len(sys.argv) > 2 else None))
