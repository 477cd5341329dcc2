#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/evaluation.json: small sets of predictions, and the measures scikit-learn gives them.

    python3 -m venv venv && venv/bin/pip install --no-deps -r tools/builtin/requirements.txt
    venv/bin/python tests/golden/make_evaluation.py > tests/golden/evaluation.json

A truth of -1 is a label that the head does not know; here it is one more label, as the header says.
"""
import json
import sys
import warnings

import numpy as np
import sklearn
from sklearn import metrics

VERSION = "1.9.1"
THRESHOLDS = [np.float32(i / 100) for i in range(101)]
CLIP = 1e-15


def number(x):
    return None if x is None or np.isnan(x) else float(x)


def averages(truth, predicted, **options):
    found = metrics.precision_recall_fscore_support(truth, predicted, zero_division=0, **options)
    return [number(x) for x in found[:3]]


def calibration(p, is_right):
    p, is_right = np.asarray(p, dtype=float), np.asarray(is_right, dtype=float)
    place = np.minimum((p * 15).astype(int), 14)
    bins, error = [], 0
    for i in range(15):
        inside = place == i
        if not inside.any():
            bins.append([0, None, None])
            continue
        confidence, accuracy = p[inside].mean(), is_right[inside].mean()
        bins.append([int(inside.sum()), number(confidence), number(accuracy)])
        error += inside.mean() * abs(accuracy - confidence)
    return bins, float(error)


def best(curve, column):
    """The best point, of equals the one nearest to 0.5, then the lower one; -1: all are 0."""
    values = [point[column] for point in curve]
    at = max(range(101), key=lambda i: (values[i], -abs(i - 50), -i))
    return at if values[at] > 0 else -1


def common(truth, predicted, n_labels):
    """What heads that answer with one label have; truth n_labels: not known."""
    each = metrics.precision_recall_fscore_support(truth, predicted, labels=range(n_labels), zero_division=0)
    matrix = metrics.confusion_matrix(truth, predicted, labels=range(n_labels + 1))
    pairs = [[t if t < n_labels else -1, p, int(matrix[t, p])]
             for t in range(n_labels + 1) for p in range(n_labels) if t != p and matrix[t, p]]
    return {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "micro": averages(truth, predicted, average="micro"),
        "macro": averages(truth, predicted, average="macro"),
        "weighted": averages(truth, predicted, average="weighted"),
        "classes": [[number(each[0][i]), number(each[1][i]), number(each[2][i]), int(each[3][i]),
                     int((predicted == i).sum()), int(matrix[i, i])] for i in range(n_labels)],
        "pairs": sorted(pairs, key=lambda x: (-x[2], x[0] if x[0] >= 0 else n_labels, x[1])),
        "n_unknown": int((truth == n_labels).sum()),
    }


def loss(truth, p):
    known = truth < p.shape[1]
    p = np.clip(p[known].astype(np.float64), CLIP, 1 - CLIP)
    if p.shape[1] < 2:  # scikit-learn wants two labels
        return -np.log(p).mean()
    with warnings.catch_warnings():  # clipped rows do not sum to 1
        warnings.simplefilter("ignore")
        return metrics.log_loss(truth[known], p, labels=range(p.shape[1]))


def binary(p, truth, thresholds):
    threshold = np.float32(thresholds[0] if thresholds else 0.5)
    predicted = (p[:, 1] >= threshold).astype(int)
    known = truth < 2
    result = common(truth, predicted, 2)
    bins, error = calibration(p[np.arange(len(p)), predicted], predicted == truth)
    curve = []
    for t in THRESHOLDS:
        at = (p[:, 1] >= t).astype(int)
        curve.append([int(at.sum()), *averages(truth, at, labels=[1], average="macro"),
                      metrics.accuracy_score(truth, at), None])
    only_one = len(set(truth[known])) < 2
    return result | {
        "log_loss": loss(truth, p), "calibration_error": error, "bins": bins, "curve": curve,
        "roc_auc": None if only_one else metrics.roc_auc_score(truth[known], p[known, 1]),
        "best_f1": best(curve, 3), "best_accuracy": best(curve, 4),
    }


def top_k(p, truth, k):
    """scikit-learn gives equals to the last label; turned round, to the first."""
    n_labels = p.shape[1]
    if n_labels <= 5:
        return None
    known = truth < n_labels
    right = metrics.top_k_accuracy_score(n_labels - 1 - truth[known], p[known, ::-1], k=k, labels=range(n_labels),
                                         normalize=False)
    return right / len(truth)


def multi_class(p, truth, _):
    predicted = p.argmax(axis=1)
    result = common(truth, predicted, p.shape[1])
    confidence = p.max(axis=1)
    bins, error = calibration(confidence, predicted == truth)
    curve = []
    for t in THRESHOLDS:
        kept = confidence >= t
        accuracy = metrics.accuracy_score(truth[kept], predicted[kept]) if kept.any() else None
        curve.append([int(kept.sum()), None, None, None, accuracy, float(kept.mean())])
    return result | {
        "log_loss": loss(truth, p), "calibration_error": error, "bins": bins, "curve": curve,
        "top_3": top_k(p, truth, 3), "top_5": top_k(p, truth, 5), "best_f1": -1, "best_accuracy": -1,
    }


def multi_label(p, truth, thresholds):
    """truth: a column a label, and one for labels that are not known where there are such."""
    n_labels = p.shape[1]
    more = np.zeros((len(p), truth.shape[1] - n_labels), dtype=int)
    limits = np.array(thresholds or [0.5] * n_labels, dtype=np.float32)
    predicted = np.hstack([(p >= limits).astype(int), more])
    each = metrics.precision_recall_fscore_support(truth, predicted, average=None, zero_division=0)
    bins, error = calibration(p.ravel(), truth[:, :n_labels].ravel())
    curve = []
    for t in THRESHOLDS:
        at = np.hstack([(p >= t).astype(int), more])
        curve.append([int(at.sum()), *averages(truth, at, average="micro"), None, None])
    cells = p.astype(np.float64).ravel()
    return {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "hamming_loss": metrics.hamming_loss(truth, predicted),
        "micro": averages(truth, predicted, average="micro"),
        "macro": averages(truth, predicted, average="macro"),
        "weighted": averages(truth, predicted, average="weighted"),
        "classes": [[number(each[0][i]), number(each[1][i]), number(each[2][i]), int(each[3][i]),
                     int(predicted[:, i].sum()), int((predicted[:, i] & truth[:, i]).sum())] for i in range(n_labels)],
        "pairs": [], "n_unknown": int(truth[:, n_labels:].sum()),
        "log_loss": loss(truth[:, :n_labels].ravel(), np.stack([1 - cells, cells], axis=1)),
        "calibration_error": error, "bins": bins, "curve": curve, "best_f1": best(curve, 3), "best_accuracy": -1,
    }


def softmax(x):
    x = np.exp(x - x.max(axis=1, keepdims=True))
    return (x / x.sum(axis=1, keepdims=True)).astype(np.float32)


def case(name, kind, p, truth, thresholds=None):
    """truth: label numbers, for multi-label lists of them; -1 is unknown."""
    p = np.asarray(p, dtype=np.float32)
    n_labels = p.shape[1]
    if kind == "multi-label":
        has_unknown = any(-1 in labels for labels in truth)
        table = np.zeros((len(p), n_labels + has_unknown), dtype=int)
        for i, labels in enumerate(truth):
            table[i, labels] = 1  # -1: the last column
        expected = multi_label(p, table, thresholds)
        given = [[int(x) for x in labels] for labels in truth]
    else:
        function = binary if kind == "binary" else multi_class
        numbers = np.array([t if t >= 0 else n_labels for t in truth])
        expected = function(p, numbers, thresholds)
        given = [[int(t)] for t in truth]
    return {"name": name, "kind": kind, "n_labels": n_labels, "thresholds": thresholds, "truth": given,
            "p": [[float(x) for x in row] for row in p], "expected": expected}


def two(p):
    p = np.asarray(p, dtype=np.float32)
    return np.stack([np.float32(1) - p, p], axis=1)


def main():
    assert sklearn.__version__ == VERSION, sklearn.__version__
    random = np.random.default_rng(9)
    noisy = np.clip(random.normal(size=60) * 0.25 + np.repeat([0.4, 0.6], 30), 0, 1)
    ties = np.array([0, 0.1, 0.3, 0.3, 0.5, 0.5, 0.5, 0.7, 0.7, 0.9, 1, 1])
    seven = softmax(random.normal(size=(50, 7)) * 2)
    flat = np.full((8, 8), 0.125)
    rounded = np.round(softmax(random.normal(size=(40, 9)) * 1.5) * 20) / 20
    four = np.clip(random.normal(size=(30, 4)) * 0.3 + 0.4, 0, 1)
    some = [[j for j in range(4) if four[i, j] + random.normal() * 0.2 > 0.5] for i in range(30)]
    likely = [int(random.choice(7, p=row.astype(float) / row.astype(float).sum())) for row in seven]
    cases = [
        case("noisy", "binary", two(noisy), np.repeat([0, 1], 30)),
        case("ties, threshold 0.7", "binary", two(ties), [0, 0, 1, 0, 1, 0, 1, 1, 0, 1, 1, 0], [0.7]),
        case("only negative", "binary", two([0.1, 0.6, 0.2]), [0, 0, 0]),
        case("only positive, none found", "binary", two([0.1, 0.3, 0.2]), [1, 1, 1]),
        case("unknown truth", "binary", two([0.1, 0.6, 0.2, 0.9, 0.8]), [0, -1, 1, 1, -1]),
        case("only unknown truth but one", "binary", two([0.1, 0.6]), [-1, 1]),
        case("seven labels", "multi-class", seven, likely),
        case("absent labels", "multi-class", seven, [t % 3 for t in likely]),
        case("unknown labels", "multi-class", seven, [t if i % 4 else -1 for i, t in enumerate(likely)]),
        case("all equal", "multi-class", flat, [0, 1, 2, 3, 4, 5, 6, 0]),
        case("many ties", "multi-class", rounded, [i % 9 for i in range(40)]),
        case("certain and wrong", "multi-class", [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [0, 2, 2]),
        case("one label", "multi-class", [[1], [1]], [0, 0]),
        case("four labels", "multi-label", four, some),
        case("own thresholds", "multi-label", four, some, [0.25, 0.5, 0.75, 1.0]),
        case("unknown among the labels", "multi-label", four, [x + [-1] * (i % 5 == 0) for i, x in enumerate(some)]),
        case("nothing true, nothing predicted", "multi-label", [[0.1, 0.2], [0.3, 0.4]], [[], []]),
        case("certain and wrong", "multi-label", [[1, 0], [0, 1]], [[1], [1]]),
    ]
    json.dump(cases, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
