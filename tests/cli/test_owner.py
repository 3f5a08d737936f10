#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The owner's commands against an agent that is played here, one that lies included; alerts from files, hostile lines
included; the support bundle. usage: test_owner.py BINARY [TEST]

Runs without root. A real agent is asked in tests/agent/test_owner_live.py.
"""
import atexit
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import tap
from tap import Skip, expect, test

MAGIC = 0x51535053
STATUS, EXPLAIN, MUTE, UNMUTE, MUTES, SAFE_ON, SAFE_OFF = range(1, 8)


def reply(text, code=0, magic=MAGIC, claim=None):
    text = text if isinstance(text, bytes) else text.encode()
    first = struct.pack("<IIQ", magic, code, len(text) if claim is None else claim) + text[:16384 - 16]
    return [first] + [text[i:i + 16384] for i in range(16384 - 16, len(text), 16384)]


class Agent:
    """Listens as the steward does, takes one request of each client and answers with the messages given."""

    def __init__(self, path, messages):
        self.path, self.messages, self.requests = path, messages, []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        self.listener.listen(8)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                try:
                    self.requests.append(client.recv(4096))
                    for m in self.messages:
                        client.send(m)
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)
        os.unlink(self.path)

    def request(self):
        q = self.requests[-1]
        expect(len(q) == 576, f"a request of {len(q)} bytes")
        magic, question, as_json, digits, seconds, *texts = struct.unpack("<IIIIQ72s192s64s128s96s", q)
        expect(magic == MAGIC, hex(magic))
        digest, rule, key, value, reason = (t.split(b"\0")[0].decode() for t in texts)
        return dict(question=question, json=as_json, digits=digits, seconds=seconds, digest=digest, rule=rule, key=key, value=value, reason=reason)


class Context:
    def __init__(self, binary):
        self.binary = binary
        self.dir = tempfile.mkdtemp(prefix="sallyport-owner-")
        atexit.register(shutil.rmtree, self.dir, True)
        self.socket = self.path("socket")

    def path(self, name):
        return os.path.join(self.dir, name)

    def file(self, name, text):
        with open(self.path(name), "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return self.path(name)

    def run(self, *args, code=None, **kw):
        r = subprocess.run([self.binary, *args], capture_output=True, text=True, errors="replace", timeout=100, cwd=self.dir, **kw)
        if code is not None:
            expect(r.returncode == code, f"{args}: exit code {r.returncode}, not {code}: {r.stdout}{r.stderr}")
        expect("AddressSanitizer" not in r.stderr and "runtime error" not in r.stderr, r.stderr)
        return r

    def ask(self, messages, *args, code=0):
        """The command's result, and what the agent was asked."""
        with Agent(self.socket, messages) as agent:
            r = self.run(*args, "--socket", self.socket, code=code)
            return r, agent.request()


ASKING = (["status"], ["status", "--json"], ["safe", "on"], ["safe", "off"], ["mute", "--list"], ["unmute", "R"],
          ["mute", "R", "--for", "1h", "--reason", "x"], ["explain", "bundle", "abcd"])


@test
def without_an_agent_each_command_says_what_to_do(c):
    dead = c.path("dead")
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.bind(dead)
    s.close()
    config = c.file("socket.yaml", f"socket: {c.path('none')}\n")
    for args in ASKING:
        for where in (["--socket", c.path("none")], ["--socket", dead], ["--config", config]):
            r = c.run(*args, *where, code=3)
            expect("sallyport run" in r.stderr and "no agent answers" in r.stderr and r.stdout == "", f"{args}: {r.stderr}")
    r = c.run("status", "--socket", c.dir, code=3)
    expect("error" in r.stderr, r.stderr)


@test
def wrong_use_is_exit_code_2_and_asks_nobody(c):
    with Agent(c.socket, reply("no\n")) as agent:
        for args in (["status", "x"], ["status", "--nonsense"], ["safe"], ["safe", "maybe"], ["safe", "on", "off"], ["mute"], ["mute", "R"],
                     ["mute", "R", "--for", "1h"], ["mute", "R", "--reason", "x"], ["mute", "R", "--for", "soon", "--reason", "x"],
                     ["mute", "R", "--for", "0h", "--reason", "x"], ["mute", "R", "--for", "-1h", "--reason", "x"],
                     ["mute", "R", "--for", "99999999999999d", "--reason", "x"], ["mute", "R", "--for", "10", "--reason", "x"],
                     ["mute", "R", "--for", "1h", "--reason", ""], ["mute", "R", "--for", "1h", "--reason", "x" * 96],
                     ["mute", "r" * 192, "--for", "1h", "--reason", "x"], ["mute", "", "--for", "1h", "--reason", "x"],
                     ["mute", "A", "B", "--for", "1h", "--reason", "x"], ["mute", "--list", "R"], ["mute", "R", "--for", "1h", "--reason", "x", "--json"],
                     ["mute", "R", "--for", "1h", "--reason", "x", "--where", "proc.name"], ["mute", "R", "--for", "1h", "--reason", "x", "--where", "=v"],
                     ["mute", "R", "--for", "1h", "--reason", "x", "--where", "k="], ["unmute"], ["unmute", "R", "--for", "1h"],
                     ["unmute", "R", "--where", "k" * 64 + "=v"], ["unmute", "R", "--where", "k=" + "v" * 128],
                     ["explain", "bundle"], ["explain", "bundle", "xyz"], ["explain", "bundle", "a" * 65], ["explain", "bundle", "a", "b"]):
            r = c.run(*args, "--socket", c.socket, code=2)
            expect(r.stdout == "" and r.stderr, f"{args}: {r.stdout!r}")
        expect(not agent.requests, f"{agent.requests}")
    c.run("status", "--socket", "/" + "x" * 108, code=2)
    c.run("status", "--socket", "", code=2)
    c.run("support-bundle", code=2)
    c.run("support-bundle", "-o", "x.tar", "y", code=2)


@test
def a_command_asks_what_was_typed_and_shows_what_is_answered(c):
    r, q = c.ask(reply("all is well\n"), "status")
    expect((q["question"], q["json"]) == (STATUS, 0) and r.stdout == "all is well\n", f"{q} {r.stdout}")
    r, q = c.ask(reply('{"level":"SAFE"}\n', 1), "status", "--json", code=1)
    expect(q["json"] == 1 and json.loads(r.stdout)["level"] == "SAFE" and r.stderr == "", f"{q} {r}")
    r, q = c.ask(reply("muted: R\n"), "mute", "A rule, with = and ü", "--for", "3d", "--reason", "noise", "--where", "proc.exepath=/bin/a=b")
    expect(q == dict(question=MUTE, json=0, digits=0, seconds=3 * 86400, digest="", rule="A rule, with = and ü", key="proc.exepath",
                     value="/bin/a=b", reason="noise"), f"{q}")
    for text, seconds in (("1s", 1), ("90m", 5400), ("2h", 7200)):
        expect(c.ask(reply("ok\n"), "mute", "R", "--for", text, "--reason", "x")[1]["seconds"] == seconds, text)
    expect(c.ask(reply("ok\n"), "unmute", "R", "--where", "cgroup=/a")[1]["question"] == UNMUTE, "unmute")
    expect(c.ask(reply("[]\n"), "mute", "--list", "--json")[1] | {"question": MUTES, "json": 1} == c.ask(reply("[]\n"), "mute", "--list", "--json")[1], "list")
    expect(c.ask(reply("SAFE\n"), "safe", "on")[1]["question"] == SAFE_ON, "on")
    expect(c.ask(reply("not SAFE\n"), "safe", "off")[1]["question"] == SAFE_OFF, "off")
    r, q = c.ask(reply("no such\n", 1), "explain", "bundle", "ABCD12", code=1)
    expect((q["question"], q["digest"], q["digits"]) == (EXPLAIN, "abcd12", 6), f"{q}")
    expect(r.stdout == "" and r.stderr == "sallyport: error: no such\n", f"{r.stderr!r}")
    config = c.file("settings.yaml", f"socket: {c.socket}\n")
    with Agent(c.socket, reply("by the settings\n")):
        expect(c.run("status", "--config", config, code=0).stdout == "by the settings\n", "--config")


@test
def a_long_answer_comes_whole(c):
    text = "".join(f"line {i} {'x' * 60}\n" for i in range(15000))[:1 << 20]
    r, _ = c.ask(reply(text), "status")
    expect(r.stdout.rstrip("\n") == text.rstrip("\n"), f"{len(r.stdout)} of {len(text)}")


@test
def a_lying_agent_is_refused_and_its_text_drives_no_terminal(c):
    r, _ = c.ask(reply("\x1b[2Jred\x1b[31m \x9b5n\ttab\r\nline\x07\n".encode() + b"\xff\xc2\x9b\n"), "status")
    expect("\x1b" not in r.stdout and "\x9b" not in r.stdout and "\r" not in r.stdout and "\\x1b[2Jred" in r.stdout and "line" in r.stdout, repr(r.stdout))
    r, _ = c.ask(reply("\x1b]0;title\x07", 1), "safe", "on", code=1)
    expect("\x1b" not in r.stderr and "title" in r.stderr, repr(r.stderr))
    for name, messages in (("nothing", []), ("a few bytes", [b"SPSQ"]), ("no magic", reply("x", magic=1)), ("an exit code", reply("x", code=4)),
                           ("too long", reply("x", claim=(1 << 20) + 1)), ("huge", reply("x", claim=2**64 - 1)), ("cut", reply("x", claim=100)),
                           ("more than it says", reply("xxx", claim=1)), ("more later", reply("x", claim=3) + [b"y" * 100])):
        r, _ = c.ask(messages, "status", code=3)
        expect(r.stdout == "" and "error" in r.stderr, f"{name}: {r.stdout!r} {r.stderr!r}")


@test
def who_is_not_root_is_told(c):
    if os.geteuid():
        raise Skip("needs root, to be somebody else")
    nobody = dict(user=65534, group=65534, extra_groups=[])
    os.chmod(c.dir, 0o755)
    config = c.file("secret.yaml", "socket: /run/x\n")
    os.chmod(config, 0o600)
    r = c.run("status", "--config", config, code=3, **nobody)
    expect("root" in r.stderr and "sudo" in r.stderr, r.stderr)
    with Agent(c.socket, reply("x\n")):
        os.chmod(c.socket, 0o600)
        r = c.run("status", "--socket", c.socket, code=3, **nobody)
        expect("root" in r.stderr and "sudo" in r.stderr, r.stderr)


@test
def a_socket_of_somebody_else_is_not_believed(c):
    if os.geteuid():
        raise Skip("needs root, to make somebody else listen")
    os.chmod(c.dir, 0o777)
    path = c.path("others")
    code = f"""
import os, socket, time
os.setgid(65534); os.setuid(65534)
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind({path!r}); s.listen(1)
print(flush=True)
time.sleep(60)
"""
    p = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        p.stdout.readline()
        r = c.run("status", "--socket", path, code=3)
        expect("another user" in r.stderr, r.stderr)
    finally:
        p.kill()
        p.wait()
        os.chmod(c.dir, 0o755)


# alerts

def alert(n, rule="Rule A", priority="Warning", at=1_772_366_400, text=None):
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at + n))
    return json.dumps({"hostname": "h", "output": text or f"{stamp[11:]}.000000000: {priority} number {n}", "output_fields": {"n": n}, "priority": priority,
                       "rule": rule, "source": "syscall", "tags": [], "time": stamp + ".000000000Z"}, sort_keys=True) + "\n"


def numbers(r):
    return [int(n) for n in re.findall(r"number (\d+)", r.stdout)]


@test
def alerts_come_from_all_files_oldest_first(c):
    c.file("a.json.2", alert(1) + alert(2))
    c.file("a.json.1", alert(3))
    path = c.file("a.json", alert(4) + alert(5))
    c.file("a.json.4", alert(99))  # .3 is missing: no file of this series
    r = c.run("alerts", "--file", path, code=0)
    expect(numbers(r) == [1, 2, 3, 4, 5] and r.stderr == "", f"{r.stdout} {r.stderr}")
    expect(r.stdout.splitlines()[0] == "2026-03-01 12:00:01.000000000: Warning number 1", r.stdout)
    raw = c.run("alerts", "--file", path, "--json", code=0).stdout
    expect(raw == "".join(alert(n) for n in range(1, 6)), raw)
    config = c.file("alerts.yaml", f"outputs: {{file: {{path: {path}}}}}\n")
    expect(numbers(c.run("alerts", "--config", config, code=0)) == [1, 2, 3, 4, 5], "by the settings")
    expect(numbers(c.run("alerts", "--file", path, "--file", c.path("a.json.4"), code=0)) == [1, 2, 3, 4, 5, 99], "two files")


@test
def alerts_are_chosen_by_time_rule_and_priority(c):
    now = int(time.time())
    path = c.file("b.json", alert(1, at=now - 90000) + alert(2, "Rule B", "Critical", at=now - 7000) + alert(3, "Other", "Debug", at=now - 100))
    for args, want in ((["--since", "3h"], [2, 3]), (["--since", "2d"], [1, 2, 3]), (["--since", "10m"], [3]), (["--until", "1d"], [1]),
                       (["--since", "2d", "--until", "1h"], [1, 2]), (["--rule", "Rule"], [1, 2]), (["--rule", "rule b"], [2]), (["--rule", "x"], []),
                       (["--priority", "warning"], [1, 2]), (["--priority", "ERROR"], [2]), (["--priority", "debug"], [1, 2, 3]),
                       (["--since", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 7000))], [2, 3])):
        r = c.run("alerts", "--file", path, *args, code=0)
        expect(numbers(r) == want, f"{args}: {numbers(r)}, not {want}")
    for args in (["--since", "yesterday"], ["--since", "5"], ["--since", "2026-01-01"], ["--priority", "loud"], ["--nonsense"], ["x"],
                 ["--follow", "--file", path], ["--socket", "x"]):
        c.run("alerts", "--file", path, *args, code=2)


@test
def hostile_lines_are_left_out_and_counted_and_hide_nothing(c):
    bad = [b"\n", b"{\n", b"[]\n", b"not json\n", b"\xff\xfe\n", b"\0\0\0\n", b'{"a":' * 5000 + b"\n", b"x" * 200000 + b"\n",
           alert(1).replace("Rule A", "\x1b[2J").encode()[:-1].replace(b"\\u001b", b"\x1b") + b"\n", alert(2)[:-10].encode() + b"\n"]
    data = b"".join(alert(10 + i).encode() + b for i, b in enumerate(bad)) + alert(50, text="esc \x1b[2J c1 \x9b5n del \x7f number 50").encode()
    data += alert(51).encode()[:-1]  # without its newline
    path = c.file("c.json", data)
    r = c.run("alerts", "--file", path, code=0)
    expect(numbers(r) == [*range(10, 20), 50, 51], f"{numbers(r)}")
    expect(f"{len(bad) - 1} lines are no alerts" in r.stderr, r.stderr)
    expect("\x1b" not in r.stdout and "\x9b" not in r.stdout and "\x7f" not in r.stdout, repr(r.stdout[-300:]))
    r = c.run("alerts", "--file", path, "--json", "--since", "2026-03-01T12:00:50Z", code=0)
    raw = json.dumps(json.loads(alert(1)) | {"output": "\x9b"}, ensure_ascii=False) + "\n"
    expect(json.loads(c.run("alerts", "--json", "--file", c.file("c1.json", raw), code=0).stdout)["output"] == "\x9b", "the value changed")
    expect("\x9b" not in c.run("alerts", "--json", "--file", c.path("c1.json"), code=0).stdout, "C1 as it is")


@test
def a_large_file_needs_little_memory(c):
    path = c.path("large.json")
    line = alert(7, text="number 7 " + "y" * 30000).encode()
    with open(path, "wb") as f:
        for _ in range(2000):
            f.write(line)
        f.write(b"z" * (64 << 20))
    r = c.run("alerts", "--file", path, "--rule", "nothing of this name", code=0)
    expect(r.stdout == "" and "1 lines" in r.stderr, r.stderr)
    code = ("import resource,subprocess,sys;subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL);"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    small = int(subprocess.run([sys.executable, "-c", code, c.binary, "alerts", "--file", c.file("small.json", alert(1))], capture_output=True, text=True).stdout)
    large = int(subprocess.run([sys.executable, "-c", code, c.binary, "alerts", "--file", path], capture_output=True, text=True).stdout)
    os.unlink(path)
    expect(large - small < 8192, f"{large - small} KiB more for a file of 120 MiB")


@test
def no_file_no_regular_file_and_text_are_said(c):
    r = c.run("alerts", "--file", c.path("nope"), code=1)
    expect("there is no file" in r.stderr, r.stderr)
    os.mkfifo(c.path("fifo"))
    r = c.run("alerts", "--file", c.path("fifo"), code=3)
    expect("regular file" in r.stderr, r.stderr)
    r = c.run("alerts", "--config", c.file("none.yaml", "rules: [x]\n"), code=1)
    expect("outputs.file.path" in r.stderr, r.stderr)
    r = c.run("alerts", "--config", c.file("text.yaml", "outputs: {file: {path: /x, format: text}}\n"), code=1)
    expect("json" in r.stderr, r.stderr)
    c.run("alerts", "--config", c.file("broken.yaml", "outputs: {file: 1}\n"), code=1)
    with open("/dev/full", "w", encoding="ascii") as full:
        p = subprocess.run([c.binary, "alerts", "--file", c.file("d.json", alert(1) * 1000)], stdout=full, stderr=subprocess.PIPE, timeout=60)
    expect(p.returncode == 3, f"{p}")


@test
def follow_goes_on_over_renames_and_loses_nothing(c):
    path = c.file("f.json", alert(0))
    p = subprocess.Popen([c.binary, "alerts", "--file", path, "--follow"], stdout=subprocess.PIPE, text=True)
    got = []
    reader = threading.Thread(target=lambda: got.extend(p.stdout), daemon=True)
    reader.start()
    for n in range(1, 40):
        with open(path, "a", encoding="utf-8") as f:
            half = len(alert(n)) // 2
            f.write(alert(n)[:half])
            f.flush()
            time.sleep(0.02)
            f.write(alert(n)[half:])
        if n % 13 == 0:
            os.rename(path, path + ".1")
            open(path, "w", encoding="utf-8").close()
            time.sleep(0.5)
    end = time.monotonic() + 10
    while len(got) < 40 and time.monotonic() < end:
        time.sleep(0.1)
    p.kill()
    p.wait()
    seen = [int(re.search(r"number (\d+)", line).group(1)) for line in got]
    expect(seen == list(range(40)), f"{seen}")


# support-bundle

@test
def a_support_bundle_has_what_helps_and_no_secrets(c):
    secret = "pa55w0rd"
    state = c.path("state")
    os.makedirs(os.path.join(state, "content"), exist_ok=True)
    for name in ("blob.agent-key", "blob.steward"):
        c.file(os.path.join("state", name), secret)
    c.file(os.path.join("state", "state.0"), b"torn")
    c.file(os.path.join("state", "content", "ab" * 32), secret)
    c.file(os.path.join("state", "content", "new"), secret)
    alerts = c.file("s.json", alert(1, text=f"number 1 {secret}"))
    config = c.file("support.yaml", f"""# {secret}
state: {state}
socket: {c.socket}
outputs:
  file: {{path: {alerts}}}
  http: {{url: "https://u:{secret}@h.example/{secret}", headers: ["Authorization: {secret}"]}}
""")
    out = c.path("out.tar")
    with Agent(c.socket, reply('{"level":"normal"}\n')):
        r = c.run("support-bundle", "-o", out, "--config", config, code=0)
    expect(os.stat(out).st_mode & 0o777 == 0o600, "mode")
    data = open(out, "rb").read()
    expect(secret.encode() not in data, "a secret is in it")
    with tarfile.open(out) as t:
        names = t.getnames()
        text = {n: t.extractfile(n).read().decode(errors="replace") for n in names}
        expect(all(m.mtime == 0 and m.uid == 0 and m.mode == 0o600 and m.isreg() for m in t.getmembers()), "members")
    for want in ("version.json", "doctor.json", "status.json", "settings.txt", "state/state.0", "state/state.txt", "state/content.txt", "kernel.txt",
                 "cgroup/self.txt", "CONTENTS.txt"):
        expect(want in names, f"{want} is missing: {names}")
    expect(json.loads(text["status.json"])["level"] == "normal" and "can_run" in json.loads(text["doctor.json"]), "json")
    expect("ab" * 32 + " 8\n" == text["state/content.txt"], text["state/content.txt"])
    expect("H2" in text["state/state.txt"] or "state.0: " in text["state/state.txt"], text["state/state.txt"])
    expect(text["CONTENTS.txt"] == r.stdout and "left out  alerts" in r.stdout and "left out  state/blob.*" in r.stdout and "state/state.1" in r.stdout, r.stdout)
    r = c.run("support-bundle", "-o", out, "--config", config, "--alerts", code=0)
    expect("left out  status.json" in r.stdout, r.stdout)
    with tarfile.open(out) as t:
        expect(t.extractfile("alerts.txt").read().decode() == alert(1, text=f"number 1 {secret}"), "alerts")
    c.run("support-bundle", "-o", c.path("no/such/dir.tar"), "--config", config, code=3)
    r = c.run("support-bundle", "-o", out, "--config", c.file("bad.yaml", "x: ["), code=0)
    expect("left out  settings.txt" in r.stdout, r.stdout)


if __name__ == "__main__":
    sys.exit(tap.main(Context(os.path.abspath(sys.argv[1])), sys.argv[2] if len(sys.argv) > 2 else None))
