# SPDX-License-Identifier: Apache-2.0
"""vocab.txt as it is found: two columns, a token twice, empty lines, blanks at the end; and the ids without a token that come of it. The reference is how transformers' BertTokenizer
(5.24) reads the same file: WordPiece.from_file of the tokenizers library."""

import json
import subprocess
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from harness import PATIENCE_S, PROGRAM, SANITIZER, environment, write_table

pytestmark = pytest.mark.one_thread

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
SPECIAL = b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
FILES = {
    "twice": SPECIAL + "$\n我\nhello\n##s\n$\nworld\nhello\n##s\n爱\n".encode(),
    "blank": SPECIAL + "\nhello\n\n我\nworld\n$\n爱\n".encode(),
    "blank end": SPECIAL + "hello\nworld\n我\n$\n爱\n\n".encode(),
    "trailing": SPECIAL + "hello \nworld\t\n我\u3000\n$  \n爱\u2028\nhello\n".encode(),
    "cr lf": SPECIAL.replace(b"\n", b"\r\n") + "hello\r\n\r\nworld\r\n我\r\n$\r\n爱".encode(),
}
TEXTS = ["我爱你 $ hello world", "hellos Worlds", "$$ 我", ""]


def run(*arguments, text="", code=0):
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=text.encode(), capture_output=True, env=environment(), timeout=10 * PATIENCE_S)
    assert not SANITIZER.search(done.stderr.decode()), done.stderr.decode()
    assert done.returncode == code, done.stderr.decode()
    return done


def lines_of(done):
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def ids(model, texts):
    return [line["ids"] for line in lines_of(run("tokenize", "--model", model, text="".join(text + "\n" for text in texts)))]


def folder_of(path, vocab, rows, **config):
    path.mkdir()
    (path / "vocab.txt").write_bytes(vocab)
    (path / "config.json").write_text(json.dumps({"model_type": "bert", **config}))
    write_table(path, range(rows * 2))
    return path


def reference(path):
    tokenizer = Tokenizer(models.WordPiece.from_file(str(path), unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


@pytest.mark.parametrize("name", FILES)
def test_ids_are_those_of_the_reference(name, tmp_path):
    n = len(FILES[name].splitlines())
    model = folder_of(tmp_path / "model", FILES[name], n)
    wanted = [[i for i in reference(model / "vocab.txt").encode(text, add_special_tokens=False).ids] for text in TEXTS]
    assert ids(model, TEXTS) == wanted and 1 in wanted[0] and any(i > 4 for i in wanted[0])
    # Whatever it is written as, no id moves and no row gets lost.
    packed, folder, top = tmp_path / "packed", tmp_path / "folder", tmp_path / "top"
    run("convert", "--input", model, "--output", packed)
    run("convert", "--input", packed, "--output", folder, "--to", "folder")
    run("convert", "--input", model, "--output", top, "--keep-top", n - 1)
    for path in (packed, folder):
        assert ids(path, TEXTS) == wanted
        assert json.loads(run("inspect", path, "--format", "json").stdout)["vocab_size"] == n
    assert json.loads(run("inspect", top, "--format", "json").stdout)["vocab_size"] == n - 1
    theirs = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert [theirs.encode(text, add_special_tokens=False).ids for text in TEXTS] == wanted


@pytest.mark.parametrize("more", [b"", b"\n", b"\n\r\n\n"])
def test_empty_lines_at_the_end_need_no_rows(more, tmp_path):
    n = len(SPECIAL.splitlines())
    model = folder_of(tmp_path / "model", SPECIAL + "我\n爱".encode() + b"\n" + more, n + 2)
    assert ids(model, ["我爱"]) == [[5, 6]]
    assert json.loads(run("inspect", model, "--format", "json").stdout)["vocab_size"] == n + 2


def test_two_columns_are_tokens_and_ids_in_any_order(tmp_path):
    tokens = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "我", "爱", "你", "[UNK]"]
    lines = [f"{token}\t{i}\n" for i, token in enumerate(tokens)]
    for name, text in [("in order", "".join(lines)), ("back", "".join(reversed(lines))), ("cr lf", "\r\n".join(line.strip() for line in lines)),
                       ("space", "".join(lines).replace("\t", " "))]:
        model = folder_of(tmp_path / name, text.encode(), 8)
        assert ids(model, ["我爱你", "x"]) == [[4, 5, 6], [7]]
    counts = folder_of(tmp_path / "counts", b"[UNK]\t0\nthe\t120\nof\t90\n", 3)
    assert "line 2 has 120, and the ids of 3 tokens are 0 to 2" in run("inspect", counts, code=1).stderr.decode()


def tokenizer_with_holes(kind):
    """As transformers writes the file of a vocabulary in which tokens stood twice: ids 3, 6 and 7 have none."""
    vocab = {"[UNK]": 0, "h": 1, "i": 2, "hi": 4, "我": 5, "##i": 8, "x": 9}
    model = {"WordPiece": lambda: models.WordPiece(vocab, unk_token="[UNK]"), "WordLevel": lambda: models.WordLevel(vocab, unk_token="[UNK]"),
             "BPE": lambda: models.BPE(vocab, [("h", "i")], unk_token="[UNK]")}[kind]
    tokenizer = Tokenizer(model())
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


@pytest.mark.parametrize("kind", ["WordPiece", "WordLevel", "BPE"])
def test_an_id_without_a_token_keeps_its_row(kind, tmp_path, start):
    theirs = tokenizer_with_holes(kind)
    texts = ["hi 我 h xi", "我hi y", ""]
    wanted = [theirs.encode(text).ids for text in texts]
    model = tmp_path / "model"
    model.mkdir()
    theirs.save(str(model / "tokenizer.json"))
    write_table(model, range(20))
    packed, folder, top = tmp_path / "packed", tmp_path / "folder", tmp_path / "top"
    run("convert", "--input", model, "--output", packed)
    run("convert", "--input", packed, "--output", folder, "--to", "folder")
    run("convert", "--input", model, "--output", top, "--keep-top", 8)
    rows = lines_of(run("embed", "--model", model, text="hi\n我\n"))
    for path in (model, packed, folder):
        assert ids(path, texts) == wanted
        assert json.loads(run("inspect", path, "--format", "json").stdout)["vocab_size"] == 10
        assert lines_of(run("embed", "--model", path, text="hi\n我\n")) == rows
        service = start("--model", str(path))
        assert service.post("/decode", b'{"ids": [7, 4, 3, 6, 5]}').json() == [theirs.decode([7, 4, 3, 6, 5])] == ["hi 我"]
    assert Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab() == theirs.get_vocab()
    # No id moves, and none is left behind the last token; BPE needs all single bytes, so that x stays and moves to behind the 8.
    x, n = (8, 9) if kind == "BPE" else (0, 6)
    assert ids(top, ["hi 我 h x"]) == [[4, 5, 1, x]]
    assert json.loads(run("inspect", top, "--format", "json").stdout)["vocab_size"] == n


@pytest.mark.parametrize("name, text, wanted", [("vocab-token-tab-id", "我爱你", [4, 5, 6]), ("vocab-token-twice", "我爱你 $ hello world", [4, 6, 7, 9, 8, 10]),
                                                ("vocab-blank-line", "hello world", [6, 7])])
def test_files_that_people_have(name, text, wanted):
    if not (CASES / name).is_dir():
        pytest.skip(f"{CASES / name} is not there")
    assert ids(CASES / name, [text]) == [wanted]
