# SPDX-License-Identifier: Apache-2.0
"""embedd eval: a head measured on labelled rows, in every input format and every report."""

import base64
import csv
import gzip
import hashlib
import json
import math
import os
import random
import re
import resource
import signal
import subprocess

import pytest
from harness import PATIENCE_S, PROGRAM, TOP

pytestmark = pytest.mark.slow_under_tsan  # one thread

MODEL = str(TOP / "examples" / "chain" / "w6x2")
HEAD = str(TOP / "examples" / "heads" / "meal.json")
# What the head says: meal, other, meal (an empty text; p = 0.5), meal.
ROWS = [("我爱吃饭", "meal"), ("我", "other"), ("", "other"), ("饭", "meal")]
CSV = "text,label\r\n" + "".join(f'"{text}",{label}\r\n' for text, label in ROWS)
INPUTS = {
    "csv": "\ufeff" + CSV,
    "tsv": "label\ttext\n" + "".join(f"{label}\t{text}\n" for text, label in ROWS),
    "jsonl": "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS),
    "fasttext": "".join(f"__label__{label} {text}\n" for text, label in ROWS),
}


def run(*flags, stdin="", heads=HEAD, **more):
    return subprocess.run([PROGRAM, "eval", "--model", MODEL, "--heads", heads, *flags],
                          input=stdin.encode(), capture_output=True, timeout=10 * PATIENCE_S, **more)


def evaluated(*flags, stdin=""):
    done = run("--format=json", *flags, stdin=stdin)
    assert done.returncode == 0 and done.stderr == b"", done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", INPUTS)
def test_every_format_gives_the_same_figures(name, tmp_path):
    path = tmp_path / "rows"
    path.write_text(INPUTS[name], encoding="utf-8", newline="")
    for found in (evaluated("--input", str(path)), evaluated("--input", "-", stdin=INPUTS[name]),
                  evaluated("--input", str(path), "--input-format", name)):
        assert (found["head"], found["kind"], found["examples"]) == ("meal", "binary", 4)
        assert found["accuracy"] == 0.75 and found["unknown_labels"] == 0
        meal = next(one for one in found["classes"] if one["label"] == "meal")
        assert (meal["support"], meal["predicted"], meal["correct"]) == (2, 3, 2)
        assert found["confusions"] == [{"truth": "other", "predicted": "meal", "n": 1}]


def test_columns_without_a_header_go_by_number():
    rows = "".join(f"{label}\t{text}\n" for text, label in ROWS)
    assert evaluated("--input=-", "--text=2", "--label=1", stdin=rows)["accuracy"] == 0.75


def test_several_files_in_any_packing_and_encoding_are_one_set(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\n我爱吃饭,meal\n", encoding="utf-16")
    (tmp_path / "b.tsv").write_bytes(gzip.compress("label\ttext\nother\t我\n".encode("gb18030")))
    one, two = (f"--input={tmp_path / name}" for name in ("a.csv", "b.tsv"))
    found = evaluated(one, f"--input=-", stdin="text,label\n,other\n饭,meal\n")
    assert (found["examples"], found["input"]) == (3, f"{tmp_path / 'a.csv'} and 1 more")
    both = evaluated(two, "--encoding=gb18030")
    assert both["examples"] == 1 and both["accuracy"] == 1
    done = run(one, two)
    assert done.returncode == 1 and b"--encoding gb18030" in done.stderr
    done = run(one, f"--input={tmp_path / 'none'}")
    assert done.returncode == 1 and b"none cannot be opened" in done.stderr


def test_rows_are_numbered_through_all_files(tmp_path):
    (tmp_path / "a.tsv").write_text("v1\tv2\nmeal\t我爱吃饭\nother\t我\n")
    (tmp_path / "b.tsv").write_text("meal\t饭\n")
    inputs = (f"--input={tmp_path / 'a.tsv'}", f"--input={tmp_path / 'b.tsv'}", "--text=2", "--label=1")
    done = run(*inputs, f"--predictions={tmp_path / 'said.csv'}")
    assert done.returncode == 0, done.stderr
    with open(tmp_path / "said.csv", newline="") as file:
        found = list(csv.DictReader(file))
    first, second = str(tmp_path / "a.tsv"), str(tmp_path / "b.tsv")
    assert list(found[0])[:4] == ["row", "file", "line", "truth"]
    assert [tuple(row[key] for key in ("row", "file", "line", "truth")) for row in found] == [
        ("2", first, "2", "meal"), ("3", first, "3", "other"), ("4", second, "1", "meal")]
    run(*inputs, "--output=/dev/null", f"--predictions={tmp_path / 'said.jsonl'}")
    lines = [json.loads(line) for line in (tmp_path / "said.jsonl").read_text().splitlines()]
    assert [(row["file"], row["line"]) for row in lines] == [(first, 2), (first, 3), (second, 1)]
    # Of one file nobody needs the name.
    run(f"--input={tmp_path / 'b.tsv'}", "--text=2", "--label=1", "--output=/dev/null", f"--predictions={tmp_path / 'said.jsonl'}")
    assert list(json.loads((tmp_path / "said.jsonl").read_text()))[:2] == ["row", "line"]
    done = run(*inputs, f"--predictions={tmp_path / 'b.tsv'}")
    assert done.returncode == 2 and b"--predictions is the input" in done.stderr


def test_rows_left_out_of_the_file_that_texts_were_seen_in_are_counted(tmp_path):
    seen = tmp_path / "train.csv"
    seen.write_text(CSV + "x\r\ny,\r\n")
    (tmp_path / "rows.csv").write_text("text,label\n我,other\n饭,meal\n")
    done = run(f"--input={tmp_path / 'rows.csv'}", f"--seen-in={seen}", "--skip-bad", "--format=json")
    assert json.loads(done.stdout)["seen_in"]["rows"] == 2
    assert done.stderr.decode().splitlines()[0] == (
        f"embedd eval: --seen-in {seen}: 3 rows left out by --skip-bad: 1 with another number of columns, "
        "1 with an empty label, 1 with an empty text")
    done = run(f"--input={tmp_path / 'rows.csv'}", f"--seen-in={seen}")
    assert done.returncode == 1 and b"train.csv, line 6: 1 column" in done.stderr


def test_two_columns_without_names_are_told_by_looking():
    rows = "".join(f"{label}\t{text}{i}\n" for i in range(3) for text, label in ROWS if text)
    done = run("--format=json", "--input=-", stdin=rows)
    found = json.loads(done.stdout)
    by_number = evaluated("--input=-", "--text=2", "--label=1", stdin=rows)
    assert {**found, "seconds": 0} == {**by_number, "seconds": 0}
    assert done.stderr.decode() == (
        "embedd eval: reading TSV: text = column 2, label = column 1, which has 2 different values in 8 rows\n")


def test_rows_that_cannot_be_read_are_left_out_and_listed():
    done = run("--format=json", "--input=-", "--skip-bad", stdin=CSV + "x\r\ny,\r\n")
    found = json.loads(done.stdout)
    # Without the row whose text is empty, too.
    assert found["examples"] == 3 and found["accuracy"] == 1
    assert done.stderr.decode().splitlines()[0] == (
        "embedd eval: 3 rows left out by --skip-bad: 1 with another number of columns, 1 with an empty label, "
        "1 with an empty text")
    assert done.stderr.decode().count("\n  standard input, line ") == 3
    done = run("--input=-", stdin=CSV + "x\r\n")
    assert done.returncode == 1 and b"line 6: 1 column" in done.stderr and b"(--skip-bad leaves such rows out)" in done.stderr


def test_a_header_is_recognized_where_columns_go_by_number():
    rows = "".join(f"{label}\t{text}\n" for text, label in ROWS)
    by_number = ("--input=-", "--text=2", "--label=1")
    done = run("--format=json", *by_number, stdin="v1\tv2\n" + rows)
    found = json.loads(done.stdout)
    assert (found["examples"], found["unknown_labels"], found["accuracy"]) == (4, 0, 0.75)
    assert done.stderr.decode() == (
        "embedd eval: the first row is a header: neither the head nor another row has its label "
        "'v1' (--header no counts it)\n")
    said = evaluated(*by_number, "--header=yes", stdin="v1\tv2\n" + rows)
    assert {**said, "seconds": 0} == {**found, "seconds": 0}
    assert evaluated(*by_number, "--header=no", stdin="v1\tv2\n" + rows)["unknown_labels"] == 1
    # A label that others have, or the head knows, is no header's.
    assert evaluated(*by_number, stdin="v1\tv2\n" + rows + "v1\t饭\n")["unknown_labels"] == 2
    assert evaluated(*by_number, stdin="meal\tv2\n" + rows)["examples"] == 5
    # What does not look like names is counted, and warned of.
    done = run("--format=json", *by_number, stdin="Kind?\tv2\n" + rows)
    assert json.loads(done.stdout)["unknown_labels"] == 1
    assert done.stderr.decode() == (
        "embedd eval: warning: neither the head nor another row has the label 'Kind?' of the first row; if that row is "
        "a header, give --header yes\n")


def test_a_label_that_the_head_does_not_know_is_counted():
    found = evaluated("--input=-", stdin=CSV + "我,drink\r\n")
    assert found["examples"] == 5 and found["unknown_labels"] == 1 and found["accuracy"] == 0.6


def wilson(n_right, n):
    p, z = n_right / n, 1.959963984540054
    middle, reach = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return [max(0, (middle - reach) / (1 + z * z / n)), min(1, (middle + reach) / (1 + z * z / n))]


def drawn_f1(rows, n_labels, is_over_all, random, times=4000):
    """The middle 95 % of macro and micro F1 when rows (truths, answers) are drawn again."""
    found = []
    for _ in range(times):
        support, predicted, correct = ([0] * n_labels for _ in range(3))
        for truths, answers in random.choices(rows, k=len(rows)):
            for i in truths:
                support[i] += 1
            for i in answers:
                predicted[i] += 1
                correct[i] += i in truths
        each = [2 * c / (s + p) for s, p, c in zip(support, predicted, correct) if s + p]
        found.append((sum(each) / (n_labels if is_over_all else len(each)),
                      2 * sum(correct) / (sum(support) + sum(predicted))))
    return [[sorted(column)[int(times * share)] for share in (0.025, 0.975)] for column in zip(*found)]


def test_intervals_are_wilsons_and_the_bootstraps(tmp_path):
    heads, chance = odd_head(tmp_path / "odd.json"), random.Random(3)
    texts = ["我", "我爱", "吃饭", "饭", "爱", "我爱吃饭", "他"]
    stdin = "".join(json.dumps({"text": chance.choice(texts), "label": chance.choice(ODD)}) + "\n" for _ in range(300))
    for kind in ("multi-class", "multi-label"):
        odd_head(tmp_path / "odd.json", kind)
        rows = predictions(tmp_path / "p.jsonl", stdin=stdin, heads=heads)
        done = run("--input=-", "--format=json", stdin=stdin, heads=heads)
        found = json.loads(done.stdout)
        n_right = sum(row["right"] for row in rows)
        assert found["accuracy_interval"] == pytest.approx(wilson(n_right, 300), rel=1e-5)
        for one in found["classes"]:
            for key, n in (("precision", one["predicted"]), ("recall", one["support"])):
                assert one[f"{key}_interval"] == (pytest.approx(wilson(one["correct"], n), rel=1e-5, abs=1e-9)
                                                  if n else None)
        index = {label: i for i, label in enumerate(ODD)}
        listed = [([row["truth"]], [row["predicted"]]) if kind == "multi-class" else (row["truth"], row["predicted"])
                  for row in rows]
        again = drawn_f1([([index[t] for t in a], [index[t] for t in b]) for a, b in listed], 6, kind == "multi-label",
                         random.Random(4))
        if kind == "multi-class":
            assert found["micro"]["f1_interval"] == found["accuracy_interval"]
        for key, expected in zip(("macro", "micro"), again):
            low, high = found[key]["f1_interval"]
            assert low < found[key]["f1"] < high
            assert abs(low - expected[0]) < 0.01 and abs(high - expected[1]) < 0.01
        assert {**json.loads(run("--input=-", "--format=json", stdin=stdin, heads=heads).stdout), "seconds": 0} == {
            **found, "seconds": 0}


def hash_of(page, tag):
    """Of the one element of that name without attributes, as a content security policy writes it."""
    content, = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def test_the_page_is_one_file_that_needs_nothing_else(tmp_path):
    path = tmp_path / "report.html"
    assert run("--input=-", "--format=html", "--output", str(path), stdin=CSV).returncode == 0
    page = path.read_bytes().decode()
    assert not re.search(r"\s(src|href|on\w+|style)=|@import|url\(|<link|<iframe", page)
    assert re.findall(r"https?://[^'\" ]*", page) == ["http://www.w3.org/2000/svg"]  # a name, not a place
    data = re.search(r'<script id="report" type="application/json">(.*?)</script', page, re.DOTALL).group(1)
    assert {**json.loads(data), "seconds": 0} == {**evaluated("--input=-", stdin=CSV), "seconds": 0}


def test_the_policy_of_the_page_lets_its_own_script_and_style_pass_alone():
    page = run("--input=-", "--format=html", stdin=CSV).stdout.decode()
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="(.*?)">', page).group(1)
    assert policy == (f"default-src 'none'; script-src '{hash_of(page, 'script')}'; "
                      f"style-src '{hash_of(page, 'style')}'; base-uri 'none'; form-action 'none'")


def test_the_text_says_the_same():
    done = run("--input=-", stdin=CSV)
    assert done.returncode == 0 and b"Accuracy              0.7500" in done.stdout
    assert b"input             standard input" in done.stdout


# ---- texts in the report ----

WRONG = CSV + "".join(f"{text},other\r\n" for text in ("饭饭", "饭我", "饭")) + "他,meal\r\n"


def test_the_report_shows_texts_of_confusions_where_asked(tmp_path):
    listed = predictions(tmp_path / "p.jsonl", "--wrong", "--texts", stdin=WRONG)
    found = evaluated("--input=-", "--examples=2", stdin=WRONG)
    assert [(pair["truth"], pair["n"], len(pair["examples"])) for pair in found["confusions"]] == [
        ("other", 3, 2), ("meal", 1, 1)]
    for pair in found["confusions"]:
        want = sorted((row for row in listed if row["truth"] == pair["truth"]), key=lambda row: -row["p"])
        assert [(one["row"], one["line"], one["text"]) for one in pair["examples"]] == [
            (row["row"], row["line"], row["text"]) for row in want][:2]
        assert [one["p"] for one in pair["examples"]] == pytest.approx([row["p"] for row in want][:2], rel=1e-5)
    text = run("--input=-", "--examples=1", stdin=WRONG).stdout.decode()
    assert "\nother, taken for meal\n         p      line\n" in text and text.count("   饭") == 1
    page = run("--input=-", "--examples=1", "--format=html", stdin=WRONG).stdout.decode()
    assert '"examples":[{"row":' in page and '"text":"饭' in page


def test_tokens_that_pulled_are_told_with_their_share_of_the_logit(tmp_path):
    # A text of one token: what it adds is all but the bias.
    found = evaluated("--input=-", "--examples=1", stdin="text,label\n饭,other\n我,meal\n")
    for pair, token in zip(found["confusions"], ("饭", "我"), strict=True):
        p, = (one["p"] for one in pair["examples"])
        assert pair["tokens"] == [{"token": token, "share": pytest.approx(math.log(p / (1 - p)), rel=1e-3)}]
    heads = odd_head(tmp_path / "odd.json")
    stdin = "".join(json.dumps({"text": "饭", "label": label}) + "\n" for label in (ODD[1], ODD[1], "nobody's"))
    row = predictions(tmp_path / "p.jsonl", "--top-k=6", stdin=stdin, heads=heads)[0]
    p, bias = {one["label"]: one["p"] for one in row["top"]}, dict(zip(ODD, [0, 0.1, 0.2, 0.3, 0.4, 0.5]))
    done = run("--input=-", "--examples=1", "--format=json", stdin=stdin, heads=heads)
    pair, unknown = json.loads(done.stdout)["confusions"]
    assert pair["n"] == 2 and unknown["truth"] is None
    logit = math.log(p[row["predicted"]] / p[ODD[1]])
    assert pair["tokens"] == [{"token": "饭", "share": pytest.approx(
        logit - bias[row["predicted"]] + bias[ODD[1]], rel=1e-4)}]
    assert len(unknown["tokens"]) == 1
    text = run("--input=-", "--examples=1", stdin="text,label\n饭,other\n").stdout.decode()
    assert re.search(r"\n    pulled by 饭 \d\.\d\d\n", text)


def test_no_text_goes_into_a_report_unasked():
    for form in ("text", "json", "html"):
        for flags in ((), ("--examples=0",)):
            assert "饭".encode() not in run("--input=-", "--format", form, *flags, stdin=WRONG).stdout


def test_examples_are_for_heads_that_answer_with_one_label(tmp_path):
    done = run("--input=-", "--examples=1", stdin='{"text": "我", "label": ["plain"]}',
               heads=odd_head(tmp_path / "odd.json", "multi-label"))
    assert done.returncode == 2 and b"--examples needs a head that answers with one label" in done.stderr
    done = run("--input=-", "--examples=1001", stdin=CSV)
    assert done.returncode == 2 and b"--examples must be a whole number from 0 to 1000" in done.stderr


# ---- predictions ----

# Weights that tell the two dimensions of the model apart; labels that hold all that CSV cares about.
ODD = ['say "no", he said', "line\r\nbreak", "\U0001f35c, emoji 👍🏽", "=1+1", "plain", "[\"a\"]"]


def odd_head(path, kind="multi-class"):
    head = {"labels": ODD, "kind": kind, "bias": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5],
            "weight": [[-3, 2], [2, -3], [1, 1], [-1, -1], [0.5, 0], [0, 0.5]]}
    path.write_text(json.dumps(head), encoding="utf-8")
    return str(path)


def predictions(path, *flags, stdin=CSV, heads=HEAD):
    done = run("--input=-", "--predictions", str(path), *flags, stdin=stdin, heads=heads)
    assert done.returncode == 0, done.stderr
    with open(path, encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            return list(csv.DictReader(file, strict=True))
        return [json.loads(line) for line in file]


def test_predictions_are_a_record_a_row(tmp_path):
    rows = predictions(tmp_path / "p.csv")
    assert list(rows[0]) == ["row", "line", "truth", "predicted", "p", "right", "label_1", "p_1", "label_2", "p_2"]
    assert [(row["row"], row["line"], row["truth"], row["predicted"], row["right"]) for row in rows] == [
        ("1", "2", "meal", "meal", "true"), ("2", "3", "other", "other", "true"),
        ("3", "4", "other", "meal", "false"), ("4", "5", "meal", "meal", "true")]
    assert all(row["label_1"] == row["predicted"] and row["p_1"] == row["p"] for row in rows if row["row"] != "3")
    assert rows[2]["p"] == "0.5"
    asked = subprocess.run([PROGRAM, "classify", "--model", MODEL, "--heads", HEAD], input="我爱吃饭\n".encode(),
                           capture_output=True, check=True)
    assert json.loads(asked.stdout)["scores"]["meal"] == float(rows[0]["p"])


def test_predictions_as_json_lines_say_the_same(tmp_path):
    as_csv = predictions(tmp_path / "p.csv", "--texts")
    for name, flags in (("p.jsonl", ()), ("p.ndjson", ()), ("p.txt", ("--predictions-format=jsonl",))):
        rows = predictions(tmp_path / name, "--texts", *flags)
        assert [row["text"] for row in rows] == [text for text, _ in ROWS] == [row["text"] for row in as_csv]
        for row, other in zip(rows, as_csv, strict=True):
            assert [str(row["row"]), str(row["line"]), row["truth"], row["predicted"], row["right"]] == [
                other["row"], other["line"], other["truth"], other["predicted"], other["right"] == "true"]
            assert row["p"] == float(other["p"])
            assert row["top"] == [{"label": other[f"label_{i}"], "p": float(other[f"p_{i}"])} for i in (1, 2)]
    assert (tmp_path / "p.txt").read_bytes() == (tmp_path / "p.jsonl").read_bytes()
    forced = run("--input=-", "--predictions", str(tmp_path / "q.jsonl"), "--predictions-format=csv", stdin=CSV)
    assert forced.returncode == 0 and (tmp_path / "q.jsonl").read_bytes().startswith(b"row,line,truth")


def test_no_text_is_written_unasked(tmp_path):
    for name in ("p.csv", "p.jsonl"):
        predictions(tmp_path / name)
        assert "我" not in (tmp_path / name).read_text(encoding="utf-8")


def test_wrong_rows_alone(tmp_path):
    assert [row["row"] for row in predictions(tmp_path / "p.csv", "--wrong")] == ["3"]
    assert [row["row"] for row in predictions(tmp_path / "p.jsonl", "--wrong")] == [3]
    right = "text,label\n我,other\n"
    assert predictions(tmp_path / "p.csv", "--wrong", stdin=right) == []
    assert (tmp_path / "p.csv").read_bytes().count(b"\n") == 1  # the names of the columns


def test_labels_may_hold_whatever_csv_cares_about(tmp_path):
    heads = odd_head(tmp_path / "odd.json")
    stdin = "".join(json.dumps({"text": text, "label": label}) + "\n"
                    for text, label in zip(["我", "我爱", '吃"饭"', "", "饭,\r\n饭", "爱"], ODD, strict=True))
    as_csv = predictions(tmp_path / "p.csv", "--texts", "--top-k=6", stdin=stdin, heads=heads)
    as_json = predictions(tmp_path / "p.jsonl", "--texts", "--top-k=6", stdin=stdin, heads=heads)
    assert [row["truth"] for row in as_csv] == ODD == [row["truth"] for row in as_json]
    for row, other in zip(as_csv, as_json, strict=True):
        assert [row[f"label_{i}"] for i in range(1, 7)] == [one["label"] for one in other["top"]]
        assert sorted(row[f"label_{i}"] for i in range(1, 7)) == sorted(ODD)
        assert row["text"] == other["text"] and row["predicted"] == row["label_1"]
        p = [one["p"] for one in other["top"]]
        assert p == sorted(p, reverse=True) and abs(sum(p) - 1) < 1e-6
    raw = (tmp_path / "p.csv").read_bytes()
    assert b'"say ""no"", he said"' in raw and raw.endswith(b"\r\n")


def test_a_multi_label_heads_predictions_are_lists(tmp_path):
    heads = odd_head(tmp_path / "odd.json", "multi-label")
    stdin = json.dumps({"text": "我", "label": [ODD[0], "nobody's"]}) + "\n" + json.dumps({"text": "饭", "label": []})
    as_csv = predictions(tmp_path / "p.csv", stdin=stdin, heads=heads)
    as_json = predictions(tmp_path / "p.jsonl", stdin=stdin, heads=heads)
    for row, other in zip(as_csv, as_json, strict=True):
        assert [json.loads(row[key]) for key in ("truth", "predicted", "p")] == [
            other[key] for key in ("truth", "predicted", "p")]
        assert other["p"] == sorted(other["p"], reverse=True) and all(p >= 0.5 for p in other["p"])
        assert len(other["top"]) == 3 and len(other["p"]) == len(other["predicted"]) > 0
    assert [row["truth"] for row in as_json] == [[ODD[0], "nobody's"], []]
    assert not any(row["right"] for row in as_json)


def test_a_first_row_without_a_header_is_row_1(tmp_path):
    rows = "我爱吃饭\tmeal\n我\tother\n"
    found = predictions(tmp_path / "p.csv", "--text=1", "--label=2", stdin=rows)
    assert [(row["row"], row["line"], row["truth"]) for row in found] == [("1", "1", "meal"), ("2", "2", "other")]
    # One whose label only later rows vouch for comes at the end.
    found = predictions(tmp_path / "p.csv", "--text=1", "--label=2", stdin="饭\tdrink\n" + rows + "我\tdrink\n")
    assert [row["row"] for row in found] == ["2", "3", "4", "1"]


def test_predictions_to_standard_output_while_the_report_goes_to_a_file(tmp_path):
    done = run("--input=-", "--predictions=-", "--wrong", "--output", str(tmp_path / "report"), stdin=CSV)
    assert done.returncode == 0 and done.stdout.startswith(b"row,line,") and done.stdout.count(b"\r\n") == 2
    assert b"Accuracy" in (tmp_path / "report").read_bytes()


def limited(bytes_max):
    """The disk is full after so many bytes of a file."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))
    return limit


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("before")
    many = "text,label\n" + "我,other\n" * 3000
    done = run("--input=-", "--predictions", str(path), stdin=many, preexec_fn=limited(4096))
    assert done.returncode == 1 and b"p.csv: File too large\n" in done.stderr
    assert done.stdout == b"" and path.read_text() == "before" and os.listdir(tmp_path) == ["p.csv"]


def test_a_broken_row_leaves_no_predictions(tmp_path):
    done = run("--input=-", "--predictions", str(tmp_path / "p.csv"), stdin=CSV + '"open,meal\n')
    assert done.returncode == 1 and os.listdir(tmp_path) == []


def test_the_input_is_never_replaced(tmp_path):
    path, link = tmp_path / "rows.csv", tmp_path / "link.csv"
    path.write_text(CSV, newline="")
    link.symlink_to(path)
    for flag in ("--predictions", "--output"):
        for name in (path, link):
            done = run("--input", str(path), flag, str(name))
            assert done.returncode == 2 and f"{flag} is the input".encode() in done.stderr
        with open(path, "rb") as stdin:
            done = subprocess.run([PROGRAM, "eval", "--model", MODEL, "--heads", HEAD, "--input=-", flag, path],
                                  stdin=stdin, capture_output=True, timeout=10 * PATIENCE_S)
        assert done.returncode == 2 and f"{flag} is the input".encode() in done.stderr
    assert path.read_bytes() == CSV.encode()


@pytest.mark.parametrize("flags, sentence", [
    (["--predictions=-"], "--predictions - is standard output, where the report goes"),
    (["--predictions=-", "--output=-"], "--predictions - is standard output, where the report goes"),
    (["--predictions=p", "--output=p"], "--predictions and --output are the same file, p; name two"),
    (["--predictions=p", "--output=./p"], "--predictions and --output are the same file, p; name two"),
    (["--predictions=.././p", "--output=../p"], "--predictions and --output are the same file, ../"),
    (["--wrong"], "give --predictions FILE"),
    (["--texts"], "give --predictions FILE"),
    (["--top-k=2"], "give --predictions FILE"),
    (["--predictions-format=csv"], "give --predictions FILE"),
    (["--predictions=p", "--top-k=0"], "--top-k must be a whole number from 1"),
    (["--predictions=p", "--top-k=3"], "--top-k must be a whole number from 1 to 2, the head's labels, not '3'"),
])
def test_what_is_wrong_with_predictions_is_named(flags, sentence, tmp_path):
    done = run("--input=-", *flags, stdin=CSV, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"") and sentence in done.stderr.decode()
    assert os.listdir(tmp_path) == []


def test_predictions_that_cannot_be_written_are_named(tmp_path):
    done = run("--input=-", "--predictions", str(tmp_path / "none" / "p"), stdin=CSV)
    assert (done.returncode, done.stdout) == (1, b"") and b"none/p" in done.stderr


# ---- two heads ----

OTHER = {"labels": ["meal", "drink", "other"], "weight": [[-4, 5], [3, 1], [1, 2]], "bias": [0, 0.5, 0]}
CHOICES = ["我爱吃饭", "我", "饭", "爱", "吃", "我饭", "他吃", "你爱他"]


def compared_rows(n=200):
    chance = random.Random(5)
    return "".join(json.dumps({"text": chance.choice(CHOICES), "label": chance.choice(
        ["meal", "other", "drink", "nobody's"])}, ensure_ascii=False) + "\n" for _ in range(n))


def other_head(path, **more):
    path.write_text(json.dumps({**OTHER, **more}), encoding="utf-8")
    return str(path)


def compare(tmp_path, *flags, stdin):
    done = run("--input=-", "--format=json", "--compare", MODEL, "--compare-heads", other_head(tmp_path / "other.json"),
               *flags, stdin=stdin)
    assert (done.returncode, done.stderr) == (0, b""), done.stderr
    return json.loads(done.stdout)


def mcnemar(a, b):
    return min(1, 2 * sum(math.comb(a + b, i) for i in range(min(a, b) + 1)) / 2 ** (a + b))


def test_two_heads_are_compared_on_the_same_rows(tmp_path):
    rows = compared_rows()
    found = compare(tmp_path, "--predictions", str(tmp_path / "p.jsonl"), stdin=rows)
    listed = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text(encoding="utf-8").splitlines()]
    alone = [evaluated("--input=-", stdin=rows), json.loads(run("--input=-", "--format=json", stdin=rows,
                                                                heads=str(tmp_path / "other.json")).stdout)]
    for key, one in zip("ab", alone, strict=True):
        assert found[key]["path"] == MODEL and found[key]["labels"] == len(one["classes"])
        for figure in ("model", "head", "kind", "unknown_labels", "accuracy", "accuracy_interval", "macro", "micro",
                       "log_loss", "calibration_error"):
            assert found[key][figure] == one[figure]
    pairs = [(row["right"], row["right_b"]) for row in listed]
    counts = [pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))]
    assert [found[key] for key in ("both_right", "right_to_wrong", "wrong_to_right", "both_wrong")] == counts
    assert min(counts[:3]) > 0 and sum(counts) == found["rows"] == 200
    assert found["accuracy_difference"] == pytest.approx(alone[1]["accuracy"] - alone[0]["accuracy"])
    assert found["mcnemar_p"] == pytest.approx(mcnemar(*counts[1:3]), rel=1e-5)
    assert found["macro_f1_difference"] == pytest.approx(alone[1]["macro"]["f1"] - alone[0]["macro"]["f1"], abs=1e-5)
    for key in ("accuracy_difference", "macro_f1_difference"):
        low, high = found[f"{key}_interval"]
        assert low < found[key] < high and high - low < 0.3
    assert (found["only_a"], found["only_b"]) == ([], ["drink"])
    assert [one["label"] for one in found["classes"]] == ["other", "meal", "drink"]
    for one in found["classes"]:
        for key, report in zip("ab", alone, strict=True):
            own = next((own for own in report["classes"] if own["label"] == one["label"]), None)
            assert one[key] == (own and {name: own[name] for name in one[key]})
            assert own is None or own["support"] == one["support"]
    assert found["classes"][2]["f1_difference"] is None
    assert found["classes"][0]["f1_difference"] == pytest.approx(
        found["classes"][0]["b"]["f1"] - found["classes"][0]["a"]["f1"], abs=1e-5)


def test_rows_that_changed_are_listed(tmp_path):
    rows = compared_rows()
    found = compare(tmp_path, "--predictions", str(tmp_path / "p.csv"), "--changed", "--texts", stdin=rows)
    with open(tmp_path / "p.csv", encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file, strict=True))
    assert list(listed[0])[4:9] == ["p", "right", "predicted_b", "p_b", "right_b"]
    assert sum(row["right"] == "true" for row in listed) == found["right_to_wrong"] > 0
    assert sum(row["right_b"] == "true" for row in listed) == found["wrong_to_right"] > 0
    assert len(listed) == found["right_to_wrong"] + found["wrong_to_right"]
    compare(tmp_path, "--predictions", str(tmp_path / "p.jsonl"), "--wrong", stdin=rows)
    assert (tmp_path / "p.jsonl").read_bytes().count(b"\n") == 200 - found["both_right"]


def test_a_head_compared_with_itself_does_not_differ():
    found = json.loads(run("--input=-", "--format=json", "--compare-head=meal", stdin=CSV).stdout)
    assert found["accuracy_difference"] == 0 and found["mcnemar_p"] == 1
    assert found["macro_f1_difference_interval"] == [0, 0] and found["a"] == found["b"]
    assert (found["both_right"], found["right_to_wrong"], found["wrong_to_right"], found["both_wrong"]) == (3, 0, 0, 1)


def test_a_comparison_as_text_says_the_same(tmp_path):
    done = run("--input=-", "--compare-heads", other_head(tmp_path / "other.json"), stdin=compared_rows())
    text, found = done.stdout.decode(), compare(tmp_path, stdin=compared_rows())
    assert f"A                 {MODEL}, head meal, binary, 2 labels; " in text and ", head other, multi-class, 3 lab" in text
    assert "\nOnly B knows: drink\n" in text and "Only A" not in text
    for title, figure in (("Accuracy", found["accuracy_difference"]), ("Macro F1", found["macro_f1_difference"])):
        line = next(line for line in text.splitlines() if line.startswith(title))
        assert float(line.split()[-4]) == pytest.approx(figure, abs=1e-4)
    assert f"right to wrong    {found['right_to_wrong']:10}   rows that A alone gets right\n" in text
    assert re.search(rf"^drink {{13}} +{found['classes'][2]['support']} +- +\d+ +- +0\.\d{{4}} +-$", text, re.M)


def test_of_many_labels_those_that_differ_most_are_shown(tmp_path):
    labels = [f"l{i}" for i in range(50)]
    for name, bias in (("a", 0), ("b", 1)):
        (tmp_path / f"{name}.json").write_text(json.dumps(
            {"labels": labels, "weight": [[0, 0]] * 50, "bias": [0] * 7 + [bias] + [0] * 42}))
    done = run("--input=-", "--head=a", "--compare-head=b", heads=str(tmp_path), stdin="text,label\n我,l7\n饭,l7\n")
    text = done.stdout.decode()
    assert "30 of 50 labels, those whose F1 differs most first.\n" in text
    assert re.findall(r"^l\d+", text, re.M)[0] == "l7"


@pytest.mark.parametrize("flags, sentence", [
    (["--format=html"], "--compare reports as text or JSON, without --format html"),
    (["--examples=1"], "--compare reports as text or JSON, without --examples"),
    (["--compare-head=none"], "--compare-head must be one of: other"),
])
def test_what_is_wrong_with_a_comparison_is_named(flags, sentence, tmp_path):
    done = run("--input=-", "--compare", MODEL, "--compare-heads", other_head(tmp_path / "other.json"), *flags, stdin=CSV)
    assert (done.returncode, done.stdout) == (2, b"") and sentence in done.stderr.decode()


def test_heads_of_other_kinds_and_missing_ones_are_not_compared(tmp_path):
    done = run("--input=-", "--compare-heads", other_head(tmp_path / "other.json", kind="multi-label"), stdin=CSV)
    assert done.returncode == 2 and (b"the head meal is binary and the head other is multi-label; only heads that both "
                                     b"answer with one label, or both with several, can be compared") in done.stderr
    done = run("--input=-", "--compare", str(tmp_path / "none"), stdin=CSV)
    assert done.returncode == 1 and b"/none" in done.stderr
    done = run("--input=-", "--compare", "builtin", stdin=CSV)
    assert done.returncode == 2 and b"as --compare, or a head as --compare-heads" in done.stderr
    done = run("--input=-", "--predictions=p", "--changed", stdin=CSV)
    assert done.returncode == 2 and b"--changed is for two heads" in done.stderr


# ---- texts of another file ----

def test_texts_of_the_training_are_counted_and_left_out(tmp_path):
    train = tmp_path / "train.csv"
    train.write_text("text,label\n 我爱吃饭 ,meal\n饭！,meal\n\"\",other\n", encoding="utf-8")
    seen = ("--input=-", "--seen-in", str(train))
    found = evaluated(*seen, stdin=CSV + "饭!,meal\r\n")
    assert found["seen_in"] == {"file": str(train), "rows": 3, "unseen_rows": 2, "unseen_accuracy": 1,
                                "unseen_accuracy_interval": pytest.approx(wilson(2, 2), rel=1e-5)}
    plain = evaluated("--input=-", stdin=CSV + "饭!,meal\r\n")
    assert {**found, "seconds": 0, "seen_in": None} == {**plain, "seconds": 0, "seen_in": None}
    text = run(*seen, stdin=CSV).stdout.decode()
    assert f"seen              2 of 4 texts, in {train}; accuracy without them 1.0000, 95 % interval " in text
    rows = predictions(tmp_path / "p.csv", "--seen-in", str(train))
    assert [row["seen"] for row in rows] == ["true", "false", "true", "false"]
    assert [row["seen"] for row in predictions(tmp_path / "p.jsonl", "--seen-in", str(train))] == [
        True, False, True, False]


def test_a_comparison_tells_both_accuracies_without_seen_texts(tmp_path):
    train, rows = tmp_path / "train.jsonl", compared_rows()
    train.write_text("".join(rows.splitlines(keepends=True)[:3]), encoding="utf-8")
    found = compare(tmp_path, "--seen-in", str(train), "--predictions", str(tmp_path / "p.jsonl"), stdin=rows)
    listed = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text(encoding="utf-8").splitlines()]
    unseen = [row for row in listed if not row["seen"]]
    assert found["seen_in"]["rows"] == 200 - len(unseen) > 0 and found["seen_in"]["unseen_rows"] == len(unseen) > 0
    for key, right in (("a", "right"), ("b", "right_b")):
        n_right = sum(row[right] for row in unseen)
        assert found["seen_in"][key] == {
            "unseen_accuracy": pytest.approx(n_right / len(unseen), rel=1e-5),
            "unseen_accuracy_interval": pytest.approx(wilson(n_right, len(unseen)), rel=1e-5)}


def test_what_is_wrong_with_the_other_file_is_named(tmp_path):
    train = tmp_path / "train.csv"
    train.write_text(CSV)
    for flags, code, sentence in (
            (["--seen-in=-"], 2, "--seen-in must name a file, not standard input"),
            (["--seen-in", str(tmp_path / "none")], 1, "/none cannot be opened"),
            (["--seen-in", str(train), "--text=words"], 2, "'words'"),
            (["--seen-in", str(train), "--output", str(train)], 2, "--output is what --seen-in names"),
            (["--seen-in", str(train), "--predictions", str(train)], 2, "--predictions is what --seen-in names")):
        done = run("--input=-", *flags, stdin=CSV)
        assert (done.returncode, done.stdout) == (code, b"") and sentence in done.stderr.decode(), done.stderr


# ---- what is wrong ----

@pytest.mark.parametrize("flags, stdin, code, sentence", [
    ([], "", 2, "--input must name a labelled file"),
    (["--input=-"], "", 1, "standard input is empty"),
    (["--input=-"], "text,label\n", 1, "holds no rows besides its header"),
    (["--input=-"], "a,b,c\n1,2,3\n", 2, "'a', 'b', 'c'"),
    (["--input=-"], "text,label\n\"x,y\n", 1, "line 2: the quoted cell that begins here is not closed"),
    (["--input=-", "--label-separator=ab"], CSV, 2, "--label-separator must be one character"),
    (["--input=-", "--label-separator=|"], "text,label\nx,meal|other\n", 1, "so a row must have one"),
    (["--input=/none"], "", 1, "/none cannot be opened"),
    (["--input=-", "--head=mood"], CSV, 2, "--head must be one of: meal"),
])
def test_what_is_wrong_is_named(flags, stdin, code, sentence):
    done = run(*flags, stdin=stdin)
    assert (done.returncode, done.stdout) == (code, b""), done.stderr
    assert sentence in done.stderr.decode()
