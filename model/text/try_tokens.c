/* SPDX-License-Identifier: Apache-2.0 */
/* Does a vocabulary fit texts? Lists of frequent words would cry wolf on dictionaries of one trade
   and on most languages; but whatever the language, a token is found in a text that holds it. It is
   not where a line of the file holds more than its token, or the tokens are marked in a way that
   texts are not. */
#include "base/utf8.h"
#include "model/text/families/family.h"
#include "model/text/tokenizer.h"
#include "model/text/unicode/normal_forms.h"
#include "model/text/unicode/unicode.h"

#include <string.h>

#define TRIED_MAX 1000
#define TEXT_BYTES_MAX 256
#define ARENA_BYTES ((size_t)1 << 20)
/* Small dictionaries may hold TCP/IP and snake_case alone. */
#define MARKED_MIN 100
/* And those of a few words 's and n't. */
#define WRAPPED_MIN 20
#define QUOTES "\"'`"
#define COMMAS ",;"
#define NUMBER "0123456789.-"

static bool has_letter(struct span text)
{
    for (const char *at = text.data; at < text.data + text.bytes;)
        if (unicode_record_of(utf8_next(&at))->flags & UNICODE_LETTER) return true;
    return false;
}

static bool is_special(const struct tokenizer *t, uint32_t id, struct span text)
{
    const char first = text.data[0], last = text.data[text.bytes - 1];
    return vocab_flags(&t->vocab, id) & (VOCAB_SPECIAL | VOCAB_ADDED) ||
           (first == '[' && last == ']') || (first == '<' && last == '>');
}

static bool skip_prefix(struct span *text, const char *prefix)
{
    const size_t bytes = strlen(prefix);
    if (text->bytes <= bytes || memcmp(text->data, prefix, bytes) != 0) return false;
    *text = (struct span){text->data + bytes, text->bytes - bytes};
    return true;
}

/* The longest part between slashes and underscores: of /c/en/word and word_NOUN what is written. */
static struct span longest_part(struct span text)
{
    struct span best = {text.data, 0};
    for (const char *at = text.data, *end = at + text.bytes, *from; at < end; at++) {
        for (from = at; at < end && *at != '/' && *at != '_';)
            at++;
        if ((size_t)(at - from) > best.bytes) best = (struct span){from, (size_t)(at - from)};
    }
    return best;
}

/* The byte with that place, counted from one end of the text. */
static char byte_at(struct span text, bool from_end, size_t place)
{
    return place >= text.bytes ? '\0' : text.data[from_end ? text.bytes - 1 - place : place];
}

static bool is_among(char byte, const char *list)
{
    return byte != '\0' && strchr(list, byte);
}

/* How much at one end of the text is what files of words put around them: quotes, commas, and
   columns of numbers beyond a comma. */
static size_t wrapping_at(struct span text, bool at_end)
{
    for (size_t n = 0;;) {
        size_t number = n;
        while (is_among(byte_at(text, at_end, number), NUMBER))
            number++;
        size_t marks = number;
        bool has_comma = false;
        for (char byte; is_among(byte = byte_at(text, at_end, marks), QUOTES COMMAS); marks++)
            has_comma |= is_among(byte, COMMAS);
        if (marks == number || (number > n && !has_comma)) return n;
        n = marks;
    }
}

/* What stands within quotes and beside columns: of "word",12 the word. Hashtags, C++ and the like
   keep their marks. The text holds a letter, so that something is left. */
static struct span unwrapped(struct span text)
{
    const size_t before = wrapping_at(text, false), after = wrapping_at(text, true);
    return (struct span){text.data + before, text.bytes - before - after};
}

static struct span written(const struct tokenizer *t, struct span text)
{
    const bool is_piece = skip_prefix(&text, "\xE2\x96\x81") || skip_prefix(&text, "\xC4\xA0") ||
                          skip_prefix(&text, "##");
    if (!is_piece && t->vocab.n >= WRAPPED_MIN) text = unwrapped(text);
    if (!is_piece && t->vocab.n >= MARKED_MIN) text = longest_part(text);
    text.bytes = utf8_cut(text.data, text.bytes, TEXT_BYTES_MAX);
    return text;
}

static bool is_found(const struct tokenizer *t, const struct tokens *tokens)
{
    for (uint32_t i = 0; i < tokens->n; i++)
        if (!tokenizer_is_unknown(t, tokens->ids[i])) return true;
    return false;
}

void tokenizer_try_tokens(const struct tokenizer *t, uint32_t *n_tried, uint32_t *n_found)
{
    struct arena arena;
    const uint32_t step = t->vocab.n / TRIED_MAX + 1;
    *n_tried = *n_found = 0;
    if (t->family->find) return;
    arena_init(&arena, ARENA_BYTES);
    for (uint32_t id = 0; id < t->vocab.n; id += step) {
        struct span text;
        struct tokens tokens;
        text.data = vocab_text(&t->vocab, id, &text.bytes);
        if (text.bytes == 0 || !has_letter(text) || is_special(t, id, text)) continue;
        text = written(t, text);
        arena_reset(&arena);
        ++*n_tried;
        *n_found += !tokenizer_encode(t, &arena, text.data, text.bytes, 0, &tokens, NULL) ||
                    is_found(t, &tokens);
    }
    arena_clear(&arena);
}
