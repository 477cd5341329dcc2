/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file answer.h
 * What a head says of a sequence, for every dialect that asks. Lives in the request's arena, which
 * one thread has at a time.
 */
#pragma once

#include "handlers/exchange.h"
#include "handlers/fields.h"
#include "handlers/input.h"

#include <stdbool.h>
#include <stdint.h>

/** What a request asks of a head. */
struct question {
    const struct head *head;
    const struct head_info *info;
    uint32_t top_k;  /* 1..C */
    float threshold; /* instead of the head's own; below 0: the head's own */
    bool has_unsure; /* wants the unsure score of each answer */
    float reject;    /* unsure scores above it are answered by no label; 2: none is */
    bool explain;
};

/** A sequence's answer, and the sum of all so far. */
struct answer {
    float *vector;    /* (D) of the sequence */
    float *logits;    /* of each label (C); a binary head's first has the second's, negated */
    float *p;         /* (C) */
    uint32_t *order;  /* (n_order) labels from the highest logit down */
    float unsure;     /* unsure score; NaN: not wanted, or the head does not know */
    bool is_rejected; /* it is above question.reject */
    uint32_t n_order; /* top_k of a multi-class head, else all: any may pass */

    uint64_t n_rejected; /* sequences */
    uint32_t *predicted; /* (C) in how many sequences each label counts as predicted */
};

/**
 * question_choose sets head and info by `name` (the field `head`): the only head, or the one called
 * "default", where none is named; all labels, the head's own threshold.
 * @return false with ERR_INVALID or ERR_NOT_FOUND, which lists the heads there are
 */
bool question_choose(struct question *question, const struct exchange *x, const struct value *name,
                     struct err *err);

/** answer_plan: reply_plan of the answers to so many sequences. */
bool answer_plan(struct exchange *x, const struct question *question, const struct batch *batch,
                 struct err *err);

/** answer_make: room for the answers to `question`, one after the other. ERR_MEMORY. */
bool answer_make(struct answer *answer, const struct exchange *x, const struct question *question,
                 struct err *err);

/**
 * answer_fill answers for `item` and adds what is predicted; ends the stages lookup and head.
 * ERR_MEMORY, ERR_INTERNAL.
 */
bool answer_fill(struct answer *answer, struct exchange *x, const struct question *question,
                 const struct sequence *item, struct err *err);

/** answer_count hands the predictions of a request to x->sample, when all of it is answered. */
void answer_count(const struct answer *answer, struct exchange *x, const struct question *question);

/** answer_best: the first in order of the labels that count as predicted; C: none does, as where
 * the answer is rejected. */
uint32_t answer_best(const struct answer *answer, const struct question *question);

/** write_label appends a label as a JSON string. */
void write_label(struct buf *out, const struct question *question, uint32_t label);
