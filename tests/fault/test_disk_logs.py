# SPDX-License-Identifier: Apache-2.0
"""A disk for the log that answers EIO, or is slow: requests go on, and what is not written is counted."""

import time

from harness import SMALL, wait_until


def check_200(reply):
    assert reply.status == 200


def dropped(service):
    return service.metric("embedd_log_lines_dropped_total")


def test_lines_that_cannot_be_written_are_counted_and_said_later(start, disk):
    service = start("--access-log", "--log-level=debug", env=disk.environment())
    disk.fail("", "log")
    with service.connect() as client:
        for _ in range(100):
            check_200(client.post(*SMALL))
    service.signal(1)
    wait_until(lambda: service.metric('embedd_model_reloads_total{result="done"}') == 1, "it reloads")
    assert dropped(service) > 100
    disk.heal()
    check_200(service.post(*SMALL))
    wait_until(lambda: "log lines were dropped" in service.stderr(), "it says how many are missing")
    before = dropped(service)
    check_200(service.post(*SMALL))
    assert dropped(service) == before


def test_a_slow_disk_takes_few_lines_of_the_access_log_and_all_others(start, disk):
    """A request waits for the line of one in ten at most, by time."""
    service = start("--access-log", "--threads=1", "--watch=0", env=disk.environment())
    disk.slow("", 300, "log")
    began = time.monotonic()
    with service.connect() as client:
        for n in range(1, 1000):
            check_200(client.post(*SMALL))
            if time.monotonic() > began + 2:
                break
    assert n > 200  # each with its line: some seven
    assert disk.seen() <= 4 and dropped(service) > 100
    service.signal(1)
    wait_until(lambda: "reload: done" in service.stderr(), "the log says what is not said often")
    disk.heal()
    deadline = time.monotonic() + 30
    while "log lines were dropped" not in service.stderr():
        assert time.monotonic() < deadline
        check_200(service.post(*SMALL))
        time.sleep(0.05)
