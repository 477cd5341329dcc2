/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file packed.h
 * The packed form: one safetensors file that holds a whole model. docs/FORMAT.md, byte by byte.
 *
 * Rows of the table first, then the tokenizer (compiled.h), each tensor aligned to its numbers.
 * __metadata__ says the rest: embedd.format (the version), embedd.config (what a config.json says),
 * embedd.source (what it was made of), embedd.checked (what was looked through when it was made),
 * embedd.vocabulary (tokenizer_fingerprint, 16 hexadecimal digits) and embedd.sha256 (of the whole
 * file, zeros in the place of its 64 digits). Reading it needs no shared state: any thread.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "model/files/tensors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version of a file: the first one that has what is in it. Rows may be I4 from 2 on, and
 * in 3 tokens may share rows by `shared`, tokens of ideographs stand beside the trie, and tokens
 * have `starts`. */
#define PACKED_VERSION "1"
#define PACKED_VERSION_I4 "2"
#define PACKED_VERSION_NEWEST "3"
#define PACKED_FORMAT_KEY "embedd.format"
#define PACKED_CONFIG_KEY "embedd.config"
#define PACKED_SOURCE_KEY "embedd.source"
#define PACKED_CHECKED_KEY "embedd.checked"
#define PACKED_SHA256_KEY "embedd.sha256"
#define PACKED_VOCABULARY_KEY "embedd.vocabulary"

/** What packed_is_checked looks for in embedd.checked. */
#define PACKED_CHECKED "finite"

#define PACKED_SHA256_CHARS 64

/** The names of tensors that are files of heads begin with this. */
#define PACKED_HEADS "heads."

/** packed_check: whether its version is known; if not, false with ERR_FORMAT. */
bool packed_check(const struct tensors *file);

/** packed_has_shared: whether a tensor says which rows the tokens past the last row have; it must
 * be there in version 3 that has nothing else of that version. */
bool packed_has_shared(const struct tensors *file);

/** packed_config: the settings; data NULL where the file has none. Lives as long as `file`. */
struct span packed_config(const struct tensors *file);

/** packed_vocabulary: the fingerprint of its vocabulary; 0 where the file does not say it. */
uint64_t packed_vocabulary(const struct tensors *file);

/** packed_is_checked: whether every value was found to be finite when the file was made. */
bool packed_is_checked(const struct tensors *file);

/**
 * packed_verify reads all of the file and compares its checksum with the one it holds.
 * @param bytes what `file` was opened on
 * @return false with ERR_FORMAT: they differ, or there is none
 */
bool packed_verify(const struct tensors *file, struct span bytes);
