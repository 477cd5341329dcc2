/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bundle/opening.h"

#include "base/file.h"
#include "model/encoder/table/table_encoder.h"

#include <stdio.h>

bool opening_warn(const struct model_options *options, struct err *err, const char *sentence)
{
    if (options->is_strict)
        return err_set(err, ERR_FORMAT, NULL, "%.440s; fix the file, or open it without strict",
                       sentence);
    if (options->warn) options->warn(options->user, sentence);
    return true;
}

void opening_read_ahead(const struct bundle *bundle, bool is_on)
{
    const struct source *source = &bundle->source;
    if (source->is_mapped) file_read_ahead(source->weights.data, source->weights.bytes, is_on);
}

/* What messages call the config.json beside the weights. */
struct config_name {
    char text[1300];
};

static struct config_name config_name(const struct bundle *bundle)
{
    struct config_name name;
    snprintf(name.text, sizeof name.text, "%.1000s/config.json", bundle->source.path);
    return name;
}

bool opening_config(struct bundle *bundle, const struct model_options *options, struct err *err)
{
    if (!settings_open(&bundle->settings, bundle->source.config, config_name(bundle).text, err))
        return false;
    settings_decide(&bundle->settings, &bundle->source.layout, options);
    return true;
}

bool opening_rename(struct bundle *bundle, struct err *err)
{
    return !bundle->source.is_folder || (source_read_config(&bundle->source, err) &&
                                         settings_rename(&bundle->settings, bundle->source.config,
                                                         config_name(bundle).text, err));
}

bool opening_own_config(struct bundle *bundle, const struct model_options *options, struct err *err)
{
    return (!bundle->source.is_folder || source_read_config(&bundle->source, err)) &&
           opening_config(bundle, options, err);
}

bool opening_take_table(struct bundle *bundle, struct table *table, struct err *err)
{
    bundle->encoder = table_encoder_new(table, err);
    if (!bundle->encoder) table_close(table);
    return bundle->encoder;
}

bool opening_tokenizer(struct bundle *bundle, struct err *err)
{
    const struct settings *settings = &bundle->settings;
    const struct layout *layout = &bundle->source.layout;
    const struct tokenizer_options options = {
        .kind = settings->tokenizer,
        .lowercase = settings->is_lowercase_said                       ? settings->lowercase
                     : layout->is_lowercase_said && !layout->lowercase ? 0
                                                                       : -1};
    const struct source *source = &bundle->source;
    const struct tokenizer_files files = {source->tokenizer, source->vocab, source->path};
    return tokenizer_open(&bundle->tokenizer, &files, &options, err);
}

bool opening_check_unserved(const struct bundle *bundle, struct err *err)
{
    const struct layout *layout = &bundle->source.layout;
    char cut[80] = "";
    if (bundle->settings.compat != COMPAT_STATIC_EMBEDDING) return true;
    if (layout->truncate_dim > 0 && layout->truncate_dim < bundle->encoder->info.dim)
        snprintf(cut, sizeof cut, "config_sentence_transformers.json cuts at truncate_dim %llu",
                 (unsigned long long)layout->truncate_dim);
    if (!layout->unserved[0] && !cut[0]) return true;
    return err_set(
        err, ERR_FORMAT, "compat",
        "%.300s: %s, which is not supported; with `compat` embedd the folder is read without it",
        bundle->source.path, layout->unserved[0] ? layout->unserved : cut);
}
