# SPDX-License-Identifier: Apache-2.0
"""Spearman correlation of cosines with the scores of an STS-B file (CSV: sentence, sentence,
score), by numpy and the tokenizers library, for a model folder with vocab.txt.

usage: measure.py MODEL_FOLDER STSB.csv...
"""

import csv
import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file
from tokenizers import BertWordPieceTokenizer


def ranks(values):
    """Ranks with ties at their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[inverse]


def main():
    folder = pathlib.Path(sys.argv[1])
    table = load_file(folder / "model.safetensors")["embeddings"].astype(np.float64)
    tokenizer = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
    unknown = tokenizer.token_to_id("[UNK]")

    def embed(texts):
        vectors = np.zeros((len(texts), table.shape[1]))
        for i, code in enumerate(tokenizer.encode_batch(texts, add_special_tokens=False)):
            ids = [id for id in code.ids if id != unknown]
            if ids:
                vectors[i] = table[ids].mean(axis=0)
                vectors[i] /= np.linalg.norm(vectors[i])
        return vectors

    for path in sys.argv[2:]:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        cosines = (embed([r[0] for r in rows]) * embed([r[1] for r in rows])).sum(axis=1)
        scores = np.array([float(r[2]) for r in rows])
        spearman = np.corrcoef(ranks(cosines), ranks(scores))[0, 1]
        print(f"{pathlib.Path(path).name}: {len(rows)} pairs, Spearman {spearman:.4f}")


if __name__ == "__main__":
    main()
