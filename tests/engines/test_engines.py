# SPDX-License-Identifier: Apache-2.0
"""The examples of engines, as scripts: the bits of the command, null for null."""
import json
import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from conftest import TOP
from harness import PROGRAM

import embedd

ENGINES = ["ray", "daft", "polars", "duckdb"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("engines")


@pytest.fixture(scope="session")
def environment(folder):
    """Ray keeps a token for its processes."""
    (folder / "token").write_text("of-this-test-alone-" + "0" * 32)
    return {**os.environ, "RAY_AUTH_TOKEN_PATH": str(folder / "token"), "RAY_AIR_NEW_OUTPUT": "0"}


@pytest.fixture(scope="session")
def source(folder, texts):
    """Several row groups; row 5 is null."""
    rows = pa.table({"id": pa.array(range(len(texts)), pa.int64()), "text": [None if i == 5 else t for i, t in enumerate(texts)]})
    pq.write_table(rows, folder / "in.parquet", row_group_size=3000)
    return folder / "in.parquet"


def run(engine, source, target, environment, *model):
    done = subprocess.run([sys.executable, TOP / f"examples/engines/with_{engine}.py", source, target, *model],
                          env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return pyarrow.dataset.dataset(target, format="parquet").to_table().sort_by("id")


@pytest.mark.parametrize("engine", ENGINES)
def test_vectors_have_the_bits_of_the_command(engine, source, environment, texts, expected, tmp_path):
    table = run(engine, source, tmp_path / "out", environment)
    assert table["id"].to_pylist() == list(range(len(texts))) and table["text"][7].as_py() == texts[7]
    assert table["embedding"].null_count == 1 and table["embedding"][5].as_py() is None
    found = np.concatenate([chunk.drop_null().flatten().to_numpy() for chunk in table["embedding"].chunks])
    assert found.dtype == np.float32 and found.tobytes() == np.delete(expected, 5, 0).tobytes()


@pytest.mark.parametrize("engine", ENGINES)
def test_labels_are_those_of_the_command(engine, source, environment, texts, reviews, tmp_path):
    table = run(engine, source, tmp_path / "out", environment, reviews)
    done = subprocess.run([PROGRAM, "classify", "--model", reviews], check=True, capture_output=True,
                          input="".join(text + "\n" for text in texts).encode())
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    answers[5] = None
    rows = table["prediction"].to_pylist()
    assert len(rows) == len(answers)
    for row, answer in zip(rows, answers):
        if answer is None:
            assert row is None
            continue
        scores = [tuple(pair.values()) if isinstance(pair, dict) else pair for pair in row["scores"]]
        assert row["label"] == answer["label"] and row["labels"] == [answer["label"]] * (answer["label"] is not None)
        assert [label for label, _ in scores] == list(answer["scores"])
        assert [np.float32(p) for _, p in scores] == [np.float32(p) for p in answer["scores"].values()]


def test_a_column_of_mixed_types_stops_ray(environment, tmp_path):
    script = tmp_path / "mixed.py"
    script.write_text("import ray\nfrom embedd.arrow import Embed\n"
                      "rows = ray.data.from_items([{'text': 'a'}, {'text': 1}], override_num_blocks=1)\n"
                      "rows.map_batches(Embed('text'), batch_format='pyarrow').materialize()\n")
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode != 0 and "column 'text' is extension" in done.stderr and "not text" in done.stderr, done.stderr[-3000:]
