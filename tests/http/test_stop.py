# SPDX-License-Identifier: Apache-2.0
"""The end: drain, its delay and its deadline, the second signal."""

import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest
from harness import (BIG, BIG_BYTES_MIN, PATIENCE_S, PROGRAM, SMALL, TOP, chunked, environment, head,
                     post, wait_until)


def read_slowly(client):
    status, headers = client.read_head()
    assert status == 200
    assert len(client.read_body(headers, 65536, pause_s=0.002)) >= BIG_BYTES_MIN


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_service(start, number):
    service = start()
    assert service.get("/health").status == 200
    service.signal(number)
    assert service.wait() == 0


@pytest.mark.parametrize("closed", [(1, 2), (2,), (0, 1, 2)], ids=str)
def test_no_socket_gets_the_number_of_a_closed_stream(closed):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [PROGRAM, "serve", f"--listen=127.0.0.1:{port}", "--access-log"], env=environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: [os.close(number) for number in closed])

    def connect():
        assert process.poll() is None
        try:
            return socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        except ConnectionRefusedError:
            return None

    try:
        sockets = []
        wait_until(lambda: sockets.append(connect()) or sockets[-1], "the service listens")
        sockets += [connect() for _ in range(8)]
        for one in filter(None, sockets):
            one.sendall(head("GET", "/live"))
            assert one.recv(1 << 16).startswith(b"HTTP/1.1 200")
        for number in closed:
            assert os.readlink(f"/proc/{process.pid}/fd/{number}") == "/dev/null"
        process.send_signal(signal.SIGTERM)
        for one in filter(None, sockets):
            one.close()
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()


def test_a_reply_in_flight_arrives_whole(start):
    # MHD_stop_daemon would end it in the middle.
    service = start()
    clients = [service.connect(receive_buffer=65536) for _ in range(3)]
    for client in clients:
        client.send(post(*BIG))
        client.socket.recv(1, 2)  # MSG_PEEK: the reply has begun
    service.signal(signal.SIGTERM)
    wait_until(lambda: not service.is_listening(), "the listener is closed")
    for client in clients:
        read_slowly(client)
        client.close()
    assert service.wait() == 0
    assert "cut off" not in service.stderr()


def test_the_process_waits_until_the_client_has_everything(start):
    # The kernel has taken these replies whole, but in a container it ends with the process.
    service = start()
    medium = ("/v1/lookup", json.dumps({"text": "word " * 60}).encode())
    kept, closing, half = [service.connect(receive_buffer=4096) for _ in range(3)]
    kept.send(post(*medium))
    closing.send(post(*medium, Connection="close"))
    half.send(post(*medium))
    half.socket.shutdown(socket.SHUT_WR)
    wait_until(lambda: service.metric("embedd_requests_total{route=\"/v1/lookup\"") == 3, "3 replies")
    wait_until(lambda: service.metric("embedd_connections") == 2, "half is closed")
    service.signal(signal.SIGTERM)
    wait_until(lambda: not service.is_listening(), "the listener is closed")
    time.sleep(0.5)  # time to do it wrong
    assert service.process.poll() is None
    for client in (kept, closing, half):
        assert len(client.read_reply().body) > 100000
        assert client.read_to_end() == b""
        client.close()
    assert service.wait() == 0


def test_requests_with_the_workers_are_answered(start):
    # Stopping libmicrohttpd while one is suspended aborts the process.
    service = start("--workers=1")
    clients = [service.connect() for _ in range(20)]
    for client in clients:
        client.send(post(*BIG))
    wait_until(lambda: service.metric("embedd_requests_in_flight") >= 15, "they have come")
    service.signal(signal.SIGTERM)
    for client in clients:
        assert len(client.read_reply().body) >= BIG_BYTES_MIN
        assert client.read_to_end() == b""
        client.close()
    assert service.wait() == 0


def test_an_upload_under_way_is_answered_and_closed(start):
    service = start()
    data = post(*SMALL)
    with service.connect() as client, service.connect() as early:
        client.send(data[:-5])
        early.send(data[:10])
        wait_until(lambda: service.metric("embedd_requests_in_flight") >= 2, "it has come")
        service.signal(signal.SIGTERM)
        wait_until(lambda: not service.is_listening(), "the listener is closed")
        client.send(data[-5:])
        early.send(data[10:])
        for each in (client, early):
            reply = each.read_reply()
            assert reply.status == 200 and reply.headers["connection"] == "close"
            assert each.read_to_end() == b""
    assert service.wait() == 0


def test_idle_connections_do_not_hold_it_up(start):
    service = start("--drain-timeout=1000", "--idle-timeout=1000", "--request-timeout=1000")
    used, fresh = service.connect(), service.connect()
    assert used.post(*SMALL).status == 200
    wait_until(lambda: service.metric("embedd_connections") == 3, "both are taken up")
    service.signal(signal.SIGTERM)
    for client in (used, fresh):
        assert client.read_to_end() == b""
        client.close()
    assert service.wait() == 0


def test_the_deadline_cuts_off_who_does_not_read(start):
    service = start("--drain-timeout=500ms", "--workers=1")
    clients = [service.connect(receive_buffer=4096) for _ in range(12)]
    for client in clients:
        client.send(post(*BIG) * 2)
    wait_until(lambda: service.metric("embedd_requests_in_flight") > 4, "they have come")
    service.signal(signal.SIGTERM)
    assert service.wait() == 0
    assert "cut off" in service.stderr()
    for client in clients:
        client.close()


def test_the_deadline_ends_what_is_with_the_workers_too(start):
    service = start("--drain-timeout=0", "--workers=1")
    clients = [service.connect() for _ in range(30)]
    for client in clients:
        client.send(post(*BIG))
    wait_until(lambda: service.metric("embedd_offload_queue") > 0, "a worker has one")
    service.signal(signal.SIGTERM)
    assert service.wait() == 0
    for client in clients:
        client.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_leaves_at_once(start, number):
    # It leaves its threads where they are, which ThreadSanitizer would complain of.
    env = {"TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "") + " report_thread_leaks=0"}
    service = start("--drain-timeout=1000", "--write-timeout=1000", env=env)
    client = service.connect(receive_buffer=4096)
    client.send(post(*BIG))
    client.socket.recv(1, 2)
    service.signal(signal.SIGTERM)
    wait_until(lambda: not service.is_listening(), "the listener is closed")
    assert service.process.poll() is None
    service.signal(number)
    assert service.wait() == 128 + number
    client.close()
    service.process.returncode = 0  # as it should be: nothing for the fixture to complain of


def test_ready_says_so_before_the_listener_closes_and_live_does_not(start):
    service = start("--drain-delay=3")
    with service.connect() as kept:
        assert kept.get("/ready").json() == {"status": "ok"}
        service.signal(signal.SIGTERM)
        wait_until(lambda: service.get("/ready").status == 503, "/ready turns")
        reply = service.get("/ready")
        assert reply.status == 503 and reply.json() == {"status": "draining"}
        assert reply.headers["connection"] == "close"
        reply = service.get("/live")
        assert reply.status == 200 and reply.json() == {"status": "ok"}
        assert service.get("/health").status == service.get("/ping").status == 503
        assert service.post(*SMALL).status == 200
        assert kept.post(*SMALL).status == 200
    assert service.wait() == 0
    assert not service.is_listening()


@pytest.mark.parametrize("begun", [1, 100, 1 << 20])
def test_clients_that_reset_do_not_hold_up_the_drain(start, begun):
    # The kernel says for ever that a reset connection has bytes to send.
    for turn in range(4):
        service = start("--drain-timeout=1000", "--write-timeout=1000")
        clients = [service.connect(receive_buffer=4096) for _ in range(6)]
        for client in clients:
            client.send(post(*BIG, **({"Connection": "close"} if turn % 2 else {})))
        for client in clients:
            got = 0
            while got < begun:
                got += len(client.socket.recv(65536))
        for client in clients[turn % 3:]:
            client.reset()
        service.signal(signal.SIGTERM)
        for client in clients[:turn % 3]:
            client.reset()
        assert service.wait() == 0
        assert "cut off" not in service.stderr()


@pytest.mark.parametrize("used", [False, True])
def test_a_head_half_sent_is_waited_for(start, used):
    """Also behind a chunked body, whose length on the wire nobody knows."""
    service = start("--drain-timeout=1000")
    with service.connect() as client:
        if used:
            client.send(head("POST", SMALL[0], Transfer_Encoding="chunked") + chunked(SMALL[1], 3))
            assert client.read_reply().status == 200
        request = post(*SMALL)
        client.send(request[:20])
        time.sleep(0.3)
        service.signal(signal.SIGTERM)
        wait_until(lambda: not service.is_listening(), "the listener is closed")
        time.sleep(0.3)
        client.send(request[20:])
        assert client.read_reply().status == 200
        assert client.read_to_end() == b""
    assert service.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM])
def test_other_signals_are_logged_and_change_nothing(start, number):
    service = start()
    for _ in range(3):
        service.signal(number)
        assert service.post(*SMALL).status == 200
    name = signal.strsignal(number)
    wait_until(lambda: f"{name}: ignored" in service.stderr(), "it is said")
    service.signal(signal.SIGTERM)
    service.signal(number)
    assert service.wait() == 0


def test_a_hangup_during_a_drain_changes_nothing(start):
    service = start("--drain-delay", "2s")
    service.signal(signal.SIGTERM)
    wait_until(lambda: "draining" in service.stderr(), "it drains")
    service.signal(signal.SIGHUP)
    assert service.wait() == 0
    said = service.stderr()
    assert "Hangup: ignored; the service is ending" in said and "reload" not in said
    took_s = float(re.search(r"drained in (\d+\.\d) s; the process ends", said).group(1))
    assert 2 <= took_s < 60


@pytest.fixture
def released():
    """The program without sanitizers, which need terabytes of addresses, where any user finds it."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield shutil.copy(TOP / "build" / "embedd", folder)


@pytest.mark.slow_under_tsan
@pytest.mark.parametrize("limit", ["RLIMIT_NPROC", "RLIMIT_AS"])
def test_threads_that_cannot_be_had_are_an_error_at_the_start(released, limit):
    """Not at the first large request, where libuv would abort."""
    values, command = range(24 << 20, 240 << 20, 8 << 20), []
    if limit == "RLIMIT_NPROC":
        values = range(1, 12)
        if os.getuid() == 0:  # whom no such limit holds
            # A user of its own: processes of one are counted together.
            command = ["setpriv", "--reuid=65531", "--regid=65531", "--clear-groups"]
    codes = set()
    for value in values:
        process = subprocess.Popen(
            [*command, released, "serve", "--listen=127.0.0.1:0", "--threads=2", "--workers=4"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
            preexec_fn=lambda: resource.setrlimit(getattr(resource, limit), (value, value)))
        line = process.stdout.readline().decode()
        if line:
            port = int(line.strip().rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as client:
                client.sendall(post(*BIG, Connection="close"))
                got = b"".join(iter(lambda: client.recv(1 << 20), b""))
            assert re.match(rb"HTTP/1.1 (200|413|429) ", got)
            process.terminate()
        _, said = process.communicate(timeout=PATIENCE_S)
        codes.add(process.returncode)
        # 127: the program could not even be loaded.
        assert process.returncode in ((0,) if line else (1, 127)), said
        if process.returncode == 1:
            assert b"threads" in said or b"memory" in said, said
    assert {0, 1} <= codes
