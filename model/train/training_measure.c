/* SPDX-License-Identifier: Apache-2.0 */
/* How good a training is by now, asked of the files that would be served. */
#include "model/encoder/table/table_encoder.h"
#include "model/train/training_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More would make a long list of what nobody reads. */
#define COUNTED_LABELS_MAX 1000

static json_t *counts_as_json(const struct training *t)
{
    const uint32_t n = examples_n_names(t->examples);
    size_t *counts = calloc(n, sizeof *counts);
    json_t *list = json_array();
    for (size_t i = 0; counts && i < t->n_rows; i++)
        for (uint32_t k = 0; k < t->examples->items[i].n_labels; k++)
            counts[t->examples->labels[t->examples->items[i].labels_at + k]]++;
    for (uint32_t k = 0; counts && k < n; k++)
        json_array_append_new(list, json_integer((json_int_t)counts[k]));
    free(counts);
    return list;
}

static json_t *scores_as_json(const struct training *t, const struct measured *measured)
{
    json_t *scores = json_object();
    const struct {
        const char *name;
        double value;
    } figures[] = {{t->examples->is_multi ? "micro_f1" : "accuracy", measured->score},
                   {"macro_f1", measured->macro_f1},
                   {"log_loss", measured->log_loss},
                   {"calibration_error", measured->calibration_error},
                   {"brier", measured->brier}};
    json_object_set_new(scores, "held_out_rows", json_integer((json_int_t)measured->n));
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (!isnan(figures[i].value))
            json_object_set_new(scores, figures[i].name, json_real(figures[i].value));
    if (!isnan(measured->score_low))
        json_object_set_new(scores, "accuracy_interval",
                            json_pack("[f, f]", measured->score_low, measured->score_high));
    return scores;
}

bool training_take_files(const struct training *t, const struct measured *measured,
                         struct learned_files *files, struct err *err)
{
    json_t *training = plan_as_json(&t->plan, t->model, t->options), *scores = NULL;
    json_object_set_new(training, "epochs", json_integer(t->epochs_done));
    json_object_set_new(training, "rows", json_integer((json_int_t)t->n_trained));
    json_object_set_new(training, "data", json_sprintf("%016llx", (unsigned long long)t->data));
    if (t->info.n_labels <= COUNTED_LABELS_MAX)
        json_object_set_new(training, "label_rows", counts_as_json(t));
    if (measured && measured->n > 0) scores = scores_as_json(t, measured);
    const struct learned_about about = {.labels = examples_names(t->examples),
                                        .temperature = measured ? measured->temperature : 1,
                                        .margins = measured ? measured->margins : NULL,
                                        .n_margins = measured ? measured->n_margins : 0,
                                        .is_repetitive = t->is_repetitive,
                                        .training = training,
                                        .scores = scores};
    bool ok = learned_take(files, &t->learner, &t->from, &about, err);
    json_decref(training);
    json_decref(scores);
    return ok;
}

/* The score alone; the logits in t->latest, if there is room. */
static bool measure_head(struct training *t, const struct head *head, struct measured *measured,
                         struct err *err)
{
    const struct measuring measuring = {
        .info = &t->info,
        .examples = t->validation ? t->validation : t->examples,
        .rows = t->held + t->n_before,
        .n = t->n_held - t->n_before,
    };
    struct evaluation *evaluation = measure(head, &measuring, t->workers, t->latest, err);
    if (evaluation) {
        const struct evaluation_result *result = evaluation_finish(evaluation);
        *measured = (struct measured){
            .n = measuring.n,
            .score = t->examples->is_multi ? result->micro.f1 : result->accuracy,
            .score_low = NAN,
            .macro_f1 = result->macro.f1,
            .log_loss = result->log_loss,
            .calibration_error = NAN,
            .brier = NAN,
            .temperature = 1,
        };
    }
    evaluation_free(evaluation);
    return evaluation != NULL;
}

bool training_measure_files(struct training *t, const struct learned_files *files,
                            struct measured *measured, struct err *err)
{
    struct table table = t->from;
    struct head *head;
    if (files->table &&
        !table_open_safetensors(&table, (struct span){files->table, files->table_bytes},
                                "the trained table", err))
        return false;
    struct table_encoder encoder;
    table_encoder_init(&encoder, &table, model_info(t->model)->unknown_id);
    const struct head_input input = {.dim = t->pool.dims,
                                     .tokenizer = model_tokenizer(t->model),
                                     .encoder = &encoder.encoder,
                                     .pool = t->pool};
    bool ok = head_open(&head, (struct span){files->head, files->head_bytes}, "trained",
                        "the trained head", &input, err) &&
              measure_head(t, head, measured, err);
    head_close(head);
    if (files->table) table_close(&table);
    return ok;
}

bool training_measure_now(struct training *t, struct measured *measured, struct err *err)
{
    struct learned_files files;
    bool ok = training_take_files(t, NULL, &files, err) &&
              training_measure_files(t, &files, measured, err);
    learned_clear(&files);
    return ok;
}

/* Groups are held out whole, so each has its first row among them. */
static size_t count_apart(const struct training *t)
{
    size_t n = 0;
    for (size_t i = 0; t->repeats.group && i < t->n_held; i++)
        n += t->repeats.group[t->held[i]] == t->held[i];
    return n;
}

bool training_measure_all(struct training *t, struct measured *measured, struct err *err)
{
    const size_t rows = t->info.rows;
    const struct measuring measuring = {
        .info = &t->info,
        .examples = t->validation ? t->validation : t->examples,
        .rows = t->held,
        .n = t->n_held,
        .n_apart = count_apart(t),
    };
    if (!t->logits) return true;
    memcpy(t->logits + t->n_before * rows, t->latest,
           (t->n_held - t->n_before) * rows * sizeof *t->logits);
    return measure_logits(&measuring, t->logits, measured, err);
}
