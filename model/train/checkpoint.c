/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/checkpoint.h"

#include "base/file.h"
#include "model/files/tensors.h"
#include "model/files/tensors_pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Tensor "numbers". */
enum {
    NUMBER_RUN,
    NUMBER_EPOCHS,
    NUMBER_SECONDS,
    NUMBER_BEST_EPOCHS,
    NUMBER_SCORE,
    NUMBER_HIGHEST,
    NUMBER_MEASURED,
    NUMBER_MEASURED_SCORE,
    NUMBER_SCORE_LOW,
    NUMBER_SCORE_HIGH,
    NUMBER_MACRO_F1,
    NUMBER_LOG_LOSS,
    NUMBER_CALIBRATION_ERROR,
    NUMBER_BRIER,
    NUMBER_TEMPERATURE,
    NUMBER_MARGINS,
    NUMBERS
};

static const char *const value_names[LEARNED_PARTS] = {"weight", "bias", "ngrams", "ngrams.vectors",
                                                       "table"};
static const char *const square_names[LEARNED_PARTS] = {
    "weight.squares", "bias.squares", "ngrams.squares", "ngrams.vectors.squares", "table.squares"};

static struct tensor_given list_of(const char *name, const char *dtype, const void *data, size_t n,
                                   size_t item_bytes)
{
    return (struct tensor_given){name, dtype, 1, {n, 0}, data, n * item_bytes};
}

bool checkpoint_save(const char *path, const struct checkpoint *checkpoint,
                     const struct learner *learner, const struct training_best *best,
                     struct err *err)
{
    const struct measured *measured = &best->measured;
    const double numbers[NUMBERS] = {
        checkpoint->run,
        checkpoint->epochs,
        checkpoint->seconds,
        best->epochs,
        best->score,
        best->highest,
        (double)measured->n,
        measured->score,
        measured->score_low,
        measured->score_high,
        measured->macro_f1,
        measured->log_loss,
        measured->calibration_error,
        measured->brier,
        measured->temperature,
        measured->n_margins,
    };
    struct tensor_given tensors[2 * LEARNED_PARTS + 6];
    size_t n = 0;
    char fingerprint[17];
    tensors[n++] = list_of("numbers", "F64", numbers, NUMBERS, sizeof *numbers);
    tensors[n++] =
        list_of("margins", "F32", measured->margins, UNSURE_QUANTILES, sizeof *measured->margins);
    for (int part = 0; part < LEARNED_PARTS; part++) {
        const struct learned *learned = &learner->learned[part];
        tensors[n++] =
            list_of(value_names[part], "F32", learned->values, learned->n, sizeof(float));
        tensors[n++] =
            list_of(square_names[part], "F32", learned->squares, learned->n_squares, sizeof(float));
    }
    const struct held_out *held = &checkpoint->held;
    tensors[n++] =
        list_of("held.logits", "F32", held->logits, held->n * checkpoint->width, sizeof(float));
    tensors[n++] = list_of("held.rows", "U32", held->rows, held->n, sizeof *held->rows);
    tensors[n++] = list_of("best.head", "U8", best->files.head, best->files.head_bytes, 1);
    tensors[n++] = list_of("best.table", "U8", best->files.table, best->files.table_bytes, 1);
    snprintf(fingerprint, sizeof fingerprint, "%016llx",
             (unsigned long long)checkpoint->fingerprint);
    json_t *metadata = json_pack("{s:s}", "fingerprint", fingerprint);
    bool ok = tensors_save(path, tensors, n, metadata, err);
    json_decref(metadata);
    return ok;
}

/* ---- reading ---- */

struct reading {
    struct span bytes;
    struct tensors file;
};

static bool reading_open(struct reading *reading, const char *path, struct err *err)
{
    if (!file_map(path, &reading->bytes.data, &reading->bytes.bytes, NULL, err)) return false;
    if (tensors_open(&reading->file, reading->bytes, path, err)) return true;
    file_unmap(reading->bytes.data, reading->bytes.bytes);
    return false;
}

static void reading_close(struct reading *reading)
{
    tensors_close(&reading->file);
    file_unmap(reading->bytes.data, reading->bytes.bytes);
}

static const struct tensor *find(const struct reading *reading, const char *name, size_t bytes)
{
    const struct tensor *tensor = tensors_find(&reading->file, name);
    if (tensor && tensor->end - tensor->begin == bytes) return tensor;
    tensors_fail(&reading->file, "'%s' must have %zu bytes; remove the file to start again", name,
                 bytes);
    return NULL;
}

static bool read_into(const struct reading *reading, const char *name, void *out, size_t bytes)
{
    const struct tensor *tensor = find(reading, name, bytes);
    if (tensor && bytes > 0) memcpy(out, tensor->data, bytes);
    return tensor != NULL;
}

int checkpoint_peek(const char *path, uint64_t fingerprint, struct checkpoint *checkpoint,
                    struct err *err)
{
    struct reading reading;
    char wanted[17];
    double numbers[NUMBERS];
    if (!reading_open(&reading, path, err)) return err->code == ERR_IO && errno == ENOENT ? 0 : -1;
    const char *found = tensors_metadata(&reading.file, "fingerprint");
    snprintf(wanted, sizeof wanted, "%016llx", (unsigned long long)fingerprint);
    bool ok = found && strcmp(found, wanted) == 0;
    if (!ok) {
        err_set(err, ERR_USAGE, NULL,
                "%.300s belongs to a training with other data, model or settings; use those again "
                "to continue it, or train with `no-resume` to start again",
                path);
    } else {
        ok = read_into(&reading, "numbers", numbers, sizeof numbers);
    }
    const struct tensor *held = tensors_find(&reading.file, "held.rows");
    const size_t n_held = held ? (size_t)(held->end - held->begin) / sizeof(uint32_t) : 0;
    reading_close(&reading);
    if (!ok) return -1;
    *checkpoint = (struct checkpoint){.fingerprint = fingerprint,
                                      .run = (int)numbers[NUMBER_RUN],
                                      .epochs = (uint32_t)numbers[NUMBER_EPOCHS],
                                      .seconds = numbers[NUMBER_SECONDS],
                                      .held.n = n_held};
    return 1;
}

bool checkpoint_load_held(const char *path, const struct held_out *held, size_t width,
                          size_t n_rows, struct err *err)
{
    struct reading reading;
    if (!reading_open(&reading, path, err)) return false;
    bool ok =
        read_into(&reading, "held.rows", held->rows, held->n * sizeof *held->rows) &&
        read_into(&reading, "held.logits", held->logits, held->n * width * sizeof *held->logits);
    for (size_t i = 0; ok && i < held->n; i++)
        ok = held->rows[i] < n_rows ||
             tensors_fail(&reading.file,
                          "'held.rows' has row %u of %zu; remove the file to start "
                          "again",
                          held->rows[i], n_rows);
    reading_close(&reading);
    return ok;
}

static bool read_bytes(const struct reading *reading, const char *name, char **out, size_t *bytes)
{
    const struct tensor *tensor = tensors_find(&reading->file, name);
    *bytes = tensor ? (size_t)(tensor->end - tensor->begin) : 0;
    *out = NULL;
    if (*bytes == 0) return true;
    *out = malloc(*bytes);
    if (!*out)
        return err_set(reading->file.err, ERR_MEMORY, NULL, "no memory for %zu bytes", *bytes);
    memcpy(*out, tensor->data, *bytes);
    return true;
}

bool checkpoint_load(const char *path, struct learner *learner, struct training_best *best,
                     struct err *err)
{
    struct reading reading;
    double numbers[NUMBERS];
    if (!reading_open(&reading, path, err)) return false;
    struct measured *measured = &best->measured;
    bool ok = read_into(&reading, "numbers", numbers, sizeof numbers) &&
              read_into(&reading, "margins", measured->margins, sizeof measured->margins);
    for (int part = 0; ok && part < LEARNED_PARTS; part++) {
        const struct learned *learned = &learner->learned[part];
        ok = read_into(&reading, value_names[part], learned->values,
                       learned->n * sizeof *learned->values) &&
             read_into(&reading, square_names[part], learned->squares,
                       learned->n_squares * sizeof *learned->squares);
    }
    ok = ok && read_bytes(&reading, "best.head", &best->files.head, &best->files.head_bytes) &&
         read_bytes(&reading, "best.table", &best->files.table, &best->files.table_bytes);
    reading_close(&reading);
    if (!ok) return false;
    best->epochs = (uint32_t)numbers[NUMBER_BEST_EPOCHS];
    best->score = numbers[NUMBER_SCORE];
    best->highest = numbers[NUMBER_HIGHEST];
    measured->n = (size_t)numbers[NUMBER_MEASURED];
    measured->score = numbers[NUMBER_MEASURED_SCORE];
    measured->score_low = numbers[NUMBER_SCORE_LOW];
    measured->score_high = numbers[NUMBER_SCORE_HIGH];
    measured->macro_f1 = numbers[NUMBER_MACRO_F1];
    measured->log_loss = numbers[NUMBER_LOG_LOSS];
    measured->calibration_error = numbers[NUMBER_CALIBRATION_ERROR];
    measured->brier = numbers[NUMBER_BRIER];
    measured->temperature = numbers[NUMBER_TEMPERATURE];
    measured->n_margins = (uint32_t)numbers[NUMBER_MARGINS];
    return true;
}
