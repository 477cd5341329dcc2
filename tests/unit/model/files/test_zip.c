/* SPDX-License-Identifier: Apache-2.0 */
/* Zip files: what is in them comes out, and what is wrong with them is found before it is used. */
#include "model/files/zip.h"
#include "tests/test.h"
#include "tests/zip.h"

#include <stdio.h>

static const char text[] = "A member of a zip file.";
#define TEXT_BYTES (sizeof text - 1)

/* The same as one deflated block that is stored. */
static const char deflated[] = "\1\x17\0\xE8\xFF"
                               "A member of a zip file.";

static const struct zip_part stored_part = {.name = "stored", .data = text, .bytes = TEXT_BYTES};
static const struct zip_part deflated_part = {.name = "deflated",
                                              .data = deflated,
                                              .bytes = sizeof deflated - 1,
                                              .method = 8,
                                              .claimed_bytes = TEXT_BYTES,
                                              .unpacked = text};

static struct err err;
static struct err_file file = {.where = "file", .err = &err};

/* Opens a copy that ends where memory ends, so that reading past it is seen. */
static bool open_copy(struct zip *members, const unsigned char *data, size_t bytes, char **copy)
{
    *copy = malloc(bytes ? bytes : 1);
    assert_non_null(*copy);
    memcpy(*copy, data, bytes);
    return zip_open(members, (struct span){*copy, bytes}, file);
}

/* Opens the file of parts (n); what it returns is freed after zip_close. */
static char *open_made(struct zip *members, const struct zip_part *list, size_t n)
{
    size_t bytes;
    char *copy;
    unsigned char *data = zip_make(list, n, &bytes);
    if (!open_copy(members, data, bytes, &copy)) fail_msg("%s", err.message);
    free(data);
    return copy;
}

static void check_member(struct zip *members, const char *name)
{
    struct span found;
    if (!zip_read(members, name, TEXT_BYTES, &found)) fail_msg("%s", err.message);
    assert_int_equal(found.bytes, TEXT_BYTES);
    assert_memory_equal(found.data, text, TEXT_BYTES);
    free((void *)(uintptr_t)found.data);
}

static void check_refused(struct zip *members, const char *name, uint64_t most, const char *why)
{
    struct span found;
    assert_false(zip_read(members, name, most, &found));
    assert_null(found.data);
    assert_int_equal(err.code, ERR_FORMAT);
    if (!strstr(err.message, why)) fail_msg("'%s' does not say '%s'", err.message, why);
}

/* Refused when it is opened, and closed all the same. */
static void check_bad(const unsigned char *data, size_t bytes, const char *why)
{
    struct zip members;
    char *copy;
    assert_false(open_copy(&members, data, bytes, &copy));
    assert_int_equal(err.code, ERR_FORMAT);
    if (!strstr(err.message, why)) fail_msg("'%s' does not say '%s'", err.message, why);
    zip_close(&members);
    free(copy);
}

static unsigned char *both(size_t *bytes)
{
    const struct zip_part list[] = {stored_part, deflated_part};
    return zip_make(list, 2, bytes);
}

static void members_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct zip members;
    const struct zip_part list[] = {stored_part, deflated_part};
    char *copy = open_made(&members, list, 2);
    assert_int_equal(members.n, 2);
    check_member(&members, "stored");
    check_member(&members, "deflated");
    check_member(&members, "stored");
    check_refused(&members, "missing", TEXT_BYTES, "there is no member 'missing' in it");
    check_refused(&members, "stored", TEXT_BYTES - 1, "has 23 bytes, more than 22");
    zip_close(&members);
    free(copy);
}

static void a_zip_file_without_members_is_refused(void **state)
{
    (void)state;
    size_t bytes;
    unsigned char *data = zip_make(NULL, 0, &bytes);
    check_bad(data, bytes, "it cannot be read as a zip file");
    free(data);
}

static void what_is_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    size_t bytes;
    unsigned char *data = both(&bytes);
    for (size_t cut = 0; cut < bytes; cut++)
        check_bad(data, cut, "file: ");
    free(data);
}

static void what_follows_the_end_is_refused(void **state)
{
    (void)state;
    size_t bytes;
    unsigned char *data = both(&bytes), *longer = calloc(1, bytes + 1);
    assert_non_null(longer);
    memcpy(longer, data, bytes);
    check_bad(longer, bytes + 1, "it cannot be read as a zip file");
    free(longer);
    free(data);
}

/* Whatever one byte becomes: an error, or the members as they were. */
static void a_changed_byte_never_gives_other_members(void **state)
{
    (void)state;
    size_t bytes, opened = 0;
    unsigned char *data = both(&bytes);
    for (size_t i = 0; i < bytes * 8; i++) {
        struct zip members;
        char *copy;
        data[i / 8] ^= (unsigned char)(1 << i % 8);
        if (open_copy(&members, data, bytes, &copy)) {
            struct span found;
            opened++;
            for (const char *const *name = (const char *const[]){"stored", "deflated", NULL}; *name;
                 name++) {
                if (!zip_read(&members, *name, TEXT_BYTES, &found)) continue;
                assert_int_equal(found.bytes, TEXT_BYTES);
                assert_memory_equal(found.data, text, TEXT_BYTES);
                free((void *)(uintptr_t)found.data);
            }
        }
        zip_close(&members);
        free(copy);
        data[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    /* Dates, attributes and the bytes of members, whose sums are checked when they are read. */
    assert_true(opened > 0 && opened < bytes * 8);
    free(data);
}

static void the_directory_says_what_the_headers_say(void **state)
{
    (void)state;
    size_t bytes;
    unsigned char *data = zip_make(&stored_part, 1, &bytes);
    memcpy(data + 30, "Stored", 6); /* in the header before its bytes */
    check_bad(data, bytes, "member 'stored' is damaged");
    free(data);
}

static void damage_is_found_when_a_member_is_read(void **state)
{
    (void)state;
    struct zip members;
    size_t bytes;
    char *copy;
    unsigned char *data = both(&bytes);
    *(char *)memmem(data, bytes, text, TEXT_BYTES) = 'a';
    if (!open_copy(&members, data, bytes, &copy)) fail_msg("%s", err.message);
    check_refused(&members, "stored", TEXT_BYTES, "member 'stored' is damaged");
    check_member(&members, "deflated");
    zip_close(&members);
    free(copy);
    free(data);
}

static void members_that_skops_does_not_write_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct zip_part part;
        const char *why;
    } cases[] = {
        {{.name = "", .data = text, .bytes = 1}, "skops writes no folders"},
        {{.name = "a/b", .data = text, .bytes = 1}, "member 'a/b': skops writes no folders"},
        {{.name = "a\\b", .data = text, .bytes = 1}, "skops writes no folders"},
        {{.name = "a", .data = text, .bytes = 1, .flags = 1}, "member 'a' is encrypted"},
        {{.name = "a", .data = text, .bytes = 1, .method = 14}, "is packed by method 14"},
        {{.name = "a", .data = text, .bytes = 9, .claimed_bytes = 8}, "member 'a' is damaged"},
        {{.name = "a", .data = text, .bytes = 9, .method = 8, .claimed_bytes = 3 << 20},
         "would unpack to 3145728 bytes, more than 200 times its packed size"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t bytes;
        unsigned char *data = zip_make(&cases[i].part, 1, &bytes);
        check_bad(data, bytes, cases[i].why);
        free(data);
    }
    const struct zip_part twice[] = {stored_part, stored_part};
    size_t bytes;
    unsigned char *data = zip_make(twice, 2, &bytes);
    check_bad(data, bytes, "two members of the zip file have the same name");
    free(data);
}

/* Small members may be packed as tightly as they are. */
static void the_ratio_counts_from_a_megabyte_on(void **state)
{
    (void)state;
    static char zeros[1 << 20];
    /* 1 MB of zeros that deflate would pack a thousand times: the claim alone is looked at. */
    const struct zip_part part = {.name = "a",
                                  .data = deflated,
                                  .bytes = sizeof deflated - 1,
                                  .method = 8,
                                  .claimed_bytes = sizeof zeros,
                                  .unpacked = zeros};
    struct zip members;
    char *copy = open_made(&members, &part, 1);
    check_refused(&members, "a", sizeof zeros, "member 'a' is damaged");
    zip_close(&members);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_come_out_as_they_went_in),
        cmocka_unit_test(a_zip_file_without_members_is_refused),
        cmocka_unit_test(what_is_cut_off_anywhere_is_refused),
        cmocka_unit_test(what_follows_the_end_is_refused),
        cmocka_unit_test(a_changed_byte_never_gives_other_members),
        cmocka_unit_test(the_directory_says_what_the_headers_say),
        cmocka_unit_test(damage_is_found_when_a_member_is_read),
        cmocka_unit_test(members_that_skops_does_not_write_are_refused),
        cmocka_unit_test(the_ratio_counts_from_a_megabyte_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
