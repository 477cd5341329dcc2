/* SPDX-License-Identifier: Apache-2.0 */
#include "model/math/exponential.h"
#include "tests/test.h"

#include <math.h>
#include <string.h>

static void it_is_e_to_the_x_over_the_whole_range(void **state)
{
    (void)state;
    double worst = 0;
    for (double x = -708; x <= 709; x += 0.00317) {
        long double true_value = expl((long double)x);
        double error = (double)fabsl((exponential(x) - true_value) / true_value);
        if (error > worst) worst = error;
    }
    assert_true(worst < 4e-16);
}

static void its_ends_are_defined(void **state)
{
    (void)state;
    assert_true(exponential(0) == 1);
    assert_true(exponential(-0.0) == 1);
    assert_true(exponential(710) == INFINITY && exponential(INFINITY) == INFINITY);
    assert_true(exponential(-709) == 0 && exponential(-INFINITY) == 0);
    assert_true(isnan(exponential(NAN)));
    assert_true(exponential(709) < INFINITY && exponential(-708) > 0);
}

/* These bits were made once; no CPU may give others. */
static void its_bits_do_not_depend_on_the_cpu(void **state)
{
    (void)state;
    static const struct {
        double x;
        uint64_t bits;
    } cases[] = {{1, 0x4005bf0a8b14576a},    {-1, 0x3fd78b56362cef38},
                 {0.1, 0x3ff1aec7b35a00d4},  {-17.25, 0x3e614f49dbc5078c},
                 {88.5, 0x47e99b987155fe28}, {-700.125, 0x00ce8cfc0420616b}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double y = exponential(cases[i].x);
        uint64_t bits;
        memcpy(&bits, &y, sizeof bits);
        assert_int_equal(bits, cases[i].bits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_e_to_the_x_over_the_whole_range),
        cmocka_unit_test(its_ends_are_defined),
        cmocka_unit_test(its_bits_do_not_depend_on_the_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
