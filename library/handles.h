/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file handles.h
 * What the public header calls a model. Plain data: the model in it is immutable, any thread may
 * read it.
 */
#pragma once

#include "include/embedd.h"
#include "model/model.h"

struct embedd_model {
    struct model *model;
};
