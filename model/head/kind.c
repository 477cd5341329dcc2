/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/kind.h"

const char *const head_kind_names[HEAD_KINDS] = {"binary", "multi-class", "multi-label"};
