/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file models.h
 * The models that `serve` is told to serve: which they are, and how they are opened, at the start
 * and again. One thread at a time.
 */
#pragma once

#include "base/err.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

struct model;
struct registry;

/** One model as the settings name it. */
struct model_source {
    char *name; /* the name it is served under; NULL until it is opened: then its own */
    char *path;
};

struct models {
    const struct config *config; /* borrowed */
    struct model_source *list;   /* (n) */
    size_t n;
    bool is_open; /* all of them were opened once */
};

/**
 * models_read finds the sources: what `model` lists, else what is in the folder `models`; both
 * where both are given.
 * @return false with ERR_USAGE (settings that contradict each other, a name twice) or ERR_IO
 */
bool models_read(struct models *models, const struct config *config, struct err *err);

/** Makes what is attached to a snapshot (registry_put); NULL with err set. */
typedef void *models_attach(void *to, const char *name, const struct model *model, struct err *err);

/**
 * models_open opens them and puts them into the registry: the first time all of them, and the
 * aliases; after that those that can be opened again; the others stay as they are.
 * @param user the struct models
 * @return false with err set: one of them could not be opened
 */
bool models_open(void *user, struct registry *registry, models_attach *attach, void *to,
                 struct err *err);

/** models_paths tells of each file and folder that models_open and models_read read. The pointers
 * live until models_clear. */
void models_paths(void *user, void (*take)(void *to, const char *path), void *to);

/** models_clear frees; a zeroed one is fine. */
void models_clear(struct models *models);
