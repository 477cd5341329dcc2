# SPDX-License-Identifier: Apache-2.0
"""The lines that the built-in model learns from, the best first.

Sources (texts.py) as they are, of the corpora as many as LINES says in the order of choose.py; each
token of the vocabulary alone, and in phrases if few lines show it; edits, one word away from another
line (edits.py).
"""

import hashlib
import random
from collections import namedtuple

import numpy as np

import bilingual
import cedict
import choose
import domains
import edits
import phrases
import shards
import texts
from ideographs import has_chinese

DOMAINS = 200
# A token is shown well when it stands in so many chosen lines; in fewer than SELDOM, phrases show it.
ENOUGH, SELDOM = 20, 60
# Lines of the corpora: characters at most. A long one costs a teacher more and shows each token less.
LONGEST, LONGEST_OF_A_PAIR = {"en": 100, "zh": 36}, {"en": 160, "zh": 60}
# Of the corpora.
LINES = {"english": 600_000, "chinese": 450_000, "pairs": 200_000, "minilm": 400_000, "e5": 45_000}
PHRASES = {"english": 3, "chinese": 6}
# Edits of each line of a source, and of so many lines of the corpus one each.
EDITS = {"english": {"stsb": 8, "tatoeba": 1}, "chinese": {"stsb": 4, "tatoeba": 1}}
EDITED = {"english": 40_000, "chinese": 80_000}
# New translations: recombined captions, edits of each pair of a source, phrases with each word of the lexicon;
# all that a dictionary has; signs and emoji with their names.
RECOMBINED, BOTH_EDITED, BOTH_PHRASES = 60_000, {"stsb": 5, "tatoeba": 2}, 2
QUICK = 200  # of everything one in so many

# pairs: (English, Chinese); english, chinese: without a translation; minilm, e5: English lines and Chinese sides of
# pairs for a second teacher; *_words: tokens alone and in phrases; *_edits: (edit, line); translations:
# (English, Chinese), new ones, which the English teachers alone see.
Lines = namedtuple("Lines", "pairs english chinese minilm e5 english_words chinese_words "
                            "english_edits chinese_edits translations")


def best_first(lines, rows, options, name, say):
    """The lines in the order in which they are to be taught. The order is kept."""
    whole = hashlib.sha256(f"{options.seed} {DOMAINS} {ENOUGH}".encode())
    whole.update(shards.keys_of(lines))
    whole.update(rows.tokenizer.to_str().encode())
    path = options.work / f"order-{name}-{whole.hexdigest()[:16]}.npy"
    if not path.exists():
        counts = rows(lines)
        order = choose.balanced(domains.of(counts, DOMAINS, options.seed), options.seed)
        order, front = choose.covering_first(order, counts, ENOUGH)
        np.save(path.with_suffix(".tmp.npy"), order)
        path.with_suffix(".tmp.npy").rename(path)
        say(f"{name}: {front} of {len(lines)} lines show all tokens that they have {ENOUGH} times")
    return [lines[i] for i in np.load(path)]


def tokens_of(rows, is_wanted):
    """{token with a row of its own: its id}, in the order of the ids."""
    tokens = [(token, i) for token, i in rows.tokenizer.get_vocab().items()
              if rows.of_token[i] == i and is_wanted(token)]
    return dict(sorted(tokens, key=lambda item: item[1]))


def words_of(rows, lines, is_wanted, made_of, n_phrases, seed, least=float("inf")):
    """Tokens, and phrases with those that the lines show less often than `least`."""
    shown = np.asarray(rows(lines).sum(axis=0)).ravel()
    tokens = tokens_of(rows, is_wanted)
    seldom = [token for token, i in tokens.items() if len(token) > 1 and shown[i] < least]
    return [*tokens, *phrases.make(seldom, made_of, n_phrases, seed)]


def is_other_word(token):
    return not has_chinese(token) and token.isalnum() and any(map(str.isalpha, token))


def edited(language, sources, corpus, make, seed, every):
    """make(lines, n, seed) -> (edit, line)."""
    found = []
    for i, (name, n) in enumerate(EDITS[language].items()):
        found += make(list(dict.fromkeys(sources[name])), n, seed + i)
    chosen = random.Random(seed).sample(corpus, min(len(corpus), EDITED[language] // every))
    return found + make(chosen, 1, seed + len(EDITS[language]))


def new_translations(sources, pairs, rows, seed, every):
    """sources: {name: pairs}; pairs: all that translations are learned from."""
    lexicon = bilingual.lexicon(pairs, rows.tokenizer)
    meanings = cedict.pairs(tokens_of(rows, has_chinese))[::every]
    new = bilingual.recombined(sources["stsb"], RECOMBINED // every, seed)
    for name, n in BOTH_EDITED.items():
        new += bilingual.edited(sources[name], lexicon, meanings, rows.tokenizer, n, seed)
    names = bilingual.names(tokens_of(rows, bilingual.is_symbol))[::every]
    return list(dict.fromkeys(new + bilingual.words(lexicon, BOTH_PHRASES, seed) + meanings + names))


def plan(options, rows, say=print):
    """Lines; options: data, work, seed, share (of the corpora), quick."""
    every = QUICK if options.quick else 1
    sources = [(name, en[::every], zh[::every]) for name, en, zh in texts.sources(options.data, options.work)]
    english = [line for _, en, zh in sources if not zh for line in en]
    translated = [pair for _, en, zh in sources if zh for pair in zip(en, zh)]
    n = {name: int(lines * options.share / every) for name, lines in LINES.items()}
    from_en, from_zh = ([line for line in texts.corpus(options.data, language)[::every] if len(line) <= most]
                        for language, most in LONGEST.items())
    pairs = [f"{en}\t{zh}" for en, zh in texts.parallel(options.data)[::every]
             if len(en) <= LONGEST_OF_A_PAIR["en"] and len(zh) <= LONGEST_OF_A_PAIR["zh"]]
    pairs = [tuple(line.split("\t")) for line in best_first(pairs, rows, options, "pairs", say)[:n["pairs"]]]
    more_english = best_first(from_en, rows, options, "en", say)
    more_chinese = best_first(from_zh, rows, options, "zh", say)[:n["chinese"]]
    minilm_corpus = more_english[:n["minilm"]]
    more_english = more_english[:n["english"]]
    pairs = list(dict.fromkeys(translated + pairs))
    e5 = [zh for _, zh in pairs[:len(translated) + n["e5"]]]

    english_words = words_of(rows, english + more_english + [en for en, _ in pairs], is_other_word,
                             phrases.ENGLISH, PHRASES["english"], options.seed, SELDOM)
    chinese_words = words_of(rows, more_chinese + [zh for _, zh in pairs], has_chinese,
                             phrases.CHINESE, PHRASES["chinese"], options.seed)
    wordnet = texts.files_of_deb(texts.debian_package(options.work / "packages", **texts.WORDNET),
                                 r"/data\.(noun|verb|adj|adv)$")
    synonyms = edits.synonyms(wordnet)
    english_edits = edited("english", {name: en for name, en, _ in sources}, from_en,
                           lambda lines, n, seed: edits.english(lines, synonyms, n, seed), options.seed, every)
    chinese_edits = edited("chinese", {name: zh for name, _, zh in sources}, from_zh,
                           lambda lines, n, seed: edits.chinese(lines, rows.tokenizer, n, seed),
                           options.seed, every)
    translations = new_translations({name: list(zip(en, zh)) for name, en, zh in sources if zh}, pairs,
                                    rows, options.seed, every)
    minilm = ([en for en, _ in translated] + english + [edit for edit, _ in english_edits] +
              [en for en, _ in translations] + minilm_corpus)
    taken = {line for pair in pairs for line in pair}
    return Lines(pairs, *([line for line in dict.fromkeys(lines) if line not in taken]
                          for lines in (english + more_english, more_chinese)),
                 list(dict.fromkeys(minilm)), list(dict.fromkeys(e5)), english_words[::every], chinese_words[::every],
                 english_edits, chinese_edits, translations)
