# SPDX-License-Identifier: Apache-2.0
"""embedd eval: a head measured on labelled rows, in every input format and every report."""

import base64
import hashlib
import json
import re
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


def run(*flags, stdin=""):
    return subprocess.run([PROGRAM, "eval", "--model", MODEL, "--heads", HEAD, *flags],
                          input=stdin.encode(), capture_output=True, timeout=10 * PATIENCE_S)


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
