# SPDX-License-Identifier: Apache-2.0
"""Which lines are taught first."""

from types import SimpleNamespace

import numpy as np

import choose


def counts_of(lines, n_tokens):
    ends = np.cumsum([0] + [len(line) for line in lines])
    return SimpleNamespace(indptr=ends, indices=np.concatenate(lines), shape=(len(lines), n_tokens))


def random_lines():
    """Ten tokens a line: of 300 usual ones, and now and then a rare one."""
    rng = np.random.default_rng(5)
    lines = [np.unique(rng.zipf(1.3, 10) % 300) for _ in range(3000)]
    for token in range(300, 360):
        for _ in range(1 + token % 7):
            line = rng.integers(len(lines))
            lines[line] = np.unique(np.append(lines[line], token))
    return lines


def test_a_domain_has_a_share_by_the_root_of_its_size():
    domains = np.repeat([0, 1, 2], [10_000, 2_500, 100])
    order = choose.balanced(domains, seed=1)
    assert sorted(order) == list(range(12_600))
    shares = np.bincount(domains[order[:800]]) / 800
    np.testing.assert_allclose(shares, [100 / 160, 50 / 160, 10 / 160], atol=0.01)


def test_lines_of_a_domain_come_at_random():
    order = choose.balanced(np.zeros(1000, int), seed=1)
    assert abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.1


def test_a_seed_makes_the_order():
    domains = np.arange(1000) % 7
    first, again, other = (choose.balanced(domains, seed) for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()


def test_the_front_shows_each_token_often_enough():
    lines = random_lines()
    order, front = choose.covering_first(np.arange(len(lines)), counts_of(lines, 360), enough=5)
    assert sorted(order) == list(range(len(lines)))
    there = np.bincount(np.concatenate(lines), minlength=360)
    shown = np.bincount(np.concatenate([lines[i] for i in order[:front]]), minlength=360)
    assert (shown >= np.minimum(there, 5)).all()
    assert front < len(lines) / 2


def test_both_parts_keep_the_order_that_they_had():
    lines = random_lines()
    before = np.random.default_rng(1).permutation(len(lines))
    order, front = choose.covering_first(before, counts_of(lines, 360), enough=5)
    place = np.argsort(before)
    assert (np.diff(place[order[:front]]) > 0).all() and (np.diff(place[order[front:]]) > 0).all()


def test_a_line_that_shows_nothing_new_waits():
    order, front = choose.covering_first(np.arange(4), counts_of([[0], [0], [0, 1], [1]], 2), enough=1)
    assert order.tolist() == [0, 2, 1, 3] and front == 2
