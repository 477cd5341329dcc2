# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    from llama_index.embeddings.openai import OpenAIEmbedding
    embedding = OpenAIEmbedding(api_base=f"{URL}/v1", api_key="unused")
    vectors = embedding.get_text_embedding_batch(texts)
    # -- end
    return vectors


def one(text):
    from llama_index.embeddings.openai import OpenAIEmbedding
    return OpenAIEmbedding(api_base=f"{URL}/v1", api_key="unused").get_query_embedding(text)


def wrong(dimensions):
    from llama_index.embeddings.openai import OpenAIEmbedding
    OpenAIEmbedding(api_base=f"{URL}/v1", api_key="unused", dimensions=dimensions).get_query_embedding("a")


run(one=one, many=many, wrong=wrong)
