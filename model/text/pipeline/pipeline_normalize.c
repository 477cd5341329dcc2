/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "model/text/pipeline/pipeline.h"
#include "model/text/unicode/character_rewrites.h"

#include <string.h>

/* ---- bytes as characters ---- */

/* GPT-2's: printable bytes stand for themselves, the others for U+0100 and on, in their order. */
static bool stands_for_itself(unsigned byte)
{
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
}

uint32_t pipeline_byte_char(unsigned char byte)
{
    if (stands_for_itself(byte)) return byte;
    if (byte <= 0x20) return 0x100u + byte;
    return byte == 0xAD ? 0x143 : 0x121u + (byte - 0x7Fu);
}

int pipeline_char_byte(uint32_t code)
{
    if (code <= 0xFF) return stands_for_itself(code) ? (int)code : -1;
    if (code <= 0x120) return (int)(code - 0x100);
    if (code <= 0x142) return (int)(code - 0x121 + 0x7F);
    return code == 0x143 ? 0xAD : -1;
}

void rewrite_bytes(struct rewrite *w)
{
    const char *at = w->in.text, *end = rewrite_end_of(w);
    while (at < end) {
        bool is_first = !utf8_is_inside(*at);
        rewrite_put(w, pipeline_byte_char((unsigned char)*at++), !is_first);
    }
}

/* ---- replacing ---- */

void rewrite_prepend(struct rewrite *w, const char *text, size_t bytes)
{
    const char *next = w->in.text, *at = text;
    if (w->in.bytes == 0) return;
    uint32_t code = utf8_next(&next);
    for (int change = 0; at < text + bytes; change = 1)
        rewrite_put(w, utf8_next(&at), change);
    rewrite_put(w, code, 1);
    if (bytes == 0) rewrite_skip(w, 1);
    rewrite_copy(w, w->in.bytes - w->at);
}

void rewrite_replace(struct rewrite *w, const char *pattern, size_t pattern_bytes,
                     const char *content, size_t content_bytes)
{
    while (pattern_bytes > 0) {
        const char *at = w->in.text + w->at;
        const char *found = text_find(at, w->in.bytes - w->at, pattern, pattern_bytes);
        if (!found) break;
        rewrite_copy(w, (size_t)(found - at));
        rewrite_skip(w, utf8_count(pattern, pattern_bytes));
        rewrite_insert(w, content, content_bytes);
    }
    rewrite_copy(w, w->in.bytes - w->at);
}

static void replace_regex(struct pipeline_run *run, const struct normalize_step *step,
                          struct rewrite *w)
{
    struct regex_matches matches;
    size_t start, end;
    enum regex_result result = REGEX_NONE;
    if (w->in.bytes == 0) return;
    regex_matches_start(&matches, step->regex, run->regex, w->in.text, w->in.bytes);
    while ((result = regex_matches_next(&matches, &start, &end)) == REGEX_FOUND) {
        rewrite_copy(w, start - w->at);
        rewrite_skip(w, utf8_count(w->in.text + start, end - start));
        rewrite_insert(w, step->content.text, step->content.bytes);
    }
    run->gave_up |= result == REGEX_GAVE_UP;
    rewrite_copy(w, w->in.bytes - w->at);
}

/* ---- the steps ---- */

static void apply(struct pipeline_run *run, const struct normalize_step *step, struct rewrite *w)
{
    switch (step->kind) {
    case NORMALIZE_CLEAN:
        clean_apply(w);
        return;
    case NORMALIZE_CHINESE_SPACES:
        chinese_spaces_apply(w);
        return;
    case NORMALIZE_FORM:
        normal_form_apply(step->form, w);
        return;
    case NORMALIZE_STRIP_MARKS:
        strip_marks_apply(w);
        return;
    case NORMALIZE_STRIP_ACCENTS:
        strip_accents_apply(w);
        return;
    case NORMALIZE_LOWERCASE:
        lowercase_apply(w);
        return;
    case NORMALIZE_STRIP:
        strip_apply(w, step->left, step->right);
        return;
    case NORMALIZE_REPLACE:
        if (step->regex)
            replace_regex(run, step, w);
        else
            rewrite_replace(w, step->pattern.text, step->pattern.bytes, step->content.text,
                            step->content.bytes);
        return;
    case NORMALIZE_PREPEND:
        rewrite_prepend(w, step->content.text, step->content.bytes);
        return;
    case NORMALIZE_CHARSMAP:
        charsmap_apply(&step->charsmap, w);
        return;
    case NORMALIZE_BYTES:
        rewrite_bytes(w);
        return;
    case NORMALIZE_NMT:
        nmt_apply(w);
        return;
    }
}

bool pipeline_normalize(struct pipeline_run *run, const struct line *in, struct line *out)
{
    const struct pipeline *p = run->pipeline;
    const size_t most = in->bytes * PIPELINE_GROWTH_MAX + p->inserted_bytes;
    *out = *in;
    for (size_t i = 0; i < p->n_normalizers; i++) {
        struct rewrite w;
        struct line line = *out;
        rewrite_start(&w, run->arena, &run->rooms[i % 2], &line, run->places);
        apply(run, &p->normalizers[i], &w);
        if (!rewrite_end(&w, out)) return false;
        run->gave_up |= out->bytes > most;
        if (run->gave_up) return false;
    }
    return true;
}
