/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file seen.h
 * Which texts stand in another labelled file, such as the one that a head was trained on. One
 * thread.
 *
 * Texts count as the same where nothing but case, width and compatible forms (Unicode's NFKC) and
 * white space differs. Only a hash of 64 bits is kept of each: at most 32 bytes a text, and of
 * a million texts asked about among a million one is taken for another once in 10^7 times.
 */
#pragma once

#include "base/arena.h"
#include "model/train/labelled.h"

struct seen;

/**
 * seen_read reads the texts of a labelled file (a first row that may be its header among them,
 * which does no harm).
 * @param options  how, as for the rows that are asked about
 * @param left_out set to the rows that were left out, where options->skips_bad says so
 * @return NULL with err set as by labelled_open and labelled_next, or ERR_MEMORY
 */
struct seen *seen_read(const char *path, const struct labelled_options *options,
                       struct left_out *left_out, struct err *err);

/**
 * seen_has: whether a text stands in it.
 * @param arena for the text as it is compared
 * @return 1 or 0; -1 with ERR_MEMORY
 */
int seen_has(const struct seen *seen, struct arena *arena, const char *text, size_t bytes,
             struct err *err);

/** seen_free frees; NULL is fine. */
void seen_free(struct seen *seen);
