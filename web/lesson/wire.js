// SPDX-License-Identifier: Apache-2.0
// Answers in the page what the Chain view asks, as the server's routes would: in the place of ../wire.js.
import { openModels } from "./table.js";

export const hasServer = false;
export const hasKey = () => false;
export const setKey = () => {};

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// Nothing travels here, so rows come as they are.
export const floatsOf = (rows) => rows;

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

// The mean of the rows of known tokens, with the length 1 where the model's vectors have it.
function vectorOf(model, text, dims) {
  const rows = model.encode(text).filter((one) => !one.isUnknown).map((one) => model.row(one.id)), out = new Float64Array(dims);
  for (const row of rows) for (let j = 0; j < dims; j++) out[j] += row[j] / rows.length;
  const length = model.normalize ? Math.sqrt(dot(out, out)) || 1 : 1;
  return Float32Array.from(out, (x) => x / length);
}

function ids(model, { text, unknown }) {
  return { vocab_size: model.vocab_size, data: text.map((one) => {
    const all = model.encode(one), missing = all.filter((each) => each.isUnknown);
    if (missing.some((each) => each.id < 0) && unknown !== "skip") throw new Refused(422, `"${missing[0].token}" is not in the dictionary`);
    const kept = unknown === "skip" ? all.filter((each) => !each.isUnknown) : all;
    return { tokens: kept.map((each) => each.token), ids: kept.map((each) => each.id), unknown: missing.length };
  }) };
}

function onehot(model, body) {
  const given = body.ids[0], own = [...new Set(given)], isOwn = body.vocabulary === "input", width = isOwn ? own.length : model.vocab_size;
  const columns = isOwn ? given.map((id) => own.indexOf(id)) : given;
  const item = { shape: [given.length, width], zeros: (width - 1) / width, columns };
  if (body.format === "dense") item.rows = columns.map((column) => Array.from({ length: width }, (_, j) => Number(j === column)));
  return { data: [item] };
}

function lookup(model, { ids: [given], dimensions: dims }) {
  const rows = new Float32Array(given.length * dims);
  given.forEach((id, i) => rows.set(model.row(id).subarray(0, dims), i * dims));
  return { data: [{ tokens: given.map((id) => model.tokens[id]), shape: [given.length, dims], rows }] };
}

const embeddings = (model, { input, dimensions }) => ({ data: input.map((text) => ({ embedding: vectorOf(model, text, dimensions) })) });

// y = W·v + b. Of two labels there is one row, for the second; it is what tokens add to.
function classify(model, { text, head: name }) {
  const head = model.heads.find((one) => one.name === name), isBinary = head.weight.length === 1;
  return { data: text.map((one) => {
    const v = vectorOf(model, one, model.dim), y = head.weight.map((w, k) => dot(w, v) + head.bias[k]);
    if (!isBinary) return { logits: Object.fromEntries(head.names.map((label, k) => [label, y[k]])) };
    const known = model.encode(one).filter((each) => !each.isUnknown);
    const tokens = known.map(({ token, id }) => ({ token, share: dot(head.weight[0], model.row(id)) / known.length }));
    return { logits: { [head.names[1]]: y[0] }, explanation: { label: head.names[1], bias: head.bias[0], tokens } };
  }) };
}

const about = ({ id, version, vocab_size, dim, pooling, normalize, tokenizer, heads }) => ({ id, embedd: { version, vocab_size, dim, pooling, normalize, tokenizer, heads } });

const ROUTES = { "v1/ids": ids, "v1/onehot": onehot, "v1/lookup": lookup, "v1/embeddings": embeddings, "v1/classify": classify };

const opened = openModels();

export async function ask(path, body) {
  const models = await opened;
  if (path === "v1/models") return { data: models.map(about) };
  return ROUTES[path](models.find((one) => one.id === body.model) ?? models[0], body);
}
