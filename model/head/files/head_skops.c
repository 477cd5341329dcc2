/* SPDX-License-Identifier: Apache-2.0 */
/* Classifiers of scikit-learn in files of skops (files/skops.h), as model2vec's pipeline.skops is
   one. What is read are those whose predict_proba a head gives too; all others are refused by name.
 */
#include "model/files/skops.h"
#include "model/head/files/parts.h"

#include "base/plural.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 16
#define WORD_BYTES 32

/* What the steps before the classifier do to a vector: v[i] * scale[i] + shift[i]. */
struct scaling {
    double *scale, *shift; /* (n), NULL: nothing */
    size_t n;
};

struct skops {
    struct head_parts *parts;
    struct skops_file schema;
    struct scaling scaling;
};

/* ---- plain attributes ---- */

/* A word; "" for None and where there is no such attribute. */
static bool read_word(struct skops *skops, const struct node *object, const char *name,
                      char out[WORD_BYTES])
{
    struct node node;
    json_t *value;
    out[0] = '\0';
    if (!node_find(&skops->schema, object, name, &node)) return false;
    if (!node.json) return true;
    if (!node_value(&skops->schema, &node, &value)) return false;
    const bool ok = json_is_null(value) ||
                    (json_is_string(value) && strlen(json_string_value(value)) < WORD_BYTES);
    if (ok && json_is_string(value)) strcpy(out, json_string_value(value));
    json_decref(value);
    return ok || skops_fail(&skops->schema, node.path, "it must be a word or None");
}

static bool read_flag(struct skops *skops, const struct node *object, const char *name, bool *out)
{
    struct node node;
    json_t *value;
    if (!node_field(&skops->schema, object, name, &node) ||
        !node_value(&skops->schema, &node, &value))
        return false;
    const bool ok = json_is_boolean(value);
    *out = json_is_true(value);
    json_decref(value);
    return ok || skops_fail(&skops->schema, node.path, "it must be True or False");
}

/* ---- numbers ---- */

static bool read_numbers(struct skops *skops, const struct node *node, size_t rank,
                         struct array *out)
{
    if (!node_array(&skops->schema, node, out)) return false;
    if (out->npy.rank == rank && out->npy.kind == 'f' && out->npy.item_bytes >= 4 &&
        out->npy.shape[0] > 0 && out->npy.shape[1] > 0)
        return true;
    return skops_fail(&skops->schema, node->path,
                      "it must be floats of %zu dimension%s, not %zu dimensions of kind '%c'", rank,
                      plural(rank), out->npy.rank, out->npy.kind);
}

static bool put(struct skops *skops, const struct array *array, size_t i, double value, float *out)
{
    *out = (float)value;
    return isfinite(*out) ||
           skops_fail(&skops->schema, array->path,
                      "number %zu of it is NaN, Inf or too large for a float; train it again", i);
}

/* A linear step: its arrays, and where they go. */
struct layer {
    bool is_inputs_first;          /* the weight is (in, out), else (out, in) */
    const struct scaling *scaling; /* of what goes in */
    struct matrix *weight, *bias;
    struct array from_weight, from_bias;
};

/* W·(scale·v + shift) + b as (W·scale)·v + (b + W·shift). */
static bool fill_row(struct skops *skops, const struct layer *layer, size_t row)
{
    const struct scaling *scaling = layer->scaling;
    const struct npy *weight = &layer->from_weight.npy;
    const size_t columns = layer->weight->columns;
    double sum = npy_number(&layer->from_bias.npy, row, 0);
    for (size_t i = 0; i < columns; i++) {
        const size_t at = row * columns + i;
        double w = layer->is_inputs_first ? npy_number(weight, i, row) : npy_number(weight, row, i);
        if (scaling->n > 0) {
            sum += w * scaling->shift[i];
            w *= scaling->scale[i];
        }
        if (!put(skops, &layer->from_weight, at, w, &layer->weight->values[at])) return false;
    }
    return put(skops, &layer->from_bias, row, sum, &layer->bias->values[row]);
}

static bool fill_layer(struct skops *skops, const struct layer *layer)
{
    const struct array *weight = &layer->from_weight, *bias = &layer->from_bias;
    const size_t rows = weight->npy.shape[layer->is_inputs_first];
    const size_t columns = weight->npy.shape[!layer->is_inputs_first];
    if (bias->npy.shape[0] != rows)
        return skops_fail(&skops->schema, bias->path, "it has %zu numbers, but %s gives %zu",
                          bias->npy.shape[0], weight->path, rows);
    if (layer->scaling->n > 0 && layer->scaling->n != columns)
        return skops_fail(&skops->schema, weight->path,
                          "it takes %zu numbers, but the StandardScaler before it gives %zu",
                          columns, layer->scaling->n);
    bool ok = matrix_make(layer->weight, rows, columns, skops->parts) &&
              matrix_make(layer->bias, rows, 1, skops->parts);
    for (size_t row = 0; ok && row < rows; row++)
        ok = fill_row(skops, layer, row);
    return ok;
}

static bool read_layer(struct skops *skops, const struct node *weight, const struct node *bias,
                       struct layer *layer)
{
    bool ok = read_numbers(skops, weight, 2, &layer->from_weight) &&
              read_numbers(skops, bias, 1, &layer->from_bias) && fill_layer(skops, layer);
    array_clear(&layer->from_weight);
    array_clear(&layer->from_bias);
    return ok;
}

/* ---- labels ---- */

static bool add_label(struct skops *skops, const char *path, json_t *label, json_t *labels)
{
    if (json_is_string(label) || json_is_integer(label) || json_is_boolean(label)) {
        if (json_array_append_new(labels, label) == 0) return true;
        return err_out_of_memory(skops->parts->err);
    }
    json_decref(label);
    return skops_fail(&skops->schema, path,
                      "labels must be texts, whole numbers or booleans; fit it with such labels");
}

static bool add_labels_of(struct skops *skops, const struct node *node, size_t rank, json_t *labels)
{
    struct array array;
    bool ok = node_array(&skops->schema, node, &array);
    if (ok && (array.npy.rank != rank || array.npy.kind == 'f'))
        ok = skops_fail(&skops->schema, node->path,
                        "labels must be a list of texts, whole numbers or booleans, not %zu "
                        "dimensions of kind '%c'; fit it with such labels",
                        array.npy.rank, array.npy.kind);
    for (size_t i = 0; ok && i < array.npy.shape[0]; i++)
        ok = add_label(skops, node->path, npy_label(&array.npy, i), labels);
    array_clear(&array);
    return ok;
}

/* One of a list: a value of Python, or one of numpy, which has an array of its own. */
static bool add_item(struct skops *skops, const struct node *item, json_t *labels)
{
    json_t *label;
    if (node_is(item, "NdArrayNode")) return add_labels_of(skops, item, 0, labels);
    return node_value(&skops->schema, item, &label) && add_label(skops, item->path, label, labels);
}

static bool read_labels(struct skops *skops, const struct node *classifier, json_t *labels)
{
    struct node classes, item;
    size_t n;
    if (!node_field(&skops->schema, classifier, "classes_", &classes)) return false;
    if (node_is(&classes, "NdArrayNode") && json_object_get(classes.json, "file"))
        return add_labels_of(skops, &classes, 1, labels);
    if (!node_items(&skops->schema, &classes, &n)) return false;
    for (size_t i = 0; i < n; i++) {
        node_item(&classes, i, &item);
        if (!add_item(skops, &item, labels)) return false;
    }
    return true;
}

/* ---- the classifiers ---- */

static bool set_kind(struct skops *skops, const char *kind)
{
    return json_object_set_new(skops->parts->about, "kind", json_string(kind)) == 0 ||
           err_out_of_memory(skops->parts->err);
}

/* A linear model: a row of coef_ for two classes, else a row a class. */
static bool read_linear(struct skops *skops, const struct node *classifier)
{
    struct head_parts *parts = skops->parts;
    struct node weight, bias;
    if (!node_field(&skops->schema, classifier, "coef_", &weight) ||
        !node_field(&skops->schema, classifier, "intercept_", &bias) ||
        !read_layer(skops, &weight, &bias,
                    &(struct layer){.scaling = &skops->scaling,
                                    .weight = &parts->output.weight,
                                    .bias = &parts->output.bias}))
        return false;
    return set_kind(skops, parts->output.weight.rows == 1 ? "binary" : "multi-class");
}

static bool fail_shares(struct skops *skops, const struct node *classifier)
{
    return skops_fail(&skops->schema, classifier->path,
                      "a %s of several classes that fits each against the rest divides its "
                      "probabilities by their sum, which no head does; fit a "
                      "LogisticRegression(solver='lbfgs')",
                      node_class(classifier));
}

static bool read_logistic(struct skops *skops, const struct node *classifier)
{
    char how[WORD_BYTES], solver[WORD_BYTES];
    if (!read_word(skops, classifier, "multi_class", how) ||
        !read_word(skops, classifier, "solver", solver) || !read_linear(skops, classifier))
        return false;
    const bool is_binary = skops->parts->output.weight.rows == 1;
    if (is_binary && strcmp(how, "multinomial") == 0)
        return skops_fail(&skops->schema, classifier->path,
                          "multi_class 'multinomial' of two classes doubles its logits; fit it "
                          "without multi_class");
    if (!is_binary &&
        (strcmp(how, "ovr") == 0 || strcmp(how, "warn") == 0 || strcmp(solver, "liblinear") == 0))
        return fail_shares(skops, classifier);
    return true;
}

static bool read_sgd(struct skops *skops, const struct node *classifier)
{
    char loss[WORD_BYTES];
    if (!read_word(skops, classifier, "loss", loss)) return false;
    if (strcmp(loss, "log_loss") != 0 && strcmp(loss, "log") != 0)
        return skops_fail(&skops->schema, classifier->path,
                          "an SGDClassifier of the loss '%s' has no probabilities of a head; fit "
                          "it with loss='log_loss'",
                          loss);
    if (!read_linear(skops, classifier)) return false;
    return skops->parts->output.weight.rows == 1 || fail_shares(skops, classifier);
}

/* Of `n` linear steps, of which a head has one, or two with relu between. */
static bool check_layers(struct skops *skops, const struct node *classifier, size_t n)
{
    char activation[WORD_BYTES];
    if (!read_word(skops, classifier, "activation", activation)) return false;
    if (n != 1 && n != 2)
        return skops_fail(&skops->schema, classifier->path,
                          "an MLPClassifier of %zu hidden layers; a head has none or one "
                          "(model2vec: n_layers=1)",
                          n == 0 ? 0 : n - 1);
    if (n == 2 && strcmp(activation, "relu") != 0)
        return skops_fail(&skops->schema, classifier->path,
                          "its activation is '%s', but a head has relu; train it with "
                          "activation='relu'",
                          activation);
    return true;
}

static bool read_layers(struct skops *skops, const struct node *classifier)
{
    static const struct scaling none = {0};
    struct head_parts *parts = skops->parts;
    struct node coefs, intercepts, weight, bias;
    size_t n, n_biases;
    if (!node_field(&skops->schema, classifier, "coefs_", &coefs) ||
        !node_field(&skops->schema, classifier, "intercepts_", &intercepts) ||
        !node_items(&skops->schema, &coefs, &n) ||
        !node_items(&skops->schema, &intercepts, &n_biases) || !check_layers(skops, classifier, n))
        return false;
    if (n_biases != n)
        return skops_fail(&skops->schema, intercepts.path, "it has %zu arrays, but coefs_ %zu",
                          n_biases, n);
    for (size_t i = 0; i < n; i++) {
        const bool is_last = i + 1 == n;
        struct layer layer = {.is_inputs_first = true,
                              .scaling = i == 0 ? &skops->scaling : &none,
                              .weight = is_last ? &parts->output.weight : &parts->hidden[0].weight,
                              .bias = is_last ? &parts->output.bias : &parts->hidden[0].bias};
        node_item(&coefs, i, &weight);
        node_item(&intercepts, i, &bias);
        if (!read_layer(skops, &weight, &bias, &layer)) return false;
    }
    return true;
}

/* model2vec gives a head of two classes two outputs and softmax, scikit-learn one and logistic. */
static bool read_mlp(struct skops *skops, const struct node *classifier)
{
    char activation[WORD_BYTES];
    if (!read_layers(skops, classifier) ||
        !read_word(skops, classifier, "out_activation_", activation))
        return false;
    const size_t rows = skops->parts->output.weight.rows;
    const size_t labels = json_array_size(json_object_get(skops->parts->about, "labels"));
    if (strcmp(activation, "softmax") == 0) return set_kind(skops, "multi-class");
    if (strcmp(activation, "logistic") == 0)
        return set_kind(skops, rows == 1 && labels == 2 ? "binary" : "multi-label");
    return skops_fail(&skops->schema, classifier->path,
                      "its out_activation_ is '%s'; a head has softmax or logistic: use an "
                      "MLPClassifier that was fitted",
                      activation);
}

static bool is_of_sklearn(const struct node *node)
{
    const char *module = json_string_value(json_object_get(node->json, "__module__"));
    return module && strncmp(module, "sklearn.", 8) == 0;
}

static bool read_classifier(struct skops *skops, const struct node *node)
{
    static const struct {
        const char *name;
        bool (*read)(struct skops *skops, const struct node *classifier);
    } known[] = {{"MLPClassifier", read_mlp},
                 {"LogisticRegression", read_logistic},
                 {"SGDClassifier", read_sgd}};
    const char *name = node_class(node);
    json_t *labels = json_array();
    if (!labels || json_object_set_new(skops->parts->about, "labels", labels) < 0)
        return err_out_of_memory(skops->parts->err);
    for (size_t i = 0; i < sizeof known / sizeof known[0] && is_of_sklearn(node); i++)
        if (strcmp(name, known[i].name) == 0)
            return read_labels(skops, node, labels) && known[i].read(skops, node);
    if (strcmp(name, "LinearSVC") == 0 || strcmp(name, "RidgeClassifier") == 0)
        return skops_fail(&skops->schema, node->path,
                          "a %s has no probabilities, and a head would make some up; fit a "
                          "LogisticRegression",
                          name);
    return skops_fail(&skops->schema, node->path,
                      "'%.*s' is not a supported classifier; use scikit-learn's MLPClassifier, "
                      "LogisticRegression or SGDClassifier(loss='log_loss')",
                      ERR_VALUE_BYTES, name);
}

/* ---- the steps before ---- */

static bool start_scaling(struct skops *skops, size_t n)
{
    struct scaling *scaling = &skops->scaling;
    if (scaling->n > 0) return true;
    scaling->scale = calloc(n, sizeof *scaling->scale);
    scaling->shift = calloc(n, sizeof *scaling->shift);
    if (!scaling->scale || !scaling->shift) return err_out_of_memory(skops->parts->err);
    for (size_t i = 0; i < n; i++)
        scaling->scale[i] = 1;
    scaling->n = n;
    return true;
}

/* Subtracts, or with `is_divisor` divides by, an attribute of the StandardScaler. */
static bool apply_array(struct skops *skops, const struct node *scaler, const char *name,
                        bool is_divisor)
{
    struct scaling *scaling = &skops->scaling;
    struct node node;
    struct array array = {0};
    bool ok = node_field(&skops->schema, scaler, name, &node) &&
              read_numbers(skops, &node, 1, &array) && start_scaling(skops, array.npy.shape[0]);
    if (ok && array.npy.shape[0] != scaling->n)
        ok = skops_fail(&skops->schema, node.path, "it has %zu numbers, but there must be %zu",
                        array.npy.shape[0], scaling->n);
    for (size_t i = 0; ok && i < scaling->n; i++) {
        const double value = npy_number(&array.npy, i, 0);
        if (is_divisor) scaling->scale[i] /= value;
        scaling->shift[i] = is_divisor ? scaling->shift[i] / value : scaling->shift[i] - value;
        if (!isfinite(value) || (is_divisor && value == 0))
            ok = skops_fail(&skops->schema, node.path,
                            "number %zu of it is 0, NaN or Inf; fit the StandardScaler again", i);
    }
    array_clear(&array);
    return ok;
}

static bool apply_scaler(struct skops *skops, const struct node *scaler)
{
    bool with_mean, with_std;
    return read_flag(skops, scaler, "with_mean", &with_mean) &&
           read_flag(skops, scaler, "with_std", &with_std) &&
           (!with_mean || apply_array(skops, scaler, "mean_", false)) &&
           (!with_std || apply_array(skops, scaler, "scale_", true));
}

/* None and "passthrough" stand for no step. */
static bool is_no_step(struct skops *skops, const struct node *step)
{
    json_t *value;
    if (!node_is(step, "JsonNode") || !node_value(&skops->schema, step, &value)) return false;
    const char *word = json_string_value(value);
    const bool is_none = json_is_null(value) || (word && strcmp(word, "passthrough") == 0);
    json_decref(value);
    return is_none;
}

static bool apply_step(struct skops *skops, const struct node *step)
{
    const char *name = node_class(step);
    if (is_no_step(skops, step)) return true;
    if (is_of_sklearn(step) && strcmp(name, "StandardScaler") == 0)
        return apply_scaler(skops, step);
    return skops_fail(&skops->schema, step->path,
                      "'%.*s' before the classifier is not supported, only a StandardScaler is; "
                      "fit the pipeline on the vectors as they are",
                      ERR_VALUE_BYTES, name);
}

static bool read_pipeline(struct skops *skops, const struct node *pipeline)
{
    struct node steps, pair, step;
    size_t n, n_pair;
    if (!node_field(&skops->schema, pipeline, "steps", &steps) ||
        !node_items(&skops->schema, &steps, &n))
        return false;
    if (n == 0 || n > STEPS_MAX)
        return skops_fail(&skops->schema, steps.path, "there must be 1 to %d, not %zu", STEPS_MAX,
                          n);
    for (size_t i = 0; i < n; i++) {
        node_item(&steps, i, &pair);
        if (!node_items(&skops->schema, &pair, &n_pair)) return false;
        if (n_pair != 2)
            return skops_fail(&skops->schema, pair.path, "it must be a name and a step");
        node_item(&pair, 1, &step);
        if (!(i + 1 < n ? apply_step(skops, &step) : read_classifier(skops, &step))) return false;
    }
    return true;
}

bool head_read_skops(struct head_parts *parts, struct span bytes)
{
    struct skops skops = {.parts = parts};
    struct node root;
    bool ok = skops_open(&skops.schema, bytes, (struct err_file){parts->where, parts->err}, &root);
    if (ok && is_of_sklearn(&root) && strcmp(node_class(&root), "Pipeline") == 0)
        ok = read_pipeline(&skops, &root);
    else if (ok)
        ok = read_classifier(&skops, &root);
    free(skops.scaling.scale);
    free(skops.scaling.shift);
    skops_close(&skops.schema);
    return ok;
}
