# SPDX-License-Identifier: Apache-2.0
"""Kernel packages, by apt's own client and from the package sources of this machine."""
import fnmatch
import glob
import lzma
import os
import re
import shutil
import subprocess
import tempfile

NAME = re.compile(r"linux-image-((\d+)\.(\d+)\S*?)-(amd64|cloud-amd64|rt-amd64)")


class Apt:
    """apt-get and apt-cache as this machine has them; with suites, of these suites of the same archive, in a state of their own."""

    def __init__(self, folder, suites=()):
        self.options = ["-o", "APT::Sandbox::User=root"]
        if not suites:
            return
        parts = os.path.join(folder, "apt")
        for d in ("parts", "lists/partial", "archives/partial"):
            os.makedirs(os.path.join(parts, d), exist_ok=True)
        sources = own_archive()
        if not sources:
            raise RuntimeError("no package source of this machine names the suite that it runs")
        with open(os.path.join(parts, "parts", "suites.sources"), "w", encoding="utf-8") as f:
            f.write("\n".join(re.sub(r"(?m)^Suites:.*$", "Suites: " + " ".join(suites), s) for s in sources))
        for option, path in (("Etc::sourcelist", "/dev/null"), ("Etc::sourceparts", parts + "/parts"),
                             ("State::lists", parts + "/lists"), ("Cache", parts)):
            self.options += ["-o", f"Dir::{option}={path}"]
        self.run("apt-get", "-qq", "update")

    def run(self, program, *args, cwd=None):
        r = subprocess.run([program, *self.options, *args], capture_output=True, text=True, cwd=cwd, timeout=900)
        if r.returncode:
            raise RuntimeError(f"{program} {' '.join(args)}: {r.stderr.strip() or r.stdout.strip()}")
        return r.stdout

    def kernels(self):
        """Names of all kernel images on offer, the oldest of each series first."""
        lines = self.run("apt-cache", "search", "--names-only", "^linux-image-[0-9]").splitlines()
        names = [l.split(" - ")[0] for l in lines if "meta-package" not in l]
        return sorted((n for n in names if NAME.fullmatch(n)), key=in_order)

    def fetch(self, name, folder):
        """The kernel of a package, unpacked below folder; its path and the package's version."""
        deb = re.search(r"' (\S+\.deb) ", self.run("apt-get", "download", "--print-uris", name))
        if not deb:
            raise RuntimeError(f"apt knows no file of {name}")
        version = deb.group(1).split("_")[1].replace("%3a", ":").replace("%7e", "~")
        place = os.path.join(folder, deb.group(1)[:-4])
        kernel = os.path.join(place, "vmlinuz")
        if not os.path.exists(kernel):
            os.makedirs(place, exist_ok=True)
            # Newer releases divide an image in packages that it depends on.
            parts = re.findall(r"Depends: (linux-(?:binary|modules)-\S+)", self.run("apt-cache", "depends", name))
            self.run("apt-get", "-qq", "download", name, *parts, cwd=place)
            unpack(place, kernel)
        return kernel, version


def own_archive():
    """The stanzas (deb822) of the archive that this machine's own suite comes from."""
    own = re.search(r"(?m)^VERSION_CODENAME=(\S+)", open("/etc/os-release", encoding="utf-8").read()).group(1)
    stanzas = []
    for path in glob.glob("/etc/apt/sources.list.d/*.sources"):
        for s in re.split(r"\n\s*\n", open(path, encoding="utf-8").read()):
            if re.search(rf"(?m)^Suites:.*\b{own}(\s|$)", s):
                stanzas.append(s.strip() + "\n")
    for path in ["/etc/apt/sources.list"] + glob.glob("/etc/apt/sources.list.d/*.list"):
        for line in open(path, encoding="utf-8") if os.path.exists(path) else ():
            m = re.match(rf"deb\s+(?:\[.*?\]\s+)?(\S+)\s+{own}\s+(.*)", line)
            if m:
                stanzas.append(f"Types: deb\nURIs: {m.group(1)}\nSuites: {own}\nComponents: {m.group(2).strip()}\n")
    return stanzas


def unpack(place, kernel):
    """Keep of the packages in a folder the kernel, its configuration, and what a guest needs of the modules: overlay.ko, which containers'
    files lie in."""
    debs = glob.glob(os.path.join(place, "*.deb"))
    with tempfile.TemporaryDirectory(dir=place) as d:
        for deb in debs:
            with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as tar:
                # It complains of a package that has none of them: whether there is a kernel is seen below.
                subprocess.run(["tar", "-x", "-C", d, "--wildcards", "--no-anchored", "vmlinuz*", "config-*", "overlay.ko*"], stdin=tar.stdout,
                               stderr=subprocess.DEVNULL, check=False)
        images, configs, modules = (glob.glob(f"{d}/**/{name}", recursive=True) for name in ("vmlinuz*", "config-*", "overlay.ko*"))
        images = [i for i in images if os.path.isfile(i) and not os.path.islink(i)]
        if not images:
            raise RuntimeError(f"the packages in {place} hold no kernel")
        if modules:
            with (lzma.open if modules[0].endswith(".xz") else open)(modules[0], "rb") as f, \
                    open(os.path.join(place, "overlay.ko"), "wb") as out:
                shutil.copyfileobj(f, out)
        for config in configs:
            os.rename(config, os.path.join(place, os.path.basename(config)))
        os.rename(images[0], kernel)
    for deb in debs:
        os.unlink(deb)


def in_order(name):
    """A key that sorts names as versions: digits by their value."""
    return [(int(n), "") if n else (-1, t) for n, t in re.findall(r"(\d+)|(\D+)", name)]


def choose(names, wanted, everything):
    """Those that one of wanted (patterns of the shell, or a part of the name) names; else the ends of each series and flavour."""
    if everything:
        return names
    if wanted:
        for w in wanted:
            if not any(fnmatch.fnmatch(n, f"*{w}*") for n in names):
                raise LookupError(w)
        return [n for n in names if any(fnmatch.fnmatch(n, f"*{w}*") for w in wanted)]
    groups = {}
    for n in names:
        m = NAME.fullmatch(n)
        groups.setdefault(m.group(2, 3, 4), []).append(n)
    ends = {n for g in groups.values() for n in (g[0], g[-1])}
    return [n for n in names if n in ends]
