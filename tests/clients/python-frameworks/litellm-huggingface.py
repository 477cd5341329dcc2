# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    import litellm
    reply = litellm.embedding(model="huggingface/any", input=texts, api_base=URL, input_type="feature-extraction")
    vectors = [item["embedding"] for item in reply.data]
    # -- end
    return vectors


def wrong(texts):
    import litellm
    litellm.embedding(model="huggingface/any", input=texts, api_base=URL, input_type="feature-extraction")


run(one=lambda text: many([text])[0], many=many, wrong=wrong)
