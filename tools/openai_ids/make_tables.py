#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the tables of OpenAI's token ids (model/text/openai/*.pairs) from lists of their tokens.

A list has a line a token: its bytes in base64, a space, its id. Ids 0 to 255 are the single bytes; every later
token is two tokens of lower ids, one behind the other, since byte pair encoding made it so. The table is the 256
bytes, then for each later token the ids of its two parts, each in as many bits as the last id needs, the first part
in the lower bits; then zeros, so that a reader may load eight bytes wherever a pair begins.

usage: tools/openai_ids/make_tables.py FOLDER OUT     (FOLDER has cl100k_base.tiktoken, o200k_base.tiktoken)
"""
import base64
import hashlib
import pathlib
import sys

# The sums that OpenAI's own library asks of its lists.
LISTS = {
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}


def tokens_of(text):
    tokens = []
    for line in text.splitlines():
        token, number = line.split()
        assert int(number) == len(tokens), "ids must go up by one"
        tokens.append(base64.b64decode(token))
    return tokens


def parts_of(token, ids):
    """The two tokens it is made of; of several such pairs that of the lowest ids, whose places in the
    table are read most often and so are likely to be in the CPU's cache."""
    pairs = [(ids[token[:at]], ids[token[at:]]) for at in range(1, len(token))
             if token[:at] in ids and token[at:] in ids]
    return min(pairs, key=lambda pair: (max(pair), pair))


def table_of(tokens):
    assert sorted(tokens[:256]) == [bytes([byte]) for byte in range(256)]
    ids = {token: i for i, token in enumerate(tokens)}
    assert len(ids) == len(tokens)
    bits = (len(tokens) - 1).bit_length()
    packed = 0
    chunks, filled = [], 0
    for i, token in enumerate(tokens[256:], 256):
        left, right = parts_of(token, ids)
        assert max(left, right) < i
        packed |= (right << bits | left) << filled
        filled += 2 * bits
        if filled >= 1 << 12:
            whole = filled // 8
            chunks.append((packed & (1 << 8 * whole) - 1).to_bytes(whole, "little"))
            packed >>= 8 * whole
            filled -= 8 * whole
    chunks.append(packed.to_bytes((filled + 7) // 8, "little"))
    return b"".join([*tokens[:256], *chunks, bytes(8)])


def main(folder, out):
    for name, want in LISTS.items():
        text = (pathlib.Path(folder) / f"{name}.tiktoken").read_bytes()
        found = hashlib.sha256(text).hexdigest()
        if found != want:
            sys.exit(f"{name}.tiktoken is not the list that OpenAI published: its SHA-256 is {found}, not {want}")
        table = table_of(tokens_of(text.decode("ascii")))
        (pathlib.Path(out) / f"{name}.pairs").write_bytes(table)
        print(f"{name}.pairs: {len(table):,} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
