# SPDX-License-Identifier: Apache-2.0
"""Texts, and what the command makes of them."""
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests/http"), str(TOP / "examples/engines")]

from harness import PROGRAM, Service  # noqa: E402

# Workers of engines take this Python, and listen where only this machine reaches them.
os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1", RAY_USAGE_STATS_ENABLED="0", DO_NOT_TRACK="true")


@pytest.fixture(scope="session")
def texts():
    """10,000 of both languages, short and long, with empty and odd ones."""
    chance = random.Random(11)
    english = (TOP / "LICENSE").read_text().split()
    chinese = re.findall(r"[\u4e00-\u9fff]", (TOP / "README.zh.md").read_text(encoding="utf-8"))
    made = ["", " ", "\t", "e\u0301", "\U0001F600", "\ufeff我", "ＡＢＣ", "x" * 5000]
    while len(made) < 10_000:
        n = chance.choice([1, 3, 12, 40])
        made.append(" ".join(chance.choices(english, k=n)) if chance.random() < 0.5
                    else "".join(chance.choices(chinese, k=n)) + chance.choice(["", "。", " mixed text"]))
    return made


def vectors_of(texts, *flags):
    """(n, dimensions) float32, by the command."""
    lines = "".join(text + "\n" for text in texts).encode()
    done = subprocess.run([PROGRAM, "embed", "--format", "f32", *flags], input=lines, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.float32).reshape(len(texts), -1)


@pytest.fixture(scope="session")
def expected(texts):
    return vectors_of(texts)


@pytest.fixture(scope="session")
def reviews(tmp_path_factory):
    """A model with a head."""
    path = tmp_path_factory.mktemp("models") / "reviews"
    subprocess.run([PROGRAM, "train", "--input", TOP / "examples/reviews/train.csv", "--output", path], check=True,
                   capture_output=True)
    return path


@pytest.fixture(scope="session")
def service():
    shared = Service()
    yield shared
    try:
        shared.stop()
    finally:
        shared.kill()
