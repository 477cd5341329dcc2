/* SPDX-License-Identifier: Apache-2.0 */
#include "base/address.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

static void assert_reads(const char *text, const char *as, unsigned port)
{
    struct address address;
    char out[ADDRESS_TEXT_BYTES];
    assert_true(address_read(&address, text, strlen(text)));
    address_write(&address, out);
    assert_string_equal(out, as);
    assert_int_equal(address.port, port);
}

static void addresses_are_read_with_and_without_ports(void **state)
{
    (void)state;
    assert_reads("1.2.3.4", "1.2.3.4", 0);
    assert_reads("1.2.3.4:65535", "1.2.3.4", 65535);
    assert_reads("2001:DB8::1", "2001:db8::1", 0);
    assert_reads("[2001:db8::1]", "2001:db8::1", 0);
    assert_reads("[::1]:80", "::1", 80);
    assert_reads("::ffff:1.2.3.4", "1.2.3.4", 0);
    assert_reads("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535",
                 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535);
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const none[] = {
        "",          "1.2.3",      "1.2.3.4.5",     "1.2.3.256",
        "01.2.3.4",  " 1.2.3.4",   "1.2.3.4 ",      "1.2.3.4:",
        "1.2.3.4:x", "1.2.3.4:-1", "1.2.3.4:65536", "[::1",
        "[::1]x",    "[::1]:",     "::1]",          "unknown",
        "_hidden",   "unix",       "fe80::1%eth0",  "1.2.3.4:99999999999",
        "[]",        ":80",        "[1.2.3.4]]:1"};
    struct address address;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        char *copy = strdup(none[i]); /* of its own size */
        if (address_read(&address, copy, strlen(copy))) fail_msg("'%s' is none", copy);
        free(copy);
    }
    assert_false(address_read(&address, "1.2.3.4\0", 8));
    char longest[200];
    memset(longest, '1', sizeof longest);
    for (size_t n = 0; n < sizeof longest; n++)
        assert_false(address_read(&address, longest, n));
}

static bool is_in(const char *list, const char *text)
{
    struct networks networks;
    struct err err;
    struct address address = {.family = ADDRESS_UNIX};
    assert_true(networks_read(&networks, list, "trusted-proxies", &err));
    if (strcmp(text, "unix") != 0) assert_true(address_read(&address, text, strlen(text)));
    bool is_in = networks_have(&networks, &address);
    networks_clear(&networks);
    return is_in;
}

static void networks_have_the_addresses_that_begin_alike(void **state)
{
    (void)state;
    assert_true(is_in("10.0.0.0/8", "10.255.255.255"));
    assert_false(is_in("10.0.0.0/8", "11.0.0.0"));
    assert_true(is_in("192.168.4.0/22", "192.168.7.255"));
    assert_false(is_in("192.168.4.0/22", "192.168.8.0"));
    assert_false(is_in("192.168.4.0/22", "192.168.3.255"));
    assert_true(is_in("1.2.3.4", "1.2.3.4"));
    assert_false(is_in("1.2.3.4", "1.2.3.5"));
    assert_true(is_in("1.2.3.4/31", "1.2.3.5"));
    assert_true(is_in("0.0.0.0/0", "203.0.113.9"));
    assert_false(is_in("0.0.0.0/0", "::1"));
    assert_true(is_in("::/0", "2001:db8::1"));
    assert_false(is_in("::/0", "1.2.3.4"));
    assert_true(is_in("::/0\n0.0.0.0/0", "::ffff:1.2.3.4"));
    assert_true(is_in("2001:db8::/33", "2001:db8:7fff::"));
    assert_false(is_in("2001:db8::/33", "2001:db8:8000::"));
    assert_true(is_in("::1\nunix", "unix"));
    assert_false(is_in("::/0\n0.0.0.0/0", "unix"));
    assert_false(is_in("unix", "0.0.0.0"));
}

static void what_is_no_network_is_named(void **state)
{
    (void)state;
    static const char *const none[] = {"",
                                       "10.0.0.0/",
                                       "10.0.0.0/33",
                                       "10.0.0.1/8",
                                       "::/129",
                                       "2001:db8::1/32",
                                       "10.0.0.0/8/8",
                                       "localhost",
                                       "10.0.0.0/ 8",
                                       "10.0.0.0/-1",
                                       "*",
                                       "1.2.3.4:80",
                                       "::ffff:1.2.3.4/120",
                                       "10.0.0.0/8\n",
                                       "10.0.0.0/8\n\nunix"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct networks networks;
        struct err err;
        if (networks_read(&networks, none[i], "trusted-proxies", &err))
            fail_msg("'%s' is none", none[i]);
        assert_int_equal(err.code, ERR_USAGE);
        assert_non_null(strstr(err.message, "trusted-proxies must be"));
    }
}

static void addresses_without_a_text_have_none(void **state)
{
    (void)state;
    char out[ADDRESS_TEXT_BYTES];
    address_write(&(struct address){.family = ADDRESS_NONE}, out);
    assert_string_equal(out, "");
    address_write(&(struct address){.family = ADDRESS_UNIX}, out);
    assert_string_equal(out, "unix");
}

static void a_household_of_ipv6_is_one_client_and_no_two_addresses_of_ipv4_are(void **state)
{
    (void)state;
    static const char *const texts[] = {"10.0.0.1", "10.0.0.2",      "2001:db8:0:1::1",
                                        "::1",      "2001:db8::1:1", "::10.0.0.1"};
    uint64_t clients[6];
    for (size_t i = 0; i < 6; i++) {
        struct address address;
        assert_true(address_read(&address, texts[i], strlen(texts[i])));
        clients[i] = address_client(&address);
        for (size_t j = 0; j < i; j++)
            assert_int_equal(clients[i] == clients[j], i == 5 && j == 3);
    }
    struct address one, other;
    assert_true(address_read(&one, "[2001:db8::1]:7", 15));
    assert_true(address_read(&other, "2001:db8::ffff:1", 16));
    assert_int_equal(address_client(&one), address_client(&other));
    assert_int_equal(address_client(&(struct address){.family = ADDRESS_UNIX}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_with_and_without_ports),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(networks_have_the_addresses_that_begin_alike),
        cmocka_unit_test(what_is_no_network_is_named),
        cmocka_unit_test(addresses_without_a_text_have_none),
        cmocka_unit_test(a_household_of_ipv6_is_one_client_and_no_two_addresses_of_ipv4_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
