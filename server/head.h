/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file head.h
 * What the head of a request says to us: its method, and the few headers that mean something here.
 * One thread.
 */
#pragma once

#include "handlers/exchange.h"
#include "handlers/route.h"
#include "server/forwarded.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What is of no use beyond the head. The rest goes to the exchange. */
struct head {
    struct exchange *x;
    const char *content_encoding; /* NULL: none */
    size_t content_length;        /* 0 when chunked */
    bool is_chunked;
    bool expects_continue;
    struct forwarded forwarded;
    uint64_t timeout_ms; /* that the client, or a proxy, gives it; 0: none */
};

/** head_take: one more header; its value is borrowed for as long as the exchange lives. */
void head_take(struct head *head, const char *name, const char *value);

/** head_method: the method of that name; METHOD_OTHER: no route has it. */
enum method head_method(const char *name);
