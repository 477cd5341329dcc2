# SPDX-License-Identifier: Apache-2.0
"""The labelled sets that sentence vectors are measured on, and the measures.

A set is a list of pairs (text, text, score) or of (text, label). Where to get the files, with
their checksums: docs/MODEL.md.
"""

import csv
import io
import random
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import scipy.sparse
from scipy.stats import rankdata, spearmanr
from sklearn.linear_model import LogisticRegressionCV
from sklearn.preprocessing import normalize


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


def lcqmc(data):
    return [(a, b, float(s)) for a, b, s in _tsv(Path(data) / "lcqmc-dev.tsv")]


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


def tatoeba(data):
    return [(row[0], row[1]) for row in _tsv(Path(data) / "tatoeba-en-zh.tsv")]


def ask_program(program, texts, *arguments):
    """What a command of the program prints about the texts, which it gets a line each."""
    lines = "".join(" ".join(text.split("\n")) + "\n" for text in texts).encode()
    return subprocess.run([program, *arguments, "-"], input=lines, stdout=subprocess.PIPE,
                          check=True).stdout


# ---- measures ----

def cosines(a, b):
    """Row by row; arrays or sparse matrices. A row of zeros is like nothing: 0."""
    a, b = normalize(a), normalize(b)
    product = a.multiply(b) if scipy.sparse.issparse(a) else a * b
    return np.asarray(product.sum(axis=1)).ravel()


def spearman(found, wanted):
    return float(spearmanr(found, wanted)[0])


def auc(found, wanted):
    """The share of pairs (a 1, a 0) in which the 1 has the larger value; ties count a half."""
    ranks, ones = rankdata(found), np.asarray(wanted) > 0
    n = ones.sum()
    return float((ranks[ones].sum() - n * (n + 1) / 2) / (n * (len(ones) - n)))


class Vectors:
    """Vectors of texts by `embed` (list of texts -> array or sparse matrix), each asked for once."""

    def __init__(self, embed):
        self.embed, self.index, self.rows = embed, {}, None

    def __call__(self, texts):
        new = [t for t in dict.fromkeys(texts) if t not in self.index]
        if new:
            made, n = self.embed(new), len(self.index)
            self.index.update((t, n + i) for i, t in enumerate(new))
            stack = scipy.sparse.vstack if scipy.sparse.issparse(made) else np.concatenate
            self.rows = made if self.rows is None else stack([self.rows, made])
            if scipy.sparse.issparse(made):
                self.rows = self.rows.tocsr()
        return self.rows[[self.index[t] for t in texts]]


def pair_score(vectors, pairs, measure, dims=None):
    a = vectors([p[0] for p in pairs])[:, :dims]
    b = vectors([p[1] for p in pairs])[:, :dims]
    return measure(cosines(a, b), [p[2] for p in pairs])


def across(vectors, english, chinese, dims=None):
    """Mean of both ways: English with Chinese, Chinese with English."""
    ways = [[(e[0], z[1], e[2]) for e, z in zip(english, chinese)],
            [(z[0], e[1], e[2]) for e, z in zip(english, chinese)]]
    return float(np.mean([pair_score(vectors, way, spearman, dims) for way in ways]))


def classify(vectors, train, test):
    """Accuracy of logistic regression; its C is chosen by three folds of the training rows."""
    model = LogisticRegressionCV(Cs=[1, 10, 100], cv=3, max_iter=2000, l1_ratios=(0,),
                                 scoring="accuracy", use_legacy_attributes=False)
    model.fit(vectors([t for t, _ in train]), [label for _, label in train])
    return float(model.score(vectors([t for t, _ in test]), [label for _, label in test]))
