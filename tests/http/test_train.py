# SPDX-License-Identifier: Apache-2.0
"""embedd train: from labelled rows to a folder that is served; broken off, limited, and given what is wrong."""

import csv as csv_module
import gzip
import json
import math
import random
import re
import resource
import signal
import struct
import subprocess

import httpx
import openai
import pytest
from harness import PATIENCE_S, PROGRAM, SANITIZER, TOP, environment, wait_until, write_model

one_thread = pytest.mark.slow_under_tsan  # the threads are those of the unit tests

THEMES = {
    "food": (["rice", "soup", "bread", "dinner", "kitchen", "fruit"], ["饭", "面条", "早餐", "水果", "厨房"]),
    "money": (["bank", "card", "payment", "account", "loan", "cash"], ["银行", "付款", "账户", "现金", "贷款"]),
    "travel": (["train", "ticket", "airport", "hotel", "flight", "map"], ["火车", "机票", "酒店", "航班", "行李"]),
}
TOKENS = list(dict.fromkeys(["[UNK]", "where", "is", "the", "and", "my", *"我想要告诉和"] + [
    token for english, chinese in THEMES.values() for token in english + list("".join(chinese))]))


def sentences(n, seed):
    """Texts of three labels, in turn, every other one Chinese."""
    chance = random.Random(seed)
    rows = []
    for i in range(n):
        label = list(THEMES)[i % 3]
        english, chinese = THEMES[label]
        if i % 2:
            start = chance.choice(["我想要", "告诉我", "我要"])
            rows.append((f"{start}{chance.choice(chinese)}和{chance.choice(chinese)}", label))
        else:
            start = chance.choice(["where is", "I want", "show me"])
            rows.append((f"{start} the {chance.choice(english)} and my {chance.choice(english)}", label))
    return rows


ROWS, OTHERS = sentences(90, 1), sentences(45, 2)


def csv(rows, header="text,label\n"):
    return header + "".join(f'"{text}",{label}\n' for text, label in rows)


class Trained:
    """A run of embedd train in a folder of the test's own; its output is FOLDER/own."""

    def __init__(self, folder, *flags, rows=None, stdin=b"", code=0, **options):
        if rows is not None:
            data = csv(rows) if isinstance(rows, list) else rows
            (folder / "rows").write_bytes(data if isinstance(data, bytes) else data.encode())
            flags = (f"--input={folder / 'rows'}", *flags)
        self.path = folder / "own"
        if not any(str(flag).startswith("--output") for flag in flags):
            flags = (f"--output={self.path}", *flags)
        done = subprocess.run([PROGRAM, "train", *map(str, flags)], input=stdin,
                              capture_output=True, timeout=10 * PATIENCE_S, env=environment(), **options)
        self.out, self.err = done.stdout.decode(), done.stderr.decode()
        assert not SANITIZER.search(self.err), self.err
        assert done.returncode == code if code is not None else done.returncode > 0, self.err
        # Whatever came of it, nothing is left lying about.
        assert not [path.name for path in folder.iterdir() if path.name.endswith((".tmp", ".old"))]
        if code == 0:
            assert not checkpoint_of(folder).exists()
        else:
            assert self.out == "" and self.err.splitlines()[-1].startswith("embedd train: ")

    def sentence(self):
        return self.err.splitlines()[-1]


def checkpoint_of(folder):
    return folder / "own.checkpoint"


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def evaluated(model, rows=OTHERS, *flags):
    done = subprocess.run([PROGRAM, "eval", "--model", str(model), "--input=-", "--format=json", *flags],
                          input=csv(rows).encode(), capture_output=True, timeout=10 * PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def small_model(folder):
    (folder / "small").mkdir()
    return write_model(folder / "small", TOKENS)


def header_of(data):
    return json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])


# ---- what comes of it ----


FORMS = {
    "csv": csv(ROWS),
    "semicolons": "label;text\n" + "".join(f'{label};"{text}"\n' for text, label in ROWS),
    "tsv": "label\ttext\n" + "".join(f"{label}\t{text}\n" for text, label in ROWS),
    "jsonl": "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS),
    "fasttext": "".join(f"__label__{label} {text}\n" for text, label in ROWS),
    "bom and crlf": "\ufeff" + csv(ROWS).replace("\n", "\r\n"),
}


@one_thread
def test_every_form_gives_the_same_folder(tmp_path):
    found = []
    for name, text in FORMS.items():
        (tmp_path / name).mkdir()
        done = Trained(tmp_path / name, "--epochs=20", rows=text)
        assert "a multi-class head of 3 labels, trained on 90 rows for " in done.out
        assert re.search(r"on 90 cross-validated rows: accuracy 1.0000 \(95 %: 0\.\d+ to 1.0000\)", done.out)
        found.append(files(done.path))
    assert all(one == found[0] for one in found)
    # The built-in model is packed: tokenizer and settings are in it, but for what this one is called.
    assert set(found[0]) == {"head.safetensors", "model.safetensors", "config.json"}
    result = evaluated(tmp_path / "csv" / "own")
    assert result["accuracy"] == 1 and result["kind"] == "multi-class" and result["log_loss"] < 0.1


ALIKE, UNLIKE = [text for text, _ in OTHERS[:20]], ["", "zzz qqq xxx", "Привет, как дела?"]


@one_thread
def test_what_is_unlike_the_rows_is_left_open_on_request(start, tmp_path):
    service = start("--model", str(Trained(tmp_path, "--epochs=20", rows=ROWS).path))
    with openai.OpenAI(base_url=service.url + "/v1", api_key="unused", max_retries=0) as client:
        def ask(**fields):
            return client.post("/classify", body={"text": ALIKE + UNLIKE, **fields}, cast_to=object)["data"]
        plain, rejecting, strict = ask(), ask(reject=True), ask(reject=0)
        before = [line for line in httpx.get(service.url + "/metrics").text.splitlines()
                  if line.startswith("embedd_unsure_answers_total")]
        for wrong in (1.5, "0.5"):
            with pytest.raises(openai.BadRequestError, match="reject must be a number from 0 to 1"):
                ask(reject=wrong)
    assert all(0 <= item["unsure_score"] <= 1 and "unsure" not in item and item["label"] for item in plain)
    empty, odd, foreign = (item["unsure_score"] for item in plain[len(ALIKE):])
    assert empty == 1 and 0.95 < odd < 1 and foreign == 1
    for item, same in zip(plain, rejecting):
        assert same["unsure"] == (item["unsure_score"] > 0.95) and same["scores"] == item["scores"]
        assert (same["label"], same["labels"]) == ((None, []) if same["unsure"] else (item["label"], item["labels"]))
    assert sum(item["unsure"] for item in rejecting[:len(ALIKE)]) <= 4
    assert all(item["unsure"] for item in rejecting[len(ALIKE):]) and all(item["unsure"] for item in strict)
    n_rejected = sum(item["unsure"] for item in rejecting) + len(strict)
    assert before == [f"embedd_unsure_answers_total {n_rejected}"]
    in_the_shell = subprocess.run([PROGRAM, "classify", "--model", tmp_path / "own", "--reject=0.95"],
                                  input="\n".join(ALIKE + UNLIKE) + "\n", capture_output=True, text=True, check=True)
    for line, item in zip(in_the_shell.stdout.splitlines(), rejecting, strict=True):
        assert json.loads(line) == {key: item[key] for key in ("label", "unsure", "unsure_score", "scores")}


@one_thread
def test_a_word_over_and_over_is_unlike_the_rows_unless_they_are_so(tmp_path):
    over_and_over = ["rice " * 20, "bank card " * 500]

    def scores(rows):
        model = Trained(tmp_path, "--force", "--epochs=5", rows=rows).path
        done = subprocess.run([PROGRAM, "classify", "--model", model], input="\n".join(over_and_over + ALIKE) + "\n",
                              capture_output=True, text=True, check=True)
        return [json.loads(line)["unsure_score"] for line in done.stdout.splitlines()]
    found = scores(ROWS)
    assert found[:2] == [1, 1] and max(found[2:]) < 1
    assert max(scores(ROWS + [("rice " * n, "food") for n in range(20, 23)])) < 1


def test_a_head_that_does_not_know_how_unsure_it_is_rejects_nothing(start, tmp_path):
    head = tmp_path / "own.json"
    head.write_text(json.dumps({"labels": ["x", "y"], "weight": [[0.1] * 256], "bias": [0]}))
    service = start("--heads", str(head))
    reply = httpx.post(service.url + "/v1/classify", json={"text": "rice"}).json()["data"][0]
    assert "unsure_score" not in reply
    reply = httpx.post(service.url + "/v1/classify", json={"text": "rice", "reject": 0.5})
    assert reply.status_code == 400 and "does not know how unsure it is" in reply.json()["error"]["message"]
    done = subprocess.run([PROGRAM, "classify", "--heads", head, "--reject=0.5"], input="rice\n", capture_output=True,
                          text=True)
    assert done.returncode == 2 and "does not know how unsure it is" in done.stderr
    for margins in ([], [2, 1], [-1], ["x"], 3):
        head.write_text(json.dumps({"labels": ["x", "y"], "weight": [[0.1] * 256], "bias": [0], "margins": margins}))
        done = subprocess.run([PROGRAM, "classify", "--heads", head], input="rice\n", capture_output=True, text=True)
        assert done.returncode == 1 and "margins" in done.stderr


@one_thread
def test_the_shell_explains_as_http_does(start, tmp_path):
    rows = [(text, "food" if label == "food" else "other") for text, label in ROWS]
    for name, some in (("two", rows), ("three", ROWS)):
        (tmp_path / name).mkdir()
        model = Trained(tmp_path / name, "--epochs=5", rows=some).path
        texts = [*ALIKE[:6], "", "  the   RICE, 饭 😀 zzz "]
        service = start("--model", str(model))
        reply = httpx.post(service.url + "/v1/classify", json={"text": texts, "explain": True}).json()["data"]
        done = subprocess.run([PROGRAM, "classify", "--model", model, "--explain"], input="\n".join(texts) + "\n",
                              capture_output=True, text=True, check=True)
        for line, item in zip(done.stdout.splitlines(), reply, strict=True):
            found = json.loads(line)
            assert found["explanation"] == item["explanation"]
            assert {**item, **found} == item
    (tmp_path / "hidden.json").write_text(json.dumps({
        "labels": ["x", "y"], "hidden_weight": [[0.1] * 256], "hidden_bias": [0], "weight": [[1]], "bias": [0]}))
    done = subprocess.run([PROGRAM, "classify", "--heads", tmp_path / "hidden.json", "--explain"], input="rice\n",
                          capture_output=True, text=True)
    assert done.returncode == 1 and "has a hidden layer" in done.stderr


@one_thread
def test_a_threshold_may_be_given_in_the_shell(tmp_path):
    rows = [(text, "food" if label == "food" else "other") for text, label in ROWS]
    model = Trained(tmp_path, "--epochs=20", rows=rows).path

    def labels(threshold):
        done = subprocess.run([PROGRAM, "classify", "--model", model, f"--threshold={threshold}"],
                              input="\n".join(ALIKE) + "\n", capture_output=True, text=True, check=True)
        return {json.loads(line)["label"] for line in done.stdout.splitlines()}
    assert labels(0) == {"other"} and labels(0.5) == {"food", "other"} and labels(1) == {"food"}
    (tmp_path / "many").mkdir()
    many = Trained(tmp_path / "many", "--epochs=5", rows=ROWS).path
    done = subprocess.run([PROGRAM, "classify", "--model", many, "--threshold=0.5"], input="rice\n",
                          capture_output=True, text=True)
    assert done.returncode == 2 and "--threshold: head 'default' answers with its best label" in done.stderr


@one_thread
def test_rows_that_repeat_do_not_flatter(tmp_path):
    chance = random.Random(5)
    words = TOKENS[1:40]
    rows = []
    for _ in range(300):
        text, label = " ".join(chance.choices(words, k=6)), chance.choice("xy")
        rows += [(text, label), (f"  {text.upper()} ", label)]
    done = Trained(tmp_path, "--epochs=20", rows=rows)
    # Two rows that say the same are one where chance is concerned.
    found = re.search(r"on 600 cross-validated rows: accuracy (0\.\d+) \(95 %: (0\.\d+) to", done.out)
    assert float(found[1]) < 0.6 and float(found[2]) < 0.55, done.out
    assert "300 rows that repeat an earlier one" in done.err


@one_thread
def test_rows_of_a_group_are_held_out_together(tmp_path):
    """Each author's texts have a word that tells the label of all of them, and nothing else does."""
    chance = random.Random(7)
    words, rows = TOKENS[1:30], []
    for author in range(60):
        label, own = chance.choice("xy"), f"author{author}word{author * 7919}"
        rows += [(" ".join([own, *chance.choices(words, k=6)]), label, f"a{author}") for _ in range(6)]
    chance.shuffle(rows)
    plain = "text,label,who\n" + "".join(f"{text},{label},{who}\n" for text, label, who in rows)
    lines = "".join(json.dumps({"text": text, "label": label, "by": {"name": who}}) + "\n" for text, label, who in rows)

    def accuracy(*flags, rows):
        done = Trained(tmp_path, "--force", "--epochs=20", "--ngrams", *flags, rows=rows)
        return float(re.search(r"on \d+ cross-validated rows: accuracy (0\.\d+|1\.0+)", done.out)[1])
    assert accuracy(rows=plain) > 0.9
    apart = accuracy("--group=who", rows=plain)
    assert apart < 0.7
    assert accuracy("--group=3", rows=plain) == apart == accuracy("--group=by.name", rows=lines)
    for flags, rows, sentence in ((["--group=whom"], plain, "'whom', but no column has that name"),
                                  (["--group=4"], plain, "a number from 1 to 3"),
                                  (["--group=by.id"], lines, "line 1: 'by.id' is missing"),
                                  (["--group=who"], "__label__x a\n__label__y b\n", "--group")):
        assert sentence in Trained(tmp_path, "--force", *flags, rows=rows, code=None).sentence()


def planted(n=240, every=40, seed=11):
    """Rows of which every so many have another label than their text; and the numbers of these, from 1."""
    rows, wrong = sentences(n, seed), []
    for i in range(5, n, every):
        text, label = rows[i]
        rows[i] = (text, next(other for other in THEMES if other != label))
        wrong.append(i + 1)
    return rows, wrong


@one_thread
def test_labels_that_held_out_rows_deny_are_listed(tmp_path):
    rows, wrong = planted()
    lines, report, page = tmp_path / "s.jsonl", tmp_path / "r.json", tmp_path / "r.html"
    done = Trained(tmp_path, f"--suspicious={lines}", f"--report={report}", "--texts", rows=rows)
    found = [json.loads(line) for line in lines.read_text().splitlines()]
    numbers = [one["row"] for one in found]
    assert len(set(numbers) & set(wrong)) >= 0.6 * len(wrong) and len(set(numbers) - set(wrong)) <= 2, (numbers, wrong)
    assert f"suspicious labels: {len(found)} of 240 held-out rows judged, in {lines}\n" in done.out
    assert [one["p_label"] for one in found] == sorted(one["p_label"] for one in found)
    for one in found:
        text, label = rows[one["row"] - 1]
        assert (one["text"], one["label"], one["line"]) == (text, label, one["row"] + 1)
        assert one["predicted"] != label and 0 <= one["p_label"] <= 0.1 < 0.5 < one["p"]
        assert list(one) == ["row", "line", "label", "predicted", "p", "p_label", "text"]
    held = json.loads(report.read_text())
    assert held["examples"] == 240 and f"accuracy {held['accuracy']:.4f} " in done.out
    assert (held["suspicious"]["judged"], held["suspicious"]["rows"]) == (240, len(found))
    assert [(one["row"], one["text"]) for one in held["suspicious"]["list"]] == [(one["row"], one["text"]) for one in found]
    # The same in the other forms, and no text that is not asked for.
    table, text = tmp_path / "s.csv", tmp_path / "r.txt"
    Trained(tmp_path, "--force", f"--suspicious={table}", f"--report={page}", rows=rows)
    with open(table, newline="") as file:
        same = list(csv_module.DictReader(file))
    assert [(int(row["row"]), row["label"], row["predicted"]) for row in same] == [
        (one["row"], one["label"], one["predicted"]) for one in found]
    assert list(same[0]) == ["row", "line", "label", "predicted", "p", "p_label"]
    assert '"suspicious":{"judged":240,' in page.read_text() and rows[numbers[0] - 1][0] not in page.read_text()
    done = Trained(tmp_path, "--force", f"--report={text}", rows=rows)
    assert f"suspicious labels: {len(found)} of 240 rows judged\n" in text.read_text()
    assert f"suspicious labels: {len(found)} of 240 held-out rows judged; --suspicious FILE lists them\n" in done.out


@one_thread
def test_only_rows_that_were_held_out_are_judged(tmp_path):
    rows, wrong = planted()
    lines = tmp_path / "s.jsonl"
    # A label with one row is never held out.
    done = Trained(tmp_path, f"--suspicious={lines}", rows=[*rows, ("a map of the bank", "rare")])
    assert "of 240 held-out rows judged" in done.out
    # A share of them; then those of a file of their own, which is named.
    done = Trained(tmp_path, "--force", "--validation-share=0.25", f"--suspicious={lines}", rows=rows)
    judged = int(re.search(r"of (\d+) held-out rows judged", done.out)[1])
    assert 55 <= judged <= 65 and all(json.loads(line)["row"] in wrong for line in lines.read_text().splitlines())
    (tmp_path / "more.csv").write_text(csv([*sentences(30, 8), ("the soup and the bread", "travel"), ("soup", "zebra")]))
    done = Trained(tmp_path, "--force", f"--validation={tmp_path / 'more.csv'}", f"--suspicious={lines}", rows=sentences(240, 11))
    assert "1 of 31 held-out rows judged" in done.out and json.loads(lines.read_text())["line"] == 32
    # Several files: each row has the name of its own.
    (tmp_path / "b.csv").write_text(csv(rows[120:]))
    done = Trained(tmp_path, "--force", f"--input={tmp_path / 'b.csv'}", f"--suspicious={lines}", rows=rows[:120])
    for one in map(json.loads, lines.read_text().splitlines()):
        name, before = ("rows", 0) if one["row"] <= 120 else ("b.csv", 120)
        assert (one["file"], one["line"]) == (str(tmp_path / name), one["row"] - before + 1)
    for flags, sentence in (
            (["--texts"], "give one of them"), (["--suspicious=-"], "--suspicious must name a file"),
            ([f"--report={tmp_path / 'rows'}"], "--report is the input"),
            ([f"--report={lines}", f"--suspicious={lines}"], "are the same file"),
            ([f"--suspicious={lines}", "--validation-share=0"], "holds out none")):
        assert sentence in Trained(tmp_path, "--force", *flags, rows=rows, code=2).sentence()
    done = Trained(tmp_path, "--force", f"--suspicious={tmp_path / 'no' / 'where'}", rows=rows, code=1)
    assert "cannot write" in done.sentence()


@one_thread
def test_several_labels_a_row_are_judged_one_by_one(tmp_path):
    rows = [(f"{a} {b}", "|".join(sorted({x, y}))) for (a, x), (b, y) in zip(sentences(240, 3), sentences(240, 4)[1:])]
    text, label = rows[7]
    rows[7] = (text, next(other for other in THEMES if other not in label))
    done = Trained(tmp_path, "--label-separator=|", f"--suspicious={tmp_path / 's.jsonl'}", "--texts", rows=rows)
    found = {one["row"]: one for one in map(json.loads, (tmp_path / "s.jsonl").read_text().splitlines())}
    assert (found[8]["label"], found[8]["text"]) == ([rows[7][1]], text)
    assert sorted(found[8]["predicted"]) == label.split("|") and len(found) <= 3
    assert len(found[8]["p"]) == len(found[8]["predicted"]) and found[8]["p_label"] < 0.1
    Trained(tmp_path, "--force", "--label-separator=|", f"--suspicious={tmp_path / 's.csv'}", rows=rows)
    with open(tmp_path / "s.csv", newline="") as file:
        row = next(row for row in csv_module.DictReader(file) if row["row"] == "8")
    assert json.loads(row["label"]) == [rows[7][1]] and json.loads(row["predicted"]) == found[8]["predicted"]
    assert "of 239 held-out rows judged" in done.out


def inspected(path):
    done = subprocess.run([PROGRAM, "inspect", "--format=json", path], capture_output=True, check=True)
    return json.loads(done.stdout)


@one_thread
def test_a_model_behind_a_link_has_the_name_of_the_link(start, tmp_path):
    """A folder or a packed file that is called by where it lies; one that was given a name keeps that."""
    made = {name: Trained(tmp_path, f"--output={tmp_path / name}", "--epochs=2", *flags, rows=ROWS).path
            for name, flags in (("taste-1", ()), ("taste-2", ("--seed=2",)), ("other", ("--name=called",)))}
    assert made
    versions = [inspected(tmp_path / name)["version"] for name in ("taste-1", "taste-2")]
    (tmp_path / "taste").symlink_to("taste-1")
    (tmp_path / "any").symlink_to("other")
    assert inspected(tmp_path / "taste-1")["name"] == "taste-1"
    assert [inspected(f"{tmp_path}/taste{end}")["name"] for end in ("", "/")] == ["taste"] * 2
    assert inspected(tmp_path / "any")["name"] == inspected(tmp_path / "other")["name"] == "called"
    # A packed file is called as the model that it was made of; a file of that name, as the link to it.
    packed = tmp_path / "taste-1.safetensors"
    subprocess.run([PROGRAM, "convert", "--input", tmp_path / "taste-1", "--output", packed], check=True, capture_output=True)
    (tmp_path / "now.safetensors").symlink_to(packed.name)
    assert (inspected(packed)["name"], inspected(tmp_path / "now.safetensors")["name"]) == ("taste-1", "now")
    # Under --heads the link's name was that of the head before.
    (tmp_path / "heads").mkdir()
    (tmp_path / "heads" / "linked").symlink_to(tmp_path / "taste-1")
    service = start("--model", str(tmp_path / "taste"), "--heads", str(tmp_path / "heads"), "--strict-model")
    def ask(**fields):
        return httpx.post(service.url + "/v1/classify", json={"text": "rice", **fields})
    reply = ask(model="taste")
    assert reply.json()["model"] == "taste" and reply.headers["x-embedd-model"] == f"taste/{versions[0]}"
    assert ask(model="taste-1").status_code == 404 and ask(head="linked").status_code == 200
    assert [one["id"] for one in httpx.get(service.url + "/v1/models").json()["data"]] == ["taste"]
    (tmp_path / "next").symlink_to("taste-2")
    (tmp_path / "next").rename(tmp_path / "taste")
    service.signal(signal.SIGHUP)
    wait_until(lambda: ask().headers["x-embedd-model"] == f"taste/{versions[1]}", "the other one is served")


@one_thread
def test_easy_rows_do_not_make_it_sure_of_anything(tmp_path):
    done = Trained(tmp_path, rows=sentences(240, 3))
    assert "accuracy 1.0000" in done.out
    info = json.loads(header_of((done.path / "head.safetensors").read_bytes())["__metadata__"]["temperature"])
    assert 0.7 < info < 1


@one_thread
def test_without_rows_held_out_nothing_is_known_of_it(tmp_path):
    done = Trained(tmp_path, "--epochs=5", "--validation-share=0", rows=ROWS)
    assert "nothing was held out: how good it is, and how sure it may be, is not known" in done.out
    (tmp_path / "few").mkdir()
    done = Trained(tmp_path / "few", "--epochs=5", rows=ROWS[:12])
    assert "too few rows were held out to calibrate by: probabilities are only a guess" in done.out


PACKED = {
    "gzip": (lambda text: gzip.compress(text.encode()), (), "CSV (gzip)"),
    "gzip in two members": (lambda text: gzip.compress(text[:500].encode()) + gzip.compress(text[500:].encode()), (),
                            "CSV (gzip)"),
    "utf-16 with its mark": (lambda text: text.encode("utf-16"), (), "CSV in UTF-16LE"),
    "utf-16le": (lambda text: text.encode("utf-16-le"), ("--encoding=utf-16le",), "CSV in UTF-16LE"),
    "utf-16be": (lambda text: text.encode("utf-16-be"), ("--encoding=utf-16be",), "CSV in UTF-16BE"),
    "gb18030": (lambda text: text.encode("gb18030"), ("--encoding=gb18030",), "CSV in GB18030"),
    "gb18030, gzip": (lambda text: gzip.compress(text.encode("gb18030")), ("--encoding=gb18030",), "CSV in GB18030 (gzip)"),
}


@one_thread
def test_every_packing_and_encoding_gives_the_same_folder(tmp_path):
    plain = files(Trained(tmp_path, "--epochs=2", rows=ROWS).path)
    for name, (pack, flags, told) in PACKED.items():
        done = Trained(tmp_path, "--force", "--epochs=2", *flags, rows=pack(csv(ROWS)))
        assert f"reading {told}: text = column 'text', label = column 'label'\n" in done.err, name
        assert files(done.path) == plain, name
        done = Trained(tmp_path, "--force", "--epochs=2", "--input=-", *flags, stdin=pack(csv(ROWS)))
        assert files(done.path) == plain, name


@one_thread
def test_an_encoding_that_is_not_given_is_named(tmp_path):
    for encoding, flag in (("gb18030", "if it is GB18030, give --encoding gb18030"),
                           ("utf-16-le", "this is UTF-16LE, not UTF-8; give --encoding utf-16le")):
        done = Trained(tmp_path, rows=csv(ROWS).encode(encoding), code=1)
        assert flag in done.sentence()
    done = Trained(tmp_path, "--encoding=utf-16", rows=ROWS, code=1)
    assert "has no byte order mark, which UTF-16 begins with; give --encoding utf-16le or utf-16be" in done.sentence()
    done = Trained(tmp_path, "--encoding=gb18030", rows=ROWS, code=1)
    assert "rows is UTF-8, not GB18030; leave --encoding out" in done.sentence()
    done = Trained(tmp_path, "--encoding=latin1", rows=ROWS, code=2)
    assert "--encoding must be auto, utf-8, utf-16, utf-16le, utf-16be or gb18030, not 'latin1'" in done.err


@one_thread
def test_gzip_that_is_cut_off_damaged_or_a_trap_is_named(tmp_path):
    packed = gzip.compress(csv(ROWS).encode())
    damaged = packed[:-6] + bytes([packed[-6] ^ 1]) + packed[-5:]
    for data, sentence in ((packed[:len(packed) // 2], "the gzip data is cut off; fetch the whole file"),
                           (packed[:2], "the gzip data is cut off; fetch the whole file"),
                           (damaged, "the gzip data is damaged; fetch the file again"),
                           (packed + b"more", "something that is not gzip follows the gzip data"),
                           (gzip.compress(b"text,label\n" + b"the bank,money\n" * 6_000_000), "unpacks to more than 200 times its size")):
        for flags in ((), ("--skip-bad",)):
            done = Trained(tmp_path, *flags, rows=data, code=1)
            assert sentence in done.sentence()


@one_thread
def test_several_files_are_read_as_one(tmp_path):
    plain = files(Trained(tmp_path, "--epochs=2", rows=ROWS).path)
    (tmp_path / "a.csv").write_text(csv(ROWS[:40]))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress("".join(
        json.dumps({"意图": label, "句子": text}) + "\n" for text, label in ROWS[40:70]).encode()))
    inputs = (f"--input={tmp_path / 'a.csv'}", f"--input={tmp_path / 'b.jsonl.gz'}", "--input=-")
    stdin = "".join(f"__label__{label} {text}\n" for text, label in ROWS[70:]).encode()
    done = Trained(tmp_path, "--force", "--epochs=2", *inputs, stdin=stdin)
    assert files(done.path) == plain
    assert [line for line in done.err.splitlines() if line.startswith("reading")] == [
        "reading CSV: text = column 'text', label = column 'label'",
        "reading JSONL (gzip): text = '句子', label = '意图'",
        "reading fastText: labels = words with __label__"]
    done = Trained(tmp_path, "--force", "--input=-", "--input=-", code=2)
    assert "--input - is given twice; standard input can be read once" in done.sentence()
    done = Trained(tmp_path, "--force", *inputs[:2], f"--input={tmp_path / 'none.csv'}", code=1)
    assert "none.csv cannot be opened" in done.sentence()
    done = Trained(tmp_path, "--force", *inputs[:2], f"--input={tmp_path}", code=1)
    assert f"{tmp_path} cannot be read: Is a directory" in done.sentence()
    (tmp_path / "same.csv").write_text("text,label\na,money\n")
    done = Trained(tmp_path, "--force", *[f"--input={tmp_path / 'same.csv'}"] * 2, code=1)
    assert "same.csv and 1 more: every row has the same label, 'money'" in done.sentence()


@one_thread
def test_nested_fields_go_by_path(tmp_path):
    plain = files(Trained(tmp_path, "--epochs=2", rows=ROWS).path)
    rows = [{"data": {"text": text}, "annotations": [{"label": label}]} for text, label in ROWS]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    paths = ("--text=data.text", "--label=annotations.0.label")
    done = Trained(tmp_path, "--force", "--epochs=2", *paths, rows=lines)
    assert "reading JSONL: text = 'data.text', label = 'annotations.0.label'\n" in done.err
    assert files(done.path) == plain
    lines += '{"data": {"text": "x"}, "annotations": []}\n'
    done = Trained(tmp_path, "--force", *paths, rows=lines, code=1)
    assert "line 91: 'annotations.0.label' is missing; give one" in done.sentence()
    done = Trained(tmp_path, "--force", "--epochs=2", "--skip-bad", *paths, rows=lines)
    assert files(done.path) == plain
    done = Trained(tmp_path, "--force", "--text=data.words", rows=lines, code=2)
    assert "--text is 'data.words', but nothing in it has that name" in done.sentence()


@one_thread
def test_a_folder_is_served_and_explains_itself(start, tmp_path):
    model = Trained(tmp_path, "--epochs=20", rows=ROWS).path
    texts = [text for text, _ in OTHERS[:8]] + ["", "zzz 我 the"]
    service = start("--model", str(model))
    with openai.OpenAI(base_url=service.url + "/v1", api_key="unused", max_retries=0) as client:
        reply = client.post("/classify", body={"text": texts, "explain": True}, cast_to=object)
        vector = client.embeddings.create(model="any", input="rice").data[0].embedding
    assert [item["label"] for item in reply["data"][:8]] == [label for _, label in OTHERS[:8]]
    for item in reply["data"]:
        why, best = item["explanation"], item["label"]
        total = why["bias"] + math.fsum(token["share"] for token in why["tokens"])
        assert why["label"] == best and math.isclose(total, item["logits"][best], abs_tol=1e-4)
        assert math.isclose(sum(item["scores"].values()), 1, abs_tol=1e-5)
    assert len(vector) == 256


@one_thread
def test_modes_that_train_the_table(tmp_path):
    found = {}
    for mode, flags in {"head": (), "table": (), "both": (), "scratch": ("--dim=16",)}.items():
        (tmp_path / mode).mkdir()
        done = Trained(tmp_path / mode, f"--mode={mode}", "--epochs=4", *flags, rows=ROWS)
        found[mode] = files(done.path)
        assert evaluated(done.path)["accuracy"] > 0.9, mode
    tables = {mode: content["model.safetensors"] for mode, content in found.items()}
    assert len(set(tables.values())) == 4
    shapes = {mode: header_of(data)["embeddings"]["shape"] for mode, data in tables.items()}
    # Two columns a byte. A table that moves has a row for each token, also where the model's are shared.
    assert shapes["table"] == shapes["both"] == [shapes["scratch"][0], 128] and shapes["head"] == [78000, 128]
    assert shapes["scratch"][1] == 16
    kept = json.loads(header_of(found["head"]["model.safetensors"])["__metadata__"]["embedd.config"])
    names = {mode: json.loads(content["config.json"]) for mode, content in found.items()}
    assert all("tokenizer.json" in found[mode] for mode in ("table", "both", "scratch"))
    assert {name["name"] for name in names.values()} == {"own"}
    assert len({name["version"] for name in names.values()}) == 4
    assert set(names["head"]) == {"name", "version"}
    assert names["both"]["license"] == kept["license"] and "license" not in names["scratch"]


@one_thread
def test_a_model_has_a_name_and_a_version(start, tmp_path):
    Trained(tmp_path, "--epochs=2", "--name=topics", "--version=2026-11", rows=ROWS)
    (tmp_path / "link").symlink_to(tmp_path / "own")
    service = start("--model", str(tmp_path / "link"))
    reply = service.post("/v1/classify", json.dumps({"text": "rice"}).encode())
    assert reply.json()["model"] == "topics" and reply.headers["x-embedd-model"].startswith("topics")
    info = httpx.get(service.url + "/info").json()
    assert info["model_id"] == "topics" and "topics" in str(httpx.get(service.url + "/v1/models").json())
    inspected = json.loads(subprocess.run([PROGRAM, "inspect", "--format=json", tmp_path / "own"], capture_output=True,
                                          check=True).stdout)
    assert (inspected["name"], inspected["version"]) == ("topics", "2026-11")
    head = inspected["heads"][0]
    assert head["label_names"] == sorted(THEMES) and head["knows_unsure"] and 0.5 <= head["temperature"] <= 20
    assert head["training"]["label_rows"] == [30, 30, 30] and head["training"]["seed"] == 1
    assert re.fullmatch("[0-9a-f]{16}", head["training"]["data"])
    assert head["scores"]["held_out_rows"] == 90 and len(head["scores"]["accuracy_interval"]) == 2
    shown = subprocess.run([PROGRAM, "inspect", tmp_path / "own"], capture_output=True, check=True, text=True).stdout
    assert "  labels       food, money, travel\n" in shown and '"held_out_rows":90' in shown
    # The same rows have the same version, other ones another.
    versions = []
    for folder, rows in (("a", ROWS), ("b", ROWS), ("c", ROWS[1:])):
        (tmp_path / folder).mkdir()
        done = Trained(tmp_path / folder, "--epochs=2", rows=rows)
        versions.append(json.loads((done.path / "config.json").read_text())["version"])
    assert versions[0] == versions[1] != versions[2] and re.fullmatch("[0-9a-f]{16}", versions[0])
    # A broken one is not passed over.
    (tmp_path / "own" / "config.json").write_text('{"name": 1}')
    done = subprocess.run([PROGRAM, "inspect", tmp_path / "own"], capture_output=True, text=True)
    assert done.returncode == 1 and "config.json" in done.stderr and "name" in done.stderr


@one_thread
def test_vectors_of_a_table_from_scratch_have_its_columns(start, tmp_path):
    model = Trained(tmp_path, "--mode=scratch", "--dim=16", "--epochs=2", f"--from={small_model(tmp_path)}",
                    rows=ROWS).path
    service = start("--model", str(model))
    reply = service.post("/v1/embeddings", json.dumps({"input": "the bank"}).encode())
    assert len(reply.json()["data"][0]["embedding"]) == 16
    reply = service.post("/v1/classify", json.dumps({"text": "the bank"}).encode())
    assert reply.json()["data"][0]["label"] == "money"


@one_thread
def test_a_head_leaves_the_model_byte_by_byte(tmp_path):
    small = small_model(tmp_path)
    (small / "config.json").write_text('{"name": "small",  "pooling": "mean"}')
    done = Trained(tmp_path, "--epochs=5", f"--from={small}", rows=ROWS)
    kept, own = files(small), files(done.path)
    said = json.loads(own.pop("config.json"))
    assert {**json.loads(kept.pop("config.json")), "name": "own", "version": said["version"]} == said
    assert {**own, "head.safetensors": b""} == {**kept, "head.safetensors": b""}


@one_thread
@pytest.mark.parametrize("model", ["tests/data/golden/f32", "tests/data/golden/f16", "tests/data/golden/bf16",
                                   "tests/data/golden/i8", "examples/chain/w6x2", "examples/chain/w6x8"])
def test_every_kind_of_model_can_be_started_from(model, tmp_path):
    rows = [("我爱吃饭", "meal"), ("吃饭", "meal"), ("他", "who"), ("你 我", "who"), ("他 a", "who")] * 6
    for mode in ("head", "table", "both", "scratch"):
        done = Trained(tmp_path, "--force", f"--mode={mode}", "--epochs=20", f"--from={TOP / model}", rows=rows)
        assert evaluated(done.path, [("爱吃饭", "meal"), ("你", "who")])["accuracy"] == 1


@one_thread
def test_vectors_stay_those_that_were_trained_on(tmp_path):
    """What flags and files that are not copied say of a model is said by the trained one."""
    golden = TOP / "tests/golden/static"
    def vectors(model, *flags):
        return subprocess.run([PROGRAM, "embed", "--model", model, *flags, "--format", "f32"], check=True, env=environment(),
                              input="\n".join(text for text, _ in OTHERS).encode() + b"\n", capture_output=True).stdout
    words = sorted({word for text, _ in ROWS for word in text.split()})
    (tmp_path / "glove.txt").write_text("".join(f"{word} {i % 7 - 3} {i % 5 - 2} 0.5\n" for i, word in enumerate(words)))
    (tmp_path / "config.json").write_text('{"pooling": "max"}')
    for model, flags, modes in [(golden / "st_normalize", [], ["head", "both"]), (golden / "st_plain", [], ["head"]),
                                (golden / "m2v_plain", ["--compat=model2vec-rs"], ["head", "both"]),
                                (tmp_path / "glove.txt", [], ["head"]), ("builtin", [], ["head"])]:
        for mode in modes:
            done = Trained(tmp_path, "--force", f"--mode={mode}", "--epochs=1", f"--from={model}", *flags, rows=ROWS)
            told = [json.loads(subprocess.run([PROGRAM, "inspect", path, *rest, "--format", "json"], check=True,
                                              env=environment(), capture_output=True).stdout)
                    for path, rest in ((model, flags), (done.path, []))]
            for key in ("compat", "pooling", "normalize", "max_length", "unknown"):
                assert told[0][key] == told[1][key], (model, key)
            if mode == "head":
                assert vectors(done.path) == vectors(model, *flags)


@one_thread
def test_a_vocabulary_beside_word_vectors_is_not_theirs(tmp_path):
    words = sorted({word for text, _ in ROWS for word in text.split()})
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.vec").write_text(f"{len(words)} 3\n" + "".join(f"{w} {i % 7 - 3} {i % 5 - 2} 1\n" for i, w in enumerate(words)))
    (folder / "vocab.txt").write_text("".join(f"w{i}\n" for i in range(len(words))))
    (folder / "config.json").write_text('{"pooling": "mean"}')
    for mode in ("table", "scratch"):
        done = Trained(tmp_path, "--force", f"--from={folder}", f"--mode={mode}", "--epochs=2", rows=ROWS)
        assert (done.path / "vocab.txt").read_text().split() == words
        evaluated(done.path)


@one_thread
def test_a_long_name_is_cut_to_what_is_read_again(tmp_path):
    rows = [("我爱吃饭", "meal"), ("吃饭", "meal"), ("他", "who"), ("你 我", "who")] * 6
    done = Trained(tmp_path, "--mode=both", "--epochs=1", f"--from={TOP / 'examples/chain/w6x2'}", rows=rows)
    long = tmp_path / ("n" * 220)
    subprocess.run([PROGRAM, "train", f"--input={tmp_path / 'rows'}", "--mode=both", "--epochs=1", f"--output={long}",
                    f"--from={TOP / 'examples/chain/w6x2'}"], check=True, env=environment(), capture_output=True)
    assert evaluated(long, rows)["accuracy"] == evaluated(done.path, rows)["accuracy"]


@one_thread
def test_a_models_own_head_gives_way_to_the_trained_one(tmp_path):
    first = Trained(tmp_path, "--epochs=1", rows=ROWS)
    subprocess.run([PROGRAM, "convert", "--input", first.path, "--output", tmp_path / "packed"], check=True, env=environment())
    rows = [(text, label.upper()) for text, label in ROWS]
    second = Trained(tmp_path, "--force", f"--from={tmp_path / 'packed'}", "--epochs=20", rows=rows)
    assert evaluated(second.path, [(text, label.upper()) for text, label in OTHERS])["accuracy"] > 0.9


def test_fasttext_models_are_no_start(tmp_path):
    done = Trained(tmp_path, f"--from={TOP / 'tests/data/fasttext/skipgram.bin'}", rows=ROWS, code=2)
    assert "convert it first" in done.err
    subprocess.run([PROGRAM, "convert", "--input", TOP / "tests/data/fasttext/skipgram.bin", "--output", tmp_path / "words"],
                   check=True, env=environment())
    words = [(text, label) for text in ("bread", "noodles", "dinner", "train") for label in [str(len(text) > 6)]] * 8
    Trained(tmp_path, f"--from={tmp_path / 'words'}", rows=words)


@one_thread
def test_several_labels_a_row(start, tmp_path):
    rows = [(f"{a[0]} {b[0]}", "|".join(sorted({a[1], b[1]}))) for a, b in zip(ROWS, ROWS[1:] + ROWS[:1])]
    rows += [("where is the", ""), ("我想要", "")] + ROWS
    done = Trained(tmp_path, "--label-separator=|", "--epochs=30", rows=rows)
    assert "a multi-label head of 3 labels" in done.out and "micro F1" in done.out
    assert "2 rows without a label" in done.err
    found = evaluated(done.path, OTHERS + [("rice bank", "money|food")], "--label-separator=|")
    assert found["kind"] == "multi-label" and found["micro"]["f1"] > 0.95
    service = start("--model", str(done.path))
    reply = service.post("/v1/classify", json.dumps({"text": OTHERS[0][0] + " " + OTHERS[1][0]}).encode())
    assert sorted(reply.json()["data"][0]["labels"]) == ["food", "money"]


@one_thread
def test_rare_labels_count_more_where_they_are_asked_to(tmp_path):
    rows = [(text, "common") for text, label in sentences(300, 3) if label != "travel"]
    rows += [(text, "rare") for text, label in sentences(21, 4) if label == "travel"]
    recalls = []
    for weights in ("none", "balanced"):
        done = Trained(tmp_path, "--force", f"--label-weights={weights}", "--epochs=2", "--learning-rate=0.01",
                       "--no-ngrams", rows=rows)
        found = evaluated(done.path, [(text, "rare") for text, label in OTHERS if label == "travel"])
        recalls.append(found["accuracy"])
    assert recalls[1] > recalls[0] and recalls[1] > 0.8, recalls


@one_thread
def test_few_examples_read_the_names_of_their_labels(tmp_path):
    rows = [(f"{n} {word}", label) for label, word in
            [("wet_weather", "one"), ("pet_animals", "two"), ("classical_music", "three")] for n in range(5)]
    hints = [("weather with rain", "wet_weather"), ("a pet animal", "pet_animals"), ("some music", "classical_music")]
    done = Trained(tmp_path, rows=rows)
    assert "few examples a label: settings for these were taken, and names of labels read" in done.out
    assert evaluated(done.path, hints)["accuracy"] == 1
    without = Trained(tmp_path, "--force", "--no-label-names", rows=rows)
    assert "few examples a label: settings for these were taken\n" in without.out
    assert evaluated(without.path, hints)["accuracy"] < 1


@one_thread
def test_names_that_are_numbers_are_not_said_to_be_read(tmp_path):
    done = Trained(tmp_path, rows=[("the bank", "0"), ("the soup", "1"), ("a loan", "0"), ("some bread", "1")])
    assert "few examples a label: settings for these were taken\n" in done.out


@one_thread
def test_rows_of_a_file_of_their_own_are_measured_by(tmp_path):
    (tmp_path / "held").write_text(csv(OTHERS + [("what is it", "other")]))
    done = Trained(tmp_path, f"--validation={tmp_path / 'held'}", "--epochs=20", rows=ROWS)
    assert "trained on 90 rows" in done.out
    assert "on 46 held-out rows: accuracy 0.9783" in done.out
    assert "held:\nwarning: 1 rows with a label that no training row has: all wrong\n" in done.err


# ---- the same bytes ----


def test_threads_change_nothing_and_seeds_do(tmp_path):
    flags = [f"--from={small_model(tmp_path)}", "--mode=both", "--epochs=5", "--token-dropout=0.1", "--ngram-dropout=0.3"]
    found = [files(Trained(tmp_path, "--force", f"--threads={n}", *flags, rows=ROWS).path) for n in (1, 2, 4)]
    assert found[0] == found[1] == found[2]
    other = files(Trained(tmp_path, "--force", "--seed=2", *flags, rows=ROWS).path)
    assert all(other[name] != found[0][name] for name in ("head.safetensors", "model.safetensors"))


def run_of(checkpoint):
    """Which run a checkpoint is of: 0 without one. It is renamed into place, so it is whole."""
    if not checkpoint.exists():
        return 0
    data = checkpoint.read_bytes()
    begin = header_of(data)["numbers"]["data_offsets"][0] + 8 + struct.unpack("<Q", data[:8])[0]
    return struct.unpack_from("<d", data, begin)[0]


def broken_off(folder, number, run, *flags):
    """Ends a training by a signal once its checkpoint is of that run."""
    process = subprocess.Popen([PROGRAM, "train", f"--output={folder / 'own'}", f"--input={folder / 'rows'}", *flags],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    try:
        wait_until(lambda: run_of(checkpoint_of(folder)) >= run or process.poll() is not None, "a checkpoint")
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    assert not SANITIZER.search(err.decode()), err
    return process.returncode, out.decode(), err.decode()


def killed(folder, run, *flags):
    """Kills a training in that run; one that was over before is begun again."""
    while broken_off(folder, signal.SIGKILL, run, "--force", *flags)[0] != -signal.SIGKILL:
        pass
    assert checkpoint_of(folder).exists()
    for half_written in folder.glob("own.checkpoint.*.tmp"):
        half_written.unlink()


@one_thread
@pytest.mark.parametrize("mode", ["head", "both"])
def test_a_killed_training_goes_on_to_the_same_bytes(mode, tmp_path):
    flags = [f"--from={small_model(tmp_path)}", f"--mode={mode}", "--epochs=300", "--checkpoint-every=0",
             "--patience=0"]
    unbroken = files(Trained(tmp_path, *flags, rows=ROWS).path)
    for run in (1, 2):
        killed(tmp_path, run, *flags)
        assert files(tmp_path / "own") == unbroken
    done = Trained(tmp_path, "--force", "--threads=3", *flags, rows=ROWS)
    assert f"continuing from {checkpoint_of(tmp_path)}: " in done.err and "of the last run are done" in done.err
    assert files(done.path) == unbroken


@one_thread
def test_a_checkpoint_of_other_settings_is_kept_until_it_is_told(tmp_path):
    flags = [f"--from={small_model(tmp_path)}", "--epochs=300", "--checkpoint-every=0"]
    unbroken = files(Trained(tmp_path, *flags, rows=ROWS).path)
    killed(tmp_path, 1, *flags)
    left = checkpoint_of(tmp_path).read_bytes()
    done = Trained(tmp_path, "--force", *flags, "--seed=2", rows=ROWS, code=2)
    assert "own.checkpoint belongs to a training with other data, model or settings" in done.sentence()
    assert checkpoint_of(tmp_path).read_bytes() == left
    checkpoint_of(tmp_path).write_bytes(left[:len(left) // 2])
    done = Trained(tmp_path, "--force", *flags, rows=ROWS, code=1)
    assert "own.checkpoint: " in done.sentence()
    done = Trained(tmp_path, "--force", "--no-resume", *flags, rows=ROWS)
    assert "going on" not in done.err and files(done.path) == unbroken


# ---- what ends it ----


@one_thread
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_gives_the_best_so_far(number, tmp_path):
    (tmp_path / "rows").write_text(csv(ROWS))
    code, out, err = broken_off(tmp_path, number, 1, "--epochs=10000", "--checkpoint-every=0")
    assert code == 0 and out.startswith("interrupted: this is the best so far\n"), err
    assert not checkpoint_of(tmp_path).exists()
    assert re.search(r"trained on [67]\d rows", out)  # the first of five folds is held out
    assert evaluated(tmp_path / "own")["accuracy"] > 0.9


@one_thread
def test_a_time_limit_ends_with_the_best_so_far(tmp_path):
    done = Trained(tmp_path, "--time-limit=0.3", "--epochs=10000", rows=ROWS)
    assert done.out.startswith("stopped by --time-limit: another run may give another model\n")
    assert evaluated(done.path)["accuracy"] > 0.9


@one_thread
def test_a_rate_that_is_far_too_high_breaks_no_folder(tmp_path):
    for mode in ("head", "both"):
        done = Trained(tmp_path, "--force", f"--from={TOP / 'tests/data/golden/f16'}", f"--mode={mode}",
                       "--learning-rate=10", "--table-rate=10", rows=ROWS)
        assert evaluated(done.path)["examples"] == len(OTHERS)


# ---- what is wrong ----


def test_flags_that_are_missing_or_do_not_fit(tmp_path):
    (tmp_path / "rows").write_text(csv(ROWS))
    for flags, sentence in {
        (): "--input must name a labelled file, or - for standard input",
        ("--input=-", "--output="): "--output must name a folder to write",
        ("--input=-", "--dim=8"): "--dim is for --mode scratch; leave it out",
        ("--input=-", "--mode=all"): "--mode must be head, table, both or scratch, not 'all'",
        ("--input=-", "--folds=1"): "--folds must be a whole number from 2 to 20, not '1'",
        ("--input=-", "--folds=3", "--validation-share=0.2"): "each say what is measured by; give one of them",
        ("--input=-", "--folds=3", "--validation=rows"): "each say what is measured by; give one of them",
        ("--input=-", "--name="): "--name must be 1 to 200 bytes of UTF-8 without control characters",
        ("--input=-", "--name=" + 201 * "n"): "--name must be 1 to 200 bytes of UTF-8",
        ("--input=-", "--version=a\tb"): "--version must be 1 to 200 bytes of UTF-8",
        ("--input=-", "--output=a\tb"): "the folder's name is no name for a model",
        ("--input=-", "--validation-share=0.6"): "--validation-share must be a number from 0 to 0.5, not '0.6'",
        ("--input=-", "--learning-rate=nan"): "--learning-rate must be a number from 1e-06 to 10, not 'nan'",
        ("--input=-", "--label-separator=ab"): "--label-separator must be one character",
        ("--input=-", "--epochs=0"): "--epochs must be a whole number from 1 to 10000, not '0'",
        ("rows",): "unexpected argument 'rows'",
    }.items():
        done = Trained(tmp_path, *flags, code=2)
        assert sentence in done.err and done.err.count("\n") == 1
    done = subprocess.run([PROGRAM, "train", "--input=-"], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=PATIENCE_S)
    assert done.returncode == 2 and b"--output must name the model folder to write" in done.stderr


@pytest.mark.parametrize("text, code, sentence", [
    ("", 1, "standard input is empty"),
    ("text,label\n", 1, "standard input holds no rows besides its header"),
    ("text,label\na,x\nb,x\n", 1, "standard input: every row has the same label, 'x'"),
    ('text,label\na,x\n"b,y\n', 1, "standard input, line 3: the quoted cell that begins here is not closed"),
    (b"text,label\na,x\n\xff,y\n", 1, "standard input, line 3: not UTF-8 at byte 1 (0xFF)"),
    ("text,label\na,x\nb,\n", 1, "line 3"),
    ("text,label\na,x\nb,y\0z\n", 1, "standard input, line 3: a label holds the character NUL"),
    ("a,b,c\n1,2,3\n", 2, "its first line has the columns: 'a', 'b', 'c'"),
])
def test_rows_that_are_wrong_are_named(text, code, sentence, tmp_path):
    done = Trained(tmp_path, "--input=-", stdin=text if isinstance(text, bytes) else text.encode(), code=code)
    assert sentence in done.sentence()
    assert not done.path.exists() and not checkpoint_of(tmp_path).exists()


@one_thread
def test_rows_in_which_all_but_one_have_a_label(tmp_path):
    done = Trained(tmp_path, rows=[("the bank", "money"), ("the soup", "food"), ("the bread", "food"), ("fruit", "food")])
    assert "a binary head of 2 labels, trained on 4 rows" in done.out and "held-out" not in done.out
    assert evaluated(done.path, [("bank", "money"), ("bread", "food")])["accuracy"] == 1


SPAM = "".join(f"{label},{text} {i},,,\n" for i in range(20) for label, text in (
    ("ham", "see you at lunch"), ("spam", "win a prize now")))


@one_thread
@pytest.mark.parametrize("separator", [",", "\t", ";"])
@pytest.mark.parametrize("header", [
    "v1,v2,,,", "Kind,Message Sent,,,", "好坏,说法,,,", "v1,v2,Unnamed: 2,Unnamed: 3,Unnamed: 4",
    "label,Unnamed: 1,Is it sure?,2nd opinion,"])
def test_a_header_is_recognized_where_columns_go_by_number(header, separator, tmp_path):
    rows = (header + "\n" + SPAM).replace(",", separator)
    name = header.partition(",")[0]
    by_number = ("--text=2", "--label=1", "--epochs=2")
    done = Trained(tmp_path, *by_number, rows=rows)
    assert "a binary head of 2 labels, trained on 40 rows" in done.out
    assert (f"rows: the first row is a header, and left out: its label '{name}' is nowhere else "
            "(--header no keeps it)\n") in done.err
    kept = Trained(tmp_path, *by_number, "--force", "--header=no", rows=rows)
    assert "of 3 labels, trained on 41 rows" in kept.out and "header" not in kept.err
    said = Trained(tmp_path, *by_number, "--force", "--header=yes", rows=rows)
    assert "of 2 labels, trained on 40 rows" in said.out
    assert f"label = column '{name}'" in said.err and "warning" not in said.err
    # The very same bytes as without that line.
    bytes_of_both = files(said.path)
    Trained(tmp_path, *by_number, "--force", rows=SPAM.replace(",", separator))
    assert files(said.path) == bytes_of_both


@one_thread
@pytest.mark.parametrize("first, labels", [
    ("ham,ok,,,", 2), ("ham,I am here!,,,", 2), ("other,call me back when you can,,,", 3), ("other,ok 7,,9,", 3),
    ("Spam?,SMS,,,", 3), ("1,0,2,3,4", 3), ("airline_sentiment:gold,tweet.text,,,", 3),
    ("是否推荐？,评论内容（原文）,,,", 3), ("label,The text of the review in English,,,", 3)])
def test_a_file_without_a_header_keeps_its_first_row(first, labels, tmp_path):
    done = Trained(tmp_path, "--text=2", "--label=1", "--epochs=2", rows=first + "\n" + SPAM)
    assert f"of {labels} labels, trained on 41 rows" in done.out and "is a header, and" not in done.err
    # One label more than all others, which recur, may be a header's.
    assert ("if that row is a header, give --header yes" in done.err) == (labels == 3)


BAD = ("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in ROWS[:50]) + 'the bank\nthe soup,,food\n,food\nthe bread, \n'
       'the rice,fo\0od\n').encode() + b"caf\xe9,food\n" + csv(ROWS[50:], "").encode() + b'"the "card" is lost",money\n'


@one_thread
def test_rows_that_cannot_be_read_are_left_out_and_listed(tmp_path):
    done = Trained(tmp_path, "--skip-bad", "--epochs=2", rows=BAD)
    assert "of 3 labels, trained on 90 rows" in done.out
    assert ("rows: 7 rows left out by --skip-bad: 2 with another number of columns, 1 with quotes that do not fit, "
            "1 with bytes that are no text, 1 with an empty label, 1 with the character NUL in a label, "
            "1 with an empty text\n") in done.err
    listed = [line for line in done.err.splitlines() if line.startswith("  ")]
    assert [line.partition(": ")[0].rpartition(", ")[2] for line in listed[:5]] == [f"line {n}" for n in range(52, 57)]
    assert listed[5:] == ["  and 2 more"]
    # The very same bytes as without these rows.
    bytes_of_both = files(done.path)
    Trained(tmp_path, "--force", "--epochs=2", rows=ROWS)
    assert files(done.path) == bytes_of_both
    done = Trained(tmp_path, "--force", rows=BAD, code=1)
    assert "line 52: 1 column where the first row has 2" in done.sentence()
    assert done.sentence().endswith(" (--skip-bad leaves such rows out)")


@one_thread
def test_a_file_of_bad_rows_alone_says_what_is_wrong(tmp_path):
    done = Trained(tmp_path, "--skip-bad", rows="text,label\na,\nb,\n", code=1)
    assert "rows holds no row that can be read, of 2; " in done.sentence() and "line 2: its label is empty" in done.sentence()


@one_thread
def test_a_column_that_is_missing_far_down_is_named(tmp_path):
    rows = [json.dumps({"text": text, "label": label}) for text, label in ROWS * 600]
    del rows[50000:]
    rows[-1] = '{"text": "the bank"}'
    done = Trained(tmp_path, rows="\n".join(rows), code=1)
    assert done.sentence().endswith("line 50000: 'label' is missing; give one, or leave the line out (--skip-bad leaves such rows out)")
    done = Trained(tmp_path, "--skip-bad", "--epochs=1", "--no-ngrams", rows="\n".join(rows))
    assert "rows: 1 row left out by --skip-bad: 1 with no usable text or label\n" in done.err


@one_thread
def test_two_columns_without_a_header_are_told_by_looking(tmp_path):
    plain = "".join(f"{label}\t{text}\n" for text, label in ROWS)
    told = "reading TSV: text = column 2, label = column 1, which has 3 different values in 89 rows\n"
    done = Trained(tmp_path, "--epochs=2", rows=plain)
    assert "of 3 labels, trained on 90 rows" in done.out and told in done.err
    bytes_of_both = files(done.path)
    Trained(tmp_path, "--epochs=2", "--force", "--text=2", "--label=1", rows=plain)
    assert files(done.path) == bytes_of_both
    done = Trained(tmp_path, "--epochs=2", "--force", rows=csv(ROWS, "what was said,about what\n"))
    assert "of 3 labels, trained on 90 rows" in done.out and "text = column 1, label = column 2, which has" in done.err
    assert "the first row is a header, and left out: its label 'about what' is nowhere else" in done.err
    done = Trained(tmp_path, "--force", rows="".join(f"{label}\t{label}\n" for _, label in ROWS), code=2)
    assert "cannot tell which is the text and which the label; give --text and --label" in done.sentence()


@one_thread
def test_columns_with_chinese_names_are_found(tmp_path):
    done = Trained(tmp_path, "--epochs=2", rows=csv(ROWS, "\ufeff评论内容,＂类别＂\n"))
    assert "reading CSV: text = column '评论内容', label = column '＂类别＂'\n" in done.err
    done = Trained(tmp_path, "--force", rows="评论,内容,类别\na,b,c\n", code=2)
    assert "cannot tell which is the text; give --text, a name" in done.sentence()
    assert "'评论', '内容', '类别'" in done.sentence()


@one_thread
def test_what_may_be_a_header_is_warned_about(tmp_path):
    # Few rows, and labels that come once, do not tell.
    few = "v1,v2\n" + "ham,see you\nspam,a prize\n" * 3
    once = "v1,v2,,,\n" + SPAM + "rare,something else,,,\n"
    for rows, labels in ((few, 3), (once, 4)):
        done = Trained(tmp_path, "--force", "--text=2", "--label=1", "--epochs=2", rows=rows)
        assert f"of {labels} labels" in done.out
        assert ("rows: the label 'v1' of the first row is nowhere else; if that row is a header, "
                "give --header yes\n") in done.err
    again = "v1,v2,,,\n" + SPAM + "v1,v2,,,\n" + SPAM
    done = Trained(tmp_path, "--force", "--text=v2", "--label=v1", "--epochs=2", rows=again)
    assert ("rows, line 42: the label is the name of its column, as in a header; leave such rows "
            "out\n") in done.err
    done = Trained(tmp_path, "--force", "--label=kind", "--header=no", rows=csv(ROWS), code=2)
    assert "--header no says that there are no names" in done.sentence()
    done = Trained(tmp_path, "--force", "--text=2", "--label=1", rows="a\0b,see you\n" + SPAM.replace(",,,", ""), code=1)
    assert "line 1: a label holds the character NUL" in done.sentence()


@one_thread
def test_a_header_of_the_validation_file_is_recognized_too(tmp_path):
    (tmp_path / "held").write_text("v1,v2,,,\n" + SPAM[:200].rpartition("\n")[0] + "\n")
    done = Trained(tmp_path, "--text=2", "--label=1", "--epochs=2", f"--validation={tmp_path / 'held'}",
                   rows="v1,v2,,,\n" + SPAM)
    assert done.err.count("is a header, and left out") == 2 and "all wrong" not in done.err


@one_thread
def test_rows_that_come_twice_are_counted(tmp_path):
    rows = ROWS[:30] + ROWS[:3] + [(ROWS[4][0], "travel"), ("\u2603", "food"), ("", "food")]
    known = len(rows) - len(set(rows))
    done = Trained(tmp_path, "--epochs=2", rows=rows)
    assert f"warning: {known} rows that repeat an earlier one\n" in done.err
    assert "warning: 1 rows whose text came earlier with another label\n" in done.err
    assert "rows without a token that the model knows\n" in done.err


@one_thread
def test_a_column_that_is_no_label_is_found_out(tmp_path):
    rows = "text,label\n" + "".join(f"thing,l{i}\n" for i in range(100000))
    done = Trained(tmp_path, rows=rows, code=1)
    assert "different labels in " in done.sentence() and "name the column of the labels with --label" in done.sentence()
    done = Trained(tmp_path, "--label=kind", rows=csv(ROWS), code=2)
    assert "--label is 'kind', but nothing in it has that name" in done.sentence() and "'text', 'label'" in done.sentence()


@one_thread
def test_a_line_of_ten_megabytes_is_a_row_like_any_other(tmp_path):
    done = Trained(tmp_path, "--epochs=2", "--no-ngrams", rows=ROWS + [("word " * 2_000_000, "food")])
    assert "trained on 91 rows" in done.out
    assert evaluated(done.path)["examples"] == len(OTHERS)


@one_thread
def test_rows_to_measure_by_must_fit_those_to_train_on(tmp_path):
    (tmp_path / "held").write_text('{"text": "a", "label": ["food", "money"]}\n')
    done = Trained(tmp_path, f"--validation={tmp_path / 'held'}", rows=ROWS, code=1)
    assert "has rows with several labels or none, but the training rows have one each" in done.sentence()
    done = Trained(tmp_path, f"--validation={tmp_path / 'none'}", rows=ROWS, code=1)
    assert "none cannot be opened" in done.sentence()


@one_thread
def test_a_maximum_has_no_table_to_train(tmp_path):
    small = small_model(tmp_path)
    (small / "config.json").write_text('{"pooling": "max"}')
    for mode in ("table", "both", "scratch"):
        done = Trained(tmp_path, f"--from={small}", f"--mode={mode}", rows=ROWS, code=2)
        assert "--mode must be head for this model: its pooling is max" in done.sentence()
    Trained(tmp_path, f"--from={small}", "--epochs=2", rows=ROWS)


# ---- where it is written ----


@one_thread
def test_a_folder_that_is_there_is_kept_unless_it_is_told(tmp_path):
    small = small_model(tmp_path)
    flags = [f"--from={small}", "--epochs=2"]
    first = files(Trained(tmp_path, *flags, rows=ROWS).path)
    done = Trained(tmp_path, *flags, "--seed=2", rows=ROWS, code=2)
    assert "exists; give another one, or --force to replace it" in done.sentence()
    assert files(done.path) == first
    second = files(Trained(tmp_path, *flags, "--force", "--seed=2", rows=ROWS).path)
    assert second["head.safetensors"] != first["head.safetensors"]
    (tmp_path / "own" / "notes.txt").write_text("mine")
    done = Trained(tmp_path, *flags, "--force", rows=ROWS, code=2)
    assert "holds 'notes.txt', which is not a file of a model, so the folder is not replaced" in done.sentence()
    assert files(done.path) == {**second, "notes.txt": b"mine"}


@one_thread
def test_a_folder_that_cannot_be_written_is_found_out_first(tmp_path):
    done = Trained(tmp_path, f"--output={tmp_path / 'none' / 'own'}", rows=ROWS, code=1)
    assert "--output: cannot write into" in done.err and done.err.count("\n") == 1
    done = Trained(tmp_path, f"--output={tmp_path / 'rows'}", "--force", rows=ROWS, code=2)
    assert "exists and is not a folder" in done.sentence()


def limit_files(size):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit


@one_thread
@pytest.mark.parametrize("flags", [(), ("--checkpoint-every=0",)])
def test_a_full_disk_leaves_the_older_folder(flags, tmp_path):
    own = [f"--from={small_model(tmp_path)}", "--epochs=3", *flags]
    before = files(Trained(tmp_path, *own, rows=ROWS).path)
    assert max(map(len, before.values())) > 5000
    done = Trained(tmp_path, "--force", "--seed=2", *own, rows=ROWS, code=1, preexec_fn=limit_files(4096))
    assert "cannot write" in done.sentence() and "File too large" in done.sentence()
    assert files(done.path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own", "rows", "small"]
