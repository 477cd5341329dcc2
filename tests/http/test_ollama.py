# SPDX-License-Identifier: Apache-2.0
"""Ollama's routes, asked as its clients ask: the bodies are those of ollama-python 0.6.3 and langchain-ollama 1.1.0."""
import datetime
import json
import math

import pytest
from test_tei import EXAMPLE, ask, good

pytestmark = pytest.mark.slow_under_tsan

TEXTS = ["I love to eat", "我爱吃饭", "", "good food"]
# langchain-ollama sends every option it knows.
NO_OPTIONS = dict.fromkeys(("mirostat", "mirostat_eta", "mirostat_tau", "num_ctx", "num_gpu", "num_thread",
                            "repeat_last_n", "repeat_penalty", "temperature", "stop", "tfs_z", "top_k", "top_p"))


def openai(service, texts, **more):
    return [item["embedding"] for item in good(service, "/v1/embeddings", {"input": texts, **more})["data"]]


def test_embed_gives_what_openais_route_gives(service):
    for body in ({"model": "nomic-embed-text", "input": TEXTS},
                 {"model": "nomic-embed-text", "input": TEXTS, "options": NO_OPTIONS}):
        status, headers, reply = ask(service, "/api/embed", body)
        assert status == 200 and "x-embedd-ignored-fields" not in headers
        assert set(reply) == {"model", "embeddings", "total_duration", "prompt_eval_count"}
        assert reply["model"] == "nomic-embed-text"
        assert reply["embeddings"] == openai(service, TEXTS, normalize=True)
        assert reply["total_duration"] > 0
        usage = good(service, "/v1/embeddings", {"input": TEXTS})["usage"]
        assert reply["prompt_eval_count"] == usage["prompt_tokens"]
    one = good(service, "/api/embed", {"model": "m", "input": TEXTS[0]})["embeddings"]
    assert one == openai(service, TEXTS[:1])
    assert math.isclose(math.fsum(x * x for x in one[0]), 1, rel_tol=1e-6)


def test_embeddings_gives_the_vector_as_it_is(service):
    reply = good(service, "/api/embeddings", {"model": "m", "prompt": TEXTS[0]})
    assert reply == {"embedding": openai(service, TEXTS[0], normalize=False)[0]}
    assert good(service, "/api/embeddings", {"model": "m", "prompt": ""}) == {"embedding": []}


def test_a_request_without_input_only_asks_whether_the_model_is_there(service):
    for body in ({"model": "m"}, {"model": "m", "input": ""}, {"model": "m", "input": [], "keep_alive": "5m"}):
        assert good(service, "/api/embed", body) == {"model": "m", "embeddings": []}


def test_dimensions_cut_before_the_length_becomes_1(service):
    cut = good(service, "/api/embed", {"model": "m", "input": TEXTS[0], "dimensions": 64})["embeddings"][0]
    assert [cut] == openai(service, TEXTS[0], dimensions=64, normalize=True)
    whole = good(service, "/api/embed", {"model": "m", "input": TEXTS[0], "dimensions": 4096})["embeddings"][0]
    assert len(whole) == 256


def test_no_text_is_cut_in_silence(start):
    service = start("--max-input-tokens", "3")
    text = "one two three four"
    status, headers, reply = ask(service, "/api/embed", {"model": "m", "input": text})
    assert status == 200 and headers["x-embedd-truncated"] == "1"
    assert reply["embeddings"] == openai(service, "one two three")
    assert ask(service, "/api/embed", {"model": "m", "input": text, "truncate": False})[::2] == (
        400, {"error": "the input length exceeds the context length"})


def test_several_models_are_listed_and_chosen(start):
    service = start("--model", f"small={EXAMPLE}", "--model", "large:v1=builtin")
    for path in ("/api/tags", "/api/ps"):
        models = good(service, path)["models"]
        assert [model["name"] for model in models] == [model["model"] for model in models] == [
            "small:latest", "large:v1"]
        assert len({model["digest"] for model in models}) == 2
        for model in models:
            assert len(bytes.fromhex(model["digest"])) == 32 and model["size"] > 0
            assert set(model["details"]) == {"parent_model", "format", "family", "families", "parameter_size",
                                             "quantization_level"}
    for model in good(service, "/api/tags")["models"]:
        assert datetime.datetime.strptime(model["modified_at"], "%Y-%m-%dT%H:%M:%SZ")
    for name, dim in (("small", 2), ("small:latest", 2), ("large:v1", 256)):
        assert len(good(service, "/api/embed", {"model": name, "input": "我"})["embeddings"][0]) == dim
        shown = good(service, "/api/show", {"model": name})
        assert shown["model_info"]["static.embedding_length"] == dim
        assert shown["capabilities"] == ["embedding"]
    for path, body in (("/api/embed", {"input": "a"}), ("/api/embeddings", {"prompt": "a"}), ("/api/show", {})):
        assert ask(service, path, {"model": "large", **body})[::2] == (
            404, {"error": "model 'large' not found"})


@pytest.mark.parametrize("path", ["/api/tags", "/api/ps", "/api/version", "/"])
def test_head_says_that_the_service_runs(service, path):
    with service.connect() as client:
        reply = client.get(path, "HEAD")
        assert reply.status == 200
        assert client.get(path).status == 200


def test_version_is_embedds(service):
    assert good(service, "/api/version") == {"version": good(service, "/info")["version"]}


@pytest.mark.parametrize("path, body", [
    ("/api/embed", b""), ("/api/embed", b"{"), ("/api/embed", b"[]"), ("/api/embed", {"input": "a"}),
    ("/api/embed", {"model": "m", "input": {"text": "a"}}), ("/api/embed", {"model": "m", "input": [None]}),
    ("/api/embed", {"model": "m", "input": "a", "dimensions": 1.5}),
    ("/api/embed", {"model": ["m"], "input": "a"}), ("/api/embeddings", {"model": "m", "prompt": 3}),
    ("/api/show", {}), ("/api/show", b"\xff"),
])
def test_an_error_is_one_string(service, path, body):
    status, _, reply = ask(service, path, body)
    assert status == 400
    assert list(reply) == ["error"] and isinstance(reply["error"], str) and reply["error"]


def test_other_refusals_have_the_same_shape(service):
    many = json.dumps({"model": "m", "input": [""] * 2049}).encode()
    for path, body, type_, status in (("/api/embed", many, "application/json", 413),
                                      ("/api/embed", b"<a/>", "text/xml", 415),
                                      ("/api/tags", b"{}", "application/json", 405)):
        found, _, reply = ask(service, path, body, type_)
        assert found == status
        assert list(reply) == ["error"] and isinstance(reply["error"], str)
