# SPDX-License-Identifier: Apache-2.0
"""More sentences: a word of a sentence exchanged for another that means something alike.

Few words of the vocabulary stand in the texts, and a row that no text asks for learns nothing. So
each word is put where one of its nearest neighbours (by the teacher's vectors of the words alone)
stands; the teacher then says what the new sentence means. Half of them are odd sentences, and that
does no harm.
"""

import collections
import random
import re

import numpy as np
from wordfreq import top_n_list

from vocabulary import is_chinese

NEIGHBOURS = 12
AT_ONCE = 1024


def _centred(vectors):
    vectors = vectors - vectors.mean(axis=0)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _exchange(words, vectors, places, sentences, rare, replace, rng):
    """`places`: which sentences hold a word. Rare words get more new sentences than usual ones."""
    vectors = _centred(vectors)
    known = [i for i, word in enumerate(words) if len(places[word]) >= 2]
    out = []
    for first in range(0, len(words), AT_ONCE):
        likeness = vectors[first:first + AT_ONCE] @ vectors[known].T
        nearest = np.argpartition(-likeness, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        for word, row in zip(words[first:first + AT_ONCE], nearest):
            others = [words[known[i]] for i in row if words[known[i]] != word]
            for _ in range(rare if len(places[word]) < 20 else 1):
                other = rng.choice(others)
                sentence = sentences[rng.choice(places[other])]
                if len(sentence) <= 120:
                    out.append(replace(sentence, other, word))
    return out


def english(tokens, vectors, sentences, per_word, rng):
    places = collections.defaultdict(list)
    for i, sentence in enumerate(sentences):
        for word in set(re.findall("[a-z]+", sentence.lower())):
            places[word].append(i)
    index = {token: i for i, token in enumerate(tokens)}
    words = [word for word in top_n_list("en", 60000)
             if word in index and re.fullmatch("[a-z]{3,}", word)]
    return _exchange(words, vectors[[index[word] for word in words]], places, sentences, per_word,
                     lambda s, a, b: re.sub(rf"\b{a}\b", b, s, flags=re.I), rng)


def chinese(tokens, vectors, tokenizer, sentences, per_word, rng):
    places = collections.defaultdict(list)
    for i, code in enumerate(tokenizer.encode_batch(sentences, add_special_tokens=False)):
        for word in set(code.tokens):
            places[word].append(i)
    chosen = [i for i, token in enumerate(tokens) if len(token) >= 2 and is_chinese(token)]
    return _exchange([tokens[i] for i in chosen], vectors[chosen], places, sentences, per_word,
                     lambda s, a, b: s.replace(a, b, 1), rng)


def make(tokens, vectors, tokenizer, english_sentences, chinese_sentences, per_word, seed):
    """(English, Chinese) new sentences, none of them among the old."""
    rng = random.Random(seed)
    made = (english(tokens, vectors, english_sentences, per_word, rng),
            chinese(tokens, vectors, tokenizer, chinese_sentences, per_word, rng))
    old = set(english_sentences) | set(chinese_sentences)
    return [[s for s in dict.fromkeys(lines) if s not in old] for lines in made]
