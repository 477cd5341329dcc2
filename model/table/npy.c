/* SPDX-License-Identifier: Apache-2.0 */
/* NumPy's .npy (NEP 1): "\x93NUMPY", version, the length of the header, and in it a Python
   dictionary of three keys; then the numbers. */
#include "model/table/table.h"

#include <stdarg.h>
#include <string.h>

#define MAGIC "\x93NUMPY"
#define MAGIC_BYTES 6

struct reader {
    const char *at, *end; /* the dictionary */
    const char *where;
    struct err *err;
};

static bool fail(const struct reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(const struct reader *r, const char *fmt, ...)
{
    va_list values;
    va_start(values, fmt);
    err_set_in(r->err, r->where, fmt, values);
    va_end(values);
    return false;
}

bool table_is_npy(struct span file)
{
    return file.bytes >= MAGIC_BYTES && memcmp(file.data, MAGIC, MAGIC_BYTES) == 0;
}

/* Where the header's dictionary lies; the numbers follow it. */
static bool find_header(struct reader *r, struct span file)
{
    const unsigned char *bytes = (const unsigned char *)file.data;
    const size_t fixed = file.bytes > MAGIC_BYTES && bytes[MAGIC_BYTES] >= 2 ? 12 : 10;
    if (file.bytes < fixed)
        return fail(r, "%zu bytes are too few for a .npy file; copy it again", file.bytes);
    if (bytes[MAGIC_BYTES] < 1 || bytes[MAGIC_BYTES] > 3)
        return fail(r, "it is .npy of version %u; 1 to 3 are read: save it again with NumPy",
                    bytes[MAGIC_BYTES]);
    size_t header = bytes[8] | (size_t)bytes[9] << 8;
    if (fixed == 12) header |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (header > file.bytes - fixed)
        return fail(r, "it ends within its header; it is cut short: copy it again");
    r->at = file.data + fixed;
    r->end = r->at + header;
    return true;
}

/* Past 'key': and spaces. */
static const char *find_value(const struct reader *r, const char *key)
{
    const size_t bytes = strlen(key);
    for (const char *at = r->at; (size_t)(r->end - at) > bytes; at++) {
        if (memcmp(at, key, bytes) != 0) continue;
        for (at += bytes; at < r->end && *at == ' ';)
            at++;
        return at;
    }
    return NULL;
}

static bool begins(const struct reader *r, const char *at, const char *text)
{
    const size_t bytes = strlen(text);
    return at && (size_t)(r->end - at) >= bytes && memcmp(at, text, bytes) == 0;
}

static bool read_dtype(const struct reader *r, struct table *table, size_t *item_bytes)
{
    static const struct {
        const char *name;
        enum dtype dtype;
        size_t bytes;
    } dtypes[] = {{"'<f8'", DTYPE_F64, 8},
                  {"'<f4'", DTYPE_F32, 4},
                  {"'<f2'", DTYPE_F16, 2},
                  {"'|i1'", DTYPE_I8, 1}};
    const char *value = find_value(r, "'descr':");
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        if (!begins(r, value, dtypes[i].name)) continue;
        table->dtype = dtypes[i].dtype;
        *item_bytes = dtypes[i].bytes;
        return true;
    }
    return fail(r, "its numbers are none of <f8, <f4, <f2 and |i1; save it as one of these "
                   "(in NumPy: array.astype('<f4'))");
}

static bool read_size(const struct reader *r, const char **at, uint32_t *out)
{
    uint64_t value = 0;
    const char *start = *at;
    for (; *at < r->end && **at >= '0' && **at <= '9' && value < UINT32_MAX; ++*at)
        value = value * 10 + (uint64_t)(**at - '0');
    *out = (uint32_t)value;
    return *at > start && value > 0 && value < UINT32_MAX;
}

static bool read_shape(const struct reader *r, struct table *table)
{
    const char *at = find_value(r, "'shape':");
    if (begins(r, at, "(")) {
        at++;
        if (read_size(r, &at, &table->n_rows) && begins(r, at, ", ") && (at += 2) &&
            read_size(r, &at, &table->dim) && begins(r, at, ")"))
            return true;
    }
    return fail(r,
                "its shape must be of two dimensions, tokens and columns, both from 1 to 2^32 - 2");
}

bool table_open_npy(struct table *table, struct span file, const char *where, struct err *err)
{
    struct reader r = {.where = where, .err = err};
    size_t item_bytes = 0;
    *table = (struct table){0};
    if (!find_header(&r, file) || !read_dtype(&r, table, &item_bytes) || !read_shape(&r, table))
        return false;
    if (!begins(&r, find_value(&r, "'fortran_order':"), "False"))
        return fail(&r, "it lies column by column (fortran_order); save it row by row "
                        "(in NumPy: np.ascontiguousarray(array))");
    const uint64_t wanted = (uint64_t)table->n_rows * table->dim,
                   held = (uint64_t)(file.data + file.bytes - r.end) / item_bytes;
    if (wanted > held)
        return fail(&r,
                    "its shape says %u x %u numbers, but it holds %llu; it is cut short: copy "
                    "it again",
                    table->n_rows, table->dim, (unsigned long long)held);
    table->rows = r.end;
    table->stride_bytes = table->dim * item_bytes;
    return true;
}
