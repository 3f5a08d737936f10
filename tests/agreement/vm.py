# SPDX-License-Identifier: Apache-2.0
"""Verdicts of kernels that do not run here: Debian's, booted in qemu (emulated: no KVM, no root), one after the other.

A guest holds kjudge and the programs; it has no network and no disk. What a kernel said is kept, by what was asked, in
build/agreement/vm: the next comparison boots nothing.
"""
import glob
import gzip
import hashlib
import os
import re
import stat
import time

from selftests import FOLDER, KERNELS, guest, kernel_types, packages

HERE = os.path.dirname(os.path.abspath(__file__))
MEMORY = "3G"  # a verifier may take half a gigabyte for one program
APPLETS = ["sh", "mount", "stty", "uname", "sync", "poweroff"]


class Machine:
    """A kernel: its image, its types, its release."""

    def __init__(self, vmlinuz, say):
        self.vmlinuz, self.say = vmlinuz, say
        self.types = kernel_types(vmlinuz)
        self.config = next(iter(glob.glob(os.path.join(os.path.dirname(vmlinuz), "config-*"))), None)

    def asked(self, build, lines, objects):
        """What this kernel said of these programs: rows as kjudge prints them. Boots it unless that is known."""
        digest = hashlib.blake2b((lines + (self.config or "")).encode(), digest_size=12)
        for path in [os.path.join(HERE, name) for name in ("kernel.c", "objects.c", "init")] + objects:
            with open(path, "rb") as f:
                digest.update(f.read())
        kept = os.path.join(FOLDER, "vm", f"{os.path.basename(os.path.dirname(self.vmlinuz))}-{digest.hexdigest()}.tsv")
        if not os.path.exists(kept):
            rows = self.run(build, lines, objects)
            os.makedirs(os.path.dirname(kept), exist_ok=True)
            with open(kept + ".part", "w", encoding="utf-8") as f:
                f.write("".join(r + "\n" for r in rows))
            os.rename(kept + ".part", kept)
        with open(kept, encoding="utf-8") as f:
            return f.read()

    def image(self, build, lines, objects):
        image = guest.Image()
        for d in ("bin", "sbin", "lib", "lib64"):
            image.link(d, "usr/" + d)
        for d in ("dev", "proc", "sys", "tmp", "root", "judge"):
            image.add(d, stat.S_IFDIR | 0o755)
        image.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
        image.file("init", os.path.join(HERE, "init"))
        image.program(guest.shutil.which("busybox"), "busybox")
        for a in APPLETS:
            image.link("usr/bin/" + a, "busybox")
        image.program(os.path.join(build, "tests", "agreement", "kjudge"))
        if self.config:
            image.file("boot/" + os.path.basename(self.config), self.config, 0o644)
        if lines:
            image.add("judge/lines", stat.S_IFREG | 0o644, lines.encode())
        for o in objects:
            image.file("judge/objects/" + os.path.basename(o), o, 0o644)
        path = os.path.join(os.path.dirname(self.vmlinuz), "agreement.cpio.gz")
        with open(path, "wb") as f:
            f.write(gzip.compress(image.bytes(), 1))
        return path

    def run(self, build, lines, objects):
        """What the guest printed. A kernel that panics is booted anew, twice at most: emulated processors make it fault where it would not."""
        for left in (2, 1, 0):
            try:
                return self.run_once(build, lines, objects)
            except RuntimeError as e:
                with open(os.path.join(os.path.dirname(self.vmlinuz), "agreement-console.log"), encoding="utf-8", errors="replace") as f:
                    panicked = "Kernel panic" in f.read()
                if not left or not panicked:
                    raise
                self.say(f"{e}; once more")
        return []

    def run_once(self, build, lines, objects):
        place, begin = os.path.dirname(self.vmlinuz), time.monotonic()
        console, results = (os.path.join(place, f"agreement-{f}.log") for f in ("console", "results"))
        ended = guest.boot(self.vmlinuz, self.image(build, lines, objects), console, results, 3600,
                           lambda section: self.say(f"{os.path.basename(place)}: {time.monotonic() - begin:4.0f} s {section}"), MEMORY)
        text = open(results, encoding="utf-8", errors="replace").read().replace("\r", "")
        if not ended or "@end all 0" not in text or re.search(r"@end (lines|objects) [^0]", text):
            raise RuntimeError(f"{place}: the guest did not end well; {console} and {results} say how far it came")
        return [line for line in text.splitlines() if line.count("\t") == 9]


def machines(patterns, suites, say):
    """The newest cloud kernel of each pattern ("6.1"), fetched."""
    guest.need()
    os.makedirs(KERNELS, exist_ok=True)
    apt = packages.Apt(KERNELS, suites)
    names = apt.kernels()
    for p in patterns:
        mine = [n for n in names if re.search(rf"linux-image-{re.escape(p)}[.+~].*-cloud-amd64$", n)]
        if not mine:
            raise guest.Missing(f"apt offers no cloud kernel {p}; --suite names another suite (trixie, bookworm-backports, bullseye)")
        say(f"fetching {mine[-1]}")
        yield p, Machine(apt.fetch(mine[-1], KERNELS)[0], say)
