/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file version.h
 * What `embedd --version` says about the program, its libraries and its model. One thread.
 */
#pragma once

#include <stdio.h>

/** version_print writes a line each: version and licence, compiler, CPU path, built-in model. */
void version_print(FILE *out);
