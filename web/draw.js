// SPDX-License-Identifier: Apache-2.0
// Pictures of numbers: heat rows, bars, dots, tables of cosines, lines over time.
import { h, svg, range, short, fixed, plain } from "./dom.js";
import { t } from "./words.js";

export const hue = (i) => `c${i % 8}`;

// ---- colours of values ----

// Three colours of the theme, as numbers: below zero, zero, above.
let scale = null, cellShare = 0.6;

export function readScale() {
  const style = getComputedStyle(document.documentElement);
  cellShare = Number(style.getPropertyValue("--cell"));
  scale = ["--below", "--zero", "--above"].map((name) => style.getPropertyValue(name).split(",").map(Number));
}

function mix(share) {
  const [below, zero, above] = scale, end = share < 0 ? below : above;
  const part = Math.min(1, Math.abs(share)) ** 0.8;
  return zero.map((from, i) => Math.round(from + (end[i] - from) * part));
}

// Behind a number, which must be read on it.
export const shade = (share) => colour(Math.max(-1, Math.min(1, share)) * cellShare);
export const colour = (share) => `rgb(${mix(share).join(" ")})`;
export const largest = (rows) => rows.reduce((max, row) => row.reduce((m, x) => Math.max(m, Math.abs(x)), max), 0) || 1;

// ---- what the pointer is on ----

let tip;

export function showTip(event, text) {
  if (!tip) document.body.append((tip = h("div", { class: "tip", hidden: true })));
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  const width = tip.offsetWidth, x = Math.min(event.clientX + 14, innerWidth - width - 8);
  tip.style.left = `${Math.max(8, x)}px`;
  tip.style.top = `${event.clientY + (event.clientY > innerHeight - 60 ? -38 : 18)}px`;
}

function tellColumns(node, values, name) {
  node.addEventListener("pointermove", (event) => {
    const box = node.getBoundingClientRect();
    const i = Math.min(values.length - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * values.length)));
    showTip(event, `${name ? `${plain(name)} · ` : ""}${t("column", { i })}: ${fixed(values[i], 5)}`);
  });
  node.addEventListener("pointerleave", (event) => showTip(event, ""));
  return node;
}

// ---- rows ----

export const WIDE = 16; // more columns than this are colours without numbers

// A row of a matrix: a cell a column, with its number where there is room.
export function heatRow(values, max, name, props = {}) {
  if (values.length <= WIDE) {
    const cells = [...values].map((x) => h("span", { class: "cell", style: { "background-color": shade(x / max) } }, short(x)));
    return h("span", { ...props, class: `cells ${props.class ?? ""}`, style: { "--columns": values.length } }, cells);
  }
  const canvas = h("canvas", { ...props, class: `heat ${props.class ?? ""}`, width: values.length, height: 1 });
  const context = canvas.getContext("2d"), image = context.createImageData(values.length, 1);
  for (let i = 0; i < values.length; i++) image.data.set([...mix(values[i] / max), 255], 4 * i);
  context.putImageData(image, 0, 0);
  return tellColumns(canvas, values, name);
}

// A vector as bars from a line at zero.
export function bars(values, name) {
  const top = Math.max(0, ...values), span = top - Math.min(0, ...values) || 1, n = values.length, gap = n > 200 ? 0.12 : 0.2, zero = 1 + (top / span) * 98;
  const all = [...values].map((x, i) => {
    const height = (Math.abs(x) / span) * 98;
    return svg("rect", { x: i + gap / 2, width: 1 - gap, y: x < 0 ? zero : zero - height, height, class: x < 0 ? "below" : "above" });
  });
  const line = svg("line", { x1: 0, x2: n, y1: zero, y2: zero, class: "axis" });
  const picture = svg("svg", { viewBox: `0 0 ${n} 100`, preserveAspectRatio: "none", class: "bars", "aria-hidden": "true" }, all, line);
  return tellColumns(picture, values, name);
}

// ---- one-hot ----

// A row of V dots of which one is filled.
export function dotRow(width, column, i) {
  return svg("svg", { viewBox: `0 0 ${width * 20} 20`, preserveAspectRatio: "xMinYMid meet", class: `dots ${hue(i)}`, "aria-hidden": "true", "data-t": i },
    range(width).map((j) => svg("circle", { cx: j * 20 + 10, cy: 10, r: j === column ? 7 : 3, class: j === column ? "one" : "nought" })));
}

// V cells in a square, a pixel each where there are many.
export function dotSquare(width, column, i) {
  const side = Math.ceil(Math.sqrt(width)), zoom = Math.max(1, Math.floor(320 / side)), pixels = side * zoom;
  const canvas = h("canvas", { width: pixels, height: pixels }), context = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  context.fillStyle = style.getPropertyValue("--dot");
  if (zoom >= 3) {
    for (let j = 0; j < width; j++) context.fillRect((j % side) * zoom, Math.floor(j / side) * zoom, zoom - 1, zoom - 1);
  } else {
    context.fillRect(0, 0, pixels, Math.floor(width / side) * zoom);
    context.fillRect(0, Math.floor(width / side) * zoom, (width % side) * zoom, zoom);
    context.fillStyle = style.getPropertyValue("--dot2");
    for (let y = 0; y < side; y++) for (let x = y % 2; x < side && y * side + x < width; x += 2) context.fillRect(x * zoom, y * zoom, zoom, zoom);
  }
  const place = (at) => `${((at + 0.5) / side) * 100}%`;
  const one = h("i", { style: { left: place(column % side), top: place(Math.floor(column / side)) } });
  return h("div", { class: `square ${hue(i)}`, "aria-hidden": "true" }, canvas, one);
}

// ---- tables ----

// Cosines of some vectors with each other; null where there is none.
export function cosineTable(names, values, caption) {
  const digits = names.length > 6 ? 2 : 3;
  return h("table", { class: `cosines ${names.length > 6 ? "many" : ""}` }, h("caption", {}, caption),
    h("thead", {}, h("tr", {}, h("td"), names.map((name) => h("th", { scope: "col" }, plain(name))))),
    h("tbody", {}, values.map((row, i) => h("tr", {}, h("th", { scope: "row" }, plain(names[i])),
      row.map((x) => h("td", { style: x === null ? {} : { "background-color": shade(x) } }, x === null ? "–" : fixed(x, digits)))))));
}

// A list of (label, share of 1) as bars with the number behind.
export function meter(name, share, text, props = {}) {
  return h("div", { ...props, class: `meter ${props.class ?? ""}` }, h("span", { class: "meter-name", title: plain(name) }, plain(name)),
    h("span", { class: "meter-track" }, h("span", { class: "meter-bar", style: { width: `${Math.max(0, Math.min(1, share)) * 100}%` } })),
    h("span", { class: "meter-text" }, text));
}

// Lines over time: [{name, values}], each as many values, undefined where there is none.
export function timeLines(series, format) {
  const width = 300, height = 90, n = Math.max(2, ...series.map((one) => one.values.length));
  const max = Math.max(0, ...series.flatMap((one) => one.values.filter(Number.isFinite))) || 1;
  const lines = series.map((one, k) => {
    let path = "", isDown = true;
    one.values.forEach((x, i) => {
      if (!Number.isFinite(x)) return (isDown = true);
      path += `${isDown ? "M" : "L"}${((i / (n - 1)) * width).toFixed(1)} ${(height - 4 - (x / max) * (height - 12)).toFixed(1)}`;
      isDown = false;
    });
    return svg("path", { d: path, class: `line ${hue(k)}` });
  });
  const grid = [0.5, 1].map((share) => svg("line", { x1: 0, x2: width, y1: height - 4 - share * (height - 12), y2: height - 4 - share * (height - 12), class: "grid" }));
  return h("div", { class: "lines" }, svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" }, grid,
    svg("line", { x1: 0, x2: width, y1: height - 4, y2: height - 4, class: "axis" }), lines), h("span", { class: "lines-max" }, format(max)));
}

// The same things wherever they stand: what belongs to the token under the pointer, or in focus.
export function linkTokens(root) {
  const light = (event) => {
    // Where the pointer is on none, what has the focus is meant.
    const on = event.type === "pointerleave" || event.type === "focusout" ? null : event.target.closest?.("[data-t]");
    const token = (on ?? (event.type === "focusout" ? null : root.querySelector("[data-t]:focus")))?.getAttribute("data-t");
    if (root.dataset.lit === (token ?? "")) return;
    root.dataset.lit = token ?? "";
    for (const one of root.querySelectorAll("[data-t]")) one.classList.toggle("lit", token !== null && token !== undefined && one.getAttribute("data-t") === token);
  };
  for (const name of ["pointerover", "pointerleave", "focusin", "focusout"]) root.addEventListener(name, light);
}

