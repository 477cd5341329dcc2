# SPDX-License-Identifier: Apache-2.0
"""Classifiers as model2vec (0.9 and later) and transformers save them, served as they are."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from harness import PATIENCE_S, PROGRAM, TOP

MODEL2VEC = TOP / "tests" / "golden" / "model2vec_heads"
EXPECTED = json.loads((MODEL2VEC / "expected.json").read_text(encoding="utf-8"))
TOKENS = "[PAD] [UNK] [CLS] [SEP] the food is good bad 饭".split()
TEXTS = ["the food is good", "bad food", "", "饭"]
RNG = np.random.default_rng(3)
TABLE, WEIGHT, BIAS = RNG.normal(size=(len(TOKENS), 4)), RNG.normal(size=(3, 4)), RNG.normal(size=3)
LABELS = {"id2label": {"2": "good", "0": "bad", "1": "so so"}}


def run(command, *flags, texts=(), code=0):
    done = subprocess.run([PROGRAM, command, *map(str, flags)], input="".join(t + "\n" for t in texts).encode(),
                          capture_output=True, timeout=10 * PATIENCE_S)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr.decode()


def classify(*flags, texts=TEXTS):
    return [json.loads(line) for line in run("classify", *flags, texts=texts).splitlines()]


def post(service, path, body):
    reply = service.post(path, json.dumps(body).encode())
    return reply.status, json.loads(reply.body)


# -- model2vec --


def check(answers, case):
    for answer, p, predicted in zip(answers, case["probabilities"], case["predicted"], strict=True):
        assert answer["scores"] == pytest.approx(dict(zip(case["labels"], p)), abs=1e-6)
        assert sorted(answer.get("labels", [answer["label"]])) == sorted(predicted)


@pytest.mark.parametrize("name", sorted(EXPECTED["models"]))
def test_classifiers_of_model2vec_answer_as_they_do_there(start, tmp_path, name):
    case, texts = EXPECTED["models"][name], EXPECTED["texts"]
    service = start("--model", str(MODEL2VEC / name))
    status, reply = post(service, "/v1/classify", {"text": texts})
    assert status == 200, reply
    check(reply["data"], case)
    status, reply = post(service, "/predict", {"inputs": [[text] for text in texts]})
    assert status == 200, reply
    for item, p in zip(reply, case["probabilities"], strict=True):
        assert {one["label"]: one["score"] for one in item} == pytest.approx(dict(zip(case["labels"], p)), abs=1e-6)
    check(classify("--model", MODEL2VEC / name, texts=texts), case)
    assert json.loads(run("inspect", MODEL2VEC / name, "--format", "json"))["compat"] == "model2vec"
    run("convert", "--input", MODEL2VEC / name, "--output", tmp_path / "packed.safetensors")
    check(classify("--model", tmp_path / "packed.safetensors", texts=texts), case)


def test_a_classifier_of_model2vec_beside_another_one_keeps_its_labels():
    case = EXPECTED["models"]["labels"]
    found = classify("--model", MODEL2VEC / "two", "--heads", MODEL2VEC / "labels", "--head", "labels",
                     texts=EXPECTED["texts"])
    check(found, case)
    # The file alone would take the labels of the model that it is put on.
    message = run("classify", "--model", MODEL2VEC / "two", "--heads", MODEL2VEC / "classes" / "head.safetensors",
                  code=1)
    assert "head_config in the config.json beside it; give the folder that holds both" in message


@pytest.mark.parametrize("name", ["regression", "similarity", "headless"])
def test_heads_of_model2vec_without_labels_are_refused(tmp_path, name):
    message = run("classify", "--model", MODEL2VEC / name, code=1)
    assert "head_config.activation of config.json is 'identity'" in message and message.count("\n") == 1
    assert not str(MODEL2VEC) in message
    found = run("embed", "--model", MODEL2VEC / name, "--format", "f32", texts=["the cat"])
    shutil.copytree(MODEL2VEC / name, tmp_path / name)
    (tmp_path / name / "head.safetensors").unlink()
    assert found == run("embed", "--model", tmp_path / name, "--format", "f32", texts=["the cat"])
    deep = tmp_path / ("x" * 200) / ("y" * 100)
    shutil.copytree(MODEL2VEC / name, deep)
    assert found == run("embed", "--model", deep, "--format", "f32", texts=["the cat"])
    told = json.loads(run("inspect", MODEL2VEC / name, "--format", "json"))
    assert told["heads"] == [] and told["not_served"].startswith("head.safetensors: head_config.activation")


# -- transformers --


def write_checkpoint(folder, config, name="bert.embeddings.word_embeddings.weight", **tensors):
    """A folder as transformers writes it: the table, and tensors by name with __ for a dot."""
    folder.mkdir(exist_ok=True)
    found = {name: TABLE, **{key.replace("__", "."): value for key, value in tensors.items()}}
    header, data = {}, b""
    for key, value in found.items():
        raw = np.asarray(value, dtype="<f4").tobytes()
        header[key] = {"dtype": "F32", "shape": list(np.shape(value)), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    (folder / "vocab.txt").write_text("".join(token + "\n" for token in TOKENS), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def wanted(folder, texts=TEXTS):
    """Logits of the classifier on what the model makes of the texts."""
    raw = run("embed", "--model", folder, "--format", "f32", texts=texts)
    return np.frombuffer(raw, dtype="<f4").reshape(len(texts), -1).astype(float) @ WEIGHT.T + BIAS


@pytest.mark.parametrize("normalize", [True, False])
def test_the_classifier_of_a_checkpoint_stands_on_pooled_rows(start, tmp_path, normalize):
    folder = write_checkpoint(tmp_path / "bert", {**LABELS, "normalize": normalize, "problem_type": None},
                              classifier__weight=WEIGHT, classifier__bias=BIAS)
    logits = wanted(folder)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    service = start("--model", str(folder))
    status, reply = post(service, "/v1/classify", {"text": TEXTS})
    assert status == 200, reply
    names = ["bad", "so so", "good"]
    for item, some, y in zip(reply["data"], p, logits, strict=True):
        assert item["scores"] == pytest.approx(dict(zip(names, some)), abs=1e-6)
        assert item["label"] == names[y.argmax()]
    status, reply = post(service, "/predict", {"inputs": TEXTS[0]})
    assert status == 200 and reply[0]["label"] == names[logits[0].argmax()]
    # The same packed, and beside another model of the vocabulary.
    run("convert", "--input", folder, "--output", tmp_path / "packed.safetensors")
    assert classify("--model", tmp_path / "packed.safetensors") == classify("--model", folder)
    other = write_checkpoint(tmp_path / "other", {})
    assert classify("--model", other, "--heads", folder) == classify("--model", folder)


def test_a_checkpoint_of_several_labels(tmp_path):
    folder = write_checkpoint(tmp_path / "bert", {**LABELS, "problem_type": "multi_label_classification"},
                              classifier__weight=WEIGHT, classifier__bias=BIAS)
    p = 1 / (1 + np.exp(-wanted(folder)))
    for item, some in zip(classify("--model", folder), p, strict=True):
        assert item["scores"] == pytest.approx(dict(zip(["bad", "so so", "good"], some)), abs=1e-6)
        assert set(item["labels"]) == {name for name, x in zip(["bad", "so so", "good"], some) if x >= 0.5}


def test_a_head_of_ones_own_takes_the_place_of_the_checkpoints(tmp_path):
    folder = write_checkpoint(tmp_path / "bert", LABELS, classifier__weight=WEIGHT, classifier__bias=BIAS)
    (folder / "head.json").write_text(json.dumps({"labels": ["a", "b"], "weight": [[0] * 4], "bias": [1]}))
    assert {item["label"] for item in classify("--model", folder)} == {"b"}


@pytest.mark.parametrize("config, tensors, why", [
    (LABELS, {"classifier__weight": WEIGHT}, "there is no tensor 'classifier.bias'"),
    ({"id2label": {"0": "a"}}, {"classifier__weight": WEIGHT, "classifier__bias": BIAS},
     "id2label of config.json has 1 label, but tensor 'classifier.weight' 3 rows"),
    (LABELS, {"classifier__weight": WEIGHT * np.inf, "classifier__bias": BIAS}, "classifier.weight holds NaN or Inf"),
    (LABELS, {"classifier__weight": np.ones((3, 8)), "classifier__bias": BIAS},
     "classifier.weight takes vectors of 8 columns, but the table has 4"),
    (LABELS, {"classifier__weight": WEIGHT, "classifier__bias": BIAS, "pre_classifier__weight": np.ones((4, 4))},
     "its classifier ('pre_classifier.weight') is DistilBERT's"),
    (LABELS, {"classifier__dense__weight": np.ones((4, 4)), "classifier__out_proj__weight": WEIGHT},
     "is that of RoBERTa or ELECTRA"),
])
def test_a_classifier_that_is_not_served_leaves_the_vectors(start, tmp_path, config, tensors, why):
    folder = write_checkpoint(tmp_path / "bert", config, **tensors)
    message = run("classify", "--model", folder, texts=TEXTS, code=1)
    assert "model.safetensors: " in message and why in message and message.count("\n") == 1
    service = start("--model", str(folder))
    status, reply = post(service, "/v1/classify", {"text": TEXTS})
    assert status == 404 and why in reply["error"]["message"] and str(tmp_path) not in reply["error"]["message"]
    assert post(service, "/predict", {"inputs": TEXTS[0]})[0] == 424
    assert post(service, "/v1/embeddings", {"input": TEXTS[0], "model": "bert"})[0] == 200
    # Asked for as a head it is an error.
    other = write_checkpoint(tmp_path / "other", {})
    assert why in run("classify", "--model", other, "--heads", folder, code=1)


def test_a_damaged_model_folder_among_the_heads_is_named(tmp_path):
    (tmp_path / "heads" / "own").mkdir(parents=True)
    (tmp_path / "heads" / "own" / "model.safetensors").write_bytes(b"junk")
    for path in (tmp_path / "heads", tmp_path / "heads" / "own"):
        message = run("classify", "--model", "builtin", "--heads", path, texts=["hi"], code=1)
        assert "own/model.safetensors" in message and message.count("\n") == 1


@pytest.mark.parametrize("name", ["pipeline.skops", "head.safetensors", "head.csv"])
def test_a_head_that_was_not_fetched_is_said(name, tmp_path):
    folder = shutil.copytree(MODEL2VEC / "two", tmp_path / "model")
    (folder / "head.safetensors").unlink()
    (folder / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    assert "it is a Git LFS pointer" in run("classify", "--model", folder, texts=["hi"], code=1)
