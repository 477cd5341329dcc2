# SPDX-License-Identifier: Apache-2.0
"""The rows of the table from the teachers' vectors: a sentence's vector is the sum of its rows.

Two stages, each with Adam over the rows that a batch touches. Both lessen, at several widths at
once (so that a cut is a good model too), 1 - cosine to the teacher's vector, and the squared
difference between the cosines of all pairs in a batch and the teacher's. The second stage adds
CoSENT on pairs that people have scored: a pair with a higher score shall have the higher cosine.
"""

import numpy as np
import scipy.sparse

COSENT_SHARPNESS = 20
COSENT_PAIRS = 256


def unit(x):
    return x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-9)


def counts(tokenizer, texts, unknown_id):
    """(texts, tokens): how often each token stands in each text; unknown ones do not count."""
    codes = tokenizer.encode_batch(texts, add_special_tokens=False)
    ends = np.cumsum([0] + [len(code.ids) for code in codes])
    ids = np.fromiter((i for code in codes for i in code.ids), np.int32, ends[-1])
    matrix = scipy.sparse.csr_matrix(((ids != unknown_id).astype(np.float32), ids, ends),
                                     shape=(len(texts), tokenizer.get_vocab_size()))
    matrix.sum_duplicates()
    return matrix


class Adam:
    def __init__(self, rows):
        self.rows = rows
        self.mean, self.square = np.zeros_like(rows), np.zeros_like(rows)
        self.steps = np.zeros(len(rows), np.float32)

    def step(self, texts, gradient, rate):
        """gradient: of the texts' sums (texts, width)."""
        used = np.unique(texts.indices)
        place = np.zeros(texts.shape[1], np.int32)
        place[used] = np.arange(len(used))
        narrow = scipy.sparse.csr_matrix((texts.data, place[texts.indices], texts.indptr),
                                         shape=(texts.shape[0], len(used)))
        gradient = np.asarray(narrow.T @ gradient, dtype=np.float32)
        self.steps[used] += 1
        n = self.steps[used][:, None]
        self.mean[used] = mean = 0.9 * self.mean[used] + 0.1 * gradient
        self.square[used] = square = 0.999 * self.square[used] + 0.001 * gradient * gradient
        self.rows[used] -= (rate * (mean / (1 - 0.9**n)) /
                            (np.sqrt(square / (1 - 0.999**n)) + 1e-8)).astype(np.float32)


def likeness_gradient(sums, targets, widths, likeness):
    """Of the loss against the teacher, by the sums of a batch."""
    n = len(sums)
    gradient = np.zeros_like(sums)
    for width, weight in widths:
        norms = np.linalg.norm(sums[:, :width], axis=1, keepdims=True) + 1e-9
        found, wanted = sums[:, :width] / norms, unit(targets[:, :width])
        error = found @ found.T
        error -= wanted @ wanted.T
        np.fill_diagonal(error, 0)
        g = (likeness * 4 / (n * n)) * (error @ found) - wanted / n
        gradient[:, :width] += weight * (g - found * (found * g).sum(1, keepdims=True)) / norms
    return gradient


def cosent_gradient(a_sums, b_sums, scores, widths):
    gradients = np.zeros_like(a_sums), np.zeros_like(b_sums)
    for width, weight in widths:
        a_norms = np.linalg.norm(a_sums[:, :width], axis=1, keepdims=True) + 1e-9
        b_norms = np.linalg.norm(b_sums[:, :width], axis=1, keepdims=True) + 1e-9
        a, b = a_sums[:, :width] / a_norms, b_sums[:, :width] / b_norms
        cosine = (a * b).sum(axis=1)
        # Cell (i, j): pair j's cosine too high beside pair i's, where i's score is the higher.
        excess = np.where(scores[:, None] > scores[None, :],
                          COSENT_SHARPNESS * (cosine[None, :] - cosine[:, None]), -np.inf)
        top = max(excess.max(), 0)
        share = np.exp(excess - top)
        share /= share.sum() + np.exp(-top)
        g = weight * COSENT_SHARPNESS * (share.sum(axis=0) - share.sum(axis=1))[:, None]
        gradients[0][:, :width] += g * (b - a * cosine[:, None]) / a_norms
        gradients[1][:, :width] += g * (a - b * cosine[:, None]) / b_norms
    return np.concatenate(gradients)


def train(rows, texts, targets, settings, rng, labels=None):
    """Changes `rows` (tokens, width). labels: (counts of a, counts of b, scores)."""
    adam, batch = Adam(rows), settings["batch"]
    n_batches = len(targets) // batch
    total, done = settings["epochs"] * n_batches, 0
    for _ in range(settings["epochs"]):
        order = rng.permutation(len(targets))
        for i in range(n_batches):
            rate = settings["rate"] * (1 - done / total)
            chosen = order[i * batch:(i + 1) * batch]
            some = texts[chosen]
            adam.step(some, likeness_gradient(np.asarray(some @ rows), targets[chosen],
                                              settings["widths"], settings["likeness"]), rate)
            if labels:
                pairs = rng.choice(len(labels[2]), COSENT_PAIRS, replace=False)
                a, b = labels[0][pairs], labels[1][pairs]
                gradient = cosent_gradient(np.asarray(a @ rows), np.asarray(b @ rows),
                                           labels[2][pairs], settings["widths"])
                adam.step(scipy.sparse.vstack([a, b]).tocsr(), settings["labels"] * gradient, rate)
            done += 1
