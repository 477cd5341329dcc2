/* SPDX-License-Identifier: Apache-2.0 */
#include "library/fault.h"
#include "library/handles.h"
#include "model/math/neighbours.h"

_Static_assert(sizeof(embedd_neighbour) == sizeof(struct neighbour), "a neighbour is a neighbour");

#define ARENA_BYTES ((size_t)64 << 30)

struct search {
    const struct model *model;
    uint32_t itself; /* the token whose neighbours are asked for, or TOKEN_ID_NONE */
    bool with_special;
};

static bool is_left_out(const void *user, uint32_t id)
{
    const struct search *search = user;
    if (id == search->itself) return true;
    return !search->with_special &&
           (model_is_special(search->model, id) || model_is_unknown(model_info(search->model), id));
}

static void read_row(const void *model, uint32_t id, float *out)
{
    model_row(model, id, model_info(model)->dim, out);
}

/* The vector that is asked about: the caller's, or a row in the arena. */
static bool take_vector(const embedd_query *query, struct search *search, struct arena *arena,
                        const float **vector, struct fault *fault)
{
    const struct model_info *info = model_info(search->model);
    *vector = query->vector;
    if (!query->vector) {
        if (query->token >= info->vocab_size)
            return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "query.token",
                             "query.token must be below %u, the size of the vocabulary, not %u",
                             info->vocab_size, query->token);
        float *row = arena_array(arena, info->dim, sizeof *row);
        if (!row) return err_out_of_memory(&fault->err);
        model_row(search->model, query->token, info->dim, row);
        search->itself = query->token;
        *vector = row;
    }
    return neighbours_has_direction(*vector, info->dim) ||
           fault_set(fault, EMBEDD_ERROR_UNPROCESSABLE, "query",
                     "the vector is zero or not finite: nothing is near it");
}

static bool find(struct search *search, const embedd_query *query, unsigned threads,
                 embedd_neighbour *out, uint32_t most, uint32_t *n, struct fault *fault)
{
    const struct model_info *info = model_info(search->model);
    struct neighbours_wish wish = {.row = read_row,
                                   .rows = search->model,
                                   .dim = info->dim,
                                   .n_rows = info->vocab_size,
                                   .most = most,
                                   .leaves_out = is_left_out,
                                   .user = search,
                                   .n_workers = threads};
    struct neighbours found;
    struct arena arena;
    arena_init(&arena, ARENA_BYTES);
    const bool is_ok = take_vector(query, search, &arena, &wish.vector, fault) &&
                       neighbours_find(&wish, &arena, &found, &fault->err);
    for (uint32_t i = 0; is_ok && i < found.n; i++)
        out[i] = (embedd_neighbour){found.items[i].id, found.items[i].similarity};
    if (is_ok) *n = found.n;
    arena_clear(&arena);
    return is_ok;
}

int embedd_nearest(const embedd_model *model, const embedd_pool *pool,
                   const embedd_query *given_query, embedd_neighbour *neighbours, uint32_t most,
                   uint32_t *n, embedd_error *error)
{
    struct fault fault = FAULT_NONE;
    embedd_query query;
    if (!model) return call_end(fault_null(&fault, "model"), &fault, error);
    if (!neighbours) return call_end(fault_null(&fault, "neighbours"), &fault, error);
    if (!n) return call_end(fault_null(&fault, "n"), &fault, error);
    *n = 0;
    if (!STRUCT_READ(query, given_query, false, "query", &fault)) return fault_tell(&fault, error);
    if (most == 0) {
        fault_set(&fault, EMBEDD_ERROR_ARGUMENT, "most", "most must be at least 1, not 0");
        return fault_tell(&fault, error);
    }
    struct search search = {
        .model = model->model, .itself = TOKEN_ID_NONE, .with_special = query.with_special != 0};
    const bool is_ok = find(&search, &query, embedd_pool_size(pool), neighbours, most, n, &fault);
    return call_end(is_ok, &fault, error);
}
