/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/head.h"

#include "base/utf8.h"
#include "model/encoder/encoder.h"
#include "model/encoder/table/pool.h"
#include "model/files/kinds.h"
#include "model/head/files/parts.h"
#include "model/head/ngrams/ngram_table.h"
#include "model/math/kernels.h"
#include "model/math/logistic.h"
#include "model/text/tokens.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A linear step as a table: its rows are the columns of W, its token weights the vector it is
   applied to, so that W·x is the weighted sum of the rows, by the same kernels. */
struct linear {
    float *columns; /* (in, out) */
    float *bias;    /* (out) */
    uint32_t in, out;
};

/* So many labels at the top are found by looking for each; more by sorting. */
#define PICKED_MAX 4

struct head {
    struct head_input input;
    struct head_info info;
    struct linear hidden[HIDDEN_MAX], output;
    size_t n_hidden;
    struct ngram_table ngrams;        /* without rows where it has none */
    const struct encoder_labels *own; /* what predicts instead; or NULL */
    float *thresholds;                /* (C) of a multi-label head, (1) of a binary one */
    const char **labels;
    char *name, *training, *scores;
    uint32_t *inputs; /* 0, 1, 2 ... up to the longest of D and H: the "ids" of a linear step */
    json_t *about;    /* owner of the labels */
};

static bool fail_labels(const struct head_parts *parts)
{
    return head_fail(parts,
                     "%s must be a list of different strings, one for each row of W (a binary "
                     "head: two)",
                     parts->labels_key);
}

/* ---- what the file says ---- */

static bool read_kind(struct head *head, const struct head_parts *parts)
{
    const char *kind = json_string_value(json_object_get(parts->about, "kind"));
    head->info.kind = parts->output.weight.rows == 1 ? HEAD_BINARY : HEAD_MULTI_CLASS;
    if (!json_object_get(parts->about, "kind")) return true;
    for (int i = 0; kind && i < HEAD_KINDS; i++) {
        if (strcmp(kind, head_kind_names[i]) != 0) continue;
        head->info.kind = (enum head_kind)i;
        return true;
    }
    return head_fail(parts, "kind must be binary, multi-class or multi-label, not '%.*s'",
                     ERR_VALUE_BYTES, kind ? kind : "something other than a string");
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool are_different(const char *const *labels, size_t n)
{
    const char **sorted = malloc(n * sizeof *sorted);
    bool different = sorted != NULL;
    if (sorted) memcpy(sorted, labels, n * sizeof *sorted);
    if (sorted) qsort(sorted, n, sizeof *sorted, compare_texts);
    for (size_t i = 1; different && i < n; i++)
        different = strcmp(sorted[i - 1], sorted[i]) != 0;
    free(sorted);
    return different;
}

/* Labels may be numbers or booleans (a classifier's classes): what they look like in JSON. */
static bool text_labels(json_t *labels, const struct head_parts *parts)
{
    for (size_t i = 0; i < json_array_size(labels); i++) {
        const json_t *label = json_array_get(labels, i);
        json_t *text = NULL;
        if (json_is_string(label)) {
            if (json_string_length(label) == strlen(json_string_value(label))) continue;
        } else if (json_is_integer(label)) {
            text = json_sprintf("%lld", (long long)json_integer_value(label));
        } else if (json_is_boolean(label)) {
            text = json_string(json_is_true(label) ? "true" : "false");
        }
        if (!text) return fail_labels(parts);
        json_array_set_new(labels, i, text);
    }
    return true;
}

static bool read_labels(struct head *head, const struct head_parts *parts)
{
    json_t *labels = json_object_get(parts->about, "labels");
    const size_t rows = parts->output.weight.rows, n = json_array_size(labels);
    const bool is_binary = head->info.kind == HEAD_BINARY;
    if (!json_is_array(labels)) return fail_labels(parts);
    if (is_binary && rows != 1)
        return head_fail(parts, "a binary head has one row, but weight has %zu", rows);
    if (n != (is_binary ? 2 : rows))
        return head_fail(parts, "%zu labels do not fit a weight of %zu row%s; there must be %s", n,
                         rows, rows == 1 ? "" : "s",
                         is_binary ? "two, the second being what a high score means"
                                   : "one per row");
    if (head->info.kind == HEAD_MULTI_CLASS && n < 2)
        return head_fail(parts, "a multi-class head needs at least two labels");
    if (!text_labels(labels, parts)) return false;
    head->labels = calloc(n, sizeof *head->labels);
    if (!head->labels) return err_out_of_memory(parts->err);
    for (size_t i = 0; i < n; i++)
        head->labels[i] = json_string_value(json_array_get(labels, i));
    if (!are_different(head->labels, n)) return fail_labels(parts);
    head->info.n_labels = (uint32_t)n;
    head->info.labels = head->labels;
    return true;
}

static bool read_thresholds(struct head *head, const struct head_parts *parts)
{
    const json_t *list = json_object_get(parts->about, "thresholds");
    if (head->info.kind == HEAD_MULTI_CLASS) return true;
    const size_t n = head->info.kind == HEAD_BINARY ? 1 : head->info.n_labels;
    head->thresholds = calloc(n, sizeof *head->thresholds);
    if (!head->thresholds) return err_out_of_memory(parts->err);
    head->info.thresholds = head->thresholds;
    if (list && json_array_size(list) != n)
        return head_fail(parts, "thresholds must be a list of %zu number%s", n, n == 1 ? "" : "s");
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        double value = list ? json_number_value(item) : 0.5;
        if ((list && !json_is_number(item)) || !(value >= 0 && value <= 1))
            return head_fail(parts, "thresholds[%zu] must be a number from 0 to 1", i);
        head->thresholds[i] = (float)value;
    }
    return true;
}

static bool read_temperature(struct head *head, const struct head_parts *parts)
{
    const json_t *value = json_object_get(parts->about, "temperature");
    head->info.temperature = value ? (float)json_number_value(value) : 1;
    return (head->info.temperature > 0 && isfinite(head->info.temperature)) ||
           head_fail(parts, "temperature must be a number above 0");
}

static bool read_story(const struct head_parts *parts, const char *key, char **out)
{
    const json_t *value = json_object_get(parts->about, key);
    if (value && !json_is_object(value)) return head_fail(parts, "%s must be a JSON object", key);
    *out = value ? json_dumps(value, JSON_COMPACT) : strdup("");
    return *out || err_out_of_memory(parts->err);
}

/* ---- its numbers ---- */

static bool check_finite(const struct matrix *matrix, const char *prefix, const char *name,
                         const struct head_parts *parts)
{
    for (size_t i = 0; i < matrix->rows; i++)
        for (size_t j = 0; j < matrix->columns; j++)
            if (!isfinite(matrix->values[i * matrix->columns + j]))
                return head_fail(parts,
                                 "%s%s holds NaN or Inf in row %zu, column %zu; train the head "
                                 "again, every number must be finite",
                                 prefix, name, i, j);
    return true;
}

static bool take_linear(struct linear *linear, const struct step *step,
                        const struct head_parts *parts)
{
    const struct matrix *weight = &step->weight, *bias = &step->bias;
    if (!bias->values || bias->columns != 1 || bias->rows != weight->rows)
        return head_fail(parts, "%sweight has %zu rows, so its bias must be %zu numbers, not %zu",
                         step->prefix, weight->rows, weight->rows, bias->values ? bias->rows : 0);
    if (weight->rows > UINT32_MAX || weight->columns > UINT32_MAX)
        return head_fail(parts, "%sweight is too large to be served", step->prefix);
    if (!check_finite(weight, step->prefix, "weight", parts) ||
        !check_finite(bias, step->prefix, "bias", parts))
        return false;
    *linear = (struct linear){.in = (uint32_t)weight->columns, .out = (uint32_t)weight->rows};
    linear->columns = calloc((size_t)linear->in * linear->out, sizeof *linear->columns);
    linear->bias = calloc(linear->out, sizeof *linear->bias);
    if (!linear->columns || !linear->bias) return err_out_of_memory(parts->err);
    memcpy(linear->bias, bias->values, linear->out * sizeof *linear->bias);
    for (size_t i = 0; i < linear->out; i++)
        for (size_t j = 0; j < linear->in; j++)
            linear->columns[j * linear->out + i] = weight->values[i * linear->in + j];
    return true;
}

static bool take_inputs(struct head *head, const struct head_parts *parts, uint32_t dim)
{
    uint32_t longest = dim;
    for (size_t i = 0; i < head->n_hidden; i++)
        if (head->hidden[i].out > longest) longest = head->hidden[i].out;
    head->inputs = calloc(longest, sizeof *head->inputs);
    if (!head->inputs) return err_out_of_memory(parts->err);
    for (uint32_t i = 0; i < longest; i++)
        head->inputs[i] = i;
    return true;
}

/* Each step takes as many numbers as the one before it makes. */
static bool take_step(struct linear *linear, const struct step *step, size_t columns,
                      const struct head_parts *parts)
{
    if (step->weight.columns == columns) return take_linear(linear, step, parts);
    return head_fail(parts, "%sweight has %zu columns, but the layer before it has %zu rows",
                     step->prefix, step->weight.columns, columns);
}

static bool take_numbers(struct head *head, struct head_parts *parts, uint32_t dim)
{
    size_t columns = dim;
    const struct step *hidden = parts->hidden;
    const struct step *first = hidden->weight.values ? hidden : &parts->output;
    if (first->weight.columns != dim)
        return head_fail(parts,
                         "%s%s takes vectors of %zu columns, but the table has %u; use the table "
                         "that it was trained on",
                         first->prefix[0] ? first->prefix : "it", first->prefix[0] ? "weight" : "",
                         first->weight.columns, dim);
    for (size_t i = 0; i < HIDDEN_MAX && hidden[i].weight.values; i++) {
        if (!take_step(&head->hidden[i], &hidden[i], columns, parts)) return false;
        columns = hidden[i].weight.rows;
        head->n_hidden++;
    }
    if (!take_step(&head->output, &parts->output, columns, parts) || !take_inputs(head, parts, dim))
        return false;
    head->info.dim = dim;
    head->info.hidden = head->hidden[0].out;
    head->info.rows = head->output.out;
    head->info.ngrams = parts->ngrams.rows.n_rows;
    head->ngrams = parts->ngrams;
    return true;
}

static bool read_file(struct head_parts *parts, struct span bytes)
{
    const size_t mark = utf8_mark_bytes(bytes.data, bytes.bytes);
    struct span start = {bytes.data + mark, bytes.bytes - mark};
    while (start.bytes > 0 && strchr(" \t\r\n", start.data[0]) && start.data[0])
        start = (struct span){start.data + 1, start.bytes - 1};
    if (start.bytes == 0) return head_fail(parts, "it is empty");
    if (start.data[0] == '{') return head_read_json(parts, start);
    if (bytes.bytes >= 4 && memcmp(bytes.data, "PK\3\4", 4) == 0)
        return head_read_skops(parts, bytes);
    /* The header's length of a safetensors file ends in zeros. */
    if (bytes.bytes >= 9 && bytes.data[7] == '\0' && bytes.data[8] == '{')
        return head_read_safetensors(parts, bytes);
    const char *what = kind_what(bytes);
    return what ? head_fail(parts, "it is %s", what) : head_read_csv(parts, start);
}

bool head_open(struct head **out, struct span bytes, const char *name, const char *where,
               const struct head_input *input, struct err *err)
{
    assert(out && name && where && input->dim > 0);
    *out = NULL;
    struct head_parts parts = {.where = where,
                               .tokenizer = input->tokenizer,
                               .config = input->config,
                               .err = err,
                               .hidden = {{.prefix = "hidden "}},
                               .labels_key = "labels",
                               .about = json_object()};
    struct head *head = calloc(1, sizeof *head);
    bool ok = head && parts.about ? read_file(&parts, bytes) : err_out_of_memory(err);
    if (ok && !parts.output.weight.values)
        ok = head_fail(&parts, "it holds no 'weight'; a head is weight, bias and labels");
    ok = ok && read_kind(head, &parts) && read_labels(head, &parts) &&
         read_thresholds(head, &parts) && read_temperature(head, &parts) &&
         read_story(&parts, "training", &head->training) &&
         read_story(&parts, "scores", &head->scores) && take_numbers(head, &parts, input->dim);
    if (ok) {
        head->name = strdup(name);
        ok = head->name || err_out_of_memory(err);
    }
    if (ok) {
        head->about = json_incref(parts.about);
        head->input = *input;
        head->input.config = NULL;
        head->info.name = head->name;
        head->info.training = head->training;
        head->info.scores = head->scores;
        *out = head;
    } else {
        head_close(head);
    }
    head_parts_clear(&parts);
    return ok;
}

static void linear_clear(struct linear *linear)
{
    free(linear->columns);
    free(linear->bias);
}

void head_close(struct head *head)
{
    if (!head) return;
    for (size_t i = 0; i < HIDDEN_MAX; i++)
        linear_clear(&head->hidden[i]);
    linear_clear(&head->output);
    free(head->thresholds);
    free(head->labels);
    free(head->name);
    free(head->training);
    free(head->scores);
    free(head->inputs);
    json_decref(head->about);
    free(head);
}

const struct head_info *head_info(const struct head *head)
{
    return &head->info;
}

const struct head_input *head_input(const struct head *head)
{
    return &head->input;
}

/* ---- y = W·v + b ---- */

bool head_vector(const struct head *head, struct arena *arena, const struct passage *passage,
                 float *v, struct err *err)
{
    const struct head_input *input = &head->input;
    assert(input->encoder);
    return encoder_vector(input->encoder, arena, passage, &input->pool, v, err) ||
           err->code != ERR_INTERNAL ||
           err_set(err, ERR_INTERNAL, NULL,
                   "a vector is not finite (NaN or infinity in the rows that head '%.100s' uses, "
                   "or a sum that overflows); check its model with embedd inspect",
                   head->info.name);
}

/* ---- the encoder's own labels ---- */

/* The logarithm of what is not even listed. */
#define LEAST_LOGIT (-80)

static bool read_own_labels(struct head *head, const struct encoder *encoder)
{
    const uint32_t n = encoder->labels->n;
    head->labels = calloc(n, sizeof *head->labels);
    for (uint32_t i = 0; head->labels && i < n; i++)
        head->labels[i] = encoder->labels->text(encoder, i).data;
    head->info.n_labels = head->info.rows = n;
    head->info.labels = head->labels;
    return head->labels;
}

static bool set_half_thresholds(struct head *head)
{
    head->thresholds = malloc(head->info.n_labels * sizeof *head->thresholds);
    for (uint32_t i = 0; head->thresholds && i < head->info.n_labels; i++)
        head->thresholds[i] = 0.5f;
    head->info.thresholds = head->thresholds;
    return head->thresholds;
}

bool head_open_own(struct head **out, const char *name, const struct head_input *input,
                   struct err *err)
{
    struct head *head = calloc(1, sizeof *head);
    bool is_multi = input->encoder->labels->is_multi;
    bool done = head && (head->name = strdup(name)) && read_own_labels(head, input->encoder) &&
                (!is_multi || set_half_thresholds(head));
    *out = done ? head : NULL;
    if (!done) {
        head_close(head);
        return err_set(err, ERR_MEMORY, NULL, "no memory for the head '%.100s'", name);
    }
    head->input = *input;
    head->own = input->encoder->labels;
    head->info.name = head->name;
    head->info.kind = is_multi ? HEAD_MULTI_LABEL : HEAD_MULTI_CLASS;
    head->info.temperature = 1;
    head->info.dim = input->dim;
    head->info.training = head->info.scores = "";
    return true;
}

static bool own_logits(const struct head *head, struct arena *arena, const float *v, float *logits,
                       struct err *err)
{
    if (!head->own->probabilities(head->input.encoder, arena, v, logits))
        return err_out_of_memory(err);
    for (uint32_t i = 0; i < head->info.rows; i++)
        logits[i] = logits[i] > 0 ? logf(logits[i]) : LEAST_LOGIT;
    return true;
}

static void apply(const struct head *head, const struct linear *linear, const float *x, float *y)
{
    const struct rows columns = {.at = linear->columns,
                                 .stride_bytes = linear->out * sizeof *linear->columns,
                                 .n = linear->in,
                                 .dtype = DTYPE_F32};
    memcpy(y, linear->bias, linear->out * sizeof *y);
    kernels_get()->weighted_sum[DTYPE_F32](y, &columns, x, head->inputs, linear->in, linear->out);
}

bool head_logits(const struct head *head, struct arena *arena, const float *v, const uint32_t *ids,
                 size_t n, float *logits, struct err *err)
{
    const float *x = v;
    if (head->own) return own_logits(head, arena, v, logits, err);
    for (size_t i = 0; i < head->n_hidden; i++) {
        const struct linear *hidden = &head->hidden[i];
        float *inner = arena_array(arena, hidden->out, sizeof *inner);
        if (!inner) return err_out_of_memory(err);
        apply(head, hidden, x, inner);
        for (uint32_t j = 0; j < hidden->out; j++)
            inner[j] = inner[j] > 0 ? inner[j] : 0;
        x = inner;
    }
    apply(head, &head->output, x, logits);
    if (head->info.ngrams > 0) {
        float *sums = arena_array(arena, head->output.out, sizeof *sums);
        if (!sums) return err_out_of_memory(err);
        ngram_table_add(&head->ngrams, ids, n, sums, logits);
    }
    return kernels_get()->is_finite(logits, head->output.out) ||
           err_set(err, ERR_INTERNAL, NULL,
                   "a logit of head '%.100s' is not finite: its numbers "
                   "or the table's are too large",
                   head->info.name);
}

static void softmax(const struct head *head, const float *logits, float *p)
{
    double sum = 0;
    float largest = logits[0];
    for (uint32_t i = 1; i < head->info.rows; i++)
        if (logits[i] > largest) largest = logits[i];
    kernels_get()->exponentials(p, logits, largest, head->info.temperature, head->info.rows);
    for (uint32_t i = 0; i < head->info.rows; i++)
        sum += p[i];
    for (uint32_t i = 0; i < head->info.rows; i++)
        p[i] = (float)(p[i] / sum);
}

void head_probabilities(const struct head *head, const float *logits, float *p)
{
    const double temperature = head->info.temperature;
    for (uint32_t i = 0; head->own && i < head->info.rows; i++)
        p[i] = expf(logits[i]);
    if (head->own) return;
    switch (head->info.kind) {
    case HEAD_BINARY:
        p[0] = (float)sigmoid(-logits[0] / temperature);
        p[1] = (float)sigmoid(logits[0] / temperature);
        return;
    case HEAD_MULTI_CLASS:
        softmax(head, logits, p);
        return;
    case HEAD_MULTI_LABEL:
        for (uint32_t i = 0; i < head->info.rows; i++)
            p[i] = (float)sigmoid(logits[i] / temperature);
        return;
    }
}

/* ---- what they mean ---- */

/* Larger floats, then smaller indices, give smaller keys. -0 and +0 are equals. */
static uint64_t order_key(float logit, uint32_t index)
{
    uint32_t bits;
    if (logit == 0) logit = 0;
    memcpy(&bits, &logit, sizeof bits);
    bits = bits & 0x80000000u ? bits : ~bits & 0x7FFFFFFFu;
    return (uint64_t)bits << 32 | index;
}

static int compare_keys(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Each key is the smallest of those above the one before: k looks at all labels. */
static void pick(const float *logits, uint32_t n, uint32_t k, uint32_t *order)
{
    uint64_t before = 0;
    for (uint32_t i = 0; i < k; i++) {
        uint64_t next = UINT64_MAX;
        for (uint32_t j = 0; j < n; j++) {
            const uint64_t key = order_key(logits[j], j);
            if (key < next && (i == 0 || key > before)) next = key;
        }
        order[i] = (uint32_t)next;
        before = next;
    }
}

bool head_order(const struct head *head, struct arena *arena, const float *logits, uint32_t k,
                uint32_t *order, struct err *err)
{
    const uint32_t n = head->info.n_labels;
    assert(k <= n);
    if (head->info.kind == HEAD_BINARY) {
        order[0] = logits[0] > 0;
        if (k > 1) order[1] = !order[0];
        return true;
    }
    if (k <= PICKED_MAX) {
        pick(logits, n, k, order);
        return true;
    }
    uint64_t *keys = arena_array(arena, n, sizeof *keys);
    if (!keys) return err_out_of_memory(err);
    for (uint32_t i = 0; i < n; i++)
        keys[i] = order_key(logits[i], i);
    qsort(keys, n, sizeof *keys, compare_keys);
    for (uint32_t i = 0; i < k; i++)
        order[i] = (uint32_t)keys[i];
    return true;
}

bool head_passes(const struct head *head, const float *p, uint32_t i, float threshold)
{
    switch (head->info.kind) {
    case HEAD_BINARY:
        return (p[1] >= (threshold < 0 ? head->thresholds[0] : threshold)) == (i == 1);
    case HEAD_MULTI_CLASS:
        return true;
    case HEAD_MULTI_LABEL:
        return p[i] >= (threshold < 0 ? head->thresholds[i] : threshold);
    }
    return false;
}

static bool check_shares(const struct head *head, struct err *err)
{
    if (head->input.pool.pooling == POOLING_MAX || head->input.pool.pooling == POOLING_UNIT)
        return err_set(err, ERR_INVALID, "explain",
                       "this model's vectors are not sums over tokens (its pooling is %s), so its "
                       "logits cannot be explained; send the request without explain",
                       pooling_names[head->input.pool.pooling]);
    if (head->own)
        return err_set(err, ERR_INVALID, "explain",
                       "head '%.100s' is part of a %s model, which gives only probabilities; send "
                       "the request without explain",
                       head->info.name, head->own->owner);
    if (head->info.hidden == 0) return true;
    return err_set(err, ERR_INVALID, "explain",
                   "head '%.100s' has a hidden layer, so its logits are not sums over tokens; send "
                   "the request without explain",
                   head->info.name);
}

static double dot_row(const struct linear *linear, uint32_t row, const float *x)
{
    double sum = 0;
    for (uint32_t j = 0; j < linear->in; j++)
        sum += (double)x[j] * (double)linear->columns[j * linear->out + row];
    return sum;
}

bool head_explain(const struct head *head, struct arena *arena, const uint32_t *ids, size_t n,
                  uint32_t row, double *shares, double *bias, struct err *err)
{
    const struct head_input *input = &head->input;
    assert(input->encoder);
    const struct table *table = input->encoder->table;
    const uint32_t unknown = input->encoder->left_out, dim = input->dim;
    assert(row < head->info.rows);
    if (!check_shares(head, err)) return false;
    float *sum = arena_array(arena, dim, sizeof *sum), *one = arena_array(arena, dim, sizeof *one);
    if (!sum || !one) return err_out_of_memory(err);
    pool_sum(table, unknown, ids, n, &input->pool, sum);
    const double divisor = pool_divisor(table, unknown, ids, n, &input->pool, sum);
    *bias = (double)head->output.bias[row];
    for (size_t i = 0; i < n; i++) {
        shares[i] = 0;
        if (ids[i] == unknown || ids[i] == TOKEN_ID_NONE || divisor == 0) continue;
        table_floats(table, ids[i], 0, dim, one);
        shares[i] = dot_row(&head->output, row, one) / divisor;
        if (input->pool.pooling == POOLING_WEIGHTED) shares[i] *= (double)table->weights[ids[i]];
    }
    if (head->info.ngrams > 0) ngram_table_shares(&head->ngrams, ids, n, row, shares);
    return true;
}
