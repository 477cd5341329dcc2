# SPDX-License-Identifier: Apache-2.0
"""No memory: the arenas' caps, the address space, a small container."""

import json
import os
import resource
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from faults import RELEASED, Asker, is_served, status_kb
from harness import BIG, PATIENCE_S, SANITIZER, SMALL, environment, post, wait_until

# 1 MB of texts, and some 4 MB of reply.
BATCH = ("/v1/embeddings", json.dumps({"input": ["the food is good " * 40] * 1500}).encode())
MANY = "--max-inputs=10000"


def flood(service, n, of=BATCH, per_client=2):
    """Statuses of what so many clients ask at once; None where there came no reply."""
    statuses, lock = [], threading.Lock()

    def run():
        for _ in range(per_client):
            status = None
            try:
                status = service.post(*of).status
            except (AssertionError, OSError):
                pass
            with lock:
                statuses.append(status)

    threads = [threading.Thread(target=run) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(statuses) == n * per_client
    return statuses


def test_beyond_max_memory_large_requests_are_503_and_operators_are_answered(start):
    service = start("--max-memory=20000000", MANY)

    def check(reply):
        assert reply.status == 200

    askers = [Asker(service, b"", check, path=path) for path in ("/live", "/ready")]
    for asker in askers:
        asker.ask = lambda client, asker=asker: client.get(asker.path)
        asker.start()
    statuses = flood(service, 8)
    for asker in askers:
        asker.end()
    assert set(statuses) <= {200, 429, 503} and 200 in statuses and len(set(statuses)) > 1, statuses
    wait_until(lambda: is_served(service), "a small one is answered again")
    assert service.post(*BATCH).status == 200  # alone it fits


@pytest.mark.skipif(not RELEASED, reason="needs build/embedd: sanitizers have memory of their own")
def test_what_the_process_takes_stays_near_max_memory(start):
    service = start("--max-memory=64000000", MANY, program=RELEASED)
    for _ in range(3):
        assert set(flood(service, 8)) <= {200, 429, 503}
    peak_kb = status_kb(service, "VmHWM")
    print(f"most memory with max-memory of 64 MB: {peak_kb} kB")
    # The program and its model (15 MB, most of it the file's pages), and what clients' bytes lie in on their way.
    assert peak_kb < 64_000 + 60_000, peak_kb
    assert service.post(*BATCH).status == 200


def test_a_request_above_its_own_cap_is_413_and_the_connection_stays(start):
    service = start("--max-request-memory=2000000", MANY)
    with service.connect() as client:
        for _ in range(3):
            reply = client.post(*BATCH)
            assert reply.status == 413 and "max-request-memory" in reply.json()["error"]["message"]
            assert client.post(*SMALL).status == 200


@pytest.mark.skipif(not RELEASED, reason="needs build/embedd: sanitizers need terabytes of addresses")
def test_addresses_that_run_out_while_it_runs_are_503_or_413_and_no_end(start):
    service = start("--max-memory=4000000000", MANY, "--threads=2", "--workers=2", program=RELEASED)
    assert service.post(*BATCH).status == 200
    pid = service.process.pid
    used = status_kb(service, "VmSize") << 10
    for more_mb in (0, 1, 4, 16):
        try:
            resource.prlimit(pid, resource.RLIMIT_AS, (used + (more_mb << 20), resource.RLIM_INFINITY))
        except PermissionError:
            pytest.skip("limits of another process may not be set here")
        statuses = flood(service, 4)
        assert set(statuses) <= {200, 413, 429, 503, None}, statuses
        assert service.process.poll() is None, "it ended"
    resource.prlimit(pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    wait_until(lambda: flood(service, 2) == [200] * 4, "all are answered again")
    assert service.post("/admin/reload", b"").status == 200


@pytest.mark.skipif(not RELEASED, reason="needs build/embedd: sanitizers need terabytes of addresses")
def test_too_few_addresses_to_start_with_are_a_sentence():
    started = refused = 0
    for limit in range(24 << 20, 300 << 20, 12 << 20):
        process = subprocess.Popen(
            [RELEASED, "serve", "--listen=127.0.0.1:0", "--threads=1", "--workers=1"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment(),
            preexec_fn=lambda limit=limit: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        line = process.stdout.readline().decode()
        if line:
            port = int(line.strip().rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as client:
                client.sendall(post(*SMALL, Connection="close"))
                client.settimeout(PATIENCE_S)
                assert client.recv(12) == b"HTTP/1.1 200"
            process.terminate()
        said = process.communicate(timeout=PATIENCE_S)[1]
        started += bool(line)
        # 127: the program could not even be loaded.
        assert process.returncode == 0 if line else process.returncode in (1, 127), (limit, process.returncode, said)
        if process.returncode == 1:
            refused += 1
            assert b"memory" in said or b"threads" in said, said
    assert started and refused


# ---- a small container ----

def memory_group():
    """A group for processes, with 64 MB of memory and no swap beside it; None where none can be made."""
    name = f"embedd-test-{os.getpid()}"
    own = {line.split(":")[1]: line.strip().split(":", 2)[2] for line in open("/proc/self/cgroup")}
    places = []
    if "memory" in own:
        places.append((Path("/sys/fs/cgroup/memory") / own["memory"].strip("/"), "memory.limit_in_bytes"))
        places.append((Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"))
    places.append((Path("/sys/fs/cgroup") / own.get("", "/").strip("/"), "memory.max"))
    for parent, limit in places:
        group = parent / name
        try:
            group.mkdir()
            (group / limit).write_text(str(64 << 20))
            if limit == "memory.max" and (group / "memory.swap.max").exists():
                (group / "memory.swap.max").write_text("0")
            return group
        except OSError:
            if group.is_dir():
                group.rmdir()
    return None


@pytest.fixture
def group():
    made = memory_group()
    if not made:
        pytest.skip("no memory group can be made here")
    yield made
    try:
        made.rmdir()
    except OSError:
        pass


@pytest.mark.skipif(not RELEASED, reason="needs build/embedd: sanitizers have memory of their own")
def test_a_container_of_64_mb_is_not_outgrown(start, group):
    def join():
        (group / "cgroup.procs").write_text(str(os.getpid()))

    service = start(MANY, program=RELEASED, preexec=join)
    for of in (BATCH, BIG):
        statuses = flood(service, 6, of)
        assert set(statuses) <= {200, 413, 429, 503}, statuses
        assert service.process.poll() is None, "it was ended for its memory"
    wait_until(lambda: is_served(service), "a small one is answered")
    service.stop()
    assert not SANITIZER.search(service.stderr())
