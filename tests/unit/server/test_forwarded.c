/* SPDX-License-Identifier: Apache-2.0 */
#include "server/forwarded.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

static struct networks proxies;

static int trust(void **state)
{
    (void)state;
    return networks_read(&proxies, "10.0.0.0/8\n2001:db8::/32", "trusted-proxies", NULL) ? 0 : -1;
}

static int forget(void **state)
{
    (void)state;
    networks_clear(&proxies);
    return 0;
}

/* The proxy is 10.9.9.9. Lines are of one header, up to NULL. */
static void assert_client(bool is_x, const char *want, const char *const *lines)
{
    struct forwarded forwarded = {0};
    struct address client;
    char text[ADDRESS_TEXT_BYTES];
    assert_true(address_read(&client, "10.9.9.9", 8));
    for (; *lines; lines++)
        forwarded_add(&forwarded, is_x, *lines);
    forwarded_client(&forwarded, &proxies, &client);
    address_write(&client, text);
    assert_string_equal(text, want);
}
#define X(want, ...) assert_client(true, want, (const char *const[]){__VA_ARGS__, NULL})
#define FORWARDED(want, ...) assert_client(false, want, (const char *const[]){__VA_ARGS__, NULL})

static void the_client_is_the_last_who_is_no_proxy(void **state)
{
    (void)state;
    X("1.2.3.4", "1.2.3.4");
    X("1.2.3.4", " 6.6.6.6 ,\t1.2.3.4 ");
    X("1.2.3.4", "1.2.3.4, 10.0.0.1, 2001:db8::7");
    X("1.2.3.4", "6.6.6.6, 1.2.3.4,10.0.0.1");
    X("1.2.3.4", "1.2.3.4:5678");
    X("2001:db9::1", "[2001:db9::1]:443, 10.1.1.1");
    X("10.0.0.1", "10.0.0.1, 10.0.0.2"); /* nobody else: the first of the proxies */
    FORWARDED("1.2.3.4", "for=1.2.3.4");
    FORWARDED("1.2.3.4", "for=6.6.6.6, For=\"1.2.3.4:80\";proto=https;by=10.0.0.7, for=10.0.0.1");
    FORWARDED("2001:db9::1", "proto=http ; for=\"[2001:db9::1]:47\"");
    FORWARDED("1.2.3.4", "for=1.2.3.4;host=\"a,b;for=6.6.6.6\"");
}

static void several_lines_are_one_list(void **state)
{
    (void)state;
    X("1.2.3.4", "6.6.6.6", "1.2.3.4", "10.0.0.1");
    X("1.2.3.4", "a", "b", "c", "d", "e", "f", "g", "h", "1.2.3.4", "10.0.0.2", "10.0.0.1");
    X("10.0.0.1", "1.2.3.4", "1", "2", "3", "4", "5", "6", "7", "8", "10.0.0.1");
}

static void what_cannot_be_read_ends_the_walk(void **state)
{
    (void)state;
    X("10.9.9.9", "");
    X("10.9.9.9", ",");
    X("10.9.9.9", "unknown");
    X("10.9.9.9", "1.2.3.4,");
    X("10.0.0.1", "1.2.3.4, unknown, 10.0.0.1");
    X("10.0.0.1", "1.2.3.4, \"10.0.0.2, 10.0.0.1");
    FORWARDED("10.9.9.9", "");
    FORWARDED("10.9.9.9", "proto=https");
    FORWARDED("10.9.9.9", "for=_hidden");
    FORWARDED("10.9.9.9", "for=1.2.3.4;for=5.6.7.8");
    FORWARDED("10.9.9.9", "for=\"");
    FORWARDED("10.9.9.9", "for=");
    FORWARDED("10.0.0.1", "for=1.2.3.4, for=unknown, for=10.0.0.1");
}

static void the_header_that_most_proxies_write_goes_first(void **state)
{
    (void)state;
    struct forwarded forwarded = {0};
    struct address client = {0};
    char text[ADDRESS_TEXT_BYTES];
    forwarded_add(&forwarded, false, "for=6.6.6.6");
    forwarded_add(&forwarded, true, "1.2.3.4");
    forwarded_client(&forwarded, &proxies, &client);
    address_write(&client, text);
    assert_string_equal(text, "1.2.3.4");
}

/* Every text of a few bytes that mean something. */
static void no_text_is_read_beyond_its_ends(void **state)
{
    (void)state;
    static const char bytes[] = "\",;= 1.f[]";
    for (unsigned long long i = 0; i < 100000; i++) {
        char text[6] = "";
        unsigned long long rest = i;
        for (size_t k = 0; k < 5; k++, rest /= 10)
            text[k] = bytes[rest % 10];
        for (int is_x = 0; is_x <= 1; is_x++) {
            struct forwarded forwarded = {0};
            struct address client = {0};
            char *copy = strdup(text);
            forwarded_add(&forwarded, is_x, copy);
            forwarded_client(&forwarded, &proxies, &client);
            free(copy);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_is_the_last_who_is_no_proxy),
        cmocka_unit_test(several_lines_are_one_list),
        cmocka_unit_test(what_cannot_be_read_ends_the_walk),
        cmocka_unit_test(the_header_that_most_proxies_write_goes_first),
        cmocka_unit_test(no_text_is_read_beyond_its_ends),
    };
    return cmocka_run_group_tests(tests, trust, forget);
}
