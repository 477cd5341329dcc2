/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/cors.h"

#include "handlers/service.h"

#include <ctype.h>
#include <string.h>

/* ---- the setting ---- */

/* What stands before "://", in the lower case that browsers send; its length, 0: none. */
static size_t scheme_bytes(const char *at, size_t bytes)
{
    size_t n = 0;
    while (n < bytes && (islower((unsigned char)at[n]) ||
                         (n > 0 && (isdigit((unsigned char)at[n]) || strchr("+-.", at[n])))))
        n++;
    return n + 3 < bytes && memcmp(at + n, "://", 3) == 0 ? n : 0;
}

/* A name, an IPv4 address, or an IPv6 address in brackets; its length, 0: none. */
static size_t host_bytes(const char *at, size_t bytes)
{
    const bool is_ipv6 = bytes > 0 && *at == '[';
    size_t n = is_ipv6;
    while (n < bytes && (islower((unsigned char)at[n]) || isdigit((unsigned char)at[n]) ||
                         at[n] == '.' || (is_ipv6 ? at[n] == ':' : at[n] == '-' || at[n] == '_')))
        n++;
    if (!is_ipv6) return n;
    return n > 1 && n < bytes && at[n] == ']' ? n + 1 : 0;
}

/* ":8080", without zeros before it, and not the one that the scheme has anyway; or nothing. */
static bool is_port(const char *at, size_t bytes, bool is_http, bool is_https)
{
    unsigned port = 0;
    if (bytes == 0) return true;
    if (bytes < 2 || bytes > 6 || at[0] != ':' || at[1] == '0') return false;
    for (size_t i = 1; i < bytes; i++) {
        if (!isdigit((unsigned char)at[i])) return false;
        port = port * 10 + (unsigned)(at[i] - '0');
    }
    return port <= 65535 && !(is_http && port == 80) && !(is_https && port == 443);
}

static bool is_origin(const char *at, size_t bytes)
{
    const size_t scheme = scheme_bytes(at, bytes);
    if (scheme == 0) return false;
    const bool is_http = scheme == 4 && !memcmp(at, "http", 4);
    const bool is_https = scheme == 5 && !memcmp(at, "https", 5);
    const char *rest = at + scheme + 3;
    const size_t left = bytes - scheme - 3, host = host_bytes(rest, left);
    return host > 0 && bytes <= CORS_ORIGIN_BYTES_MAX &&
           is_port(rest + host, left - host, is_http, is_https);
}

bool cors_read(struct cors *cors, const char *origins, struct err *err)
{
    cors->origins = NULL;
    if (strcmp(origins, "*") == 0) return true;
    for (const char *line = origins; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const size_t bytes = strcspn(line, "\n");
        if (is_origin(line, bytes)) continue;
        const int shown = (int)(bytes < ERR_VALUE_BYTES ? bytes : ERR_VALUE_BYTES);
        if (bytes == 1 && *line == '*')
            return err_set(err, ERR_USAGE, "cors-origins",
                           "cors-origins * lets every page ask; give it alone, or the origins "
                           "without it");
        return err_set(err, ERR_USAGE, "cors-origins",
                       "cors-origins must be * or origins as browsers send them, not '%.*s': "
                       "SCHEME://HOST or SCHEME://HOST:PORT in lower case, without a path, a slash "
                       "at the end, or the port that the scheme has anyway, such as "
                       "https://example.org",
                       shown, line);
    }
    cors->origins = origins;
    return true;
}

/* ---- replies ---- */

/* What a page may read of a reply's headers: all, which * means where no credentials are taken
   (Fetch, "CORS protocol and credentials"), as here. */
#define EXPOSED "*"
/* Where it doesn't say what it is going to send, or too much: all there is. Browsers ask for
   authorization by name. */
#define ANY_HEADER "authorization, *"
/* The longest that browsers remember it: two hours, by Chromium. */
#define MAX_AGE_S "7200"

static bool is_listed(const char *origins, const char *origin)
{
    const size_t bytes = strlen(origin);
    for (const char *line = origins; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strcspn(line, "\n") == bytes && memcmp(line, origin, bytes) == 0) return true;
    }
    return false;
}

/* What the reply names as the origin that may read it; NULL: nobody. */
static const char *allowed(const struct exchange *x)
{
    const struct cors *cors = x->service->cors;
    if (!cors || !x->origin || !*x->origin) return NULL;
    if (!cors->origins) return "*";
    return is_listed(cors->origins, x->origin) ? x->origin : NULL;
}

void cors_allow(struct exchange *x)
{
    const char *origin = allowed(x);
    if (!origin) return;
    reply_add_header(x, "access-control-allow-origin", origin);
    reply_add_header(x, "access-control-expose-headers", EXPOSED);
}

/* Names of headers, parted by commas: what may be sent back as it came. */
static bool is_list_of_names(const char *list)
{
    if (!list || !*list) return false;
    for (const char *at = list; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("-_, ", *at)) return false;
    return true;
}

void cors_answer_preflight(struct exchange *x, const char *methods)
{
    if (!allowed(x) || !x->preflight.method) return;
    const char *headers = x->preflight.headers;
    reply_add_header(x, "access-control-allow-methods", methods);
    reply_add_header(x, "access-control-allow-headers",
                     is_list_of_names(headers) ? headers : ANY_HEADER);
    reply_add_header(x, "access-control-max-age", MAX_AGE_S);
    if (x->preflight.is_private) /* https://wicg.github.io/private-network-access/ */
        reply_add_header(x, "access-control-allow-private-network", "true");
}
