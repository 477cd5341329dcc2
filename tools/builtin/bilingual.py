# SPDX-License-Identifier: Apache-2.0
"""New sentences in English and Chinese at once, made alike of translations, so that they translate each
other too: what the English teachers say of one is the target of both.

Who of one line does what another one says (recombined); a word and its translation exchanged, left
out or doubled by another two (edited); words and their translations, alone and in phrases (words); signs
and their names (names).
"""

import random
import re
import unicodedata

import numpy as np

import edits
from ideographs import is_chinese
from phrases import BOTH, chance

# A line of these: {s} who, {n} the same without "a", {v} is or are, {d} doing what.
MADE_OF = (
    ("{s} {v} {d}", "{s}正在{d}"), ("{s} {v} {d}", "{s}在{d}"), ("{s} {v} {d}", "{s}正{d}"),
    ("There {v} {s} {d}", "有{s}在{d}"), ("{s} who {v} {d}", "正在{d}的{s}"), ("{s} {v} not {d}", "{s}没有在{d}"),
    ("There {v} no {n} {d}", "没有{n}在{d}"),
)
SHARES = (4, 4, 2, 2, 1, 2, 1)
DOING = re.compile(r"(\w[^,;:.?!]{1,60}?) (is|are) (\w+ing\b[^;:?!.]*)\.?")
DOING_CHINESE = re.compile("([^，。；：？！]{1,20}?)(正在|在|正)([^；：？！。]+)。?")
ONE, ONE_CHINESE = re.compile("an? ", re.I), re.compile("一[个只名条位群头匹辆]")

WORD = re.compile("[a-z]+(?:['’-][a-z]+)*")
# Of a translation in the lexicon: so likely, both ways, and in so many lines at least.
LIKELY, LINES_MIN, ROUNDS = 0.3, 3, 5
KINDS, KIND_SHARES = ("other", "less", "more"), (0.65, 0.15, 0.2)


def recombined(pairs, n, seed):
    """n new pairs."""
    split = [(en, zh) for en, zh in ((DOING.fullmatch(en), DOING_CHINESE.fullmatch(zh)) for en, zh in pairs)
             if en and zh]
    # 在 stands before places too: a subject is one that stands before 正在 elsewhere.
    who = {zh[1] for _, zh in split if zh[2] != "在"}
    parts = {"is": [], "are": []}
    for en, zh in split:
        if zh[1] in who:
            parts[en[2]].append((en[1], en[3], zh[1], zh[3]))
    rng, new, old = random.Random(seed), {}, set(pairs)
    for verb, some in sorted(parts.items()):
        share = n * len(some) // max(1, sum(map(len, parts.values())))
        for _ in range(share if len(some) > 1 else 0):
            (subject, _, who_zh, _), (_, doing, _, doing_zh) = rng.choice(some), rng.choice(some)
            english, chinese = rng.choices(MADE_OF, SHARES)[0]
            if not english.startswith("{s}"):
                subject = subject[0].lower() + subject[1:]
            new[english.format(s=subject, n=ONE.sub("", subject, count=1), v=verb, d=doing) + ".",
                chinese.format(s=who_zh, n=ONE_CHINESE.sub("", who_zh, count=1), d=doing_zh) + "。"] = None
    return [pair for pair in new if pair not in old]


def words_of(pairs, tokenizer):
    """Of each pair: [(word, span)] in English, in lower case, and in Chinese."""
    codes = tokenizer.encode_batch([zh for _, zh in pairs], add_special_tokens=False)
    for (en, _), code in zip(pairs, codes):
        yield ([(m[0], m.span()) for m in WORD.finditer(en.lower())],
               [(token, span) for token, span in zip(code.tokens, code.offsets) if is_chinese(token)])


def _likely(links, own, other, places):
    """IBM's Model 1 (Brown et al. 1993): how likely `own` is as the translation of `other`, for each of the
    links between two words of a pair. places: which occurrence of `own` a link belongs to."""
    share = np.ones(links.max() + 1)
    for _ in range(ROUNDS):
        weight = share[links]
        weight /= np.bincount(places, weight)[places]
        found = np.bincount(links, weight)
        of = np.zeros(len(found), np.int64)
        of[links] = other
        share = found / np.bincount(of, found)[of]
    return share


def lexicon(pairs, tokenizer):
    """{English word: its Chinese one}, each the likeliest translation of the other."""
    numbers = {}, {}
    rows = []
    for line, both in enumerate(words_of(pairs, tokenizer)):
        en, zh = ([numbers[side].setdefault(word, len(numbers[side])) for word in dict.fromkeys(w for w, _ in words)]
                  for side, words in enumerate(both))
        rows.append(np.stack([np.repeat(en, len(zh)), np.tile(zh, len(en)), np.full(len(en) * len(zh), line)]))
    en, zh, line = np.concatenate(rows, axis=1).astype(np.int64)
    link = en * len(numbers[1]) + zh
    unique, links = np.unique(link, return_inverse=True)

    def occurrences(words, n):
        return np.unique(line * n + words, return_inverse=True)[1]
    zh_of_en = _likely(links, zh, en, occurrences(zh, len(numbers[1])))
    en_of_zh = _likely(links, en, zh, occurrences(en, len(numbers[0])))
    together = np.bincount(links)
    good = np.flatnonzero((zh_of_en >= LIKELY) & (en_of_zh >= LIKELY) & (together >= LINES_MIN))
    names = [list(side) for side in numbers]
    best = {}
    for at in good[np.argsort(-(zh_of_en * en_of_zh)[good], kind="stable")]:
        en, zh = divmod(int(unique[at]), len(names[1]))
        best.setdefault(names[0][en], names[1][zh])
    taken, found = set(), {}
    for en, zh in best.items():
        if zh not in taken and len(en) > 1:
            taken.add(zh)
            found[en] = zh
    return found


def edited(pairs, translations, more, tokenizer, n, seed):
    """Up to n of each pair; translations: lexicon(...); more: (English, Chinese), other words to put in."""
    rng, places, bag, old = random.Random(seed), [], [], set(pairs)
    for both in words_of(pairs, tokenizer):
        en, zh = ({word: span for word, span in words if sum(word == w for w, _ in words) == 1} for words in both)
        here = [(word, translations[word]) for word in en if translations.get(word) in zh]
        bag += here
        places.append([(en[word_en], zh[word_zh]) for word_en, word_zh in here])
    # Half of the words put in as often as they are used, half each as often as another.
    entries, new = [*translations.items(), *more], {}
    for (en, zh), here in zip(pairs, places):
        for _ in range(n if here else 0):
            kind = rng.choices(KINDS, KIND_SHARES)[0]
            word_en, word_zh = rng.choice(bag if rng.random() < 0.5 else entries)
            span_en, span_zh = rng.choice(here)
            new[edits.put(en, span_en, kind, word_en, " "), edits.put(zh, span_zh, kind, word_zh, "")] = None
    return [pair for pair in new if all(pair) and pair not in old]


def words(translations, n, seed):
    """Each with its translation, alone and in n phrases."""
    phrases = [line.split("|") for line in BOTH.strip().splitlines()]
    new = {}
    for en, zh in translations.items():
        new[en, zh] = None
        for english, chinese in chance(seed, en).sample(phrases, n):
            new[english.format(en), chinese.format(zh)] = None
    return list(new)


def is_symbol(token):
    """One sign, emoji or number in a circle, which has no word of its own in running text."""
    return len(token) == 1 and (unicodedata.category(token)[0] == "S" or unicodedata.category(token) == "No")


def names(symbols):
    """(its name in Unicode, symbol): what 😀 says is what a grinning face is."""
    return [(unicodedata.name(symbol).lower(), symbol) for symbol in symbols if unicodedata.name(symbol, "")]
