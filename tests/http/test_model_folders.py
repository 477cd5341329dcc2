# SPDX-License-Identifier: Apache-2.0
"""Model folders as people have them: what lies beside the weights was written by other programs."""

import json
import subprocess

import pytest

from harness import PATIENCE_S, PROGRAM, write_table

WORDS = "[PAD] [UNK] hello world , don ' t ##s".split()
WORDPIECE = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
             "max_input_chars_per_word": 100, "vocab": {word: i for i, word in enumerate(WORDS)}}
BERT = {"normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"}, "model": WORDPIECE}
LARGE = "1000000000000000019884624838656"  # transformers' VERY_LARGE_INTEGER


def run(*arguments, text="", code=0):
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=text.encode(), capture_output=True,
                          timeout=10 * PATIENCE_S)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode() if code == 0 else done.stderr.decode()


def tokenized(model, text):
    return json.loads(run("tokenize", "--model", model, text=text + "\n"))["ids"]


def vectors(model, text, *flags):
    return [json.loads(line) for line in run("embed", "--model", model, *flags, text=text).splitlines()]


def write_folder(folder, tokenizer=None, values=None, **files):
    """A folder with rows of one number each (its id unless they are given), and files by their names (_ for .)."""
    folder.mkdir(exist_ok=True)
    if tokenizer is not None:
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    write_table(folder, values or range(len(WORDS)), columns=1)
    for name, text in files.items():
        name = name[::-1].replace("_", ".", 1)[::-1]
        (folder / name).write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return folder


# ---- side files ----

@pytest.mark.parametrize("value", [LARGE, "-" + LARGE, "NaN", "Infinity", "-Infinity", "1e999", "[NaN, {\"a\": -Infinity}]",
                                   r'"half a pair: \ud83d"', "1, \"x\": 2"])
def test_what_nobody_reads_in_a_side_file_may_be_anything(value, tmp_path):
    extra = f'"x": {value}'
    model = write_folder(tmp_path / "m", vocab_txt="".join(word + "\n" for word in WORDS),
                         tokenizer_config_json=f'{{"do_lower_case": true, {extra}}}',
                         config_json=f'{{"normalize": false, {extra}}}',
                         modules_json=f'[{{"type": "sentence_transformers.models.StaticEmbedding", {extra}}}]',
                         config_sentence_transformers_json=f"{{{extra}}}")
    assert tokenized(model, "Hello world") == [2, 3]
    assert vectors(model, "hello world\n") == [[2.5]]


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "modules.json", "tokenizer.json"])
def test_a_byte_order_mark_before_a_side_file_is_passed_over(name, tmp_path):
    model = write_folder(tmp_path / "m", config_json={"normalize": False},
                         modules_json='[{"type": "sentence_transformers.models.StaticEmbedding"}]',
                         **({"tokenizer": BERT} if name == "tokenizer.json" else
                            {"vocab_txt": "".join(word + "\n" for word in WORDS),
                             "tokenizer_config_json": '{"do_lower_case": true}'}))
    (model / name).write_bytes(b"\xef\xbb\xbf" + (model / name).read_bytes())
    assert tokenized(model, "Hello world") == [2, 3]
    assert vectors(model, "hello world\n") == [[2.5]]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e30", "0", '"20"'])
def test_a_limit_that_is_none_is_still_refused(value, tmp_path):
    model = write_folder(tmp_path / "m", tokenizer=BERT, config_json=f'{{"max_length": {value}}}')
    assert "max_length must be a whole number" in run("embed", "--model", model, text="hello\n", code=1)


def test_requests_stay_strict(tmp_path, start):
    model = write_folder(tmp_path / "m", tokenizer=BERT)
    service = start("--model", model)
    for body in (b'{"inputs": "hello", "x": NaN}', b'{"inputs": "hello", "x": -Infinity}',
                 b'{"inputs": "hello", "x": 99999999999999999999}', b'{"inputs": "a", "inputs": "b"}',
                 rb'{"inputs": "half a pair: \ud83d"}'):
        assert service.post("/embed", body).status == 400, body
