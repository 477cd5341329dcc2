# SPDX-License-Identifier: Apache-2.0
"""Pages of another origin ask with a key, in a real browser. `make test-browser` runs this."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from harness import Service

ASK = """fetch(%r, {method: 'POST', body: '{"input": "a", "x": 1}', headers: {
    'authorization': 'Bearer key', 'content-type': 'application/json', 'x-stainless-lang': 'js', 'x-request-id': 'page'}}
).then(async (reply) => [reply.status, await reply.text(), reply.headers.get('x-request-id'),
                         reply.headers.get('x-embedd-ignored-fields')]).catch((error) => [0, String(error)])"""


class EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>a page</title>")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def origin():
    server = ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def ask(browser, origin):
    """Asks a path of a service with these flags, from a page of `origin`."""
    services = []

    def ask_one(path, *flags):
        services.append(Service(*flags))
        page = browser.open(f"{origin}/")
        return page.ask(ASK % (services[-1].url + path))

    yield ask_one
    for service in services:
        service.kill()


def test_a_page_of_the_origin_asks_and_reads_reply_and_headers(ask, origin):
    status, text, request_id, ignored = ask("/v1/embeddings", f"--cors-origins={origin}")
    assert status == 200 and '"embedding"' in text and request_id == "page" and ignored == "1"


def test_so_does_every_page_where_all_may(ask):
    assert ask("/v1/embeddings", "--cors-origins=*", "--compress=all", "--compress-min-bytes=0")[0] == 200


def test_it_reads_errors(ask, origin):
    status, text, *_ = ask("/v1/ids", f"--cors-origins={origin}")
    assert status == 400 and '"message"' in text


def test_no_other_page_gets_anything(ask):
    for flags in ((), ("--cors-origins=https://example.org",)):
        assert ask("/v1/embeddings", *flags) == [0, "TypeError: Failed to fetch"]
