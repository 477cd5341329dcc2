// SPDX-License-Identifier: Apache-2.0
// Labels by the heads of the model: a text looked into, and many in a table.
import { h, put, whole, short, fixed, plain, later, download } from "./dom.js";
import { t } from "./words.js";
import { ask } from "./wire.js";
import { model } from "./server.js";
import { state, tell } from "./state.js";
import { meter, shade } from "./draw.js";
import { linesOf } from "./similarity.js";

const BATCH_MAX = 1000;
const DEFAULT = ["我爱吃饭", "他爱吃饭", "你爱吃饭", "我爱你"];

let boxes, wanted, table = [];

const heads = () => model()?.heads ?? [];
const head = () => heads().find((one) => one.name === state.head) ?? heads()[0];

// Shares are of the tokens; a few kinds of heads have none, which the server says by 400.
async function ask1(text, line) {
  const question = { text: [text], model: state.model, head: head().name, explain: true, ...(line === null ? {} : { threshold: line }) };
  try {
    return (await ask("v1/classify", question)).data[0];
  } catch (error) {
    if (error.status !== 400) throw error;
    delete question.explain;
    return (await ask("v1/classify", question)).data[0];
  }
}

let line = null; // the threshold that was chosen; null: the head's own

const hasLine = () => head().kind !== "multi-class";

async function refreshOne() {
  const mine = (refreshOne.last = Symbol());
  try {
    const item = await ask1(state.text, hasLine() ? line : null);
    if (refreshOne.last !== mine) return;
    drawOne(item);
    boxes.root.dataset.ready = state.text;
    tell("fine");
  } catch (error) {
    wanted.error(error);
  }
}

const percent = (p) => `${fixed(p * 100, 1)} %`;

function drawOne(item) {
  const scores = Object.entries(item.scores), picked = new Set(item.labels);
  put(boxes.verdict, h("p", { class: "label" }, item.labels.length ? item.labels.map((one) => h("strong", { class: "tag" }, plain(one))) : h("span", { class: "soft" }, t("no label"))));
  put(boxes.scores, scores.slice(0, 12).map(([name, p]) => meter(name, p, percent(p), { class: picked.has(name) ? "best" : "", title: `y = ${short(item.logits[name], 4)}` })), scores.length > 12 ? h("p", { class: "soft" }, t("more labels n", { n: whole(scores.length - 12) })) : null);
  drawShares(item);
}

// The text with each token in the colour of what it adds.
function drawShares(item) {
  const said = item.explanation;
  if (!said) return put(boxes.shares, h("p", { class: "soft" }, t("no shares")));
  const points = [...state.text], max = Math.max(1e-9, ...said.tokens.map((one) => Math.abs(one.share))), parts = [];
  let at = 0;
  for (const one of said.tokens.slice(0, 400)) {
    if (one.start === null || one.start < at) continue;
    if (one.start > at) parts.push(plain(points.slice(at, one.start).join("")));
    parts.push(h("span", { class: "share", style: { "background-color": shade(one.share / max) }, title: `${plain(one.token)}: ${fixed(one.share, 4)}` }, plain(points.slice(one.start, one.end).join("")), h("small", {}, short(one.share, 2))));
    at = one.end;
  }
  parts.push(plain(points.slice(at, at + 2000).join("")));
  put(boxes.shares, h("p", { class: "sentence shares", dir: "auto" }, parts), h("p", { class: "said" }, t("shares said", { label: plain(said.label), bias: short(said.bias, 3), y: short(said.bias + said.tokens.reduce((sum, one) => sum + one.share, 0), 3) })));
  return undefined;
}

// ---- many ----

async function refreshMany() {
  const all = linesOf(state.batch ?? DEFAULT.join("\n")), texts = all.slice(0, BATCH_MAX), mine = (refreshMany.last = Symbol());
  try {
    table = texts.length ? (await ask("v1/classify", { text: texts, model: state.model, head: head().name, ...(hasLine() && line !== null ? { threshold: line } : {}) })).data.map((one, i) => ({ text: texts[i], ...one })) : [];
    if (refreshMany.last !== mine) return;
    put(boxes.count, t("texts said", { n: whole(texts.length) }), all.length > BATCH_MAX ? h("span", { class: "warn" }, ` ${t("lines cut", { n: whole(all.length - BATCH_MAX) })}`) : null);
    put(boxes.table, table.length ? h("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": t("many") }, h("table", { class: "rows" },
      h("thead", {}, h("tr", {}, [t("text"), t("label"), t("probability")].map((one, i) => h("th", { scope: "col", class: i === 2 ? "number" : "" }, one)))),
      h("tbody", {}, table.slice(0, 200).map((one) => h("tr", {}, h("td", { dir: "auto" }, plain(one.text)), h("td", {}, one.labels.length ? one.labels.map((label) => h("span", { class: "tag" }, plain(label))) : "–"),
        h("td", { class: "number" }, percent(best(one)))))))) : null, table.length > 200 ? h("p", { class: "soft" }, t("first rows", { n: 200 })) : null);
    tell("fine");
  } catch (error) {
    wanted.error(error);
  }
}

const best = (item) => (item.labels.length ? item.scores[item.labels[0]] : Math.max(...Object.values(item.scores)));

// A cell that a spreadsheet would take for a formula is a text.
function cell(value) {
  const text = String(value), safe = /^[=+\-@\t\r]/.test(text) && !/^-?[\d.e+-]+$/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvOf(rows) {
  const names = rows.length ? Object.keys(rows[0].scores).sort() : [];
  const lines = rows.map((one) => [one.text, one.labels.join(" "), ...names.map((name) => one.scores[name])].map(cell).join(","));
  return `\ufeff${[["text", "label", ...names.map((name) => `p(${name})`)].map(cell).join(","), ...lines].join("\r\n")}\r\n`;
}

// ---- the view ----

const soon = later(60, refreshOne), soonMany = later(250, refreshMany);

function none(root) {
  put(root, h("section", { class: "hero" }, h("h1", {}, t("classify title")), h("p", { class: "lead" }, t("no heads", { model: plain(model()?.id ?? "") })),
    h("pre", { class: "code", tabIndex: 0 }, "embedd train --input rows.csv --output my-model\nembedd serve --model my-model"), h("p", { class: "soft" }, t("no heads more"))));
}

function slider() {
  const said = h("output", {}, line === null ? t("own threshold") : fixed(line, 2));
  const box = h("input", { type: "range", min: 0, max: 1, step: 0.01, value: line ?? 0.5, "aria-label": t("threshold"), oninput: () => {
    line = Number(box.value);
    said.textContent = fixed(line, 2);
    soon();
    soonMany();
  } });
  return h("label", { class: "slider" }, h("span", {}, t("threshold")), box, said);
}

export function classifyView(root, hooks) {
  wanted = hooks;
  line = null;
  if (!heads().length) return none(root);
  boxes = { root, verdict: h("div", { "aria-live": "polite" }), scores: h("div", { class: "meters" }), shares: h("div"), table: h("div"), count: h("span", { class: "soft" }) };
  const area = h("textarea", { rows: 2, value: state.text, dir: "auto", spellcheck: false, "aria-label": t("your text"), oninput: () => {
    state.text = area.value;
    soon();
    tell("link");
  } });
  const many = h("textarea", { rows: 5, value: state.batch ?? DEFAULT.join("\n"), dir: "auto", spellcheck: false, "aria-label": t("many"), oninput: () => {
    state.batch = many.value;
    soonMany();
  } });
  const choice = h("div", { class: "segments", role: "group", "aria-label": t("head") }, heads().slice(0, 50).map((one) => h("button", { type: "button", "aria-pressed": String(one === head()), onclick: () => {
    state.head = one.name;
    tell("view");
  } }, plain(one.name))));
  const one = head();
  put(root, h("section", { class: "hero" }, h("h1", {}, t("classify title")), h("p", { class: "lead" }, t("classify lead")), area,
    h("div", { class: "under" }, h("span", { class: "soft" }, t("head")), choice, h("span", { class: "soft" }, one.kind === "binary" ? t("kind binary") : `${t(`kind ${one.kind}`)} · ${t("n labels", { n: whole(one.labels) })}`), hasLine() ? slider() : null)),
  h("div", { class: "twofold even cards" }, h("section", { class: "card" }, h("h2", {}, t("probabilities")), boxes.verdict, boxes.scores), h("section", { class: "card" }, h("h2", {}, t("why")), boxes.shares)),
  h("section", { class: "card" }, h("h2", {}, t("many")), many, h("div", { class: "under" }, boxes.count, h("button", { type: "button", class: "example", onclick: () => download("labels.csv", "text/csv;charset=utf-8", csvOf(table)) }, t("download"))), boxes.table));
  refreshOne();
  refreshMany();
  return undefined;
}

export function refreshClassify() {
  if (heads().length) {
    refreshOne();
    refreshMany();
  }
}
