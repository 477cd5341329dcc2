# SPDX-License-Identifier: Apache-2.0
"""Makes the tokenizer of the built-in model: tokenizer.json, and mapping.npy, the row of each token.

usage: make.py --data FOLDER [--work build/builtin/tokens] [--output build/builtin/tokenizer]
               [--rows N] [--phrases N] [--chinese SHARE] [--seed N] [--lines N]

1 English counts, 2 phrases and names, 3 Chinese words, 4 the choice and the files. Each step keeps
what it made under --work and does not make it again. --lines takes so many lines of each language.

The tokenizer is one WordPiece with an empty prefix: greedy longest match from the left. NFKC lets
full-width and half-width forms meet. A character of which no token of several is made is a word of
its own (Split), so that one without a token costs itself alone. Traditional words are tokens that
share the row of the simplified one. Phrases and names with marks are added tokens.
"""

import argparse
import hashlib
import json
import random
import re
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import opencc
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))
import chinese
import corpus
import english
import forms
import ideographs
import texts
import vocabulary

PAD, UNKNOWN = vocabulary.PAD, vocabulary.UNKNOWN
ROWS, PHRASES, NAMES, SEED = 78_000, 0, 500, 1
# A word's gain in one language counts as much as in the other, times this.
CHINESE_SHARE = 1.0
# Below any text's length: what stands between two spaces is never too long.
SYMBOL_COUNT_MIN = 10
# A phrase or name by which no text is searched slower than need be: the server looks at three
# characters on both sides of each space and mark of a text.
ADDED = re.compile("[a-z0-9]{3,}[^a-z0-9].{3}", re.A)
WORD_CHARS_MAX = 4_000_000_000


def say(what):
    print(f"{time.process_time():7.0f} s of CPU  {what}", flush=True)


class Kept:
    """What steps made, in files named by all that it depends on."""

    def __init__(self, folder, *parts):
        self.folder, self.parts = folder, parts
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, name, make, module):
        """`module`: the code that makes it."""
        parts = self.parts, Path(module.__file__).read_bytes(), Path(corpus.__file__).read_bytes()
        digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:12]
        path = self.folder / f"{name}-{digest}.json"
        if not path.exists():
            unfinished = path.with_suffix(".tmp")
            unfinished.write_text(json.dumps(make(), ensure_ascii=False), encoding="utf-8")
            unfinished.rename(path)
            say(f"{name}: {path}")
        return json.loads(path.read_text(encoding="utf-8"))


def some(lines, n, seed):
    return random.Random(seed).sample(lines, n) if n and n < len(lines) else lines


def normal_tokens(tokens):
    """As a text can hold them: what normalization changes can never be found."""
    return dict.fromkeys(t for t in map(corpus.normal, tokens) if t)


def english_steps(kept, options):
    lines = []

    def read():
        if not lines:
            lines.extend(map(corpus.normal, some(corpus.english(options.data), options.lines, options.seed)))
        return lines

    words, names, others = kept("english-counts", lambda: english.count(read()), english)
    counts = english.with_prior(words)
    pieces = [p for p in normal_tokens(vocabulary.english_pieces()) if english.WORD.fullmatch(p)]
    chosen = kept("english-words", lambda: english.words_and_pieces(counts, pieces), english)
    phrases = kept("english-phrases", lambda: english.phrases(read(), counts, lexical(options)),
                   english)
    return chosen, phrases, english.names(names), others


def lexical(options):
    """WordNet's phrases."""
    files = texts.files_of_deb(texts.debian_package(options.work / "packages", **texts.WORDNET),
                               r"/index\.(noun|verb|adj|adv)$")
    found = set()
    for data in files.values():
        for line in data.decode("utf-8").splitlines():
            lemma = line.split(" ")[0]
            if lemma.replace("_", "").isalnum() and "_" in lemma:
                found.add(lemma.replace("_", " "))
    return found


def chinese_steps(kept, options):
    def make():
        simplify = opencc.OpenCC("t2s").convert
        lines = some(corpus.chinese(options.data), options.lines, options.seed)
        lines = simplify("\n".join(map(corpus.normal, lines))).split("\n")
        others = Counter(c for line in lines for c in chinese.RUN.sub("", line) if ord(c) > 0x7F)
        return *chinese.words(lines, 60_000, np.random.default_rng(options.seed), say), others

    return kept("chinese-words", make, chinese)


def is_emoji(character):
    code = ord(character)
    return 0x1F1E6 <= code <= 0x1FAFF or 0x2600 <= code <= 0x27BF


def singles(options, counted, others):
    """Characters, symbols that the texts or other vocabularies have, and emoji."""
    wanted = list(vocabulary.characters(options.data)) + sorted(counted)
    wanted += filter(is_emoji, vocabulary.symbols())
    wanted += [c for c in sorted(others) if others[c] >= SYMBOL_COUNT_MIN]
    wanted += [piece for piece in vocabulary.english_pieces() if len(piece) == 1]
    wanted += [*map(chr, range(0x21, 0x7F)), "\u20e3"]
    return [t for t in normal_tokens(wanted) if len(t) == 1]


def choose(options, english_words, phrases, names, chinese_words, counted, others):
    """Tokens with rows of their own, those that share one, the added ones, and a report."""
    single = singles(options, counted, others)
    is_chinese = [c for c in single if ideographs.is_chinese(c)]
    order = sorted(is_chinese, key=lambda c: -counted.get(c, 0))
    convert = forms.Converter()
    own = [c for c in order if not any(counted.get(f, 0) > counted.get(c, 0)
                                       for f in convert.simplified(c))]
    signs = [c for c in single if not ideographs.is_chinese(c)]
    phrases = [p for p, _, _ in phrases if ADDED.match(p)][:options.phrases]
    names = [n for n, _ in names if ADDED.match(n)][:NAMES if phrases else 0]
    left = options.rows - 2 - len(own) - len(signs) - len(phrases) - len(names)
    ranked = [(gain, "en", w) for w, gain in english_words if len(w) > 1]
    gains = Counter()
    for word, gain, _ in chinese_words:
        gains[convert.from_taiwan(word)] += gain
    ranked += [(gain * options.chinese, "zh", w) for w, gain in gains.items()]
    ranked.sort(key=lambda item: (-item[0], item[2]))
    taken, seen = [], set(own) | set(signs)
    for gain, language, word in ranked:
        if len(taken) == left:
            break
        if word not in seen:
            seen.add(word)
            taken.append((gain, language, word))
    words = [w for _, _, w in taken]
    rows = own + signs + phrases + names + words
    share = forms.shared(own + words, is_chinese)
    inside = {c for token in [*words, *share] if len(token) > 1 for c in token} - {*rows, *share}
    share.update(forms.shared(own, sorted(inside)))
    rows += sorted(inside - share.keys())
    report = {
        "tokens": len(rows) + 2 + len(share), "rows": len(rows) + 2, "shared": len(share), "characters": len(own), "symbols": len(signs),
        "phrases": len(phrases), "names": len(names),
        "english": sum(language == "en" for _, language, _ in taken),
        "chinese": sum(language == "zh" for _, language, _ in taken),
        "least gain": taken[-1][0] if taken else 0,
    }
    return rows, share, phrases + names, report


def is_alone(tokens):
    """The pattern of characters that are words of their own: all but those of which tokens of
    several characters are made. Ranges are as long as single tokens allow."""
    inside = {c for token in tokens if len(token) > 1 and token.isalnum() for c in token}
    known = {token for token in tokens if len(token) == 1 and token.isalnum()}
    assert inside <= known, sorted(inside - known)[:20]
    ranges = []
    for code in sorted(map(ord, known)):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    ranges = [(a, b) for a, b in ranges if any(chr(c) in inside for c in range(a, b + 1))]
    return "[^" + "".join(chr(a) if a == b else f"{chr(a)}-{chr(b)}" for a, b in ranges) + "]"


def tokenizer_of(rows, share, added):
    """The tokenizer; tokens with rows of their own first, in the order of their bytes."""
    first = sorted({PAD, UNKNOWN, *rows}, key=str.encode)
    last = sorted(share, key=str.encode)
    tokens = {token: i for i, token in enumerate(first + last)}
    made = Tokenizer(models.WordPiece(tokens, unk_token=UNKNOWN, continuing_subword_prefix="",
                                      max_input_chars_per_word=WORD_CHARS_MAX))
    made.normalizer = normalizers.Sequence([
        normalizers.NFKC(),
        normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=True,
                                   lowercase=True)])
    made.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.BertPreTokenizer(),
        pre_tokenizers.Split(Regex(is_alone([*rows, *share])), "isolated")])
    made.add_tokens([AddedToken(text, single_word=True, normalized=True) for text in added])
    mapping = np.array([*range(len(first)), *(tokens[share[token]] for token in last)], np.int32)
    assert made.get_vocab_size() == len(mapping)
    return made, mapping


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--work", default=Path("build/builtin/tokens"), type=Path)
    parser.add_argument("--output", default=Path("build/builtin/tokenizer"), type=Path)
    parser.add_argument("--rows", default=ROWS, type=int)
    parser.add_argument("--phrases", default=PHRASES, type=int)
    parser.add_argument("--chinese", default=CHINESE_SHARE, type=float)
    parser.add_argument("--seed", default=SEED, type=int)
    parser.add_argument("--lines", default=0, type=int)
    options = parser.parse_args()
    kept = Kept(options.work, options.seed, options.lines)
    chosen, phrases, names, signs = english_steps(kept, options)
    chinese_words, counted, others = chinese_steps(kept, options)
    others = Counter(others) + Counter(signs)
    rows, share, added, report = choose(options, chosen, phrases, names, chinese_words, counted,
                                        others)
    tokenizer, mapping = tokenizer_of(rows, share, added)
    options.output.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(options.output / "tokenizer.json"), pretty=False)
    np.save(options.output / "mapping.npy", mapping)
    (options.output / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    say(json.dumps(report))


if __name__ == "__main__":
    main()
