#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""record and replay as commands: exit codes, the same bytes every time, the same alerts as live. usage: test_replay.py BINARY [TEST]"""
import atexit
import gzip
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import tap
from tap import Skip, expect, test

RULES = """- rule: Open
  desc: d
  condition: evt.type in (open, openat, openat2, creat) and fd.name startswith /etc/
  output: "%evt.num %proc.name (%proc.pid, %proc.pname) opened %fd.name %evt.arg.flags %user.name"
  priority: NOTICE
- rule: Exec
  desc: d
  condition: evt.type = execve
  output: "%evt.num %proc.cmdline in %proc.cwd by %proc.aname %proc.exepath"
  priority: NOTICE
"""
BOOT = 10**12


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    n = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + n + body + n


def event(ts, tid, kind, *params):
    lens = b"".join(struct.pack("<H", len(p)) for p in params)
    data = b"".join(params)
    return block(0x216, struct.pack("<HQQIHI", 0, ts, tid, 26 + len(lens) + len(data), kind, len(params)) + lens + data)


def opening(ts, path):
    return event(ts, 7, 3, struct.pack("<q", 3), path.encode() + b"\0", struct.pack("<I", 1), struct.pack("<I", 0))


def scap(n):
    """n opens of files in /etc by one process, one a second."""
    out = block(0x0A0D0D0A, struct.pack("<IHHQ", 0x1A2B3C4D, 1, 2, 2**64 - 1))
    out += block(0x201, struct.pack("<IQQ", 1, 1, 1) + b"mars".ljust(128, b"\0") + struct.pack("<QQQQ", BOOT, 0, 0, 0))
    return out + b"".join(opening(1700000000 * 10**9 + i * 10**9, f"/etc/f{i}") for i in range(n))


class Context:
    def __init__(self, binary):
        self.binary = binary
        self.dir = tempfile.mkdtemp(prefix="sallyport-replay-")
        atexit.register(shutil.rmtree, self.dir, True)
        self.rules = self.file("rules.yaml", RULES)

    def path(self, name):
        return os.path.join(self.dir, name)

    def file(self, name, text):
        with open(self.path(name), "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return self.path(name)

    def run(self, *args, code=0, **kw):
        r = subprocess.run([self.binary, *args], capture_output=True, text=True, errors="replace", timeout=60, cwd=self.dir, **kw)
        expect(r.returncode == code, f"{args}: exit code {r.returncode}, not {code}: {r.stdout}{r.stderr}")
        expect("AddressSanitizer" not in r.stderr and "runtime error" not in r.stderr, r.stderr)
        return r


@test
def alerts_have_the_times_of_the_capture_and_the_same_bytes_every_time(c):
    path = c.file("a.scap", scap(3))
    first = c.run("replay", path, "--rules", c.rules)
    expect(first.stdout.splitlines()[1].endswith("Notice 2 <NA> (7, <NA>) opened /etc/f1 O_RDONLY <NA>"), first.stdout)
    expect(re.match(r"22:13:21\.000000000: ", first.stdout.splitlines()[1]), first.stdout)
    again = c.run("replay", "--rules", c.rules, path)
    expect(again.stdout == first.stdout and again.stderr == first.stderr, again.stdout + again.stderr)
    packed = c.run("replay", c.file("a.gz", gzip.compress(scap(3))), "--rules", c.rules)
    expect(packed.stdout == first.stdout, packed.stdout)
    with open(path, "rb") as f:
        piped = c.run("replay", "-", "--rules", c.rules, stdin=f)
    expect(piped.stdout == first.stdout, piped.stdout)


@test
def json_has_the_host_of_the_capture(c):
    r = c.run("replay", c.file("j.scap", scap(1)), "--rules", c.rules, "--json")
    alert = json.loads(r.stdout)
    expect(alert["hostname"] == "mars" and alert["time"].startswith("2023-11-14T22:13:20"), r.stdout)
    expect(alert["output_fields"]["fd.name"] == "/etc/f0", r.stdout)


@test
def the_summary_counts_what_was_read(c):
    r = c.run("replay", c.file("s.scap", scap(4)), "--rules", c.rules)
    expect(r.stderr == "sallyport: replayed events=4 alerts=4 records=4 malformed=0 fork=0 exec=0 exit=0 task=0 memfd=0 "
           "open=4 connect=0 fds=0 chdir=0 scap_events=4 scap_merged=0 scap_skipped=0\n", r.stderr)


@test
def a_capture_that_is_cut_is_replayed_up_to_there(c):
    whole = scap(3)
    r = c.run("replay", c.file("cut.scap", whole[:-5]), "--rules", c.rules, code=1)
    expect(len(r.stdout.splitlines()) == 2, r.stdout)
    expect(re.search(r"cut\.scap:\+0x[0-9a-f]+: error\[P003\]: the file ends here", r.stderr), r.stderr)
    expect("replayed events=2" in r.stderr, r.stderr)


@test
def wrong_input_is_refused_with_the_right_exit_code(c):
    c.run("replay", code=2)
    c.run("replay", "a", "b", code=2)
    c.run("replay", "--rules", c.rules, "--what", "x", code=2)
    expect("cannot open" in c.run("replay", c.path("none"), "--rules", c.rules, code=1).stderr, "a missing file")
    expect("P002" in c.run("replay", c.rules, "--rules", c.rules, code=1).stderr, "not a capture")
    bad = c.file("bad.yaml", "- rule: R\n  desc: d\n  condition: evt.nope = 1\n  output: x\n  priority: NOTICE\n")
    expect("bad.yaml:3" in c.run("replay", c.file("b.scap", scap(1)), "--rules", bad, code=1).stderr, "bad rules")
    c.run("record", code=2)
    c.run("record", "-o", "x", "--duration", "0", code=2)


@test
def an_output_that_is_full_is_an_error(c):
    if not os.path.exists("/dev/full"):
        raise Skip("there is no /dev/full here")
    with open("/dev/full", "w") as full:
        r = subprocess.run([c.binary, "replay", c.file("o.scap", scap(3)), "--rules", c.rules], stdout=full, stderr=subprocess.PIPE,
                           text=True, timeout=60)
    expect(r.returncode == 3 and "standard output cannot be written" in r.stderr, f"{r.returncode} {r.stderr}")


def need_root(c):
    if os.geteuid():
        raise Skip("watching a host needs root")
    probe = subprocess.run([c.binary, "record", "-o", c.path("probe"), "--duration", "1"], capture_output=True, text=True, timeout=60)
    if probe.returncode == 3:
        raise Skip(f"this host does not let programs be loaded: {probe.stderr.splitlines()[0]}")
    expect(probe.returncode == 0, probe.stderr)


@test
def a_recording_replays_to_the_same_alerts_as_live(c):
    need_root(c)
    path = c.path("live.cap")
    with subprocess.Popen([c.binary, "record", "-o", path, "--rules", c.rules, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, cwd=c.dir) as p:
        while "watching" not in (line := p.stderr.readline()):
            expect(line, "the sensor did not start")
        for _ in range(5):
            subprocess.run(["/bin/cat", "/etc/passwd"], stdout=subprocess.DEVNULL, check=True)
        time.sleep(0.5)
        p.terminate()
        live, err = p.communicate(timeout=60)
    expect(p.returncode == 0 and re.search(r"^sallyport: recorded records=\d+ bytes=\d+$", err, re.M), err)
    expect(os.stat(path).st_mode & 0o777 == 0o600, "only root may read a capture")
    own = [line for line in live.splitlines() if "/etc/passwd" in line and '"proc.name":"cat"' in line]
    expect(len(own) >= 5, live)
    replayed = c.run("replay", path, "--rules", c.rules, "--json")
    expect("lost=0 " in err and replayed.stdout == live, f"live {len(live.splitlines())} lines, replayed {len(replayed.stdout.splitlines())}")
    expect(c.run("replay", path, "--rules", c.rules, "--json").stdout == live, "a second time")


@test
def a_recording_without_rules_has_everything(c):
    need_root(c)
    path = c.path("quiet.cap")
    with subprocess.Popen([c.binary, "record", "-o", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        while "watching" not in (line := p.stderr.readline()):
            expect(line, "the sensor did not start")
        subprocess.run(["/bin/cat", "/etc/passwd"], stdout=subprocess.DEVNULL, check=True)
        time.sleep(0.5)
        p.terminate()
        out, err = p.communicate(timeout=60)
    expect(p.returncode == 0 and not out, out + err)
    r = c.run("replay", path, "--rules", c.rules)
    expect("opened /etc/passwd" in r.stdout and "cat /etc/passwd in" in r.stdout, r.stdout)


@test
def a_capture_that_cannot_be_written_ends_the_recording(c):
    need_root(c)
    expect("not a regular file" in c.run("record", "-o", "/dev/null", code=1).stderr, "a device")
    os.symlink(c.path("target"), c.path("link"))
    c.run("record", "-o", c.path("link"), code=1)


if __name__ == "__main__":
    sys.exit(tap.main(Context(os.path.abspath(sys.argv[1])), sys.argv[2] if len(sys.argv) > 2 else None))
