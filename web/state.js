// SPDX-License-Identifier: Apache-2.0
// What the page shows. All that a link should hold stands in the address behind its #.

export const SENTENCES = ["我爱吃饭", "他爱吃饭", "你爱吃饭"];

const kept = {
  view: "chain", text: SENTENCES[0], model: "", dims: 0, a: SENTENCES[0], b: SENTENCES[1], c: SENTENCES[2], line: 0.5, head: "", many: "", at: 0,
};

export const state = { ...kept, models: [], language: "en", theme: "", lines: null, batch: null, question: null };

const told = new Map();
export const listen = (what, call) => told.set(what, [...(told.get(what) ?? []), call]);
export const tell = (what) => (told.get(what) ?? []).forEach((call) => call());

export function readLink(views) {
  const [view, query] = location.hash.slice(1).split("?");
  if (views.includes(view)) state.view = view;
  for (const [name, value] of new URLSearchParams(query ?? "")) {
    if (!(name in kept) || name === "view") continue;
    const number = Number(value);
    if (typeof kept[name] !== "number") state[name] = value.slice(0, 20000);
    else if (Number.isFinite(number)) state[name] = number;
  }
}

// Texts longer than an address may be stay in the page alone.
export function writeLink() {
  const query = new URLSearchParams();
  for (const name of Object.keys(kept)) {
    if (name !== "view" && state[name] !== kept[name] && String(state[name]).length < 2000) query.set(name, state[name]);
  }
  const first = state.models[0]?.id;
  if (query.get("model") === first) query.delete("model");
  const text = query.toString();
  const link = `#${state.view}${text ? `?${text}` : ""}`;
  if (link !== location.hash) history.replaceState(null, "", link);
}
