# SPDX-License-Identifier: Apache-2.0
"""/v1/embeddings as Voyage's client calls it."""
import base64
import json
import struct

import pytest

pytestmark = pytest.mark.slow_under_tsan

TEXTS = ["I love to eat", "我爱吃饭", ""]


def ask(service, **more):
    """What the client sends when it is told nothing."""
    body = {"input": TEXTS, "model": "voyage-3.5", "input_type": "document", "truncation": True,
            "output_dtype": None, "output_dimension": None, "encoding_format": "base64", **more}
    reply = service.post("/v1/embeddings", json.dumps(body).encode())
    return reply.status, reply.json()


def plain(service, **more):
    reply = service.post("/v1/embeddings", json.dumps({"input": TEXTS, **more}).encode())
    return [item["embedding"] for item in reply.json()["data"]]


def test_vectors_are_those_of_any_other_client(service):
    status, reply = ask(service)
    assert status == 200 and reply["usage"]["total_tokens"] > 0
    assert [base64.b64decode(item["embedding"]) for item in reply["data"]] \
        == [struct.pack("<256f", *vector) for vector in plain(service)]
    status, reply = ask(service, output_dimension=32, output_dtype="int8", encoding_format=None)
    assert status == 200
    assert [item["embedding"] for item in reply["data"]] == plain(service, dimensions=32, output_dtype="int8")


def test_errors_are_a_detail_and_never_an_object_under_error(service, start):
    assert ask(service, output_dimension=257) == (
        400, {"detail": "output_dimension must be a whole number from 1 to 256, not 257"})
    status, reply = ask(service, input=[""] * 2049)
    assert status == 413 and set(reply) == {"detail"}
    status, reply = ask(start("--strict-model"))
    assert status == 404 and set(reply) == {"detail"}
