#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/static: small models as model2vec and sentence-transformers save them, and their vectors.

    python3 -m venv venv && venv/bin/pip install -r tests/golden/requirements-static.txt
    venv/bin/python tests/golden/make_static.py

Each folder holds a model, expected.json the texts and what each library makes of them.
"""
import json
import shutil
import sys
from pathlib import Path

import model2vec
import numpy as np
import sentence_transformers
from model2vec import StaticModel
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Normalize, StaticEmbedding
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

OUT = Path(__file__).resolve().parent / "static"
DIM = 6
CORPUS = """the cat sat on the mat and the dog ate my homework
where is my card i want to top up my account please
exchange rates are not what they were yesterday morning
我爱吃饭 他爱吃饭 你爱吃饭 今天天气很好 我们去公园""".splitlines() * 3
TEXTS = ["", "the cat", "where is my card?", "我爱吃饭", "Xylophone ☃ zebra", "the the the the", "ÀÉÎ cafés",
         "a b c d e f g h", " ".join(["the cat sat"] * 300), "☃" * 50, "今天天气很好" * 120,
         "cat☃" * 400, "the " * 511 + "dog dog dog"]


def wordpiece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=150, special_tokens=["[PAD]", "[UNK]"], show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=120, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def bpe():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                  show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def table(tokenizer, dtype=np.float32, rows=None):
    rng = np.random.default_rng(7)
    return rng.normal(size=(rows or tokenizer.get_vocab_size(), DIM)).astype(dtype)


def vectors(found):
    return [[float(x) for x in vector] for vector in np.asarray(found, dtype=np.float64)]


def save_model2vec(name, tokenizer, normalize, **more):
    rows = more.pop("vectors", None)
    model = StaticModel(vectors=table(tokenizer) if rows is None else rows, tokenizer=tokenizer, normalize=normalize,
                        config={"model_type": "model2vec", "pooling": "mean"}, **more)
    model.save_pretrained(str(OUT / name))
    (OUT / name / "README.md").unlink(missing_ok=True)
    model = StaticModel.from_pretrained(str(OUT / name))
    return {"library": "model2vec", "vectors": vectors(model.encode(TEXTS))}


def save_static(name, tokenizer, normalize, truncation=None, nested=False):
    if truncation:
        tokenizer.enable_truncation(truncation)
    module = StaticEmbedding(tokenizer, embedding_weights=table(tokenizer))
    model = SentenceTransformer(modules=[module] + ([Normalize()] if normalize else []), device="cpu")
    model.save_pretrained(str(OUT / name), create_model_card=False)
    return {"library": "sentence-transformers", "vectors": vectors(model.encode(TEXTS))}


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    rng = np.random.default_rng(3)
    word, uni, byte = wordpiece(), unigram(), bpe()
    n = word.get_vocab_size()
    whole = np.clip(np.rint(table(word) * 40), -127, 127).astype(np.int8)
    cases = {
        "m2v_wordpiece": save_model2vec("m2v_wordpiece", word, True),
        "m2v_plain": save_model2vec("m2v_plain", word, False),
        "m2v_f16": save_model2vec("m2v_f16", word, True, vectors=table(word, np.float16)),
        "m2v_f64": save_model2vec("m2v_f64", word, False, vectors=table(word, np.float64)),
        "m2v_i8": save_model2vec("m2v_i8", word, True, vectors=whole),
        "m2v_i8_plain": save_model2vec("m2v_i8_plain", word, False, vectors=whole),
        "m2v_unigram": save_model2vec("m2v_unigram", uni, True),
        "m2v_bpe": save_model2vec("m2v_bpe", byte, True),
        "m2v_short": save_model2vec("m2v_short", word, True, max_length=4),
        "m2v_no_limit": save_model2vec("m2v_no_limit", word, True, max_length=None),
        "m2v_weights": save_model2vec("m2v_weights", word, False, weights=rng.random(n)),
        "m2v_mapping": save_model2vec("m2v_mapping", word, False, vectors=table(word, rows=16),
                                      weights=rng.random(n).astype(np.float32),
                                      token_mapping=rng.integers(0, 16, n).astype(np.int32)),
        "st_plain": save_static("st_plain", wordpiece(), False),
        "st_normalize": save_static("st_normalize", unigram(), True),
        "st_truncation": save_static("st_truncation", wordpiece(), True, truncation=5),
    }
    versions = {"model2vec": model2vec.__version__ if hasattr(model2vec, "__version__") else "",
                "sentence-transformers": sentence_transformers.__version__, "numpy": np.__version__}
    text = json.dumps({"versions": versions, "texts": TEXTS, "models": cases}, ensure_ascii=False)
    (OUT / "expected.json").write_text(text + "\n", encoding="utf-8")
    print(f"{len(cases)} models", file=sys.stderr)


main()
