/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of model2vec, against the library's own answers (tests/golden/make_model2vec_heads.py), and
   of transformers' checkpoints, by hand; wrong ones of both. */
#include "base/json.h"
#include "model/files/tensors_pack.h"
#include "model/head/head.h"
#include "model/head/heads.h"
#include "model/model.h"
#include "tests/heads.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN "tests/golden/model2vec_heads/"
#define ROOM 16
#define TENSORS_MAX 8

static struct arena arena;

static int start(void **state)
{
    (void)state;
    json_init();
    arena_init(&arena, (size_t)64 << 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

/* ---- against model2vec ---- */

static void check_text(const struct model *model, const struct head *head, const char *text,
                       const json_t *wanted, const json_t *predicted)
{
    const struct head_info *info = head_info(head);
    float v[ROOM], logits[ROOM], p[ROOM];
    struct tokens tokens;
    struct err err;
    assert_true(model_tokenize(model, &arena, text, strlen(text), TOKENIZE_LIMITS, &tokens, &err));
    const struct passage passage = {tokens.ids, tokens.n, text, strlen(text)};
    assert_true(head_vector(head, &arena, &passage, v, &err));
    assert_true(head_logits(head, &arena, v, tokens.ids, tokens.n, logits, &err));
    head_probabilities(head, logits, p);
    assert_int_equal(json_array_size(wanted), info->n_labels);
    for (uint32_t i = 0; i < info->n_labels; i++) {
        const double x = json_number_value(json_array_get(wanted, i));
        if (!(fabs((double)p[i] - x) <= 1e-6))
            fail_msg("'%.20s': p[%u] is %.9g, not %.9g", text, i, (double)p[i], x);
    }
    check_prediction(head, &arena, logits, p, predicted);
}

static void check_folder(const char *name, const json_t *one, const json_t *texts)
{
    char path[200];
    struct model *model;
    struct err err;
    snprintf(path, sizeof path, GOLDEN "%s", name);
    if (!model_open(&model, path, &err)) fail_msg("%s", err.message);
    const struct head *head = heads_default(model_heads(model));
    assert_non_null(head);
    check_kind_and_labels(head, one);
    for (size_t i = 0; i < json_array_size(texts); i++)
        check_text(model, head, json_string_value(json_array_get(texts, i)),
                   json_array_get(json_object_get(one, "probabilities"), i),
                   json_array_get(json_object_get(one, "predicted"), i));
    model_close(model);
}

static void probabilities_and_labels_are_those_of_model2vec(void **state)
{
    (void)state;
    json_error_t error;
    const char *name;
    json_t *golden = json_load_file(GOLDEN "expected.json", 0, &error), *one;
    json_t *models = json_object_get(golden, "models");
    assert_int_equal(json_object_size(models), 8);
    json_object_foreach(models, name, one)
        check_folder(name, one, json_object_get(golden, "texts"));
    json_decref(golden);
}

static void heads_of_regression_and_similarity_are_refused_by_name(void **state)
{
    static const char *const names[] = {"regression", "similarity", "headless"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char path[200];
        struct model *model;
        struct err err;
        snprintf(path, sizeof path, GOLDEN "%s", names[i]);
        assert_true(model_open(&model, path, &err));
        const struct heads *heads = model_heads(model);
        assert_int_equal(heads->n, 0);
        assert_int_equal(heads->refused.code, ERR_UNPROCESSABLE);
        assert_int_equal(strncmp(heads->refused.message, "head.safetensors: head_config", 29), 0);
        assert_non_null(strstr(heads->refused.message, "regression or similarity"));
        model_close(model);
        snprintf(path, sizeof path, GOLDEN "two");
        assert_true(model_open(&model, path, &err));
        snprintf(path, sizeof path, GOLDEN "%s", names[i]);
        assert_false(model_add_heads(model, path, &err));
        assert_non_null(strstr(err.message, "regression or similarity"));
        model_close(model);
    }
}

/* ---- by hand ---- */

static const float numbers[16] = {1, 2, 3, 4, 0.5f, -0.5f, 0.25f, 1, -1, 2, -2, 0, 0, 1, 1, 0};

/* A tensor of F32: two dimensions if it has columns, else one. Its numbers are the first. */
static struct tensor_given tensor(const char *name, size_t rows, size_t columns)
{
    const size_t n = rows * (columns ? columns : 1);
    return (struct tensor_given){
        name, "F32", columns ? 2 : 1, {rows, columns}, numbers, n * sizeof *numbers};
}

struct given {
    struct tensor_given tensors[TENSORS_MAX]; /* up to the first without a name */
};

static bool open_given(struct head **head, const struct given *given, const char *config,
                       struct err *err)
{
    size_t n = 0, bytes;
    struct err detail;
    while (n < TENSORS_MAX && given->tensors[n].name)
        n++;
    char *file = tensors_pack(given->tensors, n, NULL, &bytes, err);
    json_t *json = config ? json_read(config, strlen(config), &detail) : NULL;
    assert_true(file && (json || !config));
    const struct head_input input = {.dim = 2, .config = json};
    *err = (struct err){0};
    bool done = head_open(head, (struct span){file, bytes}, "taste", "file", &input, err);
    json_decref(json);
    free(file);
    return done;
}

static void check_logits(const struct given *given, const char *config, enum head_kind kind,
                         const char *label, float first, float second)
{
    struct head *head;
    struct err err;
    float logits[ROOM];
    if (!open_given(&head, given, config, &err)) fail_msg("%s", err.message);
    assert_int_equal(head_info(head)->kind, kind);
    assert_string_equal(head_info(head)->labels[1], label);
    assert_true(head_logits(head, &arena, (const float[]){1, -1}, NULL, 0, logits, &err));
    assert_true(logits[0] == first && logits[1] == second);
    head_close(head);
}

static void refuse(const struct given *given, const char *config, const char *why)
{
    struct head *head;
    struct err err;
    assert_false(open_given(&head, given, config, &err));
    assert_null(head);
    const bool has_no_labels = strstr(why, "identity");
    if (err.code != (has_no_labels ? ERR_UNPROCESSABLE : ERR_FORMAT) || !strstr(err.message, why))
        fail_msg("'%s' does not say '%s'", err.message, why);
}

#define CONFIG(layers, activation, classes)                                                        \
    "{\"head_config\":{\"n_layers\":" layers ",\"activation\":" activation ",\"classes\":" classes \
    "}}"
#define SOFTMAX(layers, classes) CONFIG(layers, "\"softmax\"", classes)

static void layers_of_model2vec_stand_one_behind_the_other(void **state)
{
    (void)state;
    const struct given one = {{tensor("head.0.weight", 2, 2), tensor("head.0.bias", 2, 0)}};
    check_logits(&one, SOFTMAX("1", "[7, -7]"), HEAD_MULTI_CLASS, "-7", 0, 1);
    const struct given three = {{tensor("head.0.weight", 2, 2), tensor("head.0.bias", 2, 0),
                                 tensor("head.1.weight", 3, 2), tensor("head.1.bias", 3, 0),
                                 tensor("head.2.weight", 2, 3), tensor("head.2.bias", 2, 0)}};
    /* (0, 1), then (1, 2, 3) + (2, 4, -0.5), then the last. */
    check_logits(&three, CONFIG("3", "\"sigmoid\"", "[\"a\",\"b\"]"), HEAD_MULTI_LABEL, "b",
                 3 + 12 + 7.5f + 1, 12 + 3 - 1.25f + 2);
}

static void what_is_wrong_in_a_head_of_model2vec_is_named(void **state)
{
    (void)state;
    const struct given right = {{tensor("head.0.weight", 2, 2), tensor("head.0.bias", 2, 0)}};
    const struct given bare = {{tensor("head.0.weight", 2, 2)}};
    const struct given flat = {{tensor("head.0.weight", 4, 0), tensor("head.0.bias", 2, 0)}};
    const struct given wide = {{tensor("head.0.weight", 2, 3), tensor("head.0.bias", 2, 0)}};
    const struct given biased = {{tensor("head.0.weight", 2, 2), tensor("head.0.bias", 3, 0)}};
    const struct given broken = {{tensor("head.0.weight", 3, 2), tensor("head.0.bias", 3, 0),
                                  tensor("head.1.weight", 2, 2), tensor("head.1.bias", 2, 0)}};
    struct given other = right, nan = right;
    const float bad[2] = {1, NAN};
    other.tensors[1].dtype = "I32";
    nan.tensors[1].data = bad;
    refuse(&right, NULL, "give the folder that holds both");
    refuse(&right, "{\"head_config\": 1}", "give the folder that holds both");
    refuse(&right, "{\"head_config\": {}}", "is 'identity'");
    refuse(&right, CONFIG("1", "\"tanh\"", "[1,2]"), "must be softmax or sigmoid, not 'tanh'");
    refuse(&right, CONFIG("1", "3", "[1,2]"), "not 'something other than a string'");
    refuse(&right, SOFTMAX("0", "[1,2]"), "n_layers of config.json must be a whole number from 1");
    refuse(&right, SOFTMAX("\"1\"", "[1,2]"), "n_layers of config.json must be a whole number");
    refuse(&right, SOFTMAX("10", "[1,2]"), "is 10, and at most 9 are served");
    refuse(&right, SOFTMAX("2", "[1,2]"), "there is no tensor 'head.1.weight'");
    refuse(&broken, SOFTMAX("1", "[1,2,3]"), "is 1, but there is a tensor 'head.1.weight'");
    refuse(&broken, SOFTMAX("2", "[1,2]"),
           "head.1.weight has 2 columns, but the layer before it has 3 rows");
    refuse(&bare, SOFTMAX("1", "[1,2]"), "there is no tensor 'head.0.bias'");
    refuse(&flat, SOFTMAX("1", "[1,2]"), "tensor 'head.0.weight' must have 2 dimensions");
    refuse(&wide, SOFTMAX("1", "[1,2]"), "head.0.weight takes vectors of 3 columns, but the table");
    refuse(&biased, SOFTMAX("1", "[1,2]"), "head.0.weight has 2 rows, so its bias must be 2");
    refuse(&other, SOFTMAX("1", "[1,2]"), "tensor 'head.0.bias' has dtype I32");
    refuse(&nan, SOFTMAX("1", "[1,2]"), "head.0.bias holds NaN or Inf in row 1");
    refuse(&right, SOFTMAX("1", "[1,2,3]"),
           "head_config.classes of config.json has 3 labels, but tensor 'head.0.weight' 2 rows");
    refuse(&right, SOFTMAX("1", "null"), "head_config.classes of config.json has 0 labels");
    refuse(&right, SOFTMAX("1", "[\"a\",\"a\"]"),
           "head_config.classes must be a list of different");
    refuse(&right, SOFTMAX("1", "[\"a\",1.5]"), "head_config.classes must be a list of different");
}

#define NAMES "\"id2label\":{\"1\":\"good\",\"0\":\"bad\"}"

static void the_classifier_of_a_checkpoint_is_a_head(void **state)
{
    (void)state;
    struct given given = {{tensor("bert.embeddings.word_embeddings.weight", 3, 2),
                           tensor("classifier.weight", 2, 2), tensor("classifier.bias", 2, 0)}};
    check_logits(&given, "{" NAMES "}", HEAD_MULTI_CLASS, "good", 0, 1);
    check_logits(&given, "{}", HEAD_MULTI_CLASS, "LABEL_1", 0, 1);
    check_logits(
        &given,
        "{\"architectures\":[\"BertForSequenceClassification\"],\"problem_type\":null," NAMES "}",
        HEAD_MULTI_CLASS, "good", 0, 1);
    check_logits(&given, "{\"problem_type\":\"multi_label_classification\"," NAMES "}",
                 HEAD_MULTI_LABEL, "good", 0, 1);
    /* 1, 2, 3, 4 and 0.5, -0.5 in 16 bits. */
    static const uint16_t half[] = {0x3C00, 0x4000, 0x4200, 0x4400, 0x3800, 0xB800};
    static const uint16_t bfloat[] = {0x3F80, 0x4000, 0x4040, 0x4080, 0x3F00, 0xBF00};
    given.tensors[1] = (struct tensor_given){"classifier.weight", "F16", 2, {2, 2}, half, 8};
    given.tensors[2] = (struct tensor_given){"classifier.bias", "BF16", 1, {2}, bfloat + 4, 4};
    check_logits(&given, "{}", HEAD_MULTI_CLASS, "LABEL_1", -0.5f, -1.5f);
    given.tensors[1] = (struct tensor_given){"classifier.weight", "BF16", 2, {2, 2}, bfloat, 8};
    check_logits(&given, "{}", HEAD_MULTI_CLASS, "LABEL_1", -0.5f, -1.5f);
}

static void refuse_other(const char *name, const char *whose)
{
    const struct given given = {
        {tensor("classifier.weight", 2, 2), tensor("classifier.bias", 2, 0), tensor(name, 2, 2)}};
    char why[200];
    snprintf(why, sizeof why, "its classifier ('%s') is %s", name, whose);
    refuse(&given, "{" NAMES "}", why);
}

static void what_is_wrong_in_a_checkpoint_is_named(void **state)
{
    (void)state;
    const struct given right = {
        {tensor("classifier.weight", 2, 2), tensor("classifier.bias", 2, 0)}};
    const struct given bare = {{tensor("classifier.weight", 2, 2)}};
    const struct given single = {
        {tensor("classifier.weight", 1, 2), tensor("classifier.bias", 1, 0)}};
    const struct given wide = {
        {tensor("classifier.weight", 2, 4), tensor("classifier.bias", 2, 0)}};
    const struct given flat = {
        {tensor("classifier.weight", 4, 0), tensor("classifier.bias", 2, 0)}};
    struct given nan = right;
    const float bad[4] = {1, 2, INFINITY, 4};
    nan.tensors[0].data = bad;
    refuse(&right, NULL, "give the folder that holds both");
    refuse(&bare, "{" NAMES "}", "there is no tensor 'classifier.bias'");
    refuse(&flat, "{" NAMES "}", "tensor 'classifier.weight' must have 2 dimensions");
    refuse(&wide, "{" NAMES "}", "classifier.weight takes vectors of 4 columns, but the table");
    refuse(&nan, "{" NAMES "}", "classifier.weight holds NaN or Inf in row 1, column 0");
    refuse(&right, "{\"id2label\":{\"0\":\"a\"}}",
           "id2label of config.json has 1 label, but tensor 'classifier.weight' 2 rows");
    refuse(&right, "{\"id2label\":[\"a\",\"b\"]}", "id2label of config.json has 0 labels");
    refuse(&right, "{\"id2label\":{\"1\":\"a\",\"2\":\"b\"}}",
           "id2label of config.json has no key \"0\"");
    refuse(&right, "{\"id2label\":{\"0\":\"a\",\"1\":\"a\"}}",
           "id2label must be a list of different");
    refuse(&right, "{\"problem_type\":\"regression\"," NAMES "}", "is a regression");
    refuse(&right, "{\"problem_type\":\"x\"," NAMES "}", "problem_type of config.json must be");
    refuse(&right, "{\"problem_type\":7," NAMES "}", "problem_type of config.json must be");
    refuse(&single, "{}", "is a regression");
    refuse(&right, "{\"architectures\":[\"BertForTokenClassification\"]," NAMES "}",
           "it is a BertForTokenClassification");
    refuse_other("pre_classifier.weight", "DistilBERT's");
    refuse_other("classifier.dense.weight", "that of RoBERTa or ELECTRA");
    refuse_other("classifier.out_proj.weight", "that of RoBERTa or ELECTRA");
    refuse_other("classification_head.out_proj.weight", "BART's");
    refuse_other("logits_proj.weight", "XLNet's");
    refuse_other("head.dense.weight", "ModernBERT's");
    refuse_other("score.weight", "a decoder's");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_and_labels_are_those_of_model2vec),
        cmocka_unit_test(heads_of_regression_and_similarity_are_refused_by_name),
        cmocka_unit_test(layers_of_model2vec_stand_one_behind_the_other),
        cmocka_unit_test(what_is_wrong_in_a_head_of_model2vec_is_named),
        cmocka_unit_test(the_classifier_of_a_checkpoint_is_a_head),
        cmocka_unit_test(what_is_wrong_in_a_checkpoint_is_named),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
