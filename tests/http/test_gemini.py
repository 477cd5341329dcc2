# SPDX-License-Identifier: Apache-2.0
"""Gemini's routes against the running program, as its clients call them."""
import json

import pytest

pytestmark = pytest.mark.slow_under_tsan

TEXTS = ["I love to eat", "我爱吃饭", "", "good food"]
MODEL = "gemini-embedding-001"
VERSIONS = ["/v1", "/v1beta"]  # the client for Python, that for JavaScript


def ask(service, path, **body):
    reply = service.post(path, json.dumps(body).encode(), **{"x-goog-api-key": "unused"})
    return reply.status, reply.json()


def good(service, path, **body):
    status, reply = ask(service, path, **body)
    assert status == 200, reply
    return reply


def content(text):
    return {"parts": [{"text": text}], "role": "user"}


def vectors(service, **more):
    return [item["embedding"] for item in good(service, "/v1/embeddings", input=TEXTS, **more)["data"]]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_clients_send_is_answered_in_the_bits_of_v1_embeddings(service, version):
    requests = [{"content": content(text), "model": f"models/{MODEL}"} for text in TEXTS]
    reply = good(service, f"{version}/models/{MODEL}:batchEmbedContents", requests=requests)
    assert [item["values"] for item in reply["embeddings"]] == vectors(service)
    assert set(reply) == {"embeddings", "usageMetadata"}
    one = good(service, f"{version}/models/{MODEL}:embedContent", content=content(TEXTS[1]), taskType="CLUSTERING")
    assert one["embedding"] == reply["embeddings"][1]


def test_each_request_has_its_own_dimensions(service):
    sizes = [256, 32, 32, 8]
    requests = [{"content": content(text), "outputDimensionality": size} for text, size in zip(TEXTS, sizes)]
    reply = good(service, f"/v1beta/models/{MODEL}:batchEmbedContents", requests=requests)
    for i, size in enumerate(sizes):
        assert reply["embeddings"][i]["values"] == vectors(service, dimensions=size)[i]


def test_a_large_batch_of_many_sizes_is_one_reply(service):
    requests = [{"content": content(f"text {i}"), "outputDimensionality": 1 + i % 256} for i in range(2048)]
    reply = good(service, f"/v1beta/models/{MODEL}:batchEmbedContents", requests=requests)
    assert [len(item["values"]) for item in reply["embeddings"]] == [1 + i % 256 for i in range(2048)]


@pytest.mark.parametrize("version", VERSIONS)
def test_errors_have_a_code_a_message_and_a_status(service, version):
    path = f"{version}/models/{MODEL}:batchEmbedContents"
    assert ask(service, path, requests=[]) == (400, {"error": {
        "code": 400, "message": "requests must be a list of objects with content; it is empty",
        "status": "INVALID_ARGUMENT"}})
    status, reply = ask(service, path, requests=[{"content": content("a")}] * 2049)
    assert (status, reply["error"]["status"]) == (413, "RESOURCE_EXHAUSTED")
    reply = service.post(path, b'{"requests":')
    assert reply.status == 400 and reply.json()["error"]["status"] == "INVALID_ARGUMENT"


def test_models_have_full_names_and_openais_stay_as_they_are(service):
    models = service.get("/v1beta/models").json()["models"]
    assert [model["name"] for model in models] == ["models/embedd-base-2"]
    assert service.get(f"/v1beta/{models[0]['name']}").json() == models[0]
    assert service.get("/v1/models/embedd-base-2").json()["id"] == "embedd-base-2"


def test_an_unknown_model_is_404_where_the_name_counts(start):
    service = start("--strict-model")
    status, reply = ask(service, f"/v1/models/{MODEL}:embedContent", content=content("a"))
    assert (status, reply["error"]["status"]) == (404, "NOT_FOUND")
    good(service, "/v1/models/embedd-base-2:embedContent", content=content("a"))
