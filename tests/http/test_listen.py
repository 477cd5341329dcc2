# SPDX-License-Identifier: Apache-2.0
"""Where it listens, and `embedd health`, which asks there."""

import os
import resource
import socket
import subprocess
from pathlib import Path

import certificates
import pytest
from harness import PATIENCE_S, PROGRAM, SMALL, environment


def run(*arguments, env=(), **options):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True,
                          timeout=PATIENCE_S, env=environment(**dict(env)), **options)


def listener(port=0, reuseport=False):
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuseport:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    taken.bind(("127.0.0.1", port))
    taken.listen()
    return taken


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0", "localhost:0", "*:0", "[::]:0", "0.0.0.0:0"])
def test_addresses_and_names(start, listen):
    try:
        socket.socket(socket.AF_INET6).bind(("::1", 0))
    except OSError:
        if "::" in listen:
            pytest.skip("no IPv6 here")
    is_open = listen in ("*:0", "[::]:0", "0.0.0.0:0")
    service = start(*["--insecure"] * is_open, listen=listen)
    assert service.post(*SMALL).status == 200
    assert ("insecure: anybody who reaches" in service.stderr()) == is_open
    assert run("health", service.url).returncode == 0
    if is_open:
        with socket.create_connection(("127.0.0.1", service.port), PATIENCE_S) as both:
            both.sendall(b"GET /health HTTP/1.0\r\n\r\n")
            assert both.recv(12) == b"HTTP/1.1 200"


@pytest.mark.parametrize("listen", ["*:0", "[::]:0", "0.0.0.0:0"])
def test_beyond_this_machine_it_does_not_start_without_keys_unless_told_so(listen, start, tmp_path):
    refused = run("serve", f"--listen={listen}")
    assert refused.returncode == 2 and refused.stdout == ""
    for word in (listen, "api-keys", "--insecure"):
        assert word in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    keys = tmp_path / "keys.txt"
    assert run("key", "new", "web", f"--file={keys}").returncode == 0
    service = start(f"--api-keys={keys}", listen=listen)
    assert service.get("/live").status == 200 and service.get("/info").status == 401
    assert "insecure" not in service.stderr()


def test_the_listener_that_strangers_reach_is_named(start):
    loopback, admin = "--listen=127.0.0.1:0", "--admin-listen=0.0.0.0:0"
    refused = run("serve", loopback, admin)
    assert refused.returncode == 2 and ": admin-listen 0.0.0.0:0 lets other machines ask" in refused.stderr
    service = start("--insecure", admin)
    assert "anybody who reaches admin-listen 0.0.0.0:0 may administer this service" in service.stderr()


def test_client_certificates_are_no_keys(tmp_path):
    authority = certificates.Pair(tmp_path, "authority", is_ca=True)
    own = certificates.Pair(tmp_path, "own", authority)
    refused = run("serve", "--listen=0.0.0.0:0", *own.flags(), f"--tls-client-ca={authority.cert}")
    assert refused.returncode == 2 and "tls-client-ca do not count as keys" in refused.stderr


def test_a_low_limit_of_descriptors_is_told_with_what_is_needed():
    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (400, 400))

    said = run("serve", "--listen=203.0.113.1:80", "--max-connections=1000", preexec_fn=lower).stderr
    assert "max-connections 1000 needs 1336 file descriptors, but the limit is 400" in said


@pytest.mark.parametrize("reuseport", [False, True])
def test_a_taken_port_is_an_error_even_where_the_kernel_would_share_it(reuseport):
    with listener(reuseport=reuseport) as taken:
        for host in ("127.0.0.1", "0.0.0.0", "*"):
            result = run("serve", f"--listen={host}:{taken.getsockname()[1]}")
            assert result.returncode == 1 and result.stdout == ""
            assert "Address already in use" in result.stderr and "another port" in result.stderr


def test_nobody_can_share_our_port(service):
    with pytest.raises(OSError):
        listener(service.port, reuseport=True)


def test_a_port_is_free_again_after_a_restart(start):
    first = start()
    with first.connect() as client:
        assert client.get("/health", Connection="close").status == 200  # leaves a TIME_WAIT of ours
        client.read_to_end()
    first.stop()
    second = start(listen=f"127.0.0.1:{first.port}")
    assert second.get("/health").status == 200


@pytest.mark.parametrize("listen", ["", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
                                    "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80 ", "::1:80",
                                    "[::1]", "[]:80", "[nonsense]:80", "no.such.host.invalid:80",
                                    "x" * 300 + ":80"])
def test_what_is_no_address_is_wrong_use(listen):
    result = run("serve", f"--listen={listen}")
    assert result.returncode == 2 and "listen" in result.stderr and result.stdout == ""
    assert len(result.stderr.splitlines()) == 1


def test_an_address_of_another_machine():
    result = run("serve", "--listen=203.0.113.1:0")
    assert result.returncode == 1 and "203.0.113.1" in result.stderr


def test_no_permission_for_a_low_port():
    first_free = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if first_free <= 81:
        pytest.skip("anyone may use low ports here")
    options = {}
    if os.geteuid() == 0:
        options["user"] = 65534
        if not os.access(PROGRAM, os.X_OK) or Path(PROGRAM).stat().st_mode & 0o001 == 0:
            pytest.skip("nobody may not run the program")
    result = run("serve", "--listen=127.0.0.1:81", **options)
    assert result.returncode == 1 and "Permission denied" in result.stderr
    assert "higher" in result.stderr


def test_health_asks_where_the_service_listens(service):
    for listen in (f"127.0.0.1:{service.port}", f"0.0.0.0:{service.port}", f"*:{service.port}"):
        result = run("health", env={"EMBEDD_LISTEN": listen})
        assert (result.returncode, result.stderr) == (0, "")
    assert run("health", service.url + "/ready").returncode == 0
    assert run("health", f"localhost:{service.port}").returncode == 0


def test_health_says_what_is_wrong(service):
    with listener() as silent:
        port = silent.getsockname()[1]
    result = run("health", f"http://127.0.0.1:{port}")  # nobody there any more
    assert result.returncode == 1 and "refused" in result.stderr
    result = run("health", service.url + "/nowhere")
    assert result.returncode == 1 and "404" in result.stderr
    for wrong in ("ftp://127.0.0.1:1/", "http://", "https://", "http://[::1", "http://h:", "--nonsense"):
        assert run("health", wrong).returncode == 2


def test_health_gives_up_on_a_silent_port():
    with listener() as silent:
        result = run("health", f"http://127.0.0.1:{silent.getsockname()[1]}/")
    assert result.returncode == 1 and "no answer" in result.stderr
