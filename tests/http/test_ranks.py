# SPDX-License-Identifier: Apache-2.0
"""Documents ranked: the routes of Cohere, Jina and vLLM against the running program."""
import json
import math

import pytest

pytestmark = pytest.mark.slow_under_tsan

DOCUMENTS = ["The weather is fine today", "We had noodles for dinner", "", "我爱吃饭"]
QUERY = "I love to eat"


def ask(service, path, **body):
    reply = service.post(path, json.dumps(body).encode())
    return reply.status, reply.json()


def good(service, path, **body):
    status, reply = ask(service, path, **body)
    assert status == 200, reply
    return reply


def unit_vectors(service, texts):
    data = good(service, "/v1/embeddings", input=texts, normalize=True)["data"]
    return [item["embedding"] for item in data]


def cosine(a, b):
    return math.fsum(x * y for x, y in zip(a, b))


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/rerank"])
def test_scores_are_the_cosines_of_the_vectors_of_v1_embeddings(service, path):
    reply = good(service, path, model="rerank-v3.5", query=QUERY, documents=DOCUMENTS)
    query, *vectors = unit_vectors(service, [QUERY, *DOCUMENTS])
    scores = {result["index"]: result["relevance_score"] for result in reply["results"]}
    assert sorted(scores) == [0, 1, 2, 3] and scores[2] == 0
    for index, score in scores.items():
        assert math.isclose(score, cosine(query, vectors[index]), abs_tol=1e-6)
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    assert reply["results"][0]["index"] == 3
    assert reply["model"] == "rerank-v3.5"
    assert reply["meta"]["api_version"]["version"] == ("2" if path == "/v2/rerank" else "1")
    assert reply["usage"]["total_tokens"] > 0


def test_what_each_client_leaves_out_is_as_its_server_has_it(service):
    # vLLM's and Jina's clients read the document; Cohere's of v2 gets none.
    one = good(service, "/v1/rerank", query=QUERY, documents=DOCUMENTS)["results"]
    assert [DOCUMENTS[result["index"]] for result in one] == [result["document"]["text"] for result in one]
    assert all(set(result) == {"index", "relevance_score"}
               for result in good(service, "/v2/rerank", query=QUERY, documents=DOCUMENTS)["results"])


def test_texts_on_the_path_that_tei_has_too_get_teis_reply(service):
    reply = good(service, "/rerank", query=QUERY, texts=DOCUMENTS)
    assert [set(item) for item in reply] == [{"index", "score"}] * 4


def test_the_best_of_objects_by_their_fields(service):
    documents = [{"title": "Weather", "text": "Noodles for dinner"}, {"title": "I love to eat", "text": "Rain"}]
    by_text = good(service, "/v1/rerank", query=QUERY, documents=documents, top_n=1)["results"]
    by_title = good(service, "/v1/rerank", query=QUERY, documents=documents, top_n=1, rank_fields=["title"])["results"]
    assert [result["index"] for result in by_text + by_title] == [0, 1]
    assert by_title[0]["document"] == {"text": "I love to eat"} and by_title[0]["relevance_score"] > 0.999


def test_a_thousand_documents_are_ranked_in_one_request(service):
    documents = [f"{i} words about food" for i in range(1000)]
    reply = good(service, "/v2/rerank", query="7 words about food", documents=documents, top_n=3)
    assert len(reply["results"]) == 3 and reply["results"][0]["index"] == 7
    assert reply["meta"]["billed_units"] == {"search_units": 10}


def test_errors_are_those_of_the_clients(service):
    message = "documents is an empty list; send at least one item"
    assert ask(service, "/v1/rerank", query="a", documents=[]) == (400, {"message": message, "detail": message})
    assert ask(service, "/v2/rerank", query="a", documents=[]) == (400, {"message": message})
    assert ask(service, "/v2/rerank", query="a", documents=[""] * 2049)[0] == 413


@pytest.mark.parametrize("path", ["/score", "/v1/score"])
def test_vllms_scores_are_cosines_too(service, path):
    query, *vectors = unit_vectors(service, [QUERY, *DOCUMENTS])
    many = good(service, path, model="m", text_1=QUERY, text_2=DOCUMENTS)
    assert [item["index"] for item in many["data"]] == [0, 1, 2, 3]
    for item, vector in zip(many["data"], vectors):
        assert item["object"] == "score" and math.isclose(item["score"], cosine(query, vector), abs_tol=1e-6)
    assert set(many) == {"id", "object", "created", "model", "data", "usage"} and many["model"] == "m"
    pairs = good(service, path, queries=DOCUMENTS, documents=[QUERY] * 4)
    assert [item["score"] for item in pairs["data"]] == [item["score"] for item in many["data"]]
    status, reply = ask(service, path, text_1=["a", "b"], text_2=["c"])
    assert status == 400 and set(reply["error"]) == {"message", "type", "param", "code"}


def test_vllms_pooling_has_the_bits_of_v1_embeddings(service):
    rows = good(service, "/pooling", model="m", input=DOCUMENTS)["data"]
    assert [row["data"] for row in rows] \
        == [item["embedding"] for item in good(service, "/v1/embeddings", input=DOCUMENTS)["data"]]
