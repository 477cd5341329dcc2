/* SPDX-License-Identifier: Apache-2.0 */
/* The chain, a step a route: tokens -> ids -> one-hot -> rows of W. */
#include "handlers/dialects/endpoints.h"

#include "base/hash.h"
#include "base/numtext.h"
#include "handlers/dialects/own.h"
#include "handlers/embedding.h"
#include "handlers/errors.h"
#include "handlers/reply.h"
#include "handlers/write.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lists are written from entry *next on, until `out` has `full` bytes; true at the end of the list.
   With NO_LIMIT all of it. */
#define NO_LIMIT SIZE_MAX

/* Whether entry `next` goes into this piece; the first goes with the bracket. */
static bool has_room(uint32_t next, size_t full, const struct buf *out)
{
    return (next == 0 || out->bytes < full) && !out->failed;
}

/* The vocabulary's entries of a sequence's ids, or `tokens` where there are some. */
static bool write_tokens(const struct exchange *x, const struct sequence *sequence,
                         const struct text *tokens, uint32_t *next, size_t full, struct buf *out)
{
    if (*next == 0) buf_add_char(out, '[');
    for (; *next < sequence->n && has_room(*next, full, out); ++*next) {
        struct text token;
        if (tokens)
            token = tokens[*next];
        else
            token.data = model_token_text(x->model, sequence->ids[*next], &token.bytes);
        if (*next > 0) buf_add_char(out, ',');
        write_text(out, token);
    }
    if (*next < sequence->n && !out->failed) return false;
    buf_add_char(out, ']');
    return true;
}

static bool write_ids(const uint32_t *ids, uint32_t n, uint32_t *next, size_t full, struct buf *out)
{
    if (*next == 0) buf_add_char(out, '[');
    for (; *next < n && has_room(*next, full, out); ++*next) {
        if (*next > 0) buf_add_char(out, ',');
        buf_add_u64(out, ids[*next]);
    }
    if (*next < n && !out->failed) return false;
    buf_add_char(out, ']');
    return true;
}

static bool apply_unknown(struct exchange *x, struct batch *batch, enum unknown_policy policy,
                          struct err *err)
{
    for (size_t i = 0; i < batch->n; i++)
        if (!sequence_apply_unknown(x, &batch->items[i], i, policy, err)) return false;
    return true;
}

/* -- /v1/ids -- */

enum { IDS_UNKNOWN = OWN_FIELDS, IDS_FIELDS };

#define UNKNOWN_FIELD                                                                              \
    FIELD("unknown", "'enum':['unk','skip','error']",                                              \
          "what a token outside the vocabulary becomes: the unknown row, nothing, or an error")

static const struct field ids_fields[IDS_FIELDS] = {
    OWN_FIELD_LIST,
    [IDS_UNKNOWN] = UNKNOWN_FIELD,
};

static bool ids_write(struct exchange *x, struct buf *out, struct err *err)
{
    struct value values[IDS_FIELDS];
    enum unknown_policy policy;
    struct text model;
    struct batch batch;
    if (!own_read_fields(x, values, &model, err) ||
        !unknown_policy_read(x, &values[IDS_UNKNOWN], &policy, err) ||
        !request_read_own(x, values, &batch, err) || !apply_unknown(x, &batch, policy, err))
        return false;
    buf_add_str(out, "{\"data\":[");
    for (size_t i = 0; i < batch.n; i++) {
        const struct sequence *item = &batch.items[i];
        uint32_t next = 0;
        write_index(out, i);
        buf_add_str(out, ",\"tokens\":");
        write_tokens(x, item, NULL, &next, NO_LIMIT, out);
        buf_add_str(out, ",\"ids\":");
        next = 0;
        write_ids(item->ids, item->n, &next, NO_LIMIT, out);
        buf_add_str(out, ",\"unknown\":");
        buf_add_u64(out, item->unknown);
        buf_add_char(out, '}');
    }
    write_model_name(out, model);
    buf_add_str(out, ",\"vocab_size\":");
    buf_add_u64(out, model_info(x->model)->vocab_size);
    buf_add_char(out, '}');
    stage_end(x, STAGE_WRITE);
    return true;
}

/* -- /v1/onehot -- */

enum { ONEHOT_VOCABULARY = OWN_FIELDS, ONEHOT_FORMAT, ONEHOT_FIELDS };

static const struct field onehot_fields[ONEHOT_FIELDS] = {
    OWN_FIELD_LIST,
    [ONEHOT_VOCABULARY] = FIELD("vocabulary", "'enum':['model','input']",
                                "whether V is the model's vocabulary or the input's own tokens"),
    [ONEHOT_FORMAT] = FIELD("format", "'enum':['dense','sparse']",
                            "every cell, or the column of the 1 in each row"),
};

enum vocabulary { VOCABULARY_MODEL, VOCABULARY_INPUT };
static const char *const vocabulary_names[] = {"model", "input"};

enum format { FORMAT_DENSE, FORMAT_SPARSE, FORMAT_AUTO };
static const char *const format_names[] = {"dense", "sparse"};

/* Dense by default while a sequence has no more cells than this. */
#define DENSE_CELLS_MAX 65536u

/* The one-hot rows of one sequence: row i has its 1 in column columns[i]. */
struct onehot {
    const uint32_t *columns;   /* n */
    const struct text *tokens; /* n, or NULL: the vocabulary's entries of the ids */
    uint32_t n;
    uint32_t width; /* V */
    bool is_dense;  /* sent as rows, not as columns */
};

/* V = the distinct tokens of the sequence, in order of appearance. */
static bool number_tokens(struct exchange *x, const struct text *tokens, uint32_t n,
                          struct onehot *out, struct err *err)
{
    uint64_t slots = 16;
    while (slots < 2 * (uint64_t)n)
        slots *= 2;
    uint32_t *first = arena_array(x->arena, slots, sizeof *first); /* place of the token, plus 1 */
    uint32_t *columns = arena_array(x->arena, n, sizeof *columns);
    if (!first || !columns) return err_out_of_memory(err);
    memset(first, 0, slots * sizeof *first);
    uint32_t width = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t hash = hash_bytes(HASH_START, tokens[i].data, tokens[i].bytes);
        uint64_t slot = (hash ^ hash >> 32) & (slots - 1);
        for (; first[slot]; slot = (slot + 1) & (slots - 1)) {
            const struct text *other = &tokens[first[slot] - 1];
            if (other->bytes == tokens[i].bytes &&
                memcmp(other->data, tokens[i].data, other->bytes) == 0)
                break;
        }
        if (!first[slot]) {
            first[slot] = i + 1;
            columns[i] = width++;
        } else {
            columns[i] = columns[first[slot] - 1];
        }
    }
    *out = (struct onehot){.columns = columns, .tokens = tokens, .n = n, .width = width};
    return true;
}

/* Known tokens by their entry in the vocabulary, so that a word counts once however it is spelled
   in the text; unknown ones as they were sent. */
static bool onehot_of_input(struct exchange *x, const struct sequence *sequence, struct onehot *out,
                            struct err *err)
{
    const struct model *model = x->model;
    const struct text *sources = NULL;
    if (sequence->unknown > 0 && !sequence_sources(x, sequence, &sources, NULL, err)) return false;
    struct text *tokens = arena_array(x->arena, sequence->n, sizeof *tokens);
    if (!tokens) return err_out_of_memory(err);
    for (uint32_t i = 0; i < sequence->n; i++) {
        uint32_t id = sequence->ids[i];
        if (model_is_unknown(model_info(model), id)) {
            tokens[i] = sources[i];
        } else {
            tokens[i].data = model_token_text(model, id, &tokens[i].bytes);
        }
    }
    return number_tokens(x, tokens, sequence->n, out, err);
}

static bool onehot_of_model(struct exchange *x, struct sequence *sequence, size_t index,
                            struct onehot *out, struct err *err)
{
    const struct model_info *info = model_info(x->model);
    enum unknown_policy policy = info->unknown_id == TOKEN_ID_NONE ? UNKNOWN_ERROR : UNKNOWN_UNK;
    if (!sequence_apply_unknown(x, sequence, index, policy, err)) return false;
    *out = (struct onehot){.columns = sequence->ids, .n = sequence->n, .width = info->vocab_size};
    return true;
}

/* The shortest text that reads back to the same double. */
static void write_share(double share, struct buf *out)
{
    char text[32];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, share);
        if (strtod(text, NULL) == share) break;
    }
    buf_add_str(out, text);
}

/* Rows of zeros with their 1. */
static bool write_dense(const struct onehot *onehot, uint32_t *next, size_t full, struct buf *out)
{
    if (*next == 0) buf_add_char(out, '[');
    for (; *next < onehot->n && has_room(*next, full, out); ++*next) {
        char *at = buf_reserve(out, 2 * (size_t)onehot->width + 2);
        if (!at) return true;
        if (*next > 0) *at++ = ',';
        for (uint32_t j = 0; j < onehot->width; j++) {
            at[2 * (size_t)j] = ',';
            at[2 * (size_t)j + 1] = '0';
        }
        at[0] = '[';
        at[2 * (size_t)onehot->columns[*next] + 1] = '1';
        at += 2 * (size_t)onehot->width;
        *at++ = ']';
        out->bytes = (size_t)(at - out->data);
    }
    if (*next < onehot->n) return false;
    buf_add_char(out, ']');
    return true;
}

/* How far a reply that is made in pieces has come. */
struct place {
    size_t item;
    unsigned part; /* of the item */
    uint32_t next; /* in the part, where it is a list */
    bool has_begun;
};

/* Makes items part by part, until `out` is full; between them, and at both ends, what every reply
   has. `write_part` writes the part that at->part names, the last of which is `n_parts` - 1. */
static bool make_items(struct exchange *x, void *maker, struct place *at, size_t n_items,
                       unsigned n_parts, struct text model,
                       bool (*write_part)(const struct exchange *, const void *, struct place *,
                                          size_t full, struct buf *),
                       struct buf *out)
{
    size_t full = out->bytes + PIECE_BYTES;
    if (!at->has_begun) buf_add_str(out, "{\"data\":[");
    at->has_begun = true;
    for (; at->item < n_items; at->item++, at->part = 0) {
        for (; at->part < n_parts; at->part++, at->next = 0)
            if (out->bytes >= full || !write_part(x, maker, at, full, out)) return !out->failed;
    }
    write_model_name(out, model);
    buf_add_char(out, '}');
    return false;
}

struct onehots {
    struct batch batch;
    struct onehot *items; /* batch.n */
    struct text model;
    struct place at;
};

enum { ONEHOT_START, ONEHOT_TOKENS, ONEHOT_SHAPE, ONEHOT_ROWS, ONEHOT_END, ONEHOT_PARTS };

static bool write_onehot_part(const struct exchange *x, const void *maker, struct place *at,
                              size_t full, struct buf *out)
{
    const struct onehots *onehots = maker;
    const struct onehot *onehot = &onehots->items[at->item];
    switch (at->part) {
    case ONEHOT_START:
        write_index(out, at->item);
        buf_add_str(out, ",\"tokens\":");
        return true;
    case ONEHOT_TOKENS:
        return write_tokens(x, &onehots->batch.items[at->item], onehot->tokens, &at->next, full,
                            out);
    case ONEHOT_SHAPE:
        buf_printf(out, ",\"shape\":[%" PRIu32 ",%" PRIu32 "],\"zeros\":", onehot->n,
                   onehot->width);
        write_share(onehot->n == 0 ? 0 : (double)(onehot->width - 1) / onehot->width, out);
        buf_add_str(out, onehot->is_dense ? ",\"rows\":" : ",\"columns\":");
        return true;
    case ONEHOT_ROWS:
        return onehot->is_dense ? write_dense(onehot, &at->next, full, out)
                                : write_ids(onehot->columns, onehot->n, &at->next, full, out);
    }
    buf_add_char(out, '}');
    return true;
}

static bool make_onehots(struct exchange *x, void *maker, struct buf *out)
{
    struct onehots *onehots = maker;
    return make_items(x, maker, &onehots->at, onehots->batch.n, ONEHOT_PARTS, onehots->model,
                      write_onehot_part, out);
}

/* How long the reply will be; false where it is too long for what is so easily had otherwise. */
static bool plan_onehots(struct exchange *x, const struct onehots *onehots, struct plan *plan,
                         struct err *err)
{
    uint64_t cells = 0, max = x->service->dense_cells_max, widest = 0;
    for (size_t i = 0; i < onehots->batch.n; i++) {
        const struct onehot *onehot = &onehots->items[i];
        if (!onehot->is_dense) continue;
        cells += (uint64_t)onehot->n * onehot->width;
        if (onehot->width > widest) widest = onehot->width;
    }
    if (cells > max) {
        x->sample.reject = REJECT_REPLY_TOO_LARGE;
        return err_set(err, ERR_TOO_LARGE, "format",
                       "the dense rows would have %" PRIu64 " cells, tokens x vocabulary, but "
                       "max-dense-cells is %" PRIu64 "; send \"format\": \"sparse\", or shorter "
                       "inputs, or raise max-dense-cells",
                       cells, max);
    }
    plan->reply_bytes = 2 * cells + 32 * (uint64_t)onehots->batch.tokens;
    plan_pieces(plan, 2 * widest);
    return reply_plan(x, plan, err);
}

static bool is_dense(const struct onehot *onehot, enum format format)
{
    if (format != FORMAT_AUTO) return format == FORMAT_DENSE;
    return (uint64_t)onehot->n * onehot->width <= DENSE_CELLS_MAX;
}

static bool read_onehots(struct exchange *x, void *maker, struct plan *plan, struct err *err)
{
    struct onehots *onehots = maker;
    struct value values[ONEHOT_FIELDS];
    size_t vocabulary = VOCABULARY_MODEL, format = FORMAT_AUTO;
    if (!own_read_fields(x, values, &onehots->model, err) ||
        !value_get_choice(&values[ONEHOT_VOCABULARY], "vocabulary", vocabulary_names, 2,
                          &vocabulary, err) ||
        !value_get_choice(&values[ONEHOT_FORMAT], "format", format_names, 2, &format, err) ||
        !request_read_own(x, values, &onehots->batch, err))
        return false;
    onehots->items = arena_array(x->arena, onehots->batch.n, sizeof *onehots->items);
    if (!onehots->items) return err_out_of_memory(err);
    for (size_t i = 0; i < onehots->batch.n; i++) {
        struct sequence *item = &onehots->batch.items[i];
        struct onehot *onehot = &onehots->items[i];
        if (!(vocabulary == VOCABULARY_INPUT ? onehot_of_input(x, item, onehot, err)
                                             : onehot_of_model(x, item, i, onehot, err)))
            return false;
        onehot->is_dense = is_dense(onehot, (enum format)format);
    }
    return plan_onehots(x, onehots, plan, err);
}

static void onehot_post(struct exchange *x)
{
    reply_made(x, sizeof(struct onehots), read_onehots, make_onehots, STAGE_WRITE);
}

/* -- /v1/lookup -- */

enum { LOOKUP_DIMENSIONS = OWN_FIELDS, LOOKUP_ENCODING, LOOKUP_UNKNOWN, LOOKUP_FIELDS };

static const struct field lookup_fields[LOOKUP_FIELDS] = {
    OWN_FIELD_LIST,
    [LOOKUP_DIMENSIONS] = FIELD("dimensions", SCHEMA_COUNT, "the first so many columns"),
    [LOOKUP_ENCODING] = FIELD("encoding_format", "'enum':['float','base64']",
                              "lists of numbers, or the base64 of little-endian float32"),
    [LOOKUP_UNKNOWN] = UNKNOWN_FIELD,
};

/* Rows of which base64 makes whole groups of characters: 3 of any number of floats. */
#define ROWS_AT_ONCE 3

struct lookups {
    struct batch batch;
    struct text model;
    uint32_t dims;
    enum encoding encoding;
    float *rows; /* (ROWS_AT_ONCE, dims) */
    struct place at;
};

static void write_some_rows(const struct exchange *x, const struct lookups *lookups,
                            const uint32_t *ids, uint32_t n, struct buf *out)
{
    for (uint32_t i = 0; i < n; i++)
        model_row(x->model, ids[i], lookups->dims, lookups->rows + (size_t)i * lookups->dims);
    if (lookups->encoding == ENCODING_FLOAT) {
        write_floats(out, lookups->encoding, lookups->rows, lookups->dims);
        return;
    }
    size_t bytes = (size_t)n * lookups->dims * sizeof(float);
    char *at = buf_reserve(out, numtext_base64_bytes(bytes));
    if (at) out->bytes += numtext_base64(at, lookups->rows, bytes);
}

/* Y = X·W of one sequence, X one-hot: the rows of W that its ids name. */
static bool write_rows(const struct exchange *x, const struct lookups *lookups,
                       const struct sequence *item, uint32_t *next, size_t full, struct buf *out)
{
    const bool is_text = lookups->encoding == ENCODING_FLOAT;
    if (*next == 0) buf_add_char(out, is_text ? '[' : '"');
    while (*next < item->n && has_room(*next, full, out)) {
        uint32_t left = item->n - *next;
        uint32_t n = is_text ? 1 : left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
        if (is_text && *next > 0) buf_add_char(out, ',');
        write_some_rows(x, lookups, item->ids + *next, n, out);
        *next += n;
    }
    if (*next < item->n && !out->failed) return false;
    buf_add_char(out, is_text ? ']' : '"');
    return true;
}

enum {
    LOOKUP_START,
    LOOKUP_TOKENS,
    LOOKUP_IDS_NAME,
    LOOKUP_IDS,
    LOOKUP_SHAPE,
    LOOKUP_ROWS,
    LOOKUP_END,
    LOOKUP_PARTS
};

static bool write_lookup_part(const struct exchange *x, const void *maker, struct place *at,
                              size_t full, struct buf *out)
{
    const struct lookups *lookups = maker;
    const struct sequence *item = &lookups->batch.items[at->item];
    switch (at->part) {
    case LOOKUP_START:
        write_index(out, at->item);
        buf_add_str(out, ",\"tokens\":");
        return true;
    case LOOKUP_TOKENS:
        return write_tokens(x, item, NULL, &at->next, full, out);
    case LOOKUP_IDS_NAME:
        buf_add_str(out, ",\"ids\":");
        return true;
    case LOOKUP_IDS:
        return write_ids(item->ids, item->n, &at->next, full, out);
    case LOOKUP_SHAPE:
        buf_printf(out, ",\"shape\":[%" PRIu32 ",%" PRIu32 "],\"rows\":", item->n, lookups->dims);
        return true;
    case LOOKUP_ROWS:
        return write_rows(x, lookups, item, &at->next, full, out);
    }
    buf_add_char(out, '}');
    return true;
}

static bool make_lookups(struct exchange *x, void *maker, struct buf *out)
{
    struct lookups *lookups = maker;
    return make_items(x, maker, &lookups->at, lookups->batch.n, LOOKUP_PARTS, lookups->model,
                      write_lookup_part, out);
}

static bool read_lookups(struct exchange *x, void *maker, struct plan *plan, struct err *err)
{
    struct lookups *lookups = maker;
    struct value values[LOOKUP_FIELDS];
    size_t encoding = ENCODING_FLOAT;
    enum unknown_policy policy;
    if (!own_read_fields(x, values, &lookups->model, err)) return false;
    int64_t dims = model_info(x->model)->dim;
    if (!value_get_whole(&values[LOOKUP_DIMENSIONS], "dimensions", 1, dims, &dims, err) ||
        !value_get_choice(&values[LOOKUP_ENCODING], "encoding_format", encoding_names, 2, &encoding,
                          err) ||
        !unknown_policy_read(x, &values[LOOKUP_UNKNOWN], &policy, err) ||
        !request_read_own(x, values, &lookups->batch, err) ||
        !apply_unknown(x, &lookups->batch, policy, err))
        return false;
    lookups->dims = (uint32_t)dims;
    lookups->encoding = (enum encoding)encoding;
    uint64_t row_bytes = write_floats_bytes(lookups->encoding, lookups->dims);
    plan->reply_bytes = lookups->batch.tokens * (row_bytes + 32);
    plan->read_bytes = model_read_bytes(x->model, lookups->batch.tokens);
    plan_pieces(plan, ROWS_AT_ONCE * row_bytes);
    if (!reply_plan(x, plan, err)) return false;
    lookups->rows =
        arena_array(x->arena, (size_t)ROWS_AT_ONCE * lookups->dims, sizeof *lookups->rows);
    return lookups->rows ? batch_check_rows(x, &lookups->batch, lookups->dims, lookups->rows, err)
                         : err_out_of_memory(err);
}

static void lookup_post(struct exchange *x)
{
    /* Rows go straight from the table into the reply: one stage. */
    reply_made(x, sizeof(struct lookups), read_lookups, make_lookups, STAGE_LOOKUP);
}

static void ids_post(struct exchange *x)
{
    reply_by(x, ids_write);
}

#define SCHEMA_TOKENS "'tokens':{'type':'array','items':{'type':['string','null']}}"

const struct endpoint ids_endpoint = {
    .handle = ids_post,
    FIELDS(ids_fields),
    .summary = "Token ids of texts or tokens",
    .reply = OWN_REPLY(SCHEMA_TOKENS ",'ids':{'type':'array','items':{'type':['integer','null']}},"
                                     "'unknown':{'type':'integer'}"),
};

const struct endpoint onehot_endpoint = {
    .handle = onehot_post,
    FIELDS(onehot_fields),
    .summary = "One-hot rows of tokens",
    .reply = OWN_REPLY(SCHEMA_TOKENS ",'shape':{'type':'array','items':{'type':'integer'}},'zeros':"
                                     "{'type':'number'},'rows':{'type':'array'},"
                                     "'columns':{'type':'array'}"),
};

const struct endpoint lookup_endpoint = {
    .handle = lookup_post,
    FIELDS(lookup_fields),
    .summary = "Rows of the embedding table, a token a row",
    .reply = OWN_REPLY(SCHEMA_TOKENS ",'ids':{'type':'array','items':{'type':['integer','null']}},"
                                     "'shape':{'type':'array','items':{'type':'integer'}},"
                                     "'rows':{'type':['array','string']}"),
};
