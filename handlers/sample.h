/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sample.h
 * What one request did, as plain data: filled wherever it is worked on, counted by metrics.h. One
 * thread has it at a time.
 */
#pragma once

#include "model/text/unicode/known_scripts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metrics_stage {
    STAGE_PARSE,
    STAGE_TOKENIZE,
    STAGE_LOOKUP,
    STAGE_HEAD,
    STAGE_WRITE,
    STAGE_QUEUE, /* waiting for a worker thread */
    STAGE_COUNT,
};

/** Names of the stages, as labels and in `server-timing`. */
extern const char *const metrics_stage_names[STAGE_COUNT];

/** Why a request was turned away: label of embedd_rejected_total. */
enum metrics_reject {
    REJECT_NONE,
    REJECT_BAD_JSON,
    REJECT_BAD_VALUE,
    REJECT_BODY_TOO_LARGE,
    REJECT_TOO_MANY_INPUTS,
    REJECT_TOO_MANY_TOKENS,
    REJECT_MEMORY,
    REJECT_REPLY_TOO_LARGE,
    REJECT_OVERLOAD,
    REJECT_MEDIA_TYPE,
    REJECT_METHOD,
    REJECT_NOT_FOUND,
    REJECT_UNKNOWN_TOKEN,
    REJECT_TIMEOUT,
    REJECT_CONNECTIONS,
    REJECT_DRAINING,
    REJECT_MODEL_UNREADABLE, /* its file was cut short, or its disk fails */
    REJECT_PROXY_HEADER,     /* due and not there */
    REJECT_MALFORMED,
    REJECT_AUTH,
    REJECT_SCOPE,
    REJECT_RATE_LIMIT,
    REJECT_DEADLINE,
    REJECT_COUNT,
};

/** What text-embeddings-inference would count a request as. */
enum te_work { TE_NONE, TE_EMBED, TE_PREDICT };

struct te_sample {
    enum te_work work;
    bool is_batch;           /* inputs came as a list */
    uint64_t characters;     /* of all inputs; this and the next only where they are asked for */
    const uint32_t *lengths; /* (inputs) tokens of each; NULL: not known */
};

struct key_usage;
struct metrics_served;

/** What one request did. Zero it, fill it on the way, hand it to metrics_add. */
struct metrics_sample {
    unsigned route;  /* index into the route names given to metrics_new */
    unsigned status; /* HTTP status */
    enum metrics_reject reject;
    uint64_t duration_ns;                /* first sight of the request to its completion */
    uint64_t stage_ns[STAGE_COUNT];      /* 0 = the stage was not entered */
    uint64_t inputs, tokens;             /* sequences, and tokens in all of them */
    uint64_t empty_inputs;               /* without a token: answered by the zero vector */
    uint64_t unknown_tokens;             /* outside the vocabulary */
    uint64_t foreign_texts;              /* mostly in scripts that the model does not know */
    struct script_list foreign_scripts;  /* those */
    uint64_t rejected_answers;           /* that the head was too unsure of to say a label */
    uint64_t truncated_inputs;           /* cut by max-input-tokens */
    uint64_t ignored_fields;             /* keys of the request that no one reads */
    const struct key_usage *key;         /* who asked; NULL: nobody knows */
    const struct metrics_served *served; /* the model that was asked; NULL: none */
    size_t head;                         /* who predicted: index into the heads of that model */
    const uint32_t *predicted;           /* how often, each of its labels; NULL: nobody did */
    struct te_sample te;
};
