# SPDX-License-Identifier: Apache-2.0
"""The tests and examples of model2vec, sentence-transformers and fastText, as in their own sdists (originals.txt), with
only the import changed; and the names of models, since nothing is fetched. What does not apply is named here with
the reason; a name that would pass, or is not there any more, fails."""
import ast
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import xml.etree.ElementTree
from pathlib import Path

import numpy as np
import pytest

import embedd
from embedd import fasttext

TOP = Path(__file__).resolve().parents[2]
SDISTS = TOP / "build/python/originals"
FASTTEXT = TOP / "tests/data/fasttext"


def source(name, *places):
    """The texts of files of a library's sdist, which is the pinned one."""
    line = next(line for line in (TOP / "tests/python/originals.txt").read_text().splitlines() if line.startswith(name + "=="))
    version, _, pinned = line.removeprefix(name + "==").partition(" --hash=sha256:")
    [path] = [path for path in SDISTS.iterdir() if path.name.replace("_", "-") == f"{name}-{version}.tar.gz"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == pinned
    with tarfile.open(path) as archive:
        top = archive.getnames()[0].split("/")[0]
        return [archive.extractfile(f"{top}/{place}").read().decode().replace("\r\n", "\n") for place in places]


def with_import(text, before, after):
    assert before in text, f"{before!r} is not there any more"
    return text.replace(before, after)


def outcomes(folder):
    """Name of a test to whether it passes with all its parameters."""
    report = folder / "report.xml"
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", folder],
                   cwd=folder, capture_output=True, timeout=300, env={**os.environ, "PYTHONPATH": str(folder)})
    found = {}
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        name = re.sub(r"(_\d+)?(\[.*)?$", "", case.get("name"))
        found[name] = found.get(name, True) and case.find("failure") is None and case.find("error") is None
    return found


def hold(found, does_not_apply, least):
    assert sorted(does_not_apply.keys() - found.keys()) == [], "not there any more"
    assert sorted(name for name, passed in found.items() if passed and name in does_not_apply) == [], "passes: it applies"
    assert sorted(name for name, passed in found.items() if not passed and name not in does_not_apply) == []
    assert sum(found.values()) >= least


# ---- model2vec ----

_TABLE = "looks at embedding, tokenizer or config, which stay in the file: embedd.Model.row has the rows"
_WRITES = "save_pretrained: embedd convert writes models"
_SEQUENCE = "encode_as_sequence is not there: embedd.Model.tokenize and row have its parts"
_QUANTIZES = "quantizes in memory: embedd convert does"
_LENGTH = "max_length is the file's"
MODEL2VEC_DOES_NOT_APPLY = {
    "test_initialization": _TABLE, "test_dim": _TABLE, "test_set_normalize": _TABLE,
    "test_encode_single_sentence_empty_float16": _TABLE, "test_save_pretrained": _WRITES, "test_load_pretrained": _WRITES,
    "test_load_pretrained_dim": _WRITES, "test_load_pretrained_quantized": _QUANTIZES,
    "test_load_pretrained_vocabulary_quantized": _QUANTIZES, "test_encode_int8_quantized": _QUANTIZES,
    "test_encode_as_sequence": _SEQUENCE, "test_encode_as_sequence_max_length": _SEQUENCE,
    "test_encode_as_sequence_multiprocessing": _SEQUENCE, "test_encode_as_tokens_empty": _SEQUENCE,
    "test_set_max_length": _LENGTH, "test_models_do_not_share_tokenizer": _LENGTH,
}


def test_model2vecs_own_tests_pass(tmp_path):
    tests, fixtures = source("model2vec", "tests/test_model.py", "tests/conftest.py")
    tests = with_import(tests, "\nfrom model2vec import StaticModel\n", "\nfrom embedd.model2vec import StaticModel")
    (tmp_path / "test_model.py").write_text(tests, encoding="utf-8")
    # Of their fixtures those without torch and transformers.
    wanted = ("_TOKENIZER_TYPES", "mock_tokenizer", "mock_vectors", "mock_config")
    named = {getattr(part, "name", None) or (isinstance(part, ast.Assign) and part.targets[0].id): part
             for part in ast.parse(fixtures).body}
    imports = ("from __future__ import annotations\nimport pytest\nimport numpy as np\nfrom tokenizers import Tokenizer\n"
               "from tokenizers.models import BPE, Unigram, WordPiece\nfrom tokenizers.pre_tokenizers import Whitespace\n")
    (tmp_path / "conftest.py").write_text(imports + "\n".join(ast.unparse(named[name]) for name in wanted), encoding="utf-8")
    hold(outcomes(tmp_path), MODEL2VEC_DOES_NOT_APPLY, 9)


# ---- fastText ----

_COUNTS = "asks for frequencies, which are not kept"
_LINE = "get_line is not there"
_SMALLER = "quantizes in memory: fastText's own program does"
FASTTEXT_DOES_NOT_APPLY = {
    "test_get_vector": _COUNTS, "test_vocab": _COUNTS, "test_subwords": _COUNTS, "test_subword_vector": _COUNTS,
    "test_supervised_get_words": _COUNTS, "test_unsupervised_get_words": _COUNTS, "test_supervised_get_labels": _COUNTS,
    "test_unsupervised_get_labels": _COUNTS, "test_multi_get_line": _LINE, "test_supervised_util_test": _LINE,
    "test_supervised_exercise_is_quant": _SMALLER, "test_unsupervised_exercise_is_quant": _SMALLER,
}

# Training is fastText's, what is made of it ours.
TRAINED = """
import fasttext as original
from embedd import fasttext
def by_us(train):
    def trained(**options):
        with tempfile.TemporaryDirectory() as folder:
            train(**options).save_model(folder + "/model.bin")
            return fasttext.load_model(folder + "/model.bin")
    return trained
train_supervised, train_unsupervised = by_us(original.train_supervised), by_us(original.train_unsupervised)
"""


def test_fasttexts_own_tests_pass(tmp_path):
    [tests] = source("fasttext-wheel", "python/fasttext_module/fasttext/tests/test_script.py")
    for line in ("from fasttext import train_supervised\n", "from fasttext import train_unsupervised\n",
                 "from fasttext import util\n", "from fasttext.tests.test_configurations import get_supervised_models\n"):
        tests = with_import(tests, line, "")
    tests = with_import(tests, "import fasttext\nimport os\n", "import os, tempfile\n" + TRAINED)
    (tmp_path / "test_script.py").write_text(tests + "\ngen_unit_tests()\n", encoding="utf-8")
    hold(outcomes(tmp_path), FASTTEXT_DOES_NOT_APPLY, 6)


# ---- examples in prose ----

def blocks(text, fence):
    return re.findall(rf"^```{fence}\n(.*?)^```", text, flags=re.M | re.S)


def test_model2vecs_examples_run():
    readme, card = source("model2vec", "README.md", "model2vec/modelcards/model_card_template.md")
    first = blocks(readme, "python")[0]
    applies, _, sequence = first.partition("# Make sequences of token embeddings")
    assert "encode_as_sequence" in sequence  # README.md: not there
    for text, name in ((applies, "minishlab/potion-base-32M"), (blocks(card, "python")[0], "{{ model_name }}")):
        text = with_import(text, "from model2vec import", "from embedd.model2vec import")
        names = {}
        exec(with_import(text, name, "builtin"), names)
        assert names["embeddings"].shape[1] == 256 and len(names["embeddings"]) in (1, 2)


def test_sentence_transformers_examples_run(capsys):
    readme, code = source("sentence-transformers", "README.md", "sentence_transformers/sentence_transformer/model.py")
    first = "".join(blocks(readme, "python")[:3])
    texts = [first]
    texts += [re.sub(r"^" + indent, "", text, flags=re.M) for indent, text in
              re.findall(r"Example:\n +::\n\n( +)(?=from sentence)(.*?)(?=\n +\"\"\")", code, flags=re.S)]
    assert len(texts) == 3
    for text in texts:
        text = with_import(text, "from sentence_transformers import", "from embedd.sentence_transformers import")
        text, replaced = re.subn(r"(?<=[\"'])sentence-transformers/[^\"']+", "builtin", text)
        assert replaced == 1
        names = {}
        exec(text, names)
        if "similarities" in names:
            assert names["embeddings"].shape == (3, 256)
            assert np.allclose(np.diag(names["similarities"]), 1, atol=1e-5)
    assert "(3, 256)" in capsys.readouterr().out


def test_fasttexts_examples_run(tmp_path, monkeypatch):
    """Of the README's, those that ask a model; training ones do not apply."""
    [readme] = source("fasttext-wheel", "python/README.md")
    asked = [text for text in blocks(readme, "py") if re.search(r"load_model|model\.(words|labels|predict)|model\[", text)]
    assert len(asked) == 8
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model_filename.bin").write_bytes((FASTTEXT / "softmax.bin").read_bytes())
    names = {"fasttext": fasttext, "model": fasttext.load_model(FASTTEXT / "softmax.bin")}
    for text in asked:
        exec(text, names)


def test_words_are_split_as_fasttext_splits_them():
    original = pytest.importorskip("fasttext")
    chance = np.random.default_rng(5)
    for _ in range(300):
        text = "".join(chance.choice(list("ab我 \n\r\t\v\f\u3000\u00a0"), size=12))
        assert fasttext.tokenize(text) == original.tokenize(text)


def test_a_model_is_made_of_arrays_and_says_what_is_wrong(tmp_path):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    from embedd.model2vec import StaticModel
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    vectors = np.array([[0, 0], [3, 4]], np.float32)
    assert StaticModel(vectors, tokenizer).encode("a").tolist() == [3, 4]
    assert np.allclose(StaticModel(vectors, tokenizer, normalize=True).encode("a"), [0.6, 0.8])
    for wrong in (vectors[:1], vectors[0], vectors.astype(np.int32), vectors.astype(str)):
        with pytest.raises(ValueError, match="vectors"):
            StaticModel(wrong, tokenizer)
    folder = Path(StaticModel(vectors, tokenizer)._folder.name)
    assert not folder.exists() and embedd.__version__
