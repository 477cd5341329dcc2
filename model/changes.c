/* SPDX-License-Identifier: Apache-2.0 */
#include "model/changes.h"

#include "base/grow.h"

#include <stdlib.h>
#include <string.h>

const char *const model_fate_names[MODEL_FATES] = {"unchanged", "reloaded", "added", "removed",
                                                   "failed"};

static void clear_change(struct model_change *change)
{
    free(change->name);
    free(change->version);
    free(change->error);
}

static char *copy_of(const char *text)
{
    return strdup(text ? text : "");
}

bool model_changes_add(struct model_changes *changes, const struct model_change *change)
{
    struct model_change copy = *change;
    copy.name = copy_of(change->name);
    copy.version = copy_of(change->version);
    copy.error = copy_of(change->error);
    if (copy.name && copy.version && copy.error &&
        grow_list(&changes->list, &changes->cap, changes->n + 1, sizeof *changes->list)) {
        changes->list[changes->n++] = copy;
        return true;
    }
    clear_change(&copy);
    return false;
}

size_t model_changes_count(const struct model_changes *changes, enum model_fate fate)
{
    size_t n = 0;
    for (size_t i = 0; i < changes->n; i++)
        n += changes->list[i].fate == fate;
    return n;
}

void model_changes_clear(struct model_changes *changes)
{
    for (size_t i = 0; i < changes->n; i++)
        clear_change(&changes->list[i]);
    free(changes->list);
    *changes = (struct model_changes){0};
}
