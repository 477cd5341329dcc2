# SPDX-License-Identifier: Apache-2.0
"""How much kinds of words count."""

from types import SimpleNamespace

import numpy as np
import pytest

import weights

# Traditional and other forms share a row.
VOCABULARY = {"not": 0, "不": 1, "the": 2, "4th": 3, "３": 3, "!": 4, "dog": 5, "cats": 6, "快乐": 7, "快樂": 7, "狗": 8}
OF_TOKEN = np.arange(9)


@pytest.fixture
def speech(monkeypatch):
    monkeypatch.setattr(weights, "parts_of_speech", lambda: {"快乐": "a", "狗": "n", "dog": "n"})


def test_a_kind_has_each_of_its_rows_once(speech):
    found = {kind: list(rows) for kind, rows in weights.kinds(VOCABULARY, OF_TOKEN).items() if len(rows)}
    assert found == {"denials": [0, 1], "articles": [2], "digits": [3], "signs": [4], "adjectives": [7]}


def test_each_kind_has_a_factor(speech):
    assert weights.FACTORS.keys() == weights.kinds(VOCABULARY, OF_TOKEN).keys()


def test_a_row_counts_by_its_kind_and_words_by_how_often_they_are_asked_for(speech):
    tokenizer = SimpleNamespace(get_vocab=lambda: VOCABULARY | {"[UNK]": 9})
    ask = SimpleNamespace(tokenizer=tokenizer, of_token=np.append(OF_TOKEN, 8), unknown=9, n=9)
    often = np.array([50, 50, 50, 9, 9, 99, 9, 50, 50])
    found, factors = weights.factors(ask, often), weights.FACTORS
    for row, kind in ((1, "denials"), (3, "digits"), (4, "signs")):
        assert found[row] == pytest.approx(factors[kind])
    assert found[8] == 1  # one character, and of no kind
    assert found[5] / found[6] == pytest.approx((100 / 10)**weights.OFTEN)
    assert found[0] / found[2] == pytest.approx(factors["denials"] / factors["articles"])
