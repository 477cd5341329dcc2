// SPDX-License-Identifier: Apache-2.0
// How a question gets to the server, and how it answers. By addresses relative to the page: it may
// stand behind a prefix. A lesson answers by itself: lesson/wire.js has its place there.
import { tell } from "./state.js";

export const hasServer = true;

export class Refused extends Error {
  constructor(status, message, retry) {
    super(message);
    this.status = status;
    this.retryS = retry;
  }
}

// Of this tab, never written down.
let key = "";
export const hasKey = () => key !== "";

export function setKey(text) {
  key = text.trim();
  tell("key");
}

async function refusal(reply) {
  let message = "";
  try {
    const text = await reply.text();
    message = text;
    const body = JSON.parse(text);
    message = body.error?.message ?? (typeof body.error === "string" ? body.error : text);
  } catch {
    // It is no JSON: as it is.
  }
  return new Refused(reply.status, message.slice(0, 600), Number(reply.headers.get("retry-after")) || 1);
}

let isGone = false;

function noteGone(gone) {
  if (gone === isGone) return;
  isGone = gone;
  tell(gone ? "gone" : "back");
  if (gone) setTimeout(knock, 1000);
}

// Asks until it is there again.
async function knock() {
  try {
    const reply = await fetch("ready", { cache: "no-store" });
    if (reply.ok) return noteGone(false);
  } catch {
    // Not yet.
  }
  setTimeout(knock, 1500);
}

export async function ask(path, body, signal) {
  const headers = {};
  if (key) headers.authorization = `Bearer ${key}`;
  if (body) headers["content-type"] = "application/json";
  let reply;
  try {
    reply = await fetch(path, { method: body ? "POST" : "GET", body: body && JSON.stringify(body), headers, signal, cache: "no-store" });
  } catch (error) {
    if (error.name !== "AbortError") noteGone(true);
    throw error;
  }
  noteGone(false);
  noteModel(reply);
  if (!reply.ok) {
    const error = await refusal(reply);
    if (error.status === 401) tell("locked");
    throw error;
  }
  return path === "metrics" ? reply.text() : reply.json();
}

// "name/version" of what answered: another one than before, under the same name, is another model.
const seen = new Map();

function noteModel(reply) {
  const text = reply.headers.get("x-embedd-model");
  if (!text) return;
  const end = text.lastIndexOf("/");
  const name = end < 0 ? text : text.slice(0, end), version = end < 0 ? "" : text.slice(end + 1);
  const before = seen.get(name);
  seen.set(name, version);
  if (before !== undefined && before !== version) tell("replaced");
}

// 16-bit and 32-bit lists travel as text four times as long: rows come as base64.
export function floatsOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new Float32Array(bytes.buffer);
}
