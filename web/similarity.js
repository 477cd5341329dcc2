// SPDX-License-Identifier: Apache-2.0
// Many lines: how near each is to each, the nearest pairs, a map, a search; nearest tokens of a token.
import { h, svg, put, range, whole, fixed, plain, later, bytesText } from "./dom.js";
import { t } from "./words.js";
import { ask } from "./wire.js";
import { model, lookup, embed, cosine, dot } from "./server.js";
import { state, tell } from "./state.js";
import { colour, cosineTable, meter, showTip } from "./draw.js";

export const LINES_MAX = 200;
const LINE_MAX = 2000; // characters
const LABELLED = 16; // a matrix with its lines and numbers; a larger one is a picture
const DEFAULT = ["我爱吃饭", "我喜欢做饭", "今晚吃火锅吧", "I love to eat", "She is cooking dinner", "The restaurant opens at noon", "The train is late again", "地铁晚点了",
  "My flight was cancelled", "The cat sleeps on the sofa", "小猫在沙发上睡觉", "Two dogs play in the snow", "Stocks fell sharply today", "股市今天大跌", "The bank raised interest rates"];

let boxes, wanted, vectors = null, shown = [];

export const linesOf = (text) => text.split(/\r?\n/).map((line) => line.trim().slice(0, LINE_MAX)).filter(Boolean);

// The texts of a file: the first column of a CSV file, else its lines. Quotes as RFC 4180 has them.
export function readFile(name, text) {
  if (!/\.(csv|tsv)$/i.test(name)) return linesOf(text);
  const mark = /\.tsv$/i.test(name) ? "\t" : ",", rows = [[""]];
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i], row = rows.at(-1);
    if (isQuoted && c === '"' && text[i + 1] === '"') row[row.length - 1] += text[++i];
    else if (c === '"' && (isQuoted || row.at(-1) === "")) isQuoted = !isQuoted;
    else if (!isQuoted && c === mark) row.push("");
    else if (!isQuoted && c === "\n") rows.push([""]);
    else row[row.length - 1] += c;
  }
  const named = rows[0].map((one) => one.trim().toLowerCase());
  const column = Math.max(0, named.indexOf("text"));
  return rows.slice(named.includes("text") ? 1 : 0).map((row) => (row[column] ?? "").replace(/\s+/g, " ").trim().slice(0, LINE_MAX)).filter(Boolean);
}

// ---- two dimensions: the first two principal components, by repeated multiplication ----

export function principal(rows, k) {
  const n = rows.length, d = rows[0].length, mean = new Float64Array(d);
  for (const row of rows) for (let j = 0; j < d; j++) mean[j] += row[j] / n;
  const centred = rows.map((row) => Float64Array.from(row, (x, j) => x - mean[j]));
  // The smaller of the two ways round: n is at most 200.
  const gram = centred.map((a) => Float64Array.from(centred, (b) => dot(a, b)));
  const axes = [];
  for (let c = 0; c < k; c++) {
    let u = Float64Array.from(range(n), (i) => Math.sin(1 + i * (c + 1.37)));
    for (let turn = 0; turn < 120; turn++) {
      for (const { u: other } of axes) {
        const share = dot(u, other);
        u = u.map((x, i) => x - share * other[i]);
      }
      const next = Float64Array.from(gram, (row) => dot(row, u)), length = Math.sqrt(dot(next, next));
      if (length < 1e-12) {
        u = new Float64Array(n);
        break;
      }
      u = next.map((x) => x / length);
    }
    axes.push({ u, value: dot(Float64Array.from(gram, (row) => dot(row, u)), u) });
  }
  const all = gram.reduce((sum, row, i) => sum + row[i], 0) || 1;
  return { points: range(n).map((i) => axes.map(({ u, value }) => u[i] * Math.sqrt(Math.max(0, value)))), kept: axes.reduce((sum, one) => sum + Math.max(0, one.value), 0) / all };
}

// ---- drawing ----

const brief = (text) => (([...text].length > 30 ? `${[...text].slice(0, 29).join("")}…` : text));

function drawMatrix() {
  const n = shown.length, values = vectors.map((a) => vectors.map((b) => cosine(a, b)));
  if (n <= LABELLED) return put(boxes.matrix, h("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": t("matrix") }, cosineTable(shown.map(brief), values, t("cosines of lines"))));
  const canvas = h("canvas", { width: n, height: n, class: "matrix", role: "img", "aria-label": t("matrix label", { n }) }), context = canvas.getContext("2d"), image = context.createImageData(n, n);
  values.forEach((row, i) => row.forEach((x, j) => image.data.set([...colour((x ?? 0) * 0.9).match(/\d+/g).map(Number), 255], 4 * (i * n + j))));
  context.putImageData(image, 0, 0);
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect(), at = (x, size) => Math.min(n - 1, Math.max(0, Math.floor((x / size) * n)));
    const i = at(event.clientY - box.top, box.height), j = at(event.clientX - box.left, box.width);
    showTip(event, `${plain(brief(shown[i]))} · ${plain(brief(shown[j]))}: ${values[i][j] === null ? "–" : fixed(values[i][j])}`);
  });
  canvas.addEventListener("pointerleave", (event) => showTip(event, ""));
  return put(boxes.matrix, canvas, h("p", { class: "soft" }, t("matrix said", { n })));
}

function drawPairs() {
  const pairs = [];
  for (let i = 0; i < shown.length; i++) for (let j = i + 1; j < shown.length; j++) {
    const x = cosine(vectors[i], vectors[j]);
    if (x !== null) pairs.push([x, i, j]);
  }
  pairs.sort((a, b) => b[0] - a[0]);
  put(boxes.pairs, h("ol", { class: "pairs" }, pairs.slice(0, 10).map(([x, i, j]) => h("li", {}, h("strong", {}, fixed(x)), h("span", { dir: "auto" }, plain(shown[i])), h("span", { dir: "auto" }, plain(shown[j]))))));
}

// A map that is dragged and zoomed by wheel, buttons or keys.
function drawMap() {
  const { points, kept } = principal(vectors, 2), W = Math.max(280, boxes.map.clientWidth), H = Math.max(430, Math.round(W * 0.56));
  const ends = [0, 1].map((k) => [Math.min(...points.map((one) => one[k])), Math.max(...points.map((one) => one[k]))]);
  // Both axes in one scale, and all points inside, with room for their names.
  const scale = Math.min((W - Math.min(300, W / 2)) / (ends[0][1] - ends[0][0] || 1), (H - 70) / (ends[1][1] - ends[1][0] || 1)), middle = ends.map(([low, high]) => (low + high) / 2);
  const view = { x: 0, y: 0, zoom: 1 };
  const nodes = points.map(([x, y], i) => {
    const label = svg("text", { x: 9, y: 4 }, plain(brief(shown[i])));
    return { node: svg("g", { class: "spot" }, svg("circle", { r: 5 }), label), label, x: (x - middle[0]) * scale, y: (y - middle[1]) * scale };
  });
  const picture = svg("svg", { viewBox: `0 0 ${W} ${H}`, class: "scatter", tabindex: 0, role: "img", "aria-label": t("map label", { n: shown.length }) }, nodes.map((one) => one.node));
  const place = () => {
    const at = nodes.map(({ x, y }) => [W / 2 + (x - view.x) * view.zoom, H / 2 - (y - view.y) * view.zoom]);
    const taken = at.map(([left, top]) => [left - 6, top - 6, 12, 12]);
    for (const [i, { node, label }] of nodes.entries()) {
      const [left, top] = at[i];
      node.setAttribute("transform", `translate(${left.toFixed(1)} ${top.toFixed(1)})`);
      // A name is written where nothing else is: on the right, or on the left.
      const width = [...label.textContent].reduce((sum, c) => sum + (c > "\u2e80" ? 13.5 : 7), 0);
      const isFree = (box) => box[0] > 2 && box[0] + width < W - 2 && !taken.some(([a, b, c, d]) => box[0] < a + c && a < box[0] + box[2] && box[1] < b + d && b < box[1] + box[3]);
      const box = [[left + 8, top - 8, width, 16], [left - width - 8, top - 8, width, 16]].find(isFree);
      label.style.display = box ? "" : "none";
      if (!box) continue;
      label.setAttribute("x", box[0] < left ? -9 : 9);
      label.setAttribute("text-anchor", box[0] < left ? "end" : "start");
      taken.push(box);
    }
  };
  const zoom = (by) => () => {
    view.zoom = Math.min(40, Math.max(0.6, view.zoom * by));
    place();
  };
  const move = (x, y) => {
    view.x += x / view.zoom;
    view.y += y / view.zoom;
    place();
  };
  picture.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.shiftKey && document.activeElement !== picture) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2)();
  }, { passive: false });
  picture.addEventListener("pointerdown", (event) => {
    picture.setPointerCapture(event.pointerId);
    let [x, y] = [event.clientX, event.clientY];
    const box = picture.getBoundingClientRect();
    picture.onpointermove = (now) => {
      move(-((now.clientX - x) / box.width) * W, ((now.clientY - y) / box.height) * H);
      [x, y] = [now.clientX, now.clientY];
    };
    picture.onpointerup = picture.onpointercancel = () => (picture.onpointermove = null);
  });
  picture.addEventListener("keydown", (event) => {
    const keys = { "+": zoom(1.3), "=": zoom(1.3), "-": zoom(1 / 1.3), ArrowLeft: () => move(-40, 0), ArrowRight: () => move(40, 0), ArrowUp: () => move(0, 40), ArrowDown: () => move(0, -40) };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  place();
  const button = (sign, by, name) => h("button", { type: "button", class: "round", "aria-label": t(name), onclick: zoom(by) }, sign);
  put(boxes.map, h("div", { class: "mapframe" }, picture, h("div", { class: "zoom" }, button("+", 1.4, "zoom in"), button("−", 1 / 1.4, "zoom out"))), h("p", { class: "soft" }, t("map said", { share: fixed(kept * 100, 0) })));
}

const search = later(80, async () => {
  const query = (state.question ?? "").trim();
  if (!query || !vectors) return put(boxes.found);
  try {
    const [q] = await embed([query]);
    const found = vectors.map((v, i) => [cosine(q, v) ?? 0, i]).sort((a, b) => b[0] - a[0]).slice(0, 8);
    put(boxes.found, found.map(([x, i], k) => meter(shown[i], Math.max(0, x), fixed(x), { class: k === 0 ? "best" : "" })));
    tell("fine");
  } catch (error) {
    if (error.name !== "AbortError") wanted.error(error);
  }
});

// ---- nearest tokens ----

const PART = 8192, FIRST = 32, CANDIDATES = 300;

// The first columns of all rows, (V, columns), asked once a model and version.
let table = { name: "", rows: null };

const nameOf = ({ id, version, vocab_size, dim }) => JSON.stringify([id, version, vocab_size, dim]);

async function firstColumns(columns, say) {
  const name = nameOf(model()), V = model().vocab_size;
  if (table.name === name) return table.rows;
  const rows = new Float32Array(V * columns);
  for (let from = 0; from < V; from += PART) {
    say(from / V);
    const part = await lookup(range(Math.min(PART, V - from)).map((i) => from + i), columns);
    part.rows.forEach((row, i) => rows.set(row, (from + i) * columns));
  }
  // Unless another model has come meanwhile.
  if (nameOf(model()) === name) table = { name, rows };
  return rows;
}

// A first look by a few columns of all rows, then by all columns of the best.
async function nearest(token, say) {
  const { vocab_size: V, dim: D } = model(), ids = (await ask("v1/ids", { text: [token], model: state.model })).data[0].ids;
  if (!ids.length) return { name: null, list: [] };
  const { rows: [own], tokens: [name] } = await lookup([ids[0]], D), columns = Math.min(D, FIRST), all = await firstColumns(columns, say);
  const head = own.subarray(0, columns), near = Float32Array.from(range(V), (id) => cosine(head, all.subarray(id * columns, (id + 1) * columns)) ?? -1);
  const found = range(V).filter((id) => id !== ids[0]).sort((a, b) => near[b] - near[a]).slice(0, CANDIDATES), best = await lookup(found, D);
  return { name, list: found.map((id, i) => [cosine(own, best.rows[i]) ?? -1, id, best.tokens[i]]).sort((a, b) => b[0] - a[0]).slice(0, 12) };
}

function tokensPart() {
  const { vocab_size: V, dim: D } = model(), list = h("div", { class: "meters", "aria-live": "polite" });
  const box = h("input", { type: "text", value: "饭", "aria-label": t("a token"), maxLength: 60, dir: "auto" });
  const button = h("button", { type: "submit" }, t("look"));
  const form = h("form", { class: "inline", onsubmit: async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const { name, list: near } = await nearest(box.value, (share) => put(list, h("p", { class: "soft" }, t("looking", { share: Math.round(share * 100) }))));
      put(list, name === null ? h("p", { class: "soft" }, t("no tokens")) : [h("p", { class: "said" }, t("near token", { token: plain(name) })), near.map(([x, id, text]) => meter(text ?? "", Math.max(0, x), fixed(x), { data: { id } }))]);
      tell("fine");
    } catch (error) {
      put(list);
      wanted.error(error);
    }
    button.disabled = false;
  } }, box, button);
  return h("section", { class: "card" }, h("h2", {}, t("tokens near")), h("p", { class: "lead" }, t("tokens near lead", { V: whole(V), bytes: bytesText(V * Math.min(D, FIRST) * 5.4) })), form, list);
}

// ---- the view ----

async function refresh() {
  const all = linesOf(state.many || DEFAULT.join("\n")), lines = all.slice(0, LINES_MAX);
  put(boxes.count, t("lines said", { n: lines.length, max: LINES_MAX }), all.length > LINES_MAX ? h("span", { class: "warn" }, ` ${t("lines cut", { n: whole(all.length - LINES_MAX) })}`) : null);
  if (lines.length < 2) {
    vectors = null;
    for (const one of ["matrix", "pairs", "map", "found"]) put(boxes[one], one === "matrix" ? h("p", { class: "soft" }, t("two lines")) : null);
    return;
  }
  const mine = (refresh.last = Symbol());
  try {
    const got = await embed(lines);
    if (refresh.last !== mine) return;
    shown = lines;
    vectors = got;
    drawMatrix();
    drawPairs();
    drawMap();
    search();
    boxes.root.dataset.ready = String(lines.length);
    tell("fine");
  } catch (error) {
    wanted.error(error);
  }
}

const soon = later(250, refresh);

export function similarityView(root, hooks) {
  wanted = hooks;
  boxes = { root, matrix: h("div"), pairs: h("div"), map: h("div"), found: h("div", { class: "meters", "aria-live": "polite" }), count: h("span", { class: "soft" }) };
  const area = h("textarea", { rows: 8, value: state.many || DEFAULT.join("\n"), dir: "auto", spellcheck: false, "aria-label": t("lines"), oninput: () => {
    state.many = area.value;
    soon();
    tell("link");
  } });
  const take = async (file) => {
    if (!file) return;
    area.value = state.many = readFile(file.name, await file.slice(0, 4 << 20).text()).join("\n");
    refresh();
    tell("link");
  };
  const picker = h("input", { type: "file", accept: ".txt,.csv,.tsv,text/*", class: "away", id: "file", tabIndex: -1, "aria-hidden": "true", onchange: () => take(picker.files[0]) });
  const drop = h("div", { class: "drop", ondragover: (event) => {
    event.preventDefault();
    drop.classList.add("over");
  }, ondragleave: () => drop.classList.remove("over"), ondrop: (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files[0]);
  } }, area);
  const query = h("input", { type: "search", value: state.question ?? "", placeholder: t("query hint"), "aria-label": t("query"), dir: "auto", maxLength: 2000, oninput: () => {
    state.question = query.value;
    search();
  } });
  put(root, h("section", { class: "hero" }, h("h1", {}, t("similarity title")), h("p", { class: "lead" }, t("similarity lead")), drop,
    h("div", { class: "under" }, boxes.count, h("button", { type: "button", class: "example", onclick: () => picker.click() }, t("open file")), picker)),
  h("section", { class: "card" }, h("h2", {}, t("search")), query, boxes.found),
  h("section", { class: "card" }, h("h2", {}, t("map")), boxes.map),
  h("section", { class: "card" }, h("h2", {}, t("pairs")), boxes.pairs),
  h("section", { class: "card" }, h("h2", {}, t("matrix")), boxes.matrix), tokensPart());
  refresh();
}

export const refreshSimilarity = () => refresh();
