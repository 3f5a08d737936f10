#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual (docs/man) says what the program says of itself: every command has a page, every option of --help is in
it and no other, every key of the settings, every operator of the language. usage: test_man.py BINARY [TEST]
"""
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import tap
from tap import Skip, expect, test

ROOT = os.path.dirname(os.path.dirname(HERE))
MAN = os.path.join(ROOT, "docs", "man")


class Context:
    def __init__(self, binary):
        self.binary = binary
        self.pages = {f[:-4]: open(os.path.join(MAN, f), encoding="utf-8").read() for f in sorted(os.listdir(MAN)) if f.endswith(".scd")}

    def help(self, *command):
        r = subprocess.run([self.binary, *command, "--help"], capture_output=True, text=True, timeout=30)
        expect(r.returncode == 0, f"{command}: {r.stderr}")
        return r.stdout

    def commands(self):
        return re.findall(r"^  ([a-z-]+) ", self.help(), re.M)


def section(page, name):
    m = re.search(rf"^# {name}\n(.*?)(?=^# |\Z)", page, re.M | re.S)
    return m.group(1) if m else ""


def plain(text):
    """Without the marks of bold and underlined text."""
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|[*\\]", "", text)


def options(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", text)) | set(re.findall(r"(?<![\w-])-[a-z](?![\w-])", text))


def page_commands(page):
    """The commands whose use the page shows."""
    return set(re.findall(r"^sallyport ([a-z-]+)", plain(section(page, "SYNOPSIS")), re.M))


@test
def every_command_has_one_page(c):
    for command in c.commands():
        pages = [name for name, text in c.pages.items() if command in page_commands(text)]
        expect(len(pages) == 1, f"'sallyport {command}' is in the SYNOPSIS of {pages or 'no page of docs/man'}")
    for name, text in c.pages.items():
        unknown = page_commands(text) - set(c.commands())
        expect(not unknown, f"{name}: there is no command {unknown}")


@test
def pages_and_help_name_the_same_options(c):
    for name, text in c.pages.items():
        commands = page_commands(text)
        if not commands:
            continue
        said = set().union(*(options(c.help(command)) for command in commands))
        written = options(plain(text))
        written -= {"--help"} - said
        expect(not said - written, f"{name}: {sorted(said - written)} of --help is not in the page")
        expect(not written - said, f"{name}: {sorted(written - said)} of the page is not in --help")
        listed = options(plain("\n".join(re.findall(r"^\*-.*", section(text, "OPTIONS"), re.M))))
        expect(not said - listed, f"{name}: {sorted(said - listed)} is not explained under OPTIONS")


@test
def pages_show_each_use_that_help_shows(c):
    for name, text in c.pages.items():
        shown = {re.sub(r"\s+", " ", use).strip() for use in plain(section(text, "SYNOPSIS")).split("\n\n")}
        for command in page_commands(text):
            one_a_line = re.sub(r"\n {10,}(?=[\[-])", " ", c.help(command))
            for use in re.findall(r"(?:usage:|^ {6}) (sallyport .*)", one_a_line, re.M):
                expect(use in shown, f"{name}: the SYNOPSIS lacks '{use}' of --help")


@test
def every_page_names_itself_and_others_that_exist(c):
    built = open(os.path.join(MAN, "meson.build"), encoding="utf-8").read()
    for name, text in c.pages.items():
        title, number = name.rsplit(".", 1)
        expect(text.startswith(f"{title}({number})"), f"{name}: the first line")
        expect(section(text, "NAME").strip().startswith(title), f"{name}: NAME")
        expect(re.search(rf"'{number}': \[[^]]*'{re.escape(title)}'", built), f"{name} is not in docs/man/meson.build")
        for other, n in re.findall(r"\*(sallyport[\w.-]*)\*\((\d)\)", text):
            expect(f"{other}.{n}" in c.pages, f"{name} refers to {other}({n}), which is no page")


@test
def the_page_of_the_settings_names_their_keys(c):
    yaml = re.search(r"```yaml\n(.*?)```", open(os.path.join(ROOT, "docs", "config.md"), encoding="utf-8").read(), re.S).group(1)
    keys, path = set(), []
    for line in yaml.splitlines():
        m = re.match(r"( *)([a-z_0-9]+):(\s|$)", line)
        if m:
            path = path[:len(m.group(1)) // 2] + [m.group(2)]
            keys.add(".".join(path))
    leaves = {k for k in keys if not any(o.startswith(k + ".") for o in keys)}
    written = set(re.findall(r"^\*([a-z_.0-9]+)\*$", section(c.pages["sallyport.yaml.5"], "KEYS"), re.M))
    expect(not leaves - written, f"sallyport.yaml.5 lacks {sorted(leaves - written)}")
    expect(not written - keys, f"sallyport.yaml.5 has {sorted(written - keys)}, which docs/config.md has not")


@test
def the_page_of_the_language_names_its_operators(c):
    rows = open(os.path.join(ROOT, "src", "content", "rule", "ops.def"), encoding="utf-8").read().split("#ifdef SALLYPORT_TEST_FAULTS")[0]
    marked = set(re.findall(r"\*([^*\s]+)\*", section(c.pages["sallyport-rules.7"], "CONDITIONS")))
    for word, flags in re.findall(r'^OP\(\w+,\s*"([^"]+)",\s*([^)]*)\)', rows, re.M):
        there = "REFUSED" not in flags
        expect((word in marked) == there, f"sallyport-rules.7: operator '{word}' is {'missing' if there else 'not of this release'}")


@test
def every_page_can_be_built(c):
    if not shutil.which("scdoc"):
        raise Skip("scdoc is not installed")
    for name, text in c.pages.items():
        r = subprocess.run(["scdoc"], input=text, capture_output=True, text=True, timeout=30)
        expect(r.returncode == 0 and r.stdout, f"{name}: {r.stderr}")


if __name__ == "__main__":
    sys.exit(tap.main(Context(os.path.abspath(sys.argv[1])), sys.argv[2] if len(sys.argv) > 2 else None))
