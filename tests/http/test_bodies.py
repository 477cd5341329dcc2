# SPDX-License-Identifier: Apache-2.0
"""Bodies: in pieces, in chunks, large, too large, refused before they come."""

import json

import pytest
from harness import BIG, BIG_BYTES_MIN, SMALL, chunked, head, post

LIMIT = 8 << 20
PATH, SMALL_BODY = SMALL


def body_of(size):
    """A JSON body of exactly `size` bytes that asks for one short vector."""
    short = json.dumps({"input": "eat", "user": ""}).encode()
    return json.dumps({"input": "eat", "user": "u" * (size - len(short))}).encode()


def test_a_body_in_single_bytes(service):
    with service.connect() as client:
        expected = client.post(*SMALL).body
        for byte in post(*SMALL):
            client.send(bytes([byte]))
        assert client.read_reply().body == expected


def test_a_body_in_pieces(service):
    body = body_of(13000)
    with service.connect() as client:
        client.send(head("POST", PATH, Content_Length=len(body)))
        for i in range(0, len(body), 1000):
            client.send(body[i:i + 1000])
        assert client.read_reply().status == 200


@pytest.mark.parametrize("size", [1 << 11, 100 << 10, 1 << 20, LIMIT])
def test_bodies_up_to_the_limit_are_read_whole(service, size):
    # What libmicrohttpd has read but not handed over yet (its sockets are edge-triggered) is only
    # heard of by asking MHD_get_timeout.
    assert service.post(PATH, body_of(size)).status == 200


@pytest.mark.parametrize("size", [1, 7, 4000, 1 << 20])
def test_a_chunked_body(service, size):
    body = body_of(20000 if size < 4000 else 200000)
    with service.connect() as client:
        client.send(head("POST", PATH, Transfer_Encoding="chunked") + chunked(body, size))
        assert client.read_reply().status == 200
        assert client.post(*SMALL).status == 200


def test_a_worker_s_answer_needs_no_other_traffic(start):
    # A resume from the worker's own thread would wake nobody: the answer would wait for the next
    # connection.
    service = start("--threads=1")
    with service.connect() as client:
        for _ in range(20):
            assert len(client.post(*BIG).body) >= BIG_BYTES_MIN


def test_many_requests_for_few_workers(start):
    service = start("--workers=1", "--threads=2", "--max-wait=0")
    clients = [service.connect() for _ in range(16)]
    for _ in range(3):
        for client in clients:
            client.send(post(*BIG))
        for client in clients:
            assert len(client.read_reply().body) >= BIG_BYTES_MIN
    for client in clients:
        client.close()


def test_expect_100_continue(service):
    with service.connect() as client:
        client.send(head("POST", PATH, Content_Length=len(SMALL_BODY), Expect="100-continue"))
        assert client.read_head() == (100, {})
        client.send(SMALL_BODY)
        assert client.read_reply().status == 200


def test_expect_100_continue_of_a_body_that_is_not_wanted(service):
    for path, length, status in ((PATH, LIMIT + 1, 413), ("/nowhere", 5, 404)):
        with service.connect() as client:
            client.send(head("POST", path, Content_Length=length, Expect="100-continue"))
            reply = client.read_reply()
            assert reply.status == status and reply.headers["connection"] == "close"
            assert client.read_to_end() == b""


def test_too_large_by_its_length_is_refused_before_it_comes(service):
    with service.connect() as client:
        client.send(head("POST", PATH, Content_Length=1 << 40))
        reply = client.read_reply()
        assert reply.status == 413 and b"max-body-bytes" in reply.body
        assert client.read_to_end() == b""


def test_a_client_that_sends_all_of_it_first_still_learns_why(service):
    # Closing with its bytes unread would reset the connection under the reply.
    with service.connect() as client:
        data = post(PATH, bytes(5 * LIMIT))
        assert client.send_as_taken(data) == len(data)
        assert client.read_reply().status == 413


def test_too_large_by_its_chunks_is_413_and_the_connection_stays(service):
    body = chunked(bytes(LIMIT + 1000), 1 << 16)
    with service.connect() as client:
        client.send(head("POST", PATH, Transfer_Encoding="chunked") + body)
        reply = client.read_reply()
        assert reply.status == 413 and b"max-body-bytes" in reply.body
        assert client.post(*SMALL).status == 200


def test_chunks_without_end_are_cut_off_with_a_413(service):
    with service.connect() as client:
        client.send(head("POST", PATH, Transfer_Encoding="chunked"))
        client.send_as_taken(chunked(bytes(4 * LIMIT), 1 << 16))
        assert client.read_reply().status == 413
        client.read_to_end()
    assert service.post(*SMALL).status == 200


def test_the_request_s_memory_is_capped(start):
    service = start("--max-request-memory=1048576")
    with service.connect() as client:
        reply = client.post(PATH, body_of(3 << 20))
        assert reply.status == 413 and b"max-request-memory" in reply.body
        assert client.post(*SMALL).status == 200


def test_wrong_types_are_415_and_the_connection_stays(service):
    with service.connect() as client:
        for headers in ({"Content_Type": "application/xml"}, {"Content_Encoding": "br"}):
            assert client.post(PATH, SMALL_BODY, **headers).status == 415
            assert client.post(PATH, body_of(50000), **headers).status == 415
        assert client.post(*SMALL).status == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_body_with_a_method_that_is_not_allowed(service, method):
    with service.connect() as client:
        assert client.post(PATH, SMALL_BODY, method=method).status == 405
        assert client.get("/health").status == 200
    with service.connect() as client:
        client.send(head(method, PATH, Content_Length=5, Expect="100-continue"))
        status, _ = client.read_head()
        if status == 100:  # the answer comes after the body then
            client.send(b"hello")
            status = client.read_reply().status
        assert status == 405


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
@pytest.mark.parametrize("lines", [
    ["Content-Length: 5", "Content-Length: 6"],
    ["Content-Length: 5", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", "Content-Length: 5"],
    ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: gzip, chunked"],
    ["Transfer-Encoding: gzip"],
])
def test_a_body_whose_end_is_ambiguous_ends_the_connection(service, method, lines):
    """What a proxy in front takes for the body, we might take for the next request."""
    hidden = head("GET", "/v1/models")
    with service.connect() as client:
        client.send(head(method, PATH, Content_Type="application/json")[:-2] +
                    "".join(line + "\r\n" for line in lines).encode() + b"\r\n" +
                    b"5\r\nhello\r\n0\r\n\r\n" + hidden)
        reply = client.read_reply()
        assert reply.status == 400 and reply.headers["connection"] == "close"
        assert "ambiguous" in reply.json()["error"]["message"]
        assert client.read_to_end() == b""
    assert service.post(*SMALL).status == 200


def test_a_length_said_twice_alike_is_a_length(service):
    with service.connect() as client:
        length = f"Content-Length: {len(SMALL_BODY)}\r\n"
        client.send(head("POST", PATH, Content_Type="application/json")[:-2] +
                    (2 * length + "\r\n").encode() + SMALL_BODY)
        assert client.read_reply().status == 200
        assert client.get("/health").status == 200


def test_a_get_may_have_a_body(service):
    with service.connect() as client:
        assert client.post("/health", b"hello", method="GET").status == 200
        assert client.get("/health").status == 200
