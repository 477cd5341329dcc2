# SPDX-License-Identifier: Apache-2.0
"""What lines are about, as far as the words in them tell: the corpora do not say of a line where it
comes from. Latent semantic analysis, then k-means; both learn from a sample."""

import numpy as np
import scipy.sparse
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import TruncatedSVD

AXES, SAMPLE = 64, 60_000


def of(counts, n_domains, seed):
    """A number below n_domains for each line of counts (lines, tokens)."""
    present = counts.copy()
    present.data = np.ones_like(present.data)
    frequency = np.asarray(present.sum(axis=0)).ravel()
    weight = np.log((present.shape[0] + 1) / (frequency + 1)).astype(np.float32)
    weight[frequency < 5] = 0
    weighted = (present @ scipy.sparse.diags(weight)).tocsr()
    rng = np.random.default_rng(seed)
    sample = rng.choice(present.shape[0], min(SAMPLE, present.shape[0]), replace=False)
    axes = TruncatedSVD(min(AXES, len(sample) - 1), n_iter=4, random_state=seed).fit(weighted[sample])

    def place(some):
        x = axes.transform(some)
        return x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-9)

    means = MiniBatchKMeans(min(n_domains, len(sample)), batch_size=4096, n_init=1, max_iter=20,
                            random_state=seed).fit(place(weighted[sample]))
    return np.concatenate([means.predict(place(weighted[first:first + 50_000]))
                           for first in range(0, weighted.shape[0], 50_000)])
