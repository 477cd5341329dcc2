/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file numtext.h
 * Numbers to text: exact float text for JSON, and base64 of float arrays. Pure functions.
 *
 * Every finite float written reads back to the same 32 bits: enough digits are written that the
 * nearest float to the text is the float itself (nine significant digits always are enough, IEEE
 * 754). The text depends on the float alone, not on CPU, batch or neighbours.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Most bytes numtext_float writes. */
#define NUMTEXT_FLOAT_BYTES 32

/**
 * numtext_float writes one finite float as a JSON number and returns the bytes used, at most
 * NUMTEXT_FLOAT_BYTES, all of which must be writable: it may write past what it returns.
 */
size_t numtext_float(char *out, float x);

/**
 * numtext_floats writes `n` finite floats as `a,b,c` (no brackets) and returns the bytes used.
 * `out` has room for numtext_floats_bytes(n).
 */
size_t numtext_floats(char *out, const float *x, size_t n);
size_t numtext_floats_bytes(size_t n);

/** Room for a whole number. */
#define NUMTEXT_U64_BYTES 20

/** numtext_u64 writes `value` in decimal and returns the bytes used, at most NUMTEXT_U64_BYTES. */
size_t numtext_u64(char *out, uint64_t value);

/** numtext_base64 writes RFC 4648 base64 with padding; room for numtext_base64_bytes(bytes). */
size_t numtext_base64(char *out, const void *data, size_t bytes);
size_t numtext_base64_bytes(size_t bytes);

/** numtext_scale: value · 10^exponent; rounded once where |exponent| is at most 22, as such powers
 * are exact in float64. */
double numtext_scale(double value, int exponent);

/** numtext_hex_digit: the value of a hexadecimal digit, or -1. */
static inline int numtext_hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/**
 * numtext_base64_read decodes RFC 4648 base64 with padding.
 * @param out    room for bytes / 4 * 3
 * @param n_out  bytes written
 * @return false if it is not base64: another character, a length that is not a multiple of 4, wrong
 * padding
 */
bool numtext_base64_read(const char *text, size_t bytes, unsigned char *out, size_t *n_out);
