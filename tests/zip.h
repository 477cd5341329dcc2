/* SPDX-License-Identifier: Apache-2.0 */
/** @file zip.h  Zip files of members as they are given, right or wrong in one thing, as malloc'ed
 * bytes.
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct zip_part {
    const char *name;
    const void *data;
    size_t bytes;
    unsigned flags, method; /* bit 0: encrypted; 0: stored */
    uint32_t claimed_bytes; /* unpacked, where it is not 0: instead of the true ones */
    const void *unpacked;   /* (claimed_bytes) what the sum is of, where it is not NULL */
};

static uint32_t zip_sum(const unsigned char *data, size_t bytes)
{
    uint32_t sum = ~0u;
    for (size_t i = 0; i < bytes; i++) {
        sum ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320u : 0);
    }
    return ~sum;
}

static unsigned char *zip_put(unsigned char *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *at++ = (unsigned char)(value >> (8 * i));
    return at;
}

static unsigned char *zip_copy(unsigned char *at, const void *data, size_t bytes)
{
    if (bytes > 0) memcpy(at, data, bytes);
    return at + bytes;
}

/* What the local header and the directory have in common, from the version on. */
static unsigned char *zip_put_facts(unsigned char *at, const struct zip_part *part)
{
    at = zip_put(at, 20, 2);
    at = zip_put(at, part->flags, 2);
    at = zip_put(at, part->method, 2);
    at = zip_put(at, 0x00210000, 4); /* 1980-01-01 */
    at = zip_put(at,
                 part->unpacked ? zip_sum(part->unpacked, part->claimed_bytes)
                                : zip_sum(part->data, part->bytes),
                 4);
    at = zip_put(at, part->bytes, 4);
    at = zip_put(at, part->claimed_bytes ? part->claimed_bytes : part->bytes, 4);
    at = zip_put(at, strlen(part->name), 2);
    return zip_put(at, 0, 2);
}

/* The file of `n` parts; to be freed. */
static unsigned char *zip_make(const struct zip_part *parts, size_t n, size_t *bytes)
{
    size_t room = 22;
    for (size_t i = 0; i < n; i++)
        room += parts[i].bytes + 2 * strlen(parts[i].name) + 30 + 46;
    unsigned char *start = malloc(room), *at = start;
    uint32_t *offsets = calloc(n + 1, sizeof *offsets);
    if (!start || !offsets) abort();
    for (size_t i = 0; i < n; i++) {
        offsets[i] = (uint32_t)(at - start);
        at = zip_put_facts(zip_put(at, 0x04034b50, 4), &parts[i]);
        at = zip_copy(at, parts[i].name, strlen(parts[i].name));
        at = zip_copy(at, parts[i].data, parts[i].bytes);
    }
    const size_t directory = (size_t)(at - start);
    for (size_t i = 0; i < n; i++) {
        at = zip_put_facts(zip_put(zip_put(at, 0x02014b50, 4), 20, 2), &parts[i]);
        at = zip_put(zip_put(at, 0, 4), 0, 6); /* no comment, disk 0, no attributes */
        at = zip_put(at, offsets[i], 4);
        at = zip_copy(at, parts[i].name, strlen(parts[i].name));
    }
    const size_t end = (size_t)(at - start);
    at = zip_put(zip_put(at, 0x06054b50, 4), 0, 4);
    at = zip_put(zip_put(at, n, 2), n, 2);
    at = zip_put(zip_put(at, end - directory, 4), directory, 4);
    at = zip_put(at, 0, 2);
    free(offsets);
    *bytes = (size_t)(at - start);
    return start;
}
