# SPDX-License-Identifier: Apache-2.0
"""What dashboards and gateways made for text-embeddings-inference read, where it is asked for."""
import json
import re

import pytest
from harness import TOP, wait_until

HEADERS = ["x-compute-type", "x-compute-time", "x-compute-characters", "x-compute-tokens", "x-total-time",
           "x-tokenization-time", "x-queue-time", "x-inference-time"]
W6X2 = ["--model", str(TOP / "examples/chain/w6x2"), "--heads", str(TOP / "examples/heads")]


def post(service, path, body):
    return service.post(path, json.dumps(body).encode())


@pytest.mark.parametrize("path, body, characters, tokens", [
    ("/embed", {"inputs": "我爱"}, 2, 2), ("/embed", {"inputs": ["我爱", [1, 2, 3], ""]}, 5, 5),
    ("/embed_all", {"inputs": ["a b"]}, 3, None), ("/embed_sparse", {"inputs": ["我"]}, 1, 1),
    ("/similarity", {"inputs": {"source_sentence": "我", "sentences": ["爱", "饭"]}}, 3, 3),
    ("/rerank", {"query": "我", "texts": ["爱", "饭"]}, 3, 3), ("/predict", {"inputs": "我爱"}, 2, 2),
    ("/", {"inputs": "我爱"}, 2, 2), ("/v1/embeddings", {"input": ["我", "爱"]}, 2, 2),
    ("/vertex", {"instances": [{"inputs": "我"}, {"inputs": ["爱", "饭"]}]}, 3, 3)])
def test_headers_come_where_they_are_asked_for(start, path, body, characters, tokens):
    reply = post(start(*W6X2, "--tei-telemetry"), path, body)
    assert reply.status == 200, reply.body
    found = {name: reply.headers[name] for name in HEADERS}
    assert found.pop("x-compute-type") == "cpu"
    assert all(re.fullmatch(r"\d+", value) for value in found.values())
    assert found["x-compute-characters"] == str(characters)
    assert tokens is None or found["x-compute-tokens"] == str(tokens)


def test_nothing_of_it_comes_unasked(service):
    reply = post(service, "/embed", {"inputs": "a"})
    assert not set(HEADERS) & set(reply.headers)
    assert b"te_request" not in service.get("/metrics").body


def test_metrics_are_teis(start):
    service = start(*W6X2, "--tei-telemetry", "--max-inputs=3")
    for path, body, status in (("/embed", {"inputs": "我爱"}, 200), ("/embed", {"inputs": ["我", "爱"]}, 200),
                               ("/v1/embeddings", {"input": "我"}, 200), ("/predict", {"inputs": "我"}, 200),
                               ("/predict", {"inputs": [["我"], ["爱"]]}, 200), ("/embed", {"inputs": ["a"] * 4}, 422),
                               ("/embed", {"inputs": 3}, 422), ("/embed", {"inputs": "a", "dimensions": 9}, 422),
                               ("/tokenize", {"inputs": "我"}, 200), ("/v1/ids", {"text": "我"}, 200)):
        assert post(service, path, body).status == status
    assert service.post("/embed", b"{").status == 400
    wanted = {'te_request_count{method="single"}': 5, 'te_request_count{method="batch"}': 3,
              'te_request_success{method="single"}': 3, 'te_request_success{method="batch"}': 2,
              "te_embed_success": 4, "te_predict_count": 3, "te_predict_success": 3,
              'te_request_failure{err="batch_size"}': 1, 'te_request_failure{err="validation"}': 2,
              "te_request_duration_count": 5, "te_embed_duration_count": 4, "te_predict_duration_count": 3,
              "te_request_input_length_count": 7, "te_request_input_length_sum": 8, "te_batch_next_size_count": 5}
    wait_until(lambda: service.metric("te_request_duration_count") == 5, "all are counted")
    assert {name: service.metric(name) for name in wanted} == wanted
    text = service.get("/metrics").body.decode()
    types = dict(re.findall(r"# TYPE (te_\S+) (\w+)", text))
    assert types["te_request_count"] == "counter" and types["te_queue_size"] == "gauge"
    assert sum(kind == "histogram" for kind in types.values()) == 15
    samples = [line.rpartition(" ")[0] for line in text.splitlines() if line and line[0] != "#"]
    assert len(samples) == len(set(samples))


def test_a_model_without_heads_is_the_wrong_type(start):
    service = start("--tei-telemetry")
    assert post(service, "/predict", {"inputs": "a"}).status == 424
    wait_until(lambda: service.metric('te_request_failure{err="model_type"}') == 1, "it is counted")


def test_the_status_of_a_wrong_value_is_what_the_option_says(start):
    old, new = start(*W6X2, "--tei-validation-status=413"), start(*W6X2)
    for path, body in (("/embed", {"inputs": 3}), ("/embed", {"inputs": ["a"] * 3000}), ("/rerank", {"query": 3}),
                       ("/tokenize", {}), ("/vertex", {"instances": [3]})):
        one, two = post(old, path, body), post(new, path, body)
        assert (one.status, two.status) == (413, 422)
        assert one.body == two.body and one.json()["error_type"] == "Validation"
    # The others stay.
    for service in (old, new):
        assert post(service, "/embed", {"inputs": []}).status == 400
        assert service.post("/embed", b"{").status == 400
        assert post(service, "/v1/ids", {"text": "猫"}).status == 422
