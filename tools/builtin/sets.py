# SPDX-License-Identifier: Apache-2.0
"""The labelled sets that sentence vectors are measured on.

A set is a list of pairs (text, text, score) or of (text, label). Where to get the files, with
their checksums: docs/MODEL.md.
"""

import csv
import hashlib
import io
import random
import subprocess
import unicodedata
import zipfile
from collections import Counter
from pathlib import Path

# The STS benchmark's files hold one genre after the other.
GENRES = {
    "dev": {"captions": slice(0, 625), "forums": slice(625, 1000), "news": slice(1000, 1500)},
    "test": {"captions": slice(0, 625), "forums": slice(625, 879), "news": slice(879, 1379)},
}
# Translations that nothing is learned from.
HELD_OUT, HELD_OUT_SEED = 2000, 1


def _csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def _tsv(path):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def stsb(data, language, split):
    return [(a, b, float(s)) for a, b, s in _csv(Path(data) / f"stsb-{language}-{split}.csv")]


def sick(data):
    return [(row[1], row[2], float(row[3])) for row in _tsv(Path(data) / "sick-train.tsv")[1:]]


def forums(data):
    """The forum pairs of STS-B dev by themselves, as SemEval 2015 has them."""
    return [(a, b, float(s)) for s, a, b in _tsv(Path(data) / "sts2015-answers-forums.tsv")]


def lcqmc(data):
    return [(a, b, float(s)) for a, b, s in _tsv(Path(data) / "lcqmc-dev.tsv")]


def afqmc(data):
    return [(a, b, float(s)) for a, b, s in _tsv(Path(data) / "afqmc-dev.tsv")]


def clinc150(data, split):
    return [(row[2], row[1]) for row in _tsv(Path(data) / "clinc150.tsv") if row[0] == split]


def banking77(data, split):
    return [(row[0], row[1]) for row in _csv(Path(data) / f"banking77-{split}.csv")[1:]]


def waimai(data, split):
    return [(row[1], row[0]) for row in _tsv(Path(data) / f"waimai-{split}.tsv")]


def shopping(data, split):
    """(category, 1 good or 0 bad, review); four fifths, in an order drawn once, are for training."""
    name = "online_shopping_10_cats"
    with zipfile.ZipFile(Path(data) / f"{name}.zip") as archive:
        text = archive.read(f"{name}.csv").decode()
    rows = [tuple(row) for row in csv.reader(io.StringIO(text, newline="")) if row[2]][1:]
    random.Random(0).shuffle(rows)
    n = len(rows) * 4 // 5
    return rows[:n] if split == "train" else rows[n:]


def plain(text):
    """Letters, digits and ideographs, in one case and width: what differs in more is another text."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if c.isalnum())


def held_out(pairs, n, seed=HELD_OUT_SEED):
    """Numbers of n pairs neither side of which stands in any other pair: whoever learns from the
    others has seen no sentence of these. Which they are depends on the texts alone."""
    sides = [[plain(text) for text in pair] for pair in pairs]
    counts = [Counter(side) for side in zip(*sides)]
    alone = [i for i, both in enumerate(sides) if all(c[t] == 1 for c, t in zip(counts, both))]
    if len(alone) < n:
        raise ValueError(f"{n} pairs are to be held out, and only {len(alone)} have texts of their own")

    def drawn(i):
        return hashlib.sha256("\t".join([str(seed), *sides[i]]).encode()).digest()
    return set(sorted(alone, key=drawn)[:n])


def tatoeba(data, split):
    """(English, Chinese); "train" for learning, "held" for measuring, "all"."""
    pairs = [(row[0], row[1]) for row in _tsv(Path(data) / "tatoeba-en-zh.tsv")]
    if split == "all":
        return pairs
    held = held_out(pairs, HELD_OUT)
    return [pair for i, pair in enumerate(pairs) if (i in held) == (split == "held")]


def ask_program(program, texts, *arguments):
    """What a command of the program prints about the texts, which it gets a line each."""
    lines = "".join(" ".join(text.split("\n")) + "\n" for text in texts).encode()
    return subprocess.run([program, *arguments, "-"], input=lines, stdout=subprocess.PIPE,
                          check=True).stdout
