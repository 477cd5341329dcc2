/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the binary tensor of an inference request. The first byte chooses its type and
   whether the reply is binary, the next two are its shape; what is said of its length is true. Run
   from the top folder of the project. */
#include "base/json.h"
#include "handlers/handlers.h"
#include "model/model.h"
#include "model/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct service service;

static void open_service(void)
{
    struct model *model;
    struct err err = {0};
    json_init();
    service = (struct service){.registry = registry_new(),
                               .version = "0",
                               .body_bytes_max = 1 << 20,
                               .inputs_max = 64,
                               .truncate = TRUNCATE_RIGHT};
    if (model_open(&model, "examples/chain/w6x2", &err) &&
        registry_put(service.registry, model_info(model)->name, model, NULL, &err))
        return;
    fprintf(stderr, "%s\n", err.message);
    exit(1);
}

static void check(const struct exchange *x)
{
    struct arena arena;
    struct err err;
    size_t json_bytes = x->reply_bytes;
    if (x->status != 200 && x->status != 400 && x->status != 413) abort();
    if (x->status == 200 && strcmp(x->reply_type, "application/json") != 0)
        json_bytes = strtoul(x->headers[0].value, NULL, 10);
    if (json_bytes > x->reply_bytes) abort();
    arena_init(&arena, SIZE_MAX / 2);
    json_use_arena(&arena);
    if (!json_read(x->reply, json_bytes, &err)) abort();
    json_use_arena(NULL);
    arena_clear(&arena);
}

/* An exact copy, so that the sanitizer sees a read past its end. */
static char *make_body(const uint8_t *data, size_t size, char length[static 32], size_t *bytes)
{
    static const char *const types[] = {"BYTES", "INT64", "INT32", "BYTES"};
    char json[256];
    const int n =
        snprintf(json, sizeof json,
                 "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"%s\",\"shape\":[%u,%u],"
                 "\"parameters\":{\"binary_data_size\":%zu}}],\"parameters\":{"
                 "\"binary_data_output\":%s}}",
                 types[data[0] & 3], data[1], data[2], size - 3, data[0] & 4 ? "true" : "false");
    *bytes = (size_t)n + size - 3;
    snprintf(length, 32, "%d", n);
    char *body = malloc(*bytes);
    memcpy(body, json, (size_t)n);
    memcpy(body + n, data + 3, size - 3);
    return body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!service.registry) open_service();
    if (size < 3) return 0;
    struct arena arena;
    arena_init(&arena, 4 << 20);
    char length[32];
    struct exchange x = {.service = &service, .arena = &arena, .inference_header_length = length};
    char *body = make_body(data, size, length, &x.body_bytes);
    x.body = body;
    if (handlers_find_route(&x, METHOD_POST, "/v2/models/m/infer") &&
        handlers_check_head(&x, NULL, x.body_bytes) && !handlers_dispatch(&x))
        abort();
    check(&x);
    handlers_end(&x);
    arena_clear(&arena);
    free(body);
    return 0;
}
