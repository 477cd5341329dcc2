/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the first route of tables of several lengths, over and over; prints as one object of JSON
   the nanoseconds of one such look-up.
   usage: route [ROUNDS]
   The tables are the service's own: the first 4 and 18 rows of it, all of it, and all of it with
   made-up rows behind it up to 1,000. They take turns; the quickest turn of each counts. */
#include "handlers/route.h"

#include "base/clock.h"
#include "handlers/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLES 4
#define MOST 1000
#define LOOKUPS 100000

static struct route rows[MOST];
static char paths[MOST][32];
static struct route_index indexes[TABLES];

static void fill(const size_t lengths[TABLES])
{
    for (size_t i = 0; i < MOST; i++) {
        if (i < n_routes) {
            rows[i] = routes[i];
            continue;
        }
        snprintf(paths[i], sizeof paths[i], "/v1/embeddings-%zu%s", i, i % 4 ? "" : "/{id}");
        rows[i] = routes[0];
        rows[i].path = paths[i];
    }
    for (size_t table = 0; table < TABLES; table++)
        route_index_fill(&indexes[table], rows, lengths[table]);
}

static double turn(const struct route_index *index, const char *path)
{
    struct route_match match;
    const uint64_t start_ns = clock_now_ns();
    for (size_t i = 0; i < LOOKUPS; i++) {
        route_find(index, METHOD_POST, path, &match);
        if (match.route != &rows[0]) exit(3);
    }
    return (double)(clock_now_ns() - start_ns) / LOOKUPS;
}

int main(int argc, char **argv)
{
    const int rounds = argc > 1 ? atoi(argv[1]) : 9;
    const size_t lengths[TABLES] = {4, 18, n_routes, MOST};
    double ns[TABLES] = {0};
    fill(lengths);
    for (int round = 0; round < rounds; round++)
        for (size_t table = 0; table < TABLES; table++) {
            const double taken = turn(&indexes[table], routes[0].path);
            if (round == 0 || taken < ns[table]) ns[table] = taken;
        }
    for (size_t table = 0; table < TABLES; table++)
        printf("%s\"%zu\": %.2f", table ? ", " : "{", lengths[table], ns[table]);
    printf("}\n");
    return 0;
}
