/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bundle/bundle.h"

#include "base/json.h"

#include <string.h>

uint32_t bundle_without_row(const struct bundle *bundle)
{
    const uint32_t tokens = tokenizer_vocab_size(bundle->tokenizer);
    return tokens > bundle->encoder->info.n_rows ? tokens - bundle->encoder->info.n_rows : 0;
}

uint32_t bundle_unknown_id(const struct bundle *bundle)
{
    const uint32_t id = tokenizer_unknown_id(bundle->tokenizer);
    return id < bundle->encoder->info.n_rows ? id : TOKEN_ID_NONE;
}

uint32_t bundle_left_out(const struct bundle *bundle)
{
    return bundle->settings.limits.keeps_unknown ? TOKEN_ID_NONE : bundle_unknown_id(bundle);
}

const struct prompts *bundle_prompts(const struct bundle *bundle)
{
    const struct prompts *own = &bundle->settings.prompts;
    return own->n > 0 ? own : &bundle->source.layout.prompts;
}

const struct prompt *bundle_prompt(const struct bundle *bundle)
{
    const struct prompt *standard = bundle_prompts(bundle)->standard;
    const bool is_put = bundle->settings.compat == COMPAT_STATIC_EMBEDDING;
    return is_put && standard && standard->bytes > 0 ? standard : NULL;
}

const char *bundle_name(const struct bundle *bundle)
{
    const struct source *source = &bundle->source;
    const char *said = bundle->settings.name;
    return said && strcmp(said, source->own_name) != 0 ? said : source->name;
}

json_t *bundle_settings(const struct bundle *bundle, const struct tokenizer *tokenizer)
{
    json_t *json = settings_as_json(&bundle->settings);
    settings_set_name(json, bundle_name(bundle));
    if (tokenizer == bundle->tokenizer &&
        bundle->encoder->info.n_rows > tokenizer_vocab_size(bundle->tokenizer))
        json_object_set_new(json, "vocab_size", json_integer(bundle->encoder->info.n_rows));
    const struct layout *layout = &bundle->source.layout;
    if (strcmp(tokenizer_kind(tokenizer), "dictionary") == 0) {
        json_object_set_new(json, "tokenizer", json_string("dictionary"));
        json_object_set_new(json, "lowercase", json_boolean(tokenizer_lowercases(tokenizer)));
    } else if (layout->is_lowercase_said && !bundle->settings.is_lowercase_said) {
        json_object_set_new(json, "lowercase", json_boolean(layout->lowercase));
    }
    prompts_add_to(bundle_prompts(bundle), json);
    /* What the numbers of a head of model2vec mean. */
    json_t *head = json_object_get(bundle->settings.json, "head_config");
    if (head) json_object_set(json, "head_config", head);
    return json;
}

enum file_state bundle_look(const struct bundle *bundle)
{
    if (!bundle->source.is_mapped || bundle->is_copied) return FILE_AS_IT_WAS;
    return file_look(bundle->where, &bundle->source.mark);
}

void bundle_close(struct bundle *bundle)
{
    tokenizer_close(bundle->tokenizer);
    encoder_close(bundle->encoder);
    settings_close(&bundle->settings);
    source_close(&bundle->source);
    *bundle = (struct bundle){0};
}
