/* SPDX-License-Identifier: Apache-2.0 */
#include "server/forwarded.h"

#include <string.h>
#include <strings.h>

void forwarded_add(struct forwarded *forwarded, bool is_x, const char *value)
{
    const char **lines = is_x ? forwarded->x : forwarded->standard;
    unsigned *n = is_x ? &forwarded->n_x : &forwarded->n_standard;
    if (*n == FORWARDED_LINES_MAX) memmove(lines, lines + 1, --*n * sizeof *lines);
    lines[(*n)++] = value;
}

/* Where the last part of [start, end) begins: behind the last separator that is not quoted.
   Backwards, since what is wrong with the quotes further to the left is of no matter to it. */
static const char *last_part(const char *start, const char *end, char separator)
{
    bool is_quoted = false;
    for (; end > start; end--) {
        if (end[-1] == '"') is_quoted = !is_quoted;
        if (end[-1] == separator && !is_quoted) break;
    }
    return end;
}

static void trim(const char **start, const char **end)
{
    while (*start < *end && (**start == ' ' || **start == '\t'))
        ++*start;
    while (*end > *start && ((*end)[-1] == ' ' || (*end)[-1] == '\t'))
        --*end;
}

/* The value of for=VALUE in an element of `forwarded`, without quotes; false where there is none,
   or two. */
static bool find_for(const char **start, const char **end)
{
    const char *from = *start, *to = *end;
    bool is_found = false;
    for (;;) {
        const char *pair = last_part(from, to, ';'), *next = pair, *pair_end = to;
        trim(&pair, &pair_end);
        if (pair_end - pair >= 4 && !strncasecmp(pair, "for=", 4)) {
            if (is_found) return false;
            is_found = true;
            *start = pair + 4;
            *end = pair_end;
        }
        if (next == from) break;
        to = next - 1;
    }
    if (is_found && *end - *start >= 2 && **start == '"' && (*end)[-1] == '"') {
        ++*start;
        --*end;
    }
    return is_found;
}

/* Goes on to the left while there are proxies; false at the end of it. */
static bool follow(const char *line, bool is_x, const struct networks *proxies,
                   struct address *client)
{
    for (const char *end = line + strlen(line);;) {
        const char *next = last_part(line, end, ','), *start = next;
        struct address address;
        trim(&start, &end);
        if (!is_x && !find_for(&start, &end)) return false;
        if (!address_read(&address, start, (size_t)(end - start))) return false;
        *client = address;
        if (!networks_have(proxies, client)) return false;
        if (next == line) return true;
        end = next - 1;
    }
}

void forwarded_client(const struct forwarded *forwarded, const struct networks *proxies,
                      struct address *client)
{
    const bool is_x = forwarded->n_x > 0;
    const char *const *lines = is_x ? forwarded->x : forwarded->standard;
    for (unsigned n = is_x ? forwarded->n_x : forwarded->n_standard; n > 0; n--)
        if (!follow(lines[n - 1], is_x, proxies, client)) return;
}
