# SPDX-License-Identifier: Apache-2.0
"""Writes the small models of tests/data/golden and the vectors that numpy makes of them.

usage (in the top folder, in a venv with requirements.txt):
  python tests/golden/make_pooling.py tests/data/golden

cases.txt has a line for each case: model (BUILTIN: the built-in one), pooling, normalize (0, 1), dims, n, the n ids (-1: no id
at all), then the dims values.
"""

import pathlib
import sys

import numpy as np
from safetensors import TensorSpec, serialize_file
from safetensors.numpy import load_file

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "http"))
import four_bits  # noqa: E402

ROWS, DIM = 12, 37  # odd: no vector width divides it
TOKENS = "[UNK] 他 我 爱 吃 你 饭 a b c d e".split()
UNKNOWN = 0
SEQUENCES = [
    [],
    [0],
    [-1, 0],
    [2],
    [2, 3, 4, 6],
    [1, 3, 4, 6],
    [5, 0, 4, -1, 6],
    list(range(1, 12)) * 30 + [0] + list(range(11, 0, -1)) * 3,
]


def to_bf16(values):
    """Rounded to the nearest, ties to even: (bits, the values they stand for)."""
    bits = values.astype("<f4").view("<u4").astype(np.uint64)
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
    return bits.astype("<u2"), (bits.astype("<u4") << 16).view("<f4")


def store(values, dtype):
    if dtype == "F32":
        return "float32", values.astype("<f4"), values.astype("<f4")
    if dtype == "F16":
        return "float16", values.astype("<f2"), values.astype("<f2")
    bits, rounded = to_bf16(values)
    return "bfloat16", bits, rounded


def store_i8(values):
    """(numbers, a scale for each row, the values they stand for)"""
    scales = (np.abs(values).max(axis=1) / 127).astype("<f4")
    numbers = np.rint(values / scales[:, None]).astype("i1")
    return numbers, scales, numbers * scales[:, None]


def store_i4(values):
    """(bytes, a scale for each 32 columns of a row, the values they stand for); what stands for columns that a row has
    not is anything"""
    n, columns = values.shape
    groups = -(-columns // 32)
    wide = np.zeros((n, groups * 32))
    wide[:, :columns] = values
    wide = wide.reshape(n, groups, 32)
    largest = np.take_along_axis(wide, np.abs(wide).argmax(axis=2)[..., None], 2)
    scales = (largest / -8).astype("<f2")
    numbers = np.clip(np.rint(wide / scales.astype("f8")), -8, 7).astype(int)
    stand_for = (numbers * scales.astype("f8")).reshape(n, -1)[:, :columns]
    numbers.reshape(n, -1)[:, columns:] = -1
    data = numbers[..., :16] % 16 | numbers[..., 16:] % 16 << 4
    return data.astype("u1").reshape(n, -1), scales[..., 0].copy(), stand_for


def spec(dtype, array):
    return TensorSpec(
        dtype=dtype, shape=list(array.shape), data_ptr=array.ctypes.data, data_len=array.nbytes
    )


def pool(rows, weights, ids, pooling):
    ids = [id for id in ids if id not in (-1, UNKNOWN)]
    if not ids:
        return np.zeros(rows.shape[1])
    picked = rows[ids]
    if pooling == "mean":
        return picked.mean(axis=0)
    if pooling == "sum":
        return picked.sum(axis=0)
    if pooling == "max":
        return picked.max(axis=0)
    return (picked * weights[ids, None]).sum(axis=0) / weights[ids].sum()


def write_case(lines, model, rows, weights, pooling, normalize, dims, ids):
    vector = pool(rows, weights, ids, pooling)[:dims]
    norm = np.linalg.norm(vector)
    if normalize and norm > 0:
        vector = vector / norm
    values = [f"{v:.9g}" for v in vector]
    lines.append(" ".join(map(str, [model, pooling, normalize, dims, len(ids), *ids, *values])))


def add_builtin(lines, path):
    """Real rows: the sequences are any ids, at both ends of the vocabulary too."""
    tensors = load_file(path)
    rows = four_bits.values(tensors["embeddings"], tensors["scales"])[tensors["mapping"]]
    random = np.random.default_rng(4)
    for dims, n in ((256, 1), (256, 14), (64, 14), (256, 300), (1, 3)):
        ids = random.integers(1000, len(rows), size=n).tolist()
        ids[0] = len(rows) - 1
        write_case(lines, "BUILTIN", rows, None, "mean", 1, dims, ids)


def main():
    folder = pathlib.Path(sys.argv[1])
    random = np.random.default_rng(20)
    values = random.normal(size=(ROWS, DIM)) * random.choice([0.01, 0.3, 1], size=(ROWS, DIM))
    weights = random.uniform(0, 2, size=ROWS).astype("<f4")
    lines = []
    stored_weights = weights
    for dtype in ("F32", "F16", "BF16", "I8", "I4"):
        tensors = {"weights": spec("float32", stored_weights)}
        about = {"made_by": "tests/golden/make_pooling.py"}
        if dtype == "I8":
            data, scales, rows = store_i8(values)
            tensors |= {"embeddings": spec("int8", data), "scales": spec("float32", scales)}
        elif dtype == "I4":
            data, scales, rows = store_i4(values)
            tensors |= {"embeddings": spec("uint8", data), "scales": spec("float16", scales)}
            about["embedd.i4_columns"] = str(DIM)
        else:
            name, data, rows = store(values, dtype)
            tensors |= {"embeddings": spec(name, data)}
        model = folder / dtype.lower()
        model.mkdir(parents=True, exist_ok=True)
        (model / "vocab.txt").write_text("\n".join(TOKENS) + "\n", encoding="utf-8")
        serialize_file(tensors, str(model / "model.safetensors"), about)
        rows, weights = rows.astype(np.float64), weights.astype(np.float64)
        for pooling in ("mean", "weighted", "sum", "max"):
            for normalize in (0, 1):
                for dims in (DIM, 5):
                    for ids in SEQUENCES if dims == DIM else SEQUENCES[:-1]:
                        write_case(lines, dtype, rows, weights, pooling, normalize, dims, ids)
    add_builtin(lines, "model/bundle/builtin/embedd-base-2/model.safetensors")
    (folder / "cases.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
