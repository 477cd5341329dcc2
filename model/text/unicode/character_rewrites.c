/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/unicode/character_rewrites.h"

#include "base/utf8.h"
#include "model/text/unicode/unicode.h"

void clean_apply(struct rewrite *w)
{
    const char *at = w->in.text, *end = rewrite_end_of(w);
    while (at < end) {
        uint32_t code = utf8_next(&at);
        uint8_t flags = unicode_record_of(code)->flags;
        if (flags & UNICODE_CONTROL)
            rewrite_skip(w, 1);
        else
            rewrite_put(w, flags & UNICODE_SPACE ? ' ' : code, 0);
    }
}

void chinese_spaces_apply(struct rewrite *w)
{
    const char *at = w->in.text, *end = rewrite_end_of(w);
    while (at < end) {
        uint32_t code = utf8_next(&at);
        bool spaced = unicode_record_of(code)->flags & UNICODE_CHINESE;
        if (spaced) rewrite_put(w, ' ', 0);
        rewrite_put(w, code, spaced);
        if (spaced) rewrite_put(w, ' ', 1);
    }
}

/* SentencePiece's rules before it had charsmaps; the reference's lists. */
static bool nmt_removes(uint32_t c)
{
    return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F ||
           c == 0x8F || c == 0x9F;
}

static bool nmt_is_space(uint32_t c)
{
    return c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
           (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
           c == 0xFEFF || c == 0xFFFD;
}

void nmt_apply(struct rewrite *w)
{
    const char *at = w->in.text, *end = rewrite_end_of(w);
    while (at < end) {
        uint32_t code = utf8_next(&at);
        if (nmt_removes(code))
            rewrite_skip(w, 1);
        else
            rewrite_put(w, nmt_is_space(code) ? ' ' : code, 0);
    }
}

/* Copies what was passed over since the reader's place, up to `at`. */
static void copy_to(struct rewrite *w, const char *at)
{
    rewrite_copy(w, (size_t)(at - w->in.text) - w->at);
}

/* None of ASCII is a mark. */
static void leave_out(struct rewrite *w, uint16_t flag)
{
    const char *at = w->in.text, *end = rewrite_end_of(w);
    while (at < end) {
        const char *start = at;
        if ((unsigned char)*at < 0x80) {
            at++;
            continue;
        }
        if (!(unicode_record_of(utf8_next(&at))->flags & flag)) continue;
        copy_to(w, start);
        rewrite_skip(w, 1);
    }
    copy_to(w, end);
}

void strip_accents_apply(struct rewrite *w)
{
    leave_out(w, UNICODE_COMBINING);
}

void strip_marks_apply(struct rewrite *w)
{
    leave_out(w, UNICODE_MARK);
}

static void put_lower(struct rewrite *w, const struct unicode_record *record)
{
    size_t bytes;
    const char *at = unicode_text(record, UNICODE_LOWERCASE, &bytes), *end = at + bytes;
    for (int change = 0; at < end; change = 1)
        rewrite_put(w, utf8_next(&at), change);
}

/* ASCII at `at` in lower case, and with it what was passed over before; where it ends. */
static const char *lower_ascii(struct rewrite *w, const char *at, const char *end)
{
    while (at < end && (unsigned char)*at < 0x80)
        at++;
    size_t start = w->bytes;
    copy_to(w, at);
    for (char *c = w->room->text + start; c < w->room->text + w->bytes; c++)
        *c = (char)(*c | (unsigned char)((unsigned char)(*c - 'A') < 26) << 5);
    return at;
}

void lowercase_apply(struct rewrite *w)
{
    const char *at = w->in.text, *end = rewrite_end_of(w);
    while (at < end) {
        const char *start = at;
        if ((unsigned char)*at < 0x80) {
            at = lower_ascii(w, at, end);
            continue;
        }
        const struct unicode_record *record = unicode_record_of(utf8_next(&at));
        if (record->forms[UNICODE_LOWERCASE] == 0) continue;
        copy_to(w, start);
        put_lower(w, record);
    }
    copy_to(w, end);
}

static bool is_space(const char *at)
{
    return unicode_record_of(utf8_next(&at))->flags & UNICODE_SPACE;
}

void strip_apply(struct rewrite *w, bool left, bool right)
{
    const char *start = w->in.text, *end = rewrite_end_of(w), *at = start;
    while (left && at < end && is_space(at))
        utf8_next(&at);
    rewrite_skip(w, utf8_count(start, (size_t)(at - start)));
    while (right && end > at && is_space(utf8_before(end)))
        end = utf8_before(end);
    rewrite_copy(w, (size_t)(end - at));
}
