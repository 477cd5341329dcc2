// SPDX-License-Identifier: Apache-2.0
// What the views ask for: models, rows, vectors.
import { state } from "./state.js";
import { ask, floatsOf } from "./wire.js";

// What is served: [{id, version, vocab_size, dim, pooling, normalize, tokenizer, heads}]
export async function loadModels() {
  const list = await ask("v1/models");
  state.models = list.data.map((one) => ({ id: one.id, ...one.embedd }));
  if (!state.models.some((one) => one.id === state.model)) state.model = state.models[0]?.id ?? "";
  return state.models;
}

export const model = () => state.models.find((one) => one.id === state.model) ?? state.models[0];

export function rowsOf(flat, dim) {
  const rows = [];
  for (let i = 0; i < flat.length; i += dim) rows.push(flat.subarray(i, i + dim));
  return rows;
}

// Rows of W, (n, dims).
export async function lookup(ids, dims, signal) {
  if (ids.length === 0) return { tokens: [], rows: [] };
  const reply = await ask("v1/lookup", { ids: [ids], model: state.model, dimensions: dims, encoding_format: "base64" }, signal);
  const item = reply.data[0];
  return { tokens: item.tokens, rows: rowsOf(floatsOf(item.rows), item.shape[1]) };
}

// Sentence vectors, (n, dims).
export async function embed(texts, dims, signal) {
  const reply = await ask("v1/embeddings", { input: texts, model: state.model, dimensions: dims, encoding_format: "base64", truncate: "right" }, signal);
  return reply.data.map((one) => floatsOf(one.embedding));
}

export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

// Of two vectors; null where one of them has no direction.
export function cosine(a, b) {
  const lengths = Math.sqrt(dot(a, a) * dot(b, b));
  return lengths > 0 ? dot(a, b) / lengths : null;
}
