#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Harm for real: content that crashes, hangs and eats memory, processes that are killed at every step, disks and clocks that fail.

usage: faults.py BUILD [--long] [--production BUILD] [TEST]

BUILD has the option test_faults; --production names one that has not, which must refuse the content. Agents replay a capture
but where a test says that it is live: those need a kernel that grants bpf(2). Needs root. The long form takes minutes.
"""
import argparse
import ctypes
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import tap
from faultbed import (BOOT, CRASH, FACTORY, HANG, MEMORY, OWNER, PROBATION, RELEASE, RULE, SAFE, SELFTEST, SHADOW, Agent, Kit, armed,
                      check_state, state_change, state_read)
from sensor import why_no_kernel
from tap import Skip, expect, test

BACK_S = 2.0  # from the death of a worker until its successor watches


class Context(Kit):
    def __init__(self, args):
        super().__init__(args.build)
        self.long, self.production = args.long, args.production
        self.mine = threading.local()
        out = self.run("version", "--json").stdout
        self.faulty = json.loads(out).get("test_faults", False)

    def agent(self, content=None, start=True, before=None, quarantine=(), **kw):
        """An agent; with content that is its last known good from the start."""
        a = Agent(self, **kw)
        self.mine.agents = getattr(self.mine, "agents", []) + [a]
        if content:
            a.offer(content[0])
            a.seed(content, before, quarantine)
        return a.start() if start else a

    def swap(self, a, content):
        """The owner's file is another one now, and the agent is told."""
        a.offer(content[0])
        a.hup()

    def finish(self):
        """Of this thread's test nothing runs on."""
        for a in getattr(self.mine, "agents", []):
            if a.process and a.process.poll() is None:
                a.process.kill()
                a.process.wait()
        self.mine.agents = []


def needs_faults(fn):
    def run(c):
        if not c.faulty:
            raise Skip("this build has no test_faults")
        fn(c)
    run.__name__ = fn.__name__
    run.__dict__.update(fn.__dict__)
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
    a = c.agent(start=False, probation=14)  # the rehearsal comes when the worker has watched for longer than a stop may take
    a.offer(one[0])
    a.start()
    s = a.wait_good(one[1], 40)
    check_state(s)
    expect(armed(s) == one[1] and s["worker_deaths"] == 0 and not s["quarantine"] and s["blind_ms"] == 0, s)
    end = time.monotonic() + 3  # the steward is told after it was written
    while a.status()["owner"]["lkg"] != one[1].hex() and time.monotonic() < end:
        time.sleep(0.05)
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
    end = time.monotonic() + 3
    while bad[1].hex() not in json.dumps(a.status()) and time.monotonic() < end:
        time.sleep(0.05)
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
    a = c.agent(late, before=one)
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
    a = c.agent(two, before=one, rate=20)
    for _ in range(5):
        mark = a.mark()
        time.sleep(0.3)  # it has judged something
        os.kill(a.child("worker"), signal.SIGKILL)
        expect_back(a, mark)
    s = a.wait_state(lambda s: s["worker_deaths"] >= 5)
    expect(not s["quarantine"] and armed(s) == two[1], f"good content pays for kills: {s}\n{a.log()[-1500:]}")


@test
@needs_faults
def factory_content_that_crashes_three_times_leads_to_safe(c):
    a = c.agent(factory=c.file("factory-bad.yaml", RULE.format(name="Culprit", condition='fd.name faulty "any segv boom"')))
    mark = a.mark()
    a.event("boom")
    s = a.wait_state(lambda s: s["lanes"][RELEASE]["level"] == SAFE, 20)
    expect(s["worker_deaths"] <= 4, s)
    expect(a.wait(r"watching rules=4 ", 5, mark), "the fixed feed does not watch:\n" + a.log(mark)[-1000:])
    expect_back(a, mark)
    mark = a.mark()
    time.sleep(1)
    expect(not a.wait("blind for", 0, mark), a.log(mark))


# ---- the same on a live kernel ----

KERNEL = threading.Lock()  # loading programs is work: one at a time


def live(fn):
    def run(c):
        why = why_no_kernel(c.binary)
        if why:
            raise Skip(why)
        with KERNEL:
            fn(c)
    run.__name__ = fn.__name__
    return test(needs_faults(run))


def touch(c, name):
    """An open that the rules of the tests look for."""
    path = c.file(name, "")
    os.close(os.open(path, os.O_RDONLY))


def bpf_ids(pid):
    """Ids of BPF programs and maps that a process holds."""
    ids = set()
    for f in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            ids |= set(re.findall(r"^(prog_id|map_id|link_id):\s*(\d+)", open(f"/proc/{pid}/fdinfo/{f}").read(), re.M))
        except OSError:
            continue
    return ids


def still_there(ids):
    """Those of them that the kernel still has, by bpftool; a link's program counts."""
    there = set()
    for kind in ("prog", "map", "link"):
        out = subprocess.run(["bpftool", "-j", kind, "show"], capture_output=True, text=True).stdout
        there |= {(kind + "_id", str(x["id"])) for x in json.loads(out or "[]")}
    return ids & there


def expect_nothing_attached(ids):
    if not shutil.which("bpftool"):
        return
    end = time.monotonic() + 5
    while still_there(ids) and time.monotonic() < end:
        time.sleep(0.1)
    expect(ids and not still_there(ids), f"{len(still_there(ids))} of {len(ids)} objects stayed")


@live
def live_content_that_crashes_in_probation_is_replaced_and_the_host_watched(c):
    one, bad = c.bundle("one"), c.bundle("live", "live segv boom")
    a = c.agent(one, live=True)
    ids = bpf_ids(a.process.pid)
    mark = a.mark()
    c.swap(a, bad)
    a.wait_phase(PROBATION, bad[1])
    expect(a.wait("rules reloaded rules=3 ", 5, mark), a.log(mark))
    mark = a.mark()
    touch(c, "boom")
    q, s = a.wait_quarantined(bad[1])
    expect((q["cause"], q["signal"], q["rule"]) == (CRASH, 11, "Culprit"), q)
    expect_back(a, mark)
    expect(armed(s) == one[1], s)
    touch(c, "boom")
    touch(c, "bait")
    expect(a.wait_alert(lambda x: x["rule"] == "Factory"), "it does not watch")
    expect("killing" not in a.log(mark) and a.stop() == 0, a.log()[-800:])
    expect_nothing_attached(ids)


@live
def live_kill_9_of_each_process_leaves_nothing_attached(c):
    one, two = c.bundle("one"), c.bundle("two")
    a = c.agent(one, live=True, shadow=2)
    for victim in ("steward", "worker"):
        mark = a.mark()
        os.kill(a.child(victim), signal.SIGKILL)
        expect(a.wait("blind for" if victim == "worker" else "steward died", 5, mark), a.log(mark))
    c.swap(a, two)
    for phase in (SHADOW, PROBATION):
        a.wait_phase(phase, two[1])
        ids = bpf_ids(a.process.pid)
        expect(a.kill(), "children are left")
        expect_nothing_attached(ids)
        check_state(state_read(a.state_dir))
        a.start()
    s = a.wait_good(two[1])
    expect(not s["quarantine"], s)
    ids = bpf_ids(a.process.pid)
    expect(a.stop() == 0, a.log()[-800:])
    expect_nothing_attached(ids)


@live
def live_unclean_boots_bar_bulk_hooks_first_and_leave_the_safe_feed(c):
    one = c.bundle("one")
    a = c.agent(one, live=True)
    bulk = state_read(a.state_dir)["hooks"]
    expect(a.kill(), "children are left")
    unclean(a, 1)
    s = state_read(a.state_dir)
    expect(s["hooks_barred"] and not s["hooks_barred"] & ~bulk and not s["hooks"] & s["hooks_barred"], s)
    unclean(a, 5)
    s = state_read(a.state_dir)
    check_state(s)
    expect(s["lanes"][RELEASE]["level"] == SAFE and a.wait("watching rules=4 ", 5), s)
    subprocess.run(["/bin/true"], check=True)
    subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "/bin/true"])
    subprocess.run(["bpftool", "prog", "show"], capture_output=True)
    ctypes.CDLL(None).syscall(313, -1, b"", 0)  # finit_module of no file
    for rule in ("programs started", "changes of user", "kernel modules", "BPF programs"):
        expect(a.wait_alert(lambda x: x["rule"] == "Safe feed of " + rule, 5), f"SAFE says nothing of {rule}: {a.alerts()[-5:]}")
    ids = bpf_ids(a.process.pid)
    expect(a.stop() == 0, a.log()[-800:])
    expect_nothing_attached(ids)


# ---- workers that die, thousands of times ----

def supervisor_fds(a):
    return len(os.listdir(f"/proc/{a.process.pid}/fd"))


def storm(c, sig, n):
    """A worker is ended n times from outside; what is armed watches again each time."""
    one = c.bundle("one")
    a = c.agent(one, config="worker: {watchdog_s: 1}\n")
    fds = supervisor_fds(a)
    for i in range(n):
        mark = a.mark()
        os.kill(a.child("worker"), sig)
        expect(a.wait(r"blind for ([\d.]+) s", 10, mark) and a.wait(r"watching rules=\d+", 10, mark), f"death {i}: {a.log(mark)}")
        if i % 12 == 11:  # twelve deaths, nobody is to blame: the owner's content rests until he says otherwise
            s = a.wait_state(lambda s: s["lanes"][OWNER]["level"] == FACTORY, 5)
            check_state(s)
            expect(s["lanes"][OWNER]["lkg"] == one[1] and not s["quarantine"], s)
            a.ask(7)
            s = a.wait_state(lambda s: armed(s) == one[1], 5)
            expect(a.wait("rules reloaded", 5, mark), a.log(mark))
            a.times, a.lines, a.begun = [], [], 0
    gaps = a.status()
    expect(gaps["worker_deaths"] == n, gaps)
    expect(a.process.poll() is None and supervisor_fds(a) <= fds + 2, f"{fds} descriptors became {supervisor_fds(a)}")
    expect(a.stop() == 0, a.log()[-500:])
    return gaps["blind_ms"] / n


def self_made(c, how, n, settings):
    """Rules that end their worker at an event that comes again and again: no state, so nothing steps down."""
    rules = c.file(f"{how}.yaml", RULE.format(name="Culprit", condition=f'fd.name faulty "any {how} boom"'))
    a = c.agent(start=False, state=False, factory=rules, config=settings, rate=100)
    a.event("boom")
    a.start()
    for i in range(n):
        expect(a.wait(r"blind for", 15, a.begun if not i else a.found + 1), f"death {i}: {a.log()[-1000:]}")
    expect("Culprit" in a.lines[a.found], a.lines[a.found])
    expect(a.process.poll() is None, "the supervisor ended")
    a.process.send_signal(signal.SIGTERM)
    a.process.wait(20)


@test
@needs_faults
def workers_that_are_killed_over_and_over_are_replaced_each_time(c):
    rounds = [(storm, (signal.SIGKILL, 24)), (storm, (signal.SIGSEGV, 24)), (storm, (signal.SIGSTOP, 8)),
              (self_made, ("segv", 24, "")), (self_made, ("loop", 6, "worker: {watchdog_s: 1}\n")),
              (self_made, ("memory", 14, "worker: {memory_mib: 96}\n"))]
    if c.long:
        rounds = ([(storm, (signal.SIGKILL, 300))] * 11 + [(storm, (signal.SIGSEGV, 300))] * 11 + [(storm, (signal.SIGSTOP, 200))] * 4 +
                  [(self_made, ("segv", 400, ""))] * 2 + [(self_made, ("loop", 200, "worker: {watchdog_s: 1}\n"))] * 4 +
                  [(self_made, ("memory", 500, "worker: {memory_mib: 96}\n"))] * 2)
    failed = []

    def one(fn, args):
        try:
            fn(c, *args)
        except Exception as e:  # of a thread: the test's result
            failed.append(f"{fn.__name__}{args}: {e}")
        finally:
            c.finish()
    threads = [threading.Thread(target=one, args=r) for r in rounds]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    expect(not failed, "\n".join(failed))


# ---- kill -9 of every process at every step ----

STEPS = ("selftest", "shadow", "probation", "reload", "rehearsal", "good")
VICTIMS = ("supervisor", "worker", "trial", "steward", "courier")


def reach(a, step, bad):
    """Wait until the agent is at the step with the candidate, closely."""
    if step in ("selftest", "shadow"):
        a.wait_phase(SELFTEST if step == "selftest" else SHADOW, bad)
    elif step == "probation":
        expect(a.wait("is armed, on probation", 15, a.marked) and a.wait("rules reloaded", 5, a.found), a.log(a.marked))
    elif step == "reload":
        a.wait_phase(PROBATION, bad)
    elif step == "rehearsal":
        a.wait_phase(PROBATION, bad)
        first = a.child("worker")
        end = time.monotonic() + 10
        while a.child("worker", 0) == first and time.monotonic() < end:
            time.sleep(0.002)
    else:
        a.wait_good(bad)


def killed_at(c, step, victim):
    one, two = c.bundle("one"), c.bundle("two")
    a = c.agent(one, shadow=2)
    a.marked = a.mark()
    c.swap(a, two)
    reach(a, step, two[1])
    if victim == "supervisor":
        expect(a.kill(), "children outlive their supervisor")
        check_state(state_read(a.state_dir))
        a.start()
    else:
        pid = a.child(victim, 5)
        expect(pid, f"there is no {victim} at {step}")
        os.kill(pid, signal.SIGKILL)
    struck = (victim == "trial" and step in ("selftest", "shadow")) or (victim == "worker" and step in ("probation", "reload", "rehearsal"))
    if struck:
        q, s = a.wait_quarantined(two[1], 20)
        expect(q["cause"] == CRASH and armed(s) == one[1], s)
    else:
        s = a.wait_good(two[1], 30)
        expect(not s["quarantine"], s)
    check_state(s)
    expect(a.child("worker") and a.child("steward") and a.child("courier", 15), a.children())
    expect(a.stop() == 0, a.log()[-500:])
    s = state_read(a.state_dir)
    check_state(s)
    expect(s["flags"] == 0, s)


@test
@needs_faults
def kill_9_at_every_step_leaves_a_state_that_is_allowed(c):
    cases = [(s, v) for s in STEPS for v in VICTIMS if v != "trial" or s in ("selftest", "shadow")]
    if not c.long:
        cases = [x for i, x in enumerate(cases) if i % 3 == 0] + [("shadow", "trial"), ("rehearsal", "worker")]
    failed = []
    gate = threading.Semaphore(8)

    def one(case):
        with gate:
            try:
                killed_at(c, *case)
            except Exception as e:  # of a thread: the test's result
                failed.append(f"{case}: {e}")
            finally:
                c.finish()
    threads = [threading.Thread(target=one, args=(x,)) for x in cases]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    expect(not failed, "\n".join(failed))


# ---- damaged files, disks, clocks ----

def torn(data):
    return data[:len(data) // 2] + bytes(len(data) - len(data) // 2)


def truncated(data):
    return data[:len(data) // 3]


def zeroed(data):
    return bytes(len(data))


def flipped(data):
    at = random.Random(7).randrange(len(data))
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1:]


DAMAGES = (torn, truncated, zeroed, flipped, lambda data: b"")


def spoil(path, damage):
    with open(path, "rb") as f:
        data = f.read()
    with open(path, "wb") as f:
        f.write(damage(data))


def settled(c):
    """An agent that was stopped, with a last known good, the one before, and something in quarantine."""
    one, two, bad = c.bundle("one"), c.bundle("two"), c.bundle("scratch", "trial segv boom")
    a = c.agent(two, before=one, quarantine=(bad,))
    expect(armed(state_read(a.state_dir)) == two[1], a.log())
    expect(a.stop() == 0, a.log()[-500:])
    return a, one, two, bad


@test
@needs_faults
def a_damaged_state_is_never_believed(c):
    a, one, two, bad = settled(c)
    keep = {n: open(os.path.join(a.state_dir, f"state.{n}"), "rb").read() for n in (0, 1)}
    newest = state_read(a.state_dir)["slot"]
    for damage in DAMAGES:
        for which in ((newest,), (1 - newest,), (0, 1)):
            for n in (0, 1):
                with open(os.path.join(a.state_dir, f"state.{n}"), "wb") as f:
                    f.write(damage(keep[n]) if n in which else keep[n])
            a.offer(bad[0])
            a.start()
            lost = a.wait("begins anew", 0)
            expect(bool(lost) == (len(which) == 2), f"{damage}: {a.log()[-500:]}")
            s = state_read(a.state_dir)
            check_state(s)
            if not lost:
                expect(armed(s) == two[1], s)
                expect(a.wait("is quarantined on this host", 5), "the quarantine is forgotten: " + a.log()[-500:])
            expect(a.kill(), "children are left")


@test
@needs_faults
def damaged_content_is_never_armed(c):
    a, one, two, bad = settled(c)
    content = os.path.join(a.state_dir, "content")
    keep = {d: open(os.path.join(content, d.hex()), "rb").read() for d in (one[1], two[1])}
    state = {n: open(os.path.join(a.state_dir, f"state.{n}"), "rb").read() for n in (0, 1)}
    os.unlink(a.content)
    for damage in DAMAGES:
        for which in ((two[1],), (one[1],), (one[1], two[1])):
            for n in (0, 1):
                with open(os.path.join(a.state_dir, f"state.{n}"), "wb") as f:
                    f.write(state[n])
            for d in keep:
                with open(os.path.join(content, d.hex()), "wb") as f:
                    f.write(damage(keep[d]) if d in which else keep[d])
            a.start()
            want = one[1] if which == (two[1],) else two[1] if which == (one[1],) else None
            s = state_read(a.state_dir)
            check_state(s)
            expect(armed(s) == want, f"{damage} of {[d.hex()[:8] for d in which]}: {s}\n{a.log()[-800:]}")
            expect(a.wait("watching rules=%d " % (2 if want else 1), 5), a.log()[-800:])
            expect(a.kill(), "children are left")


@test
@needs_faults
def damaged_files_of_the_steward_do_not_keep_it_from_starting(c):
    a, *_ = settled(c)
    before = a.start().status()["agent"]
    expect(a.stop() == 0 and a.start().status()["agent"] == before, "its name is not kept")
    expect(a.stop() == 0, a.log()[-500:])
    for name in ("blob.steward", "blob.agent-key"):
        for damage in DAMAGES:
            spoil(os.path.join(a.state_dir, name), damage)
            a.start()
            expect(a.status()["level"] == "normal", a.log()[-500:])
            expect(a.stop() == 0, a.log()[-500:])


@test
@needs_faults
def files_that_are_no_files_and_directories_that_are_not_ours_are_refused(c):
    a, one, two, _ = settled(c)
    slot = os.path.join(a.state_dir, f"state.{state_read(a.state_dir)['slot']}")
    shutil.copy(slot, slot + ".real")
    os.unlink(slot)
    os.symlink(slot + ".real", slot)
    a.start()
    check_state(state_read(a.state_dir))
    expect(a.stop() == 0, a.log()[-500:])
    for spoilt, mend in ((lambda d: os.chmod(d, 0o777), lambda d: os.chmod(d, 0o700)),
                         (lambda d: os.chown(d, 65534, 65534), lambda d: os.chown(d, 0, 0))):
        spoilt(a.state_dir)
        a.start(wait=False)
        expect(a.process.wait(10) in (1, 3), a.process.returncode)
        a.reader.join(5)
        expect("H301" in a.log(a.begun), a.log(a.begun))
        mend(a.state_dir)
    a.start()
    other = Agent(c, config="")
    other.state_dir = a.state_dir
    other.start(wait=False)
    expect(other.process.wait(10) != 0, "two agents have one state")
    expect(a.process.poll() is None and a.stop() == 0, a.log()[-500:])


@test
@needs_faults
def a_full_or_read_only_disk_stops_what_is_new_and_nothing_else(c):
    one, two, late = c.bundle("one"), c.bundle("two"), c.bundle("late", "any segv boom")
    disk = os.path.join(c.dir, "disk")
    os.mkdir(disk, 0o700)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k,mode=0700", "tmpfs", disk]).returncode:
        raise Skip("no tmpfs can be mounted")
    try:
        a = c.agent(start=False)
        a.state_dir = os.path.join(disk, "state")
        a.offer(late[0])
        a.seed(late)
        a.start()
        with open(os.path.join(disk, "ballast"), "wb", buffering=0) as f:
            try:
                while f.write(bytes(4096)):
                    pass
            except OSError:
                pass
        mark = a.mark()
        c.swap(a, two)
        expect(a.wait("cannot be kept", 5, mark), "a full disk: " + a.log(mark))
        check_state(state_read(a.state_dir))
        expect(armed(state_read(a.state_dir)) == late[1], "what was armed is not any more")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        mark = a.mark()
        a.event("boom")  # three deaths: the step down is taken though it cannot be written
        expect(a.wait("watching rules=1 ", 10, mark), "a read-only disk: " + a.log(mark)[-1500:])
        expect_back(a, mark)
        a.event("bait")
        expect(a.wait_alert(lambda x: x["rule"] == "Factory"), "nobody watches")
        mark = a.mark()
        time.sleep(3)
        said = len(re.findall("cannot write the state", a.log(mark)))
        expect(said <= 1, f"said {said} times in 3 s")
        expect(a.stop() == 0, a.log()[-500:])
        a.start()  # on a disk that cannot be written: what was good before is armed
        expect(armed(state_read(a.state_dir)) == late[1] and a.wait("watching rules=2 ", 5) or a.wait("watching rules=3 ", 1), a.log()[-800:])
        expect(a.stop() == 0, a.log()[-500:])
    finally:
        c.finish()
        subprocess.run(["umount", "-l", disk])


@test
@needs_faults
def the_clock_of_day_decides_nothing(c):
    shim = os.path.join(c.build, "tests", "e2e", "libe2e-clock.so")
    etc = os.path.join(c.dir, "etc")
    shutil.copytree("/etc", etc, symlinks=True, ignore_dangling_symlinks=True)
    with open(os.path.join(etc, "ld.so.preload"), "w") as f:
        f.write(shim + "\n")
    clock = os.path.join(etc, "sallyport-clock")

    def turn(years):
        with open(clock, "r+b" if os.path.exists(clock) else "wb") as f:
            f.write(struct.pack("<q", int(years * 365.25 * 86400)).ljust(4096, b"\0"))
    turn(0)
    wrap = ["unshare", "--mount", "--propagation", "private", "sh", "-c", f'mount --bind {etc} /etc && exec "$@"', "sh"]
    one, two = c.bundle("one"), c.bundle("two")
    a = c.agent(one, wrap=wrap, shadow=2)
    for years, content in ((10, two), (-10, c.bundle("three")), (0, c.bundle("four"))):
        worker = a.child("worker")
        turn(years)
        c.swap(a, content)
        a.wait_phase(SHADOW, content[1])
        turn(-years)
        a.wait_phase(PROBATION, content[1])
        turn(years)
        s = a.wait_good(content[1])
        check_state(s)
        expect(s["worker_deaths"] == 0 and not s["quarantine"] and s["blind_ms"] == 0 and worker, s)
    turn(10)
    alerts = [x["time"] for x in a.alerts()]
    expect(a.stop() == 0, a.log()[-500:])
    expect({t[:4] for t in alerts} >= {str(time.gmtime().tm_year)}, alerts[:3])
    expect(armed(state_read(a.state_dir)) == c.bundle("four")[1], "an orderly stop")


# ---- boots ----

def unclean(a, boots):
    """The host went down without a stop, as often, and is up again."""
    for _ in range(boots):
        if a.process and a.process.poll() is None:
            expect(a.kill(), "children are left")
        state_change(a.state_dir, boot=os.urandom(16), flags=state_read(a.state_dir)["flags"] | 1)
        a.start()


@test
@needs_faults
def unclean_boots_step_down_by_two(c):
    one, two = c.bundle("one"), c.bundle("two")
    a = c.agent(one, probation=3600)
    c.swap(a, two)
    a.wait_phase(PROBATION, two[1])
    unclean(a, 1)
    s = state_read(a.state_dir)
    expect(s["boot_strikes"] == 1 and armed(s) == two[1] and s["unclean_boots"] == 1, s)
    expect(a.wait_alert(lambda x: "unclean end 1 of 6" in x["output"]), "no alert of the unclean end")
    unclean(a, 1)
    s = state_read(a.state_dir)
    check_state(s)
    expect(s["boot_strikes"] == 2 and armed(s) == one[1] and [q["cause"] for q in s["quarantine"] if q["digest"] == two[1]] == [BOOT], s)
    expect(a.wait("is quarantined on this host", 5), "it is taken again: " + a.log()[-500:])
    unclean(a, 2)
    s = state_read(a.state_dir)
    check_state(s)
    expect(s["boot_strikes"] == 4 and armed(s) is None and [l["level"] for l in s["lanes"]] == [FACTORY, FACTORY], s)
    expect(a.wait("watching rules=1 ", 5), a.log()[-500:])
    unclean(a, 2)
    s = state_read(a.state_dir)
    check_state(s)
    expect(s["boot_strikes"] == 6 and s["lanes"][RELEASE]["level"] == SAFE, s)
    expect(a.wait("watching rules=4 ", 5), a.log()[-500:])
    mark = a.mark()
    a.ask(7)
    expect(a.wait("rules reloaded rules=2 ", 5, mark), a.log(mark))
    s = state_read(a.state_dir)
    expect(armed(s) == one[1] and s["boot_strikes"] == 0, s)


@test
@needs_faults
def an_agent_that_dies_three_times_in_a_boot_is_one_unclean_boot(c):
    one = c.bundle("one")
    a = c.agent(one)
    pids = []
    for n in (1, 2, 0):
        pids.append(a.process.pid)
        expect(a.kill(), "children are left")
        a.start()
        s = state_read(a.state_dir)
        check_state(s)
        expect(s["agent_deaths"] == n and s["boot_strikes"] == (n == 0) and armed(s) == one[1], s)
    for pid in pids:
        groups = subprocess.run(["find", "/sys/fs/cgroup", "-name", f"sallyport-*-{pid}"], capture_output=True, text=True).stdout
        expect(not groups, f"groups of an agent that was killed: {groups}")


@test
@needs_faults
def the_breaker_file_is_safe_and_its_end_is_the_way_back(c):
    one = c.bundle("one")
    a = c.agent(one)
    breaker = os.path.join(a.state_dir, "safe")
    mark = a.mark()
    open(breaker, "w").close()
    expect(a.wait("rules reloaded rules=4 ", 5, mark), a.log(mark))
    s = state_read(a.state_dir)
    expect(s["flags"] & 2 and armed(s) is None, s)
    expect(a.kill(), "children are left")
    a.start()
    expect(a.wait("watching rules=4 ", 5), a.log()[-500:])
    mark = a.mark()
    os.unlink(breaker)
    expect(a.wait("rules reloaded rules=2 ", 5, mark), a.log(mark))
    expect(armed(state_read(a.state_dir)) == one[1], a.log(mark))


@test
@needs_faults
def without_a_cgroup_resource_limits_hold(c):
    rules = c.file("hog.yaml", RULE.format(name="Culprit", condition='fd.name faulty "live memory boom"'))
    wrap = ["unshare", "--mount", "--propagation", "private", "sh", "-c", 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"', "sh"]
    a = c.agent(factory=rules, state=False, wrap=wrap, config="worker: {memory_mib: 96}\n")
    expect("no cgroup bounds the worker's memory and CPU time" in a.log(), a.log())
    a.event("boom")
    expect(a.wait(r"worker died \(signal 6\) while judging rule \"Culprit\"", 10), "its memory has no bound:\n" + a.log()[-800:])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--long", action="store_true")
    p.add_argument("--production")
    p.add_argument("--together", type=int, default=12, help="tests at a time")
    p.add_argument("test", nargs="?")
    args = p.parse_intermixed_args()
    if os.geteuid():
        print("1..0 # SKIP not root")
        return 0
    c = Context(args)
    try:
        return tap.main(c, args.test, after=c.finish, together=args.together)
    finally:
        c.close()


if __name__ == "__main__":
    sys.exit(main())
