/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/pipeline/character_class.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* A character that stands for itself; false: a mark. */
static bool read_plain(const char **at, const char *end, uint32_t *code)
{
    if (*at == end || memchr("[]^-&\\", **at, 6)) return false;
    *code = utf8_next(at);
    return true;
}

static bool read_range(const char **at, const char *end, struct character_range *range)
{
    if (!read_plain(at, end, &range->first)) return false;
    range->last = range->first;
    if (*at == end || **at != '-') return true;
    ++*at;
    return read_plain(at, end, &range->last);
}

static bool read_ranges(struct character_class *listed, const char *at, const char *end)
{
    uint32_t least = 0; /* that the next one may begin with */
    while (at < end) {
        struct character_range *range = &listed->ranges[listed->n++];
        if (!read_range(&at, end, range) || range->first < least || range->last < range->first)
            return false;
        least = range->last + 1;
    }
    return listed->n > 0;
}

bool character_class_read(struct character_class *listed, const char *regex, size_t bytes)
{
    *listed = (struct character_class){0};
    if (bytes < 4 || memcmp(regex, "[^", 2) != 0 || regex[bytes - 1] != ']') return false;
    listed->ranges = malloc(bytes * sizeof *listed->ranges); /* each has a byte of its own */
    if (listed->ranges && read_ranges(listed, regex + 2, regex + bytes - 1)) return true;
    character_class_clear(listed);
    return false;
}

void character_class_clear(struct character_class *listed)
{
    free(listed->ranges);
    *listed = (struct character_class){0};
}

bool character_class_lists(const struct character_class *listed, uint32_t code)
{
    size_t first = 0, n = listed->n;
    while (n > 0) {
        const size_t half = n / 2;
        if (listed->ranges[first + half].last < code) {
            first += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return first < listed->n && listed->ranges[first].first <= code;
}
