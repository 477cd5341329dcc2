# SPDX-License-Identifier: Apache-2.0
"""Chinese words for the vocabulary, in simplified characters, each with what it saves.

Candidates are jieba's dictionary (MIT), wordfreq's words, and what stands together in the texts far
more often than by chance. The texts are cut into them by the likeliest path (a Unigram model whose
probabilities are counted in the texts, three times), and what is used is counted, with what wordfreq expects
of everyday texts. The tokenizer
will take the longest match instead: words at which the two often differ (玩吧, 国家机) are left out.
"""

import math
import re
from collections import Counter

import numpy as np
import opencc
from tokenizers import Tokenizer, models
from wordfreq import get_frequency_dict

from corpus import CHINESE, RUN, package

WORD_MAX = 8
CANDIDATE = re.compile(f"[{CHINESE}]{{2,{WORD_MAX}}}")
# Words of both scripts, such as T恤 and 卡拉OK.
MIXED = re.compile(f"(?=.*[{CHINESE}])(?=.*[a-z0-9])[a-z0-9{CHINESE}]{{2,{WORD_MAX}}}")
PRIOR = 10_000_000
# Runs of characters that are cut, drawn at random: a tenth of the texts' or so.
RUNS = 200_000
# In all texts.
PAIR_COUNT_MIN = 80
PAIR_NPMI_MIN = 0.45
# A word stands beside different ones: of 多信息, most are 更多信息.
BESIDE_MAX = 0.5
# How often the longest match must agree with the likeliest cut.
AGREEMENT_MIN = 0.55
# Characters that stand for grammar: a pair with one of them is no word of its own.
GRAMMAR = frozenset("的了着过吗呢吧啊呀嘛和与或及在是有我你他她它们这那其之所把被让将对从向为以于而但且则即也都就还又再才只很更最不没未"
                    "一二三四五六七八九十两几每各个")


def candidates():
    """{word: a first count}, and of wordfreq's words what a text of PRIOR words has of them."""
    counts, prior = {}, {}
    for line in (package("jieba") / "dict.txt").read_text(encoding="utf-8").splitlines():
        word, n, _ = line.split(" ")
        word = word.lower()
        if CANDIDATE.fullmatch(word) or MIXED.fullmatch(word):
            counts[word] = max(counts.get(word, 0), float(n) / 30)
    simplify = opencc.OpenCC("t2s").convert
    for word, frequency in get_frequency_dict("zh", "large").items():
        word = simplify(word.lower())
        if CANDIDATE.fullmatch(word) or MIXED.fullmatch(word):
            prior[word] = prior.get(word, 0) + PRIOR * frequency
    for word, count in prior.items():
        counts[word] = counts.get(word, 0) + count
    return counts, prior


def runs_of(lines):
    """{run of Chinese characters: how often}."""
    return Counter(run for line in lines for run in RUN.findall(line))


class Likeliest:
    """Cuts runs by a Unigram model of words and characters with these counts."""

    def __init__(self, counts, characters):
        total = sum(counts.values()) + sum(characters.values())
        self.words = list(counts) + [c for c in characters if c not in counts]
        weight = [counts.get(w, 0) or characters[w] for w in self.words]
        vocab = [("<unk>", -40.0)] + [(w, math.log(max(n, 0.3) / total))
                                      for w, n in zip(self.words, weight)]
        self.model = Tokenizer(models.Unigram(vocab, unk_id=0, byte_fallback=False))
        self.lengths = np.array([1] + [len(w) for w in self.words])

    def ids(self, runs):
        """Ids of all runs behind one another, and how many each has."""
        found = self.model.encode_batch_fast(runs)
        lists = [e.ids for e in found]
        return (np.fromiter((i for ids in lists for i in ids), np.int64),
                np.array([len(ids) for ids in lists]))


class Longest(Likeliest):
    """Cuts runs by the longest match."""

    def __init__(self, tokens):
        self.words = list(tokens)
        vocab = {"[UNK]": 0, **{w: i + 1 for i, w in enumerate(self.words)}}
        self.model = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", continuing_subword_prefix="",
                                                max_input_chars_per_word=100_000))
        self.lengths = np.array([1] + [len(w) for w in self.words])


def _used(model, runs, batch=200_000):
    """How often each word of the model is used."""
    texts, weights = list(runs), np.array(list(runs.values()), float)
    used = np.zeros(len(model.lengths))
    for first in range(0, len(texts), batch):
        ids, n = model.ids(texts[first:first + batch])
        used += np.bincount(ids, np.repeat(weights[first:first + batch], n), len(used))
    return dict(zip(model.words, used[1:].tolist()))


def _pairs(model, texts, weights):
    """All pairs of tokens within runs: a number for each, its weight, and the tokens before and
    after (-1: none)."""
    ids, n = model.ids(texts)
    last = np.cumsum(n) - 1
    ends = np.zeros(len(ids), bool)
    ends[last] = True
    begins = np.roll(ends, 1)
    before = np.where(begins, -1, np.roll(ids, 1))[:-1]
    after = np.append(np.where(ends, -1, np.roll(ids, -1))[1:], -1)[:len(ids) - 1]
    inside = ~ends[:-1] & (model.lengths[ids[:-1]] + model.lengths[ids[1:]] <= WORD_MAX)
    key = ids[:-1] * len(model.lengths) + ids[1:]
    return ids, np.repeat(weights, n), key[inside], np.repeat(weights, n)[:-1][inside], \
        before[inside], after[inside]


def _largest_share(place, weight, beside, n):
    """Of each pair: the share of its places that have the commonest token (not none) beside it."""
    chosen = beside >= 0
    size = int(beside.max(initial=0)) + 1
    key, at = np.unique(place[chosen] * size + beside[chosen], return_inverse=True)
    most = np.zeros(n)
    np.maximum.at(most, key // size, np.bincount(at, weight[chosen]))
    return most / np.maximum(np.bincount(place, weight, n), 1e-9)


def _new_words(model, runs, count_min, batch=200_000):
    """Pairs of tokens that stand together far more often than by chance, and not always beside the
    same token: {word: count}."""
    texts, weights = list(runs), np.array(list(runs.values()), float)
    single, parts = np.zeros(len(model.lengths)), []
    for first in range(0, len(texts), batch):
        ids, weight, *part = _pairs(model, texts[first:first + batch], weights[first:first + batch])
        single += np.bincount(ids, weight, len(single))
        parts.append(part)
    key, weight, before, after = map(np.concatenate, zip(*parts))
    keys, place = np.unique(key, return_inverse=True)
    count = np.bincount(place, weight)
    share = np.maximum(_largest_share(place, weight, before, len(keys)),
                       _largest_share(place, weight, after, len(keys)))
    total, words = single.sum(), {}
    for i in np.flatnonzero((count >= count_min) & (share <= BESIDE_MAX)):
        left, right = divmod(int(keys[i]), len(single))
        if left == 0 or right == 0:
            continue
        a, b = model.words[left - 1], model.words[right - 1]
        npmi = (math.log(count[i] * total / (single[left] * single[right])) /
                -math.log(count[i] / total))
        if npmi >= PAIR_NPMI_MIN and not GRAMMAR & {a, b, a[0], b[-1]}:
            words[a + b] = float(count[i])
    return words


def _agreement(longest, likeliest, runs, batch=200_000):
    """{word: (how often the longest match takes it, how often the likeliest cut has it there)}."""
    texts, weights = list(runs), np.array(list(runs.values()), float)
    taken, shared = np.zeros(len(longest.lengths)), np.zeros(len(longest.lengths))
    for first in range(0, len(texts), batch):
        some = texts[first:first + batch]
        weight = weights[first:first + batch]
        ids, n = longest.ids(some)
        other, m = likeliest.ids(some)
        length, other_length = longest.lengths[ids], likeliest.lengths[other]
        end, other_end = np.cumsum(length), np.cumsum(other_length)
        assert end[-1] == other_end[-1]
        same = np.isin(end * 16 + length, other_end * 16 + other_length)
        each = np.repeat(weight, n)
        taken += np.bincount(ids, each, len(taken))
        shared += np.bincount(ids, each * same, len(taken))
    return {w: (t, s) for w, t, s in zip(longest.words, taken[1:].tolist(), shared[1:].tolist())}


def words(lines, n_words, rng, say=print):
    """[(word, gain, count)], the best first, and {character: count}. `lines`: simplified."""
    runs = runs_of(lines)
    characters = Counter()
    for run, c in runs.items():
        for character in run:
            characters[character] += c
    order = sorted(runs)
    sample = min(1, RUNS / len(order))
    few = {run: runs[run] for run, r in zip(order, rng.random(len(order))) if r < sample}
    counts, prior = candidates()
    say(f"{len(runs)} runs, {len(few)} of them to learn from, {len(counts)} candidates")
    alone = characters  # as far as they stand by themselves
    for step in range(3):
        model = Likeliest(counts, alone)
        used = _used(model, few)
        alone = {c: used[c] / sample + 1 for c in characters}
        counts = {w: used[w] / sample + prior.get(w, 0) + 0.2 * min(counts[w], 20) for w in counts}
        if step < 2:
            new = {w: c / sample for w, c in _new_words(model, few, PAIR_COUNT_MIN * sample).items() if w not in counts}
            counts.update(new)
            say(f"{len(new)} new words, such as {' '.join(sorted(new, key=lambda w: -new[w])[:40])}")
    best = sorted(counts, key=lambda w: (-counts[w] * (len(w) - 1), w))[:int(n_words * 1.4)]
    for _ in range(2):
        agreement = _agreement(Longest(best + list(characters)),
                               Likeliest({w: counts[w] for w in best}, alone), few)
        kept = [w for w in best if agreement[w][1] >= AGREEMENT_MIN * agreement[w][0]]
        bad = sorted(set(best) - set(kept), key=lambda w: -agreement[w][0])
        say(f"{len(bad)} words left out, such as {' '.join(bad[:30])}")
        best = kept
    longest = Longest(best + list(characters))
    used = _used(longest, few)
    used = {w: used[w] / sample + prior.get(w, 0) for w in best}
    tokens = set(best) | set(characters)
    gains = {w: used[w] * (_parts(w, tokens) - 1) for w in best}
    order = sorted(best, key=lambda w: (-gains[w], w))[:n_words]
    return [(w, gains[w], used[w]) for w in order], characters


def _parts(word, tokens):
    """How many tokens the word has without its own."""
    at, n = 0, 0
    while at < len(word):
        end = len(word) - (at == 0)
        while end > at + 1 and word[at:end] not in tokens:
            end -= 1
        at, n = end, n + 1
    return n
