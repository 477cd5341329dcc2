# SPDX-License-Identifier: Apache-2.0
"""Trains small tokenizers with the reference library: all models, normalizers, pre-tokenizers,
decoders and post-processors, and the shapes of the families that people use.

    build/venv/bin/python tests/parity/make_tokenizers.py build/parity
"""
import io
import json
import pathlib
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import lines

N, P, D, X = normalizers, pre_tokenizers, decoders, processors
CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN2 = CL100K.replace(r"\p{N}{1,3}", r"\p{N}")
BYTES = sorted(P.ByteLevel.alphabet())
FALLBACK = [f"<0x{byte:02X}>" for byte in range(256)]


def corpus():
    texts = []
    for name in ("tests/data/banking77/banking77.csv", "README.md", "README.zh.md", "model/model.c", "docs/CLASSIFY.md"):
        path = lines.TOP / name
        if path.exists():
            texts += path.read_text(encoding="utf-8").splitlines()
    return texts + lines.TRICKY * 3


def charsmap(rule):
    """SentencePiece's rules, out of a model it trains: field 3 of the model, field 2 of that."""
    import sentencepiece
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()), model_writer=out, vocab_size=400, hard_vocab_limit=False,
        normalization_rule_name=rule, character_coverage=0.98, minloglevel=2, num_threads=1)

    def fields(raw):
        at = 0

        def varint():
            nonlocal at
            value = shift = 0
            while True:
                byte = raw[at]
                at += 1
                value |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    return value
        while at < len(raw):
            key = varint()
            if key & 7 == 2:
                n = varint()
                yield key >> 3, raw[at:at + n]
                at += n
            elif key & 7 == 5:
                at += 4
            else:
                varint()
    spec = next(value for key, value in fields(out.getvalue()) if key == 3)
    return next(value for key, value in fields(spec) if key == 2)


def train(model, trainer, normalizer=None, pre=None, decoder=None, post=None, added=()):
    t = Tokenizer(model)
    if normalizer:
        t.normalizer = normalizer
    if pre:
        t.pre_tokenizer = pre
    t.train_from_iterator(corpus(), trainer)
    if decoder:
        t.decoder = decoder
    if post:
        t.post_processor = post(t)
    for token in added:
        t.add_special_tokens([token]) if isinstance(token, AddedToken) and token.special else t.add_tokens([token])
    return t


def template(first, last=None):
    def make(t):
        names = [first] + ([last] if last else [])
        return X.TemplateProcessing(single=f"{first} $A {last or ''}".strip(),
                                    special_tokens=[(n, t.token_to_id(n)) for n in names])
    return make


def bpe(size=3000, **options):
    specials = options.pop("specials", ["<unk>", "<s>", "</s>"])
    alphabet = options.pop("alphabet", [])
    options.setdefault("limit_alphabet", 700)
    return trainers.BpeTrainer(vocab_size=size, special_tokens=specials, initial_alphabet=alphabet, show_progress=False,
                               **options)


def wordpiece(size=3000, **options):
    return trainers.WordPieceTrainer(vocab_size=size, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
                                     limit_alphabet=700, show_progress=False, **options)


def unigram(size=2500, specials=("<unk>", "<s>", "</s>")):
    return trainers.UnigramTrainer(vocab_size=size, special_tokens=list(specials), unk_token="<unk>", show_progress=False)


def wordlevel():
    return trainers.WordLevelTrainer(vocab_size=1500, special_tokens=["[UNK]", "<s>"], show_progress=False)


def added(text, **flags):
    return AddedToken(text, **flags)


ALL_FLAGS = [added("<mask>", lstrip=True, special=True), added("<pad>", rstrip=True, special=True),
             added("<|endoftext|>", special=True, normalized=False), added("single", single_word=True),
             added("Wort", normalized=True), added("x▁y", normalized=False), added("ab", lstrip=True, rstrip=True)]

BERT_POST = template("[CLS]", "[SEP]")
WP = dict(unk_token="[UNK]")


def roberta(t):
    return X.RobertaProcessing(("</s>", t.token_to_id("</s>")), ("<s>", t.token_to_id("<s>")), trim_offsets=True,
                               add_prefix_space=True)


def makers():
    """name -> a function that makes the tokenizer."""
    lower_bert = N.BertNormalizer(lowercase=True)
    fallback = ["<unk>", "<s>", "</s>"] + FALLBACK
    llama_decoder = D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])
    return {
        "bert_uncased": lambda: train(models.WordPiece(**WP), wordpiece(), lower_bert, P.BertPreTokenizer(), D.WordPiece(),
                                      BERT_POST, ALL_FLAGS),
        "bert_cased": lambda: train(models.WordPiece(**WP), wordpiece(), N.BertNormalizer(lowercase=False),
                                    P.BertPreTokenizer(), D.WordPiece(cleanup=False),
                                    lambda t: X.BertProcessing(("[SEP]", t.token_to_id("[SEP]")), ("[CLS]", t.token_to_id("[CLS]")))),
        "bert_accents": lambda: train(models.WordPiece(**WP), wordpiece(),
                                      N.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False),
                                      P.Whitespace(), D.WordPiece(), BERT_POST),
        "bert_pieces": lambda: train(models.WordPiece(max_input_chars_per_word=12, **WP), wordpiece(),
                                     N.Sequence([N.BertNormalizer(lowercase=True, strip_accents=False), N.Strip()]),
                                     P.Sequence([P.WhitespaceSplit(), P.Punctuation("merged_with_previous"), P.Digits(True)]), D.CTC()),
        "gpt2": lambda: train(models.BPE(), bpe(alphabet=BYTES, specials=["<|endoftext|>"]), None, P.ByteLevel(add_prefix_space=False),
                              D.ByteLevel(), lambda t: X.ByteLevel(trim_offsets=False), ALL_FLAGS),
        "roberta": lambda: train(models.BPE(), bpe(alphabet=BYTES), None, P.ByteLevel(add_prefix_space=True), D.ByteLevel(), roberta,
                                 ALL_FLAGS),
        "gpt2_few_bytes": lambda: train(models.BPE(unk_token="<unk>"), bpe(), N.NFC(), P.ByteLevel(add_prefix_space=True, use_regex=False),
                                        D.ByteLevel(), lambda t: X.ByteLevel(trim_offsets=True)),
        "gpt2_dropped": lambda: train(models.BPE(), bpe(600), None, P.Sequence([P.ByteLevel(), P.Digits(True)]), D.ByteLevel()),
        "byte_normalizer": lambda: train(models.BPE(), bpe(alphabet=BYTES), N.Sequence([N.NFKC(), N.ByteLevel()]),
                                         P.Split(Regex("Ġ"), "merged_with_next"), D.ByteLevel(), None, ALL_FLAGS),
        "llama2": lambda: train(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True), bpe(3000, specials=fallback),
                                N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")]), None, llama_decoder, template("<s>"), ALL_FLAGS),
        "llama3": lambda: train(models.BPE(ignore_merges=True), bpe(alphabet=BYTES), None,
                                P.Sequence([P.Split(Regex(CL100K), "isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)]),
                                D.ByteLevel(), lambda t: X.Sequence([X.ByteLevel(trim_offsets=True), template("<s>")(t)])),
        "qwen2": lambda: train(models.BPE(), bpe(alphabet=BYTES), N.NFC(),
                               P.Sequence([P.Split(Regex(QWEN2), "isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)]),
                               D.ByteLevel(), lambda t: X.ByteLevel(trim_offsets=False), ALL_FLAGS),
        "gemma": lambda: train(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True), bpe(3000, specials=fallback),
                               N.Replace(" ", "▁"), P.Split(" ", "merged_with_previous"),
                               D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse()]), template("<s>")),
        "clip": lambda: train(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"), bpe(end_of_word_suffix="</w>"),
                              N.Sequence([N.NFC(), N.Replace(Regex(r"\s+"), " "), N.Lowercase()]),
                              P.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True),
                              D.BPEDecoder("</w>")),
        "bpe_prefix": lambda: train(models.BPE(unk_token="<unk>", continuing_subword_prefix="##"), bpe(continuing_subword_prefix="##"),
                                    N.NFD(), P.Sequence([P.UnicodeScripts(), P.WhitespaceSplit()]), D.WordPiece("##")),
        "bpe_unknown": lambda: train(models.BPE(unk_token="<unk>", fuse_unk=False), bpe(400, limit_alphabet=60), N.NFKD(),
                                     P.Sequence([P.Metaspace(prepend_scheme="never"), P.Punctuation("contiguous")]), D.Metaspace()),
        "xlm_roberta": lambda: train(models.Unigram(), unigram(), N.Precompiled(charsmap("nmt_nfkc")),
                                     P.Sequence([P.WhitespaceSplit(), P.Metaspace(prepend_scheme="always")]), D.Metaspace(),
                                     template("<s>", "</s>"), ALL_FLAGS),
        "albert": lambda: train(models.Unigram(), unigram(),
                                N.Sequence([N.Replace("``", '"'), N.Replace("''", '"'), N.NFKD(), N.StripAccents(), N.Lowercase(),
                                            N.Precompiled(charsmap("nmt_nfkc_cf")), N.Replace(Regex(" {2,}"), " ")]),
                                P.Metaspace(prepend_scheme="first"), D.Metaspace(), template("<s>"), ALL_FLAGS),
        "t5": lambda: train(models.Unigram(), unigram(), N.Precompiled(charsmap("nmt_nfkc")), P.Metaspace(prepend_scheme="first", split=False),
                            D.Metaspace(), lambda t: X.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", t.token_to_id("</s>"))])),
        "unigram_bytes": lambda: fallback_unigram(fallback),
        "unigram_nmt": lambda: train(models.Unigram(), unigram(), N.Sequence([N.Nmt(), N.NFKC(), N.Strip(left=True, right=False)]),
                                     P.Sequence([P.CharDelimiterSplit(" "), P.Split("e", "merged_with_next", invert=False)]), D.Fuse()),
        "wordlevel": lambda: train(models.WordLevel(unk_token="[UNK]"), wordlevel(), N.Lowercase(), P.Whitespace(), None, template("<s>"),
                                   ALL_FLAGS),
        "wordlevel_chars": lambda: train(models.WordLevel(unk_token="[UNK]"), wordlevel(), N.StripAccents(), P.FixedLength(1), D.Fuse()),
        "wordlevel_split": lambda: train(models.WordLevel(unk_token="[UNK]"), wordlevel(), N.Sequence([]),
                                         P.Sequence([P.Split(Regex(r"[aeiou]+"), "contiguous", invert=True), P.Digits(False),
                                                     P.Punctuation("removed"), P.Split(" ", "isolated")]), D.Replace("a", "A")),
    }


def fallback_unigram(fallback):
    t = train(models.Unigram(), unigram(), None, P.Metaspace(), D.Sequence([D.ByteFallback(), D.Metaspace()]))
    data = json.loads(t.to_str())
    data["model"]["vocab"] += [[token, -20.0 - i / 7] for i, token in enumerate(FALLBACK)]
    data["model"]["byte_fallback"] = True
    return Tokenizer.from_str(json.dumps(data))


def spell_merges_old(text):
    """Merges as "a b", as files of some years ago have them."""
    data = json.loads(text)
    merges = data["model"].get("merges", [])
    if all(" " not in part for pair in merges for part in pair):
        data["model"]["merges"] = [" ".join(pair) for pair in merges]
    return json.dumps(data, ensure_ascii=True, indent=1)


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in makers().items():
        text = make().to_str()
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
        if name in ("gpt2", "llama2"):
            (folder / f"{name}_old.json").write_text(spell_merges_old(text), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
