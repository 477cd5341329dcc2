#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains small tokenizers that together use everything tokenizer.json has: build/parity/NAME.json.

    build/venv/bin/python tests/parity/make_tokenizers.py [FOLDER]

A model is trained once, with the pinned library; the parts around it are then written as a real
tokenizer.json of its family spells them. Names with a dash (pre-…, norm-…, dec-…) vary one part of
one model and are compared on fewer lines.
"""
import base64
import collections
import functools
import io
import json
import os
import random
import re
import struct
import sys
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import sentencepiece  # noqa: E402
import tokenizers  # noqa: E402
from tokenizers import Tokenizer, models, trainers  # noqa: E402
from tokenizers import normalizers as lib_normalizers  # noqa: E402
from tokenizers import pre_tokenizers as lib_pre_tokenizers  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))

import parts as p  # noqa: E402
from corpus import SENTENCES, TOP, training_lines  # noqa: E402
from parts import part, whole  # noqa: E402

VERSION = "0.23.1"
BERT_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BYTES = [f"<0x{b:02X}>" for b in range(256)]


# ---- models ----

def alphabet(limit, normalizer=None, stride=1):
    """The most frequent characters: chosen here, for the trainers break ties at random."""
    counts = collections.Counter()
    for line in training_lines()[::stride]:
        counts.update(normalizer.normalize_str(line) if normalizer else line)
    del counts[" "]
    return sorted(sorted(counts, key=lambda c: (-counts[c], c))[:limit])


def pieces_of(chars, prefix="", suffix=""):
    """The single characters inside and at the end of words: given ids in one order, for the trainers
    meet them at random."""
    forms = [prefix + "{}", "{}" + suffix, prefix + "{}" + suffix]
    return [form.format(c) for form in dict.fromkeys(forms) if form != "{}" for c in chars]


def trained(model, trainer, normalizer=None, pre_tokenizer=None, stride=1):
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.train_from_iterator(training_lines()[::stride], trainer)
    return json.loads(tokenizer.to_str())["model"]


@functools.cache
def word_piece_model(lowercase):
    normalizer = lib_normalizers.BertNormalizer(lowercase=lowercase, strip_accents=lowercase)
    chars = alphabet(500, normalizer)
    trainer = trainers.WordPieceTrainer(vocab_size=3000, initial_alphabet=chars, limit_alphabet=len(chars),
                                        special_tokens=BERT_TOKENS + pieces_of(chars, "##"),
                                        show_progress=False)
    return trained(models.WordPiece(unk_token="[UNK]"), trainer, normalizer,
                   lib_pre_tokenizers.BertPreTokenizer())


@functools.cache
def byte_level_model(vocab_size, *special):
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=list(special),
                                  initial_alphabet=lib_pre_tokenizers.ByteLevel.alphabet(),
                                  show_progress=False)
    return trained(models.BPE(), trainer, None, lib_pre_tokenizers.ByteLevel(False))


@functools.cache
def clip_model():
    chars = sorted(lib_pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=1500, initial_alphabet=chars, limit_alphabet=len(chars),
                                  special_tokens=["<|startoftext|>", "<|endoftext|>"] +
                                  pieces_of(chars, suffix="</w>"),
                                  end_of_word_suffix="</w>", show_progress=False)
    model = models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>")
    return trained(model, trainer, lib_normalizers.Lowercase(), lib_pre_tokenizers.ByteLevel(False))


@functools.cache
def sentence_bpe_model():
    """A vocabulary as that of Llama 2: <unk>, <s>, </s>, 256 bytes, then pieces."""
    chars = alphabet(600) + ["▁"]
    trainer = trainers.BpeTrainer(vocab_size=2500, special_tokens=["<unk>", "<s>", "</s>"] + BYTES,
                                  initial_alphabet=chars, limit_alphabet=len(chars), show_progress=False)
    model = models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    return trained(model, trainer, None, lib_pre_tokenizers.Metaspace())


@functools.cache
def char_bpe_model(prefix=None, suffix=None, fuse_unk=False):
    settings = {}
    if prefix:
        settings["continuing_subword_prefix"] = prefix
    if suffix:
        settings["end_of_word_suffix"] = suffix
    chars = alphabet(250, lib_normalizers.Lowercase(), 2)
    trainer = trainers.BpeTrainer(vocab_size=1500, initial_alphabet=chars, limit_alphabet=len(chars),
                                  special_tokens=["<unk>", "<pad>"] + pieces_of(chars, prefix or "", suffix or ""),
                                  show_progress=False, **settings)
    model = models.BPE(unk_token="<unk>", fuse_unk=fuse_unk, **settings)
    return trained(model, trainer, lib_normalizers.Lowercase(), lib_pre_tokenizers.BertPreTokenizer(), 2)


@functools.cache
def word_level_model():
    trainer = trainers.WordLevelTrainer(vocab_size=3000, special_tokens=BERT_TOKENS, show_progress=False)
    return trained(models.WordLevel(unk_token="[UNK]"), trainer, lib_normalizers.Lowercase(),
                   lib_pre_tokenizers.Whitespace())


def fields(data):
    """The fields of a protocol buffer: (number, value), in order."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        number, wire = divmod(varint(), 8)
        if wire == 0:
            yield number, varint()
        else:
            size = varint() if wire == 2 else {1: 8, 5: 4}[wire]
            yield number, data[at:at + size]
            at += size


@functools.cache
def sentence_piece(rule, byte_fallback=False, vocab_size=2000):
    """Unigram pieces with scores, and the map of characters of the normalization `rule`."""
    out = io.BytesIO()
    lines = [line for line in training_lines() if line.strip()][::3]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=out, vocab_size=vocab_size, model_type="unigram",
        normalization_rule_name=rule, byte_fallback=byte_fallback, num_threads=1,
        character_coverage=0.995, minloglevel=2, hard_vocab_limit=False)
    pieces, charsmap = [], b""
    for number, value in fields(out.getvalue()):
        if number == 1:
            piece = dict(fields(value))
            pieces.append([piece[1].decode(), struct.unpack("<f", piece.get(2, bytes(4)))[0]])
        if number == 3:
            charsmap = dict(fields(value))[2]
    return pieces, base64.b64encode(charsmap).decode()


def precompiled(rule):
    return part("Precompiled", precompiled_charsmap=sentence_piece(rule)[1])


def unigram(pieces, byte_fallback=False, unk_id=0):
    return {"type": "Unigram", "unk_id": unk_id, "vocab": pieces, "byte_fallback": byte_fallback}


# ---- what the vocabulary of a model is, and what is added ----

def vocab_of(model):
    if model["type"] == "Unigram":
        return {piece: i for i, (piece, _) in enumerate(model["vocab"])}
    return model["vocab"]


def with_settings(model, **settings):
    return {**model, **settings}


def spelled(model):
    """The merges as older files have them: one string each."""
    return {**model, "merges": [" ".join(pair) for pair in model["merges"]]}


def specials(model, *contents, **flags):
    vocab = vocab_of(model)
    return [p.added(vocab[content], content, **flags) for content in contents]


def more(model, *tokens):
    """Tokens, beyond the vocabulary where it has none of that text: (content, flags)."""
    vocab = vocab_of(model)
    free = max(vocab.values()) + 1
    found = []
    for content, flags in tokens:
        found.append(p.added(vocab.get(content, free), content, **flags))
        free += content not in vocab
    return found


FLAGGED = [
    ("<mask>", dict(lstrip=True)),
    ("unaffable", dict(normalized=True, single_word=True, special=False)),
    ("Words", dict(single_word=True, rstrip=True, special=False)),
    ("bé", dict(normalized=True, special=False)),
    ("<both>", dict(lstrip=True, rstrip=True, normalized=True)),
    ("<|im_start|>", dict()),
    ("我们", dict(normalized=True, lstrip=True, special=False)),
    ("ING", dict(normalized=True, rstrip=True, single_word=True, special=False)),
    ("<|im_start|>user", dict(special=False)),
    ("  ", dict(special=False)),
]


# ---- families ----

def bert_uncased():
    model = word_piece_model(True)
    return whole(model, p.bert_normalizer(), part("BertPreTokenizer"),
                 p.template(vocab_of(model), "[CLS]", "$A", "[SEP]"), p.word_piece_decoder(),
                 specials(model, *BERT_TOKENS))


def bert_cased():
    model = word_piece_model(False)
    return whole(model, p.bert_normalizer(lowercase=False, strip_accents=False), part("BertPreTokenizer"),
                 p.bert_processing(vocab_of(model)), p.word_piece_decoder(cleanup=False),
                 specials(model, *BERT_TOKENS))


def bert_accents_kept():
    model = word_piece_model(True)
    return whole(model, p.bert_normalizer(strip_accents=False, clean_text=False), part("BertPreTokenizer"),
                 p.bert_processing(vocab_of(model)), p.word_piece_decoder(),
                 specials(model, *BERT_TOKENS[:4]) + specials(model, "[MASK]", lstrip=True))


def bert_accents_stripped():
    model = word_piece_model(False)
    return whole(model, p.bert_normalizer(lowercase=False, strip_accents=True, chinese=False),
                 part("BertPreTokenizer"), p.bert_processing(vocab_of(model)), p.word_piece_decoder(),
                 specials(model, *BERT_TOKENS) + more(model, *FLAGGED))


def distilbert():
    model = with_settings(word_piece_model(True), max_input_chars_per_word=12)
    return whole(model, p.bert_normalizer(), part("BertPreTokenizer"),
                 p.template(vocab_of(model), "[CLS]", "$A", "[SEP]"), p.word_piece_decoder(),
                 specials(model, *BERT_TOKENS) + more(model, *FLAGGED))


def word_piece_plain():
    model = word_piece_model(False)
    vocab = {}
    for token in sorted(model["vocab"], key=model["vocab"].get):
        vocab.setdefault(token.removeprefix("##"), len(vocab))
    model = with_settings(model, continuing_subword_prefix="", vocab=vocab)
    return whole(model, None, part("Whitespace"), None, None, specials(model, "[UNK]", "[MASK]"))


def listed_only(vocab, more=""):
    """The pattern of all characters but those of which tokens of several are made, and `more`."""
    codes = sorted({ord(c) for token in vocab if len(token) > 1 and token.isalnum() for c in token} |
                   set(map(ord, more)))
    return "[^" + "".join(chr(c) if c - 1 not in codes else "-" + chr(c) if c + 1 not in codes else ""
                          for c in codes) + "]"


def phrases_of(lines, n):
    """Words side by side, and halves of words: matches that are no words hide others."""
    pairs = {}
    for line in lines:
        words = line.lower().split(" ")
        for left, right in zip(words, words[1:]):
            if (left + right).isalnum() and (left + right).isascii() and min(len(left), len(right)) > 3:
                pairs[f"{left} {right}"] = None
                pairs[f"{left[1:]} {right}"] = None
    return [pair for pair in pairs if pair[0] != " "][:n]


def word_piece_phrases(more_listed=""):
    """Each unknown character by itself, full width as half, phrases as added tokens."""
    vocab = {}
    for token in word_piece_plain()["model"]["vocab"]:
        if len(token) == 1 or (token.isalnum() and token.islower()) or token in BERT_TOKENS:
            vocab.setdefault(token, len(vocab))
    for token in list(vocab):
        for c in token if token.isalnum() else ():
            vocab.setdefault(c, len(vocab))
    model = with_settings(word_piece_model(True), continuing_subword_prefix="", vocab=vocab,
                          max_input_chars_per_word=4_000_000_000)
    flags = dict(single_word=True, normalized=True, special=False)
    return whole(model, p.normalizers(part("NFKC"), p.bert_normalizer(chinese=False)),
                 p.pre_tokenizers(part("BertPreTokenizer"),
                                  part("Split", pattern={"Regex": listed_only(vocab, more_listed)},
                                       behavior="Isolated", invert=False)),
                 None, None, more(model, *((phrase, flags) for phrase in phrases_of(training_lines(), 300))))


def word_piece_phrases_unlisted():
    """With a character listed that is no token: words that hold it are unknown as wholes."""
    return word_piece_phrases("\u03e3")


def word_piece_ideographs():
    """Words of many ideographs, cut into tokens of several; some go on with kana or letters, and some characters are in none."""
    words = sorted({word for line in training_lines() for word in re.findall(r"\w*[\u4e00-\u9fff]\w*", line.lower())})
    chance, tokens = random.Random(1), dict.fromkeys(BERT_TOKENS)
    for word in words:
        tokens.update(dict.fromkeys(c for c in word if ord(c) % 13))
        for start in range(len(word)):
            for n in range(2, 7):
                if chance.random() < 1 / n:
                    tokens[word[start:start + n]] = None
    tokens.update(dict.fromkeys(["一々", "卡拉ok", "卡拉", "卡", "t恤", "用k", "二〇二", "二", "喜欢吃饭a"]))
    model = with_settings(word_piece_model(True), continuing_subword_prefix="",
                          vocab={token: id for id, token in enumerate(tokens)})
    return whole(model, p.bert_normalizer(chinese=False), part("BertPreTokenizer"), None, None,
                 specials(model, *BERT_TOKENS))


def word_level():
    model = word_level_model()
    return whole(model, p.normalizers(part("NFD"), part("Lowercase"), part("StripAccents")),
                 part("Whitespace"), p.template(vocab_of(model), "[CLS]", "[MASK]", "$A", "[SEP]", "[SEP]"),
                 None, specials(model, *BERT_TOKENS) + more(model, *FLAGGED))


def word_level_split():
    model = word_level_model()
    return whole(model, p.normalizers(part("Strip", strip_left=True, strip_right=True), part("NFKC")),
                 p.pre_tokenizers(part("WhitespaceSplit"), part("Punctuation", behavior="Isolated"),
                                  part("Digits", individual_digits=True)),
                 None, p.decoders(part("Fuse")), specials(model, "[UNK]"))


def gpt2():
    model = spelled(byte_level_model(2000, "<|endoftext|>"))
    return whole(model, None, p.byte_level(), p.byte_level(trim_offsets=False), p.byte_level(),
                 specials(model, "<|endoftext|>", normalized=True))


def roberta():
    model = byte_level_model(1500, "<s>", "<pad>", "</s>", "<unk>")
    return whole(model, None, p.byte_level(), p.roberta_processing(vocab_of(model)), p.byte_level(),
                 specials(model, "<s>", "<pad>", "</s>", "<unk>", normalized=True) + more(model, *FLAGGED))


def roberta_prefix():
    model = spelled(byte_level_model(1500, "<s>", "<pad>", "</s>", "<unk>"))
    return whole(model, None, p.byte_level(add_prefix_space=True),
                 p.roberta_processing(vocab_of(model), trim_offsets=True, add_prefix_space=True),
                 p.byte_level(add_prefix_space=True), specials(model, "<s>", "<pad>", "</s>", "<unk>"))


def roberta_untrimmed():
    model = byte_level_model(1500, "<s>", "<pad>", "</s>", "<unk>")
    return whole(model, None, p.byte_level(add_prefix_space=True, trim_offsets=False),
                 p.roberta_processing(vocab_of(model), trim_offsets=False, add_prefix_space=True),
                 p.byte_level(), specials(model, "<s>", "</s>"))


def llama2():
    model = sentence_bpe_model()
    return whole(model, p.normalizers(part("Prepend", prepend="▁"), p.replace(" ", "▁")), None,
                 p.template(vocab_of(model), "<s>", "$A"),
                 p.decoders(p.replace("▁", " "), part("ByteFallback"), part("Fuse"), p.strip_decoder()),
                 specials(model, "<unk>", "<s>", "</s>"))


def llama2_legacy_off():
    """As newer conversions are: Metaspace that prepends at the first word only and does not split."""
    model = spelled(sentence_bpe_model())
    return whole(model, None, p.metaspace("first", False), p.template(vocab_of(model), "<s>", "$A", "</s>"),
                 p.decoders(p.replace("▁", " "), part("ByteFallback"), part("Fuse"), p.strip_decoder()),
                 specials(model, "<unk>", "<s>", "</s>") + more(model, *FLAGGED))


def gemma():
    model = with_settings(sentence_bpe_model(), ignore_merges=False)
    return whole(model, p.replace(" ", "▁"), p.split(" ", "MergedWithPrevious", regex=False),
                 p.template(vocab_of(model), "<s>", "$A"),
                 p.decoders(p.replace("▁", " "), part("ByteFallback"), part("Fuse")),
                 specials(model, "<unk>", "<s>", "</s>") + more(model, ("\n", dict(special=False)),
                                                                ("\n\n", dict(special=False)),
                                                                ("▁▁", dict(special=False))))


def sparse_merges(model):
    """Every seventh merge left out: words that are in the vocabulary but cannot be merged."""
    merges = [m for i, m in enumerate(model["merges"]) if i % 7]
    return {**model, "merges": merges}


def llama3():
    model = with_settings(sparse_merges(byte_level_model(2000)), ignore_merges=True)
    tokens = more(model, ("<|begin_of_text|>", {}), ("<|end_of_text|>", {}), ("<|im_start|>", {}))
    vocab = {token["content"]: token["id"] for token in tokens}
    return whole(model, None, p.pre_tokenizers(p.split(p.CL100K), p.byte_level(use_regex=False)),
                 p.processors(p.byte_level(), p.template(vocab, "<|begin_of_text|>", "$A")),
                 p.byte_level(), tokens)


def llama3_with_merges():
    model = sparse_merges(byte_level_model(2000))
    return whole(model, None, p.pre_tokenizers(p.split(p.CL100K), p.byte_level(use_regex=False)),
                 p.byte_level(trim_offsets=False), p.byte_level(), more(model, ("<|endoftext|>", {})))


def qwen2():
    model = spelled(byte_level_model(2000))
    tokens = more(model, ("<|endoftext|>", {}), ("<|im_start|>", {}), ("<|im_end|>", {}),
                  ("<tool_call>", dict(special=False)))
    return whole(model, part("NFC"), p.pre_tokenizers(p.split(p.QWEN2), p.byte_level(trim_offsets=False,
                                                                                     use_regex=False)),
                 p.byte_level(trim_offsets=False, use_regex=False), p.byte_level(), tokens)


def o200k():
    model = byte_level_model(2500)
    return whole(model, None, p.pre_tokenizers(p.split(p.O200K, "Removed", invert=True),
                                               p.byte_level(trim_offsets=True, use_regex=False)),
                 p.byte_level(), p.byte_level(), more(model, ("<|endoftext|>", {}), ("<|endofprompt|>", {})))


def deepseek():
    model = byte_level_model(2500)
    return whole(model, p.normalizers(),
                 p.pre_tokenizers(p.split(r"\p{N}{1,3}"), p.split(p.CJK), p.split(p.DEEPSEEK),
                                  p.byte_level(use_regex=False)),
                 p.byte_level(trim_offsets=False), p.byte_level(),
                 more(model, ("<｜begin▁of▁sentence｜>", {}), ("<think>", dict(special=False)),
                      ("<|im_start|>", dict(normalized=True, special=False))))


def byte_level_normalizer():
    model = byte_level_model(1500)
    return whole(model, p.normalizers(part("NFC"), part("ByteLevel")), p.split(r"Ġ?[^Ġ]+|Ġ+"),
                 None, p.byte_level(), more(model, ("<|endoftext|>", {})))


def few_bytes_model():
    """Byte level without most of its letters: what it does not know is lost, or unknown."""
    model = byte_level_model(1500)
    kept = {token for token in model["vocab"] if all(c in "abcdefghinorstĠ" for c in token)} | {"e", "Ã"}
    vocab = {token: i for i, token in enumerate(["<unk>"] + sorted(kept))}
    merges = [pair for pair in model["merges"] if {*pair, "".join(pair)} <= kept]
    return {**model, "vocab": vocab, "merges": merges}


def byte_level_dropped():
    model = few_bytes_model()
    return whole(model, None, p.pre_tokenizers(p.byte_level(True), part("Digits", individual_digits=True)), None,
                 p.byte_level())


def byte_level_unknown():
    model = with_settings(few_bytes_model(), unk_token="<unk>", fuse_unk=True)
    return whole(model, part("NFC"), p.byte_level(True, use_regex=False), p.byte_level(), p.byte_level(),
                 specials(model, "<unk>"))


def word_level_characters():
    model = word_level_model()
    return whole(model, part("StripAccents"), part("FixedLength", length=1), None, p.ctc("[PAD]", "a"),
                 specials(model, "[UNK]"))


def xlm_roberta():
    pieces = sentence_piece("nmt_nfkc")[0]
    # <s> <pad> </s> <unk>, then the pieces.
    model = unigram([["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0]] + pieces[3:], unk_id=3)
    return whole(model, precompiled("nmt_nfkc"), p.pre_tokenizers(part("WhitespaceSplit"), p.metaspace()),
                 p.template(vocab_of(model), "<s>", "$A", "</s>"), p.metaspace(),
                 specials(model, "<s>", "<pad>", "</s>", "<unk>") +
                 more(model, ("<mask>", dict(lstrip=True))))


def albert():
    pieces = sentence_piece("nmt_nfkc_cf")[0]
    special = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
    model = unigram([[token, 0.0] for token in special] + pieces[3:], unk_id=1)
    normalizer = p.normalizers(p.replace("``", '"'), p.replace("''", '"'), part("NFKD"), part("StripAccents"),
                               part("Lowercase"), precompiled("nmt_nfkc_cf"), p.replace(" {2,}", " ", True))
    return whole(model, normalizer, p.pre_tokenizers(part("WhitespaceSplit"), p.metaspace()),
                 p.template(vocab_of(model), "[CLS]", "$A", "[SEP]"), p.metaspace(),
                 specials(model, *special[:4]) + specials(model, "[MASK]", lstrip=True, normalized=True))


def t5():
    pieces = sentence_piece("nmt_nfkc")[0]
    model = unigram([["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0]] + pieces[3:], unk_id=2)
    return whole(model, precompiled("nmt_nfkc"), p.metaspace("first"),
                 p.template(vocab_of(model), "$A", "</s>"), p.metaspace("first"),
                 specials(model, "<pad>", "</s>", "<unk>") +
                 more(model, ("<extra_id_0>", {}), *FLAGGED))


def unigram_bytes():
    pieces = sentence_piece("identity", True)[0]
    model = unigram(pieces, byte_fallback=True)
    return whole(model, p.normalizers(part("Nmt"), p.replace(" ", "▁")), None,
                 p.template(vocab_of(model), "<s>", "$A"),
                 p.decoders(part("ByteFallback"), p.metaspace("never"), part("Fuse")),
                 specials(model, "<unk>", "<s>", "</s>"))


def unigram_unsplit():
    """A whole text is one piece to segment; characters of no piece are fused into <unk>."""
    model = unigram(sentence_piece("nmt_nfkc")[0])
    return whole(model, p.normalizers(precompiled("nmt_nfkc"), part("Strip", strip_left=False,
                                                                   strip_right=True)),
                 p.metaspace("always", False), None, p.metaspace(), specials(model, "<unk>"))


def openai_gpt():
    model = spelled(char_bpe_model(suffix="</w>"))
    return whole(model, p.bert_normalizer(), part("BertPreTokenizer"), None, part("BPEDecoder", suffix="</w>"),
                 specials(model, "<unk>"))


def clip():
    model = spelled(clip_model())
    vocab = vocab_of(model)
    return whole(model, p.normalizers(part("NFC"), p.replace(r"\s+", " ", True), part("Lowercase")),
                 p.pre_tokenizers(p.split(p.CLIP, "Removed", invert=True), p.byte_level()),
                 p.roberta_processing(vocab, "<|endoftext|>", "<|startoftext|>", trim_offsets=False),
                 p.decoders(p.byte_level(), p.replace("</w>", " ")),
                 specials(model, "<|startoftext|>", normalized=True) + specials(model, "<|endoftext|>"))


def bpe_prefix():
    model = char_bpe_model(prefix="##")
    return whole(model, p.normalizers(part("NFKD"), part("StripAccents"), part("Lowercase")),
                 p.pre_tokenizers(part("Whitespace"), part("Digits", individual_digits=True)), None,
                 p.word_piece_decoder(), specials(model, "<unk>", "<pad>") + more(model, *FLAGGED))


def bpe_prefix_and_suffix():
    model = with_settings(char_bpe_model(prefix="@@", suffix="_"), fuse_unk=True)
    return whole(model, part("Lowercase"), part("BertPreTokenizer"), None, part("BPEDecoder", suffix="_"),
                 specials(model, "<unk>", "<pad>"))


def bpe_fused_unknowns():
    model = char_bpe_model(fuse_unk=True)
    return whole(model, part("NFKC"), part("UnicodeScripts"), None, part("BPEDecoder", suffix="e"),
                 specials(model, "<unk>"))


def bpe_without_unknown():
    model = with_settings(char_bpe_model(), unk_token=None)
    return whole(model, part("Lowercase"), part("WhitespaceSplit"), None, part("Fuse"))


FAMILIES = [bert_uncased, bert_cased, bert_accents_kept, bert_accents_stripped, distilbert, word_piece_plain,
            word_piece_phrases, word_piece_phrases_unlisted, word_piece_ideographs, word_level, word_level_split, gpt2, roberta, roberta_prefix, roberta_untrimmed, llama2,
            llama2_legacy_off, gemma, llama3, llama3_with_merges, qwen2, o200k, deepseek,
            byte_level_normalizer, byte_level_dropped, byte_level_unknown,
            word_level_characters, xlm_roberta, albert, t5, unigram_bytes, unigram_unsplit, openai_gpt, clip,
            bpe_prefix, bpe_prefix_and_suffix, bpe_fused_unknowns, bpe_without_unknown]


# ---- one part at a time ----

def pre_tokenizer_variants():
    for behaviour in p.BEHAVIOURS:
        name = behaviour.lower()
        yield f"punctuation-{name}", part("Punctuation", behavior=behaviour)
        for invert in (False, True):
            end = name + ("-inverted" if invert else "")
            yield f"split-string-{end}", p.split("e", behaviour, invert, regex=False)
            yield f"split-regex-{end}", p.split(r"\s+|[a-c]|\p{Han}", behaviour, invert)
    for scheme in ("first", "always", "never"):
        for splits in (True, False):
            yield f"metaspace-{scheme}-{'split' if splits else 'whole'}", p.metaspace(scheme, splits)
    for individual in (True, False):
        yield f"digits-{'one' if individual else 'all'}", part("Digits", individual_digits=individual)
    for prefix in (True, False):
        for regex in (True, False):
            yield (f"bytelevel-{'prefix' if prefix else 'bare'}-{'regex' if regex else 'whole'}",
                   p.byte_level(prefix, use_regex=regex))
    yield "whitespace", part("Whitespace")
    yield "whitespacesplit", part("WhitespaceSplit")
    yield "bert", part("BertPreTokenizer")
    yield "scripts", part("UnicodeScripts")
    yield "chars", part("CharDelimiterSplit", delimiter="e")
    yield "fixed", part("FixedLength", length=5)
    yield "none", None
    yield "sequence", p.pre_tokenizers(part("WhitespaceSplit"), p.metaspace("first"), part("UnicodeScripts"),
                                       part("Punctuation", behavior="MergedWithNext"),
                                       part("FixedLength", length=3))


def normalizer_variants():
    for kind in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt"):
        yield kind.lower(), part(kind)
    yield "accents", p.normalizers(part("NFD"), part("StripAccents"), part("NFC"))
    for left in (True, False):
        for right in (True, False):
            yield f"strip-{left:d}{right:d}", part("Strip", strip_left=left, strip_right=right)
    yield "replace-string", p.replace("e", "é")
    yield "replace-longer", p.replace("a", "<aaa>")
    yield "replace-nothing", p.replace("e", "")
    yield "replace-regex", p.replace(r"\s+|\d(?=\d)|[äöü]", "_", True)
    yield "replace-none", p.replace(r"(?<=a)b*", "-", True)
    yield "prepend", p.normalizers(part("Prepend", prepend="__"), part("Lowercase"))
    yield "nmt-nfkc", precompiled("nmt_nfkc")
    yield "nmt-nfkc-cf", precompiled("nmt_nfkc_cf")
    yield "nfkc-cf", p.normalizers(precompiled("nfkc_cf"), precompiled("nfkc"))
    yield "bert-nothing", p.bert_normalizer(False, False, False, False)
    yield "bert-chinese", p.bert_normalizer(False, False, False, True)
    yield "bert-clean", p.bert_normalizer(False, None, True, False)
    yield "bert-accents", p.bert_normalizer(True, True, False, False)


def decoder_variants():
    yield "ctc", p.ctc("<unk>", "▁", True)
    yield "ctc-uncleaned", p.ctc("e", "▁", False)
    yield "strip", p.strip_decoder("e", 1, 2)
    yield "strip-fused", p.decoders(p.replace("▁", " "), part("Fuse"), p.strip_decoder(" ", 1, 1))
    yield "replace-regex", p.decoders(p.replace("[aeiou]", "", True), part("Fuse"))
    yield "fallback", part("ByteFallback")
    yield "fallback-fused", p.decoders(part("ByteFallback"), part("Fuse"), p.replace("▁", " "))
    yield "metaspace-never", p.metaspace("never")
    yield "metaspace-first", p.metaspace("first")
    yield "bytelevel", p.byte_level()
    yield "bpe", part("BPEDecoder", suffix="▁")
    yield "wordpiece", p.word_piece_decoder("▁", True)
    yield "wordpiece-e", p.word_piece_decoder("e", False)
    yield "none", None


def byte_alphabet_added(model):
    """A model that knows the letters of byte level too."""
    vocab = dict(model["vocab"])
    for letter in sorted(lib_pre_tokenizers.ByteLevel.alphabet()) + ["▁"]:
        vocab.setdefault(letter, len(vocab))
    return {**model, "vocab": vocab}


def variants():
    model = byte_alphabet_added(char_bpe_model())
    tokens = specials(model, "<unk>")
    both = tokens + more(model, ("<mask>", dict(lstrip=True)), ("Words", dict(normalized=True, special=False)))
    for name, pre_tokenizer in pre_tokenizer_variants():
        yield f"pre-{name}", whole(model, None, pre_tokenizer, None, None, both)
    for name, normalizer in normalizer_variants():
        yield f"norm-{name}", whole(model, normalizer, part("BertPreTokenizer"), None, None, both)
    sentence = sentence_bpe_model()
    for name, decoder in decoder_variants():
        yield f"dec-{name}", whole(sentence, None, p.metaspace(), None, decoder,
                                   specials(sentence, "<unk>", "<s>") + more(sentence, *FLAGGED))
    level = byte_level_model(1500, "<s>", "<pad>", "</s>", "<unk>")
    for trims in (True, False):
        for prefix in (True, False):
            yield (f"post-bytelevel-{trims:d}{prefix:d}",
                   whole(level, None, p.byte_level(prefix), p.byte_level(prefix, trims), p.byte_level(), both[:0]))
            yield (f"post-roberta-{trims:d}{prefix:d}",
                   whole(level, None, p.byte_level(prefix),
                         p.roberta_processing(vocab_of(level), "</s>", "<s>", trims, prefix), None,
                         more(level, *FLAGGED)))


def makers():
    """name -> a function that makes the tokenizer: the families."""
    return {family.__name__: lambda family=family: Tokenizer.from_str(json.dumps(family())) for family in FAMILIES}


def everything():
    for family in FAMILIES:
        yield family.__name__, family()
    yield from variants()


def main():
    assert tokenizers.__version__ == VERSION, f"needs tokenizers=={VERSION}"
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else TOP / "build" / "parity")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    count = 0
    for name, data in everything():
        text = json.dumps(data, ensure_ascii=False)
        Tokenizer.from_str(text)  # the reference takes it
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
        count += 1
    assert SENTENCES and count
    print(f"{count} tokenizers in {folder}")


if __name__ == "__main__":
    main()
