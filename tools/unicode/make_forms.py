#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes model/text/unicode/forms_table.c: normal forms, scripts, and classes of patterns, as the
`tokenizers` library knows them.

The library is asked, code point by code point, so that no Unicode version has to be guessed: its
normal forms, for one, are those of Unicode 9, which no packaged library has. Two minutes of work;
not part of the build.

    python3 -m venv venv && venv/bin/pip install tokenizers==0.23.1
    venv/bin/python tools/unicode/make_forms.py > model/text/unicode/forms_table.c
"""
import sys

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

from make_table import HANGUL, LAST, VERSION, code_points, combining_orders, start, table, two_stages

COMBINING, NUMERIC, LETTER, NUMBER, GAP, SECOND, UPPER, LOWER, SIGN = (1 << i for i in range(9))

nfd, nfc, nfkd = (getattr(normalizers, form)().normalize_str for form in ("NFD", "NFC", "NFKD"))
strip = normalizers.StripAccents().normalize_str
digits = pre_tokenizers.Digits(individual_digits=True).pre_tokenize_str
scripts = pre_tokenizers.UnicodeScripts().pre_tokenize_str


def in_class(expression):
    remove = normalizers.Replace(Regex(expression), "").normalize_str
    return lambda ch: remove(ch) == ""


is_letter, is_number, is_gap = in_class(r"\p{L}"), in_class(r"\p{N}"), in_class(r"\s")
is_upper = in_class(r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]")
is_lower = in_class(r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]")
is_sign = in_class(r"[\p{P}\p{S}]")


def flags_of(ch):
    flags = COMBINING * (strip(ch) == "") | LETTER * is_letter(ch) | NUMBER * is_number(ch)
    flags |= UPPER * is_upper(ch) | LOWER * is_lower(ch) | SIGN * is_sign(ch)
    return flags | GAP * is_gap(ch) | NUMERIC * (len(digits("a" + ch + "a")) == 3)


class Scripts:
    """Numbers for scripts: 0 is Any, which parts nothing."""

    def __init__(self):
        self.known = ["a"]  # a character of each, from 1
        self.last = 1

    def number(self, ch):
        if len(scripts("a" + ch)) == 1 and len(scripts("\u4e00" + ch)) == 1:
            return 0
        for number in [self.last, *range(1, len(self.known) + 1)]:
            if len(scripts(self.known[number - 1] + ch)) == 1:
                self.last = number
                return number
        self.known.append(ch)
        self.last = len(self.known)
        return self.last


def compositions():
    """(first, second) -> composed, without Hangul, which is composed by arithmetic."""
    found = {}
    for c in code_points():
        ch = chr(c)
        parts = nfd(ch)
        if c in HANGUL or len(parts) < 2 or nfc(ch) != ch:
            continue
        first = nfc(parts[:-1])
        assert len(first) == 1 and nfc(first + parts[-1]) == ch, hex(c)
        found[first + parts[-1]] = c
    return found


class Pool:
    """Sequences of code points laid out once in one array."""

    def __init__(self):
        self.data, self.at, self.mappings = "", {}, {(0, 0): 0}

    def mapping(self, ch, text):
        if text == ch:
            return 0
        at = self.data.find(text)
        if at < 0:
            at = len(self.data)
            self.data += text
        assert at < 1 << 16 and len(text) < 256
        return self.mappings.setdefault((at, len(text)), len(self.mappings))


def main():
    assert tokenizers.__version__ == VERSION, f"needs tokenizers=={VERSION}"
    elements = sorted({e for c in code_points() for e in nfd(chr(c)) + nfkd(chr(c))})
    orders = combining_orders(elements)
    composed, pool, kinds, records, index = compositions(), Pool(), Scripts(), {}, []
    seconds = {pair[1] for pair in composed}
    for c in range(LAST + 1):
        if 0xD800 <= c < 0xE000:
            index.append(index[0xD7FF])
            continue
        ch = chr(c)
        canonical = 0 if c in HANGUL else pool.mapping(ch, nfd(ch))
        compatible = 0 if c in HANGUL else pool.mapping(ch, nfkd(ch))
        flags = flags_of(ch) | SECOND * (ch in seconds)
        # Elements stand for themselves in both forms.
        assert all(nfd(e) == e for e in nfd(ch)) and all(nfkd(e) == e for e in nfkd(ch)), hex(c)
        record = (canonical, compatible, flags, orders.get(ch, 0), kinds.number(ch))
        index.append(records.setdefault(record, len(records)))
    write(pool, composed, list(records), index)
    print(f"{len(records)} records, {len(pool.mappings)} mappings, pool {len(pool.data)}, "
          f"{len(composed)} compositions, {len(kinds.known)} scripts", file=sys.stderr)


def write(pool, composed, records, index):
    first, second = two_stages(index)
    assert len(records) < 1 << 16
    start("make_forms.py", "forms", first, second)
    table("form_records", "struct form_record",
          ("{%d,%d,%d,%d,%d}" % record for record in records), "")
    table("form_mappings", "struct form_mapping", ("{%d,%d}" % m for m in pool.mappings), "")
    table("form_pool", "uint32_t", (hex(ord(ch)) for ch in pool.data), "")
    pairs = sorted((ord(pair[0]) << 32 | ord(pair[1]), c) for pair, c in composed.items())
    table("form_compositions", "struct form_composition",
          (f"{{{pair:#x},{c:#x}}}" for pair, c in pairs), "")
    print(f"\nconst uint32_t form_n_compositions = {len(pairs)};")


if __name__ == "__main__":
    main()
