/* SPDX-License-Identifier: Apache-2.0 */
#include "model/builtin/builtin.h"

#include <stddef.h>
#include <string.h>

/* In builtin_data.S. */
extern const struct span builtin_base_1_weights;
extern const struct span builtin_base_1_config;
extern const struct span builtin_base_1_tokenizer;

/* A model may answer to several names: each is a line. */
static const struct builtin_model models[] = {
#define BASE_1(model_name)                                                                         \
    {                                                                                              \
        .name = (model_name), .weights = &builtin_base_1_weights,                                  \
        .config = &builtin_base_1_config, .tokenizer = &builtin_base_1_tokenizer,                  \
    }
    BASE_1("builtin"), /* the default of --model */
    BASE_1("embedd-base-1"),
};

const struct builtin_model *builtin_find(const char *name)
{
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        if (strcmp(models[i].name, name) == 0) return &models[i];
    return NULL;
}
