/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/learner.h"

#include "base/grow.h"
#include "base/random.h"
#include "model/math/kernels.h"
#include "model/math/logistic.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where the sums of squares start: the first steps are not as long as Adagrad's would be. */
#define SQUARES_START 1e-3f
/* The same for a row of the table, whose gradients are much smaller. */
#define ROW_SQUARES_START 1e-8f
/* And of an n-gram. */
#define NGRAM_VECTOR_SQUARES_START 1e-6f

#define CHUNK 1024

/* What is known of one example of a batch. */
struct lesson {
    const uint32_t *labels;
    uint32_t n_labels;
    uint32_t *ids; /* tokens that are not left out */
    size_t n_ids, cap_ids;
    uint32_t *rows; /* of its n-grams */
    size_t n_rows, cap_rows;
    float norm;     /* of their weights; 0: there are none */
    float *v;       /* (D) */
    double divisor; /* what the sum of the rows was divided by */
    float *x;       /* (D) s·v, and the vectors of the n-grams */
    float *d;       /* (stride) ∂loss/∂logits */
    float *x_d;     /* (D) ∂loss/∂x, where something moves by it */
    float *sum_d;   /* (D) ∂loss/∂(sum of the rows), where the table moves */
    double loss;
    bool is_short_of_memory;
};

static bool fail_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, NULL,
                   "no memory to train; train with `no-ngrams`, or on fewer labels");
}

/* ---- making ---- */

static bool make_learned(struct learned *learned, size_t n, size_t n_squares, float start)
{
    *learned = (struct learned){.values = calloc(n + 1, sizeof *learned->values),
                                .squares = calloc(n_squares + 1, sizeof *learned->squares),
                                .n = n,
                                .n_squares = n_squares};
    if (!learned->values || !learned->squares) return false;
    for (size_t i = 0; i < n_squares; i++)
        learned->squares[i] = start;
    return true;
}

static bool make_lessons(struct learner *learner)
{
    learner->lessons = calloc(LEARNER_BATCH, sizeof *learner->lessons);
    if (!learner->lessons) return false;
    for (int i = 0; i < LEARNER_BATCH; i++) {
        struct lesson *lesson = &learner->lessons[i];
        lesson->v = calloc(learner->dim, sizeof *lesson->v);
        lesson->x = calloc(learner->dim, sizeof *lesson->x);
        lesson->x_d = calloc(learner->dim, sizeof *lesson->x_d);
        lesson->d = calloc(learner->stride, sizeof *lesson->d);
        lesson->sum_d = calloc(learner->dim, sizeof *lesson->sum_d);
        if (!lesson->v || !lesson->x || !lesson->d || !lesson->x_d || !lesson->sum_d) return false;
    }
    return true;
}

/* The rows as floats, which the learner's table then is. */
static bool make_table(struct learner *learner, const struct table *from)
{
    struct learned *rows = &learner->learned[LEARNED_TABLE];
    if (!make_learned(rows, (size_t)from->n_rows * from->dim, from->n_rows, ROW_SQUARES_START))
        return false;
    for (uint32_t i = 0; i < from->n_rows; i++)
        table_floats(from, i, 0, from->dim, rows->values + (size_t)i * from->dim);
    learner->table = (struct table){.rows = {.at = rows->values,
                                             .stride_bytes = from->dim * sizeof *rows->values,
                                             .n = from->n_rows,
                                             .dtype = DTYPE_F32},
                                    .n_rows = from->n_rows,
                                    .dim = from->dim,
                                    .weights = from->weights};
    return true;
}

bool learner_make(struct learner *learner, const struct learner_options *options,
                  const struct table *table, const struct pool_options *pool, uint32_t unknown_id,
                  const struct tokenizer *tokenizer, const struct ngram_vocabulary *ngrams,
                  unsigned n_workers, struct err *err)
{
    const uint32_t columns = options->kind == HEAD_BINARY ? 1 : options->n_labels;
    *learner = (struct learner){
        .options = *options,
        .dim = pool->dims,
        .columns = columns,
        .stride = columns < 4 ? columns : (columns + 3) & ~3u,
        .unknown_id = unknown_id,
        .pool = *pool,
        .tokenizer = tokenizer,
        .table = *table,
        .ngrams = ngrams,
        .row_squares_start = ROW_SQUARES_START,
    };
    const size_t n_weight = (size_t)learner->dim * learner->stride;
    const size_t n_ngrams = (size_t)ngrams->n * learner->stride;
    const size_t n_vectors = (size_t)ngrams->n_vectors * learner->dim;
    struct learned *learned = learner->learned;
    learner->batch_gradient = calloc((size_t)n_workers * learner->stride, sizeof(float));
    if (learner->batch_gradient && make_lessons(learner) &&
        make_learned(&learned[LEARNED_WEIGHT], n_weight, n_weight, SQUARES_START) &&
        make_learned(&learned[LEARNED_BIAS], learner->stride, learner->stride, SQUARES_START) &&
        make_learned(&learned[LEARNED_NGRAMS], n_ngrams, n_ngrams, SQUARES_START) &&
        make_learned(&learned[LEARNED_NGRAM_VECTORS], n_vectors, ngrams->n_vectors,
                     NGRAM_VECTOR_SQUARES_START) &&
        (!options->moves_table || make_table(learner, table)))
        return true;
    return fail_memory(err);
}

void learner_clear(struct learner *learner)
{
    for (int i = 0; learner->lessons && i < LEARNER_BATCH; i++) {
        free(learner->lessons[i].ids);
        free(learner->lessons[i].rows);
        free(learner->lessons[i].v);
        free(learner->lessons[i].x);
        free(learner->lessons[i].x_d);
        free(learner->lessons[i].d);
        free(learner->lessons[i].sum_d);
    }
    for (int part = 0; part < LEARNED_PARTS; part++) {
        free(learner->learned[part].values);
        free(learner->learned[part].squares);
    }
    free(learner->lessons);
    free(learner->batch_gradient);
    *learner = (struct learner){0};
}

/* ---- one example: forwards ---- */

/* The known tokens, without those that chance leaves out. */
static bool take_tokens(const struct learner *learner, struct lesson *lesson, const uint32_t *ids,
                        size_t n, uint64_t seed)
{
    const float dropout = learner->options.token_dropout;
    if (!grow_list(&lesson->ids, &lesson->cap_ids, n, sizeof *lesson->ids)) return false;
    lesson->n_ids = 0;
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == learner->unknown_id || ids[i] == TOKEN_ID_NONE) continue;
        if (dropout > 0 && random_share(&seed) < dropout) continue;
        lesson->ids[lesson->n_ids++] = ids[i];
    }
    return true;
}

static bool take_ngrams(const struct learner *learner, struct lesson *lesson, const uint32_t *ids,
                        size_t n, uint64_t seed)
{
    const float dropout = learner->options.ngram_dropout;
    const struct ngram_vocabulary *ngrams = learner->ngrams;
    struct ngram found[CHUNK];
    struct ngram_walk walk;
    double squares = 0;
    size_t n_found;
    lesson->n_rows = 0;
    lesson->norm = 0;
    if (ngrams->n == 0) return true;
    ngrams_start(&walk, &learner->options.ranges, learner->tokenizer, ids, n);
    while ((n_found = ngrams_next(&walk, found, CHUNK)) > 0) {
        if (!grow_list(&lesson->rows, &lesson->cap_rows, lesson->n_rows + n_found,
                       sizeof *lesson->rows))
            return false;
        for (size_t i = 0; i < n_found; i++) {
            const uint32_t row = ngram_index_find(&ngrams->index, found[i].hash);
            if (row == NGRAM_NONE) continue;
            if (dropout > 0 && random_share(&seed) < dropout) continue;
            squares += (double)ngrams->weights[row] * ngrams->weights[row];
            lesson->rows[lesson->n_rows++] = row;
        }
    }
    lesson->norm = (float)sqrt(squares);
    return true;
}

/* v, and what the sum of the rows was divided by. */
static void pool(const struct learner *learner, struct lesson *lesson)
{
    const struct table *table = &learner->table;
    float *v = lesson->v;
    pool_sum(table, TOKEN_ID_NONE, lesson->ids, lesson->n_ids, &learner->pool, v);
    lesson->divisor = lesson->n_ids == 0 ? 0
                                         : pool_divisor(table, TOKEN_ID_NONE, lesson->ids,
                                                        lesson->n_ids, &learner->pool, v);
    if (lesson->divisor > 0)
        kernels_get()->divide(v, learner->dim, (float)lesson->divisor);
    else
        memset(v, 0, learner->dim * sizeof *v);
}

static float factor_of_ngram(const struct learner *learner, const struct lesson *lesson,
                             uint32_t row)
{
    return learner->ngrams->weights[row] / lesson->norm;
}

/* The number of the n-gram's vector, or NGRAM_NONE. */
static uint32_t vector_of_ngram(const struct learner *learner, uint32_t row)
{
    return learner->ngrams->n_vectors > 0 ? learner->ngrams->vectors[row] : NGRAM_NONE;
}

static void find_x(const struct learner *learner, struct lesson *lesson)
{
    const float *vectors = learner->learned[LEARNED_NGRAM_VECTORS].values;
    const size_t dim = learner->dim;
    for (size_t j = 0; j < dim; j++)
        lesson->x[j] = learner->options.vector_scale * lesson->v[j];
    for (size_t i = 0; lesson->norm > 0 && i < lesson->n_rows; i++) {
        const uint32_t vector = vector_of_ngram(learner, lesson->rows[i]);
        if (vector != NGRAM_NONE)
            kernels_get()->add_scaled(lesson->x, vectors + vector * dim,
                                      factor_of_ngram(learner, lesson, lesson->rows[i]), dim);
    }
}

static void find_logits(const struct learner *learner, const struct lesson *lesson, float *logits)
{
    const struct kernels *kernels = kernels_get();
    const struct learned *learned = learner->learned;
    memcpy(logits, learned[LEARNED_BIAS].values, learner->stride * sizeof *logits);
    for (uint32_t j = 0; j < learner->dim; j++)
        kernels->add_scaled(logits, learned[LEARNED_WEIGHT].values + (size_t)j * learner->stride,
                            lesson->x[j], learner->stride);
    for (size_t i = 0; lesson->norm > 0 && i < lesson->n_rows; i++)
        kernels->add_scaled(
            logits, learned[LEARNED_NGRAMS].values + (size_t)lesson->rows[i] * learner->stride,
            factor_of_ngram(learner, lesson, lesson->rows[i]), learner->stride);
}

static float weight_of_label(const struct learner *learner, uint32_t label)
{
    return learner->options.label_weights ? learner->options.label_weights[label] : 1;
}

/* d = (softmax(y) - truth)·weight, in place of the logits. */
static double softmax_loss(const struct learner *learner, const struct lesson *lesson, float *d)
{
    const uint32_t n = learner->columns, label = lesson->labels[0];
    const double weight = (double)weight_of_label(learner, label);
    double sum = 0;
    float largest = d[0];
    for (uint32_t k = 1; k < n; k++)
        if (d[k] > largest) largest = d[k];
    const double truth = (double)d[label] - (double)largest;
    uint32_t i = 0;
    do { /* n is at least 1 */
        const double e = exponential((double)d[i] - (double)largest);
        sum += e;
        d[i] = (float)e;
    } while (++i < n);
    for (uint32_t k = 0; k < n; k++)
        d[k] = (float)(weight * ((double)d[k] / sum - (k == label)));
    return weight * (log(sum) - truth);
}

static double binary_loss(const struct learner *learner, const struct lesson *lesson, float *d)
{
    const bool truth = lesson->labels[0] == 1;
    const double weight = (double)weight_of_label(learner, lesson->labels[0]), y = (double)d[0];
    d[0] = (float)(weight * (sigmoid(y) - truth));
    return weight * logistic_loss(y, truth);
}

static double multi_label_loss(const struct learner *learner, const struct lesson *lesson, float *d)
{
    double loss = 0;
    uint32_t next = 0;
    for (uint32_t k = 0; k < learner->columns; k++) {
        const bool truth = next < lesson->n_labels && lesson->labels[next] == k;
        const double weight = truth ? (double)weight_of_label(learner, k) : 1, y = (double)d[k];
        next += truth;
        loss += weight * logistic_loss(y, truth);
        d[k] = (float)(weight * (sigmoid(y) - truth));
    }
    return loss;
}

static double find_loss(const struct learner *learner, const struct lesson *lesson, float *d)
{
    switch (learner->options.kind) {
    case HEAD_BINARY:
        return binary_loss(learner, lesson, d);
    case HEAD_MULTI_CLASS:
        return softmax_loss(learner, lesson, d);
    case HEAD_MULTI_LABEL:
        return multi_label_loss(learner, lesson, d);
    }
    return 0;
}

/* ---- and backwards ---- */

#define LANES 16

static float dot(const float *restrict a, const float *restrict b, size_t n)
{
    float lanes[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            lanes[lane] += a[i + lane] * b[i + lane];
    for (; i < n; i++)
        lanes[i % LANES] += a[i] * b[i];
    for (size_t lane = 0; lane < LANES; lane++)
        sum += lanes[lane];
    return sum;
}

/* ∂loss/∂x, through W. */
static void find_x_gradient(const struct learner *learner, struct lesson *lesson)
{
    const float *weight = learner->learned[LEARNED_WEIGHT].values;
    for (uint32_t j = 0; j < learner->dim; j++)
        lesson->x_d[j] = dot(weight + (size_t)j * learner->stride, lesson->d, learner->columns);
}

/* ∂loss/∂(sum of the rows): through the norm. */
static void find_sum_gradient(const struct learner *learner, struct lesson *lesson)
{
    float *out = lesson->sum_d;
    if (lesson->divisor == 0) {
        memset(out, 0, learner->dim * sizeof *out);
        return;
    }
    for (uint32_t j = 0; j < learner->dim; j++)
        out[j] = learner->options.vector_scale * lesson->x_d[j];
    const float along = learner->pool.normalize ? dot(out, lesson->v, learner->dim) : 0;
    for (uint32_t j = 0; j < learner->dim; j++)
        out[j] = (out[j] - along * lesson->v[j]) / (float)lesson->divisor;
}

static float weight_of_token(const struct learner *learner, uint32_t id)
{
    return learner->pool.pooling == POOLING_WEIGHTED ? learner->table.weights[id] : 1;
}

static void study(const struct learner *learner, struct lesson *lesson,
                  const struct examples *examples, uint32_t row, uint32_t epoch)
{
    const struct example *item = &examples->items[row];
    const uint32_t *ids = examples->ids + item->ids_at;
    const uint64_t seed = random_seed(learner->options.seed, epoch, row);
    lesson->labels = examples->labels + item->labels_at;
    lesson->n_labels = item->n_labels;
    lesson->is_short_of_memory = !take_tokens(learner, lesson, ids, item->n_ids, seed) ||
                                 !take_ngrams(learner, lesson, ids, item->n_ids, ~seed);
    if (lesson->is_short_of_memory) return;
    pool(learner, lesson);
    find_x(learner, lesson);
    find_logits(learner, lesson, lesson->d);
    lesson->loss = find_loss(learner, lesson, lesson->d);
    if (learner->options.moves_table || learner->ngrams->n_vectors > 0)
        find_x_gradient(learner, lesson);
    if (learner->options.moves_table) find_sum_gradient(learner, lesson);
}

/* ---- a batch ---- */

struct batch {
    struct learner *learner;
    const struct learner_epoch *epoch;
    size_t first, n;
    float share; /* of the rates */
};

static void study_batch(void *user, unsigned worker, unsigned n_workers)
{
    const struct batch *batch = user;
    for (size_t i = worker; i < batch->n; i += n_workers)
        study(batch->learner, &batch->learner->lessons[i], batch->epoch->examples,
              batch->epoch->order[batch->first + i], batch->epoch->number);
}

/* All examples' gradients of column j of W are added before it moves. */
static void move_weight(const struct batch *batch, unsigned worker, unsigned n_workers)
{
    const struct learner *learner = batch->learner;
    const struct kernels *kernels = kernels_get();
    const struct learned *weight = &learner->learned[LEARNED_WEIGHT];
    const size_t stride = learner->stride;
    float *gradient = learner->batch_gradient + worker * stride;
    const size_t from = (size_t)learner->dim * worker / n_workers;
    const size_t to = (size_t)learner->dim * (worker + 1) / n_workers;
    for (size_t j = from; j < to; j++) {
        memset(gradient, 0, stride * sizeof *gradient);
        for (size_t i = 0; i < batch->n; i++)
            kernels->add_scaled(gradient, learner->lessons[i].d, learner->lessons[i].x[j], stride);
        kernels->learn(weight->values + j * stride, weight->squares + j * stride, gradient, 1,
                       batch->share * learner->options.vector_rate, stride);
    }
}

static void move_bias(const struct batch *batch)
{
    const struct learner *learner = batch->learner;
    const struct learned *bias = &learner->learned[LEARNED_BIAS];
    for (size_t i = 0; i < batch->n; i++)
        kernels_get()->learn(bias->values, bias->squares, learner->lessons[i].d, 1,
                             batch->share * learner->options.rate, learner->stride);
}

static void move_ngrams(const struct batch *batch, unsigned worker, unsigned n_workers)
{
    const struct learner *learner = batch->learner;
    const struct kernels *kernels = kernels_get();
    const struct learned *ngrams = &learner->learned[LEARNED_NGRAMS];
    const size_t stride = learner->stride;
    for (size_t i = 0; i < batch->n; i++) {
        const struct lesson *lesson = &learner->lessons[i];
        for (size_t r = 0; r < lesson->n_rows; r++) {
            const size_t row = lesson->rows[r];
            if (row % n_workers != worker) continue;
            kernels->learn(ngrams->values + row * stride, ngrams->squares + row * stride, lesson->d,
                           factor_of_ngram(learner, lesson, lesson->rows[r]),
                           batch->share * learner->options.rate, stride);
        }
    }
}

/* A step of a row that keeps one sum of squares for all its columns, along factor·gradient. */
static void move_row(const struct learned *rows, size_t row, const float *gradient, float squares,
                     float factor, float rate, size_t dim)
{
    rows->squares[row] += factor * factor * squares;
    kernels_get()->add_scaled(rows->values + row * dim, gradient,
                              -rate * factor / sqrtf(rows->squares[row]), dim);
}

static float mean_square(const float *x, size_t n)
{
    return dot(x, x, n) / (float)n;
}

static void move_ngram_vectors(const struct batch *batch, unsigned worker, unsigned n_workers)
{
    const struct learner *learner = batch->learner;
    const float rate = batch->share * learner->options.ngram_vector_rate;
    for (size_t i = 0; learner->ngrams->n_vectors > 0 && i < batch->n; i++) {
        const struct lesson *lesson = &learner->lessons[i];
        const float squares = mean_square(lesson->x_d, learner->dim);
        for (size_t r = 0; r < lesson->n_rows; r++) {
            const uint32_t vector = vector_of_ngram(learner, lesson->rows[r]);
            if (vector == NGRAM_NONE || vector % n_workers != worker) continue;
            move_row(&learner->learned[LEARNED_NGRAM_VECTORS], vector, lesson->x_d, squares,
                     factor_of_ngram(learner, lesson, lesson->rows[r]), rate, learner->dim);
        }
    }
}

static void move_table(const struct batch *batch, unsigned worker, unsigned n_workers)
{
    const struct learner *learner = batch->learner;
    const float rate = batch->share * learner->options.table_rate;
    for (size_t i = 0; i < batch->n; i++) {
        const struct lesson *lesson = &learner->lessons[i];
        const float squares = mean_square(lesson->sum_d, learner->dim);
        for (size_t t = 0; t < lesson->n_ids; t++) {
            const size_t id = lesson->ids[t];
            if (id % n_workers != worker) continue;
            move_row(&learner->learned[LEARNED_TABLE], id, lesson->sum_d, squares,
                     weight_of_token(learner, lesson->ids[t]), rate, learner->dim);
        }
    }
}

static void move_batch(void *user, unsigned worker, unsigned n_workers)
{
    const struct batch *batch = user;
    const struct learner_options *options = &batch->learner->options;
    if (options->moves_head) {
        move_weight(batch, worker, n_workers);
        if (worker == 0) move_bias(batch);
        move_ngrams(batch, worker, n_workers);
        move_ngram_vectors(batch, worker, n_workers);
    }
    if (options->moves_table) move_table(batch, worker, n_workers);
}

static bool add_losses(const struct batch *batch, double *sum, struct err *err)
{
    for (size_t i = 0; i < batch->n; i++) {
        const struct lesson *lesson = &batch->learner->lessons[i];
        if (lesson->is_short_of_memory) return fail_memory(err);
        *sum += lesson->loss;
    }
    if (isfinite(*sum)) return true;
    return err_set(err, ERR_FORMAT, NULL,
                   "the loss is no longer a finite number; train with a smaller `learning-rate`, "
                   "and look at the table with embedd inspect");
}

bool learner_run(struct learner *learner, struct workers *workers,
                 const struct learner_epoch *epoch, double *loss, struct err *err)
{
    double sum = 0;
    size_t done = 0;
    while (done < epoch->n) {
        struct batch batch = {.learner = learner, .epoch = epoch, .first = done};
        batch.n = epoch->n - done < LEARNER_BATCH ? epoch->n - done : LEARNER_BATCH;
        batch.share = (float)(epoch->rate_first + (epoch->rate_last - epoch->rate_first) *
                                                      (double)done / (double)epoch->n);
        workers_run(workers, study_batch, &batch);
        if (!add_losses(&batch, &sum, err)) return false;
        workers_run(workers, move_batch, &batch);
        done += batch.n;
        if (epoch->stops && epoch->stops(epoch->user, done)) break;
    }
    *loss = done > 0 ? sum / (double)done : 0;
    return true;
}

bool learner_gradients(struct learner *learner, const struct examples *examples, size_t row,
                       double *loss, float *const out[LEARNED_PARTS], struct err *err)
{
    const struct kernels *kernels = kernels_get();
    struct lesson *lesson = &learner->lessons[0];
    const size_t stride = learner->stride, dim = learner->dim;
    study(learner, lesson, examples, (uint32_t)row, 0);
    if (lesson->is_short_of_memory) return fail_memory(err);
    *loss = lesson->loss;
    for (size_t j = 0; out[LEARNED_WEIGHT] && j < dim; j++)
        kernels->add_scaled(out[LEARNED_WEIGHT] + j * stride, lesson->d, lesson->x[j], stride);
    if (out[LEARNED_BIAS]) kernels->add_scaled(out[LEARNED_BIAS], lesson->d, 1, stride);
    for (size_t r = 0; out[LEARNED_NGRAMS] && r < lesson->n_rows; r++)
        kernels->add_scaled(out[LEARNED_NGRAMS] + lesson->rows[r] * stride, lesson->d,
                            factor_of_ngram(learner, lesson, lesson->rows[r]), stride);
    for (size_t r = 0; out[LEARNED_NGRAM_VECTORS] && r < lesson->n_rows; r++) {
        const uint32_t vector = vector_of_ngram(learner, lesson->rows[r]);
        if (vector != NGRAM_NONE)
            kernels->add_scaled(out[LEARNED_NGRAM_VECTORS] + vector * dim, lesson->x_d,
                                factor_of_ngram(learner, lesson, lesson->rows[r]), dim);
    }
    for (size_t t = 0; out[LEARNED_TABLE] && t < lesson->n_ids; t++)
        kernels->add_scaled(out[LEARNED_TABLE] + lesson->ids[t] * dim, lesson->sum_d,
                            weight_of_token(learner, lesson->ids[t]), dim);
    return true;
}
