# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    from huggingface_hub import InferenceClient
    client = InferenceClient(URL)
    vectors = client.feature_extraction(texts)
    # -- end
    return vectors


def wrong(_):
    from huggingface_hub import InferenceClient
    InferenceClient(URL).feature_extraction([])


run(one=lambda text: many(text)[0], many=many, wrong=wrong)
