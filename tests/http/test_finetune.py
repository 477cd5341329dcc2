# SPDX-License-Identifier: Apache-2.0
"""Files and trainings over HTTP: OpenAI's /v1/files and /v1/fine_tuning/jobs."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import openai
import pytest
from harness import PATIENCE_S, PROGRAM, Service, environment, wait_until
from test_access import new_key

GOOD = ["good food", "very good", "the food is good", "nice and good", "I love it", "love this food",
        "really great", "great taste", "so tasty", "wonderful", "delicious meal", "I love the soup"]
BAD = ["bad food", "very bad", "the food is bad", "awful and bad", "I hate it", "hate this food",
       "really terrible", "terrible taste", "so stale", "horrible", "disgusting meal", "I hate the soup"]
ROWS = [(text, "good") for text in GOOD] + [(text, "bad") for text in BAD]


def chats(rows=ROWS):
    return "".join(json.dumps({"messages": [
        {"role": "system", "content": "classify"}, {"role": "user", "content": text},
        {"role": "assistant", "content": label}]}) + "\n" for text, label in rows).encode()


def table(rows=ROWS):
    return ("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows)).encode()


def many(n):
    """Rows that take a while to train on."""
    return table([(f"{GOOD[i % 12]} {i} {i * 7919 % n}", "good") if i % 2 else
                  (f"{BAD[i % 12]} {i} {i * 7919 % n}", "bad") for i in range(n)])


def form(data, filename="rows.jsonl", purpose="fine-tune", boundary="xYzZY"):
    parts = []
    if purpose is not None:
        parts.append(f'Content-Disposition: form-data; name="purpose"\r\n\r\n{purpose}'.encode())
    if data is not None:
        parts.append(f'Content-Disposition: form-data; name="file"; filename="{filename}"\r\n'
                     'Content-Type: application/octet-stream\r\n\r\n'.encode() + data)
    mark = b"--" + boundary.encode()
    return b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


TYPE = "multipart/form-data; boundary=xYzZY"


class Api:
    """The routes of one service."""

    def __init__(self, service, **headers):
        self.service, self.headers, self.is_killed = service, headers, False

    def kill(self, how=signal.SIGKILL):
        """Ends the service without a look at what it leaves behind."""
        self.is_killed = True
        self.service.signal(how)
        self.service.process.wait(PATIENCE_S)

    def ask(self, method, path, body=None):
        data = b"" if body is None else json.dumps(body).encode()
        with self.service.connect() as client:
            return client.post(path, data, method, **self.headers)

    def get(self, path, status=200):
        with self.service.connect() as client:
            reply = client.get(path, **self.headers)
        assert reply.status == status, reply.body
        return reply.json()

    def upload(self, data, status=200, **named):
        reply = self.service.post("/v1/files", form(data, **named), Content_Type=TYPE, **self.headers)
        assert reply.status == status, reply.body
        return reply.json()

    def create(self, status=200, **fields):
        reply = self.ask("POST", "/v1/fine_tuning/jobs", {"model": "builtin", **fields})
        assert reply.status == status, reply.body
        return reply.json()

    def job(self, id):
        return self.get(f"/v1/fine_tuning/jobs/{id}")

    def wait(self, id):
        """The job, once it has ended."""
        wait_until(lambda: self.job(id)["status"] not in ("queued", "running"), f"job {id} ends")
        return self.job(id)

    def wait_for(self, id, status):
        wait_until(lambda: self.job(id)["status"] == status, f"job {id} is {status}")

    def train(self, data, **fields):
        return self.wait(self.create(training_file=self.upload(data)["id"], **fields)["id"])

    def label(self, model, text):
        reply = self.ask("POST", "/v1/classify", {"model": model, "text": text})
        assert reply.status == 200, reply.body
        return reply.json()["data"][0]["label"]

    def models(self):
        return [model["id"] for model in self.get("/v1/models")["data"]]


@pytest.fixture
def serve(tmp_path):
    """Starts a service with a data folder, which several may have one after the other. Those that are
    not killed must end cleanly when the test is over."""
    apis = []

    def serve_one(*flags, **options):
        apis.append(Api(Service(f"--data-dir={tmp_path / 'data'}", *flags, **options)))
        return apis[-1]

    yield serve_one
    try:
        for api in apis:
            if not api.is_killed:
                api.service.stop()
    finally:
        for api in apis:
            api.service.kill()


def children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in task.read_text().split()]
    return found


def trainer(service):
    """The process that runs a training, by way of the one that starts it; None: none does."""
    for launcher in children(service.process.pid):
        for child in children(launcher):
            return child
    return None


def is_alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


# ---- what works ----

def test_a_model_is_trained_and_served(serve):
    api = serve()
    before = api.models()
    file = api.upload(chats(), filename="../../etc/pass wd.jsonl")
    assert file["object"] == "file" and file["bytes"] == len(chats()) and file["purpose"] == "fine-tune"
    assert file["filename"] == "../../etc/pass wd.jsonl" and file["status"] == "processed"
    job = api.create(training_file=file["id"], suffix="mood", seed=7)
    assert job["object"] == "fine_tuning.job" and job["status"] in ("queued", "running")
    assert job["seed"] == 7 and job["training_file"] == file["id"] and job["fine_tuned_model"] is None
    job = api.wait(job["id"])
    assert job["status"] == "succeeded", job
    model = job["fine_tuned_model"]
    assert re.fullmatch(r"ft:[^:]+:mood:[0-9a-f]{8}", model)
    assert api.models() == before + [model]
    assert api.label(model, "good food") == "good" and api.label(model, "bad food") == "bad"
    assert job["finished_at"] >= job["started_at"] >= job["created_at"] > 0
    events = api.get(f"/v1/fine_tuning/jobs/{job['id']}/events")
    assert [e["message"] for e in events["data"]] == [
        "the model is ready", "the training has begun", "the job waits for its turn"]
    assert api.get(f"/v1/fine_tuning/jobs/{job['id']}/checkpoints")["data"] == []


def test_a_model_is_served_again_after_a_restart(serve):
    api = serve()
    job = api.train(table())
    api.service.stop()
    api = serve()
    assert api.job(job["id"]) == job
    assert api.label(job["fine_tuned_model"], "very bad") == "bad"


def test_other_names_mean_what_they_meant(serve):
    """A client that names whatever it likes is answered as before."""
    api = serve()
    model = api.train(table())["fine_tuned_model"]
    reply = api.ask("POST", "/v1/embeddings", {"model": "text-embedding-3-small", "input": "a"})
    assert reply.status == 200
    reply = api.ask("POST", "/v1/embeddings", {"model": model[:-1] + "x", "input": "a"})
    assert reply.status == 404 and reply.json()["error"]["code"] == "model_not_found"


def test_a_model_may_be_trained_from_one_that_was(serve):
    api = serve()
    first = api.train(table(), suffix="one")["fine_tuned_model"]
    second = api.train(table(), suffix="two", model=first)
    assert second["status"] == "succeeded" and second["model"] == first
    assert re.fullmatch(r"ft:[^:]+:two:[0-9a-f]{8}", second["fine_tuned_model"])


@pytest.mark.parametrize("data", [table(), table().replace(b",", b"\t"), chats(),
                                  b"".join(json.dumps({"text": t, "label": l}).encode() + b"\n" for t, l in ROWS)])
def test_every_form_of_rows_is_read(serve, data):
    assert serve().train(data)["status"] == "succeeded"


def test_hyperparameters_reach_the_training(serve):
    api = serve()
    job = api.train(table(), hyperparameters={"n_epochs": 3, "learning_rate_multiplier": 0.5, "batch_size": "auto"})
    assert job["hyperparameters"] == {"n_epochs": 3, "batch_size": "auto", "learning_rate_multiplier": 0.5}
    inspected = subprocess.run(
        [PROGRAM, "inspect", "--format", "json", next(iter(data_of(api).glob("jobs/*/ft:*")))],
        capture_output=True, env=environment(), check=True).stdout
    assert json.loads(inspected)["heads"][0]["training"]["epochs"] == 3
    job = api.train(table(), method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}})
    assert job["method"]["supervised"]["hyperparameters"]["n_epochs"] == 2


def data_of(api):
    arguments = Path(f"/proc/{api.service.process.pid}/cmdline").read_bytes().decode().split("\0")
    return Path(next(a.partition("=")[2] for a in arguments if a.startswith("--data-dir=")))


def test_a_validation_file_gives_a_report(serve):
    api = serve()
    job = api.train(table(), validation_file=api.upload(table(ROWS[:3] + ROWS[-3:]))["id"])
    assert job["status"] == "succeeded", job
    with api.service.connect() as client:
        report = client.get(f"/v1/fine_tuning/jobs/{job['id']}/report")
        page = client.get(f"/v1/fine_tuning/jobs/{job['id']}/report", Accept="text/html,*/*;q=0.8")
    assert report.status == 200 and report.headers["content-type"] == "application/json"
    assert report.json()["rows"] == 6
    assert page.headers["content-type"].startswith("text/html") and b"<html" in page.body.lower()


def test_without_one_there_is_none(serve):
    api = serve()
    job = api.train(table())
    error = api.get(f"/v1/fine_tuning/jobs/{job['id']}/report", 404)["error"]
    assert "validation_file" in error["message"]


def test_files_are_listed_read_and_deleted(serve):
    api = serve()
    assert api.get("/v1/files") == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    ids = [api.upload(table() + b"x,good\n" * i)["id"] for i in range(3)]
    assert {f["id"] for f in api.get("/v1/files")["data"]} == set(ids)
    assert api.get("/v1/files?purpose=assistants")["data"] == []
    page = api.get("/v1/files?limit=2")
    assert len(page["data"]) == 2 and page["has_more"]
    rest = api.get(f"/v1/files?limit=2&after={page['last_id']}")
    assert len(rest["data"]) == 1 and not rest["has_more"]
    assert api.service.get(f"/v1/files/{ids[1]}/content").body == table() + b"x,good\n"
    assert api.ask("DELETE", f"/v1/files/{ids[1]}").json() == {"id": ids[1], "object": "file", "deleted": True}
    api.get(f"/v1/files/{ids[1]}", 404)
    api.service.stop()
    api = serve()
    assert {f["id"] for f in api.get("/v1/files")["data"]} == {ids[0], ids[2]}


def test_jobs_are_listed_in_pages(serve):
    api = serve()
    file = api.upload(table())["id"]
    ids = [api.create(training_file=file)["id"] for _ in range(3)]
    page = api.get("/v1/fine_tuning/jobs?limit=2")
    assert [j["id"] for j in page["data"]] == [ids[2], ids[1]] and page["has_more"]
    page = api.get(f"/v1/fine_tuning/jobs?limit=2&after={ids[1]}")
    assert [j["id"] for j in page["data"]] == [ids[0]] and not page["has_more"]
    for id in ids:
        assert api.wait(id)["status"] == "succeeded"


def test_options_about_given_models_are_not_about_trained_ones(serve, tmp_path):
    heads = tmp_path / "heads"
    heads.mkdir()
    (heads / "odd.json").write_text(json.dumps({"labels": ["a", "b"], "weight": [[0.0] * 256], "bias": [1.0]}))
    api = serve(f"--heads={heads}")
    model = api.train(table())["fine_tuned_model"]
    assert api.label(model, "good food") == "good" and api.label("builtin", "x") == "b"
    api.service.stop()
    api = serve(f"--heads={heads}")
    assert api.label(model, "bad food") == "bad" and api.label("builtin", "x") == "b"


def test_a_model_is_deleted(serve):
    api = serve()
    job = api.train(table())
    model = job["fine_tuned_model"]
    reply = api.ask("DELETE", f"/v1/models/{model}")
    assert reply.json() == {"id": model, "object": "model", "deleted": True}
    assert model not in api.models()
    assert not list(data_of(api).glob("jobs/*/ft:*"))
    assert api.job(job["id"])["fine_tuned_model"] is None
    assert api.ask("DELETE", f"/v1/models/{model}").status == 404
    assert api.ask("DELETE", "/v1/models/builtin").status == 404


# ---- who may ----

def test_it_is_off_without_a_folder(service):
    reply = service.get("/v1/fine_tuning/jobs")
    assert reply.status == 404 and "data-dir" in reply.json()["error"]["message"]
    assert service.post("/v1/files", form(table()), Content_Type=TYPE).status == 404


def test_an_admin_key_is_asked_for(serve, tmp_path):
    keys = tmp_path / "keys"
    made = {scopes: new_key(keys, scopes[:5], "--scopes", scopes) for scopes in ("embed,classify", "admin")}
    service = serve(f"--api-keys={keys}").service
    for method, path in (("GET", "/v1/files"), ("GET", "/v1/fine_tuning/jobs"), ("DELETE", "/v1/models/ft:a"),
                         ("POST", "/v1/fine_tuning/jobs"), ("DELETE", "/v1/files/file-0")):
        assert Api(service).ask(method, path, {}).status == 401
        assert Api(service, Authorization=f"Bearer {made['embed,classify']}").ask(method, path, {}).status == 403
        assert Api(service, Authorization=f"Bearer {made['admin']}").ask(method, path, {}).status in (200, 400, 404)


def test_with_an_admin_listener_it_is_there_alone(serve):
    api = serve("--admin-listen=127.0.0.1:0")
    admin = api.service.next_listener()
    assert api.ask("GET", "/v1/files").status == 404
    assert Api(admin).get("/v1/files")["data"] == []


# ---- limits ----

def test_a_file_has_a_limit(serve):
    api = serve("--max-file-bytes=1000")
    message = api.upload(b"x" * 1001, 413)["error"]
    assert message["param"] == "file" and "max-file-bytes" in message["message"]
    reply = api.service.post("/v1/files", form(b"x" * 200000), Content_Type=TYPE)
    assert reply.status == 413 and "max-file-bytes" in reply.json()["error"]["message"]
    assert not list(data_of(api).glob("files/*"))


def test_a_file_may_be_larger_than_other_bodies(serve):
    api = serve("--max-body-bytes=1000")
    data = table([(f"text {i}", "good") for i in range(1000)])
    assert api.upload(data)["bytes"] == len(data)


def test_files_have_a_limit(serve):
    api = serve("--max-files=2")
    ids = [api.upload(table())["id"] for _ in range(2)]
    error = api.upload(table(), 400)["error"]
    assert error["param"] == "file" and "max-files" in error["message"]
    api.ask("DELETE", f"/v1/files/{ids[0]}")
    api.upload(table())


def test_jobs_have_a_limit(serve):
    api = serve("--max-jobs=2")
    file = api.upload(table())["id"]
    models = [api.wait(api.create(training_file=file)["id"])["fine_tuned_model"] for _ in range(2)]
    error = api.create(400, training_file=file)["error"]
    assert "max-jobs" in error["message"] and "DELETE /v1/models" in error["message"]
    api.ask("DELETE", f"/v1/models/{models[0]}")
    assert api.wait(api.create(training_file=file)["id"])["status"] == "succeeded"
    assert len(api.get("/v1/fine_tuning/jobs")["data"]) == 2


def test_all_of_it_has_a_limit(serve):
    api = serve("--max-data-bytes=5000")
    file = api.upload(table())["id"]
    error = api.upload(b"a,b\n" * 1200, 413)["error"]
    assert error["param"] == "file" and "max-data-bytes" in error["message"]
    assert api.wait(api.create(training_file=file)["id"])["status"] == "succeeded"
    assert "max-data-bytes" in api.create(413, training_file=file)["error"]["message"]


# ---- what is wrong ----

@pytest.mark.parametrize("body, type, param", [
    (form(table(), purpose="assistants"), TYPE, "purpose"),
    (form(table(), purpose=None), TYPE, "purpose"),
    (form(None), TYPE, "file"),
    (form(b""), TYPE, "file"),
    (b"nothing", TYPE, "file"),
    (form(table())[:-30], TYPE, "file"),
    (form(table()), "multipart/form-data", "file"),
    (form(table()), "multipart/form-data; boundary=other", "file"),
    (b"", TYPE, "file"),
])
def test_forms_that_are_none_are_refused(serve, body, type, param):
    api = serve()
    reply = api.service.post("/v1/files", body, Content_Type=type)
    assert reply.status == 400 and reply.json()["error"]["param"] == param, reply.body
    assert not list(data_of(api).glob("files/*"))


def test_a_file_that_comes_as_json_is_refused(serve):
    reply = serve().service.post("/v1/files", b"{}")
    assert reply.status == 415 and "multipart/form-data" in reply.json()["error"]["message"]


@pytest.mark.parametrize("fields, param", [
    ({"training_file": "file-nowhere"}, "training_file"),
    ({"training_file": "../../etc/passwd"}, "training_file"),
    ({}, "training_file"),
    ({"validation_file": "file-nowhere"}, "validation_file"),
    ({"suffix": "a/b"}, "suffix"),
    ({"suffix": "x" * 65}, "suffix"),
    ({"seed": -1}, "seed"),
    ({"hyperparameters": {"n_epochs": 0}}, "n_epochs"),
    ({"hyperparameters": {"batch_size": 8}}, "batch_size"),
    ({"hyperparameters": {"learning_rate_multiplier": "much"}}, "learning_rate_multiplier"),
    ({"method": {"type": "dpo"}}, "method.type"),
    ({"model": 3}, "model"),
])
def test_jobs_that_cannot_be_are_refused(serve, fields, param):
    api = serve()
    if "training_file" not in fields and param != "training_file":
        fields = {"training_file": api.upload(table())["id"], **fields}
    assert api.create(400, **fields)["error"]["param"] == param
    assert api.get("/v1/fine_tuning/jobs")["data"] == []


@pytest.mark.parametrize("data, words", [
    (table(ROWS[:12]), "label"),
    (b"\x00\x01\x02\x03" * 50, ""),
    (b"PK\x03\x04" + b"\0" * 100, ""),
    (b'{"messages": [{"role": "user", "content": "a"}]}\n', "assistant"),
    (b'{"text": "a"', ""),
])
def test_a_file_that_is_none_fails_its_job_with_a_sentence(serve, data, words):
    api = serve()
    job = api.train(data)
    assert job["status"] == "failed" and job["fine_tuned_model"] is None
    assert job["error"]["code"] == "training_failed" and job["error"]["param"] == "training_file"
    assert words in job["error"]["message"] and len(job["error"]["message"]) > 20, job["error"]
    assert str(data_of(api)) not in job["error"]["message"]
    assert api.models() == Api(api.service).models() and not list(data_of(api).glob("jobs/*/ft:*"))
    assert api.train(table())["status"] == "succeeded"


def test_a_bad_validation_file_is_named(serve):
    api = serve()
    job = api.train(table(), validation_file=api.upload(b'{"text": "a"')["id"])
    assert job["status"] == "failed" and job["error"]["param"] == "validation_file", job


def test_two_jobs_of_one_name_make_two_models(serve):
    api = serve()
    file = api.upload(table())["id"]
    jobs = [api.create(training_file=file, suffix="same")["id"] for _ in range(2)]
    models = {api.wait(id)["fine_tuned_model"] for id in jobs}
    assert len(models) == 2 and models < set(api.models())


def test_a_file_that_a_job_needs_stays(serve):
    api = serve()
    file = api.upload(many(20000))["id"]
    job = api.create(training_file=file)["id"]
    reply = api.ask("DELETE", f"/v1/files/{file}")
    assert reply.status == 409 and job in reply.json()["error"]["message"]
    api.ask("POST", f"/v1/fine_tuning/jobs/{job}/cancel")
    assert api.wait(job)["status"] == "cancelled"
    assert api.ask("DELETE", f"/v1/files/{file}").status == 200


# ---- cancelling ----

def test_a_job_that_waits_or_runs_is_cancelled(serve):
    api = serve()
    file = api.upload(many(40000))["id"]
    first, second = (api.create(training_file=file, hyperparameters={"n_epochs": 1000})["id"] for _ in range(2))
    wait_until(lambda: trainer(api.service), "the training runs")
    assert api.ask("POST", f"/v1/fine_tuning/jobs/{second}/cancel").json()["status"] == "cancelled"
    assert api.ask("POST", f"/v1/fine_tuning/jobs/{first}/cancel").status == 200
    assert api.wait(first)["status"] == "cancelled"
    wait_until(lambda: not trainer(api.service), "the training has ended")
    assert api.ask("POST", f"/v1/fine_tuning/jobs/{first}/cancel").status == 400
    assert not list(data_of(api).glob("jobs/*/ft:*"))
    assert sorted(p.name for p in data_of(api).glob(f"jobs/{first}/*")) == ["job.json", "train.log"]
    assert api.train(table())["status"] == "succeeded"


def test_an_upload_that_breaks_off_leaves_nothing(serve):
    api = serve()
    body = form(table() * 100)
    with api.service.connect() as client:
        client.send(f"POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Type: {TYPE}\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:5000])
    assert api.get("/v1/files")["data"] == []
    assert not list(data_of(api).glob("files/*"))


# ---- ends in the middle ----

def test_a_training_that_is_killed_fails_its_job(serve):
    api = serve()
    job = api.create(training_file=api.upload(many(40000))["id"], hyperparameters={"n_epochs": 1000})["id"]
    wait_until(lambda: trainer(api.service), "the training runs")
    os.kill(trainer(api.service), signal.SIGKILL)
    ended = api.wait(job)
    assert ended["status"] == "failed" and ended["error"]["code"] == "training_killed"
    assert "training-memory" in ended["error"]["message"]
    assert api.train(table())["status"] == "succeeded"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_job_goes_on_after_the_service_ended_in_it(serve, how):
    api = serve()
    done = api.train(table())["fine_tuned_model"]
    job = api.create(training_file=api.upload(many(500))["id"])["id"]
    wait_until(lambda: trainer(api.service), "the training runs")
    child = trainer(api.service)
    os.kill(child, signal.SIGSTOP)
    api.kill(how)
    wait_until(lambda: not is_alive(child), "the training has ended with its service")
    api = serve()
    assert done in api.models()
    ended = api.wait(job)
    assert ended["status"] == "succeeded", ended
    messages = [e["message"] for e in api.get(f"/v1/fine_tuning/jobs/{job}/events")["data"]]
    assert any("it is run again" in m for m in messages)
    assert ended["fine_tuned_model"] in api.models()


def test_a_job_that_ends_the_service_each_time_fails(serve, tmp_path):
    api = serve()
    job = api.create(training_file=api.upload(many(40000))["id"], hyperparameters={"n_epochs": 1000})["id"]
    for _ in range(3):
        api.wait_for(job, "running")
        api.kill()
        api = serve()
    ended = api.wait(job)
    assert ended["status"] == "failed" and "three times" in ended["error"]["message"]


def test_the_process_that_starts_trainings_may_end(serve):
    api = serve()
    job = api.create(training_file=api.upload(many(40000))["id"], hyperparameters={"n_epochs": 1000})["id"]
    wait_until(lambda: trainer(api.service), "the training runs")
    child = trainer(api.service)
    os.kill(children(api.service.process.pid)[0], signal.SIGKILL)
    ended = api.wait(job)
    assert ended["status"] == "failed" and "restart the service" in ended["error"]["message"]
    wait_until(lambda: not is_alive(child), "its training ends, too")
    assert api.ask("POST", "/v1/embeddings", {"input": "a"}).status == 200


def test_what_a_killed_service_was_writing_is_nobodys(serve):
    api = serve()
    api.upload(table())
    folder = data_of(api)
    api.kill()
    (folder / "files" / "file-abc").write_bytes(b"half")
    (folder / "files" / "file-abd.77.tmp").write_bytes(b"half")
    (folder / "jobs" / "ftjob-abc").mkdir()
    (folder / "jobs" / "ftjob-abd").mkdir()
    (folder / "jobs" / "ftjob-abd" / "job.json").write_text("{")
    api = serve()
    assert len(api.get("/v1/files")["data"]) == 1 and api.get("/v1/fine_tuning/jobs")["data"] == []
    assert len(list((folder / "files").iterdir())) == 2
    assert "ftjob-abd" in api.service.stderr()


def test_a_model_that_cannot_be_read_keeps_no_other_from_being_served(serve):
    api = serve()
    models = [api.train(table(), suffix=s)["fine_tuned_model"] for s in "ab"]
    folder = data_of(api)
    api.service.stop()
    for path in folder.glob(f"jobs/*/{models[0]}/*.safetensors"):
        path.write_bytes(b"x")
    api = serve()
    assert models[0] not in api.models() and models[1] in api.models()
    assert models[0] in api.service.stderr()


def test_a_second_service_waits_for_the_folder(serve):
    api = serve()
    model = api.train(table())["fine_tuned_model"]
    other = serve()
    other.service.fds_at_start += 1  # the lock, once it has it
    assert other.ask("GET", "/v1/files").status == 503
    assert model in other.models()
    api.service.stop()
    wait_until(lambda: other.ask("GET", "/v1/files").status == 200, "the folder is taken over")
    assert other.train(table())["status"] == "succeeded"


def test_the_folder_may_go_away(serve):
    api = serve()
    model = api.train(table())["fine_tuned_model"]
    folder = data_of(api)
    folder.rename(folder.with_name("gone"))
    reply = api.service.post("/v1/files", form(table()), Content_Type=TYPE)
    assert reply.status == 500 and "No such file" in reply.json()["error"]["message"]
    assert api.label(model, "good food") == "good"
    folder.with_name("gone").rename(folder)
    api.upload(table())


def test_a_folder_that_cannot_be_made_is_an_error_at_the_start(tmp_path):
    done = subprocess.run([PROGRAM, "serve", "--listen=127.0.0.1:0", f"--data-dir={tmp_path}/no/where"],
                          capture_output=True, text=True, env=environment())
    assert done.returncode == 1 and "data-dir" in done.stderr and "No such file" in done.stderr


def test_a_job_goes_on_in_the_process_that_takes_over(serve, tmp_path):
    flags = (f"--handover={tmp_path / 'handover'}", "--drain-idle=0")
    api = serve(*flags)
    job = api.create(training_file=api.upload(many(500))["id"])["id"]
    wait_until(lambda: trainer(api.service), "the training runs")
    os.kill(trainer(api.service), signal.SIGSTOP)
    next_one = serve(*flags, listen=f"127.0.0.1:{api.service.port}")
    next_one.service.fds_at_start += 1  # the lock, once it has it
    assert api.service.wait() == 0
    wait_until(lambda: next_one.ask("GET", "/v1/files").status == 200, "the folder is taken over")
    assert next_one.wait(job)["status"] == "succeeded"


# ---- the service meanwhile ----

def test_requests_are_answered_while_a_model_appears(serve):
    api = serve()
    job = api.create(training_file=api.upload(chats())["id"])["id"]
    with api.service.connect() as client:
        while api.job(job)["status"] in ("queued", "running"):
            assert client.post("/v1/embeddings", b'{"input": "a", "model": "builtin"}').status == 200
    assert api.job(job)["status"] == "succeeded"


def test_a_reload_keeps_what_was_trained(serve):
    api = serve()
    model = api.train(table())["fine_tuned_model"]
    reply = api.ask("POST", "/admin/reload", {})
    assert reply.status == 200 and {"name": model, "status": "unchanged"}.items() <= next(
        m for m in reply.json()["models"] if m["name"] == model).items()
    assert model in api.models()


def test_a_training_has_low_priority_and_no_rights(serve):
    api = serve()
    job = api.create(training_file=api.upload(many(40000))["id"], hyperparameters={"n_epochs": 1000})["id"]
    wait_until(lambda: trainer(api.service), "the training runs")
    child = trainer(api.service)
    wait_until(lambda: subprocess.run(["ionice", "-p", str(child)], capture_output=True).stdout == b"idle\n",
               "it waits for the disk to be idle")  # the last that it asks for
    assert os.getpriority(os.PRIO_PROCESS, child) == 19 and os.sched_getscheduler(child) == os.SCHED_BATCH
    # Elsewhere a priority would count for nothing.
    assert os.getsid(child) == os.getsid(api.service.process.pid)
    status = Path(f"/proc/{child}/status").read_text()
    assert re.search(r"^NoNewPrivs:\t1$", status, re.M) and re.search(r"^CapEff:\t0+$", status, re.M)
    assert re.search(r"^Seccomp:\t2$", status, re.M)
    api.ask("POST", f"/v1/fine_tuning/jobs/{job}/cancel")
    api.wait(job)


@pytest.mark.skipif("asan" in PROGRAM or "tsan" in PROGRAM, reason="a sanitizer's own memory has no limit")
def test_a_training_has_a_limit_of_memory(serve):
    job = serve("--training-memory=64M").train(many(400000))
    assert job["status"] == "failed" and job["error"]["message"]


# ---- OpenAI's own client ----

def test_openais_client_works_unchanged(serve, tmp_path):
    api = serve()
    rows, held = tmp_path / "rows.jsonl", tmp_path / "held.jsonl"
    rows.write_bytes(chats())
    held.write_bytes(chats(ROWS[:4] + ROWS[-4:]))
    with openai.OpenAI(base_url=api.service.url + "/v1", api_key="unused", max_retries=0) as client:
        with rows.open("rb") as stream:
            file = client.files.create(file=stream, purpose="fine-tune")
        assert file.filename == "rows.jsonl" and client.files.retrieve(file.id).bytes == len(chats())
        validation = client.files.create(file=held, purpose="fine-tune")
        assert [f.id for f in client.files.list(limit=1)] == [f.id for f in client.files.list()]
        assert client.files.content(file.id).read() == chats()
        job = client.fine_tuning.jobs.create(
            model="gpt-4o-mini-2024-07-18", training_file=file.id, validation_file=validation.id, suffix="mood", seed=3,
            method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 5}}})
        api.wait(job.id)
        job = client.fine_tuning.jobs.retrieve(job.id)
        assert job.status == "succeeded" and job.fine_tuned_model.startswith("ft:") and job.error is None
        assert job.hyperparameters.n_epochs == 5 and job.method.supervised.hyperparameters.n_epochs == 5
        again = client.fine_tuning.jobs.create(model=job.fine_tuned_model, training_file=file.id)
        assert [j.id for j in client.fine_tuning.jobs.list(limit=1)] == [again.id, job.id]
        events = list(client.fine_tuning.jobs.list_events(job.id, limit=1))
        assert [e.message for e in events][0] == "the model is ready" and len(events) == 3
        assert list(client.fine_tuning.jobs.checkpoints.list(job.id)) == []
        api.wait(again.id)
        with pytest.raises(openai.BadRequestError, match="has ended already"):
            client.fine_tuning.jobs.cancel(job.id)
        assert job.fine_tuned_model in [m.id for m in client.models.list()]
        assert client.models.delete(job.fine_tuned_model).deleted
        assert client.files.delete(file.id).deleted
        with pytest.raises(openai.NotFoundError):
            client.files.retrieve(file.id)
