/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file leftovers.h
 * What a process that was killed while it wrote PATH left beside it: files and folders that are
 * called PATH.NUMBER.tmp. Somebody's work is told from them by a lock (flock) on it, which ends
 * with its process, also in another container. Any thread.
 */
#pragma once

/**
 * leftovers_hold locks `temp`, a file or folder that was made just now.
 * @return a descriptor, to be closed when the work is done; -1: it cannot be opened, or somebody
 * has taken it for a leftover meanwhile: then it is gone, and to be made again
 */
int leftovers_hold(const char *temp);

/** leftovers_remove calls `remove` for each leftover of `path`. */
void leftovers_remove(const char *path, void (*remove)(const char *temp));
