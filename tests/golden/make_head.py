#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/head.json: heads that scikit-learn trained, as files of ours, and what it says of vectors.

    python3 -m venv venv && venv/bin/pip install --no-deps -r tools/builtin/requirements.txt
    venv/bin/python tests/golden/make_head.py > tests/golden/head.json
"""
import json
import sys

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

VERSION = "1.9.1"
DIM, SEEN, ASKED = 6, 60, 20


def float32(x):
    """Numbers that float32 holds, so that both sides start from the same."""
    return np.asarray(x, np.float32).astype(float)


def rounded(model):
    for part in getattr(model, "estimators_", [model]):
        part.coef_, part.intercept_ = float32(part.coef_), float32(part.intercept_)
    return model


def case(kind, head, asked, logits, p):
    return {"kind": kind, "head": head, "vectors": asked.tolist(),
            "logits": np.reshape(logits, (len(asked), -1)).tolist(), "probabilities": p.tolist()}


def cases():
    rng = np.random.default_rng(1)
    seen, asked = float32(rng.normal(size=(SEEN, DIM))), float32(rng.normal(size=(ASKED, DIM)))
    for labels in (["bad", "good"], ["苹果", "pear", "plum", "\"quoted\""]):
        truth = rng.integers(0, len(labels), SEEN)
        model = rounded(LogisticRegression(C=10).fit(seen, truth))
        head = {"labels": labels, "weight": model.coef_.tolist(), "bias": model.intercept_.tolist()}
        kind = "binary" if len(labels) == 2 else "multi-class"
        yield case(kind, head, asked, model.decision_function(asked), model.predict_proba(asked))
    truth = rng.integers(0, 2, (SEEN, 3))
    model = rounded(OneVsRestClassifier(LogisticRegression(C=10)).fit(seen, truth))
    head = {"labels": ["a", "b", "c"], "kind": "multi-label",
            "weight": [part.coef_[0].tolist() for part in model.estimators_],
            "bias": [float(part.intercept_[0]) for part in model.estimators_]}
    yield case("multi-label", head, asked, model.decision_function(asked), model.predict_proba(asked))


if sklearn.__version__ != VERSION:
    sys.exit(f"scikit-learn {VERSION} is pinned, not {sklearn.__version__}")
json.dump(list(cases()), sys.stdout, ensure_ascii=False)
print()
