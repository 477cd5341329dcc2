/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request to any route: the reply is whole, legal JSON where it says so, and never
   our own fault. The first byte chooses model and route, the rest is the body. Run from the top
   folder of the project. */
#include "base/json.h"
#include "handlers/handlers.h"
#include "model/model.h"
#include "model/registry.h"
#include "model/text/openai/openai_ids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const paths[] = {
    "/v1/embeddings", "/embed",  "/v1/ids", "/v1/onehot", "/v1/lookup",
    "/tokenize",      "/decode", "/x",      "/embed_all", "/embed_sparse",
    "/similarity",    "/rerank", "/",       "/vertex",    "/predict",
    "/v1/classify",
};
#define N_PATHS (sizeof paths / sizeof paths[0])

static struct service services[2];

static void add_model(struct registry *registry, const char *path)
{
    struct model *model;
    struct err err = {0};
    if (model_open(&model, path, &err) &&
        registry_put(registry, model_info(model)->name, model, NULL, &err))
        return;
    fprintf(stderr, "%s\n", err.message);
    exit(1);
}

/* The first has two models of other shapes, "chain-w6x2" and "chain-w6x8"; the second takes
 * OpenAI's ids. */
static void open_services(void)
{
    json_init();
    for (int i = 0; i < 2; i++) {
        struct registry *registry = registry_new();
        add_model(registry, i == 0 ? "examples/chain/w6x2" : "builtin");
        if (i == 0) add_model(registry, "examples/chain/w6x8");
        services[i] = (struct service){.registry = registry,
                                       .version = "0",
                                       .body_bytes_max = 1 << 20,
                                       .inputs_max = 64,
                                       .dense_cells_max = 1 << 20,
                                       .input_tokens_max = (size_t)i * 16,
                                       .openai_ids = i == 0 ? NULL : &openai_cl100k,
                                       .truncate = TRUNCATE_LEFT};
    }
}

static void join_pieces(struct exchange *x, struct arena *whole)
{
    struct buf joined;
    buf_init(&joined, whole);
    while (handlers_next_piece(x))
        buf_add(&joined, x->piece.data, x->piece.bytes);
    if (x->piece.failed || joined.failed) abort();
    x->reply = joined.data;
    x->reply_bytes = joined.bytes;
}

/* Each API has a name of its own for what went wrong. */
static bool says_why(json_t *root)
{
    return json_object_get(root, "error") || json_object_get(root, "message") ||
           json_object_get(root, "detail");
}

static void check(struct exchange *x)
{
    if (x->status < 200 || x->status >= 500 || x->sample.status != x->status) abort();
    const size_t headers = x->status == 404 ? 1 : 2; /* the request's id, and the model */
    if (x->n_headers < headers || (!x->reply && !x->make_piece) || !x->reply_type) abort();
    if (strcmp(x->reply_type, "application/json") != 0) return;
    struct arena arena;
    struct err err;
    arena_init(&arena, SIZE_MAX / 2);
    if (x->make_piece) join_pieces(x, &arena);
    json_use_arena(&arena);
    json_t *root = json_read(x->reply, x->reply_bytes, &err);
    if (!root || (x->status >= 400) != says_why(root)) abort();
    json_use_arena(NULL);
    arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!services[0].registry) open_services();
    if (size == 0) return 0;
    struct arena arena;
    arena_init(&arena, 4 << 20);
    struct exchange x = {.service = &services[data[0] / N_PATHS % 2], .arena = &arena};
    /* An exact copy, so that the sanitizer sees a read past its end. */
    char *body = malloc(size);
    memcpy(body, data + 1, size - 1);
    body[size - 1] = '\0';
    char *exact = realloc(body, size - 1 ? size - 1 : 1);
    x.body = exact;
    x.body_bytes = size - 1;
    x.work_max = data[0] & 128 ? 1 : 0; /* as on a loop, where it is too much work for it */
    if (handlers_find_route(&x, METHOD_POST, paths[data[0] % N_PATHS]) &&
        handlers_check_head(&x, NULL, x.body_bytes) && !handlers_dispatch(&x)) {
        x.work_max = 0;
        if (!handlers_dispatch(&x)) abort();
    }
    check(&x);
    handlers_end(&x);
    arena_clear(&arena);
    free(exact);
    return 0;
}
