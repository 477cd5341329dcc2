/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/form.h"

#include "finetune/finetune.h"
#include "handlers/endpoint.h"
#include "handlers/route.h"
#include "handlers/service.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* RFC 2046, 5.1.1 */
#define BOUNDARY_BYTES_MAX 70
/* What stands around a file. */
#define FRAME_BYTES ((size_t)64 << 10)

#define TYPE_FORM "multipart/form-data"

bool form_is_type(const char *type)
{
    if (!type) return false;
    type += strspn(type, " \t");
    const size_t bytes = sizeof TYPE_FORM - 1;
    return strncasecmp(type, TYPE_FORM, bytes) == 0 && strchr("; \t", type[bytes]);
}

/* ---- parameters of a header: ; name="value" ---- */

/* The value of a parameter, without the quotes around it; data NULL: there is none. */
static struct text find_parameter(struct text header, const char *name)
{
    const char *at = header.data, *end = header.data + header.bytes;
    const size_t bytes = strlen(name);
    while ((at = memchr(at, ';', (size_t)(end - at)))) {
        at++;
        while (at < end && (*at == ' ' || *at == '\t'))
            at++;
        const bool is_it =
            (size_t)(end - at) > bytes && strncasecmp(at, name, bytes) == 0 && at[bytes] == '=';
        const char *equals = memchr(at, '=', (size_t)(end - at));
        if (!equals) break;
        const char *value = equals + 1, *stop = value;
        const bool is_quoted = value < end && *value == '"';
        if (is_quoted)
            for (stop = ++value; stop < end && *stop != '"'; stop++)
                stop += *stop == '\\' && stop + 1 < end;
        else
            while (stop < end && !strchr("; \t\r\n", *stop))
                stop++;
        if (is_it) return (struct text){value, (size_t)(stop - value)};
        at = stop;
    }
    return (struct text){0};
}

/* ---- parts ---- */

struct reading {
    const char *at, *end;
    char delimiter[BOUNDARY_BYTES_MAX + 4]; /* CR LF, two dashes, the boundary */
    size_t bytes;
};

static bool fail(struct err *err, const char *why)
{
    return err_set(err, ERR_INVALID, "file", "the body is not a form of " TYPE_FORM ": %s", why);
}

static bool begin(struct reading *reading, const char *type, const char *body, size_t bytes,
                  struct err *err)
{
    const struct text boundary = find_parameter((struct text){type, strlen(type)}, "boundary");
    if (!boundary.data || boundary.bytes == 0 || boundary.bytes > BOUNDARY_BYTES_MAX)
        return fail(err, "its content-type names no boundary of 1 to 70 bytes");
    memcpy(reading->delimiter, "\r\n--", 4);
    memcpy(reading->delimiter + 4, boundary.data, boundary.bytes);
    reading->bytes = boundary.bytes + 4;
    reading->at = body;
    reading->end = body + bytes;
    /* The first one may have no line before it. */
    const size_t first = reading->bytes - 2;
    if (bytes >= first && memcmp(body, reading->delimiter + 2, first) == 0) {
        reading->at += first;
        return true;
    }
    const char *found = memmem(body, bytes, reading->delimiter, reading->bytes);
    if (!found) return fail(err, "the boundary that its content-type names is not in it");
    reading->at = found + reading->bytes;
    return true;
}

static bool has_more(const struct reading *reading, const char *text)
{
    return (size_t)(reading->end - reading->at) >= 2 && memcmp(reading->at, text, 2) == 0;
}

/* Its headers end at `end`. */
static void take_headers(struct form_part *part, const char *at, const char *end)
{
    static const char name[] = "content-disposition:";
    while (at < end) {
        const char *line = at, *stop = memmem(at, (size_t)(end - at), "\r\n", 2);
        if (!stop) stop = end;
        at = stop + 2;
        const struct text header = {line, (size_t)(stop - line)};
        if (header.bytes < sizeof name || strncasecmp(line, name, sizeof name - 1) != 0) continue;
        part->name = find_parameter(header, "name");
        part->filename = find_parameter(header, "filename");
    }
}

static bool read_part(struct reading *reading, struct form_part *part, struct err *err)
{
    *part = (struct form_part){0};
    const char *blank = memmem(reading->at, (size_t)(reading->end - reading->at), "\r\n\r\n", 4);
    if (!blank) return fail(err, "the headers of a part do not end");
    if (blank > reading->at) take_headers(part, reading->at + 2, blank);
    const char *data = blank + 4;
    const char *stop =
        memmem(blank + 2, (size_t)(reading->end - blank - 2), reading->delimiter, reading->bytes);
    if (!stop) return fail(err, "its end is missing");
    if (!part->name.data) return fail(err, "a part of it has no name");
    part->data = (struct text){data, stop > data ? (size_t)(stop - data) : 0};
    reading->at = stop + reading->bytes;
    return true;
}

bool form_read(const char *content_type, const char *body, size_t bytes, struct form_part *parts,
               size_t max, size_t *n, struct err *err)
{
    struct reading reading;
    *n = 0;
    if (!begin(&reading, content_type, body, bytes, err)) return false;
    while (!has_more(&reading, "--")) {
        if (!has_more(&reading, "\r\n")) return fail(err, "its end is missing");
        if (*n == max) return fail(err, "it has too many parts");
        if (!read_part(&reading, &parts[*n], err)) return false;
        (*n)++;
    }
    return true;
}

/* ---- the limit ---- */

static bool is_of_form(const struct exchange *x)
{
    return x->route && x->route->endpoint->takes_form && x->service->finetune;
}

size_t form_body_max(const struct exchange *x)
{
    if (!is_of_form(x)) return x->service->body_bytes_max;
    return finetune_limits_of(x->service->finetune)->file_bytes + FRAME_BYTES;
}

bool form_refuse_body(const struct exchange *x, struct err *err)
{
    if (!is_of_form(x))
        return err_set(err, ERR_TOO_LARGE, NULL,
                       "the body has more than max-body-bytes, %zu bytes; send fewer inputs a "
                       "request, or raise max-body-bytes",
                       x->service->body_bytes_max);
    return err_set(err, ERR_TOO_LARGE, "file",
                   "file has more than max-file-bytes, %" PRIu64
                   " bytes; send a smaller one, or raise max-file-bytes",
                   finetune_limits_of(x->service->finetune)->file_bytes);
}
