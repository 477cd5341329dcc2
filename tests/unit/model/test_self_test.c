/* SPDX-License-Identifier: Apache-2.0 */
#include "model/self_test.h"
#include "tests/unit/handlers/ask.h"

#include <math.h>

#define CONFIG                                                                                     \
    "{\"name\":\"m\",\"tokenizer\":\"dictionary\",\"pooling\":\"mean\",\"normalize\":false}"

static void expect(struct model *model, const char *sentence)
{
    struct err err = {0};
    const bool done = model_self_test(model, &err);
    if (!sentence && !done) fail_msg("%s", err.message);
    if (sentence && (done || !strstr(err.message, sentence)))
        fail_msg("not '%s': '%s'", sentence, err.message);
    assert_true(model_warm(model));
    model_close(model);
}

static void good_models_pass(void **state)
{
    (void)state;
    struct model *model;
    struct err err;
    expect(ask_make_model(EXAMPLE_VOCAB, example_rows, EXAMPLE_V, EXAMPLE_D, CONFIG), NULL);
    if (!model_open(&model, "builtin", &err)) fail_msg("%s", err.message);
    expect(model, NULL);
    if (!model_open(&model, "examples/chain/w6x2", &err)) fail_msg("%s", err.message);
    if (!model_add_heads(model, "examples/heads/meal.json", &err)) fail_msg("%s", err.message);
    expect(model, NULL);
}

/* Every row is finite, so it was opened; the sum of two is not. */
static void vectors_that_overflow_are_refused(void **state)
{
    (void)state;
    float rows[EXAMPLE_V * EXAMPLE_D];
    for (size_t i = 0; i < EXAMPLE_V * EXAMPLE_D; i++)
        rows[i] = 3e38f;
    expect(ask_make_model(EXAMPLE_VOCAB, rows, EXAMPLE_V, EXAMPLE_D,
                          "{\"tokenizer\":\"dictionary\",\"pooling\":\"sum\",\"normalize\":false}"),
           "self-test of the model failed: a value of a vector is not finite");
}

static void heads_that_overflow_are_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/embedd-test-head-XXXXXX";
    char name[100];
    static const char head[] =
        "{\"labels\":[\"a\",\"b\"],\"weight\":[[3e38,3e38]],\"bias\":[3e38]}";
    float rows[EXAMPLE_V * EXAMPLE_D];
    for (size_t i = 0; i < EXAMPLE_V * EXAMPLE_D; i++)
        rows[i] = 10;
    struct err err;
    assert_non_null(mkdtemp(path));
    ask_write_file(path, "h.json", head, sizeof head - 1);
    snprintf(name, sizeof name, "%.60s/h.json", path);
    struct model *model = ask_make_model(EXAMPLE_VOCAB, rows, EXAMPLE_V, EXAMPLE_D, CONFIG);
    const bool done = model_add_heads(model, name, &err);
    unlink(name);
    rmdir(path);
    if (!done) fail_msg("%s", err.message);
    expect(model, "self-test of the model failed: a value of a head is not finite");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_models_pass),
        cmocka_unit_test(vectors_that_overflow_are_refused),
        cmocka_unit_test(heads_that_overflow_are_refused),
    };
    json_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
