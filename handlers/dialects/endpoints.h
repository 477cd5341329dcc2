/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file endpoints.h
 * The dialects, and the handlers of the route table, one family a file. A handler fills the reply
 * of its exchange; none fails otherwise. Common headers are added by the dispatcher. Any thread,
 * with an exchange of its own.
 */
#pragma once

#include "handlers/dialect.h"
#include "handlers/exchange.h"

extern const struct dialect dialect_own, dialect_openai, dialect_tei;

/* lookup.c: the chain, step by step */
void ids_post(struct exchange *x);
void onehot_post(struct exchange *x);
void lookup_post(struct exchange *x);

/* openai.c */
void embeddings_post(struct exchange *x);
void models_get(struct exchange *x);
void models_id_get(struct exchange *x);

/* tei.c */
void embed_post(struct exchange *x);
void tokenize_post(struct exchange *x);
void decode_post(struct exchange *x);
void info_get(struct exchange *x);
void predict_post(struct exchange *x);
void health_get(struct exchange *x);

/* classify.c */
void classify_post(struct exchange *x);

/* ops.c */
void root_get(struct exchange *x);
void live_get(struct exchange *x);
void ready_get(struct exchange *x);
void metrics_get(struct exchange *x);
