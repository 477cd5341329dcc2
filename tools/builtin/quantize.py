# SPDX-License-Identifier: Apache-2.0
"""Rows of 4 bits, as docs/FORMAT.md has them and `embedd convert --dtype i4` makes them."""

import json
import struct

import numpy as np

GROUP = 32
# What the value of largest size in a group may become.
TOPS = -np.arange(6, 9.25, 0.25, dtype=np.float32)
AT_ONCE = 4096


def _rounded(groups, scales):
    return np.clip(np.rint(groups / np.where(scales == 0, 1, scales)[..., None]), -8, 7)


def _quantize(rows):
    groups = rows.reshape(len(rows), -1, GROUP)
    largest = np.take_along_axis(groups, np.abs(groups).argmax(axis=2)[..., None], axis=2)[..., 0]
    best = np.full(largest.shape, np.inf)
    scales = np.zeros(largest.shape, np.float16)
    for top in TOPS:
        tried = (largest / top).astype(np.float16)
        wide = tried.astype(np.float32)
        errors = ((groups - _rounded(groups, wide) * wide[..., None])**2).sum(axis=2, dtype=np.float64)
        better = errors < best
        best[better], scales[better] = errors[better], tried[better]
    numbers = _rounded(groups, scales.astype(np.float32)).astype(np.int8).astype(np.uint8) & 15
    return numbers[..., :GROUP // 2] | numbers[..., GROUP // 2:] << 4, scales


def to_i4(rows):
    """rows (n, width), float32, width a multiple of 32 -> bytes (n, width / 2), scales (n, width / 32)."""
    parts = [_quantize(rows[first:first + AT_ONCE]) for first in range(0, len(rows), AT_ONCE)]
    packed, scales = map(np.concatenate, zip(*parts))
    return packed.reshape(len(rows), -1), scales


def from_i4(packed, scales):
    """The values that they stand for."""
    groups = packed.reshape(*scales.shape, GROUP // 2)
    numbers = np.concatenate([groups & 15, groups >> 4], axis=2).astype(np.int8)
    values = ((numbers ^ 8) - 8) * scales.astype(np.float32)[..., None]
    return values.reshape(len(packed), -1)


def write(path, rows, mapping, metadata):
    """A safetensors file of rows in 4 bits; mapping: the row of each token."""
    packed, scales = to_i4(rows)
    tensors = {"embeddings": packed, "mapping": mapping.astype(np.int32), "scales": scales}
    header, end = {"__metadata__": {**metadata, "embedd.i4_columns": str(rows.shape[1])}}, 0
    for name, array in tensors.items():
        kind = {"uint8": "U8", "int32": "I32", "float16": "F16"}[array.dtype.name]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [end, end + array.nbytes]}
        end += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % 64)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(a.tobytes() for a in tensors.values()))
