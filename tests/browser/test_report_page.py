# SPDX-License-Identifier: Apache-2.0
"""The page of `embedd eval --format html`, drawn by a real browser. `make test-browser` runs this."""

import json
import random
import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
PROGRAM = TOP / "build/embedd"
MODEL = TOP / "examples/chain/w6x2"

HOSTILE = ["</script><script>document.title = 'owned'</script>", "<!--<script>", "<img src=x onerror=alert(1)>",
           "__proto__", "constructor", "&lt;b&gt;", "a\u202eb\u202c", "x\x1b[2J", "{{report}}", "标签 👍🏽 عربى",
           "a label of more words than any column of any table has room for, and a few besides, " * 4 + "at last",
           "'\" onmouseover='alert(2)"]
KINDS = {
    "binary": ["other", "meal"],
    "multi-class": ["a", "b", "c", "d"],
    "many": [f"label_{i:02}_of_many" for i in range(77)],
    "hostile": HOSTILE,
    "multi-label": ["first", "second", "third"],
}


def evaluate(folder, name, rows, kind=None):
    """A head of random weights, asked about rows (text, labels): the page and the JSON of its report."""
    labels, chance = KINDS[name], random.Random(name)
    n = 1 if len(labels) == 2 else len(labels)
    head = {"labels": labels, "weight": [[chance.uniform(-4, 4) for _ in range(2)] for _ in range(n)],
            "bias": [0] * n, **({"kind": kind} if kind else {})}
    (folder / "a <head>.json").write_text(json.dumps(head))
    (folder / "rows.jsonl").write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    page = folder / f"{name}.html"
    command = [PROGRAM, "eval", "--model", MODEL, "--heads", folder / "a <head>.json", "--input", folder / "rows.jsonl"]
    subprocess.run([*command, "--format=html", "--output", page], check=True, capture_output=True)
    done = subprocess.run([*command, "--format=json"], check=True, capture_output=True)
    return page, json.loads(done.stdout)


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Of each kind: (page, JSON)."""
    folder, chance, made = tmp_path_factory.mktemp("reports"), random.Random(7), {}
    for name, labels in KINDS.items():
        rows = []
        for _ in range(300):
            text = "".join(chance.choices("他我爱吃你饭", k=chance.randint(1, 4)))
            rows.append((text, chance.sample(labels, 2) if name == "multi-label" else chance.choice(labels)))
        if name == "hostile":
            rows += [("饭", "<b>no label of the head</b>")] * 3
        made[name] = evaluate(folder, name, rows, "multi-label" if name == "multi-label" else None)
    return made


def number(x):
    return "–" if x is None else f"{x:.3f}"


def safe(name):
    return re.sub("[\\0-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", "\ufffd", name)


def label_row(one):
    figures = [number(one["precision"]), number(one["recall"]), number(one["f1"]),
               str(one["support"]), str(one["predicted"]), str(one["correct"])]
    figures += [ranged(one["precision_interval"], 2), ranged(one["recall_interval"], 2)]
    return [safe(one["label"]), *figures, *([f"{one['threshold']:.4g}"] if "threshold" in one else [])]


def ranged(interval, digits=3):
    return "–" if interval is None else "–".join(f"{x:.{digits}f}" for x in interval)


@pytest.mark.parametrize("name", KINDS)
def test_the_page_shows_the_figures_of_the_json(browser, reports, name):
    path, json_report = reports[name]
    page = browser.open(path)
    assert page.complaints() == [] and page.requests() == []
    assert page.ask("document.title") == "a <head>: evaluation"
    assert f"{json_report['kind']} head with {len(KINDS[name])} labels" in page.texts("header .soft")[0]
    tiles = dict(zip(page.texts(".tiles dt"), page.texts(".tiles .big")))
    assert tiles["Examples"] == str(json_report["examples"]) and tiles["Accuracy"] == number(json_report["accuracy"])
    for key, title in {"hamming_loss": "Hamming loss", "top_3_accuracy": "Top 3", "top_5_accuracy": "Top 5",
                       "roc_auc": "ROC AUC", "log_loss": "Log loss", "calibration_error": "Calibration error"}.items():
        assert tiles.get(title) == (number(json_report[key]) if key in json_report else None)
    averages = [[key, *(number(json_report[key][figure]) for figure in ("precision", "recall", "f1")),
                 ranged(json_report[key]["f1_interval"])] for key in ("macro", "micro", "weighted")]
    assert page.ask("[...document.querySelectorAll('[aria-label=Summary] tbody tr')].map((row) => "
                    "[...row.cells].map((cell) => cell.textContent))") == averages
    assert f"95 %: {ranged(json_report['accuracy_interval'])}" in page.texts(".tiles .soft")[1]
    rows = [label_row(one) for one in json_report["classes"]]
    shown = page.table("Labels")
    assert shown == rows if len(rows) <= 30 else sorted(shown) == sorted(rows)
    assert page.ask("[...document.querySelectorAll('svg[role=img]')].map((one) => one.childElementCount > 20)") == [True] * 2
    assert len(page.table("Reliability")) == 15
    assert page.table("Reliability")[14] == [
        "0.93 to 1.00", str(json_report["calibration"][14]["n"]), number(json_report["calibration"][14]["confidence"]),
        number(json_report["calibration"][14]["accuracy"])]


@pytest.mark.parametrize("name", ["binary", "multi-class", "hostile"])
def test_the_matrix_counts_every_example(browser, reports, name):
    path, json_report = reports[name]
    page = browser.open(path)
    counts = {tuple(map(int, place.split())): int(n) for place, n in page.ask(
        "[...document.querySelectorAll('.matrix td[class]')].map((one) => "
        "[`${one.parentNode.rowIndex - 1} ${one.cellIndex - 1}`, one.textContent])")}
    labels = [one["label"] for one in json_report["classes"]]
    want = {(i, i): one["correct"] for i, one in enumerate(json_report["classes"]) if one["correct"] > 0}
    for pair in json_report["confusions"]:
        row = labels.index(pair["truth"]) if pair["truth"] is not None else len(labels)
        want[row, labels.index(pair["predicted"])] = pair["n"]
    assert counts == want and sum(counts.values()) == json_report["examples"]
    assert page.texts(".matrix thead th") == [safe(label) for label in labels]


def test_texts_of_confusions_are_listed_as_text(browser, reports, tmp_path):
    path, json_report = reports["hostile"]
    assert "Examples of confusions" not in browser.open(path).texts("h2")
    json_report = json.loads(json.dumps(json_report))  # of its own
    pair = json_report["confusions"][0]
    pair["examples"] = [{"row": 1, "line": 2, "p": 0.875, "text": "a\n<b>text</b> \u202e" + HOSTILE[0]}]
    pair["tokens"] = [{"token": "<b>", "share": 1.5}, {"token": "a", "share": 0.25}]
    page = tmp_path / "texts.html"
    page.write_text(re.sub(r'(<script id="report" type="application/json">).*?(</script)', lambda found: found[1] +
                           json.dumps(json_report).replace("<", "\\u003c") + found[2],
                           path.read_text(encoding="utf-8"), count=1, flags=re.DOTALL), encoding="utf-8")
    page = browser.open(page)
    assert page.complaints() == []
    pair_names = [safe(pair["truth"] or "(unknown label)"), safe(pair["predicted"])]
    assert page.ask("[...document.querySelectorAll('[aria-label=\"Examples of confusions\"] tbody tr')].map((row) => "
                    "[...row.cells].map((cell) => cell.textContent))") == [
        [*pair_names, "0.875", "2", "a <b>text</b> \ufffd" + HOSTILE[0]]]
    assert page.table("Examples of confusions") == [[*pair_names, "<b> 1.50, a 0.25"]]  # the last table


def test_names_are_text_and_nothing_that_is_planted_runs(browser, reports, tmp_path):
    path, _ = reports["hostile"]
    page = browser.open(path)
    assert page.texts("h1") == ["a <head>"]
    assert "3 of the examples have a label that the head does not know" in page.texts(".warn")[0]
    assert page.ask("document.querySelectorAll('img, script').length") == 2  # its own two scripts
    planted = tmp_path / "planted.html"
    planted.write_text(path.read_text(encoding="utf-8").replace(
        "<main>", "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"
        "<script src=x.js></script><style>body { display: none }</style><main>"), encoding="utf-8")
    page = browser.open(planted)
    assert page.ask("document.title") == "a <head>: evaluation"
    assert page.ask("getComputedStyle(document.body).display") == "block"


def test_many_labels_are_sorted_found_and_shown_on_demand_by_keyboard(browser, reports):
    path, json_report = reports["many"]
    page = browser.open(path)
    assert page.texts(".matrix") == []
    present = [one for one in json_report["classes"] if one["support"] or one["predicted"]]
    worst = min(present, key=lambda one: (one["f1"], -one["support"]))
    assert page.table("Labels")[0] == label_row(worst)
    page.ask("[...document.querySelectorAll('section:last-of-type thead button')][6].focus()")
    page.press("Enter", "Enter")  # down by Right
    assert page.ask("document.activeElement.parentNode.ariaSort") == "descending"
    assert page.table("Labels")[0][6] == str(max(one["correct"] for one in json_report["classes"]))
    pairs = len(json_report["confusions"])
    assert len(page.table("Confusions")) == 30 < pairs
    assert f"30 of {pairs}" in page.texts("[role=status]")[0]
    page.ask("document.querySelector('.more').focus()")
    page.press("Enter")
    assert len(page.table("Confusions")) == pairs
    page.ask("[...document.querySelectorAll('[type=search]')].pop().focus()")
    page.call("Input.insertText", text="LABEL_07")
    assert [row[0] for row in page.table("Labels")] == ["label_07_of_many"]
    assert page.texts("[role=status]")[-1].strip() == "1 of 77"


@pytest.mark.parametrize("name, keys", [
    ("binary", ["precision", "recall", "f1", "accuracy"]), ("multi-class", ["accuracy", "coverage"]),
    ("multi-label", ["precision", "recall", "f1"]),
])
def test_the_slider_reads_the_curve(browser, reports, name, keys):
    path, json_report = reports[name]
    page = browser.open(path)
    page.ask("document.querySelector('[type=range]').focus()")
    page.press("Home", "ArrowRight", "ArrowRight", "ArrowRight")
    point = json_report["curve"][3]
    said = page.texts("output")[0]
    assert page.ask("document.activeElement.ariaValueText") == "0.03" == f"{point['threshold']:.2f}"
    for key in keys:
        assert f"{key.replace('f1', 'F1').replace(key[0], key[0].upper(), 1)} {number(point[key])}" in said
    assert str(point["n"]) in said


CONTRAST = """
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const read = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = (c) => [0, 1, 2].map((i) => c[i] / 255).map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
    .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
  const poor = [];
  for (const one of document.querySelectorAll('body *')) {
    if (![...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) || !one.checkVisibility()) continue;
    const style = getComputedStyle(one);
    let ground = one;
    while (read(getComputedStyle(ground).backgroundColor)[3] === 0) ground = ground.parentElement;
    const a = light(read(one instanceof SVGElement ? style.fill : style.color));
    const b = light(read(getComputedStyle(ground).backgroundColor));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${one.tagName} ${one.className} ${one.textContent}: ${ratio.toFixed(2)}`);
  }
  return poor;
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", KINDS)
def test_all_text_stands_out_from_its_ground(browser, reports, name, scheme):
    page = browser.open(reports[name][0], scheme=scheme)
    bright = page.ask("getComputedStyle(document.body).backgroundColor") == "rgb(247, 248, 249)"
    assert bright == (scheme == "light")
    assert page.ask(CONTRAST) == []


@pytest.mark.parametrize("name", KINDS)
def test_a_phone_shows_it_without_scrolling_sideways(browser, reports, name):
    page = browser.open(reports[name][0], width=360)
    assert page.ask("document.scrollingElement.scrollWidth") <= 360
    # What is wider than its place scrolls there, by keyboard too.
    assert page.ask("[...document.querySelectorAll('.scroll')].filter((one) => one.checkVisibility())"
                    ".every((one) => (one.scrollWidth > one.clientWidth) === (one.tabIndex === 0))")
    assert page.ask("[...document.querySelectorAll('svg[role=img]')].every("
                    "(one) => one.viewBox.baseVal.width <= one.getBoundingClientRect().width + 1)")


def test_a_head_of_no_name_of_its_own_is_called_as_its_model(browser, reports, tmp_path):
    path, json_report = reports["binary"]
    right = {**json_report, "head": "default", "model": "reviews <2>", "confusions": []}
    page = tmp_path / "default.html"
    page.write_text(re.sub(r'(application/json">).*?(</script)', lambda m: m[1] + json.dumps(right) + m[2],
                           path.read_text(encoding="utf-8"), count=1, flags=re.DOTALL), encoding="utf-8")
    page = browser.open(page)
    assert page.complaints() == [] and page.texts("h1") == ["reviews <2>"]
    assert page.ask("document.title") == "reviews <2>: evaluation"
    assert "default" in page.texts(".meta dd")
    assert "Every answer is right: no label was taken for another." in page.texts("section p")


def test_on_paper_it_is_white_and_without_controls(browser, reports):
    page = browser.open(reports["many"][0], scheme="dark", media="print")
    assert page.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.ask("[...document.querySelectorAll('input, .more, details')].filter((one) => one.checkVisibility()).length") == 0
    assert page.ask(CONTRAST) == []


def test_without_scripts_it_says_so_and_shows_the_json(browser, reports):
    path, json_report = reports["hostile"]
    page = browser.open(path, has_scripts=False)
    assert "drawn by JavaScript, which is switched off here" in page.ask("document.querySelector('noscript p').innerText")
    raw = page.ask("document.getElementById('report').innerText")
    assert {**json.loads(raw), "seconds": 0} == {**json_report, "seconds": 0}


def test_data_that_cannot_be_read_is_said_and_shown(browser, reports, tmp_path):
    cut = tmp_path / "cut.html"
    cut.write_text(reports["binary"][0].read_text(encoding="utf-8").replace('"calibration":', ""), encoding="utf-8")
    page = browser.open(cut)
    assert "The report below cannot be drawn" in page.texts("main .warn")[0]
    assert page.ask("document.getElementById('report').checkVisibility()")


def test_without_examples_there_is_nothing_to_draw(browser, reports, tmp_path):
    path, json_report = reports["multi-label"]
    empty = {**json_report, "examples": 0, "accuracy": None, "log_loss": None, "calibration_error": None,
             "hamming_loss": None, "best_f1": None}
    none = tmp_path / "none.html"
    none.write_text(re.sub(r'(application/json">).*?(</script)', lambda m: m[1] + json.dumps(empty) + m[2],
                           path.read_text(encoding="utf-8"), count=1, flags=re.DOTALL), encoding="utf-8")
    page = browser.open(none)
    assert page.complaints() == []
    assert page.texts("main section:last-child") == ["There are no examples: nothing was measured."]
    assert dict(zip(page.texts(".tiles dt"), page.texts(".tiles .big")))["Accuracy"] == "–"
