/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bundle/formats.h"
#include "model/bundle/opening.h"

#include <stdio.h>
#include <string.h>

/* A table with more rows than tokens is either padded, and then the checkpoint's config.json says
   how many rows there are, or belongs to another vocabulary. Tokens without a row, mostly added
   ones, cost only the texts that hold them. */
static bool check_sizes(const struct bundle *bundle, struct err *err)
{
    uint32_t tokens = tokenizer_vocab_size(bundle->tokenizer), rows = bundle->encoder->info.n_rows;
    if (tokens >= rows || bundle->settings.vocab_size == rows) return true;
    return err_set(err, ERR_FORMAT, NULL,
                   "%.300s: the vocabulary has %u tokens but the table %u rows; take the two "
                   "from the same model, or if the last rows are padding, put \"vocab_size\": "
                   "%u into config.json",
                   bundle->source.path, tokens, rows, rows);
}

static bool check_pooling(const struct bundle *bundle, struct err *err)
{
    if (bundle->settings.pooling != POOLING_WEIGHTED || bundle->encoder->info.has_weights)
        return true;
    return err_set(err, ERR_FORMAT, NULL,
                   "%.300s: config.json says pooling \"weighted\", but there is no tensor "
                   "'weights' (one weight a row) in %s",
                   bundle->source.path, bundle->source.weights_name);
}

/* A vocabulary whose own tokens cannot be found in a text is of another form than it looks. */
static bool check_vocabulary(const struct bundle *bundle, const struct model_options *options,
                             struct err *err)
{
    uint32_t n_tried, n_found;
    char sentence[500];
    tokenizer_try_tokens(bundle->tokenizer, &n_tried, &n_found);
    if (n_tried == 0 || n_found > n_tried / 50) return true;
    snprintf(
        sentence, sizeof sentence,
        "%.300s: nearly every word will be unknown: of %u tokens of its vocabulary only %u are "
        "found in a text made of them; a line may hold more than one token, or marks around it",
        bundle->source.is_folder ? bundle->source.path : bundle->where, n_tried, n_found);
    return opening_warn(options, err, sentence);
}

static bool check_rows(const struct bundle *bundle, const struct model_options *options,
                       struct err *err)
{
    char sentence[500];
    const uint32_t n = bundle_without_row(bundle), n_rows = bundle->encoder->info.n_rows;
    if (n == 0) return true;
    snprintf(sentence, sizeof sentence,
             "%.200s: %u of the %u tokens %s no row in the table (%u rows) and %s as unknown in "
             "texts; unless %s, take tokenizer and table from the same model",
             bundle->where, n, n + n_rows, n == 1 ? "has" : "have", n_rows,
             n == 1 ? "counts" : "count",
             n == 1 ? "it is an added token" : "they are added tokens");
    return opening_warn(options, err, sentence);
}

/* Told by how the file begins. */
static bool open_weights(struct bundle *bundle, const struct model_options *options,
                         struct err *err)
{
    const struct source *source = &bundle->source;
    /* Opening a packed file takes a few pages that lie far apart, and nothing around them. */
    opening_read_ahead(bundle, false);
    const struct format *format =
        format_find(source->weights, source->weights_name, bundle->where, err);
    if (options->limit > 0 && !(format && format->is_words))
        return err_set(err, ERR_USAGE, NULL,
                       "limit works only with a file of word vectors, and %.300s is not one; "
                       "convert it with keep-top to make it smaller",
                       bundle->where);
    if (!format) return false;
    bundle->format = format->name;
    bundle->is_alone = format->is_alone;
    if (format->is_read_whole) opening_read_ahead(bundle, true);
    return format->open(bundle, options, err);
}

bool bundle_open(struct bundle *bundle, const char *path, const struct model_options *options,
                 struct err *err)
{
    *bundle = (struct bundle){0};
    if (!source_open(&bundle->source, path, options->tensor, err)) return false;
    snprintf(bundle->where, sizeof bundle->where, "%s/%s", bundle->source.path,
             bundle->source.weights_name);
    if (open_weights(bundle, options, err)) {
        opening_read_ahead(bundle, true);
        /* Empty lines at the end of a vocab.txt are tokens where the table has rows for them. */
        if (!bundle->is_packed)
            tokenizer_drop_blank_end(bundle->tokenizer, bundle->encoder->info.n_rows);
        settings_complete(&bundle->settings, bundle->tokenizer, &bundle->source.layout);
        bundle->encoder->left_out = bundle_left_out(bundle);
        if (check_sizes(bundle, err) && check_pooling(bundle, err) &&
            check_rows(bundle, options, err) &&
            (bundle->is_packed || check_vocabulary(bundle, options, err)))
            return true;
    }
    bundle_close(bundle);
    return false;
}
