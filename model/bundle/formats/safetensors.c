/* SPDX-License-Identifier: Apache-2.0 */
/* A table as a tensor: of a model folder, or of a packed file, which holds all of its model. */
#include "model/bundle/formats.h"
#include "model/bundle/opening.h"
#include "model/bundle/packed.h"
#include "model/text/compiled.h"

#include <string.h>

static struct table_options table_options_of(const struct bundle *bundle)
{
    const char *in_index = bundle->source.tensor[0] ? bundle->source.tensor : NULL;
    return (struct table_options){.tensor = in_index ? in_index : bundle->settings.tensor,
                                  .has_factors = bundle->settings.compat != COMPAT_OWN,
                                  .is_checked = bundle->is_checked};
}

/* In a packed file everything lies in the one file. */
static bool open_packed(struct bundle *bundle, const struct tensors *file,
                        const struct model_options *options, struct err *err)
{
    bundle->format = "packed";
    bundle->is_packed = bundle->is_alone = true;
    bundle->is_checked = packed_is_checked(file);
    if (!packed_check(file) ||
        !settings_open(&bundle->settings, packed_config(file), bundle->where, err) ||
        !opening_rename(bundle, err))
        return false;
    settings_decide(&bundle->settings, &bundle->source.layout, options);
    struct table_options table_options = table_options_of(bundle);
    table_options.has_shared = packed_has_shared(file);
    struct table table;
    if (!table_open_tensors(&table, file, &table_options) ||
        !opening_take_table(bundle, &table, err) ||
        !tokenizer_open_compiled(&bundle->tokenizer, file, err))
        return false;
    tokenizer_know_fingerprint(bundle->tokenizer, packed_vocabulary(file));
    return true;
}

static bool open_folder(struct bundle *bundle, const struct tensors *file,
                        const struct model_options *options, struct err *err)
{
    if (!source_read_beside(&bundle->source, err) || !opening_config(bundle, options, err))
        return false;
    const struct table_options table_options = table_options_of(bundle);
    struct table table;
    return table_open_tensors(&table, file, &table_options) &&
           opening_take_table(bundle, &table, err) && opening_check_unserved(bundle, err) &&
           opening_tokenizer(bundle, err);
}

static bool open(struct bundle *bundle, const struct model_options *options, struct err *err)
{
    struct tensors file;
    if (!tensors_open(&file, bundle->source.weights, bundle->where, err)) return false;
    const bool is_packed = compiled_is_there(&file);
    if (!is_packed) opening_read_ahead(bundle, true);
    bool done = is_packed ? open_packed(bundle, &file, options, err)
                          : open_folder(bundle, &file, options, err);
    tensors_close(&file);
    return done;
}

static enum recognized recognize(struct span file, const char *name, char *advice)
{
    (void)name;
    (void)advice;
    return file.bytes > 8 && file.data[8] == '{' && file.data[7] == 0 ? RECOGNIZED_YES
                                                                      : RECOGNIZED_NO;
}

const struct format format_safetensors = {
    .name = "safetensors", .recognize = recognize, .open = open};

/* What is called .safetensors is read as that, and says what is wrong with it. */
static enum recognized recognize_name(struct span file, const char *name, char *advice)
{
    (void)file;
    (void)advice;
    const char *suffix = strrchr(name, '.');
    return suffix && strcmp(suffix, ".safetensors") == 0 ? RECOGNIZED_YES : RECOGNIZED_NO;
}

const struct format format_named_safetensors = {
    .name = "safetensors", .is_read_whole = true, .recognize = recognize_name, .open = open};
