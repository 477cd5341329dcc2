# SPDX-License-Identifier: Apache-2.0
"""What docs/CLIENTS.md says that works here: every row of its tables, asked of the program."""
import base64
import gzip
import json
import pathlib
import re
import struct
import subprocess
import tempfile

import certificates
import pytest
import zstandard
from harness import PROGRAM, TOP, Service, head, wait_until

pytestmark = pytest.mark.slow_under_tsan

PAGE = "https://app.example.org"
ONE, TWO = "我爱吃饭", "你"  # (0.125, 0.5) and (0.75, 0) by examples/chain/w6x2
LONG = "我爱吃饭你他"
LIMIT = 5


@pytest.fixture(scope="module")
def example():
    shared = Service("--model", str(TOP / "examples/chain/w6x2"), "--heads", str(TOP / "examples/heads"),
                     f"--max-input-tokens={LIMIT}", f"--cors-origins={PAGE}", "--compress=all", "--compress-min-bytes=1")
    yield shared
    try:
        shared.stop()
    finally:
        shared.kill()


def ask(service, path, expect=200, raw=None, **body):
    headers = raw or {}
    reply = service.post(path, json.dumps(body).encode(), **headers)
    assert reply.status == expect, f"{path}: {reply.status} {reply.body[:300]}"
    return reply


def vectors(service, given, **more):
    return [item["embedding"] for item in ask(service, "/v1/embeddings", input=given, **more).json()["data"]]


def numbers_and_base64(service, start):
    packed = vectors(service, [ONE, TWO], encoding_format="base64")
    assert [list(struct.unpack("<2f", base64.b64decode(x))) for x in packed] == vectors(service, [ONE, TWO])


def dimensions(service, start):
    assert vectors(service, ONE, dimensions=1) == [[0.125]]


def openai_ids(service, start):
    assert vectors(service, [[37046, 76207, 109], [57668]]) == vectors(service, ["我爱", TWO])


def empty_text(service, start):
    assert vectors(service, [ONE, "", TWO]) == [[0.125, 0.5], [0, 0], [0.75, 0]]


def any_name(service, start):
    assert ask(service, "/v1/embeddings", input=ONE, model="text-embedding-3-small").json()["model"] == \
        "text-embedding-3-small"


def openai_errors(service, start):
    error = ask(service, "/v1/embeddings", 400, input=[]).json()
    assert set(error) == {"error"} and set(error["error"]) == {"message", "type", "param", "code"}


def embed(service, start):
    assert len(ask(service, "/embed", inputs=[ONE, TWO]).json()) == 2
    assert ask(service, "/embed_all", inputs="我爱").json() == [[[1, 0], [0.25, 0.75]]]


def embed_sparse(service, start):
    assert ask(service, "/embed_sparse", inputs="饭我饭").json() == [
        [{"index": 1, "value": 1}, {"index": 5, "value": 2}]]


def similarity(service, start):
    assert len(ask(service, "/similarity", inputs={"source_sentence": ONE, "sentences": ["我", TWO]}).json()) == 2


def tei_rerank(service, start):
    cosine = ask(service, "/similarity", inputs={"source_sentence": ONE, "sentences": [TWO]}).json()[0]
    assert ask(service, "/rerank", query=ONE, texts=[TWO], raw_scores=True).json() == [{"index": 0, "score": cosine}]


def predict(service, start):
    assert {x["label"] for x in ask(service, "/predict", inputs=ONE).json()} == {"meal", "other"}


def tokenize(service, start):
    tokens = ask(service, "/tokenize", inputs="我爱").json()[0]
    assert ask(service, "/decode", ids=[x["id"] for x in tokens]).json() == ["我爱"]


def ollama_embed(service, start):
    assert len(ask(service, "/api/embed", model="nomic-embed-text", input=[ONE, TWO]).json()["embeddings"]) == 2
    assert ask(service, "/api/embeddings", model="x", prompt=ONE).json()["embedding"] == [0.125, 0.5]


def ollama_models(service, start):
    assert service.get("/api/tags").json()["models"]
    assert ask(service, "/api/show", model="chain-w6x2").json()["details"]


def cohere_v2(service, start):
    assert ask(service, "/v2/embed", model="m", texts=[ONE]).json()["embeddings"]["float"] == [[0.125, 0.5]]


def cohere_v1(service, start):
    assert ask(service, "/v1/embed", model="m", texts=[ONE]).json()["embeddings"] == [[0.125, 0.5]]


def ranks(service, start):
    cosine = ask(service, "/similarity", inputs={"source_sentence": ONE, "sentences": [TWO]}).json()[0]
    for path in ("/rerank", "/v1/rerank", "/v2/rerank"):
        assert ask(service, path, model="m", query=ONE, documents=[TWO]).json()["results"][0][
            "relevance_score"] == cosine


def gemini(service, start):
    content = {"parts": [{"text": ONE}]}
    assert ask(service, "/v1beta/models/m:embedContent", content=content).json()["embedding"]["values"] == [0.125, 0.5]
    assert len(ask(service, "/v1beta/models/m:batchEmbedContents",
                   requests=[{"content": content}]).json()["embeddings"]) == 1


def voyage_fields(service, start):
    assert vectors(service, ONE, output_dimension=1) == [[0.125]]
    assert vectors(service, ONE, output_dtype="int8") == [[31, 123]]


def jina_fields(service, start):
    assert vectors(service, TWO, normalized=True) == [[1, 0]]
    assert vectors(service, ONE, embedding_type="ubinary") == [[192]]


def vllm_fields(service, start):
    reply = ask(service, "/v1/embeddings", input=ONE, encoding_format="bytes", embed_dtype="float16")
    assert reply.body == struct.pack("<2e", 0.125, 0.5) and json.loads(reply.headers["metadata"])


def score(service, start):
    cosine = ask(service, "/similarity", inputs={"source_sentence": ONE, "sentences": [TWO]}).json()[0]
    assert ask(service, "/score", text_1=ONE, text_2=TWO).json()["data"][0]["score"] == cosine


def pooling(service, start):
    assert ask(service, "/pooling", input=ONE).json()["data"][0]["data"] == [0.125, 0.5]


def open_inference(service, start):
    tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "data": [ONE]}
    assert ask(service, "/v2/models/chain-w6x2/infer", inputs=[tensor]).json()["outputs"][0]["data"] == [0.125, 0.5]


def weaviate(service, start):
    assert ask(service, "/vectors", text=ONE).json()["vector"] == [0.125, 0.5]


def octets(service, start):
    for path, field in (("/v1/embeddings", "input"), ("/embed", "inputs")):
        reply = ask(service, path, raw={"Accept": "application/octet-stream"}, **{field: ONE})
        assert len(reply.body) == 8 and reply.headers["x-embedd-shape"] == "1,2"


def int8_and_binary(service, start):
    assert vectors(service, ONE, embedding_type="int8") == [[31, 123]]
    assert vectors(service, ONE, embedding_type="binary") == [[64]]


PACK = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}
UNPACK = {"gzip": gzip.decompress, "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)}


def packed_requests(service, start):
    body = json.dumps({"input": ONE}).encode()
    for coding, pack in PACK.items():
        assert service.post("/v1/embeddings", pack(body), Content_Encoding=coding).status == 200


def packed_replies(service, start):
    body = json.dumps({"input": [ONE] * 500}).encode()
    plain = service.post("/v1/embeddings", body).body
    for coding, unpack in UNPACK.items():
        reply = service.post("/v1/embeddings", body, Accept_Encoding=coding)
        assert reply.headers["content-encoding"] == coding and unpack(reply.body) == plain


def other_origins(service, start):
    with service.connect() as client:
        client.send(head("OPTIONS", "/v1/embeddings", Origin=PAGE, Access_Control_Request_Method="POST",
                         Access_Control_Request_Headers="authorization,content-type"))
        reply = client.read_reply()
    assert reply.headers["access-control-allow-origin"] == PAGE
    assert "authorization" in reply.headers["access-control-allow-headers"]


def openapi(service, start):
    assert service.get("/openapi.json").json()["openapi"] == "3.1.0"


def too_long(service, start):
    ask(service, "/v1/embeddings", 400, input=LONG)
    for path, field in (("/embed", "inputs"), ("/api/embed", "input")):
        assert ask(service, path, model="m", **{field: LONG}).headers["x-embedd-truncated"] == "1"


def windows(service, start):
    reply = ask(service, "/v1/embeddings", input=LONG, truncate="window")
    assert "x-embedd-truncated" not in reply.headers


def cut_is_counted(service, start):
    before = service.metric("embedd_truncated_inputs_total")
    assert ask(service, "/embed", inputs=[LONG, ONE, LONG]).headers["x-embedd-truncated"] == "2"
    wait_until(lambda: service.metric("embedd_truncated_inputs_total") >= before + 2, "both are counted")


def several_models(service, start):
    both = start("--model", f"small={TOP / 'examples/chain/w6x2'}", "--model", f"large={TOP / 'examples/chain/w6x8'}")
    sizes = [len(vectors(both, ONE, model=name)[0]) for name in ("small", "large")]
    assert sizes == [2, 8]


def prometheus(service, start):
    wait_until(lambda: service.metric("embedd_requests_total") > 0, "requests are counted")


def api_keys(service, start):
    ask(service, "/v1/embeddings", input=ONE, raw={"Authorization": "Bearer wrong"})  # where there are none
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run([PROGRAM, "key", "new", "web", f"--file={folder}/keys"], capture_output=True, text=True)
        guarded = start(f"--api-keys={folder}/keys")
        ask(guarded, "/v1/embeddings", 401, input=ONE)
        ask(guarded, "/v1/embeddings", input=ONE, raw={"Authorization": f"Bearer {made.stdout.strip()}"})


def tls(service, start):
    with tempfile.TemporaryDirectory() as folder:
        pair = certificates.Pair(pathlib.Path(folder), "server")
        secure = start(*pair.flags(), tls=certificates.client(pair))
        assert secure.url.startswith("https://") and secure.get("/live").status == 200


# By the first cell of a row: what the page says of embedd, and what shows it.
ROWS = {
    "numbers, `base64`": ("yes", numbers_and_base64),
    "`dimensions`": ("yes", dimensions),
    "ids of cl100k_base, as LangChain sends them": ("yes", openai_ids),
    "an empty text in a batch": ("yes, zeros", empty_text),
    "any model name, where one model is served": ("yes", any_name),
    "errors in OpenAI's shape": ("yes", openai_errors),
    "TEI `/embed`, `/embed_all`": ("yes", embed),
    "TEI `/embed_sparse`": ("yes, counts of tokens", embed_sparse),
    "TEI `/similarity`": ("yes", similarity),
    "TEI `/rerank`": ("yes, by cosine", tei_rerank),
    "TEI `/predict`": ("yes, with a head", predict),
    "TEI `/tokenize`, `/decode`": ("yes", tokenize),
    "Ollama `/api/embed`, `/api/embeddings`": ("yes", ollama_embed),
    "Ollama `/api/tags`, `/api/show`": ("yes", ollama_models),
    "Cohere `/v2/embed`": ("yes", cohere_v2),
    "Cohere `/v1/embed`": ("yes", cohere_v1),
    "Cohere, Jina `/rerank`, `/v1/rerank`, `/v2/rerank`": ("yes, by cosine", ranks),
    "Gemini `:embedContent`, `:batchEmbedContents`": ("yes", gemini),
    "Voyage's fields `output_dtype`, `output_dimension`": ("yes", voyage_fields),
    "Jina's fields `embedding_type`, `normalized`": ("yes", jina_fields),
    "vLLM's fields `encoding_format: bytes`, `embed_dtype`": ("yes", vllm_fields),
    "vLLM `/score`": ("yes, by cosine", score),
    "vLLM `/pooling`": ("yes", pooling),
    "Open Inference Protocol (KServe, Triton)": ("yes", open_inference),
    "Weaviate `/vectors`": ("yes", weaviate),
    "vectors as bytes by `Accept: application/octet-stream`": ("yes", octets),
    "`int8` and binary vectors": ("yes, by the request", int8_and_binary),
    "requests in gzip and zstd": ("yes", packed_requests),
    "replies in gzip and zstd": ("yes, with `compress`", packed_replies),
    "pages of other origins, with a key in `Authorization`": ("yes, with `cors-origins`", other_origins),
    "OpenAPI": ("yes", openapi),
    "a text that is too long": ("as the API's own server", too_long),
    "a text that is too long, as windows": ("yes, with `truncate`", windows),
    "texts that were cut are counted": ("yes, in a header and in the metrics", cut_is_counted),
    "several models": ("yes", several_models),
    "Prometheus": ("yes", prometheus),
    "API keys": ("yes, with `api-keys`", api_keys),
    "TLS": ("yes, with `tls-cert`, `tls-key`", tls),
}


def test_every_row_of_the_tables_is_asked():
    section = (TOP / "docs/CLIENTS.md").read_text(encoding="utf-8").partition("\n## What works where\n")[2]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if line[:1] == "|"]
    shown = {row[0]: row[1] for row in rows if len(row) == 7 and row[1] not in ("embedd", "---")}
    assert shown == {row: says for row, (says, _) in ROWS.items()}


@pytest.mark.parametrize("row", ROWS)
def test_what_a_row_says_is_so(example, start, row):
    ROWS[row][1](example, start)
