# SPDX-License-Identifier: Apache-2.0
"""Who the client is where a proxy stands before the service: the PROXY protocol, x-forwarded-for and
forwarded; and that nobody but a trusted proxy is heard about it."""

import json
import os
import socket
import struct
import subprocess
import time

import certificates
import pytest
from harness import PATIENCE_S, PROGRAM, SMALL, environment, head, post, wait_until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n"


def header(source="192.0.2.7", port=4711, command=0x21, tlvs=b""):
    if source == "unix":
        family, addresses = 0x31, bytes(216)
    elif ":" in source:
        family, addresses = 0x21, socket.inet_pton(socket.AF_INET6, source) + bytes(16) + struct.pack(">HH", port, 80)
    else:
        family, addresses = 0x11, socket.inet_aton(source) + bytes(4) + struct.pack(">HH", port, 80)
    return SIGNATURE + struct.pack(">BBH", command, family, len(addresses) + len(tlvs)) + addresses + tlvs


class Logged:
    """A service with an access log, read line by line."""

    def __init__(self, service):
        self.service, self.n = service, 0

    def clients(self, n):
        """The clients of the next n requests."""
        def lines():
            return [json.loads(line) for line in self.service.stderr().splitlines() if '"message":"request"' in line]
        wait_until(lambda: len(lines()) >= self.n + n, "requests are logged")
        found = [line["client"] for line in lines()[self.n:self.n + n]]
        self.n += n
        return found


@pytest.fixture
def behind(start):
    return lambda *flags, **options: start("--access-log", "--proxy-protocol", *flags, **options)


def ask(service, start_of_it, n=1, **headers):
    with service.connect() as client:
        client.send(start_of_it)
        for _ in range(n):
            assert client.post(*SMALL, **headers).status == 200


@pytest.mark.parametrize("source", ["192.0.2.7", "2001:db8::7", "unix"])
def test_the_header_names_the_client_for_all_requests_of_its_connection(behind, source):
    service = behind("--trusted-proxies=127.0.0.0/8")
    ask(service, header(source), n=3)
    assert Logged(service).clients(3) == [source] * 3


def test_headers_in_pieces_and_with_tlvs_are_taken(behind):
    service = behind("--trusted-proxies=127.0.0.1")
    whole = header(tlvs=b"\x02\0\x04host" + b"\x04\x03\0" + bytes(0x300)) + post(*SMALL)
    with service.connect() as client:
        for i in range(70):
            client.send(whole[i:i + 1])
            if i % 10 == 0:
                time.sleep(0.01)
        client.send(whole[70:])
        assert client.read_reply().status == 200
    assert Logged(service).clients(1) == ["192.0.2.7"]


def test_a_proxy_that_speaks_for_itself_is_the_client(behind):
    service = behind("--trusted-proxies=127.0.0.1")
    ask(service, header(command=0x20))
    ask(service, SIGNATURE + b"\x20\0\0\0")
    assert Logged(service).clients(2) == ["127.0.0.1"] * 2


WRONG = {"none": head("GET", "/live"), "v1": V1 + head("GET", "/live"), "garbage": b"\x16\x03\x01" + bytes(50),
         "version": SIGNATURE + b"\x31\x11\0\x0c" + bytes(12), "command": SIGNATURE + b"\x25\x11\0\x0c" + bytes(12),
         "short": SIGNATURE + b"\x21\x11\0\x04" + bytes(4), "long": SIGNATURE + b"\x21\x11\xff\xff" + bytes(2000),
         "twice": header() + header() + head("GET", "/live")}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_header_of_a_trusted_proxy_gets_no_reply(behind, wrong):
    service = behind("--trusted-proxies=127.0.0.1", "--trusted-proxies=::1", "--admin-listen=127.0.0.1:0",
                     "--threads=1")
    admin = service.next_listener()
    for _ in range(3):
        with service.connect() as client:
            client.send_as_taken(WRONG[wrong])
            got = client.read_to_end()
            assert got == b"" or (wrong == "twice" and got.startswith(b"HTTP/1.1 400"))
    expected = 'embedd_rejected_total{reason="%s"} %d' % (("malformed", 3) if wrong == "twice" else ("proxy_header", 3))
    wait_until(lambda: expected in admin.get("/metrics").body.decode(), "they are counted")
    if wrong != "twice":
        assert service.stderr().count("did not begin with") == 1  # not one a connection
    ask(service, header())


def test_a_cut_header_is_counted_and_a_check_of_health_is_not(behind):
    service = behind("--trusted-proxies=127.0.0.1", "--admin-listen=127.0.0.1:0")
    admin, whole = service.next_listener(), header()
    for n in range(len(whole)):
        with service.connect() as client:
            client.send(whole[:n])
            client.socket.shutdown(socket.SHUT_WR)
            assert client.read_to_end() == b""
    wait_until(lambda: 'embedd_rejected_total{reason="proxy_header"} %d\n' % (len(whole) - 1)
               in admin.get("/metrics").body.decode(), "all but one are counted")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return certificates.Pair(tmp_path_factory.mktemp("pair"), "server")


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
def test_a_header_has_the_time_of_a_request(behind, own, is_tls):
    service = behind("--trusted-proxies=127.0.0.1", "--admin-listen=unix:@embedd-test-proxy-%d" % os.getpid(),
                     "--request-timeout=1s", "--idle-timeout=10m", *(own.flags() if is_tls else []))
    admin, whole = service.next_listener(), header(tlvs=b"\x04\1\0" + bytes(256))
    address, before = (service.host, service.port), time.monotonic()
    with socket.create_connection(address, PATIENCE_S) as cut, socket.create_connection(address, PATIENCE_S) as slow:
        cut.sendall(whole[:20])
        slow.settimeout(0.05)
        is_open, n = True, 0
        while is_open:
            assert n < len(whole) - 1, "a header that trickles is waited for"
            try:
                slow.send(whole[n:n + 1])
                n += 1
                is_open = slow.recv(1) != b""
            except TimeoutError:
                pass
            except (BrokenPipeError, ConnectionResetError):
                is_open = False
        assert cut.recv(1) == b"" and time.monotonic() - before >= 0.9
    wait_until(lambda: b'embedd_rejected_total{reason="timeout"} 2\n' in admin.get("/metrics").body, "both are counted")
    assert b'reason="proxy_header"} 0\n' in admin.get("/metrics").body


def test_before_its_first_byte_and_behind_the_header_a_connection_may_be_idle(behind):
    service = behind("--trusted-proxies=127.0.0.1", "--request-timeout=300ms", "--idle-timeout=10m")
    with service.connect() as silent, service.connect() as named:
        named.send(header())
        time.sleep(1.5)
        silent.send(header())
        for client in silent, named:
            assert client.get("/live").status == 200


@pytest.mark.parametrize("first", [header(), V1], ids=["v2", "v1"])
def test_a_stranger_s_header_is_a_malformed_request(behind, first):
    service = behind("--trusted-proxies=192.0.2.0/24")
    with service.connect() as client:
        client.send_as_taken(first + head("GET", "/live"))
        assert client.read_reply().status == 400
        assert client.read_to_end() == b""
    with service.connect() as client:
        assert client.get("/live").status == 200
    assert Logged(service).clients(2) == ["127.0.0.1"] * 2


def test_who_comes_by_a_unix_socket_is_trusted_when_it_is_said(behind, tmp_path):
    service = behind("--trusted-proxies=unix", listen=f"unix:{tmp_path}/s")
    ask(service, header())
    assert Logged(service).clients(1) == ["192.0.2.7"]


@pytest.mark.parametrize("flags", [["--proxy-protocol"], ["--trusted-proxies=10.0.0.1/8"], ["--trusted-proxies=proxy.local"]])
def test_settings_that_make_no_sense_end_the_start(flags):
    result = subprocess.run([PROGRAM, "serve", "--listen=127.0.0.1:0", *flags], capture_output=True, text=True,
                            timeout=PATIENCE_S, env=environment())
    assert result.returncode == 2 and "trusted-proxies" in result.stderr and result.stdout == ""


# ---- headers of HTTP ----


@pytest.mark.parametrize("headers, client", [
    ({}, "127.0.0.1"),
    ({"X_Forwarded_For": "6.6.6.6, 192.0.2.1"}, "192.0.2.1"),
    ({"X_Forwarded_For": "192.0.2.1, 127.0.0.3"}, "192.0.2.1"),
    ({"X_Forwarded_For": "6.6.6.6, " * 500 + "192.0.2.1"}, "192.0.2.1"),
    ({"X_Forwarded_For": "6" * 5000}, "127.0.0.1"),
    ({"Forwarded": 'for="[2001:db8::1]:99";proto=https'}, "2001:db8::1"),
    ({"Forwarded": "for=unknown"}, "127.0.0.1"),
    ({"Forwarded": "for=6.6.6.6", "X_Forwarded_For": "192.0.2.1"}, "192.0.2.1"),
])
def test_a_trusted_proxy_is_believed_and_a_stranger_is_not(start, headers, client):
    trusting = start("--access-log", "--trusted-proxies=127.0.0.0/8")
    ask(trusting, b"", **headers)
    assert Logged(trusting).clients(1) == [client]
    strict = start("--access-log", "--trusted-proxies=192.0.2.0/24")
    ask(strict, b"", **headers)
    assert Logged(strict).clients(1) == ["127.0.0.1"]


def test_the_client_of_a_proxy_header_is_believed_if_it_is_a_proxy_itself(behind):
    service = behind("--trusted-proxies=127.0.0.1", "--trusted-proxies=10.0.0.0/8")
    ask(service, header("10.1.1.1"), X_Forwarded_For="192.0.2.1")
    ask(service, header("172.16.0.1"), X_Forwarded_For="192.0.2.1")
    assert set(Logged(service).clients(2)) == {"192.0.2.1", "172.16.0.1"}
