/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a head: what its file says, checked as a whole, whatever form it has. */
#include "model/head/head_data.h"

#include "base/json.h"
#include "base/plural.h"
#include "base/utf8.h"
#include "model/encoder/encoder.h"
#include "model/files/kinds.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Quantiles of margins: more would tell nothing. */
#define MARGINS_MAX 1000

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
                         rows, plural(rows),
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
        return head_fail(parts, "thresholds must be a list of %zu number%s", n, plural(n));
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

static bool read_margins(struct head *head, const struct head_parts *parts)
{
    const json_t *list = json_object_get(parts->about, "margins");
    const size_t n = json_array_size(list);
    if (!list) return true;
    if (n < 1 || n > MARGINS_MAX)
        return head_fail(parts, "margins must be a list of 1 to %d numbers", MARGINS_MAX);
    head->margins = calloc(n, sizeof *head->margins);
    if (!head->margins) return err_out_of_memory(parts->err);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        const float value = (float)json_number_value(item), least = i ? head->margins[i - 1] : 0;
        if (!json_is_number(item) || !(value >= least) || !isfinite(value))
            return head_fail(parts,
                             "margins[%zu] must be a number from 0 on, and no less than the one "
                             "before it",
                             i);
        head->margins[i] = value;
    }
    head->info.margins = head->margins;
    head->info.is_repetitive = json_is_true(json_object_get(parts->about, "repetitive"));
    head->info.n_margins = (uint32_t)n;
    return true;
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
    if (!take_step(&head->output, &parts->output, columns, parts)) return false;
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
         read_margins(head, &parts) && read_story(&parts, "training", &head->training) &&
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
    free(head->margins);
    free(head->labels);
    free(head->name);
    free(head->training);
    free(head->scores);
    json_decref(head->about);
    free(head);
}

/* ---- the encoder's own labels ---- */

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
