# SPDX-License-Identifier: Apache-2.0
"""The Python package, as its wheel installs it: the bits of the command, whatever texts are held in; bad input."""
import gc
import os
import pickle
import random
import re
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import embedd

TOP = Path(__file__).resolve().parents[2]
PROGRAM = str((TOP / os.environ.get("EMBEDD", "build/embedd")).resolve())


@pytest.fixture(scope="session")
def model():
    return embedd.Model(threads=2)


@pytest.fixture(scope="session")
def texts():
    """10,000 of both languages, with empty ones."""
    chance = random.Random(11)
    english = (TOP / "LICENSE").read_text().split()
    chinese = re.findall(r"[\u4e00-\u9fff]", (TOP / "README.zh.md").read_text(encoding="utf-8"))
    made = ["", " ", "e\u0301", "\U0001F600"]
    while len(made) < 10_000:
        n = chance.choice([1, 3, 12, 40])
        made.append(" ".join(chance.choices(english, k=n)) if chance.random() < 0.5 else "".join(chance.choices(chinese, k=n)))
    return made


@pytest.fixture(scope="session")
def expected(texts):
    lines = "".join(text + "\n" for text in texts).encode()
    done = subprocess.run([PROGRAM, "embed", "--format", "f32"], input=lines, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.float32).reshape(len(texts), -1)


def same(found, expected):
    assert found.dtype == expected.dtype and found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


# ---- what texts are held in ----

def test_lists_have_the_bits_of_the_command(model, texts, expected):
    same(model.encode(texts), expected)
    same(embedd.Model(threads=1).encode(texts), expected)
    same(model.encode(tuple(texts[:7])), expected[:7])
    same(model.encode(text for text in texts[:7]), expected[:7])


def test_a_text_has_one_vector_and_a_list_of_one_a_row(model, texts, expected):
    same(model.encode(texts[9]), expected[9])
    same(model.encode(texts[9:10]), expected[9:10])
    assert model.encode([]).shape == (0, model.dimensions)


def test_numpy_arrays_have_the_same_bits(model, texts, expected):
    same(model.encode(np.array(texts[:500])), expected[:500])
    same(model.encode(np.array(texts[:500], object)), expected[:500])
    if hasattr(np.dtypes, "StringDType"):
        same(model.encode(np.array(texts[:500], np.dtypes.StringDType())), expected[:500])


def test_pandas_series_have_the_same_bits(model, texts, expected):
    same(model.encode(pd.Series(texts)), expected)
    same(model.encode(pd.Series(texts[:500], dtype="string")), expected[:500])
    same(model.encode(pd.Series(texts[:500], dtype=pd.ArrowDtype(pa.string()))), expected[:500])


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary(), pa.string_view(),
                                  pa.dictionary(pa.int32(), pa.string())])
def test_arrow_arrays_have_the_same_bits_sliced_and_chunked(kind, model, texts, expected):
    plain = pa.array(texts[:2000])
    array = plain.dictionary_encode() if pa.types.is_dictionary(kind) else plain.cast(kind)
    same(model.encode(array), expected[:2000])
    same(model.encode(array[13:1013]), expected[13:1013])
    chunked = pa.chunked_array([array[:5], array[5:5], array[5:1003], array[1003:]])
    same(model.encode(chunked), expected[:2000])
    same(model.encode(chunked[3:1900]), expected[3:1900])


def test_polars_series_have_the_same_bits(model, texts, expected):
    polars = pytest.importorskip("polars")
    same(model.encode(polars.Series(texts[:2000])), expected[:2000])


def test_arrow_texts_are_not_copied(model):
    array = pa.array(["some words"] * 1_000_000)
    model.encode(array[:1000], dtype="ubinary")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model.encode(array, dtype="ubinary")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # 32 MB of vectors, not the texts' 14


# ---- nulls ----

HOLDERS = [list, lambda items: np.array(items, object), pd.Series, lambda items: pd.Series(items, dtype="string"), pa.array,
           lambda items: pa.chunked_array([items[:1], items[1:]])]


@pytest.mark.parametrize("hold", HOLDERS)
def test_nulls_stay_nulls(hold, model):
    items = ["a cat", None, "", None, "我"] * 5
    held = hold(items)
    with pytest.raises(ValueError, match=r"texts\[1\] is null, and so are 10 in all"):
        model.encode(held)
    found = model.encode(held, nulls="nan")
    assert np.isnan(found[1]).all() and np.isnan(found[3]).all() and not found[2].any()
    same(found[0], model.encode("a cat"))
    column = pa.array(model.encode(held, out="arrow"))
    assert column.null_count == 10
    assert column.is_null().to_pylist() == [item is None for item in items]
    column.validate(full=True)


def test_nan_and_na_are_nulls_too(model):
    vectors = model.encode(["a", float("nan"), pd.NA, np.nan], out="arrow")
    assert vectors.null_count == 3 and vectors.is_null().tolist() == [False, True, True, True]


def test_sliced_nulls_are_those_of_the_slice(model):
    array = pa.array(["a", None, "b", None, "c", "d", None, "e", "f", None, "g"])
    for first in range(9):
        column = pa.array(model.encode(array[first:], out="arrow"))
        assert column.is_null().to_pylist() == array[first:].is_null().to_pylist()


def test_nan_rows_need_a_type_that_has_nan(model):
    assert np.isnan(model.encode([None], dtype="float16", nulls="nan")).all()
    with pytest.raises(ValueError, match="nulls='nan' needs dtype"):
        model.encode([None], dtype="int8", nulls="nan")


# ---- results ----

@pytest.mark.parametrize("dtype, numpy, arrow, width", [
    ("float32", np.float32, pa.float32(), 256), ("float16", np.float16, pa.float16(), 256), ("int8", np.int8, pa.int8(), 256),
    ("uint8", np.uint8, pa.uint8(), 256), ("binary", np.int8, pa.int8(), 32), ("ubinary", np.uint8, pa.uint8(), 32)])
def test_types_are_those_of_numpy_and_arrow(dtype, numpy, arrow, width, model, texts, expected):
    found = model.encode(texts[:100], dtype=dtype)
    assert found.dtype == numpy and found.shape == (100, width)
    column = pa.array(model.encode(texts[:100], dtype=dtype, out="arrow"))
    assert column.type == pa.list_(arrow, width)
    column.validate(full=True)
    assert np.array_equal(column.flatten().to_numpy().reshape(100, width), found)
    if dtype == "float16":
        assert np.array_equal(found, expected[:100].astype(np.float16))
    if dtype == "ubinary":
        assert np.array_equal(found, np.packbits(expected[:100] > 0, axis=1))


def test_results_outlive_what_made_them():
    def make():
        other = embedd.Model()
        vectors = other.encode(["a cat", "a dog"], out="arrow")
        return vectors.numpy(), pa.array(vectors), pa.array(vectors).flatten()
    array, column, flat = make()
    gc.collect()
    assert np.array_equal(column.flatten().to_numpy(), array.reshape(-1))
    assert flat.to_pylist() == array.reshape(-1).tolist()


def test_options_choose_dimensions_length_and_pooling(model):
    assert model.encode("a cat", dimensions=64).shape == (64,)
    assert np.linalg.norm(model.encode("a cat", dimensions=64, normalize=True)) == pytest.approx(1, abs=1e-6)
    tokens = model.tokenize("a cat").ids
    assert np.allclose(model.encode("a cat", pooling="sum", normalize=False), sum(model.row(i) for i in tokens), atol=1e-6)


# ---- bad input ----

@pytest.mark.parametrize("texts, error, says", [
    (["a", 3], TypeError, "texts[1] is int, not str"),
    (["a", b"b"], TypeError, "texts[1] is bytes, not str; decode it"),
    (["a", ["b"]], TypeError, "texts[1] is list, not str"),
    (b"a", TypeError, "texts is bytes, not str"),
    (7, TypeError, "texts is int, not str"),
    (None, TypeError, "texts is NoneType, not str"),
    ({"a": 1}, TypeError, "texts is dict, not str"),
    (np.array([["a"]]), TypeError, "of 2 dimensions"),
    (np.array([1.5]), TypeError, "an array of float64, not of strings"),
    (np.array([b"a"]), TypeError, "decode it by numpy.char.decode"),
    (pa.array([1, 2]), TypeError, "an Arrow array of format 'l', not of strings"),
    (pa.table({"text": ["a"]}), TypeError, "give one of its columns"),
    (pd.DataFrame({"text": ["a"]}), TypeError, "give one of its columns"),
    (["a", "b", "\ud800c"], embedd.TextError, "row 2: its text is not UTF-8 at byte 1 (0xED)"),
    (["x" * (64 << 20) + "y"], embedd.TextError, "row 0: its text has 67108865 bytes"),
    (pa.array([b"a", b"\xff"]), embedd.TextError, "row 1: its text is not UTF-8 at byte 1 (0xFF)"),
])
def test_what_is_no_text_is_refused_with_its_place(texts, error, says, model):
    with pytest.raises(error) as raised:
        model.encode(texts)
    assert says in str(raised.value)


def test_the_row_is_named_in_whatever_batch_it_is(model):
    texts = ["a"] * 200_000
    texts[140_001] = "\udfff"
    with pytest.raises(ValueError, match="row 140001: its text is not UTF-8") as raised:
        model.encode(texts, dtype="ubinary")
    assert raised.value.row == 140_001
    array = pa.chunked_array([pa.array([b"a"] * 70_000), pa.array([b"a"] * 70_000), pa.array([b"\xff"])])
    with pytest.raises(embedd.TextError, match="row 140000: "):
        model.encode(array, dtype="ubinary")


def test_invalid_texts_are_null_or_replaced_where_asked(model):
    texts = ["a", "\ud800b"]
    vectors = model.encode(texts, invalid="null", out="arrow")
    assert vectors.is_null().tolist() == [False, True]
    same(model.encode(texts, invalid="replace")[1], model.encode("\ufffd\ufffd\ufffdb"))


@pytest.mark.parametrize("options, error, says", [
    ({"dtype": "float64"}, ValueError, "dtype must be one of float32"),
    ({"dimensions": 0}, ValueError, "dimensions must be a whole number from 1"),
    ({"dimensions": 257}, embedd.ArgumentError, "from 1 to 256"),
    ({"dimensions": "64"}, TypeError, "dimensions must be a whole number"),
    ({"pooling": "first"}, ValueError, "pooling must be one of None, 'mean'"),
    ({"normalize": "yes"}, ValueError, "normalize must be one of"),
    ({"invalid": "skip"}, ValueError, "invalid must be one of"),
    ({"prompt": "query"}, embedd.NotFoundError, "no prompt 'query'"),
    ({"out": "list"}, ValueError, "out must be"),
    ({"nulls": "zero"}, ValueError, "nulls must be"),
])
def test_options_out_of_range_are_refused(options, error, says, model):
    with pytest.raises(error) as raised:
        model.encode(["a"], **options)
    assert says in str(raised.value)


def test_models_that_are_none_are_refused(tmp_path):
    with pytest.raises(OSError, match="/nowhere") as raised:
        embedd.Model("/nowhere")
    assert isinstance(raised.value, embedd.FileError)
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(embedd.FormatError, match="model.safetensors"):
        embedd.Model(tmp_path)
    with pytest.raises(ValueError, match="options.compat must be"):
        embedd.Model(compat="word2vec")
    with pytest.raises(ValueError, match="threads must be"):
        embedd.Model(threads=-1)
    with pytest.raises(embedd.ArgumentError, match="threads must be"):
        embedd.Model(threads=5000)


def test_errors_pickle():
    error = pickle.loads(pickle.dumps(embedd.TextError("row 3: wrong", 3, "texts")))
    assert (type(error), str(error), error.row, error.argument) == (embedd.TextError, "row 3: wrong", 3, "texts")


# ---- classifiers ----

@pytest.fixture(scope="session")
def reviews(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "reviews"
    subprocess.run([PROGRAM, "train", "--input", TOP / "examples/reviews/train.csv", "--output", path], check=True,
                   capture_output=True)
    return embedd.Model(path)


def test_labels_are_those_of_the_command(reviews, texts):
    import json
    lines = "".join(text + "\n" for text in texts[:300]).encode()
    path = reviews.__reduce__()[1][0]
    done = subprocess.run([PROGRAM, "classify", "--model", path], input=lines, capture_output=True, check=True)
    answers = reviews.classify(texts[:300])
    for i, line in enumerate(done.stdout.decode().splitlines()):
        expected = json.loads(line)
        assert answers.label[i] == expected["label"]
        assert list(answers.scores(i)) == list(expected["scores"])
        assert answers.scores(i) == {name: float(np.float32(p)) for name, p in expected["scores"].items()}
        assert answers.unsure[i] == np.float32(expected["unsure_score"])


def test_a_null_has_no_label(reviews):
    answers = reviews.classify(pa.array(["good", None]), top_k=1)
    assert answers.labels.shape == (2, 1) and answers.labels[1, 0] == -1 and np.isnan(answers.probabilities[1, 0])
    assert answers.label[1] is None and answers.scores(1) == {} and np.isnan(answers.unsure[1])
    assert reviews.classify(["qwxz " * 3], reject=0.0).label == [None]
    assert reviews.classify([]).label == []


def test_heads_say_what_they_are(reviews, model):
    assert reviews.info.heads == (reviews.head().name,)
    assert len(reviews.head().labels) > 1 and reviews.head().knows_unsure
    with pytest.raises(LookupError, match="head must be one of"):
        reviews.classify(["a"], head="other")
    with pytest.raises(LookupError, match="no classifier head"):
        model.classify(["a"])


# ---- tokens ----

def test_tokens_are_those_of_the_command(model, texts):
    import json
    lines = "".join(text + "\n" for text in texts[:200]).encode()
    done = subprocess.run([PROGRAM, "tokenize"], input=lines, capture_output=True, check=True)
    for tokens, line in zip(model.tokenize(texts[:200]), done.stdout.decode().splitlines()):
        expected = json.loads(line)
        assert tokens.tokens == expected["tokens"] and tokens.ids == expected["ids"]
        assert [list(place) for place in tokens.offsets] == expected["offsets"]


def test_the_vocabulary_is_looked_up(model):
    id = model.token_id("cat")
    assert model.token(id) == "cat" and model.token_id("qwxzqwxz") is None
    assert np.array_equal(model.row("cat"), model.row(id))
    assert model.decode(model.tokenize("i love cats").ids).replace(" ", "") == "ilovecats"
    with pytest.raises(LookupError):
        model.token(1 << 31)
    with pytest.raises(LookupError):
        model.row(-1)
    with pytest.raises(ValueError, match=r"ids\[0\] must be below"):
        model.decode([model.info.vocab_size])


def test_neighbours_are_those_of_the_command(model):
    done = subprocess.run([PROGRAM, "vocab", "--nearest", "cat", "--limit", "5"], capture_output=True, check=True, text=True)
    expected = [line.split("\t")[1] for line in done.stdout.splitlines()]
    assert [near.token for near in model.nearest("cat", 5)] == expected
    assert model.nearest(model.row("cat"), 1)[0].token == "cat"
    with pytest.raises(LookupError):
        model.nearest("qwxzqwxz")
    with pytest.raises(ValueError, match="shape"):
        model.nearest(np.zeros(3))


# ---- threads, processes, signals ----

def test_threads_share_a_model_and_release_the_gil(model, texts, expected):
    failures = []

    def work():
        if model.encode(texts).tobytes() != expected.tobytes():
            failures.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_it_works_after_fork(model, texts, expected):
    model.encode(texts)
    child = os.fork()
    if child == 0:
        os._exit(0 if model.encode(texts).tobytes() == expected.tobytes() else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_it_pickles_by_its_path(model, texts, expected):
    other = pickle.loads(pickle.dumps(model))
    same(other.encode(texts[:10]), expected[:10])


def test_ctrl_c_ends_a_long_call():
    code = ("import embedd, sys\nmodel = embedd.Model(threads=1)\ntexts = ['some words of a text'] * 50_000_000\n"
            "print('ready', flush=True)\nmodel.encode(texts, dtype='ubinary', dimensions=8)\nprint('done')")
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert "done" not in out and "KeyboardInterrupt" in err


def test_nothing_leaks(model, texts):
    def once():
        model.encode(texts[:2000])
        pa.array(model.encode(pa.array(texts[:2000]), out="arrow"))
        model.encode(["a", None], out="arrow")
        with pytest.raises(ValueError):
            model.encode(["\ud800"])
        embedd.Model(TOP / "examples/chain/w6x2").encode("我")

    def grown(rounds):
        before = int(Path("/proc/self/statm").read_text().split()[1])
        for _ in range(rounds):
            once()
        gc.collect()
        return (int(Path("/proc/self/statm").read_text().split()[1]) - before) * 4096

    grown(20)
    assert grown(60) < 8 << 20  # a leak of one result would be 120 MB


def test_an_sdist_holds_what_the_library_is_made_of(tmp_path):
    code = f"from setuptools import build_meta; build_meta.build_sdist({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=TOP / "python", check=True, capture_output=True)
    [archive] = tmp_path.glob("embedd-*.tar.gz")
    subprocess.run(["tar", "-xf", archive], cwd=tmp_path, check=True)
    sources = archive.with_suffix("").with_suffix("") / "sources"

    def steps(folder):
        done = subprocess.run(["make", "-nB", "NODEPS=1", "library"], cwd=folder, check=True, capture_output=True, text=True)
        return done.stdout

    assert steps(sources) == steps(TOP) and "tests" not in os.listdir(sources)


def test_its_types_hold():
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, TOP / "python/embedd"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_it_says_what_it_is(model):
    assert embedd.__version__ == model.__reduce__()[0].__globals__["version"]()
    assert model.info.dimensions == model.dimensions == 256 and "dimensions" in repr(model)
    assert (Path(embedd.__file__).parent / "py.typed").exists()
