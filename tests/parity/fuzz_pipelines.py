# SPDX-License-Identifier: Apache-2.0
"""Random pipelines on random texts: ours and the reference library's must agree.

    build/venv/bin/python tests/parity/fuzz_pipelines.py --tokenizers 3000 --texts 40 --seed 7

Prints how many cases ran and the first that differs, made small. Where the reference itself panics or raises, the
text is skipped and counted.
"""
import argparse
import dataclasses
import json
import pathlib
import random
import sys
import tempfile

from tokenizers import Tokenizer

import lines
import reference

BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
REGEXES = [r"\s+", r"\p{L}+", r"\d", r"[aeiou]+", r"(?=b)", r"a|", r"\b", r"^", r"$", r"\w+|[^\w\s]+", r"(?<=a).", r"[^a-z]", r" ?\S+", r"x*"]
STRINGS = [" ", "a", "ab", "▁", "é", "中", "\u0301", "\n", "'s"]


@dataclasses.dataclass
class Result:
    cases: int = 0
    loaded: int = 0
    refused: int = 0
    skipped: int = 0
    failures: list = dataclasses.field(default_factory=list)


# What is inserted before the first character breaks the reference's own bookkeeping: its next normalizer panics, or
# moves places. So normalizers get no expression that matches nothing.
SOLID = [r"\s+", r"\p{L}+", r"\d", r"[aeiou]+", r"\w+|[^\w\s]+", r"(?<=a).", r"[^a-z]", r" ?\S+"]


def pattern(rng, regexes=REGEXES):
    return {"Regex": rng.choice(regexes)} if rng.random() < 0.5 else {"String": rng.choice(STRINGS)}


def boolean(rng):
    return rng.random() < 0.5


def normalizer(rng):
    kind = rng.choice(["BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Strip", "StripAccents", "Replace", "Replace",
                       "Prepend", "ByteLevel", "Nmt"])
    step = {"type": kind}
    if kind == "BertNormalizer":
        step |= {"clean_text": boolean(rng), "handle_chinese_chars": boolean(rng), "lowercase": boolean(rng),
                 "strip_accents": rng.choice([None, True, False])}
    if kind == "Strip":
        step |= {"strip_left": boolean(rng), "strip_right": boolean(rng)}
    if kind == "Replace":
        step |= {"pattern": pattern(rng, SOLID), "content": rng.choice(["", " ", "▁", "xy", "é", "a b"])}
    if kind == "Prepend":
        step |= {"prepend": rng.choice(["▁", " ", "ab", "é"])}
    return step


def pre_tokenizer(rng):
    kind = rng.choice(["BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits", "Split", "Split", "Split", "Metaspace",
                       "ByteLevel", "UnicodeScripts", "CharDelimiterSplit", "FixedLength"])
    step = {"type": kind}
    if kind == "Punctuation":
        step |= {"behavior": rng.choice(BEHAVIORS)}
    if kind == "Digits":
        step |= {"individual_digits": boolean(rng)}
    if kind == "Split":
        step |= {"pattern": pattern(rng), "behavior": rng.choice(BEHAVIORS), "invert": boolean(rng)}
    if kind == "Metaspace":
        step |= {"replacement": rng.choice("▁▁_"), "prepend_scheme": rng.choice(["first", "always", "never"]), "split": boolean(rng)}
    if kind == "ByteLevel":
        step |= {"add_prefix_space": boolean(rng), "trim_offsets": boolean(rng), "use_regex": boolean(rng)}
    if kind == "CharDelimiterSplit":
        step |= {"delimiter": rng.choice([" ", "a", "中", "▁"])}
    if kind == "FixedLength":
        step |= {"length": rng.randint(1, 4)}
    return step


def decoder(rng):
    kind = rng.choice(["WordPiece", "BPEDecoder", "ByteLevel", "Metaspace", "ByteFallback", "Fuse", "Replace", "CTC"])
    step = {"type": kind}
    if kind == "WordPiece":
        step |= {"prefix": rng.choice(["##", "a"]), "cleanup": boolean(rng)}
    if kind == "BPEDecoder":
        step |= {"suffix": rng.choice(["</w>", "a"])}
    if kind == "ByteLevel":
        step |= {"add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    if kind == "Metaspace":
        step |= {"replacement": "▁", "prepend_scheme": rng.choice(["first", "always", "never"]), "split": True}
    if kind == "Replace":
        step |= {"pattern": pattern(rng), "content": rng.choice(["", " ", "xy"])}
    if kind == "CTC":
        step |= {"pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": boolean(rng)}
    return step


def several(rng, make, key, most):
    steps = [make(rng) for _ in range(rng.randint(0, most))]
    if len(steps) == 1 and boolean(rng):
        return steps[0]
    if len(steps) > 2 and boolean(rng):
        steps = [steps[0], {"type": "Sequence", key: steps[1:]}]
    return {"type": "Sequence", key: steps} if steps else None


def words(rng, texts):
    """Bits of the texts: what a vocabulary is made of."""
    from tokenizers.pre_tokenizers import ByteLevel
    found = set()
    alphabet = sorted(ByteLevel.alphabet())
    for text in texts:
        for _ in range(12):
            at = rng.randrange(len(text) + 1)
            found.add(text[at:at + rng.randint(1, 4)])
            found.add("".join(rng.choice("abcdeĠ▁") for _ in range(rng.randint(1, 3))))
    found |= set(rng.sample(alphabet, rng.choice([20, 256])))
    return sorted(found - {""})


def model(rng, texts):
    kind = rng.choice(["WordPiece", "WordLevel", "BPE", "BPE", "Unigram"])
    tokens = words(rng, texts)
    rng.shuffle(tokens)
    fallback = [f"<0x{byte:02X}>" for byte in range(256)] if boolean(rng) else []
    if kind == "Unigram":
        vocab = [["<unk>", 0.0]] + [[token, -rng.randint(1, 64) / 8] for token in tokens + fallback if token != "<unk>"]
        return {"type": kind, "unk_id": 0, "byte_fallback": boolean(rng), "vocab": vocab}
    if kind == "WordLevel":
        return {"type": kind, "unk_token": "<unk>", "vocab": numbered(["<unk>"] + tokens)}
    if kind == "WordPiece":
        pieces = tokens + ["##" + token for token in tokens[:len(tokens) // 2]]
        return {"type": kind, "unk_token": "<unk>", "continuing_subword_prefix": "##", "max_input_chars_per_word": rng.choice([100, 5]),
                "vocab": numbered(["<unk>"] + pieces)}
    return bpe(rng, tokens, fallback)


def numbered(tokens):
    return {token: i for i, token in enumerate(dict.fromkeys(tokens))}


def bpe(rng, tokens, fallback):
    prefix, suffix = rng.choice([("", ""), ("", ""), ("", ""), ("##", ""), ("", "</w>")])
    use_fallback = boolean(rng) and not prefix and not suffix
    singles = sorted({c for token in tokens for c in token})
    vocab = ["<unk>"] + singles + [prefix + c for c in singles if prefix] + [c + suffix for c in singles if suffix]
    merges = []
    for _ in range(80):
        left, right = rng.choice(vocab[1:]), rng.choice(vocab[1:])
        if suffix and left.endswith(suffix) or prefix and not right.startswith(prefix):
            continue
        merges.append([left, right])
        vocab.append(left + right[len(prefix):])
    chosen = {"type": "BPE", "dropout": None, "unk_token": rng.choice(["<unk>", None]), "continuing_subword_prefix": prefix or None,
              "end_of_word_suffix": suffix or None, "fuse_unk": boolean(rng), "byte_fallback": use_fallback,
              "ignore_merges": boolean(rng), "vocab": numbered(vocab + fallback), "merges": merges}
    if boolean(rng) and not use_fallback:  # some characters are unknown: no merge may need them
        gone = set(rng.sample(singles, len(singles) // 4))
        kept = [t for t in chosen["vocab"] if not set(t) & gone]
        chosen["vocab"] = numbered(kept)
        chosen["merges"] = [m for m in merges if not set("".join(m)) & gone]
    return chosen


def added_tokens(rng, vocab_size):
    contents = rng.sample(["<s>", "</s>", "[MASK]", "ab", "Wort", "é", "中文", " x", "a b", "▁", "##q"], rng.randint(0, 4))
    return [{"id": 0, "content": content, "single_word": rng.random() < 0.3, "lstrip": rng.random() < 0.3, "rstrip": rng.random() < 0.3,
             "normalized": boolean(rng), "special": boolean(rng)} for content in contents]


def post_processor(rng, vocab):
    token, number = rng.choice(sorted(vocab.items()))
    flags = {"trim_offsets": boolean(rng), "add_prefix_space": boolean(rng)}
    choices = [None, {"type": "RobertaProcessing", "sep": [token, number], "cls": [token, number], **flags},
               {"type": "ByteLevel", "use_regex": True, **flags},
               {"type": "BertProcessing", "sep": [token, number], "cls": [token, number]},
               {"type": "Sequence", "processors": [
                   {"type": "ByteLevel", "use_regex": True, **flags},
                   {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "X", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
                    "special_tokens": {"X": {"id": "X", "ids": [number], "tokens": [token]}}}]}]
    return rng.choice(choices)


def random_text(rng):
    return "".join(rng.choice(lines.ALPHABET) for _ in range(rng.randint(0, 24)))


def random_tokenizer(rng, texts):
    chosen = model(rng, texts)
    vocab = dict(map(reversed, enumerate(t for t, _ in chosen["vocab"]))) if chosen["type"] == "Unigram" else chosen["vocab"]
    added = added_tokens(rng, len(vocab))
    free = len(vocab)
    for token in added:
        token["id"] = vocab.get(token["content"], free)
        free += token["id"] == free
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
            "normalizer": several(rng, normalizer, "normalizers", 4), "pre_tokenizer": several(rng, pre_tokenizer, "pretokenizers", 3),
            "post_processor": post_processor(rng, vocab), "decoder": several(rng, decoder, "decoders", 2), "model": chosen}


def want(tokenizer, special, text):
    try:
        return reference.theirs(tokenizer, special, text)
    except BaseException as error:  # a panic of the library is no Exception
        if isinstance(error, KeyboardInterrupt):
            raise
        return None


def compare(spec, texts, folder, result):
    text = json.dumps(spec, ensure_ascii=False)
    path = pathlib.Path(folder) / "tokenizer.json"
    path.write_text(text, encoding="utf-8")
    try:
        tokenizer = Tokenizer.from_str(text)
    except BaseException:
        result.skipped += len(texts)
        return None
    records = [(special, t) for t in texts for special in (0, 1)]
    try:
        answers = reference.ours(path, records)
    except reference.Refused as refusal:
        result.refused += 1
        result.failures.append({"refused": str(refusal), "tokenizer": spec})
        return None
    result.loaded += 1
    for (special, t), mine in zip(records, answers):
        theirs = want(tokenizer, special, t)
        if theirs is None:
            result.skipped += 1
            continue
        result.cases += 1
        if mine != theirs:
            return {"text": t, "special": special, "ours": mine, "theirs": theirs, "tokenizer": spec}
    return None


def smaller_specs(spec):
    for key, inner in (("normalizer", "normalizers"), ("pre_tokenizer", "pretokenizers"), ("decoder", "decoders")):
        part = spec[key]
        if part:
            yield {**spec, key: None}
        if part and part["type"] == "Sequence":
            for i in range(len(part[inner])):
                yield {**spec, key: {**part, inner: part[inner][:i] + part[inner][i + 1:]}}
                if len(part[inner]) == 1:
                    yield {**spec, key: part[inner][0]}
    if spec["post_processor"]:
        yield {**spec, "post_processor": None}
    if spec["added_tokens"]:
        yield {**spec, "added_tokens": []}


def smaller_texts(text):
    for i in range(len(text)):
        yield text[:i] + text[i + 1:]


def minimise(failure, folder):
    changed = True
    while changed:
        changed = False
        candidates = [(failure["tokenizer"], t) for t in smaller_texts(failure["text"])]
        candidates += [(spec, failure["text"]) for spec in smaller_specs(failure["tokenizer"])]
        for spec, text in candidates:
            found = compare(spec, [text], folder, Result())
            if found:
                failure, changed = found, True
                break
    return failure


def run(tokenizers, texts, seed, folder):
    result = Result()
    for i in range(tokenizers):
        rng = random.Random(f"{seed} {i}")
        some = [random_text(rng) for _ in range(texts)]
        spec = random_tokenizer(rng, some)
        failure = compare(spec, some, folder, result)
        if failure:
            result.failures.append(minimise(failure, folder))
            break
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokenizers", type=int, default=500)
    parser.add_argument("--texts", type=int, default=40)
    parser.add_argument("--seed", default="1")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = run(args.tokenizers, args.texts, args.seed, folder)
    print(f"{result.cases} cases, {result.loaded} tokenizers, {result.refused} refused, {result.skipped} texts skipped")
    for failure in result.failures[:1]:
        print(json.dumps(failure, ensure_ascii=True, indent=None))
    sys.exit(bool(result.failures))


if __name__ == "__main__":
    main()
