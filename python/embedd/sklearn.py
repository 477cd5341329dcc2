# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's estimators: texts to vectors, and to labels."""
from __future__ import annotations

import os
from typing import Any

import numpy as np
from sklearn.base import (BaseEstimator, ClassifierMixin,  # type: ignore[import-untyped,unused-ignore]
                          ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone)
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped,unused-ignore]
from sklearn.utils.multiclass import check_classification_targets  # type: ignore[import-untyped,unused-ignore]
from sklearn.utils.validation import (check_consistent_length, check_is_fitted,  # type: ignore[import-untyped,unused-ignore]
                                      column_or_1d)

from ._model import Model


class _OfTexts(BaseEstimator):  # type: ignore[misc,unused-ignore]
    """X is one column of texts, as embedd.Model.encode takes them."""

    model: str | os.PathLike[str]
    threads: int

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags

    def _open(self) -> Model:
        return Model(self.model, threads=self.threads)


class EmbeddTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, _OfTexts):  # type: ignore[misc,unused-ignore]
    """Texts to vectors (n, dimensions) float32; the arguments are those of embedd.Model and its encode. It learns
    nothing: fit opens the model."""

    def __init__(self, model: str | os.PathLike[str] = "builtin", *, dimensions: int | None = None,
                 normalize: bool | None = None, pooling: str | None = None, prompt: str | None = None,
                 threads: int = 0) -> None:
        self.model = model
        self.dimensions = dimensions
        self.normalize = normalize
        self.pooling = pooling
        self.prompt = prompt
        self.threads = threads

    def fit(self, X: Any, y: Any = None) -> EmbeddTransformer:
        opened = self._open()
        self._n_features_out = self._encode(opened, []).shape[1]
        self.model_ = opened
        return self

    def transform(self, X: Any) -> np.ndarray[Any, Any]:
        check_is_fitted(self)
        if isinstance(X, str):
            raise ValueError("X is a str, not a list or an array of them")
        return self._encode(self.model_, X)

    def _encode(self, model: Model, texts: Any) -> np.ndarray[Any, Any]:
        return model.encode(texts, dimensions=self.dimensions, normalize=self.normalize, pooling=self.pooling,
                            prompt=self.prompt)


class EmbeddClassifier(ClassifierMixin, _OfTexts):  # type: ignore[misc,unused-ignore]
    """Texts to labels: `estimator`, a classifier of vectors (None: LogisticRegression), fitted to the model's vectors
    of the texts."""

    def __init__(self, model: str | os.PathLike[str] = "builtin", *, estimator: Any = None, threads: int = 0) -> None:
        self.model = model
        self.estimator = estimator
        self.threads = threads

    def fit(self, X: Any, y: Any) -> EmbeddClassifier:
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.transformer_ = EmbeddTransformer(self.model, threads=self.threads).fit(X)
        vectors = self.transformer_.transform(X)
        check_consistent_length(vectors, y)
        made = LogisticRegression(max_iter=1000) if self.estimator is None else clone(self.estimator)
        self.estimator_ = made.fit(vectors, y)
        self.classes_ = self.estimator_.classes_
        return self

    def _vectors(self, X: Any) -> np.ndarray[Any, Any]:
        check_is_fitted(self)
        return self.transformer_.transform(X)

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        return self.estimator_.predict(self._vectors(X))  # type: ignore[no-any-return]

    def predict_proba(self, X: Any) -> np.ndarray[Any, Any]:
        return self.estimator_.predict_proba(self._vectors(X))  # type: ignore[no-any-return]

    def decision_function(self, X: Any) -> np.ndarray[Any, Any]:
        return self.estimator_.decision_function(self._vectors(X))  # type: ignore[no-any-return]


class HeadClassifier(ClassifierMixin, _OfTexts):  # type: ignore[misc,unused-ignore]
    """Texts to labels by a head that the model brings (`embedd train`, fastText's labels ...). It learns nothing: fit
    opens the model. head: its name; None: the default one."""

    def __init__(self, model: str | os.PathLike[str], *, head: str | None = None, threads: int = 0) -> None:
        self.model = model
        self.head = head
        self.threads = threads

    def fit(self, X: Any = None, y: Any = None) -> HeadClassifier:
        opened = self._open()
        about = opened.head(self.head)
        if about.kind != "multi-class" and len(about.labels) != 2:
            raise ValueError(f"the head {about.name!r} is {about.kind}: a text may have several of its labels; take "
                             "embedd.Model.classify")
        self._order = np.argsort(about.labels)
        self.classes_ = np.array(about.labels)[self._order]
        self.model_ = opened
        return self

    def predict_proba(self, X: Any) -> np.ndarray[Any, Any]:
        """(n, labels) float32, in the order of classes_."""
        check_is_fitted(self)
        answers = self.model_.classify(X, head=self.head)
        if (answers.labels < 0).any():
            raise ValueError(f"X[{int(np.argmax(answers.labels[:, 0] < 0))}] is null, which has no label")
        found = np.empty(answers.probabilities.shape, np.float32)
        np.put_along_axis(found, answers.labels.astype(np.intp), answers.probabilities, axis=1)
        return found[:, self._order]

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """The likeliest label of each."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]  # type: ignore[no-any-return]
