# SPDX-License-Identifier: Apache-2.0
"""Ids, offsets and decoded texts equal those of the `tokenizers` library, for every kind of
tokenizer.json: small ones made for it (build/parity, make_tokenizers.py), real ones where they have
been fetched (build/parity/real, real_tokenizers.py), and random ones (fuzz_pipelines.py).

PARITY_ONLY=llama2,pre-* takes those instead of SUPPORTED; real ones are called real-NAME, the random
ones "random".
"""

import os
import unicodedata
from fnmatch import fnmatchcase

import pytest
from tokenizers import Tokenizer

import fuzz_pipelines
import real_tokenizers
from corpus import TOP
from lines import all_lines, some_lines
from rig import PROGRAM, Run, compare

# What the program reads, and what of it is known to differ still: patterns as a shell's.
SUPPORTED = ["*"]
NOT_YET = []
# Their regular expressions classify characters: those that are younger than the tables of the
# system's Oniguruma (Unicode 14, as Python 3.11's) are none of ours.
OLD_TABLES = ["clip", "pre-split-regex-*"]

FOLDER = TOP / "build" / "parity"
SHOWN = 4
RANDOM_CASES, RANDOM_SEED = 2000, 1


def wanted(names):
    only = os.environ.get("PARITY_ONLY")
    patterns = only.split(",") if only else SUPPORTED
    return [name for name in names if matches(name, patterns) and (only or not matches(name, NOT_YET))]


def matches(name, patterns):
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def is_known(text):
    return not any(unicodedata.category(c) == "Cn" for c in text)


def made():
    names = sorted(path.stem for path in FOLDER.glob("*.json"))
    assert names, f"no tokenizers in {FOLDER}: make build/parity/ready"
    return names


@pytest.fixture(scope="module")
def texts():
    return {"all": all_lines(), "some": some_lines()}


def shown(tokenizer, text, special, ours, theirs):
    tokens = [tokenizer.id_to_token(i) for i in theirs.ids[:200]] if theirs and theirs.error is None else []
    line = repr(text) if len(text) < 2000 else repr(text[:2000]) + f"… ({len(text)} characters)"
    return (f"  line {line}{' with special tokens' if special else ''}\n"
            f"    ours:\n      {str(ours)[:4000]}\n    reference:\n      {str(theirs)[:4000]}\n      {tokens}")


def check(name, path, lines):
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    differing, refused, complaint = compare(path, tokenizer, lines)
    if not differing and not complaint:
        assert refused < len(lines), f"{name}: the reference refuses every line"
        return
    parts = [f"{name}: {len(differing)} of {2 * len(lines)} results differ", complaint or ""]
    # Short ones say most.
    parts += [shown(tokenizer, *case) for case in sorted(differing, key=lambda c: len(c[0]))[:SHOWN]]
    pytest.fail("\n".join(part for part in parts if part), pytrace=False)


@pytest.mark.parametrize("name", wanted(made()))
def test_lines_have_the_references_tokens(name, texts):
    lines = texts["some" if "-" in name else "all"]
    if matches(name, OLD_TABLES):
        lines = [line for line in lines if is_known(line)]
    check(name, FOLDER / f"{name}.json", lines)


@pytest.mark.parametrize("name", wanted(f"real-{name}" for name in real_tokenizers.NAMES))
def test_a_real_tokenizer_gives_the_references_tokens(name, texts):
    path = real_tokenizers.FOLDER / f"{name.removeprefix('real-')}.json"
    if not path.is_file():
        pytest.skip(f"no {path.relative_to(TOP)}: make parity-real fetches it")
    check(name, path, texts["all"])


@pytest.mark.parametrize("name", wanted(made()))
def test_what_is_compiled_or_written_again_gives_the_same(name, texts):
    cases = [(text, special) for special in (False, True) for text in texts["some"]]
    runs = [Run(FOLDER / f"{name}.json", cases, *form) for form in ([], ["compiled"], ["rewritten"])]
    replies = [run.finish() for run in runs]
    assert [complaint for _, complaint in replies] == [None] * 3
    first = replies[0][0]
    assert len(first) > 0 and [reply == first for reply, _ in replies] == [True] * 3


def test_random_pipelines_give_the_references_tokens():
    if not wanted(["random"]):
        pytest.skip("random pipelines: in NOT_YET, or not in PARITY_ONLY")
    found = fuzz_pipelines.search(RANDOM_CASES, RANDOM_SEED)
    if found.failure:
        pytest.fail(f"{PROGRAM}\n{fuzz_pipelines.described(found.failure)}", pytrace=False)
    assert found.cases >= RANDOM_CASES
