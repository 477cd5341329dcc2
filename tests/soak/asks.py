# SPDX-License-Identifier: Apache-2.0
"""What is asked in a soak: requests of many APIs, good and bad, to three models; what a fresh service
with one thread replies to each; and whether the vectors in these replies are those that the command
line makes of the same texts, to the bit."""

import array
import base64
import gzip
import json
import random
import re
import struct
import subprocess

from harness import BERT, PROGRAM, TOP, chunked, environment, head, post, write_table

MASKED, CLOSES = 1, 2
MODELS = ("base", "chain", "words")
WORDS_DIM = 48

# What differs from one reply to the next, and is no vector.
DIFFERS = [(rb'"created":\d+', b'"created":\0'), (rb'_duration":\d+', b'_duration":\0'), (rb'"id":"[0-9a-f]{32}"', b'"id":"\0"'),
           (rb'"id":"(embd|score|rerank|pool)-[0-9a-f-]+"', b'"id":"\0"'), (rb'"id":"[0-9a-f-]{36}"', b'"id":"\0"')]


def make_models(folder):
    """The three: the built-in one, that of the example, and one of many words in two columns more
    than fit any register, with a head. Returns the flags that serve them."""
    words = folder / "words"
    words.mkdir()
    tokens = BERT + [f"word{i}" for i in range(5000)]
    numbers = random.Random(1)
    (words / "vocab.txt").write_text("".join(token + "\n" for token in tokens), encoding="utf-8")
    write_table(words, [numbers.uniform(-1, 1) for _ in range(WORDS_DIM * len(tokens))], WORDS_DIM)
    (words / "config.json").write_text(json.dumps({"version": "1"}))
    (words / "heads").mkdir()
    (words / "heads" / "sign.json").write_text(json.dumps(
        {"labels": ["no", "yes"], "weight": [[numbers.uniform(-1, 1) for _ in range(WORDS_DIM)]], "bias": [0]}))
    return {"base": "builtin", "chain": str(TOP / "examples" / "chain" / "w6x2"), "words": str(words)}


def flags_of(paths):
    return [f"--model={name}={path}" for name, path in paths.items()]


class Ask:
    def __init__(self, name, request, weight=100, closes=False, vectors=None):
        self.name, self.request, self.weight = name, request, weight
        self.flags = CLOSES if closes else 0
        self.vectors = vectors  # (model, texts, how to read them from the body, flags of the command)
        self.status, self.body = None, None

    def record(self, client):
        client.send(self.request)
        reply = client.read_reply()
        self.status = reply.status
        body = reply.body
        for what, mask in DIFFERS:
            body = re.sub(what, mask, body)
        if body != reply.body:
            self.flags |= MASKED
        assert self.body in (None, body), f"{self.name} is not answered twice alike"
        self.body = body
        assert bool(self.flags & CLOSES) == (reply.headers.get("connection") == "close"), self.name
        return bool(self.flags & CLOSES)

    def packed(self):
        name = self.name.encode()
        return struct.pack("<6I", self.weight, self.status, self.flags, len(name), len(self.request), len(self.body)) + \
            name + self.request + self.body


# ---- the vectors of a reply, as bytes of float32 ----

def floats(rows):
    return b"".join(array.array("f", row).tobytes() for row in rows)


READ = {
    "openai": lambda body: floats(one["embedding"] for one in json.loads(body)["data"]),
    "base64": lambda body: b"".join(base64.b64decode(one["embedding"]) for one in json.loads(body)["data"]),
    "rows": lambda body: floats(json.loads(body)),
    "ollama": lambda body: floats(json.loads(body.replace(b"\0", b"0"))["embeddings"]),
    "cohere": lambda body: floats(json.loads(body.replace(b"\0", b"0"))["embeddings"]["float"]),
    "gemini": lambda body: floats(one["values"] for one in json.loads(body)["embeddings"]),
    "vector": lambda body: floats([json.loads(body)["vector"]]),
    "bytes": lambda body: body,
}


def check_vectors(asks, paths):
    """Each reply that holds vectors against `embedd embed`. Returns how many vectors there were."""
    wanted, n = {}, 0
    for ask in asks:
        if ask.vectors:
            model, texts, _, flags = ask.vectors
            wanted.setdefault((model, flags), set()).update(texts)
    known = {}
    for (model, flags), texts in wanted.items():
        texts = sorted(texts)
        made = subprocess.run([PROGRAM, "embed", f"--model={paths[model]}", "--format=f32", *flags], check=True,
                              input="".join(text + "\n" for text in texts).encode(), capture_output=True, env=environment())
        width = len(made.stdout) // len(texts)
        known[model, flags] = {text: made.stdout[i * width:(i + 1) * width] for i, text in enumerate(texts)}
    for ask in asks:
        if ask.vectors:
            model, texts, form, flags = ask.vectors
            assert ask.status == 200, (ask.name, ask.status, ask.body[:300])
            assert READ[form](ask.body) == b"".join(known[model, flags][text] for text in texts), ask.name
            n += len(texts)
    return n


# ---- the requests ----

def texts_of(model, draw):
    """A short one, a few, many and a long one."""
    words = {"base": "the cat sat on a mat while it rained over Zürich and 東京 in 2024 , naïve café 🙂 don't".split(),
             "chain": "他 我 爱 吃 你 饭".split(), "words": [f"word{i}" for i in range(5000)] + BERT[4:]}[model]
    between = "" if model == "chain" else " "

    def text(n):
        return between.join(draw.choice(words) for _ in range(n))
    return text(6), [text(draw.randint(1, 12)) for _ in range(7)], [text(draw.randint(1, 30)) for _ in range(256)], text(3000)


def as_json(path, value, **headers):
    return post(path, json.dumps(value, ensure_ascii=False).encode(), **headers)


def good(model, draw):
    short, few, many, long = texts_of(model, draw)
    unit = ("--normalize",)

    def one(name, path, value, vectors=None, weight=100, **headers):
        return Ask(f"{model}: {name}", as_json(path, value, **headers), weight, vectors=vectors)
    yield one("/v1/embeddings", "/v1/embeddings", {"model": model, "input": short}, (model, [short], "openai", ()), 400)
    yield one("/v1/embeddings, few", "/v1/embeddings", {"model": model, "input": few}, (model, few, "openai", ()))
    yield one("/v1/embeddings, base64", "/v1/embeddings", {"model": model, "input": few, "encoding_format": "base64"},
              (model, few, "base64", ()), 200)
    yield one("/v1/embeddings, 256", "/v1/embeddings", {"model": model, "input": many}, (model, many, "openai", ()), 4)
    yield one("/v1/embeddings, 256 in base64", "/v1/embeddings", {"model": model, "input": many, "encoding_format": "base64"},
              (model, many, "base64", ()), 8)
    yield one("/v1/embeddings, long", "/v1/embeddings", {"model": model, "input": [long, short]}, (model, [long, short], "openai", ()), 10)
    yield one("/api/embed", "/api/embed", {"model": model, "input": few}, (model, few, "ollama", unit))
    yield one("/v2/embed", "/v2/embed", {"model": model, "texts": few, "input_type": "search_document", "embedding_types": ["float"]},
              (model, few, "cohere", ()))
    yield one("/v1beta", f"/v1beta/models/{model}:batchEmbedContents",
              {"requests": [{"model": f"models/{model}", "content": {"parts": [{"text": text}]}} for text in few]},
              (model, few, "gemini", ()))
    yield one("/pooling", "/pooling", {"model": model, "input": short})
    yield one("/v1/ids", "/v1/ids", {"model": model, "text": few})
    yield one("/v1/ids of a long text", "/v1/ids", {"model": model, "text": long}, weight=5)
    yield one("/v1/lookup", "/v1/lookup", {"model": model, "text": short})
    yield one("/v1/lookup of a long text", "/v1/lookup", {"model": model, "text": long}, weight=1)
    yield one("/v1/score", "/v1/score", {"model": model, "text_1": short, "text_2": few})
    yield one("/v2/models", f"/v2/models/{model}/infer", {"inputs": [{"name": "text", "shape": [len(few)], "datatype": "BYTES", "data": few}]})
    yield one("compressed reply", "/v1/embeddings", {"model": model, "input": many}, weight=4, Accept_Encoding="gzip")
    body = json.dumps({"model": model, "input": few}).encode()
    vectors = (model, few, "openai", ())
    kind = {"Content_Type": "application/json"}
    yield Ask(f"{model}: chunks", head("POST", "/v1/embeddings", Transfer_Encoding="chunked", **kind) + chunked(body, 37), vectors=vectors)
    yield Ask(f"{model}: gzip", post("/v1/embeddings", gzip.compress(body, mtime=0), Content_Encoding="gzip"), vectors=vectors)
    yield Ask(f"{model}: the last of its connection", post("/v1/embeddings", body, Connection="close"), 20, closes=True, vectors=vectors)
    if model != MODELS[0]:  # TEI's routes know one model
        return
    yield one("/embed", "/embed", {"inputs": few}, (model, few, "rows", unit), 200)
    yield one("/embed, 256", "/embed", {"inputs": many}, (model, many, "rows", unit), 4)
    yield one("/tokenize", "/tokenize", {"inputs": few})
    yield one("/rerank", "/rerank", {"query": short, "texts": few})
    yield one("/similarity", "/similarity", {"inputs": {"source_sentence": short, "sentences": few}})


def bad():
    """Each with a status of its own; those that end their connection say so."""
    yield Ask("no JSON", post("/v1/embeddings", b'{"input": "a'), 60)
    yield Ask("no UTF-8", post("/v1/embeddings", b'{"input": "\xff\xfe"}'), 60)
    yield Ask("a wrong type", as_json("/v1/embeddings", {"input": {"a": 1}}), 60)
    yield Ask("nothing", post("/embed", b""), 60)
    yield Ask("a missing field", as_json("/rerank", {"query": "x"}), 60)
    yield Ask("a wrong number", as_json("/v1/embeddings", {"input": "a", "dimensions": 100000}), 60)
    yield Ask("no model", as_json("/v1/embeddings", {"input": "a", "model": "none"}), 20)
    yield Ask("ollama's error", as_json("/api/embed", {"model": "none", "input": "a"}), 60)
    yield Ask("no head", as_json("/predict", {"inputs": "a"}), 60)
    yield Ask("no route", head("GET", "/nowhere"), 60)
    yield Ask("the wrong method", head("GET", "/v1/embeddings"), 60)
    yield Ask("a wrong type of body", post("/v1/embeddings", b"a=b", Content_Type="application/x-www-form-urlencoded"), 20)
    yield Ask("a coding that is none", post("/v1/embeddings", b"{}", Content_Encoding="br"), 20)
    yield Ask("no gzip", post("/v1/embeddings", b"abcdef", Content_Encoding="gzip"), 20)
    yield Ask("too many inputs", as_json("/v1/embeddings", {"input": ["a"] * 3000}), 2)
    yield Ask("too long a body", head("POST", "/v1/embeddings", Content_Type="application/json", Content_Length=99999999), 10, closes=True)
    yield Ask("two lengths", post("/v1/embeddings", b"{}").replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n"), 10, closes=True)
    yield Ask("no HTTP", b"BREW coffee\r\n\r\n", 10, closes=True)
    yield Ask("/live", head("GET", "/live"), 60)


def all_asks():
    draw = random.Random(2)
    asks = [ask for model in MODELS for ask in good(model, draw)]
    asks.append(Ask("words: /v1/classify", as_json("/v1/classify", {"model": "words", "text": ["word1 word2", "word77"]}), 300))
    return asks + list(bad())


def record(service, asks):
    """What `service` replies to each, twice."""
    for _ in range(2):
        client = service.connect()
        for ask in asks:
            if ask.record(client):
                client.close()
                client = service.connect()
        client.close()
