# SPDX-License-Identifier: Apache-2.0
"""The running example: its script, its README and its two models against the real program."""
import itertools
import json
import os
import pathlib
import re
import struct
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow_under_tsan

TOP = pathlib.Path(__file__).resolve().parents[2]
CHAIN = TOP / "examples/chain"
PROGRAM = TOP / os.environ.get("EMBEDD", "build/embedd")
MODELS = ["w6x2", "w6x8"]


def run_chain(*urls, program=PROGRAM):
    return subprocess.run(
        ["sh", CHAIN / "chain.sh", *urls],
        env={**os.environ, "EMBEDD": str(program)},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


@pytest.fixture(scope="module")
def output():
    result = run_chain()
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def steps_of_script(output):
    """Commands, replies and figures of each step, without its question (two lines)."""
    steps = re.split(r"^== \d+\. .*\n.*\n", output, flags=re.M)
    return ["\n\n".join(step.strip("\n").split("\n\n")) for step in steps[1:]]


def steps_of_readme():
    text = (CHAIN / "README.md").read_text(encoding="utf-8")
    steps = re.split(r"^## \d+\. .*\n", text, flags=re.M)
    return ["\n\n".join(re.findall(r"```console\n(.*?)\n```", step, re.S)) for step in steps[1:]]


def test_the_readme_shows_what_the_program_answers(output):
    assert len(steps_of_script(output)) == 13
    assert steps_of_readme() == steps_of_script(output)


def test_the_script_works_on_servers_that_run_already(output, start):
    urls = [start("--model", CHAIN / name, "--heads", CHAIN / "heads").url if name == "w6x8" else
            start("--model", CHAIN / name).url for name in MODELS]
    result = run_chain(*urls)
    assert result.returncode == 0, result.stderr
    assert result.stdout == output


def test_the_script_fails_where_the_program_does():
    assert run_chain(program="/bin/false").returncode == 1
    assert run_chain("http://127.0.0.1:1").returncode == 2
    assert run_chain("http://127.0.0.1:1", "http://127.0.0.1:1").returncode != 0


def test_the_committed_models_are_what_their_script_writes(tmp_path):
    subprocess.run([sys.executable, CHAIN / "make_models.py", tmp_path], check=True)
    for name in MODELS:
        written = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        assert written == {path.name: path.read_bytes() for path in (CHAIN / name).iterdir()}
        assert sorted(written) == ["config.json", "model.safetensors", "vocab.txt"]


def read_table(path):
    """The rows of W, straight from the file."""
    data = path.read_bytes()
    (header_bytes,) = struct.unpack("<Q", data[:8])
    n_rows, dim = json.loads(data[8 : 8 + header_bytes])["embeddings"]["shape"]
    numbers = struct.unpack(f"<{n_rows * dim}f", data[8 + header_bytes :])
    return [numbers[row * dim : (row + 1) * dim] for row in range(n_rows)]


def multiply(x, w):
    """The matrix product by its definition."""
    columns = range(len(w[0]))
    return [[sum(a * w[i][j] for i, a in enumerate(row)) for j in columns] for row in x]


def post(service, path, body):
    reply = service.post(path, json.dumps(body).encode())
    assert reply.status == 200, reply.body
    return reply.json()["data"]


@pytest.mark.parametrize("name", MODELS)
def test_the_matrix_product_is_the_look_up(start, name):
    service = start("--model", CHAIN / name)
    w = read_table(CHAIN / name / "model.safetensors")
    tokens = (CHAIN / name / "vocab.txt").read_text(encoding="utf-8").split()
    texts = ["".join(some) for n in (1, 2, 4) for some in itertools.permutations(tokens, n)]
    texts += ["我我我", "我爱吃饭" * 5]
    onehot = post(service, "/v1/onehot", {"text": texts, "format": "dense"})
    lookup = post(service, "/v1/lookup", {"text": texts})
    assert len(onehot) == len(lookup) == len(texts)
    for text, x, y in zip(texts, onehot, lookup):
        assert x["shape"] == [len(text), 6] and y["shape"] == [len(text), len(w[0])]
        assert x["zeros"] == pytest.approx(5 / 6)
        assert y["rows"] == multiply(x["rows"], w), text


def test_the_mean_of_the_rows_is_the_sentence(start):
    service = start("--model", CHAIN / "w6x8")
    body = {"input": ["我爱吃饭", "他爱吃饭", "你爱吃饭"], "encoding_format": "float"}
    rows = post(service, "/v1/lookup", {"text": body["input"]})
    for item, y in zip(post(service, "/v1/embeddings", body), rows):
        assert item["embedding"] == [sum(column) / 4 for column in zip(*y["rows"])]
