# SPDX-License-Identifier: Apache-2.0
"""A store that is a server: Qdrant, here in its client's local mode, a folder. For a server, say QdrantClient(url=...).
usage: store_in_qdrant.py TEXTS.txt STORE-FOLDER QUERY..."""
import sys

from qdrant_client import QdrantClient
from qdrant_client.models import Distance, PointStruct, VectorParams

from embedd import Model

NAME = "texts"
AT_ONCE = 1024


def fill(client, model, texts):
    client.create_collection(NAME, vectors_config=VectorParams(size=model.dimensions, distance=Distance.COSINE))
    for first in range(0, len(texts), AT_ONCE):
        some = texts[first:first + AT_ONCE]
        client.upsert(NAME, [PointStruct(id=first + i, vector=vector.tolist(), payload={"text": text})
                             for i, (text, vector) in enumerate(zip(some, model.encode(some)))])


def ask(client, model, query, k=10, only=None):
    """(id, similarity) of the k nearest, the nearest first. only: a filter of Qdrant's on the payload."""
    found = client.query_points(NAME, query=model.encode(query).tolist(), limit=k, query_filter=only)
    return [(point.id, point.score) for point in found.points]


def main(source, path, *queries):
    with open(source, encoding="utf-8") as file:
        texts = file.read().splitlines()
    client, model = QdrantClient(path=path), Model()
    fill(client, model, texts)
    for query in queries:
        for id, similarity in ask(client, model, query):
            print(f"{query}\t{similarity:.4f}\t{texts[id]}")
    client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
