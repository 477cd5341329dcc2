# SPDX-License-Identifier: Apache-2.0
"""Sentences one word away from others."""

import re
from collections import Counter
from types import SimpleNamespace

import edits

LINES = ["A man is playing a large flute.", "Three women are running on the beach", "Do cats like fresh milk?",
         "She can open the old door", "Too short"]
SYNONYMS = {"large": {"big"}, "cats": {"kittens"}, "fresh": {"new", "recent"}}


def test_an_edit_is_one_word_away():
    made = edits.english(LINES, SYNONYMS, 200, seed=1)
    assert {line for _, line in made} == set(LINES[:4])
    for edit, line in made:
        old, new = (Counter(re.findall("[a-z'-]+", text.lower())) for text in (line, edit))
        less, more = (old - new).total(), (new - old).total()
        assert less + more, edit
        is_denied = any(word in {"no", "not", "cannot"} or word.endswith("n't") for word in new)
        assert is_denied or max(less, more) == 1, (line, edit)


def test_edits_are_of_every_kind():
    made = {edit for edit, _ in edits.english(LINES, SYNONYMS, 400, seed=1)}
    assert {"A man is playing a big flute.", "Do kittens like fresh milk?", "There is no man playing a large flute.",
            "There are no women running on the beach", "She can't open the old door",
            "man is playing a large flute.", "Do cats like fresh?"} <= made


def test_edits_are_new_and_each_once():
    made = [edit.lower() for edit, _ in edits.english(LINES + ["a man is playing a flute."], SYNONYMS, 400, seed=2)]
    assert len(set(made)) == len(made)
    assert not set(made) & {line.lower() for line in [*LINES, "a man is playing a flute."]}


def test_a_seed_makes_the_edits():
    assert edits.english(LINES, SYNONYMS, 5, 3) == edits.english(LINES, SYNONYMS, 5, 3)
    assert edits.english(LINES, SYNONYMS, 5, 3) != edits.english(LINES, SYNONYMS, 5, 4)


def test_chinese_words_are_those_of_the_tokenizer():
    words = ["一个", "男人", "在", "唱歌", "。"]
    spans = [(sum(map(len, words[:i])), sum(map(len, words[:i + 1]))) for i in range(len(words))]
    tokenizer = SimpleNamespace(encode_batch=lambda lines, **_: [SimpleNamespace(offsets=spans, tokens=words) for _ in lines])
    made = {edit for edit, _ in edits.chinese(["一个男人在唱歌。"], tokenizer, 300, seed=1)}
    assert {"一个在唱歌。", "一个男人在不唱歌。", "一个男人没有在唱歌。", "一个唱歌在唱歌。", "一个男人在唱歌在。"} <= made
    assert all(edit.endswith("。") for edit in made)


def test_synonyms_are_the_single_words_of_a_synset():
    data = ("  1 This software\n"
            "00001740 03 n 03 big 0 large 0 very_large 0 001 @ 00001930 n 0000 | of size\n"
            "00001741 03 a 02 a 0 Great(p) 0 000 | great\n"
            "00001742 03 a 02 great 0 large 0 000 | great\n")
    assert edits.synonyms({"data.adj": data.encode()}) == {
        "big": {"large"}, "large": {"big", "great"}, "great": {"large"}}
