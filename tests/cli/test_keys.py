#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keys and the root of a fleet as a person makes them. usage: test_keys.py BINARY [TEST]"""
import json
import os
import pty
import shutil
import signal
import stat
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
sys.path.insert(0, HERE)
import tap
from tap import Skip, expect
from test_cli import Context

tap.TESTS.clear()  # test_cli has its own run
from tap import test

ROLES = """roles:
  root: {threshold: 2, keys: [r1.pub, r2.pub, r3.pub]}
  bundle: {keys: [b1.pub, b2.pub, r1.pub]}
  promote: {keys: [p.pub]}
  approve: {keys: [r1.pub, r2.pub]}
  revoke: {keys: [r1.pub, r2.pub]}
  timestamp: {keys: [t.pub]}
plan:
  ring0_hosts: 3
  soak_s: [5, 5, 5, 5, 5, 5, 5]
  urgent_soak_s: [2, 2, 2, 2, 2, 2, 2]
  share_ppm: [0, 100, 1000, 10000, 50000, 200000, 1000000]
"""


def keys(c, *names):
    for name in names:
        if not os.path.exists(c.path(f"{name}.key")):
            c.run("key", "new", "-o", name, code=0)


def fleet(c):
    keys(c, "r1", "r2", "r3", "b1", "b2", "p", "t")
    return c.file("roles.yaml", ROLES)


@test
def a_pair_is_made_once_and_the_secret_half_is_private(c):
    out = json.loads(c.run("key", "new", "-o", "k", "--comment", "Ann's", "--json", code=0).stdout)
    expect(set(out) == {"id", "key", "kind"} and out["kind"] == "public", out)
    expect(stat.S_IMODE(os.stat(c.path("k.key")).st_mode) == 0o600, "mode of the secret key")
    before = {f: open(c.path(f), "rb").read() for f in ("k.key", "k.pub")}
    expect(all(b.startswith(b"untrusted comment: Ann's\n") for b in before.values()), before)
    for gone in ((), ("k.key",), ("k.pub",)):
        for f in gone:
            os.rename(c.path(f), c.path("away"))
        c.run("key", "new", "-o", "k", code=1)
        for f in gone:
            expect(not os.path.exists(c.path(f)), f"{f} was left behind")
            os.rename(c.path("away"), c.path(f))
        expect(before == {f: open(c.path(f), "rb").read() for f in before}, "a key was written over")
    shown = json.loads(c.run("key", "show", "k.key", "--json", code=0).stdout)
    expect(shown == dict(out, kind="secret"), shown)
    expect(out["id"] in c.run("key", "show", "k.pub", code=0).stdout, "id")
    secret = open(c.path("k.key")).read().split("\n")[1]
    expect(secret not in c.run("key", "show", "k.key").stdout, "the secret key is shown")


@test
def a_secret_key_that_others_may_read_is_refused(c):
    keys(c, "r1")
    for mode in (0o640, 0o604, 0o620, 0o644):
        os.chmod(c.path("r1.key"), mode)
        r = c.run("key", "show", "r1.key", code=1)
        expect("others may read" in r.stderr, r.stderr)
    os.chmod(c.path("r1.key"), 0o600)
    c.run("key", "show", "r1.key", code=0)
    os.symlink("/dev/zero", c.path("zero.key"))
    c.run("key", "show", "zero.key", code=1)
    c.run("key", "show", "none.key", code=1)


@test
def a_password_is_a_line_of_standard_input(c):
    c.run("key", "new", "-o", "pw", "--password", input="correct horse\n", code=0)
    expect("password" in c.run("key", "show", "pw.key", input="", code=2).stderr, "nothing asked")
    r = c.run("key", "show", "pw.key", input="battery\n", code=1)
    expect("the password is wrong" in r.stderr, r.stderr)
    c.run("key", "show", "pw.key", input="correct horse\n", code=0)
    c.run("key", "new", "-o", "pw2", "--password", input="\n", code=2)
    expect(not os.path.exists(c.path("pw2.key")), "a key without its password")


@test
def a_password_is_typed_twice_and_not_shown(c):
    def typed(*lines):
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(c.dir)
            os.execv(c.binary, [c.binary, "key", "new", "-o", "tty", "--password"])
        signal.alarm(60)
        said = b""
        for line in lines:
            prompt = b""
            while not prompt.rstrip().endswith(b":"):
                prompt += os.read(fd, 1000)
            said += prompt
            os.write(fd, line + b"\n")
        while True:
            try:
                more = os.read(fd, 1000)
            except OSError:
                break
            if not more:
                break
            said += more
        signal.alarm(0)
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said

    code, said = typed(b"secret", b"sacred")
    expect(code == 2 and b"two different" in said and not os.path.exists(c.path("tty.key")), said)
    code, said = typed(b"secret", b"secret")
    expect(code == 0 and b"secret" not in said.replace(b"secret key", b""), said)
    c.run("key", "show", "tty.key", input="secret\n", code=0)


@test
def minisign_reads_what_is_made_here(c):
    if not shutil.which("minisign"):
        raise Skip("minisign is not installed")
    fleet(c)
    c.run("release", "root", "new", "--fleet", "f", "--keys", "roles.yaml", "-o", "m", code=0)
    c.run("release", "root", "sign", "m", "--key", "r2.key", code=0)
    r = subprocess.run(["minisign", "-V", "-H", "-p", "r2.pub", "-m", "m"], cwd=c.dir, capture_output=True, text=True)
    expect(r.returncode == 0 and "file:m" in r.stdout, r.stdout + r.stderr)
    os.remove(c.path("m.minisig"))
    subprocess.run(["minisign", "-S", "-W", "-s", "r1.key", "-m", "m"], cwd=c.dir, check=True, capture_output=True)
    out = json.loads(c.run("release", "root", "sign", "m", "--key", "r3.key", "--json", code=0).stdout)
    expect([s["state"] for s in out["signatures"]] == ["valid", "valid"] and out["signed"], out)


@test
def a_root_is_signed_by_its_threshold_and_followed_by_the_next(c):
    fleet(c)
    out = json.loads(c.run("release", "root", "new", "--fleet", "eu.web", "--keys", "roles.yaml", "-o", "root", "--days", "30", "--json", code=0).stdout)
    expect(set(out) == {"epoch", "expires", "fleet", "keys", "plan", "signatures", "signed", "thresholds", "version"}, out)
    expect(out["thresholds"] == {"root": 2, "bundle": 2, "promote": 1, "approve": 1, "revoke": 1, "timestamp": 1}, out)
    expect(len(out["keys"]) == 7 and out["keys"][0]["roles"] == ["root", "bundle", "approve", "revoke"], out["keys"])
    expect(out["plan"]["ring0_hosts"] == 3 and out["plan"]["rings"][6] == {
        "cutoff": 2**32 - 1, "ramp_s": 86400, "soak_s": 5, "urgent_ramp_s": 3600, "urgent_soak_s": 2}, out["plan"])
    expect(not out["signed"] and out["version"] == 1, out)

    def sign(root, *names, **kw):
        return json.loads(c.run("release", "root", "sign", root, *(a for n in names for a in ("--key", f"{n}.key")), "--json", code=0).stdout)

    expect(not sign("root", "r1")["signed"], "one key of two")
    out = sign("root", "r1", "b1")
    expect([s["state"] for s in out["signatures"]] == ["valid", "other-role"] and not out["signed"], out)
    keys(c, "stranger")
    out = sign("root", "stranger")
    expect(out["signatures"][2]["state"] == "unknown", out)
    out = sign("root", "r3")
    expect(out["signed"] and len(out["signatures"]) == 4, out)
    text = c.run("release", "root", "show", "root", code=0).stdout
    expect("signed     yes" in text and "eu.web" in text, text)
    # the same file is not written over; the next one has the next number
    c.run("release", "root", "new", "--fleet", "eu.web", "--keys", "roles.yaml", "-o", "root", code=1)
    c.run("release", "root", "new", "--after", "root", "--fleet", "other", "--keys", "roles.yaml", "-o", "next", code=1)
    out = json.loads(c.run("release", "root", "new", "--after", "root", "--new-epoch", "--keys", "roles.yaml", "-o", "next", "--json", code=0).stdout)
    expect((out["version"], out["epoch"], out["fleet"]) == (2, 2, "eu.web"), out)
    # signatures of a changed file are seen to be invalid
    data = bytearray(open(c.path("root"), "rb").read())
    data[24] ^= 1
    c.file("root", bytes(data))
    out = json.loads(c.run("release", "root", "show", "root", "--json", code=0).stdout)
    expect({s["state"] for s in out["signatures"]} == {"invalid", "unknown"} and not out["signed"], out)


@test
def settings_of_a_root_are_refused_with_their_place(c):
    fleet(c)
    n = 0
    for was, becomes, said in (
            ("root: {threshold: 2,", "root: {threshold: 4,", "takes 4 signatures and has 3 keys"),
            ("root: {threshold: 2,", "root: {threshold: 0,", "takes 0 signatures"),
            ("keys: [p.pub]", "keys: [r1.pub]", "promotes and has another role"),
            ("keys: [p.pub]", "keys: [none.pub]", "none.pub"),
            ("keys: [p.pub]", "keys: [p.key]", "p.key"),
            ("keys: [p.pub]", "keys: [p.pub, p.pub]", "bad.yaml:4:27: error[O201]: this key stands twice"),
            ("keys: [p.pub]", "keys: p.pub", "a list of files"),
            ("promote:", "promotion:", "bad.yaml:4:3: error[O201]: there is no role 'promotion'"),
            ("  timestamp: {keys: [t.pub]}\n", "", "'timestamp' takes 1 signature"),
            ("ring0_hosts: 3", "ring0_hosts: 201", "ring 0 of 201"),
            ("ring0_hosts: 3", "ring0_hosts: many", "bad.yaml:9:16: error[G301]: a whole number"),
            ("ring0_hosts: 3", "ring_hosts: 3", "a plan has no 'ring_hosts'"),
            ("ring0_hosts: 3", "ring0_hosts: 3\n  ring0_hosts: 3", "stands twice"),
            ("[2, 2, 2, 2, 2, 2, 2]", "[2, 2]", "one for each ring"),
            ("[2, 2, 2, 2, 2, 2, 2]", "[2, 2, 9, 2, 2, 2, 2]", "ring 2 is watched longer"),
            ("1000000]", "1000001]", "parts of a million"),
            ("1000000]", "999999]", "not all hosts"),
            ("plan:", "rings:", "no 'rings'"),
            ("roles:", "roles: [", "this is no YAML")):
        expect(was in ROLES, was)
        c.file("bad.yaml", ROLES.replace(was, becomes, 1))
        r = c.run("release", "root", "new", "--fleet", "f", "--keys", "bad.yaml", "-o", "bad", code=1)
        expect(said in r.stderr, f"{becomes}: {r.stderr}")
        expect(not os.path.exists(c.path("bad")), f"{becomes}: it was written")
        n += 1
    expect(n == 19, n)
    r = c.run("release", "root", "new", "--fleet", "Not a name", "--keys", "roles.yaml", "-o", "bad", code=1)
    expect("'fleet'" in r.stderr, r.stderr)
    c.file("one.yaml", ROLES.replace("threshold: 2", "threshold: 1").replace("revoke: {keys: [r1.pub, r2.pub]}", "revoke: {keys: [r1.pub]}"))
    r = c.run("release", "root", "new", "--fleet", "f", "--keys", "one.yaml", "-o", "one", code=0)
    expect("one key alone signs for the role 'root'" in r.stderr and "one key to revoke with" in r.stderr, r.stderr)


@test
def wrong_use_is_exit_code_2(c):
    fleet(c)
    for args in (["key"], ["key", "no"], ["key", "new"], ["key", "new", "x"], ["key", "new", "-o", "x", "y"], ["key", "show"],
                 ["key", "new", "-o", "x", "--comment", "a\nb"], ["release"], ["release", "root"], ["release", "root", "no"],
                 ["release", "root", "new", "--fleet", "f", "-o", "x"], ["release", "root", "new", "--keys", "roles.yaml", "-o", "x"],
                 ["release", "root", "new", "--fleet", "f", "--keys", "roles.yaml", "-o", "x", "--days", "0"],
                 ["release", "root", "new", "--fleet", "f", "--keys", "roles.yaml", "-o", "x", "--new-epoch"],
                 ["release", "root", "sign", "roles.yaml"], ["release", "root", "show"]):
        c.run(*args, code=2)
    expect(not os.path.exists(c.path("x")) and not os.path.exists(c.path("x.key")), "something was made")
    r = c.run("release", "root", "show", "roles.yaml", code=1)
    expect("error[O1" in r.stderr, r.stderr)


if __name__ == "__main__":
    sys.exit(tap.main(Context(os.path.abspath(sys.argv[1])), sys.argv[2] if len(sys.argv) > 2 else None))
