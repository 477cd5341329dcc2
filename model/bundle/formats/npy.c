/* SPDX-License-Identifier: Apache-2.0 */
/* A table as NumPy saves an array, its tokenizer beside it. */
#include "model/bundle/formats.h"
#include "model/bundle/opening.h"

static bool open(struct bundle *bundle, const struct model_options *options, struct err *err)
{
    struct table table;
    return source_read_beside(&bundle->source, err) && opening_config(bundle, options, err) &&
           table_open_npy(&table, bundle->source.weights, bundle->where, err) &&
           opening_take_table(bundle, &table, err) && opening_check_unserved(bundle, err) &&
           opening_tokenizer(bundle, err);
}

static enum recognized recognize(struct span file, const char *name, char *advice)
{
    (void)name;
    (void)advice;
    return table_is_npy(file) ? RECOGNIZED_YES : RECOGNIZED_NO;
}

const struct format format_npy = {
    .name = "npy", .is_read_whole = true, .recognize = recognize, .open = open};
