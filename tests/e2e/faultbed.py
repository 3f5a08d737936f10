# SPDX-License-Identifier: Apache-2.0
"""What the tests of faults are made with: agents with a state of their own, content signed by an owner, captures, and the
bytes of a state (docs/formats/state.md)."""
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

from sensor import ROOT
from tap import expect

PLAN = """roles:
  root: {threshold: 1, keys: [root.pub]}
  bundle: {threshold: 1, keys: [root.pub]}
  promote: {threshold: 1, keys: [promote.pub]}
  approve: {threshold: 1, keys: [root.pub]}
  revoke: {threshold: 1, keys: [root.pub]}
  timestamp: {threshold: 1, keys: [root.pub]}
plan:
  ring0_hosts: 3
  shadow_s: %(shadow)d
  shadow_events: 1000000
  probation_s: %(probation)d
  soak_s: [5, 5, 5, 5, 5, 5, 5]
  urgent_soak_s: [2, 2, 2, 2, 2, 2, 2]
  share_ppm: [0, 100, 1000, 10000, 50000, 200000, 1000000]
"""

RULE = """- rule: {name}
  desc: d
  condition: evt.type in (open, openat) and {condition}
  output: {name} by %proc.name
  priority: WARNING
"""

NOTHING = bytes(32)
RELEASE, OWNER = 0, 1
NONE, SELFTEST, SHADOW, PROBATION = range(4)
NORMAL, FACTORY, SAFE = range(3)
CRASH, HANG, MEMORY, REFUSED, VECTOR, BUDGET, BOOT = range(1, 8)
with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot_id:
    BOOT_ID = bytes.fromhex(boot_id.read().strip().replace("-", ""))


# ---- the state's bytes ----

LANE = struct.Struct("<32s32s32sIIQIIQQQQ8x")
HOST = struct.Struct("<16sIIIIIIQQQQQI44x")
ENTRY = struct.Struct("<32sIIQ64s")
HEAD = struct.Struct("<8sIIIIQ")
SLOT_BYTES = 16384
LANE_KEYS = ("lkg", "lkg1", "candidate", "phase", "level", "in_phase_s", "clean_restarts", "deaths", "quiet_s", "release_seq", "down_s",
             "retry_s")
HOST_KEYS = ("boot", "flags", "hooks", "hooks_barred", "boot_strikes", "agent_deaths", "any_deaths", "calm_s", "strikes",
             "unclean_boots", "worker_deaths", "blind_ms", "n_quarantine")


def slot_read(data):
    """What a slot says, or None: nothing that can be believed."""
    if len(data) != SLOT_BYTES or hashlib.blake2b(data[:-32], digest_size=32).digest() != data[-32:]:
        return None
    magic, version, oldest, length, _, generation = HEAD.unpack_from(data, 0)
    if magic != b"SPLOCAL\x1a":
        return None
    s = dict(zip(HOST_KEYS, HOST.unpack_from(data, 32)), generation=generation)
    s["lanes"] = [dict(zip(LANE_KEYS, LANE.unpack_from(data, 160 + 160 * i))) for i in range(2)]
    s["quarantine"] = []
    for i in range(s["n_quarantine"]):
        digest, cause, sig, when, rule = ENTRY.unpack_from(data, 480 + 112 * i)
        s["quarantine"].append({"digest": digest, "cause": cause, "signal": sig, "time": when, "rule": rule.split(b"\0")[0].decode()})
    return s


def slot_write(s):
    data = bytearray(SLOT_BYTES)
    HEAD.pack_into(data, 0, b"SPLOCAL\x1a", 1, 1, 7616, 0, s["generation"])
    HOST.pack_into(data, 32, *[len(s["quarantine"]) if k == "n_quarantine" else s[k] for k in HOST_KEYS])
    for i, lane in enumerate(s["lanes"]):
        LANE.pack_into(data, 160 + 160 * i, *[lane[k] for k in LANE_KEYS])
    for i, q in enumerate(s["quarantine"]):
        ENTRY.pack_into(data, 480 + 112 * i, q["digest"], q["cause"], q["signal"], q["time"], q["rule"].encode())
    data[-32:] = hashlib.blake2b(bytes(data[:-32]), digest_size=32).digest()
    return bytes(data)


def state_read(directory):
    """The newest valid slot, or None."""
    best = None
    for n in (0, 1):
        try:
            with open(os.path.join(directory, f"state.{n}"), "rb") as f:
                s = slot_read(f.read())
        except OSError:
            s = None
        if s and (best is None or s["generation"] > best["generation"]):
            best = dict(s, slot=n)
    return best


def state_change(directory, **host):
    """Change fields of the host in the newest slot, as if another start had written them."""
    s = state_read(directory)
    s.update(host, generation=s["generation"] + 1)
    with open(os.path.join(directory, f"state.{1 - s['slot']}"), "wb") as f:
        f.write(slot_write(s))


def check_state(s):
    """What docs/formats/state.md allows."""
    quarantined = {q["digest"] for q in s["quarantine"]}
    expect(s["flags"] < 4 and s["boot_strikes"] <= 6 and s["agent_deaths"] < 3 and s["any_deaths"] < 12, s)
    for i, lane in enumerate(s["lanes"]):
        expect(lane["phase"] <= PROBATION and lane["level"] <= SAFE - i, s)
        expect((lane["phase"] == NONE) == (lane["candidate"] == NOTHING), s)
        expect(not (lane["phase"] == PROBATION and lane["level"]), s)
        expect(not (lane["lkg1"] != NOTHING and lane["lkg"] == NOTHING), s)
        for k in ("lkg", "lkg1", "candidate"):
            expect(lane[k] == NOTHING or lane[k] not in quarantined, f"a lane holds what is quarantined: {s}")


def armed(s, lane=OWNER):
    """The digest that a lane has armed by its state, or None."""
    l = s["lanes"][lane]
    if s["flags"] & 2 or s["lanes"][RELEASE]["level"] == SAFE or l["level"] != NORMAL:
        return None
    d = l["candidate"] if l["phase"] == PROBATION else l["lkg"]
    return d if d != NOTHING else None


# ---- content ----

class Kit:
    """Keys, roots and bundles of one run of the tests."""

    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.binary = os.path.join(self.build, "src", "sallyport")
        self.dir = tempfile.mkdtemp(prefix="sallyport-faults-")
        os.chmod(self.dir, 0o755)
        os.mkdir(os.path.join(self.dir, "repository"))
        self.factory = self.file("factory.yaml", RULE.format(name="Factory", condition='fd.name endswith "/bait"'))
        for k in ("owner", "other", "root", "promote"):
            self.run("key", "new", "-o", k)
        self.bundles = {}
        self.roots = {}
        self.making = threading.Lock()

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w" if isinstance(text, str) else "wb") as f:
            f.write(text)
        return path

    def run(self, *args, ok=True):
        r = subprocess.run([self.binary, *args], cwd=self.dir, capture_output=True, text=True, timeout=60)
        expect(not ok or r.returncode == 0, f"{args}: {r.stderr}")
        return r

    def root(self, shadow, probation):
        """A signed root whose plan has these seconds."""
        name = f"root-{shadow}-{probation}"
        with self.making:
            if name not in self.roots:
                self.file(name + ".yaml", PLAN % {"shadow": shadow, "probation": probation})
                self.run("release", "root", "new", "--fleet", "faults", "--keys", name + ".yaml", "-o", name)
                self.run("release", "root", "sign", name, "--key", "root.key")
                self.roots[name] = os.path.join(self.dir, name)
            return self.roots[name]

    def bundle(self, name, fault=None, key="owner"):
        """A signed bundle with a rule Good NAME and, with fault, a rule Culprit: (path, digest)."""
        with self.making:
            if (name, fault, key) not in self.bundles:
                self.bundles[name, fault, key] = self.make_bundle(name, fault, key)
            return self.bundles[name, fault, key]

    def make_bundle(self, name, fault, key):
        rules = RULE.format(name=f"Good {name}", condition='fd.name endswith "/bait"')
        if fault:
            rules = RULE.format(name="Culprit", condition=f'fd.name faulty "{fault}"') + rules
        stem = f"{name}-{len(self.bundles)}"
        self.file(stem + ".yaml", rules)
        digest = self.run("bundle", "build", stem + ".yaml", "-o", stem + ".bundle", "--name", name).stdout.strip()
        self.run("bundle", "sign", stem + ".bundle", "--key", key + ".key")
        return os.path.join(self.dir, stem + ".bundle"), bytes.fromhex(digest)

    def capture(self, path, n=20, last="/tmp/bait"):
        subprocess.run([os.path.join(self.build, "tests", "e2e", "e2e-capture"), path, str(n), last], check=True)
        return path


# ---- agents ----

class Agent:
    """`sallyport run` with a state directory, a socket and outputs of its own."""

    def __init__(self, kit, live=False, shadow=1, probation=4, state=True, config="", rate=200, env=None, wrap=(), factory=None):
        self.kit, self.live, self.env, self.wrap = kit, live, env, list(wrap)
        self.binary, self.factory = kit.binary, factory or kit.factory
        self.dir = tempfile.mkdtemp(prefix="agent-", dir=kit.dir)
        os.chmod(self.dir, 0o755)
        self.state_dir = os.path.join(self.dir, "state") if state else None
        self.socket = os.path.join(self.dir, "sock")
        self.alerts_path = os.path.join(self.dir, "alerts.json")
        self.content = os.path.join(self.dir, "content.bundle")
        self.capture = os.path.join(self.dir, "capture")
        self.more, self.rate, self.root = config, rate, kit.root(shadow, probation)
        self.process = None
        self.lines, self.times = [], []
        self.lock = threading.Condition()
        if not live:
            kit.capture(self.capture)

    # settings

    def offer(self, bundle, key="owner"):
        """The file that owner.content names becomes this bundle. Takes effect at the next start, or at SIGHUP."""
        for end in ("", ".minisig"):
            shutil.copy(bundle + end, self.content + ".new")
            os.rename(self.content + ".new", self.content + end)

    def settings(self):
        lines = [f"socket: {self.socket}", f"rules: [{self.factory}]",
                 f"outputs: {{stdout: {{enabled: false}}, file: {{path: {self.alerts_path}}}}}"]
        if self.state_dir:
            lines += [f"state: {self.state_dir}", f"release: {{root: {self.root}, repository: dir://{os.path.join(self.kit.dir, 'repository')}}}"]
            owner = f"key: {os.path.join(self.kit.dir, 'owner.pub')}"
            if os.path.exists(self.content):
                owner += f", content: {self.content}"
            lines.append(f"owner: {{{owner}}}")
        if not self.live:
            lines += [f"source: {self.capture}", f"source_rate: {self.rate}"]
        path = os.path.join(self.dir, "c.yaml")
        with open(path, "w") as f:
            f.write("\n".join(lines) + "\n" + self.more)
        return path

    def event(self, name):
        """From now on the capture's last open is of NAME: also for workers that read it already."""
        new = self.kit.capture(self.capture + ".new", last=f"/tmp/{name}")
        expect(os.path.getsize(new) == os.path.getsize(self.capture), "captures of one size: names of the same length")
        with open(new, "rb") as f, open(self.capture, "r+b") as g:
            os.pwrite(g.fileno(), f.read(), 0)

    def seed(self, lkg, lkg1=None, quarantine=(), release_seq=0):
        """A state with this content as the last known good of the owner's lane, as an agent that stopped in order left it."""
        os.makedirs(os.path.join(self.state_dir, "content"), mode=0o700)
        os.chmod(self.state_dir, 0o700)
        for path, digest in filter(None, (lkg, lkg1)):
            with open(path, "rb") as f, open(os.path.join(self.state_dir, "content", digest.hex()), "wb") as g:
                g.write(f.read())
        s = dict.fromkeys(HOST_KEYS, 0)
        s.update(boot=BOOT_ID, generation=5, lanes=[dict.fromkeys(LANE_KEYS, 0) for _ in range(2)], quarantine=[])
        for lane in s["lanes"]:
            lane.update(lkg=NOTHING, lkg1=NOTHING, candidate=NOTHING)
        s["lanes"][OWNER].update(lkg=lkg[1], lkg1=lkg1[1] if lkg1 else NOTHING)
        s["quarantine"] = [{"digest": q[1], "cause": CRASH, "signal": 11, "time": 0, "rule": "Culprit"} for q in quarantine]
        for n in (0, 1):
            with open(os.path.join(self.state_dir, f"state.{n}"), "wb") as f:
                f.write(slot_write(dict(s, generation=5 + n)))
        os.chmod(os.path.join(self.state_dir, "content"), 0o700)

    # life

    def start(self, wait=True):
        self.process = subprocess.Popen(self.wrap + [self.binary, "run", "--config", self.settings()], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self.env, cwd=ROOT)
        self.reader = threading.Thread(target=self.read, args=(self.process.stderr,), daemon=True)
        self.begun = len(self.lines)
        self.reader.start()
        if wait:
            expect(self.wait(r"\bwatching rules=", 60), "it does not watch:\n" + self.log()[-3000:])
        return self

    def read(self, f):
        for line in f:
            with self.lock:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.times.append(time.monotonic())
                self.lock.notify_all()

    def mark(self):
        with self.lock:
            return len(self.lines)

    def log(self, since=0):
        with self.lock:
            return "\n".join(self.lines[since:])

    def wait(self, pattern, timeout=10, since=None):
        """The first line since `since` (the last start) with the pattern, as a match; or None."""
        at = self.begun if since is None else since
        end = time.monotonic() + timeout
        with self.lock:
            while True:
                while at < len(self.lines):
                    m = re.search(pattern, self.lines[at])
                    if m:
                        self.found = at
                        return m
                    at += 1
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self.lock.wait(min(left, 0.5))

    def wait_state(self, what, timeout=15):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            s = state_read(self.state_dir)
            if s and what(s):
                return s
            expect(self.process.poll() is None, "the agent ended:\n" + self.log()[-3000:])
            time.sleep(0.02)
        raise AssertionError(f"not seen in {timeout} s: {state_read(self.state_dir)}\n{self.log()[-3000:]}")

    def wait_phase(self, phase, digest=None, timeout=15):
        return self.wait_state(lambda s: s["lanes"][OWNER]["phase"] == phase and digest in (None, s["lanes"][OWNER]["candidate"]), timeout)

    def wait_good(self, digest, timeout=20):
        return self.wait_state(lambda s: s["lanes"][OWNER]["lkg"] == digest, timeout)

    def wait_quarantined(self, digest, timeout=15):
        s = self.wait_state(lambda s: any(q["digest"] == digest for q in s["quarantine"]), timeout)
        return next(q for q in s["quarantine"] if q["digest"] == digest), s

    def children(self):
        """{pid: name} of the agent's processes."""
        found = {}
        me = self.process.pid
        try:
            pids = open(f"/proc/{me}/task/{me}/children").read().split()
        except OSError:
            return found
        for p in pids:
            try:
                found[int(p)] = open(f"/proc/{p}/comm").read().strip(), os.getpriority(os.PRIO_PROCESS, int(p))
            except OSError:
                continue
        return found

    def child(self, kind, timeout=5):
        """Pid of the live worker, of the worker on trial, of the steward or the courier; None: not in that time."""
        test = {"worker": lambda n, p: n == "sallyport-wrk" and p < 0, "trial": lambda n, p: n == "sallyport-wrk" and p > 0,
                "steward": lambda n, p: n.startswith("sallyport-stew"), "courier": lambda n, p: n.startswith("sallyport-cou")}[kind]
        end = time.monotonic() + timeout
        while True:
            for pid, (name, nice) in self.children().items():
                if test(name, nice):
                    return pid
            if time.monotonic() >= end:
                return None
            time.sleep(0.005)

    def hup(self):
        self.process.send_signal(signal.SIGHUP)

    def kill(self):
        """kill -9 of the supervisor; true when its children are gone in 3 s."""
        kids = list(self.children())
        self.process.kill()
        self.process.wait()
        self.reader.join(5)
        end = time.monotonic() + 3
        while any(os.path.exists(f"/proc/{k}") for k in kids) and time.monotonic() < end:
            time.sleep(0.01)
        return not any(os.path.exists(f"/proc/{k}") for k in kids)

    def stop(self, timeout=20):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("it does not stop:\n" + self.log()[-2000:])
            self.reader.join(5)
        return self.process.returncode if self.process else None

    def alerts(self):
        try:
            with open(self.alerts_path) as f:
                return [json.loads(line) for line in f if line.strip()]
        except OSError:
            return []

    def wait_alert(self, match, timeout=5):
        end = time.monotonic() + timeout
        while True:
            for a in self.alerts():
                if match(a):
                    return a
            if time.monotonic() >= end:
                return None
            time.sleep(0.05)

    def ask(self, question, digest=b"", timeout=5):
        """The owner's socket: 1 status, 6 safe on, 7 safe off, 8 clear. (exit code, text)."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(timeout)
            s.connect(self.socket)
            s.send(struct.pack("<IIIIQ72s480x", 0x51535053, question, 1, 2 * len(digest), 0, digest.hex().encode()))
            first = s.recv(1 << 20)
            magic, code, size = struct.unpack_from("<IIQ", first)
            text = first[16:]
            while len(text) < size:
                text += s.recv(1 << 20)
            return code, text.decode()

    def status(self):
        end = time.monotonic() + 5
        while True:
            try:
                return json.loads(self.ask(1)[1])
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
