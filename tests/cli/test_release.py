#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A release server as a person runs one: keys, root, bundle, publish, controller, archive. usage: test_release.py BINARY [TEST]"""
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
sys.path.insert(0, HERE)
import tap
from tap import expect
from test_cli import RULE, Context

tap.TESTS.clear()  # test_cli has its own run
test = tap.test

ROLES = """roles:
  root: {threshold: 1, keys: [r.pub]}
  bundle: {threshold: 2, keys: [b1.pub, b2.pub, b3.pub]}
  promote: {threshold: 1, keys: [keys/promote.pub]}
  approve: {threshold: 1, keys: [a.pub]}
  revoke: {threshold: 1, keys: [keys/revoke.pub, a.pub]}
  timestamp: {threshold: 1, keys: [keys/timestamp.pub]}
plan:
  soak_s: [2, 2, 2, 2, 2, 2, 2]
  ramp_s: [0, 0, 0, 0, 0, 0, 0]
  urgent_soak_s: [1, 1, 1, 1, 1, 1, 1]
  urgent_ramp_s: [0, 0, 0, 0, 0, 0, 0]
  share_ppm: [0, 100, 1000, 10000, 50000, 200000, 1000000]
"""


class Server:
    def __init__(self, c, name):
        self.c = c
        self.dir = c.path(name)
        os.makedirs(os.path.join(self.dir, "keys"))
        os.makedirs(os.path.join(self.dir, "repo"))
        self.repo, self.ledger = f"dir://{self.dir}/repo", f"{self.dir}/ledger"
        for key in ("r", "b1", "b2", "b3", "a", "keys/promote", "keys/revoke", "keys/timestamp"):
            self.run("key", "new", "-o", self.p(key), code=0)
        with open(self.p("roles.yaml"), "w") as f:
            f.write(ROLES)
        self.run("release", "root", "new", "--fleet", "test", "--keys", self.p("roles.yaml"), "-o", self.p("root"), code=0)
        self.run("release", "root", "sign", self.p("root"), "--key", self.p("r.key"), code=0)

    def p(self, name):
        return os.path.join(self.dir, name)

    def run(self, *args, **kw):
        return self.c.run(*args, **kw)

    def bundle(self, version, rule=RULE, keys=("b1", "b2")):
        with open(self.p("rules.yaml"), "w") as f:
            f.write(rule)
        path = self.p(f"{version}.bundle")
        self.run("bundle", "build", self.p("rules.yaml"), "--version", version, "-o", path, code=0)
        for k in keys:
            self.run("bundle", "sign", path, "--key", self.p(f"{k}.key"), code=0)
        return path

    def publish(self, path, *more, code=0, root=True):
        args = ["release", "publish", path, "--channel", "stable", "--repo", self.repo, "--ledger", self.ledger, "--json", *more]
        if root:
            args += ["--root", self.p("root")]
        r = self.run(*args, code=code)
        return json.loads(r.stdout) if code == 0 else r

    def round(self, *more, code=0):
        r = self.run("controller", "--repo", self.repo, "--ledger", self.ledger, "--keys", self.p("keys"), "--once", "--json", *more, code=code)
        return json.loads(r.stdout) if code == 0 else r

    def status(self):
        return json.loads(self.run("release", "status", "--ledger", self.ledger, "--json", code=0).stdout)

    def change(self, what, version, *more, code=0):
        return self.run("release", what, version, "--repo", self.repo, "--ledger", self.ledger, *more, code=code)

    def files(self, folder):
        d = os.path.join(self.dir, "repo", folder)
        return sorted(f for f in os.listdir(d) if not f.endswith(".minisig")) if os.path.isdir(d) else []


@test
def a_bundle_becomes_a_release_when_enough_authors_signed_it(c):
    s = Server(c, "publish")
    path = s.bundle("1.0", keys=("b1",))
    r = s.publish(path, code=1)
    expect("T" in r.stderr and not s.files("bundle"), r.stderr)
    s.run("bundle", "sign", path, "--key", s.p("a.key"), code=0)
    s.publish(path, code=1, root=False)
    s.run("bundle", "sign", path, "--key", s.p("b3.key"), code=0)
    out = s.publish(path)
    expect(set(out) == {"changed_rules", "channel", "digest", "id", "state", "version"}, out)
    expect(out["state"] == "signed" and out["version"] == "1.0" and s.files("bundle") == [out["digest"]], out)
    expect("D333" in s.publish(path, code=1, root=False).stderr, "the same once more")
    log = json.loads(s.run("release", "log", "--ledger", s.ledger, "--verify", "--json", code=0).stdout)
    expect([e["kind"] for e in log["entries"]] == ["root", "draft", "compiled", "proven", "signed"], log)
    expect(log["verified"] and log["head"] == log["entries"][-1]["hash"], log)


@test
def a_ledger_without_a_root_takes_nothing(c):
    s = Server(c, "rootless")
    r = s.publish(s.bundle("1.0"), code=1, root=False)
    expect("D303" in r.stderr, r.stderr)


@test
def the_controller_opens_ring_0_and_waits_for_reports(c):
    s = Server(c, "ring0")
    s.publish(s.bundle("1.0"))
    out = s.round()
    expect(set(out) == {"enrolled", "hosts", "news", "objects", "refused", "steps"} and out["steps"] == 1, out)
    expect(s.files("promotion") == ["1-1"] and s.files("root") == ["1"] and "timestamp" in os.listdir(s.p("repo")), s.files("promotion"))
    time.sleep(2.5)
    s.round()
    st = s.status()["releases"][0]
    expect(st["state"] == "paused" and st["ring"] == 0 and "reporting" in st["waits_for"], st)
    expect(s.files("promotion") == ["1-1"], "no reports, no ring")
    text = s.run("release", "status", "--ledger", s.ledger, code=0).stdout
    expect(re.search(r"^1\.0 +stable +normal +! \. \. \. \. \. \.  paused$", text, re.M) and "reporting" in text, text)


@test
def a_person_pauses_resumes_halts(c):
    s = Server(c, "person")
    digest = s.publish(s.bundle("1.0"))["digest"]
    s.change("pause", "1.0", code=1)  # nothing is out yet
    s.round()
    expect("G201" in s.change("resume", "1.0", code=1).stderr, "what is not paused is not resumed")
    s.change("pause", digest[:8])
    expect(s.status()["releases"][0]["state"] == "paused", "paused")
    s.change("resume", "1.0")
    s.change("halt", "1.0")
    s.round()
    expect(s.files("revoke") == ["1-1"], s.files("revoke"))
    s.round()
    s.round()
    expect(s.status()["releases"][0]["state"] == "withdrawn", s.status())
    expect("D332" in s.publish(s.p("1.0.bundle"), code=1).stderr, "it does not come back")
    actors = {e["actor"] for e in json.loads(s.run("release", "log", "--ledger", s.ledger, "--json", code=0).stdout)["entries"]}
    expect(len(actors) == 2 and "controller" in actors, actors)
    expect("no release" in s.change("pause", "7", code=1).stderr, "unknown")


@test
def the_urgent_lane_needs_a_persons_key(c):
    s = Server(c, "urgent")
    s.publish(s.bundle("1.0"), "--lane", "urgent")
    s.round()
    expect(not s.files("promotion") and "signature" in s.status()["releases"][0]["waits_for"], s.status())
    expect("D335" in s.change("promote", "1.0", code=1).stderr, "without a key")
    s.change("promote", "1.0", "--key", s.p("b1.key"), code=1)
    s.change("promote", "1.0", "--key", s.p("a.key"))
    s.round()
    n = len(s.files("promotion"))
    expect(n == 1 and s.status()["releases"][0]["state"] in ("ring", "paused"), s.status())
    # Nobody signs for a ring whose gate has not passed.
    expect(s.change("promote", "1.0", "--key", s.p("a.key"), code=1).stderr, "before the gate")


@test
def with_the_approve_key_on_the_controller_nobody_is_waited_for(c):
    s = Server(c, "unattended")
    s.publish(s.bundle("1.0"), "--lane", "urgent")
    s.round("--approve-key", s.p("a.key"))
    expect(len(s.files("promotion")) == 1, s.files("promotion"))


@test
def a_repository_travels_in_a_tar(c):
    s = Server(c, "tar")
    s.publish(s.bundle("1.0"))
    s.round()
    tar = s.p("out.tar")
    s.run("release", "export", "--repo", s.repo, "-o", tar, code=0)
    first = open(tar, "rb").read()
    s.run("release", "export", "--repo", s.repo, "-o", tar, code=0)
    expect(open(tar, "rb").read() == first, "the same again")
    with tarfile.open(tar) as t:
        names = t.getnames()
    expect("promotion/1-1" in names and "root/1.minisig" in names and names[-1] == "timestamp", names)
    os.makedirs(s.p("other"))
    out = json.loads(s.run("release", "import", tar, "--repo", f"dir://{s.p('other')}", "--json", code=0).stdout)
    expect(out == {"files": len(names)}, out)
    for name in names:
        expect(open(s.p(f"other/{name}"), "rb").read() == open(s.p(f"repo/{name}"), "rb").read(), name)
    s.run("release", "import", tar, "--repo", f"dir://{s.p('other')}", code=0)
    with open(s.p("other/promotion/1-1"), "ab") as f:
        f.write(b"x")
    expect("D406" in s.run("release", "import", tar, "--repo", f"dir://{s.p('other')}", code=1).stderr, "other bytes")
    # Damage leaves nothing behind.
    os.makedirs(s.p("third"))
    with open(s.p("cut.tar"), "wb") as f:
        f.write(first[:-3000])
    s.run("release", "import", s.p("cut.tar"), "--repo", f"dir://{s.p('third')}", code=1)
    with tarfile.open(s.p("evil.tar"), "w", format=tarfile.USTAR_FORMAT) as t:
        i = tarfile.TarInfo("root/9")
        i.type, i.linkname = tarfile.SYMTYPE, "/etc/passwd"
        t.addfile(i)
    expect("D404" in s.run("release", "import", s.p("evil.tar"), "--repo", f"dir://{s.p('third')}", code=1).stderr, "a link")
    expect(os.listdir(s.p("third")) == [], os.listdir(s.p("third")))


@test
def a_log_that_was_changed_is_refused(c):
    s = Server(c, "tamper")
    s.publish(s.bundle("1.0"))
    db = sqlite3.connect(s.ledger)
    db.execute("DROP TRIGGER log_update")
    db.execute("UPDATE log SET actor = 'nobody' WHERE n = 2")
    db.commit()
    db.close()
    r = s.run("release", "log", "--ledger", s.ledger, "--verify", code=1)
    expect("D207" in r.stderr and "entry 2" in r.stderr, r.stderr)
    expect("D207" in s.round(code=1).stderr, "the controller looks before it works")


@test
def the_controller_runs_beside_commands_and_stops_when_told(c):
    s = Server(c, "daemon")
    s.publish(s.bundle("1.0"))
    p = subprocess.Popen([c.binary, "controller", "--repo", s.repo, "--ledger", s.ledger, "--keys", s.p("keys"), "--interval", "1"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(100):
            if s.files("promotion"):
                break
            time.sleep(0.1)
        s.change("pause", "1.0")
        s.change("resume", "1.0")
    finally:
        p.send_signal(signal.SIGTERM)
        out, err = p.communicate(timeout=20)
    expect(p.returncode == 0 and "Sanitizer" not in err and "steps=1" in err, err)


@test
def wrong_use_is_told(c):
    s = Server(c, "usage")
    for args, text in ((("release",), "publish"), (("release", "frob"), "frob"), (("release", "status"), "--ledger"),
                       (("release", "pause", "1"), "--repo"), (("controller",), "--repo"),
                       (("release", "publish", "--channel", "x", "--repo", s.repo, "--ledger", s.ledger), "bundle"),
                       (("release", "log", "--ledger", s.ledger, "--lane", "urgent"), "lane"),
                       (("release", "status", "--ledger", s.ledger, "more"), "more"),
                       (("controller", "--repo", s.repo, "--ledger", s.ledger, "--keys", s.p("keys"), "--json"), "--once"),
                       (("controller", "--repo", s.repo, "--ledger", s.ledger, "--keys", s.p("keys"), "--interval", "x"), "interval")):
        r = s.run(*args, code=2)
        expect(text in r.stderr, (args, r.stderr))
    expect("D102" in s.run("release", "export", "--repo", "http://x", "-o", s.p("t"), code=1).stderr, "scheme")
    expect("ledger" in s.run("release", "status", "--ledger", s.p("none"), code=1).stderr, "no ledger")


if __name__ == "__main__":
    sys.exit(tap.main(Context(os.path.abspath(sys.argv[1])), *sys.argv[2:3]))
