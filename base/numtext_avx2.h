/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file numtext_avx2.h
 * The AVX2 forms of numtext's loops, for numtext.c alone: the same bytes, faster. Only where
 * cpu_level() >= CPU_AVX2. Pure functions.
 */
#pragma once

#include <stddef.h>

/**
 * numtext_floats_avx2 writes floats, each followed by a comma, eight at a time, and stops before
 * the first eight that hold one outside 2^-15 <= |x| < 1 or a round one, or when fewer are left.
 * @param out moved behind what was written
 * @return how many floats were written: a multiple of eight
 */
size_t numtext_floats_avx2(char **out, const float *x, size_t n);

/** numtext_base64_avx2 writes 32 letters for each 24 bytes while at least 28 can be read, and
 * returns how many bytes of `data` were written so. */
size_t numtext_base64_avx2(char *out, const unsigned char *data, size_t bytes);
