# SPDX-License-Identifier: Apache-2.0
"""A process that is stopped for a while, and one whose cores others have."""

import os
import signal
import subprocess
import time

import pytest
from faults import Asker
from harness import BIG, SMALL, wait_until


def check_200(reply):
    assert reply.status == 200


def test_stopped_for_a_second_it_loses_no_request(start):
    service = start("--request-timeout=30")
    askers = [Asker(service, body, check_200, path) for path, body in (SMALL, BIG, SMALL, SMALL)]
    for asker in askers:
        asker.start()
    wait_until(lambda: all(asker.n > 2 for asker in askers), "everybody is served")
    for _ in range(3):
        service.signal(signal.SIGSTOP)
        late = service.connect()  # the kernel takes it in
        late.send(b"GET /live HTTP/1.1\r\nHost: t\r\n\r\n")
        time.sleep(1)
        service.signal(signal.SIGCONT)
        assert late.read_reply().status == 200
        late.close()
        reached = [asker.n for asker in askers]
        wait_until(lambda: all(asker.n > n for asker, n in zip(askers, reached)), "they go on")
    for asker in askers:
        asker.end()


def test_deadlines_that_passed_while_it_was_stopped_count(start):
    """Who was to be cut off is, and who comes then is served."""
    service = start("--request-timeout=1", "--idle-timeout=1")
    slow = service.connect()
    slow.send(b"POST /v1/embeddings HTTP/1.1\r\n")
    wait_until(lambda: service.metric("embedd_connections") == 2, "it is seen")
    service.signal(signal.SIGSTOP)
    time.sleep(1.5)
    service.signal(signal.SIGCONT)
    slow.read_to_end()
    slow.close()
    assert service.post(*SMALL).status == 200


@pytest.fixture
def busy_cores():
    """Four who would have each core for themselves."""
    cores = len(os.sched_getaffinity(0))
    running = [subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"]) for _ in range(4 * cores)]
    yield
    for one in running:
        one.kill()
        one.wait()


def test_with_all_cores_busy_elsewhere_it_answers(start, busy_cores):
    service = start()
    assert service.get("/live").status == 200
    with service.connect() as client:
        for i in range(100):
            assert client.post(*(SMALL if i % 20 else BIG)).status == 200
    assert service.get("/live").status == 200


def test_a_loop_that_starves_does_not_keep_live_waiting(start):
    """Long work on every worker, and many small requests on the loops."""
    service = start("--threads=1", "--workers=1")
    askers = [Asker(service, body, check_200, path) for path, body in (BIG, BIG, BIG, SMALL, SMALL, SMALL)]
    for asker in askers:
        asker.start()
    for _ in range(50):
        assert service.get("/live").status == 200
    for asker in askers:
        asker.end()
