# SPDX-License-Identifier: Apache-2.0
"""A guest: one file system in memory for all kernels, and a machine (qemu, emulated) that boots one of them on it."""
import glob
import gzip
import os
import re
import shutil
import stat
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
QEMU = "qemu-system-x86_64"
# What the tests and drills run; of busybox there is the rest. Programs of their own, because tests look at what was run.
PROGRAMS = ["sh", "bash", "true", "cat", "rm", "mkdir", "mv", "ln", "cp", "touch", "sleep", "mknod", "mkfifo", "chmod", "timeout",
            "stat", "env", "stty", "uname", "seq", "sync"]
APPLETS = ["mount", "umount", "ifconfig", "hostname", "poweroff", "grep", "ps", "insmod"]
TESTS = ["tests/test-kern", "tests/test-ring", "tests/test-decode", "tests/test-confine",
         "tests/agent/test-worker-live", "tests/kernels/held"]
FILES = {
    "etc/passwd": (0o644, "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"),
    "etc/group": (0o644, "root:x:0:\ndaemon:x:1:\nnogroup:x:65534:\n"),
    "etc/shadow": (0o600, "root:*:20000:0:99999:7:::\n"),
    "etc/hostname": (0o644, "guest\n"),
    "etc/hosts": (0o644, "127.0.0.1 localhost guest\n"),
}


class Missing(Exception):
    """This machine lacks something; the text says what to install."""


def need():
    for program, package in ((QEMU, "qemu-system-x86"), ("busybox", "busybox-static"), ("apt-get", "apt"), ("dpkg-deb", "dpkg")):
        if not shutil.which(program):
            raise Missing(f"{program} is missing: apt-get install {package}")


class Image:
    """A cpio archive as the kernel unpacks it ("newc")."""

    def __init__(self):
        self.names = set()
        self.parts = []

    def add(self, name, mode, data=b"", device=(0, 0)):
        if name in self.names:
            return
        folder = os.path.dirname(name)
        if folder and name != "TRAILER!!!":
            self.add(folder, stat.S_IFDIR | 0o755)
        self.names.add(name)
        raw = name.encode() + b"\0"
        fields = [len(self.names), mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(raw), 0]
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + raw
        self.parts += [head, b"\0" * (-len(head) % 4), data, b"\0" * (-len(data) % 4)]

    def file(self, name, source, mode=None):
        with open(source, "rb") as f:
            self.add(name, stat.S_IFREG | (mode or 0o755), f.read())

    def link(self, name, to):
        self.add(name, stat.S_IFLNK | 0o777, to.encode())

    def program(self, source, name=None):
        """A program with the libraries that it is linked with."""
        self.file("usr/bin/" + (name or os.path.basename(source)), source)
        r = subprocess.run(["ldd", source], capture_output=True, text=True)
        for path in re.findall(r"(?:=> |^\s*)(/\S+) \(", r.stdout, re.M):
            name = path if path.startswith("/usr/") else "/usr" + path if re.match(r"/lib", path) else path
            self.file(name[1:], path)

    def bytes(self):
        self.add("TRAILER!!!", 0)
        return b"".join(self.parts)


def build(build_dir):
    """The guest's file system, of a release build, packed."""
    image = Image()
    for d in ("bin", "sbin", "lib", "lib64"):
        image.link(d, "usr/" + d)
    for d in ("dev", "proc", "sys", "tmp", "run", "root", "home", "var/tmp", "usr/sbin", "src"):
        image.add(d, stat.S_IFDIR | 0o755)
    image.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    image.file("init", os.path.join(HERE, "init"))
    for name, (mode, text) in FILES.items():
        image.add(name, stat.S_IFREG | mode, text.encode())
    for p in PROGRAMS:
        image.program(shutil.which(p), p)
    image.program(shutil.which("busybox"), "busybox")
    for a in APPLETS:
        image.link("usr/bin/" + a, "busybox")
    for p in ["src/sallyport"] + TESTS:
        image.program(os.path.join(build_dir, p))
    image.program(os.path.join(build_dir, "tests/e2e/e2e-netpipe"), "e2e/e2e-netpipe")
    for name in sorted(os.listdir(os.path.join(ROOT, "rules"))):
        image.file("rules/" + name, os.path.join(ROOT, "rules", name), 0o644)
    return gzip.compress(image.bytes(), 1)


def complete(packed, kernel):
    """Write the guest's file system for one kernel, with its modules: archives are unpacked one over the other. Its path."""
    out, modules = os.path.join(os.path.dirname(kernel), "guest.cpio.gz"), Image()
    for module in sorted(glob.glob(os.path.join(os.path.dirname(kernel), "*.ko"))):
        modules.file("modules/" + os.path.basename(module), module)
    with open(out, "wb") as f:
        f.write(gzip.compress(modules.bytes(), 1) + packed)
    return out


def boot(kernel, image, console, results, timeout_s, progress, memory="1G"):
    """Run the guest to its end; progress gets the name of each section that begins. False: it did not end by itself in time."""
    argv = [QEMU, "-accel", "tcg", "-cpu", "qemu64", "-m", memory, "-smp", "2", "-nographic", "-no-reboot", "-nodefaults",
            "-serial", "file:" + console, "-serial", "file:" + results, "-kernel", kernel, "-initrd", image,
            "-append", f"console=ttyS0 panic=-1 oops=panic printk.devkmsg=on TEST_S={timeout_s * 2 // 3}"]
    end = time.monotonic() + timeout_s
    shown = 0
    for path in (console, results):
        open(path, "w").close()
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as qemu:
        while qemu.poll() is None and time.monotonic() < end:
            time.sleep(0.2)
            begun = re.findall(r"^@begin (\S+)", open(results, errors="replace").read(), re.M)
            for name in begun[shown:]:
                progress(name)
            shown = len(begun)
        ended = qemu.poll() is not None
        if not ended:
            qemu.kill()
        said = qemu.stderr.read().strip()
    if ended and (qemu.returncode or "terminating on signal" in said):
        raise RuntimeError(f"{QEMU} ended with {qemu.returncode}: {said}")
    return ended
