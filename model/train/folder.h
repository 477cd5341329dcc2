/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file folder.h
 * The model folder that a training writes (new_folder.h). One thread.
 */
#pragma once

#include "model/model.h"
#include "model/train/learned.h"

/** What a trained model is called. */
struct folder_naming {
    const char *name;    /* NULL: as the folder */
    const char *version; /* not NULL */
    bool is_new;         /* nothing is left of the model's numbers, nor of its licence */
};

/**
 * folder_write writes model.safetensors (what was learned of the table or a copy of the model's),
 * head.safetensors, copies of tokenizer.json or vocab.txt, and config.json: the model's, with the
 * new name and version. If the table is not the model's, or options or files that are not copied
 * said how to read it, config.json says all of that. Beside a packed file, which says it itself,
 * there are name and version alone (settings_rename).
 * @return false with ERR_IO or ERR_MEMORY; what was at `path` is then still there
 */
bool folder_write(const char *path, bool replaces, const struct model *model,
                  const struct learned_files *files, const struct folder_naming *naming,
                  struct err *err);
