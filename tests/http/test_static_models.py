# SPDX-License-Identifier: Apache-2.0
"""Models as model2vec and sentence-transformers save them give the vectors of these libraries, served as they are,
packed, and converted to a folder again."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from harness import PATIENCE_S, PROGRAM

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "static"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
TEXTS = EXPECTED["texts"]
NAMES = sorted(EXPECTED["models"])


def run(*arguments, text=""):
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=text.encode(), capture_output=True,
                          timeout=10 * PATIENCE_S)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def embedded(model, *flags):
    found = run("embed", "--model", model, "--format", "f32", *flags, text="".join(text + "\n" for text in TEXTS))
    return np.frombuffer(found, dtype="<f4").reshape(len(TEXTS), -1)


def check(model, name, *flags, is_float32=False):
    wanted = np.array(EXPECTED["models"][name]["vectors"])
    found = embedded(model, *flags)
    # model2vec rounds to float16 what it makes of a float16 table.
    error = np.full(len(TEXTS), 1e-3 * np.abs(wanted).max() if name == "m2v_f16" else 1e-6)
    if name == "st_plain" or is_float32:
        # float32 sums of hundreds of rows differ by the order in which they are added, or from those of float64.
        error[[len(text) > 1500 for text in TEXTS]] = 3e-6
    worst = np.abs(found - wanted).max(axis=1)
    assert (worst <= error).all(), [(TEXTS[i][:40], worst[i]) for i in np.argsort(-worst / error)[:3]]


@pytest.mark.parametrize("name", NAMES)
def test_vectors_are_those_of_the_library(name):
    check(GOLDEN / name, name)


@pytest.mark.parametrize("name", NAMES)
def test_packed_and_written_again_they_are_the_same(name, tmp_path):
    run("convert", "--input", GOLDEN / name, "--output", tmp_path / "packed.safetensors")
    is_float32 = name == "m2v_f64"  # as it is packed
    check(tmp_path / "packed.safetensors", name, is_float32=is_float32)
    run("convert", "--input", tmp_path / "packed.safetensors", "--output", tmp_path / "folder", "--to", "folder")
    check(tmp_path / "folder", name, is_float32=is_float32)


def inspected(model, *flags):
    return json.loads(run("inspect", model, "--format", "json", *flags))


def test_whose_numbers_they_are_is_told_and_may_be_chosen():
    told = inspected(GOLDEN / "m2v_unigram")
    assert (told["compat"], told["unknown"], told["max_length"]) == ("model2vec", "left out", 512)
    told = inspected(GOLDEN / "m2v_unigram", "--compat", "model2vec-0.8")
    assert (told["compat"], told["unknown"]) == ("model2vec-0.8", "kept")
    told = inspected(GOLDEN / "st_truncation")
    assert (told["compat"], told["unknown"], told["max_length"]) == ("sentence-transformers", "kept", 5)
    assert told["normalize"] and not inspected(GOLDEN / "st_plain")["normalize"]
    told = inspected(GOLDEN / "m2v_plain", "--compat", "embedd")
    assert (told["compat"], told["max_length"], told["max_characters"]) == ("embedd", 512, None)
    assert inspected(GOLDEN / "m2v_short")["max_length"] == 4
    # What Rust's library takes where config.json does not say.
    assert inspected(GOLDEN / "st_plain", "--compat", "model2vec-rs")["normalize"]


def test_unknown_tokens_of_unigram_counted_before_version_0_9():
    new, old = (embedded(GOLDEN / "m2v_unigram", "--compat", f"model2vec{version}") for version in ("", "-0.8"))
    differs = [text for text, a, b in zip(TEXTS, new, old) if np.abs(a - b).max() > 1e-6]
    assert "Xylophone ☃ zebra" in differs and "the the the the" not in differs
