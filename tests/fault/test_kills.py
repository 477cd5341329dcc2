# SPDX-License-Identifier: Apache-2.0
"""kill -9 before every step that changes files, of train and convert, and at any moment of a reload."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import time

import pytest
from faults import RELEASED, make_large
from harness import PATIENCE_S, environment, wait_until
from test_models import ask, reload

pytestmark = pytest.mark.skipif(not RELEASED, reason="needs build/embedd: sanitizers come before other libraries")

ROWS = "text,label\n" + "".join(f'"w{i % 9} w{i % 5} w{i % 2}",{"ab"[i % 2]}\n' for i in range(60))


def digest(path):
    """Of every file in a folder, or of a file."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()}


def vector_by(path):
    """What a command makes of a text by the model at `path`, which opens."""
    run = subprocess.run([RELEASED, "embed", f"--model={path}"], input=b"w7 w3\n", capture_output=True,
                         timeout=PATIENCE_S, env=environment())
    assert run.returncode == 0, run.stderr
    return run.stdout


def leftovers(output):
    return [path.name for path in output.parent.glob(f"{output.name}*") if path != output]


def kill_at_every_step(command, output, preload, step, old):
    """Runs `command` to its end once, then killed before every step of it; returns how many there were."""
    whole = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, env=environment())
    assert whole.returncode == 0, whole.stderr
    new = vector_by(output)
    at = 0
    for at in range(1, 1000, step):
        if output.is_dir():
            shutil.rmtree(output)
        else:
            output.unlink(missing_ok=True)
        if old:
            (shutil.copytree if old.is_dir() else shutil.copy)(old, output)
        run = subprocess.run(command, capture_output=True, timeout=PATIENCE_S,
                             env=environment(LD_PRELOAD=preload, FAULT_KILL=str(at)))
        assert run.returncode in (0, -signal.SIGKILL), (at, run.stderr)
        # Nothing, the old one or the new one, and each of them whole.
        if old or output.exists():
            assert output.exists(), at
            assert vector_by(output) in ([vector_by(old), new] if old else [new]), at
        assert len(leftovers(output)) <= 2, (at, leftovers(output))  # a checkpoint and what was half written
        if run.returncode == 0:
            break
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, env=environment())
    assert done.returncode == 0, done.stderr
    assert vector_by(output) == new and not leftovers(output), leftovers(output)
    return at


# `make test` takes every third step.
EVERY = [pytest.param(3, id="some"), pytest.param(1, id="all", marks=pytest.mark.long)]


@pytest.mark.parametrize("step", EVERY)
@pytest.mark.parametrize("form", ("packed", "folder"))
def test_convert_killed_before_any_step_leaves_the_old_or_the_new(tmp_path, preload, form, step):
    one, two = make_large(tmp_path / "one", 1, tokens=200), make_large(tmp_path / "two", 2, tokens=200)
    output, old = tmp_path / "made" / "out", tmp_path / "old"
    output.parent.mkdir()
    command = [RELEASED, "convert", f"--to={form}", "--force"]
    subprocess.run([*command, "--input", one, "--output", old], check=True, capture_output=True, env=environment())
    assert kill_at_every_step([*command, "--input", two, "--output", output], output, preload, step, old) > 5
    shutil.rmtree(output.parent)
    output.parent.mkdir()
    kill_at_every_step([*command, "--input", two, "--output", output], output, preload, step, None)


@pytest.mark.parametrize("step", EVERY)
def test_train_killed_before_any_step_leaves_the_old_or_the_new(tmp_path, preload, step):
    base = make_large(tmp_path / "base", 1, tokens=200)
    (tmp_path / "rows.csv").write_text(ROWS)
    output, old = tmp_path / "made" / "out", tmp_path / "old"
    output.parent.mkdir()
    command = [RELEASED, "train", f"--from={base}", f"--input={tmp_path / 'rows.csv'}", "--mode=both", "--epochs=4",
               "--checkpoint-every=0", "--threads=1", "--force"]
    subprocess.run([*command, "--seed=7", f"--output={old}"], check=True, capture_output=True, env=environment())
    assert kill_at_every_step([*command, f"--output={output}"], output, preload, step, old) > 5


def test_a_service_killed_while_it_reloads_leaves_its_files_alone(start, tmp_path):
    folders = [make_large(tmp_path / name, mark) for mark, name in enumerate("ab", 1)]
    before = digest(tmp_path)
    chance = random.Random(3)
    for _ in range(20):
        service = start("--models", str(tmp_path), program=RELEASED)
        assert ask(service, "/v1/embeddings", model="b", input="w7")[0] == 200
        for folder in folders:
            os.utime(folder / "model.safetensors")  # to be opened again
        service.signal(signal.SIGHUP)
        time.sleep(chance.random() * 0.03)
        service.process.kill()
        service.process.wait()
        service.process.stdout.close()
        service.stop = lambda: None
    assert digest(tmp_path) == before
    service = start("--models", str(tmp_path), program=RELEASED)
    reload(service)
    for model in "ab":
        assert ask(service, "/v1/embeddings", model=model, input="w7")[0] == 200


def test_a_killed_service_leaves_a_socket_that_the_next_one_takes(start, tmp_path):
    path = tmp_path / "socket"
    for _ in range(3):
        service = start(listen=f"unix:{path}", program=RELEASED)
        assert service.get("/live").status == 200
        service.process.kill()
        service.process.wait()
        service.process.stdout.close()
        service.stop = lambda: None
    service = start(listen=f"unix:{path}", program=RELEASED)
    wait_until(lambda: service.get("/live").status == 200, "it is served")
