/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file source.h
 * Where a model's files come from: a folder (mapped) or bytes linked into the program. The readers
 * see spans of bytes and a name for messages, and cannot tell the difference. One thread opens a
 * source; after that it is immutable.
 */
#pragma once

#include "base/err.h"
#include "base/file.h"
#include "base/span.h"
#include "model/bundle/prompts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What the files beside config.json say. */
struct layout {
    bool is_static_embedding; /* of sentence-transformers */
    bool has_normalize;       /* its modules end in Normalize */
    char unserved[200];    /* what else that library would do, and where it says so; "": nothing */
    uint64_t truncate_dim; /* columns that it leaves; 0: all */
    struct prompts prompts;
    bool lowercase; /* do_lower_case of a tokenizer_config.json beside a vocab.txt */
    bool is_lowercase_said;
};

/** Its spans are files of the model, and live as long as it does; data NULL = there is none. */
struct source {
    char name[256];         /* of the model, from where it lies: the last part of the path that was
                               given, a symbolic link's own name; or the built-in's */
    char own_name[256];     /* the same where such a link leads; of a path without one as `name` */
    char path[1024];        /* of the folder, for messages; "builtin" for linked bytes */
    char weights_name[256]; /* of the weights' file in it, for messages */
    char tensor[1024];      /* the table's name, where an index of several files says it; else "" */
    struct span weights;    /* model.safetensors; always there */
    struct file_mark mark;  /* of the weights, where they are mapped */
    /* Once they are read: */
    struct span config;    /* config.json */
    struct span tokenizer; /* tokenizer.json */
    struct span vocab;     /* vocab.txt */
    bool is_mapped;        /* the spans are mmaps of ours */
    bool is_folder;        /* a folder was given, not a file in one */
    struct layout layout;
};

/**
 * Files are mapped, not copied: replace a model by renaming a new folder or file into place.
 * A mapped file that is cut short can be read no more (base/guard.h, file_look), as with every
 * memory map.
 *
 * source_open finds `path` among the built-in models, else maps the weights of that folder, or the
 * weights file whose folder holds the rest. In a folder the weights are model.safetensors, or that
 * of 0_StaticEmbedding, or the one of several files in which model.safetensors.index.json says the
 * table is.
 * @param tensor the name of the table, or NULL: as config.json says (`tensor`), else by
 *               table_is_tensor_name
 * @return false with err set (ERR_IO, ERR_FORMAT), `source` then empty
 */
bool source_open(struct source *source, const char *path, const char *tensor, struct err *err);

/** source_stem_bytes: how long the name of a file that may be a model by itself is without its
 * ending
 * (.npy, .vec, .bin, .ftz, .safetensors); 0: it has another. Pure: any thread. */
size_t source_stem_bytes(const char *name);

/** source_read_config maps the config.json beside the weights, if there is one; false with ERR_IO
 * or ERR_FORMAT, as source_read_beside. */
bool source_read_config(struct source *source, struct err *err);

/** source_read_beside maps and reads all that lies beside the weights, config.json too: what a
 * table without words of its own needs. False: the source is still to be closed. */
bool source_read_beside(struct source *source, struct err *err);

/** source_close unmaps; the spans are gone. An empty source is fine. */
void source_close(struct source *source);
