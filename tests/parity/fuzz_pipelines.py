#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random pipelines on random texts: the program's answers equal the reference's.

    build/venv/bin/python tests/parity/fuzz_pipelines.py [--cases 100000] [--seed 1] [--out FILE]
    build/venv/bin/python tests/parity/fuzz_pipelines.py --replay FILE

A case is a text under a pipeline, with or without special tokens. The first one that differs is made
small (steps left out, then vocabulary, then characters) and printed as JSON that --replay reads.
Cases that the reference itself refuses or panics at are counted and left out.
"""
import argparse
import json
import os
import random
import sys
import tempfile
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from tokenizers import Tokenizer  # noqa: E402
from tokenizers import pre_tokenizers as lib_pre_tokenizers  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))

import parts as p  # noqa: E402
from corpus import TOP  # noqa: E402
from lines import POOLS  # noqa: E402
from parts import part, whole  # noqa: E402
from rig import compare  # noqa: E402

TEXTS = 40  # of a pipeline
ATTEMPTS_MAX = 3000  # at making a case small
# What the program refuses on purpose, saying so: counted, and no failure.
DECIDED = ["is the second step that adds special tokens", "it must be there once", "no model is known that has both",
           "NUL byte in object key"]
BYTES = [f"<0x{b:02X}>" for b in range(256)]
BYTE_LETTERS = sorted(lib_pre_tokenizers.ByteLevel.alphabet())
LETTERS = list("abcdeéAB 1.'") + ["  ", "我", "们", "▁", "e\u0301", "ſ", "İ", "ß", "Σ", "\u200d", "👍", "🏽", "ᄀ", "ᅡ", "ᆨ", "각", "か",
                                  "\u3099", "ﬁ", "½", "\t", "\n", "\r\n", "\u3000", "\xa0", "\x00", "\ufeff", "\u0301", "\u0323", "क़",
                                  "ا", "١", "\u0345", "\U0001D15F", "\u2028", "|", "_", "##", "</w>", "Ġ", "<s>", "[M]", "#"]
CONTENTS = ["<s>", "[M]", "ab", "b", "é", "É", "我们", "我", " ", "  ", "a b", "\n", "▁", "▁a", "1", ".", "ﬁ", "Σ", "e\u0301", "<unk>", "aé",
            "AB", "##a", "ab a", "İ", "\u0301"]
ATOMS = ["a", "b", "[ab]", "[^a]", r"\s", r"\S", r"\d", r"\w", r"\W", r"\p{L}", r"\p{N}", r"\p{P}", r"\p{Lu}", r"\p{M}", r"\p{Han}", ".",
         r"[^\s\p{L}\p{N}]", "é", "我", " ", r"\n", r"[\r\n]", r"[a-c1]", "(?i:ab)", "(?i:s)", "(?:ab|a)", r"\p{Ll}", "▁", r"[^\p{L}]", r"\x{e9}",
         r"[一-龥]", r"[[:upper:]]", r"\h", r"\P{L}"]
QUANTIFIERS = ["", "", "", "", "+", "+", "*", "?", "{2}", "{1,3}", "{2,}", "+?", "*?", "++"]


# Left out, for the system's Oniguruma is older than the one in the reference: [[:punct:]], which does
# not have the symbols there; [[:alpha:]], which has some marks only here or there; characters younger
# than its Unicode 14 (Python 3.11's too).


# ---- random parts ----

def flag(chance):
    return chance.random() < 0.5


def regex(chance):
    kind = chance.random()
    if kind < 0.25:
        return chance.choice(p.FAMILIES)
    branches = []
    for _ in range(chance.choice([1, 1, 2, 3])):
        text = "".join(chance.choice(ATOMS) + chance.choice(QUANTIFIERS) for _ in range(chance.randint(1, 3)))
        if chance.random() < 0.15:
            text += chance.choice([r"(?!\S)", "(?=a)", "(?!b)", "$", r"\b", r"\z"])
        if chance.random() < 0.15:
            text = chance.choice(["^", r"\b", "(?<=a)", r"(?<!\s)", "(?<!a)", r"\A", r"\G"]) + text
        branches.append(text)
    return "|".join(branches)


def string(chance):
    return "".join(chance.choice(LETTERS) for _ in range(chance.choice([1, 1, 1, 2])))


def solid_regex(chance):
    """One that matches no empty text: after such insertions the reference's own places go wrong."""
    return chance.choice([r"\s+", r"\p{L}+", r"\d", "[aeé]+", r"\w+|[^\w\s]+", "(?<=a).", "[^a-z]", r" ?\S+", " {2,}", "a(?=b)", r"\p{M}",
                          "(?i:AB)", "[ab]{2}", "^a", "b$", r"\s+$", r"(?!a)\w"])


def normalizer(chance, deep=0):
    kind = chance.randrange(15 if deep < 2 else 14)
    if kind == 0:
        return p.bert_normalizer(flag(chance), chance.choice([None, True, False]), flag(chance), flag(chance))
    if kind < 8:
        return part(["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt"][kind - 1])
    if kind == 8:
        return part("Strip", strip_left=flag(chance), strip_right=flag(chance))
    if kind == 9:
        return p.replace(string(chance), chance.choice(["", string(chance)]))
    if kind == 10:
        return p.replace(solid_regex(chance), chance.choice(["", string(chance)]), True)
    if kind == 11:
        return part("Prepend", prepend=chance.choice(["▁", " ", "a", "é", string(chance)]))
    if kind == 12:
        return part("ByteLevel")
    if kind == 13:
        return charsmap(chance) or part("NFKC")
    return p.normalizers(*(normalizer(chance, deep + 1) for _ in range(chance.randint(0, 3))))


def charsmap(chance):
    """One of those of SentencePiece, out of the tokenizers made."""
    name = chance.choice(["norm-nmt-nfkc", "norm-nmt-nfkc-cf"])
    path = TOP / "build" / "parity" / f"{name}.json"
    if path not in CHARSMAPS:
        CHARSMAPS[path] = json.loads(path.read_text(encoding="utf-8"))["normalizer"] if path.is_file() else None
    return CHARSMAPS[path]


CHARSMAPS: dict = {}


def pre_tokenizer(chance, deep=0):
    kind = chance.randrange(14 if deep < 2 else 12)
    if kind < 4:
        return part(["BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts"][kind])
    if kind == 4:
        return part("Punctuation", behavior=chance.choice(p.BEHAVIOURS))
    if kind == 5:
        return part("Digits", individual_digits=flag(chance))
    if kind == 6:
        return p.split(string(chance), chance.choice(p.BEHAVIOURS), flag(chance), regex=False)
    if kind == 7:
        return p.split(regex(chance), chance.choice(p.BEHAVIOURS), flag(chance))
    if kind == 8:
        return p.metaspace(chance.choice(["first", "always", "never"]), flag(chance), chance.choice("▁▁▁_a"))
    if kind == 9:
        return p.byte_level(flag(chance), flag(chance), flag(chance))
    if kind == 10:
        return part("CharDelimiterSplit", delimiter=chance.choice([" ", "a", "▁", "我"]))
    if kind == 11:
        return part("FixedLength", length=chance.randint(1, 6))
    return p.pre_tokenizers(*(pre_tokenizer(chance, deep + 1) for _ in range(chance.randint(0, 3))))


def decoder(chance, deep=0):
    kind = chance.randrange(11 if deep < 2 else 9)
    if kind == 0:
        return p.word_piece_decoder(chance.choice(["##", "", "a", "▁"]), flag(chance))
    if kind == 1:
        return part("BPEDecoder", suffix=chance.choice(["</w>", "a", "▁", "e"]))
    if kind == 2:
        return p.byte_level()
    if kind == 3:
        return p.metaspace(chance.choice(["first", "always", "never"]), flag(chance), chance.choice("▁▁_a"))
    if kind < 6:
        return part(["ByteFallback", "Fuse"][kind - 4])
    if kind == 6:
        return p.strip_decoder(chance.choice(" a▁é"), chance.randint(0, 2), chance.randint(0, 2))
    if kind == 7:
        return p.replace(*((regex(chance), string(chance), True) if flag(chance) else (string(chance), string(chance))))
    if kind == 8:
        return p.ctc(chance.choice(["<s>", "a", "<unk>"]), chance.choice(["|", "▁", "b"]), flag(chance))
    return p.decoders(*(decoder(chance, deep + 1) for _ in range(chance.randint(0, 4))))


def post_processor(chance, vocab, deep=0):
    known = sorted(vocab, key=vocab.get)
    kind = chance.randrange(5 if deep < 2 else 4)
    cls, sep = chance.choice(known), chance.choice(known)
    if kind == 0:
        return p.bert_processing(vocab, sep, cls)
    if kind == 1:
        return p.roberta_processing(vocab, sep, cls, flag(chance), flag(chance))
    if kind == 2:
        return p.byte_level(flag(chance), flag(chance), flag(chance))
    if kind == 3:
        return p.template(vocab, *chance.choice([(cls, "$A"), ("$A", sep), (cls, "$A", sep), (cls, sep, "$A"), ("$A",),
                                                 ("$A", cls, "$A"), (cls,)]))
    return p.processors(*(post_processor(chance, vocab, deep + 1) for _ in range(chance.randint(0, 3))))


# ---- random models ----

def alphabet(chance):
    found = chance.sample(LETTERS, chance.randint(3, len(LETTERS)))
    if chance.random() < 0.4:
        found += BYTE_LETTERS if flag(chance) else chance.sample(BYTE_LETTERS, 60)
    return list(dict.fromkeys(c for text in found for c in text))


def pieces(chance, chars, n, longest=4):
    return ["".join(chance.choice(chars) for _ in range(chance.randint(1, longest))) for _ in range(n)]


def numbered(chance, tokens):
    tokens = list(dict.fromkeys(t for t in tokens if t))
    if flag(chance):
        chance.shuffle(tokens)
    return {token: i for i, token in enumerate(tokens)}


def bpe(chance, chars):
    prefix, suffix = chance.choice([(None, None)] * 4 + [("##", None), (None, "</w>"), ("@", "_"), ("é", None)])
    start, end = prefix or "", suffix or ""
    tokens = chars + [f"{start}{c}" for c in chars] + [f"{c}{end}" for c in chars] + [f"{start}{c}{end}" for c in chars]
    tokens = list(dict.fromkeys(tokens))
    merges: dict = {}
    for _ in range(chance.randint(0, 120)):
        left, right = chance.choice(tokens), chance.choice(tokens)
        if (end and left.endswith(end)) or not right.startswith(start):
            continue
        merges[left, right] = left + right[len(start):]
        tokens.append(merges[left, right])
    fallback = flag(chance)
    tokens += ["<unk>"] + (BYTES if fallback and chance.random() < 0.9 else BYTES[60:70])
    if chance.random() < 0.3:
        tokens += pieces(chance, chars, 20)
    merged = [[left, right] for left, right in merges]
    if chance.random() < 0.3 and not any(" " in text for pair in merged for text in pair):
        merged = [" ".join(pair) for pair in merged]
    return {"type": "BPE", "dropout": None, "unk_token": chance.choice(["<unk>", "<unk>", None]), "continuing_subword_prefix": prefix,
            "end_of_word_suffix": suffix, "fuse_unk": flag(chance), "byte_fallback": fallback,
            "ignore_merges": flag(chance), "vocab": numbered(chance, tokens), "merges": merged}


def model(chance):
    chars = alphabet(chance)
    kind = chance.randrange(6)
    if kind == 0:
        prefix = chance.choice(["##", "", "a", "▁"])
        tokens = chars[:chance.randint(1, len(chars))] + pieces(chance, chars, 40)
        tokens += [prefix + token for token in chars + pieces(chance, chars, 40)] + ["<unk>"]
        return {"type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": prefix,
                "max_input_chars_per_word": chance.choice([1, 3, 8, 100]), "vocab": numbered(chance, tokens)}
    if kind == 1:
        return {"type": "WordLevel", "vocab": numbered(chance, ["<unk>"] + chars + pieces(chance, chars, 80)), "unk_token": "<unk>"}
    if kind < 4:
        return bpe(chance, chars)
    tokens = ["<unk>"] + chars[:chance.randint(1, len(chars))] + pieces(chance, chars, 100)
    fallback = flag(chance)
    tokens += BYTES if fallback and chance.random() < 0.9 else []
    tokens = list(dict.fromkeys(tokens))
    step = chance.choice([0.0, 0.5, 1.0])  # equal sums are as likely as not
    scores = [round(-chance.random() * 10 / step) * step if step else -chance.random() * 10 for _ in tokens]
    return {"type": "Unigram", "unk_id": 0, "vocab": [list(pair) for pair in zip(tokens, scores)], "byte_fallback": fallback}


def vocab_of(model):
    return {piece: i for i, (piece, _) in enumerate(model["vocab"])} if model["type"] == "Unigram" else model["vocab"]


def added_tokens(chance, vocab):
    free, tokens = max(vocab.values()) + 1, []
    for content in chance.sample(CONTENTS, chance.choice([0, 0, 1, 2, 3, 5])):
        token_id = vocab.get(content, free)
        free += token_id == free
        tokens.append(p.added(token_id, content, chance.random() < 0.3, chance.random() < 0.3, chance.random() < 0.3, flag(chance),
                              flag(chance)))
    return tokens


# Fields of every kind: where a part has them that is of another kind, or does not say its kind.
STRAY = {"clean_text": True, "handle_chinese_chars": False, "strip_accents": None, "lowercase": True, "strip_left": True,
         "strip_right": False, "prepend": "a", "pattern": {"String": "b"}, "content": "é", "suffix": "b", "prefix": "a",
         "cleanup": False, "pad_token": "a", "word_delimiter_token": "b", "start": 1, "stop": 0, "sep": ["x", 0], "cls": ["y", 1],
         "trim_offsets": True, "add_prefix_space": False, "use_regex": False, "behavior": "Removed", "invert": True, "length": 2,
         "delimiter": "a", "individual_digits": True, "pair": [], "special_tokens": {}, "later": [1, {"type": "BPE"}],
         "unk_id": 1, "max_input_chars_per_word": 5, "continuing_subword_prefix": "", "end_of_word_suffix": None}


def stray(chance, found, is_typed):
    """A part as old files and those of other programs have it, those in it too."""
    found = {key: [stray(chance, item, True) for item in value] if key in p.LISTS else value for key, value in found.items()}
    for key in chance.sample(sorted(STRAY), chance.choice([0, 0, 1, 3, 8])):
        found.setdefault(key, STRAY[key])
    if is_typed and chance.random() < 0.4:
        found.pop("type", None)
    elif is_typed and chance.random() < 0.1:
        found["type"] = chance.choice(["Future", None, "Lowercase", "ByteLevel"])
    items = list(found.items())
    chance.shuffle(items)
    return dict(items)


def aged(chance, spec):
    """The pipeline with some parts that the library tells by their fields, and keys that it passes over."""
    for key in ("model", "normalizer", "pre_tokenizer", "post_processor", "decoder"):
        if spec[key] is not None and chance.random() < 0.4:
            spec[key] = stray(chance, spec[key], key != "pre_tokenizer")
    return spec


def pipeline(chance):
    made = model(chance)
    vocab = vocab_of(made)
    tokens = added_tokens(chance, vocab)
    every = {**vocab, **{t["content"]: t["id"] for t in tokens}}
    spec = whole(made, normalizer(chance) if chance.random() < 0.7 else None, pre_tokenizer(chance) if chance.random() < 0.8 else None,
                 post_processor(chance, every) if flag(chance) else None, decoder(chance) if chance.random() < 0.8 else None, tokens)
    return aged(chance, spec) if chance.random() < 0.3 else spec


def random_text(chance):
    pools = [LETTERS, LETTERS, CONTENTS, POOLS[chance.choice(list(POOLS))], list("ab ")]
    pools = chance.sample(pools, chance.randint(1, 3))
    text = "".join(chance.choice(chance.choice(pools)) for _ in range(chance.randint(0, chance.choice([4, 12, 40]))))
    return "".join(c for c in text if unicodedata.category(c) != "Cn")


# ---- searching ----

@dataclass
class Found:
    cases: int = 0
    skipped: int = 0  # cases the reference refuses
    pipelines: int = 0
    unloadable: int = 0  # pipelines the reference refuses
    decided: int = 0  # pipelines the program refuses on purpose
    failure: dict = field(default_factory=dict)


def differs(spec, texts, kinds=(False, True)):
    """What differs, as compare; or None where the reference does not take the pipeline."""
    text = json.dumps(spec, ensure_ascii=False)
    try:
        tokenizer = Tokenizer.from_str(text)
    except KeyboardInterrupt:
        raise
    except BaseException:  # a panic of the library is no Exception
        return None
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        return compare(file.name, tokenizer, texts, kinds)


def failure_of(spec, texts, kinds=(False, True)):
    """The first case that differs, or {}."""
    result = differs(spec, texts, kinds)
    if result is None:
        return {}
    differing, _, complaint = result
    if complaint and not differing:
        return {"tokenizer": spec, "text": texts[0], "special": kinds[0], "ours": complaint, "reference": "takes it", "refused": True}
    for text, special, ours, want in differing:
        if want is not None or complaint:
            return {"tokenizer": spec, "text": text, "special": special, "ours": complaint if ours is None else str(ours),
                    "reference": str(want)}
    return {}


def lists_of(spec):
    """Every list of parts in a pipeline that items may be left out of."""
    yield spec["added_tokens"]
    if spec["model"].get("merges"):
        yield spec["model"]["merges"]
    if isinstance(spec["model"].get("vocab"), list):
        yield spec["model"]["vocab"]
    waiting = [spec[key] for key in ("normalizer", "pre_tokenizer", "post_processor", "decoder")]
    while waiting:
        found = waiting.pop()
        for inner in [found[key] for key in p.LISTS if key in (found or {})]:
            yield inner
            waiting += inner


def halves(n):
    """Slices to leave out: large ones first."""
    size = n
    while size:
        yield from ((at, min(at + size, n)) for at in range(0, n, size))
        size //= 2


def smaller(spec):
    for key in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
        if spec[key] is not None:
            yield {**spec, key: None}
    for which, items in enumerate(lists_of(spec)):
        for start, end in halves(len(items)):
            copy = json.loads(json.dumps(spec))
            del list(lists_of(copy))[which][start:end]
            yield copy
    vocab = spec["model"]["vocab"]
    if isinstance(vocab, dict):
        names = list(vocab)
        for start, end in halves(len(names)):
            kept = names[:start] + names[end:]
            yield {**spec, "model": {**spec["model"], "vocab": {name: vocab[name] for name in kept}}}


def minimised(failure):
    attempts = 0

    def shrunk(spec, text):
        nonlocal attempts
        attempts += 1
        found = failure_of(spec, [text], [failure["special"]])
        # It must stay the same failure: a refusal by the same words, anything else no refusal.
        if found.get("refused") != failure.get("refused"):
            return {}
        return {} if found.get("refused") and words(found) != words(failure) else found

    def words(failure):
        return "".join(c for c in failure["ours"] if c.isalpha())[:60]

    found = True
    while found and attempts < ATTEMPTS_MAX:
        found = {}
        for spec in smaller(failure["tokenizer"]):
            found = shrunk(spec, failure["text"])
            if found or attempts >= ATTEMPTS_MAX:
                break
        text = failure["text"]
        for start, end in halves(len(text)) if not found else ():
            found = shrunk(failure["tokenizer"], text[:start] + text[end:])
            if found or attempts >= ATTEMPTS_MAX:
                break
        failure = found or failure
    return failure


def search(cases, seed):
    """Cases until one differs; that one is made small."""
    found = Found()
    while found.cases < cases:
        chance = random.Random(f"{seed} {found.pipelines + found.unloadable}")
        spec = pipeline(chance)
        texts = [random_text(chance) for _ in range(TEXTS)]
        result = differs(spec, texts)
        if result is None:
            found.unloadable += 1
            continue
        found.pipelines += 1
        differing, refused, complaint = result
        if complaint and not differing and any(words in complaint for words in DECIDED):
            found.decided += 1
            continue
        found.skipped += refused
        found.cases += 2 * len(texts) - refused
        if differing or complaint:
            first = failure_of(spec, texts)
            found.failure = minimised(first) if first else {}
            if found.failure:
                break
    return found


def described(failure):
    return (f"{json.dumps(failure, ensure_ascii=True)}\n\ntext {failure['text']!r}, special tokens {failure['special']}\n"
            f"ours      {failure['ours']}\nreference {failure['reference']}")


def quiet():
    """The library's panics write to standard error; what we say still reaches it."""
    kept = os.dup(2)
    sys.stderr = os.fdopen(kept, "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def replay(path):
    case = json.loads(Path(path).read_text(encoding="utf-8").split("\n")[0])
    found = failure_of(case["tokenizer"], [case["text"]], [case["special"]])
    print(described(found) if found else "equal")
    return bool(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--out", help="a file for the case that differs")
    parser.add_argument("--replay", metavar="FILE")
    args = parser.parse_args()
    quiet()
    if args.replay:
        sys.exit(replay(args.replay))
    found = search(args.cases, args.seed)
    print(f"{found.cases} cases of {found.pipelines} pipelines; the reference refused {found.skipped} cases and "
          f"{found.unloadable} pipelines, the program {found.decided} pipelines on purpose")
    if found.failure:
        print(described(found.failure))
        if args.out:
            Path(args.out).write_text(json.dumps(found.failure) + "\n", encoding="utf-8")
    sys.exit(bool(found.failure))


if __name__ == "__main__":
    main()
