# SPDX-License-Identifier: Apache-2.0
"""A store in the process: DuckDB's arrays of floats, searched row by row on all cores, exactly.
usage: store_in_duckdb.py TEXTS.txt STORE.duckdb QUERY..."""
import sys

import duckdb
import pyarrow as pa

from with_duckdb import functions


def fill(path, texts):
    with duckdb.connect(path) as database:
        functions(database)
        database.register("lines", pa.table({"id": pa.array(range(len(texts)), pa.int64()), "text": texts}))
        database.execute("CREATE TABLE texts AS SELECT id, text, embed(text) AS embedding FROM lines WHERE text IS NOT NULL")


def ask(path, query, k=10):
    """(id, similarity) of the k nearest, the nearest first."""
    with duckdb.connect(path, read_only=True) as database:
        functions(database)
        return database.execute(
            "WITH query AS MATERIALIZED (SELECT embed($query) AS embedding) "
            "SELECT id, array_cosine_similarity(texts.embedding, query.embedding) AS similarity FROM texts, query "
            "ORDER BY similarity DESC, id LIMIT $k", {"query": query, "k": k}).fetchall()


def main(source, path, *queries):
    with open(source, encoding="utf-8") as file:
        texts = file.read().splitlines()
    fill(path, texts)
    for query in queries:
        for id, similarity in ask(path, query):
            print(f"{query}\t{similarity:.4f}\t{texts[id]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
