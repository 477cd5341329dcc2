/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file new_folder.h
 * A model folder that appears when it is whole, and takes the place of an older one in one step:
 * written beside it as PATH.PID.tmp, synced, renamed or exchanged. What killed processes left of
 * the same folder is removed. One thread.
 */
#pragma once

#include "base/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limits;
struct tokenizer;

struct new_folder {
    char path[PATH_MAX - 64], temp[PATH_MAX];
    const char *name; /* the last part of its path */
    int hold;         /* leftovers.h */
};

/** A file's path in it. */
#define NEW_FOLDER_FILE_BYTES (PATH_MAX + NAME_MAX + 2)

/**
 * new_folder_check finds out before the work whether a folder may be written at `path`.
 * @param replaces  an older folder may be replaced, if it holds nothing but a model's files
 * @return false with ERR_USAGE or ERR_IO
 */
bool new_folder_check(const char *path, bool replaces, struct err *err);

/** new_folder_open begins; false with ERR_IO or ERR_USAGE. */
bool new_folder_open(struct new_folder *folder, const char *path, struct err *err);

/** new_folder_file: where a file of it is to be written. */
void new_folder_file(const struct new_folder *folder, const char *name,
                     char path[static NEW_FOLDER_FILE_BYTES]);

/** new_folder_write writes a file of it; false with ERR_IO. */
bool new_folder_write(const struct new_folder *folder, const char *name, const char *data,
                      size_t bytes, struct err *err);

/** new_folder_write_tokenizer writes tokenizer.json, with `limits` as its truncation, or vocab.txt
 * for a plain dictionary; false with ERR_IO or ERR_MEMORY. */
bool new_folder_write_tokenizer(const struct new_folder *folder, const struct tokenizer *tokenizer,
                                const struct limits *limits, struct err *err);

/** new_folder_write_word_level writes a dictionary's tokenizer.json for other programs, as
 * tokenizer_write_word_level; false with ERR_IO or ERR_MEMORY. */
bool new_folder_write_word_level(const struct new_folder *folder, const struct tokenizer *tokenizer,
                                 uint32_t unknown_id, struct err *err);

/** new_folder_close gives the folder its name; false with ERR_IO or ERR_USAGE, and what was at
 * `path` is then still there. */
bool new_folder_close(struct new_folder *folder, bool replaces, struct err *err);

/** new_folder_abort removes what was written. */
void new_folder_abort(struct new_folder *folder);
