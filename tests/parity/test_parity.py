# SPDX-License-Identifier: Apache-2.0
"""Ids, offsets and decoded texts equal the reference library's, exactly."""
import pytest
from tokenizers import Tokenizer

import fuzz_pipelines
import lines
import make_tokenizers
import reference


@pytest.fixture(scope="session")
def all_lines():
    found = lines.all_lines()
    assert len(found) >= 5000
    return found


def tell(found, n):
    special, text, mine, want = found[0]
    return f"{len(found)} of {n} texts differ; the first, special tokens {special}:\n{text!r}\nours   {mine}\ntheirs {want}"


@pytest.mark.parametrize("name", make_tokenizers.makers())
def test_a_tokenizer_of_each_family(name, all_lines, tmp_path):
    text = make_tokenizers.makers()[name]().to_str()
    path = tmp_path / "tokenizer.json"
    path.write_text(text, encoding="utf-8")
    found = reference.differences(path, Tokenizer.from_str(text), all_lines)
    assert not found, tell(found, 2 * len(all_lines))


@pytest.mark.parametrize("name", ["gpt2", "llama2"])
def test_merges_as_they_were_spelled_once(name, all_lines, tmp_path):
    text = make_tokenizers.spell_merges_old(make_tokenizers.makers()[name]().to_str())
    path = tmp_path / "tokenizer.json"
    path.write_text(text, encoding="utf-8")
    found = reference.differences(path, Tokenizer.from_str(text), all_lines[:2000])
    assert not found, tell(found, 4000)


def test_random_pipelines(tmp_path):
    result = fuzz_pipelines.run(tokenizers=150, texts=40, seed=1, folder=tmp_path)
    assert result.cases > 4000 and result.loaded > 100
    assert not result.failures, result.failures[0]
