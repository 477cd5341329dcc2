# SPDX-License-Identifier: Apache-2.0
"""Rows that several tokens share: stored once in the packed form, and every reply as if each token had a copy."""

import json
import struct

import numpy as np
import pytest
from test_convert import convert, embedded, header_of, refused, rows_of, run
from test_train import ROWS, TOKENS, Trained

one_thread = pytest.mark.one_thread

DIM = 75
OWN = len(TOKENS) - 14  # tokens past these share the rows of others
SHARED = [3, 0, 9, 3, OWN - 1, 5, 6, 7, 8, 9, 10, 11, 12, 13]
MAPPING = np.array([*range(OWN), *SHARED], "<i4")
TEXTS = ["where is the " + " and my ".join(TOKENS[-14:]), "我想要" + "和".join(TOKENS[OWN:OWN + 9]), "the hotel", "",
         "nothing known"]
DTYPES = ["f32", "f16", "bf16", "i8", "i4"]
KINDS = {"f4": "F32", "i4": "I32"}


def write(folder, pooling="mean", **tensors):
    """A model of TOKENS that says so, with these tensors."""
    folder.mkdir()
    header, data = {}, b""
    for name, values in tensors.items():
        header[name] = {"dtype": KINDS[values.dtype.str[1:]], "shape": list(values.shape),
                        "data_offsets": [len(data), len(data) + values.nbytes]}
        data += values.tobytes()
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    (folder / "vocab.txt").write_text("".join(token + "\n" for token in TOKENS), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps({"name": "same", "pooling": pooling}))
    return folder


def random_rows(n):
    return np.random.default_rng(4).normal(size=(n, DIM)).astype("<f4")


def weights():
    return np.random.default_rng(5).random(len(TOKENS)).astype("<f4")


@pytest.fixture
def mapped(tmp_path):
    return write(tmp_path / "mapped", mapping=MAPPING, embeddings=random_rows(OWN))


@pytest.fixture
def expanded(tmp_path):
    return write(tmp_path / "expanded", embeddings=random_rows(OWN)[MAPPING])


def tensors_of(path):
    return {name: (about["dtype"], about["shape"]) for name, about in header_of(path)[0].items() if name != "__metadata__"}


def version_of(path):
    return header_of(path)[0]["__metadata__"]["embedd.format"]


@one_thread
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_packed_file_holds_each_row_once(mapped, expanded, dtype, tmp_path):
    packed = convert(mapped, tmp_path / "packed", "--dtype", dtype)
    copies = convert(expanded, tmp_path / "copies", "--dtype", dtype)
    assert (version_of(packed), version_of(copies)) == ("3", "2" if dtype == "i4" else "1")
    assert tensors_of(packed)["shared"] == ("I32", [14]) and "mapping" not in tensors_of(packed)
    begin, end = header_of(packed)[0]["shared"]["data_offsets"]
    start = header_of(packed)[1]
    assert np.frombuffer(packed.read_bytes()[start + begin:start + end], "<i4").tolist() == SHARED
    assert rows_of(packed).tobytes() == rows_of(copies)[:OWN].tobytes()
    saved = rows_of(copies)[OWN:].nbytes - 4 * len(SHARED)
    assert copies.stat().st_size - packed.stat().st_size > saved - 300
    told = json.loads(run("inspect", packed, "--verify", "--format", "json").stdout)
    assert (told["vocab_size"], told["verified"]) == (len(TOKENS), True)
    for flags in ((), ("--pooling", "sum", "--no-normalize"), ("--pooling", "max"), ("--dimensions", "40")):
        assert embedded(packed, *flags, texts=TEXTS).tobytes() == embedded(copies, *flags, texts=TEXTS).tobytes()


@one_thread
@pytest.mark.parametrize("pooling", ["weighted", "unit"])
def test_tokens_that_share_a_row_have_weights_of_their_own(pooling, tmp_path):
    mapped = write(tmp_path / "mapped", pooling, mapping=MAPPING, embeddings=random_rows(OWN), weights=weights())
    expanded = write(tmp_path / "expanded", pooling, embeddings=random_rows(OWN)[MAPPING], weights=weights())
    packed, copies = convert(mapped, tmp_path / "packed"), convert(expanded, tmp_path / "copies")
    assert version_of(packed) == "3"
    for model in (packed, mapped, expanded):
        assert embedded(model, texts=TEXTS).tobytes() == embedded(copies, texts=TEXTS).tobytes()


REQUESTS = {
    "/v1/embeddings": {"input": TEXTS[:3]},
    "/embed": {"inputs": TEXTS},
    "/embed_all": {"inputs": TEXTS},
    "/v1/ids": {"text": TEXTS[0]},
    "/v1/lookup": {"text": TEXTS[1]},
    "/v1/lookup?": {"ids": [0, 1, OWN - 1, OWN, len(TOKENS) - 1]},
    "/v1/embeddings?": {"input": [[OWN, 2, len(TOKENS) - 1], [1]]},
    "/similarity": {"inputs": {"source_sentence": TEXTS[0], "sentences": TEXTS[1:3]}},
}


def replies(start, model):
    service = start(f"--model={model}", "--openai-ids=model")
    found = {path: service.post(path.rstrip("?"), json.dumps(body).encode()) for path, body in REQUESTS.items()}
    assert {path: reply.status for path, reply in found.items()} == {path: 200 for path in REQUESTS}
    return {path: reply.body for path, reply in found.items()}


@pytest.mark.parametrize("dtype", ["i4", "f16"])
def test_every_reply_is_byte_for_byte_that_of_copies(mapped, expanded, dtype, start, tmp_path):
    packed = convert(mapped, tmp_path / "packed", "--dtype", dtype)
    copies = convert(expanded, tmp_path / "copies", "--dtype", dtype)
    assert replies(start, packed) == replies(start, copies)
    nearest = [run("vocab", "--model", model, "--nearest", TOKENS[3]).stdout for model in (packed, copies)]
    assert nearest[0] == nearest[1] and nearest[0].count(b"\n") == 10


@one_thread
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_was_packed_is_converted_again(mapped, dtype, tmp_path):
    packed = convert(mapped, tmp_path / "packed", "--dtype", dtype)
    again = convert(packed, tmp_path / "again")
    assert tensors_of(again) == tensors_of(packed) and rows_of(again).tobytes() == rows_of(packed).tobytes()
    folder = convert(packed, tmp_path / "folder", "--to", "folder")
    file = folder / "model.safetensors"
    assert tensors_of(file)["mapping"] == ("I32", [len(TOKENS)]) and tensors_of(file)["embeddings"][1] == [OWN, DIM]
    for model in (again, folder, convert(folder, tmp_path / "back", "--dtype", dtype)):
        assert embedded(model, texts=TEXTS).tobytes() == embedded(packed, texts=TEXTS).tobytes()
    assert version_of(tmp_path / "back") == "3"


@one_thread
def test_rows_are_put_into_the_order_of_tokens_and_left_out_where_nobody_has_them(tmp_path):
    rows, order = random_rows(OWN + 5), np.random.default_rng(6).permutation(OWN + 5)[:OWN].astype("<i4")
    model = write(tmp_path / "model", mapping=order[MAPPING], embeddings=rows)
    packed = convert(model, tmp_path / "packed")
    assert tensors_of(packed)["shared"] == ("I32", [14]) and rows_of(packed).tobytes() == rows[order].tobytes()
    assert embedded(packed, texts=TEXTS).tobytes() == embedded(model, texts=TEXTS).tobytes()


@one_thread
def test_tokens_that_share_rows_in_between_keep_a_mapping(tmp_path):
    for name, mapping in {"backwards": MAPPING[::-1].copy(), "twice": np.array([0, 0, *MAPPING[2:]], "<i4")}.items():
        model = write(tmp_path / name, mapping=mapping, embeddings=random_rows(OWN))
        for dtype, version in (("f32", "1"), ("i4", "2")):
            packed = convert(model, tmp_path / "packed", "--force", "--dtype", dtype)
            assert version_of(packed) == version and tensors_of(packed)["mapping"] == ("I32", [len(TOKENS)])
            assert len(rows_of(packed)) == len(set(mapping.tolist()))
            copies = write(tmp_path / f"{name}_{dtype}", embeddings=random_rows(OWN)[mapping])
            wanted = embedded(convert(copies, tmp_path / "copies", "--force", "--dtype", dtype), texts=TEXTS)
            assert embedded(packed, texts=TEXTS).tobytes() == wanted.tobytes()


@one_thread
def test_a_row_for_each_token_in_its_order_is_no_sharing(tmp_path):
    every = np.arange(len(TOKENS), dtype="<i4")
    packed = convert(write(tmp_path / "model", mapping=every, embeddings=random_rows(len(TOKENS))), tmp_path / "packed")
    assert version_of(packed) == "1" and not {"shared", "mapping"} & set(tensors_of(packed))


@one_thread
def test_fewer_tokens_or_columns_share_rows_as_before(mapped, expanded, tmp_path):
    for flags in (("--keep-top", str(OWN + 5)), ("--keep-top", "20"), ("--dim", "33"), ("--dim", "9", "--pca")):
        packed = convert(mapped, tmp_path / "packed", "--force", *flags)
        copies = convert(expanded, tmp_path / "copies", "--force", *flags)
        if "--pca" in flags:  # the components of other rows
            assert version_of(packed) == "3" and len(rows_of(packed)) == OWN
        else:
            assert embedded(packed, texts=TEXTS).tobytes() == embedded(copies, texts=TEXTS).tobytes()
            assert len(rows_of(packed)) == min(OWN, len(rows_of(copies)))


@one_thread
def test_what_is_damaged_gives_a_sentence(mapped, tmp_path):
    packed = convert(mapped, tmp_path / "packed", "--dtype", "i4")
    data, (header, start) = packed.read_bytes(), header_of(packed)
    at = start + header["shared"]["data_offsets"][0]
    for number in (OWN, -1):
        packed.write_bytes(data[:at + 4] + struct.pack("<i", number) + data[at + 8:])
        said = refused("embed", "--model", packed)
        assert f"tensor 'shared': token {OWN + 1} has the row {number}, but there are {OWN} rows" in said
    packed.write_bytes(data.replace(b'"shared"', b'"sharec"'))
    assert "there must be a tensor 'shared'" in refused("inspect", packed)
    packed.write_bytes(data.replace(b'"embedd.format":"3"', b'"embedd.format":"4"'))
    assert "version '4', and this program reads versions 1 to 3" in refused("inspect", packed)


@one_thread
@pytest.mark.parametrize("dtype", ["f32", "i4"])
def test_training_starts_from_shared_rows_as_from_copies(mapped, expanded, dtype, tmp_path):
    tables = []
    for source in (mapped, expanded):
        model = convert(source, tmp_path / f"{source.name}.packed", "--dtype", dtype)
        for mode in ("head", "both"):
            folder = tmp_path / source.name / mode
            folder.mkdir()
            done = Trained(folder, f"--from={model}", f"--mode={mode}", "--epochs=3", rows=ROWS)
            tables.append([run("classify", "--model", done.path, text="\n".join(TEXTS[:3])).stdout,
                           mode == "head" or rows_of(done.path / "model.safetensors").tobytes()])
    assert tables[:2] == tables[2:]
