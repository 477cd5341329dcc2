# SPDX-License-Identifier: Apache-2.0
"""The examples of stores: filled, closed, opened, and asked; the answers are those of all similarities, sorted."""
import subprocess
import sys

import faiss
import numpy as np
import pytest
import store_in_duckdb
import store_in_faiss
import store_in_qdrant
from conftest import TOP
from qdrant_client import QdrantClient
from qdrant_client.models import FieldCondition, Filter, MatchValue

import embedd

QUERIES = ["the rights that this license grants", "我爱吃饭", "trademark", "向量 mixed text"]


@pytest.fixture(scope="session")
def model():
    return embedd.Model(threads=2)


@pytest.fixture(scope="session")
def stored(texts):
    """No text twice, and none without letters, whose vector is zero."""
    return [text for text in dict.fromkeys(texts) if any(c.isalpha() for c in text)][:1500]


@pytest.fixture(scope="session")
def similarities(model, stored):
    """(queries, texts)"""
    return model.encode(QUERIES, normalize=True).astype(float) @ model.encode(stored, normalize=True).astype(float).T


def right(found, all, k=10):
    """Of texts that are equally near, any may come."""
    ids = [id for id, _ in found]
    assert len(set(ids)) == len(ids) == k
    np.testing.assert_allclose([similarity for _, similarity in found], np.sort(all)[::-1][:k], atol=1e-5)
    np.testing.assert_allclose(all[ids], np.sort(all)[::-1][:k], atol=1e-5)


def test_duckdb(tmp_path, stored, similarities):
    path = str(tmp_path / "store.duckdb")
    store_in_duckdb.fill(path, [*stored, None])
    for query, all in zip(QUERIES, similarities):
        right(store_in_duckdb.ask(path, query), all)


def test_qdrant(tmp_path, model, stored, similarities):
    client = QdrantClient(path=str(tmp_path / "store"))
    store_in_qdrant.fill(client, model, stored)
    client.close()
    client = QdrantClient(path=str(tmp_path / "store"))
    for query, all in zip(QUERIES, similarities):
        right(store_in_qdrant.ask(client, model, query), all)
    only = Filter(must=[FieldCondition(key="text", match=MatchValue(value=stored[17]))])
    assert [id for id, _ in store_in_qdrant.ask(client, model, QUERIES[0], only=only)] == [17]
    client.close()


def test_faiss(tmp_path, model, stored, similarities):
    path = str(tmp_path / "index")
    faiss.write_index(store_in_faiss.fill(model, stored), path)
    index = faiss.read_index(path)
    for query, all in zip(QUERIES, similarities):
        right(store_in_faiss.ask(index, model, query), all)


def test_bits_in_faiss(model, stored, similarities):
    """All texts as candidates give the right answers; a part of them gives the nearest, and most others."""
    index = store_in_faiss.fill_bits(model, stored)
    for query, all in zip(QUERIES, similarities):
        right(store_in_faiss.ask_bits(index, model, stored, query, candidates=len(stored)), all)
        best = set(np.argsort(-all)[:10])
        found = {id for id, _ in store_in_faiss.ask_bits(index, model, stored, query)}
        assert len(best & found) >= 8, (query, len(best & found))


@pytest.mark.parametrize("name", ["duckdb", "qdrant", "faiss"])
def test_they_are_scripts(name, tmp_path, stored):
    (tmp_path / "texts.txt").write_text("".join(text + "\n" for text in stored[:300]), encoding="utf-8")
    done = subprocess.run([sys.executable, TOP / f"examples/engines/store_in_{name}.py", tmp_path / "texts.txt",
                           tmp_path / "store", stored[7]], capture_output=True, text=True, check=True)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(lines) == 10 and lines[0] == [stored[7], "1.0000", stored[7]]
