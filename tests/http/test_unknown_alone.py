# SPDX-License-Identifier: Apache-2.0
"""A WordPiece in which an unknown character costs itself alone, as the recipe of the built-in model makes them:
the library's ids, its limits, and the packed form."""

import json
import subprocess

import pytest

from harness import PATIENCE_S, PROGRAM, environment, write_table
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

WORDS = "[PAD] [UNK] 今天 天气 很好 朋友 面 味道 味 道 今 天 气 很 好 朋 友 去 和 電腦 电脑 電 电 腦 脑 π ≈ 😀 ❤".split()
WORDS += [*map(chr, range(0x61, 0x7B)), *"0123456789.,;:/?=&#_-+*(){}<>'\"", "abc", "123", "int", "return", "https", "example",
          "恤", "t恤", "speech", "part", "art", "offer", "machine learning", "art of", "of speech"]
WORDS = list(dict.fromkeys(WORDS))
PHRASES = [word for word in WORDS if " " in word]
TEXTS = [
    "今天和朋友去吃𰻞𰻞面味道很好", "𰻞", "𰻞𰻞", "龘今天龘", "ＡＢＣ１２３ abc123", "電腦电脑", "T恤，今天天气很好！", "Machine  learning, machine learning",
    "part of speech", "art of speech", "art offer", "the art of. art of", "😀👍🏽❤\ufe0f 1\ufe0f\u20e3 👨\u200d👩\u200d👧", "cafe\u0301 ½ ㎏ 한국어",
    "for (int i = 0; i < 123; i++) { return f(i); } // 今天", "https://example.org/a_b?c=d&e=1#f", "Привет 今天 مرحبا abc नमस्ते", "",
    " \t\u3000 ", "x" * 500, "今" * 500, "龘" * 500, "a龘" * 200, "\u0301", "味\u0301道",
]


def listed():
    known = {c for word in WORDS if word.isalnum() for c in word}
    return "[^" + "".join(sorted(known)) + "]"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unknown") / "alone"
    folder.mkdir()
    made = Tokenizer(models.WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]", continuing_subword_prefix="",
                                      max_input_chars_per_word=4_000_000_000))
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.BertNormalizer(True, False, True, True)])
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.BertPreTokenizer(),
                                                  pre_tokenizers.Split(Regex(listed()), "isolated")])
    made.add_tokens([AddedToken(phrase, single_word=True, normalized=True) for phrase in PHRASES])
    made.save(str(folder / "tokenizer.json"))
    write_table(folder, [1.0] * (2 * len(WORDS)))
    return folder, made


def run(*arguments, text=""):
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=text.encode(), capture_output=True, env=environment(),
                          timeout=10 * PATIENCE_S)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def tokenize(folder, texts):
    return [json.loads(line) for line in run("tokenize", "--model", folder, text="".join(t + "\n" for t in texts)).splitlines()]


def test_ids_are_the_librarys_packed_too(model, tmp_path):
    folder, reference = model
    run("convert", "--input", folder, "--output", tmp_path / "packed")
    wanted = [reference.encode(text) for text in TEXTS]
    for path in (folder, tmp_path / "packed"):
        for text, found, want in zip(TEXTS, tokenize(path, TEXTS), wanted, strict=True):
            assert found["ids"] == want.ids, text
            assert [tuple(span) for span in found["offsets"]] == want.offsets, text


def test_only_the_character_is_unknown(model):
    folder, _ = model
    (found,) = tokenize(folder, ["今天和朋友去吃𰻞𰻞面味道很好"])
    assert found["tokens"] == ["今天", "和", "朋友", "去", "[UNK]", "[UNK]", "[UNK]", "面", "味道", "很好"]
    assert found["offsets"][4:7] == [[6, 7], [7, 8], [8, 9]]


@pytest.mark.parametrize("text, tokens", [("面", 1), ("龘", 1), ("味道", 1), ("a龘", 2), ("今天", 1), ("ＡＢＣ", 1), ("art of ", 1)])
def test_a_million_times_the_same(model, text, tokens):
    """The library takes the square of a run's length."""
    folder, _ = model
    (found,) = tokenize(folder, [text * (1_000_000 // len(text))])
    assert len(found["ids"]) == 1_000_000 // len(text) * tokens and len(set(found["ids"])) == tokens
