# SPDX-License-Identifier: Apache-2.0
"""A wall clock that jumps by years: deadlines do not see it; what has a date does."""

import re
import struct
import subprocess

import pytest
from faults import RELEASED, Asker
from harness import SMALL, head, wait_until

YEAR_S = 365 * 86400
pytestmark = pytest.mark.skipif(not RELEASED, reason="needs build/embedd: sanitizers come before other libraries")


class Clock:
    def __init__(self, path):
        self.path = path
        self.jump(0)

    def jump(self, seconds):
        with open(self.path, "r+b" if self.path.exists() else "w+b") as file:
            file.write(struct.pack("<q", seconds))


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path / "clock")


@pytest.fixture
def environment(preload, clock):
    return {"LD_PRELOAD": preload, "FAULT_CLOCK": str(clock.path)}


def check_200(reply):
    assert reply.status == 200


def test_no_deadline_follows_the_wall_clock(start, clock, environment):
    service = start("--idle-timeout=50", "--request-timeout=50", "--write-timeout=50", program=RELEASED,
                    env=environment)
    idle = [service.connect() for _ in range(5)]
    for client in idle:
        assert client.post(*SMALL).status == 200
    slow = service.connect()
    body = SMALL[1]
    slow.send(head("POST", SMALL[0], Content_Type="application/json", Content_Length=len(body)) + body[:5])
    asker = Asker(service, body, check_200)
    asker.start()
    for years in (10, -20, 0, 60, -40, 0):
        clock.jump(years * YEAR_S)
        reached = asker.n
        wait_until(lambda: asker.n > reached + 20, "requests are answered")
        assert not any(client.is_closed() for client in [*idle, slow])
        service.signal(1)  # the log says what time it is
        wait_until(lambda: service.metric("process_open_fds") > 0, "the next scrape")
    asker.end()
    slow.send(body[5:])
    assert slow.read_reply().status == 200
    for client in [*idle, slow]:
        assert client is slow or client.post(*SMALL).status == 200
        client.close()
    assert service.metric('embedd_rejected_total{reason="timeout"}') == 0
    years = {int(year) for year in re.findall(r'"time":"(\d{4})-', service.stderr())}
    assert max(years) - min(years) >= 50, years  # it did jump


def test_keys_expire_by_the_wall_clock_and_come_back_with_it(start, clock, environment, tmp_path):
    file = tmp_path / "keys"
    made = subprocess.run([RELEASED, "key", "new", "guest", "--file", file, "--expires=90d"], capture_output=True,
                          check=True, text=True)
    key = re.search(r"\S{30,}", made.stdout)[0]
    service = start(f"--api-keys={file}", program=RELEASED, env=environment)
    for years, status in ((0, 200), (1, 401), (0, 200), (-5, 200)):
        clock.jump(years * YEAR_S)
        assert service.post(*SMALL, Authorization=f"Bearer {key}").status == status, years
