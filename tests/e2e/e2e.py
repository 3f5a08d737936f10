#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""End-to-end tests: a real sensor, real attacks on this host, real alerts. usage: e2e.py BUILD_DIR [TEST]

Needs root and a kernel that grants what `sallyport doctor` asks for; the tests that need it skip with the reason elsewhere.
"""
import collections
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap
from sensor import ROOT, Attacks, Groups, Sensor, why_no_kernel, unthrottled
from tap import Skip, expect, test


class Context:
    def __init__(self, build):
        self.build = build
        self.binary = os.path.join(ROOT, build, "src", "sallyport")
        self.crashable = os.path.join(ROOT, build, "tests", "agent", "sallyport-crashable")
        self.no_kernel = why_no_kernel(self.binary)
        self.slow = "san" in build

    def need_kernel(self):
        if self.no_kernel:
            raise Skip(self.no_kernel)

    def sensor(self, *args, **kw):
        self.need_kernel()
        s = Sensor(kw.pop("binary", self.binary), *args, **kw)
        if not s.wait_ready():
            s.stop()
            raise AssertionError("the sensor did not become ready:\n" + s.stderr())
        return s

    def run(self, *args, **kw):
        return subprocess.run([self.binary, *args], capture_output=True, text=True, timeout=60, cwd=ROOT, errors="replace", **kw)


def fields(alert):
    return alert["output_fields"]


def within_a_second(attack, sensor, match, what):
    since = sensor.mark()
    start = time.time()
    pid = attack()
    done = time.time()
    alert = sensor.wait_alert(lambda a: match(a, pid), since)
    expect(alert, f"{what}: no alert names process {pid}; since then: "
           + json.dumps([(a["rule"], a["output_fields"]) for a in sensor.alerts[since:]], indent=1) + sensor.stderr())
    late = alert["_arrived"] - done
    expect(late < 1.0, f"{what}: the alert came {late:.2f} s after the attack had ended")
    expect(alert["_arrived"] >= start, f"{what}: the alert is older than the attack")
    return alert


@test
def attacks_alert_within_a_second_with_the_right_process_parent_and_file(c):
    attacks = Attacks(c.build)
    sensor = c.sensor("--duration", "60")
    try:
        a = within_a_second(attacks.memfd_elf, sensor, lambda a, pid: fields(a).get("proc.pid") == pid and "memfd" in
                            (fields(a).get("proc.exepath") or ""), "ELF in a memfd")
        expect(fields(a)["proc.pname"].startswith("python"), f"parent is {fields(a)['proc.pname']}")
        a = within_a_second(attacks.memfd_script, sensor, lambda a, pid: fields(a).get("proc.pid") == pid and "script" in
                            a["rule"].lower(), "script in a memfd")
        expect(fields(a)["proc.pname"].startswith("python"), f"parent is {fields(a)['proc.pname']}")
        for attack, name in ((attacks.shadow_direct, "cat"), (attacks.shadow_symlink, "cat"),
                             (attacks.shadow_relative, "cat"), (attacks.shadow_int80, "e2e-int80open")):
            a = within_a_second(attack, sensor, lambda a, pid: fields(a).get("proc.pid") == pid and
                                fields(a).get("fd.name") == "/etc/shadow", attack.__name__)
            expect(fields(a)["proc.name"] == name, f"process is {fields(a)['proc.name']}, not {name}")
            expect(fields(a)["proc.pname"].startswith("python"), f"parent is {fields(a)['proc.pname']}")
        a = within_a_second(attacks.dev_shm, sensor, lambda a, pid: fields(a).get("proc.pid") == pid and
                            (fields(a).get("proc.exepath") or "").startswith("/dev/shm/"), "exec from /dev/shm")
        a = within_a_second(attacks.fifo_shell, sensor, lambda a, pid: fields(a).get("proc.pid") == pid and
                            fields(a).get("ipc.peer.name") == "e2e-netpipe", "shell fed by a FIFO")
        expect(fields(a)["ipc.kind"] == "fifo", f"the channel is {fields(a)['ipc.kind']}")
        a = within_a_second(attacks.fifo_chain, sensor, lambda a, pid: fields(a).get("proc.pid") == pid and
                            fields(a).get("ipc.peer.name") == "e2e-netpipe", "three-process chain")
        expect(fields(a)["ipc.hops"] == 2, f"{fields(a)['ipc.hops']} hops; chain {fields(a).get('ipc.chain')}")
        for a in sensor.alerts:
            expect(sorted(k for k in a if k != "_arrived") ==
                   ["hostname", "output", "output_fields", "priority", "rule", "source", "tags", "time"],
                   f"an alert has the keys {sorted(a)}")
            expect(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", a["time"]), f"time is {a['time']}")
        stats = sensor.stop()
        expect(stats.get("lost") == 0, f"lost events: {stats}")
        expect(sensor.process.returncode == 0, f"exit code {sensor.process.returncode}: {sensor.stderr()}")
    finally:
        sensor.stop()
        attacks.close()


@test
def filters_in_the_kernel_change_no_alert(c):
    """Two sensors watch the same attacks and the same benign load, one with filters, one without: they say the same."""
    public = os.path.join("..", "shared", "peers", "falco-rules")
    rules = ["rules"] + sorted(os.path.relpath(p, ROOT) for p in glob.glob(os.path.join(ROOT, public, "*.yaml")))
    attacks = Attacks(c.build)
    sensors = []
    try:
        for filters, those in (("true", rules), ("false", rules), ("true", ["rules"])):
            config = os.path.join(attacks.dir, f"filters-{filters}.yaml")
            with open(config, "w") as f:
                f.write(unthrottled(f"kernel_filters: {filters}\nrule_matching: all\n"))
            sensors.append(c.sensor("--config", config, rules=those))
        for attack in (attacks.dev_shm, attacks.memfd_elf, attacks.memfd_script, attacks.shadow_direct, attacks.shadow_symlink,
                       attacks.shadow_relative, attacks.shadow_int80, attacks.fifo_shell, attacks.fifo_chain, attacks.more_files,
                       attacks.more_network, attacks.plain_opens, lambda: attacks.benign(50, 1000), attacks.dev_shm):
            attack()
        time.sleep(1)
        stats = [s.stop() for s in sensors]
        seen = [between(s.alerts, lambda a: (fields(a).get("proc.exepath") or "").startswith("/dev/shm/")) for s in sensors]
        expect(len(seen[0]) >= 10, f"only {len(seen[0])} alerts")
        gone, new = (sorted((a - b).elements()) for a, b in ((seen[1], seen[0]), (seen[0], seen[1])))
        expect(not gone and not new, f"without filters also {gone[:5]}, with filters also {new[:5]}")
        expect(stats[0]["lost"] == stats[1]["lost"] == 0, f"lost events: {stats}")
        expect(stats[0]["filtered"] > 0 and stats[1]["filtered"] == 0, f"what was left out: {stats}")
        expect(stats[2]["filtered"] >= 3000, f"our own rules need few opens: {stats}")
    finally:
        for s in sensors:
            s.stop()
        attacks.close()


def between(alerts, is_mark):
    """What came from the first mark to the last, as often as it came, without the time."""
    marks = [i for i, a in enumerate(alerts) if is_mark(a)]
    expect(len(marks) >= 2, "the marks did not alert")
    return collections.Counter((a["rule"], a["output"].split(" ", 1)[1]) for a in alerts[marks[0]:marks[-1] + 1])


@test
def a_benign_load_alerts_nothing_and_loses_nothing(c):
    attacks = Attacks(c.build)
    sensor = c.sensor("--duration", "120")
    try:
        time.sleep(0.5)
        before = sensor.mark()
        expect(attacks.benign(2000, 20000) == 0, "the load itself failed")
        time.sleep(0.5)
        stats = sensor.stop()
        expect(sensor.alerts[before:] == [], "alerts: " + json.dumps([a["output"] for a in sensor.alerts[before:]]))
        expect(stats.get("lost") == 0, f"lost: {stats}")
        expect(stats.get("events", 0) >= 22000, f"it saw only {stats}")
        expect(stats["produced"] == stats["consumed"], f"the counts do not agree: {stats}")
    finally:
        sensor.stop()
        attacks.close()


@test
def with_a_64_kib_ring_lost_is_exactly_produced_minus_consumed(c):
    attacks = Attacks(c.build)
    sensor = c.sensor("--duration", "120", "--ring-kib", "64")
    try:
        # while the worker is stopped the ring must overflow, whatever the machine's speed
        worker = sensor.worker()
        os.kill(worker, signal.SIGSTOP)
        threading.Timer(0.5, lambda: os.kill(worker, signal.SIGCONT)).start()
        expect(attacks.benign(2000, 20000) == 0, "the load itself failed")
        stats = sensor.stop()
        expect(stats.get("lost", 0) > 0, f"nothing was lost, so nothing is shown: {stats}")
        expect(stats["lost"] == stats["produced"] - stats["consumed"], f"the counts do not agree: {stats}")
    finally:
        sensor.stop()
        attacks.close()


@test
def duration_ends_the_run_by_itself_and_nothing_stays_attached(c):
    def links():
        """BPF links and programs that any process holds."""
        n = 0
        for fd in glob.glob("/proc/[0-9]*/fd/*"):
            try:
                n += os.readlink(fd) in ("anon_inode:bpf_link", "anon_inode:bpf-prog", "anon_inode:bpf-map")
            except OSError:
                pass
        return n

    c.need_kernel()
    before = links()
    sensor = c.sensor("--duration", "2")
    start = time.monotonic()
    expect(links() > before, "the count cannot see the sensor's own programs")
    sensor.wait_end(15)
    expect(sensor.process.returncode == 0, f"exit code {sensor.process.returncode}: {sensor.stderr()}")
    expect(1 < time.monotonic() - start < 6, "it did not end after two seconds")
    expect(links() == before, "a BPF program, map or link is still held")


@test
def ctrl_c_which_reaches_the_whole_group_stops_in_order(c):
    sensor = c.sensor("--duration", "60", start_new_session=True)
    try:
        os.killpg(sensor.process.pid, signal.SIGINT)
        stats = sensor.wait_end(15)
        expect(sensor.process.returncode == 0, f"exit code {sensor.process.returncode}: {sensor.stderr()}")
        expect("died" not in sensor.stderr(), f"the worker did not stop in order: {sensor.stderr()}")
        expect(stats["produced"] - stats["lost"] == stats["consumed"], f"records were left unread: {stats}")
    finally:
        sensor.stop()


@test
def the_process_that_holds_the_rules_is_confined(c):
    sensor = c.sensor("--duration", "30")
    try:
        worker = sensor.worker()
        status = open(f"/proc/{worker}/status").read()
        value = dict(re.findall(r"(\w+):[ \t]*(.*)", status))
        expect(int(value["CapEff"], 16) == 0, f"CapEff {value['CapEff']}")
        expect(int(value["CapPrm"], 16) == 0, f"CapPrm {value['CapPrm']}")
        expect(int(value["CapBnd"], 16) == 0, f"CapBnd {value['CapBnd']}")
        expect(value["Seccomp"] == "2", f"Seccomp {value['Seccomp']}")
        expect(value["NoNewPrivs"] == "1", f"NoNewPrivs {value['NoNewPrivs']}")
        expect(set(value["Uid"].split()) == {"65534"}, f"Uid {value['Uid']}")
        expect(value["Groups"].strip() in ("", "65534"), f"Groups {value['Groups']}")
    finally:
        sensor.stop()


@test
def a_killed_worker_comes_back_under_load_and_the_gap_is_reported(c):
    attacks = Attacks(c.build)
    sensor = c.sensor("--duration", "120")
    load = subprocess.Popen([attacks.tool("load"), "50", "1000", "8"])
    try:
        time.sleep(1)
        first = sensor.worker()
        killed = time.time()
        os.kill(first, signal.SIGKILL)
        alert = None
        since = sensor.mark()
        while time.time() < killed + 5 and not alert:
            pid = attacks.shadow_direct()
            alert = sensor.wait_alert(lambda a: fields(a).get("proc.pid") == pid, since, 0.2)
        expect(alert, "no alert within 5 s after the kill: " + sensor.stderr())
        took = alert["_arrived"] - killed
        expect(took < 2.0, f"the first alert came {took:.2f} s after the kill")
        expect(sensor.process.poll() is None, "the supervisor is gone")
        expect(sensor.worker() not in (None, first), "there is no new worker")
        expect(sensor.wait_err(r"worker .*(signal 9|SIGKILL|killed)"), "the gap is not reported: " + sensor.stderr())
        expect(sensor.wait_err(r"blind"), "how long it was blind is not reported: " + sensor.stderr())
    finally:
        load.kill()
        load.wait()
        sensor.stop()
        attacks.close()


CRASH_RULE = """
- rule: Crash when this file is opened
  desc: a stand-in for content with a fault; only sallyport-crashable dies of it
  condition: evt.type in (open, openat) and fd.filename = sallyport-crash-me
  output: it did not crash (file=%fd.name)
  priority: ERROR
- rule: Shadow read
  desc: something that must still be seen
  condition: evt.type in (open, openat) and fd.name = /etc/shadow
  output: shadow read (pid=%proc.pid file=%fd.name)
  priority: WARNING
"""


@test
def a_rule_that_kills_the_worker_on_one_event_dies_once(c):
    c.need_kernel()
    attacks = Attacks(c.build)
    rules = os.path.join(attacks.dir, "crash.yaml")
    open(rules, "w").write(CRASH_RULE)
    os.chmod(attacks.dir, 0o755)
    victim = os.path.join(attacks.dir, "sallyport-crash-me")
    open(victim, "w").write("x")
    sensor = c.sensor("--duration", "60", rules=[rules], binary=c.crashable)
    try:
        attacks.run(["/bin/cat", victim])
        expect(sensor.wait_err(r"worker .*died", 5), "the worker did not die: " + sensor.stderr())
        time.sleep(0.5)
        pid = attacks.shadow_direct()
        expect(sensor.wait_alert(lambda a: fields(a).get("proc.pid") == pid, 0, 3), "blind after the crash: " + sensor.stderr())
        time.sleep(1.5)
        deaths = len(re.findall(r"worker .*died", sensor.stderr()))
        expect(deaths == 1, f"the worker died {deaths} times of one event: {sensor.stderr()}")
        expect("Crash when this file is opened" in sensor.stderr(), "the culprit is not named: " + sensor.stderr())
    finally:
        sensor.stop()
        attacks.close()


@test
def content_for_a_field_this_sensor_lacks_is_refused_before_anything_runs(c):
    with tempfile.TemporaryDirectory() as d:
        schema = c.run("rules", "list", "schema").stdout
        expect("type ipc_pipe" in schema, "no schema is printed")
        newer = os.path.join(d, "newer.schema")
        open(newer, "w").write(schema.replace("field ipc.chain string always\n", "field ipc.chain string always\nfield ipc.extra string maybe\n"))
        rules = os.path.join(d, "r.yaml")
        open(rules, "w").write("- rule: Reads one field more\n  desc: d\n  condition: evt.type = ipc_pipe and ipc.extra = x\n"
                               "  output: o %proc.name\n  priority: ERROR\n")
        content = os.path.join(d, "r.o")
        r = c.run("rules", "compile", "--schema", newer, rules, "-o", content)
        expect(r.returncode == 0, f"it does not compile: {r.stderr}")
        r = c.run("verify", content)
        expect(r.returncode == 1, f"verify accepts it: {r.stdout}{r.stderr}")
        said = r.stdout + r.stderr
        for part in ("Reads one field more", "ipc.extra", "22", "21"):
            expect(part in said, f"'{part}' is not in the diagnostic: {said}")
        expect(len(re.findall(r"\b[0-9a-f]{12,64}\b", said)) >= 2, f"it does not show both digests: {said}")
        r = c.run("rules", "compile", rules, "-o", content + "2")
        expect(r.returncode == 1 and "ipc.extra" in r.stderr and "^" in r.stderr, f"the author is not told: {r.stderr}")
        if not c.no_kernel:
            r = c.run("run", "--duration", "5", "--rules", content)
            expect(r.returncode == 1 and "ipc.extra" in r.stderr, f"the sensor takes it: {r.returncode} {r.stderr}")


@test
def without_bpf_run_and_doctor_say_what_is_missing(c):
    attacks = Attacks(c.build)
    try:
        for args in (["run", "--rules", "rules", "--duration", "1"], ["doctor"]):
            ways = [[attacks.tool("nobpf")]] + ([["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]]
                                                if os.geteuid() == 0 else [[]])
            for way in ways:
                r = subprocess.run(way + [c.binary, *args], capture_output=True, text=True, cwd=ROOT, timeout=30)
                said = r.stdout + r.stderr
                expect(r.returncode == 3, f"{way} {args}: exit code {r.returncode}: {said}")
                expect("bpf" in said.lower() or "root" in said.lower(), f"{way} {args}: it does not say what is missing: {said}")
                expect(re.search(r"sudo|as root|CAP_|grant|allow", said), f"{way} {args}: it does not say what to do: {said}")
    finally:
        attacks.close()


@test
def a_stalled_stdout_does_not_stall_the_sensor(c):
    c.need_kernel()
    attacks = Attacks(c.build)
    r, w = os.pipe()
    with tempfile.TemporaryFile() as err:
        config = os.path.join(attacks.dir, "c.yaml")
        with open(config, "w") as f:
            f.write(unthrottled())
        p = subprocess.Popen([c.binary, "run", "--json", "--config", config, "--rules", "rules", "--duration", "60"], stdout=w, stderr=err, cwd=ROOT)
        os.close(w)
        try:
            time.sleep(3)
            for _ in range(3):
                subprocess.run(["/bin/sh", "-c", "i=0; while [ $i -lt 700 ]; do cat /etc/shadow; i=$((i+1)); done"],
                               stdout=subprocess.DEVNULL)
            time.sleep(1)
            p.send_signal(signal.SIGINT)
            p.wait(20)
            err.seek(0)
            text = err.read().decode(errors="replace")
            stats = {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", re.search(r"stopped (.*)", text).group(1))}
            expect(stats["lost"] == 0, f"events were lost: {stats}")
            expect(stats["alerts"] >= 2000, f"it stopped judging: {stats}")
            expect(stats["dropped_alerts"] > 0, f"what was not written is not counted: {stats}")
        finally:
            if p.poll() is None:
                p.kill()
                p.wait()
            os.close(r)
            attacks.close()


def many_rules(path, n, last):
    """n rules about opens that do not match, and one that matches every open below a directory."""
    with open(path, "w") as f:
        for i in range(n):
            f.write(f"- rule: Never {i}\n  desc: d\n  condition: evt.type in (open, openat) and (fd.name glob /no/such/{i}*/x?y or "
                    f"proc.cmdline contains no-such-word-{i} or proc.aname in (nobody{i}, none{i})) and not fd.name startswith /no/{i}\n"
                    "  output: never %fd.name\n  priority: WARNING\n")
        f.write(last)


@test
def reloading_under_load_loses_no_event_and_hardly_stops_judging(c):
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        alerts = os.path.join(d, "alerts.json")
        rules, config = os.path.join(d, "r.yaml"), os.path.join(d, "c.yaml")
        # Whatever opens a file anywhere makes an alert: so the numbers of alerts are those of events.
        many_rules(rules, 150, "- rule: Any\n  desc: d\n  condition: evt.type in (open, openat, openat2, creat, open_by_handle_at)\n  output: any %evt.num\n"
                   "  priority: WARNING\n")
        with open(config, "w") as f:
            f.write(unthrottled(f"outputs: {{stdout: {{enabled: false}}, file: {{path: {alerts}, max_mib: 4096}}}}\n"))
        bait = os.path.join(d, "bait")
        os.mknod(bait)
        sensor = c.sensor("--config", config, rules=[rules])
        load = subprocess.Popen([sys.executable, "-c", f"""
import os, time
while True:
    for _ in range(20):
        os.close(os.open({bait!r}, os.O_RDONLY))
    time.sleep(0.01)
"""])
        reloads = 12
        try:
            time.sleep(0.5)
            worker = sensor.worker()
            for i in range(reloads):
                sensor.process.send_signal(signal.SIGHUP)
                expect(sensor.wait_err(r"(?s)(rules reloaded.*){%d}" % (i + 1), 20), "no reload: " + sensor.stderr())
            time.sleep(0.3)
            load.kill()
            load.wait()
            stats = sensor.stop()
            expect(sensor.worker() is None and "died" not in sensor.stderr() and worker, sensor.stderr())
            numbers = [a["output_fields"]["evt.num"] for a in map(json.loads, open(alerts))]
            expect(stats["lost"] == 0 and stats["dropped_alerts"] == 0 and stats["produced"] == stats["consumed"], f"{stats}")
            expect(len(numbers) == stats["events"] > 500, f"{len(numbers)} alerts of {stats}")
            expect(numbers == list(range(1, len(numbers) + 1)), "event numbers have a gap, or start again")
            stood = [float(m) for m in re.findall(r"stood_still_ms=([\d.]+)", sensor.stderr())]
            judged = [float(m) for m in re.findall(r"judged_ms=([\d.]+)", sensor.stderr())]
            print(f"# {reloads} reloads of 151 rules: judging stood still for at most {max(stood):.3f} ms; new rules were judged in "
                  f"{min(judged):.0f} to {max(judged):.0f} ms beside {len(numbers)} events", flush=True)
            expect(len(stood) == reloads and max(stood) <= 10, f"judging stood still for {stood} ms")
        finally:
            load.kill()
            load.wait()
            sensor.stop()


@test
def who_floods_the_rings_loses_his_own_records_and_nobody_elses(c):
    c.need_kernel()
    groups = Groups("attacker", "victim")
    if not groups.made:
        raise Skip("no control groups can be made here")
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        shutil.copy("/bin/true", os.path.join(d, "victim"))
        rules = os.path.join(d, "r.yaml")
        with open(rules, "w") as f:
            f.write("- rule: Victim\n  desc: d\n  condition: evt.type in (execve, execveat) and evt.rawres >= 0 and proc.name = victim\n"
                    "  output: \"%proc.pid\"\n  priority: WARNING\n")
        sensor = c.sensor("--duration", "120", rules=[rules])
        attacker = None
        try:
            worker = sensor.worker()
            os.kill(worker, signal.SIGSTOP)  # the slowest reader that there can be
            attacker = subprocess.Popen([os.path.join(ROOT, c.build, "tests", "e2e", "e2e-load"), "200", "0", "3"],
                                        preexec_fn=lambda: groups.enter("attacker"))
            time.sleep(1.5)
            pids = []
            for _ in range(20):
                p = subprocess.Popen([os.path.join(d, "victim")], preexec_fn=lambda: groups.enter("victim"))
                p.wait()
                pids.append(p.pid)
            os.kill(worker, signal.SIGCONT)
            attacker.wait()
            stats = sensor.stop()
            seen = [fields(a)["proc.pid"] for a in sensor.alerts if a["rule"] == "Victim"]
            expect(seen == pids, f"{len(seen)} of {len(pids)} seen: {stats}")
            expect(stats["lost_quota"] > 0, f"nothing was lost, so nothing is shown: {stats}")
            expect(stats["lost"] == stats["produced"] - stats["consumed"], f"the counts do not agree: {stats}")
            expect(re.search(r"control group '[^']*attacker' fills the reserved ring: lost=\d+", sensor.stderr()),
                   "nobody says whose records were lost: " + sensor.stderr())
        finally:
            if attacker:
                attacker.kill()
                attacker.wait()
            sensor.stop()
            groups.close()


@test
def after_loss_processes_that_were_missed_come_back_into_the_table(c):
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        rules = os.path.join(d, "r.yaml")
        with open(rules, "w") as f:
            f.write(f"- rule: Bait\n  desc: d\n  condition: evt.type in (open, openat) and fd.name = {d}/bait\n"
                    "  output: by %proc.pid %proc.exepath %proc.pname\n  priority: WARNING\n")
        config = os.path.join(d, "c.yaml")
        with open(config, "w") as f:
            f.write("ring: {reserved_kib: 128}\n")
        os.mknod(os.path.join(d, "bait"))
        sensor = c.sensor("--config", config, rules=[rules])
        missed = None
        try:
            worker = sensor.worker()
            os.kill(worker, signal.SIGSTOP)
            for _ in range(300):  # its reserved ring overflows
                subprocess.run(["/bin/true"])
            # ... so nobody is told of this one
            missed = subprocess.Popen(["/bin/sh", "-c", f"read x; : < {d}/bait; read x"], stdin=subprocess.PIPE)
            time.sleep(0.1)
            os.kill(worker, signal.SIGCONT)
            m = sensor.wait_err(r"looked at again after loss found=(\d+) ended_unseen=(\d+)", 25)
            expect(m, "no second look: " + sensor.stderr())
            since = sensor.mark()
            missed.stdin.write(b"go\n")
            missed.stdin.flush()
            a = sensor.wait_alert(lambda a: a["rule"] == "Bait", since, 5)
            expect(a, "no alert: " + sensor.stderr())
            shell = os.path.realpath("/bin/sh")
            expect(fields(a)["proc.exepath"] == shell and (fields(a)["proc.pname"] or "").startswith("python"), f"{a}")
            stats = sensor.stop()
            expect(stats["lost"] > 0, f"nothing was lost, so nothing is shown: {stats}")
        finally:
            if missed:
                missed.kill()
                missed.wait()
                missed.stdin.close()
            sensor.stop()


@test
def drill_shows_every_rule_alerting(c):
    c.need_kernel()
    r = c.run("drill")
    expect(r.returncode == 0, f"exit code {r.returncode}: {r.stdout}{r.stderr}")


if __name__ == "__main__":
    context = Context(sys.argv[1] if len(sys.argv) > 1 else "build/release")
    sys.exit(tap.main(context, sys.argv[2] if len(sys.argv) > 2 else None))
