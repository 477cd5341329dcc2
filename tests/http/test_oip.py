# SPDX-License-Identifier: Apache-2.0
"""The Open Inference Protocol, in JSON and in Triton's binary form: the requests are those of tritonclient 2.73.0."""
import json
import struct

import pytest
from test_tei import EXAMPLE, ask, good

pytestmark = pytest.mark.slow_under_tsan

INFER = "/v2/models/embedd-base-2/infer"
TEXTS = ["I love to eat", "我爱吃饭", "", "good food"]


def flat(service, texts, **more):
    data = good(service, "/v1/embeddings", {"input": texts, **more})["data"]
    return [x for item in data for x in item["embedding"]]


def tensor(name, datatype, shape, data):
    return {"inputs": [{"name": name, "datatype": datatype, "shape": shape, "data": data}]}


def send_binary(service, header, data, *, path=INFER, length=None):
    """As tritonclient does on its defaults: no Content-Type, JSON and bytes in one body."""
    text = json.dumps(header, separators=(",", ":")).encode()
    with service.connect() as client:
        client.send(f"POST {path} HTTP/1.1\r\nHost: triton\r\n"
                    f"User-Agent: python/gevent-http-client-2.6.1\r\n"
                    f"Inference-Header-Content-Length: {len(text) if length is None else length}\r\n"
                    f"Content-Length: {len(text) + len(data)}\r\n\r\n".encode() + text + data)
        return client.read_reply()


def binary_texts(texts):
    return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in texts)


def binary_header(datatype, shape, data, **more):
    return {"inputs": [{"name": "text", "shape": shape, "datatype": datatype,
                        "parameters": {"binary_data_size": len(data)}}], **more}


def test_texts_get_what_openais_route_gives(service):
    reply = good(service, INFER, {"id": "42", **tensor("text", "BYTES", [len(TEXTS)], TEXTS)})
    assert reply == {"model_name": "embedd-base-2", "model_version": reply["model_version"], "id": "42",
                     "outputs": [{"name": "embedding", "datatype": "FP32", "shape": [len(TEXTS), 256],
                                  "data": flat(service, TEXTS)}]}
    cut = good(service, INFER, {**tensor("text", "BYTES", [1, 1], [TEXTS[:1]]), "parameters": {"dimensions": 64}})
    assert cut["outputs"][0]["data"] == flat(service, TEXTS[0], dimensions=64)


def test_ids_stand_for_their_text(service):
    ids = [item["ids"] for item in good(service, "/v1/ids", {"text": ["good food", "the food is good"]})["data"]]
    width = max(map(len, ids))
    rows = [row + [-1] * (width - len(row)) for row in ids]
    reply = good(service, INFER, tensor("ids", "INT64", [2, width], rows))
    assert reply["outputs"][0]["data"] == flat(service, ["good food", "the food is good"])
    data = struct.pack(f"<{2 * width}q", *(x for row in rows for x in row))
    assert send_binary(service, binary_header("INT64", [2, width], data), data).json() == reply


def test_triton_s_client_gets_bytes_for_bytes(service):
    data = binary_texts(TEXTS)
    reply = send_binary(service, binary_header("BYTES", [len(TEXTS)], data,
                                               parameters={"binary_data_output": True}), data)
    assert reply.status == 200 and reply.headers["content-type"] == "application/octet-stream"
    header_bytes = int(reply.headers["inference-header-content-length"])
    output, = json.loads(reply.body[:header_bytes])["outputs"]
    expected = flat(service, TEXTS)
    assert output == {"name": "embedding", "datatype": "FP32", "shape": [len(TEXTS), 256],
                      "parameters": {"binary_data_size": 4 * len(expected)}}
    assert reply.body[header_bytes:] == struct.pack(f"<{len(expected)}f", *expected)


def test_a_large_batch_is_work_for_a_worker(service):
    texts = ["word " * 200] * 400
    data = binary_texts(texts)
    reply = send_binary(service, binary_header("BYTES", [400, 1], data), data)
    assert reply.json()["outputs"][0]["shape"] == [400, 256]
    assert reply.json()["outputs"][0]["data"] == flat(service, texts)


@pytest.mark.parametrize("length", ["", "x", "-1", "9" * 30, "0", "10"])
def test_a_wrong_length_is_refused_and_the_connection_lives(service, length):
    data = binary_texts(TEXTS)
    header = binary_header("BYTES", [len(TEXTS)], data)
    reply = send_binary(service, header, data, length=length)
    assert reply.status == 400 and isinstance(reply.json()["error"], str)


def test_binary_data_that_lies_is_refused(service):
    data = binary_texts(TEXTS)
    for shape in ([3], [5], [2, 2]):
        assert send_binary(service, binary_header("BYTES", shape, data), data).status == 400
    for end in range(len(data)):
        assert send_binary(service, binary_header("BYTES", [len(TEXTS)], data[:end]), data[:end]).status == 400
    for at in range(0, len(data), 3):
        broken = data[:at] + b"\xff" + data[at + 1:]
        reply = send_binary(service, binary_header("BYTES", [len(TEXTS)], data), broken)
        assert reply.status in (200, 400)


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", {}, {"inputs": []}, {"inputs": [1]}, {"inputs": [{}]},
    tensor("t", "FP32", [1], [1.0]), tensor("t", "BYTES", [1], [1]), tensor("t", "BYTES", [2], ["a"]),
    tensor("t", "BYTES", [], []), tensor("t", "BYTES", "1", ["a"]), tensor("t", "INT64", [1, 1], [1e9]),
    tensor("t", "INT64", [1], [1 << 40]), {**tensor("t", "BYTES", [1], ["a"]), "outputs": [{"name": "x"}]}])
def test_an_error_is_one_string(service, body):
    status, _, reply = ask(service, INFER, body)
    assert status == 400
    assert list(reply) == ["error"] and isinstance(reply["error"], str)


def test_octet_streams_without_the_header_are_refused(service):
    assert ask(service, INFER, b"{}", "application/octet-stream")[0] == 415
    data = b'{"input":"a"}'
    with service.connect() as client:  # other routes have no use for it
        client.send(b"POST /api/embed HTTP/1.1\r\nHost: a\r\nContent-Type: application/octet-stream\r\n"
                    b"Inference-Header-Content-Length: 13\r\nContent-Length: 13\r\n\r\n" + data)
        assert client.read_reply().status == 415


def test_what_there_is(start):
    service = start("--model", f"small={EXAMPLE}", "--model", "large=builtin")
    server = good(service, "/v2")
    assert server["name"] == "embedd" and server["extensions"] == ["binary_tensor_data"]
    assert good(service, "/v2/health/live") == {"live": True}
    assert good(service, "/v2/health/ready") == {"ready": True}
    for name, dim in (("small", 2), ("large", 256)):
        model = good(service, f"/v2/models/{name}")
        assert model["name"] == name and model["outputs"][0]["shape"] == [-1, dim]
        version, = model["versions"]
        path = f"/v2/models/{name}/versions/{version}"
        assert good(service, path) == model
        assert good(service, f"{path}/ready") == {"name": name, "ready": True}
        reply = good(service, f"{path}/infer", tensor("text", "BYTES", [1], ["我"]))
        assert reply["model_name"] == name and reply["model_version"] == version
        assert reply["outputs"][0]["shape"] == [1, dim]
        assert ask(service, f"/v2/models/{name}/versions/none")[0] == 404
    for path, body in (("/v2/models/none", None), ("/v2/models/none/ready", None),
                       ("/v2/models/none/infer", tensor("text", "BYTES", [1], ["a"]))):
        status, _, reply = ask(service, path, body)
        assert status == 404 and isinstance(reply["error"], str)
