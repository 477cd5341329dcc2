/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a text through any pipeline: added tokens are found, what stands between them is
   normalized, searched again, split, and each part given to the family's model. */
#include "base/utf8.h"
#include "model/text/families/family.h"
#include "model/text/unicode/unicode.h"

#include <string.h>

/* ---- white space that spans leave out ---- */

static bool is_trimmed(uint32_t code)
{
    return code == 0x120 || unicode_record_of(code)->flags & UNICODE_SPACE; /* Ġ */
}

static struct trim trim_of(const char *text, size_t bytes)
{
    struct trim trim = {0};
    const char *at = text, *end = text + bytes;
    while (at < end && trim.before < UINT16_MAX && is_trimmed(utf8_next(&at)))
        trim.before++;
    for (at = end; at > text && trim.after < UINT16_MAX;) {
        const char *next = at = utf8_before(at);
        if (!is_trimmed(utf8_next(&next))) break;
        trim.after++;
    }
    return trim;
}

static void trim_span(const struct trimming *how, struct trim trim, bool is_first,
                      struct token_span *span)
{
    uint32_t before = trim.before;
    is_first |= span->start == 0;
    if (is_first && how->prefix_space && before == 1) before = 0;
    span->start = span->start + before < span->end ? span->start + before : span->end;
    if (trim.after > 0 && span->end >= trim.after) {
        uint32_t end = span->end - trim.after;
        span->end = end > span->start ? end : span->start;
    }
}

static void trim_spans(struct encoding *e, uint32_t first)
{
    const struct tokenizer *t = e->tokenizer;
    for (uint32_t k = 0; k < t->n_trimmings && e->trims; k++) {
        for (uint32_t i = first; i < e->out->n; i++)
            trim_span(&t->trimmings[k], e->trims[i], i == first, &e->out->spans[i]);
    }
}

/* ---- the way of the text ---- */

/* What white space is counted of: the token, but of Unigram's unknown piece its text. */
static struct trim trim_of_token(const struct tokenizer *t, uint32_t id, const struct line *line,
                                 struct token_span span)
{
    bool is_piece = t->family == &unigram_family && id == t->unknown_id;
    if (is_piece) return trim_of(line->text + span.start, span.end - span.start);
    if (id == TOKEN_ID_NONE) return (struct trim){0};
    size_t bytes;
    const char *text = vocab_text(&t->vocab, id, &bytes);
    return trim_of(text, bytes);
}

/* Tokens from `first` on have spans in bytes of `line`; now in bytes of the original text. */
static void settle(struct encoding *e, uint32_t first, const struct line *line)
{
    for (uint32_t i = first; i < e->out->n && e->out->spans; i++) {
        struct token_span *span = &e->out->spans[i];
        if (e->trims) e->trims[i] = trim_of_token(e->tokenizer, e->out->ids[i], line, *span);
        struct place place = line_place(line, span->start, span->end);
        *span = (struct token_span){place.start, place.end};
    }
}

static bool take_part(void *context, const struct line *part)
{
    struct encoding *e = context;
    uint32_t first = e->out->n;
    if (!encoding_reserve(e, part->bytes) || !e->tokenizer->family->put(e, part)) return false;
    settle(e, first, part);
    return true;
}

static bool put_added(struct encoding *e, const struct line *line, const struct added_match *match)
{
    if (!encoding_reserve(e, 1)) return false;
    encoding_put(e, match->id, match->start, match->end);
    if (!e->out->spans) return true;
    uint32_t last = e->out->n - 1;
    settle(e, last, line);
    if (e->trims) e->trims[last] = trim_of(line->text + match->start, match->end - match->start);
    return true;
}

/* A token that takes the white space after it may overlap the next one: then nothing is between. */
static bool put_between(struct encoding *e, const struct line *line, size_t start, size_t end)
{
    if (start >= end) return true;
    struct line part = pipeline_slice(line, start, end);
    return pipeline_split(&e->run, &part);
}

static bool put_segment(struct encoding *e, const struct line *text, size_t start, size_t end)
{
    if (start >= end) return true;
    struct line segment = pipeline_slice(text, start, end), line;
    if (!pipeline_normalize(&e->run, &segment, &line)) return false;
    struct added_search search = {.text = line.text, .bytes = line.bytes};
    struct added_match match;
    size_t done = 0;
    while (line.bytes > 0 && added_find(&e->tokenizer->normalized, &search, &match)) {
        if (!put_between(e, &line, done, match.start) || !put_added(e, &line, &match)) return false;
        done = match.end;
    }
    return put_between(e, &line, done, line.bytes);
}

static bool put_text(struct encoding *e, const char *text, size_t bytes)
{
    struct line line = {.text = text, .bytes = bytes};
    struct added_search search = {.text = text, .bytes = bytes};
    struct added_match match;
    size_t done = 0;
    while (added_find(&e->tokenizer->raw, &search, &match)) {
        if (!put_segment(e, &line, done, match.start) || !put_added(e, &line, &match)) return false;
        done = match.end;
    }
    return put_segment(e, &line, done, bytes);
}

static struct pipeline_run run_of(struct encoding *e)
{
    const struct pipeline *pipeline = &e->tokenizer->pipeline;
    return (struct pipeline_run){.pipeline = pipeline,
                                 .arena = e->arena,
                                 .places = e->out->spans || pipeline->needs_places,
                                 .take = take_part,
                                 .context = e};
}

bool piped_encode(struct encoding *e, const char *text, size_t bytes)
{
    uint32_t first = e->out->n;
    e->run = run_of(e);
    if (e->tokenizer->n_trimmings > 0 && e->out->spans) {
        e->trims = arena_array(e->arena, e->capacity, sizeof *e->trims);
        if (!e->trims) return false;
    }
    bool done = pipeline_start(&e->run) && put_text(e, text, bytes);
    pipeline_end(&e->run);
    if (!done) return false;
    encoding_place(e, first, text, NULL, 0);
    trim_spans(e, first);
    return true;
}

bool tokenizer_normalize(const struct tokenizer *t, struct arena *arena, const char *text,
                         size_t bytes, struct line *out)
{
    struct line line = {.text = text, .bytes = bytes};
    if (t->family == &bert_family) { /* of a vocab.txt, which has no steps */
        char *normalized = arena_alloc(arena, bytes * NORMALIZER_GROWTH + 1);
        if (!normalized) return false;
        size_t n = bert_normalizer_apply(&t->normalizer, text, bytes, normalized, NULL);
        *out = (struct line){.text = normalized, .bytes = n};
        return true;
    }
    struct pipeline_run run = {.pipeline = &t->pipeline, .arena = arena};
    bool done = pipeline_start(&run) && pipeline_normalize(&run, &line, out);
    pipeline_end(&run);
    return done;
}

/* ---- words that are tokens, or unknown ---- */

static bool wordlevel_put(struct encoding *e, const struct line *part)
{
    uint32_t id = trie_id(trie_walk(&e->tokenizer->vocab.trie, e->tokenizer->vocab.trie.root,
                                    part->text, part->bytes));
    encoding_put(e, id == UINT32_MAX ? e->tokenizer->unknown_id : id, 0, part->bytes);
    return true;
}

const struct tokenizer_family wordlevel_family = {
    .name = "wordlevel", .encode = piped_encode, .decode = decoder_decode, .put = wordlevel_put};
const struct tokenizer_family bpe_family = {
    .name = "bpe", .encode = piped_encode, .decode = decoder_decode, .put = bpe_put};
const struct tokenizer_family unigram_family = {
    .name = "unigram", .encode = piped_encode, .decode = decoder_decode, .put = unigram_put};
