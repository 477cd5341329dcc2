# SPDX-License-Identifier: Apache-2.0
"""English words, pieces of words, phrases and names for the vocabulary, each with what it saves.

A word's count is that of the texts and, so that everyday words which these texts lack are there,
what wordfreq expects in a text of PRIOR words. A token's gain is the number of tokens that all
texts have more without it.
"""

import math
import re
from collections import Counter

import numpy as np
from wordfreq import get_frequency_dict

from corpus import CHINESE, normal

PRIOR = 8_000_000
WORDFREQ_WORDS = 60_000
# Rarer words are cut into pieces.
WORD_COUNT_MIN = 5
WORD_MAX = 24
WORD = re.compile(f"[^\\W_{CHINESE}\u3040-\u30ff]+")
# A cut into a word and one of these keeps the meaning: it saves a token, but teaches little.
ENDINGS = frozenset("s es ed d ing ly er ers r n y al ness ment able ies".split())
# What a phrase neither begins nor ends with: it would only save tokens.
FUNCTION = frozenset(
    "a an the of and or to in is are was were be been that this these those it its his her their our "
    "your my with for from by as at on if but not no so than then there which who whom whose i you he "
    "she we they me him us them will would can could may might must shall should has have had do does "
    "did s t".split())
# But these are phrases all the same.
ASKING = ("how to", "how do", "how much", "how many", "how long", "how far", "what is", "what are",
          "in order", "of course", "at least", "such as", "as well", "at all", "each other",
          "a lot", "a few", "is there", "are there", "no longer", "no one")
PHRASE_COUNT_MIN = 40
PHRASE_PMI_MIN = 3.0
LEXICAL_COUNT_MIN = 6
# What PMI counts like: a phrase of WordNet's is one, whatever its words.
LEXICAL_BONUS = 4.0
PHRASE_WORDS_MAX = 4
NAME = re.compile(r"(?<![\w])(?:[a-z][a-z0-9]*(?:[-.&'+/][a-z0-9]+)+|[a-z]+(?:\+\+|#)|\.[a-z]{3,})(?![\w])")
NAME_COUNT_MIN = 60


def count(lines):
    """Of normalized lines: words, names, characters beyond ASCII."""
    words, names, characters = Counter(), Counter(), Counter()
    for line in lines:
        words.update(WORD.findall(line))
        if not line.isalpha():
            names.update(NAME.findall(line))
        if not line.isascii():
            characters.update(c for c in line if ord(c) > 0x7F)
    return words, names, characters


def with_prior(words):
    """Counts, with those that wordfreq lets expect."""
    counts = {w: n for w, n in words.items() if n >= 2 and len(w) <= WORD_MAX}
    frequency = get_frequency_dict("en", "large")
    for word in sorted(frequency, key=lambda w: (-frequency[w], w))[:WORDFREQ_WORDS]:
        form = normal(word)
        if WORD.fullmatch(form) and len(form) <= WORD_MAX:
            counts[form] = counts.get(form, 0) + PRIOR * frequency[word]
    return counts


class Cutter:
    """Greedy longest match, as WordPiece with an empty prefix cuts."""

    def __init__(self, tokens):
        self.tokens = set(tokens)
        self.longest = max(map(len, self.tokens))

    def cut(self, word, without=None):
        at, parts = 0, []
        while at < len(word):
            end = min(len(word), at + self.longest)
            while end > at + 1 and (word[at:end] not in self.tokens or word[at:end] == without):
                end -= 1
            parts.append(word[at:end])
            at = end
        return parts


def _gain(word, n, cutter):
    """What all texts save by the token, less where its pieces say the same."""
    parts = cutter.cut(word, without=word)
    saved = n * (len(parts) - 1)
    if len(parts) == 2 and parts[1] in ENDINGS and len(parts[0]) >= 3:
        saved *= 0.6
    elif len(parts) == 2 and word.isdigit():
        saved *= 0.5
    return saved


def words_and_pieces(counts, pieces, rounds=3, n=60_000):
    """[(token, gain)], the best first. `pieces`: what words that are no tokens may be cut into."""
    base = {c for word in counts for c in word if counts[word] >= WORD_COUNT_MIN}
    words = {w for w, c in counts.items() if c >= WORD_COUNT_MIN and len(w) > 1}
    chosen = words | set(pieces)
    for _ in range(rounds):
        cutter = Cutter(chosen | base)
        used = Counter()
        for word, c in counts.items():
            for part in cutter.cut(word):
                used[part] += c
        gains = {token: _gain(token, used[token], cutter) for token in chosen if len(token) > 1}
        order = sorted(gains, key=lambda token: (-gains[token], token))
        chosen = set(order[:n])
    return [(token, gains[token]) for token in order[:n] if gains[token] > 0]


# ---- phrases ----

def word_ids(lines, words):
    """The words of all lines as numbers, -1 wherever two words are not one space apart."""
    index = {word: i for i, word in enumerate(words)}
    parts = re.compile(r"[^a-z0-9 ]+|  +")
    out = []
    for line in lines:
        for part in parts.split(line):
            found = part.split()
            if len(found) > 1:
                out.extend([index.get(word, -1) for word in found])
                out.append(-1)
    return np.array(out, np.int32)


def _pairs(ids, n):
    keys = ids[:-1].astype(np.int64) * n + ids[1:]
    keys, counts = np.unique(keys[(ids[:-1] >= 0) & (ids[1:] >= 0)], return_counts=True)
    return keys, counts


def _merge(ids, hits, new):
    """Each pair that begins at one of `hits` (ascending) becomes one number; of overlapping ones the
    first."""
    keep, last = [], -2
    for i, at in enumerate(hits.tolist()):
        if at > last + 1:
            keep.append(i)
            last = at
    hits, new = hits[keep], new[keep]
    ids = ids.copy()
    ids[hits] = new
    return np.delete(ids, hits + 1)


def phrases(lines, counts, lexical, n=20_000):
    """[(phrase, count, score)], the best first: by count and by how much more often the words stand
    together than by chance. `lexical`: phrases of a dictionary."""
    texts = sorted((w for w, c in counts.items() if c >= 20), key=lambda w: (-counts[w], w))
    ids = word_ids(lines, texts)
    found = {}
    for _ in range(PHRASE_WORDS_MAX - 1):
        total = int((ids >= 0).sum())
        single = np.bincount(ids[ids >= 0], minlength=len(texts))
        keys, pair_counts = _pairs(ids, len(texts))
        few = pair_counts >= LEXICAL_COUNT_MIN
        good = {}
        for key, c in zip(keys[few].tolist(), pair_counts[few].tolist()):
            left, right = divmod(key, len(texts))
            text = f"{texts[left]} {texts[right]}"
            if text.count(" ") >= PHRASE_WORDS_MAX:
                continue
            pmi = math.log(c * total / (single[left] * single[right]))
            is_lexical = text in lexical or text in ASKING
            ends = text.split(" ")
            if not is_lexical and (c < PHRASE_COUNT_MIN or pmi < PHRASE_PMI_MIN or
                                   ends[0] in FUNCTION or ends[-1] in FUNCTION or
                                   text.replace(" ", "").isdigit() or min(map(len, ends)) < 2):
                continue
            score = math.log(c) * (max(pmi, 0) + (LEXICAL_BONUS if is_lexical else 0))
            good[key] = text
            if text not in found or found[text][0] < c:
                found[text] = (c, score)
        number = {text: len(texts) + i for i, text in enumerate(dict.fromkeys(good.values()))}
        wanted = np.array(sorted(good), np.int64)
        pair = ids[:-1].astype(np.int64) * len(texts) + ids[1:]
        hits = np.flatnonzero(np.isin(pair, wanted) & (ids[:-1] >= 0) & (ids[1:] >= 0))
        new = np.array([number[good[key]] for key in pair[hits].tolist()], np.int32)
        ids = _merge(ids, hits, new)
        texts = texts + list(number)
    order = sorted(found, key=lambda text: (-found[text][1], text))
    return [(text, *found[text]) for text in order[:n]]


def names(found):
    """Names with marks in them (node.js, c++, wi-fi) and short forms (don't), by count."""
    kept = [(name, c) for name, c in found.items()
            if c >= NAME_COUNT_MIN and len(name) <= WORD_MAX and not name.replace(".", "").isdigit()]
    return sorted(kept, key=lambda item: (-item[1], item[0]))
