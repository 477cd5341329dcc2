# SPDX-License-Identifier: Apache-2.0
"""Walks through a page of the documentation as its reader would: runs the commands, compares the outputs.

In a block with `$ ` before its commands, what follows a command is its output, where `...` stands for
anything. In other blocks of commands (indented, or ```sh) no output is shown. A program in Python is run
where it says what it prints, by comments behind its lines.
"""

import os
import re
import shlex
import subprocess
import sys

from harness import PATIENCE_S, PROGRAM, TOP, Service, environment

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$|(?<=\n\n)((?:    [^\n]*\n)+)", re.M | re.S)
COMMAND = re.compile(r"(build/embedd|embedd|curl|echo|make|docker|\w+=)\b")
ASSIGNMENTS = re.compile(r"\w+=\S+( \w+=\S+)*")
ADDRESS = "127.0.0.1:8080"
# Each serves the built-in model on ADDRESS.
SERVES = re.compile(r"make run\b.*|docker run --rm -p 127.0.0.1:8080:8080 embedd|embedd serve")
# What builds, or needs an engine for containers, is tested elsewhere.
ELSEWHERE = re.compile(r"(^|\| )(make|docker) ")


def blocks(text):
    """(language, text) of each block of code of a page, in order; an indented one has the language ''."""
    return [(match[1], match[2]) if match[3] is None else ("", re.sub("^    ", "", match[3], flags=re.M))
            for match in BLOCK.finditer(text)]


def commands(block):
    """(command, output) of a block; the output is None where none is shown. Empty where it has no commands."""
    language, text = block
    text = text.replace("\\\n", " ")
    if re.search(r"^\$ ", text, re.M):
        parts = re.split(r"^\$ (.*)\n", text, flags=re.M)
        return list(zip(parts[1::2], parts[2::2]))
    if language in ("", "sh") and COMMAND.match(text):
        return [(line, None) for line in text.splitlines()]
    if language == "python" and re.search(r"\)  # ", text):
        said = re.findall(r"\)  # (.*)$", text, re.M)
        return [(f"python3 -c {shlex.quote(text)}", "\n".join(said))]
    return []


def as_pattern(shown):
    """An output as a page shows it, as a regular expression."""
    return re.sub(r"(\\ )?\\\.\\\.\\\.", ".*", re.escape(shown.rstrip("\n"))) + r"\n*"


class Walk:
    """One reader, in a folder that looks like the project's top one. Files that commands write stay there."""

    def __init__(self, folder):
        self.folder = folder
        self.services = {}
        (folder / "build").mkdir()
        for name in ("build/embedd", "embedd"):
            (folder / name).symlink_to(PROGRAM)
        for path in TOP.iterdir():
            if path.name not in ("build", ".git", "embedd"):
                (folder / path.name).symlink_to(path)
        python = os.path.dirname(sys.executable)
        self.variables = environment(PATH=f"{folder}:{python}:{os.environ['PATH']}")

    def serve(self, arguments):
        """Starts a service; the address that it is told stands from now on for where it really listens."""
        arguments = [str(self.folder / part) if (self.folder / part).exists() else part for part in arguments]
        address = ADDRESS
        if "--listen" in arguments:
            at = arguments.index("--listen")
            address = arguments[at + 1]
            del arguments[at:at + 2]
        if address in self.services:
            self.services.pop(address).stop()
        self.services[address] = Service(*arguments)

    def with_real_addresses(self, text):
        for address, service in self.services.items():
            text = text.replace(address, service.url.removeprefix("http://"))
        return text

    def run(self, command):
        """Does what the command says; returns (exit code, output)."""
        if ASSIGNMENTS.fullmatch(command):
            self.variables.update(part.split("=", 1) for part in self.with_real_addresses(command).split())
        elif re.match(r"(build/)?embedd serve\b", command):
            self.serve(shlex.split(command, comments=True)[2:])
        elif SERVES.fullmatch(command):
            self.serve([])
        elif not ELSEWHERE.search(command):
            result = subprocess.run(
                ["sh", "-c", self.with_real_addresses(command)], cwd=self.folder, env=self.variables,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=5 * PATIENCE_S)
            return result.returncode, result.stdout
        return 0, ""

    def follow(self, page):
        """Does all that the page says; returns what is not as it says, a text each."""
        complaints = []
        for block in blocks(page):
            for command, shown in commands(block):
                code, output = self.run(command)
                if code != 0 or shown is not None and not re.fullmatch(as_pattern(shown), output, re.S):
                    complaints.append(f"$ {command}\n{output}(exit code {code}), but the page shows\n{shown}")
        return complaints

    def end(self):
        try:
            for service in self.services.values():
                service.stop()
        finally:
            for service in self.services.values():
                service.kill()
