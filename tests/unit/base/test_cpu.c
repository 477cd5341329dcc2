/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The level of a program that starts with this EMBEDD_CPU (NULL: none): it is asked only once. */
static enum cpu_level level_with(const char *wanted)
{
    pid_t child = fork();
    if (child == 0) {
        if (wanted)
            setenv("EMBEDD_CPU", wanted, 1);
        else
            unsetenv("EMBEDD_CPU");
        _exit((int)cpu_level());
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return (enum cpu_level)WEXITSTATUS(status);
}

static void without_a_wish_the_best_level_is_used(void **state)
{
    (void)state;
    assert_int_equal(level_with(NULL), cpu_level_best());
}

static void a_lower_level_is_used_where_it_is_named(void **state)
{
    (void)state;
    for (int level = 0; level < CPU_LEVELS; level++) {
        const int best = (int)cpu_level_best();
        assert_int_equal(level_with(cpu_level_names[level]), level <= best ? level : best);
    }
}

static void a_name_that_is_no_level_is_ignored_and_told(void **state)
{
    (void)state;
    assert_int_equal(level_with("sse2"), cpu_level_best());
    assert_int_equal(level_with("AVX2"), cpu_level_best());
    const char *before = getenv("EMBEDD_CPU");
    char *kept = before ? strdup(before) : NULL;
    setenv("EMBEDD_CPU", "sse2", 1);
    assert_string_equal(cpu_refused(), "sse2");
    setenv("EMBEDD_CPU", "scalar", 1);
    assert_null(cpu_refused());
    unsetenv("EMBEDD_CPU");
    assert_null(cpu_refused());
    if (kept) setenv("EMBEDD_CPU", kept, 1);
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_wish_the_best_level_is_used),
        cmocka_unit_test(a_lower_level_is_used_where_it_is_named),
        cmocka_unit_test(a_name_that_is_no_level_is_ignored_and_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
