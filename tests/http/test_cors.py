# SPDX-License-Identifier: Apache-2.0
"""Pages of other origins: what a browser asks before and with a request, and what it is told."""

from subprocess import run

import pytest
from harness import PROGRAM, SMALL, Service, environment, head, post

pytestmark = pytest.mark.slow_under_tsan

PAGE = "https://app.example.org"
OTHER = "http://localhost:3000"
EVIL = "https://app.example.org.evil.example"
PATH, BODY = SMALL
ASKED = "authorization,content-type,x-stainless-os"


@pytest.fixture(scope="module")
def pages():
    shared = Service(f"--cors-origins={PAGE}", f"--cors-origins={OTHER}")
    yield shared
    try:
        shared.stop()
    finally:
        shared.kill()


def cors_of(reply):
    return {name for name in reply.headers if name.startswith("access-control-")} | (
        {"vary"} & set(reply.headers))


def preflight(client, path=PATH, origin=PAGE, method="POST", **more):
    client.send(head("OPTIONS", path, Origin=origin, Access_Control_Request_Method=method, **more))
    return client.read_reply()


def test_without_the_setting_nothing_is_said(service):
    with service.connect() as client:
        plain = client.post(*SMALL)
        reply = client.post(*SMALL, Origin=PAGE)
        assert set(plain.headers) == set(reply.headers) and not cors_of(reply)
        reply = preflight(client, Access_Control_Request_Headers=ASKED)
        assert reply.status == 204 and reply.headers["allow"] == "POST, OPTIONS" and not cors_of(reply)


@pytest.mark.parametrize("origin", [PAGE, OTHER])
def test_a_page_asks_first_and_then_with_its_key(pages, origin):
    with pages.connect() as client:
        reply = preflight(client, origin=origin, Access_Control_Request_Headers=ASKED)
        assert reply.status == 204 and reply.body == b""
        assert reply.headers["access-control-allow-origin"] == origin
        assert reply.headers["access-control-allow-methods"] == "POST, OPTIONS"
        assert reply.headers["access-control-allow-headers"] == ASKED
        assert int(reply.headers["access-control-max-age"]) > 0
        assert reply.headers["vary"] == "origin"
        assert "access-control-allow-private-network" not in reply.headers
        reply = client.post(*SMALL, Origin=origin, Authorization="Bearer key")
        assert reply.status == 200
        assert reply.headers["access-control-allow-origin"] == origin and reply.headers["vary"] == "origin"
        assert "access-control-allow-credentials" not in reply.headers


def test_errors_can_be_read_too(pages):
    with pages.connect() as client:
        for request, status in (
                (post(PATH, b"{", Origin=PAGE), 400), (head("GET", "/nowhere", Origin=PAGE), 404),
                (head("GET", PATH, Origin=PAGE), 405), (post(PATH, BODY, Origin=PAGE, Content_Type="a/b"), 415),
                (post("/embed", b"{}", Origin=PAGE), 422), (head("OPTIONS", "/nowhere", Origin=PAGE), 404)):
            client.send(request)
            reply = client.read_reply()
            assert reply.headers["access-control-allow-origin"] == PAGE and reply.status == status
            assert reply.headers["access-control-expose-headers"] == "*"
    with pages.connect() as client:
        client.send(head("POST", PATH, Origin=PAGE, Content_Length=1 << 40))
        reply = client.read_reply()
        assert reply.status == 413 and reply.headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize("origin", [
    EVIL, "https://app.example.or", "http://app.example.org", PAGE + ":8443", PAGE.upper(), "null", "*", "",
    PAGE + "," + OTHER, "localhost:3000", "x" * 300])
def test_others_are_answered_and_may_not_read_it(pages, origin):
    with pages.connect() as client:
        reply = client.post(*SMALL, Origin=origin)
        assert reply.status == 200 and cors_of(reply) == {"vary"}
        reply = preflight(client, origin=origin, Access_Control_Request_Headers=ASKED)
        assert reply.status == 204 and cors_of(reply) == {"vary"}
        assert cors_of(client.post(*SMALL)) == {"vary"}


def test_every_page_may_read_where_that_is_set(start):
    service = start("--cors-origins=*")
    with service.connect() as client:
        for origin in (PAGE, EVIL, "null"):
            reply = client.post(*SMALL, Origin=origin)
            assert reply.headers["access-control-allow-origin"] == "*" and "vary" not in reply.headers
            reply = preflight(client, origin=origin, Access_Control_Request_Headers=ASKED)
            assert reply.headers["access-control-allow-origin"] == "*"
            assert reply.headers["access-control-allow-headers"] == ASKED
        assert not cors_of(client.post(*SMALL))


def test_methods_are_those_of_the_route(pages):
    with pages.connect() as client:
        for path, methods in (("/v1/models", "GET, HEAD, OPTIONS"), ("/", "GET, HEAD, POST, OPTIONS")):
            reply = preflight(client, path, method="GET")
            assert reply.headers["access-control-allow-methods"] == methods == reply.headers["allow"]
        client.send(head("OPTIONS", PATH, Origin=PAGE))  # no preflight
        assert "access-control-allow-methods" not in client.read_reply().headers


def test_headers_are_those_asked_for_or_all(pages):
    with pages.connect() as client:
        for asked in ("authorization", "api-key, x-api-key", "x-goog-api-key,x-request-id", "a" * 256):
            reply = preflight(client, Access_Control_Request_Headers=asked)
            assert reply.headers["access-control-allow-headers"] == asked
        for asked in ("a" * 257, "", "a:b", "é", "a;b", "\"a\""):
            reply = preflight(client, Access_Control_Request_Headers=asked)
            assert reply.headers["access-control-allow-headers"] == "authorization, *"
        reply = preflight(client, Access_Control_Request_Private_Network="true")
        assert reply.headers["access-control-allow-private-network"] == "true"


def test_every_header_can_be_read(pages):
    """The star stands for all of them only where a reply allows no credentials."""
    reply = pages.post(*SMALL, Origin=PAGE)
    assert reply.headers["access-control-expose-headers"] == "*"
    assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize("origins, shown", [
    (["https://example.org/"], "'https://example.org/'"), (["example.org"], "'example.org'"),
    (["*", PAGE], "give it alone"), ([PAGE, "https://Example.org"], "'https://Example.org'"),
    (["https://example.org:443"], "the port that the scheme has anyway"), (["null"], "'null'")])
def test_what_is_no_origin_ends_the_start(origins, shown):
    done = run([PROGRAM, "serve", "--listen=127.0.0.1:0", *(f"--cors-origins={one}" for one in origins)],
               capture_output=True, text=True, env=environment())
    assert done.returncode == 2 and "cors-origins" in done.stderr and shown in done.stderr


def test_the_variable_and_the_file_take_the_same(start, tmp_path):
    (tmp_path / "e.json").write_text('{"cors-origins": ["https://a.example", "%s"]}' % PAGE)
    service = start(f"--config={tmp_path / 'e.json'}")
    assert service.post(*SMALL, Origin=PAGE).headers["access-control-allow-origin"] == PAGE
    service = start(env={"EMBEDD_CORS_ORIGINS": PAGE})
    assert service.post(*SMALL, Origin=PAGE).headers["access-control-allow-origin"] == PAGE


def test_it_goes_with_compression(start):
    service = start(f"--cors-origins={PAGE}", "--compress=all", "--compress-min-bytes=0")
    reply = service.post(*SMALL, Origin=PAGE, Accept_Encoding="gzip")
    assert reply.headers["vary"] == "accept-encoding, origin"
    assert reply.headers["content-encoding"] == "gzip" and reply.headers["access-control-allow-origin"] == PAGE
