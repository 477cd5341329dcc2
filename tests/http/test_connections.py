# SPDX-License-Identifier: Apache-2.0
"""Connections: many at once, kept alive, pipelined, dealt out, too many, left."""

import os
import re
import resource
import signal
import socket
import subprocess
import time

import pytest
from harness import (BIG, BIG_BYTES_MIN, PATIENCE_S, PROGRAM, SANITIZER, SMALL, environment, head,
                     post, wait_until)


@pytest.mark.parametrize("count", [128, 256, 384])
def test_128_k_sockets_ready_at_once_are_all_answered(start, count):
    # libmicrohttpd's own epoll threads take 128 events a round and sleep after a full one.
    service = start("--threads=1")
    clients = [service.connect() for _ in range(count)]
    for client in clients:
        assert client.get("/health").status == 200
    for _ in range(2):
        service.signal(signal.SIGSTOP)
        for client in clients:
            client.send(head("GET", "/health"))
        service.signal(signal.SIGCONT)
        assert all(client.read_reply().status == 200 for client in clients)
    for client in clients:
        client.close()


@pytest.mark.parametrize("count", [8, 64, 256])
def test_each_loop_gets_its_share_of_the_connections(start, count):
    service = start("--threads=4", "--log-level=debug")
    clients = [service.connect() for _ in range(count)]
    for client in clients:
        assert client.get("/health").status == 200
    shares = {}
    for loop, n in re.findall(r"loop (\d+) has (\d+) connections", service.stderr()):
        shares[loop] = int(n)
    assert sum(shares.values()) == count
    assert max(shares.values()) <= 1.5 * count / 4
    for client in clients:
        client.close()


def test_a_place_that_was_left_is_dealt_out_again(start):
    service = start("--threads=2", "--log-level=debug")
    clients = [service.connect() for _ in range(8)]
    for client in clients:
        assert client.get("/health").status == 200
    for client in clients[0::2]:  # all of one loop: they were dealt in turn
        client.close()
    wait_until(lambda: service.metric("embedd_connections") == 5, "4 have gone, 1 asks")
    clients[0::2] = [service.connect() for _ in range(4)]
    for client in clients:
        assert client.get("/health").status == 200
    shares = dict(re.findall(r"loop (\d+) has (\d+) connections", service.stderr()))
    assert max(int(n) for n in shares.values()) <= 5  # the asking one may have been among them
    for client in clients:
        client.close()


def test_who_asks_for_http_2_is_answered_in_http_1_and_keeps_the_connection(service):
    asks = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA"}
    path, body = SMALL
    with service.connect() as client:
        for _ in range(3):  # as Java's own client does
            reply = client.post(path, body, **asks)
            assert reply.status == 200 and "upgrade" not in reply.headers
            assert reply.headers.get("connection", "keep-alive").lower() == "keep-alive"


def test_a_connection_is_kept_and_used_again(service):
    with service.connect() as client:
        for _ in range(50):
            assert client.post(*SMALL).status == 200


def test_ten_pipelined_requests_are_answered_in_order(service):
    with service.connect() as client:
        client.send(b"".join(head("GET", "/health", x_request_id=f"n{i}") for i in range(10)))
        for i in range(10):
            assert client.read_reply().headers["x-request-id"] == f"n{i}"


@pytest.mark.parametrize("request_", [SMALL, BIG, (SMALL[0], b'{"input":[' + b'"a",' * 399 + b'"a"]}')])
@pytest.mark.parametrize("rest", [b"", b"GET /hea"])
def test_who_sends_no_more_still_gets_every_reply(service, request_, rest):
    for pause in (0, 0.05):
        with service.connect() as client:
            client.send(post(*request_) * 3 + rest)
            time.sleep(pause)
            client.socket.shutdown(socket.SHUT_WR)
            for _ in range(3):
                assert client.read_reply().status == 200
            assert client.read_to_end() == b""


def test_three_large_and_a_small_pipelined(service):
    with service.connect() as client:
        client.send(post(*BIG) * 3 + post(*SMALL))
        for _ in range(3):
            assert len(client.read_reply().body) >= BIG_BYTES_MIN
        assert len(client.read_reply().body) < 10000


def test_http_1_0_is_answered_and_closed(service):
    with service.connect() as client:
        client.send(head("GET", "/ready", version="1.0"))
        reply = client.read_reply()
        assert reply.status == 200 and reply.json() == {"status": "ok"}
        assert client.read_to_end() == b""


def test_connection_close_is_obeyed(service):
    with service.connect() as client:
        assert client.get("/health", Connection="close").headers["connection"].lower() == "close"
        assert client.read_to_end() == b""


def test_head_is_a_get_without_its_body(service):
    with service.connect() as client:
        whole = client.get("/ready")
        bare = client.get("/ready", method="HEAD")
        assert bare.status == 200 and bare.body == b""
        assert bare.headers["content-length"] == whole.headers["content-length"] != "0"
        assert client.get("/ready").status == 200


def test_options_and_405_say_what_is_allowed(service):
    with service.connect() as client:
        options = client.get("/v1/embeddings", method="OPTIONS")
        assert options.status == 204 and "POST" in options.headers["allow"]
        for wrong in ("GET", "DELETE", "BREW"):
            reply = client.get("/v1/embeddings", method=wrong)
            assert reply.status == 405 and "POST" in reply.headers["allow"]
        assert client.post("/health", b"{}").status == 405
        assert client.get("/health").status == 200


def test_an_unknown_route_is_404_and_the_connection_stays(service):
    with service.connect() as client:
        assert client.get("/nowhere").status == 404
        assert client.post("/nowhere", b"{}" * 1000).status == 404
        assert client.get("/health").status == 200


def test_a_query_is_no_part_of_the_route(service):
    assert service.get("/health?verbose=1").status == 200


def test_a_head_that_is_too_large_is_431(service):
    with service.connect() as client:
        client.send_as_taken(head("GET", "/health", X_Large="x" * 40000))
        assert client.read_reply().status == 431
        client.read_to_end()
    assert service.get("/health").status == 200


def test_a_line_that_is_no_request_ends_the_connection(service):
    with service.connect() as client:
        client.send(b"\x16\x03\x01 hello\r\n\r\n")
        client.read_to_end()
    assert service.get("/health").status == 200


def test_beyond_max_connections_it_is_503_until_one_leaves(start):
    service = start("--max-connections=4")
    clients = [service.connect() for _ in range(4)]
    for client in clients:
        assert client.get("/health").status == 200
    with service.connect() as refused:
        status, headers = refused.read_head()
        assert status == 503 and headers["retry-after"] == "1"
        assert refused.read_to_end() == b""
    clients.pop().close()

    def is_let_in():
        with service.connect() as client:
            client.send(post(*SMALL))
            return client.read_reply().status == 200

    wait_until(is_let_in, "a place is free again")
    text = clients[0].get("/metrics").body.decode()
    assert int(re.search(r'embedd_rejected_total\{reason="connections"\} (\d+)', text)[1]) >= 1
    for client in clients:
        client.close()


FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
VITAL = ("/live", "/ready", "/health", "/ping", "/v2/health/live", "/.well-known/ready", "/metrics")
LIMIT, BEYOND = 3, 16


@pytest.fixture
def full(start):
    """Starts a service and takes all of its connections."""
    clients = []

    def begin(*flags, **options):
        service = start(f"--max-connections={LIMIT}", *flags, **options)
        clients.extend(service.connect() for _ in range(LIMIT))
        for client in clients:
            assert client.get("/live").status == 200
        return service
    yield begin
    for client in clients:
        client.close()


def ask_once(service, request):
    """All that comes back."""
    with service.connect() as client:
        client.send_as_taken(request)
        return client.read_to_end()


def ask_beyond(service, path, **headers):
    """Its status; not the 503 of a machine that is too slow to ask within a second."""
    replies = []

    def is_answered():
        reply = ask_once(service, head("GET", path, **headers))
        replies[:] = [reply] if reply and reply != FULL else []
        return replies
    wait_until(is_answered, f"{path} is answered")
    reply = replies[0]
    assert b"connection: close\r\n" in reply.lower(), reply
    return int(reply.split()[1])


def test_a_service_that_is_full_answers_probes_and_metrics(full):
    service = full("--threads=2")
    for path in VITAL * 4:  # one after the other: each leaves its place
        assert ask_beyond(service, path) in (200, 204), path
    others = [post(*SMALL), post("/", SMALL[1]), post("/admin/reload", b""), post(*SMALL) + head("GET", "/live"),
              *(head("GET", path) for path in ("/v1/models", "/info", "/nowhere", "/admin/models")),
              head("OPTIONS", "/live"), head("POST", "/live", Content_Length="0")]
    for request in others * 3:
        assert ask_once(service, request) == FULL, request
    assert ask_once(service, head("GET", "/live") * 2).count(b"HTTP/1.1 200 ") <= 1  # no second request
    text = service.stderr()
    assert text.count(f"max-connections, {LIMIT}, is reached") == 1 and "raise max-connections" in text


def test_who_is_silent_beyond_the_limit_is_let_go_soon(full):
    service = full("--admin-listen=127.0.0.1:0", "--idle-timeout=10m", "--request-timeout=10m")
    admin = service.next_listener()
    clients = [service.connect() for _ in range(3 * BEYOND)]
    for client in clients[::2]:
        client.send_as_taken(b"GET /live HTTP/1.1\r\nHost:")
    n = int(re.search(r"\nembedd_connections (\d+)\n", admin.get("/metrics").body.decode())[1])
    assert n <= LIMIT + BEYOND + 1  # and the one that asks
    for client in clients:
        assert client.read_to_end() in (FULL, b"")  # b"": by a reset, of who was in the middle of a word
        client.close()
    assert ask_beyond(service, "/ready") == 200
    text = admin.get("/metrics").body.decode()
    assert int(re.search(r'reason="connections"\} (\d+)\n', text)[1]) >= 3 * BEYOND
    assert 'reason="timeout"} 0\n' in text


def test_beyond_the_limit_metrics_keep_their_own_rules(full, tmp_path):
    keys = tmp_path / "keys"
    key = subprocess.run([PROGRAM, "key", "new", "all", "--file", keys, "--scopes=metrics,embed"], check=True,
                         capture_output=True, text=True).stdout.strip()
    service = full(f"--api-keys={keys}")
    assert ask_beyond(service, "/live") == 200
    assert ask_beyond(service, "/metrics") == 401 and ask_beyond(service, "/metrics", X_Api_Key=key) == 200
    assert ask_once(service, post(*SMALL, X_Api_Key=key)) == FULL
    assert ask_once(service, post(*SMALL)) == FULL


def test_with_an_admin_listener_metrics_are_answered_there_alone_beyond_the_limit_too(full):
    service = full("--admin-listen=127.0.0.1:0")
    assert ask_beyond(service, "/metrics") == 404 and ask_beyond(service, "/live") == 200
    admin = service.next_listener()
    with admin.connect() as client:
        assert [client.get("/metrics").status for _ in range(3)] == [200] * 3  # and stays


def test_without_descriptors_it_waits_without_spinning(start):
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    service = start("--threads=1", preexec=few)
    clients = [service.connect() for _ in range(100)]  # the kernel's queue takes the rest
    assert clients[0].get("/health").status == 200
    wait_until(lambda: "cannot accept" in service.stderr(), "descriptors run out")
    before = service.cpu_s()
    time.sleep(2)
    assert service.cpu_s() - before < 0.2, "it spins"
    for client in clients[:20]:  # a place is free, and taken at once
        client.close()
        time.sleep(0.15)
    assert service.stderr().count("cannot accept") == 1, "it is said again and again"
    for client in clients[20:60]:
        client.close()
    assert clients[99].get("/health").status == 200
    for client in clients:
        client.close()


def test_clients_that_leave_leave_nothing_behind(start):
    # libmicrohttpd does not hear of an end that comes together with bytes: no deadline helps here.
    service = start("--workers=1", "--request-timeout=1000", "--idle-timeout=1000")
    for leave in ("close", "reset"):
        for i in range(100):
            client = service.connect()
            request = post(*BIG) if i % 4 else post(*SMALL)
            # In the head, in the body, in the work, in the reply.
            client.send(request[:[20, 500, len(request), len(request)][i // 25]])
            if i % 10 == 9 and i >= 50:
                client.socket.recv(100)
            getattr(client, leave)()
    assert service.post(*SMALL).status == 200
    for gauge, asking in (("connections", 1), ("requests_in_flight", 1), ("offload_queue", 0)):
        wait_until(lambda: service.metric("embedd_" + gauge) == asking, gauge + " of one that asks")


def test_a_log_nobody_reads_does_not_end_it(start):
    read_end, write_end = os.pipe()
    service = start("--access-log", stderr=write_end)
    os.close(write_end)
    os.close(read_end)
    for _ in range(3):
        assert service.post(*SMALL).status == 200


def test_too_few_descriptors_to_start_with_is_said():
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))

    result = subprocess.run([PROGRAM, "serve", "--listen=127.0.0.1:0", "--threads=8"],
                            capture_output=True, text=True, timeout=PATIENCE_S, preexec_fn=few,
                            env=environment())
    assert result.returncode == 1 and result.stdout == ""
    assert "cannot start 8 loops and" in result.stderr and not SANITIZER.search(result.stderr)
