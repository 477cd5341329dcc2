/* SPDX-License-Identifier: Apache-2.0 */
/* TEI's other forms of a text: the row of each of its tokens, and its tokens as a bag. */
#include "handlers/dialects/endpoints.h"

#include "base/numtext.h"
#include "handlers/dialects/tei.h"
#include "handlers/embedding.h"
#include "handlers/reply.h"

#include <stdlib.h>
#include <string.h>

static const struct field fields[TEI_INPUT_FIELDS] = {TEI_INPUT_FIELD_LIST};

/* A reply that is a list a text, which is made in pieces, and how far it has come. */
struct lists {
    struct batch batch;
    float *row; /* (dim) */
    size_t item;
    uint32_t next; /* token of the item */
    bool has_begun;
};

static bool read_lists(struct exchange *x, struct lists *lists, struct err *err)
{
    struct value values[TEI_INPUT_FIELDS];
    struct length_limit limit;
    if (!exchange_read_fields(x, values, err) ||
        !tei_read_inputs(x, values, &limit, &lists->batch, err))
        return false;
    stage_end(x, STAGE_PARSE);
    if (!batch_tokenize(x, &lists->batch, &limit, err)) return false;
    stage_end(x, STAGE_TOKENIZE);
    return true;
}

/* `write` writes tokens of an item from lists->next on, at least one, and moves that. */
static bool make_lists(const struct exchange *x, struct lists *lists,
                       void (*write)(const struct exchange *x, struct lists *lists,
                                     const struct sequence *item, struct buf *out),
                       struct buf *out)
{
    const size_t full = out->bytes + PIECE_BYTES;
    if (!lists->has_begun) buf_add_char(out, '[');
    for (; lists->item < lists->batch.n; lists->item++, lists->next = 0) {
        const struct sequence *item = &lists->batch.items[lists->item];
        if (out->bytes >= full) return !out->failed;
        if (lists->next == 0) buf_add_str(out, lists->item > 0 ? ",[" : "[");
        lists->has_begun = true;
        while (lists->next < item->n) {
            write(x, lists, item, out);
            if (out->failed) return false;
            if (out->bytes >= full && lists->next < item->n) return true;
        }
        buf_add_char(out, ']');
        if (out->failed) return false;
    }
    buf_add_char(out, ']');
    return false;
}

/* -- /embed_all -- */

/* A token without a row counts for nothing in the text's vector: its own is all zeros. */
static void write_row(const struct exchange *x, struct lists *lists, const struct sequence *item,
                      struct buf *out)
{
    const struct model_info *info = model_info(x->model);
    const uint32_t id = item->ids[lists->next];
    if (id < info->vocab_size)
        model_row(x->model, id, info->dim, lists->row);
    else
        memset(lists->row, 0, info->dim * sizeof *lists->row);
    if (lists->next > 0) buf_add_char(out, ',');
    write_floats(out, ENCODING_FLOAT, lists->row, info->dim);
    lists->next++;
}

static bool make_rows(struct exchange *x, void *maker, struct buf *out)
{
    return make_lists(x, maker, write_row, out);
}

static bool read_rows(struct exchange *x, void *maker, struct plan *plan, struct err *err)
{
    struct lists *lists = maker;
    const uint32_t dim = model_info(x->model)->dim;
    if (!read_lists(x, lists, err)) return false;
    const uint64_t row_bytes = write_floats_bytes(ENCODING_FLOAT, dim) + 1;
    plan->reply_bytes = lists->batch.tokens * row_bytes + 3 * lists->batch.n + 2;
    plan->read_bytes = model_read_bytes(x->model, lists->batch.tokens);
    plan_pieces(plan, row_bytes);
    if (!reply_plan(x, plan, err)) return false;
    lists->row = arena_array(x->arena, dim, sizeof *lists->row);
    return lists->row ? batch_check_rows(x, &lists->batch, dim, lists->row, err)
                      : err_out_of_memory(err);
}

static void embed_all_post(struct exchange *x)
{
    reply_made(x, sizeof(struct lists), read_rows, make_rows, STAGE_LOOKUP);
}

const struct endpoint embed_all_endpoint = {
    .handle = embed_all_post,
    FIELDS(fields),
    .summary = "Vectors of each token of texts or token ids",
    .reply = "'type':'array','items':{'type':'array','items':{'type':'array','items':"
             "{'type':'number'}}}",
};

/* -- /embed_sparse -- */

static int by_id(const void *a, const void *b)
{
    const uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    return one < other ? -1 : one > other;
}

/* Tokens that count, by id: those that a text's vector is made of. */
static void sort_bag(const struct exchange *x, struct sequence *item)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < item->n; i++)
        if (model_weight(x->model, item->ids[i]) != 0) item->ids[kept++] = item->ids[i];
    item->n = kept;
    qsort(item->ids, kept, sizeof *item->ids, by_id);
}

static void write_entry(const struct exchange *x, struct lists *lists, const struct sequence *item,
                        struct buf *out)
{
    const uint32_t first = lists->next, id = item->ids[first];
    while (lists->next < item->n && item->ids[lists->next] == id)
        lists->next++;
    buf_add_str(out, first > 0 ? ",{\"index\":" : "{\"index\":");
    buf_add_u64(out, id);
    buf_add_str(out, ",\"value\":");
    buf_add_float(out, (float)(lists->next - first) * model_weight(x->model, id));
    buf_add_char(out, '}');
}

static bool make_bags(struct exchange *x, void *maker, struct buf *out)
{
    return make_lists(x, maker, write_entry, out);
}

#define ENTRY_BYTES (NUMTEXT_FLOAT_BYTES + 32)

static bool read_bags(struct exchange *x, void *maker, struct plan *plan, struct err *err)
{
    struct lists *lists = maker;
    if (!read_lists(x, lists, err)) return false;
    plan->reply_bytes = lists->batch.tokens * ENTRY_BYTES + 3 * lists->batch.n + 2;
    plan_pieces(plan, ENTRY_BYTES);
    if (!reply_plan(x, plan, err)) return false;
    for (size_t i = 0; i < lists->batch.n; i++)
        sort_bag(x, &lists->batch.items[i]);
    return true;
}

static void embed_sparse_post(struct exchange *x)
{
    reply_made(x, sizeof(struct lists), read_bags, make_bags, STAGE_WRITE);
}

const struct endpoint embed_sparse_endpoint = {
    .handle = embed_sparse_post,
    FIELDS(fields),
    .summary = "Texts or token ids as bags of weighted tokens",
    .reply = "'type':'array','items':{'type':'array','items':{'type':'object','required':['index',"
             "'value'],'properties':{'index':{'type':'integer'},'value':{'type':'number'}}}}",
};
