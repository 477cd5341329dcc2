/* SPDX-License-Identifier: Apache-2.0 */
/* How near texts are to one another, as vLLM's score has it: https://docs.vllm.ai. */
#include "handlers/dialects/vllm.h"

#include "handlers/dialects/endpoints.h"
#include "handlers/headers.h"
#include "handlers/ranking.h"
#include "handlers/reply.h"
#include "handlers/service.h"

void vllm_write_origin(struct exchange *x, struct text model, struct buf *out)
{
    const char *id = reply_id(x);
    buf_add_str(out, "],\"id\":");
    write_string(out, id ? id : "");
    buf_add_str(out, ",\"created\":");
    buf_add_u64(out, (uint64_t)x->service->started_unix_s);
    buf_add_str(out, ",\"model\":");
    write_text(out, model);
}

/* The two sides have had several names, which come in pairs. */
enum {
    TEXT_1,
    TEXT_2,
    QUERIES,
    DOCUMENTS,
    DATA_1,
    DATA_2,
    N_SIDES,
    ITEMS = N_SIDES,
    MODEL,
    TRUNCATE,
    N_FIELDS
};

#define SIDE_FIELD(name, help)                                                                     \
    FIELD(name, "'oneOf':[{" SCHEMA_STRING "},{" SCHEMA_STRINGS "}]", help)

static const struct field score_fields[N_FIELDS] = {
    [TEXT_1] = SIDE_FIELD("text_1", "one text, or as many as text_2 has"),
    [TEXT_2] = SIDE_FIELD("text_2", "what text_1 is compared with"),
    [QUERIES] = SIDE_FIELD("queries", "text_1 by another name"),
    [DOCUMENTS] = SIDE_FIELD("documents", "text_2 beside queries"),
    [DATA_1] = SIDE_FIELD("data_1", "text_1 by another name"),
    [DATA_2] = SIDE_FIELD("data_2", "text_2 beside data_1"),
    [ITEMS] = SIDE_FIELD("items", "text_2 beside queries"),
    [MODEL] = FIELD("model", SCHEMA_STRING, "which of the served models answers"),
    [TRUNCATE] =
        FIELD("truncate", "'oneOf':[{'type':'boolean'},{'enum':['error','right','left','window']}]",
              "what becomes of texts that are too long"),
};

/* Which fields hold the two sides. */
static bool choose_sides(const struct value *values, size_t *first, size_t *second, struct err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < N_SIDES; i += 2) {
        if (!value_is_given(&values[i])) continue;
        *first = i;
        n++;
    }
    if (n != 1)
        return err_set(err, ERR_INVALID, "text_1",
                       "send exactly one of text_1, queries and data_1; %s",
                       n ? "more than one was given" : "none was given");
    *second = *first == QUERIES && value_is_given(&values[ITEMS]) ? ITEMS : *first + 1;
    return true;
}

/* `n_first` texts, and behind them in one batch those they are compared with. */
static bool read_sides(struct exchange *x, const struct value *values, size_t *n_first,
                       struct batch *batch, struct err *err)
{
    size_t first = TEXT_1, second = TEXT_2;
    struct batch one;
    if (!choose_sides(values, &first, &second, err)) return false;
    const char *names[] = {score_fields[first].name.data, score_fields[second].name.data};
    if (!batch_read(x, &values[first], names[0], INPUT_TEXT, false, &one, err) ||
        !batch_read(x, &values[second], names[1], INPUT_TEXT, false, batch, err))
        return false;
    if (one.n != 1 && one.n != batch->n)
        return err_set(err, ERR_INVALID, names[0],
                       "%s holds %zu texts and %s %zu; send one and any number, or as many in both",
                       names[0], one.n, names[1], batch->n);
    *n_first = one.n;
    return batch_join(x, &one, batch, err);
}

static void write_scores(const struct unit_vectors *vectors, size_t n_first, size_t n,
                         struct buf *out)
{
    for (size_t i = 0; i < n - n_first; i++) {
        buf_add_str(out, i > 0 ? ",{\"index\":" : "{\"index\":");
        buf_add_u64(out, i);
        buf_add_str(out, ",\"object\":\"score\",\"score\":");
        write_real(out, unit_vectors_cosine(vectors, n_first == 1 ? 0 : i, n_first + i));
        buf_add_char(out, '}');
    }
}

static bool write_score(struct exchange *x, struct buf *out, struct err *err)
{
    struct value values[N_FIELDS];
    struct embedding embedding = {0};
    struct unit_vectors vectors;
    size_t n_first = 1;
    if (!exchange_read_fields(x, values, err) ||
        !model_name_read(x, &values[MODEL], &embedding.model, err))
        return false;
    embedding_init(&embedding, x);
    if (!length_limit_read(&values[TRUNCATE], "truncate", &embedding.limit, err) ||
        !read_sides(x, values, &n_first, &embedding.batch, err) ||
        !unit_vectors_make(x, &embedding, &vectors, err))
        return false;
    buf_add_str(out, "{\"object\":\"list\",\"data\":[");
    write_scores(&vectors, n_first, embedding.batch.n, out);
    vllm_write_origin(x, embedding.model, out);
    write_token_usage(out, embedding.batch.tokens);
    buf_add_char(out, '}');
    stage_end(x, STAGE_WRITE);
    return true;
}

static void score_post(struct exchange *x)
{
    reply_by(x, write_score);
}

const struct endpoint score_endpoint = {
    .handle = score_post,
    FIELDS(score_fields),
    .summary = "The cosines of pairs of texts",
    .reply = VLLM_REPLY("'score'", "'type':'number'"),
};
