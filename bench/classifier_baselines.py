# SPDX-License-Identifier: Apache-2.0
"""What classifiers are measured beside: the program fasttext, and scikit-learn's TF-IDF.

Rows are pairs (text, label). Only the functions of TF-IDF need scikit-learn.
"""

import itertools
import os
import re
import shutil

FASTTEXT = "fasttext"

# (learning rate, epochs, words in an n-gram); the quick ones first, which win where two are equal.
FASTTEXT_GRID = [(rate, epochs, words) for words, epochs, rate in
                 itertools.product((1, 2), (25, 100), (0.5, 1))]

TFIDF_GRID = (0.3, 1)  # C of the support vector machine

CHINESE = "\u3400-\u9fff\U00020000-\U0003ffff"
WORD = re.compile(f"[{CHINESE}]|[^\\W{CHINESE}]+|[^\\w\\s]")


def has_fasttext():
    return shutil.which(FASTTEXT) is not None


def words(text):
    """One line for fastText: lower case, each word, mark and Chinese character by itself."""
    return " ".join(WORD.findall(text.lower()))


def write_fasttext(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"__label__{label} {words(text)}\n" for text, label in rows)


def write_fasttext_texts(path, texts):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(words(text) + "\n" for text in texts)


def fasttext_training(path, model, setting, threads):
    """The command that learns the file `path` and writes `model`.bin."""
    rate, epochs, n_words = setting
    return [FASTTEXT, "supervised", "-input", os.fspath(path), "-output", os.fspath(model),
            "-lr", str(rate), "-epoch", str(epochs), "-wordNgrams", str(n_words), "-dim", "100",
            "-thread", str(threads), "-verbose", "0"]


def tfidf(language):
    """Not fitted yet."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union
    if language == "zh":
        return TfidfVectorizer(analyzer="char", ngram_range=(1, 3))
    return make_union(TfidfVectorizer(ngram_range=(1, 2)),
                      TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5)))


def support_vectors(c):
    """Not fitted yet."""
    from sklearn.svm import LinearSVC
    return LinearSVC(C=c, random_state=0)
