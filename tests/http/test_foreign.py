# SPDX-License-Identifier: Apache-2.0
"""What becomes of texts that the built-in model is not for: a defined vector, unknown tokens as the tokenizers library
has them, and a hint where most letters are of other scripts."""
import json
import shutil
import subprocess

import numpy
import pytest
from harness import PATIENCE_S, PROGRAM, TOP, environment, wait_until, write_table
from tokenizers import Tokenizer

pytestmark = pytest.mark.slow_under_tsan

MODEL = TOP / "model" / "bundle" / "builtin" / "embedd-base-2"
# A text, and the script that it is foreign for.
TEXTS = [
    ("I love to eat", None), ("今天天气很好，我们去公园吧！", None), ("我 love 北京 food", None), ("", None), (" \t\n", None),
    ("Привет, мир", "Cyrl"), ("Καλημέρα κόσμε", "Grek"), ("مرحبا بالعالم", "Arab"), ("שלום עולם", "Hebr"),
    ("नमस्ते दुनिया", "Deva"), ("สวัสดีชาวโลก", "Thai"), ("안녕하세요 세계", "Hang"), ("こんにちは世界", "Hira"),
    ("コンピューター", "Kana"), ("გამარჯობა", "Geor"), ("\U00010330\U00010331", "Goth"),
    ("Où est la bibliothèque ?", None), ("Größe und Übermut", None), ("Xin chào thế giới", None),
    ("абвabc", None), ("абвгabc", "Cyrl"), ("Привет 今天 abc", "Cyrl"), ("Привет 今天 hello", None), ("日本語のテキスト", "Kana"),
    ("😀", None), ("😀👍🏽❤️👨‍👩‍👧🇨🇳", None), ("да 😀😀😀😀", "Cyrl"),
    ("for (int i = 0; i < n; i++) { sum += a[i]; }", None), ("SELECT * FROM t WHERE x = 'y'", None),
    ("https://example.org/a_b?c=d&e=1#f", None), ("https://пример.рф/страница", "Cyrl"), ("me@example.org", None),
    ("3.14159", None), ("-1e-9 +42 ½ Ⅳ", None), ("١٢٣ १२३", None), ("∑∫≈€→■", None), ("…—“”、。", None),
    ("\u0301", None), ("e\u0301\u0301\u0301", None), ("\u200b\ufeff", None), ("\ue000\U0010fffd", None), ("\x00\x01\x7f", None),
]


@pytest.fixture(scope="module")
def unknown_in():
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    unknown = tokenizer.token_to_id("[UNK]")
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids.count(unknown)


def embed(service, texts):
    reply = service.post("/v1/embeddings", json.dumps({"input": texts}, ensure_ascii=False).encode(), accept="application/octet-stream")
    assert reply.status == 200, reply.body[:300]
    rows = numpy.frombuffer(reply.body, "<f4").reshape(-1, 256)
    # Of length 1, or zero where no token is known.
    norms = numpy.linalg.norm(rows, axis=1)
    assert numpy.isfinite(rows).all() and ((norms == 0) | (abs(norms - 1) < 1e-5)).all()
    hint = reply.headers.get("x-embedd-foreign"), reply.headers.get("x-embedd-foreign-scripts")
    return rows, int(reply.headers.get("x-embedd-unknown", 0)), hint


def run(*arguments, stdin="", status=0):
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=stdin.encode(), capture_output=True, env=environment(),
                          timeout=10 * PATIENCE_S)
    assert done.returncode == status, done.stderr.decode()
    return done


@pytest.mark.parametrize("text, script", TEXTS)
def test_every_text_has_a_vector_and_a_hint_where_it_is_foreign(service, unknown_in, text, script):
    _, unknown, hint = embed(service, [text])
    assert unknown == unknown_in(text)
    assert hint == (("1", script) if script else (None, None))


def test_a_batch_counts_its_texts_and_names_each_script_once(service, unknown_in):
    before = service.metric("embedd_foreign_texts_total")
    texts = [text for text, _ in TEXTS]
    foreign = [script for _, script in TEXTS if script]
    rows, unknown, hint = embed(service, texts)
    assert unknown == sum(map(unknown_in, texts))
    # No more than eight of them.
    assert hint == (str(len(foreign)), ", ".join(list(dict.fromkeys(foreign))[:8]))
    wait_until(lambda: service.metric("embedd_foreign_texts_total") == before + len(foreign), "all are counted")
    for row, text in zip(rows, texts, strict=True):
        assert row.tobytes() == embed(service, [text])[0].tobytes(), text


@pytest.mark.parametrize("text, script", [("a", None), ("的", None), ("😀", None), ("\u0301", None), ("а", "Cyrl"), ("א", "Hebr"),
                                          ("a ", None), ("1", None), ("а的", None), ("аа的", "Cyrl"), ("\U00010330", "Goth")])
def test_a_million_times_the_same(service, unknown_in, text, script):
    times = 1_000_000 // len(text)
    rows, unknown, hint = embed(service, [text * times])
    assert hint == (("1", script) if script else (None, None))
    # A run of letters is unknown as a whole, or each of them.
    assert unknown == {0: 0, 1: 1, 100: times}[unknown_in(text * 100)]
    assert rows.any() == (unknown == 0 and text != "\u0301")


def test_other_languages_of_a_known_script_have_no_hint(service):
    """A script cannot tell them, and docs/MODEL.md says so."""
    assert embed(service, ["Wo ist der Bahnhof?", "¿Dónde está la estación?"])[2] == (None, None)


def test_texts_that_get_labels_have_it_and_tokens_have_not(start, tmp_path):
    folder = shutil.copytree(TOP / "examples/chain/w6x2", tmp_path / "knowing")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "scripts": ["Hani"]}))
    served = start(f"--heads={TOP / 'examples/heads'}", f"--model={folder}")

    def hint(path, **body):
        reply = served.post(path, json.dumps(body).encode())
        assert reply.status == 200, reply.body
        return reply.headers.get("x-embedd-foreign")

    assert hint("/v1/classify", text=["Привет", "我爱", "me"]) == hint("/predict", inputs=[["Привет"], ["我爱"], ["me"]]) == "2"
    assert hint("/v1/ids", text="Привет", unknown="skip") == "1"
    assert hint("/v1/ids", tokens=["Привет"], unknown="skip") is None


def test_it_stays_with_what_is_made_of_the_model(start, tmp_path):
    run("convert", "--input", "builtin", "--output", tmp_path / "packed")
    run("convert", "--input", "builtin", "--output", tmp_path / "cut", "--dim", "64")
    for path in (tmp_path / "packed", tmp_path / "cut"):
        assert json.loads(run("inspect", path, "--format", "json").stdout)["scripts"] == ["Hani", "Latn"]
        assert "\nscripts        Hani, Latn\n" in run("inspect", path).stdout.decode()
    served = start("--model", str(tmp_path / "packed"))
    assert embed(served, ["Привет"])[2] == ("1", "Cyrl")


def test_a_folder_says_what_it_knows(start, tmp_path):
    (tmp_path / "vocab.txt").write_text("a\nb\n")
    write_table(tmp_path, [1.0, 2.0, 3.0, 4.0])
    config = tmp_path / "config.json"
    assert "scripts" not in json.loads(run("inspect", tmp_path, "--format", "json").stdout)
    config.write_text('{"scripts": ["Cyrl", "Cyrl"], "tokenizer": "dictionary"}')
    assert json.loads(run("inspect", tmp_path, "--format", "json").stdout)["scripts"] == ["Cyrl"]
    ask = json.dumps({"input": ["Привет", "a"]}).encode()
    assert start("--model", str(tmp_path)).post("/v1/embeddings", ask).headers["x-embedd-foreign-scripts"] == "Latn"
    for wrong, says in (('["Hans"]', 'scripts: "Hans" is not the ISO 15924 code of a script with letters'),
                        ('"Latn"', "scripts must be a list of texts")):
        config.write_text(f'{{"scripts": {wrong}}}')
        assert says in run("inspect", tmp_path, status=1).stderr.decode()
    # In a file of another program it counts, too: nobody else has that key.
    config.write_text('{"scripts": ["Latn"], "model_type": "bert"}')
    assert json.loads(run("inspect", tmp_path, "--format", "json").stdout)["scripts"] == ["Latn"]


def test_commands_tell_it_once_at_the_end():
    texts = "Привет\nhello\nسلام\n今天\nмир\n"
    for command in ("embed", "tokenize"):
        lines = run(command, stdin=texts).stderr.decode().splitlines()
        assert f"embedd {command}: 3 of 5 texts are mostly in scripts that the model does not know: Cyrl, Arab" in lines
    assert run("embed", stdin="мир\n").stderr.decode().splitlines()[-1] == (
        "embedd embed: 1 of 1 text is mostly in scripts that the model does not know: Cyrl")
    assert run("embed", stdin="hello\n今天\n").stderr == b""
