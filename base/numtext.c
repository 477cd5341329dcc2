/* SPDX-License-Identifier: Apache-2.0 */
#include "base/numtext.h"

#include "base/cpu.h"
#include "base/numtext_avx2.h"
#include "base/numtext_avx512.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/*
 * A float is M·2^(e-23), M < 2^24, with 2^e <= |x| < 2^(e+1). Written with d decimals it is the
 * whole number m = round(|x|·10^d), which is M·5^d shifted right by s = 23 - e - d: whole numbers
 * all the way, so the text is the same on every CPU.
 *
 * Why it reads back: the text is off by at most 10^-d / 2. The nearest other float is 2^(e-23)
 * away, below a power of two 2^(e-24), so whatever is less than 2^(e-25) off is nearest to x. d is
 * the least with 10^-d < 2^(e-24). The two are never nearly equal (10^-d is at most 0.91 times as
 * large), so a reader that goes through double ends at the same float too.
 *
 * For the same reason m < 10·2^25, at most nine digits; M·5^d fits 64 bits down to e = -32.
 */
#define EXPONENT_MIN (-32)
#define EXPONENT_MAX 22

struct scale {
    uint64_t factor;  /* 5^d */
    uint64_t half;    /* of what the shift drops: rounds to nearest */
    uint8_t shift;    /* s */
    uint8_t decimals; /* d */
};

#define SCALE(e, d, power)                                                                         \
    {                                                                                              \
        power, (uint64_t)1 << (23 - (e) - (d)) >> 1, 23 - (e) - (d), d                             \
    }
static const struct scale scales[] = {
    SCALE(-32, 17, 762939453125),
    SCALE(-31, 17, 762939453125),
    SCALE(-30, 17, 762939453125),
    SCALE(-29, 16, 152587890625),
    SCALE(-28, 16, 152587890625),
    SCALE(-27, 16, 152587890625),
    SCALE(-26, 16, 152587890625),
    SCALE(-25, 15, 30517578125),
    SCALE(-24, 15, 30517578125),
    SCALE(-23, 15, 30517578125),
    SCALE(-22, 14, 6103515625),
    SCALE(-21, 14, 6103515625),
    SCALE(-20, 14, 6103515625),
    SCALE(-19, 13, 1220703125),
    SCALE(-18, 13, 1220703125),
    SCALE(-17, 13, 1220703125),
    SCALE(-16, 13, 1220703125),
    SCALE(-15, 12, 244140625),
    SCALE(-14, 12, 244140625),
    SCALE(-13, 12, 244140625),
    SCALE(-12, 11, 48828125),
    SCALE(-11, 11, 48828125),
    SCALE(-10, 11, 48828125),
    SCALE(-9, 10, 9765625),
    SCALE(-8, 10, 9765625),
    SCALE(-7, 10, 9765625),
    SCALE(-6, 10, 9765625),
    SCALE(-5, 9, 1953125),
    SCALE(-4, 9, 1953125),
    SCALE(-3, 9, 1953125),
    SCALE(-2, 8, 390625),
    SCALE(-1, 8, 390625),
    SCALE(0, 8, 390625),
    SCALE(1, 7, 78125),
    SCALE(2, 7, 78125),
    SCALE(3, 7, 78125),
    SCALE(4, 7, 78125),
    SCALE(5, 6, 15625),
    SCALE(6, 6, 15625),
    SCALE(7, 6, 15625),
    SCALE(8, 5, 3125),
    SCALE(9, 5, 3125),
    SCALE(10, 5, 3125),
    SCALE(11, 4, 625),
    SCALE(12, 4, 625),
    SCALE(13, 4, 625),
    SCALE(14, 4, 625),
    SCALE(15, 3, 125),
    SCALE(16, 3, 125),
    SCALE(17, 3, 125),
    SCALE(18, 2, 25),
    SCALE(19, 2, 25),
    SCALE(20, 2, 25),
    SCALE(21, 1, 5),
    SCALE(22, 1, 5),
};

/*
 * Most of an embedding is below 1 and has at most 12 decimals. There 5^d·2^(32-s) is a whole number
 * too: m = (M·factor + 2^31) >> 32, the same for every exponent.
 */
#define FAST_MIN (127 - 15) /* biased exponents */
#define FAST_MAX (127 - 1)

struct fast_scale {
    uint64_t factor;
    uint64_t decimals;
};

#define FAST(e, d, power)                                                                          \
    {                                                                                              \
        (uint64_t)(power) << (9 + (e) + (d)), d                                                    \
    }
static const struct fast_scale fast_scales[FAST_MAX - FAST_MIN + 1] = {
    FAST(-15, 12, 244140625), FAST(-14, 12, 244140625), FAST(-13, 12, 244140625),
    FAST(-12, 11, 48828125),  FAST(-11, 11, 48828125),  FAST(-10, 11, 48828125),
    FAST(-9, 10, 9765625),    FAST(-8, 10, 9765625),    FAST(-7, 10, 9765625),
    FAST(-6, 10, 9765625),    FAST(-5, 9, 1953125),     FAST(-4, 9, 1953125),
    FAST(-3, 9, 1953125),     FAST(-2, 8, 390625),      FAST(-1, 8, 390625),
};

static inline uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline const struct scale *scale_of(uint32_t biased_exponent)
{
    return &scales[biased_exponent - (127 + EXPONENT_MIN)];
}

/*
 * A number somebody typed, such as 0.1, is the float nearest to it: m then is within half a float
 * of a round number, and 10 units of m are more than half a float. Of other numbers 0.2 % look so.
 */
#define NEAR 9
static inline bool looks_round(uint32_t low_four_digits)
{
    return low_four_digits - (NEAR + 1) >= 10000 - 2 * NEAR - 1;
}

/* The roundest number that still reads back as M, for text like 0.1 instead of 0.100000001. */
static uint64_t roundest(uint64_t m, uint32_t M, const struct scale *scale)
{
    unsigned __int128 exact = (unsigned __int128)M * scale->factor;
    /* Half of the way to the next float, in the same unit; below a power of two a quarter. */
    uint64_t reach = scale->factor / (M == 1u << 23 ? 4 : 2);
    for (uint64_t power = 100000000; power > 1; power /= 10) {
        uint64_t round = (m + power / 2) / power * power;
        unsigned __int128 value = (unsigned __int128)round << scale->shift;
        unsigned __int128 off = value > exact ? value - exact : exact - value;
        if (off < reach) return round;
    }
    return m;
}

/*
 * From two numbers below 10^4, in 32 bits each, to their eight digits, in the order of the text
 * from the lowest byte up: all lanes at once. A lane v becomes its quotient q by 100 (by 10), and v
 * - q·100 in the lane above, which is v·2^16 - q·(100·2^16 - 1). The quotients are multiplications
 * that are exact for four (for two) digits.
 */
static inline uint64_t split_digits(uint64_t fours)
{
    uint64_t hundreds = (fours * 10486 >> 20) & 0x0000007F0000007F;
    uint64_t pairs = (fours << 16) - hundreds * ((100 << 16) - 1);
    uint64_t tens = (pairs * 103 >> 10) & 0x000F000F000F000F;
    return (pairs << 8) - tens * ((10 << 8) - 1);
}

/* Eight characters, the first in the lowest byte. */
static inline void store_text(char *out, uint64_t text)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    text = __builtin_bswap64(text);
#endif
    memcpy(out, &text, 8);
}

size_t numtext_u64(char *out, uint64_t value)
{
    size_t n = 1;
    for (uint64_t power = 10; n < NUMTEXT_U64_BYTES && value >= power; power *= 10)
        n++;
    for (size_t at = n; at > 0; value /= 10)
        out[--at] = (char)('0' + value % 10);
    return n;
}

/* m·10^-d as plain text, without zeros at the end. */
static size_t write_fixed(char *out, uint64_t m, unsigned decimals)
{
    for (; decimals > 0 && m % 10 == 0; decimals--)
        m /= 10;
    char digits[20];
    size_t n = numtext_u64(digits, m), at = 0;
    if (n <= decimals) { /* 0.00m */
        memcpy(out, "0.00000000000000000", 19);
        memcpy(out + 2 + decimals - n, digits, n);
        return 2 + decimals;
    }
    memcpy(out, digits, n - decimals);
    at = n - decimals;
    if (decimals == 0) return at;
    out[at++] = '.';
    memcpy(out + at, digits + n - decimals, decimals);
    return at + decimals;
}

/* Any finite float that is not negative. */
static size_t write_general(char *out, float x)
{
    uint32_t bits = bits_of(x), M = (bits & 0x7FFFFF) | 1u << 23;
    int e = (int)(bits >> 23) - 127;
    assert(e < 128);
    if (bits == 0) return numtext_u64(out, 0);
    if (e > EXPONENT_MAX && e < 63) return numtext_u64(out, (uint64_t)x);
    /* Nine significant digits always are enough (IEEE 754-2008, 5.12.2). */
    if (e > EXPONENT_MAX || e < EXPONENT_MIN)
        return (size_t)snprintf(out, NUMTEXT_FLOAT_BYTES - 1, "%.8e", (double)x);
    const struct scale *scale = scale_of(bits >> 23);
    uint64_t m = (M * scale->factor + scale->half) >> scale->shift;
    if (looks_round(m % 10000)) m = roundest(m, M, scale);
    return write_fixed(out, m, scale->decimals);
}

static __attribute__((noinline)) size_t write_rare(char *out, float x)
{
    uint32_t bits = bits_of(x);
    if (bits == 0x80000000) {
        memcpy(out, "-0.0", 4);
        return 4;
    }
    if (!(bits >> 31)) return write_general(out, x);
    *out = '-';
    return 1 + write_general(out + 1, -x);
}

/*
 * 0.dddddddd to 0.dddddddddddd: m's last eight digits end where the text ends, its ninth (0 to 3)
 * stands before them, and zeros fill the gap. With d = 8 the ninth is 0 and adds nothing to the
 * point.
 */
static inline size_t write_float(char *out, float x)
{
    uint32_t bits = bits_of(x), above_min = bits * 2 - (FAST_MIN << 24);
    if (above_min >= (FAST_MAX - FAST_MIN + 1) << 24) return write_rare(out, x);
    const struct fast_scale *scale = &fast_scales[above_min >> 24];
    uint64_t M = (bits & 0x7FFFFF) | 1u << 23, decimals = scale->decimals;
    uint32_t m = (uint32_t)((M * scale->factor + (1u << 31)) >> 32);
    uint32_t high = m / 10000, low = m - high * 10000;
    uint64_t ninth = high / 10000;
    if (looks_round((uint32_t)low)) return write_rare(out, x);

    size_t sign = bits >> 31;
    *out = '-';
    out += sign;
    store_text(out, 0x3030303030302E30 + (ninth << (decimals * 8 - 56)));
    uint64_t fours = (high - ninth * 10000) | (uint64_t)low << 32;
    store_text(out + decimals - 6, split_digits(fours) + 0x3030303030303030);
    return sign + 2 + decimals;
}

size_t numtext_float(char *out, float x)
{
    return write_float(out, x);
}

/* Longest text of a float: -0. and 17 decimals, or - and 19 digits. */
#define FLOAT_TEXT_MAX 20

size_t numtext_floats_bytes(size_t n)
{
    return n * (FLOAT_TEXT_MAX + 1) + NUMTEXT_FLOAT_BYTES;
}

size_t numtext_floats(char *out, const float *x, size_t n)
{
    if (n == 0) return 0;
    char *at = out;
    const bool has_ifma = cpu_has_ifma_vbmi2(), has_avx2 = cpu_level() >= CPU_AVX2;
    for (size_t i = 0; i < n;) {
        if (has_ifma)
            i += numtext_floats_avx512(&at, x + i, n - i);
        else if (has_avx2)
            i += numtext_floats_avx2(&at, x + i, n - i);
        /* Those eight that it would not write, or the rest. */
        size_t end = i + 8 < n ? i + 8 : n;
        for (; i < end; i++) {
            at += write_float(at, x[i]);
            *at++ = ',';
        }
    }
    return (size_t)(at - out) - 1;
}

/* ---- base64 (RFC 4648, section 4) ---- */

static const char base64_letters[65] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t numtext_base64_bytes(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

size_t numtext_base64(char *out, const void *data, size_t bytes)
{
    const unsigned char *in = data;
    char *at = out;
    if (cpu_level() >= CPU_AVX2) {
        size_t done = cpu_has_ifma_vbmi2() ? numtext_base64_avx512(at, in, bytes)
                                           : numtext_base64_avx2(at, in, bytes);
        in += done;
        bytes -= done;
        at += done / 3 * 4;
    }
    for (; bytes >= 3; bytes -= 3, in += 3, at += 4) {
        uint32_t group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        at[0] = base64_letters[group >> 18];
        at[1] = base64_letters[group >> 12 & 63];
        at[2] = base64_letters[group >> 6 & 63];
        at[3] = base64_letters[group & 63];
    }
    if (bytes > 0) {
        uint32_t group = (uint32_t)in[0] << 16 | (bytes > 1 ? (uint32_t)in[1] << 8 : 0);
        at[0] = base64_letters[group >> 18];
        at[1] = base64_letters[group >> 12 & 63];
        at[2] = bytes > 1 ? base64_letters[group >> 6 & 63] : '=';
        at[3] = '=';
        at += 4;
    }
    return (size_t)(at - out);
}

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool numtext_base64_read(const char *text, size_t bytes, unsigned char *out, size_t *n_out)
{
    *n_out = 0;
    if (bytes % 4 != 0) return false;
    size_t padding = bytes > 0 && text[bytes - 1] == '=' ? 1 + (text[bytes - 2] == '=') : 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < bytes; i++) {
        int value = i >= bytes - padding ? 0 : sextet(text[i]);
        if (value < 0) return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 3) continue;
        size_t n = i + 1 == bytes ? 3 - padding : 3;
        for (size_t k = 0; k < n; k++)
            out[(*n_out)++] = (unsigned char)(bits >> (16 - 8 * k));
    }
    return true;
}

double numtext_scale(double value, int exponent)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const int most = sizeof powers / sizeof *powers - 1;
    for (; exponent > most; exponent -= most)
        value *= powers[most];
    for (; exponent < -most; exponent += most)
        value /= powers[most];
    return exponent < 0 ? value / powers[-exponent] : value * powers[exponent];
}
