#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what opening a model takes, in time and memory, and prints the figures as JSON.

usage: bench/opening.py ROUNDS [NAME=PROGRAM]...

Packed models of a million tokens, whose tables are holes in their files; then the built-in model's first 44,000 tokens
as float32, beside the programs (builds of bench/model2vec_rs), which open the same table from a folder. Each opening is
in a process of its own; all take turns, and the median is shown. docs/BENCHMARKS.md.
"""
import contextlib
import http.client
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests/http"))

import sparse  # noqa: E402

EMBEDD = TOP / "build/release/embedd"
OPEN = TOP / "build/release/bench/open"
TOKENS, COLUMNS = 1_000_000, 512
KEPT = 44_000
REQUESTS = 400
PATIENCE_S = 60
OPENING_MS, OWN_MB = 5, 16


def run(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=PATIENCE_S, check=True)
    return done.stdout


def opened(program, model):
    return json.loads(run([program, model]))


def forget(path):
    """Drops a file's pages from memory."""
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def median(runs, name):
    return statistics.median(one[name] for one in runs)


# ---- one large model ----


def measure_opening(what, model, rounds):
    cold, warm = [], []
    for _ in range(rounds):
        forget(model)
        cold.append(opened(OPEN, model))
        warm.append(opened(OPEN, model))
    return [
        [f"{what}: open", median(warm, "open_us") / 1e3, "ms", OPENING_MS, "lower"],
        [f"{what}: open, file not in memory", median(cold, "open_us") / 1e3, "ms", OPENING_MS, "lower"],
        [f"{what}: own memory for it", median(warm, "anonymous_kb") * 1024 / 1e6, "MB", None, "lower"],
    ]


def process_ms(*model):
    """A process that opens a model, embeds nothing and ends."""
    begin = time.perf_counter()
    run([EMBEDD, "embed", *model])
    return (time.perf_counter() - begin) * 1e3


def measure_processes(what, model, rounds):
    """What a process takes longer for the model than for the built-in one, which is part of the program."""
    ours, builtin = [], []
    cases = [(ours, ["--model", model]), (builtin, [])]
    for _ in range(5 * rounds):
        for times, options in cases:
            times.append(process_ms(*options))
        cases.reverse()
    more = statistics.median(mine - other for mine, other in zip(ours, builtin))
    return [
        [f"{what}: process from start to end", statistics.median(ours), "ms", None, "lower"],
        ["built-in model: process from start to end", statistics.median(builtin), "ms", None, "lower"],
        [f"{what}: process, more than the built-in model", more, "ms", OPENING_MS, "lower"],
    ]


# ---- servers ----


@contextlib.contextmanager
def server(model):
    """(pid, port)"""
    command = [EMBEDD, "serve", "--listen", "127.0.0.1:0", "--log-level", "warn", "--model", model]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.pid, int(re.search(r":(\d+)\n", process.stdout.readline())[1])
        finally:
            process.terminate()


def ask(port):
    """Requests of words from all over the vocabulary, the same each time; every tenth of 64 texts."""
    rng = random.Random(1)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    for number in range(REQUESTS):
        n_texts = 1 if number % 10 else 64
        texts = [" ".join(sparse.word(rng.randrange(TOKENS - 1)) for _ in range(12)) for _ in range(n_texts)]
        connection.request("POST", "/v1/embeddings", json.dumps({"input": texts}))
        reply = connection.getresponse()
        if reply.status != 200:
            sys.exit(f"bench: the server answered {reply.status}: {reply.read()[:200]!r}")
        reply.read()
    connection.close()


def in_mb(pid, model):
    """What a server has: memory of its own, pages of the model that another shares, and that none does."""
    return [value / 1e6 for value in (sparse.anonymous_bytes(pid), *sparse.file_bytes(pid, model))]


def measure_servers(what, model):
    with server(model) as (first, port):
        ask(port)
        own, _, alone = in_mb(first, model)
        with server(model) as (second, second_port):
            ask(second_port)
            own_later, shared, private = in_mb(first, model)
            own_second, shared_second, private_second = in_mb(second, model)
    return [
        [f"{what}: own memory of a server, {REQUESTS} requests", own, "MB", OWN_MB, "lower"],
        [f"{what}: own memory beside a second server", max(own_later, own_second), "MB", OWN_MB, "lower"],
        [f"{what}: pages of the file, one server", alone, "MB"],
        [f"{what}: pages of the file that two share", min(shared, shared_second), "MB"],
        [f"{what}: pages of the file that one of two has alone", max(private, private_second), "MB", 1, "lower"],
    ]


# ---- beside others ----


def convert(source, output, *options):
    run([EMBEDD, "convert", "--input", source, "--output", output, *options])
    return output


def measure_others(folder, programs, rounds):
    table = convert("builtin", folder / "floats", "--to", "folder", "--dtype", "f32", "--keep-top", str(KEPT))
    packed = convert(table, folder / "packed.safetensors")
    cases = [("embedd, packed", OPEN, packed), ("embedd, folder", OPEN, table)]
    cases += [(*one.split("=", 1), table) for one in programs]
    runs = [[opened(program, model) for _, program, model in cases] for _ in range(rounds)]
    figures = []
    for (name, _, _), results in zip(cases, zip(*runs)):
        what = f"45 MB: {name}"
        own, most = (median(results, key) * 1024 / 1e6 for key in ("anonymous_kb", "peak_kb"))
        figures += [
            [f"{what}: open", median(results, "open_us") / 1e3, "ms", None, "lower"],
            [f"{what}: own memory for it", own, "MB", None, "lower"],
            [f"{what}: most of all that was resident", most, "MB", None, "lower"],
        ]
    return figures


def main():
    rounds, programs = int(sys.argv[1]), sys.argv[2:]
    figures = []
    # Not in /tmp, which may be memory: holes are only there on a disk.
    with tempfile.TemporaryDirectory(prefix="opening-", dir=TOP / "build") as name:
        folder = Path(name)
        large = sparse.write_sparse_model(EMBEDD, folder, TOKENS, COLUMNS)
        for what, model in (("2 GB", large), ("a million tokens, 64 MB", sparse.widen(large, folder / "long", 1))):
            figures += measure_opening(what, model, rounds)
        figures += measure_processes("2 GB", large, rounds)
        figures += measure_servers("2 GB", large)
        large.unlink()
        figures += measure_others(folder, programs, rounds)
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()
