#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes model/text/unicode/unicode_tables.c: what the `tokenizers` library does with every code point.

The library is asked about every single one, so that no Unicode version has to be guessed: its parts
come from several Rust crates of different versions, and its normal forms are those of Unicode 9. It
is asked about many at once, in texts that hold each code point once, for speed alone.

    make unicode-tables          writes the file
    make unicode-tables-check    fails where it is not what this script makes (part of `make test`)
"""
import functools
import gc
import sys

import numpy as np
import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

LAST = 0x10FFFF
SURROGATES = range(0xD800, 0xE000)
HANGUL = range(0xAC00, 0xD7A4)  # composed and decomposed by arithmetic (Unicode, 3.12), not by table

# The index, as in unicode.h: code points in a block of its last stage; blocks in one of the stage
# before, which is spread out for the first PLANE code points, so that these take two steps. 56 KB,
# the smallest of all that were tried (8 and 32 59 KB, 32 and 32 65 KB). Three steps for all would
# make 47 KB and BERT 10 % slower on Chinese; two for all 93 KB.
LEAF, MIDDLE, PLANE = 16, 32, 0x10000
RECORD = 7  # the size of one, in 16 bits: the index tells places, which saves a multiplication

(CONTROL, SPACE, PUNCT, CHINESE, MARK, REORDER, WORD, SYLLABLE,
 COMBINING, NUMERIC, LETTER, NUMBER, SECOND, UPPER, LOWER, SIGN) = (1 << i for i in range(16))
LEAD = SYLLABLE  # of the table by byte: not ASCII, decode and look further

CODES = [c for c in range(LAST + 1) if c not in SURROGATES]
CHARS = [chr(c) for c in CODES]


def in_chunks(chars, size=1 << 13):
    return [chars[start:start + size] for start in range(0, len(chars), size)]


CHUNKS = in_chunks(CHARS)
EACH = "".join(CHARS)

# A letter that stays as it is whatever is done to it, and that nothing becomes.
BETWEEN = "\u16a0"
APART = BETWEEN.join("x" if ch == BETWEEN else ch for ch in CHARS)


class Changed(dict):
    """The characters that a normalizer changes, and what it makes of them."""

    def __init__(self, normalizer):
        normalize = normalizer.normalize_str
        texts = normalize(APART).split(BETWEEN)
        assert len(texts) == len(CHARS) and normalize(BETWEEN) == BETWEEN
        texts[CHARS.index(BETWEEN)] = BETWEEN
        super().__init__((ch, text) for ch, text in zip(CHARS, texts) if ch != text)

    def __missing__(self, ch):
        return ch


def removed(normalizer):
    """The characters that the normalizer takes out of a text and that are all that it changes."""
    rest = normalizer.normalize_str(EACH)
    is_gone = np.ones(LAST + 1, bool)
    is_gone[[*SURROGATES]] = False
    is_gone[np.frombuffer(rest.encode("utf-32-le"), np.uint32)] = False
    gone = {chr(c) for c in np.flatnonzero(is_gone)}
    assert len(rest) + len(gone) == len(CHARS)
    return gone


def in_class(expression):
    return removed(normalizers.Replace(Regex(expression), ""))


def parts(pre_tokenizer, chars, between):
    """Where in "between, character, between, character, ... between" a part starts and ends."""
    text = between + between.join(chars) + between
    return [where for _, where in pre_tokenizer.pre_tokenize_str(text)]


def parted(pre_tokenizer):
    """Which characters are left out between letters, and which stand alone: two sets."""
    left_out, alone = set(), set()
    for chars in CHUNKS:
        at = 0
        for start, end in parts(pre_tokenizer, chars, "a"):
            # Letters stay, and where something stands between them that is kept, it parts them.
            assert start % 2 == 0 and end % 2 == 1 or end - start == 1, chars[start // 2]
            assert at == start or at == start - 1 and start % 2 == 0, chars[start // 2]
            if at != start:
                left_out.add(chars[at // 2])
            if start % 2 == 1:
                alone.add(chars[start // 2])
            at = end
    return left_out, alone


def around_added_tokens():
    """Which characters an added token of the kind single_word is not found beside, on either side;
    and which ones those of the kind lstrip take in. Two sets."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.add_tokens([AddedToken("<m>", normalized=False, single_word=True, lstrip=True)])

    def found(text):
        encoding = tokenizer.encode(text)
        return [where for token, where in zip(encoding.ids, encoding.offsets) if token == 1]

    # A token between each two characters: those that have found ones on both sides are no word's.
    beside, spaces = set(), set()
    for chars in CHUNKS:
        places = {(end - 1) // 4: start % 4 for start, end in found("<m>".join([".", *chars, "."]))}
        beside |= {ch for i, ch in enumerate(chars) if not (i in places and i + 1 in places)}
        spaces |= {ch for i, ch in enumerate(chars) if places.get(i + 1) == 0}
    # The others may owe that to their neighbour.
    for chars in in_chunks(sorted(beside)):
        behind = {(end - 1) // 5: start % 5
                  for start, end in found("".join(ch + "<m>." for ch in chars))}
        ahead = {(end - 1) // 5 for start, end in found("".join(".<m>" + ch for ch in chars))}
        assert behind.keys() == ahead
        beside.difference_update(chars[i] for i in ahead)
        spaces |= {chars[i] for i, start in behind.items() if start == 0}
    return beside, spaces


def bert(**on):
    off = dict.fromkeys(("clean_text", "handle_chinese_chars", "strip_accents", "lowercase"), False)
    return Changed(normalizers.BertNormalizer(**{**off, **on}))


nfd_of, nfc_of = normalizers.NFD().normalize_str, normalizers.NFC().normalize_str


def combining_orders(elements):
    """Ranks of the canonical combining classes, 0 for starters. Only their order matters."""
    # U+0345 has the highest class there is (240): whatever is lower and no starter moves before it.
    pairs = ["\u0345" + e for e in elements if e != BETWEEN]
    moved = nfd_of(BETWEEN.join(pairs)).split(BETWEEN)
    moving = ["\u0345", *(pair[1] for pair, text in zip(pairs, moved) if text != pair)]

    def compare(a, b):
        if nfd_of(a + b) != a + b:
            return 1
        return -1 if nfd_of(b + a) != b + a else 0

    moving.sort(key=functools.cmp_to_key(compare))
    orders, rank = {}, 0
    for i, element in enumerate(moving):
        rank += i == 0 or compare(moving[i - 1], element) != 0
        orders[element] = rank
    assert rank < 64  # they are bits of a 64-bit set in the reader
    return orders


def compositions(nfd):
    """(first, second) -> composed, without Hangul, which is composed by arithmetic."""
    pairs = {}
    for ch, parts in nfd.items():
        if ord(ch) in HANGUL or len(parts) < 2 or nfc_of(ch) != ch:
            continue
        first = nfc_of(parts[:-1])
        assert len(first) == 1 and nfc_of(first + parts[-1]) == ch, hex(ord(ch))
        pairs[first + parts[-1]] = ch
    return pairs


def scripts():
    """{character: number of its script}, without meaning, but for those that part nothing."""
    pre_tokenizer = pre_tokenizers.UnicodeScripts()
    split = pre_tokenizer.pre_tokenize_str

    def joined_by(between):
        """The characters that a letter of some script goes on behind."""
        joined = set()
        for chars in CHUNKS:
            starts = {start for start, _ in parts(pre_tokenizer, chars, between)}
            joined |= {ch for i, ch in enumerate(chars)
                       if 2 * i + 1 not in starts and 2 * i + 2 not in starts}
        return joined

    anywhere = joined_by("a") & joined_by("\u4e00")
    numbers, known, last = {}, ["a"], 1
    for run, _ in split("".join(ch for ch in CHARS if ch not in anywhere)):
        for number in [last, *range(1, len(known) + 1)]:
            if len(split(known[number - 1] + run[0])) == 1:
                last = number
                break
        else:
            known.append(run[0])
            last = len(known)
        numbers.update(dict.fromkeys(run, last))
    return numbers


def all_flags(nfd, stripped, orders, seconds):
    cleaned, spaced = bert(clean_text=True), bert(handle_chinese_chars=True)
    left_out, alone = parted(pre_tokenizers.BertPreTokenizer())
    _, numeric = parted(pre_tokenizers.Digits(individual_digits=True))
    words, spaces = around_added_tokens()
    sets = {
        CONTROL: {ch for ch, text in cleaned.items() if text == ""},
        SPACE: left_out,
        PUNCT: alone,
        CHINESE: set(spaced),
        MARK: {ch for ch, text in stripped.items() if text == ""},
        REORDER: {ch for ch in {*orders, *stripped} if any(e in orders for e in stripped[ch])},
        WORD: words,
        SYLLABLE: set(map(chr, HANGUL)),
        COMBINING: removed(normalizers.StripAccents()),
        NUMERIC: numeric,
        LETTER: in_class(r"\p{L}"),
        NUMBER: in_class(r"\p{N}"),
        SECOND: seconds,
        UPPER: in_class(r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"),
        LOWER: in_class(r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"),
        SIGN: in_class(r"[\p{P}\p{S}]"),
    }
    assert all(text == " " + ch + " " for ch, text in spaced.items())
    # Cleaning writes a space for exactly what splits words, but for what it removes.
    assert set(cleaned.values()) == {"", " "}
    assert {*(ch for ch, text in cleaned.items() if text), " "} == sets[SPACE] - sets[CONTROL]
    # \s of the added tokens' flags and of expressions is the same set.
    assert spaces == sets[SPACE] == in_class(r"\s")
    # A character with an element that may change its place among its neighbours: the writer reads
    # the elements from the stripped text, so nothing may be missing there.
    assert all(stripped[ch] == nfd[ch] for ch in sets[REORDER])
    flags = dict.fromkeys(CHARS, 0)
    for flag, chars in sets.items():
        for ch in chars:
            flags[ch] |= flag
    return flags


def check(ch, flags, order, lower, stripped, both):
    """What the code that reads the tables relies on."""
    own, name = flags[ch], hex(ord(ch))
    texts = lower[ch], stripped[ch], both[ch]
    assert order == 0 or stripped[ch] == "" or own & REORDER, name
    assert both[ch] == "".join(lower[e] for e in stripped[ch]), name
    # One source character's lower case never needs another's place in the order.
    assert not own & REORDER or both[ch] == stripped[ch], name
    assert not own & SYLLABLE or lower[ch] == ch, name
    # A text may be cut before a space, a mark of punctuation or a Chinese character: whatever is
    # done to it, it starts a word and takes no part in reordering.
    if own & (SPACE | PUNCT | CHINESE) and not own & CONTROL:
        assert order == 0 and not own & MARK, name
        assert all(text and (own & CHINESE or flags[text[0]] & PUNCT or text == " ") or
                   all(flags[other] & SPACE for other in text) for text in texts), name
    # What the sizes of scratch and result are reckoned by.
    raw, spaces = len(ch.encode()), 2 if own & CHINESE else 0
    assert all(len(text) + spaces <= raw for text in texts), name
    assert all(len(text.encode()) + spaces <= 3 * raw for text in texts), name


class Pool:
    """Texts in one array of bytes, each with its length before it. The first one is empty."""

    def __init__(self):
        self.data, self.at = bytearray(1), {}

    def place(self, text):
        if text not in self.at:
            raw = text.encode()
            assert len(self.data) < 1 << 16 and 0 < len(raw) < 256
            self.at[text] = len(self.data)
            self.data += bytes([len(raw)]) + raw
        return self.at[text]


def all_records(pool):
    """(a record for each character, compositions)"""
    nfd, nfkd = Changed(normalizers.NFD()), Changed(normalizers.NFKD())
    lower, stripped = bert(lowercase=True), bert(strip_accents=True)
    both = bert(strip_accents=True, lowercase=True)
    # Elements stand for themselves in both forms.
    elements = [ch for ch in CHARS if ch not in nfd]
    assert not nfd.keys() & {*"".join([*nfd.values(), *nfkd.values()])}
    assert not nfkd.keys() & {*"".join(nfkd.values())}
    orders, pairs = combining_orders(elements), compositions(nfd)
    flags = all_flags(nfd, stripped, orders, {pair[1] for pair in pairs})
    script, records = scripts(), []
    changed = {*orders, *lower, *stripped, *both, *nfd, *nfkd}
    for ch in CHARS:
        order, texts = 0, (0, 0, 0, 0, 0)
        if ch in changed or flags[ch] & (SPACE | PUNCT | CHINESE):
            order = orders.get(nfd[ch][0], 0)
            check(ch, flags, order, lower, stripped, both)
        if ch in changed and not flags[ch] & SYLLABLE:  # which is taken apart by arithmetic
            is_mark = flags[ch] & MARK  # and left out by that
            texts = (lower[ch], ch if is_mark else stripped[ch], ch if is_mark else both[ch],
                     nfd[ch], nfkd[ch])
            texts = tuple(0 if text == ch else pool.place(text) for text in texts)
        records.append((flags[ch], order, script.get(ch, 0), *texts))
    return records, pairs


def stages(numbers):
    """The index over all code points: (above, blocks, leaves)."""
    def shared(values, size):
        blocks, first = {}, []
        for start in range(0, len(values), size):
            first.append(blocks.setdefault(tuple(values[start:start + size]), len(blocks)))
        return first, [value for block in blocks for value in block]

    blocks, leaves = shared(numbers, LEAF)
    blocks = [block * LEAF for block in blocks]
    above, rest = shared(blocks[PLANE // LEAF:], MIDDLE)
    return above, blocks[:PLANE // LEAF] + rest, leaves


def table(name, type_name, values, size=""):
    print(f"\nconst {type_name} {name}[{size}] = {{")
    line = "   "
    for value in map(str, values):
        if len(line) + len(value) + 2 > 100:
            print(line)
            line = "   "
        line += f" {value},"
    print(line + "\n};")


def main():
    gc.disable()  # a third of the time; there are no cycles
    pool, numbers = Pool(), {}
    records, pairs = all_records(pool)
    places = [numbers.setdefault(record, len(numbers)) * RECORD for record in records]
    first = SURROGATES.start
    places[first:first] = [places[first - 1]] * len(SURROGATES)
    above, blocks, leaves = stages(places)
    assert max(above) < 1 << 8 and max(blocks) < 1 << 16 and max(leaves) < 1 << 16
    print(f"""\
/* SPDX-License-Identifier: Apache-2.0 */
/* Made by tools/unicode/make_tables.py with tokenizers {tokenizers.__version__}: not to be edited. */
/* clang-format off */
#include "model/text/unicode/unicode.h\"""")
    table("unicode_above", "uint8_t", above)
    table("unicode_blocks", "uint16_t", blocks)
    table("unicode_leaves", "uint16_t", leaves)
    table("unicode_records", "struct unicode_record",
          ("{%d,%d,%d,{%d,%d,%d,%d,%d}}" % record for record in numbers))
    table("unicode_texts", "unsigned char", pool.data)
    table("unicode_compositions", "uint64_t", sorted(
        (hex(ord(pair[0]) << 42 | ord(pair[1]) << 21 | ord(ch)) for pair, ch in pairs.items()),
        key=lambda text: int(text, 16)))
    print(f"\nconst size_t unicode_n_compositions = {len(pairs)};")
    table("unicode_byte_flags", "uint8_t",
          [flags & 0xFF for flags, *_ in records[:128]] + [LEAD] * 128, 256)
    print(f"{len(numbers)} records, {len(pool.data)} bytes of texts, {len(pairs)} compositions; "
          f"stages of {len(above)}, {len(blocks)}, {len(leaves)}", file=sys.stderr)


if __name__ == "__main__":
    main()
