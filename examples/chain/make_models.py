#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the two models of the running example: w6x2/ (W 6x2, reduction) and w6x8/ (W 6x8, expansion).

usage: make_models.py [FOLDER]   (default: the folder of this file)

A model folder is three files: vocab.txt (one token a line, its line its id), model.safetensors (the
table W, one row a token) and config.json. The numbers of W are written by hand, all of them quarters,
so that float32 holds them exactly and every sum in the example can be checked on paper. A real W is
learned from text; its numbers mean nothing one by one.
"""
import json
import pathlib
import struct
import sys

VOCAB = ["他", "我", "爱", "吃", "你", "饭"]

# Two columns for six tokens: fewer numbers than one-hot (D < V).
W6X2 = [
    # person..thing, action
    [1.0, 0.25],  # 他
    [1.0, 0.0],  # 我
    [0.25, 0.75],  # 爱
    [0.0, 1.0],  # 吃
    [0.75, 0.0],  # 你
    [-0.75, 0.25],  # 饭
]

# Eight columns for six tokens: one id becomes eight numbers (D > V), each with a meaning of its own.
W6X8 = [
    # person, speaker, listener, action, feeling, food, mouth, thing
    [1.0, -0.25, -0.25, 0.0, 0.0, 0.0, 0.0, 0.0],  # 他
    [1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],  # 我
    [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0],  # 爱
    [0.0, 0.0, 0.0, 1.0, 0.0, 0.5, 1.0, 0.0],  # 吃
    [1.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0],  # 你
    [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.5, 1.0],  # 饭
]


def safetensors(name, rows):
    """The bytes of a safetensors file with one float32 matrix: header length, header, numbers."""
    data = b"".join(struct.pack("<%df" % len(row), *row) for row in rows)
    tensor = {"dtype": "F32", "shape": [len(rows), len(rows[0])], "data_offsets": [0, len(data)]}
    header = json.dumps({name: tensor}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data


def write_model(folder, rows):
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "name": "chain-" + folder.name,
        "version": "1",
        "tokenizer": "dictionary",
        "pooling": "mean",
        "normalize": False,
    }
    (folder / "vocab.txt").write_bytes("".join(token + "\n" for token in VOCAB).encode())
    (folder / "model.safetensors").write_bytes(safetensors("embeddings", rows))
    (folder / "config.json").write_bytes((json.dumps(config, indent=2) + "\n").encode())


def main():
    top = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    write_model(top / "w6x2", W6X2)
    write_model(top / "w6x8", W6X8)


if __name__ == "__main__":
    main()
