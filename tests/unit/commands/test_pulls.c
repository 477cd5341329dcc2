/* SPDX-License-Identifier: Apache-2.0 */
/* Which tokens pulled towards a wrong label. */
#include "commands/pulls.h"
#include "model/head/confusions.h"
#include "tests/test.h"

#include <math.h>
#include <string.h>

static struct model *model;

static int open_model(void **state)
{
    (void)state;
    struct err err;
    return model_open(&model, "examples/chain/w6x2", &err) ? 0 : -1;
}

static int close_model(void **state)
{
    (void)state;
    model_close(model);
    return 0;
}

static struct pulls *start(void)
{
    struct err err = {0};
    struct pulls *pulls = pulls_new(model, &err);
    if (!pulls) fail_msg("%s", err.message);
    return pulls;
}

static void add(struct pulls *pulls, uint32_t truth, uint32_t predicted, const uint32_t *ids,
                const double *shares, size_t n)
{
    struct err err = {0};
    assert_true(pulls_add(pulls, truth, predicted, ids, shares, n, &err));
}

static void shares_are_means_over_the_texts_and_only_what_pulls_is_told(void **state)
{
    (void)state;
    struct pulls *pulls = start();
    struct pull found[PULLS_SHOWN];
    size_t bytes;
    add(pulls, 0, 1, (uint32_t[]){0, 1, 2, 1, TOKEN_ID_NONE}, (double[]){1, 2, -3, 2, 9}, 5);
    add(pulls, 0, 1, (uint32_t[]){1, 2}, (double[]){-1, 1}, 2);
    add(pulls, 1, 0, (uint32_t[]){3}, (double[]){5}, 1);
    add(pulls, EVALUATION_UNKNOWN, 0, (uint32_t[]){3}, (double[]){6}, 1);
    assert_int_equal(pulls_find(pulls, 0, 1, 2, found), 2);
    assert_true(found[0].share == 1.5 && found[1].share == 0.5);
    assert_ptr_equal(found[0].token.data, model_token_text(model, 1, &bytes));
    assert_int_equal(found[0].token.bytes, bytes);
    assert_int_equal(pulls_find(pulls, EVALUATION_UNKNOWN, 0, 1, found), 1);
    assert_true(found[0].share == 6);
    assert_int_equal(pulls_find(pulls, 2, 2, 1, found), 0);
    pulls_free(pulls);
    pulls_free(NULL);
}

static void of_many_the_largest_are_told_in_their_order(void **state)
{
    (void)state;
    struct pulls *pulls = start();
    struct pull found[PULLS_SHOWN];
    for (uint32_t pair = 0; pair < 3000; pair++) {
        for (uint32_t id = 0; id < 6; id++)
            add(pulls, pair, pair + 1, &id, (double[]){(id * 5 + 1) % 6}, 1); /* 1 0 5 4 3 2 */
    }
    for (uint32_t pair = 0; pair < 3000; pair += 500) {
        assert_int_equal(pulls_find(pulls, pair, pair + 1, 1, found), 5);
        for (size_t i = 0; i < 5; i++)
            assert_true(found[i].share == (double)(5 - i));
    }
    pulls_free(pulls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_means_over_the_texts_and_only_what_pulls_is_told),
        cmocka_unit_test(of_many_the_largest_are_told_in_their_order),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
