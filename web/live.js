// SPDX-License-Identifier: Apache-2.0
// What the service does now, from /metrics: the last minutes, kept in the page.
import { h, put, whole, fixed, bytesText, plain } from "./dom.js";
import { t } from "./words.js";
import { ask } from "./wire.js";
import { tell } from "./state.js";
import { timeLines, hue } from "./draw.js";

const EVERY_MS = 2000, KEPT = 150; // five minutes

let boxes, wanted, samples = [], timer = 0;

// Prometheus' text: [{name, labels, value}]
export function parseMetrics(text) {
  const found = [];
  for (const line of text.split("\n")) {
    const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/i.exec(line);
    if (!match || line[0] === "#") continue;
    const labels = {};
    for (const [, name, value] of (match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[name] = value.replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c));
    found.push({ name: match[1], labels, value: Number(match[3].replace("Inf", "Infinity")) });
  }
  return found;
}

// Histograms by a label: {key: {buckets: [[bound, count]], count}}
function histograms(all, name, label) {
  const by = {};
  for (const one of all) {
    if (!one.name.startsWith(name)) continue;
    const entry = (by[one.labels[label]] ??= { buckets: [], count: 0 });
    if (one.name === `${name}_bucket`) entry.buckets.push([Number(one.labels.le.replace("+Inf", "Infinity")), one.value]);
    if (one.name === `${name}_count`) entry.count = one.value;
  }
  return by;
}

const sum = (all, name) => all.reduce((total, one) => total + (one.name === name ? one.value : 0), 0);

function sample(text) {
  const all = parseMetrics(text);
  return { at: performance.now(), routes: histograms(all, "embedd_request_duration_seconds", "route"), stages: histograms(all, "embedd_stage_duration_seconds", "stage"),
    requests: sum(all, "embedd_requests_total"), tokens: sum(all, "embedd_tokens_total"), connections: sum(all, "embedd_connections"), memory: sum(all, "process_resident_memory_bytes"),
    cpu: sum(all, "process_cpu_seconds_total"), inFlight: sum(all, "embedd_requests_in_flight"), start: sum(all, "process_start_time_seconds"),
    failed: all.reduce((total, one) => total + (one.name === "embedd_requests_total" && one.labels.code >= "500" ? one.value : 0), 0), models: all.filter((one) => one.name === "embedd_model_info").map((one) => one.labels) };
}

// The time that a share of what came between two samples took at most, by straight lines in buckets.
export function quantile(share, now, before) {
  const buckets = now.buckets.map(([bound, n], i) => [bound, n - (before?.buckets[i]?.[1] ?? 0)]), all = buckets.at(-1)?.[1] ?? 0;
  if (!all) return NaN;
  const want = share * all, i = buckets.findIndex(([, n]) => n >= want);
  if (buckets[i][0] === Infinity) return buckets[i - 1]?.[0] ?? NaN;
  const [low, below] = i > 0 ? buckets[i - 1] : [0, 0];
  return low + (buckets[i][0] - low) * ((want - below) / (buckets[i][1] - below || 1));
}

// All routes as one, but for the one that this page asks.
function together(routes) {
  const others = Object.entries(routes).filter(([name]) => name !== "/metrics").map(([, one]) => one);
  return { buckets: (others[0]?.buckets ?? []).map(([bound], i) => [bound, others.reduce((total, one) => total + (one.buckets[i]?.[1] ?? 0), 0)]), count: others.reduce((total, one) => total + one.count, 0) };
}

export const duration = (s) => (!Number.isFinite(s) ? "–" : s < 1e-3 ? `${fixed(s * 1e6, 0)} µs` : s < 1 ? `${fixed(s * 1e3, s < 0.01 ? 2 : 1)} ms` : `${fixed(s, 2)} s`);

function rates(read) {
  return samples.map((one, i) => (i === 0 ? undefined : Math.max(0, (read(one) - read(samples[i - 1])) / ((one.at - samples[i - 1].at) / 1000))));
}

const chart = (title, series, format, now, id) => h("figure", { class: "chart", id }, h("figcaption", {}, h("span", {}, title), h("strong", {}, now)), timeLines(series, format),
  series.length > 1 ? h("div", { class: "keys" }, series.map((one, k) => h("span", { class: `key ${hue(k)}` }, h("i"), one.name))) : null);

function draw() {
  const last = samples.at(-1), requests = rates((one) => together(one.routes).count), tokens = rates((one) => one.tokens), cpu = rates((one) => one.cpu);
  const times = (share) => samples.map((one, i) => (i === 0 ? NaN : quantile(share, together(one.routes), together(samples[i - 1].routes))));
  const p50 = times(0.5), p99 = times(0.99), number = (x) => (Number.isFinite(x) ? (x >= 100 ? whole(x) : fixed(x, 1)) : "–");
  const recent = (list) => [...list].reverse().find(Number.isFinite);
  put(boxes.charts,
    chart(t("requests per second"), [{ values: requests }], number, number(requests.at(-1)), "chart-requests"), chart(t("time per request"), [{ name: "p50", values: p50 }, { name: "p99", values: p99 }], duration, `${duration(recent(p50))} · ${duration(recent(p99))}`, "chart-times"),
    chart(t("tokens per second"), [{ values: tokens }], number, number(tokens.at(-1)), "chart-tokens"), chart(t("connections"), [{ values: samples.map((one) => one.connections) }], number, whole(last.connections), "chart-connections"),
    chart(t("memory"), [{ values: samples.map((one) => one.memory) }], bytesText, bytesText(last.memory), "chart-memory"), chart(t("processor"), [{ values: cpu }], (x) => `${fixed(x * 100, 0)} %`, Number.isFinite(cpu.at(-1)) ? `${fixed(cpu.at(-1) * 100, 0)} %` : "–", "chart-processor"));
  put(boxes.facts, [[t("models"), last.models.map((one) => (one.version ? t("model version", { model: plain(one.model), version: plain(one.version) }) : plain(one.model))).join(" · ")], [t("requests in all"), whole(last.requests)], [t("failed"), whole(last.failed)], [t("running since"), last.start ? new Date(last.start * 1000).toLocaleString(document.documentElement.lang) : "–"]]
    .map(([name, value]) => h("div", { class: "tile" }, h("span", { class: "tile-name" }, name), h("strong", {}, value))));
  drawTable(boxes.routes, t("route"), last.routes, samples[0].routes);
  drawTable(boxes.stages, t("stage"), last.stages, samples[0].stages);
  boxes.root.dataset.ready = String(samples.length);
}

// Since the page has looked; and in all, since the start.
function drawTable(box, title, now, first) {
  const rows = Object.entries(now).filter(([, one]) => one.count > 0).sort((a, b) => b[1].count - a[1].count);
  put(box, h("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": title }, h("table", { class: "rows" }, h("thead", {}, h("tr", {}, [title, t("count"), "p50", "p99"].map((one, i) => h("th", { scope: "col", class: i ? "number" : "" }, one)))),
    h("tbody", {}, rows.map(([name, one]) => {
      const before = one.count > (first[name]?.count ?? 0) ? first[name] : null;
      return h("tr", {}, h("td", {}, h("code", {}, plain(name))), h("td", { class: "number" }, whole(one.count)), h("td", { class: "number" }, duration(quantile(0.5, one, before))), h("td", { class: "number" }, duration(quantile(0.99, one, before))));
    })))));
}

async function look() {
  try {
    const text = await ask("metrics");
    const one = sample(text);
    // Another process: its counters begin anew.
    if (samples.length && one.requests < samples.at(-1).requests) samples = [];
    samples.push(one);
    samples = samples.slice(-KEPT);
    if (boxes.root.isConnected) draw();
    tell("fine");
  } catch (error) {
    if (error.status === 404) put(boxes.charts, h("p", { class: "soft" }, t("metrics elsewhere")));
    else wanted.error(error);
  }
}

export function liveView(root, hooks) {
  wanted = hooks;
  boxes = { root, charts: h("div", { class: "charts" }), facts: h("div", { class: "tiles" }), routes: h("div"), stages: h("div") };
  put(root, h("section", { class: "hero" }, h("h1", {}, t("live title")), h("p", { class: "lead" }, t("live lead")), boxes.facts), boxes.charts,
    h("section", { class: "card" }, h("h2", {}, t("by route")), boxes.routes), h("section", { class: "card" }, h("h2", {}, t("by stage")), boxes.stages));
  clearInterval(timer);
  timer = setInterval(() => (boxes.root.isConnected && boxes.root.dataset.view === "live" ? document.hidden || look() : clearInterval(timer)), EVERY_MS);
  if (samples.length) draw();
  look();
}

export const refreshLive = () => look();
