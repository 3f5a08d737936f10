#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Harm for real: content that crashes, hangs and eats memory, processes that are killed at every step, disks and clocks that fail.

usage: faults.py BUILD [--long] [--production BUILD] [TEST]

BUILD has the option test_faults; --production names one that has not, which must refuse the content. Agents replay a capture
but where a test says that it is live: those need a kernel that grants bpf(2). Needs root. The long form takes minutes.
"""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import tap
from faultbed import *
from tap import Skip, expect, test

BACK_S = 2.0  # from the death of a worker until its successor watches


class Context(Kit):
    def __init__(self, args):
        super().__init__(args.build)
        self.long, self.production = args.long, args.production
        self.agents = []
        out = self.run("version", "--json").stdout
        self.faulty = json.loads(out).get("test_faults", False)

    def agent(self, content=None, good=True, start=True, **kw):
        """An agent; with content it has that, as last known good unless told otherwise."""
        a = Agent(self, **kw)
        self.agents.append(a)
        if content:
            a.offer(content[0])
        if start:
            a.start()
        if content and good:
            a.wait_good(content[1])
        return a

    def swap(self, a, content):
        """The owner's file is another one now, and the agent is told."""
        a.offer(content[0])
        a.hup()

    def finish(self):
        """After each test: nothing runs on."""
        for a in self.agents:
            if a.process and a.process.poll() is None:
                a.process.kill()
                a.process.wait()
        self.agents = []


def needs_faults(fn):
    def run(c):
        if not c.faulty:
            raise Skip("this build has no test_faults")
        fn(c)
    run.__name__ = fn.__name__
    return run


def expect_back(a, since, n=1):
    """The gap that was told last was short."""
    expect(a.wait(r"blind for ([\d.]+) s", 10, since), "no successor watches:\n" + a.log(since)[-2000:])
    gaps = [float(m) for m in re.findall(r"blind for ([\d.]+) s", a.log(since))]
    expect(len(gaps) >= n and max(gaps) < BACK_S, f"blind for {gaps}\n{a.log(since)[-2000:]}")
    return max(gaps)


def expect_refused(c, a, content):
    """The same digest again: after SIGHUP, and after a restart of the agent, also when something else was there meanwhile."""
    mark = a.mark()
    c.swap(a, content)
    expect(a.wait("is quarantined on this host", 5, mark), "SIGHUP: not refused:\n" + a.log(mark))
    expect(a.stop() == 0, a.log()[-1000:])
    a.start()
    expect(a.wait("is quarantined on this host", 5), "restart: not refused:\n" + a.log()[-1000:])
    s = state_read(a.state_dir)
    check_state(s)
    expect(content[1] != armed(s) and content[1] != s["lanes"][OWNER]["candidate"], s)
    return s


# ---- content that does harm ----

@test
def a_production_build_refuses_content_with_the_fault(c):
    if not c.faulty or not c.production:
        raise Skip("no production build was named")
    path, _ = c.bundle("refused", "any segv boom")
    binary = os.path.join(os.path.abspath(c.production), "src", "sallyport")
    expect("test_faults" not in subprocess.run([binary, "version", "--json"], capture_output=True, text=True).stdout, "no production build")
    r = subprocess.run([binary, "bundle", "check", path], capture_output=True, text=True)
    expect(r.returncode == 1 and "V401" in r.stderr and "no helper 1900" in r.stderr, r.stderr)


@test
@needs_faults
def good_content_becomes_good_and_nothing_is_blind(c):
    one = c.bundle("one")
    a = c.agent(one)
    s = state_read(a.state_dir)
    check_state(s)
    expect(armed(s) == one[1] and s["worker_deaths"] == 0 and not s["quarantine"] and s["blind_ms"] == 0, s)
    expect(a.status()["owner"]["lkg"] == one[1].hex(), a.status())
    expect(a.wait_alert(lambda x: x["rule"] in ("Good one", "Factory")), "it does not watch")
    expect(a.stop() == 0 and not state_read(a.state_dir)["flags"] & 1, "a stop in order leaves no mark")


@test
@needs_faults
def content_that_crashes_the_scratch_worker_goes_no_further(c):
    one, bad = c.bundle("one"), c.bundle("scratch", "trial segv boom")
    a = c.agent(one)
    worker = a.child("worker")
    c.swap(a, bad)
    q, s = a.wait_quarantined(bad[1])
    expect((q["cause"], q["signal"], q["rule"]) == (CRASH, 11, "Culprit"), q)
    expect(armed(s) == one[1] and s["worker_deaths"] == 0 and a.child("worker") == worker, s)
    expect(a.wait_alert(lambda x: "Culprit" in x["output"] and "quarantined" in x["output"]), "no alert names the rule")
    expect_refused(c, a, bad)


@test
@needs_faults
def content_that_crashes_the_shadow_goes_no_further(c):
    one, bad = c.bundle("one"), c.bundle("shadow", "any abort boom")
    a = c.agent(one, shadow=3)
    worker = a.child("worker")
    c.swap(a, bad)
    a.wait_phase(SHADOW, bad[1])
    a.event("boom")
    q, s = a.wait_quarantined(bad[1])
    expect((q["cause"], q["signal"], q["rule"]) == (CRASH, 6, "Culprit"), q)
    expect(armed(s) == one[1] and s["worker_deaths"] == 0 and a.child("worker") == worker, s)
    expect_refused(c, a, bad)


def in_probation(c, how, cause, sig, settings=""):
    one, bad = c.bundle("one"), c.bundle("probation-" + how, f"live {how} boom")
    a = c.agent(one, config=settings)
    a.event("boom")
    mark = a.mark()
    c.swap(a, bad)
    q, s = a.wait_quarantined(bad[1], 30)
    expect((q["cause"], q["rule"]) == (cause, "Culprit") and q["signal"] in sig, q)
    expect_back(a, mark)
    expect(armed(s) == one[1] and s["worker_deaths"] == 1 and s["strikes"] == 1, s)
    expect(a.wait_alert(lambda x: x["rule"].endswith("worker restarted") and "Culprit" in x["output"]), "no alert names the rule")
    status = a.status()
    expect(bad[1].hex() in json.dumps(status) and "Culprit" in json.dumps(status), status)
    mark = a.mark()
    time.sleep(1)
    expect(not a.wait("blind for", 0, mark), "the last known good dies, too:\n" + a.log(mark))
    expect_refused(c, a, bad)


@test
@needs_faults
def a_segfault_in_probation_brings_the_last_known_good_back(c):
    in_probation(c, "segv", CRASH, (11,))


@test
@needs_faults
def an_abort_in_probation_brings_the_last_known_good_back(c):
    in_probation(c, "abort", CRASH, (6,))


@test
@needs_faults
def a_worker_that_ends_itself_in_probation_is_a_strike(c):
    in_probation(c, "exit", CRASH, (0,))


@test
@needs_faults
def a_worker_that_eats_memory_in_probation_dies_alone(c):
    in_probation(c, "memory", CRASH, (6, 9), "worker: {memory_mib: 96}\n")


@test
@needs_faults
def an_endless_loop_in_probation_is_a_hang(c):
    one, bad = c.bundle("one"), c.bundle("loop", "live loop boom")
    a = c.agent(one, config="worker: {watchdog_s: 1}\n")
    a.event("boom")
    mark = a.mark()
    c.swap(a, bad)
    q, s = a.wait_quarantined(bad[1], 30)
    expect((q["cause"], q["rule"]) == (HANG, "Culprit"), q)
    expect(a.wait("killing the worker: it hangs", 1, mark), a.log(mark))
    killed = a.times[a.found]
    expect(a.wait(r"blind for ([\d.]+) s", 5, mark), a.log(mark))
    expect(a.times[a.found] - killed < BACK_S, a.log(mark))
    expect(armed(s) == one[1], s)
    expect_refused(c, a, bad)


@test
@needs_faults
def a_shadow_that_eats_memory_or_hangs_does_not_take_the_live_worker_along(c):
    one = c.bundle("one")
    a = c.agent(one, shadow=8, config="worker: {memory_mib: 96, watchdog_s: 1}\n")
    worker = a.child("worker")
    for how, causes in (("memory", (CRASH, MEMORY)), ("loop", (HANG,))):
        a.event("bait")
        bad = c.bundle("shadow-" + how, f"any {how} boom")
        c.swap(a, bad)
        a.wait_phase(SHADOW, bad[1])
        time.sleep(0.5)
        a.event("boom")
        q, s = a.wait_quarantined(bad[1])
        expect(q["cause"] in causes and q["rule"] == "Culprit", q)
        expect(a.child("worker") == worker and s["worker_deaths"] == 0, f"{how}: the live worker went, too\n{a.log()[-2000:]}")


@test
@needs_faults
def good_content_that_crashes_three_times_gives_way_to_the_one_before(c):
    one, late = c.bundle("one"), c.bundle("late", "any segv boom")
    a = c.agent(one)
    c.swap(a, late)
    a.wait_good(late[1])
    mark = a.mark()
    a.event("boom")
    q, s = a.wait_quarantined(late[1])
    expect((q["cause"], q["signal"], q["rule"]) == (CRASH, 11, "Culprit"), q)
    expect_back(a, mark)
    expect(armed(s) == one[1] and s["worker_deaths"] == 3, s)
    expect_refused(c, a, late)


@test
@needs_faults
def the_only_good_content_rests_when_it_crashes_and_the_factorys_watches(c):
    late = c.bundle("late", "any segv boom")
    a = c.agent(late)
    mark = a.mark()
    a.event("boom")
    s = a.wait_state(lambda s: s["lanes"][OWNER]["level"] == FACTORY)
    expect_back(a, mark)
    check_state(s)
    expect(not s["quarantine"] and s["lanes"][OWNER]["lkg"] == late[1] and armed(s) is None, s)
    a.event("bait")
    expect(a.wait_alert(lambda x: x["rule"] == "Factory"), "the factory's rules do not watch")


@test
@needs_faults
def a_worker_that_somebody_kills_between_events_is_nobodys_fault(c):
    one, two = c.bundle("one"), c.bundle("two")
    a = c.agent(one, rate=20)
    c.swap(a, two)
    a.wait_good(two[1])
    for _ in range(5):
        mark = a.mark()
        os.kill(a.child("worker"), signal.SIGKILL)
        expect_back(a, mark)
    s = a.wait_state(lambda s: s["worker_deaths"] >= 5)
    expect(not s["quarantine"] and armed(s) == two[1], f"good content pays for kills: {s}\n{a.log()[-1500:]}")


@test
@needs_faults
def factory_content_that_crashes_three_times_leads_to_safe(c):
    a = c.agent(start=False, config="")
    c.file("factory-bad.yaml", RULE.format(name="Culprit", condition='fd.name faulty "any segv boom"'))
    factory, c.factory = c.factory, os.path.join(c.dir, "factory-bad.yaml")
    try:
        a.start()
    finally:
        c.factory = factory
    mark = a.mark()
    a.event("boom")
    s = a.wait_state(lambda s: s["lanes"][RELEASE]["level"] == SAFE, 20)
    expect(s["worker_deaths"] <= 4, s)
    expect_back(a, mark)
    mark = a.mark()
    time.sleep(1)
    expect(not a.wait("blind for", 0, mark), a.log(mark))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--long", action="store_true")
    p.add_argument("--production")
    p.add_argument("test", nargs="?")
    args = p.parse_args()
    if os.geteuid():
        print("1..0 # SKIP not root")
        return 0
    c = Context(args)
    try:
        return tap.main(c, args.test, after=c.finish)
    finally:
        c.finish()
        c.close()


if __name__ == "__main__":
    sys.exit(main())
