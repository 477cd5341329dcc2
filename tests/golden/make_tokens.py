#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/tokens.json: small tokenizers, and what the reference makes of small texts.

    python3 -m venv venv && venv/bin/pip install tokenizers==0.23.1
    venv/bin/python tests/golden/make_tokens.py > tests/golden/tokens.json
"""
import json
import random
import sys

import tokenizers
from tokenizers import (AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers,
                        processors)

VERSION = "0.23.1"
WORDS = ("[PAD] [UNK] [CLS] [SEP] [MASK] a b c x 1 i e é É ss ß ς σ ᄀ ##ᅡ ##ᆨ 我 爱 吃 饭 吃饭 . , ! ' # ##a "
         "##b ##c ##1 ##é ##e ##吃 ab abc ##bc the un ##aff ##able do not don n't 's A AB İ i̇ ﬁ 、 。 "
         "カ ##ﾞ が 한 👩 ##👩 ²").split()
PLAIN = "[UNK] a b c ab abc bc 我 爱 吃 饭 吃饭 我爱 é e 1 . 〇".split()
TEXTS = [
    "", " ", "a", "ab abc", "the unaffable, don't!", "A AB aB", "我爱吃饭", "我爱 吃饭a我b", "x我1", "é É e\u0301 E\u0301a",
    "a\u0000b\u0001c", "a\tb\nc\r\u000b\u000cx", "a\u200db \ufeffa\u00adb", "a\ufffdb", "[CLS] a [SEP]", "a[MASK]b", "[cls] [Mask]",
    "[MASK]  a  [MASK]", "Straße SS ß ẞ", "ΣΑΣ ς σ", "İ i̇ I ı", "ǅ Ǆ ǆ", "각 ᄀ 한", "カ ガ ｶﾞ か\u3099", "１２３ ＡＢ",
    "\U0001F469\u200d\U0001F469 \U0001F600", "שׁלום", "مرحبًا", "\u3000a\u2003b\u2028c\u0085d", "a\u0345\u0301b", "\U0001D15F\u0f73\U0001D165",
    "\U0001D158\U0001D165\u0f71\u0f72 a", "\uf900\ufa1f\U0002f800", "\u3400\U00020000\U0002CEB1\U00030000", "\ue000\u0378a",
    "a.b,c!'#", "a、b。c〇", "x" * 99, "a" * 100, "a" * 101, "é" * 100 + "b", "我" * 5, "abcabcabc", "aaab1c", "un unaff zz",
    "do not don n't 's", "ab  c ab c", "xab cx ab c", "ab cd", "Ab, a AB,a", "\u2260 \u226e\u037e", "²½ ﬁ",
]


def bert(**on):
    parts = dict(clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
    return normalizers.BertNormalizer(**{**parts, **on})


def word_piece(words, normalizer, added=(), **settings):
    vocab = {word: i for i, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", **settings))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix=settings.get("continuing_subword_prefix", "##"))
    specials = [w for w in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]") if w in vocab]
    tokenizer.add_special_tokens(specials)
    tokenizer.add_tokens(list(added))
    if "[CLS]" in vocab:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])])
    return tokenizer


def shuffled(tokenizer):
    """The same, ids in another order than the tokens stand in the file."""
    data = json.loads(tokenizer.to_str())
    items = list(data["model"]["vocab"].items())
    random.Random(1).shuffle(items)
    data["model"]["vocab"] = dict(items)
    return data


def tokenizers_of_the_file():
    greedy = [AddedToken("[MASK]", lstrip=True, rstrip=True, normalized=False, special=True),
              AddedToken("ab c", single_word=True, normalized=True),
              AddedToken("AB,", normalized=True), AddedToken("cd", normalized=False),
              AddedToken("zz", rstrip=True, normalized=False, special=True)]
    yield "bert", word_piece(WORDS, bert())
    yield "cased", word_piece(WORDS, bert(lowercase=False, strip_accents=False))
    yield "accents_kept", word_piece(WORDS, bert(strip_accents=False))
    yield "accents_stripped_cased", word_piece(WORDS, bert(strip_accents=True, lowercase=False))
    yield "not_cleaned", word_piece(WORDS, bert(clean_text=False))
    yield "no_normalizer", word_piece(WORDS, None)
    yield "lowercase", word_piece(WORDS, normalizers.Lowercase())
    yield "added", word_piece([w for w in WORDS if w != "[MASK]"], bert(), greedy)
    yield "no_prefix", word_piece(PLAIN, bert(handle_chinese_chars=False, lowercase=False,
                                              strip_accents=False),
                                  continuing_subword_prefix="", max_input_chars_per_word=4)


def cases_of(tokenizer):
    for text in TEXTS:
        for special in (False, True):
            encoding = tokenizer.encode(text, add_special_tokens=special)
            if special and encoding.ids == tokenizer.encode(text, add_special_tokens=False).ids:
                continue
            if special and text not in TEXTS[:3]:
                continue
            yield {"text": text, "special": special, "ids": encoding.ids,
                   "offsets": [list(pair) for pair in encoding.offsets],
                   "decoded": tokenizer.decode(encoding.ids, skip_special_tokens=False),
                   "decoded_plain": tokenizer.decode(encoding.ids, skip_special_tokens=True)}


def main():
    assert tokenizers.__version__ == VERSION, f"needs tokenizers=={VERSION}"
    lines = []
    for name, tokenizer in tokenizers_of_the_file():
        cases = ",\n".join("  " + json.dumps(case, separators=(",", ":"), ensure_ascii=False) for case in cases_of(tokenizer))
        lines.append('{"name": "%s",\n "tokenizer": %s,\n "cases": [\n%s]}' %
                     (name, json.dumps(json.dumps(shuffled(tokenizer))), cases))
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write("[" + ",\n".join(lines) + "]\n")


if __name__ == "__main__":
    main()
