# SPDX-License-Identifier: Apache-2.0
"""Packed models that look large and are not: all of the tokenizer, and a table that is a hole in the file. And what
processes hold of a file in memory."""

import itertools
import json
import os
import re
import struct
import subprocess
from pathlib import Path

SYLLABLES = [first + second for first in "bcdfghjklmnpqrstvwxz" for second in "aeiou"]
WORDS_MAX = len(SYLLABLES) ** 3


def word(number):
    """One of the million words, by its number."""
    n = len(SYLLABLES)
    return SYLLABLES[number // n // n] + SYLLABLES[number // n % n] + SYLLABLES[number % n]


def write_narrow_model(folder, n_tokens):
    """A folder of [UNK] and words, with a table of one column."""
    assert n_tokens <= WORDS_MAX
    folder.mkdir(parents=True)
    words = itertools.chain(["[UNK]"], map(word, range(n_tokens - 1)))
    (folder / "vocab.txt").write_text("".join(one + "\n" for one in words))
    header = json.dumps({"embeddings": {"dtype": "F32", "shape": [n_tokens, 1], "data_offsets": [0, 4 * n_tokens]}})
    header += " " * (-len(header) % 8)
    with open(folder / "model.safetensors", "wb") as out:
        out.write(struct.pack("<Q", len(header)) + header.encode())
        out.truncate(8 + len(header) + 4 * n_tokens)
    return folder


def widen(packed, output, columns):
    """The packed file again, its table with so many columns, all of them zero and none of them on the disk."""
    with open(packed, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        start = file.tell()
        table = header["embeddings"]
        old, new = table["data_offsets"][1], table["shape"][0] * columns * 4
        file.seek(start + old)
        rest = file.read()
    for name, tensor in header.items():
        if name != "__metadata__" and tensor is not table:
            tensor["data_offsets"] = [at - old + new for at in tensor["data_offsets"]]
    table["shape"][1], table["data_offsets"] = columns, [0, new]
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % 64)
    with open(output, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        out.truncate(out.tell() + new)
        out.seek(0, os.SEEK_END)
        out.write(rest)
    return output


def write_sparse_model(program, folder, n_tokens, columns):
    """A packed file of that many tokens and columns in a folder of its own, by `embedd convert` of one column."""
    narrow = folder / "narrow.safetensors"
    source = write_narrow_model(folder / "narrow", n_tokens)
    subprocess.run([program, "convert", "--input", source, "--output", narrow], check=True, stdout=subprocess.DEVNULL)
    model = widen(narrow, folder / f"{n_tokens}x{columns}.safetensors", columns)
    narrow.unlink()
    return model


# ---- memory ----


def anonymous_bytes(pid):
    """Of all that a process has in memory, what is its own: no pages of files, but those it has written to."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Anonymous: +(\d+) kB", text, re.MULTILINE)[1]) * 1024


def file_bytes(pid, path):
    """What a process has in memory of a mapped file: (shared with other processes, private)."""
    shared = private = 0
    is_here = False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        name, _, value = line.partition(":")
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            is_here = line.endswith(" " + os.path.realpath(path))
        elif is_here and name in ("Shared_Clean", "Shared_Dirty"):
            shared += int(value.split()[0]) * 1024
        elif is_here and name in ("Private_Clean", "Private_Dirty"):
            private += int(value.split()[0]) * 1024
    return shared, private
