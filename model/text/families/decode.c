/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/families/decode.h"

#include "base/numtext.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* The list on its way: what a step writes goes to `text` and becomes `at` after it. */
struct pieces {
    struct decode_piece *at;
    size_t n;
    struct arena *arena;
    struct buf text;             /* what the step writes; its pieces are cut from it at the end */
    struct regex_scratch *regex; /* of a step that searches */
    bool failed;
};

void decoder_clear(struct decoder *decoder)
{
    for (size_t i = 0; i < decoder->n; i++) {
        free(decoder->steps[i].text.text);
        free(decoder->steps[i].other.text);
        regex_close(decoder->steps[i].regex);
    }
    free(decoder->steps);
    *decoder = (struct decoder){0};
}

static bool is_same(const struct decode_piece *a, const struct decode_piece *b)
{
    return a->bytes == b->bytes && memcmp(a->text, b->text, a->bytes) == 0;
}

static bool begins(const struct decode_piece *piece, const struct step_text *text)
{
    return piece->bytes >= text->bytes && memcmp(piece->text, text->text, text->bytes) == 0;
}

/* ---- pieces one by one: each step writes what its piece becomes ---- */

static void write_replaced(struct buf *out, struct decode_piece piece, const char *from,
                           size_t from_bytes, const char *to, size_t to_bytes)
{
    const char *at = piece.text, *end = piece.text + piece.bytes, *found;
    while (from_bytes > 0 && (found = text_find(at, (size_t)(end - at), from, from_bytes))) {
        buf_add(out, at, (size_t)(found - at));
        buf_add(out, to, to_bytes);
        at = found + from_bytes;
    }
    buf_add(out, at, (size_t)(end - at));
}

static void write_matches_replaced(struct buf *out, struct decode_piece piece,
                                   const struct decode_step *step, struct regex_scratch *scratch)
{
    struct regex_matches matches;
    size_t start, end, done = 0;
    if (piece.bytes > 0) {
        regex_matches_start(&matches, step->regex, scratch, piece.text, piece.bytes);
        while (regex_matches_next(&matches, &start, &end) == REGEX_FOUND) {
            buf_add(out, piece.text + done, start - done);
            buf_add(out, step->other.text, step->other.bytes);
            done = end;
        }
    }
    buf_add(out, piece.text + done, piece.bytes - done);
}

static const struct {
    const char *from, *to;
} cleanups[] = {{" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
                {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
                {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};

/* Replaces in place; no replacement is longer than what it replaces. */
static size_t replace_all(char *text, size_t bytes, const char *from, const char *to)
{
    size_t from_bytes = strlen(from), to_bytes = strlen(to), kept = 0;
    for (size_t i = 0; i < bytes;) {
        if (bytes - i >= from_bytes && memcmp(text + i, from, from_bytes) == 0) {
            memcpy(text + kept, to, to_bytes);
            kept += to_bytes;
            i += from_bytes;
        } else {
            text[kept++] = text[i++];
        }
    }
    return kept;
}

static void clean_up_from(struct buf *out, size_t start)
{
    if (out->failed || !out->data) return;
    for (size_t i = 0; i < sizeof cleanups / sizeof *cleanups; i++)
        out->bytes = start + replace_all(out->data + start, out->bytes - start, cleanups[i].from,
                                         cleanups[i].to);
}

static void write_wordpiece(struct buf *out, struct decode_piece piece,
                            const struct decode_step *step, bool is_first)
{
    size_t start = out->bytes;
    bool continues = !is_first && begins(&piece, &step->text);
    size_t skip = continues ? step->text.bytes : 0;
    if (!is_first && !continues) buf_add_char(out, ' ');
    buf_add(out, piece.text + skip, piece.bytes - skip);
    if (step->cleanup) clean_up_from(out, start);
}

static void write_metaspace(struct buf *out, struct decode_piece piece,
                            const struct decode_step *step, bool is_first)
{
    bool drops = is_first && !step->keeps_first;
    write_replaced(out, piece, step->text.text, step->text.bytes, " ", !drops);
}

static void write_stripped(struct buf *out, struct decode_piece piece,
                           const struct decode_step *step)
{
    const struct step_text *text = &step->text;
    for (size_t i = 0; i < step->start && begins(&piece, text); i++) {
        piece.text += text->bytes;
        piece.bytes -= text->bytes;
    }
    for (size_t i = 0; i < step->stop && piece.bytes >= text->bytes &&
                       memcmp(piece.text + piece.bytes - text->bytes, text->text, text->bytes) == 0;
         i++)
        piece.bytes -= text->bytes;
    buf_add(out, piece.text, piece.bytes);
}

static void write_ctc(struct buf *out, struct decode_piece piece, const struct decode_step *step)
{
    size_t start = out->bytes;
    write_replaced(out, piece, step->text.text, step->text.bytes, "", 0);
    if (!step->cleanup) return;
    clean_up_from(out, start);
    /* The words' delimiter is replaced once the rest is clean. */
    size_t bytes = out->bytes - start;
    char *copy = arena_alloc(out->arena, bytes);
    if (!copy || out->failed) {
        out->failed = true;
        return;
    }
    if (bytes > 0) memcpy(copy, out->data + start, bytes);
    out->bytes = start;
    write_replaced(out, (struct decode_piece){copy, bytes}, step->other.text, step->other.bytes,
                   " ", 1);
}

static void write_piece(struct pieces *p, size_t i, const struct decode_step *step)
{
    struct buf *out = &p->text;
    struct decode_piece piece = p->at[i];
    bool is_first = i == 0, is_last = i + 1 == p->n;
    switch (step->kind) {
    case DECODE_WORDPIECE:
        write_wordpiece(out, piece, step, is_first);
        return;
    case DECODE_SUFFIX:
        write_replaced(out, piece, step->text.text, step->text.bytes, " ", !is_last);
        return;
    case DECODE_METASPACE:
        write_metaspace(out, piece, step, is_first);
        return;
    case DECODE_STRIP:
        write_stripped(out, piece, step);
        return;
    case DECODE_REPLACE:
        if (step->regex)
            write_matches_replaced(out, piece, step, p->regex);
        else
            write_replaced(out, piece, step->text.text, step->text.bytes, step->other.text,
                           step->other.bytes);
        return;
    case DECODE_CTC:
        write_ctc(out, piece, step);
        return;
    case DECODE_BYTES:
    case DECODE_FALLBACK:
    case DECODE_FUSE:
        return;
    }
}

/* ends (n): where each piece of the step's text ends. */
static void cut(struct pieces *p, const size_t *ends, size_t n)
{
    size_t start = 0;
    const char *text = p->text.data ? p->text.data : "";
    for (size_t i = 0; i < n; i++) {
        p->at[i] = (struct decode_piece){text + start, ends[i] - start};
        start = ends[i];
    }
    p->n = n;
}

static void each_piece(struct pieces *p, const struct decode_step *step)
{
    size_t *ends = arena_array(p->arena, p->n + 1, sizeof *ends), n = 0;
    bool is_ctc = step->kind == DECODE_CTC;
    if (step->regex) p->regex = regex_scratch_new();
    p->failed |= !ends || (step->regex && !p->regex);
    for (size_t i = 0; i < p->n && !p->failed; i++) {
        size_t start = p->text.bytes;
        if (is_ctc && i > 0 && is_same(&p->at[i], &p->at[i - 1])) continue;
        write_piece(p, i, step);
        if (is_ctc && p->text.bytes == start) continue;
        ends[n++] = p->text.bytes;
    }
    regex_scratch_free(p->regex);
    p->regex = NULL;
    p->failed |= p->text.failed;
    if (!p->failed) cut(p, ends, n);
}

/* ---- pieces together ---- */

/* The bytes of a token at byte level; its own text if one of its characters stands for none. */
static void write_bytes(struct buf *out, struct decode_piece piece)
{
    size_t start = out->bytes;
    const char *at = piece.text, *end = piece.text + piece.bytes;
    while (at < end) {
        int byte = pipeline_char_byte(utf8_next(&at));
        if (byte < 0) break;
        buf_add_char(out, (char)byte);
        if (at == end) return;
    }
    out->bytes = start;
    buf_add(out, piece.text, piece.bytes);
}

static void fuse(struct pieces *p, bool as_bytes)
{
    struct buf raw;
    buf_init(&raw, p->arena);
    for (size_t i = 0; i < p->n; i++) {
        if (as_bytes)
            write_bytes(&raw, p->at[i]);
        else
            buf_add(&raw, p->at[i].text, p->at[i].bytes);
    }
    if (raw.bytes > 0) buf_add_lossy(&p->text, raw.data, raw.bytes);
    p->failed |= raw.failed || p->text.failed;
    /* The list may be empty: then there is no room for the one piece it becomes. */
    struct decode_piece *whole = arena_alloc(p->arena, sizeof *whole);
    p->failed |= !whole;
    if (p->failed) return;
    *whole = (struct decode_piece){p->text.data ? p->text.data : "", p->text.bytes};
    p->at = whole;
    p->n = 1;
}

static int fallback_byte(const struct decode_piece *piece)
{
    if (piece->bytes != 6 || memcmp(piece->text, "<0x", 3) != 0 || piece->text[5] != '>') return -1;
    int high = numtext_hex_digit(piece->text[3]), low = numtext_hex_digit(piece->text[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Runs of byte tokens: their text, or U+FFFD for each where they are none. */
static void join_fallback(struct pieces *p)
{
    size_t kept = 0;
    for (size_t i = 0, run; i < p->n; i += run) {
        run = 0;
        while (i + run < p->n && fallback_byte(&p->at[i + run]) >= 0)
            run++;
        if (run == 0) {
            p->at[kept++] = p->at[i];
            run = 1;
            continue;
        }
        char *bytes = arena_alloc(p->arena, run);
        p->failed |= !bytes;
        if (!bytes) return;
        for (size_t k = 0; k < run; k++)
            bytes[k] = (char)fallback_byte(&p->at[i + k]);
        if (utf8_valid_bytes(bytes, run) == run) {
            p->at[kept++] = (struct decode_piece){bytes, run};
            continue;
        }
        for (size_t k = 0; k < run; k++)
            p->at[kept++] = (struct decode_piece){"\xEF\xBF\xBD", 3};
    }
    p->n = kept;
}

/* ---- the steps ---- */

static void apply(struct pieces *p, const struct decode_step *step)
{
    buf_init(&p->text, p->arena);
    if (step->kind == DECODE_FALLBACK)
        join_fallback(p);
    else if (step->kind == DECODE_FUSE || step->kind == DECODE_BYTES)
        fuse(p, step->kind == DECODE_BYTES);
    else
        each_piece(p, step);
}

void decoder_run(const struct decoder *decoder, struct decode_piece *list, size_t n,
                 struct buf *out)
{
    struct pieces p = {.at = list, .n = n, .arena = out->arena};
    for (size_t i = 0; i < decoder->n && !p.failed; i++)
        apply(&p, &decoder->steps[i]);
    out->failed |= p.failed;
    for (size_t i = 0; i < p.n && !p.failed; i++) {
        if (!decoder->joins && i > 0) buf_add_char(out, ' ');
        buf_add(out, p.at[i].text, p.at[i].bytes);
    }
}
