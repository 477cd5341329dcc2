# SPDX-License-Identifier: Apache-2.0
"""embedd convert: the packed form and folders, every dtype, fewer columns and tokens; what is damaged or in the way."""

import json
import os
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from harness import PATIENCE_S, PROGRAM, SANITIZER, environment, wait_until, write_table

pytestmark = pytest.mark.slow_under_tsan  # one thread

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "static"
TEXTS = ["the cat sat on the mat", "我爱吃饭", "", "where is my card?", "Xylophone"]


def run(*arguments, text="", code=0):
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=text.encode(), capture_output=True, env=environment(),
                          timeout=10 * PATIENCE_S)
    assert not SANITIZER.search(done.stderr.decode()), done.stderr.decode()
    assert done.returncode == code, done.stderr.decode()
    return done


def convert(source, output, *flags):
    run("convert", "--input", source, "--output", output, *flags)
    return output


def refused(*arguments, code=1):
    sentence = run(*arguments, code=code).stderr.decode()
    assert sentence.count("\n") == 1, sentence
    return sentence


def embedded(model, *flags, texts=TEXTS):
    found = run("embed", "--model", model, "--format", "f32", *flags, text="".join(text + "\n" for text in texts)).stdout
    return np.frombuffer(found, dtype="<f4").reshape(len(texts), -1)


def small_model(folder, words, values):
    folder.mkdir()
    write_table(folder, np.array(values, "<f4").ravel(), len(values[0]))
    (folder / "vocab.txt").write_text("".join(word + "\n" for word in words))
    return folder


def tokens(model):
    found = run("tokenize", "--model", model, text="".join(text + "\n" for text in TEXTS)).stdout
    return [json.loads(line) for line in found.splitlines()]


def header_of(path):
    data = Path(path).read_bytes()
    bytes_ = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:8 + bytes_]), 8 + bytes_


def rows_of(path, name="embeddings"):
    header, start = header_of(path)
    begin, end = header[name]["data_offsets"]
    kinds = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "I8": "i1", "U8": "u1"}
    data = Path(path).read_bytes()[start + begin:start + end]
    return np.frombuffer(data, kinds[header[name]["dtype"]]).reshape(header[name]["shape"])


def values_of(path):
    """Of a table in float32, float16 or bfloat16."""
    rows = rows_of(path)
    return (rows.astype("<u4") << 16).view("<f4") if rows.dtype == np.dtype("<u2") else rows.astype("<f4")


@pytest.fixture(scope="module")
def folder():
    return GOLDEN / "m2v_plain"


@pytest.fixture(scope="module")
def rows(folder):
    return rows_of(folder / "model.safetensors")


# ---- what is written ----


def test_the_built_in_model_packed_is_itself_again(tmp_path):
    packed = convert("builtin", tmp_path / "packed.safetensors")
    assert embedded(packed).tobytes() == embedded("builtin").tobytes() and tokens(packed) == tokens("builtin")
    again = convert(packed, tmp_path / "again.safetensors")
    assert rows_of(again).tobytes() == rows_of(packed).tobytes()
    whole = convert(packed, tmp_path / "folder", "--to", "folder")
    assert tokens(whole) == tokens("builtin")
    assert np.abs(embedded(whole) - embedded("builtin")).max() < 1e-6
    told = json.loads(run("inspect", packed, "--verify", "--format", "json").stdout)
    assert (told["format"], told["name"], told["verified"]) == ("packed", "embedd-base-2", True)
    source = json.loads(header_of(packed)[0]["__metadata__"]["embedd.source"])
    assert source["format"] == "packed" and len(source["sha256"]) == 64


def test_every_dtype_is_rounded_to_the_nearest(folder, rows, tmp_path):
    half = values_of(convert(folder, tmp_path / "f16", "--dtype", "f16"))
    assert half.tobytes() == rows.astype("<f2").astype("<f4").tobytes()
    bits = rows.view("<u4").astype("<u8")
    brain = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2")
    assert rows_of(convert(folder, tmp_path / "bf16", "--dtype", "bf16")).tobytes() == brain.tobytes()
    assert values_of(convert(folder, tmp_path / "f32", "--dtype", "f32")).tobytes() == rows.tobytes()
    error = np.abs(embedded(convert(folder, tmp_path / "i8", "--dtype", "i8")) - embedded(folder)).max()
    assert 0 < error < np.abs(rows).max() / 127
    # What was rounded once stays what it is.
    again = convert(tmp_path / "i8", tmp_path / "again")
    assert embedded(again).tobytes() == embedded(tmp_path / "i8").tobytes()


def test_four_bits_a_number_with_a_scale_for_each_32_columns(tmp_path):
    random = np.random.default_rng(3)
    words = [f"w{i}" for i in range(9)]
    values = random.normal(size=(9, 75)).astype("<f4")
    values[3] = 0
    source = small_model(tmp_path / "source", words, values)
    packed = convert(source, tmp_path / "i4", "--dtype", "i4")
    header = header_of(packed)[0]
    assert (header["__metadata__"]["embedd.format"], header["__metadata__"]["embedd.i4_columns"]) == ("2", "75")
    assert (header["embeddings"]["dtype"], header["embeddings"]["shape"]) == ("U8", [9, 48])
    assert (header["scales"]["dtype"], header["scales"]["shape"]) == ("F16", [9, 3])
    bytes_, scales = rows_of(packed).reshape(9, 3, 16), rows_of(packed, "scales").astype("<f4")
    numbers = np.concatenate([bytes_ & 15, bytes_ >> 4], axis=2).astype("i1")
    numbers[numbers > 7] -= 16
    stored = (numbers * scales[..., None]).reshape(9, 96)
    assert not stored[:, 75:].any() and not stored[3].any()
    found = embedded(packed, "--pooling", "sum", "--no-normalize", texts=words)
    assert found.tobytes() == (stored[:, :75] + np.float32(0)).tobytes()
    # The largest may be -9 steps, and cut to -8; one as large on the other side to 7.
    assert (np.abs(found - values) <= 2.01 * np.abs(scales).repeat(32, axis=1)[:, :75]).all()
    assert np.linalg.norm(found - values) < 0.1 * np.linalg.norm(values)
    told = json.loads(run("inspect", packed, "--verify", "--format", "json").stdout)
    assert (told["dtype"], told["dim"], told["verified"]) == ("I4", 75, True)
    # What was rounded once stays what it is, also with columns cut away in the middle of a group.
    again = convert(packed, tmp_path / "again")
    assert rows_of(again).tobytes() == rows_of(packed).tobytes()
    cut = convert(packed, tmp_path / "cut", "--dim", "40")
    assert embedded(cut, texts=words).tobytes() == embedded(packed, "--dimensions", "40", texts=words).tobytes()
    whole = convert(packed, tmp_path / "folder", "--to", "folder")
    assert header_of(whole / "model.safetensors")[0]["embeddings"]["dtype"] == "F32"
    assert embedded(whole, texts=words).tobytes() == embedded(packed, texts=words).tobytes()


def test_four_bits_that_are_damaged_give_a_sentence(tmp_path):
    values = np.ones((4, 40), "<f4")
    source = small_model(tmp_path / "source", ["a", "b", "c", "d"], values)
    packed = convert(source, tmp_path / "i4", "--dtype", "i4")
    data, (header, start) = packed.read_bytes(), header_of(packed)
    at = start + header["scales"]["data_offsets"][0]
    for scale, code in ((b"\x00\x7e", 1), (b"\x00\xfc", 1), (b"\x00\xbc", 0)):
        packed.write_bytes(data[:at] + scale + data[at + 2:])
        said = run("embed", "--model", packed, text="a\n", code=code).stderr.decode()
        assert ("not finite" in said) == (code == 1)
    packed.write_bytes(data[:at])
    assert "cut short" in refused("inspect", packed)
    packed.write_bytes(data.replace(b'"embedd.i4_columns":"40"', b'"embedd.i4_columns":"99"'))
    assert "32 bytes a row" in refused("inspect", packed)
    values[2, 35] = 1e6
    write_table(source, values.ravel(), 40)
    said = refused("convert", "--input", source, "--output", tmp_path / "large", "--dtype", "i4")
    assert "row 2 holds a value too large for this dtype" in said


def test_fewer_columns_are_the_first_ones_or_components(folder, rows, tmp_path):
    first = rows_of(convert(folder, tmp_path / "first", "--dim", "2"))
    assert first.tobytes() == np.ascontiguousarray(rows[:, :2]).tobytes()
    found = rows_of(convert(folder, tmp_path / "pca", "--dim", "3", "--pca"))
    components = np.linalg.svd(rows.astype("f8"), full_matrices=False)[2][:3]
    components *= np.sign(components[np.arange(3), np.abs(components).argmax(axis=1)])[:, None]
    assert np.abs(found - rows @ components.T).max() < 1e-5
    # All of them are a rotation: cosines stay what they are.
    turned = rows_of(convert(folder, tmp_path / "turned", "--dim", "6", "--pca"))
    assert np.abs(turned @ turned.T - rows @ rows.T).max() < 1e-4
    assert json.loads(header_of(tmp_path / "pca")[0]["__metadata__"]["embedd.source"])["pca"] is True


@pytest.mark.parametrize("name", ["m2v_plain", "m2v_bpe", "m2v_unigram", "m2v_mapping", "st_plain"])
def test_the_first_tokens_keep_their_rows(name, tmp_path):
    kept = convert(GOLDEN / name, tmp_path / "kept", "--keep-top", "40")
    told = json.loads(run("inspect", kept, "--format", "json").stdout)
    everything = json.loads(run("inspect", GOLDEN / name, "--format", "json").stdout)["vocab_size"]
    assert 40 <= told["vocab_size"] <= everything
    for token in {token for line in tokens(kept) for token in line["tokens"]}:
        text = token.lstrip("▁Ġ#")
        if not text or tokens_of(kept, text) != tokens_of(GOLDEN / name, text):
            continue
        assert np.abs(embedded(kept, texts=[text]) - embedded(GOLDEN / name, texts=[text])).max() < 1e-6


def tokens_of(model, text):
    return json.loads(run("tokenize", "--model", model, text=text + "\n").stdout)["tokens"]


def test_a_folder_for_others_holds_what_they_read(folder, tmp_path):
    half = convert(folder, tmp_path / "half", "--dtype", "bf16")
    assert header_of(convert(half, tmp_path / "f32", "--to", "folder") / "model.safetensors")[0]["embeddings"]["dtype"] == "F32"
    assert "model2vec reads no bfloat16" in refused("convert", "--input", folder, "--output", tmp_path / "x", "--to", "folder",
                                                   "--dtype", "bf16", code=2)
    # model2vec cuts at 512 tokens where nothing is said.
    free = convert("builtin", tmp_path / "free", "--to", "folder")
    assert json.loads((free / "config.json").read_text())["max_length"] is None


def test_a_folder_for_others_has_a_row_a_token(tmp_path):
    padded = small_model(tmp_path / "padded", ["[UNK]", "a", "b"], [[1, 0]] * 5)
    (padded / "config.json").write_text('{"vocab_size": 5}')
    for flags, rows in (((), 3), (("--keep-top", "2"), 2)):
        folder = convert(padded, tmp_path / f"of{rows}", "--to", "folder", *flags)
        assert len(rows_of(folder / "model.safetensors")) == rows
        assert "vocab_size" not in json.loads((folder / "config.json").read_text())
        assert run("inspect", folder)
    assert len(rows_of(convert(padded, tmp_path / "packed"))) == 5


def test_the_tokenizer_of_a_folder_cuts_as_its_config_says(tmp_path):
    """sentence-transformers goes by the one, model2vec by the other."""
    for name, flags, config, wanted in [("st_truncation", (), None, 5), ("st_truncation", ("--compat", "embedd"), None, None),
                                        ("st_truncation", (), {"max_length": 3, "truncation_side": "left"}, 3),
                                        ("st_truncation", (), {"max_length": None}, None), ("m2v_short", (), None, 4)]:
        source = shutil.copytree(GOLDEN / name, tmp_path / "source")
        if config:
            (source / "config.json").write_text(json.dumps(config))
        folder = convert(source, tmp_path / "out", "--to", "folder", "--force", *flags)
        truncation = json.loads((folder / "tokenizer.json").read_text())["truncation"]
        assert json.loads((folder / "config.json").read_text())["max_length"] == wanted
        assert (truncation and truncation["max_length"]) == wanted
        assert (truncation or {}).get("direction", "Right") == ("Left" if config and "truncation_side" in config else "Right")
        assert embedded(folder).tobytes() == embedded(source, *flags).tobytes()
        shutil.rmtree(source)


def test_heads_come_along_where_they_fit(tmp_path):
    folder = small_model(tmp_path / "model", ["[UNK]", "good", "bad"], [[0, 0], [1, 0], [0, 1]])
    (folder / "head.json").write_text('{"labels": ["no", "yes"], "weight": [4, -4], "bias": 0}')
    packed = convert(folder, tmp_path / "packed")
    lines = run("classify", "--model", packed, text="good\nbad\n").stdout.splitlines()
    assert [json.loads(line)["label"] for line in lines] == ["yes", "no"]
    whole = convert(folder, tmp_path / "whole", "--to", "folder")
    lines = run("classify", "--model", whole, text="good\n").stdout.splitlines()
    assert json.loads(lines[0])["label"] == "yes"
    assert b"1 head is not in it" in run("convert", "--input", folder, "--output", tmp_path / "fewer", "--dim", "1").stdout
    fewer = tmp_path / "fewer"
    assert "no classifier head" in refused("classify", "--model", fewer, code=2)


# ---- what is in the way, or wrong ----


def test_nothing_is_overwritten_unless_it_is_forced(folder, tmp_path):
    output = tmp_path / "there"
    output.write_text("mine")
    assert "--force" in refused("convert", "--input", folder, "--output", output, code=2)
    assert output.read_text() == "mine"
    convert(folder, output, "--force")
    assert embedded(output).shape == (len(TEXTS), 6)
    for name, make in {"pipe": os.mkfifo, "link": lambda path: path.symlink_to(output), "folder": os.mkdir}.items():
        make(tmp_path / name)
        said = refused("convert", "--input", folder, "--output", tmp_path / name, "--force", code=2)
        assert ("is a folder" if name == "folder" else "is not a regular file") in said
    assert (tmp_path / "link").is_symlink() and (tmp_path / "pipe").is_fifo()
    others = tmp_path / "others"
    others.mkdir()
    (others / "letter.txt").write_text("mine")
    arguments = ("convert", "--input", folder, "--output", others, "--to", "folder")
    assert "--force" in refused(*arguments, code=2)
    assert "letter.txt" in refused(*arguments, "--force", code=2)
    assert [path.name for path in others.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("flags, why", [
    (("--dim", "7"), "--dim must be from 1 to 6"), (("--pca",), "--pca needs --dim"),
    (("--dtype", "i8", "--to", "folder"), "--dtype i8 is only for the packed form"), (("--dtype", "f8"), "--dtype"),
    (("--dtype", "i4", "--to", "folder"), "--dtype i4 is only for the packed form"),
    (("--keep-top", "0"), "--keep-top"), (("--output", "nowhere/at/all"), "nowhere/at/all"), ((), None),
])
def test_wrong_use_is_one_sentence(folder, tmp_path, flags, why):
    if why is None:
        assert "--input must name" in refused("convert", "--output", tmp_path / "out", code=2)
        assert "--output must name" in refused("convert", "--input", folder, code=2)
        return
    where = () if "--output" in flags else ("--output", tmp_path / "out")
    assert why in refused("convert", "--input", folder, *where, *flags, code=1 if "--output" in flags else 2)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value, dtype, why", [(np.nan, "f32", "NaN or Inf"), (np.inf, "f16", "NaN or Inf"),
                                               (1e6, "f16", "too large for this dtype")])
def test_a_value_that_cannot_be_served_is_named(tmp_path, value, dtype, why):
    folder = small_model(tmp_path / "model", ["[UNK]", "a", "b"], [[0, 1], [1, value], [2, 3]])
    said = refused("convert", "--input", folder, "--output", tmp_path / "out", "--dtype", dtype)
    assert why in said and "row 1" in said
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_changed_byte_is_found_by_verify_and_a_missing_one_at_once(folder, tmp_path):
    packed = convert(folder, tmp_path / "packed")
    data = bytearray(packed.read_bytes())
    places = [len(data) // 2, *range(0, header_of(packed)[1], 7), len(data) - 1]
    for at in places:
        data[at] ^= 1
        (tmp_path / "changed").write_bytes(data)
        sentence = refused("inspect", tmp_path / "changed", "--verify")
        assert "SHA-256" in sentence or at != places[0]
        data[at] ^= 1
    (tmp_path / "changed").write_bytes(data)
    run("inspect", tmp_path / "changed", "--verify")
    whole = packed.read_bytes()
    for cut in [*range(0, len(whole), 509), len(whole) - 1]:
        (tmp_path / "cut").write_bytes(whole[:cut])
        refused("inspect", tmp_path / "cut")
    assert "--verify is for packed models" in refused("inspect", folder, "--verify", code=2)


def test_a_newer_version_is_refused(folder, tmp_path):
    data = convert(folder, tmp_path / "packed").read_bytes()
    (tmp_path / "newer").write_bytes(data.replace(b'"embedd.format":"1"', b'"embedd.format":"9"'))
    assert "version '9', and this program reads versions 1 to 3" in refused("inspect", tmp_path / "newer")


def test_weights_of_pooling_go_into_a_folder(tmp_path):
    folder = small_model(tmp_path / "model", ["[UNK]", "a", "b"], [[0, 1], [1, 0], [2, 3]])
    header, start = header_of(folder / "model.safetensors")
    header["weights"] = {"dtype": "F32", "shape": [3], "data_offsets": [24, 36]}
    rows = (folder / "model.safetensors").read_bytes()[start:]
    text = json.dumps(header).encode()
    data = struct.pack("<Q", len(text)) + text + rows + np.array([1, 3, 1], "<f4").tobytes()
    (folder / "model.safetensors").write_bytes(data)
    (folder / "config.json").write_text('{"pooling": "weighted", "normalize": false}')
    wanted = embedded(folder, texts=["a b"])
    assert wanted.tolist() == [[1.25, 0.75]]
    for form in ("packed", "folder"):
        made = convert(folder, tmp_path / form, "--to", form)
        assert embedded(made, texts=["a b"]).tolist() == wanted.tolist()


def test_an_interrupt_ends_the_work_and_leaves_nothing(tmp_path):
    folder = big_model(tmp_path / "model")
    running = subprocess.Popen([PROGRAM, "convert", "--input", folder, "--output", tmp_path / "out"], env=environment(),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: list(tmp_path.glob("out.*.tmp")) or running.poll() is not None, "it begins")
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 0 or b"interrupted" in said
    assert not list(tmp_path.glob("out.*.tmp"))


def big_model(folder):
    """Nearly all of its 200 MB are a hole of zeros: long enough to be hit in the middle."""
    folder.mkdir()
    words, dim = 50_000, 1000
    header = json.dumps({"embeddings": {"dtype": "F32", "shape": [words, dim], "data_offsets": [0, words * dim * 4]}})
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header.encode())
        file.truncate(8 + len(header) + words * dim * 4)
    (folder / "vocab.txt").write_text("".join(f"w{i}\n" for i in range(words)))
    return folder


def test_what_is_killed_leaves_nothing_in_place(tmp_path):
    folder = big_model(tmp_path / "model")
    output, hits = tmp_path / "packed", 0
    for delay in [0.005 * i for i in range(1, 12)]:
        running = subprocess.Popen([PROGRAM, "convert", "--input", folder, "--output", output], env=environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        running.send_signal(signal.SIGKILL)
        if running.wait(PATIENCE_S) == -signal.SIGKILL:
            hits += 1
            assert not output.exists()
        elif output.exists():
            os.remove(output)
    assert hits > 0
