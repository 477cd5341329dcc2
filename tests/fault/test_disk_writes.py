# SPDX-License-Identifier: Apache-2.0
"""EIO while commands read what they are given and write what they make: a sentence, and nothing half written."""

import os
import shutil
import subprocess

import pytest
from faults import make_large
from harness import PATIENCE_S, PROGRAM, SANITIZER, environment

IO_ERROR = "Input/output error"
# What may fail of a file that is written, and for how many of them not yet.
WRITES = [("fopen", 0), ("fopen", 1), ("write", 0), ("write", 2), ("flush", 0), ("flush", 1), ("fsync", 1),
          ("fclose", 0), ("rename", 0)]


def run(disk, *words, **options):
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, timeout=PATIENCE_S,
                          env=environment(**disk.environment()), **options)
    said = done.stderr.decode(errors="replace")
    assert not SANITIZER.search(said), said
    return done.returncode, said


@pytest.fixture
def base(tmp_path):
    return make_large(tmp_path / "base", 1, tokens=200)


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f'"w{i % 9} w{i % 5} w{i % 2}",{"ab"[i % 2]}\n' for i in range(60)))
    return path


@pytest.fixture
def made(tmp_path):
    """Where what is made is put, with nothing beside it."""
    (tmp_path / "made").mkdir()
    return tmp_path / "made" / "out"


def contents(path):
    if path.is_dir():
        return {file.name: file.read_bytes() for file in path.iterdir()}
    return path.read_bytes()


def remove(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def refuse_every_write(disk, made, command):
    """With nothing there, then with an older one, which stays; `train` may keep a checkpoint to go on from."""
    n_met, checkpoint = 0, made.with_name(f"{made.name}.checkpoint")
    for is_older_there in (False, True):
        for call, skip in WRITES:
            if is_older_there and not made.exists():
                disk.heal()
                assert run(disk, *command)[0] == 0
            older = contents(made) if is_older_there else None
            disk.fail(made.parent, call, skip=skip)
            code, said = run(disk, *command)
            checkpoint.unlink(missing_ok=True)
            if disk.seen() <= skip:  # it does not do that so often
                assert code == 0, (call, skip, said)
                remove(made)
                continue
            n_met += 1
            assert code == 1 and IO_ERROR in said and str(made) in said, (call, skip, code, said)
            assert (contents(made) == older) if is_older_there else not made.exists(), (call, skip)
            assert os.listdir(made.parent) == ([made.name] if is_older_there else []), (call, skip)
    assert n_met >= 10, n_met


@pytest.mark.parametrize("form", ("packed", "folder"))
def test_convert_leaves_nothing_half_written(disk, base, made, form):
    refuse_every_write(disk, made, ["convert", "--force", f"--to={form}", "--input", base, "--output", made])


def test_train_leaves_nothing_half_written(disk, base, rows, made):
    refuse_every_write(disk, made, ["train", f"--from={base}", f"--input={rows}", f"--output={made}", "--mode=both",
                                    "--epochs=2", "--checkpoint-every=0", "--threads=1", "--force"])


def test_vectors_are_not_half_written(disk, base, made):
    texts = made.parent.parent / "texts"
    texts.write_text("w7 w3\n" * 2500)  # more than is written at once
    refuse_every_write(disk, made, ["embed", "--force", f"--model={base}", f"--output={made}", texts])


def test_keys_stay_as_they_were(disk, made):
    assert run(disk, "key", "new", "web", "--file", made)[0] == 0
    older = contents(made)
    for call in ("open", "read", "fopen", "flush", "fsync", "fclose", "rename"):
        for command in (["key", "new", "other", "--file", made], ["key", "revoke", "web", "--file", made]):
            disk.fail(made, call)
            code, said = run(disk, *command)
            assert disk.seen() > 0 and code == 1 and IO_ERROR in said and str(made) in said, (call, code, said)
            assert contents(made) == older and os.listdir(made.parent) == [made.name], call
    disk.heal()
    assert run(disk, "key", "revoke", "web", "--file", made)[0] == 0


# ---- what they read ----

@pytest.mark.parametrize("call", ("open", "read"))
def test_rows_and_texts_that_cannot_be_read_are_named(disk, base, rows, made, call):
    for command in (["train", f"--from={base}", f"--input={rows}", f"--output={made}"],
                    ["embed", f"--model={base}", f"--output={made}", rows],
                    ["tokenize", f"--model={base}", rows]):
        disk.fail(rows, call)
        code, said = run(disk, *command)
        assert disk.seen() > 0 and code == 1 and IO_ERROR in said and str(rows) in said, (command, code, said)
        assert not os.listdir(made.parent)


def test_a_checkpoint_that_cannot_be_read_is_not_passed_over(disk, base, rows, made):
    """It is hours of work: who would rather begin again says so."""
    command = ["train", f"--from={base}", f"--input={rows}", f"--output={made}", "--epochs=4", "--checkpoint-every=0",
               "--threads=1"]
    checkpoint = made.with_name(f"{made.name}.checkpoint")
    disk.fail(made.parent / "out.", "mkdir")  # it is there when all is learned
    assert run(disk, *command)[0] == 1 and checkpoint.exists()
    before = checkpoint.read_bytes()
    for call in ("open", "mmap"):
        disk.fail(checkpoint, call)
        code, said = run(disk, *command)
        assert disk.seen() > 0 and code == 1 and IO_ERROR in said and str(checkpoint) in said, (call, code, said)
        assert checkpoint.read_bytes() == before and not made.exists()
    disk.heal()
    assert run(disk, *command)[0] == 0 and made.exists() and not checkpoint.exists()
