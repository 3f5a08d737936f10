#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The owner's commands on a real agent: status, mutes, SAFE, the breaker file, alerts. usage: test_owner_live.py BINARY [TEST]

Needs root and a kernel that grants what the sensor asks for; skips elsewhere.
"""
import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import tap
from sensor import Sensor, why_no_kernel
from tap import Skip, expect, test

RULES = """- rule: Owner bait
  desc: d
  condition: evt.type in (open, openat) and fd.name = {bait}
  output: bait opened by %proc.name
  priority: CRITICAL
- rule: Owner other
  desc: d
  condition: evt.type in (open, openat) and fd.name = {other}
  output: other opened by %proc.name
  priority: NOTICE
"""


class Context:
    def __init__(self, binary):
        self.binary = binary
        self.dir = tempfile.mkdtemp(prefix="sallyport-owner-")
        atexit.register(shutil.rmtree, self.dir, True)
        self.no_kernel = why_no_kernel(binary)
        self.bait, self.other = self.file("bait", ""), self.file("other", "")
        self.rules = self.file("rules.yaml", RULES.format(bait=self.bait, other=self.other))
        self.alerts = self.path("alerts.json")
        self.config = self.settings("settings.yaml", f"state: {self.path('state')}\n")
        self.n = 0

    def path(self, name):
        return os.path.join(self.dir, name)

    def file(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def settings(self, name, more):
        return self.file(name, f"socket: {self.path('socket')}\noutputs: {{throttle_per_minute: 0, file: {{path: {self.alerts}}}}}\n{more}")

    def sensor(self, config=None):
        if self.no_kernel:
            raise Skip(self.no_kernel)
        s = Sensor(self.binary, "--config", config or self.config, rules=[self.rules])
        expect(s.wait_ready(30), "not ready: " + s.stderr())
        self.wait(lambda: self.run("status").returncode != 3, "status")
        return s

    def run(self, *args, code=None):
        r = subprocess.run([self.binary, *args, "--config", self.config], capture_output=True, text=True, timeout=120)
        if code is not None:
            expect(r.returncode == code, f"{args}: exit code {r.returncode}, not {code}: {r.stdout}{r.stderr}")
        expect("AddressSanitizer" not in r.stderr and "runtime error" not in r.stderr, r.stderr)
        if args[0] in ("mute", "unmute"):
            time.sleep(0.3)  # from the steward, which answered, to the worker: a millisecond or two
        return r

    def status(self, code=None):
        return json.loads(self.run("status", "--json", code=code).stdout)

    def wait(self, what, name, timeout=15):
        end = time.monotonic() + timeout
        while not what():
            expect(time.monotonic() < end, f"{name}: not within {timeout} s")
            time.sleep(0.1)

    @staticmethod
    def touch(path):
        os.close(os.open(path, os.O_RDONLY))

    def alerts_of(self, s, path, rule, wait=1.5):
        """Whether opening path is told as the rule."""
        since = s.mark()
        self.touch(path)
        return s.wait_alert(lambda a: a["rule"] == rule, since, wait) is not None

    def fed(self, s):
        since = s.mark()
        subprocess.run(["/bin/true"], check=True)
        return s.wait_alert(lambda a: a["rule"].startswith("Safe feed") and "/true" in a["output"], since, 3) is not None


@test
def status_says_what_runs_and_that_all_is_well(c):
    s = c.sensor()
    try:
        expect(c.alerts_of(s, c.bait, "Owner bait", 3), "no alert")
        st = c.status(code=0)
        expect(st["level"] == "normal" and st["look_at"] == [] and st["keeps_state"] and st["alerts"] >= 1 and st["worker_deaths"] == 0, f"{st}")
        text = c.run("status", code=0).stdout
        expect("the rules of this installation" in text and "level        normal" in text, text)
        if os.uname().machine in ("x86_64", "aarch64"):
            c.wait(lambda: c.status(code=0)["native"], "native code")
            st = c.status(code=0)
            expect(st["native_why"] == "yes" and st["native_deaths"] == 0, f"{st}")
            expect("native code  yes" in c.run("status", code=0).stdout, text)
        r = c.run("alerts", "--rule", "owner bait", code=0)
        expect("bait opened by" in r.stdout and r.stderr == "", f"{r.stdout}{r.stderr}")
    finally:
        s.stop()
    c.run("status", code=3)


@test
def a_mute_hides_alerts_of_its_rule_alone_and_outlives_worker_steward_and_agent(c):
    s = c.sensor()
    try:
        expect(c.alerts_of(s, c.bait, "Owner bait", 3), "no alert before")
        c.run("mute", "Owner baits", "--for", "1h", "--reason", "typo", code=1)
        c.run("mute", "Owner bait", "--for", "1h", "--reason", "x", "--where", "proc.nonsense=a", code=1)
        c.run("mute", "Owner bait", "--for", "1h", "--reason", "x", "--where", "proc.name=nobody", code=0)
        expect(c.alerts_of(s, c.bait, "Owner bait", 3), "muted where the field has another value")
        c.run("unmute", "Owner bait", "--where", "proc.name=nobody", code=0)
        c.run("mute", "Owner bait", "--for", "2h", "--reason", "a test of mutes", code=0)
        expect(not c.alerts_of(s, c.bait, "Owner bait"), "an alert of a muted rule")
        expect(c.alerts_of(s, c.other, "Owner other", 3), "another rule is muted too")
        mutes = json.loads(c.run("mute", "--list", "--json", code=0).stdout)
        expect(len(mutes) == 1 and mutes[0]["rule"] == "Owner bait" and 7100 < mutes[0]["left_s"] <= 7200, f"{mutes}")
        expect("a test of mutes" in c.run("mute", "--list", code=0).stdout, "the reason")
        expect(c.status()["muted"] == 1, "muted alerts are counted")
        pid = child(s, "sallyport-stew")
        os.kill(pid, 9)
        expect(s.wait_err("steward died"), "the steward lives")
        c.wait(lambda: child(s, "sallyport-stew") not in (None, pid) and c.run("status").returncode == 0, "a new steward")
        expect(len(json.loads(c.run("mute", "--list", "--json", code=0).stdout)) == 1, "lost with the steward")
        expect(not c.alerts_of(s, c.bait, "Owner bait"), "an alert after the steward's death")
        os.kill(s.worker(), 9)
        expect(s.wait_err("worker (died|killed)"), s.stderr())
        c.wait(lambda: c.alerts_of(s, c.other, "Owner other", 0.5), "a new worker")
        c.wait(lambda: not c.alerts_of(s, c.bait, "Owner bait", 0.5), "the new worker told of the mute")
        expect(not c.alerts_of(s, c.bait, "Owner bait"), "an alert after the worker's death")
    finally:
        s.stop()
    s = c.sensor()
    try:
        mutes = json.loads(c.run("mute", "--list", "--json", code=0).stdout)
        expect(len(mutes) == 1 and 7000 < mutes[0]["left_s"] <= 7200, f"after a restart: {mutes}")
        expect(not c.alerts_of(s, c.bait, "Owner bait"), "an alert after a restart")
        c.run("unmute", "Owner bait", code=0)
        expect(c.alerts_of(s, c.bait, "Owner bait", 3), "no alert after unmute")
        c.run("unmute", "Owner bait", code=1)
        c.run("mute", "Owner other", "--for", "1s", "--reason", "soon over", code=0)
        time.sleep(2.5)
        expect(c.alerts_of(s, c.other, "Owner other", 3), "a mute did not end")
        c.wait(lambda: c.run("mute", "--list").stdout == "nothing is muted\n", "the list")
    finally:
        s.stop()


def child(s, comm):
    out = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(s.process.pid)], capture_output=True, text=True).stdout
    pids = [int(line.split()[0]) for line in out.splitlines() if comm in line]
    return pids[0] if pids else None


@test
def safe_switches_content_to_the_feed_and_back_over_a_restart(c):
    s = c.sensor()
    try:
        expect(c.alerts_of(s, c.bait, "Owner bait", 3), "no alert before")
        deaths = c.status()["worker_deaths"]
        expect("SAFE" in c.run("safe", "on", code=0).stdout, "no word of SAFE")
        c.wait(lambda: c.fed(s), "the feed")
        expect(not c.alerts_of(s, c.bait, "Owner bait"), "content goes on in SAFE")
        st = c.status(code=1)
        expect(st["level"] == "SAFE" and any("SAFE" in text for text in st["look_at"]), f"{st}")
        expect(st["worker_deaths"] == deaths, f"the worker died: {s.stderr()}")
        expect("LOOK AT" in c.run("status", code=1).stdout, "text")
    finally:
        s.stop()
    s = c.sensor()
    try:
        expect(c.status(code=1)["level"] == "SAFE" and not c.alerts_of(s, c.bait, "Owner bait"), "a restart left SAFE")
        c.run("safe", "off", code=0)
        c.wait(lambda: c.alerts_of(s, c.bait, "Owner bait", 0.5), "content")
        expect(not c.fed(s), "the feed goes on")
        expect(c.status(code=0)["level"] == "normal", "level")
    finally:
        s.stop()


@test
def the_breaker_file_works_without_the_command_and_is_stronger(c):
    breaker = c.path("state/safe")
    s = c.sensor()
    try:
        open(breaker, "w", encoding="ascii").close()
        c.wait(lambda: c.status()["level"] == "SAFE", "SAFE by the file")
        c.wait(lambda: c.fed(s), "the feed")
        r = c.run("safe", "off", code=3)
        expect("safe" in r.stderr and s.wait_err("SAFE stays: the file"), f"{r.stderr}{s.stderr()}")
        expect(c.status()["level"] == "SAFE", "the command was stronger")
        os.unlink(breaker)
        c.wait(lambda: c.status()["level"] == "normal", "back without the file")
        c.wait(lambda: c.alerts_of(s, c.bait, "Owner bait", 0.5), "content")
    finally:
        s.stop()


@test
def without_a_state_directory_safe_is_refused_and_status_says_so(c):
    s = c.sensor(c.settings("stateless.yaml", ""))
    try:
        c.run("safe", "on", code=1)
        expect(c.alerts_of(s, c.bait, "Owner bait", 3), "no alert")
        expect("none kept" in c.run("status", code=0).stdout, "status")
    finally:
        s.stop()


@test
def the_support_bundle_of_a_live_agent_holds_its_state_in_words_and_no_key(c):
    s = c.sensor()
    try:
        r = c.run("support-bundle", "-o", c.path("x.tar"), code=0)
        expect("left out  state/blob.*" in r.stdout and "in it     status.json" in r.stdout, r.stdout)
        text = subprocess.run(["tar", "xOf", c.path("x.tar"), "state/state.txt"], capture_output=True, text=True, check=True).stdout
        expect("generation" in text and "SAFE by hand   0" in text, text)
        key = open(c.path("state/blob.agent-key"), "rb").read()
        expect(key.splitlines()[1] not in open(c.path("x.tar"), "rb").read(), "the agent's key")
    finally:
        s.stop()


if __name__ == "__main__":
    sys.exit(tap.main(Context(os.path.abspath(sys.argv[1])), sys.argv[2] if len(sys.argv) > 2 else None))
