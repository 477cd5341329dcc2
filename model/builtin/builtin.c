/* SPDX-License-Identifier: Apache-2.0 */
#include "model/builtin/builtin.h"

#include <stddef.h>
#include <string.h>

/* In builtin_data.S. */
extern const struct span builtin_minilm_256_weights;
extern const struct span builtin_minilm_256_config;
extern const struct span builtin_minilm_256_vocab;

/* A model may answer to several names: each is a line. */
static const struct builtin_model models[] = {
#define MINILM_256(model_name)                                                                     \
    {                                                                                              \
        .name = (model_name), .weights = &builtin_minilm_256_weights,                              \
        .config = &builtin_minilm_256_config, .vocab = &builtin_minilm_256_vocab,                  \
    }
    MINILM_256("builtin"), /* the default of --model */
    MINILM_256("embedd-minilm-256"),
};

const struct builtin_model *builtin_find(const char *name)
{
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        if (strcmp(models[i].name, name) == 0) return &models[i];
    return NULL;
}
