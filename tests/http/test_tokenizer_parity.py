# SPDX-License-Identifier: Apache-2.0
"""Token ids and offsets of `embedd tokenize` equal the `tokenizers` library's on the same files.

Texts: generated ones with every kind of character Unicode has, always; and, where they are, the
lines of the data folder (EMBEDD_TEST_DATA, or ../shared/data beside the project).
"""

import functools
import json
import os
import random
import struct
import subprocess
import unicodedata
from pathlib import Path

import pytest
from tokenizers import (AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers,
                        processors, trainers)

from harness import PROGRAM, TOP, write_table

DATA = Path(os.environ.get("EMBEDD_TEST_DATA", TOP.parent / "shared" / "data"))
# A tokenizer.json of a pretrained model, where there is one.
PRETRAINED = Path(os.environ.get("EMBEDD_TEST_TOKENIZER", DATA / "tokenizer.json"))
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
DATA_LINES = 12000

ALL = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and chr(c) not in "\n\r"]


def ranges(*pairs):
    return [chr(c) for first, last in pairs for c in range(first, last + 1)]


POOLS = [
    list("abcdefgh ABCXYZ 0123"), list("the unaffable embeddings of words ".split(" ")),
    list(".,!?-()[]{}#@$%^&*~`|<>='\"_"), list(" \t\x00\x01\x0b\x0c\x7f\x85\u00a0\u2003\u3000\u2028"),
    ranges((0x4E00, 0x4E80), (0x3400, 0x3420), (0x20000, 0x20010), (0x2CEB0, 0x2CEC0), (0x30000, 0x30010),
           (0x31350, 0x31360), (0xF900, 0xFA20), (0x2F800, 0x2F820)),
    ranges((0xAC00, 0xAC40), (0x1100, 0x1112), (0x1161, 0x1175), (0x11A8, 0x11C2)),
    ranges((0x3041, 0x30FF), (0xFF01, 0xFF9F)), ranges((0x5D0, 0x5EA), (0x627, 0x652), (0xFB1D, 0xFB4E)),
    ranges((0x300, 0x36F), (0x20D0, 0x20F0)) + list("aeiou"),
    [c for c in ALL if unicodedata.category(c) == "Mc"] + list("aक\u0301\u0f71"),
    list("\u0344\u0f73\u0f75\u0f81\U0001D15E\U0001D15F\U0001D160\U0001D165\U0001D16E\U0001D1BB\u0345\u302e\u302f\u1b44"),
    list("\u200d\u200b\ufeff\u00ad\ufe0f\U0001F468\U0001F469\U0001F467\U0001F1E9\U0001F1EA\U0001F600☺"),
    list("İıßẞΣσςǅǄǆŒÅÅÇñéüﬁﬃΆΐǰŉ\u212a\u1e9e"), list("\ufffd\ue000\uf8ff\u0378\U000E0001\U0010FFFF\U000F0000"),
    SPECIAL + ["##", "##a", "[cls]"], ["я", "й", "ё", "Й", "ở", "Ữ", "ạ", "Đ", "đ", "ख़", "க்"],
]


@functools.cache
def nasty_texts(n):
    chance = random.Random(11)
    texts = []
    for _ in range(n):
        pools = [chance.choice(POOLS) for _ in range(chance.randint(1, 4))]
        texts.append("".join(chance.choice(chance.choice(pools))
                             for _ in range(chance.randint(0, 40))))
    # Long ones, so that they are read in pieces.
    texts += ["".join(texts[i:i + 400]) for i in range(0, n, 400)]
    return texts


def data_lines():
    if not DATA.is_dir():
        pytest.skip(f"no data folder at {DATA}; EMBEDD_TEST_DATA names another")
    lines = []
    for path in sorted(DATA.glob("*.[ct]sv")):
        # Read as bytes: Python's own lines end in places that are none for the program.
        lines += path.read_bytes().decode().replace("\r", " ").split("\n")
    chance = random.Random(5)
    return chance.sample(lines, min(DATA_LINES, len(lines)))


def bert(**on):
    parts = dict(clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
    return normalizers.BertNormalizer(**{**parts, **on})


def finished(tokenizer, normalizer, added=()):
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens([t for t in SPECIAL if tokenizer.token_to_id(t) is not None])
    tokenizer.add_tokens(list(added))
    if tokenizer.token_to_id("[CLS]") is not None:
        tokenizer.post_processor = processors.BertProcessing(
            ("[SEP]", tokenizer.token_to_id("[SEP]")), ("[CLS]", tokenizer.token_to_id("[CLS]")))
    return tokenizer


def trained(normalizer, added=(), prefix="##", **settings):
    """A WordPiece vocabulary of the nasty texts themselves, so that most of them is not unknown."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", continuing_subword_prefix=prefix))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(nasty_texts(3000), trainers.WordPieceTrainer(
        vocab_size=8000, min_frequency=1, limit_alphabet=4000, special_tokens=SPECIAL,
        continuing_subword_prefix=prefix, show_progress=False))
    vocab = {token: i for i, token in enumerate(sorted(tokenizer.get_vocab()))}
    model = models.WordPiece(vocab, unk_token="[UNK]", continuing_subword_prefix=prefix, **settings)
    return finished(Tokenizer(model), normalizer, added)


ADDED = [AddedToken("unaffable", normalized=True), AddedToken("[MASK]", lstrip=True, special=True),
         AddedToken("Words", single_word=True, rstrip=True, normalized=False),
         AddedToken("bé", normalized=True, single_word=True)]

KINDS = {
    "bert": lambda: trained(bert()),
    "cased": lambda: trained(bert(lowercase=False, strip_accents=False)),
    "accents_kept": lambda: trained(bert(strip_accents=False)),
    "accents_stripped_cased": lambda: trained(bert(strip_accents=True, lowercase=False)),
    "not_cleaned": lambda: trained(bert(clean_text=False)),
    "long_words_without_prefix": lambda: trained(
        bert(handle_chinese_chars=False, lowercase=False, strip_accents=False), prefix="",
        max_input_chars_per_word=4000),
    "short_words_only": lambda: trained(bert(), max_input_chars_per_word=4),
    "no_normalizer": lambda: trained(None),
    "added_tokens": lambda: trained(bert(), ADDED),
}


def write_model(folder, tokenizer):
    tokenizer.no_truncation()
    tokenizer.no_padding()
    (folder / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    write_table(folder, [0] * (2 * (tokenizer.get_vocab_size())))


def tokenize(folder, texts, *flags):
    run = subprocess.run([PROGRAM, "tokenize", "--model", str(folder), *flags, "-"],
                         input="".join(t + "\n" for t in texts).encode(), capture_output=True)
    assert run.returncode == 0, run.stderr.decode(errors="replace")[-2000:]
    lines = run.stdout.split(b"\n")
    assert lines.pop() == b"" and len(lines) == len(texts)
    return [json.loads(line) for line in lines]


def check(folder, tokenizer, texts, special=False):
    # A byte order mark at the start of the input is none of the first line's text.
    texts = ["first"] + [t for t in texts if "\n" not in t and not t.endswith("\r")]
    ours = tokenize(folder, texts, *(["--special"] if special else []))
    for text, one, want in zip(texts, ours,
                               tokenizer.encode_batch(texts, add_special_tokens=special)):
        assert one["ids"] == want.ids, text
        assert one["offsets"] == [list(pair) for pair in want.offsets], text


@pytest.mark.slow_under_tsan
@pytest.mark.parametrize("kind", KINDS)
def test_generated_texts_have_the_references_tokens(tmp_path, kind):
    tokenizer = KINDS[kind]()
    write_model(tmp_path, tokenizer)
    texts = nasty_texts(6000)
    check(tmp_path, tokenizer, texts)
    check(tmp_path, tokenizer, texts[:200], special=True)


@pytest.mark.slow_under_tsan
@pytest.mark.parametrize("strips", [True, False])
def test_every_code_point_is_treated_as_the_reference_does(tmp_path, strips):
    """Alone and inside a word, under a vocabulary that tells what became of it."""
    chance = random.Random(3)
    some = set(chance.sample(ALL, 60000)) | set(ALL[:0x3400])
    words = SPECIAL + sorted(some) + ["##" + c for c in sorted(some)]
    tokenizer = finished(Tokenizer(models.WordPiece(
        {w: i for i, w in enumerate(dict.fromkeys(words))}, unk_token="[UNK]")),
        bert(strip_accents=strips))
    write_model(tmp_path, tokenizer)
    places = ALL + ["a" + c + "b" for c in ALL]
    check(tmp_path, tokenizer, [" ".join(places[i:i + 64]) for i in range(0, len(places), 64)])


@pytest.mark.slow_under_tsan
def test_lines_of_data_have_the_references_tokens(tmp_path):
    lines = data_lines()
    path = DATA / "bert-base-chinese-vocab.txt"
    vocab = {token: i for i, token in enumerate(path.read_text(encoding="utf-8").split("\n")[:-1])}
    chars = ["[UNK]"] + sorted({c for line in lines[:6000] for c in line if c.strip()})
    pairs = [line[i:i + k] for line in lines[:2000] for i in range(0, len(line) - 4, 3)
             for k in (2, 3) if line[i:i + k].strip()]
    joined = {token: i for i, token in enumerate(dict.fromkeys(chars + pairs))}
    kinds = {
        "chinese": finished(Tokenizer(models.WordPiece(vocab, unk_token="[UNK]")), bert()),
        "cased": finished(Tokenizer(models.WordPiece(vocab, unk_token="[UNK]")),
                          bert(lowercase=False, strip_accents=False)),
        "joined": finished(Tokenizer(models.WordPiece(
            joined, unk_token="[UNK]", continuing_subword_prefix="",
            max_input_chars_per_word=4000)), bert(handle_chinese_chars=False)),
    }
    assert len(lines) >= 5000
    for name, tokenizer in kinds.items():
        folder = tmp_path / name
        folder.mkdir()
        write_model(folder, tokenizer)
        check(folder, tokenizer, lines)


@pytest.mark.slow_under_tsan
def test_a_vocabulary_of_lines_has_the_tokens_of_berts_defaults(tmp_path):
    path = DATA / "bert-base-chinese-vocab.txt"
    if not path.is_file():
        pytest.skip(f"no {path}; EMBEDD_TEST_DATA names another folder")
    (tmp_path / "vocab.txt").write_bytes(path.read_bytes())
    vocab = {token: i for i, token in enumerate(path.read_text(encoding="utf-8").split("\n")[:-1])}
    write_table(tmp_path, [0] * (2 * (len(vocab))))
    tokenizer = finished(Tokenizer(models.WordPiece(vocab, unk_token="[UNK]")), bert())
    check(tmp_path, tokenizer, nasty_texts(2000))
    check(tmp_path, tokenizer, nasty_texts(200), special=True)


@pytest.mark.slow_under_tsan
def test_a_pretrained_models_tokenizer_gives_the_references_tokens(tmp_path):
    if not PRETRAINED.is_file():
        pytest.skip(f"no tokenizer.json at {PRETRAINED}; EMBEDD_TEST_TOKENIZER names one")
    tokenizer = Tokenizer.from_file(str(PRETRAINED))
    # The file as it is: its truncation and padding are ignored by the program.
    (tmp_path / "tokenizer.json").write_bytes(PRETRAINED.read_bytes())
    write_table(tmp_path, [0] * (2 * (tokenizer.get_vocab_size())))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    check(tmp_path, tokenizer, nasty_texts(6000), special=True)
    if DATA.is_dir():
        check(tmp_path, tokenizer, data_lines())
