# SPDX-License-Identifier: Apache-2.0
"""The official client against the running program."""
import math
import pathlib
import struct

import httpx2
import openai
import pytest

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples/chain/w6x2"


def client_of(service):
    # Errors are what is tested: no second try.
    return openai.OpenAI(base_url=service.url + "/v1", api_key="unused", max_retries=0)


@pytest.fixture(scope="module")
def client(service):
    with client_of(service) as one:
        yield one


def bits(vector):
    return struct.pack(f"<{len(vector)}f", *vector)


def test_defaults_give_unit_vectors(client):
    reply = client.embeddings.create(model="text-embedding-3-small", input="I love to eat")
    assert reply.object == "list" and len(reply.data) == 1
    vector = reply.data[0].embedding
    assert len(vector) == 256
    assert math.isclose(math.fsum(x * x for x in vector), 1, rel_tol=1e-6)
    assert reply.model == "text-embedding-3-small"
    assert reply.usage.prompt_tokens == reply.usage.total_tokens == 4


def test_base64_and_float_are_the_same_bits(client):
    texts = ["I love to eat", "我爱吃饭", "", "naïve café \u0000 \U0001f600"]
    asked = client.embeddings.create(model="m", input=texts)
    floats = client.embeddings.create(model="m", input=texts, encoding_format="float")
    assert [item.index for item in asked.data] == [0, 1, 2, 3]
    for a, b in zip(asked.data, floats.data, strict=True):
        assert bits(a.embedding) == bits(b.embedding)
    assert set(asked.data[2].embedding) == {0}
    raw = client.embeddings.with_raw_response.create(model="m", input="eat",
                                                     encoding_format="base64")
    assert isinstance(raw.http_response.json()["data"][0]["embedding"], str)


def test_the_models_own_ids_stand_for_their_text(start):
    text = "the food is good"
    with client_of(start("--openai-ids", "model")) as client:
        ids = client.post("/ids", body={"text": text}, cast_to=httpx2.Response).json()["data"][0]["ids"]
        assert len(ids) == 4
        by_text = client.embeddings.create(model="m", input=text)
        by_ids = client.embeddings.with_raw_response.create(model="m", input=ids)
        batch = client.embeddings.create(model="m", input=[ids, ids[:1]])
    assert by_ids.headers["x-embedd-ids"] == "model"
    assert bits(by_ids.parse().data[0].embedding) == bits(by_text.data[0].embedding)
    assert bits(batch.data[0].embedding) == bits(by_text.data[0].embedding)
    assert batch.usage.prompt_tokens == 5


def test_dimensions_are_cut_before_the_norm(client):
    full = client.embeddings.create(model="m", input="good food").data[0].embedding
    cut = client.embeddings.create(model="m", input="good food", dimensions=64).data[0].embedding
    norm = math.sqrt(math.fsum(x * x for x in full[:64]))
    assert len(cut) == 64
    assert all(math.isclose(a, b / norm, abs_tol=1e-6) for a, b in zip(cut, full))


def test_models_are_listed(client):
    listed = client.models.list().data
    assert len(listed) == 1 and listed[0].object == "model"
    assert client.models.retrieve(listed[0].id) == listed[0]


def test_the_request_id_is_the_servers(client):
    replies = [client.embeddings.create(model="m", input="a") for _ in range(2)]
    assert replies[0]._request_id and replies[0]._request_id != replies[1]._request_id
    raw = client.embeddings.with_raw_response.create(
        model="m", input="a", extra_headers={"x-request-id": "mine-17"})
    assert raw.headers["x-request-id"] == "mine-17"


def test_unknown_fields_are_counted(client):
    raw = client.embeddings.with_raw_response.create(
        model="m", input="a", user="someone", extra_body={"input_type": "query", "prefix": "q: "})
    assert raw.headers["x-embedd-ignored-fields"] == "2"


@pytest.mark.parametrize("wrong, param, says", [
    ({"encoding_format": "md5"}, "encoding_format",
     "Invalid value for 'encoding_format' = md5. Supported values: ['float', 'base64']."),
    ({"dimensions": 0}, "dimensions", "from 1 to 256, not 0"),
    ({"dimensions": "12"}, "dimensions", "a whole number"),
    ({"input": []}, "input", "empty list"),
    ({"input": [10**6]}, "input", "input[0] is 1000000"),
    ({"input": [-1]}, "input", "input[0] is -1"),
    ({"input": [1, "a"]}, "input", "input[1]"),
    ({"input": {"text": "a"}}, "input", "not an object"),
])
def test_wrong_values_raise_bad_request(client, wrong, param, says):
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(**{"model": "m", "input": "a", **wrong})
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"
    assert says in caught.value.message
    assert set(caught.value.body) == {"message", "type", "param", "code"}


def test_too_many_inputs_are_413(client):
    with pytest.raises(openai.APIStatusError) as caught:
        client.embeddings.create(model="m", input=["a"] * 2049)
    assert caught.value.status_code == 413
    assert "max-inputs is 2048" in caught.value.message
    assert len(client.embeddings.create(model="m", input=["a"] * 2048).data) == 2048


def test_a_strict_service_knows_its_model_alone(start):
    with client_of(start("--strict-model", "--model", str(EXAMPLE))) as client:
        name = client.models.list().data[0].id
        with pytest.raises(openai.NotFoundError) as caught:
            client.embeddings.create(model="text-embedding-3-small", input="我")
        assert caught.value.param == "model"
        assert client.embeddings.create(model=name, input="我").model == name


def test_a_large_batch_has_the_bits_of_each_text_alone(client):
    texts = [f"sentence number {i} about food" for i in range(600)]
    batch = client.embeddings.create(model="m", input=texts).data
    for i in (0, 1, 299, 599):
        alone = client.embeddings.create(model="m", input=texts[i]).data[0]
        assert bits(batch[i].embedding) == bits(alone.embedding)
