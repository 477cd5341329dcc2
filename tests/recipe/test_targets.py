# SPDX-License-Identifier: Apache-2.0
"""What the vectors of lines shall be, of teachers that are made up."""

from types import SimpleNamespace

import numpy as np
import pytest

import targets
from shards import Shards

N, WIDTH = 600, 24


def lines_of(prefix, n):
    return [f"{prefix}{i}" for i in range(n)]


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Meanings; the teachers say each of them turned their own way, with a mean of their own."""
    monkeypatch.setattr(targets, "DIM", 16)
    monkeypatch.setattr(targets, "RIDGE", 0.01)
    rng = np.random.default_rng(1)
    lines = SimpleNamespace(
        pairs=list(zip(lines_of("en", N), lines_of("zh", N))), english=lines_of("e", 50), chinese=lines_of("z", 50),
        minilm=lines_of("en", N), e5=lines_of("zh", N), english_words=["word"], chinese_words=["词"],
        english_edits=[("e1 edited", "e1")], chinese_edits=[("zh1 edited", "zh1"), ("z1 edited", "z1")],
        translations=[("new", "新")])
    meaning = {}
    for en, zh in lines.pairs:
        meaning[en] = meaning[zh] = rng.standard_normal(16)
    for line in [*lines.english, *lines.chinese, "word", "词", "e1 edited", "new"]:
        meaning[line] = rng.standard_normal(16)
    meaning["新"] = meaning["new"]
    for edit, line in lines.chinese_edits:
        meaning[edit] = meaning[line] + 0.1 * rng.standard_normal(16)

    def teacher(name, some):
        turn, mean = np.linalg.qr(rng.standard_normal((WIDTH, 16)))[0].T, 3 * rng.standard_normal(WIDTH)
        made = Shards(tmp_path / name, WIDTH)
        made.add(some, np.array([meaning[line] for line in some]) @ turn + mean)
        return made
    english = lines_of("en", N) + lines.english + ["word", "e1 edited", "new"]
    chinese = lines_of("zh", N) + lines.chinese + ["词", "zh1 edited", "z1 edited"]
    shards = {"bge-en": teacher("bge-en", english), "minilm": teacher("minilm", lines.minilm),
              "bge-zh": teacher("bge-zh", chinese), "e5": teacher("e5", lines.e5)}
    return lines, shards, meaning


def cosines(vectors):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit @ unit.T


def test_targets_are_as_alike_as_what_the_lines_mean(world):
    lines, shards, meaning = world
    (english, english_targets), (chinese, chinese_targets) = targets.made(lines, shards)
    everything = english + chinese
    wanted = cosines(np.array([meaning[line] for line in everything]))
    found = cosines(np.concatenate([english_targets, chinese_targets]))
    assert english_targets.shape == (N + 53, 16) and chinese_targets.shape == (N + 54, 16)
    assert np.abs(found - wanted).mean() < 0.05, np.abs(found - wanted).mean()


def test_both_sides_of_a_pair_have_one_target(world):
    (_, english), (_, chinese) = targets.made(*world[:2])
    np.testing.assert_array_equal(english[:N], chinese[:N])
    np.testing.assert_array_equal(english[-1], chinese[-1])  # a new translation


def test_a_line_without_the_second_teacher_has_what_the_first_lets_expect(world):
    lines, shards, meaning = world
    lines.minilm = lines.minilm[: N // 2]
    half = Shards(shards["minilm"].folder.parent / "half", WIDTH)
    half.add(lines.minilm, shards["minilm"](lines.minilm))
    (english, whole), _ = targets.made(lines, shards)
    _, with_guesses = targets.made(lines, {**shards, "minilm": half})[0]
    assert np.abs(cosines(whole) - cosines(with_guesses)).mean() < 0.02


def test_translations_are_drawn_to_each_other(world):
    lines, shards, _ = world
    (english, english_targets), (chinese, chinese_targets) = targets.made(lines, shards)
    texts, wanted = english + chinese, np.concatenate([english_targets, chinese_targets])
    both = targets.translations(lines, len(english), len(chinese))
    assert [(texts[en], texts[zh]) for en, zh in zip(*both)] == lines.pairs + lines.translations
    rng = np.random.default_rng(2)
    vectors = [targets.unit(rng.standard_normal((N + 1, 16)).astype(np.float32)) for _ in both]
    before = wanted.copy()
    targets.nearer(wanted, both, vectors)
    for side, others in zip(both, vectors[::-1]):
        assert ((wanted[side] * others).sum(axis=1) > 0.9).all()
        np.testing.assert_allclose(np.linalg.norm(wanted[side], axis=1), 1, atol=1e-5)
    left = np.setdiff1d(np.arange(len(texts)), np.concatenate(both))
    np.testing.assert_array_equal(wanted[left], before[left])
