/* SPDX-License-Identifier: Apache-2.0 */
#include "model/convert/convert.h"

#include "model/bundle/bundle.h"
#include "model/convert/keep.h"
#include "model/convert/write.h"
#include "model/convert/written_rows.h"
#include "model/model.h"
#include "model/text/json/json_writer.h"

#include <string.h>
#include <sys/stat.h>

/* Others read no scales, and model2vec no bfloat16. */
static bool is_for_us_alone(enum dtype dtype)
{
    return dtype == DTYPE_I8 || dtype == DTYPE_I4 || dtype == DTYPE_BF16;
}

static bool check_options(const struct bundle *bundle, const struct convert_options *options,
                          struct err *err)
{
    const uint32_t dim = bundle->encoder->table->dim;
    if (options->dim > dim)
        return err_set(err, ERR_USAGE, "dim",
                       "`dim` must be from 1 to %u, the table's columns, not %u", dim,
                       options->dim);
    if (options->form == CONVERT_FOLDER && options->dtype >= 0 &&
        is_for_us_alone((enum dtype)options->dtype))
        return err_set(err, ERR_USAGE, "dtype",
                       "`dtype` %s is only for the packed form, since %s; use f16",
                       options->dtype == DTYPE_I8   ? "i8"
                       : options->dtype == DTYPE_I4 ? "i4"
                                                    : "bf16",
                       options->dtype == DTYPE_BF16 ? "model2vec reads no bfloat16"
                                                    : "other programs read no scales");
    if (bundle_without_row(bundle) == 0 ||
        (options->form == CONVERT_PACKED && options->keep_top == 0))
        return true;
    return err_set(err, ERR_USAGE, NULL,
                   "%u tokens have no row in the table; such a model can only be converted to the "
                   "packed form, without `keep-top`",
                   bundle_without_row(bundle));
}

/* Only what is a file, or a folder of a model, is ever replaced. */
static bool check_output(const char *output, const struct convert_options *options, struct err *err)
{
    struct stat info;
    if (!output[0] || strcmp(output, "-") == 0)
        return err_set(err, ERR_USAGE, "output", "`output` must name the file or folder to write");
    if (options->form == CONVERT_FOLDER) return new_folder_check(output, options->replaces, err);
    if (lstat(output, &info) != 0) return true;
    if (S_ISDIR(info.st_mode))
        return err_set(err, ERR_USAGE, "output",
                       "`output`: %.400s is a folder, and the packed form is one file; name a file "
                       "in it",
                       output);
    if (!S_ISREG(info.st_mode))
        return err_set(err, ERR_USAGE, "output",
                       "`output`: %.400s exists and is not a regular file (a link, a pipe or a "
                       "device), so it is not replaced; give another one",
                       output);
    return options->replaces ||
           err_set(err, ERR_USAGE, "output",
                   "`output`: %.400s exists; give another file, or `force` to replace it", output);
}

static bool make_pca(const struct convert_options *options, struct writing *w, struct pca *pca,
                     struct err *err)
{
    struct pca_sums sums;
    bool done = pca_start(&sums, w->rows.table->dim, err);
    for (uint32_t i = 0; done && i < w->rows.n; i++) {
        written_rows_floats(&w->rows, i, w->rows.values);
        pca_add(&sums, w->rows.values);
        done = i % 1024 != 0 ||
               convert_goes_on(options, i, w->rows.n, "rows read for principal components", err);
    }
    done = done && convert_goes_on(options, w->rows.n, w->rows.n, "working out components", err) &&
           pca_finish(&sums, w->rows.dim, pca, err);
    pca_sums_clear(&sums);
    return done;
}

static bool write_rows(const char *output, const struct convert_options *options, struct writing *w,
                       struct err *err)
{
    struct pca pca = {0};
    if (!written_rows_open(&w->rows, err)) return false;
    bool done = !options->is_pca || make_pca(options, w, &pca, err);
    if (options->is_pca) w->rows.pca = &pca;
    if (done)
        done = options->form == CONVERT_FOLDER ? write_folder(w, output, err)
                                               : write_packed(w, output, err);
    pca_clear(&pca);
    return done;
}

static enum dtype dtype_of(const struct table *table, const struct convert_options *options)
{
    if (options->dtype >= 0) return (enum dtype)options->dtype;
    /* Nobody needs 64 bits, and fastText's codes are its own. */
    const bool is_kept = table->rows.dtype != DTYPE_F64 && table->rows.dtype != DTYPE_PQ &&
                         (options->form == CONVERT_PACKED || !is_for_us_alone(table->rows.dtype));
    return is_kept ? table->rows.dtype : DTYPE_F32;
}

/* Rows are multiplied when they are read. */
static void choose_rows(struct writing *w, const struct keep *keep)
{
    const struct table *table = w->bundle->encoder->table;
    w->stored = *table;
    w->kept = keep->rows;
    w->n_tokens = keep->rows ? keep->n : table->n_rows;
    w->rows.kept = keep->rows;
    w->rows.n = w->n_tokens;
    w->rows.table = &w->stored;
    w->has_factors = table->factors;
    w->has_mapping = table->mapping;
    if (w->has_factors) w->stored.factors = NULL;
}

/* In a folder for others. They take a table with a row for each token, and no more; they know no
   dictionary, and cannot do without an unknown token, whose row comes last. */
static void choose_for_others(struct writing *w)
{
    if (w->options->form != CONVERT_FOLDER) return;
    w->n_tokens = tokenizer_vocab_size(w->tokenizer);
    w->rows.n = w->n_tokens;
    w->is_word_level = tokenizer_fits_vocab(w->tokenizer);
    w->n_zero_rows = w->is_word_level && tokenizer_unknown_id(w->tokenizer) == TOKEN_ID_NONE;
}

/* Rows that tokens share stay shared. */
static bool share_rows(struct writing *w, struct err *err)
{
    if (!w->has_mapping) return true;
    if (!sharing_make(&w->sharing, w->bundle->encoder->table, w->kept, w->n_tokens, err))
        return false;
    w->stored.mapping = NULL;
    w->stored.n_rows = w->stored.rows.n;
    w->rows.kept = w->sharing.rows;
    w->rows.n = w->sharing.n_rows;
    return true;
}

/* For unit pooling: beside the rows of a packed file for us, as what rows are multiplied by in a
   folder for others. */
static bool has_norms(const struct writing *w)
{
    return w->bundle->settings.pooling == POOLING_UNIT && !w->has_factors && !w->has_mapping &&
           (w->options->form == CONVERT_PACKED || w->bundle->settings.compat == COMPAT_OWN);
}

/* The tokens that are written: the model's own, those of them that are kept, or a copy of the words
   that its tokenizer borrows. */
struct vocabulary {
    struct keep keep;
    struct tokenizer *words;           /* NULL: of another model */
    const struct tokenizer *tokenizer; /* one of these, or the model's */
};

static void vocabulary_close(struct vocabulary *vocabulary)
{
    keep_close(&vocabulary->keep);
    tokenizer_close(vocabulary->words);
}

static bool vocabulary_open(struct vocabulary *vocabulary, const struct bundle *bundle,
                            uint32_t keep_top, struct err *err)
{
    *vocabulary = (struct vocabulary){.tokenizer = bundle->tokenizer};
    if (tokenizer_borrows_words(bundle->tokenizer) &&
        !tokenizer_copy_words(&vocabulary->words, bundle->tokenizer, bundle->where, err))
        return false;
    if (vocabulary->words) vocabulary->tokenizer = vocabulary->words;
    if (keep_top == 0 || keep_top >= tokenizer_vocab_size(vocabulary->tokenizer)) return true;
    if (!keep_open(&vocabulary->keep, vocabulary->tokenizer, keep_top, err)) {
        vocabulary_close(vocabulary);
        return false;
    }
    vocabulary->tokenizer = vocabulary->keep.tokenizer;
    return true;
}

static bool convert(const struct model *model, const char *output,
                    const struct convert_options *options, struct convert_result *result,
                    struct err *err)
{
    const struct bundle *bundle = model_bundle(model);
    const struct table *table = bundle->encoder->table;
    struct vocabulary vocabulary;
    if (!check_options(bundle, options, err) ||
        !vocabulary_open(&vocabulary, bundle, options->keep_top, err))
        return false;
    const struct keep *keep = &vocabulary.keep;
    const uint32_t dim = options->dim > 0 ? options->dim : table->dim;
    struct writing w = {
        .bundle = bundle,
        /* Their vectors and ids would be others. */
        .heads = keep->tokenizer || vocabulary.words || dim != table->dim || options->is_pca
                     ? NULL
                     : model_heads(model),
        .tokenizer = vocabulary.tokenizer,
        .options = options,
        .rows = {.dim = dim, .dtype = dtype_of(table, options), .where = bundle->where},
    };
    choose_rows(&w, keep);
    choose_for_others(&w);
    w.rows.has_norms = has_norms(&w);
    bool done = share_rows(&w, err) && write_rows(output, options, &w, err);
    *result = (struct convert_result){
        .vocab_size = tokenizer_vocab_size(w.tokenizer) - bundle_without_row(bundle),
        .dim = dim,
        .dtype = w.rows.dtype,
        .bytes = w.bytes,
        .is_of_words = vocabulary.words,
        .has_left_unserved = model_heads(model)->refused.code != ERR_NONE,
        .heads_left = model_heads(model)->n - w.heads_written};
    written_rows_close(&w.rows);
    sharing_clear(&w.sharing);
    vocabulary_close(&vocabulary);
    return done;
}

bool convert_run(const char *input, const char *output, const struct convert_options *options,
                 struct convert_result *result, struct err *err)
{
    struct model *model;
    if (!check_output(output, options, err) || !model_open_as(&model, input, &options->model, err))
        return false;
    bool done = convert(model, output, options, result, err);
    model_close(model);
    return done;
}
