# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    import litellm
    reply = litellm.embedding(model="ollama/nomic-embed-text", input=texts, api_base=URL, api_key="unused")
    vectors = [item["embedding"] for item in reply.data]
    # -- end
    return vectors


def wrong(_):
    import litellm
    litellm.embedding(model="ollama/nomic-embed-text", input=["a"], api_base=URL + "/nowhere", api_key="unused")


run(one=lambda text: many([text])[0], many=many, wrong=wrong)
