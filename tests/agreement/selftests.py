# SPDX-License-Identifier: Apache-2.0
"""Objects to judge that are not this project's: the selftests of Linux 6.1 and libbpf-tools, out of Debian's packages.

Everything is fetched into build/agreement, by apt's own client, and built there with this machine's clang; nothing of it is kept in the
tree. What is there already is not made again.
"""
import concurrent.futures
import glob
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "kernels"))
import guest  # noqa: E402
import packages  # noqa: E402

FOLDER = os.path.join(guest.ROOT, "build", "agreement")
KERNELS = os.path.join(guest.ROOT, "build", "kernels")
SOURCE = "linux-source-6.1"
EM_BPF = 247
# From the source: the programs with what they include, libbpf's headers, and what makes the list of helpers.
WANTED = re.compile(r"^[^/]+/(tools/testing/selftests/bpf/(progs/.*\.[ch]|[^/]*\.h)|tools/lib/bpf/[^/]*\.h|tools/include/.*|"
                    r"include/uapi/linux/bpf\.h|scripts/bpf_doc\.py)$")
MAGICS = ((b"\xfd7zXZ\0", ["xz", "-dc", "--single-stream", "-q"]), (b"\x28\xb5\x2f\xfd", ["zstd", "-dcq"]),
          (b"\x1f\x8b\x08", ["gzip", "-dcq"]), (b"\x02\x21\x4c\x18", ["lz4", "-dcq"]))


def run(*argv, **more):
    return subprocess.run(argv, check=True, capture_output=True, **more).stdout


def sections(elf):
    """Name, offset and size of each section of a 64-bit ELF file."""
    at, = struct.unpack_from("<Q", elf, 40)
    width, n, names = struct.unpack_from("<HHH", elf, 58)
    head = [struct.unpack_from("<IIQQQQ", elf, at + i * width) for i in range(n)]
    text = head[names][4]
    for name, _, _, _, off, size in head:
        yield elf[text + name:elf.index(b"\0", text + name)].decode(), off, size


def kernel_types(vmlinuz):
    """The file with the BTF of a kernel image, taken out of it."""
    out = os.path.join(os.path.dirname(vmlinuz), "vmlinux.btf")
    if os.path.exists(out):
        return out
    with open(vmlinuz, "rb") as f:
        image = f.read()
    for magic, argv in MAGICS:
        for found in re.finditer(re.escape(magic), image):
            elf = subprocess.run(argv, input=image[found.start():], capture_output=True, check=False).stdout
            if not elf.startswith(b"\x7fELF"):
                continue
            for name, off, size in sections(elf):
                if name == ".BTF":
                    with open(out, "wb") as f:
                        f.write(elf[off:off + size])
                    return out
    raise RuntimeError(f"{vmlinuz} has no types")


def source():
    """The part of the kernel's source that is needed, unpacked."""
    place = os.path.join(FOLDER, "linux")
    if os.path.isdir(place):
        return place
    os.makedirs(os.path.join(FOLDER, "src"), exist_ok=True)
    have = glob.glob(os.path.join(FOLDER, "src", SOURCE + "_*.deb"))
    if not have:
        packages.Apt(FOLDER).run("apt-get", "-qq", "download", SOURCE, cwd=os.path.join(FOLDER, "src"))
        have = glob.glob(os.path.join(FOLDER, "src", SOURCE + "_*.deb"))
    part = place + ".part"
    shutil.rmtree(part, ignore_errors=True)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", have[0]], stdout=subprocess.PIPE) as deb, \
            tarfile.open(fileobj=deb.stdout, mode="r|") as outer:
        inner = next(outer.extractfile(m) for m in outer if m.name.endswith(".tar.xz"))
        with tarfile.open(fileobj=inner, mode="r|xz") as tar:
            for m in tar:
                if WANTED.match(m.name) and m.isreg():
                    m.name = m.name.split("/", 1)[1]
                    tar.extract(m, part)
    os.rename(part, place)
    return place


def headers(linux, btf):
    """What the programs include that is made, not written."""
    place = os.path.join(FOLDER, "include")
    if os.path.exists(os.path.join(place, "vmlinux.h")):
        return place
    os.makedirs(os.path.join(place, "bpf"), exist_ok=True)
    os.makedirs(os.path.join(place, "gnu"), exist_ok=True)
    with open(os.path.join(place, "gnu", "stubs.h"), "w", encoding="utf-8"):
        pass  # the C library's asks for another file, which is there for 32-bit machines only
    for h in glob.glob(os.path.join(linux, "tools/lib/bpf/*.h")):
        shutil.copy(h, os.path.join(place, "bpf"))
    defs = run(sys.executable, os.path.join(linux, "scripts/bpf_doc.py"), "--header", "--filename", os.path.join(linux, "include/uapi/linux/bpf.h"))
    with open(os.path.join(place, "bpf", "bpf_helper_defs.h"), "wb") as f:
        f.write(defs)
    types = run("bpftool", "btf", "dump", "file", btf, "format", "c")
    with open(os.path.join(place, "vmlinux.h"), "wb") as f:
        f.write(types)
    return place


def compile_one(linux, include, c, out):
    tests = os.path.join(linux, "tools/testing/selftests/bpf")
    argv = ["clang-19", "-g", "-O2", "-target", "bpf", "-mcpu=v3", "-D__TARGET_ARCH_x86", "-DENABLE_ATOMICS_TESTS", "-Wno-everything",
            "-I" + include, "-I" + tests, "-I" + os.path.join(linux, "tools/include/uapi"), "-idirafter", "/usr/include",
            "-idirafter", "/usr/include/x86_64-linux-gnu", "-c", c, "-o", out + ".part"]
    r = subprocess.run(argv, cwd=os.path.join(tests, "progs"), capture_output=True, text=True, check=False)
    if r.returncode:
        line = next((s for s in r.stderr.splitlines() if "error:" in s), r.stderr[:200])
        return f"{os.path.basename(c)}: {line.strip()}"
    subprocess.run(["llvm-strip-19", "-g", out + ".part"], check=False)
    os.rename(out + ".part", out)
    return None


def compile_all(linux, include, say):
    """Objects of the selftests; what does not compile is listed in one file."""
    place = os.path.join(FOLDER, "selftests")
    failed = os.path.join(place, "not-compiled.txt")
    if not os.path.exists(failed):
        os.makedirs(place, exist_ok=True)
        files = sorted(glob.glob(os.path.join(linux, "tools/testing/selftests/bpf/progs/*.c")))
        say(f"building {len(files)} selftests")
        todo = [(c, os.path.join(place, os.path.basename(c)[:-2] + ".o")) for c in files]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            bad = [b for b in pool.map(lambda t: None if os.path.exists(t[1]) else compile_one(linux, include, *t), todo) if b]
        with open(failed, "w", encoding="utf-8") as f:
            f.write("".join(b + "\n" for b in bad))
    return sorted(glob.glob(os.path.join(place, "*.o")))


def embedded(data):
    """BPF objects inside of another file: whole ELF files, as long as their table of sections says."""
    for found in re.finditer(rb"\x7fELF\x02\x01\x01", data):
        elf = data[found.start():]
        if len(elf) < 64 or struct.unpack_from("<H", elf, 18)[0] != EM_BPF:
            continue
        at, = struct.unpack_from("<Q", elf, 40)
        width, n = struct.unpack_from("<HH", elf, 58)
        if at + width * n <= len(elf):
            yield elf[:at + width * n]


def tools(say):
    """libbpf-tools: each program carries its object."""
    place = os.path.join(FOLDER, "tools")
    if not os.path.isdir(place):
        say("fetching libbpf-tools")
        part = place + ".part"
        shutil.rmtree(part, ignore_errors=True)
        os.makedirs(os.path.join(part, "root"))
        packages.Apt(FOLDER).run("apt-get", "-qq", "download", "libbpf-tools", cwd=part)
        run("dpkg-deb", "-x", glob.glob(os.path.join(part, "*.deb"))[0], os.path.join(part, "root"))
        for path in glob.glob(os.path.join(part, "root/usr/sbin/*")) + glob.glob(os.path.join(part, "root/usr/bin/*")):
            if os.path.islink(path):
                continue
            with open(path, "rb") as f:
                for i, elf in enumerate(embedded(f.read())):
                    with open(os.path.join(part, f"{os.path.basename(path)}{i or ''}.o"), "wb") as o:
                        o.write(elf)
        shutil.rmtree(os.path.join(part, "root"))
        os.rename(part, place)
    return sorted(glob.glob(os.path.join(place, "*.o")))


def objects(say):
    """Two lists of files: the selftests' objects, libbpf-tools'. guest.Missing: a tool is missing."""
    for program, package in (("clang-19", "clang-19"), ("bpftool", "bpftool"), ("dpkg-deb", "dpkg"), ("llvm-strip-19", "llvm-19")):
        if not shutil.which(program):
            raise guest.Missing(f"{program} is missing: apt-get install {package}")
    place = os.path.join(FOLDER, "selftests")
    if os.path.exists(os.path.join(place, "not-compiled.txt")):
        return sorted(glob.glob(os.path.join(place, "*.o"))), tools(say)
    say("unpacking the source of Linux 6.1")
    linux = source()
    apt = packages.Apt(KERNELS)
    name = [k for k in apt.kernels() if re.search(r"linux-image-6\.1\..*-cloud-amd64$", k)][-1]
    say(f"fetching {name}, for its types")
    os.makedirs(KERNELS, exist_ok=True)
    btf = kernel_types(apt.fetch(name, KERNELS)[0])
    return compile_all(linux, headers(linux, btf), say), tools(say)
