// SPDX-License-Identifier: Apache-2.0
// From text to label, a step after the other, with the numbers that this server gives.
import { h, svg, put, range, whole, short, fixed, bytesText, plain, later } from "./dom.js";
import { t } from "./words.js";
import { ask } from "./wire.js";
import { model, lookup, embed, cosine, dot } from "./server.js";
import { state, tell, SENTENCES } from "./state.js";
import { hue, heatRow, bars, dotRow, dotSquare, cosineTable, largest, linkTokens, meter, WIDE } from "./draw.js";

const SHOWN = 8; // tokens that are drawn; of the others there is a count
const SMALL = 24; // a dictionary whose one-hot rows are drawn dot by dot
const TINY = 8; // one whose whole product X·W is drawn in numbers

let boxes, wanted;

// ---- where tokens stand in the text ----

// Pieces of a text: {text, token} with token -1 between them. Tokens are what is left of the text
// when it was normalized, so they are looked for, not counted off.
export function align(text, tokens) {
  const folded = [...text].map((c) => c.toLowerCase()[0] ?? c), points = [...text], spans = [];
  let at = 0;
  tokens.forEach((token, i) => {
    const bare = [...(token ?? "").replace(/^(##|▁|Ġ|Ċ)/, "").toLowerCase()];
    let from = at;
    while (from + bare.length <= folded.length && !bare.every((c, j) => folded[from + j] === c)) from++;
    if (bare.length && from + bare.length <= folded.length) {
      spans.push([from, from + bare.length, i]);
      at = from + bare.length;
    } else {
      spans.push([-1, -1, i]);
    }
  });
  settle(spans, points);
  const pieces = [];
  at = 0;
  for (const [from, to, token] of spans) {
    if (from < 0) continue;
    if (from > at) pieces.push({ text: points.slice(at, from).join(""), token: -1 });
    pieces.push({ text: points.slice(from, to).join(""), token });
    at = to;
  }
  if (at < points.length) pieces.push({ text: points.slice(at).join(""), token: -1 });
  return pieces;
}

// A token that was not found (an unknown one) stands for a word between its neighbours.
function settle(spans, points) {
  for (let i = 0; i < spans.length; i++) {
    if (spans[i][0] >= 0) continue;
    let from = i > 0 ? spans[i - 1][1] : 0, next = i + 1;
    while (next < spans.length && spans[next][0] < 0) next++;
    const end = next < spans.length ? spans[next][0] : points.length;
    while (from < end && /\s/u.test(points[from])) from++;
    let to = from;
    while (to < end && !/\s/u.test(points[to]) && (next === i + 1 || to === from)) to++;
    spans[i] = to > from ? [from, to, spans[i][2]] : [-1, -1, spans[i][2]];
    if (to <= from && i > 0) spans[i][1] = spans[i - 1][1];
  }
}

// ---- asking ----

async function askIds(text, signal) {
  const reply = await ask("v1/ids", { text: [text], model: state.model }, signal).catch((error) => {
    if (error.status !== 422) throw error;
    return ask("v1/ids", { text: [text], model: state.model, unknown: "skip" }, signal);
  });
  return { ...reply.data[0], V: reply.vocab_size };
}

// All numbers of the first steps.
async function load(signal) {
  const item = await askIds(state.text, signal), one = model();
  const chain = { text: state.text, tokens: item.tokens, ids: item.ids, n: item.ids.length, unknown: item.unknown, V: item.V, D: one.dim };
  const ids = chain.ids.slice(0, SHOWN), dims = dimensions();
  const near = [...new Set(chain.V <= SMALL ? range(chain.V) : ids.flatMap((id) => range(5).map((i) => id - 2 + i)))]
    .filter((id) => id >= 0 && id < chain.V).sort((a, b) => a - b);
  const [y, w, vectors, hot, own, known] = await Promise.all([
    lookup(ids, dims, signal), lookup(near, dims, signal), embed([state.text], dims, signal),
    ids.length ? ask("v1/onehot", { ids: [chain.ids.slice(0, 4096)], model: state.model, format: "sparse" }, signal) : null,
    ids.length ? ask("v1/onehot", { ids: [ids], model: state.model, vocabulary: "input", format: "dense" }, signal) : null,
    chain.unknown ? unknownPlaces(chain, signal) : [],
  ]);
  return { ...chain, dims, Y: y.rows, W: new Map(near.map((id, i) => [id, { row: w.rows[i], token: w.tokens[i] }])), v: vectors[0],
    hot: hot?.data[0], own: own?.data[0], unknownAt: new Set(known) };
}

// Which tokens are outside the dictionary: all have one id, which is missing where they are skipped.
async function unknownPlaces(chain, signal) {
  const known = (await ask("v1/ids", { text: [chain.text], model: state.model, unknown: "skip" }, signal)).data[0].ids;
  const first = chain.ids.findIndex((id, i) => id !== known[i]);
  return first < 0 ? [] : range(chain.n).filter((i) => chain.ids[i] === chain.ids[first]);
}

const dimensions = () => Math.max(1, Math.min(model().dim, state.dims || model().dim));

// ---- the steps ----

const chip = (data, i, extra) => h("span", { class: `token ${data.unknownAt?.has(i) ? "unknown" : hue(i)} ${extra ?? ""}`, data: { t: i } },
  plain(data.tokens[i] ?? "?"));

const more = (n) => (n > SHOWN ? h("p", { class: "soft" }, t("more tokens", { n: whole(n - SHOWN) })) : null);
const tile = (name, value, note, props) => h("div", { class: "tile", ...props }, h("span", { class: "tile-name" }, name), h("strong", {}, value), note ? h("span", { class: "soft" }, note) : null);
const formula = (...parts) => h("p", { class: "formula", lang: "en" }, parts);
const V = (text) => h("var", {}, text);

function drawTokens(data) {
  const pieces = align(data.text.slice(0, 2000), data.tokens.slice(0, 400));
  const line = h("p", { class: "sentence", dir: "auto" }, pieces.map(({ text, token }) => (token < 0 ? h("span", { class: "between" }, plain(text))
    : h("button", { type: "button", class: `token big ${data.unknownAt.has(token) ? "unknown" : hue(token)}`, data: { t: token },
      "aria-label": `${plain(text)}: ${t("token", { i: token + 1 })}${data.unknownAt.has(token) ? `, ${t("unknown")}` : ""}` }, plain(text)))));
  const characters = [...data.text].length;
  put(boxes.tokens, data.n ? line : h("p", { class: "soft" }, t("no tokens")),
    h("p", { class: "said" }, t("tokens said", { characters: whole(characters), n: whole(data.n) }),
      data.unknown ? h("span", { class: "warn" }, ` ${t("unknown said", { n: whole(data.unknown) })}`) : null));
}

const SQUARES = 6;

function drawOneHot(data) {
  const ids = data.ids.slice(0, SHOWN);
  if (!data.hot) return put(boxes.onehot, h("p", { class: "soft" }, t("no tokens")));
  const own = h("figure", { class: "own" }, h("figcaption", {}, t("own dictionary", { m: data.own.shape[1], n: data.own.shape[0] })),
    data.own.rows.map((row, i) => h("div", { class: "labelled", data: { t: i } }, chip(data, i), dotRow(row.length, row.indexOf(1), i))));
  const cells = data.n * data.V, zeros = data.n > 4096 ? (cells - data.n) / cells : data.hot.zeros;
  const small = data.V <= SMALL;
  const all = small
    ? ids.map((id, i) => h("div", { class: "labelled", data: { t: i } }, chip(data, i), dotRow(data.V, data.hot.columns[i], i)))
    : h("div", { class: "squares" }, ids.slice(0, SQUARES).map((id, i) => h("div", { class: "hot", data: { t: i } }, chip(data, i), dotSquare(data.V, data.hot.columns[i], i),
      h("span", { class: "soft" }, t("one in column", { column: whole(data.hot.columns[i]) })))));
  const whole_ = h("figure", { class: "all" }, h("figcaption", {}, t(small ? "whole dictionary" : "whole dictionary, large", { V: whole(data.V) })), all, more(data.n > (small ? SHOWN : SQUARES) ? data.n + (small ? 0 : SHOWN - SQUARES) : 0));
  put(boxes.onehot, h("div", { class: "twofold" }, own, whole_),
    h("div", { class: "tiles" }, tile("V", whole(data.V), t("V said"), { id: "v" }), tile("n·V", whole(cells), t("nV said", { bytes: bytesText(cells * 4) }), { id: "nv" }),
      tile(t("zeros"), `${(zeros * 100).toFixed(zeros > 0.9999 ? 4 : zeros > 0.99 ? 3 : 1)} %`, t(zeros > 0.99 ? "explodes" : "zeros said"), { id: "zeros" })));
}

function drawIds(data) {
  const ids = data.ids.slice(0, 24);
  put(boxes.ids, h("div", { class: "ids" }, ids.map((id, i) => h("div", { class: "id", data: { t: i } }, chip(data, i), h("span", { class: "arrow", "aria-hidden": "true" }, "→"), h("strong", { class: hue(i) }, String(id))))),
    data.n > 24 ? h("p", { class: "soft" }, t("more tokens", { n: whole(data.n - 24) })) : null,
    data.n ? h("p", { class: "said" }, t("ids said", { n: whole(data.n), cells: whole(data.n * data.V), bytes: bytesText(data.n * 4) })) : h("p", { class: "soft" }, t("no tokens")));
}

// Rows of W around those that are picked, in the order of the table; whole where it is small.
function bands(data) {
  const at = new Map(); // id: the first token with it
  data.ids.slice(0, SHOWN).forEach((id, i) => at.has(id) || at.set(id, i));
  const max = largest([...data.W.values()].map((one) => one.row));
  const groups = [];
  for (const [id, { row, token }] of data.W) {
    if (!groups.length || id !== groups.at(-1).at(-1).id + 1) groups.push([]);
    groups.at(-1).push({ id, row, token, i: at.get(id) });
  }
  return { max, groups };
}

const ROW = 20; // height of a row of W, in pixels, as style.css has it
const GAP = 14;

function drawTable(data) {
  const { max, groups } = bands(data), n = groups.flat().length;
  if (!n) return put(boxes.table, h("p", { class: "soft" }, t("no tokens")));
  const height = n * ROW + (groups.length - 1) * GAP, ticks = [];
  let y = 0;
  const rows = groups.map((group, g) => h("div", { class: "band" }, group.map(({ id, row, token, i }) => {
    if (i !== undefined) ticks.push(tick(id / data.V, (y + ROW / 2) / height, i));
    y += ROW;
    const name = plain(token ?? "");
    return h("div", { class: `wrow ${i === undefined ? "" : `picked ${hue(i)}`}`, data: i === undefined ? {} : { t: i } },
      h("span", { class: "wname" }, h("b", {}, name), h("i", {}, String(id))), heatRow(row, max, `${name} · ${id}`));
  }), g < groups.length - 1 ? ((y += GAP), h("span", { class: "gap", "aria-hidden": "true" }, "⋮")) : null));
  const map = svg("svg", { class: "map", viewBox: "0 0 100 1000", preserveAspectRatio: "none", style: { height: `${height}px` }, "aria-hidden": "true" },
    svg("rect", { x: 0, y: 0, width: 34, height: 1000, class: "whole" }), ticks);
  put(boxes.table, h("div", { class: "lookup" }, h("div", { class: "mapbox" }, h("span", { class: "soft" }, "W"), map, h("span", { class: "soft" }, `${whole(data.V)} × ${data.dims}`)), h("div", { class: "wrows" }, rows)),
    h("p", { class: "said" }, t("table said", { V: whole(data.V), D: data.dims, n: Math.min(data.n, SHOWN) }), " ", legend(max)), more(data.n));
}

function tick(from, to, i) {
  const a = from * 1000, b = to * 1000;
  return svg("g", { class: hue(i), "data-t": i }, svg("line", { x1: 0, x2: 34, y1: a, y2: a, class: "tick" }), svg("path", { d: `M34 ${a}C70 ${a} 60 ${b} 100 ${b}`, class: "wire" }));
}

const legend = (max) => h("span", { class: "legend", "aria-hidden": "true" }, `−${short(max, 2)}`, h("i", { class: "ramp" }), `+${short(max, 2)}`);

// The switch: how many columns of W, and the other models.
function drawSwitch(data) {
  const D = data.D, sizes = [2, 8, 32, 64, 128, 256, 512].filter((d) => d < D);
  const choose = (d) => () => {
    state.dims = d === D ? 0 : d;
    tell("chain");
  };
  const button = (d) => h("button", { type: "button", "aria-pressed": String(d === data.dims), onclick: choose(d) }, d === D ? t("all columns", { D }) : String(d));
  const others = state.models.filter((one) => one.vocab_size <= SMALL).map((one) => h("button", { type: "button", "aria-pressed": String(one.id === state.model), onclick: () => {
    state.model = one.id;
    state.dims = 0;
    tell("model");
  } }, `${plain(one.id)} (${one.vocab_size} × ${one.dim})`));
  const isLess = data.dims < data.V;
  put(boxes.switch, h("div", { class: "choice", role: "group", "aria-label": t("columns of W") }, h("span", { class: "soft" }, t("columns of W")), h("span", { class: "segments" }, [...sizes, D].map(button))),
    others.length ? h("div", { class: "choice", role: "group", "aria-label": t("small models") }, h("span", { class: "soft" }, t("small models")), h("span", { class: "segments" }, others)) : null,
    h("div", { class: "sizes" },
      h("div", {}, sizeBar(data.V, data), h("span", { class: "arrow", "aria-hidden": "true" }, "→"), sizeBar(data.dims, data), h("span", {}, t(isLess ? "reduction" : "expansion of one-hot", { V: whole(data.V), d: data.dims }))),
      h("div", {}, sizeBar(1, data), h("span", { class: "arrow", "aria-hidden": "true" }, "→"), sizeBar(data.dims, data), h("span", {}, t("expansion", { d: data.dims })))));
}

const sizeBar = (n, data) => h("span", { class: "size", "aria-hidden": "true", style: { width: `${8 + (Math.log2(n) / Math.log2(Math.max(2, data.V, data.D))) * 130}px` } }, h("b", {}, whole(n)));

function drawProduct(data) {
  const max = largest([...data.W.values()].map((one) => one.row)), ids = data.ids.slice(0, SHOWN);
  const rows = data.Y.map((row, i) => h("div", { class: `labelled yrow ${hue(i)}`, data: { t: i } }, chip(data, i), heatRow(row, max, data.tokens[i])));
  const tiny = data.V <= TINY && data.n > 0 ? h("div", { class: "product", role: "img", "aria-label": t("product label", { n: data.n, V: data.V, D: data.dims }) },
    h("div", { class: "factor" }, h("b", {}, "X"), ids.map((id, i) => h("div", { data: { t: i } }, dotRow(data.V, id, i)))), h("span", { class: "sign" }, "·"),
    h("div", { class: "factor" }, h("b", {}, "W"), range(data.V).map((id) => h("div", { class: "cellrow", data: { t: data.ids.indexOf(id) } }, heatRow(data.W.get(id).row, max)))), h("span", { class: "sign" }, "="),
    h("div", { class: "factor" }, h("b", {}, "Y"), data.Y.map((row, i) => h("div", { class: "cellrow", data: { t: i } }, heatRow(row, max))))) : null;
  put(boxes.product, tiny ?? h("div", { class: "shapes", role: "img", "aria-label": t("product label", { n: data.n, V: whole(data.V), D: data.dims }) }, shape("X", data.n, data.V), h("span", { class: "sign" }, "·"), shape("W", data.V, data.dims), h("span", { class: "sign" }, "="), shape("Y", data.n, data.dims)),
    tiny ? null : h("div", { class: "yrows" }, rows), data.n ? h("p", { class: "said" }, t("product said", { n: Math.min(SHOWN, data.n) })) : null, more(data.n));
}

// A box whose sides grow with the logarithm of the matrix's.
function shape(name, n, m) {
  const side = (x) => 26 + Math.log2(Math.max(1, x)) * 8;
  return h("span", { class: "shape" }, h("span", { class: `box ${name === "X" ? "dotted" : ""}`, style: { width: `${side(m)}px`, height: `${side(n)}px` } }, name), h("span", { class: "soft" }, `${whole(n)} × ${whole(m)}`));
}

function drawVector(data) {
  const one = model(), length = Math.sqrt(dot(data.v, data.v));
  const numbers = data.dims <= WIDE ? h("div", { class: "vector" }, heatRow(data.v, largest([data.v]), "")) : h("p", { class: "soft numbers" }, `[${[...data.v.slice(0, 6)].map((x) => fixed(x, 4)).join(", ")}, …]`);
  put(boxes.vector, h("div", { role: "img", "aria-label": t("vector label", { D: data.dims }) }, bars(data.v, "")), numbers,
    h("div", { class: "tiles" }, tile(t("numbers"), whole(data.dims), t("numbers said"), { id: "d" }), tile(t("pooling"), t(`pooling ${one.pooling}`), data.unknown ? t("unknown left out") : t("pooling said", { n: data.n }), { id: "pooling" }),
      tile(t("length"), fixed(length, 3), t(one.normalize ? "length said" : "length as is"), { id: "length" })));
}

// ---- three sentences ----

let compared = null;

async function loadSentences(signal) {
  const texts = [state.a, state.b, state.c];
  const [vectors, ...items] = await Promise.all([embed(texts, dimensions(), signal), ...texts.map((text) => askIds(text, signal))]);
  compared = { texts, ids: items.map((one) => one.ids), vectors };
}

// Ids of sentences as if they were numbers that mean something.
function idCosines(lists) {
  return lists.map((a) => lists.map((b) => (a.length === b.length && a.length > 0 && a.length < 1000 ? cosine(a, b) : null)));
}

function drawSentences() {
  const { texts, ids, vectors } = compared, max = largest(vectors);
  const idRows = texts.map((text, i) => h("div", { class: "sentence-row" }, h("span", { class: "sentence-name" }, plain(text)),
    h("code", {}, `[${ids[i].slice(0, 12).join(", ")}${ids[i].length > 12 ? ", …" : ""}]`)));
  const vectorRows = texts.map((text, i) => h("div", { class: "sentence-row" }, h("span", { class: "sentence-name" }, plain(text)), heatRow(vectors[i], max, text)));
  const between = vectors.map((a) => vectors.map((b) => cosine(a, b)));
  put(boxes.sentences, h("div", { class: "twofold even" },
    h("div", {}, h("h3", {}, t("as ids")), idRows, cosineTable(texts, idCosines(ids), t("cosines of ids")), h("p", { class: "said" }, t("ids mean nothing"))),
    h("div", {}, h("h3", {}, t("as vectors")), vectorRows, cosineTable(texts, between, t("cosines of vectors")), h("p", { class: "said" }, t("vectors mean")))));
}

// ---- labels ----

let labels = null;

// Weights of our own, where the model has no head: the plainest ones that give the three sentences
// these y. w = X⁺(y − b), by the equations of the three vectors.
const TARGETS = [[0.9, 0.15, 0.4]];
const TARGETS3 = [[0.1, -0.3, 0.9], [0.4, 0.9, -0.6], [0.9, 0.15, 0.4]];

function solve(vectors, y, b) {
  const m = vectors.map((a, i) => [...vectors.map((c, j) => dot(a, c) + (i === j ? 1e-9 : 0)), y[i] - b]);
  for (let k = 0; k < m.length; k++) {
    const best = range(m.length - k).map((i) => i + k).reduce((p, i) => (Math.abs(m[i][k]) > Math.abs(m[p][k]) ? i : p), k);
    [m[k], m[best]] = [m[best], m[k]];
    if (Math.abs(m[k][k]) < 1e-12) return null;
    for (let i = 0; i < m.length; i++) if (i !== k) {
      const f = m[i][k] / m[k][k];
      for (let j = k; j <= m.length; j++) m[i][j] -= f * m[k][j];
    }
  }
  const a = m.map((row, k) => row[m.length] / row[k]);
  return vectors[0].map((_, j) => vectors.reduce((sum, v, i) => sum + a[i] * v[j], 0));
}

const BIAS = 0.4;

async function loadLabels(signal) {
  const { texts, vectors } = compared, heads = model().heads;
  const pick = (fits) => heads.find((one) => one.name === state.head && fits(one)) ?? heads.find(fits);
  labels = { two: null, three: null };
  const two = pick((one) => one.kind === "binary"), three = pick((one) => one.kind === "multi-class");
  const asked = (head) => ask("v1/classify", { text: texts, model: state.model, head: head.name, explain: true }, signal).catch((error) => {
    if (error.status !== 400) throw error;
    return ask("v1/classify", { text: texts, model: state.model, head: head.name }, signal);
  });
  if (two && !state.dims) {
    const reply = await asked(two), [first, second] = two.names;
    labels.two = { head: two.name, no: first, yes: second, y: reply.data.map((one) => one.logits[second]), explained: reply.data.map((one) => one.explanation) };
  }
  if (three && !state.dims) {
    const reply = await asked(three), names = (three.names ?? Object.keys(reply.data[0].logits)).slice(0, 12);
    labels.three = { head: three.name, names, y: reply.data.map((one) => names.map((name) => one.logits[name])) };
  }
  if (!labels.two) labels.two = made(vectors);
  if (!labels.three) labels.three = made3(vectors, texts);
}

function made(vectors) {
  const w = solve(vectors, TARGETS[0], BIAS);
  return w && { head: null, no: "0", yes: "1", w, b: BIAS, y: vectors.map((v) => dot(w, v) + BIAS) };
}

// The sentence that each of our labels stands for.
function madeNames([a, b, c]) {
  return a === SENTENCES[0] && b === SENTENCES[1] && c === SENTENCES[2] ? ["你", "他", "我"] : [c, b, a];
}

function made3(vectors, texts) {
  const rows = TARGETS3.map((y, k) => solve(vectors, y, [0.1, 0.4, 0.4][k]));
  if (rows.some((row) => !row)) return null;
  return { head: null, names: madeNames(texts), y: vectors.map((v) => rows.map((w, k) => dot(w, v) + [0.1, 0.4, 0.4][k])) };
}

const LOW = -1, HIGH = 2;

function drawLabels() {
  if (!labels?.two || !labels.three) return put(boxes.labels, h("p", { class: "soft" }, t("no line")));
  const { two, three } = labels;
  const lows = Math.min(LOW, ...two.y) , highs = Math.max(HIGH, ...two.y), place = (y) => `${((y - lows) / (highs - lows)) * 100}%`;
  const verdicts = h("div", { class: "verdicts", "aria-live": "polite" });
  const cut = h("span", { class: "cut" });
  const points = two.y.map((y, i) => h("span", { class: `point ${hue(i)}`, style: { left: place(y) } }, h("i"), h("b", {}, short(y, 3))));
  const input = h("input", { type: "range", min: lows, max: highs, step: 0.01, value: state.line, "aria-label": t("threshold"), oninput: () => {
    state.line = Number(input.value);
    decide();
    tell("link");
  } });
  const decide = () => {
    cut.style.left = place(state.line);
    input.setAttribute("aria-valuetext", fixed(state.line, 2));
    put(verdicts, two.y.map((y, i) => h("div", { class: `verdict ${y >= state.line ? "yes" : "no"}` }, h("span", { class: `token ${hue(i)}` }, plain(compared.texts[i])),
      h("code", {}, `${short(y, 3)} ${y >= state.line ? "≥" : "<"} ${fixed(state.line, 2)}`), h("span", { class: "arrow", "aria-hidden": "true" }, "→"), h("strong", {}, y >= state.line ? plain(two.yes) : plain(two.no)))));
  };
  decide();
  put(boxes.labels, h("div", { class: "twofold even" },
    h("div", {}, h("h3", {}, t("two labels")), formula(V("y"), " = ", V("w"), "·", V("x"), " + ", V("b")), sums(two),
      h("div", { class: "number-line" }, h("span", { class: "rule" }), points, cut, input), h("p", { class: "soft center" }, t("threshold said")), verdicts, h("p", { class: "soft" }, two.head === null ? t("weights of the page") : t("weights of a head", { head: plain(two.head) }))),
    h("div", {}, h("h3", {}, t("more labels")), formula("argmax", h("sub", {}, "k"), " (", V("w"), h("sub", {}, "k"), "·", V("x"), " + ", V("b"), h("sub", {}, "k"), ")"), argmax(three))));
}

// What y is the sum of: the shares of the tokens, or of the columns of the vector.
function sums(two) {
  const lines = compared.texts.map((text, i) => {
    const said = two.explained?.[i];
    if (said) {
      const sign = said.label === two.yes ? 1 : -1;
      return h("li", {}, h("span", { class: `token ${hue(i)}` }, plain(text)), h("code", {}, `${said.tokens.slice(0, 8).map((one) => `${short(sign * one.share, 3)} (${plain(one.token)})`).join(" + ")}${said.tokens.length > 8 ? " + …" : ""} + ${short(sign * said.bias, 3)} = ${short(two.y[i], 3)}`));
    }
    if (!two.w) return h("li", {}, h("span", { class: `token ${hue(i)}` }, plain(text)), h("code", {}, short(two.y[i], 3)));
    return h("li", {}, h("span", { class: `token ${hue(i)}` }, plain(text)), h("code", {}, `${short(two.y[i] - two.b, 3)} + ${short(two.b, 3)} = ${short(two.y[i], 3)}`));
  });
  return h("ul", { class: "sums" }, lines);
}

function argmax(three) {
  const body = h("div");
  const show = (i) => {
    const y = three.y[i], low = Math.min(0, ...y), span = Math.max(...y) - low || 1, best = y.indexOf(Math.max(...y));
    put(body, h("div", { class: "segments", role: "group", "aria-label": t("sentence") }, compared.texts.map((text, j) => h("button", { type: "button", "aria-pressed": String(i === j), onclick: () => {
      state.at = j;
      show(j);
      body.querySelectorAll("button")[j].focus();
      tell("link");
    } }, plain(text)))),
    h("div", { class: "meters" }, y.map((x, k) => meter(three.names[k], (x - low) / span, short(x, 3), { class: k === best ? "best" : "" }))),
    h("p", { class: "said" }, t("argmax said", { y: y.map((x) => short(x, 3)).join(", "), label: plain(three.names[best]) })),
    h("p", { class: "soft" }, three.head === null ? t("weights of the page") : t("weights of a head", { head: plain(three.head) })));
  };
  show(Math.min(compared.texts.length - 1, Math.max(0, state.at)));
  return body;
}

// ---- the view ----

const step = (name, number, math, ...rest) => h("section", { class: "step", "aria-labelledby": `h-${name}` },
  h("div", { class: "step-head" }, h("span", { class: "number", "aria-hidden": "true" }, String(number)), h("div", {}, h("h2", { id: `h-${name}` }, t(`${name} title`)), h("p", { class: "lead" }, t(`${name} lead`))), math), rest);

function input(name, label) {
  return h("label", { class: "field" }, h("span", { class: "away" }, label), h("input", { type: "text", value: state[name], dir: "auto", spellcheck: false, maxLength: 400, "aria-label": label, oninput: (event) => {
    state[name] = event.target.value;
    refreshSentences();
    tell("link");
  } }));
}

const refreshSentences = later(120, () => work(async (signal) => {
  await loadSentences(signal);
  drawSentences();
  await loadLabels(signal);
  drawLabels();
}, "sentences"));

// The newest question of a kind alone is answered.
const running = new Map();

async function work(job, kind) {
  running.get(kind)?.abort();
  const control = new AbortController();
  running.set(kind, control);
  try {
    await job(control.signal);
    tell("fine");
  } catch (error) {
    if (error.name === "AbortError" || control.signal.aborted) return;
    wanted.error(error);
  }
}

function refreshText() {
  return work(async (signal) => {
    const data = await load(signal);
    if (signal.aborted) return;
    boxes.root.classList.remove("waiting");
    for (const draw of [drawTokens, drawOneHot, drawIds, drawTable, drawSwitch, drawProduct, drawVector]) draw(data);
    boxes.root.dataset.ready = data.text.length > 64 ? String(data.text.length) : data.text;
  }, "text");
}

const soon = later(12, refreshText), later_ = later(500, refreshText);

export function chainView(root, hooks) {
  wanted = hooks;
  boxes = { root };
  for (const name of ["tokens", "onehot", "ids", "table", "switch", "product", "vector", "sentences", "labels"]) boxes[name] = h("div", { class: `figure ${name}` });
  const area = h("textarea", { rows: 1, value: state.text, dir: "auto", spellcheck: false, "aria-label": t("your text"), id: "text", oninput: () => {
    state.text = area.value;
    (area.value.length > 20000 ? later_ : soon)();
    tell("link");
  } });
  const example = (text) => h("button", { type: "button", class: "example", lang: /[\u4e00-\u9fff]/.test(text) ? "zh" : "en", onclick: () => {
    area.value = state.text = text;
    refreshText();
    tell("link");
  } }, text);
  put(root, h("section", { class: "hero" }, h("h1", {}, t("chain title")), h("p", { class: "lead" }, t("chain lead")), area,
    h("div", { class: "examples" }, [SENTENCES[0], "我爱吃饺子", "I love to eat", "Embeddings turn text into numbers."].map(example))),
  step("tokens", 1, formula("“", V("text"), "” → ", V("t"), h("sub", {}, "1"), " … ", V("t"), h("sub", {}, "n")), boxes.tokens),
  step("onehot", 2, formula(V("X"), " ∈ {0, 1}", h("sup", {}, "n×V")), boxes.onehot),
  step("ids", 3, formula(V("id"), h("sub", {}, "i"), " = argmax", h("sub", {}, "j"), " ", V("X"), h("sub", {}, "ij")), boxes.ids),
  step("table", 4, formula(V("W"), " ∈ ℝ", h("sup", {}, "V×D")), boxes.table),
  step("product", 5, formula(V("Y"), " = ", V("X"), "·", V("W"), ",  ", V("Y"), h("sub", {}, "i"), " = ", V("W"), "[", V("id"), h("sub", {}, "i"), "]"), boxes.switch, boxes.product),
  step("vector", 6, formula(V("v"), " = ", h("span", { class: "over" }, "1/n"), " Σ", h("sub", {}, "i"), " ", V("Y"), h("sub", {}, "i"), model()?.normalize ? [",  ", V("v"), " / ‖", V("v"), "‖"] : null), boxes.vector),
  step("sentences", 7, formula("cos(", V("a"), ", ", V("b"), ") = ", V("a"), "·", V("b"), " / (‖", V("a"), "‖‖", V("b"), "‖)"), h("div", { class: "fields" }, input("a", t("sentence n", { n: 1 })), input("b", t("sentence n", { n: 2 })), input("c", t("sentence n", { n: 3 }))), boxes.sentences),
  step("labels", 8, formula(V("x"), " = ", V("v"), ",  ", V("y"), " = ", V("W"), V("x"), " + ", V("b")), boxes.labels));
  linkTokens(root);
  root.classList.add("waiting");
  refreshText();
  refreshSentences();
}

export function refreshChain() {
  refreshText();
  refreshSentences();
}
