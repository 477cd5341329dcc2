# SPDX-License-Identifier: Apache-2.0
"""A packed model is used where it lies: a server's own memory does not grow with it, and servers share its pages."""

import json
import random
import re
import struct
import subprocess
from pathlib import Path

import pytest

import sparse
from harness import PATIENCE_S, PROGRAM, TOP, environment

pytestmark = pytest.mark.slow_under_tsan
LARGE, SMALL = 100_000, 10_000
COLUMNS = 768
MB = 1 << 20
SAMPLE = TOP / "tests/data/banking77/sample.csv"


def plain_program():
    """The program under test, or where that is sanitized (which takes memory) the one that is not."""
    if not re.search(b"__[at]san_init", Path(PROGRAM).read_bytes()):
        return PROGRAM
    plain = TOP / "build/embedd"
    return str(plain) if plain.exists() else None


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Packed files of 300 MB and of 30 MB, both nearly all hole."""
    folder = tmp_path_factory.mktemp
    made = {n: sparse.write_sparse_model(PROGRAM, folder("sparse"), n, COLUMNS) for n in (LARGE, SMALL)}
    yield made
    for path in made.values():
        path.unlink()


def ask(service, n_tokens, times=200):
    """Texts of words from all over the vocabulary, the same each time; a large one now and then."""
    rng = random.Random(1)
    with service.connect() as client:
        for number in range(times):
            n_texts = 1 if number % 10 else 64
            texts = [" ".join(sparse.word(rng.randrange(n_tokens - 1)) for _ in range(12)) for _ in range(n_texts)]
            reply = client.post("/v1/embeddings", json.dumps({"input": texts}).encode())
            assert reply.status == 200 and len(reply.json()["data"]) == len(texts)


def test_sparse_files_are_whole_and_take_no_room(models):
    for n, path in models.items():
        assert path.stat().st_size > n * COLUMNS * 4 > 10 * path.stat().st_blocks * 512


def test_own_memory_does_not_grow_with_the_model(models, start):
    program = plain_program()
    if not program:
        pytest.skip("build/embedd is not there, and the program under test is sanitized")
    own = {}
    for n, path in models.items():
        service = start("--model", path, "--threads", "1", "--workers", "1", program=program)
        ask(service, n)
        own[n] = sparse.anonymous_bytes(service.process.pid)
    assert own[LARGE] < 16 * MB and own[LARGE] < own[SMALL] + MB, own


def test_servers_share_the_pages_of_a_model(models, start):
    path = models[LARGE]
    first = start("--model", path)
    ask(first, LARGE)
    shared, private = sparse.file_bytes(first.process.pid, path)
    assert shared == 0 and private > MB
    second = start("--model", path)
    ask(second, LARGE)
    for service in (first, second):
        now_shared, now_private = sparse.file_bytes(service.process.pid, path)
        # What one of the two happens to have looked at alone is little.
        assert now_shared > private / 2 and now_private < private / 4, (private, now_shared, now_private)


# ---- what is not worked out again ----


def run(*arguments, code=0):
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=b"card\n", capture_output=True, env=environment(),
                          timeout=10 * PATIENCE_S)
    assert done.returncode == code, done.stderr.decode()
    return done


def with_metadata(packed, output, change):
    """The packed file with other metadata; its header keeps its length."""
    data = packed.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    change(header["__metadata__"])
    text = json.dumps(header, separators=(",", ":")).encode()
    assert len(text) <= size
    output.write_bytes(data[:8] + text + b" " * (size - len(text)) + data[8 + size:])
    return output


def test_the_vocabularys_fingerprint_is_read_where_it_stands(tmp_path):
    run("train", "--input", SAMPLE, "--output", tmp_path / "model", "--text", "text", "--label", "category")
    packed = tmp_path / "packed.safetensors"
    run("convert", "--input", tmp_path / "model", "--output", packed)
    expected = run("classify", "--model", packed).stdout
    assert expected == run("classify", "--model", tmp_path / "model").stdout
    without = with_metadata(packed, tmp_path / "without", lambda known: known.pop("embedd.vocabulary"))
    assert run("classify", "--model", without).stdout == expected
    other = {"embedd.vocabulary": "1" * 16}
    wrong = with_metadata(packed, tmp_path / "wrong", lambda known: known.update(other))
    assert "another vocabulary" in run("classify", "--model", wrong, code=1).stderr.decode()
