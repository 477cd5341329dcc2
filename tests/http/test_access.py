# SPDX-License-Identifier: Apache-2.0
"""Access by keys: every route by every key, the forms they come in, and the file as it changes."""

import hashlib
import json
import os
import re
import signal
import subprocess
import threading

import pytest
from harness import PATIENCE_S, PROGRAM, SMALL, TOP, Client, Service, environment, wait_until

SCOPES = ("embed", "classify", "metrics", "admin")
OPEN = {"/", "/docs", "/health", "/live", "/ping", "/ready", "/openapi.json", "/.well-known/live",
        "/.well-known/ready", "/v2/health/live", "/v2/health/ready"}
CLASSIFY = {"/v1/classify", "/predict"}
METRICS = {"/metrics"}
TEXT = b'{"inputs": "hello", "parameters": {}}'


def run(*arguments, stdin=None):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, input=stdin,
                          timeout=PATIENCE_S, env=environment())


def new_key(file, name, *flags):
    result = run("key", "new", name, "--file", file, *flags)
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r"embedd_[A-Za-z0-9]{43}\n", result.stdout)
    return result.stdout.strip()


def line(name, key, scopes="embed", expires=""):
    return f"{name} sha256:{hashlib.sha256(key.encode()).hexdigest()} {scopes} {expires}\n"


def write(file, *lines):
    """As a whole: the service may be reading it."""
    fresh = file.with_suffix(".new")
    fresh.write_text("# keys\n" + "".join(lines))
    fresh.chmod(0o600)
    fresh.rename(file)


class Guarded:
    """A service with a key a scope, one that has expired, and heads to predict with."""

    def __init__(self, folder):
        self.file = folder / "keys.txt"
        self.keys = {scope: new_key(self.file, f"the-{scope}", f"--scopes={scope}") for scope in SCOPES}
        self.keys["expired"] = "an-old-key-of-somebody"
        with self.file.open("a") as file:
            file.write(line("old", self.keys["expired"], "embed,classify,metrics,admin", "2020-01-01"))
        self.service = Service("--model", str(TOP / "examples/chain/w6x2"), "--heads", str(TOP / "examples/heads"),
                               f"--api-keys={self.file}", "--access-log", "--cors-origins=*")

    def ask(self, key=None, path=SMALL[0], body=SMALL[1], **headers):
        if key:
            headers["x_api_key"] = self.keys.get(key, key)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.service.post(path, body, **headers)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    shared = Guarded(tmp_path_factory.mktemp("keys"))
    yield shared
    try:
        shared.service.stop()
    finally:
        shared.service.kill()


# ---- who may ask for what ----


def routes(service):
    """(method, path) of every route, from the description of the API."""
    paths = json.loads(service.get("/openapi.json").body)["paths"]
    return [(method.upper(), re.sub(r"{\w+}", "m", path)) for path, methods in paths.items() for method in methods]


def scope_of(method, path):
    if method == "GET" and path in OPEN:
        return None
    if path.startswith(("/admin/", "/v1/files", "/v1/fine_tuning/")) or method == "DELETE":
        return "admin"
    return "classify" if path in CLASSIFY else "metrics" if path in METRICS else "embed"


def test_every_route_lets_in_keys_of_its_scope_and_no_others(guarded):
    listed = routes(guarded.service)
    assert len(listed) > 50
    kinds = {None: 401, "nobodys-key-0123456789": 401, guarded.keys["embed"][:-1]: 401,
             guarded.keys["embed"] + "x": 401, guarded.keys["expired"]: 401}
    kinds.update({guarded.keys[scope]: scope for scope in SCOPES})
    with guarded.service.connect() as client:
        for method, path in listed:
            for key, kind in kinds.items():
                headers = {"x-api-key": key} if key else {}
                reply = client.get(path, **headers) if method == "GET" else client.post(path, b"{}", method, **headers)
                need = scope_of(method, path)
                if need is None or need == kind:
                    assert reply.status not in (401, 403), (method, path, kind, reply.status)
                else:
                    assert reply.status == (401 if kind == 401 else 403), (method, path, kind, reply.status)
                    assert reply.headers["www-authenticate"].startswith('Bearer realm="embedd"')
                    assert "x-embedd-model" not in reply.headers


def test_a_body_that_asks_for_labels_needs_that_scope_too(guarded, tmp_path, start):
    both = guarded.keys["embed"]
    for path, body in (("/", TEXT), ("/invocations", TEXT), ("/vertex", b'{"instances": [%s]}' % TEXT)):
        reply = guarded.ask(both, path, body)
        assert reply.status == 403 and b"scope classify" in reply.body
        assert guarded.ask(both, path, body.replace(b', "parameters": {}', b"")).status == 200
    file = tmp_path / "keys.txt"
    key = new_key(file, "both")  # embed and classify
    service = start("--model", str(TOP / "examples/chain/w6x2"), "--heads", str(TOP / "examples/heads"),
                    f"--api-keys={file}")
    for path in ("/", "/invocations"):
        assert service.post(path, TEXT, Authorization=f"Bearer {key}").status == 200


def test_strangers_are_not_told_which_paths_there_are(guarded):
    with guarded.service.connect() as client:
        assert client.get("/nowhere").status == 401
        assert client.get("/nowhere", **{"api-key": guarded.keys["metrics"]}).status == 404
        assert client.get("/v1/embeddings").status == 401
        assert client.get("/v1/embeddings", **{"api-key": guarded.keys["embed"]}).status == 405
        assert client.get("/live").status == client.get("/ready").status == client.get("/health").status == 200


def test_a_page_may_ask_whether_it_may_ask_without_a_key(guarded):
    with guarded.service.connect() as client:
        client.send(b"OPTIONS /v1/embeddings HTTP/1.1\r\nHost: x\r\nOrigin: https://a.b\r\n"
                    b"Access-Control-Request-Method: POST\r\n"
                    b"Access-Control-Request-Headers: authorization,api-key\r\n\r\n")
        reply = client.read_reply(has_body=False)
        assert reply.status == 204
        assert reply.headers["access-control-allow-headers"] == "authorization,api-key"
        refused = client.post(*SMALL, Origin="https://a.b")
        assert refused.status == 401 and refused.headers["access-control-allow-origin"] == "*"


# ---- how a key comes ----


@pytest.mark.parametrize("name, value", [
    ("Authorization", "Bearer {}"), ("authorization", "bearer {}"), ("AUTHORIZATION", "BEARER   {}"),
    ("Authorization", "{}"), ("api-key", "{}"), ("Api-Key", " {} "), ("x-api-key", "{}"), ("x-goog-api-key", "{}"),
])
def test_the_forms_that_clients_send(guarded, name, value):
    reply = guarded.service.post(*SMALL, **{name: value.format(guarded.keys["embed"])})
    assert reply.status == 200


@pytest.mark.parametrize("name, value, why", [
    ("Authorization", "", "requires an API key"), ("Authorization", "Bearer", "requires an API key"),
    ("Authorization", "Bearer ", "requires an API key"), ("api-key", "", "requires an API key"),
    ("Authorization", "Basic {}", "Basic is not supported"), ("Authorization", "Token {}", "must be Bearer"),
    ("Authorization", "Bearer {} {}", "blanks"), ("api-key", "Bearer {}", "blanks"),
    ("api-key", "k" * 257, "longer"), ("Authorization", "Bearer " + "k" * 4000, "longer"),
    ("x-goog-api-key", "\xe9" * 20, "unknown API key"), ("Authorization", "Bearer expired", "unknown API key"),
    ("x-api-key", "an-old-key-of-somebody", "expired"),
])
def test_what_is_no_key_is_told_why(guarded, name, value, why):
    with guarded.service.connect() as client:
        value = value.replace("{}", guarded.keys["embed"]).encode("latin-1")
        client.send(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s: %s\r\n\r\n%s" %
                    (SMALL[0].encode(), len(SMALL[1]), name.encode(), value, SMALL[1]))
        reply = client.read_reply()
        error = reply.json()["error"]
        assert (reply.status, error["type"], error["code"]) == (401, "invalid_request_error", "invalid_api_key")
        assert why in error["message"]
        assert client.get("/live").status == 200  # on the same connection


def test_several_headers_must_say_the_same(guarded):
    key = guarded.keys["embed"]
    same = {"Authorization": f"Bearer {key}", "api-key": key, "x-api-key": key, "x-goog-api-key": key}
    assert guarded.service.post(*SMALL, **same).status == 200
    reply = guarded.service.post(*SMALL, **{**same, "api-key": guarded.keys["admin"]})
    assert reply.status == 401 and "different API keys" in reply.json()["error"]["message"]
    with guarded.service.connect() as client:  # one header twice
        client.send(b"GET /info HTTP/1.1\r\nHost: x\r\napi-key: %s\r\napi-key: %s\r\n\r\n" %
                    (key.encode(), guarded.keys["admin"].encode()))
        assert client.read_reply().status == 401
    with guarded.service.connect() as client:  # very many
        client.send(b"GET /info HTTP/1.1\r\nHost: x\r\n" + 60 * (b"api-key: %s\r\n" % key.encode()) + b"\r\n")
        assert client.read_head()[0] == 431


@pytest.mark.parametrize("path, unauthorized, forbidden", [
    ("/v1/embeddings", ["error"], ["error"]), ("/embed", None, ["error", "error_type"]), ("/api/embed", ["error"], ["error"]),
    ("/v2/embed", ["message"], ["message"]), ("/v1/rerank", ["message", "detail"], ["message", "detail"]),
    ("/v1beta/models/m:embedContent", ["error"], ["error"]), ("/v2/models/m/infer", ["error"], ["error"]),
    ("/vectors", ["error"], ["error"]),
])
def test_each_api_has_its_own_shape_of_it(guarded, path, unauthorized, forbidden):
    reply = guarded.ask(None, path)
    assert reply.status == 401
    if unauthorized is None:
        assert reply.body == b"" and "content-type" not in reply.headers
    else:
        assert list(reply.json()) == unauthorized
    reply = guarded.ask("metrics", path)
    assert reply.status == 403 and list(reply.json()) == forbidden
    if path.startswith("/v1beta"):
        assert reply.json()["error"]["status"] == "PERMISSION_DENIED"


@pytest.mark.parametrize("rest", [b"Content-Length: 100\r\nExpect: 100-continue", b"Content-Length: 65537"])
def test_a_stranger_with_a_large_body_is_told_at_once(guarded, rest):
    with guarded.service.connect() as client:
        client.send(b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\n" + rest + b"\r\n\r\n")
        assert client.read_head()[0] == 401


def test_a_stranger_with_a_small_body_keeps_the_connection(guarded):
    with guarded.service.connect() as client:
        for _ in range(2):
            assert client.post(*SMALL).status == 401


def test_a_missing_scope_is_counted_by_itself(guarded):
    def counted(reason):
        with guarded.service.connect() as client:
            text = client.get("/metrics", **{"x-api-key": guarded.keys["metrics"]}).body.decode()
        return int(re.search(rf'^embedd_rejected_total{{reason="{reason}"}} (\d+)', text, re.M)[1])

    before = counted("auth"), counted("scope")
    assert guarded.ask("metrics").status == 403
    assert (counted("auth"), counted("scope")) == (before[0], before[1] + 1)


# ---- what is told of keys ----


def test_use_is_counted_by_name_and_no_key_is_in_logs_or_metrics(guarded):
    for key in (*SCOPES, "expired", "a-wrong-key-0123456789"):
        guarded.ask(key)
    guarded.ask(None, Authorization="Basic c2VjcmV0OnNlY3JldA==")
    text = guarded.ask("metrics", path="/metrics").body.decode()  # POST: 405
    assert "metrics" in text
    with guarded.service.connect() as client:
        text = client.get("/metrics", **{"x-api-key": guarded.keys["metrics"]}).body.decode()
    log = guarded.service.stderr()
    assert re.search(r'^embedd_key_requests_total{key="the-embed"} [1-9]', text, re.M)
    assert re.search(r'^embedd_key_tokens_total{key="the-embed"} [1-9]', text, re.M)
    assert re.search(r'^embedd_rejected_total{reason="auth"} [1-9]', text, re.M)
    assert re.search(r'^embedd_requests_total{route="/v1/embeddings",code="403"} [1-9]', text, re.M)
    assert '"key":"the-embed"' in log and '"key":"old"' in log
    for key in (*guarded.keys.values(), "a-wrong-key-0123456789", "c2VjcmV0"):
        assert key not in log and key not in text
        assert hashlib.sha256(key.encode()).hexdigest() not in log + text


# ---- the file as it changes ----


def reload(service, says="reload: done"):
    before = service.stderr().count(says)
    service.signal(signal.SIGHUP)
    wait_until(lambda: service.stderr().count(says) > before, says)


def status(service, key):
    return service.post(*SMALL, **{"api-key": key}).status


def test_a_reload_adds_and_revokes_keys_while_requests_run(start, tmp_path):
    file = tmp_path / "keys.txt"
    stays = new_key(file, "stays")
    service = start(f"--api-keys={file}")
    seen, is_over = [], threading.Event()

    def ask_on():
        with Client(service) as client:
            while not is_over.is_set():
                seen.append(client.post(*SMALL, **{"api-key": stays}).status)

    threads = [threading.Thread(target=ask_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for i in range(5):
            key = new_key(file, f"guest-{i}")
            assert status(service, key) == 401
            reload(service)
            assert status(service, key) == 200
            assert run("key", "revoke", f"guest-{i}", "--file", file).returncode == 0
            reload(service)
            assert status(service, key) == 401
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    assert set(seen) == {200} and len(seen) > 10


@pytest.mark.parametrize("text, why", [
    (b"", "empty"), (b"web sha256:12", "no newline"), (b"nonsense\n", "line 1"), (b"\xff\xfe\0\n", "line 1"),
    (line("web", "a").encode() + line("web", "b").encode(), "same name"),
    (line("a", "a").encode() + line("b", "a").encode(), "same key"),
    (line("a", "a", expires="requests=-1").encode(), "requests= must be followed by a whole number"),
    (line("a", "a", expires="tokens=1 tokens=1").encode(), "twice"),
])
def test_a_bad_file_is_no_start_and_at_a_reload_changes_nothing(start, tmp_path, text, why):
    bad, file = tmp_path / "bad.txt", tmp_path / "keys.txt"
    bad.write_bytes(text)
    bad.chmod(0o600)
    refused = run("serve", "--listen=127.0.0.1:0", f"--api-keys={bad}")
    assert refused.returncode == 1 and why in refused.stderr and "bad.txt" in refused.stderr
    key = new_key(file, "web")
    service = start(f"--api-keys={file}")
    bad.rename(file)
    reload(service, "something was refused and stays as it was")
    assert why in service.stderr()
    assert status(service, key) == 200 and status(service, "nobody-0123456789abc") == 401


def test_a_file_that_others_may_write_or_that_is_not_there_is_refused(tmp_path, start):
    file = tmp_path / "keys.txt"
    key = new_key(file, "web")
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o620)
    refused = run("serve", "--listen=127.0.0.1:0", f"--api-keys={file}")
    assert refused.returncode == 1 and "chmod 600" in refused.stderr
    refused = run("serve", "--listen=127.0.0.1:0", f"--api-keys={tmp_path}/none")
    assert f"api-keys: cannot read '{tmp_path}/none': No such file" in refused.stderr
    os.mkfifo(tmp_path / "pipe", 0o600)
    refused = run("serve", "--listen=127.0.0.1:0", f"--api-keys={tmp_path}/pipe")
    assert refused.returncode == 1 and f"'{tmp_path}/pipe' is not a regular file" in refused.stderr
    # As Kubernetes mounts a secret: a link to a link, read-only for everybody.
    file.chmod(0o444)
    (tmp_path / "..data").symlink_to(".", target_is_directory=True)
    (tmp_path / "mounted").symlink_to("..data/keys.txt")
    service = start(f"--api-keys={tmp_path / 'mounted'}")
    assert status(service, key) == 200
    assert "chmod 600" in service.stderr() and '"level":"warn"' in service.stderr()


def test_a_key_expires_while_the_service_runs(start, tmp_path):
    from datetime import datetime, timedelta, timezone
    file = tmp_path / "keys.txt"
    key = "a-key-that-will-not-last"
    end = datetime.now(timezone.utc) + timedelta(seconds=3)
    write(file, line("short", key, "embed", end.strftime("%Y-%m-%dT%H:%M:%SZ")))
    service = start(f"--api-keys={file}")
    wait_until(lambda: status(service, key) == 401, "the key expires")
    assert "expired" in service.post(*SMALL, **{"api-key": key}).json()["error"]["message"]


def test_a_file_of_comments_lets_nobody_in(start, tmp_path):
    file = tmp_path / "keys.txt"
    key = new_key(file, "last")
    write(file, line("last", key), line("old", "a-key-of-the-past", expires="2020-01-01"))
    service = start(f"--api-keys={file}")
    said = service.stderr()
    assert f"1 of the 2 keys in '{file}' has expired, the first of them 'old'" in said and "; keys: 1;" in said
    assert run("key", "revoke", "last", f"--file={file}").returncode == 0
    reload(service)
    assert "reloaded the keys: 0 in force" in service.stderr()
    assert status(service, key) == 401 and service.get("/live").status == 200
    assert "lets anybody in" in service.stderr()


def test_ten_thousand_keys(start, tmp_path):
    file = tmp_path / "keys.txt"
    keys = [f"a-key-of-many-{i:06}" for i in range(10000)]
    write(file, *[line(f"client-{i}", key) for i, key in enumerate(keys)])
    service = start(f"--api-keys={file}")
    with service.connect() as client:
        for key in keys[::500] + keys[-1:]:
            assert client.post(*SMALL, **{"api-key": key}).status == 200
            assert client.post(*SMALL, **{"api-key": key + "x"}).status == 401
    reload(service)
    assert status(service, keys[77]) == 200


# ---- limits of keys ----

LONG_TEXT = json.dumps({"input": "the food is good " * 100}).encode()  # hundreds of tokens
FEW, MANY, FREE, PLAIN = (f"a-key-of-{name}-0123456789" for name in ("few", "many", "free", "plain"))


def limits(reply, what="requests"):
    """What a reply says a client may send a minute, and what is left of it; None: nothing."""
    found = [reply.headers.get(f"x-ratelimit-{part}-{what}") for part in ("limit", "remaining")]
    return tuple(map(int, found)) if all(found) else None


def ask(service, key, body=SMALL[1]):
    return service.post(SMALL[0], body, **{"api-key": key})


def ask_often(service, key, times):
    for _ in range(times):
        assert ask(service, key).status == 200


def test_each_key_has_its_own_limits_or_those_of_all(start, tmp_path):
    file = tmp_path / "keys.txt"
    write(file, line("few", FEW, expires="2099-01-31 requests=2"), line("plain", PLAIN),
          line("many", MANY, expires="requests=1000 tokens=100000"), line("free", FREE, expires="requests=0"))
    service = start(f"--api-keys={file}", "--rate-limit=4")
    assert [limits(ask(service, FEW)) for _ in range(2)] == [(2, 1), (2, 0)]
    refused = ask(service, FEW)
    assert refused.status == 429 and limits(refused) == (2, 0) and int(refused.headers["retry-after"]) > 4
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert "this key has used up its 2 requests a minute" in refused.json()["error"]["message"]
    reply = ask(service, MANY)
    assert limits(reply) == (1000, 999) and limits(reply, "tokens") == (100000, 100000 - reply.json()["usage"]["total_tokens"])
    free = [ask(service, FREE) for _ in range(6)]
    assert {reply.status for reply in free} == {200} and not any(limits(reply) for reply in free)
    assert [limits(ask(service, PLAIN)) for _ in range(4)] == [(4, 3), (4, 2), (4, 1), (4, 0)]
    assert ask(service, PLAIN).status == 429
    assert ask(service, "nobodys-key-0123456789").status == 401
    wait_until(lambda: ask(service, MANY).status == 200, "the others' are not used")


def test_a_key_has_tokens_of_its_own(start, tmp_path):
    file = tmp_path / "keys.txt"
    write(file, line("few", FEW, expires="tokens=100"), line("plain", PLAIN), line("free", FREE, expires="tokens=0"))
    service = start(f"--api-keys={file}")
    first = ask(service, FEW, LONG_TEXT)
    assert limits(first, "tokens") == (100, 0) and limits(first) is None
    # They are counted when the reply has gone.
    wait_until(lambda: ask(service, FEW, LONG_TEXT).status == 429, "they are used up")
    assert int(ask(service, FEW).headers["retry-after"]) > 60
    for key in (PLAIN, FREE):
        for _ in range(3):
            reply = ask(service, key, LONG_TEXT)
            assert reply.status == 200 and limits(reply, "tokens") is None


def test_limits_change_with_the_file_and_what_was_used_stays_used(start, tmp_path):
    file = tmp_path / "keys.txt"
    write(file, line("few", FEW, expires="requests=3"), line("plain", PLAIN))
    service = start(f"--api-keys={file}")
    ask_often(service, FEW, 2)
    write(file, line("few", FEW, expires="requests=8"), line("plain", PLAIN, expires="requests=3"))
    reload(service)
    assert limits(ask(service, FEW)) == (8, 5)
    assert limits(ask(service, PLAIN)) == (3, 2)  # before, nothing was counted
    write(file, line("few", FEW, expires="requests=2"), line("plain", PLAIN))
    reload(service)
    refused = ask(service, FEW)
    assert refused.status == 429 and limits(refused) == (2, 0)
    assert limits(ask(service, PLAIN)) is None
    write(file, line("few", FEW))
    reload(service)
    assert ask(service, FEW).status == 200 and ask(service, PLAIN).status == 401


def test_the_limits_of_all_change_for_those_without_their_own(start, tmp_path):
    file, config = tmp_path / "keys.txt", tmp_path / "embedd.json"
    write(file, line("few", FEW, expires="requests=3"), line("plain", PLAIN))
    config.write_text('{"rate-limit": 5}')
    service = start(f"--api-keys={file}", f"--config={config}")
    ask_often(service, FEW, 2)
    ask_often(service, PLAIN, 2)
    config.write_text('{"rate-limit": 9}')
    reload(service)
    assert limits(ask(service, FEW)) == (3, 0) and limits(ask(service, PLAIN)) == (9, 6)
    assert ask(service, FEW).status == 429


def test_a_key_that_was_taken_out_and_put_back_has_used_what_it_had(start, tmp_path):
    file = tmp_path / "keys.txt"
    lines = [line("few", FEW, expires="requests=3"), line("plain", PLAIN)]
    write(file, *lines)
    service = start(f"--api-keys={file}")
    ask_often(service, FEW, 2)
    write(file, lines[1])
    reload(service)
    refused = ask(service, FEW)
    assert refused.status == 401 and limits(refused) is None
    write(file, lines[1], line("few", MANY, expires="requests=3"))  # by its name: the key is another
    reload(service)
    assert limits(ask(service, MANY)) == (3, 0)
    assert ask(service, MANY).status == 429 and ask(service, PLAIN).status == 200


# ---- embedd key ----


def test_the_command_makes_lists_and_revokes(tmp_path):
    file = tmp_path / "keys.txt"
    key = new_key(file, "web", "--scopes=embed,metrics", "--expires=90d")
    assert key not in file.read_text() and hashlib.sha256(key.encode()).hexdigest() in file.read_text()
    taken = run("key", "hash", "own", f"--file={file}", stdin="a-key-of-my-own-0123\n")
    assert taken.returncode == 0 and taken.stdout == ""
    assert line("own", "a-key-of-my-own-0123", "embed,classify").strip() in file.read_text()
    listed = run("key", "list", file).stdout.splitlines()
    assert re.fullmatch(r"web\tembed,metrics\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", listed[0])
    assert listed[1] == "own\tembed,classify\tnever"
    with file.open("a") as more:
        more.write("# a comment\n" + line("old", "x", "admin", "2020-01-01"))
    assert run("key", "list", file).stdout.splitlines()[2] == "old\tadmin\t2020-01-02T00:00:00Z\texpired"
    assert run("key", "revoke", "web", f"--file={file}").returncode == 0
    assert "# a comment" in file.read_text() and "web" not in run("key", "list", file).stdout
    file.chmod(0o640)
    new_key(file, "more")
    assert file.stat().st_mode & 0o777 == 0o640
    shown = run("key", "new", "web")
    assert line("web", shown.stdout.strip(), "embed,classify").strip() in shown.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["keys.txt"]


def test_the_command_makes_keys_with_limits(tmp_path, start):
    file = tmp_path / "keys.txt"
    key = new_key(file, "web", "--requests=2", "--tokens=0", "--expires=2099-01-31")
    new_key(file, "more", "--tokens=1000000000000")
    assert run("key", "hash", "own", "--requests=7", f"--file={file}", stdin=FEW).returncode == 0
    assert [one.split("\t")[2:] for one in run("key", "list", file).stdout.splitlines()] == [
        ["2099-02-01T00:00:00Z", "requests=2", "tokens=0"], ["never", "tokens=1000000000000"], ["never", "requests=7"]]
    with file.open("a") as more:
        more.write(line("old", "x", "admin", "2020-01-01 tokens=1"))
    assert run("key", "list", file).stdout.splitlines()[3].endswith("\texpired\ttokens=1")
    assert re.search(r" embed,classify requests=3\n", run("key", "new", "a", "--requests=3").stderr)
    service = start(f"--api-keys={file}")
    assert [ask(service, key).status for _ in range(3)] == [200, 200, 429]


def test_the_command_says_what_is_wrong(tmp_path):
    file = tmp_path / "keys.txt"
    new_key(file, "web")
    before = file.read_bytes()
    wrong = [
        (2, "a subcommand is required: new, hash, list or revoke", ["key"], None),
        (2, "there is no subcommand 'nwe'", ["key", "nwe"], None),
        (2, "argument is missing", ["key", "new"], None),
        (2, "a key named web already", ["key", "new", "web", f"--file={file}"], None),
        (2, "a key's name", ["key", "new", "two words", f"--file={file}"], None),
        (2, "first of them not #: 'ü' is not", ["key", "new", "ü"], None),
        (2, "at most 64 bytes, not 65: '" + 65 * "n" + "'", ["key", "new", 65 * "n"], None),
        (2, "the scopes", ["key", "new", "a", "--scopes=all"], None),
        (2, "not 'ü'", ["key", "new", "a", "--scopes=ü"], None),
        (1, "'/dev/null' is not a regular file", ["key", "new", "a", "--file=/dev/null"], None),
        (2, "--expires must be", ["key", "new", "a", "--expires=soon"], None),
        (2, "has passed already", ["key", "new", "a", "--expires=2020-01-01"], None),
        (2, "--requests must be", ["key", "new", "a", "--requests=-1"], None),
        (2, "--requests must be", ["key", "new", "a", "--requests=1000000001"], None),
        (2, "--tokens must be", ["key", "new", "a", "--tokens=1.5"], None),
        (2, "--tokens", ["key", "new", "a", "--tokens=1", "--tokens=1"], None),
        (2, "16 to 240 bytes", ["key", "hash", "a"], "short\n"),
        (2, "16 to 240 bytes", ["key", "hash", "a"], "k" * 300),
        (2, "without blanks", ["key", "hash", "a"], "a key with blanks in it\n"),
        (2, "--file must name", ["key", "revoke", "web"], None),
        (1, "has no key named 'other'", ["key", "revoke", "other", f"--file={file}"], None),
        (1, "No such file", ["key", "list", tmp_path / "none"], None),
        (1, "cannot write", ["key", "new", "a", f"--file={tmp_path}/none/keys.txt"], None),
    ]
    for code, why, arguments, stdin in wrong:
        result = run(*arguments, stdin=stdin)
        assert (result.returncode, result.stdout) == (code, ""), (arguments, result)
        assert why in result.stderr, (arguments, result.stderr)
    assert file.read_bytes() == before


def test_keys_that_are_made_at_one_time_are_all_there(tmp_path):
    file = tmp_path / "keys.txt"
    command = [PROGRAM, "key", "new", "--file", str(file)]
    processes = [subprocess.Popen([*command, f"k{i}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                 for i in range(8)]
    assert [process.wait(PATIENCE_S) for process in processes] == [0] * 8
    assert sorted(row.split("\t")[0] for row in run("key", "list", file).stdout.splitlines()) == \
        [f"k{i}" for i in range(8)]
