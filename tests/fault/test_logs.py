# SPDX-License-Identifier: Apache-2.0
"""Logs that nobody takes: a full disk, a reader that is gone, one that stands still. Requests go on."""

import contextlib
import fcntl
import os
import subprocess
import time

import pytest
from harness import SMALL, wait_until

NOISY = "--access-log", "--log-level=debug"


def ask_often(service, n=200):
    with service.connect() as client:
        for _ in range(n):
            assert client.post(*SMALL).status == 200
    service.signal(1)  # which has more to say
    wait_until(lambda: service.metric('embedd_model_reloads_total{result="done"}') >= 1, "a reload")


def dropped(service):
    return service.metric("embedd_log_lines_dropped_total")


def test_a_full_device_takes_no_line_and_stops_nothing(start):
    with open("/dev/full", "wb") as full:
        service = start(*NOISY, stderr=full)
    ask_often(service)
    assert dropped(service) > 200


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_takes_lines_again_when_there_is_room(start, small_disk):
    path = small_disk / "log"
    with open(path, "ab") as log:
        service = start(*NOISY, stderr=log)
        (small_disk / "other").write_bytes(bytes(30 << 10))
        ask_often(service, 500)
        assert dropped(service) > 0
        (small_disk / "other").unlink()
        before = dropped(service)
        for _ in range(5):
            assert service.post(*SMALL).status == 200
        wait_until(lambda: "log lines were dropped" in path.read_text(errors="replace"), "it says what is missing")
        assert dropped(service) == before
    service.stop()
    # Where the disk was full a line was cut; the next one is whole all the same.
    lines = path.read_text().splitlines()
    torn = [line for line in lines if not (line.startswith("{") and line.endswith("}")) and line]
    assert len(lines) > 10 and len(torn) <= 1, torn


def test_a_reader_that_is_gone_takes_no_line_and_stops_nothing(start):
    read_end, write_end = os.pipe()
    service = start(*NOISY, stderr=write_end)
    os.close(write_end)
    os.close(read_end)
    service.process.stdout.close()  # nor does anybody read where it listens
    ask_often(service)
    assert dropped(service) > 200


def test_a_reader_that_stands_still_costs_lines_and_no_request(start):
    read_end, write_end = os.pipe()
    fcntl.fcntl(read_end, fcntl.F_SETPIPE_SZ, 4096)
    service = start(*NOISY, stderr=write_end)
    os.close(write_end)
    ask_often(service, 500)
    assert dropped(service) > 100
    os.set_blocking(read_end, False)

    def read():
        with contextlib.suppress(BlockingIOError):
            return os.read(read_end, 1 << 20)
        return b""

    got = read()
    deadline = time.monotonic() + 30
    while b"log lines were dropped because standard error did not take them in time" not in got:
        assert time.monotonic() < deadline, got[-500:]
        assert service.post(*SMALL).status == 200
        got += read()
    os.close(read_end)
