# SPDX-License-Identifier: Apache-2.0
"""What tests of faults share: models of many pages, clients that ask without end, what a process takes."""

import array
import json
import os
import re
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
