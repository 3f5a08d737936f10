# SPDX-License-Identifier: Apache-2.0
"""How much stack the fixed programs take along their calls, as kernels without a stack of a program's own count it."""
import re
import subprocess

LIMIT = 512  # MAX_BPF_STACK, of all frames that are open at once
ROUND = 32   # each frame's part is rounded up to this; newer kernels round to less


class Object:
    def __init__(self, objdump, path):
        self.frames, self.calls, self.starts = {}, {}, {}
        text = subprocess.run([objdump, "-dr", "--no-show-raw-insn", path], capture_output=True, text=True, check=True).stdout
        section = name = before = ""
        pending = []
        for line in text.splitlines():
            if m := re.match(r"Disassembly of section (\S+):", line):
                section = m.group(1)
            elif m := re.match(r"([0-9a-f]+) <(\w+)>:", line):
                name = m.group(2)
                self.starts[section, int(m.group(1), 16) // 8] = name
                self.frames[name], self.calls[name] = 0, set()
            elif m := re.search(r"R_BPF_64_32\s+(\S+)", line):
                pending.append((name, m.group(1), int(re.search(r"call (-?(?:0x)?[0-9a-f]+)", before).group(1), 0)))
            elif name:
                self.frames[name] = max(self.frames[name], deepest(line, before))
            before = line
        for caller, symbol, offset in pending:
            # A call of a static function names its section, and from where in it.
            self.calls[caller].add(symbol if symbol in self.frames else self.starts[symbol, offset + 1])

    def deepest_path(self, name):
        """(bytes, names) of the costliest chain of calls that begins here."""
        below = max((self.deepest_path(c) for c in self.calls[name]), default=(0, []))
        return below[0] + -(-max(self.frames[name], 1) // ROUND) * ROUND, [name] + below[1]


def deepest(line, before):
    """How far below the frame pointer (r10) this instruction reaches."""
    if m := re.search(r"r10 - (0x[0-9a-f]+|\d+)", line) or re.search(r"r10 \+ -(0x[0-9a-f]+|\d+)", line):
        return int(m.group(1), 0)
    m = re.search(r"(r\d+) \+= -(0x[0-9a-f]+|\d+)$", line)
    return int(m.group(2), 0) if m and before.endswith(f"{m.group(1)} = r10") else 0
