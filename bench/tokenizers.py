#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times tokenizers beside the library they come from, and prints the figures as JSON.

usage: build/venv/bin/python bench/tokenizers.py SECONDS

One thread, one text at a time, ids alone. No text comes twice, for the library remembers what it has cut: a fresh
tokenizer of its own reads all texts once, three times over, and the best counts. Tokenizers are the built-in model's,
those that tests/parity trains, and the real ones that its real_tokenizers.py has fetched, if it has.
"""
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from texts import chinese, english

os.environ["TOKENIZERS_PARALLELISM"] = "false"
TOP = Path(__file__).resolve().parents[1]
# Not this folder, where this file has the library's name.
sys.path[0] = str(TOP / "tests/parity")

import make_tokenizers  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

PROGRAM = TOP / "build/release/bench/tokenize"
TARGETS = {"WordPiece": 25, "BPE": 10, "Unigram": 10}
TRAINED = ["bert_uncased", "gpt2", "llama2", "llama3", "xlm_roberta", "albert"]


class Refused(Exception):
    """The program does not read this tokenizer; the message says why."""


def theirs(path, texts):
    best = float("inf")
    for _ in range(3):
        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        begin = time.perf_counter()
        for text in texts:
            tokenizer.encode(text, add_special_tokens=False)
        best = min(best, (time.perf_counter() - begin) / len(texts))
    return best * 1e6


def ours(path, texts, seconds):
    run = subprocess.run([PROGRAM, path, str(seconds)], input="\n".join(texts) + "\n", capture_output=True, text=True, check=False)
    if run.returncode == 2:
        raise Refused(run.stderr.strip())
    run.check_returncode()
    ns, tokens, opened = map(float, run.stdout.split())
    return ns / 1e3, tokens, opened


def tokenizers(folder):
    yield "built-in", TOP / "model/bundle/builtin/embedd-base-2/tokenizer.json"
    for name in TRAINED:
        path = Path(folder) / f"{name}.json"
        path.write_text(make_tokenizers.makers()[name]().to_str(), encoding="utf-8")
        yield name, path
    for path in sorted((TOP / "build/parity/real").glob("*.json")):
        yield path.stem, path


def measure(name, path, languages, seconds):
    kind = json.loads(path.read_text(encoding="utf-8"))["model"]["type"]
    figures = []
    for language, texts in languages:
        mine, tokens, _ = ours(path, texts, seconds)
        other = theirs(path, texts)
        what = f"{name} ({kind}), {language}"
        figures += [[f"{what}: tokenizers / embedd", other / mine, "ratio", TARGETS.get(kind), "higher"],
                    [f"{what}: embedd", mine, "µs", None, "lower"],
                    [f"{what}: embedd, a token", mine / tokens * 1e3, "ns", None, "lower"]]
    return figures


def main():
    rng, figures = random.Random(1), []
    languages = (("14 English words", english(rng, 2000)), ("200 Chinese characters", chinese(rng, 400)))
    with tempfile.TemporaryDirectory() as folder:
        for name, path in tokenizers(folder):
            try:
                figures += measure(name, path, languages, float(sys.argv[1]))
            except Refused as refusal:
                print(f"skipped: {name}: {refusal}", file=sys.stderr)
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()
