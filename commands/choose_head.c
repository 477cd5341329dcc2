/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/choose_head.h"

#include <string.h>

bool choose_head(struct model *model, const char *path, const char *name, const struct head **head,
                 struct err *err)
{
    const struct heads *heads = model_heads(model);
    char names[200];
    if (path && !model_add_heads(model, path, err)) return false;
    if (heads->n == 0 && heads->refused.code != ERR_NONE) {
        *err = heads->refused;
        return false;
    }
    if (heads->n == 0) {
        return err_set(err, ERR_USAGE, NULL,
                       "the model has no classifier head; give a folder with a head.safetensors as "
                       "--model, or a head as --heads");
    }
    *head = name ? heads_find(heads, name, strlen(name)) : heads_default(heads);
    if (*head) return true;
    heads_names(heads, names, sizeof(names));
    return err_set(err, ERR_USAGE, NULL, "--head must be one of: %s", names);
}
