# SPDX-License-Identifier: Apache-2.0
"""Several models in one process: which there are, which of them answers, and their swaps by SIGHUP."""

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import openai
import pytest
from harness import (BERT, PATIENCE_S, PROGRAM, SANITIZER, TOP, environment, post, wait_until,
                     write_table)

CHAIN = TOP / "examples" / "chain" / "w6x2"


def make_model(folder, mark, variant=1, labels=None):
    """A model of which every word has the vector (mark, variant), and 14 + mark words."""
    tokens = BERT + [f"word{i}" for i in range(mark)]
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("".join(token + "\n" for token in tokens), encoding="utf-8")
    write_table(folder, [mark, variant] * len(tokens))
    (folder / "config.json").write_text(json.dumps({"version": f"v{variant}", "normalize": False}))
    if labels:
        (folder / "heads").mkdir()
        (folder / "heads" / "default.json").write_text(json.dumps(
            {"labels": labels, "weight": [[-i, 0] for i in range(len(labels))], "bias": [0] * len(labels)}))
    return folder


def replace(folder, *arguments, **options):
    """Another model in the place of a folder, put there by renaming."""
    new, old = (folder.with_name(f".{what}-{folder.name}") for what in ("new", "old"))
    make_model(new, *arguments, **options)
    folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old)


def ask(service, path, **body):
    reply = service.post(path, json.dumps(body).encode())
    return reply.status, reply.json()


def vector(service, model=None, **more):
    """The vector of a word, which says whose it is."""
    status, reply = ask(service, "/v1/embeddings", input="food", **({"model": model} if model else {}), **more)
    assert status == 200, reply
    return reply["data"][0]["embedding"]


def ids(service):
    return [one["id"] for one in service.get("/v1/models").json()["data"]]


def reloads(service, result="done"):
    return service.metric(f'embedd_model_reloads_total{{result="{result}"}}')


def counts(service, model, n):
    """A request is counted when its reply has left, which a client may see before."""
    name = f'embedd_model_requests_total{{model="{model}"}}'
    wait_until(lambda: service.metric(name) == n, f"{name} is {n}")


def reload(service, result="done"):
    """SIGHUP, until its end is counted."""
    before = reloads(service, result)
    service.signal(signal.SIGHUP)
    wait_until(lambda: reloads(service, result) > before, f"a reload is {result}")


def count_replaced(service):
    """How many files of models are open that are no longer there."""
    with open(f"/proc/{service.process.pid}/maps") as maps:
        return sum(line.rstrip().endswith("(deleted)") and ".safetensors" in line for line in maps)


def refused(*flags, code, env=()):
    """What a start says that must fail."""
    run = subprocess.run([PROGRAM, "serve", "--listen=127.0.0.1:0", *map(str, flags)], capture_output=True,
                         timeout=PATIENCE_S, env=environment(**dict(env)))
    said = run.stderr.decode(errors="replace")
    assert run.returncode == code and not run.stdout and not SANITIZER.search(said), (run.returncode, said)
    return said


# ---- which of them answers ----

def test_each_route_that_takes_a_model_asks_the_one_that_is_named(start, tmp_path):
    for mark in (1, 2, 3):
        make_model(tmp_path / f"m{mark}", mark, labels=[f"label{mark}", "other"])
    service = start("--models", str(tmp_path))
    assert ids(service) == ["m1", "m2", "m3"]
    for mark in (2, 1, 3):
        name = f"m{mark}"
        for path in ("/v1/embeddings", "/embeddings"):
            status, reply = ask(service, path, input="food", model=name)
            assert (status, reply["model"], reply["data"][0]["embedding"]) == (200, name, [mark, 1])
        status, reply = ask(service, "/v1/classify", text="food", model=name)
        assert status == 200 and reply["data"][0]["scores"].keys() == {f"label{mark}", "other"}
        assert ask(service, "/v1/ids", text="food", model=name)[1]["vocab_size"] == len(BERT) + mark
        assert ask(service, "/v1/onehot", text="food", model=name)[1]["data"][0]["shape"] == [1, len(BERT) + mark]
        assert ask(service, "/v1/lookup", text="food", model=name)[1]["data"][0]["rows"] == [[mark, 1]]
        assert service.get(f"/v1/models/{name}").json()["id"] == name
    # Who names none gets the first.
    assert vector(service) == [1, 1]
    assert ask(service, "/v1/lookup", text="food")[1]["model"] == "m1"
    assert ask(service, "/embed", inputs="food", normalize=False) == (200, [[1, 1]])
    assert service.get("/info").json()["model_id"] == "m1"


def test_all_that_a_request_says_is_read_for_the_model_that_it_names(start, tmp_path):
    # The first model is wider, has a row for unknown tokens and no head; the second has none of it.
    first = make_model(tmp_path / "first", 1)
    write_table(first, [0.5] * 8 * (len(BERT) + 1), columns=8)
    second = tmp_path / "second"
    shutil.copytree(CHAIN, second)
    (second / "heads").mkdir()
    (second / "heads" / "only.json").write_text('{"labels": ["a", "b"], "weight": [[1, 0], [0, 1]], "bias": [0, 0]}')
    for a, b, name in ((first, second, "second"), (second, first, "second")):
        service = start("--model", f"first={a}", "--model", f"second={b}")
        alone = start("--model", f"second={b}")
        for more in ({}, {"unknown": "skip"}, {"unknown": "error"}, {"dimensions": 2}, {"dimensions": 8}, {"head": "only"},
                        {"top_k": 2}, {"dimensions": 9}, {"normalize": True}, {"pooling": "weighted"}, {"vocabulary": "input"}):
            for path, key in (("/v1/embeddings", "input"), ("/v1/ids", "text"), ("/v1/classify", "text"),
                              ("/v1/onehot", "text"), ("/v1/lookup", "text")):
                body = {key: "我 food 爱 nothing", "model": name, **more}
                assert ask(service, path, **body) == ask(alone, path, **body), (path, body)


def test_an_unknown_name_is_a_404_where_there_are_several(start, tmp_path):
    for mark in (1, 2):
        make_model(tmp_path / f"m{mark}", mark)
    service = start("--models", str(tmp_path))
    expected = {"error": {"message": 'model "no" is not served here; GET /v1/models lists those that are',
                          "type": "invalid_request_error", "param": "model", "code": "model_not_found"}}
    for path, key in (("/v1/embeddings", "input"), ("/v1/ids", "text"), ("/v1/classify", "text"),
                      ("/v1/onehot", "text"), ("/v1/lookup", "text")):
        assert ask(service, path, **{key: "food", "model": "no"}) == (404, expected), path
    assert (service.get("/v1/models/no").status, service.get("/v1/models/no").json()) == (404, expected)
    for name in ("", "m", "M1", "m1 ", "m1\0", "m" * 70000):
        assert ask(service, "/v1/embeddings", input="food", model=name)[0] == 404, name[:10]
    assert ask(service, "/v1/embeddings", input="food", model=None)[0] == 200
    assert ask(service, "/v1/embeddings", input="food", model=1)[0] == 400
    with openai.OpenAI(base_url=service.url + "/v1", api_key="unused", max_retries=0) as client:
        assert [one.id for one in client.models.list()] == ["m1", "m2"]
        assert client.models.retrieve("m2").id == "m2"
        with pytest.raises(openai.NotFoundError):
            client.embeddings.create(input="food", model="no")
        assert client.embeddings.create(input="food", model="m2", encoding_format="float").data[0].embedding == [2, 1]
    # Nobody's requests are counted as nobody's.
    counts(service, "m2", 1)


def test_one_model_alone_takes_any_name_unless_it_is_to_be_strict(start, tmp_path):
    folder = make_model(tmp_path / "m1", 1)
    service = start("--model", f"own={folder}", "--alias", "also=own")
    for name in ("own", "also", "text-embedding-3-small", "m1"):
        status, reply = ask(service, "/v1/embeddings", input="food", model=name)
        assert (status, reply["model"], reply["data"][0]["embedding"]) == (200, name, [1, 1])
    assert ids(service) == ["own"]
    body = json.dumps({"input": "food", "model": "any", "pooling": "weighted"}).encode()
    assert 'needs token weights, but model \\"own\\" has none' in service.post("/v1/embeddings", body).body.decode()
    body = json.dumps({"text": "food", "model": "also"}).encode()
    assert 'the model \\"own\\" has no classifier head' in service.post("/v1/classify", body).body.decode()
    assert service.post("/v1/ids", body).headers["x-embedd-model"] == "own/v1"
    assert service.get("/v1/models/other").json()["error"]["message"] == 'model "other" is not served here; "own" is'
    strict = start("--model", f"own={folder}", "--alias", "also=own", "--strict-model")
    assert vector(strict, "own") == vector(strict, "also") == vector(strict) == [1, 1]
    status, reply = ask(strict, "/v1/embeddings", input="food", model="m1")
    assert status == 404 and reply["error"]["message"] == \
        'model "m1" is not served here; send "own", or start without strict-model'


def test_aliases_find_what_they_stand_for(start, tmp_path):
    one, two = make_model(tmp_path / "m1", 1), make_model(tmp_path / "m2", 2)
    service = start("--model", f"one={one}", "--model", f"two={two}", "--alias", "zwei=two", "--alias", "deux=zwei")
    assert ids(service) == ["one", "two"]
    assert vector(service, "zwei") == vector(service, "deux") == [2, 1]
    assert service.get("/v1/models/deux").json()["id"] == "two"
    counts(service, "two", 2)
    replace(two, 2, 7)
    reload(service)
    assert vector(service, "deux") == [2, 7]


@pytest.mark.parametrize("flag, sentence", [
    ("m1=m1", "'m1' cannot be an alias of itself"),
    ("x=x", "'x' cannot be an alias of itself"),
    ("x=nobody", "the alias 'x' needs a model that is served, and 'nobody' is not"),
    ("m1=m2", "'m1' is served already; give the alias another name"),
    ("x", "alias must be ALIAS=NAME, not 'x'"),
    ("=m1", "alias must be ALIAS=NAME, not '=m1'"),
    ("x=", "alias must be ALIAS=NAME, not 'x='"),
    ("a" * 201 + "=m1", "1 to 200 bytes of printable UTF-8"),
    ("a\tb=m1", "1 to 200 bytes of printable UTF-8"),
])
def test_an_alias_that_means_nothing_ends_the_start(tmp_path, flag, sentence):
    for mark in (1, 2):
        make_model(tmp_path / f"m{mark}", mark)
    assert sentence in refused("--models", tmp_path, "--alias", flag, code=2)


# ---- which there are ----

def test_a_folder_of_models_serves_folders_and_files_and_passes_over_the_rest(start, tmp_path):
    outside = make_model(tmp_path / "elsewhere", 5)
    models = tmp_path / "models"
    make_model(models / "b", 2)
    make_model(models / "a=1", 1)
    make_model(models / ".hidden", 9)
    (models / "linked").symlink_to(outside)
    (models / "words.vec").write_text("food 6 1\nword 6 1\n")
    (models / "README.md").write_text("about these models")
    (models / "stray.txt").write_text("food 1 2\n")
    (models / "lost+found").mkdir()
    service = start("--models", str(models))
    assert ids(service) == ["a=1", "b", "linked", "words"]
    assert [vector(service, name)[0] for name in ids(service)][:3] == [1, 2, 5]
    assert vector(service) == [1, 1]
    both = start("--models", str(models), "--model", f"first={outside}")
    assert ids(both) == ["first", "a=1", "b", "linked", "words"]


def test_a_folder_of_models_that_is_none_ends_the_start(tmp_path):
    assert "holds no model" in refused("--models", tmp_path, code=2)
    (tmp_path / "README.md").write_text("nothing here")
    assert "holds no model" in refused("--models", tmp_path, code=2)
    assert f"models: cannot read the folder '{tmp_path}/no': No such file" in refused("--models", tmp_path / "no", code=1)
    assert "cannot read the folder" in refused("--models", tmp_path / "README.md", code=1)
    make_model(tmp_path / "good", 1)
    broken = make_model(tmp_path / "broken", 2)
    (broken / "model.safetensors").write_bytes(b"no weights")
    assert str(broken) in refused("--models", tmp_path, code=1)
    shutil.rmtree(broken)
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert f"{tmp_path}/gone" in refused("--models", tmp_path, code=1)


def test_two_models_of_one_name_end_the_start(tmp_path):
    one, two = make_model(tmp_path / "x" / "m", 1), make_model(tmp_path / "y" / "m", 2)
    for flags in ((f"--model={one}", f"--model={two}"), (f"--model=m={one}", f"--model={two}"),
                  (f"--model={one}", f"--model=m={two}"), (f"--model=z={one}", f"--model=z={two}")):
        said = refused(*flags, code=2)
        assert "two models are named '" in said and str(one) in said and str(two) in said
    shutil.copy(two / "model.safetensors", tmp_path / "x" / "m.safetensors")
    assert "two models are named 'm'" in refused("--models", tmp_path / "x", code=2)
    assert "two models are named 'm'" in refused("--models", tmp_path / "y", f"--model=m={one}", code=2)


def test_what_exists_under_the_whole_text_is_a_path(start, tmp_path):
    plain, odd = make_model(tmp_path / "plain", 1), make_model(tmp_path / "a=b", 2)
    nested = make_model(tmp_path / "k=v" / "m", 3)
    service = start("--model", f"plain={plain}", "--model", f"odd={odd}", "--model", str(nested))
    assert ids(service) == ["plain", "odd", "m"]
    assert [vector(service, name)[0] for name in ids(service)] == [1, 2, 3]
    whole = start("--model", str(odd), "--strict-model")
    assert ids(whole) == ["a=b"] and vector(whole, "a=b") == [2, 1]
    for item in (f"={plain}", "name="):
        assert f"model must be PATH or NAME=PATH, not '{item[:60]}" in refused("--model", item, code=2)
    assert str(tmp_path / "none") in refused("--model", f"x={tmp_path}/none", code=1)
    assert "1 to 200 bytes of printable UTF-8" in refused("--model", "n" * 201 + f"={plain}", code=2)


def test_lists_come_from_flags_the_environment_and_a_file(start, tmp_path):
    one, two = make_model(tmp_path / "m1", 1), make_model(tmp_path / "m2", 2)
    lines = f"\none={one}\ntwo={two}\n\n"
    env = {"EMBEDD_MODEL": lines, "EMBEDD_ALIAS": "eins=one\nzwei=two\n"}
    service = start(env=env)
    assert ids(service) == ["one", "two"] and vector(service, "zwei") == [2, 1]
    assert ids(start("--model", f"flag={two}", "--alias", "x=flag", env=env)) == ["flag"]
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"model": [f"two={two}", f"one={one}"], "alias": ["eins=one", "zwei=two"]}))
    service = start("--config", str(file))
    assert ids(service) == ["two", "one"] and vector(service, "eins") == [1, 1]
    assert ids(start("--config", str(file), env=env)) == ["one", "two"]
    assert "model names no model" in refused(env={"EMBEDD_MODEL": "\n\n"}, code=2)
    for value in ([], [""], [1], [[f"{one}"]], {"one": f"{one}"}):
        file.write_text(json.dumps({"model": value}))
        assert "model" in refused("--config", file, code=2)


def test_the_settings_in_force_show_lists_item_by_item(tmp_path):
    def show(*flags):
        return subprocess.run([PROGRAM, "config", *flags], capture_output=True, timeout=PATIENCE_S, check=True,
                              env=environment(EMBEDD_ALIAS="x=a")).stdout.decode()
    text = show("--model", "a=/x", "--model=b=/y")
    assert re.findall(r"^model +(\S+)(?: +(\S+))?$", text, re.M) == [("a=/x", ""), ("b=/y", "--model")]
    shown = json.loads(show("--model", "a=/x", "--model=b=/y", "--format=json"))
    text = json.dumps(shown)
    assert '["a=/x", "b=/y"]' in text and '"x=a"' in text


def test_heads_are_served_beside_one_model_alone(start, tmp_path):
    one, two = make_model(tmp_path / "m1", 1), make_model(tmp_path / "m2", 2)
    heads = make_model(tmp_path / "h", 1, labels=["a", "b"]) / "heads"
    said = refused("--model", one, "--model", two, "--heads", heads, code=2)
    assert "heads are served beside one model, and there are 2" in said
    assert ask(start("--model", f"x={one}", "--heads", str(heads)), "/v1/classify", text="food")[0] == 200


def test_a_thousand_models_are_served(start, tmp_path):
    for i in range(1000):
        (tmp_path / f"m{i:03}").symlink_to(CHAIN)
    service = start("--models", str(tmp_path), *(f"--alias=a{i}=m{i:03}" for i in range(1000)))
    assert len(ids(service)) == 1000
    for name in ("m000", "m999", "a0", "a999", "m500"):
        assert ask(service, "/v1/embeddings", input="我", model=name)[0] == 200
    assert ask(service, "/v1/embeddings", input="我", model="a1000")[0] == 404
    with open(f"/proc/{service.process.pid}/status") as status:
        rss_kb = int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])
    assert rss_kb < 1_000_000  # sanitized; some 60 MB otherwise
    assert service.metric("embedd_model_info{") == 1000
    reload(service)
    assert ask(service, "/v1/embeddings", input="我", model="m999")[0] == 200


# ---- swaps ----

def test_a_hangup_serves_what_is_there_now(start, tmp_path):
    one, two = make_model(tmp_path / "m1", 1), make_model(tmp_path / "m2", 2)
    service = start("--models", str(tmp_path))
    replace(two, 2, 5)
    assert vector(service, "m2") == [2, 1]
    reload(service)
    assert vector(service, "m2") == [2, 5] and vector(service, "m1") == [1, 1]
    assert 'embedd_model_info{model="m2",version="v5"' in service.get("/metrics").body.decode()
    # Also of another size; the name it was given stays.
    replace(one, 40, 2)
    reload(service)
    assert vector(service, "m1") == [40, 2] and ids(service) == ["m1", "m2"]
    assert "reloaded the models" in service.stderr()
    # The old files are closed.
    wait_until(lambda: not count_replaced(service), "old models are closed")


def test_a_bad_new_model_is_refused_and_the_old_one_stays(start, tmp_path):
    one, two, three = (make_model(tmp_path / f"m{mark}", mark) for mark in (1, 2, 3))
    service = start("--models", str(tmp_path))
    replace(one, 1, 2)
    shutil.rmtree(two)
    (three / "new").write_bytes(b"no weights")
    (three / "new").rename(three / "model.safetensors")
    reload(service, "failed")
    assert ids(service) == ["m1", "m3"]  # what has left the folder is taken away
    assert [vector(service, name) for name in ids(service)] == [[1, 2], [3, 1]]
    said = [line for line in service.stderr().splitlines() if "reload: '" in line]
    assert len(said) == 1 and str(three) in said[0] and "is served as it was" in said[0]
    assert "model 'm2': removed" in service.stderr() and reloads(service) == 0
    # It comes back when it is whole again.
    make_model(two, 2, 9)
    shutil.rmtree(three)
    make_model(three, 3, 9)
    reload(service)
    assert [vector(service, name) for name in ids(service)] == [[1, 2], [2, 9], [3, 9]]


def test_many_hangups_in_a_row_are_no_queue(start, tmp_path):
    folder = make_model(tmp_path / "m", 1)
    service = start("--model", str(folder))
    for variant in range(20):
        service.signal(signal.SIGHUP)
    replace(folder, 1, 77)
    before = reloads(service) + reloads(service, "failed")
    service.signal(signal.SIGHUP)
    wait_until(lambda: vector(service) == [1, 77], "the last one counts")
    assert before <= 21


def test_a_reply_under_way_keeps_the_model_that_it_began_with(start, tmp_path):
    # Streamed, and so large that it is still being made when the model is swapped.
    folder = make_model(tmp_path / "m", 3)
    service = start("--model", f"m={folder}", "--alias", "x=m")
    for name in ("m", "x", "any"):
        variant = vector(service)[1]
        with service.connect(receive_buffer=4096) as client:
            client.send(post("/v1/lookup", json.dumps({"text": "food " * 200000, "model": name}).encode()))
            status, headers = client.read_head()
            replace(folder, 3, variant + 1)
            reload(service)
            assert vector(service, name) == [3, variant + 1]
            reply = json.loads(client.read_body(headers))
            rows = reply["data"][0]["rows"]
            assert len(rows) == 200000 and all(row == [3, variant] for row in rows)
    wait_until(lambda: not count_replaced(service), "old models are closed")


@pytest.mark.parametrize("offload", ["0", "1000000"])  # on a worker, or not
def test_requests_on_loops_and_workers_are_answered_by_one_model_each(start, tmp_path, offload):
    folder = make_model(tmp_path / "m", 3)
    service = start("--model", f"m={folder}", "--alias", "x=m", "--offload-bytes", offload)
    stop = threading.Event()
    wrong = []

    def client(name):
        body = json.dumps({"input": ["food"] * 200, "model": name}).encode()
        with service.connect() as one:
            while not stop.is_set():
                reply = one.post("/v1/embeddings", body)
                found = {tuple(item["embedding"]) for item in reply.json()["data"]} if reply.status == 200 else reply.status
                if reply.status != 200 or len(found) != 1:
                    wrong.append(found)

    threads = [threading.Thread(target=client, args=(name,)) for name in ("m", "x")]
    for thread in threads:
        thread.start()
    for variant in range(2, 12):
        replace(folder, 3, variant)
        reload(service)
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong and vector(service) == [3, 11]


def test_metrics_count_by_model_and_go_on_over_a_reload(start, tmp_path):
    one = make_model(tmp_path / "m1", 1, labels=["kept", "old"])
    make_model(tmp_path / "m2", 2)
    service = start("--models", str(tmp_path))
    classify = json.dumps({"text": ["food", "food is good"]}).encode()
    assert service.post("/v1/classify", classify).json()["data"][0]["label"] == "kept"
    for variant, labels in enumerate((["kept", "new"], ["new", "kept"], ["kept", "old"], ["kept", "other", "more"]), 2):
        replace(one, 1, variant, labels=labels)
        reload(service)
        assert service.post("/v1/classify", classify).json()["data"][0]["label"] == labels[0]
    counts(service, "m1", 5)
    text = service.get("/metrics").body.decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    series = [line.rpartition(" ")[0] for line in lines]
    assert sorted(set(series)) == sorted(series)  # none is written twice
    assert 'embedd_predictions_total{model="m1",head="default",label="kept"} 8' in lines
    assert 'embedd_predictions_total{model="m1",head="default",label="new"} 2' in lines
    assert 'embedd_model_requests_total{model="m1"} 5' in lines
    assert 'embedd_model_inputs_total{model="m1"} 10' in lines
    assert 'embedd_model_tokens_total{model="m1"} 20' in lines
    assert 'embedd_model_requests_total{model="m2"} 0' in lines
    assert text.count("embedd_model_info{") == 2 and reloads(service) == 4


# ---- an opening that takes its time ----

@pytest.fixture
def slow(tmp_path):
    """Models that take a while to open, and how the first of them answers after a replacement of all."""
    (tmp_path / "models").mkdir()
    words = tmp_path / "words.vec"
    words.write_text("".join(f"word{i} {i} 1\n" for i in range(20000)))
    for i in range(50):
        (tmp_path / "models" / f"m{i:02}.vec").symlink_to(words)
    return str(tmp_path / "models")


def begin_reload(service, slow):
    os.utime(f"{slow}/../words.vec")  # what has not changed is not opened again
    service.signal(signal.SIGHUP)
    wait_until(lambda: "Hangup: reloading" in service.stderr(), "the models are being opened")


def test_requests_are_answered_while_models_are_opened(start, slow):
    service = start("--models", slow)
    begin_reload(service, slow)
    answered = 0
    while reloads(service) == 0:
        for name in ("m00", "m49"):
            status, reply = ask(service, "/v1/lookup", text="word7", model=name)
            assert (status, reply["data"][0]["rows"]) == (200, [[7, 1]])
        answered += 1
    assert answered > 0


def test_a_drain_waits_for_an_opening(start, slow):
    service = start("--models", slow)
    begin_reload(service, slow)
    service.signal(signal.SIGTERM)
    service.signal(signal.SIGHUP)
    assert service.wait() == 0
    assert "reloaded the models" in service.stderr()


def test_a_drain_does_not_wait_for_an_opening_longer_than_for_replies(start, slow):
    service = start("--models", slow, "--drain-timeout", "0")
    begin_reload(service, slow)
    service.signal(signal.SIGTERM)
    assert service.wait() == 0
    said = service.stderr()
    assert "drain-timeout: a reload was still under way" in said or "reloaded the models" in said


def test_a_hangup_during_the_start_is_a_reload_after_it(slow, tmp_path):
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen([PROGRAM, "serve", "--listen=127.0.0.1:0", "--models", slow], stderr=log,
                                   stdout=subprocess.DEVNULL, env=environment())

    def is_safe():
        with open(f"/proc/{process.pid}/status") as status:
            masks = dict(re.findall(r"^(SigBlk|SigCgt):\s+(\w+)$", status.read(), re.M))
        return any(int(mask, 16) & 1 for mask in masks.values())

    try:
        wait_until(is_safe, "hangups are not fatal")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: b"reloaded the models" in (tmp_path / "log").read_bytes(), "it is a reload")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()


# ---- under load ----

class Load:
    """Keeps asking each model by its name, on connections of its own, and checks whose answers come."""

    def __init__(self, service, marks, variants):
        self.service, self.marks, self.variants = service, marks, variants
        self.stop = threading.Event()
        self.asked, self.failed, self.wrong = [0] * len(marks), [], []
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(len(marks))]
        for thread in self.threads:
            thread.start()

    def run(self, i):
        mark = self.marks[i]
        requests = [post("/v1/embeddings", json.dumps({"input": "the food is good", "model": name}).encode())
                    for name in (f"m{mark}", f"alias{mark}")]
        expected = {b'"embedding":[%d,%d]' % (mark, variant) for variant in self.variants}
        find = re.compile(rb'"embedding":\[[^\]]*\]').findall
        batch = requests * 8  # pipelined
        sent = b"".join(batch)
        try:
            with self.service.connect() as client:
                while not self.stop.is_set():
                    client.send(sent)
                    for _ in batch:
                        reply = client.read_reply()
                        self.asked[i] += 1
                        if reply.status != 200:
                            self.failed.append((reply.status, reply.body))
                        elif len(found := find(reply.body)) != 1 or found[0] not in expected:
                            self.wrong.append(reply.body)
        except (OSError, AssertionError) as error:
            self.failed.append(repr(error))

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def swap_under_load(service, tmp_path, is_enough, pause_s):
    """Three models swapped together time and again while they are asked; what was counted."""
    load = Load(service, (1, 2, 3), range(1, 3))
    swaps, started = 0, time.monotonic()
    try:
        while not is_enough(sum(load.asked), swaps):
            assert all(thread.is_alive() for thread in load.threads), load.failed[:3]
            variant = 2 - swaps % 2
            for mark in (1, 2, 3):
                replace(tmp_path / f"m{mark}", mark, variant)
            reload(service)
            swaps += 1
            assert [vector(service, f"m{mark}") for mark in (1, 2, 3)] == [[mark, variant] for mark in (1, 2, 3)]
            time.sleep(max(0, started + swaps * pause_s - time.monotonic()))
    finally:
        load.end()
    found = {"requests": sum(load.asked), "by model": load.asked, "swaps of three models": swaps,
             "seconds": round(time.monotonic() - started, 1), "failed": len(load.failed), "wrong": len(load.wrong)}
    print(json.dumps(found))
    assert not load.failed and not load.wrong, (found, load.failed[:3], load.wrong[:3])
    assert all(load.asked)
    wait_until(lambda: service.metric('embedd_model_requests_total{') == sum(load.asked) + 3 * swaps,
               "every request is counted")
    assert reloads(service) == swaps and reloads(service, "failed") == 0
    wait_until(lambda: not count_replaced(service), "old models are closed")
    return found


@pytest.fixture
def three(start, tmp_path):
    for mark in (1, 2, 3):
        make_model(tmp_path / f"m{mark}", mark, 1)
    return start("--models", str(tmp_path), *(f"--alias=alias{mark}=m{mark}" for mark in (1, 2, 3)))


def test_models_are_swapped_under_load(three, tmp_path):
    swap_under_load(three, tmp_path, lambda asked, swaps: asked > 1000 and swaps >= 8, 0.1)


@pytest.mark.skipif("SWAP_REQUESTS" not in os.environ, reason="the long proof is asked for by `make test-swap`")
def test_models_are_swapped_every_second_under_load_for_long(three, tmp_path):
    wanted = int(os.environ["SWAP_REQUESTS"])
    swap_under_load(three, tmp_path, lambda asked, swaps: asked >= wanted and swaps >= 30, 1)
