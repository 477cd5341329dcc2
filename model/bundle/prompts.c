/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bundle/prompts.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

bool prompts_read(struct prompts *prompts, json_t *root, struct err *err)
{
    json_t *texts = json_object_get(root, "prompts"), *text;
    const json_t *standard = json_object_get(root, "default_prompt_name");
    const char *name;
    *prompts = (struct prompts){0};
    if (json_object_size(texts) == 0) return true;
    prompts->items = calloc(json_object_size(texts), sizeof *prompts->items);
    if (!prompts->items) return err_set(err, ERR_MEMORY, NULL, "no memory for the model's prompts");
    prompts->json = json_incref(texts);
    json_object_foreach(texts, name, text)
    {
        if (!json_is_string(text)) continue;
        prompts->items[prompts->n++] =
            (struct prompt){name, json_string_value(text), json_string_length(text)};
    }
    if (json_is_string(standard))
        prompts->standard =
            prompts_find(prompts, json_string_value(standard), json_string_length(standard));
    return true;
}

const struct prompt *prompts_find(const struct prompts *prompts, const char *name, size_t bytes)
{
    for (size_t i = 0; i < prompts->n; i++) {
        const struct prompt *prompt = &prompts->items[i];
        if (strlen(prompt->name) == bytes && memcmp(prompt->name, name, bytes) == 0) return prompt;
    }
    return NULL;
}

void prompts_add_to(const struct prompts *prompts, json_t *config)
{
    if (prompts->n == 0) return;
    json_object_set(config, "prompts", prompts->json);
    if (prompts->standard)
        json_object_set_new(config, "default_prompt_name", json_string(prompts->standard->name));
}

void prompts_close(struct prompts *prompts)
{
    free(prompts->items);
    json_decref(prompts->json);
    *prompts = (struct prompts){0};
}

bool prompt_before(const struct prompt *prompt, struct arena *arena, const char **text,
                   size_t *bytes, struct err *err)
{
    if (!prompt || prompt->bytes == 0) return true;
    char *joined = arena_alloc(arena, prompt->bytes + *bytes);
    if (!joined) return err_out_of_memory(err);
    memcpy(joined, prompt->text, prompt->bytes);
    if (*bytes > 0) memcpy(joined + prompt->bytes, *text, *bytes);
    *text = joined;
    *bytes += prompt->bytes;
    return true;
}
