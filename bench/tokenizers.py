#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times tokenizers beside the library they come from, and prints the figures as JSON.

usage: build/venv/bin/python bench/tokenizers.py SECONDS

One thread, one text at a time, ids alone. No text comes twice, for the library remembers what it has cut: a fresh
tokenizer of its own reads all texts once, three times over, and the best counts. Tokenizers are the built-in model's,
those that tests/parity trains, and the real ones that its real_tokenizers.py has fetched, if it has.
"""
import csv
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
# Not this file, whose name is the library's.
sys.path[0] = str(TOP / "tests/parity")

import make_tokenizers  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

PROGRAM = TOP / "build/release/bench/tokenize"
TARGETS = {"WordPiece": 25, "BPE": 10, "Unigram": 10}
TRAINED = ["bert_uncased", "gpt2", "llama2", "llama3", "xlm_roberta", "albert"]


def english(rng):
    with open(TOP / "tests/data/banking77/sample.csv", encoding="utf-8", newline="") as file:
        words = [word for row in csv.reader(file) for word in row[0].split()]
    return [" ".join(rng.choice(words) for _ in range(14)) for _ in range(2000)]


def chinese(rng):
    """200 characters, from bits of a text, so that no text and no long bit comes twice."""
    text = (TOP / "README.zh.md").read_text(encoding="utf-8")
    text = "".join(c for c in text if ord(c) > 0x2E80)
    texts = []
    for _ in range(400):
        one = ""
        while len(one) < 200:
            at = rng.randrange(len(text) - 12)
            one += text[at:at + rng.randint(3, 12)]
        texts.append(one[:200])
    return texts


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
    yield "built-in", TOP / "model/builtin/embedd-base-1/tokenizer.json"
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
    languages = (("14 English words", english(rng)), ("200 Chinese characters", chinese(rng)))
    with tempfile.TemporaryDirectory() as folder:
        for name, path in tokenizers(folder):
            try:
                figures += measure(name, path, languages, float(sys.argv[1]))
            except Refused as refusal:
                print(f"skipped: {name}: {refusal}", file=sys.stderr)
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()
