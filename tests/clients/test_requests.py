# SPDX-License-Identifier: Apache-2.0
"""What the clients send, each on its defaults, for one text: another version of a client may ask otherwise."""
from concurrent.futures import ThreadPoolExecutor

import pytest
from record_server import VECTOR, Recorder
from scripts import SCRIPTS, run

ONE = "I love to eat"


def openai(texts, model="text-embedding-3-small", **more):
    return "/v1/embeddings", {"model": model, "input": texts, **more}


def ollama(texts, **more):
    return "/api/embed", {"model": "nomic-embed-text", "input": texts, **more}


def cohere(version, model="embed-v4.0", **more):
    return f"/{version}/embed", {"model": model, "texts": [ONE], "input_type": "search_document", **more}


def gemini(version):
    content = {"role": "user", "parts": [{"text": ONE}]}
    return (f"/{version}/models/gemini-embedding-001:batchEmbedContents",
            {"requests": [{"content": content, "model": "models/gemini-embedding-001"}]})


# The path and the body, but for what is null in it.
SENDS = {
    "ai-sdk-openai": openai([ONE], encoding_format="float"),
    "ai-sdk-openai-compatible": openai([ONE], encoding_format="float"),
    "async-openai": openai([ONE]),
    "cohere-node": cohere("v2", embedding_types=["float"]),
    "cohere-v1": cohere("v1", "embed-english-v3.0"),
    "cohere-v2": cohere("v2", embedding_types=["float"]),
    "go-openai": openai([ONE]),
    "google-genai": gemini("v1"),
    "google-genai-node": gemini("v1beta"),
    "haystack-openai": openai(ONE, encoding_format="float"),
    "huggingface-hub": ("/", {"inputs": ONE}),
    "huggingface-inference-node": ("/", {"inputs": ONE}),
    "langchain-ollama": ollama([ONE], options={}),
    "langchain-openai": openai([[40, 3021, 311, 8343]], "text-embedding-ada-002", encoding_format="base64"),
    "langchain-openai-node": openai(ONE, "text-embedding-ada-002", encoding_format="base64"),
    "langchain-openai-text": openai([ONE], "text-embedding-ada-002", encoding_format="base64"),
    "langchain4j-ollama": ollama([ONE]),
    "langchain4j-open-ai": openai([ONE]),
    "litellm-cohere": cohere("v2"),
    "litellm-huggingface": ("/", {"inputs": [ONE]}),
    "litellm-ollama": ollama([ONE]),
    "litellm-openai": openai([ONE]),
    "llama-index-ollama": ollama(ONE, options={}),
    "llama-index-openai": openai([ONE], "text-embedding-ada-002", encoding_format="base64"),
    "llama-index-tei": ("/embed", {"inputs": [ONE], "truncate": True}),
    "ollama-go": ollama([ONE]),
    "ollama-node": ollama(ONE),
    "ollama-python": ollama(ONE),
    "ollama-rs": ollama([ONE]),
    "openai-go": openai([ONE]),
    "openai-java": openai([ONE], encoding_format="base64"),
    "openai-node": openai(ONE, encoding_format="base64"),
    "openai-python": openai(ONE, encoding_format="base64"),
    "spring-ai-ollama": ollama([ONE], options={}),
    "spring-ai-openai": openai([ONE], "text-embedding-ada-002", encoding_format="base64"),
    "tritonclient-http": ("/v2/models/embedd-base-2/infer", {
        "inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 17}}],
        "parameters": {"binary_data_output": True}}),
    "voyageai-python": openai([ONE], "voyage-3.5", input_type="document", truncation=True, encoding_format="base64"),
}


def without_nulls(value):
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


def recorded(client):
    recorder = Recorder()
    try:
        return run(client, recorder.url, ("one", ONE)), recorder.take()
    finally:
        recorder.stop()


@pytest.fixture(scope="module")
def runs(request):
    wanted = [item.callspec.params["client"] for item in request.session.items if "runs" in item.fixturenames]
    pool = ThreadPoolExecutor(2)
    yield {client: pool.submit(recorded, client) for client in wanted}
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("client", SCRIPTS)
def test_one_text_is_one_request_that_looks_like_this(client, runs):
    outcomes, requests = runs[client].result()
    assert outcomes[0].get("returned") in (VECTOR, [VECTOR]), outcomes
    assert [(r["method"], r["path"], without_nulls(r["body"])) for r in requests] == [("POST", *SENDS[client])]
