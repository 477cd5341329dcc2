# SPDX-License-Identifier: Apache-2.0
"""Sentences one word away from others. A sum of rows says of two texts that share all words but one
how much that word matters; texts as they come hardly ever ask it. The teacher says how much.

An edit takes a word away, puts another in its place or beside it (one of any text, or one that
WordNet has for the same), or denies the sentence.
"""

import random
import re

from ideographs import has_chinese
from weights import DENIALS_CHINESE

WORDS_MIN, WORDS_MAX = 3, 25
# Of a synonym: "a" stands for adenine too.
LETTERS_MIN = 3
ENGLISH_WORD = re.compile("[A-Za-z][A-Za-z'’-]*")
# What an edit is, by chance.
KINDS, SHARES = ("less", "other", "alike", "more", "denied"), (0.2, 0.3, 0.25, 0.1, 0.15)
BAG_OF = 30_000
DENIED = {"is": ("is not", "isn't"), "are": ("are not", "aren't"), "was": ("was not", "wasn't"),
          "were": ("were not",), "can": ("cannot", "can't"), "will": ("will not", "won't"),
          "do": ("do not", "don't"), "does": ("does not", "doesn't"), "did": ("did not", "didn't"),
          "has": ("has not", "hasn't"), "have": ("have not", "haven't"), "should": ("should not",)}
SUBJECT_IS = re.compile(r"(an?|the|some|two|three|several|many) (.+?) (is|are) (\w+ing\b.*)", re.I)


def no_such(sentence):
    """A man is singing -> There is no man singing, or nothing."""
    found = SUBJECT_IS.fullmatch(sentence)
    return [f"There {found[3].lower()} no {found[2]} {found[4]}", f"No {found[2]} {found[3]} {found[4]}"] if found else []


def denials(sentence, spans):
    found = no_such(sentence)
    for first, last in spans:
        found += [sentence[:first] + d + sentence[last:] for d in DENIED.get(sentence[first:last], ())]
    return found


def put(text, span, kind, word, gap):
    """The text with its part `span` left out ("less"), or with `word` in its place ("other") or behind it."""
    before, own, after = text[:span[0]], text[span[0]:span[1]], text[span[1]:]
    if kind == "less":
        return (before.rstrip() if after else before) + (after if before else after.lstrip())
    return before + (word if kind == "other" else own + gap + word) + after


def edited(sentence, spans, words, rng, alike, denied):
    """One edit, or None. spans: where its words are; words: to put in."""
    kind = rng.choices(KINDS, SHARES)[0]
    span = rng.choice(spans)
    word = sentence[span[0]:span[1]]
    if kind == "denied":
        others = denied(sentence, spans)
        return rng.choice(others) if others else None
    if kind == "alike":
        others = sorted(alike(word))
        return put(sentence, span, "other", rng.choice(others), "") if others else None
    other = "" if kind == "less" else rng.choice(words)
    return put(sentence, span, kind, other, " " if ENGLISH_WORD.fullmatch(word) else "")


def _edits(lines, spans_of_all, n, rng, alike, denied):
    sample = rng.sample(range(len(lines)), min(len(lines), BAG_OF))
    words = [lines[i][first:last].lower() for i in sample for first, last in spans_of_all[i]]
    out = []
    for line, spans in zip(lines, spans_of_all):
        if WORDS_MIN <= len(spans) <= WORDS_MAX:
            out += [(edited(line, spans, words, rng, alike, denied), line) for _ in range(n)]
    seen, new = {"", *(line.lower() for line in lines)}, []
    for edit, line in out:
        if edit is not None and edit.lower() not in seen:
            seen.add(edit.lower())
            new.append((edit, line))
    return new


def english(lines, synonyms, n, seed):
    """(edit, the line it is made of), up to n a line; synonyms: {lower-case word: set of words}."""
    spans = [[m.span() for m in ENGLISH_WORD.finditer(line)] for line in lines]
    return _edits(lines, spans, n, random.Random(seed), lambda word: synonyms.get(word.lower(), ()), denials)


def chinese(lines, tokenizer, n, seed):
    """As `english`; tokenizer: where the words of a line are."""
    spans = [[span for span, token in zip(code.offsets, code.tokens) if has_chinese(token)]
             for code in tokenizer.encode_batch(lines, add_special_tokens=False)]

    def denied(line, spans):
        return [line[:first] + no + line[first:] for first, _ in spans for no in DENIALS_CHINESE]
    return _edits(lines, spans, n, random.Random(seed), lambda _: (), denied)


def synonyms(wordnet_files):
    """{word: others of its synsets}, of WordNet's data files {name: bytes} (wndb(5WN)); single words."""
    found = {}
    for name in sorted(wordnet_files):
        for line in wordnet_files[name].decode("utf-8").splitlines():
            if line.startswith("  "):
                continue
            fields = line.split(" ")
            n = int(fields[3], 16)
            words = {re.sub(r"\(.*", "", w).lower() for w in fields[4:4 + 2 * n:2]}
            words = {w for w in words if w.isalpha() and len(w) >= LETTERS_MIN}
            for word in words:
                found.setdefault(word, set()).update(words - {word})
    return found
