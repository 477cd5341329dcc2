# SPDX-License-Identifier: Apache-2.0
"""The figures that sentence vectors are judged by: which sets, which measure, what is aimed at."""

from collections import namedtuple
from pathlib import Path

import numpy as np
import probes
import sets
from measures import (across, auc, cosines, duplicate_at_1, label_at_1, pair_score, spearman,
                      translation_at_1)

# measure(vectors, columns) -> number; `language`: en, zh or both, that a model must know; `cuts`:
# whether it is also measured at fewer columns.
Figure = namedtuple("Figure", "table name language measure target cuts")
CUTS = {128: 0.015, 64: 0.04}  # columns, and how much may be lost
SCRIPT_LOSS = 0.005

TARGETS = {
    "STS-B test English": 0.815, "STS-B test Chinese": 0.78, "STS-B test across": 0.705,
    "SICK train": 0.735, "forum pairs": 0.755, "LCQMC dev, AUC": 0.84, "AFQMC dev, AUC": 0.64,
    "Tatoeba held out, English to Chinese": 0.92, "Tatoeba held out, Chinese to English": 0.92,
    "banking77": 0.912, "waimai": 0.89,
}
# Not learned from, but for banking77's training rows (without labels) and STS-B's.
TABLES = {
    "similarity": "Likeness: Spearman of the cosines with people's scores; AUC",
    "registers": "By register: Spearman of the cosines with people's scores; AUC",
    "retrieval": "Retrieval: share of queries whose nearest text of all is a right one",
    "classification": "Classification: accuracy of logistic regression on the vectors",
    "characters": "Characters: cosines, which should be 1",
}


def pairs_by(measure, pairs):
    return lambda vectors, columns: pair_score(vectors, pairs, measure, columns)


def across_by(left, right):
    return lambda vectors, columns: across(vectors, left, right, columns)


def by(measure, *arguments):
    return lambda vectors, _: measure(vectors, *arguments)


def cosine_by(reduce, pairs):
    def measure(vectors, columns):
        a, b = ([pair[i] for pair in pairs] for i in (0, 1))
        return float(reduce(cosines(vectors(a)[:, :columns], vectors(b)[:, :columns])))
    return measure


def accuracy(vectors, rows, test_rows=None):
    """Of logistic regression, its C chosen by three folds of the rows: on the test rows; without any,
    in the folds."""
    from sklearn.linear_model import LogisticRegressionCV  # slow to load
    model = LogisticRegressionCV(Cs=[1, 10, 100], cv=3, max_iter=2000, l1_ratios=(0,),
                                 scoring="accuracy", use_legacy_attributes=False,
                                 refit=test_rows is not None)
    features = vectors([text for text, _ in rows])
    seen = slice(None)
    if hasattr(features, "tocsc"):
        seen = features.getnnz(axis=0) > 0  # the others would keep weights of 0, after minutes
    model.fit(features[:, seen], [label for _, label in rows])
    if test_rows is None:
        return float(model.scores_.mean(axis=0).max())
    return float(model.score(vectors([text for text, _ in test_rows])[:, seen],
                             [label for _, label in test_rows]))


def similarity(data, split):
    en, zh = (sets.stsb(data, language, split) for language in ("en", "zh"))
    yield f"STS-B {split} English", "en", pairs_by(spearman, en), True
    yield f"STS-B {split} Chinese", "zh", pairs_by(spearman, zh), True
    yield f"STS-B {split} across", "both", across_by(en, zh), True
    yield "SICK train", "en", pairs_by(spearman, sets.sick(data)), False
    yield "forum pairs", "en", pairs_by(spearman, sets.forums(data)), False
    yield "LCQMC dev, AUC", "zh", pairs_by(auc, sets.lcqmc(data)), False
    yield "AFQMC dev, AUC", "zh", pairs_by(auc, sets.afqmc(data)), False


def registers(data, split):
    en, zh = (sets.stsb(data, language, split) for language in ("en", "zh"))
    for genre, part in sets.GENRES[split].items():
        yield f"STS-B {split} {genre}, English", "en", pairs_by(spearman, en[part]), False
        yield f"STS-B {split} {genre}, Chinese", "zh", pairs_by(spearman, zh[part]), False
        yield f"STS-B {split} {genre}, across", "both", across_by(en[part], zh[part]), False
    simplified = sets.stsb(data, "zh", "dev")
    traditional = probes.traditional_pairs(simplified)
    yield "STS-B dev simplified", "zh", pairs_by(spearman, simplified), False
    yield "STS-B dev traditional", "zh", pairs_by(spearman, traditional), False
    yield "STS-B dev mixed", "zh", across_by(simplified, traditional), False
    yield ("LCQMC dev traditional, AUC", "zh",
           pairs_by(auc, probes.traditional_pairs(sets.lcqmc(data))), False)


def retrieval(data, _):
    held = sets.tatoeba(data, "held")
    en, zh = (sets.stsb(data, language, "dev") for language in ("en", "zh"))
    translations = list(dict.fromkeys((e[i], z[i]) for e, z in zip(en, zh) for i in (0, 1)))
    for name, pairs in (("Tatoeba held out", held), ("STS-B dev", translations)):
        yield f"{name}, English to Chinese", "both", by(translation_at_1, pairs), False
        yield (f"{name}, Chinese to English", "both",
               by(translation_at_1, [pair[::-1] for pair in pairs]), False)
    yield "LCQMC dev, question to duplicate", "zh", by(duplicate_at_1, sets.lcqmc(data)), False
    yield "AFQMC dev, question to duplicate", "zh", by(duplicate_at_1, sets.afqmc(data)), False
    yield ("banking77 train, query to one of its intent", "en",
           by(label_at_1, sets.banking77(data, "train")), False)
    yield ("CLINC150 val, query to one of its intent in train", "en",
           by(label_at_1, sets.clinc150(data, "val"), sets.clinc150(data, "train")), False)


def classification(data, split):
    for name, language, read in (("banking77", "en", sets.banking77), ("waimai", "zh", sets.waimai)):
        if split == "test":
            yield name, language, by(accuracy, read(data, "train"), read(data, "test")), False
        else:
            yield f"{name} train, three folds", language, by(accuracy, read(data, "train")), False


def characters(data, _):
    en, zh = (sets.stsb(data, language, "dev") for language in ("en", "zh"))
    some_en = [a for a, _, _ in en[::5]]
    some_zh = [a for a, _, _ in zh[::5]]
    wide = [(probes.full_width(text), text) for text in some_en]
    traditional = list(zip(probes.traditional(some_zh), some_zh))
    for name, language, pairs in (
            ("with a rare character and without", "both", probes.rare()),
            ("full width and half", "en", wide),
            ("traditional and simplified sentences", "zh", traditional),
            ("traditional and simplified words", "zh", probes.SCRIPTS),
            ("Taiwan's and the mainland's words", "zh", probes.TAIWAN)):
        yield f"{name}, mean", language, cosine_by(np.mean, pairs), False
        yield f"{name}, lowest", language, cosine_by(np.min, pairs), False


def all_of(data, split):
    """split: that of the sets which have splits, dev or test."""
    data = Path(data)
    for table in (similarity, registers, retrieval, classification, characters):
        for name, language, measure, cuts in table(data, split):
            yield Figure(table.__name__, name, language, measure, TARGETS.get(name), cuts)


def measured(figures, vectors, languages, cuts=(), say=lambda name, value: None):
    """{name: value} of those figures that a model of these languages (en, zh or both) has."""
    found = {}
    for figure in figures:
        if languages not in (figure.language, "both"):
            continue
        for columns in (None, *(cuts if figure.cuts else ())):
            name = f"{figure.name}, {columns} columns" if columns else figure.name
            found[name] = figure.measure(vectors, columns)
            say(name, found[name])
    return found


def losses(figures, found, cuts):
    """(name, value, target): what fewer columns lose, and what other characters do."""
    for figure in figures:
        if figure.cuts:
            for columns in cuts:
                lost = found[figure.name] - found[f"{figure.name}, {columns} columns"]
                yield f"{figure.name}, lost by {columns} columns", lost, cuts[columns]
    simplified = found.get("STS-B dev simplified")
    for script in ("traditional", "mixed"):
        if simplified is not None:
            lost = simplified - found[f"STS-B dev {script}"]
            yield f"STS-B dev, lost by {script} characters", lost, SCRIPT_LOSS
