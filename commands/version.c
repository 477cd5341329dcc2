/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/version.h"

#include "commands/commands.h"
#include "model/math/kernels.h"
#include "model/model.h"

static void print_model(FILE *out)
{
    struct model *model;
    struct err err;
    if (!model_open(&model, "builtin", &err)) {
        fprintf(out, "built-in model: %s\n", err.message);
        return;
    }
    const struct model_info *info = model_info(model);
    fprintf(out, "built-in model: %s %s (%s, %u tokens, %u dimensions, %s; %s)\n", info->name,
            info->version, info->tokenizer, info->vocab_size, info->dim, info->dtype,
            info->license);
    model_close(model);
}

void version_print(FILE *out)
{
    fprintf(out, "embedd %s (Apache-2.0)\n", EMBEDD_VERSION);
    fprintf(out, "compiler: gcc %s\n", __VERSION__);
    serve_print_libraries(out);
    fprintf(out, "kernels: %s\n", kernels_get()->name);
    print_model(out);
}
