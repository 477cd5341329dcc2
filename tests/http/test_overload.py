# SPDX-License-Identifier: Apache-2.0
"""Small requests with large replies, replies nobody reads, and many of both at once."""

import json
import re
import subprocess
import time
from pathlib import Path

import pytest
from harness import PATIENCE_S, PROGRAM, SMALL, chunked, environment, head, post, wait_until

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


def test_less_memory_than_is_worth_starting_with_is_refused():
    run = subprocess.run([PROGRAM, "serve", "--listen=127.0.0.1:0", "--max-memory=8M"], capture_output=True,
                         text=True, timeout=PATIENCE_S, env=environment())
    assert run.returncode == 2 and "max-memory must be 0 or at least 16777216 bytes, not 8388608" in run.stderr


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


# ---- what waits for a worker ----

def batch(bytes_):
    """A body of about that many bytes, for a worker."""
    return json.dumps({"input": ["the food is good to eat " * 160] * (bytes_ // 3840)}).encode()


# The reply takes long to compress.
SLOW = "--compress=all"
LONG = post("/v1/embeddings", batch(7500000), Accept_Encoding="gzip")
SHORT = ("/v1/embeddings", batch(20000))
# Where each dialect says it, and what.
FULL = [
    ("/v1/embeddings", batch(20000), lambda error: error["error"]["code"] == "overloaded"
     and error["error"]["type"] == "rate_limit_error"),
    ("/embed", json.dumps({"inputs": ["a b"] * 900}).encode(), lambda error:
     error["error_type"] == "Overloaded" and error["error"].startswith("Model is overloaded")),
    ("/v2/embed", json.dumps({"texts": ["a b"] * 900, "model": "m", "input_type": "x"}).encode(),
     lambda error: "again later" in error["message"]),
    ("/v1beta/models/m:embedContent", json.dumps({"content": {"parts": [{"text": "a b " * 900}]}}).encode(),
     lambda error: error["error"]["code"] == 429 and error["error"]["status"] == "RESOURCE_EXHAUSTED"),
    ("/api/embed", json.dumps({"model": "m", "input": ["a b"] * 900}).encode(),
     lambda error: "again later" in error["error"]),
]


@pytest.fixture
def busy(start):
    """A service of one worker that has a long time to do what one client has sent."""
    service = start("--workers=1", "--max-queue=1", SLOW)
    clients = [service.connect()]
    clients[0].send(LONG)
    wait_until(lambda: service.metric("embedd_offload_queue") == 1, "a worker has it")
    yield service
    assert clients[0].read_reply().status == 200
    clients[0].close()


@pytest.mark.parametrize("path,body,is_right", FULL, ids=[path for path, *_ in FULL])
def test_beyond_what_may_wait_it_is_429_in_the_shape_of_each_api(busy, path, body, is_right):
    reply = busy.post(path, body)
    assert reply.status == 429 and is_right(reply.json()), reply.body
    assert int(reply.headers["retry-after"]) >= 1 and int(reply.headers["retry-after-ms"]) >= 50
    assert reply.headers.get("x-should-retry", "true") == "true"
    wait_until(lambda: busy.metric('embedd_rejected_total{reason="overload"}') == 1, "it is counted")


def test_while_nothing_may_wait_small_requests_probes_and_metrics_are_answered(busy):
    assert busy.post(*SMALL).status == 200
    assert busy.get("/ready").status == busy.get("/metrics").status == busy.get("/health").status == 200
    assert busy.post(*SHORT).status == 429
    assert busy.post("/admin/reload", b"").status in (200, 409)


def test_it_is_refused_before_the_body_has_come(busy):
    with busy.connect() as client:
        client.send(head("POST", SHORT[0], Content_Type="application/json",
                         Content_Length=len(SHORT[1]), Expect="100-continue"))
        assert client.read_reply().status == 429


def test_a_connection_that_was_refused_goes_on(busy):
    with busy.connect() as client:
        assert client.post(*SHORT).status == 429
        assert client.post(*SMALL).status == 200


def test_a_client_with_one_batch_does_not_wait_for_all_of_another(start):
    service = start("--workers=1", "--max-wait=0", "--trusted-proxies=127.0.0.0/8", SLOW)
    many = [service.connect() for _ in range(24)]
    for client in many:
        client.send(post("/v1/embeddings", batch(1000000), X_Forwarded_For="10.0.0.1",
                         Accept_Encoding="gzip"))
    wait_until(lambda: service.metric("embedd_offload_queue") >= 12, "they wait")
    before = worked(service)
    assert service.post(*SHORT, X_Forwarded_For="10.0.0.2").status == 200
    assert worked(service) - before <= 8
    assert service.metric("embedd_offload_queue") >= 1
    for client in many:
        assert client.read_reply().status == 200
        client.close()


def test_who_has_filled_the_queue_is_refused_and_others_are_not(start):
    service = start("--workers=1", "--max-wait=1s", "--trusted-proxies=127.0.0.0/8", SLOW)
    many = [service.connect() for _ in range(32)]
    for client in many:
        client.send(post("/v1/embeddings", batch(3000000), X_Forwarded_For="10.0.0.1",
                         Accept_Encoding="gzip"))
    wait_until(lambda: service.metric('embedd_rejected_total{reason="overload"}') >= 1, "it is full")
    assert service.post(*SHORT, X_Forwarded_For="10.0.0.2").status == 200
    assert {client.read_reply().status for client in many} == {200, 429}
    for client in many:
        client.close()


@pytest.mark.parametrize("name", ["X_Embedd_Timeout_Ms", "X_Envoy_Expected_Rq_Timeout_Ms"])
def test_what_comes_too_late_is_not_worked_on(start, name):
    service = start("--workers=1", "--max-wait=0", SLOW)
    with service.connect() as first, service.connect() as second, service.connect() as third:
        first.send(LONG)
        wait_until(lambda: service.metric("embedd_offload_queue") == 1, "a worker has it")
        second.send(post(*SHORT, **{name: "1"}))
        third.send(post(*SHORT, **{name: "never"}))
        reply = second.read_reply()
        assert reply.status == 504 and reply.json()["error"]["code"] == "deadline_exceeded"
        assert reply.headers["x-should-retry"] == "false"
        assert first.read_reply().status == third.read_reply().status == 200
    wait_until(lambda: service.metric('embedd_rejected_total{reason="deadline"}') == 1, "it is counted")
    assert service.post(*SHORT, **{name: "600000"}).status == 200


TOO_MUCH = "so much work waits before this request"


@pytest.fixture
def long_queue(start):
    """A service of one worker for which one client has left 20 MB; and his connections."""
    service = start("--workers=1", "--max-wait=0", "--trusted-proxies=127.0.0.0/8", SLOW)
    clients = [service.connect() for _ in range(20)]
    for client in clients:
        client.send(post("/v1/embeddings", batch(1000000), X_Forwarded_For="10.0.0.1", Accept_Encoding="gzip"))
    wait_until(lambda: service.metric("embedd_offload_queue") >= 12, "they wait")
    yield service
    for client in clients:
        assert client.read_reply().status == 200
        client.close()


def test_what_would_come_too_late_is_refused_before_it_waits(long_queue):
    with long_queue.connect() as client:  # and before its body has come
        client.send(head("POST", SHORT[0], Content_Type="application/json", X_Forwarded_For="10.0.0.1",
                         Content_Length=len(SHORT[1]), X_Embedd_Timeout_Ms=20, Expect="100-continue"))
        reply = client.read_reply()
    assert reply.status == 504 and reply.json()["error"]["code"] == "deadline_exceeded"
    assert TOO_MUCH in reply.json()["error"]["message"] and reply.headers["x-should-retry"] == "false"
    small = ("/v1/embeddings", json.dumps({"input": ["a"] * 400}).encode())  # a worker's by its reply
    with long_queue.connect() as client:
        reply = client.post(*small, X_Forwarded_For="10.0.0.1", X_Embedd_Timeout_Ms="20")
        assert reply.status == 504 and TOO_MUCH in reply.json()["error"]["message"]
        assert client.post(*SMALL, X_Forwarded_For="10.0.0.1", X_Embedd_Timeout_Ms="600000").status == 200
    assert long_queue.metric("embedd_offload_queue") >= 1
    wait_until(lambda: long_queue.metric('embedd_rejected_total{reason="deadline"}') == 2, "they are counted")


def test_what_may_be_in_time_waits(long_queue):
    # Whose turn comes soon is not refused for what others have left there.
    reply = long_queue.post(*SHORT, X_Forwarded_For="10.0.0.2", X_Embedd_Timeout_Ms="200")
    assert reply.status == 200 or TOO_MUCH not in reply.json()["error"]["message"]
    assert long_queue.metric("embedd_offload_queue") >= 1
    assert long_queue.post(*SHORT, X_Forwarded_For="10.0.0.1", X_Embedd_Timeout_Ms="600000").status == 200


def test_a_body_that_takes_longer_than_the_request_gives_itself_is_for_nobody(service):
    with service.connect() as client:
        request = post(*SMALL, X_Embedd_Timeout_Ms="1")
        client.send(request[:-1])
        wait_until(lambda: service.metric("embedd_requests_in_flight") == 2, "its head has come")
        time.sleep(0.02)
        client.send(request[-1:])
        assert client.read_reply().status == 504


def test_work_of_clients_who_have_left_is_dropped(start):
    service = start("--workers=1", "--max-wait=0", SLOW)
    firsts = [service.connect() for _ in range(4)]
    for client in firsts:
        client.send(LONG)
    wait_until(lambda: service.metric("embedd_offload_queue") >= 2, "some wait")
    for _ in range(8):
        with service.connect() as client:
            client.send(post(*SHORT))
    for client in firsts:
        assert client.read_reply().status == 200
        client.close()
    wait_until(lambda: service.metric("embedd_offload_queue") == 0, "none waits")
    assert service.metric('embedd_rejected_total{reason="deadline"}') >= 6


# ---- rates ----

def test_beyond_its_rate_a_client_is_told_when_to_come_back(start):
    service = start("--rate-limit=3", "--trusted-proxies=127.0.0.0/8")
    for left in (2, 1, 0):
        reply = service.post(*SMALL, X_Forwarded_For="10.0.0.1")
        assert reply.status == 200
        assert reply.headers["x-ratelimit-limit-requests"] == "3"
        assert reply.headers["x-ratelimit-remaining-requests"] == str(left)
        assert re.fullmatch(r"[0-9]+\.[0-9]{3}s", reply.headers["x-ratelimit-reset-requests"])
        assert "x-ratelimit-limit-tokens" not in reply.headers
    reply = service.post(*SMALL, X_Forwarded_For="10.0.0.1")
    assert reply.status == 429 and reply.json()["error"]["code"] == "rate_limit_exceeded"
    assert 1 <= int(reply.headers["retry-after"]) <= 20 and reply.headers["x-should-retry"] == "true"
    assert reply.headers["x-ratelimit-remaining-requests"] == "0"
    assert service.post(*SMALL, X_Forwarded_For="10.0.0.2").status == 200
    assert service.get("/ready").status == service.get("/health").status == 200
    wait_until(lambda: service.metric('embedd_rejected_total{reason="rate_limit"}') == 1, "it is counted")


def test_tokens_are_counted_when_they_are_known(start):
    service = start("--rate-limit-tokens=100")
    few, many = (("/v1/embeddings", json.dumps({"input": "the food is good " * n}).encode()) for n in (5, 100))
    with service.connect() as client:
        reply = client.post(*few)
        assert reply.headers["x-ratelimit-remaining-tokens"] == str(100 - reply.json()["usage"]["total_tokens"])
        reply = client.post(*many)
        assert reply.headers["x-ratelimit-remaining-tokens"] == "0"
        assert float(reply.headers["x-ratelimit-reset-tokens"][:-1]) > 60
        reply = client.post(*many)
        assert "its 100 tokens a minute" in reply.json()["error"]["message"]
        assert reply.status == 429 and int(reply.headers["retry-after"]) > 60
        assert "x-ratelimit-limit-requests" not in reply.headers


def test_without_limits_nothing_is_said_of_them(service):
    assert not [name for name in service.post(*SMALL).headers if name.startswith("x-ratelimit")]
