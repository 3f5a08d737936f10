#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real agents on one machine under one controller: what reaches whom, and what never does. usage: fleet.py BUILD [--hosts N] [TEST...]

Each host is a whole agent on a replayed capture; nothing is loaded into the kernel, but agents want root. The tests are one
story, in order. With a build that has the option test_faults the bad release kills its workers for real.
"""
import argparse
import json
import os
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import tap
from fleet_bed import ROOT, Bed, Plan, Thief, ask, promotion, timestamp, wait_for
from tap import Skip, expect, test

SMALL = 40  # hosts
ENDS = ("blessed", "aborted", "withdrawn", "superseded")
RULE = """- rule: {name}
  desc: a file of this test
  condition: evt.type in (open, openat) and {condition}
  output: {name} by %proc.name
  priority: WARNING
"""

# An author's own test, so that whoever runs the vectors as a worker that counts dies, too.
BOOM = """  tests:
    - name: it fires
      event: file_open
      fires: true
      fields: {evt.type: openat, fd.name: /tmp/boom}
"""

# Evaluated for every file that is opened, and never true here: what exposure and quiet alerts want.
QUIET = 'not fd.name startswith "/tmp/"'
# A long path is looked through again and again for one event: what the proof allows, and the fuel does not.
OVER = " or ".join(f"fd.name glob '*a*a*a*a{i}b'" for i in range(400))


def note(text):
    print(f"# {text}", flush=True)


class Fleet:
    def __init__(self, build, hosts):
        self.n = hosts
        if hosts >= SMALL:
            self.ring0, soak, shares = 6, [6] + [4] * 6, [0, 40000, 90000, 170000, 300000, 600000, 1000000]
        else:
            self.ring0, soak, shares = 4, [6, 2, 2, 2, 2, 2, 2], [0, 120000, 240000, 360000, 500000, 700000, 1000000]
        self.bed = Bed(build, Plan(soak, shares, shadow_s=1, probation_s=4, report_s=2), rate=100 if hosts >= SMALL else 600)
        self.faulty = json.loads(self.bed.run("version", "--json").stdout).get("test_faults", False)
        self.good = None  # digest of the last blessed one
        self.withdrawn = []

    def start(self):
        start = time.monotonic()
        self.bed.add(self.n, ring0=self.ring0)
        self.bed.wait_enrolled(60)
        note(f"{self.n} hosts, {4 * self.n} processes, all report {time.monotonic() - start:.1f} s after the first was started")

    def watch(self, version, until, timeout, each=None, approve=True):
        """Look at a release until it is in one of these states; what it went through as (seconds, state, ring)."""
        begun, seen, r = time.monotonic(), [], None
        while time.monotonic() < begun + timeout:
            r = self.bed.release(version)
            if r and (not seen or seen[-1][1:] != (r["state"], r["ring"])):
                seen.append((round(time.monotonic() - begun, 1), r["state"], r["ring"]))
            if r and r["gate"]:
                self.gate = r["gate"]
            if r and r["state"] in until:
                return r, seen
            if r and approve and "signature" in r["waits_for"]:
                self.bed.change("promote", version, "--key", self.bed.path("approve.key"), code=None)
            if r and r["state"] in ENDS:
                break
            if r and each:
                each(r)
            time.sleep(0.3)
        raise AssertionError(f"{version} is not {until} after {timeout} s: {seen}\n{json.dumps(r)[:500]}\n{self.gate}\n{self.strikes()}\n{self.controller_log()}")

    def strikes(self):
        return {a.n: [a.last["release"], a.text()[-600:]] for a in self.bed.agents if (a.status() or {"release": {"quarantined": 0}})["release"]["quarantined"]}

    def controller_log(self):
        with open(self.bed.path("controller.log"), errors="replace") as f:
            return f.read()[-1500:]

    def all_have(self, digest, agents=None, timeout=30):
        agents = self.bed.agents if agents is None else agents
        missing = list(agents)
        end = time.monotonic() + timeout
        while missing and time.monotonic() < end:
            missing = [a for a in missing if (a.status() or {"release": {}})["release"].get("lkg") != digest]
            time.sleep(0.2)
        expect(not missing, f"{len(missing)} hosts do not have {digest[:12]} as last known good, as {[a.n for a in missing[:9]]}:\n"
               + (missing[0].text()[-1500:] + str(missing[0].last) if missing else ""))

    def came_in_time(self, digest, release_id):
        """Nobody had it before a promotion of its own ring was there, and its own dwell over."""
        promoted, rings = self.bed.promoted(release_id), {}
        for a in self.bed.agents:
            own, had = self.bed.own_ring(a, release_id), a.had(digest)
            rings.setdefault(own, []).append(a.n)
            if had is None:
                continue
            opened = min((t for ring, t in promoted.items() if ring >= own), default=1e12)
            expect(had >= opened, f"host {a.n} of ring {own} had it {opened - had:.2f} s before its ring was open")
            # the host counts whole seconds: the first one may be short
            early = promoted[0] + self.bed.plan.dwell(own) - 1 - had
            expect(early <= 0, f"host {a.n} of ring {own} had it {early + 1:.2f} s before its own dwell was over")
        return {ring: len(hosts) for ring, hosts in sorted(rings.items())}


@test
def a_good_release_reaches_every_host_ring_by_ring(f):
    f.start()
    b = f.bed
    path = b.bundle("1.0", [os.path.join(ROOT, "rules")], keys=("b1",))
    expect("T" in b.publish(path, code=1).stderr, "one author's signature is not enough")
    b.run("bundle", "sign", path, "--key", b.path("b3.key"))
    b.start_controller(nice=-5)
    expect(wait_for(lambda: os.path.exists(os.path.join(b.repo, "timestamp.minisig")), 10), "no timestamp")
    f.old_timestamp = tuple(read(os.path.join(b.repo, n)) for n in ("timestamp", "timestamp.minisig"))
    begun = time.monotonic()
    out = b.publish(path)
    waited = []
    r, seen = f.watch("1.0", ("blessed",), 200, each=lambda r: waited.append(r["ring"]) if "signature" in r["waits_for"] else None)
    f.good = out["digest"]
    f.all_have(f.good)
    rings = f.came_in_time(f.good, out["id"])
    note(f"blessed and last known good on {f.n} hosts {time.monotonic() - begun:.1f} s after publish; hosts by ring: {rings}; {seen}")
    opened = list(dict.fromkeys(ring for _, _, ring in seen))
    expect(opened == sorted(opened) and set(b.promoted(out["id"])) >= set(opened), (opened, b.promoted(out["id"])))
    expect(min(waited) == 3 and max(waited) == 6, f"a person was waited for in {waited}")
    blind = sum(a.blind_s() for a in b.agents)
    expect(blind == 0, f"good content made hosts blind for {blind} s")
    note("of one agent, PSS in KiB and CPU s: " + ", ".join(f"{k} {m} {c:.2f}" for k, (m, c) in sorted(b.footprint().items())))


@test
def two_bought_hosts_only_pause_a_good_release(f):
    b = f.bed
    old, bought = f.good, b.agents[:2]
    path = b.bundle("1.1", RULE.format(name="Quiet", condition=QUIET))
    out = b.publish(path)
    killed = []

    def kill(r):
        for a in bought:
            s = a.status()
            if a not in killed and s and s["release"]["candidate"] == out["digest"] and s["release"]["phase"] == "probation":
                os.kill(a.worker(), 11)
                killed.append(a)
    r, seen = f.watch("1.1", ("blessed", "aborted", "halted", "withdrawn"), 240, each=kill)
    expect(len(killed) == 2, "the bought hosts were too late")
    expect(r["state"] == "blessed", f"two bought hosts stopped it: {seen} {f.gate}\n{f.strikes()}")
    expect(any(state == "paused" for _, state, _ in seen), f"their strikes were not even looked at: {seen}")
    f.all_have(out["digest"], [a for a in b.agents if a not in bought])
    f.came_in_time(out["digest"], out["id"])
    for a in bought:
        s = a.status()
        expect(s["release"]["quarantined"] == out["digest"] and s["release"]["lkg"] == old, s["release"])
    note(f"{seen}")
    # The owners of those two let it out again, and get it like everybody.
    for a in bought:
        ask(a.socket, "clear", out["digest"])
    f.all_have(out["digest"], bought)
    f.good = out["digest"]


def stopped_in_ring_0(f, version, digest, release, others):
    b = f.bed
    expect(set(b.promoted(release)) == {0}, f"it left ring 0: {b.promoted(release)}")
    for a in others:
        expect(a.had(digest) is None and digest[:16] not in a.text(), f"host {a.n} had it:\n{a.text()[-1500:]}")


@test
def a_release_that_kills_its_workers_never_leaves_ring_0(f):
    if not f.faulty:
        raise Skip("this build has no test_faults")
    b = f.bed
    b.see("boom")
    path = b.bundle("2.0", RULE.format(name="Culprit", condition='fd.name faulty "live segv boom"') + BOOM
                    + RULE.format(name="Quiet", condition=QUIET))
    # Two hosts tell of it: too few to be believed, so that it must be reproduced. The other volunteers stand aside.
    ring0, aside, others = b.agents[:2], b.agents[2:f.ring0], b.agents[2:]
    for a in aside:
        a.policy("pause: true\n")
        a.restart()
    wait_for(lambda: all(a.status() for a in aside), 10)
    before = sum(a.blind_s() for a in ring0)
    out, begun = b.publish(path), time.monotonic()
    r, seen = f.watch("2.0", ("reverting", "withdrawn"), 60)
    halted = time.monotonic() - begun
    f.withdrawn.append((path, out["digest"]))
    states = [s for _, s, _ in seen]
    expect("paused" in states or "halted" in states or "reverting" in states, seen)
    wait_for(lambda: all((a.status() or {"release": {"quarantined": 0}})["release"]["quarantined"] == out["digest"] for a in ring0), 20)
    for a in ring0:
        s = a.status()
        expect(s["release"]["lkg"] == f.good and s["release"]["phase"] == "none" and s["level"] == "normal", s)
        expect(s["release"]["quarantined"] == out["digest"], s["release"])
    named = [a.n for a in ring0 if a.last["release"]["rule"] == "Culprit" and a.last["release"]["signal"] == 11]
    expect(named, [a.last["release"] for a in ring0])
    blind = sum(a.blind_s() for a in ring0) - before
    expect(0 <= blind < 2 * len(ring0), f"blind for {blind} s")
    stopped_in_ring_0(f, "2.0", out["digest"], out["id"], others)
    died = [e for e in b.log_entries() if e["kind"] == "reproduce" and out["digest"] in e["body"]]
    expect(died and '"died":true' in died[-1]["body"], [e["kind"] for e in b.log_entries()][-12:])
    expect(wait_for(lambda: os.listdir(os.path.join(b.repo, "revoke")), 5), "no revoke in the repository")
    note(f"halted {halted:.1f} s after publish; hosts down 0; blind host-seconds {blind:.2f} on {len(ring0)} hosts; {len(named)} name the rule; {seen}")
    b.see("bait")
    for a in aside:
        a.policy()
        a.restart()
    expect(wait_for(lambda: all(a.status() for a in aside), 10), "they do not come back")


@test
def over_its_budget_on_live_events_it_never_leaves_ring_0(f):
    b = f.bed
    ring0, others = b.agents[:f.ring0], b.agents[f.ring0:]
    path = b.bundle("2.1", RULE.format(name="Over", condition=f"({OVER})"))
    out, begun = b.publish(path), time.monotonic()
    r, seen = f.watch("2.1", ("reverting", "withdrawn", "aborted"), 90)
    f.withdrawn.append((path, out["digest"]))
    wait_for(lambda: all(a.status()["release"]["quarantined"] == out["digest"] for a in ring0), 20)
    for a in ring0:
        s = a.last["release"]
        expect(s["quarantined"] == out["digest"] and s["lkg"] == f.good and s["rule"] == "Over", s)
    stopped_in_ring_0(f, "2.1", out["digest"], out["id"], others)
    note(f"stopped {time.monotonic() - begun:.1f} s after publish, {ring0[0].last['release']['cause']}; {seen}")


@test
def what_was_stopped_is_refused_by_every_channel(f):
    if not f.withdrawn:
        raise Skip("nothing was stopped")
    b = f.bed
    path, digest = f.withdrawn[0]
    host = b.agents[0]
    said = b.publish(path, code=1).stderr
    expect("D33" in said, said)
    # The owner's own lane, signed by the owner's own key.
    own = shutil.copy(path, b.path("own.bundle"))
    b.run("bundle", "sign", own, "--key", b.path("owner.key"))
    size = len(host.text())
    host.restart(content=own)
    expect(wait_for(lambda: "quarantined on this host" in host.text()[size:], 10), host.text()[size:])
    # An archive, carried to a host that asks nobody else.
    tar, other = b.path("offline.tar"), b.path("offline")
    b.run("release", "export", "--repo", b.url, "-o", tar)
    os.mkdir(other)
    b.run("release", "import", tar, "--repo", f"dir://{other}")
    os.makedirs(os.path.join(other, "health"), exist_ok=True)
    host.restart(url=f"dir://{other}")
    e = wait_for(lambda: host.explain(digest), 15)
    time.sleep(2)
    s = host.status()
    expect(s["release"]["candidate"] != digest and s["release"]["lkg"] == f.good, s)
    expect(not e or not e["go"], e)
    host.restart()
    expect(wait_for(host.status, 15), "it does not come back")


@test
def without_reports_a_release_freezes(f):
    b = f.bed
    health = os.path.join(b.repo, "health")
    os.chown(health, 0, 0)
    try:
        out = b.publish(b.bundle("3.0", RULE.format(name="Deaf", condition=QUIET)))
        _, seen = f.watch("3.0", ("paused", "aborted"), 60)
        wait_for(lambda: f.bed.release("3.0")["state"] == "aborted", 4 * sum(b.plan.soak[:1]))
    finally:
        os.chown(health, 65534, 65534)
    expect(set(b.promoted(out["id"])) == {0}, b.promoted(out["id"]))
    for a in b.agents[f.ring0:]:
        expect(a.had(out["digest"]) is None, f"host {a.n} has what nobody watched")
    note(f"{seen}, then {f.bed.release('3.0')['state']}")


def tampered(f, name, do, say):
    """The repository does this to its file; a host keeps what it has, and says so."""
    b, host = f.bed, f.bed.agents[-1]
    path = os.path.join(b.repo, name)
    kept = path + ".kept"
    os.rename(path, kept)
    try:
        do(path, kept)
        ask(host.socket, "sync")
        got = wait_for(lambda: (host.status() or {"repository": {"error": ""}})["repository"]["error"], 10)
        expect(got, f"{say}: nothing is said")
        s = host.last
        expect(s["release"]["lkg"] and s["level"] == "normal", s)
        note(f"{say}: {got}")
    finally:
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        elif os.path.lexists(path):
            os.unlink(path)
        os.rename(kept, path)


def wrote(data):
    def do(path, kept):
        with open(path, "wb") as g:
            g.write(data(kept) if callable(data) else data)
    return do


def read(path, n=-1):
    with open(path, "rb") as f:
        return f.read(n)


@test
def a_hostile_repository_is_not_believed(f):
    b = f.bed
    b.stop_controller()
    first = os.path.join(b.repo, "promotion", "1-1")

    def huge(path, kept):
        with open(path, "wb") as g:
            g.truncate(1 << 31)
    tampered(f, "timestamp", wrote(lambda kept: read(kept, 40)), "a truncated timestamp")
    tampered(f, "timestamp", wrote(lambda kept: read(first)), "a promotion as timestamp")
    tampered(f, "timestamp", wrote(b""), "an empty timestamp")
    tampered(f, "timestamp", huge, "a timestamp of 2 GiB")
    tampered(f, "timestamp", lambda path, kept: os.symlink("/etc/shadow", path), "a link to /etc/shadow")
    tampered(f, "timestamp", lambda path, kept: os.mkfifo(path), "a pipe that nobody writes to")
    tampered(f, "timestamp", lambda path, kept: os.mkdir(path), "a directory")
    tampered(f, "timestamp", lambda path, kept: None, "no timestamp")
    tampered(f, "timestamp.minisig", wrote(lambda kept: read(first + ".minisig")), "somebody else's signature")
    stale = Thief(b.path("b1.key"), b.path("online/revoke.key"))
    now = timestamp(1, 1, 10**6, 10**6, 0)

    def forged(path, kept):
        wrote(now)(path, kept)
    sig = os.path.join(b.repo, "timestamp.minisig")
    kept_sig = read(sig)
    try:
        wrote(stale.minisig(now))(sig, None)
        tampered(f, "timestamp", forged, "a timestamp signed by keys of other roles")
        # What was true once, whole and signed: an older state of the repository.
        wrote(f.old_timestamp[1])(sig, None)
        tampered(f, "timestamp", wrote(f.old_timestamp[0]), "the timestamp of before")
    finally:
        wrote(kept_sig)(sig, None)
    host = b.agents[-1]
    ask(host.socket, "sync")
    expect(wait_for(lambda: not host.status()["repository"]["error"], 15), host.last["repository"])
    expect(host.last["release"]["lkg"] == f.good, host.last)


@test
def with_every_online_key_stolen_only_ring_0_arms(f):
    b = f.bed
    b.stop_controller()
    # The plan of a real fleet, or close to it: the next root, signed by its owners, and taken by every host.
    b.plan.soak = [3600] * 7
    b.roots += 1
    root = b.new_root(after=b.root)
    b.root = root
    b.round()
    expect(wait_for(lambda: all(s and s["repository"]["root"] == 2 for s in b.statuses().values()), 40, 0.5), "not every host took the new root")
    path = b.bundle("9.0", RULE.format(name="Stolen", condition=QUIET))
    digest = bytes.fromhex(b.digest(path))
    release, thief = os.urandom(16), Thief(b.path("online/promote.key"))
    wrote(read(path))(os.path.join(b.repo, "bundle", digest.hex()), None)
    wrote(read(path + ".minisig"))(os.path.join(b.repo, "bundle", digest.hex() + ".minisig"), None)
    seq = max(int(n.split("-")[1]) for n in os.listdir(os.path.join(b.repo, "promotion")) if not n.endswith(".minisig"))
    cutoffs = [s * 0xFFFFFFFF // 1000000 for s in b.plan.share_ppm] + [0xFFFFFFFF]
    wanted = [(ring, digest, release) for ring in range(8)]
    for _, bad in f.withdrawn:
        wanted.append((0, bytes.fromhex(bad), os.urandom(16)))
    for ring, what, as_release in wanted:
        seq += 1
        p = promotion(1, ring, seq, what, as_release, cutoff=cutoffs[ring])
        wrote(p)(os.path.join(b.repo, "promotion", f"1-{seq}"), None)
        wrote(thief.minisig(p))(os.path.join(b.repo, "promotion", f"1-{seq}.minisig"), None)
    old = read(os.path.join(b.repo, "timestamp"))
    version, revokes = int.from_bytes(old[24:32], "little"), int.from_bytes(old[56:64], "little")
    t = timestamp(1, 2, version + 1, seq, revokes)
    wrote(Thief(b.path("online/timestamp.key")).minisig(t))(os.path.join(b.repo, "timestamp.minisig"), None)
    wrote(t)(os.path.join(b.repo, "timestamp"), None)
    begun = time.monotonic()
    ring0, others = b.agents[:f.ring0], b.agents[f.ring0:]
    f.all_have(digest.hex(), ring0, 60)
    expect(wait_for(lambda: all(a.explain(digest.hex()) for a in others), 30, 0.5), "somebody did not hear of it")
    time.sleep(5)
    why = {}
    for a in others:
        e = a.explain(digest.hex())
        expect(e and not e["go"] and a.had(digest.hex()) is None, f"host {a.n}: {e}")
        no = tuple(c["check"] for c in e["checks"] if not c["ok"])
        expect("own dwell" in no, f"host {a.n}: {no}")
        why[no] = why.get(no, 0) + 1
        s = a.status()
        expect(s["release"]["lkg"] == f.good and not s["release"]["candidate"], s)
    for _, bad in f.withdrawn:
        for a in ring0:
            s = a.status()["release"]
            expect(bad not in (s["lkg"], s["candidate"]), f"host {a.n} runs what was withdrawn")
    said = sum("a promotion is not believed" in a.text() for a in b.agents)
    expect(said == len(b.agents), f"{said} hosts told of promotions that no person signed")
    note(f"{time.monotonic() - begun:.0f} s later: {len(ring0)} hosts of ring 0 have it, {len(others)} do not: "
         + ", ".join(f"{n} hosts: {' and '.join(no)}" for no, n in why.items()))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--hosts", type=int, default=200)
    p.add_argument("test", nargs="*", help="parts of names; the first test is always run")
    args = p.parse_intermixed_args()
    if args.test:
        tap.TESTS[1:] = [t for t in tap.TESTS[1:] if any(part in t.__name__ for part in args.test)]
    if os.geteuid():
        print("1..0 # SKIP agents need root")
        return 0
    f = Fleet(args.build, args.hosts)
    try:
        return tap.main(f)
    finally:
        f.bed.close()


if __name__ == "__main__":
    sys.exit(main())
