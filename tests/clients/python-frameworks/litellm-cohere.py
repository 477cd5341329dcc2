# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    import litellm
    reply = litellm.embedding(model="cohere/embed-v4.0", input=texts, api_base=f"{URL}/v2/embed", api_key="unused")
    vectors = [item["embedding"] for item in reply.data]
    # -- end
    return vectors


def wrong(dimensions):
    import litellm
    litellm.embedding(model="cohere/embed-v4.0", input=["a"], api_base=f"{URL}/v2/embed", api_key="unused", dimensions=dimensions)


run(one=lambda text: many([text])[0], many=many, wrong=wrong)
