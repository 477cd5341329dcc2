/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file models.h
 * The models that `serve` is told to serve: which they are, as the settings and the folders say
 * when they are read. One thread at a time.
 */
#pragma once

#include "base/err.h"
#include "commands/stamp.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

/** One model as the settings name it. */
struct model_source {
    char *name; /* the name it is served under; NULL until it is opened: then its own */
    char *path;
    bool is_named;      /* by the settings or its folder, not by itself */
    bool is_trained;    /* in the data folder, which says its name */
    bool is_served;     /* one of that name is, perhaps as it was before */
    struct stamp stamp; /* of what is served; all zeros: it is to be opened again */
};

/** One more name. */
struct model_alias {
    char *name, *target;
};

struct models {
    struct model_source *list; /* (n) */
    size_t n, cap;
    struct model_alias *aliases; /* (n_aliases) */
    size_t n_aliases, aliases_cap;
    char *options; /* what else they are opened by, as text */
    char **links;  /* (n_links) paths of the links behind which they, keys and certificates lie, or
                      will (base/links.h) */
    size_t n_links, links_cap;
    uint64_t links_hash; /* where they led before anything behind them was looked at */
    bool is_open;        /* all of them were opened once */
};

/**
 * models_read finds the sources: what `model` lists, else what is in the folder `models`; both
 * where both are given; and the aliases. Notes also the links to keys and certificates, which are
 * to be read after that.
 * @param models to be cleared in the end, also on failure
 * @return false with ERR_USAGE (settings that contradict each other, a name twice) or ERR_IO
 */
bool models_read(struct models *models, const struct config *config, struct err *err);

/** models_read_trained: as models_read, but all that was not trained in the data folder is as in
 * `before`, and its links are not noted. */
bool models_read_trained(struct models *models, const struct models *before,
                         const struct config *config, struct err *err);

/** models_check_name: whether no other before `end` has the name of model `i`; ERR_USAGE. */
bool models_check_name(const struct models *models, size_t i, size_t end, struct err *err);

/** models_paths tells of the file or folder of each model. The pointers live until the next
 * models_open. */
void models_paths(void *user, void (*take)(void *to, const char *path), void *to);

/** models_clear frees; a zeroed one is fine. */
void models_clear(struct models *models);
