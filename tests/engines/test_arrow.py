# SPDX-License-Identifier: Apache-2.0
"""embedd.arrow, without an engine: whatever a column of texts is held in; what is wrong."""
import pickle
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from conftest import TOP

import embedd
from embedd.arrow import Classify, Embed

FOLDER = TOP / "examples/chain/w6x8"


def numbers(column):
    return np.array(column.to_pylist(), np.float32)


def test_whatever_holds_texts(texts, expected):
    some, rows = texts[:60], expected[:60]
    plain = pa.array(some)
    held = [plain, plain.cast(pa.large_string()), plain.cast(pa.binary()), plain.cast(pa.string_view()),
            plain.dictionary_encode(), pa.array(["x", *some, "y"]).slice(1, 60), pa.chunked_array([some[:11], [], some[11:]])]
    for column in held:
        made = Embed("text")(pa.table({"id": range(60), "text": column}))
        assert made.column_names == ["id", "text", "embedding"] and made.schema.field("embedding").type == Embed("text").type
        assert numbers(made["embedding"]).tobytes() == rows.tobytes(), column.type
    assert Embed("text", layout="fixed").array(plain).type == pa.list_(pa.float32(), 256)
    batch = Embed("text")(pa.RecordBatch.from_pydict({"text": plain}))
    assert isinstance(batch, pa.RecordBatch) and batch.schema.field("embedding").type == pa.list_(pa.float32())
    batch.validate(full=True)
    assert numbers(batch["embedding"]).tobytes() == rows.tobytes()


@pytest.mark.parametrize("layout", ["fixed", "list"])
@pytest.mark.parametrize("texts", [[None, "a", None], [None, None], ["a"], []])
def test_nulls_are_nulls(texts, layout):
    for kind in [pa.string()] + [pa.null()] * (not any(texts)):
        made = Embed("text", layout=layout)(pa.table({"text": pa.array(texts, kind)}))
        made.validate(full=True)
        assert [row is None for row in made["embedding"].to_pylist()] == [text is None for text in texts]


def test_labels_are_those_of_the_model(reviews, texts):
    some = [None, *texts[:50]]
    made = Classify("text", model=reviews, top_k=1, threshold=0.7)(pa.table({"text": some}))
    made.validate(full=True)
    answers = embedd.Model(reviews).classify(some, top_k=1, threshold=0.7)
    rows = made["prediction"].to_pylist()
    assert rows[0] is None and {row["label"] for row in rows[1:]} > {None}
    for i, row in enumerate(rows[1:], 1):
        assert row["label"] == answers.label[i] and dict(row["scores"]) == answers.scores(i)
        assert row["labels"] == ([] if row["label"] is None else [row["label"]])
        assert row["unsure"] == answers.unsure[i]
    assert Classify("text", model=reviews)(pa.table({"text": pa.array([], pa.string())})).num_rows == 0


def test_wrong_columns_are_named():
    table = pa.table({"id": [1], "text": ["a"], "list": [["a"]]})
    for step, sentence in [(Embed("body"), "there is no column 'body'; the columns are 'id', 'text', 'list'"),
                           (Embed("text", "id"), "there is a column 'id' already; choose another name by `into`")]:
        with pytest.raises(embedd.ArgumentError) as error:
            step(table)
        assert str(error.value) == sentence
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], ["text", "text"])
    with pytest.raises(embedd.ArgumentError, match="there are 2 columns 'text'"):
        Embed("text")(twice)
    for name, kind in [("id", "int64"), ("list", "list<"), ]:
        with pytest.raises(TypeError, match=f"column '{name}' is {kind}.*, not text; cast it to a string"):
            Embed(name)(table)
    with pytest.raises(TypeError, match="column and into must be names of columns, not 3"):
        Embed(3)


def test_wrong_options_are_told_when_a_step_is_made(tmp_path):
    for options, sentence in [({"layout": "wide"}, "layout must be"), ({"dtype": "float"}, "dtype must be one of"),
                              ({"dimensions": 257}, "257"), ({"pooling": "best"}, "pooling must be")]:
        with pytest.raises(ValueError, match=sentence):
            Embed("text", **options)
    with pytest.raises(embedd.FileError, match="cannot open model"):
        Embed("text", model=tmp_path / "none")
    with pytest.raises(embedd.NotFoundError, match="no classifier head"):
        Classify("text")


def test_a_row_that_is_no_utf8_is_named():
    with pytest.raises(embedd.TextError, match="row 1: its text is not UTF-8") as error:
        Embed("text")(pa.table({"text": pa.array([b"a", b"\xff"])}))
    assert error.value.row == 1
    made = Embed("text", invalid="null")(pa.table({"text": pa.array([b"a", b"\xff"])}))
    assert made["embedding"].null_count == 1


def test_steps_are_small_when_pickled_and_work_in_other_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(FOLDER.parent)
    step = Embed("text", model=FOLDER.name)
    pickled = pickle.dumps(step)
    assert len(pickled) < 2000
    script = ("import pickle, sys, pyarrow as pa\nstep = pickle.loads(sys.stdin.buffer.read())\n"
              "print(step.array(pa.array(['我爱吃饭'])).to_pylist())")
    done = subprocess.run([sys.executable, "-c", script], input=pickled, capture_output=True, check=True, cwd=tmp_path)
    assert done.stdout.decode().strip() == str(step.array(pa.array(["我爱吃饭"])).to_pylist())
