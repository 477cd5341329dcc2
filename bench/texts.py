# SPDX-License-Identifier: Apache-2.0
"""Texts to measure with, from many fields, of which none comes twice in a call (tests/data/broad)."""
import functools
import lzma
from pathlib import Path

BROAD = Path(__file__).resolve().parents[1] / "tests/data/broad"


@functools.lru_cache
def lines(language):
    with lzma.open(BROAD / f"{language}.txt.xz", "rt", encoding="utf-8") as file:
        return file.read().splitlines()


def english(rng, n):
    """14 words that follow each other."""
    words = " ".join(lines("english")).split()
    starts = rng.sample(range(len(words) - 14), n)
    return [" ".join(words[at:at + 14]) for at in starts]


def chinese(rng, n):
    """200 characters that follow each other."""
    text = "".join(lines("chinese"))
    starts = rng.sample(range(len(text) - 200), n)
    return [text[at:at + 200].strip() for at in starts]
