# SPDX-License-Identifier: Apache-2.0
"""The C of the table that learns, beside the same arithmetic in numpy."""

from types import SimpleNamespace

import numpy as np
import pytest

from learner import Learner, Texts

ROWS, WIDTH, TEXTS = 40, 24, 30


@pytest.fixture
def dense():
    rng = np.random.default_rng(1)
    matrix = rng.integers(0, 3, (TEXTS, ROWS)) * (rng.random((TEXTS, ROWS)) < 0.15)
    matrix[4] = 0
    matrix[:, 7] = 0
    return matrix.astype(np.float32)


@pytest.fixture
def texts(dense):
    """As scipy's csr_matrix has them."""
    places, rows = np.nonzero(dense)
    return Texts(SimpleNamespace(indptr=np.searchsorted(places, np.arange(TEXTS + 1)), indices=rows,
                                 data=dense[places, rows], shape=dense.shape))


@pytest.fixture
def rows():
    return np.random.default_rng(2).standard_normal((ROWS, WIDTH)).astype(np.float32)


def test_a_sum_is_that_of_the_rows_of_a_text(dense, texts, rows):
    chosen = [3, 4, 3, 29, 0]
    np.testing.assert_allclose(Learner(rows.copy()).sums(texts, chosen), dense[chosen] @ rows,
                               rtol=1e-5, atol=1e-5)


def test_a_step_is_adams_on_the_rows_of_the_batch(dense, texts, rows):
    learner, rng = Learner(rows.copy()), np.random.default_rng(3)
    expected = rows.astype(np.float64)
    mean, square, steps = np.zeros_like(expected), np.zeros_like(expected), np.zeros((ROWS, 1))
    for rate in (0.1, 0.05, 0.02):
        chosen = rng.permutation(TEXTS)[:8]
        gradient = rng.standard_normal((8, WIDTH)).astype(np.float32)
        learner.step(texts, chosen, gradient, rate)
        some = dense[chosen]
        used, g = some.any(axis=0), some.T @ gradient
        steps[used] += 1
        mean[used] = 0.9 * mean[used] + 0.1 * g[used]
        square[used] = 0.999 * square[used] + 0.001 * g[used]**2
        expected[used] -= rate * (mean[used] / (1 - 0.9**steps[used]) /
                                  (np.sqrt(square[used] / (1 - 0.999**steps[used])) + 1e-8))
    np.testing.assert_allclose(learner.rows, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(learner.rows[7], rows[7])
    assert not learner.place.any()


def test_a_text_of_no_rows_changes_nothing(texts, rows):
    learner = Learner(rows.copy())
    learner.step(texts, [4], np.ones((1, WIDTH)), 0.1)
    np.testing.assert_array_equal(learner.rows, rows)


def test_other_rows_than_the_texts_are_refused(texts, rows):
    with pytest.raises(ValueError, match="texts of 40 rows, a table of 39"):
        Learner(rows[:39].copy()).sums(texts, [0])
