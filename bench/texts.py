# SPDX-License-Identifier: Apache-2.0
"""Texts to measure with, of which none comes twice."""
import csv
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]


def english(rng, n):
    """14 words of people's questions."""
    with open(TOP / "tests/data/banking77/sample.csv", encoding="utf-8", newline="") as file:
        words = [word for row in csv.reader(file) for word in row[0].split()]
    return [" ".join(rng.choice(words) for _ in range(14)) for _ in range(n)]


def chinese(rng, n):
    """200 characters, from bits of a text, so that no text and no long bit comes twice."""
    text = (TOP / "README.zh.md").read_text(encoding="utf-8")
    text = "".join(c for c in text if ord(c) > 0x2E80)
    texts = []
    for _ in range(n):
        one = ""
        while len(one) < 200:
            at = rng.randrange(len(text) - 12)
            one += text[at:at + rng.randint(3, 12)]
        texts.append(one[:200])
    return texts
