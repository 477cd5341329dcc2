# SPDX-License-Identifier: Apache-2.0
"""How much more a word counts than was learned, by its kind.

The weight of a word is the length of its row, and what is learned follows the teachers. Some kinds they misjudge in text
after text: numbers and words that deny count too little, articles, pronouns, measure words and punctuation too much. So
each kind has a factor, and a word counts less the more often it is asked for. The factors were chosen on the dev sets, a
dozen numbers (docs/MODEL.md tells how it was seen that they hold for other pairs).
"""

import re

import numpy as np

import fetch
from ideographs import is_chinese

# Words that turn round what a text says; those of Chinese before a word.
DENIALS_CHINESE = ("没有", "不", "没", "不是", "并不", "别")
WORDS = {
    "denials": "no not nobody nothing never none nor neither cannot without 不能 不会 不要 不可 不可以 不用 无 未 无法 没法 "
               + " ".join(DENIALS_CHINESE),
    "numerals": "one two three four five six seven eight nine ten 一 二 三 四 五 六 七 八 九 十 两",
    "articles": "the a an",
    "measure words": "一个 一只 一名 一位 一条 一辆 一群 一些 一张 一块 一件 一种 一座 一匹 一架 一 个 只 名 位 条",
    "pronouns": "i you my your me we our us he she his her him they them their it its "
                "我 你 您 他 她 它 我们 你们 他们 她们 自己 我的 你的 他的 她的",
    "demonstratives": "this that these those there here",
    "particles": "的 了 着 过 地 得 在 是 有 和 与 上 里 中 下 就 都 也 还 被 把 给 到 从 对 为",
    "modal verbs": "能 可以 会 要 想 应该 可能 必须 需要",
}
# Parts of speech in jieba's dictionary.
SPEECH = {"adjectives": {"a", "ad", "an"}, "names": {"nr", "ns", "nt", "nz", "nrt", "nrfg"}}
FACTORS = {"denials": 1.5, "numerals": 1.15, "articles": 0.65, "measure words": 0.7, "pronouns": 0.8, "demonstratives": 1.6,
           "particles": 1.5, "modal verbs": 1.5, "adjectives": 1.35, "names": 0.9, "digits": 1.3, "signs": 0.8}
# Of how often a word is asked for.
OFTEN = -0.03


def is_word(token):
    return token.isascii() and token.isalpha() or len(token) > 1 and is_chinese(token)


def is_sign(token):
    return not any(map(str.isalnum, token))


def parts_of_speech():
    """{Chinese word: its part of speech}."""
    lines = (fetch.package("jieba") / "dict.txt").read_text(encoding="utf-8").splitlines()
    return {word: part for word, _, part in map(str.split, lines)}


def kinds(vocabulary, of_token):
    """{kind: its rows, each once}. vocabulary: {token: id}, without the unknown token; of_token: the row of each id."""
    part = parts_of_speech()

    def rows(is_of_kind):
        return np.unique(of_token[[i for token, i in vocabulary.items() if is_of_kind(token)]])
    found = {kind: rows(set(words.split()).__contains__) for kind, words in WORDS.items()}
    found |= {kind: rows(lambda token: part.get(token) in parts) for kind, parts in SPEECH.items()}
    return found | {"digits": rows(lambda token: re.search(r"\d", token)), "signs": rows(is_sign)}


def factors(ask, often):
    """Of each row; ask: Rows; often: how often each is asked for."""
    vocabulary = {token: i for token, i in ask.tokenizer.get_vocab().items() if i != ask.unknown}
    out = np.ones(ask.n, np.float32)
    for kind, rows in kinds(vocabulary, ask.of_token).items():
        out[rows] *= FACTORS[kind]
    words = np.unique(ask.of_token[[i for token, i in vocabulary.items() if is_word(token)]])
    logs = np.log(often[words] + 1)
    out[words] *= np.exp(OFTEN * (logs - logs.mean()))
    return out
