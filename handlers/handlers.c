/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/handlers.h"

#include "base/clock.h"
#include "base/guard.h"
#include "base/nearest.h"
#include "handlers/access.h"
#include "handlers/cors.h"
#include "handlers/endpoint.h"
#include "handlers/errors.h"
#include "handlers/form.h"
#include "handlers/headers.h"
#include "handlers/packing.h"
#include "handlers/raw_ids.h"
#include "handlers/routes.h"
#include "handlers/serving.h"
#include "handlers/value.h"
#include "model/registry.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

/* Filled once, then only read. */
static struct route_index route_index;
static const char *route_names[ROUTES_MAX + 1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill(void)
{
    route_index_fill(&route_index, routes, n_routes);
    route_names[0] = "other";
    for (size_t i = 0; i < n_routes; i++)
        route_names[1 + i] = routes[i].path;
}

size_t handlers_route_count(void)
{
    return 1 + n_routes;
}

const char *const *handlers_route_names(void)
{
    pthread_once(&once, fill);
    return route_names;
}

static const char *allow_of(unsigned methods)
{
    if (methods & METHOD_DELETE)
        return methods & METHOD_GET ? "GET, HEAD, DELETE, OPTIONS" : "DELETE, OPTIONS";
    if (!(methods & METHOD_POST)) return "GET, HEAD, OPTIONS";
    return methods & METHOD_GET ? "GET, HEAD, POST, OPTIONS" : "POST, OPTIONS";
}

static void refuse_method(struct exchange *x, const char *path, const char *allow)
{
    struct err err;
    if (!access_admit(x, x->route->scope)) return;
    err_set(&err, ERR_METHOD, NULL, "%s does not take this method; send one of %s", path, allow);
    reply_add_header(x, "allow", allow);
    handlers_fail(x, &err);
}

/* A route whose path begins with the same part, such as /api: clients of one API share it. */
static const struct route *find_sibling(const char *path)
{
    const size_t part = 1 + strcspn(path + 1, "/");
    for (size_t i = 0; i < n_routes && path[part] == '/'; i++)
        if (strncmp(routes[i].path, path, part + 1) == 0) return &routes[i];
    return NULL;
}

static void refuse_path(struct exchange *x, const char *path)
{
    struct err err;
    const char *near = nearest_name(path, route_names + 1, n_routes);
    const struct route *like = *path && !near ? find_sibling(path) : NULL;
    for (size_t i = 0; near && !like; i++)
        if (routes[i].path == near) like = &routes[i];
    if (like) x->dialect = like->dialect;
    if (!access_admit(x, SCOPE_UNSTATED)) return;
    err_set(&err, ERR_NOT_FOUND, NULL, "there is no route %.*s; %s%s%s",
            text_quoted((struct text){path, strlen(path)}), path, near ? "did you mean " : "",
            near ? near : "GET /openapi.json lists them", near ? "?" : "");
    handlers_fail(x, &err);
}

static void reply_options(struct exchange *x, const char *allow)
{
    reply_static(x, 204, NULL, "");
    reply_add_header(x, "allow", allow);
    cors_answer_preflight(x, allow);
    reply_add_common(x);
}

/* With an admin listener there are two services: what operators ask is answered there and nothing
   else, but for what anybody may ask. */
static bool is_answered_here(const struct exchange *x, const struct route *route)
{
    if (!x->service->has_admin || route->scope == SCOPE_OPEN) return true;
    return x->is_admin == (route->scope == SCOPE_METRICS || route->scope == SCOPE_ADMIN);
}

static void refuse_listener(struct exchange *x, const char *path)
{
    struct err err;
    err_set(&err, ERR_NOT_FOUND, NULL, "%s is not answered on this listener; %s", path,
            x->is_admin ? "ask where listen says" : "ask where admin-listen says");
    handlers_fail(x, &err);
}

const struct route *handlers_find_route(struct exchange *x, enum method method, const char *path)
{
    pthread_once(&once, fill);
    struct route_match match;
    route_find(&route_index, method, path, &match);
    x->dialect = match.route ? match.route->dialect : dialect_without_route;
    x->route = match.route;
    x->path_tail = match.tail;
    if (match.route) x->sample.route = (unsigned)(1 + match.number);
    serving_begin(x);
    if (match.route && !is_answered_here(x, match.route)) {
        refuse_listener(x, match.route->path);
        x->route = NULL;
        return NULL;
    }
    if (match.is_taken) return access_admit(x, match.route->scope) ? x->route : NULL;
    if (match.route && method == METHOD_OPTIONS)
        reply_options(x, allow_of(match.methods));
    else if (match.route)
        refuse_method(x, match.route->path, allow_of(match.methods));
    else if (method == METHOD_OPTIONS && strcmp(path, "*") == 0) /* RFC 9110, 9.3.7 */
        reply_options(x, allow_of(METHOD_GET | METHOD_POST));
    else
        refuse_path(x, path);
    return NULL;
}

bool handlers_is_vital(enum method method, const char *path)
{
    pthread_once(&once, fill);
    struct route_match match;
    route_find(&route_index, method, path, &match);
    return match.is_taken &&
           (match.route->scope == SCOPE_OPEN || match.route->scope == SCOPE_METRICS);
}

/* The media type without its parameters and the space around it. */
static bool is_type(const char *type, size_t bytes, const char *want)
{
    return strlen(want) == bytes && strncasecmp(type, want, bytes) == 0;
}

/* What is no JSON, or not all of it. */
static bool takes_bytes(const struct exchange *x)
{
    const struct endpoint *endpoint = x->route->endpoint;
    return (x->inference_header_length && endpoint->takes_tensors) ||
           (endpoint->raw_ids && raw_ids_is_type(x->content_type));
}

/* JSON, and what curl -d and careless clients send JSON as. */
static bool is_json_type(const char *type)
{
    if (!type || strcmp(type, "application/json") == 0) return true; /* nearly always */
    type += strspn(type, " \t");
    size_t bytes = strcspn(type, "; \t");
    return bytes == 0 || is_type(type, bytes, "application/json") ||
           is_type(type, bytes, "text/json") || is_type(type, bytes, "text/plain") ||
           is_type(type, bytes, "application/x-www-form-urlencoded") ||
           (bytes > 5 && strncasecmp(type + bytes - 5, "+json", 5) == 0);
}

bool handlers_check_head(struct exchange *x, const char *content_encoding, size_t content_length)
{
    struct err err = {0};
    const bool is_form = x->route && x->route->endpoint->takes_form;
    bool takes_body = x->route && (x->route->methods & METHOD_POST);
    bool is_packing_known = packing_read(content_encoding, &x->body_packing);
    if (content_length > form_body_max(x)) {
        form_refuse_body(x, &err);
    } else if (takes_body && !arena_has_budget(x->arena, content_length)) {
        handlers_overloaded(&err);
    } else if (takes_body && !is_packing_known) {
        err_set(&err, ERR_MEDIA_TYPE, NULL,
                "content-encoding %.*s is not supported; send the body uncompressed, or by one "
                "of " PACKING_NAMES,
                (int)strnlen(content_encoding, ERR_VALUE_BYTES), content_encoding);
        reply_add_header(x, "accept-encoding", PACKING_NAMES);
    } else if (is_form && !form_is_type(x->content_type)) {
        err_set(&err, ERR_MEDIA_TYPE, NULL,
                "a file is sent in a form: send content-type: multipart/form-data, not %.*s",
                x->content_type ? (int)strnlen(x->content_type, ERR_VALUE_BYTES) : 4,
                x->content_type ? x->content_type : "none");
    } else if (takes_body && !is_form && !is_json_type(x->content_type) && !takes_bytes(x)) {
        err_set(&err, ERR_MEDIA_TYPE, NULL,
                "content-type %.*s is not supported; send JSON with content-type: application/json",
                (int)strnlen(x->content_type, ERR_VALUE_BYTES), x->content_type);
    } else {
        return true;
    }
    handlers_fail(x, &err);
    return false;
}

/* Nothing was answered. */
static void forget_reply(struct exchange *x)
{
    x->is_deferred = false;
    x->sample = (struct metrics_sample){
        .route = x->sample.route, .key = x->sample.key, .served = x->sample.served};
    x->n_headers = 0;
    x->status = 0;
    x->reply_type = NULL;
    x->vary = NULL;
    x->is_packed = false;
    x->make_piece = NULL;
}

static bool defer(struct exchange *x)
{
    forget_reply(x);
    x->stage_start_ns = 0;
    return false;
}

/* ---- models whose files go away ---- */

static void run_endpoint(void *user)
{
    struct exchange *x = user;
    x->endpoint->handle(x);
}

/* Whether the answer is of a model that can no longer be read, now or since another request has
   seen it: some of what was read may have been the zeros behind the end of a file that was cut.
   What is wrong with the request itself is said all the same. */
static bool is_of_broken(const struct exchange *x)
{
    const bool is_asked =
        x->route->is_heavy && (x->route->scope == SCOPE_EMBED || x->route->scope == SCOPE_CLASSIFY);
    const bool is_fault_of_request = !x->is_deferred && x->status >= 400 && x->status < 500;
    return is_asked && !is_fault_of_request && snapshot_is_broken(x->snapshot);
}

static void refuse_broken(struct exchange *x)
{
    struct err err;
    forget_reply(x);
    serving_check(x, &err);
    handlers_fail(x, &err);
}

static void run_maker(void *user)
{
    struct exchange *x = user;
    if (!x->make_piece(x, x->maker, &x->piece)) x->make_piece = NULL;
}

/* ---- the work ---- */

bool handlers_dispatch(struct exchange *x)
{
    assert(x->route && x->arena && x->service);
    if (x->stage_start_ns == 0) x->stage_start_ns = clock_now_ns();
    x->endpoint = x->route->endpoint;
    x->object = NULL;
    if (!x->body) x->body = ""; /* of no bytes: NULL has no place to count from */
    if (x->body_packing && !packing_unpack(x)) return true;
    /* No lock is held where mapped files are read, and the arena is whole at every such place. */
    const bool is_read = guard_run(run_endpoint, x);
    if (!is_read) serving_fail(x);
    if (!is_read || is_of_broken(x)) {
        refuse_broken(x);
        return true;
    }
    if (x->is_deferred || !packing_pack(x)) return defer(x);
    assert(x->status);
    /* An error has them already. */
    if (x->sample.status == 0) reply_add_common(x);
    return true;
}

bool handlers_next_piece(struct exchange *x)
{
    x->piece.bytes = 0;
    if (!x->make_piece) return false;
    const bool is_read = guard_run(run_maker, x);
    if (!is_read) serving_fail(x);
    if (!is_read || snapshot_is_broken(x->snapshot)) {
        x->sample.reject = REJECT_MODEL_UNREADABLE;
        x->piece.failed = true;
        x->make_piece = NULL;
    }
    return !x->piece.failed && x->piece.bytes > 0;
}

void handlers_end(struct exchange *x)
{
    serving_end(x);
}
