# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    import cohere
    client = cohere.Client(base_url=URL, api_key="unused")
    vectors = client.embed(model="embed-english-v3.0", texts=texts, input_type="search_document").embeddings
    # -- end
    return vectors


def ranked(query_and_documents):
    import cohere
    query, documents = query_and_documents
    reply = cohere.Client(base_url=URL, api_key="unused").rerank(model="m", query=query, documents=documents)
    return [[result.index, result.relevance_score] for result in reply.results]


def wrong(truncate):
    import cohere
    cohere.Client(base_url=URL, api_key="unused").embed(
        model="embed-english-v3.0", texts=["a"], input_type="search_query", truncate=truncate)


run(one=lambda text: many([text])[0], many=many, ranked=ranked, wrong=wrong)
