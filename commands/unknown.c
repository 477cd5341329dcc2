/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/unknown.h"

#include <inttypes.h>
#include <stdio.h>

void unknown_add(struct unknown_count *count, const struct model *model,
                 const struct tokens *tokens)
{
    const struct model_info *info = model_info(model);
    for (uint32_t i = 0; i < tokens->n; i++)
        count->unknown += model_is_unknown(info, tokens->ids[i]);
    count->tokens += tokens->n;
}

void unknown_tell(const struct unknown_count *count, const char *command)
{
    if (count->unknown == 0) return;
    fprintf(stderr, "embedd %s: %" PRIu64 " of %" PRIu64 " token%s unknown to the model\n", command,
            count->unknown, count->tokens,
            count->tokens == 1    ? " is"
            : count->unknown == 1 ? "s is"
                                  : "s are");
}
