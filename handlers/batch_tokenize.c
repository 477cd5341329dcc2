/* SPDX-License-Identifier: Apache-2.0 */
/* The token ids of sequences, within the limits, and what was sent for each. */
#include "base/buf.h"
#include "base/utf8.h"
#include "handlers/dialect.h"
#include "handlers/input.h"
#include "model/text/tokens.h"

#include <inttypes.h>

/* ---- ids ---- */

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

void count_foreign(struct exchange *x, struct text text)
{
    script_list_count(&x->sample.foreign_scripts, &x->sample.foreign_texts,
                      model_info(x->model)->scripts, text.data, text.bytes);
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

/* ---- sequences that are too long ---- */

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

/* Between two looks at the clock. */
#define TEXTS_AT_ONCE 16

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
        if (sequence->form == INPUT_TEXT) count_foreign(x, sequence_sent(sequence));
        batch->tokens += sequence->n;
        if (lengths) lengths[i] = sequence->n;
        x->sample.empty_inputs += sequence->n == 0;
        batch->unknown += sequence->unknown;
        if (i % TEXTS_AT_ONCE == TEXTS_AT_ONCE - 1) stage_end(x, STAGE_TOKENIZE);
    }
    x->sample.te.lengths = lengths;
    x->sample.inputs = batch->n;
    x->sample.tokens = batch->tokens;
    x->sample.unknown_tokens = batch->unknown;
    x->sample.truncated_inputs = batch->truncated;
    return true;
}

/* ---- what was sent for a token ---- */

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

/* ---- unknown tokens ---- */

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
