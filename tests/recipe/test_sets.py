# SPDX-License-Identifier: Apache-2.0
"""The translations that nothing is learned from."""

import pytest

import sets
import texts

PAIRS = [(f"Sentence {i}.", f"句子{i}。") for i in range(50)]


def test_what_is_held_out_stands_in_no_other_pair():
    # 10 and 11 share their English, 20 and 21 their Chinese; signs, case and width tell nothing apart.
    pairs = PAIRS + [("SENTENCE 10!", "别的"), ("sentence １１", "另一"), ("Another", "句子20？"), ("Other", "句子２１")]
    held = sets.held_out(pairs, n=46)
    assert held == set(range(50)) - {10, 11, 20, 21}
    with pytest.raises(ValueError, match="47 pairs are to be held out, and only 46"):
        sets.held_out(pairs, n=47)


def test_the_choice_hangs_on_seed_and_texts_alone():
    held = sets.held_out(PAIRS, n=10)
    assert len(held) == 10 and held == sets.held_out(PAIRS, n=10)
    assert held != sets.held_out(PAIRS, n=10, seed=2)
    backwards = {PAIRS[::-1][i] for i in sets.held_out(PAIRS[::-1], n=10)}
    assert backwards == {PAIRS[i] for i in held}
    longer = {(PAIRS + [("new", "新")])[i] for i in sets.held_out(PAIRS + [("new", "新")], n=10)}
    assert len(longer & backwards) >= 9


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """As much of the sets as the recipe's texts are made of."""
    (tmp_path / "tatoeba-en-zh.tsv").write_text("".join(f"{en}\t{zh}\tby us\n" for en, zh in PAIRS))
    for language in ("en", "zh"):
        (tmp_path / f"stsb-{language}-train.csv").write_text("a,b,5.0\n")
    (tmp_path / "banking77-train.csv").write_text("text,category\nwhere is my card,card\n")
    monkeypatch.setattr(sets, "HELD_OUT", 10)
    monkeypatch.setattr(texts, "wordnet_examples", lambda _: [])
    return tmp_path


def test_train_and_held_are_all(folder):
    train, held = (sets.tatoeba(folder, split) for split in ("train", "held"))
    assert len(held) == 10 and len(train) == 40
    assert sorted(train + held) == sorted(PAIRS) == sorted(sets.tatoeba(folder, "all"))


def test_the_recipe_does_not_learn_from_what_is_held_out(folder):
    learned = {line for _, en, zh in texts.sources(folder, folder) for line in en + zh}
    held = {line for pair in sets.tatoeba(folder, "held") for line in pair}
    assert len(held) == 20 and not learned & held
    assert {line for pair in sets.tatoeba(folder, "train") for line in pair} <= learned


@pytest.mark.parametrize("split, n", [("dev", 1500), ("test", 1379)])
def test_genres_cover_a_split_and_do_not_overlap(split, n):
    rows = [row for part in sets.GENRES[split].values() for row in range(n)[part]]
    assert rows == list(range(n))
