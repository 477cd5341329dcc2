/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/input.h"
#include "handlers/serving.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "handlers/dialect.h"
#include "handlers/endpoint.h"
#include "handlers/raw_ids.h"
#include "handlers/reply.h"
#include "model/registry.h"
#include "model/text/openai/openai_ids.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* From an object that another endpoint has read; what it ignored is noted already. */
static bool take_members(struct exchange *x, struct value *values)
{
    const struct endpoint *endpoint = x->endpoint;
    x->sample.ignored_fields +=
        fields_of_object(x->object, endpoint->fields, endpoint->n_fields, values);
    return true;
}

bool exchange_read_fields(struct exchange *x, struct value *values, struct err *err)
{
    const struct endpoint *endpoint = x->endpoint;
    size_t ignored;
    if (x->object) return take_members(x, values);
    if (endpoint->raw_ids && raw_ids_is_type(x->content_type)) {
        memset(values, 0, endpoint->n_fields * sizeof *values); /* absent */
        return raw_ids_read(x->arena, x->content_type, x->body, x->body_bytes,
                            &values[endpoint->raw_ids - endpoint->fields], err);
    }
    if (!fields_read(x->arena, x->body, x->body_bytes, endpoint->fields, endpoint->n_fields, values,
                     &ignored, err)) {
        if (err->code == ERR_INVALID) x->sample.reject = REJECT_BAD_JSON;
        return false;
    }
    x->sample.ignored_fields = ignored;
    return true;
}

struct length_limit length_limit_of(const struct exchange *x)
{
    const enum truncate asked = x->service->truncate;
    return (struct length_limit){
        .tokens_max = x->service->input_tokens_max,
        .truncate = asked == TRUNCATE_AUTO ? x->dialect->truncate : asked,
        .is_asked = asked != TRUNCATE_AUTO,
    };
}

bool length_limit_read(const struct value *value, const char *name, struct length_limit *limit,
                       struct err *err)
{
    static const char *const names[] = {"error", "right", "left", "window"};
    size_t choice = 0;
    if (!value_is_given(value)) return true;
    if (value->kind == VALUE_BOOL) {
        /* Asked for without a way, the service's or the dialect's own. */
        if (!value->boolean)
            limit->truncate = TRUNCATE_ERROR;
        else if (limit->truncate == TRUNCATE_ERROR)
            limit->truncate = TRUNCATE_RIGHT;
    } else if (value_get_choice(value, name, names, 4, &choice, err)) {
        limit->truncate = (enum truncate)(TRUNCATE_ERROR + choice);
    } else {
        return false;
    }
    limit->is_asked = true;
    return true;
}

void length_limit_to(struct length_limit *limit, size_t tokens)
{
    if (limit->tokens_max == 0 || tokens < limit->tokens_max) limit->tokens_max = tokens;
}

size_t length_limit_said(const struct exchange *x, const struct model_info *info)
{
    return x->service->input_tokens_max ? x->service->input_tokens_max
           : info->limits.tokens_max    ? info->limits.tokens_max
                                        : x->service->body_bytes_max;
}

bool length_limit_lower(const struct value *value, const char *name, struct length_limit *limit,
                        struct err *err)
{
    int64_t max = 0;
    if (!value_get_whole(value, name, 1, INT32_MAX, &max, err)) return false;
    if (max > 0) length_limit_to(limit, (size_t)max);
    return true;
}

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

static bool tokens_to_ids(struct exchange *x, struct sequence *sequence, struct err *err)
{
    const struct model *model = x->model;
    uint32_t unknown_id = model_info(model)->unknown_id;
    uint32_t *ids = arena_array(x->arena, sequence->n_tokens, sizeof *ids);
    if (!ids || sequence->n_tokens > UINT32_MAX) return err_out_of_memory(err);
    for (size_t i = 0; i < sequence->n_tokens; i++) {
        struct text token = sequence->tokens[i].text;
        ids[i] = model_token_id(model, token.data, token.bytes);
        if (ids[i] == TOKEN_ID_NONE) ids[i] = unknown_id;
    }
    sequence->ids = ids;
    sequence->n = (uint32_t)sequence->n_tokens;
    return true;
}

uint32_t count_unknown(const struct exchange *x, const uint32_t *ids, size_t n)
{
    const struct model_info *info = model_info(x->model);
    uint32_t unknown = 0;
    for (size_t i = 0; i < n; i++)
        unknown += model_is_unknown(info, ids[i]);
    return unknown;
}

/* The service's own limit, where it has one, stands in the place of the model's. That one the model
   itself heeds, unless something else than it does is asked for.
   Returns the flags of model_tokenize. */
static unsigned settle_limit(const struct exchange *x, struct length_limit *limit)
{
    const struct limits *own = &model_info(x->model)->limits;
    if (x->service->input_tokens_max > 0) return 0;
    if (own->tokens_max == 0 || !limit->is_asked) return TOKENIZE_LIMITS;
    if (limit->truncate == (own->cuts_left ? TRUNCATE_LEFT : TRUNCATE_RIGHT))
        return TOKENIZE_LIMITS;
    if (limit->tokens_max == 0 || limit->tokens_max > own->tokens_max)
        limit->tokens_max = own->tokens_max;
    return 0;
}

static bool sequence_to_ids(struct exchange *x, struct sequence *sequence,
                            const struct prompt *prompt, struct err *err)
{
    switch (sequence->form) {
    case INPUT_TEXT: {
        struct tokens tokens;
        const size_t sent_bytes = sequence->text.bytes;
        if (!prompt_before(prompt, x->arena, &sequence->text.data, &sequence->text.bytes, err) ||
            !model_tokenize(x->model, x->arena, sequence->text.data, sequence->text.bytes,
                            sequence->flags, &tokens, err))
            return false;
        sequence->prompt_bytes = sequence->text.bytes - sent_bytes;
        sequence->ids = tokens.ids;
        sequence->n = tokens.n;
        sequence->is_truncated = tokens.is_truncated;
        return true;
    }
    case INPUT_TOKENS:
        return tokens_to_ids(x, sequence, err);
    case INPUT_IDS:
        return true;
    }
    return true;
}

static bool refuse_length(struct exchange *x, const struct batch *batch, size_t index, size_t max,
                          struct err *err)
{
    x->sample.reject = REJECT_TOO_MANY_TOKENS;
    const uint32_t n = batch->items[index].n;
    if (x->dialect->refuse_length)
        return x->dialect->refuse_length(batch->field, index, n, max, err);
    return err_set(err, ERR_INVALID, batch->field,
                   "input %zu has %" PRIu32 " tokens, but %s is %zu; send shorter inputs, or start "
                   "with truncate=right",
                   index, n,
                   max == x->service->input_tokens_max ? "max-input-tokens" : "the model's limit",
                   max);
}

static void cut(struct sequence *sequence, const struct length_limit *limit)
{
    uint32_t max = (uint32_t)limit->tokens_max;
    if (limit->truncate == TRUNCATE_LEFT) {
        sequence->dropped = sequence->n - max;
        sequence->ids += sequence->dropped;
    }
    sequence->n = max;
    sequence->is_truncated = true;
}

/* The text that has these tokens and no others, for models that look at it themselves. */
static bool join_sources(struct exchange *x, const struct text *sources, uint32_t n,
                         struct text *out, struct err *err)
{
    struct buf text;
    buf_init(&text, x->arena);
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) buf_add_char(&text, ' ');
        buf_add(&text, sources[i].data, sources[i].bytes);
    }
    *out = (struct text){text.bytes ? text.data : "", text.bytes};
    return !text.failed || err_out_of_memory(err);
}

static bool join_tokens(struct exchange *x, struct sequence *sequence, struct err *err)
{
    const struct text *sources;
    return sequence_sources(x, sequence, &sources, NULL, err) &&
           join_sources(x, sources, sequence->n, &sequence->joined, err);
}

bool sequence_window(struct exchange *x, const struct sequence *sequence, uint32_t i,
                     struct passage *passage, struct err *err)
{
    const uint64_t n = sequence->n, windows = sequence_windows(sequence);
    const uint32_t first = (uint32_t)(n * i / windows);
    const uint32_t count = (uint32_t)(n * (i + 1) / windows) - first;
    *passage = (struct passage){.ids = sequence->ids + first, .n = count};
    struct text text;
    if (!sequence->sources) return true;
    if (!join_sources(x, sequence->sources + first, count, &text, err)) return false;
    passage->text = text.data;
    passage->bytes = text.bytes;
    return true;
}

/* What is done with a sequence that is longer than the limit. */
static bool shorten(struct exchange *x, struct batch *batch, size_t index,
                    const struct length_limit *limit, struct err *err)
{
    struct sequence *sequence = &batch->items[index];
    if (limit->truncate == TRUNCATE_ERROR)
        return refuse_length(x, batch, index, limit->tokens_max, err);
    if (limit->truncate == TRUNCATE_WINDOW) {
        sequence->window = (uint32_t)limit->tokens_max;
        batch->has_windows = true;
        const bool reads = model_reads_text(x->model) && sequence->form != INPUT_IDS;
        return !reads || sequence_sources(x, sequence, &sequence->sources, NULL, err);
    }
    cut(sequence, limit);
    return true;
}

/* What TEI's headers and metrics say of inputs. An id stands for a character there. */
static bool note_te(struct exchange *x, const struct batch *batch, uint32_t **lengths,
                    struct err *err)
{
    uint64_t characters = 0;
    for (size_t i = 0; i < batch->n; i++) {
        const struct sequence *item = &batch->items[i];
        characters +=
            item->form == INPUT_TEXT ? utf8_count(item->text.data, item->text.bytes) : item->n;
    }
    x->sample.te.characters += characters;
    *lengths = arena_array(x->arena, batch->n, sizeof **lengths);
    return *lengths || err_out_of_memory(err);
}

bool batch_tokenize(struct exchange *x, struct batch *batch, const struct length_limit *limit,
                    struct err *err)
{
    struct length_limit settled = *limit;
    const unsigned flags = settle_limit(x, &settled);
    uint32_t *lengths = NULL;
    if (x->service->tei_telemetry && x->sample.te.work != TE_NONE &&
        !note_te(x, batch, &lengths, err))
        return false;
    for (size_t i = 0; i < batch->n; i++) {
        struct sequence *sequence = &batch->items[i];
        sequence->flags = flags;
        if (!sequence_to_ids(x, sequence, batch->prompt, err)) return false;
        if (settled.tokens_max > 0 && sequence->n > settled.tokens_max &&
            !shorten(x, batch, i, &settled, err))
            return false;
        const bool is_joined = sequence->form != INPUT_IDS && !sequence_is_whole(sequence);
        if (is_joined && model_reads_text(x->model) && !join_tokens(x, sequence, err)) return false;
        batch->truncated += sequence->is_truncated;
        sequence->unknown = count_unknown(x, sequence->ids, sequence->n);
        batch->tokens += sequence->n;
        if (lengths) lengths[i] = sequence->n;
        x->sample.empty_inputs += sequence->n == 0;
        batch->unknown += sequence->unknown;
    }
    x->sample.te.lengths = lengths;
    x->sample.inputs = batch->n;
    x->sample.tokens = batch->tokens;
    x->sample.unknown_tokens = batch->unknown;
    x->sample.truncated_inputs = batch->truncated;
    return true;
}

bool unknown_policy_read(const struct exchange *x, const struct value *value,
                         enum unknown_policy *policy, struct err *err)
{
    static const char *const names[] = {
        [UNKNOWN_UNK] = "unk", [UNKNOWN_SKIP] = "skip", [UNKNOWN_ERROR] = "error"};
    bool has_row = model_info(x->model)->unknown_id != TOKEN_ID_NONE;
    size_t chosen = has_row ? UNKNOWN_UNK : UNKNOWN_ERROR;
    if (!value_get_choice(value, "unknown", names, 3, &chosen, err)) return false;
    if (chosen == UNKNOWN_UNK && !has_row)
        return err_set(err, ERR_INVALID, "unknown",
                       "unknown \"unk\" needs a row for unknown tokens, which this model's table "
                       "does not have; send \"skip\" or \"error\"");
    *policy = (enum unknown_policy)chosen;
    return true;
}

struct text slice_text(struct text text, struct slice_cursor *cursor, struct token_span span)
{
    const char *at = text.data + cursor->at_bytes, *end = text.data + text.bytes;
    uint32_t place = cursor->at_points;
    for (; place > span.start; place--)
        at = utf8_before(at);
    for (; place < span.start && at < end; place++)
        utf8_next(&at);
    cursor->at_bytes = (size_t)(at - text.data);
    cursor->at_points = place;
    const char *from = at;
    for (; place < span.end && at < end; place++)
        utf8_next(&at);
    return (struct text){from, (size_t)(at - from)};
}

bool sequence_sources(struct exchange *x, const struct sequence *sequence, const struct text **out,
                      const struct token_span **spans, struct err *err)
{
    const struct model *model = x->model;
    struct text *texts = arena_array(x->arena, sequence->n, sizeof *texts);
    if (!texts) return err_out_of_memory(err);
    struct tokens tokens = {0};
    struct slice_cursor cursor = {0};
    if (sequence->form == INPUT_TEXT &&
        !model_tokenize(model, x->arena, sequence->text.data, sequence->text.bytes,
                        TOKENIZE_SPANS | sequence->flags, &tokens, err))
        return false;
    for (uint32_t i = 0; i < sequence->n; i++) {
        uint32_t at = sequence->dropped + i;
        if (sequence->form == INPUT_TEXT) {
            texts[i] = slice_text(sequence->text, &cursor, tokens.spans[at]);
        } else if (sequence->form == INPUT_TOKENS) {
            texts[i] = sequence->tokens[at].text;
        } else {
            texts[i].data = model_token_text(model, sequence->ids[i], &texts[i].bytes);
        }
    }
    *out = texts;
    if (spans) *spans = tokens.spans ? tokens.spans + sequence->dropped : NULL;
    return true;
}

static bool refuse_unknown(struct exchange *x, const struct sequence *sequence, size_t index,
                           uint32_t at, struct err *err)
{
    const struct text *sources;
    if (!sequence_sources(x, sequence, &sources, NULL, err)) return false;
    struct text token = sources[at];
    int shown = text_quoted(token);
    return err_set(err, ERR_UNPROCESSABLE, "unknown",
                   "token %" PRIu32 " of input %zu, \"%.*s\", is not in the dictionary; send known "
                   "tokens, or a model with a row for unknown ones, or unknown: \"skip\" where the "
                   "route takes it",
                   at, index, shown, token.data);
}

bool sequence_apply_unknown(struct exchange *x, struct sequence *sequence, size_t index,
                            enum unknown_policy policy, struct err *err)
{
    if (policy == UNKNOWN_UNK || sequence->unknown == 0) return true;
    const struct model_info *info = model_info(x->model);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < sequence->n; i++) {
        if (!model_is_unknown(info, sequence->ids[i])) {
            sequence->ids[kept++] = sequence->ids[i];
        } else if (policy == UNKNOWN_ERROR) {
            return refuse_unknown(x, sequence, index, i, err);
        }
    }
    sequence->n = kept;
    return true;
}

bool model_name_read(struct exchange *x, const struct value *value, struct text *out,
                     struct err *err)
{
    *out = (struct text){0};
    if (!value_get_text(value, "model", out, err)) return false;
    if (out->data) return serving_choose(x, *out, err);
    *out = (struct text){x->snapshot->name, strlen(x->snapshot->name)};
    return true;
}
