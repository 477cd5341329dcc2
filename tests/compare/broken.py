# SPDX-License-Identifier: Apache-2.0
"""Files of every kind that are not as they should be: the fuzzers' seeds, JSON files with one value of
another kind, binary files cut or with a changed byte, and whatever texts the unit tests have."""

import json
import random
import re
import struct

from both import TOP, Command
from commands import CORPUS, DATA, EXAMPLES, GOLDEN, LINES, SHORT, SMALL, seeds
from questions import ROUTES, asked, framings_of

RANDOM_SEED = 5


def safetensors(n_rows, dim=2, name="embeddings"):
    """A file with a table of small numbers."""
    values = [((i * 37) % 29 - 14) / 8 for i in range(n_rows * dim)]
    header = json.dumps({name: {"dtype": "F32", "shape": [n_rows, dim], "data_offsets": [0, 4 * len(values)]}}).encode()
    return struct.pack("<Q", len(header)) + header + struct.pack(f"<{len(values)}f", *values)


def highest_id(value):
    """The highest token id in a tokenizer's JSON, or a small number."""
    model = value.get("model") if isinstance(value, dict) else None
    vocab = model.get("vocab") if isinstance(model, dict) else None
    ids = [7]
    if isinstance(vocab, dict):
        ids += [i for i in vocab.values() if isinstance(i, int) and 0 <= i < 5000]
    elif isinstance(vocab, list):
        ids.append(len(vocab) - 1)
    added = value.get("added_tokens") if isinstance(value, dict) else None
    for token in added if isinstance(added, list) else []:
        if isinstance(token, dict) and isinstance(token.get("id"), int) and 0 <= token["id"] < 5000:
            ids.append(token["id"])
    return max(ids)


def tokenizer_folder(data):
    """A model folder of this tokenizer.json; its table has the right number of rows where that can be told."""
    try:
        n_rows = highest_id(json.loads(data)) + 1
    except (ValueError, RecursionError):
        n_rows = 8
    return {"m/tokenizer.json": data, "m/model.safetensors": safetensors(n_rows)}


# ---- JSON with one thing changed ----

OTHERS = [None, True, 0, -1, 1.5, 1e300, 2 ** 40, "", "x", "我", [], ["x"], [[]], {}, {"type": "x"}, "\ud800"]


def places(value, path=()):
    """Paths to what stands in a JSON value, big tables only at their ends."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if len(keys) > 12:
        keys = keys[:2] + keys[-1:]
    for key in keys:
        yield (*path, key)
        yield from places(value[key], (*path, key))


def with_change(value, path, change):
    copy = json.loads(json.dumps(value))
    at = copy
    for key in path[:-1]:
        at = at[key]
    change(at, path[-1])
    return copy


def changed_json(value, at_most=3):
    """(what was changed, bytes): every part left out, and with values of other kinds."""
    turn = 0
    for path in places(value):
        name = ".".join(map(str, path))[:80]
        yield f"without {name}", dumped(with_change(value, path, lambda at, key: at.pop(key)))
        for _ in range(at_most - 1):
            other = OTHERS[turn % len(OTHERS)]
            turn += 1

            def put(at, key, other=other):
                at[key] = other
            yield f"{name} = {json.dumps(other)}", dumped(with_change(value, path, put))
        inner = value
        for key in path:
            inner = inner[key]
        if isinstance(inner, dict):
            yield f"{name} with a key more", dumped(with_change(value, path, lambda at, key: at[key].update(later=1)))
    text = dumped(value)
    for cut in range(0, len(text), max(1, len(text) // 8)):
        yield f"its first {cut} bytes", text[:cut]
    if isinstance(value, dict):
        yield "a key more", dumped({**value, "later": 1})
        for key in list(value)[:3]:
            yield f"{key} twice", text[:-1] + b", " + dumped(key) + b": " + dumped(value[key]) + b"}"


def dumped(value):
    return json.dumps(value, ensure_ascii=True).encode()


def loaded(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return None


def json_files():
    for path in [*seeds("tokenizer_json"), *(GOLDEN / "static" / name / "tokenizer.json" for name in ("m2v_bpe", "m2v_unigram", "m2v_wordpiece", "st_truncation"))]:
        value = loaded(path)
        if value is None:
            continue
        name = path.name if path.parent.name == "tokenizer_json" else path.parent.name
        for what, data in changed_json(value):
            yield Command(f"tokenizer {name}: {what}", "tokenize", "--model=m", "--special", stdin=SHORT, files=tokenizer_folder(data))
    for folder in ("static/m2v_plain", "static/m2v_short", "static/st_normalize", "static/st_truncation", "model2vec_heads/deep", "model2vec_heads/mapped", "model2vec_heads/classes"):
        for path in sorted((GOLDEN / folder).rglob("*.json")):
            if path.name == "tokenizer.json":
                continue
            inside = path.relative_to(GOLDEN / folder).as_posix()
            for number, (what, data) in enumerate(changed_json(loaded(path), at_most=7)):
                command = (["inspect", "m"], ["embed", "--model=m"])[number % 2]
                yield Command(f"{folder} with {inside}: {what}: {command[0]}", *command, stdin=SHORT, files={"m": GOLDEN / folder, f"m/{inside}": data})
    for path in [*EXAMPLES.glob("heads/*.json"), *EXAMPLES.glob("chain/heads/*.json"), *seeds("head")]:
        value = loaded(path)
        for what, data in changed_json(value, at_most=5) if value is not None else []:
            yield Command(f"head {path.name}: {what}", "classify", "--model", SMALL, "--heads=h.json", stdin=SHORT, files={"h.json": data})
    for what, data in changed_json({"labels": ["a", "b"], "weight": [[1, 2]], "bias": [0.5], "threshold": 0.25, "temperature": 2, "kind": "binary", "name": "x", "normalize": True, "pooling": "max"}, at_most=17):
        yield Command(f"a head's file: {what}", "classify", "--model", SMALL, "--heads=h.json", stdin=SHORT, files={"h.json": data})
    yield from models_of_one_config()


def models_of_one_config():
    """config.json: keys of ours and of others, each with values of every kind."""
    keys = {"name": "x", "version": "2", "compat": "embedd", "pooling": "max", "normalize": True, "max_length": 3, "truncation_side": "left", "tokenizer": "bert", "lowercase": False, "vocab_size": 6, "hidden_size": 2,
            "unknown": "skip", "model_type": "model2vec", "seq_length": 3, "architectures": ["BertModel"], "transformers_version": "4", "id2label": {"0": "a"}, "max_seq_length": 3, "do_lower_case": True, "embedding_dtype": "float32", "dim": 2}
    for key, good in keys.items():
        for value in [good, *OTHERS, 1, 2, 3, 7, 512, 1e30, "bert", "dictionary", "mean", "weighted", "left", "Right", False]:
            for other in ({}, {"model_type": "bert"}):
                config = dumped({**other, key: value})
                yield Command(f"config.json of {config.decode()}", "inspect", "m", files={"m": SMALL, "m/config.json": config})
    for name, texts in (("vocab.txt", [b"", b"\n", b"a", b"a\na\n", b"a\r\nb\r\n", b"a\n\nb\n", b"a\tb\n", b"a\t1\n", b"\xff\n", b"\xef\xbb\xbfa\n", b"a b\n", b"[UNK]\na\n##b\n", "他\n我\n爱\n吃\n你\n饭\n".encode(), "他\n我\n爱\n吃\n你\n饭\n\n".encode(), b"a\n" * 6, b"a\nb\nc\nd\ne\nf\ng\n", b"a\0b\n" * 6]),
                        ("tokenizer_config.json", [b"{}", b"[]", b"{", b'{"do_lower_case": false}', b'{"model_max_length": 3}', b'{"model_max_length": 1e30}', b'{"model_max_length": "x"}', b'{"truncation_side": "left"}', b'{"tokenizer_class": "BertTokenizer"}', b'{"unk_token": 1}']),
                        ("special_tokens_map.json", [b"{}", b"[", b'{"unk_token": "x"}']), ("modules.json", [b"[]", b"{}", b'[{"type": "x"}]', b'[{"path": "../x", "type": "sentence_transformers.models.Normalize"}]', b"[1]", b"null"]),
                        ("tokenizer.json", [b"", b"{}", b"[]", b"null", b'{"model": {}}']), ("head.json", [b"", b"{}", b"[]", b'{"labels": []}']), ("head.csv", [b"", b"a", b"a,1,2\nb,3,4\n", b'"a""b",1,2\nb,3,4\n', b"a,1\n", b"a,x,2\n", b"a;1;2\n", b"a,1,2,0.5\nb,1,2,0.25\n"])):
        for text in texts:
            for command in (["inspect", "m"], ["tokenize", "--model=m"], ["embed", "--model=m"], ["classify", "--model=m"]):
                yield Command(f"{command[0]}: {name} of {text[:60]!r}", *command, stdin=SHORT, files={"m": SMALL, f"m/{name}": text})


# ---- bytes changed ----


def changed_bytes(data, cuts=8, changes=14):
    dice = random.Random(RANDOM_SEED)
    for i in range(cuts):
        at = len(data) * i // cuts
        yield f"its first {at} bytes", data[:at]
    yield "a byte less", data[:-1]
    yield "bytes behind", data + b"behind it"
    for i in range(changes if data else 0):
        # Half of them in the first bytes, where lengths, names and types stand.
        at = dice.randrange(len(data) if i % 2 else min(len(data), 300))
        bit = 1 << dice.randrange(8)
        yield f"bit {bit} of byte {at} changed", data[:at] + bytes([data[at] ^ bit]) + data[at + 1:]
    for at in range(0, min(len(data), 32), 4):
        yield f"ff from byte {at} on", data[:at] + b"\xff\xff\xff\xff" + data[at + 4:]


def binary_files():
    for path in sorted([*(DATA / "fasttext").glob("*.bin"), *(DATA / "fasttext").glob("*.ftz"), *seeds("fasttext")]):
        for what, data in changed_bytes(path.read_bytes()):
            yield Command(f"fastText's {path.name}: {what}", "embed", "--model=m.bin", "--dimensions=1", stdin=SHORT, files={"m.bin": data})
    for name in ("m2v_plain", "m2v_i8", "m2v_f64", "m2v_mapping", "m2v_weights", "st_plain"):
        for what, data in changed_bytes((GOLDEN / "static" / name / "model.safetensors").read_bytes(), changes=30):
            yield Command(f"{name}: {what}", "embed", "--model=m", stdin=SHORT, files={"m": GOLDEN / "static" / name, "m/model.safetensors": data})
    for name in ("deep", "classes", "two"):
        for what, data in changed_bytes((GOLDEN / "model2vec_heads" / name / "head.safetensors").read_bytes(), changes=30):
            yield Command(f"head of {name}: {what}", "classify", "--model=m", stdin=SHORT, files={"m": GOLDEN / "model2vec_heads" / name, "m/head.safetensors": data})
    for path in sorted((GOLDEN / "skops").glob("*.skops")):
        for what, data in [("whole", path.read_bytes()), *changed_bytes(path.read_bytes())]:
            yield Command(f"{path.name}: {what}", "classify", "--model", GOLDEN / "model2vec_heads/plain", f"--heads={path.name}", stdin=SHORT, files={path.name: data})
    for path in seeds("npy"):
        for what, data in changed_bytes(path.read_bytes()):
            yield npy(f"{path.name}: {what}", data)
    for kind in ("safetensors", "word_vectors"):
        for path in seeds(kind):
            for what, data in changed_bytes(path.read_bytes(), cuts=5, changes=8):
                yield from of_kind(kind, f"{path.name}: {what}", data)


def npy(name, data):
    return Command(f"npy {name}", "embed", "--model=m/table.npy", stdin=b"a b c\nd\n", files={"m/table.npy": data, "m/vocab.txt": b"a\nb\nc\nd\n"})


def of_kind(kind, name, data):
    """The runs that read a file of this kind."""
    if kind == "safetensors":
        for vocab in (b"a\nb\n", b"a\nb\nc\n"):
            yield Command(f"safetensors {name} of {vocab.count(10)} words", "embed", "--model=m", stdin=b"a b c\n", files={"m/model.safetensors": data, "m/vocab.txt": vocab})
    elif kind == "word_vectors":
        for ending in ("vec", "bin"):
            yield Command(f"word vectors {name}.{ending}", "embed", f"--model=m.{ending}", stdin="the food 上 fox a\n".encode(), files={f"m.{ending}": data})
            yield Command(f"word vectors {name}.{ending}: strict", "vocab", f"--model=m.{ending}", "--strict", files={f"m.{ending}": data})
    elif kind == "npy":
        yield npy(name, data)
    elif kind == "fasttext":
        yield Command(f"fastText {name}", "embed", "--model=m.bin", stdin=SHORT, files={"m.bin": data})
        yield Command(f"fastText {name}: classify", "classify", "--model=m.bin", stdin=SHORT, files={"m.bin": data})
    elif kind == "tokenizer_json":
        for flags in ([], ["--special"]):
            yield Command(f"tokenizer {name} {flags}", "tokenize", "--model=m", *flags, stdin=LINES, files=tokenizer_folder(data))
    elif kind in ("head", "skops"):
        for ending in ("json", "csv", "safetensors", "skops"):
            yield Command(f"head {name}.{ending}", "classify", "--model", SMALL, f"--heads=h.{ending}", stdin=SHORT, files={f"h.{ending}": data})
    elif kind == "labelled":
        for data in (data, data[2:]):
            for flags in ([], ["--text=1", "--label=2"], ["--label-separator=;"], ["--header=no"], ["--input-format=csv"], ["--input-format=jsonl"], ["--input-format=fasttext"], ["--input-format=tsv"]):
                yield Command(f"rows {name} ({len(data)} bytes) {flags}", "eval", "--model", SMALL, "--heads", EXAMPLES / "heads", "--input=r", *flags, files={"r": data})
            yield Command(f"rows {name} ({len(data)} bytes): train", "train", "--from", SMALL, "--input=r", "--output=out", "--epochs=1", files={"r": data})
    elif kind in ("pipeline", "encode", "compiled", "framing", "request", "handlers"):
        for model in ("builtin", GOLDEN / "static/m2v_bpe", GOLDEN / "static/m2v_unigram"):
            yield Command(f"lines {kind} {name} by {model if model == 'builtin' else model.name}", "tokenize", "--model", model, stdin=data)


def whole_seeds():
    for folder in sorted(CORPUS.iterdir()):
        for path in sorted(folder.iterdir()):
            yield from of_kind(folder.name, path.name, path.read_bytes())


# ---- what the unit tests have ----

LITERALS = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*')
ONE = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]+|[0-7]{1,3}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.S)
SIMPLE = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"0": b"\0", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def unescaped(match):
    what = match[1]
    if what[:1] == b"x":
        return bytes([int(what[1:], 16) & 255])
    if what[:1] in (b"u", b"U") and len(what) > 1:
        return chr(int(what[1:], 16)).encode("utf-8", "surrogatepass")
    if what.isdigit():
        return bytes([int(what, 8) & 255])
    return SIMPLE.get(what, what)


def literals(*names):
    """The string literals of C files, neighbours joined, as bytes; each once."""
    found = {}
    for name in names:
        for path in sorted(TOP.glob(f"tests/unit/{name}")):
            for match in LITERALS.finditer(path.read_text(encoding="utf-8")):
                found[b"".join(ESCAPE.sub(unescaped, part.encode()) for part in ONE.findall(match[0]))] = None
    return list(found)


def requests_of_unit_tests():
    for body in [*literals("handlers/*.c"), *(path.read_bytes() for path in seeds("request")), *(path.read_bytes()[1:] for path in seeds("handlers"))]:
        if body[:1] in b'{[" \xef' or len(body) > 40:
            for path in ROUTES:
                yield asked(path, body)


def bytes_of_unit_tests():
    return framings_of([*literals("server/*.c"), *(path.read_bytes()[2:] for path in seeds("framing")), *(path.read_bytes() for path in seeds("framing"))])


def files_of_unit_tests():
    for data in literals("model/text/*.c", "model/test_*.c", "base/test_json.c"):
        if data[:1] == b"{" and len(data) > 20:
            yield Command(f"a unit test's tokenizer {data[:80]!r}", "tokenize", "--model=m", "--special", stdin=SHORT, files=tokenizer_folder(data))
            yield Command(f"a unit test's config {data[:80]!r}", "inspect", "m", files={"m": SMALL, "m/config.json": data})
        elif data.count(b"\n") > 1:
            yield Command(f"a unit test's vocab.txt {data[:80]!r}", "tokenize", "--model=m", stdin=SHORT, files={"m/vocab.txt": data, "m/model.safetensors": safetensors(data.count(b"\n"))})
    for data in literals("model/head/*.c"):
        if len(data) > 5 and data[:1] in b"{[\"ab,0123456789":
            for ending in ("json", "csv") if data[:1] != b"{" else ("json",):
                yield Command(f"a unit test's head {data[:80]!r}.{ending}", "classify", "--model", SMALL, f"--heads=h.{ending}", stdin=SHORT, files={f"h.{ending}": data})
    for data in literals("model/train/*.c"):
        if b"\n" in data or data[:1] == b"{" or b"__label__" in data:
            for flags in ([], ["--text=text", "--label=label"], ["--text=1", "--label=2", "--header=no"], ["--label-separator=|"]):
                yield Command(f"a unit test's rows {data[:80]!r} {flags}", "eval", "--model", SMALL, "--heads", EXAMPLES / "heads", "--input=r", *flags, files={"r": data})
    for data in literals("config/*.c", "commands/*.c"):
        yield Command(f"a unit test's settings {data[:80]!r}", "config", "--config=c.json", files={"c.json": data})
        if data[:2] == b"--" and b"\0" not in data:
            yield Command(f"a unit test's flag {data[:80]!r}", "config", data.decode("utf-8", "surrogateescape"))
    lines = b"".join(text.replace(b"\n", b" ").replace(b"\0", b" ") + b"\n" for text in literals("model/text/*.c", "base/*.c") if valid(text))
    for model in ("builtin", GOLDEN / "static/m2v_bpe", GOLDEN / "static/m2v_unigram", GOLDEN / "static/st_plain", SMALL, DATA / "fasttext/skipgram.bin"):
        for command in ("tokenize", "embed"):
            yield Command(f"the unit tests' texts: {command} by {getattr(model, 'name', model)}", command, "--model", model, stdin=lines)


def valid(text):
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


# ---- what lies beside the project, where it does ----


def beside():
    """Small inputs beside the project, and the tokenizers that `make parity` trains, where they are."""
    for path in sorted((TOP.parent / "shared/cases").glob("**/*")):
        inside = path.relative_to(TOP.parent / "shared/cases")
        if path.is_dir() or path.suffix in (".vec", ".bin", ".safetensors"):
            yield Command(f"beside: inspect {inside}", "inspect", path)
            for command in ("tokenize", "embed", "vocab"):
                yield Command(f"beside: {command} {inside}", command, "--model", path, stdin=LINES if command != "vocab" else b"")
        elif path.suffix in (".csv", ".tsv"):
            yield Command(f"beside: train {inside}", "train", "--from", SMALL, "--input", path, "--output=out", "--epochs=2")
        elif path.suffix == ".txt":
            yield Command(f"beside: embed {inside}", "embed", path)
    for path in sorted((TOP / "build/parity").glob("*.json")):
        files = tokenizer_folder(path.read_bytes())
        for flags in ([], ["--special"]):
            yield Command(f"parity's {path.name} {flags}", "tokenize", "--model=m", *flags, stdin=LINES, files=files)
        yield Command(f"parity's {path.name} packed", "convert", "--input=m", "--output=out", files=files)
        yield Command(f"parity's {path.name} as a folder", "convert", "--input=m", "--output=out", "--to=folder", files=files)


def commands(quick=False):
    if quick:
        yield from list(whole_seeds())[::71]
        return
    yield from whole_seeds()
    yield from json_files()
    yield from binary_files()
    yield from files_of_unit_tests()
    yield from beside()
