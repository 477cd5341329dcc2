// SPDX-License-Identifier: Apache-2.0
// A lesson has the chain alone, and says what is in the file.
import { h } from "../dom.js";
import { t, TABLES } from "../words.js";
import { chainView, refreshChain } from "../chain.js";
import { LESSON } from "./lesson_words.js";

for (const [language, words] of Object.entries(LESSON)) Object.assign(TABLES[language], words);

function lessonView(root, hooks) {
  chainView(root, hooks);
  root.append(h("section", { class: "card" }, h("h2", {}, t("file title")), ["file holds", "file lacks", "file rights"].map((key) => h("p", { class: "said" }, t(key)))));
}

export const VIEWS = { chain: [lessonView, refreshChain] };
