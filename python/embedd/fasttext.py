# SPDX-License-Identifier: Apache-2.0
"""fastText's names: `from embedd import fasttext` for `import fasttext`.

Its .bin and .ftz files give its own results (README.md lists what differs)."""
from __future__ import annotations

import os
import re
from functools import cached_property
from typing import Any

import numpy as np

from ._model import Head, Model

# fastText reports so much more than a label's probability, and never less than the threshold and this, but for what
# a logarithm rounds.
_ROUNDED_UP = 1e-5 * (1 - 1e-6)


BOW, EOW, EOS = "<", ">", "</s>"


def tokenize(text: str) -> list[str]:
    """The words of a text, EOS for each line end."""
    return [EOS if word == "\n" else word for word in re.findall(r"\n|[^ \n\r\t\v\f\0]+", text)]


def load_model(path: str | os.PathLike[str], *, label: str = "__label__") -> FastText:
    """label: what stood before the labels in the training file, as of train_supervised."""
    return FastText(Model(path), label)


def _check_line(text: Any, place: str = "text") -> str:
    if not isinstance(text, str):
        raise TypeError(f"{place} is {type(text).__name__}, not str" + ("; decode it" if isinstance(text, bytes) else ""))
    if "\n" in text:
        raise ValueError(f"{place} has a line end: predict processes one line at a time (remove '\\n')")
    return text


def _check_no_frequency(include_freq: bool) -> None:
    if include_freq:
        raise ValueError("include_freq must be False: frequencies are not kept")


class FastText:
    """A model; made by load_model."""

    def __init__(self, model: Model, label: str = "__label__") -> None:
        self.model = model
        self._prefix = label

    @cached_property
    def _head(self) -> Head | None:
        return self.model.head() if self.model.info.heads else None

    def is_quantized(self) -> bool:
        return self.model.info.dtype == "PQ"

    def get_dimension(self) -> int:
        return self.model.dimensions

    # ---- vectors ----

    def get_word_vector(self, word: str) -> np.ndarray[Any, Any]:
        """(dimension,) float32; of a word that is not known, by its n-grams."""
        _check_line(word, "word")
        if len(word.split(None, 1)) != 1 or word != word.strip():
            raise ValueError(f"word must have characters, and no white space, not {word!r}; get_sentence_vector takes texts")
        return self.model.encode(word, pooling="sum", normalize=False)

    def get_sentence_vector(self, text: str) -> np.ndarray[Any, Any]:
        """(dimension,) float32, of one line."""
        return self.model.encode(_check_line(text))

    def __getitem__(self, word: str) -> np.ndarray[Any, Any]:
        return self.get_word_vector(word)

    def get_nearest_neighbors(self, word: str, k: int = 10, on_unicode_error: str = "strict") -> list[tuple[float, str]]:
        """(cosine, word), the nearest first."""
        known = self.model.token_id(word)
        found = self.model.nearest(self.get_word_vector(word), k + 1, special=True)
        return [(near.similarity, near.token) for near in found if near.id != known][:k]

    # ---- labels ----

    def predict(self, text: Any, k: int = 1, threshold: float = 0.0, on_unicode_error: str = "strict") -> Any:
        """Of a str: (labels, probabilities); of a list: (a list of lists of labels, a list of arrays). k: the most
        labels, -1: all; threshold: the least probability."""
        if self._head is None:
            raise ValueError("Model needs to be supervised for prediction!")
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or (k < 1 and k != -1):
            raise ValueError(f"k needs to be 1 or higher, or -1 for all labels, not {k!r}")
        if isinstance(text, list):
            return self._predict([_check_line(line, f"text[{i}]") for i, line in enumerate(text)], int(k), threshold)
        labels, probabilities = self._predict([_check_line(text)], int(k), threshold)
        return tuple(labels[0]), probabilities[0].astype(np.float64)

    def _predict(self, lines: list[str], k: int, threshold: float) -> tuple[list[list[str]], list[np.ndarray[Any, Any]]]:
        names = self.get_labels()
        answers = self.model.classify(lines, top_k=len(names) if k < 0 else min(k, len(names)))
        passes = answers.probabilities >= threshold + _ROUNDED_UP
        labels = [[names[label] for label in row[passed]] for row, passed in zip(answers.labels, passes)]
        return labels, [row[passed] for row, passed in zip(answers.probabilities, passes)]

    # ---- the dictionary ----

    def get_words(self, include_freq: bool = False, on_unicode_error: str = "strict") -> list[str]:
        _check_no_frequency(include_freq)
        return list(self.words)

    def get_labels(self, include_freq: bool = False, on_unicode_error: str = "strict") -> list[str]:
        """Of a model without labels, its words, as there."""
        _check_no_frequency(include_freq)
        return list(self.labels)

    def get_word_id(self, word: str) -> int:
        """-1: it is not in the dictionary."""
        found = self.model.token_id(word)
        return -1 if found is None else found

    def get_label_id(self, label: str) -> int:
        """-1: it is not in the dictionary."""
        return self.labels.index(label) if self._head and label in self.labels else -1

    @cached_property
    def words(self) -> list[str]:
        return [self.model.token(id) for id in range(self.model.info.vocab_size)]

    @cached_property
    def labels(self) -> list[str]:
        return [self._prefix + name for name in self._head.labels] if self._head else self.words

    def __contains__(self, word: str) -> bool:
        return self.get_word_id(word) >= 0


__all__ = ["BOW", "EOS", "EOW", "FastText", "load_model", "tokenize"]
