/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file suspects.h
 * Labels that may be wrong: those of held-out rows that the heads deny which were trained without
 * these rows. Pure functions.
 *
 * A label is suspicious where the head answers otherwise and gives it, against the answer,
 * SUSPECT_P at most: p / (p + p of the answer). Of a multi-label head each label is a question of
 * its own (p that it is as the row says, against 1), and the row goes by its worst. Probabilities
 * are calibrated, so that is about the chance that the label is right after all; see Northcutt et
 * al., "Confident Learning" (2021), for the idea.
 */
#pragma once

#include "model/train/measure.h"

/** What a suspicious label has, against the answer, at most. */
#define SUSPECT_P 0.1

struct suspect {
    size_t at; /* among the rows held out */
    double p;  /* of its label, against the answer */
};

struct suspects {
    struct suspect *items; /* (n) the most suspicious first, of equals the earlier row */
    size_t n;
    size_t n_judged; /* rows that were asked about: those whose labels the head knows */
};

/**
 * suspects_find looks through all that was held out.
 * @param info of the heads, with the temperature found; thresholds are not looked at
 * @return false with ERR_MEMORY
 */
bool suspects_find(struct suspects *suspects, const struct head_info *info,
                   const struct examples *examples, const struct held_out *held, struct err *err);

/** suspects_clear frees; a zeroed one is fine. */
void suspects_clear(struct suspects *suspects);
