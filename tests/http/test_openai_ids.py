# SPDX-License-Identifier: Apache-2.0
"""Token ids of OpenAI's vocabularies, as its clients send them: each text's ids get the vector of the text."""

import json
import os
import random
from pathlib import Path

import pytest

from harness import TOP
from openai_tables import NAMES, encoding, tokens_of

DATA = Path(os.environ.get("EMBEDD_TEST_DATA", TOP.parent / "shared" / "data"))
# A tokenizer that sees every byte: capitals, white space, U+FFFD.
BYTES = TOP / "tests/golden/static/m2v_bpe"
EMOJI = ["😀", "👍🏽", "👩\u200d👩\u200d👧\u200d👦", "🏳\ufe0f\u200d🌈", "🇩🇪", "🇨🇳", "❤\ufe0f", "1\ufe0f\u20e3", "🧑🏿\u200d🚀"]
OWN = {  # files of this project: at most so many lines of each kind
    "English": (900, ["tests/data/builtin/texts.txt", "tests/data/banking77/sample.csv", "README.md", "docs/*.md"]),
    "Chinese": (400, ["README.zh.md", "docs/*.zh.md", "tests/data/golden/cases.txt"]),
    "code": (1700, ["handlers/*.c", "base/*.h", "tests/http/test_o*.py", "Makefile", "docker/*", "docs/*.svg"]),
}
SHARED = [("stsb-en-test.csv", 700), ("stsb-zh-test.csv", 700), ("tatoeba-en-zh.tsv", 700), ("waimai-test.tsv", 400)]
AT_ONCE = 500


def some_lines(path, n):
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line for line in lines if line.strip()][:n]


def all_lines():
    chance = random.Random(5)
    found = []
    for n, patterns in OWN.values():
        kind = [line for pattern in patterns for path in sorted(TOP.glob(pattern)) if path.is_file()
                for line in some_lines(path, n)]
        found += chance.sample(kind, min(n, len(kind)))
    for name, n in SHARED:
        if (DATA / name).exists():
            found += some_lines(DATA / name, n)
    pool = [*EMOJI, "word", " ", "我", "爱", "。", "  \t", "\r\n", "\n\n", "é", "e\u0301", "\u3000", "𠀀", "'ll", "1234", "{}", " " * 90]
    found += ["".join(chance.choice(pool) for _ in range(chance.randint(1, 30))) for _ in range(600)]
    return found


def embed(service, inputs):
    """(what the reply says of ids, its vectors, how many tokens it counted) of up to AT_ONCE inputs at a time."""
    said, vectors, tokens = set(), [], 0
    for at in range(0, len(inputs), AT_ONCE):
        body = {"input": inputs[at:at + AT_ONCE], "encoding_format": "base64"}
        reply = service.post("/v1/embeddings", json.dumps(body).encode())
        assert reply.status == 200, reply.body
        said.add(reply.headers.get("x-embedd-ids"))
        vectors += [item["embedding"] for item in reply.json()["data"]]
        tokens += reply.json()["usage"]["prompt_tokens"]
    return said, vectors, tokens


@pytest.fixture(scope="module")
def lines():
    found = all_lines()
    assert len(found) >= 3000
    return found


@pytest.mark.slow_under_tsan
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("flags", [[], ["--model", str(BYTES)]], ids=["builtin", "bytes"])
def test_ids_get_the_bits_that_their_text_gets(start, lines, name, flags):
    service = start("--openai-ids", name, *flags)
    said, wanted, tokens = embed(service, lines)
    assert said == {None}
    ids = [encoding(name).encode(line, disallowed_special=()) for line in lines]
    assert embed(service, ids) == ({name}, wanted, tokens)
    assert len(set(wanted)) > 2500


def test_without_a_word_ids_are_read_as_cl100k(service):
    text = "LangChain sends token ids 我爱吃饭"
    ids = encoding("cl100k").encode(text)
    assert embed(service, [ids]) == ({"cl100k"}, *embed(service, [text])[1:])
    assert embed(service, [encoding("o200k").encode("token")])[1] != embed(service, ["token"])[1]


@pytest.mark.parametrize("name", NAMES)
def test_bytes_that_are_no_character_become_what_python_makes_of_them(start, name):
    service = start("--openai-ids", name, "--model", str(BYTES))
    tokens, chance = tokens_of(name), random.Random(7)
    split = [i for i, token in enumerate(tokens) if token.decode(errors="replace").encode() != token]
    assert len(split) > 500
    ids = [[i] for i in split[:400]]
    ids += [[chance.choice(split) for _ in range(chance.randint(1, 12))] for _ in range(400)]
    ids += [[chance.randrange(len(tokens)) for _ in range(chance.randint(1, 6))] for _ in range(200)]
    texts = [b"".join(tokens[i] for i in one).decode("utf-8", errors="replace") for one in ids]
    assert sum("\ufffd" in text for text in texts) > 600
    assert embed(service, ids) == ({name}, *embed(service, texts)[1:])
    # That a vector tells how many there are.
    assert len(set(embed(service, ["a", "a\ufffd", "a\ufffd\ufffd"])[1])) == 3


@pytest.mark.parametrize("name, inputs, says", [
    ("cl100k", [[1], [2, 100257]], "input[1][1] is 100257, the special token <|endoftext|> of cl100k_base, which stands for no text; leave it out"),
    ("cl100k", [100261], "input[0] is 100261, but the ids of cl100k_base that stand for text are 0 to 100255; "),
    ("o200k", [200018], "input[0] is 200018, the special token <|endofprompt|> of o200k_base"),
    ("o200k", [199998], "input[0] is 199998, but the ids of o200k_base that stand for text are 0 to 199997; "),
    ("o200k", [[-5]], "input[0][0] is -5, but"),
    ("model", [[10**6]], "input[0][0] is 1000000, but this model's vocabulary has"),
])
def test_an_id_without_a_text_is_named_with_its_place(start, name, inputs, says):
    service = start("--openai-ids", name)
    reply = service.post("/v1/embeddings", json.dumps({"input": inputs}).encode())
    error = reply.json()["error"]
    assert (reply.status, error["param"]) == (400, "input")
    assert error["message"].startswith(says)
    assert "x-embedd-ids" not in reply.headers


def test_every_special_token_of_openais_library_is_refused_by_name(start):
    for name in NAMES:
        service = start("--openai-ids", name)
        for token in encoding(name).special_tokens_set:
            at = encoding(name).encode_single_token(token)
            reply = service.post("/v1/embeddings", json.dumps({"input": [at]}).encode())
            assert reply.status == 400 and f"the special token {token} of {name}_base" in reply.json()["error"]["message"]


def test_few_ids_for_much_text_are_bounded_as_bodies_are(start):
    spaces = encoding("cl100k").encode_single_token(" " * 128)
    service = start("--max-body-bytes", "64K")
    for n, status in ((512, 200), (513, 413)):
        reply = service.post("/v1/embeddings", json.dumps({"input": [spaces] * n}).encode())
        assert reply.status == status
    assert "more text than max-body-bytes, 65536 bytes" in reply.json()["error"]["message"]
