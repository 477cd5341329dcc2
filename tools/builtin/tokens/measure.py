# SPDX-License-Identifier: Apache-2.0
"""What tokenizers make of texts: tokens a text, unknown ones, and how many Chinese texts have the
same rows in traditional characters.

usage: measure.py --data FOLDER [--program build/embedd] TOKENIZER_FOLDER...

A folder holds tokenizer.json, and mapping.npy where tokens share rows. With --program, which must
give the library's ids (`embedd tokenize`; the folder then needs weights), a difference is an error.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import opencc
from tokenizers import Tokenizer

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))
import corpus
import sets

MOST = 3000
ODD = [
    "今天和朋友去吃𰻞𰻞面味道很好", "ＡＢＣ１２３", "電腦軟體", "电脑软件", "买了件T恤和5G手机，花了１００元", "…… —— ～ ￥ ％",
    "cafe\u0301 naïve ½ ㎏ ﬁne ㈱ 한국어 Привет", "😀👍🏽❤\ufe0f👨\u200d👩\u200d👧 1\ufe0f\u20e3 🇨🇳", "x" * 3000, "面" * 900,
    "𰻞" * 900, "for (int i = 0; i < n; i++) { sum += a[i]; } // 求和", "def f(x): return x**2  # π≈3.14",
    "https://example.org/a_b?c=d&e=%20#f", "SELECT * FROM t WHERE x='y'", "New York's new yorker, part of speech",
]


def texts_of(data):
    def column(lines):
        return [line.split("\t") for line in lines]

    forum = column((data / "sts2015-answers-forums.tsv").read_text(encoding="utf-8").splitlines())
    afqmc = column((data / "afqmc-dev.tsv").read_text(encoding="utf-8").splitlines())
    yield "STS-B dev en", [t for a, b, _ in sets.stsb(data, "en", "dev") for t in (a, b)]
    yield "SICK", [t for a, b, _ in sets.sick(data) for t in (a, b)]
    yield "forum", [t for row in forum for t in row[1:]]
    yield "banking77", [t for t, _ in sets.banking77(data, "train")]
    yield "corpus en", corpus.english(data)[:700_000]
    yield "STS-B dev zh", [t for a, b, _ in sets.stsb(data, "zh", "dev") for t in (a, b)]
    yield "LCQMC", [t for a, b, _ in sets.lcqmc(data) for t in (a, b)]
    yield "AFQMC", [t for row in afqmc for t in row[:2]]
    yield "waimai", [t for t, _ in sets.waimai(data, "train")]
    yield "corpus zh", corpus.chinese(data)[:600_000]


def measure(folder, found, traditional):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    path, unknown = folder / "mapping.npy", tokenizer.token_to_id("[UNK]")
    n = tokenizer.get_vocab_size()
    mapping = np.load(path) if path.exists() else np.arange(n)
    print(f"{folder}: {n} tokens, {mapping.max() + 1} rows, "
          f"{(folder / 'tokenizer.json').stat().st_size} bytes")

    def ids(texts):
        return [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)]

    for name, texts in found:
        lists = ids(texts)
        total = sum(map(len, lists))
        unknowns = sum(i == unknown for one in lists for i in one)
        print(f"  {name}: {total / len(texts):.2f} tokens a text, {100 * unknowns / total:.4f} % unknown")
    simplified = dict(found)["STS-B dev zh"]
    rows = [mapping[one].tolist() for one in ids(simplified)]
    for name, texts in traditional.items():
        same = [mapping[a].tolist() == b for a, b in zip(ids(texts), rows)]
        shared = [len(set(mapping[a]) & set(b)) / max(1, len(set(mapping[a]) | set(b)))
                  for a, b in zip(ids(texts), rows)]
        print(f"  {name}: {100 * np.mean(same):.1f} % of texts have the same rows, "
              f"{100 * np.mean(shared):.1f} % of rows are shared")
    return tokenizer


def check(program, folder, tokenizer, texts):
    lines = [" ".join(text.split()) for text in texts]
    run = subprocess.run([program, "tokenize", "--model", folder, "-"], check=True, stdout=subprocess.PIPE,
                         input="".join(line + "\n" for line in lines).encode())
    ours = [json.loads(line)["ids"] for line in run.stdout.splitlines()]
    bad = [line for line, a in zip(lines, ours)
           if a != tokenizer.encode(line, add_special_tokens=False).ids]
    if bad or len(ours) != len(lines):
        raise SystemExit(f"{folder}: {len(bad)} of {len(lines)} texts differ, such as {bad[:1]}")
    print(f"  {program} gives the same ids on {len(lines)} texts")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--program")
    options = parser.parse_args()
    rng = random.Random(1)
    found = [(name, rng.sample(texts, min(MOST, len(texts)))) for name, texts in texts_of(options.data)]
    simplified = dict(found)["STS-B dev zh"]
    traditional = {name: list(map(opencc.OpenCC(name).convert, simplified))
                   for name in ("s2t", "s2tw", "s2hk", "s2twp")}
    for folder in options.folders:
        tokenizer = measure(folder, found, traditional)
        if options.program:
            check(options.program, folder, tokenizer, ODD + [t for _, texts in found for t in texts])


if __name__ == "__main__":
    main()
