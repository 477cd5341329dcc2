# SPDX-License-Identifier: Apache-2.0
"""Several listeners at once, and those that are Unix sockets: their files, their modes, and that HTTP
on them is HTTP."""

import os
import signal
import socket
import stat
import subprocess
import time

import certificates
import pytest
from harness import BIG, BIG_BYTES_MIN, PATIENCE_S, PROGRAM, SMALL, Service, environment, head, post, wait_until
from test_framing import FAULTS


def run(*arguments, env=(), **options):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True,
                          timeout=PATIENCE_S, env=environment(**dict(env)), **options)


def refused(*flags):
    result = run("serve", *flags)
    assert result.stdout == "" and len(result.stderr.splitlines()) == 1
    return result


@pytest.fixture
def path(tmp_path):
    return tmp_path / "s"


def test_every_listener_answers_and_has_a_line(start, path):
    service = start("--listen=[::1]:0", f"--listen=unix:{path}", "--listen=127.0.0.1:0")
    places = [service, *(service.next_listener() for _ in range(3))]
    assert [p.url.partition(":")[0] for p in places] == ["http", "http", "unix", "http"]
    vectors = {place.post(*SMALL).body for place in places}
    assert len(vectors) == 1
    for place in places:
        assert run("health", place.url).returncode == 0


def test_a_unix_socket_may_be_the_only_one(start, path):
    service = start(listen=f"unix:{path}")
    assert service.url == f"unix:{path}"
    for _ in range(3):
        assert service.post(*SMALL).status == 200
    assert run("health", env={"EMBEDD_LISTEN": f"unix:{path}\n127.0.0.1:1"}).returncode == 0
    service.stop()
    assert not path.exists()


@pytest.mark.parametrize("mode", ["0600", "0660", "777", "0000"])
def test_a_unix_socket_has_the_mode_that_was_asked_for(start, path, mode):
    start(f"--socket-mode={mode}", listen=f"unix:{path}")
    assert stat.S_IMODE(path.stat().st_mode) == int(mode, 8)


@pytest.mark.parametrize("mode", ["", "8", "0888", "rw", "66", "01777", "0660 ", "-660"])
def test_what_is_no_mode_is_wrong_use(path, mode):
    result = refused(f"--listen=unix:{path}", f"--socket-mode={mode}")
    assert result.returncode == 2 and "socket-mode" in result.stderr
    assert not path.exists()


def test_the_file_of_a_dead_process_is_replaced(start, path):
    Service(listen=f"unix:{path}").kill()
    assert path.exists()
    service = start(listen=f"unix:{path}")
    assert service.get("/health").status == 200


def test_the_file_of_a_live_one_is_not(start, path):
    service = start(listen=f"unix:{path}")
    result = refused(f"--listen=unix:{path}")
    assert result.returncode == 1 and "another program listens there" in result.stderr
    assert service.get("/health").status == 200


def test_a_file_that_is_no_socket_stays(path):
    path.write_text("precious")
    result = refused(f"--listen=unix:{path}")
    assert result.returncode == 1 and "no socket" in result.stderr
    assert path.read_text() == "precious"


def test_a_file_that_is_another_process_s_by_now_is_not_removed(start, path):
    service = start(listen=f"unix:{path}")
    path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        service.stop()
        assert path.exists()


def test_paths_have_107_bytes(start, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start(listen="unix:" + "p" * 107)
    result = refused("--listen=unix:" + "p" * 108)
    assert result.returncode == 2 and "107" in result.stderr and "108" in result.stderr


@pytest.mark.parametrize("listen", ["unix:", "unix:@", "unix"])
def test_what_is_no_path_is_wrong_use(listen):
    assert refused(f"--listen={listen}").returncode == 2


def test_a_folder_that_is_not_there_is_named(tmp_path):
    result = refused(f"--listen=unix:{tmp_path}/none/s")
    assert result.returncode == 1 and "No such file" in result.stderr


def test_one_listener_that_cannot_be_opened_ends_the_start_and_leaves_no_file(path):
    result = refused("--listen=127.0.0.1:0", f"--listen=unix:{path}", "--listen=203.0.113.1:0")
    assert result.returncode == 1 and "203.0.113.1" in result.stderr
    assert not path.exists()


def test_more_listeners_than_there_may_be(path):
    result = refused(*(f"--listen=unix:{path}{i}" for i in range(33)))
    assert result.returncode == 2 and "32" in result.stderr


def test_abstract_names_have_no_file(start):
    name = f"@embedd-test-{os.getpid()}"
    service = start(listen=f"unix:{name}")
    assert service.url == f"unix:{name}" and service.post(*SMALL).status == 200
    assert run("health", service.url).returncode == 0
    assert refused(f"--listen=unix:{name}").returncode == 1


# ---- HTTP on a Unix socket ----


@pytest.fixture
def local(start, path):
    return lambda *flags: start(*flags, listen=f"unix:{path}")


def test_long_replies_come_whole_to_a_slow_reader(local):
    with local().connect() as client:
        client.send(post(*BIG))
        time.sleep(0.5)
        reply = client.read_reply()
        assert reply.status == 200 and len(reply.body) > BIG_BYTES_MIN
        assert client.get("/health").status == 200


def test_a_slow_reader_is_not_cut_off_and_one_that_stops_is(local):
    service = local("--write-timeout=1s")
    with service.connect() as client:
        client.send(post(*BIG))
        status, headers = client.read_head()
        assert status == 200
        client.read_body(headers, bytes_a_read=1 << 20, pause_s=0.3)
    with service.connect() as client:
        client.send(post(*BIG))
        wait_until(lambda: service.metric('embedd_rejected_total{reason="timeout"}') == 1, "it is cut off")


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHo"])
def test_deadlines_hold(local, sent):
    service = local("--idle-timeout=300ms", "--request-timeout=300ms")
    with service.connect() as client:
        client.send(sent)
        assert client.read_to_end().startswith(b"HTTP/1.1 408" if sent else b"")


@pytest.mark.parametrize("sent", [b"", b"GET /hea", head("POST", "/embed", Content_Length=100) + b"{"])
def test_who_leaves_is_let_go(local, sent):
    service = local("--idle-timeout=1000", "--request-timeout=1000")
    for _ in range(5):
        with service.connect() as client:
            client.send(sent)
            client.socket.shutdown(socket.SHUT_WR)
    wait_until(lambda: service.fds() <= service.fds_at_start, "their descriptors are closed")


def test_a_client_that_ends_with_its_request_gets_the_reply(local):
    with local().connect() as client:
        client.send(post(*SMALL))
        client.socket.shutdown(socket.SHUT_WR)
        assert client.read_reply().status == 200
        assert client.read_to_end() == b""


def test_a_refusal_can_be_read(local):
    service = local("--max-body-bytes=1000")
    with service.connect() as client:
        client.send(b"GARBAGE\r\n\r\n")
        assert client.read_reply().status == 400
    with service.connect() as client:
        client.send_as_taken(post(SMALL[0], b"x" * (4 << 20)))
        assert client.read_reply().status == 413


def test_a_reply_in_flight_outlives_the_signal(local):
    service = local()
    with service.connect() as client:
        client.send(post(*BIG))
        time.sleep(0.3)
        service.signal(signal.SIGTERM)
        assert len(client.read_reply().body) > BIG_BYTES_MIN
        assert client.read_to_end() == b""
    assert service.wait() == 0
    assert "cut off" not in service.stderr()


def test_more_connections_than_there_may_be_are_told_so(local):
    service = local("--max-connections=2")
    with service.connect() as one, service.connect() as two:
        assert one.get("/health").status == two.get("/health").status == 200
        with service.connect() as three:
            assert three.read_reply().status == 503


# ---- the admin listener ----

OPEN = ["/live", "/ready", "/health", "/ping", "/v2/health/live", "/v2/health/ready"]


@pytest.fixture
def both(start):
    service = start("--admin-listen=127.0.0.1:0")
    return service, service.next_listener()


def test_without_an_admin_listener_all_is_answered_by_the_one(service):
    assert service.get("/metrics").status == 200 and service.post(*SMALL).status == 200


def test_what_operators_ask_is_answered_there_alone(both):
    service, admin = both
    assert admin.get("/metrics").status == 200
    assert service.get("/metrics").status == 404
    assert service.post(*SMALL).status == 200
    refusal = admin.post(*SMALL)
    assert refusal.status == 404 and "listen" in refusal.json()["error"]["message"]
    for path in ("/v1/models", "/info", "/api/tags"):
        assert service.get(path).status == 200 and admin.get(path).status == 404
    for path in OPEN:
        assert service.get(path).status == admin.get(path).status == 200
    with service.connect() as client:
        assert client.get("/metrics", method="OPTIONS").status == 404
    with admin.connect() as client:  # as many as one likes, on one connection
        assert [client.get(p).status for p in ("/v1/models", "/metrics", "/nowhere", "/live")] == [404, 200, 404, 200]


def test_clients_do_not_keep_operators_out(start):
    service = start("--admin-listen=127.0.0.1:0", "--max-connections=3")
    admin = service.next_listener()
    clients = [service.connect() for _ in range(3)]
    for client in clients:
        assert client.get("/live").status == 200
    with service.connect() as client:
        assert client.read_reply().status == 503
    several = [admin.connect() for _ in range(60)]
    for client in several:
        assert client.get("/metrics").status == 200
    for client in clients + several:
        client.close()


def test_a_line_says_which_is_the_admin_s(start, path):
    service = start(f"--admin-listen=unix:{path}")
    assert service.process.stdout.readline() == f"listening on unix:{path} (admin)\n".encode()


# ---- what is no request is none anywhere ----

SHAPES = [
    b"GET /live HTTP/1.1\r\nHost : a\r\n\r\n", b"GET /live HTTP/1.1\nHost: a\n\n", b"GET /live HTTP/1.1\r\n\r\n",
    b"GET /live HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", b"GET /live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"POST /embed HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /embed HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /embed HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST /embed HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
    b"POST /embed HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    b"POST /embed HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n{", b"GET /live\0 HTTP/1.1\r\nHost: a\r\n\r\n",
]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return certificates.Pair(tmp_path_factory.mktemp("pair"), "server")


class Kind:
    """A service with a listener of this kind, and what a connection to it begins with."""

    PROXY = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12)

    def __init__(self, kind, start, path, pair):
        keys = path.with_name("keys")
        keys.write_text(f"all sha256:{'0' * 64} embed\n")
        flags = {"tcp": [], "unix": [f"--listen=unix:{path}"], "admin": ["--admin-listen=127.0.0.1:0"],
                 "local admin": [f"--admin-listen=unix:{path}"], "tls": pair.flags(), "keys": [f"--api-keys={keys}"],
                 "proxied": ["--proxy-protocol", "--trusted-proxies=127.0.0.1"], "proxied tls":
                 ["--proxy-protocol", "--trusted-proxies=127.0.0.1", *pair.flags()]}[kind]
        self.service = start(*flags)
        self.place = self.service.next_listener() if kind in ("unix", "admin", "local admin") else self.service
        self.before = self.PROXY if kind.startswith("proxied") else b""
        self.tls = certificates.client(pair) if kind.endswith("tls") else None

    def connect(self):
        client = self.place.connect()
        if self.before:
            client.send(self.before)
        if self.tls:
            client.socket = self.tls.wrap_socket(client.socket, server_hostname="localhost", suppress_ragged_eofs=False)
        return client


@pytest.mark.parametrize("kind", ["tcp", "unix", "admin", "local admin", "proxied", "tls", "proxied tls", "keys"])
def test_every_smuggling_shape_is_refused_on_every_listener(start, path, pair, kind):
    listener = Kind(kind, start, path, pair)
    for name, shape in [*enumerate(SHAPES), *FAULTS.items()]:
        with listener.connect() as client:
            client.send_as_taken(shape + head("GET", "/live"))
            assert client.read_reply().status == 400, name
            assert client.read_to_end() == b"", name
    with listener.connect() as client:  # as good as before
        assert client.get("/live").status == 200
