# SPDX-License-Identifier: Apache-2.0
"""What the built-in model is measured beside."""

import json

import numpy as np
import scipy.sparse
from safetensors.numpy import load_file
from tokenizers import Tokenizer

import sets
from encoder import MiniLM, MultilingualE5, package


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
        return np.stack([table[code.ids].mean(axis=0) if code.ids else np.zeros(table.shape[1])
                         for code in codes])
    return embed


def wordllama():
    """Its own library asks the network for the tokenizer that its wheel holds."""
    folder = package("wordllama")
    (table,) = load_file(folder / "weights" / "l2_supercat_256.safetensors").values()
    path = folder / "tokenizers" / "l2_supercat_tokenizer_config.json"
    return mean_of_rows(table.astype(np.float32), Tokenizer.from_file(str(path)))


def all_of(program):
    """(name, languages: en, zh or both, function from texts to vectors)."""
    yield "one-hot", "both", one_hot(program)
    minilm = MiniLM()
    yield "W of MiniLM", "en", mean_of_rows(minilm.table, minilm.tokenizer)
    yield "WordLlama-256", "both", wordllama()
    yield "e5", "both", MultilingualE5()
    yield "MiniLM", "en", minilm
