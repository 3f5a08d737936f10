#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sigma's meaning, twice: random rules and events, judged here by a small matcher of the specification, and by what
`sallyport rules import sigma` makes of the rules (`sallyport rules test`). usage: oracle.py BINARY [SEED [ROUNDS]]

Rules are written as JSON, which is YAML. The matcher shares nothing with the importer: wildcards become Python
expressions, networks are Python's, conditions are evaluated as they stand.
"""
import base64
import ipaddress
import json
import os
import random
import re
import subprocess
import sys
import tempfile

RULES, EVENTS = 60, 12

# ---- the matcher: a rule's detection against one event, {field: text} ----


def glob_of(value):
    """A Sigma string as the text of an expression."""
    out, i = "", 0
    while i < len(value):
        c = value[i]
        if c == "\\" and value[i + 1:i + 2] in ("*", "?", "\\") and value[i + 1:i + 2]:
            out += re.escape(value[i + 1])
            i += 1
        else:
            out += "(?s:.*)" if c == "*" else "(?s:.)" if c == "?" else re.escape(c)
        i += 1
    return out


def as_bytes(text):
    """Sallyport's text is bytes: a character for each."""
    return text.encode().decode("latin-1")


def dashes(value):
    at = [m.start() for m in re.finditer(r"(?<!\w)[-/](?=\w)", value)]
    forms = [value]
    for i in reversed(at):
        forms = [f[:i] + d + f[i + 1:] for f in forms for d in "-/\u2013\u2014\u2015"]
    return forms


def base64_forms(raw):
    out = []
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + raw).decode()
        # digits that neither the bytes before nor those after can change
        first, bits = (8 * offset + 5) // 6, 8 * (offset + len(raw))
        out.append(text[first:bits // 6])
    return out


def match_value(field, mods, value, event):
    if "exists" in mods:
        return (field in event) == (value in (True, "true"))
    if value is None:
        return field not in event
    if field not in event:
        return False
    have = event[field]
    if "cidr" in mods:
        return ipaddress.ip_address(have) in ipaddress.ip_network(value, strict=False)
    for mod, op in (("lt", int.__lt__), ("lte", int.__le__), ("gt", int.__gt__), ("gte", int.__ge__)):
        if mod in mods:
            return op(int(have), int(value))
    have = as_bytes(have)
    if "re" in mods:
        return re.search(as_bytes(value), have, (re.I if "i" in mods else 0) | re.A) is not None
    values = [str(value)]
    if "windash" in mods:
        values = dashes(values[0])
    if "base64offset" in mods:
        values = base64_forms(values[0].encode())
    flags = 0 if "cased" in mods else re.I | re.A
    for v in values:
        text = glob_of(as_bytes(v))
        if "contains" in mods or "endswith" in mods:
            text = "(?s:.*)" + text
        if "contains" in mods or "startswith" in mods:
            text += "(?s:.*)"
        if re.fullmatch(text, have, flags):
            return True
    return False


def match_map(selection, event):
    for key, values in selection.items():
        field, *mods = key.split("|")
        hits = [match_value(field, mods, v, event) for v in (values if isinstance(values, list) else [values])]
        hit = all(hits) if "all" in mods else any(hits)
        if "neq" in mods:
            hit = field in event and not hit
        if not hit:
            return False
    return True


def match_search(search, event):
    return any(match_map(m, event) for m in search) if isinstance(search, list) else match_map(search, event)


def match_rule(detection, event):
    names = [n for n in detection if n != "condition"]
    value = {n: match_search(detection[n], event) for n in names}

    def of(m):
        fits = [value[n] for n in names if re.fullmatch(m.group(2).replace("*", ".*"), n)] if m.group(2) != "them" else \
            [value[n] for n in names if n[0] != "_"]
        return str(any(fits) if m.group(1) == "1" else all(fits))

    text = re.sub(r"\b(1|all) of ([\w*]+)", of, detection["condition"])
    text = re.sub(r"\b[a-z_]\w*\b", lambda m: m.group() if m.group() in ("and", "or", "not") else str(value[m.group()]), text)
    return eval(text)  # made of True, False, and, or, not and parentheses


# ---- rules and events ----

LETTERS = ["a", "B", "b", "-a", "/b", "*", "?", "\\", "[", "]", ".", " ", "$", "%", "'", '"', "\u00e9", "\t", "x", "1", "="]
REGEXES = ["a", "^a", "b$", "a|B", "[a-b]+", "[^ab]", "(?:ab)?x", "a{1,2}b", "\\.", "\\s", "\\d", "^(a|b)*$", "[\\s=]a", "x*?1",
           "^[aB]", "a.b", "\\$$", "\\[|\\]", "[]x]", "[-a]", "\"|'"]


class Source:
    """A log source: its fields, and how an event of it is written under `tests:`."""

    def __init__(self, logsource, kind, always, fields, known=None):
        self.logsource, self.kind, self.always, self.fields, self.known = logsource, kind, always, fields, known or {}


SOURCES = [
    Source({"product": "linux", "category": "process_creation"}, "process_exec", {"evt.type": "execve", "evt.rawres": "0"},
           {"Image": "proc.exepath", "CommandLine": "proc.exeline", "ParentImage": "proc.pexepath", "User": "user.name",
            "ParentCommandLine": "proc.pcmdline", "CurrentDirectory": "proc.cwd", "ProcessId": "#proc.pid"}),
    Source({"product": "linux", "category": "file_event"}, "file_open",
           {"evt.type": "openat", "evt.rawres": "3", "evt.is_open_write": "true"},
           {"TargetFilename": "fd.name", "Image": "proc.exepath", "User": "user.name"}),
    Source({"product": "linux", "category": "network_connection"}, "net_connect",
           {"evt.type": "connect", "evt.rawres": "0", "evt.res": "SUCCESS", "fd.sockfamily": "ip"},
           {"DestinationIp": "@fd.sip", "DestinationPort": "#fd.sport", "SourcePort": "#fd.cport", "Image": "proc.exepath"},
           {"Initiated": "true"}),
    Source({"product": "linux", "service": "auditd"}, "process_exec", {"evt.type": "execve", "evt.rawres": "0"},
           {"exe": "proc.exepath", "comm": "proc.name", "euid": "#user.uid"}, {"type": "SYSCALL", "SYSCALL": "execve"}),
    Source({"product": "linux", "service": "auditd"}, "process_exec", {"evt.type": "execve", "evt.rawres": "0"},
           {"a0": "proc.exe", "a1": "proc.args[]", "a2": "proc.args[]", "a3": "proc.args[]"}, {"type": "EXECVE"}),
    Source({"product": "linux", "service": "auditd"}, "file_rename", {"evt.type": "rename", "evt.rawres": "0"},
           {"name": "fs.path.target"}, {"type": "PATH", "nametype": "CREATE"}),
]


def draw_text(rng):
    return "".join(rng.choice(LETTERS) for _ in range(rng.randint(0, 5)))


def escape(text):
    return re.sub(r"([*?\\])", r"\\\1", text)


def draw_key(rng, source):
    """(field with modifiers, one value or several)"""
    field = rng.choice(list(source.fields) + [k for k in source.known if k != "type"])
    name = source.fields.get(field, "")
    n = rng.randint(1, 3)
    if field in source.known:
        return field, source.known[field] if rng.random() < 0.8 else "other" if field == "nametype" else source.known[field]
    if name[0] == "#":
        mod = rng.choice(["", "", "|lt", "|lte", "|gt", "|gte", "|neq"])
        return field + mod, [rng.randint(0, 5) for _ in range(n)] if mod in ("", "|neq") else rng.randint(0, 5)
    if name[0] == "@":
        if rng.random() < 0.5:
            return field + "|cidr", rng.sample(["10.0.0.0/8", "10.0.0.0/31", "::/0", "fe80::/10", "0.0.0.0/1"], n)
        return field, rng.sample(["10.0.0.1", "10.*", "10.0.*", "fe80::1", "192.168.0.1"], n)
    kind = rng.random()
    if kind < 0.12:
        return field + "|re" + rng.choice(["", "|i"]), rng.sample(REGEXES, n)
    if kind < 0.2:
        return field + "|exists", rng.choice([True, False])
    if kind < 0.25:
        return field, None
    if kind < 0.3:
        return field + "|base64offset|contains|cased", [rng.choice(["abcd", "foobar", "xx yy"])]
    mods = rng.choice(["", "", "|contains", "|contains", "|startswith", "|endswith"])
    if rng.random() < 0.1:
        mods = "|windash" + mods
    elif rng.random() < 0.2 and n > 1:
        mods += "|all"
    mods += rng.choice(["", "", "", "|cased"]) + rng.choice(["", "", "", "", "|neq"])
    return field + mods, [draw_text(rng) if rng.random() < 0.7 else escape(draw_text(rng)) for _ in range(n)]


def draw_map(rng, source):
    return dict(draw_key(rng, source) for _ in range(rng.randint(1, 3)))


def draw_condition(rng, names, depth=0):
    kind = rng.random()
    if depth > 2 or kind < 0.3:
        return rng.choice(names)
    if kind < 0.45:
        return rng.choice(["1 of s*", "all of s*", "1 of them", "all of them", "1 of *1"])
    if kind < 0.65:
        return "not " + draw_condition(rng, names, 3)
    word = rng.choice([" and ", " or "])
    return "(" + draw_condition(rng, names, depth + 1) + word + draw_condition(rng, names, depth + 1) + ")"


def draw_rule(rng, source, i):
    names = ["s1", "s2", "f1", "_x"][:rng.randint(1, 4)]
    detection = {n: draw_map(rng, source) if rng.random() < 0.7 else [draw_map(rng, source) for _ in range(2)] for n in names}
    detection["condition"] = draw_condition(rng, names)
    if "type" in source.known:
        detection["z"] = {"type": source.known["type"]}
        detection["condition"] = "z and (" + detection["condition"] + ")"
    return {"title": f"r{i}", "logsource": source.logsource, "detection": detection}


def literals(node):
    if isinstance(node, dict):
        return sum((literals(v) for v in node.values()), [])
    return sum((literals(v) for v in node), []) if isinstance(node, list) else [node] if isinstance(node, str) else []


def draw_event(rng, source, rule):
    """{Sigma field: text}; values are often those of the rule, so that it fires now and then."""
    pool = [re.sub(r"\\([*?\\])", r"\1", v) for v in literals(rule["detection"])]
    event = dict(source.known)
    for field, name in source.fields.items():
        if rng.random() < 0.15 and field != "name":  # an audit record of type PATH has it
            continue
        if name[0] == "#":
            event[field] = str(rng.randint(0, 5))
        elif name[0] == "@":
            event[field] = rng.choice(["10.0.0.1", "10.1.2.3", "fe80::1", "192.168.0.1", "::ffff"])
        else:
            text = rng.choice(pool + [draw_text(rng)])
            text = rng.choice([text, text.swapcase(), draw_text(rng) + text, text + draw_text(rng), draw_text(rng) + text + "a"])
            if rng.random() < 0.2:
                text += base64.b64encode(draw_text(rng).encode() + rng.choice([b"abcd", b"foobar", b"xx yy"]) + b"zz").decode()
            event[field] = text.replace("\0", "")
    if source.known.get("type") == "EXECVE":  # arguments have no gaps, and rules test has no empty elements
        names = ["a0", "a1", "a2", "a3"][:rng.randint(1, 4)]
        event = dict(source.known) | {n: event.get(n) or "x" for n in names}
    return event


def yaml_event(source, event):
    fields = dict(source.always)
    for field, text in event.items():
        if source.fields.get(field) == "proc.args[]":
            fields["proc.args[]"] = fields["proc.args[]"] + "\n" + text if "proc.args[]" in fields else text
        elif field in source.fields:
            fields[source.fields[field].lstrip("#@")] = text
    return fields


# ---- both sides ----


def run(binary, *args):
    return subprocess.run([binary, *args], capture_output=True, text=True, timeout=120)


def one_round(binary, rng, folder, number):
    rules, path = [], os.path.join(folder, f"{number}.yml")
    for i in range(RULES):
        source = rng.choice(SOURCES)
        rules.append((source, draw_rule(rng, source, i)))
    with open(path, "w", encoding="utf-8") as f:
        for _, rule in rules:
            f.write("---\n" + json.dumps(rule) + "\n")
    out = os.path.join(folder, f"{number}.yaml")
    r = run(binary, "rules", "import", "sigma", path, "-o", out, "--json")
    if "Sanitizer" in r.stderr or "runtime error" in r.stderr:
        return f"import: {r.stderr}", 0, 0
    report = json.loads(r.stdout)
    if report["malformed"]:
        return f"malformed: {r.stderr}", 0, 0
    whole = {o["title"] for o in report["rules"] if o["fate"] == "imported"}
    items = open(out, encoding="utf-8").read().split("\n- rule: ")
    fired = tests = 0
    for k in range(1, len(items)):
        source, rule = rules[int(re.match(r'"r(\d+)"', items[k]).group(1))]
        if rule["title"] not in whole:
            continue
        items[k] = items[k].rstrip() + "\n  tests:\n"
        for _ in range(EVENTS):
            event = draw_event(rng, source, rule)
            want = match_rule(rule["detection"], event)
            fired += want
            tests += 1
            items[k] += "    - " + json.dumps({"event": source.kind, "fires": want, "fields": yaml_event(source, event),
                                               "name": json.dumps(event)}) + "\n"
    with open(out, "w", encoding="utf-8") as f:
        f.write("\n- rule: ".join(items))
    r = run(binary, "rules", "test", out, "--json")
    if not r.stdout:
        return f"rules test: {r.stderr[:2000]}", fired, tests
    for t in json.loads(r.stdout)["tests"]:
        if not t["ok"]:
            rule = rules[int(t["rule"][1:])][1]
            return f"{t['why']}: event {t['test']}\n# rule {json.dumps(rule)}", fired, tests
    return None, fired, tests


def check_docs():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    rows = open(os.path.join(root, "src", "content", "sigma", "fields.def"), encoding="utf-8").read()
    doc = open(os.path.join(root, "docs", "sigma.md"), encoding="utf-8").read()
    doc = set(re.findall(r"[\w.]+", doc))
    missing = {w for row in re.findall(r'^(?:FIELD|WORD)\(.*?, *"(\w+)", *"([\w.]+)",', rows, re.M) for w in row if w not in doc}
    print(("not ok" if missing or not rows else "ok") + f" 1 - docs/sigma.md names every field and word {missing or ''}")


def main():
    binary, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 25
    fired = tests = 0
    print("1..2")
    check_docs()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            wrong, f, n = one_round(binary, random.Random(f"{seed}/{number}"), folder, number)
            fired, tests = fired + f, tests + n
            if wrong:
                print(f"# seed {seed}, round {number}: {wrong}\nnot ok 2 - imported rules fire when the specification says so")
                sys.exit(1)
    print(f"# {tests} events judged twice, {fired} fired")
    good = fired > tests // 20
    print(("ok" if good else "not ok") + " 2 - imported rules fire when the specification says so")
    sys.exit(not good)


if __name__ == "__main__":
    main()
