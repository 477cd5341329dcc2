/* SPDX-License-Identifier: Apache-2.0 */
/* What is answered at /: to browsers the page that web/ makes, to everybody else a line of text. */
#include "handlers/dialects/endpoints.h"

#include "handlers/errors.h"
#include "handlers/packing.h"
#include "handlers/reply.h"
#include "handlers/service.h"

#include <assert.h>
#include <string.h>

/* page_data.S: the page, packed by gzip, what it may load and run, and the tag of this edition. */
extern const char page_data[], page_data_end[], page_policy[], page_tag[];

/* The page, unpacked, has no more. */
#define PAGE_BYTES_MAX ((size_t)1 << 20)

/* Programs that ask whether we are there (Ollama's clients do) accept anything, or JSON. */
static bool is_browser(const struct exchange *x)
{
    return x->accept && strstr(x->accept, "text/html");
}

static void send_page(struct exchange *x)
{
    const size_t bytes = (size_t)(page_data_end - page_data);
    if (packing_takes_gzip(x->accept_encoding)) {
        reply_set(x, 200, TYPE_HTML, page_data, bytes);
        reply_add_header(x, "content-encoding", compression_names[COMPRESSION_GZIP]);
        x->is_packed = true;
        return;
    }
    struct buf page;
    buf_init(&page, x->arena);
    const enum unpacked how =
        compression_unpack(COMPRESSION_GZIP, page_data, bytes, PAGE_BYTES_MAX, &page);
    assert(how == UNPACKED || how == UNPACKED_MEMORY);
    page.failed |= how != UNPACKED;
    reply_buf(x, 200, TYPE_HTML, &page);
}

static void root_get(struct exchange *x)
{
    if (x->service->has_page)
        x->vary = x->service->cors ? "accept, accept-encoding, origin" : "accept, accept-encoding";
    if (!x->service->has_page || !is_browser(x)) {
        reply_static(x, 200, TYPE_TEXT, "embedd is running");
        return;
    }
    /* Asked about each time: a page of another edition may not fit the program. */
    reply_add_header(x, "etag", page_tag);
    reply_add_header(x, "cache-control", "no-cache");
    reply_add_header(x, "content-security-policy", page_policy);
    reply_add_header(x, "x-content-type-options", "nosniff");
    reply_add_header(x, "referrer-policy", "no-referrer");
    if (x->if_none_match && strstr(x->if_none_match, page_tag))
        reply_set(x, 304, NULL, "", 0);
    else
        send_page(x);
}

const struct endpoint root_endpoint = {
    .handle = root_get,
    .summary = "A page for browsers; to others, that embedd is running",
    .reply_type = TYPE_TEXT,
};
