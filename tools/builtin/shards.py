# SPDX-License-Identifier: Apache-2.0
"""Vectors of lines, kept in files so that none is made twice, whatever lines are asked for later.

A folder holds 000000.npy, 000001.npy ...: arrays of (a hash of the line, its vector as float16). A
file gets its name when it is whole, so a run that is stopped loses what it was just making, and
no more. One process at a time writes to a folder.
"""

import hashlib
import os
from pathlib import Path

import numpy as np

KEY = np.dtype("<u8")


def key_of(line):
    return int.from_bytes(hashlib.blake2b(line.encode(), digest_size=8).digest(), "little")


def keys_of(lines):
    return np.fromiter(map(key_of, lines), KEY, len(lines))


class Shards:
    def __init__(self, folder, width):
        self.folder, self.width = Path(folder), width
        self.folder.mkdir(parents=True, exist_ok=True)
        self.shards = []  # mapped, not read
        self.keys, self.places = np.zeros(0, KEY), np.zeros((0, 2), np.int32)  # sorted; (shard, row)
        for path in sorted(self.folder.glob("[0-9]*.npy")):
            self._open(path)

    def _open(self, path):
        shard = np.load(path, mmap_mode="r")
        if shard.dtype != self._dtype():
            raise ValueError(f"{path} holds {shard.dtype}, not vectors of {self.width} numbers; remove it")
        places = np.stack([np.full(len(shard), len(self.shards)), np.arange(len(shard))], axis=1)
        keys = np.concatenate([self.keys, shard["key"]])
        order = np.argsort(keys, kind="stable")
        self.keys, self.places = keys[order], np.concatenate([self.places, places.astype(np.int32)])[order]
        self.shards.append(shard)

    def _dtype(self):
        return np.dtype([("key", KEY), ("vector", "<f2", (self.width,))])

    def __len__(self):
        return len(self.keys)

    def has(self, keys):
        """Which of these keys have a vector."""
        if not len(self.keys):
            return np.zeros(len(keys), bool)
        at = np.searchsorted(self.keys, keys)
        return self.keys[np.minimum(at, len(self.keys) - 1)] == keys

    def missing(self, lines):
        """Those without a vector, each once, in their order."""
        lines = list(dict.fromkeys(lines))
        return [line for line, has in zip(lines, self.has(keys_of(lines))) if not has]

    def add(self, lines, vectors):
        """Writes a file; when this returns the vectors are kept."""
        shard = np.empty(len(lines), self._dtype())
        shard["key"], shard["vector"] = keys_of(lines), vectors
        path = self.folder / f"{len(self.shards):06}.npy"
        unfinished = path.with_suffix(".tmp")
        with open(unfinished, "wb") as file:
            np.save(file, shard)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        self._open(path)

    def __call__(self, lines):
        """(n, width) float32. Every line must have a vector."""
        keys = keys_of(lines)
        if not self.has(keys).all():
            raise KeyError(f"{self.folder} has no vector of {lines[int(np.argmin(self.has(keys)))]!r}")
        places = self.places[np.searchsorted(self.keys, keys)]
        out = np.empty((len(lines), self.width), np.float32)
        for i, shard in enumerate(self.shards):
            here = np.flatnonzero(places[:, 0] == i)
            if len(here):
                out[here] = shard["vector"][places[here, 1]]
        return out


def make(shards, encode, lines, size, enough=lambda: False, say=print):
    """Gives the lines that have none their vectors, `size` lines a file; stops early, between files,
    when enough() is true. Returns how many are left."""
    left = shards.missing(lines)
    for first in range(0, len(left), size):
        if enough():
            return len(left) - first
        some = left[first:first + size]
        shards.add(some, encode(some))
        say(f"{first + len(some)} of {len(left)} lines")
    return 0
