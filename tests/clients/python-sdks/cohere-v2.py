# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    import cohere
    client = cohere.ClientV2(base_url=URL, api_key="unused")
    reply = client.embed(model="embed-v4.0", texts=texts, input_type="search_document", embedding_types=["float"])
    vectors = reply.embeddings.float
    # -- end
    return vectors


def ranked(query_and_documents):
    import cohere
    query, documents = query_and_documents
    reply = cohere.ClientV2(base_url=URL, api_key="unused").rerank(
        model="rerank-v3.5", query=query, documents=documents, top_n=len(documents))
    return [[result.index, result.relevance_score] for result in reply.results]


def wrong(dimensions):
    import cohere
    cohere.ClientV2(base_url=URL, api_key="unused").embed(
        model="embed-v4.0", texts=["a"], input_type="search_query", output_dimension=dimensions)


run(one=lambda text: many([text])[0], many=many, ranked=ranked, wrong=wrong)
