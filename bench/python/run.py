#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the Python package: `make bench-python`, which writes build/bench-python.json. docs/BENCHMARKS.md.

All on one core, which the process pins itself to; what is compared takes turns, and the median of the rounds' ratios is
shown, and of rates the best round.
"""
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
STATIC = TOP / "build/bench-python"
CORE = max(os.sched_getaffinity(0))
os.sched_setaffinity(0, {CORE})
os.environ.update(OMP_NUM_THREADS="1", RAYON_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402

import embedd  # noqa: E402
from embedd._errors import check, new_struct  # noqa: E402
from embedd._native import ffi, lib  # noqa: E402

N_TEXTS, N_WORDS, ROUNDS, SLOW_TEXTS = 200_000, 12, 7, 20_000
N_LABELS = 20


class Report:
    def __init__(self):
        self.rows = []

    def add(self, name, value, target=None, unit="ratio"):
        self.rows.append({"name": name, "value": round(float(value), 6), "unit": unit, "target": target, "better": "higher"})
        met = "" if target is None else f"≥ {target:,} {'met' if value >= target else 'MISSED'}"
        print(f"  {name:62} {value:14,.2f} {unit:8} {met}", flush=True)


def made_texts(n, words, chance):
    return [" ".join(chance.choices(words, k=N_WORDS)) for _ in range(n)]


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternate(rounds, *works):
    """(rounds, works) seconds."""
    for work in works:
        work()
    return np.array([[seconds(work) for work in works] for _ in range(rounds)])


def c_call(model, array, out):
    """embedd_encode as a program in C would call it: once, into memory that it has."""
    texts, rows, error = new_struct("embedd_texts"), new_struct("embedd_rows"), new_struct("embedd_error")
    _, offsets, data = array.buffers()
    texts.data, texts.offsets = ffi.cast("void *", data.address), ffi.cast("void *", offsets.address)
    texts.n, texts.offset_bits = len(array), 32
    rows.data, rows.bytes, rows.type = ffi.from_buffer(out), out.nbytes, lib.EMBEDD_FLOAT32
    check(lib.embedd_encode(model._model, model._pool, texts, ffi.NULL, rows, ffi.NULL, error), error)


def measure_encode(report, chance):
    words = (TOP / "LICENSE").read_text().split()
    texts = made_texts(N_TEXTS, words, chance)
    model, array = embedd.Model(threads=1), pa.array(texts)
    out = np.empty((N_TEXTS, model.dimensions), np.float32)

    def fresh():
        c_call(model, array, np.empty_like(out))  # numpy asks for huge pages, as the package does

    assert np.array_equal(np.asarray(model.encode(array, out="arrow")), model.encode(texts))
    took = alternate(ROUNDS, lambda: model.encode(texts), lambda: pa.array(model.encode(array, out="arrow")),
                     lambda: c_call(model, array, out), fresh)
    assert np.array_equal(out, model.encode(texts))
    for name, best in zip(("list of str", "Arrow in and out", "the C call into old memory", "the C call into new memory"), took.min(axis=0)):
        report.add(f"python: encode, {name}", N_TEXTS / best, 300_000 if name == "list of str" else None, unit="texts/s")
    for column, memory in ((2, "old"), (3, "new")):
        report.add(f"python: encode, Arrow in and out : the C call into {memory} memory",
                   statistics.median(took[:, column] / took[:, 1]), 0.9)


def measure_beside_model2vec(report, chance):
    import model2vec
    from embedd.model2vec import StaticModel

    words = (TOP / "LICENSE").read_text().split()
    texts = made_texts(SLOW_TEXTS, words, chance)
    folder = made_folder()
    real, ours = model2vec.StaticModel.from_pretrained(folder), StaticModel.from_pretrained(folder)
    ours.model = embedd.Model(folder, compat="model2vec", threads=1)
    assert np.allclose(real.encode(texts[:500], use_multiprocessing=False), ours.encode(texts[:500]), atol=1e-5)
    took = alternate(3, lambda: real.encode(texts, use_multiprocessing=False), lambda: ours.encode(texts))
    report.add("python: model2vec 0.10.0, list of str", SLOW_TEXTS / took[:, 0].min(), unit="texts/s")
    report.add("python: encode : model2vec, same model and texts", statistics.median(took[:, 0] / took[:, 1]), 15)


def made_folder():
    """The built-in model's words as a folder that model2vec reads."""
    from embedd.model2vec import _write_folder
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer

    model = embedd.Model()
    tokens = {}
    for id in range(model.info.vocab_size):
        tokens.setdefault(model.token(id), len(tokens))
    tokens.setdefault("[UNK]", len(tokens))
    tokenizer = Tokenizer(WordPiece(tokens, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = BertNormalizer(), BertPreTokenizer()
    vectors = np.random.default_rng(7).normal(size=(len(tokens), model.dimensions)).astype(np.float32)
    STATIC.mkdir(parents=True, exist_ok=True)
    _write_folder(STATIC, vectors, tokenizer, {"normalize": True, "max_length": 512})
    return STATIC


# ---- fastText ----

def run(*command, out=None):
    subprocess.run([str(part) for part in command], check=True, stdout=out or subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def labelled(n, words, chance):
    """Lines of fastText's: each label has words of its own among those of all."""
    lines = []
    for _ in range(n):
        label = chance.randrange(N_LABELS)
        own = words[label * 5:label * 5 + 5]
        lines.append((label, " ".join(chance.choice(own if chance.random() < 0.3 else words) for _ in range(N_WORDS))))
    return lines


def measure_fasttext(report, chance, folder):
    from embedd import fasttext

    words = sorted({word for word in (TOP / "LICENSE").read_text().split() if word.isalpha()})
    train, texts = folder / "train.txt", folder / "texts.txt"
    train.write_text("".join(f"__label__{label} {text}\n" for label, text in labelled(20_000, words, chance)))
    lines = [text for _, text in labelled(N_TEXTS, words, chance)]
    texts.write_text("".join(line + "\n" for line in lines))
    (folder / "none.txt").write_text("")
    run("fasttext", "supervised", "-input", train, "-output", folder / "model", "-thread", "1", "-epoch", "5",
        "-wordNgrams", "2", "-bucket", "200000")
    model = embedd.Model(folder / "model.bin", threads=1)
    face = fasttext.load_model(folder / "model.bin")
    face.model = model
    said = folder / "said.txt"

    def theirs(path):
        with said.open("wb") as out:
            run("fasttext", "predict", folder / "model.bin", path, out=out)

    took = alternate(5, lambda: theirs(texts), lambda: theirs(folder / "none.txt"), lambda: model.classify(lines, top_k=1),
                     lambda: face.predict(lines))
    theirs(texts)
    answers = model.classify(lines, top_k=1)
    same = np.mean([line == "__label__" + answers.names[label] for line, label in
                    zip(said.read_text().splitlines(), answers.labels[:, 0], strict=True)])
    program = took[:, 0] - took[:, 1]  # opening its model, a process's start left out
    report.add("python: the program fasttext predict", N_TEXTS / program.min(), unit="texts/s")
    report.add("python: classify, a fastText model", N_TEXTS / took[:, 2].min(), unit="texts/s")
    report.add("python: classify : the program fasttext", statistics.median(program / took[:, 2]), 4)
    report.add("python: embedd.fasttext's predict : the program", statistics.median(program / took[:, 3]))
    report.add("python: labels that are the program's", same, 1, unit="share")


def main():
    report, chance = Report(), random.Random(9)
    measure_encode(report, chance)
    measure_beside_model2vec(report, chance)
    with tempfile.TemporaryDirectory() as folder:
        measure_fasttext(report, chance, Path(folder))
    (TOP / "build/bench-python.json").write_text(json.dumps(report.rows, indent=1) + "\n")


main()
