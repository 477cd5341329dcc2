#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes model/text/unicode/unicode_table.c: what the `tokenizers` library does with every code point.

The library is asked, code point by code point, so that no Unicode version has to be guessed: its
parts come from several Rust crates of different versions. A minute of work; not part of the build.

    python3 -m venv venv && venv/bin/pip install tokenizers==0.23.1
    venv/bin/python tools/unicode/make_table.py > model/text/unicode/unicode_table.c
"""
import functools
import sys

import tokenizers
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

VERSION = "0.23.1"
LAST = 0x10FFFF
BLOCK = 128  # code points; as in unicode.h
HANGUL = range(0xAC00, 0xD7A4)  # decomposed by arithmetic (Unicode, 3.12), not by table

CONTROL, SPACE, PUNCT, CHINESE, MARK, REORDER, WORD, SYLLABLE = (1 << i for i in range(8))
LEAD = SYLLABLE  # of the table by byte: not ASCII, decode and look further


def code_points():
    return (c for c in range(LAST + 1) if not 0xD800 <= c < 0xE000)


def bert(**on):
    parts = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**parts, **on}).normalize_str


clean = bert(clean_text=True)
chinese = bert(handle_chinese_chars=True)
lower = bert(lowercase=True)
strip = bert(strip_accents=True)
strip_lower = bert(strip_accents=True, lowercase=True)
nfd = normalizers.NFD().normalize_str
split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str


def added_token_probe(**flags):
    """Whether the added token "<m>" is found, and where, beside other characters."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.add_tokens([AddedToken("<m>", normalized=False, **flags)])
    return tokenizer.encode


single_word = added_token_probe(single_word=True)
left_strip = added_token_probe(lstrip=True)


def flags_of(c):
    ch, flags = chr(c), 0
    cleaned = clean(ch)
    assert cleaned in ("", " ", ch), hex(c)
    parts = [text for text, _ in split("a" + ch + "a")]
    assert parts in (["a" + ch + "a"], ["a", "a"], ["a", ch, "a"]), hex(c)
    if cleaned == "":
        flags |= CONTROL
    if len(parts) == 2:
        flags |= SPACE
    if len(parts) == 3:
        flags |= PUNCT
    spaced = chinese(ch)
    assert spaced in (ch, " " + ch + " "), hex(c)
    if spaced != ch:
        flags |= CHINESE
    if 1 not in single_word(ch + "<m>").ids:
        flags |= WORD
    assert (flags & WORD != 0) == (1 not in single_word("<m>" + ch).ids), hex(c)
    # Cleaning writes a space for exactly what splits words, but for what it removes.
    assert (cleaned == " ") == (flags & (SPACE | CONTROL) == SPACE), hex(c)
    # \s of the added tokens' flags is the same set.
    assert (left_strip(ch + "<m>").offsets[-1][0] == 0) == (flags & SPACE != 0), hex(c)
    return flags


def combining_orders(elements):
    """Ranks of the canonical combining classes, 0 for starters. Only their order matters."""
    # U+0345 has the highest class there is (240): whatever is lower and no starter moves before it.
    moving = [e for e in elements if e == "\u0345" or nfd("\u0345" + e) != "\u0345" + e]

    def compare(a, b):
        if nfd(a + b) != a + b:
            return 1
        return -1 if nfd(b + a) != b + a else 0

    moving.sort(key=functools.cmp_to_key(compare))
    orders, rank = {}, 0
    for i, element in enumerate(moving):
        rank += i == 0 or compare(moving[i - 1], element) != 0
        orders[element] = rank
    return orders


class Pool:
    """Strings laid out once in one array of bytes."""

    def __init__(self):
        self.data = b""

    def place(self, text):
        raw = text.encode()
        at = self.data.find(raw)
        if at < 0:
            at = len(self.data)
            self.data += raw
        assert at < 1 << 16 and len(raw) < 16
        return at, len(raw)


def main():
    assert tokenizers.__version__ == VERSION, f"needs tokenizers=={VERSION}"
    # Ranks are the bits of a 64-bit set in the reader.
    elements = sorted({e for c in code_points() for e in nfd(chr(c))})
    orders = combining_orders(elements)
    assert max(orders.values()) < 64
    pool, mappings, records = Pool(), {(0, 0, 0, 0, 0, 0): 0}, {}
    index = []
    for c in range(LAST + 1):
        if 0xD800 <= c < 0xE000:
            index.append(index[0xD7FF])
            continue
        ch = chr(c)
        flags, stripped = flags_of(c), strip(ch)
        elements = nfd(ch)
        order = orders.get(elements[0], 0)
        if stripped == "":
            flags |= MARK
        elif any(e in orders for e in stripped):
            # What is left has an element that may change its place among its neighbours. The
            # writer reads the elements from the stripped text, so nothing may be missing there.
            flags |= REORDER
            assert stripped == elements, hex(c)
        assert order == 0 or stripped == "" or flags & REORDER, hex(c)
        mapped = (lower(ch), stripped, strip_lower(ch))
        assert mapped[2] == "".join(lower(e) for e in stripped), hex(c)
        # One source character's lower case never needs another's place in the order.
        assert not flags & REORDER or mapped[2] == mapped[1], hex(c)
        if c in HANGUL:
            flags |= SYLLABLE
            assert mapped[0] == ch
            mapping = 0
        elif mapped == (ch, ch, ch) or flags & MARK and mapped == (ch, "", ""):
            mapping = 0
        else:
            places = [pool.place(text) for text in mapped]
            key = tuple(at for at, _ in places) + tuple(n for _, n in places)
            mapping = mappings.setdefault(key, len(mappings))
        # A text may be cut before a space, a mark of punctuation or a Chinese character: whatever
        # is done to it, it starts a word and takes no part in reordering.
        if flags & (SPACE | PUNCT | CHINESE) and not flags & CONTROL:
            assert order == 0 and not flags & MARK, hex(c)
            assert all(m and (flags & CHINESE or len(split("a" + m[0])) > 1 or m == " ") or
                       split("a" + m) == [("a", (0, 1))] for m in mapped), hex(c)
        index.append(records.setdefault((mapping, flags, order), len(records)))
        # What the sizes of scratch and result are reckoned by.
        raw = len(ch.encode())
        spaces = 2 if flags & CHINESE else 0
        assert all(len(text) + spaces <= raw for text in mapped), hex(c)
        assert all(len(text.encode()) + spaces <= 3 * raw for text in mapped), hex(c)
    write(pool.data, list(mappings), list(records), index)


def table(name, type_name, values, size):
    print(f"\nconst {type_name} {name}[{size}] = {{")
    line = "   "
    for value in values:
        if len(line) + len(value) + 2 > 100:
            print(line)
            line = "   "
        line += f" {value},"
    print(line + "\n};")


def two_stages(index):
    blocks, first = {}, []
    for start in range(0, len(index), BLOCK):
        block = tuple(index[start:start + BLOCK])
        first.append(blocks.setdefault(block, len(blocks)))
    return first, [value for block in blocks for value in block]


def start(script, header, first, second):
    """The head of the file, and its two stages."""
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print(f"/* Made by tools/unicode/{script} with tokenizers {VERSION}: not to be edited. */")
    print("/* clang-format off */")
    print(f'#include "model/text/{header}.h"')
    prefix = header.removesuffix("s")
    table(f"{prefix}_first", "uint16_t", map(str, first), "")
    table(f"{prefix}_second", "uint16_t", map(str, second), "")


def write(pool, mappings, records, index):
    first, second = two_stages(index)
    assert len(records) < 1 << 16 and len(mappings) < 1 << 16
    start("make_table.py", "unicode", first, second)
    table("unicode_records", "struct unicode_record",
          (f"{{{m},{f},{o}}}" for m, f, o in records), "")
    table("unicode_mappings", "struct unicode_mapping",
          ("{{%d,%d,%d},{%d,%d,%d}}" % m for m in mappings), "")
    table("unicode_pool", "unsigned char", map(str, pool), "")
    ascii_flags = [records[index[c]][1] for c in range(128)] + [LEAD] * 128
    table("unicode_byte_flags", "uint8_t", map(str, ascii_flags), "256")
    print(f"{len(records)} records, {len(mappings)} mappings, pool {len(pool)}, "
          f"first {len(first)}, second {len(second)}", file=sys.stderr)


if __name__ == "__main__":
    main()
