#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""simulate: what must hold of a release through 8.5 million hosts, and the command as people use it.
usage: test_simulate.py BINARY [TEST]. With SALLYPORT_BARS=1, on a release build, also the bars."""
import json
import os
import sys
import xml.dom.minidom

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
sys.path.insert(0, HERE)
import tap
from tap import Skip, expect
from test_cli import Context

tap.TESTS.clear()  # test_cli has its own run
from tap import test


def simulate(c, *args):
    return json.loads(c.run("simulate", "--json", "--seed", "20240719", *args, code=0).stdout)


def need_release():
    if os.environ.get("SALLYPORT_BARS") != "1":
        raise Skip("bars are held to by ./dev check on the release build: a sanitizer build takes minutes")


def bar(c, most, *args):
    need_release()
    r = simulate(c, *args)
    print(f"# {' '.join(args)}: {r['hosts_lost']} of {r['hosts']} hosts (bar {most}), p95 {r['p95']}, blind for {r['blind_host_hours']} host-hours")
    expect(r["hosts"] == 8500000, r)
    expect(0 < r["hosts_lost"] <= most, f"{args}: {r['hosts_lost']} hosts lost, at most {most}")
    expect(r["halted"] == r["trials"], f"{args}: halted {r['halted']} of {r['trials']}")
    expect(r["blind_host_hours"] > 0 or r["hosts_lost"] < 1, r)
    return r


@test
def poison_for_every_host_is_lost_on_200_at_most(c):
    bar(c, 200, "--crash-prob", "1", "--trials", "50")


@test
def poison_for_one_in_a_hundred_is_lost_on_4_at_most(c):
    bar(c, 4, "--crash-prob", "0.01", "--trials", "300")


@test
def a_latent_fault_of_a_day_in_one_of_ten_thousand_is_lost_on_20_at_most(c):
    bar(c, 20, "--crash-prob", "0.0001", "--latent", "24", "--trials", "60")


@test
def a_fault_on_a_stratum_absent_from_ring_0_is_lost_on_50_at_most(c):
    r = bar(c, 50, "--crash-prob", "1", "--stratum", "0.005", "--trials", "100")
    expect(r["rings"][0]["lost"] == 0, r["rings"][0])


@test
def clean_content_is_halted_once_in_a_thousand_at_most(c):
    """In rings of a fleet that is small enough for a thousand trials here; of the large one there are some."""
    need_release()
    small = simulate(c, "--hosts", "300000", "--trials", "1000")
    print(f"# {small['false_halts']} false halts in {small['trials']} releases to {small['hosts']} hosts, blessed after {small['blessed_s'] / 3600:.1f} h")
    expect(small["false_halts"] <= 1 and small["blessed"] >= 999, small)
    large = simulate(c, "--trials", "20")
    expect(large["false_halts"] == 0 and large["blessed"] == 20, large)
    expect(large["hosts_exposed"] == 8500000, large)


@test
def the_same_seed_gives_the_same_bytes(c):
    args = ("simulate", "--hosts", "50000", "--crash-prob", "0.01", "--trials", "30", "--seed", "7")
    first, again = c.run(*args, code=0).stdout, c.run(*args, code=0).stdout
    expect(first == again and first, "two runs differ")
    expect(first != c.run(*args[:-1], "8", code=0).stdout, "another seed gives the same")


@test
def a_table_a_chart_and_an_svg(c):
    out = c.run("simulate", "--hosts", "50000", "--crash-prob", "0.01", "--trials", "30", "-o", c.path("chart.svg"), code=0).stdout
    for word in ("ring ", "opened at", "hosts lost:", "halted 30", "host-hours", "# lost", "6 h"):
        expect(word in out, f"no '{word}' in:\n{out}")
    expect(all(len(line) <= 100 for line in out.splitlines()), out)
    doc = xml.dom.minidom.parse(c.path("chart.svg"))
    texts = {"".join(n.data for n in t.childNodes if n.nodeType == n.TEXT_NODE) for t in doc.getElementsByTagName("text")}
    expect({"hosts", "time since ring 0 opened", "1 h", "100"} <= texts, texts)
    lines = [p.getAttribute("d") for p in doc.getElementsByTagName("path") if p.getAttribute("class") in ("have", "lost")]
    expect(len(lines) == 2 and all(d.count("L") > 20 for d in lines), lines)


@test
def the_urgent_lane_is_faster(c):
    slow = simulate(c, "--hosts", "50000", "--trials", "5")
    fast = simulate(c, "--hosts", "50000", "--trials", "5", "--lane", "urgent")
    expect(fast["blessed"] == 5 and fast["blessed_s"] * 4 < slow["blessed_s"], (fast["blessed_s"], slow["blessed_s"]))
    expect(sum(r["opened"] > 0 for r in fast["rings"]) == sum(r["opened"] > 0 for r in slow["rings"]), fast["rings"])


@test
def a_plan_is_read_and_its_errors_have_places(c):
    quick = "plan:\n  soak_s: [600, 600, 600, 600, 600, 600, 600]\n  urgent_soak_s: [600, 600, 600, 600, 600, 600, 600]\n  ramp_s: [0, 0, 0, 0, 0, 0, 600]\n"
    r = simulate(c, "--hosts", "50000", "--trials", "3", "--plan", c.file("quick.yaml", quick))
    expect(r["blessed"] == 3 and r["blessed_s"] < 3 * 3600, r)
    bare = c.file("bare.yaml", "ring0_hosts: 7\n")
    expect(simulate(c, "--hosts", "50000", "--trials", "1", "--plan", bare)["rings"][0]["hosts"] == 7, "ring0_hosts")
    for text, place in [("plan:\n  rinks: 3\n", ":2:3: "), ("soak_s: [1, 2]\n", ":1:9: "), ("share_ppm: [0, 1, 2, 3, 4, 5, x]\n", ":1:31: "),
                        ("report_s: -5\n", ":1:11: "), ("report_s: 1\nreport_s: 2\n", ":2:1: "), ("- 1\n", ":1:1: "), ("{\n", "no YAML"), ("", "empty"),
                        ("ring0_hosts: 900\n", "ring 0 of 900"), ("share_ppm: [0, 5, 4, 3, 2, 1, 1000000]\n", "ring 2 is not larger")]:
        r = c.run("simulate", "--plan", c.file("bad.yaml", text), code=1)
        expect(place in r.stderr and "bad.yaml" in r.stderr or place in r.stderr and "plan:" in r.stderr, f"{text!r}: {r.stderr}")
    c.run("simulate", "--plan", c.path("none.yaml"), code=1)


@test
def wrong_use_is_exit_code_2(c):
    for args in (["--hosts", "x"], ["--hosts", "99999999999"], ["--crash-prob", "2"], ["--crash-prob", "nan"], ["--crash-prob", "-1"], ["--lane", "fast"],
                 ["--trials", "0"], ["--seed", "x"], ["--latent", ""], ["file"], ["--nothing"]):
        c.run("simulate", *args, code=2)
    c.run("simulate", "--hosts", "0", code=1)
    c.run("simulate", "--hosts", "100", "--trials", "1", "-o", c.path("no/dir.svg"), code=3)


if __name__ == "__main__":
    sys.exit(tap.main(Context(os.path.abspath(sys.argv[1])), sys.argv[2] if len(sys.argv) > 2 else None))
