# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    from llama_index.embeddings.ollama import OllamaEmbedding
    embedding = OllamaEmbedding(base_url=URL, model_name="nomic-embed-text")
    vectors = embedding.get_text_embedding_batch(texts)
    # -- end
    return vectors


def one(text):
    from llama_index.embeddings.ollama import OllamaEmbedding
    return OllamaEmbedding(base_url=URL, model_name="nomic-embed-text").get_query_embedding(text)


def wrong(_):
    from llama_index.embeddings.ollama import OllamaEmbedding
    OllamaEmbedding(base_url=URL + "/nowhere", model_name="nomic-embed-text").get_query_embedding("a")


run(one=one, many=many, wrong=wrong)
