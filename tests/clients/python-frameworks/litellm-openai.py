# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    import litellm
    reply = litellm.embedding(model="openai/text-embedding-3-small", input=texts, api_base=f"{URL}/v1", api_key="unused")
    vectors = [item["embedding"] for item in reply.data]
    # -- end
    return vectors


def wrong(dimensions):
    import litellm
    litellm.embedding(model="openai/text-embedding-3-small", input=["a"], api_base=f"{URL}/v1", api_key="unused", dimensions=dimensions)


run(one=lambda text: many([text])[0], many=many, wrong=wrong)
