/* SPDX-License-Identifier: Apache-2.0 */
/* What a request has for input, taken apart into sequences. */
#include "base/buf.h"
#include "base/utf8.h"
#include "handlers/dialect.h"
#include "handlers/input.h"
#include "handlers/reply.h"
#include "handlers/serving.h"
#include "model/text/openai/openai_ids.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static bool refuse_count(struct exchange *x, const char *name, size_t n, struct err *err)
{
    x->sample.reject = REJECT_TOO_MANY_INPUTS;
    size_t max = x->service->inputs_max;
    if (x->dialect->refuse_count) return x->dialect->refuse_count(name, n, max, err);
    return err_set(err, ERR_TOO_LARGE, name,
                   "%s holds %zu inputs, but max-inputs is %zu; send them in several requests, or "
                   "raise max-inputs",
                   name, n, max);
}

/* "input" or "input[3]", for messages. */
struct place {
    const char *name;
    char text[64];
};

static const char *place_of(struct place *place, const char *name, size_t index, bool is_item)
{
    if (!is_item) return name;
    snprintf(place->text, sizeof place->text, "%s[%zu]", name, index);
    return place->text;
}

static bool take_ids(struct exchange *x, const struct value *value, const char *name,
                     const char *where, struct sequence *out, struct err *err)
{
    uint32_t vocab_size = model_info(x->model)->vocab_size;
    size_t n = value->integers.n;
    uint32_t *ids = arena_array(x->arena, n, sizeof *ids);
    if (!ids) return err_out_of_memory(err);
    const int64_t *items = value->integers.items;
    for (size_t i = 0; i < n; i++) {
        if (items[i] < 0 || items[i] >= vocab_size)
            return err_set(err, ERR_INVALID, name,
                           "%s[%zu] is %" PRId64 ", but this model's vocabulary has %" PRIu32
                           " tokens; send ids from 0 to %" PRIu32,
                           where, i, items[i], vocab_size, vocab_size - 1);
        ids[i] = (uint32_t)items[i];
    }
    if (n > UINT32_MAX) return err_out_of_memory(err);
    *out = (struct sequence){.form = INPUT_IDS, .ids = ids, .n = (uint32_t)n};
    return true;
}

static bool refuse_openai_id(const struct openai_ids *ids, int64_t id, size_t index,
                             const char *name, const char *where, struct err *err)
{
    const char *special = openai_ids_special(ids, id);
    if (special)
        return err_set(err, ERR_INVALID, name,
                       "%s[%zu] is %" PRId64 ", the special token %s of %s, which stands for no "
                       "text; leave it out",
                       where, index, id, special, ids->full_name);
    return err_set(err, ERR_INVALID, name,
                   "%s[%zu] is %" PRId64 ", but the ids of %s that stand for text are 0 to %" PRIu32
                   "; send those, or set openai-ids to the vocabulary that the client uses",
                   where, index, id, ids->full_name, ids->n - 1);
}

/* What ids stand for must not be more than could have been sent as text. */
static bool refuse_text_bytes(const struct exchange *x, const char *name, struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, name,
                   "the ids in %s stand for more text than max-body-bytes, %zu bytes; send fewer "
                   "in one request, or raise max-body-bytes",
                   name, x->service->body_bytes_max);
}

/* A character may be split between tokens: only all bytes together are UTF-8, or are not. */
static bool bytes_to_text(struct exchange *x, const struct buf *bytes, struct text *out,
                          struct err *err)
{
    *out = (struct text){bytes->data, bytes->bytes};
    if (utf8_valid_bytes(bytes->data, bytes->bytes) == bytes->bytes) return true;
    struct buf text;
    buf_init(&text, x->arena);
    buf_add_lossy(&text, bytes->data, bytes->bytes);
    *out = (struct text){text.data, text.bytes};
    return !text.failed || err_out_of_memory(err);
}

static bool take_openai_ids(struct exchange *x, const struct value *value, const char *name,
                            const char *where, struct sequence *out, struct err *err)
{
    const struct openai_ids *ids = x->service->openai_ids;
    const int64_t *items = value->integers.items;
    struct buf bytes;
    buf_init(&bytes, x->arena);
    for (size_t i = 0; i < value->integers.n; i++) {
        if (!openai_ids_has(ids, items[i]))
            return refuse_openai_id(ids, items[i], i, name, where, err);
        if (bytes.bytes > x->service->body_bytes_max) return refuse_text_bytes(x, name, err);
        char *room = buf_reserve(&bytes, OPENAI_TOKEN_BYTES_MAX);
        if (!room) return err_out_of_memory(err);
        bytes.bytes += openai_ids_bytes(ids, (uint32_t)items[i], room);
    }
    *out = (struct sequence){.form = INPUT_TEXT};
    return bytes_to_text(x, &bytes, &out->text, err);
}

static bool take_tokens(const struct value *value, const char *name, const char *where,
                        struct sequence *out, struct err *err)
{
    for (size_t i = 0; i < value->list.n; i++) {
        if (value->list.items[i].kind != VALUE_STRING)
            return err_set(err, ERR_INVALID, name, "%s[%zu] must be a string, not %s", where, i,
                           value_describe(&value->list.items[i]));
    }
    *out = (struct sequence){
        .form = INPUT_TOKENS, .tokens = value->list.items, .n_tokens = value->list.n};
    return true;
}

/* A list that stands for ids and is not one of integers only. */
static bool refuse_integers(const struct value *value, const char *name, const char *where,
                            struct err *err)
{
    size_t i = 0;
    while (value->list.items[i].kind == VALUE_INTEGER)
        i++;
    assert(i < value->list.n);
    const struct value *item = &value->list.items[i];
    char quoted[VALUE_QUOTE_BYTES];
    return err_set(err, ERR_INVALID, name, "%s[%zu] must be a whole number, not %s", where, i,
                   value_quote(item, quoted));
}

static const char *forms_name(unsigned forms, bool is_item)
{
    forms &= INPUT_TEXT | INPUT_TOKENS | INPUT_IDS;
    if (forms == INPUT_TEXT) return is_item ? "a string" : "a string or a list of strings";
    if (forms == INPUT_TOKENS)
        return is_item ? "a list of strings" : "a list of strings, or a list of such lists";
    if (forms == INPUT_IDS)
        return is_item ? "a list of token ids" : "a list of token ids, or a list of such lists";
    return is_item ? "a string or a list of token ids"
                   : "a string, a list of strings, a list of token ids, or a list of such lists";
}

/* One sequence, if `value` can be one: true with out filled, or false with err set. */
static bool take_sequence(struct exchange *x, const struct value *value, const char *name,
                          const char *where, unsigned forms, struct sequence *out, struct err *err)
{
    if (value->kind == VALUE_STRING && (forms & INPUT_TEXT)) {
        *out = (struct sequence){.form = INPUT_TEXT, .text = value->text};
        return true;
    }
    if (value->kind == VALUE_OBJECT && (forms & INPUT_TEXT_OBJECT)) {
        const struct value *text = value_member(value, "text");
        if (text->kind != VALUE_STRING)
            return err_set(err, ERR_INVALID, name, "%s.text must be a string, but is %s", where,
                           value_describe(text));
        *out = (struct sequence){.form = INPUT_TEXT, .text = text->text};
        return true;
    }
    if (value->kind == VALUE_INTEGERS && (forms & INPUT_OPENAI_IDS) && x->service->openai_ids)
        return take_openai_ids(x, value, name, where, out, err);
    if (value->kind == VALUE_INTEGERS && (forms & INPUT_IDS))
        return take_ids(x, value, name, where, out, err);
    if (value->kind == VALUE_LIST && value->list.n == 0)
        return err_set(err, where == name ? ERR_EMPTY : ERR_INVALID, name,
                       "%s is an empty list; send at least one item", where);
    if (value->kind == VALUE_LIST && (forms & INPUT_IDS))
        return refuse_integers(value, name, where, err);
    if (value->kind == VALUE_LIST && (forms & INPUT_TOKENS))
        return take_tokens(value, name, where, out, err);
    if (value->kind == VALUE_INTEGERS)
        return err_set(err, ERR_INVALID, name, "%s[0] must be a string, not a number", where);
    if (value->kind == VALUE_ABSENT)
        return err_set(err, ERR_INVALID, name, "%s is missing; it must be %s", name,
                       forms_name(forms, false));
    return err_set(err, ERR_INVALID, name, "%s must be %s, not %s", where,
                   forms_name(forms, where != name), value_describe(value));
}

/* Is the list a batch, rather than one sequence? */
static bool is_batch(const struct value *value, unsigned forms)
{
    if (value->kind != VALUE_LIST || value->list.n == 0) return false;
    switch (value->list.items[0].kind) {
    case VALUE_STRING:
        return !(forms & INPUT_TOKENS);
    case VALUE_INTEGER:
    case VALUE_REAL:
        return !(forms & INPUT_IDS);
    case VALUE_ABSENT:
    case VALUE_NULL:
    case VALUE_BOOL:
    case VALUE_INTEGERS:
    case VALUE_LIST:
    case VALUE_OBJECT:
    case VALUE_OTHER:
        break;
    }
    return true;
}

bool batch_read(struct exchange *x, const struct value *value, const char *name, unsigned forms,
                bool is_mixed_allowed, struct batch *batch, struct err *err)
{
    bool many = is_batch(value, forms);
    const struct value *items = many ? value->list.items : value;
    *batch = (struct batch){
        .n = many ? value->list.n : 1, .field = name, .prompt = model_info(x->model)->prompt};
    if (!serving_check(x, err)) return false;
    if (batch->n > x->service->inputs_max) return refuse_count(x, name, batch->n, err);
    batch->items = arena_array(x->arena, batch->n, sizeof *batch->items);
    if (!batch->items) return err_out_of_memory(err);
    struct place place;
    uint64_t text_bytes = 0; /* that ids stand for */
    for (size_t i = 0; i < batch->n; i++) {
        struct sequence *item = &batch->items[i];
        /* The common case without its place in words. */
        if (items[i].kind == VALUE_STRING && (forms & INPUT_TEXT)) {
            *item = (struct sequence){.form = INPUT_TEXT, .text = items[i].text};
        } else if (!take_sequence(x, &items[i], name, place_of(&place, name, i, many), forms, item,
                                  err)) {
            return false;
        }
        const bool is_ids = items[i].kind == VALUE_INTEGERS;
        if (!is_mixed_allowed && is_ids != (items[0].kind == VALUE_INTEGERS))
            return err_set(err, ERR_INVALID, name,
                           "%s mixes texts and token ids (item %zu differs from the first); send "
                           "them in two requests",
                           name, i);
        batch->has_ids |= is_ids;
        if (is_ids && item->form == INPUT_TEXT) text_bytes += item->text.bytes;
        if (text_bytes > x->service->body_bytes_max) return refuse_text_bytes(x, name, err);
    }
    return text_bytes == 0 || reply_plan(x, &(struct plan){.text_bytes = text_bytes}, err);
}

const char *batch_ids_name(const struct exchange *x)
{
    return x->service->openai_ids ? x->service->openai_ids->name : "model";
}
