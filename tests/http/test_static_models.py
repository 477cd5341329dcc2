# SPDX-License-Identifier: Apache-2.0
"""Models as model2vec and sentence-transformers save them give the vectors of these libraries, served as they are,
packed, and converted to a folder again."""

import json
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tokenizers

from harness import PATIENCE_S, PROGRAM

pytestmark = pytest.mark.slow_under_tsan  # one thread

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "static"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
TEXTS = EXPECTED["texts"]
NAMES = sorted(EXPECTED["models"])


def run(*arguments, text=""):
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=text.encode(), capture_output=True,
                          timeout=10 * PATIENCE_S)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def embedded(model, *flags):
    found = run("embed", "--model", model, "--format", "f32", *flags, text="".join(text + "\n" for text in TEXTS))
    return np.frombuffer(found, dtype="<f4").reshape(len(TEXTS), -1)


def check(model, name, *flags, is_float32=False):
    wanted = np.array(EXPECTED["models"][name]["vectors"])
    found = embedded(model, *flags)
    # model2vec rounds to float16 what it makes of a float16 table.
    error = np.full(len(TEXTS), 1e-3 * np.abs(wanted).max() if name == "m2v_f16" else 1e-6)
    if name == "st_plain":  # bit for bit: the same sums, in the same order
        error[:] = 0
    if is_float32:
        # float32 sums of hundreds of rows differ from those of float64.
        error[[len(text) > 1500 for text in TEXTS]] = 3e-6
    worst = np.abs(found - wanted).max(axis=1)
    assert (worst <= error).all(), [(TEXTS[i][:40], worst[i]) for i in np.argsort(error - worst)[:3]]


@pytest.mark.parametrize("name", NAMES)
def test_vectors_are_those_of_the_library(name):
    check(GOLDEN / name, name)


@pytest.mark.parametrize("name", NAMES)
def test_packed_and_written_again_they_are_the_same(name, tmp_path):
    run("convert", "--input", GOLDEN / name, "--output", tmp_path / "packed.safetensors")
    is_float32 = name == "m2v_f64"  # as it is packed
    check(tmp_path / "packed.safetensors", name, is_float32=is_float32)
    run("convert", "--input", tmp_path / "packed.safetensors", "--output", tmp_path / "folder", "--to", "folder")
    check(tmp_path / "folder", name, is_float32=is_float32)


def inspected(model, *flags):
    return json.loads(run("inspect", model, "--format", "json", *flags))


def test_whose_numbers_they_are_is_told_and_may_be_chosen():
    told = inspected(GOLDEN / "m2v_unigram")
    assert (told["compat"], told["unknown"], told["max_length"]) == ("model2vec", "left out", 512)
    told = inspected(GOLDEN / "m2v_unigram", "--compat", "model2vec-0.8")
    assert (told["compat"], told["unknown"]) == ("model2vec-0.8", "kept")
    told = inspected(GOLDEN / "st_truncation")
    assert (told["compat"], told["unknown"], told["max_length"]) == ("sentence-transformers", "kept", 5)
    assert told["normalize"] and not inspected(GOLDEN / "st_plain")["normalize"]
    told = inspected(GOLDEN / "m2v_plain", "--compat", "embedd")
    assert (told["compat"], told["max_length"], told["max_characters"]) == ("embedd", 512, None)
    assert inspected(GOLDEN / "m2v_short")["max_length"] == 4
    # What Rust's library takes where config.json does not say.
    assert inspected(GOLDEN / "st_plain", "--compat", "model2vec-rs")["normalize"]


def test_unknown_tokens_of_unigram_counted_before_version_0_9():
    new, old = (embedded(GOLDEN / "m2v_unigram", "--compat", f"model2vec{version}") for version in ("", "-0.8"))
    differs = [text for text, a, b in zip(TEXTS, new, old) if np.abs(a - b).max() > 1e-6]
    assert "Xylophone ☃ zebra" in differs and "the the the the" not in differs


@pytest.mark.parametrize("name, change, why", [
    ("modules.json", [{"type": "models.StaticEmbedding"}, {"type": "models.Dense"}], "modules.json has the module 'Dense'"),
    ("modules.json", [{"type": "models.LayerNorm"}, {"type": "models.StaticEmbedding"}], "the module 'LayerNorm'"),
    ("config_sentence_transformers.json", {"truncate_dim": 2}, "cuts at truncate_dim 2"),
])
def test_what_else_the_library_would_do_is_not_left_out_in_silence(name, change, why, tmp_path):
    model = shutil.copytree(GOLDEN / "st_plain", tmp_path / "model")
    (model / name).write_text(json.dumps(change))
    assert why in refused(model) and "--compat embedd" in refused(model, "--compat", "sentence-transformers")
    assert inspected(model, "--compat", "embedd")["compat"] == "embedd"
    (model / name).write_text("[]" if isinstance(change, list) else '{"default_prompt_name": "query", "prompts": {"query": ""}}')
    inspected(model)


def cut_in_front(folder):
    """A model whose tokenizer.json leaves the last five tokens of a text."""
    shutil.copytree(GOLDEN / "st_truncation", folder)
    text = (folder / "tokenizer.json").read_text()
    (folder / "tokenizer.json").write_text(text.replace('"direction": "Right"', '"direction": "Left"'))
    return folder


def test_truncate_dim_of_all_columns_is_none(tmp_path):
    model = shutil.copytree(GOLDEN / "st_plain", tmp_path / "model")
    (model / "config_sentence_transformers.json").write_text('{"truncate_dim": 4096}')
    check(model, "st_plain")


def test_each_key_of_config_overrides_by_itself(tmp_path):
    left = cut_in_front(tmp_path / "left")
    keys = ("unknown", "max_length", "truncation_side", "max_characters")
    for source, said, wanted in [(left, {}, ("kept", 5, "left", None)), (left, {"max_length": 3}, ("kept", 3, "left", None)),
                                 (left, {"truncation_side": "right"}, ("kept", 5, "right", None)),
                                 (left, {"keep_unknown": False}, ("left out", 5, "left", None)),
                                 (GOLDEN / "m2v_plain", {"max_characters": None, "model_type": "model2vec"},
                                  ("left out", 512, "right", None))]:
        model = shutil.copytree(source, tmp_path / "model")
        (model / "config.json").write_text(json.dumps(said))
        run("convert", "--input", model, "--output", tmp_path / "packed", "--force")
        for where in (model, tmp_path / "packed"):
            told = inspected(where)
            assert tuple(told[key] for key in keys) == wanted, (said, where)
        shutil.rmtree(model)
    # What went with one library does not go with another: its numbers are those of the folder as it was.
    run("convert", "--input", left, "--output", tmp_path / "packed", "--force")
    told = [inspected(where, "--compat", "embedd") for where in (left, tmp_path / "packed")]
    assert told[0]["unknown"] == told[1]["unknown"] == "left out" and told[1]["truncation_side"] == "right"
    (left / "config.json").write_text('{"truncation_side": "up"}')
    assert "truncation_side must be" in refused(left)


def test_dropout_does_nothing(tmp_path):
    model = shutil.copytree(GOLDEN / "st_plain", tmp_path / "model")
    (model / "modules.json").write_text('[{"type": "StaticEmbedding"}, {"type": "models.Dropout"}]')
    check(model, "st_plain")


def test_texts_may_be_cut_in_front(tmp_path):
    model = cut_in_front(tmp_path / "model")
    tokenizer = tokenizers.Tokenizer.from_file(str(model / "tokenizer.json"))
    data = (model / "model.safetensors").read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    table = next(one for one in json.loads(data[8:start]).values() if "shape" in one)
    rows = np.frombuffer(data[start:], "<f4")[:table["shape"][0] * table["shape"][1]].reshape(table["shape"])
    cut = 0
    assert inspected(model)["truncation_side"] == "left" and inspected(GOLDEN / "st_plain")["truncation_side"] == "right"
    for where in (model, tmp_path / "packed", tmp_path / "folder"):
        if where != model:
            run("convert", "--input", model, "--output", where, "--to", where.name)
        for text, found in zip(TEXTS, embedded(where)):
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            cut += len(ids) == 5
            mean = rows[ids].mean(axis=0) if ids else np.zeros(rows.shape[1])
            assert np.abs(found - mean / max(np.linalg.norm(mean), 1e-12)).max() < 1e-6, text
    assert cut > 9
    for wrong, why in [('"max_length": "x"', "truncation.max_length"), ('"max_length": 0', "truncation.max_length"), ('"direction": "Up"', 'must be "Left" or "Right"')]:
        old = '"max_length": 5' if "max" in wrong else '"direction": "Left"'
        (model / "tokenizer.json").write_text((model / "tokenizer.json").read_text().replace(old, wrong, 1))
        assert why in refused(model)
        (model / "tokenizer.json").write_text((model / "tokenizer.json").read_text().replace(wrong, old, 1))


# ---- what a folder may look like ----


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json", "modules.json", "vocab.txt"])
def test_what_was_not_fetched_is_said(name, tmp_path):
    model = shutil.copytree(GOLDEN / "m2v_plain", tmp_path / "model")
    (model / name).write_text(POINTER)
    assert f"model/{name}: it is a Git LFS pointer" in refused(model)


def test_a_vocabulary_is_lower_cased_as_its_config_says(tmp_path):
    model = tmp_path / "cased"
    model.mkdir()
    words = ["[UNK]", "The", "the", "##s", "food", "London", "london", "é", "e"]
    (model / "vocab.txt").write_text("".join(word + "\n" for word in words))
    values = np.eye(len(words), dtype="<f4")
    write_tensors(model / "model.safetensors", {"embeddings": ([len(words)] * 2, values.tobytes())})

    def tokens():
        return json.loads(run("tokenize", "--model", model, text="The foods London é\n"))["tokens"]
    lower, cased = ["the", "food", "##s", "london", "e"], ["The", "food", "##s", "London", "é"]
    assert tokens() == lower
    for said, wanted in [('{"do_lower_case": false}', cased), ('{"do_lower_case": true}', lower), ("{}", lower)]:
        (model / "tokenizer_config.json").write_text(said)
        assert tokens() == wanted
    for said in ('{"do_lower_case": true, "strip_accents": false}', '{"tokenize_chinese_chars": false}'):
        (model / "tokenizer_config.json").write_text(said)
        assert "are supported only in a tokenizer.json" in refused(model)
    (model / "tokenizer_config.json").write_text('{"do_lower_case": false, "strip_accents": false}')
    assert tokens() == cased
    (model / "config.json").write_text('{"lowercase": true}')
    assert tokens() == lower
    (model / "config.json").unlink()
    for form in ("packed", "folder"):
        run("convert", "--input", model, "--output", tmp_path / form, "--to", form)
        model = tmp_path / form
        assert tokens() == cased


def test_a_dictionary_is_no_wordpiece_to_be_lower_cased(tmp_path):
    (tmp_path / "vocab.txt").write_text("the\nsoup\n")
    write_tensors(tmp_path / "model.safetensors", {"embeddings": ([2, 2], np.eye(2, dtype="<f4").tobytes())})
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    assert json.loads(run("tokenize", "--model", tmp_path, text="THE soup\n"))["ids"] == [None, 1]


def test_an_index_that_names_the_wrong_part_is_told(tmp_path):
    rows, shape = rows_and_header()
    model = checkpoint(tmp_path / "parts", {"a.safetensors": {"lm_head.weight": (shape, rows)},
                                            "b.safetensors": {"model.embed_tokens.weight": (shape, rows)}})
    (model / "model.safetensors.index.json").write_text('{"weight_map": {"model.embed_tokens.weight": "a.safetensors"}}')
    assert "is named 'model.embed_tokens.weight', as --tensor, config.json or the index" in refused(model)


def rows_and_header(name="m2v_plain"):
    data = (GOLDEN / name / "model.safetensors").read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    begin, end = header["embeddings"]["data_offsets"]
    return data[start + begin:start + end], header["embeddings"]["shape"]


def write_tensors(path, tensors):
    """tensors: name -> (shape, float32 bytes)."""
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def plain_vectors(model, *flags):
    return embedded(model, "--no-normalize", *flags)


def checkpoint(folder, files, index=None):
    folder.mkdir()
    shutil.copy(GOLDEN / "m2v_plain" / "tokenizer.json", folder)
    for name, tensors in files.items():
        write_tensors(folder / name, tensors)
    if index is not None:
        (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    return folder


def refused(model, *flags):
    done = subprocess.run([PROGRAM, "inspect", model, *flags], capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 1 and done.stderr.count(b"\n") == 1, done.stderr
    return done.stderr.decode()


def test_a_checkpoint_in_several_files(tmp_path):
    rows, shape = rows_and_header()
    wanted = plain_vectors(GOLDEN / "m2v_plain", "--compat", "embedd")
    name = "bert.embeddings.word_embeddings.weight"
    other = ([2, 2], bytes(16))
    files = {"model-1-of-2.safetensors": {"bert.encoder.layer.0.weight": other}, "model-2-of-2.safetensors": {name: (shape, rows)}}
    index = {"bert.encoder.layer.0.weight": "model-1-of-2.safetensors", name: "model-2-of-2.safetensors"}
    model = checkpoint(tmp_path / "sharded", files, index)
    # max_length of model2vec's config.json is not there.
    assert np.abs(plain_vectors(model)[:8] - wanted[:8]).max() < 1e-6
    for broken, why in [({name: "../elsewhere.safetensors"}, "must be the name of a file in the folder"),
                        ({"x.weight": "model-1-of-2.safetensors"}, "names no tensor that is an embedding table"),
                        ({name: "missing.safetensors"}, "missing.safetensors"), ([], "names no tensor")]:
        (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": broken}))
        assert why in refused(model)
    (model / "model.safetensors.index.json").write_text("{")
    assert "model.safetensors.index.json" in refused(model)


def test_the_part_of_a_checkpoint_is_the_one_with_the_tensor_that_is_named(tmp_path):
    rows, shape = rows_and_header()
    model = checkpoint(tmp_path / "parts", {"model-1.safetensors": {"weird": (shape, rows)},
                                            "model-2.safetensors": {"model.embed_tokens.weight": (shape, bytes(len(rows)))}})
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {
        "weird": "model-1.safetensors", "model.embed_tokens.weight": "model-2.safetensors"}}))
    assert not plain_vectors(model).any()
    wanted = plain_vectors(model, "--tensor", "weird")
    (model / "config.json").write_text('{"tensor": "weird"}')
    assert wanted.any() and plain_vectors(model).tobytes() == wanted.tobytes()
    assert "names no tensor other; name the table with --tensor" in refused(model, "--tensor", "other")


def test_a_table_is_named_where_it_cannot_be_told(tmp_path):
    rows, shape = rows_and_header()
    tensors = {"encoder.wte.weight": (shape, rows), "decoder.wte.weight": (shape, bytes(len(rows)))}
    model = checkpoint(tmp_path / "two", {"model.safetensors": tensors})
    assert "name it with --tensor: encoder.wte.weight, decoder.wte.weight" in refused(model)
    wanted = plain_vectors(GOLDEN / "m2v_plain", "--compat", "embedd")
    found = plain_vectors(model, "--tensor", "encoder.wte.weight")
    assert np.abs(found[:8] - wanted[:8]).max() < 1e-6
    assert not plain_vectors(model, "--tensor", "decoder.wte.weight").any()
    sentence = refused(model, "--tensor", "nothing")
    assert "none of its 2 tensors is named 'nothing'" in sentence and "encoder.wte.weight, " in sentence
    (model / "config.json").write_text('{"tensor": "encoder.wte.weight"}')
    assert plain_vectors(model).tobytes() == found.tobytes()
    assert not plain_vectors(model, "--tensor", "decoder.wte.weight").any()
    (model / "config.json").unlink()
    run("convert", "--input", model, "--output", tmp_path / "packed", "--tensor", "encoder.wte.weight")
    assert plain_vectors(tmp_path / "packed")[:8].tobytes() == found[:8].tobytes()


def test_weights_and_tokenizer_in_a_folder_of_their_own(tmp_path):
    model = tmp_path / "nested"
    shutil.copytree(GOLDEN / "st_normalize", model / "0_StaticEmbedding",
                    ignore=shutil.ignore_patterns("1_*", "modules.json", "config*"))
    shutil.copy(GOLDEN / "st_normalize" / "modules.json", model)
    check(model, "st_normalize")


def test_links_are_followed_but_not_for_ever(tmp_path):
    (tmp_path / "link").symlink_to(GOLDEN / "m2v_plain")
    assert embedded(tmp_path / "link").tobytes() == embedded(GOLDEN / "m2v_plain").tobytes()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "Too many levels of symbolic links" in refused(tmp_path / "loop")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").symlink_to(tmp_path / "model" / "model.safetensors")
    assert "Too many levels of symbolic links" in refused(tmp_path / "model")


def test_what_is_no_table_is_said(tmp_path):
    assert "is JSON, not a table" in refused(GOLDEN / "m2v_plain" / "tokenizer.json")
    (tmp_path / "pytorch_model.bin").write_bytes(b"PK\3\4")
    assert "pytorch_model.bin" in refused(tmp_path)
    (tmp_path / "a.vec").write_text("1 1\na 1\n")
    (tmp_path / "b.vec").write_text("1 1\nb 1\n")
    assert "2 files that might be the table" in refused(tmp_path)
    (tmp_path / "b.vec").unlink()
    assert json.loads(run("inspect", tmp_path, "--format", "json"))["format"] == "word2vec"
