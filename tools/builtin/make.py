# SPDX-License-Identifier: Apache-2.0
"""Makes the built-in model embedd-base-1. Each step keeps what it made under --work and does not
make it again, so a run that was broken off goes on where it was.

usage: make.py --data FOLDER [--work build/builtin] [--output model/bundle/builtin/embedd-base-1]
               [--seed N] [--dev]

1 texts and vocabulary, 2 the teachers' vectors of texts and tokens, 3 more sentences and their
vectors, 4 targets, 5 training, 6 rows in 8 bits and the model's files. docs/MODEL.md tells more.
"""

import argparse
import hashlib
import json
import resource
import struct
import time
from pathlib import Path

import numpy as np

import augment
import distil
import measures
import sets
import texts
import vocabulary
from encoder import MiniLM, MultilingualE5
from ideographs import has_chinese

NAME, VERSION, LICENSE = "embedd-base-1", "1", "CC-BY-SA-4.0"
DIM = 256
CHINESE_WORDS = 15400
# New sentences a word.
NEW = {"exchanged": 4, "english_phrases": 2, "chinese_phrases": 3}
# Trained from the same start with other seeds, and averaged.
RUNS = 2
# The weight of a token falls with how often it stands in the texts (SIF: a / (a + p)).
SIF = 1e-3
# How much all-MiniLM-L6-v2 counts beside multilingual-e5-small.
MINILM = 0.5
# How much less the lesser axes count.
TAPER = 0.1
# A translation's meaning is taken from both languages.
ENGLISH_SHARE = 0.7
RIDGE = 30
WIDTHS = ((256, 1.0), (128, 1.0), (64, 0.6))
FIRST = {"epochs": 6, "batch": 1024, "rate": 6e-3, "likeness": 10, "widths": WIDTHS}
SECOND = {"epochs": 5, "batch": 1024, "rate": 2e-3, "likeness": 10, "widths": WIDTHS, "labels": 0.15}


def say(what):
    print(f"{time.process_time():7.0f} s of CPU  {what}", flush=True)


class Teachers:
    """Vectors of texts. What was made is kept in files, a few thousand texts each."""

    CHUNK = 8192

    def __init__(self, work):
        self.folder = work / "vectors"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.encoders, self.index, self.kept = {}, {}, {}
        for kind in (MultilingualE5, MiniLM):
            self.index[kind], self.kept[kind] = {}, []
            for path in sorted(self.folder.glob(f"{kind.__name__}-*.json")):
                self._keep(kind, json.loads(path.read_text()), np.load(path.with_suffix(".npy")))

    def _keep(self, kind, lines, vectors):
        n = len(self.index[kind])
        self.index[kind].update((line, n + i) for i, line in enumerate(lines))
        self.kept[kind].append(vectors)

    def _make(self, kind, lines):
        if kind not in self.encoders:
            self.encoders[kind] = kind()
        vectors = self.encoders[kind](lines).astype(np.float16)
        path = self.folder / f"{kind.__name__}-{len(self.index[kind]):08}.json"
        np.save(path.with_suffix(".npy"), vectors)
        unfinished = path.with_suffix(".tmp")  # its name tells that both are whole
        unfinished.write_text(json.dumps(lines))
        unfinished.rename(path)
        self._keep(kind, lines, vectors)

    def _vectors(self, kind, lines):
        new = [line for line in dict.fromkeys(lines) if line not in self.index[kind]]
        for first in range(0, len(new), self.CHUNK):
            self._make(kind, new[first:first + self.CHUNK])
            say(f"{kind.__name__}: {min(first + self.CHUNK, len(new))} of {len(new)}")
        if len(self.kept[kind]) > 1:
            self.kept[kind] = [np.concatenate(self.kept[kind])]
        places = [self.index[kind][line] for line in lines]
        return self.kept[kind][0][places].astype(np.float32)

    def e5(self, lines):
        return self._vectors(MultilingualE5, lines)

    def minilm(self, lines):
        return self._vectors(MiniLM, lines)


class Space:
    """The space the rows are to live in: both teachers beside each other, each less the mean of its
    language, turned to their principal axes."""

    def __init__(self, teachers, english, chinese):
        """english, chinese: translations of each other, line by line."""
        self.teachers = teachers
        en, zh, minilm = teachers.e5(english), teachers.e5(chinese), teachers.minilm(english)
        self.mean = {"en": en.mean(axis=0), "zh": zh.mean(axis=0)}
        self.minilm_mean = minilm.mean(axis=0)
        wanted = distil.unit(minilm - self.minilm_mean)
        self.to_minilm = {}
        for language, vectors in (("en", en), ("zh", zh)):
            x = distil.unit(vectors - self.mean[language])
            self.to_minilm[language] = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]),
                                                       x.T @ wanted).astype(np.float32)
        self.axes = None

    def e5(self, lines, language):
        return distil.unit(self.teachers.e5(lines) - self.mean[language])

    def join(self, e5, minilm):
        return distil.unit(np.concatenate([e5, MINILM * minilm], axis=1))

    def english(self, lines):
        return self.join(self.e5(lines, "en"),
                         distil.unit(self.teachers.minilm(lines) - self.minilm_mean))

    def guess(self, e5, language):
        """Without a vector of the second teacher: what the first one's lets expect."""
        return self.join(e5, distil.unit(e5 @ self.to_minilm[language]))

    def chinese(self, lines):
        return self.guess(self.e5(lines, "zh"), "zh")

    def translations(self, english, chinese):
        e5 = (ENGLISH_SHARE * self.e5(english, "en") +
              (1 - ENGLISH_SHARE) * self.e5(chinese, "zh"))
        return self.join(distil.unit(e5),
                         distil.unit(self.teachers.minilm(english) - self.minilm_mean))

    def turn(self, english, chinese):
        """Chooses the axes, both languages counting the same; returns English, then Chinese."""
        joint = np.concatenate([english, chinese])
        weight = np.repeat([0.5 / len(english), 0.5 / len(chinese)], [len(english), len(chinese)])
        _, axes = np.linalg.eigh((joint * weight[:, None]).T @ joint)
        self.axes = axes[:, ::-1][:, :DIM].astype(np.float32)
        return distil.unit(joint @ self.axes)


def first_rows(tokens, vectors, space, frequency):
    """Each token through the teacher, weighted by its frequency."""
    is_zh = np.array([has_chinese(token) for token in tokens])
    rows = np.zeros((len(tokens), DIM), np.float32)
    for language, chosen in (("en", ~is_zh), ("zh", is_zh)):
        e5 = distil.unit(vectors[chosen] - space.mean[language])
        rows[chosen] = distil.unit(space.guess(e5, language) @ space.axes)
    rows *= (SIF / (SIF + frequency))[:, None]
    for token in (vocabulary.PAD, vocabulary.UNKNOWN):
        rows[tokens.index(token)] = 0
    return rows


def labelled_pairs(data, count):
    """STS-B train in all four combinations of languages."""
    a, b, scores = [], [], []
    pairs = {language: sets.stsb(data, language, "train") for language in ("en", "zh")}
    for left in pairs.values():
        for right in pairs.values():
            a += [p[0] for p in left]
            b += [p[1] for p in right]
            scores += [p[2] for p in left]
    return count(a), count(b), np.array(scores, np.float32)


def digest(*parts):
    """Of all that the training depends on."""
    whole = hashlib.sha256(repr((FIRST, SECOND)).encode())
    for part in parts:
        whole.update(np.ascontiguousarray(part))
    return whole.hexdigest()[:16]


def trained(work, start, counted, targets, labels, seed):
    path = work / f"rows-{seed}-{digest(start, counted.indices, counted.data, targets)}.npy"
    if path.exists():
        return np.load(path)
    rows, rng = start.copy(), np.random.default_rng(seed)
    distil.train(rows, counted, targets, FIRST, rng)
    distil.train(rows, counted, targets, SECOND, rng, labels)
    say("trained")
    unfinished = path.with_suffix(".tmp.npy")
    np.save(unfinished, rows)
    unfinished.rename(path)
    return rows


def turn_to_axes(rows, counted, n_english):
    """A cut keeps the most of what was learned; axes along which vectors vary little count less."""
    square = np.zeros((DIM, DIM))
    for texts_of_one in (counted[:n_english], counted[n_english:]):
        vectors = distil.unit(np.asarray(texts_of_one @ rows))
        square += vectors.T @ vectors / len(vectors)
    spread, axes = np.linalg.eigh(square)
    spread, axes = np.sqrt(spread[::-1] / spread[-1]), axes[:, ::-1]
    return (rows @ axes * spread**TAPER).astype(np.float32)


def quantize(rows):
    """Numbers of 8 bits, and the scale of each row."""
    scales = (np.abs(rows).max(axis=1) / 127).astype(np.float32)
    scales[scales == 0] = 1
    return np.rint(rows / scales[:, None]).astype(np.int8), scales


def write_model(folder, tokenizer, numbers, scales):
    folder.mkdir(parents=True, exist_ok=True)
    header = json.dumps({
        "__metadata__": {"model": NAME, "version": VERSION},
        "scales": {"dtype": "F32", "shape": [len(scales)], "data_offsets": [0, scales.nbytes]},
        "embeddings": {"dtype": "I8", "shape": list(numbers.shape),
                       "data_offsets": [scales.nbytes, scales.nbytes + numbers.nbytes]},
    }, separators=(",", ":")).encode()
    header += b" " * (-(len(header) + 8) % 64)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header +
                                               scales.tobytes() + numbers.tobytes())
    (folder / "tokenizer.json").write_text(tokenizer.to_str() + "\n", encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(
        {"name": NAME, "version": VERSION, "license": LICENSE, "pooling": "mean", "normalize": True,
         "scripts": ["Hani", "Latn"]}) + "\n")


def dev_figures(rows, count, data):
    vectors = measures.Vectors(lambda lines: np.asarray(count(lines) @ rows))
    en, zh = sets.stsb(data, "en", "dev"), sets.stsb(data, "zh", "dev")
    parts = []
    for width in (256, 128, 64):
        values = [measures.pair_score(vectors, en, measures.spearman, width),
                  measures.pair_score(vectors, zh, measures.spearman, width),
                  measures.across(vectors, en, zh, width),
                  measures.pair_score(vectors, sets.sick(data), measures.spearman, width),
                  measures.pair_score(vectors, sets.lcqmc(data), measures.auc, width)]
        parts.append(f"{width}: " + " ".join(f"{value:.4f}" for value in values))
    return "dev: English, Chinese, across, SICK, LCQMC  " + " | ".join(parts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--work", default=Path("build/builtin"), type=Path)
    parser.add_argument("--output", default=Path("model/bundle/builtin") / NAME, type=Path)
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--dev", action="store_true", help="print figures on the dev sets")
    options = parser.parse_args()
    started = time.time()

    sources = list(texts.sources(options.data, options.work))
    english = [line for _, en, _ in sources for line in en]
    chinese = [line for _, _, zh in sources for line in zh]
    tokens = vocabulary.make(options.data, english + chinese, CHINESE_WORDS)
    tokenizer = vocabulary.tokenizer(tokens)
    say(f"{len(english)} English and {len(chinese)} Chinese lines, {len(tokens)} tokens")

    teachers = Teachers(options.work)
    pairs = [(en, zh) for _, en, zh in sources if zh]
    space = Space(teachers, [line for en, _ in pairs for line in en],
                  [line for _, zh in pairs for line in zh])
    token_vectors = teachers.e5(tokens)
    english_only = [line for _, en, zh in sources if not zh for line in en]
    everyday = [line for name, en, _ in sources if name != "banking77" for line in en]
    new_english, new_chinese = augment.make(tokens, token_vectors, tokenizer, everyday, chinese, NEW,
                                            options.seed)
    say(f"{len(new_english)} and {len(new_chinese)} new sentences")

    lines = [line for en, _ in pairs for line in en] + english_only + new_english
    n_english = len(lines)
    lines += [line for _, zh in pairs for line in zh] + new_chinese
    targets = space.turn(
        space.english(lines[:n_english]),
        np.concatenate([*(space.translations(en, zh) for en, zh in pairs),
                        space.chinese(new_chinese)]))
    unknown_id = tokens.index(vocabulary.UNKNOWN)

    def count(some):
        return distil.counts(tokenizer, some, unknown_id)

    counted = count(lines)
    frequency = np.asarray(counted.sum(axis=0)).ravel() + 1
    start = first_rows(tokens, token_vectors, space, frequency / frequency.sum())
    labels = labelled_pairs(options.data, count)
    rows = np.mean([trained(options.work, start, counted, targets, labels, options.seed + i)
                    for i in range(RUNS)], axis=0)
    rows = turn_to_axes(rows, counted, n_english)
    numbers, scales = quantize(rows)
    if options.dev:
        say(dev_figures(rows, count, options.data))
        say("in 8 bits: " + dev_figures(numbers * scales[:, None], count, options.data))
    write_model(options.output, tokenizer, numbers, scales)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    say(f"{options.output}, after {time.time() - started:.0f} s, {peak:.1f} GB at most")


if __name__ == "__main__":
    main()
