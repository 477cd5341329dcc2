# SPDX-License-Identifier: Apache-2.0
"""The measures of sentence vectors, beside figures made by hand."""

import numpy as np
import pytest

import measures


class Sparse:
    """As much of a sparse matrix as the measures use."""

    def __init__(self, rows):
        self.rows = np.asarray(rows, float)

    shape = property(lambda self: self.rows.shape)
    T = property(lambda self: Sparse(self.rows.T))

    def multiply(self, other):
        return Sparse(self.rows * getattr(other, "rows", other))

    def sum(self, axis):
        return self.rows.sum(axis=axis).reshape(-1, 1)

    def tocsr(self):
        return self

    def toarray(self):
        return self.rows

    def __getitem__(self, place):
        return Sparse(self.rows[place])

    def __matmul__(self, other):
        return Sparse(self.rows @ other.rows)


A = [[3.0, 4], [1, 0], [0, 0], [2, 2]]
B = [[6.0, 8], [0, 5], [1, 1], [-1, -1]]


def vectors_of(table):
    """measures.Vectors of texts whose vectors stand in a table."""
    return measures.Vectors(lambda texts: np.array([table[text] for text in texts], float))


@pytest.mark.parametrize("form", [np.array, Sparse])
def test_cosines_are_row_by_row_and_nothing_is_like_nothing(form):
    np.testing.assert_allclose(measures.cosines(form(A), form(B)), [1, 0, 0, -1])


@pytest.mark.parametrize("form", [np.array, Sparse])
def test_unit_leaves_rows_of_zeros(form):
    found = measures.unit(form(A))
    found = found.toarray() if form is Sparse else found
    np.testing.assert_allclose(found, [[0.6, 0.8], [1, 0], [0, 0], [0.5**0.5, 0.5**0.5]])


def test_equal_values_share_their_rank():
    np.testing.assert_array_equal(measures.ranks([5, 1, 5, 3, 5]), [4, 1, 4, 2, 4])


def test_spearman():
    assert measures.spearman([1, 2, 3, 4], [10, 100, 1000, 1001]) == pytest.approx(1)
    assert measures.spearman([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    # 1 - 6 * (1 + 1 + 0 + 1 + 1) / (5 * 24)
    assert measures.spearman([1, 2, 3, 4, 5], [2, 1, 3, 5, 4]) == pytest.approx(0.8)
    # Ranks 1, 2.5, 2.5, 4 beside 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5)
    assert measures.spearman([1, 2, 2, 9], [1, 2, 3, 4]) == pytest.approx(0.9**0.5)


def test_auc_is_the_share_of_pairs_in_order():
    assert measures.auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) == 0.75
    assert measures.auc([1, 1, 1, 1], [0, 1, 0, 1]) == 0.5
    assert measures.auc([3, 2, 1], [0, 0, 1]) == 0


TEXTS = [[1.0, 0], [0.9, 0.1], [0.5, 0.5], [0, 1]]


@pytest.mark.parametrize("form", [np.array, Sparse])
def test_the_rank_is_that_of_the_nearest_right_text(form):
    queries = form([[1.0, 0], [1, 0], [0, 2], [0, 2]])
    found = measures.right_ranks(queries, form(TEXTS), [[0], [3, 2], [0], [2, 3]])
    np.testing.assert_array_equal(found, [1, 3, 4, 1])


def test_a_query_does_not_find_itself():
    texts = np.array(TEXTS)
    found = measures.right_ranks(texts, texts, [[1], [0], [1], [2]], own=range(4))
    np.testing.assert_array_equal(found, [1, 1, 1, 1])
    found = measures.right_ranks(texts, texts, [[3], [2], [3], [0]], own=range(4))
    np.testing.assert_array_equal(found, [3, 2, 3, 3])


def test_a_wrong_text_as_near_as_the_right_one_comes_first():
    texts = np.array([[1.0, 0], [2, 0], [0, 1]])
    np.testing.assert_array_equal(measures.right_ranks(texts[:1], texts, [[0]]), [2])
    np.testing.assert_array_equal(measures.right_ranks(texts[:1], texts, [[0, 1]]), [1])


def test_a_model_that_knows_nothing_finds_nothing():
    texts = np.zeros((5, 3))
    assert measures.at_1(measures.right_ranks(texts, texts, [[i] for i in range(5)])) == 0


def test_ranks_do_not_hang_on_how_many_queries_are_worked_on_at_once(monkeypatch):
    rng = np.random.default_rng(3)
    queries, texts = rng.standard_normal((50, 8)), rng.standard_normal((90, 8))
    right = [[i, 89 - i] for i in range(50)]
    whole = measures.right_ranks(queries, texts, right, own=range(40, 90))
    monkeypatch.setattr(measures, "QUERIES_AT_ONCE", 7)
    np.testing.assert_array_equal(measures.right_ranks(queries, texts, right, own=range(40, 90)), whole)
    assert len(set(whole)) > 10


def test_vectors_are_asked_for_once():
    asked = []

    def embed(texts):
        asked.append(list(texts))
        return np.array([[len(text)] for text in texts])
    vectors = measures.Vectors(embed)
    np.testing.assert_array_equal(vectors(["aa", "b", "aa"]), [[2], [1], [2]])
    np.testing.assert_array_equal(vectors(["ccc", "b"]), [[3], [1]])
    assert asked == [["aa", "b"], ["ccc"]]


def test_pairs_are_measured_at_fewer_columns():
    vectors = vectors_of({"a": [1, 0], "b": [1, 9], "c": [1, 1], "d": [-1, 1]})
    pairs = [("a", "b", 1.0), ("a", "c", 2.0), ("a", "d", 0.0)]
    assert measures.pair_score(vectors, pairs, measures.spearman) == pytest.approx(1)
    by_one = measures.pair_score(vectors, pairs, lambda found, wanted: list(found), 1)
    assert by_one == [1, 1, -1]


def test_across_takes_each_side_from_another_form():
    left, right = [("l1", "l2", 4.0)], [("r1", "r2", 4.0)]
    assert measures.crossed(left, right) == ([("l1", "r2", 4.0)], [("r1", "l2", 4.0)])


def test_a_translation_may_be_any_of_several():
    vectors = vectors_of({"hi": [1, 0], "go": [0, 1], "你好": [0.2, 0.8], "嗨": [1, 0.1], "走": [0.3, 0.7]})
    pairs = [("hi", "你好"), ("hi", "嗨"), ("go", "走")]
    assert measures.translation_at_1(vectors, pairs) == 0.5  # "go" finds 你好
    assert measures.translation_at_1(vectors, [pair[::-1] for pair in pairs]) == pytest.approx(2 / 3)


def test_duplicates_are_looked_for_among_all_other_texts():
    vectors = vectors_of({"a": [1, 0], "a'": [1, 0.2], "b": [0, 1], "b'": [0.9, 0.1], "c": [-1, -1]})
    pairs = [("a", "a'", 1), ("b", "b'", 1.0), ("c", "a", 0), ("c", "c", 1)]
    # a finds b', a' finds b', b finds a', b' finds a'; c has none but itself, and is not asked.
    assert measures.duplicate_at_1(vectors, pairs) == 0
    # Now a finds one of its two.
    assert measures.duplicate_at_1(vectors, pairs + [("a", "b'", 2)]) == 0.25


def test_the_nearest_row_has_the_label_or_not():
    vectors = vectors_of({"a": [1, 0], "b": [1, 0.1], "c": [1, 0.2], "d": [0, 1]})
    rows = [("a", "x"), ("b", "x"), ("c", "y"), ("d", "y")]
    assert measures.label_at_1(vectors, rows) == 0.5  # of a and d; b is as near to c, c to b
    assert measures.label_at_1(vectors, [("c", "x"), ("d", "x")], rows[:2] + [("d", "y")]) == 0.5
