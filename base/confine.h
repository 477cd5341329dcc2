/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file confine.h
 * Takes from the process what it will not need again once it listens: system calls (seccomp),
 * files (Landlock), capabilities, new privileges. What a hostile request could make of it is then
 * little: it can open no connection, start no program and write no file.
 *
 * The lists belong to one thread; what is given up is so for it and those that it starts.
 *
 * Linux, Documentation/userspace-api/{seccomp_filter,landlock,no_new_privs}.rst.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/** What stays allowed. */
struct confine {
    /* Files and folders that are opened again later: their folders may be read, and those that
       links among them lead to. */
    const char **reads;
    size_t n_reads;
    /* Sockets in the file system: in their folders such may be made and taken away. */
    const char **sockets;
    size_t n_sockets;
    const char *writes; /* a folder in which files may be made, written and removed; NULL: none */
    bool has_secrets;   /* no dump of its memory is ever written */
    bool lacks_memory;  /* for one of the paths */
};

/** What the kernel took. */
struct confined {
    bool has_seccomp;
    int landlock_abi; /* 0: none */
};

/** confine_read adds a path, which outlives `confine`. */
void confine_read(struct confine *confine, const char *path);

/** confine_socket adds a path in the same way. */
void confine_socket(struct confine *confine, const char *path);

/** confine_clear frees the lists. */
void confine_clear(struct confine *confine);

/**
 * confine_process confines the calling thread and those that it starts from then on: call it before
 * there are others. It cannot be undone. What the kernel does not know is left out, and `done`
 * tells.
 * @return false with ERR_IO where the kernel knows it and refuses: then the process should not
 * serve
 */
bool confine_process(const struct confine *confine, struct confined *done, struct err *err);

/**
 * confine_launcher confines a process that starts this program again (and no other use of it): it
 * reads what its user may read and starts programs, but writes in `folder` alone, opens no
 * connection, traces nobody and has no capabilities. As confine_process otherwise.
 */
bool confine_launcher(const char *folder, struct err *err);
