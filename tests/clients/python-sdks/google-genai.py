# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    from google import genai
    client = genai.Client(api_key="unused", http_options={"base_url": URL})
    reply = client.models.embed_content(model="gemini-embedding-001", contents=texts)
    vectors = [item.values for item in reply.embeddings]
    # -- end
    return vectors


def wrong(dimensions):
    from google import genai
    client = genai.Client(api_key="unused", http_options={"base_url": URL})  # it closes when nothing holds it
    client.models.embed_content(
        model="gemini-embedding-001", contents="a", config={"output_dimensionality": dimensions})


run(one=lambda text: many(text)[0], many=many, wrong=wrong)
