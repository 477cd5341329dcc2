/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file heads.h
 * The named heads of one table. Immutable once filled; any thread may read.
 *
 * A model folder's heads are its head.safetensors (ours or model2vec's), head.json, head.csv or
 * pipeline.skops, called "default", and what is in its folder heads/: files, named without their
 * .safetensors, .json, .csv or .skops, and model folders (as `embedd train` writes), whose head has
 * the folder's name and uses that folder's own table. The vocabulary must be the same. A checkpoint
 * of transformers with none of these files may bring a classifier among its weights, which is then
 * the default.
 */
#pragma once

#include "base/err.h"
#include "base/file.h"
#include "model/head/head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bundle;
struct tensors;

struct head_file {
    struct span bytes;
    bool is_mapped; /* by itself: to be unmapped */
    char *path;     /* of one that is mapped */
    struct file_mark mark;
    char *owned; /* bytes made here: to be freed; or NULL */
};

struct heads {
    struct head **items;     /* the default first, then by name */
    struct head_file *files; /* (n) what each is read from */
    struct bundle **own;     /* (n) the model that a head uses instead, or NULL */
    size_t n;
    struct err refused; /* why the classifier of a checkpoint, or a head without labels, is not
                           served; ERR_NONE: there is no such head */
};

/** heads_input: where the vectors of a head of that model come from; borrowed while the model
 * lives. */
struct head_input heads_input(const struct bundle *bundle);

/**
 * heads_open_folder adds the heads of a model folder; a folder without one is fine, and so is a
 * head that gives no labels: `refused` then says so.
 * @return false with ERR_IO or ERR_FORMAT naming the file; what was added stays until heads_close
 */
bool heads_open_folder(struct heads *heads, const char *folder, const struct head_input *input,
                       struct err *err);

/** heads_add adds the head in the file `path`, that of the model folder `path`, or all that are in
 * the folder `path`. */
bool heads_add(struct heads *heads, const char *path, const struct head_input *input,
               struct err *err);

/** heads_open_packed adds the heads that lie in a packed file, tensors named heads.NAME, except for
 * names that exist already. */
bool heads_open_packed(struct heads *heads, const struct tensors *file,
                       const struct head_input *input, struct err *err);

/** heads_open_own adds the head that the encoder brings, if it brings one, unless there is a
 * default head. */
bool heads_open_own(struct heads *heads, const struct head_input *input, struct err *err);

/** heads_open_checkpoint adds the classifier among the weights of a checkpoint, if there is one and
 * the model has no default head yet. If it cannot be served, the table still is: `refused` then
 * says why.
 * @return false with ERR_MEMORY */
bool heads_open_checkpoint(struct heads *heads, const struct bundle *bundle,
                           const struct head_input *input, struct err *err);

/** heads_find: the head of that name, or NULL. */
const struct head *heads_find(const struct heads *heads, const char *name, size_t bytes);

/** heads_default: the head that answers if none is named: the only one, or the one named "default";
 * NULL: there is none. */
const struct head *heads_default(const struct heads *heads);

/** heads_names writes the names, separated by ", ", cut to `size`; for messages. */
void heads_names(const struct heads *heads, char *out, size_t size);

/** heads_look: what has become of the files that are read while heads answer, the worst of them;
 * then `path` is that file's, as long as the heads live. */
enum file_state heads_look(const struct heads *heads, const char **path);

/** heads_close frees all; empty (zeroed) heads are fine. */
void heads_close(struct heads *heads);
