#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A sensor that sees containers: real ones of runc and crun, and groups and files as docker and podman make them.

usage: test_live.py BINARY [TEST]. Needs root and a kernel that grants what the sensor asks for; skips elsewhere.
"""
import atexit
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import tap
from sensor import Sensor, why_no_kernel
from tap import Skip, expect, test

RULES = """
- rule: In a container
  desc: d
  condition: evt.type in (execve, execveat) and container.id != host
  output: "%container.id %container.full_id %container.type %container.name %container.image %container.image.tag %container.privileged %container.mounts %container.start_ts %container.duration %k8s.pod.name %proc.name"
  priority: NOTICE
- rule: Team image
  desc: d
  condition: evt.type in (execve, execveat) and container.image.repository = localhost:5000/team/app
  output: "%container.id"
  priority: NOTICE
- rule: Host directory
  desc: d
  condition: >
    evt.type in (execve, execveat) and container.mount.dest[/tmp/sallyport-live*] = /hostdir and
    container.mount.source[/hostd?r] startswith /tmp/ and not container.mount.dest[/etc] exists and
    container.label[org.opencontainers.image.ref.name] endswith ":v1" and thread.cgroup[memory] startswith /
  output: "%container.id"
  priority: NOTICE
- rule: Container started
  desc: d
  condition: evt.type in (execve, execveat) and proc.vpid = 1 and container.id != host and proc.name != runc
  output: "%container.id %proc.name %container.start_ts"
  priority: NOTICE
- rule: Privileged
  desc: d
  condition: evt.type in (execve, execveat) and container.privileged = true
  output: "%container.id"
  priority: NOTICE
"""

ALL_CAPS = ["CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_PTRACE", "CAP_SYS_RAWIO", "CAP_NET_ADMIN", "CAP_KILL"]


class Context:
    def __init__(self, binary):
        self.binary = binary
        self.dir = tempfile.mkdtemp(prefix="sallyport-live-")
        os.chmod(self.dir, 0o755)
        atexit.register(shutil.rmtree, self.dir, True)
        self.no_kernel = why_no_kernel(binary)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        return path

    def sensor(self, config=""):
        if self.no_kernel:
            raise Skip(self.no_kernel)
        settings = self.write("c.yaml", config + "rule_matching: all\n")
        s = Sensor(self.binary, "--config", settings, rules=[self.write("rules.yaml", RULES)])
        expect(s.wait_ready(), "not ready: " + s.stderr())
        return s


def bundle(c, name, caps, masked):
    """An OCI bundle whose programs are the host's."""
    root = os.path.join(c.dir, name)
    shutil.rmtree(root, True)
    mounts = [{"destination": "/proc", "type": "proc", "source": "proc"},
              {"destination": "/hostdir", "type": "bind", "source": c.dir, "options": ["rbind", "ro"]}]
    for d in ("bin", "lib", "lib64", "usr", "sbin"):
        at = os.path.join(root, "rootfs", d)
        os.makedirs(os.path.dirname(at), exist_ok=True)
        if os.path.islink("/" + d):
            os.symlink(os.readlink("/" + d), at)
        elif os.path.isdir("/" + d):
            os.makedirs(at)
            mounts.append({"destination": "/" + d, "type": "bind", "source": "/" + d, "options": ["rbind", "ro"]})
    os.makedirs(os.path.join(root, "rootfs", "proc"))
    os.makedirs(os.path.join(root, "rootfs", "hostdir"))
    spec = {
        "ociVersion": "1.0.0",
        "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "env": ["PATH=/usr/bin:/bin"],
                    "args": ["/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8; do /bin/true; sleep 0.1; done"],
                    "capabilities": {k: caps for k in ("bounding", "effective", "permitted")}},
        "root": {"path": "rootfs"},
        "mounts": mounts,
        "annotations": {"org.opencontainers.image.ref.name": "localhost:5000/team/app:v1"},
        "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}], "maskedPaths": masked},
    }
    with open(os.path.join(root, "config.json"), "w") as f:
        json.dump(spec, f)
    return root


def run_container(runtime, root):
    if not shutil.which(runtime):
        raise Skip(f"{runtime} is not installed")
    cid = secrets.token_hex(32)
    r = subprocess.run([runtime, "run", "--bundle", root, cid], capture_output=True, text=True, timeout=30)
    if r.returncode:
        raise Skip(f"{runtime} cannot run a container here: {(r.stderr or r.stdout).strip()[:150]}")
    return cid


def check_container(c, runtime):
    s = c.sensor()
    try:
        since = s.mark()
        cid = run_container(runtime, bundle(c, "plain", ["CAP_KILL"], ["/proc/kcore"]))
        alerts = lambda rule: [a["output_fields"] for a in s.alerts[since:] if a["rule"] == rule]
        expect(s.wait_alert(lambda a: a["rule"] == "Team image", since), f"no alert by image: {s.stderr()}")
        expect(s.wait_alert(lambda a: a["rule"] == "Host directory", since), f"no alert by mount: {s.stderr()}")
        started = s.wait_alert(lambda a: a["rule"] == "Container started", since)
        expect(started and started["output_fields"]["container.id"] == cid[:12], f"no alert of its start: {s.stderr()}")
        time.sleep(0.3)
        seen = alerts("In a container")
        shells = [f for f in seen if f["proc.name"] in ("sh", "true", "sleep", "dash", "busybox")]
        expect(shells, f"nothing was seen inside: {seen}")
        expect(all(f["container.full_id"] == cid and f["container.id"] == cid[:12] for f in seen), f"other ids: {seen}")
        last = shells[-1]
        expect(last["container.type"] == "oci", last)
        expect(last["container.image"] == "localhost:5000/team/app:v1" and last["container.image.tag"] == "v1", last)
        expect(f"{c.dir}:/hostdir::false:" in last["container.mounts"], last)
        expect(last["container.privileged"] is False, last)
        expect(0 < last["container.duration"] < 30e9, last)
        without = sum(f["container.image"] is None for f in shells)
        expect(without <= 3, f"{without} of {len(shells)} events before the files were read")
        print(f"# {runtime}: {without} of {len(shells)} events in the container came before its files were read")

        since = s.mark()
        cid = run_container(runtime, bundle(c, "privileged", ALL_CAPS, []))
        a = s.wait_alert(lambda a: a["rule"] == "Privileged", since)
        expect(a and a["output_fields"]["container.id"] == cid[:12], f"no alert of the privileged one: {s.stderr()}")
    finally:
        stats = s.stop()
    expect(stats.get("lost") == 0 and s.process.returncode == 0, s.stderr())


@test
def a_container_of_runc_is_known_with_image_mounts_and_privileges(c):
    check_container(c, "runc")


@test
def a_container_of_crun_is_known_with_image_mounts_and_privileges(c):
    check_container(c, "crun")


class Group:
    """A control group of our own in the hierarchy that the sensor looks at, and a shell in it."""

    def __init__(self, path):
        with open("/proc/self/mounts") as f:
            top = [m.split()[1] for m in f if m.split()[2] == "cgroup2"]
        if not top:
            raise Skip("there is no cgroup2 hierarchy")
        self.made, at = [], top[0]
        for name in path.strip("/").split("/"):
            at = os.path.join(at, name)
            if not os.path.isdir(at):
                try:
                    os.mkdir(at)
                except OSError as e:
                    raise Skip(f"cannot make a control group: {e}")
                self.made.append(at)
        self.at = at

    def true(self):
        def join():
            with open(os.path.join(self.at, "cgroup.procs"), "w") as f:
                f.write("0")
        subprocess.run(["/bin/true"], preexec_fn=join, check=True)

    def close(self):
        for d in reversed(self.made):
            for _ in range(50):
                try:
                    os.rmdir(d)
                    break
                except OSError:
                    time.sleep(0.02)


def fields_in(s, group, tries=20):
    """Fields of the first event in the group, and of the first one that has an image (or of the last)."""
    found = []
    for _ in range(tries):
        since = s.mark()
        group.true()
        a = s.wait_alert(lambda a: a["rule"] == "In a container", since)
        expect(a, f"no event in the container: {s.stderr()}")
        found.append(a["output_fields"])
        if a["output_fields"]["container.image"]:
            break
        time.sleep(0.02)
    return found[0], found[-1]


@test
def docker_s_files_tell_name_image_and_privileges_soon_after_the_first_event(c):
    cid = secrets.token_hex(32)
    c.write(f"docker/containers/{cid}/config.v2.json", json.dumps({
        "ID": cid, "Name": "/web", "Config": {"Image": "nginx:1.25", "Labels": {"io.kubernetes.pod.name": "p"}},
        "MountPoints": {"/s": {"Source": "/var/run/docker.sock", "Destination": "/s", "RW": True}}}))
    c.write(f"docker/containers/{cid}/hostconfig.json", '{"Privileged": true}')
    s, g = c.sensor(f"containers: {{roots: ['docker={c.dir}/docker']}}\n"), None
    try:
        g = Group(f"/docker/{cid}")
        first, last = fields_in(s, g)
        expect(first["container.id"] == cid[:12] and first["container.type"] == "docker", first)
        expect(last["container.name"] == "web" and last["container.image"] == "nginx:1.25", last)
        expect(last["container.privileged"] is True and last["k8s.pod.name"] == "p", last)
        expect(last["container.mounts"] == "/var/run/docker.sock:/s::true:", last)
        expect(s.wait_alert(lambda a: a["rule"] == "Privileged"), "the rule did not see it")
    finally:
        if g:
            g.close()
        s.stop()


@test
def a_group_below_another_container_gets_nothing_of_the_id_that_it_claims(c):
    cid = secrets.token_hex(32)
    c.write(f"docker/containers/{cid}/config.v2.json", json.dumps({"Name": "/web", "Config": {"Image": "nginx:1"}}))
    s, g = c.sensor(f"containers: {{roots: ['docker={c.dir}/docker']}}\n"), None
    try:
        g = Group(f"/docker/{secrets.token_hex(32)}/docker/{cid}")
        first, last = fields_in(s, g, 8)
        expect(first["container.id"] == cid[:12], first)
        expect(last["container.image"] is None and last["container.name"] is None, last)
    finally:
        if g:
            g.close()
        s.stop()


@test
def a_file_that_is_no_json_costs_its_container_the_fields_and_nothing_else(c):
    cid, good = secrets.token_hex(32), secrets.token_hex(32)
    c.write(f"docker/containers/{cid}/config.v2.json", "[" * 100000)
    c.write(f"docker/containers/{good}/config.v2.json", json.dumps({"Name": "/web", "Config": {"Image": "nginx:1"}}))
    s, g, h = c.sensor(f"containers: {{roots: ['docker={c.dir}/docker']}}\n"), None, None
    try:
        g, h = Group(f"/docker/{cid}"), Group(f"/docker/{good}")
        worker = s.worker()
        first, last = fields_in(s, g, 8)
        expect(last["container.image"] is None and last["container.id"] == cid[:12], last)
        first, last = fields_in(s, h)
        expect(last["container.image"] == "nginx:1", last)
        expect(s.wait_err(rf"what a runtime wrote about a container cannot be read.*id={cid}"), s.stderr())
        expect(s.worker() == worker, "the worker died: " + s.stderr())
    finally:
        for x in (g, h):
            if x:
                x.close()
        s.stop()


if __name__ == "__main__":
    sys.exit(tap.main(Context(os.path.abspath(sys.argv[1])), sys.argv[2] if len(sys.argv) > 2 else None))
