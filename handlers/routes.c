/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/routes.h"

#include "handlers/dialects/endpoints.h"

#define POST(path, scope, dialect, endpoint)                                                       \
    {                                                                                              \
        path, METHOD_POST, scope, dialect, &endpoint##_endpoint, true                              \
    }
#define GET(path, scope, dialect, endpoint)                                                        \
    {                                                                                              \
        path, METHOD_GET, scope, dialect, &endpoint##_endpoint, false                              \
    }
#define DELETE(path, scope, dialect, endpoint)                                                     \
    {                                                                                              \
        path, METHOD_DELETE, scope, dialect, &endpoint##_endpoint, false                           \
    }

/* In the order of the metrics. A path may have a row a method. */
const struct route routes[] = {
    POST("/v1/embeddings", SCOPE_EMBED, &dialect_openai, embeddings),
    POST("/embed", SCOPE_EMBED, &dialect_tei, embed),
    POST("/embed_all", SCOPE_EMBED, &dialect_tei, embed_all),
    POST("/embed_sparse", SCOPE_EMBED, &dialect_tei, embed_sparse),
    POST("/similarity", SCOPE_EMBED, &dialect_tei, similarity),
    POST("/rerank", SCOPE_EMBED, &dialect_tei, rerank),
    POST("/embeddings", SCOPE_EMBED, &dialect_openai, embeddings),
    /* Azure's. */
    POST("/openai/deployments/{model}/embeddings", SCOPE_EMBED, &dialect_openai,
         deployment_embeddings),
    POST("/openai/v1/embeddings", SCOPE_EMBED, &dialect_openai, embeddings),
    POST("/v1/classify", SCOPE_CLASSIFY, &dialect_own, classify),
    POST("/v1/ids", SCOPE_EMBED, &dialect_own, ids),
    POST("/v1/onehot", SCOPE_EMBED, &dialect_own, onehot),
    POST("/v1/lookup", SCOPE_EMBED, &dialect_own, lookup),
    POST("/tokenize", SCOPE_EMBED, &dialect_tei, tokenize),
    POST("/decode", SCOPE_EMBED, &dialect_tei, decode),
    POST("/predict", SCOPE_CLASSIFY, &dialect_tei, predict),
    POST("/v1/embed", SCOPE_EMBED, &dialect_cohere, cohere_embed_v1),
    POST("/v2/embed", SCOPE_EMBED, &dialect_cohere, cohere_embed_v2),
    POST("/v1/rerank", SCOPE_EMBED, &dialect_ranks, jina_rerank),
    POST("/v2/rerank", SCOPE_EMBED, &dialect_cohere, cohere_rerank),
    /* vLLM's. */
    POST("/score", SCOPE_EMBED, &dialect_openai, score),
    POST("/v1/score", SCOPE_EMBED, &dialect_openai, score),
    POST("/pooling", SCOPE_EMBED, &dialect_openai, pooling),
    POST("/v1beta/models/{model}:embedContent", SCOPE_EMBED, &dialect_gemini, gemini_embed),
    POST("/v1beta/models/{model}:batchEmbedContents", SCOPE_EMBED, &dialect_gemini, gemini_batch),
    /* Where its client for Python posts. */
    POST("/v1/models/{model}:embedContent", SCOPE_EMBED, &dialect_gemini, gemini_embed),
    POST("/v1/models/{model}:batchEmbedContents", SCOPE_EMBED, &dialect_gemini, gemini_batch),
    GET("/v1beta/models", SCOPE_EMBED, &dialect_gemini, gemini_models),
    GET("/v1beta/models/{model}", SCOPE_EMBED, &dialect_gemini, gemini_model),
    GET("/v1/models", SCOPE_EMBED, &dialect_openai, models),
    GET("/v1/models/{id}", SCOPE_EMBED, &dialect_openai, models_id),
    GET("/info", SCOPE_EMBED, &dialect_tei, info),
    GET("/health", SCOPE_OPEN, &dialect_tei, health),
    GET("/ping", SCOPE_OPEN, &dialect_tei, health),
    GET("/", SCOPE_OPEN, &dialect_own, root),
    /* Where Hugging Face's clients post. */
    POST("/", SCOPE_EMBED, &dialect_tei, invoke),
    POST("/invocations", SCOPE_EMBED, &dialect_tei, invoke),
    POST("/vertex", SCOPE_EMBED, &dialect_tei, vertex),
    GET("/openapi.json", SCOPE_OPEN, &dialect_own, openapi),
    GET("/docs", SCOPE_OPEN, &dialect_own, docs),
    /* Ollama's. */
    POST("/api/embed", SCOPE_EMBED, &dialect_ollama, ollama_embed),
    POST("/api/embeddings", SCOPE_EMBED, &dialect_ollama, ollama_embeddings),
    POST("/api/show", SCOPE_EMBED, &dialect_ollama, ollama_show),
    GET("/api/tags", SCOPE_EMBED, &dialect_ollama, ollama_tags),
    GET("/api/ps", SCOPE_EMBED, &dialect_ollama, ollama_ps),
    GET("/api/version", SCOPE_EMBED, &dialect_ollama, ollama_version),
    /* Weaviate's. */
    POST("/vectors", SCOPE_EMBED, &dialect_weaviate, weaviate_vectors),
    POST("/vectors/", SCOPE_EMBED, &dialect_weaviate, weaviate_vectors),
    GET("/meta", SCOPE_EMBED, &dialect_weaviate, weaviate_meta),
    GET("/.well-known/live", SCOPE_OPEN, &dialect_weaviate, weaviate_live),
    GET("/.well-known/ready", SCOPE_OPEN, &dialect_weaviate, weaviate_ready),
    /* KServe's and Triton's. */
    POST("/v2/models/{model}/infer", SCOPE_EMBED, &dialect_oip, oip_infer),
    GET("/v2/models/{model}", SCOPE_EMBED, &dialect_oip, oip_model),
    GET("/v2/models/{model}/ready", SCOPE_EMBED, &dialect_oip, oip_model_ready),
    GET("/v2", SCOPE_EMBED, &dialect_oip, oip_server),
    GET("/v2/health/live", SCOPE_OPEN, &dialect_oip, oip_live),
    GET("/v2/health/ready", SCOPE_OPEN, &dialect_oip, oip_ready),
    GET("/live", SCOPE_OPEN, &dialect_own, live),
    GET("/ready", SCOPE_OPEN, &dialect_own, ready),
    POST("/admin/reload", SCOPE_ADMIN, &dialect_own, admin_reload),
    GET("/admin/models", SCOPE_ADMIN, &dialect_own, admin_models),
    /* OpenAI's again: of whoever may change the service. */
    POST("/v1/files", SCOPE_ADMIN, &dialect_openai, files_upload),
    GET("/v1/files", SCOPE_ADMIN, &dialect_openai, files),
    GET("/v1/files/{id}", SCOPE_ADMIN, &dialect_openai, file),
    DELETE("/v1/files/{id}", SCOPE_ADMIN, &dialect_openai, file_delete),
    GET("/v1/files/{id}/content", SCOPE_ADMIN, &dialect_openai, file_content),
    POST("/v1/fine_tuning/jobs", SCOPE_ADMIN, &dialect_openai, finetune_create),
    GET("/v1/fine_tuning/jobs", SCOPE_ADMIN, &dialect_openai, finetune_jobs),
    GET("/v1/fine_tuning/jobs/{id}", SCOPE_ADMIN, &dialect_openai, finetune_job),
    POST("/v1/fine_tuning/jobs/{id}/cancel", SCOPE_ADMIN, &dialect_openai, finetune_cancel),
    GET("/v1/fine_tuning/jobs/{id}/events", SCOPE_ADMIN, &dialect_openai, finetune_events),
    GET("/v1/fine_tuning/jobs/{id}/checkpoints", SCOPE_ADMIN, &dialect_openai,
        finetune_checkpoints),
    GET("/v1/fine_tuning/jobs/{id}/report", SCOPE_ADMIN, &dialect_openai, finetune_report),
    DELETE("/v1/models/{id}", SCOPE_ADMIN, &dialect_openai, model_delete),
    GET("/metrics", SCOPE_METRICS, &dialect_own, metrics),
};

const size_t n_routes = sizeof routes / sizeof routes[0];

const struct dialect *const dialect_without_route = &dialect_own;
