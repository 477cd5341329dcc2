# SPDX-License-Identifier: Apache-2.0
"""The order in which lines are taught, the best first, so that every beginning of it is a good set of
lines: first those that show a token which few before them have shown, then the others; both so
mixed that a domain's share grows with the root of its size.

counts: a sparse matrix (lines, tokens) in CSR form, of which only indptr and indices are read.
"""

import numpy as np


def balanced(domains, seed):
    """Line numbers: at random, but of a domain of n lines at each place about sqrt(n) times as many as
    of one of a single line, as long as there are any."""
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(domains))
    by_domain = shuffled[np.argsort(domains[shuffled], kind="stable")]
    sizes = np.bincount(domains)
    first = np.cumsum(sizes) - sizes
    own = domains[by_domain]
    rank = np.arange(len(domains)) - first[own] + rng.random(len(domains))
    return by_domain[np.argsort(rank / np.sqrt(sizes[own]), kind="stable")]


def covering_first(order, counts, enough):
    """The lines of `order`, those to the front that hold a token which fewer than `enough` lines at the
    front have already; returns them, and how many are at the front."""
    shown = np.zeros(counts.shape[1], np.int32)
    front = np.zeros(len(order), bool)
    starts, tokens = counts.indptr, counts.indices
    for place, line in enumerate(order):
        own = tokens[starts[line]:starts[line + 1]]
        if (shown[own] < enough).any():
            shown[own] += 1
            front[place] = True
    return np.concatenate([order[front], order[~front]]), int(front.sum())
