# SPDX-License-Identifier: Apache-2.0
"""New sentences in both languages at once."""

import re
from types import SimpleNamespace

import bilingual
import pytest

CAPTIONS = [("A man is playing a flute.", "一个男人正在吹笛子。"), ("The dog is running", "这只狗在跑。"),
            ("The dog is eating.", "这只狗正在吃东西。"), ("A cat is sleeping on a mat.", "一只猫躺在垫子上睡觉。"),
            ("Two women are singing a song", "两个女人正在唱歌"), ("Birds are flying.", "鸟正在飞。"), ("Nothing", "没有"),
            ("He said: it is raining", "他说：正在下雨")]
WORDS = {"cat": "猫", "dog": "狗", "tree": "树", "red": "红", "see": "看见", "milk": "牛奶", "i": "我", "you": "你"}


class Tokenizer:
    """The longest of these words, else a character."""
    known = re.compile("|".join([*WORDS.values(), "."]))

    def encode_batch(self, lines, add_special_tokens):
        found = [list(self.known.finditer(line)) for line in lines]
        return [SimpleNamespace(tokens=[m[0] for m in some], offsets=[m.span() for m in some]) for some in found]


def said(*words):
    return " ".join(words), "".join(WORDS[word] for word in words)


SENTENCES = [said("i", "see", "cat"), said("you", "see", "dog"), said("i", "see", "red", "tree"), said("you", "milk"),
             said("cat", "milk"), said("dog", "see", "tree"), said("i", "red", "dog"), said("you", "red", "cat"),
             said("tree", "red"), said("i", "milk", "see"), said("dog", "milk"), said("cat", "tree"), said("you", "i")]


def test_recombined_captions_translate_each_other():
    made = dict(bilingual.recombined(CAPTIONS, 2000, seed=1))
    subjects = {"a man": "一个男人", "the dog": "这只狗", "two women": "两个女人", "birds": "鸟", "no man": "没有男人"}
    doings = {"playing a flute": "吹笛子", "running": "跑", "eating": "吃东西", "singing a song": "唱歌", "flying": "飞"}
    for en, zh in made.items():
        ((doing, doing_zh),) = [both for both in doings.items() if f" {both[0]}." in en]
        ((subject, subject_zh),) = [both for both in subjects.items() if both[0] in en.lower()]
        assert doing_zh in zh and subject_zh in zh, (en, zh)
        assert ("没有" in zh) == ("not" in en or " no " in en), (en, zh)
    assert made["The dog is not playing a flute."] == "这只狗没有在吹笛子。"
    assert made["There is no man running."] == "没有男人在跑。"
    assert made["There are two women flying."] == "有两个女人在飞。"
    assert made["The dog who is playing a flute."] == "正在吹笛子的这只狗。"


def test_the_lexicon_has_words_that_translate_each_other():
    lexicon = bilingual.lexicon(SENTENCES, Tokenizer())
    assert {"cat", "dog", "tree", "red", "see", "milk", "you"} == set(lexicon)
    assert all(WORDS[en] == zh for en, zh in lexicon.items())


def test_edits_change_the_same_word_in_both():
    lexicon = {word: WORDS[word] for word in WORDS if word != "i"}
    made = bilingual.edited(SENTENCES, lexicon, [("red cat", "红猫")], Tokenizer(), 30, seed=1)
    assert len(made) > 100 and not set(made) & set(SENTENCES)
    for en, zh in made:
        assert "".join(WORDS[word] for word in en.split()) == zh
    assert ("i see dog", "我看见狗") in made and ("i see", "我看见") in made
    assert any("red cat" in en for en, _ in made)


def test_words_stand_alone_and_in_phrases():
    made = bilingual.words({"cat": "猫", "dog": "狗"}, 3, seed=1)
    assert len(made) == 8 and ("cat", "猫") in made
    assert all(("cat" in en and "猫" in zh) or ("dog" in en and "狗" in zh) for en, zh in made)
    assert set(made[:4]) == set(bilingual.words({"cat": "猫"}, 3, seed=1))


@pytest.mark.parametrize("pairs", [[], [("A man is playing", "一个男人正在玩")]])
def test_too_little_gives_nothing(pairs):
    assert bilingual.recombined(pairs, 100, seed=1) == []


def test_signs_are_what_their_names_say():
    tokens = ["😀", "①", "€", "a", "你", ",", "5", "½", "\ue000", "é", "grin"]
    symbols = list(filter(bilingual.is_symbol, tokens))
    assert bilingual.names(symbols) == [("grinning face", "😀"), ("circled digit one", "①"), ("euro sign", "€"),
                                        ("vulgar fraction one half", "½")]
