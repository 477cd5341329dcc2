# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    from langchain_openai import OpenAIEmbeddings
    embeddings = OpenAIEmbeddings(base_url=f"{URL}/v1", api_key="unused", check_embedding_ctx_length=False)
    vectors = embeddings.embed_documents(texts)
    # -- end
    return vectors


def one(text):
    from langchain_openai import OpenAIEmbeddings
    return OpenAIEmbeddings(base_url=f"{URL}/v1", api_key="unused", check_embedding_ctx_length=False).embed_query(text)


def wrong(dimensions):
    from langchain_openai import OpenAIEmbeddings
    OpenAIEmbeddings(base_url=f"{URL}/v1", api_key="unused", check_embedding_ctx_length=False,
                     dimensions=dimensions).embed_query("a")


run(one=one, many=many, wrong=wrong)
