/* SPDX-License-Identifier: Apache-2.0 */
/* The expressions written out by hand match what Oniguruma matches. */
#include "tests/test.h"

#include "base/utf8.h"
#include "model/text/pipeline/patterns.h"
#include "model/text/pipeline/regex.h"

#include <string.h>

#define CL100K(numbers)                                                                            \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" numbers                          \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define SHORT "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"

static const char *const expressions[] = {
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
    CL100K("\\p{N}{1,3}"),
    CL100K("\\p{N}"),
    "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" SHORT "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER
    "*" SHORT "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    "\\p{N}{1,3}",
    "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
    "[!\"#$%&'()*+,\\-./"
    ":;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|"
    " ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
};

/* Characters that the expressions tell apart, and some that look like them. */
static const uint32_t alphabet[] = {
    'A',    'B',    'A',    '/',    0x1C5,  0x2B0,  0x5D0,  0x430,    0x410,  'a',    'b',
    's',    'S',    't',    'r',    'e',    'v',    'l',    'L',      'm',    'd',    '0',
    '7',    '9',    '\'',   '\'',   '\'',   ' ',    ' ',    ' ',      '\t',   '\n',   '\r',
    '\v',   '.',    '-',    '(',    0,      0x1B,   0x7F,   0x85,     0xA0,   0x2028, 0x3000,
    0x200B, 0xFEFF, 0x6211, 0x7231, 0x3002, 0x301,  0x200D, 0x1F44D,  0x0661, 0xBD,   0x17F,
    0x212A, 0x1E9E, 0xE9,   0x0E01, 0x0E34, 0x4E00, 0x2160, 0x10FFFF, 0xFB01, 0x3040, 0x30AB,
    0x30FF, 0x303F, 0x3100, 0x4DFF, 0x9FA5, 0x9FA6, 0xAC00, 0x903,    0x20DD, 0x20AC, '$',
    '^',    '`',    '_',    '[',    '\\',   ']',    0xAD,   0xE000,
};

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static size_t random_text(uint32_t *state, char *out)
{
    size_t bytes = 0, n = 1 + next_random(state) % 12;
    for (size_t i = 0; i < n; i++)
        bytes += utf8_write(out + bytes,
                            alphabet[next_random(state) % (sizeof alphabet / sizeof *alphabet)]);
    return bytes;
}

/* As pattern_find, for those without gaps too. */
static bool find(enum pattern_kind kind, const char *text, size_t bytes, size_t *start, size_t *end)
{
    if (pattern_leaves_gaps(kind)) return pattern_find(kind, text, bytes, start, end);
    *end = *start < bytes ? pattern_next(kind, text, bytes, *start) : bytes;
    return *start < bytes;
}

static void check(enum pattern_kind kind, const struct regex *regex, struct regex_scratch *scratch,
                  const char *text, size_t bytes)
{
    struct regex_matches matches;
    size_t start, end, mine = 0, mine_end;
    regex_matches_start(&matches, regex, scratch, text, bytes);
    while (regex_matches_next(&matches, &start, &end) == REGEX_FOUND) {
        bool is_found = find(kind, text, bytes, &mine, &mine_end);
        if (!is_found || mine != start || mine_end != end)
            fail_msg("'%.*s': %zu to %zu, not %zu to %zu", (int)bytes, text, mine, mine_end, start,
                     end);
        mine = mine_end;
    }
    assert_false(find(kind, text, bytes, &mine, &mine_end));
    assert_int_equal(mine, bytes);
    assert_int_equal(mine_end, bytes);
}

static void they_match_what_the_expressions_do(void **state)
{
    (void)state;
    struct regex_scratch *scratch = regex_scratch_new();
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++) {
        struct regex *regex;
        struct err err;
        enum pattern_kind kind = pattern_known(expressions[i], strlen(expressions[i]));
        assert_int_not_equal(kind, PATTERN_NONE);
        assert_true(regex_open(&regex, expressions[i], strlen(expressions[i]), &err));
        char text[64];
        uint32_t seed = 1;
        for (int n = 0; n < 20000; n++)
            check(kind, regex, scratch, text, random_text(&seed, text));
        regex_close(regex);
    }
    regex_scratch_free(scratch);
}

static void other_expressions_are_not_known(void **state)
{
    (void)state;
    assert_int_equal(pattern_known("\\s+", 3), PATTERN_NONE);
    assert_int_equal(pattern_known(expressions[0], strlen(expressions[0]) - 1), PATTERN_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_match_what_the_expressions_do),
        cmocka_unit_test(other_expressions_are_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
