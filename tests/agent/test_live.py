#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Supervisor and worker for real: hangs, crash loops, reloads, outputs that fail. usage: test_live.py BINARY CRASHABLE [TEST]

Needs root and a kernel that grants what the sensor asks for; skips elsewhere.
"""
import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import tap
from sensor import Sensor, unthrottled, why_no_kernel
from tap import Skip, expect, test

RULE = """- rule: {name}
  desc: d
  condition: evt.type in (open, openat) and fd.name = {path}
  output: {name} by %proc.name %proc.cmdline {pad}
  priority: WARNING
"""


class Context:
    def __init__(self, binary, crashable):
        self.binary, self.crashable = binary, crashable
        self.dir = tempfile.mkdtemp(prefix="sallyport-live-")
        os.chmod(self.dir, 0o755)
        atexit.register(shutil.rmtree, self.dir, True)
        self.no_kernel = why_no_kernel(binary)
        self.bait = self.file("bait", "")

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def rules(self, name="Bait", pad=""):
        return self.file("rules.yaml", RULE.format(name=name, path=self.bait, pad=pad))

    def sensor(self, *args, rules=None, binary=None):
        if self.no_kernel:
            raise Skip(self.no_kernel)
        s = Sensor(binary or self.binary, *args, rules=[rules] if rules else [])
        expect(s.wait_ready(), "not ready: " + s.stderr())
        return s

    def touch(self, times=1):
        for _ in range(times):
            os.close(os.open(self.bait, os.O_RDONLY))

    def expect_alert(self, s, rule="Bait", timeout=3):
        since = s.mark()
        self.touch()
        expect(s.wait_alert(lambda a: a["rule"] == rule, since, timeout), f"no alert of '{rule}': {s.stderr()}")


@test
def a_hung_worker_is_replaced_and_the_gap_reported_from_its_last_sign_of_life(c):
    config = c.file("c.yaml", "worker: {watchdog_s: 1}\n")
    s = c.sensor("--config", config, rules=c.rules())
    try:
        first = s.worker()
        os.kill(first, signal.SIGSTOP)
        m = s.wait_err(r"worker died \(signal 9\) .*blind for ([\d.]+) s; (\d+) records lost in the gap", 6)
        expect(m, s.stderr())
        expect(1.0 <= float(m.group(1)) < 4, f"blind for {m.group(1)}")
        expect(s.stderr().count("it hangs") == 1, s.stderr())
        c.expect_alert(s)
        expect(any(a["rule"] == "Sallyport internal: worker restarted" and a["output_fields"]["deaths"] == 1 for a in s.alerts),
               "no internal alert")
    finally:
        s.stop()


@test
def a_worker_that_dies_over_and_over_is_started_ever_later_and_says_so(c):
    crash = c.file("sallyport-crash-me", "")
    rules = c.file("crash.yaml", RULE.format(name="Crash", path="x", pad="").replace("fd.name = x", "fd.filename = sallyport-crash-me"))
    s = c.sensor(rules=rules, binary=c.crashable)
    try:
        for i in range(5):
            os.close(os.open(crash, os.O_RDONLY))
            s.wait_err(r"(?s)(worker died.*){%d}" % (i + 1), 3)
        expect(s.wait_err(r"it died \d+ times lately, the next start is in 0\.[12] s", 3), s.stderr())
        end = time.monotonic() + 3
        while not any(a["rule"] == "Sallyport internal: worker down" for a in s.alerts) and time.monotonic() < end:
            time.sleep(0.05)
        expect(any(a["rule"] == "Sallyport internal: worker down" for a in s.alerts), [a["rule"] for a in s.alerts])
        time.sleep(1)
        expect(s.worker(), "it gave up: " + s.stderr())
        stats = s.stop()
        expect(stats["produced"] - stats["lost"] == stats["consumed"], f"{stats}")
    finally:
        s.stop()


@test
def sighup_takes_good_rules_and_refuses_bad_ones_without_a_gap(c):
    s = c.sensor(rules=c.rules("First"))
    try:
        worker = s.worker()
        c.expect_alert(s, "First")
        c.rules("Second")
        s.process.send_signal(signal.SIGHUP)
        expect(s.wait_err("rules reloaded", 5), s.stderr())
        c.expect_alert(s, "Second")
        c.file("rules.yaml", "- rule: Broken\n")
        s.process.send_signal(signal.SIGHUP)
        expect(s.wait_err(r"error\[R\d+\](?s:.)*the old ones stay in force", 5), s.stderr())
        c.expect_alert(s, "Second")
        os.unlink(os.path.join(c.dir, "rules.yaml"))
        s.process.send_signal(signal.SIGHUP)
        expect(s.wait_err("rules are not reloaded: cannot open", 5), s.stderr())
        os.kill(worker, signal.SIGKILL)  # its successor gets the rules that were in force, not what is on disk
        expect(s.wait_err("blind for", 5), s.stderr())
        c.expect_alert(s, "Second")
        stats = s.stop()
        expect(stats["lost"] == 0, f"{stats}")
    finally:
        s.stop()


def code_of(pid):
    """Mappings of a worker: native code that it was handed; whatever it could write and execute."""
    with open(f"/proc/{pid}/maps") as f:
        lines = f.read().splitlines()
    return [l for l in lines if " r-xs " in l and "sallyport-code" in l], [l for l in lines if re.search(r" .wx", l)]


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(p) for p in f.read().split()]


def wait_native(s, times=1, timeout=10):
    expect(s.wait_err(r"(?s)(rules run as native code.*){%d}" % times, timeout), s.stderr())


def no_compiler():
    if os.uname().machine not in ("x86_64", "aarch64"):
        raise Skip("no compiler for this machine")


@test
def rules_run_as_native_code_once_a_compiler_made_it_and_so_do_their_successors(c):
    no_compiler()
    s = c.sensor(rules=c.rules("First"))
    try:
        wait_native(s)
        first = s.worker()
        code, both = code_of(first)
        expect(len(code) == 1 and not both, f"{code} {both}")
        c.expect_alert(s, "First")
        c.rules("Second")
        s.process.send_signal(signal.SIGHUP)
        expect(s.wait_err("rules reloaded", 5), s.stderr())
        wait_native(s, 2)
        expect(s.worker() == first, "another worker")
        c.expect_alert(s, "Second")
        expect(len(code_of(first)[0]) == 1, f"the old code stays: {code_of(first)[0]}")
        os.kill(first, signal.SIGKILL)  # nobody's fault: the same code again
        expect(s.wait_err("blind for", 5), s.stderr())
        wait_native(s, 3)
        c.expect_alert(s, "Second")
        stats = s.stop()
        expect(stats["lost"] == 0, f"{stats}")
    finally:
        s.stop()


@test
def a_compiler_that_is_killed_leaves_rules_interpreted_and_watching(c):
    no_compiler()
    many = "".join(RULE.format(name=f"Many {i}", path=f"{c.dir}/none{i}", pad="") for i in range(800))
    s = c.sensor(rules=c.file("many.yaml", RULE.format(name="Bait", path=c.bait, pad="") + many))
    try:
        end = time.monotonic() + 10
        killed = None
        while not killed and time.monotonic() < end:
            for pid in children(s.process.pid):
                try:
                    with open(f"/proc/{pid}/comm") as f:
                        if f.read().strip() == "sallyport-jit":
                            os.kill(pid, signal.SIGKILL)
                            killed = pid
                except (FileNotFoundError, ProcessLookupError):
                    pass
        expect(killed, "no compiler was seen: " + s.stderr())
        expect(s.wait_err("rules are interpreted, not compiled: the compiler died", 5), s.stderr())
        worker = s.worker()
        c.expect_alert(s)
        expect(not code_of(worker)[0], code_of(worker)[0])
        expect("native code programs" not in s.stderr(), s.stderr())
    finally:
        s.stop()


@test
def a_worker_that_dies_with_native_code_has_a_successor_without(c):
    no_compiler()
    crash = c.file("sallyport-crash-me", "")
    text = RULE.format(name="Crash", path="x", pad="").replace("fd.name = x", "fd.filename = sallyport-crash-me")
    rules = c.file("crash.yaml", text)
    s = c.sensor(rules=rules, binary=c.crashable)
    try:
        wait_native(s)
        os.close(os.open(crash, os.O_RDONLY))
        expect(s.wait_err("rules are interpreted, not compiled: the worker died with native code of this content", 5), s.stderr())
        expect(s.wait_err("blind for", 5), s.stderr())
        time.sleep(1)
        expect(not code_of(s.worker())[0] and s.stderr().count("native code programs") == 1, s.stderr())
        c.file("crash.yaml", text + RULE.format(name="Bait", path=c.bait, pad=""))
        s.process.send_signal(signal.SIGHUP)  # other content has not died yet
        wait_native(s, 2)
        c.expect_alert(s)
    finally:
        s.stop()


@test
def native_false_means_no_compiler_and_no_executable_memory(c):
    s = c.sensor("--config", c.file("c.yaml", "native: false\n"), rules=c.rules())
    try:
        c.expect_alert(s)
        time.sleep(1)
        expect(not code_of(s.worker())[0] and "native" not in s.stderr(), s.stderr())
    finally:
        s.stop()


@test
def a_bundle_runs_and_nothing_else_takes_its_place(c):
    bundle = os.path.join(c.dir, "rules.bundle")

    def build(name):
        return subprocess.run([c.binary, "bundle", "build", c.rules(name), "-o", bundle], check=True, capture_output=True, text=True).stdout.strip()

    first = build("First")
    s = c.sensor("--bundle", bundle)
    try:
        expect(first[:12] in s.stderr(), f"the digest {first} is not said: {s.stderr()}")
        c.expect_alert(s, "First")
        build("Second")
        s.process.send_signal(signal.SIGHUP)
        expect(s.wait_err("rules reloaded", 5), s.stderr())
        c.expect_alert(s, "Second")
        shutil.copy(c.rules("Third"), bundle)
        s.process.send_signal(signal.SIGHUP)
        expect(s.wait_err(r"error\[B001\](?s:.)*the old ones stay in force", 5), s.stderr())
        c.expect_alert(s, "Second")
        build("Fourth")
        with open(bundle, "r+b") as f:
            f.seek(-2, os.SEEK_END)
            f.write(b"x")
        s.process.send_signal(signal.SIGHUP)
        expect(s.wait_err(r"error\[B010\](?s:.)*the old ones stay in force", 5), s.stderr())
        c.expect_alert(s, "Second")
    finally:
        s.stop()


@test
def the_alert_file_rotates_whole_lines_only(c):
    path = os.path.join(c.dir, "alerts.json")
    config = c.file("c.yaml", unthrottled(f"outputs: {{stdout: {{enabled: false}}, file: {{path: {path}, max_mib: 1, keep: 3}}}}\n"))
    s = c.sensor("--config", config, rules=c.rules(pad="x" * 800))
    try:
        for _ in range(3):
            c.touch(1200)
            time.sleep(1.2)
        stats = s.stop()
        files = sorted(f for f in os.listdir(c.dir) if f.startswith("alerts.json"))
        expect(len(files) >= 3, files)
        lines = [json.loads(l) for f in files for l in open(os.path.join(c.dir, f))]
        expect(len(lines) == stats["alerts"] - stats["dropped_alerts"] >= 3600, f"{len(lines)} lines, {stats}")
    finally:
        s.stop()


@test
def f22_a_rule_that_matches_every_open_is_throttled_and_the_file_stays_small(c):
    path = os.path.join(c.dir, "flood.json")
    config = c.file("c.yaml", f"outputs: {{stdout: {{enabled: false}}, file: {{path: {path}}}}}\n")
    s = c.sensor("--config", config, rules=c.rules("Flood"))
    try:
        c.touch(5000)
        time.sleep(1.5)
        lines = [json.loads(l) for l in open(path)]
        expect(60 <= sum(a["rule"] == "Flood" for a in lines) < 80, f"{len(lines)} lines")
        notes = [a for a in lines if a["rule"] == "Sallyport internal: rule throttled"]
        expect(len(notes) == 1 and notes[0]["output_fields"]["per_minute"] == 60, notes)
        expect("python" in notes[0]["output"] and "Flood" in notes[0]["output"], notes)
        stats = s.stop()
        expect(stats["alerts"] >= 5000 and stats["lost"] == 0 and stats["dropped_alerts"] == 0, f"{stats}")
    finally:
        s.stop()


@test
def a_run_that_is_longer_than_the_time_to_stop_stops_in_order(c):
    s = c.sensor("--duration", "7", rules=c.rules())
    c.touch(10)
    stats = s.wait_end(20)
    expect(s.process.returncode == 0 and "killing" not in s.stderr(), s.stderr())
    expect(stats["alerts"] == 10 and stats["produced"] == stats["consumed"], f"{stats}")


@test
def an_output_without_room_or_reader_never_ends_in_a_crash(c):
    if c.no_kernel:
        raise Skip(c.no_kernel)
    rules = c.rules()
    with open("/dev/full", "w") as full:
        p = subprocess.Popen([c.binary, "run", "--rules", rules, "--duration", "4"], stdout=full, stderr=subprocess.PIPE, text=True)
    seen = ""
    while "watching" not in seen:  # it says so when it is ready; on a busy machine that takes its time
        line = p.stderr.readline()
        expect(line, f"it ended: {seen}")
        seen += line
    c.touch(3)
    err = seen + p.communicate(timeout=20)[1]
    expect(p.returncode == 0 and "No space left" in err and "dropped_alerts=3" in err, err)
    r, w = os.pipe()
    p = subprocess.Popen([c.binary, "run", "--rules", rules, "--duration", "30"], stdout=w, stderr=subprocess.PIPE, text=True)
    os.close(w)
    os.close(r)
    err = p.communicate(timeout=20)[1]
    expect(p.returncode == 0 and "no output is left" in err, err)


@test
def nothing_of_a_stopped_sensor_stays(c):
    s = c.sensor(rules=c.rules())
    worker = s.worker()
    s.process.kill()  # not even an orderly end: the worker goes with its supervisor
    s.process.wait()
    end = time.monotonic() + 3
    while os.path.exists(f"/proc/{worker}") and time.monotonic() < end:
        time.sleep(0.02)
    expect(not os.path.exists(f"/proc/{worker}"), "the worker outlives its supervisor")
    s = c.sensor(rules=c.rules())
    group = subprocess.run(["find", "/sys/fs/cgroup", "-name", f"sallyport-worker-{s.process.pid}"], capture_output=True, text=True).stdout
    s.stop()
    for d in group.split():
        expect(not os.path.exists(d), f"{d} is left")


if __name__ == "__main__":
    context = Context(*[os.path.abspath(p) for p in sys.argv[1:3]])
    sys.exit(tap.main(context, sys.argv[3] if len(sys.argv) > 3 else None))
