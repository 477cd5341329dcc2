# SPDX-License-Identifier: Apache-2.0
"""Databases that call out for their vectors: what each of them sends, byte for byte where that matters, and the parts
of the reply that it reads. None of them needs more than an address."""
import base64
import json
import struct

import pytest
from test_tei import good

pytestmark = pytest.mark.slow_under_tsan

TEXTS = ["I love to eat", "我爱吃饭", ""]
JSON = {"Content-Type": "application/json"}
KEY = {"Authorization": "Bearer unused"}


def send(service, path, headers, body):
    data = json.dumps(body).encode()
    lines = {"Host": "embedd", **headers, "Content-Length": len(data)}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with service.connect() as client:
        client.send(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + data)
        return client.read_reply()


def bare_lists(reply):
    return reply


def openai(reply):
    assert reply["object"] == "list" and isinstance(reply["model"], str)
    assert set(reply["usage"]) == {"prompt_tokens", "total_tokens"}
    return [item["embedding"] for item in sorted(reply["data"], key=lambda item: item["index"])]


def openai_base64(reply):
    return [list(struct.unpack("<256f", base64.b64decode(vector))) for vector in openai(reply)]


def cohere_v1(reply):
    return reply["embeddings"]


def cohere_v2(reply):
    return reply["embeddings"]["float"]


def ollama(reply):
    return reply["embeddings"]


# Who, where to, with which headers, what, and how the vectors are read out.
CALLS = {
    "Elasticsearch, huggingface": (
        ["/embed", "/"], {**KEY, "Content-Type": "application/json"}, {"inputs": TEXTS}, bare_lists),
    "Elasticsearch, openai": (
        ["/v1/embeddings"], {**KEY, **JSON}, {"input": TEXTS, "model": "embedd-base-2", "user": "u"}, openai),
    # Its post-process function takes a list of lists as it is.
    "OpenSearch, a connector with connector.post_process.default.embedding": (
        ["/embed", "/"], {"content-type": "application/json"}, {"inputs": TEXTS}, bare_lists),
    "OpenSearch, a connector with connector.post_process.openai.embedding": (
        ["/v1/embeddings"], {**KEY, **JSON}, {"input": TEXTS, "model": "text-embedding-ada-002"}, openai),
    "OpenSearch, a connector with connector.post_process.cohere.embedding": (
        ["/v1/embed"], {**KEY, **JSON}, {"texts": TEXTS, "truncate": "END"}, cohere_v1),
    # It leaves out what is false or empty.
    "Milvus, TEI": (["/embed"], JSON, {"inputs": TEXTS}, bare_lists),
    "Milvus, TEI, truncate": (
        ["/embed"], {**JSON, **KEY}, {"inputs": TEXTS, "truncate": True, "truncation_direction": "Left"},
        bare_lists),
    "Milvus, OpenAI": (["/v1/embeddings"], {**JSON, **KEY}, {"model": "m", "input": TEXTS, "user": "u"}, openai),
    "Typesense, openai": (["/v1/embeddings"], {**JSON, **KEY}, {"input": TEXTS, "model": "embedd-base-2"}, openai),
    "Weaviate, text2vec-huggingface": (
        ["/", "/embed"], {**JSON, **KEY, "Accept-Encoding": "gzip"},
        {"inputs": TEXTS, "options": {"wait_for_model": True, "use_cache": True}}, bare_lists),
    "Weaviate, text2vec-openai": (
        ["/v1/embeddings"], {**JSON, **KEY, "Accept-Encoding": "gzip"},
        {"input": TEXTS, "model": "text-embedding-3-small", "dimensions": 256}, openai),
    "Weaviate, text2vec-cohere": (
        ["/v2/embed"], {**JSON, **KEY, "Request-Source": "unspecified:weaviate"},
        {"texts": TEXTS, "model": "embed-multilingual-v3.0", "truncate": "END", "input_type": "search_document",
         "embedding_types": ["float"]}, cohere_v2),
    "Weaviate, text2vec-ollama": (["/api/embed"], JSON, {"model": "nomic-embed-text", "input": TEXTS}, ollama),
    "Meilisearch, ollama": (["/api/embed"], JSON, {"model": "nomic-embed-text", "input": TEXTS}, ollama),
    "Meilisearch, openAi": (
        ["/v1/embeddings"], {**JSON, **KEY}, {"model": "text-embedding-3-small", "input": TEXTS}, openai),
    "Chroma, HuggingFaceEmbeddingServer": (["/embed", "/"], JSON, {"inputs": TEXTS}, bare_lists),
    "Chroma, OpenAIEmbeddingFunction": (
        ["/v1/embeddings"], {**JSON, **KEY, "Accept": "application/json"},
        {"input": TEXTS, "model": "text-embedding-ada-002", "encoding_format": "base64"}, openai_base64),
    "Chroma, OllamaEmbeddingFunction": (["/api/embed"], JSON, {"model": "m", "input": TEXTS}, ollama),
    "Chroma, CohereEmbeddingFunction": (
        ["/v1/embed"], {**JSON, **KEY},
        {"texts": TEXTS, "model": "large", "input_type": "search_document"}, cohere_v1),
    # As VoyageAI's client, which it uses, sends it.
    "Chroma, VoyageAIEmbeddingFunction": (
        ["/v1/embeddings"], {**JSON, **KEY},
        {"input": TEXTS, "model": "voyage-3", "input_type": None, "truncation": True, "output_dtype": None,
         "output_dimension": None, "encoding_format": "base64"}, openai_base64),
    "Chroma, JinaEmbeddingFunction": (
        ["/v1/embeddings"], {**JSON, **KEY, "Accept-Encoding": "identity"},
        {"input": TEXTS, "model": "jina-embeddings-v3", "task": "text-matching", "late_chunking": False,
         "dimensions": 256, "embedding_type": "float"}, openai),
}


@pytest.mark.parametrize("path, headers, body, read", [
    pytest.param(path, headers, body, read, id=f"{name} at {path}")
    for name, (paths, headers, body, read) in CALLS.items() for path in paths])
def test_a_database_gets_its_vectors(service, path, headers, body, read):
    reply = send(service, path, headers, body)
    assert reply.status == 200, reply.body
    assert reply.headers["content-type"] == "application/json"
    expected = good(service, "/v1/embeddings", {"input": TEXTS, "normalize": True})["data"]
    got, want = read(reply.json()), [item["embedding"] for item in expected]
    assert [[struct.pack("<f", x) for x in vector] for vector in got] == [
        [struct.pack("<f", x) for x in vector] for vector in want]


RANKED = ["war and peace", "food is good", ""]


@pytest.mark.parametrize("body", [
    pytest.param({"query": "good food", "texts": RANKED}, id="Milvus"),
    pytest.param({"query": "good food", "texts": RANKED, "truncate": True, "truncation_direction": "Right"},
                 id="Milvus, truncate"),
    pytest.param({"texts": RANKED, "query": "good food", "return_text": True, "top_n": 2}, id="Elasticsearch")])
def test_a_database_that_reranks_by_tei_gets_each_score(service, body):
    reply = send(service, "/rerank", {**JSON, **KEY}, body)
    assert reply.status == 200, reply.body
    # Elasticsearch knows these keys and no others.
    assert all(set(item) <= {"index", "score", "text"} for item in reply.json())
    scores = {item["index"]: item["score"] for item in reply.json()}
    assert set(scores) == {0, 1, 2} and scores[1] == max(scores.values())


def test_opensearch_finds_a_floating_point_number_in_each_score(service):
    # Java takes 0 and 1 for integers and fails on them: a text without tokens has 0, the query itself 1.
    reply = send(service, "/v1/rerank", {**JSON, **KEY}, {
        "documents": [*RANKED, "good food"], "query": "good food", "model": "rerank-english-v2.0", "top_n": 4})
    results = json.loads(reply.body, parse_int=str)["results"]
    assert {item["index"] for item in results} == {"0", "1", "2", "3"}
    assert all(isinstance(item["relevance_score"], float) for item in results), results
    assert 0.0 in [item["relevance_score"] for item in results]


def test_meilisearch_may_ask_one_text_at_a_time(service):
    reply = send(service, "/api/embeddings", JSON, {"model": "nomic-embed-text", "prompt": "test"})
    assert reply.status == 200 and len(reply.json()["embedding"]) == 256


def test_typesense_finds_its_model_in_the_list(service):
    assert "embedd-base-2" in [model["id"] for model in good(service, "/v1/models")["data"]]
    # It tries one text before it believes in the model.
    reply = send(service, "/v1/embeddings", {**JSON, **KEY}, {"input": "typesense", "model": "embedd-base-2"})
    assert len(reply.json()["data"][0]["embedding"]) == 256


@pytest.mark.parametrize("path, body, at", [
    ("/v1/embeddings", {"input": []}, ("error", "message")),  # Typesense, Milvus, Elasticsearch, OpenSearch
    ("/embed", {"inputs": []}, ("error",)),  # Elasticsearch, Weaviate's text2vec-huggingface
    ("/", {"inputs": [None]}, ("error",)),
    ("/api/embed", {"model": "m", "input": [None]}, ("error",)),
    ("/vectors", {"text": None}, ("error",)),
])
def test_an_error_says_why_where_databases_look(service, path, body, at):
    reply = send(service, path, JSON, body)
    assert 400 <= reply.status < 500
    found = reply.json()
    for key in at:
        found = found[key]
    assert isinstance(found, str) and found
