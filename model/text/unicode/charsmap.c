/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/unicode/charsmap.h"

#include "base/utf8.h"

#include <string.h>
#include <utf8proc.h>

/* Graphemes of so many bytes are looked up whole. */
#define GRAPHEME_BYTES_MAX 5

static uint32_t read_u32(const unsigned char *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Darts' units: 8 bits of label (and the top bit, set in leaves), a mark that a leaf follows, and
   the offset to it, of 21 bits, or of 29 where it is large. */
static size_t unit_offset(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & 0x200) >> 6);
}

/* The rule with the shortest key that begins `text`: its replacement. */
static bool find(const struct charsmap *map, const char *text, size_t bytes, const char **found,
                 size_t *found_bytes)
{
    size_t at = unit_offset(read_u32(map->units));
    for (size_t i = 0; i < bytes && text[i]; i++) {
        unsigned char c = (unsigned char)text[i];
        at ^= c;
        if (at >= map->n_units) return false;
        uint32_t unit = read_u32(map->units + 4 * at);
        if ((unit & 0x800000FF) != c) return false;
        at ^= unit_offset(unit);
        if (!(unit & 0x100)) continue;
        if (at >= map->n_units) return false;
        size_t value = read_u32(map->units + 4 * at) & 0x7FFFFFFF;
        if (value > map->text_bytes) return false;
        *found = map->texts + value;
        *found_bytes = strnlen(*found, map->text_bytes - value);
        /* Not from within a character. */
        return *found_bytes == 0 || !utf8_is_inside(**found);
    }
    return false;
}

/* Each leaf leads to a text that ends. Of a file that is read; a packed one is checked on use. */
bool charsmap_check(const struct charsmap *map, struct err *err)
{
    bool is_whole = map->text_bytes > 0 && map->texts[map->text_bytes - 1] == '\0';
    for (size_t i = 0; i < map->n_units && is_whole; i++) {
        const uint32_t unit = read_u32(map->units + 4 * i);
        if (unit & 0x80000000 || !(unit & 0x100)) continue;
        const size_t leaf = i ^ unit_offset(unit);
        is_whole =
            leaf < map->n_units && (read_u32(map->units + 4 * leaf) & 0x7FFFFFFF) < map->text_bytes;
    }
    return is_whole || err_set(err, ERR_FORMAT, NULL,
                               "it is cut short: a rule points behind its texts, or they do not "
                               "end; export the tokenizer again");
}

bool charsmap_open(struct charsmap *out, struct span whole, struct err *err)
{
    const unsigned char *data = (const unsigned char *)whole.data;
    const size_t bytes = whole.bytes;
    uint32_t trie_bytes = bytes >= 4 ? read_u32(data) : 0;
    *out = (struct charsmap){0};
    if (bytes < 4 || trie_bytes < 4 || trie_bytes / 4 > (bytes - 4) / 4)
        return err_set(err, ERR_FORMAT, NULL,
                       "it is cut short: %zu bytes are too few for a trie of %u bytes and its "
                       "texts; export the tokenizer again",
                       bytes, trie_bytes);
    *out = (struct charsmap){.data = whole, .units = data + 4, .n_units = trie_bytes / 4};
    out->texts = (const char *)data + 4 + out->n_units * 4;
    out->text_bytes = bytes - 4 - out->n_units * 4;
    const char *found;
    size_t found_bytes;
    for (unsigned c = 0; c < 128; c++) {
        char text = (char)c;
        out->stays[c] = c != '\r' && c != '\n' && !find(out, &text, 1, &found, &found_bytes);
    }
    for (uint32_t code = CHARSMAP_IDEOGRAPHS; code < CHARSMAP_IDEOGRAPHS_END; code++) {
        char text[4];
        uint32_t i = code - CHARSMAP_IDEOGRAPHS;
        if (find(out, text, utf8_write(text, code), &found, &found_bytes))
            out->ideographs[i / 64] |= UINT64_C(1) << (i % 64);
    }
    return utf8_valid_bytes(out->texts, out->text_bytes) == out->text_bytes ||
           err_set(err, ERR_FORMAT, NULL, "its texts are not UTF-8; export the tokenizer again");
}

/* What is written last waits: the reference adds what a rule removes to the change of the character
   before it, whatever that was, and loses it where there is none. */
struct writer {
    const struct charsmap *map;
    struct rewrite *w;
    bool has_last;
    uint32_t code;
    int change;
};

static void put(struct writer *o, uint32_t code, int change)
{
    if (o->has_last) rewrite_put(o->w, o->code, o->change);
    o->has_last = true;
    o->code = code;
    o->change = change;
}

/* `n` characters become the found text: the last ones are inserted where there are more. */
static void put_rule(struct writer *o, size_t n, const char *found, size_t bytes)
{
    size_t n_new = utf8_count(found, bytes);
    const char *at = found;
    for (size_t i = 1; i <= n_new; i++)
        put(o, utf8_next(&at), i > n);
    if (n > n_new) o->change -= (int)(n - n_new);
}

static void put_characters(struct writer *o, const char *text, size_t bytes)
{
    const char *at = text, *end = text + bytes, *found;
    size_t found_bytes;
    while (at < end) {
        const char *start = at;
        uint32_t code = utf8_next(&at);
        if (find(o->map, start, (size_t)(at - start), &found, &found_bytes))
            put_rule(o, 1, found, found_bytes);
        else
            put(o, code, 0);
    }
}

/* Never in one grapheme with its like, or with ASCII; libutf8proc takes a while to say so. */
static bool is_ideograph(utf8proc_int32_t code)
{
    return code >= CHARSMAP_IDEOGRAPHS && code < CHARSMAP_IDEOGRAPHS_END;
}

/* Whether the text ends here or goes on with a character that begins a grapheme whatever is before
   it (but for LF, which CR does not leave to be plain). */
static bool is_grapheme_start(const char *at, const char *end)
{
    return at == end || !((unsigned char)*at & 0x80) ||
           is_ideograph((utf8proc_int32_t)utf8_next(&at));
}

/* Past the characters from `at` on that are a grapheme each and have no rule: ASCII and ideographs.
   `*last` is the last of them. */
static const char *skip_plain(const struct charsmap *map, const char *at, const char *end,
                              const char **last)
{
    while (at < end) {
        const char *next = at;
        uint32_t code = utf8_next(&next), i = code - CHARSMAP_IDEOGRAPHS;
        bool stays = code < 128 ? map->stays[code]
                                : is_ideograph((utf8proc_int32_t)code) &&
                                      !(map->ideographs[i / 64] >> (i % 64) & 1);
        if (!stays || !is_grapheme_start(next, end)) break;
        *last = at;
        at = next;
    }
    return at;
}

/* The last one waits, as it would by itself. */
static void put_plain(struct writer *o, const char *at, const char *last, const char *end)
{
    if (o->has_last) rewrite_put(o->w, o->code, o->change);
    o->has_last = false;
    /* Where what was removed was lost, the reader stands elsewhere. */
    if (o->w->in.text + o->w->at == at) {
        rewrite_copy(o->w, (size_t)(last - at));
        at = last;
    }
    while (at < end)
        put(o, utf8_next(&at), 0);
}

static const char *grapheme_end(const char *at, const char *end)
{
    utf8proc_int32_t state = 0;
    utf8proc_int32_t before = (utf8proc_int32_t)utf8_next(&at);
    while (at < end) {
        const char *next = at;
        utf8proc_int32_t code = (utf8proc_int32_t)utf8_next(&next);
        if (is_ideograph(before) && is_ideograph(code)) break;
        if (utf8proc_grapheme_break_stateful(before, code, &state)) break;
        before = code;
        at = next;
    }
    return at;
}

void charsmap_apply(const struct charsmap *map, struct rewrite *w)
{
    struct writer o = {.map = map, .w = w};
    const char *at = w->in.text, *end = rewrite_end_of(w), *found;
    size_t found_bytes;
    while (at < end) {
        const char *start = at, *last = at;
        at = skip_plain(map, at, end, &last);
        if (at > start) {
            put_plain(&o, start, last, at);
            continue;
        }
        at = grapheme_end(at, end);
        const char *next = start;
        size_t bytes = (size_t)(at - start);
        uint32_t code = utf8_next(&next);
        if (bytes <= GRAPHEME_BYTES_MAX && find(map, start, bytes, &found, &found_bytes))
            put_rule(&o, utf8_count(start, bytes), found, found_bytes);
        else if (next == at)
            put(&o, code, 0); /* a character alone has been looked up just now */
        else
            put_characters(&o, start, bytes);
    }
    if (o.has_last) rewrite_put(w, o.code, o.change);
}
