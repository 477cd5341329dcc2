/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stamp.h
 * Whether the files of a model are still the same ones. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** Of all files under a path, and beside it where it is a file: where they lie, which ones they
 * are (device, inode), how long, when changed. All zeros: of none. */
struct stamp {
    uint64_t sum, more;
};

/** stamp_add has `stamp` speak of `path`, too; false: it cannot be looked at, or is too much. */
bool stamp_add(struct stamp *stamp, const char *path);

/** stamp_is_same: false also of stamps of nothing. */
bool stamp_is_same(const struct stamp *a, const struct stamp *b);
