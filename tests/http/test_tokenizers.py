# SPDX-License-Identifier: Apache-2.0
"""Models with tokenizers of every kind, served: tokens, text, vectors."""

import base64
import json
import shutil
import subprocess

import pytest
from tokenizers import Tokenizer

from harness import PROGRAM, TOP, write_table

SEEDS = TOP / "tests" / "fuzz" / "corpus" / "tokenizer_json"
KINDS = {"bpe_bytes": "bpe", "bpe_fallback": "bpe", "bpe_split": "bpe", "unigram_map": "unigram", "unigram_bytes": "unigram",
         "wordlevel_any": "wordlevel", "wordpiece_any": "wordpiece"}
TEXTS = ["ab abc  我爱 é!", "aab ab,\n12'S x", "我爱我", ""]


def folder_of(folder, name):
    """A model folder: the tokenizer, and a row (id, 1) for each token."""
    shutil.copy(SEEDS / name, folder / "tokenizer.json")
    tokenizer = Tokenizer.from_file(str(SEEDS / name))
    write_table(folder, [value for i in range(tokenizer.get_vocab_size()) for value in (i, 1)])
    (folder / "config.json").write_text(json.dumps({"normalize": False}))
    return tokenizer


def ask(service, path, body):
    return service.post(path, json.dumps(body).encode())


@pytest.mark.parametrize("name", KINDS)
def test_tokens_text_and_vectors_over_http(name, start, tmp_path):
    tokenizer = folder_of(tmp_path, name)
    service = start("--model", str(tmp_path))
    assert service.get("/v1/models").status == 200
    for text in TEXTS:
        want = tokenizer.encode(text, add_special_tokens=False)
        (got,) = ask(service, "/tokenize", {"inputs": text, "add_special_tokens": False}).json()
        assert [token["id"] for token in got] == want.ids
        # Bytes, as TEI has them of the same library.
        assert [(token["start"], token["stop"]) for token in got] == [
            tuple(len(text[:at].encode()) for at in span) for span in want.offsets]
        if want.ids:
            (back,) = ask(service, "/decode", {"ids": want.ids, "skip_special_tokens": False}).json()
            assert back == tokenizer.decode(want.ids, skip_special_tokens=False)
    known = [i for i in tokenizer.encode(TEXTS[0], add_special_tokens=False).ids
             if i != tokenizer.token_to_id("<unk>") and i != tokenizer.token_to_id("[UNK]")]
    (vector,) = ask(service, "/embed", {"inputs": TEXTS[0], "normalize": False}).json()
    want = [sum(known) / len(known), 1.0] if known else [0.0, 0.0]  # unknown tokens are left out
    assert vector == pytest.approx(want, rel=1e-6)


def test_a_text_that_a_pattern_takes_too_long_on_is_refused(start, tmp_path):
    folder_of(tmp_path, "wordlevel_regex")
    data = json.loads((tmp_path / "tokenizer.json").read_text())
    data["pre_tokenizer"] = {"type": "Split", "pattern": {"Regex": "(a|aa|a.)+$b"}, "behavior": "Isolated", "invert": False}
    data["normalizer"] = None
    (tmp_path / "tokenizer.json").write_text(json.dumps(data))
    service = start("--model", str(tmp_path))
    reply = ask(service, "/embed", {"inputs": "a" * 300})
    assert reply.status == 422 and "takes too long on this text" in reply.body.decode()
    assert ask(service, "/embed", {"inputs": "ab"}).status == 200


def test_a_long_text_without_a_match_is_not_taken_for_one_that_backtracks(start, tmp_path):
    (tmp_path / "tokenizer.json").write_text(json.dumps({
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": r"\p{N}{1,3}"}, "behavior": "Isolated", "invert": False},
        "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "7": 1}}}))
    write_table(tmp_path, [0, 1, 2, 3])
    service = start("--model", str(tmp_path))
    text = "It was the best of times. " * 60_000 + "7"
    (found,) = ask(service, "/tokenize", {"inputs": text}).json()
    assert [(token["id"], token["start"]) for token in found] == [(0, 0), (1, len(text) - 1)]


def test_a_charsmap_cut_short_is_refused(tmp_path):
    folder_of(tmp_path, "unigram_map")
    whole = json.loads((SEEDS / "unigram_map").read_text())
    step = whole["normalizer"]
    while "precompiled_charsmap" not in step:
        step = next(part for part in step["normalizers"] if part["type"] in ("Precompiled", "Sequence"))
    data = base64.b64decode(step["precompiled_charsmap"])
    for left in (0, 3, len(data) // 2, len(data) - 2, len(data) - 1):
        step["precompiled_charsmap"] = base64.b64encode(data[:left]).decode()
        (tmp_path / "tokenizer.json").write_text(json.dumps(whole))
        done = subprocess.run([PROGRAM, "inspect", tmp_path], capture_output=True, text=True)
        assert done.returncode == 1 and "cut short" in done.stderr, (left, done.stderr)
