# SPDX-License-Identifier: Apache-2.0
"""Programs with the verdicts that kernels gave on them, from a folder of recordings; as kjudge takes them (agree.h).

The folder holds struct61.jsonl.gz, one program a line, and struct61-verdicts.tsv. A program's maps are shapes by slot, and
its instructions have the slot in place of a descriptor.
"""
import csv
import gzip
import json
import os
import struct

ARRAY, HASH_OF_MAPS, SK_STORAGE, NO_PREALLOC = 2, 13, 24, 1
LD_IMM64, CALL = 0x18, 0x85
MAP_FD, MAP_VALUE, FUNC = 1, 2, 4
INT, PTR, STRUCT, FUNC_KIND, PROTO, TYPE_TAG = 1, 2, 4, 12, 13, 18


class Btf:
    """A little BTF, type by type; ids count from 1."""

    def __init__(self):
        self.strings, self.types, self.n = b"\0", b"", 0

    def string(self, s):
        at = self.strings.find(b"\0" + s.encode() + b"\0")
        if at < 0:
            at = len(self.strings) - 1
            self.strings += s.encode() + b"\0"
        return at + 1 if s else 0

    def add(self, name, kind, n, size, *words, linkage=0):
        self.n += 1
        self.types += struct.pack("<III", self.string(name), kind << 24 | (n or linkage), size)
        self.types += b"".join(struct.pack("<I", w & 0xffffffff) for w in words)
        return self.n

    def integer(self, name="int", size=4, signed=1):
        return self.add(name, INT, 0, size, signed << 24 | size * 8)

    def pointer(self, to):
        return self.add("", PTR, 0, to)

    def tagged(self, tag, to):
        return self.pointer(self.add(tag, TYPE_TAG, 0, to))

    def struct(self, name, size, *members):
        words = [w for m, t, byte in members for w in (self.string(m), t, byte * 8)]
        return self.add(name, STRUCT, len(members), size, *words)

    def function(self, name, result, *params, static=False):
        words = [w for p, t in params for w in (self.string(p), t)]
        proto = self.add("", PROTO, len(params), result, *words)
        return self.add(name, FUNC_KIND, 0, proto, linkage=0 if static else 1)

    def bytes(self):
        return struct.pack("<HBBIIIII", 0xeb9f, 1, 0, 24, 0, len(self.types), len(self.types), len(self.strings)) + self.types + self.strings


def lock_value(b):
    lock = b.struct("bpf_spin_lock", 4, ("val", 1, 0))
    return b.struct("val", 8, ("cnt", 1, 0), ("l", lock, 4))


def timer_value(b):
    return b.struct("timer", 16, ("t", b.struct("bpf_timer", 16), 0))


def kptr_value(b):
    object_, member = b.struct("prog_test_ref_kfunc", 0), b.struct("prog_test_member", 0)
    return b.struct("btf_ptr", 24, ("ptr", b.tagged("kptr", object_), 0), ("ptr", b.tagged("kptr_ref", object_), 8),
                    ("ptr", b.tagged("kptr_ref", member), 16))


# Maps with types: a part of the names of the programs that have one, its shape, and the type of its value. The recording has
# no shape of them (slot -1), because the host that it was made on had none of their types.
TYPED = (
    ("spin_lock", (ARRAY, 4, 8, 1, 0), lock_value),
    ("bpf_timer", (ARRAY, 4, 16, 1, 0), timer_value),
    ("map_kptr", (ARRAY, 4, 24, 1, 0), kptr_value),
    ("sk_storage_get", (SK_STORAGE, 4, 8, 0, NO_PREALLOC), lock_value),
    ("smap", (SK_STORAGE, 4, 8, 0, NO_PREALLOC), lock_value),
)

# BTF ids in the recording's calls of kernel functions, of the kernel that it was made on. An id of 0 stands where that kernel had none of
# the name; kernels that had it judged another program than the one that is here.
KFUNCS = {64370: "bpf_key_put", 64373: "bpf_kfunc_call_memb_release", 64378: "bpf_kfunc_call_test_release",
          64485: "bpf_lookup_system_key", 64488: "bpf_lookup_user_key"}
KFUNC = 2
HAD_KFUNCS_OF_TESTS = ("6.1",)


def slots(code):
    """Offsets of the instructions, in order; the second half of a wide one is left out."""
    at = 0
    while at < len(code):
        yield at
        at += 16 if code[at] == LD_IMM64 else 8


def imm(code, at):
    return struct.unpack_from("<i", code, at + 4)[0]


def refers(code, at):
    return code[at] == LD_IMM64 and code[at + 1] >> 4 in (MAP_FD, MAP_VALUE)


class Case:
    """One program: what kjudge is given, and what each kernel said."""

    def __init__(self, row):
        self.id, self.name, self.row = row["id"], row["name"], row
        self.says = {}  # kernel -> (verdict, message or None)
        self.typed = None
        self.line = self.make()

    def make(self):
        row = self.row
        code = bytearray.fromhex(row["insns"])
        btf, maps = None, []
        index = {}
        for slot, shape in row["maps"].items():
            index[int(slot)] = len(maps)
            maps.append((*shape, 0, 0))
        used = {imm(code, at) for at in slots(code) if refers(code, at)}
        self.typed = next((t for t in TYPED if t[0] in self.name), None) if -1 in used and -1 not in index else None
        if self.typed:
            btf = Btf()
            btf.integer()
            index[-1] = len(maps)
            maps.append((*self.typed[1], 1, self.typed[2](btf)))
        for at in slots(code):
            if refers(code, at):
                struct.pack_into("<i", code, at + 4, index.get(imm(code, at), -1))
        calls = {imm(code, at) for at in slots(code) if code[at] == CALL and code[at + 1] >> 4 == KFUNC}
        self.nameless = 0 in calls and len(calls)
        kfuncs = ";".join(f"{c}={KFUNCS[c]}" for c in sorted(calls) if c in KFUNCS)
        funcs = []
        if row["has_btf"]:
            btf = btf or Btf()
            funcs = self.functions(btf, code)
        return "\t".join((str(self.id), str(row["prog_type"]), str(row["attach_type"]), str(row["flags"]), row["attach_func"] or "-",
                          ";".join(",".join(map(str, m)) for m in maps) or "-", ";".join(f"{s},{t}" for s, t in funcs) or "-", kfuncs or "-",
                          btf.bytes().hex() if btf else "-", code.hex()))

    @staticmethod
    def functions(btf, code):
        """A function for each place that is called or whose address is taken: a callback of two arguments."""
        starts = {0}
        for at in slots(code):
            if (code[at] == CALL and code[at + 1] >> 4 == 1) or (code[at] == LD_IMM64 and code[at + 1] >> 4 == FUNC):
                starts.add(at // 8 + 1 + imm(code, at))
        number = btf.integer() if not btf.n else 1
        pointer = btf.pointer(0)
        out = []
        for n, start in enumerate(sorted(starts)):
            f = btf.function("main", number) if not n else btf.function(f"callback_{n}", number, ("index", number), ("ctx", pointer), static=True)
            out.append((start, f))
        return out


def said(row, kernel, case):
    """The verdict of a kernel, as the table has it, and its message where it was kept."""
    verdict, message = row["v" + kernel], row.get("message_" + kernel)
    if verdict != "accept" and case.typed and not (message and "not pointing to valid bpf_map" not in message):
        return "env", message  # a map with types could not be made
    by_id_0 = "not eliminated" in (message or "") or (verdict == "accept" and case.nameless == 1)
    if case.nameless and kernel in HAD_KFUNCS_OF_TESTS and not by_id_0:
        return "env", message
    return verdict, message


def load(folder):
    """All programs, and the kernels that judged them, oldest first. OSError: there are none."""
    with gzip.open(os.path.join(folder, "struct61.jsonl.gz"), "rt", encoding="utf-8") as f:
        cases = {str(r["id"]): Case(r) for r in map(json.loads, f)}
    with open(os.path.join(folder, "struct61-verdicts.tsv"), encoding="utf-8", newline="") as f:
        table = list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))
    kernels = [c[1:] for c in table[0] if c[0] == "v" and c[1:2].isdigit()]
    for row in table:
        case = cases[row["id"]]
        case.says = {k: said(row, k, case) for k in kernels}
    return cases, kernels
