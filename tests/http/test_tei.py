# SPDX-License-Identifier: Apache-2.0
"""The native routes of text-embeddings-inference, as its plain HTTP clients use them, and our own
routes on the running example."""
import base64
import json
import pathlib
import struct
import urllib.error
import urllib.request

import numpy
import pytest
from harness import BERT, write_model

pytestmark = pytest.mark.slow_under_tsan

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples/chain/w6x2"
STATIC = pathlib.Path(__file__).resolve().parents[1] / "golden/static"
SENTENCE = "我爱吃饭"
TOKENS = ["我", "爱", "吃", "饭"]


def weights_of(path):
    """The tensor `weights` of a safetensors file."""
    data = path.read_bytes()
    n = int.from_bytes(data[:8], "little")
    tensor = json.loads(data[8:8 + n])["weights"]
    begin, end = tensor["data_offsets"]
    dtype = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}[tensor["dtype"]]
    return numpy.frombuffer(data[8 + n + begin:8 + n + end], dtype)


def ask(service, path, body=None, content_type="application/json"):
    """Status, headers, body; the body as JSON where it is."""
    data = None
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    request = urllib.request.Request(service.url + path, data, {"content-type": content_type})
    try:
        reply = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        reply = error
    with reply:
        text = reply.read()
    is_json = reply.headers.get("content-type") == "application/json"
    return reply.status, reply.headers, json.loads(text) if is_json else text


def good(service, path, body=None):
    status, _, reply = ask(service, path, body)
    assert status == 200, reply
    return reply


@pytest.fixture
def example(start):
    return start("--model", str(EXAMPLE))


def test_embed_gives_one_list_a_text(service):
    one, two = good(service, "/embed", {"inputs": "good food"}), good(
        service, "/embed", {"inputs": ["good food", "bad food"]})
    assert len(one) == 1 and len(two) == 2 and len(one[0]) == 256
    assert one[0] == two[0] != two[1]
    raw = good(service, "/embed", {"inputs": "good food", "normalize": False})[0]
    norm = sum(x * x for x in raw) ** 0.5
    assert raw != one[0]
    assert all(abs(a / norm - b) < 1e-6 for a, b in zip(raw, one[0]))


def test_embed_takes_ids_beside_texts(service):
    tokens = good(service, "/tokenize", {"inputs": "good food", "add_special_tokens": False})[0]
    ids = [token["id"] for token in tokens]
    vectors = good(service, "/embed", {"inputs": ["good food", ids, ""]})
    assert vectors[0] == vectors[1]
    assert set(vectors[2]) == {0}


def test_embed_all_gives_rows_of_the_table(service):
    text = "good food, 我爱吃饭"
    rows = good(service, "/v1/lookup", {"text": text})["data"][0]["rows"]
    assert good(service, "/embed_all", {"inputs": [text, ""]}) == [rows, []]
    ids = good(service, "/v1/ids", {"text": text})["data"][0]["ids"]
    assert good(service, "/embed_all", {"inputs": ids}) == [rows]


def test_long_replies_of_rows_come_whole(service):
    text = " ".join(["good food"] * 1000)
    rows = good(service, "/embed_all", {"inputs": [text, "good"]})
    assert [len(row) for row in rows] == [2000, 1]
    assert rows[0][0] == rows[0][1998] == rows[1][0]


def test_a_bag_holds_what_a_vector_is_made_of(start):
    service = start("--model", str(STATIC / "m2v_weights"))
    text = "hello world hello the the the the"
    ids = good(service, "/v1/ids", {"text": text})["data"][0]["ids"]
    bag = good(service, "/embed_sparse", {"inputs": text})[0]
    assert [entry["index"] for entry in bag] == sorted({entry["index"] for entry in bag}) and len(bag) > 1
    weights = weights_of(STATIC / "m2v_weights/model.safetensors")
    for entry in bag:
        wanted = numpy.float32(weights[entry["index"]]) * ids.count(entry["index"])
        assert abs(entry["value"] - wanted) < 1e-6
    assert len({weights[entry["index"]] for entry in bag}) > 1


def test_similarity_and_rerank_agree(service):
    texts = ["good food", "", "the weather", "我爱吃饭", "tasty meal"]
    scores = good(service, "/similarity", {"inputs": {"source_sentence": "good meal", "sentences": texts}})
    ranks = good(service, "/rerank", {"query": "good meal", "texts": texts, "raw_scores": True})
    assert {rank["index"]: rank["score"] for rank in ranks} == dict(enumerate(scores))
    assert [rank["score"] for rank in ranks] == sorted(scores, reverse=True)
    shown = good(service, "/rerank", {"query": "good meal", "texts": texts, "return_text": True})
    assert [rank["index"] for rank in shown] == [rank["index"] for rank in ranks]
    for rank, raw in zip(shown, ranks):
        assert rank["text"] == texts[rank["index"]]
        assert abs(rank["score"] - (1 + raw["score"]) / 2) < 1e-6


@pytest.mark.parametrize("path", ["/embed_all", "/embed_sparse", "/similarity", "/rerank", "/vertex", "/invocations"])
@pytest.mark.parametrize("body", [
    b"", b"[]", b"7", b'{"inputs":', b'{"inputs":{"sentences":{}},"instances":{},"texts":{},"query":[]}',
    b'{"inputs":[[[[[[[[[[[[1]]]]]]]]]]]],"texts":[[]],"query":"a","instances":[[]]}',
    b'{"inputs":[-1],"texts":[1],"query":null,"instances":[1]}', b'{"inputs":"\xff"}'])
def test_bad_requests_are_answered(service, path, body):
    status, headers, reply = ask(service, path, body)
    assert status in (400, 422)
    if isinstance(reply, bytes):
        assert headers["content-type"].startswith("text/plain") and reply
    else:
        assert set(reply) == {"error", "error_type"} and reply["error"]


def test_tokenize_marks_special_tokens_and_places(start, tmp_path):
    service = start(f"--model={write_model(tmp_path, BERT)}")
    text = "I love 我爱 naïve 这 \U0001f600 eat".encode()
    tokens = good(service, "/tokenize", {"inputs": text.decode()})[0]
    assert [t["text"] for t in tokens if t["special"]] == ["[CLS]", "[SEP]"]
    for token in tokens:
        assert set(token) == {"id", "text", "special", "start", "stop"}
        if token["special"]:
            assert token["start"] is token["stop"] is None
        else:
            assert text[token["start"]:token["stop"]].decode() == token["text"]
    # Bytes in TEI, code points on our own routes.
    assert [(t["start"], t["stop"]) for t in tokens if t["text"] in "我爱这"] == [
        (7, 10), (10, 13), (21, 24)]


def test_decode_turns_ids_back_into_text(start, tmp_path):
    service = start(f"--model={write_model(tmp_path, BERT)}")
    ids = [t["id"] for t in good(service, "/tokenize", {"inputs": "the food is good"})[0]]
    assert good(service, "/decode", {"ids": ids}) == ["the food is good"]
    assert good(service, "/decode", {"ids": [ids, ids[1:2]]}) == ["the food is good", "the"]
    with_special = good(service, "/decode", {"ids": ids, "skip_special_tokens": False})[0]
    assert with_special.startswith("[CLS]")


def test_tokens_of_the_built_in_model_come_back_as_words(service):
    tokens = good(service, "/tokenize", {"inputs": "The food is good 我爱吃饭"})[0]
    assert not any(t["special"] for t in tokens)
    assert good(service, "/decode", {"ids": [t["id"] for t in tokens]}) == [
        "the food is good 我 爱吃 饭"]


def test_info_has_every_key_of_tei(service):
    info = good(service, "/info")
    assert set(info) == {
        "model_id", "model_sha", "model_dtype", "served_model_name", "model_type",
        "max_concurrent_requests", "max_input_length", "max_batch_tokens", "max_batch_requests",
        "max_client_batch_size", "auto_truncate", "tokenization_workers", "version", "sha",
        "docker_label", "embedd"}
    assert info["model_type"] == {"embedding": {"pooling": "mean"}}
    assert info["max_client_batch_size"] == 2048


def test_info_of_a_model_with_heads_still_says_embedding(start):
    service = start("--model", str(EXAMPLE), "--heads", str(EXAMPLE.parents[1] / "heads"))
    info = good(service, "/info")
    assert info["model_type"] == {"embedding": {"pooling": "mean"}}
    assert info["heads"] == [{"name": "meal", "kind": "binary", "labels": 2}]


@pytest.mark.parametrize("path", ["/health", "/ping"])
def test_health_is_empty(service, path):
    status, headers, body = ask(service, path)
    assert (status, body) == (200, b"")


@pytest.mark.parametrize("body, status, reply", [
    ({"inputs": []}, 400, {"error": "`inputs` cannot be empty", "error_type": "Empty"}),
    ({"inputs": [""] * 2049}, 422,
     {"error": "batch size 2049 > maximum allowed batch size 2048", "error_type": "Validation"}),
    ({"inputs": "a", "dimensions": 0}, 422,
     {"error": "Input validation error: dimensions must be a whole number from 1 to 256, not 0",
      "error_type": "Validation"}),
])
def test_errors_are_teis(service, body, status, reply):
    assert ask(service, "/embed", body)[::2] == (status, reply)


def test_what_is_not_json_is_answered_in_plain_text(service):
    status, headers, body = ask(service, "/embed", b'{"inputs": "a"')
    assert status == 400 and headers["content-type"].startswith("text/plain")
    assert body.startswith(b"Failed to parse the request body as JSON: ")
    status, headers, body = ask(service, "/embed", b"<a/>", "text/xml")
    assert status == 415 and b"application/json" in body


def test_a_too_long_text_is_cut_or_refused(start):
    service = start("--max-input-tokens", "3", "--truncate", "error")
    status, _, body = ask(service, "/embed", {"inputs": "one two three four"})
    assert (status, body) == (422, {
        "error": "Input validation error: `inputs` must have less than 3 tokens. Given: 4",
        "error_type": "Validation"})
    _, headers, cut = ask(service, "/embed", {"inputs": "one two three four", "truncate": True})
    assert cut == good(service, "/embed", {"inputs": "one two three"})
    assert headers["x-embedd-truncated"] == "1"
    left = good(service, "/embed", {"inputs": "one two three four", "truncate": True,
                                    "truncation_direction": "Left"})
    assert left == good(service, "/embed", {"inputs": "two three four"})


def test_the_chain_of_the_running_example(example):
    assert good(example, "/v1/ids", {"text": [SENTENCE, "他爱吃饭", "你爱吃饭"]})["data"] == [
        {"index": 0, "tokens": TOKENS, "ids": [1, 2, 3, 5], "unknown": 0},
        {"index": 1, "tokens": ["他", *TOKENS[1:]], "ids": [0, 2, 3, 5], "unknown": 0},
        {"index": 2, "tokens": ["你", *TOKENS[1:]], "ids": [4, 2, 3, 5], "unknown": 0}]
    assert good(example, "/v1/onehot", {"text": SENTENCE})["data"] == [{
        "index": 0, "tokens": TOKENS, "shape": [4, 6], "zeros": 5 / 6,
        "rows": [[0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 1]]}]
    assert good(example, "/v1/onehot", {"text": SENTENCE, "vocabulary": "input"})["data"][0] == {
        "index": 0, "tokens": TOKENS, "shape": [4, 4], "zeros": 0.75,
        "rows": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}


def test_one_hot_times_w_is_the_look_up(example):
    w = good(example, "/v1/lookup", {"ids": list(range(6))})["data"][0]["rows"]
    x = good(example, "/v1/onehot", {"text": SENTENCE})["data"][0]["rows"]
    y = good(example, "/v1/lookup", {"text": SENTENCE})["data"][0]
    product = [[sum(row[k] * w[k][j] for k in range(6)) for j in range(2)] for row in x]
    assert y["rows"] == product and y["shape"] == [4, 2]
    raw = base64.b64decode(good(example, "/v1/lookup", {
        "text": SENTENCE, "encoding_format": "base64"})["data"][0]["rows"])
    assert list(struct.unpack("<8f", raw)) == [v for row in product for v in row]


def test_an_unknown_token_is_an_error_that_names_it(example):
    status, _, body = ask(example, "/v1/ids", {"text": "我爱猫"})
    assert status == 422 and set(body["error"]) == {"message", "type", "param", "code"}
    assert "token 2 of input 0, \"猫\"" in body["error"]["message"]
    reply = good(example, "/v1/ids", {"text": "我爱猫", "unknown": "skip"})["data"][0]
    assert reply == {"index": 0, "tokens": ["我", "爱"], "ids": [1, 2], "unknown": 1}


def test_one_long_word_is_no_trouble(service):
    # 7 MB without a space, in both scripts.
    for text in ("x" * (7 << 20), "吃" * ((7 << 20) // 3)):
        assert len(good(service, "/embed", {"inputs": text})[0]) == 256


def test_server_timing_comes_on_request(service):
    request = urllib.request.Request(service.url + "/embed", b'{"inputs":"a"}',
                                     {"content-type": "application/json", "x-embedd-timing": "1"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        names = [part.split(";")[0] for part in reply.headers["server-timing"].split(", ")]
    assert set(names) >= {"parse", "tokenize", "lookup", "write"}


def test_ready_live_and_root(service):
    assert good(service, "/ready") == good(service, "/live") == {"status": "ok"}
    assert good(service, "/") == b"embedd is running"
