# SPDX-License-Identifier: Apache-2.0
"""The inference container of Weaviate's text2vec-transformers, asked as Weaviate asks: without a Content-Type."""
import json

import pytest
from test_tei import good

pytestmark = pytest.mark.slow_under_tsan

CONFIG = {"pooling_strategy": "masked_mean", "task_type": "passage"}


def send(service, path, body):
    """As Go's http.NewRequest posts a buffer: no header says what it is."""
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    with service.connect() as client:
        client.send(f"POST {path} HTTP/1.1\r\nHost: t2v\r\nUser-Agent: Go-http-client/1.1\r\n"
                    f"Content-Length: {len(data)}\r\nAccept-Encoding: gzip\r\n\r\n".encode() + data)
        return client.read_reply()


@pytest.mark.parametrize("path", ["/vectors", "/vectors/"])
def test_a_text_gets_what_openais_route_gives(service, path):
    for text in ("I love to eat", "我爱吃饭", ""):
        reply = send(service, path, {"text": text, "dims": 0, "vector": None, "error": "", "config": CONFIG})
        assert reply.status == 200 and "x-embedd-ignored-fields" not in reply.headers
        vector = good(service, "/v1/embeddings", {"input": text})["data"][0]["embedding"]
        assert reply.json() == {"text": text, "vector": vector, "dim": 256}


def test_a_batch_gets_its_vectors_in_order(service):
    texts = ["I love to eat", "", "我爱吃饭"]
    reply = send(service, "/vectors", {"texts": texts, "config": {**CONFIG, "dimensions": 64}})
    data = good(service, "/v1/embeddings", {"input": texts, "dimensions": 64})["data"]
    assert reply.json() == {"vectors": [item["embedding"] for item in data], "dims": 64}


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"\xff", {}, {"text": None}, {"text": 3}, {"texts": [1]},
    {"text": "a", "config": "x"}, {"text": "a", "config": {"dimensions": 0}},
    {"text": "a", "config": {"dimensions": 257}}])
def test_an_error_is_one_string(service, body):
    reply = send(service, "/vectors", body)
    assert reply.status == 400
    assert list(reply.json()) == ["error"] and reply.json()["error"]


def test_what_weaviate_asks_at_its_start(service):
    for path in ("/.well-known/live", "/.well-known/ready"):
        reply = service.get(path)
        assert (reply.status, reply.body) == (204, b"")
        with service.connect() as client:
            assert client.get(path, "HEAD").status == 204
    meta = good(service, "/meta")
    assert meta["model_name"] == "embedd-base-2" and meta["hidden_size"] == 256
