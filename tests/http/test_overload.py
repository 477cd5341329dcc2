# SPDX-License-Identifier: Apache-2.0
"""Small requests with large replies, replies nobody reads, and many of both at once."""

import json
import re
from pathlib import Path

import pytest
from harness import PROGRAM, SMALL, chunked, head, post, wait_until

MANY = ("/v1/embeddings", json.dumps({"input": ["a"] * 400}).encode())
DENSE = ("/v1/onehot", json.dumps({"text": "a " * 60, "format": "dense"}).encode())
ROWS = ("/v1/lookup", json.dumps({"text": "a " * 300}).encode())
BATCH = ("/v1/embeddings", json.dumps({"input": ["a b c"] * 2048}).encode())


def resident_bytes(service):
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) << 10


def assert_grew_at_most(service, before, most):
    if "tsan" not in PROGRAM:  # which keeps a multiple of what is used
        assert resident_bytes(service) - before < most


def worked(service):
    """How many requests a worker has had."""
    return service.metric('embedd_stage_duration_seconds_count{stage="queue"}')


@pytest.mark.parametrize("request_", [MANY, ("/embed", json.dumps({"inputs": ["a"] * 400}).encode()),
                                      ("/v1/lookup", json.dumps({"ids": [1] * 100}).encode())])
def test_a_small_body_with_much_to_answer_is_a_worker_s(start, request_):
    assert len(request_[1]) < 2048
    service = start()
    assert service.post(*SMALL).status == 200
    assert worked(service) == 0
    assert service.post(*request_).status == 200
    wait_until(lambda: worked(service) == 1, "a worker had it")


def test_a_head_of_many_labels_is_a_worker_s(start, tmp_path):
    labels, dim = 3000, 256
    (tmp_path / "many.json").write_text(json.dumps({
        "labels": [f"label {i}" for i in range(labels)],
        "weight": [[(i * j % 7 - 3) / 100 for j in range(dim)] for i in range(labels)],
        "bias": [0] * labels}))
    service = start(f"--heads={tmp_path / 'many.json'}")
    texts = json.dumps({"text": ["I love to eat"] * 10}).encode()
    reply = service.post("/v1/classify", texts)
    assert reply.status == 200
    wait_until(lambda: worked(service) == 1, "a worker had it")
    few = json.dumps({"text": "I love to eat", "top_k": 3}).encode()
    assert len(service.post("/v1/classify", few).json()["data"][0]["scores"]) == 3


def test_a_dense_reply_has_a_limit_of_its_own(start):
    service = start()
    reply = service.post("/v1/onehot", json.dumps({"text": "a " * 300, "format": "dense"}).encode())
    assert reply.status == 413
    error = reply.json()["error"]
    assert error["param"] == "format" and "max-dense-cells" in error["message"]
    assert "sparse" in error["message"]
    sparse = json.dumps({"text": "a " * 300, "format": "sparse"}).encode()
    assert service.post("/v1/onehot", sparse).json()["data"][0]["shape"][0] == 300
    wait_until(lambda: service.metric('embedd_rejected_total{reason="reply_too_large"}') == 1,
               "it is counted")
    assert worked(service) == 0
    larger = start("--max-dense-cells=100000000")
    reply = larger.post("/v1/onehot", json.dumps({"text": "a " * 300, "format": "dense"}).encode())
    rows = reply.json()["data"][0]["rows"]
    assert len(rows) == 300 and all(sum(row) == 1 for row in rows)


def test_replies_in_pieces_are_read_by_old_clients_too(service):
    whole = service.post(*ROWS, X_Request_Id="a")
    with service.connect() as client:
        client.send(head("POST", ROWS[0], version="1.0", Content_Length=len(ROWS[1])) + ROWS[1])
        status, headers = client.read_head()
        assert status == 200 and "transfer-encoding" not in headers
        assert client.read_to_end() == whole.body
    with service.connect() as client:  # and the connection stays usable
        for _ in range(3):
            assert client.post(*ROWS).body == whole.body


def test_large_replies_nobody_reads_take_little_memory(start):
    service = start("--max-dense-cells=1000000000", "--write-timeout=1000")
    assert service.post(*DENSE).status == 200
    before = resident_bytes(service)
    dense = ("/v1/onehot", json.dumps({"text": "a " * 300, "format": "dense"}).encode())
    clients = [service.connect(receive_buffer=4096) for _ in range(20)]
    for client in clients:
        client.send(post(*dense))
        assert client.read_head()[0] == 200
    assert_grew_at_most(service, before, 20 << 20)  # of 700 MB
    for client in clients:
        client.reset()
    assert service.post(*SMALL).status == 200


def unread(service, count):
    """So many clients that ask for 6 MB and read no more than the status of it."""
    clients = [service.connect(receive_buffer=4096) for _ in range(count)]
    for client in clients:
        client.send(post(*BATCH))
    return clients, [client.read_head() for client in clients]


def test_beyond_the_memory_for_all_it_is_429_and_again_200_when_there_is_some(start):
    service = start("--max-memory=32M", "--write-timeout=1000")
    assert service.post(*BATCH).status == 200
    before = resident_bytes(service)
    clients, heads = unread(service, 20)
    statuses = [status for status, _ in heads]
    assert set(statuses) == {200, 429} and statuses.count(429) >= 10
    for status, headers in heads:
        assert status == 200 or headers["retry-after"] == "1"
    assert_grew_at_most(service, before, 36 << 20)
    assert service.post(*SMALL).status == 200  # there is always some for those
    wait_until(lambda: service.metric('embedd_rejected_total{reason="overload"}') ==
               statuses.count(429), "each is counted")
    used = service.metric("embedd_request_memory_bytes")
    assert 16 << 20 < used <= service.metric("embedd_request_memory_max_bytes") == 32 << 20
    for client in clients:
        client.reset()
    wait_until(lambda: service.metric("embedd_request_memory_bytes") < 2 << 20, "it is given back")
    assert service.post(*BATCH).status == 200


@pytest.mark.parametrize("flags,headers,count", [
    ((), {}, 100), (("--compress=all",), {"Accept_Encoding": "gzip"}, 400)])
def test_descriptions_nobody_reads_take_no_memory_from_others(start, flags, headers, count):
    service = start("--max-memory=16M", "--write-timeout=1000", *flags)
    asked = service.get("/openapi.json")
    assert asked.status == 200 and len(asked.body) > 50000
    clients = [service.connect(receive_buffer=4096) for _ in range(70)]
    for client in clients:
        client.send(head("GET", "/openapi.json", **headers) * count)
        assert client.read_head()[0] == 200
    seen = []
    def is_still():
        seen.append(service.metric('embedd_requests_total{route="/openapi.json",code="200"}'))
        return len(seen) > 20 and seen[-1] == seen[-20]
    wait_until(is_still, "no socket takes any more")
    assert service.metric("embedd_request_memory_bytes") <= 17 << 20
    for client in clients:
        client.reset()
    wait_until(lambda: service.post(*SMALL).status == 200, "there is memory again")


def test_a_burst_of_small_requests_leaves_the_memory_to_others(start):
    service = start("--max-memory=16M", "--threads=16")
    request = post("/embed", b'{"inputs":"a b"}')
    clients = [service.connect() for _ in range(600)]
    for client in clients:
        client.send(request[:-2])
    wait_until(lambda: service.metric("embedd_requests_in_flight") == 601, "all have come")
    assert service.metric("embedd_request_memory_bytes") > 14 << 20
    for client in clients:
        client.send(request[-2:])
    assert {client.read_reply().status for client in clients} <= {200, 429}
    for client in clients:
        client.close()
    wait_until(lambda: service.metric("embedd_request_memory_bytes") < 6 << 20, "it is given back")
    for _ in range(40):
        assert service.post(*ROWS).status == 200


def test_bodies_count_too_and_are_refused_before_they_come(start):
    service = start("--max-memory=17M")
    body = json.dumps({"input": "a", "user": "u" * (6 << 20)}).encode()
    clients = [service.connect() for _ in range(3)]
    for client in clients[:2]:
        client.send(head("POST", MANY[0], Content_Length=len(body)) + body[:-1])
    wait_until(lambda: 12 << 20 < service.metric("embedd_request_memory_bytes") < 13 << 20,
               "two have come, and need no more")
    clients[2].send(head("POST", MANY[0], Content_Length=len(body), Expect="100-continue"))
    reply = clients[2].read_reply()
    assert reply.status == 429 and reply.json()["error"]["code"] == "overloaded"
    assert reply.headers["retry-after"] == "1"
    with service.connect() as client:  # of a length that nobody knows
        client.send(head("POST", "/embed", Transfer_Encoding="chunked") + chunked(body, 1 << 16))
        reply = client.read_reply()
        assert reply.status == 429 and reply.json()["error_type"] == "Overloaded"
    clients[0].close()
    wait_until(lambda: service.metric("embedd_request_memory_bytes") < 9 << 20, "one has left")
    clients[1].send(body[-1:])
    assert clients[1].read_reply().status == 200
    for client in clients[1:]:
        client.close()
