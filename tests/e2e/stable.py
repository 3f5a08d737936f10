#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The stable rules of the public rule set, unmodified, against the thing that each looks for, done for real.

The rules are read from ../shared/peers/falco-rules; without them every test is skipped, and says so. What a rule calls a
container is here a control group with a container's name, which is all that makes one for the sensor: no runtime is
needed. Everything is harmless: targets are files of the test's own, addresses of a network namespace of its own.
"""
import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from sensor import ROOT, Sensor, why_no_kernel
from tap import Skip, expect, main, test

PRIVILEGED = ["CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_PTRACE", "CAP_SYS_RAWIO", "CAP_NET_ADMIN", "CAP_KILL"]
RULES = os.path.join(ROOT, "..", "shared", "peers", "falco-rules", "falco_rules.yaml")

# What runs in the child before it becomes the process in question.
PRELUDE = """
import ctypes, os, socket, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def rename(name):
    libc.prctl(15, name.encode(), 0, 0, 0)
def run(path, *argv, before=None):
    pid = os.fork()
    if pid == 0:
        try:
            if before:
                before()
            os.execv(path, list(argv))
        finally:
            os._exit(127)
    os.waitpid(pid, 0)
    return pid
"""


# A network namespace with one address that is not of this host.
NETWORK = """
import fcntl, struct
if libc.unshare(0x40000000):
    print('no network namespace can be made here')
    sys.exit(77)
s = socket.socket()
address = struct.pack('16sH2s4s8s', b'lo', socket.AF_INET, b'', socket.inet_aton('198.51.100.7'), b'')
fcntl.ioctl(s, 0x8916, address)                                   # SIOCSIFADDR
fcntl.ioctl(s, 0x8914, struct.pack('16sH14s', b'lo', 0x49, b''))  # SIOCSIFFLAGS: up
"""


def cgroup_roots():
    """Where a control group of ours is the one that the sensor names: the default hierarchy, else the memory controller's."""
    own = dict(line.rstrip("\n").split(":", 2)[1:] for line in open("/proc/self/cgroup"))
    for line in open("/proc/mounts"):
        _, path, kind, options = line.split()[:4]
        if kind == "cgroup2" and own.get("", "/") != "/":
            yield path
    for line in open("/proc/mounts"):
        _, path, kind, options = line.split()[:4]
        if kind == "cgroup2" or (kind == "cgroup" and "memory" in options.split(",")):
            yield path


class Stable:
    def __init__(self, binary):
        self.binary = binary
        self.dir = tempfile.mkdtemp(prefix="sallyport-stable-")
        self.cgroup = None
        self.sensor = None
        self.skip = why_no_kernel(binary)
        if not os.path.exists(RULES):
            self.skip = "the public rules are not there: ../shared/peers/falco-rules"
        if self.skip:
            return
        self.make_cgroup()
        self.old = subprocess.Popen([sys.executable, "-c", PRELUDE + """
rename("nginx")
sys.stdin.readline()
open("/etc/shadow").read(1)
print(os.getpid(), flush=True)
"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.old_since = time.monotonic()
        self.sensor = Sensor(self.with_hosts(binary), "--config", self.write_runtime(), rules=os.path.relpath(RULES, ROOT))
        if not self.sensor.wait_ready():
            self.skip = "the sensor does not start: " + self.sensor.stderr()[-400:]

    def with_hosts(self, binary):
        """A program that runs the sensor where the resolver knows the cluster: with a hosts file of its own."""
        hosts, wrapper = (os.path.join(self.dir, name) for name in ("hosts", "sensor"))
        with open("/etc/hosts") as f, open(hosts, "w") as g:
            g.write(f.read() + "\n198.51.100.7 kubernetes.default.svc.cluster.local\n")
        with open(wrapper, "w") as f:
            f.write(f"""#!/bin/sh
exec unshare --mount --propagation private sh -c 'mount --bind {hosts} /etc/hosts && exec {binary} "$@"' sensor "$@"
""")
        os.chmod(wrapper, 0o755)
        return wrapper if subprocess.run([wrapper, "version"], capture_output=True).returncode == 0 else binary

    def make_cgroup(self):
        self.container_id = secrets.token_hex(32)
        for root in cgroup_roots():
            path = os.path.join(root, f"libpod-{self.container_id}.scope")
            try:
                os.mkdir(path)
                self.cgroup = path
                return
            except OSError:
                continue

    def write_runtime(self):
        """What podman would have written down about a privileged container of that name; settings that tell where."""
        os.chmod(self.dir, 0o755)
        bundle = os.path.join(self.dir, "storage", "overlay-containers", self.container_id, "userdata")
        os.makedirs(bundle)
        with open(os.path.join(bundle, "config.json"), "w") as f:
            json.dump({"ociVersion": "1.0.0", "process": {"capabilities": {"bounding": PRIVILEGED}}, "linux": {}}, f)
        settings = os.path.join(self.dir, "sallyport.yaml")
        with open(settings, "w") as f:
            f.write(f"containers: {{roots: ['storage={self.dir}/storage']}}\n")
        return settings

    def close(self):
        if self.sensor:
            self.stats = self.sensor.stop()
            self.old.kill()
        if self.cgroup:
            for _ in range(50):
                try:
                    os.rmdir(self.cgroup)
                    break
                except OSError:
                    time.sleep(0.1)
        shutil.rmtree(self.dir, ignore_errors=True)

    def python(self, code, *args, container=False, argv0=None, **kw):
        """Run code as another Python process, which prints the pid in question."""
        if self.skip:
            raise Skip(self.skip)
        if container and not self.cgroup:
            raise Skip("no control group can be made here")

        def enter():
            with open(os.path.join(self.cgroup, "cgroup.procs"), "w") as f:
                f.write("0")

        r = subprocess.run([argv0 or sys.executable, "-c", PRELUDE + code, *args], executable=sys.executable,
                           preexec_fn=enter if container else None, capture_output=True, text=True, timeout=30,
                           env={**os.environ, "PYTHONHOME": sys.prefix}, **kw)
        if r.returncode == 77:
            raise Skip(r.stdout.strip())
        expect(r.returncode == 0, r.stderr)
        return int(r.stdout.split()[-1])

    def expect_rule(self, name, pid, since, **fields):
        """The rule of this name fires for pid. Which process that is, the alert tells only by its fields: so ask for them."""
        alert = self.sensor.wait_alert(
            lambda a: a["rule"] == name and all(
                want in str(a["output_fields"].get(field)) for field, want in fields.items()), since)
        if not alert:
            seen = [(a["rule"], a["output"][:300]) for a in self.sensor.alerts[since:]]
            raise AssertionError(f"'{name}' did not fire within 3 s; what fired: {seen}; {self.sensor.stderr()[-300:]}")
        return alert

    def shows(self, name, code, *args, fields=None, **kw):
        if self.skip:
            raise Skip(self.skip)
        since = self.sensor.mark()
        pid = self.python(code, *args, **kw)
        return self.expect_rule(name, pid, since, **(fields or {}))


@test
def directory_traversal_monitored_file_read(c):
    for path in ("/usr/share/../../etc/hostname", "/usr/share/../../etc/there-is-no-such-file"):
        a = c.shows("Directory traversal monitored file read", """
try:
    os.open(sys.argv[1], os.O_RDONLY)
except OSError:
    pass
print(os.getpid())
""", path, fields={"fd.nameraw": path, "fd.name": path.replace("/usr/share/../..", "")})
        expect(a["priority"] == "Warning", a)


@test
def read_sensitive_file_trusted_after_startup(c):
    if c.skip:
        raise Skip(c.skip)
    since = c.sensor.mark()
    time.sleep(max(0, 5.3 - (time.monotonic() - c.old_since)))
    c.old.stdin.write("go\n")
    c.old.stdin.flush()
    pid = int(c.old.stdout.readline())
    c.expect_rule("Read sensitive file trusted after startup", pid, since, **{"fd.name": "/etc/shadow", "proc.name": "nginx"})


@test
def read_sensitive_file_untrusted(c):
    c.shows("Read sensitive file untrusted", "open('/etc/shadow').read(1)\nprint(os.getpid())\n",
            fields={"fd.name": "/etc/shadow", "proc.name": "python"})


@test
def run_shell_untrusted(c):
    c.shows("Run shell untrusted", "rename('mysqld')\nprint(run('/bin/sh', 'sh', '-c', 'exit 0'))\n",
            fields={"proc.name": "sh", "proc.pname": "mysqld", "proc.cmdline": "sh -c exit 0"})


@test
def system_user_interactive(c):
    c.shows("System user interactive", """
rename('sshd')
print(run('/bin/true', 'true', before=lambda: (rename('bash'), os.setuid(1))))
""", fields={"user.name": "daemon", "proc.name": "true"})


@test
def terminal_shell_in_container(c):
    c.shows("Terminal shell in container", """
import pty
rename('runc')
pid, master = pty.fork()
if pid == 0:
    os.execv('/bin/sh', ['sh', '-c', 'exit 0'])
os.waitpid(pid, 0)
print(pid)
""", container=True, fields={"proc.name": "sh", "proc.pname": "runc"})


@test
def contact_k8s_api_server_from_container(c):
    c.shows("Contact K8S API Server From Container", NETWORK + """
server = socket.socket()
server.bind(('198.51.100.7', 6443))
server.listen()
client = socket.create_connection(('198.51.100.7', 6443))
print(os.getpid())
""", container=True, fields={"fd.name": "198.51.100.7:6443"})


@test
def netcat_remote_code_execution_in_container(c):
    path = os.path.join(c.dir, "nc")
    shutil.copy("/bin/true", path)
    c.shows("Netcat Remote Code Execution in Container", "print(run(sys.argv[1], 'nc', '-l', '-e', '/bin/sh'))\n", path,
            container=True, fields={"proc.cmdline": "nc -l -e /bin/sh"})


@test
def search_private_keys_or_passwords(c):
    c.shows("Search Private Keys or Passwords", "print(run('/usr/bin/find', 'find', sys.argv[1], '-name', 'id_rsa'))\n", c.dir,
            fields={"proc.cmdline": "-name id_rsa"})
    c.shows("Search Private Keys or Passwords",
            "print(run('/bin/grep', 'grep', '-r', 'BEGIN RSA PRIVATE', sys.argv[1]))\n", c.dir,
            fields={"proc.cmdline": "BEGIN RSA PRIVATE"})


@test
def clear_log_activities(c):
    path = os.path.join(c.dir, "access_log")
    c.shows("Clear Log Activities", """
os.close(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
print(os.getpid())
""", path, fields={"fd.name": path, "evt.arg.flags": ""})


@test
def remove_bulk_data_from_disk(c):
    path = os.path.join(c.dir, "precious")
    open(path, "w").write("x")
    c.shows("Remove Bulk Data from Disk", "print(run('/usr/bin/shred', 'shred', sys.argv[1]))\n", path,
            fields={"proc.cmdline": "shred " + path})


@test
def create_symlink_over_sensitive_files(c):
    for call in ("os.symlink('/etc/shadow', sys.argv[1])",
                 "os.symlink('/etc/shadow', os.path.basename(sys.argv[1]) + '2', dir_fd=os.open(os.path.dirname(sys.argv[1]), 0))"):
        path = os.path.join(c.dir, f"link{secrets.token_hex(4)}")
        c.shows("Create Symlink Over Sensitive Files", call + "\nprint(os.getpid())\n", path,
                fields={"evt.arg.target": "/etc/shadow", "evt.arg.linkpath": path})


@test
def create_hardlink_over_sensitive_files(c):
    c.shows("Create Hardlink Over Sensitive Files", """
try:
    os.link('/etc/shadow', sys.argv[1])
    os.unlink(sys.argv[1])
except OSError: # another file system: the attempt counts
    pass
print(os.getpid())
""", os.path.join(c.dir, "hard"), fields={"evt.arg.oldpath": "/etc/shadow", "evt.arg.newpath": c.dir})
    c.shows("Create Hardlink Over Sensitive Files", """
os.chdir('/etc')
try:
    os.link('../etc/./shadow', sys.argv[1])
    os.unlink(sys.argv[1])
except OSError:
    pass
print(os.getpid())
""", os.path.join(c.dir, "hard2"), fields={"evt.arg.oldpath": "/etc/shadow"})


@test
def packet_socket_created_in_container(c):
    c.shows("Packet socket created in container", """
try:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
except OSError as e:
    pass
print(os.getpid())
""", container=True, fields={"evt.type": "socket"})


@test
def redirect_stdout_stdin_to_network_connection_in_container(c):
    c.shows("Redirect STDOUT/STDIN to Network Connection in Container", """
server = socket.socket()
server.bind(('127.0.0.1', 0))
server.listen()
client = socket.create_connection(server.getsockname())
keep = os.dup(1)
os.dup2(client.fileno(), 0)
print(os.getpid())
""", container=True, fields={"fd.name": "127.0.0.1"})


@test
def linux_kernel_module_injection_detected(c):
    c.shows("Linux Kernel Module Injection Detected", """
effective = int([l for l in open('/proc/self/status') if l.startswith('CapEff')][0].split()[1], 16)
if not effective >> 16 & 1:
    print('CAP_SYS_MODULE is not granted here')
    sys.exit(77)
libc.syscall(175, b'no module', 9, b'') # init_module: the kernel refuses it
print(os.getpid())
""", container=True, fields={"evt.type": "init_module"})


@test
def debugfs_launched_in_privileged_container(c):
    path = os.path.join(c.dir, "debugfs")
    shutil.copy("/bin/true", path)
    # The container's record is read when the container is first seen; events before that do not have it.
    c.shows("Debugfs Launched in Privileged Container", """
time.sleep(1)
print(run(sys.argv[1], "debugfs"))
""", path, container=True, fields={"proc.name": "debugfs"})


@test
def detect_release_agent_file_container_escapes(c):
    path = os.path.join(c.dir, "release_agent")
    c.shows("Detect release_agent File Container Escapes", "open(sys.argv[1], 'w').close()\nprint(os.getpid())\n", path,
            container=True, fields={"fd.name": path})


@test
def ptrace_attached_to_process(c):
    c.shows("PTRACE attached to process", """
pid = os.fork()
if pid == 0:
    time.sleep(5)
    os._exit(0)
libc.ptrace(16, pid, 0, 0) # PTRACE_ATTACH
os.kill(pid, 9)
print(os.getpid())
""", fields={"evt.type": "ptrace"})


@test
def ptrace_anti_debug_attempt(c):
    c.shows("PTRACE anti-debug attempt", """
pid = os.fork()
if pid == 0:
    libc.ptrace(0, 0, 0, 0) # PTRACE_TRACEME
    os._exit(0)
os.waitpid(pid, 0)
print(pid)
""", fields={"evt.type": "ptrace"})


@test
def find_aws_credentials(c):
    c.shows("Find AWS Credentials", "print(run('/bin/grep', 'grep', '-r', 'aws_access_key_id', sys.argv[1]))\n", c.dir,
            fields={"proc.cmdline": "aws_access_key_id"})


@test
def execution_from_dev_shm(c):
    path = f"/dev/shm/sallyport-stable-{os.getpid()}"
    shutil.copy("/bin/true", path)
    try:
        c.shows("Execution from /dev/shm", "print(run(sys.argv[1], sys.argv[1]))\n", path, fields={"proc.exepath": path})
    finally:
        os.unlink(path)


@test
def drop_and_execute_new_binary_in_container(c):
    c.shows("Drop and execute new binary in container", """
import shutil
libc.unshare(0x20000) # a mount namespace of its own
base = sys.argv[1]
if libc.mount(b'none', b'/', None, 0x44000, None):
    print('mounts cannot be made private here')
    sys.exit(77)
for d in ('lower', 'upper', 'work', 'merged'):
    os.makedirs(os.path.join(base, d))
if libc.mount(b'tmpfs', base.encode(), b'tmpfs', 0, None):
    print('no tmpfs can be mounted here')
    sys.exit(77)
for d in ('lower', 'upper', 'work', 'merged'):
    os.makedirs(os.path.join(base, d))
options = f'lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work'
if libc.mount(b'overlay', f'{base}/merged'.encode(), b'overlay', 0, options.encode()):
    print('no overlay file system can be mounted here')
    sys.exit(77)
shutil.copy('/bin/true', f'{base}/merged/dropped')
print(run(f'{base}/merged/dropped', 'dropped'))
""", os.path.join(c.dir, "layers"), container=True, fields={"proc.name": "dropped"})


@test
def disallowed_ssh_connection_non_standard_port(c):
    c.shows("Disallowed SSH Connection Non Standard Port", NETWORK + """
s = socket.socket()
s.bind(('198.51.100.7', 443))
s.listen()
c = socket.create_connection(('198.51.100.7', 443))
print(os.getpid())
""", argv0="/usr/bin/ssh", fields={"fd.name": "198.51.100.7:443", "fd.l4proto": "tcp"})


@test
def fileless_execution_via_memfd_create(c):
    c.shows("Fileless execution via memfd_create", """
fd = os.memfd_create('payload', 0)
os.write(fd, open('/bin/true', 'rb').read())
print(run('/proc/self/fd/%d' % fd, 'payload'))
""", fields={"proc.exepath": "memfd:payload"})


@test
def nothing_was_lost(c):
    if c.skip:
        raise Skip(c.skip)
    c.close()
    expect(c.stats.get("lost") == 0, f"lost: {c.stats}")


if __name__ == "__main__":
    binary = os.path.abspath(os.path.join(sys.argv[1], "src", "sallyport"))
    context = Stable(binary)
    if context.skip:
        print(f"1..1\nok 1 - the_stable_public_rules # SKIP {context.skip}")
        sys.exit(0)
    try:
        code = main(context, sys.argv[2] if len(sys.argv) > 2 else None)
    finally:
        context.close()
    sys.exit(code)
