/* SPDX-License-Identifier: Apache-2.0 */
#include "library/heads.h"

#include "library/handles.h"

#include <string.h>

bool find_head(const struct model *model, const char *name, const struct head **head,
               struct fault *fault)
{
    const struct heads *heads = model_heads(model);
    char names[200];
    if (heads->n == 0 && heads->refused.code != ERR_NONE) {
        fault->err = heads->refused;
        return false;
    }
    if (heads->n == 0)
        return fault_set(fault, EMBEDD_ERROR_NOT_FOUND, "head",
                         "the model has no classifier head; open a folder with a "
                         "head.safetensors, or give a head as options.heads of embedd_open");
    *head = name ? heads_find(heads, name, strlen(name)) : heads_default(heads);
    if (*head) return true;
    heads_names(heads, names, sizeof names);
    return fault_set(fault, EMBEDD_ERROR_NOT_FOUND, "head", "head must be one of: %s", names);
}

const char *embedd_head_name(const embedd_model *model, uint32_t i)
{
    const struct heads *heads = model ? model_heads(model->model) : NULL;
    return heads && i < heads->n ? head_info(heads->items[i])->name : NULL;
}

int embedd_get_head(const embedd_model *model, const char *name, embedd_head *out,
                    embedd_error *error)
{
    struct fault fault = FAULT_NONE;
    embedd_head asked;
    const struct head *head;
    if (!model) return call_end(fault_null(&fault, "model"), &fault, error);
    if (!STRUCT_READ(asked, out, false, "head", &fault) ||
        !find_head(model->model, name, &head, &fault))
        return fault_tell(&fault, error);
    const struct head_info *info = head_info(head);
    const embedd_head found = {.name = info->name,
                               .kind = head_kind_names[info->kind],
                               .labels = info->labels,
                               .thresholds = info->thresholds,
                               .n_labels = info->n_labels,
                               .knows_unsure = info->margins != NULL};
    struct_write(out, &found, sizeof found);
    return EMBEDD_OK;
}
