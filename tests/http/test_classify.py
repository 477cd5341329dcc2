# SPDX-License-Identifier: Apache-2.0
"""Classifier heads in the running program: over HTTP by the official client, and on the command line."""

import json
import math
import os
import re
import shutil
import subprocess

import openai
import pytest
from harness import PATIENCE_S, PROGRAM, TOP, write_table

MODEL = str(TOP / "examples" / "chain" / "w6x2")
HEADS = str(TOP / "examples" / "heads")
SKOPS = TOP / "tests" / "golden" / "skops"
TEXTS = ["我爱吃饭", "我", "", "饭"]


def classify(*flags, texts=TEXTS, code=0):
    run = subprocess.run([PROGRAM, "classify", *flags], input="".join(t + "\n" for t in texts).encode(),
                         capture_output=True, timeout=10 * PATIENCE_S)
    assert run.returncode == code, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()] if code == 0 else run.stderr.decode(errors="replace")


def predictions(service):
    text = service.get("/metrics").body.decode()
    return {labels: int(n) for labels, n in re.findall(r'^embedd_predictions_total\{model="chain-w6x2",(.*)\} (\d+)$', text, re.M)}


def post(service, path, body):
    reply = service.post(path, json.dumps(body).encode())
    return reply.status, json.loads(reply.body)


def test_the_official_client_gets_labels(start):
    service = start("--model", MODEL, "--heads", HEADS)
    with openai.OpenAI(base_url=service.url + "/v1", api_key="unused", max_retries=0) as client:
        reply = client.post("/classify", body={"text": TEXTS, "explain": True}, cast_to=object)
        assert [item["label"] for item in reply["data"]] == ["meal", "other", "meal", "meal"]
        for item in reply["data"]:
            why, best = item["explanation"], item["label"]
            total = why["bias"] + math.fsum(token["share"] for token in why["tokens"])
            assert why["label"] == best and math.isclose(total, item["logits"][best], abs_tol=1e-5)
        with pytest.raises(openai.NotFoundError) as error:
            client.post("/classify", body={"text": "x", "head": "mood"}, cast_to=object)
        assert "heads of this model: meal" in str(error.value)
    metrics = service.get("/metrics").body.decode()
    assert 'embedd_stage_duration_seconds_count{stage="head"} 1' in metrics
    assert 'embedd_requests_total{route="/v1/classify",code="200"} 1' in metrics
    assert predictions(service) == {'head="meal",label="meal"': 3, 'head="meal",label="other"': 1}


@pytest.mark.parametrize("offload_bytes", ["0", "1000000"])  # every request on a worker, or none
def test_predictions_are_counted_by_head_and_label(start, tmp_path, offload_bytes):
    (tmp_path / "default.json").write_text(json.dumps(
        {"labels": ["no", "a \"b\" \\ \n c"], "weight": [[1, -1]], "bias": [0]}))
    (tmp_path / "tags.json").write_text(json.dumps(
        {"labels": ["a", "b", "c"], "kind": "multi-label", "weight": [[9, 0], [0, 9], [0, 0]], "bias": [-1, -1, -1]}))
    service = start("--model", MODEL, "--heads", str(tmp_path), "--offload-bytes", offload_bytes, "--threads", "2")
    assert predictions(service) == {}
    for _ in range(3):  # each on a connection of its own, so that both loops have some
        code, reply = post(service, "/v1/classify", {"text": TEXTS})
        assert code == 200 and [item["label"] == "no" for item in reply["data"]] == [True, False, False, True]
        code, reply = post(service, "/predict", {"inputs": [["我"], ["饭"], [""]]})
        assert code == 200 and len(reply) == 3
        code, reply = post(service, "/v1/classify", {"text": TEXTS, "head": "tags", "top_k": 1})
        assert code == 200 and [item["labels"] for item in reply["data"]] == [["b", "a"], ["a"], [], ["b"]]
    for body in ({"text": TEXTS, "head": "none"}, {"ids": [[0], [6]]}, {"text": "我", "threshold": 2}):
        assert post(service, "/v1/classify", body)[0] in (400, 404)
    escaped = r'a \"b\" \\ \n c'
    assert predictions(service) == {
        'head="default",label="no"': 9, f'head="default",label="{escaped}"': 12,
        'head="tags",label="a"': 6, 'head="tags",label="b"': 6}


def test_the_command_line_says_what_the_service_says(start):
    service = start("--model", MODEL, "--heads", HEADS)
    found = classify("--model", MODEL, "--heads", HEADS + "/meal.json")
    asked = json.loads(service.post("/v1/classify", json.dumps({"text": TEXTS}).encode()).body)
    assert [list(item["scores"].items()) for item in found] == \
        [list(item["scores"].items()) for item in asked["data"]]
    assert [item["label"] for item in found] == [item["label"] for item in asked["data"]]
    assert [len(item["scores"]) for item in classify("--model", MODEL, "--heads", HEADS, "--top-k=1")] == [1] * 4


def test_a_folder_serves_its_own_heads(start, tmp_path):
    for path in (TOP / "examples" / "chain" / "w6x2").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "head.csv").write_text("you,1,0,0\nme,0,1,0\n")
    (tmp_path / "heads").mkdir()
    (tmp_path / "heads" / "tags.json").write_text(json.dumps(
        {"labels": ["a", "b"], "kind": "multi-label", "weight": [[9, 0], [0, 9]], "bias": [-1, -1]}))
    found = classify("--model", str(tmp_path))
    assert [item["label"] for item in found] == ["me", "you", "you", "me"]
    tags = classify("--model", str(tmp_path), "--head", "tags")
    assert [item["labels"] for item in tags] == [["b", "a"], ["a"], [], ["b"]]
    assert tags[2]["label"] is None
    service = start("--model", str(tmp_path))
    reply = service.post("/v1/classify", json.dumps({"text": "我", "head": "tags"}).encode())
    assert json.loads(reply.body)["data"][0]["labels"] == ["a"]


def model_of(vectors, folder):
    """A model folder whose tokens 一, 丁, 丂 ... have these vectors as they are."""
    write_table(folder, [x for row in vectors for x in row], columns=len(vectors[0]))
    tokens = [chr(0x4E00 + i) for i in range(len(vectors))]
    (folder / "vocab.txt").write_text("".join(token + "\n" for token in tokens))
    (folder / "config.json").write_text('{"tokenizer": "dictionary", "pooling": "mean", "normalize": false}')
    return tokens


def test_pipelines_of_model2vec_and_scikit_learn_answer_as_they_do_there(start, tmp_path):
    golden = json.loads((SKOPS / "cases.json").read_text())
    tokens = model_of(golden["vectors"], tmp_path)
    shutil.copy(SKOPS / "model2vec_two.skops", tmp_path / "pipeline.skops")
    (tmp_path / "heads").mkdir()
    shutil.copy(SKOPS / "mlp_labels.skops", tmp_path / "heads")
    service = start("--model", str(tmp_path), "--heads", str(SKOPS / "mlp_binary.skops"))
    for name, head in (("model2vec_two", "default"), ("mlp_binary", "mlp_binary"), ("mlp_labels", "mlp_labels")):
        case = next(case for case in golden["cases"] if case["name"] == name)
        status, reply = post(service, "/v1/classify", {"text": tokens, "head": head, "top_k": len(case["labels"])})
        assert status == 200, reply
        for item, p, predicted in zip(reply["data"], case["probabilities"], case["predicted"], strict=True):
            assert sorted(item.get("labels", [item["label"]])) == predicted
            assert item["scores"] == pytest.approx(dict(zip(case["labels"], p)), abs=1e-6)


def test_skops_files_that_are_no_heads_are_refused(tmp_path):
    whole = (SKOPS / "mlp_binary.skops").read_bytes()
    assert "takes vectors of 4 columns" in classify("--model", MODEL, "--heads", str(SKOPS / "mlp_binary.skops"), code=1)
    (tmp_path / "half.skops").write_bytes(whole[:len(whole) // 2])
    message = classify("--model", MODEL, "--heads", str(tmp_path / "half.skops"), code=1)
    assert "half.skops: it cannot be read as a zip file" in message and message.count("\n") == 1
    for path in (TOP / "examples" / "chain" / "w6x2").iterdir():
        shutil.copy(path, tmp_path)
    (tmp_path / "head.csv").write_text("you,1,0,0\nme,0,1,0\n")
    shutil.copy(SKOPS / "mlp_binary.skops", tmp_path / "pipeline.skops")
    assert "pipeline.skops: there is another head named 'default'" in classify("--model", str(tmp_path), code=1)


def test_heads_that_do_not_fit_are_refused(tmp_path):
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"labels": ["a", "b"], "weight": [[1, 2, 3]], "bias": [0]}))
    assert "takes vectors of 3 columns, but the table has 2" in classify(
        "--model", MODEL, "--heads", str(wrong), code=1)
    assert "no classifier head" in classify("--model", MODEL, code=2)
    assert "--head must be one of: meal" in classify("--model", MODEL, "--heads", HEADS, "--head=x", code=2)
    assert "--top-k must be a whole number from 1 to 2" in classify(
        "--model", MODEL, "--heads", HEADS, "--top-k=3", code=2)
    assert "cannot open head" in classify("--model", MODEL, "--heads", str(tmp_path / "none.json"), code=1)
    latin = os.path.join(os.fsencode(tmp_path), "café.json".encode("latin-1"))
    with open(latin, "w") as file:
        json.dump({"labels": ["a", "b"], "weight": [[1, 2]], "bias": [0]}, file)
    assert "not UTF-8; rename it" in classify("--model", MODEL, "--heads", os.fsdecode(latin), code=1)
    twice = tmp_path / "twice"
    twice.mkdir()
    for suffix in ("csv", "json"):
        (twice / f"a.{suffix}").write_bytes(
            b"1,2,0\n" if suffix == "csv" else b'{"labels":["a","b"],"weight":[[1,2]],"bias":[0]}')
    assert "another head named 'a'" in classify("--model", MODEL, "--heads", str(twice), code=1)
    serve = subprocess.run([PROGRAM, "serve", "--listen=127.0.0.1:0", "--model", MODEL, "--heads", str(wrong)],
                           capture_output=True, timeout=PATIENCE_S)
    assert serve.returncode == 1 and b"takes vectors of 3 columns" in serve.stderr


@pytest.mark.slow_under_tsan
def test_a_head_may_stand_on_a_table_of_its_own(start, tmp_path):
    rows = "".join(f"{label}\t{text}{end}\n" for end in ("", "！", "了", "吗") for label, text in
                   (("good", "很好吃"), ("good", "味道不错"), ("bad", "太难吃"), ("bad", "送餐很慢")))
    (tmp_path / "rows.tsv").write_text("label\ttext\n" + rows)
    (tmp_path / "heads").mkdir()
    own = tmp_path / "heads" / "reviews"
    for mode in ("both", "scratch"):  # of the model's width, and of another one
        flags = ("--mode", mode, "--force", *(("--dim", "8") if mode == "scratch" else ()))
        run = subprocess.run([PROGRAM, "train", "--input", str(tmp_path / "rows.tsv"), "--output", str(own), *flags],
                             capture_output=True, timeout=10 * PATIENCE_S)
        assert run.returncode == 0, run.stderr
        texts = ["味道很好", "难吃 slow", ""]
        alone = classify("--model", str(own), texts=texts)
        assert [line["label"] for line in alone[:2]] == ["good", "bad"]
        assert classify("--heads", str(own), texts=texts) == alone
        assert classify("--heads", str(tmp_path / "heads"), "--head", "reviews", texts=texts) == alone
        (tmp_path / "heads" / "shared.json").write_text(json.dumps(
            {"labels": ["a", "b"], "weight": [[1.0] * 256], "bias": [0]}))
        service = start("--heads", str(tmp_path / "heads"))
        code, reply = post(service, "/v1/classify", {"text": texts, "head": "reviews", "explain": True})
        assert code == 200 and [item["scores"] for item in reply["data"]] == [line["scores"] for line in alone]
        for item in reply["data"]:
            total = item["explanation"]["bias"] + math.fsum(t["share"] for t in item["explanation"]["tokens"])
            assert math.isclose(total, item["logits"][item["explanation"]["label"]], abs_tol=1e-4)
    message = classify("--model", MODEL, "--heads", str(own), code=1)
    assert "its vocabulary is not the model's" in message and "--model" in message
    (own / "head.safetensors").unlink()
    assert "a model without a head" in classify("--heads", str(own), code=1)


def test_answers_come_line_by_line_in_order_whatever_the_threads(tmp_path):
    flags = ("--model", MODEL, "--heads", HEADS)
    texts = ["我爱吃饭" * (i % 7) + "他你爱"[i % 3] * (i % 5) for i in range(5000)]
    alone = classify(*flags, "--threads", "1", texts=texts)
    assert len(alone) == len(texts) and classify(*flags, "--threads", "3", texts=texts) == alone
    with subprocess.Popen([PROGRAM, "classify", *flags, "--threads", "2"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        for text, wanted in zip(texts[:3], alone):  # an answer comes before the next line is sent
            process.stdin.write(text.encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline()) == wanted
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 0
