/* SPDX-License-Identifier: Apache-2.0 */
/* The API described (OpenAPI 3.1), from the table of routes and what each endpoint says of itself:
   https://spec.openapis.org/oas/v3.1.0 */
#include "handlers/dialects/endpoints.h"

#include "handlers/exchange.h"
#include "handlers/reply.h"
#include "handlers/routes.h"
#include "handlers/write.h"

#include <pthread.h>
#include <string.h>

/* Many times as much as it has. */
#define DESCRIPTION_BYTES_MAX ((size_t)8 << 20)

/* Schemas are written with ' for ", which none of them needs itself. */
static void write_schema(struct buf *out, const char *schema)
{
    buf_add_char(out, '{');
    for (const char *at = schema; *at; at++)
        buf_add_char(out, *at == '\'' ? '"' : *at);
    buf_add_char(out, '}');
}

static void write_member(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "\"%s\":", name);
    write_string(out, text);
}

/* What is not required may be null, too: clients send their defaults so. */
static void write_field(struct buf *out, const struct field *field)
{
    write_text(out, field->name);
    buf_add_str(out, ":{");
    write_member(out, "description", field->help);
    buf_add_str(out, field->is_required ? ",\"allOf\":[" : ",\"anyOf\":[");
    write_schema(out, field->schema);
    buf_add_str(out, field->is_required ? "]}" : ",{\"type\":\"null\"}]}");
}

static void write_request(struct buf *out, const struct endpoint *endpoint)
{
    bool is_first = true;
    buf_printf(out,
               ",\"requestBody\":{\"required\":true,\"content\":{\"%s\":{\"schema\":{\"type\":"
               "\"object\",\"properties\":{",
               endpoint->takes_form ? "multipart/form-data" : TYPE_JSON);
    for (size_t i = 0; i < endpoint->n_fields; i++) {
        if (i > 0) buf_add_char(out, ',');
        write_field(out, &endpoint->fields[i]);
    }
    buf_add_str(out, "},\"required\":[");
    for (size_t i = 0; i < endpoint->n_fields; i++) {
        if (!endpoint->fields[i].is_required) continue;
        if (!is_first) buf_add_char(out, ',');
        write_text(out, endpoint->fields[i].name);
        is_first = false;
    }
    buf_add_str(out, "]}}}}");
}

static void write_success(struct buf *out, const struct endpoint *endpoint)
{
    buf_printf(out, "\"%u\":{\"description\":\"done\"", endpoint->status ? endpoint->status : 200);
    if (endpoint->reply) {
        buf_add_str(out, ",\"content\":{\"" TYPE_JSON "\":{\"schema\":");
        write_schema(out, endpoint->reply);
        buf_add_char(out, '}');
        if (endpoint->can_be_raw) buf_add_str(out, ",\"" TYPE_BYTES "\":{}");
        buf_add_char(out, '}');
    } else if (endpoint->reply_type) {
        buf_printf(out, ",\"content\":{\"%s\":{}}", endpoint->reply_type);
    }
    buf_add_char(out, '}');
}

/* Any error of the dialect, under the status that says which. */
static void write_errors(struct buf *out, const struct route *route)
{
    static const unsigned of_post[] = {400, 401, 403, 404, 409, 413, 415,
                                       422, 424, 429, 500, 503, 504};
    /* What waits for the disk, or for others, may fail in each way. */
    const bool is_post = (route->methods & METHOD_POST) || route->endpoint->reads_files;
    const size_t n = sizeof of_post / sizeof of_post[0];
    for (size_t i = 0; i < n; i++) {
        const bool is_of_keys = of_post[i] == 401 || of_post[i] == 403;
        if (is_of_keys && route->scope == SCOPE_OPEN) continue;
        if (!is_post && !is_of_keys && of_post[i] != 404 && of_post[i] != 503) continue;
        buf_printf(out, ",\"%u\":{\"$ref\":\"#/components/responses/", of_post[i]);
        buf_add_str(out, route->dialect->name);
        buf_add_str(out, "\"}");
    }
}

/* "{model}" in a path is a parameter, and so is what says which page of a list is asked for. */
static void write_parameters(struct buf *out, const char *path, bool has_pages)
{
    const char *open = strchr(path, '{');
    if (!open && !has_pages) return;
    buf_add_str(out, ",\"parameters\":[");
    if (open) {
        const struct text name = {open + 1, strcspn(open + 1, "}")};
        buf_add_str(out, "{\"name\":");
        write_text(out, name);
        buf_add_str(out, ",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\","
                         "\"minLength\":1}}");
    }
    if (has_pages)
        buf_printf(
            out,
            "%s{\"name\":\"after\",\"in\":\"query\",\"schema\":{\"type\":\"string\"}},"
            "{\"name\":\"limit\",\"in\":\"query\",\"schema\":{\"type\":\"integer\",\"minimum\":1}}",
            open ? "," : "");
    buf_add_char(out, ']');
}

static void write_operation(struct buf *out, const struct route *route)
{
    const bool is_post = route->methods & METHOD_POST;
    buf_add_str(out, is_post                          ? "\"post\":{"
                     : route->methods & METHOD_DELETE ? "\"delete\":{"
                                                      : "\"get\":{");
    write_member(out, "summary", route->endpoint->summary);
    buf_add_str(out, ",\"tags\":[");
    write_string(out, route->dialect->name);
    buf_add_char(out, ']');
    write_parameters(out, route->path, route->endpoint->has_pages);
    if (is_post) write_request(out, route->endpoint);
    if (route->scope == SCOPE_OPEN) buf_add_str(out, ",\"security\":[]");
    buf_add_str(out, ",\"responses\":{");
    write_success(out, route->endpoint);
    write_errors(out, route);
    buf_add_str(out, "}}");
}

static bool is_first_of_path(size_t row)
{
    for (size_t i = 0; i < row; i++)
        if (strcmp(routes[i].path, routes[row].path) == 0) return false;
    return true;
}

static void write_paths(struct buf *out)
{
    for (size_t row = 0; row < n_routes; row++) {
        if (!is_first_of_path(row)) continue;
        if (row > 0) buf_add_char(out, ',');
        write_string(out, routes[row].path);
        buf_add_str(out, ":{");
        for (size_t i = row; i < n_routes; i++) {
            if (strcmp(routes[i].path, routes[row].path) != 0) continue;
            if (i > row) buf_add_char(out, ',');
            write_operation(out, &routes[i]);
        }
        buf_add_char(out, '}');
    }
}

static bool is_first_of_dialect(size_t row)
{
    for (size_t i = 0; i < row; i++)
        if (routes[i].dialect == routes[row].dialect) return false;
    return true;
}

static void write_error_shapes(struct buf *out)
{
    for (size_t row = 0; row < n_routes; row++) {
        if (!is_first_of_dialect(row)) continue;
        const struct dialect *dialect = routes[row].dialect;
        if (row > 0) buf_add_char(out, ',');
        write_string(out, dialect->name);
        buf_add_str(out, ":{\"description\":\"why not, in a sentence\",\"content\":{\"" TYPE_JSON
                         "\":{\"schema\":");
        write_schema(out, dialect->error_schema);
        buf_add_char(out, '}');
        if (dialect->has_text_errors) buf_add_str(out, ",\"text/plain\":{}");
        buf_add_str(out, "}}");
    }
}

/* Where a key goes (access.h); a service without keys asks for none, which is the empty one. */
static void write_security(struct buf *out)
{
    static const char *const headers[] = {"api-key", "x-api-key", "x-goog-api-key"};
    buf_add_str(out, "\"security\":[{},{\"bearer\":[]}");
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        buf_printf(out, ",{\"%s\":[]}", headers[i]);
    buf_add_str(out, "],\"components\":{\"securitySchemes\":{\"bearer\":{\"type\":\"http\","
                     "\"scheme\":\"bearer\"}");
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        buf_printf(out, ",\"%s\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"%s\"}",
                   headers[i], headers[i]);
    buf_add_str(out, "},");
}

/* Made once, then only read: it is long, and anyone may ask for it any number of times. */
static struct arena description_arena;
static struct buf description;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_description(void)
{
    struct buf *out = &description;
    arena_init(&description_arena, DESCRIPTION_BYTES_MAX);
    buf_init(out, &description_arena);
    buf_add_str(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"embedd\",\"version\":");
    write_string(out, EMBEDD_VERSION);
    buf_add_str(out,
                ",\"description\":\"Vectors and labels of texts. A field that an endpoint does "
                "not know is ignored and counted in x-embedd-ignored-fields.\",\"license\":"
                "{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}},\"servers\":"
                "[{\"url\":\"/\"}],\"paths\":{");
    write_paths(out);
    buf_add_str(out, "},");
    write_security(out);
    buf_add_str(out, "\"responses\":{");
    write_error_shapes(out);
    buf_add_str(out, "}}}");
}

static void openapi_get(struct exchange *x)
{
    pthread_once(&once, make_description);
    reply_json(x, &description);
}

const struct endpoint openapi_endpoint = {
    .handle = openapi_get,
    .summary = "This description",
    .reply = "'type':'object','required':['openapi','info','paths']",
};

/* docs_page.S */
extern const char docs_page[], docs_page_end[];

static void docs_get(struct exchange *x)
{
    /* The page asks for the description, and nothing from elsewhere. */
    reply_set(x, 200, TYPE_HTML, docs_page, (size_t)(docs_page_end - docs_page));
}

const struct endpoint docs_endpoint = {
    .handle = docs_get, .summary = "The API as a page", .reply_type = TYPE_HTML};
