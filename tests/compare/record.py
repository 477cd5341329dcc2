# SPDX-License-Identifier: Apache-2.0
"""A plugin of pytest that writes down what the tests in tests/http do with the program, so that two
programs can be held against each other on it: every run of a command with the files that its arguments
name, every service with its flags and files, every request.

    PYTHONPATH=tests/compare pytest -p record --record FILE tests/http

Left out: runs that are more than arguments and standard input (signals, closed streams, pipes), that depend
on time or take much of it, files above FILE_BYTES_MAX, and what other programs ask.
"""

import contextlib
import hashlib
import os
import pickle
import re
import resource
import stat
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from both import HERE, THERE  # noqa: E402

FILE_BYTES_MAX = 4 << 20
BYTES_A_SERVICE_MAX = 2 << 20
CPU_S_MAX = 5


class Recorder:
    def __init__(self, base):
        self.base, self.top = str(base), None
        self.contents = {}  # of files, by hash
        self.runs = {}  # by hash, in order
        self.services = []

    def with_marks(self, text):
        return text.replace(self.base, HERE).replace(self.top, THERE)

    def files(self, arguments):
        """Path → (mode, hash of the content) of all below those folders of tests that the arguments name; None where
        they are too much to keep."""
        found = {}
        for root in {name for text in arguments for name in re.findall(re.escape(self.base) + r"/([^/]+)", text)}:
            for folder, folders, names in os.walk(Path(self.base, root)):
                for name in folders + names:
                    path = os.path.join(folder, name)
                    mode = os.lstat(path).st_mode
                    content = b""
                    if stat.S_ISLNK(mode):
                        content = self.with_marks(os.readlink(path)).encode()
                    elif stat.S_ISREG(mode):
                        if os.path.getsize(path) > FILE_BYTES_MAX:
                            return None
                        content = Path(path).read_bytes()
                    elif not stat.S_ISDIR(mode):
                        return None
                    key = hashlib.sha256(content).digest()
                    self.contents[key] = content
                    found[os.path.relpath(path, self.base)] = (mode, key)
        return found

    def command(self, arguments, stdin, folder, variables):
        """Call before the run; returns a key for `forget`, or None."""
        files = self.files([*arguments, folder])
        if files is None or len(stdin) > FILE_BYTES_MAX or any(part.startswith("--time-limit") for part in arguments):
            return None
        run = (tuple(map(self.with_marks, arguments)), stdin, self.with_marks(folder), tuple(sorted(variables.items())),
               tuple(sorted(files.items())))
        key = hashlib.sha256(repr(run).encode()).digest()
        self.runs[key] = run
        return key

    def forget(self, key):
        self.runs.pop(key, None)

    def service(self, flags, variables):
        files = self.files(flags)
        if files is None:
            return None
        self.services.append({"flags": list(map(self.with_marks, flags)), "variables": variables, "files": files, "asked": [], "bytes": 0})
        return self.services[-1]

    def asked(self, service, kind, data):
        if service is not None and service["bytes"] + len(data) <= BYTES_A_SERVICE_MAX:
            service["asked"].append((kind, data))
            service["bytes"] += len(data)

    def write(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            pickle.dump({"runs": list(self.runs.values()), "services": self.services, "contents": self.contents}, file)


def settings(variables):
    """Those of the program, not of the tests."""
    return {name: value for name, value in (variables or {}).items()
            if re.fullmatch(r"EMBEDD_[A-Z_]+", name) and name not in ("EMBEDD_TEST_DATA", "EMBEDD_RELEASE")}


def cpu_s_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def watch_commands(recorder, program):
    real = subprocess.run

    def run(arguments, *rest, input=None, **options):  # noqa: A002 (as the one that it stands for)
        key = None
        plain = not rest and "preexec_fn" not in options and options.get("stdin") in (None, subprocess.DEVNULL)
        if plain and isinstance(arguments, (list, tuple)) and os.fspath(arguments[0]) == program and len(arguments) > 1:
            stdin = input.encode("utf-8", "surrogateescape") if isinstance(input, str) else bytes(input or b"")
            with contextlib.suppress(OSError):
                key = recorder.command([os.fsdecode(part) for part in arguments[1:]], stdin, os.path.abspath(options.get("cwd") or "."),
                                 settings(options.get("env")))
        if input is not None:
            options["input"] = input
        before = cpu_s_of_children()
        try:
            return real(arguments, *rest, **options)
        finally:
            if cpu_s_of_children() - before > CPU_S_MAX:
                recorder.forget(key)

    subprocess.run = run


def watch_services(recorder, harness):
    service_init, client_init = harness.Service.__init__, harness.Client.__init__
    get, send, send_as_taken, close = (getattr(harness.Client, name) for name in ("get", "send", "send_as_taken", "close"))
    post = harness.Client.post

    def start(self, *flags, **options):
        self.recorded = None
        if options.get("program", harness.PROGRAM) == harness.PROGRAM and not options.get("preexec"):
            with contextlib.suppress(OSError):
                self.recorded = recorder.service([os.fspath(flag) for flag in flags], settings(dict(options.get("env", ()))))
        service_init(self, *flags, **options)

    def connect(self, service, *rest, **options):
        self.service, self.sent, self.is_whole = service, b"", False
        client_init(self, service, *rest, **options)

    def whole(ask):
        def asked(self, *rest, **options):
            self.is_whole = True
            try:
                return ask(self, *rest, **options)
            finally:
                self.is_whole = False
        return asked

    def sent(really):
        def wrapped(self, data):
            if self.is_whole:
                kind = "HEAD" if bytes(data[:5]) == b"HEAD " else "request"
                recorder.asked(self.service.recorded, kind, bytes(data))
            else:
                self.sent += data
            return really(self, data)
        return wrapped

    def closed(self):
        if self.sent:
            recorder.asked(self.service.recorded, "bytes", bytes(self.sent))
        self.sent = b""
        close(self)

    harness.Service.__init__, harness.Client.__init__ = start, connect
    harness.Client.get, harness.Client.post = whole(get), whole(post)
    harness.Client.send, harness.Client.send_as_taken, harness.Client.close = sent(send), sent(send_as_taken), closed


def pytest_addoption(parser):
    parser.addoption("--record", type=Path, required=True)


def pytest_sessionstart(session):
    base = session.config._tmp_path_factory.getbasetemp()
    session.config.recorder = Recorder(base)


def pytest_collection_modifyitems(config):
    harness = sys.modules["harness"]
    config.recorder.top = str(harness.TOP)
    watch_commands(config.recorder, harness.PROGRAM)
    watch_services(config.recorder, harness)


def pytest_sessionfinish(session):
    session.config.recorder.write(session.config.getoption("record"))
