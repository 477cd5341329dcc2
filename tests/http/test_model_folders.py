# SPDX-License-Identifier: Apache-2.0
"""Model folders as people have them: what lies beside the weights was written by other programs."""

import json
import re
import subprocess

import pytest
import tokenizers

from harness import PATIENCE_S, PROGRAM, write_table

pytestmark = pytest.mark.one_thread

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


@pytest.mark.parametrize("value", ["NaN", "Infinity", "20.0", "0", '"20"'])
def test_a_limit_that_is_none_is_still_refused(value, tmp_path):
    model = write_folder(tmp_path / "m", tokenizer=BERT, config_json=f'{{"max_length": {value}}}')
    assert "max_length must be a whole number" in run("embed", "--model", model, text="hello\n", code=1)


@pytest.mark.parametrize("value", [LARGE, "1e30"])
def test_a_limit_beyond_every_text_is_none(value, tmp_path):
    model = write_folder(tmp_path / "m", tokenizer=BERT, config_json=f'{{"max_length": {value}, "normalize": false}}')
    assert json.loads(run("inspect", model, "--format", "json"))["max_length"] is None
    assert vectors(model, 400 * "hello world " + "\n") == [[2.5]]


@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE"])
@pytest.mark.parametrize("name, convert", [("config.json", "convert it first"), ("tokenizer.json", "convert the file first")])
def test_a_side_file_in_utf_16_is_recognized_and_the_remedy_named(name, convert, encoding, tmp_path):
    model = write_folder(tmp_path / "m", tokenizer=BERT, config_json='{"normalize": false}')
    (model / name).write_bytes((model / name).read_text().encode(encoding))
    sentence = run("embed", "--model", model, text="hello\n", code=1)
    assert f"this is {encoding}, not UTF-8; {convert}, with iconv -f {encoding} -t UTF-8" in sentence


@pytest.mark.parametrize("key", ["id2label", "label2id", "tokenizer_class", "use_cache", "is_decoder", "dtype",
                                 "task_specific_params", "pooler_type", "directionality"])
def test_keys_of_transformers_tell_its_config(key, tmp_path):
    model = write_folder(tmp_path / "m", tokenizer=BERT, config_json=json.dumps({key: {}, "max_length": 1}))
    assert json.loads(run("inspect", model, "--format", "json"))["max_length"] is None


def test_requests_stay_strict(tmp_path, start):
    model = write_folder(tmp_path / "m", tokenizer=BERT)
    service = start("--model", model)
    for body in (b'{"inputs": "hello", "x": NaN}', b'{"inputs": "hello", "x": -Infinity}',
                 b'{"inputs": "hello", "x": 99999999999999999999}', b'{"inputs": "a", "inputs": "b"}',
                 rb'{"inputs": "half a pair: \ud83d"}'):
        assert service.post("/embed", body).status == 400, body


# ---- tokenizer.json, with the library that it belongs to as the judge ----

def bert_with(**parts):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "post_processor": None,
            "decoder": None, **BERT, **parts}


def replace(what, by):
    return {"type": "Replace", "pattern": {"String": what}, "content": by}


STRIP = {"strip_left": True, "strip_right": True}
TEMPLATE = {"single": [{"SpecialToken": {"id": "x", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [], "special_tokens": {"x": {"id": "x", "ids": [3], "tokens": ["x"]}}}
TWO_SIDES = {"sep": ["world", 3], "cls": ["hello", 2]}
TRIMS = {"trim_offsets": True, "add_prefix_space": True}
UNTYPED_BERT = {key: value for key, value in BERT["normalizer"].items() if key != "type"}
SMALL = {"h": 0, "i": 1, "hi": 2, "x": 3}
MODELS = [
    {"vocab": SMALL, "merges": ["h i"]},
    {"vocab": SMALL, "merges": [], "unk_token": "x", "continuing_subword_prefix": "##", "max_input_chars_per_word": 10},
    {"vocab": SMALL, "unk_token": "x", "continuing_subword_prefix": "", "max_input_chars_per_word": 10},
    {"vocab": SMALL, "unk_token": "x", "continuing_subword_prefix": ""},
    {"vocab": SMALL, "merges": None, "unk_token": "x"},
    {"vocab": [["x", -9.0], ["h", -1.0], ["i", -2.0]], "unk_id": 0},
    {"type": "BPE", "vocab": SMALL, "merges": [["h", "i"]], "later": 1, "unk_id": 3},
    {"type": "WordLevel", "vocab": SMALL, "unk_token": "x", "merges": ["h i"], "dropout": 0.1},
]
PARTS = [
    *({"normalizer": part} for one in [
        UNTYPED_BERT, {**UNTYPED_BERT, "type": "Bert"}, {**UNTYPED_BERT, **STRIP}, STRIP, {**STRIP, "type": "BertNormalizer"},
        {**STRIP, "type": None}, {"prepend": "hello "}, {"prepend": "hello ", "type": "Future"},
        {"prepend": "hello ", "type": 7}, {"pattern": {"String": "l"}, "content": "L", "prepend": "x"},
        {"pattern": {"Regex": "o$"}, "content": "", "later": 1}, {"normalizers": [{"type": "Lowercase", "later": 1}, STRIP]},
        {"type": "Lowercase", "clean_text": False}, replace("H", "h"),
    ] for part in (one, {"type": "Sequence", "later": [], "normalizers": [one, {"type": "Lowercase"}]})),
    *({"pre_tokenizer": part} for part in [
        {"type": "Whitespace", "later": 1}, {"type": "CharDelimiterSplit", "delimiter": " ", "behavior": "Isolated"},
        {"type": "Sequence", "later": 1, "pretokenizers": [{"type": "WhitespaceSplit", "split": 3}]},
        {"type": "Punctuation", "invert": True, "behavior": "Isolated"}, {"type": "Digits", "individual_digits": True, "x": 0},
    ]),
    *({"post_processor": part} for part in [
        TWO_SIDES, {**TWO_SIDES, "type": "TemplateProcessing"}, {**TWO_SIDES, **TRIMS, "type": "BertProcessing"},
        {**TWO_SIDES, "type": "RobertaProcessing"}, {**TWO_SIDES, **TRIMS}, TEMPLATE, {**TEMPLATE, "type": "Future"},
        {**TEMPLATE, **TRIMS, "type": "TemplateProcessing", "use_regex": True}, {**TEMPLATE, **TWO_SIDES},
        {"type": "Sequence", "processors": [{**TRIMS, "type": "ByteLevel"}, TWO_SIDES], "later": 1},
    ]),
    *({"decoder": part} for part in [
        {"suffix": "o"}, {"prefix": "##", "cleanup": True}, {"pad_token": "hello", "word_delimiter_token": "w", "cleanup": True},
        {"pattern": {"String": "l"}, "content": "L"}, {"content": "h", "start": 1, "stop": 0}, {"suffix": "o", "type": "Future"},
        {"type": "Sequence", "decoders": [{"prefix": "##", "cleanup": True, "later": 1}, {"type": "Fuse", "later": 1}]},
    ]),
    *({"model": model} for model in MODELS),
    {"model": {**WORDPIECE, "later": {"vocab": {"a": 0}, "type": "BPE", "x": int(LARGE)}}},
    {"added_tokens": [{"id": 9, "content": "[X]", "single_word": False, "lstrip": False, "rstrip": False,
                       "normalized": False, "special": True, "later": 1}]},
    {"added_tokens": [{"id": i, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
                       "normalized": False, "special": True} for i, content in ((50, "[X]"), (7, "[UNK]"), (9, "hi"))]},
    {"added_tokens": [{"id": 5, "content": "", "single_word": False, "lstrip": False, "rstrip": False,
                       "normalized": True, "special": False}]},
]
LINES = ["Hello worlds  hello", " hello, don't [X] hi", "h i HI x hih", "7 8 o"]


@pytest.mark.parametrize("parts", PARTS, ids=lambda parts: json.dumps(parts)[:60])
def test_parts_are_what_the_library_takes_them_for(parts, tmp_path, start):
    tokenizer = bert_with(**parts)
    vocab = tokenizer["model"]["vocab"]
    n_rows = len(vocab) + sum(1 for token in tokenizer["added_tokens"] if token["content"] not in ["", *vocab])
    model = write_folder(tmp_path / "m", tokenizer=tokenizer, values=range(n_rows))
    library = tokenizers.Tokenizer.from_str(json.dumps(tokenizer))
    service = start("--model", model)
    for text in LINES:
        wanted = library.encode(text)
        found = service.post("/tokenize", json.dumps({"inputs": text}).encode()).json()[0]
        assert [token["id"] for token in found] == wanted.ids, text
        ids = [i for i in range(n_rows) if i != 1] + [2, 0]
        decoded = service.post("/decode", json.dumps({"ids": ids}).encode()).json()[0]
        assert decoded == library.decode(ids)
    packed, again = tmp_path / "packed", tmp_path / "again"
    run("convert", "--input", model, "--output", packed)
    run("convert", "--input", packed, "--output", again, "--to", "folder")
    for other in (packed, again):
        lines = run("tokenize", "--model", other, text="".join(text + "\n" for text in LINES)).splitlines()
        assert [json.loads(line)["ids"] for line in lines] == [
            library.encode(text, add_special_tokens=False).ids for text in LINES]


REFUSED = [
    ({"normalizer": {"precompiled_charsmap": ""}}, "normalizer.type is missing"),
    ({"normalizer": {"type": "Strip", "prepend": "x"}}, "normalizer.strip_left is missing"),
    ({"pre_tokenizer": {"delimiter": " "}}, "pre_tokenizer.type is missing"),
    ({"pre_tokenizer": {"type": "Delimiter", "delimiter": " "}}, "pre_tokenizer.type 'Delimiter' is not supported"),
    ({"pre_tokenizer": {"pretokenizers": []}}, "pre_tokenizer.type is missing"),
    ({"post_processor": {"processors": []}}, "post_processor.type is missing"),
    ({"post_processor": TRIMS}, "post_processor.type is missing"),
    ({"decoder": {"decoders": []}}, "decoder.type is missing"),
    ({"model": {"vocab": SMALL}}, "model.type is missing"),
    ({"model": {"type": "Future", "vocab": SMALL, "merges": []}}, "model.type 'Future' is not supported"),
    ({"model": {"type": None, "vocab": SMALL, "merges": []}}, "model.type has a wrong type"),
    ({"later": 1}, "later is not known"),
    ({"version": "2.0"}, 'version must be "1.0"'),
    ({"model": {"type": "BPE", "vocab": SMALL, "merges": [], "dropout": 0.1}}, "model.dropout makes tokens random"),
    ({"normalizer": {**BERT["normalizer"], "strip_accents": "yes"}}, "normalizer.strip_accents has a wrong type"),
]


@pytest.mark.parametrize("parts, why", REFUSED, ids=lambda value: json.dumps(value)[:60])
def test_what_the_library_refuses_or_would_change_ids_is_refused(parts, why, tmp_path):
    model = write_folder(tmp_path / "m", tokenizer=bert_with(**parts))
    assert why in run("tokenize", "--model", model, text="hello\n", code=1)
    if "dropout" not in why:
        with pytest.raises(Exception):
            tokenizers.Tokenizer.from_str((model / "tokenizer.json").read_text())


def test_pipelines_are_as_long_as_files_have_them(tmp_path):
    marks = [replace(mark, f" {mark} ") for mark in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"]
    steps = [BERT["normalizer"], *marks, {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
             {"type": "Strip", **STRIP}]
    text = "Hello, worlds! don't"
    for more in (0, 200):
        normalizer = {"type": "Sequence", "normalizers": steps + more * [replace("hello", "hello")]}
        model = write_folder(tmp_path / f"m{more}", tokenizer=bert_with(normalizer=normalizer),
                             config_json={"model_type": "model2vec", "normalize": False, "seq_length": 1000000})
        assert tokenized(model, text) == [2, 4, 3, 8, 1, 5, 6, 7]
        assert vectors(model, text + "\n") == [[35 / 7]]  # without [UNK]


# ---- config.json, and whose it is ----

TRANSFORMERS_2 = {"architectures": ["BertModel"], "model_type": "bert", "length_penalty": 1.0, "max_length": 3,
                  "max_position_embeddings": 512, "num_beams": 1, "vocab_size": len(WORDS)}
BEFORE_2_2 = {"attention_probs_dropout_prob": 0.1, "hidden_size": 1, "num_hidden_layers": 12, "type_vocab_size": 2,
              "vocab_size": len(WORDS), "max_length": 3}
SIX, MEAN = "hello world , don ' t\n", 27 / 6


@pytest.mark.parametrize("config, whose", [
    (TRANSFORMERS_2, "transformers"), (BEFORE_2_2, "transformers"),
    ({"transformers_version": "4.40.0", "tokenizer": "BertTokenizerFast", "version": 2, "name": None, "pooling": "cls",
      "normalize": "l2", "max_length": 3}, "transformers"),
    ({"__version__": {"pytorch": "2"}, "max_length": 3, "pooling": "max"}, "another program"),
    ({"max_seq_length": 3, "do_lower_case": False, "normalize": True, "max_length": 3}, "another program"),
    ({"model_name": "x", "batch_size": 32, "max_length": 3, "pooling": "max", "tokenizer": "bert"}, "another program"),
])
def test_what_is_ours_by_name_only_does_not_change_vectors(config, whose, tmp_path):
    model = write_folder(tmp_path / "m", tokenizer=BERT, config_json=config)
    told = json.loads(run("inspect", model, "--format", "json"))
    assert told["config"]["of"] == whose and told["config"]["it_has"] in config
    assert "max_length" in told["config"]["passed_over"] and told["max_length"] is None
    assert ("vocab_size" in config) == ("vocab_size" in told["config"]["believed"])
    assert vectors(model, SIX, "--no-normalize") == [[MEAN]]
    # What is made of it is ours, and does not believe what was not believed.
    packed, folder = tmp_path / "packed", tmp_path / "folder"
    run("convert", "--input", model, "--output", packed)
    run("convert", "--input", model, "--output", folder, "--to", "folder")
    for other in (packed, folder):
        assert json.loads(run("inspect", other, "--format", "json"))["config"]["passed_over"] == []
        assert vectors(other, SIX, "--no-normalize") == [[MEAN]]
    # Who means it says so.
    (model / "config.json").write_text(json.dumps({"compat": "embedd", "max_length": 3, "hidden_size": 1}))
    assert vectors(model, SIX, "--no-normalize") == [[3.0]]


def test_a_training_goes_on_without_what_was_passed_over(tmp_path):
    model = write_folder(tmp_path / "m", tokenizer=BERT, config_json={**TRANSFORMERS_2, "version": 3, "tokenizer": "x"})
    (tmp_path / "rows.csv").write_text("text,label\n" + 8 * "hello world,a\ndon ' t,b\n")
    run("train", "--input", tmp_path / "rows.csv", "--output", tmp_path / "new", "--from", model, "--text", "text",
        "--label", "label", "--mode", "both", "--epochs", "1")
    told = json.loads(run("inspect", tmp_path / "new", "--format", "json"))
    assert (told["config"]["of"], told["max_length"], told["name"]) == ("embedd", None, "new")
    assert re.fullmatch("[0-9a-f]{16}", told["version"])


def test_a_model2vec_config_has_two_keys_of_the_same_meaning(tmp_path):
    config = {"model_type": "model2vec", "normalize": True, "max_length": 3, "pooling": "mean", "tokenizer": "x"}
    model = write_folder(tmp_path / "m", tokenizer=BERT, config_json=config)
    told = json.loads(run("inspect", model, "--format", "json"))
    assert told["config"] == {"of": "model2vec", "it_has": "model_type", "believed": ["normalize", "max_length"],
                              "passed_over": ["pooling", "tokenizer"]}
    assert (told["normalize"], told["max_length"]) == (True, 3)
    text = run("inspect", model)
    assert "of model2vec (it has model_type); believed: normalize, max_length; passed over: pooling, tokenizer\n" in text


def test_the_log_says_what_was_passed_over(tmp_path, start):
    service = start("--model", write_folder(tmp_path / "m", tokenizer=BERT, config_json=TRANSFORMERS_2))
    assert service.post("/embed", b'{"inputs": "hello", "normalize": false}').json() == [[2.0]]
    service.stop()
    assert "config.json belongs to transformers (it has model_type), so its max_length is ignored" in service.stderr()


# ---- tokens without a row ----

def added(i, content, special=True):
    return {"id": i, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": special}


WITHOUT_ROW = [added(9, "[X]"), added(10, "[Y]", special=False)]


@pytest.fixture(name="short")
def short_table(tmp_path):
    """Nine rows, and two tokens more."""
    return write_folder(tmp_path / "short", tokenizer=bert_with(added_tokens=WITHOUT_ROW), config_json={"normalize": False})


def test_a_token_without_a_row_costs_only_the_texts_that_hold_it(short, start):
    tokenizer = tokenizers.Tokenizer.from_file(str(short / "tokenizer.json"))
    text = "hello [X] world [Y]"
    assert tokenized(short, text) == tokenizer.encode(text).ids == [2, 9, 3, 10]
    assert vectors(short, f"hello world\n{text}\n[X]\n") == [[2.5], [2.5], [0.0]]
    told = json.loads(run("inspect", short, "--format", "json"))
    assert (told["vocab_size"], told["without_row"]) == (9, 2)
    service = start("--model", short)
    reply = service.post("/embed", json.dumps({"inputs": [text, "world"], "normalize": False}).encode())
    assert reply.json() == [[2.5], [3.0]] and reply.headers["x-embedd-unknown"] == "2"
    tokens = service.post("/tokenize", json.dumps({"inputs": text}).encode()).json()[0]
    assert [token["id"] for token in tokens] == [2, 9, 3, 10]
    rows = service.post("/v1/lookup", json.dumps({"text": text, "unknown": "unk"}).encode()).json()
    assert [row[0] for row in rows["data"][0]["rows"]] == [2, 1, 3, 1]
    assert service.post("/v1/ids", json.dumps({"text": text, "unknown": "skip"}).encode()).json()["data"][0]["ids"] == [2, 3]
    assert service.post("/v1/ids", json.dumps({"text": text, "unknown": "error"}).encode()).status == 422
    assert service.post("/v1/lookup", b'{"ids": [8]}').json()["data"][0]["rows"] == [[8]]
    for body in (b'{"ids": [9]}', b'{"ids": [4294967295]}'):
        assert "send ids from 0 to 8" in service.post("/v1/lookup", body).json()["error"]["message"]
    service.stop()
    assert "2 of the 11 tokens have no row in the table (9 rows)" in service.stderr()


def test_one_token_without_a_row_is_told_in_the_singular(tmp_path):
    short = write_folder(tmp_path / "m", tokenizer=bert_with(added_tokens=WITHOUT_ROW[:1]))
    done = subprocess.run([PROGRAM, "inspect", short], capture_output=True, timeout=PATIENCE_S)
    assert b"1 of the 10 tokens has no row in the table (9 rows) and counts as unknown in texts; unless it is an added token, " in done.stderr


def test_of_sentence_transformers_too_such_tokens_are_unknown(short):
    (short / "modules.json").write_text('[{"type": "sentence_transformers.models.StaticEmbedding"}]')
    assert vectors(short, "hello [X] world\n") == [[2.0]]  # with the row of [UNK]


def test_a_whole_vocabulary_may_be_longer_than_the_table(tmp_path):
    words = WORDS[2:] + ["[UNK]"]  # whose row is not there either
    model = write_folder(tmp_path / "m", values=[1, 2, 3, 4], vocab_txt="".join(word + "\n" for word in words),
                         config_json={"normalize": False})
    done = subprocess.run([PROGRAM, "embed", "--model", model], input=b"hello world s\nt what\n\xf0\x9f\x8d\x8e hello\n",
                          capture_output=True, timeout=PATIENCE_S)
    assert done.stdout == b"[1.5]\n[0]\n[1]\n", done.stderr
    assert b"4 of the 8 tokens have no row" in done.stderr
    assert [token.split("\t")[1] for token in run("vocab", "--model", model).splitlines()] == words[:4]


def test_packed_it_stays_so_and_others_are_not_given_it(short, tmp_path):
    packed, again = tmp_path / "packed", tmp_path / "again"
    run("convert", "--input", short, "--output", packed)
    run("convert", "--input", packed, "--output", again)
    for model in (packed, again):
        assert vectors(model, "hello [X] world [Y]\n") == [[2.5]]
        assert tokenized(model, "hello [X]") == [2, 9]
    for flags in (("--to", "folder"), ("--keep-top", "4")):
        assert "have no row" in run("convert", "--input", short, "--output", tmp_path / "no", *flags, code=2)


def test_a_classifier_on_such_a_table_is_trained_and_asked(short, tmp_path):
    (tmp_path / "rows.csv").write_text("text,label\n" + 8 * "hello [X] world,a\ndon ' t [Y],b\n")
    for mode in ("head", "both"):
        run("train", "--input", tmp_path / "rows.csv", "--output", tmp_path / mode, "--from", short, "--text", "text",
            "--label", "label", "--mode", mode, "--epochs", "2")
        told = run("classify", "--model", tmp_path / mode, text="hello [X]\n[Y] don '\n").splitlines()
        assert len(told) == 2
