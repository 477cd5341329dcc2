# SPDX-License-Identifier: Apache-2.0
"""Compressed bodies and replies: gzip, deflate and zstd of the reference libraries, whole, in several
parts, cut at every byte; and replies packed where the client asks and the settings allow it."""

import gzip
import json
import zlib

import pytest
import zstandard
from harness import BIG, SMALL, chunked, head, post, wait_until

PATH, BODY = SMALL
LIMIT = 8 << 20


def zstd(data, **options):
    return zstandard.ZstdCompressor(**options).compress(data)


def streamed(data):
    """As a client makes it that does not know how long its body is going to be."""
    packer = zstandard.ZstdCompressor(level=9).compressobj()
    return b"".join(packer.compress(data[i:i + 100]) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
                    for i in range(0, len(data), 100)) + packer.flush()


PACKINGS = {
    "gzip": ("gzip", gzip.compress),
    "an old name of gzip": ("X-Gzip", gzip.compress),
    "stored gzip": ("gzip", lambda data: gzip.compress(data, 0)),
    "deflate": ("deflate", zlib.compress),
    "zstd": ("zstd", zstd),
    "zstd of a high level": ("Zstd", lambda data: zstd(data, level=19)),
    "zstd with a checksum": ("zstd", lambda data: zstd(data, write_checksum=True)),
    "zstd as a stream": ("zstd", streamed),
    "several members of gzip": ("gzip", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
    "several frames of zstd": ("zstd", lambda data: zstd(data[:9]) + zstd(b"") + zstd(data[9:])),
}
UNPACK = {"gzip": gzip.decompress,
          "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)}


@pytest.mark.parametrize("name", PACKINGS)
@pytest.mark.parametrize("body", [BODY, json.dumps({"input": ["word " * 500, "b"] * 200}).encode()])
def test_packed_bodies_are_read_as_the_same_plain_ones(service, name, body):
    coding, packing = PACKINGS[name]
    packed = packing(body)
    with service.connect() as client:
        expected = client.post(PATH, body)
        assert expected.status == 200
        assert client.post(PATH, packed, Content_Encoding=coding).body == expected.body
        client.send(head("POST", PATH, Content_Encoding=coding, Transfer_Encoding="chunked") + chunked(packed, 7))
        assert client.read_reply().body == expected.body
        client.send(post(PATH, packed, Content_Encoding=coding) * 5 + post(PATH, body))
        for _ in range(6):
            assert client.read_reply().body == expected.body


@pytest.mark.parametrize("name, data", [("gzip", gzip.compress(SMALL[1], mtime=0)),
                                        ("zstd", zstandard.ZstdCompressor().compress(SMALL[1]))],
                         ids=["gzip", "zstd"])
def test_packed_bodies_without_their_header_are_told_which_to_send(service, name, data):
    reply = service.post(SMALL[0], data)
    assert reply.status == 400
    assert f"send content-encoding: {name}" in reply.json()["error"]["message"]


def test_identity_and_nothing_change_nothing(service):
    with service.connect() as client:
        expected = client.post(*SMALL).body
        for coding in ("identity", "IDENTITY", ""):
            assert client.post(*SMALL, Content_Encoding=coding).body == expected


def test_a_body_cut_anywhere_is_a_400(service):
    for name in ("gzip", "deflate", "zstd with a checksum"):
        coding, packing = PACKINGS[name]
        packed = packing(BODY)
        with service.connect() as client:
            for n in range(len(packed)):
                reply = client.post(PATH, packed[:n], Content_Encoding=coding)
                assert reply.status == 400, n
                assert "its end is missing" in reply.json()["error"]["message"], n
            assert client.post(PATH, packed, Content_Encoding=coding).status == 200


@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd"])
def test_what_is_no_such_data_or_more_is_a_400(service, name):
    coding, packing = PACKINGS[name]
    with service.connect() as client:
        for body, why in ((BODY, "damaged"), (b"\0" * 1000, "damaged"), (packing(BODY) + BODY, "follows")):
            reply = client.post(PATH, body, Content_Encoding=coding)
            error = reply.json()["error"]
            assert reply.status == 400 and error["type"] == "invalid_request_error"
            assert coding in error["message"] and why in error["message"]
        reply = client.post("/embed", BODY, Content_Encoding=coding)
        assert reply.status == 400 and reply.headers["content-type"].startswith("text/plain")
        assert client.post(*SMALL).status == 200


def test_one_flipped_bit_is_no_other_text(service):
    packed = bytearray(gzip.compress(BODY))
    with service.connect() as client:
        expected, n_same = client.post(*SMALL).body, 0
        for i in range(10, len(packed)):
            packed[i] ^= 4
            reply = client.post(PATH, bytes(packed), Content_Encoding="gzip")
            assert reply.status == 400 or reply.body == expected, i
            n_same += reply.status == 200
            packed[i] ^= 4
        assert n_same <= 1  # the last byte of the data has bits that nobody reads


@pytest.mark.parametrize("coding, packing", [
    ("gzip", lambda data: gzip.compress(data, 9)), ("deflate", zlib.compress), ("zstd", zstd)])
def test_a_bomb_is_a_413_that_names_the_limit(service, coding, packing):
    bomb = packing(b" " * (LIMIT - 20) + b'{"input": "a"}      ')
    assert len(bomb) < 16000
    with service.connect() as client:
        assert client.post(PATH, bomb, Content_Encoding=coding).status == 200
        bomb = packing(b" " * LIMIT + b'{"input": "a"}')
        for path in (PATH, "/embed", "/v1/ids"):
            reply = client.post(path, bomb, Content_Encoding=coding)
            assert reply.status == 413 and b"max-body-bytes" in reply.body and b"unpacked" in reply.body
        assert client.post(*SMALL).status == 200


def test_a_bomb_is_within_the_memory_of_its_request(start):
    service = start("--max-request-memory=1M", "--max-body-bytes=100M")
    for coding, packing in (("gzip", gzip.compress), ("zstd", zstd)):
        reply = service.post(PATH, packing(b" " * (50 << 20)), Content_Encoding=coding)
        assert reply.status == 413 and b"max-request-memory" in reply.body


def test_zstd_that_looks_back_further_than_everyone_must_take_is_a_400(service):
    body = json.dumps({"input": "a"}).encode()
    for log, status in ((23, 200), (24, 400)):
        settings = zstandard.ZstdCompressionParameters(window_log=log, format=zstandard.FORMAT_ZSTD1)
        packer = zstandard.ZstdCompressor(compression_params=settings).compressobj()
        packed = packer.compress(body) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) + packer.flush()
        reply = service.post(PATH, packed, Content_Encoding="zstd")
        assert reply.status == status
        assert status == 200 or b"8388608" in reply.body


def test_other_codings_are_a_415_that_names_ours(service):
    with service.connect() as client:
        for coding in ("br", "gzip, gzip", "identity, gzip", "compress", "gzip;q=1"):
            reply = client.post(*SMALL, Content_Encoding=coding)
            assert reply.status == 415 and reply.headers["accept-encoding"] == "gzip, deflate, zstd"
            assert "gzip, deflate, zstd" in reply.json()["error"]["message"]
        twice = head("POST", PATH, Content_Length=len(BODY), Content_Encoding="gzip")
        client.send(twice[:-2] + b"Content-Encoding: gzip\r\n\r\n" + BODY)
        assert client.read_reply().status == 415
        assert client.post(*SMALL).status == 200


def test_one_loop_goes_on_while_bodies_are_unpacked(start):
    service = start("--threads=1", "--workers=1")
    packed = gzip.compress(b" " * (LIMIT - 20) + b'{"input": "a"}')
    clients = [service.connect() for _ in range(8)]
    for client in clients:
        client.send(post(PATH, packed, Content_Encoding="gzip"))
    assert service.get("/health").status == 200
    for client in clients:
        assert client.read_reply().status == 200
        client.close()


# ---- replies ----

IDS = ("/v1/ids", json.dumps({"text": "word " * 5000}).encode())
ONEHOT = ("/v1/onehot", json.dumps({"text": "I love to eat", "format": "dense"}).encode())
VECTORS = ("/v1/embeddings", json.dumps({"input": ["a", "b"] * 100}).encode())


def ask(client, request, accept):
    return client.post(*request, **({"Accept_Encoding": accept} if accept is not None else {}))


def unpacked(reply):
    return UNPACK[reply.headers["content-encoding"]](reply.body)


def test_nothing_is_packed_unless_it_is_set(service):
    with service.connect() as client:
        for request in (IDS, ONEHOT, VECTORS):
            reply = ask(client, request, "gzip, zstd, identity;q=0")
            assert "content-encoding" not in reply.headers and "vary" not in reply.headers
            assert reply.json()


@pytest.fixture(scope="module")
def packing():
    from harness import Service
    shared = Service("--compress=but-vectors")
    yield shared
    try:
        shared.stop()
    finally:
        shared.kill()


@pytest.mark.parametrize("accept, coding", [
    ("gzip", "gzip"), ("gzip, deflate", "gzip"), ("gzip, deflate, br, zstd", "zstd"), ("*", "zstd"),
    ("zstd;q=0.5, gzip;q=0.8", "gzip"), (None, None), ("", None), ("br", None), ("gzip;q=0", None),
    ("identity, gzip;q=0.5", None)])
@pytest.mark.parametrize("request_", [IDS, ONEHOT], ids=["whole", "in pieces"])
def test_replies_are_packed_as_the_client_likes_best(packing, request_, accept, coding):
    with packing.connect() as client:
        plain = ask(client, request_, None)
        reply = ask(client, request_, accept)
        assert reply.headers.get("content-encoding") == coding
        assert reply.headers["vary"] == "accept-encoding"
        if coding:
            assert unpacked(reply) == plain.body and len(reply.body) < len(plain.body) / 2
        else:
            assert reply.body == plain.body
        assert client.post(*SMALL).status == 200


def test_vectors_and_short_replies_stay_plain(packing):
    with packing.connect() as client:
        for request in (VECTORS, SMALL, BIG):
            reply = ask(client, request, "gzip, zstd")
            assert "content-encoding" not in reply.headers and reply.headers["vary"] == "accept-encoding"
            assert reply.json()


def test_who_refuses_plain_replies_gets_packed_ones(packing):
    with packing.connect() as client:
        for request in (VECTORS, SMALL, ("/v1/embeddings", b"{}")):
            plain = ask(client, request, None)
            reply = ask(client, request, "gzip, identity;q=0")
            assert reply.status == plain.status and unpacked(reply) == plain.body
        assert ask(client, SMALL, "identity;q=0").json() == ask(client, SMALL, None).json()


def test_head_says_what_get_does(start):
    service = start("--compress=but-vectors", "--compress-min-bytes=0")
    with service.connect() as client:
        for path in ("/v1/models", "/info", "/live"):
            client.send(head("GET", path, Accept_Encoding="gzip"))
            got = client.read_reply()
            client.send(head("HEAD", path, Accept_Encoding="gzip"))
            status, headers = client.read_head()
            assert status == got.status == 200
            for name in ("content-length", "content-type", "content-encoding", "vary"):
                assert headers.get(name) == got.headers.get(name), name
        reply = client.get("/metrics")
        assert "content-encoding" not in reply.headers
        client.send(head("GET", "/metrics", Accept_Encoding="gzip"))
        reply = client.read_reply()
        assert b"embedd_requests_total" in unpacked(reply)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_all_is_packed_where_it_is_set_large_replies_in_pieces(start, coding):
    service = start("--compress=all", "--threads=1")
    with service.connect() as client:
        for request in (VECTORS, BIG, IDS):
            plain = ask(client, request, None)
            for _ in range(3):
                reply = ask(client, request, coding)
                assert reply.headers["content-encoding"] == coding and unpacked(reply) == plain.body
                chunks = "content-length" not in reply.headers
                assert chunks == (request is BIG)


def test_clients_that_leave_in_the_middle_cost_nothing(start):
    service = start("--compress=all", "--threads=1")
    for coding in ("gzip", "zstd"):
        for _ in range(10):
            client = service.connect(receive_buffer=4096)
            client.send(post(*BIG, Accept_Encoding=coding))
            assert client.read_head()[0] == 200
            client.reset()
    wait_until(lambda: service.metric("embedd_requests_in_flight") == 1, "all are settled")
    assert service.metric('embedd_requests_total{route="/v1/lookup",code="499"}') == 20
    assert service.post(*SMALL).status == 200


def test_http_1_0_gets_the_same(packing):
    for request in (IDS, ONEHOT):
        with packing.connect() as client:
            plain = client.post(*request).body
        with packing.connect() as client:
            client.send(head("POST", request[0], version="1.0", Content_Length=len(request[1]),
                             Accept_Encoding="gzip") + request[1])
            status, headers = client.read_head()
            assert status == 200 and headers["content-encoding"] == "gzip"
            assert gzip.decompress(client.read_to_end()) == plain
