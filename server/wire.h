/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file wire.h
 * How libmicrohttpd is made to read through conn_read.
 *
 * It has no such hook: it calls recv(2), which it finds by name as every shared library does. The
 * program has a function of that name, so that is the one it finds (System V ABI, "Symbol
 * interposition"). For every descriptor that is none of the connections of the thread's loop, it is
 * the kernel's.
 */
#pragma once

struct conns;

/** wire_reads_for: from now on this thread's recv on the descriptors of `conns` is conn_read. NULL:
 * on none. */
void wire_reads_for(struct conns *conns);
