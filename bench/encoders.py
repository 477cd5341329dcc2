#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times encoders side by side, from text to normalized vector, and prints the figures as JSON.

usage: build/model2vec/venv/bin/python bench/encoders.py ROUNDS [--model MODEL] [NAME=PROGRAM]...

One thread, one text at a time. embedd, Python's model2vec and the programs (builds of bench/model2vec_rs, or others of
bench/encode.c) read one folder: the model (the built-in one, or a path) with its rows as float32, for the others do not
know its scales. First ids (which the crate keeps to itself) and vectors must agree. Then all take turns on the same
texts, others in each round; ratios are taken within a round, and the median is shown.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
TOP = Path(__file__).resolve().parents[1]

import texts  # noqa: E402

# tokenizers.py beside this file has a library's name.
del sys.path[0]

import numpy as np  # noqa: E402
from model2vec import StaticModel  # noqa: E402

BUILTIN = "embedd-base-2"
FLOATS = TOP / "build/model2vec/model"
PROGRAM = TOP / "build/release/bench/encode"
EMBEDD = TOP / "build/release/embedd"
DIMENSIONS = 256
TOLERANCE = 1e-5
LANGUAGES = (
    # name, texts, texts a round, how many times as fast as any build of model2vec-rs and as Python's model2vec
    ("14 English words", texts.english, 10000, (2, 40)),
    ("200 Chinese characters", texts.chinese, 1000, (4, 40)),
)


def write_floats(model):
    """The folder that all read."""
    command = [EMBEDD, "convert", "--force", "--to", "folder", "--dtype", "f32", "--input", model, "--output", FLOATS]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Program:
    """An encoder in a process of its own."""

    def __init__(self, name, program, model=FLOATS):
        self.name, self.command, self.process = name, [program, model], None

    def vectors(self, path, parts):
        with subprocess.Popen([*self.command, path], stdout=subprocess.PIPE) as process:
            for part in parts:
                data = process.stdout.read(len(part) * DIMENSIONS * 4)
                yield np.frombuffer(data, np.float32).reshape(len(part), DIMENSIONS)

    def start(self, path, parts):
        command = [*self.command, path, str(len(parts[0]))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def round(self, _):
        """Nanoseconds a text."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def stop(self):
        self.process.communicate()


class Library:
    """Python's model2vec, with a fresh model for each run over the texts."""

    name = "model2vec (Python)"

    def __init__(self):
        self.model = None

    def vectors(self, path, parts):
        self.start(path, parts)
        for part in parts:
            yield np.stack([self.model.encode(text) for text in part])

    def start(self, _path, _parts):
        self.model = StaticModel.from_pretrained(FLOATS)

    def round(self, part):
        begin = time.perf_counter_ns()
        for text in part:
            self.model.encode(text)
        return (time.perf_counter_ns() - begin) / len(part)

    def stop(self):
        self.model = None


def compare_ids(path, parts):
    """Tokens a text, and how many are different; fails where embedd's and model2vec's ids differ. Both leave the unknown token out."""
    model, n_tokens, different = StaticModel.from_pretrained(FLOATS), 0, set()
    command = [EMBEDD, "tokenize", "--model", FLOATS, path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        for part in parts:
            for text, theirs in zip(part, model.tokenize(part)):
                ids = json.loads(process.stdout.readline())["ids"]
                if [one for one in ids if one != model.unk_token_id] != theirs:
                    sys.exit(f"bench: model2vec has other ids for {text!r}")
                n_tokens += len(ids)
                different.update(ids)
    return n_tokens / sum(map(len, parts)), len(different)


def compare_vectors(encoders, path, parts):
    ours, *others = encoders
    expected = list(ours.vectors(path, parts))
    for other in others:
        for part, wanted, found in zip(parts, expected, other.vectors(path, parts), strict=True):
            off = np.abs(found - wanted).max(axis=1)
            if not (off <= TOLERANCE).all():
                sys.exit(f"bench: {other.name}'s vector is off by {off.max():.2g} for {part[off.argmax()]!r}")


def time_rounds(encoders, path, parts):
    """Nanoseconds a text: (rounds, encoders). The first round is for warming up; each round begins with another one."""
    for encoder in encoders:
        encoder.start(path, parts)
    times = []
    for i, part in enumerate(parts):
        first = i % len(encoders)
        taken = {encoder: encoder.round(part) for encoder in encoders[first:] + encoders[:first]}
        times.append([taken[encoder] for encoder in encoders])
    for encoder in encoders:
        encoder.stop()
    return np.array(times[1:])


def measure(language, encoders, parts, targets, folder):
    """`targets`: of each encoder, or None where the ratio is not shown."""
    path = os.path.join(folder, "texts.txt")
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(text + "\n" for part in parts for text in part)
    n_tokens, n_different = compare_ids(path, parts)
    figures = [[f"{language}: tokens", n_tokens, "tokens"], [f"{language}: different tokens", n_different, "tokens"]]
    compare_vectors(encoders, path, parts)
    times = time_rounds(encoders, path, parts)
    for encoder, column, target in zip(encoders, times.T, targets):
        what = f"{language}: {encoder.name}"
        if target:
            figures.append([f"{what} / embedd", np.median(column / times[:, 0]), "ratio", target, "higher"])
        figures.append([what, np.median(column) / 1e3, "µs", None, "lower"])
    return figures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int)
    parser.add_argument("programs", nargs="*", metavar="NAME=PROGRAM")
    parser.add_argument("--model", default=BUILTIN)
    options = parser.parse_intermixed_args()
    write_floats(options.model)
    ours = [Program("embedd", PROGRAM), Program("embedd, its own table", PROGRAM, options.model)]
    crates = [Program(*one.split("=", 1)) for one in options.programs]
    rng, figures = random.Random(1), []
    with tempfile.TemporaryDirectory() as folder:
        for language, make, n, (crate, library) in LANGUAGES:
            parts = [make(rng, n) for _ in range(options.rounds + 1)]
            targets = [None, None, *[crate] * len(crates), library]
            figures += measure(language, [*ours, *crates, Library()], parts, targets, folder)
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()
