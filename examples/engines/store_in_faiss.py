# SPDX-License-Identifier: Apache-2.0
"""FAISS: an exact index of floats, and one of bits, a thirty-second of the size, whose candidates are sorted by floats.
usage: store_in_faiss.py TEXTS.txt INDEX-FILE QUERY..."""
import sys

import faiss
import numpy as np

from embedd import Model


def fill(model, texts):
    """The vectors have length 1, so their inner product is the cosine."""
    index = faiss.IndexFlatIP(model.dimensions)
    index.add(model.encode(texts, normalize=True))
    return index


def ask(index, model, query, k=10):
    """(id, similarity) of the k nearest, the nearest first."""
    similarity, ids = index.search(model.encode([query], normalize=True), k)
    return list(zip(ids[0].tolist(), similarity[0].tolist()))


def fill_bits(model, texts):
    index = faiss.IndexBinaryFlat(model.dimensions)
    index.add(model.encode(texts, dtype="ubinary"))
    return index


def ask_bits(index, model, texts, query, k=10, candidates=200):
    """As ask: the candidates with the fewest differing bits are made vectors of again, and sorted by those."""
    _, ids = index.search(model.encode([query], dtype="ubinary"), candidates)
    found = ids[0][ids[0] >= 0]
    similarity = model.encode([texts[i] for i in found], normalize=True) @ model.encode(query, normalize=True)
    best = np.argsort(-similarity, kind="stable")[:k]
    return [(int(found[i]), float(similarity[i])) for i in best]


def main(source, path, *queries):
    with open(source, encoding="utf-8") as file:
        texts = file.read().splitlines()
    model = Model()
    faiss.write_index(fill(model, texts), path)
    index = faiss.read_index(path)
    for query in queries:
        for id, similarity in ask(index, model, query):
            if id >= 0:  # there are fewer than k texts
                print(f"{query}\t{similarity:.4f}\t{texts[id]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
