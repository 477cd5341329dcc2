# SPDX-License-Identifier: Apache-2.0
"""A table whose rows learn: a text's vector is the sum of the rows it asks for (rows.py)."""

import ctypes
import functools

import numpy as np

from compiled import FAST, at, library


class _Texts(ctypes.Structure):
    _fields_ = [("ends", ctypes.c_void_p), ("ids", ctypes.c_void_p), ("counts", ctypes.c_void_p)]


@functools.cache
def _library():
    loaded = library("learner.c", (*FAST, "-fopenmp"))
    address, number = ctypes.c_void_p, ctypes.c_int
    loaded.learner_sums.argtypes = [address, address, number, address, number, address]
    loaded.learner_adam.argtypes = [address, address, number, address, number, ctypes.c_float] + [address] * 5
    return loaded


class Texts:
    """Counts (texts, rows) in CSR form, laid out for learner.c."""

    def __init__(self, counts):
        self.n, self.n_rows = counts.shape
        self.arrays = (counts.indptr.astype(np.int64), counts.indices.astype(np.int32),
                       counts.data.astype(np.float32))
        self.layout = _Texts(*map(at, self.arrays))

    def __len__(self):
        return self.n


class Learner:
    """Changes `rows` (n, width), float32, in place."""

    def __init__(self, rows):
        if rows.dtype != np.float32 or not rows.flags.c_contiguous:
            raise ValueError("rows are float32, one after the other")
        self.rows, self.loaded = rows, _library()
        self.mean, self.square = np.zeros_like(rows), np.zeros_like(rows)
        self.steps = np.zeros(len(rows), np.float32)
        self.place = np.zeros(len(rows), np.int32)

    def _check(self, texts, chosen):
        if texts.n_rows != len(self.rows):
            raise ValueError(f"texts of {texts.n_rows} rows, a table of {len(self.rows)}")
        return np.ascontiguousarray(chosen, np.int64)

    def sums(self, texts, chosen):
        """(len(chosen), width): of the texts of these numbers."""
        chosen = self._check(texts, chosen)
        out = np.empty((len(chosen), self.rows.shape[1]), np.float32)
        self.loaded.learner_sums(ctypes.byref(texts.layout), at(chosen), len(chosen), at(self.rows),
                                 self.rows.shape[1], at(out))
        return out

    def step(self, texts, chosen, gradient, rate):
        """gradient (len(chosen), width): of what is to be lessened, by the sums of these texts."""
        chosen = self._check(texts, chosen)
        gradient = np.ascontiguousarray(gradient, np.float32)
        self.loaded.learner_adam(ctypes.byref(texts.layout), at(chosen), len(chosen), at(gradient),
                                 self.rows.shape[1], rate, at(self.rows), at(self.mean), at(self.square),
                                 at(self.steps), at(self.place))
