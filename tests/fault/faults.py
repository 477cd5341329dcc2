# SPDX-License-Identifier: Apache-2.0
"""What tests of faults share: models of many pages, clients that ask without end, what a process takes."""

import array
import errno
import json
import os
import re
import struct
import subprocess
import threading
from pathlib import Path

from harness import PATIENCE_S, PROGRAM, TOP, write_table

# The program without sanitizers, where it was built.
RELEASED = str(TOP / "build" / "embedd") if (TOP / "build" / "embedd").exists() else None
IS_SANITIZED = "/asan/" in PROGRAM or "/tsan/" in PROGRAM
PAGE = 4096


def make_large(folder, mark, tokens=8000, columns=64):
    """A model of some hundred pages: the vector of `w7` begins with (7, mark)."""
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("[UNK]\n" + "".join(f"w{i}\n" for i in range(1, tokens)))
    rest = [0.5] * (columns - 2)
    values = array.array("f")
    for i in range(tokens):
        values.extend([i, mark, *rest])
    write_table(folder, values, columns)
    (folder / "config.json").write_text(json.dumps({"version": f"v{mark}", "normalize": False}))
    return folder


def table_of(folder):
    return folder / "model.safetensors"


def replace_file(path, data):
    """Other bytes in the place of a file, put there by renaming."""
    new = path.with_name("." + path.name)
    new.write_bytes(data)
    os.replace(new, path)


def embed_body(model, *words):
    return json.dumps({"model": model, "input": " ".join(words)}).encode()


class Asker(threading.Thread):
    """Asks on one connection, which must stay, until it is told to stop; `check` sees each reply."""

    def __init__(self, service, body, check, path="/v1/embeddings"):
        super().__init__()
        self.service, self.body, self.check, self.path = service, body, check, path
        self.is_over, self.failure, self.n = False, None, 0

    def ask(self, client):
        return client.post(self.path, self.body)

    def run(self):
        try:
            with self.service.connect() as client:
                while not self.is_over:
                    self.check(self.ask(client))
                    self.n += 1
        except BaseException as failure:
            self.failure = failure

    def end(self):
        self.is_over = True
        self.join(PATIENCE_S)
        assert not self.is_alive(), "an asker never came back"
        if self.failure:
            raise self.failure


def status_kb(service, name="VmRSS"):
    text = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1])


def is_served(service):
    """A small request is answered on a new connection."""
    reply = service.post("/v1/embeddings", b'{"input":"I love to eat"}')
    return reply.status == 200


class Disk:
    """What the files of programs started with `environment` lie on: sound until it is told otherwise."""

    FORM = struct.Struct("<5i108s1024s")  # disk.c, struct control

    def __init__(self, library, control):
        self.control, self.library = control, library
        control.write_bytes(bytes(self.FORM.size))

    def environment(self, program=PROGRAM):
        linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        sanitizers = re.findall(r"=> (\S*/lib[at]san\S*)", linked)  # it wants to be the first
        return {"LD_PRELOAD": " ".join([*sanitizers, self.library]), "FAULT_DISK": str(self.control)}

    def _set(self, is_on, error=0, delay_ms=0, skip=0, calls=(), path=""):
        words = f" {' '.join(calls)} ".encode()
        whole = self.FORM.pack(is_on, error, delay_ms, skip, 0, words, str(path).encode())
        with open(self.control, "r+b", buffering=0) as file:
            os.pwrite(file.fileno(), bytes(4), 0)
            os.pwrite(file.fileno(), whole[4:], 4)
            os.pwrite(file.fileno(), whole[:4], 0)

    def fail(self, path, *calls, error=errno.EIO, skip=0):
        """These calls fail for `path`, or whatever begins so, after so many of them that do not."""
        self._set(1, error=error, skip=skip, calls=calls, path=path)

    def slow(self, path, delay_ms, *calls):
        self._set(1, delay_ms=delay_ms, calls=calls, path=path)

    def heal(self):
        self._set(0)

    def seen(self):
        """How many such calls there were since."""
        return self.FORM.unpack(self.control.read_bytes())[4]
