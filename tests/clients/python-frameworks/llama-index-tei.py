# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference
    embedding = TextEmbeddingsInference(base_url=URL, model_name="any")
    vectors = embedding.get_text_embedding_batch(texts)
    # -- end
    return vectors


def one(text):
    from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference
    return TextEmbeddingsInference(base_url=URL, model_name="any").get_query_embedding(text)


def wrong(_):
    from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference
    TextEmbeddingsInference(base_url=URL, model_name="any", endpoint="/nowhere").get_query_embedding("a")


run(one=one, many=many, wrong=wrong)
