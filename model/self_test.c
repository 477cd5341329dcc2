/* SPDX-License-Identifier: Apache-2.0 */
#include "model/self_test.h"

#include "base/arena.h"
#include "base/file.h"
#include "model/bundle/bundle.h"
#include "model/model.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define WARM_BYTES_MAX ((size_t)256 << 20)
#define ARENA_BYTES_MAX ((size_t)64 << 20)
#define N_TEXTS 4
#define LONG_BYTES ((size_t)4096)

struct trial {
    const struct model *model;
    const char *where; /* the model, for messages */
    struct arena arena;
    struct passage passages[N_TEXTS];
    uint32_t dim;
    float *vectors, *again; /* (N_TEXTS, dim) */
};

static bool add_passage(struct trial *trial, size_t at, const char *text, size_t bytes,
                        struct err *err)
{
    struct tokens tokens;
    if (!model_prompted(trial->model, &trial->arena, &text, &bytes, err) ||
        !model_tokenize(trial->model, &trial->arena, text, bytes, TOKENIZE_LIMITS, &tokens, err))
        return false;
    trial->passages[at] =
        (struct passage){.ids = tokens.ids, .n = tokens.n, .text = text, .bytes = bytes};
    return true;
}

static bool add_passages(struct trial *trial, struct err *err)
{
    static const char english[] = "The quick brown fox jumps over the lazy dog, 3.14 times!";
    static const char chinese[] = "我爱吃面条，也爱读书。";
    static const char piece[] = "I love to eat 面条 and pizza, don't you? ";
    char *repeated = arena_alloc(&trial->arena, LONG_BYTES);
    if (!repeated) return err_out_of_memory(err);
    size_t bytes = 0;
    for (; bytes + sizeof piece - 1 <= LONG_BYTES; bytes += sizeof piece - 1)
        memcpy(repeated + bytes, piece, sizeof piece - 1);
    return add_passage(trial, 0, english, sizeof english - 1, err) &&
           add_passage(trial, 1, chinese, sizeof chinese - 1, err) &&
           add_passage(trial, 2, "", 0, err) && add_passage(trial, 3, repeated, bytes, err);
}

static bool refuse(const struct trial *trial, const char *what, struct err *err)
{
    return err_set(err, ERR_FORMAT, NULL,
                   "%.300s: the self-test of the model failed: %s; make the model again",
                   trial->where, what);
}

static bool are_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

static bool refuse_unmade(const struct trial *trial, struct err *err)
{
    return err->code == ERR_INTERNAL ? refuse(trial, "a value of a vector is not finite", err)
                                     : false;
}

/* Each text by itself, then all of them at once. */
static bool try_vectors(struct trial *trial, struct err *err)
{
    const struct pool_options options = model_pool_options(trial->model);
    const size_t n = (size_t)N_TEXTS * trial->dim;
    trial->vectors = arena_array(&trial->arena, n, sizeof *trial->vectors);
    trial->again = arena_array(&trial->arena, n, sizeof *trial->again);
    if (!trial->vectors || !trial->again) return err_out_of_memory(err);
    for (size_t i = 0; i < N_TEXTS; i++)
        if (!model_vector(trial->model, &trial->arena, &trial->passages[i], &options,
                          trial->vectors + i * trial->dim, err))
            return refuse_unmade(trial, err);
    if (model_vectors(trial->model, &trial->arena, trial->passages, N_TEXTS, &options, trial->again,
                      err) < N_TEXTS)
        return refuse_unmade(trial, err);
    if (!are_finite(trial->vectors, n))
        return refuse(trial, "a value of a vector is not finite", err);
    return memcmp(trial->vectors, trial->again, n * sizeof *trial->again) == 0 ||
           refuse(trial, "a text has another vector alone than among others", err);
}

static bool try_head(struct trial *trial, const struct head *head, const struct passage *passage,
                     struct err *err)
{
    const struct head_info *info = head_info(head);
    float *v = arena_array(&trial->arena, info->dim, sizeof *v);
    float *logits = arena_array(&trial->arena, 2 * (size_t)info->rows, sizeof *logits);
    float *p = arena_array(&trial->arena, info->n_labels, sizeof *p);
    if (!v || !logits || !p) return err_out_of_memory(err);
    for (size_t i = 0; i < 2; i++)
        if (!head_vector(head, &trial->arena, passage, v, err) ||
            !head_logits(head, &trial->arena, v, passage->ids, passage->n, logits + i * info->rows,
                         err))
            return err->code == ERR_INTERNAL ? refuse(trial, "a value of a head is not finite", err)
                                             : false;
    head_probabilities(head, logits, p);
    if (!are_finite(p, info->n_labels)) return refuse(trial, "a probability is not finite", err);
    return memcmp(logits, logits + info->rows, info->rows * sizeof *logits) == 0 ||
           refuse(trial, "a head answers one text in two ways", err);
}

static bool try_heads(struct trial *trial, struct err *err)
{
    const struct heads *heads = model_heads(trial->model);
    bool done = true;
    for (size_t i = 0; i < heads->n && done; i++)
        for (size_t text = 0; text < N_TEXTS && done; text++)
            done = try_head(trial, heads->items[i], &trial->passages[text], err);
    return done;
}

bool model_self_test(const struct model *model, struct err *err)
{
    assert(model);
    struct trial trial = {
        .model = model, .where = model_bundle(model)->where, .dim = model_info(model)->dim};
    arena_init(&trial.arena, ARENA_BYTES_MAX);
    const bool done =
        add_passages(&trial, err) && try_vectors(&trial, err) && try_heads(&trial, err);
    if (!done && err->code == ERR_MEMORY)
        err_set(err, ERR_MEMORY, NULL, "%.300s: no memory for the self-test of the model",
                trial.where);
    arena_clear(&trial.arena);
    return done;
}

bool model_warm(const struct model *model)
{
    const struct source *source = &model_bundle(model)->source;
    return !source->is_mapped ||
           file_warm(source->weights.data, source->weights.bytes, WARM_BYTES_MAX);
}
