/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/routes.h"

#include "handlers/dialects/endpoints.h"

#define POST(path, scope, dialect, handler)                                                        \
    {                                                                                              \
        path, METHOD_POST, scope, dialect, handler, true                                           \
    }
#define GET(path, scope, dialect, handler)                                                         \
    {                                                                                              \
        path, METHOD_GET, scope, dialect, handler, false                                           \
    }

/* In the order of the metrics. A path may have a row a method. */
const struct route routes[] = {
    POST("/v1/embeddings", SCOPE_EMBED, &dialect_openai, embeddings_post),
    POST("/embed", SCOPE_EMBED, &dialect_tei, embed_post),
    /* TEI's, as its /v1/embeddings. */
    POST("/embeddings", SCOPE_EMBED, &dialect_openai, embeddings_post),
    POST("/v1/classify", SCOPE_CLASSIFY, &dialect_own, classify_post),
    POST("/v1/ids", SCOPE_EMBED, &dialect_own, ids_post),
    POST("/v1/onehot", SCOPE_EMBED, &dialect_own, onehot_post),
    POST("/v1/lookup", SCOPE_EMBED, &dialect_own, lookup_post),
    POST("/tokenize", SCOPE_EMBED, &dialect_tei, tokenize_post),
    POST("/decode", SCOPE_EMBED, &dialect_tei, decode_post),
    POST("/predict", SCOPE_CLASSIFY, &dialect_tei, predict_post),
    GET("/v1/models", SCOPE_EMBED, &dialect_openai, models_get),
    GET("/v1/models/{id}", SCOPE_EMBED, &dialect_openai, models_id_get),
    GET("/info", SCOPE_EMBED, &dialect_tei, info_get),
    GET("/health", SCOPE_OPEN, &dialect_tei, health_get),
    GET("/ping", SCOPE_OPEN, &dialect_tei, health_get),
    GET("/", SCOPE_OPEN, &dialect_own, root_get),
    /* Where Hugging Face's clients post. */
    POST("/", SCOPE_EMBED, &dialect_tei, embed_post),
    GET("/live", SCOPE_OPEN, &dialect_own, live_get),
    GET("/ready", SCOPE_OPEN, &dialect_own, ready_get),
    GET("/metrics", SCOPE_METRICS, &dialect_own, metrics_get),
};

const size_t n_routes = sizeof routes / sizeof routes[0];

const struct dialect *const dialect_without_route = &dialect_own;
