/* SPDX-License-Identifier: Apache-2.0 */
#include "base/gunzip.h"
#include "base/unzstd.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

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
    ZSTD_CCtx *context = ZSTD_createCCtx();
    assert_non_null(context);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    const size_t bytes = ZSTD_compress2(context, out, cap, text, n);
    assert_false(ZSTD_isError(bytes));
    ZSTD_freeCCtx(context);
    return bytes;
}

/* What becomes of packed bytes in pieces of any size: the text, or the text and '!' and what is
   wrong. */
static void check(const char *packed, size_t n, const char *want)
{
    static const size_t sizes[] = {1, 2, 7, 100000};
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++) {
            struct bytes bytes = {packed, n, sizes[i]};
            struct unzstd *unzstd = unzstd_new((struct byte_source){read_bytes, &bytes}, "F");
            struct err err = {0};
            char text[1000], piece[100000];
            size_t n_text = 0;
            ssize_t got;
            assert_non_null(unzstd);
            while ((got = unzstd_read(unzstd, piece, sizes[k], &err)) > 0) {
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
            assert_int_equal(unzstd_read(unzstd, piece, 1, &err), got);
            unzstd_free(unzstd);
        }
}

static void frames_come_one_behind_the_other(void **state)
{
    (void)state;
    char packed[200] = {0};
    size_t n = pack("one ", 4, packed, sizeof packed);
    check(packed, n, "one ");
    n += pack("", 0, packed + n, sizeof packed - n);
    memcpy(packed + n, "\x5A\x2A\x4D\x18\x02\0\0\0ab", 10); /* to be skipped */
    n += 10;
    n += pack("two", 3, packed + n, sizeof packed - n);
    check(packed, n, "one two");
    memcpy(packed + n, "more", 4);
    check(packed, n + 4, "one two!F: something that is not zstd follows the zstd data");
    check(packed, n + 2, "one two!F: the zstd data is cut off; fetch the whole file");
}

static void what_is_cut_off_or_damaged_is_named(void **state)
{
    (void)state;
    char packed[200];
    const size_t n = pack("some text, some more text", 25, packed, sizeof packed);
    for (size_t cut = 1; cut < n; cut++) {
        struct bytes bytes = {packed, cut, 5};
        struct unzstd *unzstd = unzstd_new((struct byte_source){read_bytes, &bytes}, "F");
        struct err err = {0};
        char piece[100];
        ssize_t got;
        while ((got = unzstd_read(unzstd, piece, sizeof piece, &err)) > 0)
            ;
        assert_int_equal(got, -1);
        assert_string_equal(err.message, "F: the zstd data is cut off; fetch the whole file");
        unzstd_free(unzstd);
    }
    packed[n - 1] ^= 1; /* the sum, which is looked at before the end is handed out */
    struct bytes bytes = {packed, n, n};
    struct unzstd *unzstd = unzstd_new((struct byte_source){read_bytes, &bytes}, "F");
    struct err err = {0};
    char piece[4];
    ssize_t got;
    while ((got = unzstd_read(unzstd, piece, sizeof piece, &err)) > 0)
        ;
    assert_int_equal(got, -1);
    assert_string_equal(err.message, "F: the zstd data is damaged; fetch the file again");
    unzstd_free(unzstd);
}

static void a_window_of_gigabytes_is_refused(void **state)
{
    (void)state;
    const char packed[] = "\x28\xB5\x2F\xFD\x00\xA0\x01\x00\x00"; /* 2^30 bytes */
    check(packed, sizeof packed - 1,
          "!F: its zstd window takes more than 128 MiB of memory to unpack; unpack it first, with "
          "the command zstd, or pack it with a smaller window");
}

/* Zeros without end, and then some. */
static void what_grows_too_much_is_refused(void **state)
{
    (void)state;
    const size_t n = (size_t)128 << 20, cap = 1 << 20;
    char *text = calloc(1, n), *packed = malloc(cap);
    assert_true(text && packed);
    struct bytes bytes = {packed, pack(text, n, packed, cap), cap};
    struct unzstd *unzstd = unzstd_new((struct byte_source){read_bytes, &bytes}, "F");
    struct err err = {0};
    size_t all = 0;
    ssize_t got;
    while ((got = unzstd_read(unzstd, text, (size_t)1 << 20, &err)) > 0)
        all += (size_t)got;
    assert_int_equal(got, -1);
    assert_int_equal(err.code, ERR_FORMAT);
    assert_string_equal(err.message, "F unpacks to more than 200 times its size; if that is meant, "
                                     "unpack it first, with zstd -d");
    assert_true(all >= GUNZIP_SMALL_BYTES && all < GUNZIP_SMALL_BYTES + 2 * cap);
    unzstd_free(unzstd);
    unzstd_free(NULL);
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
    struct unzstd *unzstd = unzstd_new((struct byte_source){fail_to_read, NULL}, "F");
    struct err err;
    char out[1];
    assert_int_equal(unzstd_read(unzstd, out, 1, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    unzstd_free(unzstd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_one_behind_the_other),
        cmocka_unit_test(what_is_cut_off_or_damaged_is_named),
        cmocka_unit_test(a_window_of_gigabytes_is_refused),
        cmocka_unit_test(what_grows_too_much_is_refused),
        cmocka_unit_test(what_cannot_be_read_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
