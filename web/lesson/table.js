// SPDX-License-Identifier: Apache-2.0
// The models that lie in the page: web/lesson.py says what is written where.
import { wordPiece, dictionary } from "./tokenizers.js";

async function unpack(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

// Of 16 bits, as scales are: finite, and not too small.
function half(bits) {
  const size = bits & 0x7c00 ? 2 ** ((bits >> 10 & 31) - 15) * (1 + (bits & 1023) / 1024) : (bits & 1023) * 2 ** -24;
  return bits & 0x8000 ? -size : size;
}

// A row of 4-bit numbers: of each 32 columns the first 16 in the lower halves of 16 bytes.
function rowOf({ dim, rows, scales, mapping }, id) {
  const out = new Float32Array(dim), groups = dim / 32, row = mapping[id];
  for (let g = 0; g < groups; g++) {
    const scale = half(scales[row * groups + g]), from = row * dim / 2 + g * 16;
    for (let k = 0; k < 16; k++) {
      const byte = rows[from + k];
      out[32 * g + k] = scale * (byte << 28 >> 28);
      out[32 * g + k + 16] = scale * (byte << 24 >> 28);
    }
  }
  return out;
}

function large(data) {
  const [length] = new Uint32Array(data, 0, 1), text = (bytes) => new TextDecoder().decode(bytes);
  const about = JSON.parse(text(new Uint8Array(data, 4, length)));
  let at = 4 + length;
  const part = (name, Kind) => new Kind(data.slice(at, (at += about.parts[name])));
  const [tokens, letters, strange] = ["tokens", "letters", "strange"].map((name) => text(part(name, Uint8Array)));
  const table = { dim: about.dim, mapping: part("mapping", Uint32Array), scales: part("scales", Uint16Array), rows: part("rows", Uint8Array) };
  const list = tokens.split("\n");
  return { ...about, tokens: list, heads: [], row: (id) => rowOf(table, id), encode: wordPiece({ tokens: list, letters, strange, unknown: about.unknown }) };
}

const small = (one) => ({ ...one, row: (id) => Float32Array.from(one.rows[id]), encode: dictionary(one.tokens) });

export async function openModels() {
  const part = (id) => document.getElementById(id).textContent;
  return [large(await unpack(part("table"))), ...JSON.parse(part("small")).map(small)];
}
