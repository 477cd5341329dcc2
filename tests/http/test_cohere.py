# SPDX-License-Identifier: Apache-2.0
"""Cohere's routes against the running program, as its clients call them."""
import base64
import json
import struct

import pytest

pytestmark = pytest.mark.slow_under_tsan

TEXTS = ["I love to eat", "我爱吃饭", "", "good food"]


def ask(service, path, **body):
    reply = service.post(path, json.dumps(body).encode())
    return reply.status, reply.json()


def good(service, path, **body):
    status, reply = ask(service, path, **body)
    assert status == 200, reply
    return reply


def vectors(service, **more):
    return [item["embedding"] for item in good(service, "/v1/embeddings", input=TEXTS, **more)["data"]]


def test_what_the_client_of_v2_sends_is_answered_in_the_bits_of_v1_embeddings(service):
    reply = good(service, "/v2/embed", texts=TEXTS, model="embed-v4.0", input_type="search_document",
                 embedding_types=["float"])
    assert set(reply) == {"id", "embeddings", "texts", "meta", "response_type"}
    assert reply["embeddings"] == {"float": vectors(service)}
    assert reply["texts"] == TEXTS
    assert reply["meta"] == {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 9}}


def test_what_the_client_of_v1_sends_is_answered_in_the_bits_of_v1_embeddings(service):
    reply = good(service, "/v1/embed", texts=TEXTS, model="embed-english-v3.0", input_type="search_document")
    assert set(reply) == {"id", "embeddings", "texts", "meta", "response_type"}
    assert reply["embeddings"] == vectors(service)
    assert reply["response_type"] == "embeddings_floats"
    by_type = good(service, "/v1/embed", texts=TEXTS, embedding_types=["float"])
    assert by_type["embeddings"] == {"float": vectors(service)}
    assert by_type["response_type"] == "embeddings_by_type"


def test_each_type_is_that_of_v1_embeddings(service):
    names = ["float", "int8", "uint8", "binary", "ubinary", "base64"]
    lists = good(service, "/v2/embed", texts=TEXTS, embedding_types=names)["embeddings"]
    assert sorted(lists) == sorted(names)
    for name in ("int8", "uint8", "binary", "ubinary"):
        assert lists[name] == vectors(service, output_dtype=name), name
    for text, numbers in zip(lists["base64"], lists["float"]):
        assert base64.b64decode(text) == struct.pack(f"<{len(numbers)}f", *numbers)


def test_parts_are_joined_and_dimensions_cut(service):
    content = [{"content": [{"type": "text", "text": "I love"}, {"type": "text", "text": "to eat"}]}]
    reply = good(service, "/v2/embed", inputs=content, output_dimension=32, input_type="search_query")
    assert reply["texts"] == ["I love to eat"]
    assert reply["embeddings"]["float"] == vectors(service, dimensions=32)[:1]


def test_more_than_96_texts_are_one_request(service):
    reply = good(service, "/v2/embed", texts=[f"text {i}" for i in range(300)], embedding_types=["int8"])
    assert len(reply["embeddings"]["int8"]) == len(reply["texts"]) == 300


def test_the_id_is_the_requests(service):
    reply = service.post("/v2/embed", b'{"texts":["a"]}', **{"x-request-id": "mine"})
    assert reply.json()["id"] == reply.headers["x-request-id"] == "mine"
    reply = service.post("/v1/embed", b'{"texts":["a"]}')
    assert reply.json()["id"] == reply.headers["x-request-id"] != ""


def test_a_large_request_is_done_by_a_worker_with_the_same_result(service):
    texts = [f"{i} words of a text" for i in range(2000)]
    types = ["float", "int8", "base64"]
    lists = good(service, "/v2/embed", texts=texts, embedding_types=types)["embeddings"]
    one = good(service, "/v2/embed", texts=texts[1999:], embedding_types=types)["embeddings"]
    for name in types:
        assert len(lists[name]) == 2000 and lists[name][1999] == one[name][0]


@pytest.mark.parametrize("path", ["/v1/embed", "/v2/embed"])
@pytest.mark.parametrize("body, status, message", [
    ({}, 400, "send either texts or inputs; neither was given, and images are not embedded here"),
    ({"texts": []}, 400, "texts is an empty list; send at least one item"),
    ({"texts": ["a"], "output_dimension": 257}, 400,
     "output_dimension must be a whole number from 1 to 256, not 257"),
    ({"texts": [""] * 2049}, 413,
     "texts holds 2049 inputs, but max-inputs is 2048; send them in several requests, or raise max-inputs"),
])
def test_errors_are_a_message(service, path, body, status, message):
    assert ask(service, path, **body) == (status, {"message": message})


def test_an_unknown_model_is_404_where_the_name_counts(start):
    service = start("--strict-model")
    status, reply = ask(service, "/v2/embed", texts=["a"], model="embed-v4.0")
    assert status == 404 and set(reply) == {"message"}
    assert ask(service, "/v2/embed", texts=["a"], model="embedd-base-2")[0] == 200
