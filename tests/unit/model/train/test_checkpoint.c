/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "model/train/checkpoint.h"
#include "tests/unit/model/train/lab.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[100];
static struct err err;

static uint32_t held_rows[] = {4, 0, 7};
static float held_logits[] = {0.5f, -1, 2, 3, 0.25f, 8};
static const struct checkpoint saved = {.fingerprint = 0xFEDCBA9876543210u,
                                        .run = 2,
                                        .epochs = 17,
                                        .seconds = 1234.5,
                                        .width = 2,
                                        .held = {held_rows, held_logits, 3}};

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/embedd-test-checkpoint-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void open_lab(struct lab *lab, enum head_kind kind, bool moves_table)
{
    struct learner_options options = lab_options(kind);
    options.moves_table = moves_table;
    lab_open(lab, &options, POOLING_MEAN, true, 1);
}

static struct training_best best_of(char *head, char *table)
{
    return (struct training_best){.files = {.head = head,
                                            .head_bytes = head ? strlen(head) : 0,
                                            .table = table,
                                            .table_bytes = table ? strlen(table) : 0},
                                  .epochs = 12,
                                  .score = 0.1,
                                  .highest = 0.4,
                                  .measured = {.n = 50,
                                               .score = 0.15,
                                               .score_low = 0.05,
                                               .score_high = 0.25,
                                               .macro_f1 = 0.2,
                                               .log_loss = 0.3,
                                               .calibration_error = 0.01,
                                               .brier = 0.02,
                                               .temperature = 0.7,
                                               .n_margins = UNSURE_QUANTILES,
                                               .margins = {0.5f, 1, 1.5f}}};
}

static void save_lab(const struct lab *lab, const struct training_best *best)
{
    if (!checkpoint_save(path, &saved, &lab->learner, best, &err)) fail_msg("%s", err.message);
}

static int peek(struct checkpoint *checkpoint)
{
    err = (struct err){0};
    return checkpoint_peek(path, saved.fingerprint, checkpoint, &err);
}

static void check_refused(enum err_code code, const char *why)
{
    assert_int_equal(err.code, code);
    if (!strstr(err.message, why)) fail_msg("'%s' does not say '%s'", err.message, why);
}

/* ---- round trips ---- */

static void check_learned(const struct learner *found, const struct learner *wanted)
{
    for (int part = 0; part < LEARNED_PARTS; part++) {
        const struct learned *a = &found->learned[part], *b = &wanted->learned[part];
        assert_int_equal(a->n, b->n);
        if (a->n > 0) assert_memory_equal(a->values, b->values, a->n * sizeof(float));
        if (a->n_squares > 0)
            assert_memory_equal(a->squares, b->squares, a->n_squares * sizeof(float));
    }
}

static void check_measured(const struct measured *found, const struct measured *wanted)
{
    assert_int_equal(found->n, wanted->n);
    assert_true(found->score == wanted->score && found->macro_f1 == wanted->macro_f1);
    assert_true(found->score_low == wanted->score_low && found->score_high == wanted->score_high);
    assert_true(found->log_loss == wanted->log_loss && found->temperature == wanted->temperature);
    assert_true(found->calibration_error == wanted->calibration_error);
    assert_true(found->brier == wanted->brier);
    assert_int_equal(found->n_margins, wanted->n_margins);
    assert_memory_equal(found->margins, wanted->margins, sizeof found->margins);
}

static void check_best(const struct training_best *found, const struct training_best *wanted)
{
    assert_int_equal(found->epochs, wanted->epochs);
    assert_true(found->score == wanted->score && found->highest == wanted->highest);
    check_measured(&found->measured, &wanted->measured);
    assert_int_equal(found->files.head_bytes, wanted->files.head_bytes);
    assert_int_equal(found->files.table_bytes, wanted->files.table_bytes);
    assert_int_equal(!found->files.table, !wanted->files.table);
    assert_memory_equal(found->files.head, wanted->files.head, found->files.head_bytes);
    if (found->files.table)
        assert_memory_equal(found->files.table, wanted->files.table, found->files.table_bytes);
}

static void check_round_trip(enum head_kind kind, bool moves_table)
{
    struct lab lab, fresh;
    char head[] = "the head's file", table[] = "and the table's";
    const struct training_best best = best_of(head, moves_table ? table : NULL);
    struct training_best found = {0};
    struct checkpoint checkpoint;
    open_lab(&lab, kind, moves_table);
    open_lab(&fresh, kind, moves_table);
    lab_learn_alone(&lab, 2);
    save_lab(&lab, &best);
    assert_int_equal(peek(&checkpoint), 1);
    assert_true(checkpoint.fingerprint == saved.fingerprint && checkpoint.run == saved.run);
    assert_true(checkpoint.epochs == saved.epochs && checkpoint.seconds == saved.seconds);
    if (!checkpoint_load(path, &fresh.learner, &found, &err)) fail_msg("%s", err.message);
    check_learned(&fresh.learner, &lab.learner);
    check_best(&found, &best);
    /* And goes on as the other one would. */
    lab_learn_alone(&lab, 1);
    lab_learn_alone(&fresh, 1);
    check_learned(&fresh.learner, &lab.learner);
    learned_clear(&found.files);
    lab_close(&fresh);
    lab_close(&lab);
}

static void what_is_saved_is_loaded_again(void **state)
{
    (void)state;
    for (int kind = 0; kind < HEAD_KINDS; kind++) {
        check_round_trip((enum head_kind)kind, true);
        check_round_trip((enum head_kind)kind, false);
    }
}

static void what_was_said_of_rows_held_out_is_loaded_again(void **state)
{
    (void)state;
    struct lab lab;
    struct checkpoint checkpoint;
    const struct training_best none = {0};
    uint32_t rows[3];
    float logits[6];
    const struct held_out held = {rows, logits, 3};
    open_lab(&lab, HEAD_BINARY, false);
    save_lab(&lab, &none);
    lab_close(&lab);
    assert_int_equal(peek(&checkpoint), 1);
    assert_int_equal(checkpoint.held.n, 3);
    assert_true(checkpoint_load_held(path, &held, 2, 8, &err));
    assert_memory_equal(rows, held_rows, sizeof rows);
    assert_memory_equal(logits, held_logits, sizeof logits);
    /* Rows that the examples do not have, and logits of another head. */
    assert_false(checkpoint_load_held(path, &held, 2, 7, &err));
    assert_non_null(strstr(err.message, "'held.rows' has row 7 of 7"));
    assert_false(checkpoint_load_held(path, &held, 1, 8, &err));
    assert_non_null(strstr(err.message, "'held.logits' must have 12 bytes"));
}

static void without_a_best_one_there_is_none_afterwards(void **state)
{
    (void)state;
    struct lab lab;
    const struct training_best none = {0};
    struct training_best found = {0};
    open_lab(&lab, HEAD_BINARY, false);
    save_lab(&lab, &none);
    assert_true(checkpoint_load(path, &lab.learner, &found, &err));
    assert_true(found.epochs == 0 && !found.files.head && !found.files.table);
    lab_close(&lab);
}

/* ---- what is wrong ---- */

static void no_file_is_no_checkpoint(void **state)
{
    (void)state;
    struct checkpoint checkpoint;
    assert_int_equal(peek(&checkpoint), 0);
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(peek(&checkpoint), -1);
    check_refused(ERR_IO, path);
    assert_int_equal(rmdir(path), 0);
}

static void a_checkpoint_of_another_training_is_refused(void **state)
{
    (void)state;
    struct lab lab;
    const struct training_best none = {0};
    struct checkpoint checkpoint = {0};
    open_lab(&lab, HEAD_BINARY, false);
    save_lab(&lab, &none);
    assert_int_equal(checkpoint_peek(path, saved.fingerprint ^ 1, &checkpoint, &err), -1);
    check_refused(ERR_USAGE, "other data, model or settings; use those again to continue it, or "
                             "train with `no-resume` to start again");
    assert_int_equal(checkpoint.epochs, 0);
    lab_close(&lab);
}

static void numbers_of_another_learner_are_refused(void **state)
{
    (void)state;
    struct lab lab, other, without_table;
    const struct training_best none = {0};
    struct training_best found = {0};
    open_lab(&lab, HEAD_BINARY, true);
    open_lab(&other, HEAD_MULTI_CLASS, true);
    open_lab(&without_table, HEAD_BINARY, false);
    save_lab(&lab, &none);
    assert_false(checkpoint_load(path, &other.learner, &found, &err));
    check_refused(ERR_FORMAT, "'weight' must have ");
    assert_false(checkpoint_load(path, &without_table.learner, &found, &err));
    check_refused(ERR_FORMAT, "'table' must have 0 bytes; remove the file to start again");
    lab_close(&lab);
    lab_close(&other);
    lab_close(&without_table);
}

static void write_bytes(const char *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static void check_cut(const char *whole, size_t bytes, struct learner *learner)
{
    struct training_best found = {0};
    struct checkpoint checkpoint;
    write_bytes(whole, bytes);
    assert_int_equal(peek(&checkpoint), -1);
    check_refused(ERR_FORMAT, path);
    assert_false(checkpoint_load(path, learner, &found, &err));
    check_refused(ERR_FORMAT, path);
    assert_null(found.files.head);
}

static void a_file_cut_short_is_refused(void **state)
{
    (void)state;
    struct lab lab;
    char head[] = "the head's file", table[] = "and the table's", *whole;
    const struct training_best best = best_of(head, table);
    size_t bytes;
    open_lab(&lab, HEAD_MULTI_CLASS, true);
    save_lab(&lab, &best);
    assert_true(file_read(path, 1 << 20, &whole, &bytes, &err));
    for (size_t n = 0; n < bytes; n += 97)
        check_cut(whole, n, &lab.learner);
    check_cut(whole, bytes - 1, &lab.learner);
    free(whole);
    lab_close(&lab);
}

/* Whatever it then says. */
static void a_broken_file_is_no_crash(void **state)
{
    (void)state;
    struct lab lab;
    char head[] = "the head's file", *whole;
    const struct training_best best = best_of(head, NULL);
    size_t bytes, n_refused = 0;
    open_lab(&lab, HEAD_BINARY, false);
    save_lab(&lab, &best);
    assert_true(file_read(path, 1 << 20, &whole, &bytes, &err));
    for (size_t at = 0; at < bytes && at < 1200; at += 3) {
        struct training_best found = {0};
        struct checkpoint checkpoint;
        whole[at] ^= 0x15;
        write_bytes(whole, bytes);
        if (peek(&checkpoint) != 1 || !checkpoint_load(path, &lab.learner, &found, &err)) {
            assert_true(err.message[0] != '\0');
            n_refused++;
        }
        whole[at] ^= 0x15;
        learned_clear(&found.files);
    }
    assert_true(n_refused > 100);
    free(whole);
    lab_close(&lab);
}

static void where_it_cannot_be_written_is_said(void **state)
{
    (void)state;
    struct lab lab;
    const struct training_best none = {0};
    char missing[200];
    open_lab(&lab, HEAD_BINARY, false);
    snprintf(missing, sizeof missing, "%s/none/file", folder);
    assert_false(checkpoint_save(missing, &saved, &lab.learner, &none, &err));
    check_refused(ERR_IO, missing);
    lab_close(&lab);
}

#define FOLDER_TEST(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(what_is_saved_is_loaded_again),
        FOLDER_TEST(without_a_best_one_there_is_none_afterwards),
        FOLDER_TEST(no_file_is_no_checkpoint),
        FOLDER_TEST(what_was_said_of_rows_held_out_is_loaded_again),
        FOLDER_TEST(a_checkpoint_of_another_training_is_refused),
        FOLDER_TEST(numbers_of_another_learner_are_refused),
        FOLDER_TEST(a_file_cut_short_is_refused),
        FOLDER_TEST(a_broken_file_is_no_crash),
        FOLDER_TEST(where_it_cannot_be_written_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
