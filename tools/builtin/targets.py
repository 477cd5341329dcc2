# SPDX-License-Identifier: Apache-2.0
"""What the vector of each line shall be: DIM numbers of length 1, both languages in one space.

English: bge-small-en-v1.5, and MINILM times all-MiniLM-L6-v2 beside it, each less the mean of the
sentences; where there is no vector of MiniLM, what bge's lets expect. Their principal axes.
Chinese: bge-small-zh-v1.5, and E5 times multilingual-e5-small, likewise; then turned onto the English
space, by the pairs: as a whole (Schönemann 1966), which keeps all cosines, and mixed with what is
expected of the English vector. A pair has the English target on both sides, a new translation likewise. A Chinese edit of a
line is as far from that line's target as their own vectors are apart.
"""

import numpy as np

from measures import unit
from shards import keys_of

DIM = 256
MINILM, E5 = 0.9, 1.0
KEPT = 0.7  # the share of the turned vector in a Chinese target
RIDGE = 30
FITTED = 80_000
DRAWN = 0.8
AT_ONCE = 100_000


def expected(x, y):
    """The matrix that takes x nearest to y (ridge regression)."""
    x, y = x[:FITTED], y[:FITTED]
    return np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ y).astype(np.float32)


def beside(both, width, has_second, weight):
    """The vectors of each line, the second, from column `width` on, times `weight`; missing ones are guessed. All are
    less their means. Changes both."""
    first, second = both[:, :width], both[:, width:]
    if not has_second.all():
        guess = expected(first[has_second][:FITTED], second[has_second][:FITTED])
        for some in np.array_split(np.flatnonzero(~has_second), 1 + len(both) // AT_ONCE):
            second[some] = unit(first[some] @ guess)
    second *= weight
    both /= np.linalg.norm(both, axis=1, keepdims=True)


def on_axes(vectors):
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    return unit(vectors @ axes[:, ::-1][:, :DIM].astype(np.float32))


def turned(chinese, english, n_pairs):
    """The Chinese vectors in the English space; the first n_pairs of both translate each other."""
    left, _, right = np.linalg.svd(chinese[:n_pairs].T @ english[:n_pairs])
    whole = unit(chinese @ (left @ right).astype(np.float32))
    guess = unit(chinese @ expected(chinese[:n_pairs], english[:n_pairs]))
    return whole, unit(KEPT * whole + (1 - KEPT) * guess)


class Vectors:
    """Of one teacher, by the files of teach.py, less the mean of `sentences`, of length 1."""

    def __init__(self, shards, sentences):
        self.shards = shards
        has = shards.has(keys_of(sentences))
        self.mean = shards([line for line, is_there in zip(sentences, has) if is_there]).mean(axis=0)

    def __call__(self, lines):
        """(n, width), and which lines have a vector; zeros for the others."""
        has = self.shards.has(keys_of(lines))
        out = np.zeros((len(lines), self.shards.width), np.float32)
        there = np.flatnonzero(has)
        if len(there):
            out[there] = unit(self.shards([lines[i] for i in there]) - self.mean)
        return out, has


def said(lines, sentences, first, second, weight):
    """What two teachers say of the lines, the second times `weight`."""
    width, teachers = first.width, (Vectors(first, sentences), Vectors(second, sentences))
    both = np.empty((len(lines), width + second.width), np.float32)
    has_second = np.empty(len(lines), bool)
    for at in range(0, len(lines), AT_ONCE):
        some = slice(at, at + AT_ONCE)
        both[some, :width], _ = teachers[0](lines[some])
        both[some, width:], has_second[some] = teachers[1](lines[some])
    beside(both, width, has_second, weight)
    return on_axes(both)


def of_edits(edits, own, end):
    """Numbers of the edits, which end before `end`, and of their lines among `own`; of those whose line is there."""
    place = {line: i for i, line in reversed(list(enumerate(own)))}
    found = [(end - len(edits) + i, place[line]) for i, (_, line) in enumerate(edits) if line in place]
    return np.array(found, np.int64).reshape(-1, 2).T


def made(lines, shards):
    """(texts, targets): the English lines, the Chinese ones. shards: {step of teach.py: Shards}.
    English and Chinese sides of the pairs come first of each, in their order."""
    pair_english, pair_chinese = map(list, zip(*lines.pairs))
    english = pair_english + lines.english + lines.english_words + [edit for edit, _ in lines.english_edits]
    english += [en for en, _ in lines.translations]
    chinese = pair_chinese + lines.chinese + lines.chinese_words + [edit for edit, _ in lines.chinese_edits]
    new = [zh for _, zh in lines.translations]
    n = len(lines.pairs)

    english_targets = said(english, pair_english + lines.english, shards["bge-en"], shards["minilm"], MINILM)
    own = said(chinese, pair_chinese + lines.chinese, shards["bge-zh"], shards["e5"], E5)
    whole, chinese_targets = turned(own, english_targets, n)
    chinese_targets[:n] = english_targets[:n]
    edit, line = of_edits(lines.chinese_edits, pair_chinese + lines.chinese, len(chinese))
    chinese_targets[edit] = unit(chinese_targets[line] + whole[edit] - whole[line])
    chinese_targets = np.concatenate([chinese_targets, english_targets[len(english) - len(new):]])
    return (english, english_targets), (chinese + new, chinese_targets)


def translations(lines, n_english, n_chinese):
    """Numbers of the English texts that have a translation, and of these, in what `made` returns, the Chinese ones
    behind the English."""
    n, new = len(lines.pairs), len(lines.translations)
    return (np.r_[:n, n_english - new:n_english],
            n_english + np.r_[:n, n_chinese - new:n_chinese])


def near_pairs(lines, n_english, n_chinese, wanted, widths):
    """Numbers of the edits and of their lines, the Chinese ones behind the English, and the cosines of their targets
    at each of `widths`."""
    pair_english, pair_chinese = map(list, zip(*lines.pairs))
    new = len(lines.translations)
    firsts, seconds = np.concatenate(
        [of_edits(lines.english_edits, pair_english + lines.english, n_english - new),
         n_english + of_edits(lines.chinese_edits, pair_chinese + lines.chinese, n_chinese - new)], axis=1)
    a, b = wanted[firsts], wanted[seconds]
    cosines = [(unit(a[:, :width]) * unit(b[:, :width])).sum(axis=1) for width in widths]
    return firsts, seconds, np.stack(cosines, axis=1)


def nearer(wanted, both, vectors):
    """Draws the targets of two texts that translate each other to what a table says of the other text: what it gets
    wrong in one language it had better get wrong in both ("born again": Furlanello et al. 2018).

    both: numbers of the texts, English and Chinese; vectors: of these texts, of length 1. Changes wanted."""
    for side, others in zip(both, vectors[::-1]):
        wanted[side] = unit((1 - DRAWN) * wanted[side] + DRAWN * others)
