/* SPDX-License-Identifier: Apache-2.0 */
#include "model/registry.h"
#include "tests/unit/handlers/ask.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

/* A model that says which one it is. */
static struct model *make_model(const char *version)
{
    char config[200];
    snprintf(config, sizeof config,
             "{\"name\":\"own name\",\"version\":\"%s\",\"tokenizer\":\"dictionary\"}", version);
    return ask_make_model(EXAMPLE_VOCAB, example_rows, EXAMPLE_V, EXAMPLE_D, config);
}

static void put(struct registry *registry, const char *name, const char *version)
{
    struct err err;
    if (!registry_put(registry, name, make_model(version), strdup(version), &err))
        fail_msg("%s", err.message);
}

static void alias(struct registry *registry, const char *name, const char *of)
{
    struct err err;
    if (!registry_alias(registry, name, of, &err)) fail_msg("%s", err.message);
}

static const struct snapshot *borrow(struct registry *registry, const char *name)
{
    return registry_borrow(registry, name, strlen(name));
}

static const char *version_of(const struct snapshot *snapshot)
{
    return model_info(snapshot->model)->version;
}

/* Looks whose version a name finds; NULL: nobody's. */
static void expect(struct registry *registry, const char *name, const char *version)
{
    const struct snapshot *snapshot = borrow(registry, name);
    if (!version) {
        assert_null(snapshot);
        return;
    }
    assert_non_null(snapshot);
    assert_string_equal(version_of(snapshot), version);
    assert_string_equal(snapshot->attached, version);
    registry_give_back(registry, snapshot);
}

/* How many models of this file are open: their tables are mapped. */
static size_t count_open(void)
{
    char line[1024];
    size_t n = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps))
        n += strstr(line, "embedd-test-") && strstr(line, "model.safetensors");
    fclose(maps);
    return n;
}

static void models_are_found_by_the_whole_name_and_no_other(void **state)
{
    (void)state;
    struct registry *registry = registry_new();
    assert_null(registry_borrow_default(registry));
    assert_null(registry_borrow_nth(registry, 0));
    expect(registry, "zh", NULL);
    expect(registry, "", NULL);
    assert_int_equal(registry_count(registry), 0);
    registry_collect(registry);
    put(registry, "zh", "1");
    put(registry, "BAAI/bge=small 小", "2");
    assert_int_equal(registry_count(registry), 2);
    expect(registry, "zh", "1");
    expect(registry, "BAAI/bge=small 小", "2");
    expect(registry, "z", NULL);
    expect(registry, "zh ", NULL);
    expect(registry, "ZH", NULL);
    expect(registry, "own name", NULL);
    assert_null(registry_borrow(registry, "zh", 0));
    assert_null(registry_borrow(registry, "zh\0", 3));
    const struct snapshot *snapshot = registry_borrow(registry, "zhong", 2);
    assert_string_equal(snapshot->name, "zh");
    registry_give_back(registry, snapshot);
    registry_give_back(registry, NULL);
    registry_free(registry);
    registry_free(NULL);
    assert_int_equal(count_open(), 0);
}

static void the_first_is_the_default_and_the_order_is_kept_over_swaps(void **state)
{
    (void)state;
    struct registry *registry = registry_new();
    put(registry, "b", "1");
    alias(registry, "z", "b");
    put(registry, "a", "2");
    alias(registry, "y", "a");
    put(registry, "c", "3");
    put(registry, "b", "4");
    static const char *const names[] = {"b", "a", "c"}, *const versions[] = {"4", "2", "3"};
    static const uint64_t numbers[] = {4, 2, 3};
    for (size_t i = 0; i < 3; i++) {
        const struct snapshot *snapshot = registry_borrow_nth(registry, i);
        assert_string_equal(snapshot->name, names[i]);
        assert_string_equal(version_of(snapshot), versions[i]);
        assert_true(snapshot->number == numbers[i]);
        registry_give_back(registry, snapshot);
    }
    assert_null(registry_borrow_nth(registry, 3));
    assert_null(registry_borrow_nth(registry, SIZE_MAX));
    const struct snapshot *first = registry_borrow_default(registry);
    assert_string_equal(version_of(first), "4");
    registry_give_back(registry, first);
    registry_free(registry);
}

static void an_alias_finds_what_its_model_has_become(void **state)
{
    (void)state;
    struct registry *registry = registry_new();
    put(registry, "model", "1");
    alias(registry, "one", "model");
    alias(registry, "two", "one");
    alias(registry, "three", "two");
    assert_int_equal(registry_count(registry), 1);
    const struct snapshot *by_alias = borrow(registry, "three"),
                          *by_name = borrow(registry, "model");
    assert_ptr_equal(by_alias, by_name);
    assert_string_equal(by_alias->name, "model");
    put(registry, "model", "2");
    expect(registry, "one", "2");
    expect(registry, "three", "2");
    const struct snapshot *newer = borrow(registry, "two");
    assert_ptr_equal(newer->name, by_alias->name); /* the very same text */
    registry_give_back(registry, newer);
    registry_give_back(registry, by_alias);
    registry_give_back(registry, by_name);
    registry_free(registry);
}

static void expect_refused(bool done, const struct err *err, const char *sentence)
{
    assert_false(done);
    assert_int_equal(err->code, ERR_USAGE);
    if (!strstr(err->message, sentence)) fail_msg("not '%s': %s", sentence, err->message);
}

static void aliases_that_mean_nothing_or_two_things_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"x", "x", "'x' cannot be an alias of itself; name the model that it stands for"},
        {"model", "model", "cannot be an alias of itself"},
        {"x", "nobody", "the alias 'x' needs a model that is served, and 'nobody' is not"},
        {"x", "", "the alias 'x' needs a model that is served"},
        {"model", "other", "'model' is served already; give the alias another name"},
        {"taken", "other", "'taken' is served already"},
        {"", "model", "1 to 200 bytes of printable UTF-8"},
        {"a\tb", "model", "1 to 200 bytes of printable UTF-8"},
    };
    struct registry *registry = registry_new();
    put(registry, "model", "1");
    put(registry, "other", "2");
    alias(registry, "taken", "model");
    struct err err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refused(registry_alias(registry, cases[i][0], cases[i][1], &err), &err, cases[i][2]);
    struct model *model = make_model("3");
    expect_refused(registry_put(registry, "taken", model, NULL, &err), &err,
                   "'taken' is an alias already; give the model another name");
    model_close(model); /* it was not taken */
    expect(registry, "taken", "1");
    expect(registry, "model", "1");
    expect(registry, "x", NULL);
    registry_free(registry);
}

static void names_have_200_bytes_of_printable_text(void **state)
{
    (void)state;
    char longest[REGISTRY_NAME_BYTES_MAX + 1], longer[REGISTRY_NAME_BYTES_MAX + 2];
    memset(longest, 'a', sizeof longest - 1);
    memset(longer, 'a', sizeof longer - 1);
    longest[sizeof longest - 1] = longer[sizeof longer - 1] = '\0';
    const char *const bad[] = {"", longer, "a\nb", "a\x7f", "\xff", "caf\xc3", "\x01"};
    struct registry *registry = registry_new();
    struct model *model = make_model("1");
    struct err err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_refused(registry_put(registry, bad[i], model, NULL, &err), &err,
                       "a model's name must be 1 to 200 bytes of printable UTF-8");
        assert_int_equal(registry_count(registry), 0);
    }
    model_close(model);
    put(registry, longest, "1");
    expect(registry, longest, "1");
    expect(registry, longer, NULL);
    alias(registry, "é", longest);
    expect(registry, "é", "1");
    registry_free(registry);
}

static void what_can_no_longer_be_read_is_so_until_another_is_put(void **state)
{
    (void)state;
    struct registry *registry = registry_new();
    put(registry, "m", "1");
    put(registry, "n", "1");
    const struct snapshot *first = borrow(registry, "m"), *again = borrow(registry, "m");
    assert_false(snapshot_is_broken(first));
    assert_true(registry_fail(registry, first));
    assert_false(registry_fail(registry, again)); /* said already */
    assert_true(snapshot_is_broken(first) && snapshot_is_broken(again));
    expect(registry, "m", "1"); /* it has its name still */
    expect(registry, "n", "1");
    assert_true(registry_note_written(registry, first));
    assert_false(registry_note_written(registry, again));
    put(registry, "m", "2");
    const struct snapshot *second = borrow(registry, "m"), *other = borrow(registry, "n");
    assert_true(registry_note_written(registry, second)); /* another one */
    assert_true(snapshot_is_broken(first));
    assert_false(snapshot_is_broken(second) || snapshot_is_broken(other));
    registry_give_back(registry, first);
    registry_give_back(registry, again);
    registry_give_back(registry, second);
    registry_give_back(registry, other);
    registry_collect(registry);
    registry_free(registry);
}

static void what_was_replaced_is_closed_when_nobody_has_it_any_more(void **state)
{
    (void)state;
    struct registry *registry = registry_new();
    put(registry, "m", "1");
    const struct snapshot *first = borrow(registry, "m"), *again = borrow(registry, "m");
    put(registry, "m", "2");
    const struct snapshot *second = borrow(registry, "m");
    put(registry, "m", "3");
    registry_collect(registry);
    assert_int_equal(count_open(), 3);
    assert_string_equal(version_of(first), "1");
    registry_give_back(registry, first);
    registry_collect(registry);
    assert_int_equal(count_open(), 3);
    assert_string_equal(version_of(again), "1");
    assert_string_equal(version_of(second), "2");
    registry_give_back(registry, second);
    assert_int_equal(count_open(), 3); /* not by whoever gives back */
    registry_collect(registry);
    assert_int_equal(count_open(), 2);
    registry_give_back(registry, again);
    registry_collect(registry);
    assert_int_equal(count_open(), 1);
    registry_collect(registry);
    expect(registry, "m", "3");
    put(registry, "m", "4"); /* nobody had the third, and nobody collects it */
    assert_int_equal(count_open(), 2);
    registry_free(registry);
    assert_int_equal(count_open(), 0);
}

static void count_call(void *user)
{
    ++*(size_t *)user;
}

static void whoever_watches_is_told_when_there_is_something_to_close(void **state)
{
    (void)state;
    size_t calls = 0;
    struct registry *registry = registry_new();
    registry_watch(registry, count_call, &calls);
    put(registry, "m", "1");
    const struct snapshot *first = borrow(registry, "m"), *again = borrow(registry, "m");
    put(registry, "m", "2");
    registry_give_back(registry, first);
    assert_int_equal(calls, 0);
    registry_give_back(registry, again);
    assert_int_equal(calls, 1);
    put(registry, "m", "3");
    assert_int_equal(calls, 2);
    registry_watch(registry, NULL, NULL);
    put(registry, "m", "4");
    assert_int_equal(calls, 2);
    registry_free(registry);
}

static void names_end_at_ten_thousand(void **state)
{
    (void)state;
    struct registry *registry = registry_new();
    char name[32];
    struct err err;
    put(registry, "m", "1");
    for (size_t i = 1; i < REGISTRY_NAMES_MAX; i++) {
        snprintf(name, sizeof name, "alias %zu", i);
        alias(registry, name, "m");
    }
    const char *const sentence = "at most 10000 models and aliases can be served";
    expect_refused(registry_alias(registry, "one more", "m", &err), &err, sentence);
    struct model *model = make_model("2");
    expect_refused(registry_put(registry, "another", model, NULL, &err), &err, sentence);
    model_close(model);
    put(registry, "m", "3"); /* no name more */
    for (size_t i = 1; i < REGISTRY_NAMES_MAX; i += 7) {
        snprintf(name, sizeof name, "alias %zu", i);
        expect(registry, name, "3");
    }
    registry_free(registry);
}

static void what_is_taken_away_is_found_no_more_and_lives_on_with_its_borrowers(void **state)
{
    (void)state;
    struct err err;
    size_t calls = 0;
    struct registry *registry = registry_new();
    put(registry, "a", "1");
    put(registry, "b", "2");
    put(registry, "c", "3");
    alias(registry, "x", "b");
    alias(registry, "y", "x");
    alias(registry, "z", "c");
    registry_watch(registry, count_call, &calls);
    const struct snapshot *borrowed = borrow(registry, "y");
    assert_true(registry_remove(registry, "b", &err));
    assert_int_equal(registry_count(registry), 2);
    static const char *const gone[] = {"b", "x", "y"};
    for (size_t i = 0; i < 3; i++)
        expect(registry, gone[i], NULL);
    expect(registry, "a", "1");
    expect(registry, "z", "3");
    expect_refused(registry_remove(registry, "b", &err), &err, "'b' is not served");
    registry_collect(registry);
    assert_int_equal(count_open(), 3);
    assert_string_equal(version_of(borrowed), "2");
    assert_string_equal(borrowed->name, "b");
    assert_int_equal(calls, 0);
    registry_give_back(registry, borrowed);
    assert_int_equal(calls, 1);
    registry_collect(registry);
    assert_int_equal(count_open(), 2);
    assert_true(registry_remove(registry, "z", &err));
    expect(registry, "z", NULL);
    expect(registry, "c", "3");
    assert_true(registry_remove(registry, "a", &err));
    expect_refused(registry_remove(registry, "c", &err), &err,
                   "'c' is the last model; serve another one before it is taken away");
    expect(registry, "c", "3");
    registry_free(registry);
    assert_int_equal(count_open(), 0);
}

static void a_name_that_comes_back_is_the_very_same_text_for_those_who_have_it(void **state)
{
    (void)state;
    struct err err;
    struct registry *registry = registry_new();
    put(registry, "a", "1");
    put(registry, "b", "2");
    const struct snapshot *old = borrow(registry, "b");
    assert_true(registry_remove(registry, "b", &err));
    put(registry, "b", "3");
    const struct snapshot *new = borrow(registry, "b");
    assert_ptr_equal(old->name, new->name);
    assert_string_equal(version_of(new), "3");
    assert_true(registry_remove(registry, "b", &err));
    alias(registry, "b", "a"); /* as another kind of name, too */
    registry_give_back(registry, old);
    registry_collect(registry);
    assert_string_equal(new->name, "b");
    expect(registry, "b", "1");
    registry_give_back(registry, new);
    registry_collect(registry);
    expect(registry, "b", "1");
    assert_int_equal(count_open(), 1);
    registry_free(registry);
}

static void names_that_come_and_go_take_no_room(void **state)
{
    (void)state;
    struct err err;
    char name[32];
    struct registry *registry = registry_new();
    put(registry, "m", "1");
    for (size_t i = 0; i < REGISTRY_NAMES_MAX + 10; i++) {
        snprintf(name, sizeof name, "alias %zu", i);
        alias(registry, name, "m");
        expect(registry, name, "1");
        assert_true(registry_remove(registry, name, &err));
    }
    for (size_t i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "model %zu", i);
        put(registry, name, "2");
        assert_true(registry_remove(registry, name, &err));
        registry_collect(registry);
    }
    assert_int_equal(count_open(), 1);
    registry_free(registry);
}

static void models_stand_in_the_order_in_which_they_were_arranged(void **state)
{
    (void)state;
    struct registry *registry = registry_new();
    put(registry, "a", "1");
    put(registry, "b", "2");
    alias(registry, "x", "a");
    put(registry, "c", "3");
    static const char *const order[] = {"c", "x", "nobody", "b"}, *const found[] = {"c", "b", "a"};
    registry_arrange(registry, order, 4);
    for (size_t i = 0; i < 3; i++) {
        const struct snapshot *snapshot = registry_borrow_nth(registry, i);
        assert_string_equal(snapshot->name, found[i]);
        registry_give_back(registry, snapshot);
    }
    put(registry, "d", "4");
    const struct snapshot *first = registry_borrow_default(registry);
    assert_string_equal(first->name, "c");
    registry_give_back(registry, first);
    registry_free(registry);
}

static void models_trained_here_change_nothing_of_what_other_names_mean(void **state)
{
    (void)state;
    struct registry *registry = registry_new();
    struct err err;
    put(registry, "a", "1");
    put(registry, REGISTRY_TRAINED "a::1", "1");
    assert_true(registry_takes_any_name(registry));
    assert_true(registry_remove(registry, REGISTRY_TRAINED "a::1", &err));
    put(registry, REGISTRY_TRAINED "a::2", "1");
    put(registry, "a", "2");
    assert_true(registry_takes_any_name(registry));
    put(registry, "b", "1");
    assert_false(registry_takes_any_name(registry));
    registry_free(registry);
}

static void an_alias_moves_to_another_model(void **state)
{
    (void)state;
    struct err err;
    struct registry *registry = registry_new();
    put(registry, "a", "1");
    put(registry, "b", "2");
    assert_true(registry_move_alias(registry, "x", "a", &err)); /* a new one */
    expect(registry, "x", "1");
    assert_true(registry_move_alias(registry, "x", "b", &err));
    expect(registry, "x", "2");
    expect_refused(registry_move_alias(registry, "x", "nobody", &err), &err,
                   "needs a model that is served");
    expect_refused(registry_move_alias(registry, "a", "b", &err), &err, "'a' is served already");
    expect(registry, "x", "2");
    size_t n;
    char **aliases = registry_aliases(registry, &n);
    assert_int_equal(n, 1);
    assert_string_equal(aliases[0], "x");
    free(aliases[0]);
    free(aliases);
    registry_free(registry);
}

/* ---- threads ---- */

#define N_NAMES 3
#define N_BORROWERS 3
#define N_SWAPS 150

static const char *const names[N_NAMES] = {"a", "b", "c"};

struct race {
    struct registry *registry;
    atomic_bool is_over;
    atomic_size_t n_borrowed, n_closable;
};

/* A version is its model's name and a number that only grows. */
static void check_held(const struct snapshot *snapshot, const char *name, uint64_t last[N_NAMES],
                       size_t at)
{
    if (strcmp(snapshot->name, name) != 0 || version_of(snapshot)[0] != *name ||
        strcmp(version_of(snapshot), snapshot->attached) != 0 || snapshot->number < last[at])
        abort(); /* cmocka fails in its own thread alone */
    last[at] = snapshot->number;
}

static void *borrow_and_give_back(void *user)
{
    struct race *race = user;
    uint64_t last[N_NAMES] = {0};
    for (size_t i = 0; !atomic_load(&race->is_over); i++) {
        const size_t at = i % N_NAMES;
        const char alias_name[] = {'@', *names[at], '\0'};
        const struct snapshot *one = borrow(race->registry, names[at]);
        const struct snapshot *two = borrow(race->registry, alias_name);
        check_held(one, names[at], last, at);
        if (i % 16 == 0) sched_yield(); /* swaps while it is held */
        check_held(two, names[at], last, at);
        registry_give_back(race->registry, one);
        const struct snapshot *nth = registry_borrow_nth(race->registry, at);
        check_held(nth, names[at], last, at);
        registry_give_back(race->registry, nth);
        if (strcmp(version_of(two), two->attached) != 0) abort();
        registry_give_back(race->registry, two);
        atomic_fetch_add(&race->n_borrowed, 1);
    }
    return NULL;
}

static void count_closable(void *user)
{
    struct race *race = user;
    atomic_fetch_add(&race->n_closable, 1);
}

static void put_numbered(struct registry *registry, size_t at, size_t number)
{
    char version[32];
    snprintf(version, sizeof version, "%s%zu", names[at], number);
    put(registry, names[at], version);
}

static void threads_borrow_while_another_swaps_and_collects(void **state)
{
    (void)state;
    struct race race = {.registry = registry_new()};
    pthread_t threads[N_BORROWERS];
    size_t n_passed = 0;
    registry_watch(race.registry, count_closable, &race);
    for (size_t i = 0; i < N_NAMES; i++) {
        put_numbered(race.registry, i, 0);
        alias(race.registry, (const char[]){'@', *names[i], '\0'}, names[i]);
    }
    for (size_t i = 0; i < N_BORROWERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, borrow_and_give_back, &race), 0);
    for (size_t i = 1; i <= N_SWAPS; i++) {
        put_numbered(race.registry, i % N_NAMES, i);
        const char *const late = (const char[]){'_', (char)('!' + i % 90), (char)('!' + i / 90), 0};
        alias(race.registry, late, names[0]); /* the list grows, and moves */
        if (i % 3 == 0) {
            struct err err;
            put(race.registry, "passing", "0");
            if (!registry_remove(race.registry, "passing", &err)) abort();
            n_passed++;
        }
        registry_collect(race.registry);
    }
    atomic_store(&race.is_over, true);
    for (size_t i = 0; i < N_BORROWERS; i++)
        pthread_join(threads[i], NULL);
    registry_collect(race.registry);
    assert_int_equal(atomic_load(&race.n_closable),
                     N_SWAPS + n_passed); /* each of the replaced once */
    assert_int_equal(count_open(), N_NAMES);
    assert_true(atomic_load(&race.n_borrowed) > 0);
    registry_free(race.registry);
    assert_int_equal(count_open(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_are_found_by_the_whole_name_and_no_other),
        cmocka_unit_test(the_first_is_the_default_and_the_order_is_kept_over_swaps),
        cmocka_unit_test(an_alias_finds_what_its_model_has_become),
        cmocka_unit_test(aliases_that_mean_nothing_or_two_things_are_refused),
        cmocka_unit_test(names_have_200_bytes_of_printable_text),
        cmocka_unit_test(what_can_no_longer_be_read_is_so_until_another_is_put),
        cmocka_unit_test(what_was_replaced_is_closed_when_nobody_has_it_any_more),
        cmocka_unit_test(whoever_watches_is_told_when_there_is_something_to_close),
        cmocka_unit_test(names_end_at_ten_thousand),
        cmocka_unit_test(what_is_taken_away_is_found_no_more_and_lives_on_with_its_borrowers),
        cmocka_unit_test(a_name_that_comes_back_is_the_very_same_text_for_those_who_have_it),
        cmocka_unit_test(names_that_come_and_go_take_no_room),
        cmocka_unit_test(models_stand_in_the_order_in_which_they_were_arranged),
        cmocka_unit_test(models_trained_here_change_nothing_of_what_other_names_mean),
        cmocka_unit_test(an_alias_moves_to_another_model),
        cmocka_unit_test(threads_borrow_while_another_swaps_and_collects),
    };
    json_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
