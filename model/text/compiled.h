/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file compiled.h
 * A tokenizer as tensors: what tokenizer.json says, worked out and laid out to be used where it
 * lies, so that opening it neither reads nor copies them.
 *
 * docs/FORMAT.md tells each tensor. What is small stays JSON: "tokenizer.settings" is
 * tokenizer.json without its long lists, read by the same readers. Nobody vouches for the bytes:
 * sizes are checked when a tokenizer is opened, offsets and ids when they are used, and a damaged
 * file gives wrong tokens or an error, never a crash. One thread opens it; after that it is
 * immutable, and any thread may use it.
 */
#pragma once

#include "base/err.h"
#include "model/files/tensors.h"
#include "model/files/tensors_pack.h"
#include "model/text/pipeline/pipeline.h"

#include <stdbool.h>
#include <stddef.h>

#define COMPILED_ARRAYS_MAX 32
#define COMPILED_NAME_BYTES 48

/** The tensor that tokens of ideographs stand in, which are then not in the trie. */
#define COMPILED_IDEOGRAPHS "tokenizer.vocab.ideographs"

struct tokenizer;

/** Tensors to be written, widest numbers first. */
struct compiled {
    struct tensor_given tensors[COMPILED_ARRAYS_MAX + PIPELINE_CHARSMAPS_MAX];
    size_t n;
    bool is_newest;   /* the file has version 3: there is what others do not know */
    uint32_t *starts; /* made for the file */
    char names[PIPELINE_CHARSMAPS_MAX][COMPILED_NAME_BYTES];
};

/**
 * compiled_list: the tensors of a tokenizer; their data is borrowed while the tokenizer lives.
 * @param is_newest the file has version 3 in any case
 * @param out       cleared by the caller (compiled_clear)
 */
void compiled_list(const struct tokenizer *tokenizer, bool is_newest, struct compiled *out);

/** compiled_clear frees what was made for the file. */
void compiled_clear(struct compiled *compiled);

/** compiled_is_there: whether the file holds a tokenizer. */
bool compiled_is_there(const struct tensors *file);

/**
 * tokenizer_open_compiled makes the tokenizer that lies in `file`, whose bytes are borrowed while
 * it lives. Time and memory do not grow with the vocabulary.
 * @param out owned by the caller (tokenizer_close), NULL on failure
 * @return false with ERR_FORMAT or ERR_MEMORY
 */
bool tokenizer_open_compiled(struct tokenizer **out, const struct tensors *file, struct err *err);
