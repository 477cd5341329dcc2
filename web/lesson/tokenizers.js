// SPDX-License-Identifier: Apache-2.0
// Text to tokens as the server cuts it: the two ways that the models of a lesson are made for.

// The last two were marks when the rules of the model were made, and are letters to browsers of today.
const MARKS = /[\p{Mn}\u1734\u{1171e}]/gu;
const isOther = /^[\p{Cc}\p{Cf}\p{Co}]$/u, isSpace = /^\s$/u, isMark = /^[\p{P}$+<=>^`|~]$/u;

// BERT's cleaning behind NFKC: what parts words is a space, controls go, accents go, small letters.
function clean(text) {
  let out = "";
  for (const c of text.normalize("NFKC")) {
    if (/[\t\n\r]/.test(c)) out += " ";
    else if (!isOther.test(c) && c !== "\ufffd") out += isSpace.test(c) ? " " : c;
  }
  return [...out.normalize("NFD").replace(MARKS, "")].map((c) => c.toLowerCase()).join("");
}

// A bit for each code point in ranges as "a-f,1f600".
function bitsOf(ranges) {
  const bits = new Uint8Array(0x110000 / 8);
  for (const range of ranges.split(",")) {
    const [first, last = first] = range.split("-").map((one) => parseInt(one, 16));
    for (let code = first; code <= last; code++) bits[code >> 3] |= 1 << (code & 7);
  }
  return (c) => bits[c.codePointAt(0) >> 3] >> (c.codePointAt(0) & 7) & 1;
}

// Around characters that the model does not know: browsers may know newer ones than it.
function cleanKnown(text, isStrange) {
  let out = "", run = "";
  for (const c of text) {
    if (!isStrange(c)) {
      run += c;
      continue;
    }
    out += clean(run) + c;
    run = "";
  }
  return out + clean(run);
}

// WordPiece without signs of continuation: of each word the longest token that fits, then the next.
// `letters` are the characters that words are made of; another one is a word by itself, as marks are.
// Those in `strange` are unknown.
export function wordPiece({ tokens, letters, strange, unknown }) {
  const ids = new Map(tokens.map((token, id) => [token, id])), within = new Set(letters), isStrange = bitsOf(strange);
  const longest = tokens.reduce((most, token) => Math.max(most, token.length), 0);
  const cut = (word, found) => {
    for (let at = 0; at < word.length;) {
      let to = Math.min(word.length, at + longest);
      while (to > at && !ids.has(word.slice(at, to))) to--;
      if (to === at) return found.push(unknown);
      found.push(ids.get(word.slice(at, to)));
      at = to;
    }
    return undefined;
  };
  return (text) => {
    const found = [];
    let word = "";
    const end = () => {
      cut(word, found);
      word = "";
    };
    for (const c of cleanKnown(text, isStrange)) {
      const isWord = within.has(c) && !isMark.test(c);
      if (isWord) {
        word += c;
        continue;
      }
      end();
      if (c !== " ") cut(c, found);
    }
    end();
    return found.map((id) => ({ token: tokens[id], id, isUnknown: id === unknown }));
  };
}

// A dictionary of single ideographs, without a row for what it does not hold: ideographs and marks by
// themselves, all else in words.
export function dictionary(tokens) {
  const ids = new Map(tokens.map((token, id) => [token, id])), ideographs = "\\u3007\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{3ffff}", marks = "\\p{P}$+<=>^`|~";
  const units = new RegExp(`[${ideographs}${marks}]|[^\\s\\x85${ideographs}${marks}]+`, "gu");
  return (text) => (text.match(units) ?? []).map((token) => ({ token, id: ids.get(token) ?? -1, isUnknown: !ids.has(token) }));
}
