#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a watched host pays, and what the sensor bears. usage: load.py BUILD_DIR [PAIRS [PART...]]

  compile   a Debian source package, with and without the sensor, in interleaved pairs
  exec      a loop of fork, exec and wait, the same way
  rate      200,000 events a second that every rule needs to see, for 30 s: none may be lost
  overload  an attacker in a control group of its own on one core, somebody else's execs on another: none of those may be lost

Needs root and a kernel that grants what `sallyport doctor` asks for. With the public rules in ../shared the sensor runs the 25 stable ones,
else its own. Every bar is printed beside what was measured; a bar that is missed gives exit code 1.
"""
import glob
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
from sensor import Groups, Sensor, why_no_kernel

STABLE = os.path.join(ROOT, "..", "shared", "peers", "falco-rules", "falco_rules.yaml")
PACKAGE, MAKE = "lua5.4", ["make", "-j2", "CC=gcc", "MYCFLAGS=-DLUA_USE_POSIX", "a", "lua"]
RATE, RATE_SECONDS = 200_000, 30


def say(line=""):
    print(line, flush=True)


class Bench:
    def __init__(self, build, pairs):
        self.binary = os.path.join(ROOT, build, "src", "sallyport")
        self.flood = os.path.join(ROOT, build, "bench", "load", "bench-flood")
        self.execer = os.path.join(ROOT, build, "tests", "e2e", "e2e-load")
        self.pairs = pairs
        self.dir = tempfile.mkdtemp(prefix="sallyport-load-")
        self.rules = os.path.relpath(STABLE, ROOT) if os.path.exists(STABLE) else "rules"
        self.missed = []

    def bar(self, what, ok, text):
        say(f"  {'met   ' if ok else 'MISSED'} {text}")
        if not ok:
            self.missed.append(what)

    # ---- pairs ----

    def timed(self, argv, **kw):
        start = time.monotonic()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kw)
        return time.monotonic() - start

    def with_sensor(self, work):
        sensor = Sensor(self.binary, rules=self.rules)
        if not sensor.wait_ready():
            raise SystemExit("the sensor does not start: " + sensor.stderr()[-400:])
        try:
            seconds = work()
        finally:
            stats = sensor.stop()
        self.lost += stats.get("lost", 0)
        return seconds

    def compare(self, what, work, bar):
        """Median of paired ratios with a bootstrap interval; beside it the same of two runs without the sensor."""
        self.lost = 0
        work()
        ratios, noise = [], []
        for i in range(self.pairs):
            arms = {"off": work, "again": work, "on": lambda: self.with_sensor(work)}
            seconds = {}
            for arm in random.sample(sorted(arms), len(arms)):
                seconds[arm] = arms[arm]()
            ratios.append(seconds["on"] / seconds["off"])
            noise.append(seconds["again"] / seconds["off"])
            if sys.stderr.isatty():
                print(f"\r  {what}: pair {i + 1} of {self.pairs}", end="", file=sys.stderr, flush=True)
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        low, high = self.interval(ratios)
        nlow, nhigh = self.interval(noise)
        cost = 100 * (statistics.median(ratios) - 1)
        say(f"{what}: {cost:+.1f} % with the sensor (95 %: {100 * (low - 1):+.1f} .. {100 * (high - 1):+.1f}), "
            f"{100 * (statistics.median(noise) - 1):+.1f} % without ({100 * (nlow - 1):+.1f} .. {100 * (nhigh - 1):+.1f}), "
            f"{self.pairs} pairs, {seconds['off']:.2f} s each, lost {self.lost}")
        self.bar(what, cost <= bar and self.lost == 0, f"bar: {bar} %, nothing lost")

    @staticmethod
    def interval(values):
        medians = sorted(statistics.median(random.choices(values, k=len(values))) for _ in range(2000))
        return medians[50], medians[-51]

    # ---- what is run ----

    def fetch(self):
        """The source package, by the machine's own package sources, asked for sources too. None when they have it not."""
        lists, state = os.path.join(self.dir, "sources.list"), os.path.join(self.dir, "lists")
        lines = []
        for name in ["/etc/apt/sources.list"] + glob.glob("/etc/apt/sources.list.d/*.list"):
            if os.path.exists(name):
                lines += [re.sub(r"^deb\s", "deb-src ", l) for l in open(name) if re.match(r"^deb\s", l)]
        for name in glob.glob("/etc/apt/sources.list.d/*.sources"):
            text = open(name).read()
            lines_of = re.sub(r"(?m)^Types:.*$", "Types: deb-src", text)
            with open(os.path.join(self.dir, os.path.basename(name)), "w") as f:
                f.write(lines_of)
        os.makedirs(os.path.join(state, "partial"))
        open(lists, "w").writelines(lines)
        apt = ["apt-get", "-qq", "-o", f"Dir::Etc::sourcelist={lists}", "-o", f"Dir::State::lists={state}",
               "-o", f"Dir::Etc::sourceparts={self.dir if not lines else '/dev/null'}", "-o", "APT::Sandbox::User=root"]
        for args in (["update"], ["source", "--download-only", PACKAGE]):
            r = subprocess.run(apt + args, cwd=self.dir, capture_output=True, text=True)
            if r.returncode:
                say(f"compile: skipped: apt-get {args[0]} fails: {r.stderr.strip()[-200:]}")
                return None
        archive = [p for p in glob.glob(os.path.join(self.dir, "*.tar.*")) if "debian" not in os.path.basename(p) and not p.endswith(".asc")]
        tree = os.path.join(self.dir, "tree")
        os.makedirs(tree)
        subprocess.run(["tar", "-xf", archive[0], "--strip-components=1", "-C", tree], check=True)
        return tree

    def compile(self):
        tree = self.fetch()
        if not tree:
            return
        src = os.path.join(tree, "src")

        def work():
            for path in glob.glob(os.path.join(src, "*.o")) + glob.glob(os.path.join(src, "*.a")):
                os.unlink(path)
            return self.timed(MAKE, cwd=src)

        self.compare("compile of " + PACKAGE, work, 2)

    def execs(self):
        self.compare("exec loop", lambda: self.timed([self.execer, "1500", "0"]), 5)

    def rules_file(self, text):
        path = os.path.join(self.dir, "rules.yaml")
        open(path, "w").write(text)
        return os.path.relpath(path, ROOT)

    def rate(self):
        target = os.path.join(self.dir, "flooded-file")
        open(target, "w").close()
        rules = self.rules_file(f"""
- rule: relevant
  desc: every open of the file has to be looked at; none is an alert
  condition: evt.type in (open, openat) and evt.is_open_read = true and fd.name = {target} and proc.pname = nobody
  output: "%fd.name"
  priority: notice
""")
        sensor = Sensor(self.binary, rules=rules)
        if not sensor.wait_ready():
            raise SystemExit(sensor.stderr())
        out = subprocess.run([self.flood, "open", target, str(RATE), str(RATE_SECONDS)], capture_output=True, text=True)
        stats = sensor.stop()
        done, seconds = out.stdout.split()
        rate = int(done) / float(seconds)
        say(f"rate: {rate:,.0f} relevant opens/s for {float(seconds):.0f} s, {stats.get('events', 0):,} events judged, lost {stats.get('lost')}")
        self.bar("rate", rate >= 0.98 * RATE and stats.get("lost") == 0 and stats.get("events", 0) >= int(done),
                 f"bar: {RATE:,}/s for {RATE_SECONDS} s, none lost")

    def overload(self):
        marker = os.path.join(self.dir, "victim")
        shutil.copy("/bin/true", marker)
        rules = self.rules_file("""
- rule: victim
  desc: somebody else's program
  condition: evt.type in (execve, execveat) and evt.rawres >= 0 and proc.name = victim
  output: "%proc.pid %proc.cwd"
  priority: notice
- rule: opens
  desc: a reason to see opens
  condition: evt.type in (open, openat) and fd.name startswith /proc/ and proc.name = nobody
  output: "%proc.pid"
  priority: notice
""")
        groups = Groups("attacker", "victim")
        if not groups.made:
            say("overload: skipped: no control groups can be made here")
            return
        sensor = Sensor(self.binary, rules=rules)
        if not sensor.wait_ready():
            raise SystemExit(sensor.stderr())

        def enter(name, cpu):
            def before():
                os.sched_setaffinity(0, {cpu})
                groups.enter(name)
            return before

        cpus = sorted(os.sched_getaffinity(0))
        attackers = [subprocess.Popen([self.flood, *args, "0", "20"], preexec_fn=enter("attacker", cpus[-1]), stdout=subprocess.DEVNULL)
                     for args in (("exec", "/bin/true"), ("fork", "-"), ("open", "/proc/self/stat"), ("chdir", "/"))]
        time.sleep(1)
        out = subprocess.run([self.flood, "exec", marker, "100", "15"], preexec_fn=enter("victim", cpus[0]), capture_output=True, text=True)
        for a in attackers:
            a.wait()
        stats = sensor.stop()
        done = int(out.stdout.split()[0])
        seen = sum(1 for a in sensor.alerts if a["rule"] == "victim")
        say(f"overload: {done} execs beside an attacker on one core, {seen} seen, {stats.get('events', 0):,} events judged, "
            f"lost {stats.get('lost')} ({json.dumps({k: v for k, v in stats.items() if 'lost' in k})})")
        self.bar("overload", seen == done, "bar: every exec of the others is seen")
        groups.close()


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build/release"
    bench = Bench(build, int(sys.argv[2]) if len(sys.argv) > 2 else 15)
    why = why_no_kernel(bench.binary)
    if why:
        say(f"load: skipped: {why}")
        return 0
    random.seed(1)
    say(f"rules: {bench.rules}")
    try:
        parts = {"rate": bench.rate, "overload": bench.overload, "exec": bench.execs, "compile": bench.compile}
        for part in sys.argv[3:] or parts:
            say(f"load average before {part}: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
            parts[part]()
    finally:
        shutil.rmtree(bench.dir, ignore_errors=True)
    return 1 if bench.missed else 0


if __name__ == "__main__":
    sys.exit(main())
