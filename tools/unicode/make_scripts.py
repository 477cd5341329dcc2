#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes model/text/unicode/script_ranges.c: which script each letter is of, as the regular expressions
of the `tokenizers` library know it (Oniguruma; Unicode's property Script, ISO 15924's names).

    make unicode-tables          writes the file
    make unicode-tables-check    fails where it is not what this script makes (part of `make test`)
"""
import sys

import tokenizers
from tokenizers import Regex, normalizers

# Unicode's own, in the order of their names: those that have letters. A letter of none of them, nor of
# those that scripts share, stops this script.
SCRIPTS = """
    Adlm Aghb Ahom Arab Armi Armn Avst Bali Bamu Bass Batk Beng Bhks Bopo Brah Bugi Buhd Cakm Cans Cari Cham
    Cher Chrs Copt Cpmn Cprt Cyrl Deva Diak Dogr Dsrt Dupl Egyp Elba Elym Ethi Gara Geor Glag Gong Gonm Goth
    Gran Grek Gujr Gukh Guru Hang Hani Hano Hatr Hebr Hira Hluw Hmng Hmnp Hung Ital Java Kali Kana Kawi Khar
    Khmr Khoj Kits Knda Krai Kthi Lana Laoo Latn Lepc Limb Lina Linb Lisu Lyci Lydi Mahj Maka Mand Mani Marc
    Medf Mend Merc Mero Mlym Modi Mong Mroo Mtei Mult Mymr Nagm Nand Narb Nbat Newa Nkoo Nshu Ogam Olck Onao
    Orkh Orya Osge Osma Ougr Palm Pauc Perm Phag Phli Phlp Phnx Plrd Prti Rjng Rohg Runr Samr Sarb Saur Shaw
    Shrd Sidd Sind Sinh Sogd Sogo Sora Soyo Sund Sunu Sylo Syrc Tagb Takr Tale Talu Taml Tang Tavt Telu Tfng
    Tglg Thaa Thai Tibt Tirh Tnsa Todr Toto Tutg Ugar Vaii Vith Wara Wcho Xpeo Xsux Yezi Yiii Zanb
""".split()
SHARED = ["Zyyy", "Zinh"]


def all_letters():
    """In the order of their code points."""
    codes = (c for c in range(0x110000) if not 0xD800 <= c < 0xE000)
    return normalizers.Replace(Regex(r"\P{L}"), "").normalize_str("".join(map(chr, codes)))


def scripts_of(letters):
    """{letter: name of its script}"""
    found = {}
    for name in SCRIPTS + SHARED:
        own = normalizers.Replace(Regex(r"\P{%s}" % name), "").normalize_str(letters)
        assert own or name == "Zinh", name
        assert not found.keys() & set(own), name
        found.update(dict.fromkeys(own, name))
    assert len(found) == len(letters), [hex(ord(ch)) for ch in letters if ch not in found]
    return found


def ranges(letters):
    """[first, last, script]: between two of its letters there is no letter of another."""
    script, found = scripts_of(letters), []
    for ch in letters:
        if not found or found[-1][2] != script[ch]:
            found.append([ord(ch), ord(ch), script[ch]])
        found[-1][1] = ord(ch)
    return [part for part in found if part[2] not in SHARED]


def main():
    found = ranges(all_letters())
    print(f"""\
/* SPDX-License-Identifier: Apache-2.0 */
/* Made by tools/unicode/make_scripts.py with tokenizers {tokenizers.__version__}: not to be edited. */
/* clang-format off */
#include "model/text/unicode/script_ranges.h"

_Static_assert(SCRIPTS == {len(SCRIPTS) + 1} && SCRIPT_RANGES == {len(found)}, "as in make_scripts.py");

const char script_names[SCRIPTS][SCRIPT_NAME_BYTES + 1] = {{
    "",""")
    for start in range(0, len(SCRIPTS), 12):
        print("   ", " ".join(f'"{name}",' for name in SCRIPTS[start:start + 12]))
    print("};\n\nconst struct script_range script_ranges[SCRIPT_RANGES] = {")
    for start in range(0, len(found), 4):
        print("   ", " ".join("{0x%X, 0x%X, %d}," % (first, last, SCRIPTS.index(name) + 1)
                              for first, last, name in found[start:start + 4]))
    print("};")
    print(f"{len(SCRIPTS) + 1} scripts, {len(found)} ranges", file=sys.stderr)


if __name__ == "__main__":
    main()
