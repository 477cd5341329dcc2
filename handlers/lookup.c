/* SPDX-License-Identifier: Apache-2.0 */
/* The chain, a step a route: tokens -> ids -> one-hot -> rows of W. */
#include "handlers/endpoints.h"

#include "base/numtext.h"
#include "handlers/handlers.h"
#include "handlers/input.h"
#include "handlers/output.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The vocabulary's entries of a sequence's ids. */
static void write_tokens(const struct exchange *x, const struct sequence *sequence, struct buf *out)
{
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < sequence->n; i++) {
        struct text token;
        token.data = model_token_text(x->service->model, sequence->ids[i], &token.bytes);
        if (i > 0) buf_add_char(out, ',');
        write_text(out, token);
    }
    buf_add_char(out, ']');
}

static void write_ids(const uint32_t *ids, uint32_t n, struct buf *out)
{
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) buf_add_char(out, ',');
        write_u64(out, ids[i]);
    }
    buf_add_char(out, ']');
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

static const struct text ids_names[IDS_FIELDS] = {OWN_FIELD_NAMES, [IDS_UNKNOWN] = TEXT("unknown")};

/* What an item of /v1/ids and of /v1/lookup begins with. */
static void begin_item(struct exchange *x, size_t index, const struct sequence *item,
                       struct buf *out)
{
    write_index(out, index);
    buf_add_str(out, ",\"tokens\":");
    write_tokens(x, item, out);
    buf_add_str(out, ",\"ids\":");
    write_ids(item->ids, item->n, out);
}

static bool ids_write(struct exchange *x, struct buf *out, struct err *err)
{
    struct value values[IDS_FIELDS];
    enum unknown_policy policy;
    struct text model;
    struct batch batch;
    if (!exchange_read_fields(x, ids_names, IDS_FIELDS, values, err) ||
        !unknown_policy_read(x, &values[IDS_UNKNOWN], &policy, err) ||
        !request_read_own(x, values, &model, &batch, err) || !apply_unknown(x, &batch, policy, err))
        return false;
    buf_add_str(out, "{\"data\":[");
    for (size_t i = 0; i < batch.n; i++) {
        const struct sequence *item = &batch.items[i];
        begin_item(x, i, item, out);
        buf_add_str(out, ",\"unknown\":");
        write_u64(out, item->unknown);
        buf_add_char(out, '}');
    }
    write_model_name(out, model);
    buf_add_str(out, ",\"vocab_size\":");
    write_u64(out, model_info(x->service->model)->vocab_size);
    buf_add_char(out, '}');
    stage_end(x, STAGE_WRITE);
    return true;
}

/* -- /v1/onehot -- */

enum { ONEHOT_VOCABULARY = OWN_FIELDS, ONEHOT_FORMAT, ONEHOT_FIELDS };

static const struct text onehot_names[ONEHOT_FIELDS] = {
    OWN_FIELD_NAMES, [ONEHOT_VOCABULARY] = TEXT("vocabulary"), [ONEHOT_FORMAT] = TEXT("format")};

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
};

static uint64_t hash_text(struct text text)
{
    uint64_t hash = 0xCBF29CE484222325u; /* FNV-1a */
    for (size_t i = 0; i < text.bytes; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * 0x100000001B3u;
    return hash ^ hash >> 32;
}

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
        uint64_t slot = hash_text(tokens[i]) & (slots - 1);
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
    const struct model *model = x->service->model;
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
    const struct model_info *info = model_info(x->service->model);
    enum unknown_policy policy = info->unknown_id == MODEL_NO_ID ? UNKNOWN_ERROR : UNKNOWN_UNK;
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

static void write_dense(const struct onehot *onehot, struct buf *out)
{
    /* All of it is asked for at once: a matrix too large for the request's memory fails here. */
    uint64_t bytes = (uint64_t)onehot->n * (2 * (uint64_t)onehot->width + 2) + 2;
    char *at = buf_reserve(out, bytes);
    if (!at) return;
    *at++ = '[';
    for (uint32_t i = 0; i < onehot->n; i++) {
        if (i > 0) *at++ = ',';
        char *row = at;
        for (uint32_t j = 0; j < onehot->width; j++) {
            row[2 * (size_t)j] = ',';
            row[2 * (size_t)j + 1] = '0';
        }
        row[0] = '[';
        row[2 * (size_t)onehot->columns[i] + 1] = '1';
        at += 2 * (size_t)onehot->width;
        *at++ = ']';
    }
    *at++ = ']';
    out->bytes = (size_t)(at - out->data);
}

static void write_onehot(const struct exchange *x, const struct sequence *sequence,
                         const struct onehot *onehot, enum format format, struct buf *out)
{
    buf_add_str(out, ",\"tokens\":");
    if (onehot->tokens) {
        buf_add_char(out, '[');
        for (uint32_t i = 0; i < onehot->n; i++) {
            if (i > 0) buf_add_char(out, ',');
            write_text(out, onehot->tokens[i]);
        }
        buf_add_char(out, ']');
    } else {
        write_tokens(x, sequence, out);
    }
    buf_printf(out, ",\"shape\":[%" PRIu32 ",%" PRIu32 "],\"zeros\":", onehot->n, onehot->width);
    write_share(onehot->n == 0 ? 0 : (double)(onehot->width - 1) / onehot->width, out);
    if (format == FORMAT_AUTO)
        format =
            (uint64_t)onehot->n * onehot->width <= DENSE_CELLS_MAX ? FORMAT_DENSE : FORMAT_SPARSE;
    if (format == FORMAT_DENSE) {
        buf_add_str(out, ",\"rows\":");
        write_dense(onehot, out);
    } else {
        buf_add_str(out, ",\"columns\":");
        write_ids(onehot->columns, onehot->n, out);
    }
    buf_add_char(out, '}');
}

static bool onehot_write(struct exchange *x, struct buf *out, struct err *err)
{
    struct value values[ONEHOT_FIELDS];
    size_t vocabulary = VOCABULARY_MODEL, format = FORMAT_AUTO;
    struct text model;
    struct batch batch;
    if (!exchange_read_fields(x, onehot_names, ONEHOT_FIELDS, values, err) ||
        !value_get_choice(&values[ONEHOT_VOCABULARY], "vocabulary", vocabulary_names, 2,
                          &vocabulary, err) ||
        !value_get_choice(&values[ONEHOT_FORMAT], "format", format_names, 2, &format, err) ||
        !request_read_own(x, values, &model, &batch, err))
        return false;
    buf_add_str(out, "{\"data\":[");
    for (size_t i = 0; i < batch.n; i++) {
        struct sequence *item = &batch.items[i];
        struct onehot onehot = {0};
        if (!(vocabulary == VOCABULARY_INPUT ? onehot_of_input(x, item, &onehot, err)
                                             : onehot_of_model(x, item, i, &onehot, err)))
            return false;
        write_index(out, i);
        write_onehot(x, item, &onehot, (enum format)format, out);
        if (out->failed && format == FORMAT_DENSE)
            return err_set(err, ERR_MEMORY, "format",
                           "the %" PRIu32 " x %" PRIu32 " matrix of input %zu needs more memory "
                           "than max-request-memory allows; send \"format\": \"sparse\", shorter "
                           "inputs, or raise max-request-memory",
                           onehot.n, onehot.width, i);
    }
    write_model_name(out, model);
    buf_add_char(out, '}');
    stage_end(x, STAGE_WRITE);
    return true;
}

/* -- /v1/lookup -- */

enum { LOOKUP_DIMENSIONS = OWN_FIELDS, LOOKUP_ENCODING, LOOKUP_UNKNOWN, LOOKUP_FIELDS };

static const struct text lookup_names[LOOKUP_FIELDS] = {
    OWN_FIELD_NAMES, [LOOKUP_DIMENSIONS] = TEXT("dimensions"),
    [LOOKUP_ENCODING] = TEXT("encoding_format"), [LOOKUP_UNKNOWN] = TEXT("unknown")};

static bool refuse_row(uint32_t id, struct err *err)
{
    return err_set(err, ERR_INTERNAL, NULL,
                   "row %" PRIu32 " of the table is not finite (NaN or infinity), so it is not "
                   "sent; check the model with embedd inspect",
                   id);
}

/* Y = X·W of one sequence, X one-hot: the rows of W that its ids name. */
static bool write_rows(struct exchange *x, const struct sequence *sequence, uint32_t dims,
                       enum encoding encoding, struct buf *out, struct err *err)
{
    /* base64 runs over the whole matrix, so its rows must lie together. */
    size_t n_kept = encoding == ENCODING_BASE64 ? sequence->n : 1;
    if (n_kept > SIZE_MAX / dims) return err_out_of_memory(err);
    float *rows = arena_array(x->arena, n_kept * dims, sizeof *rows);
    if (!rows) return err_out_of_memory(err);
    if (encoding == ENCODING_FLOAT) {
        if (!buf_reserve(out, sequence->n * (write_floats_bytes(encoding, dims) + 1) + 2))
            return err_out_of_memory(err);
        buf_add_char(out, '[');
    }
    for (uint32_t i = 0; i < sequence->n; i++) {
        float *row = encoding == ENCODING_BASE64 ? rows + (size_t)i * dims : rows;
        model_row(x->service->model, sequence->ids[i], dims, row);
        for (uint32_t j = 0; j < dims; j++)
            if (!isfinite(row[j])) return refuse_row(sequence->ids[i], err);
        if (encoding == ENCODING_BASE64) continue;
        if (i > 0) buf_add_char(out, ',');
        write_floats(out, encoding, row, dims);
    }
    if (encoding == ENCODING_BASE64) {
        write_floats(out, encoding, rows, (size_t)sequence->n * dims);
    } else {
        buf_add_char(out, ']');
    }
    return true;
}

static bool lookup_write(struct exchange *x, struct buf *out, struct err *err)
{
    struct value values[LOOKUP_FIELDS];
    int64_t dims = model_info(x->service->model)->dim;
    size_t encoding = ENCODING_FLOAT;
    enum unknown_policy policy;
    struct text model;
    struct batch batch;
    if (!exchange_read_fields(x, lookup_names, LOOKUP_FIELDS, values, err) ||
        !value_get_whole(&values[LOOKUP_DIMENSIONS], "dimensions", 1, dims, &dims, err) ||
        !value_get_choice(&values[LOOKUP_ENCODING], "encoding_format", encoding_names, 2, &encoding,
                          err) ||
        !unknown_policy_read(x, &values[LOOKUP_UNKNOWN], &policy, err) ||
        !request_read_own(x, values, &model, &batch, err) || !apply_unknown(x, &batch, policy, err))
        return false;
    buf_add_str(out, "{\"data\":[");
    for (size_t i = 0; i < batch.n; i++) {
        const struct sequence *item = &batch.items[i];
        begin_item(x, i, item, out);
        buf_printf(out, ",\"shape\":[%" PRIu32 ",%" PRId64 "],\"rows\":", item->n, dims);
        if (!write_rows(x, item, (uint32_t)dims, (enum encoding)encoding, out, err)) return false;
        buf_add_char(out, '}');
    }
    write_model_name(out, model);
    buf_add_char(out, '}');
    /* Rows go straight from the table into the reply: one stage. */
    stage_end(x, STAGE_LOOKUP);
    return true;
}

void ids_post(struct exchange *x)
{
    reply_by(x, ids_write);
}

void onehot_post(struct exchange *x)
{
    reply_by(x, onehot_write);
}

void lookup_post(struct exchange *x)
{
    reply_by(x, lookup_write);
}
