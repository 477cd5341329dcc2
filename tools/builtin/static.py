# SPDX-License-Identifier: Apache-2.0
"""Models that are tables: a text's vector is the mean of its tokens' rows."""

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

import fetch
from encoder import MiniLM


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
