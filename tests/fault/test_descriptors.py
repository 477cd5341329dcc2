# SPDX-License-Identifier: Apache-2.0
"""No descriptors left: clients wait, nobody is lost, and all is well once others have left."""

import json
import resource
import threading

from faults import make_large
from harness import PATIENCE_S, SMALL, wait_until
from test_models import ask

FEW = 80


def few():
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, FEW))


def test_more_clients_than_descriptors_are_all_answered(start):
    service = start("--threads=2", preexec=few)
    statuses, lock = [], threading.Lock()

    def ask_once():
        with service.connect() as client:  # who holds a connection while others wait for one
            for _ in range(3):
                reply = client.post(*SMALL)
                with lock:
                    statuses.append(reply.status)

    threads = [threading.Thread(target=ask_once) for _ in range(300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert statuses == [200] * 900
    assert service.post(*SMALL).status == 200


def test_a_reload_without_descriptors_is_refused_and_works_later(start, tmp_path):
    for name in "ab":
        make_large(tmp_path / name, 1, tokens=50)
    service = start("--models", str(tmp_path), "--threads=1", preexec=few)
    operator = service.connect()
    assert operator.get("/live").status == 200
    holders = [service.connect() for _ in range(FEW)]
    wait_until(lambda: "cannot accept" in service.stderr(), "descriptors run out")
    make_large(tmp_path / "c", 3, tokens=50)
    reply = operator.post("/admin/reload", b"")
    assert reply.status == 422 and "Too many open files" in json.dumps(reply.json()), reply.json()
    assert operator.post("/v1/embeddings", b'{"model":"b","input":"w7"}').status == 200
    assert operator.post("/v1/embeddings", b'{"model":"c","input":"w7"}').status == 404
    waiting = [service.connect() for _ in range(5)]  # in the kernel's queue
    for client in holders:
        client.close()
    for client in waiting:
        assert client.post(*SMALL).status == 200
        client.close()
    wait_until(lambda: service.fds() < FEW - 20, "descriptors are free")
    reply = operator.post("/admin/reload", b"")
    assert reply.status == 200, reply.json()
    assert ask(service, "/v1/embeddings", model="c", input="w7")[0] == 200
    operator.close()
    assert service.stderr().count("cannot accept") == 1, "it is said once a minute"
