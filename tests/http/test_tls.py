# SPDX-License-Identifier: Apache-2.0
"""TLS: what is offered and refused, certificates of both sides, their reload, and HTTP over it."""
import json
import re
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import certificates
import pytest
from certificates import Pair
from harness import BIG, BIG_BYTES_MIN, PATIENCE_S, PROGRAM, SMALL, Service, environment, head, post, wait_until

SUITES_1_2 = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305",
              "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"}
SUITES_1_3 = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
GROUPS = {"X25519", "P-256", "P-384"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pairs")


@pytest.fixture(scope="module")
def authority(folder):
    return Pair(folder, "authority", is_ca=True)


@pytest.fixture(scope="module")
def own(folder, authority):
    return Pair(folder, "server", authority)


@pytest.fixture(scope="module")
def guest(folder, authority):
    return Pair(folder, "guest", authority, usage="clientAuth")


@pytest.fixture(scope="module")
def context(authority):
    return certificates.client(authority)


@pytest.fixture(scope="module")
def secure(own, context):
    shared = Service(*own.flags(), tls=context)
    yield shared
    try:
        shared.stop()
    finally:
        shared.kill()


def run(*arguments, env=()):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE_S,
                          env=environment(**dict(env)))


def s_client(service, *arguments, send=b""):
    """The output of openssl's client; it leaves when it has sent."""
    return subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{service.port}", *arguments], input=send,
                          capture_output=True, timeout=PATIENCE_S)


def accepted(service, *arguments):
    result = s_client(service, *arguments)
    return re.search(rb"^New, \S+, Cipher is (?!\(NONE\))(\S+)$", result.stdout, re.M) is not None


def failures(service):
    return service.metric("embedd_tls_handshake_failures_total")


def raw(service):
    return socket.create_connection((service.host, service.port), PATIENCE_S)


def read_all(connection):
    data = b""
    try:
        while more := connection.recv(1 << 16):
            data += more
    except (ConnectionResetError, ssl.SSLError):
        pass
    return data


# ---- HTTP over it ----


def test_replies_are_those_of_plain_http_byte_for_byte(service, secure):
    requests = [post(*SMALL, x_request_id="a"), head("GET", "/api/version", x_request_id="b"), post("/nowhere", b"{}"),
                post("/v1/embeddings", json.dumps({"input": [f"text {i}" for i in range(2048)]}).encode(), x_request_id="c")]
    for request in requests:
        replies = []
        for one in (service, secure):
            with one.connect() as client:
                client.send(request)
                reply = client.read_reply()
                replies.append((reply.status, reply.body))
        assert replies[0] == replies[1]


def test_a_connection_is_kept_and_takes_requests_in_a_row(secure):
    with secure.connect() as client:
        for _ in range(3):
            assert client.post(*SMALL).status == 200
        client.send(b"".join(head("GET", "/live", x_request_id=f"n{i}") for i in range(10)))
        for i in range(10):
            assert client.read_reply().headers["x-request-id"] == f"n{i}"


def test_replies_of_megabytes_come_whole_to_slow_readers(service, secure):
    expected = service.post(*BIG).body
    assert len(expected) > BIG_BYTES_MIN
    with secure.connect(receive_buffer=4096) as client:
        client.send(post(*BIG))
        status, headers = client.read_head()
        assert status == 200 and client.read_body(headers) == expected


def test_bodies_of_megabytes_arrive(secure):
    body = json.dumps({"input": ["word " * 100] * 2000}).encode() + b" " * (6 << 20)
    assert len(secure.post("/v1/embeddings", body).json()["data"]) == 2000


def test_a_body_over_the_limit_is_told_so_while_it_is_sent(start, own, context):
    service = start(*own.flags(), "--max-body-bytes=1000", tls=context)
    with service.connect() as client:
        client.send_as_taken(post("/v1/embeddings", b"x" * (4 << 20)))
        assert client.read_reply().status == 413
        assert client.read_to_end() == b""


def test_a_request_in_single_bytes_and_records(secure):
    with secure.connect() as client:
        for byte in post(*SMALL):
            client.send(bytes([byte]))
        assert client.read_reply().status == 200


def test_who_ends_by_the_books_gets_the_reply_and_the_last_word(secure):
    with secure.connect() as client:
        client.send(head("GET", "/live", Connection="close"))
        assert client.read_reply().status == 200
        assert client.socket.recv(1) == b""  # an end without close_notify would be an error


def test_a_body_that_was_cut_short_is_no_request(secure):
    with secure.connect() as client:
        client.send(post(*SMALL)[:-1])
        client.socket.unwrap().close()
    with secure.connect() as client:
        client.send(post(*SMALL)[:-1])
        socket.socket(fileno=client.socket.detach()).close()  # without a word
    assert secure.get("/live").status == 200


# ---- versions, suites, protocols ----


def test_versions(secure, start, own, context):
    assert not accepted(secure, "-tls1", "-cipher", "ALL:@SECLEVEL=0")
    assert not accepted(secure, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert accepted(secure, "-tls1_2") and accepted(secure, "-tls1_3")
    newest = start(*own.flags(), "--tls-min=1.3", tls=context)
    assert not accepted(newest, "-tls1_2") and accepted(newest, "-tls1_3")


@pytest.mark.slow_under_tsan
@pytest.mark.parametrize("kind", ["ec", "rsa", "ed25519", "p384"])
def test_suites_are_those_that_keep_old_talks_secret_and_authenticate(start, folder, authority, context, kind):
    pair = Pair(folder, f"server-{kind}", authority, kind=kind)
    service = start(*pair.flags(), "--log-level=warn", tls=context)
    names = certificates.openssl("ciphers", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0").stdout.decode().strip().split(":")
    names = [name for name in names if not name.startswith("TLS_")]
    assert SUITES_1_2 < set(names) and len(names) > 50
    took = {name for name in names if accepted(service, "-tls1_2", "-cipher", name + ":@SECLEVEL=0")}
    assert took == {name for name in SUITES_1_2 if ("-RSA-" in name) == (kind == "rsa")}
    took = {name for name in [*SUITES_1_3, "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"]
            if accepted(service, "-tls1_3", "-ciphersuites", name)}
    assert took == SUITES_1_3
    assert service.get("/live").status == 200


def test_groups(secure):
    took = {group for group in [*GROUPS, "P-521", "X448", "ffdhe2048"] if accepted(secure, "-tls1_3", "-groups", group)}
    assert took == GROUPS


def test_signatures_by_sha_1_are_not_made(secure):
    assert not accepted(secure, "-tls1_2", "-sigalgs", "ECDSA+SHA1", "-cipher", "ALL:@SECLEVEL=0")


def test_the_server_chooses(secure):
    for suites in ("TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"):
        assert b"Cipher is TLS_AES_128_GCM_SHA256" in s_client(secure, "-tls1_3", "-ciphersuites", suites).stdout


def test_who_speaks_other_protocols_alone_is_told_so(secure):
    assert b"ALPN protocol: http/1.1" in s_client(secure, "-alpn", "h2,http/1.1").stdout
    assert b"No ALPN negotiated" in s_client(secure).stdout
    result = s_client(secure, "-alpn", "h2")
    assert b"no application protocol" in result.stderr and b"Cipher is (NONE)" in result.stdout


def test_no_ticket_is_given_and_nobody_resumes(secure):
    for version in ("-tls1_2", "-tls1_3"):
        result = s_client(secure, version, "-reconnect", send=b"")
        assert b"Reused" not in result.stdout and b"TLS session ticket:" not in result.stdout


def test_renegotiation_ends_the_connection(secure):
    result = s_client(secure, "-tls1_2", send=b"R\n")
    assert b"RENEGOTIATING" in result.stderr
    assert re.search(rb"no renegotiation|unexpected|alert|error", result.stderr)
    assert secure.get("/live").status == 200


def test_keys_of_a_connection_may_be_renewed(secure):
    """openssl does so where a line it is to send is K (and asks for ours by k)."""
    with subprocess.Popen(["openssl", "s_client", "-tls1_3", "-connect", f"127.0.0.1:{secure.port}"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        for command in (b"K\n", b"k\n", b"K\n"):
            client.stdin.write(head("GET", "/live"))
            client.stdin.flush()
            while b'{"status":"ok"}' not in client.stdout.read1():
                pass
            client.stdin.write(command)
            client.stdin.flush()
            while b"KEYUPDATE" not in client.stdout.read1():
                pass
        client.kill()


# ---- who speaks something else ----


@pytest.mark.parametrize("request_", [head("GET", "/health"), post(*SMALL), post("/v1/embeddings", b"x" * 300000)])
def test_plain_http_is_told_what_to_do(secure, request_):
    with raw(secure) as plain:
        plain.sendall(request_)
        reply = read_all(plain)
    assert reply.startswith(b"HTTP/1.1 400 Bad Request\r\n") and b"https://" in reply
    headers, _, body = reply.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in headers


@pytest.mark.parametrize("garbage", [b"\0" * 1000, b"\x16\x03\x01\xff\xff" + b"x" * 70000, b"\x80\x2e\x01\x00\x02",
                                     b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b"\x15\x03\x03\x00\x02\x02\x28",
                                     b"\x17\x03\x03\x00\x10" + b"y" * 16, bytes(range(256)) * 100, b"\x16", b"",
                                     b"get / http/1.1\r\n\r\n"])
def test_garbage_ends_the_connection_and_nothing_else(secure, garbage):
    before = failures(secure)
    with raw(secure) as client:
        try:
            client.sendall(garbage)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        assert b"HTTP" not in read_all(client)
    wait_until(lambda: failures(secure) == before + bool(garbage), "it is counted")
    assert secure.get("/live").status == 200


def hello(context):
    """The first flight of a client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def test_a_hello_cut_or_changed_anywhere_does_no_harm(secure, context):
    whole = hello(context)
    for at in range(0, len(whole), 7):
        for sent in (whole[:at], whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1:]):
            with raw(secure) as client:
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
                assert b"HTTP" not in read_all(client)
    assert secure.get("/live").status == 200


@pytest.mark.parametrize("start_", ["nothing", "a byte", "half a hello", "a hello", "a hello in bytes"])
def test_a_handshake_that_does_not_end_has_the_time_of_a_request(start, own, context, start_):
    service = start(*own.flags(), "--request-timeout=300ms", "--idle-timeout=1h", tls=context)
    first = hello(context)
    with raw(service) as client:
        if start_ == "a hello in bytes":
            try:
                for byte in first * 20:
                    client.send(bytes([byte]))
                    time.sleep(0.01)
            except OSError:
                pass
        else:
            client.sendall({"nothing": b"", "a byte": first[:1], "half a hello": first[:99], "a hello": first}[start_])
        read_all(client)  # it ends
    assert service.get("/live").status == 200


def test_an_open_connection_may_be_idle_for_longer(start, own, context):
    service = start(*own.flags(), "--request-timeout=300ms", "--idle-timeout=1h", tls=context)
    with service.connect() as client:
        time.sleep(1)
        assert client.get("/live").status == 200
        client.send(b"GET /li")
        assert client.read_reply().status == 408


def test_many_handshakes_that_stop_hold_nobody_up(secure, context):
    first = hello(context)
    held = [raw(secure) for _ in range(200)]
    for i, one in enumerate(held):
        one.sendall(first[:len(first) * (i % 3) // 2])
    assert secure.post(*SMALL).status == 200
    for one in held:
        one.close()


def test_tls_spoken_to_a_plain_port_is_no_request(service, context):
    with raw(service) as client:
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            context.wrap_socket(client, server_hostname="localhost")
    assert service.get("/live").status == 200


# ---- clients' certificates ----


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_only_clients_with_a_certificate_are_served(start, folder, authority, own, guest, version):
    stranger_authority = Pair(folder, f"stranger-authority-{version}", is_ca=True)
    strangers = {
        "another authority's": (Pair(folder, f"stranger-{version}", stranger_authority, usage="clientAuth"), "issuer is unknown"),
        "its own": (Pair(folder, f"self-{version}"), "issuer is unknown"),
        "over": (Pair(folder, f"over-{version}", authority, days=(-9, -2)), "expired"),
        "to come": (Pair(folder, f"to-come-{version}", authority, days=(2, 9)), "not yet valid"),
        "a server's": (Pair(folder, f"other-{version}", authority, usage="serverAuth"), "purpose"),
        "weak": (Pair(folder, f"weak-{version}", authority, kind="rsa1024"), ""),
        "none": (None, ""),
    }
    known = certificates.client(authority, guest)
    service = start(*own.flags(), f"--tls-client-ca={authority.cert}", "--log-level=debug", tls=known)
    assert service.post(*SMALL).status == 200
    for who, (pair, why) in strangers.items():
        before = failures(service)
        asked = ssl.create_default_context(cafile=authority.cert)
        asked.minimum_version = asked.maximum_version = version
        if who == "weak":
            asked.set_ciphers("DEFAULT:@SECLEVEL=0")
        if pair:
            asked.load_cert_chain(pair.cert, pair.key)
        with raw(service) as client, pytest.raises(ssl.SSLError, match="(?i)alert"):
            with asked.wrap_socket(client, server_hostname="localhost") as tls:
                tls.sendall(head("GET", "/live"))
                assert tls.recv(1) == b"", who
                raise AssertionError(who)
        wait_until(lambda: failures(service) == before + 1, f"{who} is counted")
        assert why in service.stderr().splitlines()[-2] + service.stderr(), who
    assert service.get("/live").status == 200


def test_lines_about_failed_handshakes_are_few(start, own, context):
    service = start(*own.flags(), tls=context)
    for _ in range(50):
        with raw(service) as client:
            client.sendall(b"\0" * 100)
            read_all(client)
    assert failures(service) == 50
    assert 1 <= service.stderr().count("handshake failed") <= 5


# ---- files ----


def refused(*flags, code=1):
    result = run("serve", "--listen=127.0.0.1:0", *flags)
    assert result.returncode == code, result.stderr
    assert result.stdout == "" and "tls-" in result.stderr
    return result.stderr


def test_certificate_and_key_go_together(own, authority):
    for flags in ([f"--tls-cert={own.cert}"], [f"--tls-key={own.key}"], [f"--tls-client-ca={authority.cert}"]):
        said = refused(*flags, code=2)
        assert "tls-cert" in said and "tls-key" in said


def test_what_is_no_certificate_or_key_is_named(tmp_path, folder, own, authority):
    garbage, empty, binary = tmp_path / "garbage", tmp_path / "empty", tmp_path / "binary"
    garbage.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    empty.write_text("")
    binary.write_bytes(bytes(range(256)) * 10)
    locked = tmp_path / "locked"
    certificates.openssl("pkey", "-in", own.key, "-aes256", "-passout", "pass:x", "-out", locked)
    many = tmp_path / "many"
    chain = own.cert.read_text() + authority.cert.read_text()
    many.write_text(chain + "".join(authority.cert.read_text() for _ in range(100)))
    for path in (garbage, empty, binary, own.key, tmp_path, tmp_path / "nowhere"):
        assert str(path) in refused(f"--tls-cert={path}", f"--tls-key={own.key}")
        assert str(path) in refused(*own.flags(), f"--tls-client-ca={path}")
    for path in (garbage, empty, binary, own.cert, tmp_path, tmp_path / "nowhere"):
        assert str(path) in refused(f"--tls-cert={own.cert}", f"--tls-key={path}")
    assert "password" in refused(f"--tls-cert={own.cert}", f"--tls-key={locked}")
    assert "PEM" in refused(f"--tls-cert={empty}", f"--tls-key={own.key}")
    assert str(many) in refused(f"--tls-cert={many}", f"--tls-key={own.key}")


def test_a_key_of_another_certificate(folder, own):
    other = Pair(folder, "other")
    said = refused(f"--tls-cert={own.cert}", f"--tls-key={other.key}")
    assert str(own.cert) in said and str(other.key) in said


@pytest.mark.parametrize("kind, why", [("rsa1024", "1024 bits"), ("p521", "P-256")])
def test_keys_that_clients_should_not_trust(folder, kind, why):
    assert why in refused(*Pair(folder, f"own-{kind}", kind=kind).flags())


@pytest.mark.parametrize("days, why", [((-9, -2), "has expired"), ((2, 9), "is not valid before")])
def test_a_certificate_out_of_its_time_is_served_with_a_warning(start, folder, authority, days, why):
    pair = Pair(folder, f"time{days[0]}", authority, days=days)
    unchecked = ssl.create_default_context(cafile=authority.cert)
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    service = start(*pair.flags(), tls=unchecked)
    assert why in service.stderr() and '"warn"' in service.stderr()
    assert service.get("/live").status == 200
    assert abs(service.metric("embedd_tls_certificate_expiry_timestamp_seconds") - time.time() - days[1] * 86400) < 7200


def test_a_key_that_everyone_may_read_is_warned_of(start, folder, authority, context):
    pair = Pair(folder, "open", authority)
    pair.key.chmod(0o644)
    assert "chmod" in start(*pair.flags(), tls=context).stderr()


def test_a_chain_in_any_order_and_one_file_for_both(start, tmp_path, folder, authority):
    middle = Pair(folder, "middle", authority, is_ca=True)
    pair = Pair(folder, "chained", middle)
    both = tmp_path / "both.pem"
    both.write_text(pair.cert.read_text() + authority.cert.read_text() + middle.cert.read_text() + pair.key.read_text())
    both.chmod(0o600)
    service = start(f"--tls-cert={both}", f"--tls-key={both}", tls=certificates.client(authority))
    assert service.get("/live").status == 200


# ---- reload ----


def shown(service, context):
    with raw(service) as client, context.wrap_socket(client, server_hostname="localhost") as tls:
        return dict(x[0] for x in tls.getpeercert()["subject"])["commonName"]


def put(pair, cert, key):
    cert.write_bytes(pair.cert.read_bytes())
    key.write_bytes(pair.key.read_bytes())
    key.chmod(0o600)


def reload(service, line):
    before = service.stderr().count(line)
    service.signal(signal.SIGHUP)
    wait_until(lambda: service.stderr().count(line) > before, line)


def test_sighup_swaps_the_certificate_under_running_requests(start, tmp_path, folder, authority, own, context):
    other = Pair(folder, "renewed", authority)
    cert, key = tmp_path / "cert", tmp_path / "key"
    put(own, cert, key)
    service = start(f"--tls-cert={cert}", f"--tls-key={key}", tls=context)
    assert shown(service, context) == "server"
    with service.connect() as kept, service.connect(receive_buffer=4096) as slow:
        request = post(*SMALL)
        kept.send(request[:-5])
        slow.send(post(*BIG))
        put(other, cert, key)
        reload(service, "reload: done")
        assert shown(service, context) == "renewed"
        kept.send(request[-5:])
        assert kept.read_reply().status == 200
        assert kept.get("/live").status == 200
        assert slow.read_reply().status == 200
    cert.write_text("garbage")
    reload(service, "something was refused and stays as it was")
    assert str(cert) in service.stderr()
    put(Pair(folder, "too-late", authority, days=(-9, -2)), cert, key)
    reload(service, "something was refused and stays as it was")
    assert "expired" in service.stderr()
    cert.write_bytes(own.cert.read_bytes())  # not of this key
    reload(service, "something was refused and stays as it was")
    assert shown(service, context) == "renewed"


@pytest.mark.slow_under_tsan
def test_no_connection_fails_while_certificates_are_swapped(start, tmp_path, folder, authority, own, context):
    pairs = [own, Pair(folder, "second", authority)]
    cert, key = tmp_path / "cert", tmp_path / "key"
    put(own, cert, key)
    service = start(f"--tls-cert={cert}", f"--tls-key={key}", tls=context)
    wrong, over = [], threading.Event()

    def ask():
        while not over.is_set():
            try:
                assert service.post(*SMALL).status == 200
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i in range(10):
        put(pairs[(i + 1) % 2], cert, key)
        reload(service, "reload: done")
    over.set()
    for thread in threads:
        thread.join()
    assert not wrong


# ---- the end ----


def test_a_drain_finishes_what_is_under_way_and_says_the_last_word(start, own, context):
    service = start(*own.flags(), tls=context)
    with service.connect() as idle, service.connect() as busy, raw(service) as shaking:
        shaking.sendall(hello(context)[:50])
        idle.get("/live")
        request = post(*SMALL)
        busy.send(request[:-5])
        wait_until(lambda: service.metric("embedd_requests_in_flight") >= 1, "it is under way")
        service.signal(signal.SIGTERM)
        assert idle.socket.recv(1) == b""  # with close_notify
        read_all(shaking)
        busy.send(request[-5:])
        reply = busy.read_reply()
        assert reply.status == 200 and reply.headers["connection"].lower() == "close"
        assert busy.socket.recv(1) == b""
    assert service.wait() == 0


def test_a_reply_that_is_cut_off_does_not_end_well(start, own, context):
    service = start(*own.flags(), "--drain-timeout=200ms", tls=context)
    with service.connect(receive_buffer=4096) as client:
        client.send(post(*BIG))
        client.read_head()
        service.signal(signal.SIGTERM)
        assert service.wait() == 0
        with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
            while client.socket.recv(1 << 16):
                pass


def ask_beyond(service, request):
    """b"" on a machine that is too slow to agree within a second."""
    try:
        with service.connect() as client:
            client.send(request)
            return client.read_to_end()
    except (ssl.SSLError, ConnectionError):
        return b""


def test_one_connection_too_many_is_closed(start, own, context):
    service = start(*own.flags(), "--max-connections=1", tls=context)
    with service.connect() as first:
        assert first.get("/live").status == 200
        with raw(service) as second:
            assert read_all(second) == b""
        wait_until(lambda: b"HTTP/1.1 200 " in ask_beyond(service, head("GET", "/live")), "a probe is answered")
        wait_until(lambda: b"HTTP/1.1 503 " in ask_beyond(service, post(*SMALL)), "nothing else is")
        assert first.get("/live").status == 200


def test_a_client_that_resets_leaves_nothing_behind(start, own, context):
    service = start(*own.flags(), tls=context)
    for what in (b"", post(*SMALL)[:-5], post(*BIG)):
        with service.connect() as client:
            client.send(what)
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.socket(fileno=client.socket.detach()).close()
    assert service.get("/live").status == 200


# ---- embedd health ----


def test_health_asks_by_tls(start, folder, authority, own, guest, secure):
    assert run("health", secure.url).returncode == 0
    assert run("health", f"{secure.url}/ready").returncode == 0
    variables = {"EMBEDD_LISTEN": f"0.0.0.0:{secure.port}", "EMBEDD_TLS_CERT": str(own.cert), "EMBEDD_TLS_KEY": str(own.key)}
    assert run("health", env=variables).returncode == 0
    plain = run("health", f"http://127.0.0.1:{secure.port}", env=variables)
    assert plain.returncode == 1 and "400" in plain.stderr
    asking = start(*own.flags(), f"--tls-client-ca={authority.cert}", tls=certificates.client(authority, guest))
    bare = run("health", asking.url)
    assert bare.returncode == 1 and "ertificate" in bare.stderr
    variables |= {"EMBEDD_LISTEN": f"127.0.0.1:{asking.port}", "EMBEDD_TLS_CLIENT_CA": str(authority.cert)}
    assert run("health", env=variables).returncode == 0


def test_health_says_what_is_wrong_with_tls(service):
    result = run("health", service.url.replace("http", "https"))
    assert result.returncode == 1 and "no TLS" in result.stderr
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = run("health", f"https://127.0.0.1:{silent.getsockname()[1]}")
    assert result.returncode == 1 and "no TLS" in result.stderr
