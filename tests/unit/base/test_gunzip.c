/* SPDX-License-Identifier: Apache-2.0 */
#include "base/gunzip.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Bytes in memory as they come, `piece` at a time. */
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

static size_t pack(const char *text, size_t n, char *out, size_t cap)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)text,
                       .avail_in = (unsigned)n,
                       .next_out = (unsigned char *)out,
                       .avail_out = (unsigned)cap};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return cap - stream.avail_out;
}

/* What becomes of packed bytes in pieces of any size: the text, or the text and '!' and what is
   wrong. */
static void check(const char *packed, size_t n, const char *want)
{
    static const size_t sizes[] = {1, 2, 7, 100000};
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++) {
            struct bytes bytes = {packed, n, sizes[i]};
            struct gunzip *gunzip = gunzip_new((struct byte_source){read_bytes, &bytes}, "F");
            struct err err = {0};
            char text[1000], piece[100000];
            size_t n_text = 0;
            ssize_t got;
            assert_non_null(gunzip);
            while ((got = gunzip_read(gunzip, piece, sizes[k], &err)) > 0) {
                memcpy(text + n_text, piece, (size_t)got);
                n_text += (size_t)got;
            }
            text[n_text] = '\0';
            if (got < 0) {
                strcat(strcat(text, "!"), err.message);
                assert_int_equal(err.code, ERR_FORMAT);
            }
            assert_string_equal(text, want);
            /* It stays so. */
            assert_int_equal(gunzip_read(gunzip, piece, 1, &err), got);
            gunzip_free(gunzip);
        }
}

static void members_come_one_behind_the_other(void **state)
{
    (void)state;
    char packed[200] = {0};
    size_t n = pack("one ", 4, packed, sizeof packed);
    check(packed, n, "one ");
    n += pack("", 0, packed + n, sizeof packed - n);
    n += pack("two", 3, packed + n, sizeof packed - n);
    check(packed, n, "one two");
    check(packed, n + 5, "one two"); /* zeros */
    memcpy(packed + n, "\0more", 5);
    check(packed, n + 5, "one two!F: something that is not gzip follows the gzip data");
}

static void what_is_cut_off_or_damaged_is_named(void **state)
{
    (void)state;
    char packed[200];
    const size_t n = pack("some text, some more text", 25, packed, sizeof packed);
    for (size_t cut = 2; cut < n; cut++) {
        struct bytes bytes = {packed, cut, 5};
        struct gunzip *gunzip = gunzip_new((struct byte_source){read_bytes, &bytes}, "F");
        struct err err = {0};
        char piece[100];
        ssize_t got;
        while ((got = gunzip_read(gunzip, piece, sizeof piece, &err)) > 0)
            ;
        assert_int_equal(got, -1);
        assert_string_equal(err.message, "F: the gzip data is cut off; fetch the whole file");
        gunzip_free(gunzip);
    }
    packed[n - 5] ^= 1; /* the sum */
    check(packed, n, "some text, some more text!F: the gzip data is damaged; fetch the file again");
    packed[2] = 7; /* the method */
    check(packed, n, "!F: the gzip data is damaged; fetch the file again");
}

/* Zeros without end, and then some. */
static void what_grows_too_much_is_refused(void **state)
{
    (void)state;
    const size_t n = (size_t)128 << 20, cap = 1 << 20;
    char *text = calloc(1, n), *packed = malloc(cap);
    assert_true(text && packed);
    struct bytes bytes = {packed, pack(text, n, packed, cap), cap};
    struct gunzip *gunzip = gunzip_new((struct byte_source){read_bytes, &bytes}, "F");
    struct err err = {0};
    size_t all = 0;
    ssize_t got;
    while ((got = gunzip_read(gunzip, text, (size_t)1 << 20, &err)) > 0)
        all += (size_t)got;
    assert_int_equal(got, -1);
    assert_int_equal(err.code, ERR_FORMAT);
    assert_string_equal(err.message, "F unpacks to more than 200 times its size; if that is meant, "
                                     "unpack it first, with gunzip");
    assert_true(all >= GUNZIP_SMALL_BYTES && all < GUNZIP_SMALL_BYTES + 2 * cap);
    gunzip_free(gunzip);
    gunzip_free(NULL);
    free(text);
    free(packed);
}

static ssize_t fail_to_read(void *user, char *out, size_t cap, struct err *err)
{
    (void)user;
    (void)out;
    (void)cap;
    err_set(err, ERR_IO, NULL, "F cannot be read");
    return -1;
}

static void what_cannot_be_read_is_said(void **state)
{
    (void)state;
    struct gunzip *gunzip = gunzip_new((struct byte_source){fail_to_read, NULL}, "F");
    struct err err;
    char out[1];
    assert_int_equal(gunzip_read(gunzip, out, 1, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    gunzip_free(gunzip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_come_one_behind_the_other),
        cmocka_unit_test(what_is_cut_off_or_damaged_is_named),
        cmocka_unit_test(what_grows_too_much_is_refused),
        cmocka_unit_test(what_cannot_be_read_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
