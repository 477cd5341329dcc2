/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes on a connection: what passes is the same however they are cut into pieces, and within
   what libmicrohttpd has memory for. The first two bytes choose the pieces and the room. */
#include "server/framing.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX 4096
/* A path, the lines that pass, and what stands around them. */
#define PLAIN_HEAD_MAX (32 + 1024 + 12 + 4096 + 24)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct passed {
    char *bytes;
    size_t n;
    struct framing framing;
};

static struct passed pass(const uint8_t *data, size_t size, size_t piece, size_t room)
{
    struct passed passed = {.bytes = malloc(size + 1)};
    framing_init(&passed.framing, HEAD_MAX, UINT_MAX);
    for (size_t at = 0; at < size;) {
        size_t n = size - at < piece ? size - at : piece;
        if (n > room) n = room;
        /* Of its own size, so that the sanitizer sees a step beyond. */
        char *buffer = malloc(room);
        memcpy(buffer, data + at, n);
        at += n;
        for (size_t got = framing_take(&passed.framing, buffer, n, room); got > 0;
             got = framing_take(&passed.framing, buffer, 0, room)) {
            if (got > room || passed.n + got > size) abort();
            memcpy(passed.bytes + passed.n, buffer, got);
            passed.n += got;
        }
        free(buffer);
    }
    return passed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    size_t piece = 1 + data[0], room = 1 + 16 * (size_t)data[1];
    data += 2;
    size -= 2;
    struct passed whole = pass(data, size, size + 1, size + 1);
    struct passed cut = pass(data, size, piece, room);
    if (whole.n != cut.n || memcmp(whole.bytes, cut.bytes, whole.n) != 0 ||
        whole.framing.fault != cut.framing.fault || whole.framing.state != cut.framing.state ||
        whole.framing.n_begun != cut.framing.n_begun)
        abort();
    const char *end = whole.n > 0 ? memmem(whole.bytes, whole.n, "\r\n\r\n", 4) : NULL;
    if (whole.n > 0 && (!end || end - whole.bytes > PLAIN_HEAD_MAX)) abort();
    if (whole.framing.fault) {
        char reply[FRAMING_REPLY_BYTES];
        if (framing_write_reply(whole.framing.fault, reply) < 100) abort();
    }
    framing_clear(&whole.framing);
    framing_clear(&cut.framing);
    free(whole.bytes);
    free(cut.bytes);
    return 0;
}

#ifdef __clang__
/* Bytes changed at random hardly ever come near a limit. So half of the inputs are made: heads
   whose target, query, lines and length are about as long as they may be, with a request behind
   them. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

struct maker {
    char *out;
    size_t n, max;
    unsigned seed;
};

static unsigned pick(struct maker *maker, unsigned n)
{
    maker->seed = maker->seed * 1664525u + 1013904223u;
    return (maker->seed >> 8) % n;
}

static void add(struct maker *maker, const char *text)
{
    for (; *text && maker->n < maker->max; text++)
        maker->out[maker->n++] = *text;
}

static void repeat(struct maker *maker, const char *text, size_t bytes)
{
    for (size_t end = maker->n + bytes; maker->n + strlen(text) <= end && maker->n < maker->max;)
        add(maker, text);
}

static size_t near(struct maker *maker, size_t limit)
{
    return limit + 4 - pick(maker, 9);
}

static void add_head(struct maker *maker)
{
    static const char *const methods[] = {"GET ", "POST ", "OPTIONS ", "X "};
    static const char *const units[] = {"&", "a=b&", "x", "%41", "%00", "/", "\xC3\xA9", "?"};
    static const char *const lines[] = {"Host: x\r\n",
                                        "a:\r\n",
                                        "Cookie: a=b; c=d\r\n",
                                        "Accept: a\r\n",
                                        "Accept-Encoding: gzip;q=1.0, zstd\r\n",
                                        "Expect: 100-continue\r\n",
                                        "Content-Length: 3\r\n",
                                        "Connection: close\r\n",
                                        "Content-Type: a\r\n",
                                        "Transfer-Encoding: chunked\r\n",
                                        "x-request-id: 1\r\n"};
    size_t start = maker->n;
    add(maker, methods[pick(maker, 4)]);
    add(maker, pick(maker, 8) ? "/" : "http://h/");
    if (pick(maker, 2))
        repeat(maker, units[pick(maker, 8)], pick(maker, 2) ? 5 : near(maker, 1023));
    add(maker, pick(maker, 2) ? "?" : "");
    if (pick(maker, 2))
        repeat(maker, units[pick(maker, 8)], near(maker, pick(maker, HEAD_MAX) + 8));
    add(maker, " HTTP/1.1\r\nHost: x\r\n");
    for (unsigned i = pick(maker, 24); i > 0; i--)
        add(maker, lines[pick(maker, 11)]);
    if (pick(maker, 2)) {
        add(maker, pick(maker, 2) ? "Accept: " : "Cookie: ");
        size_t used = maker->n - start + 4,
               limit = pick(maker, 2) ? 256 : HEAD_MAX - used % HEAD_MAX;
        repeat(maker, "x", near(maker, limit + 4));
        add(maker, "\r\n");
    }
    add(maker, "\r\n");
    add(maker, pick(maker, 2) ? "abc" : "3;x=y\r\nabc\r\n0\r\nX: y\r\n\r\n");
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    if (seed % 2 || size_max < 64) return LLVMFuzzerMutate(data, size, size_max);
    struct maker maker = {(char *)data, 2, size_max, seed};
    data[0] = (uint8_t)pick(&maker, 256);
    data[1] = (uint8_t)pick(&maker, 256);
    for (unsigned i = 1 + pick(&maker, 3); i > 0; i--)
        add_head(&maker);
    return maker.n;
}
#endif
