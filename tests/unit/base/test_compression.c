/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes packed and unpacked: there and back, several members, what is cut, damaged, followed by
   something, too long, or looks back too far. */
#include "base/compression.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#define LONG_BYTES 300000

static const enum compression packings[] = {COMPRESSION_GZIP, COMPRESSION_ZSTD};

/* A zlib stream of "hello hello hello hello", by Python's zlib.compress. */
static const char deflated[] = "\x78\x9c\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x01\x68\x03\x08\xb1";

static struct arena arena;

static int open_arena(void **state)
{
    (void)state;
    arena_init(&arena, 64 << 20);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

/* Text that can be packed, though not to nothing. */
static char *make_text(size_t bytes)
{
    char *text = arena_alloc(&arena, bytes);
    unsigned seed = 1;
    for (size_t i = 0; i < bytes; i++) {
        seed = seed * 1664525u + 1013904223u;
        text[i] = (char)('a' + (seed >> 28));
    }
    return text;
}

/* Packs into a block of the very size on the heap, so that a sanitizer sees a read past its end. */
static char *pack(enum compression how, const char *text, size_t bytes, size_t *packed)
{
    size_t room = bytes + 100;
    char *out = malloc(room);
    *packed = compression_pack(how, &arena, text, bytes, out, room);
    assert_true(*packed > 0);
    return realloc(out, *packed);
}

static enum unpacked unpack(enum compression how, const char *packed, size_t bytes, size_t max,
                            struct buf *out)
{
    buf_init(out, &arena);
    return compression_unpack(how, packed, bytes, max, out);
}

static void assert_unpacked(enum compression how, const char *packed, size_t bytes,
                            const char *text, size_t text_bytes)
{
    struct buf out;
    assert_int_equal(unpack(how, packed, bytes, text_bytes, &out), UNPACKED);
    assert_int_equal(out.bytes, text_bytes);
    assert_memory_equal(out.data, text, text_bytes);
}

static void what_was_packed_is_unpacked(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 2, 100, 16383, 16384, 16385, LONG_BYTES};
    char *text = make_text(LONG_BYTES);
    for (size_t how = 0; how < 2; how++) {
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            size_t bytes;
            char *packed = pack(packings[how], text, lengths[i], &bytes);
            assert_unpacked(packings[how], packed, bytes, text, lengths[i]);
            free(packed);
        }
    }
    assert_unpacked(COMPRESSION_DEFLATE, deflated, sizeof deflated - 1, "hello hello hello hello",
                    23);
}

static void the_same_in_pieces_each_of_which_can_be_read(void **state)
{
    (void)state;
    char *text = make_text(LONG_BYTES);
    for (size_t how = 0; how < 2; how++) {
        struct packer *packer = packer_new(packings[how], &arena);
        struct buf packed;
        buf_init(&packed, &arena);
        for (size_t at = 0; at < LONG_BYTES; at += 60000) {
            size_t before = packed.bytes;
            assert_true(packer_add(packer, text + at, 60000, at + 60000 == LONG_BYTES, &packed));
            assert_true(packed.bytes > before);
            struct buf out;
            bool is_last = at + 60000 == LONG_BYTES;
            assert_int_equal(unpack(packings[how], packed.data, packed.bytes, LONG_BYTES, &out),
                             is_last ? UNPACKED : UNPACKED_CUT);
            assert_int_equal(out.bytes, at + 60000);
            assert_memory_equal(out.data, text, out.bytes);
        }
    }
}

static void several_one_behind_the_other_are_one(void **state)
{
    (void)state;
    for (size_t how = 0; how < 2; how++) {
        size_t bytes;
        char *packed = pack(packings[how], "hello ", 6, &bytes), joined[300];
        for (size_t i = 0; i < 3; i++)
            memcpy(joined + i * bytes, packed, bytes);
        assert_unpacked(packings[how], joined, 3 * bytes, "hello hello hello ", 18);
        free(packed);
    }
    /* A frame of zstd that is to be skipped. */
    size_t bytes;
    char *packed = pack(COMPRESSION_ZSTD, "hello", 5, &bytes);
    char joined[100] = "\x50\x2A\x4D\x18\x03\0\0\0abc";
    memcpy(joined + 11, packed, bytes);
    assert_unpacked(COMPRESSION_ZSTD, joined, 11 + bytes, "hello", 5);
    free(packed);
}

static void what_is_cut_anywhere_is_told(void **state)
{
    (void)state;
    for (size_t how = 0; how < 2; how++) {
        size_t bytes;
        char *packed = pack(packings[how], "hello hello hello", 17, &bytes);
        for (size_t n = 0; n < bytes; n++) {
            char *cut = malloc(n ? n : 1);
            memcpy(cut, packed, n);
            struct buf out;
            assert_int_equal(unpack(packings[how], cut, n, 100, &out), UNPACKED_CUT);
            free(cut);
        }
        free(packed);
    }
    for (size_t n = 0; n < sizeof deflated - 1; n++) {
        struct buf out;
        assert_int_equal(unpack(COMPRESSION_DEFLATE, deflated, n, 100, &out), UNPACKED_CUT);
    }
}

/* No byte may change the text unseen. zstd's frames have no checksum unless asked for one. */
static void what_is_damaged_is_told(void **state)
{
    (void)state;
    struct buf out;
    size_t bytes;
    char *packed = pack(COMPRESSION_GZIP, "hello hello hello", 17, &bytes);
    for (size_t i = 10; i < bytes; i++) { /* behind a header that says nothing of the text */
        packed[i] ^= 0x10;
        assert_int_not_equal(unpack(COMPRESSION_GZIP, packed, bytes, 1000, &out), UNPACKED);
        packed[i] ^= 0x10;
    }
    free(packed);
    static const char plain[] = "{\"input\":\"a\"}";
    for (int how = COMPRESSION_GZIP; how < COMPRESSION_COUNT; how++)
        assert_int_equal(unpack((enum compression)how, plain, sizeof plain - 1, 1000, &out),
                         UNPACKED_WRONG);
}

static void what_follows_is_told(void **state)
{
    (void)state;
    struct buf out;
    for (size_t how = 0; how < 2; how++) {
        size_t bytes;
        char *packed = pack(packings[how], "hello", 5, &bytes), joined[100];
        memcpy(joined, packed, bytes);
        strcpy(joined + bytes, "{\"input\":1}");
        assert_int_equal(unpack(packings[how], joined, bytes + 11, 1000, &out), UNPACKED_TRAILING);
        free(packed);
    }
    assert_int_equal(unpack(COMPRESSION_DEFLATE, deflated, sizeof deflated, 1000, &out),
                     UNPACKED_TRAILING);
}

static void no_more_than_asked_for_is_made(void **state)
{
    (void)state;
    static char zeros[8 << 20];
    for (size_t how = 0; how < 2; how++) {
        size_t bytes;
        char *packed = pack(packings[how], zeros, sizeof zeros, &bytes);
        assert_true(bytes < sizeof zeros / 200);
        static const size_t most[] = {0, 1, 16383, 16384, 16385, 1 << 20, sizeof zeros - 1};
        for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
            struct buf out;
            assert_int_equal(unpack(packings[how], packed, bytes, most[i], &out), UNPACKED_LONG);
            assert_true(out.cap <= most[i] + 1);
        }
        assert_unpacked(packings[how], packed, bytes, zeros, sizeof zeros);
        free(packed);
        arena_reset(&arena);
    }
}

static void zstd_that_looks_back_too_far_is_refused(void **state)
{
    (void)state;
    /* A frame's header, of unknown length, with a window of 8 MB and of 16 MB, and an empty block.
     */
    const char far[] = "\x28\xB5\x2F\xFD\x00\x68\x01\x00",
               further[] = "\x28\xB5\x2F\xFD\x00\x70\x01\x00";
    struct buf out;
    assert_int_equal(unpack(COMPRESSION_ZSTD, further, 8, 100, &out), UNPACKED_WINDOW);
    assert_int_equal(unpack(COMPRESSION_ZSTD, far, 7, 100, &out), UNPACKED_CUT);
    assert_unpacked(COMPRESSION_ZSTD, "\x28\xB5\x2F\xFD\x00\x68\x01\x00\x00", 9, "", 0);
}

/* The library reads these, and leaks. */
static void frames_from_before_the_standard_are_none(void **state)
{
    (void)state;
    struct buf out;
    size_t bytes;
    char *packed = pack(COMPRESSION_ZSTD, "hello", 5, &bytes), joined[100];
    for (char version = 0x1E; version <= 0x27; version++) {
        char old[9] = {version, '\xB5', '\x2F', '\xFD', 0, 0x68, 1, 0, 0};
        assert_int_equal(unpack(COMPRESSION_ZSTD, old, 9, 100, &out), UNPACKED_WRONG);
        memcpy(joined, packed, bytes);
        memcpy(joined + bytes, old, 9);
        assert_int_equal(unpack(COMPRESSION_ZSTD, joined, bytes + 9, 100, &out), UNPACKED_TRAILING);
        for (size_t n = 1; n < 9; n++)
            assert_int_equal(unpack(COMPRESSION_ZSTD, joined, bytes + n, 100, &out),
                             UNPACKED_TRAILING);
    }
    for (size_t n = 1; n < bytes; n++) {
        memcpy(joined + bytes, packed, n);
        assert_int_equal(unpack(COMPRESSION_ZSTD, joined, bytes + n, 100, &out), UNPACKED_CUT);
    }
    free(packed);
}

static void memory_is_the_arena_s(void **state)
{
    (void)state;
    char *text = make_text(LONG_BYTES);
    for (size_t how = 0; how < 2; how++) {
        size_t bytes;
        char *packed = pack(packings[how], text, LONG_BYTES, &bytes);
        bool is_done = false;
        for (size_t cap = 1 << 10; cap < 8 << 20; cap *= 2) {
            struct arena small;
            struct buf out;
            arena_init(&small, cap);
            buf_init(&out, &small);
            enum unpacked result = compression_unpack(packings[how], packed, bytes, 1 << 20, &out);
            assert_true(result == UNPACKED || (result == UNPACKED_MEMORY && !is_done));
            is_done = result == UNPACKED;
            arena_clear(&small);
            arena_init(&small, cap);
            char *again = malloc(LONG_BYTES);
            size_t n = compression_pack(packings[how], &small, text, LONG_BYTES, again, LONG_BYTES);
            assert_true(n == 0 || n == bytes);
            assert_true(n == bytes || cap < 4 << 20);
            free(again);
            arena_clear(&small);
        }
        assert_true(is_done);
        free(packed);
    }
}

static void what_does_not_fit_is_not_packed(void **state)
{
    (void)state;
    char *text = make_text(LONG_BYTES), *out = malloc(LONG_BYTES);
    for (size_t how = 0; how < 2; how++) {
        size_t n = compression_pack(packings[how], &arena, text, LONG_BYTES, out, LONG_BYTES);
        assert_true(n > 0 && n < LONG_BYTES * 3 / 4);
        for (size_t room = n - 3; room < n; room++)
            assert_int_equal(compression_pack(packings[how], &arena, text, LONG_BYTES, out, room),
                             0);
        assert_int_equal(compression_pack(packings[how], &arena, text, LONG_BYTES, out, n), n);
    }
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_packed_is_unpacked, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(the_same_in_pieces_each_of_which_can_be_read, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(several_one_behind_the_other_are_one, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(what_is_cut_anywhere_is_told, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(what_is_damaged_is_told, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(what_follows_is_told, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(no_more_than_asked_for_is_made, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(zstd_that_looks_back_too_far_is_refused, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(frames_from_before_the_standard_are_none, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(memory_is_the_arena_s, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_not_packed, open_arena, close_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
