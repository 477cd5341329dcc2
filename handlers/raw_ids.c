/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/raw_ids.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TYPE "application/octet-stream"

bool raw_ids_is_type(const char *content_type)
{
    if (!content_type) return false;
    content_type += strspn(content_type, " \t");
    return strncasecmp(content_type, TYPE, sizeof TYPE - 1) == 0 &&
           strchr("; \t", content_type[sizeof TYPE - 1]);
}

/* What the bytes are. */
struct form {
    size_t each;         /* bytes of a number */
    uint64_t rows, wide; /* rows 0: no shape */
};

/* The value of a parameter of the media type, or NULL. */
static const char *find_parameter(const char *type, const char *name)
{
    const size_t bytes = strlen(name);
    for (const char *at = strchr(type, ';'); at; at = strchr(at, ';')) {
        at++;
        at += strspn(at, " \t");
        if (strncasecmp(at, name, bytes) == 0 && at[bytes] == '=') return at + bytes + 1;
    }
    return NULL;
}

static bool is_word(const char *value, const char *word)
{
    const size_t bytes = strcspn(value, "; \t");
    return strlen(word) == bytes && strncasecmp(value, word, bytes) == 0;
}

static bool read_count(const char **at, uint64_t *out)
{
    char *end;
    if ((unsigned char)(**at - '0') > 9) return false;
    errno = 0;
    *out = strtoull(*at, &end, 10);
    *at = end;
    return errno == 0 && *out <= UINT32_MAX;
}

static bool read_shape(const char *shape, struct form *form)
{
    form->rows = 1;
    if (!read_count(&shape, &form->wide)) return false;
    if (*shape == ',') {
        shape++;
        form->rows = form->wide;
        if (!read_count(&shape, &form->wide)) return false;
    }
    return strchr("; \t", *shape) && form->rows > 0;
}

static bool read_form(const char *content_type, size_t bytes, struct form *form, struct err *err)
{
    const char *dtype = find_parameter(content_type, "dtype");
    const char *shape = find_parameter(content_type, "shape");
    *form = (struct form){.each = dtype && is_word(dtype, "int64") ? 8 : 4};
    if (dtype && form->each == 4 && !is_word(dtype, "int32"))
        return err_set(err, ERR_INVALID, NULL,
                       "dtype in content-type must be int32 or int64: the type of the token ids in "
                       "the body");
    if (shape && !read_shape(shape, form))
        return err_set(
            err, ERR_INVALID, NULL,
            "shape in content-type must be N,L, the number of inputs and of ids in each, "
            "such as shape=2,5");
    const uint64_t n = bytes / form->each;
    if (bytes % form->each != 0 || n == 0 || (shape && n != form->rows * form->wide))
        return err_set(
            err, ERR_INVALID, NULL,
            "the body has %zu bytes, which are not the token ids that content-type says: "
            "send dtype=int32 or int64 and shape=N,L, and so many little-endian numbers",
            bytes);
    return true;
}

static int64_t read_id(const char *at, size_t each)
{
    uint32_t word;
    uint64_t wide;
    if (each == 4) {
        memcpy(&word, at, sizeof word);
        return (int32_t)le32toh(word);
    }
    memcpy(&wide, at, sizeof wide);
    return (int64_t)le64toh(wide);
}

bool raw_ids_read(struct arena *arena, const char *content_type, const char *body, size_t bytes,
                  struct value *out, struct err *err)
{
    struct form form;
    if (!read_form(content_type, bytes, &form, err)) return false;
    const size_t n = bytes / form.each;
    int64_t *ids = arena_array(arena, n, sizeof *ids);
    if (!ids) return err_out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        ids[i] = read_id(body + i * form.each, form.each);
    *out = (struct value){.kind = VALUE_INTEGERS, .integers = {ids, n}};
    if (form.rows == 0) return true;
    struct value *rows = arena_array(arena, form.rows, sizeof *rows);
    if (!rows) return err_out_of_memory(err);
    for (uint64_t i = 0; i < form.rows; i++) {
        const int64_t *row = ids + i * form.wide;
        uint64_t kept = form.wide;
        while (kept > 0 && row[kept - 1] < 0)
            kept--;
        rows[i] = (struct value){.kind = VALUE_INTEGERS, .integers = {row, kept}};
    }
    *out = (struct value){.kind = VALUE_LIST, .list = {rows, form.rows}};
    return true;
}
