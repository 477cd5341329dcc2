# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    from haystack import Document
    from haystack.components.embedders import OpenAIDocumentEmbedder
    from haystack.utils import Secret
    embedder = OpenAIDocumentEmbedder(api_base_url=f"{URL}/v1", api_key=Secret.from_token("unused"))
    documents = embedder.run([Document(content=text) for text in texts])["documents"]
    # -- end
    return [document.embedding for document in documents]


def one(text):
    from haystack.components.embedders import OpenAITextEmbedder
    from haystack.utils import Secret
    return OpenAITextEmbedder(api_base_url=f"{URL}/v1", api_key=Secret.from_token("unused")).run(text)["embedding"]


def wrong(dimensions):
    from haystack.components.embedders import OpenAITextEmbedder
    from haystack.utils import Secret
    OpenAITextEmbedder(api_base_url=f"{URL}/v1", api_key=Secret.from_token("unused"), dimensions=dimensions).run("a")


run(one=one, many=many, wrong=wrong)
