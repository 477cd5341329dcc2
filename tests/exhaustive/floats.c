/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes every finite float32 and reads it back with strtof, and by way of double: both must give
 * the same 32 bits. Takes half an hour of one core; not part of `make test`. Build and run:
 *
 *     make build/release/tests/exhaustive/floats
 *     build/release/tests/exhaustive/floats [THREADS [rows]]
 *
 * With `rows` it only checks that eight at once give the same text as one by one (seconds).
 */
#include "base/numtext.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BITS 20

static bool only_rows; /* leave the reading back out */
static _Atomic uint32_t next_block;
static _Atomic uint64_t checked_count, wrong_count;
static _Atomic size_t bytes_max;

static size_t write_text(char text[static NUMTEXT_FLOAT_BYTES + 1], uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    size_t bytes = numtext_float(text, x);
    text[bytes] = '\0';
    if (bytes > bytes_max) bytes_max = bytes;
    return bytes;
}

static bool reads_back(const char *text, uint32_t bits)
{
    float back[2] = {strtof(text, NULL), (float)strtod(text, NULL)};
    return memcmp(&back[0], &bits, sizeof bits) == 0 && memcmp(&back[1], &bits, sizeof bits) == 0;
}

/* A float and its negative, which is read back only where it is not the same text with a sign. */
static void check_both(uint32_t bits)
{
    char text[NUMTEXT_FLOAT_BYTES + 1], negative[NUMTEXT_FLOAT_BYTES + 1];
    size_t bytes = write_text(text, bits), bytes_negative = write_text(negative, bits | 1u << 31);
    bool is_same =
        bytes_negative == bytes + 1 && *negative == '-' && memcmp(text, negative + 1, bytes) == 0;
    if (reads_back(text, bits) && (is_same || reads_back(negative, bits | 1u << 31))) return;
    if (wrong_count++ < 10) fprintf(stderr, "%08" PRIx32 " is written %s\n", bits, text);
}

/* Eight neighbours at once, which a CPU with AVX2 writes in another way: the same bytes. */
static void check_row(uint32_t bits)
{
    char one[8 * (NUMTEXT_FLOAT_BYTES + 1)], row_text[8 * (NUMTEXT_FLOAT_BYTES + 1)], *at = one;
    float row[8];
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t signed_bits = (bits + i) | (i % 2) << 31;
        memcpy(&row[i], &signed_bits, sizeof signed_bits);
        at += numtext_float(at, row[i]);
        *at++ = ',';
    }
    size_t bytes = numtext_floats(row_text, row, 8);
    if (bytes + 1 == (size_t)(at - one) && memcmp(one, row_text, bytes) == 0) return;
    if (wrong_count++ < 10)
        fprintf(stderr, "%08" PRIx32 "... is written %.*s\n", bits, (int)bytes, row_text);
}

static void *work(void *user)
{
    for (uint32_t block; (block = next_block++) < 1u << (31 - BLOCK_BITS);) {
        uint32_t first = block << BLOCK_BITS;
        if ((first >> 23 & 0xFF) == 0xFF) continue; /* infinite, or no number */
        for (uint32_t i = 0; i < 1u << BLOCK_BITS && !only_rows; i++)
            check_both(first + i);
        /* Outside 2^-17 to 4 all eight are written one by one: a sample. */
        uint32_t exponent = first >> 23, step = exponent > 109 && exponent < 129 ? 8 : 8192;
        for (uint32_t i = 0; i < 1u << BLOCK_BITS; i += step)
            check_row(first + i);
        checked_count += 2u << BLOCK_BITS;
    }
    return user;
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 1;
    only_rows = argc > 2 && strcmp(argv[2], "rows") == 0;
    pthread_t threads[64];
    if (n < 1 || n > 64) return 2;
    for (int i = 0; i < n; i++) {
        if (pthread_create(&threads[i], NULL, work, NULL) != 0) return 1;
    }
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    printf("%" PRIu64 " floats, %" PRIu64 " wrong, longest text %zu bytes\n", checked_count,
           wrong_count, bytes_max);
    return wrong_count > 0;
}
