# SPDX-License-Identifier: Apache-2.0
"""A running sensor as the end-to-end tests and the demo see it, and the attacks that they carry out.

Every attack is harmless: it reads what root may read, runs /bin/true, and talks to a listener on loopback.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def unthrottled(config=""):
    """The settings, and every alert is written."""
    if "outputs:" not in config:
        return config + "outputs: {throttle_per_minute: 0}\n"
    return re.sub(r"outputs:( \{|\n  )", lambda m: "outputs:" + m.group(1) + "throttle_per_minute: 0" + (", " if "{" in m.group(1) else "\n  "), config, count=1)


class Sensor:
    """`sallyport run --json` with its alerts, each with the time it arrived."""

    def __init__(self, binary, *args, rules="rules", env=None, start_new_session=False):
        self.alerts = []
        self.raw = []
        self.err = []
        self.lock = threading.Condition()
        argv = [binary, "run", "--json", *args]
        for r in rules if isinstance(rules, list) else [rules]:
            argv += ["--rules", os.path.join(ROOT, r)]
        self.started = time.monotonic()
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=env,
                                        start_new_session=start_new_session)
        self.threads = [threading.Thread(target=self.read_alerts, daemon=True),
                        threading.Thread(target=self.read_errors, daemon=True)]
        for t in self.threads:
            t.start()

    def read_alerts(self):
        for line in self.process.stdout:
            now = time.time()
            try:
                alert = json.loads(line)
            except ValueError:
                alert = None
            with self.lock:
                self.raw.append(line)
                if alert is not None:
                    alert["_arrived"] = now
                    self.alerts.append(alert)
                self.lock.notify_all()

    def read_errors(self):
        for line in self.process.stderr:
            with self.lock:
                self.err.append(line.decode(errors="replace").rstrip("\n"))
                self.lock.notify_all()

    def stderr(self):
        with self.lock:
            return "\n".join(self.err)

    def wait_err(self, pattern, timeout=10):
        """The first match of pattern in stderr, or None."""
        end = time.monotonic() + timeout
        with self.lock:
            while True:
                m = re.search(pattern, "\n".join(self.err))
                if m or time.monotonic() >= end:
                    return m
                self.lock.wait(0.05)
                if self.process.poll() is not None and not m:
                    self.lock.wait(0.2)
                    return re.search(pattern, "\n".join(self.err))

    def wait_ready(self, timeout=20):
        return self.wait_err(r"sallyport: .*\bwatching rules=", timeout) is not None

    def mark(self):
        with self.lock:
            return len(self.alerts)

    def wait_alert(self, match, since=0, timeout=3):
        """The first alert after `since` for which match(alert) holds, or None."""
        end = time.monotonic() + timeout
        with self.lock:
            while True:
                for a in self.alerts[since:]:
                    if match(a):
                        return a
                if time.monotonic() >= end:
                    return None
                self.lock.wait(0.05)

    def stop(self, timeout=30):
        """Orderly stop; the final statistics as a dict of ints."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.wait_end(timeout)

    def wait_end(self, timeout=40):
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for t in self.threads:
            t.join(5)
        m = re.search(r"sallyport: .*stopped (.*)", self.stderr())
        return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", m.group(1))} if m else {}

    def worker(self):
        """Pid of the process that holds the rules."""
        out = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(self.process.pid)], capture_output=True, text=True).stdout
        pids = [int(line.split()[0]) for line in out.splitlines() if "sallyport-wrk" in line]
        return pids[0] if pids else None


class Attacks:
    """What the tests do to the host. Each method returns the pid of the process that an alert must name."""

    def __init__(self, build):
        self.tools = os.path.join(ROOT, build, "tests", "e2e")
        self.dir = tempfile.mkdtemp(prefix="sallyport-e2e-")
        self.children = []

    def tool(self, name):
        return os.path.join(self.tools, "e2e-" + name)

    def close(self):
        for c in self.children:
            if c.poll() is None:
                c.kill()
                c.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def python(self, code, *args):
        """Run code in another Python process, which prints the pid in question."""
        r = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, timeout=20)
        if r.returncode:
            raise RuntimeError(r.stderr)
        return int(r.stdout.split()[0])

    def memfd_elf(self):
        return self.python("""
import os
fd = os.memfd_create('payload', 0)
os.write(fd, open('/bin/true', 'rb').read())
pid = os.fork()
if pid == 0:
    os.execv('/proc/self/fd/%d' % fd, ['payload'])
os.waitpid(pid, 0)
print(pid)
""")

    def memfd_script(self):
        return self.python("""
import os
fd = os.memfd_create('script', 0)
os.write(fd, b'#!/bin/sh\\nexit 0\\n')
pid = os.fork()
if pid == 0:
    os.execv('/proc/self/fd/%d' % fd, ['script'])
os.waitpid(pid, 0)
print(pid)
""")

    def run(self, argv, **kw):
        p = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kw)
        p.wait(20)
        return p.pid

    def shadow_direct(self):
        return self.run(["/bin/cat", "/etc/shadow"])

    def shadow_symlink(self):
        link = os.path.join(self.dir, "innocent.txt")
        if not os.path.islink(link):
            os.symlink("/etc/shadow", link)
        return self.run(["/bin/cat", link])

    def shadow_relative(self):
        return self.run(["/bin/cat", "../etc/shadow"], cwd="/usr")

    def shadow_int80(self):
        return self.run([self.tool("int80open"), "/etc/shadow"])

    def dev_shm(self):
        path = f"/dev/shm/sallyport-e2e-{os.getpid()}"
        shutil.copy("/bin/true", path)
        os.chmod(path, 0o755)
        try:
            return self.run([path])
        finally:
            os.unlink(path)

    def listener(self):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.listen(8)
        return s, s.getsockname()[1]

    def fifo_shell(self):
        """A shell that reads its commands from a FIFO into which a process with an outbound socket writes."""
        fifo = os.path.join(self.dir, "in")
        if not os.path.exists(fifo):
            os.mkfifo(fifo)
        server, port = self.listener()
        feeder = subprocess.Popen(["/bin/sh", "-c", f"exec {self.tool('netpipe')} {port} > {fifo}"], stdin=subprocess.DEVNULL)
        shell = subprocess.Popen(["/bin/sh", "-c", f"exec /bin/sh < {fifo}"], stdout=subprocess.DEVNULL)
        self.children += [feeder, shell]
        conn, _ = server.accept()
        time.sleep(0.3)
        conn.sendall(b"exit 0\n")
        shell.wait(10)
        conn.close()
        feeder.wait(10)
        server.close()
        return shell.pid

    def fifo_chain(self):
        """cat FIFO | sh -i | netpipe > FIFO: the shell itself touches neither the FIFO nor the socket. Returns the shell's pid."""
        fifo = os.path.join(self.dir, "chain")
        if not os.path.exists(fifo):
            os.mkfifo(fifo)
        pidfile = os.path.join(self.dir, "chain.pid")
        server, port = self.listener()
        line = (f"cat {fifo} | /bin/sh -c 'echo $$ > {pidfile}; exec /bin/sh -i' 2>&1 | "
                f"{self.tool('netpipe')} {port} > {fifo}")
        p = subprocess.Popen(["/bin/sh", "-c", line], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             start_new_session=True)
        self.children.append(p)
        conn, _ = server.accept()
        time.sleep(0.3)
        conn.sendall(b"exit 0\n")
        time.sleep(0.2)
        conn.close()
        p.wait(10)
        server.close()
        return int(open(pidfile).read())

    def more_files(self):
        """Names, modes, links, directories, failed opens: what the rules on files look at, and what they do not."""
        return self.python("""
import os, sys
d = sys.argv[1] + '/files'
os.mkdir(d)
os.chdir(d)
for path in ('/etc/pam.d/login', '/usr/../../etc/shadow', '../files/../../nothing', '/root/.ssh/id_rsa', '/etc/sudoers.d/none'):
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError:
        pass
for name in ('access_log', 'plain', '.hidden', 'release_agent', 'shadow', 'pam.d'):
    os.close(os.open(name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o755))
os.mkdir('.secret')
os.symlink('/etc/shadow', 'link')
os.link('plain', 'plain2')
os.rename('plain2', '.bash_history')
os.chmod('plain', 0o4755)
os.unlink('.bash_history')
os.rmdir('.secret')
print(os.getpid())
""", self.dir)

    def plain_opens(self):
        """Reads of a program's file: no rule of ours asks for them."""
        return self.python("""
import os, sys
for _ in range(3000):
    os.close(os.open("/usr/bin/env", os.O_RDONLY))
print(os.getpid())
""")

    def more_network(self):
        return self.python("""
import os, socket
s = socket.socket()
s.bind(('127.0.0.1', 0))
s.listen()
c = socket.create_connection(s.getsockname())
s.accept()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(('127.0.0.1', 0))
for i in range(5):
    u.sendto(b'x', u.getsockname())
    u.recvfrom(10)
try:
    socket.create_connection(('127.0.0.1', 1))
except OSError:
    pass
os.dup2(c.fileno(), 9)
print(os.getpid())
""")

    def benign(self, execs=2000, opens=20000, seconds=None):
        argv = [self.tool("load"), str(execs), str(opens)] + ([str(seconds)] if seconds else [])
        return subprocess.run(argv, timeout=120).returncode


class Groups:
    """Control groups made for a test, by name, where the sensor looks at them; made is empty where none can be."""

    def __init__(self, *names):
        self.made = {}
        for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory"):
            try:
                for name in names:
                    path = os.path.join(root, f"sallyport-test-{os.getpid()}-{name}")
                    os.mkdir(path)
                    self.made[name] = path
                    if not os.path.exists(os.path.join(path, "cgroup.procs")):
                        raise OSError
                return
            except OSError:
                self.close()

    def enter(self, name):
        """The calling process; as preexec_fn: lambda: groups.enter(name)."""
        with open(os.path.join(self.made[name], "cgroup.procs"), "w") as f:
            f.write("0")

    def close(self):
        for path in self.made.values():
            for _ in range(100):
                try:
                    os.rmdir(path)
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.02)
        self.made = {}


def why_no_kernel(binary):
    """None when this host can run the sensor; else the reason, for a skip."""
    if os.geteuid() != 0:
        return "not root"
    r = subprocess.run([binary, "doctor", "--json"], capture_output=True, text=True)
    if r.returncode == 0:
        return None
    try:
        probes = json.loads(r.stdout).get("probes", [])
        missing = [p["id"] for p in probes if p.get("required") and p.get("grade") != "yes"]
        return "this host does not grant: " + ", ".join(missing)
    except ValueError:
        return f"doctor failed: {r.stderr.strip()[:200]}"
