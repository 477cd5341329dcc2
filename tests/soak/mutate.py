#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Requests that are cut, flipped, spliced and doubled, over real sockets: TCP, a Unix socket, TLS, an admin
listener, behind a proxy. Every connection has an end, every reply is one, none says that the fault is
ours, and in the end the service answers as before and has let go of all it took.

usage: mutate.py [--requests N] [--processes N] [--seed N]; EMBEDD names the program: a sanitized one.
"""

import argparse
import hashlib
import multiprocessing
import random
import re
import socket
import ssl
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))

import asks  # noqa: E402
import certificates  # noqa: E402
from harness import SMALL, TOP, Client, Service, head, post  # noqa: E402

KEY = "the-key-of-all-doors"
PROXY = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\7\0\0\0\0\x12\x67\0\x50"
# Beside the bytes of the corpora: what other parsers have read in their own way.
WORDS = [b"\r\n", b"\n", b"\0", b" ", b"\t", b":", b",", b";", b"\r\n ", b"\r\n\r\n", b"0\r\n\r\n", b"HTTP/1.0", b"%00", b"\xff",
         b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Connection: close\r\n",
         b"Host: b\r\n", b"X-Forwarded-For: 1.1.1.1\r\n", b"Authorization: Bearer x\r\n", b"Content-Encoding: gzip\r\n",
         b"[" * 50, b'{"a":' * 20, b"1e999", b"-0", b"\\ud800", b"null", b"9" * 40, PROXY]
# A status of our own fault; 503 is what a service says that has too much to do, 504 where the client left meanwhile.
OURS = re.compile(rb"^HTTP/1\.1 5(?!0[345])\d\d", re.M)
# Every request is one that may be long; no connection waits for as much.
PATIENCE_S = 60
# Of a process: most of the time they wait for the other side's end.
THREADS = 24


def bodies():
    """Requests that are good, of every route; and what the fuzzers found of connections."""
    found = [ask.request for ask in asks.all_asks() if len(ask.request) < 3000]
    found += [head("GET", path) for path in ("/metrics", "/v1/models", "/info", "/ready", "/openapi.json", "/admin/models", "/api/tags")]
    found += [post("/admin/reload", b""), post(*SMALL, Authorization=f"Bearer {KEY}")]
    for corpus in ("connection", "framing"):
        for path in sorted((TOP / "tests/fuzz/corpus" / corpus).iterdir()):
            if path.stat().st_size < 3000:
                found.append(path.read_bytes()[2:])
    return found


def mutated(draw, seeds):
    request = bytearray(draw.choice(seeds))
    for _ in range(draw.choice((1, 1, 2, 3, 6))):
        at = draw.randrange(len(request) + 1)
        kind = draw.randrange(8)
        if kind == 0 and request:  # a bit
            request[at % len(request)] ^= 1 << draw.randrange(8)
        elif kind == 1:  # a byte
            request[at:at + 1] = bytes([draw.randrange(256)])
        elif kind == 2:  # cut short
            del request[at:]
        elif kind == 3:  # a piece is missing
            del request[at:at + draw.randrange(40)]
        elif kind == 4:  # a piece comes twice
            request[at:at] = request[at:at + draw.randrange(200)]
        elif kind == 5:  # a line comes twice
            lines = bytes(request).split(b"\r\n")
            request[:] = b"\r\n".join(lines[:2] + [draw.choice(lines)] + lines[2:])
        elif kind == 6:
            request[at:at] = draw.choice(WORDS)
        else:  # the end of another
            other = draw.choice(seeds)
            request[at:] = other[draw.randrange(len(other) + 1):]
    return bytes(request)


class Target:
    def __init__(self, address, tls=None, before=b""):
        self.address, self.tls, self.before = address, tls, before

    def connect(self):
        one = socket.socket(socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET)
        one.settimeout(PATIENCE_S)
        one.connect(self.address)
        return self.tls.wrap_socket(one, server_hostname="localhost", suppress_ragged_eofs=True) if self.tls else one


def end_tls(one, draw):
    """By a word of TLS, without one, or not at all. After shutdown() of its own, an SSLSocket would hand
    out bytes as they come, undeciphered."""
    how = draw.randrange(3)
    if how == 0:
        one.unwrap()
    elif how == 1:
        socket.socket.shutdown(one, socket.SHUT_WR)


def ask(target, request, draw):
    """Sends it, in one piece or in several, and says that no more comes; or does not, or leaves. Returns
    what came back, to its end."""
    one = target.connect()
    got = b""
    try:
        try:
            if draw.randrange(4):
                one.sendall(target.before + request)
            else:
                whole = target.before + request
                middle = draw.randrange(len(whole) + 1)
                one.sendall(whole[:middle])
                one.sendall(whole[middle:])
            if draw.randrange(50) == 0:
                return b""  # gone
            if target.tls:
                end_tls(one, draw)
            elif draw.randrange(200):
                one.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError, OSError) as fault:
            if isinstance(fault, TimeoutError):
                raise
        try:
            while data := one.recv(1 << 16):
                got += data
        except (ConnectionResetError, ssl.SSLError, OSError) as fault:
            if isinstance(fault, TimeoutError):
                raise
    finally:
        one.close()
    return got


def ask_many(number, options, targets, weights, seeds, counts):
    """The work of one thread."""
    draw = random.Random(f"{options.seed} {number}")
    while 0 <= counts[number] < options.requests // len(counts):
        target, request = draw.choices(targets, weights)[0], mutated(draw, seeds)
        try:
            got = ask(target, request, draw)
            # Where TLS is due, who says none gets an alert.
            fault = "a reply that is none" if got and not got.startswith((b"HTTP/1.1 ", b"\x15\x03")) else \
                "a fault of our own" if OURS.search(got) else None
        except (OSError, AssertionError) as error:
            fault = repr(error)
        if fault:
            print(f"FAULT: {fault}: {target.address}: {request!r}", flush=True)
            counts[number] = -1
            return
        counts[number] += 1


def work(process, options, places, authority, counts):
    context = ssl.create_default_context(cafile=authority)
    targets = [Target(place[0], context if place[1] else None, place[2]) for place in places]
    weights, seeds = [place[3] for place in places], bodies()
    threads = [threading.Thread(target=ask_many, args=(process * THREADS + i, options, targets, weights, seeds, counts))
               for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def start(folder):
    """Two services: what a service has of listeners, and one that asks for keys and speaks TLS."""
    authority = certificates.Pair(folder, "authority", is_ca=True)
    pair = certificates.Pair(folder, "server", authority)
    keys = folder / "keys"
    keys.write_text(f"all sha256:{hashlib.sha256(KEY.encode()).hexdigest()} embed,classify,metrics,admin\n")
    keys.chmod(0o600)
    models = asks.flags_of(asks.make_models(folder))
    limits = ["--request-timeout=400ms", "--idle-timeout=400ms", "--threads=1", "--workers=1", "--log-level=error", "--watch=0",
              "--max-body-bytes=64K", "--cors-origins=*", "--compress=all"]
    plain = Service(*models, *limits, f"--listen=unix:{folder}/s", f"--admin-listen=unix:{folder}/a")
    proxied = Service(*models, *limits, "--proxy-protocol", "--trusted-proxies=127.0.0.1", "--offload-bytes=0")
    secure = Service(*models, *limits, *pair.flags(), f"--api-keys={keys}", tls=certificates.client(authority))
    places = [(("127.0.0.1", plain.port), False, b"", 30), (f"{folder}/s", False, b"", 40), (f"{folder}/a", False, b"", 10),
              (("127.0.0.1", proxied.port), False, PROXY, 10), (("127.0.0.1", proxied.port), False, b"", 2),
              (("127.0.0.1", secure.port), True, b"", 6), (("127.0.0.1", secure.port), False, b"", 2)]
    return [plain, proxied, secure], places, authority.cert


def is_alive(service, before=b"", **headers):
    with Client(service) as client:
        client.send(before + post(*SMALL, **headers))
        return client.read_reply().status == 200


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=1000000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="embedd-mutate-") as folder:
        services, places, authority = start(Path(folder))
        try:
            counts = multiprocessing.Array("q", options.processes * THREADS)
            workers = [multiprocessing.Process(target=work, args=(i, options, places, authority, counts))
                       for i in range(options.processes)]
            for one in workers:
                one.start()
            told = begin
            while any(one.is_alive() for one in workers):
                time.sleep(0.2)
                if time.monotonic() > told + 30:
                    told = time.monotonic()
                    print(f"{sum(counts)} requests, {told - begin:.0f} s", flush=True)
            n = sum(counts)
            is_well = all(count == options.requests // len(counts) for count in counts)
            for service, before, headers in zip(services, (b"", PROXY, b""), ({}, {}, {"Authorization": f"Bearer {KEY}"})):
                is_well = is_well and is_alive(service, before, **headers)
                service.stop()
        finally:
            for service in services:
                service.kill()
    print(f"{n} mutated requests, each over a connection of its own, in {time.monotonic() - begin:.0f} s: "
          f"{'every one had its end, the service is as before' if is_well else 'FAULT'}")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
