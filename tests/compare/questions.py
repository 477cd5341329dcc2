# SPDX-License-Identifier: Apache-2.0
"""What services are asked: every route with good values, with every field wrong in every way, with
bodies that are none, heads of all kinds, and bytes that are no request."""

import json
import re

from both import TOP, Bytes, Request, Service

HEAD = b"Host: test\r\n"
ROUTES_GET = ["/", "/v1/models", "/v1/models/", "/info", "/health", "/ping", "/live", "/ready", "/metrics"]

# Route → fields that it reads → good values, as JSON text; the first field is what it needs.
TEXTS = ['"I love to eat"', '"我爱吃饭"', '["我爱", "他", ""]', '[1, 2]', '[[1, 2], [0]]', '""']
OPTIONS_OF_VECTORS = {
    "model": ['"gpt-4"', '"chain-w6x2"', '"embedd-base-2"', '""', '"名"'],
    "encoding_format": ['"float"', '"base64"'], "dimensions": ["1", "2"], "user": ['"u"'],
    "pooling": ['"mean"', '"sum"', '"max"', '"unit"', '"weighted"'], "normalize": ["true", "false"],
}
TOKENS = {"text": ['"我爱吃饭"', '"我爱猫"', '["the food is good", ""]', '"Hello, worlds! don\'t"'],
          "tokens": ['["我", "爱"]', '[["我"], ["吃", "饭"]]', '["the", "food"]', '["no such token"]', '[]'],
          "ids": ["[0]", "[1, 2, 3]", "[[1], [2, 0]]", "[5]", "[6]", "[29000]", "[29528]", "[4294967295]"]}
UNKNOWN = ['"unk"', '"skip"', '"error"']
TRUNCATION = {"truncate": ["true", "false"], "truncation_direction": ['"Right"', '"Left"', '"right"', '"left"']}
ROUTES = {
    "/v1/embeddings": {"input": TEXTS, **OPTIONS_OF_VECTORS},
    "/embeddings": {"input": TEXTS, **OPTIONS_OF_VECTORS},
    "/embed": {"inputs": TEXTS, "normalize": ["true", "false"], "dimensions": ["1", "2"], **TRUNCATION,
               "prompt_name": ['"query"']},
    "/": {"inputs": TEXTS, "normalize": ["true", "false"], "dimensions": ["1"], **TRUNCATION},
    "/v1/ids": {**TOKENS, "model": ['"x"'], "unknown": UNKNOWN},
    "/v1/onehot": {**TOKENS, "model": ['"x"'], "vocabulary": ['"model"', '"input"'], "format": ['"dense"', '"sparse"'],
                   "unknown": UNKNOWN},
    "/v1/lookup": {**TOKENS, "model": ['"x"'], "unknown": UNKNOWN, "dimensions": ["1", "2"],
                   "encoding_format": ['"float"', '"base64"']},
    "/v1/classify": {**TOKENS, "model": ['"x"'], "head": ['"meal"', '"default"', '"who"', '"none"'],
                     "top_k": ["1", "2", "100"], "threshold": ["0", "0.5", "1"], "explain": ["true", "false"],
                     "unknown": UNKNOWN},
    "/tokenize": {"inputs": TEXTS, "add_special_tokens": ["true", "false"], "prompt_name": ['"x"']},
    "/decode": {"ids": TOKENS["ids"], "skip_special_tokens": ["true", "false"]},
    "/predict": {"inputs": ['"我爱吃饭"', '["我", "爱"]', '[["我"], ["爱", "吃"]]', '""', '[[""]]', '[["a", "b", "c"]]'],
                 "raw_scores": ["true", "false"], **TRUNCATION},
}

# Values of every type, good for some field and wrong for the others.
ANY = [
    "null", "true", "false", "0", "-0", "-1", "1", "2", "3", "256", "257", "1.0", "1.5", "2e0", "1e-3", "1e999", "-1e999",
    "4294967295", "4294967296", "9007199254740993", "9223372036854775808", "99999999999999999999", "1" + "0" * 400,
    '""', '"a"', '"1"', '"true"', '"float"', '"Float"', '"model"', '"mean"', '"unk"', '"dense"', '"Right"', '"RIGHT"',
    '"\\u0000"', '"a\\u0000b"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\udc00\\ud800"', '"' + "x" * 300 + '"',
    "[]", "[[]]", "[[], []]", "[null]", "[[null]]", "[true]", "[1]", "[1.0]", "[1.5]", "[-1]", "[1, \"a\"]", '["a", 1]', '["a", ["b"]]',
    '[1, [2]]', '[[1], 2]', '[["a"], "b"]', '["a", "b"]', '[["a", "b"]]', '[["a"], ["b"]]', '[[[1]]]', '[{}]', '[""]', '["", ""]', "[99999999999]",
    "{}", '{"a": 1}', "[[1, 2], [3, 99999999]]", '["a", null]', "[1e0]", "[4294967295]", '["\\ud800"]', '[[""]]', '["a", "b", "c", "d", "e"]',
]

# What stands there instead of a body.
NO_BODIES = [
    b"", b" ", b"\n", b"{", b"}", b"[]", b"null", b"1", b'"a"', b"{}", b"{} x", b"{}{}", b"\xef\xbb\xbf{}", b"\xef\xbb\xbf", b"\xef\xbb",
    b'\xef\xbb\xbf{"%s": "a"}', b'\xff\xfe{\x00}\x00', b'{"%s"}', b'{"%s":}', b'{"%s": }', b'{"%s": "a"', b'{"%s": "a', b'{"%s": "a",}',
    b'{"%s": "a", "%s": "b"}', b'{"%s": "a" "x": 1}', b"{'%s': 'a'}", b'{%s: "a"}', b'{"%s": "a"} ', b' \t\r\n{"%s": "a"}\r\n\t ',
    b'{"%s": "a"}\0', b'\0{"%s": "a"}', b'{"%s": "a\nb"}', b'{"%s": "a\tb"}', b'{"%s": "\x01"}', b'{"%s": "\x7f"}', b'{"%s": "\xff"}',
    b'{"%s": "a\xc3"}', b'{"%s": "\xc0\xaf"}', b'{"%s": "\xed\xa0\x80"}', b'{"%s": "\xf4\x90\x80\x80"}', b'{"%s": "\xe6\x88"}', b'{"\xff": 1, "%s": "a"}',
    b'{"%s": "\\x"}', b'{"%s": "\\u12"}', b'{"%s": "\\u12g4"}', b'{"%s": "\\"}', b'{"%s": "\\\\"}', b'{"%s": "\\/\\b\\f\\n\\r\\t\\"\\u0041"}',
    b'{"%s": "\\ud83d"}', b'{"%s": "\\ud83d\\u0041"}', b'{"%s": "\\ud83dx"}', b'{"%s": "\\ude00"}', b'{"%s": "\\uD83D\\uDE00"}',
    b'{"%s": NaN}', b'{"%s": nan}', b'{"%s": Infinity}', b'{"%s": -Infinity}', b'{"%s": 01}', b'{"%s": +1}', b'{"%s": .5}', b'{"%s": 1.}',
    b'{"%s": 1e}', b'{"%s": 0x10}', b'{"%s": --1}', b'{"%s": -}', b'{"%s": tru}', b'{"%s": TRUE}', b'{"%s": [1,]}', b'{"%s": [,1]}', b'{"%s": [1 2]}',
    b'{"%s": [1}', b'{"%s": {"a": [}}', b'{"%s": "a", "\\u0069nput": "b"}', b'{"\\u0069nput": "a"}', b'{"\\u0069nputs": "a"}', b'{"\\u0074ext": "a"}',
    b'{"%s": "a", "x": {"y": [1, {"z": null}]}}', b'{"%s": "a", "x": {"y": 1, "y": 2}}', b'{"%s": "a", "": 1}', b'{"%s": "a", "x": "\xff"}',
    b'{"%s": "a", "x": "\\ud800"}', b'{"%s": "a", "x": NaN}', b'{"%s": "a", "x": 1e999}', b'{"%s": "a", "x": 1' + b"0" * 500 + b"}",
    b'{"%s": "a", /* c */ "x": 1}', b'// c\n{"%s": "a"}', b'{"%s": "a";}', b'[{"%s": "a"}]', b'{"%s": "a", "x": 1, "x": 1}', b'{"X": 1, "%s": "a"}',
    b'{"%s": "a", "input": "a", "inputs": "a", "text": "a", "ids": [1], "tokens": ["a"]}', b"input=a&b=c", b"--x\r\nContent-Disposition: form-data\r\n",
    *(b'{"%s": "a", "x": ' + b"[" * n + b"]" * n + b"}" for n in (1, 30, 60, 63, 64, 65, 100, 127, 128, 129, 500, 1023, 1024, 2047, 2048, 2049, 10000)),
    *(b'{"%s": "a", "x": ' + b'{"y":' * n + b"1" + b"}" * n + b"}" for n in (30, 64, 128, 1000, 2048, 10000)),
    *(b'{"%s": ' + b"[" * n + b'"a"' + b"]" * n + b"}" for n in (3, 64, 128, 2048)),
    b'{"%s": "a", "' + b"k" * 5000 + b'": 1}', b"{" + b",".join(b'"k%d": %d' % (i, i) for i in range(3000)) + b', "%s": "a"}',
]


def texts_of_all_kinds():
    lines = []
    for path in ("tests/data/builtin/texts.txt", "tests/data/fasttext/lines.txt"):
        lines += (TOP / path).read_text(encoding="utf-8", errors="replace").split("\n")
    return list(dict.fromkeys(lines + MORE_TEXTS))


MORE_TEXTS = [
    "", " ", "\t\n", "a", "A", "我", "我爱吃饭", "他爱饭猫", "I love to eat", "the food is not good", "naïve café", "nai\u0308ve cafe\u0301", "ＦＵＬＬ　ｗｉｄｔｈ", "ﬁne ﬂow", "½ ② ³",
    "Straße İstanbul ıI", "ΑΒΓ ας", "привет мир", "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "こんにちは世界 カタカナ", "안녕하세요 \u1112\u1161\u11ab", "😀", "👨‍👩‍👧‍👦 🇨🇳 ✊🏿", "\U00020000\U0002a6d6",
    "a\u0000b", "\u0000", "\u200b\u200d\ufeff", "\u00ad soft", "a\u00a0b\u3000c\u2028d\u0085e", "\ufffd \ufffe \U0010ffff", "[CLS] [SEP] [UNK] [PAD] [MASK]", "<s> </s> <unk> <pad>", "[cls]", "##ing ing", "▁the Ġthe", "<0x41>",
    "don't can't I'll we've", "U.S.A. e-mail: a.b@c.d http://x.y/z?q=1&r=2#s", "$1,234.56 50% 3.14e-10", "1234567890123456789012345678901234567890", "a" * 99, "a" * 100, "a" * 101, "a" * 1000, "我" * 600, "word " * 600,
    "a b c d e f g h", "x" * 70000, "我爱 " * 9000, "!?!?…—“”‘’«»", "~`!@#$%^&*()_+-={}[]|\\:;\"'<>,.?/", "tab\there\nnew\r\nline", "e" + "\u0301" * 50, "\u0e33\u0f73\u0958", "K Å Ω", "hello world , don ' t",
    "Supercalifragilisticexpialidocious antidisestablishmentarianism", "the cat sat on the mat", "good bad worlds eaten loving", "一天 二〇二六年 第3次", "𝒳𝕐 𝓏", "_a__b___c_", "good" * 50, "\ud7ff\ue000",
]


def post(path, body, *headers, method=b"POST", kind=b"application/json", version=b"1.1"):
    lines = [b"%s %s HTTP/%s" % (method, path.encode(), version), b"Host: test"]
    if kind is not None:
        lines.append(b"Content-Type: " + kind)
    lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, *headers]) + b"\r\n\r\n" + body


def get(path, *headers, method=b"GET", version=b"1.1"):
    return b"\r\n".join([b"%s %s HTTP/%s" % (method, path.encode() if isinstance(path, str) else path, version), b"Host: test", *headers]) + b"\r\n\r\n"


def body_of(fields):
    """A body of fields that are JSON text already."""
    return ("{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}").encode()


def short(data):
    text = data if isinstance(data, str) else data.decode("utf-8", "backslashreplace")
    text = text.replace("\n", "\\n").replace("\r", "\\r").replace("\0", "\\0")
    return text if len(text) <= 100 else f"{text[:100]}… ({len(text)})"


def asked(path, body, *headers, **options):
    named = " ".join(header.decode("latin-1")[:80] for header in headers)
    return Request(f"POST {path} {short(body)} {named}".rstrip(), post(path, body, *headers, **options))


# ---- the kinds of requests ----


def good_values():
    """Each field's good values with each of the ways to say what it is about, and all pairs of options."""
    for path, fields in ROUTES.items():
        sources = [name for name in fields if name in ("input", "inputs", "text", "tokens", "ids")]
        options = [name for name in fields if name not in sources]
        for source in sources:
            for value in fields[source]:
                yield asked(path, body_of({source: value}))
        first = fields[sources[0]]
        for at, name in enumerate(options):
            for value in fields[name]:
                for about in first[:4]:
                    yield asked(path, body_of({sources[0]: about, name: value}))
                for other in options[at + 1:]:
                    for second in fields[other][:3]:
                        yield asked(path, body_of({sources[0]: first[1], name: value, other: second}))
        for source in sources[1:]:
            for name in options:
                for value in fields[name]:
                    yield asked(path, body_of({source: fields[source][1], name: value}))
            yield asked(path, body_of({sources[0]: first[0], source: fields[source][0]}))


def values_of_every_type():
    for path, fields in ROUTES.items():
        needed = next(iter(fields))
        for name in fields:
            for value in ANY:
                about = {} if name in ("input", "inputs", "text", "tokens", "ids") else {needed: fields[needed][1]}
                yield asked(path, body_of({**about, name: value}))
        for name in ("later", "input_type", "Input", "INPUTS", "text ", "options", "parameters", "instruct", "dimension"):
            yield asked(path, body_of({needed: fields[needed][1], name: "1"}))


def bodies_that_are_none():
    for path, fields in ROUTES.items():
        for body in NO_BODIES:
            yield asked(path, body.replace(b"%s", next(iter(fields)).encode()))


def texts(paths=ROUTES, lines=None):
    for text in lines if lines is not None else texts_of_all_kinds():
        value = json.dumps(text, ensure_ascii=len(text) % 2 == 0)
        if any("\ud800" <= c <= "\udfff" for c in text):
            value = json.dumps(text)
        for path in paths:
            if path in ("/embeddings", "/", "/decode"):
                continue
            needed = next(iter(ROUTES[path]))
            if path == "/v1/onehot":
                yield asked(path, body_of({needed: value, "format": '"sparse"'}))
                yield asked(path, body_of({needed: value, "vocabulary": '"input"', "format": '"sparse"', "unknown": '"skip"'}))
            elif path == "/v1/lookup":
                yield asked(path, body_of({needed: value, "encoding_format": '"base64"', "unknown": '"skip"'}))
            elif path == "/v1/classify":
                yield asked(path, body_of({needed: value, "explain": "true"}))
            else:
                yield asked(path, body_of({needed: value}))
    yield from batches(paths)


def batches(paths):
    everything = [text for text in texts_of_all_kinds() if len(text) < 2000]
    for path in paths:
        if path == "/decode":
            yield asked(path, json.dumps({"ids": [[i] for i in range(300)]}).encode())
            yield asked(path, json.dumps({"ids": list(range(300)), "skip_special_tokens": False}).encode())
            continue
        needed = next(iter(ROUTES[path]))
        inputs = [[text] for text in everything] if path == "/predict" else everything
        yield asked(path, json.dumps({needed: inputs, "format": "sparse"}).encode())
        for count in (3, 100, 2048, 2049):
            yield asked(path, json.dumps({needed: ([["我"]] if path == "/predict" else ["我"]) * count, "format": "sparse"}).encode())


def large_ones():
    """Replies in pieces, work for workers, limits of memory and of cells."""
    for body, path in [
            ({"text": "word " * 4000}, "/v1/lookup"), ({"text": "我 " * 3000, "encoding_format": "base64"}, "/v1/lookup"),
            ({"text": "the food " * 40}, "/v1/onehot"), ({"text": "the food " * 70}, "/v1/onehot"), ({"text": "the food " * 71, "format": "dense"}, "/v1/onehot"),
            ({"text": "food " * 140, "format": "dense"}, "/v1/onehot"), ({"text": "food " * 143, "format": "dense"}, "/v1/onehot"),
            ({"text": ["food " * 100] * 2, "format": "dense"}, "/v1/onehot"), ({"text": ["food"] * 150, "format": "dense"}, "/v1/onehot"),
            ({"text": "a b " * 9000, "vocabulary": "input"}, "/v1/onehot"), ({"input": ["good food"] * 2048}, "/v1/embeddings"),
            ({"inputs": ["good food " * 30] * 1000}, "/embed"), ({"inputs": "x " * 200000}, "/tokenize"), ({"text": "我" * 100000}, "/v1/ids"),
            ({"input": "a " * 4000000}, "/v1/embeddings"), ({"input": "a" * 8388590}, "/v1/embeddings"), ({"input": "a" * 8388596}, "/v1/embeddings"),
            ({"input": "a" * 8388597}, "/v1/embeddings"), ({"ids": list(range(20000))}, "/decode"), ({"text": ["the"] * 2048, "explain": True}, "/v1/classify")]:
        yield asked(path, json.dumps(body, ensure_ascii=False).encode())


def methods_and_paths():
    paths = [*ROUTES_GET, *ROUTES, "/nowhere", "/v1", "/v1/", "/v1/embedding", "/v1/embeddings/", "/V1/embeddings", "//embed", "/embed/", "/Embed",
             "/v1/models/chain-w6x2", "/v1/models/embedd-base-2", "/v1/models/none", "/v1/models/a/b", "/v1/models/%63hain-w6x2", "/v1/models/%E5%90%8D", "/v1/models/embedd%2Dbase%2D2",
             "/v1/models/%", "/v1/models/%zz", "/v1/models/%ff", "/v1/models/+", "/v1/models?x=1", "/health?x", "/health?", "/health#x", "/health%20", "/%68ealth", "/health/..", "/./health",
             "/v1/embeddings?api-version=1", "/metrics?name[]=x", "/embed;x=1", "/v1//models", "/predict/x", "/vertex", "/v1/chat/completions", "/rerank", "/api/embed", "/docs", "/favicon.ico",
             "/" + "x" * 1000, "/" + "x" * 1022, "/v1/models/" + "m" * 900]
    for path in dict.fromkeys(paths):
        for method in (b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"PATCH", b"TRACE", b"BREW", b"get", b"POST"):
            yield Request(f"{method.decode()} {short(path)}", get(path, method=method), has_body=method != b"HEAD")
        for method in (b"POST", b"PUT", b"DELETE", b"GET", b"OPTIONS"):
            yield Request(f"{method.decode()} {short(path)} with a body", post(path, b'{"input":"a","inputs":"a","text":"a"}', method=method))


KINDS = [None, b"application/json", b"application/json; charset=utf-8", b"Application/JSON", b"application/json;charset=latin1", b"text/json", b"text/plain", b"text/plain; charset=x",
         b"application/x-www-form-urlencoded", b"application/vnd.api+json", b"x/y+json;q", b"application/xml", b"text/html", b"multipart/form-data; boundary=x", b"application/octet-stream",
         b"", b" ", b"json", b"application/", b"/json", b"application/jsonx", b"application/json,text/plain", b"*/*", b"application/msgpack", b"+json", b"a/+json"]
HEADERS = [b"Content-Encoding: gzip", b"Content-Encoding: identity", b"Content-Encoding: br", b"Content-Encoding:", b"Content-Encoding: gzip, identity", b"content-encoding: GZIP",
           b"x-request-id: mine", b"x-request-id: " + b"y" * 128, b"x-request-id: " + b"y" * 129, b"x-request-id: a b", b"x-request-id:", b"x-request-id: \xe6\x88\x91", b"X-Request-ID: Mixed-1.2_3",
           b"x-request-id: a\tb", b'x-request-id: "quoted\\"', b"x-embedd-timing: 1", b"x-embedd-timing: 0", b"x-embedd-timing: true", b"x-embedd-timing:", b"Accept: text/html", b"Accept: */*",
           b"Authorization: Bearer x", b"Origin: http://x", b"Accept-Encoding: gzip", b"Connection: keep-alive", b"Connection: close", b"Connection: x, close", b"Connection: Upgrade\r\nUpgrade: h2c",
           b"Cookie: a=b; c=d", b"Expect: 100-continue", b"Expect: something", b"Range: bytes=0-1", b"If-None-Match: *", b"Transfer-Encoding:", b"traceparent: 00-1-2-3", b"User-Agent: " + b"u" * 2000]


def heads():
    for path, fields in ROUTES.items():
        body = body_of({next(iter(fields)): next(iter(fields.values()))[0]})
        for kind in KINDS:
            yield Request(f"POST {path} of type {kind}", post(path, body, kind=kind))
        for header in HEADERS:
            yield Request(f"POST {path} with {short(header)}", post(path, body, header))
        yield Request(f"POST {path} in HTTP/1.0", post(path, body, version=b"1.0"))
        yield Request(f"POST {path} in HTTP/1.0 kept", post(path, body, b"Connection: keep-alive", version=b"1.0"))
        for size in (1, 2, 7, 1000):
            yield Request(f"POST {path} in chunks of {size}", b"POST %s HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n" % path.encode() + in_chunks(body, size))
    for path in ROUTES_GET:
        for header in HEADERS:
            yield Request(f"GET {path} with {short(header)}", get(path, header))
        yield Request(f"GET {path} in HTTP/1.0", get(path, version=b"1.0"))


def in_chunks(body, size):
    parts = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


# ---- bytes on a connection of their own ----

BODY = b'{"input":"I love to eat"}'
LAST = get("/live", b"Connection: close")


def lines(*more, path=b"/v1/embeddings", version=b"1.1"):
    return b"POST " + path + b" HTTP/" + version + b"\r\n" + HEAD + b"".join(line + b"\r\n" for line in more) + b"\r\n"


def framings():
    length, chunked = b"Content-Length: %d" % len(BODY), b"Transfer-Encoding: chunked"
    for line in [b"Content-Length : 25", b"Content-Length\t: 25", b": x", b"x", b"X: y\r\n folded", b" X: y", b"X\0: y", b"X: a\0b", b"X: a\rb", b"X: a\nb", b"X: \x7f", b"X: \x01", b"X: \xff", b"X:", b"X: ",
                 b"X:y", b"X:\t y \t", b"X Y: z", b"X(: y", b"X\x80: y", b"X@: y", b"!#$%&'*+-.^_`|~: y", b"Host: test", b"Host: other", b"Content-Length: 25", b"Content-Length: 26", b"Content-Length: 0025",
                 b"Content-Length: +25", b"Content-Length: -1", b"Content-Length: 25, 25", b"Content-Length:", b"Content-Length: abc", b"Content-Length: 99999999999999999999", b"Content-Length: 999999999999999999",
                 b"Content-Length: 8388608", b"Content-Length: 8388609", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, chunked",
                 b"Transfer-Encoding: identity", b"Transfer-Encoding: \tchunked", b"Transfer-Encoding: Chunked", b"TE: trailers", b"Upgrade: websocket", b"Connection: Content-Length", b"X: " + b"y" * 7900, b"X: " + b"y" * 9000,
                 b"a:\r\n" * 1800 + b"b:", b"a:\r\n" * 2100 + b"b:", b"Cookie: " + b"a=b;" * 1900, b"Expect: 100-continue", b"Expect: 100-continue\r\nExpect: 100-continue"]:
        for name, own, data in (("", [], BODY), ("length and ", [length], BODY), ("chunks and ", [chunked], in_chunks(BODY, 10))):
            yield Bytes(f"a head with {name}{short(line)!r}", lines(line, *own) + data + LAST)
    for size in [b"", b"0", b"00", b"g", b"+3", b"-3", b"0x3", b"3 ", b" 3", b"3;", b"3;a=b", b"3;a=\"b\"", b"3;" + b"e" * 900, b"3;" + b"e" * 1100, b"0000000000000003", b"00000000000000003", b"fffffffffffffffff", b"ffffffffffffffff",
                 b"7fffffffffffffff", b"3\t", b"3\0", b"3;\x01", b"800001"]:
        for ends in ((b"\r\n", b"\r\n"), (b"\n", b"\r\n"), (b"\r\n", b"\n"), (b"\r\n", b""), (b"\r\n", b"x\r\n")):
            yield Bytes(f"a chunk {short(size)!r} {ends!r}", lines(chunked) + size + ends[0] + b'{"i' + ends[1] + b"0\r\n\r\n" + LAST)
    for trailer in [b"X: y", b"X y", b"X : y", b" X: y", b"X: \0", b"Content-Length: 3", b"X: y\r\n" * 2000, b"X: " + b"y" * 8000, b": y"]:
        yield Bytes(f"a trailer {short(trailer)!r}", lines(chunked) + in_chunks(BODY, 9)[:-2] + trailer + b"\r\n\r\n" + LAST)
    for first in first_lines():
        yield Bytes(f"a first line {short(first)!r}", first + b"\r\n" + HEAD + b"\r\n" + LAST)
    for name, data in WHOLE:
        yield Bytes(name, data)
        if len(data) < 600:
            yield Bytes(f"{name}, and more behind", data + LAST)
    for cut in range(0, len(lines(length) + BODY), 3):
        yield Bytes(f"the first {cut} bytes of a request", (lines(length) + BODY)[:cut])
        yield Bytes(f"a request and {cut} bytes of another", lines(length) + BODY + (lines(chunked) + in_chunks(BODY, 7))[:cut])


def framings_of(data):
    """What other tests send, each with and without a last request behind it."""
    for one in data:
        yield Bytes(f"bytes {short(one)!r}", one)
        yield Bytes(f"bytes {short(one)!r}, and more behind", one + LAST)


def first_lines():
    yield from [b"", b"GET", b"GET /health", b"GET  /health HTTP/1.1", b"GET /health  HTTP/1.1", b"GET /he alth HTTP/1.1", b"GET\t/health\tHTTP/1.1", b" GET /health HTTP/1.1", b"GET /health HTTP/1.1 ", b"GET health HTTP/1.1",
                b"GET * HTTP/1.1", b"OPTIONS * HTTP/1.1", b"CONNECT test:443 HTTP/1.1", b"GET http://test/health HTTP/1.1", b"GET http://test HTTP/1.1", b"GET http:// HTTP/1.1", b"GET https://test/health HTTP/1.1", b"GET HTTP://TEST:80/ready?a HTTP/1.1",
                b"GET /health%00x HTTP/1.1", b"GET /health\0 HTTP/1.1", b"GET /health\x01 HTTP/1.1", b"GET /\xe6\x88\x91 HTTP/1.1", b"GET /\xff HTTP/1.1", b"GET /health\x7f HTTP/1.1", b"GET /health HTTP/1.0", b"GET /health HTTP/1.2", b"GET /health HTTP/1.9",
                b"GET /health HTTP/0.9", b"GET /health HTTP/2", b"GET /health HTTP/2.0", b"GET /health HTTP/3.0", b"GET /health HTTP/1", b"GET /health HTTP/1.", b"GET /health HTTP/1.11", b"GET /health HTTP/01.1", b"GET /health http/1.1", b"GET /health HTTPS/1.1",
                b"GET /health ICY/1.1", b"GET /health HTTP/1.x", b"G\0T /health HTTP/1.1", b"G(T /health HTTP/1.1", b"GET\x80 /health HTTP/1.1", b"/health GET HTTP/1.1", b"GET /health?" + b"&" * 200 + b" HTTP/1.1", b"GET /health?a=" + b"x" * 7900 + b" HTTP/1.1",
                b"GET /health?a=" + b"x" * 9000 + b" HTTP/1.1", b"GET /" + b"x" * 1023 + b" HTTP/1.1", b"GET /" + b"x" * 1024 + b" HTTP/1.1", b"GET /" + b"%41" * 400 + b" HTTP/1.1", b"M" * 300 + b" /health HTTP/1.1", b"M" * 9000 + b" /health HTTP/1.1"]


WHOLE = [
    ("nothing", b""), ("line ends", b"\r\n" * 5), ("line ends before a request", b"\r\n\r\n" + get("/live")), ("LFs before a request", b"\n\n" + get("/live")), ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    ("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ("no Host", b"GET /live HTTP/1.1\r\n\r\n"), ("no Host in HTTP/1.0", b"GET /live HTTP/1.0\r\n\r\n"), ("two Hosts", b"GET /live HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    ("an empty Host", b"GET /live HTTP/1.1\r\nHost:\r\n\r\n"), ("a Host with a space", b"GET /live HTTP/1.1\r\nHost: te st\r\n\r\n"), ("a Host with a port", b"GET /live HTTP/1.1\r\nHost: test:80\r\n\r\n"), ("LF alone", b"GET /live HTTP/1.1\nHost: a\n\n"),
    ("mixed line ends", b"GET /live HTTP/1.1\r\nHost: a\n\r\n"), ("chunks in HTTP/1.0", lines(b"Transfer-Encoding: chunked", version=b"1.0") + in_chunks(BODY, 9)), ("random bytes", bytes(range(256))), ("zeros", bytes(100)),
    ("many in a row", get("/live") * 50), ("many of all kinds", get("/live") + post("/embed", b'{"inputs":"a"}') + get("/nowhere") + post("/v1/ids", b"{") + get("/v1/models", method=b"HEAD") + get("/live")),
    ("one in the middle that is none", get("/live") + b"GET  / HTTP/1.1\r\n\r\n" + get("/live")), ("one that closes, and more", get("/live", b"Connection: close") + get("/live")), ("HTTP/1.0 and more", get("/live", version=b"1.0") + get("/live")),
    ("a large one, then one that is none", post("/v1/lookup", b'{"text":"' + b"word " * 900 + b'"}') * 2 + b"x\r\n\r\n"), ("a GET with a body", b"GET /live HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET " + get("/live")),
    ("a POST without a body", b"POST /embed HTTP/1.1\r\nHost: a\r\n\r\n" + get("/live")), ("a body too large by its length", lines(b"Content-Length: 9000000")), ("a body too large in chunks", lines(b"Transfer-Encoding: chunked") + in_chunks(b" " * 8500000, 65536)),
    ("a body far too large in chunks", lines(b"Transfer-Encoding: chunked") + in_chunks(b" " * 19000000, 1 << 20)), ("a wrong type that waits", lines(b"Content-Type: text/html", b"Content-Length: 5", b"Expect: 100-continue")),
    ("a wrong route that waits", lines(b"Content-Length: 5", b"Expect: 100-continue", path=b"/nowhere")), ("a wrong method that waits", lines(b"Content-Length: 5", b"Expect: 100-continue", path=b"/health")), ("a body that waits and comes", lines(b"Content-Length: %d" % len(BODY), b"Expect: 100-continue") + BODY),
    ("a compressed body", lines(b"Content-Encoding: gzip", b"Content-Length: 3") + b"abc"), ("an empty chunked body", lines(b"Transfer-Encoding: chunked") + b"0\r\n\r\n"), ("a HEAD of a POST's route", get("/embed", method=b"HEAD")),
]


# ---- services ----

SMALL_MODEL = ["--model", TOP / "examples/chain/w6x2", "--heads", TOP / "examples/heads"]
PLAIN = ["--threads=1", "--workers=1", "--openai-ids=model"]


def everything():
    return [*good_values(), *values_of_every_type(), *bodies_that_are_none(), *texts(), *heads(), *methods_and_paths()]


def with_metrics(cases):
    return [*cases, Request("GET /metrics at last", get("/metrics"))]


def services(more_requests, more_bytes, quick=False):
    """The services that are asked, each with what it is asked; a few of each kind where `quick`."""
    take = 61 if quick else 1
    small = [*good_values(), *values_of_every_type(), *bodies_that_are_none(), *texts(lines=MORE_TEXTS)]
    yield Service("chain", [*SMALL_MODEL, *PLAIN, "--access-log"], with_metrics(everything()[::take]))
    yield Service("framing", [*SMALL_MODEL, *PLAIN], with_metrics(list(framings())[::take]))
    if quick:
        return
    for name, flags in (("chain", SMALL_MODEL), ("builtin", [])):
        yield Service(f"{name} by the unit tests", [*flags, *PLAIN], with_metrics([*more_requests, *more_bytes]))
    whole = everything()
    for part in range(4):
        yield Service(f"builtin {part}", PLAIN, with_metrics(whole[part::4]))
    yield Service("large", PLAIN, with_metrics(large_ones()))
    for flags in (["--strict-model", "--server-timing"], ["--offload-bytes=0", "--max-inputs=2"], ["--max-input-tokens=2"], ["--max-input-tokens=2", "--truncate=left"], ["--max-input-tokens=2", "--truncate=error"],
                  ["--max-input-tokens=1", "--truncate=error", "--offload-bytes=1"], ["--max-body-bytes=40", "--log-level=debug", "--access-log"], ["--max-dense-cells=65536", "--max-request-memory=1M", "--max-inputs=100000"]):
        yield Service("chain " + " ".join(flags), [*SMALL_MODEL, *PLAIN, *flags], with_metrics(small))
    for flags in (["--max-input-tokens=5"], ["--max-input-tokens=5", "--truncate=error", "--max-request-memory=1M"], ["--max-input-tokens=5", "--truncate=left", "--max-dense-cells=65536"]):
        yield Service("builtin " + " ".join(flags), [*PLAIN, *flags], with_metrics([*texts(), *large_ones()]))
    yield Service("framing --max-header-bytes=4096", [*SMALL_MODEL, *PLAIN, "--max-header-bytes=4096", "--max-body-bytes=100"], with_metrics(list(framings())))
