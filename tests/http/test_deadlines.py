# SPDX-License-Identifier: Apache-2.0
"""Slow clients: each deadline cuts off what stands still or trickles, and nothing that moves."""

import time

from harness import BIG, BIG_BYTES_MIN, SMALL, head, post, wait_until

DEADLINE = ("--request-timeout=1", "--idle-timeout=60")


def trickle(clients, data):
    """Sends `data` to all, a byte now and then, until each is closed."""
    left = dict.fromkeys(clients, 0)

    def all_closed():
        for client in list(left):
            if client.is_closed() or not client.send_as_taken(data[left[client]:][:1]):
                del left[client]
            else:
                left[client] += 1
        time.sleep(0.1)
        return not left

    wait_until(all_closed, "every connection is closed")


def connections(service, used):
    """Two that were never used, and two that have had a reply already."""
    clients = [service.connect() for _ in range(4)]
    for client in clients[:2 * used]:
        assert client.post(*SMALL).status == 200
    return clients


def finish(service, clients):
    for client in clients:
        client.close()
    assert service.post(*SMALL).status == 200


def test_a_head_in_trickles_is_cut_off(start):
    # Long lines, so that libmicrohttpd sees no whole one before the deadline.
    service = start(*DEADLINE)
    for used in (0, 1):
        clients = connections(service, used)
        trickle(clients, b"GET /" + b"x" * 2000)
        finish(service, clients)
    assert service.metric('embedd_rejected_total{reason="timeout"}') >= 8


def test_headers_in_trickles_are_cut_off(start):
    service = start(*DEADLINE)
    for used in (0, 1):
        clients = connections(service, used)
        for client in clients:
            client.send(b"GET /health HTTP/1.1\r\n")
        trickle(clients, b"X: y\r\n" * 500)
        finish(service, clients)


def test_a_body_in_trickles_is_cut_off(start):
    service = start(*DEADLINE)
    for used in (0, 1):
        clients = connections(service, used)
        for client in clients:
            client.send(head("POST", SMALL[0], Content_Length=5000))
        trickle(clients, b"x" * 5000)
        finish(service, clients)
    clients = connections(service, 1)
    for client in clients:
        client.send(head("POST", SMALL[0], Transfer_Encoding="chunked"))
    trickle(clients, b"1\r\nx\r\n" * 500)
    finish(service, clients)


def test_a_request_that_stands_still_is_answered_408(start):
    service = start(*DEADLINE)
    starts = (b"G", b"GET /health HT", b"GET /health HTTP/1.1\r\nHo", post(*SMALL)[:-3])
    for used in (0, 1):
        clients = connections(service, used)
        for client, data in zip(clients, starts):
            client.send(data)
        for client in clients:
            assert client.read_head()[0] == 408
            assert client.read_to_end() == b""
        finish(service, clients)
    # Right behind a complete request, in the same packet: no sweep has seen the boundary.
    with service.connect() as client:
        client.send(post(*SMALL) + b"GET /hea")
        assert client.read_reply().status == 200
        assert client.read_head()[0] == 408
    wait_until(lambda: service.metric("embedd_requests_in_flight") == 1, "all are settled")


def test_connections_that_say_nothing_are_closed(start):
    service = start("--request-timeout=60", "--idle-timeout=1")
    clients = connections(service, 1)
    for client in clients:
        assert client.read_to_end() == b""
    finish(service, clients)


def test_a_request_is_not_idle_time(start):
    service = start("--request-timeout=60", "--idle-timeout=500ms")
    with service.connect() as client:
        for byte in post(*SMALL)[:40]:
            client.send(bytes([byte]))
            time.sleep(0.05)
        client.send(post(*SMALL)[40:])
        assert client.read_reply().status == 200


def test_a_steady_upload_within_its_deadline_is_taken(start):
    service = start("--request-timeout=30", "--idle-timeout=500ms", "--write-timeout=500ms")
    with service.connect() as client:
        data = post(*BIG)
        for i in range(0, len(data), 500):
            client.send(data[i:i + 500])
            time.sleep(0.04)
        assert client.read_reply().status == 200


def test_a_reply_nobody_reads_is_given_up(start):
    service = start("--write-timeout=1")
    clients = [service.connect(receive_buffer=4096) for _ in range(3)]
    for client in clients:
        client.send(post(*BIG) * 2)
    wait_until(lambda: service.metric("embedd_connections") == 1, "all three are closed")
    for client in clients:
        client.close()
    assert service.metric('embedd_rejected_total{reason="timeout"}') == 3
    assert service.metric('embedd_requests_total{route="/v1/lookup",code="499"}') == 3
    assert service.metric('embedd_requests_total{route="/v1/lookup",code="200"}') == 0


def test_a_reply_the_client_leaves_half_read_is_no_200(start):
    service = start()
    client = service.connect(receive_buffer=4096)
    client.send(post(*BIG))
    client.socket.recv(10)
    client.reset()
    counted = 'embedd_requests_total{route="/v1/lookup",code='
    wait_until(lambda: service.metric(counted), "it is counted")
    assert service.metric(counted + '"499"') == 1
    assert service.post(*BIG).status == 200
    wait_until(lambda: service.metric(counted + '"200"') == 1, "a whole one is counted as such")


def test_a_reply_that_is_read_slowly_arrives_whole(start):
    service = start("--write-timeout=2", "--request-timeout=1", "--idle-timeout=1")
    with service.connect(receive_buffer=65536) as client:
        client.send(post(*BIG))
        status, headers = client.read_head()
        assert status == 200
        assert len(client.read_body(headers, 32768, pause_s=0.005)) >= BIG_BYTES_MIN
