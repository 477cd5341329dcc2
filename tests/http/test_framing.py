# SPDX-License-Identifier: Apache-2.0
"""What is a request and what is none, to the byte: heads near every limit, lines that others read
differently, chunks, and what stands behind each of them on the same connection."""

import json
import time

import pytest
from harness import BIG, BIG_BYTES_MIN, SMALL, chunked, head, post, wait_until

PATH, BODY = SMALL
HOST = b"Host: test\r\n"
HIDDEN = head("GET", "/v1/models")


def assert_alive(service):
    assert service.get("/health").status == 200


def refusal(service, data):
    """The one reply to `data`, which ends the connection; a request behind it is not answered."""
    with service.connect() as client:
        client.send_as_taken(data + HIDDEN)
        reply = client.read_reply()
        assert client.read_to_end() == b"", "a second reply"
        assert reply.headers["connection"] == "close"
        error = reply.json()["error"]
        assert set(error) == {"message", "type", "param", "code"} and error["message"]
    assert_alive(service)
    return reply.status


@pytest.mark.parametrize("target", [
    "/health?" + "&" * 140, "/health?" + "a=b&" * 140, "/health?a=" + "x" * 8000,
    "/health\0?" + "&" * 140, "/nowhere?" + "&" * 8000, "/health?" + "&" * 6000])
@pytest.mark.parametrize("limit", ["4K", "64K"])
@pytest.mark.parametrize("method", ["GET", "POST", "BREW"])
def test_arguments_without_end_do_not_end_the_process(start, target, limit, method):
    service = start(f"--max-header-bytes={limit}", "--threads=1")
    with service.connect() as client:
        client.send_as_taken(head(method, target))
        assert client.read_reply().status in (200, 400, 404, 405, 414, 431)
    assert_alive(service)


SHAPES = {
    "query of ands": (b"GET /health?", b"&", b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "query of pairs": (b"GET /health?", b"a=b&", b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "one argument": (b"GET /health?a=", b"x", b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "path": (b"GET /health", b"x", b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "escaped path": (b"GET /v1/models/", b"%41", b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "header": (b"GET /health HTTP/1.1\r\n" + HOST + b"X-A: ", b"x", b"\r\n\r\n"),
    "tiny headers": (b"GET /health HTTP/1.1\r\n" + HOST, b"a:\r\n", b"\r\n"),
    "cookies": (b"GET /health HTTP/1.1\r\n" + HOST + b"Cookie: a=b", b";c=d", b"\r\n\r\n"),
    "blanks": (b"GET /health HTTP/1.1\r\n" + HOST + b"Accept:", b" ", b"x\r\n\r\n"),
    "blanks before a body": (b"POST /embed HTTP/1.1\r\nContent-Length: 14\r\n" + HOST + b"Accept:",
                             b" ", b'x\r\n\r\n{"inputs":"a"}'),
    "read header": (b"GET /health HTTP/1.1\r\n" + HOST + b"Accept: ", b"x", b"\r\n\r\n"),
    "long read headers": (b"POST /v1/models/" + b"x" * 1000 + b" HTTP/1.1\r\n" + HOST,
                          b"Connection: " + b"x" * 256 + b"\r\n", b"\r\n"),
    "long codings": (b"POST /v1/models/" + b"x" * 1000 + b" HTTP/1.1\r\n" + HOST,
                     b"Accept-Encoding: " + b"x" * 256 + b"\r\n", b"\r\n"),
    "read headers": (b"GET /health HTTP/1.1\r\n" + HOST, b"Accept: xx\r\n", b"\r\n"),
    "post": (b"POST /embed HTTP/1.1\r\nContent-Length: 14\r\n" + HOST + b"X: ", b"x",
             b'\r\n\r\n{"inputs":"a"}'),
    "first line alone": (b"GET /health?", b"x", b""),
}


@pytest.mark.parametrize("limit", [4096, 8192])
@pytest.mark.parametrize("shape", SHAPES)
def test_heads_of_every_length_around_a_limit_are_answered(start, shape, limit):
    service = start(f"--max-header-bytes={limit}", "--threads=1", "--request-timeout=1")
    before, unit, after = SHAPES[shape]
    least = before + after
    least = least.index(b"\r\n\r\n") + 4 if after else len(before)
    lengths = [*range(limit - 292, limit + 208), *range(5000, 7000, 9), *range(900, 1200, 7), *range(220, 320, 3)]
    for length in lengths if after else lengths[::120]:
        filled = unit * ((length - least) // len(unit))
        request = before + filled + after
        with service.connect() as client:
            client.send_as_taken(request)
            reply = client.read_reply()
            assert reply.status in (200, 404, 405, 408, 414, 431), length
            if least + len(filled) > limit:
                assert reply.status in (414, 431), length
            if reply.status in (200, 404, 405):
                assert client.get("/health").status == 200, length
            else:
                assert client.read_to_end() == b"", length
    assert_alive(service)


def test_as_many_headers_and_cookies_as_fit_are_no_fault(service):
    with service.connect() as client:
        for line in (b"a:\r\n" * 1900, b"Cookie: a=b\r\n" * 500, b"Cookie: " + b"a=b;" * 1900 + b"\r\n"):
            client.send(b"GET /health HTTP/1.1\r\n" + HOST + line + b"\r\n")
            assert client.read_reply().status == 200


# What the lines that pass may take of libmicrohttpd's memory, and what each takes beside its bytes.
KEPT_MAX, RECORD = 4096, 64


def fullest(request, name, length):
    """`request` with as many more lines `name`, of so many bytes, as pass; and whether one more does."""
    taken = sum(len(line.replace(b": ", b":")) + 2 + RECORD
                for line in request.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
                if not line.startswith((b"Host", b"Connection")))
    line = name + b":" + b"x" * (length - len(name) - 3) + b"\r\n"
    n = (KEPT_MAX - taken) // (length + RECORD)
    head_, _, body = request.partition(b"\r\n\r\n")
    return [head_ + b"\r\n" + line * (n + more) + b"\r\n" + body for more in (0, 1)]


@pytest.mark.parametrize("name", [b"accept", b"Accept-Encoding", b"x-request-id", b"X-Embedd-Timing"])
def test_the_fullest_heads_that_pass_are_answered_whole(start, name):
    service = start("--threads=1", "--server-timing", "--compress=all", "--max-header-bytes=16K",
                    "--model=" + "m" * 200 + "=builtin")
    requests = [(post(*SMALL, X_Request_Id="i" * 128), 200), (post(*SMALL, X_Request_Id="i" * 128, Connection="close"), 200),
                (head("GET", "/v1/models/" + "x" * 1013, X_Request_Id="i" * 128), 404),
                (head("POST", "/v1/models/" + "x" * 1013, Content_Length=0, X_Request_Id="i" * 128), 405)]
    for request, status in requests:
        for length in (len(name) + 3, 20, 40, 80, 123, 200, 250, 258):
            passes, is_too_much = fullest(request, name, max(length, len(name) + 3))
            with service.connect() as client:
                client.send(passes)
                reply = client.read_reply()
                assert reply.status == status and len(reply.headers["x-request-id"]) >= 4, length
                if b"Connection" not in request:
                    assert client.get("/health").status == 200
            assert refusal(service, is_too_much) == 431


@pytest.mark.parametrize("flags", [(), ("--tei-telemetry",)])
def test_the_fullest_heads_get_the_longest_description(start, flags):
    service = start("--threads=1", "--server-timing", "--compress=all", "--max-header-bytes=16K",
                    "--model=" + "m" * 200 + "=builtin", *flags)
    named = "x" * (1024 - len("/openai/deployments//embeddings"))
    for path, model in ((f"/openai/deployments/{named}/embeddings", None), ("/v1/embeddings", "m" * 1700)):
        asked = None
        for n in range(1, 30):
            body = json.dumps({"input": ["a"] * n, "encoding_format": "bytes", "model": model}).encode()
            if service.post(path, body).status == 400:
                break
            asked = post(path, body, X_Request_Id="i" * 128)
        for length in (20, 123, 258):
            with service.connect() as client:
                client.send(fullest(asked, b"accept", length)[0])
                reply = client.read_reply()
                assert reply.status == 200 and len(reply.headers["metadata"]) > 1800


@pytest.mark.parametrize("name", [b"accept", b"X-Embedd-Timing"])
def test_the_fullest_heads_of_pages_get_their_long_replies(start, name):
    origin, model = "https://" + "o" * 248, "m" * 200
    service = start("--threads=1", "--server-timing", "--compress=all", "--max-header-bytes=16K",
                    f"--cors-origins={origin}", f"--model={model}=builtin")
    page = {"Origin": origin, "X_Request_Id": "i" * 128, "Accept_Encoding": "gzip, identity;q=0"}
    asks = {**page, "Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "a" * 256,
            "Access_Control_Request_Private_Network": "true"}
    long = "/v1/models/" + "x" * 1013
    requests = [(head("OPTIONS", long, **asks), 204), (head("OPTIONS", long, **asks, Connection="close"), 204),
                (head("OPTIONS", long, **asks, Connection="keep-alive", version="1.0"), 204),
                (post(*SMALL, **page), 200), (head("GET", long, **page), 404),
                (head("POST", long, **page, Content_Length=0), 405)]
    for request, status in requests:
        for length in (len(name) + 3, 20, 40, 80, 123, 200, 250, 258):
            passes, is_too_much = fullest(request, name, max(length, len(name) + 3))
            with service.connect() as client:
                client.send(passes)
                reply = client.read_reply()
                assert reply.status == status and reply.headers["access-control-allow-origin"] == origin, length
                assert status == 404 or reply.headers["x-embedd-model"].startswith(model)
                if status == 204:
                    assert reply.headers["access-control-allow-headers"] == "a" * 256
                if b"close" not in request:
                    assert client.get("/health").status == 200
            assert refusal(service, is_too_much) == 431


def lines(*more, path=PATH, version="1.1"):
    return f"POST {path} HTTP/{version}\r\n".encode() + HOST + b"".join(
        line + b"\r\n" for line in more) + b"\r\n"


LENGTH = b"Content-Length: %d" % len(BODY)
AS_CHUNKS = b"Transfer-Encoding: chunked"
IN_CHUNKS = chunked(BODY, 10)

FAULTS = {
    "a space before the colon of the length": lines(b"Content-Length : %d" % len(BODY)) + BODY,
    "a tab before the colon of the length": lines(b"Content-Length\t: %d" % len(BODY)) + BODY,
    "a space before the colon of the coding": lines(b"Transfer-Encoding : chunked", LENGTH) + BODY,
    "a line without a name": lines(b": x", LENGTH) + BODY,
    "a line without a colon": lines(b"x", LENGTH) + BODY,
    "a folded length": lines(b"X: y", b" " + LENGTH) + BODY,
    "a folded name": lines(b"Transfer-", b" Encoding: chunked") + IN_CHUNKS,
    "a fold before the first line": lines(b" X: y", LENGTH) + BODY,
    "a NUL in the length": lines(LENGTH + b"\0abc") + BODY,
    "a NUL in the coding": lines(b"Transfer-Encoding: chunked\0x") + IN_CHUNKS,
    "a NUL in a name": lines(b"X\0: y", LENGTH) + BODY,
    "a bare CR in a value": lines(b"X: a\rb", LENGTH) + BODY,
    "a bare CR before the length": lines(b"X: a\r" + LENGTH) + BODY,
    "a bare LF in the head": lines(b"X: a\n" + LENGTH) + BODY,
    "a bare LF behind the first line": b"POST " + PATH.encode() + b" HTTP/1.1\n" + HOST + b"\r\n",
    "a bare LF behind a chunk's size": lines(AS_CHUNKS) + b"3\nabc\r\n0\r\n\r\n",
    "a bare LF behind a chunk": lines(AS_CHUNKS) + b"3\r\nabc\n0\r\n\r\n",
    "a bare LF behind the last chunk": lines(AS_CHUNKS) + b"0\r\n\n",
    "a bare LF in a chunk's extension": lines(AS_CHUNKS) + b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    "a chunk longer than it says": lines(AS_CHUNKS) + b"2\r\nabc\r\n0\r\n\r\n",
    "a chunk's size of none": lines(AS_CHUNKS) + b"\r\nabc\r\n0\r\n\r\n",
    "a chunk's size with a sign": lines(AS_CHUNKS) + b"+3\r\nabc\r\n0\r\n\r\n",
    "a chunk's size with a prefix": lines(AS_CHUNKS) + b"0x3\r\nabc\r\n0\r\n\r\n",
    "a space behind a chunk's size": lines(AS_CHUNKS) + b"3 \r\nabc\r\n0\r\n\r\n",
    "a trailer that is no header": lines(AS_CHUNKS) + b"0\r\nX y\r\n\r\n",
    "a length with a sign": lines(b"Content-Length: +5") + b"hello",
    "a length that is no number": lines(b"Content-Length: abc"),
    "an empty length": lines(b"Content-Length:"),
    "a list of lengths": lines(b"Content-Length: 5, 5") + b"hello",
    "chunks in HTTP/1.0": lines(AS_CHUNKS, version="1.0") + IN_CHUNKS,
    "no host": head("GET", "/health").replace(HOST, b""),
    "two hosts": head("GET", "/health").replace(HOST, HOST + HOST),
    "a host with a space": head("GET", "/health").replace(b": test", b": te st"),
    "a NUL in the path": head("GET", "/health%00x"),
    "a NUL in the path of a route": lines(LENGTH, path="/v1/embeddings%00x") + BODY,
    "two spaces in the first line": b"GET  /health HTTP/1.1\r\n" + HOST + b"\r\n",
    "a space in the path": b"GET /he alth HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tab in the first line": b"GET\t/health HTTP/1.1\r\n" + HOST + b"\r\n",
    "a first line without a version": b"GET /health\r\n" + HOST + b"\r\n",
    "a path without a slash": b"GET health HTTP/1.1\r\n" + HOST + b"\r\n",
    "an asterisk for GET": b"GET * HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tunnel": b"CONNECT test:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_request_is_a_400_and_the_end(service, fault):
    assert refusal(service, FAULTS[fault]) == 400
    wait_until(lambda: service.metric("embedd_requests_in_flight") == 1, "all are settled")


@pytest.mark.parametrize("fault", FAULTS)
def test_the_same_in_single_bytes(service, fault):
    with service.connect() as client:
        for byte in FAULTS[fault]:
            if client.send_as_taken(bytes([byte])) == 0:
                break
        assert client.read_reply().status == 400
        assert client.read_to_end() == b""


def test_other_statuses_are_told_apart(service):
    assert refusal(service, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 505
    assert refusal(service, lines(b"Content-Length: 99999999999999999999")) == 413
    assert refusal(service, lines(AS_CHUNKS) + b"fffffffffffffffff\r\n") == 413
    assert refusal(service, head("GET", "/" + "x" * 1100)) == 414
    assert refusal(service, lines(AS_CHUNKS) + b"0\r\n" + b"X: y\r\n" * 2000 + b"\r\n") == 431


@pytest.mark.parametrize("request_bytes, why", [
    (head("GET", "/health", Cookie="x" * 9000), "longer than max-header-bytes"),
    (head("GET", "/health", Content_Type="x" * 300), "content-type, content-encoding or"),
    (head("GET", "/health")[:-2] + b"Accept: x\r\n" * 99 + b"\r\n", "more than 4096 bytes together"),
    (lines(b"Content-Length: 99999999999999999999"), "Content-Length has more than 18 digits"),
    (lines(AS_CHUNKS) + b"fffffffffffffffff\r\n", "more than 16 hexadecimal digits")])
def test_what_is_too_long_is_named(service, request_bytes, why):
    with service.connect() as client:
        client.send(request_bytes)
        assert why in client.read_reply().json()["error"]["message"]


def test_what_is_no_request_waits_for_the_answers_before_it(service):
    for first, least in ((post(*SMALL), 100), (post(*BIG), BIG_BYTES_MIN)):
        for fault in ("a NUL in the length", "a bare LF behind a chunk"):
            with service.connect() as client:
                client.send(first * 2 + FAULTS[fault] + HIDDEN)
                for _ in range(2):
                    reply = client.read_reply()
                    assert reply.status == 200 and len(reply.body) > least
                assert client.read_reply().status == 400
                assert client.read_to_end() == b""
    assert_alive(service)


@pytest.mark.parametrize("first", [head("GET", "/health", Connection="close"),
                                   head("GET", "/health", version="1.0"),
                                   head("GET", "/health", Connection="x, Close, " + "y" * 300)])
def test_nothing_follows_a_request_that_closes(service, first):
    for behind in (FAULTS["two spaces in the first line"], HIDDEN, FAULTS["another protocol"]):
        with service.connect() as client:
            client.send(first + behind)
            assert client.read_reply().status == 200
            assert client.read_to_end() == b""


def test_a_client_in_the_middle_of_its_upload_reads_why(service):
    with service.connect() as client:
        client.send(lines(LENGTH, b"X : y"))
        time.sleep(0.2)
        for _ in range(10):
            client.send_as_taken(b"x" * 100000)
            time.sleep(0.01)
        assert client.read_reply().status == 400


def test_refused_requests_are_counted(start):
    service = start("--access-log")
    refusal(service, FAULTS["no host"])
    with service.connect() as client:
        client.send(lines(AS_CHUNKS) + b"3\r\nab")
        wait_until(lambda: service.metric("embedd_requests_in_flight") == 2, "its head has come")
        client.send(b"c\n")
        assert client.read_reply().status == 400
        assert client.read_to_end() == b""
    for line, count in (('embedd_requests_total{route="other",code="400"}', 1),
                        ('embedd_requests_total{route="/v1/embeddings",code="400"}', 1),
                        ('embedd_rejected_total{reason="malformed"}', 2)):
        wait_until(lambda line=line, count=count: service.metric(line) == count, line)
    logged = [json.loads(line) for line in service.stderr().splitlines() if '"status":400' in line]
    assert [line["route"] for line in logged] == ["other", "/v1/embeddings"]


def test_what_is_legal_and_rare_is_answered(service):
    with service.connect() as client:
        client.send(b"\r\n\r\n" + head("GET", "/health") + b"\r\n")
        assert client.read_reply().status == 200
        client.send(head("GET", "http://test:80/ready?a=b"))
        assert client.read_reply().json() == {"status": "ok"}
        client.send(head("OPTIONS", "*"))
        reply = client.read_reply()
        assert reply.status == 204 and reply.headers["allow"] == "GET, HEAD, POST, OPTIONS"
        client.send(lines(AS_CHUNKS) + b"".join(
            b"%04x;%s\r\n%s\r\n" % (len(part), b"e" * 999, part)
            for part in (BODY[:9], BODY[9:])) + b"0\r\nX-Checksum: 1\r\n\r\n")
        assert client.read_reply().status == 200
        client.send(head("GET", "/v1/models/embedd%2Dbase%2D2"))
        assert client.read_reply().status == 200


def test_expect_without_a_body_changes_nothing(service):
    with service.connect() as client:
        for request in (head("GET", "/health", Expect="100-continue"),
                        head("POST", PATH, Content_Length=0, Expect="100-continue"),
                        head("POST", PATH, Expect="100-continue")):
            client.send(request + post(*SMALL) + head("GET", "/ready"))
            assert client.read_reply().status == (200 if request[:3] == b"GET" else 400)
            assert client.read_reply().status == 200
            assert client.read_reply().json() == {"status": "ok"}


def test_expect_in_pieces_is_answered_with_100(service):
    request = head("POST", PATH, Expect="100-continue", Content_Length=len(BODY))
    with service.connect() as client:
        for byte in request:
            client.send(bytes([byte]))
        assert client.read_head() == (100, {})
        client.send(BODY)
        assert client.read_reply().status == 200


@pytest.mark.parametrize("line", [b"5;" + b"a" * 9000, b"0" * 9000, b"5" + b" " * 9000])
@pytest.mark.parametrize("path", [PATH, "/health", "/nowhere"])
def test_a_chunk_s_line_without_end_is_refused_and_costs_nothing(start, line, path):
    service = start("--request-timeout=1000", "--threads=1")
    with service.connect() as client:
        before = service.cpu_s()
        client.send(lines(AS_CHUNKS, path=path) + line)
        assert client.read_reply().status in (400, 413)
        time.sleep(1)
        assert service.cpu_s() - before < 0.2, "it spins"
    assert_alive(service)


def test_line_ends_alone_are_no_request(start):
    service = start("--request-timeout=500ms", "--idle-timeout=1000", "--drain-timeout=1000")
    clients = [service.connect() for _ in range(3)]
    for client, used in zip(clients, (False, True, True)):
        if used:
            assert client.get("/health").status == 200
        client.send(b"\r\n" * 5)
    time.sleep(1.5)
    for client in clients:
        assert not client.is_closed()
        assert client.get("/health").status == 200
        client.send(b"\r\n")
    service.process.terminate()
    for client in clients:
        assert client.read_to_end() == b""
        client.close()
    assert service.wait() == 0
