/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bundle/builtin/builtin.h"

#include <stddef.h>
#include <string.h>

/* In builtin_data.S. */
extern const struct span builtin_base_2;

/* A model may answer to several names: each is a line. */
static const struct builtin_model models[] = {
    {"builtin", &builtin_base_2}, /* the default of --model */
    {"embedd-base-2", &builtin_base_2},
};

const struct builtin_model *builtin_find(const char *name)
{
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        if (strcmp(models[i].name, name) == 0) return &models[i];
    return NULL;
}
