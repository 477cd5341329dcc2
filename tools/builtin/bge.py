# SPDX-License-Identifier: Apache-2.0
"""bge-small-en-v1.5 and bge-small-zh-v1.5, out of the ONNX files that langchain4j's packages carry.

The vector of a text is that of its first token, [CLS], at length 1; texts get no prefix."""

import onnx
from onnx import numpy_helper
from tokenizers import Tokenizer

from encoder import bert_layer

HEADS = {"en": 12, "zh": 8}
TOKENS = 256


class Bge:
    eps, first_token = 1e-12, True

    def __init__(self, folder, language):
        """`folder`: with the package's files (fetch.bge)."""
        name = folder / f"bge-small-{language}-v1.5"
        graph = onnx.load(f"{name}.onnx").graph
        values = {value.name: numpy_helper.to_array(value) for value in graph.initializer}
        # Weights have no names of their own; the steps that use them do: /encoder/layer.0/output/dense/MatMul
        weights = {node.name.strip("/").replace("/", ".").removesuffix(".MatMul"): values[node.input[1]].T
                   for node in graph.node if node.op_type == "MatMul" and node.input[1] in values}

        def linear(name):
            return weights[name], values[name + ".bias"]

        def pair(name):
            return values[name + ".weight"], values[name + ".bias"]

        self.heads = HEADS[language]
        self.table = values["embeddings.word_embeddings.weight"]
        self.words = lambda ids: self.table[ids]
        self.position = values["embeddings.position_embeddings.weight"]
        self.kind = values["embeddings.token_type_embeddings.weight"][0]
        self.norm = pair("embeddings.LayerNorm")
        n_layers = sum(name.endswith("attention.self.query") for name in weights)
        self.layers = [bert_layer(f"encoder.layer.{i}.", linear, pair) for i in range(n_layers)]
        self.tokenizer = Tokenizer.from_file(f"{name}-tokenizer.json")
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(TOKENS)

    def tokens(self, text):
        return self.tokenizer.encode(text).ids
