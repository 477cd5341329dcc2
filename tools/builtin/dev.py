# SPDX-License-Identifier: Apache-2.0
"""Figures on the dev sets of a table that is being made; `make bench-quality` measures a finished model."""

import numpy as np
import opencc

import measures
import sets
from measures import auc, spearman

WIDTHS = (256, 128, 64)


class Dev:
    def __init__(self, data):
        en, zh = (sets.stsb(data, language, "dev") for language in ("en", "zh"))
        traditional = opencc.OpenCC("s2t").convert
        self.pairs = {"English": (en, spearman), "Chinese": (zh, spearman), "SICK": (sets.sick(data), spearman),
                      "forums": (sets.forums(data), spearman), "LCQMC": (sets.lcqmc(data), auc),
                      "AFQMC": (sets.afqmc(data), auc),
                      "traditional": ([(traditional(a), traditional(b), s) for a, b, s in zh], spearman),
                      "mixed": ([(a, traditional(b), s) for a, b, s in zh], spearman)}
        self.both = en, zh
        self.held = sets.tatoeba(data, "held")

    def __call__(self, rows, counts):
        """A line for each width; counts: texts -> (texts, rows)."""
        vectors = measures.Vectors(lambda lines: np.asarray(counts(lines) @ rows))
        for width in WIDTHS:
            found = {name: measures.pair_score(vectors, pairs, measure, width)
                     for name, (pairs, measure) in self.pairs.items()}
            found["across"] = measures.across(vectors, *self.both, width)
            if width == WIDTHS[0]:
                found["Tatoeba"] = measures.translation_at_1(vectors, self.held)
                found["back"] = measures.translation_at_1(vectors, [(b, a) for a, b in self.held])
            yield f"{width}: " + ", ".join(f"{name} {value:.4f}" for name, value in found.items())
