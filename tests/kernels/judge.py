# SPDX-License-Identifier: Apache-2.0
"""What a guest wrote, judged: a kernel passes only when each thing that must be seen was seen."""
import json
import re

BEGINS = "sallyport: the guest's own work begins"
TESTS = ["kern", "ring", "decode", "confine", "worker", "worker-live"]
PROGRAMS = {"process_fork", "process_exec", "process_exit", "syscall_exit", "task_iter"}
# Those that the kernel holds by a link while the default rules are served; the iterator's comes and goes.
LINKED = PROGRAMS - {"task_iter"}
FATAL = re.compile(r"Kernel panic|\bOops\b|\bBUG: |general protection fault|Unable to handle kernel|kernel BUG at|UBSAN:|KASAN:")
WARNED = re.compile(r"WARNING: CPU: \d+|WARNING: .* at |refcount_t:|INFO: task .* blocked|scheduling while atomic")


class Section:
    def __init__(self):
        self.lines, self.code = [], None

    def text(self):
        return "\n".join(self.lines).strip()


def sections(text):
    """name -> Section. One without an end has the code None."""
    found, open_ = {}, []
    for line in text.replace("\r", "").split("\n"):
        m = re.fullmatch(r"@(begin|end) (\S+)(?: (\d+))?", line)
        if m and m.group(1) == "begin":
            open_.append(m.group(2))
            found[m.group(2)] = Section()
        elif m and open_ and open_[-1] == m.group(2):
            found[open_.pop()].code = int(m.group(3))
        elif open_:
            found[open_[-1]].lines.append(line)
    return found


def console_problems(text):
    """Signs in the kernel's log that it was harmed. Warnings count from the guest's own work on: before, it is the boot's business."""
    lines = text.replace("\r", "").split("\n")
    start = next((i for i, l in enumerate(lines) if BEGINS in l), len(lines))
    return [f"console: {l.strip()}" for i, l in enumerate(lines) if FATAL.search(l) or (i > start and WARNED.search(l))]


def tap(text):
    """(passed, failed, skipped, problems) of one test program."""
    plan = re.search(r"^1\.\.(\d+)", text, re.M)
    rows = re.findall(r"^(ok|not ok) \d+ - (.*)$", text, re.M)
    failed = [name for verdict, name in rows if verdict == "not ok"]
    skipped = len(re.findall(r"# SKIP", text))
    problems = [f"{name} fails" for name in failed]
    if not plan or int(plan.group(1)) != len(rows) or not rows:
        problems.append(f"{len(rows)} of {plan.group(1) if plan else 'an unknown number of'} tests came to an end")
    return len(rows) - len(failed) - skipped, len(failed), skipped, problems


def held(section):
    lines = section.lines if section else []
    return ({l.split()[1] for l in lines if l.startswith("prog ")}, {l.split()[2] for l in lines if l.startswith("link ")})


def json_of(section, problems, name):
    """The section's line of JSON: there may be messages before and after it."""
    for line in section.lines if section else ():
        try:
            if line[:1] in ("{", "["):
                return json.loads(line)
        except ValueError:
            pass
    problems.append(f"{name}: no JSON came")
    return {}


class Judge:
    def __init__(self, results, console, ended, bpf_object):
        self.found = sections(results)
        self.problems = []
        if not ended:
            self.problems.append("the time was over before the guest ended")
        self.problems += console_problems(console)
        self.row = {"kernel": self.line("release"), "build": self.line("build"), "bpf_object": bpf_object}
        for part in (self.whole, self.programs, self.tests, self.agent, self.drill):
            part()
        version = json_of(self.found.get("version"), self.problems, "version")
        if version.get("bpf_object") != bpf_object:
            self.problems.append(f"another BPF object was run: {version.get('bpf_object')}")
        if json_of(self.found.get("doctor"), self.problems, "doctor").get("can_run") is not True:
            self.problems.append("doctor: the sensor cannot run here")
        self.row["problems"] = self.problems
        self.row["ok"] = not self.problems

    def line(self, name):
        return self.found[name].text() if name in self.found else ""

    def whole(self):
        """Every section came, ended, and ended well."""
        for name in ["release", "build", "version", "held-before", "doctor", *["test-" + t for t in TESTS], "agent", "held-running",
                     "drill", "held-after", "all"]:
            s = self.found.get(name)
            if not s or s.code is None:
                self.problems.append(f"{name}: {'did not end' if s else 'did not begin'}")
            elif s.code:
                self.problems.append(f"{name}: exit code {s.code}: {s.text()[-400:]}" if name.startswith("held") else f"{name}: exit code {s.code}")

    def programs(self):
        progs, links = held(self.found.get("held-running"))
        self.row["programs"] = sorted(PROGRAMS & progs)
        self.row["links"] = sorted(LINKED & links)
        for what, wanted, there in (("loaded", PROGRAMS, progs), ("attached", LINKED, links)):
            for name in sorted(wanted - there):
                self.problems.append(f"the program {name} is not {what} while the sensor runs")
        for name in ("held-before", "held-after"):
            if self.line(name):
                self.problems.append(f"{name}: the kernel holds {'; '.join(self.line(name).split(chr(10)))}")

    def tests(self):
        counts = {"passed": 0, "failed": 0, "skipped": 0}
        for t in TESTS:
            if "test-" + t not in self.found:
                continue
            passed, failed, skipped, problems = tap(self.line("test-" + t))
            for key, n in (("passed", passed), ("failed", failed), ("skipped", skipped)):
                counts[key] += n
            self.problems += [f"test-{t}: {p}" for p in problems]
            if skipped and not passed:
                self.problems.append(f"test-{t}: every test is skipped")
        self.row["tests"] = counts

    def agent(self):
        text = self.line("agent")
        hooks = re.search(r" watching .*\bhooks=(0x[0-9a-f]+)", text)
        self.row["hooks"] = hooks.group(1) if hooks else None
        self.problems += [f"agent: {p}" for p in re.findall(r"^problem: (.*)$", text, re.M)]
        if not hooks:
            self.problems.append("agent: it never watched")

    def drill(self):
        rows = json_of(self.found.get("drill"), self.problems, "drill") or []
        alerted = [r for r in rows if r["alerted"]]
        self.row["drill"] = {"alerted": len(alerted), "of": len(rows)}
        self.problems += [f"drill: '{r['rule']}' did not alert: {r['problem']}" for r in rows if not r["alerted"]]
        if not rows:
            self.problems.append("drill: nothing was tried")
