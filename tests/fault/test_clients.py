# SPDX-License-Identifier: Apache-2.0
"""Clients that are slow, stuck or silent, by the hundred and by the thousand, while others are served."""

import contextlib
import resource
import socket
import subprocess
import sys
import time

import pytest
from faults import IS_SANITIZED, Asker, status_kb
from harness import BIG, SMALL, head, post, wait_until

N = 60 if IS_SANITIZED else 200


def check_200(reply):
    assert reply.status == 200


def test_slow_and_stuck_clients_by_the_hundred_hold_up_nobody(start):
    service = start("--request-timeout=3", "--idle-timeout=3", "--write-timeout=3")
    slow_heads, slow_bodies, stuck = [], [], []
    asker = Asker(service, SMALL[1], check_200)
    asker.start()
    for _ in range(N):
        slow_heads.append(service.connect())
        slow_heads[-1].send(b"POST /v1/embeddings HTTP/1.1\r\nHost: t")
        slow_bodies.append(service.connect())
        slow_bodies[-1].send(head("POST", "/v1/embeddings", Content_Type="application/json", Content_Length=1000))
        if len(stuck) < N // 4:
            stuck.append(service.connect(receive_buffer=4096))
            stuck[-1].send(post(*BIG))
    begun = asker.n
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:  # a byte now and then
        for client in slow_heads + slow_bodies:
            client.send_as_taken(b"x")
        time.sleep(0.2)
    wait_until(lambda: asker.n > begun + 20, "others are served meanwhile")
    wait_until(lambda: service.metric('embedd_rejected_total{reason="timeout"}') >= 2 * N, "their time is over")
    for client in slow_bodies:
        assert b" 408 " in client.read_to_end()[:20]
    wait_until(lambda: service.metric("embedd_connections") <= 2, "they are gone")
    asker.end()
    for client in slow_heads + slow_bodies + stuck:
        client.close()


HOLDER = """
import resource, socket, sys
port, n, first = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
request = b"POST /v1/embeddings HTTP/1.1\\r\\nHost: t\\r\\nContent-Type: application/json\\r\\n" \\
          b"Content-Length: 21\\r\\n\\r\\n" + b'{"input":"I love to"}'
held = []
for i in range(n):
    one = socket.socket()
    one.bind((f"127.0.0.{2 + first + i // 4000}", 0))
    one.settimeout(60)
    one.connect(("127.0.0.1", port))
    one.sendall(request)
    got = b""
    while b'"total_tokens"' not in got:
        part = one.recv(1 << 16)
        assert part, got
        got += part
    assert got.startswith(b"HTTP/1.1 200"), got
    held.append(one)
print("held", flush=True)
sys.stdin.readline()
assert all(one.fileno() >= 0 for one in held)
"""


@contextlib.contextmanager
def holders(service, n):
    """So many connections, each of which has asked once, in processes of their own."""
    running = [subprocess.Popen([sys.executable, "-c", HOLDER, str(service.port), str(n // 2), str(first)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE) for first in (0, 10)]
    try:
        for one in running:
            assert one.stdout.readline() == b"held\n"
        yield
        for one in running:
            one.stdin.close()
            one.wait(60)
    finally:
        for one in running:
            one.kill()
            one.wait()
            one.stdout.close()


def latencies_ms(service, n=1000):
    took = []
    with service.connect() as client:
        for _ in range(n):
            begun = time.perf_counter()
            assert client.post(*SMALL).status == 200
            took.append((time.perf_counter() - begun) * 1e3)
    return sorted(took)


@pytest.mark.parametrize("count", (1000, pytest.param(10000, marks=pytest.mark.long)))
def test_idle_connections_cost_little_and_hold_up_nobody(start, count):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < count + 200:
        count = max(hard - 200, 100)
        print(f"only {count} connections: RLIMIT_NOFILE is {hard}")
    service = start(f"--max-connections={count + 100}", "--idle-timeout=600", "--threads=2")
    before = latencies_ms(service)
    rss_before = status_kb(service)
    with holders(service, count):
        assert service.metric("embedd_connections") >= count
        rss, during = status_kb(service), latencies_ms(service)
        each = (rss - rss_before) * 1024 / count
        print(f"\n{count} idle connections: {each:.0f} bytes of memory each; a small request, median and p99 in ms: "
              f"{before[500]:.3f} {before[990]:.3f} without them, {during[500]:.3f} {during[990]:.3f} with them")
        assert IS_SANITIZED or each < 64 << 10
        assert service.get("/live").status == 200 and service.post(*BIG).status == 200
    wait_until(lambda: service.fds() <= service.fds_at_start, "every descriptor is free again")
    assert service.post(*SMALL).status == 200


def test_one_too_many_of_the_idle_is_told_so(start):
    service = start("--max-connections=50")
    idle = [service.connect() for _ in range(50)]
    assert idle[0].get("/live").status == 200
    late = socket.create_connection((service.host, service.port), 60)
    assert b" 503 " in late.recv(1000)
    late.close()
    for client in idle:
        client.close()
    wait_until(lambda: service.fds() <= service.fds_at_start, "they are gone")
    assert service.post(*SMALL).status == 200
