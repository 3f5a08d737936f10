# SPDX-License-Identifier: Apache-2.0
"""A fleet on one machine: real agents on a replayed capture, one dir:// repository, one controller, keys, a thief.

Every agent is `sallyport run` with its own state directory, socket and policy: supervisor, worker, courier, steward. What
they do is read from outside: from their sockets, their state directories, the repository and the ledger.
"""
import base64
import ctypes
import hashlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NOBODY = 65534
PHASES_ARMED = ("probation",)

# What a host has before its first release: it never fires.
FACTORY = """- rule: Factory
  desc: what this host was installed with
  condition: evt.type = bpf and proc.name = fleet-factory
  output: factory %proc.name
  priority: NOTICE
"""

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    """In a child: nothing of a fleet outlives the test that made it, however that ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def wait_for(what, timeout, every=0.2):
    """The first true value of what(), or its last value at the end."""
    end = time.monotonic() + timeout
    while True:
        value = what()
        if value or time.monotonic() >= end:
            return value
        time.sleep(every)


class Refused(Exception):
    pass


# ---- an agent's socket (docs/formats/control.md, src/agent/steward.h) ----

QUESTIONS = {"status": 1, "explain": 2, "clear": 8, "sync": 9}


def ask(path, question, digest="", timeout=10):
    """The answer of the agent that listens there, as JSON; None: nobody answers; Refused: it says no."""
    request = struct.pack("<IIIIQ72s192s64s128s96s", 0x51535053, QUESTIONS[question], 1, len(digest), 0, digest.encode(), b"", b"", b"", b"")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.settimeout(timeout)
        try:
            s.connect(path)
            s.send(request)
            first = s.recv(16384)
            if len(first) < 16:
                return None
            _, code, size = struct.unpack("<IIQ", first[:16])
            text = first[16:]
            while len(text) < size:
                more = s.recv(16384)
                if not more:
                    break
                text += more
        except OSError:
            return None
    if question not in ("status", "explain") or not text.strip().startswith(b"{"):
        if code:
            raise Refused(text.decode(errors="replace"))
        return {}
    return json.loads(text)


class Agent:
    def __init__(self, bed, n, ring0=False, policy="", settings=""):
        self.bed, self.n, self.ring0 = bed, n, ring0
        self.dir = bed.path(f"host{n:03}")
        self.socket, self.log = os.path.join(self.dir, "s"), os.path.join(self.dir, "log")
        self.state = os.path.join(self.dir, "state")
        os.mkdir(self.dir)
        self.last = None
        policy = "channel: stable\n" + ("ring0: true\n" if ring0 else "") + policy
        bed.write(os.path.join(self.dir, "policy.yaml"), policy)
        bed.write(os.path.join(self.dir, "sallyport.yaml"), f"""rules: [{bed.factory}]
source: {bed.capture}
source_rate: {bed.rate}
state: {self.state}
socket: {self.socket}
outputs:
  stdout: {{enabled: false}}
  file: {{path: {self.dir}/alerts, max_mib: 1, keep: 1}}
courier: {{resolve: false}}
release:
  repository: {bed.url}
  root: {bed.root}
  policy: {self.dir}/policy.yaml
{settings}""")
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.bed.binary, "run", "--config", os.path.join(self.dir, "sallyport.yaml")], cwd=self.dir,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, preexec_fn=die_with_parent)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def status(self):
        got = ask(self.socket, "status")
        self.last = got or self.last
        return got

    def explain(self, digest):
        try:
            return ask(self.socket, "explain", digest)
        except Refused:
            return None

    def children(self):
        """Pids of its processes, by what they are."""
        out = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(self.process.pid)], capture_output=True, text=True).stdout
        return {comm: int(pid) for pid, comm in (line.split(None, 1) for line in out.splitlines())}

    def text(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def had(self, digest):
        """When this host put the bundle on its disk, to be tried; None: never, or it is gone again."""
        try:
            return os.stat(os.path.join(self.state, "content", digest)).st_mtime
        except OSError:
            return None


# ---- keys in the hands of somebody else ----

def sodium():
    for name in ("libsodium.so.23", "libsodium.so.26", "libsodium.so"):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise RuntimeError("no libsodium")


class Thief:
    """Signs what he likes with keys that he stole: files of minisign's form without a password, and no code of ours."""

    def __init__(self, *paths):
        self.lib = sodium()
        self.keys = []
        for path in paths:
            with open(path) as f:
                raw = base64.b64decode(f.read().splitlines()[1])
            self.keys.append((raw[54:62], raw[62:126]))

    def sign(self, secret, message):
        out = ctypes.create_string_buffer(64)
        if self.lib.crypto_sign_detached(out, None, message, ctypes.c_ulonglong(len(message)), secret) != 0:
            raise RuntimeError("cannot sign")
        return out.raw

    def minisig(self, payload):
        text = b""
        for key_id, secret in self.keys:
            signature = self.sign(secret, hashlib.blake2b(payload, digest_size=64).digest())
            comment = b"stolen"
            text += b"untrusted comment: s\n" + base64.b64encode(b"ED" + key_id + signature) + b"\ntrusted comment: " + comment + b"\n"
            text += base64.b64encode(self.sign(secret, signature + comment)) + b"\n"
        return text


def payload(kind, fields):
    return b"SPOB" + struct.pack("<HHII", kind, 1, 16 + len(fields), 0) + fields


def promotion(epoch, ring, seq, digest, release, channel="stable", lane=0, cutoff=0xFFFFFFFF, evidence=b"\x01" * 32, rollback=0):
    now = int(time.time())
    fields = struct.pack("<IIQ32s32s16sIIQQ32sQI", epoch, ring, seq, channel.encode(), digest, release, lane, cutoff, now - 60, now + 86400,
                         evidence if ring and not rollback else bytes(32), 0, rollback)
    return payload(2, fields)


def timestamp(epoch, root, version, promotions, revokes):
    now = int(time.time())
    return payload(4, struct.pack("<IIQQQQQ32s", epoch, root, version, now, now + 86400, promotions, revokes, bytes(32)))


# ---- the fleet ----

ROLES = """roles:
  root: {threshold: 3, keys: [r1.pub, r2.pub, r3.pub, r4.pub, r5.pub]}
  bundle: {threshold: 2, keys: [b1.pub, b2.pub, b3.pub]}
  promote: {threshold: 1, keys: [online/promote.pub]}
  approve: {threshold: 1, keys: [approve.pub]}
  revoke: {threshold: 1, keys: [online/revoke.pub, approve.pub]}
  timestamp: {threshold: 1, keys: [online/timestamp.pub]}
"""


class Plan:
    def __init__(self, soak, share_ppm, shadow_s=1, probation_s=4, report_s=2, ramp=0):
        self.soak, self.share_ppm = soak, share_ppm
        self.shadow_s, self.probation_s, self.report_s, self.ramp = shadow_s, probation_s, report_s, ramp

    def dwell(self, ring):
        return sum(self.soak[:ring])

    def text(self):
        return f"""plan:
  soak_s: {self.soak}
  urgent_soak_s: {[min(s, 1) for s in self.soak]}
  ramp_s: {[0] + [self.ramp] * 6}
  urgent_ramp_s: {[0] * 7}
  share_ppm: {self.share_ppm}
  shadow_s: {self.shadow_s}
  shadow_events: 1000000
  probation_s: {self.probation_s}
  report_s: {self.report_s}
"""


class Bed:
    def __init__(self, build, plan, rate=40, factory=FACTORY):
        self.binary = os.path.join(ROOT, build, "src", "sallyport")
        self.plan, self.rate = plan, rate
        # fsync costs nothing in memory, and two hundred hosts share this disk
        shm = "/dev/shm"
        self.dir = tempfile.mkdtemp(prefix="sallyport-fleet-", dir=shm if os.access(shm, os.W_OK) else None)
        os.chmod(self.dir, 0o755)
        self.agents, self.controller = [], None
        self.repo, self.ledger, self.root = self.path("repo"), self.path("ledger"), self.path("root-1")
        self.url = f"dir://{self.repo}"
        self.capture, self.factory = self.path("capture"), self.write(self.path("factory.yaml"), factory)
        self.roots = 1
        os.makedirs(os.path.join(self.repo, "agent"))
        os.makedirs(os.path.join(self.repo, "health"))
        os.makedirs(self.path("online"))
        # Hosts write below these two, and nowhere else; what carries it for them is nobody.
        for d in ("agent", "health"):
            os.chown(os.path.join(self.repo, d), NOBODY, NOBODY)
        for key in ("r1", "r2", "r3", "r4", "r5", "b1", "b2", "b3", "approve", "online/promote", "online/revoke", "online/timestamp"):
            self.run("key", "new", "-o", self.path(key))
        self.new_root()

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, path, text):
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return path

    def run(self, *args, code=0, env=None, timeout=60):
        r = subprocess.run([self.binary, *args], capture_output=True, text=True, errors="replace", timeout=timeout, env=env)
        if code is not None and r.returncode != code:
            raise AssertionError(f"sallyport {' '.join(args)}: exit code {r.returncode}, not {code}: {r.stdout}{r.stderr}")
        return r

    def new_root(self, after=None):
        """The first root, or the next one, with the plan that holds now."""
        keys = self.write(self.path("keys.yaml"), ROLES + self.plan.text())
        path = self.path(f"root-{self.roots}")
        old = ["--after", after] if after else ["--fleet", "fleet"]
        self.run("release", "root", "new", *old, "--keys", keys, "-o", path)
        for key in ("r1", "r2", "r3"):
            self.run("release", "root", "sign", path, "--key", self.path(f"{key}.key"))
        return path

    def record(self, activity, seconds=3):
        """What the hosts of this fleet will see, again and again."""
        p = subprocess.Popen([self.binary, "record", "-o", self.capture, "--duration", str(seconds)], stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        time.sleep(1)
        activity()
        _, err = p.communicate(timeout=60)
        if p.returncode:
            raise AssertionError(f"no capture: {err}")

    # releases

    def bundle(self, version, rules, keys=("b1", "b2"), binary=None, code=0):
        """Built and signed. rules: text of one file, or paths."""
        if isinstance(rules, str):
            rules = [self.write(self.path(f"{version}.yaml"), rules)]
        path = self.path(f"{version}.bundle")
        self.run("bundle", "build", *rules, "--name", "fleet", "--version", version, "-o", path, timeout=120)
        for key in keys:
            self.run("bundle", "sign", path, "--key", self.path(f"{key}.key"), timeout=120)
        return path

    def digest(self, path):
        with open(path, "rb") as f:
            return hashlib.blake2b(f.read(), digest_size=32).hexdigest()

    def publish(self, path, code=0):
        r = self.run("release", "publish", path, "--channel", "stable", "--repo", self.url, "--ledger", self.ledger, "--root", self.root,
                     "--json", code=code, timeout=120)
        return json.loads(r.stdout) if code == 0 else r

    def release(self, version):
        r = self.run("release", "status", "--ledger", self.ledger, "--json", code=None)
        if r.returncode:
            return None  # the controller has the ledger just now
        return next((x for x in json.loads(r.stdout)["releases"] if x["version"] == version), None)

    def change(self, what, version, *more, code=0):
        return self.run("release", what, version, "--repo", self.url, "--ledger", self.ledger, *more, code=code)

    def log_entries(self):
        return json.loads(self.run("release", "log", "--ledger", self.ledger, "--verify", "--json").stdout)["entries"]

    def start_controller(self, *more):
        with open(self.path("controller.log"), "ab") as log:
            self.controller = subprocess.Popen(
                [self.binary, "controller", "--repo", self.url, "--ledger", self.ledger, "--keys", self.path("online"), "--root", self.root,
                 "--interval", "1", *more], stdout=subprocess.DEVNULL, stderr=log, preexec_fn=die_with_parent)

    def stop_controller(self):
        if self.controller and self.controller.poll() is None:
            self.controller.send_signal(signal.SIGTERM)
            self.controller.wait(60)
        self.controller = None

    def round(self):
        """One round of the controller, and what it did."""
        return json.loads(self.run("controller", "--repo", self.url, "--ledger", self.ledger, "--keys", self.path("online"), "--root", self.root,
                                   "--once", "--json").stdout)

    # hosts

    def add(self, n, ring0=0, **kw):
        """n more hosts, of which so many volunteer for ring 0."""
        new = [Agent(self, len(self.agents) + i, ring0=i < ring0, **kw) for i in range(n)]
        self.agents += new
        for a in new:
            a.start()
        return new

    def wait_enrolled(self, timeout):
        """Every host answers, and its report is in the repository."""
        def ready():
            health = os.listdir(os.path.join(self.repo, "health"))
            return sum(not h.endswith(".minisig") for h in health if not h.startswith(".")) >= len(self.agents)
        if not wait_for(ready, timeout):
            raise AssertionError(f"{len(os.listdir(os.path.join(self.repo, 'health'))) // 2} of {len(self.agents)} hosts report; the first says:\n"
                                 + self.agents[0].text()[-2000:])

    def statuses(self, agents=None):
        return {a.n: a.status() for a in (self.agents if agents is None else agents)}

    def promoted(self, release_id):
        """ring -> when its first promotion came into the repository."""
        folder, out = os.path.join(self.repo, "promotion"), {}
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            path = os.path.join(folder, name)
            if name.endswith(".minisig") or name.startswith("."):
                continue
            with open(path, "rb") as f:
                p = f.read()
            if p[96:112].hex() == release_id:
                ring = struct.unpack("<I", p[20:24])[0]
                out[ring] = min(out.get(ring, 1e12), os.stat(path).st_mtime)
        return out

    def own_ring(self, agent, release_id):
        """As src/release/plan says it."""
        if agent.ring0:
            return 0
        h = hashlib.blake2b(bytes.fromhex((agent.last or agent.status())["agent"]), key=bytes.fromhex(release_id), digest_size=16).digest()
        bucket = struct.unpack("<I", h[:4])[0]
        for ring in range(1, 6):
            if bucket < self.plan.share_ppm[ring] * 0xFFFFFFFF // 1000000:
                return ring
        return 6

    def footprint(self):
        """Mean PSS in KiB and CPU seconds of one agent, by process."""
        out = {}
        for a in self.agents:
            for name, pid in {**a.children(), "supervisor": a.process.pid}.items():
                try:
                    with open(f"/proc/{pid}/smaps_rollup") as f:
                        pss = next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
                    with open(f"/proc/{pid}/stat") as f:
                        fields = f.read().rsplit(")", 1)[1].split()
                except (OSError, StopIteration):
                    continue
                n, m, c = out.get(name, (0, 0, 0.0))
                out[name] = (n + 1, m + pss, c + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
        return {k: (m // n, c / n) for k, (n, m, c) in out.items()}

    def close(self):
        self.stop_controller()
        for a in self.agents:
            a.stop()
        for a in self.agents:
            if a.process:
                try:
                    a.process.wait(30)
                except subprocess.TimeoutExpired:
                    a.process.kill()
                    a.process.wait()
        if os.environ.get("SALLYPORT_KEEP"):
            print(f"# kept: {self.dir}", file=sys.stderr)
        else:
            shutil.rmtree(self.dir, True)
