#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/skops/: classifiers as skops writes them, and cases.json, what scikit-learn says of vectors.

    python3 -m venv venv && venv/bin/pip install --no-deps -r tests/golden/requirements-skops.txt
    venv/bin/python tests/golden/make_skops.py tests/golden/skops

skops calls members by addresses, so the files' bytes differ from run to run; what they hold does not.
"""
import json
import pathlib
import sys
import warnings
import zipfile

import numpy as np
import sklearn
import skops
import skops.io
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

VERSIONS = ("1.9.1", "0.16.0")
DIM, HIDDEN, SEEN, ASKED = 4, 3, 60, 40
rng = np.random.default_rng(7)


def float32(x):
    """Numbers that float32 holds, so that both sides start from the same."""
    return np.asarray(x, np.float32).astype(float)


seen, asked = float32(rng.normal(size=(SEEN, DIM))), float32(rng.normal(size=(ASKED, DIM)))


def some(*labels):
    """Labels that the vectors of `seen` tell something of."""
    scores = seen @ rng.normal(size=(DIM, len(labels))) + rng.normal(size=(SEEN, len(labels)))
    return np.array(labels)[scores.argmax(axis=1)]


def mlp(*hidden, **settings):
    return MLPClassifier(hidden, solver="lbfgs", max_iter=30, alpha=0.1, random_state=1, **settings)


def trained_elsewhere(hidden, labels, activation):
    """What model2vec writes of a network of torch: fitted on noise, one vector a label, then given the network's own
    numbers (float32, columns together), an output a label and the activation."""
    pipeline = make_pipeline(MLPClassifier(hidden, max_iter=3, random_state=1))
    pipeline.fit(rng.normal(size=(len(labels), DIM)), np.array(labels))
    head, sizes = pipeline[-1], (DIM, *hidden, len(labels))
    for i, (n_in, n_out) in enumerate(zip(sizes, sizes[1:])):
        head.coefs_[i] = rng.normal(size=(n_out, n_in)).astype(np.float32).T
        head.intercepts_[i] = rng.normal(size=n_out).astype(np.float32)
    head.n_outputs_, head.out_activation_ = len(labels), activation
    return pipeline


def fitted(truth, *steps):
    return make_pipeline(*steps).fit(seen, truth)


def cases():
    yield "mlp_binary", "binary", fitted(some("bad", "good"), mlp(HIDDEN))
    yield "mlp_classes", "multi-class", fitted(some("苹果", "pear", "plum \"quoted\"", "🍎"), mlp(HIDDEN))
    yield "mlp_labels", "multi-label", fitted(rng.integers(0, 2, (SEEN, 3)), mlp(HIDDEN))
    yield "mlp_linear", "multi-class", fitted(some(3, -1, 20), mlp(activation="tanh"))
    yield "mlp_scaled", "multi-class", fitted(some("a", "b", "c"), StandardScaler(), "passthrough",
                                              StandardScaler(with_mean=False), mlp(HIDDEN))
    yield "logistic_binary", "binary", fitted(some(False, True), LogisticRegression())
    yield "logistic_classes", "multi-class", fitted(some("a", "b", "c").astype(object), LogisticRegression())
    yield "logistic_alone", "multi-class", LogisticRegression(fit_intercept=False).fit(seen, some("a", "b", "c"))
    yield "logistic_scaled", "binary", fitted(some("a", "b"), StandardScaler(with_std=False), LogisticRegression())
    yield "sgd_binary", "binary", fitted(some("a", "b"), SGDClassifier(loss="log_loss", alpha=0.1, random_state=1))
    yield "model2vec_two", "multi-class", trained_elsewhere((HIDDEN,), ["bad", "good"], "softmax")
    yield "model2vec_classes", "multi-class", trained_elsewhere((HIDDEN,), ["a", "b", "c"], "softmax")
    yield "model2vec_labels", "multi-label", trained_elsewhere((HIDDEN,), ["a", "b", "c"], "logistic")
    yield "model2vec_linear", "multi-class", trained_elsewhere((), ["a", "b", "c"], "softmax")


def label(value):
    return str(value).lower() if isinstance(value, (bool, np.bool_)) else str(value)


def write(folder, name, kind, model):
    # One as skops writes it by default; the others packed, to be small.
    packing = zipfile.ZIP_STORED if name == "logistic_binary" else zipfile.ZIP_DEFLATED
    skops.io.dump(model, folder / f"{name}.skops", compression=packing)
    p, labels = model.predict_proba(asked), [label(one) for one in model.classes_]
    if kind == "multi-label":
        predicted = [[labels[i] for i in np.flatnonzero(row > 0.5)] for row in p]
    else:
        predicted = [[label(one)] for one in model.predict(asked)]
    return {"name": name, "kind": kind, "labels": labels, "probabilities": p.tolist(), "predicted": predicted}


def main():
    if (sklearn.__version__, skops.__version__) != VERSIONS:
        sys.exit("scikit-learn {} and skops {} are pinned".format(*VERSIONS))
    warnings.filterwarnings("ignore", category=sklearn.exceptions.ConvergenceWarning)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    golden = {"vectors": asked.tolist(), "cases": [write(folder, *case) for case in cases()]}
    (folder / "cases.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")


main()
