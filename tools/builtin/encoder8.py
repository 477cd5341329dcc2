# SPDX-License-Identifier: Apache-2.0
"""A BERT encoder in 8 bits, all cores at work: some three times as fast as in 32, to a cosine of 0.999.

It takes what an encoder has (encoder.py's classes, bge.py's): heads, eps, words(ids), position, kind,
norm, layers, and tokens(text). Where `first_token` is true the vector of a text is that of its
first token, and the last layer is worked out for that one alone; else the mean of all.
"""

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import compiled
from compiled import at

# gcc 12 at -O3 moves the sums of a product from register to register: half as fast.
FLAGS = ("-O2", "-ftree-vectorize", "-march=native", "-ffast-math")
GROUP, ALIGNMENT = 64, 64
# What a layer makes of them should stay in a core's second cache.
TOKENS_AT_ONCE = 320


def library(flags=FLAGS):
    loaded = compiled.library("encoder8.c", flags)
    address, number = ctypes.c_void_p, ctypes.c_int
    loaded.encoder8_pack.argtypes = [address, number, number, address, address]
    loaded.encoder8_linear.argtypes = [address, number, number, address, address, address, number, address]
    loaded.encoder8_gelu.argtypes = [address, ctypes.c_long]
    loaded.encoder8_add_norm.argtypes = [address] * 4 + [number] * 2 + [ctypes.c_float]
    loaded.encoder8_attention.argtypes = [address] * 3 + [number] * 4
    return loaded


def _floats(array):
    return np.ascontiguousarray(array, np.float32)


class Linear:
    """x (n, inputs) -> (n, outputs), the weight in 8 bits."""

    def __init__(self, loaded, weight, bias):
        weight, self.bias = _floats(weight), _floats(bias)
        self.loaded, (self.outputs, self.inputs) = loaded, weight.shape
        if self.outputs % 64 or self.inputs % GROUP:
            raise ValueError(f"a weight of {self.outputs} x {self.inputs} is not in whole groups of 64 x {GROUP}")
        room = np.empty(weight.size + ALIGNMENT, np.uint8)
        first = -at(room) % ALIGNMENT
        self.packed = room[first:first + weight.size]
        self.scales = np.empty(weight.size // GROUP, np.float32)
        loaded.encoder8_pack(at(weight), self.outputs, self.inputs, at(self.packed), at(self.scales))

    def __call__(self, x):
        y = np.empty((len(x), self.outputs), np.float32)
        self.loaded.encoder8_linear(at(x), len(x), self.inputs, at(self.packed), at(self.scales),
                                    at(self.bias), self.outputs, at(y))
        return y


def chunks(lengths, most):
    """Texts of like length together, the longest first, as many as have `most` tokens."""
    order = np.argsort(-np.asarray(lengths), kind="stable")
    first = 0
    while first < len(order):
        last, size = first, 0
        while last < len(order) and (last == first or size + lengths[order[last]] <= most):
            size += lengths[order[last]]
            last += 1
        yield order[first:last]
        first = last


class Encoder8:
    def __init__(self, encoder, cores=os.cpu_count(), loaded=None):
        self.encoder, self.cores, self.loaded = encoder, cores, loaded or library()
        self.first_token = getattr(encoder, "first_token", False)
        self.norm = tuple(map(_floats, encoder.norm))
        self.width = encoder.position.shape[1]
        self.layers = [{name: (tuple(map(_floats, pair)) if name.endswith("norm")
                               else Linear(self.loaded, *pair)) for name, pair in layer.items()}
                       for layer in encoder.layers]

    def _add_norm(self, x, y, norm):
        self.loaded.encoder8_add_norm(at(x), None if y is None else at(y), at(norm[0]), at(norm[1]),
                                      len(x), self.width, self.encoder.eps)

    def _forward(self, ids, words):
        """(texts, width) of texts given as arrays of places in `words` (n, width)."""
        start = np.zeros(len(ids) + 1, np.int32)
        start[1:] = np.cumsum([len(i) for i in ids])
        place = np.concatenate([np.arange(len(i)) for i in ids])
        x = _floats(words[np.concatenate(ids)] + self.encoder.position[place] + self.encoder.kind)
        self._add_norm(x, None, self.norm)
        for i, layer in enumerate(self.layers):
            only_first = self.first_token and i == len(self.layers) - 1
            qkv = layer["qkv"](x)
            context = np.empty_like(x)
            self.loaded.encoder8_attention(at(qkv), at(context), at(start), len(ids), self.width,
                                           self.encoder.heads, only_first)
            if only_first:
                x, context = x[start[:-1]], context[start[:-1]]
            self._add_norm(x, layer["ao"](context), layer["ao_norm"])
            inner = layer["fi"](x)
            self.loaded.encoder8_gelu(at(inner), inner.size)
            self._add_norm(x, layer["fo"](inner), layer["fo_norm"])
        if not self.first_token:
            x = np.add.reduceat(x, start[:-1], axis=0)
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    def __call__(self, lines):
        """(n, width) float32, each of length 1."""
        ids = self._tokens(lines)
        lengths = [len(i) for i in ids]
        # Words are 4 bits in one of the encoders: each is made once.
        unique, places = np.unique(np.concatenate(ids), return_inverse=True)
        words, ids = self.encoder.words(unique), np.split(places, np.cumsum(lengths)[:-1])
        out = np.empty((len(lines), self.width), np.float32)

        def work(chosen):
            out[chosen] = self._forward([ids[i] for i in chosen], words)

        with ThreadPoolExecutor(self.cores) as pool:
            for _ in pool.map(work, chunks(lengths, TOKENS_AT_ONCE)):
                pass
        return out

    def _tokens(self, lines):
        if hasattr(self.encoder, "tokenizer"):
            return [code.ids for code in self.encoder.tokenizer.encode_batch(lines)]
        return [self.encoder.tokens(line) for line in lines]
