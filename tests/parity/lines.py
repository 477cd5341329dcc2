# SPDX-License-Identifier: Apache-2.0
"""Lines of every kind of text, the same each time: what tokenizers are compared on."""
import pathlib
import random
import unicodedata

TOP = pathlib.Path(__file__).resolve().parents[2]

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


def sample_of_blocks(rng):
    """A few characters of every 128 that hold any that are assigned, of every plane."""
    for start in range(0, 0x110000, 128):
        assigned = [chr(c) for c in range(start, start + 128)
                    if not 0xD800 <= c < 0xE000 and unicodedata.category(chr(c)) not in ("Cn", "Cs")]
        if assigned:
            picked = rng.sample(assigned, min(6, len(assigned)))
            yield "".join(picked)
            yield " ".join(picked) + " end"


ALPHABET = list("abcdeABC ',.!?-_019  \n\t\r") + list("éÅİßſ中文字吃饭。！　") + [
    "\u0301", "\u0323", "\u200d", "\ufe0f", "👍", "🏽", "🇩", "🇪", "가", "ᆨ", "が", "\u3099", "م", "١", "क", "्", "ष",
    "▁", "Ġ", "\u00a0", "\u2028", "\x00", "\x1c", "ﬁ", "½", "𝔘", "'s", "'ll", "<s>", "</s>", "[MASK]", "<mask>", "##", "\U000e0001"]


def all_lines():
    rng = random.Random(7)
    lines = list(TRICKY)
    for path in sorted((TOP / "tests/data/banking77").glob("*.csv")) + [TOP / "README.md", TOP / "README.zh.md"]:
        lines += path.read_text(encoding="utf-8").splitlines()[:450]
    for name in ("model/model.c", "model/head/head.c", "server/http.c", "bench/run.py", "Makefile"):
        lines += (TOP / name).read_text(encoding="utf-8").split("\n")[:300]
    lines += sample_of_blocks(rng)
    lines += ["".join(rng.choice(ALPHABET) for _ in range(rng.randint(1, 30))) for _ in range(1500)]
    lines += ["".join(chr(rng.choice([c for c in (rng.randrange(0x110000) for _ in range(4)) if not 0xD800 <= c < 0xE000]
                                     or [65])) for _ in range(8)) for _ in range(300)]
    lines.append(" ".join(rng.choice(lines[:60]) for _ in range(600))[:20000])
    return lines
