# SPDX-License-Identifier: Apache-2.0
"""Tokens of ideographs, which a packed file holds beside the trie: the same ids and vectors in every form."""

import json

import numpy as np
import pytest
from test_convert import convert, embedded, header_of, refused, run

from harness import write_table

TOKENS = ["[UNK]", "中", "中国", "中国人民", "国", "人", "人民", "3d打印", "打印", "印", "t恤", "恤", "卡拉ok", "卡拉", "一々", "一一",
          "a", "b", "ok", "3", "d", "。", "龠龢"]
TEXTS = ["中国人民", "中国人民国", "中国人 中 国一", "3d打印 3d打 打印3d", "T恤ab恤t", "卡拉ok卡拉o卡拉", "一々一一々", "龠 龢 龠龢", "", "中〇国", "a中国b。人",
         "\U00020000中国"]
TABLE = "tokenizer.vocab.ideographs"


@pytest.fixture
def folder(tmp_path):
    model = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "", "max_input_chars_per_word": 100,
             "vocab": {token: id for id, token in enumerate(TOKENS)}}
    folder = tmp_path / "folder"
    folder.mkdir()
    write_table(folder, np.random.default_rng(1).normal(size=(len(TOKENS), 32)).astype("<f4").ravel(), 32)
    (folder / "tokenizer.json").write_text(json.dumps(
        {"normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": False, "strip_accents": True,
                        "lowercase": True}, "pre_tokenizer": {"type": "BertPreTokenizer"}, "model": model}))
    return folder


def ids(model, texts=TEXTS):
    found = run("tokenize", "--model", model, text="".join(text + "\n" for text in texts)).stdout
    return [json.loads(line)["ids"] for line in found.splitlines()]


def listed(model, *flags):
    return run("vocab", "--model", model, *flags).stdout.decode()


def cut(word):
    """The ids of a word by longest tokens, from TOKENS alone."""
    found = []
    while word:
        token = max((token for token in TOKENS if word.startswith(token)), key=len, default=None)
        if not token:
            return [0]
        found.append(TOKENS.index(token))
        word = word[len(token):]
    return found


def expected(text):
    return [id for word in text.lower().replace("。", " 。 ").split() for id in cut(word)]


def test_ids_are_the_same_in_every_form(folder, tmp_path):
    packed = convert(folder, tmp_path / "packed")
    header, _ = header_of(packed)
    assert header["__metadata__"]["embedd.format"] == "3" and header[TABLE]["dtype"] == "U64" and "shared" not in header
    assert header["tokenizer.vocab.starts"]["shape"] == [len(TOKENS) + 1] and "tokenizer.vocab.places" not in header
    back = convert(packed, tmp_path / "back", "--to", "folder")
    for model in (folder, packed, back, convert(packed, tmp_path / "again"), convert(back, tmp_path / "anew")):
        assert ids(model) == [expected(text) for text in TEXTS]
        assert ids(model, TOKENS[1:]) == [[id] for id in range(1, len(TOKENS))]
        assert listed(model) == listed(folder)
        assert embedded(model, texts=TEXTS).tobytes() == embedded(folder, texts=TEXTS).tobytes()
    vocab = [json.loads((place / "tokenizer.json").read_text())["model"]["vocab"] for place in (folder, back)]
    assert vocab[0] == vocab[1]


def test_tokens_are_found_by_their_text_in_every_form(folder, tmp_path):
    packed = convert(folder, tmp_path / "packed")
    for flags in (["--search", "国"], ["--search", "卡拉", "--prefix"], ["--nearest", "中国"], ["--nearest", "t恤"]):
        assert listed(packed, *flags) == listed(folder, *flags)
    assert "中国人" in refused("vocab", "--model", packed, "--nearest", "中国人")


def test_fewer_tokens_are_those_of_the_folder(folder, tmp_path):
    packed = convert(folder, tmp_path / "packed")
    for n in ("4", "8", "15"):
        kept = [convert(source, tmp_path / f"{source.name}.{n}", "--keep-top", n) for source in (folder, packed)]
        assert listed(kept[0]) == listed(kept[1]) and ids(kept[0]) == ids(kept[1])
        assert len(listed(kept[0]).splitlines()) == int(n)


def test_a_file_without_words_of_ideographs_keeps_its_version(folder, tmp_path):
    root = json.loads((folder / "tokenizer.json").read_text())
    root["model"]["vocab"] = {token if len(token) == 1 else f"[{id}]": id for id, token in enumerate(TOKENS)}
    root["model"]["unk_token"] = "[0]"
    (folder / "tokenizer.json").write_text(json.dumps(root))
    header, _ = header_of(convert(folder, tmp_path / "packed"))
    assert header["__metadata__"]["embedd.format"] == "1" and TABLE not in header


def test_what_is_damaged_gives_a_sentence(folder, tmp_path):
    packed = convert(folder, tmp_path / "packed")
    data = packed.read_bytes()
    packed.write_bytes(data.replace(TABLE.encode(), TABLE.replace("ideo", "idee").encode()))
    assert "convert the model again" in refused("inspect", packed)
    at = data.index(TABLE.encode())
    packed.write_bytes(data[:at] + data[at:].replace(b'"U64"', b'"I64"', 1))
    assert TABLE in refused("inspect", packed)
