/* SPDX-License-Identifier: Apache-2.0 */
/* Whole trainings on a tiny model: the same bytes by any way, and what is told of them. */
#include "base/json.h"
#include "base/random.h"
#include "model/bundle/bundle.h"
#include "model/head/head.h"
#include "model/model.h"
#include "model/train/training.h"
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* [UNK] 他 我 爱 吃 你 饭 a b c d e, 37 columns, weights. */
#define MODEL "tests/data/golden/f32"

static char folder[64], checkpoint[100], input[100], held[100];
static struct model *model;
static struct err err;

static void path_in(char *out, size_t bytes, const char *name)
{
    snprintf(out, bytes, "%s/%s", folder, name);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* Texts of three labels (or two), each with words of its own and some of others'. */
static void write_rows(const char *path, unsigned n, unsigned n_labels, unsigned seed)
{
    static const char *const words[3][4] = {
        {"a", "b", "我", "ab"}, {"c", "d", "爱", "cd"}, {"e", "饭", "吃饭", "ee"}};
    static const char *const names[] = {"x", "y", "z e"};
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs("text,label\n", file);
    for (unsigned i = 0; i < n; i++) {
        const unsigned label = i % n_labels, at = i + seed;
        fprintf(file, "%s %s %s,%s\n", words[label][at / 3 % 4], words[label][at / 5 % 4],
                words[at * at % 3][at / 7 % 4], names[label]);
    }
    assert_int_equal(fclose(file), 0);
}

static int start(void **state)
{
    (void)state;
    json_init();
    strcpy(folder, "/tmp/embedd-test-training-XXXXXX");
    if (!mkdtemp(folder) || !model_open(&model, MODEL, &err)) return -1;
    path_in(checkpoint, sizeof checkpoint, "checkpoint");
    path_in(input, sizeof input, "input.csv");
    path_in(held, sizeof held, "held.csv");
    write_rows(held, 30, 3, 1000);
    return 0;
}

/* Before each test. */
static int write_input(void **state)
{
    (void)state;
    unlink(checkpoint);
    write_rows(input, 90, 3, 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    unlink(input);
    unlink(held);
    unlink(checkpoint);
    model_close(model);
    return rmdir(folder);
}

static struct training_options options_of(enum training_mode mode)
{
    return (struct training_options){.mode = mode,
                                     .epochs = 3,
                                     .has_ngrams = 1,
                                     .reads_names = true,
                                     .held_share = 0.2,
                                     .folds = 1,
                                     .patience = 4,
                                     .ngram_dropout = 0.2,
                                     .seed = 1,
                                     .threads = 1};
}

static struct examples read_rows(const char *path, char separator, const struct examples *names_of)
{
    struct examples examples;
    const struct labelled_options columns = {.label_separator = separator};
    if (!examples_read(&examples, model, path, &columns, names_of, NULL, NULL, &err))
        fail_msg("%s", err.message);
    return examples;
}

static bool try_train(const struct training_options *options,
                      const struct training_watcher *watcher, struct training_result *result)
{
    struct examples examples = read_rows(input, '\0', NULL);
    err = (struct err){0};
    bool ok = training_run(model, &examples, NULL, options, watcher, result, &err);
    examples_clear(&examples);
    return ok;
}

static struct training_result train(const struct training_options *options,
                                    const struct training_watcher *watcher)
{
    struct training_result result;
    if (!try_train(options, watcher, &result)) fail_msg("%s", err.message);
    return result;
}

static bool is_same(const struct learned_files *a, const struct learned_files *b)
{
    return a->head_bytes == b->head_bytes && a->table_bytes == b->table_bytes &&
           memcmp(a->head, b->head, a->head_bytes) == 0 &&
           (!a->table || memcmp(a->table, b->table, a->table_bytes) == 0);
}

/* What was said of the rows held out. */
static bool is_said_alike(const struct training_result *a, const struct training_result *b)
{
    const size_t n = a->held.n, width = a->kind == HEAD_BINARY ? 1 : 3;
    return n > 0 && n == a->measured.n && n == b->held.n &&
           memcmp(a->held.rows, b->held.rows, n * sizeof *a->held.rows) == 0 &&
           memcmp(a->held.logits, b->held.logits, n * width * sizeof *a->held.logits) == 0;
}

/* Whatever was written can be read. */
static void check_opens(const struct learned_files *files, const struct training_options *options)
{
    struct head *head;
    const struct head_input taken = {.dim = options->dim ? options->dim : model_info(model)->dim,
                                     .tokenizer = model_tokenizer(model)};
    if (!head_open(&head, (struct span){files->head, files->head_bytes}, "a", "a", &taken, &err))
        fail_msg("%s", err.message);
    head_close(head);
}

/* ---- the same bytes ---- */

static void any_number_of_threads_gives_the_same_bytes(void **state)
{
    (void)state;
    for (int mode = 0; mode < TRAINING_MODES; mode++) {
        struct training_options options = options_of((enum training_mode)mode);
        struct training_result one = train(&options, NULL);
        assert_int_equal(one.files.table != NULL, mode != TRAINING_HEAD);
        assert_int_equal(one.stopped, TRAINING_DONE);
        for (unsigned threads = 2; threads <= 4; threads++) {
            options.threads = threads;
            struct training_result many = train(&options, NULL);
            assert_true(is_same(&one.files, &many.files));
            training_result_clear(&many);
        }
        options.seed = 2;
        struct training_result other = train(&options, NULL);
        assert_false(is_same(&one.files, &other.files));
        training_result_clear(&other);
        training_result_clear(&one);
    }
}

/* Interrupts in a given epoch, counted over both runs. */
struct interruption {
    int epoch, epochs_seen, resumed_run;
    uint32_t resumed_epochs;
};

static void count_epochs(void *user, const struct training_progress *progress)
{
    struct interruption *interruption = user;
    interruption->epochs_seen += progress->is_epoch_over;
}

static bool is_its_time(void *user)
{
    const struct interruption *interruption = user;
    return interruption->epochs_seen == interruption->epoch;
}

static void note_resumed(void *user, int run, uint32_t epochs)
{
    struct interruption *interruption = user;
    interruption->resumed_run = run;
    interruption->resumed_epochs = epochs;
}

static struct training_watcher watcher_of(struct interruption *interruption)
{
    return (struct training_watcher){count_epochs, is_its_time, note_resumed, interruption};
}

/* Breaks off in that epoch; false: there is no such epoch. */
static bool break_off(const struct training_options *options, int epoch)
{
    struct interruption interruption = {.epoch = epoch};
    const struct training_watcher watcher = watcher_of(&interruption);
    struct training_result result = train(options, &watcher);
    const bool was_interrupted = result.stopped == TRAINING_INTERRUPTED;
    check_opens(&result.files, options);
    training_result_clear(&result);
    return was_interrupted;
}

static void check_resumed(const struct training_options *options, int epoch,
                          const struct training_result *unbroken)
{
    struct interruption interruption = {.epoch = -1};
    const struct training_watcher watcher = watcher_of(&interruption);
    struct training_result result = train(options, &watcher);
    assert_int_equal(result.stopped, TRAINING_DONE);
    assert_true(is_same(&result.files, &unbroken->files) && is_said_alike(&result, unbroken));
    assert_int_equal(interruption.resumed_run, epoch == 0 ? 0 : epoch < 4 ? 1 : 2);
    if (interruption.resumed_run == 1) assert_int_equal(interruption.resumed_epochs, epoch);
    training_result_clear(&result);
}

static void a_training_broken_off_goes_on_to_the_same_bytes(void **state)
{
    (void)state;
    static const enum training_mode modes[] = {TRAINING_HEAD, TRAINING_BOTH, TRAINING_SCRATCH};
    for (int i = 0; i < 3; i++) {
        struct training_options options = options_of(modes[i]);
        options.patience = 0;
        struct training_result unbroken = train(&options, NULL);
        options.checkpoint = checkpoint;
        int epoch = 0;
        for (; break_off(&options, epoch); epoch++) {
            check_resumed(&options, epoch, &unbroken);
            unlink(checkpoint);
        }
        /* Three epochs, and then as many as the best had. */
        assert_true(epoch >= 4 && epoch <= 6);
        unlink(checkpoint);
        training_result_clear(&unbroken);
    }
}

static void of_folds_every_row_is_judged_by_a_head_that_did_not_see_it(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    options.folds = 3;
    options.patience = 0;
    struct training_result unbroken = train(&options, NULL);
    bool is_held[90] = {false};
    assert_int_equal(unbroken.held.n, 90);
    for (size_t i = 0; i < 90; i++) {
        assert_true(unbroken.held.rows[i] < 90 && !is_held[unbroken.held.rows[i]]);
        is_held[unbroken.held.rows[i]] = true;
    }
    options.checkpoint = checkpoint;
    for (int epoch = 1; break_off(&options, epoch); epoch++) {
        struct training_result result = train(&options, NULL);
        assert_true(is_same(&result.files, &unbroken.files) && is_said_alike(&result, &unbroken));
        training_result_clear(&result);
        unlink(checkpoint);
    }
    unlink(checkpoint);
    training_result_clear(&unbroken);
}

/* The head is learned first, and then the table. */
static void a_training_of_two_stages_goes_on_too(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_TABLE);
    struct training_result unbroken = train(&options, NULL);
    options.checkpoint = checkpoint;
    for (int epoch = 1; break_off(&options, epoch); epoch += 2) {
        struct training_result result = train(&options, NULL);
        assert_true(is_same(&result.files, &unbroken.files) && is_said_alike(&result, &unbroken));
        training_result_clear(&result);
        unlink(checkpoint);
    }
    unlink(checkpoint);
    training_result_clear(&unbroken);
}

static void threads_and_limits_may_change_on_the_way(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_BOTH);
    struct training_result unbroken = train(&options, NULL);
    options.checkpoint = checkpoint;
    assert_true(break_off(&options, 2));
    options.threads = 3;
    options.time_limit = 1e6;
    options.checkpoint_every = 1000;
    struct training_result result = train(&options, NULL);
    assert_true(is_same(&result.files, &unbroken.files));
    training_result_clear(&result);
    training_result_clear(&unbroken);
}

static void a_checkpoint_has_its_time(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    options.checkpoint = checkpoint;
    options.checkpoint_every = 1e6;
    assert_true(break_off(&options, 2));
    assert_int_equal(access(checkpoint, F_OK), -1);
}

/* ---- another training ---- */

enum change {
    CHANGE_MODE,
    CHANGE_EPOCHS,
    CHANGE_RATE,
    CHANGE_TABLE_RATE,
    CHANGE_DROPOUT,
    CHANGE_NGRAM_DROPOUT,
    CHANGE_NGRAMS,
    CHANGE_BALANCE,
    CHANGE_NAMES,
    CHANGE_SHARE,
    CHANGE_PATIENCE,
    CHANGE_SEED,
    CHANGES
};

static void make_change(struct training_options *options, enum change change)
{
    switch (change) {
    case CHANGE_MODE:
        options->mode = TRAINING_SCRATCH;
        return;
    case CHANGE_EPOCHS:
        options->epochs++;
        return;
    case CHANGE_RATE:
        options->learning_rate = 0.2;
        return;
    case CHANGE_TABLE_RATE:
        options->table_rate = 0.02;
        return;
    case CHANGE_DROPOUT:
        options->token_dropout = 0.1;
        return;
    case CHANGE_NGRAM_DROPOUT:
        options->ngram_dropout = 0.1;
        return;
    case CHANGE_NGRAMS:
        options->has_ngrams = 0;
        return;
    case CHANGE_BALANCE:
        options->balances_labels = true;
        return;
    case CHANGE_NAMES:
        options->reads_names = false;
        return;
    case CHANGE_SHARE:
        options->held_share = 0.25;
        return;
    case CHANGE_PATIENCE:
        options->patience++;
        return;
    case CHANGE_SEED:
        options->seed++;
        return;
    case CHANGES:
        return;
    }
}

static void check_other(const struct training_options *options)
{
    struct training_result result;
    assert_false(try_train(options, NULL, &result));
    assert_int_equal(err.code, ERR_USAGE);
    assert_non_null(strstr(err.message, "`no-resume`"));
    assert_null(result.files.head);
    assert_int_equal(access(checkpoint, F_OK), 0);
}

static void whatever_changes_the_result_makes_it_another_training(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_BOTH);
    options.checkpoint = checkpoint;
    assert_true(break_off(&options, 1));
    for (int change = 0; change < CHANGES; change++) {
        struct training_options changed = options;
        make_change(&changed, (enum change)change);
        check_other(&changed);
    }
    write_rows(input, 90, 3, 1);
    check_other(&options);
    unlink(checkpoint);
    options.mode = TRAINING_SCRATCH;
    options.dim = 8;
    assert_true(break_off(&options, 1));
    options.dim = 9;
    check_other(&options);
}

/* Two labels are a binary head, or a multi-label one if rows may have both. */
static void so_does_the_kind_of_head(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    struct training_result result;
    options.checkpoint = checkpoint;
    write_rows(input, 90, 2, 0);
    assert_true(break_off(&options, 1));
    struct examples examples = read_rows(input, '|', NULL);
    assert_false(training_run(model, &examples, NULL, &options, NULL, &result, &err));
    assert_int_equal(err.code, ERR_USAGE);
    examples_clear(&examples);
}

/* The golden model with another config.json, in a folder of the same name. */
static struct model *open_with(const char *config)
{
    struct model *other;
    char command[300], path[100], name[120];
    path_in(path, sizeof path, "model");
    snprintf(command, sizeof command, "cp -r %s %s", MODEL, path);
    assert_int_equal(system(command), 0);
    snprintf(name, sizeof name, "%s/config.json", path);
    write_text(name, config);
    if (!model_open(&other, path, &err)) fail_msg("%s", err.message);
    snprintf(command, sizeof command, "rm -r %s", path);
    assert_int_equal(system(command), 0);
    return other;
}

static void so_does_the_way_to_pool(void **state)
{
    (void)state;
    static const char *const others[] = {"{\"normalize\": true, \"pooling\": \"sum\"}",
                                         "{\"normalize\": false, \"pooling\": \"mean\"}"};
    struct model *before = model;
    struct training_options options = options_of(TRAINING_HEAD);
    options.checkpoint = checkpoint;
    model = open_with("{\"normalize\": true, \"pooling\": \"mean\"}");
    assert_true(break_off(&options, 1));
    for (size_t i = 0; i < 2; i++) {
        model_close(model);
        model = open_with(others[i]);
        check_other(&options);
    }
    model_close(model);
    model = before;
}

static void a_maximum_has_no_table_to_train(void **state)
{
    (void)state;
    struct model *before = model;
    model = open_with("{\"pooling\": \"max\"}");
    for (int mode = 0; mode < TRAINING_MODES; mode++) {
        struct training_options options = options_of((enum training_mode)mode);
        struct training_result result;
        const bool ok = try_train(&options, NULL, &result);
        assert_int_equal(ok, mode == TRAINING_HEAD);
        if (!ok) assert_int_equal(err.code, ERR_USAGE);
        if (!ok) assert_non_null(strstr(err.message, "`mode` must be head for this model"));
        training_result_clear(&result);
    }
    model_close(model);
    model = before;
}

/* ---- what ends it ---- */

static void an_interruption_gives_the_best_so_far(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    options.patience = 0;
    for (int epoch = 0; epoch < 6; epoch++) {
        struct interruption interruption = {.epoch = epoch};
        const struct training_watcher watcher = watcher_of(&interruption);
        struct training_result result = train(&options, &watcher);
        if (result.stopped == TRAINING_DONE) {
            assert_true(epoch > 3); /* the second run is as long as the best epoch */
            training_result_clear(&result);
            break;
        }
        assert_int_equal(result.stopped, TRAINING_INTERRUPTED);
        assert_true(result.epochs >= 1 && result.epochs <= 3);
        assert_true(result.measured.score >= 0 && result.measured.score <= 1);
        assert_int_equal(result.n_rows, 72);
        assert_int_equal(result.measured.n, 18);
        check_opens(&result.files, &options);
        training_result_clear(&result);
    }
}

static void a_time_limit_ends_it_after_a_batch(void **state)
{
    (void)state;
    for (int mode = 0; mode < TRAINING_MODES; mode++) {
        struct training_options options = options_of((enum training_mode)mode);
        options.time_limit = 1e-9;
        struct training_result result = train(&options, NULL);
        assert_int_equal(result.stopped, TRAINING_TIME_LIMIT);
        assert_int_equal(result.epochs, 1);
        check_opens(&result.files, &options);
        training_result_clear(&result);
    }
}

static void wait_in_the_first_run(void *user, const struct training_progress *progress)
{
    bool *has_waited = user;
    if (progress->run == 1 && !*has_waited) usleep(700000);
    *has_waited = true;
}

/* The second run is short then, and may end in time. */
static void a_limit_that_cut_the_first_run_is_told_of(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    bool has_waited = false;
    const struct training_watcher watcher = {.tell = wait_in_the_first_run, .user = &has_waited};
    options.time_limit = 1.2;
    struct training_result result = train(&options, &watcher);
    assert_int_equal(result.stopped, TRAINING_TIME_LIMIT);
    training_result_clear(&result);
}

/* ---- what is told ---- */

static void a_result_says_what_it_was_trained_on(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    struct training_result result = train(&options, NULL);
    assert_int_equal(result.kind, HEAD_MULTI_CLASS);
    assert_int_equal(result.n_rows, 90);
    assert_int_equal(result.measured.n, 18);
    assert_true(result.measured.score > 0.5 && result.measured.score <= 1 &&
                result.measured.log_loss > 0);
    assert_true(result.n_ngrams > 0 && !result.is_few);
    training_result_clear(&result);
    options.held_share = 0;
    options.has_ngrams = 0;
    result = train(&options, NULL);
    assert_int_equal(result.n_rows, 90);
    assert_int_equal(result.measured.n, 0);
    assert_int_equal(result.epochs, 3);
    assert_true(isnan(result.measured.score) && result.measured.temperature == 1 &&
                result.n_ngrams == 0);
    training_result_clear(&result);
}

static bool train_by_held(const struct training_options *options, struct training_result *result)
{
    struct examples examples = read_rows(input, '\0', NULL);
    struct examples validation = read_rows(held, '\0', &examples);
    err = (struct err){0};
    const bool ok = training_run(model, &examples, &validation, options, NULL, result, &err);
    examples_clear(&validation);
    examples_clear(&examples);
    return ok;
}

static void rows_of_another_file_are_measured_by(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    struct training_result result;
    options.checkpoint = checkpoint;
    assert_true(train_by_held(&options, &result));
    assert_int_equal(result.n_rows, 90);
    assert_int_equal(result.measured.n, 30);
    assert_true(result.measured.score > 0.5);
    training_result_clear(&result);
    /* Without it, or by others, it is another training. */
    check_other(&options);
    write_rows(held, 30, 3, 1001);
    assert_false(train_by_held(&options, &result));
    assert_int_equal(err.code, ERR_USAGE);
    write_rows(held, 30, 3, 1000);
    assert_true(train_by_held(&options, &result));
    training_result_clear(&result);
}

/* "z e" is a text of its label; a label of numbers has no words. */
static void names_of_labels_are_read_where_rows_are_few(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    struct training_result result;
    write_text(input, "text,label\na,z_e\nb,z_e\nc,12\nd,12\n");
    for (int reads_names = 0; reads_names < 2; reads_names++) {
        struct examples examples = read_rows(input, '\0', NULL);
        options.reads_names = reads_names;
        assert_true(training_run(model, &examples, NULL, &options, NULL, &result, &err));
        assert_true(result.is_few && result.measured.n == 0 && result.n_rows == 4);
        assert_int_equal(result.has_names, reads_names);
        training_result_clear(&result);
        assert_int_equal(examples.n, 5);
        assert_int_equal(examples.items[4].n_ids, 2);
        assert_int_equal(examples.labels[examples.items[4].labels_at], 1);
        examples_clear(&examples);
    }
}

static void a_label_of_numbers_is_no_name(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    struct training_result result;
    write_text(input, "text,label\na,1\nb,2\n");
    struct examples examples = read_rows(input, '\0', NULL);
    assert_true(training_run(model, &examples, NULL, &options, NULL, &result, &err));
    assert_true(result.is_few && !result.has_names && examples.n == 2);
    training_result_clear(&result);
    examples_clear(&examples);
}

/* Each label has a row; those with a letter get another one. */
static void a_name_has_a_letter(void **state)
{
    (void)state;
    static const char *const names[] = {"7", "-1.5", "A", "Z", "a", "z", "1_b", "饭"};
    struct training_options options = options_of(TRAINING_HEAD);
    struct training_result result;
    FILE *file = fopen(input, "wb");
    assert_non_null(file);
    fputs("text,label\n", file);
    for (int i = 0; i < 8; i++)
        fprintf(file, "c,%s\n", names[i]);
    assert_int_equal(fclose(file), 0);
    struct examples examples = read_rows(input, '\0', NULL);
    assert_true(training_run(model, &examples, NULL, &options, NULL, &result, &err));
    assert_int_equal(examples.n, 8 + 6);
    for (size_t row = 8; row < examples.n; row++) {
        const uint32_t label = examples.labels[examples.items[row].labels_at];
        const char *name = examples_names(&examples)[label];
        assert_true(strcmp(name, "7") != 0 && strcmp(name, "-1.5") != 0);
    }
    training_result_clear(&result);
    examples_clear(&examples);
}

/* ---- which epoch is kept ---- */

#define EPOCHS_MAX 40

/* Scores and losses of the first run, by epoch. */
struct course {
    double scores[EPOCHS_MAX], losses[EPOCHS_MAX];
    uint32_t n;
};

static void note_course(void *user, const struct training_progress *progress)
{
    struct course *course = user;
    if (!progress->is_epoch_over || progress->run != 1) return;
    assert_true(course->n < EPOCHS_MAX);
    course->scores[course->n] = progress->score;
    course->losses[course->n++] = progress->loss;
}

/* Half of the labels of nowhere. */
static void write_noise(unsigned seed)
{
    static const char *const words[] = {"a", "b", "c", "d", "e", "我", "爱", "吃", "饭", "他"};
    static const char *const names[] = {"x", "y", "z"};
    FILE *file = fopen(input, "wb");
    assert_non_null(file);
    fputs("text,label\n", file);
    for (unsigned i = 0; i < 90; i++) {
        const unsigned a = (i * 7 + i / 10 + seed) % 10, b = (i * i + seed) % 10;
        fprintf(file, "%s %s,%s\n", words[a], words[b], names[i % 2 ? a % 3 : (i / 2 + seed) % 3]);
    }
    assert_int_equal(fclose(file), 0);
}

/* The last whose score is below the highest so far by a standard error at most. */
static uint32_t wanted_epoch(const struct course *course, size_t n_held)
{
    double highest = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < course->n; i++) {
        highest = fmax(highest, course->scores[i]);
        const double chance = sqrt(highest * (1 - highest) / (double)n_held);
        if (course->scores[i] >= highest - chance) kept = i + 1;
    }
    return kept;
}

static uint32_t first_best(const struct course *course)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < course->n; i++)
        if (course->scores[i] > course->scores[best]) best = i;
    return best + 1;
}

static void the_last_epoch_is_kept_that_is_worse_by_chance_only(void **state)
{
    (void)state;
    size_t n_later = 0, n_not_last = 0;
    for (unsigned seed = 0; seed < 12; seed++) {
        struct training_options options = options_of(TRAINING_HEAD);
        struct course course = {.n = 0};
        const struct training_watcher watcher = {.tell = note_course, .user = &course};
        options.epochs = 12;
        options.patience = 0;
        options.learning_rate = 1;
        write_noise(seed);
        struct training_result result = train(&options, &watcher);
        const uint32_t wanted = wanted_epoch(&course, result.measured.n);
        assert_int_equal(course.n, 12);
        assert_int_equal(result.epochs, wanted);
        assert_true(result.measured.score == course.scores[wanted - 1]);
        n_later += course.scores[wanted - 1] < course.scores[first_best(&course) - 1];
        n_not_last += wanted < course.n;
        training_result_clear(&result);
    }
    assert_true(n_later > 0 && n_not_last > 0);
}

/* So many epochs after the one kept. */
static void patience_comes_to_its_end(void **state)
{
    (void)state;
    size_t n_ended = 0;
    for (unsigned seed = 0; seed < 12; seed++) {
        struct training_options options = options_of(TRAINING_HEAD);
        struct course course = {.n = 0};
        const struct training_watcher watcher = {.tell = note_course, .user = &course};
        options.epochs = EPOCHS_MAX;
        options.patience = 2;
        options.learning_rate = 1;
        write_noise(seed);
        struct training_result result = train(&options, &watcher);
        assert_true(course.n == EPOCHS_MAX || course.n == result.epochs + 2);
        n_ended += course.n < EPOCHS_MAX;
        training_result_clear(&result);
    }
    assert_true(n_ended > 0);
}

static void the_loss_falls_in_every_mode(void **state)
{
    (void)state;
    for (int mode = 0; mode < TRAINING_MODES; mode++) {
        struct training_options options = options_of((enum training_mode)mode);
        struct course course = {.n = 0};
        const struct training_watcher watcher = {.tell = note_course, .user = &course};
        options.epochs = 10;
        options.held_share = 0;
        options.ngram_dropout = 0;
        struct training_result result = train(&options, &watcher);
        assert_int_equal(course.n, mode == TRAINING_TABLE ? 20 : 10);
        for (uint32_t i = 1; i < course.n; i++)
            assert_true(course.losses[i] < course.losses[i - 1]);
        assert_true(course.losses[9] < course.losses[0] / 2);
        training_result_clear(&result);
    }
}

/* ---- progress ---- */

static void progress_ascends_to_its_end(void *user, const struct training_progress *progress)
{
    struct training_progress *last = user;
    assert_true(progress->run >= last->run && progress->n_runs >= 2);
    assert_true(progress->run > last->run || progress->epoch >= last->epoch);
    assert_true(progress->epoch >= 1 && progress->epoch <= progress->epochs);
    assert_true(progress->n_done >= 1 && progress->n_done <= progress->n);
    *last = *progress;
}

static void progress_is_told(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    struct training_progress last = {0};
    const struct training_watcher watcher = {.tell = progress_ascends_to_its_end, .user = &last};
    struct training_result result = train(&options, &watcher);
    assert_true(last.run == 2 && last.is_epoch_over && last.epoch == last.epochs);
    assert_true(last.n_done == last.n && last.seconds_left == 0);
    assert_true(isfinite(last.loss) && last.best == result.measured.score);
    training_result_clear(&result);
}

/* ---- folds and repeats ---- */

/* Every row is held out once, and what is served has seen them all. */
static void few_rows_are_held_out_in_folds(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    struct training_progress last = {0};
    const struct training_watcher watcher = {.tell = progress_ascends_to_its_end, .user = &last};
    options.folds = 0;
    struct training_result result = train(&options, &watcher), again;
    assert_int_equal(result.n_folds, 5);
    assert_int_equal(last.n_runs, 6);
    assert_int_equal(result.measured.n, 90);
    assert_int_equal(result.n_rows, 90);
    assert_true(result.measured.score > 0.5 && result.measured.calibration_error >= 0);
    assert_int_equal(result.measured.n_margins, UNSURE_QUANTILES);
    check_opens(&result.files, &options);
    options.threads = 3;
    again = train(&options, NULL);
    assert_true(is_same(&result.files, &again.files));
    training_result_clear(&again);
    training_result_clear(&result);
}

static void folds_go_on_from_a_checkpoint(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    options.folds = 4;
    struct training_result wanted = train(&options, NULL);
    options.checkpoint = checkpoint;
    for (int epoch = 1; epoch < 15; epoch += 4) {
        struct interruption interruption = {.epoch = epoch};
        const struct training_watcher watcher = watcher_of(&interruption);
        struct training_result result = train(&options, &watcher);
        assert_int_equal(result.stopped, TRAINING_INTERRUPTED);
        assert_true(result.n_rows < 90);
        training_result_clear(&result);
        result = train(&options, NULL);
        assert_true(is_same(&result.files, &wanted.files));
        assert_true(result.measured.score == wanted.measured.score);
        training_result_clear(&result);
        unlink(checkpoint);
    }
    training_result_clear(&wanted);
}

/* Labels at random, each text twice: what was learned by heart must not count. */
static void write_chance(unsigned n)
{
    static const char *const words[] = {"a",  "b", "我", "ab", "c",  "d",   "爱",
                                        "cd", "e", "饭", "吃", "ee", "吃饭"};
    static const char *const again[] = {"%s %s %s %s,%s\n", "  %s %s  %s %s ,%s\n"};
    uint64_t state = 11;
    FILE *file = fopen(input, "wb");
    assert_non_null(file);
    fputs("text,label\n", file);
    for (unsigned i = 0; i < n; i++) {
        const char *own[4], *label = random_next(&state) % 2 ? "x" : "y";
        for (int k = 0; k < 4; k++)
            own[k] = words[random_next(&state) % 13];
        for (int k = 0; k < 2; k++)
            fprintf(file, again[k], own[0], own[1], own[2], own[3], label);
    }
    assert_int_equal(fclose(file), 0);
}

static void labels_at_random_score_what_chance_does(void **state)
{
    (void)state;
    struct training_options options = options_of(TRAINING_HEAD);
    write_chance(600);
    for (options.folds = 1; options.folds <= 5; options.folds += 4) {
        struct training_result result = train(&options, NULL);
        if (!(result.measured.score < 0.6))
            fail_msg("%u folds: %g", options.folds, result.measured.score);
        training_result_clear(&result);
    }
}

#define INPUT_TEST(test) cmocka_unit_test_setup(test, write_input)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INPUT_TEST(any_number_of_threads_gives_the_same_bytes),
        INPUT_TEST(few_rows_are_held_out_in_folds),
        INPUT_TEST(folds_go_on_from_a_checkpoint),
        INPUT_TEST(labels_at_random_score_what_chance_does),
        INPUT_TEST(a_training_broken_off_goes_on_to_the_same_bytes),
        INPUT_TEST(a_training_of_two_stages_goes_on_too),
        INPUT_TEST(threads_and_limits_may_change_on_the_way),
        INPUT_TEST(of_folds_every_row_is_judged_by_a_head_that_did_not_see_it),
        INPUT_TEST(a_checkpoint_has_its_time),
        INPUT_TEST(whatever_changes_the_result_makes_it_another_training),
        INPUT_TEST(so_does_the_kind_of_head),
        INPUT_TEST(so_does_the_way_to_pool),
        INPUT_TEST(a_maximum_has_no_table_to_train),
        INPUT_TEST(an_interruption_gives_the_best_so_far),
        INPUT_TEST(a_time_limit_ends_it_after_a_batch),
        INPUT_TEST(a_limit_that_cut_the_first_run_is_told_of),
        INPUT_TEST(a_result_says_what_it_was_trained_on),
        INPUT_TEST(rows_of_another_file_are_measured_by),
        INPUT_TEST(names_of_labels_are_read_where_rows_are_few),
        INPUT_TEST(a_label_of_numbers_is_no_name),
        INPUT_TEST(a_name_has_a_letter),
        INPUT_TEST(the_last_epoch_is_kept_that_is_worse_by_chance_only),
        INPUT_TEST(patience_comes_to_its_end),
        INPUT_TEST(the_loss_falls_in_every_mode),
        INPUT_TEST(progress_is_told),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
