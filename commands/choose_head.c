/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/choose_head.h"

#include <string.h>

/* What the flags are called. */
struct names {
    const char *model, *heads, *head;
};

static bool choose(const struct names *flags, struct model *model, const char *path,
                   const char *name, const struct head **head, struct err *err)
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
                       "%s, or a head as %s",
                       flags->model, flags->heads);
    }
    *head = name ? heads_find(heads, name, strlen(name)) : heads_default(heads);
    if (*head) return true;
    heads_names(heads, names, sizeof(names));
    return err_set(err, ERR_USAGE, NULL, "%s must be one of: %s", flags->head, names);
}

bool choose_head(struct model *model, const char *path, const char *name, const struct head **head,
                 struct err *err)
{
    return choose(&(struct names){"--model", "--heads", "--head"}, model, path, name, head, err);
}

bool choose_compared_head(struct model *model, const char *path, const char *name,
                          const struct head **head, struct err *err)
{
    return choose(&(struct names){"--compare", "--compare-heads", "--compare-head"}, model, path,
                  name, head, err);
}
