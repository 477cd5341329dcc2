# SPDX-License-Identifier: Apache-2.0
"""The lines to compare on: all_lines(), the same ones every time."""

import random
import unicodedata

from corpus import SENTENCES, lines_of

ALL = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
SPACES = list(" \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000\u200b\ufeff\u180e")
ADDED = ["<mask>", "unaffable", "Words", "bé", "<both>", "<|im_start|>", "我们", "ING", "<|im_start|>user", "  ",
         "[MASK]", "[CLS]", "[SEP]", "[UNK]", "[PAD]", "<s>", "</s>", "<unk>", "<pad>", "<|endoftext|>",
         "<|begin_of_text|>", "<extra_id_0>", "<think>", "<｜begin▁of▁sentence｜>", "<0x41>", "<0x0A>", "▁", "▁▁",
         "##a", "</w>", "@@a", "Ġ", "\n\n", "<tool_call>", "<|startoftext|>", "<|endofprompt|>"]
EMOJI = ["😀", "👍🏽", "👩\u200d👩\u200d👧\u200d👦", "🏳\ufe0f\u200d🌈", "🇩🇪", "🇫🇷", "🇨🇳", "❤\ufe0f", "1\ufe0f\u20e3", "🧑🏿\u200d🚀", "☺",
         "🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F", "\u200d", "\ufe0f", "🇩"]


def chars(*pairs):
    return [chr(c) for first, last in pairs for c in range(first, last + 1)]


POOLS = {
    "latin": list("abcdefgh ABCXYZ 0123") + ["the ", "unaffable ", "embedding", "'s", "'ll", "n't"],
    "accents": list("éèêëÉñÑüÜßẞıİŁłøØœŒåÅÅÇǅǆŉǰΐΰﬁﬃſ\u212a\u1e9e"),
    "punctuation": list(".,!?-()[]{}#@$%^&*~`|<>='\"_/\\:;+«»“”‘’…–—。、，！？「」¡¿٪؟"),
    "spaces": SPACES + list("ab"),
    "ideographs": chars((0x4E00, 0x4E80), (0x3400, 0x3420), (0x20000, 0x20010), (0x2B740, 0x2B750),
                        (0x30000, 0x30010), (0x31350, 0x31360), (0xF900, 0xFA20), (0x2F800, 0x2F820)),
    "hangul": chars((0xAC00, 0xAC40), (0x1100, 0x1112), (0x1161, 0x1175), (0x11A8, 0x11C2), (0x3131, 0x3160),
                    (0xFFA0, 0xFFDC)),
    "kana": chars((0x3041, 0x30FF), (0xFF01, 0xFF9F)) + list("ー\u3099\u309a〇々"),
    "hebrew": chars((0x5D0, 0x5EA), (0x591, 0x5C7), (0xFB1D, 0xFB4E)) + list(" \u200f\u200e"),
    "arabic": chars((0x627, 0x652), (0x660, 0x66F), (0xFE70, 0xFEFC)) + list(" \u202b\u202c\u0640ﷺ"),
    "marks": chars((0x300, 0x36F), (0x20D0, 0x20F0), (0x1DC0, 0x1DFF)) + list("aeiouyAEIOU"),
    "reordered": list("a\u0301e\u0323\u0307s\u0323\u0345\u0344\u0f73\u0f75\u0f81\u0f71\u302e\u302f\u1b44\u0327\u0315"
                      "\U0001D15E\U0001D15F\U0001D160\U0001D165\U0001D16E\U0001D1BB\u0340\u0341\u0343\u0374\u037e\u0387"),
    "spacing marks": [c for c in ALL if unicodedata.category(c) == "Mc"] + list("aक\u0301"),
    "devanagari": chars((0x900, 0x97F)) + list(" \u200d\u200c"),
    "indic": chars((0x980, 0x9FF), (0xB80, 0xBFF), (0xC00, 0xC7F), (0xD00, 0xD7F)),
    "thai": chars((0xE01, 0xE3A), (0xE40, 0xE5B), (0xE81, 0xEDF)) + [" "],
    "southeast": chars((0x1000, 0x109F), (0x1780, 0x17E9), (0xF00, 0xF6C)),
    "digits": [c for c in ALL if unicodedata.category(c) in ("Nd", "Nl", "No")] + list("0123456789 ,."),
    "controls": chars((0, 0x1F), (0x7F, 0x9F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x2064)) + list("ab "),
    "compatibility": chars((0x2100, 0x214F), (0x2460, 0x24FF), (0x3300, 0x33FF), (0xFB00, 0xFB06), (0x1D400, 0x1D440)),
    "unassigned": list("\ufffd\ue000\uf8ff\u0378\U000E0001\U0010FFFF\U000F0000\ufffe\uffff\ufdd0"),
    "greek and cyrillic": chars((0x370, 0x3FF), (0x400, 0x460)) + list(" Σσς"),
    "emoji": EMOJI + [" ", "a"],
    "added": ADDED + [" ", "a", "  "],
    "pieces": ["▁", "Ġ", "Ċ", "<0x0A>", "<0xFF>", "##", "</w>", "<unk>", " ", "a"],
    "repeats": ["aaaa", "abab", "....", "    ", "\n\n\n", "----", "!!!", "1111", "我我"],
}


def mixed(chance, n):
    names = list(POOLS)
    for _ in range(n):
        pools = [POOLS[chance.choice(names)] for _ in range(chance.randint(1, 3))]
        yield "".join(chance.choice(chance.choice(pools)) for _ in range(chance.randint(1, 40)))


def single_pools(chance, n_each):
    for pool in POOLS.values():
        for _ in range(n_each):
            yield "".join(chance.choice(pool) for _ in range(chance.randint(1, 30)))


def glued(chance):
    for token in ADDED:
        for before, after in (("", ""), ("a", ""), ("", "b"), ("x", "y"), (" ", " "), ("  ", "  "), ("\n", "\n"),
                              ("_", "_"), ("é", "é"), (".", ","), ("我", "们"), (token, token), ("\t", "\u3000"),
                              ("a ", " b"), ("1", "2"), ("\u0301", "\u0301")):
            yield before + token + after
        yield token.upper() + " " + token.lower() + token.title()
        yield " ".join(chance.choice(ADDED) + chance.choice(["", "a", " "]) for _ in range(6))


def blocks(chance):
    """Samples of every block of 256 code points."""
    for start in range(0, 0x110000, 0x100):
        if 0xD800 <= start < 0xE000:
            continue
        if start >= 0x32000 and not 0xE0000 <= start < 0xE0200 and start % 0x4000:
            continue  # nothing is assigned here
        block = [chr(c) for c in range(start, start + 0x100)]
        yield "".join(chance.sample(block, 12))
        yield " ".join("a" + c + "b" for c in chance.sample(block, 6))


def words(chance):
    """Words of sentences with their case, accents and neighbours changed."""
    for sentence in SENTENCES:
        yield sentence
        yield sentence.upper()
        yield sentence.title()
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            yield unicodedata.normalize(form, sentence)
        parts = sentence.split(" ")
        for _ in range(6):
            chance.shuffle(parts)
            yield chance.choice(SPACES).join(parts[:12])
        yield "".join(parts)


def edges():
    yield from TRICKY
    yield from ["", " ", "  ", "\n", "\r\n", "\t", "\x00", "\x00\x00a", "a\x00", "\u3000", "\ufeff", "a", "é", "e\u0301",
                "\u0301", "▁", " a", "a ", " a ", "  a  b  ", "\n\na\n", "'s", " 's", "I'LL", "'ſ", "''", "``a''"]
    for n in (10, 99, 100, 101, 200, 1000):
        yield "a" * n
        yield "ab" * n
        yield "é" * n
        yield "我" * n
        yield " " * n
        yield "a" + " " * n + "b"
    yield "Pneumonoultramicroscopicsilicovolcanoconiosis " * 3
    yield "e" + "\u0301" * 300
    yield "\u1100" * 20 + "\u1161" * 20


def long_lines(chance):
    text = " ".join(SENTENCES)
    yield (text * (20000 // len(text) + 1))[:20000]
    yield "".join(chance.choice(POOLS["latin"]) for _ in range(20000))[:20000]

TRICKY = [
    "", " ", "  ", "\n", "\t\n ", "\r\n\r\n", "\x00", "a\x00b", "\ufeffbom", "\ufffd", "\u200b\u200d\u2060",
    "Hello, world!", "don't can't I'LL we'Ve 'S 'ſ 'K it's'", "naïve café résumé", "ÀÉÎÕÜ ß ẞ ŉ ǰ İ ı ſ K Å",
    "ﬁ ﬂ ﬃ ﷺ ﷽ ㍿ ㎏ № ™ ½ ⅷ ① ⁵ ₂", "e\u0301 e\u0323\u0301 e\u0301\u0323 q\u0307\u0323 \u0301start",
    "각 각 ᄀ ᅡ ᆨ 각 한국어 텍스트", "が か\u3099 ハ\u309a ｶﾞ ﾊﾟ ＡＢＣ　１２３", "我爱吃饭。他爱吃饭！你呢？", "中文English混排123测试",
    "👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷🇯 ❤️ ☎︎ 1️⃣", "مرحبا بالعالم ٱلْعَرَبِيَّة ١٢٣", "שָׁלוֹם עולם", "नमस्ते क्षत्रिय ज़ ड़ १२३", "สวัสดีชาวโลก กำ", "ကမ္ဘာ မြန်မာ",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛 𐍈 𠀀𪚥 𞤀𞤣 🂡 \U000e0001 \U000f0000 \U0010fffd", "1234567 12 3.14 1,000,000 0x1F ١٢٣٤ ½¾ Ⅻ",
    "def f(x):\n    return {'a': [1, 2], \"b\": x**2}  # comment\n", "\t\tif (a<b&&c>d) { *p++ = ~q; }\r\n",
    "https://example.org/a?b=c&d=%20#frag user@mail.example", "a" * 200, "ab " * 60, "\u0301" * 40, "가" * 70,
    "<s>hello</s> <mask> <pad>[MASK][CLS] <|endoftext|>x<|endoftext|>", " [MASK] a[MASK]b  <mask>  c<mask>", "``quoted'' \"text\" “curly” ‘q’",
    "▁already▁marked ▁▁ x▁y", "Ġbyte Ġlevel ĊĊ", "##ing a##b", "x\u00a0y\u2003z\u3000w\u1680v\u2028u\u0085t", "A.B.C... ?!?!  !! -- ___ ~~",
    "word</w> </w>", "<0x41><0xE6>", "ﾐｯｷｰ ①②③ ㈱ ｶﾀｶﾅ", "ЁЖИК ёжик Їжак ΣΊΣΥΦΟΣ ςσ", "Ǆ ǅ ǆ Ǳ ŀ ĳ", "\u1e9b\u0323 \u212b \u2126 \u0344 \u0958 \ufb1d",
    "tab\tsep  double   triple    quad", "trailing   ", "   leading", "\u2581", "\u0120", "\x7f\x80\x9f\x1b[0m", "a\u0300\u0301\u0302\u0303\u0304b",
    "\u0f71\u0f72\u0f74 \u0fb2\u0f80", "\U0001d15e\U0001d16e \U0001d1bb", "mixed ٠١ ०१ 零一 ⅠⅡ", "e\u200de \u0915\u094d\u200d\u0937", "\u1100\u1161\u11a8\u11a8",
]


def short(lines):
    return [line for line in dict.fromkeys(lines) if len(line) < 4000]


def all_lines():
    chance = random.Random(20)
    lines = list(words(chance)) + list(glued(chance)) + list(blocks(chance))
    lines += list(single_pools(chance, 20)) + list(mixed(chance, 1000))
    tree = short(lines_of("tests/data/banking77/sample.csv", "tests/data/builtin/texts.txt", "README.zh.md",
                          "docs/*.md", "model/text/[a-tv-z]*.c"))
    lines += chance.sample(tree, min(1500, len(tree)))
    lines = short(lines)
    chance.shuffle(lines)
    return short(list(edges()) + lines) + list(long_lines(chance))


def some_lines():
    """For tokenizers of which there are many: the edges, and every eighth of the others."""
    every = all_lines()
    first = len(short(edges()))
    return every[:first] + every[first:-2:8]


if __name__ == "__main__":
    for found in (all_lines(), some_lines()):
        print(len(found), "lines,", sum(map(len, found)), "characters")
