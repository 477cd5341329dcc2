# SPDX-License-Identifier: Apache-2.0
"""OpenAI's vocabularies out of the program's own tables (model/text/openai/README.md has their form), for OpenAI's own
tokenizer, `tiktoken`, which would fetch them otherwise."""

import base64
import functools
import hashlib
from unittest import mock

import tiktoken
from tiktoken_ext import openai_public

from harness import TOP

NAMES = ("cl100k", "o200k")


@functools.cache
def tokens_of(name):
    """The bytes of each id."""
    table = (TOP / f"model/text/openai/{name}_base.pairs").read_bytes()
    bits = {"cl100k": 17, "o200k": 18}[name]
    tokens = [table[i:i + 1] for i in range(256)]
    mask = (1 << bits) - 1
    for i in range((len(table) - 256 - 8) * 8 // (2 * bits)):
        at = i * 2 * bits
        pair = int.from_bytes(table[256 + at // 8:264 + at // 8], "little") >> at % 8
        tokens.append(tokens[pair & mask] + tokens[pair >> bits & mask])
    return tokens


def ranks_of(name, expected_hash):
    """As tiktoken's load_tiktoken_bpe gives them, which checks the same sum."""
    tokens = tokens_of(name)
    lines = b"".join(b"%s %d\n" % (base64.b64encode(token), i) for i, token in enumerate(tokens))
    assert hashlib.sha256(lines).hexdigest() == expected_hash
    return {token: i for i, token in enumerate(tokens)}


@functools.cache
def encoding(name):
    """tiktoken's own encoding, but for where its ranks come from."""
    with mock.patch.object(openai_public, "load_tiktoken_bpe", lambda _, expected_hash: ranks_of(name, expected_hash)):
        return tiktoken.Encoding(**getattr(openai_public, f"{name}_base")())
