# SPDX-License-Identifier: Apache-2.0
"""Which rows of the table a text asks for, and how often."""

from pathlib import Path

import numpy as np
import scipy.sparse
from tokenizers import Tokenizer

import vocabulary

AT_ONCE = 50_000


class Rows:
    """Texts -> counts (texts, rows) in CSR form, by the files that tokens/make.py wrote into
    `folder`. Unknown tokens ask for no row."""

    def __init__(self, folder):
        self.tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
        self.of_token = np.load(Path(folder) / "mapping.npy")
        self.n = int(self.of_token.max()) + 1
        self.unknown = self.tokenizer.token_to_id(vocabulary.UNKNOWN)

    def _counts(self, texts):
        codes = self.tokenizer.encode_batch(texts, add_special_tokens=False)
        ends = np.cumsum([0] + [len(code.ids) for code in codes])
        ids = np.fromiter((i for code in codes for i in code.ids), np.int32, ends[-1])
        known = ids != self.unknown
        ends = np.concatenate([[0], np.cumsum(known)])[ends]
        rows = self.of_token[ids[known]]
        counts = scipy.sparse.csr_matrix((np.ones(len(rows), np.float32), rows, ends),
                                         shape=(len(texts), self.n))
        counts.sum_duplicates()
        return counts

    def __call__(self, texts):
        parts = [self._counts(texts[first:first + AT_ONCE])
                 for first in range(0, max(len(texts), 1), AT_ONCE)]
        return scipy.sparse.vstack(parts).tocsr()
