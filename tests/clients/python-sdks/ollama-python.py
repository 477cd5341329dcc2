# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    from ollama import Client
    client = Client(host=URL)
    vectors = client.embed(model="nomic-embed-text", input=texts).embeddings
    # -- end
    return vectors


def old(text):
    from ollama import Client
    return Client(host=URL).embeddings(model="nomic-embed-text", prompt=text).embedding


def wrong(question):
    from ollama import Client
    Client(host=URL).chat(model="llama3", messages=[{"role": "user", "content": question}])


run(one=lambda text: many(text)[0], many=many, old=old, wrong=wrong)
