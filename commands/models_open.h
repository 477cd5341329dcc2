/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file models_open.h
 * Opens the models that `serve` is told to serve and has them served, at the start and again. One
 * thread at a time; others use what is served meanwhile.
 */
#pragma once

#include "base/err.h"
#include "commands/models.h"
#include "config/config.h"

#include <stdbool.h>

struct model;
struct model_changes;
struct registry;

/** Makes what is attached to a snapshot (registry_put); NULL with err set. */
typedef void *models_attach(void *to, const char *name, const struct model *model, struct err *err);

/**
 * models_open opens the models that `config` names and puts them into the registry; each is
 * self-tested and warmed before. The first time all of them, or it fails. After that the registry
 * is made to hold what is named now: those that are new are added, those that changed are swapped,
 * those that are gone are taken away, and so are aliases. One that cannot be opened is refused:
 * then the one of its name stays as it was. At least one model always stays.
 * @param user    a struct models: zeroed at first; what is served now
 * @param changes what became of each, or NULL
 * @return false with err set: one of them was refused, which is logged, or all of it
 */
bool models_open(void *user, const struct config *config, struct registry *registry,
                 models_attach *attach, void *to, struct model_changes *changes, struct err *err);

/** models_open_trained: the same, after the first time, of those that were trained in the data
 * folder alone. The others are not looked at. */
bool models_open_trained(void *user, const struct config *config, struct registry *registry,
                         models_attach *attach, void *to, struct model_changes *changes,
                         struct err *err);
