# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    import voyageai
    client = voyageai.Client(base_url=f"{URL}/v1", api_key="unused")
    vectors = client.embed(texts, model="voyage-3.5", input_type="document").embeddings
    # -- end
    return vectors


def wrong(dimensions):
    import voyageai
    voyageai.Client(base_url=f"{URL}/v1", api_key="unused").embed(["a"], model="voyage-3.5",
                                                                  output_dimension=dimensions)


run(one=lambda text: many([text])[0], many=many, wrong=wrong)
