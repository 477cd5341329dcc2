# SPDX-License-Identifier: Apache-2.0
"""More sentences: words exchanged for others that mean something alike, and short phrases.

Few words of the vocabulary stand in the texts, and a row that no text asks for learns nothing. So
each word is put where one of its nearest neighbours (by the teacher's vectors of the words alone)
stands; the teacher then says what the new sentence means. Half of them are odd sentences, and that
does no harm.
"""

import collections
import re

import numpy as np
import phrases
from phrases import chance
from wordfreq import top_n_list

from ideographs import is_chinese

NEIGHBOURS = 12
AT_ONCE = 1024


def _centred(vectors):
    vectors = vectors - vectors.mean(axis=0)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _exchange(words, vectors, places, sentences, rare, replace, seed):
    """`places`: which sentences hold a word. Rare words get more new sentences than usual ones."""
    vectors = _centred(vectors)
    known = [i for i, word in enumerate(words) if len(places[word]) >= 2]
    out = []
    for first in range(0, len(words), AT_ONCE):
        likeness = vectors[first:first + AT_ONCE] @ vectors[known].T
        nearest = np.argpartition(-likeness, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        for word, row in zip(words[first:first + AT_ONCE], nearest):
            others = [words[known[i]] for i in row if words[known[i]] != word]
            rng = chance(seed, word)
            for _ in range(rare if len(places[word]) < 20 else 1):
                other = rng.choice(others)
                sentence = sentences[rng.choice(places[other])]
                if len(sentence) <= 120:
                    out.append(replace(sentence, other, word))
    return out


def english_words(tokens):
    known = set(tokens)
    return [word for word in top_n_list("en", 60000)
            if word in known and re.fullmatch("[a-z]{3,}", word)]


def chinese_words(tokens):
    return [token for token in tokens if len(token) >= 2 and is_chinese(token)]


def english(words, vectors, sentences, per_word, seed):
    places = collections.defaultdict(list)
    for i, sentence in enumerate(sentences):
        for word in set(re.findall("[a-z]+", sentence.lower())):
            places[word].append(i)
    return _exchange(words, vectors, places, sentences, per_word,
                     lambda s, a, b: re.sub(rf"\b{a}\b", b, s, flags=re.I), seed)


def chinese(words, vectors, tokenizer, sentences, per_word, seed):
    places = collections.defaultdict(list)
    for i, code in enumerate(tokenizer.encode_batch(sentences, add_special_tokens=False)):
        for word in set(code.tokens):
            places[word].append(i)
    return _exchange(words, vectors, places, sentences, per_word,
                     lambda s, a, b: s.replace(a, b, 1), seed)


def make(tokens, vectors, tokenizer, english_sentences, chinese_sentences, settings, seed):
    """(English, Chinese) new sentences, none of them among the old."""
    index = {token: i for i, token in enumerate(tokens)}
    en, zh = english_words(tokens), chinese_words(tokens)
    en_vectors, zh_vectors = (vectors[[index[word] for word in words]] for words in (en, zh))
    exchanged = settings["exchanged"]
    made = (english(en, en_vectors, english_sentences, exchanged, seed) +
            phrases.make(en, phrases.ENGLISH, settings["english_phrases"], seed),
            chinese(zh, zh_vectors, tokenizer, chinese_sentences, exchanged, seed) +
            phrases.make(zh, phrases.CHINESE, settings["chinese_phrases"], seed))
    old = set(english_sentences) | set(chinese_sentences)
    return [[s for s in dict.fromkeys(lines) if s not in old] for lines in made]
