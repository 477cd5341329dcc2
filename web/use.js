// SPDX-License-Identifier: Apache-2.0
// Lines for clients, with this server's address; and all routes, from its own description.
import { h, put, copy, plain } from "./dom.js";
import { t } from "./words.js";
import { ask, hasKey } from "./wire.js";
import { model } from "./server.js";

let wanted;

// Where the page came from, without its last part: whatever prefix a proxy has.
const address = () => new URL(".", location.href).href.replace(/\/$/, "");

function examples() {
  const url = address(), name = model()?.id ?? "model", key = hasKey() ? "YOUR_KEY" : "unused", quoted = JSON.stringify(name);
  const auth = hasKey() ? " \\\n  -H 'Authorization: Bearer YOUR_KEY'" : "";
  const shell = (body) => `'${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
  return [
    ["curl", `curl ${url}/v1/embeddings${auth} \\\n  -d ${shell({ model: name, input: ["我爱吃饭", "I love to eat"] })}`],
    ["Python", `# pip install openai\nfrom openai import OpenAI\n\nclient = OpenAI(base_url="${url}/v1", api_key="${key}")\nreply = client.embeddings.create(model=${quoted}, input=["我爱吃饭", "I love to eat"])\nprint(len(reply.data), len(reply.data[0].embedding))`],
    ["Node", `// npm install openai\nimport OpenAI from "openai";\n\nconst client = new OpenAI({ baseURL: "${url}/v1", apiKey: "${key}" });\nconst reply = await client.embeddings.create({ model: ${quoted}, input: ["我爱吃饭", "I love to eat"] });\nconsole.log(reply.data.length, reply.data[0].embedding.length);`],
    ["LangChain", `# pip install langchain-openai\nfrom langchain_openai import OpenAIEmbeddings\n\nembeddings = OpenAIEmbeddings(base_url="${url}/v1", api_key="${key}", model=${quoted})\nvector = embeddings.embed_query("我爱吃饭")`],
    ["LiteLLM", `# pip install litellm\nimport litellm\n\nreply = litellm.embedding(model=${JSON.stringify(`openai/${name}`)}, api_base="${url}/v1", api_key="${key}",\n                          input=["我爱吃饭", "I love to eat"])`],
  ];
}

function snippet([name, text]) {
  const button = h("button", { type: "button", class: "copy", "aria-label": `${t("copy")}: ${name}`, onclick: async () => {
    const done = await copy(text);
    button.textContent = t(done ? "copied" : "not copied");
    setTimeout(() => (button.textContent = t("copy")), 1500);
  } }, t("copy"));
  return h("section", { class: "card snippet" }, h("div", { class: "snippet-head" }, h("h2", {}, name), button), h("pre", { class: "code", tabIndex: 0, role: "region", "aria-label": name }, text));
}

// What a field holds, in a few words.
function say(schema) {
  if (!schema) return "";
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((x) => JSON.stringify(x)).join(" | ");
  const some = (schema.anyOf ?? schema.allOf ?? schema.oneOf ?? []).filter((one) => one.type !== "null");
  if (some.length) return [...new Set(some.map(say))].join(" | ");
  if (schema.type === "array") return `[${say(schema.items) || "…"}]`;
  return [].concat(schema.type ?? []).join(" | ") + (schema.minimum !== undefined ? ` ≥ ${schema.minimum}` : "") + (schema.maximum !== undefined ? ` ≤ ${schema.maximum}` : "");
}

function route(path, method, what) {
  const schema = what.requestBody?.content?.["application/json"]?.schema, fields = Object.entries(schema?.properties ?? {});
  const inside = () => [fields.length ? h("table", { class: "rows" }, h("tbody", {}, fields.map(([name, field]) => h("tr", {}, h("td", {}, h("code", {}, name), schema.required?.includes(name) ? h("b", { title: t("required") }, " *") : null),
    h("td", { class: "soft" }, say(field)), h("td", {}, field.description ?? ""))))) : h("p", { class: "soft" }, t("no fields"))];
  const one = h("details", { class: "route", ontoggle: () => one.open && !one.dataset.full && (one.append(h("div", { class: "inside" }, inside())), (one.dataset.full = "1")) },
    h("summary", {}, h("span", { class: `method ${method}` }, method.toUpperCase()), h("code", {}, path), h("span", { class: "soft" }, what.summary)));
  return one;
}

async function reference(box) {
  try {
    const api = await ask("openapi.json"), groups = new Map();
    for (const [path, methods] of Object.entries(api.paths)) for (const [method, what] of Object.entries(methods)) {
      const group = what.tags?.[0] ?? "";
      groups.set(group, [...(groups.get(group) ?? []), route(path, method, what)]);
    }
    put(box, [...groups].map(([name, routes]) => [h("h3", {}, plain(name)), routes]));
    box.dataset.ready = String(box.querySelectorAll("details").length);
  } catch (error) {
    wanted.error(error);
  }
}

export function useView(root, hooks) {
  wanted = hooks;
  const box = h("div", { id: "reference" });
  put(root, h("section", { class: "hero" }, h("h1", {}, t("use title")), h("p", { class: "lead" }, t("use lead")), h("p", { class: "address" }, h("code", {}, `${address()}/v1`))),
    examples().map(snippet), h("section", { class: "card" }, h("h2", {}, t("reference")), h("p", { class: "lead" }, t("reference lead"), " ", h("a", { href: "docs" }, "/docs"), " · ", h("a", { href: "openapi.json" }, "openapi.json")), box));
  reference(box);
}
