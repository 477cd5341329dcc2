/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ask.h
 * Asks a handler without HTTP: a model folder made on the spot (the running example), a service, an
 * arena, an exchange.
 *
 *     dictionary  0 他  1 我  2 爱  3 吃  4 你  5 饭
 *     W (6, 2)    (0.5,-1) (1,2) (3,4) (-0.25,0.75) (2,0) (0,1)
 */
#pragma once

#include "base/json.h"
#include "base/numtext.h"
#include "handlers/handlers.h"
#include "model/model.h"
#include "model/registry.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXAMPLE_VOCAB "他\n我\n爱\n吃\n你\n饭\n"
#define EXAMPLE_V 6
#define EXAMPLE_D 2

static const float example_rows[EXAMPLE_V * EXAMPLE_D] = {0.5f,   -1,    1, 2, 3, 4, //
                                                          -0.25f, 0.75f, 2, 0, 0, 1};

struct ask {
    struct model *model; /* of the registry */
    struct registry *registry;
    struct service service;
    struct arena arena;
    struct exchange x;
    char *joined; /* of the pieces of a reply, or NULL */
    size_t n_pieces, piece_bytes_max;
};

static inline void ask_write_file(const char *folder, const char *name, const void *data,
                                  size_t bytes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

/* The folder is gone when this returns: the model keeps its files mapped. */
static inline struct model *ask_make_model(const char *vocab, const float *rows, uint32_t n,
                                           uint32_t dim, const char *config)
{
    char folder[] = "/tmp/embedd-test-XXXXXX", header[256], file[1 << 14];
    assert_non_null(mkdtemp(folder));
    size_t bytes = (size_t)n * dim * sizeof *rows;
    int length = snprintf(header, sizeof header,
                          "{\"embeddings\":{\"dtype\":\"F32\",\"shape\":[%u,%u],\"data_offsets\":"
                          "[0,%zu]}}",
                          n, dim, bytes);
    while (length % 8)
        header[length++] = ' ';
    uint64_t header_bytes = (uint64_t)length;
    assert_true(8 + header_bytes + bytes <= sizeof file);
    memcpy(file, &header_bytes, 8);
    memcpy(file + 8, header, header_bytes);
    memcpy(file + 8 + header_bytes, rows, bytes);
    ask_write_file(folder, "model.safetensors", file, 8 + header_bytes + bytes);
    ask_write_file(folder, "vocab.txt", vocab, strlen(vocab));
    ask_write_file(folder, "config.json", config, strlen(config));
    struct model *model;
    struct err err = {0};
    if (!model_open(&model, folder, &err)) fail_msg("%s", err.message);
    static const char *const names[] = {"model.safetensors", "vocab.txt", "config.json"};
    for (size_t i = 0; i < 3; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
    return model;
}

/* ask_end is due. */
static inline void ask_open_model(struct ask *ask, struct model *model)
{
    *ask = (struct ask){.model = model, .registry = registry_new()};
    assert_true(registry_put(ask->registry, model_info(model)->name, model, NULL, NULL));
    ask->service = (struct service){.registry = ask->registry,
                                    .version = "0.0.0",
                                    .started_unix_s = 1700000000,
                                    .body_bytes_max = 1 << 20,
                                    .inputs_max = 4,
                                    .dense_cells_max = 1 << 20,
                                    .truncate = TRUNCATE_AUTO,
                                    .threads = 2,
                                    .workers = 2,
                                    .connections_max = 100};
    arena_init(&ask->arena, 16 << 20);
}

static inline int ask_open(void **state)
{
    json_init();
    struct ask *ask = malloc(sizeof *ask);
    ask_open_model(ask, ask_make_model(EXAMPLE_VOCAB, example_rows, EXAMPLE_V, EXAMPLE_D,
                                       "{\"name\":\"example\",\"version\":\"1\",\"tokenizer\":"
                                       "\"dictionary\",\"pooling\":\"mean\",\"normalize\":false}"));
    *state = ask;
    return 0;
}

static inline void ask_end(struct ask *ask)
{
    handlers_end(&ask->x);
    arena_clear(&ask->arena);
    registry_free(ask->registry);
    free(ask->joined);
}

static inline int ask_close(void **state)
{
    ask_end(*state);
    free(*state);
    return 0;
}

/* Begins a request; ask->x may be changed before ask_send. */
static inline struct exchange *ask_begin(struct ask *ask)
{
    handlers_end(&ask->x);
    arena_reset(&ask->arena);
    ask->x = (struct exchange){.service = &ask->service, .arena = &ask->arena};
    return &ask->x;
}

/* A reply in pieces becomes a whole one. */
static inline void ask_join(struct ask *ask)
{
    struct exchange *x = &ask->x;
    ask->n_pieces = ask->piece_bytes_max = 0;
    if (!x->make_piece) return;
    assert_null(x->reply);
    while (handlers_next_piece(x)) {
        ask->joined = realloc(ask->joined, x->reply_bytes + x->piece.bytes + 1);
        memcpy(ask->joined + x->reply_bytes, x->piece.data, x->piece.bytes);
        x->reply_bytes += x->piece.bytes;
        ask->n_pieces++;
        if (x->piece.bytes > ask->piece_bytes_max) ask->piece_bytes_max = x->piece.bytes;
    }
    assert_false(x->piece.failed);
    x->reply = ask->joined;
}

static inline const struct exchange *ask_send(struct ask *ask, enum method method, const char *path,
                                              const void *body, size_t bytes)
{
    struct exchange *x = &ask->x;
    char *copy = arena_alloc(&ask->arena, bytes);
    assert_non_null(copy);
    memcpy(copy, body, bytes);
    x->body = copy;
    x->body_bytes = bytes;
    if (handlers_find_route(x, method, path) && handlers_check_head(x, NULL, bytes) &&
        !handlers_dispatch(x)) {
        assert_int_equal(x->status, 0);
        x->work_max = 0;
        assert_true(handlers_dispatch(x));
    }
    ask_join(ask);
    assert_int_equal(x->sample.status, x->status);
    return x;
}

static inline const struct exchange *ask_post(struct ask *ask, const char *path, const char *body)
{
    ask_begin(ask);
    return ask_send(ask, METHOD_POST, path, body, strlen(body));
}

static inline const struct exchange *ask_get(struct ask *ask, const char *path)
{
    ask_begin(ask);
    return ask_send(ask, METHOD_GET, path, "", 0);
}

static inline const char *ask_header(const struct exchange *x, const char *name)
{
    for (size_t i = 0; i < x->n_headers; i++)
        if (strcmp(x->headers[i].name, name) == 0) return x->headers[i].value;
    return NULL;
}

/* `want` with each <number> replaced by that float as the reply writer writes it. */
static inline void ask_expand(const char *want, char *out, size_t out_bytes)
{
    size_t used = 0;
    while (*want) {
        assert_true(used + NUMTEXT_FLOAT_BYTES < out_bytes);
        if (*want == '<') {
            char *end;
            used += numtext_float(out + used, strtof(want + 1, &end));
            assert_int_equal(*end, '>');
            want = end + 1;
        } else {
            out[used++] = *want++;
        }
    }
    out[used] = '\0';
}

static inline void assert_reply(const struct exchange *x, unsigned status, const char *want)
{
    char expanded[8192], got[8192];
    ask_expand(want, expanded, sizeof expanded);
    assert_true(x->reply_bytes < sizeof got);
    if (x->reply_bytes) memcpy(got, x->reply, x->reply_bytes);
    got[x->reply_bytes] = '\0';
    assert_string_equal(got, expanded);
    assert_int_equal(x->status, status);
}
