/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/training.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/utf8.h"
#include "model/bundle/bundle.h"
#include "model/model.h"
#include "model/train/training_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Random numbers of a table from scratch are uniform, up to this over √dim. */
#define SCRATCH_SIZE 1.0

/* Where more of the training rows repeat a few tokens over and over, that is nothing odd. */
#define REPETITIVE_SHARE 0.01

/* Logits of held-out rows that are kept in memory, to find the temperature: 128 MB. */
#define LOGITS_MAX ((size_t)32 << 20)

const char *const training_mode_names[TRAINING_MODES + 1] = {"head", "table", "both", "scratch",
                                                             NULL};

static double seconds_of(const struct training *t)
{
    return t->seconds_before + (double)(clock_now_ns() - t->start_ns) / 1e9;
}

static bool fail_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, NULL, "no memory to train on so many rows");
}

/* ---- what is trained on ---- */

/* "card_arrival" reads as "card arrival"; NULL: it is no word but a number. */
static char *words_of(const char *label)
{
    bool has_letter = false;
    char *words = strdup(label);
    for (char *at = words; at && *at; at++) {
        const unsigned char c = (unsigned char)*at;
        has_letter |= c >= 0x80 || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (strchr("_-/.:", c)) *at = ' ';
    }
    if (has_letter) return words;
    free(words);
    return NULL;
}

static bool append_name(struct training *t, struct arena *arena, uint32_t label, struct err *err)
{
    struct tokens tokens;
    t->names_of[label] = UINT32_MAX;
    char *words = words_of(examples_names(t->examples)[label]);
    if (!words) return true;
    arena_reset(arena);
    const char *text = words;
    size_t bytes = strlen(words);
    bool ok = model_prompted(t->model, arena, &text, &bytes, err) &&
              model_tokenize(t->model, arena, text, bytes, TOKENIZE_LIMITS, &tokens, err) &&
              (tokens.n == 0 || examples_add(t->examples, tokens.ids, tokens.n, &label, 1, err));
    if (ok && tokens.n > 0) t->names_of[label] = (uint32_t)t->examples->n - 1;
    free(words);
    return ok;
}

/* The names of all labels become examples; which of them are used the rows of a run decide. */
static bool append_names(struct training *t, struct err *err)
{
    const uint32_t n = examples_n_names(t->examples);
    struct arena arena;
    bool ok = true;
    t->n_rows = t->examples->n;
    t->names_of = calloc(n, sizeof *t->names_of);
    if (!t->names_of) return fail_memory(err);
    arena_init(&arena, (size_t)256 << 20);
    for (uint32_t label = 0; ok && label < n; label++)
        ok = append_name(t, &arena, label, err);
    arena_clear(&arena);
    return ok;
}

/* The vectors of all rows, to see which are near repeats. */
static bool join_near(struct training *t, struct err *err)
{
    const struct pool_options pool = model_pool_options(t->model);
    const struct examples *examples = t->examples;
    float *vectors = NULL;
    bool ok = true;
    if (t->n_rows * pool.dims > REPEATS_FLOATS_MAX) return true;
    vectors = malloc((t->n_rows * pool.dims + 1) * sizeof *vectors);
    if (!vectors) return fail_memory(err);
    for (size_t i = 0; ok && i < t->n_rows; i++) {
        const struct example *item = &examples->items[i];
        ok = model_pool(t->model, examples->ids + item->ids_at, item->n_ids, &pool,
                        vectors + i * pool.dims);
    }
    /* What is not finite training itself will tell. */
    ok = !ok || repeats_near(&t->repeats, vectors, pool.dims, err);
    free(vectors);
    return ok;
}

static bool take_folds(struct training *t, struct err *err)
{
    t->n_runs = 1;
    if (t->validation || t->options->held_share <= 0) return true;
    if (!repeats_new(&t->repeats, t->n_rows, err) ||
        !repeats_same(&t->repeats, t->examples->texts, err) ||
        !repeats_same(&t->repeats, t->examples->groups, err) || !join_near(t, err))
        return false;
    const struct split_options options = {.group = t->repeats.group,
                                          .share = t->options->held_share,
                                          .n_folds = t->plan.n_folds,
                                          .seed = t->options->seed};
    if (!split_make(&t->split, t->examples, t->n_rows, &options, err)) return false;
    t->n_runs = t->split.n_folds + 1;
    return true;
}

static size_t count_held(const struct training *t, size_t *largest)
{
    size_t n = t->validation ? t->validation->n : 0;
    *largest = n;
    for (uint32_t fold = 1; fold <= t->split.n_folds; fold++) {
        const size_t own = split_count(&t->split, fold);
        if (own > *largest) *largest = own;
        n += own;
    }
    return n;
}

static bool are_repetitive(const struct training *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_rows; i++) {
        const struct example *item = &t->examples->items[i];
        n += unsure_repeats(t->examples->ids + item->ids_at, item->n_ids);
    }
    return (double)n > REPETITIVE_SHARE * (double)t->n_rows;
}

static bool take_rows(struct training *t, struct err *err)
{
    size_t largest;
    t->is_repetitive = are_repetitive(t);
    if (!take_folds(t, err)) return false;
    const enum head_kind kind = t->plan.learner.kind;
    const size_t n_held = count_held(t, &largest);
    t->info = (struct head_info){.kind = kind,
                                 .n_labels = examples_n_names(t->examples),
                                 .labels = examples_names(t->examples),
                                 .rows = kind == HEAD_BINARY ? 1 : examples_n_names(t->examples),
                                 .temperature = 1};
    t->held = malloc((n_held + 1) * sizeof *t->held);
    t->order = malloc((t->examples->n + 1) * sizeof *t->order);
    if (!t->held || !t->order) return fail_memory(err);
    if (n_held == 0 || n_held * t->info.rows > LOGITS_MAX) return true;
    t->latest = malloc(largest * t->info.rows * sizeof *t->latest);
    t->logits = malloc(n_held * t->info.rows * sizeof *t->logits);
    return (t->latest && t->logits) || fail_memory(err);
}

/* Rows of a file of its own, or those of the fold; behind those of the folds before. */
static void take_held(struct training *t)
{
    t->n_held = t->n_before;
    for (uint32_t i = 0; t->validation && i < t->validation->n; i++)
        t->held[t->n_held++] = i;
    for (uint32_t i = 0; i < t->split.n; i++)
        if (t->split.fold[i] == t->run) t->held[t->n_held++] = i;
}

static bool is_measured(const struct training *t)
{
    return t->n_held > t->n_before;
}

/* The rows of this run, and the names of labels that have few among them. */
static bool order_rows(struct training *t, struct err *err)
{
    const uint32_t n_labels = examples_n_names(t->examples);
    uint32_t *counts = calloc(n_labels, sizeof *counts);
    if (!counts) return fail_memory(err);
    t->n_order = 0;
    for (uint32_t fold = 0; fold <= t->split.n_folds; fold++)
        for (uint32_t i = 0; i < t->n_rows; i++)
            if ((t->split.n_folds > 0 ? t->split.fold[i] : 0) == fold &&
                (fold == 0 || fold != t->run))
                t->order[t->n_order++] = i;
    t->n_trained = t->n_order;
    for (size_t i = 0; i < t->n_order; i++) {
        const struct example *item = &t->examples->items[t->order[i]];
        for (uint32_t k = 0; k < item->n_labels; k++)
            counts[t->examples->labels[item->labels_at + k]]++;
    }
    for (uint32_t label = 0; label < n_labels; label++)
        if (t->plan.reads_names && counts[label] < PLAN_FEW_ROWS &&
            t->names_of[label] != UINT32_MAX)
            t->order[t->n_order++] = t->names_of[label];
    t->has_names = t->n_order > t->n_trained;
    free(counts);
    return true;
}

/* ---- what it starts from ---- */

static void fill_at_random(struct training *t, size_t n, uint32_t dim)
{
    uint64_t state = random_seed(t->options->seed, 0x5C8A7C4, dim);
    for (size_t i = 0; i < n; i++)
        t->from_memory[i] =
            (2 * random_share(&state) - 1) * (float)(SCRATCH_SIZE / sqrt((double)dim));
}

/* A table of its own where the model's is not started from, or is none that can be moved. */
static bool take_table(struct training *t, struct err *err)
{
    const struct table *table = model_table(t->model);
    const bool is_scratch = t->options->mode == TRAINING_SCRATCH;
    t->from = *table;
    t->pool = model_pool_options(t->model);
    if (!is_scratch && table_is_plain(table)) return true;
    const uint32_t dim = is_scratch && t->options->dim > 0 ? t->options->dim : table->dim;
    const size_t n = (size_t)table->n_rows * dim;
    t->from_memory = calloc(n, sizeof *t->from_memory);
    if (!t->from_memory) return fail_memory(err);
    if (is_scratch) fill_at_random(t, n, dim);
    for (uint32_t i = 0; i < table->n_rows && !is_scratch; i++)
        table_floats(table, i, 0, dim, t->from_memory + (size_t)i * dim);
    t->from = (struct table){.rows = {.at = t->from_memory,
                                      .stride_bytes = dim * sizeof *t->from_memory,
                                      .n = table->n_rows,
                                      .dtype = DTYPE_F32},
                             .n_rows = table->n_rows,
                             .dim = dim,
                             .weights = table->weights};
    t->pool.dims = dim;
    return true;
}

/* Whatever changes the result. */
static bool take_fingerprint(struct training *t, struct err *err)
{
    const struct span weights = model_bundle(t->model)->source.weights;
    json_t *plan = plan_as_json(&t->plan, t->model, t->options);
    t->data = examples_fingerprint(t->examples);
    char *text = json_dumps(plan, JSON_COMPACT | JSON_SORT_KEYS), numbers[200];
    json_decref(plan);
    if (!text) return fail_memory(err);
    snprintf(numbers, sizeof numbers, "%u %u %u %d %d %d %d %u %016llx %016llx %016llx",
             t->plan.epochs, t->plan.patience, t->pool.dims, t->pool.pooling, t->pool.normalize,
             t->plan.learner.kind, t->plan.reads_names, t->n_runs, (unsigned long long)t->data,
             (unsigned long long)(t->validation ? examples_fingerprint(t->validation) : 0),
             (unsigned long long)tokenizer_fingerprint(model_tokenizer(t->model)));
    t->fingerprint =
        hash_words(hash_words(HASH_START, text, strlen(text)), numbers, strlen(numbers));
    t->fingerprint = hash_words(t->fingerprint, weights.data, weights.bytes);
    free(text);
    return true;
}

/* ---- a run ---- */

static bool start_run(struct training *t, struct err *err)
{
    const uint32_t unknown_id = bundle_left_out(model_bundle(t->model));
    learner_clear(&t->learner);
    ngram_vocabulary_clear(&t->ngrams);
    if (!order_rows(t, err)) return false;
    if (t->plan.ngrams_max > 0 &&
        !ngram_vocabulary_make(&t->ngrams, t->examples, t->order, t->n_order,
                               model_tokenizer(t->model), &t->plan.learner.ranges,
                               t->plan.ngrams_max, err))
        return false;
    if (t->plan.ngram_vectors_max > 0 &&
        !ngram_vocabulary_give_vectors(&t->ngrams, t->examples, t->order, t->n_order,
                                       model_tokenizer(t->model), &t->plan.learner.ranges,
                                       t->plan.ngram_vectors_max, err))
        return false;
    t->epochs_done = 0;
    t->epochs_end = t->run == 1 ? t->plan.epochs * t->plan.n_stages : t->best.epochs;
    take_held(t);
    return learner_make(&t->learner, &t->plan.learner, &t->from, &t->pool, unknown_id,
                        model_tokenizer(t->model), &t->ngrams, workers_size(t->workers), err);
}

static void tell(const struct training *t, size_t n_done, bool is_epoch_over)
{
    if (!t->watcher || !t->watcher->tell) return;
    const double seconds = seconds_of(t);
    const double epochs =
        (double)t->epochs_done + (is_epoch_over ? 0 : (double)n_done / (double)t->n_order);
    const double done = epochs + (double)(t->run - 1) * t->epochs_end;
    const double all = (double)t->epochs_end * t->n_runs;
    const struct training_progress progress = {
        .run = t->run,
        .n_runs = t->n_runs,
        .epoch = is_epoch_over ? t->epochs_done : t->epochs_done + 1,
        .epochs = t->epochs_end,
        .n_done = n_done,
        .n = t->n_order,
        .loss = t->loss,
        .score = t->score,
        .best = t->best.epochs > 0 ? t->best.score : NAN,
        .seconds = seconds,
        .seconds_left = done > 0 ? seconds * (all - done) / done : NAN,
        .is_epoch_over = is_epoch_over,
    };
    t->watcher->tell(t->watcher->user, &progress);
}

static bool is_stopped(void *user, size_t n_done)
{
    struct training *t = user;
    const double limit = t->options->time_limit;
    const double share = (double)t->run / t->n_runs;
    if (t->watcher && t->watcher->is_interrupted && t->watcher->is_interrupted(t->watcher->user))
        t->stopped = TRAINING_INTERRUPTED;
    else if (limit > 0 && seconds_of(t) >= share * limit)
        t->stopped = TRAINING_TIME_LIMIT;
    tell(t, n_done, false);
    return t->stopped != TRAINING_DONE;
}

/* Rates fall to zero over the epochs of a stage. */
static bool run_epoch(struct training *t, struct err *err)
{
    const uint32_t epochs = t->plan.epochs, number = t->epochs_done, within = number % epochs;
    uint64_t state = random_seed(t->options->seed, (uint64_t)t->run, number);
    const struct learner_epoch epoch = {
        .examples = t->examples,
        .order = t->order,
        .n = t->n_order,
        .number = number,
        .rate_first = 1 - (double)within / epochs,
        .rate_last = 1 - (double)(within + 1) / epochs,
        .stops = is_stopped,
        .user = t,
    };
    if (t->plan.n_stages == 2) {
        t->learner.options.moves_head = number < epochs;
        t->learner.options.moves_table = number >= epochs;
    }
    /* From the same order each time, so that an epoch depends on its number alone. */
    if (!order_rows(t, err)) return false;
    random_shuffle(&state, t->order, t->n_order);
    return learner_run(&t->learner, t->workers, &epoch, &t->loss, err);
}

/* ---- how good it is ---- */

/* Rates fall to zero, so of two epochs the later one is the better unless the difference is more
   than chance (the standard error of the score). */
static bool is_good_enough(struct training *t, const struct measured *measured)
{
    if (t->best.epochs == 0 || measured->score > t->best.highest) t->best.highest = measured->score;
    const double highest = t->best.highest;
    return t->best.epochs == 0 ||
           measured->score >= highest - sqrt(highest * (1 - highest) / (double)measured->n);
}

/* Measures what was learned so far, and keeps it if it is good enough; without rows to measure by
   the last is. */
static bool look(struct training *t, struct err *err)
{
    struct measured measured = {.temperature = 1};
    if (is_measured(t)) {
        if (!training_measure_now(t, &measured, err)) return false;
        t->score = measured.score;
        if (!is_good_enough(t, &measured)) return true;
        if (!training_measure_all(t, &measured, err)) return false;
    }
    learned_clear(&t->best.files);
    t->best.epochs = t->epochs_done > 0 ? t->epochs_done : 1;
    t->best.score = t->score;
    t->best.measured = measured;
    t->n_kept = t->n_trained;
    t->n_ngrams_kept = t->ngrams.n;
    return training_take_files(t, &measured, &t->best.files, err);
}

/* ---- all of it ---- */

static bool save(struct training *t, struct err *err)
{
    const uint64_t now = clock_now_ns();
    if (!t->options->checkpoint || (double)(now - t->saved_ns) / 1e9 < t->options->checkpoint_every)
        return true;
    /* What the folds after the first said is not kept: those runs are short. */
    if (t->split.n_folds > 1 && t->run > 1 && t->run < t->n_runs) return true;
    t->saved_ns = now;
    const bool has_held = t->logits && t->run > 1 && t->run == t->n_runs;
    const struct checkpoint checkpoint = {.fingerprint = t->fingerprint,
                                          .run = (int)t->run,
                                          .epochs = t->epochs_done,
                                          .seconds = seconds_of(t),
                                          .width = t->info.rows,
                                          .held = {t->held, t->logits, has_held ? t->n_held : 0}};
    return checkpoint_save(t->options->checkpoint, &checkpoint, &t->learner, &t->best, err);
}

/* Whether more epochs would not help; the first stage has no say. */
static bool has_had_enough(const struct training *t)
{
    const uint32_t first = t->plan.epochs * (t->plan.n_stages - 1);
    return is_measured(t) && t->plan.patience > 0 && t->best.epochs > first &&
           t->epochs_done >= t->best.epochs + t->plan.patience;
}

static bool is_last_stage(const struct training *t)
{
    return t->epochs_done > t->plan.epochs * (t->plan.n_stages - 1);
}

static bool run_first(struct training *t, struct err *err)
{
    while (t->epochs_done < t->epochs_end && !has_had_enough(t)) {
        if (!run_epoch(t, err)) return false;
        t->epochs_done += t->stopped == TRAINING_DONE;
        const bool is_last = t->epochs_done == t->epochs_end || t->stopped != TRAINING_DONE;
        if ((is_last || (is_measured(t) && is_last_stage(t))) && !look(t, err)) return false;
        tell(t, t->n_order, true);
        if (t->stopped != TRAINING_DONE) break;
        if (!save(t, err)) return false;
    }
    return true;
}

/* A run for as many epochs as the first found best; `is_over` if it was not stopped. */
static bool run_again(struct training *t, bool *is_over, struct err *err)
{
    *is_over = false;
    while (t->epochs_done < t->epochs_end) {
        if (!run_epoch(t, err)) return false;
        if (t->stopped != TRAINING_DONE) return true;
        t->epochs_done++;
        tell(t, t->n_order, true);
        if (!save(t, err)) return false;
    }
    *is_over = true;
    return true;
}

/* The other folds. A time limit may leave some of them out. */
static bool run_folds(struct training *t, struct err *err)
{
    struct measured measured, all = t->best.measured;
    bool is_over = true;
    while (t->stopped == TRAINING_DONE && t->run + 1 < t->n_runs) {
        t->n_before = t->n_held;
        t->run++;
        if (!start_run(t, err) || !run_again(t, &is_over, err)) return false;
        if (!is_over) t->n_held = t->n_before;
        if (is_over &&
            (!training_measure_now(t, &measured, err) || !training_measure_all(t, &all, err)))
            return false;
    }
    /* What is kept of an interruption is the head of the first. */
    if (t->stopped != TRAINING_INTERRUPTED) t->best.measured = all;
    return true;
}

static bool run_last(struct training *t, struct err *err)
{
    const enum training_stop before = t->stopped;
    bool is_over;
    t->stopped = TRAINING_DONE;
    if (!run_again(t, &is_over, err) || !is_over) return is_over || t->stopped != TRAINING_DONE;
    struct learned_files files;
    if (!training_take_files(t, &t->best.measured, &files, err)) return false;
    learned_clear(&t->best.files);
    t->best.files = files;
    t->n_kept = t->n_trained;
    t->n_ngrams_kept = t->ngrams.n;
    t->stopped = before; /* its length came of that */
    return true;
}

/* A checkpoint has the files that were best, but not what they said of the rows held out. */
static bool measure_kept(struct training *t, struct err *err)
{
    struct measured measured;
    return training_measure_files(t, &t->best.files, &measured, err) &&
           training_measure_all(t, &measured, err);
}

/* What is known of the rows held out by now: all of it in the last run. */
static bool resume_held(struct training *t, size_t n, struct err *err)
{
    size_t largest;
    const struct held_out held = {t->held, t->logits, n};
    if (!t->logits || !t->best.files.head) return true;
    if (t->run == 1) return !is_measured(t) || measure_kept(t, err);
    if (n == 0 || n > count_held(t, &largest)) return true;
    t->n_held = t->n_before = n;
    return checkpoint_load_held(t->options->checkpoint, &held, t->info.rows, t->n_rows, err);
}

/* Starts the first run, or goes on where a checkpoint says. */
static bool start(struct training *t, struct err *err)
{
    struct checkpoint checkpoint;
    int found = t->options->checkpoint
                    ? checkpoint_peek(t->options->checkpoint, t->fingerprint, &checkpoint, err)
                    : 0;
    if (found < 0) return false;
    t->run = found ? (uint32_t)checkpoint.run : 1;
    if (!found) return start_run(t, err);
    t->best.epochs = 1; /* until it is loaded: a second run's length hangs on it */
    if (!start_run(t, err) || !checkpoint_load(t->options->checkpoint, &t->learner, &t->best, err))
        return false;
    t->epochs_done = checkpoint.epochs;
    if (t->run > 1) t->epochs_end = t->best.epochs;
    if (!resume_held(t, checkpoint.held.n, err)) return false;
    t->seconds_before = checkpoint.seconds;
    t->score = t->best.score;
    if (t->watcher && t->watcher->resumes)
        t->watcher->resumes(t->watcher->user, (int)t->run, t->epochs_done);
    return true;
}

static bool train(struct training *t, struct err *err)
{
    if (!plan_make(&t->plan, t->model, t->examples, t->options, err) || !append_names(t, err) ||
        !take_rows(t, err) || !take_table(t, err) || !take_fingerprint(t, err) || !start(t, err))
        return false;
    if (t->run == 1) {
        if (!run_first(t, err) || !run_folds(t, err)) return false;
        if (t->n_runs == 1 || t->stopped == TRAINING_INTERRUPTED) return true;
        t->n_before = t->n_held;
        t->run = t->n_runs;
        if (!start_run(t, err)) return false;
    }
    return run_last(t, err);
}

static void fill_result(struct training *t, struct training_result *result)
{
    const struct measured *measured = &t->best.measured;
    *result = (struct training_result){
        .files = t->best.files,
        .kind = t->plan.learner.kind,
        .stopped = t->stopped,
        .is_few = t->plan.is_few,
        .has_names = t->has_names,
        .epochs = t->best.epochs,
        .n_rows = t->n_kept,
        .n_folds = t->split.n_folds,
        .n_ngrams = t->n_ngrams_kept,
        .measured = *measured,
        .seconds = seconds_of(t),
    };
    if (measured->n == 0) result->measured.score = NAN;
    t->best.files = (struct learned_files){0};
    if (!t->logits) return;
    result->held = (struct held_out){t->held, t->logits, t->n_held};
    t->held = NULL;
    t->logits = NULL;
}

void training_result_clear(struct training_result *result)
{
    learned_clear(&result->files);
    free(result->held.rows);
    free(result->held.logits);
    *result = (struct training_result){0};
}

bool training_run(const struct model *model, struct examples *examples,
                  const struct examples *validation, const struct training_options *options,
                  const struct training_watcher *watcher, struct training_result *result,
                  struct err *err)
{
    struct training t = {.model = model,
                         .examples = examples,
                         .validation = validation,
                         .options = options,
                         .watcher = watcher,
                         .n_rows = examples->n,
                         .score = NAN,
                         .loss = NAN,
                         .start_ns = clock_now_ns()};
    *result = (struct training_result){0};
    t.saved_ns = t.start_ns;
    t.workers = workers_new(options->threads, err);
    bool ok = t.workers && train(&t, err);
    if (ok) fill_result(&t, result);
    learned_clear(&t.best.files);
    learner_clear(&t.learner);
    ngram_vocabulary_clear(&t.ngrams);
    split_clear(&t.split);
    repeats_clear(&t.repeats);
    free(t.latest);
    free(t.logits);
    plan_clear(&t.plan);
    workers_free(t.workers);
    free(t.names_of);
    free(t.held);
    free(t.order);
    free(t.from_memory);
    return ok;
}
