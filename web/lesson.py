#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a lesson: the Chain view as one file that needs no server, with a tokenizer and tables in it.

usage: web/lesson.py PROGRAM FILE     PROGRAM: embedd, which is asked what it does not know

It holds the built-in model's dictionary and the first columns of its rows as they lie in the
project, in 4 bits, and the small models of examples/chain. In <script id="table">, base64 of gzip:
the length of a header (32 bits), the header (JSON, whose `parts` are the bytes of each part), and the
parts one after another: tokens (UTF-8, one a line), letters (that words are made of), strange (the
ranges of unknown characters), mapping (token to row, 32 bits), scales (float16, one for 32 columns), rows (docs/FORMAT.md, "Rows of 4 bits").
"""
import array
import base64
import gzip
import json
import re
import struct
import subprocess
import sys
from pathlib import Path

import build

TOP = build.WEB.parent
BUILTIN = TOP / "model/bundle/builtin/embedd-base-2"
CHAIN = TOP / "examples/chain"
DIM = 128
BYTES_MAX = 12_000_000
MODULES = ["dom", "state", "words_zh", "words", "lesson/tokenizers", "lesson/table", "lesson/wire", "server", "draw", "chain",
           "lesson/lesson_words", "lesson/views", "main"]


def safetensors(path):
    """{name: (shape, bytes)}"""
    data = path.read_bytes()
    [size] = struct.unpack_from("<Q", data)
    header, body = json.loads(data[8:8 + size]), memoryview(data)[8 + size:]
    return {name: (one["shape"], body[slice(*one["data_offsets"])]) for name, one in header.items() if name != "__metadata__"}


def columns(shape, data, wanted):
    """The first `wanted` bytes of each row."""
    size = len(data) // shape[0]
    return b"".join(data[at:at + wanted] for at in range(0, len(data), size))


def class_of(pattern):
    """The characters that [^...] leaves out."""
    inside = re.fullmatch(r"\[\^(.*)\]", pattern, flags=re.S)[1]
    assert not re.search(r"[\\\[\]^]|&&", inside), "more than characters and ranges"
    ranges = re.findall(r"(.)-(.)|(.)", inside, flags=re.S)
    return "".join(map(chr, (code for first, last, one in ranges for code in range(ord(first or one), ord(last or one) + 1))))


def strange(program):
    """Ranges of the characters that the program finds to be unknown ones."""
    codes = [code for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000]
    texts = "".join(f"a{chr(code)}b\n" for code in codes)
    lines = subprocess.run([program, "tokenize", "--model=builtin"], input=texts.encode(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.splitlines()
    ranges = []
    for code, line in zip(codes, lines, strict=True):
        if not line.startswith(b'{"tokens":["a","[UNK]","b"],'):
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return ",".join(f"{first:x}" if first == last else f"{first:x}-{last:x}" for first, last in ranges)


def table(program):
    """The built-in model, as web/lesson/table.js reads it."""
    config = json.loads((BUILTIN / "config.json").read_text())
    tokenizer = json.loads((BUILTIN / "tokenizer.json").read_text())
    vocab = tokenizer["model"]["vocab"]
    tokens = sorted(vocab, key=vocab.get)
    assert not any("\n" in one for one in tokens) and vocab[tokens[-1]] == len(tokens) - 1
    letters = class_of(tokenizer["pre_tokenizer"]["pretokenizers"][1]["pattern"]["Regex"])
    tensors = safetensors(BUILTIN / "model.safetensors")
    parts = {"tokens": "\n".join(tokens).encode(), "letters": letters.encode(), "strange": strange(program).encode(), "mapping": bytes(tensors["mapping"][1]),
             "scales": columns(*tensors["scales"], DIM // 32 * 2), "rows": columns(*tensors["embeddings"], DIM // 2)}
    header = {"id": config["name"], "version": config["version"], "tokenizer": "wordpiece", "pooling": config["pooling"], "normalize": config["normalize"],
              "vocab_size": len(tokens), "dim": DIM, "unknown": vocab["[UNK]"], "parts": {name: len(part) for name, part in parts.items()}}
    text = json.dumps(header).encode()
    return base64.b64encode(gzip.compress(struct.pack("<I", len(text)) + text + b"".join(parts.values()), 9, mtime=0)).decode()


def head(path):
    one = json.loads(path.read_text())
    return {"name": path.stem, "kind": "binary" if len(one["weight"]) == 1 else "multi-class", "names": one["labels"], "weight": one["weight"], "bias": one["bias"]}


def small(folder):
    """A model of the chain example."""
    config, tokens = json.loads((folder / "config.json").read_text()), (folder / "vocab.txt").read_text().split()
    [V, D], data = safetensors(folder / "model.safetensors")["embeddings"]
    numbers = array.array("f", bytes(data))
    heads = [head(path) for path in sorted((CHAIN / "heads").glob("*.json"))] if D == 8 else []
    return {"id": folder.name, "version": config["version"], "tokenizer": config["tokenizer"], "pooling": config["pooling"], "normalize": config["normalize"],
            "vocab_size": V, "dim": D, "tokens": tokens, "rows": [numbers[i * D:(i + 1) * D].tolist() for i in range(V)], "heads": heads}


def lesson(program):
    page, policy = build.document(MODULES)
    models = json.dumps([small(CHAIN / name) for name in ("w6x2", "w6x8")], ensure_ascii=False).replace("<", "\\u003c")
    meta = f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; {policy}\">"
    data = f'<script type="application/json" id="small">{models}</script>\n<script type="text/plain" id="table">{table(program)}</script>\n'
    page = re.sub("<noscript>.*</noscript>", "<noscript><p>This page needs its script. 此页面需要脚本。</p></noscript>", page)
    return page.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n{meta}', 1).replace('<script type="module">', data + '<script type="module">', 1)


def main(program, path):
    data = lesson(program).encode()
    if len(data) > BYTES_MAX:
        sys.exit(f"web/lesson.py: the lesson has {len(data)} bytes; {BYTES_MAX} are the most")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    print(f"{path}: {len(data)} bytes")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
