# SPDX-License-Identifier: Apache-2.0
"""The parts of tokenizer.json as it spells them, and regular expressions of well-known families."""

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = CL100K.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
# Line breaks stand in it as they are.
DEEPSEEK = (r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
            r"""| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""").replace(r"\r\n", "\r\n")
CLIP = (r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]"
        r"|[^\s\p{L}\p{N}]+")
CJK = "[一-龥\u3040-ゟ゠-ヿ]+"
FAMILIES = [GPT2, CL100K, QWEN2, O200K, DEEPSEEK, CLIP, CJK, r"\p{N}{1,3}"]

BEHAVIOURS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]


def part(kind, **values):
    return {"type": kind, **values}


def pattern(text, regex=False):
    return {"Regex" if regex else "String": text}


LISTS = ("normalizers", "pretokenizers", "processors", "decoders")  # of Sequences


def sequence(items, key):
    return part("Sequence", **{key: list(items)})


def normalizers(*items):
    return sequence(items, "normalizers")


def pre_tokenizers(*items):
    return sequence(items, "pretokenizers")


def processors(*items):
    return sequence(items, "processors")


def decoders(*items):
    return sequence(items, "decoders")


def bert_normalizer(lowercase=True, strip_accents=None, clean_text=True, chinese=True):
    return part("BertNormalizer", clean_text=clean_text, handle_chinese_chars=chinese,
                strip_accents=strip_accents, lowercase=lowercase)


def replace(text, content, regex=False):
    return part("Replace", pattern=pattern(text, regex), content=content)


def split(text, behaviour="Isolated", invert=False, regex=True):
    return part("Split", pattern=pattern(text, regex), behavior=behaviour, invert=invert)


def byte_level(add_prefix_space=False, trim_offsets=True, use_regex=True):
    return part("ByteLevel", add_prefix_space=add_prefix_space, trim_offsets=trim_offsets,
                use_regex=use_regex)


def metaspace(scheme="always", splits=True, replacement="▁"):
    return part("Metaspace", replacement=replacement, prepend_scheme=scheme, split=splits)


def strip_decoder(content=" ", start=1, stop=0):
    return part("Strip", content=content, start=start, stop=stop)


def word_piece_decoder(prefix="##", cleanup=True):
    return part("WordPiece", prefix=prefix, cleanup=cleanup)


def ctc(pad="<pad>", delimiter="|", cleanup=True):
    return part("CTC", pad_token=pad, word_delimiter_token=delimiter, cleanup=cleanup)


def template(vocab, *pieces):
    """TemplateProcessing: `$A` is the text, everything else a special token."""
    def one(piece):
        if piece == "$A":
            return {"Sequence": {"id": "A", "type_id": 0}}
        return {"SpecialToken": {"id": piece, "type_id": 0}}

    specials = {p: {"id": p, "ids": [vocab[p]], "tokens": [p]} for p in pieces if p != "$A"}
    return part("TemplateProcessing", single=[one(p) for p in pieces],
                pair=[one(p) for p in pieces] + [{"Sequence": {"id": "B", "type_id": 1}}],
                special_tokens=specials)


def bert_processing(vocab, sep="[SEP]", cls="[CLS]"):
    return part("BertProcessing", sep=[sep, vocab[sep]], cls=[cls, vocab[cls]])


def roberta_processing(vocab, sep="</s>", cls="<s>", trim_offsets=True, add_prefix_space=False):
    return part("RobertaProcessing", sep=[sep, vocab[sep]], cls=[cls, vocab[cls]],
                trim_offsets=trim_offsets, add_prefix_space=add_prefix_space)


def added(token_id, content, single_word=False, lstrip=False, rstrip=False, normalized=False,
          special=True):
    return {"id": token_id, "content": content, "single_word": single_word, "lstrip": lstrip,
            "rstrip": rstrip, "normalized": normalized, "special": special}


def whole(model, normalizer=None, pre_tokenizer=None, post_processor=None, decoder=None, tokens=()):
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": sorted(tokens, key=lambda token: token["id"]),
            "normalizer": normalizer, "pre_tokenizer": pre_tokenizer,
            "post_processor": post_processor, "decoder": decoder, "model": model}
