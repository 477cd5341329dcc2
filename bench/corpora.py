#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times `embedd embed` on a whole file, and prints the figures as JSON.

usage: bench/corpora.py ROUNDS TEXTS

A file of so many lines of 12 words becomes vectors, as .npy in a folder for temporary files and as plain floats that
nobody keeps, with a thread a core and with one, in turns. Where Python's model2vec is there (build/model2vec/venv), it
takes turns on the first lines, with the same rows.
"""

import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import texts

# tokenizers.py beside this file has a library's name.
del sys.path[0]

TOP = Path(__file__).resolve().parents[1]
EMBEDD = TOP / "build/release/embedd"
WORDS = 12
DISTINCT = 50_000  # lines; then they come again
LIBRARY_TEXTS = 20_000  # which take it a second
TARGET, LIBRARY_TARGET = 1_000_000, 40


def write_texts(path, n):
    """The lines, of which some come more than once."""
    rng = random.Random(1)
    words = [word for line in texts.english(rng, 4 * DISTINCT // WORDS) for word in line.split()]
    lines = [" ".join(rng.choices(words, k=WORDS)) for _ in range(min(n, DISTINCT))]
    with open(path, "w", encoding="utf-8") as out:
        for i in range(0, n, DISTINCT):
            out.writelines(line + "\n" for line in lines[:n - i])
    return lines


def seconds(ask, *arguments):
    begin = time.perf_counter()
    ask(*arguments)
    return time.perf_counter() - begin


def embed(path, threads, *options):
    command = [EMBEDD, "embed", "--threads", str(threads), *options, path]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def library(folder):
    """From lines to a file by model2vec, with the built-in model's rows as float32; None where it is not there."""
    if importlib.util.find_spec("model2vec") is None:
        return None
    import numpy as np
    from model2vec import StaticModel
    command = [EMBEDD, "convert", "--to", "folder", "--dtype", "f32", "--input", "builtin", "--output", folder]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    model = StaticModel.from_pretrained(folder)
    return lambda lines: np.save(folder / "vectors.npy", model.encode(lines))


def main():
    rounds, n = int(sys.argv[1]), int(sys.argv[2])
    cores = len(os.sched_getaffinity(0))
    taken = {}
    with tempfile.TemporaryDirectory(prefix="embedd-bench-") as folder:
        path, out = Path(folder, "texts.txt"), Path(folder, "vectors.npy")
        lines = write_texts(path, n)[:LIBRARY_TEXTS]
        other = library(Path(folder, "floats"))
        for _ in range(rounds + 1):  # the first is for warming up
            for threads in (cores, 1):
                out.unlink(missing_ok=True)
                to_file = seconds(embed, path, threads, "--format", "npy", "--output", out)
                taken.setdefault((threads, "to .npy"), []).append(to_file / n)
                to_nobody = seconds(embed, path, threads, "--format", "f32")
                taken.setdefault((threads, "to /dev/null"), []).append(to_nobody / n)
            if other:
                taken.setdefault("model2vec", []).append(seconds(other, lines) / len(lines))
    figures = []
    for threads, where in [key for key in taken if key != "model2vec"]:
        rate = 1 / statistics.median(taken[threads, where][1:])
        is_due = (threads, where) == (cores, "to .npy")
        name = f"{n:,} lines {where}, {threads} thread{'s' * (threads > 1)}"
        figures.append([name, rate, "texts/s", TARGET if is_due else None, "higher"])
    if other:
        ratios = [theirs / ours for theirs, ours in zip(taken["model2vec"], taken[cores, "to .npy"])]
        name = f"lines to .npy, {cores} threads / model2vec (Python)"
        figures.append([name, statistics.median(ratios[1:]), "ratio", LIBRARY_TARGET, "higher"])
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()
