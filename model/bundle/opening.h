/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file opening.h
 * Steps of opening a model that several formats share. One thread, before the model is shared.
 */
#pragma once

#include "model/bundle/bundle.h"
#include "model/encoder/table/table.h"

/** opening_warn reports what looks wrong; false (ERR_FORMAT) if options->is_strict makes it an
 * error. */
bool opening_warn(const struct model_options *options, struct err *err, const char *sentence);

/** opening_read_ahead tells the system to read the weights ahead, or only what is asked for. */
void opening_read_ahead(const struct bundle *bundle, bool is_on);

/** opening_config reads the config.json beside the table, if there is one, and decides by it. */
bool opening_config(struct bundle *bundle, const struct model_options *options, struct err *err);

/** opening_rename takes the name that a config.json beside a packed file gives it
 * (settings_rename); false with err set. */
bool opening_rename(struct bundle *bundle, struct err *err);

/** opening_own_config: the same for a file that holds its words too: if it was given by itself, the
 * files beside it belong to other models. */
bool opening_own_config(struct bundle *bundle, const struct model_options *options,
                        struct err *err);

/** opening_take_table makes the bundle's encoder of a table, which is taken or closed. */
bool opening_take_table(struct bundle *bundle, struct table *table, struct err *err);

/** opening_tokenizer opens the tokenizer beside the table. */
bool opening_tokenizer(struct bundle *bundle, struct err *err);

/** opening_check_unserved: if the results of sentence-transformers are to be reproduced, refuses
 * (ERR_FORMAT) a folder for which that library does something that this program does not. */
bool opening_check_unserved(const struct bundle *bundle, struct err *err);
