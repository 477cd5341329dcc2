# SPDX-License-Identifier: Apache-2.0
"""Vectors as bytes and in the number types that other servers offer, on the routes of every API that embeds."""
import base64
import csv
import json
import os
from pathlib import Path

import numpy
import pytest

from harness import TOP, Service

pytestmark = pytest.mark.slow_under_tsan

PAIRS = Path(os.environ.get("EMBEDD_TEST_DATA", TOP.parent / "shared" / "data")) / "stsb-en-dev.csv"
TEXTS = ["I love to eat", "我爱吃饭", "", "naïve café \U0001f600"]
NUMPY = {"float32": "<f4", "float16": "<f2", "int8": "i1", "uint8": "u1", "binary": "i1", "ubinary": "u1"}


def ask(service, path, accept=None, expect=200, **body):
    reply = service.post(path, json.dumps(body).encode(), **({"accept": accept} if accept else {}))
    assert reply.status == expect, reply.body
    return reply


@pytest.fixture(scope="module")
def floats(service):
    data = json.loads(ask(service, "/v1/embeddings", input=TEXTS).body)["data"]
    return numpy.array([item["embedding"] for item in data], "<f4")


def as_type(name, x):
    """What docs/API.md says of each type, by numpy."""
    if name in ("float32", "float16"):
        return x.astype(NUMPY[name])
    if name in ("int8", "uint8"):
        scale = numpy.float32(127) * max(numpy.float32(1), numpy.sqrt(numpy.float32(x.shape[1])) / 8)
        whole = numpy.clip(numpy.rint(x * scale), -128, 127).astype("i1")
        return whole if name == "int8" else (whole.astype("i2") + 128).astype("u1")
    bits = numpy.packbits(x > 0, axis=1)
    return bits if name == "ubinary" else (bits.astype("i2") - 128).astype("i1")


@pytest.mark.parametrize("path, field", [("/v1/embeddings", "input"), ("/embed", "inputs"),
                                         ("/openai/deployments/any/embeddings", "input")])
def test_whoever_accepts_bytes_gets_the_vectors_alone(service, floats, path, field):
    reply = ask(service, path, accept="application/octet-stream", **{field: TEXTS})
    assert reply.headers.get("content-type") == "application/octet-stream"
    assert reply.headers.get("x-embedd-shape") == "4,256"
    assert reply.headers.get("x-embedd-dtype") == "float32"
    assert reply.body == floats.tobytes()


@pytest.mark.parametrize("path, body", [
    ("/v2/embed", {"texts": TEXTS, "embedding_types": ["float"]}), ("/v1/embed", {"texts": TEXTS}),
    ("/api/embed", {"model": "m", "input": TEXTS}), ("/pooling", {"input": TEXTS}),
    ("/v1beta/models/m:batchEmbedContents", {"requests": [{"content": {"parts": [{"text": t}]}} for t in TEXTS]}),
    ("/", {"inputs": TEXTS}),
])
def test_so_it_is_for_every_api_that_embeds(service, floats, path, body):
    reply = ask(service, path, accept="application/octet-stream", **body)
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["x-embedd-shape"] == "4,256"
    assert reply.body == floats.tobytes()


def test_what_is_not_of_one_type_or_one_length_stays_json(service):
    several = {"texts": TEXTS, "embedding_types": ["float", "int8"]}
    assert ask(service, "/v2/embed", accept="application/octet-stream", **several).json()["embeddings"]["int8"]
    bits = ask(service, "/v2/embed", accept="application/octet-stream", texts=TEXTS, embedding_types=["ubinary"])
    assert bits.headers["x-embedd-shape"] == "4,32" and len(bits.body) == 4 * 32
    lengths = [{"content": {"parts": [{"text": "a"}]}, "outputDimensionality": n} for n in (3, 4)]
    mixed = ask(service, "/v1beta/models/m:batchEmbedContents", accept="application/octet-stream", requests=lengths)
    assert [len(one["values"]) for one in mixed.json()["embeddings"]] == [3, 4]
    assert ask(service, "/vertex", accept="application/octet-stream", instances=[{"inputs": "a"}]).json()["predictions"]


@pytest.mark.parametrize("accept, is_bytes", [
    ("Application/Octet-Stream", True), ("text/html, application/octet-stream;q=0.5", True),
    ("application/octet-stream;q=0.01", True), ("application/octet-stream;q=0", False),
    ("application/octet-stream ; Q=0.000", False), ("*/*", False), ("application/octet-stream, application/JSON", False)])
def test_what_is_accepted_is_read_as_http_has_it(service, accept, is_bytes):
    reply = ask(service, "/v1/embeddings", accept=accept, input="a")
    assert (reply.headers["content-type"] == "application/octet-stream") == is_bytes


def test_json_is_sent_to_whoever_takes_both(service):
    reply = ask(service, "/v1/embeddings", accept="application/json, application/octet-stream", input="a")
    assert reply.headers.get("content-type") == "application/json"


@pytest.mark.parametrize("name", NUMPY)
def test_a_number_type_is_the_documented_function_of_the_vector(service, floats, name):
    want = as_type(name, floats)
    asked = json.loads(ask(service, "/v1/embeddings", input=TEXTS, embed_dtype=name).body)["data"]
    assert numpy.array_equal(numpy.array([item["embedding"] for item in asked], "<f4"), want.astype("<f4"))
    coded = json.loads(ask(service, "/v1/embeddings", input=TEXTS, embed_dtype=name,
                           encoding_format="base64").body)["data"]
    assert [base64.b64decode(item["embedding"]) for item in coded] == [row.tobytes() for row in want]
    raw = ask(service, "/v1/embeddings", input=TEXTS, embed_dtype=name, encoding_format="bytes_only")
    assert raw.body == want.tobytes()
    assert raw.headers.get("x-embedd-shape") == f"4,{want.shape[1]}"
    assert raw.headers.get("x-embedd-dtype") == name


def test_big_endian_turns_every_number(service, floats):
    raw = ask(service, "/v1/embeddings", input=TEXTS, endianness="big", encoding_format="bytes_only")
    assert raw.body == floats.astype(">f4").tobytes()
    half = ask(service, "/v1/embeddings", input=TEXTS, endianness="big", embed_dtype="float16",
               encoding_format="bytes_only")
    assert half.body == floats.astype(">f2").tobytes()
    native = ask(service, "/v1/embeddings", input=TEXTS, endianness="native", encoding_format="bytes_only")
    assert native.body == floats.tobytes()


def test_described_bytes_say_in_a_header_what_they_are(service, floats):
    reply = ask(service, "/v1/embeddings", input=TEXTS, encoding_format="bytes", model="m")
    said = json.loads(reply.headers.get("metadata"))
    assert said["model"] == "m" and said["usage"]["prompt_tokens"] > 0
    for item, row in zip(said["data"], floats, strict=True):
        assert (item["embed_dtype"], item["endianness"], item["shape"]) == ("float32", "little", [256])
        assert reply.body[item["start"]:item["end"]] == row.tobytes()
    ask(service, "/v1/embeddings", input=["a"] * 200, encoding_format="bytes", expect=400)


def test_a_description_is_of_characters_that_every_reader_of_headers_takes(service):
    for model in ("naïve ☃ 🎉 \U0010ffff", "\x7f\x00\x1f\r\n\"\\~"):
        said = ask(service, "/v1/embeddings", input="a", encoding_format="bytes", model=model).headers.get("metadata")
        assert said.isascii() and said.isprintable() and json.loads(said)["model"] == model


def test_jina_s_and_voyage_s_names_mean_the_same(service, floats):
    jina = json.loads(ask(service, "/v1/embeddings", input=TEXTS, embedding_type="ubinary").body)["data"]
    voyage = json.loads(ask(service, "/v1/embeddings", input=TEXTS, output_dtype="ubinary").body)["data"]
    assert jina == voyage
    coded = json.loads(ask(service, "/v1/embeddings", input=TEXTS, embedding_type="base64").body)["data"]
    assert base64.b64decode(coded[0]["embedding"]) == floats[0].tobytes()
    short = json.loads(ask(service, "/v1/embeddings", input="a", output_dimension=8).body)["data"]
    assert len(short[0]["embedding"]) == 8
    plain = json.loads(ask(service, "/v1/embeddings", input="eat", normalized=False).body)["data"]
    assert plain == json.loads(ask(service, "/v1/embeddings", input="eat", normalize=False).body)["data"]


def test_bytes_of_eight_bits_are_of_the_unit_vector(service, floats):
    raw = ask(service, "/v1/embeddings", input=TEXTS, normalize=False, embed_dtype="int8",
              encoding_format="bytes_only")
    assert raw.body == as_type("int8", floats).tobytes()


@pytest.mark.parametrize("body, param", [
    ({"embed_dtype": "float64"}, "embed_dtype"), ({"embed_dtype": 8}, "embed_dtype"),
    ({"output_dtype": "base64"}, "output_dtype"), ({"embedding_type": "f"}, "embedding_type"),
    ({"endianness": "middle"}, "endianness"), ({"output_dimension": 0}, "output_dimension"),
    ({"output_dimension": 257}, "output_dimension"), ({"truncation": "yes"}, "truncation"),
    ({"truncate": "middle"}, "truncate"), ({"truncate_prompt_tokens": 0}, "truncate_prompt_tokens"),
    ({"truncate_prompt_tokens": -2}, "truncate_prompt_tokens"), ({"truncation_side": "top"}, "truncation_side"),
    ({"normalized": 1}, "normalized"), ({"encoding_format": "bits"}, "encoding_format"),
])
def test_a_wrong_value_is_named(service, body, param):
    reply = ask(service, "/v1/embeddings", input="a", expect=400, **body)
    assert json.loads(reply.body)["error"]["param"] == param


def test_a_request_may_ask_for_fewer_tokens(service):
    def tokens(**more):
        reply = ask(service, "/v1/embeddings", input="the food is good", **more)
        return json.loads(reply.body)["usage"]["prompt_tokens"], reply.headers.get("x-embedd-truncated")

    assert tokens() == (4, None)
    assert tokens(truncate_prompt_tokens=2) == (2, "1")
    assert tokens(truncate_prompt_tokens=-1) == (4, None)
    first = ask(service, "/v1/embeddings", input="the food")
    assert json.loads(ask(service, "/v1/embeddings", input="the food is good", truncate_prompt_tokens=2).body) \
        == json.loads(first.body)
    last = json.loads(ask(service, "/v1/embeddings", input="is good").body)
    assert json.loads(ask(service, "/v1/embeddings", input="the food is good", truncate_prompt_tokens=2,
                          truncation_side="left").body) == last


@pytest.fixture(scope="module")
def own_ids():
    service = Service("--openai-ids=model")
    yield service
    service.stop()
    service.kill()


def send_ids(service, path, data, what, accept="application/octet-stream"):
    return service.post(path, data, **{"Content_Type": "application/octet-stream" + what, "accept": accept})


@pytest.mark.parametrize("path, field", [("/v1/embeddings", "input"), ("/embed", "inputs"), ("/", "inputs")])
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_ids_may_come_as_bytes(own_ids, path, field, dtype):
    rows = [[5, 6, 7], [8, -1, -1], [-1, -1, -1]]
    data = numpy.array(rows, dtype).tobytes()
    reply = send_ids(own_ids, path, data, f"; dtype={dtype}; shape=3,3")
    assert reply.status == 200, reply.body
    assert reply.headers["x-embedd-shape"] == "3,256"
    want = ask(own_ids, path, accept="application/octet-stream", **{field: [[5, 6, 7], [8]]})
    assert reply.body == want.body + bytes(4 * 256)
    one = send_ids(own_ids, path, numpy.array([5, 6, 7], "<i4").tobytes(), "")
    assert one.body == want.body[:1024]


@pytest.mark.parametrize("data, what", [
    (bytes(12), "; shape=2,2"), (bytes(16), "; shape=0,4"), (bytes(16), "; shape=2"), (bytes(16), "; shape=2,2,"),
    (bytes(16), "; shape=-2,2"), (bytes(16), "; shape="), (bytes(16), "; shape=4294967296,1"), (bytes(16), "; shape=1,a"),
    (bytes(15), ""), (b"", ""), (bytes(12), "; dtype=int64"), (bytes(16), "; dtype=float32"), (bytes(16), "; dtype="),
    (b"\xff\xff\xff\x7f", ""), (b"\xff\xff\xff\xff\x01\0\0\0\x01\0\0\0\x01\0\0\0", "; shape=2,2"),
])
def test_bytes_that_are_no_ids_are_refused(own_ids, data, what):
    reply = send_ids(own_ids, "/v1/embeddings", data, what, "application/json")
    assert reply.status == 400 and reply.json()["error"]["message"], reply.body


def test_bytes_go_where_ids_go_alone(own_ids):
    assert send_ids(own_ids, "/v1/classify", bytes(4), "").status == 415
    assert own_ids.post("/v1/embeddings", bytes(4), **{"Content_Type": "application/octet-streams"}).status == 415


def ranks(values):
    """From 1 up; equals share the mean of theirs."""
    _, places, counts = numpy.unique(values, return_inverse=True, return_counts=True)
    return (numpy.cumsum(counts) - (counts - 1) / 2)[places]


def cosines(a, b):
    lengths = numpy.linalg.norm(a, axis=1) * numpy.linalg.norm(b, axis=1)
    return (a * b).sum(axis=1) / numpy.maximum(lengths, 1e-12)


@pytest.mark.skipif(not PAIRS.exists(), reason="no sentence pairs here; EMBEDD_TEST_DATA names a folder with them")
def test_eight_bits_lose_next_to_nothing(service):
    rows = list(csv.reader(PAIRS.open(encoding="utf-8")))
    texts = [row[side] for side in (0, 1) for row in rows]
    lists = {name: [] for name in ("float", "int8", "uint8")}
    for at in range(0, len(texts), 1000):
        reply = ask(service, "/v2/embed", texts=texts[at:at + 1000], embedding_types=list(lists))
        for name, vectors in json.loads(reply.body)["embeddings"].items():
            lists[name] += vectors
    judged = ranks([float(row[2]) for row in rows])
    found = {}
    for name, vectors in lists.items():
        a, b = numpy.split(numpy.array(vectors, float) - (128 if name == "uint8" else 0), 2)
        found[name] = numpy.corrcoef(ranks(cosines(a, b)), judged)[0, 1]
    assert found["float"] > 0.8 and found["int8"] == found["uint8"]
    assert abs(found["int8"] - found["float"]) <= 0.002
