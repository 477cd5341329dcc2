# SPDX-License-Identifier: Apache-2.0
"""embedd vocab: the tokens of every kind of model, those that hold a text, and the neighbours that numpy finds."""

import json
import os
import re
import signal
import struct
import subprocess

import four_bits
import numpy as np
import pytest

from harness import BERT, PATIENCE_S, PROGRAM, SANITIZER, TOP, environment, write_model, write_table

pytestmark = pytest.mark.slow_under_tsan

GOLDEN = TOP / "tests" / "golden" / "static"
FASTTEXT = TOP / "tests" / "data" / "fasttext"
BUILTIN = TOP / "model" / "bundle" / "builtin" / "embedd-base-2"
FOLDERS = [BUILTIN, *sorted(path for path in GOLDEN.iterdir() if path.is_dir())]
NAMES = [folder.name for folder in FOLDERS]
FASTTEXT_MODELS = sorted(path for path in FASTTEXT.iterdir() if path.suffix in (".bin", ".ftz"))
NO_ESCAPE = re.compile(rb"\\(\\|n|t|u....)")


def run(*arguments, code=0, text="", **options):
    options.setdefault("stdout", subprocess.PIPE)
    done = subprocess.run([PROGRAM, *map(as_argument, arguments)], input=text.encode(), stderr=subprocess.PIPE,
                          env=environment(), timeout=10 * PATIENCE_S, **options)
    sentence = done.stderr.decode()
    assert not SANITIZER.search(sentence), sentence
    sentence = re.sub("^.* unknown to the model\n", "", sentence)
    assert done.returncode == code, sentence
    assert sentence.count("\n") == (code > 0), sentence
    return done.stdout if code == 0 else sentence


def as_argument(value):
    return value if isinstance(value, bytes) else str(value)


def model_flag(folder):
    """The built-in model is asked for as such."""
    return () if folder == BUILTIN else ("--model", folder)


def listed(*arguments):
    """[(id, token as bytes, special)] of the text form."""
    return [(int(id_), token, special) for id_, token, special, _ in read_text(run("vocab", *arguments))]


def near(*arguments):
    """[(id, token as bytes, similarity)] of the text form."""
    return [(int(id_), token, float(fields[0])) for id_, token, _, fields in read_text(run("vocab", *arguments))]


def read_text(data):
    for line in data.split(b"\n")[:-1]:
        id_, token, *fields = line.split(b"\t")
        special = fields[-1:] == [b"(special)"]
        token = NO_ESCAPE.sub(lambda m: json.loads(b'"' + m[0] + b'"').encode(), token)
        yield id_, token, special, fields


# ---- what numpy knows of a model ----

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I8": "|i1", "U8": "|u1", "I32": "<i4"}


def tensors(folder):
    data = (folder / "model.safetensors").read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    found = {}
    for name, about in header.items():
        if name != "__metadata__":
            begin, end = about["data_offsets"]
            found[name] = np.frombuffer(data[start + begin:start + end], DTYPES[about["dtype"]]).reshape(about["shape"])
    return found


def rows_of(folder):
    """The row of each token, in float64."""
    file = tensors(folder)
    rows = file.get("embeddings", file.get("embedding.weight"))
    if rows.dtype == np.uint8:
        rows = four_bits.values(rows, file["scales"])
    elif "scales" in file:
        rows = rows.astype("f8") * file["scales"].astype("f8")[:, None]
    rows = rows.astype("f8")
    if "mapping" in file:
        rows = rows[file["mapping"]]
    if "weights" in file and folder != BUILTIN:
        rows = rows * file["weights"].astype("f8")[:, None]
    return rows


def vocabulary(folder):
    """The tokens by id, and the ids of special and unknown ones."""
    told = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    known = told["model"]["vocab"]
    ids = known if isinstance(known, dict) else {token: i for i, (token, _) in enumerate(known)}
    ids = {**ids, **{token["content"]: token["id"] for token in told["added_tokens"]}}
    special = {token["id"] for token in told["added_tokens"] if token["special"]}
    unknown = {ids[told["model"]["unk_token"]]} & set(ids.values()) if told["model"].get("unk_token") in ids else set()
    if told["model"].get("unk_id") is not None:
        unknown.add(told["model"]["unk_id"])
    tokens = [token for token, _ in sorted(ids.items(), key=lambda item: item[1])]
    return tokens, special, unknown


def check_neighbours(found, rows, vector, left_out, limit):
    """What numpy finds, each similarity to 1e-5; of equal similarities the lower id first."""
    norms = np.linalg.norm(rows, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = rows @ vector / (norms * np.linalg.norm(vector))
    ids = np.arange(len(rows))
    candidates = ids[(norms > 0) & ~np.isin(ids, list(left_out))]
    wanted = candidates[np.argsort(-cosines[candidates], kind="stable")][:limit]
    ids = [id_ for id_, _, _ in found]
    assert len(ids) == len(wanted) == len(set(ids)) and np.isin(ids, candidates).all()
    similarities = np.array([similarity for _, _, similarity in found])
    assert np.abs(similarities - cosines[wanted]).max(initial=0) < 1e-5
    assert np.abs(similarities - cosines[ids]).max(initial=0) < 1e-5
    assert found == sorted(found, key=lambda one: (-np.float32(one[2]), one[0]))
    # Where no others are as near, they are the same ones.
    every = np.sort(cosines[candidates])
    n_near = np.searchsorted(every, cosines[wanted] + 1e-6) - np.searchsorted(every, cosines[wanted] - 1e-6, "right")
    assert np.array_equal(np.array(ids)[n_near == 1], wanted[n_near == 1])


# ---- lists ----


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_every_token_is_listed_with_its_id(folder):
    tokens, special, _ = vocabulary(folder)
    found = listed(*model_flag(folder))
    assert found == [(i, token.encode(), i in special) for i, token in enumerate(tokens)]
    objects = [json.loads(line) for line in run("vocab", *model_flag(folder), "--format", "json").splitlines()]
    assert objects == [{"id": i, "token": token, "special": i in special} for i, token in enumerate(tokens)]


def words_of_fasttext(path):
    """The words as the file has them."""
    data, at = path.read_bytes(), 8 + 12 * 4 + 8
    _, n_words, _, _, _ = struct.unpack_from("<iiiqq", data, at)
    at += 28
    for _ in range(n_words):
        end = data.index(b"\0", at)
        yield data[at:end]
        at = end + 10


@pytest.mark.parametrize("path", FASTTEXT_MODELS, ids=lambda path: path.name)
def test_words_of_fasttext_are_listed_byte_for_byte(path):
    words = list(words_of_fasttext(path))
    assert listed("--model", path) == [(i, word, False) for i, word in enumerate(words)]
    objects = [json.loads(line) for line in run("vocab", "--model", path, "--format=json").splitlines()]
    assert [one["token"] for one in objects] == [word.decode(errors="replace") for word in words]


def with_bytes_that_are_not_utf8(folder):
    """A fastText model with some letters of a word spoiled."""
    data = (FASTTEXT / "skipgram.bin").read_bytes()
    assert data.count(b"umbrella\0") == 1
    (folder / "odd.bin").write_bytes(data.replace(b"umbrella\0", b"u\xff\xfeRella\0"))
    return folder / "odd.bin"


def test_words_that_are_not_utf8(tmp_path):
    path = with_bytes_that_are_not_utf8(tmp_path)
    word = b"u\xff\xfeRella"
    id_ = list(words_of_fasttext(path)).index(word)
    assert listed("--model", path, "--search", word) == [(id_, word, False)]
    assert listed("--model", path, "--search", b"\xfere", "--ignore-case") == [(id_, word, False)]
    assert len(near("--model", path, "--nearest", word)) == 10
    found = json.loads(run("vocab", "--model", path, "--search", b"\xff", "--format", "json"))
    assert found == {"id": id_, "token": "u\ufffd\ufffdRella", "special": False}
    sentence = run("vocab", "--model", path, "--nearest", word, "--text", code=2)
    assert "--nearest is not UTF-8 at byte 2 (0xFF)" in sentence
    assert "has no token" in run("vocab", "--model", path, "--nearest", "umbrellq", code=1)


def test_a_part_of_the_list():
    whole = run("vocab").split(b"\n")
    assert run("vocab", "--from", "7", "--limit", "3").split(b"\n")[:-1] == whole[7:10]
    last = len(whole) - 2
    assert run("vocab", "--from", last, "--limit", "100") == whole[last] + b"\n"
    assert f"from 0 to {last}" in run("vocab", "--from", last + 1, code=2)


def test_a_token_stays_on_its_line(tmp_path):
    tokens = ["a", "tab\there", "back\\slash", "\\t", 'quo"te', "bell\a", "del\x7f", "line\nend", "wide"]
    tokenizer = {"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None,
                 "decoder": None, "model": {"type": "WordLevel", "vocab": {t: i for i, t in enumerate(tokens)},
                                            "unk_token": "a"}}
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))
    write_table(tmp_path, [1.0] * 2 * len(tokens))
    found = run("vocab", "--model", tmp_path)
    assert found.splitlines()[1:4] == [b"1\ttab\\there", b"2\tback\\\\slash", b"3\t\\\\t"]
    assert [token.decode() for _, token, _ in listed("--model", tmp_path)] == tokens
    objects = [json.loads(line) for line in run("vocab", "--model", tmp_path, "--format=json").splitlines()]
    assert [one["token"] for one in objects] == tokens
    # The first is the unknown token: it is a neighbour only when asked for.
    assert [id_ for id_, _, _ in near("--model", tmp_path, "--nearest", "wide")] == list(range(1, 8))
    assert [id_ for id_, _, _ in near("--model", tmp_path, "--nearest", "wide", "--special")] == list(range(8))


# ---- searches ----


@pytest.mark.parametrize("text", ["ing", "猫", "Cat", "CAT", "ß", "é", "", "zzzzzz", "#", "##A", "ſ"])
def test_tokens_that_hold_a_text(text):
    for folder in (BUILTIN, GOLDEN / "m2v_bpe", GOLDEN / "m2v_wordpiece", GOLDEN / "m2v_unigram"):
        tokens, _, _ = vocabulary(folder)
        ask = (*model_flag(folder), "--search", text)
        folded = text.casefold()
        for flags, holds in [((), lambda token: text in token),
                             (("--prefix",), lambda token: token.startswith(text)),
                             (("--ignore-case",), lambda token: folded in token.casefold()),
                             (("--ignore-case", "--prefix"), lambda token: token.casefold().startswith(folded))]:
            found = [id_ for id_, _, _ in listed(*ask, *flags)]
            assert found == [i for i, token in enumerate(tokens) if holds(token)], (folder.name, text, flags)


def test_case_is_folded_as_unicode_has_it(tmp_path):
    words = ["Straße", "STRASSE", "strand", "ΣΊΣΥΦΟΣ", "σίσυφος", "Éa", "éA", "ea"]
    folder = write_model(tmp_path, words)
    for sought in ["strasse", "Σίσυφος", "ÉA"]:
        found = [token.decode() for _, token, _ in listed("--model", folder, "--search", sought, "--ignore-case")]
        assert found == [word for word in words if sought.casefold() in word.casefold()] and len(found) == 2
    assert listed("--model", folder, "--search", "strasse") == []


def test_a_part_of_what_is_found():
    every = listed("--search", "cat")
    assert len(every) > 20 and listed("--search", "cat", "--limit", "3") == every[:3]
    assert listed("--search", "cat", "--limit", "2", "--from", every[3][0] + 1) == every[4:6]


# ---- neighbours ----


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_neighbours_are_those_that_numpy_finds(folder):
    tokens, special, unknown = vocabulary(folder)
    rows = rows_of(folder)
    n_asked = 0
    for id_ in range(0, len(tokens), len(tokens) // 12):
        if not rows[id_].any():
            continue
        for flags, left_out, limit in [((), special | unknown | {id_}, 10), (("--special", "--limit=23"), {id_}, 23)]:
            found = near(*model_flag(folder), f"--nearest={tokens[id_]}", *flags)
            assert [token.decode() for _, token, _ in found] == [tokens[one[0]] for one in found]
            check_neighbours(found, rows, rows[id_], left_out, limit)
        n_asked += 1
    assert n_asked >= 10


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_neighbours_of_a_text_are_those_of_its_vector(folder):
    _, special, unknown = vocabulary(folder)
    rows = rows_of(folder)
    for text in ["the cat sat on the mat", "the", "我爱吃饭"]:
        vector = run("embed", *model_flag(folder), "--format", "f32", text=text + "\n")
        vector = np.frombuffer(vector, "<f4").astype("f8")
        found = near(*model_flag(folder), "--nearest", text, "--text", "--limit", "7")
        check_neighbours(found, rows, vector, special | unknown, 7)


@pytest.mark.parametrize("name", ["m2v_mapping", "m2v_weights", "m2v_i8", "m2v_f64", "m2v_unigram"])
def test_a_packed_model_has_the_same_neighbours(name, tmp_path):
    run("convert", "--input", GOLDEN / name, "--output", tmp_path / "packed.safetensors")
    tokens, special, unknown = vocabulary(GOLDEN / name)
    rows = rows_of(GOLDEN / name)
    assert listed("--model", tmp_path / "packed.safetensors") == listed("--model", GOLDEN / name)
    for id_ in range(2, len(tokens), 9):
        if rows[id_].any():
            found = near("--model", tmp_path / "packed.safetensors", f"--nearest={tokens[id_]}")
            check_neighbours(found, rows, rows[id_], special | unknown | {id_}, 10)


def write_words(folder, kind, words, rows):
    path = folder / kind
    lines = [word + " " + " ".join(repr(float(x)) for x in row) for word, row in zip(words, rows)]
    head = f"{len(words)} {rows.shape[1]}\n"
    if kind == "table.npy":
        np.save(path, rows)
        (folder / "vocab.txt").write_text("".join(word + "\n" for word in words), encoding="utf-8")
    elif kind == "word2vec.bin":
        path.write_bytes(head.encode() + b"".join(w.encode() + b" " + r.tobytes() + b"\n" for w, r in zip(words, rows)))
    else:
        path.write_text((head if kind == "word2vec.txt" else "") + "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["table.npy", "word2vec.txt", "word2vec.bin", "glove.txt"])
def test_neighbours_in_files_of_word_vectors(kind, tmp_path):
    words = ["the", "cat", "中国", "zero", *(f"word{i}" for i in range(40))]
    rows = np.random.default_rng(3).normal(size=(len(words), 21)).astype("<f4")
    rows[3] = 0
    path = write_words(tmp_path, kind, words, rows)
    assert [token.decode() for _, token, _ in listed("--model", path)] == words
    for id_ in (0, 2, 11):
        found = near("--model", path, "--nearest", words[id_], "--limit", "100")
        check_neighbours(found, rows.astype("f8"), rows[id_].astype("f8"), {id_}, 100)
        assert len(found) == len(words) - 2
    assert "'zero' is zero or not finite" in run("vocab", "--model", path, "--nearest", "zero", code=1)
    assert "zero or not finite" in run("vocab", "--model", path, "--nearest", "nobody", "--text", code=1)


@pytest.mark.parametrize("path", FASTTEXT_MODELS, ids=lambda path: path.name)
def test_neighbours_of_fasttext_words(path):
    words = list(words_of_fasttext(path))
    known = [i for i, word in enumerate(words) if word != b"</s>"]
    # Summed, a line of one word is that word's vector: there is no end of line in it.
    lines = b"".join(words[i] + b"\n" for i in known).decode()
    vectors = run("embed", "--model", path, "--format=f32", "--pooling=sum", "--no-normalize", text=lines)
    vectors = np.frombuffer(vectors, "<f4").reshape(len(known), -1).astype("f8")
    rows = np.zeros((len(words), vectors.shape[1]))
    rows[known] = vectors
    for id_ in known[::len(known) // 8]:
        every = near("--model", path, "--nearest", words[id_], "--limit", len(words))
        found = [one for one in every if one[1] != b"</s>"]
        check_neighbours(found, rows, rows[id_], {id_}, len(words))
    # A word that the model does not know has a vector where it has n-grams.
    if path.name == "skipgram.bin":
        vector = np.frombuffer(run("embed", "--model", path, "--format=f32", text="breads\n"), "<f4").astype("f8")
        found = near("--model", path, "--nearest", "breads", "--text", "--limit", len(words))
        check_neighbours([one for one in found if one[1] != b"</s>"], rows, vector, set(), len(words))


def test_the_example_in_the_docs():
    page = (TOP / "docs" / "MODEL.md").read_text(encoding="utf-8")
    command, answer = re.search(r"^\$ embedd vocab (.*)\n((?:\d.*\n)+)", page, re.M).groups()
    assert run("vocab", *command.split()).decode() == answer


def test_special_tokens_zero_rows_and_ties(tmp_path):
    write_model(tmp_path, BERT)
    values = [[1, 1], [1, 1], [1, 1], [1, 1], [2, 2], [0, 0], [0, 3], [1, 1], [4, 4], [1, 0], [-1, -1], [3, 3], [1, 1],
              [1, 1]]
    write_table(tmp_path, [x for row in values for x in row])
    tokens = "[PAD] [UNK] [CLS] [SEP]".split()
    added = [{"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
              "special": True} for i, token in enumerate(tokens) if token != "[UNK]"]
    tokenizer = {"version": "1.0", "added_tokens": added, "normalizer": None, "pre_tokenizer": {"type": "Whitespace"},
                 "post_processor": None, "decoder": None,
                 "model": {"type": "WordLevel", "vocab": {t: i for i, t in enumerate(BERT)}, "unk_token": "[UNK]"}}
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))
    ask = ("--model", tmp_path, "--nearest", "the")
    assert [id_ for id_, _, _ in near(*ask, "--limit", "100")] == [7, 8, 11, 12, 13, 6, 9, 10]
    assert [id_ for id_, _, _ in near(*ask, "--limit", "3")] == [7, 8, 11]
    assert [id_ for id_, _, _ in near(*ask, "--special", "--limit", "6")] == [0, 1, 2, 3, 7, 8]
    assert [id_ for id_, _, _ in near(*ask, "--text", "--limit", "3")] == [4, 7, 8]
    assert run("vocab", *ask, "--special", "--limit=1") == b"0\t[PAD]\t1\t(special)\n"
    assert run("vocab", *ask, "--special", "--limit=2", "--format=json").splitlines() == [
        b'{"id":0,"token":"[PAD]","special":true,"similarity":1}',
        b'{"id":1,"token":"[UNK]","special":false,"similarity":1}']


def test_a_row_that_is_not_finite_is_no_neighbour(tmp_path):
    """Tables above 256 MB are not looked through when they are opened."""
    rows = np.lib.format.open_memmap(tmp_path / "table.npy", mode="w+", dtype="<f4", shape=(3, 23 << 20))
    rows[0, :2], rows[1, :2], rows[2, :2] = [1, 1], [np.nan, 1], [1, 0]
    rows.flush()
    (tmp_path / "vocab.txt").write_text("a\nb\nc\n")
    assert near("--model", tmp_path / "table.npy", "--nearest", "a") == [(2, b"c", pytest.approx(0.5 ** 0.5))]
    assert "zero or not finite" in run("vocab", "--model", tmp_path / "table.npy", "--nearest", "b", code=1)


def test_the_tensor_and_whose_numbers_may_be_chosen(tmp_path):
    found = near("--model", GOLDEN / "m2v_weights", "--nearest", "the", "--compat", "embedd", "--tensor", "embeddings")
    tokens, special, unknown = vocabulary(GOLDEN / "m2v_weights")
    rows = tensors(GOLDEN / "m2v_weights")["embeddings"].astype("f8")
    id_ = tokens.index("the")
    check_neighbours(found, rows, rows[id_], special | unknown | {id_}, 10)
    assert "is named 'none'" in run("vocab", "--model", GOLDEN / "m2v_weights", "--tensor", "none", code=1)


# ---- what is wrong ----


def test_an_unknown_token_names_the_nearest_one():
    assert "no token 'Berlin', did you mean 'berlin'?" in run("vocab", "--nearest", "Berlin", code=1)
    assert "no token 'kittenn', did you mean 'kitten'?" in run("vocab", "--nearest", "kittenn", code=1)
    sentence = run("vocab", "--nearest", "qqqqqqqqqqqqqqqqqqqq", code=1)
    assert "did you mean" not in sentence and "--text takes any text" in sentence
    assert "no token '" in run("vocab", "--nearest", "猫" * 300, code=1)
    assert "no token ''" in run("vocab", "--nearest=", code=1)
    assert "no token 'kitten mittens'" in run("vocab", "--nearest", "kitten mittens", code=1)


@pytest.mark.parametrize("flags, sentence", [
    (["--prefix"], "--prefix goes with --search TEXT"),
    (["--nearest", "cat", "--ignore-case"], "--ignore-case goes with --search TEXT"),
    (["--text"], "--text goes with --nearest TOKEN"),
    (["--search", "cat", "--special"], "--special goes with --nearest TOKEN"),
    (["--nearest", "cat", "--search", "cat"], "--nearest does not go with --search"),
    (["--nearest", "cat", "--from", "0"], "--nearest does not go with --from"),
    (["--limit", "0"], "--limit must be a whole number from 1"),
    (["--format", "npy"], "--format must be text or json, not 'npy'"),
    (["--serach", "cat"], "did you mean --search?"),
    (["cat"], "unexpected argument 'cat'"),
])
def test_wrong_use(flags, sentence):
    assert sentence in run("vocab", *flags, code=2)


def test_a_model_that_cannot_be_opened():
    assert "/no-such-model" in run("vocab", "--model", "/no-such-model", code=1)


@pytest.mark.parametrize("flags", [[], ["--nearest", "cat"]])
def test_output_that_cannot_be_written(flags):
    with open("/dev/full", "wb") as full:
        assert "cannot be written: No space left" in run("vocab", *flags, code=1, stdout=full)
    reader, writer = os.pipe()
    os.close(reader)
    assert run("vocab", *flags, code=-signal.SIGPIPE, stdout=writer) == ""
    os.close(writer)
