/* SPDX-License-Identifier: Apache-2.0 */
#include "base/recode.h"
#include "base/utf8.h"
#include "tests/test.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
    const char *data;
    size_t n, piece;
};

static ssize_t read_bytes(void *user, char *out, size_t cap, struct err *err)
{
    struct bytes *bytes = user;
    size_t n = bytes->n < bytes->piece ? bytes->n : bytes->piece;
    (void)err;
    if (n > cap) n = cap;
    memcpy(out, bytes->data, n);
    bytes->data += n;
    bytes->n -= n;
    return (ssize_t)n;
}

/* All of it as UTF-8, `piece` bytes coming and `cap` going at a time; the caller frees it. */
static char *recoded(enum text_encoding encoding, const char *data, size_t n, size_t piece,
                     size_t cap, size_t *n_out)
{
    struct bytes bytes = {data, n, piece};
    struct err err;
    struct recode *recode =
        recode_new(encoding, (struct byte_source){read_bytes, &bytes}, "F", &err);
    if (!recode) fail_msg("%s", err.message);
    char *out = malloc(3 * n + cap + 1);
    ssize_t got;
    *n_out = 0;
    while ((got = recode_read(recode, out + *n_out, cap, &err)) > 0)
        *n_out += (size_t)got;
    assert_int_equal(got, 0);
    out[*n_out] = '\0';
    recode_free(recode);
    return out;
}

static void check(enum text_encoding encoding, const char *data, size_t n, const char *want)
{
    for (size_t piece = 1; piece < 9; piece++)
        for (size_t cap = 1; cap < 9; cap++) {
            size_t n_out;
            char *out = recoded(encoding, data, n, piece, cap, &n_out);
            assert_string_equal(out, want);
            free(out);
        }
}

#define CHECK(encoding, text, want) check(encoding, text, sizeof text - 1, want)

static void utf_16_becomes_utf_8(void **state)
{
    (void)state;
    CHECK(TEXT_UTF_16LE, "a\0\n\0\x11\x62\x3D\xD8\x00\xDE", "a\n我😀");
    CHECK(TEXT_UTF_16BE, "\0a\0\n\x62\x11\xD8\x3D\xDE\x00", "a\n我😀");
    CHECK(TEXT_UTF_16LE, "\xFF\xFE", "\xEF\xBB\xBF");
    CHECK(TEXT_UTF_16LE, "", "");
}

static void gb18030_becomes_utf_8(void **state)
{
    (void)state;
    CHECK(TEXT_GB18030, "a,\xCE\xD2\xB0\xAE\n", "a,我爱\n");
    CHECK(TEXT_GB18030, "\x94\x39\xFC\x36", "😀"); /* four bytes */
}

static void what_is_no_character_becomes_a_byte_that_no_text_holds(void **state)
{
    (void)state;
    CHECK(TEXT_UTF_16LE,
          "\x3D\xD8"
          "a\0\n\0",
          "\xFF"
          "a\n"); /* half a pair */
    CHECK(TEXT_UTF_16LE,
          "\x00\xDE"
          "a\0",
          "\xFF"
          "a");
    CHECK(TEXT_UTF_16LE, "a\0\x3D\xD8", "a\xFF");
    CHECK(TEXT_UTF_16LE, "a\0b", "a\xFF");
    CHECK(TEXT_UTF_16LE, "a\0\x3D\xD8z", "a\xFF\xFF");
    CHECK(TEXT_GB18030,
          "a\xFF"
          "b\n",
          "a\xFF"
          "b\n");
    CHECK(TEXT_GB18030, "a\x81\nb", "a\xFF\nb"); /* the line ends where it ends */
    CHECK(TEXT_GB18030, "a\xCE", "a\xFF");
}

static void what_is_utf_8_is_not_taken_for_gb18030(void **state)
{
    (void)state;
    char text[200] = "text,label\n";
    for (int n = 0; n < 20; n++) {
        struct bytes bytes = {text, strlen(text), 1000};
        struct err err = {0};
        char out[600];
        struct recode *recode =
            recode_new(TEXT_GB18030, (struct byte_source){read_bytes, &bytes}, "F", &err);
        assert_non_null(recode);
        assert_true(recode_read(recode, out, sizeof out, &err) > 0);
        recode_free(recode);
        strcat(text, "我");
    }
    for (size_t cut = 0; cut < 3; cut++) {
        struct bytes bytes = {text, strlen(text) + cut, 1000};
        struct err err = {0};
        char out[600];
        strcat(text, "爱");
        struct recode *recode =
            recode_new(TEXT_GB18030, (struct byte_source){read_bytes, &bytes}, "F", &err);
        assert_non_null(recode);
        assert_int_equal(recode_read(recode, out, sizeof out, &err), -1);
        assert_int_equal(err.code, ERR_FORMAT);
        assert_string_equal(err.message, "F is UTF-8, not GB18030; leave `encoding` out");
        recode_free(recode);
    }
}

/* Every character that the C library has in the encoding comes back from it. */
static void check_all(enum text_encoding encoding)
{
    const size_t cap = 4u << 20;
    char *utf8 = malloc(cap), *other = malloc(cap);
    size_t n = 0, n_other = 0, n_back;
    iconv_t to = iconv_open(text_encoding_names[encoding], "UTF-8");
    assert_true(utf8 && other && to != (iconv_t)-1);
    for (uint32_t code = 1; code < 0x110000; code += code < 0x3000 ? 1 : 7) {
        if (code >= 0xD800 && code <= 0xDFFF) continue;
        char *in = utf8 + n, *out = other + n_other;
        const size_t bytes = utf8_write(in, code);
        size_t in_left = bytes, out_left = cap - n_other;
        if (iconv(to, &in, &in_left, &out, &out_left) == (size_t)-1) continue;
        n += bytes;
        n_other = cap - out_left;
    }
    iconv_close(to);
    char *back = recoded(encoding, other, n_other, 100000, 65536, &n_back);
    assert_true(n > 400000);
    assert_int_equal(n_back, n);
    assert_memory_equal(back, utf8, n);
    free(back);
    free(other);
    free(utf8);
}

static void every_character_comes_back(void **state)
{
    (void)state;
    check_all(TEXT_UTF_16LE);
    check_all(TEXT_UTF_16BE);
    check_all(TEXT_GB18030);
    recode_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf_16_becomes_utf_8),
        cmocka_unit_test(gb18030_becomes_utf_8),
        cmocka_unit_test(what_is_no_character_becomes_a_byte_that_no_text_holds),
        cmocka_unit_test(what_is_utf_8_is_not_taken_for_gb18030),
        cmocka_unit_test(every_character_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
