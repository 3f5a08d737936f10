#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Alerts out of the host: against a real rsyslog, and against receivers that are slow, broken or not there.

usage: test_courier.py BINARY [TEST]. Needs root and a kernel that grants what the sensor asks for; skips elsewhere.
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
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
import tap
from receivers import HttpReceiver, Rsyslog, TcpSyslog, free_port, wait_for
from sensor import Sensor, why_no_kernel, unthrottled
from tap import Skip, expect, test

RULE = """- rule: Bait
  desc: d
  condition: evt.type in (open, openat) and fd.name startswith {dir}/bait
  output: open {text}
  priority: WARNING
"""


class Run:
    """A sensor with a configuration and one rule, and what it said about its outputs at the end."""

    def __init__(self, c, config, text="%fd.name", rules=None):
        self.c = c
        path = c.file("config.yaml", unthrottled(config))
        rule = c.file("rules.yaml", rules or RULE.format(dir=c.dir, text=text))
        self.sensor = Sensor(c.binary, "--config", path, rules=[rule])
        self.pid = self.sensor.process.pid
        expect(self.sensor.wait_ready(), "not ready: " + self.sensor.stderr())

    def child(self, comm):
        out = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(self.pid)], capture_output=True, text=True).stdout
        pids = [int(line.split()[0]) for line in out.splitlines() if comm in line]
        return pids[0] if pids else None

    def courier(self):
        return self.child("sallyport-cou")

    def alerts(self):
        with self.sensor.lock:
            return [{k: v for k, v in a.items() if k != "_arrived"} for a in self.sensor.alerts if a["rule"] == "Bait"]

    def stop(self):
        """Statistics of the run, and of each output; the sums must be right whatever happened."""
        stats = self.sensor.stop()
        said = self.sensor.stderr()
        outputs = {m.group(1): {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", m.group(2))}
                   for m in re.finditer(r"sallyport: output (\w+) (.*)", said)}
        expect(stats and outputs, said)
        expect(stats["lost"] == 0, f"the ring stalled: {stats}")
        expect(stats["produced"] == stats["consumed"], f"{stats}")
        for name, o in outputs.items():
            expect(o["sent"] == o["delivered"] + o["lost"], f"{name}: {o}")
            expect(o["sent"] >= stats["alerts"], f"{name}: {o} of {stats}")
        summary = [json.loads(line) for line in said.splitlines() if line.startswith('{"alerts"')]
        expect(len(summary) == 1 and summary[0]["outputs"] == outputs, f"{summary} is not {outputs}")
        return stats, outputs


class Context:
    def __init__(self, binary):
        self.binary = binary
        self.dir = tempfile.mkdtemp(prefix="sallyport-courier-")
        os.chmod(self.dir, 0o755)
        atexit.register(shutil.rmtree, self.dir, True)
        self.no_kernel = why_no_kernel(binary)

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def run(self, config, **kw):
        if self.no_kernel:
            raise Skip(self.no_kernel)
        return Run(self, config, **kw)

    def rsyslog(self):
        if self.no_kernel:
            raise Skip(self.no_kernel)
        if not Rsyslog.binary():
            raise Skip("rsyslog is not installed")
        return Rsyslog()

    def touch(self, times=1, name="bait"):
        path = os.path.join(self.dir, name)
        if not os.path.exists(path):
            os.mknod(path)  # not an event, as opening it would be
        for _ in range(times):
            os.close(os.open(path, os.O_RDONLY))


def syslog(transport, receiver, more=""):
    where = f"path: {receiver.socket}" if transport == "unix" else f"host: 127.0.0.1, port: {receiver.port}"
    return f"outputs: {{syslog: {{transport: {transport}, {where}{more}}}}}\n"


def http(receiver, more="", url=None):
    return f"outputs: {{http: {{url: '{url or receiver.url()}'{more}}}}}\n"


def status_of(pid):
    return dict(re.findall(r"(\w+):[ \t]*(.*)", open(f"/proc/{pid}/status").read()))


def expect_walls(pid, uid):
    """Of every thread."""
    for task in os.listdir(f"/proc/{pid}/task"):
        value = status_of(f"{pid}/task/{task}")
        for cap in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"):
            expect(int(value[cap], 16) == 0, f"{cap} {value[cap]} of thread {task}")
        expect(value["Seccomp"] == "2" and value["NoNewPrivs"] == "1", f"Seccomp {value['Seccomp']}, NoNewPrivs {value['NoNewPrivs']}")
        expect(set(value["Uid"].split()) == {uid} and set(value["Gid"].split()) == {uid}, f"Uid {value['Uid']} Gid {value['Gid']}")
        expect(value["Groups"].strip() == "", f"Groups {value['Groups']}")


@test
def the_courier_and_every_thread_of_it_and_of_the_worker_are_confined(c):
    for uid, more in (("65534", ""), ("54321", "courier: {uid: 54321}\n")):
        h = HttpReceiver()
        r = c.run(http(h) + more)
        try:
            c.touch(1)
            expect(wait_for(lambda: h.alerts()), "nothing was delivered: " + r.sensor.stderr())
            expect_walls(r.courier(), uid)
            expect_walls(r.child("sallyport-wrk"), "65534")
            expect(len(os.listdir(f"/proc/{r.courier()}/task")) == 3 and len(os.listdir(f"/proc/{r.child('sallyport-wrk')}/task")) == 2,
                   "other threads than the resolvers and the loader")
            for who, has in ((r.courier(), True), (r.child("sallyport-wrk"), False), (r.pid, False)):
                maps = open(f"/proc/{who}/maps").read()
                expect(("libcurl" in maps) == has, f"libcurl in process {who}: {not has}")
        finally:
            r.stop()
            h.close()


@test
def a_real_rsyslog_gets_every_alert_whole_over_each_transport(c):
    for transport in ("unix", "udp", "tcp"):
        rs = c.rsyslog().start()
        r = c.run(syslog(transport, rs, ", facility: local3, appname: guard, hostname: h.example"))
        try:
            c.touch(50)
            expect(wait_for(lambda: len(rs.alerts()) >= 50), f"{transport}: {len(rs.alerts())} came: " + r.sensor.stderr())
            stats, out = r.stop()
            messages = rs.messages()
            expect(out["syslog"]["delivered"] == len(messages) == stats["alerts"] and not out["syslog"]["lost"], f"{transport}: {out}")
            expect(rs.alerts() == r.alerts(), f"{transport}: what came is not what stdout got")
            for m in messages:
                expect((m["priority"], m["facility"], m["appname"], m["hostname"], m["msgid"], m["sd"], m["version"], m["procid"]) ==
                       ("4", "local3", "guard", "h.example", "alert", "-", "1", str(r.pid)), f"{transport}: {m}")
                expect(json.loads(m["msg"])["time"][:23] == m["time"][:23] or transport == "unix", f"{transport}: {m['time']} {m['msg']}")
        finally:
            r.sensor.stop()
            rs.close()


@test
def utf8_is_announced_and_hostile_names_stay_inside_one_message(c):
    for form in ("json", "text"):
        rs = c.rsyslog().start()
        t = TcpSyslog()
        r = c.run(syslog("tcp", t, f", format: {form}"))
        try:
            c.touch(1, "bait-plain")
            c.touch(1, "bait-é")
            c.touch(1, "bait\n<0>1 - forged\r\x1b[31m\x7f")
            expect(wait_for(lambda: len(t.messages) >= 3), f"{form}: {t.messages}")
            _, out = r.stop()
            expect(out["syslog"]["delivered"] == 3 and len(t.messages) == 3, f"{form}: {out} {t.messages}")
            bom = b"\xef\xbb\xbf"
            plain, accent, forged = t.messages
            expect(bom not in plain and accent.count(bom) == 1 and " - ".encode() + bom in accent, f"{form}: {t.messages}")
            expect("é".encode() in accent, f"{form}: {accent}")
            for m in t.messages:
                expect(not any(b < 0x20 or b == 0x7f for b in m), f"{form}: control characters in {m}")
            expect(b"forged" in forged, f"{form}: {forged}")
            expect(re.match(rb"<12>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z [!-~]+ sallyport \d+ alert - ", plain), f"{form}: {plain}")
        finally:
            r.sensor.stop()
            t.close()
            rs.close()


@test
def long_messages_are_cut_at_a_character_and_counted(c):
    t = TcpSyslog()
    r = c.run(syslog("tcp", t, ", format: text, max_bytes: 600"), text="%fd.name " + "é" * 700)
    try:
        c.touch(5)
        expect(wait_for(lambda: len(t.messages) >= 5), f"{t.messages}")
        _, out = r.stop()
        expect(out["syslog"]["cut"] == 5 and out["syslog"]["delivered"] == 5, f"{out}")
        for m in t.messages:
            expect(598 <= len(m) <= 600, f"{len(m)} bytes")
            m.decode()  # not inside a character
    finally:
        r.sensor.stop()
        t.close()


@test
def http_posts_each_alert_in_falcos_shape_over_one_connection(c):
    h = HttpReceiver()
    r = c.run(http(h, ", headers: ['Authorization: Bearer s3cret-t0ken', 'X-Team: blue']", f"http://localhost:{h.port}/in?x=1"))
    try:
        c.touch(100)
        expect(wait_for(lambda: len(h.alerts()) >= 100), f"{len(h.alerts())} came: " + r.sensor.stderr())
        for pid in (r.pid, r.courier(), r.child("sallyport-wrk")):
            expect(b"s3cret" not in open(f"/proc/{pid}/cmdline", "rb").read(), "a secret in an argv")
            expect(b"s3cret" not in open(f"/proc/{pid}/environ", "rb").read(), "a secret in an environment")
        _, out = r.stop()
        expect(out["http"]["delivered"] == 100 and h.alerts() == r.alerts(), f"{out}")
        expect(h.connections == 1, f"{h.connections} connections")
        path, headers, _ = h.requests[0]
        expect(path == "/in?x=1" and headers["Content-Type"] == "application/json" and headers["Authorization"] == "Bearer s3cret-t0ken"
               and headers["X-Team"] == "blue" and "Expect" not in headers, f"{path} {headers}")
        expect(sorted(h.alerts()[0]) == ["hostname", "output", "output_fields", "priority", "rule", "source", "tags", "time"], h.alerts()[0])
        expect("s3cret" not in r.sensor.stderr(), "a secret in the log")
    finally:
        r.sensor.stop()
        h.close()


@test
def a_batch_is_an_array_of_at_most_so_many(c):
    h = HttpReceiver(lambda n, headers, body: ("sleep", 0.1))
    r = c.run(http(h, ", batch: 7"))
    try:
        c.touch(50)
        expect(wait_for(lambda: sum(len(a) for a in h.alerts()) >= 50), f"{h.alerts()}")
        _, out = r.stop()
        arrays = h.alerts()
        expect(all(isinstance(a, list) and 1 <= len(a) <= 7 for a in arrays) and max(map(len, arrays)) == 7, [len(a) for a in arrays])
        expect([a for array in arrays for a in array] == r.alerts() and out["http"]["delivered"] == 50, f"{out}")
    finally:
        r.sensor.stop()
        h.close()


@test
def tls_holds_the_receiver_to_the_authority_that_was_named(c):
    for n in ("good", "other"):
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                               "subjectAltName=DNS:localhost", "-keyout", f"{c.dir}/{n}.key", "-out", f"{c.dir}/{n}.pem"], capture_output=True)
        if made.returncode:
            raise Skip("openssl cannot make a certificate")
    os.chmod(f"{c.dir}/good.pem", 0o600)  # the courier could not read it: it is handed over
    for ca, works in (("good", True), ("other", False)):
        h = HttpReceiver(tls=(f"{c.dir}/good.pem", f"{c.dir}/good.key"))
        r = c.run(http(h, f", ca_file: {c.dir}/{ca}.pem", f"https://localhost:{h.port}/"))
        try:
            c.touch(3)
            if works:
                expect(wait_for(lambda: len(h.alerts()) == 3), r.sensor.stderr())
            else:
                expect(r.sensor.wait_err("http output fails.*certificate", 5), r.sensor.stderr())
            _, out = r.stop()
            expect((out["http"]["delivered"], out["http"]["lost"], len(h.requests)) == ((3, 0, 3) if works else (0, 3, 0)), f"{out} {h.requests}")
        finally:
            r.sensor.stop()
            h.close()


@test
def http_answers_decide_what_is_tried_again_and_what_is_lost(c):
    # alert 0: 500, 503, then 200; 1: 400; 2: 429, then 200; 3: reset, then 200; 4: hangs, then 200; 5: 301; then all is well
    plans = [[500, 503, 200], [400], [429, 204], ["reset", 200], ["hang", 200], [301], [200]]
    order = []

    def plan(n, headers, body):
        what = plans[0].pop(0)
        if not plans[0] and len(plans) > 1:
            plans.pop(0)
        elif not plans[0]:
            plans[0].append(200)
        order.append((body, what))
        return what

    h = HttpReceiver(plan)
    r = c.run(http(h, ", timeout_ms: 500"))
    try:
        c.touch(10)
        expect(wait_for(lambda: len(h.alerts()) >= 8, 20), f"{[w for _, w in order]}: " + r.sensor.stderr())
        _, out = r.stop()
        # libcurl itself tries again when a kept connection breaks
        expect(out["http"] == {"sent": 10, "delivered": 8, "lost": 2, "retried": 4, "cut": 0}, f"{out} {[w for _, w in order]}")
        want = r.alerts()
        expect(h.alerts() == [a for i, a in enumerate(want) if i not in (1, 5)], "not the right ones, or out of order")
        expect("status=400" in r.sensor.stderr(), r.sensor.stderr())
        expect("http output works again" in r.sensor.stderr(), r.sensor.stderr())
    finally:
        r.sensor.stop()
        h.close()


@test
def receivers_that_are_absent_at_first_get_everything_when_they_come(c):
    ports = {"http": free_port(), "tcp": free_port()}
    rs = c.rsyslog()
    for kind in ("http", "tcp", "unix", "udp"):
        receiver = None
        if kind == "http":
            config = http(None, "", f"http://127.0.0.1:{ports['http']}/")
        else:
            rs = rs if kind != "udp" else c.rsyslog()
            config = syslog(kind, rs)
        r = c.run(config)
        try:
            name = "http" if kind == "http" else "syslog"
            c.touch(20)
            expect(r.sensor.wait_err(f"{name} output fails", 5), f"{kind}: " + r.sensor.stderr())
            time.sleep(0.3)
            receiver = HttpReceiver(port=ports["http"]) if kind == "http" else rs.start()
            came = receiver.alerts
            least = 15 if kind == "udp" else 20  # a datagram that nobody was there for, one a try, is lost, and counted
            expect(wait_for(lambda: len(came()) >= least, 10), f"{kind}: {len(came())} came: " + r.sensor.stderr())
            c.touch(5)
            expect(wait_for(lambda: len(came()) >= least + 5, 10), f"{kind}: {len(came())} came: " + r.sensor.stderr())
            _, out = r.stop()
            expect(out[name]["delivered"] == len(came()) and out[name]["sent"] == 25 and out[name]["retried"] > 0, f"{kind}: {out}")
            expect(out[name]["lost"] == (out[name]["sent"] - len(came())), f"{kind}: {out}")
        finally:
            r.sensor.stop()
            if kind == "http" and receiver:
                receiver.close()
            elif kind != "http":
                rs.stop()
            if kind in ("unix", "udp"):
                rs.close()
            elif kind == "tcp":
                rs.close()
                rs = c.rsyslog()


@test
def a_tcp_receiver_that_resets_gets_no_torn_message_and_loses_nothing_that_it_had_not_taken(c):
    t = TcpSyslog("slow", pause=0.002)
    r = c.run(syslog("tcp", t))
    try:
        for _ in range(4):
            c.touch(100)
            time.sleep(0.1)
            t.reset()
        expect(wait_for(lambda: any(b"bait" in m for m in t.messages[-1:]) and len(t.messages) > 100, 10), f"{len(t.messages)}")
        t.mode = "read"
        c.touch(1, "bait-last")
        expect(wait_for(lambda: t.messages and b"bait-last" in t.messages[-1], 10), r.sensor.stderr())
        _, out = r.stop()
        expect(out["syslog"]["sent"] == out["syslog"]["delivered"] == 401 and out["syslog"]["retried"] > 0, f"{out}")
        for m in t.messages:
            json.loads(m[m.index(b"{"):])
    finally:
        r.sensor.stop()
        t.close()


@test
def receivers_that_never_answer_cost_their_own_alerts_and_nobody_elses(c):
    t = TcpSyslog("never")
    h = HttpReceiver(lambda n, headers, body: "hang")
    path = os.path.join(c.dir, "alerts.json")
    config = f"""outputs:
  stdout: {{enabled: false}}
  file: {{path: {path}}}
  syslog: {{transport: tcp, host: 127.0.0.1, port: {t.port}}}
  http: {{url: '{h.url()}', timeout_ms: 60000}}
"""
    r = c.run(config, text="%fd.name " + "x" * 2000)
    try:
        for _ in range(60):
            c.touch(200)
            time.sleep(0.02)
        time.sleep(0.5)
        stats = r.sensor.stop()
        said = r.sensor.stderr()
        rows = {m.group(1): {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", m.group(2))} for m in re.finditer(r"output (\w+) (.*)", said)}
        expect(stats["lost"] == 0 and stats["alerts"] == 12000, f"{stats} {said}")
        for name, o in rows.items():
            expect(o["sent"] == o["delivered"] + o["lost"] == 12000, f"{name}: {o}")
        expect(rows["file"]["lost"] == 0 and rows["http"]["delivered"] == 0 and rows["syslog"]["lost"] > 0, f"{rows}")
        expect(sum(1 for _ in open(path)) == 12000, "the file has not all of them")
        expect(stats["dropped_alerts"] == rows["http"]["lost"] + rows["syslog"]["lost"], f"{stats} {rows}")
    finally:
        r.sensor.stop()
        t.close()
        h.close()
        os.unlink(path)


@test
def a_courier_that_is_killed_comes_back_and_every_alert_is_accounted_for(c):
    h = HttpReceiver(lambda n, headers, body: ("sleep", 0.002))
    rs = c.rsyslog().start()
    r = c.run(f"outputs: {{http: {{url: '{h.url()}'}}, syslog: {{transport: unix, path: {rs.socket}}}}}\n")
    try:
        first = r.courier()
        for i in range(3):
            c.touch(300)
            killed = r.courier()
            os.kill(killed, signal.SIGKILL)
            expect(wait_for(lambda: r.courier() not in (None, killed), 3), "no new courier: " + r.sensor.stderr())
        c.touch(300)
        expect(r.courier() != first, "it was not killed")
        c.touch(1, "bait-last")
        expect(wait_for(lambda: any("bait-last" in a["output"] for a in h.alerts()), 10), r.sensor.stderr())
        expect(wait_for(lambda: any("bait-last" in a["output"] for a in rs.alerts()), 10), r.sensor.stderr())
        stats, out = r.stop()
        expect(stats["alerts"] == 1201, f"{stats}")
        # Killed between a delivery and its count: at most one message (a few datagrams) per kill is there uncounted.
        for name, came in (("http", len(h.alerts())), ("syslog", len(rs.messages()))):
            expect(out[name]["sent"] == 1201, f"{name}: {out}")
            expect(out[name]["delivered"] <= came <= out[name]["delivered"] + 3, f"{name}: {came} came, {out[name]}")
        expect(len(re.findall(r"courier died \(signal 9\); alerts lost with it=\d+", r.sensor.stderr())) == 3, r.sensor.stderr())
    finally:
        r.sensor.stop()
        h.close()
        rs.close()


@test
def a_courier_that_hangs_costs_alerts_and_is_killed_at_the_end(c):
    h = HttpReceiver()
    path = os.path.join(c.dir, "hang.json")
    r = c.run(f"outputs: {{stdout: {{enabled: false}}, file: {{path: {path}}}, http: {{url: '{h.url()}'}}}}\n", text="%fd.name " + "x" * 3000)
    try:
        os.kill(r.courier(), signal.SIGSTOP)
        for _ in range(10):
            c.touch(200)
            time.sleep(0.02)
        stats = r.sensor.stop()
        out = {m.group(1): {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", m.group(2))} for m in re.finditer(r"output (\w+) (.*)", r.sensor.stderr())}
        expect(stats["lost"] == 0, f"the ring stalled: {stats}")
        expect(out["http"]["delivered"] == 0 and out["http"]["lost"] == out["http"]["sent"] == 2000, f"{out}")
        expect(out["file"]["delivered"] == 2000 and sum(1 for _ in open(path)) == 2000, f"{out}")
        expect("killing the courier: it does not stop" in r.sensor.stderr(), r.sensor.stderr())
    finally:
        r.sensor.stop()
        h.close()


@test
def notes_of_the_supervisor_reach_receivers_too(c):
    h = HttpReceiver()
    r = c.run(http(h))
    try:
        os.kill(r.child("sallyport-wrk"), signal.SIGKILL)
        expect(wait_for(lambda: any(a["rule"] == "Sallyport internal: worker restarted" for a in h.alerts()), 5), r.sensor.stderr())
        c.touch(3)
        expect(wait_for(lambda: len(h.alerts()) == 4), h.alerts())
        stats, out = r.stop()
        expect(stats["alerts"] == 3 and out["http"]["delivered"] == 4 and out["stdout"]["delivered"] == 4, f"{out}")
    finally:
        r.sensor.stop()
        h.close()


@test
def an_alert_comes_within_a_second(c):
    h = HttpReceiver()
    r = c.run(http(h))
    try:
        start = time.monotonic()
        c.touch(1)
        expect(wait_for(lambda: h.alerts(), 3), "it did not come")
        expect(time.monotonic() - start < 1, f"it took {time.monotonic() - start:.2f} s")
    finally:
        r.stop()
        h.close()


NAMES = """- rule: Named
  desc: d
  condition: evt.type = connect and {field} in ({names})
  output: to %fd.sip.name
  priority: WARNING
"""


@test
def names_that_rules_use_are_looked_up_by_the_courier_and_only_those(c):
    looked_up = r"domain names that rules use were looked up names=(\d+) addresses=(\d+)"
    r = c.run("courier: {resolve_s: 1}\n", rules=NAMES.format(field="fd.sip.name", names="localhost, no-such-name.invalid, '*.glob', 10.0.0.1"))
    try:
        m = r.sensor.wait_err(looked_up, 10)
        expect(m and int(m.group(1)) == 2 and 1 <= int(m.group(2)) <= 2, f"{m and m.group(0)}: " + r.sensor.stderr())
        expect_walls(r.courier(), "65534")
        os.kill(r.courier(), signal.SIGKILL)
        expect(wait_for(lambda: r.courier(), 3), "no new courier: " + r.sensor.stderr())
        # Rules without names: nothing is looked up any more, and no address has a name.
        c.file("rules.yaml", RULE.format(dir=c.dir, text="x"))
        r.sensor.process.send_signal(signal.SIGHUP)
        expect(r.sensor.wait_err(r"looked up names=0 addresses=0", 10), r.sensor.stderr())
        c.file("rules.yaml", NAMES.format(field="fd.rip.name", names="localhost"))
        r.sensor.process.send_signal(signal.SIGHUP)
        expect(r.sensor.wait_err(r"(?s)names=0 addresses=0.*looked up names=1 addresses=[12]", 10), r.sensor.stderr())
        # A new worker begins with what is known.
        os.kill(r.child("sallyport-wrk"), signal.SIGKILL)
        expect(r.sensor.wait_err(r"(?s)worker died.*looked up names=1 addresses=[12]", 10), r.sensor.stderr())
    finally:
        r.sensor.stop()
    r = c.run("courier: {resolve: false}\n", rules=NAMES.format(field="fd.sip.name", names="localhost"))
    try:
        time.sleep(1)
        expect(r.courier() is None and "looked up" not in r.sensor.stderr(), "there is a courier: " + r.sensor.stderr())
    finally:
        r.sensor.stop()


@test
def a_replay_takes_names_from_a_file_and_refuses_a_bad_one_at_its_place(c):
    rules = c.file("rules.yaml", NAMES.format(field="fd.sip.name", names="a.example"))
    capture = c.file("capture", "")
    for text, says in (("192.0.2.1 a.example\n::1 b!d\n", r"hosts:2:5: error\[N003\]"), ("a.example 192.0.2.1\n", r"hosts:1:1: error\[N001\]")):
        hosts = c.file("hosts", text)
        p = subprocess.run([c.binary, "replay", capture, "--rules", rules, "--hosts", hosts], capture_output=True, text=True)
        expect(p.returncode == 1 and re.search(says, p.stderr), f"{p.returncode} {p.stderr}")
    p = subprocess.run([c.binary, "replay", capture, "--rules", rules, "--hosts", c.dir + "/none"], capture_output=True, text=True)
    expect(p.returncode == 1 and "cannot open" in p.stderr, f"{p.returncode} {p.stderr}")


if __name__ == "__main__":
    context = Context(os.path.abspath(sys.argv[1]))
    sys.exit(tap.main(context, sys.argv[2] if len(sys.argv) > 2 else None))
