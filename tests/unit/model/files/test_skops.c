/* SPDX-License-Identifier: Apache-2.0 */
/* Classifiers in files of skops: against scikit-learn's own answers (tests/golden/make_skops.py),
   and wrong ones by hand. */
#include "base/file.h"
#include "base/json.h"
#include "model/files/npy.h"
#include "model/head/head.h"
#include "tests/heads.h"
#include "tests/test.h"
#include "tests/zip.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN "tests/golden/skops/"
#define DIM 4
#define LABELS_MAX 8

static struct arena arena;

static int start(void **state)
{
    (void)state;
    json_init();
    arena_init(&arena, 1 << 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static bool open_bytes(struct head **head, const void *bytes, size_t n, uint32_t dim,
                       struct err *err)
{
    *err = (struct err){0};
    return head_open(head, (struct span){bytes, n}, "taste", "taste.skops",
                     &(struct head_input){.dim = dim}, err);
}

static char *read_golden(const char *name, size_t *bytes)
{
    char path[200], *data;
    struct err err;
    snprintf(path, sizeof path, GOLDEN "%s.skops", name);
    if (!file_read(path, 1 << 20, &data, bytes, &err)) fail_msg("%s", err.message);
    return data;
}

/* ---- against scikit-learn ---- */

static void check_vector(const struct head *head, const json_t *one, const json_t *vectors,
                         size_t i)
{
    const uint32_t n = head_info(head)->n_labels;
    const json_t *wanted = json_array_get(json_object_get(one, "probabilities"), i);
    float v[DIM], logits[LABELS_MAX], p[LABELS_MAX];
    struct err err;
    for (uint32_t j = 0; j < DIM; j++)
        v[j] = (float)json_number_value(json_array_get(json_array_get(vectors, i), j));
    assert_true(head_logits(head, &arena, v, NULL, 0, logits, &err));
    head_probabilities(head, logits, p);
    assert_int_equal(json_array_size(wanted), n);
    for (uint32_t j = 0; j < n; j++)
        if (!(fabs((double)p[j] - json_number_value(json_array_get(wanted, j))) <= 1e-6))
            fail_msg("%s, vector %zu: p[%u] is %.9g, not %.9g",
                     json_string_value(json_object_get(one, "name")), i, j, (double)p[j],
                     json_number_value(json_array_get(wanted, j)));
    check_prediction(head, &arena, logits, p, json_array_get(json_object_get(one, "predicted"), i));
}

static void check_case(const json_t *one, const json_t *vectors)
{
    const char *name = json_string_value(json_object_get(one, "name"));
    size_t bytes;
    char *file = read_golden(name, &bytes);
    struct head *head;
    struct err err;
    if (!open_bytes(&head, file, bytes, DIM, &err)) fail_msg("%s: %s", name, err.message);
    free(file);
    check_kind_and_labels(head, one);
    for (size_t i = 0; i < json_array_size(vectors); i++)
        check_vector(head, one, vectors, i);
    head_close(head);
}

static void probabilities_and_labels_are_those_of_scikit_learn(void **state)
{
    (void)state;
    json_error_t error;
    json_t *golden = json_load_file(GOLDEN "cases.json", 0, &error);
    assert_non_null(golden);
    const json_t *cases = json_object_get(golden, "cases");
    assert_int_equal(json_array_size(cases), 14);
    assert_int_equal(json_array_size(json_object_get(golden, "vectors")), 40);
    for (size_t i = 0; i < json_array_size(cases); i++)
        check_case(json_array_get(cases, i), json_object_get(golden, "vectors"));
    json_decref(golden);
}

/* ---- broken files ---- */

static void refuse_bytes(const void *bytes, size_t n, const char *why)
{
    /* A copy of its own, so that a read past the end is seen. */
    char *copy = malloc(n + !n);
    struct head *head;
    struct err err;
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    const bool is_open = open_bytes(&head, copy, n, 2, &err);
    free(copy);
    if (is_open) fail_msg("it was read, though '%s'", why);
    assert_null(head);
    if (err.code != ERR_FORMAT || !strstr(err.message, why))
        fail_msg("'%s' does not say '%s'", err.message, why);
}

static void a_file_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    size_t bytes;
    char *file = read_golden("logistic_alone", &bytes);
    for (size_t n = 4; n < bytes; n++)
        refuse_bytes(file, n, "copy it again");
    free(file);
}

/* What stands in no checked place may change (dates); nothing may crash, and errors say why. */
static void a_file_with_any_byte_changed_is_refused_or_read(void **state)
{
    (void)state;
    size_t bytes;
    char *file = read_golden("mlp_linear", &bytes);
    struct head *head;
    struct err err;
    for (size_t i = 0; i < bytes; i++) {
        file[i] ^= (char)0x41;
        if (!open_bytes(&head, file, bytes, DIM, &err)) assert_true(strlen(err.message) > 20);
        head_close(head);
        file[i] ^= (char)0x41;
    }
    free(file);
}

/* ---- files by hand ---- */

#define TEXT(json) "{\"__loader__\":\"JsonNode\",\"content\":" json "}"
#define ARRAY(file) "{\"__loader__\":\"NdArrayNode\",\"type\":\"numpy\",\"file\":\"" file "\"}"
#define LIST(items) "{\"__loader__\":\"ListNode\",\"content\":[" items "]}"
#define OBJECT(module, class, attributes)                                                          \
    "{\"__loader__\":\"ObjectNode\",\"__module__\":\"" module                                      \
    "\",\"__class__\":\"" class "\",\"content\":{\"__loader__\":\"DictNode\",\"content\":"         \
                                "{" attributes "}}"
#define ROOT(module, class, attributes) OBJECT(module, class, attributes) ",\"protocol\":2}"
#define STEP(step) LIST(TEXT("\"\\\"name\\\"\"") "," step)
#define PIPELINE(steps) ROOT("sklearn.pipeline", "Pipeline", "\"steps\":" LIST(steps))
#define LINEAR_OF(labels, weight, bias)                                                            \
    "\"classes_\":" labels ",\"coef_\":" weight ",\"intercept_\":" bias
#define LINEAR LINEAR_OF(ARRAY("l"), ARRAY("w"), ARRAY("b"))
#define LOGISTIC(attributes)                                                                       \
    ROOT("sklearn.linear_model._logistic", "LogisticRegression", attributes)
#define SGD(attributes) ROOT("sklearn.linear_model", "SGDClassifier", attributes)
#define MLP(attributes) ROOT("sklearn.neural_network", "MLPClassifier", attributes)
#define LAYERS(weights, biases) "\"coefs_\":" LIST(weights) ",\"intercepts_\":" LIST(biases)

#define NPY_ROOM 256

struct file {
    struct zip_part parts[8];
    size_t n;
    char npy[8][NPY_ROOM];
};

/* A member of numpy: its header as Python writes it, but for the padding. */
static void add_npy(struct file *file, const char *name, const char *header, const void *data,
                    size_t bytes)
{
    char *npy = file->npy[file->n];
    const size_t length = strlen(header);
    assert_true(10 + length + bytes <= NPY_ROOM);
    memcpy(npy, "\x93NUMPY\1\0", 8);
    npy[8] = (char)length;
    npy[9] = 0;
    memcpy(npy + 10, header, length);
    memcpy(npy + 10 + length, data, bytes);
    file->parts[file->n++] =
        (struct zip_part){.name = name, .data = npy, .bytes = 10 + length + bytes};
}

#define HEADER(descr, order, shape)                                                                \
    "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }\n"

static const double weights[4] = {1, 2, 3, 4}, biases[2] = {0.5, -0.5};
static const int64_t numbers[3] = {-7, 300, 9};

/* Members w (1, 2), b (1), l (2), and w2 (2, 2), b2 (2), l3 (3). */
static struct file plain_file(const char *schema)
{
    struct file file = {0};
    file.parts[file.n++] =
        (struct zip_part){.name = "schema.json", .data = schema, .bytes = strlen(schema)};
    add_npy(&file, "w", HEADER("<f8", "False", "(1, 2)"), weights, 16);
    add_npy(&file, "b", HEADER("<f8", "False", "(1,)"), biases, 8);
    add_npy(&file, "l", HEADER("<i8", "False", "(2,)"), numbers, 16);
    add_npy(&file, "w2", HEADER("<f8", "False", "(2, 2)"), weights, 32);
    add_npy(&file, "b2", HEADER("<f8", "False", "(2,)"), biases, 16);
    add_npy(&file, "l3", HEADER("<i8", "False", "(3,)"), numbers, 24);
    return file;
}

/* The parts point into the file: it may have been copied since. */
static unsigned char *pack(struct file *file, size_t *bytes)
{
    for (size_t i = 1; i < file->n; i++)
        file->parts[i].data = file->npy[i];
    return zip_make(file->parts, file->n, bytes);
}

static void refuse_file(struct file file, const char *why)
{
    size_t bytes;
    unsigned char *packed = pack(&file, &bytes);
    refuse_bytes(packed, bytes, why);
    free(packed);
}

static void refuse_schema(const char *schema, const char *why)
{
    refuse_file(plain_file(schema), why);
}

static struct head *open_file(struct file file)
{
    size_t bytes;
    unsigned char *packed = pack(&file, &bytes);
    struct head *head;
    struct err err;
    if (!open_bytes(&head, packed, bytes, 2, &err)) fail_msg("%s", err.message);
    free(packed);
    return head;
}

static void the_smallest_file_is_a_head(void **state)
{
    (void)state;
    struct head *head = open_file(plain_file(LOGISTIC(LINEAR)));
    float logit;
    struct err err;
    assert_int_equal(head_info(head)->kind, HEAD_BINARY);
    assert_string_equal(head_info(head)->labels[0], "-7");
    assert_string_equal(head_info(head)->labels[1], "300");
    assert_true(head_logits(head, &arena, (const float[]){1, 1}, NULL, 0, &logit, &err));
    assert_true(logit == 3.5f);
    head_close(head);
}

static void weights_may_lie_column_by_column(void **state)
{
    (void)state;
    struct file file = plain_file(MLP("\"classes_\":" ARRAY("l") "," LAYERS(
        ARRAY("f"), ARRAY("b2")) ",\"out_activation_\":" TEXT("\"\\\"softmax\\\"\"")));
    add_npy(&file, "f", HEADER("<f8", "True", "(2, 2)"), weights, 32);
    struct head *head = open_file(file);
    float logits[2];
    struct err err;
    assert_int_equal(head_info(head)->kind, HEAD_MULTI_CLASS);
    assert_true(head_logits(head, &arena, (const float[]){1, 10}, NULL, 0, logits, &err));
    assert_true(logits[0] == 21.5f && logits[1] == 42.5f);
    head_close(head);
}

static void labels_may_be_values_of_python_or_of_numpy(void **state)
{
    (void)state;
    static const uint32_t word[3] = {0x6211, 'a', 0};
    struct file file = plain_file(
        LOGISTIC(LINEAR_OF("{\"__loader__\":\"NdArrayNode\",\"type\":\"json\",\"content\":[" ARRAY(
                               "t") "," TEXT("\"true\"") "]}",
                           ARRAY("w"), ARRAY("b"))));
    add_npy(&file, "t", HEADER("<U3", "False", "()"), word, sizeof word);
    struct head *head = open_file(file);
    assert_string_equal(head_info(head)->labels[0], "我a");
    assert_string_equal(head_info(head)->labels[1], "true");
    head_close(head);
}

static void what_no_head_can_do_is_refused_by_name(void **state)
{
    (void)state;
    refuse_schema(ROOT("sklearn.svm", "LinearSVC", LINEAR), "a LinearSVC has no probabilities");
    refuse_schema(ROOT("sklearn.linear_model", "RidgeClassifier", LINEAR), "has no probabilities");
    refuse_schema(ROOT("sklearn.svm", "SVC", ""), "'SVC' is not a supported classifier");
    refuse_schema(ROOT("mine", "LogisticRegression", LINEAR), "'LogisticRegression' is not a supp");
    refuse_schema(SGD(LINEAR ",\"loss\":" TEXT("\"\\\"hinge\\\"\"")), "of the loss 'hinge'");
    refuse_schema(SGD(LINEAR_OF(ARRAY("l"), ARRAY("w2"),
                                ARRAY("b2")) ",\"loss\":" TEXT("\"\\\"log_loss\\\"\"")),
                  "divides its probabilities by their sum");
    refuse_schema(LOGISTIC(LINEAR ",\"multi_class\":" TEXT("\"\\\"multinomial\\\"\"")),
                  "doubles its logits");
    refuse_schema(LOGISTIC(LINEAR_OF(ARRAY("l"), ARRAY("w2"),
                                     ARRAY("b2")) ",\"multi_class\":" TEXT("\"\\\"ovr\\\"\"")),
                  "divides its probabilities by their sum");
    refuse_schema(
        MLP("\"classes_\":" ARRAY("l") "," LAYERS(ARRAY("w2") "," ARRAY("w2") "," ARRAY("w2"),
                                                  ARRAY("b2") "," ARRAY("b2") "," ARRAY("b2"))),
        "an MLPClassifier of 2 hidden layers; a head has none or one");
    refuse_schema(
        MLP("\"classes_\":" ARRAY("l") ",\"activation\":" TEXT("\"\\\"tanh\\\"\"") "," LAYERS(
            ARRAY("w2") "," ARRAY("w2"), ARRAY("b2") "," ARRAY("b2"))),
        "its activation is 'tanh'");
    refuse_schema(
        MLP("\"classes_\":" ARRAY("l") "," LAYERS(
            ARRAY("w2"), ARRAY("b2")) ",\"out_activation_\":" TEXT("\"\\\"identity\\\"\"")),
        "its out_activation_ is 'identity'");
    refuse_schema(
        PIPELINE(STEP(ROOT("sklearn.decomposition._pca", "PCA", "")) "," STEP(LOGISTIC(LINEAR))),
        "steps[0][1]: 'PCA' before the classifier is not supported");
}

static void wrong_trees_are_refused(void **state)
{
    (void)state;
    refuse_schema("", "schema.json: ");
    refuse_schema("[]", "whole number 'protocol'");
    refuse_schema("{\"protocol\":3}", "protocol 3 is unknown");
    refuse_schema("{\"protocol\":-1}", "protocol -1 is unknown");
    refuse_schema("{\"protocol\":true}", "whole number 'protocol'");
    refuse_schema("{\"protocol\":1}", "'' is not a supported classifier");
    refuse_schema(LOGISTIC(""), "schema.json, classes_: it is missing");
    refuse_schema("{\"protocol\":1,\"__loader__\":\"MyNode\",\"__module__\":\"sklearn.pipeline\","
                  "\"__class__\":\"Pipeline\"}",
                  "not 'Pipeline' of the loader 'MyNode'");
    refuse_schema(PIPELINE(""), "steps: there must be 1 to 16, not 0");
    refuse_schema(PIPELINE(LIST(TEXT("\"1\""))), "steps[0]: it must be a name and a step");
    refuse_schema(PIPELINE(TEXT("\"1\"")), "steps[0]: it must be a list");
    refuse_schema(PIPELINE(STEP(TEXT("\"nul\""))), "steps[0][1]: '' is no");
}

static void wrong_members_are_refused(void **state)
{
    (void)state;
    struct file file = plain_file(LOGISTIC(LINEAR_OF(ARRAY("l"), ARRAY("none"), ARRAY("b"))));
    refuse_file(file, "there is no member 'none'");
    file = plain_file(LOGISTIC(LINEAR));
    file.parts[0].name = "plan.json";
    refuse_file(file, "there is no member 'schema.json'");
    file = plain_file(LOGISTIC(LINEAR));
    file.parts[4].name = "w";
    refuse_file(file, "two members of the zip file have the same name");
    file.parts[4].name = "../w";
    refuse_file(file, "member '../w': skops writes no folders");
    file.parts[4].name = "w\\2";
    refuse_file(file, "skops writes no folders");
    file = plain_file(LOGISTIC(LINEAR));
    file.parts[1].flags = 1;
    refuse_file(file, "member 'w' is encrypted");
    file = plain_file(LOGISTIC(LINEAR));
    file.parts[1].method = 12;
    refuse_file(file, "member 'w' is packed by method 12");
    file = plain_file(LOGISTIC(LINEAR));
    file.parts[1].claimed_bytes = 1000;
    refuse_file(file, "member 'w' is damaged");
}

static void bombs_are_refused_unopened(void **state)
{
    (void)state;
    struct file file = plain_file(LOGISTIC(LINEAR));
    file.parts[1].method = 8;
    file.parts[1].claimed_bytes = 2 << 20;
    refuse_file(file, "more than 200 times its packed size");
    static char block[2 << 20];
    file = plain_file(LOGISTIC(LINEAR));
    file.parts[1] = (struct zip_part){
        .name = "w", .data = block, .bytes = sizeof block, .claimed_bytes = 300 << 20};
    size_t bytes;
    unsigned char *packed = zip_make(file.parts, 2, &bytes);
    refuse_bytes(packed, bytes, "more than 256 MB");
    free(packed);
}

/* 1,100 labels of a quarter megabyte, all the same member. */
static void a_member_counts_as_often_as_it_is_named(void **state)
{
    (void)state;
    static char schema[128 << 10], text[(1 << 18) + 100];
    const char *header = HEADER("<U65536", "False", "()");
    char *at = stpcpy(schema, "{\"protocol\":2,\"__loader__\":\"ObjectNode\",\"__module__\":"
                              "\"sklearn.linear_model\",\"__class__\":\"LogisticRegression\","
                              "\"content\":{\"__loader__\":\"DictNode\",\"content\":{"
                              "\"classes_\":{\"__loader__\":\"ListNode\",\"content\":[" ARRAY("t"));
    for (int i = 0; i < 1100; i++)
        at = stpcpy(at, "," ARRAY("t"));
    stpcpy(at, "]}}}}");
    memcpy(text, "\x93NUMPY\1\0", 8);
    text[8] = (char)strlen(header);
    memcpy(text + 10, header, strlen(header));
    const struct zip_part parts[2] = {
        {.name = "schema.json", .data = schema, .bytes = strlen(schema)},
        {.name = "t", .data = text, .bytes = 10 + strlen(header) + (1 << 18)}};
    size_t bytes;
    unsigned char *packed = zip_make(parts, 2, &bytes);
    refuse_bytes(packed, bytes, "used so often");
    free(packed);
}

static void refuse_array(const char *header, const void *data, size_t bytes, const char *why)
{
    struct file file = plain_file(LOGISTIC(LINEAR_OF(ARRAY("l"), ARRAY("x"), ARRAY("b"))));
    add_npy(&file, "x", header, data, bytes);
    refuse_file(file, why);
}

static void wrong_arrays_are_refused(void **state)
{
    (void)state;
    const double nan[2] = {1, NAN}, large[2] = {1, 1e39};
    refuse_array(HEADER("<f8", "False", "(1, 2)"), nan, 16, "coef_: number 1 of it is NaN");
    refuse_array(HEADER("<f8", "False", "(1, 2)"), large, 16,
                 "coef_: number 1 of it is NaN, Inf or");
    refuse_array(HEADER("<f8", "False", "(1, 3)"), weights, 24, "takes vectors of 3 columns");
    refuse_array(HEADER("<f8", "False", "(2, 2)"), weights, 32,
                 "it has 1 numbers, but coef_ gives 2");
    refuse_array(HEADER("<f8", "False", "(2,)"), weights, 16, "floats of 2 dimensions, not 1");
    refuse_array(HEADER("<f8", "False", "(0, 2)"), weights, 0, "it must be floats of 2");
    refuse_array(HEADER("<i8", "False", "(1, 2)"), numbers, 16, "of kind 'i'");
    refuse_array(HEADER("<f8", "False", "(1, 2)"), weights, 15,
                 "member 'x' (coef_ in schema.json)");
    refuse_array(HEADER("<f8", "False", "(1, 2)"), weights, 24, "as many values as its shape");
    refuse_array(HEADER(">f8", "False", "(1, 2)"), weights, 16, "little-endian");
    refuse_array(HEADER("|O", "False", "(1, 2)"), weights, 16, "little-endian");
    refuse_array(HEADER("<f8", "Maybe", "(1, 2)"), weights, 16, "neither True nor False");
    refuse_array(HEADER("<f8", "False", "(1, 1, 2)"), weights, 16, "at most two sizes");
    refuse_array(HEADER("<f8", "False", "(99999999999999999999, 2)"), weights, 16, "two sizes");
    refuse_array(HEADER("<f8", "False", "(4294967296, 4294967296)"), weights, 16, "as many values");
    refuse_array("{'descr': '<f8', 'shape': (1, 2)}", weights, 16, "not just descr");
    refuse_array("{'descr': '<f8', 'descr': '<f8'}", weights, 16, "keys other than");
    refuse_array("{'descr': '<f8' 'shape': (1, 2)}", weights, 16, "cut off");
    refuse_array("", "", 0, "is not a .npy file");
}

static void wrong_labels_are_refused(void **state)
{
    (void)state;
    static const uint32_t surrogate[2] = {0xD800, 'a'};
    struct file file = plain_file(LOGISTIC(LINEAR_OF(ARRAY("x"), ARRAY("w"), ARRAY("b"))));
    add_npy(&file, "x", HEADER("<U1", "False", "(2,)"), surrogate, sizeof surrogate);
    refuse_file(file, "classes_: labels must be texts");
    refuse_schema(LOGISTIC(LINEAR_OF(ARRAY("b2"), ARRAY("w"), ARRAY("b"))), "of kind 'f'");
    refuse_schema(LOGISTIC(LINEAR_OF(LIST(TEXT("\"1.5\"")), ARRAY("w"), ARRAY("b"))),
                  "classes_[0]: labels must be texts");
    refuse_schema(LOGISTIC(LINEAR_OF(ARRAY("l3"), ARRAY("w"), ARRAY("b"))), "3 labels do not fit");
    refuse_schema(LOGISTIC(LINEAR_OF(TEXT("\"1\""), ARRAY("w"), ARRAY("b"))),
                  "classes_: it must be a list");
}

#define SCALER(attributes) OBJECT("sklearn.preprocessing._data", "StandardScaler", attributes) "}"
#define SCALED(mean, scale)                                                                        \
    PIPELINE(STEP(SCALER(                                                                          \
        "\"with_mean\":" TEXT("\"true\"") ",\"with_std\":" TEXT("\"true\"") ",\"mean_\":" ARRAY(   \
            mean) ",\"scale_\":" ARRAY(scale))) "," STEP(LOGISTIC(LINEAR)))

static void wrong_scalers_are_refused(void **state)
{
    (void)state;
    const double zero[2] = {1, 0};
    struct file file = plain_file(SCALED("b2", "z"));
    add_npy(&file, "z", HEADER("<f8", "False", "(2,)"), zero, 16);
    refuse_file(file, "steps[0][1].scale_: number 1 of it is 0, NaN or Inf");
    refuse_schema(SCALED("b2", "b"), "scale_: it has 1 numbers, but there must be 2");
    refuse_schema(SCALED("b", "b"), "coef_: it takes 2 numbers, but the StandardScaler");
    refuse_schema(PIPELINE(STEP(SCALER("\"with_mean\":" TEXT("\"1\""))) "," STEP(LOGISTIC(LINEAR))),
                  "with_mean: it must be True or False");
}

/* ---- arrays of numpy ---- */

static void check_label(const char *descr, const void *data, size_t bytes, json_int_t wanted)
{
    struct file file = {0};
    char header[100];
    struct npy npy;
    snprintf(header, sizeof header, "{'shape': (), 'fortran_order': False, 'descr': '%s'}", descr);
    add_npy(&file, "x", header, data, bytes);
    assert_null(npy_open(&npy, (struct span){file.npy[0], file.parts[0].bytes}));
    json_t *label = npy_label(&npy, 0);
    assert_true(json_integer_value(label) == wanted);
    json_decref(label);
}

static void whole_numbers_of_all_sizes_are_labels(void **state)
{
    (void)state;
    check_label("|i1", "\x80", 1, -128);
    check_label("|u1", "\x80", 1, 128);
    check_label("<i2", "\xFE\xFF", 2, -2);
    check_label("<u2", "\xFE\xFF", 2, 65534);
    check_label("<i4", "\0\0\0\x80", 4, INT32_MIN);
    check_label("<u4", "\0\0\0\x80", 4, (json_int_t)1 << 31);
    check_label("<i8", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, -1);
}

static void version_2_has_a_longer_length(void **state)
{
    (void)state;
    const char bytes[] = "\x93NUMPY\2\0\x35\0\0\0"
                         "{'descr':'|b1','fortran_order':False,'shape':(2,),}  \1\0";
    struct npy npy;
    const char *why = npy_open(&npy, (struct span){bytes, sizeof bytes - 1});
    if (why) fail_msg("%s", why);
    assert_int_equal(npy.rank, 1);
    json_t *first = npy_label(&npy, 0), *second = npy_label(&npy, 1);
    assert_true(json_is_true(first) && json_is_false(second));
    assert_non_null(npy_open(&npy, (struct span){"\x93NUMPY\4\0\0\0\0\0\0", 13}));
    json_decref(first);
    json_decref(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_and_labels_are_those_of_scikit_learn),
        cmocka_unit_test(a_file_cut_off_anywhere_is_refused),
        cmocka_unit_test(a_file_with_any_byte_changed_is_refused_or_read),
        cmocka_unit_test(the_smallest_file_is_a_head),
        cmocka_unit_test(weights_may_lie_column_by_column),
        cmocka_unit_test(labels_may_be_values_of_python_or_of_numpy),
        cmocka_unit_test(what_no_head_can_do_is_refused_by_name),
        cmocka_unit_test(wrong_trees_are_refused),
        cmocka_unit_test(wrong_members_are_refused),
        cmocka_unit_test(bombs_are_refused_unopened),
        cmocka_unit_test(a_member_counts_as_often_as_it_is_named),
        cmocka_unit_test(wrong_arrays_are_refused),
        cmocka_unit_test(wrong_labels_are_refused),
        cmocka_unit_test(wrong_scalers_are_refused),
        cmocka_unit_test(whole_numbers_of_all_sizes_are_labels),
        cmocka_unit_test(version_2_has_a_longer_length),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
