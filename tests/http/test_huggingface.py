# SPDX-License-Identifier: Apache-2.0
"""Hugging Face's own clients, which are given the bare address: the real Python one, and what the
others were seen to send."""
import json

import numpy
import pytest
from harness import TOP, head, post, wait_until
from huggingface_hub import InferenceClient, close_session

TEXTS = ["I love to eat", "我爱吃饭", "", "naïve café \U0001f600"]


@pytest.fixture(autouse=True)
def no_connection_stays():
    """The client keeps one for all of the process."""
    yield
    close_session()


def embed(service, inputs, **fields):
    reply = service.post("/embed", json.dumps({"inputs": inputs, **fields}).encode())
    assert reply.status == 200, reply.body
    return numpy.array(reply.json(), dtype="float32")


@pytest.mark.parametrize("tail", ["", "/", "/embed"])
@pytest.mark.parametrize("name", ["model", "base_url"])
def test_feature_extraction_takes_the_address(service, name, tail):
    client = InferenceClient(**{name: service.url + tail})
    one = client.feature_extraction("I love to eat")
    assert one.shape == (1, 256) and one.dtype == numpy.float32
    assert (one == embed(service, "I love to eat")).all()
    assert (client.feature_extraction(TEXTS) == embed(service, TEXTS)).all()
    raw = client.feature_extraction(
        TEXTS, normalize=False, truncate=True, truncation_direction="left")
    assert (raw == embed(service, TEXTS, normalize=False)).all()


def test_what_feature_extraction_cannot_do_is_said(service):
    client = InferenceClient(service.url)
    with pytest.raises(Exception, match="prompt"):
        client.feature_extraction("a", prompt_name="query")


HEADS = TOP / "examples/heads"


def test_sentence_similarity_takes_the_address(service):
    client = InferenceClient(service.url)
    scores = client.sentence_similarity("I love to eat", other_sentences=TEXTS)
    vectors = embed(service, ["I love to eat", *TEXTS]).astype("float64")
    assert numpy.abs(numpy.array(scores) - vectors[1:] @ vectors[0]).max() < 1e-6
    assert scores[2] == 0  # of a text without tokens


def test_text_classification_takes_the_address(start):
    service = start("--model", str(TOP / "examples/chain/w6x2"), "--heads", str(HEADS))
    client = InferenceClient(service.url)
    best, other = client.text_classification("我爱吃饭")
    assert (best.label, other.label) == ("meal", "other") and best.score > other.score
    batch = service.post("/predict", json.dumps({"inputs": [["我爱吃饭"]]}).encode()).json()
    assert batch == [[{"score": best.score, "label": "meal"}, {"score": other.score, "label": "other"}]]
    # The same address still gives vectors.
    assert (client.feature_extraction("我爱吃饭") == embed(service, "我爱吃饭")).all()
    assert client.sentence_similarity("我", other_sentences=["我"]) == [1]
    close_session()


def test_pipelines_take_a_list_as_a_batch_and_tei_as_a_pair(start):
    service = start("--model", str(TOP / "examples/chain/w6x2"), "--heads", str(HEADS))
    def ask(body, path="/"):
        return service.post(path, json.dumps(body).encode()).json()
    one, two = (ask({"inputs": [[text]]}, "/predict")[0] for text in ("我爱", "吃饭"))
    assert ask({"inputs": ["我爱", "吃饭"], "parameters": {}}) == [one, two]
    assert ask({"inputs": ["我爱", "吃饭"], "raw_scores": False}) == ask({"inputs": ["我爱", "吃饭"]}, "/predict")
    assert ask({"instances": [{"inputs": "我爱", "parameters": {}}, {"inputs": "吃饭", "raw_scores": False},
                              {"inputs": "我爱"}]}, "/vertex") == {
        "predictions": [[one], two, ask({"inputs": "我爱"}, "/embed")]}
    line = 'embedd_predictions_total{model="chain-w6x2",head="meal",label="%s"}'
    best = [text["label"] for text in (one, two) for text in text[:1]]
    assert len(best) == 2 and sum(service.metric(line % label) for label in set(best)) >= 2


# As they went over the wire, the address apart.
SEEN = {
    "langchain-huggingface 0.3.1, HuggingFaceEndpointEmbeddings(model=URL)":
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nuser-agent: unknown/None; hf_hub/0.36.2; "
        b"python/3.11.7\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive"
        b"\r\ncontent-type: application/json\r\nContent-Length: 22\r\nX-Amzn-Trace-Id: 8384fea1-"
        b'60cc-44d5-80b9-2af96b6f9dfc\r\n\r\n{"inputs": ["a", "b"]}',
    "@huggingface/inference 4.13.30, featureExtraction({endpointUrl})":
        b"POST / HTTP/1.1\r\nhost: 127.0.0.1:8080\r\nconnection: keep-alive\r\nContent-Type: "
        b"application/json\r\nUser-Agent: @huggingface/inference/4.13.30\r\naccept: */*\r\n"
        b"accept-language: *\r\nsec-fetch-mode: cors\r\naccept-encoding: gzip, deflate\r\n"
        b'content-length: 20\r\n\r\n{"inputs":["a","b"]}',
    "@huggingface/inference 4.13.30, with a key and normalize":
        b"POST / HTTP/1.1\r\nhost: 127.0.0.1:8080\r\nconnection: keep-alive\r\nAuthorization: "
        b"Bearer hf_x\r\nContent-Type: application/json\r\nUser-Agent: @huggingface/inference/"
        b"4.13.30\r\naccept: */*\r\naccept-language: *\r\nsec-fetch-mode: cors\r\naccept-encoding: "
        b'gzip, deflate\r\ncontent-length: 37\r\n\r\n{"inputs":["a","b"],"normalize":true}',
}


@pytest.mark.parametrize("request_bytes", SEEN.values(), ids=SEEN)
def test_other_clients_are_answered_as_embed_does(service, request_bytes):
    with service.connect() as client:
        client.send(request_bytes)
        reply = client.read_reply()
    assert reply.status == 200 and reply.headers["content-type"] == "application/json"
    assert (numpy.array(reply.json(), dtype="float32") == embed(service, ["a", "b"])).all()


# ---- the routes themselves ----


@pytest.mark.parametrize("path, same, bodies", [
    ("/", "/embed", [{"inputs": "a"}, {"inputs": []}, {"inputs": 7}, {"input": "a"}]),
    ("/embeddings", "/v1/embeddings", [
        {"input": "a"}, {"input": [[1, 2]], "encoding_format": "base64", "model": "m"},
        {"input": []}, {"inputs": "a"}, {"input": "a", "dimensions": 9999}]),
])
def test_a_route_answers_as_its_other_name(service, path, same, bodies):
    for body in (*map(json.dumps, bodies), "{", "[]"):
        one, two = (service.post(where, body.encode()) for where in (path, same))
        assert (one.status, one.body) == (two.status, two.body)
        drop = ("x-request-id", "date")
        assert {k: v for k, v in one.headers.items() if k not in drop} == {
            k: v for k, v in two.headers.items() if k not in drop}


def test_a_get_of_the_root_is_what_it_was(service):
    assert service.get("/").body == b"embedd is running"
    with service.connect() as client:
        reply = client.get("/", "HEAD")
        assert (reply.status, reply.headers["content-length"]) == (200, "17")
        for method in ("OPTIONS", "PUT", "DELETE"):
            client.send(head(method, "/"))
            reply = client.read_reply()
            assert reply.status == (204 if method == "OPTIONS" else 405)
            assert reply.headers["allow"] == "GET, HEAD, POST, OPTIONS"
        assert client.get("/embeddings").headers["allow"] == "POST, OPTIONS"


def test_a_large_body_to_the_root_is_work_for_a_worker(service):
    texts = ["word " * 200] * 40
    assert len(service.post("/", json.dumps({"inputs": texts}).encode()).json()) == 40


def test_metrics_have_each_series_once(start):
    service = start()
    service.get("/")
    for path, body in (("/", b'{"inputs":"a"}'), ("/embeddings", b'{"input":"a"}')):
        assert service.post(path, body).status == 200
    for route, n in (("/", 2), ("/embeddings", 1)):
        line = f'embedd_requests_total{{route="{route}",code="200"}}'
        wait_until(lambda: service.metric(line) == n, f"{route} is counted {n} times")
    samples = [line.rpartition(" ")[0] for line in service.get("/metrics").body.decode().splitlines()
               if not line.startswith("#")]
    assert len(samples) == len(set(samples))


def test_two_requests_in_one_packet_are_both_answered(service):
    with service.connect() as client:
        client.send(post("/", b'{"inputs":"a"}') + head("GET", "/"))
        assert client.read_reply().status == 200
        assert client.read_reply().body == b"embedd is running"
