/* SPDX-License-Identifier: Apache-2.0 */
#include "server/proxy_header.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define START SIGNATURE "\x21"
#define IPV4 START "\x11\0\x0c\x01\x02\x03\x04\x0a\0\0\x01\xff\xfe\0\x50"
#define IPV6                                                                                       \
    START "\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09"                                   \
          "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x34\0\x50"
#define LOCAL SIGNATURE "\x20\0\0\0"

struct sample {
    const char *bytes;
    size_t n;
    const char *client;
    unsigned port;
};
#define SAMPLE(bytes, client, port)                                                                \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, client, port                                                     \
    }

static char local_addresses[16 + 216] = SIGNATURE "\x21\x31\0\xd8/run/proxy";

static const struct sample samples[] = {
    SAMPLE(IPV4, "1.2.3.4", 0xFFFE),
    SAMPLE(IPV6, "2001:db8::9", 0x1234),
    SAMPLE(LOCAL, "9.9.9.9", 9),
    /* LOCAL says nothing, whatever stands behind it. */
    SAMPLE(SIGNATURE "\x20\x11\0\x0c\x01\x02\x03\x04\x0a\0\0\x01\xff\xfe\0\x50", "9.9.9.9", 9),
    SAMPLE(START "\0\0\0", "9.9.9.9", 9),
    /* TLVs: a name of the host, and a checksum that nobody asks for. */
    SAMPLE(START "\x11\0\x1a\x01\x02\x03\x04\x0a\0\0\x01\xff\xfe\0\x50"
                 "\x02\0\x04host\x03\0\x04\0\0\0\0",
           "1.2.3.4", 0xFFFE),
    {local_addresses, sizeof local_addresses, "unix", 0},
};
#define N_SAMPLES (sizeof samples / sizeof *samples)

/* Takes the bytes in pieces of `step`, none beyond the header; how many it has taken. */
static size_t take(struct proxy_header *header, const char *bytes, size_t n, size_t step)
{
    size_t taken = 0;
    *header = (struct proxy_header){0};
    for (size_t want; taken < n && (want = proxy_header_wants(header)) > 0;) {
        size_t piece = step < want ? step : want;
        if (piece > n - taken) piece = n - taken;
        bool is_sound = proxy_header_take(header, (const uint8_t *)bytes + taken, piece);
        taken += piece;
        if (!is_sound) break;
    }
    return taken;
}

static void headers_say_who_the_client_is_however_they_are_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SAMPLES; i++) {
        char behind[400], text[ADDRESS_TEXT_BYTES];
        memcpy(behind, samples[i].bytes, samples[i].n);
        memcpy(behind + samples[i].n, "GET / HTTP/1.1\r\n", 16);
        for (size_t step = 1; step <= samples[i].n; step++) {
            struct proxy_header header;
            struct address client = address_of_ipv4((const uint8_t *)"\x9\x9\x9\x9", 9);
            assert_int_equal(take(&header, behind, samples[i].n + 16, step), samples[i].n);
            assert_false(header.is_faulty);
            proxy_header_client(&header, &client);
            address_write(&client, text);
            assert_string_equal(text, samples[i].client);
            assert_int_equal(client.port, samples[i].port);
        }
    }
}

static void a_cut_header_wants_more_at_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SAMPLES; i++) {
        for (size_t n = 0; n < samples[i].n; n++) {
            struct proxy_header header;
            char *bytes = malloc(n + 1); /* of their own size */
            memcpy(bytes, samples[i].bytes, n);
            assert_int_equal(take(&header, bytes, n, SIZE_MAX), n);
            assert_false(header.is_faulty);
            assert_true(proxy_header_wants(&header) > 0);
            free(bytes);
        }
    }
}

static void what_is_no_header_is_refused_at_its_first_wrong_byte(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n, wrong_at;
    } none[] = {
#define NONE(bytes, at) {bytes, sizeof(bytes) - 1, at}
        NONE("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", 0),
        NONE("GET / HTTP/1.1\r\n\r\n", 0),
        NONE("\x16\x03\x01", 0),
        NONE("\r\n\r\nGET / HTTP/1.1\r\n", 4),
        NONE("\r\n\r\n\0\r\nQUIT\r", 11),
        NONE(SIGNATURE "\x11", 12), /* version 1 */
        NONE(SIGNATURE "\x31", 12),
        NONE(SIGNATURE "\x22", 12), /* no such command */
        NONE(START "\x41", 13),     /* family, transport */
        NONE(START "\x13", 13),
        NONE(START "\x11\0\x0b", 15), /* shorter than its addresses */
        NONE(START "\x21\0\x23", 15),
        NONE(START "\x31\0\xd7", 15),
        NONE(START "\x11\x0f\xf1", 15), /* longer than there may be */
        NONE(START "\x11\xff\xff", 15),
        NONE(SIGNATURE "\x20\0\xff\xff", 15),
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct proxy_header header;
        size_t taken = take(&header, none[i].bytes, none[i].n, 1);
        assert_true(header.is_faulty);
        assert_int_equal(taken, none[i].wrong_at + 1);
        assert_int_equal(proxy_header_wants(&header), 0);
        take(&header, none[i].bytes, none[i].n, SIZE_MAX);
        assert_true(header.is_faulty);
    }
}

static void the_longest_header_is_taken(void **state)
{
    (void)state;
    char longest[PROXY_HEADER_BYTES_MAX + 1] = START "\x11\x0f\xf0\x01\x02\x03\x04";
    for (size_t step = 1; step < sizeof longest; step += 97) {
        struct proxy_header header;
        assert_int_equal(take(&header, longest, sizeof longest, step), PROXY_HEADER_BYTES_MAX);
        assert_false(header.is_faulty);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_say_who_the_client_is_however_they_are_cut),
        cmocka_unit_test(a_cut_header_wants_more_at_every_cut),
        cmocka_unit_test(what_is_no_header_is_refused_at_its_first_wrong_byte),
        cmocka_unit_test(the_longest_header_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
