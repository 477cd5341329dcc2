# SPDX-License-Identifier: Apache-2.0
"""EIO while keys, certificates and settings are read anew: what was in force stays, and it is said."""

import re
import subprocess

import certificates
import pytest
from certificates import Pair
from harness import PATIENCE_S, PROGRAM, SANITIZER, environment
from test_reload import settings

IO_ERROR = "Input/output error"
WORDS = ("/v1/embeddings", b'{"input":["a","b"]}')


def new_key(file, name, *scopes):
    made = subprocess.run([PROGRAM, "key", "new", name, "--file", file, *scopes], capture_output=True, check=True,
                          text=True, timeout=PATIENCE_S)
    return f"Bearer {re.search(r'embedd_[0-9A-Za-z]{43}', made.stdout)[0]}"


class Place:
    """A service of which all can be read anew, and a next state of all of it."""

    def __init__(self, start, disk, folder):
        authority = Pair(folder, "authority", is_ca=True)
        self.pairs = [Pair(folder, name, authority) for name in ("first", "second")]
        self.context = certificates.client(authority)
        self.cert, self.key = folder / "tls.pem", folder / "tls.key"
        self.keys, self.file = folder / "keys", folder / "embedd.json"
        self.admin = new_key(self.keys, "admin", "--scopes=admin,metrics,embed")
        self.key_files = [self.keys.read_bytes()]
        self.guest = new_key(self.keys, "guest")
        self.key_files.append(self.keys.read_bytes())
        self.write(0)
        self.service = start(f"--config={self.file}", f"--tls-cert={self.cert}", f"--tls-key={self.key}",
                             f"--api-keys={self.keys}", "--watch=0", tls=self.context, env=disk.environment())

    def write(self, i):
        self.cert.write_bytes(self.pairs[i].cert.read_bytes())
        self.key.write_bytes(self.pairs[i].key.read_bytes())
        self.key.chmod(0o600)
        self.keys.write_bytes(self.key_files[i])
        settings(self.file, max_inputs=1 + i)

    def reload(self):
        reply = self.service.post("/admin/reload", b"", Authorization=self.admin)
        return reply.status, {part["name"]: part for part in reply.json()["parts"]}

    def in_force(self):
        """Whether what is new is: of each part."""
        with self.service.connect() as client:
            name = dict(x[0] for x in client.socket.getpeercert()["subject"])["commonName"]
        return {"certificates": name == "second",
                "options": self.service.post(*WORDS, Authorization=self.admin).status == 200,
                "keys": self.service.post("/v1/embeddings", b'{"input":"a"}',
                                          Authorization=self.guest).status == 200}


@pytest.fixture
def place(start, disk, tmp_path):
    return Place(start, disk, tmp_path)


def test_what_cannot_be_read_stays_as_it_was_and_the_rest_is_new(place, disk):
    refused = 0
    for part, path in (("options", place.file), ("certificates", place.cert), ("certificates", place.key),
                       ("keys", place.keys)):
        for call in ("open", "fstat", "read"):
            assert not any(place.in_force().values())
            place.write(1)
            disk.fail(path, call)
            status, parts = place.reload()
            refused += 1
            assert disk.seen() > 0 and status == 422, (path, call, parts)
            assert {name for name, one in parts.items() if one["status"] != "ok"} == {part}, (path, call, parts)
            assert IO_ERROR in parts[part]["error"] and str(path) in parts[part]["error"], parts
            assert place.in_force() == {name: name != part for name in ("certificates", "options", "keys")}, (path, call)
            disk.heal()
            for i in (1, 0):
                place.write(i)
                assert place.reload()[0] == 200
                assert set(place.in_force().values()) == {i == 1}
    said = place.service.stderr()
    assert said.count(IO_ERROR) == said.count("something was refused and stays as it was") == refused


@pytest.mark.parametrize("call", ("open", "fstat", "read"))
def test_a_start_names_the_file(disk, tmp_path, call):
    (tmp_path / "keys").write_text("# nobody\n")
    settings(tmp_path / "embedd.json", max_inputs=1)
    Pair(tmp_path, "own")
    flags = {"keys": ["--api-keys=keys"], "embedd.json": ["--config=embedd.json"],
             "own.pem": ["--tls-cert=own.pem", "--tls-key=own.key"],
             "own.key": ["--tls-cert=own.pem", "--tls-key=own.key"]}
    for file, words in flags.items():
        disk.fail(file, call)
        run = subprocess.run([PROGRAM, "serve", "--listen=127.0.0.1:0", *words], capture_output=True, cwd=tmp_path,
                             timeout=PATIENCE_S, env=environment(**disk.environment()))
        said = run.stderr.decode(errors="replace")
        assert not SANITIZER.search(said) and disk.seen() > 0
        assert run.returncode in (1, 2) and file in said and IO_ERROR in said, (file, run.returncode, said)
