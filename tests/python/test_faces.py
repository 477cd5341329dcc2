# SPDX-License-Identifier: Apache-2.0
"""The package under other libraries' names: the bits of embedd.Model, the results of model2vec 0.10.0, fasttext 0.9.2 and
scikit-learn 1.9.1, which are installed beside it, and what sentence-transformers said (tests/golden/static)."""
import json
import os
import pickle
import subprocess
import sys
import types
import warnings
from pathlib import Path

import fasttext as real_fasttext
import model2vec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.svm import LinearSVC
from sklearn.utils import estimator_checks

import embedd
from embedd import fasttext
from embedd.model2vec import StaticModel
from embedd.sentence_transformers import SentenceTransformer
from embedd.sklearn import EmbeddClassifier, EmbeddTransformer, HeadClassifier

TOP = Path(__file__).resolve().parents[2]
PROGRAM = str((TOP / os.environ.get("EMBEDD", "build/embedd")).resolve())
STATIC = TOP / "tests/golden/static"
FASTTEXT = TOP / "tests/data/fasttext"
GOLDEN = json.loads((STATIC / "expected.json").read_text(encoding="utf-8"))
TEXTS = ["I love to eat", "", "我爱吃饭", "naïve café", "the cat sat on the mat"] * 20
real_fasttext.FastText.eprint = lambda *_: None


def same(found, expected):
    assert found.dtype == expected.dtype and found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


@pytest.fixture(scope="module")
def model():
    return embedd.Model()


# ---- model2vec ----

M2V = sorted(path.name for path in STATIC.glob("m2v_*"))


@pytest.mark.parametrize("name", M2V)
def test_model2vec_gives_what_the_original_gives(name):
    real, ours = model2vec.StaticModel.from_pretrained(STATIC / name), StaticModel.from_pretrained(STATIC / name)
    texts = GOLDEN["texts"]
    expected, found = real.encode(texts), ours.encode(texts)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert np.allclose(found, expected, atol=2e-3 if expected.dtype == np.float16 else 1e-6)
    assert ours.encode(texts[1]).shape == real.encode(texts[1]).shape
    assert ours.tokenize(texts) == real.tokenize(texts)
    assert (ours.dim, ours.normalize, ours.max_length, ours.unk_token_id, ours.tokens) == (
        real.dim, real.normalize, real.max_length, real.unk_token_id, real.tokens)
    if "mapping" not in name:
        assert ours.embedding_dtype == real.embedding_dtype
    for normalize in (True, False):
        expected = real.encode(texts, normalize=normalize)
        assert np.allclose(ours.encode(texts, normalize=normalize), expected, atol=2e-3 if expected.dtype == np.float16 else 1e-6)


def test_model2vec_has_the_models_bits(model):
    ours = StaticModel.from_pretrained("builtin")
    same(ours.encode(TEXTS), model.encode(TEXTS))
    same(ours.encode("a cat"), model.encode("a cat"))
    small = StaticModel.from_pretrained("builtin", dimensionality=64, normalize=True)
    same(small.encode(TEXTS, batch_size=3), model.encode(TEXTS, dimensions=64, normalize=True))
    assert small.dim == 64 and ours.encode([]).shape == (0, 256)


def test_model2vec_subfolders_and_limits():
    ours = StaticModel.from_pretrained(STATIC, subfolder="m2v_short")
    same(ours.encode("the cat", max_length=ours.max_length), ours.encode("the cat"))
    with pytest.raises(ValueError, match="max_length must be"):
        ours.encode("the cat", max_length=7777)
    with pytest.raises(ValueError, match="quantize_to must be None"):
        StaticModel.from_pretrained("builtin", quantize_to="int8")
    for wrong in (0, 257, True, "64"):
        with pytest.raises(ValueError, match="dimensionality must be from 1 to 256"):
            StaticModel.from_pretrained("builtin", dimensionality=wrong)
    with pytest.raises(OSError):
        StaticModel.from_pretrained("minishlab/potion-base-8M", force_download=False)


# ---- sentence-transformers ----

@pytest.mark.parametrize("name", sorted(path.name for path in STATIC.glob("st_*")))
def test_sentence_transformers_gives_what_the_original_gave(name):
    found = SentenceTransformer(STATIC / name).encode(GOLDEN["texts"])
    expected = np.array(GOLDEN["models"][name]["vectors"], np.float32)
    assert found.dtype == np.float32 and np.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("precision, dtype", [("float32", np.float32), ("int8", np.int8), ("uint8", np.uint8),
                                              ("binary", np.int8), ("ubinary", np.uint8)])
def test_sentence_transformers_has_the_models_bits(precision, dtype, model):
    ours = SentenceTransformer("builtin")
    found = ours.encode(TEXTS, precision=precision, batch_size=7, show_progress_bar=False)
    same(found, model.encode(TEXTS, dtype=precision))
    assert found.dtype == dtype and ours.encode("a", precision=precision).ndim == 1
    bits = np.packbits(model.encode(TEXTS) > 0, axis=1)
    if precision == "ubinary":
        assert np.array_equal(found, bits)
    if precision == "binary":
        assert np.array_equal(found, (bits.astype(int) - 128).astype(np.int8))


def test_a_cut_stands_behind_the_models_own_length(model):
    whole, ours = model.encode(TEXTS), SentenceTransformer(truncate_dim=64)
    same(ours.encode(TEXTS), np.ascontiguousarray(whole[:, :64]))
    same(ours.encode(TEXTS, normalize_embeddings=True), model.encode(TEXTS, dimensions=64, normalize=True))
    same(ours.encode(TEXTS, truncate_dim=32)[0], whole[0, :32].copy())
    same(ours.encode(TEXTS, truncate_dim=1000), whole)
    assert ours.get_sentence_embedding_dimension() == ours.get_embedding_dimension() == 64
    assert SentenceTransformer().get_sentence_embedding_dimension() == 256


def test_prompts_go_before_texts(model):
    ours = SentenceTransformer(prompts={"query": "find: "}, default_prompt_name=None)
    expected = model.encode(["find: cats", "find: dogs"])
    for texts in (["cats", "dogs"], np.array(["cats", "dogs"]), pd.Series(["cats", "dogs"]), pa.array(["cats", "dogs"])):
        same(ours.encode(texts, prompt_name="query"), expected)
        same(ours.encode(texts, prompt="find: "), expected)
    same(ours.encode_query("cats"), expected[0])
    same(ours.encode_document("cats"), model.encode("cats"))
    same(SentenceTransformer(prompts={"q": "find: "}, default_prompt_name="q").encode("cats"), expected[0])
    with pytest.raises(LookupError, match="no prompt 'other'"):
        ours.encode("cats", prompt_name="other")
    with pytest.raises(LookupError, match="no prompt 'other'"):
        SentenceTransformer(default_prompt_name="other")


def test_the_models_own_prompts_go_before_texts(tmp_path):
    for path in (STATIC / "st_plain").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(
        {"prompts": {"query": "the cat ", "document": "my dog "}, "default_prompt_name": "document"}))
    ours, plain = SentenceTransformer(tmp_path), SentenceTransformer(STATIC / "st_plain")
    same(ours.encode("sat"), plain.encode("my dog sat"))
    same(ours.encode_query("sat"), plain.encode("the cat sat"))
    same(ours.encode("sat", prompt=""), plain.encode("sat"))


def test_other_values_are_dicts_or_tensors(model, monkeypatch):
    ours = SentenceTransformer()
    same(ours.encode("a cat", output_value=None)["sentence_embedding"], model.encode("a cat"))
    assert len(ours.encode(["a", "b"], output_value=None)) == 2
    with pytest.raises(ValueError, match="output_value must be"):
        ours.encode("a", output_value="token_embeddings")
    monkeypatch.setitem(sys.modules, "torch", None)
    for options in ({"convert_to_tensor": True}, {"convert_to_numpy": False}):
        with pytest.raises(ImportError, match="tensors need torch"):
            ours.encode("a", **options)


def test_tensors_are_made_where_torch_is(model, monkeypatch):
    """Of a torch that holds arrays: what is asked of it is from_numpy."""
    class Tensor(list):
        def detach(self):
            return self

        def cpu(self):
            return self

        def numpy(self):
            return np.array(list(self))
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(from_numpy=Tensor))
    ours = SentenceTransformer()
    assert np.array_equal(ours.encode(["a", "b"], convert_to_tensor=True).numpy(), model.encode(["a", "b"]))
    assert type(ours.encode(["a", "b"], convert_to_numpy=False)) is list
    a = ours.encode(["a", "b"], convert_to_tensor=True)
    assert isinstance(ours.similarity(a, a), Tensor)


def test_similarities_are_numpys():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(5, 8)).astype(np.float32), rng.normal(size=(4, 8)).astype(np.float32)
    expected = {
        "cosine": [[x @ y / np.linalg.norm(x) / np.linalg.norm(y) for y in b] for x in a],
        "dot": [[x @ y for y in b] for x in a],
        "euclidean": [[-np.linalg.norm(x - y) for y in b] for x in a],
        "manhattan": [[-np.abs(x - y).sum() for y in b] for x in a],
    }
    for name, values in expected.items():
        ours = SentenceTransformer(similarity_fn_name=name)
        found = ours.similarity(a, b)
        assert found.dtype == np.float32 and np.allclose(found, values, atol=1e-5)
        assert np.allclose(ours.similarity_pairwise(a[:4], b), np.diag(values), atol=1e-5)
        assert ours.similarity(a[0], b).shape == (1, 4) and ours.similarity(a[:0], b).shape == (0, 4)
    assert not np.isnan(SentenceTransformer().similarity(np.zeros(8), b)).any()
    with pytest.raises(ValueError, match="similarity_fn_name must be"):
        SentenceTransformer(similarity_fn_name="hamming")
    with pytest.raises(ValueError, match="one or two dimensions"):
        SentenceTransformer().similarity(np.zeros((1, 1, 1)), b)


@pytest.mark.parametrize("options, says", [({"precision": "int4"}, "precision must be"), ({"truncate_dim": 0}, "truncate_dim"),
                                           ({"truncate_dim": "8"}, "truncate_dim")])
def test_sentence_transformers_refuses_wrong_options(options, says):
    with pytest.raises((ValueError, TypeError), match=says):
        SentenceTransformer().encode("a", **options)


def test_a_bar_is_shown_where_it_is_asked_for(capfd):
    SentenceTransformer().encode(TEXTS, show_progress_bar=True)
    assert "100%" in capfd.readouterr().err
    SentenceTransformer().encode(TEXTS)
    assert capfd.readouterr().err == ""


# ---- fastText ----

FILES = sorted([*FASTTEXT.glob("*.bin"), *FASTTEXT.glob("*.ftz")])
SUPERVISED = [path for path in FILES if path.stem not in ("cbow", "skipgram")]


def lines_of(name):
    return (FASTTEXT / name).read_bytes().decode("utf-8", "ignore").split("\n")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_fasttext_gives_the_originals_bits(path):
    real, ours = real_fasttext.load_model(str(path)), fasttext.load_model(path)
    for word in lines_of("words.txt"):
        if word.split() == [word]:
            same(ours.get_word_vector(word), real.get_word_vector(word))
            assert ours.get_word_id(word) == real.get_word_id(word) and (word in ours) == (word in real)
    for line in lines_of("lines.txt"):
        same(ours.get_sentence_vector(line), real.get_sentence_vector(line))
    assert ours.get_words() == real.get_words() and ours.words == real.words
    assert ours.get_labels() == real.get_labels() and ours.labels == real.labels
    assert ours.get_dimension() == real.get_dimension() and ours.is_quantized() == real.is_quantized()
    same(ours["bread"], real["bread"])


@pytest.mark.parametrize("path", SUPERVISED, ids=lambda path: path.name)
def test_fasttext_predicts_what_the_original_predicts(path):
    real, ours = real_fasttext.load_model(str(path)), fasttext.load_model(path)
    lines = lines_of("lines.txt")
    for k, threshold in ((1, 0.0), (3, 0.0), (-1, 0.05), (2, 0.5), (-1, 0.0)):
        many, arrays = ours.predict(lines, k, threshold)
        for line, labels, probabilities in zip(lines, many, arrays):
            # Of its binding: its own predict of a str fails with numpy 2, that of a list gives all the first's numbers.
            expected = real.f.predict(line + "\n", k, threshold, "strict")
            assert probabilities.tolist() == [p for p, _ in expected] and probabilities.dtype == np.float32
            # Of equal ones any may come first, and at the end of k be left out.
            cut = expected[-1][0] if expected else 0
            assert {label for label, p in zip(labels, probabilities) if p > cut} == {label for p, label in expected if p > cut}
            one = ours.predict(line, k, threshold)
            assert one[0] == tuple(labels) and one[1].tolist() == probabilities.tolist()
    assert ours.get_label_id(ours.labels[2]) == real.get_label_id(ours.labels[2]) and ours.get_label_id("food") == -1


def test_fasttext_neighbours_are_the_originals():
    path = FASTTEXT / "skipgram.bin"
    real, ours = real_fasttext.load_model(str(path)), fasttext.load_model(path)
    for word in ("bread", "breadth"):
        expected, found = real.get_nearest_neighbors(word, 5), ours.get_nearest_neighbors(word, 5)
        assert [near for _, near in found] == [near for _, near in expected]
        assert np.allclose([score for score, _ in found], [score for score, _ in expected], atol=1e-5)


def test_fasttext_refuses_what_the_original_refuses():
    labels, words = fasttext.load_model(FASTTEXT / "softmax.bin"), fasttext.load_model(str(FASTTEXT / "cbow.bin"))
    with pytest.raises(ValueError, match="one line at a time"):
        labels.predict("a\nb")
    with pytest.raises(ValueError, match=r"text\[1\] has a line end"):
        labels.predict(["a", "a\nb"])
    with pytest.raises(ValueError, match="one line at a time"):
        labels.get_sentence_vector("a\n")
    for k in (0, -2, True, "1", 1.5):
        with pytest.raises(ValueError, match="k needs to be 1 or higher"):
            labels.predict("a", k)
    with pytest.raises(ValueError, match="needs to be supervised"):
        words.predict("a")
    with pytest.raises(ValueError, match="include_freq must be False"):
        words.get_words(include_freq=True)
    for word in ("", "a b", " a", "a\t"):
        with pytest.raises(ValueError, match="word must have characters"):
            words.get_word_vector(word)
    assert labels.predict([]) == ([], [])
    assert labels.predict("bread", threshold=2.0)[0] == ()
    assert words.get_labels() == words.get_words()
    assert fasttext.load_model(FASTTEXT / "softmax.bin", label="x:").labels[0].startswith("x:")


# ---- what is no text ----

@pytest.fixture(scope="module")
def faces():
    labels = fasttext.load_model(FASTTEXT / "softmax.bin")
    return {"model2vec": StaticModel.from_pretrained("builtin").encode, "sentence-transformers": SentenceTransformer().encode,
            "prompts": lambda texts: SentenceTransformer().encode(texts, prompt="a "), "fasttext": labels.predict,
            "tokenize": StaticModel.from_pretrained("builtin").tokenize, "transformer": EmbeddTransformer().fit([]).transform,
            "head": HeadClassifier(FASTTEXT / "softmax.bin").fit().predict}


@pytest.mark.parametrize("texts, error", [
    (None, (TypeError, ValueError)), (7, TypeError), (b"a", TypeError), (["a", None], (TypeError, ValueError)),
    (["a", 3], TypeError), (["a", b"b"], TypeError), (["a", "\ud800"], embedd.TextError), ({"a": 1}, TypeError)])
@pytest.mark.parametrize("name", ["model2vec", "sentence-transformers", "prompts", "fasttext", "tokenize", "transformer", "head"])
def test_what_is_no_text_is_refused(name, texts, error, faces):
    with pytest.raises(error):
        faces[name](texts)


# ---- scikit-learn ----

REVIEWS = ["great phone, love it", "bad battery, broke", "wonderful screen", "terrible, i hate it"] * 6
MOODS = np.array(["good", "bad", "good", "bad"] * 6)



# check_estimator itself runs one check of estimators that say they take texts: its data are tables of numbers. Those
# checks that need no data:
CHECKS = ["check_estimator_cloneable", "check_estimator_repr", "check_no_attributes_set_in_init", "check_set_params",
          "check_parameters_default_constructible", "check_get_params_invariance", "check_valid_tag_types",
          "check_mixin_order", "check_estimator_tags_renamed",
          "check_do_not_raise_errors_in_init_or_set_params"]


@pytest.mark.parametrize("estimator", [EmbeddTransformer(), EmbeddClassifier(), HeadClassifier(FASTTEXT / "softmax.bin")],
                         ids=lambda each: type(each).__name__)
def test_scikit_learns_own_checks_pass(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator_checks.check_estimator(estimator)
        for name in CHECKS:
            getattr(estimator_checks, name)(type(estimator).__name__, clone(estimator))


def test_the_transformer_has_the_models_bits(model):
    made = EmbeddTransformer(dimensions=64, normalize=True)
    for texts in (TEXTS, np.array(TEXTS), pd.Series(TEXTS), pa.array(TEXTS)):
        same(made.fit_transform(texts), model.encode(TEXTS, dimensions=64, normalize=True))
    assert list(made.get_feature_names_out())[:2] == ["embeddtransformer0", "embeddtransformer1"]
    assert len(made.get_feature_names_out()) == 64
    same(pickle.loads(pickle.dumps(made)).transform(TEXTS), made.transform(TEXTS))
    with pytest.raises(NotFittedError):
        clone(made).transform(TEXTS)
    with pytest.raises(ValueError, match="X is a str"):
        made.transform("a text")
    with pytest.raises(ValueError, match="dimensions"):
        EmbeddTransformer(dimensions=0).fit(TEXTS)
    assert made.set_output(transform="pandas").transform(TEXTS).shape == (100, 64)


def test_the_classifier_learns(model):
    made = EmbeddClassifier().fit(REVIEWS, MOODS)
    assert made.score(REVIEWS, MOODS) == 1 and list(made.classes_) == ["bad", "good"]
    assert made.predict_proba(REVIEWS).shape == (24, 2) and made.decision_function(REVIEWS).shape == (24,)
    assert np.array_equal(made.predict(REVIEWS), made.estimator_.predict(model.encode(REVIEWS)))
    other = EmbeddClassifier(estimator=LinearSVC()).fit(pd.Series(REVIEWS), MOODS)
    assert other.score(REVIEWS, MOODS) == 1
    assert np.array_equal(pickle.loads(pickle.dumps(made)).predict(REVIEWS), made.predict(REVIEWS))
    for texts, labels in ((REVIEWS, None), (REVIEWS[:3], MOODS), ([], [])):
        with pytest.raises(ValueError):
            EmbeddClassifier().fit(texts, labels)


def test_they_stand_in_pipelines_and_searches():
    pipeline = make_pipeline(EmbeddTransformer(), LinearSVC())
    search = GridSearchCV(pipeline, {"embeddtransformer__dimensions": [32, None], "linearsvc__C": [1, 10]}, cv=3)
    assert search.fit(REVIEWS, MOODS).best_score_ > 0.9
    columns = ColumnTransformer([("text", EmbeddTransformer(dimensions=16), "text")], remainder="passthrough")
    assert columns.fit_transform(pd.DataFrame({"text": REVIEWS, "n": range(24)})).shape == (24, 17)


def test_heads_are_classifiers(tmp_path):
    path = tmp_path / "reviews"
    subprocess.run([PROGRAM, "train", "--input", TOP / "examples/reviews/train.csv", "--output", path], check=True,
                   capture_output=True)
    made, answers = HeadClassifier(path).fit(), embedd.Model(path).classify(REVIEWS)
    assert list(made.classes_) == sorted(answers.names)
    for row, found in enumerate(made.predict_proba(REVIEWS)):
        assert dict(zip(made.classes_, map(float, found))) == answers.scores(row)
    assert list(made.predict(REVIEWS)) == [answers.names[first] for first in answers.labels[:, 0]]
    with pytest.raises(ValueError, match=r"X\[1\] is null"):
        made.predict(["a", None])
    with pytest.raises(ValueError, match="may have several"):
        HeadClassifier(FASTTEXT / "ova.bin").fit()
    with pytest.raises(LookupError):
        HeadClassifier("builtin").fit()


def test_other_libraries_are_not_asked_for():
    code = ("import sys\nfor name in ('sklearn', 'torch', 'tqdm', 'model2vec', 'fasttext', 'pandas', 'pyarrow'):\n"
            "    sys.modules[name] = None\n"
            "import embedd, embedd.fasttext, embedd.model2vec, embedd.sentence_transformers\n"
            "print(embedd.sentence_transformers.SentenceTransformer().encode(['a']).shape)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "(1, 256)\n", done.stderr
