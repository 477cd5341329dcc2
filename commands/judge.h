/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file judge.h
 * A head that is asked about labelled rows, with all that takes: its model, the numbers of its
 * labels, and what its answers are counted in. One thread.
 */
#pragma once

#include "commands/report.h"
#include "model/head/answer.h"
#include "model/head/evaluation.h"
#include "model/head/resamples.h"
#include "model/model.h"
#include "model/train/label_names.h"
#include "model/train/labelled_types.h"

/** Plain data; all zero before judge_open. */
struct judge {
    struct model *model;
    const struct head *head; /* of the model */
    const struct head_info *info;
    struct label_names *labels; /* of the head */
    struct evaluation *evaluation;
    struct resamples *resamples;
    struct resampled_f1 *f1; /* after judge_finish */
};

/** What the head says of one row; all in the arena. */
struct verdict {
    const float *p;        /* (C) */
    const uint32_t *truth; /* (n_labels of the row) or EVALUATION_UNKNOWN */
    float unsure;          /* its unsure score; NaN: the head does not know */
    struct answer answer;
    struct tokens tokens; /* of the text */
};

/** Whom to ask: paths and names as the flags have them. */
struct asked {
    const char *model_path, *heads_path, *head_name;
    bool is_second; /* by --compare and what belongs to it */
};

/**
 * judge_open opens model and head (commands/choose_head.h).
 * @return false with err set; judge_close is for the caller in any case
 */
bool judge_open(struct judge *judge, const struct asked *asked, const struct model_options *options,
                struct err *err);

/**
 * judge_begin makes what answers are counted in, of a head that is asked by others.
 * @param info borrowed
 * @return false with ERR_MEMORY; judge_close is for the caller in any case
 */
bool judge_begin(struct judge *judge, const struct head_info *info, struct err *err);

/**
 * judge_count counts one answer.
 * @param p     (C)
 * @param truth (n) labels, or EVALUATION_UNKNOWN
 * @return false with ERR_MEMORY, or ERR_INVALID as evaluation_add
 */
bool judge_count(struct judge *judge, struct arena *arena, const float *p, const uint32_t *truth,
                 size_t n, struct answer *answer, struct err *err);

/** judge_knows: whether the head has that label. */
bool judge_knows(const struct judge *judge, struct span label);

/**
 * judge_row asks about a row and counts the answer.
 * @param input for messages
 * @return false with ERR_FORMAT naming input and line (several labels where the head answers with
 *         one; a vector that is not finite) or ERR_MEMORY
 */
bool judge_row(struct judge *judge, struct arena *arena, const char *input,
               const struct labelled_row *row, struct verdict *verdict, struct err *err);

/**
 * judge_pulls: what each token added to the logit of the label that was predicted, less what it
 * added to that of the true one; of a head that answers with one label.
 * @param pulls set to (tokens.n) in the arena; NULL: this head's logits are no sums over tokens
 * @return false with ERR_MEMORY
 */
bool judge_pulls(const struct judge *judge, struct arena *arena, const struct verdict *verdict,
                 const double **pulls, struct err *err);

/**
 * judge_finish works out the measures, and draws for the intervals of F1; after it nothing may be
 * asked. @return false with ERR_MEMORY
 */
bool judge_finish(struct judge *judge, struct err *err);

/** judge_intervals: those of the averages of F1, after judge_finish. */
struct report_intervals judge_intervals(const struct judge *judge);

/** judge_close frees; a zeroed one is fine. */
void judge_close(struct judge *judge);
