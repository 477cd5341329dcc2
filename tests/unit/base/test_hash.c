/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "tests/test.h"

#include <string.h>

static uint64_t hash_of(const char *text)
{
    return hash_bytes(HASH_START, text, strlen(text));
}

static uint32_t hash32_of(const char *text)
{
    uint32_t hash = HASH32_START;
    while (*text)
        hash = hash32_step(hash, (unsigned char)*text++);
    return hash;
}

/* The authors' own test vectors. */
static void hashes_are_those_that_its_authors_publish(void **state)
{
    (void)state;
    assert_int_equal(hash_of(""), 0xCBF29CE484222325u);
    assert_int_equal(hash_of("a"), 0xAF63DC4C8601EC8Cu);
    assert_int_equal(hash_of("foobar"), 0x85944171F73967E8u);
    assert_int_equal(hash32_of(""), 0x811C9DC5u);
    assert_int_equal(hash32_of("a"), 0xE40C292Cu);
    assert_int_equal(hash32_of("foobar"), 0xBF9CF968u);
}

static void a_hash_may_be_made_in_parts(void **state)
{
    (void)state;
    assert_int_equal(hash_bytes(hash_of("foo"), "bar", 3), hash_of("foobar"));
    assert_int_equal(hash_bytes(hash_of("foo"), NULL, 0), hash_of("foo"));
}

static void words_of_eight_bytes_hash_as_values_and_the_rest_as_bytes(void **state)
{
    (void)state;
    uint64_t word, first = HASH_START;
    memcpy(&word, "12345678", sizeof word);
    first = hash_step(first, word);
    first ^= first >> 32;
    assert_int_equal(hash_words(HASH_START, "12345678", 8), first);
    assert_int_equal(hash_words(HASH_START, "12345678foo", 11), hash_bytes(first, "foo", 3));
    assert_int_equal(hash_words(HASH_START, "foo", 3), hash_of("foo"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_those_that_its_authors_publish),
        cmocka_unit_test(a_hash_may_be_made_in_parts),
        cmocka_unit_test(words_of_eight_bytes_hash_as_values_and_the_rest_as_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
