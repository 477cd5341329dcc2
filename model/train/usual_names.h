/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file usual_names.h
 * What people call the columns of labelled files, in English and Chinese. Pure functions.
 */
#pragma once

#include "base/span.h"

enum column_role { COLUMN_TEXT, COLUMN_LABEL };

/** How well a name says what its column is. */
enum usual_rank {
    USUAL_NOT,
    USUAL_SECOND, /* it may be meant, where no other column has a better name: title, rating */
    USUAL_FIRST,  /* it is meant: text, label */
};

/**
 * usual_name_rank looks a name up, whatever its case, its width (full or half), the white space,
 * byte order marks, quotes, underscores and hyphens in it.
 * @param name valid UTF-8
 */
enum usual_rank usual_name_rank(struct span name, enum column_role role);
