#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Somebody's own content as a release for a small fleet, and how far it gets. usage: poison.py BUILD_DIR FILE

FILE is rules (YAML) or a bundle. Two dozen real agents, one of them on this very host; two authors who sign what they are
given, a person who approves everything: nothing is between the content and the hosts but what Sallyport does by itself.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fleet_bed import ROOT, Bed, Plan, wait_for
from demo import COLOUR, heading, paint, say
from sensor import why_no_kernel

HOSTS, RING0 = 24, 10
PLAN = Plan([14, 3, 3, 3, 3, 3, 3], [0, 120000, 240000, 400000, 550000, 750000, 1000000], shadow_s=2, probation_s=6, report_s=2)
REST_S = 8  # paused for longer than this, and nothing new: a person is waited for
TIMEOUT_S = 95
USAGE = """usage: sudo ./dev demo --poison FILE

FILE: detection rules (YAML) or a bundle, as bad as you like: malformed, endless, matching everything,
reading fields that do not exist, garbage. It is compiled, signed, and released to 24 agents, of
which one watches this host. Under two minutes."""

# What a host does with the content: its letter, and a colour.
LETTERS = {"waits": (".", "2"), "test": ("t", "36"), "shadow": ("s", "36"), "armed": ("A", "33"), "good": ("G", "32"),
           "stopped": ("x", "31"), "down": ("!", "41")}


LONG = "/tmp/" + "/".join(["a" * 200] * 18)


def activity():
    """An ordinary minute of a host, in short; and somebody on it who asks for a file by a long name, as anybody may."""
    try:
        open(LONG).close()
    except OSError:
        pass
    subprocess.run(["sh", "-c", "ls / >/dev/null; cat /etc/hostname /etc/hosts /etc/passwd >/dev/null; id >/dev/null"], check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def shown(text, most=14):
    lines = [part for line in text.rstrip().splitlines() for part in (textwrap.wrap(line, 108, subsequent_indent="  ") or [""])]
    for line in lines[:most]:
        say("     " + line)
    if len(lines) > most:
        say(f"     ... {len(lines) - most} more lines")


def plain(text):
    """What a gate says, for somebody who sees it once."""
    return re.sub(r"; last news at \d+", "", text)


class Show:
    """The fleet on the terminal: redrawn in place there, and elsewhere a line whenever something changes."""

    def __init__(self):
        self.height, self.last = 0, None

    def draw(self, lines, key, short):
        if COLOUR:
            if self.height:
                sys.stdout.write(f"\033[{self.height}F\033[J")
            say("\n".join(lines))
            self.height = len(lines)
        elif key != self.last:
            say(short)
        self.last = key


class Poison:
    def __init__(self, build, file):
        self.file = file
        self.begun = time.monotonic()
        self.bed = Bed(build, PLAN, rate=0, factory=os.path.join(ROOT, "rules"))
        self.live = why_no_kernel(self.bed.binary) is None

    def desk(self):
        """Compiled or checked, tested and signed: the bundle; or None, and what was said."""
        bed, path = self.bed, self.bed.path("poison.bundle")
        with open(self.file, "rb") as f:
            is_bundle = f.read(8) == b"SPBUNDLE"
        if is_bundle:
            shutil.copy(self.file, path)
            steps = [("checks", ["bundle", "check", path])]
        else:
            steps = [("compiles, proves and tests", ["bundle", "build", self.file, "--name", "yours", "--version", "666", "-o", path])]
        steps += [("signs", ["bundle", "sign", path, "--key", bed.path(f"{k}.key")]) for k in ("b1", "b2")]
        for n, (what, args) in enumerate(steps):
            try:
                r = bed.run(*args, code=None, timeout=100)
            except subprocess.TimeoutExpired:
                return None, what, "it takes longer than 100 s"
            if r.returncode:
                return None, what, r.stderr or f"exit code {r.returncode}"
            if n == 0:
                self.warnings = r.stderr if is_bundle else "\n".join(line for line in r.stderr.splitlines() if bed.dir not in line)
        return path, None, None

    def state_of(self, a, digest):
        s = a.status()
        a.silent = 0 if s else a.silent + 1
        if a.process.poll() is not None or a.silent > 5:
            return "down"
        if s is None:
            return a.was
        r = s["release"]
        a.was = ("stopped" if r["quarantined"] == digest else "good" if r["lkg"] == digest
                 else {"selftest": "test", "shadow": "shadow", "probation": "armed"}.get(r["phase"], "waits") if r["candidate"] == digest else "waits")
        return a.was

    def frame(self, r, states, rings):
        took = time.monotonic() - self.published
        lines, short = [f"  {took:5.1f} s   release {r['state']}" + (f", ring {r['ring']}" if r["state"] in ("ring", "paused") else "")], f"  {took:5.1f} s  {r['state']:9}"
        for ring in sorted(set(rings.values()) | {0}):
            row = " ".join(paint(LETTERS[states[a.n]][1], LETTERS[states[a.n]][0]) for a in self.bed.agents if rings[a.n] == ring)
            lines.append(f"     ring {ring}   {row}" + ("   (the first is this host)" if ring == 0 and self.live else ""))
            short += f"  {ring}:{row.replace(' ', '')}"
        gate = r["gate"]["text"] if r["gate"] and r["state"] in ("ring", "paused") else ""
        lines.append("     " + paint("2", plain(gate)[:110]))
        return lines, short

    def release(self, path):
        """Out into the fleet. The last status of the release, and the states of all hosts."""
        bed, show = self.bed, Show()
        out = bed.publish(path, code=None)
        if out.returncode:
            return None, out.stderr
        out = json.loads(out.stdout)
        self.digest, self.published = out["digest"], time.monotonic()
        rings = {a.n: bed.own_ring(a, out["id"]) for a in bed.agents}
        say("     " + "  ".join(f"{paint(c, letter)} {name}" for name, (letter, c) in LETTERS.items()))
        last, paused, r, states = None, None, None, {}
        while time.monotonic() < self.published + TIMEOUT_S:
            r = bed.release(out["version"]) or r
            states = {a.n: self.state_of(a, self.digest) for a in bed.agents}
            if r is None:
                continue
            if r["gate"]:
                last = r["gate"]
            lines, short = self.frame(r, states, rings)
            show.draw(lines, (r["state"], r["ring"], tuple(states.values())), short)
            if r["state"] in ("reverting", "withdrawn", "aborted"):
                break
            if r["state"] == "blessed" and all(s in ("good", "down", "stopped") for s in states.values()):
                break
            paused = (paused or time.monotonic()) if r["state"] == "paused" else None
            if paused and time.monotonic() > paused + REST_S and not any(s in ("test", "shadow", "armed") for s in states.values()):
                break
            if self.live:
                activity()
            time.sleep(0.25)
        r["gate"] = r["gate"] or last
        return r, states

    def why(self, r):
        """In words: what stopped it, and which rule."""
        bed = self.bed
        struck = [a.last["release"] for a in bed.agents if a.last and a.last["release"]["quarantined"] == self.digest]
        words = {"crash": "killed its worker", "hang": "hung its worker", "memory": "used up its worker's memory", "refused": "did not load",
                 "vector": "failed its own vectors", "budget": "broke its budget on real events"}
        told = sorted({words.get(s["cause"], s["cause"]) + (f', rule "{s["rule"]}"' if s["rule"] else "") for s in struck if s["cause"] != "none"})
        if not told:
            return plain(r["gate"]["text"]) if r["gate"] else ""
        text = "; ".join(told) + f": so say {len(struck)} of {len(bed.agents)} hosts"
        errors = {m for a in bed.agents for m in re.findall(r'a rule\'s program ended in an error.*?error="([^"]*)"', a.text())}
        return text + (f" ({'; '.join(sorted(errors))})" if errors else "")

    def table(self, rows):
        say()
        for name, value in rows:
            for i, part in enumerate(textwrap.wrap(str(value), 84) or [""]):
                say(f"  {paint('1', name) if i == 0 else '':<{24 + (8 if COLOUR and i == 0 else 0)}} {part}")
        say()

    def at_the_desk(self, what, text):
        say(f"  {paint('31', 'refused')}  by the desk that {what} it:")
        shown(text)
        first = next((line for line in text.splitlines() if "error" in line), text.strip().splitlines()[0] if text.strip() else "")
        self.table([("hosts down", f"0 of {HOSTS}"), ("blind host-seconds", "0"), ("stopped", "at the author's desk: no host, and no repository, ever saw it"),
                    ("why", first), ("after", f"{time.monotonic() - self.begun:.1f} s")])
        return 0

    def run(self):
        bed = self.bed
        say(paint("1", f"Sallyport: '{os.path.basename(self.file)}' as a release for {HOSTS} hosts"))
        heading("1. The author's desk: compiled, every program proven, tested by its vectors, signed by two")
        path, what, text = self.desk()
        if not path:
            return self.at_the_desk(what, text)
        if self.warnings.strip():
            shown(self.warnings, 6)
        say(f"  {paint('32', 'passed')}   {os.path.getsize(path)} bytes, digest {bed.digest(path)[:16]}")
        heading(f"2. A fleet: {HOSTS} agents in {4 * HOSTS} processes" + (", one of them watches this host" if self.live else ", on a replayed capture")
                + f"; {RING0} volunteered to go first")
        if self.live:
            bed.record(activity, 2)
        bed.start_controller("--approve-key", bed.path("approve.key"))
        if self.live:
            bed.add(1, ring0=1, live=True)
        bed.add(HOSTS - len(bed.agents), ring0=RING0 - len(bed.agents))
        bed.wait_enrolled(30)
        if not wait_for(lambda: all(a.status() for a in bed.agents), 20):
            raise AssertionError("not every host answers")
        time.sleep(PLAN.report_s + 1)  # so that the controller knows them all
        say(f"  {paint('32', 'ready')}    they run the rules of this installation; the controller promotes by itself, a person approves everything")
        heading("3. Published")
        r, states = self.release(path)
        if r is None:
            return self.at_the_desk("publishes", states)
        took = time.monotonic() - self.published
        asked = r["state"] == "paused"
        if asked:
            say(f"  {paint('36', 'did')}      it waits for a person, who looks at it, and halts it")
            bed.change("halt", r["version"])
            wait_for(lambda: not any(self.state_of(a, self.digest) in ("good", "armed", "shadow", "test") for a in bed.agents), 20)
        end = "blessed" if r["state"] == "blessed" else "stopped"
        wait_for(lambda: all(self.state_of(a, self.digest) not in ("test", "shadow", "armed") for a in bed.agents), 8)
        states = {a.n: self.state_of(a, self.digest) for a in bed.agents}
        had = sum(a.had(self.digest) is not None or self.digest[:16] in a.text() for a in bed.agents)
        down, blind = sum(s == "down" for s in states.values()), sum(a.blind_s() for a in bed.agents)
        throttled = sum((a.last or {}).get("throttled", 0) for a in bed.agents)
        rows = [("hosts down", f"{down} of {HOSTS}" + ("; this one watches on" if self.live and states[0] != "down" else "")),
                ("blind host-seconds", f"{blind:.2f}")]
        if end == "stopped":
            how = "paused, then halted by a person" if asked else r["state"] + " by the controller"
            rows += [("stopped", f"in ring {r['ring']}, {how}: {had} of {HOSTS} hosts tried it, {HOSTS - had} never had it"), ("why", self.why(r)),
                     ("from publish to stop", f"{took:.1f} s"),
                     ("armed now", f"what they had before, on {sum(s in ('stopped', 'waits') for s in states.values())} of {HOSTS} hosts")]
        else:
            rows += [("not stopped", f"it did no harm: {had} hosts took it, ring by ring, and {sum(s == 'good' for s in states.values())} call it good"),
                     ("from publish to blessed", f"{took:.1f} s")]
        rows += [("alerts held back", f"{throttled}: more than 60 a minute of one rule and program; each was judged and counted")] if throttled else []
        self.table(rows)
        return 1 if down else 0


def main():
    if len(sys.argv) != 3 or not sys.argv[2]:
        print(USAGE, file=sys.stderr)
        return 2
    if not os.path.isfile(sys.argv[2]):
        print(f"demo: '{sys.argv[2]}' is no file\n{USAGE}", file=sys.stderr)
        return 2
    if os.geteuid():
        print("demo: agents need root: sudo ./dev demo --poison FILE", file=sys.stderr)
        return 3
    p = Poison(sys.argv[1], os.path.abspath(sys.argv[2]))
    try:
        return p.run()
    finally:
        p.bed.close()


if __name__ == "__main__":
    sys.exit(main())
