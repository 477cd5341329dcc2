/* SPDX-License-Identifier: Apache-2.0 */
#include "server/activation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_FD 3

static bool read_number(const char *text, unsigned long max, unsigned long *number)
{
    char *rest;
    if (!text || *text < '0' || *text > '9') return false;
    *number = strtoul(text, &rest, 10);
    return !*rest && *number <= max;
}

/* The name number `i`, cut where it is too long; names are parted by colons. */
static void copy_name(const char *names, size_t i, char out[static SOCKETS_NAME_BYTES])
{
    for (; names && i > 0; i--) {
        names = strchr(names, ':');
        if (names) names++;
    }
    const int bytes = names ? (int)strcspn(names, ":") : 0;
    snprintf(out, SOCKETS_NAME_BYTES, "%.*s", bytes, names ? names : "");
}

static bool take(struct sockets_given *passed, struct err *err)
{
    const char *count = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
    unsigned long pid, n;
    if (!count || !read_number(getenv("LISTEN_PID"), (unsigned long)-1, &pid) ||
        pid != (unsigned long)getpid())
        return true;
    if (!read_number(count, SOCKETS_MAX, &n))
        return err_set(err, ERR_USAGE, NULL, "LISTEN_FDS must be a number up to %d, not '%.*s'",
                       SOCKETS_MAX, ERR_VALUE_BYTES, count);
    for (; passed->n < n; passed->n++) {
        struct socket_given *item = &passed->items[passed->n];
        *item = (struct socket_given){.fd = FIRST_FD + (int)passed->n};
        copy_name(names, passed->n, item->name);
        item->is_admin = strcmp(item->name, "admin") == 0;
    }
    return true;
}

bool activation_take(struct sockets_given *passed, struct err *err)
{
    passed->n = 0;
    const bool is_taken = take(passed, err);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return is_taken;
}
