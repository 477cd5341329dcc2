/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file guard.h
 * Work on mapped files that may go away: a file that is cut short under its mapping, or whose disk
 * fails, ends a process by SIGBUS at the next read of such a page (mmap(2)). Here it ends the work.
 *
 * guard_install is for the start of the process, before there are threads; guard_run is for any
 * thread.
 */
#pragma once

#include <stdbool.h>

/** guard_install catches SIGBUS. Outside of guard_run it says what has happened on standard error
 * and lets the signal end the process. */
void guard_install(void);

/**
 * guard_run calls `work`. False: it read what cannot be read any more and was left at that place,
 * for good. So it must not hold a lock while it reads mapped files, nor what only it would free:
 * memory of an arena is fine.
 */
bool guard_run(void (*work)(void *user), void *user);
