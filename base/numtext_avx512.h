/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file numtext_avx512.h
 * The AVX-512 forms of numtext's loops, for numtext.c alone: the same bytes, faster. Only where
 * cpu_has_ifma_vbmi2(). Pure functions.
 */
#pragma once

#include <stddef.h>

/** numtext_floats_avx512 does what numtext_floats_avx2 does; of its room, which is that of
 * numtext_floats, more may be overwritten than it says it has written. */
size_t numtext_floats_avx512(char **out, const float *x, size_t n);

/** numtext_base64_avx512 writes four letters for each three bytes, and returns how many bytes of
 * `data` were written so: all but `bytes` % 3. */
size_t numtext_base64_avx512(char *out, const unsigned char *data, size_t bytes);
