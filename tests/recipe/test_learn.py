# SPDX-License-Identifier: Apache-2.0
"""What the rows of the built-in model learn from, and what it costs them."""

from types import SimpleNamespace

import numpy as np
import pytest

import losses
import targets

WIDTHS = ((6, 1.0), (3, 0.5))


def cosine(a, b):
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def near_loss(a, b, cosines):
    total = 0
    for (width, weight), wanted in zip(WIDTHS, cosines.T):
        error = cosine(a[:, :width], b[:, :width]) - wanted
        total += weight * ((error - error.mean()) ** 2).mean()
    return total


def test_the_gradient_of_near_pairs_is_that_of_their_loss():
    rng = np.random.default_rng(1)
    a, b, cosines = rng.standard_normal((5, 6)), rng.standard_normal((5, 6)), rng.random((5, 2))
    gradient, step = losses.near_gradient(a, b, cosines, WIDTHS), 1e-6
    for both in range(2):
        for i, j in np.ndindex(a.shape):
            moved = [a.copy(), b.copy()]
            moved[both][i, j] += step
            slope = (near_loss(*moved, cosines) - near_loss(a, b, cosines)) / step
            assert gradient[both * len(a) + i, j] == pytest.approx(slope, abs=1e-4)


def test_what_all_near_pairs_differ_by_costs_nothing():
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((5, 6)), rng.standard_normal((5, 6))
    cosines = np.stack([cosine(a[:, :width], b[:, :width]) - 0.1 for width, _ in WIDTHS], axis=1)
    assert np.abs(losses.near_gradient(a, b, cosines, WIDTHS)).max() < 1e-9


def test_near_pairs_are_edits_and_their_lines():
    lines = SimpleNamespace(pairs=[("en0", "zh0"), ("en1", "zh1")], english=["e0"], chinese=["z0", "z1"],
                            translations=[("new", "新")],
                            english_edits=[("en1 edited", "en1"), ("lost", "not there"), ("e0 edited", "e0")],
                            chinese_edits=[("z1 edited", "z1")])
    english = ["en0", "en1", "e0", "word", "en1 edited", "lost", "e0 edited", "new"]
    chinese = ["zh0", "zh1", "z0", "z1", "词", "z1 edited", "新"]
    texts = english + chinese
    wanted = np.random.default_rng(3).standard_normal((len(texts), 6)).astype(np.float32)
    edit, own, cosines = targets.near_pairs(lines, len(english), len(chinese), wanted, [6, 3])
    assert [(texts[a], texts[b]) for a, b in zip(edit, own)] == [
        ("en1 edited", "en1"), ("e0 edited", "e0"), ("z1 edited", "z1")]
    for width, found in zip((6, 3), cosines.T):
        assert found == pytest.approx(cosine(wanted[edit, :width], wanted[own, :width]), abs=1e-6)
