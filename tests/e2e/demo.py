#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A tour in under a minute: harmless attacks on this host, each beside the alert for it. usage: demo.py BUILD_DIR

It is the README's tour and a test: exit 0 only when everything that it promises was seen.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sensor import ROOT, Attacks, Sensor, why_no_kernel

COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def say(text=""):
    print(text, flush=True)


def heading(text):
    say()
    say(paint("1", text))


def shown(text, width=100):
    return "\n".join(textwrap.wrap(text, width, initial_indent="     ", subsequent_indent="       "))


class Tour:
    def __init__(self, build):
        self.build = build
        self.binary = os.path.join(ROOT, build, "src", "sallyport")
        self.failed = 0

    def verdict(self, good, text):
        self.failed += not good
        say(("  " + paint("32", "ok ") if good else "  " + paint("31", "NOT SEEN ")) + text)

    def attack(self, sensor, what, attack, match):
        say(f"  {paint('36', 'did')}   {what}")
        since = sensor.mark()
        pid = attack()
        done = time.time()
        alert = sensor.wait_alert(lambda a: a["output_fields"].get("proc.pid") == pid and match(a["output_fields"]), since, 2)
        if not alert:
            self.verdict(False, "no alert")
            return
        late = (alert["_arrived"] - done) * 1000
        when = f"{late:.0f} ms after it had ended" if late > 0 else "while it was still running"
        say(f"  {paint('33', 'alert')} {alert['priority']}: {alert['rule']}  ({when})")
        message = alert["output"].split(": ", 1)[-1]  # behind the time
        say(shown(message.removeprefix(alert["priority"] + " ")))

    def attacks(self):
        heading("1. Attacks, done for real and harmlessly, and what the sensor says")
        attacks = Attacks(self.build)
        sensor = Sensor(self.binary, "--duration", "50")
        try:
            if not sensor.wait_ready():
                say(sensor.stderr())
                self.verdict(False, "the sensor did not become ready")
                return
            self.attack(sensor, "run a program that exists only in memory (memfd)", attacks.memfd_elf,
                        lambda f: "memfd" in (f.get("proc.exepath") or ""))
            self.attack(sensor, "run a script that exists only in memory", attacks.memfd_script, lambda f: True)
            self.attack(sensor, "read /etc/shadow through a symbolic link", attacks.shadow_symlink,
                        lambda f: f.get("fd.name") == "/etc/shadow")
            self.attack(sensor, "read /etc/shadow through the 32-bit system call entry", attacks.shadow_int80,
                        lambda f: f.get("fd.name") == "/etc/shadow")
            self.attack(sensor, "run a program from /dev/shm", attacks.dev_shm,
                        lambda f: (f.get("proc.exepath") or "").startswith("/dev/shm/"))
            self.attack(sensor, "reverse shell: cat FIFO | sh -i | (network) > FIFO", attacks.fifo_chain,
                        lambda f: f.get("ipc.peer.name") == "e2e-netpipe")
            self.killed_worker(sensor, attacks)
            stats = sensor.stop()
            self.verdict(stats.get("lost") == 0, f"{stats.get('events')} events judged, {stats.get('lost')} lost")
        finally:
            sensor.stop()
            attacks.close()

    def killed_worker(self, sensor, attacks):
        heading("2. The process that runs detections is killed: the host and the supervisor do not care")
        worker = sensor.worker()
        say(f"  {paint('36', 'did')}   kill -9 {worker} (the confined worker)")
        killed = time.time()
        os.kill(worker, signal.SIGKILL)
        alert = None
        while not alert and time.time() < killed + 4:
            pid = attacks.shadow_direct()
            alert = sensor.wait_alert(lambda a: a["output_fields"].get("proc.pid") == pid, 0, 0.2)
        for line in sensor.err:
            if re.search(r"worker .*(died|blind)", line):
                say("  " + line)
        self.verdict(bool(alert), "detecting again " + (f"{alert['_arrived'] - killed:.2f} s after the kill" if alert else ""))

    def field_21(self):
        heading("3. Content that reads one field more than this sensor supplies (July 2024: field 21 of 20)")
        with tempfile.TemporaryDirectory() as d:
            schema = subprocess.run([self.binary, "rules", "list", "schema"], capture_output=True, text=True).stdout
            newer, rules, content = (os.path.join(d, n) for n in ("newer.schema", "rule.yaml", "content.o"))
            with open(newer, "w") as f:
                f.write(schema.replace("field ipc.chain string always\n", "field ipc.chain string always\nfield ipc.extra string maybe\n"))
            with open(rules, "w") as f:
                f.write("- rule: Shell on a named pipe\n  desc: reads the 22nd of 21 fields\n"
                        "  condition: evt.type = ipc_pipe and ipc.extra startswith x\n"
                        "  output: named pipe %proc.name\n  priority: WARNING\n")
            made = subprocess.run([self.binary, "rules", "compile", "--schema", newer, rules, "-o", content],
                                  capture_output=True, text=True)
            say(f"  {paint('36', 'did')}   compiled a rule for a newer sensor, then gave the result to this one")
            r = subprocess.run([self.binary, "run", "--duration", "5", "--rules", content], capture_output=True, text=True,
                               cwd=ROOT)
            for line in r.stderr.rstrip().splitlines():
                say("     " + line.replace(d + "/", ""))
            self.verdict(made.returncode == 0 and r.returncode == 1 and "ipc.extra" in r.stderr,
                         f"refused before anything ran (exit code {r.returncode})")


def main():
    tour = Tour(sys.argv[1] if len(sys.argv) > 1 else "build/release")
    missing = why_no_kernel(tour.binary)
    if missing:
        print(f"demo: {missing}; `sallyport doctor` tells more", file=sys.stderr)
        return 3
    start = time.monotonic()
    say(paint("1", "Sallyport: a tour"))
    tour.attacks()
    tour.field_21()
    say()
    say(f"{'everything was seen' if not tour.failed else str(tour.failed) + ' things were not seen'}, "
        f"{time.monotonic() - start:.0f} s")
    return 1 if tour.failed else 0


if __name__ == "__main__":
    sys.exit(main())
