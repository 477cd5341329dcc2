# SPDX-License-Identifier: Apache-2.0
"""The rows of the built-in model's second edition, from the teachers' vectors.

usage: learn.py --data FOLDER [--work build/builtin] [--tokenizer build/builtin/tokenizer]
                [--vectors WORK/vectors-2] [--output build/builtin/embedd-base-2] [--share F] [--seed N]
                [--quick] [--dev]

Each row starts as the mean of the targets (targets.py) of the lines that ask for it, the shorter the
more often it is asked for. Then RUNS runs of Adam over all lines lessen 1 - cosine to the target and
the squared difference between the cosines of all pairs in a batch and the targets', at several widths
at once; each batch has edits beside their lines too, that the cosine between the two be the targets',
and pairs of STS-B train in all combinations of the languages (CoSENT), that count little. A first run,
the same but shorter, tells what such a table can say of a line; of two lines that translate each other
each is then drawn to what it says of the other (targets.nearer). The mean of the runs is turned to its
principal axes, and each row made longer or shorter by what kind of word it is of (weights.py). Lines
without a vector are left out and counted, so that a part of the teachers' work can be tried.
"""

import argparse
import json
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import scipy.sparse
from threadpoolctl import threadpool_limits

import quantize
import sets
import shards
import targets
import teach
import weights
from dev import Dev
from losses import cosent_gradient, likeness_gradient, near_gradient
from learner import Learner, Texts
from lines import Lines, plan
from measures import unit
from rows import Rows
from targets import DIM

NAME, VERSION, LICENSE = "embedd-base-2", "2", "CC-BY-SA-4.0"
FIRST_EPOCHS, RUNS, EPOCHS, BATCH, RATE = 2, 2, 3, 512, 4e-3
# How often an epoch takes a line: one of the corpora without a translation, and one that was made of others.
OF_CORPUS, MADE = 0.5, 2
LIKENESS = 10
WIDTHS = ((256, 1.0), (128, 1.0), (64, 0.6))
LABELLED, LABELS = 128, 0.025  # pairs a batch, and how much they count
# Pairs of a line and an edit of it, a batch, and how much the squared error of their cosines counts.
EDITED, NEAR = 128, 10
# The length of a row falls with how often it is asked for (SIF: a / (a + p)).
SIF = 1e-3
SAMPLE = 100_000  # lines of each language, for the axes
# The lesser axes count more than learned, and long rows less: by these powers of how far they are from the first.
AXES, LENGTHS = 0.4, 0.15


def first_rows(counts, wanted):
    often = np.asarray(counts.sum(axis=0)).ravel() + 1
    shorter = SIF / (SIF + often / often.sum())
    return (np.asarray(counts.T @ wanted) * (shorter / often)[:, None]).astype(np.float32)


def labelled(data, english, chinese):
    """STS-B train in all four combinations: numbers of the texts, Chinese ones behind the English, scores."""
    place = {"en": {line: i for i, line in enumerate(english)},
             "zh": {line: len(english) + i for i, line in enumerate(chinese)}}
    pairs = {language: sets.stsb(data, language, "train") for language in place}
    found = [(place[left][a[0]], place[right][b[1]], a[2]) for left in place for right in place
             for a, b in zip(pairs[left], pairs[right]) if a[0] in place[left] and b[1] in place[right]]
    first, second, scores = zip(*found)
    return np.array(first), np.array(second), np.array(scores, np.float32)


def how_often(lines, n_english, n_chinese):
    """Of each text in what targets.made returns, the Chinese ones behind the English."""
    often = np.ones(n_english + n_chinese, np.float32)
    for first, n, corpus, made in ((0, n_english, lines.english, (lines.english_edits, lines.translations)),
                                   (n_english, n_chinese, lines.chinese, (lines.chinese_edits, lines.translations))):
        often[first + len(lines.pairs):][:len(corpus)] = OF_CORPUS
        often[first + n - sum(map(len, made)):first + n] = MADE
    return often


def learned(start, texts, wanted, often, labels, near, seed, epochs):
    rows, rng = start.copy(), np.random.default_rng(seed)
    learner = Learner(rows)
    n_batches = int(often.sum(dtype=np.float64)) // BATCH
    first, second, scores = labels
    edit, line, cosines = near
    for epoch in range(epochs):
        times = np.floor(often + rng.random(len(often))).astype(np.int64)
        order = rng.permutation(np.repeat(np.arange(len(often)), times))
        for i in range(min(n_batches, len(order) // BATCH)):
            lines = order[i * BATCH:(i + 1) * BATCH]
            pairs = rng.choice(len(scores), min(LABELLED, len(scores)), replace=False)
            near_by = rng.choice(len(edit), min(EDITED, len(edit)), replace=False)
            chosen = np.concatenate([lines, first[pairs], second[pairs], edit[near_by], line[near_by]])
            own, a, b, c, d = np.split(learner.sums(texts, chosen),
                                       np.cumsum([BATCH, len(pairs), len(pairs), len(near_by)]))
            gradient = np.concatenate([
                likeness_gradient(own, wanted[lines], WIDTHS, LIKENESS),
                LABELS * cosent_gradient(a, b, scores[pairs], WIDTHS),
                NEAR * near_gradient(c, d, cosines[near_by], WIDTHS)])
            done = (epoch * n_batches + i) / (epochs * n_batches)
            learner.step(texts, chosen, gradient, RATE * (1 - done))
    return rows


def turn_to_axes(rows, counts):
    """A cut keeps the most of what was learned. counts: of each language's lines."""
    square = np.zeros((DIM, DIM))
    for some in counts:
        vectors = unit(np.asarray(some[::max(1, some.shape[0] // SAMPLE)] @ rows))
        square += vectors.T @ vectors / len(vectors)
    spread, axes = np.linalg.eigh(square)
    spread, axes = spread[::-1], axes[:, ::-1]
    rows = rows @ axes * (spread / spread[0])**(-AXES / 2)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows * np.where(lengths == 0, 1, lengths)**-LENGTHS).astype(np.float32)


def there(lines, made):
    """The lines that have the vectors they need."""
    def keep(step, some, line=lambda item: item):
        has = made[step].has(shards.keys_of([line(item) for item in some]))
        return [item for item, is_there in zip(some, has) if is_there]

    def edit(item):
        return item[0]
    pairs = keep("bge-en", keep("bge-zh", lines.pairs, lambda pair: pair[1]), edit)
    return Lines(pairs, keep("bge-en", lines.english), keep("bge-zh", lines.chinese),
                 keep("minilm", lines.minilm), keep("e5", lines.e5),
                 keep("bge-en", lines.english_words), keep("bge-zh", lines.chinese_words),
                 keep("bge-en", lines.english_edits, edit), keep("bge-zh", lines.chinese_edits, edit),
                 keep("bge-en", lines.translations, edit))


def write(folder, options, rows, mapping):
    folder.mkdir(parents=True, exist_ok=True)
    quantize.write(folder / "model.safetensors", rows, mapping, {"model": NAME, "version": VERSION})
    (folder / "tokenizer.json").write_bytes((options.tokenizer / "tokenizer.json").read_bytes())
    (folder / "config.json").write_text(json.dumps(
        {"name": NAME, "version": VERSION, "license": LICENSE, "pooling": "mean", "normalize": True,
         "scripts": ["Hani", "Latn"]}) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--work", default=Path("build/builtin"), type=Path)
    parser.add_argument("--tokenizer", default=Path("build/builtin/tokenizer"), type=Path)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--share", default=1, type=float)
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--dev", action="store_true", help="print figures on the dev sets")
    options = parser.parse_args()
    kept = options.vectors or options.work / ("quick/vectors-2" if options.quick else "vectors-2")
    say, started = teach.say, time.time()

    ask = Rows(options.tokenizer)
    made = {step: shards.Shards(kept / step, width) for step, width in teach.WIDTH.items()}
    planned = plan(options, ask, say)
    lines = there(planned, made)
    for name, all_lines, some in zip(Lines._fields, planned, lines):
        say(f"{name}: {len(some)} lines of {len(all_lines)} have their vectors")
    (english, english_targets), (chinese, chinese_targets) = targets.made(lines, made)
    say("targets")
    counts = scipy.sparse.vstack([ask(english), ask(chinese)]).tocsr()
    wanted = np.concatenate([english_targets, chinese_targets])
    del english_targets, chinese_targets
    start, texts = first_rows(counts, wanted), Texts(counts)
    labels, often = labelled(options.data, english, chinese), how_often(lines, len(english), len(chinese))
    near = targets.near_pairs(lines, len(english), len(chinese), wanted, [width for width, _ in WIDTHS])
    seeds = [options.seed + 1000 * run for run in range(RUNS)]

    def mean_of_runs(epochs):
        """A run a core, each on one: waiting for each other at every step, two threads are no faster than one."""
        with threadpool_limits(1), ThreadPoolExecutor(RUNS) as pool:
            runs = pool.map(lambda seed: learned(start, texts, wanted, often, labels, near, seed, epochs), seeds)
            return np.mean(list(runs), axis=0)

    first = mean_of_runs(FIRST_EPOCHS)
    say("what such a table can say")
    both = targets.translations(lines, len(english), len(chinese))
    targets.nearer(wanted, both, [unit(np.asarray(counts[side] @ first)) for side in both])
    rows = mean_of_runs(EPOCHS)
    say("rows")
    rows = turn_to_axes(rows, (counts[:len(english)], counts[len(english):]))
    rows *= weights.factors(ask, np.asarray(counts.sum(axis=0)).ravel())[:, None]
    if options.dev:
        figures = Dev(options.data)
        for name, some in (("float32", rows), ("4 bits", quantize.from_i4(*quantize.to_i4(rows)))):
            for line in figures(some, ask):
                say(f"dev, {name}, {line}")
    output = options.output or options.work / ("quick" if options.quick else "") / NAME
    write(output, options, rows, ask.of_token)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    say(f"{output}, after {time.time() - started:.0f} s, {peak:.1f} GB at most")


if __name__ == "__main__":
    main()
