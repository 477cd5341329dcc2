# SPDX-License-Identifier: Apache-2.0
"""Files that never answer, as those of a stuck disk or mount: a pipe nobody writes to stands for them."""

import os
import shutil
import subprocess

import pytest
from faults import make_large, table_of
from harness import PATIENCE_S, PROGRAM, SANITIZER, environment
from test_models import ask, reload


def pipe_at(path):
    if path.exists():
        path.unlink()
    os.mkfifo(path)


def start_of(*flags):
    run = subprocess.run([PROGRAM, "serve", "--listen=127.0.0.1:0", *map(str, flags)], capture_output=True,
                         timeout=20, env=environment())
    said = run.stderr.decode(errors="replace")
    assert not SANITIZER.search(said), said
    return run.returncode, said


def test_a_pipe_is_no_model(tmp_path):
    pipe_at(tmp_path / "model.safetensors")
    code, said = start_of(f"--model={tmp_path / 'model.safetensors'}")
    assert code == 1 and "model.safetensors" in said


@pytest.mark.parametrize("name", ("model.safetensors", "vocab.txt", "config.json", "tokenizer.json", "modules.json",
                                  "heads/default.json"))
def test_a_model_folder_with_a_pipe_in_it_is_refused_and_not_waited_for(start, tmp_path, name):
    sound, odd = make_large(tmp_path / "a", 1, tokens=50), make_large(tmp_path / "b", 2, tokens=50)
    service = start("--models", str(tmp_path))
    shutil.copytree(odd, tmp_path / ".new")
    (tmp_path / ".new" / "heads").mkdir()
    pipe_at(tmp_path / ".new" / name)
    code, said = start_of(f"--model={tmp_path / '.new'}")
    # What is not needed is served without, with a warning; nothing is waited for.
    assert code == 1 and name.rpartition("/")[2] in said, (code, said)
    shutil.rmtree(odd)
    (tmp_path / ".new").rename(odd)
    reload(service, "failed")
    for model in "ab":
        assert ask(service, "/v1/embeddings", model=model, input="w7")[0] == 200
    assert table_of(sound).exists()


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path):
    folder = make_large(tmp_path / "a", 1, tokens=50)
    table_of(folder).unlink()
    table_of(folder).mkdir()
    code, said = start_of(f"--model={folder}")
    assert code == 1 and "model.safetensors" in said


def test_a_pipe_is_no_heads_file(tmp_path):
    pipe_at(tmp_path / "heads.json")
    code, said = start_of(f"--heads={tmp_path / 'heads.json'}")
    assert code == 1 and "heads.json" in said


@pytest.mark.parametrize("flags", (["--api-keys=FILE"], ["--tls-cert=FILE", "--tls-key=FILE"]))
def test_a_pipe_is_no_file_of_keys_or_certificates(tmp_path, flags):
    pipe_at(tmp_path / "file")
    os.chmod(tmp_path / "file", 0o600)
    code, said = start_of(*[flag.replace("FILE", str(tmp_path / "file")) for flag in flags])
    assert code in (1, 2) and str(tmp_path / "file") in said
