# SPDX-License-Identifier: Apache-2.0
"""embedd tune: thresholds by labelled rows, written into the head."""

import json
import random
import signal
import subprocess

import pytest
from harness import PROGRAM, environment, wait_until, write_model

WORDS = ["good", "bad", "fine", "cold", "late", "kind"]
TOKENS = ["[UNK]", *WORDS]


def rows_of(n, seed, is_multi=False):
    """Texts whose words tell the labels, but not always."""
    chance = random.Random(seed)
    rows = ["text,label"]
    for _ in range(n):
        words = chance.choices(WORDS, k=3)
        found = [label for label, mark in (("b", "good"), ("c", "cold")) if (mark in words) != (chance.random() < 0.15)]
        rows.append(f'{" ".join(words)},{"|".join(found) if is_multi else "b" if "b" in found else "a"}')
    return "\n".join(rows) + "\n"


def run(*arguments, code=0):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, env=environment())
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(name="model", params=[False, True], ids=["binary", "multi-label"])
def trained(request, tmp_path):
    (tmp_path / "small").mkdir()
    small = write_model(tmp_path / "small", TOKENS)
    (tmp_path / "rows.csv").write_text(rows_of(150, 1, request.param))
    (tmp_path / "new.csv").write_text(rows_of(200, 2, request.param))
    flags = ["--label-separator=|"] if request.param else []
    run("train", "--input", tmp_path / "rows.csv", "--output", tmp_path / "own", "--from", small, "--epochs=5", *flags)
    return tmp_path / "own", tmp_path / "new.csv", flags


def thresholds_of(model):
    return json.loads(run("inspect", "--format=json", model).stdout)["heads"][0]["thresholds"]


def classes_of(model, rows, flags):
    report = json.loads(run("eval", "--model", model, "--input", rows, "--format=json", *flags).stdout)
    return {item["label"]: item for item in report["classes"]}


def test_what_is_wished_for_is_reached(model):
    folder, rows, flags = model
    before = thresholds_of(folder)
    assert set(before) == {0.5}
    plain = classes_of(folder, rows, flags)
    for wish, reached in (("precision=0.9", lambda item: item["precision"] >= 0.9),
                          ("recall=0.9", lambda item: item["recall"] >= 0.9),
                          ("f1", lambda item: item["f1"] >= plain[item["label"]]["f1"])):
        shown = run("tune", "--model", folder, "--input", rows, "--for", wish, *flags).stdout
        assert f"head 'default' of {folder}: thresholds by 200 rows\n" in shown
        found = classes_of(folder, rows, flags)
        for label in ("b", "c") if flags else ("b",):
            line = next(line for line in shown.splitlines() if line.startswith(f"{label} ")).split()
            assert float(line[3]) == pytest.approx(found[label]["precision"], abs=1e-4)
            assert float(line[4]) == pytest.approx(found[label]["recall"], abs=1e-4)
            if "kept" not in line:
                assert reached(found[label]), (wish, found[label])
    # What costs nothing never happens.
    run("tune", "--model", folder, "--input", rows, "--for", "cost=0:1", *flags)
    assert classes_of(folder, rows, flags)["b"]["recall"] == 1
    assert run("classify", "--model", folder, "--top-k=1", rows).stdout


def test_only_thresholds_change(model):
    folder, rows, flags = model
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    shown = run("tune", "--model", folder, "--input", rows, "--dry-run", *flags).stdout
    assert "thresholds by" not in shown and {path.name: path.read_bytes() for path in folder.iterdir()} == kept
    other = folder.parent / "other.safetensors"
    run("tune", "--model", folder, "--input", rows, "--output", other, *flags)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == kept
    logits = [run("classify", "--model", folder, "--heads", other, "--head", head, rows).stdout
              for head in ("default", "other")]
    scores = [[json.loads(line)["scores"] for line in text.splitlines()] for text in logits]
    assert scores[0] == scores[1]
    tuned = json.loads(run("inspect", "--format=json", folder).stdout)["heads"]
    assert [head["training"] for head in tuned] == [tuned[0]["training"]] * len(tuned)


def version_of(model):
    return json.loads(run("inspect", "--format=json", model).stdout)["version"]


def test_other_thresholds_are_another_version(model, start):
    folder, rows, flags = model
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    first = version_of(folder)
    seen = [first]
    for wish in ("recall=0.9", "precision=0.9"):
        shown = run("tune", "--model", folder, "--input", rows, "--for", wish, *flags).stdout
        seen.append(version_of(folder))
        assert f"version {seen[-1]}, before: {seen[-2]}\n" in shown
    assert len(set(seen)) == 3 and all(len(version) == 16 for version in seen)
    # The same thresholds are the same version, whatever was there between; nothing else of the folder changes.
    run("tune", "--model", folder, "--input", rows, "--for", "recall=0.9", *flags)
    assert version_of(folder) == seen[1]
    shown = run("tune", "--model", folder, "--input", rows, "--for", "recall=0.9", *flags).stdout
    assert f"version {seen[1]}, as before\n" in shown and version_of(folder) == seen[1]
    now = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {name for name in kept if now[name] != kept[name]} == {"head.safetensors", "config.json"} and set(now) == set(kept)
    config = {**json.loads(kept["config.json"]), "version": seen[1]}
    assert json.loads(now["config.json"]) == config
    # Replies and metrics have it; a dry run and a file of one's own change nothing.
    run("tune", "--model", folder, "--input", rows, "--for", "precision=0.9", "--dry-run", *flags)
    run("tune", "--model", folder, "--input", rows, "--output", folder.parent / "other.safetensors", *flags)
    assert version_of(folder) == seen[1]
    service = start("--model", str(folder))
    reply = service.post("/v1/classify", b'{"text": "good"}')
    assert reply.headers["x-embedd-model"] == f"own/{seen[1]}"
    run("tune", "--model", folder, "--input", rows, "--for", "precision=0.9", *flags)
    service.signal(signal.SIGHUP)
    wait_until(lambda: service.post("/v1/classify", b'{"text": "good"}').headers["x-embedd-model"] == f"own/{seen[2]}",
               "the new version is served")


def test_a_version_that_was_given_stays_until_another_is(model):
    folder, rows, flags = model
    named = folder.parent / "named"
    run("train", "--input", folder.parent / "rows.csv", "--output", named, "--from", folder.parent / "small",
        "--epochs=5", "--version=v1", *flags)
    shown = run("tune", "--model", named, "--input", rows, "--for", "recall=0.9", *flags).stdout
    assert "version v1, as before (--version gives another)\n" in shown and version_of(named) == "v1"
    shown = run("tune", "--model", named, "--input", rows, "--for", "recall=0.9", "--version=v2", *flags).stdout
    assert "version v2, before: v1\n" in shown and version_of(named) == "v2"
    for version, sentence in (("", "1 to 200 bytes"), ("a\nb", "1 to 200 bytes"), ("x" * 201, "1 to 200 bytes")):
        done = run("tune", "--model", named, "--input", rows, "--version", version, *flags, code=2)
        assert sentence in done.stderr and version_of(named) == "v2"
    for where in (("--output", folder.parent / "new.safetensors"), ("--heads", folder / "head.safetensors", "--head=head")):
        done = run("tune", "--model", folder.parent / "small" if where[0] == "--heads" else named, "--input", rows,
                   "--version=v3", *where, *flags, code=2)
        assert "--version is of a model folder whose own head is replaced" in done.stderr
    # Of another program's config.json a version of ours would not count.
    (named / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 2}))
    done = run("tune", "--model", named, "--input", rows, "--version=v3", *flags, code=2)
    assert "where a version of ours does not count" in done.stderr
    # Without a config.json there is a new one, for a version that is asked for alone.
    (named / "config.json").unlink()
    run("tune", "--model", named, "--input", rows, *flags)
    assert not (named / "config.json").exists()
    run("tune", "--model", named, "--input", rows, "--version=v3", *flags)
    assert json.loads((named / "config.json").read_text()) == {"version": "v3"} and version_of(named) == "v3"


def test_a_head_in_json_is_tuned_and_other_kinds_are_refused(tmp_path):
    (tmp_path / "small").mkdir()
    small = write_model(tmp_path / "small", TOKENS)
    dim = json.loads(run("inspect", "--format=json", small).stdout)["dim"]
    (tmp_path / "new.csv").write_text(rows_of(50, 3))
    head = tmp_path / "own.json"
    head.write_text(json.dumps({"labels": ["a", "b"], "weight": [[0.5] * dim], "bias": [0.1], "notes": "kept"}))
    flags = ("tune", "--model", small, "--heads", head, "--input", tmp_path / "new.csv")
    run(*flags)
    found = json.loads(head.read_text())
    assert len(found["thresholds"]) == 1 and found["notes"] == "kept" and found["weight"] == [[0.5] * dim]
    head.unlink()
    head = tmp_path / "own.csv"
    head.write_text(",".join(["0.5"] * dim) + ",0.1\n")
    (tmp_path / "new.csv").write_text("text,label\n" + "good,1\nbad,0\n" * 3)
    done = run("tune", "--model", small, "--heads", head, "--input", tmp_path / "new.csv", code=1)
    assert "own.csv is a head of another kind (CSV, skops), which holds no thresholds" in done.stderr


def test_what_cannot_be_tuned_is_said(model):
    folder, rows, flags = model
    for wish in ("best", "precision=2", "precision=", "cost=1", "cost=1:", "cost=-1:2", "recall=0.5x"):
        assert "--for must be f1, precision=P" in run("tune", "--model", folder, "--input", rows, "--for", wish, *flags,
                                                      code=2).stderr
    assert "--input must name a labelled file" in run("tune", "--model", folder, code=2).stderr
    kept = (folder / "head.safetensors").read_bytes()
    none = folder.parent / "none.csv"
    none.write_text("text,label\ngood,zebra\nbad,zebra\n")
    assert "holds no rows whose labels the head knows" in run("tune", "--model", folder, "--input", none, *flags,
                                                              code=1).stderr
    none.write_text("text,label\ngood,c\n" if flags else "text,label\ngood,a\n")
    assert "kept: no row has it" in run("tune", "--model", folder, "--input", none, "--dry-run", *flags).stdout
    assert (folder / "head.safetensors").read_bytes() == kept
    (folder / "head.safetensors").chmod(0o640)
    (folder.parent / "moved").write_bytes(kept)
    (folder.parent / "moved").chmod(0o640)
    (folder / "head.safetensors").unlink()
    (folder / "head.safetensors").symlink_to(folder.parent / "moved")
    run("tune", "--model", folder, "--input", rows, *flags)
    assert (folder / "head.safetensors").is_symlink() and (folder.parent / "moved").stat().st_mode & 0o777 == 0o640
    (folder.parent / "moved").write_bytes(kept)
    none.write_text("text,label\ngood,zebra\ngood,b\n")
    done = run("tune", "--model", folder, "--input", none, "--dry-run", *flags)
    assert "warning: 1 of 2 rows have a label that the head does not know" in done.stderr
    none.write_text("text,label\n")
    assert "holds no rows" in run("tune", "--model", folder, "--input", none, *flags, code=1).stderr
    for path in (rows, folder / "config.json", folder / "head.safetensors", "-", "", "/dev/null"):
        before = rows.read_bytes(), (folder / "config.json").read_bytes()
        done = run("tune", "--model", folder, "--input", rows, "--output", path, *flags, code=2)
        assert "--output must name a new file" in done.stderr
        assert (rows.read_bytes(), (folder / "config.json").read_bytes()) == before
    target = folder.parent / "missing" / "head.safetensors"
    done = run("tune", "--model", folder, "--input", rows, "--output", target, *flags, code=1)
    assert "missing" in done.stderr and (folder / "head.safetensors").read_bytes() == kept


def test_a_head_of_many_labels_has_none(tmp_path):
    (tmp_path / "small").mkdir()
    small = write_model(tmp_path / "small", TOKENS)
    text = "text,label\n" + "".join(f"{word},{label}\n" for word, label in zip(WORDS * 5, "abc" * 10))
    (tmp_path / "rows.csv").write_text(text)
    run("train", "--input", tmp_path / "rows.csv", "--output", tmp_path / "own", "--from", small, "--epochs=2")
    done = run("tune", "--model", tmp_path / "own", "--input", tmp_path / "rows.csv", code=2)
    assert "answers with its best label, so it has no thresholds" in done.stderr
