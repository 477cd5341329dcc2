# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    from langchain_ollama import OllamaEmbeddings
    embeddings = OllamaEmbeddings(base_url=URL, model="nomic-embed-text")
    vectors = embeddings.embed_documents(texts)
    # -- end
    return vectors


def one(text):
    from langchain_ollama import OllamaEmbeddings
    return OllamaEmbeddings(base_url=URL, model="nomic-embed-text").embed_query(text)


def wrong(_):
    from langchain_ollama import OllamaEmbeddings
    OllamaEmbeddings(base_url=URL + "/nowhere", model="nomic-embed-text").embed_query("a")


run(one=one, many=many, wrong=wrong)
