# SPDX-License-Identifier: Apache-2.0
"""Texts that are too long: an error, cut and counted, or taken in windows; as the request says, the service, or the
API's own server."""
import json
from pathlib import Path

import numpy
import pytest

from harness import BERT, Service, write_model

pytestmark = pytest.mark.slow_under_tsan

TESTS = Path(__file__).resolve().parents[1]
GOLDEN = TESTS / "golden/static"


def ask(service, path, expect=200, **body):
    reply = service.post(path, json.dumps(body).encode())
    assert reply.status == expect, reply.body
    return reply


def vector(service, text, **more):
    reply = ask(service, "/v1/embeddings", input=text, **more)
    return numpy.array(reply.json()["data"][0]["embedding"], "<f4"), reply.headers.get("x-embedd-truncated")


LONG = "the food is good eat i love naive food good"


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    service = Service("--model", str(write_model(tmp_path_factory.mktemp("m"), BERT)), "--max-input-tokens=4")
    yield service
    service.stop()
    service.kill()


def test_each_api_does_what_its_own_server_does(short):
    refused = ask(short, "/v1/embeddings", input=["the", LONG], expect=400)
    assert refused.json()["error"]["message"].startswith(
        "This model's maximum context length is 4 tokens, but input 1 has 10")
    assert ask(short, "/embed", inputs=LONG).headers["x-embedd-truncated"] == "1"
    assert ask(short, "/v1/ids", text=LONG).headers["x-embedd-truncated"] == "1"


def test_a_request_may_say_otherwise(short):
    first, cut = vector(short, LONG, truncate="right")
    assert cut == "1" and (first == vector(short, "the food is good")[0]).all()
    last, cut = vector(short, LONG, truncate="left")
    assert cut == "1" and (last == vector(short, "love naive food good")[0]).all()
    assert (vector(short, LONG, truncate=True)[0] == first).all()
    ask(short, "/v1/embeddings", input=LONG, truncate=False, expect=400)
    ask(short, "/v1/embeddings", input=LONG, truncation=False, expect=400)
    assert (vector(short, LONG, truncation=True)[0] == first).all()
    ask(short, "/embed", inputs=LONG, truncate=False, expect=422)


@pytest.mark.parametrize("normalize", [True, False])
def test_a_window_loses_nothing(short, normalize):
    """10 tokens in windows of at most 4: 3, 3 and 4."""
    words = LONG.split()
    parts = [vector(short, " ".join(words[a:b]), normalize=normalize)[0] for a, b in [(0, 3), (3, 6), (6, 10)]]
    want = numpy.mean(parts, axis=0)
    if normalize:
        want /= numpy.linalg.norm(want)
    got, cut = vector(short, LONG, truncate="window", normalize=normalize)
    assert cut is None
    assert numpy.allclose(got, want, atol=1e-6)
    both = ask(short, "/v1/embeddings", input=["the food", LONG], truncate="window", normalize=normalize).json()
    vectors = [numpy.array(item["embedding"], "<f4") for item in both["data"]]
    assert numpy.array_equal(vectors[1], got)
    assert numpy.array_equal(vectors[0], vector(short, "the food", normalize=normalize)[0])


def test_the_service_may_say_so_for_all(start, tmp_path):
    model = str(write_model(tmp_path, BERT))
    window = start("--model", model, "--max-input-tokens=4", "--truncate=window")
    whole = start("--model", model)
    by_default = ask(window, "/embed", inputs=LONG)
    assert "x-embedd-truncated" not in by_default.headers
    assert ask(window, "/embed", inputs=LONG, truncate=True).body == by_default.body
    assert ask(window, "/embed", inputs=LONG, truncation_direction="Left").headers["x-embedd-truncated"] == "1"
    assert ask(window, "/v1/lookup", text=LONG).json()["data"][0] == ask(whole, "/v1/lookup", text=LONG).json()["data"][0]
    left = start("--model", model, "--max-input-tokens=4", "--truncate=left")
    assert vector(left, LONG)[1] == "1"


def test_the_model_s_own_limit_cuts_unless_something_else_is_asked(start):
    service = start("--model", str(GOLDEN / "st_truncation"))
    limit = service.get("/info").json()["embedd"]["max_length"]
    side = service.get("/info").json()["embedd"]["truncation_side"]
    words = ["eat", "food"] * limit
    text = " ".join(words)
    by_default, cut = vector(service, text)
    assert cut == "1"
    assert (vector(service, text, truncate=side)[0] == by_default).all()
    other = "right" if side == "left" else "left"
    assert vector(service, text + " love", truncate=other)[1] == "1"
    message = ask(service, "/v1/embeddings", input=text, truncate="error", expect=400).json()["error"]["message"]
    assert f"maximum context length is {limit} tokens" in message
    windows, cut = vector(service, text, truncate="window")
    assert cut is None and windows.any()


def test_many_windows_of_a_model_that_reads_text_take_no_longer_than_their_text(start):
    """Each window's text is put together once: a text a hundred times as long is no trap."""
    service = start("--model", str(TESTS / "data/fasttext/cbow.bin"), "--max-input-tokens=1", "--truncate=window")
    reply = ask(service, "/v1/embeddings", input="eat food " * 20000)
    assert reply.json()["usage"]["prompt_tokens"] == 40000
