/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/serving.h"
#include "tests/unit/handlers/ask.h"

/* Versions tell the models apart. */
static void put(struct ask *ask, const char *name, const char *version)
{
    char config[200];
    struct err err;
    snprintf(config, sizeof config, "{\"version\":\"%s\",\"tokenizer\":\"dictionary\"}", version);
    struct model *model = ask_make_model(EXAMPLE_VOCAB, example_rows, EXAMPLE_V, EXAMPLE_D, config);
    if (!registry_put(ask->registry, name, model, NULL, &err)) fail_msg("%s", err.message);
}

static bool choose(struct ask *ask, const char *name, struct err *err)
{
    return serving_choose(&ask->x, (struct text){name, strlen(name)}, err);
}

static void expect_choice(struct ask *ask, const char *name, const char *version)
{
    struct err err;
    if (!choose(ask, name, &err)) fail_msg("%s", err.message);
    assert_ptr_equal(ask->x.model, ask->x.snapshot->model);
    assert_string_equal(model_info(ask->x.model)->version, version);
}

static void expect_not_served(struct ask *ask, const char *name, const char *sentence)
{
    struct err err;
    assert_false(choose(ask, name, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.param, "model");
    assert_string_equal(err.message, sentence);
}

static void begin(struct ask *ask)
{
    serving_begin(ask_begin(ask));
}

static void a_request_keeps_its_model_by_every_name_of_it_over_a_swap(void **state)
{
    struct ask *ask = *state;
    struct err err;
    put(ask, "other", "o1");
    assert_true(registry_alias(ask->registry, "alias", "example", &err));
    assert_true(registry_alias(ask->registry, "other alias", "other", &err));
    begin(ask);
    const struct snapshot *first = ask->x.snapshot;
    put(ask, "example", "2");
    registry_collect(ask->registry);
    expect_choice(ask, "example", "1");
    expect_choice(ask, "alias", "1"); /* as one that is worked on once more asks */
    assert_ptr_equal(ask->x.snapshot, first);
    expect_choice(ask, "other alias", "o1"); /* gives the first back */
    put(ask, "other", "o2");
    registry_collect(ask->registry);
    expect_choice(ask, "other alias", "o1");
    expect_choice(ask, "other", "o1");
    begin(ask);
    expect_choice(ask, "alias", "2");
    expect_choice(ask, "other", "o2");
    serving_end(&ask->x);
    assert_null(ask->x.snapshot);
    assert_null(ask->x.model);
    serving_end(&ask->x);
}

static void one_model_answers_to_every_name_and_several_to_their_own(void **state)
{
    struct ask *ask = *state;
    begin(ask);
    expect_choice(ask, "any", "1");
    expect_choice(ask, "", "1");
    ask->service.strict_model = true;
    expect_choice(ask, "example", "1");
    expect_not_served(
        ask, "any",
        "model \"any\" is not served here; send \"example\", or start without strict-model");
    ask->service.strict_model = false;
    put(ask, "other", "o1");
    expect_not_served(ask, "any",
                      "model \"any\" is not served here; GET /v1/models lists those that are");
    expect_not_served(ask, "",
                      "model \"\" is not served here; GET /v1/models lists those that are");
    expect_choice(ask, "other", "o1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_keeps_its_model_by_every_name_of_it_over_a_swap,
                                        ask_open, ask_close),
        cmocka_unit_test_setup_teardown(one_model_answers_to_every_name_and_several_to_their_own,
                                        ask_open, ask_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
