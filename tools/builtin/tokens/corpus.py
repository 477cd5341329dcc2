# SPDX-License-Identifier: Apache-2.0
"""The texts that tokens are chosen from, normalized as the tokenizer normalizes them.

Sources and licences: corpus-README.md of the folder of the sets, and docs/MODEL.md.
"""

import csv
import lzma
import re
import unicodedata
from importlib.util import find_spec
from pathlib import Path

CHINESE = "\u3400-\u4dbf\u4e00-\u9fff"
RUN = re.compile(f"[{CHINESE}]+")


def package(name):
    return Path(find_spec(name).origin).parent


def normal(text):
    """NFKC, then what BertNormalizer does: no accents, lower case."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text))
    return "".join(c for c in text if unicodedata.category(c) != "Mn").lower()


def _xz(path):
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file]


def _columns(path, *places):
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.reader(file) if path.suffix == ".csv" else (line.split("\t") for line in file)
        return [row[place] for row in rows for place in places]


def english(data):
    """Lines; those of translations too, and of the small sets that the model learns from."""
    data = Path(data)
    return (_xz(data / "corpus-en.txt.xz") +
            [line.split("\t")[0] for line in _xz(data / "parallel-en-zh.tsv.xz")] +
            _columns(data / "tatoeba-en-zh.tsv", 0) + _columns(data / "stsb-en-train.csv", 0, 1) +
            _columns(data / "banking77-train.csv", 0))


def chinese(data):
    data = Path(data)
    return (_xz(data / "corpus-zh.txt.xz") +
            [line.split("\t")[1] for line in _xz(data / "parallel-en-zh.tsv.xz")] +
            _columns(data / "tatoeba-en-zh.tsv", 1) + _columns(data / "stsb-zh-train.csv", 0, 1))
