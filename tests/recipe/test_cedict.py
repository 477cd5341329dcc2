# SPDX-License-Identifier: Apache-2.0
"""What the dictionary's entries leave to learn from."""

import gzip

import pytest

import cedict
import fetch

ENTRIES = """\
# CC-CEDICT
吃飯 吃饭 [chi1 fan4] /to have a meal/to eat/to make a living/(coll.) to dine/
貓 猫 [mao1] /cat/CL:隻|只[zhi1]/(dialect) to hide oneself/
行 行 [hang2] /row/line/profession/
行 行 [xing2] /to walk/
王 王 [Wang2] /surname Wang/
王 王 [wang2] /king or monarch/best or strongest of its type, among others/
電腦 电脑 [dian4 nao3] /computer; CL:臺|台[tai2]/
""".encode()


@pytest.mark.parametrize(("text", "wanted"), [
    ("to have a meal/to eat", ["have a meal", "eat"]),
    ("cat/CL:隻|只[zhi1]", ["cat"]),
    ("variant of 貓|猫[mao1]/see also 狗/abbr. for 電腦", []),
    ("(coll.) to dine/dine", ["dine"]),
    ("one/two/three/four", ["one", "two", "three"]),
    ("of more words than are wanted", []),
    ("to give sb sth/an apple", ["apple"]),
    ("", []),
])
def test_senses(text, wanted):
    assert cedict.senses(text) == wanted


def test_pairs_are_of_the_reading_with_most_senses(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / cedict.FILE).write_bytes(gzip.compress(ENTRIES))
    monkeypatch.setattr(fetch, "package", lambda name: tmp_path)
    assert cedict.pairs(["行", "猫", "王", "电脑", "狗"]) == [
        ("row", "行"), ("line", "行"), ("profession", "行"), ("cat", "猫"), ("hide oneself", "猫"),
        ("king or monarch", "王"), ("computer", "电脑")]
