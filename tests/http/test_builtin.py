# SPDX-License-Identifier: Apache-2.0
"""The built-in model: its vectors to the bit, the reference's on the same files, and its limits."""

import hashlib
import json
import os
import subprocess

import four_bits
import numpy
import pytest
from harness import PATIENCE_S, PROGRAM, TOP
from tokenizers import Tokenizer

pytestmark = pytest.mark.slow_under_tsan  # one thread reads, embeds and writes

MODEL = TOP / "model" / "bundle" / "builtin" / "embedd-base-2"
DATA = TOP / "tests" / "data" / "builtin"
TEXTS = (DATA / "texts.txt").read_text(encoding="utf-8").split("\n")[:-1]
DIM = 256


def embed(texts, *flags, **environment):
    run = subprocess.run([PROGRAM, "embed", "--format", "f32", *flags, "-"],
                         input="".join(t + "\n" for t in texts).encode(), capture_output=True,
                         timeout=10 * PATIENCE_S, env={**os.environ, **environment})
    assert run.returncode == 0, run.stderr
    return numpy.frombuffer(run.stdout, "<f4").reshape(len(texts), -1)


def tokenize(text):
    run = subprocess.run([PROGRAM, "tokenize", "-"], input=text.encode() + b"\n",
                         capture_output=True, timeout=10 * PATIENCE_S)
    return json.loads(run.stdout)


@pytest.mark.parametrize("cpu", [{}, {"EMBEDD_CPU": "scalar"}, {"EMBEDD_CPU": "avx2"}])
def test_no_bit_of_200_vectors_has_changed(cpu):
    golden = (DATA / "golden.txt").read_text().split()
    found = [hashlib.sha256(row.tobytes()).hexdigest() for row in embed(TEXTS, **cpu)]
    assert len(golden) == len(TEXTS) == 200
    assert [t for t, a, b in zip(TEXTS, found, golden) if a != b] == []


def test_vectors_are_those_of_numpy_and_the_tokenizers_library():
    data = (MODEL / "model.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])

    def tensor(name, dtype):
        begin, end = header[name]["data_offsets"]
        return numpy.frombuffer(data[8 + length:][begin:end], dtype).reshape(header[name]["shape"])

    rows = four_bits.values(tensor("embeddings", "u1"), tensor("scales", "<f2"))[tensor("mapping", "<i4")]
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    unknown = tokenizer.token_to_id("[UNK]")
    for text, found in zip(TEXTS, embed(TEXTS)):
        ids = [i for i in tokenizer.encode(text, add_special_tokens=False).ids if i != unknown]
        total = rows[ids].sum(axis=0)
        norm = numpy.linalg.norm(total)
        assert numpy.abs(found - (total / norm if norm else total)).max() <= 1e-6, text


def test_every_row_is_sound():
    run = subprocess.run([PROGRAM, "inspect", "builtin", "--format", "json"], capture_output=True,
                         timeout=PATIENCE_S, check=True)
    found = json.loads(run.stdout)
    size = sum(path.stat().st_size for path in MODEL.iterdir() if path.suffix != ".md")
    assert found["name"] == "embedd-base-2" and found["dtype"] == "I4" and size <= 16_000_000
    assert found["dim"] == DIM and found["license"] == "CC-BY-SA-4.0"


def similar(vectors, a, b):
    return float(vectors[a] @ vectors[b])


def test_both_languages_live_in_one_space():
    texts = ["I love to eat", "我爱吃饭", "The stock market fell today", "今天股市下跌了",
             "我 love 北京 food"]
    vectors = embed(texts)
    assert similar(vectors, 0, 1) > max(similar(vectors, 0, 3), similar(vectors, 1, 2)) + 0.2
    assert similar(vectors, 2, 3) > max(similar(vectors, 0, 3), similar(vectors, 1, 2)) + 0.2
    assert numpy.linalg.norm(vectors[4]) == pytest.approx(1, abs=1e-6)


def test_what_has_no_known_token_is_the_zero_vector(start):
    texts = ["", " \t ", "\U00010330\U00010331", "\u0301"]
    assert not embed(texts).any()
    service = start()
    reply = service.post("/v1/embeddings", json.dumps({"input": "\U00010330"}).encode())
    assert reply.status == 200 and reply.headers["x-embedd-unknown"] == "1"
    assert not any(json.loads(reply.body)["data"][0]["embedding"])


def test_a_megabyte_of_one_character_is_that_character():
    for character, n in (("鹦", 1 << 18), ("a ", 1 << 18)):
        vectors = embed([character * n, character])
        assert float(vectors[0] @ vectors[1]) > 0.999


def test_languages_it_does_not_know_have_finite_vectors():
    texts = ["Привет, мир", "مرحبا بالعالم", "नमस्ते दुनिया", "こんにちは世界", "😀 emoji 😂",
             "for (int i = 0; i < n; i++) { sum += a[i]; }", "SELECT * FROM t WHERE x = 'y'"]
    norms = numpy.linalg.norm(embed(texts), axis=1)
    assert all(n == 0 or abs(n - 1) < 1e-6 for n in norms)


def test_no_chinese_character_of_everyday_texts_is_unknown():
    text = "".join(chr(c) for c in range(0x4E00, 0x9FA6))
    unknown = sum(end - start for token, (start, end) in
                  zip(*[tokenize(" ".join(text))[k] for k in ("tokens", "offsets")])
                  if token == "[UNK]")
    assert unknown < 0.7 * len(text)  # the rare two thirds are left out
    common = tokenize("的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动")
    assert "[UNK]" not in common["tokens"]


def test_an_unknown_character_costs_itself_alone():
    plain, rare, inside = embed(["今天和朋友去吃，味道很好", "今天和朋友去吃𰻞，味道很好", "今天和𰻞朋友去吃，味道很好"])
    assert (rare == plain).all() and float(plain @ inside) > 0.99
    assert tokenize("吃𰻞面")["tokens"].count("[UNK]") == 1


@pytest.mark.parametrize("one, other", [("ＡＢＣ１２３", "ABC123"), ("電腦軟體", "电脑软件"), ("我愛吃飯", "我爱吃饭"), ("圖書館裡有很多書", "图书馆里有很多书")])
def test_forms_of_one_text_have_one_vector(one, other):
    first, second = embed([one, other])
    assert first.any() and (first == second).all()
