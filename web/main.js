// SPDX-License-Identifier: Apache-2.0
// The frame around the views: their choice, model, key, language, colours, and what goes wrong.
import { h, svg, put, plain, copy } from "./dom.js";
import { t } from "./words.js";
import { hasServer, setKey, hasKey } from "./wire.js";
import { loadModels } from "./server.js";
import { state, listen, tell, readLink, writeLink } from "./state.js";
import { readScale, showTip } from "./draw.js";
import { VIEWS } from "./views.js";

const notice = h("div", { class: "notice", role: "status", hidden: true });
const main = h("main", { id: "main", tabIndex: -1 });
const header = h("header");
const keyForm = h("div", { class: "key-form", hidden: true });

// ---- what is remembered in this browser: how the page looks ----

const remember = (name, value) => {
  try {
    localStorage.setItem(`embedd ${name}`, value);
  } catch {
    // Not allowed here: then it is asked of the browser each time.
  }
};
const recall = (name) => {
  try {
    return localStorage.getItem(`embedd ${name}`);
  } catch {
    return null;
  }
};

const dark = matchMedia("(prefers-color-scheme: dark)");

// "light", "dark", or "": as the browser says.
function setTheme(theme) {
  state.theme = theme;
  document.documentElement.dataset.theme = theme || (dark.matches ? "dark" : "light");
  readScale();
}

function setLanguage(language) {
  state.language = language;
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
}

// ---- notices ----

let quiet = 0;

function say(text, kind, ms) {
  clearTimeout(quiet);
  put(notice, text);
  notice.className = `notice ${kind}`;
  notice.hidden = !text;
  if (ms) quiet = setTimeout(() => (notice.hidden = true), ms);
}

let isGone = false, retry = 0;

function fail(error) {
  if (error.status === 401) return askKey(hasKey() ? t("key wrong", { message: plain(error.message) }) : t("key asked"));
  if (error.status === 429 || error.status === 503) {
    const s = Math.min(30, Math.max(1, error.retryS));
    say(t("busy", { s }), "warn");
    clearTimeout(retry);
    retry = setTimeout(again, s * 1000);
    return undefined;
  }
  if (error.status) return say(t("refused", { message: plain(error.message) }), "bad");
  if (!isGone) say(t("gone"), "bad");
  return undefined;
}

function askKey(text) {
  const box = h("input", { type: "password", autocomplete: "off", "aria-label": t("key"), placeholder: t("key") });
  put(keyForm, h("form", { onsubmit: (event) => {
    event.preventDefault();
    setKey(box.value);
    keyForm.hidden = true;
    begin();
  } }, h("p", {}, text), box, h("button", { type: "submit" }, t("key save")), h("p", { class: "soft" }, t("key said"))));
  keyForm.hidden = false;
  box.focus();
}

async function again() {
  if (!state.models.length) return begin();
  return VIEWS[state.view][1]();
}

// ---- the frame ----

const SHAPES = {
  link: ["M9.5 14.5 14.5 9.5", "M11 7.5l2-2a4 4 0 0 1 5.6 5.6l-2 2", "M13 16.5l-2 2A4 4 0 0 1 5.4 13l2-2"],
  key: ["M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8z", "M12 12v9", "M12 16h3.5", "M12 20h4.5"],
  both: ["M12 3.5a8.5 8.5 0 1 0 0 17z", "M12 3.5a8.5 8.5 0 0 1 0 17"],
  light: ["M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z", "M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4"],
  dark: ["M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.500 10.500z"],
};
const icon = (name) => svg("svg", { viewBox: "0 0 24 24", class: `icon ${name}`, "aria-hidden": "true" }, SHAPES[name].map((d) => svg("path", { d })));

function drawHeader() {
  const tabs = Object.keys(VIEWS).map((name) => h("a", { href: `#${name}`, "aria-current": name === state.view ? "page" : undefined, onclick: (event) => {
    event.preventDefault();
    state.view = name;
    writeLink();
    render();
    scrollTo({ top: 0 });
    header.querySelector("[aria-current]")?.focus();
  } }, t(name)));
  const models = h("select", { "aria-label": t("model"), id: "model", onchange: () => {
    state.model = models.value;
    state.dims = 0;
    tell("model");
  } }, state.models.map((one) => h("option", { value: one.id, selected: one.id === state.model }, plain(one.id))));
  const themes = ["", "light", "dark"];
  put(header, h("a", { class: "skip", href: "#main", onclick: (event) => {
    event.preventDefault();
    main.focus();
  } }, t("skip")), h("div", { class: "bar" }, h("span", { class: "brand" }, h("i", { "aria-hidden": "true" }), "embedd"), h("nav", { "aria-label": t("views") }, tabs.length > 1 && tabs), h("div", { class: "tools" }, state.models.length ? models : null,
    h("button", { type: "button", id: "share", title: t("link"), "aria-label": t("link"), onclick: async () => {
      writeLink();
      if (await copy(location.href)) say(t("link copied"), "good", 1500);
    } }, icon("link")),
    hasServer && h("button", { type: "button", id: "key", title: t(hasKey() ? "key set" : "key"), "aria-label": t(hasKey() ? "key set" : "key"), onclick: () => (keyForm.hidden ? askKey("") : (keyForm.hidden = true)) }, icon("key"), hasKey() ? "✓" : null),
    h("button", { type: "button", id: "theme", title: t("theme", { theme: t(`theme ${state.theme}`) }), "aria-label": t("theme", { theme: t(`theme ${state.theme}`) }), onclick: () => {
      setTheme(themes[(themes.indexOf(state.theme) + 1) % 3]);
      remember("theme", state.theme);
      render();
      document.getElementById("theme").focus();
    } }, icon(state.theme || "both")),
    h("button", { type: "button", id: "language", lang: state.language === "zh" ? "en" : "zh", "aria-label": t("language name"), onclick: () => {
      setLanguage(state.language === "zh" ? "en" : "zh");
      remember("language", state.language);
      render();
      document.getElementById("language").focus();
    } }, t("language")))));
}

function render() {
  document.title = `embedd · ${t(state.view)}`;
  drawHeader();
  showTip({}, "");
  const root = h("div", { class: `view ${state.view}`, data: { view: state.view } });
  put(main, root);
  if (!state.models.length) put(root, h("p", { class: "soft" }, t("loading")));
  else VIEWS[state.view][0](root, { error: fail });
}

async function begin() {
  try {
    await loadModels();
    say("", "");
    render();
    writeLink();
  } catch (error) {
    fail(error);
  }
}

// ---- what the parts tell ----

listen("gone", () => {
  isGone = true;
  say(t("gone"), "bad");
});
listen("back", async () => {
  isGone = false;
  say(t("back"), "good", 2500);
  if (state.models.length) await loadModels().catch(() => {});
  again();
});
listen("fine", () => !isGone && !notice.classList.contains("good") && say("", ""));
listen("locked", () => {});
listen("replaced", async () => {
  await loadModels().catch(() => {});
  render();
  say(t("replaced"), "good", 4000);
});
listen("key", drawHeader);
listen("link", writeLink);
listen("view", () => {
  writeLink();
  render();
});
listen("model", () => {
  writeLink();
  const y = scrollY;
  render();
  scrollTo({ top: y });
});
listen("chain", () => {
  writeLink();
  VIEWS.chain[1]();
});
addEventListener("hashchange", () => {
  readLink(Object.keys(VIEWS));
  render();
});
dark.addEventListener("change", () => {
  setTheme(state.theme);
  render();
});

setLanguage(recall("language") ?? (navigator.languages.find((one) => /^(zh|en)/i.test(one)) ?? "en").slice(0, 2).toLowerCase());
setTheme(recall("theme") ?? "");
readLink(Object.keys(VIEWS));
document.body.append(header, notice, keyForm, main);
render();
begin();
