# SPDX-License-Identifier: Apache-2.0
"""A server that writes down what clients send, and answers as the services they were made for.

    build/venv/bin/python tests/clients/record_server.py      prints its address; a JSON object a request

Every vector in its replies is [1, 0, 0, 0]. `Recorder.fail` makes it refuse instead.
"""
import base64
import http.server
import json
import struct
import sys
import threading

VECTOR = [1.0, 0.0, 0.0, 0.0]


def listed(value):
    """The inputs of a request: one text, one list of ids, or a list of either."""
    return value if isinstance(value, list) and not (value and isinstance(value[0], int)) else [value]


def openai(_, body):
    coded = base64.b64encode(struct.pack("<4f", *VECTOR)).decode()
    vector = coded if body.get("encoding_format") == "base64" else VECTOR
    data = [{"object": "embedding", "index": i, "embedding": vector} for i, _ in enumerate(listed(body.get("input")))]
    return {"object": "list", "data": data, "model": body.get("model"),
            "usage": {"prompt_tokens": 1, "total_tokens": 1}}


def tei(_, body):
    inputs = body.get("inputs")
    if isinstance(inputs, dict):  # sentence similarity
        return [1.0 for _ in inputs.get("sentences", [])]
    return [VECTOR for _ in listed(inputs)]


def ollama(_, body):
    return {"model": body.get("model"), "embeddings": [VECTOR for _ in listed(body.get("input"))],
            "total_duration": 1, "load_duration": 1, "prompt_eval_count": 1}


def ollama_old(_, __):
    return {"embedding": VECTOR}


def cohere(path, body):
    texts = body.get("texts") or [0 for _ in body.get("inputs") or []]
    vectors = [VECTOR for _ in texts]
    types = body.get("embedding_types")
    by_type = types or path.startswith("/v2")
    meta = {"api_version": {"version": path[2]}, "billed_units": {"input_tokens": 1}}
    return {"id": "0", "response_type": "embeddings_by_type" if by_type else "embeddings_floats", "texts": texts,
            "embeddings": {name: vectors for name in types or ["float"]} if by_type else vectors, "meta": meta}


def rerank(_, body):
    found = [{"index": i, "relevance_score": 1 / (i + 1)} for i, _ in enumerate(body.get("documents", []))]
    return {"id": "0", "results": found[:body.get("top_n")], "meta": {"api_version": {"version": "2"}}}


def gemini(_, __):
    return {"embedding": {"values": VECTOR}}


def gemini_batch(_, body):
    return {"embeddings": [{"values": VECTOR} for _ in body.get("requests", [])]}


def infer(path, body):
    rows = body["inputs"][0]["shape"][0] if body.get("inputs") else 1
    output = {"name": "embedding", "datatype": "FP32", "shape": [rows, 4], "data": VECTOR * rows}
    return {"model_name": path.split("/")[3], "model_version": "1", "outputs": [output]}


# What a path ends with, and who answers; the first that fits.
ROUTES = [
    ("/api/embed", ollama), ("/api/embeddings", ollama_old), ("/v2/embed", cohere), ("/v1/embed", cohere),
    ("/rerank", rerank), (":embedContent", gemini), (":batchEmbedContents", gemini_batch), ("/infer", infer),
    ("/embeddings", openai), ("/embed", tei), ("", tei)]
GETS = {
    "/v1/models": {"object": "list", "data": [{"id": "m", "object": "model", "created": 0, "owned_by": "o"}]},
    "/api/tags": {"models": [{"name": "m:latest", "model": "m:latest", "size": 1, "digest": "0", "details": {}}]},
    "/api/version": {"version": "0.20.0"},
    "/info": {"model_id": "m", "model_type": {"embedding": {"pooling": "mean"}}, "max_client_batch_size": 32},
    "/v2": {"name": "triton", "version": "2", "extensions": []},
}
METADATA = {"name": "m", "versions": ["1"], "platform": "p", "outputs": [
    {"name": "embedding", "datatype": "FP32", "shape": [-1, 4]}],
    "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1]}]}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def read_body(self):
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def answer(self):
        raw = self.read_body()
        path, _, query = self.path.partition("?")
        # A body of tensors is JSON and then their bytes.
        json_bytes = int(self.headers.get("inference-header-content-length", len(raw)))
        try:
            body = json.loads(raw[:json_bytes])
        except ValueError:
            body = raw.decode("utf-8", "backslashreplace")
        self.server.seen.append({"method": self.command, "path": path, "query": query,
                                 "headers": dict(self.headers.items()), "body": body,
                                 "tail": raw[json_bytes:].decode("latin-1")})
        self.server.on_request(self.server.seen[-1])
        status, headers, reply = self.server.refusal or (200, {}, self.reply(path, body))
        data = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = answer

    def reply(self, path, body):
        if self.command == "POST":
            answer = next(answer for tail, answer in ROUTES if path.endswith(tail))
            return answer(path, body if isinstance(body, dict) else {})
        return METADATA if path.startswith("/v2/models/") else GETS.get(path, {})

    def log_message(self, *_):
        pass


class Recorder:
    """The server, on a port of its own. `seen`: the requests so far."""

    def __init__(self, on_request=lambda request: None):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.seen, self.server.refusal, self.server.on_request = [], None, on_request
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def fail(self, status=None, body=None, headers=None):
        """From now on every request gets this; nothing: as usual again."""
        self.server.refusal = (status, headers or {}, body) if status else None

    def take(self):
        """The requests since the last call."""
        seen, self.server.seen = self.server.seen, []
        return seen

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


if __name__ == "__main__":
    recorder = Recorder(on_request=lambda request: print(json.dumps(request, ensure_ascii=False), flush=True))
    print(recorder.url, file=sys.stderr, flush=True)
    try:
        recorder.thread.join()
    except KeyboardInterrupt:
        recorder.stop()
