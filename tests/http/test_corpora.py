# SPDX-License-Identifier: Apache-2.0
"""Whole files by `embedd embed` and `embedd classify`: formats in and out, shards, what is broken, and runs that are killed."""

import fcntl
import gzip
import json
import os
import random
import re
import resource
import signal
import subprocess
import time

import numpy
import pytest
import zstandard
from harness import PATIENCE_S, PROGRAM, SANITIZER, TOP, environment

CLASSIFIER = ("--model", TOP / "examples/chain/w6x2", "--heads", TOP / "examples/heads")
TEXTS = [f"row {i} of many, 我爱吃饭 {i % 7}" for i in range(5000)]


def call(*args, stdin=b"", **options):
    done = subprocess.run([PROGRAM, *args], input=stdin, capture_output=True, timeout=10 * PATIENCE_S, env=environment(), **options)
    assert not SANITIZER.search(done.stderr.decode()), done.stderr.decode()
    return done


def run(*args, says="", **options):
    done = call(*args, **options)
    assert (done.returncode, done.stderr.decode()) == (0, says)
    return done.stdout


def fails(code, sentence, *args, **options):
    done = call(*args, **options)
    said = done.stderr.decode()
    assert done.returncode == code and sentence in said and said.count("\n") == 1, (done.returncode, said)
    return done.stdout


def lines(texts):
    return "".join(text + "\n" for text in texts).encode()


def vectors(texts, *flags):
    return numpy.frombuffer(run("embed", "--format=f32", *flags, stdin=lines(texts)), "<f4").reshape(len(texts), -1)


def heads():
    return json.loads(run("classify", *CLASSIFIER, "--top-k=1", stdin="我爱吃饭\n".encode()))["label"]


# ---- what is read ----


def test_threads_change_nothing(tmp_path):
    alone = run("embed", "--threads=1", "--format=f32", stdin=lines(TEXTS))
    assert len(alone) == len(TEXTS) * 1024
    for threads in (2, 3, 16):
        assert run("embed", f"--threads={threads}", "--format=f32", stdin=lines(TEXTS)) == alone
    (tmp_path / "t").write_bytes(lines(TEXTS))
    run("embed", "--format=npy", f"--output={tmp_path / 'o.npy'}", tmp_path / "t")
    assert numpy.load(tmp_path / "o.npy").tobytes() == alone


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress,
                                  lambda data: gzip.compress(data[:70]) + gzip.compress(data[70:])])
def test_packed_files_are_their_texts(tmp_path, pack):
    wanted = run("embed", "--format=f32", stdin=lines(TEXTS))
    packed = pack(lines(TEXTS))
    (tmp_path / "packed").write_bytes(packed)
    assert run("embed", "--format=f32", tmp_path / "packed") == wanted
    assert run("embed", "--format=f32", stdin=packed) == wanted
    for cut in (len(packed) - 1, len(packed) // 2, 30):
        (tmp_path / "cut").write_bytes(packed[:cut])
        fails(1, "data is cut off; fetch the whole file", "embed", "--format=npy", f"--output={tmp_path / 'o.npy'}", tmp_path / "cut")
        assert sorted(os.listdir(tmp_path)) == ["cut", "packed"]


def test_json_lines_keep_their_columns(tmp_path):
    rows = [{"id": i, "text": text, "deep": {"list": [text[::-1]]}, "a.b": text.upper()} for i, text in enumerate(TEXTS[:300])]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n\n".join(json.dumps(row, ensure_ascii=row["id"] % 2 == 0) for row in rows) + " ")
    for name, of in (("text", lambda row: row["text"]), ("deep.list.0", lambda row: row["deep"]["list"][0]), ("a.b", lambda row: row["a.b"])):
        wanted = vectors([of(row) for row in rows])
        assert run("embed", "--format=f32", "--text", name, path) == wanted.tobytes()
        found = [json.loads(line) for line in run("embed", "--format=jsonl", "--text", name, "--into=v", path).splitlines()]
        assert [{key: row[key] for key in row if key != "v"} for row in found] == rows
        assert numpy.array([row["v"] for row in found], "f4").tobytes() == wanted.tobytes()
    assert run("embed", "--format=jsonl", "--input-format=jsonl", stdin=b'  {"n":1.50, "text":"a"}  \n').startswith(b'{"n":1.50, "text":"a","embedding":[')


@pytest.mark.parametrize("separator, quote", [(",", '"'), (";", '"'), ("\t", "")])
def test_columns_of_a_table(tmp_path, separator, quote):
    ending = "tsv" if separator == "\t" else "csv"
    texts = [text.replace(",", "") for text in TEXTS[:50]]
    if quote:
        texts += ['say ""twice"" ', "two\nlines", f"a{separator}b"]
    path = tmp_path / f"rows.{ending}"
    body = "".join(f"{i}{separator}{quote}{text}{quote}{separator}x\r\n" for i, text in enumerate(texts))
    path.write_text(f"\ufeffid{separator}the text{separator}last\n" + body, newline="")
    wanted = vectors([text.replace('""', '"').replace("\n", " ") for text in texts])
    for flags in (("--text=the text",), ("--text=2",)):
        found = [json.loads(line) for line in run("embed", "--format=jsonl", *flags, path).splitlines()]
        assert [list(row) for row in found] == [["id", "the text", "last", "embedding"]] * len(texts)
        assert [row["the text"] for row in found] == [text.replace('""', '"') for text in texts]
        assert numpy.array([row["embedding"] for row in found], "f4").tobytes() == wanted.tobytes()
    path.write_text(body, newline="")
    assert run("embed", "--no-header", "--text=2", "--format=f32", path) == wanted.tobytes()
    fails(2, "has no column 'nothing'; give --text one of ", "embed", "--text=nothing", path)


def test_files_by_pattern_and_of_several_kinds(tmp_path):
    for i in range(3):
        (tmp_path / f"part-{i}.jsonl.gz").write_bytes(gzip.compress(b'{"text":"j%d"}\n' % i))
    (tmp_path / "t.csv").write_text("text\nc0\nc1\n")
    (tmp_path / "plain").write_text("p0\n")
    found = run("embed", "--format=f32", tmp_path / "part-*.gz", tmp_path / "plain", tmp_path / "t.csv")
    assert found == vectors(["j0", "j1", "j2", "p0", "c0", "c1"]).tobytes()
    fails(1, f"no file has a name like {tmp_path}/none*", "embed", f"{tmp_path}/none*")
    (tmp_path / "odd*").write_text("odd\n")
    assert run("embed", "--format=f32", tmp_path / "odd*") == vectors(["odd"]).tobytes()


# ---- what is broken ----

BROKEN = {b"na\xefve": "not UTF-8 at byte", b"{": "line 2: ", b"[1]": "not an object", b'{"t": 1}': "it has no 'text'", b'{"text": 5}': "is a number, not a text",
          b'{"text": ["a"]}': "is a list, not a text", b'{"text": null}': "its text is null", b'{"text": "\\ud800"}': "line 2: ",
          b'{"text": "a", "text": "b"}': "line 2: ", b'{"text": "a\xff"}': "not UTF-8 at byte", b"[" * 5000: "line 2: "}


@pytest.mark.parametrize("row", BROKEN, ids=[str(row[:20]) for row in BROKEN])
def test_a_broken_row_is_named_left_out_or_replaced(tmp_path, row):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"text":"one"}\n' + row + b'\n{"text":"three"}\n')
    one, three = (vector.tobytes() for vector in vectors(["one", "three"]))
    told = f"{path}, line 2: "
    assert fails(1, told, "embed", "--format=f32", path) == one
    assert BROKEN[row] in call("embed", "--format=f32", path).stderr.decode()
    skipped = call("embed", "--on-error=skip", "--format=f32", path)
    assert (skipped.returncode, skipped.stdout) == (0, one + three)
    assert f"1 of 3 rows is broken and left out; the first: {told}" in skipped.stderr.decode()
    replaced = call("embed", "--on-error=replace", "--format=f32", path)
    assert replaced.returncode == 0 and (replaced.stdout[:1024], replaced.stdout[2048:]) == (one, three)
    assert f"1 of 3 rows is broken and replaced; the first: {told}" in replaced.stderr.decode()
    middle = numpy.frombuffer(replaced.stdout[1024:2048], "f4")
    is_mended = row.startswith(b'{"text": "a\xff')
    assert middle.tobytes() == vectors(["a\ufffd"]).tobytes() if is_mended else numpy.isnan(middle).all()
    rows = [json.loads(line) for line in call("embed", "--on-error=replace", "--format=jsonl", path).stdout.splitlines()]
    assert len(rows) == 3 and (rows[1]["embedding"] is None) != is_mended


def test_null_gives_null(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"text":null,"id":1}\n{"text":"","id":2}\n')
    found = [json.loads(line) for line in run("embed", "--format=jsonl", path).splitlines()]
    assert found[0] == {"text": None, "id": 1, "embedding": None} and found[1]["embedding"] == [0] * 256
    assert run("embed", "--format=json", path).splitlines()[0] == b"null"
    assert run("classify", *CLASSIFIER, path).splitlines()[0] == b"null"


def test_lines_that_are_not_utf_8_and_tables_that_break(tmp_path):
    texts = TEXTS[:3000]
    data = lines(texts[:2500]) + b"\xff\xff\n" + lines(texts[2500:])
    assert call("embed", "--on-error=skip", "--format=f32", stdin=data).stdout == vectors(texts).tobytes()
    assert call("embed", "--on-error=replace", "--format=f32", stdin=data).stdout == vectors(texts[:2500] + ["\ufffd\ufffd"] + texts[2500:]).tobytes()
    assert fails(1, "standard input, line 2501: not UTF-8", "embed", "--format=f32", stdin=data) == vectors(texts[:2500]).tobytes()
    path = tmp_path / "rows.csv"
    path.write_text('id,text\n1,one\n2\n3,"a" b\n4,four\n5,five,more\n6,"no end\n')
    done = call("embed", "--on-error=skip", "--format=f32", path)
    assert done.stdout == vectors(["one", "four"]).tobytes()
    assert f"4 of 6 rows are broken and left out; the first: {path}, line 3: it has 1 cells where the first row has 2" in done.stderr.decode()


def test_keys_that_are_taken_are_named(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text":"a","embedding":1}\n')
    fails(1, "it has a key 'embedding' itself; give another name with --into", "embed", "--format=jsonl", tmp_path / "a.jsonl")
    (tmp_path / "a.csv").write_text("text,embedding\na,b\n")
    fails(2, "has a column 'embedding' itself", "embed", "--format=jsonl", tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("text,x,x\na,b,c\n")
    fails(1, "two columns are named 'x'", "embed", "--format=jsonl", tmp_path / "b.csv")
    fails(2, "--into works only with --format jsonl", "embed", "--into=v", stdin=b"a\n")
    fails(2, "--into must not be 'text'", "embed", "--format=jsonl", "--into=text", stdin=b"a\n")


# ---- labels ----


def test_a_filter_writes_the_rows_that_pass(tmp_path):
    label = heads()
    texts = ["我爱吃饭", "他", "我", "爱 他", "饭", "吃 你", "你你你"] * 500
    answers = [json.loads(line) for line in run("classify", *CLASSIFIER, stdin=lines(texts)).splitlines()]
    for keep, passes in ((f"{label}>0.5", lambda p: p > 0.5), (f"{label}<=0.5", lambda p: p <= 0.5), (f"{label}>=1", lambda p: p >= 1)):
        wanted = [text for text, answer in zip(texts, answers) if passes(answer["scores"][label])]
        assert run("classify", *CLASSIFIER, "--keep", keep, stdin=lines(texts)) == lines(wanted)
        path = tmp_path / "rows.csv"
        path.write_text("n,text\n" + "".join(f"{i},{text}\n" for i, text in enumerate(texts)))
        found = run("classify", *CLASSIFIER, "--keep", keep, path).decode().splitlines()
        assert found[0] == "n,text" and [row.split(",")[1] for row in found[1:]] == wanted
        rows = run("classify", *CLASSIFIER, "--keep", keep, "--format=jsonl", path).splitlines()
        assert [json.loads(row)["prediction"] for row in rows] == [answer for answer in answers if passes(answer["scores"][label])]
    both = run("classify", *CLASSIFIER, f"--keep={label}>0.2", f"--keep={label}<0.8", stdin=lines(texts))
    assert both == lines(text for text, answer in zip(texts, answers) if 0.2 < answer["scores"][label] < 0.8)


def test_a_filter_that_is_none_is_refused(tmp_path):
    for keep in ("spam", ">0.5", "spam>", "spam>1.5", "spam>-1", "spam>nan", "spam>0.5x"):
        fails(2, "--keep must be a label, one of > >= < <= and a probability from 0 to 1", "classify", *CLASSIFIER, f"--keep={keep}")
    fails(2, "has no label 'spam'", "classify", *CLASSIFIER, "--keep=spam>0.5")
    (tmp_path / "a.csv").write_text("text,x\n饭,1\n")
    (tmp_path / "b.csv").write_text("x,text\n1,饭\n")
    fails(1, "its columns are not those of", "classify", *CLASSIFIER, f"--keep={heads()}>=0", tmp_path / "a.csv", tmp_path / "b.csv")


# ---- where it is written ----


def shards(folder, ending="npy"):
    return sorted(name for name in os.listdir(folder) if name.endswith(ending))


def test_shards_are_the_rows_in_order(tmp_path):
    wanted = vectors(TEXTS, "--dimensions=4")
    run("embed", "--format=npy", "--dimensions=4", "--shard-rows=999", f"--output={tmp_path / 'out.npy'}", stdin=lines(TEXTS))
    assert os.listdir(tmp_path) and shards(tmp_path, "") == [f"out-{i:05}.npy" for i in range(6)]
    parts = [numpy.load(tmp_path / name) for name in shards(tmp_path)]
    assert [len(part) for part in parts] == [999] * 5 + [5] and numpy.concatenate(parts).tobytes() == wanted.tobytes()
    fails(1, "out-00", "embed", "--format=npy", "--shard-rows=10", f"--output={tmp_path / 'out.npy'}", stdin=b"a\n")
    run("embed", "--force", "--format=npy", "--dimensions=4", "--shard-rows=2", f"--output={tmp_path / 'out.npy'}", stdin=lines(TEXTS[:4]))
    assert shards(tmp_path, "") == ["out-00000.npy", "out-00001.npy"]
    run("embed", "--format=npy", "--shard-rows=2", f"--output={tmp_path / 'none.npy'}")
    assert numpy.load(tmp_path / "none-00000.npy").shape == (0, 256)
    for flags in (("--shard-rows=2",), ("--shard-rows=2", "--output=-"), ("--shard-rows=2", "--output=/dev/null"), ("--resume", "--shard-rows=2")):
        fails(2, "needs --output, the name of a file", "embed", *flags, stdin=b"a\n")
    fails(2, "give --shard-rows, too", "embed", "--resume", f"--output={tmp_path / 'x'}", stdin=b"a\n")


def test_every_csv_shard_has_the_header(tmp_path):
    (tmp_path / "in.csv").write_text("text,n\n" + "".join(f"饭,{i}\n" for i in range(25)))
    run("classify", *CLASSIFIER, "--format=rows", "--shard-rows=10", f"--output={tmp_path / 'out.csv'}", tmp_path / "in.csv")
    found = [(tmp_path / f"out-{i:05}.csv").read_text().splitlines() for i in range(3)]
    assert [rows[0] for rows in found] == ["text,n"] * 3 and [row for rows in found for row in rows[1:]] == [f"饭,{i}" for i in range(25)]


def begin(folder, source, *flags):
    return subprocess.Popen([PROGRAM, "embed", "--format=jsonl", "--dimensions=8", "--shard-rows=700", "--threads=3", f"--output={folder / 'out.jsonl'}",
                             *flags, source], env=environment(), stderr=subprocess.PIPE)


def test_a_run_killed_at_any_moment_is_resumed(tmp_path):
    """Twenty kills, wherever they meet it: each shard is whole at any time, and in the end all are those of an unbroken run."""
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(json.dumps({"text": TEXTS[i % 5000], "id": i}) + "\n" for i in range(20000)) + "broken\n")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    flags = ("--on-error=skip",)
    started = time.monotonic()
    process = begin(whole, source, *flags)
    said = process.communicate(timeout=10 * PATIENCE_S)[1].decode()
    took = time.monotonic() - started
    assert process.returncode == 0 and "1 of 20001 rows is broken" in said
    kept = {name: (whole / name).read_bytes() for name in shards(whole, "")}
    assert len(kept) == 29
    dice = random.Random(29)
    kills = 0
    for _ in range(20):
        process = begin(broken, source, "--resume", *flags)
        time.sleep(dice.random() * took / 4)
        process.kill()
        process.communicate(timeout=PATIENCE_S)
        kills += process.returncode == -signal.SIGKILL
        for name in shards(broken, "jsonl"):
            assert (broken / name).read_bytes() == kept[name]
        if process.returncode == 0:
            break
    assert kills > 0
    process = begin(broken, source, "--resume", *flags)
    said = process.communicate(timeout=10 * PATIENCE_S)[1].decode()
    if process.returncode:  # it was done before
        assert "exists" in said
    else:
        assert "1 of 20001 rows is broken" in said
    assert {name: (broken / name).read_bytes() for name in shards(broken, "")} == kept


def killed(tmp_path, rows=200000):
    """An output that was begun: a few shards, and what is known of them."""
    source = tmp_path / "in.txt"
    source.write_bytes(lines(f"{TEXTS[i % 5000]}" for i in range(rows)))
    process = subprocess.Popen([PROGRAM, "embed", "--format=npy", "--dimensions=8", "--shard-rows=100", f"--output={tmp_path / 'out.npy'}", source], env=environment())
    deadline = time.monotonic() + PATIENCE_S
    while len(shards(tmp_path)) < 3 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    assert process.wait(PATIENCE_S) == -signal.SIGKILL
    return ["embed", "--format=npy", "--dimensions=8", "--shard-rows=100", f"--output={tmp_path / 'out.npy'}"], source


def test_what_was_begun_is_resumed_only_as_it_was(tmp_path):
    command, source = killed(tmp_path)
    state = tmp_path / "out.npy.resume"
    assert state.exists()
    fails(1, "was begun and is not finished; give --resume to go on", *command, source)
    fails(2, "was begun with other options", *command[:2], "--dimensions=9", *command[3:], "--resume", source)
    other = tmp_path / "other.txt"
    other.write_bytes(b"a\n")
    fails(2, "was begun with other input files", *command, "--resume", other)
    before = state.read_bytes()
    for data in (b"", b"{", b"[]", b"{}", before.replace(b'"done": ', b'"done": -'), b"\0" * 100):
        state.write_bytes(data)
        fails(1, "is damaged; give --force to begin anew", *command, "--resume", source)
    state.write_bytes(before)
    first = tmp_path / "out-00000.npy"
    first.rename(tmp_path / "away")
    fails(1, "out-00000.npy is finished, but it is gone", *command, "--resume", source)
    (tmp_path / "away").rename(first)
    source.write_bytes(b"a\n")
    fails(2, "was begun with other input files", *command, "--resume", source)
    run(*command, "--force", source)
    assert shards(tmp_path, "") == ["in.txt", "other.txt", "out-00000.npy"]


def test_two_processes_do_not_write_to_one_output(tmp_path):
    out = tmp_path / "out"
    with subprocess.Popen([PROGRAM, "embed", "--output", out], stdin=subprocess.PIPE, env=environment()) as first:
        deadline = time.monotonic() + PATIENCE_S
        while not (tmp_path / "out.lock").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        wait_for_lock(tmp_path / "out.lock")
        for flags in ((), ("--force",)):
            fails(1, f"another process is writing {out}; wait for it", "embed", "--output", out, *flags, stdin=b"a\n")
        first.stdin.write(b"a\n")
        first.stdin.close()
        assert first.wait(PATIENCE_S) == 0
    assert os.listdir(tmp_path) == ["out"]
    (tmp_path / "out.lock").write_bytes(b"")  # of a process that was killed
    run("embed", "--force", "--output", out, stdin=b"a\n")
    assert os.listdir(tmp_path) == ["out"]


def wait_for_lock(path):
    deadline = time.monotonic() + PATIENCE_S
    with open(path) as file:
        while time.monotonic() < deadline:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            fcntl.flock(file, fcntl.LOCK_UN)
            time.sleep(0.01)


def test_the_output_is_not_the_input(tmp_path):
    (tmp_path / "a").write_text("a\n")
    fails(2, "is the input itself", "embed", "--force", "--output", tmp_path / "a", tmp_path / "a")
    assert (tmp_path / "a").read_text() == "a\n"


def test_a_disk_that_is_full_leaves_what_is_finished(tmp_path):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (150000, 150000))
    out = tmp_path / "out.npy"
    fails(1, "File too large", "embed", "--format=npy", f"--output={out}", stdin=lines(TEXTS), preexec_fn=limit)
    assert os.listdir(tmp_path) == []
    fails(1, "File too large", "embed", "--format=npy", "--shard-rows=1000", f"--output={out}", stdin=lines(TEXTS), preexec_fn=limit)
    assert os.listdir(tmp_path) == []
    source = tmp_path / "in"
    source.write_bytes(lines(TEXTS[:100]))
    fails(1, "line 101: not UTF-8", "embed", "--format=f32", "--shard-rows=40", f"--output={out}", stdin=lines(TEXTS[:100]) + b"\xff\n")
    assert shards(tmp_path, "") == ["in", "out-00000.npy", "out-00001.npy", "out.npy.resume"]
    says = "embedd embed: 1 of 101 rows is broken and left out; the first: standard input, line 101: "
    done = call("embed", "--format=f32", "--shard-rows=40", "--resume", "--on-error=skip", f"--output={out}", stdin=lines(TEXTS[:100]) + b"\xff\n")
    assert done.returncode == 0 and done.stderr.decode().startswith(says)
    assert b"".join((tmp_path / name).read_bytes() for name in shards(tmp_path)) == vectors(TEXTS[:100]).tobytes()


def test_a_failure_is_told_while_more_input_may_come():
    """Nobody waits for a line that is not sent."""
    with subprocess.Popen([PROGRAM, "embed"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment()) as process:
        process.stdin.write(b"a\n\xff\nb\n")
        process.stdin.flush()
        assert process.wait(PATIENCE_S) == 1
        assert b"line 2: not UTF-8" in process.stderr.read()
    with open("/dev/full", "wb") as full, subprocess.Popen([PROGRAM, "embed"], stdin=subprocess.PIPE, stdout=full, stderr=subprocess.PIPE, env=environment()) as process:
        process.stdin.write(b"a\n" * 3000)
        process.stdin.flush()
        assert process.wait(PATIENCE_S) == 1
        assert b"No space left on device" in process.stderr.read()


def test_progress_is_shown_when_it_is_asked_for():
    with subprocess.Popen([PROGRAM, "embed", "--progress", "--format=f32"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, env=environment()) as process:
        time.sleep(6)
        process.stdin.write(lines(TEXTS[:2]))
        process.stdin.close()
        assert re.fullmatch(r"\d+ texts, \d+ a second\n", process.stderr.read().decode())
        assert process.wait(PATIENCE_S) == 0
