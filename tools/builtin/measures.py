# SPDX-License-Identifier: Apache-2.0
"""Measures of sentence vectors on labelled sets (sets.py).

Vectors are arrays or sparse matrices (n, columns), a row a text; a row of zeros is like nothing: its
cosine with everything is 0.
"""

import numpy as np

# Cosines that differ by less are the same.
TIE = 1e-6
QUERIES_AT_ONCE = 512


def unit(rows):
    """Each row divided by its length."""
    is_sparse = hasattr(rows, "tocsr")
    squares = rows.multiply(rows) if is_sparse else rows * rows
    lengths = np.sqrt(np.asarray(squares.sum(axis=1)).reshape(-1, 1))
    lengths[lengths == 0] = 1
    return rows.multiply(1 / lengths).tocsr() if is_sparse else rows / lengths


def cosines(a, b):
    """Row by row."""
    a, b = unit(a), unit(b)
    product = a.multiply(b) if hasattr(a, "tocsr") else a * b
    return np.asarray(product.sum(axis=1)).ravel()


def ranks(values):
    """From 1 on; equal values share the mean of their ranks."""
    _, place, count = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


def spearman(found, wanted):
    return float(np.corrcoef(ranks(found), ranks(wanted))[0, 1])


def auc(found, wanted):
    """The share of pairs (a 1, a 0) in which the 1 has the larger value; ties count a half."""
    ones = np.asarray(wanted) > 0
    n = ones.sum()
    return float((ranks(found)[ones].sum() - n * (n + 1) / 2) / (n * (len(ones) - n)))


def right_ranks(queries, texts, right, own=None):
    """Of each query the rank, from 1 on, that the nearest of its right texts has among all texts.

    queries (n, columns), texts (m, columns); right: for each query the numbers, at least one, of
    the texts that answer it; own: for each query its own number among the texts, which does not
    count, or None. A wrong text that is as near as the right one comes before it."""
    queries, texts = unit(queries), unit(texts)
    found = []
    for first in range(0, queries.shape[0], QUERIES_AT_ONCE):
        block = queries[first:first + QUERIES_AT_ONCE] @ texts.T
        block = block.toarray() if hasattr(block, "tocsr") else block
        for i, cosine in enumerate(block, first):
            if own is not None:
                cosine[own[i]] = -np.inf
            answers = cosine[right[i]]
            limit = answers.max() - TIE
            found.append(1 + (cosine >= limit).sum() - (answers >= limit).sum())
    return np.array(found)


def at_1(found):
    """The share of ranks that are 1."""
    return float((found == 1).mean())


class Vectors:
    """Vectors of texts by `embed` (list of texts -> array or sparse matrix), each asked for once."""

    def __init__(self, embed):
        self.embed, self.index, self.rows = embed, {}, None

    def __call__(self, texts):
        new = [t for t in dict.fromkeys(texts) if t not in self.index]
        if new:
            made, n = self.embed(new), len(self.index)
            self.index.update((t, n + i) for i, t in enumerate(new))
            self.rows = made if self.rows is None else self._stacked(made)
        return self.rows[[self.index[t] for t in texts]]

    def _stacked(self, made):
        if not hasattr(made, "tocsr"):
            return np.concatenate([self.rows, made])
        import scipy.sparse  # only what is sparse needs it
        return scipy.sparse.vstack([self.rows, made]).tocsr()


def pair_score(vectors, pairs, measure, dims=None):
    a = vectors([p[0] for p in pairs])[:, :dims]
    b = vectors([p[1] for p in pairs])[:, :dims]
    return measure(cosines(a, b), [p[2] for p in pairs])


def crossed(left, right):
    """Both ways of pairs that say the same in two forms: this side of one with that of the other."""
    return ([(a[0], b[1], a[2]) for a, b in zip(left, right)],
            [(b[0], a[1], a[2]) for a, b in zip(left, right)])


def across(vectors, left, right, dims=None):
    """Mean of both ways, as of English with Chinese and Chinese with English."""
    return float(np.mean([pair_score(vectors, way, spearman, dims)
                          for way in crossed(left, right)]))


def answers_of(pairs):
    """(queries, texts, right) of pairs (query, text that answers it); every text once."""
    texts = {text: i for i, text in enumerate(dict.fromkeys(b for _, b in pairs))}
    right = {}
    for query, text in pairs:
        right.setdefault(query, []).append(texts[text])
    return list(right), list(texts), list(right.values())


def translation_at_1(vectors, pairs):
    """Of each first text: is one of its translations the nearest of all second texts?"""
    queries, texts, right = answers_of(pairs)
    return at_1(right_ranks(vectors(queries), vectors(texts), right))


def duplicate_at_1(vectors, pairs):
    """Pairs (text, text, above 0 if they say the same): is the nearest of all other texts of both
    sides one that says the same? Asked of each text that has one."""
    texts = {text: i for i, text in enumerate(dict.fromkeys(t for a, b, _ in pairs for t in (a, b)))}
    same = {}
    for a, b, score in pairs:
        if score > 0 and a != b:
            same.setdefault(a, set()).add(texts[b])
            same.setdefault(b, set()).add(texts[a])
    return at_1(right_ranks(vectors(list(same)), vectors(list(texts)),
                            [sorted(answers) for answers in same.values()],
                            [texts[query] for query in same]))


def label_at_1(vectors, rows, others=None):
    """Rows (text, label): has the nearest of `others`, of the other rows if there are none, its
    label?"""
    texts = rows if others is None else others
    places = {}
    for i, (_, label) in enumerate(texts):
        places.setdefault(label, []).append(i)
    return at_1(right_ranks(vectors([t for t, _ in rows]), vectors([t for t, _ in texts]),
                            [places[label] for _, label in rows],
                            range(len(rows)) if others is None else None))
