// SPDX-License-Identifier: Apache-2.0
// The server's own routes, by addresses relative to the page: it may stand behind a prefix.
import { state, tell } from "./state.js";

export class Refused extends Error {
  constructor(status, message, retry) {
    super(message);
    this.status = status;
    this.retryS = retry;
  }
}

// Of this tab, never written down.
let key = "";
export const hasKey = () => key !== "";

export function setKey(text) {
  key = text.trim();
  tell("key");
}

async function refusal(reply) {
  let message = "";
  try {
    const text = await reply.text();
    message = text;
    const body = JSON.parse(text);
    message = body.error?.message ?? (typeof body.error === "string" ? body.error : text);
  } catch {
    // It is no JSON: as it is.
  }
  return new Refused(reply.status, message.slice(0, 600), Number(reply.headers.get("retry-after")) || 1);
}

let isGone = false;

function noteGone(gone) {
  if (gone === isGone) return;
  isGone = gone;
  tell(gone ? "gone" : "back");
  if (gone) setTimeout(knock, 1000);
}

// Asks until it is there again.
async function knock() {
  try {
    const reply = await fetch("ready", { cache: "no-store" });
    if (reply.ok) return noteGone(false);
  } catch {
    // Not yet.
  }
  setTimeout(knock, 1500);
}

export async function ask(path, body, signal) {
  const headers = {};
  if (key) headers.authorization = `Bearer ${key}`;
  if (body) headers["content-type"] = "application/json";
  let reply;
  try {
    reply = await fetch(path, { method: body ? "POST" : "GET", body: body && JSON.stringify(body), headers, signal, cache: "no-store" });
  } catch (error) {
    if (error.name !== "AbortError") noteGone(true);
    throw error;
  }
  noteGone(false);
  noteModel(reply);
  if (!reply.ok) {
    const error = await refusal(reply);
    if (error.status === 401) tell("locked");
    throw error;
  }
  return path === "metrics" ? reply.text() : reply.json();
}

// "name/version" of what answered: another one than before, under the same name, is another model.
const seen = new Map();

function noteModel(reply) {
  const text = reply.headers.get("x-embedd-model");
  if (!text) return;
  const end = text.lastIndexOf("/");
  const name = end < 0 ? text : text.slice(0, end), version = end < 0 ? "" : text.slice(end + 1);
  const before = seen.get(name);
  seen.set(name, version);
  if (before !== undefined && before !== version) tell("replaced");
}

// What is served: [{id, version, vocab_size, dim, pooling, normalize, tokenizer, heads}]
export async function loadModels() {
  const list = await ask("v1/models");
  state.models = list.data.map((one) => ({ id: one.id, ...one.embedd }));
  if (!state.models.some((one) => one.id === state.model)) state.model = state.models[0]?.id ?? "";
  return state.models;
}

export const model = () => state.models.find((one) => one.id === state.model) ?? state.models[0];

// 16-bit and 32-bit lists travel as text four times as long: rows come as base64.
export function floatsOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new Float32Array(bytes.buffer);
}

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
