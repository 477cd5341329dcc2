# SPDX-License-Identifier: Apache-2.0
"""The program replaced by another one that takes its listeners over, under clients that keep their
connections and never try twice; and the starts that go wrong, of which clients notice nothing."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time

import pytest
from harness import BIG, BIG_BYTES_MIN, PATIENCE_S, PROGRAM, SMALL, TOP, Client, Place, Service, environment, post, wait_until


@pytest.fixture
def path(tmp_path):
    return tmp_path / "handover"


class Load:
    """Clients on their connections, one request after the other."""

    def __init__(self, place, n=4):
        self.place, self.is_over, self.faults, self.n_replies, self.n_connections = place, False, [], 0, 0
        self.threads = [threading.Thread(target=self.ask, daemon=True) for _ in range(n)]
        for thread in self.threads:
            thread.start()

    def ask(self):
        client = None
        while not self.is_over:
            try:
                if client is None:
                    client = Client(self.place)
                    self.n_connections += 1
                reply = client.post(*SMALL)
                assert reply.status == 200, reply.status
                self.n_replies += 1
                if reply.headers.get("connection") == "close":
                    client.close()
                    client = None
            except (AssertionError, OSError) as fault:
                self.faults.append(repr(fault))
                client = None

    def more(self, n=200):
        before = self.n_replies
        wait_until(lambda: self.n_replies >= before + n or self.faults, "requests are answered")

    def end(self):
        self.is_over = True
        for thread in self.threads:
            thread.join(PATIENCE_S)
        assert self.faults == []


def test_a_replacement_under_load_loses_no_request(start, path):
    service = start(f"--handover={path}")
    listen = f"127.0.0.1:{service.port}"
    load = Load(service)
    load.more()
    for _ in range(4):
        successor = start(f"--handover={path}", listen=listen)
        assert successor.url == service.url
        assert service.wait() == 0
        assert "new process is ready" in service.stderr() and "cut off" not in service.stderr()
        assert "took over 1 listening socket from the process before" in successor.stderr()
        service = successor
        load.more()
    load.end()
    assert load.n_connections > 4


def test_a_port_of_the_kernel_s_choice_is_taken_over_too(start, path):
    first = start(f"--handover={path}")
    second = start(f"--handover={path}")
    assert second.url == first.url and first.wait() == 0


def test_the_old_one_finishes_what_is_under_way_and_stays_ready(start, path):
    first = start(f"--handover={path}", "--drain-idle=60s")
    with first.connect() as slow, first.connect() as idle:
        slow.send(post(*BIG))
        assert idle.get("/live").status == 200
        second = start(f"--handover={path}")
        replies = []

        def is_last():  # once more, when it has heard of it
            replies.append(idle.get("/ready"))
            return replies[-1].status != 200 or replies[-1].headers.get("connection") == "close"

        wait_until(is_last, "the old one says that the connection ends")
        assert replies[-1].status == 200
        assert idle.read_to_end() == b""
        assert len(slow.read_reply().body) > BIG_BYTES_MIN
        slow.close()
        assert first.wait() == 0
    assert second.get("/ready").status == 200


def test_listeners_that_stay_are_taken_over_and_others_opened_and_closed(start, path, tmp_path):
    flags = [f"--handover={path}"]
    first = start(*flags, f"--listen=unix:{tmp_path}/a", f"--listen=unix:{tmp_path}/b")
    assert [first.next_listener().url for _ in "ab"] == [f"unix:{tmp_path}/{name}" for name in "ab"]
    a = (tmp_path / "a").stat().st_ino
    second = start(*flags, f"--listen=unix:{tmp_path}/c", f"--admin-listen=unix:{tmp_path}/a", "--socket-mode=0600",
                   listen=f"localhost:{first.port}")
    assert first.wait() == 0 and second.port == first.port
    assert [second.next_listener().url for _ in "ca"] == [f"unix:{tmp_path}/c", f"unix:{tmp_path}/a"]
    assert not (tmp_path / "b").exists() and (tmp_path / "a").stat().st_ino == a
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    assert Place(f"unix:{tmp_path}/a").get("/metrics").status == 200
    assert second.get("/metrics").status == 404
    second.stop()
    assert not (tmp_path / "a").exists() and not (tmp_path / "c").exists() and not path.exists()


FAILING = {"a model that is not there": ["--model=/nowhere"], "an address that is not ours": ["--listen=203.0.113.1:0"],
           "a port that is taken": ["--listen=127.0.0.1:{taken}"]}


@pytest.mark.parametrize("why", FAILING)
def test_a_new_one_that_cannot_start_changes_nothing(start, path, tmp_path, why):
    service = start(f"--handover={path}", f"--listen=unix:{tmp_path}/a")
    load = Load(service, 2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        flags = [flag.format(taken=taken.getsockname()[1]) for flag in FAILING[why]]
        failed = subprocess.run([PROGRAM, "serve", f"--handover={path}", "--listen=127.0.0.1:0", f"--listen=unix:{tmp_path}/a", *flags],
                                capture_output=True, text=True, timeout=PATIENCE_S, env=environment())
    assert failed.returncode != 0 and failed.stdout == ""
    wait_until(lambda: "ended before it was ready" in service.stderr(), "it is said")
    load.more(50)
    assert Place(f"unix:{tmp_path}/a").post(*SMALL).status == 200
    assert start(f"--handover={path}", listen=f"127.0.0.1:{service.port}").url == service.url
    load.more(50)
    load.end()
    assert service.wait() == 0


class Successor:
    """What a new process does, step by step."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(str(path))
        self.offer, self.fds, *_ = socket.recv_fds(self.socket, 1 << 16, 32)

    def kill(self):
        for fd in self.fds:
            os.close(fd)
        self.socket.close()


def test_one_killed_half_way_changes_nothing(start, path):
    service = start(f"--handover={path}")
    load = Load(service, 2)
    for n in range(1, 4):
        successor = Successor(path)
        assert len(successor.fds) == 1
        load.more(20)
        successor.kill()
        wait_until(lambda: service.stderr().count("ended before it was ready") == n, "it is said")
        load.more(20)
    load.end()


def test_two_at_once_are_one_too_many(start, path):
    service = start(f"--handover={path}")
    first = Successor(path)
    result = subprocess.run([PROGRAM, "serve", f"--handover={path}", "--listen=127.0.0.1:0"], capture_output=True,
                            text=True, timeout=PATIENCE_S, env=environment())
    assert result.returncode == 1 and "another process is taking over" in result.stderr
    first.kill()
    wait_until(lambda: "ended before it was ready" in service.stderr(), "it is said")
    assert service.post(*SMALL).status == 200


@pytest.mark.parametrize("answer", [b"", b"x", b"embeddHO" + bytes(8), b"embeddHO" + bytes(400)])
def test_an_answer_that_is_none_changes_nothing(start, path, answer):
    service = start(f"--handover={path}")
    successor = Successor(path)
    successor.socket.send(answer)
    wait_until(lambda: "ended before it was ready" in service.stderr(), "it is said")
    successor.kill()
    assert service.post(*SMALL).status == 200


def test_an_old_one_that_does_not_answer_is_an_error(start, path):
    service = start(f"--handover={path}")
    service.signal(signal.SIGSTOP)
    try:
        result = subprocess.run([PROGRAM, "serve", f"--handover={path}", "--listen=127.0.0.1:0"], capture_output=True,
                                text=True, timeout=PATIENCE_S, env=environment())
    finally:
        service.signal(signal.SIGCONT)
    assert result.returncode == 1 and "no answer within 5 s" in result.stderr
    wait_until(lambda: "ended before it was ready" in service.stderr() or "was refused" in service.stderr(), "it is said")


def test_a_signal_while_a_new_one_starts_leaves_it_the_files(start, path, tmp_path):
    service = start(f"--handover={path}", f"--listen=unix:{tmp_path}/a")
    successor = Successor(path)
    service.signal(signal.SIGTERM)
    assert service.wait() == 0
    assert (tmp_path / "a").exists()
    successor.kill()


def test_the_file_of_a_dead_process_is_no_hindrance(start, path):
    Service(f"--handover={path}").kill()
    assert path.exists()
    service = start(f"--handover={path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    service.stop()
    assert not path.exists()


@pytest.mark.parametrize("name, code", [("x" * 97, 2), ("none/at/all", 1), ("file", 1)])
def test_a_path_that_cannot_be_is_an_error(tmp_path, monkeypatch, name, code):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("precious")
    result = subprocess.run([PROGRAM, "serve", f"--handover={name}", "--listen=127.0.0.1:0"], capture_output=True,
                            text=True, timeout=PATIENCE_S, env=environment())
    assert result.returncode == code and "handover" in result.stderr and result.stdout == ""
    assert (tmp_path / "file").read_text() == "precious"
    assert os.listdir(tmp_path) == ["file"]


# ---- the end of a service: connections that are kept ----


def test_idle_connections_are_answered_once_more_in_a_drain(start):
    service = start("--drain-idle=60s")
    with service.connect() as client, service.connect() as other:
        assert client.get("/live").status == other.get("/live").status == 200
        service.signal(signal.SIGTERM)
        wait_until(lambda: not service.is_listening(), "the listener is closed")
        time.sleep(0.3)
        for one in (client, other):
            reply = one.post(*SMALL)
            assert reply.status == 200 and reply.headers["connection"] == "close"
            assert one.read_to_end() == b""
        assert service.wait() == 0


def test_idle_connections_end_when_they_have_had_their_time(start):
    service = start("--drain-idle=300ms")
    with service.connect() as client:
        assert client.get("/live").status == 200
        service.signal(signal.SIGTERM)
        assert client.read_to_end() == b""
    assert service.wait() == 0


# ---- systemd ----

class Activated(Service):
    """Started as systemd does: listening sockets from descriptor 3 on."""

    def __init__(self, sockets, names, *flags, notify=None, tmp=None):
        def place():
            high = [os.dup2(s.fileno(), 100 + i) for i, s in enumerate(sockets)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i, inheritable=True)

        self.script = tmp / "activate"
        self.script.write_text(f"""#!/bin/sh
export LISTEN_PID=$$
exec {PROGRAM} "$@"
""")
        self.script.chmod(0o755)
        variables = {"LISTEN_FDS": str(len(sockets)), "LISTEN_FDNAMES": names}
        if notify:
            variables["NOTIFY_SOCKET"] = notify
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen([self.script, "serve", *flags], stdout=subprocess.PIPE, stderr=self.log,
                                        preexec_fn=place, close_fds=False, env=environment(**variables))
        self.first = self.process.stdout.readline().decode()

    def lines(self, n):
        return [self.first] + [self.process.stdout.readline().decode() for _ in range(n - 1)]


def listening(*, path=None):
    one = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    one.bind(str(path) if path else ("127.0.0.1", 0))
    one.listen()
    return one


def test_sockets_of_systemd_are_used_instead_of_addresses(tmp_path):
    with listening() as one, listening(path=tmp_path / "s") as two, listening() as admin:
        service = Activated([one, two, admin], "web:local:admin", "--listen=203.0.113.1:80", tmp=tmp_path)
        try:
            ports = [s.getsockname()[1] for s in (one, admin)]
            assert service.lines(3) == [f"listening on http://127.0.0.1:{ports[0]}\n", f"listening on unix:{tmp_path}/s\n",
                                        f"listening on http://127.0.0.1:{ports[1]} (admin)\n"]
            assert Place(f"http://127.0.0.1:{ports[0]}").post(*SMALL).status == 200
            assert Place(f"unix:{tmp_path}/s").post(*SMALL).status == 200
            assert Place(f"http://127.0.0.1:{ports[1]}").get("/metrics").status == 200
            names = {line.partition("=")[0] for line in
                     open(f"/proc/{service.process.pid}/environ", encoding="utf-8", errors="replace").read().split("\0")}
            assert "LISTEN_FDS" in names  # as it was begun with; its children would not get it
            service.signal(signal.SIGTERM)
            assert service.wait() == 0
            assert (tmp_path / "s").exists()  # systemd's
            assert "took over 3 listening sockets from systemd" in service.stderr()
        finally:
            service.kill()


def test_a_passed_socket_that_strangers_reach_is_named(tmp_path):
    with socket.socket() as one:
        one.bind(("0.0.0.0", 0))
        one.listen()
        service = Activated([one], "embedd.socket", tmp=tmp_path)
        assert service.process.wait(PATIENCE_S) == 2
        name = f"the passed socket 'embedd.socket' (http://0.0.0.0:{one.getsockname()[1]})"
        assert f"{name} lets other machines ask" in service.stderr()
        service.kill()


def test_descriptors_that_do_not_listen_are_an_error(tmp_path):
    with socket.socket() as silent, socket.socket(type=socket.SOCK_DGRAM) as packets:
        for wrong, word in ((silent, "does not listen"), (packets, "not a stream socket")):
            service = Activated([wrong], "x", tmp=tmp_path)
            assert service.process.wait(PATIENCE_S) == 2 and word in service.stderr()
            service.kill()


def test_systemd_is_told_how_far_it_is(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified, listening() as one:
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(PATIENCE_S)
        service = Activated([one], "", notify=str(tmp_path / "notify"), tmp=tmp_path)
        try:
            assert notified.recv(4096).split(b"\n") == [b"READY=1", b"MAINPID=%d" % service.process.pid]
            service.signal(signal.SIGHUP)
            said = [notified.recv(4096), notified.recv(4096)]
            assert said[0].startswith(b"RELOADING=1\nMONOTONIC_USEC=") and said[1].startswith(b"READY=1")
            service.signal(signal.SIGTERM)
            assert notified.recv(4096) == b"STOPPING=1"
            assert service.wait() == 0
        finally:
            service.kill()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed here")
@pytest.mark.parametrize("with_examples", [False, True])
def test_systemd_understands_the_units(tmp_path, with_examples):
    for unit in (TOP / "docker" / "systemd").iterdir():
        text = unit.read_text().replace("/usr/local/bin/embedd", PROGRAM)
        if with_examples:
            text = re.sub(r"^#(?=\w+=)", "", text, flags=re.M)
        (tmp_path / unit.name).write_text(text)
    run = subprocess.run(["systemd-analyze", "verify", *sorted(map(str, tmp_path.iterdir()))],
                         capture_output=True, timeout=PATIENCE_S, text=True)
    # Of a key that it does not know it only speaks; of other units there may be something to say.
    assert run.returncode == 0 and "embedd" not in run.stdout + run.stderr, run.stderr
