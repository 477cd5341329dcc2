/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encoding.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

/* So much of a text tells. */
#define LOOKED_AT ((size_t)4096)

/* As many of 16-bit units must be usual characters. */
#define USUAL_MIN 0.9

static bool begins_with(const char *text, size_t bytes, const char *mark, size_t mark_bytes)
{
    return bytes >= mark_bytes && memcmp(text, mark, mark_bytes) == 0;
}

/* What texts are made of, far from all of Unicode: ASCII, Latin, Greek, Cyrillic, punctuation,
   kana, Chinese characters, Hangul, full-width forms. */
static bool is_usual(unsigned unit)
{
    if (unit < 0x20) return unit == '\t' || unit == '\n' || unit == '\r';
    return unit < 0x7F || (unit >= 0xA0 && unit < 0x530) || (unit >= 0x2010 && unit < 0x2040) ||
           (unit >= 0x3000 && unit < 0x3100) || (unit >= 0x4E00 && unit < 0xA000) ||
           (unit >= 0xAC00 && unit < 0xD7A4) || (unit >= 0xFF00 && unit < 0xFFF0);
}

/* Which share of the 16-bit units from `at` on are usual; 0 where there are too few. */
static double share_of_usual(const unsigned char *text, size_t bytes, size_t at, bool is_big)
{
    const size_t n = bytes > at ? (bytes - at) / 2 : 0;
    size_t usual = 0;
    for (size_t i = 0; i < n; i++, at += 2)
        usual += is_usual(is_big ? text[at] * 256u + text[at + 1] : text[at + 1] * 256u + text[at]);
    return n < 2 ? 0 : (double)usual / (double)n;
}

/* Characters that no text in eight bits holds. */
static bool has_controls(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)text[i] < 0x20 && !memchr("\t\n\v\f\r\x1A\x1B", text[i], 7)) return true;
    return false;
}

const char *encoding_guess(const char *text, size_t bytes)
{
    if (begins_with(text, bytes, "\xFF\xFE\0\0", 4) || begins_with(text, bytes, "\0\0\xFE\xFF", 4))
        return "UTF-32";
    if (begins_with(text, bytes, "\xFF\xFE", 2) || begins_with(text, bytes, "\xFE\xFF", 2))
        return "UTF-16";
    if (bytes > LOOKED_AT) bytes = LOOKED_AT;
    if (!has_controls(text, bytes)) return NULL;
    /* Lines end at the byte LF: those of UTF-16LE begin with the NUL that belongs to it. ASCII in
       UTF-16BE begins with one too. */
    const bool has_nul = text[0] == '\0';
    const unsigned char *s = (const unsigned char *)text;
    const double little = share_of_usual(s, bytes, has_nul, false);
    const double big = share_of_usual(s, bytes, 0, true);
    if (little < USUAL_MIN && big < USUAL_MIN) return NULL;
    return little > big || (little == big && !has_nul) ? "UTF-16LE" : "UTF-16BE";
}

/* ASCII in UTF-16 is valid UTF-8: three of four characters at least have a NUL, and no NUL is on
   the other side. */
static const char *guess_of_valid(const char *text, size_t bytes)
{
    size_t nuls[2] = {0};
    if (bytes > LOOKED_AT) bytes = LOOKED_AT;
    for (size_t i = 0; i < bytes; i++)
        nuls[i & 1] += text[i] == '\0';
    const size_t n = bytes / 2;
    if (n < 2 || (nuls[0] > 0 && nuls[1] > 0)) return NULL;
    if (4 * nuls[1] >= 3 * n) return "UTF-16LE";
    return 4 * nuls[0] >= 3 * n ? "UTF-16BE" : NULL;
}

const char *encoding_guess_file(const char *text, size_t bytes)
{
    if (bytes > LOOKED_AT) bytes = LOOKED_AT;
    if (utf8_valid_bytes(text, bytes) == bytes) return guess_of_valid(text, bytes);
    return encoding_guess(text, bytes);
}

/* In Western texts letters with accents stand alone; other encodings write a character in two
   bytes, one of which at least is above 0x7F, mostly both. */
static bool is_western(const char *text, size_t bytes)
{
    size_t high = 0, alone = 0, run = 0;
    if (bytes > LOOKED_AT) bytes = LOOKED_AT;
    for (size_t i = 0; i <= bytes; i++) {
        const bool is_high = i < bytes && ((unsigned char)text[i] & 0x80);
        high += is_high;
        alone += !is_high && run == 1;
        run = is_high ? run + 1 : 0;
    }
    return 2 * alone >= high;
}

/* What to do about a file that is, or may be, in the encoding `name`. */
struct remedy {
    char text[120];
};

static struct remedy find_remedy(const struct encoding_line *line, const char *name, bool is_sure)
{
    static const char *const taken[][2] = {{"UTF-16", "utf-16"},
                                           {"UTF-16LE", "utf-16le"},
                                           {"UTF-16BE", "utf-16be"},
                                           {"GB18030", "gb18030"}};
    struct remedy remedy;
    for (size_t i = 0; line->takes_encoding && i < sizeof taken / sizeof *taken; i++) {
        if (strcmp(taken[i][0], name) != 0) continue;
        snprintf(remedy.text, sizeof remedy.text, "%s%s%sgive `encoding` %s",
                 is_sure ? "" : "if it is ", is_sure ? "" : name, is_sure ? "" : ", ", taken[i][1]);
        return remedy;
    }
    snprintf(remedy.text, sizeof remedy.text, "convert the file first,%s with iconv -f %s -t UTF-8",
             is_sure ? "" : " for example", name);
    return remedy;
}

bool encoding_check_line(const struct encoding_line *line, struct err *err)
{
    const char *text = line->text;
    const size_t valid = utf8_valid_bytes(text, line->bytes);
    const bool is_valid = valid == line->bytes;
    const char *guess = NULL;
    if (is_valid && line->is_first && line->bytes > 0 && memchr(text, '\0', line->bytes))
        guess = guess_of_valid(text, line->bytes);
    if (is_valid && !guess) return true;
    if (!is_valid) guess = encoding_guess(text, line->known);
    if (guess)
        return err_set(err, ERR_FORMAT, NULL, "%.200s, line %llu: this is %s, not UTF-8; %s",
                       line->file, (unsigned long long)line->number, guess,
                       find_remedy(line, guess, true).text);
    guess = is_western(text, line->known) ? "WINDOWS-1252" : "GB18030";
    return err_set(err, ERR_FORMAT, NULL, "%.200s, line %llu: not UTF-8 at byte %zu (0x%02X); %s",
                   line->file, (unsigned long long)line->number, valid + 1,
                   (unsigned)(unsigned char)text[valid], find_remedy(line, guess, false).text);
}
