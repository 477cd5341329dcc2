# SPDX-License-Identifier: Apache-2.0
"""Clients that people have, each on its defaults but for the address, against the program.

A client is a script in the folder of its environment (python-*, node, go, java, rust), which defines what it
does: `one` text, `many` texts, something `wrong`. It runs in a process of its own, once; its vectors must be, bit
for bit, those that `embedd embed` prints.
"""
import functools
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest
from harness import PROGRAM, environment
from scripts import SCRIPTS, run

# Clients whose routes are not there yet, or a client and what of it (a step of steps_of) does not work yet; taking a
# line out switches its tests on.
NOT_YET = {}

# What each is made to do wrong: the argument of its `wrong`, what it raises then, and words of the message.
TOO_MANY = 9999  # dimensions, or texts
WRONG = {
    "ai-sdk-openai": (TOO_MANY, "APICallError", "dimensions"),
    "ai-sdk-openai-compatible": (TOO_MANY, "APICallError", "dimensions"),
    "async-openai": (TOO_MANY, "ApiError", "dimensions"),
    "cohere-node": (TOO_MANY, "BadRequestError", "output_dimension"),
    "cohere-v1": ("SIDEWAYS", "cohere.errors.bad_request_error.BadRequestError", "truncate"),
    "cohere-v2": (TOO_MANY, "cohere.errors.bad_request_error.BadRequestError", "output_dimension"),
    "go-openai": (TOO_MANY, "github.com/sashabaranov/go-openai.APIError", "dimensions"),
    "google-genai": (TOO_MANY, "google.genai.errors.ClientError", "400 INVALID_ARGUMENT"),
    "google-genai-node": (TOO_MANY, "ApiError", "INVALID_ARGUMENT"),
    "haystack-openai": (TOO_MANY, "openai.BadRequestError", "dimensions"),
    "huggingface-hub": (None, "huggingface_hub.errors.BadRequestError", "empty"),
    "huggingface-inference-node": (None, "InferenceClientProviderApiError", "empty"),
    "langchain-ollama": (None, "ollama._types.ResponseError", "404"),
    "langchain-openai": (TOO_MANY, "openai.BadRequestError", "dimensions"),
    "langchain-openai-node": (TOO_MANY, "BadRequestError", "dimensions"),
    "langchain-openai-text": (TOO_MANY, "openai.BadRequestError", "dimensions"),
    "langchain4j-ollama": (TOO_MANY, "dev.langchain4j.exception.InvalidRequestException", "max-inputs"),
    "langchain4j-open-ai": (TOO_MANY, "dev.langchain4j.exception.InvalidRequestException", "dimensions"),
    "litellm-cohere": (TOO_MANY, "litellm.exceptions.BadRequestError", "output_dimension"),
    "litellm-huggingface": ([], "litellm.exceptions.BadRequestError", "empty"),
    "litellm-ollama": (None, "litellm.exceptions.NotFoundError", "no route"),
    "litellm-openai": (TOO_MANY, "litellm.exceptions.BadRequestError", "dimensions"),
    "llama-index-ollama": (None, "ollama._types.ResponseError", "404"),
    "llama-index-openai": (TOO_MANY, "openai.BadRequestError", "dimensions"),
    "llama-index-tei": (None, "builtins.KeyError", "0"),  # it looks at no status
    "ollama-go": ("Hello?", "github.com/ollama/ollama/api.StatusError", "404"),
    "ollama-node": ("Hello?", "ResponseError", ""),
    "ollama-python": ("Hello?", "ollama._types.ResponseError", "404"),
    "ollama-rs": (TOO_MANY, "Other", "max-inputs"),
    "openai-go": (TOO_MANY, "github.com/openai/openai-go/v3/internal/apierror.Error", "dimensions"),
    "openai-java": (TOO_MANY, "com.openai.errors.BadRequestException", "dimensions"),
    "openai-node": (TOO_MANY, "BadRequestError", "dimensions"),
    "openai-python": (TOO_MANY, "openai.BadRequestError", "dimensions"),
    "spring-ai-ollama": (TOO_MANY, "org.springframework.ai.retry.NonTransientAiException", "max-inputs"),
    "spring-ai-openai": (TOO_MANY, "com.openai.errors.BadRequestException", "dimensions"),
    "tritonclient-http": (None, "tritonclient.utils.InferenceServerException", "400"),
    "voyageai-python": (TOO_MANY, "voyageai.error.InvalidRequestError", "output_dimension"),
}
# Those that can do more, or less.
OLD = ("ollama-go", "ollama-node", "ollama-python")
RANKED = ("cohere-node", "cohere-v1", "cohere-v2")
NO_EMPTY = ("langchain4j-ollama", "langchain4j-open-ai")

ONE = "I love to eat"
MANY = [text.format(i) for i in range(100)
        for text in ("Sentence number {} is about good food", "第{}句话说的是我爱吃饭", "naïve café {} \U0001f600")]
SOME_EMPTY = ["good food", "", "我爱吃饭"]
DOCUMENTS = ["Rain is expected on Monday", "I love to eat good food", "他爱吃饭"]

def every_client(step, names=SCRIPTS):
    """For each client, a test of what came of a step."""
    def marks(name):
        return [pytest.mark.skip(NOT_YET[key]) for key in (name, f"{name} {step}") if key in NOT_YET]

    return pytest.mark.parametrize("client", [pytest.param(name, marks=marks(name)) for name in names])


def steps_of(client):
    """What a client is asked to do, by name."""
    steps = {"one": ("one", ONE), "many": ("many", MANY), "empty": ("many", SOME_EMPTY),
             "wrong": ("wrong", WRONG[client][0])}
    if client in OLD:
        steps["old"] = ("old", ONE)
    if client in RANKED:
        steps["ranked"] = ("ranked", ["food", DOCUMENTS])
    return steps


def outcomes(client, url):
    """What each step of a client came to, by name."""
    steps = steps_of(client)
    return dict(zip(steps, run(client, url, *steps.values()), strict=True))


@pytest.fixture(scope="session")
def started(request, service):
    """Every client that a test asks for, once, two at a time."""
    wanted = dict.fromkeys(item.callspec.params["client"] for item in request.session.items
                           if "done" in item.fixturenames and not item.get_closest_marker("skip"))
    pool = ThreadPoolExecutor(2)
    yield {client: pool.submit(outcomes, client, service.url) for client in wanted}
    pool.shutdown(cancel_futures=True)


@pytest.fixture
def done(client, started):
    """What came of the client's steps."""
    return started[client].result()


@functools.cache
def embedded(*texts):
    """The vectors that the command prints."""
    ran = subprocess.run([PROGRAM, "embed", "--format", "f32", "-"], input="".join(text + "\n" for text in texts).encode(),
                         capture_output=True, check=True, env=environment())
    return numpy.frombuffer(ran.stdout, dtype="<f4").reshape(len(texts), -1)


def vectors(outcome):
    assert "returned" in outcome, f"{outcome['raised']}: {outcome['says']}"
    return numpy.array(outcome["returned"], dtype="float32")


def assert_same_bits(got, expected):
    assert got.shape == expected.shape
    assert (got.view("u4") == expected.view("u4")).all()


@every_client("one")
def test_one_text_has_the_bits_of_the_command(client, done):
    assert_same_bits(vectors(done["one"]).reshape(1, -1), embedded(ONE))


@every_client("many")
def test_300_texts_come_back_in_their_order(client, done):
    assert_same_bits(vectors(done["many"]), embedded(*MANY))


@every_client("empty", [name for name in SCRIPTS if name not in NO_EMPTY])
def test_an_empty_text_in_a_batch_is_a_vector_of_zeros(client, done):
    got = vectors(done["empty"])
    assert_same_bits(got, embedded(*SOME_EMPTY))
    assert not got[1].any() and got[0].any() and got[2].any()


@every_client("empty", NO_EMPTY)
def test_some_refuse_an_empty_text_themselves(client, done):
    assert done["empty"]["raised"] == "java.lang.IllegalArgumentException", done["empty"]


@every_client("wrong")
def test_something_wrong_raises_the_error_made_for_it(client, done):
    _, kind, says = WRONG[client]
    assert kind in done["wrong"].get("kinds", []), done["wrong"]
    assert says in done["wrong"]["says"]


@every_client("old", OLD)
def test_the_old_route_points_the_same_way(client, done):
    got, expected = vectors(done["old"]).astype("f8"), embedded(ONE)[0].astype("f8")
    assert got @ expected == pytest.approx(numpy.linalg.norm(got) * numpy.linalg.norm(expected), rel=1e-6)


@every_client("ranked", RANKED)
def test_what_is_nearest_comes_first(client, done):
    ranked = done["ranked"]["returned"]
    assert sorted(index for index, _ in ranked) == [0, 1, 2] and ranked[0][0] == 1
    assert [score for _, score in ranked] == sorted((score for _, score in ranked), reverse=True)


def test_every_client_is_made_to_do_something_wrong():
    assert WRONG.keys() == SCRIPTS.keys() and {key.split()[0] for key in NOT_YET} <= SCRIPTS.keys()
