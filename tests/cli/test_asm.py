#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""asm, disasm, exec and the conformance plugin as their users meet them. usage: test_asm.py BINARY PLUGIN [TEST]"""
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
sys.path.insert(0, HERE)
import tap
from tap import Skip, expect
from test_cli import ROOT, Context

tap.TESTS.clear()  # test_cli has its own run
from tap import test

PLUGIN = None
PROGRAM = """	.map	counts, array, 4, 8, 1
	.section	sallyport/program
main:
	r6 = 0
	r7 = r2
again:
	r1 = r7
	call square
	r6 += r0
	r7 -= 1
	if r7 s> 0 goto again
	*(u32 *)(r10 - 4) = 0
	r2 = r10
	r2 += -4
	r1 = counts ll
	call map_lookup_elem
	if r0 == 0 goto out
	r1 = *(u64 *)(r0 + 0)
	r6 += r1
	*(u64 *)(r0 + 0) = r6
out:
	r0 = r6
	exit
square:
	r0 = r1
	r0 *= r1
	exit
"""
SUITE = """# a file such as the suite has
-- asm
mov %r0, 7
ldxb %r1, [%r1+1] # the second byte
add %r0, %r1
exit
-- mem
01 02
-- result
0x9
"""


def hexes(data):
    """As the suite's runner writes bytes."""
    return "".join(f"{b:02x}  " for b in data)


def plugin(c, *args, code=b"", want=0):
    r = subprocess.run([PLUGIN, *args], input=hexes(code) + "\n", capture_output=True, text=True, timeout=60)
    expect(r.returncode == want, f"{args}: exit code {r.returncode}: {r.stdout}{r.stderr}")
    return r


@test
def text_becomes_an_object_and_the_object_the_same_text(c):
    c.run("asm", c.file("p.s", PROGRAM), code=0)
    expect(open(c.path("p.o"), "rb").read(4) == b"\177ELF", "p.o is not an object")
    listed = c.run("disasm", "p.o", code=0).stdout
    for want in ("main:", "square:", "call square", "r1 = counts ll", "call map_lookup_elem", ".map\tcounts, array, 4, 8, 1"):
        expect(want in listed, f"{want!r} is not in\n{listed}")
    c.file("again.s", listed)
    c.run("asm", "again.s", "-o", "again.o", code=0)
    expect(c.run("disasm", "again.o", code=0).stdout == listed, "the listing does not come back")
    raw = subprocess.run([c.binary, "asm", "--raw", c.path("p.s"), "-o", "-"], capture_output=True, timeout=60).stdout
    expect(len(raw) == 8 * 22, f"{len(raw)} bytes")
    expect("# 21: 95 00" in c.run("disasm", "--bytes", "p.s", code=0).stdout, "the last slot")


@test
def options_of_asm_reach_the_object(c):
    c.file("e.s", "r0 = 0\nexit\n")
    c.run("asm", "e.s", "--name", "other", "--section", "xdp", "--license", "GPL", "-o", "e2.o", code=0)
    out = c.run("disasm", "e2.o", code=0).stdout
    expect("other:" in out and ".section\txdp" in out, out)
    expect(b"GPL\0" in open(c.path("e2.o"), "rb").read(), "no license")
    c.run("asm", "e.s", "--raw", code=0)
    expect(open(c.path("e.bin"), "rb").read() == bytes.fromhex("b700000000000000" "9500000000000000"), "e.bin")
    c.run("asm", "e.s", "--raw", "--name", "x", code=2)
    expect("is an object already" in c.run("asm", "e2.o", code=1).stderr, "an object was assembled")
    c.file("prog.o", "exit\n")
    expect("-o" in c.run("asm", "prog.o", code=2).stderr, "written over itself")
    r = c.run("asm", c.file("w.s", "r0 = 0\nadd %r0 5\n"), code=1)
    expect("w.s:2:9: error[A110]" in r.stderr and "^" in r.stderr, r.stderr)


@test
def disasm_tells_lines_and_json(c):
    c.file("p.s", PROGRAM)
    out = c.run("disasm", "p.s", "--source", code=0).stdout
    expect("; p.s:7: r1 = r7\n\tr1 = r7" in out, out)
    j = json.loads(c.run("disasm", "p.s", "--json", code=0).stdout)["programs"][0]
    expect(j["section"] == "sallyport/program" and [f["name"] for f in j["functions"]] == ["main", "square"], j)
    i = [i for i in j["instructions"] if i["text"] == "call square"][0]
    expect(i["line"] == 8 and i["bytes"] == "851000000f000000" and i["slot"] == 3, i)
    expect("no program 'x'" in c.run("disasm", "p.s", "--prog", "x", code=1).stderr, "a program that is not there")
    c.file("odd.bin", b"\0\0\0")
    expect("E105" in c.run("disasm", "odd.bin", code=1).stderr, "not whole slots")


@test
def exec_runs_text_objects_and_bare_instructions(c):
    c.run("asm", c.file("p.s", PROGRAM), code=0)
    c.run("asm", "--raw", c.file("m.s", SUITE), code=0)
    expect(c.run("exec", "p.s", "--mem", "00 00 00", code=0).stdout == "r0 = 14 (0xe)\n", "text")
    expect(c.run("exec", "p.o", "--mem", "000000", code=0).stdout == "r0 = 14 (0xe)\n", "object")
    expect(c.run("exec", "m.bin", "--mem", "0102", code=0).stdout == "r0 = 9 (0x9)\n", "bare")
    c.file("mem", b"\1\3")
    expect(c.run("exec", "m.s", "--mem", "@mem", code=0).stdout == "r0 = 10 (0xa)\n", "a file of the suite")
    out = c.run("exec", "p.s", "--mem", "000000", "--repeat", "3", code=0).stdout
    expect(out.startswith("r0 = 42 ") and "3 runs, " in out, out)  # the map keeps the sum
    j = json.loads(c.run("exec", "p.s", "--mem", "00", "--json", code=0).stdout)
    expect(j["ok"] and j["r0"] == "0x1" and j["run_ns"] > 0, j)


CLANG_SOURCE = """
typedef unsigned long long u64;
extern void *bpf_map_lookup_elem(void *map, const void *key);
struct { int (*type)[2]; unsigned *key; u64 *value; int (*max_entries)[2]; } sums __attribute__((section(".maps"), used));
static __attribute__((noinline)) u64 plus(u64 a, u64 b) { return a + b; }
static __attribute__((noinline)) u64 times(u64 a, u64 b) { return a * b; }
static u64 (*const table[])(u64, u64) = { plus, times };
static const char *const names[] = { "ab", "cd" };
u64 last = 5;
u64 *place = &last;
u64 entry(u64 *ctx)
{
	unsigned key = 1;
	u64 *p = bpf_map_lookup_elem(&sums, &key);

	if (!p)
		return 0;
	*p = table[ctx[0] & 1](ctx[0], 20) + *place;
	*place = 7;
	return *p * 1000 + names[ctx[0] & 1][1] + last;
}
"""


@test
def exec_runs_what_clang_makes_with_helpers_by_name_and_addresses_in_data(c):
    source = c.file("clang.c", CLANG_SOURCE)
    subprocess.run(["clang-19", "-target", "bpf", "-O2", "-g", "-c", source, "-o", c.path("clang.o")], check=True)
    expect(c.run("exec", "clang.o", "--mem", "03" + "00" * 7, code=0).stdout.startswith("r0 = 65107 "), "3 * 20 + 5, d, 7")
    expect(c.run("exec", "clang.o", "--mem", "04" + "00" * 7, code=0).stdout.startswith("r0 = 29105 "), "4 + 20 + 5, b, 7")


@test
def exec_says_where_a_program_failed(c):
    c.run("asm", c.file("m.s", "r0 = 0\nr0 = *(u8 *)(r1 + 4)\nexit\n"), code=0)
    for name in ("m.s", "m.o"):
        r = c.run("exec", name, "--mem", "0000", code=1)
        expect("m.s:2:1: error[X301]" in r.stderr and "context+4" in r.stderr and r.stdout == "", r.stderr)
    j = json.loads(c.run("exec", "m.s", "--json", code=1).stdout)
    expect(not j["ok"] and j["diagnostic"]["id"] == "X301" and j["diagnostic"]["line"] == 2, j)
    c.file("loop.s", "again: goto again\n exit\n")
    expect("X309" in c.run("exec", "loop.s", "--fuel", "500", code=1).stderr, "fuel")
    for args in (["--fuel", "0"], ["--repeat", "x"], ["--mem", "0"], ["--mem", "xy"], []):
        expect(c.run("exec", *(args and ["m.s", *args]), code=2).stderr, args)


@test
def a_trace_shows_each_instruction_and_what_it_changed(c):
    out = c.run("exec", c.file("p.s", PROGRAM), "--mem", "0000", "--trace", code=0).stderr.splitlines()
    lines = [line.split() for line in out]
    expect(len(out) == 29, "\n".join(out))
    expect(lines[1][:4] == ["1:", "r7", "=", "r2"] and lines[1][-1] == "r7=0x2", out[1])
    expect(out[4].startswith("    19:   r0 = r1"), out[4])  # one call deep
    expect(lines[-2][-1] == "r0=0x5" and lines[-1] == ["18:", "exit"], out[-1])
    r = c.run("exec", c.file("m.s", "r1 = 5\nr0 = *(u8 *)(r1 + 0)\nexit\n"), "--trace", code=1)
    expect("1: r0 = *(u8 *)(r1 + 0)" not in r.stderr.splitlines()[0] and "w0 = *(u8 *)(r1 + 0)\n" in r.stderr, r.stderr)


@test
def a_profile_counts_lines_and_functions(c):
    c.run("asm", c.file("p.s", PROGRAM), code=0)
    for name in ("p.s", "p.o"):
        j = json.loads(c.run("exec", name, "--mem", "00" * 10, "--profile", "--json", code=0).stdout)["profile"]
        expect(j["functions"] == [{"count": 63, "name": "main"}, {"count": 30, "name": "square"}], j["functions"])
        expect(j["instructions"] == 93 and sum(line["count"] for line in j["lines"]) == 93, j)
        line = [line for line in j["lines"] if line["line"] == 8][0]
        expect(line["count"] == 10 and line["text"] == "call square", line)
    out = c.run("exec", "p.s", "--mem", "00" * 10, "--repeat", "2", "--profile", code=0).stdout
    expect("186 instructions" in out and "20   10.8%  p.s:8: call square" in out and "60   32.3%  square" in out, out)


NATIVE = """	.section	sallyport/program
main:
	r6 = *(u8 *)(r1 + 1)
	r1 = r6
	call square
	exit
square:
	r0 = r1
	r0 *= r1
	exit
"""


def native(c):
    r = c.run("disasm", c.file("n.s", NATIVE), "--jit")
    if r.returncode == 2 or "J1" in r.stderr:
        raise Skip("no compiler for this machine")
    return r.stdout


@test
def native_code_gives_the_same_results_and_faults(c):
    native(c)
    for way in ("--interpreted", "--sandboxed", "--verified"):
        expect(c.run("exec", "n.s", "--mem", "0007", way, code=0).stdout == "r0 = 49 (0x31)\n", way)
    for way in ("--interpreted", "--sandboxed"):
        r = c.run("exec", "n.s", "--mem", "00", way, code=1)
        expect("n.s:3:1: error[X301]" in r.stderr, r.stderr)
    r = c.run("exec", "n.s", "--mem", "00", "--verified", code=1)
    expect("error[V" in r.stderr, r.stderr)
    c.file("loop.s", "again: goto again\n exit\n")
    expect("X309" in c.run("exec", "loop.s", "--sandboxed", code=1).stderr, "fuel")
    c.run("exec", "n.s", "--sandboxed", "--trace", code=2)


@test
def native_code_is_shown_beside_what_it_was_made_of(c):
    out = native(c)
    expect("bytes of" in out and "sandboxed" in out, out)
    for want in ("main:\n", "square:\n", "\tw6 = *(u8 *)(r1 + 1)  # 0", "\tr0 *= r1  # 5"):
        expect(want in out, f"{want!r} is not in\n{out}")
    expect(len(re.findall(r"^\t\t +[0-9a-f]+: [0-9a-f]{2}", out, re.M)) > 8, out)
    if shutil.which("objdump"):
        expect("ret" in out and "no mnemonics" not in out, out)
    checked = len(out)
    out = c.run("disasm", "n.s", "--jit", "--verified", "--source", code=0).stdout
    expect("; n.s:3: r6 = *(u8 *)(r1 + 1)\n" in out and "verified" in out and len(out) < checked, out)
    for args in (["--jit=arm"], ["--jit", "--json"], ["--verified"]):
        c.run("disasm", "n.s", *args, code=2)


@test
def the_examples_of_the_manual_run(c):
    text = open(os.path.join(ROOT, "docs", "asm.md"), encoding="utf-8").read()
    lines, program = re.findall(r"^```\n(.*?)^```", text, re.M | re.S)
    expect(c.run("exec", c.file("lines.s", lines), code=0).stdout == "r0 = 3 (0x3)\n", "lines")
    expect(c.run("exec", c.file("count.s", program), "--repeat", "3", code=0).stdout.startswith("r0 = 3 "), "program")
    ids = set(re.findall(r"'A', (\d+)|_TOK\([^;]*?, (?:FORMAT|LIMIT|NOT_FOUND), (\d+)", "".join(
        open(os.path.join(ROOT, "src", "engine", "asm", f), encoding="utf-8").read() for f in os.listdir(os.path.join(ROOT, "src", "engine", "asm")))))
    ranges = [tuple(map(int, r)) for r in re.findall(r"A(\d+) to A(\d+)", text)]
    for number in {int(a or b) for a, b in ids}:
        expect(any(low <= number <= high for low, high in ranges), f"docs/asm.md does not list A{number}")


@test
def the_plugin_speaks_the_suites_protocol(c):
    def code(text):
        c.file("t.s", text)
        return subprocess.run([c.binary, "asm", "--raw", c.path("t.s"), "-o", "-"], capture_output=True, timeout=60).stdout

    second = code("r0 = *(u8 *)(r1 + 1)\nr0 += r2\nexit\n")
    for way in ("--interpreter", "--sandboxed", "--jit"):
        expect(plugin(c, hexes(b"\1\x20\3"), way, code=second).stdout == "23\n", "memory")
        expect(plugin(c, way, code=code("r1 = 0\ncall 5\nr0 = 9\nexit")).stdout == "0\n", "helper 5 ends the program")
    expect(plugin(c, code=code("r0 = r1\nr0 |= r2\nr0 += -1\nexit")).stdout == "f" * 16 + "\n", "without memory")
    expect(plugin(c, code=code("r1 = 3\ncall 5\nexit")).stdout == "3\n", "helper 5")
    expect("X301" in plugin(c, hexes(b"\1"), code=second, want=1).stderr, "a fault")
    expect("E105" in plugin(c, code=b"\1\2", want=1).stderr, "half an instruction")
    for args in (["--what"], ["0x", "--interpreter"], ["00", "11"]):
        expect(plugin(c, *args, want=2).stderr, args)
    expect("usage:" in plugin(c, "--help").stdout, "help")
    c.file("o.s", "main: r0 = 11\nexit\n")
    c.run("asm", "o.s", "--section", "xdp", code=0)
    expect(plugin(c, "--elf", code=open(c.path("o.o"), "rb").read()).stdout == "b\n", "an object")


if __name__ == "__main__":
    PLUGIN = os.path.abspath(sys.argv[2])
    sys.exit(tap.main(Context(os.path.abspath(sys.argv[1])), sys.argv[3] if len(sys.argv) > 3 else None))
