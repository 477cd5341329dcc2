/* SPDX-License-Identifier: Apache-2.0 */
/* Heads as other libraries save them, the numbers in a safetensors file and the rest in the
   config.json beside it: classifiers of model2vec, and of transformers. */
#include "model/files/tensors_pack.h"
#include "model/head/files/parts.h"

#include "base/plural.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX (HIDDEN_MAX + 1)

static bool read_named(struct head_parts *parts, const struct tensors *file, const char *name,
                       size_t rank, struct matrix *out)
{
    if (!tensors_find(file, name))
        return head_fail(parts, "there is no tensor '%s'; save the model again", name);
    return head_read_tensor(parts, file, name, rank, out);
}

/* Both numbers of a linear step; the prefix of their names is in it. */
static bool read_step(struct head_parts *parts, const struct tensors *file, struct step *step)
{
    char weight[sizeof step->prefix + 8], bias[sizeof step->prefix + 8];
    snprintf(weight, sizeof weight, "%sweight", step->prefix);
    snprintf(bias, sizeof bias, "%sbias", step->prefix);
    return read_named(parts, file, weight, 2, &step->weight) &&
           read_named(parts, file, bias, 1, &step->bias);
}

static bool set_about(struct head_parts *parts, const char *kind, json_t *labels /* takes */)
{
    json_object_set_new(parts->about, "kind", json_string(kind));
    return json_object_set_new(parts->about, "labels", labels) == 0 ||
           err_out_of_memory(parts->err);
}

static bool check_count(const struct head_parts *parts, size_t n)
{
    const size_t rows = parts->output.weight.rows;
    return n == rows ||
           head_fail(parts,
                     "%s of config.json has %zu label%s, but tensor '%sweight' %zu "
                     "row%s; take both files from the same save",
                     parts->labels_key, n, plural(n), parts->output.prefix, rows, plural(rows));
}

/* ---- model2vec ---- */

static const json_t *head_config(const struct head_parts *parts)
{
    return json_object_get(parts->config, "head_config");
}

bool head_is_model2vec(const struct head_parts *parts, const struct tensors *file)
{
    /* A head without a layer is a file without a tensor. */
    return tensors_find(file, "head.0.weight") || (file->n == 0 && head_config(parts));
}

/* What probabilities are made by; regression and similarity heads have none. */
static const char *read_activation(const struct head_parts *parts)
{
    const json_t *value = json_object_get(head_config(parts), "activation");
    const char *name = value ? json_string_value(value) : "identity";
    if (name && strcmp(name, "softmax") == 0) return "multi-class";
    if (name && strcmp(name, "sigmoid") == 0) return "multi-label";
    if (name && strcmp(name, "identity") == 0) {
        head_fail(parts, "head_config.activation of config.json is 'identity': a head of model2vec "
                         "for regression or similarity, which gives numbers, not labels");
        parts->err->code = ERR_UNPROCESSABLE;
    } else {
        head_fail(parts,
                  "head_config.activation of config.json must be softmax or sigmoid, not '%.*s'; "
                  "save the classifier again with model2vec",
                  ERR_VALUE_BYTES, name ? name : "something other than a string");
    }
    return NULL;
}

/* How many linear steps there are: as config.json says, and as the file has them. */
static bool count_steps(const struct head_parts *parts, const struct tensors *file, size_t *n)
{
    char name[40];
    const json_t *value = json_object_get(head_config(parts), "n_layers");
    if (!json_is_integer(value) || json_integer_value(value) < 1)
        return head_fail(parts, "head_config.n_layers of config.json must be a whole number from "
                                "1; save the classifier again with model2vec");
    if (json_integer_value(value) > STEPS_MAX)
        return head_fail(parts,
                         "head_config.n_layers of config.json is %lld, and at most %d are served; "
                         "train a head with fewer layers",
                         (long long)json_integer_value(value), STEPS_MAX);
    *n = (size_t)json_integer_value(value);
    snprintf(name, sizeof name, "head.%zu.weight", *n);
    return !tensors_find(file, name) ||
           head_fail(parts,
                     "head_config.n_layers of config.json is %zu, but there is a tensor '%s'; take "
                     "both files from the same save",
                     *n, name);
}

bool head_read_model2vec(struct head_parts *parts, const struct tensors *file)
{
    size_t n = 0;
    if (!json_is_object(head_config(parts)))
        return head_fail(parts, "it is a head of model2vec, whose labels stand under head_config "
                                "in the config.json beside it; give the folder that holds both");
    const char *kind = read_activation(parts);
    if (!kind || !count_steps(parts, file, &n)) return false;
    for (size_t i = 0; i < n; i++) {
        struct step *step = i + 1 < n ? &parts->hidden[i] : &parts->output;
        snprintf(step->prefix, sizeof step->prefix, "head.%u.", (unsigned)i);
        if (!read_step(parts, file, step)) return false;
    }
    json_t *classes = json_object_get(head_config(parts), "classes");
    parts->labels_key = "head_config.classes";
    return check_count(parts, json_array_size(classes)) &&
           set_about(parts, kind, json_deep_copy(classes));
}

/* ---- transformers ---- */

/* Names that tell a classifier, and why one that is more than a linear step is not read. */
static const struct {
    const char *tensor, *why;
} classifiers[] = {
    {"pre_classifier.weight", "DistilBERT's, which has a layer of its own before the last one"},
    {"classifier.dense.weight", "that of RoBERTa or ELECTRA, which has two layers"},
    {"classifier.out_proj.weight", "that of RoBERTa or ELECTRA, which has two layers"},
    {"classification_head.out_proj.weight", "BART's, which has two layers"},
    {"logits_proj.weight", "XLNet's, which has a layer of its own before the last one"},
    {"head.dense.weight", "ModernBERT's, which has a layer of its own before the last one"},
    {"score.weight", "a decoder's, which reads the last token alone"},
    {"classifier.weight", NULL},
};
#define N_CLASSIFIERS (sizeof classifiers / sizeof classifiers[0])

bool head_is_checkpoint(const struct tensors *file)
{
    for (size_t i = 0; i < N_CLASSIFIERS; i++)
        if (tensors_find(file, classifiers[i].tensor)) return true;
    return false;
}

static bool check_classifier(const struct head_parts *parts, const struct tensors *file)
{
    for (size_t i = 0; i < N_CLASSIFIERS; i++)
        if (classifiers[i].why && tensors_find(file, classifiers[i].tensor))
            return head_fail(parts,
                             "its classifier ('%s') is %s, so it is not served on pooled rows; "
                             "train a head on this table with embedd train",
                             classifiers[i].tensor, classifiers[i].why);
    return true;
}

static bool check_architecture(const struct head_parts *parts)
{
    const json_t *list = json_object_get(parts->config, "architectures");
    const char *name = json_string_value(json_array_get(list, 0));
    return !name || strstr(name, "ForSequenceClassification") ||
           head_fail(parts,
                     "config.json says it is a %.*s, and of the classifiers in checkpoints only "
                     "those of whole texts (ForSequenceClassification) are served; train a head on "
                     "this table with embedd train",
                     ERR_VALUE_BYTES, name);
}

/* One output without a word on it is a regression too. */
static const char *read_problem(const struct head_parts *parts)
{
    const json_t *value = json_object_get(parts->config, "problem_type");
    const char *name = json_string_value(value);
    const bool is_said = value && !json_is_null(value);
    if (name && strcmp(name, "multi_label_classification") == 0) return "multi-label";
    if ((name && strcmp(name, "regression") == 0) || (!is_said && parts->output.weight.rows == 1))
        head_fail(parts,
                  "its classifier is a regression (problem_type of config.json, or one output), "
                  "which gives numbers, not labels; train a head on this table with embedd train");
    else if (!is_said || (name && strcmp(name, "single_label_classification") == 0))
        return "multi-class";
    else
        head_fail(parts,
                  "problem_type of config.json must be single_label_classification or "
                  "multi_label_classification, not '%.*s'",
                  ERR_VALUE_BYTES, name ? name : "something other than a string");
    return NULL;
}

/* id2label: {"0": "bad", "1": "good"}; left out, labels are what transformers calls them. */
static bool read_id2label(struct head_parts *parts, json_t **labels)
{
    const size_t n = parts->output.weight.rows;
    const json_t *names = json_object_get(parts->config, "id2label");
    char key[24];
    if (names && !check_count(parts, json_object_size(names))) return false;
    *labels = json_array();
    for (size_t i = 0; i < n; i++) {
        snprintf(key, sizeof key, "%zu", i);
        json_t *name = json_object_get(names, key);
        if (names && !name) {
            json_decref(*labels);
            return head_fail(parts,
                             "id2label of config.json has no key \"%s\"; it must name the labels "
                             "from 0 to %zu",
                             key, n - 1);
        }
        json_array_append_new(*labels, name ? json_copy(name) : json_sprintf("LABEL_%zu", i));
    }
    return true;
}

bool head_read_checkpoint(struct head_parts *parts, const struct tensors *file)
{
    json_t *labels = NULL;
    if (!parts->config)
        return head_fail(parts, "it is a checkpoint of transformers, whose labels stand in the "
                                "config.json beside it; give the folder that holds both");
    snprintf(parts->output.prefix, sizeof parts->output.prefix, "classifier.");
    parts->labels_key = "id2label";
    if (!check_classifier(parts, file) || !check_architecture(parts) ||
        !read_step(parts, file, &parts->output))
        return false;
    const char *kind = read_problem(parts);
    return kind && read_id2label(parts, &labels) && set_about(parts, kind, labels);
}

static json_t *list_labels(const char *const *labels, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(labels[i]));
    return list;
}

static struct tensor_given renamed(const struct tensor *tensor, const char *name)
{
    return (struct tensor_given){name,         tensor->dtype,
                                 tensor->rank, {tensor->shape[0], tensor->shape[1]},
                                 tensor->data, (size_t)(tensor->end - tensor->begin)};
}

char *head_pack_checkpoint(const struct tensors *file, enum head_kind kind,
                           const char *const *labels, uint32_t n_labels, size_t *bytes,
                           struct err *err)
{
    const struct tensor_given tensors[] = {
        renamed(tensors_find(file, "classifier.weight"), "weight"),
        renamed(tensors_find(file, "classifier.bias"), "bias")};
    json_t *list = list_labels(labels, n_labels);
    char *text = json_dumps(list, JSON_COMPACT);
    json_t *metadata =
        json_pack("{s:s, s:s}", "labels", text ? text : "", "kind", head_kind_names[kind]);
    char *packed = tensors_pack(tensors, 2, metadata, bytes, err);
    json_decref(metadata);
    json_decref(list);
    free(text);
    return packed;
}
