/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/unknown.h"

#include <inttypes.h>
#include <stdio.h>

void unknown_add(struct unknown_count *count, const struct model *model, const char *text,
                 size_t bytes, const struct tokens *tokens)
{
    const struct model_info *info = model_info(model);
    for (uint32_t i = 0; i < tokens->n; i++)
        count->unknown += model_is_unknown(info, tokens->ids[i]);
    count->tokens += tokens->n;
    count->texts++;
    script_list_count(&count->scripts, &count->foreign, info->scripts, text, bytes);
}

void unknown_add_all(struct unknown_count *count, const struct unknown_count *other)
{
    count->tokens += other->tokens;
    count->unknown += other->unknown;
    count->texts += other->texts;
    count->foreign += other->foreign;
    for (size_t i = 0; i < SCRIPT_LIST_MAX && other->scripts.scripts[i] != SCRIPT_NONE; i++)
        script_list_add(&count->scripts, other->scripts.scripts[i]);
}

/* The rest of "n of so many things", where some of the things are counted. */
static const char *verb(uint64_t some, uint64_t all)
{
    return all == 1 ? " is" : some == 1 ? "s is" : "s are";
}

void unknown_tell(const struct unknown_count *count, const char *command)
{
    char scripts[SCRIPT_LIST_BYTES];
    if (count->unknown > 0)
        fprintf(stderr, "embedd %s: %" PRIu64 " of %" PRIu64 " token%s unknown to the model\n",
                command, count->unknown, count->tokens, verb(count->unknown, count->tokens));
    if (count->foreign == 0) return;
    script_list_write(&count->scripts, scripts);
    fprintf(stderr,
            "embedd %s: %" PRIu64 " of %" PRIu64
            " text%s mostly in scripts that the model does not know: %s\n",
            command, count->foreign, count->texts, verb(count->foreign, count->texts), scripts);
}
