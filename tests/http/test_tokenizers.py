# SPDX-License-Identifier: Apache-2.0
"""Models with tokenizers of every kind, served: tokens, text, vectors."""

import json
import shutil

import pytest
from tokenizers import Tokenizer

from harness import TOP, write_table

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
        assert [(token["start"], token["stop"]) for token in got] == want.offsets
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
