# SPDX-License-Identifier: Apache-2.0
"""Files of words and vectors: .npy, word2vec, GloVe, fastText. What they say is what comes out; what is wrong is said."""

import json
import math
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tokenizers

from harness import PATIENCE_S, PROGRAM, SANITIZER, environment, write_model

pytestmark = pytest.mark.one_thread

FASTTEXT = Path(__file__).resolve().parents[1] / "data" / "fasttext"
WORDS = ["the", "cat", "中国", "中", "国", "爱", "don't", ",", "naïve", "hello"]
ROWS = np.random.default_rng(5).normal(size=(len(WORDS), 5)).astype("<f4")


def run(*arguments, text="", code=0):
    data = text if isinstance(text, bytes) else text.encode()
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=data, capture_output=True, env=environment(),
                          timeout=10 * PATIENCE_S)
    assert not SANITIZER.search(done.stderr.decode()), done.stderr.decode()
    assert done.returncode == code, done.stderr.decode()
    return done


def refused(path):
    sentence = run("inspect", path, code=1).stderr.decode()
    assert sentence.count("\n") == 1, sentence
    return sentence


def embedded(model, texts, *flags):
    found = run("embed", "--model", model, "--format", "f32", *flags, text="".join(text + "\n" for text in texts))
    return np.frombuffer(found.stdout, dtype="<f4").reshape(len(texts), -1)


def as_text(header):
    lines = [f"{len(WORDS)} {ROWS.shape[1]}"] if header else []
    lines += [word + " " + " ".join(repr(float(x)) for x in row) for word, row in zip(WORDS, ROWS)]
    return "".join(line + "\n" for line in lines).encode()


def as_binary(line_ends=True):
    data = f"{len(WORDS)} {ROWS.shape[1]}\n".encode()
    for word, row in zip(WORDS, ROWS):
        data += word.encode() + b" " + row.tobytes() + (b"\n" if line_ends else b"")
    return data


FORMS = {"word2vec.txt": as_text(True), "tabs.vec": as_text(True).replace(b" ", b" \t"), "crlf.vec": as_text(True).replace(b"\n", b" \r\n"), "glove.txt": as_text(False),
         "word2vec.bin": as_binary(), "gensim.bin": as_binary(False), "no-last-end.vec": as_text(True)[:-1]}


def safetensors_of(path):
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    return {name: np.frombuffer(data[start:], "<f4")[t["data_offsets"][0] // 4:t["data_offsets"][1] // 4].reshape(t["shape"])
            for name, t in header.items()}


def mean_of_units(words):
    rows = ROWS[[WORDS.index(word) for word in words]].astype("f8")
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).mean(axis=0)


@pytest.mark.parametrize("name", FORMS)
def test_words_have_their_rows_and_texts_the_mean_of_units(name, tmp_path):
    model = tmp_path / name
    model.write_bytes(FORMS[name])
    assert np.abs(embedded(model, WORDS, "--pooling", "sum") - ROWS).max() < 1e-6
    # Longest words of ideographs first; lower case, as no word has capitals; unknown words are left out.
    found = embedded(model, ["The cat,", "中国爱中", "HELLO stranger", "nobody"])
    wanted = [["the", "cat", ","], ["中国", "爱", "中"], ["hello"]]
    for row, words in zip(found, wanted):
        assert np.abs(row - mean_of_units(words)).max() < 1e-6
    assert not found[3].any()
    told = json.loads(run("inspect", model, "--format", "json").stdout)
    assert (told["pooling"], told["normalize"], told["vocab_size"], told["dim"]) == ("unit", False, len(WORDS), 5)
    assert told["name"] == name.rsplit(".", 1)[0]
    packed = tmp_path / "packed.safetensors"
    run("convert", "--input", model, "--output", packed)
    assert embedded(packed, ["The cat,"]).tobytes() == found[:1].tobytes()


WORD_LEVEL_TEXTS = ["the cat,", "中国 爱 naïve", "HELLO the stranger", "nobody"]


@pytest.mark.parametrize("ends", ["", "<unk>"])
def test_a_folder_of_word_vectors_is_the_same_here_and_means_of_rows_elsewhere(ends, tmp_path):
    data = as_text(False) + (f"{ends} 1 2 3 4 5\n".encode() if ends else b"")
    (tmp_path / "glove.txt").write_bytes(data)
    folder = tmp_path / "folder"
    run("convert", "--input", tmp_path / "glove.txt", "--output", folder, "--to", "folder")
    texts = WORD_LEVEL_TEXTS + ["Don't", "中国爱中", "the CAT"]
    wanted = embedded(tmp_path / "glove.txt", texts)
    assert embedded(folder, texts).tobytes() == wanted.tobytes()
    # What model2vec does with it: rows times weights, without the unknown token.
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    unknown = tokenizer.token_to_id(tokenizer.model.unk_token)
    assert tokenizer.get_vocab_size() == len(WORDS) + 1 and unknown == len(WORDS)
    tensors = safetensors_of(folder / "model.safetensors")
    assert tensors["embeddings"].shape[0] == len(tensors["weights"]) == len(WORDS) + 1
    for text, row in zip(WORD_LEVEL_TEXTS, wanted):
        ids = [i for i in tokenizer.encode(text).ids if i != unknown]
        rows = tensors["embeddings"][ids] * tensors["weights"][ids, None]
        assert np.abs((rows.mean(axis=0) if ids else 0) - row).max() < 1e-6
    # Means of rows as they are, of tokens that there are: what StaticEmbedding does with it.
    again = embedded(folder, ["the cat,"], "--pooling", "mean")
    assert np.abs(again[0] - ROWS[[0, 1, 7]].mean(axis=0)).max() < 1e-6
    run("convert", "--input", folder, "--output", tmp_path / "packed")
    assert embedded(tmp_path / "packed", texts).tobytes() == wanted.tobytes()
    # Once more, it is the same folder: what it was padded with is not padded.
    run("convert", "--input", folder, "--output", tmp_path / "again", "--to", "folder")
    for path in folder.iterdir():
        found = [(where / path.name).read_bytes() for where in (folder, tmp_path / "again")]
        if path.name == "config.json":  # keys in another order
            found = [json.loads(text) for text in found]
        assert found[0] == found[1], path.name


@pytest.mark.parametrize("dtype", ["f32", "f16", "i8", "i4"])
def test_a_packed_file_holds_the_lengths_of_its_rows(dtype, tmp_path):
    zero = b"zero 0 0 0 0 0\n"
    (tmp_path / "glove.txt").write_bytes(as_text(False) + zero)
    packed, folder = tmp_path / "packed", tmp_path / "folder"
    run("convert", "--input", tmp_path / "glove.txt", "--output", packed, "--dtype", dtype)
    data = bytearray(packed.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    begin, end = json.loads(data[8:start])["inverse_norms"]["data_offsets"]
    found = np.frombuffer(bytes(data[start + begin:start + end]), "<f4")
    rows = embedded(packed, WORDS, "--pooling", "sum").astype("f8")
    assert np.abs(found[:-1] - 1 / np.linalg.norm(rows, axis=1)).max() < 1e-6 and found[-1] == 0
    texts = ["the cat zero ,", "zero", "中国 hello"]
    vectors = embedded(packed, texts)
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert np.abs(vectors[0] - units[[0, 1, 7]].mean(axis=0)).max() < 1e-6 and not vectors[1].any()
    if dtype not in ("i8", "i4"):  # read from the rows there
        run("convert", "--input", packed, "--output", folder, "--to", "folder")
        assert embedded(folder, texts).tobytes() == vectors.tobytes()
    data[start + begin:start + begin + 4] = b"\x00\x00\xc0\x7f"
    packed.write_bytes(data)
    assert "not finite" in run("embed", "--model", packed, text="the\n", code=1).stderr.decode()


@pytest.mark.parametrize("lower", [False, True])
def test_words_of_several_scripts_are_found_in_running_text_whatever_the_form(lower, tmp_path):
    words = ["T恤", "卡拉OK", "5G手机", "QQ群", "C位", "手机", "我", "OK"]
    text = "我买了T恤，唱卡拉OK。5G手机里的QQ群ACT恤 C位OK\n"
    wanted = [0, 1, 2, 3, 4, 7]
    (tmp_path / "zh.vec").write_text(f"{len(words)} 2\n" + "".join(f"{word.lower() if lower else word} {i} 1\n" for i, word in enumerate(words)))
    run("convert", "--input", tmp_path / "zh.vec", "--output", tmp_path / "packed")
    run("convert", "--input", tmp_path / "packed", "--output", tmp_path / "folder", "--to", "folder")
    run("convert", "--input", tmp_path / "folder", "--output", tmp_path / "again", "--keep-top", 6)
    for name in ("zh.vec", "packed", "folder", "again"):
        found = [i for i in json.loads(run("tokenize", "--model", tmp_path / name, text=text).stdout)["ids"] if i is not None]
        assert found == [6] * (name != "again") + [i for i in wanted if i < 6 or name != "again"], name


def test_ideographs_of_a_dictionary_stand_alone_elsewhere_too(tmp_path):
    (tmp_path / "one.vec").write_text("3 2\n我 1 0\n爱 0 1\nrice 1 1\n")
    run("convert", "--input", tmp_path / "one.vec", "--output", tmp_path / "folder", "--to", "folder")
    tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "folder" / "tokenizer.json"))
    assert tokenizer.encode("我爱 Rice。你").ids == [0, 1, 2, 3, 3]


def test_words_with_an_ideograph_beside_something_else_are_not_parted_elsewhere(tmp_path):
    (tmp_path / "mixed.vec").write_text("3 2\nA股 1 0\n人々 0 1\n犬 1 1\n")
    run("convert", "--input", tmp_path / "mixed.vec", "--output", tmp_path / "folder", "--to", "folder")
    tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "folder" / "tokenizer.json"))
    assert tokenizer.encode("A股 人々, 犬").ids == [0, 1, 3, 2]


def test_a_row_too_short_to_have_a_length_counts_as_zero_everywhere(tmp_path):
    (tmp_path / "tiny.vec").write_text("2 3\ntiny 1e-40 0 0\ncat 3 0 4\n")
    wanted = embedded(tmp_path / "tiny.vec", ["tiny cat", "tiny"])
    assert np.abs(wanted - [[0.6, 0, 0.8], [0, 0, 0]]).max() < 1e-6
    for form in ("packed", "folder"):
        run("convert", "--input", tmp_path / "tiny.vec", "--output", tmp_path / form, "--to", form)
        assert embedded(tmp_path / form, ["tiny cat", "tiny"]).tobytes() == wanted.tobytes()


def test_a_first_word_with_a_byte_order_mark_stays_that(tmp_path):
    (tmp_path / "mark.vec").write_text("2 2\n\ufeffa 1 0\na 0 1\n")
    run("convert", "--input", tmp_path / "mark.vec", "--output", tmp_path / "folder", "--to", "folder")
    assert embedded(tmp_path / "folder", ["a", "\ufeffa"]).tobytes() == embedded(tmp_path / "mark.vec", ["a", "\ufeffa"]).tobytes()


def test_names_are_as_long_as_they_may_be_read_again(tmp_path):
    name = "我" * 73
    (tmp_path / (name + ".vec")).write_bytes(as_text(True))
    for form in ("packed", "folder"):
        run("convert", "--input", tmp_path / (name + ".vec"), "--output", tmp_path / form, "--to", form)
        assert json.loads(run("inspect", tmp_path / form, "--format", "json").stdout)["name"] == "我" * 66


def test_a_dictionary_that_holds_unk_stays_one(tmp_path):
    (tmp_path / "unk.vec").write_text("3 2\n[UNK] 1 0\nabc 0 1\nab 1 1\n")
    run("convert", "--input", tmp_path / "unk.vec", "--output", tmp_path / "folder", "--to", "folder")
    assert json.loads(run("inspect", tmp_path / "folder", "--format", "json").stdout)["tokenizer"] == "dictionary"
    assert embedded(tmp_path / "folder", ["abc d"]).tobytes() == embedded(tmp_path / "unk.vec", ["abc d"]).tobytes()


def test_what_lies_beside_a_file_is_of_other_models(tmp_path):
    (tmp_path / "table.vec").write_bytes(as_text(True))
    (tmp_path / "config.json").write_text('{"pooling": "max", "tensor": 5}')
    (tmp_path / "vocab.txt").write_text("other\n")
    told = json.loads(run("inspect", tmp_path / "table.vec", "--format", "json").stdout)
    assert (told["pooling"], told["vocab_size"]) == ("unit", len(WORDS))
    sentence = run("inspect", tmp_path, code=1).stderr.decode()
    assert "tensor must be a text" in sentence
    # Nor are they looked at where nobody needs them.
    run("convert", "--input", tmp_path / "table.vec", "--output", tmp_path / "packed.safetensors")
    for name in ("config.json", "vocab.txt", "tokenizer.json", "modules.json"):
        (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\n")
    for name in ("table.vec", "packed.safetensors"):
        run("inspect", tmp_path / name)


def test_words_of_glove_may_hold_spaces(tmp_path):
    (tmp_path / "spaces.txt").write_text("a 5 6\n. . . 1 2\nat name@domain.com 3 4\n")
    assert run("vocab", "--model", tmp_path / "spaces.txt").stdout.decode().splitlines() == [
        "0\ta", "1\t. . .", "2\tat name@domain.com"]


def test_of_equal_words_the_first_counts(tmp_path):
    (tmp_path / "twice.vec").write_text("3 1\na 1\nb 2\na 3\n")
    assert embedded(tmp_path / "twice.vec", ["a", "b"], "--pooling", "sum").ravel().tolist() == [1, 2]


@pytest.mark.parametrize("dtype", ["<f8", "<f4", "<f2", "|i1"])
def test_npy_beside_its_vocabulary(dtype, tmp_path):
    rows = (ROWS * 20).astype(dtype)
    np.save(tmp_path / "table.npy", rows)
    (tmp_path / "vocab.txt").write_text("".join(word + "\n" for word in WORDS), encoding="utf-8")
    found = embedded(tmp_path / "table.npy", WORDS, "--pooling", "sum")
    assert np.abs(found - rows.astype("<f4")).max() == 0


@pytest.mark.parametrize("name, data, why", [
    ("ragged.vec", b"2 2\na 1 2\nb 1\n", "line 3 has 1 number, not 2 as the first line says"),
    ("ragged.txt", b"a 1 2\nb 1 2\nc 1\n", "line 3 has 1 number, not 2 as the lines before"),
    ("letters.vec", b"2 2\na 1 2\nb 1 x2\n", "line 3: 'x2' is not a number"),
    ("nan.vec", b"1 2\na 1 nan\n", "line 2: column 2 is NaN"),
    ("huge.vec", b"1 1\na 1e99\n", "line 2: column 1 is NaN, Inf or too large"),
    ("cut.vec", b"3 1\na 1\nb 2", "says 3 words, but it holds 2; it is cut short"),
    ("lost-line-end.vec", b"3 2\na 1 2\nb 3 4c 5 6\nd 7\n", "line 4 has 1 number"),
    ("latin1.vec", b"1 1\n\xe9t\xe9 1\n", "line 2: the word is not UTF-8"),
    ("none.vec", b"0 5\nx", "no words"),
    ("wide.bin", b"2 4000000000\na 1", "at most"),
    ("cut.bin", as_binary()[:-3], "it ends within word 10 of 10"),
    ("longer.bin", as_binary() + b"xyz", "bytes follow its last word"),
    ("count.vec", b"2 2\na 1 2 3\nb 3 4 5\n", "line 2 has 3 numbers, not 2"),
    ("one-more.vec", b"2 2\na 1 2\nb -0.125 4 5\n", "line 3 has 3 numbers, not 2"),
    ("joined.vec", b"3 2\na 1 2\nb 3 0.4375 0.6875 0.5\nc 1 2\n", "line 3 has 4 numbers, not 2 as the first line says; it is damaged: copy the file again, or read the words before it (limit 1)"),
    ("phrases.txt", b"a 1 2\niphone 6 1 2\n", 'or if words end in numbers, write "WORDS 2" in a line before the first one'),
    ("empty.vec", b"1 2\n 1 2\n", "it holds no words"),
    ("latin1-more.vec", "3 1\nété 1\na 2\nœuf 3\n".encode("cp1252"), "line 2: the word is not UTF-8, like 2 of the 2 words that are not ASCII"),
    ("gbk.bin", b"2 1\n" + "今天".encode("gbk") + b" \0\0\0\0" + "我".encode("gbk") + b" \0\0\0\0", "word 1: the word is not UTF-8"),
    ("first-less.txt", b"a 1 2\nb 1 2 3\nc 1 2 3\n", "line 2 has 3 numbers, not 2"),
    ("hex.vec", b"1 2\na 1 0x10\n", "'0x10' is not a number"),
    ("many.vec", b"9223372036854775808 2\na 1 2\n", "at most"),
    ("more-than-many.vec", b"99999999999999999999 2\na 1 2\n", "its first line says '99999999999999999999 2'"),
    ("comma.vec", b"2 2\nhello 1,5 2,5\nthe 2 1\n", "line 2: '2,5' is not a number"),
    ("header.vec", b"3 4\n", "says 3 words, but it holds 0"),
    ("first.vec", b"2 3\na 1 2\nb 1 2 3\n", "line 2 has 2 numbers, not 3 as the first line says"),
    ("first-letters.vec", b"2 3\na 1 x2 3\nb 1 2 3\n", "line 2: 'x2' is not a number"),
    ("counts.txt", b"the 30\nof 20\n", "unknown table format"),
    ("notes.txt", b"Dear all,\nwe met at 10.\n", "unknown table format"),
    ("glove.txt.gz", b"\x1f\x8b\x08\x00", "it is compressed; unpack it with gunzip"),
    ("vectors.npz", b"PK\3\4" + bytes(30), "a zip archive"),
    ("model.safetensors", b"PK\3\4" + bytes(30), "a zip archive"),
    ("word2vec.model", b"\x80\4\x95" + bytes(30), "a Python pickle"),
    ("model.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "run git lfs pull"),
    ("model.safetensors", b"<!DOCTYPE html><html></html>", "a web page"),
    ("table.npy", b"\x93NUMPY\x01\x00", "is not a .npy file"),
    ("old.npy", b"\x93NUMPY\x09\x00\x10\x00" + b" " * 16, "a version other than"),
])
def test_what_is_wrong_is_said_with_its_line(name, data, why, tmp_path):
    (tmp_path / name).write_bytes(data)
    assert why in refused(tmp_path / name)


@pytest.mark.parametrize("name, data", [
    ("count.vec", b"2 2\na 1.125 2 3\nb 3 4 5\n"),
    ("header.vec", b"3 4\n"),
    ("cut.bin", b"2 2\nhello \0\0\x80\x3f"),
])
def test_a_limit_is_not_advised_where_the_first_word_is_bad(name, data, tmp_path):
    (tmp_path / name).write_bytes(data)
    sentence = refused(tmp_path / name)
    assert "copy " in sentence and "(limit" not in sentence


@pytest.mark.parametrize("encoding, mark", [("UTF-16LE", b""), ("UTF-16BE", b""), ("UTF-16", b"\xff\xfe")])
def test_utf_16_is_recognized_and_the_remedy_named(encoding, mark, tmp_path):
    (tmp_path / "wide.vec").write_bytes(mark + "2 2\nhello 1 2\nthe 2 1\n".encode("utf-16-be" if encoding == "UTF-16BE" else "utf-16-le"))
    assert f"this is {encoding}, not UTF-8; convert the file first, with iconv -f {encoding} -t UTF-8" in refused(tmp_path / "wide.vec")


def bits(*numbers):
    return np.array(numbers, "<f4").tobytes()


# Files as they are published: what they hold, what is said of them, and what is found in a text.
ODD = [
    ("tab.vec", b"3 2\nthe 1 2\n\t 3 4\nbye 5 6\n", ["the", "\t", "bye"], "1 word is empty or white space, which no text holds (line 3)"),
    ("first-tab.vec", b"2 2\n\t 3 4\nthe 1 2\n", ["\t", "the"], "(line 2)"),
    ("empty.vec", b"3 2\nhello 1 2\n 3 4\nbye 5 6\n", ["hello", "", "bye"], "(line 3)"),
    ("blank.txt", b"\t 3 4\n  1 2\n\xc2\xa0 5 6\n\xe3\x80\x80 7 8\nthe 1 2\n", ["\t", " ", "\u00a0", "\u3000", "the"],
     "4 words are empty or white space, which no text holds (the first: line 1)"),
    ("signs.vec", "5 1\nthe 5\na\u00a0 1\n\u200b 2\nx\u2028y 3\n\ufeff 4\n".encode(), ["the", "a\u00a0", "\u200b", "x\u2028y", "\ufeff"], ""),
    ("cut.txt", "3 2\n我 1 2\n".encode() + "长词".encode()[:-1] + " 3 4\n你 5 6\n".encode(), ["我", "长", "你"],
     "1 word is not UTF-8 and is read without the bytes that are not characters (line 3)"),
    ("cut.bin", "3 2\n我 ".encode() + bits(1, 2) + b"\n" + "长词".encode()[:-1] + b" " + bits(3, 4) + "\n你 ".encode() + bits(5, 6), ["我", "长", "你"], "(word 2)"),
    ("inside.txt", "3 1\n我 1\nna\udcefve 2\n你 3\n".encode(errors="surrogateescape"), ["我", "nave", "你"], "(line 3)"),
    ("latin1-one.txt", b"2 1\ncaf\xc3 1\nx 2\n", ["caf", "x"], "(line 2)"),
    ("whole-wins.txt", "3 1\n".encode() + "长词".encode()[:-1] + " 1\n长 2\n长 3\n".encode(), ["长"],
     "2 repeated words were left out (the first: line 3); 1 word is not UTF-8"),
    ("fewer.vec", b"3 2\nhello 1 2\nbye 5 6\n", ["hello", "bye"], "its first line says 3 words, but it holds 2"),
    ("more.vec", b"1 2\nhello 1 2\nbye 5 6\n", ["hello", "bye"], "its first line says 1 word, but it holds 2"),
    ("fewer.bin", b"3 1\nhello " + bits(1) + b"\nbye " + bits(2) + b"\n", ["hello", "bye"], "says 3 words, but it holds 2"),
    ("more.bin", b"1 1\n\nhello " + bits(1) + b"\n\nbye " + bits(2), ["hello", "bye"], "says 1 word, but it holds 2"),
    ("blank-end.vec", b"2 2\nhello 1 2\nbye 5 6\n\n", ["hello", "bye"], "1 line is empty (line 4)"),
    ("blank-middle.vec", b"2 1\nhello 1 \n \r\n\nbye 5\n", ["hello", "bye"], "2 lines are empty (the first: line 3)"),
    ("phrases.vec", b"4 2\nde 1 2\nR$ 000 3 4 \niphone 6 5 6\nweb 2.0 7 8\n", ["de", "R$ 000", "iphone 6", "web 2.0"], ""),
    ("one-phrase.vec", b"2 1\na 1\nb 2 3\n", ["a", "b 2"], ""),
    ("numbers.vec", b"2 1\n2008 1\n-1.5 3\n", ["2008", "-1.5"], ""),
    ("twice.vec", b"4 1\na 1\nb 2\na 3\na 4\n", ["a", "b"], "2 repeated words were left out (the first: line 4)"),
    ("marked.vec", b"\xef\xbb\xbf2 2\na 1 2\nb 3 4\n", ["a", "b"], ""),
    ("marked.txt", b"\xef\xbb\xbfa 1 2\nb 3 4\n", ["a", "b"], ""),
]


@pytest.mark.parametrize("name, data, words, said", ODD, ids=[odd[0] for odd in ODD])
def test_what_can_be_read_is_read_and_what_is_odd_is_said(name, data, words, said, tmp_path):
    model = tmp_path / name
    model.write_bytes(data)
    listed = run("vocab", "--model", model, "--format", "json")
    assert [json.loads(line)["token"] for line in listed.stdout.decode().split("\n")[:-1]] == words
    told = listed.stderr.decode()
    assert told.count("\n") == bool(said) and said in told and (not said or f"embedd: warning: {model}: " in told), told
    strict = run("inspect", model, "--strict", code=1 if said else 0).stderr.decode()
    assert said in strict and strict.count("\n") == bool(said) and ("open it without strict" in strict) == bool(said)
    # Each row is its word's, in every form.
    found = [word for word in words if word.strip() and " " not in word and "\u2028" not in word and "\u00a0" not in word]
    wanted = embedded(model, found, "--pooling", "sum")
    assert (wanted != 0).any(axis=1).all()
    for form in ("packed", "folder"):
        assert run("convert", "--input", model, "--output", tmp_path / form, "--to", form).stderr.decode() == told
        again = run("vocab", "--model", tmp_path / form, "--format", "json")
        assert again.stdout == listed.stdout and not again.stderr
        assert embedded(tmp_path / form, found, "--pooling", "sum").tobytes() == wanted.tobytes()


def test_a_whole_word_takes_the_row_of_one_that_was_mended(tmp_path):
    (tmp_path / "a.txt").write_bytes("3 1\n".encode() + "长词".encode()[:-1] + " 1\n长 2\n长 3\n".encode())
    (tmp_path / "b.txt").write_bytes("2 1\n长 2\n".encode() + "长词".encode()[:-1] + " 1\n".encode())
    for name in ("a.txt", "b.txt"):
        assert embedded(tmp_path / name, ["长"], "--pooling", "sum").ravel().tolist() == [2]


def said_when_opened(done):
    """Standard error without what is said of the texts in the end."""
    lines = done.stderr.decode().splitlines(True)
    return "".join(line for line in lines if "unknown to the model" not in line)


@pytest.mark.parametrize("name", ["word2vec.txt", "glove.txt", "word2vec.bin", "gensim.bin"])
def test_a_limit_reads_the_first_words_alone(name, tmp_path):
    model = tmp_path / name
    model.write_bytes(FORMS[name] + b"this is damage")
    for n in (1, 3, len(WORDS)):
        done = run("tokenize", "--model", model, "--limit", n, text="the cat 中国 hello\n")
        assert not said_when_opened(done)
        assert [i for i in json.loads(done.stdout)["ids"] if i is not None] == [i for i in (0, 1, 2, 9) if i < n]
    assert run("vocab", "--model", model, "--words", 2).stdout == b"0\tthe\n1\tcat\n"
    run("convert", "--input", model, "--limit", 4, "--output", tmp_path / "packed")
    assert json.loads(run("inspect", tmp_path / "packed", "--format", "json").stdout)["vocab_size"] == 4
    refused(model)
    assert "limit works only with a file of word vectors" in run("embed", "--limit", 3, code=2).stderr.decode()


def test_a_server_says_once_what_is_odd(start, tmp_path):
    (tmp_path / "t.vec").write_bytes(b"3 2\nhello 1 2\nbye 5 6\n")
    service = start("--model", str(tmp_path / "t.vec"))
    assert service.post("/embed", b'{"inputs": "hello"}').status == 200
    service.stop()
    assert service.stderr().count("its first line says 3 words, but it holds 2") == 1
    limited = start("--model", str(tmp_path / "t.vec"), "--limit", "1", "--strict")
    assert [t["id"] for t in limited.post("/tokenize", b'{"inputs": "hello bye"}').json()[0]] == [0, None]
    assert "first line" in run("serve", "--model", tmp_path / "t.vec", "--strict", "--listen", "127.0.0.1:0", code=1).stderr.decode()


HUNDRED = [f"influx{a}{b}" for a in "abcdefghij" for b in "klmnopqrst"]


@pytest.mark.parametrize("tokens, warns", [
    (["他", "我", "爱", "吃", "你", "饭"], False),
    (["IL-2", "TNF-alpha", "TCP/IP", "snake_case"], False),
    (["Straße", "привет", "مرحبا", "นี่", "日本語", "A00.1", "Q42"], False),
    (["[PAD]", "[UNK]", "hello", "##ing", "world"], False),
    (["[UNK]", "1", "!"], False),
    (["hello ,1", "world ,2"], True),
    (["[UNK]", "hello 31", "world 17", "我 9"], True),
    (["[UNK]", '"hello"', '"world"'], True),
    (["[UNK]", "▁hello", "▁world"], True),
    *[([around.format(word) for word in HUNDRED], True) for around in ('"{}"', "'{}'", "'{}',", "`{}`", "{},1999", '"{}",1999', '"{}","1999"', "{};0.52,7", "17,{}")],
    *[([around.format(word) for word in HUNDRED], False) for around in ("#{}", "{}++", "{}'s", "GO:{}", "{}-3", "{}.de", "3'{}")],
    ([f"/c/en/word{'abcdefghij'[i % 10]}{'klmnopqrst'[i // 10]}" for i in range(100)], True),
    ([f"word{'abcdefghij'[i % 10]}{'klmnopqrst'[i // 10]}_NOUN" for i in range(100)], True),
    ([f"part_{i}" for i in range(99)] + ["part"], False),
])
def test_a_vocabulary_that_knows_no_text_is_warned_of(tokens, warns, tmp_path):
    write_model(tmp_path, tokens)
    told = said_when_opened(run("embed", "--model", tmp_path, text="hello\n"))
    assert ("nearly every word will be unknown" in told) == warns == bool(told), told
    if warns:
        assert "nearly every word" in run("inspect", tmp_path, "--strict", code=1).stderr.decode()


CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


@pytest.mark.parametrize("name, text", [("vec-tab-word/crawl.vec", "the"), ("vec-empty-word/t.vec", "hello"), ("w2v-cut-utf8-word/t.bin", "我"), ("w2v-cut-utf8-word/t.txt", "我"),
                                        ("vec-header-one-off/t.vec", "hello"), ("vec-header-one-off/more.vec", "hello"), ("vec-header-one-off/blank-end.vec", "hello"),
                                        ("vec-phrase-ends-in-number/t.vec", "de")])
def test_files_that_people_have(name, text):
    if not (CASES / name).is_file():
        pytest.skip(f"{CASES / name} is not there")
    assert np.abs(embedded(CASES / name, [text])[0] - [0.4472136, 0.8944272]).max() < 1e-6


def test_npy_that_cannot_be_served_is_refused(tmp_path):
    (tmp_path / "vocab.txt").write_text("a\nb\n")
    for name, array, why in [("columns", np.asfortranarray(np.ones((2, 3), "<f4")), "column by column"),
                             ("big", np.ones((2, 3), ">f4"), "little-endian"), ("whole", np.ones((2, 3), "<i4"), "a type that is not supported"), ("one", np.ones(3, "<f4"), "two dimensions"),
                             ("rows", np.ones((3, 2), "<f4"), "2 tokens but the table 3 rows")]:
        np.save(tmp_path / f"{name}.npy", array)
        assert why in refused(tmp_path / f"{name}.npy")
    whole = (tmp_path / "rows.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(whole[:-1])
    assert "as many values as its shape" in refused(tmp_path / "cut.npy")


def test_text_cut_anywhere_is_refused_or_whole(tmp_path):
    for form in ("word2vec.txt", "word2vec.bin"):
        whole = FORMS[form]
        for cut in range(1, len(whole) - 1, 7):
            (tmp_path / "cut").write_bytes(whole[:cut])
            done = subprocess.run([PROGRAM, "inspect", tmp_path / "cut"], capture_output=True, env=environment())
            assert done.returncode in (0, 1) and not SANITIZER.search(done.stderr.decode())
            assert done.returncode == 1 or form.endswith(".txt"), (form, cut)


# ---- fastText ----

MODELS = sorted(path.name for path in FASTTEXT.glob("*") if path.suffix in (".bin", ".ftz"))


def printable_lines():
    """(number, text) of those that a file of lines can hold."""
    for number, line in enumerate((FASTTEXT / "lines.txt").read_bytes().split(b"\n")[:-1]):
        try:
            text = line.decode()
        except UnicodeDecodeError:
            continue
        if "\0" not in text and "\r" not in text:
            yield number, text


LINES = list(printable_lines())


def close(found, printed):
    """The program prints five digits, and probabilities six."""
    return math.isclose(found, float(printed), rel_tol=6e-5, abs_tol=2e-6)


@pytest.mark.parametrize("name", MODELS)
def test_fasttext_sentences_are_the_programs(name):
    printed = (FASTTEXT / name).with_suffix(".vectors").read_bytes().split(b"\n")
    found = embedded(FASTTEXT / name, [text for _, text in LINES])
    assert len(LINES) > 90
    for (number, text), row in zip(LINES, found):
        wanted = printed[number].split()[-len(row):]
        assert all(close(x, w) for x, w in zip(row, wanted)), (text, row, wanted)


@pytest.mark.parametrize("name", [name for name in MODELS if (FASTTEXT / name).with_suffix(".labels").exists()])
def test_fasttext_predictions_are_the_programs(name, start):
    printed = (FASTTEXT / name).with_suffix(".labels").read_text().split("\n")
    found = run("classify", "--model", FASTTEXT / name, text="".join(text + "\n" for _, text in LINES)).stdout
    for (number, text), answer in zip(LINES, found.decode().splitlines()):
        scores = json.loads(answer)["scores"]
        fields = printed[number].split(" ")
        best = [label for label in scores if close(scores[label], fields[1])]
        assert fields[0].removeprefix("__label__") in best and next(iter(scores)) in best, text
        for label, p in zip(fields[::2], fields[1::2]):
            assert close(scores[label.removeprefix("__label__")], p), text


def test_a_fasttext_model_is_served(start):
    service = start("--model", str(FASTTEXT / "softmax.bin"), "--openai-ids=model")
    number, text = LINES[0]
    wanted = run("classify", "--model", FASTTEXT / "softmax.bin", text=text + "\n").stdout
    reply = service.post("/v1/classify", json.dumps({"text": text}).encode()).json()["data"][0]
    assert reply["scores"] == json.loads(wanted)["scores"]
    vectors = [service.post("/v1/embeddings", json.dumps({"input": text}).encode()).json()["data"][0]["embedding"]]
    words = [token["text"] for token in service.post("/tokenize", json.dumps({"inputs": text}).encode()).json()[0]]
    assert words == text.split()
    tokens = json.dumps({"tokens": words}).encode()
    assert service.post("/v1/classify", tokens).json()["data"][0]["scores"] == reply["scores"]
    assert np.abs(np.array(vectors[0]) - embedded(FASTTEXT / "softmax.bin", [text])[0]).max() < 1e-6
    # Ids are the text of their words, with its end of line and n-grams of words.
    ids = [token["id"] for token in service.post("/tokenize", json.dumps({"inputs": text}).encode()).json()[0]]
    known = [(i, word) for i, word in zip(ids, words) if i is not None]
    by_ids = service.post("/v1/embeddings", json.dumps({"input": [i for i, _ in known]}).encode())
    line = " ".join(word for _, word in known)
    assert np.array(by_ids.json()["data"][0]["embedding"]).tolist() == service.post(
        "/v1/embeddings", json.dumps({"input": line}).encode()).json()["data"][0]["embedding"]
    asked = [service.post("/v1/classify", json.dumps(body).encode()).json()["data"][0]["scores"]
             for body in ({"ids": [i for i, _ in known]}, {"text": line})]
    assert len(known) > 1 and asked[0] == asked[1]
    explained = service.post("/v1/classify", json.dumps({"text": text, "explain": True}).encode())
    assert explained.status == 400 and "fastText" in explained.json()["error"]["message"]


@pytest.mark.parametrize("name", ["hs.bin", "skipgram.bin", "pruned.ftz"])
@pytest.mark.parametrize("side", ["right", "left"])
def test_a_cut_text_is_the_line_of_the_words_that_are_left(name, side, start):
    service = start("--model", str(FASTTEXT / name), "--max-input-tokens", "3", "--truncate", side)

    def vector(**body):
        reply = service.post("/v1/embeddings", json.dumps(body).encode())
        assert reply.status == 200, reply.body
        return reply.json()["data"][0]["embedding"], reply.headers.get("x-embedd-truncated")
    words = ["qwerty", "bread", "zxcvbn", "dinner", "uiopjk"]
    left = words[:3] if side == "right" else words[-3:]
    whole, cut = vector(input=" ".join(left)), vector(input="  " + "\t ".join(words) + " ")
    assert whole[0] == cut[0] and any(whole[0]) and cut[1] == "1" and not whole[1]
    if name == "hs.bin":
        asked = [service.post("/v1/classify", json.dumps(body).encode()).json()["data"][0]["scores"]
                 for body in ({"text": " ".join(left)}, {"text": " ".join(words)}, {"tokens": words})]
        assert asked[0] == asked[1] == asked[2]


@pytest.mark.parametrize("name", MODELS)
def test_of_a_fasttext_model_the_vectors_of_its_words_are_converted(name, tmp_path):
    known = [line.split("\t")[1] for line in run("vocab", "--model", FASTTEXT / name).stdout.decode().splitlines()]
    known = [word for word in known if word.isalpha()][:50]
    done = run("convert", "--input", FASTTEXT / name, "--output", tmp_path / "out")
    assert "only the vectors of fastText's words" in done.stdout.decode() and "--heads" not in done.stdout.decode()
    for form in ("packed", "folder"):
        run("convert", "--input", FASTTEXT / name, "--output", tmp_path / form, "--to", form)
        told = json.loads(run("inspect", tmp_path / form, "--format", "json").stdout)
        assert (told["tokenizer"], told["dtype"], told["normalize"], told["heads"]) == ("dictionary", "F32", False, [])
        # Each word is its row; a text of known words, its program's vector where that has no end of line.
        wanted = embedded(FASTTEXT / name, known, "--pooling", "sum")
        assert np.abs(embedded(tmp_path / form, known, "--pooling", "sum") - wanted).max() < 1e-6
        if told["pooling"] == "unit":
            lines = [" ".join(known[:10]), known[3]]
            assert np.abs(embedded(tmp_path / form, lines) - embedded(FASTTEXT / name, lines)).max() < 1e-6
    small = tmp_path / "small"
    run("convert", "--input", FASTTEXT / name, "--output", small, "--keep-top", 5, "--dtype", "i8", "--dim", "4", "--pca")
    assert json.loads(run("inspect", small, "--format", "json").stdout)["vocab_size"] in (5, 6)


def test_a_word_that_is_no_text_stays_in_its_own_file(tmp_path):
    whole = (FASTTEXT / "skipgram.bin").read_bytes()
    at = whole.index(b"noodles\0")
    (tmp_path / "bytes.bin").write_bytes(whole[:at] + b"\xff" + whole[at + 1:])
    done = run("convert", "--input", tmp_path / "bytes.bin", "--output", tmp_path / "out", code=1)
    assert "is not UTF-8, which only its own file can hold" in done.stderr.decode() and not (tmp_path / "out").exists()
