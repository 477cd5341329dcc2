# SPDX-License-Identifier: Apache-2.0
"""A disk that is slow: a reload takes seconds, and meanwhile everybody is answered as ever."""

import contextlib
import json
import os
import signal
import threading
import time

import pytest
from faults import Asker, make_large, table_of
from harness import PATIENCE_S, wait_until
from test_models import reloads

# Of each call that reads a model: some forty of them make a reload of seconds.
SLOW_MS = 70
CALLS = "open", "stat", "fstat", "mmap", "populate"
TEXT = json.dumps({"input": ["the food is good " * 40] * 100}).encode()


@pytest.fixture
def folder(tmp_path):
    return make_large(tmp_path / "a", 1)


class Prompt(Asker):
    """Who must be answered soon."""

    def __init__(self, service, path, body=None):
        super().__init__(service, body, self.check_200, path)

    @staticmethod
    def check_200(reply):
        assert reply.status == 200, (reply.status, reply.body[:300])

    def ask(self, client):
        reply = client.post(self.path, self.body) if self.body else client.get(self.path)
        time.sleep(0.01)
        return reply


def begin_all(service):
    prompts = [Prompt(service, "/v1/embeddings", b'{"input":"w7"}'), Prompt(service, "/v1/embeddings", TEXT),
               Prompt(service, "/live"), Prompt(service, "/metrics"), Prompt(service, "/ready")]
    for prompt in prompts:
        prompt.start()
    wait_until(lambda: all(prompt.n > 2 for prompt in prompts), "everybody is answered")
    return prompts


def end_all(prompts):
    for prompt in prompts:
        prompt.end()


def make_slow(disk, folder):
    os.utime(table_of(folder))
    disk.slow(folder, SLOW_MS, *CALLS)


def hang_up(service):
    service.signal(signal.SIGHUP)


def begin_request(service):
    def post():
        with contextlib.suppress(AssertionError):  # closed without a reply
            replies.append(service.post("/admin/reload", b""))

    replies = []
    thread = threading.Thread(target=post)
    thread.start()
    return thread, replies


def test_a_slow_reload_by_request_keeps_nobody_waiting(start, disk, folder):
    """Not even where there is but one worker."""
    service = start(f"--model={folder}", "--threads=1", "--workers=1", "--watch=0", env=disk.environment())
    prompts = begin_all(service)
    make_slow(disk, folder)
    thread, replies = begin_request(service)
    wait_until(lambda: disk.seen() > 2, "it reads")
    reached = [prompt.n for prompt in prompts]
    conflict = service.post("/admin/reload", b"")
    assert conflict.status == 409 and "under way" in conflict.body.decode()
    wait_until(lambda: all(prompt.n > n + 3 for prompt, n in zip(prompts, reached)), "everybody is answered meanwhile")
    assert thread.is_alive()
    thread.join(PATIENCE_S)
    assert replies[0].status == 200 and replies[0].json()["duration_s"] > 1, replies[0].json()
    end_all(prompts)


def test_a_slow_reload_by_signal_keeps_nobody_waiting_and_another_comes_after_it(start, disk, folder):
    service = start(f"--model={folder}", "--threads=1", "--workers=1", "--watch=50ms", env=disk.environment())
    prompts = begin_all(service)
    make_slow(disk, folder)
    hang_up(service)
    wait_until(lambda: disk.seen() > 2, "it reads")
    for _ in range(5):
        hang_up(service)
    assert service.post("/admin/reload", b"").status == 409
    assert reloads(service) == 0
    wait_until(lambda: reloads(service) == 2, "it ends, and one more")
    disk.heal()
    end_all(prompts)
    assert reloads(service) == 2


# ---- the end meanwhile ----

@pytest.fixture
def draining(start, disk, folder):
    """A service that is told to end while a reload reads; and the reload, where a request asked for it."""

    def begin(way, *flags, slow_ms=SLOW_MS // 3):
        service = start(f"--model={folder}", "--workers=1", "--watch=0", "--drain-idle=0", *flags,
                        env={**disk.environment(), "ASAN_OPTIONS": "detect_leaks=0"})
        os.utime(table_of(folder))
        disk.slow(folder, slow_ms, *CALLS)
        reload = begin_request(service) if way == "request" else service.signal(signal.SIGHUP)
        wait_until(lambda: disk.seen() > 0, "it reads")
        service.signal(signal.SIGTERM)
        return service, reload

    return begin


def test_a_drain_waits_for_a_slow_reload(draining):
    service, _ = draining("signal")
    assert service.wait() == 0
    said = service.stderr()
    assert said.index("draining") < said.index("reload: done")


def test_a_drain_waits_for_a_slow_reload_that_a_request_asked_for(draining):
    service, (thread, replies) = draining("request")
    assert service.wait() == 0
    thread.join(PATIENCE_S)
    assert replies[0].status == 200 and replies[0].headers["connection"] == "close"


@pytest.mark.parametrize("way", ("signal", "request"))
def test_a_reload_that_hangs_ends_with_the_drain(draining, disk, way):
    """As where the disk never answers: each call takes longer than anybody waits."""
    service, reload = draining(way, "--drain-timeout=300ms", slow_ms=PATIENCE_S * 2000)
    assert service.wait() == 0
    assert "a reload was still under way" in service.stderr()
    if reload:
        reload[0].join(PATIENCE_S)
        assert not reload[1]
