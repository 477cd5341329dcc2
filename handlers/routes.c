/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/routes.h"

#include "handlers/endpoints.h"

#define POST(path, dialect, handler)                                                               \
    {                                                                                              \
        path, path, METHOD_POST, dialect, handler, true                                            \
    }
#define GET(path, dialect, handler)                                                                \
    {                                                                                              \
        path, path, METHOD_GET, dialect, handler, false                                            \
    }

/* The most asked-for first: the table is searched from the top. A path may have a row a method; its
   rows have one name. */
const struct route routes[] = {
    POST("/v1/embeddings", DIALECT_OPENAI, embeddings_post),
    POST("/embed", DIALECT_TEI, embed_post),
    POST("/embeddings", DIALECT_OPENAI, embeddings_post), /* TEI's, as its /v1/embeddings */
    POST("/v1/classify", DIALECT_OWN, classify_post),
    POST("/v1/ids", DIALECT_OWN, ids_post),
    POST("/v1/onehot", DIALECT_OWN, onehot_post),
    POST("/v1/lookup", DIALECT_OWN, lookup_post),
    POST("/tokenize", DIALECT_TEI, tokenize_post),
    POST("/decode", DIALECT_TEI, decode_post),
    POST("/predict", DIALECT_TEI, predict_post),
    GET("/v1/models", DIALECT_OPENAI, models_get),
    {"/v1/models/{id}", "/v1/models/", METHOD_GET, DIALECT_OPENAI, models_id_get, false},
    GET("/info", DIALECT_TEI, info_get),
    GET("/health", DIALECT_TEI, health_get),
    GET("/ping", DIALECT_TEI, health_get),
    GET("/", DIALECT_OWN, root_get),
    POST("/", DIALECT_TEI, embed_post), /* where Hugging Face's clients post */
    GET("/live", DIALECT_OWN, live_get),
    GET("/ready", DIALECT_OWN, ready_get),
    GET("/metrics", DIALECT_OWN, metrics_get),
};

const size_t n_routes = sizeof routes / sizeof routes[0];
