/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file endpoints.h
 * The dialects and their endpoints, for the route table: one family a file. Common headers are
 * added by the dispatcher. Constant; any thread, with an exchange of its own.
 */
#pragma once

#include "handlers/dialect.h"
#include "handlers/endpoint.h"

extern const struct dialect dialect_own, dialect_openai, dialect_tei, dialect_ollama;
extern const struct dialect dialect_cohere, dialect_ranks, dialect_gemini;
extern const struct dialect dialect_weaviate, dialect_oip;

/* lookup.c: the chain, step by step */
extern const struct endpoint ids_endpoint, onehot_endpoint, lookup_endpoint;
/* classify.c */
extern const struct endpoint classify_endpoint;
/* openai.c */
extern const struct endpoint embeddings_endpoint, deployment_embeddings_endpoint;
extern const struct endpoint pooling_endpoint; /* vLLM's, with the same fields */
/* openai_models.c */
extern const struct endpoint models_endpoint, models_id_endpoint;
/* openai_files.c */
extern const struct endpoint files_upload_endpoint, files_endpoint, file_endpoint;
extern const struct endpoint file_content_endpoint, file_delete_endpoint;
/* openai_finetune.c */
extern const struct endpoint finetune_create_endpoint, finetune_jobs_endpoint;
extern const struct endpoint finetune_job_endpoint, finetune_cancel_endpoint;
extern const struct endpoint finetune_events_endpoint, finetune_checkpoints_endpoint;
extern const struct endpoint finetune_report_endpoint, model_delete_endpoint;
/* tei_*.c */
extern const struct endpoint embed_all_endpoint, embed_sparse_endpoint;
extern const struct endpoint similarity_endpoint, rerank_endpoint;
extern const struct endpoint embed_endpoint, tokenize_endpoint, decode_endpoint, predict_endpoint;
extern const struct endpoint invoke_endpoint, vertex_endpoint;
extern const struct endpoint info_endpoint, health_endpoint;
/* openapi.c */
extern const struct endpoint openapi_endpoint, docs_endpoint;
/* ollama.c */
extern const struct endpoint ollama_embed_endpoint, ollama_embeddings_endpoint;
extern const struct endpoint ollama_tags_endpoint, ollama_ps_endpoint, ollama_version_endpoint;
extern const struct endpoint ollama_show_endpoint;
/* weaviate.c */
extern const struct endpoint weaviate_vectors_endpoint, weaviate_meta_endpoint;
extern const struct endpoint weaviate_live_endpoint, weaviate_ready_endpoint;
/* oip.c */
extern const struct endpoint oip_server_endpoint, oip_live_endpoint, oip_ready_endpoint;
extern const struct endpoint oip_model_endpoint, oip_model_ready_endpoint, oip_infer_endpoint;
/* cohere.c */
extern const struct endpoint cohere_embed_v1_endpoint, cohere_embed_v2_endpoint;
/* ranks.c */
extern const struct endpoint jina_rerank_endpoint, cohere_rerank_endpoint;
/* gemini.c */
extern const struct endpoint gemini_embed_endpoint, gemini_batch_endpoint;
extern const struct endpoint gemini_models_endpoint, gemini_model_endpoint;
/* vllm.c */
extern const struct endpoint score_endpoint;
/* admin.c */
extern const struct endpoint admin_reload_endpoint, admin_models_endpoint;
/* ops.c */
extern const struct endpoint live_endpoint, ready_endpoint, metrics_endpoint;
/* page.c */
extern const struct endpoint root_endpoint;
