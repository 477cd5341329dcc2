# SPDX-License-Identifier: Apache-2.0
"""Files of models that are cut short while they are mapped: their model is taken out, and nothing else."""

import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest
from faults import PAGE, Asker, embed_body, make_large, replace_file, table_of
from harness import PATIENCE_S, PROGRAM, wait_until
from test_models import ask, reload, reloads
from test_train import ROWS, Trained, small_model

LOW, HIGH = "w1", "w7000"  # of the first page, and of one far behind it
PORTION = "it is served again after a reload"


@pytest.fixture
def folders(tmp_path):
    return [make_large(tmp_path / name, mark) for mark, name in enumerate("ab", 1)]


@pytest.fixture
def service(start, folders):
    """The default one, a, is the one that is cut; only who reads what is missing finds that."""
    return start("--models", str(folders[0].parent), "--watch=0")


def cut(folder, bytes_left=PAGE):
    os.truncate(table_of(folder), bytes_left)


def vector_bits(service, model, word=HIGH):
    status, reply = ask(service, "/v1/embeddings", model=model, input=word, encoding_format="base64")
    assert status == 200, reply
    return reply["data"][0]["embedding"]


def test_under_load_the_model_goes_and_comes_back_and_the_other_stays(service, folders):
    whole = table_of(folders[0]).read_bytes()
    bits = {name: service.post("/v1/embeddings", embed_body(name, HIGH, LOW)).body for name in "ab"}
    seen = []

    def check_other(reply):
        assert (reply.status, reply.body) == (200, bits["b"])

    def check_cut(reply, mine):
        if reply.status == 200:
            assert reply.body == bits["a"]
        else:
            assert reply.status == 503 and PORTION in reply.json()["error"]["message"], reply.body
        if not mine or mine[-1] != reply.status:
            mine.append(reply.status)

    askers = []
    for _ in range(3):
        mine = []
        seen.append(mine)
        askers.append(Asker(service, embed_body("a", HIGH, LOW), lambda reply, mine=mine: check_cut(reply, mine)))
        askers.append(Asker(service, embed_body("b", HIGH, LOW), check_other))
    for asker in askers:
        asker.start()
    wait_until(lambda: all(asker.n > 5 for asker in askers), "everybody asks")
    cut(folders[0])
    wait_until(lambda: all(mine[-1] == 503 for mine in seen), "everybody sees 503")
    # As the file is still short, a reload changes nothing.
    service.signal(signal.SIGHUP)
    wait_until(lambda: reloads(service, "failed") == 1, "the short file is refused")
    replace_file(table_of(folders[0]), whole)
    reload(service)
    wait_until(lambda: all(mine[-1] == 200 for mine in seen), "everybody is served again")
    for asker in askers:
        asker.end()
    # Once it could not be read it stayed so until it was opened again.
    assert seen == [[200, 503, 200]] * 3
    said = service.stderr()
    assert said.count("model 'a' can no longer be read") == 1 and "it stays out of service" in said
    assert service.metric('embedd_rejected_total{reason="model_unreadable"}') >= 3


@pytest.fixture
def watchful(start, folders):
    return start("--models", str(folders[0].parent), "--watch=50ms")


def is_taken_out(service, model, word=LOW):
    return ask(service, "/v1/embeddings", model=model, input=word)[0] == 503


@pytest.mark.parametrize("missing", (1, 200, PAGE + 200))
def test_nobody_need_read_what_is_missing(watchful, folders, missing):
    """What is missing of the last page reads as zeros: nothing of it is answered for long."""
    path = table_of(folders[0])
    whole = path.read_bytes()
    before = vector_bits(watchful, "a", "w7999"), vector_bits(watchful, "b", "w7999")
    cut(folders[0], len(whole) - missing)
    wait_until(lambda: is_taken_out(watchful, "a"), "the model is taken out")
    assert ask(watchful, "/v1/embeddings", model="a", input="w7999")[0] == 503
    assert vector_bits(watchful, "b", "w7999") == before[1]
    assert watchful.get("/ready").status == 503 and watchful.get("/live").status == 200
    assert watchful.metric('embedd_rejected_total{reason="model_unreadable"}') >= 2
    path.write_bytes(whole)
    assert is_taken_out(watchful, "a")  # until a reload
    reload(watchful)
    assert (vector_bits(watchful, "a", "w7999"), vector_bits(watchful, "b", "w7999")) == before
    said = watchful.stderr()
    assert said.count("model 'a' can no longer be read") == 1 and "model 'b'" not in said


@pytest.mark.parametrize("more", (b"", b"more"))
def test_who_writes_into_a_file_is_told_once_and_served(watchful, folders, more):
    path = table_of(folders[0])
    path.write_bytes(path.read_bytes()[::-1] + more) if more else os.utime(path)
    wait_until(lambda: "has changed in place" in watchful.stderr(), "it is noticed")
    assert ask(watchful, "/v1/embeddings", model="a", input=LOW)[0] in (200, 500)
    os.utime(path)  # once more
    cut(folders[1], PAGE)
    wait_until(lambda: is_taken_out(watchful, "b"), "both were looked at again")
    assert watchful.stderr().count(f"model 'a': {path} has changed in place") == 1


def test_what_is_not_read_any_more_may_be_written_into(start, tmp_path, folders):
    """Nor is anything said of files that have been replaced."""
    words = tmp_path / "words.vec"
    words.write_text("love 1 2\nsea 3 4\n")
    service = start(f"--model=a={folders[0]}", f"--model=b={folders[1]}", f"--model=words={words}", "--watch=50ms")
    before = vector_bits(service, "words", "sea"), vector_bits(service, "a")
    words.write_text("")
    for name in ("vocab.txt", "config.json"):
        (folders[0] / name).write_text("")
    old = folders[0].with_name("old")
    replace_file(table_of(folders[0]), b"another one")
    cut(folders[1], PAGE)
    wait_until(lambda: is_taken_out(service, "b"), "all were looked at")
    assert (vector_bits(service, "words", "sea"), vector_bits(service, "a")) == before
    assert "model 'a'" not in service.stderr() and "model 'words'" not in service.stderr()


@pytest.mark.parametrize("name", ("head.safetensors", "model.safetensors"))
def test_a_head_whose_file_is_cut_takes_its_model_out(start, tmp_path, name):
    """What is read of a head while it answers: its n-grams, and a table of its own."""
    model = small_model(tmp_path)
    trained = Trained(tmp_path, f"--from={model}", "--mode=both", "--epochs=2", rows=ROWS).path
    (model / "heads").mkdir()
    trained = trained.rename(model / "heads" / "own")
    service = start(f"--model={model}", "--watch=50ms")
    assert ask(service, "/v1/classify", text="where is the bank")[0] == 200
    os.truncate(trained / name, (trained / name).stat().st_size - 1)
    wait_until(lambda: ask(service, "/v1/classify", text="where is the bank")[0] == 503, "it is taken out")


# Of every dialect, one that asks a model for something.
QUESTIONS = [
    ("/v1/embeddings", {"input": HIGH}),
    ("/embed", {"inputs": HIGH}),
    ("/embed_sparse", {"inputs": HIGH}),
    ("/similarity", {"inputs": {"source_sentence": HIGH, "sentences": [LOW]}}),
    ("/rerank", {"query": HIGH, "texts": [LOW]}),
    ("/tokenize", {"inputs": HIGH}),
    ("/decode", {"ids": [7000]}),
    ("/v1/ids", {"text": HIGH}),
    ("/v1/onehot", {"text": HIGH}),
    ("/v1/lookup", {"text": HIGH}),
    ("/v2/embed", {"texts": [HIGH], "model": "a", "input_type": "search_query", "embedding_types": ["float"]}),
    ("/v1/rerank", {"query": HIGH, "documents": [LOW], "model": "a"}),
    ("/score", {"text_1": HIGH, "text_2": LOW}),
    ("/v1beta/models/a:embedContent", {"content": {"parts": [{"text": HIGH}]}}),
    ("/", {"inputs": HIGH}),
    ("/vertex", {"instances": [{"inputs": HIGH}]}),
    ("/api/embed", {"model": "a", "input": HIGH}),
    ("/api/embeddings", {"model": "a", "prompt": HIGH}),
    ("/vectors", {"text": HIGH}),
    ("/v2/models/a/infer",
     {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [HIGH]}]}),
]
READY = ("/ready", "/health", "/ping", "/.well-known/ready", "/v2/health/ready", "/v2/models/a/ready")
OTHERS = ("/live", "/v2/health/live", "/.well-known/live", "/v1/models", "/v1/models/a", "/info", "/api/tags",
          "/v1beta/models", "/metrics", "/admin/models", "/openapi.json", "/v2/models/b/ready", "/v2/models/a")


def test_every_dialect_says_so_in_its_own_shape_until_a_reload(service, folders):
    whole = table_of(folders[0]).read_bytes()
    for path, body in QUESTIONS:
        assert ask(service, path, **body)[0] == 200, path
    before = vector_bits(service, "a"), vector_bits(service, "b")
    cut(folders[0])
    assert vector_bits(service, "a", LOW)  # nobody has read what is missing
    for path, body in [*QUESTIONS[:1], *QUESTIONS]:
        status, reply = ask(service, path, **body)
        assert status == 503 and PORTION in json.dumps(reply), (path, status, reply)
    assert ask(service, "/v1/embeddings", model="a", input=LOW)[0] == 503  # what could be read, too
    # What is wrong with a request is said as ever.
    assert ask(service, "/v1/embeddings", model="c", input=LOW)[0] == 404
    assert service.post("/v1/embeddings", b"{").status == 400
    assert vector_bits(service, "b") == before[1]
    for path in READY:
        assert service.get(path).status == 503, path
    for path in OTHERS:
        assert service.get(path).status in (200, 204), path
    # A file that came back by itself, as one does whose disk was away, has the stamp it had.
    table_of(folders[0]).write_bytes(whole)
    status, reply = ask(service, "/admin/reload")
    assert status == 200 and [one["status"] for one in reply["models"]] == ["reloaded", "unchanged"]
    assert (vector_bits(service, "a"), vector_bits(service, "b")) == before
    for path in READY:
        assert service.get(path).status in (200, 204), path


def test_the_same_stamp_is_no_reason_to_leave_a_broken_model(service, folders):
    """The file is cut and whole again between two reloads: it would seem unchanged, but for its times."""
    path = table_of(folders[0])
    whole = path.read_bytes()
    cut(folders[0])
    assert ask(service, "/v1/embeddings", model="a", input=HIGH)[0] == 503
    path.write_bytes(whole)
    assert ask(service, "/v1/embeddings", model="a", input=HIGH)[0] == 503  # until a reload
    reload(service)
    assert ask(service, "/v1/embeddings", model="a", input=HIGH)[0] == 200


def test_another_than_the_default_leaves_the_service_ready(service, folders):
    cut(folders[1])
    assert ask(service, "/v1/embeddings", model="b", input=HIGH)[0] == 503
    for path in ("/ready", "/health", "/v2/health/ready", "/.well-known/ready", "/v2/models/a/ready"):
        assert service.get(path).status in (200, 204), path
    assert service.get("/v2/models/b/ready").status == 503
    assert ask(service, "/v1/embeddings", input=HIGH)[0] == 200


def test_a_large_batch_with_a_worker_is_right_or_refused(service, folders):
    whole = table_of(folders[0]).read_bytes()
    inputs = [" ".join(f"w{(i * 37 + k) % 7999 + 1}" for k in range(60)) for i in range(500)]
    body = json.dumps({"model": "a", "input": inputs, "encoding_format": "base64"}).encode()
    right = service.post("/v1/embeddings", body).body
    for delay_s in (0, 0.005, 0.02):
        replies = []
        threads = [threading.Thread(target=lambda: replies.append(service.post("/v1/embeddings", body)))
                   for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(delay_s)
        cut(folders[0])
        for thread in threads:
            thread.join(PATIENCE_S)
        assert len(replies) == 3
        for reply in replies:
            assert reply.status == 503 or (reply.status == 200 and reply.body == right)
        assert service.post("/v1/embeddings", body).status == 503
        replace_file(table_of(folders[0]), whole)
        reload(service)
        assert service.post("/v1/embeddings", body).body == right


@pytest.mark.parametrize("packing", (None, "gzip", "zstd"))
def test_a_reply_in_pieces_is_cut_where_it_cannot_go_on(start, folders, packing):
    service = start("--models", str(folders[0].parent), "--compress=all")
    headers = {"Accept_Encoding": packing} if packing else {}
    # Rows of the first page, then more of them than any socket holds, then what is cut away.
    text = " ".join([LOW] * 20 + [f"w{i % 7999 + 1}" for i in range(20000)])
    body = json.dumps({"model": "a", "text": text}).encode()
    client = service.connect(receive_buffer=4096)
    client.send(f"POST /v1/lookup HTTP/1.1\r\nHost: t\r\nContent-Length: {len(body)}\r\n".encode()
                + b"".join(f"{name.replace('_', '-')}: {value}\r\n".encode() for name, value in headers.items())
                + b"\r\n" + body)
    status, head = client.read_head()
    assert status == 200 and head["transfer-encoding"] == "chunked"
    cut(folders[0])
    rest = client.read_to_end()
    assert rest and not rest.endswith(b"\r\n0\r\n\r\n")  # it does not look whole
    client.close()
    assert ask(service, "/v1/embeddings", model="a", input=LOW)[0] == 503
    assert vector_bits(service, "b")


def test_what_is_cut_while_a_reload_opens_it_is_refused(start, folders):
    # What such an opening had made so far is lost.
    service = start("--models", str(folders[0].parent), env={"ASAN_OPTIONS": "detect_leaks=0"})
    whole = table_of(folders[0]).read_bytes()
    right = vector_bits(service, "a"), vector_bits(service, "b")
    chance = random.Random(7)
    for _ in range(12):
        replace_file(table_of(folders[0]), whole)
        ended = reloads(service) + reloads(service, "failed")
        service.signal(signal.SIGHUP)
        time.sleep(chance.random() * 0.06)
        cut(folders[0])
        wait_until(lambda: reloads(service) + reloads(service, "failed") > ended, "a reload ends")
        assert service.get("/live").status == 200 and vector_bits(service, "b") == right[1]
    replace_file(table_of(folders[0]), whole)
    reload(service)
    assert (vector_bits(service, "a"), vector_bits(service, "b")) == right


def test_a_file_that_is_cut_for_a_command_ends_it_with_a_sentence(folders, tmp_path):
    """No service: nobody is to be kept waiting, so it ends."""
    cut(folders[0], PAGE * 7)
    run = subprocess.run([PROGRAM, "embed", f"--model={folders[0]}", LOW], capture_output=True, timeout=PATIENCE_S)
    assert run.returncode == 1 and b"model.safetensors" in run.stderr


@pytest.mark.parametrize("share", (0.02, 0.3, 0.6, 0.9))
def test_a_packed_model_may_lose_any_part_of_itself(start, folders, tmp_path, share):
    """Its vocabulary is read where it stands in the file, and so are its settings."""
    packed = tmp_path / "packed.embedd"
    subprocess.run([PROGRAM, "convert", "--input", folders[0], "--output", packed, "--to", "packed"], check=True,
                   capture_output=True, timeout=PATIENCE_S)
    service = start(f"--model={packed}")
    os.truncate(packed, int(packed.stat().st_size * share) // PAGE * PAGE)
    chance = random.Random(share)
    seen = set()
    for _ in range(40):
        words = " ".join(f"w{chance.randrange(1, 9000)}" for _ in range(chance.randrange(1, 40)))
        path, body = chance.choice([("/v1/embeddings", {"input": words}), ("/v1/ids", {"text": words}),
                                    ("/tokenize", {"inputs": words}), ("/decode", {"ids": [1, 7999]}),
                                    ("/v1/lookup", {"text": words})])
        seen.add(ask(service, path, **body)[0])
        for get in ("/live", "/v1/models", "/info", "/metrics", "/admin/models", "/api/tags", "/openapi.json"):
            assert service.get(get).status == 200
    assert 503 in seen and seen <= {200, 503}
