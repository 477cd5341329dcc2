# SPDX-License-Identifier: Apache-2.0
"""Rows of 4 bits: those that the program itself makes, and reads."""

import json
import os
import struct
import subprocess

import numpy as np
import pytest

import quantize

PROGRAM = os.environ.get("EMBEDD", "build/asan/embedd")


@pytest.fixture
def rows():
    rng = np.random.default_rng(4)
    rows = (rng.standard_normal((300, 96)) * rng.lognormal(sigma=3, size=(300, 1))).astype(np.float32)
    rows[5] = 0
    rows[6, :40] = 0
    return rows


def tensors_of(path):
    data = path.read_bytes()
    (n,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + n])
    kinds = {"U8": np.uint8, "F16": np.float16}
    return {name: np.frombuffer(data[8 + n:][slice(*header[name]["data_offsets"])], kinds[header[name]["dtype"]])
            for name in ("embeddings", "scales")}


def test_values_come_back_to_half_a_step(rows):
    packed, scales = quantize.to_i4(rows)
    assert packed.shape == (300, 48) and scales.shape == (300, 3)
    found = quantize.from_i4(packed, scales)
    largest = np.abs(rows.reshape(300, 3, 32)).max(axis=2).repeat(32, axis=1)
    assert (np.abs(found - rows) <= largest / 6).all()
    assert not found[5].any() and not found[6, :32].any()


def folder_of(folder, write):
    folder.mkdir()
    (folder / "vocab.txt").write_text("[UNK]\n" + "".join(f"t{i}\n" for i in range(1, 300)))
    write(folder / "model.safetensors")
    return folder


def write_floats(rows):
    def write(path):
        header = json.dumps({"embeddings": {"dtype": "F32", "shape": rows.shape, "data_offsets": [0, rows.nbytes]}})
        path.write_bytes(struct.pack("<Q", len(header)) + header.encode() + rows.tobytes())
    return write


def test_the_program_makes_the_same_of_the_same_rows(rows, tmp_path):
    folder = folder_of(tmp_path / "floats", write_floats(rows))
    subprocess.run([PROGRAM, "convert", "--input", folder, "--dtype", "i4", "--output", tmp_path / "packed.safetensors"],
                   check=True, stdout=subprocess.PIPE)
    made, (packed, scales) = tensors_of(tmp_path / "packed.safetensors"), quantize.to_i4(rows)
    np.testing.assert_array_equal(made["embeddings"], packed.ravel())
    np.testing.assert_array_equal(made["scales"], scales.ravel())


def test_the_program_reads_the_file(rows, tmp_path):
    folder = folder_of(tmp_path / "few_bits",
                       lambda path: quantize.write(path, rows, np.arange(300)[::-1], {"model": "m"}))
    made = subprocess.run([PROGRAM, "embed", "--model", folder, "--format", "f32"], input=b"t3\n",
                          stdout=subprocess.PIPE, check=True).stdout
    expected = quantize.from_i4(*quantize.to_i4(rows))[296]
    np.testing.assert_allclose(np.frombuffer(made, np.float32), expected / np.linalg.norm(expected), atol=1e-6)
