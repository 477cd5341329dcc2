#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/model2vec_heads: models with heads as model2vec 0.9 and later save them, and what they answer.

    python3 -m venv venv && venv/bin/pip install -r tests/golden/requirements-static.txt
    venv/bin/python tests/golden/make_model2vec_heads.py

Each folder is what to_pipeline().save_pretrained() writes, but for its README.md; expected.json holds the texts and,
of each classifier, predict and predict_proba of the pipeline opened again.
"""
import importlib.metadata
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import torch
from model2vec import StaticModel
from model2vec.inference import StaticModelPipeline
from model2vec.train import StaticModelForClassification, StaticModelForRegression, StaticModelForSimilarity
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

OUT = Path(__file__).resolve().parent / "model2vec_heads"
VERSIONS = {"model2vec": "0.10.0", "torch": "2.15.0", "tokenizers": "0.23.3", "numpy": "2.4.6"}
DIM, HIDDEN = 6, 5
CORPUS = """the cat sat on the mat and the dog ate my homework
where is my card i want to top up my account please
exchange rates are not what they were yesterday morning
我爱吃饭 他爱吃饭 你爱吃饭 今天天气很好 我们去公园""".splitlines()
TEXTS = ["", "the cat", "where is my card?", "我爱吃饭", "Xylophone ☃ zebra", "the the the the", "ÀÉÎ cafés",
         "a b c d e f g h", " ".join(["the cat sat"] * 300), "☃" * 50, "今天天气很好" * 120, "cat☃" * 400]
SEEN = [" ".join(line.split()[i:i + 3]) for line in CORPUS[:4] for i in range(8)]


def tokenizer():
    words, letters = sorted({word for line in CORPUS for word in line.split()}), "abcdefghijklmnopqrstuvwxyz我爱吃饭今天气很好"
    tokens = ["[PAD]", "[UNK]", *letters, *(word for word in words if len(word) > 1 and word.isascii()),
              *("##" + letter for letter in letters)]
    made = Tokenizer(models.WordPiece({token: i for i, token in enumerate(tokens)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    return made


WORDS = tokenizer()


def static(is_mapped):
    rng = np.random.default_rng(7)
    n = WORDS.get_vocab_size()
    more = {"weights": rng.random(n).astype(np.float32),
            "token_mapping": rng.integers(0, 16, n).astype(np.int32)} if is_mapped else {}
    rows = rng.normal(size=(16 if is_mapped else n, DIM)).astype(np.float32)
    return StaticModel(vectors=rows, tokenizer=WORDS, normalize=True, **more)


def spread(model):
    """Numbers of a trained size, after a training too short to tell anything: answers that differ from text to text."""
    torch.manual_seed(2)
    with torch.no_grad():
        for module in model.head:
            if isinstance(module, torch.nn.Linear):
                module.weight.copy_(torch.randn_like(module.weight))
                module.bias.copy_(torch.randn_like(module.bias) / 2)


def classifier(labels, n_layers, normalize=True, is_mapped=False):
    model = StaticModelForClassification.from_static_model(
        model=static(is_mapped), n_layers=n_layers, hidden_dim=HIDDEN, normalize=normalize)
    model.fit(SEEN, labels, max_epochs=2, batch_size=16, device="cpu", early_stopping_patience=None)
    spread(model)
    return model


def of(*names):
    return [names[i % len(names)] for i in range(len(SEEN))]


def several(*names):
    return [[name for j, name in enumerate(names) if (i + 1) >> j & 1] for i in range(len(SEEN))]


def save(name, model):
    model.to_pipeline().save_pretrained(str(OUT / name))
    (OUT / name / "README.md").unlink(missing_ok=True)


def answers(name):
    pipeline = StaticModelPipeline.from_pretrained(str(OUT / name))
    is_multi = pipeline.head.activation.value == "sigmoid"
    predicted = [[str(label) for label in (row if is_multi else [row])] for row in pipeline.predict(TEXTS)]
    return {"kind": "multi-label" if is_multi else "multi-class",
            "labels": [str(label) for label in pipeline.classes_], "predicted": predicted,
            "probabilities": pipeline.predict_proba(TEXTS).astype(float).tolist()}


def main():
    found = {name: importlib.metadata.version(name) for name in VERSIONS}
    if found != VERSIONS:
        sys.exit(f"{VERSIONS} are pinned, not {found}")
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    classifiers = {
        "two": classifier(of("bad", "good"), 1),
        "classes": classifier(of("苹果", "pear", "plum \"quoted\"", "🍎"), 1),
        "numbers": classifier(of(3, -1, 20), 0),
        "plain": classifier(of("a", "b", "c"), 0, normalize=False),
        "labels": classifier(several("a", "b", "c"), 1),
        "labels_linear": classifier(several("a", "b", "c"), 0),
        "deep": classifier(of("a", "b", "c"), 3),
        "mapped": classifier(of("a", "b", "c"), 1, is_mapped=True),
    }
    for name, model in classifiers.items():
        save(name, model)
    for name, kind, out in (("regression", StaticModelForRegression, 2), ("similarity", StaticModelForSimilarity, 3),
                            ("headless", StaticModelForSimilarity, DIM)):
        save(name, kind.from_static_model(model=static(False), n_layers=name != "headless", hidden_dim=HIDDEN,
                                          out_dim=out))
    golden = {"versions": VERSIONS, "texts": TEXTS, "models": {name: answers(name) for name in classifiers}}
    (OUT / "expected.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(classifiers)} classifiers", file=sys.stderr)


main()
