/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file folder.h
 * The model folder that a training writes (new_folder.h). One thread.
 */
#pragma once

#include "model/model.h"
#include "model/train/learned.h"

/**
 * folder_write writes model.safetensors (what was learned of the table or a copy of the model's),
 * head.safetensors, and copies of config.json and tokenizer.json or vocab.txt. If the table is not
 * the model's, or options or files that are not copied said how to read it, config.json says all of
 * that and names the model after the folder; `is_new` also removes the model's version and licence,
 * because nothing of its numbers is left.
 * @return false with ERR_IO or ERR_MEMORY; what was at `path` is then still there
 */
bool folder_write(const char *path, bool replaces, const struct model *model,
                  const struct learned_files *files, bool is_new, struct err *err);
