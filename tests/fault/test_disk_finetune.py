# SPDX-License-Identifier: Apache-2.0
"""A disk that is full where files and trained models are kept: a sentence, and no finished model is lost."""

import errno
import signal

import pytest
from harness import wait_until
from test_finetune import TYPE, form, many, table, trainer
from test_finetune import serve as serve_data  # noqa: F401


@pytest.fixture
def serve(disk, serve_data):  # noqa: F811
    yield lambda: serve_data(env=disk.environment())
    disk.heal()


@pytest.mark.parametrize("call", ["fopen", "write", "flush", "fsync", "rename"])
def test_an_upload_that_does_not_fit_leaves_nothing(disk, serve, tmp_path, call):
    api = serve()
    disk.fail(tmp_path / "data" / "files", call, error=errno.ENOSPC)
    reply = api.service.post("/v1/files", form(table()), Content_Type=TYPE)
    assert reply.status == 500 and "cannot write" in reply.json()["error"]["message"], reply.body
    disk.heal()
    assert api.get("/v1/files")["data"] == [] and not list((tmp_path / "data" / "files").iterdir())
    api.upload(table())


def test_a_job_that_cannot_be_written_down_is_refused(disk, serve, tmp_path):
    api = serve()
    file = api.upload(table())["id"]
    disk.fail(tmp_path / "data" / "jobs", "fsync", error=errno.ENOSPC)
    assert "cannot write" in api.create(500, training_file=file)["error"]["message"]
    disk.heal()
    assert api.get("/v1/fine_tuning/jobs")["data"] == [] and not list((tmp_path / "data" / "jobs").iterdir())


def test_a_model_that_is_made_is_not_lost_with_what_is_written_of_it(disk, serve, tmp_path):
    api = serve()
    job = api.create(training_file=api.upload(many(500))["id"])["id"]
    wait_until(lambda: trainer(api.service), "the training runs")
    disk.fail(tmp_path / "data" / "jobs", "fsync", error=errno.ENOSPC)
    ended = api.wait(job)
    assert ended["status"] == "succeeded" and ended["fine_tuned_model"] in api.models()
    api.kill(signal.SIGKILL)
    disk.heal()
    api = serve()
    assert api.job(job)["status"] == "succeeded"
    assert api.job(job)["fine_tuned_model"] == ended["fine_tuned_model"] in api.models()
