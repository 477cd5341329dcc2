# SPDX-License-Identifier: Apache-2.0
"""Prompts that models bring: put before texts as sentence-transformers puts them, by every way in."""
import json
import pathlib
import shutil
import subprocess

import pytest
from harness import PROGRAM

pytestmark = pytest.mark.slow_under_tsan

STATIC = pathlib.Path(__file__).resolve().parents[1] / "golden/static"
TEXTS = ["hello world", "", "the naïve café", "Xylophone ☃ zebra"]
PROMPTS = {"query": "search: the ", "document": "", "long": "hello hello "}
CONFIG = "config_sentence_transformers.json"


def make(path, source="st_plain", **said):
    """A model folder whose config_sentence_transformers.json says so."""
    shutil.copytree(STATIC / source, path)
    (path / CONFIG).write_text(json.dumps({"prompts": PROMPTS, **said}))
    return path


def run(*arguments, stdin=None):
    return subprocess.run([PROGRAM, *map(str, arguments)], input=stdin, capture_output=True, check=True).stdout


def embedded(model, texts, *flags):
    lines = "".join(text + "\n" for text in texts).encode()
    return [json.loads(line) for line in run("embed", "--model", model, *flags, stdin=lines).splitlines()]


def ask(service, path, body, status=200):
    reply = service.post(path, json.dumps(body).encode())
    assert reply.status == status, reply.body
    return reply.json()


def test_the_models_own_prompt_goes_before_every_text(start, tmp_path):
    model = make(tmp_path / "model", default_prompt_name="query")
    before = [PROMPTS["query"] + text for text in TEXTS]
    wanted = embedded(STATIC / "st_plain", before)
    assert embedded(model, TEXTS) == wanted != embedded(STATIC / "st_plain", TEXTS)
    service, plain = start("--model", str(model)), start("--model", str(STATIC / "st_plain"))
    def vectors(service, texts):
        return [ask(service, "/v1/embeddings", {"input": texts})["data"],
                ask(service, "/embed", {"inputs": texts, "normalize": False}),
                ask(service, "/embed_all", {"inputs": texts}),
                ask(service, "/tokenize", {"inputs": texts}),
                ask(service, "/v1/lookup", {"text": texts})["data"],
                ask(service, "/similarity", {"inputs": {"source_sentence": texts[0], "sentences": texts[1:]}}),
                ask(service, "/rerank", {"query": texts[0], "texts": texts[1:]})]
    for own, said in zip(vectors(service, TEXTS), vectors(plain, before)):
        assert own == said
    # A text comes back as it was sent, and ids are taken as they are.
    assert {rank["text"] for rank in ask(service, "/rerank", {
        "query": "a", "texts": TEXTS, "return_text": True})} == set(TEXTS)
    assert {rank["document"]["text"] for rank in ask(service, "/v1/rerank", {
        "query": "a", "documents": TEXTS})["results"]} == set(TEXTS)
    assert ask(service, "/v2/embed", {"texts": TEXTS})["texts"] == TEXTS
    assert ask(service, "/vectors", {"text": TEXTS[0]})["text"] == TEXTS[0]
    assert ask(service, "/embed", {"inputs": [2, 3]}) == ask(plain, "/embed", {"inputs": [2, 3]})


def test_a_prompt_goes_before_texts_by_its_name(start, tmp_path):
    service = start("--model", str(make(tmp_path / "model", default_prompt_name="query")))
    plain = start("--model", str(STATIC / "st_plain"))
    for name, prompt in PROMPTS.items():
        before = [prompt + text for text in TEXTS]
        for path in ("/embed", "/embed_all", "/embed_sparse", "/tokenize", "/"):
            assert ask(service, path, {"inputs": TEXTS, "prompt_name": name}) == ask(plain, path, {"inputs": before})
        assert ask(service, "/similarity", {
            "inputs": {"source_sentence": TEXTS[0], "sentences": TEXTS[1:]}, "parameters": {"prompt_name": name}
        }) == ask(plain, "/similarity", {"inputs": {"source_sentence": before[0], "sentences": before[1:]}})


def test_a_prompt_by_name_goes_before_the_text_of_ids(start, tmp_path):
    service = start("--model", str(make(tmp_path / "model")))
    ids = [token["id"] for token in ask(service, "/tokenize", {"inputs": "hello world", "add_special_tokens": False})[0]]
    named = ask(service, "/embed", {"inputs": [ids, "hello world"], "prompt_name": "long"})
    assert named[0] == named[1] != ask(service, "/embed", {"inputs": ids})[0]
    assert ask(service, "/embed", {"inputs": [ids], "prompt_name": "document"}) == ask(service, "/embed", {"inputs": [ids]})


def test_a_prompt_that_is_not_there_is_named(start, tmp_path):
    service, plain = start("--model", str(make(tmp_path / "model"))), start("--model", str(STATIC / "m2v_plain"))
    for path, body in (("/embed", {"inputs": "a"}), ("/embed_all", {"inputs": "a"}), ("/tokenize", {"inputs": "a"})):
        assert ask(service, path, {**body, "prompt_name": "other"}, 422) == {
            "error": "Input validation error: `default-prompt-name` is set to `other` but it was not found in the "
                     'Sentence Transformers prompts. Available prompts: ["query", "document", "long"]',
            "error_type": "Validation"}
        assert "but no prompts were found" in ask(plain, path, {**body, "prompt_name": "query"}, 422)["error"]
        assert "prompt_name must be a string" in ask(service, path, {**body, "prompt_name": 7}, 422)["error"]


def test_the_prompt_of_another_compat_waits_to_be_named(start, tmp_path):
    model = make(tmp_path / "model", default_prompt_name="query")
    assert embedded(model, TEXTS, "--compat", "embedd") == embedded(STATIC / "st_plain", TEXTS, "--compat", "embedd")
    service = start("--model", str(model), "--compat", "embedd")
    assert ask(service, "/embed", {"inputs": "a", "prompt_name": "long"}) == ask(service, "/embed", {"inputs": "hello hello a"})


@pytest.mark.parametrize("flags", [(), ("--to", "folder")])
def test_a_converted_model_keeps_its_prompts(flags, start, tmp_path):
    model, made = make(tmp_path / "model", default_prompt_name="query"), tmp_path / "made"
    run("convert", "--input", model, "--output", made, *flags)
    assert embedded(made, TEXTS) == embedded(model, TEXTS)
    one, two = (start("--model", str(path)) for path in (model, made))
    for name in (*PROMPTS, None):
        body = {"inputs": TEXTS, "prompt_name": name}
        assert ask(one, "/embed", body) == ask(two, "/embed", body)
    if flags:
        assert json.loads((made / CONFIG).read_text()) == {"prompts": PROMPTS, "default_prompt_name": "query"}
        run("convert", "--input", model, "--output", made, "--force", *flags)


@pytest.mark.parametrize("prompts, standard, why", [
    ([], None, "prompts must be an object of texts"), ({"a": 7}, None, "prompts.a must be a text"),
    ({"a": "b"}, "c", "default_prompt_name must be the name of one of the prompts"), ({}, 7, "default_prompt_name")])
def test_a_config_of_ours_with_wrong_prompts_is_refused(prompts, standard, why, tmp_path):
    model = shutil.copytree(STATIC / "st_plain", tmp_path / "model")
    (model / "config.json").write_text(json.dumps({
        "compat": "sentence-transformers", "prompts": prompts, "default_prompt_name": standard}))
    done = subprocess.run([PROGRAM, "inspect", model], capture_output=True, text=True)
    assert done.returncode != 0 and why in done.stderr


@pytest.mark.parametrize("text", [
    '{"prompts": null}', '{"prompts": []}', '{"prompts": {"a": 7}, "default_prompt_name": "a"}',
    '{"prompts": {"a": ""}, "default_prompt_name": "a"}', '{"default_prompt_name": "a"}', '{"prompts": "a"}', "[]", "7"])
def test_a_file_of_sentence_transformers_without_good_prompts_has_none(text, tmp_path):
    model = shutil.copytree(STATIC / "st_plain", tmp_path / "model")
    (model / CONFIG).write_text(text)
    assert embedded(model, TEXTS) == embedded(STATIC / "st_plain", TEXTS)
