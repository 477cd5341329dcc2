/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file zip.h
 * The members of a zip file in memory, all looked over before one is unpacked. One thread at a
 * time.
 *
 * Refused are: what is cut off or damaged, encrypted members, packings other than stored and
 * deflated, two members of one name, names with a folder in them, and sizes of a zip bomb
 * (MEMBERS_BYTES_MAX, MEMBERS_RATIO_MAX).
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Of all members together, unpacked; and of all that is unpacked while the file is open, for a
 * tree may name a member more than once. */
#define MEMBERS_BYTES_MAX ((uint64_t)256 << 20)
/** A member of more than MEMBERS_SMALL_BYTES may be this many times larger than its packed size. */
#define MEMBERS_RATIO_MAX 200
#define MEMBERS_SMALL_BYTES ((uint64_t)1 << 20)

struct member;  /* its name, place and size */
struct reading; /* zip.c */

struct zip {
    struct err_file file; /* for messages */
    struct reading *reading;
    struct member *items; /* (n) by name */
    size_t n;
    uint64_t left; /* bytes that may still be unpacked */
};

/**
 * zip_open looks the file over.
 * @param bytes borrowed while the members are open
 * @return false with ERR_FORMAT (file, member, remedy) or ERR_MEMORY; zip_close either way
 */
bool zip_open(struct zip *members, struct span bytes, struct err_file file);

/**
 * zip_read unpacks the member `name` and checks its sum.
 * @param bytes_max a larger one is refused
 * @param out       owned by the caller (free out->data); empty on failure
 */
bool zip_read(struct zip *members, const char *name, uint64_t bytes_max, struct span *out);

void zip_close(struct zip *members);
