/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file form.h
 * Bodies that are forms with files in them: multipart/form-data (RFC 7578), for endpoints that take
 * one (takes_form). The parts are borrowed from the body. No shared state; any thread.
 */
#pragma once

#include "base/err.h"
#include "handlers/exchange.h"

#include <stdbool.h>
#include <stddef.h>

/** One part. */
struct form_part {
    struct text name, filename; /* as sent; filename.data NULL: it is no file */
    struct text data;
};

/** form_is_type: whether a content-type is multipart/form-data. NULL is not. */
bool form_is_type(const char *content_type);

/**
 * form_read finds the parts of a body.
 * @param parts room for `max`; more are an error
 * @return false with ERR_INVALID: the body is no such form, or is not whole
 */
bool form_read(const char *content_type, const char *body, size_t bytes, struct form_part *parts,
               size_t max, size_t *n, struct err *err);

/** form_body_max: the most bytes that the body of this request may have: max-body-bytes, or what a
 * file may have (max-file-bytes) and the form around it. */
size_t form_body_max(const struct exchange *x);

/** form_refuse_body: ERR_TOO_LARGE, naming that limit. Returns false. */
bool form_refuse_body(const struct exchange *x, struct err *err);
