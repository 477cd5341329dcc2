# SPDX-License-Identifier: Apache-2.0
"""A disk that answers EIO when a model is opened: at the start a sentence, at a reload the old one stays."""

import json
import shutil
import subprocess

import pytest
from faults import make_large, table_of
from harness import PATIENCE_S, PROGRAM, SANITIZER, environment, wait_until
from test_models import ask, reload, reloads

IO_ERROR = "Input/output error"
FAILS = "its disk fails"
# What an opening had made when a page could not be read is lost.
LEAKS = {"ASAN_OPTIONS": "detect_leaks=0"}


HEAD = json.dumps({"labels": ["no", "yes"], "weight": [[0] * 64] * 2, "bias": [0, 1]})
HEADS = "default", "extra", "own"


def make_model(folder, mark):
    """With classifiers, of every kind of place: a file, one in `heads`, a model folder there."""
    make_large(folder, mark, tokens=2000)
    (folder / "heads").mkdir()
    make_large(folder / "heads" / "own", mark, tokens=2000)
    for file in (folder / "head.json", folder / "heads" / "extra.json", folder / "heads" / "own" / "head.json"):
        file.write_text(HEAD)
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    return folder


def put(folder, mark):
    """A new model in the place of a folder, by renaming."""
    new, old = folder.with_name(f".new-{folder.name}"), folder.with_name(f".old-{folder.name}")
    make_model(new, mark)
    folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old)


def answers(service, model="a"):
    """What is known of a model by its answers, bit by bit."""
    status, reply = ask(service, "/v1/embeddings", model=model, input="w7 w1900", encoding_format="base64")
    assert status == 200, reply
    labels = [ask(service, "/v1/classify", model=model, text="w7", head=head) for head in HEADS]
    assert [status for status, _ in labels] == [200] * len(HEADS), labels
    return reply["data"][0]["embedding"], [reply["data"] for _, reply in labels]


# ---- the start ----

@pytest.mark.parametrize("call", ("stat", "open", "fstat", "mmap", "page"))
def test_a_start_says_which_file_failed_and_how(disk, tmp_path, call):
    folder = make_model(tmp_path / "a", 1)
    disk.fail(folder if call == "stat" else table_of(folder), call)
    run = subprocess.run([PROGRAM, "serve", "--listen=127.0.0.1:0", f"--model={folder}"], capture_output=True,
                         timeout=PATIENCE_S, env=environment(**disk.environment(), **LEAKS))
    said = run.stderr.decode(errors="replace")
    assert not SANITIZER.search(said) and disk.seen() > 0
    assert run.returncode == 1 and str(folder) in said, said
    assert (FAILS if call == "page" else IO_ERROR) in said, said


# ---- a reload ----

# What may fail of a model, and of the folder that is one of its heads.
FAULTS = [("stat", ""), ("open", "model.safetensors"), ("fstat", "model.safetensors"), ("mmap", "model.safetensors"),
          ("page", "model.safetensors"), ("open", "vocab.txt"), ("open", "config.json"),
          ("mmap", "tokenizer_config.json"), ("stat", "head.json"), ("open", "head.json"), ("scandir", "heads"),
          ("mmap", "heads/extra.json"), ("stat", "heads/own/model.safetensors"), ("stat", "heads/own/head.safetensors"),
          ("open", "heads/own/vocab.txt")]


def test_what_cannot_be_read_at_a_reload_is_refused_until_it_can(start, disk, tmp_path):
    for mark, name in enumerate("ab", 1):
        make_model(tmp_path / name, mark)
    service = start("--models", str(tmp_path), "--watch=0", env={**disk.environment(), **LEAKS})
    known = {answers(service, "b")[0]}
    for mark, (call, file) in enumerate(FAULTS, 3):
        before = answers(service), answers(service, "b")
        known.add(before[0][0])
        put(tmp_path / "a", mark)
        disk.fail(tmp_path / "a" / file, call)
        status, reply = ask(service, "/admin/reload")
        assert disk.seen() > 0, (call, file)
        assert status == 422 and [one["status"] for one in reply["models"]] == ["failed", "unchanged"], (call, file)
        reason = reply["models"][0]["error"]
        assert str(tmp_path / "a") in reason and (FAILS if call == "page" else IO_ERROR) in reason, reason
        assert (answers(service), answers(service, "b")) == before
        assert service.get("/ready").status == 200
        assert service.metric("embedd_config_last_reload_successful") == 0
        disk.heal()
        status, reply = ask(service, "/admin/reload")
        assert status == 200 and [one["status"] for one in reply["models"]] == ["reloaded", "unchanged"], reply
        assert answers(service)[0] not in known and answers(service, "b") == before[1]
        assert service.metric("embedd_config_last_reload_successful") == 1
    assert reloads(service, "failed") == reloads(service) == len(FAULTS)
    assert service.stderr().count("it is served as it was") == len(FAULTS)


def make_table(folder, n=1):
    """A folder that holds files of vectors, and nothing else by which its model is known."""
    folder.mkdir()
    for i in range(n):
        (folder / f"table{i}.vec").write_text(f"2 2\nfood {i} 1\nthe 1 0\n")
    return folder


@pytest.mark.parametrize("call", ("opendir", "readdir"))
def test_a_folder_whose_list_of_files_cannot_be_read_is_refused(start, disk, tmp_path, call):
    """Half a list could make one of two files the only one."""
    (tmp_path / "models").mkdir()
    table = make_table(tmp_path / "models" / "a")
    service = start("--models", str(tmp_path / "models"), "--watch=0", env=disk.environment())
    before = ask(service, "/v1/embeddings", input="food")
    shutil.rmtree(table)
    make_table(table, 2)
    disk.fail(table, call, skip=4 if call == "readdir" else 0)
    status, reply = ask(service, "/admin/reload")
    assert status == 422 and IO_ERROR in reply["models"][0]["error"], reply
    assert ask(service, "/v1/embeddings", input="food") == before
    disk.heal()
    (table / "table0.vec").unlink()
    reload(service)
    assert ask(service, "/v1/embeddings", input="food") != before


def test_a_packed_model_is_read_before_it_is_served(start, disk, tmp_path):
    """Opening it reads hardly any of its table."""
    packed = [tmp_path / f"{mark}.safetensors" for mark in (1, 2)]
    for mark, path in enumerate(packed, 1):
        subprocess.run([PROGRAM, "convert", "--input", make_large(tmp_path / f"source{mark}", mark), "--output", path,
                        "--to", "packed"], check=True, capture_output=True, timeout=PATIENCE_S)
    served = tmp_path / "a.safetensors"
    shutil.copy(packed[0], served)
    service = start(f"--model=a={served}", "--watch=0", env={**disk.environment(), **LEAKS})
    before = ask(service, "/v1/embeddings", input="w7000")
    packed[1].rename(served)
    disk.fail(served, "page")
    reload(service, "failed")
    assert FAILS in service.stderr()
    assert ask(service, "/v1/embeddings", input="w7000") == before
    disk.heal()
    reload(service)
    assert ask(service, "/v1/embeddings", input="w7000") != before


def test_a_link_to_a_model_that_cannot_be_read_leads_nowhere_else(start, disk, tmp_path):
    """`current` is seen to change; that it is tried again takes another change, or a reload."""
    versions = [make_model(tmp_path / "a" / f"v{mark}", mark) for mark in (1, 2)]
    link = tmp_path / "a" / "current"
    link.symlink_to("v1")
    service = start(f"--model={tmp_path / 'a'}", "--watch=50ms", env={**disk.environment(), **LEAKS})
    before = answers(service)

    def lead_to(version):
        (tmp_path / "new").symlink_to(version)
        (tmp_path / "new").rename(link)

    disk.fail(table_of(versions[1]), "mmap")
    lead_to("v2")
    wait_until(lambda: reloads(service, "failed") == 1, "the link is followed")
    assert answers(service) == before and IO_ERROR in service.stderr()
    # Where not even the link can be looked at, nothing else is served in its place.
    for path, *calls in ((link, "lstat", "stat"), (tmp_path / "a", "readdir"), (tmp_path / "a", "opendir")):
        disk.fail(path, *calls)
        reload(service, "failed")
        assert answers(service) == before, calls
    disk.heal()
    reload(service)
    assert answers(service) != before
