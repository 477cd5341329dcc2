# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    from openai import OpenAI
    client = OpenAI(base_url=f"{URL}/v1", api_key="unused")
    reply = client.embeddings.create(model="text-embedding-3-small", input=texts)
    vectors = [item.embedding for item in reply.data]
    # -- end
    return vectors


def wrong(dimensions):
    from openai import OpenAI
    OpenAI(base_url=f"{URL}/v1", api_key="unused").embeddings.create(model="m", input="a", dimensions=dimensions)


run(one=lambda text: many(text)[0], many=many, wrong=wrong)
